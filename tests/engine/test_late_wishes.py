"""What was asked of a device out of reach does not happen hours later, and a disk that hangs holds no stop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from labctl.config.station import ChannelLimits
from labctl.engine.machines.findings import Outcome
from labctl.engine.supervisor import Supervisor
from labctl.errors import LinkTimeout
from labctl.model.bench import LinkState
from labctl.model.layers import HostLimits
from labctl.model.program import Segment
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import cycling, job, program, rest
from labctl.testing.supervised import SupervisedBench


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """Two symmetric cells, polled every minute."""
    return SupervisedBench(small_bench({}, {}), tmp_path, poll_s=60.0)


def test_a_wish_that_meets_a_dead_link_is_not_granted_when_the_link_is_back(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program((rested,))))
        await lab.rows_of(run_id, 30)
        now_s = lab.bench.now_s
        lab.cable_out("neware", now_s + 1.0, now_s + 7200.0)
        task = engine._crew.tasks["neware"]
        while not task.working:  # it hangs in an exchange, and nobody knows yet that the link is gone
            await lab.clock.plant.sleep(1.0)
        task.outages.state = LinkState.LIVE
        asked_s = lab.clock.link.now_s()
        with pytest.raises(LinkTimeout, match="nothing was sent"):
            await engine.skip_step(run_id)
        assert lab.clock.link.now_s() - asked_s <= 61.0
        await lab.clock.plant.sleep(9000.0)

    rested = Segment(1, (rest(1, 20000.0), rest(2, 20000.0)))
    lab.supervise(story)
    assert lab.energising("1-1") == ["start"]


def test_a_trip_waits_for_no_disk_that_hangs(lab: SupervisedBench) -> None:
    lab.limit("neware:1-1", ChannelLimits(host=HostLimits(half_cycle_capacity_max_Ah=2e-6)))

    async def story(engine: Supervisor) -> float:
        cycler: Any = engine._crew.tasks["neware"].instrument.cycler
        worker = engine._crew.worker
        send_stop, loop = cycler.send_stop, asyncio.get_running_loop()
        asked: list[float] = []
        sent: list[float] = []

        def hangs(*_: Any, **__: Any) -> asyncio.Future[Any]:
            asked.append(lab.clock.link.now_s())
            return loop.create_future()

        async def noted(places: list[str]) -> Any:
            sent.append(lab.clock.link.now_s())
            return await send_stop(places)

        worker.hand_first, cycler.send_stop = hangs, noted  # type: ignore[method-assign, assignment]
        run_id = await engine.start(job(program(cycling(50))))
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.TRIPPED
        assert "stop.intent.late" in lab.events_of(run_id)
        return sent[0] - asked[0]

    assert lab.supervise(story) <= 0.5
