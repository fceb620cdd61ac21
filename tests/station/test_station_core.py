"""The whole station in jump mode: what people ask of it, through the same methods that the API calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labctl.engine.machines.findings import Outcome
from labctl.errors import UserInputError
from labctl.model.alarm import Alarm, AlarmState
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import After, JobSpec, JobState
from labctl.station.core import StationCore
from labctl.store.manifest import encode_manifest
from labctl.store.pyramid import BACKFILLED
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.benchrun import small_bench
from labctl.testing.clocks import next_plant_moment_s
from labctl.testing.corebench import ANNA, CoreBench, submitted, until_over

P1 = "p1-li-li-1mA"


def lab(folder: Path, cells: int = 2, **options: float) -> CoreBench:
    """Return a bench of Li|Li cells in 1-1, 1-2 ..."""
    return CoreBench(small_bench(*({"variant": "LIQ-P"} for _ in range(cells))), folder, **options)


def wish(number: int, cycles: int = 2, **fields: object) -> JobSpec:
    """Return a short P1 for cell number 1, 2 ..."""
    return JobSpec(CellId(f"C10{number}"), protocol=P1, variables={"cycles": str(cycles)}, **fields)  # type: ignore[arg-type]


def test_a_job_is_queued_started_followed_and_ends_with_its_run(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        (job,) = await submitted(core, wish(1))
        assert job.state in (JobState.WAITING, JobState.STARTING)
        (ended,) = await until_over(core)
        assert ended.state is JobState.ENDED and ended.run_id is not None
        detail = await core.runs.detail(ended.run_id)
        assert detail.summary.outcome == Outcome.FINISHED
        assert detail.summary.job_id == ended.job_id
        rows = await core.runs.records(ended.run_id, limit=100_000)
        assert int(rows["cycle_count"][-1]) == 2

    bench.live(story)
    assert bench.energising("1-1") == ["start"]


def test_two_jobs_of_a_channel_run_one_after_the_other_and_a_dependency_is_kept(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        first, second = await submitted(core, wish(1, label="first"), wish(2, after=(After("first"),)))
        assert "first" in second.waits_for or first.job_id in second.waits_for
        jobs = await until_over(core)
        assert [job.state for job in jobs] == [JobState.ENDED] * 2
        one, two = (core.runs.get(str(job.run_id)) for job in sorted(jobs, key=lambda job: job.job_id))
        assert two.started_utc > one.started_utc

    bench.live(story)


def test_runs_of_an_earlier_life_are_taken_up_and_nothing_is_started_twice(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def begin(core: StationCore) -> None:
        await bench.load_cells(core)
        await submitted(core, wish(1, 5), wish(2, 5))
        await core.clock.plant.sleep(4 * 3600.0)

    async def go_on(core: StationCore) -> None:
        jobs = await until_over(core)
        assert [job.state for job in jobs] == [JobState.ENDED] * 2

    bench.live(begin)
    bench.advance_to(bench.bench.now_s + 3600.0)
    bench.live(go_on)
    assert bench.energising("1-1") == bench.energising("1-2") == ["start"]


def open_alarms(core: StationCore, definition: str) -> list[Alarm]:
    """Return the alarms of a definition whose condition is there."""
    there = (AlarmState.UNACK, AlarmState.ACKED)
    return [
        alarm for alarm in core.alarms.alarms() if alarm.definition == definition and alarm.state in there
    ]


def test_stop_all_stops_every_output_holds_the_queue_and_survives_a_restart(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def begin(core: StationCore) -> None:
        await bench.load_cells(core)
        await submitted(core, wish(1, 50), wish(2, 50), wish(1))
        await core.clock.plant.sleep(8 * 3600.0)
        state = await core.stop_all(ANNA, "smoke")
        assert state.active and {report.confirmed for report in state.reports} == {True}

    async def later(core: StationCore) -> None:
        assert core.info().stop_all.active
        assert [alarm.text for alarm in open_alarms(core, "stop.all")] == [
            "all outputs were stopped by anna: smoke"
        ]
        await core.clock.plant.sleep(3600.0)
        assert bench.energising("1-1") == ["start"]
        with pytest.raises(UserInputError, match="release"):
            await core.release_stop_all(ANNA, "looked at", "yes")
        await core.release_stop_all(ANNA, "looked at", "release")
        assert open_alarms(core, "stop.all") == []
        for channel in ("neware:1-1", "neware:1-2"):
            status = core.channel(channel)
            if status.lane or status.tripped:
                await core.reset_channel(ANNA, channel, "looked at", channel)
        await until_over(core)

    bench.live(begin)
    bench.live(later)
    assert bench.energising("1-1") == ["start", "start"]


def test_a_trip_latches_the_channel_until_a_person_resets_it(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def begin(core: StationCore) -> None:
        await bench.load_cells(core)
        await submitted(core, wish(1, 50), wish(1))
        await core.clock.plant.sleep(8 * 3600.0)
        core.listener.latch(ChannelId("neware:1-1"), "planted")
        (run,) = core.supervisor.active()
        await core.runs.stop(ANNA, run.run_id, reason="enough")
        await core.clock.plant.sleep(3600.0)

    async def later(core: StationCore) -> None:
        await core.clock.plant.sleep(3600.0)
        assert core.channel("neware:1-1").tripped == "planted"
        assert bench.energising("1-1") == ["start"]
        with pytest.raises(UserInputError, match="confirmation"):
            await core.reset_channel(ANNA, "neware:1-1", "looked at")
        await core.reset_channel(ANNA, "neware:1-1", "looked at", "neware:1-1")
        await until_over(core)

    bench.live(begin)
    bench.live(later)
    assert bench.energising("1-1") == ["start", "start"]


def test_a_trip_is_durable_at_once_not_with_the_next_turn_of_the_house(tmp_path: Path) -> None:
    """A station that was killed within its pause of five seconds had forgotten the trip that everybody saw."""
    bench = lab(tmp_path)

    async def begin(core: StationCore) -> None:
        await core.clock.link.sleep(1.0)
        turns = core.beats
        core.listener.latch(ChannelId("neware:1-1"), "planted")
        await core.clock.link.sleep(1.0)
        assert core.beats == turns + 1 and core.house_every_s > 2.0
        assert b"planted" in core.root.disk.read(core.root.path / "station" / "latches.jsonl")

    bench.live(begin)


def test_a_note_and_a_stop_are_in_the_journal_with_their_person(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        await submitted(core, wish(1, 50))
        await core.clock.plant.sleep(4 * 3600.0)
        (run,) = core.supervisor.active()
        await core.runs.note(ANNA, run.run_id, text="smells of solvent")
        assert await core.runs.stop(ANNA, run.run_id, reason="smell")
        await until_over(core)
        (note,) = (await core.runs.detail(run.run_id)).notes
        assert (note.by, note.text) == ("anna", "smells of solvent")
        acts = {entry.act: entry for entry in await core.audit.newest(100)}
        assert acts["run.stop"].reason == "smell" and acts["run.stop"].subject == run.run_id
        assert (await core.audit.verify()).ok

    bench.live(story)


def test_an_ended_run_says_how_many_rows_and_how_much_time_it_has_in_this_life_and_the_next(
    tmp_path: Path,
) -> None:
    bench = lab(tmp_path)

    async def finished(core: StationCore) -> tuple[str, int, float]:
        await bench.load_cells(core)
        await submitted(core, wish(1))
        (job,) = await until_over(core)
        rows = await core.runs.records(str(job.run_id), limit=100_000)
        return str(job.run_id), int(rows["sequence"][-1]), float(rows["test_time_second"][-1])

    async def listed(core: StationCore) -> tuple[int, float]:
        (summary,) = core.runs.list(state="ended")
        return summary.rows, summary.test_time_s

    run_id, count, test_time_s = bench.live(finished)
    assert count > 100
    assert bench.live(listed) == (count, test_time_s)
    folder = bench.root().run_folder(run_id)
    manifest = json.loads(bench.disk.read(folder / "run.json"))
    assert (manifest["rows"], manifest["test_time_s"]) == (count, test_time_s)
    assert isinstance(bench.disk, SimulatedDisk)
    older = {name: value for name, value in manifest.items() if name not in ("rows", "test_time_s", "check")}
    bench.disk.put(
        folder / "run.json", encode_manifest(older)
    )  # as labctl wrote it before it noted the length
    assert bench.live(listed) == (count, test_time_s)


def test_plant_time_is_needed_by_nobody_while_the_station_has_nothing_to_do(tmp_path: Path) -> None:
    bench = CoreBench(
        small_bench({"variant": "LIQ-P", "chamber": "oven"}, chambers=[{"name": "oven"}]), tmp_path
    )

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        await core.clock.link.sleep(1000.0)
        assert next_plant_moment_s(core.clock) is None
        (before,) = core.chambers()
        assert before.state not in ("opening", "stale")
        await core.clock.link.sleep(1000.0)
        (after,) = core.chambers()
        assert after.seen_utc > before.seen_utc  # it is read all the same
        await submitted(core, wish(1))
        (job,) = await until_over(core)
        assert job.state is JobState.ENDED
        await core.clock.link.sleep(1000.0)
        assert next_plant_moment_s(core.clock) is None

    bench.live(story)


def test_rows_fetched_after_an_outage_are_marked_in_the_curve_while_the_run_still_goes_on(
    tmp_path: Path,
) -> None:
    bench = lab(tmp_path, cells=1)
    bench.cable_out("neware", 2 * 3600.0, 4 * 3600.0)

    async def story(core: StationCore) -> list[tuple[float, bool]]:
        await bench.load_cells(core)
        await submitted(core, wish(1, 20))
        await core.clock.plant.sleep(8 * 3600.0)
        (run,) = core.runs.list()
        assert run.state == "running"
        # so few pixels are answered from the pyramid in memory, not from the rows on the disk
        table = await core.series.series(run.run_id, ("voltage_volt",), width_px=30)
        marks = [bool(flags & BACKFILLED) for flags in table["flags"].to_pylist()]
        return list(zip(table["x_first"].to_pylist(), marks, strict=True))

    seen = bench.live(story)
    late_s = [second for second, late in seen if late]
    assert late_s and all(3600.0 < second < 4.3 * 3600.0 for second in late_s)
    assert len(late_s) < len(seen)
