"""A fault of ours between a run's folder and its start: the job ends, nothing is sent, and nobody starts it later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labctl.engine import making
from labctl.engine.climate import ClimateTask
from labctl.engine.crew import Crew
from labctl.engine.instrument import InstrumentTask
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobSpec, JobState
from labctl.station.core import StationCore
from labctl.store.manifest import read_manifest
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench, submitted, until_over


def wish(number: int) -> JobSpec:
    """Return a short P1 for cell number 1 or 2."""
    return JobSpec(CellId(f"C10{number}"), protocol="p1-li-li-1mA", variables={"cycles": "2"})


def failing_once(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return what breaks at its first call and does its work at all others."""
    calls = []

    def broken(*args: Any, **options: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise RuntimeError("a planted fault")
        return real(*args, **options)

    return broken


@pytest.mark.parametrize(
    ("where", "name"),
    [(making, "Run"), (Crew, "admit"), (InstrumentTask, "add"), (ClimateTask, "add")],
    ids=["run", "admit", "instrument", "chamber"],
)
def test_a_fault_behind_the_folder_ends_the_job_and_the_run_and_stops_only_its_lane(
    where: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [{"variant": "LIQ-P", "chamber": "oven"} for _ in range(2)]
    bench = CoreBench(small_bench(*cells, chambers=[{"name": "oven"}]), tmp_path)
    monkeypatch.setattr(where, name, failing_once(getattr(where, name)))

    async def first(core: StationCore) -> str:
        await bench.load_cells(core)
        await submitted(core, wish(1), wish(2))
        await core.clock.plant.sleep(600.0)
        job = next(job for job in core.queue.jobs() if job.spec.cell_id == "C101")
        assert job.state is JobState.FAILED and "a planted fault" in job.reason
        assert core.queue.lane(ChannelId("neware:1-1"))
        again = await core.queue.retry(ANNA, job.job_id)
        await core.queue.release_lane(ANNA, ChannelId("neware:1-1"), "the fault is repaired")
        assert again is not None
        jobs = await until_over(core)
        assert sorted(job.state for job in jobs) == [JobState.ENDED, JobState.ENDED]
        return str(job.run_id)

    run_id = bench.live(first)
    manifest = read_manifest(bench.root().disk, bench.root().run_folder(run_id))
    assert (manifest["state"], manifest["outcome"]) == ("ended", "failed")
    assert "never started" in manifest["reason"] and manifest["segments"] == []

    async def second(core: StationCore) -> None:
        await core.clock.plant.sleep(3600.0)
        assert core.supervisor.active() == ()

    bench.live(second)
    assert bench.energising("1-1") == bench.energising("1-2") == ["start"]
