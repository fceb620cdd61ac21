"""Clocks for tests: a story in jump mode takes no time and is told twice alike."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from labctl.clock import Clock, ClockMode, ClockSpec, SupportsAdvance, run_with_clock
from labctl.clock import _SteppedPlant as SteppedPlant

T = TypeVar("T")

Story = Callable[[Clock], Coroutine[Any, Any, T]]

JUMP = ClockSpec(mode=ClockMode.JUMP)


def jump(story: Story[T], *, bench: SupportsAdvance | None = None, start_s: float = 0.0) -> T:
    """Run a story on a jump clock that starts at plant second ``start_s``."""
    return run_with_clock(ClockSpec(mode=ClockMode.JUMP, start_s=start_s), story, bench=bench)


def real(story: Story[T]) -> T:
    """Run a story on wall time, for real sockets and threads."""
    return run_with_clock(ClockSpec(), story)


def lockstep(story: Story[T], admin: str) -> T:
    """Run a story in lockstep with the bench whose admin port is ``host:port``."""
    return run_with_clock(ClockSpec(mode=ClockMode.LOCKSTEP, admin=admin), story)


def next_plant_moment_s(clock: Clock) -> float | None:
    """Return the plant second for which somebody sleeps on a jump or lockstep clock; None: nobody needs plant time."""
    assert isinstance(clock.plant, SteppedPlant)
    return clock.plant.sleepers.next_s()


class RecordingBench:
    """A bench without instruments: notes the moments to which it was advanced."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    def advance_to(self, plant_s: float) -> None:
        """Note the moment."""
        self.moments.append(plant_s)
