"""From the panels of view-models to what a plot draws: fields of its axes, layers of its series."""

from __future__ import annotations

from collections.abc import Sequence

from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.fields import Field, FieldKind
from labctl.gui.plots.layer import Layer, LegendEntry, Side
from labctl.gui.plots.look import MARKERS, PlotLook
from labctl.gui.plots.marks import LineKind, Mark
from labctl.gui.plots.spread import SpreadBand
from labctl.gui.plots.xy import XYCurve
from labctl.gui.viewmodels.panels import Axis, Panel, Series

TREND_PX, SWEEP_PX, MARK_PX = 1.25, 1.5, 2.4


def field_of(axis: Axis) -> Field:
    """Return the field of an axis; data are in the shown unit already."""
    return Field(axis.quantity, axis.unit, kind=FieldKind(axis.kind))


def series_layers(series: Series, look: PlotLook, *, marker: str = "") -> list[Layer]:
    """Return the layers of one series; ``marker`` overrides its own ("-" = a line)."""
    side = Side.RIGHT if series.right else Side.LEFT
    line = series.line
    dash = look.dash(line.dash)
    if series.low is not None and series.high is not None:
        band = SpreadBand(series.x, series.low, series.high, index=line.colour, side=side)
        curve = XYCurve(series.x, series.y, name=series.name, index=line.colour, side=side, width_px=2.0,
                        dash=() if series.filled else (1.0, 2.0))  # fmt: skip
        return [band, curve]
    if series.points and marker != "-":
        sign = marker or MARKERS[line.dash % len(MARKERS)]
        return [XYCurve(series.x, series.y, name=series.name, index=line.colour, side=side, line=False, marker=sign,
                        filled=series.filled, marker_px=MARK_PX)]  # fmt: skip
    colour = None if series.share is None else look.cycle_colour(series.share)
    width = None if look.paper else SWEEP_PX if series.share is not None else TREND_PX
    drawn = () if series.share is not None else dash if series.filled else (1.0, 2.0)
    return [XYCurve(series.x, series.y, name=series.name, colour=colour, index=line.colour, side=side, width_px=width,
                    dash=drawn)]  # fmt: skip


def layers_of(panel: Panel, look: PlotLook, *, marker: str = "") -> list[Layer]:
    """Return everything that a panel draws."""
    found: list[Layer] = []
    for trace in panel.traces:
        line = trace.line
        found.append(
            EnvelopeCurve(trace.trace, name=trace.name, index=line.colour, dash=look.dash(line.dash),
                          width_px=None if look.paper else TREND_PX)
        )  # fmt: skip
    for series in panel.series:
        found += series_layers(series, look, marker=marker)
    found += [Mark(moment.x, LineKind.MARK, moment.text, at_top=True) for moment in panel.moments]
    return found


def swatches(panels: Sequence[Panel], look: PlotLook, most: int = 5) -> list[LegendEntry]:
    """Return the cycles of the ramp, at most five of them and always the last, as entries of a legend."""
    cycles = sorted({one for panel in panels for one in panel.cycles})
    if not cycles:
        return []
    stride = -(-len(cycles) // most)
    shown = list(reversed(cycles[::-stride]))
    return [LegendEntry(str(cycle), look.cycle_colour(share), 2.0) for cycle, share in shown]


def axis_signs(panel: Panel, look: PlotLook) -> list[LegendEntry]:
    """Return which marker is read at which axis, where there are two: filled left, hollow right."""
    if panel.right is None or any(series.low is not None for series in panel.series):
        return []
    ink = look.muted
    return [
        LegendEntry("Q", ink, marker="o"),
        LegendEntry(panel.right.quantity, ink, marker="o", filled=False),
    ]
