"""A Solartron 1260 or 1255 frequency response analyser: GEN to EXT INPUT, E MONITOR to V1, I MONITOR to V2.

It reads both channels at once and answers V1/V2. An answer that names another frequency than was set is one of an
earlier point, and not believed (potentiostat.md 2.4.7).
"""

from __future__ import annotations

import logging
import math

from labctl.errors import WireError
from labctl_drivers.par273a.analyser import Wait
from labctl_drivers.par273a.bus import Bus
from labctl_drivers.par273a.codec import read_fra, read_line, solartron_number
from labctl_drivers.par273a.messages import AcReading, FraResult
from labctl_drivers.par273a.models import FRA_MORE_S, LIMITS, AnalyserKind, fra_integration_s

log = logging.getLogger(__name__)

RESET, RESET_S = "TT2", 6.0
"""It hears nothing for 5 s; one more, because a word that comes a moment too early is lost without a sign."""

SETTINGS = (
    "CE", "OT1", "OP2,1", "GT0", "VA0", "VB0", "AU0", "SW0", "RA1,0", "RA2,0", "DC1,0", "DC2,0",
    "IP1,0", "IP2,0", "OU1,1", "OU2,1", "SO1,2",
)  # fmt: skip
"""Voltage generator at 0, no automatic integration, no sweep, auto range, DC coupled, single floating inputs, V1/V2.

The words for input 2 are the ones of input 1 with its number [I].
"""

SAME_FREQUENCY = 1e-4
LATE_MAX = 3
"""So many answers of earlier points may still be on their way."""


class Solartron:
    """Implements ``Analyser``."""

    limits = LIMITS[AnalyserKind.FRA]

    def __init__(self, bus: Bus, address: int, *, own: bool = False, polar: bool = False) -> None:
        self._bus = bus
        self._own = own
        self._address = address
        self._polar = polar

    async def open(self) -> str:
        """Connect the box where it is not the 273A's; reset, set up, ask who it is. Raises LinkError, WireError."""
        if self._own:
            await self._bus.open()
        await self._tell(RESET)
        await self._bus.clock.plant.sleep(RESET_S)
        for command in SETTINGS:
            await self._tell(command)
        await self._tell("*IDN?")
        identity = await self._bus.read(self._address, read_line, self._bus.reply_timeout_s)
        return f"FRA {identity}"

    async def close(self) -> None:
        """Disconnect the box where it is not the 273A's."""
        if self._own:
            await self._bus.close()

    async def quiet(self) -> None:
        """Set the generator to 0 V."""
        await self._tell("VA0")

    async def excite(self, frequency_Hz: float, amplitude_V: float) -> None:
        """Let the generator make a sine of so many volts rms."""
        await self._tell(f"FR{solartron_number(frequency_Hz)}")
        await self._tell(f"VA{solartron_number(amplitude_V)}")

    async def measure(self, frequency_Hz: float, wait: Wait) -> AcReading:
        """Integrate five periods, and read the answer. Raises WireError for answers of other points only."""
        integration_s = fra_integration_s(frequency_Hz)
        await self._tell(f"FR{solartron_number(frequency_Hz)}")
        await self._tell(f"IS{solartron_number(integration_s)}")
        await self._tell("SI")
        await wait(integration_s + FRA_MORE_S)
        result = await self._result(frequency_Hz)
        # what the error digit means is not published; an overload is the one that a larger range ends
        trouble = f"the FRA says error {result.error} at {frequency_Hz:g} Hz" if result.error else ""
        nan = math.nan
        return AcReading(result.frequency_Hz, result.ratio, nan, nan, bool(result.error), trouble)

    def seconds(self, frequency_Hz: float) -> float:
        """Return the plant seconds that a point usually takes."""
        return fra_integration_s(frequency_Hz) + FRA_MORE_S

    async def _result(self, frequency_Hz: float) -> FraResult:
        for _ in range(LATE_MAX + 1):
            line = await self._bus.read(self._address, read_line, self._bus.reply_timeout_s)
            result = read_fra(line, polar=self._polar)
            if abs(result.frequency_Hz - frequency_Hz) <= SAME_FREQUENCY * frequency_Hz:
                return result
            log.warning("late answer of %g Hz at %g Hz", result.frequency_Hz, frequency_Hz)
        raise WireError(
            f"answers of other frequencies than {frequency_Hz:g} Hz", rule="2.4.7: echoed frequency"
        )

    async def _tell(self, command: str) -> None:
        await self._bus.write(self._address, command.encode("ascii") + b"\n")
