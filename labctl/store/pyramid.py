"""Minima and maxima of a run at growing bin sizes, fed by append, so that a plot of months costs what a day costs.

A *bin* of level L covers 8^L rows, aligned to row 1: least and greatest GOOD value of each measured column, first and
last, how many rows and how many BAD ones, and flags. Levels from 2 (64 rows) up are kept; finer ones are the rows
themselves. BAD readings take no part in any value (I04).

The files ``series/level-2.bin`` ... beside the rows are a cache: never synced, each chunk of 64 bins with its own
check, made again from the rows when one is missing or torn::

    chunk  offset  0     4       8            16     20      24      32
                   +-----+-------+------------+------+-------+-------+--------------------------
                   |LPY2 | crc   | first bin  | bins | level | zero  | bins, 208 bytes each ... (room for 64)
                   +-----+-------+------------+------+-------+-------+--------------------------
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.errors import StoreError
from labctl.model.record import QUALITY_BAD, QUALITY_GOOD, RecordBlock
from labctl.store.disk import Disk

FOLDER = "series"
FAN_OUT = 8
FIRST_LEVEL = 2
LAST_LEVEL = 7
"""A bin of 2 million rows; 64 of them are a year at 4 Hz, and more are only more chunks."""
ROWS_PER_BIN = FAN_OUT**FIRST_LEVEL
CHUNK_BINS = 64
UNWRITTEN_MAX = 4096
"""Chunks that may wait for the disk: 55 MB, 16 million rows. More are dropped and made again from the rows (I14)."""

RISING = ("test_time_second", "cycle_count", "step_count", "segment")
MEASURED = ("voltage_volt", "current_ampere", "step_capacity_ah", "step_energy_wh")
READ_COLUMNS = (*RISING, *MEASURED, "device_sequence", "quality")
"""What must be read of the rows to make bins."""
_DEVICE, _QUALITY, _BACKFILLED = (
    len(RISING) + len(MEASURED),
    len(RISING) + len(MEASURED) + 1,
    len(READ_COLUMNS),
)
_ROW_WIDTH = len(READ_COLUMNS) + 1
_SEGMENT = RISING.index("segment")

GAP = 1
"""Records of the device are missing before a row of this bin."""
SEGMENT = 2
"""A device test begins in this bin: open-circuit time that test time does not count lies before it."""
BACKFILLED = 4
BAD = 8

BIN = np.dtype(
    [
        ("rows", "<u4"),
        ("bad", "<u4"),
        ("flags", "<u4"),
        ("zero", "<u4"),
        ("rising", "<f8", (len(RISING), 2)),  # first, last
        ("measured", "<f8", (len(MEASURED), 4)),  # min, max, first, last; NaN where no row is GOOD
    ]
)
_CHUNK_HEAD = struct.Struct("<4sIQIIQ")
_MAGIC = b"LPY2"
CHUNK_BYTES = _CHUNK_HEAD.size + CHUNK_BINS * BIN.itemsize

Bins = NDArray[Any]
"""Shape (n,), dtype ``BIN``."""
Matrix = NDArray[np.float64]
"""Rows as numbers: ``READ_COLUMNS`` and whether the row was back-filled. Shape (n, 11)."""


class PyramidDamage(StoreError):
    """A chunk is missing or torn: make the pyramid anew from the rows."""


@dataclass(frozen=True, slots=True)
class Before:
    """The row before a piece of rows: it tells whether records are missing between them. ``None`` at the beginning."""

    segment: float
    device_sequence: float


def without_holes(
    rows: Matrix,
    sequence: NDArray[np.int64],
    first: int,
    backfilled: NDArray[np.bool_],
    *,
    last: int | None = None,
) -> Matrix:
    """Return the rows ``first`` ... ``last`` (None: the last there is), a BAD one without values for each unreadable.

    ``sequence`` are the rows that could be read, ``backfilled`` is one flag for each row wanted.
    """
    last = last if last is not None else int(sequence[-1])
    wanted = last - first + 1
    if len(rows) == wanted:
        made = rows
    else:
        made = np.full((wanted, _ROW_WIDTH), np.nan)
        made[sequence - first] = rows
        there = np.zeros(wanted, dtype=bool)
        there[sequence - first] = True
        made[~there, _QUALITY] = QUALITY_BAD
        # the axis goes on: an unreadable row stands where the readable one before it stood
        source = np.maximum.accumulate(np.where(there, np.arange(wanted), -1))
        source[source < 0] = int(np.argmax(there)) if there.any() else 0
        made[:, : len(RISING)] = made[source, : len(RISING)]
    made[:, _BACKFILLED] = backfilled
    return made


def matrix_of(block: RecordBlock, backfilled: bool = False) -> Matrix:
    """Return rows as a matrix. Shape: (n, 11) float64."""
    made = np.empty((len(block), _ROW_WIDTH))
    for place, name in enumerate(READ_COLUMNS):
        made[:, place] = block.columns[name]
    made[:, _BACKFILLED] = backfilled
    return made


def row_bins(rows: Matrix, before: Before | None) -> Bins:
    """Return each row as a bin of its own. Shape: (n,)."""
    made = np.zeros(len(rows), dtype=BIN)
    made["rows"] = 1
    bad = rows[:, _QUALITY] != QUALITY_GOOD
    made["bad"] = bad
    measured = rows[:, len(RISING) : _DEVICE].copy()
    measured[bad] = np.nan
    made["measured"] = measured[:, :, None]
    made["rising"] = rows[:, : len(RISING), None]
    segment, device = rows[:, _SEGMENT], rows[:, _DEVICE]
    # device sequences count from 1 in each device test: the first row of a test must be its record 1
    last_segment = np.concatenate(([before.segment if before else -1.0], segment[:-1]))
    last_device = np.concatenate(([before.device_sequence if before else 0.0], device[:-1]))
    begins = segment != last_segment
    lost = device != np.where(begins, 0.0, last_device) + 1
    made["flags"] = (
        GAP * lost + SEGMENT * begins + BACKFILLED * (rows[:, _BACKFILLED] != 0) + BAD * bad
    ).astype(np.uint32)
    return made


def folded(bins: Bins, size: int) -> Bins:
    """Return one bin for each ``size`` bins; their number must be a multiple of it."""
    return merged(bins, np.arange(0, len(bins), size))


def merged(bins: Bins, starts: NDArray[np.int64]) -> Bins:
    """Return one bin for each stretch of bins; stretches begin at ``starts`` (rising, the first is 0)."""
    made = np.zeros(len(starts), dtype=BIN)
    if not len(starts):
        return made
    stops = np.append(starts[1:], len(bins)) - 1
    made["rows"] = np.add.reduceat(bins["rows"], starts)
    made["bad"] = np.add.reduceat(bins["bad"], starts)
    made["flags"] = np.bitwise_or.reduceat(bins["flags"], starts)
    made["rising"][:, :, 0] = bins["rising"][starts, :, 0]
    made["rising"][:, :, 1] = bins["rising"][stops, :, 1]
    measured, into = bins["measured"], made["measured"]
    into[:, :, 0] = np.fmin.reduceat(measured[:, :, 0], starts)
    into[:, :, 1] = np.fmax.reduceat(measured[:, :, 1], starts)
    into[:, :, 2] = measured[starts, :, 2]
    into[:, :, 3] = measured[stops, :, 3]
    for group in np.flatnonzero(np.isnan(into[:, :, 2:]).any(axis=(1, 2))).tolist():
        _good_ends(measured[starts[group] : stops[group] + 1], into[group])
    return made


def _good_ends(measured: NDArray[np.float64], into: NDArray[np.float64]) -> None:
    """Put the first and last GOOD values of some bins where their outer ones are BAD."""
    for column in range(len(MEASURED)):
        good = np.flatnonzero(~np.isnan(measured[:, column, 2]))
        if len(good):
            into[column, 2] = measured[good[0], column, 2]
            into[column, 3] = measured[good[-1], column, 3]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bins ``first`` ... of a level, up to 64, as they stand in a file."""

    level: int
    first: int
    bins: Bins


class _Level:
    """The newest bins of a level, those of the chunk that is being filled."""

    __slots__ = ("bins", "count")

    def __init__(self) -> None:
        self.bins: Bins = np.zeros(FAN_OUT, dtype=BIN)
        self.count = 0

    @property
    def filled(self) -> int:
        """Return how many bins stand in the unfinished chunk."""
        return self.count % CHUNK_BINS

    def put(self, bins: Bins) -> None:
        """Add bins that fit into the chunk."""
        filled = self.filled
        need = filled + len(bins)
        while need > len(self.bins):
            self.bins = np.concatenate((self.bins, np.zeros_like(self.bins)))
        self.bins[filled:need] = bins
        self.count += len(bins)


class Pyramid:
    """The pyramid of one run as it grows. Belongs to one thread; ``view`` gives another one a copy to read.

    ``rows`` is how many rows it has taken, from sequence 1 on without a hole. ``unwritten`` are full chunks that no
    file has yet; whoever writes them takes them out.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.unwritten: list[Chunk] = []
        self.dropped = False
        self._raw: Matrix = np.empty((ROWS_PER_BIN, _ROW_WIDTH))
        self._raw_rows = 0
        self._before: Before | None = None
        self._levels = {level: _Level() for level in range(FIRST_LEVEL, LAST_LEVEL + 1)}

    def append(self, block: RecordBlock, *, backfilled: bool = False) -> None:
        """Take the next rows of the run; the first must have sequence ``rows`` + 1."""
        rows, filled = len(block), self._raw_rows
        if filled + rows < ROWS_PER_BIN:
            raw, columns = self._raw[filled : filled + rows], block.columns
            for place, name in enumerate(READ_COLUMNS):
                raw[:, place] = columns[name]
            raw[:, _BACKFILLED] = backfilled
            self._raw_rows += rows
            self.rows += rows
        else:
            self.feed(matrix_of(block, backfilled))

    def feed(self, rows: Matrix) -> None:
        """Take the next rows, as a matrix."""
        self.rows += len(rows)
        if self._raw_rows:
            rows = np.concatenate((self._raw[: self._raw_rows], rows))
        whole = len(rows) - len(rows) % ROWS_PER_BIN
        if whole:
            self._push(FIRST_LEVEL, folded(row_bins(rows[:whole], self._before), ROWS_PER_BIN))
            self._before = Before(float(rows[whole - 1, _SEGMENT]), float(rows[whole - 1, _DEVICE]))
        self._raw_rows = len(rows) - whole
        self._raw[: self._raw_rows] = rows[whole:]

    def _push(self, level: int, bins: Bins) -> None:
        here = self._levels[level]
        while len(bins):
            filled = here.filled
            piece, bins = bins[: CHUNK_BINS - filled], bins[CHUNK_BINS - filled :]
            here.put(piece)
            begin, end = filled // FAN_OUT * FAN_OUT, (filled + len(piece)) // FAN_OUT * FAN_OUT
            if level < LAST_LEVEL and end > begin:
                self._push(level + 1, folded(here.bins[begin:end], FAN_OUT))
            if here.filled == 0:
                self.unwritten.append(Chunk(level, here.count - CHUNK_BINS, here.bins[:CHUNK_BINS].copy()))
        if len(self.unwritten) > UNWRITTEN_MAX:
            self.unwritten.clear()
            self.dropped = True

    def restore(self, bins: Bins, before: Before | None) -> None:
        """Begin with the bins of the first level that a file kept; ``before`` is the last row in them."""
        self._push(FIRST_LEVEL, bins)
        self.unwritten = [chunk for chunk in self.unwritten if chunk.level > FIRST_LEVEL]
        self.rows = len(bins) * ROWS_PER_BIN
        self._before = before

    def unfinished(self) -> list[Chunk]:
        """Return the chunks that are not full, for a run that has ended."""
        return [
            Chunk(level, here.count - here.filled, here.bins[: here.filled].copy())
            for level, here in self._levels.items()
            if here.filled
        ]

    def view(self) -> View:
        """Return what memory holds now, to be read in another thread."""
        memory = [*self.unwritten, *self.unfinished()]
        counts = {level: here.count for level, here in self._levels.items()}
        return View(self.rows, counts, memory, self._raw[: self._raw_rows].copy(), self._before)


@dataclass(frozen=True, slots=True)
class View:
    """A pyramid at one moment: how many rows and bins there are, and the chunks and rows that memory holds."""

    rows: int
    counts: dict[int, int]
    memory: Sequence[Chunk]
    raw: Matrix
    before: Before | None

    def newest_rows(self) -> Bins:
        """Return the rows behind the last bin of the first level, each as a bin."""
        return row_bins(self.raw, self.before)

    def bins(self, files: PyramidFiles, level: int, first: int, last: int) -> Bins:
        """Return the bins ``first`` to ``last`` (exclusive) of a level. Raises: PyramidDamage, OSError."""
        last = min(last, self.counts.get(level, 0))
        parts: list[Bins] = []
        at = first
        held = {chunk.first: chunk for chunk in self.memory if chunk.level == level}
        while at < last:
            start = at // CHUNK_BINS * CHUNK_BINS
            if start in held:
                stop = min(last, start + CHUNK_BINS)
                parts.append(held[start].bins[at - start : stop - start])
            else:
                stop = min([last, *(begin for begin in held if begin > at)])
                parts.append(files.read(level, at, stop))
            at = stop
        return np.concatenate(parts) if parts else np.zeros(0, dtype=BIN)


class PyramidFiles:
    """The files of one run's pyramid. All methods block; they raise OSError as the disk words it."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self.folder = folder / FOLDER

    def _path(self, level: int) -> Path:
        return self.folder / f"level-{level}.bin"

    def write(self, chunks: Sequence[Chunk]) -> None:
        """Write chunks to their places, unsynced."""
        self._disk.make_folder(self.folder)
        for level in sorted({chunk.level for chunk in chunks}):
            path = self._path(level)
            exists = self._disk.size(path) is not None
            file = self._disk.open(path) if exists else self._disk.create(path)
            try:
                for chunk in chunks:
                    if chunk.level == level:
                        file.write((_encoded(chunk),), chunk.first // CHUNK_BINS * CHUNK_BYTES)
            finally:
                file.close()

    def read(self, level: int, first: int, last: int) -> Bins:
        """Return the bins ``first`` to ``last`` (exclusive). Raises: PyramidDamage when they are not there whole."""
        begin, end = first // CHUNK_BINS, -(-last // CHUNK_BINS)
        path = self._path(level)
        try:
            data = self._disk.read_part(path, begin * CHUNK_BYTES, (end - begin) * CHUNK_BYTES)
        except FileNotFoundError as error:
            raise PyramidDamage(f"{path} is missing") from error
        parts = []
        for number in range(end - begin):
            bins = _decoded(data, number * CHUNK_BYTES, level, (begin + number) * CHUNK_BINS)
            if bins is None:
                raise PyramidDamage(f"{path}: chunk {begin + number} is torn or missing")
            parts.append(bins)
        found = np.concatenate(parts)[first - begin * CHUNK_BINS :]
        if len(found) < last - first:
            raise PyramidDamage(f"{path} ends early")
        return found[: last - first]

    def kept(self) -> Bins:
        """Return the whole chunks of the first level that are there, up to the first damage."""
        try:
            data = self._disk.read(self._path(FIRST_LEVEL))
        except FileNotFoundError:
            return np.zeros(0, dtype=BIN)
        parts: list[Bins] = []
        for number in range(-(-len(data) // CHUNK_BYTES)):
            bins = _decoded(data, number * CHUNK_BYTES, FIRST_LEVEL, number * CHUNK_BINS)
            if bins is None:
                break
            parts.append(bins)
            if len(bins) < CHUNK_BINS:
                break
        return np.concatenate(parts) if parts else np.zeros(0, dtype=BIN)

    def counts(self) -> dict[int, int]:
        """Return how many bins each level has, by the size of its file and its last chunk."""
        return {level: self._count(level) for level in range(FIRST_LEVEL, LAST_LEVEL + 1)}

    def _count(self, level: int) -> int:
        size = self._disk.size(self._path(level)) or 0
        chunks = -(-size // CHUNK_BYTES)
        if not chunks:
            return 0
        start = (chunks - 1) * CHUNK_BYTES
        data = self._disk.read_part(self._path(level), start, CHUNK_BYTES)
        bins = _decoded(data, 0, level, (chunks - 1) * CHUNK_BINS)
        return (chunks - 1) * CHUNK_BINS + (0 if bins is None else len(bins))

    def remove(self) -> None:
        """Remove all files of the pyramid."""
        for name in self._disk.names(self.folder):
            self._disk.unlink(self.folder / name)


def _encoded(chunk: Chunk) -> bytes:
    data = chunk.bins.tobytes()
    head = _CHUNK_HEAD.pack(_MAGIC, 0, chunk.first, len(chunk.bins), chunk.level, 0)
    check = zlib.crc32(data, zlib.crc32(head))
    return head[:4] + struct.pack("<I", check) + head[8:] + data


def _decoded(data: bytes, at: int, level: int, first: int) -> Bins | None:
    """Return the bins of one chunk, None where it is not that chunk, whole."""
    if len(data) < at + _CHUNK_HEAD.size:
        return None
    magic, check, begin, count, of_level, _zero = _CHUNK_HEAD.unpack_from(data, at)
    body = at + _CHUNK_HEAD.size
    stop = body + count * BIN.itemsize
    if magic != _MAGIC or begin != first or of_level != level or count > CHUNK_BINS or stop > len(data):
        return None
    head = data[at : at + 4] + bytes(4) + data[at + 8 : body]
    if zlib.crc32(memoryview(data)[body:stop], zlib.crc32(head)) != check:
        return None
    return np.frombuffer(data, dtype=BIN, count=count, offset=body)
