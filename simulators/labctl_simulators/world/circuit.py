"""One cell's circuit: the modes that never change, and the resistances of the moment.

Source: cell-models.md sections 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labctl_simulators.world.elements import (
    FloatArray,
    charge_transfer_factor,
    conductivity_S_per_cm,
    interface_factor,
    particle_modes,
    warburg_modes,
    zarc_modes,
)
from labctl_simulators.world.modes import DecayTable, decay_table
from labctl_simulators.world.variants import Chemistry, Variant


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """Resistances and capacity of one cell at one throughput and temperature; constants of a chunk.

    ``fixed_ohm`` are the mode resistances without the charge transfer, ``ct_ohm`` that of the charge
    transfer at small current, spread by ``ct_weights``. Shapes: (circuit modes,).
    """

    bulk_ohm: float
    fixed_ohm: FloatArray
    ct_ohm: float
    ct_weights: FloatArray
    capacity_C: float
    growth_warburg: float
    temperature_degC: float
    interfaces: int

    def modes_ohm(self, current_A: float) -> FloatArray:
        """Return the mode resistances at a current: the charge transfer shrinks with it (section 2.4)."""
        factor = charge_transfer_factor(current_A, self.ct_ohm, self.temperature_degC, self.interfaces)
        return self.fixed_ohm + self.ct_weights * (self.ct_ohm * factor)


class Circuit:
    """The modes of one cell: circuit modes (sei, ct, w) first, then those of the particle."""

    def __init__(self, variant: Variant, area_cm2: float) -> None:
        self.variant = variant
        self.area_cm2 = area_cm2
        sei_weights, sei_taus_s = zarc_modes(variant.sei.tau_s, variant.sei.n)
        ct_weights, ct_taus_s = zarc_modes(variant.ct.tau_s, variant.ct.n)
        w_weights, w_taus_s = warburg_modes(variant.warburg.tau_s)
        self.circuit_taus_s = np.concatenate([sei_taus_s, ct_taus_s, w_taus_s])
        self.circuit_count = len(self.circuit_taus_s)
        self._sei_weights = self._spread(sei_weights, 0)
        self._ct_weights = self._spread(ct_weights, len(sei_weights))
        self._w_weights = self._spread(w_weights, len(sei_weights) + len(ct_weights))
        self.full = variant.chemistry is not Chemistry.SYMMETRIC
        if self.full:
            self.particle_weights, self.particle_taus_s = particle_modes(variant.positive.tau_s)
        else:
            self.particle_weights, self.particle_taus_s = np.zeros(0), np.zeros(0)
        self.table: DecayTable = decay_table((*self.circuit_taus_s, *self.particle_taus_s))

    def _spread(self, weights: FloatArray, start: int) -> FloatArray:
        spread = np.zeros(self.circuit_count)
        spread[start : start + len(weights)] = weights
        return spread

    def at(self, throughput_mAh_cm2: float, temperature_degC: float) -> Moment:
        """Return the resistances at a throughput and a temperature (sections 2.5, 3)."""
        variant = self.variant
        growth_sei, growth_ct, growth_w = variant.growth(throughput_mAh_cm2)
        electrolyte, reference_degC = variant.electrolyte, variant.reference_degC
        salt = conductivity_S_per_cm(electrolyte, reference_degC)
        salt /= conductivity_S_per_cm(electrolyte, temperature_degC)
        interface = interface_factor(electrolyte, temperature_degC, reference_degC) / self.area_cm2
        capacity_C = 1.0
        if self.full:
            positive = variant.positive
            fade = positive.fade(throughput_mAh_cm2)
            interface *= fade ** (-positive.resistance_power)
            capacity_C = self.active_mass_mg * 1e-3 * positive.capacity_mAh_per_g * fade * 3.6
        sei_ohm = variant.sei.resistance_ohm_cm2 * growth_sei * interface
        w_ohm = variant.warburg.resistance_ohm_cm2 * growth_w * salt / self.area_cm2
        return Moment(
            bulk_ohm=variant.bulk_ohm_cm2 * salt / self.area_cm2,
            fixed_ohm=self._sei_weights * sei_ohm + self._w_weights * w_ohm,
            ct_ohm=variant.ct.resistance_ohm_cm2 * growth_ct * interface,
            ct_weights=self._ct_weights,
            capacity_C=capacity_C,
            growth_warburg=growth_w,
            temperature_degC=temperature_degC,
            interfaces=variant.interfaces,
        )

    @property
    def active_mass_mg(self) -> float:
        """Return the active mass of the positive electrode, 0 for a symmetric cell."""
        return self.variant.positive.loading_mg_per_cm2 * self.area_cm2
