"""Wire timers of a bench's instrument: what happens after some link time (virtual-time.md 1).

In a served bench the shell runs them by link time; in lockstep and in a bench of one process plant time ends them too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Timer:
    """Something that is to happen once."""

    due_s: float
    act: Callable[[], None]
    over: bool = False

    def fire(self) -> None:
        """Let it happen, unless it has or has been called off."""
        if not self.over:
            self.over = True
            self.act()


class Host(Protocol):
    """Whose timers these are: it knows plant time, and whether plant time or a shell ends its timers."""

    plant_timers: bool
    later: Callable[[float, Callable[[], None]], object] | None

    @property
    def now_s(self) -> float: ...


class Timers:
    """The timers of one instrument."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiting: list[Timer] = []

    def start(self, delay_s: float, act: Callable[[], None]) -> Timer:
        """Let something happen after a delay."""
        timer = Timer(self._host.now_s + delay_s, act)
        self._waiting = [other for other in self._waiting if not other.over]
        self._waiting.append(timer)
        if self._host.later is not None:
            self._host.later(delay_s, timer.fire)
        return timer

    def due_s(self) -> float:
        """Return the plant time of the next one; infinite where plant time ends none."""
        if not self._host.plant_timers:
            return math.inf
        return min((timer.due_s for timer in self._waiting if not timer.over), default=math.inf)

    def step(self, now_s: float) -> None:
        """Let everything happen that is due by plant time."""
        if self._host.plant_timers:
            for timer in sorted(self._waiting, key=lambda each: each.due_s):
                if timer.due_s <= now_s + 1e-6:
                    timer.fire()
