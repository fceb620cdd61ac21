"""The reports view by keyboard and mouse: what is seen is what is saved, at its size, as vectors (U10, issue 6)."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from fontTools.ttLib import TTFont
from pypdf import PdfReader
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit

from labctl.gui.i18n import translating
from labctl.gui.i18n.translating import Language, Languages
from labctl.gui.parts.why import why
from labctl.gui.plots import figure
from labctl.gui.plots.sheet import Sheet, axis_ticks, places_of
from labctl.gui.viewmodels import words
from labctl.gui.viewmodels.compare import Compare
from labctl.gui.viewmodels.edits import EditStack
from labctl.gui.viewmodels.reports import (
    Legend,
    Palette,
    Report,
    ReportStyle,
    SavedTemplates,
    Template,
    number_of,
    style_from_plain,
    style_to_plain,
)
from labctl.gui.views.compare.picker import PickDialog
from labctl.gui.views.reports import VIEW
from labctl.gui.views.reports.drawing import figure_of
from labctl.gui.views.reports.page import ReportView
from labctl.testing.guistudy import Desk, run_of, study, study_desk

pytestmark = pytest.mark.usefixtures("look")
KEY = Qt.Key
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def desk() -> Desk:
    return study_desk()


@pytest.fixture
def view(desk: Desk, session: Any, qtbot: Any) -> Iterator[ReportView]:
    made = VIEW.make(desk.context(session))
    assert isinstance(made, ReportView)
    qtbot.addWidget(made)
    made.retranslate()
    made.resize(1528, 892)
    with qtbot.waitActive(made, timeout=30_000):
        made.show()
        made.activateWindow()
    made.shown()
    yield made
    made.report.close()


def filled(view: ReportView, qtbot: Any, names: str = "F1 F2 F3 F4") -> None:
    view.undo.do(view.report.compare.add([run_of(name) for name in names.split()]))
    settle(view, qtbot)


def settle(view: ReportView, qtbot: Any) -> None:
    """Let the view draw what has changed."""
    qtbot.waitUntil(lambda: not view._soon.isActive(), timeout=30_000)
    QApplication.processEvents()
    view.refresh()


def choose(box: QComboBox, key: str) -> None:
    box.setCurrentIndex(box.findData(key))
    box.activated.emit(box.currentIndex())


def write(field: QLineEdit, text: str, qtbot: Any) -> None:
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text) if text.isascii() else field.setText(text)  # Qt types ASCII alone
    qtbot.keyClick(field, KEY.Key_Return)


def saved(view: ReportView, path: Path) -> Path:
    view.choose_file = lambda name: str(path)
    view.save(path.suffix[1:])
    return path


def texts_of(path: Path) -> list[str]:
    tree = fromstring(path.read_bytes())
    return ["".join(element.itertext()).strip() for element in tree.iter(f"{SVG}text")]


# -- from nothing to a file -------------------------------------------------------------------------------------------


def test_u10_a_figure_is_made_from_nothing_by_keyboard_and_saved_with_its_data(
    view: ReportView, desk: Desk, qtbot: Any, tmp_path: Path
) -> None:
    assert view.stack.currentWidget() is view.empty and why(view.saves["svg"]) == "Add cells first."
    view.empty_add.setFocus()
    qtbot.keyClick(view.empty_add, KEY.Key_Space)
    dialog = view.findChild(PickDialog)
    qtbot.keyClicks(dialog.search, "p5")
    dialog.table.selectAll()
    qtbot.keyClick(dialog.table, KEY.Key_Space)
    qtbot.keyClick(dialog.table, KEY.Key_Return)
    settle(view, qtbot)
    assert not view.told.isVisible() and view.bar.note.startswith("85 × 66 mm, type 7 pt")
    view.choose_file = lambda name: str(tmp_path / name)
    view.activateWindow()
    qtbot.waitUntil(view.isActiveWindow, timeout=30_000)
    qtbot.keyClick(view, KEY.Key_E, Qt.KeyboardModifier.ControlModifier)
    assert desk.said[-1] == "Saved capacity.svg, capacity.csv"
    words = texts_of(tmp_path / "capacity.svg")
    assert {"cycle number", "discharge capacity / mAh", "CE / %", "pristine", "Zn-coated"} <= set(words)
    head, *rows = list(csv.reader((tmp_path / "capacity.csv").read_text(encoding="utf-8").splitlines()))
    assert head[1] == "pristine: discharge capacity / mAh" and len(rows) == 40
    assert float(rows[0][1]) == pytest.approx(0.145 * 0.91)


def test_a_place_that_cannot_be_written_is_told_and_no_place_saves_nothing(
    view: ReportView, desk: Desk, qtbot: Any, tmp_path: Path
) -> None:
    filled(view, qtbot)
    saved(view, tmp_path / "no" / "such.pdf")
    assert "such.pdf" in desk.troubles[-1].why and not desk.said
    view.choose_file = lambda name: ""
    view.save("pdf")
    assert len(desk.troubles) == 1 and not desk.said


# -- issue line 6 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", [one for one in Template if one is not Template.TABLE])
@pytest.mark.parametrize("width_mm", [85.0, 170.0])
def test_every_template_is_a_vector_of_its_size_with_its_fonts_inside(
    template: Template, width_mm: float, tmp_path: Path
) -> None:
    names = "S1 S2 S3 S4" if template in (Template.LILI, Template.PROFILE) else "F1 F2 F3 F4"
    sheets, style = figure_of(a_report(names, template=template, width_mm=width_mm))
    count = 2 if template is Template.LILI else 1
    assert len(sheets) == count
    height_mm = 60.0 * count + style.footer_mm
    svg = figure.svg_bytes(sheets, style)
    tree = fromstring(svg)
    assert float(str(tree.get("width")).removesuffix("mm")) == width_mm
    assert float(str(tree.get("height")).removesuffix("mm")) == pytest.approx(height_mm, abs=0.01)
    assert b"<image" not in svg and svg == figure.svg_bytes(sheets, style)
    assert sum(len(re.findall(r"[ML]", one.get("d", ""))) for one in tree.iter(f"{SVG}path")) > 100
    (page,) = PdfReader(io.BytesIO(figure.pdf_bytes(sheets, style))).pages
    assert float(page.mediabox.width) / 72 * 25.4 == pytest.approx(width_mm, abs=0.2)
    assert float(page.mediabox.height) / 72 * 25.4 == pytest.approx(height_mm, abs=0.2)
    assert list(page.images) == []
    for font in page["/Resources"]["/Font"].values():
        (inner,) = font.get_object()["/DescendantFonts"]
        assert {"/FontFile2", "/FontFile3"} & set(inner.get_object()["/FontDescriptor"].get_object())
    text = re.sub(r"\s+", "", page.extract_text())
    assert "labctl" in text and "sha256" in text


def test_the_fonts_inside_an_svg_have_every_sign_that_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "translate", translating.tr)
    languages = Languages()
    languages.put_on(Language.CHINESE)
    try:
        sheets, style = figure_of(a_report("F1 F3"))
        svg = figure.svg_bytes(sheets, style).decode("utf-8")
    finally:
        languages.put_on(Language.ENGLISH)
    fonts = [TTFont(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"base64,([^)]+)\)", svg)]
    known = set().union(*(set(font.getBestCmap()) for font in fonts))
    tree = fromstring(svg)
    signs = {sign for one in tree.iter(f"{SVG}text") for sign in "".join(one.itertext())} - {"\n"}
    assert "循" in signs and {ord(sign) for sign in signs} <= known
    assert len(svg) < 400_000


def test_labels_of_a_narrow_figure_touch_neither_each_other_nor_their_titles() -> None:
    for template in (Template.CAPACITY, Template.PROFILE, Template.CURVES, Template.DQDV):
        names = "S1 S3" if template is Template.PROFILE else "F1 F3"
        for text_pt in (6.0, 9.0, 12.0):
            sheets, style = figure_of(a_report(names, template=template, text_pt=text_pt))
            (sheet,) = sheets
            assert isinstance(sheet, Sheet)
            look, metrics = style.look(), style.look().metrics()
            from PySide6.QtCore import QRectF

            places = places_of(QRectF(0, 0, 8500, 6000), sheet, look)
            x_ticks, y_ticks = axis_ticks(sheet, places.plot, look)
            span = sheet.x_range[1] - sheet.x_range[0]
            at = [places.plot.width() * (value - sheet.x_range[0]) / span for value in x_ticks.values]
            halves = [metrics.horizontalAdvance(label) / 2 for label in x_ticks.labels]
            for left, right in zip(range(len(at) - 1), range(1, len(at)), strict=True):
                assert at[left] + halves[left] < at[right] - halves[right]
            widest = max(metrics.horizontalAdvance(label) for label in y_ticks.labels)
            assert widest + metrics.height() < places.plot.left()


def a_report(names: str, **style: Any) -> Report:
    """Return a report of cells of the study, its curves loaded."""
    lab, asks = study()
    report, stack = Report(lab, asks, "1.2.3"), EditStack()
    stack.do(report.compare.add([run_of(name) for name in names.split()]))
    stack.do(report.set(**style))
    report.panels()
    return report


# -- style ------------------------------------------------------------------------------------------------------------


def test_every_field_of_the_style_changes_the_page_and_undoes(
    view: ReportView, qtbot: Any, tmp_path: Path
) -> None:
    filled(view, qtbot)
    form = view.form
    qtbot.mouseClick(form.width_mm.part("170"), Qt.MouseButton.LeftButton)
    write(form.numbers["text_pt"], "9", qtbot)
    write(form.numbers["y_min"], "0.1", qtbot)
    write(form.numbers["x_max"], "20", qtbot)
    write(form.titles["y_title"], "Q / µAh cm⁻²", qtbot)
    choose(form.legend, "cells")
    choose(form.palette_box, "grey")
    choose(form.marker, "s")
    choose(form.per, "cm2")
    settle(view, qtbot)
    style = view.report.style
    assert (style.width_mm, style.text_pt, style.y_min, style.x_max) == (170.0, 9.0, 0.1, 20.0)
    assert (style.legend, style.palette, style.marker) == (Legend.CELLS, Palette.GREY, "s")
    words = texts_of(saved(view, tmp_path / "a.svg"))
    assert "Q / µAh cm⁻²" in words and "F1" in words and "25" not in words
    tree = fromstring((tmp_path / "a.svg").read_bytes())
    sizes = {float(one.get("font-size", "0")) / 100 / 25.4 * 72 for one in tree.iter(f"{SVG}text")}
    assert max(sizes) == pytest.approx(9.0, rel=0.01)
    for _ in range(9):
        view.undo.undo()
    settle(view, qtbot)
    assert view.report.style == ReportStyle() and form.numbers["text_pt"].text() == "7"


def test_a_size_that_is_no_size_is_refused_where_it_is_written(view: ReportView, qtbot: Any) -> None:
    filled(view, qtbot)
    field = view.form.numbers["text_pt"]
    write(field, "99", qtbot)
    assert field.toolTip() == "From 4 to 20." and view.report.style.text_pt == 7.0
    write(field, "big", qtbot)
    assert field.toolTip() == "Write a number."
    assert number_of("x_min", "") == (None, "") and number_of("x_min", "−2")[0] == -2.0
    assert number_of("line_pt", "")[1] and number_of("x_max", "nan")[1]


def test_provenance_names_the_runs_the_version_and_the_data_and_can_be_left_out(
    view: ReportView, qtbot: Any, tmp_path: Path
) -> None:
    import hashlib

    filled(view, qtbot, "F1 F3")
    words = texts_of(saved(view, tmp_path / "a.svg"))
    assert "runs run-F1, run-F3" in words
    digest = hashlib.sha256((tmp_path / "a.csv").read_bytes()).hexdigest()[:16]
    assert any(word.endswith(f"sha256 {digest}") for word in words)
    qtbot.mouseClick(view.form.provenance, Qt.MouseButton.LeftButton)
    settle(view, qtbot)
    assert not any("sha256" in word for word in texts_of(saved(view, tmp_path / "b.svg")))


def test_a_template_is_saved_for_the_user_and_taken_again(
    view: ReportView, desk: Desk, session: Any, qtbot: Any
) -> None:
    filled(view, qtbot)
    write(view.form.numbers["line_pt"], "0.5", qtbot)
    view.ask_name = lambda: "thin"
    qtbot.mouseClick(view.keep, Qt.MouseButton.LeftButton)
    assert desk.said[-1] == "Template thin saved"
    choose(view.style_of, "*")
    assert view.report.style.line_pt == 1.0
    choose(view.style_of, "thin")
    assert view.report.style.line_pt == 0.5
    again = SavedTemplates(session.get("reports/templates", {}))
    assert again.names == ("thin",) and again.style("thin") == view.report.style
    view.ask_name = lambda: "  "
    view.save_template()
    assert "name" in desk.troubles[-1].why


def test_a_style_of_another_version_is_taken_as_far_as_it_is_understood() -> None:
    made = style_from_plain({"text_pt": 9, "width_mm": -1, "palette": "mauve", "legend": "cells", "x_min": None,
                             "provenance": "no", "marker": 3, "shape": "round"})  # fmt: skip
    assert made == ReportStyle(text_pt=9.0, legend=Legend.CELLS)
    assert style_from_plain(style_to_plain(made)) == made


def test_another_template_forgets_the_ranges_of_the_old_axes() -> None:
    report = a_report("F1", x_min=3.0, y_title="mine")
    edit = report.set(template=Template.DQDV)
    assert edit is not None
    edit.redo()
    assert (
        report.style.x_min is None
        and report.style.y_title == ""
        and report.set(template=Template.DQDV) is None
    )


def test_one_cell_alone_is_coloured_by_cycle_and_its_cycles_are_named(qapp: Any) -> None:
    (panel,) = a_report("F1", template=Template.CURVES).panels()
    assert {one.name for one in panel.series} == {"cycle 1", "cycle 2", "cycle 5", "cycle 10", "cycle 20", "cycle 30",
                                                  "cycle 40"}  # fmt: skip
    (panel,) = a_report("F1 F3", template=Template.CURVES, legend=Legend.NONE).panels()
    assert {one.name for one in panel.series} == {""}


# -- table, copies, preview -------------------------------------------------------------------------------------------


def test_the_table_drops_columns_before_it_cuts_a_number(
    view: ReportView, qtbot: Any, tmp_path: Path
) -> None:
    filled(view, qtbot)
    choose(view.template, "table")
    settle(view, qtbot)
    narrow = texts_of(saved(view, tmp_path / "t.svg"))
    assert "kept / %" in narrow and "97.3 ± 0.0" not in narrow and not any("…" in word for word in narrow)
    qtbot.mouseClick(view.form.width_mm.part("170"), Qt.MouseButton.LeftButton)
    settle(view, qtbot)
    wide = texts_of(saved(view, tmp_path / "w.svg"))
    assert len(wide) > len(narrow) and not any("…" in word for word in wide)
    head, *rows = list(csv.reader((tmp_path / "w.csv").read_text(encoding="utf-8").splitlines()))
    assert head[0] == "group, cell" and [row[0] for row in rows][1] == "F1"


def test_a_figure_is_copied_as_vector_and_as_data(view: ReportView, desk: Desk, qtbot: Any) -> None:
    filled(view, qtbot)
    qtbot.mouseClick(view.copy, Qt.MouseButton.LeftButton)
    mime = QGuiApplication.clipboard().mimeData()
    assert mime.hasFormat("image/svg+xml") and mime.hasFormat("application/pdf") and mime.hasImage()
    qtbot.mouseClick(view.copy_data, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text().splitlines()[0].startswith("pristine: cycle number\t")
    assert desk.said == ["The figure is copied", "The data are copied"]


def test_the_preview_shows_the_page_at_true_size_and_larger(
    view: ReportView, qtbot: Any, tmp_path: Path
) -> None:
    filled(view, qtbot)
    sheet = view.preview.sheet
    true_px = 85.0 / 25.4 * sheet.dots_per_inch
    assert sheet.sizeHint().width() - 48 == pytest.approx(true_px, abs=2)
    choose(view.zoom, "2")
    assert sheet.sizeHint().width() - 48 == pytest.approx(2 * true_px, abs=3)
    choose(view.zoom, "0")
    assert sheet.sizeHint().width() == pytest.approx(view.preview.viewport().width(), abs=3)
    image = QImage(str(saved(view, tmp_path / "a.png")))
    assert (
        image.width() == pytest.approx(85.0 / 25.4 * 300, abs=2)
        and image.pixelColor(3, 3).name() == "#ffffff"
    )


# -- the window -------------------------------------------------------------------------------------------------------


def test_a_comparison_is_taken_over_with_its_groups_and_undone(
    view: ReportView, desk: Desk, qtbot: Any
) -> None:
    other, stack = Compare(desk.lab, desk.asks), EditStack()
    stack.do(other.add([run_of("F1"), run_of("F3")]))
    stack.do(other.rename_group("Zn-coated", "750 nm"))
    view.open_on(other)
    settle(view, qtbot)
    assert view.report.compare.groups == ("pristine", "750 nm")
    view.undo.undo()
    assert view.report.compare.members == ()
    view.open_on("nothing that it knows")
    other.close()


def test_cells_are_named_hidden_and_taken_out_in_the_report(
    view: ReportView, qtbot: Any, tmp_path: Path
) -> None:
    filled(view, qtbot, "F1 F3")
    view.tree.rename_asked.emit("", "pristine", "bare Li")
    view.tree.setFocus()
    view.tree.select_run("run-F3")
    qtbot.keyClick(view.tree, KEY.Key_Space)
    settle(view, qtbot)
    view.undo.do(view.report.set(legend=Legend.GROUPS))
    words = texts_of(saved(view, tmp_path / "a.svg"))
    assert "bare Li" in words and "Zn-coated" not in words
    qtbot.keyClick(view.tree, KEY.Key_Delete)
    settle(view, qtbot)
    assert len(view.report.compare.members) == 1


def test_the_figure_is_kept_for_the_next_start(
    view: ReportView, desk: Desk, session: Any, qtbot: Any
) -> None:
    filled(view, qtbot, "F1 F3")
    view.undo.do(view.report.set(template=Template.DQDV, text_pt=8.0))
    other = VIEW.make(study_desk().context(session))
    assert isinstance(other, ReportView)
    qtbot.addWidget(other)
    other.retranslate()
    other.restore_state(view.save_state())
    assert other.report.style == view.report.style and len(other.report.compare.members) == 2
    other.restore_state({"style": 3, "compare": None})
    other.report.close()


def test_u17_every_control_of_a_report_has_a_name_in_both_languages(view: ReportView, qtbot: Any) -> None:
    filled(view, qtbot)
    languages = Languages()
    for language, word in ((Language.CHINESE, "报告"), (Language.ENGLISH, "Reports")):
        languages.put_on(language)
        QApplication.processEvents()
        view.retranslate()
        assert view.title.text() == word
        for kind in (QAbstractButton, QComboBox, QLineEdit):
            for control in view.findChildren(kind):
                if control.isVisible():
                    assert control.accessibleName() or control.toolTip()


def test_commands_of_a_report_save_and_draw(view: ReportView, qtbot: Any) -> None:
    assert {one.why for one in view.commands() if one.text.startswith("Save")} == {"Add cells first."}
    filled(view, qtbot)
    {one.text: one for one in view.commands()}["Draw: dQ/dV"].run()
    assert view.report.style.template is Template.DQDV
