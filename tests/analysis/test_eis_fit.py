"""Complex least squares: known spectra, the reference cells at every age, intervals."""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from labctl_simulators.world.cell import Cell, CellSpec

from labctl.analysis.eis.cell import FULL_CIRCUIT, SYMMETRIC_CIRCUIT, analyse, circuit_for
from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.fit import Weighting, fit
from labctl.errors import UserInputError

CELLS = ("LIQ-P", "LIQ-Z", "PEO-P", "PEO-Z", "LTO-P", "LTO-Z", "LFP-P", "LFP-Z")
DECADE_APART = tuple(cell for cell in CELLS if cell != "LFP-Z")  # its arcs merge: cell-models.md 6
AGES_mAh_cm2 = {  # up to the end of each cell's life; cycles 20, 50 and 75 of P1 are 40, 100 and 150
    "LIQ-P": (40.0, 100.0, 150.0),
    "LIQ-Z": (40.0, 100.0, 150.0, 650.0),
    "PEO-P": (1.0, 4.0, 10.0, 14.9),
    "PEO-Z": (4.0, 10.0, 104.0),
    "LTO-P": (16.0, 41.0, 150.0),
    "LTO-Z": (1.0, 16.0, 200.0),
    "LFP-P": (4.0, 10.0, 50.0),
    "LFP-Z": (4.0, 10.0, 100.0),
}
AGED = [(cell, age) for cell, ages in AGES_mAh_cm2.items() for age in ages]
FREQUENCY_Hz = np.geomspace(1e6, 0.1, 71)
Maker = Callable[..., Any]


@pytest.mark.parametrize("noise", [0.001, 0.003])
@pytest.mark.parametrize("cell", CELLS)
def test_a_fresh_cell_gives_back_its_resistances(cell: str, noise: float, reference: Maker) -> None:
    for seed in (1, 2):
        truth = reference(cell, noise=noise, seed=seed)
        found = analyse(truth.spectrum)
        assert found.fit is not None and found.fit.converged
        assert found.bulk.value == pytest.approx(truth.bulk_ohm, rel=0.05)
        assert found.interfaces.value == pytest.approx(truth.sei_ohm + truth.ct_ohm, rel=0.05)
        if cell in DECADE_APART:
            assert found.sei.value == pytest.approx(truth.sei_ohm, rel=0.15)
            assert found.ct.value == pytest.approx(truth.ct_ohm, rel=0.15)


@pytest.mark.parametrize(("cell", "age_mAh_cm2"), AGED)
def test_an_aged_cell_gives_back_its_interfaces(cell: str, age_mAh_cm2: float, reference: Maker) -> None:
    truth = reference(cell, age_mAh_cm2, noise=0.002)
    found = analyse(truth.spectrum)
    assert found.fit is not None and found.fit.converged
    assert found.interfaces.value == pytest.approx(truth.sei_ohm + truth.ct_ohm, rel=0.02)
    assert found.sei.value == pytest.approx(truth.sei_ohm, rel=0.06)
    large_film = truth.sei_ohm > 10.0 * truth.ct_ohm
    assert found.ct.value == pytest.approx(truth.ct_ohm, rel=0.15 if large_film else 0.11)


@pytest.mark.parametrize(("cell", "age_mAh_cm2"), AGED)
def test_the_electrolyte_is_found_as_long_as_the_film_is_not_far_larger(
    cell: str, age_mAh_cm2: float, reference: Maker
) -> None:
    truth = reference(cell, age_mAh_cm2, noise=0.002)
    off = analyse(truth.spectrum).bulk.value / truth.bulk_ohm - 1.0
    assert abs(off) < (0.06 if truth.sei_ohm < 60.0 * truth.bulk_ohm else 0.15)


@pytest.mark.parametrize("text", ["L-R-(RQ)-(RQ)-W", "L-R-(RQ)-(RQ)-Ws"])
@pytest.mark.parametrize("cell", ["LIQ-P", "LIQ-Z", "PEO-P"])
def test_endless_and_finite_diffusion_agree_on_everything_before_it(
    cell: str, text: str, reference: Maker
) -> None:
    truth = reference(cell, noise=0.002)
    found = analyse(truth.spectrum, Circuit.read(text))
    assert found.interfaces.value == pytest.approx(truth.sei_ohm + truth.ct_ohm, rel=0.05)


def test_the_dummy_cell_of_the_standard_is_found_exactly() -> None:
    circuit = Circuit.read("L-R-(RC)")
    values = np.array([1e-6, 10.0, 100.0, 100e-6])
    found = fit(circuit, FREQUENCY_Hz, circuit.impedance_ohm(FREQUENCY_Hz, values))
    assert found.values == pytest.approx(values, rel=1e-5)
    assert found.rms < 1e-6


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("R-(Q,R-W)", [5.0, 1e-4, 0.9, 50.0, 20.0]),
        ("R-(C,R-Ws)", [5.0, 1e-5, 50.0, 80.0, 2.0]),
        ("L-R-(Q,R-(Q,R))", [3e-7, 5.0, 2e-5, 0.9, 40.0, 2e-3, 0.85, 60.0]),
        ("R-(RC)-Wo", [2.5, 8.0, 2e-5, 20.0, 5.0]),
        ("L-R-(RQ)-(RC)-W", [3e-7, 2.5, 8.0, 1e-4, 0.85, 15.0, 2e-3, 3.0]),
        ("R-(RQ)-(RQ)-(RQ)", [5.0, 20.0, 1e-6, 0.9, 40.0, 1e-4, 0.9, 30.0, 2e-2, 0.9]),
        ("R-C", [10.0, 1e-3]),
        ("R-Q", [10.0, 1e-2, 0.7]),
    ],
)
def test_other_circuits_are_found_without_a_start(text: str, values: list[float]) -> None:
    circuit = Circuit.read(text)
    truth = np.array(values)
    found = fit(circuit, FREQUENCY_Hz, circuit.impedance_ohm(FREQUENCY_Hz, truth))
    assert found.rms < 1e-4
    assert found.values == pytest.approx(truth, rel=0.01)


@settings(max_examples=12, deadline=None)
@given(
    st.floats(2.0, 50.0), st.floats(20.0, 500.0), st.floats(-3.5, -2.5), st.floats(1.2, 2.0),
    st.floats(0.3, 3.0), st.floats(0.75, 0.95), st.floats(0.01, 0.2),
)  # fmt: skip
def test_two_arcs_a_decade_apart_are_found_whatever_their_sizes(
    R_ohm: float, arc_ohm: float, decade: float, apart: float, ratio: float, n: float, diffusion: float
) -> None:
    circuit = Circuit.read("L-R-(RQ)-(RQ)-W")
    tau_s, second_ohm = 10.0**decade, ratio * arc_ohm
    assume(apart + decade < -0.8)
    values = np.array([
        4e-7, R_ohm, arc_ohm, tau_s**n / arc_ohm, n,
        second_ohm, (tau_s * 10.0**apart) ** n / second_ohm, n, diffusion * arc_ohm,
    ])  # fmt: skip
    found = fit(circuit, FREQUENCY_Hz, circuit.impedance_ohm(FREQUENCY_Hz, values))
    assert found.rms < 1e-3
    assert sorted(found.values[[2, 5]]) == pytest.approx(sorted([arc_ohm, second_ohm]), rel=0.05)


@pytest.mark.parametrize("weighting", list(Weighting))
def test_intervals_hold_the_truth_as_often_as_they_say(weighting: Weighting) -> None:
    """Whatever the weights: the noise is relative, and intervals do not assume that."""
    circuit = Circuit.read("R-(RQ)")
    values = np.array([10.0, 100.0, 1e-4, 0.85])
    z_ohm = circuit.impedance_ohm(FREQUENCY_Hz, values)
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(30):
        noise = rng.standard_normal((2, len(z_ohm))) * 0.002 * np.abs(z_ohm)
        found = fit(
            circuit, FREQUENCY_Hz, z_ohm + noise[0] + 1j * noise[1], start=values, weighting=weighting
        )
        inside += [one.low <= true <= one.high for one, true in zip(found.estimates, values, strict=True)]
    assert 0.90 < np.mean(inside) < 0.99


def test_intervals_widen_where_the_circuit_is_only_nearly_right(reference: Maker) -> None:
    """The film's modes end where a constant phase goes on: residuals follow each other, and r is near 1."""
    truth = reference("PEO-Z", 10.0, noise=0.001)
    found = analyse(truth.spectrum)
    assert found.ct.low < truth.ct_ohm < found.ct.high
    assert found.ct.high / found.ct.low > 1.1


def test_what_the_spectrum_does_not_show_is_told_as_not_resolved() -> None:
    circuit = Circuit.read("R-(RC)")
    z_ohm = circuit.impedance_ohm(FREQUENCY_Hz, np.array([10.0, 100.0, 1e-4]))
    found = fit(Circuit.read("L-R-(RC)-C"), FREQUENCY_Hz, z_ohm)
    told = {one.name: one for one in found.estimates}
    assert not told["L1"].resolved and not told["C2"].resolved
    assert told["C2"].high == math.inf
    assert told["R2"].resolved and told["R2"].value == pytest.approx(100.0, rel=1e-3)


@pytest.mark.parametrize("weighting", list(Weighting))
def test_every_weighting_finds_an_exact_spectrum(weighting: Weighting) -> None:
    circuit = Circuit.read("L-R-(RQ)-W")
    values = np.array([4e-7, 6.0, 100.0, 1e-4, 0.85, 5.0])
    found = fit(circuit, FREQUENCY_Hz, circuit.impedance_ohm(FREQUENCY_Hz, values), weighting=weighting)
    assert found.values == pytest.approx(values, rel=1e-3)


def test_the_order_of_the_points_does_not_change_a_fit(reference: Maker) -> None:
    z_ohm = reference("LIQ-Z", noise=0.002).z_ohm
    one = fit(SYMMETRIC_CIRCUIT, FREQUENCY_Hz, z_ohm)
    other = fit(SYMMETRIC_CIRCUIT, FREQUENCY_Hz[::-1], z_ohm[::-1])
    assert other.values == pytest.approx(one.values, rel=1e-5)
    assert other.covariance == pytest.approx(one.covariance, rel=1e-2)


@pytest.mark.parametrize("x", [0.02, 0.98])
@pytest.mark.parametrize("name", ["LTO-P", "LFP-P", "LFP-Z"])
def test_a_full_cell_near_an_end_is_described_even_though_diffusion_hides_its_arcs(
    name: str, x: float
) -> None:
    z_ohm = Cell(CellSpec(name, name, x=x)).impedance(FREQUENCY_Hz)
    found = fit(FULL_CIRCUIT, FREQUENCY_Hz, z_ohm)
    assert found.converged
    assert found.rms < 0.04


def test_the_script_of_the_page_runs_as_it_stands_there() -> None:
    page = (Path(__file__).parents[2] / "docs" / "eis.md").read_text(encoding="utf-8")
    (script,) = (one for one in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "lin_kk" in one)
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        exec(script, {})
    assert told.getvalue().splitlines()[0] == "True"
    assert told.getvalue().splitlines()[2] == "[95, 38]"


def test_full_cells_get_a_capacitor_and_symmetric_ones_none(reference: Maker) -> None:
    assert circuit_for(reference("LTO-P").spectrum) is FULL_CIRCUIT
    assert circuit_for(reference("LIQ-P").spectrum) is SYMMETRIC_CIRCUIT


def test_too_few_points_and_points_without_size_are_refused() -> None:
    with pytest.raises(UserInputError, match="4 points cannot tell the 9 parameters"):
        fit(SYMMETRIC_CIRCUIT, FREQUENCY_Hz[:4], np.ones(4, dtype=complex))
    with pytest.raises(UserInputError, match="not 0"):
        fit(SYMMETRIC_CIRCUIT, FREQUENCY_Hz, np.zeros(71, dtype=complex))


def test_an_estimate_says_its_interval_and_unit() -> None:
    circuit = Circuit.read("R-C")
    z_ohm = circuit.impedance_ohm(FREQUENCY_Hz, np.array([10.0, 1e-3]))
    found = fit(circuit, FREQUENCY_Hz, z_ohm)
    assert str(found.estimate("R1")).startswith("R1 = 10 ohm (10 to 10")
