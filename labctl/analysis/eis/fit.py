"""Fit a circuit to a spectrum by complex least squares, and say how sure each value is.

Minimised is the sum over the points of w^2 |Z_fit - Z|^2, real and imaginary parts being residuals of their own, over
the logarithms of the parameters within the limits of ``elements.Window``. The weights w are the same for all points,
1/sqrt(|Z|) or 1/|Z| (modulus: Boukamp, Solid State Ionics 20 (1986) 31). The minimiser is SciPy's trust region
reflective (Branch, Coleman and Li, SIAM J. Sci. Comput. 21 (1999) 1) with the analytic Jacobian.

Intervals are at 95 %: one reaches from value exp(-t sigma) to value exp(+t sigma), sigma^2 being the variance of the
value's logarithm and t the quantile of Student's distribution for 2 n - p degrees of freedom. No noise model is
assumed: with the Jacobian J, the residuals r and the leverages h at the minimum, the covariance is
(J^T J)^-1 J^T diag(r/(1 - h))^2 J (J^T J)^-1, right for points of unequal noise under any weights (HC3: MacKinnon and
White, J. Econometrics 29 (1985) 305). A circuit that is only nearly right leaves residuals that follow their
neighbours, which are worth fewer points than they count; with their correlation c the covariance is multiplied by
(1 + c)/(1 - c), the effective sample size of a first-order autoregression (Bayley and Hammersley, Suppl. J. R. Stat.
Soc. 8 (1946) 184).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import stdtrit

from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.elements import Window
from labctl.analysis.eis.guess import guesses
from labctl.errors import UserInputError
from labctl.model.spectrum import ComplexArray, FloatArray

CONFIDENCE = 0.95
EVALUATIONS_MAX = 300
"""Each takes about 0.2 ms; the reference cells need 5 to 40."""
TOLERANCE = 1e-8
"""Relative, of cost and step: far below any noise."""
CORRELATION_MAX = 0.95
"""Of neighbouring residuals; beyond it a few dozen points cannot tell it from 1."""
LEVERAGE_MAX = 0.99
"""A point that alone determines a value leaves no residual to judge it by."""
SINGULAR_MIN = 1e-12
"""Of the largest singular value: below it a direction does not change the residuals."""
ASTRAY_RMS = 0.04
"""A fit that leaves more has lost its way or has the wrong circuit: other weights are tried as a way to a start."""
MARGIN = 1e-6
"""A start must lie inside the limits."""
AT_LIMIT = 1e-3
"""A logarithm this close to its limit has run into it."""


class Weighting(StrEnum):
    """What a point counts: 1/|Z|, 1/sqrt(|Z|), or the same for all.

    ``MODULUS`` is best where noise is all that is left. A circuit that is only nearly right leaves much more than
    noise, relative to |Z| most of it where |Z| is small, and then loses a small arc beside a large one; ``UNIT`` keeps
    both.
    """

    MODULUS = "modulus"
    ROOT = "root"
    UNIT = "unit"

    @property
    def power(self) -> float:
        """Return p of the weight 1/|Z|^p."""
        return {Weighting.MODULUS: 1.0, Weighting.ROOT: 0.5, Weighting.UNIT: 0.0}[self]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A fitted value with its 95 % interval.

    ``resolved`` is false where the spectrum does not determine it: it has run into a limit of what could be seen, or
    its interval spans more than a factor of four.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    resolved: bool = True

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        note = "" if self.resolved else ", not resolved"
        return f"{self.name} = {self.value:.4g}{unit} ({self.low:.4g} to {self.high:.4g}{note})"


@dataclass(frozen=True, slots=True, eq=False)
class CircuitFit:
    """A fitted circuit. ``values`` (p,) in the circuit's order, ``covariance`` (p, p) of their logarithms.

    ``frequency_Hz`` and ``z_ohm`` are the points that were fitted, ``fitted_ohm`` the circuit there; ``rms`` is
    sqrt(mean(|Z_fit - Z|^2 / |Z|^2)), ``cost`` the weighted sum of squares that was minimised. A row of the covariance
    is infinite on its diagonal where a value ran into a limit.
    """

    circuit: Circuit
    values: FloatArray
    covariance: FloatArray
    frequency_Hz: FloatArray
    z_ohm: ComplexArray
    fitted_ohm: ComplexArray
    rms: float
    cost: float
    freedom: int
    evaluations: int
    converged: bool
    weighting: Weighting

    @property
    def residuals(self) -> ComplexArray:
        """Return (Z_fit - Z)/|Z|. Shape: (n,)."""
        relative: ComplexArray = (self.fitted_ohm - self.z_ohm) / np.abs(self.z_ohm)
        return relative

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Return every parameter with its interval, in the circuit's order."""
        parameters = zip(self.circuit.parameters, self.circuit.units, strict=True)
        unit_rows = np.eye(len(self.values))
        return tuple(
            self.combined(name, float(self.values[place]), unit, unit_rows[place])
            for place, (name, unit) in enumerate(parameters)
        )

    def estimate(self, name: str) -> Estimate:
        """Return one parameter. Raises: KeyError for a name that the circuit does not have."""
        return {one.name: one for one in self.estimates}[name]

    def combined(self, name: str, value: float, unit: str, slopes: FloatArray) -> Estimate:
        """Return a quantity computed from the values, by its slopes d ln(quantity)/d ln(parameter), shape (p,)."""
        used = slopes != 0.0
        spread = slopes[used] @ self.covariance[np.ix_(used, used)] @ slopes[used]
        if not math.isfinite(spread):
            return Estimate(name, value, 0.0, math.inf, unit, False)
        reach = float(stdtrit(self.freedom, 0.5 + CONFIDENCE / 2.0)) * math.sqrt(max(spread, 0.0))
        if reach > math.log(1e6):
            return Estimate(name, value, 0.0, math.inf, unit, False)
        return Estimate(
            name, value, value * math.exp(-reach), value * math.exp(reach), unit, reach <= math.log(2.0)
        )


class _Problem:
    """Residuals and Jacobian of one fit; both come from one evaluation."""

    def __init__(
        self, circuit: Circuit, frequency_Hz: FloatArray, z_ohm: ComplexArray, weighting: Weighting
    ) -> None:
        self.circuit = circuit
        self.frequency_Hz = frequency_Hz
        self.z_ohm = z_ohm
        self.weighting = weighting
        size_ohm = np.abs(z_ohm)
        self._weights = (size_ohm / size_ohm.max()) ** -weighting.power
        self._at: FloatArray | None = None
        self._slopes: ComplexArray = np.empty((0, 0), dtype=np.complex128)

    def residuals(self, logs: FloatArray) -> FloatArray:
        """Return the weighted residuals, real parts then imaginary ones. Shape: (2 n,)."""
        fitted_ohm, self._slopes = self.circuit.answer(self.frequency_Hz, np.exp(logs))
        self._at = logs.copy()
        off = (fitted_ohm - self.z_ohm) * self._weights
        return np.concatenate((off.real, off.imag))

    def jacobian(self, logs: FloatArray) -> FloatArray:
        """Return their slopes by the logarithms. Shape: (2 n, p)."""
        if self._at is None or not np.array_equal(self._at, logs):
            self.residuals(logs)
        weighted = self._slopes * self._weights
        return np.concatenate((weighted.real, weighted.imag), axis=1).T


def fit(
    circuit: Circuit,
    frequency_Hz: FloatArray,
    z_ohm: ComplexArray,
    *,
    start: FloatArray | None = None,
    weighting: Weighting = Weighting.UNIT,
) -> CircuitFit:
    """Fit ``circuit`` to points, from ``start`` (values in its order) or from the spectrum's own ``guesses``.

    Raises: UserInputError for fewer points than the circuit needs, or points that no fit can use.
    """
    if 2 * len(frequency_Hz) <= len(circuit.parameters):
        raise UserInputError(
            f"{len(frequency_Hz)} points cannot tell the {len(circuit.parameters)} parameters of {circuit} apart."
        )
    usable = np.isfinite(z_ohm) & (np.abs(z_ohm) > 0.0) & np.isfinite(frequency_Hz) & (frequency_Hz > 0.0)
    if not usable.all():
        raise UserInputError("A fit needs finite impedances that are not 0, at frequencies above 0 Hz.")
    if start is not None:
        return _minimised(_Problem(circuit, frequency_Hz, z_ohm, weighting), start)
    problem = _Problem(circuit, frequency_Hz, z_ohm, weighting)
    starts = guesses(circuit, frequency_Hz, z_ohm)
    best = min((_minimised(problem, one) for one in starts), key=_cost)
    if best.rms <= ASTRAY_RMS:
        return best
    other = Weighting.UNIT if weighting is Weighting.ROOT else Weighting.ROOT
    way = _minimised(_Problem(circuit, frequency_Hz, z_ohm, other), starts[0])
    return min(best, _minimised(problem, way.values), key=_cost)


def _cost(one: CircuitFit) -> float:
    return one.cost


def _minimised(problem: _Problem, start: FloatArray) -> CircuitFit:
    """Return the minimum that ``start`` leads to. Shape: (p,)."""
    circuit, frequency_Hz, z_ohm = problem.circuit, problem.frequency_Hz, problem.z_ohm
    limits = _limits(circuit, Window.of(frequency_Hz, z_ohm))
    found = least_squares(
        problem.residuals,
        np.clip(np.log(start), limits[0] + MARGIN, limits[1] - MARGIN),
        jac=problem.jacobian,
        bounds=limits,
        x_scale="jac",
        ftol=TOLERANCE,
        xtol=TOLERANCE,
        gtol=TOLERANCE,
        max_nfev=EVALUATIONS_MAX,
    )
    values = np.exp(found.x)
    free = (found.x - limits[0] > AT_LIMIT) & (limits[1] - found.x > AT_LIMIT)
    fitted_ohm = circuit.impedance_ohm(frequency_Hz, values)
    return CircuitFit(
        circuit=circuit,
        values=values,
        covariance=_inflation(found.fun, frequency_Hz) * _covariance(found.jac, found.fun, free),
        frequency_Hz=frequency_Hz,
        z_ohm=z_ohm,
        fitted_ohm=fitted_ohm,
        rms=float(np.sqrt(np.mean(np.abs((fitted_ohm - z_ohm) / z_ohm) ** 2))),
        cost=2.0 * float(found.cost),
        freedom=2 * len(frequency_Hz) - len(values),
        evaluations=int(found.nfev),
        converged=bool(found.status > 0),
        weighting=problem.weighting,
    )


def _limits(circuit: Circuit, window: Window) -> tuple[FloatArray, FloatArray]:
    """Return the logarithms of the lowest and the highest values. Shapes: (p,)."""
    pairs = [pair for element in circuit.elements for pair in window.limits(element.kind)]
    low, high = np.log(np.array(pairs)).T
    return low, high


def _inflation(residuals: FloatArray, frequency_Hz: FloatArray) -> float:
    """Return (1 + r)/(1 - r), r being how much neighbours in frequency resemble each other; 1 for noise."""
    real, imaginary = residuals.reshape(2, -1)[:, np.argsort(frequency_Hz)]
    power = float(residuals @ residuals)
    shared = float(real[1:] @ real[:-1] + imaginary[1:] @ imaginary[:-1])
    correlation = min(max(shared / power, 0.0), CORRELATION_MAX) if power else 0.0
    return (1.0 + correlation) / (1.0 - correlation)


def _covariance(jacobian: FloatArray, residuals: FloatArray, free: NDArray[np.bool_]) -> FloatArray:
    """Return the covariance of the logarithms; infinite where a value is at its limit. Shape: (p, p).

    Directions in which the residuals do not change at all get a variance that stands for "anything".
    """
    result = np.diag(np.where(free, 0.0, np.inf))
    if free.any():
        left, singular, rows = np.linalg.svd(jacobian[:, free], full_matrices=False)
        singular = np.maximum(singular, SINGULAR_MIN * max(float(singular[0]), 1e-300))
        leverages = np.minimum(np.sum(left**2, axis=1), LEVERAGE_MAX)
        spread = left * (residuals / (1.0 - leverages))[:, None] / singular
        result[np.ix_(free, free)] = rows.T @ (spread.T @ spread) @ rows
    return result
