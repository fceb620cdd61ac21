"""Compute the distribution of relaxation times: which time constants a spectrum holds, without assuming a circuit.

Z = R_inf + s L + 1/(s C) + sum over k of g_k / (1 + s tau_k), with every term at least 0 and 10 time constants per
decade from a decade beyond the highest to a decade beyond the lowest frequency. A spectrum does not determine so many
terms, so their squares are kept small (ridge, Tikhonov of order 0): minimised is
sum |Z_fit - Z|^2/|Z|^2 + lambda sum (g_k/|Z|_max)^2, by non-negative least squares.

Rule for lambda (Morozov's discrepancy principle): of 1e-6 ... 1 in thirds of a decade the largest that leaves residuals
of at most 1.2 times those of 1e-6, or of 0.1 %. A larger one would smooth what was measured, a smaller one shows noise
as peaks.

Sources: Wan, Saccoccio, Chen and Ciucci, Electrochim. Acta 184 (2015) 483; Morozov, Soviet Math. Dokl. 7 (1966) 414.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from labctl.analysis.eis.nonnegative import nonnegative
from labctl.errors import UserInputError
from labctl.model.spectrum import ComplexArray, FloatArray

TAUS_PER_DECADE = 10
BEYOND_DECADES = 1.0
RIDGES = np.geomspace(1e-6, 1.0, 19)
DISCREPANCY = 1.2
RMS_FLOOR = 0.001
PEAK_FRACTION = 0.02
"""Of all relaxing resistance: a smaller peak is not told."""
POINTS_MIN = 8
PLAIN = 3
"""Columns before the relaxations: resistor, inductor, capacitor."""


@dataclass(frozen=True, slots=True)
class Peak:
    """One peak: its time constant and frequency, and the resistance between the valleys beside it."""

    tau_s: float
    frequency_Hz: float
    R_ohm: float


@dataclass(frozen=True, slots=True, eq=False)
class Drt:
    """A distribution. ``tau_s`` (k,) rising; ``R_ohm`` (k,) is g_k, and ``density_ohm`` (k,) is g_k per ln(tau).

    ``elastance_per_F`` is 1/C, 0 where the spectrum does not need a capacitor. ``rms`` is relative to |Z|.
    """

    tau_s: FloatArray
    R_ohm: FloatArray
    series_ohm: float
    inductance_H: float
    elastance_per_F: float
    ridge: float
    rms: float
    fitted_ohm: ComplexArray
    peaks: tuple[Peak, ...]

    @property
    def density_ohm(self) -> FloatArray:
        """Return gamma(ln tau), whose area is resistance. Shape: (k,)."""
        return self.R_ohm / math.log(float(self.tau_s[1] / self.tau_s[0]))


def drt(frequency_Hz: FloatArray, z_ohm: ComplexArray, *, ridge: float | None = None) -> Drt:
    """Return the distribution of points, in any order of frequency; ``ridge`` is lambda, else the rule's.

    Raises: UserInputError for fewer than 8 points, impedances that are not finite or 0, frequencies that are not finite
    or not above 0, or a ridge that is not above 0.
    """
    usable = np.isfinite(z_ohm) & (np.abs(z_ohm) > 0.0) & np.isfinite(frequency_Hz) & (frequency_Hz > 0.0)
    if len(frequency_Hz) < POINTS_MIN or not usable.all():
        raise UserInputError(
            f"A distribution of relaxation times needs {POINTS_MIN} finite points or more above 0 Hz."
        )
    if ridge is not None and not (math.isfinite(ridge) and ridge > 0.0):
        raise UserInputError(f"The ridge of a distribution is above 0; {ridge:g} is not.")
    problem = _Problem(frequency_Hz, z_ohm)
    if ridge is None:
        ridge = problem.chosen_ridge()
    amplitudes, rms = problem.solved(ridge)
    R_ohm = amplitudes[PLAIN:]
    return Drt(
        tau_s=problem.tau_s,
        R_ohm=R_ohm,
        series_ohm=float(amplitudes[0]),
        inductance_H=float(amplitudes[1]),
        elastance_per_F=float(amplitudes[2]),
        ridge=ridge,
        rms=rms,
        fitted_ohm=problem.basis @ amplitudes,
        peaks=peaks(problem.tau_s, R_ohm),
    )


class _Problem:
    """The least squares of one spectrum, for any ridge."""

    def __init__(self, frequency_Hz: FloatArray, z_ohm: ComplexArray) -> None:
        omega = 2.0 * math.pi * frequency_Hz
        low, high = float(omega.min()), float(omega.max())
        decades = math.log10(high / low) + 2.0 * BEYOND_DECADES
        beyond = 10.0**BEYOND_DECADES
        self.tau_s = np.geomspace(1.0 / (beyond * high), beyond / low, round(TAUS_PER_DECADE * decades) + 1)
        s = 1j * omega[:, None]
        self.basis: ComplexArray = np.hstack((np.ones_like(s), s, 1.0 / s, 1.0 / (1.0 + s * self.tau_s)))
        size_ohm = np.abs(z_ohm)
        largest_ohm = float(size_ohm.max())
        relaxing = np.full(len(self.tau_s), largest_ohm)
        self._scales = np.concatenate(((largest_ohm, largest_ohm / high, largest_ohm * low), relaxing))
        weighted = self.basis * self._scales / size_ohm[:, None]
        self._rows = np.vstack((weighted.real, weighted.imag))
        relative = z_ohm / size_ohm
        self._wanted = np.concatenate((relative.real, relative.imag))

    def solved(self, ridge: float) -> tuple[FloatArray, float]:
        """Return the amplitudes, shape (3 + k,), and the rms of the relative residuals."""
        found = nonnegative(self._rows, self._wanted, ridge, free=PLAIN)
        off = self._rows @ found - self._wanted
        return found * self._scales, math.sqrt(2.0 * float(np.mean(off**2)))

    def chosen_ridge(self) -> float:
        """Return the largest ridge that does not smooth what was measured; by halving, residuals rise with it."""
        allowed = max(DISCREPANCY * self.solved(float(RIDGES[0]))[1], RMS_FLOOR)
        low, high = 0, len(RIDGES)
        while high - low > 1:
            middle = (low + high) // 2
            if self.solved(float(RIDGES[middle]))[1] <= allowed:
                low = middle
            else:
                high = middle
        return float(RIDGES[low])


def peaks(tau_s: FloatArray, R_ohm: FloatArray) -> tuple[Peak, ...]:
    """Return the peaks of a distribution that hold at least 2 % of its resistance, the fastest first.

    A peak reaches from valley to valley; its time constant is the mean of ln(tau) over it, weighted by resistance.
    Shapes: (k,).
    """
    total_ohm = float(R_ohm.sum())
    if total_ohm <= 0.0:
        return ()
    padded = np.concatenate(((0.0,), R_ohm, (0.0,)))
    rising, falling = padded[1:-1] > padded[:-2], padded[1:-1] >= padded[2:]
    tops = np.flatnonzero(rising & falling)
    valleys = [int(one) + int(np.argmin(R_ohm[one:other])) for one, other in pairwise(tops)]
    found = []
    for start, end in pairwise((0, *valleys, len(R_ohm))):
        held_ohm = float(R_ohm[start:end].sum())
        if held_ohm >= PEAK_FRACTION * total_ohm:
            mean_s = math.exp(float(R_ohm[start:end] @ np.log(tau_s[start:end])) / held_ohm)
            found.append(Peak(mean_s, 1.0 / (2.0 * math.pi * mean_s), held_ohm))
    return tuple(found)
