"""The life of an alarm, told to the pure machine."""

from __future__ import annotations

import pytest

from labctl.engine.machines.alarms import (
    ALARMS_MAX,
    FLOOD_COUNT,
    SHELVE_MAX_S,
    AlarmMachine,
)
from labctl.engine.machines.alarmterms import CHATTER_S, Change, Moment, Signal
from labctl.errors import ConflictError, UserInputError
from labctl.model.alarm import AlarmPriority, AlarmState
from labctl.station.alarmtable import DEFINITIONS


def at(now_s: float) -> Moment:
    minutes, seconds = divmod(now_s, 60)
    hours, minutes = divmod(int(minutes), 60)
    return Moment(
        now_s, f"2026-01-{1 + hours // 24:02d}T{hours % 24:02d}:{minutes:02d}:{seconds:06.3f}+00:00"
    )


def machine() -> AlarmMachine:
    return AlarmMachine(DEFINITIONS)


def states(changes: list[Change]) -> list[AlarmState]:
    return [change.alarm.state for change in changes]


def raised(
    house: AlarmMachine, definition: str, subject: str, now_s: float = 0.0, **more: object
) -> list[Change]:
    return house.report(definition, Signal(subject, **more), at(now_s))  # type: ignore[arg-type]  # test shorthand


def test_an_alarm_goes_to_normal_only_when_it_is_cleared_and_acknowledged() -> None:
    house = machine()
    assert states(raised(house, "chamber.off", "oven")) == [AlarmState.UNACK]
    assert states(house.clear("chamber.off", "oven", at(1))) == [AlarmState.RTN_UNACK]
    assert states(house.acknowledge("chamber.off:oven", "Ann", at(2))) == [AlarmState.NORMAL]
    assert house.alarms() == ()
    raised(house, "chamber.off", "oven", 100)
    assert states(house.acknowledge("chamber.off:oven", "Ann", at(101))) == [AlarmState.ACKED]
    assert states(house.clear("chamber.off", "oven", at(102))) == [AlarmState.NORMAL]


def test_an_alarm_that_does_not_latch_goes_with_its_condition() -> None:
    house = machine()
    raised(house, "stop.all", "station")
    assert states(house.clear("stop.all", "station", at(1))) == [AlarmState.NORMAL]


def test_acknowledging_closes_an_alarm_of_which_nobody_can_say_that_it_is_over() -> None:
    house = machine()
    raised(house, "trip", "neware:1-1")
    again = raised(house, "trip", "neware:1-1", 5)
    assert again[0].alarm.count == 2 and not again[0].announce
    assert states(house.acknowledge("trip:neware:1-1", "Ann", at(9))) == [AlarmState.NORMAL]


def test_the_second_of_two_operators_hears_who_was_first() -> None:
    house = machine()
    first = raised(house, "chamber.off", "oven")[0].alarm
    house.acknowledge("chamber.off:oven", "Ann", at(1), version=first.version)
    with pytest.raises(ConflictError, match="Ann"):
        house.acknowledge("chamber.off:oven", "Ben", at(2))
    with pytest.raises(ConflictError, match="acknowledged by Ann"):
        house.acknowledge("chamber.off:oven", "Ben", at(2), version=first.version)


def test_a_rise_in_severity_is_told_again_and_a_fall_is_not() -> None:
    house = machine()
    low, high = AlarmPriority.LOW, AlarmPriority.HIGH
    raised(house, "chamber.off", "oven", priority=low)
    house.acknowledge("chamber.off:oven", "Ann", at(1))
    rise = raised(house, "chamber.off", "oven", 2, priority=high)
    assert states(rise) == [AlarmState.UNACK] and rise[0].announce
    assert raised(house, "chamber.off", "oven", 3, priority=low) == []
    assert house.alarms()[0].priority is high


def test_the_same_report_at_every_poll_is_one_change() -> None:
    house = machine()
    assert len(raised(house, "disk.low", "data", text="9 GB")) == 1
    assert raised(house, "disk.low", "data", 10, text="8 GB") == []


def test_a_critical_alarm_can_be_neither_shelved_nor_disabled_nor_covered() -> None:
    house = machine()
    raised(house, "instrument.unknown", "neware")
    assert states(raised(house, "trip", "neware:1-1", channel="neware:1-1")) == [AlarmState.UNACK]
    with pytest.raises(UserInputError, match="CRITICAL"):
        house.shelve("trip:neware:1-1", "Ann", "later", 60, "", at(1))
    with pytest.raises(UserInputError, match="CRITICAL"):
        house.disable("trip:neware:1-1", "Ann", "broken", at(1))
    with pytest.raises(UserInputError, match="CRITICAL"):
        house.disable("trip:neware:1-2", "Ann", "not there yet", at(1))


def test_what_hides_an_alarm_falls_away_when_it_becomes_critical() -> None:
    house = machine()
    raised(house, "chamber.off", "oven")
    house.shelve("chamber.off:oven", "Ann", "known", 3600, "2026-01-01T01:00:00+00:00", at(1))
    rise = raised(house, "chamber.off", "oven", 2, priority=AlarmPriority.CRITICAL)
    assert states(rise) == [AlarmState.UNACK] and rise[0].announce


def test_a_shelved_alarm_comes_back_by_itself_within_a_day() -> None:
    house = machine()
    raised(house, "chamber.off", "oven")
    with pytest.raises(UserInputError, match="24 hours"):
        house.shelve("chamber.off:oven", "Ann", "known", SHELVE_MAX_S + 1, "", at(1))
    with pytest.raises(UserInputError, match="reason"):
        house.shelve("chamber.off:oven", "Ann", " ", 60, "", at(1))
    house.shelve("chamber.off:oven", "Ann", "known", 60, "", at(1))
    assert house.next_s() == 61
    assert house.tick(at(60)) == []
    back = house.tick(at(61))
    assert states(back) == [AlarmState.UNACK] and back[0].announce


def test_a_disabled_alarm_names_its_owner_and_date_and_stays_silent() -> None:
    house = machine()
    house.disable("chamber.off:oven", "Ann", "oven is at the workshop", at(0))
    assert raised(house, "chamber.off", "oven", 1) == [] or house.alarms()[0].state is AlarmState.DISABLED
    assert house.alarms()[0].comment == "out of service by Ann since 2026-01-01: oven is at the workshop"
    back = house.enable("chamber.off:oven", "Ben", at(2))
    assert states(back) == [AlarmState.UNACK] and back[0].announce


def test_channel_alarms_stand_under_the_alarm_of_their_instrument() -> None:
    house = machine()
    raised(house, "reading.bad", "neware:1-1", channel="neware:1-1")
    down = raised(house, "instrument.unknown", "neware", 1)
    assert states(down) == [AlarmState.UNACK, AlarmState.SUPPRESSED]
    hidden = raised(house, "reading.frozen", "neware:1-2", 2, channel="neware:1-2")
    assert states(hidden) == [AlarmState.SUPPRESSED] and not hidden[0].announce
    assert states(raised(house, "reading.bad", "other:1-1", 2, channel="other:1-1")) == [AlarmState.UNACK]
    gone = house.clear("reading.frozen", "neware:1-2", at(3))
    assert states(gone) == [AlarmState.NORMAL], "it came and went where nobody was to see it"
    up = house.clear("instrument.unknown", "neware", at(4))
    assert AlarmState.UNACK in states(up) and not up[-1].announce, "people knew of it before"


def test_a_delay_lets_a_short_disturbance_pass() -> None:
    house = machine()
    assert raised(house, "chamber.lost", "oven") == []
    assert house.clear("chamber.lost", "oven", at(30)) == []
    assert house.next_s() is None or house.tick(at(1000)) == []
    raised(house, "chamber.lost", "oven", 2000)
    assert house.next_s() == 2060
    assert states(house.tick(at(2060))) == [AlarmState.UNACK]


def test_a_hysteresis_in_time_keeps_an_alarm_that_comes_back() -> None:
    house = machine()
    raised(house, "disk.low", "data")
    assert house.clear("disk.low", "data", at(10)) == []
    assert raised(house, "disk.low", "data", 40) == []
    assert house.tick(at(80)) == []
    house.clear("disk.low", "data", at(100))
    assert states(house.tick(at(160))) == [AlarmState.RTN_UNACK]


def test_a_definition_may_ask_for_several_reports() -> None:
    house = machine()
    for second in range(4):
        assert raised(house, "reply.garbled", "neware", second) == []
    assert states(raised(house, "reply.garbled", "neware", 4)) == [AlarmState.UNACK]


def test_reports_too_far_apart_are_no_alarm_and_are_forgotten() -> None:
    house = machine()
    for hour in range(20):
        assert raised(house, "reply.garbled", "neware", hour * 3600.0) == []
    assert house.tick(at(20 * 3600.0)) == []
    assert house.next_s() is None


def test_chatter_is_one_latched_alarm_until_it_is_quiet() -> None:
    house = machine()
    raised(house, "chamber.off", "oven", 0)
    house.clear("chamber.off", "oven", at(5))
    third = raised(house, "chamber.off", "oven", 10)
    assert third[0].alarm.chattering and third[0].alarm.state is AlarmState.UNACK
    heard = 0
    for second in range(15, 60, 5):
        heard += len(house.clear("chamber.off", "oven", at(second)))
        heard += sum(change.announce for change in raised(house, "chamber.off", "oven", second + 2))
    house.clear("chamber.off", "oven", at(60))
    assert heard == 0
    quiet = house.tick(at(60 + CHATTER_S))
    assert states(quiet) == [AlarmState.RTN_UNACK] and not quiet[0].alarm.chattering


def test_the_end_of_a_run_ends_its_warnings_and_not_its_trip() -> None:
    house = machine()
    for run in ("r1", "r2"):
        raised(house, "chamber.warn", "oven", run_id=run)
    raised(house, "limit.warn", "neware:1-1", run_id="r1", channel="neware:1-1")
    raised(house, "trip", "neware:1-1", run_id="r1", channel="neware:1-1")
    assert [change.alarm.definition for change in house.run_over("r1", at(5))] == ["limit.warn"]
    assert [change.alarm.definition for change in house.run_over("r2", at(6))] == ["chamber.warn"]
    assert {alarm.key for alarm in house.alarms() if alarm.state is AlarmState.UNACK} == {"trip:neware:1-1"}


def test_more_than_ten_alarms_in_ten_minutes_are_a_flood() -> None:
    house = machine()
    for number in range(FLOOD_COUNT):
        assert not raised(house, "held", f"neware:1-{number}", number)[0].flooded
    assert raised(house, "held", "neware:2-1", 20)[0].flooded
    assert not house.flooded(700)


def test_there_is_a_bound_on_alarms_and_critical_ones_pass_it() -> None:
    house = machine()
    for number in range(ALARMS_MAX + 3):
        raised(house, "held", f"neware:{number}", 0)
    assert "alarm.flood:station" in {alarm.key for alarm in house.alarms()}
    assert house.unlisted == 3
    assert states(raised(house, "trip", "neware:x", 1)) == [AlarmState.UNACK]
    assert len(house.alarms()) <= ALARMS_MAX + 2


def test_what_no_table_knows_is_an_alarm_all_the_same() -> None:
    house = machine()
    found = raised(house, "engine.novelty", "neware:1-1", text="strange", priority=AlarmPriority.HIGH)[
        0
    ].alarm
    assert (found.key, found.priority, found.text) == (
        "engine.novelty:neware:1-1",
        AlarmPriority.HIGH,
        "strange",
    )


def test_a_new_alarm_never_has_a_version_that_an_old_one_had() -> None:
    house = machine()
    old = raised(house, "trip", "neware:1-1")[0].alarm.version
    house.acknowledge("trip:neware:1-1", "Ann", at(1))
    raised(house, "trip", "neware:1-1", 2)
    with pytest.raises(ConflictError, match="changed meanwhile"):
        house.acknowledge("trip:neware:1-1", "Ben", at(3), version=old)


def test_the_table_says_what_to_do_in_both_languages_and_keeps_critical_rare() -> None:
    assert all(
        text.strip()
        for known in DEFINITIONS.values()
        for text in (
            known.title,
            known.title_zh,
            known.cause,
            known.consequence,
            known.what_to_do,
            known.what_to_do_zh,
        )
    )
    critical = [known for known in DEFINITIONS.values() if known.priority is AlarmPriority.CRITICAL]
    assert len(critical) / len(DEFINITIONS) <= 0.05
    assert all("\n" not in known.what_to_do and len(known.what_to_do) <= 80 for known in DEFINITIONS.values())
    assert all(root in DEFINITIONS for known in DEFINITIONS.values() for root in known.under)
