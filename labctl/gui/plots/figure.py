"""Figures on paper: plots below each other as SVG, PDF, image and data. Vectors only; white unless chosen."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QMarginsF,
    QMimeData,
    QPointF,
    QRectF,
    QSize,
    QSizeF,
    Qt,
)
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPageLayout, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from labctl.gui.plots.cursors import Cursors
from labctl.gui.plots.data import Floats
from labctl.gui.plots.look import FAMILIES, UNITS_PER_MM, PlotLook, paper
from labctl.gui.plots.sheet import Sheet, canvas_of, draw_sheet, legend_entries, places_of
from labctl.gui.plots.svgfonts import with_fonts
from labctl.gui.plots.tablesheet import TableSheet
from labctl.gui.theme.tokens import LIGHT, Tokens

DPI = UNITS_PER_MM * 25.4
"""2,540: a unit is 0.01 mm."""
WIDTHS_MM = (85.0, 170.0)
"""One and two columns of the usual journals."""
ASPECT = 0.72
FOOTER_SIZE = 0.72
"""Type of the footer, as a share of that of the figure."""
MM_PER_PT = 25.4 / 72.0
Figure = Sequence[Sheet | TableSheet]


@dataclass(frozen=True, slots=True)
class FigureStyle:
    """Size in mm, type and lines in pt. ``heights_mm`` None = a good height for each plot."""

    width_mm: float = 85.0
    heights_mm: tuple[float, ...] | None = None
    text_pt: float = 7.0
    line_pt: float = 1.0
    tokens: Tokens = LIGHT
    families: tuple[str, ...] = FAMILIES
    title: str = ""
    """Title in the file's description, not on the paper."""
    legend: bool = True
    notes: bool = False
    """Whether cursors and the note at the upper right go to paper."""
    footer: tuple[str, ...] = ()
    """Lines below all plots: where the figure comes from."""

    @property
    def footer_mm(self) -> float:
        """Return the height of the footer."""
        lines = len(self.footer)
        return round((lines + 0.6) * FOOTER_SIZE * self.text_pt * MM_PER_PT * 1.3, 2) if lines else 0.0

    def look(self) -> PlotLook:
        """Return what it is drawn with."""
        return paper(text_pt=self.text_pt, line_pt=self.line_pt, tokens=self.tokens, families=self.families)

    def heights(self, count: int) -> tuple[float, ...]:
        """Return the height of each plot in mm. Raises: ValueError when they are not one for each."""
        if self.heights_mm is None:
            return (round(min(self.width_mm * ASPECT, 90.0) * (1.0 if count == 1 else 0.75), 2),) * count
        if len(self.heights_mm) != count:
            raise ValueError(f"{count} plots need {count} heights, not {len(self.heights_mm)}")
        return self.heights_mm


def _prepared(sheets: Figure, style: FigureStyle) -> list[Sheet | TableSheet]:
    """Return the sheets as they are printed: with a legend where two or more things have a name, without cursors."""
    look = style.look()
    found: list[Sheet | TableSheet] = []
    for sheet in sheets:
        if isinstance(sheet, TableSheet):
            found.append(sheet)
            continue
        named = len(legend_entries(sheet, look))
        layers = [layer for layer in sheet.layers if style.notes or not isinstance(layer, Cursors)]
        found.append(
            replace(
                sheet, layers=layers, legend=style.legend and named > 1, note=sheet.note if style.notes else "",
                x_title=True, x_labels=True, y_title=True,
            )
        )  # fmt: skip
    return found


def draw_figure(painter: QPainter, sheets: Figure, style: FigureStyle) -> None:
    """Draw plots below each other, in units of 0.01 mm."""
    look = style.look()
    top = 0.0
    painter.fillRect(_area(sheets, style), Qt.GlobalColor.white if style.tokens is LIGHT else look.plot)
    for sheet, tall_mm in zip(_prepared(sheets, style), _heights(sheets, style), strict=True):
        whole = QRectF(0.0, top, style.width_mm * UNITS_PER_MM, tall_mm * UNITS_PER_MM)
        if isinstance(sheet, TableSheet):
            sheet.draw(painter, whole, look)
        else:
            draw_sheet(painter, whole, sheet, look)
        top += whole.height()
    _draw_footer(painter, top, style, look)


def _heights(sheets: Figure, style: FigureStyle) -> list[float]:
    """Return the height of each part in mm; a table is as tall as its rows."""
    look = style.look()
    return [
        round(sheet.height(look) / UNITS_PER_MM, 2) if isinstance(sheet, TableSheet) else tall_mm
        for sheet, tall_mm in zip(sheets, style.heights(len(sheets)), strict=True)
    ]


def _draw_footer(painter: QPainter, top: float, style: FigureStyle, look: PlotLook) -> None:
    """Write the footer, muted and small; lines that are too long are elided."""
    size_pt = FOOTER_SIZE * style.text_pt
    metrics = look.metrics(size_pt)
    left, room = look.px(6), style.width_mm * UNITS_PER_MM - look.px(12)
    painter.setFont(look.font(size_pt))
    painter.setPen(QColor(look.muted))
    pitch = size_pt * MM_PER_PT * 1.3 * UNITS_PER_MM
    for number, line in enumerate(style.footer):
        shown = metrics.elidedText(line, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(left, top + number * pitch + metrics.ascent()), shown)


def _area(sheets: Figure, style: FigureStyle) -> QRectF:
    tall_mm = sum(_heights(sheets, style)) + style.footer_mm
    return QRectF(0.0, 0.0, round(style.width_mm * UNITS_PER_MM), round(tall_mm * UNITS_PER_MM))


@contextmanager
def _painting(device: QSvgGenerator | QPdfWriter | QImage) -> Iterator[QPainter]:
    painter = QPainter(device)
    try:
        yield painter
    finally:
        painter.end()


def svg_bytes(sheets: Figure, style: FigureStyle) -> bytes:
    """Return a figure as SVG: text stays text, its fonts are inside, and the same figure is the same bytes."""
    area = _area(sheets, style)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(round(DPI))
    generator.setSize(QSize(round(area.width()), round(area.height())))
    generator.setViewBox(area)
    generator.setTitle(style.title)
    generator.setDescription("")
    with _painting(generator) as painter:
        draw_figure(painter, sheets, style)
    return with_fonts(bytes(buffer.data().data()).decode("utf-8")).encode("utf-8")


def pdf_bytes(sheets: Figure, style: FigureStyle) -> bytes:
    """Return a figure as PDF of one page of its size, fonts embedded."""
    area = _area(sheets, style)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(round(DPI))
    size = QPageSize(QSizeF(area.width(), area.height()) / UNITS_PER_MM, QPageSize.Unit.Millimeter)
    layout = QPageLayout(size, QPageLayout.Orientation.Portrait, QMarginsF(), QPageLayout.Unit.Millimeter)
    layout.setMode(QPageLayout.Mode.FullPageMode)
    writer.setPageLayout(layout)
    writer.setTitle(style.title)
    writer.setCreator("labctl")
    with _painting(writer) as painter:
        draw_figure(painter, sheets, style)
    return bytes(buffer.data().data())


def image_of(sheets: Figure, style: FigureStyle, *, dots_per_inch: float = 300.0) -> QImage:
    """Return a figure as an image, for a clipboard or a slide."""
    area = _area(sheets, style)
    scale = dots_per_inch / DPI
    size = QSize(round(area.width() * scale), round(area.height() * scale))
    image = QImage(size, QImage.Format.Format_RGB32)
    image.setDotsPerMeterX(round(dots_per_inch / 0.0254))
    image.setDotsPerMeterY(round(dots_per_inch / 0.0254))
    image.fill(Qt.GlobalColor.white)
    with _painting(image) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(scale, scale)
        draw_figure(painter, sheets, style)
    return image


# -- data -------------------------------------------------------------------------------------------------------------


def csv_text(sheets: Figure, style: FigureStyle | None = None) -> str:
    """Return what is drawn as CSV: one block of columns a curve, in the units of the axes, head with quantity and unit.

    Columns are of unequal length; a shorter one ends in empty cells. Numbers have a decimal point and all their digits.
    """
    used = style or FigureStyle(170.0)
    look = used.look()
    heads: list[str] = []
    columns: list[list[str]] = []
    for sheet in sheets:
        if isinstance(sheet, TableSheet):
            heads += sheet.heads
            columns += [list(column) for column in zip(*(sheet.data or sheet.rows), strict=True)]
            continue
        plot = places_of(QRectF(0, 0, used.width_mm * UNITS_PER_MM, 60.0 * UNITS_PER_MM), sheet, look).plot
        canvas = canvas_of(sheet, plot, look)
        for number, layer in enumerate(layer for layer in sheet.layers if layer.visible):
            table = layer.table(canvas)
            y_field = sheet.right_field if layer.side == "right" and sheet.right_field else sheet.y_field
            name = layer.name or f"curve {number + 1}"
            for key, values in table.items():
                if key == "x":
                    unit = sheet.x_field.unit or {"duration": "s", "moment": "unix s"}.get(
                        sheet.x_field.kind, ""
                    )
                    heads.append(f"{name}: {sheet.x_field.title(unit)}")
                    columns.append(_cells(values, sheet.x_field.factor))
                elif key == "flags":
                    heads.append(f"{name}: flags (1 gap before, 4 back-filled, 8 BAD)")
                    columns.append([str(int(value)) for value in values])
                else:
                    word = "" if key == "value" else f" {key}"
                    heads.append(f"{name}: {y_field.title()}{word}")
                    columns.append(_cells(values, y_field.factor))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    for row in range(max((len(column) for column in columns), default=0)):
        writer.writerow([column[row] if row < len(column) else "" for column in columns])
    return out.getvalue()


def _cells(values: Floats, factor: float) -> list[str]:
    return ["" if np.isnan(value) else f"{value * factor:.10g}" for value in values.tolist()]


# -- out --------------------------------------------------------------------------------------------------------------


def save_figure(path: Path, sheets: Figure, style: FigureStyle, *, data: bool = True) -> tuple[Path, ...]:
    """Write a figure by its ending (.svg, .pdf, .png, .csv) with the CSV of what is drawn beside it; return the files.

    Raises: ValueError for another ending; OSError when a file cannot be written.
    """
    kind = path.suffix.casefold()
    if kind == ".svg":
        path.write_bytes(svg_bytes(sheets, style))
    elif kind == ".pdf":
        path.write_bytes(pdf_bytes(sheets, style))
    elif kind == ".png":
        path.write_bytes(_png(image_of(sheets, style)))
    elif kind == ".csv":
        path.write_text(csv_text(sheets, style), encoding="utf-8")
        return (path,)
    else:
        raise ValueError(f"A figure is .svg, .pdf, .png or .csv, not {path.suffix or 'without an ending'}.")
    if not data:
        return (path,)
    beside = path.with_suffix(".csv")
    beside.write_text(csv_text(sheets, style), encoding="utf-8")
    return path, beside


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub knows no bytes for the format here
    return bytes(buffer.data().data())


def copy_image(sheets: Figure, style: FigureStyle) -> None:
    """Put a figure on the clipboard as an image."""
    QGuiApplication.clipboard().setImage(image_of(sheets, style))


def copy_vector(sheets: Figure, style: FigureStyle) -> None:
    """Put a figure on the clipboard as SVG and PDF, with an image for programs that take no vectors."""
    mime = QMimeData()
    mime.setData("image/svg+xml", QByteArray(svg_bytes(sheets, style)))
    mime.setData("application/pdf", QByteArray(pdf_bytes(sheets, style)))
    mime.setImageData(image_of(sheets, style))
    QGuiApplication.clipboard().setMimeData(mime)


def copy_data(sheets: Figure, style: FigureStyle | None = None) -> None:
    """Put what is drawn on the clipboard as a tab-separated table with a head."""
    rows = csv.reader(io.StringIO(csv_text(sheets, style)))
    QGuiApplication.clipboard().setText("\n".join("\t".join(row) for row in rows))
