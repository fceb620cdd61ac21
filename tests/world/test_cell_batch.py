"""Many cells as arrays give what single cells give, to rounding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from labctl_simulators.world.batch import CellBatch
from labctl_simulators.world.batch_records import BatchRecorder
from labctl_simulators.world.cell import Cell, CellSpec, Drive
from labctl_simulators.world.chain import MeasurementChain
from labctl_simulators.world.variants import VARIANTS

CURRENT_A = {"LIQ": 0.785398e-3, "PEO": 78.540e-6, "LTO": -0.412334e-3, "LFP": 78.540e-6}


def cells() -> list[Cell]:
    """Return cells of all variants, three seeds each, one with another disc and one with a film."""
    made = [Cell(CellSpec(f"{name}-{seed}", name, seed=seed)) for name in VARIANTS for seed in (1, 2, 3)]
    made.append(Cell(CellSpec("large", "LIQ-P", diameter_mm=12.0, seed=4)))
    made.append(Cell(CellSpec("film", "LFP-P", film_nm=400.0, seed=5)))
    return made


def currents_A(batch: CellBatch) -> np.ndarray:
    return np.array([CURRENT_A[cell.spec.variant[:3]] for cell in batch.cells])


def single_run(cell: Cell, current_A: float, half_cycles: int, ticks: int) -> np.ndarray:
    """Return the voltages each 10 s of some half-cycles and leave the cell at their end."""
    voltages_V = []
    for number in range(half_cycles):
        I_A = current_A * (1 if number % 2 == 0 else -1)
        cell.begin_step(1 if I_A > 0 else -1)
        done = 0
        while done < ticks:
            chunk = cell.plan(Drive.cc(I_A), cell.state.temperature_degC, ticks - done)
            grid = np.arange(-done % 100 or 100, chunk.ticks + 1, 100)
            voltages_V.append(chunk.voltage_V(grid))
            cell.commit(chunk, chunk.ticks, cell.state.temperature_degC)
            done += chunk.ticks
    return np.concatenate(voltages_V)


def batch_run(batch: CellBatch, half_cycles: int, ticks: int) -> np.ndarray:
    rows, current_A = [], currents_A(batch)
    for number in range(half_cycles):
        batch.begin_step(current_A * (1 if number % 2 == 0 else -1))
        left = ticks
        while left:
            now = min(batch.ticks_to_edge(), left)
            grid = np.arange(-batch.step_ticks % 100 or 100, now + 1, 100)
            rows.append(batch.voltage_V(grid))
            batch.move(now)
            left -= now
    return np.concatenate(rows)


def test_record_grids_of_a_batch_equal_those_of_single_cells() -> None:
    batch = CellBatch(cells())
    together_V = batch_run(batch, 5, 12_000)
    for index, cell in enumerate(batch.cells):
        twin = Cell(cell.spec)
        alone_V = single_run(twin, CURRENT_A[cell.spec.variant[:3]], 5, 12_000)
        assert np.abs(together_V[:, index] - alone_V).max() < 1e-12, cell.spec.cell_id
        state = batch.state_of(index)
        assert state.x == pytest.approx(twin.state.x, abs=1e-12)
        assert state.throughput_mAh_cm2 == pytest.approx(twin.state.throughput_mAh_cm2, rel=1e-12)
        assert state.circuit_V == pytest.approx(twin.state.circuit_V, abs=1e-12)
        assert state.half_charge_mAh_cm2 == pytest.approx(twin.state.half_charge_mAh_cm2, rel=1e-12)


def test_stepping_equals_the_record_grid_where_no_edge_falls_inside_a_step() -> None:
    stepped, gridded = CellBatch(cells()), CellBatch(cells())
    current_A = currents_A(stepped)
    stepped.begin_step(current_A)
    gridded.begin_step(current_A)
    count = gridded.ticks_to_edge() // 100
    rows_V = np.array([stepped.step(100) for _ in range(count)])
    assert np.abs(rows_V - gridded.voltage_V(np.arange(1, count + 1) * 100)).max() < 1e-12


def test_shorted_channels_are_resistors_in_a_batch_too() -> None:
    near = [Cell(CellSpec("a", "LIQ-P")), Cell(CellSpec("b", "LIQ-P"))]
    near[0].state = replace(near[0].state, throughput_mAh_cm2=159.9)
    batch = CellBatch(near)
    batch.begin_step(np.full(2, 1e-3 * near[0].area_cm2))
    assert batch.ticks_to_edge() == 3600
    batch.move(3600)
    assert batch.shorted.tolist() == [True, False]
    voltage_V = batch.voltage_V(np.array([10]))[0]
    assert voltage_V[0] == pytest.approx(5e-3) and voltage_V[1] > 0.1


def test_batch_records_are_those_of_the_channels_own_chains() -> None:
    chains = [
        MeasurementChain("calibrated", 7, "neware", f"1-{number}", (1e-3, 1e-2)) for number in range(10)
    ]
    true_A = np.linspace(-9e-4, 9e-4, 10)
    true_V = np.linspace(-5.5, 5.5, 1500)[:, None] * np.ones(10)
    ticks = np.arange(1, 1501) * 100.0
    recorder = BatchRecorder(chains, [1e-3] * 10, test_id=4)
    rows = recorder.records(300, ticks, true_V, true_A, np.zeros(10))
    for index, chain in enumerate(chains):
        voltage_V, current_A = chain.records(4, 300, true_V[:, index], np.full(1500, true_A[index]), 1e-3)
        assert rows.voltage_V[:, index] == pytest.approx(voltage_V, abs=1e-12)
        assert rows.current_A[:, index] == pytest.approx(current_A, abs=1e-15)
    read_A = np.abs(chains[3].read_current_A(true_A[3:4], 1e-3)[0])
    assert rows.capacity_Ah[-1, 3] == pytest.approx(read_A * 15_000 / 3600)
    read_V = chains[3].read_voltage_V(true_V[:, 3])
    assert rows.energy_Wh[-1, 3] == pytest.approx(read_A * read_V.sum() * 10 / 3600)
