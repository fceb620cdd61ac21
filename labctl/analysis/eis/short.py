"""Recognise the spectrum of a shorted cell: a resistor and its cable, and no arc.

Rule: Z = R + s L fits every point within 3 % rms, the sweep reaches down to 10 Hz or below, and where the area is known
R is below 10 ohm cm2, the limit that the cycle analysis uses for a short. No cell that works looks so: its interfaces
relax between 1 Hz and 10 kHz and are larger than the electrolyte.

Source: cell-models.md section 6 (a shorted cell is R_hs/A + j omega L) and 4.1 (R_hs 5 to 8 ohm cm2); for the limit
``analysis.life``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from labctl.analysis.life import SHORT_BELOW_OHM_CM2
from labctl.model.spectrum import ComplexArray, FloatArray

RMS_LIMIT = 0.03
LOWEST_FREQUENCY_HZ = 10.0
POINTS_MIN = 5


@dataclass(frozen=True, slots=True)
class Short:
    """What is left of a shorted cell; ``rms`` is relative to |Z|."""

    R_ohm: float
    inductance_H: float
    rms: float

    def __str__(self) -> str:
        return f"shorted: {self.R_ohm:.3g} ohm and {self.inductance_H * 1e6:.2g} uH, without any arc"


def short_of(frequency_Hz: FloatArray, z_ohm: ComplexArray, area_cm2: float = math.nan) -> Short | None:
    """Return the short that a spectrum shows, or None. Shapes: (n,); ``area_cm2`` is NaN where unknown."""
    if len(frequency_Hz) < POINTS_MIN or float(frequency_Hz.min()) > LOWEST_FREQUENCY_HZ:
        return None
    omega, size_ohm = 2.0 * math.pi * frequency_Hz, np.abs(z_ohm)
    # real and imaginary parts know one unknown each
    R_ohm = float(np.sum(z_ohm.real / size_ohm**2) / np.sum(1.0 / size_ohm**2))
    inductance_H = float(np.sum(z_ohm.imag * omega / size_ohm**2) / np.sum((omega / size_ohm) ** 2))
    off = (R_ohm + 1j * omega * inductance_H - z_ohm) / size_ohm
    rms = float(np.sqrt(np.mean(np.abs(off) ** 2)))
    if rms > RMS_LIMIT or R_ohm <= 0.0 or R_ohm * area_cm2 >= SHORT_BELOW_OHM_CM2:
        return None
    return Short(R_ohm, max(inductance_H, 0.0), rms)
