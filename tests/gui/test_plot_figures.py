"""Figures on paper: size in mm, vectors only, fonts embedded, text that can be searched, the same bytes each time."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from pypdf import PdfReader
from pytestqt.qtbot import QtBot

from labctl.gui.plots import fields, figure
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.data import ArrayTrace
from labctl.gui.plots.figure import FigureStyle
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.look import look_of
from labctl.gui.plots.marks import LimitLine
from labctl.gui.plots.sheet import Sheet
from labctl.gui.plots.xy import XYCurve
from labctl.gui.theme import fonts
from labctl.gui.theme.tokens import DARK

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def sheets(qtbot: QtBot) -> list[Sheet]:
    """Two plots of a dark window: a long noisy curve with another beside it, and points by cycle."""
    fonts.load()
    rng = np.random.default_rng(1)
    t = np.arange(200_000.0)
    upper = PlotFrame(fields.test_time(), fields.voltage(), look_of(DARK))
    upper.add(
        EnvelopeCurve(ArrayTrace(t, 3.5 + 0.01 * rng.standard_normal(len(t))), name="C0021"),
        EnvelopeCurve(ArrayTrace(t, 3.2 + 0 * t), name="C0022", dash=(4.0, 2.0)),
        LimitLine(3.9, text="trip 3.90 V"),
    )
    lower = PlotFrame(fields.cycle_number(), fields.Field("Q", "mAh g⁻¹", 1e3), look_of(DARK))
    lower.add(XYCurve(np.arange(1.0, 51), np.linspace(0.15, 0.12, 50), line=False, marker="o", name="Q dis"))
    for plot in (upper, lower):
        qtbot.addWidget(plot)
        plot.resize(500, 300)
        plot.show()
        plot.fit()
    return [upper.sheet, lower.sheet]


@pytest.mark.parametrize("width_mm", figure.WIDTHS_MM)
def test_an_svg_has_its_size_in_mm_lines_and_text_and_no_image(sheets: list[Sheet], width_mm: float) -> None:
    style = FigureStyle(width_mm, heights_mm=(60.0, 45.0))
    tree = fromstring(figure.svg_bytes(sheets, style))
    assert (tree.get("width"), tree.get("height")) == (f"{width_mm:g}mm", "105mm")
    names = [element.tag for element in tree.iter()]
    assert f"{SVG}image" not in names
    text = " ".join("".join(element.itertext()).strip() for element in tree.iter(f"{SVG}text"))
    for words in ("voltage / V", "test time / h", "cycle number", "Q / mAh g⁻¹", "C0021", "trip 3.90 V"):
        assert words in text
    points = sum(len(re.findall(r"[ML]", element.get("d", ""))) for element in tree.iter(f"{SVG}path"))
    assert points > 500


def test_the_size_of_type_is_what_was_asked_in_points(sheets: list[Sheet]) -> None:
    for size_pt in (6.0, 7.0, 9.5):
        tree = fromstring(figure.svg_bytes(sheets, FigureStyle(text_pt=size_pt)))
        sizes = {float(element.get("font-size", "0")) for element in tree.iter(f"{SVG}text")}
        assert all(size / 100 / 25.4 * 72 == pytest.approx(size_pt, rel=0.01) for size in sizes if size)


def test_nothing_in_an_svg_lies_outside_the_paper(sheets: list[Sheet]) -> None:
    sheets[0].y_range = (3.49, 3.51)
    sheets[0].x_range = (50_000.0, 60_000.0)
    tree = fromstring(figure.svg_bytes(sheets[:1], FigureStyle(85.0, heights_mm=(60.0,))))
    for element in tree.iter(f"{SVG}path"):
        numbers = [float(word) for word in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", element.get("d", ""))]
        assert max(numbers[::2], default=0) <= 8500 and max(numbers[1::2], default=0) <= 6000


def test_the_same_figure_twice_is_the_same_bytes(sheets: list[Sheet]) -> None:
    style = FigureStyle()
    assert figure.svg_bytes(sheets, style) == figure.svg_bytes(sheets, style)


@pytest.mark.parametrize("width_mm", figure.WIDTHS_MM)
def test_a_pdf_has_one_page_of_its_size_embedded_fonts_and_no_image(
    sheets: list[Sheet], width_mm: float
) -> None:
    style = FigureStyle(width_mm, heights_mm=(60.0, 45.0))
    reader = PdfReader(io.BytesIO(figure.pdf_bytes(sheets, style)))
    (page,) = reader.pages
    width, height = (float(length) / 72 * 25.4 for length in (page.mediabox.width, page.mediabox.height))
    assert width == pytest.approx(width_mm, abs=0.2) and height == pytest.approx(105.0, abs=0.2)
    assert list(page.images) == []
    found = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert found
    for font in found:
        (inner,) = font["/DescendantFonts"]
        descriptor = inner.get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor), font["/BaseFont"]
    text = re.sub(r"\s+", "", page.extract_text())
    assert "voltage/V" in text and "cyclenumber" in text


def test_paper_is_white_whatever_the_window_is_unless_chosen(sheets: list[Sheet]) -> None:
    image = figure.image_of(sheets, FigureStyle())
    assert image.pixelColor(3, 3).name() == "#ffffff"
    assert image.dotsPerMeterX() == round(300 / 0.0254)
    dark = figure.image_of(sheets, FigureStyle(tokens=DARK))
    assert dark.pixelColor(3, 3).name() == DARK.plot.lower()


def test_data_beside_a_figure_are_those_that_are_drawn_in_the_units_of_the_axes(
    sheets: list[Sheet], tmp_path: Path
) -> None:
    written = figure.save_figure(tmp_path / "one.svg", sheets, FigureStyle())
    assert [path.name for path in written] == ["one.svg", "one.csv"]
    head, *rows = list(csv.reader(written[1].read_text(encoding="utf-8").splitlines()))
    assert "C0021: voltage / V min" in head and "Q dis: Q / mAh g⁻¹" in head
    column = head.index("Q dis: Q / mAh g⁻¹")
    values = [float(row[column]) for row in rows if row[column]]
    assert len(values) == 50 and values[0] == pytest.approx(150.0)


def test_a_figure_of_unknown_kind_is_refused(sheets: list[Sheet], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.svg, \.pdf"):
        figure.save_figure(tmp_path / "one.gif", sheets, FigureStyle())
    with pytest.raises(ValueError, match="2 plots need 2 heights"):
        FigureStyle(heights_mm=(1.0,)).heights(2)


def test_a_plot_is_copied_as_image_as_vector_and_as_data(sheets: list[Sheet], qtbot: QtBot) -> None:
    from PySide6.QtGui import QGuiApplication

    style = FigureStyle()
    clipboard = QGuiApplication.clipboard()
    figure.copy_image(sheets, style)
    assert clipboard.mimeData().hasImage()
    figure.copy_vector(sheets, style)
    assert bytes(clipboard.mimeData().data("image/svg+xml").data()) == figure.svg_bytes(sheets, style)
    assert bytes(clipboard.mimeData().data("application/pdf").data()).startswith(b"%PDF")
    figure.copy_data(sheets)
    assert clipboard.text().splitlines()[0].count("\t") >= 5
