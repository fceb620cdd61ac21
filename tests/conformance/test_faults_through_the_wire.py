"""Faults between the engine and a simulated Neware, and of the device itself: real engine, driver, wire and store.

Two cells run: one to the end of its program, one until a detection stops it. Whatever happens, the stored rows are
those of the undisturbed runs, each number of the device once, and the bench's truth log shows one start per run.
Names carry the fault's id in the safety specification.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labctl.engine.jobs import Job, RunResult
from labctl.engine.machines.findings import Outcome, Priority
from labctl.testing.benchrun import BenchRun, small_bench
from labctl.testing.fakeruns import SHORT_STOPS, cycling, job, program
from labctl.transport.faults import Fault, FaultKind, FaultPlan, Side

HALF_S = 300.0
SHORTED = {"cell_id": "C102", "overrides": {"short_mAh_cm2": 0.4}}
QUIET = FaultPlan(())
FIRST = 6
"""Exchanges before this one open the station: login, places and identity."""


def lab(folder: Path, *, poll_s: float = 300.0) -> BenchRun:
    """Return a bench with a healthy cell and one that shorts in its third cycle."""
    return BenchRun(small_bench({"cell_id": "C101"}, SHORTED), folder, poll_s=poll_s)


def jobs(cycles: int = 8) -> list[Job]:
    """Return a run to its end and a run that a detection stops."""
    return [
        job(program(cycling(cycles, HALF_S), "1-1")),
        job(program(cycling(12, HALF_S), "1-2", detections=[SHORT_STOPS])),
    ]


Story = list[tuple[str, Outcome | None, int | None]]


def story(bench: BenchRun, results: list[RunResult]) -> Story:
    """Return digest, outcome and end sequence of each run, after checking that its rows are whole."""
    for result in results:
        reader = bench.reader(result)
        rows = reader.records(["sequence", "segment", "device_sequence", "test_time_second"])
        assert rows["sequence"].tolist() == list(range(1, len(rows) + 1))
        pairs = set(zip(rows["segment"].tolist(), rows["device_sequence"].tolist(), strict=True))
        assert len(pairs) == len(rows)  # I02
        assert np.all(np.diff(rows["test_time_second"]) >= 0.0)  # I03
        assert reader.verify() == []
    return [(bench.reader(item).digest(), item.outcome, item.end_sequence) for item in results]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Story, int, int]:
    """Return the undisturbed story, and how many exchanges each lane had."""
    bench = lab(tmp_path_factory.mktemp("quiet"))
    bench.plans = {"neware": [QUIET, QUIET]}
    results = bench.run(jobs())
    assert [result.outcome for result in results] == [Outcome.FINISHED, Outcome.SHORT]
    assert bench.energising("1-1") == bench.energising("1-2") == ["start"]
    normal, stop = bench.pipes["neware"]
    return story(bench, results), normal.exchanges, stop.exchanges


EVENT: dict[FaultKind, str] = {
    FaultKind.DROP: "link.lost",
    FaultKind.HANG: "link.lost",
    FaultKind.GARBLE: "reply.garbled",
    FaultKind.LATE: "link.lost",  # later than the reply may take
    FaultKind.SPLIT: "",  # the frame is put together: nothing has happened
    FaultKind.MERGE: "",
    FaultKind.DUPLICATE: "",  # dropped before the next question, told in the log
}


def seam(kind: FaultKind, seed: int, exchanges: int) -> Fault:
    """Return one fault of a kind at a seeded exchange; a garbled byte stands where XML cannot bear it."""
    dice = random.Random(f"{kind} {seed}")
    garbled = kind is FaultKind.GARBLE
    return Fault(
        kind,
        exchange=dice.randrange(FIRST, exchanges + 1),
        byte=dice.randrange(1, 5) if garbled else dice.randrange(200) if kind is not FaultKind.LATE else 0,
        bit=dice.randrange(7),
        size=dice.randint(1, 7),
        delay_s=45.0,
        opens_refused=dice.choice([0, 1, 3]) if kind is FaultKind.DROP else 0,
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", list(FaultKind))
def test_f01_to_f07_each_seam_leaves_its_event_and_the_same_rows(
    kind: FaultKind, seed: int, quiet: tuple[Story, int, int], tmp_path: Path
) -> None:
    bench = lab(tmp_path)
    fault = seam(kind, seed, quiet[1])
    bench.plans = {"neware": [FaultPlan((fault,)), QUIET]}
    results = bench.run(jobs())
    fired = bool(bench.pipes["neware"][0].fired)
    assert story(bench, results) == quiet[0], str(fault)
    assert bench.energising("1-1") == bench.energising("1-2") == ["start"]
    told = {kind for result in results for kind in bench.kinds(result)}
    told |= {str(line["kind"]) for result in results for line in bench.reader(result).journal()}
    known = {"link.lost", "link.back", "reply.garbled", "start.unknown"}
    if fired and EVENT[kind]:  # round a start the journal tells, because it decides what may be sent next
        assert told & {EVENT[kind], "start.unknown", "start.not_taken"}, str(fault)
    else:
        assert not told & known, str(fault)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_f01_to_f07_on_the_stop_lane_the_stop_is_confirmed_all_the_same(
    kind: FaultKind, quiet: tuple[Story, int, int], tmp_path: Path
) -> None:
    bench = lab(tmp_path)
    fault = Fault(kind, exchange=quiet[2], byte=3 if kind is FaultKind.GARBLE else 0, delay_s=45.0)
    bench.plans = {"neware": [QUIET, FaultPlan((fault,))]}
    results = bench.run(jobs())
    assert bench.pipes["neware"][1].fired
    assert story(bench, results) == quiet[0]
    assert bench.admin("truth", slot="neware:1-2")["status"] == "stop"


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.HANG])
@pytest.mark.parametrize("side", list(Side))
def test_f41_start_whose_answer_is_lost_is_read_back_and_never_sent_twice(
    kind: FaultKind, side: Side, quiet: tuple[Story, int, int], tmp_path: Path
) -> None:
    """Try every exchange around the two starts, each in a bench of its own."""
    unknown = 0
    for exchange in range(FIRST, FIRST + 14):
        bench = lab(tmp_path / str(exchange))
        bench.plans = {"neware": [FaultPlan((Fault(kind, exchange, side),)), QUIET]}
        results = bench.run(jobs(2))
        assert [result.outcome for result in results] == [Outcome.FINISHED, Outcome.SHORT], exchange
        assert bench.energising("1-1") == bench.energising("1-2") == ["start"], exchange
        unknown += sum("start.unknown" in bench.kinds(result) for result in results)
    assert unknown >= 2


def test_f44_link_that_garbles_everything_is_one_alarm_and_the_rows_come_later(
    quiet: tuple[Story, int, int], tmp_path: Path
) -> None:
    bench = lab(tmp_path)
    garbling = Fault(FaultKind.GARBLE, exchange=40, byte=2, from_then_on=True)
    bench.plans = {"neware": [FaultPlan((garbling,)), QUIET]}
    bench.at(40_000.0, lambda: bench.stop.detach())
    results = bench.run(jobs())
    assert [result.outcome for result in results] == [None, None]
    alarms = [[item.kind for item in result.findings if item.kind == "poll.failed"] for result in results]
    assert alarms == [["poll.failed"], ["poll.failed"]]
    assert story(bench, bench.resume()) == quiet[0]
    assert bench.energising("1-1") == bench.energising("1-2") == ["start"]


# -- the device ------------------------------------------------------------------------------------------------


def neware(kind: str, **fields: object) -> dict[str, object]:
    """Return the fields of an admin request that begins a fault of the healthy cell's channel."""
    return {"instrument": "neware", "slot": "neware:1-1", "kind": kind, **fields}


def one(bench: BenchRun, cycles: int = 8) -> RunResult:
    """Run the healthy cell alone."""
    return bench.run(jobs(cycles)[:1])[0]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the digest of the undisturbed healthy cell."""
    bench = lab(tmp_path_factory.mktemp("alone"))
    one(bench)
    return bench.reader().digest()


def finding(result: RunResult, kind: str) -> Any:
    """Return the one finding of a kind."""
    (found,) = [item for item in result.findings if item.kind == kind]
    return found


@pytest.mark.parametrize("plant_s", [100.0, 700.0, 1000.0, 4000.0])
def test_f08_cycler_that_restarts_leaves_the_run_held_and_nothing_is_started_again(
    plant_s: float, tmp_path: Path
) -> None:
    """In rest, in charge, in discharge, late in the run."""
    bench = lab(tmp_path)
    bench.at(plant_s, "fault", instrument="neware", kind="reboot")
    result = one(bench)
    assert result.outcome is Outcome.HELD
    assert finding(result, "stopped.outside").priority is Priority.HIGH
    assert bench.energising("1-1") == ["start"]
    truth = bench.admin("truth", slot="neware:1-1")
    assert result.rows == truth["count"] > 0
    story(bench, [result])


@pytest.mark.parametrize("hours", [0.0, 0.02, 1.0, 12.0, pytest.param(72.0, marks=pytest.mark.slow)])
def test_f09_device_that_went_on_alone_is_back_filled_and_marked(hours: float, tmp_path: Path) -> None:
    cycles = int(6 * hours) + 8
    calm, bench = lab(tmp_path / "calm"), lab(tmp_path / "out")
    one(calm, cycles)
    bench.cable_out("neware", 2000.0, 2000.0 + 3600.0 * hours)
    result = one(bench, cycles)
    assert result.outcome is Outcome.FINISHED
    assert bench.reader().digest() == calm.reader().digest()
    backfilled = [(first, last) for first, last, receipt in bench.reader().receipts() if receipt.backfilled]
    polled_during = hours * 3600.0 > 100.0  # a poll at 2100 s meets the outage
    assert bool(backfilled) is polled_during
    assert bench.kinds().count("link.lost") == bench.kinds().count("link.back") == int(polled_during)
    assert bench.kinds().count("link.unknown") == int(hours >= 1.0)
    if polled_during:
        rows = bench.reader().records(["sequence", "test_time_second"])
        time_s = rows["test_time_second"][[backfilled[0][0] - 1, backfilled[-1][1] - 1]]
        assert time_s[0] >= 1500.0  # what was fetched before the outage stays GOOD
        assert time_s[1] >= min(2000.0 + 3600.0 * hours, result.test_time_s) - 300.0
    assert bench.energising("1-1") == ["start"]


def test_f10_records_that_the_tester_lost_are_a_gap_with_their_range(tmp_path: Path) -> None:
    bench = lab(tmp_path)
    bench.at(4010.0, "fault", **neware("overrun", records=10))
    result = one(bench)
    assert result.outcome is Outcome.FINISHED
    assert finding(result, "gap").priority is Priority.HIGH
    rows = bench.reader().records(["sequence", "device_sequence"])
    hole = int(np.flatnonzero(np.diff(rows["device_sequence"]) > 1)[0])
    first, last = int(rows["device_sequence"][hole]) + 1, int(rows["device_sequence"][hole + 1]) - 1
    assert last - first == 9
    assert f"{first} to {last}" in finding(result, "gap").text
    assert rows["sequence"].tolist() == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("value", ["nan", "9.9e37", "-inf"])
@pytest.mark.parametrize("field", ["volt_V", "curr_A"])
def test_f13_sentinel_on_the_wire_is_bad_and_never_zero_and_stops_nothing(
    field: str, value: str, tmp_path: Path
) -> None:
    bench = lab(tmp_path)
    bench.at(4003.0, "fault", **neware("bad_value", field=field, value=value))
    bench.at(4503.0, "fault", **neware("bad_value", on=False))
    result = one(bench)
    assert result.outcome is Outcome.FINISHED
    rows = bench.reader().records(["test_time_second", "voltage_volt", "current_ampere", "quality"])
    bad = rows["quality"] != 0
    assert bool(np.all((rows["test_time_second"][bad] >= 4003.0) & (rows["test_time_second"][bad] <= 4503.0)))
    assert bad.sum() >= 50
    column = "voltage_volt" if field == "volt_V" else "current_ampere"
    assert not np.any(rows[column][bad] == 0.0)
    assert "reading.bad" in bench.kinds()


@pytest.mark.parametrize(("from_s", "until_s", "told"), [(700.0, 1700.0, True), (2.0, 590.0, False)])
def test_f14_frozen_reading_is_told_under_current_and_not_at_rest(
    from_s: float, until_s: float, told: bool, tmp_path: Path
) -> None:
    bench = BenchRun(small_bench({"cell_id": "C101"}), tmp_path, poll_s=300.0)
    bench.at(from_s, "fault", **neware("freeze"))
    bench.at(until_s, "fault", **neware("freeze", on=False))
    result = bench.run([job(program(cycling(3, 1200.0)))])[0]
    assert ("reading.frozen" in [item.kind for item in result.findings]) is told
    assert result.outcome is Outcome.FINISHED


@pytest.mark.parametrize("plant_s", [100.0, 4000.0])
def test_f28_cell_that_comes_off_ends_within_two_polls_and_is_never_started_again(
    plant_s: float, tmp_path: Path
) -> None:
    """At rest an open lead shows nothing; the first row under current does."""
    bench = lab(tmp_path)
    bench.at(plant_s, "fault", **neware("open_contact"))
    result = one(bench)
    assert result.outcome in (Outcome.HELD, Outcome.PROTECT, Outcome.TRIPPED)
    under_current_s = max(plant_s, 600.0)
    assert bench.bench.now_s <= under_current_s + 2 * 300.0 + 30.0
    assert bench.admin("truth", slot="neware:1-1")["status"] in ("stop", "protect")
    assert bench.energising("1-1") == ["start"]
    assert any(item.priority is not Priority.EVENT for item in result.findings)


def test_f42_current_that_the_tester_clamps_silently_is_seen_in_the_first_rows(tmp_path: Path) -> None:
    bench = lab(tmp_path)
    bench.admin("fault", **neware("clamp", current_A=5e-4))
    result = one(bench)
    assert result.outcome is Outcome.HELD
    assert finding(result, "verify.failed").priority is Priority.HIGH
    assert bench.admin("truth", slot="neware:1-1")["status"] == "stop"


Oddity = Callable[[BenchRun], None]
ODDITIES: dict[str, Oddity] = {
    "wrong subdevid": lambda bench: bench.at(0.0, "fault", **neware("wrong_subdevid")),
    "upload lags by 12 min": lambda bench: bench.at(0.0, "fault", **neware("upload_lag", lag_s=720.0)),
    "count is late by 7": lambda bench: bench.at(0.0, "fault", **neware("late_count", records=7)),
    "clock back by 1 h": lambda bench: bench.at(4000.0, "fault", **neware("clock_jump", shift_s=-3600)),
    "clock on by 1 h": lambda bench: bench.at(4000.0, "fault", **neware("clock_jump", shift_s=3600)),
    "unknown attributes": lambda bench: bench.at(0.0, "fault", **neware("extra_attributes")),
    "modern client": lambda bench: bench.at(0.0, "fault", **neware("modern_client")),
    "right spelling": lambda bench: bench.at(0.0, "fault", **neware("right_spelling")),
}


@pytest.mark.parametrize("oddity", list(ODDITIES))
def test_oddities_of_an_installation_leave_no_trace_in_the_rows(
    oddity: str, alone: str, tmp_path: Path
) -> None:
    bench = lab(tmp_path)
    ODDITIES[oddity](bench)
    result = one(bench)
    assert result.outcome is Outcome.FINISHED
    assert bench.reader().digest() == alone
    assert bench.energising("1-1") == ["start"]
    assert not [item for item in result.findings if item.priority is not Priority.EVENT]
    assert [item.kind for item in result.findings] == ["device.clock"] * oddity.startswith("clock")
