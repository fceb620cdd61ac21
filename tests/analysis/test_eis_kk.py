"""Lin-KK by data-formats.md section 3."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.kk import MU_LIMIT, lin_kk
from labctl.errors import UserInputError

CELLS = ("LIQ-P", "LIQ-Z", "PEO-P", "PEO-Z", "LTO-P", "LTO-Z", "LFP-P", "LFP-Z")
FREQUENCY_Hz = np.geomspace(1e6, 0.1, 71)
Maker = Callable[..., Any]


@pytest.mark.parametrize("cell", CELLS)
def test_a_good_spectrum_with_noise_leaves_less_than_half_a_percent(cell: str, reference: Maker) -> None:
    for seed in range(5):
        test = lin_kk(FREQUENCY_Hz, reference(cell, noise=0.001, seed=seed).z_ohm)
        assert test.passed
        assert 0.0005 < test.rms < 0.005


@pytest.mark.parametrize("cell", CELLS)
def test_an_ideal_spectrum_leaves_next_to_nothing(cell: str, reference: Maker) -> None:
    assert lin_kk(FREQUENCY_Hz, reference(cell, noise=0.0).z_ohm).rms < 0.0005


@pytest.mark.parametrize("cell", CELLS)
def test_three_times_the_noise_still_passes(cell: str, reference: Maker) -> None:
    assert all(
        lin_kk(FREQUENCY_Hz, reference(cell, noise=0.003, seed=seed).z_ohm).passed for seed in range(5)
    )


@pytest.mark.parametrize("cell", CELLS)
def test_a_drift_of_a_fifth_during_the_sweep_is_flagged_as_one(cell: str, drifting: Maker) -> None:
    test = lin_kk(*drifting(cell, 0.2))
    assert not test.passed
    assert test.drifting
    assert 0.006 < test.rms < 0.016


@pytest.mark.parametrize("cell", CELLS)
def test_noise_that_is_too_large_fails_without_being_called_a_drift(cell: str, reference: Maker) -> None:
    test = lin_kk(FREQUENCY_Hz, reference(cell, noise=0.012).z_ohm)
    assert not test.passed
    assert not test.drifting


@pytest.mark.parametrize("cell", CELLS)
def test_elements_are_added_from_three_per_decade_until_mu_is_low(cell: str, reference: Maker) -> None:
    test = lin_kk(FREQUENCY_Hz, reference(cell, noise=0.003).z_ohm)
    assert test.elements == 7 * test.per_decade
    assert 3 <= test.per_decade <= 10
    assert test.mu < MU_LIMIT


def test_one_sharp_arc_is_not_given_up_on_early() -> None:
    """A single RC element is where the usual rule stops at six elements with a fifth of residual."""
    z_ohm = Circuit.read("R-(RC)").impedance_ohm(FREQUENCY_Hz, np.array([10.0, 1000.0, 1e-5]))
    assert lin_kk(FREQUENCY_Hz, z_ohm).rms < 0.005


def test_the_order_of_the_points_does_not_matter(reference: Maker) -> None:
    z_ohm = reference("LIQ-P").z_ohm
    falling, rising = lin_kk(FREQUENCY_Hz, z_ohm), lin_kk(FREQUENCY_Hz[::-1], z_ohm[::-1])
    assert rising.rms == pytest.approx(falling.rms, rel=1e-9)
    assert np.allclose(rising.fitted_ohm[::-1], falling.fitted_ohm)


@settings(max_examples=12, deadline=None)
@given(
    st.floats(0.1, 1e3), st.floats(0.1, 1e4), st.floats(1e-4, 1.0), st.floats(0.6, 1.0),
    st.floats(0.1, 1e3), st.floats(1e-5, 1e-2),
)  # fmt: skip
def test_any_passive_circuit_passes(
    R_ohm: float, arc_ohm: float, tau_s: float, n: float, sigma: float, share: float
) -> None:
    circuit = Circuit.read("L-R-(RQ)-W-C")
    values = np.array([1e-7, R_ohm, arc_ohm, tau_s**n / arc_ohm, n, share * sigma, 10.0])
    assert lin_kk(FREQUENCY_Hz, circuit.impedance_ohm(FREQUENCY_Hz, values)).passed


def test_the_order_of_the_points_does_not_change_the_verdict(drifting: Maker) -> None:
    frequency_Hz, z_ohm = drifting("LIQ-P", 0.2)
    mixed = np.random.default_rng(3).permutation(len(frequency_Hz))
    test, other = lin_kk(frequency_Hz, z_ohm), lin_kk(frequency_Hz[mixed], z_ohm[mixed])
    assert other.correlation == pytest.approx(test.correlation, rel=1e-6)
    assert other.residuals == pytest.approx(test.residuals[mixed], rel=1e-6)


def test_a_step_in_the_middle_of_a_sweep_is_noticed(reference: Maker) -> None:
    z_ohm = reference("LIQ-P", noise=0.0).z_ohm.copy()
    z_ohm[FREQUENCY_Hz < 10.0] *= 1.05
    assert not lin_kk(FREQUENCY_Hz, z_ohm).passed


@pytest.mark.parametrize(
    ("frequency_Hz", "z_ohm"),
    [
        (np.geomspace(1e3, 1.0, 7), np.ones(7, dtype=complex)),
        (np.geomspace(1e3, 5e2, 20), np.ones(20, dtype=complex)),
        (np.geomspace(1e3, 1.0, 10), np.zeros(10, dtype=complex)),
        (np.geomspace(1e3, 1.0, 10), np.full(10, np.nan, dtype=complex)),
        (np.linspace(1e3, 0.0, 10), np.ones(10, dtype=complex)),
        (np.array([math.inf, *np.geomspace(1e3, 1.0, 9)]), np.ones(10, dtype=complex)),
        (np.array([math.nan, *np.geomspace(1e3, 1.0, 9)]), np.ones(10, dtype=complex)),
    ],
    ids=["few points", "narrow", "zero", "not a number", "frequency 0", "endless frequency", "no frequency"],
)
def test_points_that_cannot_be_tested_are_refused(frequency_Hz: Any, z_ohm: Any) -> None:
    with pytest.raises(UserInputError, match="Kramers-Kronig test needs"):
        lin_kk(frequency_Hz, z_ohm)
