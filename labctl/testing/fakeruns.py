"""Programs, jobs and stations for engine tests on the fake cycler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.station import ChannelLimits
from labctl.engine.jobs import Job, Progress, RunResult, StopSignal
from labctl.engine.shell import resume_runs, run_jobs
from labctl.engine.station import Instrument, Station
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.program import (
    CellFacts,
    Detection,
    DetectionAction,
    DetectionKind,
    Estimate,
    HostNode,
    Limits,
    Loop,
    Program,
    RecordRule,
    Segment,
    Step,
    StepMode,
    TemperatureDemand,
)
from labctl.store.disk import Disk
from labctl.store.root import DataRoot
from labctl.testing.fakecycler import FakeBench, FakeChannel, FakeCycler, VoltageModel, ohmic

AREA_CM2 = 0.785398
CURRENT_A = 0.785398e-3
SHORT_STOPS = Detection(DetectionKind.SHORT, 10.0, 5, DetectionAction.STOP)


def rest(step_id: int, duration_s: float = 600.0) -> Step:
    """Return a rest step."""
    return Step(step_id, StepMode.REST, duration_s, sentence="Rest.")


def charge(step_id: int, duration_s: float = 600.0, current_A: float = CURRENT_A) -> Step:
    """Return a charge or (negative current) discharge step that ends by time."""
    mode = StepMode.CC_CHARGE if current_A > 0 else StepMode.CC_DISCHARGE
    return Step(step_id, mode, duration_s, current_A=current_A, sentence=f"{mode}.")


def cycling(cycles: int = 10, half_s: float = 600.0) -> tuple[HostNode, ...]:
    """Return the flow of a symmetric cell: rest, then so many cycles."""
    body = (rest(1), Loop(cycles, (charge(2, half_s), charge(3, half_s, -CURRENT_A))))
    return (Segment(1, body),)


def program(
    flow: tuple[HostNode, ...],
    place: str = "1-1",
    *,
    detections: Sequence[Detection] = (),
    limits: Limits | None = None,
    temperature: TemperatureDemand | None = None,
    every_s: float = 10.0,
) -> Program:
    """Return a program for a symmetric cell on ``neware:<place>``."""
    cell_id = CellId(f"C{place.replace('-', '0')}")
    return Program(
        protocol_name="test",
        protocol_hash="0" * 64,
        cell=CellFacts(cell_id, str(cell_id), "symmetric", area_cm2=AREA_CM2),
        channel=ChannelId(f"neware:{place}"),
        flow=flow,
        record=RecordRule(every_s=every_s),
        limits=limits or Limits(voltage_min_V=-5.0, voltage_max_V=5.0, current_max_A=10e-3),
        estimate=Estimate(3600.0, 3600.0, 1000, 100_000, 10, 0),
        detections=tuple(detections),
        temperature=temperature,
    )


def job(bound: Program) -> Job:
    """Return the job of a program."""
    cell = Cell(bound.cell.cell_id, bound.cell.name, CellKind.SYMMETRIC, area_cm2=AREA_CM2, ocv_V=0.0)
    return Job(bound, cell, protocol_text="labctl: protocol/1\n")


def bench(places: Sequence[str] = ("1-1",), model: VoltageModel | None = None) -> FakeBench:
    """Return a bench with idle channels."""
    return FakeBench({place: FakeChannel(model or ohmic()) for place in places})


class Process:
    """One process's life on a bench that outlives it: every call is a new event loop, station and store."""

    def __init__(
        self, world: FakeBench, folder: Path, *, poll_s: float = 600.0, disk: Disk | None = None
    ) -> None:
        self.world = world
        self.folder = folder
        self.poll_s = poll_s
        self.disk = disk
        self.fate: Callable[[int, str], str] | None = None
        self.edit_rows: Callable[[dict[str, Any]], None] | None = None
        self.cycler: FakeCycler | None = None
        self.limits: dict[ChannelId, ChannelLimits] = {}
        self.seen: list[Progress] = []
        self.prepare: Callable[[Station, Clock], None] | None = None
        self.on_progress: Callable[[Progress], None] | None = None
        self.stop = StopSignal()

    def root(self) -> DataRoot:
        """Return the data root."""
        return DataRoot(self.folder, disk=self.disk)

    def _station(self, clock: Clock) -> Station:
        self.cycler = FakeCycler(self.world, clock, fate=self.fate)
        self.cycler.edit_rows = self.edit_rows
        instrument = Instrument("neware", "fake", self.cycler, self.poll_s, self.world.identity)
        station = Station("fake bench", clock, {"neware": instrument}, limits=self.limits)
        if self.prepare is not None:
            self.prepare(station, clock)
        return station

    def _observe(self, progress: Progress) -> None:
        self.seen.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)

    def run(self, jobs: Sequence[Job]) -> list[RunResult]:
        """Run jobs to their end."""

        async def main(clock: Clock) -> list[RunResult]:
            return await run_jobs(
                self._station(clock), self.root(), jobs, observer=self._observe, stop=self.stop
            )

        return self._played(main)

    def resume(self, run_ids: Sequence[RunId | str] | None = None) -> list[RunResult]:
        """Take up the given runs, or all there are."""
        ids = run_ids or sorted(folder.name for folder in self.root().run_folders())

        async def main(clock: Clock) -> list[RunResult]:
            return await resume_runs(
                self._station(clock), self.root(), ids, observer=self._observe, stop=self.stop
            )

        return self._played(main)

    def _played(self, main: Callable[[Clock], Any]) -> list[RunResult]:
        self.stop = StopSignal()
        spec = ClockSpec(mode=ClockMode.JUMP, start_s=self.world.now_s)
        results: list[RunResult] = run_with_clock(spec, main, bench=self.world)
        return results
