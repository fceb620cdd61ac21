"""What goes wrong around the supervisor: dead instruments, hung lanes, other stations, odd answers, held runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labctl.engine.gate import Gate
from labctl.engine.lease import Lease
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.life import Phase
from labctl.engine.machines.restjump import RestJumpWatch
from labctl.engine.supervisor import Supervisor
from labctl.errors import LinkTimeout, RefusedError, StoreError, UserInputError, WireError
from labctl.interfaces.cycler import Place, TestProgress
from labctl.model.bench import LinkState
from labctl.model.ids import RunId
from labctl.model.program import Segment
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import Process, bench, cycling, job, program, rest
from labctl.testing.rowbuilder import RowBuilder
from labctl.testing.supervised import SupervisedBench


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """Two symmetric cells, polled every minute."""
    return SupervisedBench(small_bench({}, {}), tmp_path, poll_s=60.0)


# -- links ------------------------------------------------------------------------------------------------------------


def test_an_instrument_that_does_not_answer_is_opened_when_it_does(lab: SupervisedBench) -> None:
    lab.cable_out("neware", 0.0, 500.0)

    async def story(engine: Supervisor) -> None:
        with pytest.raises(UserInputError, match="does not answer now"):
            await engine.start(job(program(cycling(1))))
        await lab.heard.until(lambda: engine.instruments()[0].link is LinkState.LIVE)
        run_id = await engine.start(job(program(cycling(1))))
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.FINISHED

    lab.supervise(story, ready=False)
    assert lab.bench.now_s >= 500.0


def test_a_run_taken_up_while_its_instrument_is_away_waits_stale_and_goes_on(lab: SupervisedBench) -> None:
    async def leaves(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(3))))
        await lab.rows_of(run_id, 30)
        return run_id

    run_id = lab.supervise(leaves)
    lab.cable_out("neware", lab.bench.now_s, lab.bench.now_s + 900.0)

    async def goes_on(engine: Supervisor) -> Outcome | None:
        assert await engine.take_up([run_id]) == ()
        progress = engine.progress_of(run_id)
        assert progress is not None
        assert progress.phase is Phase.STALE
        (result,) = await lab.over(run_id)
        return result.outcome

    assert lab.supervise(goes_on, ready=False) is Outcome.FINISHED
    assert lab.energising("1-1") == ["start"]


def test_link_lost_is_in_the_event_file_while_the_link_is_still_away(lab: SupervisedBench) -> None:
    lab.cable_out("neware", 300.0, 5000.0)

    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(10))))
        await lab.phase(run_id, "stale")
        assert "link.lost" in lab.events_of(run_id)

    lab.supervise(story)


def test_one_malformed_channel_costs_no_other_channel(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> tuple[Outcome | None, bool]:
        good = await engine.start(job(program(cycling(2), "1-1")))
        odd = await engine.start(job(program(cycling(2), "1-2")))
        await lab.rows_of(odd, 10)
        cycler = engine._crew.tasks["neware"].instrument.cycler
        progress = cycler.progress

        async def malformed(places: list[Place]) -> tuple[TestProgress, ...]:
            if "1-2" in places:
                raise WireError("count is no number", rule="2.5")
            return await progress(places)

        cycler.progress = malformed  # type: ignore[method-assign, assignment]  # one row of the reply is broken
        (result,) = await lab.over(good)
        failed = [item for run_id, item in lab.heard.found if run_id == odd and item.kind == "poll.failed"]
        return result.outcome, len(failed) == 1

    assert lab.supervise(story) == (Outcome.FINISHED, True)


def test_the_log_of_a_device_test_is_stored_once(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path)
    process.run([job(program(cycling(1)))])
    from labctl.store.runreader import RunReader

    events = RunReader(next(iter(process.root().run_folders()))).events()
    assert [event["kind"] for event in events].count("device.log") == 1


# -- stops ------------------------------------------------------------------------------------------------------------


def hang(engine: Supervisor, lab: SupervisedBench) -> None:
    """Let the normal lane answer nothing from now on."""
    cycler = engine._crew.tasks["neware"].instrument.cycler

    async def never(*_: object, **__: object) -> object:
        with lab.clock.busy():
            await lab.clock.link.sleep(1e6)
        raise LinkTimeout("no answer")

    for name in ("progress", "live", "records"):
        setattr(cycler, name, never)
    engine._crew.tasks["neware"].wake.set()


def test_a_stop_goes_past_a_lane_that_hangs(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> float:
        run_id = await engine.start(job(program(cycling(50))))
        await lab.rows_of(run_id, 30)
        hang(engine, lab)
        await lab.clock.plant.sleep(120.0)
        before_s = lab.clock.link.now_s()
        await engine.stop(run_id, "now")
        return lab.clock.link.now_s() - before_s

    assert lab.supervise(story) <= 10.0
    assert lab.bench.admin({"do": "truth", "slot": "neware:1-1"})["ok"]
    assert lab.energising("1-1") == ["start"]


def test_stop_all_reports_within_five_seconds_although_a_lane_hangs(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> tuple[float, list[str]]:
        run_id = await engine.start(job(program(cycling(50))))
        await lab.rows_of(run_id, 30)
        hang(engine, lab)
        cycler = engine._crew.tasks["neware"].instrument.cycler

        async def unanswered() -> None:
            await lab.clock.link.sleep(1e6)

        cycler.stop_all = unanswered  # type: ignore[method-assign]  # the stop lane hangs as well
        await lab.clock.plant.sleep(120.0)
        before_s = lab.clock.link.now_s()
        reports = await engine.stop_all("smoke")
        took_s = lab.clock.link.now_s() - before_s
        return took_s, [report.what_to_do for report in reports if not report.confirmed]

    took_s, to_do = lab.supervise(story)
    assert took_s <= 5.0
    assert to_do
    assert all("disconnect the cell" in text for text in to_do)


def test_nothing_is_started_by_a_start_that_was_under_way_when_stop_all_came(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> Outcome | None:
        task = engine._crew.tasks["neware"]
        load = task.instrument.cycler.load

        async def pressed_meanwhile(*args: object, **options: object) -> object:
            program_ = await load(*args, **options)  # type: ignore[arg-type]  # a stand-in
            engine.latch_stop_all("smoke")
            return program_

        task.instrument.cycler.load = pressed_meanwhile  # type: ignore[method-assign, assignment]  # a stand-in
        run_id = await engine.start(job(program(cycling(2))))
        (result,) = await lab.over(run_id)
        return result.outcome

    assert lab.supervise(story) is Outcome.STOPPED
    assert lab.energising("1-1") == []


def test_the_driver_asks_the_gate_right_before_the_bytes_leave(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        cycler = engine._crew.tasks["neware"].instrument.cycler
        bound = program(cycling(1))
        segment = bound.flow[0]
        assert isinstance(segment, Segment)
        loaded = await cycler.load("1-1", segment, label="x", record=bound.record, limits=bound.limits)
        engine.latch_stop_all("smoke")
        with pytest.raises(RefusedError, match="Stop all is in force"):
            await cycler.start("1-1", loaded, barcode="x.1")

    lab.supervise(story)
    assert lab.commands("1-1") == []


# -- held runs, latches ---------------------------------------------------------------------------------------


def test_a_held_run_is_not_resumed_by_a_restart_but_by_a_person(lab: SupervisedBench) -> None:
    async def goes_wrong(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(20))))
        await lab.rows_of(run_id, 30)
        task = engine._crew.tasks["neware"]
        await task.ask(lambda: task.acts.hold(engine._run(run_id), "something does not agree"))
        (result,) = await lab.over(run_id)
        assert result.outcome is None
        assert "something does not agree" in engine.tripped(job(program(cycling(1))).program.channel)
        return run_id

    run_id = lab.supervise(goes_wrong)

    async def restarts(engine: Supervisor) -> None:
        (problem,) = await engine.take_up([run_id], held=False)
        assert "something does not agree" in problem
        assert engine.active() == ()

    lab.supervise(restarts)

    async def looks(engine: Supervisor) -> None:
        assert await engine.take_up([run_id]) == ()
        await lab.rows_of(run_id, 60)

    lab.supervise(looks)

    async def restarts_again(engine: Supervisor) -> None:
        assert await engine.take_up([run_id], held=False) == ()
        assert await engine.stop(run_id, "done")

    lab.supervise(restarts_again)
    assert lab.energising("1-1") == ["start"]


def test_a_latched_channel_takes_no_run_until_a_person_resets_it(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        wish = job(program(cycling(1)))
        engine.latch_trip(wish.program.channel, "run x: too hot")
        with pytest.raises(UserInputError, match="too hot"):
            await engine.start(wish)
        engine.reset_trip(wish.program.channel)
        await lab.over(await engine.start(wish))

    lab.supervise(story)


def test_a_held_run_can_be_stopped_although_nobody_follows_it(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> Outcome | None:
        run_id = await engine.start(job(program(cycling(20))))
        await lab.rows_of(run_id, 30)
        task = engine._crew.tasks["neware"]
        await task.ask(lambda: task.acts.hold(engine._run(run_id), "something does not agree"))
        del lab.heard.results[run_id]
        assert await engine.stop(run_id, "looked at")
        (result,) = await lab.over(run_id)
        return result.outcome

    # the stop reaches a test that nobody followed: the run ends as stopped
    assert lab.supervise(story) is Outcome.STOPPED


# -- leases -----------------------------------------------------------------------------------------------------------


def test_a_second_station_is_refused_with_the_holder_named(tmp_path: Path) -> None:
    first = Lease("tcp://192.168.1.10:502", holder="station north", folder=tmp_path)
    with pytest.raises(StoreError, match="station north"):
        Lease("TCP://192.168.1.10:502 ", holder="station south", folder=tmp_path)
    first.release()
    second = Lease("tcp://192.168.1.10:502", holder="station south", folder=tmp_path)
    assert second.number == first.number + 1
    second.release()


def test_a_lease_that_was_taken_away_lets_nothing_leave(tmp_path: Path) -> None:
    gate = Gate()
    old = Lease("tcp://a:1", holder="station north", folder=tmp_path)
    gate.own("neware", old)
    gate.check("neware")
    (file,) = tmp_path.iterdir()
    file.unlink()
    new = Lease("tcp://a:1", holder="station south", folder=tmp_path)
    new.number += 1
    new._begin("station south")
    with pytest.raises(RefusedError, match="station south"):
        gate.check("neware")
    new.release()
    old.release()


def test_an_instrument_that_another_station_holds_is_held_and_taken_when_it_is_free(
    lab: SupervisedBench, tmp_path: Path
) -> None:
    (entry,) = lab.station.instruments
    lab.station = replace(lab.station, instruments=(replace(entry, resource="tcp://192.0.2.1:502"),))
    inner = lab._connector

    def connector(clock: object) -> object:
        connect = inner(clock)  # type: ignore[arg-type]  # a stand-in
        return lambda resource: connect("mem://neware")

    lab._connector = connector  # type: ignore[method-assign, assignment]  # a stand-in
    lab.lock_folder = tmp_path / "leases"
    other = Lease("tcp://192.0.2.1:502", holder="station north", folder=lab.lock_folder)

    async def story(engine: Supervisor) -> None:
        await lab.heard.until(lambda: any(status.link is LinkState.HELD for status in lab.heard.links))
        assert "station north" in engine.instruments()[0].text
        other.release()
        await lab.heard.until(lambda: engine.instruments()[0].link is LinkState.LIVE)
        await lab.over(await engine.start(job(program(cycling(1)))))

    lab.supervise(story, ready=False)


# -- a resting cell that jumps ----------------------------------------------------------------------------------------


def rest_rows(voltages_V: list[float]) -> str:
    """Feed one row each ten seconds of a rest, in blocks of three; return what is found."""
    watch = RestJumpWatch()
    values_V = np.asarray(voltages_V)
    block = RowBuilder(10.0).rest(10.0 * (len(values_V) - 1), lambda _: values_V).block()
    found = [watch.feed(block.rows(first, first + 3)) for first in range(0, len(block), 3)]
    return next((text for text in found if text), "")


def test_a_swapped_cell_is_seen_by_its_resting_voltage() -> None:
    assert "jumped from 3.300 V to 3.100 V" in rest_rows([3.3] * 30 + [3.1] * 10)


@pytest.mark.parametrize(
    "voltages_V",
    [
        [3.3] * 40,
        [3.3] * 30 + [3.1] + [3.3] * 9,  # one odd reading
        [3.3 + 0.5 * 0.7**row for row in range(40)],  # relaxation
        [3.3] * 5 + [3.1] * 30,  # too early in the rest to tell
    ],
)
def test_relaxation_and_odd_readings_are_no_swapped_cell(voltages_V: list[float]) -> None:
    assert rest_rows(voltages_V) == ""


def test_f29_a_cell_that_is_swapped_while_it_rests_holds_the_run(tmp_path: Path) -> None:
    lab = SupervisedBench(small_bench({"variant": "LIQ-P"}, {"variant": "LIQ-P"}), tmp_path, poll_s=60.0)
    voltage = {"jump": 0.0}

    async def story(engine: Supervisor) -> Outcome | None:
        run_id = await engine.start(job(program((Segment(1, (rest(1, 7200.0),)),))))
        await lab.rows_of(run_id, 60)
        voltage["jump"] = 3.0
        cycler = engine._crew.tasks["neware"].instrument.cycler
        records = cycler.records

        async def other_cell(*args: object, **options: object) -> object:
            block = await records(*args, **options)  # type: ignore[arg-type]  # a stand-in
            block.columns["voltage_volt"] = block.columns["voltage_volt"] + voltage["jump"]
            return block

        cycler.records = other_cell  # type: ignore[method-assign, assignment]  # a stand-in
        (result,) = await lab.over(run_id)
        assert "resting voltage jumped" in result.reason
        return result.outcome

    assert lab.supervise(story) is Outcome.HELD
