"""A pipe with faults: puts a ``FaultPlan`` between a driver and any other transport, in any clock mode."""

from __future__ import annotations

import contextlib
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable

from labctl.clock import Clock
from labctl.errors import LinkClosed, LinkTimeout
from labctl.transport.base import EXCHANGE_TIMEOUT_S, OPEN_TIMEOUT_S, Transport
from labctl.transport.faults import Act, Fault, FaultLine, FaultPlan, Side, Verdict

log = logging.getLogger(__name__)


class FaultyTransport:
    """A pipe on which a plan's faults happen. Each ``write`` begins an exchange.

    A merged reply waits for the replies to the other requests that are outstanding; when there are none it
    comes as it is. Late bytes outlive a close: they come out of the reopened pipe when their time has come,
    or just before the reply to a later request.
    """

    def __init__(self, inner: Transport, clock: Clock, plan: FaultPlan) -> None:
        self._inner = inner
        self._clock = clock
        self._line = FaultLine(plan)
        self._ready: deque[tuple[float, int, bytes]] = deque()  # (link moment, exchange, bytes)
        self._held = {Side.REQUEST: b"", Side.REPLY: b""}
        self._unanswered = 0
        self._cut = False
        self._silent = False
        self._opens_refused = 0

    @property
    def resource(self) -> str:
        """Where it leads."""
        return self._inner.resource

    @property
    def is_open(self) -> bool:
        """Tell whether bytes may be exchanged."""
        return self._inner.is_open

    @property
    def has_unread(self) -> bool:
        """Tell whether bytes have come through that nobody has read."""
        come = bool(self._ready) and self._ready[0][0] <= self._clock.link.now_s()
        return come or self._inner.has_unread

    @property
    def fired(self) -> list[tuple[int, Fault]]:
        """Return the faults that have happened, each with its exchange."""
        return list(self._line.fired)

    @property
    def exchanges(self) -> int:
        """Return how many exchanges have begun."""
        return self._line.exchange

    async def open(self, timeout_s: float = OPEN_TIMEOUT_S) -> None:
        """Open the inner pipe. Raises LinkTimeout or LinkClosed."""
        if self._opens_refused > 0:
            self._opens_refused -= 1
            raise LinkClosed("refused (injected)", instrument=self.resource, operation="open")
        await self._inner.open(timeout_s)
        self._line.reopened()
        self._cut = self._silent = False

    async def close(self) -> None:
        """Close the inner pipe; only late bytes remain."""
        now_s = self._clock.link.now_s()
        self._ready = deque(entry for entry in self._ready if entry[0] > now_s)
        self._held = {Side.REQUEST: b"", Side.REPLY: b""}
        self._unanswered = 0
        await self._inner.close()

    async def write(self, data: bytes, timeout_s: float = EXCHANGE_TIMEOUT_S) -> None:
        """Send through the faults. Raises LinkTimeout or LinkClosed (pipe closed afterwards)."""
        self._line.begin_exchange()
        self._unanswered += 1
        for act in self._line.pass_on(Side.REQUEST, data):
            self._tell(Side.REQUEST)
            if act.delay_s > 0:
                await self._clock.link.sleep(act.delay_s)
            match act.verdict:
                case Verdict.PASS:
                    held, self._held[Side.REQUEST] = self._held[Side.REQUEST], b""
                    await self._inner.write(held + act.data, timeout_s)
                case Verdict.HOLD:
                    self._held[Side.REQUEST] += act.data
                case Verdict.SILENCE:
                    self._silent = True
                case Verdict.CUT:
                    self._opens_refused = act.opens_refused
                    await self.close()
                    raise LinkClosed("connection cut (injected)", instrument=self.resource, operation="write")

    async def read(self, timeout_s: float = EXCHANGE_TIMEOUT_S) -> bytes:
        """Return what has come through. Raises LinkTimeout or LinkClosed (pipe closed afterwards)."""
        data = await self._come(timeout_s, self._inner.read)
        if not data:
            await self.close()
            raise LinkTimeout(
                "no bytes came", instrument=self.resource, operation="read", elapsed_s=timeout_s
            )
        return data

    async def listen(self, timeout_s: float) -> bytes:
        """Return what has come through, empty when nothing has. Raises LinkClosed (pipe closed afterwards)."""
        return await self._come(timeout_s, self._inner.listen)

    async def _come(self, timeout_s: float, hear: Callable[[float], Awaitable[bytes]]) -> bytes:
        """Return what comes through, empty once the time has passed."""
        if not self._inner.is_open:
            raise LinkClosed("the pipe is closed", instrument=self.resource, operation="read")
        deadline_s = self._clock.link.now_s() + timeout_s
        while True:
            left_s = deadline_s - self._clock.link.now_s()
            due_in_s = self._ready[0][0] - self._clock.link.now_s() if self._ready else math.inf
            if due_in_s <= 0:
                return self._ready.popleft()[2]
            if self._ready and self._ready[0][1] == self._line.exchange:
                if due_in_s > left_s:
                    return await self._silence(left_s)
                await self._clock.link.sleep(due_in_s)
            elif self._cut:
                await self.close()
                raise LinkClosed("connection cut (injected)", instrument=self.resource, operation="read")
            elif self._silent:
                return await self._silence(left_s)
            elif not await self._heard(left_s, due_in_s, hear) and due_in_s >= left_s:
                return b""

    async def _heard(self, left_s: float, due_in_s: float, hear: Callable[[float], Awaitable[bytes]]) -> bool:
        """Take what comes next, but only until late bytes of an earlier exchange are due; tell whether any came."""
        with contextlib.suppress(TimeoutError):
            async with self._clock.link.timeout(due_in_s if due_in_s < left_s else None):
                if data := await hear(max(0.0, left_s)):
                    self._take(data)
                    return True
        return False

    async def _silence(self, left_s: float) -> bytes:
        """Let the time pass; return nothing."""
        await self._clock.link.sleep(max(0.0, left_s))
        return b""

    def _take(self, data: bytes) -> None:
        self._unanswered = max(0, self._unanswered - 1)
        for act in self._line.pass_on(Side.REPLY, data):
            self._tell(Side.REPLY)
            self._settle(act)
        if self._held[Side.REPLY] and not self._unanswered:
            self._settle(Act(Verdict.PASS))

    def _settle(self, act: Act) -> None:
        match act.verdict:
            case Verdict.PASS:
                held, self._held[Side.REPLY] = self._held[Side.REPLY], b""
                due_s, exchange = self._clock.link.now_s() + act.delay_s, self._line.exchange
                # late bytes come before the next reply, and do not hold it up
                earlier = [(due_s if at < exchange else moment, at, data) for moment, at, data in self._ready]
                self._ready = deque([*earlier, (due_s, exchange, held + act.data)])
            case Verdict.HOLD:
                self._held[Side.REPLY] += act.data
            case Verdict.SILENCE:
                self._silent = True
            case Verdict.CUT:
                self._opens_refused = act.opens_refused
                self._cut = True

    def _tell(self, side: Side) -> None:
        """Log a fault that has just fired: injected faults must be visible (P8)."""
        if self._line.fired and self._line.fired[-1][0] == self._line.exchange:
            log.debug(
                "fault injected resource=%s side=%s fault=%s", self.resource, side, self._line.fired[-1][1]
            )
