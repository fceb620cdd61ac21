"""Watch the window's thread: how long one turn keeps it busy, and how long a key takes until its paint is done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from labctl.clock import link_now_s

BUSY_MAX_S = 0.2
"""More thread time than this in one turn of the loop is a defect (operator-gui 8)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One event that Qt handed out in the outermost turn: its thread time, its kind, and who took it."""

    busy_s: float
    kind: str
    receiver: str


class WatchedApplication(QApplication):
    """An application that times every event it hands out. Must be made before any other application."""

    def __init__(self, words: Sequence[str] = ("labctl",)) -> None:
        super().__init__(list(words))
        self.longest: list[Turn] = []
        self.key_to_paint_s: list[float] = []
        self.painted: QObject | None = None
        """Whose paint ends the wait for a key."""
        self._depth = 0
        self._key_s: float | None = None

    def press_at(self, moment_s: float) -> None:
        """Say that a key left the keyboard at a moment of ``labctl.clock.link_now_s``; the next paint answers it."""
        self._key_s = moment_s

    def over(self, limit_s: float = BUSY_MAX_S) -> list[Turn]:
        """Return the turns that kept the thread busy for longer."""
        return [turn for turn in self.longest if turn.busy_s > limit_s]

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        """Hand an event out and look at the clock before and after."""
        kind = event.type()
        self._depth += 1
        begin_s = time.thread_time()
        try:
            return super().notify(receiver, event)
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._keep(time.thread_time() - begin_s, kind, receiver)
            if kind == QEvent.Type.Paint and receiver is self.painted and self._key_s is not None:
                self.key_to_paint_s.append(link_now_s() - self._key_s)
                self._key_s = None

    def _keep(self, busy_s: float, kind: QEvent.Type, receiver: QObject) -> None:
        if busy_s < BUSY_MAX_S / 10:
            return
        name = f"{type(receiver).__name__} {receiver.objectName()}".strip()
        self.longest.append(Turn(busy_s, kind.name, name))
        self.longest.sort(key=lambda turn: -turn.busy_s)
        del self.longest[50:]
