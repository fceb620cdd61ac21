"""The plant under every potentiostat: timing laws, each effect alone, seeds, large signals (EI-1, EI-2, EI-5)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from labctl_simulators.world.cell import Cell, CellSpec
from labctl_simulators.world.drive import Drive
from labctl_simulators.world.eiseffects import PROFILES, Chance, Effects, effects_of, pole_Hz
from labctl_simulators.world.eistiming import METHODSCRIPT, VERSASTAT, TimingLaw
from labctl_simulators.world.loads import CellLoad, DummyLoad, Load, bessel_i
from labctl_simulators.world.network import D1, DUMMIES, Network, resistor
from labctl_simulators.world.potentiostat import (
    CurrentRange,
    Flag,
    Potentiostat,
    Sine,
    Sweep,
    log_spaced_Hz,
)

from labctl.errors import UserInputError

LADDER = tuple(CurrentRange(n, 10.0 ** (n - 9), 10.0 ** (n - 9)) for n in range(10))


class Room:
    def temperature_degC(self) -> float:
        return 25.0

    def steady(self) -> bool:
        return True


def plant(load: Load, timing: TimingLaw = METHODSCRIPT, seed: int = 7, **effects: Any) -> Potentiostat:
    made = Potentiostat("p", LADDER, timing, replace(Effects(), **effects), Chance(seed, "p"), 1.0)
    made.connect(load, 0.0)
    made.cell_on(0.0)
    return made


def sweep(
    made: Potentiostat, first_Hz: float, last_Hz: float, count: int, amplitude: float = 0.01, number: int = 1
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], list[Flag]]:
    """Measure a spectrum; returns (frequency, impedance, flags)."""
    asked_Hz = log_spaced_Hz(first_Hz, last_Hz, count)
    shared, time_s, points = Sweep(number, 0.0, made.duration_s(asked_Hz)), 0.0, []
    for order, frequency_Hz in enumerate(asked_Hz):
        plan = made.plan_point(Sine(frequency_Hz, amplitude), time_s, shared, order)
        points.append(made.point(plan))
        time_s = plan.end_s
    return np.array(asked_Hz), np.array([p.impedance_ohm for p in points]), [p.flags for p in points]


def d1() -> DummyLoad:
    return DummyLoad(D1, 0.0)


# -- time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("law", "first_Hz", "last_Hz", "count", "total_s"),
    [
        (VERSASTAT, 100e3, 21.5e-3, 61, 1575.0),  # the public file
        (VERSASTAT, 1e6, 0.1, 71, 380.0),
        (VERSASTAT, 1e6, 0.1, 36, 210.0),
        (METHODSCRIPT, 200e3, 0.1, 64, 153.0),
    ],
)
def test_sweeps_take_the_time_of_their_law(
    law: TimingLaw, first_Hz: float, last_Hz: float, count: int, total_s: float
) -> None:
    assert plant(d1(), law).duration_s(log_spaced_Hz(first_Hz, last_Hz, count)) == pytest.approx(
        total_s, rel=0.1
    )


def test_a_range_change_costs_extra_time_and_is_flagged() -> None:
    made = plant(d1(), VERSASTAT)
    plans = [made.plan_point(Sine(f, 0.01), 0.0) for f in (1000.0, 1.0)]
    assert [plan.changed for plan in plans] == [True, True]
    assert plans[1].end_s == pytest.approx(7.8 / 2 + 2.5, rel=0.1)
    assert Flag.RANGE_CHANGED in made.point(plans[1]).flags


# -- the networks ------------------------------------------------------------------------------------------


def test_networks_agree_with_themselves_in_time_and_frequency() -> None:
    network = DUMMIES["D3"]
    load = DummyLoad(replace(network, start_V=()), 0.0)
    load.impose(Drive.cc(1e-3), 0.0)
    final_V = load.at(1e9)[0]
    static_ohm = network.impedance_ohm(np.array([1e-9]))[0].real
    assert final_V - 3.3 == pytest.approx(1e-3 * static_ohm, rel=1e-6)


def test_a_held_network_is_that_of_the_current_that_flows() -> None:
    network = Network("two", 5.0, (10.0, 20.0), (0.1, 3.0), source_V=1.0)
    modes_V, current_A = network.first_V(), 0.0
    for _ in range(4_000):  # small explicit steps are the judge of the closed form
        current_A = (2.0 - 1.0 - modes_V.sum()) / 5.0
        modes_V = modes_V + 5e-4 * (current_A * np.array([10.0, 20.0]) - modes_V) / np.array([0.1, 3.0])
    held_V, voltage_V, held_A = network.moved(network.first_V(), Drive.cv(2.0, 1.0), 2.0)
    assert voltage_V == 2.0 and held_A == pytest.approx(current_A, rel=3e-3)
    assert held_V == pytest.approx(modes_V, rel=3e-3)


def test_a_short_takes_no_more_than_the_instrument_gives() -> None:
    made = plant(DummyLoad(DUMMIES["short"], 0.0))
    made.set_potential(5.0, 0.0)
    shown = made.reading(1.0)
    assert shown.current_A == 1.0 and Flag.OVERLOAD_WARNING in shown.flags


def test_an_open_lead_is_thirty_picofarad_and_a_short_a_milliohm_with_its_inductance() -> None:
    made = plant(d1())
    made.set_leads(0.0, is_open=True)
    assert 1.0 / sweep(made, 1e5, 1e5, 1)[1][0] == pytest.approx(2j * math.pi * 1e5 * 30e-12, rel=1e-4)
    made.set_leads(0.0, shorted=True)
    assert sweep(made, 1e5, 1e5, 1)[1][0] == pytest.approx(1e-3 + 2j * math.pi * 1e5 * 0.3e-6)


# -- each effect alone -------------------------------------------------------------------------------------


def test_without_effects_the_truth_is_shown() -> None:
    frequency_Hz, shown_ohm, _ = sweep(plant(d1()), 1e6, 0.1, 71)
    assert shown_ohm == pytest.approx(D1.impedance_ohm(frequency_Hz), rel=1e-12)


def test_base_noise_has_its_size_on_both_parts_and_the_seed_reproduces_it() -> None:
    frequency_Hz, first, _ = sweep(plant(d1(), noise=1e-3), 1e5, 1.0, 251)
    true_ohm = D1.impedance_ohm(frequency_Hz)
    for shown, true in ((first.real, true_ohm.real), (first.imag, true_ohm.imag)):
        assert np.std(shown / true - 1.0) == pytest.approx(1e-3, rel=0.2)
    assert (sweep(plant(d1(), noise=1e-3), 1e5, 1.0, 251)[1] == first).all()
    assert (sweep(plant(d1(), noise=1e-3, seed=8), 1e5, 1.0, 251)[1] != first).all()
    assert (sweep(plant(d1(), noise=1e-3), 1e5, 1.0, 251, number=2)[1] != first).all()


def test_noise_grows_where_the_signal_or_the_time_is_small() -> None:
    def spread(frequency_Hz: float, amplitude: float) -> float:
        made = plant(DummyLoad(resistor(100.0), 0.0), voltage_noise=1e-5)
        shown = [sweep(made, frequency_Hz, frequency_Hz, 1, amplitude, number)[1][0] for number in range(150)]
        return float(np.std(np.real(shown)) / 100.0)

    assert spread(1e3, 0.01) == pytest.approx(1e-3 / math.sqrt(0.05), rel=0.2)
    assert spread(1e3, 0.1) == pytest.approx(1e-4 / math.sqrt(0.05), rel=0.2)
    assert spread(1.0, 0.01) == pytest.approx(1e-3 / math.sqrt(3.0), rel=0.2)


def test_a_range_that_is_too_high_gives_a_noisy_impedance() -> None:
    made = plant(DummyLoad(resistor(1e5), 0.0), range_floor=1e-4)
    quiet = sweep(made, 1e3, 1e3, 1)[1][0]
    made.set_range(1.0)
    loud = [sweep(made, 1e3, 1e3, 1, number=number)[1][0].real for number in range(50)]
    assert quiet == pytest.approx(1e5, rel=1e-3) and np.std(loud) > 1e5


def test_a_range_change_is_a_gain_step_of_a_tenth_to_half_a_percent() -> None:
    chance = Chance(7, "p")
    gains = np.array([chance.range_gain(5e-3, index) for index in range(40)])
    assert (np.abs(gains - 1.0) >= 1e-3).all() and (np.abs(gains - 1.0) <= 5e-3).all()
    assert (gains > 1.0).any() and (gains < 1.0).any()
    frequency_Hz, shown_ohm, flags = sweep(plant(d1(), range_gain=5e-3), 1e4, 1.0, 41)
    ratio = np.abs(shown_ohm / D1.impedance_ohm(frequency_Hz))
    steps = np.flatnonzero(np.abs(np.diff(ratio)) > 1e-9) + 1
    assert len(steps) and all(Flag.RANGE_CHANGED in flags[step] for step in steps)


def test_the_amplitude_is_five_percent_high_above_a_kilohertz_and_right_below() -> None:
    made = plant(d1(), amplitude_error=0.05)
    amplitudes = [made.point(made.plan_point(Sine(f, 0.02), 0.0)).e_ac_rms_V for f in (1e4, 100.0)]
    assert amplitudes == pytest.approx([0.021, 0.020])


def test_on_sixteen_milliohm_the_loop_cannot_hold_its_amplitude() -> None:
    made = plant(DummyLoad(DUMMIES["D4"], 0.0), amplitude_collapse=True)
    made.set_potential(3.7, 0.0)
    low, high = (made.point(made.plan_point(Sine(f, 0.005), 0.0)).e_ac_rms_V for f in (4e3, 1e4))
    assert 0.5e-3 < low < 1.2e-3 and 0.1e-3 < high < 0.25e-3
    assert made.point(made.plan_point(Sine(1.0, 0.005), 0.0)).e_ac_rms_V == pytest.approx(0.005, rel=1e-3)


def test_leads_add_their_inductance_and_strays_their_capacitance() -> None:
    frequency_Hz, shown_ohm, _ = sweep(plant(d1(), lead_inductance_H=0.3e-6), 1e6, 1e3, 4)
    added_ohm = shown_ohm - D1.impedance_ohm(frequency_Hz)
    assert added_ohm.imag == pytest.approx(2 * math.pi * frequency_Hz * 0.3e-6, rel=1e-6)
    high = DummyLoad(resistor(400e3), 0.0)
    frequency_Hz, shown_ohm, _ = sweep(plant(high, stray_capacitance_F=30e-12), 350e3, 60e3, 3)
    apparent_F = (1.0 / shown_ohm).imag / (2 * math.pi * frequency_Hz)
    assert apparent_F == pytest.approx(30e-12, rel=1e-6)


def test_roll_off_has_one_pole_per_range_and_can_turn_the_real_part_negative() -> None:
    assert pole_Hz(1e-3) == pole_Hz(0.1) == 2e6 and pole_Hz(10e-6) == pytest.approx(75e3)
    made = plant(DummyLoad(resistor(400e3), 0.0), roll_off=True, stray_capacitance_F=30e-12)
    shown_ohm = sweep(made, 2e6, 2e6, 1)[1][0]
    assert shown_ohm.real < 0.0 and abs(math.degrees(math.atan2(shown_ohm.imag, shown_ohm.real))) > 90.0


def test_mains_spoils_the_points_near_its_two_frequencies_by_a_fifth_and_no_others() -> None:
    frequency_Hz, shown_ohm, _ = sweep(plant(d1(), mains_Hz=50.0), 1e4, 1.0, 81)
    off = np.abs(shown_ohm / D1.impedance_ohm(frequency_Hz) - 1.0)
    window_Hz = 3.0 / np.maximum(3.0 / frequency_Hz, 0.05)
    near = np.minimum(np.abs(frequency_Hz - 50.0), np.abs(frequency_Hz - 100.0)) <= window_Hz
    assert off[near] == pytest.approx(0.2) and (off[~near] < 1e-12).all()
    assert 3 <= near.sum() < 30


def test_drift_grows_the_arc_by_its_share_over_the_sweep() -> None:
    frequency_Hz, shown_ohm, _ = sweep(plant(d1(), drift=0.2), 1e4, 0.1, 51)
    assert shown_ohm[0].real == pytest.approx(D1.impedance_ohm(frequency_Hz[:1])[0].real, rel=1e-3)
    assert shown_ohm[-1].real == pytest.approx(10.0 + 120.0, rel=1e-3)
    both = sweep(plant(d1(), drift=0.2, drift_series=0.2), 1e4, 0.1, 51)[1]
    assert both[-1].real == pytest.approx(132.0, rel=1e-3)


def test_a_current_beyond_a_fixed_range_clamps_and_is_never_silently_good() -> None:
    made = plant(DummyLoad(resistor(10.0), 0.0))
    made.set_range(1e-4)
    point = made.point(made.plan_point(Sine(1e3, 0.01), 0.0))
    assert Flag.OVERLOAD_CURRENT in point.flags
    assert abs(point.impedance_ohm) == pytest.approx(10.0 * math.sqrt(2.0) * 1e-3 / 1e-4)
    made.overload_share = 20.0  # as a 273A, that reads beyond the name of its range
    assert Flag.OVERLOAD_CURRENT not in made.point(made.plan_point(Sine(1e3, 0.01), 0.0)).flags


def test_direct_current_errors_stay_within_their_bounds_and_are_fixed_for_an_instrument() -> None:
    def shown(seed: int) -> tuple[float, float]:
        made = plant(
            DummyLoad(resistor(1000.0), 0.0), seed=seed,
            potential_error=2e-3, potential_offset_V=2e-3, current_error=2e-3,
        )  # fmt: skip
        made.set_potential(1.0, 0.0)
        reading = made.reading(1.0)
        assert reading.potential_V == pytest.approx(1.0)  # set and read share their errors
        return made.seen.at(1.0)[0] if made.seen else 0.0, reading.current_A

    for seed in range(20):
        true_V, shown_A = shown(seed)
        assert abs(true_V - 1.0) <= 4e-3 and true_V != 1.0
        assert abs(shown_A - true_V / 1000.0) <= 2e-3 * 10e-3
    assert shown(3) == shown(3)


def test_profiles_hold_and_single_effects_lie_on_top() -> None:
    assert effects_of("ideal", {}) == Effects()
    assert effects_of("calibrated", {"noise": 0}).noise == 0.0
    assert effects_of("calibrated", {"noise": 0}).non_linear is True
    assert all(getattr(PROFILES["worst"], name) for name in Effects.__slots__)
    for profile, changes in (("idle", {}), ("ideal", {"nose": 1}), ("ideal", {"roll_off": 1})):
        with pytest.raises(UserInputError):
            effects_of(profile, changes)


# -- large signals -----------------------------------------------------------------------------------------


def interface(interfaces: int = 1) -> CellLoad:
    """Return the non-linear cell of EI-5: charge transfer alone, n = 1, 25 degC, no series resistance."""
    nothing = {"resistance_ohm_cm2": 0.0}
    overrides = {
        "bulk_ohm_cm2": 0.0, "inductance_H": 0.0, "interfaces": interfaces, "sei": nothing, "warburg": nothing,
        "ct": {"resistance_ohm_cm2": 100.0, "n": 1.0, "tau_s": 1e-3}, "plating": {"nucleation_V": 0.0, "rise_V": 0.0},
    }  # fmt: skip
    return CellLoad(Cell(CellSpec("NL", "LIQ-P", overrides=overrides)), Room(), 0)


@pytest.mark.parametrize(
    ("amplitude_V", "share", "distortion"),
    [(0.010, 0.991, 0.0031), (0.020, 0.963, 0.0124), (0.050, 0.796, 0.071), (0.100, 0.435, 0.216)],
)
def test_one_interface_answers_a_large_sine_with_less_resistance_and_a_third_harmonic(
    amplitude_V: float, share: float, distortion: float
) -> None:
    small = interface().answer(0.1, 0.0, 0.0, (1.0, 1.0))
    large = interface().answer(0.1, 0.0, amplitude_V, (1.0, 1.0))
    assert small.distortion == 0.0
    assert abs(large.impedance_ohm) / abs(small.impedance_ohm) == pytest.approx(share, rel=0.01)
    assert large.distortion == pytest.approx(distortion, abs=0.005 if amplitude_V > 0.04 else 2e-4)


def test_a_cell_of_two_interfaces_is_within_a_thousandth_at_ten_millivolt() -> None:
    assert interface(2).answer(0.1, 0.0, 0.01, (1.0, 1.0)).distortion == pytest.approx(8e-4, rel=0.05)


def test_far_above_its_frequency_an_interface_is_a_capacitor_and_linear() -> None:
    small = interface().answer(1e5, 0.0, 0.0, (1.0, 1.0))
    large = interface().answer(1e5, 0.0, 0.1, (1.0, 1.0))
    assert large.impedance_ohm == pytest.approx(small.impedance_ohm, rel=5e-3) and large.distortion < 1e-3


def test_the_bessel_series_gives_the_known_values() -> None:
    assert bessel_i(1, 1.0) == pytest.approx(0.5651591039924851, rel=1e-14)
    assert bessel_i(3, 5.0) == pytest.approx(10.331150169151137, rel=1e-13)


def test_the_truth_goes_on_past_what_the_log_keeps() -> None:
    made = plant(d1())
    made.log = deque(maxlen=3)
    before = made.noted
    for number in range(5):
        made.set_potential(0.01 * (number + 1), 0.1 * number)
    assert made.noted == before + 5
    assert [event.value for event in made.noted_after(before + 3)] == pytest.approx([0.04, 0.05])
    assert [event.value for event in made.noted_after(0)] == pytest.approx([0.03, 0.04, 0.05])
    assert made.noted_after(before + 5) == []
