"""What the analysis says of a spectrum, as plain values for clients and files."""

from __future__ import annotations

import math

import numpy as np

from labctl.analysis.eis.cell import CellImpedance, analyse
from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.fit import CircuitFit, Estimate
from labctl.analysis.eis.kk import LinKK
from labctl.analysis.eis.validity import usable
from labctl.model.impedance import FittedValue, KramersKronig, SpectrumFit, SpectrumFlag
from labctl.model.spectrum import ComplexArray, FloatArray, Spectrum

CURVE_PER_DECADE = 40
"""Points of a fitted curve: dense enough that straight lines between them are an arc on any screen."""


def judge(spectrum_id: str, spectrum: Spectrum, circuit: str = "") -> SpectrumFit:
    """Test and fit a spectrum; no ``circuit`` = the cell's own. Raises: UserInputError for one that cannot be read."""
    return report(spectrum_id, analyse(spectrum, Circuit.read(circuit) if circuit else None))


def report(spectrum_id: str, result: CellImpedance) -> SpectrumFit:
    """Return an analysis as plain values."""
    flags = tuple(SpectrumFlag(one.kind.value, one.text, one.grave, one.points) for one in result.findings)
    named = tuple(
        _value(one) for one in (result.bulk, result.sei, result.ct, result.interfaces) if one is not None
    )
    kk = None if result.kk is None else _kk(result.spectrum, result.kk)
    if result.fit is None:
        return SpectrumFit(spectrum_id, result.outcome.value, result.reason, kk=kk, flags=flags)
    curve_Hz, curve_ohm = curve(result.fit)
    return SpectrumFit(
        spectrum_id,
        result.outcome.value,
        result.reason,
        circuit=str(result.fit.circuit),
        converged=result.fit.converged,
        rms=result.fit.rms,
        separate=result.separate,
        parameters=tuple(map(_value, result.fit.estimates)),
        resistances=named,
        kk=kk,
        flags=flags,
        curve_Hz=tuple(curve_Hz.tolist()),
        curve_re_ohm=tuple(curve_ohm.real.tolist()),
        curve_im_ohm=tuple(curve_ohm.imag.tolist()),
    )


def curve(fitted: CircuitFit) -> tuple[FloatArray, ComplexArray]:
    """Return a fitted circuit as a line over the fitted frequencies, from the highest down. Shapes: (m,)."""
    high_Hz, low_Hz = float(fitted.frequency_Hz.max()), float(fitted.frequency_Hz.min())
    points = max(2, round(CURVE_PER_DECADE * math.log10(high_Hz / low_Hz)) + 1)
    line_Hz = np.geomspace(high_Hz, low_Hz, points)
    return line_Hz, fitted.circuit.impedance_ohm(line_Hz, fitted.values)


def _value(one: Estimate) -> FittedValue:
    high = one.high if math.isfinite(one.high) else math.nan
    return FittedValue(one.name, one.value, one.low, high, one.unit, one.resolved)


def _kk(spectrum: Spectrum, kk: LinKK) -> KramersKronig:
    tested_Hz = spectrum.frequency_Hz[usable(spectrum)]
    return KramersKronig(
        kk.passed,
        kk.drifting,
        kk.rms,
        kk.mu,
        kk.elements,
        tuple(tested_Hz.tolist()),
        tuple(kk.residuals.real.tolist()),
        tuple(kk.residuals.imag.tolist()),
    )
