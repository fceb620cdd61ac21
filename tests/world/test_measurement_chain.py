"""What a cycler channel adds to the truth: cell-models.md section 7, virtual-time.md 4.3 and 4.4."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_simulators.world.chain import MeasurementChain
from labctl_simulators.world.noise import record_noise, stream_key

from labctl.errors import UserInputError

RANGES_A = (1e-4, 1e-3, 1e-2, 1e-1)


def chain(profile: str = "calibrated", channel: str = "1-1", seed: int = 7) -> MeasurementChain:
    return MeasurementChain(profile, seed, "neware", channel, RANGES_A)


def constant(value: float, count: int = 20_000) -> np.ndarray:
    return np.full(count, value)


@pytest.mark.parametrize(("range_A", "noise_A"), [(1e-4, 1e-9), (1e-3, 5e-9), (1e-2, 31e-9), (1e-1, 0.2e-6)])
def test_record_noise_has_the_measured_size_in_each_range(range_A: float, noise_A: float) -> None:
    voltage_V, current_A = chain().records(1, 1, constant(1.0), constant(0.5 * range_A), range_A)
    assert np.std(voltage_V) == pytest.approx(1e-4, rel=0.03)
    assert np.std(current_A) == pytest.approx(noise_A, rel=0.03)


@pytest.mark.parametrize(
    ("full_scale", "count"), [(5.0, 152.6e-6), (1e-2, 0.305e-6), (1e-3, 30.5e-9), (1e-4, 3.05e-9)]
)
def test_records_are_quantised_to_a_64th_of_a_count(full_scale: float, count: float) -> None:
    scales = chain().current | {5.0: chain().voltage}
    quantum = scales[full_scale].quantum
    assert quantum * 64 == pytest.approx(count, rel=1e-3)
    voltage_V, _ = chain().records(1, 1, constant(1.0), constant(0.0), 1e-4)
    steps = voltage_V / chain().voltage.quantum
    assert np.abs(steps - np.rint(steps)).max() < 1e-6


def test_gain_and_offset_errors_are_drawn_per_channel_and_range_with_the_stated_sigma() -> None:
    chains = [chain(channel=f"1-{number}") for number in range(400)]
    gains = np.array([c.current[1e-3].gain_error for c in chains])
    offsets = np.array([c.current[1e-3].offset / 1e-3 for c in chains])
    assert np.std(gains) == pytest.approx(2e-4, rel=0.12)
    assert np.std(offsets) == pytest.approx(5e-5, rel=0.12)
    assert chains[0].current[1e-3].gain_error != chains[0].current[1e-2].gain_error
    assert chain(channel="1-3").voltage == chain(channel="1-3").voltage
    assert chain(seed=8).voltage != chain(seed=7).voltage


def test_the_worst_profile_stays_within_0_05_percent_of_full_scale() -> None:
    sums = [
        abs(scale.gain_error) + abs(scale.offset / scale.full_scale)
        for number in range(300)
        for scale in [chain("worst", f"1-{number}").voltage]
    ]
    assert max(sums) <= 5e-4 and max(sums) > 4.5e-4 and np.mean(sums) == pytest.approx(2.5e-4, rel=0.15)


def test_the_ideal_profile_adds_nothing() -> None:
    voltage_V, current_A = chain("ideal").records(
        1, 1, np.array([1.23456789, 5.5]), np.array([1e-3, 1e-3]), 1e-2, first_reads_low=True
    )
    assert voltage_V.tolist() == [1.23456789, 5.5] and current_A.tolist() == [1e-3, 1e-3]


def test_the_first_record_of_a_constant_current_step_reads_0_1_percent_low() -> None:
    usual = chain().records(1, 5, constant(0.0, 3), constant(5e-4, 3), 1e-3)[1]
    first = chain().records(1, 5, constant(0.0, 3), constant(5e-4, 3), 1e-3, first_reads_low=True)[1]
    assert (usual - first).tolist() == pytest.approx([5e-7, 0.0, 0.0], abs=5e-10)


def test_records_saturate_at_the_rail_while_the_reading_for_limits_does_not() -> None:
    voltage_V, _ = chain().records(1, 1, np.array([7.0, -7.0]), np.zeros(2), 1e-3)
    assert voltage_V.tolist() == [5.0, -5.0]
    assert chain().read_voltage_V(np.array([7.0]))[0] == pytest.approx(7.0, rel=1e-3)
    assert chain().read_voltage_V(np.array([7.0]))[0] > 5.0


def test_the_reading_for_limits_carries_gain_and_offset_but_no_noise() -> None:
    this = chain()
    scale = this.voltage
    readings = this.read_voltage_V(constant(3.0, 10))
    assert (readings == 3.0 * (1 + scale.gain_error) + scale.offset).all()
    assert scale.reading_of(3.0) == readings[0]


def test_the_set_point_goes_through_the_same_error_as_the_reading() -> None:
    this = chain()
    true_A = this.true_current_A(78.540e-6, 1e-4)
    assert true_A != 78.540e-6
    assert this.read_current_A(np.array([true_A]), 1e-4)[0] == pytest.approx(78.540e-6, rel=1e-14)
    assert this.true_current_A(0.0, 1e-4) == 0.0
    assert this.read_voltage_V(np.array([this.true_voltage_V(3.8)]))[0] == pytest.approx(3.8, rel=1e-14)


def test_the_smallest_range_that_holds_the_current_is_taken_unless_one_is_fixed() -> None:
    this = chain()
    assert this.range_for(78.54e-6) == 1e-4
    assert this.range_for(-0.785398e-3) == 1e-3
    assert this.range_for(1e-3) == 1e-3
    assert this.range_for(1e-6, fixed_A=1e-2) == 1e-2
    with pytest.raises(UserInputError, match="does not fit"):
        this.range_for(0.2)
    with pytest.raises(UserInputError, match="does not fit"):
        this.range_for(2e-3, fixed_A=1e-3)


def test_set_currents_are_rounded_to_one_nanoampere() -> None:
    assert MeasurementChain.settable_A(78.53981634e-6) == 78.540e-6
    assert MeasurementChain.settable_A(0.7853981634e-3) == 0.785398e-3


def test_errors_can_be_fixed_by_hand_and_wrong_names_are_refused() -> None:
    this = MeasurementChain(
        "calibrated",
        7,
        "n",
        "1",
        RANGES_A,
        overrides={"voltage": {"offset": 1e-3}, 1e-3: {"gain_error": 0.0}},
    )
    assert this.voltage.offset == 1e-3
    assert this.current[1e-3].gain_error == 0.0
    with pytest.raises(UserInputError, match="gain_error"):
        MeasurementChain("calibrated", 7, "n", "1", RANGES_A, overrides={"voltage": {"drift": 1.0}})


@settings(max_examples=60, deadline=None)
@given(first=st.integers(1, 6000), count=st.integers(1, 2500), other=st.integers(1, 6000))
def test_the_noise_of_a_record_does_not_depend_on_the_block_it_is_asked_in(
    first: int, count: int, other: int
) -> None:
    key = stream_key(7, "neware", "1-1", 3)
    block = record_noise(key, first, count)
    if first <= other < first + count:
        assert np.array_equal(block[:, other - first], record_noise(key, other, 1)[:, 0])
    split = count // 2
    parts = [record_noise(key, first, split), record_noise(key, first + split, count - split)]
    assert np.array_equal(np.concatenate(parts, axis=1), block)


def test_noise_streams_of_tests_channels_and_quantities_are_independent() -> None:
    a = record_noise(stream_key(7, "neware", "1-1", 3), 1, 20_000)
    b = record_noise(stream_key(7, "neware", "1-1", 4), 1, 20_000)
    c = record_noise(stream_key(7, "neware", "1-2", 3), 1, 20_000)
    for x, y in ((a[0], a[1]), (a[0], b[0]), (a[0], c[0]), (a[0, 1:], a[0, :-1])):
        assert abs(np.corrcoef(x, y)[0, 1]) < 0.025
    assert np.mean(a) == pytest.approx(0.0, abs=0.02)
    assert np.std(a, axis=1) == pytest.approx(np.ones(2), abs=0.02)
    assert np.mean(np.abs(a) > 3.0) == pytest.approx(0.0027, abs=0.0012)


def test_known_noise_never_changes() -> None:
    """Pin the streams: a change here would silently change every run of a seed."""
    key = stream_key(7, "neware", "1-1", 1)
    assert key == 198307662008090215473518859491125681831
    assert record_noise(key, 1, 3)[0] == pytest.approx(
        (0.963310392113176, 0.8186458072941658, -0.1916687247207279), abs=1e-12
    )
    assert record_noise(key, 1, 3)[1] == pytest.approx(
        (-0.3318763285704348, -0.7319627397654921, -0.585190602963924), abs=1e-12
    )
