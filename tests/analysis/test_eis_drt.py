"""The distribution of relaxation times and what non-negative least squares owes to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labctl.analysis.eis import nonnegative
from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.drt import DISCREPANCY, RIDGES, drt, peaks
from labctl.errors import UserInputError

FREQUENCY_Hz = np.geomspace(1e6, 0.1, 71)
Maker = Callable[..., Any]


def test_two_elements_show_as_two_peaks_with_their_time_constants_and_resistances() -> None:
    circuit = Circuit.read("L-R-(RC)-(RC)")
    values = np.array([4e-7, 5.0, 80.0, 2e-5, 40.0, 1e-3])
    found = drt(FREQUENCY_Hz, circuit.impedance_ohm(FREQUENCY_Hz, values))
    assert [peak.tau_s for peak in found.peaks] == pytest.approx([1.6e-3, 4e-2], rel=0.05)
    assert [peak.R_ohm for peak in found.peaks] == pytest.approx([80.0, 40.0], rel=0.03)
    assert found.peaks[0].frequency_Hz == pytest.approx(1.0 / (2 * math.pi * 1.6e-3), rel=0.05)
    assert found.series_ohm == pytest.approx(5.0, rel=0.01)
    assert found.inductance_H == pytest.approx(4e-7, rel=0.01)


@pytest.mark.parametrize(
    ("cell", "sei_s", "ct_s"),
    [("LIQ-P", 1.6e-3, 2.5e-2), ("LIQ-Z", 0.9e-3, 1.5e-2), ("PEO-Z", 6e-3, 6e-2), ("LFP-Z", 6e-3, 5e-2)],
)
def test_film_and_charge_transfer_are_the_two_largest_peaks(
    cell: str, sei_s: float, ct_s: float, reference: Maker
) -> None:
    truth = reference(cell, noise=0.002)
    found = drt(FREQUENCY_Hz, truth.z_ohm)
    largest = sorted(sorted(found.peaks, key=lambda peak: -peak.R_ohm)[:2], key=lambda peak: peak.tau_s)
    assert [peak.tau_s for peak in largest] == pytest.approx([sei_s, ct_s], rel=0.25)
    assert found.series_ohm == pytest.approx(truth.bulk_ohm, rel=0.01)
    assert found.R_ohm.sum() > truth.sei_ohm + truth.ct_ohm


def test_the_ridge_is_the_largest_that_the_noise_allows(reference: Maker) -> None:
    ridges = []
    for noise in (0.001, 0.003, 0.01):
        z_ohm = reference("LIQ-P", noise=noise).z_ohm
        found = drt(FREQUENCY_Hz, z_ohm)
        least = drt(FREQUENCY_Hz, z_ohm, ridge=float(RIDGES[0]))
        allowed = max(DISCREPANCY * least.rms, 0.001)
        assert found.rms <= allowed
        next_one = drt(FREQUENCY_Hz, z_ohm, ridge=found.ridge * (RIDGES[1] / RIDGES[0]))
        assert next_one.rms > allowed
        ridges.append(found.ridge)
    assert ridges == sorted(ridges) and ridges[0] < ridges[-1]


def test_a_blocking_cell_gets_its_capacitor() -> None:
    circuit = Circuit.read("R-(RC)-C")
    z_ohm = circuit.impedance_ohm(FREQUENCY_Hz, np.array([10.0, 50.0, 1e-4, 2e-2]))
    assert drt(FREQUENCY_Hz, z_ohm).elastance_per_F == pytest.approx(1.0 / 2e-2, rel=0.05)


def test_the_area_of_the_density_is_resistance() -> None:
    z_ohm = Circuit.read("R-(RQ)").impedance_ohm(FREQUENCY_Hz, np.array([10.0, 50.0, 1e-4, 0.8]))
    found = drt(FREQUENCY_Hz, z_ohm)
    area_ohm = np.trapezoid(found.density_ohm, np.log(found.tau_s))
    assert area_ohm == pytest.approx(50.0, rel=0.02)


def test_an_empty_distribution_has_no_peak_and_a_small_one_is_not_told() -> None:
    tau_s = np.geomspace(1e-4, 1.0, 41)
    R_ohm = np.zeros(41)
    assert peaks(tau_s, R_ohm) == ()
    R_ohm[10], R_ohm[30] = 100.0, 1.0
    assert [peak.R_ohm for peak in peaks(tau_s, R_ohm)] == [100.0]


@pytest.mark.parametrize("ridge", [0.0, -1.0, math.nan])
def test_a_ridge_that_is_none_is_refused(ridge: float) -> None:
    with pytest.raises(UserInputError, match="above 0"):
        drt(FREQUENCY_Hz, np.ones(71, dtype=complex), ridge=ridge)


def test_too_few_points_are_refused() -> None:
    with pytest.raises(UserInputError, match="8 finite points"):
        drt(FREQUENCY_Hz[:7], np.ones(7, dtype=complex))


def test_least_squares_that_go_in_circles_are_told_apart_by_a_larger_ridge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solve, calls = nonnegative.nnls, []

    def tired(rows: np.ndarray, wanted: np.ndarray) -> Any:
        calls.append(rows[-1, -1])
        if len(calls) < 3:
            raise RuntimeError("Maximum number of iterations reached.")
        return solve(rows, wanted)

    monkeypatch.setattr(nonnegative, "nnls", tired)
    found = nonnegative.nonnegative(np.eye(3), np.array([1.0, -1.0, 2.0]), 1e-12)
    assert found == pytest.approx([1.0, 0.0, 2.0], abs=1e-6)
    assert calls == pytest.approx([1e-6, 1e-5, 1e-4])


def test_least_squares_without_an_end_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def tired(rows: np.ndarray, wanted: np.ndarray) -> Any:
        raise RuntimeError("Maximum number of iterations reached.")

    monkeypatch.setattr(nonnegative, "nnls", tired)
    with pytest.raises(UserInputError, match="non-negative least squares"):
        nonnegative.nonnegative(np.eye(2), np.ones(2), 1e-6)


@pytest.mark.parametrize("frequency_Hz", [0.0, -1.0, math.nan, math.inf])
def test_a_frequency_that_is_none_is_refused(frequency_Hz: float) -> None:
    frequencies_Hz = np.array([*np.geomspace(1e3, 1.0, 9), frequency_Hz])
    with pytest.raises(UserInputError, match="above 0 Hz"):
        drt(frequencies_Hz, np.ones(10, dtype=complex))
