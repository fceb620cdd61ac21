"""The compare view by keyboard and mouse, on a study of eight cells (U07, U16, U19, R9, R10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit

from labctl.gui.parts.why import why
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.compare import Compare
from labctl.gui.viewmodels.comparing import Per
from labctl.gui.viewmodels.panels import Kind
from labctl.gui.views.compare.page import CompareView
from labctl.gui.views.compare.picker import PickDialog
from labctl.model.bench import Delta
from labctl.testing.guicompare import choose, filled, settle, shown, titles, undo
from labctl.testing.guilab import running, tell
from labctl.testing.guistudy import Desk, run_of, study_desk

pytestmark = pytest.mark.usefixtures("look")
KEY = Qt.Key


@pytest.fixture
def desk() -> Desk:
    return study_desk(run_of("S1", run_id="run-S1@2", started_utc="2026-05-01T00:00:00+00:00"))


@pytest.fixture
def view(desk: Desk, session: Any, qtbot: Any) -> Iterator[CompareView]:
    made = shown(desk, session, qtbot)
    yield made
    made.hidden()
    made.compare.close()


# -- choosing ---------------------------------------------------------------------------------------------------------


def test_u07_an_empty_view_says_what_to_do_and_cells_are_added_by_keyboard(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    assert view.stack.currentWidget() is view.empty and "pristine and coated" in view.empty.accessibleName()
    assert why(view.export) == "Add cells first." and view.bar.note == "Add cells first."
    view.empty_add.setFocus()
    qtbot.keyClick(view.empty_add, KEY.Key_Space)
    dialog = view.findChild(PickDialog)
    assert dialog is not None and not dialog.add.isEnabled() and "Space" in why(dialog.add)
    qtbot.keyClicks(dialog.search, "lfp zn")
    assert [row.cell for row in dialog.model.rows] == ["F4", "F3"]
    dialog.table.selectAll()
    qtbot.keyClick(dialog.table, KEY.Key_Space)
    assert dialog.add.text() == "Add 2"
    dialog.search.clear()
    qtbot.keyClicks(dialog.search, "F1")
    dialog.table.selectRow(0)
    qtbot.keyClick(dialog.table, KEY.Key_Space)
    qtbot.keyClick(dialog.table, KEY.Key_Return)
    settle(view, qtbot)
    assert [(line.title, line.group) for line in view.compare.lines()] == [
        ("F1", "pristine"), ("F3", "Zn-coated"), ("F4", "Zn-coated"),
    ]  # fmt: skip
    assert view.stack.currentWidget() is view.content
    undo(view, qtbot)
    assert view.stack.currentWidget() is view.empty


def test_cells_are_chosen_from_the_selection_a_batch_or_every_test_of_a_cell(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    tell(desk.lab, running("neware:1-3", "S3", run_id="run-S3"), Delta(9, "run", "run-S3", {
        "run_id": "run-S3", "channel": "neware:1-3", "cycle": 12, "cell": "S3"}))  # fmt: skip
    view.selection.choose("neware:1-3")
    view.add_runs()
    dialog = view.findChild(PickDialog)
    dialog.source.setCurrentIndex(dialog.source.findData("selection"))
    dialog.source.activated.emit(dialog.source.currentIndex())
    assert [(row.cell, row.state) for row in dialog.model.rows] == [("S3", "running")]
    dialog.source.setCurrentIndex(dialog.source.findData("all"))
    dialog.source.activated.emit(dialog.source.currentIndex())
    dialog.batch.setCurrentIndex(dialog.batch.findData("B1"))
    dialog.batch.activated.emit(dialog.batch.currentIndex())
    assert {row.batch for row in dialog.model.rows} == {"B1"} and len(dialog.model.rows) == 4
    dialog.picker.narrow(batch="")
    qtbot.keyClicks(dialog.search, "S1")
    dialog.table.selectRow(0)
    qtbot.keyClick(dialog.table, KEY.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert dialog.picker.count == 2
    dialog.group_by.setCurrentIndex(dialog.group_by.findData("cell"))
    dialog.accept()
    settle(view, qtbot)
    assert titles(view) == ["S1 #1", "S1 #2"] and view.compare.groups == ("S1",)


def test_a_station_that_does_not_answer_is_told_in_the_dialog_and_in_the_plot(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    desk.asks.answers["runs.list"] = Trouble("No list.", "the link is down")
    view.add_runs()
    dialog = view.findChild(PickDialog)
    assert "the link is down" in dialog.note.text()
    dialog.reject()
    desk.asks.answers["runs.cycles"] = Trouble("No cycles.", "the file is damaged")
    view.undo.do(view.compare.add([run_of("F1")]))
    settle(view, qtbot)
    told = [card.empty.text() for card in view.board.cards if not card.empty.isHidden()]
    assert told and set(told) == {"the file is damaged"}


# -- looking ----------------------------------------------------------------------------------------------------------


def test_u07_units_are_switched_without_loading_and_undone(view: CompareView, desk: Desk, qtbot: Any) -> None:
    filled(view, desk, qtbot, "S1 F1 F3")
    view.undo.do(view.compare.change(["run-F1", "run-F3"], pinned=True))
    settle(view, qtbot)
    asked = len(desk.asks.asked)
    qtbot.mouseClick(view.per.part(Per.GRAM.value), Qt.MouseButton.LeftButton)
    settle(view, qtbot)
    capacity = next(card for card in view.board.cards if card.panel.card.kind is Kind.CAPACITY)
    assert capacity.panel.y.unit == "mAh g⁻¹" and len(desk.asks.asked) == asked
    assert view.bar.note == "Without mass or area, not drawn: S1"
    undo(view, qtbot)
    assert view.per.key == "raw" and len(desk.asks.asked) == asked


def test_cycles_are_listed_by_hand_and_a_list_that_cannot_be_read_changes_nothing(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    filled(view, desk, qtbot, "S1 S3")
    frame = view.board.cards[0].frame
    frame.setFocus()
    qtbot.keyClick(frame, KEY.Key_V)
    assert view.cycles.hasFocus()
    qtbot.keyClicks(view.cycles, "1,x")
    assert "“x” is no cycle" in view.cycles.toolTip()
    qtbot.keyClick(view.cycles, KEY.Key_Return)
    assert view.compare.options.cycles == "1,2,5,10:100:10"
    view.cycles.selectAll()
    qtbot.keyClicks(view.cycles, "1,10:20:10")
    qtbot.keyClick(view.cycles, KEY.Key_Return)
    settle(view, qtbot)
    assert [cycle for cycle, _ in view.board.overlays[0].panel.cycles] == [1, 10, 20]
    assert view.board.ramp.accessibleName() == "1, 10, 20, cycle"


def test_overlays_have_one_scale_and_move_together(view: CompareView, desk: Desk, qtbot: Any) -> None:
    filled(view, desk, qtbot, "S1 S2 S3")
    first, second = view.board.overlays
    assert first.frame.box.viewRange() == second.frame.box.viewRange()
    assert (first.title.text(), first.note.text()) == ("pristine", "S1")
    first.frame.setFocus()
    qtbot.keyClick(first.frame, KEY.Key_Plus)
    assert first.frame.box.viewRange()[1] == pytest.approx(second.frame.box.viewRange()[1])
    view.side.tree.select_run("run-S2")
    pin = next(one for one in view.make_tree_menu().actions() if one.text().startswith("Pin"))
    pin.trigger()
    settle(view, qtbot)
    assert view.board.overlays[0].note.text() == "S2"


def test_gestures_are_linked_between_plots_over_the_same_quantity(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    filled(view, desk, qtbot)
    by_cycle = [card for card in view.board.cards if card.x_meaning == ("cycle number", "")]
    over_time = [card for card in view.board.cards if card not in by_cycle]
    assert len(by_cycle) == 3 and len(over_time) == 1
    before = over_time[0].frame.x_range()
    by_cycle[0].frame.setFocus()
    qtbot.keyClick(by_cycle[0].frame, KEY.Key_Right)
    assert by_cycle[1].frame.x_range() == pytest.approx(by_cycle[0].frame.x_range())
    assert over_time[0].frame.x_range() == before
    view.board.set_linked(False)
    held = by_cycle[1].frame.x_range()
    qtbot.keyClick(by_cycle[0].frame, KEY.Key_Right)
    assert by_cycle[1].frame.x_range() == held
    view.refresh()
    assert by_cycle[0].frame.x_range() != held  # what a person moved stays where it is


def test_what_a_card_draws_is_chosen_and_x_of_all_of_them(view: CompareView, desk: Desk, qtbot: Any) -> None:
    filled(view, desk, qtbot)
    card = view.board.cards[1]
    choose(card.kinds, Kind.RESISTANCE.value)
    settle(view, qtbot)
    assert card.panel.y.unit == "Ω cm²" and card.frame.sheet.y_field.unit == "Ω cm²"
    choose(view.x_by, "capacity")
    settle(view, qtbot)
    assert [card.panel.card.kind for card in view.board.cards[::2]] == [Kind.CURVES, Kind.CURVES]
    undo(view, qtbot)
    undo(view, qtbot)
    assert view.board.cards[1].panel.card.kind is Kind.POLARISATION


def test_the_mean_of_a_group_stands_with_its_spread(view: CompareView, desk: Desk, qtbot: Any) -> None:
    filled(view, desk, qtbot)
    qtbot.mouseClick(view.spread, Qt.MouseButton.LeftButton)
    settle(view, qtbot)
    kept = next(card for card in view.board.cards if card.panel.card.kind is Kind.RETENTION)
    assert [one.name for one in kept.panel.series] == [
        "pristine, mean ± s, n = 2", "Zn-coated, mean ± s, n = 2",
    ]  # fmt: skip
    assert all(one.low is not None for one in kept.panel.series)
    undo(view, qtbot)
    assert not view.spread.isChecked()


def test_deaths_are_marked_and_lives_are_told_by_group(view: CompareView, desk: Desk, qtbot: Any) -> None:
    filled(view, desk, qtbot)
    profile = view.board.cards[0].panel
    assert [moment.text.replace("\u2009", " ") for moment in profile.moments] == ["short 52.0 h"]
    assert [line.note.replace("\u2009", " ") for line in view.compare.lines() if line.title in ("S1", "S3")] == [
        "short 61 h", "alive 120 h",
    ]  # fmt: skip


def test_cursors_read_the_curve_and_say_the_difference(view: CompareView, desk: Desk, qtbot: Any) -> None:
    filled(view, desk, qtbot, "F1")
    frame = view.board.cards[1].frame
    frame.setFocus()
    qtbot.keyClick(frame, KEY.Key_C)
    assert frame.sheet.note.startswith("A 9") and "Δ −" in frame.sheet.note
    qtbot.keyClick(frame, KEY.Key_C)
    assert frame.sheet.note == ""


def test_tests_of_one_cell_stand_one_behind_another(view: CompareView, desk: Desk, qtbot: Any) -> None:
    view.undo.do(view.compare.add([run for run in desk.asks.answers["runs.list"]() if run.cell_id == "S1"]))
    settle(view, qtbot)
    action = next(one for one in view._look_menu().actions() if "behind another" in one.text())
    action.trigger()
    settle(view, qtbot)
    over = next(card.panel for card in view.board.cards if card.panel.card.kind is Kind.POLARISATION)
    assert [(one.x[0], one.x[-1]) for one in over.series] == [(1, 30), (31, 60)]
    assert [line.dash for line in view.compare.lines()] == [0, 0]


# -- the tree ---------------------------------------------------------------------------------------------------------


def test_cells_are_hidden_named_and_taken_out_by_keys_and_everything_undoes(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    filled(view, desk, qtbot, "S1 S2 S3")
    tree = view.side.tree
    tree.setFocus()
    tree.select_run("run-S1")
    qtbot.keyClick(tree, KEY.Key_Space)
    settle(view, qtbot)
    assert [line.hidden for line in view.compare.lines()] == [True, False, False]
    qtbot.keyClick(tree, KEY.Key_F2)
    editor = tree.findChild(QLineEdit)
    assert editor is not None and editor.text() == "S1"
    editor.selectAll()
    qtbot.keyClicks(editor, "reference")
    qtbot.keyClick(editor, KEY.Key_Return)
    settle(view, qtbot)
    assert titles(view)[0] == "reference"
    tree.setFocus()
    tree.select_run("run-S2")
    qtbot.keyClick(tree, KEY.Key_Delete)
    settle(view, qtbot)
    assert titles(view) == ["reference", "S3"]
    for _ in range(3):
        undo(view, qtbot)
    assert titles(view) == ["S1", "S2", "S3"] and not any(line.hidden for line in view.compare.lines())


def test_the_eye_hides_by_a_click_and_a_plot_without_cells_says_so(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    filled(view, desk, qtbot, "S1")
    tree = view.side.tree
    tree.select_run("run-S1")
    spot = QPoint(12, tree.visualRect(tree.currentIndex()).center().y())
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    settle(view, qtbot)
    assert view.compare.lines()[0].hidden
    assert view.board.cards[0].empty.text() == "All cells of this plot are hidden."


def test_a_group_is_renamed_and_recoloured_and_cells_move_to_another(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    filled(view, desk, qtbot, "S1 S2 S3")
    view.side.tree.rename_asked.emit("", "Zn-coated", "750 nm Zn")
    settle(view, qtbot)
    assert view.compare.groups == ("pristine", "750 nm Zn") and view.compare.colours["750 nm Zn"] == 0
    view.side.tree.select_run("run-S3")
    menu = view.make_tree_menu()
    colours = next(one.menu() for one in menu.actions() if one.text() == "Colour of the group")
    colours.actions()[3].trigger()
    assert view.compare.colours["750 nm Zn"] == 3
    view.side.tree.select_run("run-S2")
    menu = view.make_tree_menu()
    moving = next(one.menu() for one in menu.actions() if one.text() == "Move to group")
    next(one for one in moving.actions() if one.text() == "750 nm Zn").trigger()
    settle(view, qtbot)
    assert [line.group for line in view.compare.lines()] == ["pristine", "750 nm Zn", "750 nm Zn"]


# -- out --------------------------------------------------------------------------------------------------------------


def test_r10_the_figures_are_copied_as_a_table_with_its_head(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    filled(view, desk, qtbot, "F1 F2 F3")
    qtbot.mouseClick(view.pages.part("figures"), Qt.MouseButton.LeftButton)
    settle(view, qtbot)
    view.table.setFocus()
    qtbot.keyClick(view.table, KEY.Key_C, Qt.KeyboardModifier.ControlModifier)
    head, *rows = [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()]
    assert head[:4] == ["group, cell", "cycles", "Q first / mAh", "Q last / mAh"]
    assert [row[0] for row in rows] == ["pristine, n = 2", "F1", "F2", "Zn-coated, n = 1", "F3"]
    assert float(rows[1][2]) == pytest.approx(0.145 * 0.91, rel=1e-6) and " ± " in rows[0][2]


def test_a_plot_is_saved_with_its_data_and_a_place_that_cannot_be_written_is_told(
    view: CompareView, desk: Desk, qtbot: Any, tmp_path: Path
) -> None:
    filled(view, desk, qtbot, "F1 F3")
    view.choose_file = lambda name: str(tmp_path / "two.svg")
    view.board.cards[0].frame.setFocus()
    qtbot.keyClick(view.board.cards[0].frame, KEY.Key_E, Qt.KeyboardModifier.ControlModifier)
    assert {path.name for path in tmp_path.glob("two.*")} == {"two.svg", "two.csv"}
    assert desk.said[-1] == "Saved two.svg, two.csv"
    view.choose_file = lambda name: str(tmp_path / "no" / "such.svg")
    view.save_front()
    assert desk.troubles and "such.svg" in desk.troubles[-1].why
    view.choose_file = lambda name: ""
    view.save_front()
    assert len(desk.said) == 1


def test_a_plot_is_copied_as_image_vector_and_data_from_its_menu(
    view: CompareView, desk: Desk, qtbot: Any
) -> None:
    filled(view, desk, qtbot, "F1 F3")
    card = view.board.cards[0]
    actions = {action.text(): action for action in card.make_menu().actions()}
    actions["Copy as image"].trigger()
    assert QGuiApplication.clipboard().mimeData().hasImage()
    actions["Copy as vector"].trigger()
    assert QGuiApplication.clipboard().mimeData().hasFormat("image/svg+xml")
    actions["Copy data"].trigger()
    assert (
        QGuiApplication.clipboard()
        .text()
        .splitlines()[0]
        .startswith("F1: cycle number\tF1: discharge capacity / mAh")
    )
    actions["Log y (L)"].trigger()
    assert card.frame.sheet.log_y
    actions["Cursors A and B (C)"].trigger()
    assert card.frame.cursors.visible


def test_a_report_takes_the_comparison_over(view: CompareView, desk: Desk, qtbot: Any) -> None:
    filled(view, desk, qtbot, "F1 F3")
    qtbot.mouseClick(view.report, Qt.MouseButton.LeftButton)
    (place, target) = desk.gone[-1]
    assert place == "reports" and isinstance(target, Compare) and len(target.members) == 2
