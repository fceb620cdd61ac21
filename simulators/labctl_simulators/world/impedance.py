"""The small-signal impedance from the same modes as the time domain.

Source: cell-models.md section 6.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from labctl_simulators.world.circuit import Circuit, Moment
from labctl_simulators.world.drive import State
from labctl_simulators.world.elements import FloatArray, open_circuit_point

ComplexArray = NDArray[np.complex128]


def charge_transfer_ohm(
    circuit: Circuit, moment: Moment, frequency_Hz: FloatArray, factor: float = 1.0
) -> ComplexArray:
    """Return the part of Z that is charge transfer, its resistance times ``factor`` at constant capacitance."""
    s: ComplexArray = np.multiply(2j * math.pi * factor, frequency_Hz, dtype=np.complex128)
    modes_ohm = moment.ct_weights * (moment.ct_ohm * factor)
    total: ComplexArray = (modes_ohm / (1.0 + np.outer(s, circuit.circuit_taus_s))).sum(axis=1)
    return total


def impedance_ohm(
    circuit: Circuit,
    moment: Moment,
    state: State,
    leak_A: float,
    frequency_Hz: FloatArray,
    *,
    ct_factor: float = 1.0,
) -> ComplexArray:
    """Return Z of a cell. Shape: as ``frequency_Hz``, (n,) complex128.

    A shorted cell is its resistor behind the cable's inductance; a leak stands in parallel to everything
    but that. ``ct_factor`` is what a large amplitude makes of the charge transfer's resistance.
    """
    s: ComplexArray = np.multiply(2j * math.pi, frequency_Hz, dtype=np.complex128)
    cable_ohm = s * circuit.variant.inductance_H
    if state.shorted:
        return cable_ohm + circuit.variant.short_ohm_cm2 / circuit.area_cm2
    small_ohm = moment.ct_ohm if ct_factor == 1.0 else 0.0
    modes_ohm = moment.fixed_ohm + moment.ct_weights * small_ohm
    cell_ohm = moment.bulk_ohm + (modes_ohm / (1.0 + np.outer(s, circuit.circuit_taus_s))).sum(axis=1)
    if ct_factor != 1.0:
        cell_ohm = cell_ohm + charge_transfer_ohm(circuit, moment, frequency_Hz, ct_factor)
    if circuit.full:
        U_V, slope_V = open_circuit_point(circuit.variant.chemistry, state.x)
        particle = (circuit.particle_weights / (1.0 + np.outer(s, circuit.particle_taus_s))).sum(axis=1)
        tau_s = circuit.variant.positive.tau_s
        cell_ohm = cell_ohm - slope_V * (1.0 / s + tau_s * particle) / moment.capacity_C
        if leak_A > 0.0:
            leak_ohm = U_V / leak_A
            cell_ohm = cell_ohm * leak_ohm / (cell_ohm + leak_ohm)
    result: ComplexArray = cable_ohm + cell_ohm
    return result
