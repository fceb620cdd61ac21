"""Device and data faults, one by one: the expected event, the end state, no row lost or doubled.

Ids are those of the fault table in the safety specification.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labctl.engine.jobs import Progress, RunResult
from labctl.engine.machines.findings import Outcome, Priority
from labctl.engine.machines.life import Phase
from labctl.interfaces.cycler import ChannelState
from labctl.model.program import Limits, Loop, RecordRule, Segment
from labctl.store.runreader import RunReader
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.fakecycler import FakeBench, ohmic
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

FOLDER = Path("/virtual/data")


class Lived:
    """A process with one run, and what became of it."""

    def __init__(self, world: FakeBench | None = None, *, poll_s: float = 300.0) -> None:
        self.world = world or bench()
        self.disk = SimulatedDisk()
        self.process = Process(self.world, FOLDER, poll_s=poll_s, disk=self.disk)

    def run(self, **options: Any) -> RunResult:
        """Run ten cycles on the first channel."""
        flow = options.pop("flow", cycling(6, 600.0))
        return self.process.run([job(program(flow, **options))])[0]

    def reader(self) -> RunReader:
        """Return the run's folder as stored."""
        return RunReader(next(iter(self.process.root().run_folders())), disk=self.disk)

    def kinds(self) -> list[str]:
        """Return the kinds of the stored events."""
        return [str(event["kind"]) for event in self.reader().events()]

    def whole(self) -> None:
        """Check that the rows are numbered one by one and each came from the device once."""
        rows = self.reader().records(["sequence", "segment", "device_sequence", "test_time_second"])
        assert rows["sequence"].tolist() == list(range(1, len(rows) + 1))
        assert len(set(zip(rows["segment"].tolist(), rows["device_sequence"].tolist(), strict=True))) == len(
            rows
        )
        assert np.all(np.diff(rows["test_time_second"]) >= 0.0)


def at_row(rows_wanted: int, act: Callable[[], None]) -> Callable[[Progress], None]:
    """Return an observer that acts once, when the run has that many rows."""
    done = False

    def observe(progress: Progress) -> None:
        nonlocal done
        if progress.rows >= rows_wanted and not done:
            done = True
            act()

    return observe


def test_f08_instrument_that_restarts_holds_the_run_and_keeps_its_rows() -> None:
    lived = Lived()
    lived.process.on_progress = at_row(200, lambda: lived.world.stop_from_outside("1-1"))
    result = lived.run()
    assert result.outcome is Outcome.HELD
    assert "stopped.outside" in lived.kinds()
    assert [entry[0] for entry in lived.world.truth] == ["start"]
    assert any(finding.priority is Priority.HIGH for finding in result.findings)
    lived.whole()


@pytest.mark.slow
def test_f09_device_that_went_on_alone_for_hours_is_back_filled() -> None:
    lived = Lived(bench(model=ohmic()))
    quiet = Lived()
    quiet.run(flow=cycling(100, 600.0))
    outage = {"left": 60}

    def fate(_: int, operation: str) -> str:
        cycler = lived.process.cycler
        if cycler is not None and len(cycler.bench.truth) and lived.world.now_s > 3600.0 and outage["left"]:
            outage["left"] -= 1
            return "lost"
        return ""

    lived.process.fate = fate
    result = lived.run(flow=cycling(100, 600.0))
    assert result.outcome is Outcome.FINISHED
    kinds = lived.kinds()
    assert kinds.count("link.lost") == 1
    assert kinds.count("link.unknown") == 1
    assert kinds.count("link.back") == 1
    receipts = [receipt for _, _, receipt in lived.reader().receipts()]
    assert any(receipt.backfilled for receipt in receipts)
    assert not all(receipt.backfilled for receipt in receipts)
    assert lived.reader().digest() == quiet.reader().digest()
    lived.whole()


def test_f10_records_that_the_device_lost_are_a_gap_with_its_exact_range() -> None:
    lived = Lived()

    def lose() -> None:
        lived.world.channels["1-1"].tests[-1].offset = 350

    lived.process.on_progress = at_row(200, lose)
    result = lived.run()
    assert result.outcome is Outcome.FINISHED
    gaps = [event for event in lived.reader().events() if event["kind"] == "gap"]
    assert len(gaps) == 1
    rows = lived.reader().records(["sequence", "device_sequence"])
    jump = int(np.flatnonzero(np.diff(rows["device_sequence"]) > 1)[0])
    lost = f"{int(rows['device_sequence'][jump]) + 1} to {int(rows['device_sequence'][jump + 1]) - 1}"
    assert lost in gaps[0]["text"]
    assert gaps[0]["sequence"] == int(rows["sequence"][jump + 1])
    assert rows["sequence"].tolist() == list(range(1, len(rows) + 1))


def test_f11_cycle_counter_that_is_reset_leaves_ours_going_on() -> None:
    lived = Lived()

    def reset(rows: dict[str, Any]) -> None:
        late = rows["device_sequence"] > 400
        rows["device_cycle"] = np.where(late, np.maximum(rows["device_cycle"] - 2, 1), rows["device_cycle"])

    lived.process.edit_rows = reset
    result = lived.run()
    assert result.outcome is Outcome.FINISHED
    assert lived.kinds().count("counter.reset") == 1
    cycles = lived.reader().records(["cycle_count"])["cycle_count"]
    assert np.all(np.diff(cycles) >= 0)
    lived.whole()


@pytest.mark.parametrize("field", ["voltage_volt", "current_ampere", "step_capacity_ah", "step_energy_wh"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 9.9e37])
def test_f13_sentinel_values_are_bad_and_stop_nothing(field: str, value: float) -> None:
    if value == 9.9e37 and field.startswith("step_"):
        return  # no plausible range is known for counters
    lived = Lived()

    def spoil(rows: dict[str, Any]) -> None:
        rows[field][(rows["device_sequence"] > 300) & (rows["device_sequence"] < 320)] = value

    lived.process.edit_rows = spoil
    result = lived.run(detections=[SHORT_STOPS])
    assert result.outcome is Outcome.FINISHED
    rows = lived.reader().records(["device_sequence", "quality"])
    bad = rows["device_sequence"][rows["quality"] != 0]
    assert bad.tolist() == list(range(301, 320))
    assert "reading.bad" in lived.kinds()
    lived.whole()


def test_f13_bad_step_time_is_bad_and_test_time_never_falls() -> None:
    lived = Lived()

    def spoil(rows: dict[str, Any]) -> None:
        rows["step_time_second"][rows["device_sequence"] % 37 == 0] = float("nan")

    lived.process.edit_rows = spoil
    assert lived.run().outcome is Outcome.FINISHED
    quiet = Lived()
    quiet.run()
    mine = lived.reader().records(["test_time_second", "quality"])
    wanted = quiet.reader().records(["test_time_second"])["test_time_second"]
    good = mine["quality"] == 0
    assert np.array_equal(mine["test_time_second"][good], wanted[good])
    lived.whole()


def test_f13_bad_readings_for_long_are_an_alarm() -> None:
    lived = Lived(poll_s=60.0)

    def spoil(rows: dict[str, Any]) -> None:
        rows["voltage_volt"][rows["device_sequence"] > 300] = float("nan")

    lived.process.edit_rows = spoil
    result = lived.run()
    alarm = next(finding for finding in result.findings if finding.kind == "reading.bad.long")
    assert alarm.priority is Priority.HIGH
    assert result.outcome is Outcome.FINISHED  # device-driven: the device guards its own limits


@pytest.mark.parametrize(("step_type", "expected"), [(1, True), (0, False)])
def test_f14_frozen_reading_is_told_in_cc_and_not_in_rest(step_type: int, expected: bool) -> None:
    lived = Lived()

    def freeze(rows: dict[str, Any]) -> None:
        mask = rows["step_type"] == step_type
        rows["voltage_volt"][mask] = 0.1
        rows["step_capacity_ah"][mask] = 1e-6
        rows["step_energy_wh"][mask] = 1e-7

    lived.process.edit_rows = freeze
    flow = (Segment(1, (rest(1, 1800.0), Loop(2, (charge(2, 1800.0), charge(3, 1800.0, -CURRENT_A))))),)
    lived.run(flow=flow)
    assert ("reading.frozen" in lived.kinds()) is expected


def test_f27_channel_used_by_someone_else_is_held_and_not_stopped() -> None:
    lived = Lived()

    def foreign() -> None:
        lived.world.start_from_outside("1-1", Segment(1, (rest(1, 9000.0),)), RecordRule(every_s=10.0))

    lived.process.on_progress = at_row(200, foreign)
    result = lived.run()
    assert result.outcome is Outcome.HELD
    assert "channel.reused" in lived.kinds()
    assert [entry[0] for entry in lived.world.truth] == ["start"]  # theirs runs on
    assert lived.world.channels["1-1"].tests[-1].end_s > lived.world.now_s
    lived.whole()


def test_f42_current_that_is_not_the_one_asked_for_stops_and_holds() -> None:
    lived = Lived()

    def scale(rows: dict[str, Any]) -> None:
        rows["current_ampere"] *= 1.02  # a range that clamps, a wrong calibration

    lived.process.edit_rows = scale
    result = lived.run(limits=Limits(voltage_min_V=-5.0, voltage_max_V=5.0))
    assert result.outcome is Outcome.HELD
    assert "verify.failed" in lived.kinds()
    assert [entry[0] for entry in lived.world.truth] == ["start", "stop"]


def test_f28_cell_that_comes_off_is_stopped_and_held() -> None:
    lived = Lived()

    def come_off(rows: dict[str, Any]) -> None:
        late = (rows["device_sequence"] > 400) & (rows["step_type"] != 0)
        rows["current_ampere"][late] = 0.0

    lived.process.edit_rows = come_off
    result = lived.run()
    assert result.outcome is Outcome.HELD
    assert "come off" in result.reason
    assert [entry[0] for entry in lived.world.truth] == ["start", "stop"]


def test_i05_rows_beyond_a_limit_trip_and_end_at_the_second_of_them() -> None:
    lived = Lived()

    def rise(rows: dict[str, Any]) -> None:
        rows["voltage_volt"][rows["device_sequence"] >= 400] = 5.1

    lived.process.edit_rows = rise
    result = lived.run()
    assert result.outcome is Outcome.TRIPPED
    assert result.end_sequence == 401
    assert len(lived.reader().records()) == 401
    assert len(lived.reader().tail())
    assert [entry[0] for entry in lived.world.truth] == ["start", "stop"]


def test_i05_one_row_far_beyond_a_limit_trips_at_once() -> None:
    lived = Lived()

    def spike(rows: dict[str, Any]) -> None:
        rows["voltage_volt"][rows["device_sequence"] == 400] = 5.3

    lived.process.edit_rows = spike
    assert lived.run().end_sequence == 400


def test_one_row_just_beyond_a_limit_does_not_trip() -> None:
    lived = Lived()

    def spike(rows: dict[str, Any]) -> None:
        rows["voltage_volt"][rows["device_sequence"] == 400] = 5.1

    lived.process.edit_rows = spike
    assert lived.run().outcome is Outcome.FINISHED


def test_protection_of_the_device_is_an_end_and_not_a_failure() -> None:
    lived = Lived(bench(model=ohmic(7000.0)))
    result = lived.run(limits=Limits(voltage_min_V=-5.0, voltage_max_V=5.0))
    assert result.outcome is Outcome.PROTECT
    assert result.ok
    assert lived.world.channels["1-1"].tests[-1].end_state is ChannelState.PROTECTED


def test_garbled_rows_are_asked_for_again_and_then_held() -> None:
    lived = Lived()
    asked = {"count": 0}

    def shuffle(rows: dict[str, Any]) -> None:
        if len(rows["device_sequence"]) and rows["device_sequence"][0] > 200:
            asked["count"] += 1
            rows["device_sequence"] -= 5  # an overlap, for ever

    lived.process.edit_rows = shuffle
    result = lived.run()
    assert asked["count"] == 3  # once and two re-reads
    assert result.outcome is None
    assert result.reason.startswith("held:")
    assert lived.kinds().count("held") == 1
    lived.process.edit_rows = None
    assert lived.process.resume()[0].outcome is Outcome.FINISHED
    lived.whole()


def test_overlap_that_goes_away_costs_nothing() -> None:
    lived = Lived()
    left = {"count": 2}

    def shuffle(rows: dict[str, Any]) -> None:
        if len(rows["device_sequence"]) and rows["device_sequence"][0] > 200 and left["count"]:
            left["count"] -= 1
            rows["device_sequence"] -= 5

    lived.process.edit_rows = shuffle
    assert lived.run().outcome is Outcome.FINISHED
    lived.whole()


def test_another_instrument_at_the_place_holds_every_run() -> None:
    lived = Lived()

    def swap() -> None:
        lived.world.identity = "another cycler"

    lived.process.on_progress = at_row(200, swap)
    dead = {"left": 1}

    def fate(_: int, operation: str) -> str:
        if lived.world.identity == "another cycler" and dead["left"]:
            dead["left"] -= 1
            return "lost"
        return ""

    lived.process.fate = fate
    result = lived.run()
    assert result.outcome is None
    assert "another instrument" in result.reason
    assert [entry[0] for entry in lived.world.truth] == ["start"]


def test_person_who_leaves_finds_the_run_going_on_and_takes_it_up_again() -> None:
    lived = Lived()
    quiet = Lived()
    quiet.run()
    lived.process.on_progress = at_row(200, lambda: lived.process.stop.detach())
    left = lived.run()
    assert left.outcome is None
    assert left.state == "running"
    assert [entry[0] for entry in lived.world.truth] == ["start"]
    lived.process.on_progress = None
    lived.world.advance_to(lived.world.now_s + 1234.5)
    assert lived.process.resume()[0].outcome is Outcome.FINISHED
    assert lived.reader().digest() == quiet.reader().digest()


def test_person_who_stops_finds_every_row_up_to_the_stop() -> None:
    lived = Lived()
    lived.process.on_progress = at_row(200, lambda: lived.process.stop.stop("enough"))
    result = lived.run()
    assert (result.outcome, result.reason, result.end_sequence) == (Outcome.STOPPED, "enough", None)
    device = lived.world.channels["1-1"].tests[-1]
    assert len(lived.reader().records()) == int(np.searchsorted(device.plant_s, device.end_s + 1e-9, "right"))


@pytest.mark.parametrize("operation", range(40, 400, 23))
def test_f19_disk_that_fails_once_loses_no_row(operation: int) -> None:
    lived = Lived()
    lived.disk.fail_at = operation
    lived.run()
    lived.disk.fail_at = None
    result = lived.process.resume()[0]
    assert result.outcome is Outcome.FINISHED
    lived.whole()
    quiet = Lived()
    quiet.run()
    assert lived.reader().digest() == quiet.reader().digest()


def test_f18_full_disk_leaves_the_run_to_its_device_and_a_later_process_takes_it_up() -> None:
    lived = Lived()

    def fill() -> None:
        lived.disk.quota_bytes = lived.disk.used_bytes + 2000

    lived.process.on_progress = at_row(200, fill)
    result = lived.run()
    assert result.outcome is None
    assert "could not be stored" in result.reason
    assert [entry[0] for entry in lived.world.truth] == ["start"]
    assert any(finding.priority is Priority.CRITICAL for finding in result.findings)
    lived.process.on_progress = None
    lived.disk.quota_bytes = None
    assert lived.process.resume()[0].outcome is Outcome.FINISHED
    lived.whole()


def test_phases_that_were_seen_are_those_of_a_quiet_life() -> None:
    lived = Lived()
    lived.run()
    order = list(dict.fromkeys(progress.phase for progress in lived.process.seen))
    assert order[0] is Phase.RUNNING
    assert order[-1] is Phase.ENDED
