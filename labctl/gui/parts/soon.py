"""Follow a quick source calmly: the first news at once, what follows together a little later."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 250


class Soon(QObject):
    """``poke`` calls at once, then at most once in ``every_ms``; the last poke is never lost."""

    def __init__(self, owner: QObject, call: Callable[[], None], every_ms: int = EVERY_MS) -> None:
        super().__init__(owner)
        self._call, self._again = call, False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(every_ms)
        self._timer.timeout.connect(self._rested)

    def poke(self) -> None:
        """Say that there is news."""
        if self._timer.isActive():
            self._again = True
            return
        self._timer.start()
        self._call()

    def _rested(self) -> None:
        if self._again:
            self._again = False
            self.poke()
