"""The frame tells link, counters, disk and alarms in words; a banner only when something is wrong (R13)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.topbar import TopBar
from labctl.model.bench import Delta, StationInfo, StopAll
from labctl.testing.guilab import TurnedClock, a_lab, empty, running, tell


def info(free_bytes: int, *, virtual: bool = False) -> StationInfo:
    utc, latch = "2026-04-21T01:42:17+00:00", StopAll(False)
    return StationInfo(
        "Station A", "1", "e", 1, "", virtual, "real", utc, "", True, latch, free_bytes, "ok", 0, 0, 0
    )


def test_counters_link_person_and_alarms_are_told() -> None:
    clock = TurnedClock()
    lab = a_lab(clock)
    tell(lab, running("a:1-1"), running("a:1-2", state="held"), empty("a:1-3"),
         Delta(1, "station", "alarms", {"critical": 1, "high": 0, "medium": 2, "low": 0}))  # fmt: skip
    clock.s += 0.4
    bar = TopBar(lab).look()
    assert (bar.running, bar.free, bar.held) == (2, 1, 1) and bar.link == "station 0.4\u2009s"
    assert [count for _, count in bar.alarms] == [1, 0, 2, 0] and (bar.person, bar.role) == (
        "chen",
        "operator",
    )
    assert bar.banner == "" and bar.stop_all == "" and bar.station == "no station"


def test_r13_a_lost_link_is_a_banner_with_its_age() -> None:
    clock = TurnedClock()
    lab = a_lab(clock)
    lab.apply(Batch(link=LinkNews(LinkPhase.LOST, None, "connection refused")))
    clock.s += 12.0
    bar = TopBar(lab).look()
    assert bar.banner.startswith("No word from the station for 12\u2009s.") and bar.banner.endswith(
        "connection refused"
    )
    assert bar.link_glyph == "stale"
    assert TopBar(Lab(clock)).look().link == "looking for the station"
    lab.apply(Batch(link=LinkNews(LinkPhase.REFUSED, None, "Your token has ended.")))
    assert TopBar(lab).look().banner == "Your token has ended." and TopBar(lab).look().link == "not let in"


def test_the_disk_is_told_in_bytes_until_its_rate_is_known_and_then_in_days() -> None:
    clock = TurnedClock()
    lab = a_lab(clock)
    top = TopBar(lab)
    lab.take_info(info(412_000_000_000))
    assert top.look().disk == "disk 412\u2009GB"
    clock.s += 3600.0
    lab.take_info(info(411_900_000_000))
    assert top.look().disk == "disk 172 d"


def test_stop_all_and_the_last_event_are_told_with_place_and_time() -> None:
    lab = a_lab()
    lab._utc = lambda: datetime(2026, 4, 21, 1, 42, 17, tzinfo=UTC)
    reports = [{"channel": "a:1-1", "confirmed": False}]
    latch = {"active": True, "by": "li", "since_utc": "2026-04-21T01:40:00+00:00", "reports": reports}
    trip = {"kind": "trip", "utc": "2026-04-21T01:38:02+00:00", "channel": "a:1-1", "cell": "C0135"}
    trip["text"] = "V 5.02 above 5.00 V"
    tell(lab, running("a:1-1"), Delta(1, "station", "stop_all", latch), Delta(2, "event", "trip", trip))
    bar = TopBar(lab).look(timezone(timedelta(hours=8)))
    assert bar.stop_all.startswith("All outputs stopped by li") and bar.stop_all.endswith("1 not confirmed!")
    assert bar.last_event.endswith("1-1 C0135: V 5.02 above 5.00 V")
    assert (bar.utc, bar.local) == ("2026-04-21 01:42:17 UTC", "09:42:17 +08:00") and bar.bench_time == ""
    lab.take_info(info(1, virtual=True))
    assert TopBar(lab).look().bench_time.endswith("UTC")
