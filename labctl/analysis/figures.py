"""Draw the figures of a cell study from arrays: profiles, voltage curves, capacity, polarisation, dQ/dV.

Each function returns a matplotlib figure at journal size; ``figurestyle.save`` writes it. Units on the axes
are those of the field (h, V, mAh/g, mAh/cm2, %).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.curves import Curve, thinned
from labctl.analysis.dqdv import DqDv
from labctl.analysis.figurestyle import (
    COATED_COLOUR,
    MARKERS,
    PALETTE,
    PRISTINE_COLOUR,
    mid_colours,
    new_figure,
    panel_letter,
    style,
)
from labctl.model.units import SECONDS_PER_HOUR, mAh_from_Ah

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS_PER_MM = 12  # pixel columns per mm at 300 dpi: more cannot be printed
ZOOM_H = 6.0
MARKERS_APART = 50  # so many stand apart at one column's width
FIRST_CYCLES = 12  # activation and formation happen there
LARGEST_EFFICIENCY = 1.2  # a half-cycle that had nearly nothing to give would flatten all others
WIDE_MM = 120.0  # from here on a figure has room for three panels in a row


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One cell's voltage over test time. ``end_note`` (such as ``short``) is written where its life ended.

    ``start_s`` is the test time at which the opening rest ended, the zero of the time axis; ``end_h`` is
    counted from there. Shape: both arrays (n,), times in order.
    """

    label: str
    time_s: NDArray[Any]
    voltage_V: NDArray[Any]
    start_s: float = 0.0
    end_note: str = ""
    end_h: float | None = None

    @property
    def time_h(self) -> NDArray[np.float64]:
        """Return the hours since the end of the opening rest."""
        return (np.asarray(self.time_s, dtype=float) - self.start_s) / SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True, eq=False)
class CycleSeries:
    """Values per cycle of one cell: capacity in the unit that the axis names, efficiency as a fraction."""

    label: str
    cycle: NDArray[Any]
    discharge_capacity: NDArray[Any]
    charge_capacity: NDArray[Any]
    efficiency: NDArray[Any]
    polarisation_V: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCurve:
    """The two half-cycles of one cycle, for voltage against capacity."""

    label: str
    charge: Curve
    discharge: Curve


def colour_of(label: str, place: int) -> str:
    """Return the colour of a series: fixed for pristine and coated cells, else by its place."""
    lowered = label.lower()
    if "pristine" in lowered:
        return PRISTINE_COLOUR
    if "coated" in lowered:
        return COATED_COLOUR
    return PALETTE[place % len(PALETTE)]


def long_term_profile(
    profiles: Sequence[Profile], *, width_mm: float = 170.0, title: str = "", limit_V: float | None = None
) -> Figure:
    """Draw V(t) of whole runs over each other, and below it the first, the last common and the last hours.

    ``limit_V`` sets the voltage axis to +-limit; by default it suits the longest-lived cell, so that a
    dying one runs out of the picture instead of flattening the other.
    """
    with style():
        wide = width_mm >= WIDE_MM
        figure = new_figure(width_mm, 96.0 if wide else 92.0)
        windows = zoom_windows(profiles, 3 if wide else 2)
        grid = figure.add_gridspec(2, len(windows), height_ratios=[1.25, 1.0])
        top = figure.add_subplot(grid[0, :])
        limit = limit_V if limit_V is not None else _whole_limit_V(profiles)
        longest_h = max(float(profile.time_h[-1]) for profile in profiles)
        for place, profile in enumerate(profiles):
            _draw_profile(top, profile, place, (0.0, longest_h), width_mm, linewidth=0.35)
            _mark_end(top, profile, place, limit)
        top.set_xlim(0.0, longest_h)
        top.set_ylim(*_limits_V(profiles, (0.0, longest_h), limit))
        top.set_xlabel("Time / h")
        top.set_ylabel("Voltage / V")
        _legend_above(top, profiles, title)
        panel_letter(top, "a")
        for column, window in enumerate(windows):
            axes = figure.add_subplot(grid[1, column])
            for place, profile in enumerate(profiles):
                _draw_profile(axes, profile, place, window, width_mm / len(windows), linewidth=0.8)
            axes.set_xlim(*window)
            zoom_V = round_up(1.15 * max(_largest_V(profile, window) for profile in profiles))
            axes.set_ylim(*_limits_V(profiles, window, zoom_V))
            axes.set_xlabel("Time / h")
            if column == 0:
                axes.set_ylabel("Voltage / V")
            panel_letter(axes, "bcd"[column])
    return figure


def _legend_above(axes: Axes, profiles: Sequence[Profile], title: str) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour_of(profile.label, place), linewidth=1.6, label=profile.label)
        for place, profile in enumerate(profiles)
    ]
    axes.legend(
        handles=handles, ncols=len(handles), loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1
    )
    if title:
        axes.set_title(title, pad=3.0)


def _draw_profile(
    axes: Axes,
    profile: Profile,
    place: int,
    window_h: tuple[float, float],
    width_mm: float,
    *,
    linewidth: float,
) -> None:
    time_h = profile.time_h
    start, stop = np.searchsorted(time_h, window_h[0]), np.searchsorted(time_h, window_h[1], side="right")
    x, y = thinned(time_h[start:stop], profile.voltage_V[start:stop], int(width_mm * POINTS_PER_MM))
    axes.plot(
        x,
        y,
        color=colour_of(profile.label, place),
        linewidth=linewidth,
        solid_joinstyle="round",
        zorder=2 + place,
    )


def _mark_end(axes: Axes, profile: Profile, place: int, limit_V: float) -> None:
    if profile.end_h is None or not profile.end_note:
        return
    colour = colour_of(profile.label, place)
    axes.axvline(profile.end_h, color=colour, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
    axes.annotate(
        profile.end_note,
        xy=(profile.end_h, 0.86 * limit_V),
        xytext=(4, 0),
        textcoords="offset points",
        color=colour,
        va="center",
    )


def zoom_windows(profiles: Sequence[Profile], count: int) -> list[tuple[float, float]]:
    """Return the hours to enlarge: the first, those round the first death, and (of three) the last."""
    lasts_h = [float(profile.time_h[-1]) for profile in profiles]
    deaths_h = [profile.end_h for profile in profiles if profile.end_h is not None]
    last_h = max(lasts_h)
    length_h = min(ZOOM_H, last_h / count)
    if deaths_h:
        death_h = min(min(deaths_h) + length_h / 4.0, last_h)
    else:  # all lived: the middle instead
        death_h = (last_h + length_h) / 2.0
    ends_h = [length_h, death_h] if count < 3 else [length_h, death_h, last_h]
    return [(max(end_h - length_h, 0.0), end_h) for end_h in ends_h]


def _largest_V(profile: Profile, window_h: tuple[float, float]) -> float:
    """Return the largest |V| inside the window, 0 where the profile has no row there."""
    start, stop = np.searchsorted(profile.time_h, window_h)
    return float(np.abs(profile.voltage_V[start:stop]).max()) if stop > start else 0.0


def _whole_limit_V(profiles: Sequence[Profile]) -> float:
    """Return the +- limit of the whole picture: all cells, at most four times the longest-lived one's largest."""
    always = (0.0, float("inf"))
    longest = max(profiles, key=lambda profile: float(profile.time_h[-1]))
    everything_V = 1.15 * max(_largest_V(profile, always) for profile in profiles)
    return round_up(min(everything_V, 4.0 * _largest_V(longest, always)))


def _limits_V(
    profiles: Sequence[Profile], window_h: tuple[float, float], limit_V: float
) -> tuple[float, float]:
    """Return +-limit for cells that cross zero; cells that never do get the axis their curve needs."""
    least_V = np.inf
    for profile in profiles:
        start, stop = np.searchsorted(profile.time_h, window_h)
        least_V = min(least_V, float(profile.voltage_V[start:stop].min(initial=np.inf)))
    if not 0.0 < least_V < np.inf:
        return -limit_V, limit_V
    most_V = max(_largest_V(profile, window_h) for profile in profiles)
    margin_V = max(0.08 * (most_V - least_V), 0.02)
    return least_V - margin_V, most_V + margin_V


def round_up(value: float) -> float:
    """Return the next round number (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten); 1 for nothing."""
    if not value > 0.0 or not np.isfinite(value):
        return 1.0
    magnitude = float(10.0 ** np.floor(np.log10(value)))
    steps = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
    return magnitude * next(step for step in steps if step * magnitude >= value * (1 - 1e-12))


def voltage_capacity(
    curves: Sequence[LabelledCurve], *, unit: str, per: float, width_mm: float = 85.0, title: str = ""
) -> Figure:
    """Draw voltage against capacity for chosen cycles, charge and discharge from zero each.

    ``per`` divides the charge in mAh (g of active mass, cm2 of area, or 1), ``unit`` names the result.
    """
    with style():
        figure = new_figure(width_mm, 66.0)
        axes = figure.add_subplot()
        for colour, cycle in zip(mid_colours(len(curves)), curves, strict=True):
            for side, half in enumerate((cycle.charge, cycle.discharge)):
                capacity = mAh_from_Ah(1.0) * half.capacity_Ah / per
                axes.plot(
                    capacity, half.voltage_V, color=colour, label=None if side else cycle.label, linewidth=0.9
                )
        axes.set_xlim(left=0.0)
        axes.set_xlabel(f"Capacity / {unit}")
        axes.set_ylabel("Voltage / V")
        axes.legend(title="Cycle", loc="best", title_fontsize=7.0)
        if title:
            axes.set_title(title)
    return figure


def capacity_efficiency_by_cycle(
    series: Sequence[CycleSeries], *, unit: str, width_mm: float = 85.0, title: str = ""
) -> Figure:
    """Draw discharge capacity (filled) and charge capacity (open) by cycle, and coulombic efficiency above."""
    with style():
        figure = new_figure(width_mm, 78.0)
        grid = figure.add_gridspec(2, 1, height_ratios=[1.0, 1.7])
        above, below = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
        above.sharex(below)
        for place, cell in enumerate(series):
            colour, marker = colour_of(cell.label, place), MARKERS[place % len(MARKERS)]
            picked = shown_rows(len(cell.cycle))
            look: dict[str, Any] = {
                "color": colour,
                "linestyle": "none",
                "marker": marker,
                "markeredgewidth": 0.5,
                "zorder": 3.0 - 0.1 * place,
            }
            above.plot(cell.cycle[picked], 100.0 * cell.efficiency[picked], **look)
            below.plot(cell.cycle[picked], cell.charge_capacity[picked], **look, fillstyle="none")
            below.plot(cell.cycle[picked], cell.discharge_capacity[picked], **look, label=cell.label)
        above.set_ylabel("CE / %")
        above.tick_params(labelbottom=False)
        above.set_ylim(*_efficiency_limits(series))
        below.set_ylim(bottom=0.0)
        below.margins(x=0.02)
        _whole_cycles(below)
        below.set_xlabel("Cycle")
        below.set_ylabel(f"Capacity / {unit}")
        below.legend(
            loc="lower left", title="filled: discharge, open: charge", title_fontsize=6.5, alignment="left"
        )
        if title:
            above.set_title(title)
    return figure


def _whole_cycles(axes: Axes) -> None:
    """Number the axis with whole cycles, also where there are few."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def shown_rows(count: int) -> NDArray[np.int64]:
    """Return the rows that get a marker: about 50 that stand apart, the first ones (activation) and the last."""
    every = max(1, -(-count // MARKERS_APART))
    rows = np.concatenate([np.arange(min(count, FIRST_CYCLES)), np.arange(0, count, every), [count - 1]])
    return np.unique(rows[rows >= 0]).astype(np.int64)


def _efficiency_limits(series: Sequence[CycleSeries]) -> tuple[float, float]:
    """Return the axis limits of the efficiencies in percent; 97 to 103 shows good cells alike in all figures."""
    known = np.concatenate([cell.efficiency[np.isfinite(cell.efficiency)] for cell in series])
    if len(known) == 0:
        return 97.0, 103.0
    least, most = float(known.min()), min(float(known.max()), LARGEST_EFFICIENCY)
    return min(97.0, 100.0 * least - 3.0), max(103.0, 100.0 * most + 1.0)


def polarisation_by_cycle(
    series: Sequence[CycleSeries], *, width_mm: float = 85.0, title: str = "", limit_V: float | None = None
) -> Figure:
    """Draw the polarisation by cycle; logarithmic where a dying cell spans more than a decade.

    ``limit_V`` draws a line where a criterion lies.
    """
    with style():
        figure = new_figure(width_mm, 60.0)
        axes = figure.add_subplot()
        known = np.concatenate([cell.polarisation_V[np.isfinite(cell.polarisation_V)] for cell in series])
        known = known[known > 0.0]
        logarithmic = len(known) > 0 and float(known.max()) > 10.0 * float(np.median(known))
        for place, cell in enumerate(series):
            axes.plot(
                cell.cycle, cell.polarisation_V, color=colour_of(cell.label, place), linestyle="none",
                marker=MARKERS[place % len(MARKERS)], markeredgewidth=0.0, markersize=1.6, label=cell.label,
            )  # fmt: skip
        if logarithmic:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
        else:
            axes.set_ylim(bottom=0.0)
        if limit_V is not None:
            axes.axhline(limit_V, color="0.35", linewidth=0.6, linestyle=(0, (4, 2)))
        axes.margins(x=0.02)
        _whole_cycles(axes)
        axes.set_xlabel("Cycle")
        axes.set_ylabel("Polarisation / V")
        axes.legend(loc="best", markerscale=2.0)
        if title:
            axes.set_title(title)
    return figure


def differential_capacity(
    curves: Sequence[tuple[str, DqDv, DqDv]],
    *,
    unit: str,
    per: float,
    width_mm: float = 85.0,
    title: str = "",
) -> Figure:
    """Draw dQ/dV of chosen cycles, charge upwards and discharge downwards; the smoothing stands in the axis label.

    Each item is label, charge, discharge; ``per`` and ``unit`` as in ``voltage_capacity``.
    """
    with style():
        figure = new_figure(width_mm, 66.0)
        axes = figure.add_subplot()
        for colour, (label, charge, discharge) in zip(mid_colours(len(curves)), curves, strict=True):
            for side, half in enumerate((charge, discharge)):
                slope = mAh_from_Ah(1.0) * half.dqdv_Ah_per_V / per
                axes.plot(half.voltage_V, slope, color=colour, label=None if side else label)
        axes.axhline(0.0, color="0.35", linewidth=0.5)
        smoothing_mV = 1e3 * curves[0][1].smoothing_V if curves else 0.0
        axes.locator_params(axis="x", nbins=6)
        axes.set_xlabel("Voltage / V")
        axes.set_ylabel(f"dQ/dV / {unit} V$^{{-1}}$\n(Gaussian, {smoothing_mV:g} mV)")
        axes.legend(title="Cycle", loc="best", title_fontsize=7.0)
        if title:
            axes.set_title(title)
    return figure
