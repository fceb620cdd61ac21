"""Say how long a cell lived, by each criterion: short, polarisation, voltage limit, retention.

Life is counted in hours of test time from the end of the opening rest. Definitions (reference study, P1):
the short is dated by the start of the first half-cycle of the first series of shorted ones; the
polarisation by the end of the half-cycle that showed it; the voltage limit by the run's last row, where a
protection ended it; the retention by the start of the first cycle below the limit. A criterion that was not
met leaves the life open: the cell lived at least as long as the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.detect import END_WINDOW_S, first_series
from labctl.model.units import h_from_s

Columns = Mapping[str, NDArray[Any]]

SHORT_BELOW_OHM_CM2 = 10.0
SHORT_HALF_CYCLES = 5
POLARISATION_ABOVE_V = 1.0
RETENTION_BELOW = 0.8


class LifeCriterion(StrEnum):
    """What ends a life."""

    SHORT = "short"
    POLARISATION = "polarisation"
    VOLTAGE_LIMIT = "voltage limit"
    RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class Life:
    """A life by one criterion. ``reached`` False: the run ended before, ``life_h`` is the time survived.

    ``cycle`` is the cycle (from 1) in which it was met, 0 where it was not.
    """

    criterion: LifeCriterion
    life_h: float
    reached: bool
    cycle: int = 0


def survived_h(half: Columns) -> float:
    """Return the hours from the end of the opening rest to the last row with current; 0 without any."""
    if len(half["end_time_second"]) == 0:
        return 0.0
    return h_from_s(float(half["end_time_second"][-1] - half["start_time_second"][0]))


def judged(half: Columns) -> NDArray[np.bool_]:
    """Return which half-cycles may be judged: complete, or at least as long as the window of the end voltage.

    The first record after a change of sign shows the ohmic drop alone, a few ohm cm2 in a healthy cell.
    """
    long_enough = half["end_time_second"] - half["start_time_second"] >= END_WINDOW_S
    mask: NDArray[np.bool_] = half["complete"] | long_enough
    return mask


def life_by_short(
    half: Columns, *, below_ohm_cm2: float = SHORT_BELOW_OHM_CM2, in_a_row: int = SHORT_HALF_CYCLES
) -> Life:
    """Return the life until the first ``in_a_row`` half-cycles whose area resistance lies below the limit."""
    row = first_series((half["area_resistance_ohm_cm2"] < below_ohm_cm2) & judged(half), in_a_row)
    return _life(LifeCriterion.SHORT, half, "start_time_second", row)


def life_by_polarisation(half: Columns, *, above_V: float = POLARISATION_ABOVE_V) -> Life:
    """Return the life until the end of the first half-cycle with |end voltage - offset| above the limit."""
    row = first_series((half["polarisation_volt"] > above_V) & judged(half), 1)
    return _life(LifeCriterion.POLARISATION, half, "end_time_second", row)


def life_by_voltage_limit(half: Columns, *, protected: bool) -> Life:
    """Return the life until the last row, where a voltage protection ended the run (``protected``)."""
    row = len(half["cycle"]) - 1 if protected and len(half["cycle"]) else None
    return _life(LifeCriterion.VOLTAGE_LIMIT, half, "end_time_second", row)


def life_by_retention(half: Columns, cycles: Columns, *, below: float = RETENTION_BELOW) -> Life:
    """Return the life until the first cycle whose retention, as in ``cycles``, lies below the limit."""
    with np.errstate(invalid="ignore"):
        row = first_series(cycles["retention"] < below, 1)
    if row is None:
        return Life(LifeCriterion.RETENTION, survived_h(half), reached=False)
    start_s = float(cycles["start_time_second"][row] - half["start_time_second"][0])
    return Life(LifeCriterion.RETENTION, h_from_s(start_s), reached=True, cycle=int(cycles["cycle"][row]))


def lives(half: Columns, cycles: Columns, *, protected: bool = False) -> dict[LifeCriterion, Life]:
    """Return the life by every criterion at its default limit."""
    found = (
        life_by_short(half),
        life_by_polarisation(half),
        life_by_voltage_limit(half, protected=protected),
        life_by_retention(half, cycles),
    )
    return {life.criterion: life for life in found}


def _life(criterion: LifeCriterion, half: Columns, moment: str, row: int | None) -> Life:
    if row is None:
        return Life(criterion, survived_h(half), reached=False)
    elapsed_s = float(half[moment][row] - half["start_time_second"][0])
    return Life(criterion, h_from_s(elapsed_s), reached=True, cycle=int(half["cycle"][row]))
