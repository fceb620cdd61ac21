"""Foresee the durations of a step that recurs: half-cycles that end by voltage grow shorter as a cell ages.

One series per step of the program. The expected next durations follow a **robust line** (median of pairwise slopes)
through the newer half of what was seen, whose slope fades with the distance: formation is over after a few cycles,
ageing goes on, and a line through few points does not tell which it is. The uncertainty has two parts: *drift*, which
is common to all coming executions and falls with the number of executions seen, and *scatter* of single ones.

The numbers were set on the study's cells and checked on other seeds and protocols: ``benchmarks/bench_forecast.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEPT = 96
"""Newest durations kept of a step; a window longer than half of it would only blur the trend."""
WINDOW_MIN, WINDOW_MAX = 3, 40
REACH = 2.5
"""The slope fades over this many window lengths."""
DRIFT_FIRST = 0.16
"""Relative standard deviation of the level after one execution."""
DRIFT_FLOOR = 0.002


@dataclass(frozen=True, slots=True)
class Sum:
    """What coming executions take together: expected, common drift and scatter as standard deviations, all s."""

    expected_s: float
    drift_s: float
    scatter_s: float


class DurationSeries:
    """The durations of one step, oldest first; bounded memory."""

    __slots__ = ("_fit", "_values", "count")

    def __init__(self) -> None:
        self.count = 0
        self._values: list[float] = []
        self._fit: tuple[float, float, float, int] | None = None

    def append(self, duration_s: float) -> None:
        """Take the next duration."""
        self.count += 1
        self._values.append(duration_s)
        del self._values[:-KEPT]
        self._fit = None

    @property
    def last_s(self) -> float:
        """Return the newest duration; needs at least one."""
        return self._values[-1]

    def ahead(self, executions: float, most_s: float) -> Sum:
        """Foresee the sum of so many coming executions, each at most ``most_s``. Needs at least one duration."""
        if executions <= 0:
            return Sum(0.0, 0.0, 0.0)
        level_s, slope_s, scatter_s, window = self._line()
        reach = REACH * window
        distance = np.arange(1.0, math.floor(executions) + 1.0) if executions >= 1 else np.ones(1)
        faded = reach * (1.0 - np.exp(-distance / reach))
        each_s = np.clip(level_s + slope_s * faded, 0.0, most_s)
        mean_s = float(each_s.mean())
        drift = self._drift(level_s, slope_s, float(distance.mean()), float(faded.mean()))
        return Sum(mean_s * executions, drift * executions, scatter_s * math.sqrt(executions))

    def _drift(self, level_s: float, slope_s: float, distance: float, faded: float) -> float:
        """Return the standard deviation of the mean of the coming executions, seconds each."""
        share = distance / (self.count + distance)
        prior_s = DRIFT_FIRST * level_s / self.count * share
        return math.hypot(prior_s, 0.5 * abs(slope_s) * faded, DRIFT_FLOOR * level_s)

    def _line(self) -> tuple[float, float, float, int]:
        """Return level at the newest execution, slope per execution, scatter, and the window's length."""
        if self._fit is None:
            window = min(max(WINDOW_MIN, (self.count + 1) // 2), WINDOW_MAX, len(self._values))
            self._fit = (*robust_line(np.asarray(self._values[-window:])), window)
        return self._fit


def robust_line(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return level at the last value, slope per value and scatter (standard deviation) of a series.

    Source: H. Theil 1950, P. K. Sen 1968 (median of pairwise slopes); scatter is 1.4826 median |residual|.
    """
    count = len(values)
    if count == 1:
        return float(values[0]), 0.0, 0.0
    place = np.arange(count, dtype=np.float64)
    first, second = np.triu_indices(count, 1)
    slope = float(np.median((values[second] - values[first]) / (place[second] - place[first])))
    level = float(np.median(values - slope * (place - place[-1])))
    residual = values - (level + slope * (place - place[-1]))
    return level, slope, 1.4826 * float(np.median(np.abs(residual)))
