"""Test a spectrum for validity: does any linear, causal and stationary system answer like this?

Lin-KK: a series of a resistor, an inductor, a capacitor and M parallel RC elements with fixed, log-spaced time
constants satisfies the Kramers-Kronig relations whatever its values are, negative ones included. It is linear in them,
so its best values need no start. What it cannot reproduce breaks the relations. M begins at 3 per decade and rises till
mu = 1 - sum|R_k < 0| / sum|R_k >= 0| falls below 0.85 (from there on elements of alternating sign fit the noise), to 10
per decade at most and never beyond the number of points.

Sources: Boukamp, J. Electrochem. Soc. 142 (1995) 1885; Schoenleber, Klotz and Ivers-Tiffee, Electrochim. Acta 131
(2014) 20 (mu and its limit); data-formats.md section 3 (first and last M, capacitor, weights, flag).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from labctl.errors import UserInputError
from labctl.model.spectrum import ComplexArray, FloatArray

PER_DECADE_MIN = 3
PER_DECADE_MAX = 10
MU_LIMIT = 0.85
RMS_LIMIT = 0.006
"""Above it a spectrum is flagged; 0.3 % noise leaves 0.45 % at most, a drift of 20 % at least 0.8 %."""
DRIFT_CORRELATION = 0.5
"""Of neighbouring residuals: noise leaves -0.4 to 0.4 (71 points), a drift of 20 % during the sweep 0.6 to 1."""
POINTS_MIN = 8
DECADES_MIN = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class LinKK:
    """The outcome of one test. ``elements`` is M; ``rms`` is sqrt(mean(|Z_fit - Z|^2 / |Z|^2)).

    ``tau_s`` and ``R_ohm`` (M,) are the RC elements, ``fitted_ohm`` and ``residuals`` (n,) complex: Z_fit, and
    (Z_fit - Z)/|Z| whose real and imaginary part are the residuals of Z' and Z''. ``correlation`` tells how much each
    residual resembles its neighbour's in frequency: 0 for noise, to 1 for drift.
    """

    elements: int
    per_decade: int
    mu: float
    rms: float
    tau_s: FloatArray
    R_ohm: FloatArray
    fitted_ohm: ComplexArray
    residuals: ComplexArray
    correlation: float

    @property
    def passed(self) -> bool:
        """Tell whether the residuals are small enough."""
        return self.rms <= RMS_LIMIT

    @property
    def drifting(self) -> bool:
        """Tell whether it failed in the way of a cell that changes during its sweep, not of a noisy one."""
        return not self.passed and self.correlation > DRIFT_CORRELATION


def lin_kk(frequency_Hz: FloatArray, z_ohm: ComplexArray) -> LinKK:
    """Test points, in any order of frequency. Shapes: (n,).

    Raises: UserInputError for points that cannot be tested: fewer than 8, less than a decade, not finite, a |Z| of 0, a
    frequency that is not above 0.
    """
    order = np.argsort(frequency_Hz)[::-1]
    omega, ordered_ohm = 2.0 * math.pi * frequency_Hz[order], z_ohm[order]
    decades = _decades(omega, ordered_ohm)
    size_ohm = np.abs(ordered_ohm)
    wanted = _stacked(ordered_ohm / size_ohm)
    for per_decade in range(PER_DECADE_MIN, PER_DECADE_MAX + 1):
        count = min(round(per_decade * decades), len(omega))
        tau_s = np.geomspace(1.0 / omega[0], 1.0 / omega[-1], count)
        basis = _basis(omega, tau_s)
        weighted = _stacked(basis / size_ohm[:, None])
        scales = np.linalg.norm(weighted, axis=0)
        amplitudes = np.linalg.lstsq(weighted / scales, wanted, rcond=None)[0] / scales
        R_ohm = amplitudes[3:]
        mu = _mu(R_ohm)
        if mu < MU_LIMIT or count == len(omega):
            break
    fitted_ohm = np.empty_like(ordered_ohm)
    fitted_ohm[order] = basis @ amplitudes
    residuals = (fitted_ohm - z_ohm) / np.abs(z_ohm)
    rms = float(np.sqrt(np.mean(np.abs(residuals) ** 2)))
    correlation = _correlation(residuals[order])
    return LinKK(count, per_decade, mu, rms, tau_s, R_ohm, fitted_ohm, residuals, correlation)


def _decades(omega: FloatArray, z_ohm: ComplexArray) -> float:
    """Return how many decades are covered. Raises: UserInputError for points that cannot be tested."""
    if len(omega) < POINTS_MIN:
        raise UserInputError(
            f"A Kramers-Kronig test needs {POINTS_MIN} points or more; these are {len(omega)}."
        )
    fit_to_test = np.isfinite(z_ohm) & (np.abs(z_ohm) > 0.0) & np.isfinite(omega) & (omega > 0.0)
    if not fit_to_test.all():
        raise UserInputError("A Kramers-Kronig test needs finite impedances that are not 0, above 0 Hz.")
    decades = math.log10(omega[0] / omega[-1])
    if decades < DECADES_MIN:
        raise UserInputError(f"A Kramers-Kronig test needs a decade of frequencies; these are {decades:.2g}.")
    return decades


def _basis(omega: FloatArray, tau_s: FloatArray) -> ComplexArray:
    """Return the answers of resistor, inductor, capacitor and RC elements. Shape: (n, 3 + M)."""
    s = 1j * omega[:, None]
    basis: ComplexArray = np.hstack((np.ones_like(s), s, 1.0 / s, 1.0 / (1.0 + s * tau_s)))
    return basis


def _stacked(values: ComplexArray) -> FloatArray:
    """Return real parts above imaginary parts."""
    stacked: FloatArray = np.concatenate((values.real, values.imag))
    return stacked


def _correlation(residuals: ComplexArray) -> float:
    """Return the correlation of neighbours, by residuals in the order of frequency; 0 where nothing is left over."""
    power = float(np.sum(np.abs(residuals) ** 2))
    return float(np.sum((residuals[1:] * residuals[:-1].conj()).real)) / power if power else 0.0


def _mu(R_ohm: FloatArray) -> float:
    """Return 1 - sum|R_k < 0| / sum|R_k >= 0|; minus infinity where none is positive."""
    positive = float(R_ohm[R_ohm >= 0.0].sum())
    return 1.0 + float(R_ohm[R_ohm < 0.0].sum()) / positive if positive else -math.inf
