"""Build the rows of a run by hand, step by step, for tests of whatever reads records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.model.cell import CellKind
from labctl.model.ids import CellId
from labctl.model.program import CellFacts, StepMode
from labctl.model.record import RECORD_COLUMNS, STEP_TYPE_CODES, RecordBlock

Voltage = Callable[[NDArray[np.float64]], NDArray[np.float64]] | float
"""Voltages of a step: one for all its records, or a function of the step time in seconds."""


class RowBuilder:
    """The rows of one run so far, as an undisturbed device gives them: first record at 0, last at the end."""

    def __init__(self, every_s: float = 10.0) -> None:
        self.every_s = every_s
        self._parts: list[RecordBlock] = []
        self._rows = 0
        self._time_s = 0.0
        self._steps = 0
        self._cycle = 1

    def step(self, mode: StepMode, duration_s: float, current_A: float, voltage_V: Voltage) -> RowBuilder:
        """Append one step of constant current: records each ``every_s`` and at its end. Returns itself."""
        step_time_s = np.append(np.arange(0.0, duration_s, self.every_s), duration_s)
        rows = len(step_time_s)
        voltages_V = voltage_V(step_time_s) if callable(voltage_V) else np.full(rows, voltage_V)
        capacity_Ah = abs(current_A) * step_time_s / 3600.0
        middle_V = (voltages_V[1:] + voltages_V[:-1]) / 2.0
        sequence = np.arange(self._rows + 1, self._rows + rows + 1)
        self._steps += 1
        columns: dict[str, Any] = {
            "sequence": sequence,
            "test_time_second": self._time_s + step_time_s,
            "voltage_volt": voltages_V,
            "current_ampere": np.full(rows, current_A),
            "cycle_count": np.full(rows, self._cycle),
            "step_count": np.full(rows, self._steps),
            "step_id": np.full(rows, self._steps),
            "step_type": np.full(rows, STEP_TYPE_CODES[mode]),
            "step_time_second": step_time_s,
            "step_capacity_ah": capacity_Ah,
            "step_energy_wh": np.append(0.0, np.cumsum(np.abs(middle_V * np.diff(capacity_Ah)))),
            "segment": np.ones(rows),
            "device_sequence": sequence,
            "device_step": np.full(rows, self._steps),
            "device_cycle": np.full(rows, self._cycle),
            "quality": np.zeros(rows),
        }
        typed = {name: np.asarray(columns[name]).astype(dtype) for name, dtype in RECORD_COLUMNS.items()}
        self._parts.append(RecordBlock(typed))
        self._rows += rows
        self._time_s += duration_s
        return self

    def rest(self, duration_s: float, voltage_V: Voltage = 0.0) -> RowBuilder:
        """Append a rest."""
        return self.step(StepMode.REST, duration_s, 0.0, voltage_V)

    def charge(self, duration_s: float, current_A: float, voltage_V: Voltage) -> RowBuilder:
        """Append a constant-current charge; the current is a magnitude."""
        return self.step(StepMode.CC_CHARGE, duration_s, abs(current_A), voltage_V)

    def discharge(self, duration_s: float, current_A: float, voltage_V: Voltage) -> RowBuilder:
        """Append a constant-current discharge; the current is a magnitude."""
        return self.step(StepMode.CC_DISCHARGE, duration_s, -abs(current_A), voltage_V)

    def next_cycle(self) -> RowBuilder:
        """Count one jump back."""
        self._cycle += 1
        return self

    def block(self) -> RecordBlock:
        """Return all rows so far."""
        return RecordBlock.joined(self._parts)


def facts_of(
    kind: CellKind, *, area_cm2: float | None = 1.0, active_mass_mg: float | None = None
) -> CellFacts:
    """Return the facts of a made-up cell of this kind; LTO is discharged first, all others charged first."""
    return CellFacts(
        cell_id=CellId("C1"),
        name="made up",
        kind=kind,
        area_cm2=area_cm2,
        active_mass_mg=active_mass_mg,
        first_sign="discharge" if kind is CellKind.LTO_LI else "charge",
    )
