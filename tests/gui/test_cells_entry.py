"""Sixteen cells come from a spreadsheet, a wrong mass is asked in its row, everything is undone: keyboard alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication, QInputMethodEvent
from PySide6.QtWidgets import QApplication, QLineEdit

from labctl.gui.parts.why import why
from labctl.gui.viewmodels.cellcolumns import Col
from labctl.model.cell import ImportAction, ImportReport, ImportRow
from labctl.protocol.library import find_protocol
from labctl.testing.guilab import cell, empty, running, tell
from labctl.testing.guiviews import ViewBench, press, tab_to, type_text

pytestmark = pytest.mark.usefixtures("look")

HEADER = "slot\tcell id\ttype\tgroup\tmass / mg\tarea / cm²\tOCV\tbatch\tprotocol\tnote"


def sixteen() -> str:
    rows = [f"1-{n}\tC{180 + n:04}\tLFP\tcoated\t{0.92 + n / 1000:.3f}\t0.785\t2.894\t2026-04-B\thalf\tn{n}"
            for n in range(1, 17)]  # fmt: skip
    return "\n".join([HEADER, *rows])


class Told:
    """What the library of the station answers."""

    name, title, problem = "half", "LFP at C/2", ""
    text = find_protocol("p5-lfp-li-peo").read_text(encoding="utf-8")


@pytest.fixture
def bench(session: Any) -> ViewBench:
    made = ViewBench(session)
    made.asks.answers.update({"protocols.list": [Told()], "protocols.get": Told(), "batches.list": [],
                              "electrodes.list": [], "runs.list": []})  # fmt: skip
    tell(made.lab, *(empty(f"box:1-{n}", voltage_V=2.891) for n in range(1, 17)))
    return made


@pytest.fixture
def view(bench: ViewBench, qtbot: Any) -> Any:
    return bench.open("cells", qtbot)


def put(view: Any, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    tab_to(view.entry)
    press("Ctrl+V")


def shown(view: Any, row: int, column: Col) -> str:
    model = view.entry.rows_model
    return str(model.index(row, model.column(column.value)).data())


def test_u02_sixteen_rows_come_in_one_paste_and_one_undo_takes_them_all_out(view: Any) -> None:
    put(view, sixteen())
    assert len(view.cells.rows) == 16 and view.counted.text() == "16 rows"
    assert [shown(view, 0, column) for column in (Col.SLOT, Col.CELL, Col.KIND, Col.MASS, Col.OCV_MEAS)] == [
        "1-1", "C0181", "LFP", "0.921", "2.891",
    ]  # fmt: skip
    press("Ctrl+Z")
    assert view.cells.rows == () and view.hint.isVisible()
    press("Ctrl+Y")
    assert len(view.cells.rows) == 16


def test_what_is_typed_stays_when_news_of_its_row_comes_in_between(view: Any, bench: ViewBench) -> None:
    put(view, sixteen())
    view.entry.go_to(2, Col.MASS)
    press("F2")
    type_text("12")
    tell(bench.lab, empty("box:1-3", voltage_V=2.777))
    view.refresh()
    assert shown(view, 2, Col.OCV_MEAS) == "2.777"
    type_text("4")
    press("Return")
    assert shown(view, 2, Col.MASS).startswith("124")


def test_u02_a_bad_cell_is_marked_where_it_stands_and_typed_anew_in_place(view: Any) -> None:
    put(view, sixteen().replace("0.923", "heavy"))
    model = view.entry.rows_model
    field = model.rows[2][model.column(Col.MASS.value)]
    assert field.question and field.text == "heavy" and "no number" in field.why
    assert shown(view, 3, Col.MASS) == "0.924" and "15 cells" in view.save.text()
    view.entry.go_to(2, Col.MASS)
    press("F2")
    editor = QApplication.focusWidget()
    assert isinstance(editor, QLineEdit) and editor.text() == "heavy"
    editor.selectAll()
    type_text("0.923")
    press("Return")
    assert shown(view, 2, Col.MASS) == "0.923" and "16 cells" in view.save.text()
    assert view.entry.place[0] == 3, "Enter goes one row down"


def test_an_input_method_may_begin_and_end_a_text_in_the_table(view: Any) -> None:
    put(view, sixteen())
    view.entry.go_to(0, Col.NOTE)
    event = QInputMethodEvent("zhong", [])
    QApplication.sendEvent(view.entry, event)
    (editor,) = view.entry.viewport().findChildren(QLineEdit)
    assert "zhong" not in editor.text(), "what is still being composed is not taken"
    type_text("镀锌，第一批", view.entry)
    press("Return", editor)
    assert shown(view, 0, Col.NOTE).endswith("镀锌，第一批")


def test_fill_down_copies_the_first_row_and_counts_ids_on(view: Any) -> None:
    put(view, sixteen())
    view.entry.go_to(0, Col.GROUP)
    press("F2")
    QApplication.focusWidget().selectAll()
    type_text("pristine")
    press("Return")
    view.entry.go_to(0, Col.GROUP)
    for _ in range(7):
        press("Shift+Down")
    assert why(view.fill_button) == ""
    view.entry.selectionModel().setCurrentIndex(
        view.entry.rows_model.index(0, view.entry.rows_model.column(Col.GROUP.value)),
        view.entry.selectionModel().SelectionFlag.NoUpdate,
    )
    press("Ctrl+D")
    assert [shown(view, row, Col.GROUP) for row in (0, 7, 8)] == ["pristine", "pristine", "coated"]
    press("Ctrl+Z")
    assert shown(view, 7, Col.GROUP) == "coated"


def test_a_barcode_scanner_types_an_id_and_enter_again_and_again(view: Any, bench: ViewBench) -> None:
    bench.lab.take_cells([cell("C0500", active_mass_mg=1.25)])
    tab_to(view.scan_button)
    press("Space")
    assert QApplication.focusWidget() is view.scan_field
    for code in ("C0500", "C0501", "C0500"):
        type_text(code)
        press("Return")
    assert [row.text(Col.CELL) for row in view.cells.rows] == ["C0500", "C0501"]
    assert shown(view, 0, Col.MASS) == "1.250", "what the registry knows comes along"
    assert view.scan_field.text() == "" and view.scan_field.hasFocus()


def test_u03_a_wrong_mass_is_asked_once_in_its_row_with_the_current_it_would_set(view: Any) -> None:
    put(view, sixteen().replace("0.923", "9.230"))
    assert view.counted.text() == "16 rows  1 question"
    assert [button.text().split(":")[0] for button in view.entry.answers] == ["Keep", "Use"]
    assert all("µA" in button.text() for button in view.entry.answers)
    assert view.question.isVisible() and [button.text() for button in view.question.buttons] == [
        "Keep 9.230", "Use 0.923", "Edit",
    ]  # fmt: skip
    assert not QApplication.activeModalWidget() and "needs an answer" in view.bar.note
    tab_to(view.entry.answers[1])
    press("Space")
    assert shown(view, 2, Col.MASS) == "0.923" and not view.question.isVisible()
    press("Ctrl+Z", view.entry)
    assert view.question.isVisible()
    tab_to(view.question.buttons[0])
    press("Space")
    assert shown(view, 2, Col.MASS) == "9.230" and view.counted.text() == "16 rows", (
        "kept values are not asked again"
    )


def test_a_slot_that_holds_another_cell_is_said_in_the_row(view: Any, bench: ViewBench) -> None:
    tell(bench.lab, running("box:1-2", cell="C0155"))
    put(view, sixteen())
    assert "C0155 is still in the slot" in shown(view, 1, Col.PROBLEM)
    assert "Review and start 15" in view.start.text()


def test_u05_an_ocv_that_does_not_fit_is_said_before_anything_is_started(view: Any, bench: ViewBench) -> None:
    tell(bench.lab, empty("box:1-4", voltage_V=0.002))
    put(view, sixteen())
    assert "0.002 V, not 2.894 V" in shown(view, 3, Col.PROBLEM)


def test_saving_tells_what_became_of_it_and_the_review_opens_with_the_rows_that_are_ready(
    view: Any, bench: ViewBench
) -> None:
    put(view, sixteen())
    names = [row.text(Col.CELL) for row in view.cells.rows]
    report = ImportReport("pasted.csv", False, tuple(ImportRow(n + 2, name, ImportAction.NEW)
                                                     for n, name in enumerate(names)))  # fmt: skip
    bench.asks.answers["cells.import_table"] = report
    bench.asks.answers["cells.list"] = [cell(name, ocv_V=2.894) for name in names]
    press("F5")
    assert bench.said == ["Cells saved: 16 new, 0 changed, 0 as they were"]
    ((view_id, wishes),) = bench.gone
    assert view_id == "start" and len(wishes) == 16
    assert (wishes[0].channel, wishes[0].cell_id, wishes[0].protocol) == ("box:1-1", "C0181", "half")


def test_acts_that_cannot_be_say_why(view: Any) -> None:
    for button in (
        view.assign,
        view.save,
        view.remove_button,
        view.fill_button,
        view.undo_button,
        view.start,
    ):
        assert why(button), button.text()


def test_assigned_slots_follow_the_cabinet_and_rows_can_be_taken_out(view: Any) -> None:
    put(view, "cell id\ttype\nC1\tsym\nC2\tsym\nC3\tsym")
    tab_to(view.assign)
    press("Space")
    assert [shown(view, row, Col.SLOT) for row in range(3)] == ["1-1", "1-2", "1-3"]
    view.entry.go_to(1, Col.CELL)
    press("Ctrl+Delete")
    assert [row.text(Col.CELL) for row in view.cells.rows] == ["C1", "C3"]
    press("Ctrl+Z")
    assert len(view.cells.rows) == 3


def test_a_file_of_a_chinese_spreadsheet_and_a_workbook_are_read(view: Any, tmp_path: Path) -> None:
    from openpyxl import Workbook

    csv_file = tmp_path / "cells.csv"
    csv_file.write_bytes("电池编号,类型,质量 (mg)\nC900,对称,1.2\n".encode("gb18030"))
    view.take_file(csv_file)
    assert view.cells.rows[0].text(Col.KIND) == "symmetric"
    book = Workbook()
    assert book.active is not None
    for row in (["cell id", "type", "mass / mg"], ["C901", "LFP", 0.92]):
        book.active.append(row)
    book.save(tmp_path / "cells.xlsx")
    view.take_file(tmp_path / "cells.xlsx")
    assert [row.text(Col.CELL) for row in view.cells.rows] == ["C900", "C901"]
    assert view.cells.rows[1].number(Col.MASS) == 0.92


def test_a_file_that_is_no_table_is_refused_in_words(view: Any, bench: ViewBench, tmp_path: Path) -> None:
    wrong = tmp_path / "cells.xlsx"
    wrong.write_bytes(b"not a workbook")
    view.take_file(wrong)
    assert "is no workbook" in bench.troubles[0].why and view.cells.rows == ()


def test_slots_of_the_station_view_become_rows_and_the_map_shows_them(view: Any) -> None:
    view.open_on({"slots": ["box:1-3", "box:1-4"]})
    assert [row.text(Col.SLOT) for row in view.cells.rows] == ["1-3", "1-4"]
    assert "this table 2" in view.slots.figure.accessibleDescription()


def test_the_map_gives_its_slot_to_the_row_at_hand(view: Any, qtbot: Any) -> None:
    put(view, "cell id\ttype\nC1\tsym")
    view.entry.go_to(0, Col.CELL)
    view.slots.figure.wanted.emit("1-5")
    assert shown(view, 0, Col.SLOT) == "1-5"


def test_every_control_has_a_name_and_the_slash_goes_to_the_filter(view: Any) -> None:
    from PySide6.QtWidgets import QAbstractButton

    put(view, sixteen().replace("0.923", "9.230"))
    nameless = [
        found for kind in (QAbstractButton, QLineEdit) for found in view.findChildren(kind)
        if found.isVisible() and not found.accessibleName()
    ]  # fmt: skip
    assert nameless == []
    view.search()
    assert QApplication.focusWidget() is view.registry_card.search


def test_the_right_column_becomes_a_tab_in_a_narrow_window(bench: ViewBench, qtbot: Any) -> None:
    view = bench.open("cells", qtbot, size=(1150, 700))
    assert view.parts.narrow and not view.slots.isVisible() and view.entry.isVisible()
    view.parts.parts.part("side").setFocus()
    press("Space")
    assert view.slots.isVisible() and not view.entry.isVisible()
    view.resize(1500, 900)
    qtbot.waitUntil(lambda: view.slots.isVisible() and view.entry.isVisible(), timeout=30_000)


def test_copy_gives_the_table_with_its_head_as_tab_separated_text(view: Any) -> None:
    put(view, sixteen())
    view.entry.selectAll()
    press("Ctrl+C", view.entry)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].startswith("#\tslot\tcell id") and len(lines) >= 17


def test_news_of_the_bench_leave_the_answers_and_the_keyboard_where_they_are(
    view: Any, bench: ViewBench
) -> None:
    put(view, sixteen().replace("0.923", "9.230"))
    tab_to(view.entry.answers[1])
    focused = QApplication.focusWidget()
    for volts in (2.892, 2.893, 2.894):
        tell(bench.lab, empty("box:1-9", voltage_V=volts))
        view.refresh()
    assert QApplication.focusWidget() is focused and focused is view.entry.answers[1]
    assert shown(view, 8, Col.OCV_MEAS) == "2.894"
