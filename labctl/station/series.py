"""Series for plots: a month of rows in milliseconds, live runs to their newest durable row.

Each run has a pyramid (``labctl.store.pyramid``). Rows of live runs are folded into it as they come, in memory; full
chunks are written by ``serve`` in the reading thread. A run that was not followed from its first row (after a
restart, a copied folder, a torn file) is caught up from its rows when somebody asks, a records file at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa

from labctl.errors import StoreError
from labctl.model.record import RecordBlock
from labctl.store.derive import UtcOfRows
from labctl.store.names import ROWS_PER_FILE
from labctl.store.pyramid import (
    FAN_OUT,
    FIRST_LEVEL,
    LAST_LEVEL,
    READ_COLUMNS,
    ROWS_PER_BIN,
    Before,
    Bins,
    Chunk,
    Matrix,
    Pyramid,
    PyramidDamage,
    PyramidFiles,
    View,
    matrix_of,
    row_bins,
    without_holes,
)
from labctl.store.readers import Readers
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.seriesquery import Answer, SeriesQuery
from labctl.worker import Worker

ENDED_KEPT = 64
"""Ended runs whose number of bins is remembered: asking again then reads only what is drawn (I14)."""
TRIES = 3
"""A pyramid found damaged is made anew this often before the question is answered with the damage."""


@dataclass(slots=True)
class _Live:
    """A run whose rows come in. ``behind``: rows are missing in its pyramid, they are in the run's folder."""

    pyramid: Pyramid = field(default_factory=Pyramid)
    behind: bool = False
    newest: int = 0
    ended: bool = False


class SeriesStore:
    """The pyramids of all runs. ``append`` is cheap and never waits; everything that reads or writes a disk does not
    run on the event loop. ``troubles`` are the newest sentences about files that could not be written.
    """

    def __init__(self, root: DataRoot, worker: Worker) -> None:
        """``worker`` is the thread that reads: not the one that commits rows."""
        self.troubles: list[str] = []
        self._root = root
        self._readers = Readers(root)
        self._worker = worker
        self._live: dict[str, _Live] = {}
        self._ended: OrderedDict[str, View] = OrderedDict()
        self._wake = asyncio.Event()
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def _turn(self, run_id: str) -> AsyncIterator[None]:
        """Let one at a time work on a run's pyramid; other runs do not wait."""
        lock = self._turns.setdefault(run_id, asyncio.Lock())
        self._waiting[run_id] += 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[run_id] -= 1
            if not self._waiting[run_id]:
                del self._waiting[run_id], self._turns[run_id]

    # -- rows come in -----------------------------------------------------------------------------------------------

    def append(self, run_id: str, block: RecordBlock, *, backfilled: bool = False) -> None:
        """Take rows of a run that are durable; rows known already are passed over."""
        if not len(block):
            return
        live = self._live.get(run_id)
        if live is None:
            live = self._live[run_id] = _Live()
            self._ended.pop(run_id, None)
        first = int(block["sequence"][0])
        live.newest = first + len(block) - 1
        known = live.pyramid.rows
        if live.behind or first > known + 1:
            if not live.behind:
                live.behind = True
                self._wake.set()
            return
        if first <= known:
            block = block.rows(known + 1 - first)
        if len(block):
            live.pyramid.append(block, backfilled=backfilled)
            if live.pyramid.unwritten:
                self._wake.set()

    def ended(self, run_id: str) -> None:
        """Know that no more rows come: what memory holds of the run is written and given back."""
        live = self._live.get(run_id)
        if live is not None:
            live.ended = True
            self._wake.set()

    async def serve(self) -> None:
        """Write full chunks as they come up and catch up with runs that are behind, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write what is full, catch up with what is behind, let go of what has ended."""
        for run_id in list(self._live):
            async with self._turn(run_id):
                live = self._live.get(run_id)
                if live is None:
                    continue
                if live.behind:
                    try:
                        await self._catch_up(run_id, live)
                    except (StoreError, OSError) as error:
                        self._trouble(f"{run_id}: {error}")
                        continue
                await self._write(run_id, live.pyramid, finished=live.ended)
                if live.ended and live.newest <= live.pyramid.rows:
                    self._live.pop(run_id)

    async def _write(self, run_id: str, pyramid: Pyramid, *, finished: bool) -> None:
        chunks = list(pyramid.unwritten)
        wanted = [*chunks, *(pyramid.unfinished() if finished else ())]
        if not wanted:
            return
        if await self._worker.call(self._put, run_id, wanted):
            del pyramid.unwritten[: len(chunks)]

    def _put(self, run_id: str, chunks: Sequence[Chunk]) -> bool:
        """Write chunks; a disk that refuses costs only time later. Runs in the worker."""
        try:
            self._files(run_id).write(chunks)
        except (OSError, StoreError) as error:
            self._trouble(f"the pyramid of {run_id} is not kept on disk: {error}")
            return False
        return True

    def _trouble(self, text: str) -> None:
        self.troubles = [*self.troubles[-9:], text]

    # -- catching up ------------------------------------------------------------------------------------------------

    def _files(self, run_id: str) -> PyramidFiles:
        return PyramidFiles(self._root.disk, self._readers.folder(run_id))

    def _reader(self, run_id: str) -> RunReader:
        return self._readers.of(run_id)

    async def _catch_up(self, run_id: str, live: _Live) -> None:
        """Bring a live run's pyramid to its newest row. Raises: StoreError, OSError."""
        pyramid = await self._built(run_id)
        while pyramid.rows < live.newest:
            before = pyramid.rows
            await self._worker.call(self._feed_file, run_id, pyramid)
            if pyramid.rows == before:
                end = await self._worker.call(lambda: self._reader(run_id).end_sequence)
                if end is not None and end <= before:
                    break  # what came behind the row that ended the run is not shown
                raise StoreError(f"rows {before + 1} to {live.newest} of {run_id} cannot be read")
        live.pyramid, live.behind = pyramid, False

    async def _built(self, run_id: str) -> Pyramid:
        """Return a pyramid of all rows that the folder has: from its files, and what they lack from the rows."""
        pyramid = await self._worker.call(self._restored, run_id)
        while await self._worker.call(self._feed_file, run_id, pyramid):
            continue
        return pyramid

    def _restored(self, run_id: str) -> Pyramid:
        """Begin a pyramid from what its files kept. Runs in the worker."""
        pyramid = Pyramid()
        files = self._files(run_id)
        bins = files.kept()
        if len(bins):
            last = len(bins) * ROWS_PER_BIN
            row = self._reader(run_id).records(["segment", "device_sequence"], last, last)
            if len(row) == 1:
                pyramid.restore(bins, Before(float(row["segment"][0]), float(row["device_sequence"][0])))
            else:  # more bins than rows: they belong to rows behind the end, or to another run
                files.remove()
        return pyramid

    def _feed_file(self, run_id: str, pyramid: Pyramid) -> bool:
        """Feed the rows of the next records file; False when there are no more. Runs in the worker."""
        reader = self._reader(run_id)
        first = pyramid.rows + 1
        last = (pyramid.rows // ROWS_PER_FILE + 1) * ROWS_PER_FILE
        block = reader.records(["sequence", *READ_COLUMNS], first, last)
        if not len(block):
            return False
        end = int(block["sequence"][-1])
        pyramid.feed(without_holes(matrix_of(block), block["sequence"], first, reader.backfilled(first, end)))
        return end == last

    # -- questions --------------------------------------------------------------------------------------------------

    async def series(
        self,
        run_id: str,
        columns: Sequence[str] = (),
        *,
        x: str = "test_time_second",
        begin: float | None = None,
        end: float | None = None,
        width_px: int = 1000,
    ) -> pa.Table:
        """Return minima and maxima of a run between two values of the axis, at most about one bin a pixel.

        Columns: ``x_first``, ``x_last``, ``sequence`` of the first row, ``rows``, ``bad``, ``flags`` (1 gap before or
        in it, 2 a device test begins, 4 back-filled, 8 BAD rows in it), and ``<column>_min``, ``_max``, ``_first``,
        ``_last`` for each of ``columns``, null where no row is GOOD. Raises: UserInputError, StoreError.
        """
        query = SeriesQuery.checked(columns, x, begin, end, width_px)
        for attempt in range(TRIES):
            if attempt:
                await self._forget(run_id)
            view = await self._view(run_id)
            try:
                return await self._worker.call(self._answer, run_id, query, view)
            except PyramidDamage as damage:
                problem = damage
                self._trouble(f"{run_id}: {damage}; made anew from the rows")
            except OSError as error:
                raise StoreError(f"The series of {run_id} cannot be read: {error}") from error
        raise problem

    async def _forget(self, run_id: str) -> None:
        """Remove a damaged pyramid; what asks next makes it anew. Raises: StoreError."""
        async with self._turn(run_id):
            self._ended.pop(run_id, None)
            live = self._live.get(run_id)
            if live is not None:
                live.behind = True
            try:
                await self._worker.call(lambda: self._files(run_id).remove())
            except OSError as error:
                raise StoreError(f"The damaged pyramid of {run_id} cannot be removed: {error}") from error

    async def _view(self, run_id: str) -> View:
        async with self._turn(run_id):
            live = self._live.get(run_id)
            if live is not None:
                if live.behind:
                    await self._catch_up(run_id, live)
                return live.pyramid.view()
            known = self._ended.get(run_id)
            if known is None:
                known = await self._ended_view(run_id)
            self._ended[run_id] = known
            self._ended.move_to_end(run_id)
            while len(self._ended) > ENDED_KEPT:
                self._ended.popitem(last=False)
            return known

    async def _ended_view(self, run_id: str) -> View:
        """Return what the files have of a run that nobody feeds; they are completed first where they lack something."""
        view = await self._worker.call(self._complete_view, run_id)
        if view is None:
            pyramid = await self._built(run_id)
            await self._write(run_id, pyramid, finished=True)
            view = await self._worker.call(self._complete_view, run_id) or pyramid.view()
        return view

    def _complete_view(self, run_id: str) -> View | None:
        """Return the view of files that hold every row but those of the last bin. Runs in the worker."""
        try:
            counts = self._files(run_id).counts()
        except FileNotFoundError:
            return None
        reader = self._reader(run_id)
        rows = reader.last_sequence
        held = counts[FIRST_LEVEL] * ROWS_PER_BIN
        finer = range(FIRST_LEVEL, LAST_LEVEL)
        whole = all(counts[level + 1] == counts[level] // FAN_OUT for level in finer)
        if not whole or not held <= rows < held + ROWS_PER_BIN:
            return None
        rest, before = _piece(reader, held, rows)
        return View(rows, counts, (), rest, before)

    def _answer(self, run_id: str, query: SeriesQuery, view: View) -> pa.Table:
        """Read and merge what a query needs. Runs in the worker."""
        reader = self._reader(run_id)
        end = reader.end_sequence
        visible = view.rows if end is None else min(view.rows, end)
        answer = Answer(
            query, view, self._files(run_id), partial(_rows_of, reader), UtcOfRows(reader.manifest), visible
        )
        return answer.table(run_id)


def _piece(reader: RunReader, first: int, last: int) -> tuple[Matrix, Before | None]:
    """Return the rows ``first`` to ``last`` (0-based, exclusive), and the row before them."""
    block = reader.records(["sequence", *READ_COLUMNS], max(first, 1), last)
    sequence, rows = block["sequence"], matrix_of(block)
    before = None
    if first and len(block) and int(sequence[0]) == first:
        before = Before(float(block["segment"][0]), float(block["device_sequence"][0]))
        sequence, rows = sequence[1:], rows[1:]
    return without_holes(rows, sequence, first + 1, reader.backfilled(first + 1, last), last=last), before


def _rows_of(reader: RunReader, first: int, last: int) -> Bins:
    """Return the rows ``first`` to ``last`` (0-based, exclusive), each as a bin."""
    return row_bins(*_piece(reader, first, last))
