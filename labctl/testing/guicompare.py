"""What tests of the compare view share: the view on the study, filled, and let to draw."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox

from labctl.gui.views.compare import VIEW
from labctl.gui.views.compare.page import CompareView
from labctl.testing.guistudy import Desk


def shown(desk: Desk, session: Any, qtbot: Any) -> CompareView:
    """Return the view, shown and active."""
    made = VIEW.make(desk.context(session))
    assert isinstance(made, CompareView)
    qtbot.addWidget(made)
    made.retranslate()
    made.resize(1528, 892)
    with qtbot.waitActive(made, timeout=30_000):
        made.show()
        made.activateWindow()
    made.shown()
    return made


def filled(view: CompareView, desk: Desk, qtbot: Any, names: str = "S1 S2 S3 S4 F1 F2 F3 F4") -> None:
    """Compare these cells' runs."""
    runs = [
        run for run in desk.asks.answers["runs.list"]() if run.run_id in {f"run-{n}" for n in names.split()}
    ]
    view.undo.do(view.compare.add(runs))
    settle(view, qtbot)


def settle(view: CompareView, qtbot: Any) -> None:
    """Let the view draw what has changed."""
    qtbot.waitUntil(lambda: not view._soon.isActive(), timeout=30_000)
    QApplication.processEvents()
    view.refresh()


def titles(view: CompareView) -> list[str]:
    """Return what the compared cells are called."""
    return [line.title for line in view.compare.lines()]


def undo(view: CompareView, qtbot: Any) -> None:
    """Press Ctrl+Z and let the view draw."""
    view.activateWindow()
    qtbot.waitUntil(view.isActiveWindow, timeout=30_000)
    qtbot.keyClick(view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(view, qtbot)


def choose(box: QComboBox, key: str) -> None:
    """Choose as a person does."""
    box.setCurrentIndex(box.findData(key))
    box.activated.emit(box.currentIndex())
