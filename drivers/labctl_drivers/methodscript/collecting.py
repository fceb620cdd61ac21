"""From packages to blocks of columns. Pure: what was measured, in the order in which it came."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from labctl.interfaces.potentiostat import DcBlock
from labctl.model.spectrum import PointFlag, Spectrum, SpectrumHead
from labctl.model.technique import CyclicVoltammetry, Geis, LinearSweep, Peis, Technique
from labctl_drivers.methodscript.messages import Package, Status, Variable
from labctl_drivers.methodscript.models import Model
from labctl_drivers.methodscript.plan import Plan

_OF_CURRENT = {
    Status.TIMING: PointFlag.TIMING,
    Status.OVERLOAD: PointFlag.OVERLOAD_I,
    Status.UNDERLOAD: PointFlag.UNDERLOAD,
    Status.OVERLOAD_NEAR: PointFlag.OVERLOAD_NEAR,
}
_OF_POTENTIAL = {**_OF_CURRENT, Status.OVERLOAD: PointFlag.OVERLOAD_E}


def flags_of(current: Variable | None, potential: Variable | None) -> PointFlag:
    """Return what a point suffered from, by the status of the two variables that carry it."""
    flags = PointFlag(0)
    for variable, table in ((current, _OF_CURRENT), (potential, _OF_POTENTIAL)):
        for status, flag in table.items():
            if variable is not None and status in variable.status:
                flags |= flag
    return flags


class DcCollector:
    """Collects points of a direct-current technique."""

    def __init__(self, technique: Technique) -> None:
        self._is_voltammetry = isinstance(technique, LinearSweep | CyclicVoltammetry)
        self._scan = 1 if self._is_voltammetry else 0
        self._open_circuit = type(technique).__name__ == "Ocv"

    def block(self, packages: Sequence[Package]) -> DcBlock:
        """Return the points of these packages. NaN where the device does not tell."""
        amps = [package.find("ba", "db") for package in packages]
        volts = [package.find("ab", "da") for package in packages]
        scans = [self._scan_of(package) for package in packages]
        i_none_A = 0.0 if self._open_circuit else math.nan
        return DcBlock(
            elapsed_s=np.array([_value(package.find("eb")) for package in packages]),
            e_V=np.array([_value(volt) for volt in volts]),
            i_A=np.array([_value(amp, i_none_A) for amp in amps]),
            scan=np.array(scans, dtype=np.int32),
            flags=np.array(
                [flags_of(amp, volt) for amp, volt in zip(amps, volts, strict=True)], dtype=np.uint8
            ),
        )

    def _scan_of(self, package: Package) -> int:
        # what follows the last scan, the ramp to the last potential, belongs to it
        if self._is_voltammetry and package.scan:
            self._scan = package.scan
        return self._scan


class EisCollector:
    """Collects points of a spectrum. Range changes are seen from one point to the next."""

    def __init__(self, plan: Plan, model: Model, head: SpectrumHead) -> None:
        technique = plan.technique
        assert isinstance(technique, Peis | Geis)
        self.head = head
        self._model = model
        self._last_end_s = technique.settle_s
        self._last_range: int | None = None
        self._set = {
            "e_dc_V": plan.e_dc_V,
            "e_ac_rms_V": head.amplitude_rms_V,
            "i_dc_A": technique.i_dc_A if isinstance(technique, Geis) else math.nan,
            "i_ac_rms_A": head.amplitude_rms_A,
        }

    def block(self, packages: Sequence[Package]) -> Spectrum:
        """Return the points of these packages, Z'' signed as the device gives it."""
        rows = [self._row(package) for package in packages]
        frequency_Hz, z_re_ohm, z_im_ohm, t_start_s, t_end_s, range_A, flags = zip(*rows, strict=True)
        count = len(rows)
        return Spectrum.of(
            np.array(frequency_Hz),
            np.array(z_re_ohm) + 1j * np.array(z_im_ohm),
            self.head,
            t_start_s=np.array(t_start_s),
            t_end_s=np.array(t_end_s),
            range_A=np.array(range_A),
            flags=np.array(flags, dtype=np.uint8),
            **{name: np.full(count, value) for name, value in self._set.items()},
        )

    def _row(self, package: Package) -> tuple[float, float, float, float, float, float, PointFlag]:
        re, im = package.find("cc"), package.find("cd")
        flags = flags_of(re, im)
        index = re.range_index if re is not None else None
        if index is not None:
            if self._last_range not in (None, index):
                flags |= PointFlag.RANGE_CHANGED
            self._last_range = index
        start_s, end_s = self._last_end_s, _value(package.find("eb"))
        self._last_end_s = end_s
        range_A = self._model.full_scale_A(index)
        return _value(package.find("dc")), _value(re), _value(im), start_s, end_s, range_A, flags


def collector_for(plan: Plan, model: Model, head: SpectrumHead) -> DcCollector | EisCollector:
    """Return what collects the points of a plan."""
    if isinstance(plan.technique, Peis | Geis):
        return EisCollector(plan, model, head)
    return DcCollector(plan.technique)


def head_for(technique: Technique, plan: Plan, instrument: str, model: Model, taken_utc: str) -> SpectrumHead:
    """Return what is true for a whole spectrum; what was set is said to be set, not measured."""
    head = SpectrumHead(instrument=instrument, model=model.name, taken_utc=taken_utc)
    told = "potential and amplitude are as set; the instrument does not report them"
    match technique:
        case Peis():
            return replace(head, name="PEIS", amplitude_rms_V=technique.amplitude_rms_V, notes=(told,))
        case Geis():
            return replace(head, name="GEIS", amplitude_rms_A=technique.amplitude_rms_A, notes=(told,))
    return head


def _value(variable: Variable | None, otherwise: float = math.nan) -> float:
    return otherwise if variable is None else variable.value
