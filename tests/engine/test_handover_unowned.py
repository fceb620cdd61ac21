"""No cell is left energised and unowned, and no two cells hang at one potentiostat, whatever broke in between."""

from __future__ import annotations

from pathlib import Path

from labctl.engine.jobs import RunResult
from labctl.engine.machines.findings import Outcome
from labctl.engine.supervisor import Supervisor
from labctl.errors import UnknownStateError
from labctl.model.handover import Stage
from labctl.model.technique import FrequencySweep
from labctl.testing.fakeruns import job
from labctl.testing.handoverbench import HandoverBench, cycle_with_spectrum, wish

SLOW = FrequencySweep(1.0, 0.05, 2)


def test_a_potentiostat_that_was_lost_is_switched_off_on_its_next_link_while_a_person_is_still_asked(
    tmp_path: Path,
) -> None:
    lab = HandoverBench(tmp_path)

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(job(cycle_with_spectrum(1, SLOW)))
        await lab.asks(run_id, Stage.TO_POTENTIOSTAT)
        lab.move(lab.heard.handed[run_id])
        await engine.confirm_handover(run_id, "ann")
        await lab.measures(1)
        lab.cable_out("pstat", lab.bench.now_s, lab.bench.now_s + 30.0)
        await engine.stop(run_id, "enough")
        await lab.asks(run_id, Stage.TO_CYCLER)  # and nobody comes
        await lab.clock.plant.sleep(90.0)
        assert not lab.pstat()["cell_on"]
        assert "switch it off by hand" not in lab.heard.handed[run_id].text
        (result,) = await lab.attended(engine, run_id)
        return result

    assert lab.supervise(story).outcome is Outcome.STOPPED
    assert lab.violations() == []


def test_a_cell_left_at_the_potentiostat_is_parted_from_it_before_the_next_one_is_joined(
    tmp_path: Path,
) -> None:
    lab = HandoverBench(tmp_path, cells=2, multiplexer=True)

    async def left_there(engine: Supervisor) -> RunResult:
        run_id = await engine.start(wish())
        await lab.measures(1)
        task = engine._crew.task_of(engine._runs[run_id])

        async def another_answers() -> None:
            await task.acts.hold_all(list(task.runs), "another instrument answers there")

        await task.ask(another_answers)
        (result,) = await lab.over(run_id)
        return result

    first = lab.supervise(left_there)
    assert first.reason.startswith("held")
    joined: list[list[int]] = []

    async def the_other(engine: Supervisor) -> RunResult:
        run_id = await engine.start(job(cycle_with_spectrum(1, place="1-2")))
        await lab.measures(1)
        joined.append(lab.admin("truth", slot="box")["closed"])
        (result,) = await lab.over(run_id)
        return result

    assert lab.supervise(the_other).outcome is Outcome.FINISHED
    assert joined == [[202]]


def test_a_run_that_is_held_while_its_cell_is_measured_leaves_no_measurement_behind(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path, multiplexer=True)

    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(cycle_with_spectrum(1, SLOW)))
        await lab.measures(1)
        task = engine._crew.task_of(engine._runs[run_id])

        async def another_answers() -> None:
            raise UnknownStateError("another instrument answers")

        task._take_up = another_answers  # type: ignore[method-assign]
        task.wake.set()
        (result,) = await lab.over(run_id)
        assert result.reason.startswith("held")
        await lab.clock.plant.sleep(10.0)
        assert not lab.pstat()["cell_on"]

    lab.supervise(story)


def test_a_cell_that_begins_its_run_leaves_the_spectrum_of_another_alone(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path, cells=2, multiplexer=True)

    async def story(engine: Supervisor) -> tuple[RunResult, ...]:
        one = await engine.start(job(cycle_with_spectrum(1, SLOW)))
        await lab.measures(1)
        two = await engine.start(job(cycle_with_spectrum(1, SLOW, "1-2")))
        return await lab.attended(engine, one, two)

    results = lab.supervise(story)
    assert {result.outcome for result in results} == {Outcome.FINISHED}
    assert lab.energised() == 2 and lab.violations() == []
    kept = [one for result in results for one in lab.spectra(result.run_id)]
    assert [one.outcome for one in kept] == ["whole"] * 2


def test_a_cell_that_a_person_switches_off_before_the_first_point_stays_off(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path, multiplexer=True)

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(job(cycle_with_spectrum(1, FrequencySweep(0.1, 0.05, 2))))
        await lab.heard.until(
            lambda: run_id in lab.heard.handed and lab.heard.handed[run_id].stage is Stage.MEASURING
        )
        while not lab.pstat()["cell_on"]:
            await lab.clock.plant.sleep(0.1)
        await engine.cell_off("pstat", "ann")
        assert not lab.pstat()["cell_on"]
        (result,) = await lab.over(run_id)
        return result

    assert lab.supervise(story).outcome is Outcome.FINISHED
    assert lab.energised() == 1
