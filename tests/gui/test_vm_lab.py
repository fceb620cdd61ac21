"""What the window knows of its station: fed in batches, told to watchers once, never older than it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase, Me, RowsOf
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.model.bench import (
    ChannelStatus,
    Delta,
    HeldHow,
    InstrumentStatus,
    LinkState,
    StationInfo,
    StopAll,
)
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import Forecast, Job, JobId, JobSpec, JobState
from labctl.model.person import Role
from labctl.model.plain import to_plain


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def channel_delta(name: str, number: int = 1, **words: object) -> Delta:
    return Delta(number, "channel", name, to_plain(ChannelStatus(ChannelId(name), "running", **words)))  # type: ignore[arg-type]


def live(clock: Clock) -> Lab:
    lab = Lab(clock)
    lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, clock.s, me=Me("chen", Role.OPERATE))))
    return lab


def test_a_batch_is_told_once_to_each_watcher_and_only_what_it_watches() -> None:
    lab = live(Clock())
    heard: list[frozenset[tuple[str, str]]] = []
    unwatch = lab.watch({"channel"}, heard.append)
    job = Job(JobId("j-1"), JobSpec(CellId("C1")), JobState.WAITING, 1, "p", "h", "chen", "")
    lab.apply(
        Batch(
            (channel_delta("neware:1-1"), channel_delta("neware:1-2"), Delta(3, "job", "j-1", to_plain(job)))
        )
    )
    assert heard == [frozenset({("channel", "neware:1-1"), ("channel", "neware:1-2")})]
    assert lab.jobs["j-1"] == job
    unwatch()
    lab.apply(Batch((channel_delta("neware:1-1"),)))
    assert len(heard) == 1


def test_values_come_back_as_the_models_own_dataclasses_with_null_as_no_value() -> None:
    lab = live(Clock())
    ends = Forecast("2026-05-12T12:40:00+00:00", "", "")
    status = ChannelStatus(ChannelId("neware:1-1"), "running", voltage_V=3.7, ends=ends, cycle=3)
    lab.apply(Batch((Delta(1, "channel", "neware:1-1", to_plain(status)),)))
    found = lab.channels["neware:1-1"]
    known = {"current_A": 0.0, "temperature_degC": 0.0, "step_time_s": 0.0, "step_left_s": 0.0}
    assert replace(found, **known) == replace(status, **known)
    assert found.held_how is HeldHow.NONE
    assert found.current_A != found.current_A


def test_a_newer_station_may_say_more_and_nonsense_is_kept_as_a_problem() -> None:
    lab = live(Clock())
    told = {**to_plain(ChannelStatus(ChannelId("neware:1-1"), "running")), "colour": "blue"}
    lab.apply(Batch((Delta(1, "channel", "neware:1-1", told), Delta(2, "job", "j-1", {"state": "dancing"}))))
    assert lab.channels["neware:1-1"].state == "running"
    assert len(lab.problems) == 1 and "j-1" in lab.problems[0]


def test_a_number_that_is_not_told_is_no_zero() -> None:
    lab = live(Clock())
    lab.apply(Batch((Delta(1, "channel", "neware:1-1", {"channel": "neware:1-1", "state": "idle"}),)))
    found = lab.channels["neware:1-1"]
    assert found.voltage_V != found.voltage_V and found.test_time_s == 0.0 and not lab.problems


def test_u22_a_value_grows_old_and_turns_stale_after_three_polls() -> None:
    clock = Clock()
    lab = live(clock)
    box = InstrumentStatus(
        "neware", "neware-bts", "", LinkState.LIVE, channels=(ChannelId("neware:1-1"),), poll_s=10.0
    )
    lab.apply(Batch((Delta(1, "instrument", "neware", to_plain(box)), channel_delta("neware:1-1"))))
    assert lab.age_s("neware:1-1") == 0.0 and not lab.stale("neware:1-1")
    clock.s += 35.5
    assert lab.stale("neware:1-1")
    lab.apply(Batch((channel_delta("neware:1-1", voltage_V=3.0),)))
    assert not lab.stale("neware:1-1")
    assert lab.age_s("neware:9-9") == float("inf")


def test_u22_values_of_a_snapshot_are_as_old_as_they_were_at_the_station() -> None:
    lab = live(Clock())
    old = channel_delta("neware:1-1", seen_utc="2026-04-21T09:00:00+00:00")
    new = channel_delta("neware:1-2", seen_utc="2026-04-21T09:04:00+00:00")
    lab.apply(Batch((old, new), reset=True))
    assert lab.age_s("neware:1-1") == 240.0 and lab.age_s("neware:1-2") == 0.0


def test_r13_a_lost_link_makes_everything_stale_and_counts_its_age() -> None:
    clock = Clock()
    lab = live(clock)
    lab.apply(Batch((channel_delta("neware:1-1"),)))
    clock.s += 3.0
    lab.apply(Batch(link=LinkNews(LinkPhase.LOST, None, "the station does not answer")))
    clock.s += 4.0
    assert lab.link.state is LinkPhase.LOST and lab.link.age_s == 7.0 and lab.link.since_s == 103.0
    assert lab.stale("neware:1-1") and lab.me.name == "chen"


def test_a_fresh_snapshot_forgets_what_is_gone_and_says_so() -> None:
    lab = live(Clock())
    lab.apply(Batch((channel_delta("neware:1-1"), channel_delta("neware:1-2"))))
    heard: list[frozenset[tuple[str, str]]] = []
    lab.watch({"channel"}, heard.append)
    lab.apply(Batch((channel_delta("neware:1-2"),), reset=True))
    assert list(lab.channels) == ["neware:1-2"]
    assert ("channel", "neware:1-1") in heard[0]


def test_live_rows_are_told_to_who_watches_them() -> None:
    lab = live(Clock())
    seen: list[tuple[RowsOf, ...]] = []
    lab.watch({"rows"}, lambda places: seen.append(lab.rows))
    rows = RowsOf("r1", {"sequence": np.array([1, 2]), "step_type": np.array([0, 2], dtype=np.int8)})
    lab.apply(Batch(rows=(rows,)))
    assert seen == [(rows,)] and lab.rows == ()


def test_the_news_of_the_station_leave_out_time_and_room_and_those_stay_as_they_were() -> None:
    clock = Clock()
    lab = live(clock)
    info = StationInfo("Station A", "1", "e", 1, "data", False, "real", "2026-04-21T01:42:17+00:00",
                       "", True, StopAll(False), 412_000_000_000, "ok", 0, 0, 0)  # fmt: skip
    lab.take_info(info)
    told = {
        name: value
        for name, value in to_plain(info).items()
        if name not in ("plant_utc", "free_bytes", "stop_all")
    }
    lab.apply(Batch((Delta(1, "station", "info", {**told, "runs_active": 5}),
                     Delta(2, "station", "stop_all", {"active": True, "by": "li"}))))  # fmt: skip
    assert lab.station is not None and lab.station.runs_active == 5
    assert lab.station.free_bytes == 412_000_000_000 and lab.stop_all.by == "li"
    clock.s += 60.0
    assert lab.plant_utc == datetime(2026, 4, 21, 1, 43, 17, tzinfo=UTC)


def test_time_speed_and_room_come_with_the_news() -> None:
    lab = live(Clock())
    lab.take_info(StationInfo("A", "1", "e", 1, "", True, "lockstep", "2026-04-21T00:00:00+00:00", "", True,
                              StopAll(False), 5, "ok", 0, 0, 0, speed=60.0))  # fmt: skip
    vitals = {"plant_utc": "2026-04-21T03:00:00+00:00", "free_bytes": 4, "days_left": 186.0, "speed": None}
    lab.apply(Batch((Delta(1, "station", "vitals", vitals),)))
    station = lab.station
    assert station is not None and lab.plant_utc == utc_of("2026-04-21T03:00:00+00:00")
    assert (station.free_bytes, station.days_left, station.speed) == (4, 186.0, None)
    plain = {name: value for name, value in to_plain(station).items() if name not in vitals}
    lab.apply(Batch((Delta(2, "station", "info", plain),)))
    assert lab.station is not None and (lab.station.days_left, lab.station.speed) == (186.0, None)


def test_a_virtual_benchs_time_follows_its_newest_reading() -> None:
    lab = live(Clock())
    lab.take_info(StationInfo("A", "1", "e", 1, "", True, "scaled", "2026-04-21T00:00:00+00:00", "", True,
                              StopAll(False), 0, "ok", 0, 0, 0))  # fmt: skip
    lab.apply(Batch((channel_delta("neware:1-1", seen_utc="2026-04-21T09:00:00+00:00"),)))
    assert lab.plant_utc == utc_of("2026-04-21T09:00:00+00:00")


def test_registered_cells_are_known_and_told() -> None:
    lab = live(Clock())
    heard: list[frozenset[tuple[str, str]]] = []
    lab.watch({"cell"}, heard.append)
    one, two = (Cell(CellId(name), name, CellKind.SYMMETRIC) for name in ("C1", "C2"))
    lab.take_cells([one, two])
    lab.take_cells([two])
    assert list(lab.cells) == ["C2"]
    assert heard == [frozenset({("cell", "C1"), ("cell", "C2")}), frozenset({("cell", "C1")})]


def test_a_thousand_changed_channels_are_one_call() -> None:
    lab = live(Clock())
    calls: list[int] = []
    lab.watch({"channel"}, lambda places: calls.append(len(places)))
    lab.apply(
        Batch(tuple(channel_delta(f"neware:{unit}-{place}") for unit in range(128) for place in range(8)))
    )
    assert calls == [1024]


def test_a_pulse_that_says_what_was_known_is_told_to_nobody_and_another_person_is() -> None:
    clock = Clock()
    lab = live(clock)
    heard: list[frozenset[tuple[str, str]]] = []
    lab.watch({"link"}, heard.append)
    for _ in range(3):
        clock.s += 2.0
        lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, clock.s, me=Me("chen", Role.OPERATE))))
    assert heard == [], "whoever asks again after a lost link would ask at each pulse"
    lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, clock.s, me=Me("chen", Role.VIEW))))
    assert heard == [frozenset({("link", "station")})] and lab.me.role is Role.VIEW
