"""The admin link: JSON lines over TCP, one clock leader, replies in order (virtual-time 3)."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any

from labctl.errors import UserInputError
from labctl_simulators.pace import Mode, OnLoss, Pace

LINE_MAX_BYTES = 1_000_000  # a line carries one act; X04's request size
WAITING_MAX = 1000  # requests of one connection that wait behind a grant


class AdminConnection(asyncio.Protocol):
    """One connection of the admin link."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._buffer = b""
        self._waiting: deque[bytes] = deque()
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._pace.leader_lost(self)

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > LINE_MAX_BYTES or len(self._waiting) + len(lines) > WAITING_MAX:
            self._reply({"ok": False, "error": "A request is one line of at most 1 MB; closing."})
            if self._transport is not None:
                self._transport.close()
            return
        self._waiting.extend(line for line in lines if line.strip())
        self._next()

    def _next(self) -> None:
        while self._waiting and not self._busy:
            self._answer(self._waiting.popleft())

    def _reply(self, reply: dict[str, Any]) -> None:
        if self._transport is not None:
            self._transport.write(json.dumps(reply).encode() + b"\n")

    def _answer(self, line: bytes) -> None:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("a request is a JSON object")
        except ValueError as error:
            self._reply({"ok": False, "error": f"This is not a request: {error}."})
            return
        what = request.get("do")
        if what == "grant":
            self._begin_grant(request)
            return
        self._pace.sync()
        if what == "lead":
            self._reply(self._lead(request))
        elif what == "pace":
            self._reply(self._set_pace(request))
        else:
            self._reply(self._pace.bench.admin(request))

    def _lead(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            self._pace.lead(self, OnLoss(str(request.get("on_loss", "freeze"))))
        except ValueError:
            return {"ok": False, "error": "on_loss is freeze or run."}
        except UserInputError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, "plant_s": self._pace.bench.now_s}

    def _set_pace(self, request: dict[str, Any]) -> dict[str, Any]:
        """Change the upper bound of plant seconds a second; ``max`` takes it away."""
        wish = request.get("speed")
        speed = float(wish) if isinstance(wish, int | float) and not isinstance(wish, bool) else 0.0
        if wish != "max" and not 0.0 < speed <= 1e7:
            return {"ok": False, "error": f"speed is max or a number above 0, not {wish!r}."}
        try:
            self._pace.set_speed(None if wish == "max" else speed)
        except UserInputError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, "speed": wish}

    def _begin_grant(self, request: dict[str, Any]) -> None:
        """Advance plant time once every request received before has been answered.

        Two turns of the event loop: the first one polls the sockets, the second one comes after their data
        have been handled.
        """
        if self._pace.mode is not Mode.LOCKSTEP:
            self._reply({"ok": False, "error": "Mode free: plant time follows the wall, nobody grants it."})
            return
        if not self._pace.is_leader(self):
            self._reply({"ok": False, "error": "Only the clock leader grants; send lead first."})
            return
        self._busy = True
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(lambda: self._grant(request)))

    def _grant(self, request: dict[str, Any]) -> None:
        reply = self._pace.bench.admin(request)
        self._pace.hold_back(lambda: self._granted(reply))

    def _granted(self, reply: dict[str, Any]) -> None:
        self._reply(reply)
        self._busy = False
        self._next()
