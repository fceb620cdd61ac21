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
WINDOW_MIN, WINDOW_MAX = 4, 40
REACH = 6.0
"""A slope that does not fade by itself is believed over this many window lengths."""
FORMATION = 0.5
"""How much of a change is left after each execution, where only two have been seen."""
DRIFT_FIRST = 0.14
"""Relative standard deviation of the level after one execution; it falls as one over their number."""
DRIFT_FLOOR = 0.002
LINE_DOUBT = 0.9
"""Part of the textbook error of a line that counts: the slope is already shrunk by its own doubt."""
FADING_SURE = 1.0
"""A slope is taken to be fading where it fell by more than so many standard errors."""
TREND_DOUBT = 0.5
"""Standard deviation of the extrapolated change, as a part of it."""


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
        self._fit: Line | None = None

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
        line = self._line()
        distance = np.arange(1.0, math.floor(executions) + 1.0) if executions >= 1 else np.ones(1)
        change_s = line.slope_s * faded(distance, line.left)
        each_s = np.clip(line.level_s + change_s, 0.0, most_s)
        drift_s = self._drift(line, float(distance.mean()), float(np.abs(change_s).mean()))
        return Sum(
            float(each_s.mean()) * executions, drift_s * executions, line.scatter_s * math.sqrt(executions)
        )

    def _drift(self, line: Line, distance: float, change_s: float) -> float:
        """Return the standard deviation of the mean of the coming executions, seconds each."""
        prior_s = DRIFT_FIRST * line.level_s / self.count * distance / (self.count + distance)
        centre = (distance + line.window / 2.0) / line.window
        error_s = line.scatter_s * math.sqrt((1.0 + 12.0 * centre**2) / line.window) * LINE_DOUBT
        return math.hypot(prior_s, TREND_DOUBT * change_s, error_s, DRIFT_FLOOR * line.level_s)

    def _line(self) -> Line:
        if self._fit is None:
            window = min(max(WINDOW_MIN, (self.count + 1) // 2), WINDOW_MAX, len(self._values))
            self._fit = fading_line(np.asarray(self._values[-window:]))
        return self._fit


@dataclass(frozen=True, slots=True)
class Line:
    """A trend at its newest value: level, slope per execution, the part of the slope left after each, scatter."""

    level_s: float
    slope_s: float
    left: float
    scatter_s: float
    window: int


def faded(distance: NDArray[np.float64], left: float) -> NDArray[np.float64]:
    """Return how many slopes the level has moved after so many executions."""
    moved: NDArray[np.float64] = left * (1.0 - left**distance) / (1.0 - left)
    return moved


def fading_line(values: NDArray[np.float64]) -> Line:
    """Return the trend of some values, oldest first: a slope that halves fades on, a steady one stays for a while."""
    count = len(values)
    level, slope, scatter = robust_line(values)
    if count <= 2:
        return Line(level, slope, FORMATION, scatter, count)
    longest = math.exp(-1.0 / (REACH * count))
    middle = count // 2
    _, older, older_scatter = robust_line(values[: middle + 1])
    newer_level, newer, newer_scatter = robust_line(values[middle:])
    doubt = scatter * math.sqrt(12.0 / max(middle, 1) ** 3)
    if newer * older > 0.0 and abs(older) - abs(newer) > FADING_SURE * doubt:
        left = float((newer / older) ** (2.0 / (count - 1)))
        if left < longest:
            scatter = max(older_scatter, newer_scatter)
            return Line(newer_level, newer * left ** ((count - 1 - middle) / 2), left, scatter, count)
    doubt = scatter * math.sqrt(12.0 / count**3)
    trust = slope**2 / (slope**2 + doubt**2) if slope else 0.0
    return Line(level, slope * trust, longest, scatter, count)


def robust_line(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return level at the last value, slope per value and scatter (standard deviation) of a series.

    Source: H. Theil 1950, P. K. Sen 1968 (median of pairwise slopes); scatter from the mean |residual|.
    """
    count = len(values)
    if count == 1:
        return float(values[0]), 0.0, 0.0
    place = np.arange(count, dtype=np.float64)
    first, second = np.triu_indices(count, 1)
    slope = float(np.median((values[second] - values[first]) / (place[second] - place[first])))
    level = float(np.median(values - slope * (place - place[-1])))
    residual = values - (level + slope * (place - place[-1]))
    return level, slope, 1.2533 * float(np.mean(np.abs(residual)))
