"""Spectra inside a run: the cell goes to the potentiostat and back, and nobody drives it from two sides."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from labctl.engine import hooks
from labctl.engine.jobs import RunResult
from labctl.engine.machines.findings import Outcome, Priority
from labctl.engine.machines.life import Phase
from labctl.engine.shell import run_jobs
from labctl.engine.spectra import AsksForSpectra
from labctl.engine.station import Station
from labctl.engine.supervisor import Supervisor
from labctl.errors import InvariantError, UserInputError
from labctl.model.cell import CellKind
from labctl.model.handover import HandoverStatus, Stage
from labctl.model.ids import ChannelId, RunId
from labctl.model.program import Segment
from labctl.model.technique import FrequencySweep, Peis
from labctl.testing.fakeruns import charge, cycling, job, program
from labctl.testing.handoverbench import SWEEP, HandoverBench, cycle_with_spectrum, wish


@pytest.mark.parametrize("multiplexer", [False, True])
def test_charge_rest_eis_discharge_again_and_again(tmp_path: Path, multiplexer: bool) -> None:
    lab = HandoverBench(tmp_path, multiplexer=multiplexer)
    result = lab.supervise(lab.one(wish(2)))
    assert result.outcome is Outcome.FINISHED, result
    assert lab.violations() == []
    assert lab.energised() == 2 and not lab.pstat()["cell_on"]
    stored = lab.spectra(result.run_id)
    assert [one.spectrum_id for one in stored] == [f"{result.run_id}-e{number}" for number in (1, 2)]
    assert {(len(one.spectrum), one.outcome, one.part) for one in stored} == {(7, "whole", 1)}
    assert [one.spectrum.head.cycle for one in stored] == [0, 1]
    assert lab.energising("1-1") == ["start"] * 4
    assert [stage for _, stage in lab.heard.stages] == list(Stage) * 2
    assert lab.folder_of(result.run_id).verify() == []


@pytest.mark.slow
@pytest.mark.parametrize("multiplexer", [False, True])
def test_ten_times_over_lost_links_late_answers_and_killed_stations_no_cell_is_left_energised(
    tmp_path: Path, multiplexer: bool
) -> None:
    lab = HandoverBench(tmp_path, multiplexer=multiplexer)
    lab.when_measuring(2, lambda: lab.cable_out("pstat", lab.bench.now_s, lab.bench.now_s + 40.0))
    lab.when_measuring(2, lambda: lab.admin("fault", instrument="pstat", kind="late", delay_s=1.0, count=2))
    lab.when_measuring(2, lambda: lab.cable_out("neware", lab.bench.now_s, lab.bench.now_s + 90.0))
    run_id = lab.killed(wish(10), "eis.begin", 6)
    for point in ("eis.joined" if multiplexer else "eis.leads", "eis.measured", "eis.end", "eis.returned"):
        lab.killed_again(run_id, point)
    result = lab.taken_up(run_id)
    assert result.outcome is Outcome.FINISHED, result
    assert lab.violations() == [] and not lab.pstat()["cell_on"]
    stored = lab.spectra(run_id)
    assert [one.spectrum_id for one in stored] == [f"{run_id}-e{number}" for number in range(1, 11)]
    assert {(len(one.spectrum), one.outcome) for one in stored} == {(7, "whole")}
    assert lab.energising("1-1") == ["start"] * 20


@pytest.mark.parametrize("multiplexer", [False, True])
@pytest.mark.parametrize(
    ("point", "passage"),
    [*((point, 1) for point in hooks.HANDOVER_POINTS), ("eis.leads", 2), ("eis.joined", 2)],
)
def test_a_station_killed_on_the_way_is_followed_by_one_that_brings_the_cell_home(
    tmp_path: Path, point: str, passage: int, multiplexer: bool
) -> None:
    if point == "eis.joined" and not multiplexer:
        return  # nobody but a multiplexer joins anything
    lab = HandoverBench(tmp_path, multiplexer=multiplexer)
    run_id = lab.killed(wish(), point, passage)
    result = lab.taken_up(run_id)
    assert result.outcome is Outcome.FINISHED, result
    assert lab.violations() == []
    assert not lab.pstat()["cell_on"]
    assert [(one.outcome, len(one.spectrum)) for one in lab.spectra(run_id)] == [("whole", 7)]
    assert lab.energised() == (2 if point in ("eis.measured", "eis.stored") else 1)
    assert lab.energising("1-1") == ["start"] * 2
    assert lab.folder_of(run_id).verify() == []


def test_a_station_killed_while_a_point_is_measured_measures_anew_after_a_new_look(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)
    run_id = lab.killed(wish(), "eis.begin")
    lab.at(lab.bench.now_s + 1.0, lambda: None)
    assert lab.taken_up(run_id).outcome is Outcome.FINISHED
    ways = [stage for _, stage in lab.heard.stages]
    assert ways[:2] == [Stage.CHECKING, Stage.MEASURING]
    assert lab.violations() == []


def test_a_link_lost_in_the_middle_of_a_spectrum_is_made_anew_and_the_spectrum_taken_once_more(
    tmp_path: Path,
) -> None:
    lab = HandoverBench(tmp_path)
    cut = lab.when_measuring(3, lambda: lab.cable_out("pstat", lab.bench.now_s, lab.bench.now_s + 40.0))
    result = lab.supervise(lab.one(wish()))
    assert cut.done and result.outcome is Outcome.FINISHED
    assert [(one.outcome, len(one.spectrum)) for one in lab.spectra(result.run_id)] == [("whole", 7)]
    assert "potentiostat.lost" in lab.events_of(result.run_id)
    assert lab.violations() == [] and not lab.pstat()["cell_on"]


def test_a_spectrum_that_fails_twice_is_kept_as_far_as_it_came_and_the_run_goes_on(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)
    for _ in range(2):
        lab.when_measuring(3, lambda: lab.cable_out("pstat", lab.bench.now_s, lab.bench.now_s + 40.0))
    result = lab.supervise(lab.one(wish()))
    assert result.outcome is Outcome.FINISHED
    (kept,) = lab.spectra(result.run_id)
    assert kept.outcome == "broken off" and 0 < len(kept.spectrum) < 7
    failed = [finding for _, finding in lab.heard.found if finding.kind == "eis.failed"]
    assert len(failed) == 1 and failed[0].priority is Priority.HIGH
    assert lab.violations() == [] and lab.energising("1-1") == ["start"] * 2


def test_late_answers_cost_time_and_nothing_else(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)
    lab.when_measuring(2, lambda: lab.admin("fault", instrument="pstat", kind="late", delay_s=1.0, count=3))
    result = lab.supervise(lab.one(wish()))
    assert [(one.outcome, len(one.spectrum)) for one in lab.spectra(result.run_id)] == [("whole", 7)]
    assert lab.violations() == []


def test_leads_on_another_cell_are_seen_and_asked_for_again(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path, variant="LFP-P")
    asked: list[HandoverStatus] = []

    def forgets_once(status: HandoverStatus) -> bool:
        asked.append(status)
        return len(asked) != 1

    lab.before_moving = forgets_once
    result = lab.supervise(lab.one(wish(kind=CellKind.LFP_LI)))
    assert result.outcome is Outcome.FINISHED
    assert [status.stage for status in asked] == [
        Stage.TO_POTENTIOSTAT,
        Stage.TO_POTENTIOSTAT,
        Stage.TO_CYCLER,
    ]
    assert "does not fit" in asked[1].trouble
    assert lab.energised() == 1 and lab.violations() == []


def test_an_open_circuit_that_never_fits_is_measured_only_once_a_person_says_why(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path, variant="LFP-P")

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(wish(kind=CellKind.LFP_LI))
        for reason in ("", "a dummy hangs there on purpose"):
            await lab.asks(run_id, Stage.TO_POTENTIOSTAT)
            await engine.confirm_handover(run_id, "ann", reason)
        await lab.asks(run_id, Stage.TO_CYCLER)
        with pytest.raises(UserInputError, match="on its way back"):
            await engine.skip_spectrum(run_id, "ann", "too late")
        await engine.confirm_handover(run_id, "ann")
        (result,) = await lab.attended(engine, run_id)
        return result

    result = lab.supervise(story)
    assert result.outcome is Outcome.FINISHED
    assert {"eis.ocv_differs", "eis.ocv_accepted", "eis.confirmed"} <= set(lab.events_of(result.run_id))


def test_a_stop_ends_the_measurement_at_once_and_the_run_when_the_cell_is_back(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)
    stops: list[bool] = []

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(wish())
        await lab.asks(run_id, Stage.TO_POTENTIOSTAT)
        lab.move(lab.heard.handed[run_id])
        await engine.confirm_handover(run_id, "ann")
        await lab.measures(2)
        stops.append(await engine.stop(run_id, "enough"))
        assert not lab.pstat()["cell_on"] and engine.active()[0].phase is Phase.AWAY
        (result,) = await lab.attended(engine, run_id)
        return result

    result = lab.supervise(story)
    assert stops == [True] and (result.outcome, result.reason) == (Outcome.STOPPED, "enough")
    (kept,) = lab.spectra(result.run_id)
    assert kept.outcome == "broken off" and len(kept.spectrum) >= 2
    assert lab.energising("1-1") == ["start"] and lab.violations() == []


@pytest.mark.parametrize("stage", [Stage.TO_POTENTIOSTAT, Stage.TO_CYCLER])
def test_a_stop_while_a_person_is_asked_is_confirmed_and_the_cell_brought_home_first(
    tmp_path: Path, stage: Stage
) -> None:
    lab = HandoverBench(tmp_path)

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(wish())
        lab.deaf = stage is Stage.TO_POTENTIOSTAT
        async with asyncio.TaskGroup() as group:
            person = group.create_task(lab.person(engine))
            await lab.asks(run_id, stage)
            lab.deaf = True
            assert await engine.stop(run_id, "enough")
            await lab.asks(run_id, Stage.TO_CYCLER)
            person.cancel()
        lab.deaf = False
        (result,) = await lab.attended(engine, run_id)
        return result

    assert lab.supervise(story).outcome is Outcome.STOPPED
    assert lab.violations() == [] and lab.energising("1-1") == ["start"]


@pytest.mark.parametrize("multiplexer", [False, True])
def test_stop_all_ends_the_measurement_and_lets_no_other_begin(tmp_path: Path, multiplexer: bool) -> None:
    lab = HandoverBench(tmp_path, multiplexer=multiplexer)

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(wish())
        async with asyncio.TaskGroup() as group:
            person = group.create_task(lab.person(engine))
            await lab.measures(2)
            reports = await engine.stop_all("smoke")
            assert {str(report.channel): report.confirmed for report in reports}["pstat"]
            assert not lab.pstat()["cell_on"]
            (result,) = await lab.over(run_id)
            person.cancel()
        return result

    result = lab.supervise(story)
    assert result.outcome is Outcome.STOPPED
    assert lab.energised() == 1 and lab.energising("1-1") == ["start"] and lab.violations() == []


def test_a_person_gives_a_spectrum_up_and_the_run_goes_on(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(wish())
        await lab.asks(run_id, Stage.TO_POTENTIOSTAT)
        await engine.skip_spectrum(run_id, "ann", "no time")
        (result,) = await lab.attended(engine, run_id)
        return result

    result = lab.supervise(story)
    assert result.outcome is Outcome.FINISHED and lab.energised() == 0
    assert lab.spectra(result.run_id) == [] and lab.energising("1-1") == ["start"] * 2
    assert [finding.kind for finding in result.findings if "eis" in finding.kind] == []


def test_a_frequency_out_of_reach_is_refused_before_any_lead_is_moved(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)
    result = lab.supervise(lab.one(job(cycle_with_spectrum(1, FrequencySweep(1e6, 1e5, 2)))))
    assert result.outcome is Outcome.FINISHED and lab.energised() == 0
    assert [stage for _, stage in lab.heard.stages] == [Stage.QUEUED]
    assert "eis.failed" in lab.events_of(result.run_id)


@pytest.mark.parametrize("multiplexer", [False, True])
def test_two_cells_take_their_turn_at_one_potentiostat(tmp_path: Path, multiplexer: bool) -> None:
    lab = HandoverBench(tmp_path, cells=2, multiplexer=multiplexer)

    async def story(engine: Supervisor) -> tuple[RunResult, ...]:
        slow = FrequencySweep(1.0, 0.05, 2)  # the second cell comes before the first is done
        wishes = [job(cycle_with_spectrum(1, slow, place)) for place in ("1-1", "1-2")]
        runs = [await engine.start(wish) for wish in wishes]
        await lab.heard.until(lambda: len(engine.handovers()) == 2)
        assert [status.place for status in engine.handovers()] == [1, 2]
        return await lab.attended(engine, *runs)

    results = lab.supervise(story)
    assert {result.outcome for result in results} == {Outcome.FINISHED}
    assert lab.violations() == [] and lab.energised() == 2
    runs = [run_id for run_id, stage in lab.heard.stages if stage is not Stage.QUEUED]
    order = [result.run_id for result in results]
    assert runs == sorted(runs, key=order.index) and len(set(runs)) == 2  # never both on their way


@pytest.mark.parametrize("multiplexer", [False, True])
def test_a_program_may_begin_with_a_spectrum_of_the_fresh_cell(tmp_path: Path, multiplexer: bool) -> None:
    lab = HandoverBench(tmp_path, multiplexer=multiplexer)
    flow = cycle_with_spectrum().flow
    result = lab.supervise(lab.one(job(program((flow[1], flow[0])))))
    assert result.outcome is Outcome.FINISHED, result
    (stored,) = lab.spectra(result.run_id)
    assert stored.outcome == "whole" and lab.energising("1-1") == ["start"] and lab.violations() == []


def test_a_fresh_cells_spectrum_outlives_a_kill_too(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)
    flow = cycle_with_spectrum().flow
    for point in ("eis.begin", "eis.returned"):
        lab = HandoverBench(tmp_path)
        run_id = lab.killed(job(program((flow[1], flow[0]))), point)
        assert lab.taken_up(run_id).outcome is Outcome.FINISHED
        assert len(lab.spectra(run_id)) == 1 and lab.energising("1-1") == ["start"]
        assert lab.violations() == []


@pytest.mark.parametrize("kind", ["stuck", "readback"])
def test_a_multiplexer_that_nobody_is_sure_of_opens_everything_and_holds_the_run(
    tmp_path: Path, kind: str
) -> None:
    lab = HandoverBench(tmp_path, multiplexer=True)

    async def story(engine: Supervisor) -> RunResult:
        run_id = await engine.start(wish())
        await lab.phase(run_id, "running")
        lab.admin("fault", instrument="box", kind=kind, path=201)
        (result,) = await lab.over(run_id)
        assert engine.tripped(ChannelId("neware:1-1"))
        return result

    result = lab.supervise(story)
    assert result.outcome is None and result.reason.startswith("held")
    unsure = [finding for finding in result.findings if finding.kind == "switch.unsure"]
    assert len(unsure) == 1 and unsure[0].priority is Priority.CRITICAL
    assert lab.energised() == 0 and lab.energising("1-1") == ["start"] and lab.violations() == []


def test_a_potentiostat_that_does_not_answer_lets_its_runs_wait_and_says_why(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path, cells=2)
    lab.cable_out("pstat", 0.0, 1500.0)

    async def story(engine: Supervisor) -> tuple[RunResult, ...]:
        one = await engine.start(wish())
        two = await engine.start(job(program(cycling(1, 60.0), "1-2")))
        await lab.over(two)
        assert engine.handovers()[0].stage is Stage.QUEUED
        assert "does not answer" in engine.handovers()[0].text
        return await lab.attended(engine, one)

    (result,) = lab.supervise(story)
    assert result.outcome is Outcome.FINISHED and len(lab.spectra(result.run_id)) == 1


def test_the_cycler_starts_nothing_while_the_cell_is_handed_over(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)

    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(wish())
        await lab.asks(run_id, Stage.TO_POTENTIOSTAT)
        for act in (engine.resume(run_id), engine.skip_step(run_id), engine.pause(run_id)):
            with pytest.raises(UserInputError, match="at potentiostat"):
                await act
        with pytest.raises(UserInputError, match="in use"):
            await engine.start(wish())
        run = engine._runs[run_id]
        task, segment = engine._crew.task_of(run), cycle_with_spectrum().flow[0]
        assert isinstance(segment, Segment)
        with pytest.raises(
            InvariantError, match="I07"
        ):  # whoever forgets the handover is stopped all the same
            await task.ask(lambda: task.commands.start(run, segment, 0))
        with task.commands.energising(run), pytest.raises(InvariantError, match="I07"):
            task.commands.fence()

    lab.supervise(story)
    assert lab.energising("1-1") == ["start"]


async def two_tests_and_a_wish(lab: HandoverBench, engine: Supervisor) -> RunId:
    """Start a run of two device tests, and ask for a spectrum while the first goes on."""
    flow = cycle_with_spectrum().flow
    run_id = await engine.start(job(program((flow[0], flow[2]))))
    await lab.phase(run_id, "running")
    await engine.request_spectrum(run_id, Peis(SWEEP, 0.01, settle_s=1.0), "", "ann")
    with pytest.raises(UserInputError, match="No potentiostat 'gamry'"):
        await engine.request_spectrum(run_id, Peis(SWEEP, 0.01), "gamry", "ann")
    return run_id


def test_a_spectrum_that_a_person_asks_for_is_taken_when_the_device_test_is_over(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)

    async def story(engine: Supervisor) -> RunResult:
        (result,) = await lab.attended(engine, await two_tests_and_a_wish(lab, engine))
        return result

    result = lab.supervise(story)
    assert result.outcome is Outcome.FINISHED and lab.violations() == []
    (stored,) = lab.spectra(result.run_id)
    assert (stored.part, stored.outcome, len(stored.spectrum)) == (0, "whole", 7)
    assert lab.energising("1-1") == ["start"] * 2


def test_a_wish_for_a_spectrum_outlives_the_station(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)

    async def leaves_early(engine: Supervisor) -> RunId:
        return await two_tests_and_a_wish(lab, engine)

    async def leaves_on_the_way(engine: Supervisor) -> None:
        await engine.take_up([run_id])
        await lab.asks(run_id, Stage.TO_POTENTIOSTAT)

    run_id = lab.supervise(leaves_early)
    lab.supervise(leaves_on_the_way)
    assert lab.taken_up(run_id).outcome is Outcome.FINISHED
    assert [(one.part, one.outcome) for one in lab.spectra(run_id)] == [(0, "whole")]
    assert lab.energising("1-1") == ["start"] * 2 and lab.violations() == []


def test_a_program_with_a_spectrum_is_not_begun_where_no_potentiostat_takes_the_cell(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)
    elsewhere = replace(lab.station.potentiostats[0], channels=(ChannelId("neware:1-7"),))
    lab.station = replace(lab.station, potentiostats=(elsewhere,))
    with pytest.raises(BaseExceptionGroup) as caught:
        lab.supervise(lab.one(wish()))
    assert caught.group_contains(UserInputError, match="which the station file does not have")
    assert list(lab.root().run_folders()) == []


def test_a_channel_that_somebody_uses_meanwhile_is_told_and_nothing_is_moved(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)
    lab.cable_out("pstat", 0.0, 400.0)

    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(wish())
        await lab.heard.until(lambda: bool(lab.heard.handed))
        engine_cycler = engine._station.instruments[
            "neware"
        ].cycler  # the person at the tester uses the same wire
        segment = Segment(1, (charge(1, 3600.0, 0.1e-3),))
        limits, record = program((segment,)).limits, program((segment,)).record
        loaded = await engine_cycler.load("1-1", segment, label="by-hand", record=record, limits=limits)
        await engine_cycler.start("1-1", loaded, barcode="somebody")
        await lab.heard.until(lambda: any(found.kind == "state.differs" for _, found in lab.heard.found))
        assert lab.heard.handed[run_id].stage is Stage.QUEUED and lab.energised() == 0

    lab.supervise(story)


def test_a_run_with_spectra_is_the_same_each_time_it_is_played(tmp_path: Path) -> None:
    told = []
    for number in (1, 2):
        lab = HandoverBench(tmp_path / str(number))
        result = lab.supervise(lab.one(wish()))
        events = [
            {key: value for key, value in event.items() if key != "wire"} for event in lab.reader().events()
        ]
        told.append((lab.folder_of(result.run_id).digest(), events, lab.journal(result.run_id)))
    assert told[0] == told[1]


def test_a_call_without_a_station_serves_potentiostats_too(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path, multiplexer=True)
    (result,) = lab.run([wish()])
    assert result.outcome is Outcome.FINISHED and lab.violations() == []
    assert [one.outcome for one in lab.spectra(result.run_id)] == ["whole"]


def test_a_call_without_a_station_lets_its_person_answer(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path)

    async def story(station: Station) -> list[RunResult]:
        answers: list[AsksForSpectra] = []
        jobs = asyncio.ensure_future(run_jobs(station, lab.root(), [wish()], asks=answers.append))
        while not jobs.done():
            await station.clock.plant.sleep(10.0)
            for status in [status for one in answers for status in one.handovers() if status.asked]:
                lab.move(status)
                await answers[0].confirm_handover(status.run_id, "ann")
        return await jobs

    (result,) = lab.play(story)
    assert result.outcome is Outcome.FINISHED and lab.violations() == []


def test_a_multiplexer_whose_link_is_lost_joins_the_cell_when_it_is_back(tmp_path: Path) -> None:
    lab = HandoverBench(tmp_path, multiplexer=True)
    for points in (1, 7):  # it is out when the cell is to come home
        lab.when_measuring(points, lambda: lab.cable_out("box", lab.bench.now_s, lab.bench.now_s + 90.0))
    lab.at(125.0, lambda: lab.cable_out("box", 125.0, 150.0))
    result = lab.supervise(lab.one(wish(2)))
    assert result.outcome is Outcome.FINISHED and lab.violations() == []
    assert "state.differs" in lab.events_of(result.run_id)
    assert [one.outcome for one in lab.spectra(result.run_id)] == ["whole"] * 2
