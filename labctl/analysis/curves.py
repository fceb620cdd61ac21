"""Cut voltage curves out of a run, half-cycle by half-cycle, and thin long series for drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.model.record import CHARGE_CODES, DISCHARGE_CODES, RecordBlock

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One half-cycle: charge passed since its start and voltage. Shape: both (n,), in order of time."""

    capacity_Ah: FloatArray
    voltage_V: FloatArray


def curve(block: RecordBlock, first_sequence: int, last_sequence: int) -> Curve:
    """Return the half-cycle between two sequence numbers, both included, rests left out.

    The charge of its steps is joined: a step goes on from where the one before ended.
    """
    sequence = block["sequence"]
    start = int(np.searchsorted(sequence, first_sequence))
    stop = int(np.searchsorted(sequence, last_sequence, side="right"))
    rows = block.rows(start, stop)
    active = np.isin(rows["step_type"], CHARGE_CODES + DISCHARGE_CODES) & (rows["quality"] == 0)
    capacity_Ah = rows["step_capacity_ah"][active].astype(float)
    step = rows["step_count"][active]
    turns = np.flatnonzero(step[1:] != step[:-1])
    done_Ah = np.zeros(len(capacity_Ah))
    for turn in turns:  # few: one per step change inside the half-cycle
        done_Ah[turn + 1 :] += capacity_Ah[turn]
    return Curve(capacity_Ah + done_Ah, rows["voltage_volt"][active].astype(float))


def thinned(x: NDArray[Any], y: NDArray[Any], columns: int) -> tuple[FloatArray, FloatArray]:
    """Return a series that draws the same on ``columns`` pixel columns: first, least, largest, last of each.

    At most 4 points a column, in the order of ``x``; a shorter series is returned as it is. Spikes survive,
    which picking each n-th point would lose. ``x`` must not fall.
    """
    keep = thinned_places(x, y, columns)
    return np.asarray(x[keep], dtype=float), np.asarray(y[keep], dtype=float)


def thinned_places(x: NDArray[Any], y: NDArray[Any], columns: int) -> NDArray[np.int64]:
    """Return the places of the points that ``thinned`` keeps, rising."""
    count = len(x)
    if count <= 4 * columns or columns < 1:
        return np.arange(count)
    width = (float(x[-1]) - float(x[0])) / columns
    if width <= 0.0:
        return np.unique([0, int(np.argmin(y)), int(np.argmax(y)), count - 1])
    column = np.minimum(((x - x[0]) / width).astype(np.int64), columns - 1)
    starts = np.flatnonzero(np.concatenate(([True], column[1:] != column[:-1])))
    stops = np.append(starts[1:], count) - 1
    group = np.repeat(np.arange(len(starts)), stops - starts + 1)
    order = np.lexsort((y, group))  # within a column by value: its first is the least, its last the largest
    return np.unique(np.concatenate([starts, stops, order[starts], order[stops]]))
