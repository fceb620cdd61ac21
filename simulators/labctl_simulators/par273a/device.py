"""A 273/273A of the bench with its analyser: one plant, a GPIB behind a Prologix box, RS-232, a lock-in's Ethernet.

``link: tcp`` of its entry is the box; ``link: pty`` is RS-232, and the box is then reached as ``NAME:gpib``. A lock-in
that has Ethernet is ``NAME:lockin`` (its port 50000) and ``NAME:lockin-plain`` (50001). The cell is nobody's only when
nobody is connected anywhere. Source: potentiostat.md 2.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from labctl.errors import UserInputError
from labctl_simulators.adminfields import number
from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.onleads import OnLeads
from labctl_simulators.par273a.analysers import FraOnBus, LockInOnBus, LockInPort
from labctl_simulators.par273a.bus import BusDevice
from labctl_simulators.par273a.faults import ParFault, known_kind
from labctl_simulators.par273a.fra import Fra
from labctl_simulators.par273a.front import Front
from labctl_simulators.par273a.instrument import Instrument
from labctl_simulators.par273a.lockin import LockIn, LockInModel
from labctl_simulators.par273a.prologix import Prologix
from labctl_simulators.par273a.timers import Timers
from labctl_simulators.par273a.wire import BusWire, Interpreter, SerialWire
from labctl_simulators.voice import Voice
from labctl_simulators.world.potentiostat import Potentiostat

ADDRESS_DEFAULT = 14
LOCKIN_ADDRESS, FRA_ADDRESS = 12, 4


class Par273Device(OnLeads):
    """One 273/273A with a lock-in, a 1260, both or neither. ``serial`` says that its own link is RS-232."""

    kind = "par273a"

    def __init__(
        self,
        plant: Potentiostat,
        clock_s: Callable[[], float],
        *,
        model: str = "273A",
        serial: bool = False,
        terminator: bytes = b"\r\n",
        address: int = ADDRESS_DEFAULT,
        lockin: LockInModel | None = None,
        with_fra: bool = False,
    ) -> None:
        super().__init__(plant, clock_s)
        self._model = model
        self.address = address
        self.terminator = terminator
        self._serial = serial
        self._timers = Timers(self)
        front = Front(plant, lambda: self.now_s)
        self.instrument = Instrument(
            plant, front, lambda: self.now_s, lambda: self.act_s, has_92=model.endswith("/92")
        )
        self._interpreter = Interpreter(self.instrument, terminator)
        self._interpreter.on_accepted = partial(self._accepted, "273")
        self._wire = BusWire(self._interpreter, self._timers)
        self._line = SerialWire(self._interpreter)
        self.lockin = None if lockin is None else LockIn(lockin, front, lambda: self.now_s)
        self.fra = Fra(front, lambda: self.now_s) if with_fra else None
        if self.lockin is not None:
            front.on_change = self.lockin.settle
        self.box = Prologix(self._bus(address), self._timers, lambda: self.now_s)
        self._wire.on_ready = self.box.serve
        self._voice = Voice(lambda: self.now_s, self.box.faults)
        self._ports = self._ethernet()
        self.box.on_lost = self.watch
        for port in self._ports.values():
            port.on_lost = self.watch

    def _bus(self, address: int) -> dict[int, BusDevice]:
        bus: dict[int, BusDevice] = {address: self._wire}
        if self.lockin is not None:
            bus[LOCKIN_ADDRESS] = LockInOnBus(self.lockin, partial(self._accepted, "lock-in"))
        if self.fra is not None:
            analyser = FraOnBus(self.fra, partial(self._accepted, "1260"))
            analyser.on_ready = lambda: self.box.serve()
            bus[FRA_ADDRESS] = analyser
        return bus

    def _ethernet(self) -> dict[str, LockInPort]:
        if self.lockin is None or not self.lockin.model.ethernet_end:
            return {}
        accepted = partial(self._accepted, "lock-in")
        return {
            name: LockInPort(
                self.lockin, Voice(lambda: self.now_s, self.box.faults), accepted, tells_status=tells
            )
            for name, tells in (("lockin", True), ("lockin-plain", False))
        }

    # -- links ---------------------------------------------------------------------------------------------

    def connect(self, *, permanent: bool = False) -> ScriptLink:
        """Open a connection to the box, or to RS-232 where that is the instrument's link."""
        if not self._serial:
            return self._opened(self.box.connect)
        self._line.clear()
        return self._opened(partial(self._voice.connect, self, permanent=permanent))

    def more_links(self) -> Mapping[str, Callable[[], ScriptLink]]:
        """Return what else can be connected to, by the end of its name."""
        links: dict[str, Callable[[], ScriptLink]] = {
            end: partial(self._opened, port.connect) for end, port in self._ports.items()
        }
        if self._serial:
            links["gpib"] = partial(self._opened, self.box.connect)
        return links

    def _opened(self, connect: Callable[[], ScriptLink]) -> ScriptLink:
        link = connect()
        self.watch()
        return link

    def lost(self, link: ScriptLink) -> None:
        """Note that the serial line has ended."""
        self._voice.lost(link)
        self.watch()

    def hear(self, link: ScriptLink, data: bytes) -> None:
        """Take bytes of the serial line."""
        if link is self._voice.link:
            for said in self._line.feed(data):
                self._voice.say(said)
            self.watch()

    def _accepted(self, whose: str, line: str) -> None:
        self.watch()
        if self.on_accepted is not None:
            self.on_accepted(whose, [line])

    def perform(self, command: str, lines: Sequence[str]) -> object:
        """Do again what was accepted: lines of the 273, the lock-in or the 1260."""
        for line in lines:
            if command == "273":
                self._interpreter.answer(line)
            elif command == "lock-in" and self.lockin is not None:
                self.lockin.answer(line)
            elif command == "1260" and self.fra is not None:
                self.fra.perform(line)
        self.watch()
        return None

    # -- time ----------------------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """Return the model as a bench file names it."""
        return self._model

    @property
    def running(self) -> bool:
        """Tell whether a curve is being taken: anything else needs the host for its next step."""
        return self.instrument.curves.running

    @property
    def owned(self) -> bool:
        """Tell whether anybody is connected to any of the links; of a pseudo terminal nobody can tell."""
        ports = any(port.voice.link is not None for port in self._ports.values())
        return self.box.owned or self._voice.link is not None or ports

    def due_s(self) -> float:
        """Return when a point of a curve, a result, a timer or something late is due."""
        late_s = min((voice.due_s() for voice in self._voices()), default=float("inf"))
        fra_s = float("inf") if self.fra is None else self.fra.due_s()
        return min(late_s, fra_s, self.box.due_s(), self._timers.due_s(), self.instrument.curves.due_s())

    def _voices(self) -> list[Voice]:
        return [self._voice, *(port.voice for port in self._ports.values())]

    def step(self, now_s: float) -> None:
        """Do everything that is due."""
        self.instrument.curves.step(now_s)
        if self.fra is not None:
            self.fra.step(now_s)
        self._timers.step(now_s)
        for voice in self._voices():
            voice.say_late(now_s)
        self.box.step(now_s)
        self.watch()

    # -- faults --------------------------------------------------------------------------------------------

    def fault(self, kind: str, request: Mapping[str, Any]) -> None:
        """Begin a fault of the instruments or their links, or end it with ``on: false``. Raises: UserInputError."""
        if kind == "clear":
            self.box.faults.clear()
            self._wire.slow.clear()
            return
        known, on = known_kind(kind), bool(request.get("on", True))
        if not isinstance(known, ParFault):
            self.box.faults.arm(known, request) if on else self.box.faults.disarm(known)
        elif known is ParFault.SLOW:
            count = int(number(request, "count")) if "count" in request else 1
            delay_s = number(request, "delay_s") if "delay_s" in request else 2.0
            self._wire.slow[:] = [delay_s] * count if on else []
        else:
            self._inject(known, on)

    def _inject(self, kind: ParFault, on: bool) -> None:
        if kind is ParFault.DISABLED:
            self.instrument.enabled = not on
            self.instrument.switch()
        elif kind is ParFault.DUMMY:
            self.instrument.dummy = on
        elif kind is ParFault.STALE:
            if self.fra is None:
                raise UserInputError(f"{self.name} has no 1260 whose result could be stale.")
            self.fra.stale = on
        elif kind is ParFault.WELDED:
            self.plant.set_welded(on, self.act_s)
        elif kind is ParFault.POWER_CUT:
            self.lose_power()
        else:
            is_open = kind is ParFault.OPEN_LEAD
            self.plant.set_leads(self.act_s, is_open=on and is_open, shorted=on and not is_open)
        self.watch()

    def of_the_link(self, kind: str) -> bool:
        """Tell whether a fault belongs to a connection, which ends with the process."""
        return kind not in ParFault.__members__.values() or kind == ParFault.SLOW

    def lose_power(self) -> None:
        """Restart everything on the bench's socket strip: cell off, generators silent, links ended."""
        self.instrument.lose_power()
        self._wire.clear()
        self._line.clear()
        for analyser in (self.lockin, self.fra):
            if analyser is not None:
                analyser.lose_power()
        self.box.hang_up()
        for voice in self._voices():
            voice.hang_up()
        self.watch()

    def truth(self, after: int = 0) -> Mapping[str, Any]:
        """Return what the instrument really does and did, its last error and what comes in at EXT INPUT."""
        instrument = self.instrument
        generators = [
            {"frequency_Hz": each.frequency_Hz, "amplitude_V": each.amplitude_V, "bias_V": each.bias_V}
            for each in instrument.front.oscillators
        ]
        told = {"model": self._model, "enabled": instrument.enabled, "error": int(instrument.error)}
        return {**super().truth(after), **told, "ext": instrument.front.connected, "generators": generators}
