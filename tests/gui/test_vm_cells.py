"""Cells are pasted as the spreadsheet has them; bad ones marked in place, doubts asked in the row (U02, U03, U19)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.config.celltable import read_entries
from labctl.gui.viewmodels import words
from labctl.gui.viewmodels.cellcolumns import Col, block_of, guessed, header_of
from labctl.gui.viewmodels.cells import CellsTable, Look, counted, import_text
from labctl.gui.viewmodels.edits import Edit, EditStack
from labctl.gui.viewmodels.questions import open_questions
from labctl.model.cell import Cell, CellKind, ImportAction, ImportReport, ImportRow
from labctl.testing.guilab import FakeAsks, a_lab, cell, empty, running, tell

HEADER = "slot\tcell id\ttype\tgroup\tmass / mg\tarea / cm²\tOCV\tbatch\tprotocol\tnote"


def sixteen() -> str:
    rows = [f"1-{n}\tC{180 + n:04}\tLFP\tcoated\t{0.92 + n / 1000:.3f}\t0.785\t2.894\t2026-04-B\tLFP-PEO-0.5C\tn{n}"
            for n in range(1, 17)]  # fmt: skip
    return "\n".join([HEADER, *rows])


class Desk:
    """A table with its undo stack, as a view has them."""

    def __init__(self, channels: int = 16) -> None:
        self.lab = a_lab()
        tell(self.lab, *(empty(f"box:{n}", voltage_V=2.891) for n in range(1, channels + 1)))
        self.asks = FakeAsks()
        self.table = CellsTable(self.lab, self.asks)
        self.stack = EditStack()

    def do(self, edit: Edit | None) -> None:
        assert edit is not None
        self.stack.do(edit)


def test_u02_sixteen_rows_come_in_one_paste_and_one_undo_takes_them_out() -> None:
    desk = Desk()
    desk.do(desk.table.paste(sixteen()))
    assert len(desk.table.rows) == 16 and desk.table.summary() == "16 rows"
    shown = (Col.SLOT, Col.CELL, Col.KIND, Col.MASS, Col.AREA, Col.OCV)
    assert [desk.table.cell(0, column).text for column in shown] == [
        "1-1", "C0181", "LFP", "0.921", "0.785", "2.894",
    ]  # fmt: skip
    assert desk.stack.undo() == "paste 16 rows" and desk.table.rows == ()
    desk.stack.redo()
    assert len(desk.table.rows) == 16


def test_u02_a_bad_cell_is_marked_in_place_and_the_good_ones_are_kept() -> None:
    desk = Desk()
    desk.do(desk.table.paste(sixteen().replace("0.923", "heavy").replace("C0185", "C 0185!")))
    assert desk.table.summary() == "16 rows  2 bad"
    bad = desk.table.cell(2, Col.MASS)
    assert (bad.text, bad.look) == ("heavy", Look.BAD) and "no number" in bad.why
    assert desk.table.cell(2, Col.AREA).look is Look.PLAIN and desk.table.cell(2, Col.AREA).text == "0.785"
    assert "no id" in desk.table.problem(4) and desk.table.blocking(4) and not desk.table.blocking(3)
    desk.do(desk.table.set(2, Col.MASS, "０．９２３"))
    assert desk.table.cell(2, Col.MASS).text == "0.923" and not desk.table.blocking(2)


def test_u02_units_in_the_header_or_in_the_cell_are_understood() -> None:
    desk = Desk()
    desk.do(
        desk.table.paste(
            "Cell ID,Active mass (g),Area [mm2],Type\nC1,0.0124,113.1,sym\nC2,12.4 mg,1.131 cm2,sym"
        )
    )
    for row in (0, 1):
        assert [desk.table.cell(row, column).text for column in (Col.MASS, Col.AREA)] == ["12.400", "1.131"]


def test_u02_without_a_header_the_content_says_what_the_columns_are() -> None:
    block = block_of("C0041\t1-01\t12.41\t1.131\t2026-04-B\tfirst\nC0042\t1-02\t12.40\t1.131\t2026-04-B\t")
    assert header_of(block[0]) is None
    assert [header.column for header in guessed(block)] == [
        Col.CELL,
        Col.SLOT,
        Col.MASS,
        Col.AREA,
        Col.BATCH,
        Col.NOTE,
    ]
    swapped = block_of("1-1\tlfp\tC0041\t12.41")
    assert [header.column for header in guessed(swapped)] == [Col.SLOT, Col.KIND, Col.CELL, Col.MASS]


def test_u17_chinese_headers_and_full_width_numbers_are_read() -> None:
    desk = Desk()
    desk.do(desk.table.paste("电池编号\t类型\t质量 (mg)\t面积\t批次\t备注\nC1\t对称\t１２．４\t1.131\tB\t好"))
    row = desk.table.rows[0]
    assert (row.text(Col.CELL), row.text(Col.KIND), row.number(Col.MASS)) == ("C1", "symmetric", 12.4)
    assert row.text(Col.NOTE) == "好"


def test_a_block_without_a_header_goes_where_the_cursor_stands() -> None:
    desk = Desk()
    desk.do(desk.table.paste(sixteen()))
    desk.do(desk.table.paste("0.930\t0.8\n0.931\t0.8", row=3, column=Col.MASS))
    assert [desk.table.cell(row, Col.MASS).text for row in (2, 3, 4, 5)] == [
        "0.923",
        "0.930",
        "0.931",
        "0.926",
    ]
    assert desk.table.cell(4, Col.AREA).text == "0.800"


def test_pasting_known_cells_again_changes_their_rows() -> None:
    desk = Desk()
    desk.do(desk.table.paste(sixteen()))
    desk.do(desk.table.paste("cell id\tmass\nC0183\t0.930\nC9999\t0.9"))
    assert len(desk.table.rows) == 17 and desk.table.cell(2, Col.MASS).text == "0.930"
    assert desk.table.cell(2, Col.AREA).text == "0.785"


def test_u03_a_wrong_mass_is_asked_about_once_in_its_row_with_what_would_fit() -> None:
    desk = Desk()
    rows = "\n".join(
        ["cell id\ttype\tmass", "C1\tLFP\t0.921", "C2\tLFP\t0.927", "C3\tLFP\t9.240", "C4\tLFP\t0.924"]
    )
    desk.do(desk.table.paste(rows))
    assert desk.table.summary() == "4 rows  1 question"
    doubt = desk.table.doubt(2, Col.MASS)
    assert doubt is not None and doubt.suggestion == pytest.approx(0.924) and doubt.others == 3
    assert (
        doubt.text == "mass mg 9.240: 10.0 × the median of the other LFP cells in this batch (0.9240, n = 3)."
    )
    assert (
        desk.table.cell(2, Col.MASS).text == "9.240 ?" and desk.table.cell(2, Col.MASS).look is Look.QUESTION
    )
    assert desk.table.problem(2) == "10.0 × median?" and desk.table.blocking(2)
    desk.do(desk.table.keep(2, Col.MASS))
    assert desk.table.doubts() == {} and not desk.table.blocking(2)
    desk.stack.undo()
    desk.do(desk.table.use(2, Col.MASS))
    assert desk.table.cell(2, Col.MASS).text == "0.924" and desk.table.doubts() == {}


def test_u03_three_sigma_is_asked_in_larger_batches_and_another_kind_is_no_measure() -> None:
    desk = Desk()
    lines = [f"C{n}\tLFP\t{1.0 + n / 1000}" for n in range(9)] + ["C9\tLFP\t1.5", "S1\tsym\t30"]
    desk.do(desk.table.paste("\n".join(["cell id\ttype\tmass", *lines])))
    assert list(desk.table.doubts()) == [(9, Col.MASS)]
    assert desk.table.doubts()[9, Col.MASS].suggestion is None and desk.table.use(9, Col.MASS) is None


def test_u03_registered_cells_of_the_batch_count_too() -> None:
    desk = Desk()
    desk.lab.take_cells([cell(f"R{n}", CellKind.LFP_LI, batch="B", active_mass_mg=0.92) for n in range(3)])
    desk.do(desk.table.paste("cell id\ttype\tmass\tbatch\nC1\tLFP\t9.2\tB"))
    assert list(desk.table.doubts()) == [(0, Col.MASS)]


def test_u03_the_consequence_in_amperes_stands_beside_the_question() -> None:
    desk = Desk()
    table = CellsTable(
        desk.lab, desk.asks, lambda protocol, made: 0.5e-3 * (made.effective_capacity_mAh or 0.0)
    )
    edit = table.paste(
        "cell id\ttype\tmass\tprotocol\nC1\tLFP\t0.924\tP\nC2\tLFP\t9.240\tP\nC3\tLFP\t0.921\tP"
    )
    assert edit is not None
    edit.redo()
    assert [table.cell(row, Col.CURRENT).text for row in (0, 1)] == ["78.54\u2009µA", "785.4\u2009µA"]
    assert (
        table.cell(1, Col.CURRENT).look is Look.QUESTION and table.cell(0, Col.CURRENT).look is Look.DERIVED
    )
    assert (table.cell(0, Col.ONE_C).text, table.cell(0, Col.ONE_C).look) == ("170.0", Look.DERIVED)


def test_a_current_is_worked_out_once_a_row_however_many_are_doubted_and_anew_when_the_station_changes() -> (
    None
):
    desk, asked = Desk(), list[str]()

    def current_of(protocol: str, made: Cell) -> float:
        asked.append(made.cell_id)
        return 1e-3

    table = CellsTable(desk.lab, desk.asks, current_of)
    masses = ["9.240" if n % 4 == 0 else "0.921" for n in range(80)]
    edit = table.paste(
        "cell id\ttype\tmass\tprotocol\n"
        + "\n".join(f"C{n}\tLFP\t{mass}\tP" for n, mass in enumerate(masses))
    )
    assert edit is not None
    edit.redo()
    assert len(open_questions(table)) == 20 and all(table.cell(row, Col.CURRENT).text for row in range(80))
    assert len(asked) == 80 + 2 * 20, (
        "each row once, and each doubted one with the value kept and with the one offered"
    )
    tell(desk.lab, empty("box:1", voltage_V=2.5))
    assert table.current_A(0) == 1e-3 and len(asked) == 80 + 2 * 20 + 1


def test_r7_a_comma_in_a_mass_is_asked_about_and_answered_in_place() -> None:
    desk = Desk()
    desk.do(desk.table.paste("cell id\ttype\tmass\nC1\tLFP\t0,924"))
    assert desk.table.cell(0, Col.MASS).look is Look.ASKED and desk.table.blocking(0)
    desk.do(desk.table.choose(0, Col.MASS, 0.924))
    assert desk.table.cell(0, Col.MASS).text == "0.924"


def test_fill_down_copies_values_and_counts_ids_and_slots_on() -> None:
    desk = Desk()
    desk.do(desk.table.paste("cell id\ttype\nC0041\tLFP\n\tLFP\n\tLFP"))
    desk.do(desk.table.set(0, Col.MASS, "1.5"))
    desk.do(desk.table.fill_down([0, 1, 2], Col.CELL))
    desk.do(desk.table.fill_down([0, 2], Col.MASS))
    assert [row.text(Col.CELL) for row in desk.table.rows] == ["C0041", "C0042", "C0043"]
    assert [row.number(Col.MASS) for row in desk.table.rows] == [1.5, None, 1.5]
    assert desk.table.fill_down([0], Col.CELL) is None and desk.table.fill_down([0, 1], Col.PROBLEM) is None
    assert counted("2-09", 1) == "2-10" and counted("C0099", 2) == "C0101" and counted("C", 1) == "C"


def test_slots_are_assigned_in_the_order_of_the_cabinet_and_then_run_out() -> None:
    desk = Desk(channels=3)
    tell(desk.lab, running("box:1"))
    desk.do(desk.table.paste("cell id\ttype\nC1\tLFP\nC2\tLFP\nC3\tLFP"))
    desk.do(desk.table.assign_slots())
    assert [row.text(Col.SLOT) for row in desk.table.rows] == ["2", "3", "next free"]
    assert desk.table.problem(2) == "no free slot: it goes to the queue"
    assert desk.table.ready() == (0, 1) and desk.table.cell(0, Col.OCV_MEAS).text == "2.891"


def test_a_slot_that_is_taken_twice_or_unknown_is_told() -> None:
    desk = Desk(channels=4)
    tell(desk.lab, empty("box:1", cell_id="C0155", cell_name="C0155", state="finished"))
    desk.do(
        desk.table.paste(
            "slot\tcell id\ttype\n1\tC1\tLFP\n2\tC2\tLFP\n2\tC3\tLFP\n99\tC4\tLFP\n3\tC5\tLFP\n4\tC5\tLFP"
        )
    )
    assert [desk.table.problem(row) for row in range(6)] == [
        "C0155 is still in the slot, unload first", "Slot 2 is given twice.", "Slot 2 is given twice.",
        "There is no slot 99.", "C5 stands in rows 5, 6.", "C5 stands in rows 5, 6.",
    ]  # fmt: skip
    assert desk.table.ready() == ()


def test_saving_sends_the_good_rows_with_their_answers_and_marks_what_was_refused() -> None:
    desk = Desk()
    desk.do(desk.table.paste("cell id\ttype\tmass\nC1\tLFP\t0.9\nC2\tLFP\t0.9\nC3\tLFP\t9.0\nC4\tLFP\tx"))
    desk.do(desk.table.keep(2, Col.MASS))
    assert desk.table.save() == ""
    (question,) = desk.asks.of("cells.import_table")
    content = question.args[1]
    assert question.words == {"answers": {"C3.active_mass_mg": "keep"}}
    assert [row.values["cell_id"] for row in read_entries(content, "x").rows] == ["C1", "C2", "C3"]
    question.then(ImportReport("cells.csv", False, (
        ImportRow(2, "C1", ImportAction.NEW), ImportRow(3, "C2", ImportAction.REFUSED, ("kind: is unknown.",)),
    )))  # fmt: skip
    assert desk.table.problem(0) == "" and desk.table.problem(1) == "kind: is unknown."


def test_nothing_is_sent_while_no_row_can_be_saved() -> None:
    desk = Desk()
    desk.do(desk.table.paste("cell id\tmass\nC1\t1"))
    assert desk.table.save() == "No row can be saved yet." and desk.asks.asked == []
    assert desk.table.problem(0) == "The type is missing."
    desk.do(desk.table.remove([0]))
    assert desk.table.rows == () and desk.table.paste(" \n ") is None


@given(st.floats(1e-4, 1e4), st.floats(1e-3, 1e3), st.text(alphabet="abc ,\"'\n汉", max_size=12))
def test_what_is_sent_is_read_by_the_station_as_it_was_meant(mass: float, area: float, note: str) -> None:
    made = cell("C1", CellKind.SYMMETRIC, active_mass_mg=mass, area_cm2=area, notes=note.strip())
    table = read_entries(import_text([made]).encode(), "x")
    assert not table.findings
    values = table.rows[0].values
    assert (values["active_mass_mg"], values["area_cm2"]) == (mass, area)
    assert values.get("notes", "") == note.strip()


@given(st.text(max_size=200))
def test_no_paste_raises(text: str) -> None:
    desk = Desk(channels=2)
    edit = desk.table.paste(text)
    if edit is not None:
        edit.redo()
        for row in range(len(desk.table.rows)):
            assert all(isinstance(desk.table.cell(row, column).text, str) for column in Col)


def test_u17_doubts_are_told_in_the_language_that_is_spoken_now_not_in_that_of_the_paste(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    desk.do(
        desk.table.paste(
            "cell id\ttype\tmass / µg\nC1\tLFP\theavy\nC2\tLFP\t921\nC3\tLFP\t930\nC4\tLFP\t9210"
        )
    )
    before = [desk.table.problem(row) for row in (0, 3)]
    assert before == [
        "“heavy” is no number. Write it with a decimal point, for example 0.125 mg.",
        "9.95 × median?",
    ]
    monkeypatch.setattr(words, "translate", lambda context, text: f"<{text}>")
    desk.table.retranslate()
    assert [desk.table.problem(row) for row in (0, 3)] == [f"<{told}>" for told in before]
    assert desk.table.cell(0, Col.MASS).text == "heavy" and desk.table.cell(1, Col.MASS).text == "0.921"
