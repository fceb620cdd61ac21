"""Make rows of a run as a cycler gives them, for tests and benchmarks of the store. No physics: only the shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.model.record import RECORD_COLUMNS, RecordBlock

HALF_CYCLE_ROWS = 361
VOLTAGE_QUANTUM_V = 2 * 5.0 / 2**16 / 64
CURRENT_QUANTUM_A = 2 * 1e-3 / 2**16 / 64


def cycling_rows(rows: int, *, first: int = 1, seed: int = 7) -> RecordBlock:
    """Return rows ``first`` ... of a symmetric cell at 0.785 mA, one record each 10 s, one hour per half-cycle.

    Row n is the same whatever block it is asked in. Readings carry noise and the quantum of the converter (64th of a
    count), and at most 15 significant digits, as a Neware BTS sends them.
    """
    index = np.arange(first - 1, first - 1 + rows)
    half, place = np.divmod(index, HALF_CYCLE_ROWS)
    time_s = place * 10.0
    sign = np.where(half % 2 == 0, 1.0, -1.0)
    current_A = 0.785398e-3
    polarisation_V = (0.05 + half * 1e-4) * (
        1 + 0.5 * np.exp(-time_s / 120.0) + 0.1 * np.sqrt(time_s / 3600.0)
    )
    voltage_V = _quantised(sign * polarisation_V + 1e-4 * _noise(index, seed), VOLTAGE_QUANTUM_V)
    reading_A = _quantised(sign * current_A * 1.0002 + 5e-9 * _noise(index, seed + 1), CURRENT_QUANTUM_A)
    capacity_Ah = current_A * time_s / 3600.0
    columns: dict[str, NDArray[Any]] = {
        "sequence": index + 1,
        "test_time_second": half * 3600.0 + time_s,
        "voltage_volt": voltage_V,
        "current_ampere": reading_A,
        "cycle_count": half // 2 + 1,
        "step_count": half + 1,
        "step_id": 1 + half % 2,
        "step_type": 1 + half % 2,
        "step_time_second": time_s,
        "step_capacity_ah": _digits(capacity_Ah),
        "step_energy_wh": _digits(capacity_Ah * polarisation_V),
        "segment": np.ones(rows),
        "device_sequence": index + 1,
        "device_step": 1 + half % 2,
        "device_cycle": half // 2 + 1,
        "quality": np.zeros(rows),
    }
    block: dict[str, NDArray[Any]] = {
        name: np.asarray(columns[name], dtype=np.dtype(dtype)) for name, dtype in RECORD_COLUMNS.items()
    }
    seconds = np.datetime64("2026-01-01T00:00:00") + (half * 3600 + place * 10).astype("timedelta64[s]")
    block["device_clock"] = np.char.replace(np.datetime_as_string(seconds), "T", " ").astype("S19")
    return RecordBlock(block)


def _noise(index: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Return normal noise by row number (splitmix64, Box-Muller), the same in any block."""
    with np.errstate(over="ignore"):
        mixed = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed * 7919 + 1)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    radius = np.sqrt(-2.0 * np.log(((mixed >> np.uint64(32)).astype(np.float64) + 1.0) / 2.0**32))
    angle = (mixed & np.uint64(0xFFFFFFFF)).astype(np.float64) * (2.0 * np.pi / 2.0**32)
    return np.asarray(radius * np.cos(angle))


def _quantised(values: NDArray[np.float64], quantum: float) -> NDArray[np.float64]:
    return _digits(np.round(values / quantum) * quantum)


def _digits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values as they come back from text with 15 significant digits."""
    return np.array([float(f"{value:.15g}") for value in values.tolist()])
