"""Measure how fast the virtual world runs: rows E1 and E2 of the budgets.

    python benchmarks/bench_world.py [--peer-python PATH] [--json]

E1: 1,024 channels, all eight cell variants, steps of 10 s one after the other. E2: the same cells in closed form, a
record each 10 s; physics alone, and with measurement chain, noise, capacity and energy. Unit: channel-seconds per CPU
second of the measuring process.

* peer: the single-particle model of PyBaMM with its fastest solver, one cell, output each 10 s, measured by the
  Python of an environment that has it (``--peer-python``; ``pip install pybamm`` there).
* limit: a two-RC cell, the least that can be called a cell model, by the same method (stepping; closed form).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from labctl_simulators.world.batch import CellBatch
from labctl_simulators.world.batch_records import BatchRecorder
from labctl_simulators.world.cell import Cell, CellSpec
from labctl_simulators.world.chain import MeasurementChain
from labctl_simulators.world.variants import VARIANTS

CHANNELS = 1024
HALF_CYCLE_s = 3600
RECORD_TICKS = 100
HALF_CYCLES = 26
DOCUMENTED_PEER = 1.1e6
CURRENT_A = {"LIQ": 0.785398e-3, "PEO": 78.540e-6, "LTO": -0.412334e-3, "LFP": 78.540e-6}
RANGES_A = (1e-4, 1e-3, 1e-2)

PEER_SCRIPT = """
import time, numpy as np, pybamm
pybamm.set_logging_level("ERROR")
sim = pybamm.Simulation(pybamm.lithium_ion.SPM(), solver=pybamm.IDAKLUSolver())
grid = np.arange(0.0, 3001.0, 10.0)
def run():
    return sim.solve([0, 3000.0], t_interp=grid)["Terminal voltage [V]"].entries
for _ in range(3):
    run()
rates = []
for _ in range(5):
    start = time.process_time()
    for _ in range(10):
        run()
    rates.append(30000.0 / (time.process_time() - start))
print(pybamm.__version__, max(rates))
"""


def make_batch() -> tuple[CellBatch, np.ndarray]:
    """Return 1,024 fresh seeded cells of all variants and their currents."""
    names = list(VARIANTS)
    batch = CellBatch([Cell(CellSpec(f"c{i}", names[i % 8], seed=i)) for i in range(CHANNELS)])
    return batch, np.array([CURRENT_A[cell.spec.variant[:3]] for cell in batch.cells])


def best_rate(run: Callable[[], float], repeats: int) -> float:
    """Return the best channel-seconds per CPU second of some repeats."""
    rates = []
    for _ in range(repeats):
        start_s = time.process_time()
        done = run()
        rates.append(done / (time.process_time() - start_s))
    return max(rates)


def stepping() -> Callable[[], float]:
    """Return E1: one half-cycle in steps of 10 s."""
    batch, current_A = make_batch()
    sign = [1.0]

    def run() -> float:
        batch.begin_step(current_A * sign[0])
        sign[0] = -sign[0]
        for _ in range(HALF_CYCLE_s * 10 // RECORD_TICKS):
            batch.step(RECORD_TICKS)
        return float(HALF_CYCLE_s * CHANNELS)

    return run


def closed_form(*, with_chain: bool) -> Callable[[], float]:
    """Return E2: half-cycles of 1,200 s (so that no full cell leaves its window) on the record grid.

    One run makes 3,120 records per channel: three blocks of noise, so that making them is in the figure.
    """
    batch, current_A = make_batch()
    sign, sequence = [1.0], [1]
    duration_ticks = 12_000
    chains = [MeasurementChain("calibrated", 7, "bench", str(i), RANGES_A) for i in range(CHANNELS)]
    ranges_A = [chain.range_for(current) for chain, current in zip(chains, current_A, strict=True)]
    recorder = BatchRecorder(chains, ranges_A, test_id=1)

    def half_cycle() -> None:
        batch.begin_step(current_A * sign[0])
        energy_Wh = np.zeros(CHANNELS)
        left = duration_ticks
        while left:
            ticks = min(batch.ticks_to_edge(), left)
            first = -batch.step_ticks % RECORD_TICKS or RECORD_TICKS
            grid = np.arange(first, ticks + 1, RECORD_TICKS, dtype=np.int64)
            if len(grid):
                voltage_V = batch.voltage_V(grid)
                if with_chain:
                    step_ticks = (grid + batch.step_ticks).astype(np.float64)
                    rows = recorder.records(
                        sequence[0], step_ticks, voltage_V, current_A * sign[0], energy_Wh
                    )
                    energy_Wh = rows.energy_Wh[-1]
                    sequence[0] += len(grid)
            batch.move(ticks)
            left -= ticks
        sign[0] = -sign[0]

    def run() -> float:
        for _ in range(HALF_CYCLES):
            half_cycle()
        return HALF_CYCLES * duration_ticks / 10.0 * CHANNELS

    return run


def limit_stepping() -> Callable[[], float]:
    """Return the least stepping: two RC elements per channel."""
    decay, gain = np.full((2, CHANNELS), 0.9), np.full((2, CHANNELS), 1e-3)

    def run() -> float:
        state = np.zeros((2, CHANNELS))
        for _ in range(3600):
            state *= decay
            state += gain
            voltage_V = state[0] + state[1]
            voltage_V += 0.1
        return 36000.0 * CHANNELS

    return run


def limit_closed_form() -> Callable[[], float]:
    """Return the least closed form: two RC elements per channel on a record grid."""
    decays = np.exp(-np.arange(1.0, 361.0)[:, None] * np.array([0.1, 0.02]))
    amplitudes = np.full((2, CHANNELS), 1e-3)
    plateau_V = np.full(CHANNELS, 0.1)

    def run() -> float:
        for _ in range(20):
            voltage_V = decays @ amplitudes
            voltage_V += plateau_V
        return 20 * 3600.0 * CHANNELS

    return run


def measure_peer(python: str | None) -> tuple[float, str]:
    """Return the peer's rate and where it comes from."""
    if python is None:
        return DOCUMENTED_PEER, "PyBaMM SPM, documented, not measured (give --peer-python)"
    done = subprocess.run(
        [python, "-c", PEER_SCRIPT], capture_output=True, text=True, timeout=300, check=False
    )
    words = done.stdout.split()
    if done.returncode != 0 or len(words) != 2:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return DOCUMENTED_PEER, f"PyBaMM SPM, documented, not measured ({python}: {reason})"
    return float(words[1]), f"PyBaMM {words[0]} SPM, measured"


def main() -> int:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description="Speed of the virtual world (budget rows E1, E2).")
    parser.add_argument("--peer-python", help="Python of an environment with PyBaMM")
    parser.add_argument("--repeats", type=int, default=7, help="take the best of so many")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    peer, source = measure_peer(arguments.peer_python)
    steps_limit = best_rate(limit_stepping(), arguments.repeats)
    grid_limit = best_rate(limit_closed_form(), arguments.repeats)
    rows: list[dict[str, Any]] = []
    for row, what, goal, limit, run in (
        ("E1", "steps of 10 s", 20.0, steps_limit, stepping()),
        ("E2", "record grid, physics alone", 100.0, grid_limit, closed_form(with_chain=False)),
        (
            "E2",
            "record grid with chain, noise, capacity, energy",
            40.0,
            grid_limit,
            closed_form(with_chain=True),
        ),
    ):
        run()
        ours = best_rate(run, arguments.repeats)
        rows.append(
            {"row": row, "what": what, "unit": "channel-s per CPU-s", "peer": peer, "peer_source": source,
             "limit": limit, "labctl": ours, "ratio": ours / peer, "goal": goal, "ok": ours / peer >= goal}
        )  # fmt: skip
    if arguments.json:
        print(json.dumps(rows))
    else:
        print(f"peer: {source}; unit: million channel-seconds per CPU second")
        print(f"{'row':4}{'what':50}{'peer':>8}{'limit':>8}{'labctl':>8}{'ratio':>8}{'goal':>7}")
        for entry in rows:
            print(
                f"{entry['row']:4}{entry['what']:50}{peer / 1e6:8.2f}{entry['limit'] / 1e6:8.0f}"
                f"{entry['labctl'] / 1e6:8.1f}{entry['ratio']:7.1f}x{entry['goal']:6.0f}x"
            )
    return 0 if all(entry["ok"] for entry in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
