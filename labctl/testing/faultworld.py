"""A laboratory for fault stories: bench, disk and wires that outlive every process of the station.

Everything that happens is told to the watchers at once: each frame on a wire, each durable row, each change that the
station publishes, each injected fault, each passing of time. The world knows the truth; the station never sees it.
Nothing here looks at a machine clock: the same seed gives the same story, byte for byte.
"""

from __future__ import annotations

import heapq
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from labctl.clock import Clock
from labctl.engine.jobs import Progress, RunResult
from labctl.model.record import RecordBlock
from labctl.store.simdisk import PowerCut
from labctl.testing.benchrun import open_virtual_bench
from labctl.testing.faultdisk import FaultDisk
from labctl.transport.base import Transport
from labctl.transport.faults import Fault, FaultKind, FaultPlan, Side
from labctl.transport.faulty import FaultyTransport
from labctl.transport.memory import MemoryTransport

JUMPS_AFTER_DEATH_MAX = 20_000
"""Leaps of time that the clean-up of a dead process may take before it counts as hanging."""
_COMMAND = re.compile(rb"<cmd>\s*([A-Za-z_]+)\s*</cmd>")
_CHANNEL = re.compile(rb'subdevid="(\d+)"\s+chlid="(\d+)"|subdevid="(\d+)"\s+Channelid="(\d+)"')
ENERGISING = frozenset({"start", "continue", "goto", "reset", "chl_ctrl"})
"""Words of the wire that may raise energy, as the simulator's own list has them."""
STOPPING = frozenset({"stop", "broadcaststop"})
READING = frozenset({"inquiredf", "inquire", "getchlstatus"})


class WireKind(StrEnum):
    """Where a piece of the wire was seen."""

    SENT = "sent"  # the host has written it
    ARRIVED = "arrived"  # the device has it
    REPLY = "reply"  # the host has read it


@dataclass(frozen=True, slots=True)
class WireNote:
    """One piece on a wire, where it was seen."""

    at_s: float
    life: int
    instrument: str
    link: int
    kind: WireKind
    command: str
    places: tuple[str, ...]
    size: int


@dataclass(slots=True)
class Injected:
    """One fault that the plan has put in. ``hit`` says that it met something: bytes, a record, an operation."""

    fid: str
    at_s: float
    until_s: float
    channel: str = ""
    instrument: str = ""
    what: str = ""
    hit: bool = False
    life: int = 0
    at_work: bool = False
    """The channel that a fault of the device concerns was working when it came."""

    @property
    def met(self) -> bool:
        """Tell whether it had something to disturb."""
        return self.hit or self.at_work


class Watcher:
    """Hears everything; checkers override what they need."""

    def wire(self, note: WireNote) -> None:
        """Hear a frame."""

    def progress(self, progress: Progress) -> None:
        """Hear how a run stands."""

    def rows(self, run_id: str, block: RecordBlock) -> None:
        """Hear of rows that were acknowledged."""

    def ended(self, result: RunResult) -> None:
        """Hear that a run is over, or left."""

    def fault(self, fault: Injected) -> None:
        """Hear of a fault that begins."""

    def opened(self, instrument: str, link: int, accepted: bool) -> None:
        """Hear of an attempt to connect."""

    def passed(self, bench_s: float) -> None:
        """Hear that time has passed up to a moment."""

    def published(self, feed: Any, topic: str, key: str, data: Mapping[str, Any] | None) -> None:
        """Hear what the station tells its clients."""

    def life_begins(self, life: int) -> None:
        """Hear that a process begins."""

    def life_ends(self, life: int, how: str) -> None:
        """Hear that a process has ended: ``left``, ``sigkill`` or ``power``."""


@dataclass(frozen=True)
class _Armed(FaultPlan):
    """A plan that is filled while the story goes on: at most one fault per exchange."""

    pipe: list[Fault | None] = field(default_factory=lambda: [None])

    def at(self, exchange: int, side: Side) -> Fault | None:
        fault = self.pipe[0]
        return fault if fault is not None and fault.side is side else None


class WatchedPipe(FaultyTransport):
    """A pipe to an instrument on which the world's armed faults happen; tells what the host gets to read."""

    def __init__(self, world: World, name: str, clock: Clock, link: int) -> None:
        self._plan = _Armed()
        inner = MemoryTransport(lambda: Cable(world, name, link), clock, name)
        super().__init__(inner, clock, self._plan)
        self._world = world
        self._name = name
        self._link = link
        self._armed: Injected | None = None
        self._told = 0

    async def open(self, timeout_s: float = 10.0) -> None:
        """Connect, and tell of the attempt."""
        try:
            await super().open(timeout_s)
        except BaseException:
            self._world.tell_opened(self._name, self._link, accepted=False)
            raise
        self._world.tell_opened(self._name, self._link, accepted=True)

    async def write(self, data: bytes, timeout_s: float = 5.0) -> None:
        """Send; an armed fault that waits for this command meets it."""
        command, places = parsed(data)
        self._world.tell_wire(self._name, self._link, WireKind.SENT, command, places, len(data))
        self._armed, self._plan.pipe[0] = self._world.take_armed(self._name, command)
        try:
            await super().write(data, timeout_s)
        finally:
            self._note_hit()

    async def read(self, timeout_s: float = 5.0) -> bytes:
        """Read, and tell what came."""
        try:
            data = await super().read(timeout_s)
        finally:
            self._note_hit()
        command, places = parsed(data)
        self._world.tell_wire(
            self._name, self._link, WireKind.REPLY, command.removesuffix("_resp"), places, len(data)
        )
        return data

    def _note_hit(self) -> None:
        if self._armed is not None and len(self.fired) > self._told:
            self._told = len(self.fired)
            self._armed.hit = True


def parsed(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the command and the channels (``1-3``) that a piece of the wire names; empty where it names none."""
    found = _COMMAND.search(data)
    command = "" if found is None else found.group(1).decode("ascii")
    places = dict.fromkeys(f"{int(a or c)}-{int(b or d)}" for a, b, c, d in _CHANNEL.findall(data[:20_000]))
    return command, tuple(places)


class Cable:
    """One connection to the bench; dead with its process, deaf or cut while an outage lasts."""

    def __init__(self, world: World, name: str, link: int) -> None:
        world.check_link(name)
        self._world = world
        self._name = name
        self._link = link
        self._endpoint = world.bench.connect(name)

    def receive(self, data: bytes) -> bytes:
        """Carry a request to the device and bring the reply back."""
        world = self._world
        if world.dead:
            raise ConnectionError("the process is dead")
        if world.check_link(self._name):
            return b""
        command, places = parsed(data)
        data = world.on_request(self._name, command, places, data)
        world.tell_wire(self._name, self._link, WireKind.ARRIVED, command, places, len(data))
        return bytes(self._endpoint.receive(data)) if data else b""


@dataclass(slots=True)
class _Outage:
    until_s: float
    silent: bool
    injected: Injected


class World:
    """Bench, disk, wires, wall clock and the plan's acts. ``bench.now_s`` is the true time."""

    def __init__(self, spec: Mapping[str, Any], *, seed: int) -> None:
        self.bench: Any = open_virtual_bench(spec)
        self.dice = random.Random(seed)
        self.disk = FaultDisk(seed=seed)
        self.life = 0
        self.dead = False
        self.slept_s = 0.0
        """How far the bench is ahead of the process: the computer slept, its monotonic clock stood."""
        self.wall_s = 0.0
        """How far the computer's wall clock is off."""
        self.boot_s = 0.0
        """How far the boot-time clock is ahead of the monotonic one."""
        self.life_began_s = 0.0
        self.deaths_s: list[float] = []
        self.rotten: list[int] = []
        self.watchers: list[Watcher] = []
        self.faults: list[Injected] = []
        self.violations: list[tuple[str, str]] = []
        self.ends_at_first = False
        """Whether the story is over as soon as something is broken: whoever only asks whether it breaks, knows."""
        self.steal_start: tuple[str, str, Injected] | None = None
        self.power = False
        self.timer: Callable[[float], object] | None = None
        """Makes the process's clock stop at a moment of its own time."""
        self.cut: PowerCut | None = None
        self._acts: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0
        self._armed: list[tuple[str, str, Fault, Injected]] = []
        self._outages: dict[str, _Outage] = {}
        self._links = 0
        self._jumps_after_death = 0

    # -- time -------------------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Return the true time, plant seconds."""
        return float(self.bench.now_s)

    def at(self, bench_s: float, act: Callable[[], object]) -> None:
        """Do something when true time gets to a moment."""
        self._count += 1
        heapq.heappush(self._acts, (bench_s, self._count, act))
        if self.timer is not None:
            self.timer(bench_s - self.slept_s)

    def set_timers(self, timer: Callable[[float], object] | None) -> None:
        """Have the process's clock stop at the moment of every act, so that it does not matter who else waits."""
        self.timer = timer
        if timer is not None:
            for moment_s, _, _ in self._acts:
                timer(moment_s - self.slept_s)

    def advance_to(self, plant_s: float) -> None:
        """Let time pass for the process and the bench; called by the jump clock. Raises: PowerCut."""
        if self.dead:
            self._jumps_after_death += 1
            if self._jumps_after_death > JUMPS_AFTER_DEATH_MAX:
                raise RuntimeError("a dead process goes on waiting")
            return
        if self.broken:
            self.kill(power=False)
        target_s = plant_s + self.slept_s
        while self._acts and self._acts[0][0] <= target_s:
            self._next_act()
            target_s = plant_s + self.slept_s
        self.bench.advance_to(target_s)
        for watcher in self.watchers:
            watcher.passed(self.now_s)

    @property
    def broken(self) -> bool:
        """Tell whether the story is over because something is broken."""
        return self.ends_at_first and bool(self.violations)

    def waiting_acts(self) -> bool:
        """Tell whether anything is still to come."""
        return bool(self._acts)

    def pass_down(self, until_s: float) -> None:
        """Let time pass with the process down; what would disturb a process waits until there is one."""
        waiting = [entry for entry in self._acts if entry[0] <= until_s]
        self._acts = [entry for entry in self._acts if entry[0] > until_s]
        for moment_s, number, act in sorted(waiting, key=lambda entry: entry[:2]):
            later_s = until_s + (moment_s - self.now_s) * 0.01 + 90.0
            self._acts.append((later_s, number, act))
        heapq.heapify(self._acts)
        self.bench.advance_to(until_s)
        for watcher in self.watchers:
            watcher.passed(self.now_s)

    def _next_act(self) -> None:
        moment_s, _, act = heapq.heappop(self._acts)
        self.bench.advance_to(max(moment_s, self.now_s))
        act()

    # -- lives ------------------------------------------------------------------------------------------------------

    def begin_life(self) -> None:
        """Begin a process: it knows nothing but what the disk holds."""
        self.life += 1
        self.dead = False
        self.cut = None
        self.slept_s = 0.0
        self._jumps_after_death = 0
        self.life_began_s = self.now_s
        self.disk.on_cut = self._cut_by_disk
        for watcher in self.watchers:
            watcher.life_begins(self.life)

    def kill(self, *, power: bool) -> None:
        """End the process here and now. Raises: PowerCut."""
        self._die(power)
        raise self.cut or PowerCut("killed")

    def _cut_by_disk(self) -> None:
        self._die(self.power)

    def _die(self, power: bool) -> None:
        if self.dead:
            return
        self.power = power
        self._next_disk = self.disk.after(power=power)
        self.dead = self.disk.dead = True
        self.deaths_s.append(self.now_s)
        self.cut = PowerCut("power" if power else "sigkill")

    def end_life(self) -> str:
        """Note the end of a process; returns how it ended."""
        how = "left"
        self.timer = None
        if self.dead:
            how = "power" if self.power else "sigkill"
            self.disk = self._next_disk
        self._armed = [entry for entry in self._armed if entry[3].until_s > self.now_s]
        for watcher in self.watchers:
            watcher.life_ends(self.life, how)
        return how

    # -- wires ------------------------------------------------------------------------------------------------------

    def connector(self, clock: Clock) -> Callable[[str], Transport]:
        """Return what opens the pipes of this process."""

        def connect(resource: str) -> Transport:
            self._links += 1
            return WatchedPipe(self, resource.removeprefix("mem://"), clock, self._links)

        return connect

    def arm(self, instrument: str, command: str, fault: Fault, injected: Injected) -> None:
        """Let a byte fault meet the next exchange (of a command, where one is named) with an instrument."""
        self._armed.append((instrument, command, fault, injected))

    def take_armed(self, instrument: str, command: str) -> tuple[Injected | None, Fault | None]:
        """Return the fault that waits for this exchange."""
        for entry in self._armed:
            due = entry[3].until_s >= self.now_s
            if due and entry[0] == instrument and entry[1] in ("", command):
                self._armed.remove(entry)
                return entry[3], entry[2]
        return None, None

    def armed_left(self) -> int:
        """Return how many byte faults have met nothing yet."""
        return len(self._armed)

    def disarm(self) -> None:
        """Forget faults that have met nothing."""
        self._armed.clear()

    def outage(self, instrument: str, until_s: float, injected: Injected, *, silent: bool) -> None:
        """Take an instrument's cable out until a moment; ``silent``: half-open, nothing says so."""
        before = self._outages.get(instrument)
        if before is None or before.until_s < until_s:
            self._outages[instrument] = _Outage(until_s, silent, injected)

    def cables_in_s(self) -> float:
        """Return the moment from which on no cable is out."""
        return max((outage.until_s for outage in self._outages.values()), default=0.0)

    def link_is_up(self, instrument: str) -> bool:
        """Tell whether bytes can pass."""
        outage = self._outages.get(instrument)
        return outage is None or self.now_s >= outage.until_s

    def check_link(self, instrument: str) -> bool:
        """Tell whether the link is deaf. Raises: ConnectionError while it is cut."""
        if self.link_is_up(instrument):
            return False
        self._outages[instrument].injected.hit = True
        if self._outages[instrument].silent:
            return True
        raise ConnectionError("the cable is out")

    def on_request(self, instrument: str, command: str, places: tuple[str, ...], data: bytes) -> bytes:
        """Let a stranger's start take the place of ours, where the plan says so (F27 with F41)."""
        if (
            command == "start"
            and self.steal_start is not None
            and self.steal_start[0] == f"{instrument}:{places[0]}"
        ):
            _, mark, injected = self.steal_start
            self.steal_start = None
            injected.hit = True
            self.bench.connect(instrument).receive(
                re.sub(rb'barcode="[^"]*"', b'barcode="' + mark.encode() + b'"', data)
            )
            return b""
        return data

    def stranger(self, instrument: str, request: bytes) -> bytes:
        """Send a request from a program of somebody else, over a connection of its own."""
        return bytes(self.bench.connect(instrument).receive(request))

    # -- telling ----------------------------------------------------------------------------------------------------

    def tell_wire(
        self, instrument: str, link: int, kind: WireKind, command: str, places: tuple[str, ...], size: int
    ) -> None:
        """Tell of a frame."""
        note = WireNote(self.now_s, self.life, instrument, link, kind, command, places, size)
        for watcher in self.watchers:
            watcher.wire(note)

    def tell_opened(self, instrument: str, link: int, *, accepted: bool) -> None:
        """Tell of an attempt to connect."""
        if not self.dead:
            for watcher in self.watchers:
                watcher.opened(instrument, link, accepted)

    def inject(self, injected: Injected) -> Injected:
        """Tell of a fault that begins now."""
        injected.at_s, injected.life = self.now_s, self.life
        self.faults.append(injected)
        for watcher in self.watchers:
            watcher.fault(injected)
        return injected

    # -- truth ------------------------------------------------------------------------------------------------------

    def admin(self, do: str, **fields: object) -> dict[str, Any]:
        """Do an admin request; a refusal is a mistake of the story. Raises: RuntimeError."""
        reply: dict[str, Any] = self.bench.admin({"do": do, **fields})
        if not reply.get("ok"):
            raise RuntimeError(f"the bench refused {do}: {reply.get('error')}")
        return reply

    def truth(self, channel: str, **fields: object) -> dict[str, Any]:
        """Return what a channel really did."""
        return self.admin("truth", slot=channel, **fields)


BYTE_FAULTS: Mapping[str, tuple[FaultKind, ...]] = {
    "F01": (FaultKind.DROP,),
    "F02": (FaultKind.HANG,),
    "F03": (FaultKind.SPLIT,),
    "F04": (FaultKind.MERGE,),
    "F05": (FaultKind.GARBLE,),
    "F06": (FaultKind.LATE, FaultKind.DUPLICATE),
}
"""Fault ids that a byte fault on one exchange stands for."""
