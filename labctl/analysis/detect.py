"""Say what the end of a half-cycle means: channel offset, end voltage, area resistance, series of hits.

Pure functions on arrays, used by the cycle table here and by the engine's detection machine. Definitions
are those of the reference study's P1: V is the mean of the half-cycle's last minute less the channel's
offset, and the offset is the mean of the last 10 min of the opening rest (a symmetric cell shows 0 V
there).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.model.record import RecordBlock

OFFSET_WINDOW_S = 600.0
END_WINDOW_S = 60.0
WINDOW_SLACK_S = 1e-6  # test times are multiples of 0.1 s in float64: keeps the row on the edge


def time_mean(time_s: NDArray[Any], values: NDArray[Any]) -> float:
    """Return the time-weighted mean (trapezoids); the plain mean where no time passes; NaN of no rows.

    Weighted by time: a record rule such as *10 s or 5 mV* writes more rows where the voltage moves fast.
    Shape: both (n,), times in order.
    """
    if len(values) == 0:
        return float("nan")
    span_s = float(time_s[-1] - time_s[0])
    if span_s <= 0.0:
        return float(values.mean())
    return float(np.dot(values[1:] + values[:-1], time_s[1:] - time_s[:-1])) / (2.0 * span_s)


def tail_start(time_s: NDArray[Any], window_s: float) -> int:
    """Return the index of the first row that lies within ``window_s`` of the last one; 0 of no rows."""
    if len(time_s) == 0:
        return 0
    return int(np.searchsorted(time_s, time_s[-1] - window_s - WINDOW_SLACK_S))


def offset_V(opening_rest: RecordBlock) -> float:
    """Return the channel's voltage offset from a symmetric cell's opening rest: mean of its last 10 min.

    0 where there are no rows: without an opening rest there is nothing to correct by.
    """
    if len(opening_rest) == 0:
        return 0.0
    time_s, voltage_V = opening_rest["test_time_second"], opening_rest["voltage_volt"]
    start = tail_start(time_s, OFFSET_WINDOW_S)
    return time_mean(time_s[start:], voltage_V[start:])


def end_voltage_V(half_cycle: RecordBlock) -> float:
    """Return the mean voltage of a half-cycle's last minute, offset included; NaN of no rows."""
    time_s, voltage_V = half_cycle["test_time_second"], half_cycle["voltage_volt"]
    start = tail_start(time_s, END_WINDOW_S)
    return time_mean(time_s[start:], voltage_V[start:])


def area_resistance_ohm_cm2(
    end_voltage_V: float, offset_V: float, current_A: float, area_cm2: float | None
) -> float:
    """Return the apparent area resistance |V - offset| / |J|; NaN without an area or without current."""
    if area_cm2 is None or current_A == 0.0:
        return float("nan")
    return abs(end_voltage_V - offset_V) * area_cm2 / abs(current_A)


def first_series(hits: NDArray[np.bool_], in_a_row: int) -> int | None:
    """Return the index at which the first series of at least ``in_a_row`` true values begins, or ``None``."""
    if in_a_row < 1 or len(hits) < in_a_row:
        return None
    counted = np.concatenate(([0], np.cumsum(hits)))
    full = np.flatnonzero(counted[in_a_row:] - counted[:-in_a_row] == in_a_row)
    return int(full[0]) if len(full) else None
