"""``labctl protocols``, ``cells``, ``chamber``, ``doctor`` and ``init`` against a running bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labctl.cli.app import main
from labctl.testing.commandline import captured

FULL_CELL = ("--set", "upper_voltage=3.0 V", "--set", "lower_voltage=1.0 V")


def test_doctor_reads_the_station_and_its_instruments(lab: Any) -> None:
    found = {check["what"]: check for check in lab.json("doctor")}
    assert all(check["ok"] for check in found.values())
    assert "16 channels: " in found["neware"]["found"] and "1 running" in found["neware"]["found"]
    assert "25.0 degC" in found["room-25"]["found"]
    assert "neware" not in {check["what"] for check in lab.json("doctor", "--offline")}


def test_doctor_names_what_does_not_answer_and_goes_on(lab: Any, tmp_path: Path) -> None:
    text = lab.bench.station_file.read_text(encoding="utf-8")
    port = lab.bench.instrument("neware")["port"]
    station = tmp_path / "station.yaml"
    station.write_text(text.replace(f"tcp://127.0.0.1:{port}", "tcp://127.0.0.1:1"), encoding="utf-8")
    call = captured(main, "doctor", "--json", "--station", str(station), "--data", str(lab.data))
    assert call.code == 1
    found = {check["what"]: check for check in call.json}
    assert not found["neware"]["ok"] and "address in the station file" in found["neware"]["fix"]
    assert found["room-25"]["ok"]


@pytest.mark.parametrize("content", [b"\xff\xfe junk", b"", b"labctl: station/1\nname: x\ninstrumets: []\n"])
def test_a_station_file_that_cannot_be_read_is_named_with_the_fix(
    lab: Any, tmp_path: Path, content: bytes
) -> None:
    station = tmp_path / "station.yaml"
    station.write_bytes(content)
    call = captured(main, "chamber", "list", "--json", "--station", str(station))
    assert (call.code, call.json["exit_code"]) == (1, 1)
    assert str(station) in call.err and "Traceback" not in call.err
    report = captured(main, "doctor", "--json", "--station", str(station), "--data", str(lab.data))
    assert [check["what"] for check in report.json if not check["ok"]] == ["station file"]


def test_chambers_are_read_set_and_switched_off(lab: Any) -> None:
    before = {entry["chamber"]: entry for entry in lab.json("chamber", "list")}
    assert before["oven-60"]["setpoint_degC"] == 60.0
    assert "neware:1-3" in before["room-25"]["channels"]
    set_to = {entry["chamber"]: entry for entry in lab.json("chamber", "set", "oven-60", "55")}
    assert set_to["oven-60"]["setpoint_degC"] == 55.0
    off = {entry["chamber"]: entry for entry in lab.json("chamber", "off", "oven-60")}
    assert off["oven-60"]["state"] == "off"


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("set", "oven60", "55"), 2, "This station has: room-25, oven-60"),
        (("set", "oven-60", "hot"), 2, "invalid float value"),
        (("set", "oven-60", "900"), 1, "outside"),
        (("heat", "oven-60"), 2, "invalid choice"),
    ],
)
def test_a_chamber_is_not_set_to_nonsense(lab: Any, words: tuple[str, ...], code: int, hint: str) -> None:
    call = lab.call("chamber", *words, "--json")
    assert (call.code, call.json["exit_code"]) == (code, code)
    assert hint in call.err


def test_a_protocol_is_shown_and_checked_for_a_cell_in_a_channel(lab: Any) -> None:
    words = ("formation", "--cell", "C0007", "--channel", "neware:1-7", *FULL_CELL)
    shown = lab.json("protocols", "show", *words)
    assert any("10.308 uA" in line for line in shown["sentences"])
    assert any("hold 3 V" in line for line in shown["sentences"])
    checked = lab.json("protocols", "check", *words)
    assert checked["ok"] and any("% of the 1 mA range" in text for text in checked["warnings"])


def test_a_protocol_for_another_kind_of_cell_is_refused_with_every_finding(lab: Any) -> None:
    call = lab.call("protocols", "check", "formation", "--cell", "C0003", "--channel", "neware:1-3", "--json")
    assert call.code == 1
    assert call.json["ok"] is False
    assert any("registered as 'symmetric'" in text for text in call.json["findings"])


@pytest.mark.parametrize("name", ["unicycler", "pybamm", "neware-xml", "yaml"])
def test_a_protocol_is_written_in_other_formats_with_its_losses(lab: Any, tmp_path: Path, name: str) -> None:
    target = tmp_path / "neu" / f"p4.{name}"
    words = ("p4-lto-li", "--to", name, "--cell", "C0007", "--channel", "neware:1-7", "--set", "cycles=2")
    made = lab.json("protocols", "convert", *words, "--out", str(target))
    assert target.stat().st_size > 100
    assert made["losses"] or name == "yaml"


def test_a_conversion_that_is_refused_leaves_the_old_file(lab: Any, tmp_path: Path) -> None:
    target = tmp_path / "p.xml"
    target.write_text("mine", encoding="utf-8")
    call = lab.call("protocols", "convert", "p1-li-li-1mA", "--to", "neware-xml", "--out", str(target))
    assert (call.code, target.read_text(encoding="utf-8")) == (2, "mine")


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (bytes(range(128, 256)), "not UTF-8"),
        (b"", "empty"),
        (b"labctl: protocol/1\nname: x\nstepps:\n  - rest: 1 h\n", "3:1: unknown key 'stepps'"),
        (b"labctl: protocol/1\nname: x\nsteps:\n  - charge: 1 mA/cm^2\n", "can never end"),
        (b"hello", "not a protocol file"),
    ],
)
def test_a_bad_protocol_file_is_refused_in_one_sentence(tmp_path: Path, content: bytes, hint: str) -> None:
    path = tmp_path / "mein Protokoll ä.yaml"
    path.write_bytes(content)
    call = captured(main, "protocols", "check", str(path), "--json")
    assert call.code == 1
    (finding,) = call.json["findings"]
    assert hint in finding and path.name in finding


def test_init_writes_a_station_file_once_and_never_loses_one(tmp_path: Path) -> None:
    path = tmp_path / "neu" / "station.yaml"
    assert captured(main, "init", str(path), "--json").json == {"station": str(path)}
    assert (
        captured(main, "doctor", "--offline", "--station", str(path), "--data", str(tmp_path / "d")).code == 0
    )
    path.write_text("mine", encoding="utf-8")
    refused = captured(main, "init", str(path))
    assert (refused.code, path.read_text(encoding="utf-8")) == (2, "mine")
    for _ in range(2):
        assert captured(main, "init", str(path), "--force").code == 0
    assert [file.read_text(encoding="utf-8")[:4] for file in sorted(path.parent.glob("*.bak"))] == ["mine"]
    assert len(list(path.parent.glob("*.bak*"))) == 2
    assert captured(main, "init", str(tmp_path), "--force").code == 2


@pytest.mark.slow
def test_a_rehearsal_predicts_the_end_and_leaves_the_bench_alone(lab: Any) -> None:
    before = lab.bench.admin("hello")["plant_s"]
    found = lab.json("protocols", "rehearse", "formation", "--cell", "C0007", *FULL_CELL)
    assert (found["outcome"], found["cycles"], found["twin"]) == ("finished", 3, "LTO-P")
    assert Path(found["curve"]).stat().st_size > 1000
    assert lab.bench.admin("hello")["plant_s"] == before


def test_usage_errors_are_json_too() -> None:
    call = captured(main, "runs", "--json")
    assert (call.code, call.json["exit_code"]) == (2, 2)
    assert "Correct is: labctl runs" in json.loads(call.out)["error"]
