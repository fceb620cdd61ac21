"""Many cells at constant current as arrays: the same equations as ``steady.py``, channel beside channel.

A batch takes cells that stand at their chambers' temperature and moves them together. Columns of all results follow
``batch.cells``: sorted by chemistry and time constants, so that channels of one kind are neighbours. Growth, fade and
resistances come from the cell's own ``Circuit.at`` at its own ageing edges; between edges everything is arrays.

Results equal those of single cells to rounding (1e-12), not to the bit: sums run in another order here. The bench's
records come from single cells; this is for studies over many cells and for the speed rows E1 and E2 of the budgets.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labctl_simulators.world.cell import Cell
from labctl_simulators.world.drive import REACHED, AGEING_STEP_mAh_cm2, State
from labctl_simulators.world.elements import FloatArray, charge_transfer_argument, open_circuit_V
from labctl_simulators.world.modes import TICKS_LONGEST, TICK_s, TICKS_PER_s
from labctl_simulators.world.variants import Chemistry

FAR_TICKS = TICKS_LONGEST


@dataclass(frozen=True, slots=True)
class _Kind:
    """A run of neighbouring channels of one variant and temperature."""

    channels: slice
    chemistry: Chemistry
    circuit_rows: int
    first: Cell


class CellBatch:
    """Cells advanced together. Shapes: (modes, channels) inside, (records, channels) outside."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = sorted(cells, key=_sort_key)
        self._kinds = _kinds(self.cells)
        count, modes = len(self.cells), max(cell.circuit.circuit_count for cell in self.cells)
        particle_modes = max(len(cell.circuit.particle_weights) for cell in self.cells)
        self._v_V = np.zeros((modes, count))
        self._target_V = np.zeros((modes, count))
        self._y = np.zeros((particle_modes, count))
        self._y_target = np.zeros((particle_modes, count))
        self._x = np.array([cell.state.x for cell in self.cells])
        self._x_per_tick = np.zeros(count)
        self._bulk_V = np.zeros(count)
        self._rise_gain = np.ones(count)
        self._I_A = np.zeros(count)
        self._J_mA_cm2 = np.zeros(count)
        self._leak_A = np.zeros(count)
        self._start_mAh_cm2 = np.array([cell.state.throughput_mAh_cm2 for cell in self.cells])
        self._half_mAh_cm2 = np.array([cell.state.half_charge_mAh_cm2 for cell in self.cells])
        self._edge_ticks = np.zeros(count, dtype=np.int64)
        self._edge_number = np.zeros(count, dtype=np.int64)
        self._area_cm2 = np.array([cell.area_cm2 for cell in self.cells])
        self._short_mAh_cm2 = np.array([cell.short_mAh_cm2 for cell in self.cells])
        self._short_ohm = np.array([cell.variant.short_ohm_cm2 / cell.area_cm2 for cell in self.cells])
        self.shorted = np.array([cell.shorted for cell in self.cells])
        self.step_ticks = 0
        self._decay_of: dict[int, tuple[FloatArray, FloatArray]] = {}
        for index, cell in enumerate(self.cells):
            self._v_V[: cell.circuit.circuit_count, index] = cell.state.circuit_V
            if cell.circuit.full:
                self._y[:, index] = cell.state.particle
        self._plating = self._plating_columns()

    def _plating_columns(self) -> FloatArray:
        """Return nucleation V, 1/scale, rise V, 1/scale, 1/J_ref of all channels. Shape: (5, channels)."""
        columns = np.zeros((5, len(self.cells)))
        for index, cell in enumerate(self.cells):
            plating = cell.variant.plating
            columns[:, index] = (
                0.0 if cell.circuit.full else plating.nucleation_V,
                1.0 / plating.nucleation_scale_mAh_cm2,
                0.0 if cell.circuit.full else plating.rise_V,
                1.0 / plating.rise_scale_mAh_cm2,
                1.0 / plating.current_reference_mA_cm2,
            )
        return columns

    # -- steps -----------------------------------------------------------------------------------------------

    def begin_step(self, current_A: FloatArray) -> None:
        """Start a step at true currents (0 rests). Shape: (channels,)."""
        self._start_mAh_cm2 = self.throughput_mAh_cm2
        self._half_mAh_cm2 = self._half_mAh_cm2 + self._passed_mAh_cm2()
        self.step_ticks = 0
        self._I_A = np.asarray(current_A, dtype=np.float64)
        self._J_mA_cm2 = np.abs(self._I_A) * 1e3 / self._area_cm2
        for index, cell in enumerate(self.cells):
            begun = cell.half_cycles
            cell.begin_step(int(np.sign(self._I_A[index])))
            if cell.half_cycles != begun:
                self._half_mAh_cm2[index] = 0.0
            self._leak_A[index] = cell.leak_A
        self._edge_number[:] = 0
        self._renew(np.ones(len(self.cells), dtype=np.bool_))

    def _passed_mAh_cm2(self) -> FloatArray:
        return self._J_mA_cm2 * (TICK_s * self.step_ticks) / 3600.0

    @property
    def throughput_mAh_cm2(self) -> FloatArray:
        """Return the throughput since assembly. Shape: (channels,)."""
        return self._start_mAh_cm2 + self._passed_mAh_cm2()

    def _renew(self, due: NDArray[np.bool_]) -> None:
        """Take over resistances, capacity and the next ageing edge of channels that start a chunk."""
        throughput = self.throughput_mAh_cm2
        self.shorted |= throughput >= self._short_mAh_cm2 * REACHED
        for kind in self._kinds:
            local = np.flatnonzero(due[kind.channels])
            if len(local):
                self._renew_kind(kind, local + kind.channels.start, throughput)
        self._edge_number[due] += 1
        self._edge_ticks[due] = self._edges()[due]

    def _renew_kind(self, kind: _Kind, here: NDArray[np.intp], throughput_mAh_cm2: FloatArray) -> None:
        circuit, temperature_degC = kind.first.circuit, kind.first.state.temperature_degC
        I_A, area_cm2 = self._I_A[here], self._area_cm2[here]
        areal = circuit.areal(throughput_mAh_cm2[here], temperature_degC)
        ct_V = I_A * areal.ct_ohm_cm2 / area_cm2
        u = np.abs(ct_V) * charge_transfer_argument(1.0, 1.0, temperature_degC, circuit.variant.interfaces)
        ct_V = ct_V * np.divide(np.arcsinh(u), u, out=np.ones_like(u), where=u > 1e-8)
        per_cm2_V = I_A / area_cm2
        target_V = circuit.sei_weights[:, None] * (areal.sei_ohm_cm2 * per_cm2_V)
        target_V += circuit.w_weights[:, None] * (areal.warburg_ohm_cm2 * per_cm2_V)
        target_V += circuit.ct_weights[:, None] * ct_V
        self._target_V[: kind.circuit_rows, here] = target_V
        self._bulk_V[here] = per_cm2_V * areal.bulk_ohm_cm2
        self._rise_gain[here] = areal.growth_warburg
        if circuit.full:
            drift_per_s = (I_A - self._leak_A[here]) / (areal.capacity_C_per_cm2 * area_cm2)
            self._x_per_tick[here] = -drift_per_s * TICK_s
            weights = circuit.particle_weights[:, None]
            self._y_target[:, here] = weights * (-drift_per_s * circuit.variant.positive.tau_s)

    def _edges(self) -> NDArray[np.int64]:
        """Return where the next ageing edge or hard short of each channel lies, in ticks of the step."""
        passed = self._edge_number * AGEING_STEP_mAh_cm2
        to_short = np.where(self.shorted, np.inf, self._short_mAh_cm2 - self._start_mAh_cm2)
        passed = np.minimum(passed, to_short) * REACHED
        far = np.full(len(passed), float(FAR_TICKS))
        needed = np.divide(passed * 3600.0, self._J_mA_cm2, out=far, where=self._J_mA_cm2 > 0.0)
        needed = np.ceil(np.minimum(needed * TICKS_PER_s, self.step_ticks + FAR_TICKS))
        edges: NDArray[np.int64] = np.maximum(needed.astype(np.int64), self.step_ticks + 1)
        return edges

    def ticks_to_edge(self) -> int:
        """Return how many ticks may pass before some channel needs new parameters."""
        return int(self._edge_ticks.min()) - self.step_ticks

    # -- record grids ----------------------------------------------------------------------------------------

    def voltage_V(self, ticks: NDArray[np.int64]) -> FloatArray:
        """Return the voltages at ticks from now, at most ``ticks_to_edge``. Shape: (len(ticks), channels)."""
        result = np.empty((len(ticks), len(self.cells)))
        rows = ticks[:, None].astype(np.float64)
        for kind in self._kinds:
            here = kind.channels
            decays = kind.first.circuit.table.at(ticks)
            fall_V = self._v_V[: kind.circuit_rows, here] - self._target_V[: kind.circuit_rows, here]
            part = result[:, here]
            np.matmul(decays[: kind.circuit_rows].T, fall_V, out=part)
            part += self._target_V[: kind.circuit_rows, here].sum(axis=0) + self._bulk_V[here]
            if kind.chemistry is Chemistry.SYMMETRIC:
                self._add_plating(part, here, rows)
                continue
            y_fall = self._y[:, here] - self._y_target[:, here]
            surface = decays[kind.circuit_rows :].T @ y_fall
            surface += rows * self._x_per_tick[here]
            surface += self._x[here] + self._y_target[:, here].sum(axis=0)
            part += open_circuit_V(kind.chemistry, surface)
        if self.shorted.any():
            result[:, self.shorted] = (self._I_A * self._short_ohm)[self.shorted]
        return result

    def _add_plating(self, part: FloatArray, here: slice, rows: FloatArray) -> None:
        """Add the symmetric-cell terms; channels without them cost nothing when their whole kind has none."""
        nucleation_V, per_nucleation, rise_V, per_rise, per_J_ref = self._plating[:, here]
        J_mA_cm2 = self._J_mA_cm2[here]
        if not (nucleation_V.any() or rise_V.any()) or not J_mA_cm2.any():
            return
        scale = np.sign(self._I_A[here]) * J_mA_cm2 * per_J_ref
        per_tick = J_mA_cm2 * (TICK_s / 3600.0)
        charge = rows * per_tick + (self._half_mAh_cm2[here] + per_tick * self.step_ticks)
        part += np.exp(charge * -per_nucleation) * (scale * nucleation_V)
        charge *= per_rise
        charge *= charge
        charge *= charge
        charge *= scale * rise_V * self._rise_gain[here]
        part += charge

    def move(self, ticks: int) -> None:
        """Advance all channels, at most to the next edge, and renew those that reach theirs."""
        decays, y_decays = self._decays(ticks)
        self._v_V -= self._target_V
        self._v_V *= decays
        self._v_V += self._target_V
        if self._y.size:
            self._y -= self._y_target
            self._y *= y_decays
            self._y += self._y_target
            self._x += self._x_per_tick * ticks
        self.step_ticks += ticks
        due = self._edge_ticks <= self.step_ticks
        if due.any():
            self._renew(due)

    def _decays(self, ticks: int) -> tuple[FloatArray, FloatArray]:
        """Return the decays of all channels over a stretch, kept for the stretches that come again."""
        known = self._decay_of.get(ticks)
        if known is None:
            decays, y_decays = np.zeros_like(self._v_V), np.zeros_like(self._y)
            for kind in self._kinds:
                column = kind.first.circuit.table.at_one(ticks)[:, None]
                decays[: kind.circuit_rows, kind.channels] = column[: kind.circuit_rows]
                if kind.chemistry is not Chemistry.SYMMETRIC:
                    y_decays[:, kind.channels] = column[kind.circuit_rows :]
            if len(self._decay_of) >= 16:
                self._decay_of.clear()
            known = self._decay_of[ticks] = (decays, y_decays)
        return known

    # -- tick by tick ----------------------------------------------------------------------------------------

    def step(self, ticks: int) -> FloatArray:
        """Advance all channels by a fixed step and return their voltages there. Shape: (channels,).

        Edges that fall inside the step are met at its end; the caller chooses steps that are short against them.
        """
        passed = self.step_ticks
        decays, y_decays = self._decays(ticks)
        self._v_V -= self._target_V
        self._v_V *= decays
        self._v_V += self._target_V
        voltage_V: FloatArray = np.add.reduce(self._v_V, axis=0)
        voltage_V += self._bulk_V
        if self._y.size:
            self._y -= self._y_target
            self._y *= y_decays
            self._y += self._y_target
            self._x += self._x_per_tick * ticks
            surface = np.add.reduce(self._y, axis=0) + self._x
        self.step_ticks = passed + ticks
        now = np.zeros((1, 1))
        for chemistry, here in self._stretches():
            if chemistry is Chemistry.SYMMETRIC:
                self._add_plating(voltage_V[None, here], here, now)
            else:
                voltage_V[here] += open_circuit_V(chemistry, surface[here])
        if self.shorted.any():
            voltage_V[self.shorted] = (self._I_A * self._short_ohm)[self.shorted]
        if int(self._edge_ticks.min()) <= self.step_ticks:
            self._renew(self._edge_ticks <= self.step_ticks)
        return voltage_V

    def _stretches(self) -> list[tuple[Chemistry, slice]]:
        """Return the channels of each chemistry."""
        stretches: list[tuple[Chemistry, slice]] = []
        for kind in self._kinds:
            if stretches and stretches[-1][0] is kind.chemistry:
                stretches[-1] = (kind.chemistry, slice(stretches[-1][1].start, kind.channels.stop))
            else:
                stretches.append((kind.chemistry, kind.channels))
        return stretches

    def state_of(self, index: int) -> State:
        """Return one channel's state, as a single cell would hold it."""
        cell = self.cells[index]
        full = cell.circuit.full
        return replace(
            cell.state,
            circuit_V=self._v_V[: cell.circuit.circuit_count, index].copy(),
            particle=self._y[:, index].copy() if full else cell.state.particle,
            x=float(self._x[index]),
            throughput_mAh_cm2=float(self.throughput_mAh_cm2[index]),
            half_charge_mAh_cm2=float((self._half_mAh_cm2 + self._passed_mAh_cm2())[index]),
            shorted=bool(self.shorted[index]),
        )


def _sort_key(cell: Cell) -> tuple[str, str, str]:
    return cell.variant.chemistry.value, repr((cell.variant, cell.state.temperature_degC)), cell.spec.cell_id


def _kinds(cells: Sequence[Cell]) -> list[_Kind]:
    kinds: list[_Kind] = []
    for index, (_, group) in enumerate(itertools.groupby(cells, key=lambda cell: _sort_key(cell)[:2])):
        members = list(group)
        start = kinds[-1].channels.stop if index else 0
        first = members[0]
        here = slice(start, start + len(members))
        kinds.append(_Kind(here, first.variant.chemistry, first.circuit.circuit_count, first))
    return kinds
