"""Where a run is in its program, and who holds it: told with every progress, right after a restart and an outage."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from labctl.engine.jobs import Progress
from labctl.engine.supervisor import Supervisor
from labctl.model.bench import HeldHow, StepNow
from labctl.model.ids import RunId
from labctl.model.program import Segment, Step, StepMode
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import CURRENT_A, charge, cycling, job, program, rest
from labctl.testing.faultacts import REQUEST
from labctl.testing.supervised import SupervisedBench

TO_VOLTAGE = (
    Segment(
        1,
        (
            rest(1),
            Step(2, StepMode.CC_CHARGE, 3600.0, current_A=CURRENT_A, end_voltage_V=4.0, sentence="Charge."),
        ),
    ),
)


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """One symmetric cell, polled every minute."""
    return SupervisedBench(small_bench({}), tmp_path, poll_s=60.0)


def now(engine: Supervisor, run_id: RunId) -> Progress:
    """Return how a run stands."""
    found = engine.progress_of(run_id)
    assert found is not None
    return found


def test_the_step_its_place_and_the_time_left_are_told(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(2))))
        assert now(engine, run_id).step == StepNow(0, 3)
        await lab.rows_of(run_id, 30)
        step = now(engine, run_id).step
        assert (step.number, step.count, step.kind) == (1, 3, "REST")
        assert step.time_s + step.left_s == pytest.approx(600.0)
        assert 300.0 <= step.time_s <= 420.0
        await lab.rows_of(run_id, 80)
        assert (now(engine, run_id).step.number, now(engine, run_id).step.kind) == (2, "CC-CHG")
        await lab.rows_of(run_id, 140)
        assert (now(engine, run_id).step.number, now(engine, run_id).step.kind) == (3, "CC-DIS")
        await lab.over(run_id)
        assert lab.heard.told[-1].step.kind == ""

    lab.supervise(story)


def test_the_time_goes_on_between_rows_that_are_far_apart(lab: SupervisedBench) -> None:
    """Given a rest with a row every ten minutes, the time left falls with each poll and not with each row."""

    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program((Segment(1, (rest(1, 3600.0),)),), every_s=600.0)))
        await lab.rows_of(run_id, 3)
        first = now(engine, run_id).step.left_s
        await lab.clock.plant.sleep(240.0)
        assert now(engine, run_id).step.left_s == pytest.approx(first - 240.0)

    lab.supervise(story)


def test_a_step_that_a_voltage_ends_says_no_time_left(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(TO_VOLTAGE)))
        await lab.rows_of(run_id, 80)
        step = now(engine, run_id).step
        assert (step.number, step.kind) == (2, "CC-CHG")
        assert math.isnan(step.left_s) and step.time_s > 0.0

    lab.supervise(story)


def test_a_restart_knows_the_step_before_the_first_poll(lab: SupervisedBench) -> None:
    async def first(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 80)
        return run_id

    run_id = lab.supervise(first)

    async def second(engine: Supervisor) -> None:
        assert await engine.take_up([run_id]) == ()
        step = now(engine, run_id).step
        assert (step.number, step.count, step.kind) == (2, 3, "CC-CHG")
        assert 0.0 < step.time_s < 600.0
        await lab.over(run_id)

    lab.supervise(second)


def test_a_pause_says_who_and_when_until_the_run_goes_on(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 80)
        assert now(engine, run_id).hold.how is HeldHow.NONE
        utc = lab.clock.plant.utc()
        await engine.pause(run_id, "li")
        hold = now(engine, run_id).hold
        assert (hold.how, hold.by) == (HeldHow.PERSON, "li")
        assert hold.utc >= utc.isoformat()
        await lab.clock.plant.sleep(3600.0)
        assert now(engine, run_id).hold == hold
        await engine.resume(run_id)
        assert now(engine, run_id).hold.how is HeldHow.NONE
        await lab.over(run_id)

    lab.supervise(story)


def test_a_reserved_pause_is_told_before_it_comes(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 80)
        await engine.pause_at_step_end(run_id, "chen")
        assert (lab.heard.told[-1].hold.how, lab.heard.told[-1].hold.by) == (HeldHow.RESERVED, "chen")
        await lab.phase(run_id, "paused")
        hold = now(engine, run_id).hold
        assert (hold.how, hold.by) == (HeldHow.STEP_END, "chen")
        await engine.resume(run_id)
        await lab.over(run_id)

    lab.supervise(story)


@pytest.mark.parametrize(("seen", "how"), [(True, HeldHow.PERSON), (False, HeldHow.STEP_END)])
def test_a_restart_knows_who_has_paused_and_since_when(
    lab: SupervisedBench, seen: bool, how: HeldHow
) -> None:
    async def first(engine: Supervisor) -> tuple[RunId, str]:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 80)
        await (engine.pause(run_id, "li") if seen else engine.pause_at_step_end(run_id, "li"))
        if seen:
            await lab.clock.plant.sleep(600.0)
        return run_id, now(engine, run_id).hold.utc

    run_id, utc = lab.supervise(first)

    async def second(engine: Supervisor) -> None:
        assert await engine.take_up([run_id]) == ()
        await lab.phase(run_id, "paused")
        hold = now(engine, run_id).hold
        assert (hold.how, hold.by) == (how, "li")
        assert hold.utc == utc if seen else hold.utc > utc

    lab.supervise(second)


def test_a_pause_at_the_tester_has_nobodys_name(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 80)
        more = ' cycleid="-1" stepid="-1"'  # now
        text = REQUEST.format(command="setpause", devid=33, unit=1, channel=1, more=more)
        assert lab.bench.connect("neware").receive(text.encode())
        await lab.phase(run_id, "paused")
        hold = now(engine, run_id).hold
        assert (hold.how, hold.by) == (HeldHow.INSTRUMENT, "") and hold.utc

    lab.supervise(story)


def test_a_pause_between_two_segments_is_a_pause_at_the_step_end(lab: SupervisedBench) -> None:
    two = (Segment(1, (rest(1), charge(2))), Segment(2, (charge(3, 600.0, -CURRENT_A), rest(4))))

    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(two)))
        await lab.rows_of(run_id, 80)
        await engine.pause_at_step_end(run_id, "li")
        await lab.phase(run_id, "deciding")
        await lab.clock.plant.sleep(60.0)
        progress = now(engine, run_id)
        assert (progress.hold.how, progress.hold.by, progress.step.kind) == (HeldHow.STEP_END, "li", "")
        await engine.resume(run_id)
        assert now(engine, run_id).hold.how is HeldHow.NONE
        assert (now(engine, run_id).step.number, now(engine, run_id).step.kind) == (3, "CC-DIS")
        await lab.over(run_id)

    lab.supervise(story)
