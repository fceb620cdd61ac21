"""The elements of equivalent circuits: impedance and its slopes by the logarithms of their parameters.

Every parameter is positive and is fitted as its natural logarithm, so a slope here is p dZ/dp. With s = j omega:

====== ============================================== =====================================
symbol impedance                                      parameters
====== ============================================== =====================================
``R``  R                                              R / ohm
``C``  1/(s C)                                        C / F
``L``  s L                                            L / H
``Q``  1/(Q s^n), constant phase (``CPE`` is read too) Q / ohm^-1 s^n, n from 0.3 to 1
``W``  sigma sqrt(2/s), semi-infinite diffusion       sigma / ohm s^-1/2
``Ws`` R tanh(sqrt(s tau))/sqrt(s tau), ends in a     R / ohm, tau / s
       short: diffusion through a film
``Wo`` R coth(sqrt(s tau))/sqrt(s tau), ends open:    R / ohm, tau / s
       diffusion into a blocked space
====== ============================================== =====================================

Source: Barsoukov and Macdonald, Impedance Spectroscopy, 2nd ed., chapters 1.3 and 2.1; symbols as in ZView and
impedance.py. sigma is the Warburg coefficient: Z = sigma (1 - j)/sqrt(omega).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from labctl.model.spectrum import ComplexArray, FloatArray

N_MIN = 0.3
"""The exponent of a constant phase below which it is a resistor that got lost."""


class Kind(StrEnum):
    """What an element is, by its symbol."""

    RESISTOR = "R"
    CAPACITOR = "C"
    INDUCTOR = "L"
    CONSTANT_PHASE = "Q"
    WARBURG = "W"
    WARBURG_SHORT = "Ws"
    WARBURG_OPEN = "Wo"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an element: what it is called behind the element's name ("" for the only one), its unit."""

    suffix: str
    unit: str


PARAMETERS: dict[Kind, tuple[Parameter, ...]] = {
    Kind.RESISTOR: (Parameter("", "ohm"),),
    Kind.CAPACITOR: (Parameter("", "F"),),
    Kind.INDUCTOR: (Parameter("", "H"),),
    Kind.CONSTANT_PHASE: (Parameter("", "ohm^-1 s^n"), Parameter("n", "")),
    Kind.WARBURG: (Parameter("", "ohm s^-1/2"),),
    Kind.WARBURG_SHORT: (Parameter("", "ohm"), Parameter("tau", "s")),
    Kind.WARBURG_OPEN: (Parameter("", "ohm"), Parameter("tau", "s")),
}
"""The parameters of each kind, in the order in which an element takes them."""

Answer = tuple[ComplexArray, ComplexArray]
"""Z of shape (points,) and p dZ/dp of shape (parameters, points)."""


def _resistor(s: ComplexArray, R_ohm: float) -> Answer:
    z_ohm = np.full(s.shape, R_ohm, dtype=np.complex128)
    return z_ohm, z_ohm[None]


def _capacitor(s: ComplexArray, C_F: float) -> Answer:
    z_ohm: ComplexArray = np.reciprocal(s * C_F)
    return z_ohm, -z_ohm[None]


def _inductor(s: ComplexArray, L_H: float) -> Answer:
    z_ohm: ComplexArray = np.multiply(s, L_H)
    return z_ohm, z_ohm[None]


def _constant_phase(s: ComplexArray, Q: float, n: float) -> Answer:
    ln_s = np.log(s)
    z_ohm: ComplexArray = np.exp(-n * ln_s - math.log(Q))
    return z_ohm, np.stack((-z_ohm, -n * ln_s * z_ohm))


def _warburg(s: ComplexArray, sigma: float) -> Answer:
    z_ohm: ComplexArray = np.sqrt(2.0 * sigma * sigma / s)
    return z_ohm, z_ohm[None]


def _warburg_short(s: ComplexArray, R_ohm: float, tau_s: float) -> Answer:
    root = np.sqrt(s * tau_s)
    tanh = np.tanh(root)
    z_ohm: ComplexArray = np.divide(R_ohm * tanh, root)
    return z_ohm, np.stack((z_ohm, 0.5 * (R_ohm * (1.0 - tanh * tanh) - z_ohm)))


def _warburg_open(s: ComplexArray, R_ohm: float, tau_s: float) -> Answer:
    root = np.sqrt(s * tau_s)
    coth = np.reciprocal(np.tanh(root))
    z_ohm: ComplexArray = np.divide(R_ohm * coth, root)
    return z_ohm, np.stack((z_ohm, 0.5 * (R_ohm * (1.0 - coth * coth) - z_ohm)))


ANSWERS: dict[Kind, Callable[..., Answer]] = {
    Kind.RESISTOR: _resistor,
    Kind.CAPACITOR: _capacitor,
    Kind.INDUCTOR: _inductor,
    Kind.CONSTANT_PHASE: _constant_phase,
    Kind.WARBURG: _warburg,
    Kind.WARBURG_SHORT: _warburg_short,
    Kind.WARBURG_OPEN: _warburg_open,
}
"""Each kind's impedance and slopes, by s = j omega in rad/s and the element's parameters."""


@dataclass(frozen=True, slots=True)
class Window:
    """The scales of a spectrum: what an element can be and still be seen in it."""

    omega_min_rad_per_s: float
    omega_max_rad_per_s: float
    z_min_ohm: float
    z_max_ohm: float

    @classmethod
    def of(cls, frequency_Hz: FloatArray, z_ohm: ComplexArray) -> Window:
        """Return the window of points. Shapes: (n,)."""
        omega = 2.0 * math.pi * frequency_Hz
        size_ohm = np.abs(z_ohm)
        return cls(float(omega.min()), float(omega.max()), float(size_ohm.min()), float(size_ohm.max()))

    def limits(self, kind: Kind) -> tuple[tuple[float, float], ...]:
        """Return the smallest and the largest value of each parameter.

        A value at a limit means that the spectrum does not show the element: an impedance below 1e-5 of the smallest
        or above 1e3 of the largest impedance everywhere, a time constant two decades beyond the frequencies.
        """
        low_ohm, high_ohm = 1e-5 * self.z_min_ohm, 1e3 * self.z_max_ohm
        slow, fast = self.omega_min_rad_per_s, self.omega_max_rad_per_s
        taus_s = (1e-2 / fast, 1e2 / slow)
        resistance = (low_ohm, high_ohm)
        match kind:
            case Kind.RESISTOR:
                return (resistance,)
            case Kind.CAPACITOR:
                return ((1.0 / (fast * high_ohm), 1.0 / (slow * low_ohm)),)
            case Kind.INDUCTOR:
                return ((low_ohm / fast, high_ohm / slow),)
            case Kind.CONSTANT_PHASE:
                return ((1.0 / (fast * high_ohm), max(1.0, 1.0 / slow) / low_ohm), (N_MIN, 1.0))
            case Kind.WARBURG:
                return ((low_ohm * math.sqrt(slow), high_ohm * math.sqrt(fast)),)
            case Kind.WARBURG_SHORT | Kind.WARBURG_OPEN:
                return (resistance, taus_s)
