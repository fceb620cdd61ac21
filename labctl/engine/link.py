"""Keeps one instrument's link: notices that it is gone, comes back with growing pauses, says so.

During an outage the device goes on by itself (silence policy, I06). Nothing is sent but the attempts to
reconnect; a command whose fate is unknown is read back by ``commands.py`` before anything else (I09).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from labctl.clock import Clock
from labctl.engine.jobs import StopSignal
from labctl.engine.machines.stale import SilenceWatch
from labctl.engine.station import Instrument
from labctl.engine.waiting import Wake, until_or_event
from labctl.errors import InstrumentError, LinkError, RefusedError, UnknownStateError, WireError

T = TypeVar("T")

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 60.0
"""Pauses between attempts to reconnect: 1, 2, 4 ... 60 s of link time."""
REREADS = 2
"""A garbled answer is asked for again this often (F05)."""
GARBLED_TOLD = 4
"""So many garbled answers in a row are told one by one, then each time that their number has doubled (I14)."""


class Detached(Exception):
    """The person has left while we waited for a link; not an error."""


class LinkWatcher(Protocol):
    """Hears about outages."""

    async def link_lost(self, error: InstrumentError) -> None: ...
    async def link_unknown(self, lasted_s: float) -> None: ...
    async def link_back(self, lasted_s: float) -> None: ...
    async def link_garbled(self, error: InstrumentError) -> None: ...


class InstrumentLink:
    """Repeats reads over outages; ``outages`` counts them, so that a caller sees that rows were back-
    filled.
    """

    def __init__(
        self,
        instrument: Instrument,
        clock: Clock,
        stop: StopSignal,
        watcher: LinkWatcher,
    ) -> None:
        self.instrument = instrument
        self.outages = 0
        self.problem = ""
        """Why the last attempt to open the instrument failed."""
        self._clock = clock
        self._stop = stop
        self._wake = Wake()
        self._watcher = watcher
        self._silence = SilenceWatch(instrument.poll_s)
        self._mending = asyncio.Lock()
        self._garbled = 0
        stop.attach(self._wake)

    async def first_open(self) -> None:
        """Open an instrument that nobody has opened yet, however long it takes. Raises: Detached."""
        pause_s, begin_s, told = 0.0, self._clock.plant.now_s(), False
        self._silence.lost_at(begin_s)
        while not await self._attempt(pause_s):
            pause_s = min(2.0 * pause_s, BACKOFF_MAX_S) or BACKOFF_FIRST_S
            now_s = self._clock.plant.now_s()
            if not told and self._silence.unknown(now_s):  # runs that an earlier process left wait here (I10)
                told = True
                await self._watcher.link_unknown(now_s - begin_s)
        self._silence.back()

    async def find_again(self) -> None:
        """Wait until the instrument that we know answers at its place again. Raises: Detached."""
        while True:
            try:
                if await self._attempt(BACKOFF_MAX_S):
                    return
            except UnknownStateError:
                continue  # the other one still sits there

    async def read(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer: over outages, and twice more where question or answer was garbled (F05).

        Only for questions that change nothing. Raises: WireError, RefusedError, UsageError; Detached.
        """
        garbled = 0
        while True:
            outages = self.outages
            try:
                answer = await ask()
            except LinkError as error:
                await self.mend(error, outages)
            except (WireError, RefusedError) as error:
                garbled += 1
                await self._tell_garbled(error)
                if garbled > REREADS:
                    raise
            else:
                self._garbled = 0
                return answer

    async def _tell_garbled(self, error: InstrumentError) -> None:
        """Tell of an answer that cannot be used; an instrument that talks only nonsense fills no journal (I14)."""
        self._garbled += 1
        if self._garbled <= GARBLED_TOLD or self._garbled & (self._garbled - 1) == 0:
            await self._watcher.link_garbled(error)

    async def mend(self, error: InstrumentError, outages: int | None = None) -> None:
        """Reconnect with growing pauses, however long it takes. Raises: Detached, UnknownStateError
        (another device).
        """
        before = self.outages if outages is None else outages
        async with self._mending:
            if self.outages != before:
                return  # another task has mended it meanwhile
            begin_s = self._clock.plant.now_s()
            self._silence.lost_at(begin_s)
            await self._watcher.link_lost(error)
            pause_s, told = BACKOFF_FIRST_S, False
            while not await self._attempt(pause_s):
                pause_s = min(2.0 * pause_s, BACKOFF_MAX_S)
                now_s = self._clock.plant.now_s()
                if not told and self._silence.unknown(now_s):
                    told = True
                    await self._watcher.link_unknown(now_s - begin_s)
            self._silence.back()
            self.outages += 1
            await self._watcher.link_back(self._clock.plant.now_s() - begin_s)

    async def _attempt(self, pause_s: float) -> bool:
        await self.pause(pause_s)
        instrument = self.instrument
        try:
            await instrument.cycler.open()
            identity = await instrument.cycler.identify()
            if not instrument.identity:
                instrument.places = await instrument.cycler.places()
        except InstrumentError as error:
            self.problem = str(error)
            return False
        self.problem = ""
        if instrument.identity and not instrument.cycler.same_device(instrument.identity, identity):
            raise UnknownStateError(
                f"another instrument answers at this place: {identity!r} instead of {instrument.identity!r}",
                instrument=instrument.name,
            )
        instrument.identity = identity
        return True

    async def pause(self, duration_s: float) -> None:
        """Wait some link time. Raises: Detached as soon as the person leaves."""
        end_s = self._clock.link.now_s() + duration_s
        while True:
            if self._stop.detached:
                raise Detached
            left_s = end_s - self._clock.link.now_s()
            if left_s <= 0:
                return
            self._wake.clear()
            await until_or_event(self._clock.link.sleep(left_s), self._wake)
