"""What labctl asks of a temperature chamber and of a thermometer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Quality(StrEnum):
    """How far a reading can be trusted."""

    GOOD = "GOOD"
    BAD = "BAD"
    STALE = "STALE"
    BACKFILLED = "BACKFILLED"


class ChamberState(StrEnum):
    """What the chamber's controller says it does."""

    OFF = "off"
    ON = "on"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class TemperatureReading:
    """One reading; ``temperature_degC`` is NaN exactly when ``quality`` is BAD."""

    temperature_degC: float
    quality: Quality
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ChamberReading(TemperatureReading):
    """A chamber's reading with what it has been told.

    ``setpoint_degC`` is where it shall go, as set by us or at its panel; ``followed_degC`` is where its ramp
    stands now (NaN where the chamber does not tell). Both are the chamber's own words, read back in the same
    poll.
    """

    state: ChamberState = ChamberState.OFF
    alarm: int = 0
    alarm_text: str = ""
    setpoint_degC: float = float("nan")
    followed_degC: float = float("nan")


class Thermometer(Protocol):
    """Reads a temperature."""

    @property
    def name(self) -> str: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def read(self) -> TemperatureReading: ...


class TemperatureChamber(Protocol):
    """Holds cells at a temperature; device-driven: it keeps its set point when the host is gone."""

    @property
    def name(self) -> str: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def read(self) -> ChamberReading: ...
    async def set(self, temperature_degC: float, ramp_K_per_min: float | None = None) -> None:
        """Write the set point, switch on, read both back and compare. Raises UnknownStateError when they
        differ.
        """

    async def off(self) -> None: ...

    def at_setpoint(self, tolerance_K: float = 1.0, hold_s: float = 1800.0) -> bool:
        """Tell whether all readings of the last ``hold_s`` plant seconds lie within the tolerance of the set
        point.

        Judged from the readings that ``read`` has returned; a gap between them or a BAD one begins anew.
        """
