"""The station file is read strictly: what is right comes in as SI, a mistake is named with place and fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.clock import ClockMode
from labctl.config.station import (
    ENVIRONMENT,
    StationFile,
    default_station_text,
    find_station,
    load_station,
    parse_station,
)
from labctl.errors import UserFileError, UserInputError
from labctl.model.ids import ChannelId

WHOLE = """\
labctl: station/1
name: virtual bench
data: ./labctl-data
clock: {mode: lockstep, admin: "127.0.0.1:40001", speed: max}
instruments:
  - name: neware
    driver: neware-bts
    resource: tcp://127.0.0.1:40002
    timezone: Europe/Zurich
    options: {devid: 33, step_folder: /path/steps, poll_s: 600, units: {"1": 5V10mA, "2": 5V100mA-4R}}
chambers:
  - name: oven-60
    driver: modbus-chamber
    resource: tcp://127.0.0.1:40003
    options: {poll_s: 30}
    channels: ["neware:1-5", "neware:1-6"]
limits:
  "neware:1-1": {voltage: [-5 V, 5 V], current: 10 mA, capacity: 5 mAh, warn: {voltage: [-2 V, 2 V]}}
"""


def test_whole_file_is_read_as_si() -> None:
    station = parse_station(WHOLE)
    (instrument,) = station.instruments
    assert (instrument.name, instrument.driver, instrument.poll_s) == ("neware", "neware-bts", 600.0)
    assert instrument.timezone == "Europe/Zurich"
    assert instrument.driver_options == {
        "devid": 33,
        "step_folder": "/path/steps",
        "units": {"1": "5V10mA", "2": "5V100mA-4R"},
    }
    (chamber,) = station.chambers
    assert (chamber.poll_s, chamber.channels) == (30.0, ("neware:1-5", "neware:1-6"))
    limits = station.limits[ChannelId("neware:1-1")]
    assert (limits.trip.voltage_min_V, limits.trip.voltage_max_V) == (-5.0, 5.0)
    assert limits.trip.current_max_A == pytest.approx(10e-3)
    assert limits.trip.capacity_max_Ah == pytest.approx(5e-3)
    assert limits.warn is not None
    assert limits.warn.voltage_max_V == 2.0
    assert (station.clock.mode, station.clock.speed) == (ClockMode.LOCKSTEP, None)


def test_leader_leads_and_guest_does_not() -> None:
    station = parse_station(WHOLE)
    assert station.clock.spec().mode is ClockMode.LOCKSTEP
    assert station.clock.as_guest().mode is ClockMode.FREE
    assert parse_station("labctl: station/1\n").clock.as_guest().mode is ClockMode.REAL


def test_default_text_is_a_station_file(tmp_path: Path) -> None:
    path = tmp_path / "station.yaml"
    path.write_text(default_station_text(), encoding="utf-8")
    station = load_station(path)
    assert [entry.name for entry in station.instruments] == ["neware"]
    assert station.instruments[0].poll_s == 10.0
    assert station.data == tmp_path / "labctl-data"
    assert station.limits == {}


def test_part_of_a_bench_can_be_opened_alone() -> None:
    station = parse_station(WHOLE)
    assert station.only_chambers().instruments == ()
    assert station.only_instruments().chambers == ()


def changed(old: str, new: str) -> str:
    """Return the whole file with one thing changed."""
    assert old in WHOLE
    return WHOLE.replace(old, new, 1)


BAD = {
    "unknown top key": (changed("limits:", "limit:"), 17, "limits"),
    "unknown device key": (changed("    driver: neware-bts", "    drivr: neware-bts"), 7, "driver"),
    "another schema": (changed("station/1", "station/9"), 1, "station/1"),
    "no driver": (changed("    driver: neware-bts\n", ""), 6, "driver"),
    "name with a space": (changed("name: neware\n", "name: my cycler\n"), 6, "letters"),
    "two of one name": (
        changed("chambers:", "  - {name: neware, driver: x, resource: mem://x}\nchambers:"), 11, "name of its own",
    ),
    "poll too fast": (changed("poll_s: 600", "poll_s: 1"), 10, "5"),
    "poll without sense": (changed("poll_s: 600", "poll_s: often"), 10, "5"),
    "unknown clock mode": (changed("mode: lockstep", "mode: lockstp"), 4, "lockstep"),
    "lockstep without admin": (changed(', admin: "127.0.0.1:40001"', ""), 4, "admin"),
    "speed of zero": (changed("speed: max", "speed: 0"), 4, "0.001"),
    "no channel": (changed('"neware:1-5"', '"1-5"'), 16, "neware:1-3"),
    "unknown instrument": (changed('"neware:1-5"', '"newear:1-5"'), 16, "neware:1-5"),
    "channel twice": (changed('"neware:1-6"', '"neware:1-5"'), 16, "one of the two"),
    "limit without a unit": (changed("current: 10 mA", "current: 10"), 18, "10 mA"),
    "limit of another kind": (changed("current: 10 mA", "current: 10 V"), 18, "10 mA"),
    "limits the wrong way round": (changed("[-5 V, 5 V]", "[5 V, -5 V]"), 18, "[-5 V, 5 V]"),
    "one limit of two": (changed("[-5 V, 5 V]", "[5 V]"), 18, "[-5 V, 5 V]"),
    "negative current": (changed("current: 10 mA", "current: -10 mA"), 18, "10 mA"),
    "unknown limit": (changed("capacity: 5 mAh", "charge: 5 mAh"), 18, "capacity"),
    "unknown warn limit": (changed("warn: {voltage", "warn: {volts"), 18, "voltage"),
    "duplicate key": (changed("name: virtual bench", "name: a\nname: b"), 3, "Remove"),
    "a list where a map belongs": ("- labctl: station/1\n", 1, "labctl"),
    "no YAML": ("labctl: [station/1\n", None, ""),
    "instruments is a map": ("labctl: station/1\ninstruments: {name: x}\n", 2, "- "),
    "options is a list": (
        "labctl: station/1\ninstruments:\n  - {name: a, driver: b, resource: c, options: [1]}\n", 3, "driver",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_mistake_is_named_with_its_line_and_fix(case: str) -> None:
    text, line, fix = BAD[case]
    with pytest.raises(UserFileError) as caught:
        parse_station(text, "station.yaml")
    if line is not None:
        assert caught.value.line == line
        assert caught.value.column is not None
    assert fix in str(caught.value)
    assert str(caught.value).startswith("station.yaml:")


@given(st.text(max_size=300))
def test_any_text_is_a_station_or_a_user_file_error(text: str) -> None:
    try:
        found = parse_station(text)
    except UserFileError:
        return
    assert isinstance(found, StationFile)


@given(st.integers(0, len(WHOLE) - 1))
def test_file_cut_anywhere_is_a_station_or_a_user_file_error(length: int) -> None:
    try:
        parse_station(WHOLE[:length])
    except UserFileError as error:
        assert str(error)


def test_station_is_found_by_name_then_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
    named.write_text("labctl: station/1\n", encoding="utf-8")
    other.write_text("labctl: station/1\n", encoding="utf-8")
    monkeypatch.setenv(ENVIRONMENT, str(other))
    assert find_station(named) == named
    assert find_station(None) == other


def test_missing_station_says_where_was_looked_and_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setattr("labctl.config.station.default_station_path", lambda: tmp_path / "none.yaml")
    with pytest.raises(UserInputError, match="labctl init"):
        find_station(None)
    with pytest.raises(UserInputError, match="labctl init"):
        find_station(tmp_path / "gone.yaml")
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "gone.yaml"))
    with pytest.raises(UserInputError, match=ENVIRONMENT):
        find_station(None)
