"""What a channel does to a cell, the cell's state, and the face of a chunk.

A **chunk** is a stretch of time in which resistances, capacity and leak are constants. It answers for every
0.1 s tick of its stretch without changing the cell; ``Cell.commit`` then moves the cell to the tick where
the device's next event lies. Ticks given to a chunk count from the chunk's start; ``offset_ticks`` is where
it starts in the step.

Bits: what a chunk says about a tick depends on that tick alone (see ``modes.py``), so any subset of ticks,
in any number of calls, gives the same bits as the whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from math import nan

import numpy as np
from numpy.typing import NDArray

from labctl_simulators.world.elements import FloatArray

TickArray = NDArray[np.int64]

REACHED = 1.0 - 1e-9
"""A time, capacity or throughput is reached when it is >= limit x REACHED (virtual-time.md 4.2)."""
AGEING_STEP_mAh_cm2 = 0.25
SWING_SLACK_V = 1e-12


class DriveKind(StrEnum):
    """What the channel imposes."""

    REST = "rest"
    CC = "cc"
    CV = "cv"


@dataclass(frozen=True, slots=True)
class Drive:
    """What the channel imposes: nothing, a true current, or a true voltage with a current limit (> 0)."""

    kind: DriveKind
    current_A: float = 0.0
    voltage_V: float = nan
    current_limit_A: float = nan

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", DriveKind(self.kind))
        if self.kind is DriveKind.REST and self.current_A != 0.0:
            raise ValueError("no current flows at rest")

    @staticmethod
    def rest() -> Drive:
        """Return the open circuit."""
        return Drive(DriveKind.REST)

    @staticmethod
    def cc(current_A: float) -> Drive:
        """Return a constant true current, positive charges."""
        return Drive(DriveKind.CC, current_A=current_A)

    @staticmethod
    def cv(voltage_V: float, current_limit_A: float) -> Drive:
        """Return a constant true voltage; the current stays within +-current_limit_A."""
        return Drive(DriveKind.CV, voltage_V=voltage_V, current_limit_A=current_limit_A)

    def same_as(self, other: Drive | None) -> bool:
        """Tell whether two drives are the same (NaN fields too)."""
        return other is not None and repr(self) == repr(other)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A cell at a committed moment; arrays are never written to."""

    circuit_V: FloatArray
    particle: FloatArray
    x: float
    throughput_mAh_cm2: float = 0.0
    half_charge_mAh_cm2: float = 0.0
    age_ticks: int = 0
    shorted: bool = False
    temperature_degC: float = 25.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one step under one drive: what was passed before it, so that the rest are products."""

    drive: Drive
    start_ticks: int
    capacity_Ah: float
    throughput_mAh_cm2: float
    half_charge_mAh_cm2: float


class Chunk(ABC):
    """A stretch of 0 ... ``ticks`` 0.1 s ticks under one drive with constant parameters."""

    ticks: int
    offset_ticks: int
    segment: Segment
    temperature_degC: float
    air_degC: float

    @abstractmethod
    def voltage_V(self, ticks: TickArray) -> FloatArray:
        """Return the true terminal voltage at ticks (0 ... ``ticks``)."""

    @abstractmethod
    def current_A(self, ticks: TickArray) -> FloatArray:
        """Return the true current at ticks."""

    @abstractmethod
    def capacity_Ah(self, ticks: TickArray) -> FloatArray:
        """Return the charge passed since the step began, >= 0, of the true current."""

    @abstractmethod
    def envelope_V(self, ticks_a: TickArray, ticks_b: TickArray) -> tuple[FloatArray, FloatArray]:
        """Return rigorous bounds (lowest, highest) of the voltage within each [a, b]."""

    @abstractmethod
    def swing_A(self, ticks_a: TickArray, ticks_b: TickArray) -> FloatArray:
        """Return an upper bound of |I(t) - I(a)| for t in [a, b]."""

    @abstractmethod
    def state_at(self, ticks: int) -> State:
        """Return the cell's state at a tick; its temperature is still that of the chunk."""

    def swing_V(self, ticks_a: TickArray, ticks_b: TickArray) -> FloatArray:
        """Return an upper bound of |V(t) - V(a)| for t in [a, b], rigorous.

        Where it is below the distance to a limit or trigger, no 0.1 s tick in between has to be looked at.
        """
        start_V = self.voltage_V(ticks_a)
        low_V, high_V = self.envelope_V(ticks_a, ticks_b)
        return np.maximum(high_V - start_V, start_V - low_V)


def first_beyond(chunk: Chunk, first: int, last: int, level_V: float, *, above: bool) -> int | None:
    """Return the first tick in [first, last] with V >= level (``above``) or V <= level, or None.

    Looks at 0.1 s ticks only inside those 10 s intervals whose envelope reaches the level.
    """
    if last < first:
        return None
    edges = np.append(np.arange(first, last, 100, dtype=np.int64), last)
    starts, ends = (edges[:-1], edges[1:]) if len(edges) > 1 else (edges, edges)
    low_V, high_V = chunk.envelope_V(starts, ends)
    for index in np.flatnonzero(high_V >= level_V if above else low_V <= level_V):
        ticks = np.arange(starts[index], ends[index] + 1, dtype=np.int64)
        voltage_V = chunk.voltage_V(ticks)
        hits = np.flatnonzero(voltage_V >= level_V if above else voltage_V <= level_V)
        if len(hits):
            return int(ticks[hits[0]])
    return None
