"""Jobs over many channels: order, economy of polls, refusals, stops from another process, progress."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.engine.jobs import Job
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.life import Phase
from labctl.engine.shell import stop_run
from labctl.engine.station import Instrument, Station
from labctl.engine.stoprequest import request_stop, requested_stop
from labctl.engine.waiting import Wake, until_or_event
from labctl.errors import UserInputError
from labctl.model.program import HostIf, HostRepeat, Segment
from labctl.store.runreader import RunReader
from labctl.testing.fakecycler import FakeCycler, shorting
from labctl.testing.fakeruns import (
    CURRENT_A,
    SHORT_STOPS,
    Process,
    bench,
    charge,
    cycling,
    job,
    program,
    rest,
)

EIGHT = tuple(f"1-{channel}" for channel in range(1, 9))


def reader(process: Process, number: int = 0) -> RunReader:
    """Return a run's folder."""
    return RunReader(sorted(process.root().run_folders())[number])


def test_eight_channels_run_at_once_and_start_in_job_order(tmp_path: Path) -> None:
    process = Process(bench(EIGHT), tmp_path)
    results = process.run([job(program(cycling(3), place)) for place in EIGHT])
    assert [result.outcome for result in results] == [Outcome.FINISHED] * 8
    assert [result.index for result in results] == list(range(8))
    assert [entry[1] for entry in process.world.truth] == list(EIGHT)
    longest_s = max(result.test_time_s for result in results)
    assert process.world.now_s <= longest_s + 600.0


def test_poll_asks_once_for_all_channels_and_fetches_only_what_is_new(tmp_path: Path) -> None:
    process = Process(bench(EIGHT), tmp_path)
    process.run([job(program(cycling(3), place)) for place in EIGHT])
    cycler = process.cycler
    assert cycler is not None
    moments = Counter(round(at_s) for at_s, asked in cycler.asked if asked == "progress" and at_s > 0)
    assert set(moments.values()) == {1}
    assert all(at_s % 600 == 0 for at_s in moments)
    fetched = Counter(asked for _, asked in cycler.asked)
    assert fetched["records"] == 8 * 7  # 4,200 s of rows in polls of 600 s
    assert fetched["live"] == 1 + 8 * 2  # all at once, then each before its start and at its end


def test_long_outage_is_fetched_in_pages(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path, poll_s=50_000.0)
    (result,) = process.run([job(program(cycling(50)))])
    assert result.outcome is Outcome.FINISHED
    receipts = reader(process).receipts()
    assert len(receipts) > 4
    assert max(last - first + 1 for first, last, _ in receipts) <= 1000


def test_host_repeat_counts_cycles_like_a_device_loop(tmp_path: Path) -> None:
    halves = (charge(2), charge(3, 600.0, -CURRENT_A))
    by_host = (Segment(1, (rest(1),)), HostRepeat("pass >= 3", 9, (Segment(2, halves),)))
    process = Process(bench(), tmp_path)
    (result,) = process.run([job(program(by_host))])
    assert result.outcome is Outcome.FINISHED
    rows = reader(process).records()
    assert sorted(set(rows["cycle_count"].tolist())) == [1, 2, 3]
    assert sorted(set(rows["segment"].tolist())) == [1, 2, 3, 4]
    assert rows["test_time_second"][-1] == 600.0 + 3 * 1200.0  # rest between segments is not counted
    other = Process(bench(("1-1",)), tmp_path / "other")
    other.run([job(program(cycling(3)))])
    wanted = reader(other).records()
    for name in ("sequence", "cycle_count", "step_count", "test_time_second", "step_id"):
        same = rows[name].tolist() == wanted[name].tolist()
        assert same, name


def test_host_decides_on_measured_values(tmp_path: Path) -> None:
    def flow(limit_V: float) -> tuple[Segment | HostIf, ...]:
        chosen = HostIf(f"polarisation > {limit_V} V", (Segment(2, (rest(4),)),), (Segment(3, (rest(5),)),))
        return (Segment(1, (rest(1), charge(2), charge(3, 600.0, -CURRENT_A))), chosen)

    for limit_V, expected in ((0.05, 4), (0.5, 5)):
        process = Process(bench(), tmp_path / str(expected))
        process.run([job(program(flow(limit_V)))])
        assert reader(process).records()["step_id"][-1] == expected
        decisions = [event for event in reader(process).events() if event["kind"] == "decision"]
        assert [event["taken"] for event in decisions] == ["then" if expected == 4 else "else"]


def test_channel_cannot_be_asked_for_twice(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path)
    with pytest.raises(UserInputError, match="twice"):
        process.run([job(program(cycling())), job(program(cycling()))])
    assert list(process.root().run_folders()) == []


def test_unknown_channel_and_empty_program_are_refused(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path)
    bound = program(cycling())
    with pytest.raises(UserInputError, match="no channel"):
        process.run([job(replace(bound, channel="arbin:1"))])  # type: ignore[arg-type]  # ChannelId is a str
    with pytest.raises(UserInputError, match="no steps"):
        process.run([job(replace(bound, flow=()))])


def test_start_check_that_fails_names_item_and_fix_and_sends_nothing(tmp_path: Path) -> None:
    process = Process(bench(("1-1", "1-2")), tmp_path)
    process.world.channels["1-1"].resting_V = 3.2
    results = process.run([job(program(cycling(), "1-1")), job(program(cycling(1), "1-2"))])
    assert [result.outcome for result in results] == [Outcome.FAILED, Outcome.FINISHED]
    assert "3.200 V" in results[0].reason
    assert "polarity" in results[0].reason
    assert [entry[1] for entry in process.world.truth] == ["1-2"]


def test_overridden_check_starts_and_is_journalled(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path)
    process.world.channels["1-1"].resting_V = 0.7
    wish: Job = replace(job(program(cycling(1))), overrides={"ocv": "was polarised on purpose"}, operator="J")
    (result,) = process.run([wish])
    assert result.outcome is Outcome.FINISHED
    lines = [line for line in reader(process).journal() if line["kind"] == "check.override"]
    assert [(line["item"], line["operator"]) for line in lines] == [("ocv", "J")]


def test_channel_limits_of_the_station_bind_and_trip(tmp_path: Path) -> None:
    from labctl.config.station import ChannelLimits
    from labctl.model.program import Limits

    process = Process(bench(), tmp_path)
    bound = program(cycling(), limits=Limits(voltage_min_V=-0.05, voltage_max_V=0.05))
    process.limits = {bound.channel: ChannelLimits(Limits(voltage_min_V=-0.05, voltage_max_V=0.05))}
    (result,) = process.run([job(bound)])
    assert result.outcome is Outcome.PROTECT  # the fake device has the same limits and is faster
    loose = program(cycling())
    refused = Process(bench(), tmp_path / "refused")
    refused.limits = process.limits
    assert "Tighten" in refused.run([job(loose)])[0].reason


def test_manifest_tells_the_whole_story(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path)
    process.world.channels["1-1"].voltage_V = shorting(1)
    process.run([job(program(cycling(6), detections=[SHORT_STOPS]))])
    manifest = reader(process).manifest
    assert manifest["schema"] == "labctl.run/1"
    assert (manifest["state"], manifest["outcome"]) == ("ended", "short")
    assert manifest["end_sequence"] == reader(process).records()["sequence"][-1]
    assert manifest["clock"] == {"kind": "virtual", "mode": "jump", "epoch_unix_s": 1767225600.0}
    assert manifest["program"]["schema"] == "labctl.program/1"
    assert manifest["cell"]["cell_id"] == "C101"
    (segment,) = manifest["segments"]
    assert (segment["segment"], segment["test_id"], segment["sequence_offset"]) == (1, 1, 0)
    assert [line["kind"] for line in reader(process).journal()] == [
        "check.passed", "start.intent", "start.confirmed", "stop.intent", "stop.confirmed", "finish.begin",
    ]  # fmt: skip


def test_summary_counts_the_rows_up_to_the_end_and_no_more(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path)
    process.world.channels["1-1"].voltage_V = shorting(1)
    (result,) = process.run([job(program(cycling(6), detections=[SHORT_STOPS]))])
    cycles = reader(process).cycles()
    assert int(cycles["last_sequence"][-1]) == result.end_sequence
    assert len(cycles["cycle"]) == 4


def test_progress_says_where_each_run_stands(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path)
    process.run([job(program(cycling(3)))])
    rows = [seen.rows for seen in process.seen]
    assert rows == sorted(rows)
    last = process.seen[-1]
    assert (last.phase, last.cycle, last.channel, last.eta_s) == (Phase.ENDED, 3, "neware:1-1", 0.0)
    middle = process.seen[len(process.seen) // 2]
    assert middle.sentence
    assert math.isfinite(middle.voltage_V)


def test_ended_run_is_reported_as_it_is_when_resumed(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path)
    (before,) = process.run([job(program(cycling(2)))])
    (after,) = process.resume()
    assert (after.outcome, after.state, after.rows) == (before.outcome, "ended", before.rows)
    assert len(process.world.truth) == 1


# -- stops from another process ---------------------------------------------------------------------------


def stop_elsewhere(process: Process, reason: str) -> bool:
    """Do what ``labctl runs stop`` does, in a process of its own."""

    async def main(clock: Clock) -> bool:
        cycler = FakeCycler(process.world, clock)
        station = Station(
            "x", clock, {"neware": Instrument("neware", "fake", cycler, 600.0, "fake cycler 1")}
        )
        folder = next(iter(process.root().run_folders()))
        return await stop_run(station, process.root(), folder.name, reason=reason)

    return run_with_clock(ClockSpec(ClockMode.JUMP, start_s=process.world.now_s), main, bench=process.world)


def test_stop_from_another_process_ends_the_run_as_stopped(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path)
    done: list[bool] = []

    def meanwhile(progress: object) -> None:
        if getattr(progress, "rows", 0) > 200 and not done:
            done.append(True)
            folder = next(iter(process.root().run_folders()))
            request_stop(folder, "wrong cell", "2026-01-01T00:00:00Z")
            process.world.stop_from_outside("1-1")

    process.on_progress = meanwhile
    (result,) = process.run([job(program(cycling(9)))])
    assert (result.outcome, result.reason) == (Outcome.STOPPED, "wrong cell")


def test_stop_of_a_run_that_nobody_follows_is_sealed_by_the_next_resume(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path)
    process.on_progress = lambda progress: process.stop.detach() if progress.rows > 200 else None
    assert process.run([job(program(cycling(9)))])[0].outcome is None
    process.on_progress = None
    assert stop_elsewhere(process, "enough")
    assert [entry[0] for entry in process.world.truth] == ["start", "stop"]
    (result,) = process.resume()
    assert (result.outcome, result.reason, result.state) == (Outcome.STOPPED, "enough", "ended")
    test = process.world.channels["1-1"].tests[-1]
    assert result.rows == int(np.searchsorted(test.plant_s, test.end_s + 1e-9, "right"))
    with pytest.raises(UserInputError, match="ended already"):
        stop_elsewhere(process, "again")


def test_stop_request_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    assert requested_stop(tmp_path) == ""
    request_stop(tmp_path, "because", "2026-01-01T00:00:00Z")
    assert requested_stop(tmp_path) == "because"
    (tmp_path / "stop-request.json").write_text("{", encoding="utf-8")
    assert requested_stop(tmp_path) == "stopped by a person"


# -- waiting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wait_s", "event_s", "expected_s"), [(5.0, 9.0, 5.0), (9.0, 5.0, 5.0)])
def test_wait_ends_with_whichever_comes_first(wait_s: float, event_s: float, expected_s: float) -> None:
    async def main(clock: Clock) -> float:
        event = Wake()

        async def set_later() -> None:
            await clock.plant.sleep(event_s)
            event.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(set_later())
            await until_or_event(clock.plant.sleep(wait_s), event)
            return clock.plant.now_s()

    assert run_with_clock(ClockSpec(ClockMode.JUMP), main) == expected_s


def test_cutting_a_wait_short_is_no_cancellation_and_a_cancellation_is_no_cut() -> None:
    async def main(clock: Clock) -> tuple[int, list[str]]:
        wake, heard = Wake(), []

        async def owner() -> None:
            await until_or_event(clock.plant.sleep(60.0), wake)
            task = asyncio.current_task()
            assert task is not None
            heard.append(f"woken, cancelling {task.cancelling()}")
            wake.clear()
            try:
                await until_or_event(clock.plant.sleep(60.0), wake)
            except asyncio.CancelledError:
                heard.append("cancelled")
                raise

        async with asyncio.TaskGroup() as group:
            task = group.create_task(owner())
            await clock.plant.sleep(1.0)
            wake.set()
            wake.set()
            await clock.plant.sleep(1.0)
            wake.set()
            task.cancel()
        return int(clock.plant.now_s()), heard

    assert run_with_clock(ClockSpec(ClockMode.JUMP), main) == (
        2,
        ["woken, cancelling 0", "cancelled"],
    )


def test_failed_wait_raises_what_it_raised() -> None:
    async def broken() -> None:
        raise OSError("gone")

    async def main(clock: Clock) -> None:
        with pytest.raises(OSError, match="gone"):
            await until_or_event(broken(), Wake())

    run_with_clock(ClockSpec(ClockMode.JUMP), main)
