"""Whole runs on a virtual bench in this process: the real engine, drivers and store in jump mode, days in seconds.

The bench is given as a mapping (``labctl: bench/1``). A test may let people and faults act at plant moments, put a
fault plan on any connection, take a cable out for a while, and end the station's process as often as it likes: the
bench lives on, as a laboratory does::

    lab = BenchRun(spec, tmp_path)
    lab.at(4000.0, "chamber.door", name="oven", open=True)
    (result,) = lab.run([job(program(cycling(10)))])
    assert lab.energising("1-1") == ["start"]
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, TypeVar

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.station import ChannelLimits, DeviceEntry, StationClock, StationFile
from labctl.engine.jobs import Job, Progress, RunResult, StopSignal
from labctl.engine.shell import resume_runs, run_jobs
from labctl.engine.station import Station, open_station
from labctl.errors import UserInputError
from labctl.model.ids import ChannelId, RunId
from labctl.store.disk import Disk
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.simdisk import SimulatedDisk
from labctl.transport.base import Transport
from labctl.transport.faults import FaultPlan
from labctl.transport.faulty import FaultyTransport
from labctl.transport.memory import Endpoint, MemoryTransport, SpeakingEndpoint

T = TypeVar("T")
MODBUS_WRITES = (5, 6, 15, 16, 22, 23)
VIRTUAL_FOLDER = Path("/virtual/data")


class VirtualBench(Protocol):
    """What entry point ``labctl.benches: virtual`` opens."""

    now_s: float

    def advance_to(self, plant_s: float) -> None: ...
    def connect(self, instrument: str) -> Endpoint: ...
    def admin(self, request: Mapping[str, Any]) -> dict[str, Any]: ...
    def registry(self) -> list[dict[str, str]]: ...


def open_virtual_bench(spec: Mapping[str, Any]) -> VirtualBench:
    """Open a bench in this process. Raises: UserInputError where no bench is installed."""
    for point in entry_points(group="labctl.benches", name="virtual"):
        bench: VirtualBench = point.load()(spec)
        return bench
    raise UserInputError("No virtual bench is installed; install labctl again from its folder.")


def small_bench(
    *cells: Mapping[str, Any], chambers: Sequence[Mapping[str, Any]] = (), **instrument: Any
) -> dict[str, Any]:
    """Return a bench without noise: one 5V10mA unit, the cells in 1-1, 1-2 ... and the chambers named."""
    placed = [
        {"cell_id": f"C10{number}", "slot": f"neware:1-{number}", "variant": "LIQ-P", **cell}
        for number, cell in enumerate(cells or ({},), start=1)
    ]
    entry = {"name": "neware", "kind": "neware-bts", "devid": 33, "devtype": 27, "profile": "ideal",
             "units": [{"unit": 1, "model": "5V10mA"}], **instrument}  # fmt: skip
    return {
        "labctl": "bench/1",
        "name": "small bench",
        "seed": 7,
        "instruments": [entry],
        "chambers": [{"profile": "ideal", **chamber} for chamber in chambers],
        "cells": placed,
    }


def station_of(
    spec: Mapping[str, Any], step_folder: Path, *, poll_s: float, chamber_poll_s: float
) -> StationFile:
    """Return the station file of a bench; its links are in memory."""
    instruments = [
        DeviceEntry(
            entry["name"], "neware-bts", f"mem://{entry['name']}", poll_s,
            driver_options={
                "devid": entry.get("devid", 33), "devtype": entry.get("devtype", 27),
                "step_folder": str(step_folder),
                "units": {str(unit["unit"]): unit["model"] for unit in entry["units"]},
            },
        )
        for entry in spec["instruments"]
    ]  # fmt: skip
    chambers = [
        DeviceEntry(
            entry["name"], "modbus-chamber", f"mem://{entry['name']}", chamber_poll_s,
            driver_options={"framing": entry.get("link", "tcp")},
            channels=tuple(ChannelId(c["slot"]) for c in spec["cells"] if c.get("chamber") == entry["name"]),
        )
        for entry in spec.get("chambers", ())
    ]  # fmt: skip
    return StationFile(
        str(spec.get("name", "bench")),
        None,
        clock=StationClock(mode=ClockMode.JUMP),
        instruments=tuple(instruments),
        chambers=tuple(chambers),
    )


@dataclass(frozen=True, slots=True)
class Outage:
    """A cable that is out between two plant moments."""

    instrument: str
    from_s: float
    until_s: float


class _Cable:
    """One connection to an instrument; dead while an outage of it lasts."""

    def __init__(self, lab: BenchRun, name: str) -> None:
        self._lab = lab
        self._name = name
        lab.check_cable(name)
        self._endpoint = lab.bench.connect(name)

    def receive(self, data: bytes) -> bytes:
        self._lab.check_cable(self._name)
        if self._name in self._lab.asked:
            self._lab.asked[self._name].append(data)
        return self._endpoint.receive(data)

    def attach(self, send: Callable[[bytes], None]) -> None:
        """Let an instrument that speaks unasked be heard; what it says while the cable is out is lost."""

        def hear(data: bytes) -> None:
            with contextlib.suppress(ConnectionError):
                self._lab.check_cable(self._name)
                send(data)

        if isinstance(self._endpoint, SpeakingEndpoint):
            self._endpoint.attach(hear)


class BenchRun:
    """A bench that outlives the processes that run on it. Every ``run`` or ``resume`` is a process of its own.

    ``plans`` puts fault plans on an instrument's connections in the order in which its driver asks for them
    (a Neware: the normal lane, then the stop lane); they hold for the next process only. ``prepare`` is told the
    open station before anything runs; ``keep_frames`` keeps the links' raw frames. The data root lies on a
    simulated disk unless ``disk`` says otherwise.
    """

    def __init__(
        self,
        spec: Mapping[str, Any],
        folder: Path,
        *,
        poll_s: float = 600.0,
        chamber_poll_s: float = 10.0,
        disk: Disk | None = None,
    ) -> None:
        self.bench = open_virtual_bench(spec)
        self.disk = disk or SimulatedDisk()
        steps = folder / "steps"
        steps.mkdir(parents=True, exist_ok=True)
        self.station = station_of(spec, steps, poll_s=poll_s, chamber_poll_s=chamber_poll_s)
        self.plans: dict[str, list[FaultPlan]] = {}
        self.pipes: dict[str, list[FaultyTransport]] = {}
        self.outages: list[Outage] = []
        self.seen: list[Progress] = []
        self.on_progress: Callable[[Progress], None] | None = None
        self.prepare: Callable[[Station], None] | None = None
        self.stop = StopSignal()
        self.keep_frames = False
        self.asked: dict[str, list[bytes]] = {entry.name: [] for entry in self.station.chambers}
        self._acts: list[tuple[float, int, Callable[[], object]]] = []

    # -- the bench --------------------------------------------------------------------------------------------------

    def at(self, plant_s: float, do: str | Callable[[], object], **fields: object) -> None:
        """Do an admin request, or call something, when the bench gets to a plant moment."""
        act = do if callable(do) else (lambda: self.admin(do, **fields))
        self._acts.append((plant_s, len(self._acts), act))
        self._acts.sort(key=lambda entry: entry[:2])

    def admin(self, do: str, **fields: object) -> dict[str, Any]:
        """Do an admin request now. Raises: UserInputError with the bench's refusal."""
        reply = self.bench.admin({"do": do, **fields})
        if not reply.get("ok"):
            raise UserInputError(f"The bench refused {do}: {reply.get('error')}")
        return reply

    def advance_to(self, plant_s: float) -> None:
        """Let plant time pass, with the acts on the way; called by the jump clock."""
        while self._acts and self._acts[0][0] <= plant_s:
            moment_s, _, act = self._acts.pop(0)
            self.bench.advance_to(moment_s)
            act()
        self.bench.advance_to(plant_s)

    def cable_out(self, instrument: str, from_s: float, until_s: float) -> None:
        """Take the cable of an instrument out between two plant moments."""
        self.outages.append(Outage(instrument, from_s, until_s))

    def check_cable(self, instrument: str) -> None:
        """Raise ConnectionError while the cable of an instrument is out."""
        now_s = self.bench.now_s
        if any(
            item.instrument == instrument and item.from_s <= now_s < item.until_s for item in self.outages
        ):
            raise ConnectionError("the cable is out")

    def commands(self, place: str, instrument: str = "neware") -> list[dict[str, Any]]:
        """Return the energising commands that a channel received, accepted or not (starts and the like, no stops)."""
        truth = self.admin("truth", slot=f"{instrument}:{place}")
        return list(truth["commands"])

    def energising(self, place: str) -> list[str]:
        """Return the accepted commands of a channel that raise energy, in order."""
        return [entry["command"] for entry in self.commands(place) if entry["accepted"]]

    def chamber_writes(self, name: str) -> list[bytes]:
        """Return the requests that wrote a register of a Modbus/TCP chamber, as they came over the wire whole."""
        return [data for data in self.asked[name] if len(data) > 7 and data[7] in MODBUS_WRITES]

    # -- processes --------------------------------------------------------------------------------------------------

    def root(self) -> DataRoot:
        """Return the data root."""
        return DataRoot(VIRTUAL_FOLDER, disk=self.disk)

    def run(self, jobs: Sequence[Job]) -> list[RunResult]:
        """Run jobs to their end."""

        async def story(station: Station) -> list[RunResult]:
            return await run_jobs(station, self.root(), jobs, observer=self._observe, stop=self.stop)

        return self.play(story)

    def resume(self, run_ids: Sequence[RunId | str] | None = None) -> list[RunResult]:
        """Take up the given runs, or all there are."""
        ids = run_ids or sorted(folder.name for folder in self.root().run_folders())

        async def story(station: Station) -> list[RunResult]:
            return await resume_runs(station, self.root(), ids, observer=self._observe, stop=self.stop)

        return self.play(story)

    def play(self, story: Callable[[Station], Coroutine[Any, Any, T]]) -> T:
        """Tell a story on the open station, in a process that begins where the bench stands."""
        self.stop = StopSignal()
        self.pipes = {}

        async def main(clock: Clock) -> T:
            async with open_station(
                self.station,
                clock,
                connect=self._connector(clock),
                wire_root=self.root() if self.keep_frames else None,
            ) as station:
                if self.prepare is not None:
                    self.prepare(station)
                return await story(station)

        spec = ClockSpec(mode=ClockMode.JUMP, start_s=self.bench.now_s)
        return run_with_clock(spec, main, bench=self)

    def limit(self, channel: str, limits: ChannelLimits) -> None:
        """Give a channel limits of its own (layer L2)."""
        self.station = replace(self.station, limits={**self.station.limits, ChannelId(channel): limits})

    def _connector(self, clock: Clock) -> Callable[[str], Transport]:
        left = {name: list(plans) for name, plans in self.plans.items()}
        self.plans = {}

        def connect(resource: str) -> Transport:
            name = resource.removeprefix("mem://")
            inner = MemoryTransport(lambda: _Cable(self, name), clock, name)
            plans = left.get(name)
            if not plans:
                return inner
            pipe = FaultyTransport(inner, clock, plans.pop(0))
            self.pipes.setdefault(name, []).append(pipe)
            return pipe

        return connect

    def _observe(self, progress: Progress) -> None:
        self.seen.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)

    # -- what is stored ---------------------------------------------------------------------------------------------

    def reader(self, result: RunResult | None = None) -> RunReader:
        """Return the folder of a run, by default of the only one."""
        if result is not None:
            return RunReader(self.root().run_folder(result.run_id), disk=self.disk)
        return RunReader(next(iter(self.root().run_folders())), disk=self.disk)

    def kinds(self, result: RunResult | None = None) -> list[str]:
        """Return the kinds of a run's stored events."""
        return [str(event["kind"]) for event in self.reader(result).events()]
