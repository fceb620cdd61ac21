"""From the kit's columns to blocks: what was measured, in the order in which it came. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from labctl.interfaces.potentiostat import Block, DcBlock
from labctl.model.spectrum import FloatArray, PointFlag, Spectrum, SpectrumHead
from labctl.model.technique import CyclicVoltammetry, Geis, LinearSweep, Ocv, Peis, Technique
from labctl_drivers.versastat_vdk.models import Model, range_of_code
from labctl_drivers.versastat_vdk.plan import Plan, cycle_s

DC_COLUMNS = ("Potential", "Current", "ElapsedTime")
EIS_COLUMNS = (
    "Frequency", "ImpedanceReal", "ImpedanceImaginary", "VACMagnitude", "IACMagnitude", "CurrentRange", "ElapsedTime",
    "Potential", "Current",
)  # fmt: skip
"""What is fetched of each point: names behind ``GetData`` (2.2.1)."""

GRID_TOLERANCE = 1e-3
"""A point this part of an interval early still stands for its place on the grid of a ramp."""

Rows = Mapping[str, FloatArray]
"""Columns of one slice by their names; all of shape (n,)."""

OVERLOADS = {0: PointFlag(0), 1: PointFlag.OVERLOAD_I, 2: PointFlag.OVERLOAD_E}
"""What ``GetOverload`` answers: 2 is potential, power amplifier or thermal."""


class DcCollector:
    """Collects points of a direct-current technique; thins those of a ramp to the step that was asked for.

    The kit's ramps have no step: it records as densely as it likes (2.2.2). One point is kept for each step's time.
    """

    columns = DC_COLUMNS

    def __init__(self, technique: Technique) -> None:
        self._technique = technique
        self._first_s = math.nan
        self._next = 0

    def block(self, rows: Rows, overload: PointFlag) -> Block | None:
        """Return the points that are kept of these rows; None where none is."""
        elapsed_s = rows["ElapsedTime"]
        if math.isnan(self._first_s) and elapsed_s.size:
            self._first_s = float(elapsed_s[0])
        keep = self._kept(elapsed_s)
        if not keep.any():
            return None
        i_A = rows["Current"][keep]
        return DcBlock(
            elapsed_s=elapsed_s[keep],
            e_V=rows["Potential"][keep],
            i_A=np.zeros(i_A.shape) if isinstance(self._technique, Ocv) else i_A,
            scan=self._scans(elapsed_s[keep]),
            flags=np.full(i_A.shape, overload, dtype=np.uint8),
        )

    def _kept(self, elapsed_s: FloatArray) -> NDArray[np.bool_]:
        technique = self._technique
        if not isinstance(technique, LinearSweep | CyclicVoltammetry):
            return np.ones(elapsed_s.shape, dtype=np.bool_)
        step_s = technique.step_V / technique.rate_V_per_s
        keep = np.zeros(elapsed_s.shape, dtype=np.bool_)
        for place, since in enumerate((elapsed_s - self._first_s) / step_s + GRID_TOLERANCE):
            if since >= self._next:
                keep[place] = True
                self._next = int(since) + 1
        return keep

    def _scans(self, elapsed_s: FloatArray) -> NDArray[np.int32]:
        technique = self._technique
        if isinstance(technique, CyclicVoltammetry):
            cycles = np.ceil((elapsed_s - self._first_s) / cycle_s(technique) - 1e-9)
            scans: NDArray[np.int32] = np.clip(cycles, 1, technique.cycles).astype(np.int32)
            return scans
        return np.full(elapsed_s.shape, int(isinstance(technique, LinearSweep)), dtype=np.int32)


class EisCollector:
    """Collects points of a spectrum. Rows without a frequency are of the settling and are dropped."""

    columns = EIS_COLUMNS

    def __init__(self, head: SpectrumHead) -> None:
        self.head = head
        self._last_end_s = 0.0
        self._last_code = math.nan
        self.last_Hz = math.nan

    def block(self, rows: Rows, overload: PointFlag) -> Block | None:
        """Return the points with a frequency, Z'' signed as the kit gives it; None where there are none."""
        frequency_Hz, elapsed_s, codes = rows["Frequency"], rows["ElapsedTime"], rows["CurrentRange"]
        # the settling ends where the first point begins
        starts_s = np.concatenate(([self._last_end_s], elapsed_s[:-1]))
        keep = frequency_Hz > 0
        self._last_end_s = float(elapsed_s[-1]) if elapsed_s.size else self._last_end_s
        if not keep.any():
            return None
        self.last_Hz = float(frequency_Hz[keep][-1])
        flags = np.full(int(keep.sum()), overload, dtype=np.uint8)
        before = np.concatenate(([self._last_code], codes[keep][:-1]))
        changed = np.isfinite(before) & (before != codes[keep])
        flags[changed] |= np.uint8(PointFlag.RANGE_CHANGED)
        self._last_code = float(codes[keep][-1])
        return Spectrum.of(
            frequency_Hz[keep],
            rows["ImpedanceReal"][keep] + 1j * rows["ImpedanceImaginary"][keep],
            self.head,
            e_dc_V=rows["Potential"][keep],
            i_dc_A=rows["Current"][keep],
            e_ac_rms_V=rows["VACMagnitude"][keep],
            i_ac_rms_A=rows["IACMagnitude"][keep],
            t_start_s=starts_s[keep],
            t_end_s=elapsed_s[keep],
            range_A=np.array([range_of_code(float(code)) for code in codes[keep]]),
            flags=flags,
        )


def collector_for(plan: Plan, head: SpectrumHead) -> DcCollector | EisCollector:
    """Return what collects the points of a plan."""
    return EisCollector(head) if isinstance(plan.technique, Peis | Geis) else DcCollector(plan.technique)


def missing(plan: Plan, collector: DcCollector | EisCollector) -> bool:
    """Tell whether a spectrum lacks its end: a sequence that ended by itself a step or more before the last frequency.

    How the kit rounds broken decades is not known, so that a distance counts, not a number of points.
    """
    if not isinstance(collector, EisCollector):
        return False
    sweep = getattr(plan.technique, "sweep", None)
    if sweep is None or math.isnan(collector.last_Hz):
        return True
    return bool(abs(math.log10(collector.last_Hz / sweep.f_end_Hz)) >= 0.99 / sweep.points_per_decade)


def head_for(technique: Technique, instrument: str, model: Model, taken_utc: str) -> SpectrumHead:
    """Return what is true for a whole spectrum."""
    head = SpectrumHead(instrument=instrument, model=model.name, taken_utc=taken_utc)
    match technique:
        case Peis():
            return replace(head, name="PEIS", amplitude_rms_V=technique.amplitude_rms_V)
        case Geis():
            return replace(head, name="GEIS", amplitude_rms_A=technique.amplitude_rms_A)
    return head
