"""From a report to sheets and a style of ``plots.figure``: what is seen in the preview is what is saved."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from labctl.gui.plots import figure
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.figure import Figure, FigureStyle
from labctl.gui.plots.layer import Bounds, Layer, Side, united
from labctl.gui.plots.look import MARKERS, UNITS_PER_MM
from labctl.gui.plots.panelling import field_of, layers_of
from labctl.gui.plots.sheet import Sheet, fitted
from labctl.gui.plots.tablesheet import TableSheet
from labctl.gui.plots.xy import XYCurve
from labctl.gui.theme.tokens import DARK, GREYS, LIGHT, Tokens
from labctl.gui.viewmodels.comparetable import columns_of, rows_of
from labctl.gui.viewmodels.panels import Panel
from labctl.gui.viewmodels.reports import Palette, Report, ReportStyle, Template
from labctl.gui.viewmodels.words import tr

GREY = replace(LIGHT, curves=GREYS)
GROUNDS: dict[Palette, Tokens] = {Palette.STUDY: LIGHT, Palette.GREY: GREY, Palette.DARK: DARK}
WHOLE_COLUMNS = 1200
PX_PER_PT = 96.0 / 72.0
TABLE_KEYS = ("kept", "over", "mean_ce", "last", "short", "volt", "cycles", "first", "ce")
"""Columns of the table on paper, the most wanted first: as many as there is room for."""


def style_of(report: Report, footer: Sequence[str] = (), title: str = "") -> FigureStyle:
    """Return size and type of the figure."""
    style = report.style
    count = 2 if style.template is Template.LILI else 1
    return FigureStyle(
        style.width_mm, (style.height_mm,) * count, style.text_pt, style.line_pt, GROUNDS[style.palette],
        title=title, legend=True, footer=tuple(footer),
    )  # fmt: skip


def figure_of(report: Report) -> tuple[Figure, FigureStyle]:
    """Return sheets and style, with the footer that names the digest of the data beside the figure."""
    if report.style.template is Template.TABLE:
        sheets: Figure = [table_of(report)]
    else:
        sheets = [sheet_of(report, panel) for panel in report.panels() if not panel.why]
    style = style_of(report)
    if len(sheets) != len(style.heights_mm or ()):
        style = replace(style, heights_mm=(report.style.height_mm,) * len(sheets))
    digest = hashlib.sha256(figure.csv_text(sheets, style).encode("utf-8")).hexdigest()
    return sheets, replace(style, footer=report.footer(digest), title=tr("reports", "labctl figure"))


def sheet_of(report: Report, panel: Panel) -> Sheet:
    """Return one plot as it stands on paper."""
    style = report.style
    x, y = report.axes(panel)
    look = style_of(report).look()
    layers = layers_of(panel, look, marker=style.marker)
    for layer in layers:
        if isinstance(layer, XYCurve):
            layer.marker_px = style.marker_pt * PX_PER_PT / 2.0
            layer.every = _every(layer, report)
        elif isinstance(layer, EnvelopeCurve):
            layer.live = False
            layer.whole = layer.trace.columns(float("-inf"), float("inf"), WHOLE_COLUMNS)
    right = field_of(panel.right) if panel.right is not None else None
    y_field = field_of(y)
    if style.millivolt and panel.y.unit == "V":
        y_field = replace(y_field, unit="mV" if y_field.unit == "V" else y_field.unit, factor=1e3)
    sheet = Sheet(field_of(x), y_field, (0.0, 1.0), (0.0, 1.0), right, layers=layers)
    _set_ranges(sheet, layers, panel, style, y_field.factor)
    return sheet


def _every(layer: XYCurve, report: Report) -> int:
    """Return how many points share a marker, so that markers stand apart; none is lost from the data."""
    room_mm = report.style.width_mm - 25.0
    most = max(10.0, room_mm / (report.style.marker_pt * 25.4 / 72.0 * 1.15))
    return max(1, int(np.ceil(len(layer.x) / most))) if layer.marker in MARKERS and layer.line is False else 1


def _set_ranges(
    sheet: Sheet, layers: Sequence[Layer], panel: Panel, style: ReportStyle, factor: float
) -> None:
    """Fit the axes to the data; what a person wrote wins, in the units of the axes (hours for times)."""
    left = united(layer for layer in layers if layer.side is Side.LEFT) or Bounds(0.0, 1.0, 0.0, 1.0)
    whole = united(layers) or left
    count = panel.x.kind == "count"
    padding = max(0.015, 0.5 / max(1.0, whole.x_max - whole.x_min)) if count else 0.015
    per_x = 3600.0 if panel.x.kind == "duration" else 1.0
    x_0, x_1 = fitted(whole.x_min, whole.x_max, padding)
    y_0, y_1 = fitted(left.y_min, left.y_max, 0.06)
    x_0 = x_0 if style.x_min is None else style.x_min * per_x
    x_1 = x_1 if style.x_max is None else style.x_max * per_x
    y_0 = y_0 if style.y_min is None else style.y_min / factor
    y_1 = y_1 if style.y_max is None else style.y_max / factor
    sheet.x_range = (x_0, x_1) if x_1 > x_0 else fitted(x_0, x_0)
    sheet.y_range = (y_0, y_1) if y_1 > y_0 else fitted(y_0, y_0)
    right = united(layer for layer in layers if layer.side is Side.RIGHT)
    if right is not None:
        sheet.right_range = fitted(right.y_min, right.y_max, 0.1)


def table_of(report: Report) -> TableSheet:
    """Return the table of figures: groups with their cells, and as many columns as the paper holds."""
    look, room = style_of(report).look(), report.style.width_mm * UNITS_PER_MM
    found = [_table(report, TABLE_KEYS[:count]) for count in range(1, len(TABLE_KEYS) + 1)]
    return next((table for table in reversed(found) if table.width(look) <= room), found[0])


def _table(report: Report, keys: Sequence[str]) -> TableSheet:
    compare = report.compare
    columns, rows = columns_of(compare), rows_of(compare)
    known = [any(row.texts[place] != "-" for row in rows) for place in range(len(columns))]
    kept = [place for place, column in enumerate(columns) if column.key in keys and known[place]]
    heads = (tr("figures", "group, cell"), *(columns[place].head for place in kept))
    return TableSheet(
        heads,
        tuple((row.title, *(row.texts[place] for place in kept)) for row in rows),
        frozenset(index for index, row in enumerate(rows) if not row.run_id),
        tuple((row.title, *(row.plain[place] for place in kept)) for row in rows),
    )
