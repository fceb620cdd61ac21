"""Derive what exports show beside the raw rows: running totals, step and cycle totals, point counters, UTC,
temperature.

Rows come in blocks of any size; the derived values are the same however the rows are cut. Totals are the
sum of the last values of the steps before, added one by one, plus the step's own counter: the instrument's
counters are never integrated a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.model.record import CHARGE_CODES, DISCHARGE_CODES, RecordBlock

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Totals:
    """One counter (capacity, Ah, or energy, Wh) in its families.

    Shape of each: (n,) float64, never negative.
    """

    charging: Floats
    discharging: Floats
    step_charging: Floats
    step_discharging: Floats
    cycle_charging: Floats
    cycle_discharging: Floats


@dataclass(slots=True)
class _Carry:
    """What a counter brings along from the rows before."""

    done: float = 0.0  # the steps before the present one
    step: float = 0.0  # last value of the present step
    cycle_start: float = 0.0  # total when the present cycle began


@dataclass(slots=True)
class Derivation:
    """Carries the state from block to block; feed the rows of one run in order."""

    _carries: dict[tuple[str, int], _Carry] = field(default_factory=dict)
    _step: int | None = None
    _cycle: int | None = None
    _points: int = 0

    def totals(self, block: RecordBlock) -> tuple[Totals, Totals, NDArray[np.int64]]:
        """Return capacity totals, energy totals and the 1-based point number inside the step.

        Needs at least one row.
        """
        step, cycle = block["step_count"], block["cycle_count"]
        new_step = _changes(step, self._step)
        new_cycle = _changes(cycle, self._cycle)
        counters = [
            self._families(name, block[name], block["step_type"], new_step, new_cycle)
            for name in ("step_capacity_ah", "step_energy_wh")
        ]
        index = np.arange(len(block), dtype=np.int64)
        points = index - np.maximum.accumulate(np.where(new_step, index, -self._points)) + 1
        self._step, self._cycle, self._points = int(step[-1]), int(cycle[-1]), int(points[-1])
        return counters[0], counters[1], points

    def _families(
        self,
        name: str,
        counter: Floats,
        step_type: NDArray[np.int8],
        new_step: NDArray[np.bool_],
        new_cycle: NDArray[np.bool_],
    ) -> Totals:
        found: list[Floats] = []
        for codes in (CHARGE_CODES, DISCHARGE_CODES):
            carry = self._carries.setdefault((name, codes[0]), _Carry())
            found += _family(carry, np.where(np.isin(step_type, codes), counter, 0.0), new_step, new_cycle)
        return Totals(found[0], found[3], found[1], found[4], found[2], found[5])


def _changes(values: NDArray[np.int32], before: int | None) -> NDArray[np.bool_]:
    first = np.array([before is None or int(values[0]) != before])
    return np.concatenate((first, values[1:] != values[:-1]))


def _family(
    carry: _Carry, counter: Floats, new_step: NDArray[np.bool_], new_cycle: NDArray[np.bool_]
) -> list[Floats]:
    """Return total, step total and cycle total of one direction, and move the carry to the last row."""
    last_before = np.concatenate(([carry.step], counter[:-1]))
    finished = np.where(new_step, last_before, 0.0)
    # np.cumsum adds one by one, so the sum does not depend on where blocks are cut
    done = np.cumsum(np.concatenate(([carry.done], finished)))[1:]
    total = done + counter
    index = np.arange(len(counter))
    start_row = np.maximum.accumulate(np.where(new_cycle, index, -1))
    cycle_start = np.where(start_row >= 0, done[np.maximum(start_row, 0)], carry.cycle_start)
    cycle = (done - cycle_start) + counter
    carry.done, carry.step, carry.cycle_start = float(done[-1]), float(counter[-1]), float(cycle_start[-1])
    return [total, counter, cycle]


class UtcOfRows:
    """Gives each row its UTC: the start of its segment plus the test time since, so both rise alike.

    ``known`` is false when the manifest names no start.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._starts: dict[int, float] = {}
        for number, segment in enumerate(manifest.get("segments") or [], start=1):
            started = segment.get("started_utc")
            if started:
                offset_s = float(segment.get("time_offset_s") or 0.0)
                self._starts[number] = unix_s(started) - offset_s
        self._run_start = _run_start(manifest)
        self.known = bool(self._starts) or self._run_start is not None

    def unix_time_s(self, block: RecordBlock) -> Floats:
        """Return UTC as unix seconds with ms resolution. Shape: (n,) float64."""
        fallback = self._run_start if self._run_start is not None else min(self._starts.values(), default=0.0)
        segment = block["segment"]
        starts = np.full(len(block), fallback)
        for number in np.unique(segment).tolist():
            starts[segment == number] = self._starts.get(number, fallback)
        return np.asarray(np.round(starts + block["test_time_second"], 3))


def unix_s(text: str) -> float:
    """Return unix seconds of an ISO 8601 text; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment.timestamp() if moment.tzinfo else datetime.fromisoformat(text + "+00:00").timestamp()


def _run_start(manifest: Mapping[str, Any]) -> float | None:
    started = manifest.get("started_utc")
    if started:
        return unix_s(str(started))
    epoch = (manifest.get("clock") or {}).get("epoch_unix_s")
    return None if epoch is None else float(epoch)


class AmbientOfRows:
    """Gives each row the last ambient temperature read before it; NaN where that reading was BAD (I04)."""

    def __init__(self, readings: Sequence[Mapping[str, Any]]) -> None:
        self._time_s = np.array([float(reading["test_time_s"]) for reading in readings])
        self._temperature_degC = np.array(
            [np.nan if reading.get("quality") else float(reading["temperature_degC"]) for reading in readings]
        )

    def __bool__(self) -> bool:
        return bool(np.isfinite(self._temperature_degC).any())

    def temperature_degC(self, block: RecordBlock) -> Floats:
        """Return the temperature per row, NaN before the first reading. Shape: (n,) float64."""
        place = np.searchsorted(self._time_s, block["test_time_second"], side="right") - 1
        return np.where(place >= 0, self._temperature_degC[np.maximum(place, 0)], np.nan)
