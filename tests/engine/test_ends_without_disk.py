"""Ends beside a disk that takes nothing, and faults of ours: the device is told all the same, nobody else suffers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from labctl.config.station import ChannelLimits
from labctl.engine.machines.findings import EndDecision, Outcome
from labctl.engine.supervisor import Supervisor
from labctl.errors import LinkTimeout
from labctl.model.ids import ChannelId, RunId
from labctl.model.layers import HostLimits
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import cycling, job, program
from labctl.testing.supervised import SupervisedBench


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """Two symmetric cells, polled every minute."""
    return SupervisedBench(small_bench({}, {}), tmp_path, poll_s=60.0)


def state(lab: SupervisedBench, place: str = "1-1") -> str:
    """Return what the device truly does."""
    return str(lab.admin("truth", slot=f"neware:{place}")["status"])


async def running(engine: Supervisor, lab: SupervisedBench) -> RunId:
    """Start a run and wait until it has rows."""
    run_id = await engine.start(job(program(cycling(50))))
    await lab.rows_of(run_id, 30)
    return run_id


def test_a_stop_reaches_the_device_although_the_disk_takes_nothing(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> bool:
        run_id = await running(engine, lab)
        await lab.clock.plant.sleep(50.0)
        lab.disk.fail_from = 0  # type: ignore[attr-defined]  # a simulated disk
        return await engine.stop(run_id, "smoke")

    confirmed = lab.supervise(story)
    assert (state(lab), confirmed) == ("stop", True)


def test_a_run_that_was_left_for_its_disk_can_still_be_stopped(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> bool:
        run_id = await running(engine, lab)
        lab.disk.fail_from = 0  # type: ignore[attr-defined]  # a simulated disk
        (result,) = await lab.over(run_id)
        assert "could not be stored" in result.reason
        return await engine.stop(run_id, "smoke")

    confirmed = lab.supervise(story)
    assert (state(lab), confirmed) == ("stop", True)


def test_the_trip_of_a_chamber_reaches_the_device_although_the_disk_takes_nothing(
    lab: SupervisedBench,
) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await running(engine, lab)
        lab.disk.fail_from = 0  # type: ignore[attr-defined]  # a simulated disk
        run = engine._runs[run_id]
        run.request_end(EndDecision(Outcome.TRIPPED, "60 degC", None))
        run.event("chamber.trip")
        engine._crew.tasks["neware"].wake.set()
        await lab.over(run_id)
        assert "60 degC" in engine.tripped(run.program.channel)

    lab.supervise(story)
    assert state(lab) == "stop"


def test_a_trip_whose_first_stop_is_lost_is_stopped_again_although_the_disk_takes_nothing(
    lab: SupervisedBench,
) -> None:
    lab.limit("neware:1-1", ChannelLimits(host=HostLimits(half_cycle_capacity_max_Ah=2e-6)))

    async def story(engine: Supervisor) -> None:
        cycler: Any = engine._crew.tasks["neware"].instrument.cycler
        send_stop, lost = cycler.send_stop, []

        async def unanswered(places: list[str]) -> Any:
            lab.disk.fail_from = 0  # type: ignore[attr-defined]  # a simulated disk
            if not lost:
                lost.extend(places)
                raise LinkTimeout("no answer")
            return await send_stop(places)

        cycler.send_stop = unanswered
        run_id = await engine.start(job(program(cycling(50))))
        await lab.over(run_id)
        assert lost
        assert "half-cycle" in engine.tripped(ChannelId("neware:1-1"))

    lab.supervise(story)
    assert state(lab) == "stop"


def test_a_folder_that_cannot_be_closed_ends_no_other_run(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> Outcome | None:
        first = await running(engine, lab)
        other = await engine.start(job(program(cycling(3), "1-2")))

        def broken() -> None:
            raise OSError("stale file handle")

        engine._runs[first].writer.close = broken  # type: ignore[method-assign]
        await engine._crew.tasks["neware"].acts.leave(engine._runs[first], "test")
        (result,) = await lab.over(other)
        return result.outcome

    assert lab.supervise(story) is Outcome.FINISHED


def test_a_fault_of_ours_in_the_look_at_idle_channels_ends_no_run(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> Outcome | None:
        run_id = await running(engine, lab)
        cycler: Any = engine._crew.tasks["neware"].instrument.cycler
        live = cycler.live

        async def odd(places: list[str]) -> Any:
            if "1-2" in places:
                raise ValueError("a word that nobody knows")
            return await live(places)

        cycler.live = odd
        (result,) = await lab.over(run_id)
        return result.outcome

    assert lab.supervise(story) is Outcome.FINISHED


def test_a_run_whose_notes_cannot_even_be_tried_ends_no_other_run(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> Outcome | None:
        first = await running(engine, lab)
        other = await engine.start(job(program(cycling(3), "1-2")))
        await lab.rows_of(other, 5)
        writer = engine._runs[first].writer

        def broken(*_: object, **__: object) -> None:
            raise ValueError("not JSON")

        writer.commit = writer.event = broken  # type: ignore[method-assign]
        (result,) = await lab.over(other)
        return result.outcome

    assert lab.supervise(story) is Outcome.FINISHED


def test_a_run_is_taken_up_once_although_two_people_ask_for_it(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> int:
        run_id = await running(engine, lab)
        task = engine._crew.tasks["neware"]
        await task.acts.hold(engine._runs[run_id], "test")
        await asyncio.gather(engine.take_up([run_id]), engine.take_up([run_id]))
        return sum(not run.over for run in task.runs)

    assert lab.supervise(story) == 1


def test_a_run_that_comes_back_and_ends_at_once_frees_no_channel_of_another_run(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> tuple[Outcome | None, bool]:
        task, channel = engine._crew.tasks["neware"], ChannelId("neware:1-1")
        first = await engine.start(job(program(cycling(1))))
        await lab.rows_of(first, 10)
        await task.acts.hold(engine._runs[first], "test")
        await lab.clock.plant.sleep(3600.0)
        engine.reset_trip(channel)
        other = await running(engine, lab)
        lab.heard.results.clear()
        await engine.take_up([first])
        (result,) = await lab.over(first)
        assert engine.progress_of(other) is not None
        return result.outcome, channel in engine._used

    assert lab.supervise(story) == (Outcome.HELD, True)
