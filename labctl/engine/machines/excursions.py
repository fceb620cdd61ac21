"""Finds leaps of the voltage within steps of constant current, and voltages that have lost their noise.

An **excursion** is a leap and a leap back within a minute: current and state of charge cannot do that. Towards rest the
cell was bridged for a moment (a random-telegraph soft short), away from rest a contact had a moment of resistance. A
leap is more than ``LEAP_V`` and, for symmetric cells, more than a part of the polarisation; the first minutes of a step
are left out (nucleation), and so is what does not come back (ends of charge and discharge).
"""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from labctl.engine.machines.findings import Finding, Priority
from labctl.model.record import RecordBlock

LEAP_V = 0.003
LEAP_PART = 0.03
LEAP_TIME_S = 30.0
"""Rows farther apart do not show a leap."""
STEP_BEGIN_S = 300.0
BACK_WITHIN_S = 60.0
BACK_PART = 0.6
EXCURSIONS = 4
WITHIN_S = 4.0 * 3600.0
"""So many excursions within this test time are a sign; one may be a person at the bench."""
CONSTANT_CURRENT_CODES = (1, 2)

FLAT_ROWS = 40
FLAT_PAST = 200
FLAT_USUAL = 0.2
"""Equal neighbours among the rows before: more than that, and the instrument's resolution makes them."""


class HasOffset(Protocol):
    """What tells the channel's offset."""

    @property
    def offset_V(self) -> float:
        """Return the offset in volts."""
        ...


class Excursions:
    """Counts excursions of both directions in the rows of one run."""

    def __init__(self, offset: HasOffset, *, symmetric: bool) -> None:
        self._offset = offset
        self._symmetric = symmetric
        self._last: tuple[NDArray[Any], ...] | None = None
        self._out: tuple[float, float, float] | None = None  # time, leap in the drive's direction, step
        self._times: dict[int, deque[float]] = {1: deque(maxlen=EXCURSIONS), -1: deque(maxlen=EXCURSIONS)}

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Take the next good rows."""
        columns = tuple(block[name] for name in _COLUMNS)
        if self._last is not None:
            columns = tuple(np.concatenate(pair) for pair in zip(self._last, columns, strict=True))
        self._last = tuple(column[-1:] for column in columns)
        time_s, voltage_V, step, kind, step_s, sequence = columns
        sign = np.where(kind == CONSTANT_CURRENT_CODES[0], 1.0, -1.0)
        leap_V = np.diff(voltage_V) * sign[1:]
        bound_V = np.full(len(leap_V), LEAP_V)
        if self._symmetric:
            bound_V = np.maximum(bound_V, LEAP_PART * np.abs(voltage_V[:-1] - self._offset.offset_V))
        shown = (
            (np.abs(leap_V) > bound_V) & (np.diff(step) == 0) & (np.diff(time_s) <= LEAP_TIME_S)
            & (step_s[:-1] >= STEP_BEGIN_S) & np.isin(kind[1:], CONSTANT_CURRENT_CODES)
        )  # fmt: skip
        found: list[Finding] = []
        for row in np.flatnonzero(shown).tolist():
            found += self._leap(
                float(time_s[row + 1]), float(leap_V[row]), int(step[row]), int(sequence[row + 1])
            )
        return found

    def _leap(self, time_s: float, leap_V: float, step: int, sequence: int) -> list[Finding]:
        """Take a leap in the drive's direction (positive: away from rest)."""
        out = self._out
        same = out is not None and out[2] == step and time_s - out[0] <= BACK_WITHIN_S
        if out is None or not same:
            self._out = (time_s, leap_V, step)
            return []
        if out[1] * leap_V > 0.0:  # goes on in the same direction
            self._out = (time_s, out[1] + leap_V, step)
            return []
        if abs(leap_V) < BACK_PART * abs(out[1]):
            self._out = (out[0], out[1] + leap_V, step)
            return []
        self._out = None
        return self._count(1 if out[1] > 0.0 else -1, time_s, abs(out[1]), sequence)

    def _count(self, direction: int, time_s: float, size_V: float, sequence: int) -> list[Finding]:
        times = self._times[direction]
        times.append(time_s)
        if len(times) < EXCURSIONS or times[-1] - times[0] > WITHIN_S:
            return []
        text = f"the voltage left its course {EXCURSIONS} times in {(times[-1] - times[0]) / 60.0:.0f} min, last by "
        if direction < 0:
            text = f"early sign: {text}{size_V * 1e3:.0f} mV towards rest: moments of a short"
            advice = "Look at the cell's curve; a hard short may follow within hours or days."
            return [Finding("early.soft_short", Priority.LOW, text, sequence, advice)]
        text = f"early sign: {text}{size_V * 1e3:.0f} mV away from rest: a contact is failing"
        return [
            Finding(
                "early.contact",
                Priority.LOW,
                text,
                sequence,
                "Check clamps, tabs and cables of this channel.",
            )
        ]


_COLUMNS = ("test_time_second", "voltage_volt", "step_count", "step_type", "step_time_second", "sequence")


class FlatWatch:
    """Sees a voltage stand still to the last digit while charge flows, where it used to have noise."""

    def __init__(self) -> None:
        self._last_V = float("nan")
        self._last_Ah = float("nan")
        self._equal = 0
        self._rows = 0
        self._same = 0

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Take the next good rows."""
        voltage_V, capacity_Ah = block["voltage_volt"], block["step_capacity_ah"]
        still = np.diff(voltage_V, prepend=self._last_V) == 0.0
        moves = np.diff(capacity_Ah, prepend=self._last_Ah) != 0.0
        equal = still & moves
        self._last_V, self._last_Ah = float(voltage_V[-1]), float(capacity_Ah[-1])
        past, same = self._rows, self._same
        driven = int(np.count_nonzero(moves))
        self._rows += driven
        if not equal.any():
            self._equal = 0
            return []
        breaks = np.flatnonzero(~equal)
        before, self._equal = (
            self._equal,
            len(equal) - 1 - int(breaks[-1]) if breaks.size else self._equal + len(equal),
        )
        longest = max(before + (int(breaks[0]) if breaks.size else len(equal)), self._equal)
        if breaks.size > 1:
            longest = max(longest, int(np.diff(breaks).max()) - 1)
        if longest < FLAT_ROWS:
            self._same += int(np.count_nonzero(equal))
        if longest < FLAT_ROWS or past < FLAT_PAST or same > FLAT_USUAL * past:
            return []
        text = f"early sign: the voltage has not changed by one digit for {longest} rows while charge flows"
        advice = "Look at the tester's own display; check the voltage lead."
        return [Finding("early.flat_sensor", Priority.LOW, text, int(block["sequence"][-1]), advice)]
