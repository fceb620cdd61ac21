"""A TCP connection as a byte pipe: no delay, keep-alive, deadlines; an end sent by the peer is a closed
pipe."""

from __future__ import annotations

import asyncio
import socket

from labctl.clock import Clock
from labctl.errors import LinkClosed, LinkError, LinkTimeout
from labctl.transport.base import EXCHANGE_TIMEOUT_S, OPEN_TIMEOUT_S, READ_CHUNK_BYTES
from labctl.transport.deadline import Deadline

BUFFER_MAX_BYTES = 4 * READ_CHUNK_BYTES
"""A peer that sends faster than the driver reads is held back by TCP itself beyond this."""

KEEPALIVE_IDLE_S = 30
KEEPALIVE_INTERVAL_S = 10
KEEPALIVE_PROBES = 3
"""A half-open connection (peer lost its power, cable pulled) is noticed after 30 + 3 x 10 s of silence
(F07)."""


class _Pipe(asyncio.Protocol):
    """What has come and has not been read, and how the connection stands."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self.loop = loop
        self.buffer = b""
        self.over: str | None = None  # why the connection ended
        self.closed: asyncio.Future[None] = loop.create_future()
        self.arrival: asyncio.Future[None] | None = None
        self.drained: asyncio.Future[None] | None = None
        self.deadline = Deadline(clock.link, self._wake)
        self._paused = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # a write is done when the operating system has the last byte
        transport.set_write_buffer_limits(high=0)
        _keep_alive(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        if self.buffer:  # rare: one question, one reply, read at once
            data = self.buffer + data
            if len(data) >= BUFFER_MAX_BYTES and self._transport is not None and not self._paused:
                self._paused = True
                self._transport.pause_reading()
        self.buffer = data
        arrival = self.arrival
        if arrival is not None and not arrival.done():
            arrival.set_result(None)

    def take(self) -> bytes:
        """Cut off what one ``read`` returns."""
        data = self.buffer[:READ_CHUNK_BYTES]
        self.buffer = self.buffer[READ_CHUNK_BYTES:]
        if self._paused and self.over is None and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def _wake(self) -> None:
        """Wake the reader: the end has come, or its deadline."""
        if self.arrival is not None and not self.arrival.done():
            self.arrival.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.over = str(exc) if exc else "the peer closed the connection"
        self.deadline.close()
        self._wake()
        _set(self.drained)
        _set(self.closed)

    def pause_writing(self) -> None:
        self.drained = self.loop.create_future()

    def resume_writing(self) -> None:
        _set(self.drained)
        self.drained = None


def _set(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


def _keep_alive(sock: socket.socket) -> None:
    """Ask the operating system to notice a peer that is gone; names differ, Windows and macOS lack some."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_S),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_S),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class TcpTransport:
    """A byte pipe to ``tcp://host:port``."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        self._host = host
        self._port = port
        self._clock = clock
        self._pipe: _Pipe | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def resource(self) -> str:
        """Where it leads."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"tcp://{host}:{self._port}"

    @property
    def is_open(self) -> bool:
        """Tell whether bytes may be exchanged."""
        return self._pipe is not None and (self._pipe.over is None or bool(self._pipe.buffer))

    @property
    def has_unread(self) -> bool:
        """Tell whether bytes have come that nobody has read."""
        return self._pipe is not None and bool(self._pipe.buffer)

    async def open(self, timeout_s: float = OPEN_TIMEOUT_S) -> None:
        """Connect. Raises LinkTimeout or LinkClosed."""
        if self.is_open:
            return
        await self.close()
        loop = asyncio.get_running_loop()
        with self._clock.busy():
            try:
                async with self._clock.link.timeout(timeout_s):
                    self._transport, self._pipe = await loop.create_connection(
                        lambda: _Pipe(loop, self._clock), self._host, self._port
                    )
            except TimeoutError as error:
                raise self._error(LinkTimeout, "no answer", "open", timeout_s) from error
            except (
                OSError,
                UnicodeError,
            ) as error:  # a host name that cannot be written in DNS is a UnicodeError
                why = getattr(error, "strerror", None) or str(error)
                raise self._error(LinkClosed, why, "open") from error

    async def close(self) -> None:
        """Close; what was not sent yet is dropped."""
        pipe, transport = self._pipe, self._transport
        self._pipe = self._transport = None
        if pipe is not None and transport is not None:
            transport.abort()
            await asyncio.shield(pipe.closed)

    async def write(self, data: bytes, timeout_s: float = EXCHANGE_TIMEOUT_S) -> None:
        """Send all bytes. Raises LinkTimeout or LinkClosed (pipe closed afterwards)."""
        pipe, transport = self._pipe, self._transport
        if pipe is None or transport is None or pipe.over is not None:
            raise await self._failed(
                LinkClosed, "the pipe is closed" if pipe is None else pipe.over or "", "write"
            )
        transport.write(data)
        if pipe.drained is not None:
            await self._drain(pipe.drained, timeout_s)
            if pipe.over is not None:
                raise await self._failed(LinkClosed, pipe.over, "write")

    async def _drain(self, drained: asyncio.Future[None], timeout_s: float) -> None:
        """Wait until the operating system has the last byte. Raises LinkTimeout."""
        with self._clock.busy():
            try:
                async with self._clock.link.timeout(timeout_s):
                    await asyncio.shield(drained)
            except TimeoutError as error:
                raise await self._failed(
                    LinkTimeout, "the peer takes no bytes", "write", timeout_s
                ) from error

    async def read(self, timeout_s: float = EXCHANGE_TIMEOUT_S) -> bytes:
        """Return what has come. Raises LinkTimeout or LinkClosed (pipe closed afterwards)."""
        data = await self.listen(timeout_s)
        if not data:
            raise await self._failed(LinkTimeout, "no bytes came", "read", timeout_s)
        return data

    async def listen(self, timeout_s: float) -> bytes:
        """Return what has come, empty when nothing has. Raises LinkClosed (pipe closed afterwards)."""
        pipe = self._pipe
        if pipe is None:
            raise self._error(LinkClosed, "the pipe is closed", "read")
        if not pipe.buffer and pipe.over is None:
            pipe.arrival = pipe.loop.create_future()
            pipe.deadline.begin(timeout_s)
            try:
                await pipe.arrival
            finally:
                pipe.deadline.end()
                pipe.arrival = None
        if pipe.buffer:
            return pipe.take()
        if pipe.over is not None:
            raise await self._failed(LinkClosed, pipe.over, "read")
        return b""

    async def _failed(
        self, kind: type[LinkError], problem: str, operation: str, elapsed_s: float | None = None
    ) -> LinkError:
        await self.close()
        return self._error(kind, problem, operation, elapsed_s)

    def _error(
        self, kind: type[LinkError], problem: str, operation: str, elapsed_s: float | None = None
    ) -> LinkError:
        return kind(problem, instrument=self.resource, operation=operation, elapsed_s=elapsed_s)
