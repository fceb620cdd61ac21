"""The queue's view by keyboard and mouse on a lab of the test's own: order, hold, insert, change, calendar (U14)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from labctl.api.messages import Submitted
from labctl.gui.i18n.translating import Language, Languages
from labctl.gui.parts.confirm import Confirm
from labctl.gui.parts.why import why
from labctl.gui.session import Session
from labctl.gui.viewmodels.acts import Trouble, TroubleKind
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.views.queue.dialogs import EditDialog, InsertDialog
from labctl.gui.views.queue.table import HANDLE, ITEM
from labctl.gui.views.queue.view import QueueView
from labctl.model.bench import Delta
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import CalendarEntry, Forecast, JobId, JobSpec, JobState, PlannedJob
from labctl.model.person import Role
from labctl.testing.guilab import a_lab, job, running, tell
from labctl.testing.guiviews import ViewBench, press, type_text

pytestmark = pytest.mark.usefixtures("look")
NOW = datetime(2026, 4, 21, 1, 42, tzinfo=UTC)
PROTOCOLS = (
    SimpleNamespace(name="LFP-0.5C", title="", problem=""), SimpleNamespace(name="rate-test", title="", problem=""),
    SimpleNamespace(name="broken", title="", problem="line 3"),
)  # fmt: skip


def utc(days: float) -> str:
    return (NOW + timedelta(days=days)).isoformat()


def forecast(days: float) -> Forecast:
    return Forecast(utc(days), utc(days - 0.2), utc(days + 0.2))


def bar(channel: str, state: str, begin: float, end: float, **words: Any) -> CalendarEntry:
    return CalendarEntry(ChannelId(channel), CellId("C0001"), "LFP-0.5C", state, utc(begin), utc(end),
                         utc(end - 0.5), utc(end + 0.5), **words)  # fmt: skip


@pytest.fixture
def bench(session: Session) -> ViewBench:
    lab = a_lab(role=Role.CONFIGURE)
    lab._utc = lambda: NOW
    made = ViewBench(session, lab=lab)
    made.asks.answers["queue.calendar"] = (
        bar("neware:1-1", "running", -2, 5, job_id=JobId("j-1"), run_id=RunId("r1")),
        bar("neware:1-2", "waiting", 1, 4, job_id=JobId("j-2")),
    )
    made.asks.answers["protocols.list"] = PROTOCOLS
    made.asks.answers["protocols.get"] = SimpleNamespace(variables={"cycles": "10", "rest": "1 h"})
    tell(
        lab,
        *(running(f"neware:1-{slot}", f"C000{slot}", job_id=JobId(f"j-{slot}")) for slot in range(1, 4)),
        job(
            "j-1",
            JobState.RUNNING,
            "C0001",
            channel=ChannelId("neware:1-1"),
            starts=forecast(-2),
            ends=forecast(5),
        ),
        job(
            "j-2",
            position=2,
            cell="C0002",
            waits_for="step end, CH 1-2",
            starts=forecast(1),
            ends=forecast(4),
        ),
        job("j-3", position=3, cell="C0003", waits_for="j-2"),
        job("j-4", JobState.HELD, "C0004", position=4, reason="held by li: cables"),
        job(
            "j-5",
            position=5,
            cell="C0005",
            spec=JobSpec(CellId("C0005"), protocol="LFP-0.5C", campaign="aging"),
        ),
        job("j-6", JobState.FAILED, "C0006", reason="OCV 2.41 V, wanted 2.89 V"),
    )
    return made


@pytest.fixture
def view(bench: ViewBench, qtbot: Any) -> QueueView:
    made: QueueView = bench.open("queue", qtbot)
    made.table.setFocus()
    return made


def at(view: QueueView, job_id: str, column: int = ITEM) -> QPoint:
    found = view.table.visualRect(view.model.index(view.model.place_of(job_id), column))
    return found.center()


def dialog_of(kind: type) -> Any:
    return next(
        widget
        for widget in reversed(QApplication.topLevelWidgets())
        if isinstance(widget, kind) and widget.isVisible()
    )


def sent(bench: ViewBench, verb: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    return [(question.args, question.words) for question in bench.asks.of(verb)]


# -- the list ---------------------------------------------------------------------------------------------------------


def test_u14_each_item_says_why_it_waits_and_when_it_starts(view: QueueView) -> None:
    assert view.model.keys() == ["j-1", "j-2", "j-3", "j-4", "j-5"]
    lines = view.table.as_text().splitlines()
    assert lines[0].split("\t")[1:] == ["pos", "item", "target", "waits for", "starts ~", "length ~", "state"]
    assert lines[2].split("\t")[4:] == ["step end, CH 1-2", "04-22 01:42", "72\u2009h", "waiting"]
    assert lines[4].split("\t")[7] == "held held by li: cables"


def test_u14_alt_with_the_arrows_moves_an_item_and_undo_puts_it_back(
    view: QueueView, bench: ViewBench, qtbot: Any
) -> None:
    view.choose(["j-3"])
    press("Alt+Up", view.table)
    assert sent(bench, "queue.move")[-1] == (("j-3",), {"before": "j-2", "version": 1})
    press("Ctrl+Z", view.table)
    assert sent(bench, "queue.move")[-1] == (("j-3",), {"before": "j-4", "version": 1})
    press("Alt+Down", view.table)
    assert sent(bench, "queue.move")[-1][1]["before"] == "j-5"


def test_u14_a_drag_by_the_handle_moves_an_item_and_other_places_do_not_drag(
    view: QueueView, bench: ViewBench, qtbot: Any
) -> None:
    port = view.table.viewport()
    qtbot.mousePress(port, Qt.MouseButton.LeftButton, pos=at(view, "j-5", HANDLE))
    qtbot.mouseMove(port, at(view, "j-3", HANDLE) - QPoint(0, 12))
    assert view.table._drop == view.model.place_of("j-3")
    qtbot.mouseRelease(port, Qt.MouseButton.LeftButton, pos=at(view, "j-3", HANDLE) - QPoint(0, 12))
    assert sent(bench, "queue.move")[-1] == (("j-5",), {"before": "j-3", "version": 1})
    qtbot.mousePress(port, Qt.MouseButton.LeftButton, pos=at(view, "j-1", HANDLE))
    qtbot.mouseMove(port, at(view, "j-4", HANDLE))
    qtbot.mouseRelease(port, Qt.MouseButton.LeftButton, pos=at(view, "j-4", HANDLE))
    assert len(sent(bench, "queue.move")) == 1


def test_u19_delete_takes_an_item_out_and_undo_brings_it_back_where_it_was(
    view: QueueView, bench: ViewBench
) -> None:
    view.choose(["j-2"])
    press("Delete", view.table)
    assert sent(bench, "queue.remove") == [(("j-2",), {"version": 1})]
    assert bench.said == ["Removed: j-2. Ctrl+Z brings it back."]
    planned = PlannedJob("", CellId("C0002"), None, "LFP-0.5C", job_id=JobId("j-20"))
    bench.asks.answers["queue.submit"] = Submitted((planned,), (), False)
    press("Ctrl+Z", view.table)
    assert sent(bench, "queue.submit")[0][0][0][0].cell_id == "C0002"
    assert sent(bench, "queue.move")[-1] == (("j-20",), {"before": "j-3"})


def test_hold_and_release_are_one_key_and_a_running_item_says_why_not(
    view: QueueView, bench: ViewBench
) -> None:
    view.choose(["j-2", "j-3"])
    press("Ctrl+H", view.table)
    assert [args for args, _ in sent(bench, "queue.hold")] == [("j-2",), ("j-3",)]
    view.choose(["j-4"])
    assert view.hold_button.text() == "Release"
    press("Ctrl+H", view.table)
    assert sent(bench, "queue.release") == [(("j-4",), {"version": 1, "reason": ""})]
    view.choose(["j-1"])
    assert "only what waits" in why(view.hold_button) and "only what waits" in view.bar.note
    view.choose([])
    assert why(view.up) == "Nothing is selected."


def test_u14_a_lane_that_a_failure_has_stopped_is_released_after_a_question_with_a_safe_default(
    view: QueueView, bench: ViewBench
) -> None:
    standing = {"stopped": "", "holds": [], "lanes": {"neware:1-2": "j-6: OCV 2.41 V"}, "trouble": ""}
    held = job("j-2", JobState.HELD, "C0002", position=2, channel=ChannelId("neware:1-2"))
    status = running("neware:1-2", "C0002", "idle", run_id="", lane="j-6: OCV 2.41 V")
    tell(bench.lab, Delta(1, "station", "queue", standing), held, status)
    view.choose(["j-2"])
    press("Ctrl+H", view.table)
    asked: Confirm = dialog_of(Confirm)
    assert asked.safe.isDefault() and not asked.act.isEnabled() and sent(bench, "channels.reset") == []
    type_text("contact mended", asked.reason)
    asked.act.click()
    assert sent(bench, "channels.reset") == [(("neware:1-2",), {"reason": "contact mended", "confirm": ""})]
    assert view.strip.chips["hold:neware:1-2"].isVisible()
    assert view.model.row_at(view.model.place_of("j-3")).state == "waiting"


def test_the_whole_queue_is_held_and_released_with_one_button(view: QueueView, bench: ViewBench) -> None:
    assert why(view.release_all) == "It is not held."
    view.hold_all.click()
    assert sent(bench, "queue.hold_queue") == [(("",), {"reason": ""})]
    tell(
        bench.lab,
        Delta(1, "station", "queue", {"stopped": "held by chen", "holds": [], "lanes": {}, "trouble": ""}),
    )
    assert why(view.hold_all) == "It is held: held by chen"
    view.strip.chips["hold:"].click()
    assert sent(bench, "queue.release_queue") == [(("",), {"reason": ""})]


def test_a_failed_item_is_tried_again_and_an_item_is_repeated(view: QueueView, bench: ViewBench) -> None:
    bench.asks.answers["queue.clone"] = lambda job_id, **words: job("j-30")
    view.open_on("j-6")
    assert view.queue.listing.value == "done" and view.chosen() == ["j-6"]
    view.retry_button.click()
    assert sent(bench, "queue.retry") == [(("j-6",), {"version": 1})]
    view.table.setFocus()
    press("Ctrl+D", view.table)
    assert sent(bench, "queue.clone") == [(("j-6",), {})]
    press("Ctrl+Z", view.table)
    assert [args for args, _ in sent(bench, "queue.remove")] == [("j-30",)]


def test_what_the_station_does_not_do_is_told_and_not_shown_as_done(
    view: QueueView, bench: ViewBench
) -> None:
    conflict = Trouble("Not moved.", "li has moved it.", kind=TroubleKind.CONFLICT)
    bench.asks.answers["queue.move"] = conflict
    view.choose(["j-3"])
    press("Alt+Up", view.table)
    assert (
        bench.troubles[0].what == "The queue was not changed." and "li has moved it." in bench.troubles[0].why
    )
    assert view.model.keys()[1:3] == ["j-2", "j-3"]


def test_groups_have_heads_and_the_search_and_a_campaign_narrow_the_list(
    view: QueueView, bench: ViewBench, qtbot: Any
) -> None:
    view.listing.part("instrument").click()
    assert [view.model.data(view.model.index(at, 0)) for at in view.model.headings()] == [
        "any that fits 4",
        "neware 1",
    ]
    view.listing.part("all").click()
    press("Ctrl+F", view.table)
    view.search()
    type_text("C0003", view.field)
    assert view.model.keys() == ["j-3"]
    view.field.clear()
    view.strip.chips["campaign:aging"].click()
    assert (
        view.model.keys() == ["j-5"] and "0 of 1 done" in view.strip.chips["campaign:aging"].accessibleName()
    )


def test_r13_without_a_link_nothing_can_be_changed_and_the_reason_is_said(
    view: QueueView, bench: ViewBench
) -> None:
    view.choose(["j-2"])
    bench.lab.apply(Batch(link=LinkNews(LinkPhase.LOST, 1.0)))
    for button in (view.up, view.hold_button, view.remove_button, view.insert_button, view.hold_all):
        assert "does not answer" in why(button)


# -- dialogs ----------------------------------------------------------------------------------------------------------


def test_u14_a_protocol_is_inserted_for_the_selected_cells_after_the_station_has_shown_it(
    view: QueueView, bench: ViewBench, qtbot: Any
) -> None:
    view.selection.choose("neware:1-2", "neware:1-3")
    press("Insert", view.table)
    dialog: InsertDialog = dialog_of(InsertDialog)
    assert [dialog.protocol.itemText(n) for n in range(dialog.protocol.count())] == [
        "choose...",
        "LFP-0.5C",
        "rate-test",
    ]
    assert why(dialog.insert) == "Choose a protocol."
    made = tuple(
        PlannedJob("", CellId(f"C000{n}"), ChannelId(f"neware:1-{n}"), "rate-test", starts=forecast(1),
                   ends=forecast(2), job_id=JobId(f"j-4{n}"))
        for n in (2, 3)
    )  # fmt: skip
    bench.asks.answers["queue.submit"] = lambda specs, dry_run=False: Submitted(made, (), dry_run)
    dialog.protocol.setFocus()
    press("Down", dialog.protocol)
    press("Down", dialog.protocol)
    assert list(dialog.variables.fields) == ["cycles", "rest"]
    dialog.variables.fields["cycles"].selectAll()
    type_text("25", dialog.variables.fields["cycles"])
    qtbot.waitUntil(lambda: dialog.insert.isEnabled(), timeout=30_000)
    assert dialog.preview.rowCount() == 2
    qtbot.keyClick(dialog.insert, Qt.Key.Key_Space)
    specs, words = sent(bench, "queue.submit")[-1]
    assert [(spec.cell_id, spec.protocol, dict(spec.variables)) for spec in specs[0]] == [
        ("C0002", "rate-test", {"cycles": "25"}), ("C0003", "rate-test", {"cycles": "25"}),
    ]  # fmt: skip
    assert words == {} and bench.said == ["2 items queued: j-42, j-43"] and not dialog.isVisible()


def test_what_cannot_start_is_told_before_it_is_queued(view: QueueView, bench: ViewBench, qtbot: Any) -> None:
    view.selection.choose("neware:1-2")
    view.insert()
    dialog: InsertDialog = dialog_of(InsertDialog)
    bad = PlannedJob("", CellId("C0002"), None, "LFP-0.5C", errors=("no mass is registered",))
    bench.asks.answers["queue.submit"] = Submitted((bad,), (), True)
    dialog.protocol.setFocus()
    press("Down", dialog.protocol)
    qtbot.waitUntil(lambda: "no mass" in why(dialog.insert), timeout=30_000)
    type_text("tomorrow", dialog.when)
    assert "2026-04-21 14:00" in why(dialog.insert)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert all(words.get("dry_run") for _, words in sent(bench, "queue.submit"))


def test_u14_a_waiting_item_is_changed_by_keys_and_undo_puts_back_what_it_was(
    view: QueueView, bench: ViewBench
) -> None:
    view.choose(["j-5"])
    press("F2", view.table)
    dialog: EditDialog = dialog_of(EditDialog)
    assert why(dialog.change) == "Nothing is changed."
    dialog.priority.setFocus()
    press("Up", dialog.priority)
    type_text("2026-05-01 08:00+00:00", dialog.when)
    type_text("300", dialog.variables.fields["cycles"])
    dialog.change.click()
    changed = sent(bench, "queue.edit")[-1]
    assert changed[0] == ("j-5",) and changed[1]["priority"] == 1
    assert changed[1]["not_before_utc"] == "2026-05-01T08:00:00+00:00" and "cycles" in changed[1]["variables"]
    view.undo_button.click()
    assert sent(bench, "queue.edit")[-1][1] == {
        "version": 1,
        "priority": 0,
        "not_before_utc": "",
        "variables": {},
    }


# -- the calendar -----------------------------------------------------------------------------------------------------


def test_u14_list_and_calendar_share_one_selection(view: QueueView, bench: ViewBench, qtbot: Any) -> None:
    view.calendar.setFocus()
    press("Down", view.calendar)
    assert view.chosen() == ["j-1"] and view.selection.channels == ("neware:1-1",)
    press("Down", view.calendar)
    assert view.chosen() == ["j-2"]
    view.choose(["j-1"])
    assert view.calendar._chosen_jobs == {"j-1"}
    press("Return", view.calendar)
    assert bench.gone[-1] == ("channel", "neware:1-2")
    view.table.setFocus()
    press("Return", view.table)
    assert bench.gone[-1][0] == "channel"


def test_the_calendar_zooms_and_pans_by_keys_wheel_and_mouse(view: QueueView, qtbot: Any) -> None:
    calendar = view.calendar
    calendar.setFocus()
    whole = calendar.view_span
    press("Plus", calendar)
    zoomed = calendar.view_span
    assert zoomed[1] - zoomed[0] < whole[1] - whole[0]
    press("Shift+Right", calendar)
    assert calendar.view_span[0] > zoomed[0]
    press("0", calendar)
    assert calendar.view_span == calendar.span
    middle = QPointF(calendar.viewport().width() * 0.7, 120.0)
    under = calendar.sheet().seconds(middle.x())
    there = calendar.viewport().mapToGlobal(middle)
    wheel = QWheelEvent(middle, there, QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(calendar.viewport(), wheel)
    assert calendar.sheet().seconds(middle.x()) == pytest.approx(under, abs=1.0)
    before = calendar.view_span
    qtbot.mousePress(calendar.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(700, 200))
    qtbot.mouseMove(calendar.viewport(), QPoint(600, 200))
    qtbot.mouseRelease(calendar.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(600, 200))
    assert calendar.view_span[0] > before[0]


def test_a_bar_says_in_words_when_it_ends_and_how_sure_that_is(view: QueueView, qtbot: Any) -> None:
    calendar = view.calendar
    lane = next(at for at, lane in enumerate(calendar.lanes) if lane.label == "1-1")
    shown = calendar.lanes[lane].bars[0]
    assert shown.end_text == "04-26 01:42" and shown.interval == "±12\u2009h"
    words = calendar.words_at(calendar.sheet().bar_rect(lane, shown).center())
    assert "ends between 04-25 13:42 and 04-26 13:42 (90 %)" in words
    place = calendar.sheet().bar_rect(lane, shown).center().toPoint()
    qtbot.mouseClick(calendar.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert view.chosen() == ["j-1"] and calendar.accessibleDescription() == shown.hover


def test_u17_the_view_speaks_chinese_at_once_and_nothing_is_cut(view: QueueView, qtbot: Any) -> None:
    languages = Languages()
    languages.put_on(Language.CHINESE)
    QApplication.processEvents()
    try:
        assert view.hold_all.text() == "全部挂起" and view.listing.part("held").accessibleName().startswith(
            "挂起"
        )
        buttons = (view.up, view.edit_button, view.repeat_button, view.remove_button, view.insert_button)
        qtbot.waitUntil(lambda: all(one.width() >= one.sizeHint().width() for one in buttons), timeout=30_000)
    finally:
        languages.put_on(Language.ENGLISH)
        QApplication.processEvents()
    assert view.hold_all.text() == "Hold all"


def test_the_layout_and_the_listing_are_kept(view: QueueView) -> None:
    view.listing.part("held").click()
    state = view.save_state()
    view.listing.part("all").click()
    view.restore_state(state)
    assert view.model.keys() == ["j-4"]
    view.restore_state({"listing": "no such", "sizes": "x"})
    assert view.model.keys() == ["j-4"]
