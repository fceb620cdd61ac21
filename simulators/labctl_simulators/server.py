"""Serve a bench over real sockets and ptys: one TCP server per instrument, one per chamber, the admin link.

A thin shell: bytes go into endpoints, what they return goes out, injected link delays are kept. Junk, huge
requests and vanishing clients end at most their own connection.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from labctl.errors import UserInputError
from labctl_simulators import wallclock
from labctl_simulators.admin import AdminConnection
from labctl_simulators.bench import Bench, ChamberEndpoint
from labctl_simulators.chamber.device import RtuChamberDevice
from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.neware.device import Endpoint
from labctl_simulators.neware.faults import Outgoing
from labctl_simulators.onleads import OnLeads
from labctl_simulators.pace import Mode, Pace
from labctl_simulators.ptyline import PtyLine

HOST = "127.0.0.1"
CONNECTIONS_MAX = 512  # per instrument; a lab has one station and a few vendor programs
READ_BYTES = 65536


class InstrumentConnection(asyncio.Protocol):
    """One client of one instrument.

    Requests are answered one by one and only while the client takes the answers, so that a client that asks
    and does not read fills nobody's memory.
    """

    def __init__(self, endpoint: Endpoint | ChamberEndpoint | ScriptLink, pace: Pace, crowd: Crowd) -> None:
        self._endpoint = endpoint
        if isinstance(endpoint, ScriptLink):
            endpoint.on_ready = self._send
            endpoint.keeps_delays = True
        self._pace = pace
        self._crowd = crowd
        self._transport: asyncio.Transport | None = None
        self._late: Outgoing | None = None
        self._blocked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._crowd.add(self)
        if len(self._crowd) > CONNECTIONS_MAX:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._crowd.discard(self)
        if isinstance(self._endpoint, ScriptLink):
            self._endpoint.end()

    def pause_writing(self) -> None:
        self._blocked = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._blocked = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._send()

    def data_received(self, data: bytes) -> None:
        self._pace.sync()
        self._endpoint.push(data)
        self._send()

    def close(self) -> None:
        """End the connection from the server's side (a reboot, the server's end)."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        while self._transport is not None and self._late is None and not self._blocked:
            out = self._endpoint.pop()
            if out is None:
                return
            if out.delay_s > 0:
                self._late = out
                wallclock.call_later(out.delay_s, self._deliver)
                return
            self._write(out)

    def _deliver(self) -> None:
        out, self._late = self._late, None
        if out is not None:
            self._write(out)
        self._send()

    def _write(self, out: Outgoing) -> None:
        if self._transport is None:
            return
        for piece in out.pieces:
            self._transport.write(piece)
        if out.close:
            self._transport.close()
            self._transport = None


Crowd = set[InstrumentConnection]


@dataclass(slots=True)
class Serving:
    """What is being served: ports by name, ptys by name, and the means to end it."""

    ports: dict[str, int] = field(default_factory=dict)
    ptys: dict[str, str] = field(default_factory=dict)
    servers: list[asyncio.Server] = field(default_factory=list)
    crowds: dict[str, Crowd] = field(default_factory=dict)
    lines: list[PtyLine] = field(default_factory=list)

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
        for line in self.lines:
            line.close()
        for server in self.servers:
            await server.wait_closed()


async def serve(bench: Bench, pace: Pace, wanted: dict[str, int]) -> Serving:
    """Begin to serve everything on loopback; ``wanted`` ports by name (0 or absent: any free one).

    Raises: UserInputError when a wanted port is taken.
    """
    serving = Serving()
    for name in bench.parts.names:
        potentiostat = bench.parts.potentiostats.get(name)
        if potentiostat is not None:
            _let_timers_run(potentiostat, pace)
            if not potentiostat.has_link:
                continue
        if name in bench.parts.on_ptys:
            _serve_line(bench, pace, name, serving)
            continue
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


def _let_timers_run(device: OnLeads, pace: Pace) -> None:
    """Let an instrument's own wire timers follow link time; in lockstep plant time ends them too (virtual-time 1)."""
    device.plant_timers = pace.mode is not Mode.FREE
    device.later = wallclock.call_later


def _serve_line(bench: Bench, pace: Pace, name: str, serving: Serving) -> None:
    """Serve an instrument on a pseudo terminal; after a lost line it comes back on another one (F01)."""
    link = bench.connect(name)
    assert isinstance(link, ScriptLink)
    line = PtyLine(link, pace, name, lambda: _serve_line(bench, pace, name, serving))
    serving.lines.append(line)
    serving.ptys[name] = line.path
    spoken = bench.parts.potentiostats.get(name) or bench.parts.multiplexers[name]
    spoken.path = line.path


def _factory(bench: Bench, pace: Pace, name: str, crowd: Crowd) -> Callable[[], asyncio.Protocol]:
    return lambda: InstrumentConnection(bench.connect(name), pace, crowd)


async def _listen(serving: Serving, name: str, factory: Callable[[], asyncio.Protocol], port: int) -> None:
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
        endpoint.push(data)
        for out in iter(endpoint.pop, None):
            wallclock.call_later(out.delay_s, partial(_write_all, master, b"".join(out.pieces)))

    asyncio.get_running_loop().add_reader(master, ready)
    return os.ttyname(slave)


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        os.write(descriptor, data)
    except OSError:
        return  # nobody has the other end open: a serial line loses such bytes too
