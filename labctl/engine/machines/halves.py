"""Finds half-cycles and cycles in a run's rows, as they come in.

A **half-cycle** is all rows of one polarity, with the rests inside and behind it, until a row of the other
polarity comes or the segment ends. A **cycle** is all rows of one cycle count. Both are closed by content
alone, so a replay of the stored rows in one block closes the same ones at the same rows as the live run
did.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labctl.model.record import CHARGE_CODES, DISCHARGE_CODES, QUALITY_GOOD, STEP_TYPE_NAMES, RecordBlock

END_WINDOW_S = 60.0
"""The end voltage of a half-cycle is the mean of its last minute (reference study, P1)."""
OFFSET_WINDOW_S = 600.0
"""The channel offset is the mean of the last 10 min of step 1, where that is a rest (P1)."""
REST_CODE = STEP_TYPE_NAMES.index("REST")

SIGN_OF_CODE: tuple[int, ...] = tuple(
    1 if code in CHARGE_CODES else -1 if code in DISCHARGE_CODES else 0
    for code in range(len(STEP_TYPE_NAMES))
)


@dataclass(frozen=True, slots=True)
class HalfCycle:
    """One closed half-cycle. ``end_voltage_V`` and ``end_current_A`` are means of the last minute (NaN
    without good rows); ``last_sequence`` is the row that ends it, so the row that decides.
    """

    sign: int
    cycle: int
    last_sequence: int
    begin_time_s: float
    end_time_s: float
    end_voltage_V: float
    end_current_A: float
    capacity_Ah: float


@dataclass(frozen=True, slots=True)
class CycleSums:
    """One closed cycle: charge passed in each direction, and its last row."""

    cycle: int
    charge_Ah: float
    discharge_Ah: float
    last_sequence: int


class _Window:
    """Keeps the rows of the last ``span_s`` seconds and gives their mean."""

    __slots__ = ("_pieces", "_span_s")

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._pieces: list[tuple[NDArray[np.float64], ...]] = []

    def add(self, time_s: NDArray[np.float64], *values: NDArray[np.float64]) -> None:
        self._pieces.append((time_s, *values))
        begin_s = float(time_s[-1]) - self._span_s
        while float(self._pieces[0][0][-1]) < begin_s:
            del self._pieces[0]

    def means(self) -> tuple[float, ...]:
        """Return the mean of each value over the rows of the window, NaN where there is none."""
        if not self._pieces:
            return (math.nan, math.nan)
        columns = [np.concatenate(parts) for parts in zip(*self._pieces, strict=True)]
        inside = columns[0] >= columns[0][-1] - self._span_s - 1e-6
        return tuple(float(column[inside].mean()) for column in columns[1:])


@dataclass(slots=True)
class _OpenHalf:
    sign: int
    cycle: int
    begin_time_s: float
    end_time_s: float = 0.0
    last_sequence: int = 0
    capacity_Ah: float = 0.0
    window: _Window = field(default_factory=lambda: _Window(END_WINDOW_S))


class HalfCycleTracker:
    """Feeds on row blocks in order; yields what they close. Work is per step piece, never per row."""

    def __init__(self) -> None:
        self.offset_V = 0.0
        self._offset_window: _Window | None = _Window(OFFSET_WINDOW_S)
        self._half: _OpenHalf | None = None
        self._cycle = 0
        self._charge_Ah = 0.0
        self._discharge_Ah = 0.0
        self._step = 0
        self._step_sign = 0
        self._step_capacity_Ah = 0.0
        self._segment = 0
        self._last_sequence = 0

    def feed(self, block: RecordBlock) -> Iterator[HalfCycle | CycleSums]:
        """Yield the half-cycles and cycles that these rows close, in order of their last rows."""
        count = len(block)
        if not count:
            return
        step_count = block["step_count"]
        edges = [0, *(np.flatnonzero(step_count[1:] != step_count[:-1]) + 1).tolist(), count]
        for begin, end in zip(edges[:-1], edges[1:], strict=True):
            yield from self._piece(block, begin, end)

    def _piece(self, block: RecordBlock, begin: int, end: int) -> Iterator[HalfCycle | CycleSums]:
        """Take rows ``begin:end``, all of one executed step."""
        sign = SIGN_OF_CODE[int(block["step_type"][begin])]
        step, cycle, segment = (int(block[name][begin]) for name in ("step_count", "cycle_count", "segment"))
        if step != self._step:
            self._close_step(step, sign)
            if segment != self._segment:
                yield from self.close_segment()
                self._segment = segment
            elif sign and self._half is not None and self._half.sign != sign:
                yield self._close_half(self._half)
            if cycle != self._cycle:
                yield from self._close_cycle(cycle)
        if self._offset_window is not None:
            self._feed_offset(block, begin, end, step)
        last_sequence, last_time_s = (
            int(block["sequence"][end - 1]),
            float(block["test_time_second"][end - 1]),
        )
        capacity_Ah = block["step_capacity_ah"][end - 1]
        if math.isfinite(capacity_Ah):
            self._step_capacity_Ah = float(capacity_Ah)
        self._last_sequence = last_sequence
        if sign and self._half is None:
            self._half = _OpenHalf(sign, cycle, float(block["test_time_second"][begin]))
        if self._half is not None:
            self._half.last_sequence = last_sequence
            if sign:
                self._half.end_time_s = last_time_s
                self._feed_window(self._half.window, block, begin, end)

    @staticmethod
    def _feed_window(window: _Window, block: RecordBlock, begin: int, end: int) -> None:
        good = block["quality"][begin:end] == QUALITY_GOOD
        columns = [block[name][begin:end] for name in ("test_time_second", "voltage_volt", "current_ampere")]
        if not good.all():
            columns = [column[good] for column in columns]
        if len(columns[0]):
            window.add(*columns)

    def _feed_offset(self, block: RecordBlock, begin: int, end: int, step: int) -> None:
        window = self._offset_window
        if window is None:
            return
        if step == 1 and int(block["step_type"][begin]) == REST_CODE:
            self._feed_window(window, block, begin, end)
            return
        mean_V = window.means()[0]
        self.offset_V = mean_V if math.isfinite(mean_V) else 0.0
        self._offset_window = None

    def _close_step(self, step: int, sign: int) -> None:
        self._add_step_charge()
        self._step, self._step_sign, self._step_capacity_Ah = step, sign, 0.0

    def _add_step_charge(self) -> None:
        if self._step_sign > 0:
            self._charge_Ah += self._step_capacity_Ah
        elif self._step_sign < 0:
            self._discharge_Ah += self._step_capacity_Ah
        if self._step_sign and self._half is not None:
            self._half.capacity_Ah += self._step_capacity_Ah
        self._step_sign, self._step_capacity_Ah = 0, 0.0

    def _close_half(self, half: _OpenHalf) -> HalfCycle:
        self._half = None
        voltage_V, current_A = half.window.means()
        return HalfCycle(
            half.sign, half.cycle, half.last_sequence, half.begin_time_s, half.end_time_s,
            voltage_V, current_A, half.capacity_Ah,
        )  # fmt: skip

    def _close_cycle(self, next_cycle: int) -> Iterator[CycleSums]:
        if self._cycle:
            yield CycleSums(self._cycle, self._charge_Ah, self._discharge_Ah, self._last_sequence)
        self._cycle, self._charge_Ah, self._discharge_Ah = next_cycle, 0.0, 0.0

    def close_segment(self) -> Iterator[HalfCycle]:
        """Close the half-cycle that stands open at the end of a device test."""
        self._add_step_charge()
        if self._half is not None:
            yield self._close_half(self._half)

    def close_run(self) -> Iterator[HalfCycle | CycleSums]:
        """Close what stands open when the program is done."""
        yield from self.close_segment()
        yield from self._close_cycle(0)

    def open_cycle(self) -> CycleSums:
        """Return the sums of the cycle in progress, the running step's charge included."""
        charge_Ah, discharge_Ah = self._charge_Ah, self._discharge_Ah
        if self._step_sign > 0:
            charge_Ah += self._step_capacity_Ah
        elif self._step_sign < 0:
            discharge_Ah += self._step_capacity_Ah
        return CycleSums(self._cycle, charge_Ah, discharge_Ah, self._last_sequence)
