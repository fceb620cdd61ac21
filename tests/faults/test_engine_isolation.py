"""One run's trouble stays one run's trouble; the other cells are followed on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labctl.clock import Clock
from labctl.engine import hooks
from labctl.engine import run as run_module
from labctl.engine.jobs import Progress
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.stale import BadWatch
from labctl.engine.station import Chamber, Station
from labctl.errors import WireError
from labctl.interfaces.chamber import ChamberReading
from labctl.model.ids import ChannelId
from labctl.model.program import HostIf, Segment, TemperatureDemand
from labctl.model.record import RecordBlock
from labctl.store.runreader import RunReader
from labctl.store.simdisk import PowerCut, SimulatedDisk
from labctl.testing.fakechamber import FakeAir, FakeChamber
from labctl.testing.fakeruns import Process, bench, cycling, job, program, rest

FOLDER = Path("/virtual/data")


@pytest.fixture(autouse=True)
def no_hook_left() -> Iterator[None]:
    yield
    hooks.on_point = None


def test_person_who_leaves_while_a_pending_start_cannot_be_read_back_just_leaves() -> None:
    disk = SimulatedDisk()
    found: list[SimulatedDisk] = []

    def cut(point: str) -> None:
        if point == "start.sent":
            found.append(disk.crash())
            raise PowerCut(point)

    hooks.on_point = cut
    process = Process(bench(), FOLDER, disk=disk)
    with pytest.raises(PowerCut):
        process.run([job(program(cycling(2)))])
    hooks.on_point = None
    process.disk = found[0]

    def dead_link(number: int, operation: str) -> str:
        if number > 3:
            process.stop.detach()
        return "lost"

    process.fate = dead_link
    (result,) = process.resume()
    assert (result.outcome, result.reason) == (None, "detached")
    process.fate = None
    assert process.resume()[0].outcome is Outcome.FINISHED
    assert [entry[0] for entry in process.world.truth] == ["start"]


@pytest.mark.parametrize("where", ["decision", "rows"])
def test_bug_in_one_run_holds_that_run_and_the_others_go_on(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("nobody thought of this")

    process = Process(bench(("1-1", "1-2")), FOLDER, disk=SimulatedDisk())
    spoilt = (*cycling(1), HostIf("cycle > 0", (Segment(2, (rest(4),)),), ()))
    if where == "decision":
        monkeypatch.setattr(run_module, "condition_holds", broken)
    else:

        def spoil(progress: Progress) -> None:
            if progress.index == 0 and progress.rows == 0:
                monkeypatch.setattr(BadWatch, "feed", once)

        feed, left = BadWatch.feed, [True]

        def once(watch: BadWatch, block: RecordBlock) -> Any:
            return broken() if left and left.pop() else feed(watch, block)

        process.on_progress = spoil
    results = process.run([job(program(spoilt, "1-1")), job(program(cycling(2), "1-2"))])
    assert results[0].outcome is None
    assert "internal error" in results[0].reason
    assert results[1].outcome is Outcome.FINISHED


def test_garbled_stop_of_a_trip_loses_no_row_and_is_sent_again() -> None:
    disk = SimulatedDisk()
    process = Process(bench(), FOLDER, poll_s=300.0, disk=disk)
    garbled: list[str] = []

    def noise(_: int, operation: str) -> str:
        if operation == "stop" and not garbled:
            garbled.append(operation)
        elif not 0 < len(garbled) < 4:
            return ""
        else:
            garbled.append(operation)
        raise WireError("noise")

    def rise(rows: dict[str, Any]) -> None:
        rows["voltage_volt"][rows["device_sequence"] >= 200] = 5.1

    process.fate, process.edit_rows = noise, rise
    (result,) = process.run([job(program(cycling(6)))])
    assert garbled == ["stop", "progress", "progress", "progress"]
    assert [entry[0] for entry in process.world.truth] == ["start", "stop"]
    assert (result.outcome, result.end_sequence) == (Outcome.TRIPPED, 201)
    reader = RunReader(next(iter(process.root().run_folders())), disk=disk)
    assert reader.records()["sequence"].tolist() == list(range(1, 202))


def test_disk_that_is_full_while_a_chamber_is_waited_for_ends_nobody_elses_run() -> None:
    disk, air = SimulatedDisk(), FakeAir()
    process = Process(bench(("1-1", "1-2")), FOLDER, disk=disk)

    def fill(now_s: float, reading: ChamberReading) -> ChamberReading:
        disk.quota_bytes = disk.used_bytes if now_s < 60.0 else None
        return reading

    def oven(station: Station, clock: Clock) -> None:
        chamber = FakeChamber(air, clock)
        station.chambers["oven"] = Chamber("oven", "fake", chamber, 10.0, (ChannelId("neware:1-2"),))

    air.reading, process.prepare = fill, oven
    hot = program(cycling(2), "1-2", temperature=TemperatureDemand(60.0))
    results = process.run([job(program(cycling(2), "1-1")), job(hot)])
    assert results[1].outcome is Outcome.FINISHED
    assert air.writes == [60.0]
    assert any(finding.kind == "store.failed" for finding in results[1].findings)


def test_trip_whose_stop_is_never_confirmed_is_held_and_does_not_keep_the_process() -> None:
    process = Process(bench(("1-1", "1-2")), FOLDER, poll_s=300.0, disk=SimulatedDisk())

    def refuse(_: int, operation: str) -> str:
        if operation == "stop":
            raise WireError("noise")
        return ""

    def rise(rows: dict[str, Any]) -> None:
        if rows["current_ampere"].max() > 0.7e-3:
            rows["voltage_volt"][rows["device_sequence"] >= 200] = 5.1

    process.fate, process.edit_rows = refuse, rise
    process.on_progress = lambda progress: process.stop.detach() if progress.plant_s > 1e5 else None
    (result,) = process.run([job(program(cycling(6)))])
    assert (result.outcome, result.rows > 200) == (None, True)
    assert "stop" in result.reason and "confirmed" in result.reason
    assert any(finding.kind == "stop.unconfirmed" for finding in result.findings)
