"""Hands durable rows of live runs to whoever watches, and never waits for a slow one (F23).

A watcher that does not keep up loses blocks, is told so, and fetches what it missed from the store: rows have
sequence numbers, so a gap is seen.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection

from labctl.model.record import RecordBlock

LiveBlock = tuple[str, RecordBlock, bool]
"""A run, rows of it, and whether they were fetched after an outage."""
BLOCKS_KEPT = 4096
"""Blocks that may wait for one watcher (I14); with a row a second on 64 channels about ten minutes of pages."""


class Watcher:
    """One client's live rows. ``lost`` counts blocks dropped since the last ``take``."""

    def __init__(self, runs: Collection[str] | None) -> None:
        self.runs = None if runs is None else frozenset(runs)
        self.lost = 0
        self._blocks: deque[LiveBlock] = deque()
        self._some = asyncio.Event()

    def put(self, run_id: str, block: RecordBlock, *, backfilled: bool = False) -> None:
        """Take a block of a run that is watched."""
        if self.runs is not None and run_id not in self.runs:
            return
        if len(self._blocks) >= BLOCKS_KEPT:
            self._blocks.popleft()
            self.lost += 1
        self._blocks.append((run_id, block, backfilled))
        self._some.set()

    async def take(self) -> tuple[list[LiveBlock], int]:
        """Wait for blocks; return all that are there, oldest first, and how many were dropped before them."""
        await self._some.wait()
        self._some.clear()
        blocks, self._blocks = list(self._blocks), deque()
        lost, self.lost = self.lost, 0
        return blocks, lost


class RowsHub:
    """The watchers of live rows."""

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []

    def watch(self, runs: Collection[str] | None) -> Watcher:
        """Begin to watch some runs, None = all; end with ``leave``."""
        watcher = Watcher(runs)
        self._watchers.append(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Watch no more."""
        self._watchers.remove(watcher)

    def publish(self, run_id: str, block: RecordBlock, *, backfilled: bool = False) -> None:
        """Hand out rows that are durable; ``backfilled``: they were fetched after an outage."""
        for watcher in self._watchers:
            watcher.put(run_id, block, backfilled=backfilled)
