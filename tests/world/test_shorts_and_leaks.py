"""Hard shorts, their precursor and leaks: cell-models.md 3.1 and 3.2."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from labctl_simulators.world.cell import Cell, CellSpec, Drive
from labctl_simulators.world.precursor import Precursor


def cycled(cell: Cell, cycles: int) -> list[float]:
    """Begin half-cycles without letting time pass; return the leak of each."""
    leaks_A = []
    for _ in range(cycles):
        for sign in (1, -1):
            cell.begin_step(sign)
            leaks_A.append(cell.leak_A)
    return leaks_A


def test_without_a_seed_every_random_number_is_its_median() -> None:
    cell = Cell(CellSpec("c", "LIQ-P"))
    assert cell.short_mAh_cm2 == 160.0
    assert Cell(CellSpec("c", "LFP-Z")).short_mAh_cm2 == np.inf


def test_a_cell_with_a_seed_draws_from_default_rng_of_that_seed() -> None:
    cell = Cell(CellSpec("c", "LFP-P", seed=11))
    numbers = np.random.default_rng(11)
    numbers.standard_normal()  # the first is for the hard short, drawn for full cells too
    leaks_A = cycled(cell, 22)
    assert leaks_A[:40] == [0.0] * 40
    reference_A = 0.1e-3 * cell.area_cm2
    for index in range(40, 44):
        rise = 1.0 - np.exp(-(index // 2 + 1 - 20.0) / 6.0)
        factor = np.exp(0.35 * numbers.standard_normal() - 0.5 * 0.35**2)
        assert leaks_A[index] == pytest.approx(0.12774 * reference_A * rise * factor, rel=1e-12)


def test_a_cell_without_a_seed_of_its_own_draws_from_bench_seed_and_name() -> None:
    z = np.random.default_rng([7, zlib.crc32(b"C0001")]).standard_normal()
    assert Cell(CellSpec("C0001", "LIQ-P"), 7).short_mAh_cm2 == 160.0 * np.exp(0.04 * z)


def test_an_established_leak_gives_the_stated_efficiency_and_resistance() -> None:
    cell = Cell(CellSpec("c", "LFP-P"))
    leak_A = cycled(cell, 120)[-1]
    assert leak_A == pytest.approx(0.12774 * 78.54e-6, rel=1e-4)
    assert 3.43 / leak_A == pytest.approx(342e3, rel=0.005)
    fraction = leak_A / 78.54e-6
    assert (1 - fraction) / (1 + fraction) == pytest.approx(0.773, abs=0.001)
    coated_A = cycled(Cell(CellSpec("c", "LFP-Z")), 1)[0]
    assert 3.43 / coated_A == pytest.approx(35e6, rel=0.01)


def test_rests_draw_no_leak_and_none_flows_before_the_first_half_cycle() -> None:
    cell = Cell(CellSpec("c", "LFP-Z"))
    cell.begin_step(0)
    chunk = cell.plan(Drive.rest(), 60.0, 216_000)
    cell.commit(chunk, chunk.ticks, 60.0)
    assert (cell.leak_A, cell.state.x) == (0.0, 0.98)
    cell.begin_step(1)
    leak_A = cell.leak_A
    cell.begin_step(0)
    cell.begin_step(1)
    assert (cell.leak_A, cell.half_cycles) == (leak_A, 1)


def test_a_leak_discharges_a_resting_cell() -> None:
    cell = Cell(CellSpec("c", "LFP-Z", x=0.5))
    cell.begin_step(1)
    cell.begin_step(0)
    chunk = cell.plan(Drive.rest(), 60.0, 36_000)
    assert (chunk.current_A(np.arange(3)) == 0.0).all()
    cell.commit(chunk, chunk.ticks, 60.0)
    capacity_C = cell.moment().capacity_C
    assert cell.state.x - 0.5 == pytest.approx(cell.leak_A * 3600.0 / capacity_C, rel=1e-9)


def test_the_instrument_sees_its_own_current_and_the_electrode_sees_less() -> None:
    cell = Cell(CellSpec("c", "LFP-Z", x=0.5))
    cell.begin_step(1)
    chunk = cell.plan(Drive.cc(78.54e-6), 60.0, 6000)
    assert chunk.capacity_Ah(np.array([6000]))[0] == 78.54e-6 * 600.0 / 3600.0
    cell.commit(chunk, 6000, 60.0)
    moved_C = (0.5 - cell.state.x) * cell.moment().capacity_C
    assert moved_C == pytest.approx((78.54e-6 - cell.leak_A) * 600.0, rel=1e-3)


def test_a_shorted_cell_is_a_resistor_for_ever() -> None:
    cell = Cell(CellSpec("c", "LIQ-P"))
    cell.state = replace(cell.state, throughput_mAh_cm2=159.9, shorted=False)
    current_A = 1e-3 * cell.area_cm2
    cell.begin_step(1)
    chunk = cell.plan(Drive.cc(current_A), 25.0, 36_000)
    assert chunk.ticks == 3600  # 0.1 mAh/cm2 at 1 mA/cm2
    cell.commit(chunk, chunk.ticks, 25.0)
    assert cell.shorted
    for sign in (1, -1):
        cell.begin_step(sign)
        chunk = cell.plan(Drive.cc(sign * current_A), 25.0, 100)
        assert chunk.voltage_V(np.arange(100)) == pytest.approx(np.full(100, sign * 5e-3), rel=1e-12)
        cell.commit(chunk, chunk.ticks, 25.0)
    cell.begin_step(0)
    assert (cell.plan(Drive.rest(), 25.0, 100).voltage_V(np.arange(100)) == 0.0).all()
    assert (cell.ocv_V, cell.rest_voltage_V) == (0.0, 0.0)
    assert cell.impedance(np.array([1.0]))[0].real == pytest.approx(5.0 / cell.area_cm2)


def test_precursor_bursts_last_1_to_20_s_one_per_200_s_and_take_up_to_half() -> None:
    precursor = Precursor(1234)
    ticks = np.arange(2000 * 300)
    factor = precursor.factor(ticks)
    bursts = [precursor.burst(slot) for slot in range(300)]
    lengths_s = np.array([length for _, length, _ in bursts]) / 10
    assert lengths_s.min() >= 1.0 and lengths_s.max() <= 20.0
    assert lengths_s.mean() == pytest.approx(10.5, abs=1.0)
    assert np.mean([depth for _, _, depth in bursts]) == pytest.approx(0.25, abs=0.03)
    assert factor.min() >= 0.5 and np.mean(factor < 1.0) == pytest.approx(10.5 / 200, rel=0.15)
    assert np.array_equal(precursor.factor(ticks[777::1013]), factor[777::1013])


def test_the_precursor_is_off_by_default_and_acts_only_near_the_short() -> None:
    def voltages_V(throughput_mAh_cm2: float, *, precursor: bool) -> np.ndarray:
        cell = Cell(CellSpec("c", "LIQ-P", seed=1, precursor=precursor))
        cell.state = replace(cell.state, throughput_mAh_cm2=throughput_mAh_cm2)
        cell.begin_step(1)
        chunk = cell.plan(Drive.cc(0.785398e-3), 25.0, 8000)
        low_V, high_V = chunk.envelope_V(np.array([0]), np.array([8000]))
        voltage_V = chunk.voltage_V(np.arange(8001))
        assert low_V[0] <= voltage_V.min() and voltage_V.max() <= high_V[0]
        return voltage_V

    short_mAh_cm2 = Cell(CellSpec("c", "LIQ-P", seed=1)).short_mAh_cm2
    near, far = 0.98 * short_mAh_cm2, 0.9 * short_mAh_cm2
    assert np.array_equal(voltages_V(far, precursor=True), voltages_V(far, precursor=False))
    assert not np.array_equal(voltages_V(near, precursor=True), voltages_V(near, precursor=False))
