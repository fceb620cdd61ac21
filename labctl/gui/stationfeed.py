"""What the station tells, gathered in the client's loop: changes, live rows and the pulse of the link."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from labctl.clock import link_now_s
from labctl.errors import LabctlError, UserFileError, UserInputError
from labctl.gui.loopthread import LoopThread

if TYPE_CHECKING:
    from labctl.api.client.aio.station import AsyncStation
    from labctl.api.client.frames import Rows
    from labctl.gui.viewmodels.batches import Batch, LinkNews, Me, RowsOf
    from labctl.model.bench import Delta, StationInfo

HAND_OVER_S = 0.1
"""At most ten hand-overs a second: an eye sees no more, and a repaint costs."""
PULSE_S, PULSE_DEADLINE_S = 1.0, 3.0
RETRY_S = 1.0
PAGE_ROWS = 50_000
EVENTS_KEPT = 5_000
"""Events kept for a window that does not take them; older ones are in the journal."""
ROWS_KEPT = 200_000
"""Rows kept for a window that does not take them; then the stream waits, and the station drops and refetches."""
NO_TOPIC = ("rows only",)


class StationFeed:
    """Lives in the client's loop. ``hand`` and ``inform`` carry over to the GUI's thread."""

    def __init__(
        self,
        connect: Callable[[bool], Awaitable[AsyncStation]],
        hand: Callable[[Batch], None],
        inform: Callable[[StationInfo], None],
    ) -> None:
        self._connect, self._hand, self._inform = connect, hand, inform
        self._station: AsyncStation | None = None
        self.problem = ""
        """Why the link does not live; empty while it does."""
        self._deltas: dict[tuple[str, str, int], Delta] = {}
        self._rows: list[RowsOf] = []
        self._rows_kept = 0
        self._link: LinkNews | None = None
        self._reset = False
        self._last: dict[str, int] = {}
        self._wanted: frozenset[str] = frozenset()
        self._me: Me | None = None
        self._lived = False

    # -- life -------------------------------------------------------------------------------------------------------

    async def serve(self, thread: LoopThread) -> None:
        """Connect, then feed, until the thread ends."""
        self._thread = thread
        self._there, self._some, self._free = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._changed, self._room = asyncio.Event(), asyncio.Event()
        self._free.set()
        self._room.set()
        thread.spawn(self._hand_overs())
        await self._open(thread)
        assert self._station is not None
        # A connection each: whoever opens one anew closes what others still wait for on it.
        thread.spawn(self._apart(self._news))
        thread.spawn(self._apart(self._live_rows))
        thread.spawn(self._apart(self._pulse))
        try:
            await thread.over()
        finally:
            await self._station.close()

    async def _apart(self, use: Callable[[AsyncStation], Awaitable[None]]) -> None:
        """Do something for ever over a connection of its own."""
        while True:
            try:
                station = await self._connect(False)
                break
            except Exception as error:
                self._tell_lost(error)
                await self._thread.sleep(RETRY_S)
        try:
            await use(station)
        finally:
            await station.close()

    async def station(self) -> AsyncStation:
        """Return the station as soon as there is one."""
        await self._there.wait()
        assert self._station is not None
        return self._station

    async def _open(self, thread: LoopThread) -> None:
        start = True
        while self._station is None:
            try:
                self._station = await self._connect(start)
            except Exception as error:
                self._tell_lost(error)
                await thread.sleep(RETRY_S)
            start = False  # started once: a station that cannot live would be started for ever
        self._there.set()

    @property
    def address(self) -> str:
        """Return where the station answers; empty before it has."""
        found = None if self._station is None else self._station.address
        return "" if found is None else found.url

    # -- the link ---------------------------------------------------------------------------------------------------

    async def _pulse(self, station: AsyncStation) -> None:
        while True:
            try:
                async with self._thread.timeout(PULSE_DEADLINE_S):
                    if self._me is None:
                        await self._who(station)
                    info = await station.info()
            except TimeoutError:
                self._tell_lost(LabctlError("the station does not answer"))
            except Exception as error:
                self._tell_lost(error)
            else:
                self._tell_live()
                self._inform(info)
            await self._thread.sleep(PULSE_S)

    async def _who(self, station: AsyncStation) -> None:
        from labctl.gui.viewmodels.batches import Me

        hello = await station.hello()
        self._me = Me(hello.person, hello.role)

    def _tell_live(self) -> None:
        from labctl.gui.viewmodels.batches import LinkNews, LinkPhase

        self._lived, self.problem = True, ""
        self._link = LinkNews(LinkPhase.LIVE, link_now_s(), "", self._me)
        self._some.set()

    def _tell_lost(self, error: Exception) -> None:
        from labctl.gui.viewmodels.batches import LinkNews, LinkPhase

        # A bug is told like a broken link: the window stays, and goes on trying.
        self.problem = str(error) if isinstance(error, LabctlError) else f"{type(error).__name__}: {error}"
        refused = isinstance(error, UserInputError | UserFileError)
        state = LinkPhase.REFUSED if refused else LinkPhase.LOST if self._lived else LinkPhase.CONNECTING
        self._link = LinkNews(state, None, self.problem)
        self._me = None
        self._some.set()

    # -- changes ----------------------------------------------------------------------------------------------------

    async def _news(self, station: AsyncStation) -> None:
        while True:
            fresh = True
            try:
                async for item in station.stream(patience_s=float("inf")):
                    if fresh:
                        self._deltas.clear()
                        self._reset, fresh = True, False
                    self._take(item)
            except Exception as error:
                self._tell_lost(error)
            await self._thread.sleep(RETRY_S)

    def _take(self, item: Delta | Rows) -> None:
        from labctl.model.bench import Delta

        if isinstance(item, Delta):
            event = item.topic == "event"
            key = (item.topic, item.key, item.number if event else 0)
            self._deltas.pop(key, None)  # the newest stands last
            self._deltas[key] = item
            if event and len(self._deltas) > EVENTS_KEPT:
                oldest = next((known for known in self._deltas if known[0] == "event"), key)
                del self._deltas[oldest]
        self._some.set()

    # -- rows -------------------------------------------------------------------------------------------------------

    def follow(self, run_ids: frozenset[str]) -> None:
        """Follow the rows of these runs from now on, and of no others."""
        if run_ids != self._wanted:
            self._wanted = run_ids
            if "*" not in run_ids:
                self._last = {run: last for run, last in self._last.items() if run in run_ids}
            self._changed.set()

    async def _live_rows(self, station: AsyncStation) -> None:
        while True:
            self._changed.clear()
            wanted = self._wanted
            if not wanted:
                await self._changed.wait()
                continue
            reading = self._thread.spawn(self._read_rows(station, wanted))
            await self._changed.wait()
            reading.cancel()
            await self._thread.sleep(HAND_OVER_S)  # views that open together make one change

    async def _read_rows(self, station: AsyncStation, wanted: frozenset[str]) -> None:
        while True:
            try:
                async for item in station.stream(NO_TOPIC, sorted(wanted), patience_s=float("inf")):
                    if hasattr(item, "run_id"):
                        await self._room.wait()
                        await self._whole(station, item)
            except Exception as error:
                self._tell_lost(error)
            await self._thread.sleep(RETRY_S)

    async def _whole(self, station: AsyncStation, rows: Any) -> None:
        """Keep rows, with those before them that passed while the stream was opened anew."""
        from labctl.api.client.frames import BACKFILLED, marked_rows
        from labctl.model.record import RECORD_COLUMNS

        last = self._last.get(rows.run_id)
        while last is not None and rows.first > last + 1:
            limit = min(PAGE_ROWS, rows.first - last - 1)
            table = await station.runs.records(
                rows.run_id, after=last, limit=limit, columns=(*RECORD_COLUMNS, BACKFILLED)
            )
            if table.num_rows == 0:
                break
            for part in marked_rows(rows.run_id, table):
                last = self._last[rows.run_id] = part.last  # a break behind it fetches none twice
                self._keep(rows.run_id, part.table, backfilled=part.backfilled)
        table = rows.table
        if last is not None and rows.first <= last:
            table = table.slice(last + 1 - rows.first)
        self._last[rows.run_id] = max(rows.last, last or 0)
        self._keep(rows.run_id, table, backfilled=rows.backfilled)

    def _keep(self, run_id: str, table: Any, *, backfilled: bool = False) -> None:
        from labctl.gui.viewmodels.batches import RowsOf

        if table.num_rows == 0:
            return
        columns = {name: table.column(name).to_numpy() for name in table.column_names}
        self._rows.append(RowsOf(run_id, columns, backfilled))
        self._rows_kept += table.num_rows
        if self._rows_kept > ROWS_KEPT:
            self._room.clear()
        self._some.set()

    # -- handing over -----------------------------------------------------------------------------------------------

    def taken(self) -> None:
        """Hear that the window has taken the last batch."""
        self._free.set()

    async def _hand_overs(self) -> None:
        while True:
            await self._some.wait()
            await self._free.wait()
            self._some.clear()
            self._free.clear()
            self._hand(self._gather())
            self._room.set()
            await self._thread.sleep(HAND_OVER_S)

    def _gather(self) -> Batch:
        from labctl.gui.viewmodels.batches import Batch

        batch = Batch(tuple(self._deltas.values()), tuple(self._rows), self._link, self._reset)
        self._deltas.clear()
        self._rows, self._rows_kept, self._link, self._reset = [], 0, None, False
        return batch
