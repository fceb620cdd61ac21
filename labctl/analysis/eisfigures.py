"""Draw impedance spectra: Nyquist with equal axes and -Z'' up, Bode, overlays by cycle, Kramers-Kronig residuals.

Z'' is signed everywhere in labctl; here alone it is negated, for the eye. Each function returns a matplotlib figure at
journal size; ``figurestyle.save`` writes it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.figures import round_up
from labctl.analysis.figurestyle import MARKERS, PALETTE, mid_colours, new_figure, style
from labctl.errors import UserInputError
from labctl.model.spectrum import ComplexArray, FloatArray, Spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGEND_MAX = 8
"""More lines than these are a wall; the first, the last and some between stand for all."""
DECADE_WITHIN = 0.06
"""A point is called 1 kHz when its frequency is within 15 % of it."""
LABELS_APART = 0.085
"""Labels nearer to each other than this part of the width would overlap."""
BOX_LOWEST, BOX_HIGHEST = 0.5, 0.85
MARGIN = 0.06
TICKS_ABOUT = 6
LABEL_MM = 12.5
"""What a decade's name takes beside its point."""
LEFT_MM, RIGHT_MM, BOTTOM_MM, TOP_MM = 12.5, 2.0, 9.5, 2.0
"""What axis labels and numbers take of a Nyquist figure, whose axes are placed by hand: so both scales are one."""
LINE_MM = 3.8
"""What a title or a row of the legend takes of the height."""
_PREFIXES = ((2e7, 1e6, "M"), (2e4, 1e3, "k"), (0.2, 1.0, ""), (0.0, 1e-3, "m"))
"""From this size in ohm on, the axes count in so many ohm, under this prefix."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A spectrum to draw, and the answer of a fitted circuit at some frequencies where there is one."""

    label: str
    spectrum: Spectrum
    fitted_Hz: FloatArray | None = None
    fitted_ohm: ComplexArray | None = None


def by_cycle(series: Sequence[Drawn]) -> bool:
    """Say whether the spectra are an ageing series: several of one cell, each with a cycle of its own."""
    cells = {one.spectrum.head.cell_id for one in series}
    cycles = [one.spectrum.head.cycle for one in series]
    return len(cells) == 1 < len(cycles) and None not in cycles and len(set(cycles)) == len(cycles)


def in_order(series: Sequence[Drawn]) -> list[Drawn]:
    """Return an ageing series by cycle; anything else as it came."""
    if not by_cycle(series):
        return list(series)
    return sorted(series, key=lambda one: one.spectrum.head.cycle or 0)


def frequency_text(f_Hz: float) -> str:
    """Return a frequency as people write it: 1 MHz, 10 kHz, 100 mHz."""
    for factor, prefix in ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m")):
        if f_Hz >= 0.999 * factor:
            return f"{f_Hz / factor:.3g} {prefix}Hz"
    return f"{f_Hz * 1e6:.3g} µHz"


def decade_points(frequency_Hz: FloatArray) -> dict[int, float]:
    """Return the places of the points that stand for whole decades, and the decade's frequency."""
    found: dict[int, float] = {}
    logs = np.log10(frequency_Hz)
    for decade in range(math.ceil(logs.min() - DECADE_WITHIN), math.floor(logs.max() + DECADE_WITHIN) + 1):
        place = int(np.argmin(np.abs(logs - decade)))
        if abs(logs[place] - decade) <= DECADE_WITHIN:
            found[place] = 10.0**decade
    return found


def nyquist(
    series: Sequence[Drawn], *, width_mm: float = 85.0, per_area: bool = False, title: str = ""
) -> Figure:
    """Draw -Z'' over Z' with the same scale on both axes; decades are filled points, named on the widest spectrum.

    An ageing series gets a ramp of colours, dark to light by cycle. ``per_area`` multiplies by the cell's area. Raises:
    UserInputError where there is nothing to draw or an area is not known.
    """
    shown = [_scaled(one, per_area) for one in in_order(_drawable(series))]
    with style():
        size_ohm = max(float(np.max(np.abs(one.spectrum.z_ohm))) for one in shown)
        per_axis, prefix = next((factor, letter) for least, factor, letter in _PREFIXES if size_ohm >= least)
        shown = [_times(one, 1.0 / per_axis) for one in shown]
        room = LABEL_MM / (width_mm - LEFT_MM - RIGHT_MM)
        window = _window([one.spectrum.z_ohm for one in shown], room)
        lines = _legend_rows(shown, width_mm) + bool(title)
        axes_mm = (width_mm - LEFT_MM - RIGHT_MM, window.box * (width_mm - LEFT_MM - RIGHT_MM))
        height_mm = BOTTOM_MM + axes_mm[1] + TOP_MM + LINE_MM * lines
        figure = new_figure(width_mm, height_mm)
        figure.set_layout_engine("none")
        axes = figure.add_axes(
            (LEFT_MM / width_mm, BOTTOM_MM / height_mm, axes_mm[0] / width_mm, axes_mm[1] / height_mm)
        )
        axes.set_xlim(*window.x)
        axes.set_ylim(*window.y)
        _same_ticks(axes, window)
        axes.axhline(0.0, color="0.35", linewidth=0.5, zorder=1)
        for place, (one, colour) in enumerate(zip(shown, _colours(shown), strict=True)):
            _draw_nyquist(axes, one, colour, place)
        widest = max(shown, key=lambda one: float(np.ptp(one.spectrum.z_re_ohm)))
        _name_decades(axes, widest, window, alone=len(shown) == 1)
        unit = f"{prefix}Ω cm$^2$" if per_area else f"{prefix}Ω"
        axes.set_xlabel(f"$Z'$ / {unit}")
        axes.set_ylabel(f"$-Z''$ / {unit}")
        _legend(figure, axes, shown, width_mm, {"loc": "upper center", "bbox_to_anchor": (0.5, 1.0)})
        if title:
            axes.set_title(title)
    return figure


def bode(
    series: Sequence[Drawn], *, width_mm: float = 85.0, per_area: bool = False, title: str = ""
) -> Figure:
    """Draw |Z| and -phase over frequency, both panels on one logarithmic axis. Raises: as ``nyquist``."""
    shown = [_scaled(one, per_area) for one in in_order(_drawable(series))]
    with style():
        figure = new_figure(width_mm, 86.0 + LINE_MM * (_legend_rows(shown, width_mm) + bool(title)))
        above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [1.0, 1.0]})
        for place, (one, colour) in enumerate(zip(shown, _colours(shown), strict=True)):
            look = _look(one, colour, place)
            f_Hz, z_ohm = one.spectrum.frequency_Hz, one.spectrum.z_ohm
            above.plot(f_Hz, np.abs(z_ohm), label=one.label, **look)
            below.plot(f_Hz, -np.angle(z_ohm, deg=True), **look)
            if one.fitted_Hz is not None and one.fitted_ohm is not None:
                above.plot(one.fitted_Hz, np.abs(one.fitted_ohm), color=colour, linewidth=0.9)
                below.plot(one.fitted_Hz, -np.angle(one.fitted_ohm, deg=True), color=colour, linewidth=0.9)
        above.set_xscale("log")
        above.set_yscale("log")
        _plain_decades(above, [np.abs(one.spectrum.z_ohm) for one in shown])
        below.axhline(0.0, color="0.35", linewidth=0.5, zorder=1)
        above.set_ylabel("|$Z$| / Ω cm$^2$" if per_area else "|$Z$| / Ω")
        below.set_ylabel("$-$phase / °")
        below.set_xlabel("Frequency / Hz")
        figure.align_ylabels([above, below])
        _legend(figure, above, shown, width_mm, {"loc": "outside upper center"})
        if title:
            above.set_title(title)
    return figure


def kk_residuals(
    frequency_Hz: FloatArray,
    residuals: ComplexArray,
    *,
    note: str = "",
    width_mm: float = 85.0,
    title: str = "",
) -> Figure:
    """Draw (Z_fit - Z)/|Z| of a Kramers-Kronig test in percent, Z' filled and Z'' open; ``note`` stands inside."""
    with style():
        figure = new_figure(width_mm, 50.0)
        axes = figure.add_subplot()
        percent = 100.0 * residuals
        axes.axhline(0.0, color="0.35", linewidth=0.5, zorder=1)
        axes.plot(
            frequency_Hz, percent.real, color=PALETTE[0], marker="o", linestyle="none", markeredgewidth=0.0,
            label="$Z'$",
        )  # fmt: skip
        axes.plot(
            frequency_Hz, percent.imag, color=PALETTE[1], marker="s", linestyle="none", fillstyle="none",
            markeredgewidth=0.6, label="$Z''$",
        )  # fmt: skip
        limit = round_up(1.35 * float(np.max(np.abs([percent.real, percent.imag]))))
        axes.set_ylim(-limit, limit)
        axes.set_xscale("log")
        axes.set_xlabel("Frequency / Hz")
        axes.set_ylabel("Residual / %")
        axes.legend(loc="upper right", ncols=2)
        if note:
            axes.text(0.02, 0.96, note, transform=axes.transAxes, va="top")
        if title:
            axes.set_title(title)
    return figure


@dataclass(frozen=True, slots=True)
class _Window:
    """What a Nyquist figure shows: limits whose spans have the ratio ``box``, so that both axes have one scale.

    ``room`` is the part of the width that a decade's name takes.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    box: float
    room: float

    @property
    def span(self) -> float:
        return self.x[1] - self.x[0]


def _window(spectra: Sequence[ComplexArray], room: float) -> _Window:
    z_ohm = np.concatenate(spectra)
    left, right = min(0.0, float(z_ohm.real.min())), float(z_ohm.real.max())
    low, high = min(0.0, float(-z_ohm.imag.max())), float(-z_ohm.imag.min())
    size = max(right - left, high - low, 1e-12)
    left -= MARGIN * size if left < 0.0 else 0.0
    right, low, high = right + room / (1.0 - room) * size, low - MARGIN * size, high + 1.6 * MARGIN * size
    wide = right - left
    box = min(max((high - low) / wide, BOX_LOWEST), BOX_HIGHEST)
    wide = max(wide, (high - low) / box)
    return _Window((left, left + wide), (low, low + box * wide), box, room)


def _same_ticks(axes: Axes, window: _Window) -> None:
    from matplotlib.ticker import AutoMinorLocator, MultipleLocator

    step = tick_step(window.span)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(step))
        axis.set_minor_locator(AutoMinorLocator(2))


def tick_step(span: float) -> float:
    """Return 1, 2 or 5 times a power of ten so that about six ticks stand on the axis."""
    magnitude = float(10.0 ** math.floor(math.log10(span / TICKS_ABOUT)))
    return magnitude * next(step for step in (1.0, 2.0, 5.0, 10.0) if step * magnitude >= span / TICKS_ABOUT)


def _drawable(series: Sequence[Drawn]) -> list[Drawn]:
    """Return the series without points that have no impedance. Raises: UserInputError where nothing is left."""
    kept = []
    for one in series:
        finite = np.isfinite(one.spectrum.z_re_ohm) & np.isfinite(one.spectrum.z_im_ohm)
        finite &= np.isfinite(one.spectrum.frequency_Hz) & (one.spectrum.frequency_Hz > 0.0)
        finite &= one.spectrum.z_ohm != 0.0  # has no logarithm and no phase
        if finite.any():
            kept.append(Drawn(one.label, one.spectrum.kept(finite), one.fitted_Hz, one.fitted_ohm))
    if not kept:
        raise UserInputError("there is no point with an impedance to draw.")
    return kept


def _scaled(one: Drawn, per_area: bool) -> Drawn:
    if not per_area:
        return one
    area_cm2 = one.spectrum.head.area_cm2
    if not math.isfinite(area_cm2):
        raise UserInputError(
            f"the electrode area of {one.label} is not known: draw it in ohm, or name its cell."
        )
    return _times(one, area_cm2)


def _times(one: Drawn, factor: float) -> Drawn:
    fitted = None if one.fitted_ohm is None else one.fitted_ohm * factor
    spectrum = replace(one.spectrum, z_ohm=one.spectrum.z_ohm * factor)
    return Drawn(one.label, spectrum, one.fitted_Hz, fitted)


def _colours(series: Sequence[Drawn]) -> list[Any]:
    if by_cycle(series):
        return list(mid_colours(len(series)))
    return [PALETTE[place % len(PALETTE)] for place in range(len(series))]


def _look(one: Drawn, colour: Any, place: int) -> dict[str, Any]:
    return {
        "color": colour,
        "marker": MARKERS[place % len(MARKERS)],
        "fillstyle": "none",
        "markeredgewidth": 0.5,
        "linewidth": 0.5,
        "linestyle": "none" if one.fitted_ohm is not None else "-",
        "zorder": 3.0 + 0.01 * place,
    }


def _draw_nyquist(axes: Axes, one: Drawn, colour: Any, place: int) -> None:
    z_ohm = one.spectrum.z_ohm
    look = _look(one, colour, place)
    axes.plot(z_ohm.real, -z_ohm.imag, label=one.label, **look)
    if one.fitted_ohm is not None:
        axes.plot(one.fitted_ohm.real, -one.fitted_ohm.imag, color=colour, linewidth=0.9, zorder=2.0)
    decades = list(decade_points(one.spectrum.frequency_Hz))
    filled = {**look, "fillstyle": "full", "linestyle": "none"}
    axes.plot(z_ohm.real[decades], -z_ohm.imag[decades], **filled)


def _name_decades(axes: Axes, one: Drawn, window: _Window, *, alone: bool) -> None:
    """Write the decades at their points, outside the curve, from the lowest up while there is room."""
    z_ohm = one.spectrum.z_ohm
    middle = 0.5 * (float(z_ohm.real.min()) + float(z_ohm.real.max()))
    written: list[complex] = []
    points = decade_points(one.spectrum.frequency_Hz)
    for place, f_Hz in sorted(points.items(), key=lambda item: item[1]):
        at = complex(z_ohm[place].real, -z_ohm[place].imag)
        if any(abs(at - other) < LABELS_APART * window.span for other in written):
            continue
        look = _label_place(at, middle, window, alone=alone)
        if look is None:
            continue
        written.append(at)
        axes.annotate(
            frequency_text(f_Hz),
            xy=(at.real, at.imag),
            textcoords="offset points",
            fontsize=6.5,
            zorder=5.0,
            **look,
        )


def _label_place(at: complex, middle: float, window: _Window, *, alone: bool) -> dict[str, Any] | None:
    """Return where a label stands at its point: outside the arc; inside it only where no other arc is."""
    left = (at.real - window.x[0]) / window.span
    aside = (at.real - middle) / window.span
    if aside > 0.15:
        return {"xytext": (3.0, 3.0), "ha": "left", "va": "bottom"}
    if aside > -0.15 or at.imag > 0.6 * window.y[1]:
        return {"xytext": (0.0, 4.0), "ha": "center", "va": "bottom"}
    if left > window.room:
        return {"xytext": (-3.0, 3.0), "ha": "right", "va": "bottom"}
    if at.imag <= 0.0:
        return {"xytext": (5.0, -1.5), "ha": "left", "va": "top"}
    return {"xytext": (4.0, -1.0), "ha": "left", "va": "top"} if alone else None


def _plain_decades(axes: Axes, sizes: Sequence[NDArray[np.float64]]) -> None:
    """Number a logarithmic axis of less than two decades at 1, 2 and 5 too, as plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    values = np.concatenate(sizes)
    values = values[values > 0.0]
    if values.size and float(values.max()) < 100.0 * float(values.min()):
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _legend_rows(series: Sequence[Drawn], width_mm: float) -> int:
    return (
        math.ceil(min(len(series), LEGEND_MAX) / _legend_columns(series, width_mm)) if len(series) > 1 else 0
    )


def _legend_columns(series: Sequence[Drawn], width_mm: float) -> int:
    """Return how many names fit side by side, 1.3 mm a letter and 9 mm for the line."""
    longest = max(len(one.label) for one in series)
    return max(1, min(len(series), LEGEND_MAX, int((width_mm - LEFT_MM) / (9.0 + 1.3 * longest))))


def _legend(
    figure: Figure, axes: Axes, series: Sequence[Drawn], width_mm: float, where: dict[str, Any]
) -> None:
    """Name one spectrum inside; several above the axes, where no curve is."""
    handles, labels = axes.get_legend_handles_labels()
    if len(series) == 1:
        if series[0].label:
            axes.legend(loc="best")
        return
    chosen = np.unique(np.linspace(0, len(handles) - 1, min(len(handles), LEGEND_MAX)).round().astype(int))
    figure.legend(
        [handles[place] for place in chosen], [labels[place] for place in chosen], borderaxespad=0.3,
        ncols=_legend_columns(series, width_mm), **where,
    )  # fmt: skip
