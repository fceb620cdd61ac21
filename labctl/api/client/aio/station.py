"""A station: its namespaces, its state, and the acts that concern all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from types import TracebackType
from typing import Self

from labctl.api.client import routes
from labctl.api.client.address import Address
from labctl.api.client.aio.bench import AsyncChambers, AsyncChannels, AsyncInstruments
from labctl.api.client.aio.impedance import AsyncHandovers, AsyncPotentiostats, AsyncSpectra
from labctl.api.client.aio.jobs import AsyncQueue
from labctl.api.client.aio.link import PATIENCE_S, AsyncLink
from labctl.api.client.aio.mirror import AsyncMirror
from labctl.api.client.aio.people import AsyncAlarms, AsyncAudit, AsyncNotify, AsyncPeople
from labctl.api.client.aio.protocols import AsyncProtocols
from labctl.api.client.aio.registry import AsyncBatches, AsyncCells, AsyncElectrodes
from labctl.api.client.aio.runs import AsyncRuns
from labctl.api.client.aio.stream import AsyncStream
from labctl.api.client.frames import Rows
from labctl.api.messages import (
    Confirmed,
    Deltas,
    Hello,
    Reason,
    SetPace,
    State,
)
from labctl.model.bench import Delta, StationInfo, StopAll

RELEASE_WORD = "release"


class AsyncStation:
    """One station. Close it when done, or use it in ``with``; that changes nothing at the station.

    It reconnects by itself: reading is repeated, and an act is repeated only where the station knows that it is the
    same one.
    """

    def __init__(self, link: AsyncLink) -> None:
        self._link = link
        self.queue = AsyncQueue(link)
        self.runs = AsyncRuns(link)
        self.cells = AsyncCells(link)
        self.electrodes = AsyncElectrodes(link)
        self.batches = AsyncBatches(link)
        self.channels = AsyncChannels(link)
        self.chambers = AsyncChambers(link)
        self.instruments = AsyncInstruments(link)
        self.potentiostats = AsyncPotentiostats(link)
        self.handovers = AsyncHandovers(link)
        self.spectra = AsyncSpectra(link)
        self.protocols = AsyncProtocols(link)
        self.alarms = AsyncAlarms(link)
        self.people = AsyncPeople(link)
        self.audit = AsyncAudit(link)
        self.notify = AsyncNotify(link)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up; the station and everything it does go on."""
        await self._link.close()

    @property
    def address(self) -> Address | None:
        """Return where the station answers."""
        return self._link.address

    async def hello(self) -> Hello:
        """Return who answers, and as whom the station knows you."""
        return await self._link.call(routes.HELLO)

    async def info(self) -> StationInfo:
        """Return how the station stands."""
        return await self._link.call(routes.STATION)

    async def stop_all(self, reason: str = "") -> StopAll:
        """Stop all outputs of the bench; stays so until ``release_stop_all``. Says what was not confirmed."""
        return await self._link.call(routes.STOP_ALL, body=Reason(reason))

    async def release_stop_all(self, *, reason: str, confirm: str = "") -> StopAll:
        """Let outputs be switched on again; ``confirm`` must be the word ``release``. Nothing restarts by itself."""
        return await self._link.call(routes.STOP_ALL_RELEASE, body=Confirmed(reason, confirm))

    async def set_pace(self, speed: float | None) -> StationInfo:
        """Let a virtual bench's time go at so many plant seconds per wall second; None = as fast as it can.

        Raises: UserInputError where it has only one speed (``info().speed_fixed`` says why).
        """
        return await self._link.call(routes.PACE, body=SetPace(speed))

    async def snapshot(self) -> State:
        """Return the present value of everything."""
        return await self._link.call(routes.SNAPSHOT)

    async def deltas(self, after: int, epoch: str, *, wait_s: float = 0.0) -> Deltas:
        """Return what changed after a number, waiting at most ``wait_s`` for it; ``mirror`` does this for you."""
        query = {"after": after, "epoch": epoch, "wait_s": wait_s}
        return await self._link.call(routes.DELTAS, query=query)

    def mirror(self, topics: Collection[str] = ()) -> AsyncMirror:
        """Return a copy of the station's state that keeps itself current."""
        return AsyncMirror(self._link, topics)

    def stream(
        self, topics: Collection[str] = (), runs: Collection[str] = (), *, patience_s: float = PATIENCE_S
    ) -> AsyncIterator[Delta | Rows]:
        """Return live changes (of ``topics``, empty = all) and rows (of ``runs``, ``["*"]`` = every one), without end.

        Nothing is missed or doubled when the connection breaks. Raises, while iterating: LinkClosed when the station
        stays away for ``patience_s`` link seconds.
        """
        return AsyncStream(self._link, topics, runs, patience_s=patience_s).items()
