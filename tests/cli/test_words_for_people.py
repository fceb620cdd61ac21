"""What a person reads in a terminal: words instead of Python values, the next step, nothing of last month."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labctl.api.client.answers import lost
from labctl.cli.alarms import _done, _figure_lines
from labctl.cli.app import main
from labctl.cli.channel import _line
from labctl.cli.notify import _lines
from labctl.cli.queue import print_calendar
from labctl.cli.serve import _addresses_elsewhere
from labctl.cli.stationlog import NAME, logging_to
from labctl.config.api import Address, ApiSettings
from labctl.model.alarm import Alarm, AlarmKey, AlarmPriority, AlarmState
from labctl.model.bench import ChannelStatus
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import CalendarEntry, JobId
from labctl.testing.commandline import captured

FIGURES = {
    "per_day": {"2026-01-01": 3},
    "peak_per_10_min": 2,
    "stale": ["trip:a:1-1"],
    "worst": [{"key": "trip:a:1-1", "count": 3}],
    "acknowledged_after_s": {"median": 90.0, "longest": 600.0},
    "aims": {"peak_per_10_min": 10, "stale": 5},
    "now": {"critical": 1, "high": 0, "medium": 0, "low": 0, "unacknowledged": 1, "flood": False},
}


def test_the_figures_of_the_week_are_sentences() -> None:
    told = list(_figure_lines(FIGURES))
    assert "until somebody had seen them: median 1.5 min, longest 10.0 min" in told
    assert "    3 x trip:a:1-1" in told and told[-1].startswith("now: 1 critical")
    quiet = {**FIGURES, "per_day": {}, "worst": [], "stale": [], "acknowledged_after_s": None}
    assert not [line for line in _figure_lines(quiet) if "None" in line or "{" in line]


def test_who_is_told_is_a_line_a_person() -> None:
    person = {"name": "Ann", "paths": ["env:ANN"], "language": "en", "last": ""}
    told = list(_lines({"people": [person], "alive_at": "08:00", "quiet_hours": ""}))
    assert told[0] == "Ann: env:ANN (language en)"
    assert told[-2:] == ["alive_at: 08:00", "quiet_hours: none"]
    assert next(iter(_lines({"people": []}))).startswith("Nobody is named")


def test_the_receipt_for_a_trip_names_the_way_to_reset_it() -> None:
    state, priority = AlarmState.NORMAL, AlarmPriority.CRITICAL
    alarm = Alarm(AlarmKey("trip:a:1-1"), "trip", "a:1-1", state, priority, "beyond", "look", channel="a:1-1")
    assert "labctl channel reset a:1-1 --confirm a:1-1" in _done("ack", alarm)


def test_a_calendar_shows_the_past_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    early, late = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"
    entries = [
        CalendarEntry(ChannelId("a:1-1"), CellId(cell), "P1", state, early, late, job_id=JobId(job))
        for cell, state, job in (("C1", "ended", "j-1"), ("C2", "waiting", "j-2"))
    ]
    print_calendar(tuple(entries))
    assert "C2" in (shown := capsys.readouterr().out) and "C1" not in shown
    print_calendar(tuple(entries), over=True)
    assert "C1" in capsys.readouterr().out


def test_other_computers_are_told_the_names_and_the_open_port_alone() -> None:
    settings = ApiSettings((Address(), Address("0.0.0.0", 7431)), ("bench-pc.lab.example",))
    assert _addresses_elsewhere(settings) == ["https://bench-pc.lab.example:7431"]
    assert _addresses_elsewhere(ApiSettings()) == []


def test_an_unpinned_certificate_is_answered_with_the_way_to_pin_it() -> None:
    told = lost("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed", "hello", "https://bench-pc:7421")
    assert "LABCTL_FINGERPRINT" in str(told) and "right?" not in str(told)
    assert "LABCTL_FINGERPRINT" not in str(lost("refused", "hello", "https://bench-pc:7421"))


def test_a_station_elsewhere_is_not_ended_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCTL_URL", "https://bench-pc:7421")
    monkeypatch.setenv("LABCTL_TOKEN", "lab_x")
    told = captured(main, "serve", "--stop")
    assert told.code == 2 and "https://bench-pc:7421" in told.err and "--data" in told.err


def test_a_station_logs_its_begin_and_its_end(tmp_path: Path) -> None:
    with logging_to(tmp_path, verbose=False):
        pass
    with pytest.raises(OSError, match="no room"), logging_to(tmp_path, verbose=False):
        raise OSError("no room")
    lines = (tmp_path / "station" / NAME).read_text(encoding="utf-8").splitlines()
    assert "the station starts" in lines[0] and lines[1].endswith("the station ends")
    assert lines[-1].endswith("the station ends on OSError: no room")


def test_a_channel_tells_what_its_run_waits_for_until_something_is_in_the_way() -> None:
    waits = ChannelStatus(ChannelId("a:1-1"), "waiting", sentence="waits: room-25 at 20 degC")
    assert _line(waits).endswith("; waits: room-25 at 20 degC")
    assert _line(replace(waits, lane="j-1 failed")).endswith("; stands still: j-1 failed")
