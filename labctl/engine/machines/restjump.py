"""Finds a cell that was swapped or taken out while it rests (F28, F29): its voltage jumps where nothing flows.

A resting cell relaxes: its voltage moves, ever more slowly, and never by much from one record to the next. A jump is a
step of more than ``JUMP_V`` between two records of one rest that stays, well behind the rest's begin, and that is far
larger than what the record before moved. Nothing is said of cells that rest at the same voltage (Li|Li): no voltage
can tell those.
"""

from __future__ import annotations

import numpy as np

from labctl.model.program import StepMode
from labctl.model.record import QUALITY_GOOD, STEP_TYPE_CODES, RecordBlock

JUMP_V = 0.1
SETTLED_S = 120.0
"""Seconds into a rest before which relaxation itself may be steep."""
SLOPES = 10.0
"""A jump is so many times the move between the two records before."""
STAYS_V = 0.05
"""The record behind a jump is this close to it; a single odd reading is no other cell."""
_REST = STEP_TYPE_CODES[StepMode.REST]


class RestJumpWatch:
    """Feeds on row blocks; keeps the last three good resting rows."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: list[tuple[int, float, float, int]] = []

    def feed(self, block: RecordBlock) -> str:
        """Take the next rows; return what is wrong, or an empty text."""
        rest = (block["step_type"] == _REST) & (block["quality"] == QUALITY_GOOD)
        if not rest.any():
            self._kept.clear()
            return ""
        rows = np.flatnonzero(rest)
        voltage = block["voltage_volt"][rows]
        if len(rows) > 1 and float(np.abs(np.diff(voltage)).max()) <= JUMP_V and not self._jumps_in(voltage):
            self._keep(block, rows[-3:])
            return ""
        for row in rows.tolist():  # only in blocks that hold a steep place
            self._keep(block, np.asarray([row]))
            if problem := self._judge():
                return problem
        return ""

    def _jumps_in(self, voltage: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
        """Tell whether a steep place lies at the joint with the rows before, or just behind it."""
        if not self._kept:
            return False
        before = [kept[2] for kept in self._kept]
        return any(abs(b - a) > JUMP_V for a, b in zip(before, [*before[1:], float(voltage[0])], strict=True))

    def _keep(self, block: RecordBlock, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> None:
        for row in rows.tolist():
            step = int(block["step_count"][row])
            if self._kept and self._kept[-1][0] != step:
                self._kept.clear()
            time_s, voltage_V = float(block["step_time_second"][row]), float(block["voltage_volt"][row])
            self._kept.append((step, time_s, voltage_V, int(block["sequence"][row])))
            del self._kept[:-4]

    def _judge(self) -> str:
        """Look at four rows in a row: two before, the first behind the jump, and one that shows that it stays."""
        if len(self._kept) < 4:
            return ""
        (_, _, first_V, _), (_, time_s, before_V, _), (_, _, after_V, sequence), (_, _, last_V, _) = (
            self._kept
        )
        jump_V, move_V = abs(after_V - before_V), abs(before_V - first_V)
        stays = abs(last_V - after_V) <= STAYS_V
        if time_s < SETTLED_S or jump_V <= JUMP_V or jump_V <= SLOPES * move_V or not stays:
            return ""
        return (
            f"row {sequence}: the resting voltage jumped from {before_V:.3f} V to {after_V:.3f} V, another cell may "
            "sit there now, or a contact has come off"
        )
