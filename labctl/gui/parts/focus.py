"""The focus ring: 2 px, 2 px away from the control, above everything, so that nothing clips it (design README 8)."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget
from shiboken6 import isValid

from labctl.gui.theme.current import theme

AWAY_PX, WIDTH_PX = 2, 2
FOLLOW_MS = 250
"""A control moves with what it stands in, and hears nothing of that: its place is looked at so often."""
OWN_RING = "labctl_own_focus"
"""Property of widgets that draw their own focus (grid, plots): no ring around all of them."""


class FocusRing(QWidget):
    """One per window; follows the keyboard's focus. A press of the mouse moves the focus without a ring."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._target: QWidget | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(FOLLOW_MS)
        self._timer.timeout.connect(self._place)
        self.hide()
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._moved)

    def _moved(self, old: QWidget | None, new: QWidget | None) -> None:
        self._leave()
        if new is None or new.window() is not self.window() or new is self.window():
            return
        by_mouse = QApplication.mouseButtons() != Qt.MouseButton.NoButton
        if by_mouse or isinstance(new, QAbstractItemView) or new.property(OWN_RING):
            return
        self._target = new
        self._timer.start()
        new.installEventFilter(self)
        self._place()

    def _leave(self) -> None:
        if self._target is not None and isValid(self._target):  # a control may go while it has the keyboard
            self._target.removeEventFilter(self)
        self._target = None
        self._timer.stop()
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the focused control when it moves, changes its size, or goes."""
        if watched is self._target:
            kind = event.type()
            if kind in (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show):
                self._place()
            elif kind in (QEvent.Type.Hide, QEvent.Type.Close, QEvent.Type.DeferredDelete):
                self._leave()
        return False

    def _place(self) -> None:
        target = self._target
        if target is None or not isValid(target) or target.visibleRegion().isEmpty():
            self.hide()
            return
        reach = theme().px(AWAY_PX + WIDTH_PX)
        corner = target.mapTo(self.window(), QPoint(0, 0))
        area = QRect(corner, target.size()).adjusted(-reach, -reach, reach, reach)
        area = area.intersected(self.window().rect())
        if self.isVisible() and area == self.geometry():
            return
        self.setGeometry(area)
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ring."""
        look, painter = theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = look.px(WIDTH_PX)
        painter.setPen(QPen(look.colour("focus"), width))
        inner = self.rect().toRectF().adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.drawRoundedRect(inner, look.px(6), look.px(6))
