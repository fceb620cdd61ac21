"""The station's alarms over restarts, full disks and many hands."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from labctl.engine.machines.findings import Finding, Priority
from labctl.errors import ConflictError, StoreError
from labctl.model.alarm import AlarmPriority
from labctl.model.program import DetectionKind
from labctl.station import overriding
from labctl.station.alarmtable import BY_FINDING, DEFINITIONS
from labctl.station.feed import Snapshot
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.alarmdesk import ANN, BEN, Desk, live

FOLDER = Path("/data/station")
TRIP = Finding("limit.trip", Priority.CRITICAL, "voltage above the limit of 4.35 V", 17, "Look at the cell.")


@pytest.fixture
def disk() -> SimulatedDisk:
    """Return a disk that several lives of a station share."""
    return SimulatedDisk()


def shown(snapshot: Snapshot) -> dict[str, str]:
    return {delta.key: str((delta.data or {})["state"]) for delta in snapshot.state if delta.topic == "alarm"}


def test_a_trip_is_shown_at_once_with_channel_cell_and_what_to_do() -> None:
    async def story(desk: Desk) -> None:
        desk.keeper.finding("r1", "neware:1-1", "C1", TRIP)
        alarm = desk.keeper.alarm("trip:neware:1-1")
        assert (alarm.channel, alarm.cell, alarm.run_id) == ("neware:1-1", "C1", "r1")
        assert (alarm.text, alarm.what_to_do) == (TRIP.text, TRIP.what_to_do)
        assert shown(desk.feed.snapshot()) == {"trip:neware:1-1": "unacknowledged"}

    live(story)


def test_an_acknowledgement_is_in_the_journal_with_name_comment_and_both_states() -> None:
    async def story(desk: Desk) -> None:
        desk.keeper.raise_alarm("chamber.off", "oven")
        version = desk.keeper.alarm("chamber.off:oven").version
        await desk.keeper.acknowledge(ANN, "chamber.off:oven", "on my way", version=version)
        assert desk.audit.rows == [
            ("Ann", "alarm.acknowledge", "chamber.off:oven", "unacknowledged", "acknowledged", "on my way")
        ]
        with pytest.raises(ConflictError, match="Ann"):
            await desk.keeper.acknowledge(BEN, "chamber.off:oven", version=version)

    live(story)


def test_who_acknowledged_an_alarm_that_is_over_is_told_to_the_one_who_comes_second() -> None:
    async def story(desk: Desk) -> None:
        desk.keeper.finding("r1", "neware:1-1", "C1", TRIP)
        version = desk.keeper.alarm("trip:neware:1-1").version
        assert await desk.keeper.acknowledge(ANN, "trip:neware:1-1", version=version) is None
        with pytest.raises(ConflictError, match="Ann"):
            await desk.keeper.acknowledge(BEN, "trip:neware:1-1", version=version)

    live(story)


def test_every_alarm_comes_back_after_a_power_cut_as_it_stood(disk: SimulatedDisk) -> None:
    async def before(desk: Desk) -> dict[str, str]:
        keeper = desk.keeper
        keeper.finding("r1", "neware:1-1", "C1", TRIP)
        for name in ("a", "b", "c", "d"):
            keeper.raise_alarm("chamber.off", name)
        await keeper.acknowledge(ANN, "chamber.off:a")
        await keeper.shelve(ANN, "chamber.off:b", "known", 2.0)
        await keeper.disable(ANN, "chamber.off:c", "at the workshop")
        keeper.clear("chamber.off", "d")
        await keeper.flush()
        return desk.states()

    async def after(desk: Desk) -> dict[str, str]:
        assert desk.keeper.alarm("chamber.off:a").acknowledged_by == "Ann"
        assert shown(desk.feed.snapshot()) == desk.states()
        return desk.states()

    before_cut = live(before, disk)
    assert set(before_cut.values()) == {
        "unacknowledged", "acknowledged", "shelved", "disabled", "cleared, not acknowledged",
    }  # fmt: skip
    assert live(after, disk.crash(), start_s=3600.0) == before_cut


def test_shelving_goes_on_over_a_restart_and_ends_when_it_was_to_end(disk: SimulatedDisk) -> None:
    async def before(desk: Desk) -> None:
        desk.keeper.raise_alarm("chamber.off", "oven")
        await desk.keeper.shelve(ANN, "chamber.off:oven", "known", 2.0)

    async def after(desk: Desk) -> None:
        assert desk.states() == {"chamber.off:oven": "shelved"}
        await desk.clock.link.sleep(3599.0)
        assert desk.states() == {"chamber.off:oven": "shelved"}
        await desk.clock.link.sleep(2.0)
        assert desk.states() == {"chamber.off:oven": "unacknowledged"}

    live(before, disk)
    live(after, disk.crash(), start_s=3600.0)


def test_a_delay_passes_by_itself() -> None:
    async def story(desk: Desk) -> None:
        desk.keeper.raise_alarm("chamber.lost", "oven")
        await desk.clock.link.sleep(59.0)
        assert desk.states() == {}
        await desk.clock.link.sleep(2.0)
        assert desk.states() == {"chamber.lost:oven": "unacknowledged"}

    live(story)


def test_alarms_are_shown_while_the_disk_is_full_and_written_when_it_is_not(disk: SimulatedDisk) -> None:
    async def before(desk: Desk) -> None:
        disk.quota_bytes = 0
        desk.keeper.finding("r1", "neware:1-1", "C1", TRIP)
        await desk.clock.link.sleep(1.0)
        assert desk.states() == {"trip:neware:1-1": "unacknowledged", "store.ledger:alarms": "unacknowledged"}
        disk.quota_bytes = None
        await desk.clock.link.sleep(20.0)
        assert desk.states()["store.ledger:alarms"] == "cleared, not acknowledged"

    async def after(desk: Desk) -> None:
        assert desk.states()["trip:neware:1-1"] == "unacknowledged"

    live(before, disk)
    live(after, disk.crash())


def test_an_act_that_cannot_be_kept_is_undone_and_refused() -> None:
    async def story(desk: Desk) -> None:
        desk.keeper.raise_alarm("chamber.off", "oven")
        desk.keeper.raise_alarm("trip", "neware:1-1")
        await desk.keeper.flush()
        desk.audit.full = True
        for key in ("chamber.off:oven", "trip:neware:1-1"):
            with pytest.raises(StoreError):
                await desk.keeper.acknowledge(ANN, key)
        with pytest.raises(StoreError):
            await desk.keeper.disable(ANN, "chamber.off:other", "no reason that lasts")
        assert desk.states() == {"chamber.off:oven": "unacknowledged", "trip:neware:1-1": "unacknowledged"}
        assert desk.keeper.alarm("chamber.off:oven").acknowledged_by == ""
        desk.audit.full = False
        await desk.keeper.acknowledge(ANN, "trip:neware:1-1")
        assert desk.states() == {"chamber.off:oven": "unacknowledged"}

    live(story)


def test_the_lost_link_of_a_full_tester_is_one_alarm() -> None:
    async def story(desk: Desk) -> None:
        unknown = Finding("link.unknown", Priority.HIGH, "nothing known of the channel for 35 s")
        for place in range(1, 9):
            channel = f"neware:1-{place}"
            desk.keeper.finding(f"r{place}", channel, "", Finding("reading.frozen", Priority.HIGH, "still"))
            desk.keeper.finding(f"r{place}", channel, "", unknown)
        states = desk.states()
        assert [key for key, state in states.items() if state == "unacknowledged"] == [
            "instrument.unknown:neware"
        ]
        desk.keeper.finding("r1", "neware:1-1", "", Finding("link.back", Priority.EVENT, "back"))
        assert desk.states()["instrument.unknown:neware"] == "cleared, not acknowledged"

    live(story)


def test_a_finding_that_no_table_knows_is_an_alarm_and_an_event_is_none() -> None:
    async def story(desk: Desk) -> None:
        desk.keeper.finding("r1", "neware:1-1", "C1", Finding("engine.novelty", Priority.LOW, "strange"))
        desk.keeper.finding("r1", "neware:1-1", "C1", Finding("start.adopted", Priority.EVENT, "taken over"))
        assert [(alarm.key, alarm.priority) for alarm in desk.keeper.alarms()] == [
            ("engine.novelty:neware:1-1", AlarmPriority.LOW)
        ]

    live(story)


def test_two_warn_limits_of_one_channel_are_two_alarms() -> None:
    async def story(desk: Desk) -> None:
        for about in ("voltage", "charge"):
            finding = Finding("limit.warn", Priority.MEDIUM, f"{about} warn", 3, "", about)
            desk.keeper.finding("r1", "neware:1-1", "C1", finding)
        over = Finding("limit.warn.clear", Priority.EVENT, "over", 9, "", "voltage")
        desk.keeper.finding("r1", "neware:1-1", "C1", over)
        assert desk.states() == {
            "limit.warn:neware:1-1/charge": "unacknowledged",
            "limit.warn:neware:1-1/voltage": "cleared, not acknowledged",
        }

    live(story)


def test_a_ledger_grown_large_begins_anew_and_loses_nothing(disk: SimulatedDisk) -> None:
    async def fill(desk: Desk) -> dict[str, str]:
        for number in range(12_000):
            desk.keeper.raise_alarm("trip", f"neware:{number % 50}")
            if number % 400 == 0:
                await desk.keeper.flush()
        await desk.keeper.flush()
        return desk.states()

    async def look(desk: Desk) -> dict[str, str]:
        return desk.states()

    before = live(fill, disk)
    assert live(look, disk) == before
    names = disk.names(FOLDER)
    assert len(names) == 2 and (disk.size(FOLDER / "alarms.jsonl") or 0) < 100_000
    assert live(look, disk.crash()) == before


def test_the_figures_of_the_week_survive_a_restart(disk: SimulatedDisk) -> None:
    async def week(desk: Desk) -> None:
        for _day in range(3):
            desk.keeper.raise_alarm("trip", "neware:1-1")
            await desk.clock.link.sleep(120.0)
            await desk.keeper.acknowledge(ANN, "trip:neware:1-1")
            await desk.clock.link.sleep(86_280.0)
        desk.keeper.raise_alarm("chamber.off", "oven")
        await desk.clock.link.sleep(90_000.0)

    async def look(desk: Desk) -> None:
        figures = desk.keeper.figures()
        assert list(figures["per_day"].values()) == [1, 1, 1, 1]
        assert figures["worst"][0] == {"key": "trip:neware:1-1", "count": 3}
        assert figures["stale"] == ["chamber.off:oven"]
        assert figures["acknowledged_after_s"] == {"median": 120.0, "longest": 120.0}
        assert figures["now"]["high"] == 1

    live(week, disk)
    live(look, disk, start_s=350_000.0)


def test_a_full_disk_is_one_alarm_however_many_runs_suffer() -> None:
    async def story(desk: Desk) -> None:
        for place in range(1, 9):
            finding = Finding("store.failed", Priority.CRITICAL, "no space left")
            desk.keeper.finding(f"r{place}", f"neware:1-{place}", f"C{place}", finding)
        (alarm,) = desk.keeper.alarms()
        assert (alarm.key, alarm.count, alarm.channel) == ("store.failed:store", 8, "")

    live(story)


REPORTS = ("Finding", "_tell", "_all_to", "raise_alarm", "hear_problem")
"""Whoever reports something names it first."""
MADE_UP = {
    "chamber.": ("labctl/engine/machines/chamber.py", "_once"),
    "early.": ("labctl/engine/machines/early.py", "hint"),
}
"""Names with a part that another call gives: where, and which call."""


def first_words(path: Path, calls: Sequence[str]) -> set[str]:
    """Return the names that are given to some calls in a file, but those of mere events."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or "Priority.EVENT" in map(ast.unparse, node.args):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        first = node.args if called == "_all_to" else node.args[:1]
        words = [arg.value for arg in first if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if called in calls and words:
            found.add(words[0])
    return found


def test_everything_that_engine_and_station_report_has_a_line_in_the_table() -> None:
    project = Path(__file__).parents[2]
    found = {f"detect.{kind}" for kind in DetectionKind}
    for package in ("engine", "station"):
        for path in (project / "labctl" / package).rglob("*.py"):
            words = first_words(path, REPORTS)
            found |= {word for word in words if re.fullmatch(r"[a-z]+(\.[a-z_]+)*", word)}
    for prefix, (file, call) in MADE_UP.items():
        found |= {prefix + word for word in first_words(project / file, (call,))}
    found |= {overriding.ACTIVE, overriding.EXPIRED}
    assert {"store.frozen", "computer.slept", "order.differs", "chamber.refused", "link.unknown"} <= found
    assert {"chamber.unwatched", "chamber.bad", "chamber.off", "early.soft_short", "run.untaken"} <= found
    assert {BY_FINDING.get(kind, kind) for kind in found} <= set(DEFINITIONS)


def test_a_file_that_was_given_up_is_as_urgent_from_the_station_as_from_a_run() -> None:
    async def story(desk: Desk) -> None:
        desk.keeper.raise_alarm("store.frozen", "queue.jsonl", text="queue.jsonl: a write failed")
        finding = Finding("store.frozen", Priority.CRITICAL, "records-0001.log: a write failed")
        desk.keeper.finding("r1", "neware:1-1", "C1", finding)
        assert {alarm.key: alarm.priority for alarm in desk.keeper.alarms()} == {
            "store.failed:queue.jsonl": AlarmPriority.CRITICAL,
            "store.failed:store": AlarmPriority.CRITICAL,
        }

    live(story)
