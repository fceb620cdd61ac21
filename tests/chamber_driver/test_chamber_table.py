"""The register map as a file: what may stand in it, and how mistakes are told."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labctl_drivers.chamber import create
from labctl_drivers.chamber.options import options_from, with_usual_baud
from labctl_drivers.chamber.table import Entry, Kind, load_table

from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.errors import UsageError, UserFileError, UserInputError
from labctl.interfaces.chamber import ChamberState
from labctl.transport import open_transport

SMALL = """
schema = "labctl.chamber-registers/1"
[input]
state = { address = 100, type = "u16" }
temperature_degC = { address = 40, type = "i16", scale = 0.1 }
[holding]
on = { address = 7, type = "u16", low = 0, high = 1 }
setpoint_degC = { address = 300, type = "i16", scale = 0.1, low = -40, high = 150 }
[states]
off = 3
on = 5
alarm = 9
"""


def _load(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_map_that_comes_with_labctl_is_the_one_of_the_spec() -> None:
    table = load_table()
    places = {name: (entry.address, entry.kind.value) for name, entry in table.inputs.items()}
    assert places == {
        "state": (0, "u16"), "alarm": (1, "u16"), "temperature_degC": (2, "f32"), "followed_degC": (4, "f32"),
    }  # fmt: skip
    ranges = {name: (entry.address, entry.low, entry.high) for name, entry in table.holdings.items()}
    assert ranges == {"on": (0, 0, 1), "setpoint_degC": (2, -40, 150), "ramp_K_per_min": (4, 0.1, 10)}
    assert [(span.address, span.count) for span in table.input_spans + table.holding_spans] == [
        (0, 6),
        (0, 6),
    ]
    assert table.states == {0: ChamberState.OFF, 1: ChamberState.ON, 2: ChamberState.ALARM}
    assert table.alarms[3] == "door open longer than 10 min"


def test_another_map_reads_its_islands_one_by_one(tmp_path: Path) -> None:
    table = load_table(_load(tmp_path, SMALL))
    assert [(span.address, span.count) for span in table.input_spans] == [(40, 1), (100, 1)]
    assert table.inputs["temperature_degC"].decode([0xFF9C]) == pytest.approx(-10.0)
    assert table.holdings["setpoint_degC"].encode(60.04) == (600,)


def test_a_float_with_its_low_word_first_is_turned_round() -> None:
    entry = Entry("t", 0, Kind.F32, 1.0, -math.inf, math.inf, True)
    assert entry.encode(60.0) == (0x0000, 0x4270)
    assert entry.decode((0x8000, 0x426F)) == 59.875


@given(st.floats(-40, 150))
def test_a_set_point_comes_back_as_the_device_can_hold_it(value_degC: float) -> None:
    entry = load_table().holdings["setpoint_degC"]
    assert entry.decode(entry.encode(value_degC)) == entry.rounded(value_degC)
    assert entry.rounded(value_degC) == pytest.approx(value_degC, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("value_degC", [-40.1, 151.0, math.nan, math.inf])
def test_a_value_outside_its_range_is_refused_before_it_is_sent(value_degC: float) -> None:
    with pytest.raises(UsageError, match="outside -40 to 150"):
        load_table().holdings["setpoint_degC"].encode(value_degC)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("labctl.chamber-registers/1", "chamber/2", "schema"),
        ("address = 100", "address = -1", "input.state.address"),
        ("address = 100", "address = true", "input.state.address"),
        ('type = "u16" }\ntemp', 'type = "u17" }\ntemp', "u16, i16 or f32"),
        ("scale = 0.1 }", "scale = 0 }", "must not be 0"),
        ("scale = 0.1 }", 'scale = "x" }', "must be a number"),
        ("temperature_degC", "temperature", "input.temperature_degC cannot be used: it is missing"),
        ("on = { address = 7", "gas = 1\non = { address = 7", "known names are"),
        ("on = { address = 7, ", "on = { place = 7, ", "write { address"),
        ("alarm = 9", "", "off, on and alarm"),
        ("off = 3", "fine = 3", "off, on or alarm"),
        ("[states]", '[alarms]\nmany = "x"\n[states]', "alarms.many"),
        ("[input]", "word_order = 1\n[input]", "high word first"),
        ("[input]", "unit = 300\n[input]", "whole number 1 to 247"),
        ("[input]", "alarms = 1\n[input]", "write a section"),
        ("[input]", "[input", "not TOML"),
    ],
)
def test_a_mistake_in_a_map_names_place_and_fix(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SMALL
    path = _load(tmp_path, SMALL.replace(old, new))
    with pytest.raises(UserFileError) as caught:
        load_table(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserFileError, match=r"none\.toml"):
        load_table(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tabel": "x"}, "did you mean table"),
        ({"colour": "red"}, "known options are"),
        ({"unit": 0}, "1 to 247"),
        ({"framing": "ascii"}, "tcp or rtu"),
        ({"reply_timeout_s": -1}, "reply_timeout_s"),
        ({"table": 5}, "register map"),
    ],
)
def test_a_wrong_option_is_named_with_what_would_be_right(options: dict[str, object], said: str) -> None:
    with pytest.raises(UserInputError, match=said):
        options_from("oven", "tcp://127.0.0.1:502", options)


def test_the_link_tells_the_framing_unless_the_station_file_does() -> None:
    assert options_from("oven", "tcp://h:502", {"poll_s": 10}).framing == "tcp"
    assert options_from("oven", "serial:///dev/ttyUSB0", {}).framing == "rtu"
    assert options_from("oven", "tcp://h:502", {"framing": "rtu"}).framing == "rtu"
    assert with_usual_baud("serial:///dev/ttyUSB0") == "serial:///dev/ttyUSB0?baud=19200"
    assert with_usual_baud("serial://usb?serial_number=A1") == "serial://usb?serial_number=A1&baud=19200"
    assert with_usual_baud("serial://COM3?baud=9600") == "serial://COM3?baud=9600"
    assert with_usual_baud("tcp://h:502") == "tcp://h:502"


def test_the_factory_makes_a_driver_that_does_not_talk() -> None:
    async def main(clock: Clock) -> None:
        chamber = create(
            "oven", "tcp://127.0.0.1:9", {}, clock, lambda resource: open_transport(resource, clock)
        )
        assert chamber.name == "oven"
        await chamber.close()

    run_with_clock(ClockSpec(), main)
