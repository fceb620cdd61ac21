"""What one measured point holds, and the columns that the kit gives out of it.

A point of direct current has 0 in every column of alternating current, as the files of this family have. Anodic current
is positive, amplitudes are rms, the imaginary part of Z has its true sign. Source: potentiostat.md 2.2.1, 2.2.4, 2.3.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """One point; ``elapsed_s`` counts from the start of the sequence, ``segment`` the actions from 1."""

    segment: int
    number: int
    potential_V: float
    current_A: float
    elapsed_s: float
    range_code: int
    applied_V: float
    charge_C: float = 0.0
    frequency_Hz: float = 0.0
    impedance_ohm: complex = 0j
    vac_V: complex = 0j
    iac_A: complex = 0j


def _degrees(value: complex) -> float:
    return math.degrees(cmath.phase(value))


COLUMNS: Mapping[str, Callable[[Point], float]] = {
    "Potential": lambda point: point.potential_V,
    "Current": lambda point: point.current_A,
    "ElapsedTime": lambda point: point.elapsed_s,
    "Point": lambda point: float(point.number),
    "Segment": lambda point: float(point.segment),
    "CurrentRange": lambda point: float(point.range_code),
    "AppliedPotential": lambda point: point.applied_V,
    "Charge": lambda point: point.charge_C,
    "Frequency": lambda point: point.frequency_Hz,
    "ImpedanceReal": lambda point: point.impedance_ohm.real,
    "ImpedanceImaginary": lambda point: point.impedance_ohm.imag,
    "ImpedanceMagnitude": lambda point: abs(point.impedance_ohm),
    "ImpedancePhase": lambda point: _degrees(point.impedance_ohm),
    "VACReal": lambda point: point.vac_V.real,
    "VACImaginary": lambda point: point.vac_V.imag,
    "VACMagnitude": lambda point: abs(point.vac_V),
    "VACPhase": lambda point: _degrees(point.vac_V),
    "IACReal": lambda point: point.iac_A.real,
    "IACImaginary": lambda point: point.iac_A.imag,
    "IACMagnitude": lambda point: abs(point.iac_A),
    "IACPhase": lambda point: _degrees(point.iac_A),
    "SyncADCInput": lambda point: 0.0,
}
"""``GetData`` and one of these names gives a column."""
