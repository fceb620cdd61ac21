"""The curve of a run: what the station has thinned, and the live rows behind it; asked for finer where a person looks.

``columns`` answers at once, in any thread, from what is held; what would be better is asked of the station in the GUI's
thread by ``pump`` and told to watchers when it is there. Memory is bounded: one coarse picture of the whole run, one
fine picture of what is looked at, and so many live rows.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.batches import RowsOf
from labctl.gui.viewmodels.lab import Lab, Place
from labctl.gui.viewmodels.pyramid import BACKFILLED, BAD, GAP, SEGMENT, Envelope, Pyramid, no_columns
from labctl.gui.viewmodels.sparks import columns_of
from labctl.model.record import QUALITY_GOOD

COARSE_PX = 2048
LIVE_ROWS_MAX = 200_000
"""Live rows kept for a curve: five minutes of nothing lost at any rate, 5 MB."""
MARGIN = 0.5
FINER = 1.5
"""A finer picture is asked for when the held one has fewer columns a pixel than 1 / FINER."""
SERIES = ("voltage_volt", "current_ampere", "step_capacity_ah", "step_energy_wh")
"""Columns that the station thins."""


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    """An answer of the station: columns from ``begin`` to ``end``, ``per_x`` columns for a unit of x."""

    begin: float
    end: float
    per_x: float
    envelope: Envelope
    last_sequence: int


def envelope_of(answer: Any, column: str) -> tuple[Envelope, int]:
    """Return the station's series (an Arrow table, or columns) as an envelope, and the number of its last row."""
    names = ["x_first", "x_last", "sequence", "rows", "flags"]
    names += [f"{column}_{what}" for what in ("min", "max", "first", "last")]
    found = columns_of(answer, names)
    if not found or not len(found["x_first"]):
        return no_columns(), 0
    flags = found["flags"].astype(np.uint8)
    x, ends = found["x_first"], found["x_last"]
    broken = np.flatnonzero(flags[1:] & GAP) + 1
    gaps = np.stack((ends[broken - 1], x[broken]), axis=1) if len(broken) else np.zeros((0, 2))
    low, high, first, last = (found[f"{column}_{what}"] for what in ("min", "max", "first", "last"))
    return Envelope(x, low, high, first, last, flags, gaps), int(
        found["sequence"][-1] + found["rows"][-1] - 1
    )


class RunTrace:
    """One column of one run over test time. ``watch`` tells that there is more to draw; ``close`` when not shown."""

    def __init__(
        self, lab: Lab, asks: Asks, run_id: str, column: str, *, live_rows_max: int = LIVE_ROWS_MAX
    ) -> None:
        """``column`` is one of ``SERIES``. Asks for the coarse picture at once."""
        self.run_id = run_id
        self.column = column
        self.revision = 0
        self._lab = lab
        self._asks = asks
        self._lock = threading.Lock()
        self._coarse: _Picture | None = None
        self._fine: _Picture | None = None
        self._live = Pyramid(live_rows_max)
        self._live_first = 0  # sequence of the first live row held
        self._newest = 0
        self._device = (-1.0, -1.0)  # segment and device sequence of the newest live row
        self._wish: tuple[float, float, int] | None = None
        self._outstanding = False
        self._hidden = False
        self._watchers: list[Callable[[], None]] = []
        self.trouble: Trouble | None = None
        self._unwatch = lab.watch({"rows", "link"}, self._changed)
        self._ask(None, None, COARSE_PX)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` when there is more to draw; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    # -- drawing, any thread ----------------------------------------------------------------------------------------

    def columns(self, begin: float, end: float, width_px: int) -> Envelope:
        """Return what can be drawn now between two moments, test time in s; remembers what would be finer."""
        with self._lock:
            base, live_begin = self._best(begin, end, width_px), self._join()
        live = (
            self._live.columns(max(begin, live_begin), end, width_px) if end >= live_begin else no_columns()
        )
        live = _since(live, live_begin)
        if base is None:
            return live
        kept = _until(base.envelope, live_begin)
        return _joined(_between(kept, begin, end), live)

    def _join(self) -> float:
        """Return the moment from which the live rows are drawn: behind what the coarse picture has."""
        begin = self._live.begin
        return begin if begin == begin else math.inf

    def _best(self, begin: float, end: float, width_px: int) -> _Picture | None:
        coarse, fine = self._coarse, self._fine
        if coarse is None or not len(coarse.envelope):
            return coarse
        first, last = float(coarse.envelope.x[0]), min(coarse.end, self._join())
        low, high = max(begin, first), min(end, last)
        if high <= low:
            return coarse
        needed = width_px / (end - begin) if math.isfinite(end - begin) and end > begin else 0.0
        covers = fine is not None and fine.begin <= low and high <= fine.end
        if fine is not None and covers and fine.per_x * FINER >= needed:
            return fine
        if coarse.per_x * FINER < needed:
            room = MARGIN * (high - low)
            self._wish = (
                max(first, low - room),
                min(last, high + room),
                max(1, round(width_px * (1 + 2 * MARGIN))),
            )
        return fine if fine is not None and covers and fine.per_x > coarse.per_x else coarse

    # -- GUI thread -------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Ask the station for what was looked at and is not held finely; called after painting. Cheap when content."""
        with self._lock:
            wish, self._wish = self._wish, None
        if wish is not None and not self._outstanding and self._lab.link.live:
            self._ask(*wish)

    def _ask(self, begin: float | None, end: float | None, width_px: int) -> None:
        self._outstanding = True
        self._asks.ask("runs.series", self.run_id, [self.column], begin=begin, end=end, width=min(width_px, 16_384),
                       then=partial(self._take, begin, end, width_px), failed=self._failed)  # fmt: skip

    def _take(self, begin: float | None, end: float | None, width_px: int, answer: Any) -> None:
        self._outstanding, self.trouble = False, None
        envelope, last_sequence = envelope_of(answer, self.column)
        low = begin if begin is not None else float(envelope.x[0]) if len(envelope) else 0.0
        high = end if end is not None else float(envelope.x[-1]) if len(envelope) else 0.0
        # Fewer columns than asked for: every row is there, nothing finer can be had.
        whole = len(envelope) < width_px
        per_x = math.inf if whole else width_px / max(high - low, 1e-9)
        picture = _Picture(low, high, per_x, envelope, last_sequence)
        with self._lock:
            if begin is None:
                self._coarse = picture
                self._newest = max(self._newest, last_sequence)
            else:
                self._fine = picture
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self._outstanding, self.trouble = False, trouble
        self._tell()

    def _changed(self, places: frozenset[Place]) -> None:
        if ("rows", self.run_id) in places:
            for rows in self._lab.rows:
                if rows.run_id == self.run_id:
                    self._append(rows)
            self._tell()
        missing = self._coarse is None or self._live_first == 0
        if ("link", "station") in places and self._lab.link.live and missing and not self._outstanding:
            self._ask(None, None, COARSE_PX)

    def _append(self, rows: RowsOf) -> None:
        """Take live rows. After a hole in their numbers the coarse picture is asked for anew and goes before them."""
        sequence = np.asarray(rows.columns["sequence"])
        new = sequence > self._newest
        if not new.any():
            return
        columns = {name: np.asarray(values)[new] for name, values in rows.columns.items()}
        first = int(columns["sequence"][0])
        if self._newest and first > self._newest + 1:
            self._start_anew()
        flags = self._flags(columns, backfilled=rows.backfilled)
        x = columns["test_time_second"].astype(np.float64)
        dropped = self._live.dropped
        try:
            self._live.append(x, columns[self.column].astype(np.float64), flags)
        except ValueError:
            self._start_anew()
            return
        if not self._live_first:
            self._live_first = first
        self._newest = int(columns["sequence"][-1])
        if (self._live.dropped != dropped or self._holed) and not self._outstanding:
            self._ask(None, None, COARSE_PX)  # what is not held is drawn from the station's own picture

    @property
    def _holed(self) -> bool:
        """Tell whether rows are missing between the coarse picture and the live ones: the stream began behind it."""
        coarse = self._coarse
        return coarse is not None and coarse.last_sequence + 1 < self._live_first

    def _start_anew(self) -> None:
        with self._lock:
            self._live, self._live_first, self._fine = Pyramid(LIVE_ROWS_MAX), 0, None
        self._device = (-1.0, -1.0)
        if not self._outstanding:  # else its answer shows whether rows are missing still
            self._ask(None, None, COARSE_PX)

    def _flags(self, columns: Mapping[str, NDArray[Any]], *, backfilled: bool) -> NDArray[np.uint8]:
        """Return the flags of live rows, as the station's own series gives them."""
        count = len(columns["sequence"])
        flags = np.full(count, BACKFILLED if backfilled else 0, dtype=np.uint8)
        if "quality" in columns:
            flags[columns["quality"] != QUALITY_GOOD] |= BAD
        if "segment" in columns and "device_sequence" in columns:
            segment = columns["segment"].astype(np.float64)
            device = columns["device_sequence"].astype(np.float64)
            before = np.concatenate(([self._device[0]], segment[:-1]))
            begins = segment != before
            expected = np.where(begins, 0.0, np.concatenate(([self._device[1]], device[:-1]))) + 1
            unknown = np.zeros(count, dtype=bool)
            unknown[0] = self._device[0] < 0
            flags[(device != expected) & ~unknown] |= GAP
            flags[begins & ~unknown] |= SEGMENT
            self._device = (float(segment[-1]), float(device[-1]))
        return flags

    def _tell(self) -> None:
        self.revision += 1
        for observer in tuple(self._watchers):
            observer()

    @property
    def waiting(self) -> bool:
        """Tell whether an answer of the station is awaited (grey lines after 300 ms)."""
        return self._outstanding and self._coarse is None


def _part(envelope: Envelope, part: slice) -> Envelope:
    return Envelope(envelope.x[part], envelope.low[part], envelope.high[part], envelope.first[part],
                    envelope.last[part], envelope.flags[part], envelope.gaps)  # fmt: skip


def _until(envelope: Envelope, x: float) -> Envelope:
    return _part(envelope, slice(0, int(np.searchsorted(envelope.x, x)))) if math.isfinite(x) else envelope


def _since(envelope: Envelope, x: float) -> Envelope:
    if not len(envelope) or not math.isfinite(x):
        return envelope
    return _part(envelope, slice(int(np.searchsorted(envelope.x, x)), None))


def _between(envelope: Envelope, begin: float, end: float) -> Envelope:
    """Return the columns of a range with one beyond each side, and the gaps that touch it."""
    first = max(0, int(np.searchsorted(envelope.x, begin)) - 1)
    last = int(np.searchsorted(envelope.x, end, side="right")) + 1
    found = _part(envelope, slice(first, last))
    touched = (envelope.gaps[:, 1] >= begin) & (envelope.gaps[:, 0] <= end)
    return Envelope(
        found.x, found.low, found.high, found.first, found.last, found.flags, envelope.gaps[touched]
    )


def _joined(one: Envelope, other: Envelope) -> Envelope:
    if not len(other):
        return one
    if not len(one):
        return other
    names = ("x", "low", "high", "first", "last", "flags", "gaps")
    return Envelope(*(np.concatenate((getattr(one, name), getattr(other, name))) for name in names))


class Scaled:
    """A trace with its values times ``factor`` (units, mA/cm2, mAh/g) and its time times ``time`` (s to h).

    ``shift`` is added to the shown time: tests of one cell stand one behind another.
    """

    def __init__(
        self, trace: RunTrace | Pyramid, factor: float = 1.0, time: float = 1.0, shift: float = 0.0
    ) -> None:
        self._trace = trace
        self._factor = factor
        self._time = time
        self._shift = shift

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` when there is more to draw; returns unwatch."""
        return self._trace.watch(observer) if isinstance(self._trace, RunTrace) else lambda: None

    def pump(self) -> None:
        """Ask the station for what was looked at; called after painting."""
        if isinstance(self._trace, RunTrace):
            self._trace.pump()

    def columns(self, begin: float, end: float, width_px: int) -> Envelope:
        """Return the columns in the shown units."""
        begin, end = begin - self._shift, end - self._shift
        found = self._trace.columns(begin / self._time, end / self._time, width_px)
        low, high = found.low * self._factor, found.high * self._factor
        if self._factor < 0:
            low, high = high, low
        first, last = found.first * self._factor, found.last * self._factor
        x, gaps = found.x * self._time + self._shift, found.gaps * self._time + self._shift
        return Envelope(x, low, high, first, last, found.flags, gaps)
