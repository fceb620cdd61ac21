"""One logged-in connection: opens when needed, one exchange at a time, dropped when anything is in doubt.

A Neware has two. The normal lane carries everything; the **stop lane** is logged in at ``open`` and carries only
``stop`` and ``broadcaststop``, so that a hung download never stands before a stop (safety-and-faults section 5).
Nothing is sent twice, but a stop that met a closed idle connection, because stopping twice harms nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from labctl.clock import Clock
from labctl.errors import InstrumentError, LinkClosed, LinkError, LinkTimeout, RefusedError
from labctl.transport.base import Redacted, Transport
from labctl_drivers.neware import messages as m
from labctl_drivers.neware.codec import encode_request
from labctl_drivers.neware.session import Session

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 10.0
HIDDEN = "***"
"""Stands for the password wherever the login is written down (X13)."""


class Lane:
    """A transport with its session, lock and reply time-out (link time)."""

    def __init__(
        self, instrument: str, transport: Transport, clock: Clock, login: m.Connect, timeout_s: float
    ) -> None:
        self._instrument = instrument
        self._transport = transport
        self._clock = clock
        self._login = login
        self._timeout_s = timeout_s
        self._session = Session()
        self._lock = asyncio.Lock()

    @property
    def epoch(self) -> int:
        """Return how many connections this lane has had."""
        return self._session.epoch

    async def open(self) -> None:
        """Connect and log in, unless that is done. Raises: LinkError, RefusedError."""
        await self._run(None)

    async def close(self) -> None:
        """Drop the connection; the next ``ask`` makes a new one."""
        await self._transport.close()
        self._session.reset()

    async def ask(self, request: m.Request, check: Callable[[], None] | None = None) -> m.Reply:
        """Exchange one request for its reply; callers queue. Opens the connection where there is none.

        ``check`` is called when the request is the next thing on the wire; what it raises leaves nothing sent.
        Raises: LinkTimeout, LinkClosed, WireError (the connection is dropped; whether the command took effect is
        unknown), RefusedError (a clean no).
        """
        reply = await self._run(request, check)
        if reply is None:
            raise LinkClosed("no reply", instrument=self._instrument, operation=request.command)
        return reply

    async def ask_stop(self, request: m.Stop | m.BroadcastStop) -> tuple[m.Reply, bool]:
        """Like ``ask``, but when the connection turns out to be closed, open a new one and send once more.

        Returns: the reply, and whether the request was sent a second time.
        """
        try:
            return await self.ask(request), False
        except LinkClosed:
            return await self.ask(request), True

    async def _run(
        self, request: m.Request | None, check: Callable[[], None] | None = None
    ) -> m.Reply | None:
        async with self._lock:
            began_s = self._clock.link.now_s()
            operation = "connect" if request is None else request.command
            with self._clock.busy():
                try:
                    await self._connect(request)
                    if check is not None:
                        check()
                    return None if request is None else await self._exchange(request)
                except RefusedError as error:
                    self._explain(error, operation, began_s)
                    if error.operation == "connect":
                        await self.close()
                    raise
                except InstrumentError as error:
                    self._explain(error, operation, began_s)
                    await self.close()
                    raise
                except BaseException:
                    # Cancelled in the middle: the reply would meet the next question.
                    await self.close()
                    raise

    def _explain(self, error: InstrumentError, operation: str, began_s: float) -> None:
        """Name instrument, command and elapsed time; what the pipe said of itself goes into the text."""
        if isinstance(error, LinkError):
            error.problem += f" ({self._transport.resource}, {error.operation or 'exchange'})"
            error.instrument, error.operation = self._instrument, operation
        error.instrument = error.instrument or self._instrument
        error.operation = error.operation or operation
        if error.elapsed_s is None:
            error.elapsed_s = self._clock.link.now_s() - began_s

    def _is_stray(self, request: m.Request | None) -> bool:
        """Tell whether a late or doubled reply waits in front of the question (F06).

        What came glued to an earlier reply is in the session, which refuses to ask; a stop is not to be refused.
        """
        if self._transport.has_unread:
            return True
        return isinstance(request, (m.Stop, m.BroadcastStop)) and self._session.has_stray

    async def _connect(self, request: m.Request | None) -> None:
        if self._transport.is_open:
            if not self._is_stray(request):
                return
            log.warning(
                "instrument=%s bytes that nobody asked for came in; the connection is made new",
                self._instrument,
            )
            await self._transport.close()
        self._session.reset()
        await self._transport.open(min(CONNECT_TIMEOUT_S, self._timeout_s))
        await self._exchange(self._login)

    async def _exchange(self, request: m.Request) -> m.Reply:
        deadline_s = self._clock.link.now_s() + self._timeout_s
        data = self._session.ask(request)
        if isinstance(request, m.Connect):
            data = Redacted(data, encode_request(replace(request, password=HIDDEN)))
        await self._transport.write(data, self._timeout_s)
        while True:
            left_s = deadline_s - self._clock.link.now_s()
            if left_s <= 0.0:
                raise LinkTimeout("no complete reply in time; whether the command took effect is unknown")
            reply = self._session.receive(await self._transport.read(left_s))
            if reply is not None:
                return reply
