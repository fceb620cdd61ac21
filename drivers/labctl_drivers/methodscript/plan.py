"""From a technique to what will be sent, how long it takes and how many points come. Pure."""

from __future__ import annotations

from collections.abc import Sequence
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
from labctl_drivers.methodscript import script
from labctl_drivers.methodscript.models import Mode, Model

PERIODS_ALLOWED = 12.0
"""A point of a spectrum may take 12 periods of plant time and 2 s of link time (2.1.7, 5)."""

PERIODS_USUAL, POINT_LEAST_S, POINT_MORE_S = 3.0, 0.05, 0.1
"""What a point usually takes: max(3/f, 50 ms) + 100 ms (potentiostat.md 3.2)."""

INTERVALS_ALLOWED = 3.0
"""A point of a direct-current technique may be late by so many intervals."""

CV_POINTS_MORE = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """One script and what is to be expected of it.

    ``allowed_s[k]`` is the plant time within which point k must come after the one before; for points beyond the end of
    the column the last entry holds. ``energised_max_s`` bounds how long the instrument drives the cell by itself.
    ``points`` is exact for spectra only: whether a loop counts its first point is the firmware's business.
    """

    technique: Technique
    lines: tuple[str, ...]
    points: int
    allowed_s: FloatArray
    usual_s: FloatArray
    energised_max_s: float
    points_exact: bool = False
    e_dc_V: float = float("nan")

    def allowed_for(self, got: int) -> float:
        """Return the plant seconds within which the next point must come."""
        return float(self.allowed_s[min(got, self.allowed_s.size - 1)])

    def remaining_s(self, got: int) -> float:
        """Return the plant seconds that the rest usually takes."""
        return float(self.usual_s[got:].sum())


def voltammetry_points(*potentials_V: float, step_V: float) -> int:
    """Return how many steps lie on the way through these potentials."""
    return round(sum(abs(b - a) for a, b in pairwise(potentials_V)) / step_V)


def plan_for(technique: Technique, model: Model, e_dc_V: float = 0.0, eis_opt: str = "") -> Plan:
    """Return the plan; ``e_dc_V`` is the resolved potential of a spectrum. The technique has been found possible."""
    match technique:
        case Ocv():
            lines = script.ocv(technique, model.dc[0], model)
            points = round(technique.duration_s / technique.interval_s)
            return _dc(technique, lines, points, technique.interval_s, 0.0)
        case Chronoamperometry(steps, interval_s):
            mode = dc_mode(model, [e_V for e_V, _ in steps], 1.0 / interval_s)
            lines = script.chronoamperometry(technique, mode or model.dc[0], model)
            return _dc(
                technique, lines, _step_points(steps, interval_s), interval_s, sum(t for _, t in steps)
            )
        case Chronopotentiometry(steps, interval_s):
            lines = script.chronopotentiometry(technique, model.galvanostat or model.dc[0], model)
            return _dc(
                technique, lines, _step_points(steps, interval_s), interval_s, sum(t for _, t in steps)
            )
        case LinearSweep() | CyclicVoltammetry():
            return _voltammetry(technique, model)
        case Peis():
            lines = script.peis(technique, e_dc_V, model.eis, model, eis_opt)
            return _spectrum(technique, lines, e_dc_V)
        case Geis():
            lines = script.geis(technique, model.galvanostat or model.eis, model, eis_opt)
            return _spectrum(technique, lines, float("nan"))


def potentials_of(technique: LinearSweep | CyclicVoltammetry) -> tuple[float, ...]:
    """Return the potentials that a voltammogram passes, in order, cycles repeated."""
    if isinstance(technique, LinearSweep):
        return (technique.e_begin_V, technique.e_end_V)
    cycle = (technique.e_vertex1_V, technique.e_vertex2_V, technique.e_begin_V)
    return (technique.e_begin_V, *(cycle * max(1, technique.cycles)), technique.e_end_V)


def dc_mode(model: Model, potentials_V: Sequence[float], rate_Hz: float) -> Mode | None:
    """Return the first mode that reaches the potentials at so many points a second; None where none does."""
    low_V, high_V = min(potentials_V), max(potentials_V)
    for mode in model.dc:
        if (
            mode.potential_min_V <= low_V
            and high_V <= mode.potential_max_V
            and high_V - low_V <= mode.span_max_V * (1 + 1e-9)
            and rate_Hz <= mode.bandwidth_max_Hz * (1 + 1e-9)
        ):
            return mode
    return None


def _step_points(steps: Sequence[tuple[float, float]], interval_s: float) -> int:
    return sum(round(duration_s / interval_s) for _, duration_s in steps)


def _voltammetry(technique: LinearSweep | CyclicVoltammetry, model: Model) -> Plan:
    potentials_V = potentials_of(technique)
    interval_s = technique.step_V / technique.rate_V_per_s
    mode = dc_mode(model, potentials_V, 1.0 / interval_s) or model.dc[0]
    points = voltammetry_points(*potentials_V, step_V=technique.step_V) + CV_POINTS_MORE
    if isinstance(technique, LinearSweep):
        lines = script.linear_sweep(technique, mode, model)
    else:
        lines = script.cyclic_voltammetry(technique, mode, model)
    return _dc(technique, lines, points, interval_s, points * interval_s)


def _dc(
    technique: Technique, lines: tuple[str, ...], points: int, interval_s: float, energised_s: float
) -> Plan:
    return Plan(
        technique,
        lines,
        points,
        allowed_s=np.array([INTERVALS_ALLOWED * interval_s]),
        usual_s=np.full(points, interval_s),
        energised_max_s=energised_s,
    )


def _spectrum(technique: Peis | Geis, lines: tuple[str, ...], e_dc_V: float) -> Plan:
    period_s = 1.0 / technique.sweep.frequencies_Hz()
    allowed_s, usual_s = (
        PERIODS_ALLOWED * period_s,
        np.maximum(PERIODS_USUAL * period_s, POINT_LEAST_S) + POINT_MORE_S,
    )
    allowed_s[0] += technique.settle_s
    usual_s[0] += technique.settle_s
    return Plan(
        technique,
        lines,
        technique.sweep.points,
        allowed_s,
        usual_s,
        energised_max_s=float(np.maximum(allowed_s, usual_s).sum()),
        points_exact=True,
        e_dc_V=e_dc_V,
    )
