"""An end that a person or a chamber has asked for: no start leaves behind it, no disk or fault of ours swallows it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from labctl.engine.machines.findings import EndDecision, Outcome
from labctl.engine.supervisor import Supervisor
from labctl.errors import RefusedError, UsageError
from labctl.model.ids import RunId
from labctl.model.program import Segment
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import CURRENT_A, charge, cycling, job, program, rest
from labctl.testing.supervised import SupervisedBench

FIRST = Segment(1, (rest(1), charge(2)))
SECOND = Segment(2, (charge(3, 600.0, -CURRENT_A),))


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """Two symmetric cells, polled every minute."""
    return SupervisedBench(small_bench({}, {}), tmp_path, poll_s=60.0)


class Slow:
    """Lets the ``nth`` call of a driver's method wait for ``go``; ``begun`` is set when it does."""

    def __init__(self, engine: Supervisor, name: str, nth: int = 1) -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self._inner = getattr(engine._crew.tasks["neware"].instrument.cycler, name)
        self._left = nth
        setattr(engine._crew.tasks["neware"].instrument.cycler, name, self._call)

    async def _call(self, *args: Any, **options: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            self.begun.set()
            await self.go.wait()
        return await self._inner(*args, **options)


@pytest.mark.parametrize("name", ["load", "progress", "live"])
def test_a_run_that_is_stopped_while_its_start_is_prepared_is_never_started(
    lab: SupervisedBench, name: str
) -> None:
    async def story(engine: Supervisor) -> Outcome | None:
        nth = {"load": 1, "progress": 2, "live": 2}[name]
        slow = Slow(engine, name, nth)
        run_id = await engine.start(job(program(cycling(3))))
        await slow.begun.wait()
        assert not await engine.stop(run_id, "wrong cell")
        slow.go.set()
        (result,) = await lab.over(run_id)
        return result.outcome

    assert lab.supervise(story) is Outcome.STOPPED
    assert lab.energising("1-1") == []


def test_no_next_segment_is_started_behind_a_trip_of_the_chamber(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> Outcome | None:
        slow = Slow(engine, "load", 2)
        run_id = await engine.start(job(program((FIRST, SECOND))))
        await slow.begun.wait()
        engine._runs[run_id].request_end(EndDecision(Outcome.TRIPPED, "60 degC", None))
        slow.go.set()
        (result,) = await lab.over(run_id)
        return result.outcome

    assert lab.supervise(story) is Outcome.TRIPPED
    assert lab.energising("1-1") == ["start"]


def test_a_step_file_that_is_not_taken_in_the_middle_of_a_run_ends_it_whole(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> RunId:
        cycler = engine._crew.tasks["neware"].instrument.cycler
        run_id = await engine.start(job(program((FIRST, SECOND))))
        await lab.rows_of(run_id, 30)

        async def refused(*_: object, **__: object) -> object:
            raise UsageError("the step folder cannot be written")

        cycler.load = refused
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.HELD, result
        return run_id

    run_id = lab.supervise(story)
    assert lab.folder_of(run_id).manifest["state"] == "ended"
    assert lab.energising("1-1") == ["start"]


@pytest.mark.parametrize("act", ["start", "resume", "skip_step"])
def test_nothing_that_energises_leaves_behind_an_end_that_comes_while_the_driver_still_looks(
    lab: SupervisedBench, act: str
) -> None:
    async def story(engine: Supervisor) -> list[str]:
        cycler = engine._crew.tasks["neware"].instrument.cycler
        states, runs = cycler._states, engine._runs
        armed = act == "start"

        async def looked(places: list[Any]) -> Any:
            nonlocal armed
            if armed:
                armed = False
                next(iter(runs.values())).request_end(EndDecision(Outcome.STOPPED, "wrong cell", None))
            return await states(places)

        cycler._states = looked
        run_id = await engine.start(job(program((FIRST, SECOND))))
        if act != "start":
            await lab.rows_of(run_id, 10)
            if act == "resume":
                await engine.pause(run_id)
            armed = True
            with pytest.raises(RefusedError, match="is to end: wrong cell"):
                await getattr(engine, act)(run_id)
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.STOPPED
        return lab.energising("1-1")

    assert lab.supervise(story) == ([] if act == "start" else ["start"])


def test_a_start_whose_folder_is_made_while_stop_all_is_pressed_does_not_begin_after_the_release(
    lab: SupervisedBench,
) -> None:
    async def story(engine: Supervisor) -> tuple[Outcome | None, str]:
        made = engine._made

        async def slowly(wish: Any) -> Any:
            await engine.stop_all("smoke")
            run = await made(wish)
            engine._gate.release()  # a person has looked; the run waits for its chamber meanwhile
            return run

        engine._made = slowly  # type: ignore[method-assign]
        run_id = await engine.start(job(program(cycling(1))))
        (result,) = await lab.over(run_id)
        return result.outcome, result.reason

    outcome, reason = lab.supervise(story)
    assert outcome is Outcome.STOPPED
    assert "smoke" in reason
    assert lab.energising("1-1") == []
