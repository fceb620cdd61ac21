"""What makes the alternating signal and measures it at the 273A's monitors: a lock-in amplifier or an FRA.

Both read the ratio of E MONITOR to I MONITOR, so that what both channels share cancels. Neither knows of the cell, of
its signs or of current ranges.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from labctl_drivers.par273a.messages import AcReading
from labctl_drivers.par273a.models import AnalyserLimits

Wait = Callable[[float], Awaitable[None]]
"""Waits so many plant seconds; raises where the measurement has been stopped meanwhile, or the link is gone."""


class Analyser(Protocol):
    """One analyser. All methods raise InstrumentError."""

    limits: AnalyserLimits

    async def open(self) -> str:
        """Connect, silence the generator, set up; return what answers, for the record."""

    async def close(self) -> None:
        """Disconnect, where it has a link of its own."""

    async def quiet(self) -> None:
        """Set the generator's amplitude to 0."""

    async def excite(self, frequency_Hz: float, amplitude_V: float) -> None:
        """Let the generator make a sine of so many volts rms."""

    async def measure(self, frequency_Hz: float, wait: Wait) -> AcReading:
        """Set the frequency, wait until all has settled, and read both monitors."""

    def seconds(self, frequency_Hz: float) -> float:
        """Return the plant seconds that a point usually takes."""
