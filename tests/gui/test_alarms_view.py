"""The view of alarms and events by keyboard and mouse: acknowledge, shelve, places, the moment, the message (U12)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from labctl.config.notify import NotifySettings
from labctl.gui.i18n.translating import Language, Languages
from labctl.gui.parts.confirm import Confirm
from labctl.gui.parts.why import why
from labctl.gui.session import Session
from labctl.gui.viewmodels.acts import Trouble, TroubleKind
from labctl.gui.viewmodels.alarmstory import night_text
from labctl.gui.viewmodels.sounds import Sounds
from labctl.gui.views.alarms.dialogs import CommentDialog, HandOverDialog, ShelveDialog
from labctl.gui.views.alarms.instantcard import HISTORY, MESSAGE
from labctl.gui.views.alarms.listing import WHAT
from labctl.gui.views.alarms.view import AlarmsView
from labctl.model.alarm import AlarmPriority, AlarmState
from labctl.model.audit import AuditEntry
from labctl.model.bench import Delta
from labctl.model.person import Role
from labctl.station.notifying import Notifier
from labctl.testing.guilab import TurnedClock, a_lab, alarm, running, tell
from labctl.testing.guiviews import ViewBench, press, type_text

pytestmark = pytest.mark.usefixtures("look")
NOW = datetime(2026, 4, 21, 1, 42, tzinfo=UTC)
WHEN_S = datetime(2026, 4, 21, 1, 38, tzinfo=UTC).timestamp()
TRIP = alarm("trip:neware:1-3", AlarmPriority.CRITICAL, channel="neware:1-3", cell="C0135", run_id="run-3",
             text="V 5.02 above 5.00 V", what_to_do="Check leads, then reset.", latched=True)  # fmt: skip
HIGH = alarm("link.unknown:neware", AlarmPriority.HIGH, since_utc="2026-04-21T01:30:00+00:00")
SEEN = alarm("limit.warn:neware:1-4", AlarmPriority.MEDIUM, AlarmState.ACKED, channel="neware:1-4",
             acknowledged_by="li", since_utc="2026-04-20T01:00:00+00:00")  # fmt: skip


def series(count: int = 50) -> dict[str, Any]:
    x = WHEN_S - 100.0 + 2.0 * np.arange(count)
    volts = np.linspace(4.0, 5.02, count)
    names = [f"voltage_volt_{what}" for what in ("min", "max", "first", "last")]
    plain = {
        "x_first": x,
        "x_last": x,
        "sequence": np.arange(1, count + 1),
        "rows": np.ones(count),
        "flags": np.zeros(count),
    }
    return plain | dict.fromkeys(names, volts)


def event(number: int, **words: Any) -> Delta:
    told = {
        "kind": "trip",
        "utc": "2026-04-21T01:38:02+00:00",
        "text": "V 5.02 above 5.00 V",
        "priority": "critical",
        **words,
    }
    return Delta(number, "event", f"e{number}", told)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def bench(session: Session, clock: TurnedClock) -> ViewBench:
    lab = a_lab(clock, role=Role.CONFIGURE)
    lab._utc = lambda: NOW
    made = ViewBench(session, lab=lab)
    entry = AuditEntry(7, "2026-04-21T01:40:00+00:00", 1.0, "", "wang", "operate", "gui", "alarm.acknowledge",
                       SEEN.key, reason="known cell")  # fmt: skip
    old = AuditEntry(
        3, "2026-04-20T20:00:00+00:00", 1.0, "", "chen", "operate", "gui", "channel.load", "neware:1-5"
    )
    made.asks.answers |= {
        "audit.page": SimpleNamespace(entries=(old, entry)),
        "notify.status": {"people": [{"name": "wang"}, {"name": "li"}]},
        "runs.events": ({"text": TRIP.text, "utc": "2026-04-21T01:38:00+00:00"},),
        "runs.series": series(),
    }
    tell(lab, *(running(f"neware:1-{slot}", f"C013{slot}") for slot in range(1, 9)), TRIP, HIGH, SEEN)
    tell(lab, event(2, kind="detect.short", text="short", channel="neware:1-5", run_id="run-5", priority="medium"),
         Delta(3, "event", "a", {"kind": "act", "utc": "2026-04-21T01:41:00+00:00", "who": "chen", "act": "job.hold",
                                 "subject": "j-3"}))  # fmt: skip
    return made


@pytest.fixture
def view(bench: ViewBench, qtbot: Any) -> AlarmsView:
    made: AlarmsView = bench.open("alarms", qtbot)
    made.table.setFocus()
    return made


def dialog_of(kind: type) -> Any:
    tops = reversed(QApplication.topLevelWidgets())
    return next(widget for widget in tops if isinstance(widget, kind) and widget.isVisible())


def sent(bench: ViewBench, verb: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    return [(question.args, question.words) for question in bench.asks.of(verb)]


# -- the list -----------------------------------------------------------------------------------------------------


def test_u12_what_nobody_has_seen_comes_first_and_what_to_do_is_a_column(view: AlarmsView) -> None:
    assert view.model.keys() == [TRIP.key, HIGH.key, SEEN.key] and view.model.headings() == [0, 3]
    lines = [line.split("\t") for line in view.table.as_text().splitlines()]
    assert lines[0][1:] == ["since", "where", "cell", "what", "what to do", "state", "by"]
    assert lines[1][2:7] == ["1-3", "C0135", "V 5.02 above 5.00 V", "Check leads, then reset.", "UNACK"]
    assert view.model.data(view.model.index(1, 0)) == "Critical"


def test_u12_the_key_a_acknowledges_with_the_version_seen_and_shift_a_with_a_comment(
    view: AlarmsView, bench: ViewBench
) -> None:
    assert view.chosen() == [TRIP.key]
    press("A", view.table)
    assert sent(bench, "alarms.acknowledge") == [((TRIP.key,), {"comment": "", "version": 1})]
    view.choose(HIGH.key)
    press("Shift+A", view.table)
    dialog: CommentDialog = dialog_of(CommentDialog)
    assert why(dialog.act).startswith("Write a comment")
    type_text("cable is out", dialog.comment)
    press("Return", dialog.comment)
    assert sent(bench, "alarms.acknowledge")[-1] == ((HIGH.key,), {"comment": "cable is out", "version": 1})


def test_r15_somebody_else_was_faster_and_that_is_said(view: AlarmsView, bench: ViewBench) -> None:
    bench.asks.answers["alarms.acknowledge"] = Trouble(
        "", "wang has acknowledged it.", kind=TroubleKind.CONFLICT
    )
    press("A", view.table)
    assert "wang has acknowledged it." in bench.troubles[0].why
    assert view.model.row_at(view.model.place_of(TRIP.key)).state == "UNACK"


def test_a_critical_alarm_is_not_shelved_and_another_one_only_with_a_reason(
    view: AlarmsView, bench: ViewBench
) -> None:
    press("S", view.table)
    assert why(view.shelve) == "Shelve: not for critical." and view.hint.text() == "Shelve: not for critical."
    view.choose(HIGH.key)
    press("S", view.table)
    dialog: ShelveDialog = dialog_of(ShelveDialog)
    assert why(dialog.act) == "Say why; it goes into the journal."
    dialog.hours.part("8.0").click()
    type_text("rewiring", dialog.reason)
    press("Return", dialog.reason)
    assert sent(bench, "alarms.shelve") == [((HIGH.key, 8.0), {"comment": "rewiring", "version": 1})]
    tell(bench.lab, alarm(HIGH.key, AlarmPriority.HIGH, AlarmState.SHELVED, version=2))
    view.listed.part("shelved").click()
    view.choose(HIGH.key)
    assert view.shelve.text() == "Unshelve"
    view.shelve.click()
    assert sent(bench, "alarms.unshelve") == [((HIGH.key,), {"version": 2})]


def test_single_letters_act_in_the_list_alone(view: AlarmsView, bench: ViewBench) -> None:
    view.search()
    type_text("as", view.events.field)
    assert view.events.field.text() == "as" and sent(bench, "alarms.acknowledge") == []


def test_a_trip_is_reset_after_it_was_acknowledged_with_the_channel_typed(
    view: AlarmsView, bench: ViewBench, qtbot: Any
) -> None:
    tell(bench.lab, running("neware:1-3", "C0135", "stopped", tripped="V above 5.00 V"))
    qtbot.waitUntil(lambda: why(view.reset) == "Reset: acknowledge first.", timeout=30_000)
    assert "acknowledge first" in view.hint.text()
    tell(
        bench.lab, alarm(TRIP.key, AlarmPriority.CRITICAL, AlarmState.ACKED, channel="neware:1-3", version=2)
    )
    view.reset.click()
    asked: Confirm = dialog_of(Confirm)
    assert asked.safe.isDefault() and not asked.act.isEnabled()
    type_text("neware:1-3", asked.typed)
    type_text("lead mended", asked.reason)
    asked.act.click()
    assert sent(bench, "channels.reset") == [
        (("neware:1-3",), {"reason": "lead mended", "confirm": "neware:1-3"})
    ]


def test_the_list_never_reorders_under_the_pointer_and_says_that_more_has_come(
    view: AlarmsView, bench: ViewBench, clock: TurnedClock, qtbot: Any
) -> None:
    port = view.table.viewport()
    place = view.table.visualRect(view.model.index(view.model.place_of(HIGH.key), WHAT)).center()
    qtbot.mouseMove(port, place)
    qtbot.mouseMove(port, place + QPoint(3, 0))
    later = "2026-04-21T01:41:00+00:00"
    tell(bench.lab, alarm("trip:neware:1-1", AlarmPriority.CRITICAL, channel="neware:1-1", since_utc=later))
    tell(bench.lab, alarm(HIGH.key, AlarmPriority.HIGH, AlarmState.ACKED, acknowledged_by="li", version=2))
    assert view.model.keys() == [TRIP.key, HIGH.key, SEEN.key]
    assert view.model.row_at(view.model.place_of(HIGH.key)).state == "ACKED"
    assert view.fresh.isVisible() and view.fresh.text() == "1 new: show"
    clock.s += 3.5
    view._changed()
    assert (
        view.model.keys() == ["trip:neware:1-1", TRIP.key, HIGH.key, SEEN.key] and not view.fresh.isVisible()
    )
    assert view.chosen() == [TRIP.key]


def test_places_and_priorities_narrow_the_list_by_keys(view: AlarmsView, bench: ViewBench) -> None:
    assert [item.data() for item in map(view.tree.model().index, (0,), (0,))] == ["Station"]
    view.tree.setFocus()
    for key in ("Down", "Down", "Right", "Down"):
        press(key, view.tree)
    assert view.tree.key == "channel:neware:1-3" and view.model.keys() == [TRIP.key]
    press("Home", view.tree)
    view.priorities.part("medium").click()
    assert view.model.keys() == [SEEN.key]
    view.priorities.part("low").click()
    assert view.quiet.isVisible() and "No alarm matches" in view.none.text()
    view.priorities.part("any").click()
    view.open_on("neware:1-4")
    assert view.model.keys() == [SEEN.key]


# -- the moment, the message, the history -------------------------------------------------------------------------


def test_u12_the_moment_is_drawn_beside_the_alarm_and_opens_in_the_plot(
    view: AlarmsView, bench: ViewBench
) -> None:
    args, words = sent(bench, "runs.series")[-1]
    assert args == ("run-3", ["voltage_volt"]) and words["x"] == "unix_time_second"
    assert (words["begin"], words["end"]) == (WHEN_S - 120.0, WHEN_S + 120.0)
    assert view.moment.note.text() == "1-3 C0135" and view.instant.value_text() == "5.020\u2009V"
    begin, end = view.moment.frame_plot.x_range()
    assert (begin, end) == (pytest.approx(WHEN_S - 120.0, abs=1.0), pytest.approx(WHEN_S + 120.0, abs=1.0))
    view.moment.open_button.click()
    assert bench.gone[-1] == ("channel", ("neware:1-3", "2026-04-21T01:38:00.000+00:00"))
    press("Return", view.table)
    assert bench.gone[-1] == ("channel", "neware:1-3")


def test_slow_rows_are_drawn_over_a_longer_time_and_a_chosen_span_stays(
    view: AlarmsView, bench: ViewBench
) -> None:
    bench.asks.answers["runs.series"] = series(3)
    view.choose(SEEN.key)
    assert view.instant.half_s == 6 * 3600.0
    bench.asks.answers["runs.series"] = series()
    view.instant.set_span(600.0)
    view.choose(TRIP.key)
    assert view.instant.half_s == 600.0 and view.moment.span.key == "600.0"


def test_what_has_no_curve_says_so(view: AlarmsView, bench: ViewBench) -> None:
    view.choose(HIGH.key)
    assert view.moment.words.text() == "This is of no channel, so there is no curve."
    assert why(view.go_button) == "This alarm is of no channel."
    bench.asks.answers["runs.series"] = Trouble("No series.", "The run is gone.")
    view.choose(TRIP.key)
    assert "The run is gone." in view.moment.words.text()


def test_u12_the_message_to_a_phone_is_the_one_that_the_station_sends(
    view: AlarmsView, bench: ViewBench
) -> None:
    view.moment.turn_to(MESSAGE)
    text = view.moment.message.toPlainText()
    assert text.splitlines()[0].startswith("CRITICAL") and "neware:1-3 C0135" in text
    assert view.moment.sent.text() == "Sent to wang at once, to the next person after 15 min."
    notifier: Any = Notifier.__new__(Notifier)
    notifier._station, notifier._settings = "Station A", NotifySettings()
    for language, chinese in (("en", False), ("zh", True)):
        known = alarm(
            "trip:x",
            AlarmPriority.HIGH,
            text="a",
            count=3,
            what_to_do_zh="看",
            channel="neware:1-1",
            cell="C1",
        )
        theirs = notifier._full(known, language).splitlines()
        ours = night_text(known, "Station A", chinese=chinese, zone=UTC).splitlines()
        assert [theirs[0], *theirs[2:]] == [ours[0], *ours[2:]]


def test_u12_who_acknowledged_and_what_was_said_stand_in_the_history(
    view: AlarmsView, bench: ViewBench
) -> None:
    view.choose(SEEN.key)
    view.moment.turn_to(HISTORY)
    lines = [line.split("\t") for line in view.moment.table.as_text().splitlines()[1:]]
    assert [line[1:] for line in lines] == [
        ["acknowledged", "wang", "known cell"],
        ["raised", "station", SEEN.text],
    ]
    assert ("acknowledged by", "li") in view.story.facts()
    assert view.phone.text() == "night phone: wang, li"


# -- events -------------------------------------------------------------------------------------------------------


def test_events_are_listed_searched_and_shown_at_their_moment_with_one_click(
    view: AlarmsView, bench: ViewBench, qtbot: Any
) -> None:
    table = view.events.table
    kinds = [line.split("\t")[1] for line in table.as_text().splitlines()[1:]]
    assert kinds == ["command", "detect.short", "command", "command"]
    view.events.kinds.part("faults").click()
    assert [view.events.model.row_at(0).what, view.events.model.rowCount()] == ["short", 1]
    place = table.visualRect(view.events.model.index(0, 3)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert sent(bench, "runs.series")[-1][0][0] == "run-5" and view.moment.note.text().startswith("1-5")
    table.setFocus()
    press("Return", table)
    assert bench.gone[-1] == ("channel", ("neware:1-5", "2026-04-21T01:38:02+00:00"))
    view.events.kinds.part("mine").click()
    assert {row.by for row in view.events.rows()} == {"chen"}
    view.events.kinds.part("all").click()
    type_text("load", view.events.field)
    assert [row.what for row in view.events.rows()] == ["channel.load neware:1-5"]
    view.events.field.clear()
    view.events.hours.choose("1.0")
    view.events.refresh()
    assert len(view.events.rows()) == 3


def test_what_is_shown_of_the_events_is_written_as_csv(
    view: AlarmsView, bench: ViewBench, tmp_path: Path
) -> None:
    view.export_to(tmp_path / "events.csv")
    lines = (tmp_path / "events.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "utc,kind,channel,cell,what,by,run" and len(lines) == 5
    assert lines[-1].startswith("2026-04-21T01:41:00+00:00,act,") and bench.said == [
        "4 events written to events.csv"
    ]
    view.export_to(tmp_path / "no such folder" / "events.csv")
    assert bench.troubles[-1].what == "The events were not written."


def test_the_shift_is_handed_over_as_text(view: AlarmsView) -> None:
    view.hand.click()
    dialog: HandOverDialog = dialog_of(HandOverDialog)
    assert "V 5.02 above 5.00 V → Check leads, then reset." in dialog.text.toPlainText()
    dialog.copy.click()
    assert QApplication.clipboard().text() == dialog.text.toPlainText()


# -- sound, language ----------------------------------------------------------------------------------------------


def test_each_priority_has_its_own_tones_and_mute_is_shown_and_kept(
    view: AlarmsView, bench: ViewBench, clock: TurnedClock
) -> None:
    lab, played = a_lab(clock), []
    sounds = Sounds(lab, played.append, muted=False)
    tell(lab, alarm("a:1", AlarmPriority.LOW), alarm("a:2", AlarmPriority.MEDIUM))
    tell(lab, alarm("a:3", AlarmPriority.HIGH))
    tell(lab, alarm("a:4", AlarmPriority.CRITICAL))
    assert played == [1, 2, 3]
    clock.s += 31.0
    sounds.tick()
    tell(lab, alarm("a:4", AlarmPriority.CRITICAL, AlarmState.ACKED))
    clock.s += 31.0
    sounds.tick()
    assert played == [1, 2, 3, 3]
    assert view.sound.text() == "sound on"
    view.sound.click()
    assert view.sound.text() == "sound off" and bench.session.get("sound/muted") is True
    sounds.set_muted(True)
    tell(lab, alarm("a:5", AlarmPriority.CRITICAL))
    assert played == [1, 2, 3, 3]


def test_u17_alarms_are_told_in_chinese_where_that_is_the_window_s_language(
    view: AlarmsView, bench: ViewBench
) -> None:
    tell(
        bench.lab,
        alarm(HIGH.key, AlarmPriority.HIGH, text_zh="连接未知", what_to_do_zh="检查电缆", version=3),
    )
    languages = Languages()
    bench.session.language = Language.CHINESE
    languages.put_on(Language.CHINESE)
    QApplication.processEvents()
    try:
        row = view.model.row_at(view.model.place_of(HIGH.key))
        assert (row.what, row.what_to_do) == ("连接未知", "检查电缆") and view.ack.text() == "确认"
    finally:
        languages.put_on(Language.ENGLISH)
        QApplication.processEvents()
