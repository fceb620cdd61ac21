"""The station's engine: runs come at any time, instruments are opened in their own time, people steer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labctl.engine.machines.findings import Outcome
from labctl.engine.supervisor import Supervisor
from labctl.errors import UserInputError
from labctl.model.bench import LinkState
from labctl.model.ids import ChannelId, RunId
from labctl.testing.benchrun import BenchRun, small_bench
from labctl.testing.fakeruns import cycling, job, program
from labctl.testing.supervised import SupervisedBench


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """Two symmetric cells on one unit."""
    return SupervisedBench(small_bench({}, {}), tmp_path, poll_s=600.0)


def test_a_run_through_the_supervisor_stores_the_same_rows_as_alone(
    lab: SupervisedBench, tmp_path: Path
) -> None:
    async def story(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(3))))
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.FINISHED
        return run_id

    run_id = lab.supervise(story)
    alone = BenchRun(small_bench({}, {}), tmp_path / "alone", poll_s=600.0)
    alone.run([job(program(cycling(3)))])
    assert lab.folder_of(run_id).digest() == alone.reader().digest()
    told = np.concatenate([block["sequence"] for block in lab.heard.blocks[run_id]])
    assert told.tolist() == list(range(1, lab.folder_of(run_id).last_sequence + 1))


def test_a_second_run_joins_while_the_first_goes_on(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> list[Outcome | None]:
        first = await engine.start(job(program(cycling(5), "1-1")))
        await lab.rows_of(first, 100)
        second = await engine.start(job(program(cycling(2), "1-2")))
        assert [item.run_id for item in engine.active()] == [first, second]
        results = await lab.over(first, second)
        assert engine.active() == ()
        return [result.outcome for result in results]

    assert lab.supervise(story) == [Outcome.FINISHED, Outcome.FINISHED]


def test_a_channel_in_use_takes_no_second_run(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(cycling(2))))
        with pytest.raises(UserInputError, match="in use by another run"):
            await engine.start(job(program(cycling(2))))
        await lab.over(run_id)
        await engine.start(job(program(cycling(1))))

    lab.supervise(story)
    assert lab.energising("1-1")[:1] == ["start"]


def test_idle_channels_are_read_and_known(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        await lab.heard.until(lambda: len(lab.heard.idle) >= 2)
        named = [status.channel for status in engine.channels()]
        assert ChannelId("neware:1-1") in named
        assert engine.instruments()[0].link is LinkState.LIVE
        assert "devid 33" in await engine.ping("neware")

    lab.supervise(story)


def test_stop_is_confirmed_by_the_device(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> Outcome | None:
        run_id = await engine.start(job(program(cycling(50))))
        await lab.rows_of(run_id, 100)
        assert await engine.stop(run_id, "enough")
        (result,) = await lab.over(run_id)
        assert result.reason == "enough"
        return result.outcome

    assert lab.supervise(story) is Outcome.STOPPED


def test_leaving_stops_nothing_and_the_next_station_takes_up(lab: SupervisedBench) -> None:
    async def leaves(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(10))))
        await lab.rows_of(run_id, 100)
        return run_id

    async def takes_up(engine: Supervisor) -> Outcome | None:
        assert await engine.take_up([run_id, "20260101T000000-nobody"]) != ()
        (result,) = await lab.over(run_id)
        return result.outcome

    run_id = lab.supervise(leaves)
    assert lab.folder_of(run_id).manifest["state"] == "running"
    assert lab.supervise(takes_up, ready=False) is Outcome.FINISHED
    assert lab.energising("1-1") == ["start"]


def test_stop_all_stops_latches_and_lets_nothing_start_until_released(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        first = await engine.start(job(program(cycling(50), "1-1")))
        second = await engine.start(job(program(cycling(50), "1-2")))
        await lab.rows_of(first, 50)
        reports = await engine.stop_all("smoke")
        assert all(report.confirmed for report in reports)
        results = await lab.over(first, second)
        assert [result.outcome for result in results] == [Outcome.STOPPED] * 2
        with pytest.raises(UserInputError, match="Stop all is in force"):
            await engine.start(job(program(cycling(1), "1-1")))
        engine.release_stop_all()
        third = await engine.start(job(program(cycling(1), "1-1")))
        (result,) = await lab.over(third)
        assert result.outcome is Outcome.FINISHED

    lab.supervise(story)
