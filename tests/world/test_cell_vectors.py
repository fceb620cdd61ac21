"""The cells give the numbers of cell-models.md to the digits given there (sections 2.5, 2.6, 9)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from labctl_simulators.world.cell import Cell, CellSpec, Drive, first_beyond
from labctl_simulators.world.elements import (
    conductivity_S_per_cm,
    open_circuit_point,
    open_circuit_V,
    particle_modes,
    warburg_modes,
    zarc_modes,
)
from labctl_simulators.world.variants import VARIANTS, Chemistry, Electrolyte

ONE_MA_PER_CM2_A = 0.7853981634e-3
CURRENT_2C_A = -0.412334e-3
CURRENT_LFP_A = 78.5398e-6

SYMMETRIC_mV = {  # section 9, t = 0.1, 1, 10, 60, 600, 3600 s
    ("LIQ-P", 1.0): (153.5302, 158.8124, 162.1631, 147.4084, 121.7727, 133.5895),
    ("LIQ-Z", 1.0): (89.4341, 92.7317, 97.9239, 96.0007, 89.1944, 91.8353),
    ("PEO-P", 0.1): (18.1870, 19.8899, 21.8515, 25.9900, 34.6786, 34.9988),
    ("PEO-Z", 0.1): (41.4672, 44.3654, 46.4336, 50.7032, 59.6632, 59.9935),
}
FULL_V = {  # section 9, leak off
    ("LTO-P", CURRENT_2C_A, (1, 10, 60, 300, 900, 1500)): (2.41263, 2.11228, 1.74481, 1.50413, 1.49490, 1.33606),
    ("LTO-Z", CURRENT_2C_A, (1, 10, 60, 300, 900, 1500)): (2.35419, 2.02430, 1.65928, 1.47170, 1.46208, 0.56482),
    ("LFP-P", CURRENT_LFP_A, (1, 10, 60, 600, 3600, 6000)): (2.95918, 3.02909, 3.14622, 3.40136, 3.43779, 3.44463),
    ("LFP-Z", CURRENT_LFP_A, (1, 10, 60, 600, 3600, 6000)): (2.96724, 3.03882, 3.15794, 3.41068, 3.44510, 3.45214),
}  # fmt: skip


def fresh_voltages_V(cell: Cell, current_A: float, times_s: tuple[float, ...]) -> np.ndarray:
    """Return voltages of one chunk, that is with growth frozen, reaching beyond its ageing edge if need be."""
    cell.begin_step(1 if current_A > 0 else -1)
    chunk = cell.plan(Drive.cc(current_A), cell.state.temperature_degC, 360_000)
    return chunk.voltage_V(np.array([round(10 * t) for t in times_s]))


@pytest.mark.parametrize(("name", "J_mA_cm2"), SYMMETRIC_mV)
def test_symmetric_cells_answer_a_current_step_as_in_section_9(name: str, J_mA_cm2: float) -> None:
    cell = Cell(CellSpec("c", name))
    voltage_V = fresh_voltages_V(cell, J_mA_cm2 * ONE_MA_PER_CM2_A, (0.1, 1, 10, 60, 600, 3600))
    assert voltage_V * 1e3 == pytest.approx(SYMMETRIC_mV[name, J_mA_cm2], abs=6e-5)


@pytest.mark.parametrize(("name", "current_A", "times_s"), FULL_V)
def test_full_cells_answer_a_current_step_as_in_section_9(
    name: str, current_A: float, times_s: tuple[float, ...]
) -> None:
    cell = Cell(CellSpec("c", name, overrides={"leak.fraction": 0.0}))
    assert fresh_voltages_V(cell, current_A, times_s) == pytest.approx(
        FULL_V[name, current_A, times_s], abs=1.1e-5
    )


@pytest.mark.parametrize(("name", "expected_s"), [("LTO-P", 1642.633), ("LTO-Z", 1384.489)])
def test_lto_reaches_one_volt_at_the_stated_second(name: str, expected_s: float) -> None:
    cell = Cell(CellSpec("c", name))
    cell.begin_step(-1)
    start = 0
    while True:
        chunk = cell.plan(Drive.cc(CURRENT_2C_A), 25.0, 40_000)
        hit = first_beyond(chunk, 1, chunk.ticks, 1.0, above=False)
        if hit is not None:
            break
        cell.commit(chunk, chunk.ticks, 25.0)
        start += chunk.ticks
    before_V, after_V = chunk.voltage_V(np.array([hit - 1, hit]))
    crossing_s = (start + hit - 1 + (before_V - 1.0) / (before_V - after_V)) / 10.0
    assert crossing_s == pytest.approx(expected_s, abs=0.002)


def test_mode_tables_are_those_of_section_9() -> None:
    zarc, _ = zarc_modes(1.0, 0.82)
    assert zarc[:5] == pytest.approx((0.004445, 0.012156, 0.036814, 0.146864, 0.599441), abs=6e-7)
    assert zarc[5:] == pytest.approx(zarc[3::-1])
    warburg, _ = warburg_modes(1.0)
    assert warburg == pytest.approx(
        (0.810569, 0.090063, 0.032423, 0.016542, 0.010007, 0.006699, 0.033696), abs=6e-7
    )
    particle, _ = particle_modes(1.0)
    assert particle == pytest.approx(
        (0.202642, 0.050661, 0.022516, 0.012665, 0.008106, 0.005629, 0.031115), abs=6e-7
    )
    assert len(zarc_modes(1.0, 0.999)[0]) == 1


OCV_X = (0.01, 0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98, 0.99)
OCV_V = {  # section 2.6
    Chemistry.LFP: (3.51906, 3.43219, 3.40696, 3.40567, 3.40162, 3.39757, 3.39340, 3.34465, 3.18763, 2.89391, 2.72090),
    Chemistry.LTO: (3.00412, 2.65501, 2.03847, 1.68253, 1.56362, 1.56129, 1.54841, 1.34391, 1.11871, 0.88279, 0.77887),
}  # fmt: skip


@pytest.mark.parametrize("chemistry", OCV_V)
def test_open_circuit_voltages_are_those_of_section_2_6(chemistry: Chemistry) -> None:
    assert open_circuit_V(chemistry, np.array(OCV_X)) == pytest.approx(OCV_V[chemistry], abs=6e-6)


@pytest.mark.parametrize("chemistry", OCV_V)
def test_the_slope_of_the_open_circuit_voltage_is_its_derivative(chemistry: Chemistry) -> None:
    for x in (0.02, 0.3, 0.7, 0.97):
        U_V, slope_V = open_circuit_point(chemistry, x)
        above, below = open_circuit_V(chemistry, np.array([x + 1e-6, x - 1e-6]))
        assert slope_V == pytest.approx((above - below) / 2e-6, rel=1e-5)
        assert pytest.approx(float(open_circuit_V(chemistry, np.array([x]))[0]), rel=1e-14) == U_V


@pytest.mark.parametrize(
    ("temperature_degC", "sigma_S_per_cm", "end_mV"),
    [
        (25, 6.2e-6, 1474),
        (40, 4.4e-5, 246),
        (50, 1.47e-4, 85.5),
        (60, 4.0e-4, 35.0),
        (70, 6.1e-4, 20.2),
        (80, 8.9e-4, 12.5),
    ],
)
def test_peo_conductivity_and_first_end_voltage_follow_the_temperature_table_of_section_2_5(
    temperature_degC: float, sigma_S_per_cm: float, end_mV: float
) -> None:
    assert conductivity_S_per_cm(Electrolyte.PEO, temperature_degC) == pytest.approx(
        sigma_S_per_cm, rel=0.015
    )
    cell = Cell(CellSpec("c", "PEO-P"), temperature_degC=temperature_degC)
    (voltage_V,) = fresh_voltages_V(cell, 0.1 * ONE_MA_PER_CM2_A, (3600,))
    assert voltage_V * 1e3 == pytest.approx(end_mV, rel=0.005)


@pytest.mark.parametrize(
    ("name", "throughput_mAh_cm2", "growth"),
    [
        ("LIQ-P", 100.0, (2.3018, 1.3224, 2.5385)),
        ("LIQ-P", 150.0, (11.2207, 2.0531, 11.0000)),
        ("LIQ-Z", 500.0, (2.1647, 1.2393, 2.3587)),
        ("PEO-P", 14.0, (11.8363, 2.3545, 1.4515)),
    ],
)
def test_growth_factors_are_those_of_section_9(
    name: str, throughput_mAh_cm2: float, growth: tuple[float, float, float]
) -> None:
    assert VARIANTS[name].growth(throughput_mAh_cm2) == pytest.approx(growth, abs=6e-5)


def test_capacity_fades_as_in_section_9() -> None:
    assert VARIANTS["LTO-P"].positive.fade(81.1) == pytest.approx(0.7130, abs=6e-5)
    assert VARIANTS["LFP-Z"].positive.fade(51.4) == pytest.approx(0.9043, abs=6e-5)
    assert VARIANTS["LTO-Z"].positive.fade(0.0) == pytest.approx(0.861, abs=1e-9)


def test_the_lithium_ledger_counts_half_of_kappa_times_throughput() -> None:
    cell = Cell(CellSpec("c", "LIQ-P"))
    cell.state = replace(cell.state, throughput_mAh_cm2=100.0)
    assert cell.dead_lithium_mAh_cm2 == pytest.approx(1.5)


def test_a_larger_disc_carries_the_same_areal_current_at_the_same_voltage() -> None:
    small, large = Cell(CellSpec("a", "LIQ-P")), Cell(CellSpec("b", "LIQ-P", diameter_mm=12.0))
    ratio = large.area_cm2 / small.area_cm2
    assert ratio == pytest.approx(1.44)
    times_s = (1.0, 60.0, 600.0)
    assert fresh_voltages_V(large, ratio * ONE_MA_PER_CM2_A, times_s) == pytest.approx(
        fresh_voltages_V(small, ONE_MA_PER_CM2_A, times_s), rel=1e-12
    )
