"""The strip of figures above the plots: of the sweep that runs, else of the spectrum that is looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from labctl.gui.viewmodels.eis.history import SUM
from labctl.gui.viewmodels.eis.live import overloads_of
from labctl.gui.viewmodels.eis.model import EisModel
from labctl.gui.viewmodels.eis.stages import cell_switch, current_range, voltage
from labctl.gui.viewmodels.eis.words import (
    frequency,
    outcome_words,
    percent,
    resistance,
    span,
    value_named,
    verdict,
)
from labctl.gui.viewmodels.lab import utc_of
from labctl.gui.viewmodels.text import NONE, age, duration, figures, number
from labctl.gui.viewmodels.words import tr
from labctl.model.handover import PotentiostatStatus, SpectrumEntry
from labctl.model.impedance import FittedValue, SpectrumFit

COUNT = 7
"""So many figures, whatever is shown: nothing moves when a sweep ends."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: its name, value, unit, and the line under it; ``stale`` while it is not new."""

    title: str
    value: str
    unit: str = ""
    under: str = ""
    stale: bool = False


def readouts(model: EisModel) -> tuple[Figure, ...]:
    """Return the figures of what is shown now; always ``COUNT`` of them, or none where there is nothing."""
    status, entry = model.live.status, model.history.current
    if status is not None:
        return _of_sweep(model, status)
    return () if entry is None else _of_spectrum(model, entry)


def _of_sweep(model: EisModel, status: PotentiostatStatus) -> tuple[Figure, ...]:
    points, stale = model.live.points, not model.lab.link.live
    f_Hz = float(points.frequency_Hz[-1]) if len(points) else math.nan
    size = resistance(float(points.size_ohm[-1]) if len(points) else math.nan)
    phase = number(float(-points.minus_phase_deg[-1]), 1) if len(points) else NONE
    left = duration(status.left_s) if math.isfinite(status.left_s) else NONE
    potential, _, unit = voltage(status.e_V).partition("\u2009")
    kk, overloads = model.live.kk, model.live.overloads
    seen = utc_of(status.seen_utc)
    seen_s = (model.lab.plant_utc - seen).total_seconds() if seen is not None else math.nan
    return (
        Figure(tr("eis", "point"), str(status.points_got), tr("eis", "of {n}").format(n=status.points_expected),
               tr("eis", "f {f}, left {time}").format(f=frequency(f_Hz), time=left), stale),
        Figure("|Z|", size.number, size.unit, tr("eis", "phase {deg}°").format(deg=phase), stale),
        Figure("E", potential, unit, tr("eis", "at the potentiostat"), stale),
        Figure(tr("eis", "overload"), str(overloads), tr("eis", "points"),
               tr("eis", "overloaded now") if status.overload else tr("eis", "none now"), stale),
        Figure(tr("eis", "range"), *_split(current_range(status)), tr("eis", "current, full scale"), stale),
        Figure(tr("eis", "KK residual"), NONE if kk is None else percent(kk.rms), "% rms",
               verdict(kk, live=True), stale),
        Figure(tr("eis", "cell switch"), cell_switch(status), tr("eis", "read back"),
               tr("eis", "{age} ago").format(age=age(max(0.0, seen_s))) if math.isfinite(seen_s) else "", stale),
    )  # fmt: skip


def _split(text: str) -> tuple[str, str]:
    figure, _, unit = text.partition("\u2009")
    return figure, unit


def _of_spectrum(model: EisModel, entry: SpectrumEntry) -> tuple[Figure, ...]:
    points, table = model.shelf.points(entry.spectrum_id), model.shelf.table(entry.spectrum_id)
    fit = model.history.fit(entry)
    kk = None if fit is None else fit.kk
    real = resistance(points.lowest.real)
    f_Hz = float(np.min(points.frequency_Hz)) if len(points) else math.nan
    before_V = math.nan if table is None else table.head.ocv_before_V
    after_V = math.nan if table is None else table.head.ocv_after_V
    ocv, unit = _split(voltage(before_V))
    overloads = overloads_of(table)
    taken = utc_of(entry.taken_utc)
    return (
        Figure(tr("eis", "taken"), f"{taken:%m-%d %H:%M}" if taken is not None else NONE, "UTC" if taken else "",
               entry.instrument),
        Figure(tr("eis", "points"), str(entry.points), _overloaded(overloads), span(entry.f_max_Hz, entry.f_min_Hz)),
        Figure(tr("eis", "Z′ at {f}").format(f=frequency(f_Hz)), real.number, real.unit, model.history.named(entry)),
        Figure("OCV", ocv, unit, _moved(before_V, after_V)),
        _value(value_named(fit, "R_b"), "R_b", fit),
        _value(value_named(fit, SUM), SUM, fit),
        Figure(tr("eis", "KK residual"), NONE if kk is None else percent(kk.rms), "% rms" if kk else "",
               verdict(kk) if fit is not None else tr("eis", "is being tested")),
    )  # fmt: skip


def _overloaded(count: int) -> str:
    return tr("eis", "{n} overloaded").format(n=count) if count else ""


def _moved(before_V: float, after_V: float) -> str:
    """Return how far the open circuit has moved during the sweep."""
    if not (math.isfinite(before_V) and math.isfinite(after_V)):
        return ""
    return tr("eis", "after it {moved} mV").format(moved=number(1e3 * (after_V - before_V), 1, sign=True))


def _value(one: FittedValue | None, name: str, fit: SpectrumFit | None) -> Figure:
    if one is None:
        return Figure(name, NONE if fit is not None else "…", "", outcome_words(fit))
    shown = resistance(one.value)
    if not one.resolved:
        return Figure(name, shown.number, shown.unit, tr("eis", "not resolved"), stale=True)
    half = 50.0 * (one.high - one.low) / one.value if one.value and math.isfinite(one.high) else math.nan
    under = tr("eis", "± {n} %").format(n=figures(half, 2)) if math.isfinite(half) else ""
    if name == SUM and fit is not None and not fit.separate:
        under = tr("eis", "not to be told apart")
    return Figure(name, shown.number, shown.unit, under)
