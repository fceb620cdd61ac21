"""Acts from the station view: keys, buttons and menu; asked where it harms, refused with a reason, never pretended
(U09, U16, U19, U21, R2, R3, R5, R6, R10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog

from labctl.api.messages import Stopped
from labctl.gui.parts.buttons import Phase
from labctl.gui.parts.why import why
from labctl.gui.session import Session
from labctl.gui.viewmodels.acts import Trouble, TroubleKind
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.viewmodels.channelacts import Deed
from labctl.gui.viewmodels.filters import Quantity
from labctl.gui.viewmodels.gridtable import COLUMNS
from labctl.gui.views.station.head import EDIT_FILTER, NEW_FILTER
from labctl.model.alarm import AlarmPriority, AlarmState
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.latest import LatestCycle
from labctl.testing.guilab import alarm, empty, running, tell
from labctl.testing.guistation import StationPage, station_page

pytestmark = pytest.mark.usefixtures("look")
LEFT, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
SHIFT, PLAIN = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier
STATE_COLUMN = next(at for at, column in enumerate(COLUMNS) if column.id == "state")


@pytest.fixture
def page(session: Session, qtbot: Any) -> Iterator[StationPage]:
    with station_page(session, count=4) as made:
        with qtbot.waitActive(made.view, timeout=30_000):
            made.view.activateWindow()
        made.view.tiles.setFocus()
        yield made


def entries(page: StationPage) -> dict[str, QAction]:
    page.view.open_menu(page.view.mapToGlobal(page.view.rect().center()))
    found = {action.objectName(): action for action in page.view.menu.actions() if action.objectName()}
    return found


# -- acts -------------------------------------------------------------------------------------------------------------


def test_f6_pauses_at_the_step_end_and_the_button_tells_how_it_stands(page: StationPage, qtbot: Any) -> None:
    page.view.selection.choose("neware:1-1", "neware:1-2")
    qtbot.keyClick(page.view.tiles, Qt.Key.Key_F6)
    sent = page.asks.of("runs.pause_at_step_end")
    assert [one.args for one in sent] == [("r0",), ("r1",)]
    button = page.view._buttons[Deed.PAUSE_AT_STEP_END]
    assert button.phase is Phase.SENDING
    assert page.view.acts.on_tile("neware:1-1").startswith("Pause at step end 1-1")
    page.clock.s += 0.6
    for one in sent:
        one.then("will pause")
    assert button.phase is Phase.CONFIRMED and button.accessibleDescription() == "confirmed 0.6 s"
    assert page.view.acts.on_tile("neware:1-1") == ""


@pytest.mark.parametrize(
    ("key", "held", "verb", "state"),
    [
        (Qt.Key.Key_F6, SHIFT, "runs.pause", "running"),
        (Qt.Key.Key_F6, CTRL, "runs.resume", "paused"),
    ],
)
def test_the_other_keys_of_a_run_do_what_the_key_map_says(
    page: StationPage, qtbot: Any, key: Qt.Key, held: Qt.KeyboardModifier, verb: str, state: str
) -> None:
    tell(page.lab, running("neware:1-1", "C1", state, run_id="r0"))
    page.view.selection.choose("neware:1-1")
    qtbot.keyClick(page.view.tiles, key, held)
    assert [one.args for one in page.asks.of(verb)] == [("r0",)]


def test_f5_brings_the_chosen_cells_to_the_review_and_starts_nothing_itself(
    page: StationPage, qtbot: Any
) -> None:
    tell(page.lab, empty("neware:1-1", cell_id="C1", ready=True))
    page.view.selection.choose("neware:1-1")
    qtbot.keyClick(page.view.tiles, Qt.Key.Key_F5)
    assert page.gone == [("start", ["neware:1-1"])] and page.asks.of("queue.submit") == []


def test_r5_a_button_that_is_off_says_why_in_words(page: StationPage, qtbot: Any) -> None:
    view = page.view
    assert "Select channels first" in view.bar.note
    view.selection.choose(*(f"neware:1-{n}" for n in range(1, 5)))
    start = view._buttons[Deed.START]
    assert not start.isEnabled() and why(start) == "Start is off: 4 of 4 are running" == view.bar.note
    qtbot.keyClick(view.tiles, Qt.Key.Key_F5)
    assert page.gone == []


def test_r2_a_stop_asks_first_and_the_safe_button_is_the_default(page: StationPage, qtbot: Any) -> None:
    page.view.selection.choose("neware:1-1", "neware:1-2")
    qtbot.keyClick(page.view.tiles, Qt.Key.Key_F8, CTRL)
    asked = page.view.asked
    assert asked is not None and "1-1 C0000" in asked._question.objects and asked.safe.isDefault()
    qtbot.keyClick(asked, Qt.Key.Key_Return)
    assert page.asks.of("runs.stop") == []


def test_r2_more_than_four_cells_are_stopped_only_by_typing_their_number(
    page: StationPage, qtbot: Any
) -> None:
    page.view.selection.choose(*(f"neware:1-{n}" for n in range(1, 7)))
    qtbot.mouseClick(page.view._buttons[Deed.STOP], LEFT)
    asked = page.view.asked
    assert asked is not None and not asked.act.isEnabled()
    qtbot.keyClicks(asked.typed, "5")
    assert not asked.act.isEnabled()
    asked.typed.clear()
    qtbot.keyClicks(asked.typed, "6")
    qtbot.mouseClick(asked.act, LEFT)
    assert [one.args[0] for one in page.asks.of("runs.stop")] == [f"r{n}" for n in range(6)]
    assert page.asks.of("runs.stop")[0].deadline_s == 5.0


def test_r6_a_stop_that_the_instrument_does_not_read_back_is_told_and_stays(
    page: StationPage, qtbot: Any
) -> None:
    page.view.selection.choose("neware:1-1", "neware:1-2", "neware:1-3")
    page.view.acts.do(Deed.STOP, page.view.chosen)
    first, second, third = page.asks.of("runs.stop")
    first.then(Stopped("r0", True, "stopped"))
    second.then(Stopped("r1", False, "sent, but the tester still says working"))
    assert page.view._buttons[Deed.STOP].phase is Phase.SENDING
    third.failed(Trouble("runs.stop", "no answer in 5 s", kind=TroubleKind.DEADLINE))
    button = page.view._buttons[Deed.STOP]
    assert button.phase is Phase.TROUBLE and button.accessibleDescription() == "2 of 3 not confirmed"
    assert page.view.acts.on_tile("neware:1-2") == "not confirmed"
    (trouble,) = page.troubles
    assert "1-2, 1-3" in trouble.why and "Look at the instrument" in trouble.next
    page.clock.s += 100.0
    assert page.view.acts.on_tile("neware:1-2") == "not confirmed"  # until a person has seen it
    page.view.selection.choose("neware:1-2")
    assert button.phase is Phase.IDLE and page.view.acts.on_tile("neware:1-2") == "not confirmed"
    entries(page)["seen"].trigger()
    assert (
        page.view.acts.on_tile("neware:1-2") == "" and page.view.acts.on_tile("neware:1-3") == "not confirmed"
    )
    assert "seen" not in entries(page)
    page.view.acts.dismiss(Deed.STOP)
    assert page.view.acts.on_tile("neware:1-3") == "" and page.view.acts.standing(Deed.STOP) is None


def test_an_act_of_another_view_is_told_on_the_tile_and_not_on_the_button(page: StationPage) -> None:
    page.view.context.acts.send("runs.stop", "neware:1-1", "r0", text="Stop 1-1", reason="")
    assert page.view.acts.on_tile("neware:1-1") == "Stop 1-1 …"
    assert page.view._buttons[Deed.STOP].phase is Phase.IDLE and page.troubles == []


def test_r13_without_a_link_values_are_grey_and_acts_are_off_with_the_reason(page: StationPage) -> None:
    page.view.selection.choose("neware:1-1")
    assert page.view._buttons[Deed.STOP].isEnabled()
    page.lab.apply(Batch(link=LinkNews(LinkPhase.LOST, text="cable pulled")))
    assert page.view.grid.tile("neware:1-1").hatched
    assert not page.view._buttons[Deed.STOP].isEnabled() and "does not answer" in why(
        page.view._buttons[Deed.STOP]
    )
    page.lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, page.clock.s)))
    assert page.view._buttons[Deed.STOP].isEnabled()


def test_an_act_on_a_channel_that_cannot_is_refused_and_nothing_is_sent(page: StationPage) -> None:
    tell(page.lab, empty("neware:1-1"))
    refusal = page.view.acts.do(Deed.PAUSE, ("neware:1-1",))
    assert refusal == "Pause now is off: Nothing runs on 1-1." and page.asks.of("runs.pause") == []
    assert "one channel at a time" in page.view.acts.why_not(Deed.RESET, ("neware:1-1", "neware:1-2"))
    assert page.view.acts.do(Deed.START, ("neware:1-1",)) != ""


def test_a_trip_is_reset_with_the_name_of_the_channel_and_a_reason(page: StationPage, qtbot: Any) -> None:
    tell(page.lab, empty("neware:1-1", cell_id="C1", tripped="V 5.02 above 5.00"),
         alarm("trip:neware:1-1", AlarmPriority.CRITICAL, AlarmState.ACKED, channel="neware:1-1"))  # fmt: skip
    page.lab.me = replace(page.lab.me, role=type(page.lab.me.role).CONFIGURE)
    page.view.selection.choose("neware:1-1")
    page.view.do(Deed.RESET)
    asked = page.view.asked
    assert asked is not None
    qtbot.keyClicks(asked.typed, "neware:1-1")
    qtbot.keyClicks(asked.reason, "cell taken out")
    qtbot.mouseClick(asked.act, LEFT)
    (sent,) = page.asks.of("channels.reset")
    assert sent.args == ("neware:1-1",) and sent.words == {
        "reason": "cell taken out",
        "confirm": "neware:1-1",
    }


# -- the menu ---------------------------------------------------------------------------------------------------------


def test_u21_a_right_click_offers_what_cycler_users_expect_and_greys_what_is_refused(
    page: StationPage, qtbot: Any
) -> None:
    view = page.view
    where = view.tiles.box_of("neware:2-1").center()
    qtbot.mouseClick(view.tiles.viewport(), Qt.MouseButton.RightButton, PLAIN, where)
    assert view.selection.channels == ("neware:2-1",)
    found = entries(page)
    assert [name for name in found if name != "title"] == [
        "queue.submit", "runs.pause_at_step_end", "runs.pause", "runs.resume", "runs.skip", "runs.stop",
        "view", "compare", "export", "copy", "assign", "channels.eject", "channels.reset",
    ]  # fmt: skip
    assert "running" in why_of(found["queue.submit"]) and "not PAUSE" in why_of(found["runs.resume"])
    assert found["runs.pause"].isEnabled() and found["runs.pause"].text().endswith("Shift+F6")
    found["view"].trigger()
    assert page.gone == [("channel", "neware:2-1")]
    view.menu.close()


def why_of(action: QAction) -> str:
    assert not action.isEnabled() and action.toolTip() == action.statusTip()
    return action.toolTip()


def test_a_right_click_on_a_chosen_tile_keeps_the_whole_selection(page: StationPage, qtbot: Any) -> None:
    page.view.selection.choose("neware:1-1", "neware:1-2")
    where = page.view.tiles.box_of("neware:1-2").center()
    qtbot.mouseClick(page.view.tiles.viewport(), Qt.MouseButton.RightButton, PLAIN, where)
    assert len(page.view.selection) == 2


def test_a_jump_asks_first_and_then_skips(page: StationPage, qtbot: Any) -> None:
    page.view.selection.choose("neware:1-1")
    entries(page)["runs.skip"].trigger()
    assert page.view.asked is not None
    qtbot.mouseClick(page.view.asked.act, LEFT)
    assert [one.args for one in page.asks.of("runs.skip")] == [("r0",)]
    page.view.menu.close()


def test_the_way_to_other_views_takes_the_selection_along(page: StationPage, qtbot: Any) -> None:
    page.view.selection.choose("neware:1-2", "neware:1-1")
    for name in ("assign", "protocol", "compare"):
        qtbot.mouseClick(page.view._goes[name], LEFT)
    chosen = ["neware:1-1", "neware:1-2"]
    assert page.gone == [
        ("cells", {"slots": chosen}),
        ("protocol", "LFP-0.5C"),
        ("compare", chosen),
    ]


def test_the_palette_offers_the_same_acts_with_the_same_reasons(page: StationPage) -> None:
    commands = {command.text: command for command in page.view.commands()}
    assert commands["Stop"].why and commands["Stop"].keys == "Ctrl+F8"
    page.view.selection.choose("neware:1-1")
    commands = {command.text: command for command in page.view.commands()}
    assert commands["Stop"].why == "" and "running" in commands["Start..."].why
    commands["Abnormal"].run()
    assert page.view.first.show_part.key == "abnormal"


# -- filters for dead cells -------------------------------------------------------------------------------------------


def newest(kept: dict[str, float]) -> Callable[..., list[LatestCycle]]:
    """Return what the station answers about newest cycles: retentions by run, 95 % of all others."""
    return lambda runs: [
        LatestCycle(
            RunId(run),
            ChannelId("x"),
            CellId("x"),
            3,
            retention=kept.get(run, 0.95),
            coulombic_efficiency=0.999,
        )
        for run in runs
    ]


def test_u09_the_ready_made_filter_finds_the_dead_cells(page: StationPage, qtbot: Any) -> None:
    page.asks.answers["runs.latest_cycles"] = newest({"r3": 0.7, "r9": 0.2})
    tell(page.lab, alarm("detect.short:neware:1-2", AlarmPriority.MEDIUM, channel="neware:1-2"))
    page.view.filtering.choose("dead cells")
    assert page.view.grid.order == ("neware:1-2", "neware:1-4", "neware:2-2")
    assert page.view.first.saved.key == "dead cells"
    page.view.filtering.choose("")
    assert len(page.view.grid.order) == 32


def test_u09_a_filter_of_ones_own_is_written_kept_changed_undone_and_deleted(
    page: StationPage, session: Session, qtbot: Any
) -> None:
    page.asks.answers["runs.latest_cycles"] = newest({"r3": 0.7, "r9": 0.2})
    view = page.view
    view.figures.want()
    view.filtering.choose(NEW_FILTER)
    dialog = view.filtering.dialog
    assert (
        dialog is not None and not dialog.keep.isEnabled() and why(dialog.keep) == "Give the filter a name."
    )
    qtbot.keyClicks(dialog.name, "half gone")
    assert why(dialog.keep).startswith("Tick")
    qtbot.keyClick(dialog.ticks[Quantity.RETENTION_BELOW], Qt.Key.Key_Space)
    assert dialog.told.text() == "2 of 32 channels now"
    field = dialog.limits[Quantity.RETENTION_BELOW]
    field.selectAll()
    qtbot.keyClicks(field, "fifty")
    assert "no number" in why(dialog.keep) and field.toolTip()
    field.selectAll()
    field.insert("５０ %")  # full-width figures, as a Chinese keyboard types them
    assert dialog.told.text() == "1 of 32 channels now"
    qtbot.mouseClick(dialog.keep, LEFT)
    assert view.grid.order == ("neware:2-2",) and view.first.saved.key == "half gone"
    assert session.get("preferences")["filters"][-1] == {
        "name": "half gone",
        "rules": [["retention_below", 50.0]],
    }
    view.filtering.choose(EDIT_FILTER)
    dialog = view.filtering.dialog
    assert dialog is not None and dialog.name.text() == "half gone"
    dialog._remove(lambda: view.filtering._remove("half gone"))
    assert "half gone" not in [one.name for one in view.settings.filters] and view.grid.saved is None
    view.undo.undo()
    assert "half gone" in [one.name for one in view.settings.filters]


def test_a_second_filter_with_the_same_name_is_refused(page: StationPage, qtbot: Any) -> None:
    page.view.filtering.edit(None)
    dialog = page.view.filtering.dialog
    assert dialog is not None
    dialog.ticks[Quantity.SHORT].setChecked(True)
    qtbot.keyClicks(dialog.name, "shorts")
    assert why(dialog.keep) == "Another filter has this name."
    dialog.reject()


# -- the table --------------------------------------------------------------------------------------------------------


def test_the_table_shows_the_same_channels_and_shares_the_selection_both_ways(
    page: StationPage, qtbot: Any
) -> None:
    view = page.view
    view.selection.choose("neware:1-2", "neware:1-3")
    qtbot.mouseClick(view.first.look.part("table"), LEFT)
    table = view.table
    assert table.rows.rows == view.grid.order
    assert {index.row() for index in table.selectionModel().selectedRows()} == {1, 2}
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert view.selection.channels == ("neware:1-4",)
    qtbot.keyClick(table, Qt.Key.Key_Down, SHIFT)
    assert view.selection.channels == ("neware:1-4", "neware:1-5") and view.selection.current == "neware:1-5"
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert page.gone == [("channel", "neware:1-5")]
    qtbot.keyClick(table, Qt.Key.Key_F6)
    assert len(page.asks.of("runs.pause_at_step_end")) == 2


def test_r10_the_table_is_copied_with_its_head_and_plain_figures(page: StationPage, qtbot: Any) -> None:
    tell(page.lab, running("neware:1-1", "C0", voltage_V=-0.5))
    page.view.show_look("table")
    page.view.selection.choose("neware:1-1")
    page.view.table.setFocus()
    qtbot.keyClick(page.view.table, Qt.Key.Key_C, CTRL)
    head, row = QGuiApplication.clipboard().text().splitlines()
    assert head.split("\t")[:3] == ["slot", "state", "voltage V"] and row.split("\t")[:3] == [
        "1-1",
        "CHG",
        "-0.5000",
    ]


def test_a_column_sorts_when_it_is_asked_and_news_move_no_row(page: StationPage, qtbot: Any) -> None:
    view = page.view
    view.show_look("table")
    tell(page.lab, running("neware:3-3", "C9", voltage_V=4.2), running("neware:1-5", "C8", voltage_V=2.0))
    column = next(at for at, one in enumerate(COLUMNS) if one.id == "voltage")
    view.table.sortByColumn(column, Qt.SortOrder.DescendingOrder)
    assert view.table.rows.rows[0] == "neware:3-3" and view.table.rows.rows[-1] == "neware:1-5"
    tell(page.lab, running("neware:1-5", "C8", voltage_V=4.9))
    assert view.table.rows.rows[0] == "neware:3-3"
    view.table.sortByColumn(column, Qt.SortOrder.DescendingOrder)
    assert view.table.rows.rows[0] == "neware:1-5"


def test_u18_an_abnormal_row_says_the_alarms_word(page: StationPage) -> None:
    page.view.show_look("table")
    before = page.view.table.grab().toImage()
    trip = alarm("trip:neware:1-1", AlarmPriority.CRITICAL, channel="neware:1-1", text="V 5.02 > 5.00")
    tell(page.lab, trip)
    index = page.view.table.rows.index(0, STATE_COLUMN)
    assert page.view.table.grab().toImage() != before
    assert "TRIP" in str(page.view.table.rows.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole))
    assert "V 5.02" in str(index.data(Qt.ItemDataRole.ToolTipRole))


# -- backup -----------------------------------------------------------------------------------------------------------


def rows_of(run: str) -> Any:
    import pyarrow as pa

    return pa.table({"test_time_second": [0.0, 1.0], "voltage_volt": [3.0, 3.1]})


def test_u21_rows_are_backed_up_as_csv_one_file_a_run(page: StationPage, tmp_path: Path, qtbot: Any) -> None:
    page.asks.answers["runs.table"] = rows_of
    page.view.selection.choose("neware:1-1", "neware:1-2")
    qtbot.keyClick(page.view.tiles, Qt.Key.Key_E, CTRL)
    (dialog,) = page.view.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path))
    dialog.reject()
    names = sorted(path.name for path in tmp_path.glob("*.csv"))
    assert names == ["1-1_C0000_r0.csv", "1-2_C0001_r1.csv"]
    assert (tmp_path / names[0]).read_text(encoding="utf-8").splitlines()[
        0
    ] == '"test_time_second","voltage_volt"'
    assert page.said == ["2 of 2 files written"] and not list(tmp_path.glob("*.part"))


def test_a_backup_can_be_cancelled_and_says_what_failed(page: StationPage, tmp_path: Path) -> None:
    backup = page.view.backup
    page.view.selection.choose("neware:1-1", "neware:1-2")
    wrote: list[str] = []
    assert backup.begin(page.view.chosen, lambda name, table: wrote.append(name)) == ""
    assert backup.told == "Exporting 1 of 2: 1-1 C0000" and page.view.cancel.isVisibleTo(page.view)
    assert "on its way" in backup.why_not(page.view.chosen)
    page.asks.of("runs.table")[0].failed(Trouble("runs.table", "the station does not answer"))
    page.asks.of("runs.table")[1].then(rows_of("r1"))
    assert wrote == ["1-2_C0001_r1.csv"]
    (trouble,) = page.troubles
    assert trouble.what == "1 of 2 exports failed" and "1-1 C0000" in trouble.why
    assert backup.begin(page.view.chosen, lambda name, table: wrote.append(name)) == ""
    backup.cancel()
    page.asks.of("runs.table")[2].then(rows_of("r0"))
    assert len(wrote) == 1 and not backup.busy and page.view.cancel.isHidden()


def test_channels_without_a_run_have_nothing_to_back_up(page: StationPage) -> None:
    tell(page.lab, empty("neware:1-1"))
    page.view.selection.choose("neware:1-1")
    QApplication.processEvents()
    assert why(page.view._goes["export"]) == "Export is off: no run is in these channels."
