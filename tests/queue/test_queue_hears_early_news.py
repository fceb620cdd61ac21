"""What the engine says right behind a start, before the start stands in the queue's book, is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from labctl.engine.jobs import Job as EngineJob
from labctl.engine.machines.life import Phase
from labctl.model.ids import RunId
from labctl.model.job import JobState
from labctl.station.queueing import QueueKeeper
from labctl.testing.queuebench import CHEN, FakeEngine, FakeRun, QueueBench, wish


def starts_with_news(
    monkeypatch: pytest.MonkeyPatch, bench: QueueBench, engine: FakeEngine, news: Callable[[FakeRun], None]
) -> None:
    made = engine.start

    async def start(job: EngineJob) -> RunId:
        run_id = await made(job)
        asyncio.get_running_loop().call_soon(news, bench.world.runs[run_id])
        return run_id

    monkeypatch.setattr(engine, "start", start)


def test_phase_told_while_the_start_is_written_down_is_believed_at_the_next_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        starts_with_news(monkeypatch, bench, engine, lambda run: engine.say(run, Phase.PAUSED))
        await keeper.submit(CHEN, [wish(1)])
        await bench.clock.plant.sleep(10.0)
        (run,) = bench.world.runs.values()
        engine.say(run, Phase.PAUSED)
        await bench.clock.plant.sleep(1.0)
        assert keeper.job("j-1").state is JobState.PAUSED

    bench.live(story)


def test_run_over_while_its_start_is_written_down_ends_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        starts_with_news(monkeypatch, bench, engine, engine.end)
        await keeper.submit(CHEN, [wish(1)])
        await bench.clock.plant.sleep(10.0)
        assert keeper.job("j-1").state is JobState.ENDED

    bench.live(story)
