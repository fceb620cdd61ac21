"""Sends the stops of one instrument together, while pages of its other channels still come in.

All channels of a server may pass a limit in one poll. One after the other, each with its read-back, the last stop
would leave seconds behind its row; so bytes leave first, whatever has gathered since in one message, and what was
stopped is read back behind the poll's rows.
"""

from __future__ import annotations

import asyncio

from labctl.engine.commands import Commands, SentStop
from labctl.engine.machines.life import Phase
from labctl.engine.run import Run


class Trips:
    """The stops that one poll asks for. ``serve`` sends them; ``sent`` are those whose bytes have left."""

    def __init__(self, commands: Commands) -> None:
        self.sent: list[SentStop] = []
        self._commands = commands
        self._waiting: asyncio.Queue[Run] = asyncio.Queue()
        self._serves = True
        self.any = False
        """Whether there has been one: the next pages of this poll may hold more."""

    def add(self, run: Run) -> None:
        """Have a run stopped at once."""
        if run.phase is not Phase.DRAINING:
            self.any = True
            self._waiting.put_nowait(run)

    async def all_sent(self) -> None:
        """Return when nothing waits, or nobody sends: no row is stored before its stop has left (P4)."""
        if self._serves:
            await self._waiting.join()

    async def serve(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                batch = [await self._waiting.get()]
                while not self._waiting.empty():
                    batch.append(self._waiting.get_nowait())
                self.sent += await self._commands.send_stops(batch)
                for _ in batch:
                    self._waiting.task_done()
        finally:
            self._serves = False
