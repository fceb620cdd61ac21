"""Waits in plant time while a cell is driven: in slices, each of which looks at the instrument and for a stop.

So a link that is gone is noticed within a slice. An overload that comes and goes the instrument keeps by itself.
"""

from __future__ import annotations

from labctl.clock import Clock
from labctl_drivers.par273a.instrument import Par273A

SLICE_S, NOISE_S = 1.0, 1e-6


class Stopped(Exception):
    """The measurement has been told to stop; caught where it is told how it ended."""


class Pacer:
    """The time of one measurement."""

    def __init__(self, par: Par273A, clock: Clock) -> None:
        self._par = par
        self._clock = clock
        self._begun_s = clock.plant.now_s()
        self.stopping = False

    def begin(self) -> None:
        """Count elapsed time from now on."""
        self._begun_s = self._clock.plant.now_s()

    @property
    def elapsed_s(self) -> float:
        """Return the plant seconds since the beginning, in whole microseconds: less is noise of the number."""
        return round(self._clock.plant.now_s() - self._begun_s, 6)

    def check(self) -> None:
        """Raise Stopped once the measurement has been told to stop."""
        if self.stopping:
            raise Stopped

    async def wait(self, duration_s: float) -> None:
        """Wait so many plant seconds. Raises Stopped, InstrumentError."""
        await self.wait_until(self.elapsed_s + duration_s)

    async def wait_until(self, elapsed_s: float) -> None:
        """Wait until so many plant seconds have passed since the beginning. Raises Stopped, InstrumentError."""
        self.check()
        due_s = self._begun_s + elapsed_s
        while due_s - self._clock.plant.now_s() > SLICE_S + NOISE_S:
            await self._clock.plant.sleep(SLICE_S)
            self.check()
            await self._par.link.status()
        await self._clock.plant.sleep_until(due_s)
        self.check()
