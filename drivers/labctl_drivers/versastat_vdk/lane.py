"""Calls over one connection to the bridge: one at a time, each with its deadline.

Waiting for an answer is link time (virtual-time.md 1). A call whose answer does not come in time leaves the pipe
closed: whatever comes later answers a question that nobody asks any more (F06). Nothing is sent twice by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labctl.clock import Clock
from labctl.errors import InstrumentError, LinkTimeout, RefusedError, WireError
from labctl.transport.base import Redacted, Transport
from labctl_drivers.versastat_vdk.codec import Fault, Value, decode_answer, encode_call
from labctl_drivers.versastat_vdk.faults import told
from labctl_drivers.versastat_vdk.httpframing import Framing, Message, request

HIDDEN = "Bearer ***"


class BridgeFault(RefusedError):
    """The bridge, or the library behind it, answered with a fault."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(told(fault), vendor_text=fault.text)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the headers say it. The token stays out of logs and captures (X13)."""

    host: str
    path: str
    client: str
    token: str = ""

    def request(self, body: bytes) -> bytes:
        """Return the bytes of a call. Raises: WireError for headers that HTTP cannot carry."""
        data = request(self.path, self._headers(f"Bearer {self.token}"), body)
        return Redacted(data, request(self.path, self._headers(HIDDEN), body)) if self.token else data

    def _headers(self, authorization: str) -> Mapping[str, str]:
        headers = {"Host": self.host, "X-Labctl-Client": self.client}
        return {**headers, "Authorization": authorization} if self.token else headers


class Lane:
    """One connection. One task at a time calls."""

    def __init__(self, pipe: Transport, clock: Clock, reply_timeout_s: float) -> None:
        self._pipe = pipe
        self._clock = clock
        self._reply_timeout_s = reply_timeout_s
        self._framing = Framing()

    @property
    def is_open(self) -> bool:
        """Tell whether the pipe is open."""
        return self._pipe.is_open

    async def open(self) -> None:
        """Open the pipe. Raises LinkError."""
        self._framing.reset()
        await self._pipe.open()

    async def close(self) -> None:
        """Close the pipe."""
        await self._pipe.close()

    async def call(self, caller: Caller, method: str, *parameters: Value) -> Value:
        """Return what a call answers. Raises: BridgeFault, RefusedError, LinkError, WireError (pipe closed then)."""
        data = caller.request(encode_call(method, parameters))
        try:
            if self._pipe.has_unread:
                raise WireError(f"something came that nobody had asked for, before {method}", rule="F06")
            with self._clock.busy():
                await self._pipe.write(data, self._reply_timeout_s)
                answer = await self._answer(method)
            if answer.status != 200:
                raise _refusal(answer)
            value = decode_answer(answer.body)
        except BaseException as error:
            # half an exchange, or a caller who left in the middle of one: the next begins on clean ground
            if not isinstance(error, RefusedError):
                await self._pipe.close()
            raise
        if isinstance(value, Fault):
            raise BridgeFault(value)
        return value

    async def _answer(self, method: str) -> Message:
        deadline_s = self._clock.link.now_s() + self._reply_timeout_s
        while True:
            left_s = deadline_s - self._clock.link.now_s()
            data = await self._pipe.listen(left_s) if left_s > 0 else b""
            if not data:
                raise LinkTimeout(f"no answer to {method}", elapsed_s=self._reply_timeout_s)
            messages = self._framing.feed(data)
            if len(messages) > 1:
                raise WireError(f"{len(messages)} answers to one {method}", data=data, rule="RFC 9112, 9.3")
            if messages:
                return messages[0]


def _refusal(answer: Message) -> InstrumentError:
    text = answer.body.decode("utf-8", "replace").strip()[:200]
    match answer.status:
        case 401:
            problem = (
                "the bridge refuses the token: option token_file must name a copy of the bridge's own file"
            )
        case 403:
            problem = "the bridge refuses this computer: it is not on the list of its option --peers"
        case status:
            problem = f"the server answers HTTP {status}: is this the bridge, at the right path?"
    return RefusedError(f"{problem} ({text or answer.start})", vendor_text=text)


def named(error: InstrumentError, instrument: str, operation: str) -> InstrumentError:
    """Return the error with the name of the instrument and of what was being done."""
    error.instrument, error.operation = instrument, operation
    return error
