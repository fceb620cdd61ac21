"""Serve a bench over real sockets and ptys: one TCP server per instrument, one per chamber, the admin link.

A thin shell: bytes go into endpoints, what they return goes out, injected link delays are kept. Junk, huge
requests and vanishing clients end at most their own connection.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from labctl.errors import UserInputError
from labctl_simulators import wallclock
from labctl_simulators.admin import AdminConnection
from labctl_simulators.bench import Bench, ChamberEndpoint
from labctl_simulators.chamber.device import RtuChamberDevice
from labctl_simulators.neware.device import Endpoint
from labctl_simulators.neware.faults import Outgoing
from labctl_simulators.pace import Pace

HOST = "127.0.0.1"
CONNECTIONS_MAX = 512  # per instrument; a lab has one station and a few vendor programs
READ_BYTES = 65536


class InstrumentConnection(asyncio.Protocol):
    """One client of one instrument."""

    def __init__(self, answer: Callable[[bytes], list[Outgoing]], crowd: set[InstrumentConnection]) -> None:
        self._answer = answer
        self._crowd = crowd
        self._transport: asyncio.Transport | None = None
        self._queue: deque[Outgoing] = deque()
        self._held = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._crowd.add(self)
        if len(self._crowd) > CONNECTIONS_MAX:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._crowd.discard(self)

    def pause_writing(self) -> None:
        # A client that asks and does not read must not fill the memory.
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self._queue.extend(self._answer(data))
        self._send()

    def close(self) -> None:
        """End the connection from the server's side (a reboot, the server's end)."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        while self._queue and not self._held and self._transport is not None:
            out = self._queue[0]
            if out.delay_s > 0:
                self._held = True
                self._queue[0] = Outgoing(out.pieces, 0.0, out.close)
                wallclock.call_later(out.delay_s, self._go_on)
                return
            self._queue.popleft()
            for piece in out.pieces:
                self._transport.write(piece)
            if out.close:
                self._transport.close()
                return

    def _go_on(self) -> None:
        self._held = False
        self._send()


@dataclass(slots=True)
class Serving:
    """What is being served: ports by name, ptys by name, and the means to end it."""

    ports: dict[str, int] = field(default_factory=dict)
    ptys: dict[str, str] = field(default_factory=dict)
    servers: list[asyncio.Server] = field(default_factory=list)
    crowds: dict[str, set[InstrumentConnection]] = field(default_factory=dict)

    def drop_clients(self, name: str) -> None:
        """Close every connection of an instrument, as its reboot does."""
        for connection in list(self.crowds.get(name, ())):
            connection.close()

    async def close(self) -> None:
        """Stop listening and close all connections."""
        for server in self.servers:
            server.close()
        for name in list(self.crowds):
            self.drop_clients(name)
        for server in self.servers:
            await server.wait_closed()


def _neware_answer(pace: Pace, endpoint: Endpoint) -> Callable[[bytes], list[Outgoing]]:
    def answer(data: bytes) -> list[Outgoing]:
        pace.sync()
        return endpoint.outgoing(data)

    return answer


def _chamber_answer(pace: Pace, endpoint: ChamberEndpoint) -> Callable[[bytes], list[Outgoing]]:
    def answer(data: bytes) -> list[Outgoing]:
        pace.sync()
        reply, delay_s, close = endpoint.exchange(data)
        return [Outgoing((reply,) if reply else (), delay_s, close)]

    return answer


def _connection(bench: Bench, pace: Pace, name: str, crowd: set[InstrumentConnection]) -> asyncio.Protocol:
    endpoint = bench.connect(name)
    if isinstance(endpoint, ChamberEndpoint):
        return InstrumentConnection(_chamber_answer(pace, endpoint), crowd)
    return InstrumentConnection(_neware_answer(pace, endpoint), crowd)


async def serve(bench: Bench, pace: Pace, wanted: dict[str, int]) -> Serving:
    """Begin to serve everything on loopback; ``wanted`` ports by name (0 or absent: any free one).

    Raises: UserInputError when a wanted port is taken.
    """
    serving = Serving()
    for name in [*bench.parts.installations, *bench.parts.chambers]:
        device = bench.parts.chambers.get(name)
        if isinstance(device, RtuChamberDevice):
            serving.ptys[name] = _serve_pty(bench, pace, name)
            continue
        crowd = serving.crowds.setdefault(name, set())
        factory = _factory(bench, pace, name, crowd)
        await _listen(serving, name, factory, wanted.get(name, 0))
    await _listen(serving, "admin", lambda: AdminConnection(pace), wanted.get("admin", 0))
    bench.on_reboot = serving.drop_clients
    pace.tick()
    return serving


def _factory(
    bench: Bench, pace: Pace, name: str, crowd: set[InstrumentConnection]
) -> Callable[[], asyncio.Protocol]:
    return lambda: _connection(bench, pace, name, crowd)


async def _listen(
    serving: Serving, name: str, factory: Callable[[], asyncio.Protocol], port: int
) -> None:
    loop = asyncio.get_running_loop()

    def listening(at: int) -> Awaitable[asyncio.Server]:
        return loop.create_server(factory, HOST, at)

    try:
        server = await listening(port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UserInputError(
            f"Port {port} for {name} cannot be used: {reason}. Take another one, or --port 0."
        ) from error
    serving.servers.append(server)
    serving.ports[name] = server.sockets[0].getsockname()[1]


def _serve_pty(bench: Bench, pace: Pace, name: str) -> str:
    """Serve a chamber on a pseudo terminal and return its path.

    Raises: UserInputError on Windows, which has none.
    """
    if sys.platform == "win32":
        raise UserInputError(
            f"Chamber {name}: Windows has no pseudo terminals; use 'link: tcp' in the bench file."
        )
    import pty
    import tty

    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    endpoint = bench.connect(name)
    assert isinstance(endpoint, ChamberEndpoint)

    def ready() -> None:
        try:
            data = os.read(master, READ_BYTES)
        except OSError:
            return
        pace.sync()
        reply, delay_s, _ = endpoint.exchange(data)
        if reply:
            wallclock.call_later(delay_s, lambda: _write_all(master, reply))

    asyncio.get_running_loop().add_reader(master, ready)
    return os.ttyname(slave)


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        os.write(descriptor, data)
    except OSError:
        return  # nobody has the other end open: a serial line loses such bytes too
