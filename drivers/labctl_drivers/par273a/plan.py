"""From a technique to the points that the host will drive, and how long they take. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from labctl.model.spectrum import FloatArray
from labctl.model.technique import (
    Chronoamperometry,
    Chronopotentiometry,
    CyclicVoltammetry,
    Geis,
    LinearSweep,
    Ocv,
    Peis,
    Technique,
)

Step = tuple[float, float, int]
"""Set point (V or A), plant seconds until it is read, number of the scan (0 where there are none)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be expected of a technique: how many points, and the plant seconds that each usually takes."""

    technique: Technique
    usual_s: FloatArray

    @property
    def points(self) -> int:
        """Return how many points it has."""
        return int(self.usual_s.size)

    @property
    def energised_s(self) -> float:
        """Return for how long the cell is usually driven."""
        return 0.0 if isinstance(self.technique, Ocv) else float(self.usual_s.sum())

    def remaining_s(self, got: int) -> float:
        """Return the plant seconds that the rest usually takes."""
        return float(self.usual_s[got:].sum())


def plan_for(technique: Technique, point_s: Callable[[float], float]) -> Plan:
    """Return the plan; ``point_s`` tells how long a point of a spectrum takes. The technique is a possible one."""
    if isinstance(technique, Peis | Geis):
        usual_s = np.array([point_s(float(one)) for one in technique.sweep.frequencies_Hz()])
        usual_s[0] += technique.settle_s
        return Plan(technique, usual_s)
    return Plan(technique, np.array([interval_s for _, interval_s, _ in steps_of(technique)]))


def count_of(technique: Technique) -> float:
    """Return about how many points a technique has, without making them; infinite where that is no number."""
    match technique:
        case Ocv(duration_s, interval_s):
            return duration_s / interval_s
        case Chronoamperometry(steps, interval_s) | Chronopotentiometry(steps, interval_s):
            return sum(duration_s for _, duration_s in steps) / interval_s
        case LinearSweep() | CyclicVoltammetry():
            return sum(abs(b - a) for a, b in pairwise(turns_of(technique))) / technique.step_V
        case _:
            return float(technique.sweep.points)


def steps_of(technique: Technique) -> list[Step]:
    """Return the steps of a direct-current technique in order."""
    match technique:
        case Ocv(duration_s, interval_s):
            return [(math.nan, interval_s, 0)] * max(1, round(duration_s / interval_s))
        case Chronoamperometry(steps, interval_s) | Chronopotentiometry(steps, interval_s):
            return [
                (value, min(interval_s, duration_s), 0)
                for value, duration_s in steps
                for _ in range(max(1, round(duration_s / interval_s)))
            ]
        case LinearSweep() | CyclicVoltammetry():
            return _staircase(technique)
    raise AssertionError("a spectrum has frequencies")


def turns_of(technique: LinearSweep | CyclicVoltammetry) -> tuple[float, ...]:
    """Return the potentials between which a voltammogram runs, in order, cycles repeated."""
    if isinstance(technique, LinearSweep):
        return (technique.e_begin_V, technique.e_end_V)
    cycle = (technique.e_vertex1_V, technique.e_vertex2_V, technique.e_begin_V)
    return (technique.e_begin_V, *(cycle * technique.cycles), technique.e_end_V)


def _staircase(technique: LinearSweep | CyclicVoltammetry) -> list[Step]:
    """Return the ramp as steps: every turn is met exactly; the way to the last potential belongs to the last scan."""
    interval_s = technique.step_V / technique.rate_V_per_s
    turns_V = turns_of(technique)
    steps: list[Step] = [(turns_V[0], interval_s, 1)]
    for leg, (from_V, to_V) in enumerate(pairwise(turns_V)):
        count = round(abs(to_V - from_V) / technique.step_V)
        scan = 1
        if isinstance(technique, CyclicVoltammetry):
            scan = min(leg // 3 + 1, technique.cycles)
        if count == 0 and to_V != from_V:
            count = 1
        steps += [(from_V + (to_V - from_V) * part / count, interval_s, scan) for part in range(1, count + 1)]
    return steps
