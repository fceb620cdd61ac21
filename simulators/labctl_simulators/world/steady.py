"""Constant current and rest in closed form: any tick of a chunk without stepping.

Source: cell-models.md section 5 (constant current, rest), 2.7 (symmetric terms), 3.1 (short), 3.2 (leak).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from labctl_simulators.world.circuit import Circuit, Moment
from labctl_simulators.world.drive import (
    REACHED,
    SWING_SLACK_V,
    AGEING_STEP_mAh_cm2,
    Chunk,
    Segment,
    State,
    TickArray,
)
from labctl_simulators.world.elements import FloatArray, open_circuit_V, padded
from labctl_simulators.world.modes import TICK_s, TICKS_PER_s, weighted
from labctl_simulators.world.precursor import DEEPEST, Precursor

_Ah_FROM_As = 1.0 / 3600.0


class SteadyChunk(Chunk):
    """A chunk at constant current (0 at rest)."""

    def __init__(
        self,
        circuit: Circuit,
        moment: Moment,
        state: State,
        segment: Segment,
        offset_ticks: int,
        leak_A: float,
        precursor: Precursor | None,
    ) -> None:
        self.circuit = circuit
        self.segment = segment
        self.offset_ticks = offset_ticks
        self.temperature_degC = state.temperature_degC
        self._state = state
        self._precursor = precursor
        self._done_ticks = offset_ticks - segment.start_ticks
        I_A = self._I_A = segment.drive.current_A
        self._J_mA_cm2 = abs(I_A) * 1e3 / circuit.area_cm2
        modes_ohm = moment.modes_ohm(I_A)
        self._target_V = I_A * modes_ohm
        self._fall_V = state.circuit_V - self._target_V
        self._plateau_V = I_A * (moment.bulk_ohm + float(modes_ohm.sum()))
        self._short_ohm = circuit.variant.short_ohm_cm2 / circuit.area_cm2
        self._rise_gain = moment.growth_warburg
        drift_A = I_A - leak_A
        self._x_per_s = -drift_A / moment.capacity_C
        self._particle_target = (
            -(drift_A * circuit.variant.positive.tau_s / moment.capacity_C) * circuit.particle_weights
        )
        self._particle_fall = state.particle - self._particle_target
        self._x_plateau = state.x + float(self._particle_target.sum())
        self.ticks = 0

    def limited(self, longest_ticks: int, short_mAh_cm2: float) -> SteadyChunk:
        """End the chunk at the next ageing edge, at the hard short, or at ``longest_ticks``; return it."""
        self.ticks = longest_ticks
        if self._J_mA_cm2 <= 0.0:
            return self
        step_passed_mAh_cm2 = self.segment.capacity_Ah * 1e3 / self.circuit.area_cm2
        now_mAh_cm2 = step_passed_mAh_cm2 + self._passed_mAh_cm2(self._done_ticks)
        edge = math.floor(now_mAh_cm2 / AGEING_STEP_mAh_cm2 / REACHED) + 1
        ends = [edge * AGEING_STEP_mAh_cm2 - step_passed_mAh_cm2]
        if not self._state.shorted:
            ends.append(short_mAh_cm2 - self.segment.throughput_mAh_cm2)
        for passed_mAh_cm2 in ends:
            if math.isfinite(passed_mAh_cm2):
                needed = passed_mAh_cm2 * REACHED * 3600.0 / self._J_mA_cm2 * TICKS_PER_s
                self.ticks = min(self.ticks, max(math.ceil(needed) - self._done_ticks, 1))
        return self

    def _passed_mAh_cm2(self, segment_ticks: int) -> float:
        return self._J_mA_cm2 * (TICK_s * segment_ticks) * _Ah_FROM_As

    # -- what the channel sees -----------------------------------------------------------------------------

    def voltage_V(self, ticks: TickArray) -> FloatArray:
        count = len(ticks)
        return self._voltage_V(padded(np.asarray(ticks, dtype=np.int64)))[:count]

    def _voltage_V(self, ticks: TickArray) -> FloatArray:
        if self._state.shorted:
            return np.full(len(ticks), self._I_A * self._short_ohm)
        decays = self.circuit.table.at(ticks)
        count = self.circuit.circuit_count
        voltage_V = self._plateau_V + weighted(self._fall_V, decays[:count])
        if self.circuit.full:
            surface = self._x_plateau + self._x_per_s * (TICK_s * ticks)
            surface = surface + weighted(self._particle_fall, decays[count:])
            voltage_V = voltage_V + open_circuit_V(self.circuit.variant.chemistry, surface)
        elif self._I_A != 0.0:
            voltage_V = voltage_V + self._nucleation_V(ticks) + self._rise_V(ticks)
        if self._precursor is not None:
            voltage_V = voltage_V * self._precursor.factor(self._state.age_ticks + ticks)
        return voltage_V

    def current_A(self, ticks: TickArray) -> FloatArray:
        return np.full(len(ticks), self._I_A)

    def capacity_Ah(self, ticks: TickArray) -> FloatArray:
        time_s = np.multiply(TICK_s, ticks + self._done_ticks, dtype=np.float64)
        return self.segment.capacity_Ah + abs(self._I_A) * time_s / 3600.0

    def _half_charge_mAh_cm2(self, ticks: TickArray) -> FloatArray:
        time_s = np.multiply(TICK_s, ticks + self._done_ticks, dtype=np.float64)
        return self.segment.half_charge_mAh_cm2 + self._J_mA_cm2 * time_s * _Ah_FROM_As

    def _nucleation_V(self, ticks: TickArray) -> FloatArray:
        plating = self.circuit.variant.plating
        scale = math.copysign(self._J_mA_cm2 / plating.current_reference_mA_cm2, self._I_A)
        charge = self._half_charge_mAh_cm2(ticks)
        return np.exp(charge * (-1.0 / plating.nucleation_scale_mAh_cm2)) * (scale * plating.nucleation_V)

    def _rise_V(self, ticks: TickArray) -> FloatArray:
        plating = self.circuit.variant.plating
        scale = math.copysign(self._J_mA_cm2 / plating.current_reference_mA_cm2, self._I_A)
        relative = self._half_charge_mAh_cm2(ticks) / plating.rise_scale_mAh_cm2
        square = relative * relative
        return square * square * (scale * plating.rise_V * self._rise_gain)

    # -- bounds --------------------------------------------------------------------------------------------

    def envelope_V(self, ticks_a: TickArray, ticks_b: TickArray) -> tuple[FloatArray, FloatArray]:
        """Return bounds of V within each [a, b]: every mode and every extra term is monotone in time."""
        count = len(ticks_a)
        a = padded(np.asarray(ticks_a, dtype=np.int64))
        b = padded(np.asarray(ticks_b, dtype=np.int64))
        if self._state.shorted:
            flat_V = np.full(count, self._I_A * self._short_ohm)
            return flat_V, flat_V
        modes = self.circuit.circuit_count
        decays_a = self.circuit.table.at(a)
        change = self.circuit.table.at(b) - decays_a
        base_V = self._plateau_V + weighted(self._fall_V, decays_a[:modes])
        down, up = _spans(self._fall_V[:, None] * change[:modes])
        low_V, high_V = base_V + down, base_V + up
        if self.circuit.full:
            at_a = (
                self._x_plateau
                + self._x_per_s * (TICK_s * a)
                + weighted(self._particle_fall, decays_a[modes:])
            )
            less, more = _spans(self._particle_fall[:, None] * change[modes:])
            drift = self._x_per_s * (TICK_s * (b - a))
            chemistry = self.circuit.variant.chemistry
            low_V = low_V + open_circuit_V(chemistry, at_a + more + np.maximum(drift, 0.0))
            high_V = high_V + open_circuit_V(chemistry, at_a + less + np.minimum(drift, 0.0))
        elif self._I_A != 0.0:
            for term in (self._nucleation_V, self._rise_V):
                first_V, last_V = term(a), term(b)
                low_V = low_V + np.minimum(first_V, last_V)
                high_V = high_V + np.maximum(first_V, last_V)
        if self._precursor is not None:
            low_V = np.minimum(low_V, low_V * (1.0 - DEEPEST))
            high_V = np.maximum(high_V, high_V * (1.0 - DEEPEST))
        return low_V[:count] - SWING_SLACK_V, high_V[:count] + SWING_SLACK_V

    def swing_A(self, ticks_a: TickArray, ticks_b: TickArray) -> FloatArray:
        return np.zeros(len(ticks_a))

    # -- the cell afterwards -------------------------------------------------------------------------------

    def state_at(self, ticks: int) -> State:
        state = self._state
        passed_mAh_cm2 = self._passed_mAh_cm2(self._done_ticks + ticks)
        moved = replace(
            state,
            throughput_mAh_cm2=self.segment.throughput_mAh_cm2 + passed_mAh_cm2,
            half_charge_mAh_cm2=self.segment.half_charge_mAh_cm2 + passed_mAh_cm2,
            age_ticks=state.age_ticks + ticks,
        )
        if state.shorted:
            return moved
        decays = self.circuit.table.at_one(ticks)
        count = self.circuit.circuit_count
        return replace(
            moved,
            circuit_V=self._target_V + self._fall_V * decays[:count],
            particle=self._particle_target + self._particle_fall * decays[count:],
            x=state.x + self._x_per_s * (TICK_s * ticks) if self.circuit.full else state.x,
        )


def _spans(changes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the sums of the falling and of the rising changes over the modes (outer axis)."""
    return np.minimum(changes, 0.0).sum(axis=0), np.maximum(changes, 0.0).sum(axis=0)
