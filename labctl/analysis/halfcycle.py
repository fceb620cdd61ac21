"""Hold one half-cycle: its columns, its values, the one under way, and the newest rows that its end needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.detect import tail_start

HALF_CYCLE_COLUMNS: dict[str, str] = {
    "half_cycle": "<i4",  # from 1
    "cycle": "<i4",  # from 1
    "sign": "<i1",  # +1 charge, -1 discharge
    "cycle_count": "<i4",  # of its first row
    "first_sequence": "<i8",
    "last_sequence": "<i8",
    "start_time_second": "<f8",  # run's test time of its first and last row
    "end_time_second": "<f8",
    "capacity_ah": "<f8",
    "capacity_mah_per_g": "<f8",  # of active mass; NaN without one
    "capacity_mah_per_cm2": "<f8",  # NaN without an area
    "energy_wh": "<f8",
    "mean_voltage_volt": "<f8",
    "end_voltage_volt": "<f8",  # last record, as measured
    "end_minute_voltage_volt": "<f8",  # mean of the last minute, as measured
    "end_minute_current_ampere": "<f8",
    "polarisation_volt": "<f8",  # |end voltage - offset|
    "area_resistance_ohm_cm2": "<f8",  # of the last minute
    "voltage_min_volt": "<f8",
    "voltage_max_volt": "<f8",
    "complete": "?",  # a half-cycle of the other sign followed, or the run ended as planned
}


@dataclass(frozen=True, slots=True)
class HalfCycle:
    """One half-cycle; fields are the columns of ``HALF_CYCLE_COLUMNS`` under names with our unit suffixes.

    ``polarisation_V`` is |last record - offset|; ``end_minute_voltage_V`` is as measured, offset included.
    """

    half_cycle: int
    cycle: int
    sign: int
    cycle_count: int
    first_sequence: int
    last_sequence: int
    start_time_s: float
    end_time_s: float
    capacity_Ah: float
    capacity_mAh_per_g: float
    capacity_mAh_per_cm2: float
    energy_Wh: float
    mean_voltage_V: float
    end_voltage_V: float
    end_minute_voltage_V: float
    end_minute_current_A: float
    polarisation_V: float
    area_resistance_ohm_cm2: float
    voltage_min_V: float
    voltage_max_V: float
    complete: bool

    def values(self) -> tuple[float, ...]:
        """Return the values in the order of ``HALF_CYCLE_COLUMNS``."""
        return tuple(getattr(self, name) for name in _HALF_CYCLE_FIELDS)


_HALF_CYCLE_FIELDS = tuple(HalfCycle.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class CycleResult:
    """One complete cycle: what decisions ask for. ``efficiency`` and ``retention`` are fractions."""

    cycle: int
    charge_capacity_Ah: float
    discharge_capacity_Ah: float
    efficiency: float
    retention: float


@dataclass(slots=True)
class OpenHalfCycle:
    """The half-cycle under way: the newest row's values and the charge of its steps that are done."""

    half_cycle: int
    cycle: int
    sign: int
    cycle_count: int
    first_sequence: int
    start_time_s: float
    last_sequence: int = 0
    step_count: int = -1
    done_capacity_Ah: float = 0.0
    done_energy_Wh: float = 0.0
    step_capacity_Ah: float = 0.0
    step_energy_Wh: float = 0.0
    voltage_min_V: float = float("inf")
    voltage_max_V: float = float("-inf")


class Tail:
    """The newest rows that a time window needs, as views of the blocks that brought them."""

    __slots__ = ("_pieces", "_window_s")

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._pieces: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []

    def clear(self) -> None:
        """Forget all rows."""
        self._pieces = []

    def add(self, time_s: NDArray[Any], voltage_V: NDArray[Any], current_A: NDArray[Any]) -> None:
        """Append rows and forget the pieces that lie wholly before the window."""
        pieces = self._pieces
        pieces.append((time_s, voltage_V, current_A))
        oldest_s = time_s[-1] - 2.0 * self._window_s
        while len(pieces) > 1 and pieces[0][0][-1] < oldest_s:
            del pieces[0]

    def window(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return time, voltage and current of the rows inside the window, oldest first."""
        if not self._pieces:
            nothing = np.empty(0)
            return nothing, nothing, nothing
        if len(self._pieces) == 1:
            time_s, voltage_V, current_A = self._pieces[0]
        else:
            parts = zip(*self._pieces, strict=True)
            time_s, voltage_V, current_A = (np.concatenate(part) for part in parts)
        start = tail_start(time_s, self._window_s)
        return time_s[start:], voltage_V[start:], current_A[start:]
