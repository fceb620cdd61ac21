"""A VersaSTAT or PARSTAT with its bridge: connections, plant time, the lease's clock, faults.

Many connections may stand at once: one client uses two, so that ``Stop`` and ``SetCellOff`` reach the bridge while
another call is stuck in the library. The lease runs by link time in a bench of mode free, else by plant time
(virtual-time.md 1). Source: potentiostat.md 2.2.3.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from labctl_simulators.adminfields import number
from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.neware.faults import Outgoing, WireFaults
from labctl_simulators.onleads import OnLeads
from labctl_simulators.versastat.bridge import CLIENT_HEADER, FOREIGN, INFO, LEASE, UNATTENDED, Bridge
from labctl_simulators.versastat.calls import METHODS
from labctl_simulators.versastat.faults import DeviceFault, known_kind
from labctl_simulators.versastat.http import Request, RequestReader, answer
from labctl_simulators.versastat.models import Model
from labctl_simulators.versastat.rpc import Call, CallFault, Code, read_call, write_fault, write_result
from labctl_simulators.versastat.vdk import LibraryError, START_LAG_s, Vdk
from labctl_simulators.world.potentiostat import Potentiostat

BUSY_AFTER_s = 10.0
FOREIGN_LEASE_s = 600.0
CLOSING = Outgoing((), close=True)


@dataclass(slots=True)
class Connection:
    """One connection: what has come in part, and what goes out behind a late answer."""

    link: ScriptLink
    reader: RequestReader = field(default_factory=RequestReader)
    late: deque[Outgoing] = field(default_factory=deque)
    glued: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A call that waits for its answer."""

    connection: Connection
    request: Request
    call: Call


class VersastatDevice(OnLeads):
    """One instrument behind one bridge. ``clock_s`` tells plant time."""

    kind = "versastat"

    def __init__(
        self,
        model: Model,
        plant: Potentiostat,
        clock_s: Callable[[], float],
        *,
        serial: int,
        token: str = "",
        public: bool = False,
    ) -> None:
        super().__init__(plant, clock_s)
        live = partial(self._violate, "changed_while_on")
        self.vdk = Vdk(model, plant, serial, lambda: self.act_s, live)
        self.bridge = Bridge(self.vdk, lambda: self.now_s, token=token, public=public)
        self.bridge.on_changed = self._changed
        self.bridge.on_leased = self._leased
        self.bridge.on_trap = self._trapped
        self.wire_faults = WireFaults((*METHODS, INFO, LEASE), "bridge")
        self._connections: dict[ScriptLink, Connection] = {}
        self._sticky: dict[str, float] = {}
        self._stuck: Asked | None = None
        self._stuck_body = b""
        self._waiting: deque[Asked] = deque()
        self._timers: list[tuple[float, Callable[[], None]]] = []

    # -- links ---------------------------------------------------------------------------------------------

    def connect(self, *, permanent: bool = False) -> ScriptLink:
        """Open one more connection."""
        link = ScriptLink(self, permanent=permanent)
        self._connections[link] = Connection(link)
        self.watch()
        return link

    def lost(self, link: ScriptLink) -> None:
        """Note that a connection has ended."""
        self._connections.pop(link, None)
        self.watch()

    def drop_links(self) -> None:
        """End every connection from the bridge's side."""
        for link in list(self._connections):
            link.say(CLOSING)

    def hear(self, link: ScriptLink, data: bytes) -> None:
        """Take bytes of a connection."""
        connection = self._connections.get(link)
        if connection is None:
            return
        for request in connection.reader.feed(data):
            self._take(connection, request)
        self.watch()

    def _take(self, connection: Connection, request: Request) -> None:
        status = self.bridge.admit(request)
        if status is not HTTPStatus.OK:
            self._send(connection, "", answer(status, close=request.is_last), close=request.is_last)
            return
        try:
            call = read_call(request.body)
        except CallFault as fault:
            self._reply(connection, request, "", write_fault(fault))
            return
        asked = Asked(connection, request, call)
        if self._stuck is not None and call.method not in UNATTENDED:
            self._waiting.append(asked)
            self._after(BUSY_AFTER_s, partial(self._turn_away, asked))
        else:
            self._answer(asked)

    def _answer(self, asked: Asked) -> None:
        method = asked.call.method
        try:
            body = write_result(self.bridge.answer(asked.request.headers.get(CLIENT_HEADER, ""), asked.call))
        except CallFault as fault:
            body = write_fault(fault)
        self.watch()
        for key in (method, ""):
            if self._stuck is None and key in self._sticky:
                delay_s = self._sticky.pop(key)
                self._stuck, self._stuck_body = asked, body
                if math.isfinite(delay_s):
                    self._after(delay_s, partial(self._come_back, asked))
                return
        self._reply(asked.connection, asked.request, method, body)

    def _come_back(self, asked: Asked | None) -> None:
        """Let the library come back from the call in which it is stuck; those that waited have their turn."""
        if asked is None or asked is not self._stuck:
            return
        self._stuck = None
        self._reply(asked.connection, asked.request, asked.call.method, self._stuck_body)
        while self._waiting and self._stuck is None:
            self._answer(self._waiting.popleft())

    def _turn_away(self, asked: Asked) -> None:
        if asked in self._waiting:
            self._waiting.remove(asked)
            busy = CallFault(Code.BUSY, f"a call has been running for more than {BUSY_AFTER_s:g} s")
            self._reply(asked.connection, asked.request, asked.call.method, write_fault(busy))

    def _reply(self, connection: Connection, request: Request, method: str, body: bytes) -> None:
        last = request.is_last
        self._send(connection, method, answer(HTTPStatus.OK, body, close=last), close=last)

    def _send(self, connection: Connection, method: str, data: bytes, *, close: bool) -> None:
        out, held = self.wire_faults.on(method, connection.glued + data)
        connection.glued = b""
        if held:
            connection.glued = b"".join(out.pieces)
            return
        out = replace(out, close=out.close or close)
        if connection.late or (out.delay_s > 0.0 and not connection.link.keeps_delays):
            connection.late.append(out)
            if len(connection.late) == 1:
                self._after(out.delay_s, partial(self._say_late, connection))
        else:
            connection.link.say(out)

    def _say_late(self, connection: Connection) -> None:
        """Say what was late, and what stands behind it up to the next late answer."""
        connection.link.say(replace(connection.late.popleft(), delay_s=0.0))
        while connection.late and connection.late[0].delay_s <= 0.0:
            connection.link.say(connection.late.popleft())
        if connection.late:
            self._after(connection.late[0].delay_s, partial(self._say_late, connection))

    # -- time ----------------------------------------------------------------------------------------------

    def _after(self, delay_s: float, act: Callable[[], None]) -> None:
        """Act after a link time, which is plant time in a bench that nobody serves."""
        if self.later is not None:
            self.later(delay_s, act)
        else:
            self._timers.append((self.now_s + delay_s, act))

    def _leased(self, client: str, seconds: float) -> None:
        lease = self.bridge.lease
        if lease is not None and not self.plant_timers and self.later is not None:
            self.later(seconds, partial(self._expire, lease.number))
        self._changed(LEASE, [client, seconds])

    def _expire(self, lease: int) -> None:
        """End a lease on the link's clock; the bench that comes back has plant time alone, so it is written down."""
        lapses = self.bridge.lapses
        self.bridge.expire(lease)
        if self.bridge.lapses > lapses:
            self._changed(LEASE, ["", 0.0])
        self.watch()

    @property
    def model_name(self) -> str:
        """Return the model's name."""
        return self.vdk.model.name

    @property
    def running(self) -> bool:
        """Tell whether a sequence runs."""
        return self.vdk.is_running()

    @property
    def owned(self) -> bool:
        """Tell whether somebody holds the lease; before the public bridge, whether somebody is connected."""
        return bool(self._connections) if self.bridge.public else self.bridge.lease is not None

    def due_s(self) -> float:
        """Return when the sequence, the lease or a late answer has something to do."""
        lease = self.bridge.lease
        lease_s = lease.until_s if lease is not None and self.plant_timers else math.inf
        return min(self.vdk.due_s(), lease_s, *(due_s for due_s, _ in self._timers))

    def step(self, now_s: float) -> None:
        """Let everything happen that is due; a point that is due with the lease's end is still measured."""
        self.vdk.step(now_s)
        lease = self.bridge.lease
        if lease is not None and self.plant_timers and lease.until_s <= now_s + 1e-6:
            self.bridge.expire(lease.number)
        due = [act for due_s, act in self._timers if due_s <= now_s + 1e-6]
        self._timers = [timer for timer in self._timers if timer[0] > now_s + 1e-6]
        for act in due:
            act()
        self.watch()

    # -- what a bench keeps --------------------------------------------------------------------------------

    def _changed(self, method: str, parameters: list[Any]) -> None:
        if self.on_accepted is not None:
            self.on_accepted(method, (json.dumps(parameters),))

    def perform(self, command: str, lines: Sequence[str]) -> None:
        """Do a call that was written down."""
        parameters = json.loads(lines[0])
        if command == LEASE:
            client, seconds = parameters
            if seconds:
                self.bridge.take_lease(client, seconds)
            else:
                self.bridge.give_up(client)
        else:
            with contextlib.suppress(LibraryError):
                METHODS[command].act(self.vdk, *parameters)
        self.watch()

    def _trapped(self) -> None:
        self._violate("energised_by_the_public_bridge", "SetAutoIRangeOff switched the cell on")

    # -- faults --------------------------------------------------------------------------------------------

    def fault(self, kind: str, request: Mapping[str, Any]) -> None:
        """Begin a fault of instrument, bridge or link, or end it with ``on: false``. Raises: UserInputError."""
        if kind == "clear":
            self.wire_faults.clear()
            self._sticky.clear()
            self.bridge.throwing.clear()
            self._come_back(self._stuck)
            return
        known, on = known_kind(kind), bool(request.get("on", True))
        if isinstance(known, DeviceFault):
            self._inject(known, on, request)
        elif on:
            self.wire_faults.arm(request)
        else:
            self.wire_faults.disarm(known)
        self.watch()

    def of_the_link(self, kind: str) -> bool:
        """Tell whether a fault belongs to the bridge or a connection: both end with the process."""
        return kind not in _OF_THE_INSTRUMENT

    def _inject(self, kind: DeviceFault, on: bool, request: Mapping[str, Any]) -> None:
        now_s, upset = self.act_s, self.vdk.upset
        count = int(number(request, "count")) if "count" in request else 1
        if kind in _OF_THE_BRIDGE:
            self._inject_bridge(kind, on, request, count)
        elif kind is DeviceFault.SLOW_START:
            self.vdk.start_lag_s = number(request, "delay_s") if on else START_LAG_s
        elif kind is DeviceFault.OVERLOAD:
            upset.overload = int(number(request, "value")) if "value" in request else 1
            upset.overloaded_points = count if on else 0
        elif kind is DeviceFault.NOT_A_NUMBER:
            upset.empty_points = count if on else 0
        elif kind is DeviceFault.UNPLUGGED:
            self.vdk.plugged = not on
        elif kind is DeviceFault.WELDED:
            self.plant.set_welded(on, now_s)
        elif kind is DeviceFault.POWER_CUT:
            self.vdk.lose_power()
        else:
            is_open = kind is DeviceFault.OPEN_LEAD
            self.plant.set_leads(now_s, is_open=on and is_open, shorted=on and not is_open)

    def _inject_bridge(self, kind: DeviceFault, on: bool, request: Mapping[str, Any], count: int) -> None:
        command, bridge = str(request.get("command", "")), self.bridge
        if kind is DeviceFault.STUCK and on:
            self._sticky[command] = number(request, "delay_s") if "delay_s" in request else math.inf
        elif kind is DeviceFault.STUCK:
            self._sticky.clear()
            self._come_back(self._stuck)
        elif kind is DeviceFault.LIBRARY_ERROR:
            bridge.throwing[command] = count if on else 0
        elif kind is DeviceFault.WRONG_TOKEN:
            bridge.token = bridge.token.removesuffix("*") + ("*" if on else "")
        elif kind is DeviceFault.WRONG_PEER:
            bridge.wrong_peer = on
        elif kind is DeviceFault.FOREIGN_LEASE:
            if on:
                bridge.take_lease(FOREIGN, FOREIGN_LEASE_s)
            else:
                bridge.lease = None
        elif kind is DeviceFault.BRIDGE_RESTART:
            self._restart_bridge()
        elif bridge.lease is not None:
            self._expire(bridge.lease.number)

    def _restart_bridge(self) -> None:
        self._stuck = None
        self._waiting.clear()
        self._timers.clear()
        self.bridge.restart()
        self.drop_links()

    def lose_power(self) -> None:
        """Restart bridge and instrument, with the cell off."""
        self.vdk.lose_power()
        self._restart_bridge()
        self.watch()

    def truth(self, after: int = 0) -> Mapping[str, Any]:
        """Return what the instrument really does and did, and who holds the lease."""
        lease = self.bridge.lease
        return {
            **super().truth(after),
            "model": self.model_name,
            "measurements": self.vdk.measurements,
            "lease": None if lease is None else lease.client,
            "lapses": self.bridge.lapses,
        }


_OF_THE_INSTRUMENT = (
    DeviceFault.SLOW_START, DeviceFault.OVERLOAD, DeviceFault.NOT_A_NUMBER, DeviceFault.UNPLUGGED, DeviceFault.WELDED,
    DeviceFault.OPEN_LEAD, DeviceFault.SHORT_LEAD, DeviceFault.POWER_CUT,
)  # fmt: skip
_OF_THE_BRIDGE = tuple(kind for kind in DeviceFault if kind not in _OF_THE_INSTRUMENT)
