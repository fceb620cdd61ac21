"""The admin link of a virtual bench: JSON lines over one loopback TCP port, one reply per request, in order.

It belongs to the virtual bench: only the lockstep clock, ``labctl.testing``, ``demo`` and ``rehearse`` may
use it, never a driver. Source: shared spec virtual-time, section 3.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from labctl.errors import LinkClosed, LinkTimeout, RefusedError, UserInputError, WireError

LINE_MAX_BYTES = 64 * 1024 * 1024
"""A ``truth`` reply lists what a device did in months; anything larger is not a reply."""

OPEN_TIMEOUT_S = 10.0
REQUEST_TIMEOUT_S = 600.0
"""A grant may let a bench with many cells compute weeks of plant time before it answers."""

INSTRUMENT = "virtual bench"
PACE_TIMEOUT_S = 10.0
SPEED_MAX = 1e7


def split_host_port(host_port: str) -> tuple[str, int]:
    """Return host and port of ``host:port``. Raises UserInputError."""
    host, colon, port = host_port.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UserInputError(f"{host_port!r} is not an address; write host:port, for example 127.0.0.1:40001")
    return host.strip("[]"), int(port)


class _Lines(asyncio.Protocol):
    """Cuts what comes into lines and hands each to the link."""

    def __init__(self, link: AdminLink) -> None:
        self._link = link
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._link._line_received(line)
        if len(self._buffer) > LINE_MAX_BYTES:
            self._buffer.clear()
            self._link._broken("a reply without an end", b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._link._connection_lost(exc)


class AdminLink:
    """One connection to the admin port of a virtual bench.

    ``on_lost`` is called once when the connection ends by the other side or by an error, never after
    ``close``.
    """

    def __init__(self) -> None:
        self.on_lost: Callable[[LinkClosed], None] | None = None
        self._address = ""
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[str, asyncio.Future[dict[str, Any]]]] = deque()
        self._closed: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether requests can be sent."""
        return self._transport is not None

    async def open(self, host_port: str, timeout_s: float = OPEN_TIMEOUT_S) -> None:
        """Connect. Raises UserInputError, LinkTimeout, LinkClosed."""
        host, port = split_host_port(host_port)
        self._address = host_port
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                transport, _ = await loop.create_connection(lambda: _Lines(self), host, port)
        except TimeoutError as error:
            raise LinkTimeout(
                f"no answer from the admin port {host_port}",
                instrument=INSTRUMENT,
                operation="open",
                elapsed_s=timeout_s,
            ) from error
        except OSError as error:
            raise LinkClosed(
                f"{host_port} cannot be reached ({error.strerror or error}); does `labctl sim` run?",
                instrument=INSTRUMENT,
                operation="open",
            ) from error
        self._transport = transport
        self._closed = loop.create_future()

    def post(self, do: str, **fields: object) -> asyncio.Future[dict[str, Any]]:
        """Send a request now and return the future of its reply; cancelling that does not recall the request.

        The future raises RefusedError (``ok`` false), WireError (no JSON object), LinkClosed.
        """
        future: asyncio.Future[dict[str, Any]] = asyncio.get_event_loop().create_future()
        if self._transport is None:
            future.set_exception(LinkClosed("the admin link is closed", instrument=INSTRUMENT, operation=do))
            return future
        self._waiting.append((do, future))
        self._transport.write(json.dumps({"do": do, **fields}).encode() + b"\n")
        return future

    async def request(
        self, do: str, *, timeout_s: float = REQUEST_TIMEOUT_S, **fields: object
    ) -> dict[str, Any]:
        """Ask and return the reply. Raises RefusedError, WireError, LinkClosed, LinkTimeout (link closed
        then)."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self.post(do, **fields)
        except TimeoutError as error:
            await self.close()
            raise LinkTimeout("no reply", instrument=INSTRUMENT, operation=do, elapsed_s=timeout_s) from error

    async def close(self) -> None:
        """Close; never raises, may be called twice. Requests without reply raise LinkClosed."""
        transport, self._transport = self._transport, None
        if transport is not None:
            self.on_lost = None
            transport.close()
        if self._closed is not None:
            await asyncio.shield(self._closed)

    def _line_received(self, line: bytes) -> None:
        try:
            reply = json.loads(line)
        except ValueError:
            reply = None
        if not isinstance(reply, dict) or not self._waiting:
            self._broken("a line that is not the reply to a request", line)
            return
        do, future = self._waiting.popleft()
        if future.done():
            return
        if reply.get("ok") is True:
            future.set_result(reply)
        else:
            text = str(reply.get("error", "no reason given"))
            future.set_exception(RefusedError(text, vendor_text=text, instrument=INSTRUMENT, operation=do))

    def _broken(self, problem: str, line: bytes) -> None:
        if self._waiting:
            do, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(
                    WireError(problem, data=line, rule="virtual-time 3", instrument=INSTRUMENT, operation=do)
                )
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        waiting, self._waiting = self._waiting, deque()
        why = f"the bench at {self._address} closed the admin link" + (f" ({exc})" if exc else "")
        for do, future in waiting:
            if not future.done():
                future.set_exception(LinkClosed(why, instrument=INSTRUMENT, operation=do))
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)
        if self.on_lost is not None:
            on_lost, self.on_lost = self.on_lost, None
            on_lost(LinkClosed(why, instrument=INSTRUMENT))


class Pace:
    """How fast plant time goes. ``speed`` is plant seconds per wall second, None = as fast as it can.

    ``fixed`` says why it cannot be changed, empty where it can: a virtual bench in lockstep, over its admin port
    ``address``. ``on_change`` hears a new speed.
    """

    def __init__(
        self, speed: float | None, fixed: str, address: str = "", bound: float | None = None
    ) -> None:
        """``bound`` is the station's own; the slower of it and the bench's is the speed."""
        self.speed = speed
        self.fixed = fixed
        self._bound = bound
        self.on_change: Callable[[float | None], None] = lambda speed: None
        self._address = address

    async def set(self, speed: float | None) -> None:
        """Go at another pace from now on. Raises: UserInputError, RefusedError, LinkClosed, LinkTimeout."""
        if self.fixed:
            raise UserInputError(self.fixed)
        if speed is not None and not 0 < speed <= SPEED_MAX:
            raise UserInputError(f"A speed is a number above 0 and at most {SPEED_MAX:g}, not {speed!r}.")
        link = AdminLink()  # of its own: on the leader's link it would wait behind a grant
        try:
            await link.open(self._address)
            await link.request("pace", timeout_s=PACE_TIMEOUT_S, speed="max" if speed is None else speed)
        finally:
            await link.close()
        self.speed = self._bound = speed
        self.on_change(speed)

    async def look(self) -> None:
        """Ask the bench for its pace: others may have changed it. Raises: RefusedError, LinkClosed, LinkTimeout."""
        if self.fixed:
            return
        link = AdminLink()
        try:
            await link.open(self._address)
            hello = await link.request("hello", timeout_s=PACE_TIMEOUT_S)
        finally:
            await link.close()
        self.speed = slower(self._bound, hello.get("speed"))


def slower(ours: float | None, told: object) -> float | None:
    """Return the pace of lockstep: the smaller of the station's bound and the bench's, None without either."""
    bench = float(told) if isinstance(told, int | float) else None
    return min((speed for speed in (ours, bench) if speed is not None), default=None)
