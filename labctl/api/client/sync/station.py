# Made from labctl/api/client/aio/station.py by `python -m labctl.api.client.generate`.
"""A station: its namespaces, its state, and the acts that concern all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from types import TracebackType
from typing import Self

from labctl.api.client import routes
from labctl.api.client.address import Address
from labctl.api.client.frames import Rows
from labctl.api.client.sync.bench import Chambers, Channels, Instruments
from labctl.api.client.sync.impedance import Handovers, Potentiostats, Spectra
from labctl.api.client.sync.jobs import Queue
from labctl.api.client.sync.link import PATIENCE_S, Link
from labctl.api.client.sync.mirror import Mirror
from labctl.api.client.sync.people import Alarms, Audit, Notify, People
from labctl.api.client.sync.protocols import Protocols
from labctl.api.client.sync.registry import Batches, Cells, Electrodes
from labctl.api.client.sync.runs import Runs
from labctl.api.client.sync.stream import Stream
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


class Station:
    """One station. Close it when done, or use it in ``with``; that changes nothing at the station.

    It reconnects by itself: reading is repeated, and an act is repeated only where the station knows that it is the
    same one.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self.queue = Queue(link)
        self.runs = Runs(link)
        self.cells = Cells(link)
        self.electrodes = Electrodes(link)
        self.batches = Batches(link)
        self.channels = Channels(link)
        self.chambers = Chambers(link)
        self.instruments = Instruments(link)
        self.potentiostats = Potentiostats(link)
        self.handovers = Handovers(link)
        self.spectra = Spectra(link)
        self.protocols = Protocols(link)
        self.alarms = Alarms(link)
        self.people = People(link)
        self.audit = Audit(link)
        self.notify = Notify(link)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; the station and everything it does go on."""
        self._link.close()

    @property
    def address(self) -> Address | None:
        """Return where the station answers."""
        return self._link.address

    def hello(self) -> Hello:
        """Return who answers, and as whom the station knows you."""
        return self._link.call(routes.HELLO)

    def info(self) -> StationInfo:
        """Return how the station stands."""
        return self._link.call(routes.STATION)

    def stop_all(self, reason: str = "") -> StopAll:
        """Stop all outputs of the bench; stays so until ``release_stop_all``. Says what was not confirmed."""
        return self._link.call(routes.STOP_ALL, body=Reason(reason))

    def release_stop_all(self, *, reason: str, confirm: str = "") -> StopAll:
        """Let outputs be switched on again; ``confirm`` must be the word ``release``. Nothing restarts by itself."""
        return self._link.call(routes.STOP_ALL_RELEASE, body=Confirmed(reason, confirm))

    def set_pace(self, speed: float | None) -> StationInfo:
        """Let a virtual bench's time go at so many plant seconds per wall second; None = as fast as it can.

        Raises: UserInputError where it has only one speed (``info().speed_fixed`` says why).
        """
        return self._link.call(routes.PACE, body=SetPace(speed))

    def snapshot(self) -> State:
        """Return the present value of everything."""
        return self._link.call(routes.SNAPSHOT)

    def deltas(self, after: int, epoch: str, *, wait_s: float = 0.0) -> Deltas:
        """Return what changed after a number, waiting at most ``wait_s`` for it; ``mirror`` does this for you."""
        query = {"after": after, "epoch": epoch, "wait_s": wait_s}
        return self._link.call(routes.DELTAS, query=query)

    def mirror(self, topics: Collection[str] = ()) -> Mirror:
        """Return a copy of the station's state that keeps itself current."""
        return Mirror(self._link, topics)

    def stream(
        self, topics: Collection[str] = (), runs: Collection[str] = (), *, patience_s: float = PATIENCE_S
    ) -> Iterator[Delta | Rows]:
        """Return live changes (of ``topics``, empty = all) and rows (of ``runs``, ``["*"]`` = every one), without end.

        Nothing is missed or doubled when the connection breaks. Raises, while iterating: LinkClosed when the station
        stays away for ``patience_s`` link seconds.
        """
        return Stream(self._link, topics, runs, patience_s=patience_s).items()
