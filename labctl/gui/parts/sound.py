"""Short tones of the computer, counted: a priority is told by how often it sounds. Nothing else is needed for it."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

STEP_MS = 260


class Beeper(QObject):
    """Sounds so many tones, one after the other. The tone is the one that the computer's user has chosen for alerts."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.left = 0
        self.sounded = 0
        self._timer = QTimer(self)
        self._timer.setInterval(STEP_MS)
        self._timer.timeout.connect(self._next)

    def play(self, count: int) -> None:
        """Sound ``count`` tones; more urgent ones take the place of what still sounds."""
        self.left = max(self.left, count)
        if self.left and not self._timer.isActive():
            self._next()
            self._timer.start()

    def _next(self) -> None:
        if self.left <= 0:
            self._timer.stop()
            return
        self.left -= 1
        self.sounded += 1
        QApplication.beep()
