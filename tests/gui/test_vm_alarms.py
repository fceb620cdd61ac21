"""The alarm list: what to do is a column, unseen first; who has seen what; nothing hides a critical one (U12, R15)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labctl.gui.viewmodels.acts import Acts, Trouble, TroubleKind
from labctl.gui.viewmodels.alarms import AlarmList, Listed, week_figures
from labctl.gui.viewmodels.events import Kind, event_bars, event_rows, hand_over
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.model.alarm import AlarmPriority, AlarmState
from labctl.model.bench import Delta
from labctl.model.person import Role
from labctl.testing.guibench import INFO
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, alarm, empty, running, tell

NOW = utc_of("2026-04-21T01:42:00+00:00")
assert NOW is not None
TRIP = alarm("trip:neware:1-3", AlarmPriority.CRITICAL, channel="neware:1-3", cell="C0135", text="V 5.02 above 5.00 V",
             since_utc="2026-04-21T01:38:00+00:00")  # fmt: skip
SEEN = alarm("limit.warn:neware:1-4", AlarmPriority.MEDIUM, AlarmState.ACKED, channel="neware:1-4",
             acknowledged_by="li", since_utc="2026-04-20T01:00:00+00:00")  # fmt: skip
GONE = alarm(
    "chamber.lost:chamber", AlarmPriority.LOW, AlarmState.RTN_UNACK, since_utc="2026-04-20T22:12:00+00:00"
)
PUT_ASIDE = alarm("gap:neware:1-5", AlarmPriority.HIGH, AlarmState.SHELVED, channel="neware:1-5")


def a_list(role: Role = Role.CONFIGURE) -> tuple[Lab, FakeAsks, AlarmList]:
    lab = a_lab(role=role)
    lab._utc = lambda: NOW  # type: ignore[assignment,return-value]
    tell(lab, *(running(f"neware:1-{slot}") for slot in range(1, 9)), TRIP, SEEN, GONE, PUT_ASIDE)
    asks = FakeAsks()
    return lab, asks, AlarmList(lab, Acts(asks, TurnedClock()), asks)


def test_unseen_alarms_come_first_urgent_before_calm_and_each_says_what_to_do() -> None:
    _, _, alarms = a_list()
    groups = alarms.groups()
    assert [(group.title, [row.where for row in group.rows]) for group in groups] == [
        ("Not acknowledged", ["1-3", "chamber"]), ("Acknowledged", ["1-4"]),
    ]  # fmt: skip
    trip, gone = groups[0].rows
    assert (trip.mark.number, trip.cell, trip.what, trip.state) == (
        1,
        "C0135",
        "V 5.02 above 5.00 V",
        "UNACK",
    )
    assert trip.what_to_do == "Look at it." and trip.age == "4\u2009min" and trip.blink
    assert gone.age == "cleared" and gone.state == "RTN_UNACK" and not gone.blink
    assert groups[1].rows[0].by.startswith("li")


def test_counters_and_segments_count_what_they_show() -> None:
    _, _, alarms = a_list()
    assert list(alarms.counts().values()) == [1, 0, 1, 1]
    assert alarms.listed_counts() == {Listed.OPEN: 3, Listed.SHELVED: 1, Listed.ALL: 4}
    alarms.listed = Listed.SHELVED
    assert [row.where for group in alarms.groups() for row in group.rows] == ["1-5"]
    alarms.listed, alarms.priorities = Listed.OPEN, frozenset({AlarmPriority.MEDIUM})
    assert [row.where for group in alarms.groups() for row in group.rows] == ["1-4"]


def test_the_tree_goes_from_station_to_rack_to_unit_and_filters() -> None:
    _, _, alarms = a_list()
    tree = {branch.key: branch for branch in alarms.tree()}
    assert tree["station"].count == 3 and tree["station"].priorities == (
        AlarmPriority.CRITICAL,
        AlarmPriority.LOW,
    )
    assert tree["rack:1"].count == 2 and tree["rack:1:1"].depth == 2
    assert tree["at:chamber"].priorities == (AlarmPriority.LOW,)
    alarms.branch = "rack:1:1"
    assert [row.where for group in alarms.groups() for row in group.rows] == ["1-3", "1-4"]


def test_search_and_chinese_texts() -> None:
    lab, asks, _ = a_list()
    tell(
        lab,
        alarm(
            "protect:neware:1-2",
            channel="neware:1-2",
            text="protection",
            text_zh="保护",
            what_to_do_zh="查看曲线",
        ),
    )
    alarms = AlarmList(lab, Acts(asks, TurnedClock()), asks, chinese=lambda: True)
    alarms.search = "保护"
    (group,) = alarms.groups()
    assert (group.rows[0].what, group.rows[0].what_to_do) == ("保护", "查看曲线")


def test_u12_acknowledging_names_the_version_that_was_seen() -> None:
    _, asks, alarms = a_list()
    alarms.acknowledge([TRIP.key, SEEN.key], "on my way")
    (question,) = asks.asked
    assert question.verb == "alarms.acknowledge" and question.args == (TRIP.key,)
    assert question.words == {"comment": "on my way", "version": 1}


def test_r15_who_was_faster_is_told() -> None:
    _, asks, alarms = a_list()
    asks.answers["alarms.acknowledge"] = Trouble(
        "Not acknowledged.", "wang was faster.", kind=TroubleKind.CONFLICT
    )
    alarms.acknowledge([TRIP.key])
    act = alarms._acts.latest(TRIP.key)
    assert act is not None and "wang was faster." in act.text


def test_a_critical_alarm_is_never_shelved_and_others_only_with_a_reason_and_a_day() -> None:
    _, asks, alarms = a_list()
    assert alarms.buttons([TRIP.key]).shelve == "Shelve: not for critical."
    assert alarms.shelve([SEEN.key], 8.0, " ") != "" and alarms.shelve([SEEN.key], 25.0, "why") != ""
    assert alarms.shelve([TRIP.key], 8.0, "quiet") == "" and asks.asked == []
    assert alarms.shelve([SEEN.key], 8.0, "known") == ""
    assert asks.asked[0].args == (SEEN.key, 8.0)


def test_a_trip_is_reset_only_after_it_was_acknowledged_and_the_bar_says_so() -> None:
    lab, asks, alarms = a_list()
    tell(lab, empty("neware:1-3", tripped="V 5.02 above 5.00", cell_id="C0135"))
    buttons = alarms.buttons([TRIP.key])
    assert buttons.reset == "Reset: acknowledge first." and buttons.acknowledge == "" and buttons.go_to == ""
    assert buttons.hint == "Shelve: not for critical. Reset: acknowledge first."
    assert alarms.reset_trip(TRIP.key, reason="leads checked", confirm="neware:1-3") == buttons.reset
    tell(lab, alarm("trip:neware:1-3", AlarmPriority.CRITICAL, AlarmState.ACKED, channel="neware:1-3"))
    assert alarms.reset_trip(TRIP.key, reason="leads checked", confirm="neware:1-3") == ""
    assert asks.asked[-1].verb == "channels.reset" and asks.asked[-1].words["confirm"] == "neware:1-3"


def test_r5_without_a_choice_every_button_says_why() -> None:
    _, _, alarms = a_list()
    buttons = alarms.buttons([])
    assert {buttons.acknowledge, buttons.shelve, buttons.reset, buttons.go_to} == {"No alarm is selected."}
    assert alarms.disable([SEEN.key], "") != "" and alarms.buttons([PUT_ASIDE.key]).unshelve == ""


def test_the_week_is_one_line() -> None:
    told = {"per_day": {"2026-04-20": 12, "2026-04-21": 10}, "peak_per_10_min": 4, "stale": ["a", "b"],
            "acknowledged_after_s": {"median": 360.0, "longest": 900.0},
            "worst": [{"key": "gap:x", "count": 3}]}  # fmt: skip
    found = week_figures(told)
    assert found.line.replace("\u2009", " ") == (
        "this week: 11 alarms a day, most in 10 min 4, time to acknowledge 6 min (median), stale over 24 h: 2"
    )
    assert found.worst == (("gap:x", 3),)
    assert "none yet" in week_figures({}).line


def test_the_week_is_asked_for_once_in_five_minutes() -> None:
    lab, asks, alarms = a_list()
    asks.answers["alarms.figures"] = {"per_day": {}}
    alarms.want_figures()
    alarms.want_figures()
    assert len(asks.of("alarms.figures")) == 1 and alarms.figures.line
    assert lab.link.live


def event(number: int, utc: str, **words: object) -> Delta:
    return Delta(number, "event", "x", {"kind": "gap", "utc": utc, "text": f"event {number}", **words})


def test_r11_events_are_listed_newest_first_and_by_segment() -> None:
    lab, _, alarms = a_list()
    tell(
        lab,
        event(1, "2026-04-21T01:00:00+00:00", channel="neware:1-2", cell="C2", run_id="r2", priority="high"),
        event(2, "2026-04-21T01:30:00+00:00", kind="act", who="chen", act="run.pause", subject="r2", text=""),
        event(3, "2026-04-21T01:41:00+00:00", kind="act", who="li", act="run.note", subject="r1", text=""),
    )
    assert [row.number for row in event_rows(lab)] == [3, 2, 1]
    assert [row.number for row in event_rows(lab, Kind.MINE)] == [2]
    assert [row.number for row in event_rows(lab, Kind.COMMANDS)] == [3, 2]
    (fault,) = event_rows(lab, Kind.FAULTS)
    assert (fault.where, fault.what) == ("1-2 C2", "event 1")
    assert [row.number for row in event_rows(lab, search="pause r2")] == [2]
    assert [row.number for row in event_rows(lab, run_id="r2")] == [1]
    bars = event_bars(lab)
    assert sum(bars) == 3 and bars[-1] == 2
    assert not any(row.time.endswith("wall") for row in event_rows(lab))
    told = hand_over(lab, alarms)
    assert "V 5.02 above 5.00 V → Look at it." in told and "run.pause r2" in told


def test_on_a_virtual_bench_an_act_names_the_clock_that_it_tells() -> None:
    lab, _, _ = a_list()
    lab.take_info(replace(INFO, virtual=True, plant_utc="2026-01-03T00:00:00+00:00"))
    tell(
        lab,
        event(1, "2026-01-02T23:59:00+00:00", run_id="r2"),
        event(2, "2026-04-21T01:30:00+00:00", kind="act", who="chen", act="run.pause", subject="r2", text=""),
    )
    act, other = event_rows(lab)
    assert act.time.endswith(" wall") and not other.time.endswith("wall")


@pytest.mark.parametrize("channels", [0, 1024])
def test_a_flood_of_alarms_is_listed(channels: int) -> None:
    lab, _, alarms = a_list()
    tell(lab, *(running(f"neware:{unit}-{slot}") for unit in range(1, channels // 8 + 1) for slot in range(1, 9)),
         *(alarm(f"gap:neware:1-{n}", channel=f"neware:1-{n % 8 + 1}") for n in range(500)))  # fmt: skip
    assert sum(len(group.rows) for group in alarms.groups()) == 503
