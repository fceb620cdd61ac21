"""A byte pipe inside this process, to a simulated instrument; the only one that may be used in jump mode."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from labctl.clock import Clock
from labctl.errors import LinkClosed, LinkTimeout
from labctl.transport.base import EXCHANGE_TIMEOUT_S, OPEN_TIMEOUT_S, READ_CHUNK_BYTES


class Endpoint(Protocol):
    """The other end: takes bytes and returns what the instrument sends back, perhaps nothing.

    It may raise ConnectionError to close the connection.
    """

    def receive(self, data: bytes) -> bytes: ...


@runtime_checkable
class SpeakingEndpoint(Endpoint, Protocol):
    """An endpoint that also speaks without being asked, as an instrument does that measures."""

    def attach(self, send: Callable[[bytes], None]) -> None:
        """Take what this connection hears by: the endpoint calls ``send`` whenever it has something to say."""


class MemoryTransport:
    """A byte pipe to an endpoint. A callable is asked for a fresh endpoint at each ``open``, as a server
    does."""

    def __init__(
        self, endpoint: Endpoint | Callable[[], Endpoint], clock: Clock, name: str = "endpoint"
    ) -> None:
        self._connect = endpoint
        self._clock = clock
        self._name = name
        self._endpoint: Endpoint | None = None
        self._buffer = bytearray()
        self._arrival: asyncio.Future[None] | None = None

    @property
    def resource(self) -> str:
        """Where it leads."""
        return f"mem://{self._name}"

    @property
    def is_open(self) -> bool:
        """Tell whether bytes may be exchanged."""
        return self._endpoint is not None

    @property
    def has_unread(self) -> bool:
        """Tell whether bytes have come that nobody has read."""
        return bool(self._buffer)

    async def open(self, timeout_s: float = OPEN_TIMEOUT_S) -> None:
        """Connect. Raises LinkClosed when the endpoint refuses."""
        if self._endpoint is not None:
            return
        try:
            self._endpoint = self._connect() if callable(self._connect) else self._connect
        except ConnectionError as error:
            raise LinkClosed(str(error) or "refused", instrument=self.resource, operation="open") from error
        if isinstance(self._endpoint, SpeakingEndpoint):
            self._endpoint.attach(self._hear_from(self._endpoint))

    async def close(self) -> None:
        """Close; bytes that were not read are dropped."""
        self._endpoint = None
        self._buffer.clear()
        self._wake()

    async def write(self, data: bytes, timeout_s: float = EXCHANGE_TIMEOUT_S) -> None:
        """Hand the bytes over; the reply is there at once. Raises LinkClosed (pipe closed afterwards)."""
        if self._endpoint is None:
            raise LinkClosed("the pipe is closed", instrument=self.resource, operation="write")
        try:
            reply = self._endpoint.receive(data)
        except ConnectionError as error:
            await self.close()
            problem = str(error) or "the peer closed the connection"
            raise LinkClosed(problem, instrument=self.resource, operation="write") from error
        if reply:
            self._buffer += reply
            self._wake()

    async def read(self, timeout_s: float = EXCHANGE_TIMEOUT_S) -> bytes:
        """Return what has come. Raises LinkTimeout or LinkClosed (pipe closed afterwards)."""
        data = await self.listen(timeout_s)
        if not data:
            await self.close()
            raise LinkTimeout(
                "no bytes came", instrument=self.resource, operation="read", elapsed_s=timeout_s
            )
        return data

    async def listen(self, timeout_s: float) -> bytes:
        """Return what has come, empty when nothing has. Raises LinkClosed."""
        if self._endpoint is not None and not self._buffer:
            self._arrival = asyncio.get_running_loop().create_future()
            with contextlib.suppress(TimeoutError):
                async with self._clock.link.timeout(timeout_s):
                    await self._arrival
        if self._endpoint is None and not self._buffer:
            raise LinkClosed("the pipe is closed", instrument=self.resource, operation="read")
        data = bytes(self._buffer[:READ_CHUNK_BYTES])
        del self._buffer[:READ_CHUNK_BYTES]
        return data

    def _hear_from(self, endpoint: Endpoint) -> Callable[[bytes], None]:
        """Return what takes the bytes that this endpoint sends; nothing once another connection stands."""

        def hear(data: bytes) -> None:
            if self._endpoint is endpoint and data:
                self._buffer += data
                self._wake()

        return hear

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
