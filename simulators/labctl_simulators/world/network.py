"""Linear two-terminal networks with known answers: the dummy cells that vendors and ASTM G106 describe.

A network is an inductance, a series resistor, parallel-RC modes and a constant source, all in series::

    L -- R_series -- (R_1 || C_1) -- (R_2 || C_2) ... -- U

Its response to a constant current and to a constant voltage is exact at any time, and its impedance comes from the
same modes. Constant voltage: with w_k = v_k / c_k and c_k^2 = R_k / tau_k the modes obey dw/dt = -S w + c (E - U) / R_s
with the symmetric matrix S = diag(1/tau) + c c^T / R_s, so one eigen-decomposition serves for ever.

Source: potentiostat.md 3.1 (D1 to D4) and 3.3 (open and shorted lead).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from labctl_simulators.world.drive import Drive, DriveKind
from labctl_simulators.world.elements import FloatArray, warburg_modes, zarc_modes

ComplexArray = NDArray[np.complex128]
CONTACT_ohm = 1e-6
"""The least series resistance: without any, a voltage step would be an infinite current."""


@dataclass(frozen=True)
class Network:
    """A dummy cell. ``modes_ohm`` and ``taus_s`` have shape (modes,); ``start_V`` are the modes' first voltages."""

    name: str
    series_ohm: float
    modes_ohm: tuple[float, ...] = ()
    taus_s: tuple[float, ...] = ()
    inductance_H: float = 0.0
    source_V: float = 0.0
    start_V: tuple[float, ...] = ()

    def impedance_ohm(
        self, frequency_Hz: FloatArray, growth: float = 1.0, series_growth: float = 1.0
    ) -> ComplexArray:
        """Return Z. Shape: as ``frequency_Hz``.

        ``growth`` multiplies the modes' resistances at constant capacitance, ``series_growth`` the series one.
        """
        s = np.multiply(2j * math.pi, frequency_Hz, dtype=np.complex128)
        total: ComplexArray = np.add(
            s * self.inductance_H, self.series_ohm * series_growth, dtype=np.complex128
        )
        for mode_ohm, tau_s in zip(self.modes_ohm, self.taus_s, strict=True):
            total = total + mode_ohm * growth / (1.0 + s * (tau_s * growth))
        return total

    @cached_property
    def _spectrum(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return (c, eigenvalues, eigenvectors) of the matrix of the constant-voltage law."""
        taus_s = np.array(self.taus_s)
        c = np.sqrt(np.array(self.modes_ohm) / taus_s)
        eigenvalues, vectors = np.linalg.eigh(np.diag(1.0 / taus_s) + np.outer(c, c) / self.series_ohm)
        return c, eigenvalues, vectors

    def first_V(self) -> FloatArray:
        """Return the modes' voltages at the start. Shape: (modes,)."""
        return np.array(self.start_V) if self.start_V else np.zeros(len(self.modes_ohm))

    def moved(self, modes_V: FloatArray, drive: Drive, elapsed_s: float) -> tuple[FloatArray, float, float]:
        """Return the modes' voltages, the terminal voltage and the current after a time under a drive.

        Where a constant voltage would take more than its current limit, the limit flows instead.
        """
        if drive.kind is DriveKind.CV:
            held_V, current_A = self._held(modes_V, drive.voltage_V, elapsed_s)
            if math.isnan(drive.current_limit_A) or abs(current_A) <= drive.current_limit_A:
                return held_V, drive.voltage_V, current_A
            drive = Drive.cc(math.copysign(drive.current_limit_A, current_A))
        current_A = drive.current_A
        target_V = current_A * np.array(self.modes_ohm)
        after_V = target_V + (modes_V - target_V) * np.exp(-elapsed_s / np.array(self.taus_s))
        return after_V, self.source_V + current_A * self.series_ohm + float(after_V.sum()), current_A

    def _held(self, modes_V: FloatArray, voltage_V: float, elapsed_s: float) -> tuple[FloatArray, float]:
        final_A = (voltage_V - self.source_V) / (self.series_ohm + sum(self.modes_ohm))
        if not self.modes_ohm:
            return modes_V, final_A
        c, eigenvalues, vectors = self._spectrum
        final_V = final_A * np.array(self.modes_ohm)
        away = vectors.T @ ((modes_V - final_V) / c)
        held_V = final_V + c * (vectors @ (away * np.exp(-eigenvalues * elapsed_s)))
        return held_V, final_A - float((held_V - final_V).sum()) / self.series_ohm


def _coin_cell() -> Network:
    """Return D3: 0.3 uH, 2.5 ohm, 8 ohm || CPE 50 uF n 0.85, 15 ohm || 2 mF, Warburg; 3.3 V, relaxing slowly.

    The CPE arc and the Warburg (20 ohm, 1000 s: our choice) are the modes that every cell here uses; the first
    Warburg mode starts 5 mV high, which is the slow relaxation.
    """
    arc_weights, arc_taus_s = zarc_modes((8.0 * 50e-6) ** (1.0 / 0.85), 0.85)
    slow_weights, slow_taus_s = warburg_modes(1000.0)
    modes_ohm = (*(8.0 * arc_weights), 15.0, *(20.0 * slow_weights))
    start_V = [0.0] * len(modes_ohm)
    start_V[len(arc_weights) + 1] = 0.005
    taus_s = (*arc_taus_s, 0.03, *slow_taus_s)
    return Network("D3", 2.5, modes_ohm, taus_s, 0.3e-6, 3.3, tuple(start_V))


D1 = Network("D1", 10.0, (100.0,), (0.01,))
"""The PARSTAT 4000's own dummy, also that of ASTM G106: 10 ohm + (100 ohm || 100 uF)."""

DUMMIES: Mapping[str, Network] = {
    "D1": D1,
    "D2": replace(D1, name="D2", inductance_H=1e-6),
    "D3": _coin_cell(),
    # 16 mohm in all, as a big cell has; the split and its source are our choice.
    "D4": Network("D4", 0.010, (0.006,), (0.006 * 0.5,), 0.0, 3.7),
    "open": Network("open", CONTACT_ohm, (1e12,), (1e12 * 30e-12,)),
    "short": Network("short", 1e-3, inductance_H=0.3e-6),
}


def resistor(resistance_ohm: float) -> Network:
    """Return a plain resistor."""
    return Network("resistor", resistance_ohm)
