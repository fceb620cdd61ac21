"""A chamber that has tripped, or stands in alarm, is seen by the queue: jobs wait and say for what, none is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labctl.interfaces.chamber import ChamberReading, ChamberState
from labctl.model.ids import CellId
from labctl.model.job import Job, JobSpec, JobState
from labctl.station.core import StationCore
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench, submitted, until_over

P1 = "p1-li-li-1mA"


def lab(folder: Path) -> CoreBench:
    """Return a bench with two Li|Li cells in one oven."""
    cells = [{"variant": "LIQ-P", "chamber": "oven"} for _ in range(2)]
    return CoreBench(small_bench(*cells, chambers=[{"name": "oven"}]), folder)


def read_as(core: StationCore, **changed: Any) -> Any:
    """Let the oven read otherwise than it is; returns what makes it well again."""
    chamber: Any = core.supervisor._crew.climates["oven"]._chamber.chamber
    read = chamber.read

    async def otherwise() -> ChamberReading:
        return replace(await read(), **changed)

    def repair() -> None:
        chamber.read = read

    chamber.read = otherwise
    return repair


def of_cell(core: StationCore, cell: str) -> Job:
    return next(job for job in core.queue.jobs() if job.spec.cell_id == cell)


@pytest.mark.parametrize("tripped", [True, False], ids=["trip", "alarm"])
def test_a_job_waits_for_a_chamber_that_takes_no_run_and_starts_when_it_does(
    tripped: bool, tmp_path: Path
) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        if tripped:
            await submitted(core, JobSpec(CellId("C101"), protocol=P1, variables={"cycles": "50"}))
            await core.clock.plant.sleep(6 * 3600.0)
            assert of_cell(core, "C101").state is JobState.RUNNING
            repair = read_as(core, temperature_degC=70.0)
            await core.clock.plant.sleep(3600.0)
            assert of_cell(core, "C101").state is JobState.FAILED
        else:
            repair = read_as(core, state=ChamberState.ALARM, alarm=3, alarm_text="fan stopped")
            await core.clock.plant.sleep(3600.0)
        await submitted(core, JobSpec(CellId("C102"), protocol=P1, variables={"cycles": "2"}))
        await core.clock.plant.sleep(3600.0)
        job = of_cell(core, "C102")
        assert job.state is JobState.WAITING and job.run_id is None
        told = (
            "chamber oven tripped" if tripped else "oven takes no run: the chamber is in alarm 3: fan stopped"
        )
        assert told in job.waits_for
        assert bench.energising("1-2") == []
        repair()
        if tripped:
            await core.set_chamber(ANNA, "oven", 25.0)
        jobs = await until_over(core)
        assert {job.spec.cell_id: job.state for job in jobs}["C102"] is JobState.ENDED

    bench.live(story)
    assert bench.energising("1-2") == ["start"]


def test_a_tripped_chamber_takes_no_run_after_a_restart_either(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def first(core: StationCore) -> None:
        await bench.load_cells(core)
        await submitted(core, JobSpec(CellId("C101"), protocol=P1, variables={"cycles": "50"}))
        await core.clock.plant.sleep(6 * 3600.0)
        repair = read_as(core, temperature_degC=70.0)
        await core.clock.plant.sleep(3600.0)
        repair()

    async def second(core: StationCore) -> None:
        (chamber,) = core.chambers()
        assert "70.0 degC" in chamber.tripped
        await submitted(core, JobSpec(CellId("C102"), protocol=P1, variables={"cycles": "2"}))
        await core.clock.plant.sleep(3600.0)
        assert "chamber oven tripped" in of_cell(core, "C102").waits_for
        await core.set_chamber(ANNA, "oven", 25.0)
        await until_over(core)

    async def third(core: StationCore) -> None:
        assert core.chambers()[0].tripped == ""

    for story in (first, second, third):
        bench.live(story)
    assert bench.energising("1-2") == ["start"]
