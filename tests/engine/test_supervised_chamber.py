"""Chambers of a station: read while nothing runs, set by a person, refused after a trip, stops heard while soaking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labctl.engine.machines.findings import Outcome
from labctl.engine.stoprequest import request_stop
from labctl.engine.supervisor import Supervisor
from labctl.errors import UserInputError
from labctl.model.program import TemperatureDemand
from labctl.store.disk import RealDisk
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import cycling, job, program
from labctl.testing.supervised import SupervisedBench

FORTY = TemperatureDemand(40.0, soak_s=600.0)


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """Two cells in one oven."""
    cells = [{"chamber": "oven"}, {"chamber": "oven"}]
    return SupervisedBench(small_bench(*cells, chambers=[{"name": "oven"}]), tmp_path, poll_s=60.0)


def test_a_chamber_is_read_and_set_while_nothing_runs(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        await lab.heard.until(lambda: "oven" in lab.heard.rooms)
        await engine.set_chamber("oven", 30.0)
        await lab.heard.until(lambda: abs(lab.heard.rooms["oven"].setpoint_degC - 30.0) < 0.1)
        await engine.chamber_off("oven")
        await lab.heard.until(lambda: lab.heard.rooms["oven"].state == "off")
        with pytest.raises(UserInputError, match="no chamber 'freezer'"):
            await engine.set_chamber("freezer", 0.0)

    lab.supervise(story)


def test_a_run_soaks_starts_and_keeps_others_from_setting_its_chamber(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(2), temperature=FORTY)))
        await lab.rows_of(run_id, 10)
        with pytest.raises(UserInputError, match="cannot be set to 25 degC"):
            await engine.set_chamber("oven", 25.0)
        with pytest.raises(UserInputError, match="in use by C101"):
            await engine.chamber_off("oven")
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.FINISHED

    lab.supervise(story)


def test_a_stop_is_heard_at_once_while_a_run_waits_for_its_chamber(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> float:
        run_id = await engine.start(job(program(cycling(2), temperature=TemperatureDemand(60.0))))
        await lab.clock.plant.sleep(120.0)
        begin_s = lab.clock.link.now_s()
        assert await engine.stop(run_id, "changed my mind")
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.STOPPED
        return lab.clock.link.now_s() - begin_s

    assert lab.supervise(story) <= 1.0
    assert lab.energising("1-1") == []


def test_a_note_in_the_folder_is_heard_while_a_run_waits_for_its_chamber(tmp_path: Path) -> None:
    spec = small_bench({"chamber": "oven"}, chambers=[{"name": "oven"}])
    lab = SupervisedBench(spec, tmp_path, poll_s=60.0, disk=RealDisk())
    lab.data = tmp_path / "data"

    async def story(engine: Supervisor) -> Outcome | None:
        run_id = await engine.start(job(program(cycling(2), temperature=TemperatureDemand(60.0))))
        await lab.clock.plant.sleep(120.0)
        request_stop(lab.root().run_folder(run_id), "from elsewhere", "2026-01-01T00:00:00+00:00")
        begin_s = lab.clock.plant.now_s()
        (result,) = await lab.over(run_id)
        assert lab.clock.plant.now_s() - begin_s <= 20.0
        return result.outcome

    assert lab.supervise(story) is Outcome.STOPPED


def test_f39_a_chamber_that_tripped_takes_no_run_until_a_person_sets_it_again(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(50), "1-1", temperature=FORTY)))
        waits = await engine.start(
            job(program(cycling(2), "1-2", temperature=TemperatureDemand(50.0, soak_s=600.0)))
        )
        await lab.rows_of(run_id, 20)
        task = engine._crew.climates["oven"]
        read = task._chamber.chamber.read

        async def too_hot() -> object:
            return replace(await read(), temperature_degC=55.0)

        task._chamber.chamber.read = too_hot  # type: ignore[method-assign, assignment]  # a heater that sticks
        first, second = await lab.over(run_id, waits)
        assert first.outcome is Outcome.TRIPPED
        assert second.outcome is Outcome.FAILED
        assert "takes no run" in second.reason
        engine._tripped.clear()
        with pytest.raises(UserInputError, match="oven takes no run"):
            await engine.start(job(program(cycling(2), "1-2", temperature=FORTY)))
        task._chamber.chamber.read = read  # type: ignore[method-assign]  # repaired
        await engine.set_chamber("oven", 40.0)
        (third,) = await lab.over(await engine.start(job(program(cycling(1), "1-2", temperature=FORTY))))
        assert third.outcome is Outcome.FINISHED

    lab.supervise(story)
