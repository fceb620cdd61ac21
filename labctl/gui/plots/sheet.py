"""One plot, ready to be drawn: the same drawing serves the window and the figure on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from labctl.gui.plots.band import BAND_PX, StepBand
from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.fields import Field, FieldKind
from labctl.gui.plots.layer import Layer, LegendEntry, Side
from labctl.gui.plots.legend import draw_legend, entries_of, legend_rows, legend_width
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.raster import CURVES_MIN, Raster
from labctl.gui.plots.ticks import THIN, Ticks, ticks_for

LEFT_PX, RIGHT_PX, RIGHT_AXIS_PX = 56, 14, 56
TOP_PX, HEADER_PX, ROW_PX = 10, 22, 15
BOTTOM_PX, BOTTOM_SLIM_PX = 42, 22
TICK_PX, MINOR_PX = 4, 2.5
LABEL_EVERY_PX = 52
LOW_PX = 44
"""A plot lower than this has two figures on its y axis."""
WIDER_PX = 8
"""A margin on screen grows in steps, so that a plot does not move with each digit."""


@dataclass(slots=True)
class Sheet:
    """What a plot shows. Ranges are in axis units (log10 of the data on a log axis)."""

    x_field: Field
    y_field: Field
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    right_field: Field | None = None
    right_range: tuple[float, float] = (0.0, 1.0)
    layers: Sequence[Layer] = ()
    title: str = ""
    note: str = ""
    header: bool = False
    """Whether room for title and note is kept above the plot."""
    band: StepBand | None = None
    log_x: bool = False
    log_y: bool = False
    x_title: bool = True
    x_labels: bool = True
    y_title: bool = True
    legend: bool = False
    """Whether the legend stands above the plot, in as many rows as it needs."""
    legend_beside: bool = False
    """On screen: the legend stands at the right of the title, in one line, what does not fit counted."""
    least_left: float = 0.0
    """How much wider than usual the left margin is at least, in painting units: plots below each other align by it."""
    least_right: float = 0.0
    """The same of the right margin."""
    equal: bool = False
    """Whether both axes have one scale (Nyquist): of a paper that does not suit, one axis shows more."""
    raster: Raster = field(default_factory=Raster)

    def x_room(self, low: float, high: float) -> float:
        """Return the share of room beside the data on x: half a count at least, for the marker of the first."""
        count = self.x_field.kind is FieldKind.COUNT and not self.log_x
        return max(0.01, 0.5 / max(1.0, high - low)) if count else 0.02


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of a plot are, in painting units."""

    whole: QRectF
    plot: QRectF
    header: QRectF
    band: QRectF
    legend: tuple[tuple[LegendEntry, ...], ...] = ()


def places_of(whole: QRectF, sheet: Sheet, look: PlotLook) -> Places:
    """Return where the parts of a plot lie.

    Margins are fixed, so that stacked plots align; only labels that would run into their title make them wider.
    """
    size = look.text_pt / 9.0

    def px(length: float) -> float:
        return look.px(length) * size

    room = whole.width() - px(LEFT_PX + (RIGHT_AXIS_PX if sheet.right_field else RIGHT_PX)) - px(WIDER_PX)
    rows = _legend_rows(sheet, look, room)
    header = px(HEADER_PX) if sheet.header or sheet.title or sheet.note else 0.0
    header += (px(ROW_PX) * len(rows) + (px(HEADER_PX - ROW_PX) if not header else 0.0)) if rows else 0.0
    band = px(BAND_PX) + look.px(2) if sheet.band is not None else 0.0
    top = (header or px(TOP_PX)) + band
    bottom = px(BOTTOM_PX) if sheet.x_title else px(BOTTOM_SLIM_PX) if sheet.x_labels else px(TOP_PX)
    right = px(RIGHT_AXIS_PX if sheet.right_field else RIGHT_PX)
    plot = whole.adjusted(px(LEFT_PX), top, -right, -bottom)
    if plot.width() > 1 and plot.height() > 1:
        left, more = _widened(sheet, plot, look)
        plot = plot.adjusted(max(left, sheet.least_left), 0.0, -max(more, sheet.least_right), 0.0)
    if plot.width() < 1 or plot.height() < 1:
        plot = QRectF(plot.left(), plot.top(), max(1.0, plot.width()), max(1.0, plot.height()))
    if not look.paper:
        plot = QRectF(round(plot.left()), round(plot.top()), round(plot.width()), round(plot.height()))
    return Places(
        whole,
        plot,
        QRectF(plot.left(), whole.top(), plot.width(), header),
        QRectF(plot.left(), plot.top() - band, plot.width(), max(0.0, band - look.px(2))),
        tuple(tuple(row) for row in rows),
    )


def _widened(sheet: Sheet, plot: QRectF, look: PlotLook) -> tuple[float, float]:
    """Return how much wider the left and the right margin must be for their labels."""
    found = []
    sides = [(sheet.y_field, sheet.y_range, LEFT_PX, sheet.log_y, sheet.y_title)]
    if sheet.right_field is not None:
        sides.append((sheet.right_field, sheet.right_range, RIGHT_AXIS_PX, False, True))
    for field_, shown, room_px, log, titled in sides:
        ticks = _vertical(field_, shown, plot, look, log=log)
        metrics = look.metrics()
        wide = max((metrics.horizontalAdvance(label) for label in ticks.labels), default=0.0)
        title = metrics.height() + look.px(6) if titled and ticks.title else look.px(4)
        short = wide + look.px(TICK_PX + 3) + title - look.px(room_px) * (look.text_pt / 9.0)
        step = 0.0 if look.paper else look.px(WIDER_PX)
        found.append(max(0.0, short if not step else step * -(-short // step)))
    return found[0], found[1] if len(found) > 1 else 0.0


def align(sheets: Sequence[tuple[QRectF, Sheet]], look: PlotLook) -> bool:
    """Give plots below each other the same margins, the widest that one of them needs; True where one has moved."""
    before = [(sheet.least_left, sheet.least_right) for _, sheet in sheets]
    lefts, rights = [], []
    for whole, sheet in sheets:
        sheet.least_left = sheet.least_right = 0.0
        plot = places_of(whole, sheet, look).plot
        lefts.append(plot.left() - whole.left())
        rights.append(whole.right() - plot.right())
    size = look.text_pt / 9.0
    for _, sheet in sheets:
        own = look.px(RIGHT_AXIS_PX if sheet.right_field else RIGHT_PX) * size
        sheet.least_left = max(0.0, max(lefts) - round(look.px(LEFT_PX) * size))
        sheet.least_right = max(0.0, max(rights) - own)
    return before != [(sheet.least_left, sheet.least_right) for _, sheet in sheets]


def equalised(sheet: Sheet, plot: QRectF) -> Sheet:
    """Return a sheet whose axes have one scale in a plot of this shape; it shows all that was shown, and more."""
    if not sheet.equal:
        return sheet
    (x_0, x_1), (y_0, y_1) = sheet.x_range, sheet.y_range
    unit = max((x_1 - x_0) / plot.width(), (y_1 - y_0) / plot.height())
    x_more, y_more = (unit * plot.width() - (x_1 - x_0)) / 2, (unit * plot.height() - (y_1 - y_0)) / 2
    return replace(sheet, x_range=(x_0 - x_more, x_1 + x_more), y_range=(y_0 - y_more, y_1 + y_more))


def canvas_of(
    sheet: Sheet, plot: QRectF, look: PlotLook, *, ratio: float = 1.0, right: bool = False
) -> Canvas:
    """Return the canvas of the left or the right axis."""
    return Canvas(
        plot, sheet.x_range, sheet.right_range if right else sheet.y_range, look,
        sheet.log_x, sheet.log_y and not right, ratio, look.paper,
    )  # fmt: skip


def draw_sheet(
    painter: QPainter, whole: QRectF, sheet: Sheet, look: PlotLook, *, ratio: float = 1.0
) -> Places:
    """Draw a whole plot into a rectangle."""
    places = places_of(whole, sheet, look)
    sheet = equalised(sheet, places.plot)
    canvas = canvas_of(sheet, places.plot, look, ratio=ratio)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing, True)
    painter.fillRect(places.plot, QColor(look.plot))
    x_ticks, y_ticks = axis_ticks(sheet, places.plot, look)
    _draw_grid(painter, canvas, x_ticks, y_ticks)
    painter.save()
    painter.setClipRect(places.plot)
    _draw_layers(painter, sheet, canvas, canvas_of(sheet, places.plot, look, ratio=ratio, right=True))
    painter.restore()
    _draw_frame(painter, whole, sheet, canvas, x_ticks, y_ticks)
    if sheet.band is not None:
        sheet.band.draw(painter, canvas, places.band)
    _draw_header(painter, sheet, places, look)
    painter.restore()
    return places


def _draw_layers(painter: QPainter, sheet: Sheet, left: Canvas, right: Canvas) -> None:
    """Draw all layers, lowest first; many curves go through one image."""
    shown = sorted((layer for layer in sheet.layers if layer.visible), key=lambda layer: layer.height)
    curves = [
        layer for layer in shown
        if isinstance(layer, EnvelopeCurve) and layer.side is Side.LEFT and not layer.predicted
    ]  # fmt: skip
    together = len(curves) >= CURVES_MIN and not left.vector
    done = False
    for layer in shown:
        if together and isinstance(layer, EnvelopeCurve) and layer in curves:
            if not done:
                sheet.raster.draw(painter, left, curves)
                done = True
            held = layer.envelope(left)
            if held is not None and len(held.x):
                layer.draw_marks(painter, left, held)
            continue
        painter.save()
        layer.draw(painter, right if layer.side is Side.RIGHT else left)
        painter.restore()


# -- axes -------------------------------------------------------------------------------------------------------------


def axis_ticks(sheet: Sheet, plot: QRectF, look: PlotLook) -> tuple[Ticks, Ticks]:
    """Return the ticks of x and of the left axis."""
    most = max(2, int(plot.width() / look.px(LABEL_EVERY_PX * look.text_pt / 9.0)))
    x_ticks = ticks_for(sheet.x_field, *sheet.x_range, most, log=sheet.log_x)
    metrics = look.metrics()
    while most > 2 and len(x_ticks.values) > 1:
        pitch = plot.width() * (x_ticks.values[1] - x_ticks.values[0]) / (sheet.x_range[1] - sheet.x_range[0])
        if max(metrics.horizontalAdvance(label) for label in x_ticks.labels) + look.px(10) < abs(pitch):
            break
        most -= 1
        x_ticks = ticks_for(sheet.x_field, *sheet.x_range, most, log=sheet.log_x)
    if sheet.equal and len(x_ticks.values) > 1:
        step = x_ticks.values[1] - x_ticks.values[0]
        low, high = sheet.y_range
        return x_ticks, ticks_for(sheet.y_field, low, high, max(2, math.ceil((high - low) / step)))
    return x_ticks, _vertical(sheet.y_field, sheet.y_range, plot, look, log=sheet.log_y)


def _vertical(field: Field, shown: tuple[float, float], plot: QRectF, look: PlotLook, *, log: bool) -> Ticks:
    least = 2 if plot.height() < look.px(LOW_PX) else 3
    return ticks_for(
        field, *shown, max(least, int(plot.height() / (1.75 * look.metrics().height()))), log=log
    )


def _places(ticks: Sequence[float], low: float, high: float, begin: float, length: float) -> list[float]:
    """Return where ticks lie between ``begin`` and ``begin + length``."""
    return [begin + (value - low) / ((high - low) or 1.0) * length for value in ticks]


def _draw_grid(painter: QPainter, canvas: Canvas, x_ticks: Ticks, y_ticks: Ticks) -> None:
    """Draw the grid below everything."""
    rect, look = canvas.rect, canvas.look
    painter.setPen(look.pen(look.grid))
    for x in _places(x_ticks.values, *canvas.x_range, rect.left(), rect.width()):
        x = canvas.snap(x)
        painter.drawLine(QLineF(x, rect.top(), x, rect.bottom()))
    for y in _places(y_ticks.values, *canvas.y_range, rect.bottom(), -rect.height()):
        y = canvas.snap(y)
        painter.drawLine(QLineF(rect.left(), y, rect.right(), y))


def _draw_frame(
    painter: QPainter, whole: QRectF, sheet: Sheet, canvas: Canvas, x_ticks: Ticks, y_ticks: Ticks
) -> None:
    """Draw frame, ticks, figures and titles."""
    rect, look = canvas.rect, canvas.look
    painter.setPen(look.pen(look.axis))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    half = 0.0 if canvas.vector else 0.5 / canvas.ratio
    frame = QRectF(rect.left() + half, rect.top() + half, rect.width() - 2 * half, rect.height() - 2 * half)
    painter.drawRect(frame)
    if sheet.x_labels:
        _draw_x(painter, sheet, canvas, x_ticks)
    if not sheet.y_title:
        y_ticks = replace(y_ticks, title="")
    _draw_y(painter, canvas, y_ticks, canvas.y_range, whole.left(), right=False)
    if sheet.right_field is not None:
        ticks = _vertical(sheet.right_field, sheet.right_range, rect, look, log=False)
        _draw_y(painter, canvas, ticks, sheet.right_range, whole.right(), right=True)


def _draw_x(painter: QPainter, sheet: Sheet, canvas: Canvas, ticks: Ticks) -> None:
    rect, look = canvas.rect, canvas.look
    metrics = look.metrics()
    painter.setPen(look.pen(look.axis))
    for values, length in ((ticks.values, TICK_PX), (ticks.minor, MINOR_PX)):
        for x in _places(values, *canvas.x_range, rect.left(), rect.width()):
            x = canvas.snap(x)
            painter.drawLine(QLineF(x, rect.bottom(), x, rect.bottom() + look.px(length)))
    painter.setFont(look.font())
    painter.setPen(QColor(look.muted))
    base = rect.bottom() + look.px(TICK_PX + 3) + metrics.ascent()
    places = _places(ticks.values, *canvas.x_range, rect.left(), rect.width())
    unit = "" if sheet.x_title or " / " not in ticks.title else THIN + ticks.title.rsplit(" / ", 1)[1]
    for x, bare in zip(places, ticks.labels, strict=True):
        label = bare + unit
        painter.drawText(QPointF(x - metrics.horizontalAdvance(label) / 2, base), label)
    if sheet.x_title:
        painter.setPen(QColor(look.text))
        wide = metrics.horizontalAdvance(ticks.title)
        painter.drawText(
            QPointF(rect.center().x() - wide / 2, base + metrics.height() + look.px(1)), ticks.title
        )


def _draw_y(
    painter: QPainter, canvas: Canvas, ticks: Ticks, shown: tuple[float, float], outer: float, *, right: bool
) -> None:
    """Draw ticks, figures and title of a standing axis; ``outer`` is the edge of the whole plot."""
    rect, look = canvas.rect, canvas.look
    metrics = look.metrics()
    edge, sign = (rect.right(), 1) if right else (rect.left(), -1)
    painter.setPen(look.pen(look.axis))
    for values, length in ((ticks.values, TICK_PX), (ticks.minor, MINOR_PX)):
        for y in _places(values, *shown, rect.bottom(), -rect.height()):
            y = canvas.snap(y)
            painter.drawLine(QLineF(edge, y, edge + sign * look.px(length), y))
    painter.setFont(look.font())
    painter.setPen(QColor(look.muted))
    middle = (metrics.ascent() - metrics.descent()) / 2
    for y, label in zip(
        _places(ticks.values, *shown, rect.bottom(), -rect.height()), ticks.labels, strict=True
    ):
        wide = metrics.horizontalAdvance(label)
        x = edge + look.px(TICK_PX + 3) if right else edge - look.px(TICK_PX + 3) - wide
        painter.drawText(QPointF(x, y + middle), label)
    painter.save()
    painter.setPen(QColor(look.text))
    painter.translate(outer - sign * (look.px(3) + metrics.height() / 2) + middle, rect.center().y())
    painter.rotate(-90)
    title = metrics.elidedText(ticks.title, Qt.TextElideMode.ElideRight, rect.height() + look.px(40))
    painter.drawText(QPointF(-metrics.horizontalAdvance(title) / 2, 0), title)
    painter.restore()


def _draw_header(painter: QPainter, sheet: Sheet, places: Places, look: PlotLook) -> None:
    """Write the title left and the note at the right, elided first; the legend below them."""
    area, rows = places.header, places.legend
    if area.height() <= 0:
        return
    size = look.text_pt / 9.0
    tall = look.px(ROW_PX) * size
    titled = area.height() - tall * len(rows) if sheet.header or sheet.title or sheet.note else 0.0
    _draw_title(painter, sheet, QRectF(area.left(), area.top(), area.width(), titled), look)
    top = area.top() + (titled or look.px(HEADER_PX - ROW_PX) * size * 0.5)
    for number, row in enumerate(rows):
        draw_legend(painter, QRectF(area.left(), top + number * tall, area.width(), tall), row, look)


def _draw_title(painter: QPainter, sheet: Sheet, area: QRectF, look: PlotLook) -> None:
    """Write title and note in one line."""
    if area.height() <= 0:
        return
    metrics, small = look.metrics(bold=True), look.metrics()
    base = area.center().y() + (metrics.ascent() - metrics.descent()) / 2
    painter.setFont(look.font(bold=True))
    painter.setPen(QColor(look.text))
    title = metrics.elidedText(sheet.title, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(QPointF(area.left(), base), title)
    room = area.width() - metrics.horizontalAdvance(title) - look.px(16)
    if sheet.legend and sheet.legend_beside and not look.paper:
        entries = legend_entries(sheet, look)
        wide = min(room, legend_width(entries, look))
        draw_legend(painter, QRectF(area.right() - wide, area.top(), wide, area.height()), entries, look)
        area = area.adjusted(0, 0, -wide - look.px(24), 0)
        room -= wide + look.px(24)
    if sheet.note and room > look.px(30):
        note = small.elidedText(sheet.note, Qt.TextElideMode.ElideRight, room)
        painter.setFont(look.font())
        painter.setPen(QColor(look.muted))
        painter.drawText(QPointF(area.right() - small.horizontalAdvance(note), base), note)


def _legend_rows(sheet: Sheet, look: PlotLook, room: float) -> list[list[LegendEntry]]:
    if not sheet.legend or (sheet.legend_beside and not look.paper):
        return []
    return legend_rows(legend_entries(sheet, look), look, room)


def legend_entries(sheet: Sheet, look: PlotLook) -> list[LegendEntry]:
    """Return the legend of what is visible."""
    return entries_of(sheet.layers, look)


def fitted(low: float, high: float, padding: float = 0.06) -> tuple[float, float]:
    """Return a range with room on both sides; a single value gets room that can be seen."""
    span = high - low
    if not (np.isfinite(low) and np.isfinite(high)):
        return 0.0, 1.0
    if span <= 0:
        span = max(abs(low) * 0.02, 1e-12) if low else 1.0
        return low - span, high + span
    return low - padding * span, high + padding * span
