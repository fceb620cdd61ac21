"""Draw how cells age by their spectra: a column per cell, the same scale for all, and the fresh arcs enlarged below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labctl.analysis.eisfigures import Drawn, decade_points, frequency_text, tick_step
from labctl.analysis.figurestyle import MARKERS, mid_colours, new_figure, style
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_MM = 170.0
LEFT_MM, RIGHT_MM, BETWEEN_MM = 11.5, 4.0, 11.5
BOTTOM_MM, ROWS_MM, TOP_MM = 9.0, 9.0, 7.0
"""What axis labels, numbers and the legend take; axes are placed by hand, so both scales are one."""
RATIO = 0.52
"""Height of a panel by its width."""
BELOW = 0.07
"""Part of the height below zero, where cables and shorts are."""
ROOM = 1.25
LEAST_NAMED = 0.4
"""Decades are named on a spectrum that takes this part of a panel."""
_CORNER: Any = {"ha": "right", "va": "top"}
ENLARGED = 1.15
"""The lower row shows so many times the widest fresh spectrum."""


def ages(columns: Mapping[str, Sequence[Drawn]]) -> Figure:
    """Draw Nyquist plots of several cells by cycle. ``columns`` maps a cell's title to its spectra, each with a cycle.

    Raises: UserInputError where a cell has no spectrum.
    """
    if not columns or not all(columns.values()):
        raise UserInputError("each cell needs a spectrum to draw.")
    shown = [one for series in columns.values() for one in series]
    cycles = sorted({one.spectrum.head.cycle or 0 for one in shown})
    looks = {
        cycle: {"color": colour, "marker": MARKERS[place % len(MARKERS)]}
        for place, (cycle, colour) in enumerate(zip(cycles, mid_colours(len(cycles)), strict=True))
    }
    fresh = [one for one in shown if (one.spectrum.head.cycle or 0) == cycles[0]]
    spans_ohm = (_span_ohm(shown), min(_span_ohm(shown), ENLARGED * _span_ohm(fresh)))
    with style():
        panel_mm = (WIDTH_MM - LEFT_MM - RIGHT_MM - BETWEEN_MM * (len(columns) - 1)) / len(columns)
        height_mm = BOTTOM_MM + ROWS_MM + TOP_MM + 2.0 * RATIO * panel_mm
        figure = new_figure(WIDTH_MM, height_mm)
        figure.set_layout_engine("none")
        upper_mm = BOTTOM_MM + ROWS_MM + RATIO * panel_mm
        for row, (bottom_mm, span_ohm) in enumerate(zip((upper_mm, BOTTOM_MM), spans_ohm, strict=True)):
            for column, (title, series) in enumerate(columns.items()):
                left_mm = LEFT_MM + column * (panel_mm + BETWEEN_MM)
                place = (
                    left_mm / WIDTH_MM,
                    bottom_mm / height_mm,
                    panel_mm / WIDTH_MM,
                    RATIO * panel_mm / height_mm,
                )
                axes = figure.add_axes(place)
                _panel(axes, series, looks, span_ohm)
                _name_decades(axes, series, span_ohm)
                axes.text(0.98, 0.94, "enlarged" if row else title, transform=axes.transAxes, **_CORNER)
                if row == 0:
                    _frame(axes, spans_ohm[1])
                else:
                    axes.set_xlabel("$Z'$ / Ω")
                if column == 0:
                    axes.set_ylabel("$-Z''$ / Ω")
        _legend(figure, looks)
    return figure


def _span_ohm(series: Sequence[Drawn]) -> float:
    """Return how far the axes of Z' must reach."""
    right_ohm = max(float(one.spectrum.z_re_ohm.max()) for one in series)
    high_ohm = max(float(-one.spectrum.z_im_ohm.min()) for one in series)
    return ROOM * max(right_ohm, high_ohm / (RATIO * (1.0 - BELOW)))


def _panel(
    axes: Axes, series: Sequence[Drawn], looks: Mapping[int, Mapping[str, Any]], span_ohm: float
) -> None:
    """Draw one cell: points open, decades filled, fits as lines."""
    from matplotlib.ticker import AutoMinorLocator, MultipleLocator

    height_ohm = RATIO * span_ohm
    axes.set_xlim(0.0, span_ohm)
    axes.set_ylim(-BELOW * height_ohm, (1.0 - BELOW) * height_ohm)
    step_ohm = tick_step(0.55 * span_ohm)  # half as high as wide
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(step_ohm))
        axis.set_minor_locator(AutoMinorLocator(2))
    axes.axhline(0.0, color="0.35", linewidth=0.5, zorder=1)
    for one in series:
        look, z_ohm = looks[one.spectrum.head.cycle or 0], one.spectrum.z_ohm
        if one.fitted_ohm is not None:
            axes.plot(
                one.fitted_ohm.real, -one.fitted_ohm.imag, color=look["color"], linewidth=0.9, zorder=2.0
            )
        axes.plot(
            z_ohm.real,
            -z_ohm.imag,
            **look,
            linestyle="none",
            fillstyle="none",
            markeredgewidth=0.5,
            zorder=3.0,
        )
        decades = list(decade_points(one.spectrum.frequency_Hz))
        axes.plot(z_ohm.real[decades], -z_ohm.imag[decades], **look, linestyle="none", zorder=3.1)


def _frame(axes: Axes, span_ohm: float) -> None:
    """Show what the panel below enlarges."""
    from matplotlib.patches import Rectangle

    height_ohm = RATIO * span_ohm
    box = Rectangle(
        (0.0, -BELOW * height_ohm),
        span_ohm,
        height_ohm,
        fill=False,
        edgecolor="0.55",
        linewidth=0.6,
        zorder=1.5,
    )
    axes.add_patch(box)


def _name_decades(axes: Axes, series: Sequence[Drawn], span_ohm: float) -> None:
    """Name the decades of the widest spectrum that the panel shows whole, where there is room outside of its arcs."""
    whole = [one for one in series if LEAST_NAMED * span_ohm < _span_ohm([one]) <= span_ohm]
    if not whole:
        return
    z_ohm = (widest := max(whole, key=lambda one: _span_ohm([one]))).spectrum.z_ohm
    for place, f_Hz in decade_points(widest.spectrum.frequency_Hz).items():
        at = complex(z_ohm[place].real, -z_ohm[place].imag)
        last = f_Hz <= 1.01 * float(widest.spectrum.frequency_Hz.min())
        if not last and at.imag < 0.15 * RATIO * span_ohm:
            continue
        if at.real < 0.15 * span_ohm:  # several spectra begin alike there
            continue
        look: dict[str, Any] = (
            {"xytext": (5.0, 0.0), "va": "center"} if last else {"xytext": (3.0, 3.0), "va": "bottom"}
        )
        axes.annotate(
            frequency_text(f_Hz),
            xy=(at.real, at.imag),
            textcoords="offset points",
            fontsize=6.5,
            zorder=5.0,
            **look,
        )


def _legend(figure: Figure, looks: Mapping[int, Mapping[str, Any]]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], **look, linestyle="none", label=f"{cycle} cycles" if cycle else "fresh")
        for cycle, look in looks.items()
    ]
    handles.append(Line2D([], [], color="0.2", linewidth=0.9, label="fit"))
    figure.legend(handles=handles, ncols=len(handles), loc="upper center", bbox_to_anchor=(0.5, 1.0))
