"""Minima and maxima of a curve at growing bin sizes, in memory: a month at 1 Hz answers a plot in a millisecond.

Level L has bins of 8^L rows: least, greatest, first and last GOOD value, flags. Rows come in blocks; a BAD row takes no
part in any value. Answers hold few points for each pixel column, and a bin that is wider than a pixel column is opened,
so that gaps and single rows of a sparse stretch stay where they are.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.gui.viewmodels.growing import Growing

Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]

FAN_OUT = 8
GAP = 1
SEGMENT = 2
BACKFILLED = 4
BAD = 8
"""Flags of rows and columns, those of the station's series."""
ANSWERS_KEPT = 4
"""Answers remembered: rows that come in then cost what they change, not what is shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Columns of a curve, oldest first: what is drawn at each ``x`` (axis units). Shape (n,); ``gaps`` (k, 2).

    ``flags`` GAP says that the line breaks before this column. Values are NaN where all rows of a column are BAD.
    """

    x: Floats
    low: Floats
    high: Floats
    first: Floats
    last: Floats
    flags: Flags
    gaps: Floats = field(default_factory=lambda: np.zeros((0, 2)))

    def __len__(self) -> int:
        return len(self.x)


def no_columns() -> Envelope:
    """Return an envelope without columns."""
    none = np.zeros(0)
    return Envelope(none, none, none, none, none, np.zeros(0, dtype=np.uint8))


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """An answer that was given: which rows it covers, and whether each row is a column of its own."""

    first: int
    last: int
    dropped: int
    rows: bool
    envelope: Envelope


# columns of a level
_X0, _X1, _LOW, _HIGH, _FIRST, _LAST, _FLAGS = range(7)
_KINDS = ("<f8", "<f8", "<f8", "<f8", "<f8", "<f8", "u1")
_Bins = tuple[NDArray[Any], ...]


class Pyramid:
    """A curve that grows. ``x`` must not fall. Threads: one appends, any may ask."""

    def __init__(self, rows_max: int | None = None) -> None:
        """``rows_max`` bounds memory: the oldest rows are dropped, eighths of it at a time."""
        self._rows_max = rows_max
        self._raw = Growing("<f8", "<f8", "u1")
        self._levels: list[Growing] = []
        self._gaps: list[tuple[float, float]] = []
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[float, float, int], _Answer] = OrderedDict()
        self.dropped = 0

    def __len__(self) -> int:
        return self._raw.size

    @property
    def begin(self) -> float:
        """Return the first x held, NaN without rows."""
        return float(self._raw.view(0)[0]) if self._raw.size else float("nan")

    @property
    def end(self) -> float:
        """Return the newest x, NaN without rows."""
        return float(self._raw.view(0)[-1]) if self._raw.size else float("nan")

    def append(self, x: Floats, y: Floats, flags: Flags | None = None) -> None:
        """Add rows, in order. ``flags`` per row: GAP before it, BACKFILLED, BAD. Raises: ValueError where x falls."""
        if not len(x):
            return
        marks = np.zeros(len(x), dtype=np.uint8) if flags is None else np.array(flags, dtype=np.uint8)
        values = np.array(y, dtype=np.float64)
        values[(marks & BAD) != 0] = np.nan
        marks[np.isnan(values)] |= BAD
        newest = self.end
        if (len(x) > 1 and bool(np.any(np.diff(x) < 0))) or x[0] < newest:
            raise ValueError("x falls")
        with self._lock:
            broken = np.flatnonzero(marks & GAP)
            before = np.concatenate(([newest], x[:-1]))
            self._gaps += [
                (float(before[row]), float(x[row])) for row in broken.tolist() if before[row] == before[row]
            ]
            self._raw.append(np.asarray(x, dtype=np.float64), values, marks)
            self._fold()
            if self._rows_max is not None and self._raw.size > self._rows_max:
                self._shed(self._rows_max)

    def _fold(self) -> None:
        """Make the bins that have become whole, level by level."""
        level = 0
        while True:
            below = self._raw if level == 0 else self._levels[level - 1]
            done = self._levels[level].size if level < len(self._levels) else 0
            whole = below.size // FAN_OUT
            if whole <= done:
                return
            if level == len(self._levels):
                self._levels.append(Growing(*_KINDS))
            parts = self._part(level, done * FAN_OUT, whole * FAN_OUT)
            self._levels[level].append(*_folded(parts))
            level += 1

    def _part(self, level: int, first: int, last: int) -> _Bins:
        """Return bins ``first:last`` of a level (0 = rows) as the seven columns."""
        if level == 0:
            x, y, marks = (self._raw.view(place)[first:last] for place in range(3))
            return (x, x, y, y, y, y, marks)
        return tuple(self._levels[level - 1].view(place)[first:last] for place in range(7))

    def _shed(self, keep: int) -> None:
        """Drop the oldest rows, in whole bins of the highest level that fits."""
        size = FAN_OUT ** max(1, len(self._levels) - 1)
        while size > max(FAN_OUT, keep // 8):
            size //= FAN_OUT
        count = -(-(self._raw.size - keep + keep // 8) // size) * size
        raw, self._raw, self._levels = self._raw, Growing("<f8", "<f8", "u1"), []
        kept = [raw.view(place)[count:] for place in range(3)]
        self._raw.append(*kept)
        self._fold()
        begin = self.begin
        self._gaps = [gap for gap in self._gaps if gap[1] >= begin]
        self.dropped += count

    # -- asking -------------------------------------------------------------------------------------------------------

    def columns(self, begin: float, end: float, width_px: int) -> Envelope:
        """Return columns from ``begin`` to ``end`` (may be infinite), with one row beyond each, so that lines go on."""
        with self._lock:
            size = self._raw.size
            if not size or not end >= begin:
                return no_columns()
            x: Floats = self._raw.view(0)
            first = max(0, int(np.searchsorted(x, begin)) - 1)
            last = min(size, int(np.searchsorted(x, end, side="right")) + 1)
            # The grid of columns is that of the question, so that new rows at the end leave the columns before alone.
            low_x = begin if np.isfinite(begin) else float(x[0])
            high_x = end if np.isfinite(end) else float(x[-1])
            width_px = max(1, width_px)
            column = (high_x - low_x) / width_px
            rows = last - first <= 2 * width_px
            question = (low_x, high_x, width_px)
            known = self._answers.get(question)
            if known is not None and (known.first, known.dropped, known.rows) != (first, self.dropped, rows):
                known = None
            if known is not None and known.last == last:
                return known.envelope
            gaps = [gap for gap in self._gaps if gap[1] >= begin and gap[0] <= end]
            wide = np.array([gap for gap in gaps if gap[1] - gap[0] >= 0.25 * column]).reshape(-1, 2)
            kept = 0 if known is None else _settled(known.envelope.x)
            behind = first if known is None or not kept else int(np.searchsorted(x, known.envelope.x[kept]))
            bins = self._cover(behind, last, width_px, column)
            envelope = _merged(bins, low_x, column, wide, rows=rows)
            if known is not None and kept:
                envelope = _continued(known.envelope, kept, envelope)
            self._answers[question] = _Answer(first, last, self.dropped, rows, envelope)
            self._answers.move_to_end(question)
            if len(self._answers) > ANSWERS_KEPT:
                self._answers.popitem(last=False)
        return envelope

    def _cover(self, first: int, last: int, width_px: int, column: float) -> _Bins:
        """Return bins that cover rows ``first:last``, none wider than a pixel column unless it is a row."""
        level = 0
        while level < len(self._levels) and (last - first) // FAN_OUT ** (level + 1) >= width_px:
            level += 1
        chosen: list[tuple[int, NDArray[np.int64]]] = []
        at = first
        indices = np.zeros(0, dtype=np.int64)
        for depth in range(level, -1, -1):
            size = FAN_OUT**depth
            whole = self._raw.size if depth == 0 else self._levels[depth - 1].size
            # A coarse bin may begin before the first row wanted; it is opened where that can be seen.
            stop = min(last // size, whole) if depth else last
            fresh = np.arange(at // size, max(at // size, stop), dtype=np.int64)
            at = max(at, stop * size)
            indices = np.concatenate((indices, fresh))
            if depth:
                x0, x1 = self._level_x(depth, indices)
                wide = (x1 - x0 > column) | (indices * size < first)
                chosen.append((depth, indices[~wide]))
                opened = indices[wide]
                indices = (opened[:, None] * FAN_OUT + np.arange(FAN_OUT)).ravel()
                indices = indices[(indices + 1) * (size // FAN_OUT) > first]
            else:
                chosen.append((0, indices))
        return self._gathered(chosen)

    def _level_x(self, level: int, indices: NDArray[np.int64]) -> tuple[Floats, Floats]:
        bins = self._levels[level - 1]
        return bins.view(_X0)[indices], bins.view(_X1)[indices]

    def _gathered(self, chosen: list[tuple[int, NDArray[np.int64]]]) -> _Bins:
        """Return the chosen bins in the order of their rows."""
        starts = np.concatenate([indices * FAN_OUT**level for level, indices in chosen])
        parts: list[_Bins] = []
        for level, indices in chosen:
            if level == 0:
                x, y, marks = (self._raw.view(place)[indices] for place in range(3))
                parts.append((x, x, y, y, y, y, marks))
            else:
                parts.append(tuple(self._levels[level - 1].view(place)[indices] for place in range(7)))
        order = np.argsort(starts, kind="stable")
        return tuple(np.concatenate([part[place] for part in parts])[order] for place in range(7))


def _settled(x: Floats) -> int:
    """Return how many columns of an answer new rows leave alone: all but the last two, and none with a shared x."""
    kept = len(x) - 2
    while kept > 0 and x[kept] == x[kept - 1]:
        kept -= 1
    return max(0, kept)


def _continued(before: Envelope, kept: int, behind: Envelope) -> Envelope:
    """Return the first ``kept`` columns of an answer with newer ones behind them, which know all gaps."""
    return Envelope(
        x=np.concatenate((before.x[:kept], behind.x)),
        low=np.concatenate((before.low[:kept], behind.low)),
        high=np.concatenate((before.high[:kept], behind.high)),
        first=np.concatenate((before.first[:kept], behind.first)),
        last=np.concatenate((before.last[:kept], behind.last)),
        flags=np.concatenate((before.flags[:kept], behind.flags)),
        gaps=behind.gaps,
    )


def _folded(parts: _Bins) -> _Bins:
    """Return one bin for each eight."""
    x0, x1, low, high, first, last, marks = (part.reshape(-1, FAN_OUT) for part in parts)
    firsts, lasts = _ends(first, last)
    # GAP and SEGMENT of a bin are about what lies before its first row: breaks inside it are found by opening it.
    inner = np.bitwise_or.reduce(marks & np.uint8(BACKFILLED | BAD), axis=1)
    flags = inner | (marks[:, 0] & np.uint8(GAP | SEGMENT))
    return (
        x0[:, 0],
        x1[:, -1],
        np.fmin.reduce(low, axis=1),
        np.fmax.reduce(high, axis=1),
        firsts,
        lasts,
        flags,
    )


def _ends(first: NDArray[Any], last: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return the first and last GOOD value of each row of bins, NaN where all are BAD."""
    good = ~np.isnan(first)
    rows = np.arange(len(first))
    begins = first[rows, np.argmax(good, axis=1)]
    ends = last[rows, first.shape[1] - 1 - np.argmax(good[:, ::-1], axis=1)]
    return begins, ends


def _merged(bins: _Bins, low_x: float, column: float, gaps: Floats, *, rows: bool) -> Envelope:
    """Merge neighbours that share a pixel column; a break before a bin begins a new one."""
    x0, _, low, high, first, last, marks = bins
    flags: Flags = marks
    if rows or len(x0) < 2 or column <= 0:
        if column > 0 or len(x0) <= 4:
            return Envelope(x0, low, high, first, last, flags, gaps)
        starts = np.array([0])
    else:
        place = np.floor((x0 - low_x) / column)
        change = (place[1:] != place[:-1]) | ((flags[1:] & GAP) != 0)
        starts = np.flatnonzero(np.concatenate(([True], change)))
    stops = np.append(starts[1:], len(x0)) - 1
    firsts, lasts = first[starts].copy(), last[stops].copy()
    for group in np.flatnonzero(np.isnan(firsts) | np.isnan(lasts)).tolist():
        part = slice(starts[group], stops[group] + 1)
        begins, ends = _ends(first[part][None, :], last[part][None, :])
        firsts[group], lasts[group] = begins[0], ends[0]
    merged = np.bitwise_or.reduceat(flags & np.uint8(BACKFILLED | BAD), starts)
    merged |= flags[starts] & np.uint8(GAP | SEGMENT)
    return Envelope(x0[starts], np.fmin.reduceat(low, starts), np.fmax.reduceat(high, starts),
                    firsts, lasts, merged, gaps)  # fmt: skip
