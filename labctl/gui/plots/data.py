"""What a curve is drawn from: minima and maxima per column, or plain arrays. Plain Python and numpy, no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GAP = 1
"""Records are missing before a row of this column."""
SEGMENT = 2
BACKFILLED = 4
BAD = 8
"""Flags of a column, the station's own (``series``)."""


class EnvelopeLike(Protocol):
    """Columns of a curve, oldest first. All arrays (n,), ``gaps`` (k, 2): where each gap begins and ends."""

    @property
    def x(self) -> Floats: ...
    @property
    def low(self) -> Floats: ...
    @property
    def high(self) -> Floats: ...
    @property
    def first(self) -> Floats: ...
    @property
    def last(self) -> Floats: ...
    @property
    def flags(self) -> NDArray[np.uint8]: ...
    @property
    def gaps(self) -> Floats: ...


@runtime_checkable
class Trace(Protocol):
    """Something that answers a plot. Called in a worker: must be safe while rows arrive."""

    def columns(self, begin: float, end: float, width_px: int) -> EnvelopeLike:
        """Return columns from ``begin`` to ``end`` (axis units, may be infinite), about one for each pixel."""
        ...


@dataclass(frozen=True, slots=True)
class Columns:
    """An envelope of arrays. Shape: (n,) each, ``gaps`` (k, 2)."""

    x: Floats
    low: Floats
    high: Floats
    first: Floats
    last: Floats
    flags: NDArray[np.uint8]
    gaps: Floats = field(default_factory=lambda: np.zeros((0, 2)))


def no_columns() -> Columns:
    """Return an envelope without columns."""
    none = np.zeros(0)
    return Columns(none, none, none, none, none, np.zeros(0, dtype=np.uint8))


class ArrayTrace:
    """A trace of arrays that are small enough to be scanned: predicted curves, sketches, tests.

    ``x`` must not fall. A value of NaN and a flag GAP both break the line; the flag BACKFILLED makes hollow marks.
    """

    def __init__(self, x: Floats, y: Floats, flags: NDArray[np.uint8] | None = None) -> None:
        """Take the arrays as they are. Raises: ValueError when their lengths differ or ``x`` falls."""
        self._x = np.asarray(x, dtype=np.float64)
        self._y = np.asarray(y, dtype=np.float64)
        if self._x.shape != self._y.shape or self._x.ndim != 1:
            raise ValueError("x and y must be of one length")
        if len(self._x) > 1 and bool(np.any(np.diff(self._x) < 0)):
            raise ValueError("x must not fall")
        self._flags = np.zeros(len(self._x), dtype=np.uint8) if flags is None else flags.astype(np.uint8)

    def columns(self, begin: float, end: float, width_px: int) -> Columns:
        """Return the columns of a range, with one point on either side so that a line goes on to the edge."""
        first = max(0, int(np.searchsorted(self._x, begin)) - 1)
        stop = min(len(self._x), int(np.searchsorted(self._x, end, side="right")) + 1)
        x, y, flags = self._x[first:stop], self._y[first:stop], self._flags[first:stop].copy()
        broken = np.isnan(y)
        if broken.any():
            flags[1:][broken[:-1] & ~broken[1:]] |= GAP
            x, y, flags = x[~broken], y[~broken], flags[~broken]
        gaps = self._gaps(x, flags)
        if len(x) <= 2 * max(1, width_px):
            return Columns(x, y, y, y, y, flags, gaps)
        low = begin if np.isfinite(begin) else float(x[0])
        high = end if np.isfinite(end) else float(x[-1])
        place = np.floor((x - low) * (width_px / max(high - low, 1e-300))).astype(np.int64)
        starts = np.flatnonzero(np.concatenate(([True], (np.diff(place) != 0) | ((flags[1:] & GAP) != 0))))
        ends = np.append(starts[1:], len(x)) - 1
        return Columns(
            x[starts],
            np.minimum.reduceat(y, starts),
            np.maximum.reduceat(y, starts),
            y[starts],
            y[ends],
            np.bitwise_or.reduceat(flags, starts),
            gaps,
        )

    @staticmethod
    def _gaps(x: Floats, flags: NDArray[np.uint8]) -> Floats:
        """Return where gaps begin and end."""
        at = np.flatnonzero(flags & GAP)
        at = at[at > 0]
        return np.stack((x[at - 1], x[at]), axis=1) if len(at) else np.zeros((0, 2))
