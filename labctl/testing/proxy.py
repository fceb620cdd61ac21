"""Byte-fault proxies between any client and a real TCP server or serial device.

``with TcpProxy("127.0.0.1", port, plan) as proxy:`` gives ``proxy.port``; ``with PtyProxy(path, plan) as
proxy:`` gives ``proxy.path`` of a new pseudo-terminal (POSIX only). Both run in a thread of their own, so the
client may be another process, and the plan means what ``labctl.transport.faults`` says. A request begins with
the first client bytes after a reply.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.errors import UsageError
from labctl.transport.base import READ_CHUNK_BYTES
from labctl.transport.faults import Fault, FaultLine, FaultPlan, Side, Verdict

QUIET_S = 0.05
"""Bytes that wait to be merged go alone after so much silence."""

Send = Callable[[bytes], Awaitable[None]]


class _CutError(Exception):
    """The plan ends the connection here."""


class _Relay:
    """Passes the bytes of one connection through the fault line."""

    def __init__(self, clock: Clock, line: FaultLine, to_server: Send, to_client: Send) -> None:
        self._clock = clock
        self._line = line
        self._send = {Side.REQUEST: to_server, Side.REPLY: to_client}
        self._held = {Side.REQUEST: b"", Side.REPLY: b""}
        self._replied = True
        self.opens_refused = 0

    async def pump(self, side: Side, receive: Callable[[], Awaitable[bytes]]) -> None:
        """Pass on until the sender's end, then stop everything."""
        while True:
            data = await self._next(side, receive)
            if data is None:
                continue
            if not data:
                raise _CutError
            await self._pass(side, data)

    async def _next(self, side: Side, receive: Callable[[], Awaitable[bytes]]) -> bytes | None:
        """Return the next bytes; None after bytes that were held back have gone because the line was
        quiet."""
        if not self._held[side]:
            return await receive()
        try:
            async with self._clock.link.timeout(QUIET_S):
                return await receive()
        except TimeoutError:
            held, self._held[side] = self._held[side], b""
            await self._send[side](held)
            return None

    async def _pass(self, side: Side, data: bytes) -> None:
        if side is Side.REPLY:
            self._replied = True
        elif self._replied:
            self._replied = False
            self._line.begin_exchange()
        for act in self._line.pass_on(side, data):
            if act.delay_s > 0:
                await self._clock.link.sleep(act.delay_s)
            match act.verdict:
                case Verdict.PASS:
                    held, self._held[side] = self._held[side], b""
                    await self._send[side](held + act.data)
                case Verdict.HOLD:
                    self._held[side] += act.data
                case Verdict.CUT:
                    self.opens_refused = act.opens_refused
                    raise _CutError
                case Verdict.SILENCE:
                    pass  # the line itself lets nothing more through


class _ThreadedProxy:
    """Runs ``_serve`` on an event loop in a thread between ``__enter__`` and ``__exit__``."""

    def __init__(self, plan: FaultPlan) -> None:
        self._line = FaultLine(plan)
        self._ready = threading.Event()
        self._stop: Callable[[], object] = bool
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="byte-fault proxy", daemon=True)

    @property
    def fired(self) -> list[tuple[int, Fault]]:
        """Return the faults that have happened, each with its exchange."""
        return list(self._line.fired)

    @property
    def exchanges(self) -> int:
        """Return how many exchanges have begun."""
        return self._line.exchange

    def change_plan(self, plan: FaultPlan) -> None:
        """Use another plan from the next bytes on; counts go on."""
        self._line.plan = plan

    def _run(self) -> None:
        try:
            run_with_clock(ClockSpec(), self._main)
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self._serve(clock))
            await stopped.wait()
            serving.cancel()

    async def _serve(self, clock: Clock) -> None:
        raise AssertionError("each kind of proxy serves its own way")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure


class TcpProxy(_ThreadedProxy):
    """Listens on a loopback ``port`` and passes each connection on to ``host:port`` of the server."""

    def __init__(self, host: str, port: int, plan: FaultPlan) -> None:
        super().__init__(plan)
        self._target = (host, port)
        self._opens_refused = 0
        self.port = 0

    async def _serve(self, clock: Clock) -> None:
        connections: set[asyncio.Task[None]] = set()

        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            try:
                await self._connection(clock, reader, writer)
            finally:
                connections.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(accepted, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            for connection in list(connections):
                connection.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _connection(
        self, clock: Clock, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._opens_refused > 0:
            self._opens_refused -= 1
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            return  # nobody behind: the client sees its connection closed, as from a gateway
        self._line.reopened()
        relay = _Relay(clock, self._line, _sender(far_writer), _sender(writer))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(relay.pump(Side.REQUEST, lambda: reader.read(READ_CHUNK_BYTES)))
                group.create_task(relay.pump(Side.REPLY, lambda: far_reader.read(READ_CHUNK_BYTES)))
        except* (_CutError, OSError):
            self._opens_refused = relay.opens_refused
        finally:
            far_writer.transport.abort()


def _sender(writer: asyncio.StreamWriter) -> Send:
    async def send(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    return send


class PtyProxy(_ThreadedProxy):
    """Offers a pseudo-terminal ``path`` and passes it on to the serial device at ``device``. POSIX only.

    A cut closes the pseudo-terminal; a new one, with another ``path``, replaces it (F01: the port comes back
    under another name).
    """

    def __init__(self, device: str, plan: FaultPlan) -> None:
        if sys.platform == "win32":
            raise UsageError(
                "Windows has no pseudo-terminals; use a pair of virtual COM ports", operation="pty proxy"
            )
        super().__init__(plan)
        self._device = device
        self.path = ""

    async def _serve(self, clock: Clock) -> None:
        if sys.platform != "win32":
            far = _raw(os.open(self._device, os.O_RDWR | os.O_NOCTTY))
            try:
                while True:
                    await self._terminal(clock, far)
            finally:
                os.close(far)

    async def _terminal(self, clock: Clock, far: int) -> None:
        if sys.platform != "win32":
            near, slave = os.openpty()
            try:
                _raw(slave)
                os.set_blocking(near, False)
                os.set_blocking(far, False)
                self.path = os.ttyname(slave)
                self._line.reopened()
                self._ready.set()
                relay = _Relay(clock, self._line, _fd_sender(far), _fd_sender(near))
                async with asyncio.TaskGroup() as group:
                    group.create_task(relay.pump(Side.REQUEST, lambda: _fd_read(near)))
                    group.create_task(relay.pump(Side.REPLY, lambda: _fd_read(far)))
            except* _CutError:
                pass  # the next terminal takes over
            finally:
                os.close(slave)
                os.close(near)


def _raw(descriptor: int) -> int:
    """Switch off echo, line editing and translation of a terminal; returns the descriptor."""
    if sys.platform != "win32":
        import tty

        tty.setraw(descriptor)
    return descriptor


async def _fd_ready(descriptor: int, *, write: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
    add(descriptor, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        remove(descriptor)


async def _fd_read(descriptor: int) -> bytes:
    while True:
        await _fd_ready(descriptor, write=False)
        try:
            return os.read(descriptor, READ_CHUNK_BYTES)
        except BlockingIOError:
            continue


def _fd_sender(descriptor: int) -> Send:
    async def send(data: bytes) -> None:
        while data:
            await _fd_ready(descriptor, write=True)
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:
                continue

    return send
