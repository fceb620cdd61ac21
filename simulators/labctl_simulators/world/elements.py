"""Expand circuit elements into RC modes; conductivity, activation and open-circuit voltage.

The same modes serve the time domain and the impedance, so pulses and spectra agree by construction.

Source: cell-models.md section 2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from labctl.model.units import FARADAY_C_PER_MOL, GAS_CONSTANT_J_PER_MOL_K, K_from_degC
from labctl_simulators.world.variants import Chemistry, Electrolyte

FloatArray = NDArray[np.float64]

X_MIN = 1e-6
"""The surface fraction stays within [X_MIN, 1 - X_MIN] (cell-models.md section 5)."""

ACTIVATION_eV = {Electrolyte.LIQUID: 0.45, Electrolyte.PEO: 0.70}
LIQUID_SIGMA_25_S_PER_CM = 10e-3
LIQUID_ACTIVATION_eV = 0.14
PEO_SIGMA_60_S_PER_CM = 4.0e-4
PEO_MELTING_degC = 58.0
PEO_B_K = 900.0
PEO_T0_K = 195.0
PEO_SOLID_ACTIVATION_eV = 1.05
_K_PER_eV = FARADAY_C_PER_MOL / GAS_CONSTANT_J_PER_MOL_K


def zarc_modes(tau_s: float, n: float) -> tuple[FloatArray, FloatArray]:
    """Return (weights, time constants) of a ZARC: nine modes, one for n >= 0.999 (section 2.1)."""
    if n >= 0.999:
        return np.ones(1), np.array([tau_s])
    u = np.power(10.0, -2.0 + 0.5 * np.arange(9, dtype=np.float64))
    g = math.sin((1.0 - n) * math.pi) / (np.cosh(n * np.log(u)) - math.cos((1.0 - n) * math.pi))
    return g / g.sum(), u * tau_s


def warburg_modes(tau_s: float) -> tuple[FloatArray, FloatArray]:
    """Return (weights, time constants) of a finite-length Warburg: seven modes (section 2.2)."""
    odd = np.square(2.0 * np.arange(1, 7, dtype=np.float64) - 1.0) * math.pi**2
    return _with_remainder(8.0 / odd, 4.0 * tau_s / odd, 1.0)


def particle_modes(tau_s: float) -> tuple[FloatArray, FloatArray]:
    """Return (weights, time constants) of the planar particle: seven modes, weights sum to 1/3 (section
    2.3).
    """
    square = np.square(np.arange(1, 7, dtype=np.float64)) * math.pi**2
    return _with_remainder(2.0 / square, tau_s / square, 1.0 / 3.0)


def _with_remainder(weights: FloatArray, taus_s: FloatArray, total: float) -> tuple[FloatArray, FloatArray]:
    return (
        np.append(weights, total - weights.sum()),
        np.append(taus_s, 0.2 * taus_s[-1]),
    )


def conductivity_S_per_cm(electrolyte: Electrolyte, temperature_degC: float) -> float:
    """Return the salt conductivity (section 2.5)."""
    T_K = K_from_degC(temperature_degC)
    if electrolyte is Electrolyte.LIQUID:
        return LIQUID_SIGMA_25_S_PER_CM * math.exp(
            -LIQUID_ACTIVATION_eV * _K_PER_eV * (1.0 / T_K - 1.0 / K_from_degC(25.0))
        )
    melting_K = K_from_degC(PEO_MELTING_degC)
    if melting_K <= T_K:
        return _vtf_S_per_cm(T_K)
    return _vtf_S_per_cm(melting_K) * math.exp(
        -PEO_SOLID_ACTIVATION_eV * _K_PER_eV * (1.0 / T_K - 1.0 / melting_K)
    )


def _vtf_S_per_cm(T_K: float) -> float:
    at_60_K = K_from_degC(60.0)
    ratio = math.exp(-PEO_B_K / (T_K - PEO_T0_K) + PEO_B_K / (at_60_K - PEO_T0_K))
    return PEO_SIGMA_60_S_PER_CM * math.sqrt(at_60_K / T_K) * ratio


def interface_factor(electrolyte: Electrolyte, temperature_degC: float, reference_degC: float) -> float:
    """Return the factor on SEI and charge-transfer resistances at a temperature (section 2.5)."""
    inverse_K = 1.0 / K_from_degC(temperature_degC) - 1.0 / K_from_degC(reference_degC)
    return math.exp(ACTIVATION_eV[electrolyte] * _K_PER_eV * inverse_K)


def charge_transfer_factor(
    current_A: float, resistance_ohm: float, temperature_degC: float, interfaces: int
) -> float:
    """Return asinh(u)/u of the charge transfer at a current (section 2.4)."""
    u = charge_transfer_argument(current_A, resistance_ohm, temperature_degC, interfaces)
    if u < 1e-8:
        return 1.0
    return math.asinh(u) / u


def charge_transfer_argument(
    current_A: float, resistance_ohm: float, temperature_degC: float, interfaces: int
) -> float:
    """Return u = |I| R_ct F / (n_if 2 R T)."""
    thermal_V = GAS_CONSTANT_J_PER_MOL_K * K_from_degC(temperature_degC) / FARADAY_C_PER_MOL
    return abs(current_A) * resistance_ohm / (interfaces * 2.0 * thermal_V)


LANES = 16
"""Arrays are padded to whole vector registers, so that an element's bits never depend on its neighbours."""


def open_circuit_V(chemistry: Chemistry, x: FloatArray) -> FloatArray:
    """Return U(x) of the positive electrode against lithium, x clipped to its range (section 2.6).

    Shape: as ``x``. Decreases monotonically in x.
    """
    if chemistry is Chemistry.SYMMETRIC:
        return np.zeros_like(x)
    inside = np.minimum(np.maximum(x, X_MIN), 1.0 - X_MIN)
    if chemistry is Chemistry.LFP:
        base = 3.4077 - 0.020269 * inside
        return base + 0.5 * np.exp(-150.0 * inside) - 0.9 * np.exp(-30.0 * (1.0 - inside))
    base = 1.562 - 0.006 * (inside - 0.5)
    return base + 1.9 * np.exp(inside * (-1.0 / 0.036)) - 0.90 * np.exp((1.0 - inside) * (-1.0 / 0.07))


def open_circuit_point(chemistry: Chemistry, x: float) -> tuple[float, float]:
    """Return (U, dU/dx) at one fraction; the slope is 0 where x is clipped."""
    if chemistry is Chemistry.SYMMETRIC:
        return 0.0, 0.0
    inside = min(max(x, X_MIN), 1.0 - X_MIN)
    if chemistry is Chemistry.LFP:
        low, high = 0.5 * math.exp(-150.0 * inside), 0.9 * math.exp(-30.0 * (1.0 - inside))
        U_V = 3.4077 - 0.020269 * inside + low - high
        slope_V = -0.020269 - 150.0 * low - 30.0 * high
    else:
        low, high = 1.9 * math.exp(-inside / 0.036), 0.90 * math.exp(-(1.0 - inside) / 0.07)
        U_V = 1.562 - 0.006 * (inside - 0.5) + low - high
        slope_V = -0.006 - low / 0.036 - high / 0.07
    return U_V, slope_V if inside == x else 0.0


def padded(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Repeat the last element until the length is a whole number of vector registers (at least one)."""
    count = len(values)
    whole = max(-(-count // LANES), 1) * LANES
    if count == whole:
        return values
    result = np.empty(whole, dtype=np.int64)
    result[:count] = values
    result[count:] = values[-1] if count else 0
    return result
