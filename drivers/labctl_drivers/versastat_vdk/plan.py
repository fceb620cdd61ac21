"""From a technique to the actions of a sequence, and what is to be expected of it. Pure."""

from __future__ import annotations

import math
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
from labctl_drivers.versastat_vdk import actions
from labctl_drivers.versastat_vdk.actions import Action
from labctl_drivers.versastat_vdk.options import VdkOptions

PERIODS_ALLOWED, ALLOWED_MORE_S = 24.0, 30.0
"""A point may take so many periods, or three times its usual time, and half a minute more; then something is wrong."""

INTERVALS_ALLOWED = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One sequence and what is to be expected of it.

    ``usual_s`` holds the plant seconds that each point usually takes, settling in the first. ``points`` is exact for
    spectra whose decades are whole; elsewhere the kit decides.
    """

    technique: Technique
    actions: tuple[Action, ...]
    usual_s: FloatArray
    allowed_s: FloatArray
    e_dc_V: float = math.nan

    @property
    def points(self) -> int:
        """Return how many points are expected."""
        return int(self.usual_s.size)

    @property
    def energises(self) -> bool:
        """Tell whether it drives the cell."""
        return not isinstance(self.technique, Ocv)

    def allowed_for(self, got: int) -> float:
        """Return the plant seconds within which the next point must come."""
        return float(self.allowed_s[min(got, self.allowed_s.size - 1)])

    def remaining_s(self, got: int) -> float:
        """Return the plant seconds that the rest usually takes."""
        return float(self.usual_s[got:].sum())


def usual_point_s(frequency_Hz: FloatArray) -> FloatArray:
    """Return how long points usually take, in s, as read off a public file (potentiostat.md 3.2). Shapes (n,)."""
    return np.where(
        frequency_Hz >= 100.0,
        0.33,
        np.where(frequency_Hz >= 1.0, 0.29 + 3.5 / frequency_Hz, 7.8 / frequency_Hz),
    )


def potentials_of(technique: LinearSweep | CyclicVoltammetry) -> tuple[float, ...]:
    """Return the corners that a voltammogram passes, in order; the cycles in between once."""
    if isinstance(technique, LinearSweep):
        return (technique.e_begin_V, technique.e_end_V)
    return (
        technique.e_begin_V,
        technique.e_vertex1_V,
        technique.e_vertex2_V,
        technique.e_begin_V,
        technique.e_end_V,
    )


def cycle_s(technique: CyclicVoltammetry) -> float:
    """Return how long begin, vertex 1, vertex 2 and back takes, in s."""
    return _way_V(potentials_of(technique)[:4]) / technique.rate_V_per_s


def plan_for(technique: Technique, options: VdkOptions, e_dc_V: float = 0.0) -> Plan:
    """Return the plan; ``e_dc_V`` is the resolved potential of a spectrum. The technique has been found possible."""
    bandwidth = options.bandwidth
    match technique:
        case Ocv(duration_s, interval_s):
            return _dc(technique, (actions.open_circuit(technique, bandwidth),), duration_s, interval_s)
        case Chronoamperometry(steps, interval_s):
            chain = tuple(
                actions.potential_step(
                    e_V, duration_s, technique, technique.range_A, bandwidth, leave_on=place < len(steps)
                )
                for place, (e_V, duration_s) in enumerate(steps, 1)
            )
            return _dc(technique, chain, _whole_s(steps), interval_s)
        case Chronopotentiometry(steps, interval_s):
            chain = tuple(
                actions.current_step(i_A, duration_s, technique, bandwidth, leave_on=place < len(steps))
                for place, (i_A, duration_s) in enumerate(steps, 1)
            )
            return _dc(technique, chain, _whole_s(steps), interval_s)
        case LinearSweep():
            return _ramps(technique, actions.linear_sweep(technique, bandwidth))
        case CyclicVoltammetry():
            return _ramps(technique, actions.cyclic_voltammetry(technique, bandwidth))
        case Peis(settle_s=settle_s):
            last = actions.potentiostatic_eis(technique, e_dc_V, options.data_quality, bandwidth)
            settling = actions.potential_step(
                e_dc_V, settle_s, None, technique.range_A, bandwidth, leave_on=True
            )
            return _spectrum(technique, (settling, last) if settle_s > 0 else (last,), e_dc_V)
        case Geis(settle_s=settle_s):
            last = actions.galvanostatic_eis(technique, options.data_quality, bandwidth)
            settling = actions.current_step(technique.i_dc_A, settle_s, None, bandwidth, leave_on=True)
            return _spectrum(technique, (settling, last) if settle_s > 0 else (last,), math.nan)


def _whole_s(steps: Sequence[tuple[float, float]]) -> float:
    return sum(duration_s for _, duration_s in steps)


def _way_V(potentials_V: Sequence[float]) -> float:
    return sum(abs(after_V - before_V) for before_V, after_V in pairwise(potentials_V))


def _ramps(technique: LinearSweep | CyclicVoltammetry, action: Action) -> Plan:
    way_V = _way_V(potentials_of(technique))
    if isinstance(technique, CyclicVoltammetry):
        way_V += (technique.cycles - 1) * _way_V(potentials_of(technique)[:4])
    rate = technique.rate_V_per_s
    return _dc(technique, (action,), way_V / rate, technique.step_V / rate, first=1)


def _dc(
    technique: Technique, chain: tuple[Action, ...], whole_s: float, interval_s: float, first: int = 0
) -> Plan:
    points = max(1, round(whole_s / interval_s) + first)
    return Plan(
        technique,
        chain,
        usual_s=np.full(points, whole_s / points),
        allowed_s=np.array([INTERVALS_ALLOWED * interval_s + ALLOWED_MORE_S]),
    )


def _spectrum(technique: Peis | Geis, chain: tuple[Action, ...], e_dc_V: float) -> Plan:
    frequency_Hz = technique.sweep.frequencies_Hz()
    usual_s = usual_point_s(frequency_Hz)
    allowed_s = np.maximum(PERIODS_ALLOWED / frequency_Hz, 3.0 * usual_s) + ALLOWED_MORE_S
    usual_s[0] += technique.settle_s
    allowed_s[0] += technique.settle_s
    return Plan(technique, chain, usual_s, allowed_s, e_dc_V)
