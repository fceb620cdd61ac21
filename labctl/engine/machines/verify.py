"""Checks late what could not be read back before the start: the first records of each step tell.

Neware's limits, range and set current cannot be read back. The first ``ROWS`` records of a step's first
execution must carry the step's type and its current within 0.5 % + 1e-3 of the range (safety-and-faults
section 4, F42).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labctl.engine.machines.limits import program_steps
from labctl.interfaces.cycler import CurrentRange
from labctl.model.program import Program, Step, StepMode
from labctl.model.record import QUALITY_GOOD, STEP_TYPE_CODES, STEP_TYPE_NAMES, RecordBlock

ROWS = 3
CURRENT_TOLERANCE = 5e-3
RANGE_TOLERANCE = 1e-3
OPEN_FRACTION = 0.1
"""Below a tenth of its set current a CC step drives no cell."""


class LateVerifier:
    """Verifies each step of a program once, on the first rows of its first execution."""

    __slots__ = ("_ranges", "_seen", "_steps")

    def __init__(self, program: Program, ranges: Sequence[CurrentRange]) -> None:
        self._steps: dict[int, Step] = {step.step_id: step for step in program_steps(program.flow)}
        self._ranges = sorted(item.full_scale_A for item in ranges)
        self._seen: dict[int, tuple[int, int]] = {}

    def feed(self, block: RecordBlock) -> list[str]:
        """Take the next rows; return one sentence per step that does not do what it was told."""
        if not self._steps:
            return []
        problems: list[str] = []
        steps, counts = block["step_id"], block["step_count"]
        for step_id in sorted(set(steps.tolist()) & self._steps.keys()):
            rows = (steps == step_id).nonzero()[0]
            count, checked = self._seen.get(step_id, (int(counts[rows[0]]), 0))
            problem = ""
            for row in rows[: ROWS - checked].tolist():
                if int(counts[row]) != count:
                    checked = ROWS  # the first execution was shorter than three records
                    break
                checked += 1
                problem = self._row(self._steps[step_id], block, row)
                if problem:
                    problems.append(problem)
                    checked = ROWS
                    break
            self._seen[step_id] = (count, checked)
            if checked >= ROWS:
                del self._steps[step_id]
        return problems

    def _row(self, step: Step, block: RecordBlock, row: int) -> str:
        sequence = int(block["sequence"][row])
        code, wanted = int(block["step_type"][row]), STEP_TYPE_CODES[step.mode]
        if code != wanted:
            return f"row {sequence}: step {step.step_id} should be {step.mode}, the device does {STEP_TYPE_NAMES[code]}"
        if int(block["quality"][row]) != QUALITY_GOOD:
            return ""
        current_A = float(block["current_ampere"][row])
        if step.mode in (StepMode.REST, StepMode.PAUSE):
            set_A = 0.0
        elif step.current_A is None:
            return ""
        else:
            set_A = step.current_A
        allowed_A = CURRENT_TOLERANCE * abs(set_A) + RANGE_TOLERANCE * self._full_scale_A(step, abs(set_A))
        if step.mode in (StepMode.REST, StepMode.PAUSE, StepMode.CC_CHARGE, StepMode.CC_DISCHARGE):
            agrees = abs(current_A - set_A) <= allowed_A
        else:  # voltage-regulated: the current may be anything up to the set value
            agrees = abs(current_A) <= abs(set_A) + allowed_A
        if agrees:
            return ""
        return (
            f"row {sequence}: step {step.step_id} ({step.mode}) should drive {set_A * 1e3:.6g} mA, "
            f"the device reads {current_A * 1e3:.6g} mA"
        )

    def _full_scale_A(self, step: Step, set_A: float) -> float:
        if step.range_A is not None:
            return step.range_A
        return next(
            (scale for scale in self._ranges if scale >= set_A), self._ranges[-1] if self._ranges else 0.0
        )


class OpenCircuitWatch:
    """Finds a cell that has come off: a CC step that drives nothing (F28), at any time, not only at its begin."""

    __slots__ = ("_least_A", "_streak")

    def __init__(self, program: Program) -> None:
        steps = program_steps(program.flow)
        self._least_A = np.zeros(max((step.step_id for step in steps), default=0) + 1)
        for step in steps:
            if step.mode in (StepMode.CC_CHARGE, StepMode.CC_DISCHARGE) and step.current_A is not None:
                self._least_A[step.step_id] = OPEN_FRACTION * abs(step.current_A)
        self._streak = 0

    def feed(self, block: RecordBlock) -> str:
        """Take the next rows; return what is wrong, or an empty text."""
        open_rows = np.abs(block["current_ampere"]) < self._least_A[block["step_id"]]
        if not open_rows.any():
            self._streak = 0
            return ""
        good = np.flatnonzero(block["quality"] == QUALITY_GOOD)
        for row in good.tolist():  # only in blocks that hold such a row
            self._streak = self._streak + 1 if open_rows[row] else 0
            if self._streak >= ROWS:
                sequence = int(block["sequence"][row])
                return (
                    f"row {sequence}: no current flows in a constant-current step, the cell may have come off"
                )
        return ""
