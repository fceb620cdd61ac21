"""Impedance from the modes of the time domain: cell-models.md section 6."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from labctl_simulators.world.cell import Cell, CellSpec, Drive

NO_PLATING = {"plating": {"nucleation_V": 0.0, "rise_V": 0.0}}
FREQUENCY_Hz = np.array([1e6, 1e5, 1e4, 1e3, 100.0, 10.0, 1.0, 0.1])
FRESH_ohm = {  # section 6, fresh cells at OCV, full cells at x = 0.5
    "LIQ-P": "6.366+2.491j 6.372+0.027j 6.737-1.973j 11.481-12.735j "
    "54.946-40.897j 110.103-27.629j 138.485-10.087j 145.086-6.480j",
    "LIQ-Z": "6.366+2.491j 6.374+0.031j 6.709-1.873j 11.480-12.845j "
    "54.183-28.509j 86.391-17.731j 100.956-5.010j 104.894-4.851j",
    "PEO-P": "31.831+2.497j 31.833+0.092j 31.996-1.518j 35.442-10.654j "
    "68.821-48.803j 170.365-53.089j 232.491-27.045j 250.620-12.557j",
    "PEO-Z": "31.831+2.491j 31.832+0.028j 31.956-2.180j 35.812-17.782j "
    "87.441-108.508j 382.523-154.877j 531.490-59.137j 562.207-17.437j",
    "LTO-P": "6.366+2.492j 6.372+0.041j 6.712-1.852j 11.153-11.998j "
    "51.947-38.990j 106.354-29.412j 138.511-11.503j 146.565-8.149j",
    "LTO-Z": "6.366+2.459j 6.385-0.285j 7.207-4.593j 18.880-31.151j "
    "122.959-66.890j 189.594-32.303j 213.522-8.109j 218.788-6.301j",
    "LFP-P": "31.831+2.498j 31.833+0.097j 31.983-1.476j 35.199-10.615j "
    "67.346-51.380j 181.057-87.177j 332.066-62.380j 367.625-16.562j",
    "LFP-Z": "31.831+2.500j 31.832+0.122j 31.899-1.258j 34.051-10.489j "
    "63.502-65.602j 244.660-124.440j 422.588-68.895j 457.163-16.693j",
}  # fmt: skip


@pytest.mark.parametrize("name", FRESH_ohm)
def test_fresh_spectra_are_those_of_the_table(name: str) -> None:
    impedance_ohm = Cell(CellSpec("c", name, x=0.5)).impedance(FREQUENCY_Hz)
    expected_ohm = np.array([complex(word) for word in FRESH_ohm[name].split()])
    assert np.abs(impedance_ohm.real - expected_ohm.real).max() < 6e-4
    assert np.abs(impedance_ohm.imag - expected_ohm.imag).max() < 6e-4


@pytest.mark.parametrize(
    ("name", "throughput_mAh_cm2", "real_ohm"),
    [
        ("LIQ-P", 100.0, 290), ("LIQ-P", 150.0, 1213),
        ("LIQ-Z", 100.0, 97), ("LIQ-Z", 500.0, 195),
        ("PEO-P", 4.0, 1186), ("PEO-P", 14.0, 1987),
        ("PEO-Z", 4.0, 639), ("PEO-Z", 90.0, 646),
    ],
)  # fmt: skip
def test_aged_cells_have_the_stated_real_part_at_0_1_Hz(
    name: str, throughput_mAh_cm2: float, real_ohm: float
) -> None:
    cell = Cell(CellSpec("c", name))
    cell.state = replace(cell.state, throughput_mAh_cm2=throughput_mAh_cm2)
    assert cell.impedance(np.array([0.1]))[0].real == pytest.approx(real_ohm, abs=0.6)


@pytest.mark.parametrize(
    ("name", "elements_ohm"),
    [
        ("LIQ-P", (6.4, 95.5, 38.2, 15.3)), ("LIQ-Z", (6.4, 66.2, 28.0, 12.7)),
        ("PEO-P", (31.8, 152.8, 57.3, 203.7)), ("PEO-Z", (31.8, 420.2, 101.9, 210.1)),
        ("LFP-P", (31.8, 140.1, 191.0, 140.1)), ("LFP-Z", (31.8, 229.2, 191.0, 140.1)),
        ("LTO-P", (6.4, 89.1, 44.6, 19.1)), ("LTO-Z", (6.4, 162.7, 44.4, 15.3)),
    ],
)  # fmt: skip
def test_fresh_elements_of_the_10_mm_disc_are_those_listed(
    name: str, elements_ohm: tuple[float, float, float, float]
) -> None:
    cell = Cell(CellSpec("c", name))
    circuit, moment = cell.circuit, cell.moment()
    sei_ohm = float(moment.fixed_ohm[circuit.sei_weights > 0].sum())
    w_ohm = float(moment.fixed_ohm[circuit.w_weights > 0].sum())
    assert (moment.bulk_ohm, sei_ohm, moment.ct_ohm, w_ohm) == pytest.approx(elements_ohm, abs=0.06)


@pytest.mark.parametrize(("name", "frequency_Hz"), [("LIQ-P", 0.05), ("PEO-Z", 0.02), ("LFP-P", 0.05)])
def test_a_small_sine_in_the_time_domain_measures_the_impedance(name: str, frequency_Hz: float) -> None:
    """Drive the cell with a staircase sine of 0.1 s steps for some periods; project V on its fundamental."""
    cell = Cell(CellSpec("c", name, x=0.5, overrides=NO_PLATING))
    air_degC, step_s = cell.state.temperature_degC, 0.1
    per_period = round(1.0 / frequency_Hz / step_s)
    periods = 6
    current_A = 2e-7 * np.cos(2 * math.pi * np.arange(periods * per_period) / per_period)
    middle_V = []
    for I_A in current_A:
        chunk = cell.plan(Drive.cc(float(I_A)), air_degC, 1)
        middle_V.append(chunk.voltage_V(np.array([0, 1])))
        cell.commit(chunk, 1, air_degC)
    last = slice((periods - 1) * per_period, None)
    voltage_V = np.array(middle_V)[last]
    # a staircase is the sine filtered by a hold of one step: the phase of its middle is that of the sine + half a step
    phase = np.exp(-2j * math.pi * np.arange(per_period) / per_period)
    slow_V = voltage_V.mean(axis=1) - voltage_V.mean()
    measured_ohm = (slow_V @ phase) / (current_A[last] @ phase)
    expected_ohm = cell.impedance(np.array([frequency_Hz]))[0]
    assert measured_ohm == pytest.approx(expected_ohm, rel=0.02)


@pytest.mark.parametrize("name", ["LIQ-P", "PEO-Z", "LTO-Z", "LFP-P"])
def test_the_dc_resistance_of_a_step_is_the_low_frequency_limit_of_the_impedance(name: str) -> None:
    """All modes relaxed, a small step's V/I less the slope of the capacity equals the sum of all resistances."""
    cell = Cell(
        CellSpec(
            "c",
            name,
            x=0.5,
            overrides={"plating": {"nucleation_V": 0.0, "rise_V": 0.0}, "leak.fraction": 0.0},
        )
    )
    rest_V = cell.rest_voltage_V
    cell.begin_step(1)
    chunk = cell.plan(Drive.cc(1e-8), cell.state.temperature_degC, 360_000)
    (voltage_V,) = chunk.voltage_V(np.array([100_000]))
    low_Hz = np.array([1e-7])
    real_ohm = cell.impedance(low_Hz)[0].real
    drift_ohm = 0.0
    if cell.circuit.full:
        capacity_reactance_ohm = -cell.impedance(low_Hz)[0].imag * 2 * math.pi * low_Hz[0]
        drift_ohm = capacity_reactance_ohm * 10_000.0
    assert (voltage_V - rest_V) / 1e-8 == pytest.approx(real_ohm + drift_ohm, rel=2e-3)


def test_spectra_satisfy_kramers_kronig() -> None:
    """Fit the imaginary part from the real part's RC elements: linear least squares, three per decade."""
    frequency_Hz = np.logspace(-1, 6, 71)
    w = 2 * math.pi * frequency_Hz
    taus_s = np.logspace(-8, 2, 31)
    for name in ("LIQ-P", "PEO-Z", "LFP-Z", "LTO-P"):
        cell = Cell(CellSpec("c", name, x=0.5))
        Z_ohm = cell.impedance(frequency_Hz)
        columns = [1.0 / (1.0 + 1j * w * tau) for tau in taus_s]
        columns += [np.ones_like(w) + 0j, 1j * w, 1.0 / (1j * w)]
        matrix = np.array(columns).T / np.abs(Z_ohm)[:, None]
        both = np.vstack([matrix.real, matrix.imag])
        target = Z_ohm / np.abs(Z_ohm)
        solved, *_ = np.linalg.lstsq(both, np.concatenate([target.real, target.imag]), rcond=None)
        assert np.abs(matrix @ solved - target).max() < 5e-3, name


def test_a_leak_stands_parallel_to_the_cell_and_not_to_the_cable() -> None:
    cell, tight = Cell(CellSpec("a", "LFP-P", x=0.5)), Cell(CellSpec("b", "LFP-P", x=0.5))
    cell.leak_A = 1e-5
    frequency_Hz = np.array([1e-2, 1e6])
    cable_ohm = 2j * math.pi * frequency_Hz * 0.4e-6
    leak_ohm = cell.ocv_V / 1e-5
    inner_ohm = tight.impedance(frequency_Hz) - cable_ohm
    expected_ohm = cable_ohm + inner_ohm * leak_ohm / (inner_ohm + leak_ohm)
    assert np.allclose(cell.impedance(frequency_Hz), expected_ohm, rtol=1e-12)
