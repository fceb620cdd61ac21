"""One cell's circuit: the modes that never change, and the resistances of the moment.

Source: cell-models.md sections 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

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
from labctl_simulators.world.variants import Chemistry, Number, Variant


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


@dataclass(frozen=True, slots=True, eq=False)
class Areal(Generic[Number]):
    """Resistances and capacity per area at a moment: of one cell, or of an array of cells of one variant."""

    bulk_ohm_cm2: float
    sei_ohm_cm2: Number
    ct_ohm_cm2: Number
    warburg_ohm_cm2: Number
    capacity_C_per_cm2: Number
    growth_warburg: Number


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
        self.sei_weights = self._spread(sei_weights, 0)
        self.ct_weights = self._spread(ct_weights, len(sei_weights))
        self.w_weights = self._spread(w_weights, len(sei_weights) + len(ct_weights))
        self.full = variant.chemistry is not Chemistry.SYMMETRIC
        if self.full:
            self.particle_weights, self.particle_taus_s = particle_modes(variant.positive.tau_s)
        else:
            self.particle_weights, self.particle_taus_s = np.zeros(0), np.zeros(0)
        self._factors: tuple[float, float, float] | None = None
        self.table: DecayTable = decay_table((*self.circuit_taus_s, *self.particle_taus_s))

    def _spread(self, weights: FloatArray, start: int) -> FloatArray:
        spread = np.zeros(self.circuit_count)
        spread[start : start + len(weights)] = weights
        return spread

    def areal(self, throughput_mAh_cm2: Number, temperature_degC: float) -> Areal[Number]:
        """Return the resistances of the moment per area, for one cell or an array of them (sections 2.5, 3)."""
        variant = self.variant
        growth_sei, growth_ct, growth_w = variant.growth(throughput_mAh_cm2)
        salt, interface = self._temperature_factors(temperature_degC)
        positive = variant.positive
        fade = positive.fade(throughput_mAh_cm2)
        if self.full:
            aged: Number = np.power(fade, -positive.resistance_power)
            growth_sei, growth_ct = growth_sei * aged, growth_ct * aged
        return Areal(
            bulk_ohm_cm2=variant.bulk_ohm_cm2 * salt,
            sei_ohm_cm2=growth_sei * (variant.sei.resistance_ohm_cm2 * interface),
            ct_ohm_cm2=growth_ct * (variant.ct.resistance_ohm_cm2 * interface),
            warburg_ohm_cm2=growth_w * (variant.warburg.resistance_ohm_cm2 * salt),
            capacity_C_per_cm2=fade
            * (positive.loading_mg_per_cm2 * 1e-3 * positive.capacity_mAh_per_g * 3.6),
            growth_warburg=growth_w,
        )

    def _temperature_factors(self, temperature_degC: float) -> tuple[float, float]:
        """Return the factors on salt and interface resistances; the last temperature's are kept."""
        if self._factors is None or self._factors[0] != temperature_degC:
            electrolyte, reference_degC = self.variant.electrolyte, self.variant.reference_degC
            salt = conductivity_S_per_cm(electrolyte, reference_degC)
            salt /= conductivity_S_per_cm(electrolyte, temperature_degC)
            interface = interface_factor(electrolyte, temperature_degC, reference_degC)
            self._factors = (temperature_degC, salt, interface)
        return self._factors[1:]

    def at(self, throughput_mAh_cm2: float, temperature_degC: float) -> Moment:
        """Return the resistances and the capacity of this cell at a throughput and a temperature."""
        areal = self.areal(throughput_mAh_cm2, temperature_degC)
        sei_ohm = float(areal.sei_ohm_cm2) / self.area_cm2
        w_ohm = float(areal.warburg_ohm_cm2) / self.area_cm2
        return Moment(
            bulk_ohm=areal.bulk_ohm_cm2 / self.area_cm2,
            fixed_ohm=self.sei_weights * sei_ohm + self.w_weights * w_ohm,
            ct_ohm=float(areal.ct_ohm_cm2) / self.area_cm2,
            ct_weights=self.ct_weights,
            capacity_C=float(areal.capacity_C_per_cm2) * self.area_cm2 if self.full else 1.0,
            growth_warburg=float(areal.growth_warburg),
            temperature_degC=temperature_degC,
            interfaces=self.variant.interfaces,
        )

    @property
    def active_mass_mg(self) -> float:
        """Return the active mass of the positive electrode, 0 for a symmetric cell."""
        return self.variant.positive.loading_mg_per_cm2 * self.area_cm2
