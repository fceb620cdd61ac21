"""A stand-in for the vendor's kit in plain Python, with the dummy cell D1 on it, behind labctl's own bridge.

Made for these tests alone, by the lines of the specification. Time is handed in; nothing here runs by itself.
"""

from __future__ import annotations

import asyncio
import math
import sys
from bisect import bisect_right
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from labctl_drivers.versastat_vdk import create
from labctl_drivers.versastat_vdk.bridge.connection import Connection, Door
from labctl_drivers.versastat_vdk.bridge.library import Library
from labctl_drivers.versastat_vdk.bridge.service import Service

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.interfaces.potentiostat import Potentiostat
from labctl.transport.base import Transport
from labctl.transport.memory import MemoryTransport

collect_ignore_glob = ["*_posix.py"] if sys.platform == "win32" else []

OHM = 110.0
EARLY_S = 0.3
Row = dict[str, float]


def z_of_d1(frequency_Hz: float) -> complex:
    """Return the impedance of 10 ohm + (100 ohm parallel 100 uF)."""
    return 10.0 + 1.0 / (1.0 / 100.0 + 2j * math.pi * frequency_Hz * 100e-6)


class KitError(Exception):
    """What the kit raises."""


@dataclass
class Immediate:
    """``Instrument.Immediate``. ``overloads`` are what the next looks find."""

    kit: TinyKit
    overloads: list[int] = field(default_factory=list)
    overload: int = 0

    def SetCellOn(self) -> None:
        self.kit.note("SetCellOn")

    def SetCellOff(self) -> None:
        self.kit.note("SetCellOff")
        if not self.kit.sticky_cell:
            self.kit.Experiment.cut_off()

    def SetAutoIRangeOff(self) -> None:
        self.kit.note("SetAutoIRangeOff")

    def UpdateStatus(self) -> None:
        self.kit.note("UpdateStatus")
        self.overload = self.overloads.pop(0) if self.overloads else 0

    def GetE(self) -> float:
        return self.kit.ocv_V

    def GetI(self) -> float:
        return 0.0

    def GetOverload(self) -> int:
        return self.overload

    def GetCellEnabled(self) -> bool:
        return self.kit.cell_on()

    def GetIRange(self) -> str:
        return "200uA"


@dataclass
class Experiment:
    """``Instrument.Experiment``: a sequence is worked out at its start and told as time goes on."""

    kit: TinyKit
    actions: list[tuple[str, list[str]]] = field(default_factory=list)
    rows: list[tuple[float, Row]] = field(default_factory=list)
    begun_s: float = math.inf
    ended_s: float = -math.inf
    on_from_s: float = math.inf
    on_until_s: float = -math.inf
    fetched: int = 0
    strings: list[tuple[str, str]] = field(default_factory=list)

    def GetActionList(self) -> str:
        return "OpenCircuit,EISPotentiostatic"

    def Clear(self) -> None:
        self.actions, self.rows, self.fetched = [], [], 0

    def Start(self) -> None:
        self.kit.note("Start")
        now_s = self.kit.now_s()
        self.begun_s = now_s + self.kit.starts_late_s
        self.rows, self.fetched = [], 0
        at_s, self.on_from_s = 0.0, math.inf
        for name, fields in self.actions:
            if name not in ("MeasureOpenCircuit", "OpenCircuit"):
                self.on_from_s = min(self.on_from_s, self.begun_s + at_s)
            at_s = self._run(name, fields, at_s)
        self.ended_s = self.on_until_s = self.begun_s + at_s
        if self.on_from_s < math.inf:
            self.kit.energised += 1
        if self.kit.starts_hanging is not None:
            self.kit.starts_hanging.wait()

    def Stop(self) -> None:
        self.kit.note("Stop")
        now_s = self.kit.now_s()
        if now_s < self.ended_s:
            self.rows = self.rows[: self._available()]
            self.ended_s = now_s
            self.cut_off()

    def cut_off(self) -> None:
        self.on_until_s = min(self.on_until_s, self.kit.now_s())

    def IsSequenceRunning(self) -> bool:
        return self.begun_s <= self.kit.now_s() < self.ended_s

    def GetNumPointsAvailable(self) -> int:
        over = self.kit.now_s() >= self.ended_s + self.kit.trickles_s
        return -1 if over and self.fetched >= len(self.rows) else self._available()

    def GetLastMeasuredOC(self) -> float:
        return self.kit.ocv_V

    def _available(self) -> int:
        past_s = self.kit.now_s() - self.begun_s - self.kit.trickles_s
        return bisect_right([at_s for at_s, _ in self.rows], past_s + 1e-9)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name == "AddMeasureOpenCircuit":
            return lambda: self._added("MeasureOpenCircuit", "")
        if name.startswith("Add"):
            return lambda text: self._added(name[3:], text)
        if name.startswith("GetData"):
            return lambda start, count: self._data(name[7:], start, count)
        raise AttributeError(name)

    def _added(self, name: str, text: str) -> bool:
        wanted = {
            "MeasureOpenCircuit": 1, "OpenCircuit": 16, "LinearScanVoltammetry": 22, "MultiCyclicVoltammetry": 31,
            "Chronoamperometry": 21, "Chronopotentiometry": 16, "EISPotentiostatic": 15, "EISGalvanostatic": 13,
        }  # fmt: skip
        fields = text.split(",")
        if len(fields) != wanted.get(name):
            return False
        self.actions.append((name, fields))
        self.strings.append((name, text))
        return True

    def _data(self, column: str, start: int, count: int) -> list[float]:
        ready = self.rows[: self._available()][start : start + count]
        self.fetched = max(self.fetched, start + len(ready))
        return [row[column] for _, row in ready]

    def _dc(self, at_s: float, e_V: float, i_A: float) -> None:
        row = dict.fromkeys(
            ("Frequency", "ImpedanceReal", "ImpedanceImaginary", "VACMagnitude", "IACMagnitude"), 0.0
        )
        self.rows.append(
            (at_s, {**row, "Potential": e_V, "Current": i_A, "ElapsedTime": at_s, "CurrentRange": 4.0})
        )

    def _run(self, name: str, fields: list[str], at_s: float) -> float:
        if name == "MeasureOpenCircuit":
            return at_s + 1.0
        if name == "OpenCircuit":
            every_s, whole_s = map(float, fields[:2])
            for place in range(1, round(whole_s / every_s) + 1):
                self._dc(at_s + place * every_s, self.kit.ocv_V, 1e-12)
            return at_s + whole_s
        if name in ("Chronoamperometry", "Chronopotentiometry"):
            return self._step(name, fields, at_s)
        if name in ("LinearScanVoltammetry", "MultiCyclicVoltammetry"):
            return self._ramp(name, fields, at_s)
        return self._sweep(name, fields, at_s)

    def _step(self, name: str, fields: list[str], at_s: float) -> float:
        value, rest = float(fields[0]), fields[2:] if name == "Chronoamperometry" else fields[1:]
        every_s, whole_s = map(float, rest[:2])
        e_V = value if name == "Chronoamperometry" else value * OHM
        above = float(rest[4]) if rest[2] == "CURRENT" else math.inf
        for place in range(1, round(whole_s / every_s) + 1):
            self._dc(at_s + place * every_s, e_V, e_V / OHM)
            if e_V / OHM > above:
                return at_s + place * every_s
        return at_s + whole_s

    def _ramp(self, name: str, fields: list[str], at_s: float) -> float:
        if name == "LinearScanVoltammetry":
            corners, rate = [float(fields[0]), float(fields[2])], float(fields[4])
        else:
            begin_V, vertex1_V, vertex2_V = (float(fields[place]) for place in (0, 2, 6))
            rate, cycles = float(fields[10]), int(fields[11])
            corners = [begin_V, *([vertex1_V, vertex2_V] * cycles), float(fields[28])]
        self._dc(at_s, corners[0], corners[0] / OHM)
        for start_V, end_V in pairwise(corners):
            steps = round(abs(end_V - start_V) / 1e-3)
            for e_V in np.linspace(start_V, end_V, steps + 1)[1:]:
                at_s += abs(end_V - start_V) / steps / rate
                self._dc(at_s, float(e_V), float(e_V) / OHM)
        return at_s

    def _sweep(self, name: str, fields: list[str], at_s: float) -> float:
        first_Hz, last_Hz, amplitude = map(float, fields[:3])
        per_decade, potentiostatic = int(fields[4]), name == "EISPotentiostatic"
        steps = round(abs(math.log10(last_Hz / first_Hz)) * per_decade)
        for f_Hz in np.geomspace(first_Hz, last_Hz, steps + 1)[: self.kit.points_max].tolist():
            z = z_of_d1(f_Hz)
            at_s += 0.33 if f_Hz >= 100 else 0.29 + 3.5 / f_Hz if f_Hz >= 1 else 7.8 / f_Hz
            e_V = float(fields[7]) if potentiostatic else float(fields[7]) * OHM
            row = {
                "Frequency": f_Hz, "ImpedanceReal": z.real, "ImpedanceImaginary": z.imag,
                "VACMagnitude": amplitude if potentiostatic else amplitude * abs(z),
                "IACMagnitude": amplitude / abs(z) if potentiostatic else amplitude,
                "CurrentRange": 4.0, "ElapsedTime": at_s, "Potential": e_V, "Current": e_V / OHM,
            }  # fmt: skip
            self.rows.append((at_s, row))
        return at_s


@dataclass
class TinyKit:
    """``Instrument``. ``points_max`` cuts a sweep short; ``trickles_s`` lets points come so much later."""

    now_s: Callable[[], float] = lambda: 0.0
    model: str = "VersaSTAT 4-400"
    abilities: str = "FRA,Booster"
    serials: tuple[int, ...] = (1234567,)
    ocv_V: float = 0.1
    starts_late_s: float = EARLY_S
    trickles_s: float = 0.0
    points_max: int | None = None
    sticky_cell: bool = False
    starts_hanging: Any = None
    energised: int = 0
    connected: int = 0
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.Immediate = Immediate(self)
        self.Experiment = Experiment(self)

    def note(self, name: str) -> None:
        self.heard.append(name)

    def cell_on(self) -> bool:
        return self.Experiment.on_from_s <= self.now_s() < self.Experiment.on_until_s

    def FindNext(self, start: int) -> int:
        later = [serial for serial in self.serials if serial > start]
        return min(later, default=0)

    def Connect(self, serial: int) -> bool:
        self.note("Connect")
        self.connected = serial
        return serial in self.serials

    def Close(self) -> None:
        self.note("Close")

    def GetSerialNumber(self) -> int:
        return self.connected

    def GetModel(self) -> str:
        return self.model

    def GetOptions(self) -> str:
        return self.abilities


class RunningBridge:
    """A bridge in this process; what it does ends with the loop."""

    def __init__(self, kit: TinyKit, clock: Clock, door: Door | None = None) -> None:
        kit.now_s = clock.plant.now_s
        self.service = Service(Library(kit), clock)
        self.door = door or Door()
        self._tasks: set[asyncio.Task[None]] = set()
        self.begin(self.service.serve(asyncio.Event()))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end_for(self, peer: str) -> BridgeEnd:
        """Return the other end of a fresh connection from an address."""
        return BridgeEnd(self, peer)


class BridgeEnd:
    """One connection to a bridge in this process, as a memory pipe sees it."""

    def __init__(self, bridge: RunningBridge, peer: str) -> None:
        self._bridge = bridge
        self._connection = Connection(bridge.door, peer, bridge.service.answer)
        self._turn = asyncio.Lock()
        self._say: Callable[[bytes], None] = lambda data: None

    def attach(self, send: Callable[[bytes], None]) -> None:
        self._say = send

    def receive(self, data: bytes) -> bytes:
        self._bridge.begin(self._serve(data))
        return b""

    async def _serve(self, data: bytes) -> None:
        async with self._turn:
            self._say((await self._connection.feed(data))[0])


Story = Callable[[Potentiostat, Clock, TinyKit], Coroutine[Any, Any, None]]
Through = Callable[[Transport, Clock], Transport]


@dataclass
class Stand:
    """The driver on the bridge on the stand-in, in jump time."""

    kit: TinyKit
    options: dict[str, object] = field(default_factory=dict)
    door: Door = field(default_factory=Door)
    peer: str = "127.0.0.1"

    def play(self, story: Story, *, through: Through | None = None, opened: bool = True) -> None:
        """Run a story with the driver, open unless told otherwise, and close it."""

        async def main(clock: Clock) -> None:
            bridge = RunningBridge(self.kit, clock, self.door)

            def connect(resource: str) -> Transport:
                plain = MemoryTransport(lambda: bridge.end_for(self.peer), clock, "bridge")
                return plain if through is None else through(plain, clock)

            driver = create("vdk", "mem://bridge", self.options, clock, connect)
            try:
                if opened:
                    await driver.open()
                await story(driver, clock, self.kit)
            finally:
                await driver.close()

        run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


@pytest.fixture
def stand() -> Stand:
    """Offer a driver on a fresh VersaSTAT 4."""
    return Stand(TinyKit())


@pytest.fixture
def stand_of() -> Callable[..., Stand]:
    """Offer drivers on instruments as the test wants them."""

    def make(*, options: dict[str, object] | None = None, **kit: Any) -> Stand:
        return Stand(TinyKit(**kit), options or {})

    return make


@pytest.fixture(scope="session")
def tiny_kit() -> type[TinyKit]:
    """Offer the stand-in for the vendor's kit."""
    return TinyKit


@pytest.fixture(scope="session")
def running_bridge() -> type[RunningBridge]:
    """Offer a bridge in this process."""
    return RunningBridge
