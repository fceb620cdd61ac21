"""A small station around the alarm keeper: simulated disk, jumping clock, a journal that only listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labctl.clock import Clock
from labctl.errors import StoreError
from labctl.model.person import Actor, Role
from labctl.station.alarming import AlarmKeeper
from labctl.station.feed import Feed
from labctl.station.ledger import Ledger
from labctl.store.root import DataRoot
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.clocks import jump
from labctl.worker import Worker

ANN = Actor("Ann", Role.OPERATE, "test")
BEN = Actor("Ben", Role.OPERATE, "test")


class ListeningJournal:
    """Keeps what would go into the audit journal; refuses like a full disk when told to."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, Any, Any, str]] = []
        self.full = False

    async def write(
        self, actor: Actor, act: str, subject: str = "", *, old: Any = None, new: Any = None, reason: str = ""
    ) -> object:
        """Keep a row. Raises: StoreError when ``full``."""
        if self.full:
            raise StoreError("the disk is full")
        self.rows.append((actor.name, act, subject, old, new, reason))
        return None


@dataclass
class Desk:
    """One life of the station's alarms."""

    keeper: AlarmKeeper
    clock: Clock
    feed: Feed
    audit: ListeningJournal
    disk: SimulatedDisk
    ledger: Ledger

    def states(self) -> dict[str, str]:
        """Return the state of each alarm that is not NORMAL."""
        return {alarm.key: alarm.state.value for alarm in self.keeper.alarms()}


Story = Callable[[Desk], Coroutine[Any, Any, Any]]


def live(story: Story, disk: SimulatedDisk | None = None, *, start_s: float = 0.0, **options: Any) -> Any:
    """Tell a story in one life of the keeper; the task that serves it is ended with the story."""
    used = disk or SimulatedDisk()

    async def main(clock: Clock) -> Any:
        worker = Worker("test", clock)
        ledger = Ledger(DataRoot(Path("/data"), disk=used), worker, "alarms")
        feed, audit = Feed("test"), ListeningJournal()
        keeper = AlarmKeeper(ledger, feed, audit, clock, **options)
        try:
            await keeper.open()
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(keeper.serve())
                result = await story(Desk(keeper, clock, feed, audit, used, ledger))
                serving.cancel()
            return result
        finally:
            worker.close()

    return jump(main, start_s=start_s)
