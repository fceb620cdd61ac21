"""Fits and validity in words and figures: values with their intervals, the verdict, what is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from labctl.analysis.eis.kk import RMS_LIMIT
from labctl.analysis.eisfigures import frequency_text
from labctl.gui.viewmodels.text import NONE, THIN, Shown, figures, number
from labctl.gui.viewmodels.words import tr
from labctl.model.impedance import FittedValue, SpectrumFit

PREFIXES = (
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
    (1e-9, "n"),
    (1e-12, "p"),
)
PREFIXED: Mapping[str, str] = {"ohm": "Ω", "F": "F", "H": "H", "s": "s"}
"""Units that take a prefix, as they are written."""
COMPOSED: Mapping[str, str] = {"ohm^-1 s^n": "Ω⁻¹ sⁿ", "ohm s^-1/2": "Ω s^−½"}
FITTED, SHORTED = "fitted", "shorted"
DIGITS = 4


class Tested(Protocol):
    """A Kramers-Kronig test, of the station or of the points so far."""

    @property
    def rms(self) -> float: ...
    @property
    def passed(self) -> bool: ...
    @property
    def drifting(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class FitRow:
    """A line of the fit table. ``change`` compares with the spectrum before; ``muted``: it is not resolved."""

    key: str
    name: str
    value: str
    unit: str
    interval: str
    before: str
    change: str
    strong: bool = False
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Scaled:
    """A unit with its prefix, and what a value in the base unit is divided by."""

    unit: str
    factor: float


def scale_of(value: float, unit: str) -> Scaled:
    """Return the prefix under which a value has one to three figures before the point."""
    written = PREFIXED.get(unit)
    if written is None:
        return Scaled(COMPOSED.get(unit, unit), 1.0)
    if not math.isfinite(value) or value == 0.0:
        return Scaled(written, 1.0)
    size = float(f"{abs(value):.{DIGITS - 1}e}")
    factor, letter = next((one for one in PREFIXES if size >= one[0] * (1 - 1e-12)), PREFIXES[-1])
    return Scaled(f"{letter}{written}", factor)


def resistance(value_ohm: float, digits: int = DIGITS) -> Shown:
    """Return a resistance: figure and unit."""
    scale = scale_of(value_ohm, "ohm")
    return Shown(figures(value_ohm / scale.factor, digits), scale.unit)


def frequency(f_Hz: float) -> str:
    """Return a frequency, ``100 mHz``; a dash where it is not known."""
    return frequency_text(f_Hz).replace(" ", THIN) if math.isfinite(f_Hz) and f_Hz > 0.0 else NONE


def span(f_max_Hz: float, f_min_Hz: float) -> str:
    """Return what a sweep covers, ``1 MHz … 100 mHz``."""
    return f"{frequency(f_max_Hz)} … {frequency(f_min_Hz)}"


def percent(share: float) -> str:
    """Return a share in per cent with two figures."""
    return figures(100.0 * share, 2) if math.isfinite(share) else NONE


def verdict(kk: Tested | None, *, live: bool = False) -> str:
    """Return whether a spectrum is valid, in words."""
    if kk is None:
        return tr("eis", "too few points for a test")
    if kk.passed:
        return tr("eis", "valid so far") if live else tr("eis", "valid")
    if kk.drifting:
        return tr("eis", "not valid: the cell drifted during the sweep")
    return tr("eis", "not valid: noise or a non-linear answer")


def verdict_note(kk: Tested | None) -> str:
    """Return the figure behind a verdict: what is left over, and how much may be."""
    if kk is None:
        return ""
    told = tr("eis", "rms {rms} % of at most {limit} %")
    return told.format(rms=percent(kk.rms), limit=percent(RMS_LIMIT))


def outcome_words(fit: SpectrumFit | None) -> str:
    """Return what became of a fit, empty where it is well or not known yet."""
    if fit is None or fit.outcome == FITTED:
        return ""
    if fit.outcome == SHORTED:
        return tr("eis", "shorted: {reason}").format(reason=fit.reason)
    return tr("eis", "not fitted: {reason}").format(reason=fit.reason)


def fit_rows(fit: SpectrumFit | None, before: SpectrumFit | None) -> tuple[FitRow, ...]:
    """Return the lines of the fit table: the cell's resistances first, then the circuit's parameters."""
    if fit is None or fit.outcome != FITTED:
        return ()
    earlier: dict[tuple[str, str], FittedValue] = {}
    if before is not None and before.outcome == FITTED:
        earlier = {("cell", one.name): one for one in before.resistances}
        if before.circuit == fit.circuit:
            earlier |= {("circuit", one.name): one for one in before.parameters}
    rows = [_row("cell", one, earlier, strong=True) for one in fit.resistances]
    named = {one.value for one in fit.resistances}
    # R_b, R_SEI and R_ct are parameters under the cell's names: told once.
    rows += [_row("circuit", one, earlier) for one in fit.parameters if one.value not in named]
    return tuple(rows)


def _row(
    kind: str, one: FittedValue, earlier: Mapping[tuple[str, str], FittedValue], *, strong: bool = False
) -> FitRow:
    scale, key = scale_of(one.value, one.unit), f"{kind} {one.name}"
    past = earlier.get((kind, one.name))
    before, change = "", ""
    if past is not None and past.resolved:
        before = figures(past.value / scale.factor, DIGITS)
        if one.resolved and past.value != 0.0:
            change = number(100.0 * (one.value / past.value - 1.0), 1, sign=True)
    if not one.resolved:
        told = tr("eis", "not resolved")
        return FitRow(key, one.name, told, scale.unit, NONE, before, "", strong, True)
    value = figures(one.value / scale.factor, DIGITS)
    return FitRow(key, one.name, value, scale.unit, interval(one, scale.factor), before, change, strong)


def interval(one: FittedValue, factor: float = 1.0) -> str:
    """Return a 95 % interval, ``318.1 … 325.6``; without an upper bound it is open."""
    if math.isnan(one.low):
        return NONE
    high = figures(one.high / factor, DIGITS) if math.isfinite(one.high) else "∞"
    return f"{figures(one.low / factor, DIGITS)} … {high}"


def value_named(fit: SpectrumFit | None, name: str) -> FittedValue | None:
    """Return one of the cell's resistances, None where the spectrum does not give it."""
    if fit is None:
        return None
    return next((one for one in fit.resistances if one.name == name), None)
