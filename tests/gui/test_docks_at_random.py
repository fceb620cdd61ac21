"""Views put anywhere at random, by menus and by the mouse: each stays alive, and what is open can be seen.

With QtAds, which stood here before, such a day ended in a crash within some hundred steps: it deletes windows of its
own together with the views that are still in them.
"""

from random import Random
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QTableWidget, QVBoxLayout, QWidget
from shiboken6 import isValid

from labctl.gui.parts.docks import Docks

VIEWS = [f"view{number}" for number in range(8)]
STEPS = 60


def page() -> QWidget:
    """A view with the kinds of widgets that keep something of their own: fields and a table."""
    widget = QWidget()
    lines = QVBoxLayout(widget)
    for child in (QLabel("a word"), QLineEdit("1 mA"), QTableWidget(20, 4)):
        lines.addWidget(child)
    return widget


def drag(docks: Docks, rng: Random) -> None:
    """Take a title, a tab or a border, and let it fall somewhere; sometimes the button is never released."""
    found = [*docks._docks.values(), docks._room, *docks._room.findChildren(QWidget)]
    widget = rng.choice([one for one in found if one.isVisible() and one.height() > 4])
    point = QPoint(rng.randrange(max(1, widget.width())), rng.randrange(min(widget.height(), 40)))
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, point)
    for _ in range(rng.randint(1, 5)):
        point += QPoint(rng.randint(-250, 250), rng.randint(-250, 250))
        if isValid(widget):  # a bar of tabs goes with its last tab
            QTest.mouseMove(widget, point)
    if isValid(widget) and rng.random() < 0.9:
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, point)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_views_stay_alive_wherever_they_are_put_and_dragged_and_whenever_windows_are_closed(
    seed: int, qtbot: Any
) -> None:
    rng = Random(seed)
    docks = Docks()
    qtbot.addWidget(docks)
    for view_id in VIEWS:
        docks.add(view_id, view_id, page)
    docks.resize(1200, 800)
    docks.show()
    docks.reset(VIEWS[0])
    kept = [docks.save()]
    acts = {
        "beside": docks.open_beside,
        "window": docks.open_window,
        "close its window": lambda view_id: docks._docks[view_id].close(),
        "close": docks.close_view,
        "keep": lambda view_id: kept.append(docks.save()) if len(kept) < 4 else None,
        "restore": lambda view_id: docks.restore(*rng.choice(kept)),
        "reset": lambda view_id: docks.reset(VIEWS[0]),
        "open": docks.open,
        "drag": lambda view_id: drag(docks, rng),
        "drag on": lambda view_id: drag(docks, rng),
    }
    done: list[tuple[str, str]] = []
    for _ in range(STEPS):
        name, view_id = rng.choice(list(acts)), rng.choice(VIEWS)
        done.append((name, view_id))
        acts[name](view_id)
        for _turn in range(rng.randrange(3)):
            QCoreApplication.processEvents()
        if rng.random() < 0.3:
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        dead = [view_id for view_id, view in docks.views.items() if not isValid(view)]
        assert not dead, f"{dead} died after {len(done)} acts, the last of them {done[-6:]}"
    docks.reset(VIEWS[0])
    assert docks.shown_ids == (VIEWS[0],) and not docks.is_floating(VIEWS[0])
    QCoreApplication.processEvents()
    assert docks.views[VIEWS[0]].isVisible()
