"""Find where a chunk of a step makes records and where it ends, in closed form (virtual-time 4.5).

First the time grid; then single 0.1 s ticks, but only inside intervals in which the chunk's own swing bound
says that a change trigger, an end condition or a protection can fire. All decisions look at the reading with
gain and offset, unsaturated and without noise (virtual-time 4.3).

Ticks are counted from the chunk's start here; ``step_tick`` is the step's age at that start.
Source: neware-bts 4.2 (record rules), 5.4 (protection), virtual-time 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from labctl_simulators.neware.stepfile import Protection as ProtectionLimits
from labctl_simulators.neware.stepfile import RecordRule

COARSE_TICKS = 100
"""Widest interval of the coarse pass, 10 s: wide enough to be cheap, narrow enough for tight swing bounds."""
FINE_BATCH = 32
"""At most this many neighbouring intervals are evaluated tick by tick in one call."""
BAND_SLACK = 1e-9
"""Share of the threshold by which an interval is looked at too early rather than too late (rounding)."""

Ticks = NDArray[np.int64]
Floats = NDArray[np.float64]


class Chunk(Protocol):
    """A stretch of cell life with constant drive and frozen growth, as the world plans it."""

    @property
    def ticks(self) -> int: ...
    def voltage_V(self, ticks: Ticks) -> Floats: ...
    def current_A(self, ticks: Ticks) -> Floats: ...
    def capacity_Ah(self, ticks: Ticks) -> Floats: ...
    def swing_V(self, ticks_a: Ticks, ticks_b: Ticks) -> Floats: ...
    def swing_A(self, ticks_a: Ticks, ticks_b: Ticks) -> Floats: ...


class Reason(Enum):
    """Why a step, or the constant-current part of a CCCV step, ended."""

    TIME = "time"
    VOLTAGE = "voltage"
    CURRENT = "current"
    CAPACITY = "capacity"
    SWITCH = "switch"
    PROTECT = "protect"


@dataclass(frozen=True, slots=True)
class Gauge:
    """The affine part of a measurement chain: reading = true x gain + offset."""

    gain: float = 1.0
    offset: float = 0.0

    def read(self, true: Floats) -> Floats:
        """Return the readings of true values, without noise or saturation."""
        return true * self.gain + self.offset

    def true(self, reading: float) -> float:
        """Return the true value that gives this reading."""
        return (reading - self.offset) / self.gain


@dataclass(slots=True)
class Trigger:
    """A change trigger with a reference of its own (neware-bts 4.2). ``reference`` None: not yet set."""

    of_current: bool
    threshold: float
    reference: float | None = None


@dataclass(slots=True)
class Guard:
    """A protection that is being watched; ``since_tick`` is the step tick at which a violation began."""

    limits: ProtectionLimits
    since_tick: int | None = None

    def outside(self, volt_V: Floats, curr_A: Floats | None) -> NDArray[np.bool_]:
        """Return for each tick whether a limit is broken (current limits only where current is given)."""
        broken = np.zeros(volt_V.shape, dtype=np.bool_)
        if self.limits.voltage_max_V is not None:
            broken |= volt_V > self.limits.voltage_max_V
        if self.limits.voltage_min_V is not None:
            broken |= volt_V < self.limits.voltage_min_V
        if curr_A is not None:
            if self.limits.current_max_A is not None:
                broken |= curr_A > self.limits.current_max_A
            if self.limits.current_min_A is not None:
                broken |= curr_A < self.limits.current_min_A
        return broken


@dataclass(slots=True)
class Watch:
    """What may end the chunk by its readings; None is not watched."""

    above_V: float | None = None
    below_V: float | None = None
    reason: Reason = Reason.VOLTAGE
    stop_current_A: float | None = None
    stop_capacity_Ah: float | None = None
    guards: Sequence[Guard] = ()


@dataclass(slots=True)
class Plan:
    """What a chunk will do: records at ``record_ticks``, maybe an end at tick ``end`` for ``reason``.

    ``references``: (tick, trigger index, new reference) for each firing, so that a cut can undo later ones.
    """

    record_ticks: Ticks
    ticks: int
    reason: Reason | None
    references: list[tuple[int, int, float]] = field(default_factory=list)


@dataclass(slots=True)
class Scan:
    """One evaluation of one chunk; ``capacity_Ah`` is the device's counter at chunk ticks."""

    chunk: Chunk
    horizon: int
    horizon_reason: Reason | None
    step_tick: int
    grid_origin: int
    rules: Sequence[RecordRule]
    triggers: Sequence[Trigger]
    watch: Watch
    voltage: Gauge
    current: Gauge
    steady_current_A: float | None
    capacity_Ah: Callable[[Ticks], Floats]
    first: bool
    marks: Sequence[int] = ()

    def run(self) -> Plan:
        """Evaluate the chunk."""
        grid = self._coarse_grid()
        pass_ = _Pass(self, grid)
        end, reason = pass_.walk()
        if end is None and self.horizon_reason is not None:
            end, reason = self.horizon, self.horizon_reason
        last = self.horizon if end is None else end
        parts = [self._time_ticks(), np.asarray(pass_.fired, dtype=np.int64)]
        if self.first:
            parts.append(np.zeros(1, dtype=np.int64))
        parts.append(np.asarray([mark for mark in self.marks if 0 < mark <= last], dtype=np.int64))
        if reason is not None and reason is not Reason.SWITCH:
            parts.append(np.asarray([last], dtype=np.int64))
        ticks = _distinct(np.concatenate(parts))
        return Plan(
            ticks[ticks <= last], last, reason, [item for item in pass_.references if item[0] <= last]
        )

    def _time_ticks(self) -> Ticks:
        parts = [np.zeros(0, dtype=np.int64)]
        for rule in self.rules:
            if rule.interval_ticks is not None:
                age = self.step_tick - self.grid_origin
                first = (age // rule.interval_ticks + 1) * rule.interval_ticks - age
                parts.append(np.arange(first, self.horizon + 1, rule.interval_ticks, dtype=np.int64))
        return np.concatenate(parts)

    def _coarse_grid(self) -> Ticks:
        filler = np.arange(0, self.horizon, COARSE_TICKS, dtype=np.int64)
        ends = np.asarray([0, self.horizon], dtype=np.int64)
        return _distinct(np.concatenate([self._time_ticks(), filler, ends]))


def _distinct(ticks: Ticks) -> Ticks:
    """Return the different ticks in order (for a few hundred integers faster than numpy's own)."""
    ticks.sort()
    fresh = np.ones(len(ticks), dtype=np.bool_)
    np.not_equal(ticks[1:], ticks[:-1], out=fresh[1:])
    return ticks[fresh]


class _Pass:
    """The walk over the coarse grid; looks at single ticks only where something can happen."""

    def __init__(self, scan: Scan, grid: Ticks) -> None:
        self.scan = scan
        self.grid = grid
        self.fired: list[int] = []
        self.references: list[tuple[int, int, float]] = []
        self.volt_V = scan.voltage.read(scan.chunk.voltage_V(grid))
        self.swing_V = scan.chunk.swing_V(grid[:-1], grid[1:]) * abs(scan.voltage.gain)
        self.curr_A: Floats | None = None
        self.swing_A: Floats | None = None
        if scan.steady_current_A is None:
            self.curr_A = scan.current.read(scan.chunk.current_A(grid))
            self.swing_A = scan.chunk.swing_A(grid[:-1], grid[1:]) * abs(scan.current.gain)
        self._fine_from = 0
        self._fine_to = 0
        self._fine_V = self.volt_V[:0]
        self._fine_A: Floats | None = None
        for trigger in scan.triggers:
            if trigger.reference is None:
                trigger.reference = self._first_reading(trigger)
        smallest = min((item.threshold for item in scan.triggers if not item.of_current), default=0.0)
        self._lively = (self.swing_V >= 0.5 * smallest).tolist()

    def _first_reading(self, trigger: Trigger) -> float:
        if not trigger.of_current:
            return float(self.volt_V[0])
        return float(self.curr_A[0]) if self.curr_A is not None else float(self.scan.steady_current_A or 0.0)

    def walk(self) -> tuple[int | None, Reason | None]:
        """Return the first tick at which the chunk ends by a reading, and why."""
        hot = self._limits_can_fire().tolist()
        live = [
            (index, item)
            for index, item in enumerate(self.scan.triggers)
            if not item.of_current or self.curr_A is not None
        ]
        bands = [(item, *self._band(item)) for _, item in live]
        guarded = self.scan.watch.guards if any(hot) or self._violated() else ()
        for interval, is_hot in enumerate(hot):
            if not is_hot:
                for guard in guarded:
                    guard.since_tick = None
                for item, highest, lowest in bands:
                    reference = item.reference
                    assert reference is not None
                    if (
                        highest[interval] >= reference + item.threshold
                        or lowest[interval] <= reference - item.threshold
                    ):
                        break
                else:
                    continue
            end, reason = self._look_closely(interval, is_hot, live)
            if end is not None:
                return end, reason
        return None, None

    def _band(self, trigger: Trigger) -> tuple[list[float], list[float]]:
        """Return the highest and the lowest reading each interval can hold (plain lists: fast)."""
        if trigger.of_current:
            assert self.curr_A is not None and self.swing_A is not None
            values, swings = self.curr_A[:-1], self.swing_A
        else:
            values, swings = self.volt_V[:-1], self.swing_V
        slack = BAND_SLACK * trigger.threshold
        return (values + swings + slack).tolist(), (values - swings - slack).tolist()

    def _violated(self) -> bool:
        return any(guard.since_tick is not None for guard in self.scan.watch.guards)

    def _limits_can_fire(self) -> NDArray[np.bool_]:
        """Return for each interval whether an end or a protection can fire in it (conservative)."""
        watch = self.scan.watch
        uppers = [g.limits.voltage_max_V for g in watch.guards] + [watch.above_V]
        lowers = [g.limits.voltage_min_V for g in watch.guards] + [watch.below_V]
        hot = np.zeros(len(self.grid) - 1, dtype=np.bool_)
        upper_V = min((value for value in uppers if value is not None), default=None)
        lower_V = max((value for value in lowers if value is not None), default=None)
        if upper_V is not None:
            hot |= self.volt_V[:-1] + self.swing_V >= upper_V
        if lower_V is not None:
            hot |= self.volt_V[:-1] - self.swing_V <= lower_V
        if self.curr_A is not None and self.swing_A is not None:
            if watch.stop_current_A is not None:
                hot |= np.abs(self.curr_A[:-1]) - self.swing_A <= watch.stop_current_A
            for guard in watch.guards:
                if guard.limits.current_max_A is not None:
                    hot |= self.curr_A[:-1] + self.swing_A >= guard.limits.current_max_A
                if guard.limits.current_min_A is not None:
                    hot |= self.curr_A[:-1] - self.swing_A <= guard.limits.current_min_A
        elif self.scan.steady_current_A is not None:
            steady = np.asarray([self.scan.steady_current_A])
            if any(bool(g.outside(np.zeros(1), steady)[0]) for g in _current_only(watch.guards)):
                hot[:] = True
        if watch.stop_capacity_Ah is not None:
            hot |= self.scan.capacity_Ah(self.grid[1:]) >= watch.stop_capacity_Ah * (1.0 - 1e-9)
        return hot

    def _fine(self, interval: int) -> tuple[Ticks, Floats, Floats | None]:
        """Return ticks (a, b] of an interval with readings; neighbours that will be wanted come along."""
        start, stop = int(self.grid[interval]), int(self.grid[interval + 1])
        if not self._fine_from <= start < stop <= self._fine_to:
            last = interval
            while last + 2 < len(self.grid) and last - interval < FINE_BATCH and self._lively[last + 1]:
                last += 1
            self._fine_from, self._fine_to = start, int(self.grid[last + 1])
            ticks = np.arange(start + 1, self._fine_to + 1, dtype=np.int64)
            self._fine_V = self.scan.voltage.read(self.scan.chunk.voltage_V(ticks))
            if self.curr_A is not None:
                self._fine_A = self.scan.current.read(self.scan.chunk.current_A(ticks))
        inside = slice(start - self._fine_from, stop - self._fine_from)
        ticks = np.arange(start + 1, stop + 1, dtype=np.int64)
        return ticks, self._fine_V[inside], None if self._fine_A is None else self._fine_A[inside]

    def _look_closely(
        self, interval: int, hot: bool, live: Sequence[tuple[int, Trigger]]
    ) -> tuple[int | None, Reason | None]:
        ticks, volt_V, curr_A = self._fine(interval)
        end: int | None = None
        reason: Reason | None = None
        if hot:
            end, reason = self._first_end(ticks, volt_V, curr_A)
        count = len(ticks) if end is None else end - int(ticks[0]) + 1
        for index, trigger in live:
            values = curr_A if trigger.of_current else volt_V
            if values is not None:
                self._fire(index, trigger, ticks[:count], values[:count])
        return end, reason

    def _fire(self, index: int, trigger: Trigger, ticks: Ticks, values: Floats) -> None:
        """Note each firing; a plain loop over a hundred ticks is faster than one numpy call per firing."""
        reference, threshold = trigger.reference, trigger.threshold
        assert reference is not None
        nearly = threshold * (1.0 - BAND_SLACK)
        low, high = reference - nearly, reference + nearly
        for tick, value in enumerate(values.tolist(), start=int(ticks[0]) if len(ticks) else 0):
            if low < value < high:
                continue
            if abs(value - reference) >= threshold:
                reference, low, high = value, value - nearly, value + nearly
                self.fired.append(tick)
                self.references.append((tick, index, value))
        trigger.reference = reference

    def _first_end(
        self, ticks: Ticks, volt_V: Floats, curr_A: Floats | None
    ) -> tuple[int | None, Reason | None]:
        watch = self.scan.watch
        found: list[tuple[int, int, Reason]] = []

        def note(mask: NDArray[np.bool_], rank: int, reason: Reason) -> None:
            first = int(mask.argmax())
            if mask[first]:
                found.append((int(ticks[first]), rank, reason))

        if watch.above_V is not None:
            note(volt_V >= watch.above_V, 0, watch.reason)
        if watch.below_V is not None:
            note(volt_V <= watch.below_V, 0, watch.reason)
        if watch.stop_current_A is not None and curr_A is not None:
            note(np.abs(curr_A) <= watch.stop_current_A, 1, Reason.CURRENT)
        if watch.stop_capacity_Ah is not None:
            note(self.scan.capacity_Ah(ticks) >= watch.stop_capacity_Ah * (1.0 - 1e-9), 2, Reason.CAPACITY)
        steady = self.scan.steady_current_A
        shown_A = curr_A if curr_A is not None else np.full(len(ticks), 0.0 if steady is None else steady)
        for guard in watch.guards:
            tick = _trip(guard, ticks + self.scan.step_tick, guard.outside(volt_V, shown_A))
            if tick is not None:
                found.append((tick - self.scan.step_tick, 3, Reason.PROTECT))
        if not found:
            return None, None
        end, _, reason = min(found, key=lambda item: item[:2])
        return end, reason


def _current_only(guards: Sequence[Guard]) -> list[Guard]:
    return [
        Guard(ProtectionLimits(current_max_A=g.limits.current_max_A, current_min_A=g.limits.current_min_A))
        for g in guards
    ]


def _trip(guard: Guard, step_ticks: Ticks, broken: NDArray[np.bool_]) -> int | None:
    """Return the step tick at which a violation has lasted the delay; keeps ``since_tick`` up to date."""
    position = 0
    while position < len(broken):
        if guard.since_tick is None:
            start = int(broken[position:].argmax())
            if not broken[position + start]:
                return None
            position += start
            guard.since_tick = int(step_ticks[position])
        inside = ~broken[position:]
        calm = int(inside.argmax())
        lasts_to = int(step_ticks[-1]) if not inside[calm] else int(step_ticks[position]) + calm - 1
        due = guard.since_tick + guard.limits.delay_ticks
        if due <= lasts_to:
            return due
        if not inside[calm]:
            return None
        guard.since_tick = None
        position += calm + 1
    return None
