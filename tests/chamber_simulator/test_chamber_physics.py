"""Air, door, guard and sensor of the virtual chamber: temperature-chamber.md section 4, test values included."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_simulators.world.cell import Cell, CellSpec, Drive
from labctl_simulators.world.chamber import Chamber, ChamberAlarm, ChamberState


def held_at_60() -> Chamber:
    return Chamber("oven", profile="ideal", air_degC=60.0, setpoint_degC=60.0, on=True)


def heating_from_23() -> Chamber:
    chamber = Chamber("oven", profile="ideal")
    chamber.set_point(60.0)
    chamber.switch(True)
    return chamber


def test_tc04_heating_from_23_to_60_degc_is_within_one_kelvin_after_1432_s() -> None:
    chamber = heating_from_23()
    times_s = np.arange(0.0, 4000.0, 0.5)
    inside = np.array([abs(chamber.temperature_degC(t) - 60.0) <= 1.0 for t in times_s])
    first_s = times_s[np.argmax(inside)]
    assert first_s == pytest.approx(1432.0, abs=1.0)
    assert inside[times_s >= first_s].all()


def test_a_cell_that_went_in_at_23_degc_stands_at_57_5_degc_when_the_run_starts() -> None:
    chamber = heating_from_23()
    cell = Cell(CellSpec("c", "PEO-P"), temperature_degC=23.0)
    ticks = 0
    while ticks < 32_320:
        chunk = cell.plan(Drive.rest(), chamber.temperature_degC(ticks / 10), min(600, 32_320 - ticks))
        ticks += chunk.ticks
        cell.commit(chunk, chunk.ticks, chamber.temperature_degC(ticks / 10))
    assert cell.state.temperature_degC == pytest.approx(57.5, abs=0.1)


@pytest.mark.parametrize(("seconds", "lost_K"), [(67.0, 2.0), (174.0, 5.0)])
def test_an_open_door_costs_2_k_in_67_s_and_5_k_in_174_s(seconds: float, lost_K: float) -> None:
    chamber = held_at_60()
    chamber.door(True)
    assert 60.0 - chamber.temperature_degC(seconds) == pytest.approx(lost_K, abs=0.02)


def test_switched_off_it_loses_2_k_in_200_s() -> None:
    chamber = held_at_60()
    chamber.switch(False)
    assert 60.0 - chamber.temperature_degC(200.0) == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(("open_s", "beyond_2K_over_300_s", "beyond_5K"), [
    (60.0, False, False),
    (150.0, False, False),
    (300.0, True, True),
])  # fmt: skip
def test_tc06_door_open_for_a_while(open_s: float, beyond_2K_over_300_s: bool, beyond_5K: bool) -> None:
    chamber = held_at_60()
    chamber.door(True)
    missing_K = [60.0 - chamber.temperature_degC(t) for t in np.arange(0.0, open_s, 1.0)]
    chamber.advance_to(open_s)
    chamber.door(False)
    missing_K += [60.0 - chamber.temperature_degC(t) for t in np.arange(open_s, 2000.0, 1.0)]
    assert bool(np.sum(np.array(missing_K) > 2.0) > 300) == beyond_2K_over_300_s
    assert bool(np.max(missing_K) > 5.0) == beyond_5K


def test_a_door_open_longer_than_ten_minutes_raises_alarm_3_at_its_own_moment() -> None:
    chamber = held_at_60()
    chamber.advance_to(100.0)
    chamber.door(True)
    chamber.advance_to(699.9)
    assert chamber.state is ChamberState.ON
    chamber.advance_to(5000.0)
    assert (chamber.state, chamber.alarm) == (ChamberState.ALARM, ChamberAlarm.DOOR)


def test_a_dead_heater_never_gets_there_and_says_on() -> None:
    chamber = heating_from_23()
    chamber.fault("heater_dead")
    chamber.advance_to(4 * 3600.0)
    assert chamber.state is ChamberState.ON
    assert chamber.temperature_degC() == pytest.approx(23.0)
    assert chamber.followed_degC == 60.0


def test_an_overshoot_of_20_k_trips_the_guard_and_one_of_5_k_does_not() -> None:
    small, large = held_at_60(), held_at_60()
    small.fault("overshoot", 5.0)
    large.fault("overshoot", 20.0)
    for chamber in (small, large):
        chamber.advance_to(7200.0)
    assert (small.state, round(small.temperature_degC(), 3)) == (ChamberState.ON, 65.0)
    assert (large.state, large.alarm) == (ChamberState.ALARM, ChamberAlarm.OVER_TEMPERATURE)


def test_cooling_at_the_steepest_ramp_does_not_trip_the_guard() -> None:
    chamber = held_at_60()
    chamber.set_ramp(10.0)
    chamber.set_point(25.0)
    chamber.advance_to(7200.0)
    assert (chamber.state, round(chamber.temperature_degC(), 6)) == (ChamberState.ON, 25.0)


def test_a_stuck_sensor_holds_its_last_reading_and_an_offset_adds_to_it() -> None:
    chamber = held_at_60()
    chamber.fault("sensor_stuck")
    chamber.switch(False)
    chamber.advance_to(3600.0)
    assert chamber.reading_degC == pytest.approx(60.0)
    chamber.clear_fault("sensor_stuck")
    chamber.fault("offset", -3.0)
    assert chamber.reading_degC == pytest.approx(chamber.temperature_degC() - 3.0)


def test_a_failed_sensor_reads_nan_never_0() -> None:
    chamber = held_at_60()
    chamber.fault("sensor_nan")
    assert math.isnan(chamber.reading_degC)


def test_a_set_point_changed_at_the_panel_is_followed() -> None:
    chamber = held_at_60()
    chamber.fault("panel_setpoint", 63.0)
    chamber.advance_to(3600.0)
    assert chamber.setpoint_degC == 63.0
    assert chamber.temperature_degC() == pytest.approx(63.0, abs=1e-3)


def test_reading_noise_and_offset_have_the_stated_sizes_and_depend_on_the_moment_alone() -> None:
    chamber = Chamber("oven", seed=3, air_degC=60.0, setpoint_degC=60.0, on=True)
    readings_degC = []
    for second in range(2000):
        chamber.advance_to(float(second))
        readings_degC.append(chamber.reading_degC)
        assert chamber.reading_degC == readings_degC[-1]
    assert np.std(readings_degC) == pytest.approx(0.05, rel=0.1)
    assert np.mean(readings_degC) - 60.0 == pytest.approx(chamber.offset_K, abs=0.01)
    offsets_K = [Chamber("c", seed=seed).offset_K for seed in range(400)]
    assert np.std(offsets_K) == pytest.approx(0.2, rel=0.15)


@settings(max_examples=40, deadline=None)
@given(moments_s=st.lists(st.floats(0.0, 5000.0), max_size=20))
def test_advancing_at_any_set_of_extra_moments_gives_the_same_bits(moments_s: list[float]) -> None:
    def run(extra_s: list[float]) -> list[float]:
        chamber = heating_from_23()
        for until_s, act in (
            (900.0, lambda: chamber.door(True)),
            (1800.0, lambda: chamber.door(False)),
            (2500.0, lambda: chamber.set_point(40.0)),
            (5000.0, lambda: None),
        ):
            for moment_s in sorted(m for m in extra_s if chamber.now_s <= m <= until_s):
                chamber.advance_to(moment_s)
            chamber.advance_to(until_s)
            act()
        return [chamber.temperature_degC(t) for t in (5000.0, 6000.0, 9000.0)]

    assert run(moments_s) == run([])
