"""A limit for one wait after another, at the price of almost nothing.

A timer of its own for every read costs more than the read. Here one timer stays set, and only when it rings
is it asked whether the wait it was set for is still the present one; if not, it is set for the present one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from labctl.clock import LinkTime, Timer


class Deadline:
    """Calls ``on_late`` when a wait lasts longer than it may. Link time; one wait at a time.

    Not for jump mode: the timer that stays behind an ended wait would be a moment to leap to.
    """

    def __init__(self, link: LinkTime, on_late: Callable[[], None]) -> None:
        self._now_s = link.now_s
        self._call_at = link.call_at
        self._on_late = on_late
        self._due_s = math.inf  # of the present wait
        self._rings_s = math.inf  # of the timer, at or before every deadline
        self._timer: Timer | None = None

    def begin(self, duration_s: float) -> None:
        """Begin a wait of at most ``duration_s``."""
        self._due_s = due_s = self._now_s() + duration_s
        if due_s < self._rings_s:
            self._set(due_s)

    def end(self) -> None:
        """End the wait; ``on_late`` will not be called for it."""
        self._due_s = math.inf

    def close(self) -> None:
        """End the wait and take the timer back."""
        self._due_s = self._rings_s = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, moment_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_s = moment_s
        self._timer = self._call_at(moment_s, self._ring)

    def _ring(self) -> None:
        self._timer, self._rings_s = None, math.inf
        due_s = self._due_s
        if math.isinf(due_s):
            return
        if self._now_s() < due_s:
            self._set(due_s)
        else:
            self._due_s = math.inf
            self._on_late()
