"""Fetches pages of records behind each run's cursor, one question at a time, in job order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from labctl.engine.jobs import StopSignal
from labctl.engine.link import REREADS, Detached, InstrumentLink
from labctl.engine.machines.life import Phase
from labctl.engine.run import Run
from labctl.errors import InstrumentError, InvariantError, UnknownStateError
from labctl.interfaces.cycler import TestProgress
from labctl.model.record import DeviceBlock


@dataclass(slots=True)
class Fetched:
    """One page of one run, or what went wrong with it. ``gap_from``: the first row there is behind lost ones."""

    run: Run
    block: DeviceBlock | None
    backfilled: bool = False
    gap_from: int | None = None
    error: Exception | None = None


class PageFetcher:
    """Asks one instrument for records; knows nothing of what is done with them."""

    def __init__(self, link: InstrumentLink, stop: StopSignal) -> None:
        self._link = link
        self._cycler = link.instrument.cycler
        self._stop = stop
        self._seen: set[int] = set()

    def caught_up(self, by_run: Sequence[tuple[Run, TestProgress]]) -> None:
        """Note the runs of which every row that the device had was fetched: what follows comes in its time."""
        self._seen.update(run.index for run, answer in by_run if run.cursor >= answer.count)

    def _was_away(self, run: Run) -> bool:
        """Tell whether an earlier process followed the run, and the device has gone on alone since (F09, F24)."""
        return run.pending is not None and run.index not in self._seen

    async def fetch(
        self,
        wanted: Sequence[tuple[Run, TestProgress]],
        pages: asyncio.Queue[Fetched | None],
        backfilled: bool,
    ) -> None:
        """Put every new page of every run into ``pages``, then ``None``. Waits while the queue is full."""
        for run, answer in wanted:
            cursor, outages = run.cursor, self._link.outages
            reused = (
                answer.test_id != run.test_id
            )  # how many rows ours has is not told: ask until there are none
            while (cursor < answer.count or reused) and not run.over:
                if self._stop.detached:
                    await pages.put(None)
                    return
                page = await self._page(run, cursor, None if reused else answer.count)
                page.backfilled = backfilled or self._link.outages != outages or self._was_away(run)
                if page.block is None or not len(page.block):
                    if page.error is not None:
                        await pages.put(page)
                    break
                cursor = int(page.block["device_sequence"][-1])
                await pages.put(page)
        await pages.put(None)

    async def _page(self, run: Run, cursor: int, up_to: int | None) -> Fetched:
        """Fetch the page behind ``cursor``; asked for again where it overlaps or leaves a gap (bts 4.5)."""
        test_id = run.test_id
        assert test_id is not None
        block: DeviceBlock | None = None
        for _ in range(1 + REREADS):
            try:
                block = await self._link.read(lambda: self._cycler.records(run.place, test_id, cursor, up_to))
            except (Detached, UnknownStateError):
                raise
            except InstrumentError as error:
                return Fetched(run, None, error=error)
            if not len(block) or int(block["device_sequence"][0]) == cursor + 1:
                return Fetched(run, block)
        assert block is not None
        first = int(block["device_sequence"][0])
        if first > cursor + 1:
            return Fetched(run, block, gap_from=first)
        return Fetched(
            run, None, error=InvariantError("I02", f"the device sends row {first} again and again")
        )


def has_news(run: Run, answer: TestProgress) -> bool:
    """Tell whether there are rows to fetch, or another test stands where ours was."""
    return run.phase is not Phase.HELD and (answer.count > run.cursor or answer.test_id != run.test_id)
