"""Chambers: set, wait, soak, start; excursions; agreement between cells; nothing written after a restart.

Ids are the conformance cases of the temperature-chamber specification.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from labctl.clock import Clock
from labctl.engine.jobs import RunResult
from labctl.engine.machines.chamber import ExcursionWatch, Soak, SoakWatch, may_set
from labctl.engine.machines.findings import Outcome
from labctl.engine.run import Run
from labctl.engine.station import Chamber, Station
from labctl.errors import UserInputError
from labctl.interfaces.chamber import ChamberReading, ChamberState, Quality
from labctl.model.ids import ChannelId
from labctl.model.program import TemperatureDemand
from labctl.store.runreader import RunReader
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.fakechamber import FakeAir, FakeChamber
from labctl.testing.fakeruns import Process, bench, cycling, job, program

SIXTY = TemperatureDemand(60.0)


def reading(temperature_degC: float, setpoint_degC: float = 60.0) -> ChamberReading:
    """Return a good reading of a chamber that is on."""
    return ChamberReading(temperature_degC, Quality.GOOD, state=ChamberState.ON, setpoint_degC=setpoint_degC)


# -- the machines -----------------------------------------------------------------------------------------


def test_soak_needs_the_whole_time_without_a_break() -> None:
    soak = SoakWatch(SIXTY, 0.0)
    assert soak.feed(0.0, reading(60.0)) is Soak.WAITING
    assert soak.feed(1790.0, reading(60.9)) is Soak.WAITING
    assert soak.feed(1795.0, reading(61.1)) is Soak.WAITING  # a break: the time begins anew
    assert soak.feed(1800.0, reading(60.5)) is Soak.WAITING
    assert soak.feed(3590.0, reading(59.5)) is Soak.WAITING
    assert soak.feed(3600.0, reading(59.5)) is Soak.READY


@pytest.mark.parametrize(
    "spoilt",
    [
        replace(reading(60.0), quality=Quality.BAD),
        replace(reading(60.0), state=ChamberState.OFF),
        replace(reading(60.0), state=ChamberState.ALARM),
    ],
)
def test_only_a_good_reading_of_a_running_chamber_soaks(spoilt: ChamberReading) -> None:
    soak = SoakWatch(SIXTY, 0.0)
    for time_s in range(0, 3000, 10):
        assert soak.feed(float(time_s), spoilt) is Soak.WAITING


def test_soak_gives_up_after_its_time() -> None:
    soak = SoakWatch(SIXTY, 0.0)
    assert soak.feed(14390.0, reading(40.0)) is Soak.WAITING
    assert soak.feed(14400.0, reading(40.0)) is Soak.GAVE_UP


def kinds(readings: list[tuple[float, ChamberReading]]) -> tuple[list[str], ExcursionWatch]:
    """Return the findings of a series of readings, and the watch."""
    watch = ExcursionWatch(SIXTY, 10.0)
    found: list[str] = []
    for time_s, item in readings:
        found += [finding.kind for finding in watch.feed(time_s, item)]
    return found, watch


def series(temperature_degC: float, duration_s: int) -> list[tuple[float, ChamberReading]]:
    """Return readings each 10 s."""
    return [(float(time_s), reading(temperature_degC)) for time_s in range(0, duration_s + 1, 10)]


def test_two_kelvin_for_five_minutes_is_a_warning() -> None:
    assert kinds(series(62.5, 290))[0] == []
    assert kinds(series(62.5, 300))[0] == ["chamber.warn"]
    found, watch = kinds([*series(62.5, 300), (310.0, reading(60.0))])
    assert found == ["chamber.warn", "chamber.warn.clear"]
    assert watch.trip is None


def test_five_kelvin_trips_at_the_second_reading() -> None:
    assert kinds([(0.0, reading(54.9)), (10.0, reading(55.1)), (20.0, reading(54.9))])[1].trip is None
    found, watch = kinds(series(54.9, 10))
    assert watch.trip is not None
    assert watch.trip.outcome is Outcome.TRIPPED
    assert found == ["chamber.trip"]


def test_chamber_alarm_trips_at_once() -> None:
    _, watch = kinds([(0.0, replace(reading(60.0), state=ChamberState.ALARM, alarm=1))])
    assert watch.trip is not None


def test_bad_temperature_is_an_alarm_and_no_trip() -> None:
    """TC-07."""
    bad = ChamberReading(math.nan, Quality.BAD, "sensor", state=ChamberState.ON, setpoint_degC=60.0)
    found, watch = kinds([(float(time_s), bad) for time_s in range(0, 100, 10)])
    assert found == ["chamber.bad"]
    assert watch.trip is None


def test_set_point_changed_at_the_panel_is_told_at_the_next_reading() -> None:
    """TC-08."""
    assert kinds([(0.0, reading(60.0)), (10.0, reading(60.0, 63.0)), (20.0, reading(60.1, 63.0))])[0] == [
        "chamber.setpoint"
    ]


def test_cells_of_one_chamber_must_agree() -> None:
    assert may_set(60.0, [("C1", 60.0)]) == ""
    assert "60 degC for C1" in may_set(25.0, [("C1", 60.0)])


# -- with the engine --------------------------------------------------------------------------------------


class Lab:
    """A bench with an oven in which the channels stand."""

    def __init__(self, *places: str, poll_s: float = 10.0) -> None:
        self.air = FakeAir()
        self.disk = SimulatedDisk()
        self.poll_s = poll_s
        self.places = places or ("1-1",)
        self.process = Process(bench(self.places), Path("/virtual/data"), poll_s=300.0, disk=self.disk)
        self.process.prepare = self.prepare
        self.lost_from = self.lost_to = 0

    def prepare(self, station: Station, clock: Clock) -> None:
        """Put the oven into the station."""
        chamber = FakeChamber(self.air, clock, lost=lambda number: self.lost_from <= number < self.lost_to)
        channels = tuple(ChannelId(f"neware:{place}") for place in self.places)
        station.chambers["oven"] = Chamber("oven", "fake", chamber, self.poll_s, channels)

    def run(self, *demands: TemperatureDemand | None, cycles: int = 3) -> list[RunResult]:
        """Run a job with each demand."""
        return self.process.run(
            [
                job(program(cycling(cycles, 300.0), place, temperature=demand))
                for place, demand in zip(self.places, demands, strict=True)
            ]
        )

    def reader(self, number: int = 0) -> RunReader:
        """Return a run's folder."""
        return RunReader(list(self.process.root().run_folders())[number], disk=self.disk)

    def started_s(self, number: int = 0) -> float:
        """Return the plant time at which a run was started."""
        return float(self.reader(number).manifest["segments"][0]["started_plant_s"])

    def kinds(self, number: int = 0) -> list[str]:
        """Return the kinds of a run's events."""
        return [str(event["kind"]) for event in self.reader(number).events()]


def test_run_starts_after_the_soak_and_not_before() -> None:
    """TC-04: 36 K at 0.1 K/s take 360 s, then 30 min."""
    lab = Lab()
    (result,) = lab.run(SIXTY)
    assert result.outcome is Outcome.FINISHED
    assert lab.air.writes == [60.0]
    assert 360.0 + 1800.0 <= lab.started_s() <= 360.0 + 1800.0 + 25.0
    assert next(iter(lab.reader().journal()))["kind"] == "chamber.set"


def test_chamber_that_stands_at_its_set_point_is_not_written() -> None:
    lab = Lab()
    lab.air = FakeAir(temperature_degC=60.0, setpoint_degC=60.0, on=True)
    lab.run(SIXTY)
    assert lab.air.writes == []
    assert lab.started_s() == pytest.approx(1800.0, abs=2.0)


def test_chamber_that_does_not_get_there_holds_the_run_and_no_step_has_run() -> None:
    """TC-05."""
    lab = Lab()
    lab.air.rate_K_per_s = 1e-4
    (result,) = lab.run(SIXTY)
    assert result.outcome is Outcome.HELD
    assert result.rows == 0
    assert lab.process.world.truth == []
    assert lab.kinds().count("chamber.gave_up") == 1


def test_door_open_for_long_trips_every_channel_in_the_chamber() -> None:
    """TC-06."""
    lab = Lab("1-1", "1-2")

    def door(now_s: float, item: ChamberReading) -> ChamberReading:
        return replace(item, temperature_degC=item.temperature_degC - 6.0) if now_s > 4000.0 else item

    lab.air.reading = door
    results = lab.run(SIXTY, SIXTY, cycles=20)
    assert [result.outcome for result in results] == [Outcome.TRIPPED, Outcome.TRIPPED]
    assert [entry[0] for entry in lab.process.world.truth].count("stop") == 2
    assert results[0].end_sequence is None  # no row decided: all of them count


def test_second_temperature_waits_until_the_first_run_has_ended() -> None:
    """TC-09."""
    lab = Lab("1-1", "1-2")
    results = lab.run(SIXTY, TemperatureDemand(25.0))
    assert [result.outcome for result in results] == [Outcome.FINISHED, Outcome.FINISHED]
    assert lab.air.writes == [60.0, 25.0]
    first_end_s = lab.started_s(0) + results[0].test_time_s
    assert lab.started_s(1) > first_end_s + 1800.0
    waits = [
        seen.sentence for seen in lab.process.seen if seen.index == 1 and seen.sentence.startswith("waits")
    ]
    assert waits == [] or "60 degC for C101" in waits[0]


def test_cells_of_one_temperature_start_together_in_job_order() -> None:
    lab = Lab("1-1", "1-2")
    lab.run(SIXTY, SIXTY)
    assert lab.air.writes == [60.0]
    assert lab.started_s(0) == lab.started_s(1)
    assert [entry[1] for entry in lab.process.world.truth] == ["1-1", "1-2"]


def test_restart_writes_nothing_and_the_run_goes_on() -> None:
    """TC-10."""
    lab = Lab()

    def leave(progress: object) -> None:
        if getattr(progress, "rows", 0) > 80:
            lab.process.stop.detach()

    lab.process.on_progress = leave
    assert lab.run(SIXTY)[0].outcome is None
    lab.process.on_progress = None
    lab.air.turn(lab.process.world.now_s, 63.0, True)  # somebody at the panel meanwhile
    (result,) = lab.process.resume()
    assert result.outcome is Outcome.FINISHED
    assert lab.air.writes == [60.0]
    assert "chamber.setpoint" in lab.kinds()


def test_lost_chamber_is_told_once_and_the_run_goes_on() -> None:
    lab = Lab()
    lab.lost_from, lab.lost_to = 250, 300
    (result,) = lab.run(SIXTY)
    assert result.outcome is Outcome.FINISHED
    assert lab.kinds().count("chamber.lost") == 1
    assert lab.kinds().count("chamber.back") == 1


def test_temperature_of_the_chamber_is_stored_beside_the_rows() -> None:
    lab = Lab()
    lab.run(SIXTY)
    ambient = lab.reader().ambient()
    assert len(ambient) > 100
    times = [line["test_time_s"] for line in ambient]
    assert times == sorted(times)
    assert all(abs(line["temperature_degC"] - 60.0) < 1e-9 for line in ambient)


@pytest.mark.parametrize("segments", [[], [{"test_id": 6, "time_offset_s": 0.0}]])
def test_a_reading_while_the_place_of_a_test_is_being_written_is_shown_and_not_stored(
    segments: list[object],
) -> None:
    kept: list[object] = []
    run = SimpleNamespace(test_id=7, writer=SimpleNamespace(manifest={"segments": segments}), _ambient=kept)
    Run.ambient(run, reading(60.0))  # type: ignore[arg-type]  # a run between the two steps of a start
    assert kept == [] and run.chamber_reading == reading(60.0)


def test_channel_without_a_chamber_serves_room_temperature_alone(tmp_path: Path) -> None:
    process = Process(bench(), tmp_path, poll_s=300.0)
    (result,) = process.run([job(program(cycling(1, 300.0), temperature=TemperatureDemand(25.0)))])
    assert result.outcome is Outcome.FINISHED
    with pytest.raises(UserInputError, match="no chamber"):
        process.run([job(program(cycling(1, 300.0), temperature=SIXTY))])
