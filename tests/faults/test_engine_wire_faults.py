"""The whole chain in one process - engine, Neware driver, simulator, store - with byte faults on the wire.

Mode jump: real codecs over memory links, a simulated disk, a bench that knows no faults. Whatever happens to the bytes
of whichever exchange, the stored rows are those of a quiet run and each energising command was accepted once
(F01 to F07, F41).
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.station import DeviceEntry, StationClock, StationFile
from labctl.engine.jobs import Job, RunResult, StopSignal
from labctl.engine.machines.findings import Outcome
from labctl.engine.shell import run_jobs
from labctl.engine.station import open_station
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, ChannelId
from labctl.protocol.bind import bind
from labctl.protocol.parse import parse_protocol
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.faultplan import ALL_KINDS, fail_nth_exchange, seeded_plan
from labctl.transport.base import Transport
from labctl.transport.faults import FaultKind, FaultPlan, Side
from labctl.transport.faulty import FaultyTransport
from labctl.transport.memory import MemoryTransport

PROTOCOL = """\
labctl: protocol/1
name: short cycles that a detection ends
for: symmetric
record: {every: 10 s, or_change: 5 mV}
safety: {voltage: [-5 V, 5 V]}
detect:
  polarisation: {above: 20 mV, half_cycles: 5, then: stop}
steps:
  - rest: 5 min
  - repeat: 20
    steps:
      - charge: 1 mA/cm^2
        until: {time: 5 min}
      - discharge: 1 mA/cm^2
        until: {time: 5 min}
"""
BENCH = {
    "labctl": "bench/1",
    "name": "one cell",
    "instruments": [
        {
            "name": "neware",
            "kind": "neware-bts",
            "devid": 33,
            "devtype": 27,
            "units": [{"unit": 1, "model": "5V10mA"}],
        }
    ],
    "cells": [{"cell_id": "C0001", "slot": "neware:1-1", "variant": "LIQ-P"}],
}
CELL = Cell(CellId("C0001"), "LIQ-P", CellKind.SYMMETRIC, diameter_mm=10.0, area_cm2=0.785398, ocv_V=0.0)
CHANNEL = ChannelId("neware:1-1")
Story = tuple[str, str | None, int | None]


class Chain:
    """One quiet or troubled run through the whole chain."""

    def __init__(self, steps: Path) -> None:
        (point,) = entry_points(group="labctl.benches", name="virtual")
        self.bench: Any = point.load()(BENCH)
        self.disk = SimulatedDisk()
        self.lanes: list[FaultyTransport] = []
        steps.mkdir(parents=True, exist_ok=True)
        options = {"devid": 33, "step_folder": str(steps), "units": {"1": "5V10mA"}}
        entry = DeviceEntry("neware", "neware-bts", "mem://neware", 300.0, "UTC", options)
        self.station = StationFile("chain", None, clock=StationClock(ClockMode.JUMP), instruments=(entry,))
        self.stop = StopSignal()

    def run(self, *plans: FaultPlan) -> RunResult:
        """Run the protocol; the first plan is for the normal lane, the second for the stop lane."""

        async def main(clock: Clock) -> RunResult:
            def connect(resource: str) -> Transport:
                name = resource.removeprefix("mem://")
                number = len(self.lanes)
                plan = plans[number] if number < len(plans) else FaultPlan(())
                lane = FaultyTransport(
                    MemoryTransport(lambda: self.bench.connect(name), clock, name), clock, plan
                )
                self.lanes.append(lane)
                return lane

            async with open_station(self.station, clock, connect=connect) as station:
                program = bind(parse_protocol(PROTOCOL), CELL, CHANNEL, station.capabilities(CHANNEL))
                root = DataRoot(Path("/virtual/data"), disk=self.disk)
                (result,) = await run_jobs(station, root, [Job(program, CELL)], stop=self.stop)
                return result

        return run_with_clock(ClockSpec(ClockMode.JUMP), main, bench=self.bench)

    def reader(self) -> RunReader:
        """Return the run's folder."""
        root = DataRoot(Path("/virtual/data"), disk=self.disk)
        (folder,) = root.run_folders()
        return RunReader(folder, disk=self.disk)

    def story(self) -> Story:
        """Return digest, outcome and end sequence."""
        reader = self.reader()
        return reader.digest(), reader.manifest["outcome"], reader.manifest["end_sequence"]

    def accepted(self) -> list[str]:
        """Return the energising commands that the bench took."""
        truth = self.bench.admin({"do": "truth", "slot": "neware:1-1"})
        return [entry["command"] for entry in truth["commands"] if entry["accepted"]]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Story, list[str]]:
    """Return what a quiet run gives."""
    chain = Chain(tmp_path_factory.mktemp("quiet"))
    assert chain.run().outcome is Outcome.DEAD
    return chain.story(), chain.accepted()


FIRST = 5
"""Exchanges before this one open the station: log in twice, list, list again."""


def survives(chain: Chain, quiet: tuple[Story, list[str]], where: str, *plans: FaultPlan) -> bool:
    """Run with the plans and compare; returns whether a fault has fired."""
    result = chain.run(*plans)
    fired = [fault for lane in chain.lanes for fault in lane.fired]
    assert result.state == "ended", (where, result.reason)
    assert chain.story() == quiet[0], where
    assert chain.accepted().count("start") == quiet[1].count("start"), where
    assert chain.reader().verify() == [], where
    return bool(fired)


@pytest.mark.slow
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_fault_in_the_nth_exchange_changes_no_row(
    kind: FaultKind, side: Side, quiet: tuple[Story, list[str]], tmp_path: Path
) -> None:
    fired = 0
    for number, plan in enumerate(fail_nth_exchange(kind, side=side, byte=40, first=FIRST)):
        if not survives(Chain(tmp_path / str(number)), quiet, f"{kind} {side} {number + FIRST}", plan):
            break
        fired += 1
    assert fired >= 20 or side is Side.REQUEST


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_fault_on_the_stop_lane_stops_the_channel_all_the_same(
    kind: FaultKind, quiet: tuple[Story, list[str]], tmp_path: Path
) -> None:
    fired = 0
    for number, plan in enumerate(fail_nth_exchange(kind, first=2)):
        if not survives(
            Chain(tmp_path / str(number)), quiet, f"stop lane {kind} {number}", FaultPlan(()), plan
        ):
            break
        fired += 1
    assert fired > 0, "no fault has met the stop lane"


@pytest.mark.parametrize("seed", range(6))
def test_seeded_faults_change_no_row(seed: int, quiet: tuple[Story, list[str]], tmp_path: Path) -> None:
    plan = seeded_plan(seed, faults=4, exchanges=30)
    plan = FaultPlan(tuple(fault for fault in plan.faults if fault.exchange >= FIRST))
    survives(Chain(tmp_path), quiet, f"seed {seed}", plan)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_seeded_faults_change_no_row(seed: int, quiet: tuple[Story, list[str]], tmp_path: Path) -> None:
    plan = seeded_plan(seed, faults=8, exchanges=40)
    plan = FaultPlan(tuple(fault for fault in plan.faults if fault.exchange >= FIRST))
    survives(Chain(tmp_path), quiet, f"seed {seed}", plan)
