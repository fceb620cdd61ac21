"""Quantities that limits speak of and rows do not carry: power, voltage rate, charge of a half-cycle, net charge.

Incremental: rows come in blocks of any size and give the same values however they are cut. BAD rows give no values and
leave no trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from labctl.model.record import CHARGE_CODES, DISCHARGE_CODES, QUALITY_GOOD, STEP_TYPE_NAMES, RecordBlock

POWER = "power"
VOLTAGE_RATE = "voltage rate"
HALF_CYCLE = "half-cycle charge"
NET_CHARGE = "net charge"
DERIVED = frozenset({POWER, VOLTAGE_RATE, HALF_CYCLE, NET_CHARGE})
_SIGNS = np.zeros(len(STEP_TYPE_NAMES), dtype=np.float64)
_SIGNS[list(CHARGE_CODES)] = 1.0
_SIGNS[list(DISCHARGE_CODES)] = -1.0


class Derived:
    """Computes the quantities that somebody asked for, row by row."""

    __slots__ = ("_base_Ah", "_half", "_last", "_net_Ah", "_passed_Ah", "_sign", "_step", "_wanted")

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted & DERIVED
        self._last: tuple[int, float, float] | None = None  # step, step time, voltage of the last good row
        self._step = 0
        self._sign = 0.0  # of the step
        self._half = 0.0  # sign of the half-cycle
        self._passed_Ah = 0.0  # in the step
        self._base_Ah = 0.0  # in the half-cycle before the step
        self._net_Ah = 0.0  # in the run before the step

    def feed(self, block: RecordBlock) -> Mapping[str, NDArray[np.float64]]:
        """Take the next rows; return one array per wanted quantity, 0 where a row is BAD. Shape: (n,) float64."""
        if not self._wanted:
            return {}
        good = block["quality"] == QUALITY_GOOD
        found: dict[str, NDArray[np.float64]] = {}
        if POWER in self._wanted:
            with np.errstate(invalid="ignore"):
                found[POWER] = np.where(good, block["voltage_volt"] * block["current_ampere"], 0.0)
        if VOLTAGE_RATE in self._wanted:
            found[VOLTAGE_RATE] = self._rate(block, good)
        if HALF_CYCLE in self._wanted or NET_CHARGE in self._wanted:
            found[HALF_CYCLE], found[NET_CHARGE] = self._charge(block, good)
        return found

    def _rate(self, block: RecordBlock, good: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return dV/dt to the good row before, in V/s; 0 at the begin of a step, where the voltage jumps by itself."""
        rates = np.zeros(len(block))
        rows = np.flatnonzero(good)
        if not rows.size:
            return rates
        step, time_s, voltage_V = (
            block[name][rows] for name in ("step_count", "step_time_second", "voltage_volt")
        )
        before = self._last or (-1, 0.0, 0.0)
        gone_s = np.diff(time_s, prepend=before[1])
        moved_V = np.diff(voltage_V, prepend=before[2])
        same = (np.diff(step, prepend=before[0]) == 0) & (gone_s > 0)
        rates[rows[same]] = moved_V[same] / gone_s[same]
        self._last = (int(step[-1]), float(time_s[-1]), float(voltage_V[-1]))
        return rates

    def _charge(
        self, block: RecordBlock, good: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        half_Ah, net_Ah = np.zeros(len(block)), np.zeros(len(block))
        rows = np.flatnonzero(good)
        if not rows.size:
            return half_Ah, net_Ah
        steps = block["step_count"][rows]
        passed_Ah = block["step_capacity_ah"][rows]
        signs = _SIGNS[block["step_type"][rows]]
        edges = [0, *(np.flatnonzero(np.diff(steps)) + 1).tolist(), len(rows)]
        for begin, end in pairwise(edges):  # one turn for each step in the block
            if int(steps[begin]) != self._step:
                self._enter(int(steps[begin]), float(signs[begin]))
            here = rows[begin:end]
            own_Ah = passed_Ah[begin:end] if self._sign else np.zeros(end - begin)
            half_Ah[here] = self._base_Ah + own_Ah
            net_Ah[here] = self._net_Ah + self._sign * own_Ah
            self._passed_Ah = float(own_Ah[-1])
        return half_Ah, net_Ah

    def _enter(self, step: int, sign: float) -> None:
        self._net_Ah += self._sign * self._passed_Ah
        self._base_Ah += self._passed_Ah
        self._step, self._sign, self._passed_Ah = step, sign, 0.0
        if sign and sign != self._half:
            self._half, self._base_Ah = sign, 0.0
