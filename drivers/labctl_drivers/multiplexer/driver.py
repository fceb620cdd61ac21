"""A relay multiplexer: breaks, reads back, waits, makes, reads back; opens everything on any doubt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from labctl.clock import Clock
from labctl.errors import (
    InstrumentError,
    LinkError,
    LinkTimeout,
    RefusedError,
    UnknownStateError,
    UsageError,
    WireError,
)
from labctl.interfaces.frames import FrameText
from labctl.interfaces.switch import BREAK_S, AtRest, Path, Source, SwitchIdentity, reasons_against
from labctl.transport.base import Transport
from labctl_drivers.multiplexer.codec import read_closed, read_identity
from labctl_drivers.multiplexer.explain import explain
from labctl_drivers.multiplexer.messages import Close, Command, Identify, IsClosed, Open, OpenAll, Question
from labctl_drivers.multiplexer.options import MultiplexerOptions, with_usual_baud
from labctl_drivers.multiplexer.session import Session

log = logging.getLogger(__name__)

SETTLE_S = 1.2 * BREAK_S
"""Plant seconds between an order to a relay and its read-back, and so between a break and the next make."""


class ScpiMultiplexer:
    """Implements ``labctl.interfaces.switch.CellSwitch``."""

    def __init__(
        self,
        name: str,
        resource: str,
        options: MultiplexerOptions,
        clock: Clock,
        connect: Callable[[str], Transport],
    ) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        self._pipe = connect(with_usual_baud(resource))
        self._session = Session()
        self._turn = asyncio.Lock()
        self._identity: SwitchIdentity | None = None
        self._in_doubt = False

    @property
    def name(self) -> str:
        """Return the name from the station file."""
        return self._name

    @property
    def places(self) -> int:
        """Return how many places it has."""
        return self._options.places

    def explain(self, data: bytes, *, sent: bool) -> FrameText:
        """Say in one line what raw bytes are."""
        return explain(data, sent=sent)

    async def open(self) -> SwitchIdentity:
        """Connect, open all paths where a move was broken off, identify, read every path. Raises InstrumentError."""
        async with self._talking("open"):
            if self._pipe.is_open and self._identity is not None and not self._in_doubt:
                return self._identity
            await self._pipe.open()
            self._session.reset()
            if self._in_doubt:
                await self._opened_all()
            identity = read_identity(await self._ask(Identify()))
            if self._identity not in (None, identity):
                problem = f"another box answers: {identity.model} {identity.serial}"
                raise RefusedError(problem, vendor_text=identity.serial)
            self._identity = identity
            await self._read_all()
            return identity

    async def close(self) -> None:
        """Disconnect; the relays stay as they are."""
        async with self._turn:
            await self._pipe.close()

    async def closed(self) -> tuple[Path, ...]:
        """Ask for every path and return those that are closed. Raises InstrumentError."""
        async with self._talking("read back"):
            return await self._read_all()

    async def join(self, place: int, source: Source, rest: AtRest) -> None:
        """Join a place to one source and to nothing else. Raises as the interface says."""
        self._insist(place, rest, "join")
        wanted = Path(place, source)
        async with self._talking("join"):
            self._insist_no_doubt("join")
            async with self._moving():
                closed = await self._closed_at(place)
                if closed == (wanted,):
                    return
                await self._break(place, closed)
                await self._tell(Close(wanted))
                await self._clock.plant.sleep(SETTLE_S)
                self._compare(await self._closed_at(place), (wanted,))

    async def part(self, place: int, rest: AtRest) -> None:
        """Open both paths of a place. Raises as the interface says."""
        self._insist(place, rest, "part")
        async with self._talking("part"):
            self._insist_no_doubt("part")
            async with self._moving():
                await self._break(place, await self._closed_at(place))

    async def open_all(self) -> None:
        """Open every path and read each back; connects where it must. Raises UnknownStateError, LinkError."""
        self._in_doubt = True
        async with self._talking("open all"):
            await self._pipe.open()
            await self._opened_all()

    # -- moves: the caller has the turn

    async def _break(self, place: int, closed: tuple[Path, ...]) -> None:
        """Open what is closed at a place, and read back that nothing is. Raises UnknownStateError, LinkError."""
        for path in closed:
            await self._tell(Open(path))
        if closed:
            await self._clock.plant.sleep(SETTLE_S)
            self._compare(await self._closed_at(place), ())

    def _compare(self, closed: tuple[Path, ...], wanted: tuple[Path, ...]) -> None:
        if closed != wanted:
            raise UnknownStateError(f"it should read {_words(wanted)} and reads {_words(closed)}")

    @asynccontextmanager
    async def _moving(self) -> AsyncIterator[None]:
        """Open all paths where what is inside fails or is left; afterwards nothing is believed until that is confirmed.

        Raises: UnknownStateError that says whether all paths read as open; LinkError.
        """
        self._in_doubt = True
        try:
            yield
        except (UnknownStateError, WireError) as error:
            raise await self._opened_because(error) from error
        except (InstrumentError, asyncio.CancelledError):
            await self._shout_open_all()
            raise
        self._in_doubt = False

    async def _opened_because(self, error: InstrumentError) -> UnknownStateError:
        """Open all paths, and return the error with what is sure of them."""
        try:
            await self._opened_all()
        except InstrumentError as unsure:
            log.error("paths not confirmed open multiplexer=%s error=%s", self._name, unsure)
            return UnknownStateError(
                f"{error.problem}; all paths were told to open, and {unsure.problem}. Keep both instruments off, and "
                "unplug the cells of this box"
            )
        return UnknownStateError(f"{error.problem}; all paths of the box have been opened and read as open")

    async def _opened_all(self) -> None:
        """Open every path, and read each back. Raises UnknownStateError, LinkError, WireError."""
        await self._forget()
        await self._tell(OpenAll())
        await self._clock.plant.sleep(SETTLE_S)
        self._compare(await self._each(), ())
        self._in_doubt = False

    async def _shout_open_all(self) -> None:
        """Tell all paths to open without asking for more; the next open of the link sees to the rest."""
        self._session.reset()
        try:
            if self._pipe.is_open:
                await self._pipe.write(self._session.command(OpenAll()), self._options.reply_timeout_s)
        except LinkError as error:
            log.error("paths not told to open multiplexer=%s error=%s", self._name, error)

    # -- reading: the caller has the turn

    async def _read_all(self) -> tuple[Path, ...]:
        """Return the closed paths; two at one place are opened with all others. Raises UnknownStateError, LinkError."""
        closed = await self._each()
        places = [path.place for path in closed]
        if len(set(places)) < len(places):
            self._in_doubt = True
            raise await self._opened_because(UnknownStateError(f"it reads {_words(closed)}"))
        return closed

    async def _each(self) -> tuple[Path, ...]:
        return tuple([path for place in range(1, self.places + 1) for path in await self._closed_at(place)])

    async def _closed_at(self, place: int) -> tuple[Path, ...]:
        paths = [Path(place, source) for source in Source]
        return tuple([path for path in paths if read_closed(await self._ask(IsClosed(path)))])

    # -- the wire: the caller has the turn

    async def _tell(self, command: Command) -> None:
        with self._clock.busy():
            await self._pipe.write(self._session.command(command), self._options.reply_timeout_s)

    async def _ask(self, question: Question) -> str:
        """Return the answer. Raises: LinkTimeout (the link stays open), LinkClosed, WireError."""
        timeout_s = self._options.reply_timeout_s
        if self._pipe.has_unread:
            raise WireError("an answer to nothing that was asked", rule="one answer to each question")
        with self._clock.busy():
            await self._pipe.write(self._session.question(question), timeout_s)
            deadline_s = self._clock.link.now_s() + timeout_s
            answer: str | None = None
            while answer is None:
                left_s = deadline_s - self._clock.link.now_s()
                if left_s <= 0:
                    raise LinkTimeout("no answer to the question", elapsed_s=timeout_s)
                answer = self._session.feed(await self._pipe.listen(left_s))
        return answer

    async def _forget(self) -> None:
        """Throw away what was asked and what has come."""
        while self._pipe.has_unread:
            await self._pipe.listen(0.0)
        self._session.reset()

    def _insist(self, place: int, rest: AtRest, operation: str) -> None:
        if not 1 <= place <= self.places:
            raise UsageError(
                f"there is no place {place}, they are 1 to {self.places}",
                instrument=self._name,
                operation=operation,
            )
        reasons = reasons_against(rest)
        if reasons:
            raise UsageError(" ".join(reasons), instrument=self._name, operation=operation)

    def _insist_no_doubt(self, operation: str) -> None:
        if self._in_doubt:
            raise UsageError(
                "nobody knows what is joined: open all paths first",
                instrument=self._name,
                operation=operation,
            )

    @asynccontextmanager
    async def _talking(self, operation: str) -> AsyncIterator[None]:
        """Hold the turn; after anything that leaves the wire unclear close it."""
        async with self._turn:
            try:
                yield
            except UsageError:
                raise
            except InstrumentError as error:
                error.instrument, error.operation = self._name, operation
                await self._pipe.close()
                raise
            except asyncio.CancelledError:
                await self._pipe.close()
                raise


def _words(paths: tuple[Path, ...]) -> str:
    return ", ".join(f"place {path.place} at the {path.source.value}" for path in paths) or "nothing closed"
