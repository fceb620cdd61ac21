"""The virtual bench: cells in channels, chambers, one plant time, and the acts of its admin link.

The bench never looks at a machine clock; it is told the time. In jump mode a test drives it directly::

    bench = open_bench({"bench": "default", "seed": 7})
    link = bench.connect("neware")
    reply = link.receive(request_bytes)
    bench.advance_to(3600.0)
    bench.admin({"do": "truth", "slot": "neware:1-1"})

Source: virtual-time.md sections 2 to 4.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import methodcaller
from typing import Any, Protocol

from labctl.errors import LabctlError, UserInputError
from labctl_simulators import acts
from labctl_simulators.benchfile import BenchFile, bench_from_mapping, read_bench_file
from labctl_simulators.builder import Parts, build
from labctl_simulators.chamber.device import ChamberDevice, ChamberLink
from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.multiplexer.wiring import add_multiplexers
from labctl_simulators.neware.channel import Channel, Status
from labctl_simulators.neware.device import Endpoint, Installation
from labctl_simulators.neware.faults import Outgoing
from labctl_simulators.neware.wire import Frame, escape

TICKS_PER_S = 10
_NEXT_TICK = methodcaller("next_tick")


class Actor(Protocol):
    """Something that events happen to: a cycler's channel, a potentiostat."""

    def next_tick(self) -> int: ...
    def happen(self) -> None: ...


class Sink(Protocol):
    """Where accepted commands and grants are written down before they are answered."""

    def write(self, entry: Mapping[str, Any], *, durable: bool) -> None: ...


class Bench:
    """A virtual bench at one plant time; ``now_s`` only moves by :meth:`advance_to`."""

    def __init__(self, file: BenchFile, *, seed: int | None = None, mode: str = "jump") -> None:
        self.file = file
        self.mode = mode
        self.speed: float | None = None
        self.now_s = 0.0
        self.sink: Sink | None = None
        self.on_reboot: Callable[[str], None] | None = None
        self.parts: Parts = build(file, seed, lambda: self.now_tick, lambda: self.now_s)
        add_multiplexers(file, self.parts, lambda: self.now_s)
        self.electrode_films_nm: dict[str, float] = {}
        self.violations: list[dict[str, Any]] = []
        self._channels: list[Channel] = list(self.parts.slots.values())
        boxes = self.parts.multiplexers.values()
        self._actors: list[Actor] = [*self._channels, *self.parts.potentiostats.values(), *boxes]
        for name, device in self.parts.installations.items():
            device.on_accepted = self._accepted_by(name)
        for name, potentiostat in self.parts.potentiostats.items():
            potentiostat.on_accepted = partial(self._script_accepted, name)
            potentiostat.on_violation = partial(self.violated, name)
        for name, box in self.parts.multiplexers.items():
            box.on_accepted = partial(self._switched, name)
            box.on_violation = partial(self.violated, name)
        self._live_through_history()

    # -- time ----------------------------------------------------------------------------------------

    @property
    def seed(self) -> int:
        """Return the bench's seed."""
        return self.parts.seed

    @property
    def now_tick(self) -> int:
        """Return the controller tick of now: the last 0.1 s that has passed."""
        return int((self.now_s * TICKS_PER_S + 1e-6) // 1)

    def advance_to(self, plant_s: float) -> None:
        """Let every event up to a plant time happen, in order of time; earlier times change nothing."""
        if plant_s <= self.now_s:
            return
        target = int((plant_s * TICKS_PER_S + 1e-6) // 1)
        while self._actors:
            actor = min(self._actors, key=_NEXT_TICK)
            tick = actor.next_tick()
            if tick > target:
                break
            self._move_air(tick / TICKS_PER_S)
            actor.happen()
        self._move_air(plant_s)
        self.now_s = plant_s

    def _move_air(self, time_s: float) -> None:
        for device in self.parts.chambers.values():
            device.advance_to(time_s)

    def _live_through_history(self) -> None:
        """Run the past tests of the bench file up to plant time 0."""
        past = sorted(self.parts.history, key=lambda entry: float(entry["start_s"]))
        self.now_s = min((float(entry["start_s"]) for entry in past), default=0.0)
        for channel in self._channels:
            channel.replan(self.now_tick)
        for entry in past:
            self.advance_to(float(entry["start_s"]))
            self._start_past(entry)
        self.advance_to(0.0)

    def _start_past(self, entry: Mapping[str, Any]) -> None:
        instrument, _, place = entry["slot"].partition(":")
        device = self.parts.installations[instrument]
        unit, _, channel = place.partition("-")
        attributes = {
            "ip": device.ip, "devtype": str(device.devtype), "devid": str(device.devid),
            "subdevid": unit, "chlid": channel, "barcode": entry.get("barcode", ""),
        }  # fmt: skip
        text = entry["text"].encode()
        before, device.read_file = device.read_file, lambda path: text
        sink, self.sink = self.sink, None
        try:
            device.answer(Frame(_start_request(attributes)))
        finally:
            device.read_file, self.sink = before, sink

    # -- links ---------------------------------------------------------------------------------------

    def connect(self, instrument: str) -> Endpoint | ChamberEndpoint | ScriptLink:
        """Open a connection to an instrument, a potentiostat or a chamber.

        Raises: UserInputError naming the known ones.
        """
        if instrument in self.parts.installations:
            return Endpoint(self.parts.installations[instrument])
        if instrument in self.parts.chambers:
            return ChamberEndpoint(self, instrument)
        if instrument in self.parts.potentiostats:
            return self.parts.potentiostats[instrument].connect(permanent=instrument in self.parts.on_ptys)
        if instrument in self.parts.multiplexers:
            return self.parts.multiplexers[instrument].connect(permanent=instrument in self.parts.on_ptys)
        if instrument in self.parts.more_links:
            return self.parts.more_links[instrument]()
        known = ", ".join(self.parts.names)
        raise UserInputError(f"The bench has no instrument {instrument!r}; it has {known}.")

    def _accepted_by(self, name: str) -> Callable[[bytes, Mapping[str, bytes]], None]:
        def note(request: bytes, files: Mapping[str, bytes]) -> None:
            self.note(
                {
                    "do": "request",
                    "instrument": name,
                    "request": request.hex(),
                    "files": {path: data.hex() for path, data in files.items()},
                }
            )

        return note

    def _script_accepted(self, name: str, command: str, lines: Sequence[str]) -> None:
        self.note({"do": "script", "instrument": name, "command": command, "lines": list(lines)})

    def _switched(self, name: str, line: str) -> None:
        self.note({"do": "switch", "instrument": name, "line": line})

    def violated(self, instrument: str, plant_s: float, kind: str, detail: str) -> None:
        """Keep a safety violation that the bench has seen: it asserts what no driver may ever cause."""
        self.violations.append({"plant_s": plant_s, "instrument": instrument, "kind": kind, "detail": detail})

    @property
    def busy(self) -> bool:
        """Tell whether anything is under way that plant time would change."""
        if any(channel.status is Status.WORKING for channel in self._channels):
            return True
        return any(device.busy for device in self.parts.potentiostats.values())

    def note(self, entry: Mapping[str, Any], *, durable: bool = True) -> None:
        """Write down an accepted command with its plant time (virtual-time 4.6)."""
        if self.sink is not None:
            self.sink.write({"t": self.now_s, **entry}, durable=durable)

    def replay(self, entry: Mapping[str, Any]) -> None:
        """Do again what was written down."""
        for potentiostat in self.parts.potentiostats.values():
            potentiostat.replaying = True
        try:
            self._do_again(entry)
        finally:
            for potentiostat in self.parts.potentiostats.values():
                potentiostat.replaying = False

    def _do_again(self, entry: Mapping[str, Any]) -> None:
        self.advance_to(float(entry["t"]))
        if entry["do"] == "request":
            device = self.parts.installations[entry["instrument"]]
            files = {path: bytes.fromhex(data) for path, data in entry["files"].items()}
            before, device.read_file = device.read_file, files.get
            try:
                device.answer(Frame(bytes.fromhex(entry["request"])))
            finally:
                device.read_file = before
        elif entry["do"] == "script":
            self.parts.potentiostats[entry["instrument"]].perform(entry["command"], entry["lines"])
        elif entry["do"] == "switch":
            self.parts.multiplexers[entry["instrument"]].perform(entry["line"])
        elif entry["do"] == "chamber":
            acts.set_chamber(self, entry["name"], entry)
        elif entry["do"] == "admin":
            acts.act(self, entry["request"])
        elif entry["do"] == "restart":
            self.lose_power()

    def lose_power(self) -> None:
        """Do what a power loss does: running tests stand in ``stop``, data kept (F08); a potentiostat starts afresh."""
        for device in self.parts.installations.values():
            acts.reboot(self, device)
        for potentiostat in self.parts.potentiostats.values():
            potentiostat.lose_power()
        for box in self.parts.multiplexers.values():
            box.lose_power()

    # -- admin ---------------------------------------------------------------------------------------

    def registry(self) -> list[dict[str, str]]:
        """Return the cells as their maker would register them, by the columns of a cell import; no truth."""
        from labctl_simulators.station import (
            registry_rows,  # it writes files for this bench: not the other way round
        )

        return [{key: str(value) for key, value in row.items()} for row in registry_rows(self)]

    def admin(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one request of the admin link (virtual-time 3); refusals come as ``ok: false``."""
        try:
            return {"ok": True, **acts.answer(self, request)}
        except LabctlError as error:
            return {"ok": False, "error": str(error)}

    def installation(self, name: str | None = None) -> Installation:
        """Return a cycler by name (the first one without a name). Raises: UserInputError."""
        known = self.parts.installations
        if name is None and known:
            return next(iter(known.values()))
        if name not in known:
            raise UserInputError(f"The bench has no cycler {name!r}; it has {', '.join(known)}.")
        return known[name]


class ChamberEndpoint:
    """One connection to a chamber; an act over it is an event for the cells inside."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._bench = bench
        self._name = name
        self._device: ChamberDevice = bench.parts.chambers[name]
        self._link: ChamberLink = self._device.connect()
        self._waiting: deque[Outgoing] = deque()

    def push(self, data: bytes) -> None:
        """Take received bytes; what is due is answered at once and waits for :meth:`pop`."""
        with acts.watching_chamber(self._bench, self._name):
            reply = self._link.exchange(data)
        pieces = (reply.data,) if reply.data else ()
        self._waiting.append(Outgoing(pieces, reply.delay_s, reply.close))

    def pop(self) -> Outgoing | None:
        """Return the oldest answer that is to be sent, or None."""
        return self._waiting.popleft() if self._waiting else None

    def receive(self, data: bytes) -> bytes:
        """Take bytes as they come and return the answers that are due."""
        self.push(data)
        return b"".join(piece for out in iter(self.pop, None) for piece in out.pieces)


def _start_request(attributes: Mapping[str, str]) -> bytes:
    inside = " ".join(f'{key}="{escape(value)}"' for key, value in attributes.items())
    row = f"<start {inside}>past</start>"
    return f'<bts version="1.0"><cmd>start</cmd><list count="1">{row}</list></bts>'.encode()


def open_bench(spec: Mapping[str, Any]) -> Bench:
    """Open a virtual bench in this process (entry point ``labctl.benches``: ``virtual``).

    ``spec`` is ``{"bench": name or path, "seed": n}`` or a whole bench mapping (``labctl: bench/1``).
    Raises: UserFileError, UserInputError.
    """
    if "labctl" in spec:
        return Bench(bench_from_mapping(spec))
    unknown = set(spec) - {"bench", "seed", "mode"}
    if unknown:
        raise UserInputError(
            f"A bench is opened with bench, seed and mode; not {', '.join(sorted(unknown))}."
        )
    seed = spec.get("seed")
    return Bench(
        read_bench_file(str(spec.get("bench", "default"))),
        seed=None if seed is None else int(seed),
        mode=str(spec.get("mode", "jump")),
    )
