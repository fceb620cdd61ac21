"""How long a potentiostat takes for one point of a spectrum, in plant time: laws that were measured, as functions.

Source: potentiostat.md 3.2. The VersaSTAT law was read off a public file (61 points, 100 kHz to 21.5 mHz, 1575 s);
that of MethodSCRIPT instruments is our choice, because their firmware decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimingLaw:
    """The time of one point and of what a range change adds; ``integrated_s`` is the part that averages noise."""

    name: str
    point_s: Callable[[float], float]
    integrated_s: Callable[[float], float]
    range_change_s: Callable[[float], float]

    def cycles(self, frequency_Hz: float) -> float:
        """Return how many periods are integrated."""
        return self.integrated_s(frequency_Hz) * frequency_Hz


def _versastat_s(frequency_Hz: float) -> float:
    if frequency_Hz >= 100.0:
        return 0.33
    return 0.29 + 3.5 / frequency_Hz if frequency_Hz >= 1.0 else 7.8 / frequency_Hz


def _versastat_integrated_s(frequency_Hz: float) -> float:
    if frequency_Hz >= 100.0:
        return 0.05
    return 3.5 / frequency_Hz if frequency_Hz >= 1.0 else 7.8 / frequency_Hz


def _methodscript_integrated_s(frequency_Hz: float) -> float:
    return max(3.0 / frequency_Hz, 0.05)


VERSASTAT = TimingLaw(
    "versastat", _versastat_s, _versastat_integrated_s, lambda frequency_Hz: 2.5 / frequency_Hz
)
"""VersaSTAT, PARSTAT, PowerSuite and 273A. Below 1 Hz two blocks are taken, so the time doubles at the edge."""

METHODSCRIPT = TimingLaw(
    "methodscript",
    lambda frequency_Hz: _methodscript_integrated_s(frequency_Hz) + 0.1,
    _methodscript_integrated_s,
    lambda frequency_Hz: 0.1,
)
"""max(3/f, 50 ms) + 100 ms a point: 153 s from 200 kHz to 0.1 Hz at 10 per decade."""
