"""Recognise the spectrum of a shorted cell: a resistor and its cable, and no arc.

Rule: two points in three lie within 5 % of Z = R + s L, the sweep reaches down to 10 Hz or below, and where the area is
known R is below 10 ohm cm2, the limit that the cycle analysis uses for a short. R is the median of Z', L that of
Z''/omega from 10 kHz up, so that points which the mains or the end of the instrument's bandwidth spoil do not hide a
short. No cell that works looks so: its interfaces relax between 1 Hz and 10 kHz and are larger than the electrolyte.

Source: cell-models.md section 6 (a shorted cell is R_hs/A + j omega L) and 4.1 (R_hs 5 to 8 ohm cm2); for the limit
``analysis.life``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from labctl.analysis.life import SHORT_BELOW_OHM_CM2
from labctl.model.spectrum import ComplexArray, FloatArray

NEAR = 0.05
SHARE_NEAR = 2.0 / 3.0
CABLE_FROM_HZ = 1e4
LOWEST_FREQUENCY_HZ = 10.0
POINTS_MIN = 5


@dataclass(frozen=True, slots=True)
class Short:
    """What is left of a shorted cell; ``share`` of its points lie within 5 % of that."""

    R_ohm: float
    inductance_H: float
    share: float

    def __str__(self) -> str:
        return f"shorted: {self.R_ohm:.3g} ohm and {self.inductance_H * 1e6:.2g} uH, without any arc"


def short_of(frequency_Hz: FloatArray, z_ohm: ComplexArray, area_cm2: float = math.nan) -> Short | None:
    """Return the short that a spectrum shows, or None. Shapes: (n,); ``area_cm2`` is NaN where unknown."""
    if len(frequency_Hz) < POINTS_MIN or float(frequency_Hz.min()) > LOWEST_FREQUENCY_HZ:
        return None
    omega, cable = 2.0 * math.pi * frequency_Hz, frequency_Hz >= CABLE_FROM_HZ
    R_ohm = float(np.median(z_ohm.real))
    inductance_H = max(float(np.median(z_ohm.imag[cable] / omega[cable])), 0.0) if cable.any() else 0.0
    off = np.abs(R_ohm + 1j * omega * inductance_H - z_ohm)
    share = float(np.mean(off <= NEAR * np.abs(z_ohm)))
    if share < SHARE_NEAR or R_ohm <= 0.0 or R_ohm * area_cm2 >= SHORT_BELOW_OHM_CM2:
        return None
    return Short(R_ohm, inductance_H, share)
