"""A person steers a running device: pause, go on, pause at the step end, skip; what is unconfirmed is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.life import Phase
from labctl.engine.machines.order import next_step, plain_next
from labctl.engine.supervisor import Supervisor
from labctl.errors import InstrumentError, UserInputError
from labctl.model.ids import RunId
from labctl.model.program import Loop, Segment
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import CURRENT_A, charge, cycling, job, program, rest
from labctl.testing.supervised import SupervisedBench

TWO_SEGMENTS = (
    Segment(1, (rest(1), charge(2))),
    Segment(2, (charge(3, 600.0, -CURRENT_A), rest(4))),
)
NESTED = Segment(1, (rest(1), Loop(2, (charge(2), Loop(3, (charge(3),)))), rest(4)))


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """One symmetric cell, polled every minute."""
    return SupervisedBench(small_bench({}), tmp_path, poll_s=60.0)


def durations_s(lab: SupervisedBench, run_id: RunId) -> list[float]:
    """Return how long each executed step was."""
    rows = lab.folder_of(run_id).records(["step_count", "step_time_second"])
    return [
        float(rows["step_time_second"][rows["step_count"] == step].max())
        for step in np.unique(rows["step_count"]).tolist()
    ]


def test_pause_keeps_the_step_and_its_charge_and_going_on_ends_it(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 80)
        await engine.pause(run_id)
        progress = engine.progress_of(run_id)
        assert progress is not None
        assert progress.phase is Phase.PAUSED
        rows = progress.rows
        await lab.clock.plant.sleep(3600.0)
        later = engine.progress_of(run_id)
        assert later is not None
        assert later.rows <= rows + 10
        await engine.resume(run_id)
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.FINISHED
        assert lab.bench.now_s >= 5 * 600.0 + 3600.0
        return run_id

    run_id = lab.supervise(story)
    assert durations_s(lab, run_id) == [600.0] * 5
    assert lab.energising("1-1") == ["start", "continue"]
    kinds = [line["kind"] for line in lab.folder_of(run_id).journal()]
    assert kinds.index("pause.intent") < kinds.index("resume.intent")


def test_pause_at_the_step_end_lets_the_step_end_first(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 80)
        await engine.pause_at_step_end(run_id)
        await lab.phase(run_id, "paused")
        assert durations_s(lab, run_id) == [600.0, 600.0]
        await engine.resume(run_id)
        await lab.over(run_id)
        return run_id

    run_id = lab.supervise(story)
    assert durations_s(lab, run_id) == [600.0] * 5
    assert "state.differs" not in lab.events_of(run_id)


@pytest.mark.parametrize("when", ["paused", "asked"])
def test_a_restart_knows_that_a_person_here_has_paused(lab: SupervisedBench, when: str) -> None:
    """Given a pause, or one that comes at the end of the step: the next life of the station tells no stranger's."""

    async def first(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 80)
        await (engine.pause(run_id) if when == "paused" else engine.pause_at_step_end(run_id))
        return run_id

    run_id = lab.supervise(first)

    async def second(engine: Supervisor) -> None:
        assert await engine.take_up([run_id]) == ()
        await lab.phase(run_id, "paused")
        await engine.resume(run_id)
        await lab.over(run_id)

    lab.supervise(second)
    assert durations_s(lab, run_id) == [600.0] * 5
    assert "state.differs" not in lab.events_of(run_id)


def test_pause_at_the_end_of_the_last_step_waits_between_the_segments(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(TWO_SEGMENTS)))
        await lab.rows_of(run_id, 80)
        await engine.pause_at_step_end(run_id)
        await lab.phase(run_id, "deciding")
        await lab.clock.plant.sleep(7200.0)
        assert lab.energising("1-1") == ["start"]
        await engine.resume(run_id)
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.FINISHED
        return run_id

    run_id = lab.supervise(story)
    assert lab.energising("1-1") == ["start", "start"]
    assert durations_s(lab, run_id) == [600.0] * 4


def test_a_run_that_waits_between_segments_waits_for_the_person_also_after_a_restart(
    lab: SupervisedBench,
) -> None:
    async def leaves(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(TWO_SEGMENTS)))
        await lab.rows_of(run_id, 80)
        await engine.pause_at_step_end(run_id)
        await lab.phase(run_id, "deciding")
        return run_id

    async def goes_on(engine: Supervisor) -> Outcome | None:
        assert await engine.take_up([run_id], held=False) == ()
        await lab.clock.plant.sleep(7200.0)
        assert lab.energising("1-1") == ["start"]
        await engine.resume(run_id)
        (result,) = await lab.over(run_id)
        return result.outcome

    run_id = lab.supervise(leaves)
    assert lab.supervise(goes_on) is Outcome.FINISHED


def test_a_paused_run_that_waits_between_segments_can_be_stopped(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> Outcome | None:
        run_id = await engine.start(job(program(TWO_SEGMENTS)))
        await lab.rows_of(run_id, 80)
        await engine.pause_at_step_end(run_id)
        await lab.phase(run_id, "deciding")
        assert await engine.stop(run_id, "enough")
        (result,) = await lab.over(run_id)
        return result.outcome

    assert lab.supervise(story) is Outcome.STOPPED


def test_a_skipped_step_ends_and_the_next_one_runs_in_full(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(1))))
        await lab.rows_of(run_id, 20)
        await engine.skip_step(run_id)
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.FINISHED
        return run_id

    run_id = lab.supervise(story)
    first_s, *others_s = durations_s(lab, run_id)
    assert first_s < 600.0
    assert others_s == [600.0, 600.0]
    assert lab.energising("1-1") == ["start", "goto"]


def test_a_skip_over_a_loop_line_is_refused_and_nothing_is_sent(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 150)
        with pytest.raises(UserInputError, match="last of its loop"):
            await engine.skip_step(run_id)
        await engine.stop(run_id, "done")

    lab.supervise(story)
    assert lab.energising("1-1") == ["start"]


def test_wishes_that_the_phase_does_not_allow_are_refused_in_words(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 20)
        with pytest.raises(UserInputError, match="running, not paused"):
            await engine.resume(run_id)
        await engine.pause(run_id)
        with pytest.raises(UserInputError, match="paused, not running"):
            await engine.skip_step(run_id)
        await engine.stop(run_id, "done")
        with pytest.raises(UserInputError, match=r"about to end|not followed"):
            await engine.pause(run_id)

    lab.supervise(story)


def test_a_pause_that_the_device_does_not_confirm_is_no_pause(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> Phase:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 20)
        task = engine._crew.tasks["neware"]

        async def unheard(place: str) -> None:
            raise InstrumentError("pause is not confirmed")

        task.instrument.cycler.pause = unheard  # type: ignore[method-assign]  # a device that ignores the word
        with pytest.raises(InstrumentError, match="not confirmed"):
            await engine.pause(run_id)
        progress = engine.progress_of(run_id)
        assert progress is not None
        return progress.phase

    assert lab.supervise(story) is Phase.RUNNING


def test_after_stop_all_nothing_goes_on_and_nothing_is_skipped(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 20)
        await engine.pause(run_id)
        engine.latch_stop_all("smoke")
        for wish in (engine.resume, engine.skip_step):
            with pytest.raises(UserInputError, match="Stop all"):
                await wish(run_id)

    lab.supervise(story)
    assert lab.energising("1-1") == ["start"]


@pytest.mark.parametrize(
    ("place", "following"),
    [((1, 1), 2), ((2, 1), 3), ((3, 1), 3), ((3, 3), 2), ((3, 6), 6), ((6, 6), None), ((9, 9), None)],
)
def test_what_follows_a_step_is_counted_through_nested_loops(
    place: tuple[int, int], following: int | None
) -> None:
    assert next_step(NESTED, *place) == following


@pytest.mark.parametrize(("step", "following"), [(1, 2), (2, 3), (3, None), (6, None), (4, None)])
def test_only_a_step_on_the_next_line_can_be_jumped_to(step: int, following: int | None) -> None:
    assert plain_next(NESTED, step) == following
