"""One set of gestures for every plot (R9): wheel zooms at the cursor, drag pans, right-drag boxes, double-click fits.

pyqtgraph's own habits stay: wheel and drag over an axis move that axis alone, the middle button pans too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtWidgets import QGraphicsSceneWheelEvent

WHEEL_FACTOR = -1.0 / 8.0


class PlotBox(pg.ViewBox):  # type: ignore[misc]  # pyqtgraph tells no types
    """The range of a plot and what the mouse does to it; draws nothing but the box of a right-drag."""

    fit_asked = Signal(object)
    """Double click: axis 0, 1, or None for both."""
    moved_by_hand = Signal(bool, bool)
    """A person changed the range: of x, of y."""
    menu_asked = Signal(QPointF)
    """Right click, in screen pixels."""

    def __init__(self) -> None:
        """Set pyqtgraph's box up without its menu and its own auto-range."""
        super().__init__(enableMenu=False, defaultPadding=0.0)
        self.disableAutoRange()
        self.setMouseMode(pg.ViewBox.PanMode)
        self.grabber: Callable[[QPointF, bool], Callable[[QPointF], None] | None] = lambda _at, _press: None
        self._dragging: Callable[[QPointF], None] | None = None

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        """Move what was grabbed, else pan (left, middle), or draw a box (right)."""
        if axis is None and ev.button() == Qt.MouseButton.LeftButton:
            if ev.isStart():
                self._dragging = self.grabber(ev.buttonDownPos(), True)
            if self._dragging is not None:
                ev.accept()
                self._dragging(ev.pos())
                if ev.isFinish():
                    self._dragging = None
                return
        if axis is None and ev.button() == Qt.MouseButton.RightButton:
            self._box(ev)
            return
        super().mouseDragEvent(ev, axis)
        self.moved_by_hand.emit(axis in (None, 0), axis in (None, 1))

    def _box(self, ev: Any) -> None:
        ev.accept()
        if not ev.isFinish():
            self.updateScaleBox(ev.buttonDownPos(), ev.pos())
            return
        self.rbScaleBox.hide()
        begin, end = ev.buttonDownPos(), ev.pos()
        if abs(begin.x() - end.x()) < 4 or abs(begin.y() - end.y()) < 4:
            return
        box = self.childGroup.mapRectFromParent(QRectF(begin, end).normalized()).normalized()
        self.setRange(box, padding=0)
        self.moved_by_hand.emit(True, True)

    def wheelEvent(self, ev: QGraphicsSceneWheelEvent, axis: int | None = None) -> None:
        """Zoom about the cursor; Shift zooms x alone, Control y alone."""
        if axis is None and ev.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            axis = 0
        elif axis is None and ev.modifiers() & Qt.KeyboardModifier.ControlModifier:
            axis = 1
        super().wheelEvent(ev, axis)
        self.moved_by_hand.emit(axis in (None, 0), axis in (None, 1))

    def mouseClickEvent(self, ev: Any) -> None:
        """Fit on a double click, ask for the menu on a right click."""
        if ev.button() == Qt.MouseButton.LeftButton and ev.double():
            ev.accept()
            self.fit_asked.emit(None)
        elif ev.button() == Qt.MouseButton.RightButton:
            ev.accept()
            self.menu_asked.emit(ev.screenPos())

    def zoom(self, factor: float) -> None:
        """Zoom about the middle by keys; below 1 is nearer."""
        self.scaleBy((factor, factor))
        self.moved_by_hand.emit(True, True)

    def pan(self, x_share: float, y_share: float) -> None:
        """Move by a share of the window."""
        (x_0, x_1), (y_0, y_1) = self.viewRange()
        self.translateBy(
            x=x_share * (x_1 - x_0) if x_share else None, y=y_share * (y_1 - y_0) if y_share else None
        )
        self.moved_by_hand.emit(bool(x_share), bool(y_share))


class AxisArea(pg.GraphicsWidget):  # type: ignore[misc]  # pyqtgraph tells no types
    """The margin where an axis is drawn: wheel, drag and double click there move this axis alone."""

    def __init__(self, box: PlotBox, axis: int) -> None:
        """Take the box that it moves; ``axis`` 0 = x, 1 = y."""
        super().__init__()
        self._box, self._axis = box, axis
        self.setCursor(Qt.CursorShape.SizeHorCursor if axis == 0 else Qt.CursorShape.SizeVerCursor)

    def wheelEvent(self, ev: QGraphicsSceneWheelEvent) -> None:
        """Zoom this axis about the cursor."""
        self._box.wheelEvent(ev, axis=self._axis)

    def mouseDragEvent(self, ev: Any) -> None:
        """Pan this axis."""
        self._box.mouseDragEvent(ev, axis=self._axis)

    def mouseClickEvent(self, ev: Any) -> None:
        """Fit this axis on a double click."""
        if ev.button() == Qt.MouseButton.LeftButton and ev.double():
            ev.accept()
            self._box.fit_asked.emit(self._axis)
