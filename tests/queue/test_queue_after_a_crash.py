"""Whatever ends the station, at whatever operation of the disk: every job's run is energised exactly once (I09)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labctl.engine.machines.findings import Outcome
from labctl.errors import StoreError
from labctl.model.ids import ChannelId
from labctl.model.job import After, JobState
from labctl.station.queueing import QueueKeeper
from labctl.store.simdisk import PowerCut
from labctl.testing.queuebench import CHEN, FakeEngine, QueueBench, wish

LEDGER = Path("/virtual/data/station/queue.jsonl")
JOBS = ("j-1", "j-2", "j-3", "j-4")


def has_cut(error: BaseException) -> bool:
    """Tell whether a power cut is somewhere in an error."""
    if isinstance(error, BaseExceptionGroup):
        return any(has_cut(inner) for inner in error.exceptions)
    return isinstance(error, PowerCut)


async def campaign(keeper: QueueKeeper, engine: FakeEngine) -> None:
    """Queue two jobs for each of two cells once, whatever became of an earlier attempt."""
    first = [wish(1, label="a"), wish(2, label="b")]
    second = [
        wish(cell, after=(After(label),), variables={"cycles": "1"}) for cell, label in ((1, "a"), (2, "b"))
    ]
    await keeper.submit(CHEN, [*first, *second], key="campaign")


def lived(bench: QueueBench) -> None:
    """Live one life up to its end or the power cut; the disk is then as a restart finds it."""

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await campaign(keeper, engine)
        jobs = await bench.over(keeper)
        assert [jobs[job_id].state for job_id in JOBS] == [JobState.ENDED] * 4

    bench.live(story)


def operations_of_a_whole_life() -> int:
    bench = QueueBench()
    lived(bench)
    assert bench.world.energised == list(JOBS)
    return bench.disk.ops


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in (1, 2, 3))])
def test_power_cut_at_each_operation_of_the_disk_starts_nothing_twice_and_loses_nothing(part: int) -> None:
    total = operations_of_a_whole_life()
    assert total > 40
    for crash_at in range(1 + part, total + 1, 4):
        bench = QueueBench()
        bench.disk.crash_at, bench.disk.fail_from = (
            crash_at,
            crash_at + 1,
        )  # a disk without power takes nothing
        with pytest.raises(BaseException) as caught:
            lived(bench)
        assert has_cut(caught.value), f"operation {crash_at}"
        bench.disk = bench.disk.crash()
        lived(bench)
        assert sorted(bench.world.energised) == list(JOBS), f"cut at operation {crash_at}"


def test_kill_between_folder_and_ledger_adopts_the_run_by_its_mark() -> None:
    bench = QueueBench(channels=1, cells=1)

    async def begin(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1)])
        await bench.clock.plant.sleep(60.0)

    async def go_on(keeper: QueueKeeper, engine: FakeEngine) -> None:
        (job,) = keeper.jobs()
        assert job.state in (JobState.STARTING, JobState.RUNNING) and job.run_id in bench.world.runs
        assert (await bench.over(keeper))["j-1"].state is JobState.ENDED

    bench.live(begin)
    lines = bench.disk.read(LEDGER).splitlines(keepends=True)
    kinds = [json.loads(line)["kind"] for line in lines]
    start = kinds.index("start")
    bench.disk.put(LEDGER, b"".join(lines[: start + 1]))  # the last line that became durable was the intent
    bench.live(go_on)
    assert bench.world.energised == ["j-1"]


def test_run_that_ended_while_no_station_lived_ends_its_job_and_the_next_one_starts() -> None:
    bench = QueueBench(channels=1, cells=1)

    async def begin(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1), wish(1, variables={"cycles": "1"})])
        await bench.clock.plant.sleep(60.0)
        (run,) = bench.world.runs.values()
        engine.keeper = None  # the ledger hears nothing of the end
        engine.end(run, Outcome.SHORT, "short at cycle 1")

    async def go_on(keeper: QueueKeeper, engine: FakeEngine) -> None:
        jobs = await bench.over(keeper)
        assert jobs["j-1"].reason == "short: short at cycle 1"
        assert jobs["j-2"].state is JobState.ENDED

    bench.live(begin)
    bench.live(go_on)
    assert bench.world.energised == ["j-1", "j-2"]


def test_damaged_line_in_the_ledger_holds_the_whole_queue_until_a_person_has_looked() -> None:
    bench = QueueBench()

    async def begin(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1, hold=True), wish(2, hold=True)])
        await keeper.hold_queue(CHEN, "x")
        await keeper.release_queue(CHEN)
        await keeper.release(CHEN, "j-1")
        await keeper.hold_queue(CHEN, "y")

    async def go_on(keeper: QueueKeeper, engine: FakeEngine) -> None:
        assert keeper.problems and "damaged" in keeper.problems[0]
        assert (
            "line 2 of the queue's ledger is damaged" in bench.alarms.active["store.damaged", "queue.jsonl"]
        )
        await bench.clock.plant.sleep(3600.0)
        assert bench.world.energised == []
        await keeper.release_queue(CHEN, "the file was looked at")
        await bench.clock.plant.sleep(3600.0)

    bench.live(begin)
    data = bench.disk.read(LEDGER)
    bench.disk.flip(LEDGER, data.index(b'"hold all"'))
    bench.live(go_on)


def test_full_disk_starts_nothing_and_the_queue_goes_on_when_there_is_room() -> None:
    bench = QueueBench(channels=1, cells=1)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1, hold=True)])
        await keeper.release(CHEN, "j-1")
        bench.disk.quota_bytes = bench.disk.used_bytes
        await bench.clock.plant.sleep(300.0)
        assert bench.world.energised == []
        assert "cannot be written" in keeper.held()
        assert ("store.ledger", "queue.jsonl") in bench.alarms.active
        with pytest.raises(StoreError):
            await keeper.hold(CHEN, "j-1")
        assert keeper.job("j-1").state is JobState.WAITING  # nothing is believed that is not durable
        bench.disk.quota_bytes = None
        assert (await bench.over(keeper))["j-1"].state is JobState.ENDED
        assert keeper.held() == "" and bench.alarms.active == {}

    bench.live(story)
    assert bench.world.energised == ["j-1"]


def test_long_ledger_begins_anew_with_a_snapshot_and_means_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = QueueBench(channels=3, cells=3)

    async def begin(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1), wish(2, hold=True), wish(3, stagger_s=600.0)], key="k")
        await bench.clock.plant.sleep(60.0)
        await keeper.prioritise(CHEN, "j-2", 3)

    async def look(keeper: QueueKeeper, engine: FakeEngine) -> list[tuple[str, ...]]:
        again, _ = await keeper.submit(CHEN, [wish(1)], key="k")
        assert len(again) == 3
        return [
            (job.job_id, job.state.value, str(job.spec.priority), str(job.run_id)) for job in keeper.jobs()
        ]

    bench.live(begin)
    before = bench.live(look)
    monkeypatch.setattr("labctl.station.queuebook.COMPACT_BYTES", 100)
    assert bench.live(look) == before
    lines = [json.loads(line)["kind"] for line in bench.disk.read(LEDGER).splitlines()]
    assert lines[0] == "snapshot"
    assert bench.live(look) == before


def test_lane_and_retry_pause_survive_a_restart() -> None:
    bench = QueueBench()
    bench.world.outcomes["C0001"] = Outcome.HELD

    async def begin(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1), wish(2, not_before_utc="2026-01-01T12:00:00+01:00")])
        await bench.clock.plant.sleep(9000.0)

    async def look(keeper: QueueKeeper, engine: FakeEngine) -> None:
        assert keeper.lane(ChannelId("neware:1-1")).startswith("j-1 (Short of C0001) failed: held")
        await bench.clock.plant.sleep(600.0)
        assert bench.world.energised == ["j-1"]
        await bench.over(keeper)

    bench.live(begin)
    bench.live(look)
    run = bench.world.runs[next(run_id for run_id in bench.world.runs if "C0002" in run_id)]
    assert run.energised_s is not None and 11 * 3600.0 <= run.energised_s < 11 * 3600.0 + 5.0
