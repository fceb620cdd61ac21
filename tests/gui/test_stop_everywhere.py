"""Ctrl+Shift+F12 stops all outputs from wherever a person is: open menus and lists, and dialogs that are Qt's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QInputDialog, QMenu, QMessageBox, QVBoxLayout, QWidget

from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.stopall import give_chord, stop_all, watch_dialogs

pytestmark = pytest.mark.usefixtures("look")


class Pressed:
    """Counts the stops."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def pressed() -> Iterator[Pressed]:
    count = Pressed()
    stop_all().connect_to(count)
    yield count
    stop_all().disconnect_from(count)


@pytest.fixture
def window(qtbot: Any) -> QWidget:
    made = QWidget()
    QVBoxLayout(made)
    give_chord(made)
    watch_dialogs()
    qtbot.addWidget(made)
    with qtbot.waitActive(made, timeout=30_000):
        made.show()
        made.activateWindow()
    return made


def press(qtbot: Any, widget: QWidget) -> None:
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(widget.windowHandle() or widget, Qt.Key.Key_F12, keys)


def test_u20_the_chord_stops_while_a_menu_is_open(window: QWidget, pressed: Pressed, qtbot: Any) -> None:
    menu = QMenu(window)
    menu.addAction("Pause")
    menu.popup(QPoint(10, 10))
    press(qtbot, menu)
    assert pressed.times == 1
    menu.close()


def test_u20_the_chord_stops_while_a_list_is_open(window: QWidget, pressed: Pressed, qtbot: Any) -> None:
    box = QComboBox()
    box.addItems(["1 ×", "600 ×"])
    layout = window.layout()
    assert layout is not None
    layout.addWidget(box)
    box.showPopup()
    press(qtbot, box.view().window())
    assert pressed.times == 1
    box.hidePopup()


@pytest.mark.parametrize("kind", [QFileDialog, QInputDialog, QMessageBox, Dialog])
def test_u20_the_chord_stops_once_from_any_dialog(
    window: QWidget, pressed: Pressed, qtbot: Any, kind: Any
) -> None:
    dialog = Dialog("Reset?", window) if kind is Dialog else kind(window)
    if kind is QFileDialog:
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.open()
    dialog.activateWindow()
    qtbot.waitUntil(lambda: dialog.isActiveWindow())
    qtbot.waitUntil(lambda: bool(dialog.property("labctl_chord")))
    press(qtbot, dialog)
    assert pressed.times == 1
    dialog.close()
    with qtbot.waitActive(window, timeout=30_000):
        window.activateWindow()
    press(qtbot, window)
    assert pressed.times == 2


def test_u20_one_press_is_one_stop_however_many_windows_have_the_chord(
    window: QWidget, pressed: Pressed, qtbot: Any
) -> None:
    others = [QWidget(), QWidget()]
    for other in others:
        give_chord(other)
        qtbot.addWidget(other)
        other.show()
    for at, where in enumerate([window, *others, window], 1):
        with qtbot.waitActive(where, timeout=30_000):
            where.activateWindow()
        press(qtbot, where)
        assert pressed.times == at
