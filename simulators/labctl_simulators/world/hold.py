"""Constant voltage: implicit substeps on a schedule of their own, the current piecewise constant.

The schedule depends on the chunk's start alone, never on who looks: substeps of 0.1 to 10 s, halved until
the current changes by less than 0.2 % of the range in one. Between substeps current and voltage are
interpolated. A commit inside a substep applies the substep's current that long.

Source: cell-models.md section 5 (constant voltage).
"""

from __future__ import annotations

import math
from bisect import bisect_left
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
from labctl_simulators.world.elements import (
    FloatArray,
    charge_transfer_argument,
    open_circuit_point,
)
from labctl_simulators.world.modes import TICK_s

RUNGS_TICKS = (1, 2, 5, 10, 20, 50, 100)
"""Allowed substeps; 20 (2 s) and more are reached only where the current has become slow."""
CHANGE_MAX = 0.002
SLOW_CHANGE = 0.0005
NEWTON_ROUNDS = 60
RESIDUAL_V = 1e-13


class HoldChunk(Chunk):
    """A chunk at constant voltage."""

    def __init__(
        self,
        circuit: Circuit,
        moment: Moment,
        state: State,
        segment: Segment,
        offset_ticks: int,
        passed_Ah: float,
        leak_A: float,
    ) -> None:
        self.circuit = circuit
        self.segment = segment
        self.offset_ticks = offset_ticks
        self.temperature_degC = state.temperature_degC
        self.ticks = 0
        self._moment = moment
        self._leak_A = leak_A
        self._set_V = segment.drive.voltage_V
        limit_A = segment.drive.current_limit_A
        self._limit_A = math.inf if math.isnan(limit_A) else limit_A
        self._start = state
        current_A, voltage_V = self._solve(state, 0, 0.0)
        floor_A = 1e-3 * self._limit_A if math.isfinite(self._limit_A) else 1e-9
        self._scale_A = max(abs(current_A), floor_A)
        self._nodes = [0]
        self._node_A = [current_A]
        self._node_V = [voltage_V]
        self._node_Ah = [passed_Ah]
        self._states = [state]

    def limited(self, longest_ticks: int, short_mAh_cm2: float) -> HoldChunk:
        """March until the next ageing edge, the hard short or ``longest_ticks``; return the chunk."""
        area_cm2 = self.circuit.area_cm2
        now_mAh_cm2 = self._node_Ah[0] * 1e3 / area_cm2
        edge = math.floor(now_mAh_cm2 / AGEING_STEP_mAh_cm2 / REACHED) + 1
        room_mAh_cm2 = edge * AGEING_STEP_mAh_cm2 - now_mAh_cm2
        if not self._start.shorted:
            room_mAh_cm2 = min(room_mAh_cm2, short_mAh_cm2 - self._start.throughput_mAh_cm2)
        end_Ah = self._node_Ah[0] + room_mAh_cm2 * 1e-3 * area_cm2
        rung = 0
        self.ticks = longest_ticks
        while self._nodes[-1] < longest_ticks:
            rung = self._march(rung)
            if self._node_Ah[-1] >= end_Ah * REACHED:
                before_Ah = self._node_Ah[-2]
                per_tick_Ah = (self._node_Ah[-1] - before_Ah) / (self._nodes[-1] - self._nodes[-2])
                needed = math.ceil((end_Ah * REACHED - before_Ah) / per_tick_Ah) if per_tick_Ah else 1
                self.ticks = min(max(self._nodes[-2] + max(needed, 1), 1), self._nodes[-1], longest_ticks)
                break
        self._index()
        return self

    def _index(self) -> None:
        self._node_ticks = np.array(self._nodes, dtype=np.int64)
        self._nodes_A, self._nodes_V = np.array(self._node_A), np.array(self._node_V)
        self._nodes_Ah = np.array(self._node_Ah)
        self._path_A = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(self._nodes_A)))])
        self._path_V = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(self._nodes_V)))])

    def _march(self, rung: int) -> int:
        state, before_A = self._states[-1], self._node_A[-1]
        while True:
            ticks = RUNGS_TICKS[rung]
            current_A, voltage_V = self._solve(state, ticks, before_A)
            change = abs(current_A - before_A) / self._scale_A
            if change < CHANGE_MAX or rung == 0:
                break
            rung -= 1
        self._nodes.append(self._nodes[-1] + ticks)
        self._node_A.append(current_A)
        self._node_V.append(voltage_V)
        self._node_Ah.append(self._node_Ah[-1] + abs(current_A) * (TICK_s * ticks) / 3600.0)
        self._states.append(self._moved(state, current_A, ticks))
        if change < SLOW_CHANGE and rung + 1 < len(RUNGS_TICKS):
            rung += 1
        return rung

    def _solve(self, state: State, ticks: int, guess_A: float) -> tuple[float, float]:
        """Return (current, voltage) after ``ticks`` at that current: V = V_set, or the current at its
        limit.
        """
        if state.shorted:
            short_ohm = self.circuit.variant.short_ohm_cm2 / self.circuit.area_cm2
            current_A = _within(self._set_V / short_ohm, self._limit_A)
            return current_A, current_A * short_ohm
        law = _EndLaw(self, state, ticks)
        current_A = _within(law.current_A(self._set_V, guess_A, self._limit_A), self._limit_A)
        if abs(current_A) < self._limit_A:
            return current_A, self._set_V
        return current_A, law.voltage_V(current_A)[0]

    def _moved(self, state: State, current_A: float, ticks: int) -> State:
        passed_mAh_cm2 = abs(current_A) * (TICK_s * ticks) / 3.6 / self.circuit.area_cm2
        moved = replace(
            state,
            throughput_mAh_cm2=state.throughput_mAh_cm2 + passed_mAh_cm2,
            half_charge_mAh_cm2=state.half_charge_mAh_cm2 + passed_mAh_cm2,
            age_ticks=state.age_ticks + ticks,
        )
        if state.shorted:
            return moved
        circuit, moment = self.circuit, self._moment
        decays = circuit.table.at_one(ticks)
        target_V = current_A * moment.modes_ohm(current_A)
        drift_A = current_A - self._leak_A
        target = -(drift_A * circuit.variant.positive.tau_s / moment.capacity_C) * circuit.particle_weights
        count = circuit.circuit_count
        return replace(
            moved,
            circuit_V=target_V + (state.circuit_V - target_V) * decays[:count],
            particle=target + (state.particle - target) * decays[count:],
            x=state.x - drift_A * (TICK_s * ticks) / moment.capacity_C if circuit.full else state.x,
        )

    # -- what the channel sees -----------------------------------------------------------------------------

    def _interpolated(self, values: FloatArray, ticks: TickArray) -> FloatArray:
        last = len(self._node_ticks) - 1
        if last == 0:
            return np.full(len(ticks), values[0])
        left = np.clip(np.searchsorted(self._node_ticks, ticks, side="right") - 1, 0, last - 1)
        start = self._node_ticks[left]
        share = (ticks - start) / (self._node_ticks[left + 1] - start)
        return values[left] + (values[left + 1] - values[left]) * share

    def voltage_V(self, ticks: TickArray) -> FloatArray:
        return self._interpolated(self._nodes_V, np.asarray(ticks, dtype=np.int64))

    def current_A(self, ticks: TickArray) -> FloatArray:
        return self._interpolated(self._nodes_A, np.asarray(ticks, dtype=np.int64))

    def capacity_Ah(self, ticks: TickArray) -> FloatArray:
        return self._interpolated(self._nodes_Ah, np.asarray(ticks, dtype=np.int64))

    def envelope_V(self, ticks_a: TickArray, ticks_b: TickArray) -> tuple[FloatArray, FloatArray]:
        start_V = self.voltage_V(ticks_a)
        way_V = self._interpolated(self._path_V, ticks_b) - self._interpolated(self._path_V, ticks_a)
        way_V = way_V + SWING_SLACK_V
        return start_V - way_V, start_V + way_V

    def swing_A(self, ticks_a: TickArray, ticks_b: TickArray) -> FloatArray:
        way_A = self._interpolated(self._path_A, ticks_b) - self._interpolated(self._path_A, ticks_a)
        return way_A * (1.0 + 1e-9) + 1e-18

    def state_at(self, ticks: int) -> State:
        index = bisect_left(self._nodes, ticks)
        if index < len(self._nodes) and self._nodes[index] == ticks:
            return self._states[index]
        return self._moved(self._states[index - 1], self._node_A[index], ticks - self._nodes[index - 1])


class _EndLaw:
    """V after a substep as a function of its constant current: rises monotonically."""

    def __init__(self, chunk: HoldChunk, state: State, ticks: int) -> None:
        circuit, moment = chunk.circuit, chunk._moment
        variant = circuit.variant
        decays = circuit.table.at_one(ticks)
        count = circuit.circuit_count
        built = 1.0 - decays[:count]
        self._chemistry = variant.chemistry
        self._v0_V = float((state.circuit_V * decays[:count]).sum())
        self._a_ohm = moment.bulk_ohm + float((moment.fixed_ohm * built).sum())
        self._ct_ohm = moment.ct_ohm * float((moment.ct_weights * built).sum())
        self._u_per_A = charge_transfer_argument(
            1.0, moment.ct_ohm, moment.temperature_degC, moment.interfaces
        )
        self._x0, self._b_per_A = 0.0, 0.0
        if circuit.full:
            tau_s = variant.positive.tau_s
            build = tau_s * float((circuit.particle_weights * (1.0 - decays[count:])).sum()) + TICK_s * ticks
            self._b_per_A = build / moment.capacity_C
            relaxed = float((state.particle * decays[count:]).sum())
            self._x0 = state.x + relaxed + chunk._leak_A * self._b_per_A
        else:
            plating = variant.plating
            charge = state.half_charge_mAh_cm2
            extra_V = plating.nucleation_V * math.exp(-charge / plating.nucleation_scale_mAh_cm2)
            extra_V += plating.rise_V * moment.growth_warburg * (charge / plating.rise_scale_mAh_cm2) ** 4
            self._a_ohm += extra_V / plating.current_reference_mA_cm2 * 1e3 / circuit.area_cm2

    def voltage_V(self, current_A: float) -> tuple[float, float]:
        """Return (V, dV/dI) at a current."""
        u = self._u_per_A * abs(current_A)
        ct_factor = math.asinh(u) / u if u > 1e-8 else 1.0
        U_V, slope_V = open_circuit_point(self._chemistry, self._x0 - self._b_per_A * current_A)
        V = U_V + self._v0_V + current_A * (self._a_ohm + self._ct_ohm * ct_factor)
        return V, self._a_ohm + self._ct_ohm / math.sqrt(1.0 + u * u) - self._b_per_A * slope_V

    def current_A(self, set_V: float, guess_A: float, limit_A: float) -> float:
        """Return the current that gives ``set_V``, by Newton steps kept inside a shrinking bracket."""
        low_A, high_A = -limit_A, limit_A
        if math.isfinite(limit_A):
            if self.voltage_V(limit_A)[0] <= set_V:
                return limit_A
            if self.voltage_V(-limit_A)[0] >= set_V:
                return -limit_A
        current_A = _within(guess_A, limit_A)
        for _ in range(NEWTON_ROUNDS):
            V, slope_ohm = self.voltage_V(current_A)
            miss_V = V - set_V
            if abs(miss_V) < RESIDUAL_V:
                break
            if miss_V > 0.0:
                high_A = current_A
            else:
                low_A = current_A
            step_A = current_A - miss_V / slope_ohm
            if not low_A < step_A < high_A:
                step_A = 0.5 * (low_A + high_A)
            if step_A == current_A:
                break
            current_A = step_A
        return current_A


def _within(current_A: float, limit_A: float) -> float:
    return min(max(current_A, -limit_A), limit_A)
