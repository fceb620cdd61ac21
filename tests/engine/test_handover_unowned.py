"""No cell is left energised and unowned, and no two cells hang at one potentiostat, whatever broke in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from labctl.engine.crew import Crew
from labctl.engine.jobs import RunResult
from labctl.engine.machines.findings import Outcome
from labctl.engine.run import Run
from labctl.engine.shell import resume_runs
from labctl.engine.spectra import AsksForSpectra
from labctl.engine.station import Station
from labctl.engine.supervisor import Supervisor
from labctl.errors import LinkTimeout, StoreError, UnknownStateError
from labctl.interfaces.cycler import LiveReading
from labctl.model.cell import CellKind
from labctl.model.handover import Stage
from labctl.model.ids import ChannelId, RunId
from labctl.model.technique import FrequencySweep, Peis
from labctl.testing.fakeruns import cycling, job, program
from labctl.testing.handoverbench import HandoverBench, cycle_with_spectrum, wish

SLOW = FrequencySweep(1.0, 0.05, 2)
FOR_LONG = FrequencySweep(1.0, 0.02, 2)


def test_a_potentiostat_that_was_lost_is_switched_off_on_its_next_link_while_a_person_is_still_asked(
    tmp_path: Path,
) -> None:
    lab = HandoverBench(tmp_path)

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(job(cycle_with_spectrum(1, FOR_LONG)))
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
        run_id = await engine.start(job(cycle_with_spectrum(1, FOR_LONG)))
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


def test_a_stop_brings_the_cell_home_though_its_potentiostat_never_answers_again(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(wish())
        await lab.asks(run_id, Stage.TO_POTENTIOSTAT)
        lab.cable_out("pstat", lab.bench.now_s, 1e9)
        lab.move(lab.heard.handed[run_id])
        await engine.confirm_handover(run_id, "ann")
        await lab.clock.plant.sleep(60.0)
        assert await engine.stop(run_id, "enough")  # its cell was never on
        (result,) = await lab.attended(engine, run_id)
        return result

    result = lab.supervise(story)
    assert result.outcome is Outcome.STOPPED
    assert lab.energised() == 0 and lab.violations() == []


def test_a_reason_accepts_only_an_open_circuit_that_a_person_has_been_told_of(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path, variant="LFP-P")

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(wish(kind=CellKind.LFP_LI))
        await lab.asks(run_id, Stage.TO_POTENTIOSTAT)
        await engine.confirm_handover(run_id, "ann", "just a remark, the leads were forgotten")
        await lab.heard.until(lambda: "does not fit" in lab.heard.handed[run_id].trouble)
        assert lab.energised() == 0
        (result,) = await lab.attended(engine, run_id)
        return result

    result = lab.supervise(story)
    assert result.outcome is Outcome.FINISHED and "eis.ocv_accepted" not in lab.events_of(result.run_id)


def test_a_spectrum_that_was_given_up_is_not_taken_by_the_next_station(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)

    async def gives_up(engine: Supervisor) -> RunId:
        run_id = await engine.start(wish())
        await lab.asks(run_id, Stage.TO_POTENTIOSTAT)
        lab.move(lab.heard.handed[run_id])
        await engine.confirm_handover(run_id, "ann")
        await engine.skip_spectrum(run_id, "ann", "it smells")
        return run_id  # and the station is closed before anybody has acted on it

    run_id = lab.supervise(gives_up)
    assert lab.taken_up(run_id).outcome is Outcome.FINISHED
    assert lab.energised() == 0 and lab.energising("1-1") == ["start"] * 2


def test_a_cell_is_waited_for_where_it_is_whatever_the_station_file_names_first(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)
    run_id = lab.killed(wish(), "eis.begin")
    (pstat,) = lab.station.potentiostats
    another = replace(pstat, name="another", resource="mem://another")
    lab.station = replace(lab.station, potentiostats=(another, pstat))
    lab.cable_out("another", 0.0, 1e9)
    assert lab.taken_up(run_id).outcome is Outcome.FINISHED
    assert [one.outcome for one in lab.spectra(run_id)] == ["whole"] and lab.violations() == []


def test_a_spectrum_that_a_person_has_asked_for_is_taken_without_a_station_too(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)
    first, _, second = cycle_with_spectrum().flow

    async def asks(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program((first, second))))
        await lab.phase(run_id, "running")
        await engine.request_spectrum(run_id, Peis(FrequencySweep(10e3, 10.0, 2), 0.01), "", "ann")
        return run_id

    run_id = lab.supervise(asks)

    async def goes_on(station: Station) -> list[RunResult]:
        answers: list[AsksForSpectra] = []
        runs = asyncio.ensure_future(resume_runs(station, lab.root(), [run_id], asks=answers.append))
        while not runs.done():
            await station.clock.plant.sleep(10.0)
            for status in [status for one in answers for status in one.handovers() if status.asked]:
                lab.move(status)
                await answers[0].confirm_handover(status.run_id, "ann")
        return await runs

    (result,) = lab.play(goes_on)
    assert result.outcome is Outcome.FINISHED and len(lab.spectra(run_id)) == 1


def test_a_multiplexer_that_was_repaired_serves_the_run_that_a_person_takes_up(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path, multiplexer=True)

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(job(cycle_with_spectrum(1, SLOW)))
        await lab.measures(1)
        lab.admin("fault", instrument="box", kind="stuck", path=201)
        await lab.over(run_id)
        lab.admin("fault", instrument="box", kind="stuck", path=201, on=False)
        engine.reset_trip(ChannelId("neware:1-1"))
        lab.heard.results.clear()
        assert await engine.take_up([run_id]) == ()
        (result,) = await lab.over(run_id)
        return result

    result = lab.supervise(story)
    assert result.outcome is Outcome.FINISHED and lab.violations() == []


def test_a_disk_that_refuses_a_spectrum_keeps_no_cell_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = HandoverBench(tmp_path)

    def is_full(*args: object) -> NoReturn:
        raise StoreError("the disk is full")

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(job(cycle_with_spectrum(1, FOR_LONG)))
        await lab.asks(run_id, Stage.TO_POTENTIOSTAT)
        lab.move(lab.heard.handed[run_id])
        await engine.confirm_handover(run_id, "ann")
        await lab.measures(1)
        lab.cable_out("pstat", lab.bench.now_s, lab.bench.now_s + 30.0)
        with monkeypatch.context() as patch:
            patch.setattr("labctl.engine.visiting.store_spectrum", is_full)
            await engine.stop(run_id, "enough")
            await lab.clock.plant.sleep(90.0)
            assert not lab.pstat()["cell_on"]
        (result,) = await lab.attended(engine, run_id)
        return result

    assert lab.supervise(story).outcome is Outcome.STOPPED
    assert lab.violations() == []


def test_a_driver_that_breaks_costs_no_cell_of_a_cycler_its_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = HandoverBench(tmp_path)

    async def breaks(self: object) -> NoReturn:
        raise ValueError("not a number")

    monkeypatch.setattr("labctl_drivers.methodscript.driver.MethodScriptPotentiostat.read", breaks)

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(job(program(cycling(1, 60.0))))
        (result,) = await lab.over(run_id)
        assert "internal error" in engine.potentiostats()[0].text
        return result

    assert lab.supervise(story).outcome is Outcome.FINISHED


def test_a_cell_whose_cycler_does_not_answer_lets_the_others_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = HandoverBench(tmp_path, cells=2)
    is_silent, asked = True, Crew._ask_live

    async def ask_live(crew: Crew, run: Run) -> LiveReading:
        if is_silent and run.program.channel == "neware:1-1":
            raise LinkTimeout("no answer", instrument="neware")
        return await asked(crew, run)

    monkeypatch.setattr(Crew, "_ask_live", ask_live)

    async def story(engine: Supervisor) -> tuple[RunResult, ...]:
        nonlocal is_silent
        one, two = [await engine.start(job(cycle_with_spectrum(1, place=place))) for place in ("1-1", "1-2")]
        second = await lab.attended(engine, two)
        assert lab.heard.handed[one].stage is Stage.QUEUED
        is_silent = False
        return *await lab.attended(engine, one), *second

    assert {result.outcome for result in lab.supervise(story)} == {Outcome.FINISHED}
    assert lab.violations() == []
