"""Answer a plot: a run's minima and maxima between two moments, at most a few bins for each pixel column.

The coarsest levels say where the moments lie; the level that is read has at least one bin a pixel and at most
eight; then neighbours that share a pixel column are merged. The newest rows, which fill no bin yet, come from the
finer levels and at last from memory, so that the right edge is exact. A bin that has a gap in it is opened down to
its rows where the gap can be seen: nothing is drawn over a gap (I04).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labctl.errors import UserInputError
from labctl.model.record import RecordBlock
from labctl.store.derive import UtcOfRows
from labctl.store.pyramid import (
    BIN,
    FAN_OUT,
    FIRST_LEVEL,
    GAP,
    LAST_LEVEL,
    MEASURED,
    RISING,
    SEGMENT,
    Bins,
    PyramidFiles,
    View,
    merged,
)

WIDTH_MAX = 16_384
OPENED_MAX = 16
LOOKS_MAX = 32
"""Bins with a gap that are opened in one answer, and looks into records files that this may take."""
_TIME, _CYCLE, _PART = (RISING.index(name) for name in ("test_time_second", "cycle_count", "segment"))


class SeriesAxis(StrEnum):
    """What may stand on the horizontal axis: quantities that never fall."""

    TEST_TIME = "test_time_second"
    UNIX_TIME = "unix_time_second"
    SEQUENCE = "sequence"
    CYCLE = "cycle_count"


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """What is to be drawn. ``begin`` and ``end`` are in units of the axis, None = from the first, to the last row."""

    columns: tuple[str, ...]
    axis: SeriesAxis = SeriesAxis.TEST_TIME
    begin: float | None = None
    end: float | None = None
    width_px: int = 1000

    @classmethod
    def checked(
        cls, columns: Sequence[str], x: str, begin: float | None, end: float | None, width_px: int
    ) -> SeriesQuery:
        """Return a query. Raises: UserInputError saying what may be asked."""
        chosen = tuple(dict.fromkeys(columns or MEASURED[:2]))
        unknown = [name for name in chosen if name not in MEASURED]
        if unknown:
            raise UserInputError(f"There is no series of {unknown[0]!r}; there are {', '.join(MEASURED)}.")
        if x not in list(SeriesAxis):
            axes = ", ".join(SeriesAxis)
            raise UserInputError(f"{x!r} is no axis for a series; use one of {axes}, or ask for records.")
        if not 1 <= width_px <= WIDTH_MAX:
            raise UserInputError(f"A series is 1 to {WIDTH_MAX} pixels wide, not {width_px}.")
        for name, value in (("begin", begin), ("end", end)):
            if value is not None and not np.isfinite(value):
                raise UserInputError(f"{name} must be a number.")
        if begin is not None and end is not None and end < begin:
            raise UserInputError(f"The series would end ({end:g}) before it begins ({begin:g}).")
        return cls(chosen, SeriesAxis(x), begin, end, width_px)


RowSource = Callable[[int, int], Bins]
"""Returns the rows ``first`` to ``last`` (0-based, exclusive) of the run, each as a bin."""


class Answer:
    """One answer in the making. Blocks: belongs into a worker."""

    def __init__(
        self,
        query: SeriesQuery,
        view: View,
        files: PyramidFiles,
        rows: RowSource,
        utc: UtcOfRows,
        visible: int,
    ) -> None:
        """Take what there is; ``visible`` is how many rows of the run may be shown."""
        self._query = query
        self._view = view
        self._files = files
        self._source = rows
        self._utc = utc
        self._visible = min(visible, view.rows)
        self._rows_per_bin = 1
        self._looks = LOOKS_MAX

    def table(self, run_id: str) -> pa.Table:
        """Return the series; see ``series_schema``. Raises: PyramidDamage, OSError."""
        first, last, level = self._range()
        bins = self._cover(first, last, level) if last > first else np.zeros(0, dtype=BIN)
        numbers = first + np.cumsum(bins["rows"].astype(np.int64)) - bins["rows"]
        bins, numbers = self._trimmed(bins, numbers)
        bins, numbers = self._opened(bins, numbers)
        low, high = self._edges(bins, numbers)
        if len(bins) > self._query.width_px:
            bins, numbers = self._pixels(bins, numbers, low, high)
        return self._arrow(run_id, bins, numbers, low, high)

    # -- which rows, which level ------------------------------------------------------------------------------------

    def _range(self) -> tuple[int, int, int]:
        """Return the rows (first, last exclusive) that the axis range needs, and the level to read them at."""
        first, last = 0, self._visible
        most = FAN_OUT * self._query.width_px
        for level in range(LAST_LEVEL, FIRST_LEVEL - 1, -1):
            size = FAN_OUT**level
            begin, end = first // size, min(-(-last // size), self._whole(level))
            if end - begin > most:
                return first, last, level + 1
            if end > begin and (self._query.begin is not None or self._query.end is not None):
                bins = self._view.bins(self._files, level, begin, end)
                low, high = self._x(bins, begin * size + np.arange(len(bins)) * size)
                if self._query.begin is not None:
                    first = max(first, (begin + int(np.searchsorted(high, self._query.begin))) * size)
                if self._query.end is not None:
                    stop = int(np.searchsorted(low, self._query.end, side="right"))
                    if stop < len(bins):
                        last = min(last, (begin + stop) * size)
        last = max(first, last)
        rows = last - first
        return first, last, 0 if rows <= most else 1 if rows <= most * FAN_OUT else FIRST_LEVEL

    def _whole(self, level: int) -> int:
        """Return how many whole bins of a level may be shown."""
        size: int = FAN_OUT**level
        return min(self._view.counts.get(level, 0), self._visible // size)

    def _cover(self, first: int, last: int, level: int) -> Bins:
        """Return bins of a level that cover the rows; what is too new for it comes from the finer ones."""
        if level < FIRST_LEVEL:
            return self._rows(first, last, FAN_OUT**level)
        self._rows_per_bin = max(self._rows_per_bin, FAN_OUT**level)
        size = FAN_OUT**level
        begin, end = first // size, min(-(-last // size), self._whole(level))
        if end <= begin:
            return self._cover(first, last, level - 1)
        bins = self._view.bins(self._files, level, begin, end)
        rest = end * size
        return bins if rest >= last else np.concatenate((bins, self._cover(rest, last, level - 1)))

    def _rows(self, first: int, last: int, size: int) -> Bins:
        """Return rows, merged by ``size``; those that memory has are not read."""
        held = self._view.rows - len(self._view.raw)
        parts = []
        if first < held:
            parts.append(self._source(first, min(last, held)))
        if last > held:
            newest = self._view.newest_rows()
            parts.append(newest[max(0, first - held) : last - held])
        bins = np.concatenate(parts) if len(parts) > 1 else parts[0]
        if size == 1:
            return bins
        self._rows_per_bin = max(self._rows_per_bin, size)
        return merged(bins, np.arange(0, len(bins), size))

    # -- the axis ---------------------------------------------------------------------------------------------------

    def _x(self, bins: Bins, numbers: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the axis values of the first and last row of each bin; ``numbers`` are their first rows, 0-based."""
        axis = self._query.axis
        if axis is SeriesAxis.SEQUENCE:
            first = numbers.astype(np.float64)
            return first + 1.0, first + bins["rows"]
        if axis is SeriesAxis.CYCLE:
            return bins["rising"][:, _CYCLE, 0], bins["rising"][:, _CYCLE, 1]
        if axis is SeriesAxis.TEST_TIME:
            return bins["rising"][:, _TIME, 0], bins["rising"][:, _TIME, 1]
        return self._unix_s(bins, 0), self._unix_s(bins, 1)

    def _unix_s(self, bins: Bins, end: int) -> NDArray[np.float64]:
        rising = bins["rising"][:, :, end]
        if not len(bins):
            return np.zeros(0)
        columns = {"segment": rising[:, _PART].astype(np.int32), "test_time_second": rising[:, _TIME]}
        return self._utc.unix_time_s(RecordBlock(columns))

    def _edges(self, bins: Bins, numbers: NDArray[np.int64]) -> tuple[float, float]:
        low, high = self._x(bins, numbers)
        begin = self._query.begin if self._query.begin is not None else float(low[0]) if len(low) else 0.0
        end = self._query.end if self._query.end is not None else float(high[-1]) if len(high) else begin
        return begin, max(begin, end)

    def _trimmed(self, bins: Bins, numbers: NDArray[np.int64]) -> tuple[Bins, NDArray[np.int64]]:
        """Leave out bins that lie wholly outside the range."""
        low, high = self._x(bins, numbers)
        inside = np.ones(len(bins), dtype=bool)
        if self._query.begin is not None:
            inside &= high >= self._query.begin
        if self._query.end is not None:
            inside &= low <= self._query.end
        return bins[inside], numbers[inside]

    @property
    def _breaks(self) -> int:
        return GAP | SEGMENT if self._query.axis is SeriesAxis.UNIX_TIME else GAP

    def _opened(self, bins: Bins, numbers: NDArray[np.int64]) -> tuple[Bins, NDArray[np.int64]]:
        """Replace bins that span a gap wider than a pixel by their rows, the widest first."""
        low, high = self._x(bins, numbers)
        begin, end = self._edges(bins, numbers)
        pixel = (end - begin) / self._query.width_px
        wide = (bins["rows"] > 1) & (bins["flags"] & self._breaks != 0) & (high - low > pixel)
        found = np.flatnonzero(wide)
        found = found[np.argsort(-(high - low)[found])][:OPENED_MAX]
        if not len(found):
            return bins, numbers
        parts: list[Bins] = []
        at = 0
        for place in np.sort(found).tolist():
            parts.append(bins[at:place])
            parts.append(self._opened_bin(int(numbers[place]), int(bins["rows"][place])))
            at = place + 1
        parts.append(bins[at:])
        joined = np.concatenate(parts)
        return joined, int(numbers[0]) + np.cumsum(joined["rows"].astype(np.int64)) - joined["rows"]

    def _opened_bin(self, first: int, rows: int) -> Bins:
        """Return the bins of the next finer levels, and where the gap is the rows themselves."""
        if rows <= FAN_OUT**FIRST_LEVEL:
            self._looks -= 1
            return self._stretches(self._rows(first, first + rows, 1))
        level = FIRST_LEVEL
        while FAN_OUT ** (level + 1) < rows:
            level += 1
        finer = self._cover(first, first + rows, level)
        parts = []
        at = first
        for place in range(len(finer)):
            bin_ = finer[place : place + 1]
            size = int(bin_["rows"][0])
            torn = size > 1 and bool(bin_["flags"][0] & self._breaks)
            parts.append(self._opened_bin(at, size) if torn and self._looks > 0 else bin_)
            at += size
        return np.concatenate(parts)

    def _stretches(self, rows: Bins) -> Bins:
        """Merge rows up to each gap."""
        return merged(rows, np.flatnonzero((rows["flags"] & self._breaks != 0) | (np.arange(len(rows)) == 0)))

    def _pixels(
        self, bins: Bins, numbers: NDArray[np.int64], begin: float, end: float
    ) -> tuple[Bins, NDArray[np.int64]]:
        """Merge neighbours in one pixel column, but not across a gap."""
        low, _ = self._x(bins, numbers)
        span = end - begin
        pixel = np.zeros(len(bins)) if span <= 0 else np.floor((low - begin) / span * self._query.width_px)
        pixel = np.clip(pixel, 0, self._query.width_px - 1)
        new = np.append(True, pixel[1:] != pixel[:-1])
        gaps = bins["flags"] & self._breaks != 0
        if int(gaps.sum()) <= self._query.width_px:  # more of them say only that everything is torn
            new |= gaps
        starts = np.flatnonzero(new)
        return merged(bins, starts), numbers[starts]

    # -- the result -------------------------------------------------------------------------------------------------

    def _arrow(
        self, run_id: str, bins: Bins, numbers: NDArray[np.int64], begin: float, end: float
    ) -> pa.Table:
        low, high = self._x(bins, numbers)
        columns: dict[str, Any] = {
            "x_first": pa.array(low),
            "x_last": pa.array(high),
            "sequence": pa.array(numbers + 1),
            "rows": pa.array(bins["rows"].astype(np.int64)),
            "bad": pa.array(bins["bad"].astype(np.int64)),
            "flags": pa.array(bins["flags"].astype(np.uint8)),
        }
        for name in self._query.columns:
            values = bins["measured"][:, MEASURED.index(name)]
            for place, what in enumerate(("min", "max", "first", "last")):
                columns[f"{name}_{what}"] = pa.array(np.ascontiguousarray(values[:, place]), from_pandas=True)
        about = {
            "run_id": run_id,
            "x": self._query.axis.value,
            "begin": repr(begin),
            "end": repr(end),
            "run_rows": str(self._visible),
            "rows_per_bin": str(self._rows_per_bin),
        }
        return pa.table(columns).replace_schema_metadata(about)
