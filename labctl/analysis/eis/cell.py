"""Read a cell's resistances off its spectrum: valid or not, shorted or not, R_b, R_SEI and R_ct with intervals.

Rules. The circuit is ``L-R-(RQ)-(RQ)-W``, with a capacitor behind it for a full cell: one whose open-circuit voltage is
above 0.5 V (a symmetric cell rests at 0 V). R_b is its resistor in series. Of two arcs the faster one (smaller time
constant) is the film on the electrodes, R_SEI, and the slower one the charge transfer, R_ct; they are *separate* where
their time constants are a decade or more apart and both are resolved; elsewhere only the sum is to be believed. A
circuit with another number of arcs gives the sum alone.

Sources: cell-models.md sections 2, 4 (time constants 0.9 to 6 ms and 15 to 60 ms) and 6 (what a fit can return).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from labctl.analysis.eis.circuit import Arc, Circuit, Element
from labctl.analysis.eis.elements import Kind
from labctl.analysis.eis.fit import CircuitFit, Estimate, Weighting, fit
from labctl.analysis.eis.kk import LinKK, lin_kk
from labctl.analysis.eis.short import Short, short_of
from labctl.analysis.eis.validity import Finding, findings, inductive, usable
from labctl.errors import UserInputError
from labctl.model.spectrum import Spectrum, SpectrumHead

SYMMETRIC_CIRCUIT = Circuit.read("L-R-(RQ)-(RQ)-W")
FULL_CIRCUIT = Circuit.read("L-R-(RQ)-(RQ)-W-C")
FULL_ABOVE_V = 0.5
SEPARATE_RATIO = 10.0
LOPSIDED_RATIO = 8.0
"""Beside an arc so many times as large the small one drowns in what the circuit leaves of the large one."""
WORSE = 1.5
"""A fit that begins at the values before and leaves so many times their residuals has lost its way."""


class Outcome(StrEnum):
    """What became of a spectrum."""

    FITTED = "fitted"
    SHORTED = "shorted"
    REFUSED = "not fitted"


@dataclass(frozen=True, slots=True, eq=False)
class CellImpedance:
    """What one spectrum says about its cell.

    ``bulk`` is R_b, ``sei`` R_SEI, ``ct`` R_ct and ``interfaces`` R_SEI + R_ct, in ohm; None where there is no fit or
    the circuit has no such part. ``reason`` says why there is no fit. ``kk`` is None where the points cannot be tested.
    """

    spectrum: Spectrum
    outcome: Outcome
    findings: tuple[Finding, ...]
    reason: str = ""
    kk: LinKK | None = None
    short: Short | None = None
    fit: CircuitFit | None = None
    bulk: Estimate | None = None
    sei: Estimate | None = None
    ct: Estimate | None = None
    interfaces: Estimate | None = None
    separate: bool = False

    @property
    def head(self) -> SpectrumHead:
        """Return what is known of the spectrum."""
        return self.spectrum.head


def circuit_for(spectrum: Spectrum) -> Circuit:
    """Return the circuit of a symmetric or of a full cell, by the open-circuit voltage."""
    told = (spectrum.head.ocv_before_V, spectrum.head.ocv_after_V, *spectrum.e_dc_V)
    known = [abs(one) for one in told if np.isfinite(one)]
    return FULL_CIRCUIT if known and float(np.median(known)) > FULL_ABOVE_V else SYMMETRIC_CIRCUIT


def analyse(
    spectrum: Spectrum,
    circuit: Circuit | None = None,
    *,
    before: CellImpedance | None = None,
    weighting: Weighting | None = None,
) -> CellImpedance:
    """Return what a spectrum says; ``before`` is the same cell earlier, where the fit then begins.

    Without a ``circuit`` the cell's own is taken, without a ``weighting`` the same weight for all points, or ``ROOT``
    where one arc then is more than ``LOPSIDED_RATIO`` times as large as the other. Points that overloaded the
    instrument or lie outside its contour are left out, and inductive ones too where the circuit has no inductor. Never
    raises for what the points are: a spectrum that cannot be fitted says why.
    """
    circuit = circuit or circuit_for(spectrum)
    clean = spectrum.kept(usable(spectrum))
    kk = _tested(clean)
    found = findings(spectrum, kk, None if before is None else before.spectrum)
    short = short_of(clean.frequency_Hz, clean.z_ohm, spectrum.head.area_cm2)
    if short is not None:
        return CellImpedance(spectrum, Outcome.SHORTED, found, str(short), kk, short)
    grave = next((one for one in found if one.grave), None)
    if grave is not None:
        return CellImpedance(spectrum, Outcome.REFUSED, found, grave.text, kk)
    if not circuit.has(Kind.INDUCTOR):
        clean = clean.kept(~inductive(clean))
    try:
        fitted = _fitted(clean, circuit, None if before is None else before.fit, weighting)
    except UserInputError as problem:
        return CellImpedance(spectrum, Outcome.REFUSED, found, str(problem), kk)
    return _assigned(CellImpedance(spectrum, Outcome.FITTED, found, "", kk, None, fitted), fitted)


def _tested(clean: Spectrum) -> LinKK | None:
    """Return the validity test of the points that are left, None where they are too few or too narrow for it."""
    try:
        return lin_kk(clean.frequency_Hz, clean.z_ohm)
    except UserInputError:
        return None


def _fitted(
    clean: Spectrum, circuit: Circuit, before: CircuitFit | None, weighting: Weighting | None
) -> CircuitFit:
    """Fit with the weights asked for, else with those that suit how unlike the arcs are."""
    if weighting is not None:
        return _better(clean, circuit, before, weighting)
    even = _better(clean, circuit, before, Weighting.UNIT)
    if not _is_lopsided(even):
        return even
    return fit(circuit, clean.frequency_Hz, clean.z_ohm, start=even.values, weighting=Weighting.ROOT)


def _is_lopsided(fitted: CircuitFit) -> bool:
    sizes_ohm = [float(fitted.values[arc.resistor.first]) for arc in fitted.circuit.arcs]
    return len(sizes_ohm) == 2 and max(sizes_ohm) > LOPSIDED_RATIO * min(sizes_ohm)


def _better(clean: Spectrum, circuit: Circuit, before: CircuitFit | None, weighting: Weighting) -> CircuitFit:
    """Fit from the values before, and from the spectrum itself where that ends worse than before; return the better."""
    if before is None or before.circuit != circuit:
        return fit(circuit, clean.frequency_Hz, clean.z_ohm, weighting=weighting)
    warm = fit(circuit, clean.frequency_Hz, clean.z_ohm, start=before.values, weighting=weighting)
    if warm.converged and warm.rms <= WORSE * before.rms:
        return warm
    anew = fit(circuit, clean.frequency_Hz, clean.z_ohm, weighting=weighting)
    return min(warm, anew, key=lambda one: one.cost)


def _assigned(result: CellImpedance, fitted: CircuitFit) -> CellImpedance:
    """Return the result with its resistances named."""
    circuit, values = fitted.circuit, fitted.values
    series = next(
        (one for one in circuit.root.parts if isinstance(one, Element) and one.kind is Kind.RESISTOR), None
    )
    bulk = None if series is None else replace(fitted.estimate(series.name), name="R_b")
    arcs = sorted(circuit.arcs, key=lambda arc: arc.tau_s(values))
    if not arcs:
        return replace(result, bulk=bulk)
    interfaces = _sum(fitted, arcs)
    if len(arcs) != 2:
        return replace(result, bulk=bulk, interfaces=interfaces)
    sei, ct = (fitted.estimate(arc.resistor.name) for arc in arcs)
    ratio = arcs[1].tau_s(values) / arcs[0].tau_s(values)
    return replace(
        result,
        bulk=bulk,
        sei=replace(sei, name="R_SEI"),
        ct=replace(ct, name="R_ct"),
        interfaces=replace(interfaces, name="R_SEI + R_ct"),
        separate=ratio >= SEPARATE_RATIO and sei.resolved and ct.resolved,
    )


def _sum(fitted: CircuitFit, arcs: Sequence[Arc]) -> Estimate:
    """Return the sum of the arcs' resistances: its logarithm changes with each in proportion to its share."""
    places = [arc.resistor.first for arc in arcs]
    total_ohm = float(fitted.values[places].sum())
    slopes = np.zeros(len(fitted.values))
    slopes[places] = fitted.values[places] / total_ohm
    return fitted.combined("sum of arcs", total_ohm, "ohm", slopes)
