"""Toasts: work that is done, 5 s, also in the events; never an alarm (R11). They do not take the focus."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QFrame, QWidget

from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.labels import IconLabel, Label
from labctl.gui.parts.layouts import Row
from labctl.gui.theme.current import theme

SHOWN_MS = 5000
KEPT = 3


class Toast(QFrame):
    """One line with a check mark; the pointer on it holds it, the cross sends it away."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("part", "toast")
        self.setAccessibleName(text)
        away = Button(icon="close", rank=Rank.QUIET, height_px=28)
        away.name_it("Close")
        away.clicked.connect(self.close)
        Row(self, margins=(12, 4, 4, 4), gap=8).put(IconLabel("check", "done"), Label(text), away)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.close)
        self._timer.start(SHOWN_MS)

    def event(self, event: QEvent) -> bool:
        """Stay while the pointer is on it."""
        if event.type() == QEvent.Type.Enter:
            self._timer.stop()
        elif event.type() == QEvent.Type.Leave:
            self._timer.start(SHOWN_MS)
        return super().event(event)


class Toasts(QObject):
    """The toasts of a window: above the status bar at the right, newest below."""

    def __init__(self, window: QWidget, bottom_px: float = 28 + 48 + 8) -> None:
        super().__init__(window)
        self._window, self._bottom_px = window, bottom_px
        self._shown: list[Toast] = []
        window.installEventFilter(self)

    def say(self, text: str) -> None:
        """Tell of work that is done."""
        while len(self._shown) >= KEPT:
            self._shown.pop(0).close()
        toast = Toast(text, self._window)
        toast.installEventFilter(self)
        self._shown.append(toast)
        self._place()

    @property
    def texts(self) -> tuple[str, ...]:
        """Return what is shown, oldest first."""
        return tuple(toast.accessibleName() for toast in self._shown)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the window's size; forget a toast that goes."""
        if watched is self._window and event.type() == QEvent.Type.Resize:
            self._place()
        elif event.type() == QEvent.Type.Close and isinstance(watched, Toast):
            self._shown = [toast for toast in self._shown if toast is not watched]
            watched.deleteLater()
            self._place()
        return False

    def _place(self) -> None:
        look = theme()
        bottom = self._window.height() - look.px(self._bottom_px)
        for toast in reversed(self._shown):
            toast.adjustSize()
            bottom -= toast.height()
            toast.move(self._window.width() - toast.width() - look.px(16), bottom)
            bottom -= look.px(4)
            toast.show()
            toast.raise_()
