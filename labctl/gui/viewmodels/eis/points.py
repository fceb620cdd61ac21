"""Impedances as they are drawn: of a sweep that runs, of a stored spectrum, of a fitted circuit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.eisfigures import decade_points, frequency_text
from labctl.model.impedance import SpectrumFit, SpectrumTable

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Impedances in the order of measurement. Shapes: (n,); Z'' is signed, negative where capacitive."""

    frequency_Hz: Floats
    z_ohm: Complexes

    @classmethod
    def of(
        cls, frequency_Hz: Sequence[float], z_re_ohm: Sequence[float], z_im_ohm: Sequence[float]
    ) -> Points:
        """Return the points that can be drawn: those with a frequency and an impedance (an overload has none)."""
        f_Hz = np.asarray(frequency_Hz, dtype=np.float64)
        z_ohm = np.asarray(z_re_ohm, dtype=np.float64) + 1j * np.asarray(z_im_ohm, dtype=np.float64)
        good = np.isfinite(f_Hz) & (f_Hz > 0.0) & np.isfinite(z_ohm) & (z_ohm != 0.0)
        return cls(f_Hz[good], z_ohm[good])

    def __len__(self) -> int:
        return len(self.frequency_Hz)

    @property
    def size_ohm(self) -> Floats:
        """Return |Z|. Shape: (n,)."""
        return np.abs(self.z_ohm)

    @property
    def minus_phase_deg(self) -> Floats:
        """Return the phase as Bode plots show it, positive where capacitive. Shape: (n,)."""
        return -np.angle(self.z_ohm, deg=True)

    def decades(self) -> dict[int, str]:
        """Return the places of the points that stand for whole decades, each with its frequency in words."""
        if not len(self):
            return {}
        return {at: frequency_text(f_Hz) for at, f_Hz in decade_points(self.frequency_Hz).items()}

    @property
    def lowest(self) -> complex:
        """Return the impedance at the lowest frequency; NaN where there is no point."""
        return complex(self.z_ohm[int(np.argmin(self.frequency_Hz))]) if len(self) else complex(math.nan)


NOTHING = Points(np.zeros(0), np.zeros(0, dtype=np.complex128))


def points_of(table: SpectrumTable | None) -> Points:
    """Return the points of a spectrum as the station gives it; none where it has none yet."""
    if table is None or not table.columns:
        return NOTHING
    columns = table.columns
    return Points.of(columns["frequency_Hz"], columns["z_re_ohm"], columns["z_im_ohm"])


def curve_of(fit: SpectrumFit | None) -> Points:
    """Return the fitted circuit, close enough to be drawn as a line; nothing where there is no fit."""
    return NOTHING if fit is None else Points.of(fit.curve_Hz, fit.curve_re_ohm, fit.curve_im_ohm)
