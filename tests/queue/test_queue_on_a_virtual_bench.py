"""A campaign on the whole station with instruments behind it: what was foreseen is what happens."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from labctl.errors import UserInputError
from labctl.model.ids import ChannelId
from labctl.model.job import JobState
from labctl.station.core import StationCore
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench, until_over

CAMPAIGN = """\
labctl: campaign/1
name: Two currents
stagger: 5 min
cells: [C101, C102]
steps:
  - step: slow
    protocol: p1-li-li-1mA
    variables: {cycles: 2, opening_rest: 1 h}
  - step: fast
    protocol: p2-li-li-3mA
    variables: {cycles: 3, opening_rest: 10 min}
"""


POLL_S = 600.0
"""This bench is asked every 10 min, and so late an end may be known."""


def seconds(utc: str) -> float:
    return datetime.fromisoformat(utc).timestamp()


@pytest.mark.slow
def test_campaign_runs_as_its_dry_run_said(tmp_path: Path) -> None:
    bench = CoreBench(small_bench({"variant": "LIQ-P"}, {"variant": "LIQ-P"}), tmp_path)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        foreseen, calendar = await core.queue.submit_campaign(ANNA, CAMPAIGN, dry_run=True)
        assert [plan.errors for plan in foreseen] == [()] * 4 and len(calendar) == 4
        await core.queue.submit_campaign(ANNA, CAMPAIGN, key="once")
        await core.queue.submit_campaign(ANNA, CAMPAIGN, key="once")
        jobs = {job.spec.label: job for job in await until_over(core)}
        assert {job.reason for job in jobs.values()} == {""}
        assert len(jobs) == 4 and {job.state for job in jobs.values()} == {JobState.ENDED}
        bars = {bar.job_id: bar for bar in core.queue.calendar()}
        for plan in foreseen:
            assert plan.starts is not None and plan.ends is not None
            bar = bars[jobs[plan.label].job_id]
            assert abs(seconds(bar.begin_utc) - seconds(plan.starts.end_utc)) <= POLL_S, plan.label
            length_s = seconds(plan.ends.end_utc) - seconds(plan.starts.end_utc)
            assert abs(seconds(bar.end_utc) - seconds(plan.ends.end_utc)) <= POLL_S + 0.01 * length_s, (
                plan.label
            )

    bench.live(story)
    assert bench.energising("1-1") == bench.energising("1-2") == ["start", "start"]


@pytest.mark.slow
def test_paused_run_is_a_paused_job_and_a_cell_in_use_cannot_be_ejected(tmp_path: Path) -> None:
    bench = CoreBench(small_bench({"variant": "LIQ-P"}), tmp_path)
    one = ChannelId("neware:1-1")

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        await core.queue.submit_campaign(ANNA, CAMPAIGN.replace("[C101, C102]", "[C101]"))
        await core.clock.plant.sleep(2.5 * 3600.0)
        job = core.queue.job("j-1")
        assert job.state is JobState.RUNNING and job.run_id is not None
        with pytest.raises(UserInputError, match="cannot be changed now"):
            await core.registry.eject(ANNA, one)
        await core.runs.pause(ANNA, job.run_id, reason="look at the clip")
        await core.clock.plant.sleep(120.0)
        assert core.queue.job("j-1").state is JobState.PAUSED
        await core.runs.resume(ANNA, job.run_id, reason="clip is fine")
        jobs = await until_over(core)
        assert {job.state for job in jobs} == {JobState.ENDED}

    bench.live(story)
