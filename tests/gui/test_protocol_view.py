"""The protocol editor by keys and mouse: edit, ask in the row, check, mend, undo, save, clash, drafts (U13, U16)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from labctl.gui.parts.why import why
from labctl.gui.session import Session
from labctl.gui.viewmodels.acts import Trouble, TroubleKind
from labctl.gui.viewmodels.protocol.rows import Column, Kind
from labctl.gui.views.protocol.rowmodel import COLUMNS
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId
from labctl.model.job import JobId, JobState
from labctl.model.library import ProtocolUse
from labctl.model.prediction import Prediction, PredictionState
from labctl.protocol.library import list_protocols
from labctl.testing.guilab import empty, tell
from labctl.testing.guiprotocol import ProtocolPage, protocol_page

pytestmark = pytest.mark.usefixtures("look")
ALT, CTRL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
SHIFT, LEFT = Qt.KeyboardModifier.ShiftModifier, Qt.MouseButton.LeftButton
P1, FORMATION = "p1-li-li-1mA", "formation"
CELL = Cell(CellId("C0041"), "C0041", CellKind.SYMMETRIC, area_cm2=0.7854)


@pytest.fixture
def page(session: Session, qtbot: Any) -> Iterator[ProtocolPage]:
    with protocol_page(session) as made:
        made.lab.take_cells([CELL])
        with qtbot.waitActive(made.view, timeout=30_000):
            made.view.activateWindow()
        yield made


def opened(page: ProtocolPage, qtbot: Any, name: str = P1) -> ProtocolPage:
    table = page.view.shelf.table
    table.setFocus()
    place = page.view.shelf.model.place_of(name)
    table.setCurrentIndex(page.view.shelf.model.index(place, 0))
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert page.view.editor.is_open and page.view.editor.origin.name == name
    page.view.desk.table.setFocus()
    return page


def go(page: ProtocolPage, number: int, column: Column) -> None:
    table = page.view.desk.table
    table.setCurrentIndex(table.rows.index(number - 1, COLUMNS.index(column)))


def field(page: ProtocolPage) -> QLineEdit:
    found = page.view.desk.table.viewport().findChild(QLineEdit)
    assert isinstance(found, QLineEdit)
    return found


def type_in(page: ProtocolPage, qtbot: Any, number: int, column: Column, text: str) -> None:
    """Open a cell with F2, type, and press Enter; then let what is asked appear."""
    go(page, number, column)
    qtbot.keyClick(page.view.desk.table, Qt.Key.Key_F2)
    editor = field(page)
    editor.selectAll()
    editor.insert(text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    for _ in range(3):
        QApplication.processEvents()


def cell(page: ProtocolPage, number: int, column: Column) -> str:
    return str(page.view.desk.rows.index(number - 1, COLUMNS.index(column)).data() or "")


def text(page: ProtocolPage) -> str:
    return page.view.editor.document.text


# -- the list ---------------------------------------------------------------------------------------------------


def test_the_library_lists_what_the_station_has_and_a_search_narrows_it(
    page: ProtocolPage, qtbot: Any
) -> None:
    shelf = page.view.shelf
    count = len(list_protocols())
    assert len(shelf.library.entries()) == count
    page.view.search()
    qtbot.keyClicks(shelf.search, "lto")
    assert "p4-lto-li" in (found := list(shelf.model.keys())) and len(found) < count
    qtbot.keyClick(shelf.search, Qt.Key.Key_Escape)
    assert len(shelf.model.keys()) == count
    assert "Rest for 6 h." in shelf.words.toPlainText()


def test_a_station_that_does_not_answer_is_told_in_the_list(session: Session) -> None:
    from labctl.testing.guiprotocol import FakeShelf

    shelf = FakeShelf()
    shelf.trouble = Trouble("The list did not come.", "no answer in 20 s", kind=TroubleKind.DEADLINE)
    with protocol_page(session, shelf=shelf) as page:
        assert "no answer" in page.view.shelf.note.text()


# -- cells --------------------------------------------------------------------------------------------------------


def test_a_current_is_edited_by_keyboard_and_absolute_value_sentence_and_estimate_follow(
    page: ProtocolPage, qtbot: Any
) -> None:
    opened(page, qtbot)
    page.view._cell_chosen("C0041")
    assert cell(page, 3, Column.ABSOLUTE).endswith("785.4\u2009µA")
    type_in(page, qtbot, 3, Column.SET, "２ mA/cm²")  # a full-width figure
    page.view.editor.check()
    assert "charge: 2 mA/cm^2\n" in text(page)
    assert cell(page, 3, Column.SET) == "+2 mA/cm²" and cell(page, 3, Column.ABSOLUTE).endswith(
        "1.571\u2009mA"
    )
    assert "Charge at 2 mA/cm²" in page.view.desk.words.text.toPlainText()
    assert page.view.editor.needs is not None


def test_an_ambiguous_value_is_asked_about_in_the_row_and_answered_by_keyboard(
    page: ProtocolPage, qtbot: Any
) -> None:
    opened(page, qtbot)
    before = text(page)
    type_in(page, qtbot, 3, Column.SET, "1e-3")
    asked = page.view.desk.table.question
    assert asked.isVisible() and "no unit" in asked.text.text() and text(page) == before
    assert [button.text() for button in asked.buttons][:2] == ["1e-3 mA", "1e-3 mA/cm²"]
    qtbot.keyClick(asked, Qt.Key.Key_Right)
    qtbot.keyClick(asked.buttons[1], Qt.Key.Key_Return)
    assert "charge: 0.001 mA/cm^2\n" in text(page) and not asked.isVisible()


def test_what_is_no_value_is_told_in_the_row_and_escape_goes_back_to_what_was_typed(
    page: ProtocolPage, qtbot: Any
) -> None:
    opened(page, qtbot)
    type_in(page, qtbot, 1, Column.UNTIL, "nonsense")
    asked = page.view.desk.table.question
    assert asked.isVisible() and "nonsense" in asked.text.text()
    qtbot.keyClick(asked, Qt.Key.Key_Escape)
    assert field(page).text() == "nonsense" and not page.view.editor.changed


def test_a_negative_charge_is_asked_about_and_can_become_a_discharge(page: ProtocolPage, qtbot: Any) -> None:
    opened(page, qtbot)
    type_in(page, qtbot, 3, Column.SET, "-1 mA")
    qtbot.mouseClick(page.view.desk.table.question.buttons[0], LEFT)
    assert page.view.editor.document.rows[2].kind is Kind.CC_DIS


def test_what_is_typed_stays_when_the_check_of_the_last_edit_comes_in_between(
    page: ProtocolPage, qtbot: Any
) -> None:
    opened(page, qtbot)
    go(page, 1, Column.LABEL)
    qtbot.keyClick(page.view.desk.table, Qt.Key.Key_F2)
    field(page).selectAll()
    qtbot.keyClicks(field(page), "soak")
    page.view.desk.refresh()
    qtbot.keyClicks(field(page), "ing")
    qtbot.keyClick(field(page), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: cell(page, 1, Column.LABEL) == "soaking", timeout=30_000)


def test_a_cell_that_cannot_be_edited_says_why(page: ProtocolPage, qtbot: Any) -> None:
    opened(page, qtbot)
    go(page, 1, Column.SET)
    qtbot.keyClick(page.view.desk.table, Qt.Key.Key_F2)
    assert "rest sets nothing" in page.view.bar.note or "rest" in page.view.bar._told.lower()


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("CCCV-CHG", "then_hold:"),
        ("CV-DIS", "direction: discharge"),
        ("REST", "rest: ${latest}"),
        ("EIS", "eis: {from"),
        ("ASK", "ask:"),
    ],
)
def test_the_kind_of_a_step_is_changed_by_its_word(
    page: ProtocolPage, qtbot: Any, kind: str, holds: str
) -> None:
    opened(page, qtbot)
    document = page.view.editor.document
    outcome = document.set_cell(document.rows[2], Column.STEP, kind)
    page.view._do(replace(outcome, path=None))
    assert document.rows[2].kind.value == kind
    assert holds in text(page)
    qtbot.keyClick(page.view, Qt.Key.Key_Z, CTRL)
    assert not page.view.editor.changed


# -- rows ---------------------------------------------------------------------------------------------------------


def test_rows_are_added_moved_wrapped_and_deleted_by_keys_and_everything_is_undone_to_the_byte(
    page: ProtocolPage, qtbot: Any
) -> None:
    opened(page, qtbot)
    first, table = text(page), page.view.desk.table
    go(page, 1, Column.STEP)
    qtbot.keyClick(table, Qt.Key.Key_Insert)
    assert [row.kind for row in table.rows.rows][:3] == [Kind.REST, Kind.REST, Kind.REPEAT]
    assert table.current() is not None and table.current().number == 2  # type: ignore[union-attr]  # tested before
    qtbot.keyClick(table, Qt.Key.Key_Down, ALT)  # into the repeat
    assert table.rows.rows[2].level == 1 and table.rows.rows[2].kind is Kind.REST
    qtbot.keyClick(table, Qt.Key.Key_D, CTRL)
    qtbot.keyClick(table, Qt.Key.Key_G, CTRL)
    assert sum(row.kind is Kind.REPEAT for row in table.rows.rows) == 2
    qtbot.keyClick(table, Qt.Key.Key_G, CTRL | SHIFT)
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    assert page.view.undo.count() == 6
    for _ in range(6):
        qtbot.keyClick(page.view, Qt.Key.Key_Z, CTRL)
    assert text(page) == first and not page.view.editor.changed
    for _ in range(6):
        qtbot.keyClick(page.view, Qt.Key.Key_Y, CTRL)
    assert page.view.undo.index() == 6


def test_two_hundred_edits_are_undone(page: ProtocolPage, qtbot: Any) -> None:
    opened(page, qtbot)
    first, document = text(page), page.view.editor.document
    for number in range(220):
        page.view._do(document.set_cell(document.rows[0], Column.LABEL, f"r{number}"))
    assert page.view.undo.count() == 220
    while page.view.undo.canUndo():
        page.view._undo()
    assert text(page) == first


def test_a_loop_folds_by_space_without_an_edit_and_a_problem_inside_unfolds_it(
    page: ProtocolPage, qtbot: Any
) -> None:
    opened(page, qtbot)
    table = page.view.desk.table
    go(page, 2, Column.STEP)
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert len(table.rows.rows) == 3 and page.view.undo.count() == 0
    page.view.desk.go_to_number(3)
    assert len(table.rows.rows) == 6 and table.current() is not None


def test_a_step_is_dropped_behind_another(page: ProtocolPage, qtbot: Any) -> None:
    opened(page, qtbot)
    table = page.view.desk.table
    go(page, 1, Column.STEP)
    below = table.visualRect(table.rows.index(3, 3))
    assert table.row_before(QPoint(below.center().x(), below.bottom() - 2)) is table.rows.rows[3]
    table.dropped.emit(table.rows.rows[3])
    kinds = [row.kind for row in page.view.editor.document.rows]
    assert kinds[:4] == [Kind.REPEAT, Kind.CC_CHG, Kind.CC_DIS, Kind.REST]


# -- check ----------------------------------------------------------------------------------------------------------


def test_a_problem_goes_to_its_cell_and_its_offer_is_an_edit_that_can_be_undone(
    page: ProtocolPage, qtbot: Any
) -> None:
    opened(page, qtbot, FORMATION)
    document = page.view.editor.document
    drive = next(row for row in document.rows if row.kind is Kind.CC_DIS)
    page.view._do(document.set_cell(drive, Column.UNTIL, ""))
    qtbot.keyClick(page.view, Qt.Key.Key_F7)
    lines = page.view.desk.problems.lines
    assert any("can never end" in line.accessibleName() for line in lines)
    line = next(line for line in lines if "can never end" in line.accessibleName())
    qtbot.mouseClick(line, LEFT, pos=QPoint(20, 10))
    assert page.view.desk.table.current().number == drive.number  # type: ignore[union-attr]  # it is chosen
    assert "errors" in why(page.view.save)
    before = text(page)
    assert line.button is not None
    qtbot.mouseClick(line.button, LEFT)
    assert "time: " in text(page) and text(page) != before
    page.view.editor.check()
    assert not any("can never end" in item.text for item in page.view.editor.judgement.problems)
    qtbot.keyClick(page.view, Qt.Key.Key_Z, CTRL)
    assert text(page) == before


def test_the_check_runs_by_itself_after_an_edit(page: ProtocolPage, qtbot: Any) -> None:
    opened(page, qtbot)
    type_in(page, qtbot, 1, Column.UNTIL, "t 2 h")
    qtbot.waitUntil(lambda: page.view.editor.is_checked)
    assert page.view.editor.sentence_of(page.view.editor.document.rows[0]) == "Rest for 2 h."


def test_f8_draws_the_simulation_or_says_why_there_is_none(page: ProtocolPage, qtbot: Any) -> None:
    opened(page, qtbot)
    qtbot.keyClick(page.view, Qt.Key.Key_F8)
    assert "cell" in why(page.view.simulate)
    page.view._cell_chosen("C0041")
    qtbot.keyClick(page.view, Qt.Key.Key_F8)
    asked = page.asks.of("protocols.sketch")
    assert asked[0].args == (text(page), "C0041") and why(page.view.simulate)
    asked[0].then(Prediction(PredictionState.READY, twin="li-li", columns={
        "test_time_s": (0.0, 3600.0, 7200.0), "voltage_V": (0.0, 0.1, -0.1)}))  # fmt: skip
    sketch = page.view.editor.sketch()
    assert sketch is not None and sketch.simulated and "simulated" in page.view.desk.preview.note.text()
    qtbot.keyClick(page.view, Qt.Key.Key_F8)
    page.asks.of("protocols.sketch")[1].then(Prediction(PredictionState.NONE, "no twin of this kind"))
    assert "no twin" in page.view.editor.remote.told


# -- text -----------------------------------------------------------------------------------------------------------


def test_the_text_and_the_table_are_one_document_and_a_broken_text_keeps_the_table(
    page: ProtocolPage, qtbot: Any
) -> None:
    opened(page, qtbot)
    desk = page.view.desk
    desk.show_tab("text")
    desk.text.field.setFocus()
    good = desk.text.field.toPlainText()
    desk.text.field.setPlainText(good.replace("record_every: {default: 10 s", "record_every: {default: 20 s"))
    desk.text.commit()
    assert cell(page, 1, Column.RECORD) == "20 s or 5 mV"
    desk.text.field.setPlainText(good.replace("name: P1", "name: [P1"))
    desk.text.commit()
    assert "line" in desk.text.told.text() and len(desk.rows.rows) == 6
    assert "line" in why(desk.buttons["add"])
    qtbot.keyClick(desk.text.field, Qt.Key.Key_Z, CTRL)
    qtbot.keyClick(desk.text.field, Qt.Key.Key_Z, CTRL)
    assert not page.view.editor.changed and desk.text.field.toPlainText() == good


def test_the_head_and_the_variables_are_edited_in_their_form(page: ProtocolPage, qtbot: Any) -> None:
    opened(page, qtbot)
    head = page.view.desk.head
    page.view.desk.show_tab("head")
    for name, typed in (("name", "My cells"), ("temperature", "60 °C | soak 1 h"), ("for", "nonsense")):
        head.fields[name].setFocus()
        head.fields[name].selectAll()
        qtbot.keyClicks(head.fields[name], typed)
        qtbot.keyClick(head.fields[name], Qt.Key.Key_Return)
    assert "name: My cells\n" in text(page) and "{setpoint: 60 degC, soak: 1 h}" in text(page)
    assert "nonsense" in head.problems["for"].text() and "for: symmetric" in text(page)
    qtbot.mouseClick(head.add, LEFT)
    assert page.view.editor.document.variables[-1].name == "value_1"
    head.table.setFocus()
    names = [row.name for row in head.model.rows]
    head.model.setData(head.model.index(names.index("current"), 1), "2 mA/cm2")
    assert "current: {default: 2 mA/cm^2" in text(page)
    head.model.setData(head.model.index(names.index("current"), 0), "j_set")
    assert "charge: ${j_set}" in text(page)


# -- saving ---------------------------------------------------------------------------------------------------------


def saved(page: ProtocolPage, qtbot: Any, name: str = "my-cells") -> None:
    """Open a template, change it, and save it under a name of one's own."""
    opened(page, qtbot)
    type_in(page, qtbot, 1, Column.UNTIL, "t 2 h")
    page.view.editor.check()
    assert "1 error" in why(page.view.save).replace("errors", "error")  # its variable is of no use any more
    offered = page.view.desk.problems.lines[0].button
    assert offered is not None and "opening_rest" in offered.text()
    qtbot.mouseClick(offered, LEFT)
    page.view.editor.check()
    qtbot.keyClick(page.view, Qt.Key.Key_S, CTRL)
    dialog = page.view._dialog
    assert dialog is not None
    dialog.name.setText(name)
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    with qtbot.waitActive(page.view, timeout=30_000):
        page.view.activateWindow()


def test_a_template_is_saved_under_a_name_of_ones_own_and_then_by_one_chord(
    page: ProtocolPage, qtbot: Any
) -> None:
    saved(page, qtbot)
    assert page.shelf.saved["my-cells"][0].source == P1
    assert page.view.editor.origin.revision == 1 and not page.view.editor.changed
    assert "Nothing has changed" in why(page.view.save)
    type_in(page, qtbot, 1, Column.UNTIL, "t 3 h")
    page.view.editor.check()
    assert page.view.editor.revision_words == ("rev 2", "draft")
    qtbot.keyClick(page.view, Qt.Key.Key_S, CTRL)
    assert [item.revision for item in page.shelf.saved["my-cells"]] == [1, 2]
    page.view.editor.compare_with(1)
    found = page.view.editor.differences()
    assert [(item.before, item.after) for item in found] == [("t 2 h", "t 3 h")]


def test_a_version_clash_names_the_other_and_nothing_is_lost(page: ProtocolPage, qtbot: Any) -> None:
    saved(page, qtbot)
    page.shelf.by = "wang"
    other = text(page).replace("rest: 2 h", "rest: 5 h")
    page.shelf.save("my-cells", other, based_on=1)
    page.shelf.by = "chen"
    type_in(page, qtbot, 1, Column.UNTIL, "t 4 h")
    page.view.editor.check()
    qtbot.keyClick(page.view, Qt.Key.Key_S, CTRL)
    assert page.view.clash.isVisible() and "wang" in page.view.clash.accessibleName()
    assert "t 4 h" in cell(page, 1, Column.UNTIL)
    qtbot.mouseClick(page.view.clash.button("diff"), LEFT)
    assert [(item.before, item.after) for item in page.view.editor.differences()] == [("t 5 h", "t 4 h")]
    qtbot.mouseClick(page.view.clash.button("top"), LEFT)
    assert [item.by for item in page.shelf.saved["my-cells"]] == ["chen", "wang", "chen"]
    assert not page.view.clash.isVisible()


def test_a_draft_survives_a_restart_and_a_lost_station(session: Session, qtbot: Any) -> None:
    with protocol_page(session) as page:
        opened(page, qtbot)
        type_in(page, qtbot, 1, Column.UNTIL, "t 7 h")
        draft = text(page)
    with protocol_page(session) as page:
        entry = next(item for item in page.view.library.entries() if item.name == P1)
        assert "draft" in entry.revision
        opened(page, qtbot)
        assert text(page) == draft and page.view.editor.changed
        page.view.close_protocol()
        page.shelf.trouble = Trouble("link", "the station cannot be reached", kind=TroubleKind.LINK)
        opened(page, qtbot)
        assert text(page) == draft
        page.view._begin(lambda: page.view.editor.discard())
    with protocol_page(session) as page:
        assert all("draft" not in item.revision for item in page.view.library.entries())


def test_a_start_takes_saved_revisions_only_and_opens_the_review(page: ProtocolPage, qtbot: Any) -> None:
    opened(page, qtbot)
    qtbot.keyClick(page.view, Qt.Key.Key_F5)
    assert page.gone == [] and "Select channels" in why(page.view.start)
    tell(page.lab, empty("neware:1-1", cell_id="C0041", ready=True))
    page.view.selection.choose("neware:1-1")
    qtbot.keyClick(page.view, Qt.Key.Key_F5)
    assert page.gone == [("start", {"channels": ["neware:1-1"], "protocol": P1})]
    type_in(page, qtbot, 1, Column.UNTIL, "t 7 h")
    assert "Save the draft" in why(page.view.start)


def test_a_protocol_goes_to_a_file_and_comes_back_byte_for_byte(
    page: ProtocolPage, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(page, qtbot)
    target = tmp_path / "mine.yaml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(target), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(target), ""))
    page.view.export_file()
    assert target.read_bytes() == page.shelf.packed[P1].path.read_bytes() and page.said
    page.view.close_protocol()
    page.view.import_file()
    assert text(page).encode() == target.read_bytes() and page.view.editor.origin.source == "mine.yaml"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(tmp_path / "no.yaml"), ""))
    page.view.import_file()
    assert page.troubles


def test_a_new_protocol_is_usable_and_every_control_has_a_name(page: ProtocolPage, qtbot: Any) -> None:
    qtbot.keyClick(page.view, Qt.Key.Key_N, CTRL)
    page.view.editor.check()
    assert page.view.editor.judgement.usable and page.view.desk.head.fields["name"].hasFocus()
    for button in page.view.findChildren(type(page.view.save)):
        assert button.accessibleName() or not button.isVisible(), button.text()


def test_who_runs_with_a_protocol_stays_on_its_revision_and_is_shown(page: ProtocolPage, qtbot: Any) -> None:
    saved(page, qtbot)
    page.view.close_protocol()
    opened(page, qtbot, "my-cells")
    uses = tuple(
        ProtocolUse(1, JobId(f"j{number}"), JobState.RUNNING, CellId(f"C{number}")) for number in range(3)
    )
    page.asks.of("protocols.uses")[-1].then(uses)
    assert "in use by 3 jobs (they stay on their revision): rev 1: 3" in page.view.subtitle.text()


def test_a_narrow_window_makes_the_right_column_a_tab(session: Session, qtbot: Any) -> None:
    with protocol_page(session, size=(1000, 700)) as page:
        opened(page, qtbot)
        page.view.desk.show_tab("preview")
        QApplication.processEvents()
        assert page.view.desk.preview.isVisible()
        page.view.resize(1600, 900)
        QApplication.processEvents()
        assert page.view.desk.preview.isVisible() and page.view.desk.tabs.key == "table"
