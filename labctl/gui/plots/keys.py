"""What keys mean in a plot (operator-gui.md 7): single letters act here and nowhere else, never on hardware."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent

if TYPE_CHECKING:
    from labctl.gui.plots.frame import PlotFrame

ZOOM_IN = 0.8
PAN_SHARE = 0.1
CURSOR_SHARE = 0.005

Act = Callable[["PlotFrame"], None]
Key = Qt.Key

_PLAIN: dict[int, Act] = {
    Key.Key_L: lambda frame: frame.set_log(y=not frame.sheet.log_y),
    Key.Key_X: lambda frame: frame.set_log(x=not frame.sheet.log_x),
    Key.Key_F: lambda frame: frame.fit(),
    Key.Key_0: lambda frame: frame.fit(),
    Key.Key_R: lambda frame: frame.set_follow(not frame.follow),
    Key.Key_C: lambda frame: frame.show_cursors(not frame.cursors.visible),
    Key.Key_V: lambda frame: frame.overlay_asked.emit(),
    Key.Key_Plus: lambda frame: frame.box.zoom(ZOOM_IN),
    Key.Key_Equal: lambda frame: frame.box.zoom(ZOOM_IN),
    Key.Key_Minus: lambda frame: frame.box.zoom(1 / ZOOM_IN),
    Key.Key_Left: lambda frame: frame.box.pan(-PAN_SHARE, 0.0),
    Key.Key_Right: lambda frame: frame.box.pan(PAN_SHARE, 0.0),
    Key.Key_Up: lambda frame: frame.box.pan(0.0, PAN_SHARE),
    Key.Key_Down: lambda frame: frame.box.pan(0.0, -PAN_SHARE),
    Key.Key_Menu: lambda frame: frame.menu_asked.emit(
        frame.mapToGlobal(QPoint(frame.width() // 2, frame.height() // 2))
    ),
}


def _cursor(index: int, step: float) -> Act:
    def move(frame: PlotFrame) -> None:
        if frame.cursors.visible:
            begin, end = frame.x_range()
            place = frame.cursors.places[index] + step * (end - begin)
            frame.cursors.move(index, min(max(place, begin), end))

    return move


_SHIFT: dict[int, Act] = {Key.Key_Left: _cursor(0, -CURSOR_SHARE), Key.Key_Right: _cursor(0, CURSOR_SHARE)}
"""Shift and arrows move cursor A."""
_CONTROL: dict[int, Act] = {Key.Key_Left: _cursor(1, -CURSOR_SHARE), Key.Key_Right: _cursor(1, CURSOR_SHARE)}
"""Control and arrows move cursor B."""


def act_of(event: QKeyEvent) -> Act | None:
    """Return what a key press means here, None for keys of the window."""
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    key = event.key()
    if held == Qt.KeyboardModifier.ShiftModifier:
        return _SHIFT.get(key) or (_PLAIN.get(key) if key == Key.Key_Plus else None)
    if held == Qt.KeyboardModifier.ControlModifier:
        return _CONTROL.get(key)
    return _PLAIN.get(key) if held == Qt.KeyboardModifier.NoModifier else None
