"""The chamber's conformance cases TC-04 to TC-11 and F39 on whole runs: real engine, drivers, wire and store.

Names carry the case of the temperature-chamber specification, section 5. The bench has no noise; the chamber is
polled each 10 s, the cycler each 600 s, so that what happens between two polls of the cycler is seen too.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labctl.engine.jobs import Job, RunResult
from labctl.engine.machines.findings import Outcome, Priority
from labctl.model.program import Limits, Segment, TemperatureDemand
from labctl.store.export import export_run
from labctl.store.runreader import RunReader
from labctl.testing.benchrun import BenchRun, small_bench
from labctl.testing.fakeruns import charge, cycling, job, program, rest
from labctl.testing.faultplan import seeded_plan
from labctl.transport.faults import FaultKind

SIXTY = TemperatureDemand(60.0)
HOT = {"air_degC": 60, "setpoint_degC": 60, "on": True}
PEO_CURRENT_A = 78.5398e-6
DOOR_OPENS_S = 4000.0
SOAKED_S = 1801.0
"""Start of a run in a chamber that stands at its set point: the soak, then the second that lets others be ready."""


def lab(folder: Path, *variants: str, oven: dict[str, Any] | None = None, **options: Any) -> BenchRun:
    """Return a bench whose cells stand in one oven."""
    cells = [{"variant": variant, "chamber": "oven"} for variant in variants or ("PEO-P",)]
    return BenchRun(small_bench(*cells, chambers=[{"name": "oven", **(oven or {})}]), folder, **options)


def jobs(*demands: TemperatureDemand | None, cycles: int = 6) -> list[Job]:
    """Return jobs for places 1-1, 1-2 ... of 20 min cycles."""
    return [
        job(program(cycling(cycles), f"1-{number}", temperature=demand))
        for number, demand in enumerate(demands, start=1)
    ]


def started_s(bench: BenchRun, result: RunResult) -> float:
    """Return the plant time of a run's start."""
    return float(bench.reader(result).manifest["segments"][0]["started_plant_s"])


def device_stopped_s(bench: BenchRun, result: RunResult) -> float:
    """Return the plant time at which the device's own log says that the test was stopped; whole seconds."""
    assert bench.admin("truth", slot=result.channel)["status"] == "stop"
    (log,) = [event for event in bench.reader(result).events() if event["kind"] == "device.log"]
    clock = datetime.fromisoformat(log["lines"][-1]["clock"])
    return (clock - datetime(2026, 1, 1)).total_seconds()


def alarms(result: RunResult) -> list[str]:
    """Return the kinds of a run's findings that ask a person to act."""
    return [finding.kind for finding in result.findings if finding.priority is not Priority.EVENT]


def oven_writes(bench: BenchRun, results: list[RunResult]) -> int:
    """Return how often a run set the chamber."""
    return sum(entry["kind"] == "chamber.set" for item in results for entry in bench.reader(item).journal())


def setpoint_degC(bench: BenchRun) -> float:
    """Return the set point that the chamber has."""
    return float(bench.admin("chamber.set", name="oven")["setpoint_degC"])


def test_tc04_run_starts_when_the_oven_has_been_at_sixty_degrees_for_half_an_hour(tmp_path: Path) -> None:
    bench = lab(tmp_path)
    (result,) = bench.run(jobs(SIXTY))
    assert result.outcome is Outcome.FINISHED
    assert started_s(bench, result) == pytest.approx(3232.0, abs=15.0)
    assert started_s(bench, result) >= 3232.0
    assert bench.energising("1-1") == ["start"]
    assert oven_writes(bench, [result]) == 1
    cell = bench.admin("truth", slot="neware:1-1")["cell"]
    assert cell["temperature_degC"] == pytest.approx(60.0, abs=0.1)


def test_tc05_dead_heater_holds_the_run_after_four_hours_and_no_step_has_run(tmp_path: Path) -> None:
    bench = lab(tmp_path)
    bench.at(300.0, "fault", instrument="oven", kind="heater_dead")
    (result,) = bench.run(jobs(SIXTY))
    assert result.outcome is Outcome.HELD
    assert bench.bench.now_s == pytest.approx(14400.0, abs=15.0)
    assert alarms(result) == ["chamber.gave_up"]
    assert next(iter(result.findings)).priority is Priority.HIGH
    assert bench.commands("1-1") == []
    assert result.rows == 0


@pytest.mark.parametrize("open_s", [60.0, 150.0])
def test_tc06_door_open_for_a_short_while_is_nothing(tmp_path: Path, open_s: float) -> None:
    bench = lab(tmp_path, "PEO-P", "PEO-Z", oven=HOT)
    bench.at(DOOR_OPENS_S, "chamber.door", name="oven", open=True)
    bench.at(DOOR_OPENS_S + open_s, "chamber.door", name="oven", open=False)
    results = bench.run(jobs(SIXTY, SIXTY))
    assert [result.outcome for result in results] == [Outcome.FINISHED, Outcome.FINISHED]
    assert [alarms(result) for result in results] == [[], []]
    assert bench.energising("1-1") == bench.energising("1-2") == ["start"]


def test_tc06_door_open_for_five_minutes_trips_every_channel_at_once(tmp_path: Path) -> None:
    """The third cell asks for no temperature, but it stands in the same air."""
    bench = lab(tmp_path, "PEO-P", "PEO-Z", "PEO-P", oven=HOT)
    bench.at(DOOR_OPENS_S, "chamber.door", name="oven", open=True)
    bench.at(DOOR_OPENS_S + 300.0, "chamber.door", name="oven", open=False)
    results = bench.run(jobs(SIXTY, SIXTY, None))
    assert [result.outcome for result in results] == [Outcome.TRIPPED] * 3
    for place, result in zip(("1-1", "1-2", "1-3"), results, strict=True):
        assert bench.energising(place) == ["start"]
        stopped_s = device_stopped_s(bench, result)
        # 5 K after 174 s; two readings 10 s apart; the stop waits for no poll of the cycler
        assert DOOR_OPENS_S + 174.0 < stopped_s <= DOOR_OPENS_S + 174.0 + 20.0 + 1.0
        assert alarms(result) == ["chamber.trip"]
        assert result.findings[-1].priority is Priority.CRITICAL
        assert result.end_sequence is None  # no row decided: all of them count


def test_tc07_failed_sensor_is_bad_and_an_alarm_and_never_zero(tmp_path: Path) -> None:
    bench = lab(tmp_path, oven=HOT)
    bench.at(4000.0, "fault", instrument="oven", kind="sensor_nan")
    bench.at(5000.0, "fault", instrument="oven", kind="sensor_nan", on=False)
    (result,) = bench.run(jobs(SIXTY, cycles=12))
    assert result.outcome is Outcome.FINISHED
    assert alarms(result) == ["chamber.bad"]
    assert next(item for item in result.findings if item.kind == "chamber.bad").priority is Priority.HIGH
    readings = bench.reader(result).ambient()
    bad = [line for line in readings if line["quality"]]
    assert len(bad) == pytest.approx(100, abs=1)
    assert {line["temperature_degC"] for line in bad} == {None}
    assert all(59.0 < line["temperature_degC"] < 61.0 for line in readings if not line["quality"])
    assert_exported_without_a_number(bench.reader(result), tmp_path / "run.csv", 4000.0, 5000.0)


def assert_exported_without_a_number(reader: RunReader, target: Path, from_s: float, until_s: float) -> None:
    """Check that the rows of a bad time carry no temperature in an export."""
    export_run(reader, "csv", target)
    begin_s = float(reader.manifest["segments"][0]["started_plant_s"])
    names, *rows = [line.split(",") for line in target.read_text("utf-8").splitlines()]
    time, temperature = names.index("test_time_second"), names.index("ambient_temperature_celsius")
    for row in rows:
        plant_s = begin_s + float(row[time])
        if from_s + 20.0 < plant_s < until_s:
            assert row[temperature] in ("", "nan")
        elif begin_s + 20.0 < plant_s < from_s or plant_s > until_s + 20.0:
            assert float(row[temperature]) == pytest.approx(60.0, abs=0.5)


def test_tc08_set_point_changed_at_the_panel_is_told_at_the_next_poll_and_left_alone(tmp_path: Path) -> None:
    bench = lab(tmp_path, oven=HOT)
    bench.at(4003.0, "fault", instrument="oven", kind="panel_setpoint", value=63.0)
    (result,) = bench.run(jobs(SIXTY))
    assert result.outcome is Outcome.FINISHED
    (told,) = [event for event in bench.reader(result).events() if event["kind"] == "chamber.setpoint"]
    assert told["utc"].startswith("2026-01-01T01:06:50")  # 4010 s
    assert told["priority"] == "high"
    assert setpoint_degC(bench) == 63.0
    assert oven_writes(bench, [result]) == 0


def test_tc09_second_temperature_waits_with_its_reason_and_starts_after_the_first_run(tmp_path: Path) -> None:
    bench = lab(tmp_path, "PEO-P", "LIQ-P", oven=HOT)
    results = bench.run(jobs(SIXTY, TemperatureDemand(25.0)))
    assert [result.outcome for result in results] == [Outcome.FINISHED, Outcome.FINISHED]
    waits = {seen.sentence for seen in bench.seen if seen.index == 1 and seen.sentence.startswith("waits")}
    assert any("oven" in text and "60 degC for C101" in text for text in waits)
    # the program's own estimate says 1 h; it starts at 00:30
    assert any("for C101 until about 01:30 UTC" in text for text in waits)
    first_over_s = started_s(bench, results[0]) + results[0].test_time_s
    # from 60 to 25 degC at 2 K/min and half an hour there
    assert started_s(bench, results[1]) > first_over_s + 35.0 / 2.0 * 60.0 + 1800.0
    assert oven_writes(bench, results) == 1


def test_tc10_engine_that_ends_and_comes_back_writes_nothing_to_the_oven(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    def leave() -> None:
        bench.stop.detach()

    bench.at(6000.0, leave)
    assert bench.run(jobs(SIXTY, cycles=12))[0].outcome is None
    told = len(bench.chamber_writes("oven"))
    bench.advance_to(9000.0)
    (result,) = bench.resume()
    assert result.outcome is Outcome.FINISHED
    assert len(bench.chamber_writes("oven")) == told == 2  # set point, on and nothing else
    assert setpoint_degC(bench) == 60.0
    assert alarms(result) == []
    assert bench.energising("1-1") == ["start"]
    quiet = lab(tmp_path / "quiet")
    quiet.run(jobs(SIXTY, cycles=12))
    assert bench.reader().digest() == quiet.reader().digest()


def test_tc10_restart_before_the_start_holds_where_the_set_point_was_changed_meanwhile(
    tmp_path: Path,
) -> None:
    bench = lab(tmp_path)
    bench.at(1000.0, lambda: bench.stop.detach())
    assert bench.run(jobs(SIXTY))[0].outcome is None
    bench.admin("chamber.set", name="oven", setpoint_degC=40.0)
    (result,) = bench.resume()
    assert result.outcome is Outcome.HELD
    assert alarms(result) == ["chamber.setpoint"]
    assert setpoint_degC(bench) == 40.0
    assert bench.commands("1-1") == []


def test_tc10_restart_before_the_start_goes_on_waiting_where_nothing_was_changed(tmp_path: Path) -> None:
    bench = lab(tmp_path)
    bench.at(1000.0, lambda: bench.stop.detach())
    assert bench.run(jobs(SIXTY))[0].outcome is None
    (result,) = bench.resume()
    assert result.outcome is Outcome.FINISHED
    assert started_s(bench, result) == pytest.approx(3232.0, abs=15.0)
    assert oven_writes(bench, [result]) == 1


def half_cycle(demand: TemperatureDemand) -> Job:
    """Return one half-cycle of P3 for a PEO cell: 0.1 mA/cm2 for an hour, after half an hour at rest."""
    flow = (Segment(1, (rest(1, 1800.0), charge(2, 3600.0, PEO_CURRENT_A))),)
    return job(program(flow, limits=Limits(voltage_min_V=-5.0, voltage_max_V=5.0), temperature=demand))


def test_tc11_peo_cell_does_not_start_in_a_chamber_left_at_room_temperature(tmp_path: Path) -> None:
    bench = lab(tmp_path, oven={"air_degC": 25, "setpoint_degC": 25, "on": True})
    bench.admin("fault", instrument="oven", kind="heater_dead")
    (result,) = bench.run([half_cycle(SIXTY)])
    assert result.outcome is Outcome.HELD
    assert bench.commands("1-1") == []


@pytest.mark.parametrize("restarted", [False, True])
def test_tc11_peo_cell_forced_by_a_person_shows_the_cold_membrane(tmp_path: Path, restarted: bool) -> None:
    bench = lab(tmp_path, oven={"air_degC": 25, "setpoint_degC": 25, "on": True})
    forced = replace(half_cycle(SIXTY), overrides={"temperature": "to see the cold membrane"}, operator="Li")
    if restarted:
        bench.at(3000.0, lambda: bench.stop.detach())
    (result,) = bench.run([forced])
    if restarted:
        (result,) = bench.resume()
    assert result.outcome is Outcome.FINISHED
    voltage_V = bench.reader(result).records(["voltage_volt"])["voltage_volt"][-1]
    assert voltage_V == pytest.approx(1.474, abs=2e-3)  # cell-models 2.5
    assert setpoint_degC(bench) == 25.0
    overrides = [line for line in bench.reader(result).journal() if line["kind"] == "check.override"]
    assert [(line["item"], line["operator"]) for line in overrides] == [("temperature", "Li")]


def test_tc11_the_same_half_cycle_at_sixty_degrees_ends_at_the_reference_voltage(tmp_path: Path) -> None:
    bench = lab(tmp_path, oven=HOT)
    (result,) = bench.run([half_cycle(SIXTY)])
    voltage_V = bench.reader(result).records(["voltage_volt"])["voltage_volt"][-1]
    assert voltage_V == pytest.approx(35.0e-3, abs=0.3e-3)


def test_f39_alarm_of_the_chamber_trips_every_channel_in_it(tmp_path: Path) -> None:
    bench = lab(tmp_path, "PEO-P", "PEO-Z", "PEO-P", oven=HOT)
    bench.at(4003.0, "fault", instrument="oven", kind="alarm")
    results = bench.run(jobs(SIXTY, SIXTY, None))
    assert [result.outcome for result in results] == [Outcome.TRIPPED] * 3
    for result in results:
        assert 4003.0 < device_stopped_s(bench, result) <= 4011.0


def test_f39_cell_that_gets_hotter_than_its_own_limit_is_tripped(tmp_path: Path) -> None:
    bench = lab(tmp_path, oven=HOT)
    limits = Limits(voltage_min_V=-5.0, voltage_max_V=5.0, temperature_max_degC=62.0)
    bench.at(4000.0, "chamber.set", name="oven", setpoint_degC=64.0)
    (result,) = bench.run([job(program(cycling(12), limits=limits))])
    assert result.outcome is Outcome.TRIPPED
    assert 4000.0 < device_stopped_s(bench, result) < 4600.0


def test_stop_by_a_person_waits_for_no_poll(tmp_path: Path) -> None:
    """I05 and section 5: the cycler is polled each 600 s, the stop leaves at once."""
    bench = lab(tmp_path, oven=HOT)
    bench.at(4321.0, lambda: bench.stop.stop("enough"))
    (result,) = bench.run(jobs(SIXTY, cycles=12))
    assert (result.outcome, result.reason) == (Outcome.STOPPED, "enough")
    # an in-memory bench acts between two events of the clock; the next one is the chamber's poll
    assert device_stopped_s(bench, result) <= 4321.0 + 10.0


def test_cycler_rows_are_the_same_whether_the_oven_is_watched_or_not(tmp_path: Path) -> None:
    """Reading the chamber each 10 s leaves no trace in the rows."""
    digests = set()
    for number, poll_s in enumerate((10.0, 60.0, 600.0)):
        bench = lab(tmp_path / str(number), oven=HOT, chamber_poll_s=poll_s)
        bench.run(jobs(None))
        digests.add(bench.reader().digest())
    assert len(digests) == 1
    assert np.isclose(bench.bench.now_s, 7800.0, atol=600.0)


def told(bench: BenchRun, result: RunResult) -> tuple[list[str], list[float]]:
    """Return the kinds of a run's events that concern the chamber or the phase, and their moments."""
    events = bench.reader(result).events()
    mine = [event for event in events if str(event["kind"]).startswith(("chamber", "phase"))]
    moments_s = [datetime.fromisoformat(event["utc"]).timestamp() for event in mine]
    return [str(event["kind"]) for event in mine], moments_s


ACTS: dict[str, list[tuple[float, str, dict[str, Any]]]] = {
    "nothing": [],
    "heater dead": [(300.0, "fault", {"instrument": "oven", "kind": "heater_dead"})],
    "door open": [
        (DOOR_OPENS_S, "chamber.door", {"name": "oven", "open": True}),
        (DOOR_OPENS_S + 300.0, "chamber.door", {"name": "oven", "open": False}),
    ],
    "panel": [(4003.0, "fault", {"instrument": "oven", "kind": "panel_setpoint", "value": 63.0})],
    "sensor": [(4003.0, "fault", {"instrument": "oven", "kind": "sensor_nan"})],
}


@pytest.mark.parametrize("story", list(ACTS))
def test_tc12_the_same_stories_over_rtu_as_over_tcp(tmp_path: Path, story: str) -> None:
    heard = []
    for link in ("tcp", "rtu"):
        bench = lab(tmp_path / link, oven={"link": link})
        for plant_s, do, fields in ACTS[story]:
            bench.at(plant_s, do, **fields)
        (result,) = bench.run(jobs(SIXTY))
        heard.append((result.outcome, *told(bench, result)))
    (outcome, kinds, tcp_s), (outcome_rtu, kinds_rtu, rtu_s) = heard
    assert (outcome, kinds) == (outcome_rtu, kinds_rtu)
    assert tcp_s == pytest.approx(rtu_s, abs=11.0)  # a serial line needs a little longer for each poll


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", list(FaultKind))
def test_byte_faults_of_the_chambers_wire_are_told_and_set_nothing_twice(
    tmp_path: Path, kind: FaultKind, seed: int
) -> None:
    """Five seeded faults: while it warms up, while it soaks, while the run is on."""
    bench = lab(tmp_path)
    plan = seeded_plan(seed, faults=5, exchanges=1500, reply_bytes=9, kinds=[kind])
    bench.plans = {"oven": [plan]}
    (result,) = bench.run(jobs(SIXTY))
    (pipe,) = bench.pipes["oven"]
    assert len(pipe.fired) >= 3
    assert result.outcome is Outcome.FINISHED
    assert len(bench.chamber_writes("oven")) == 2
    assert setpoint_degC(bench) == 60.0
    assert not [item for item in alarms(result) if item != "chamber.bad"]
    assert bench.energising("1-1") == ["start"]


def test_chamber_out_of_reach_for_hours_keeps_its_set_point_and_the_run_goes_on(tmp_path: Path) -> None:
    """Rule 4: a silent chamber holds its temperature; one alarm, nothing written when it is back."""
    bench = lab(tmp_path, oven=HOT)
    bench.cable_out("oven", 4000.0, 4000.0 + 2 * 3600.0)
    (result,) = bench.run(jobs(SIXTY, cycles=20))
    assert result.outcome is Outcome.FINISHED
    assert alarms(result) == ["chamber.bad"]
    kinds = bench.kinds(result)
    assert kinds.count("chamber.lost") == kinds.count("chamber.back") == 1
    assert bench.chamber_writes("oven") == []


def test_chamber_out_of_reach_is_no_alarm_for_a_run_that_asks_nothing_of_it(tmp_path: Path) -> None:
    bench = lab(tmp_path, oven=HOT)
    bench.cable_out("oven", 1000.0, 4000.0)
    (result,) = bench.run(jobs(None))
    assert result.outcome is Outcome.FINISHED
    assert alarms(result) == []


@pytest.mark.parametrize("chamber_poll_s", [1.0, 60.0])
def test_tc04_holds_at_other_poll_periods(tmp_path: Path, chamber_poll_s: float) -> None:
    bench = lab(tmp_path, chamber_poll_s=chamber_poll_s)
    (result,) = bench.run(jobs(SIXTY, cycles=1))
    late_s = started_s(bench, result) - 3232.0
    assert 0.0 <= late_s <= 2 * chamber_poll_s + 2.0
