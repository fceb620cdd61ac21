"""Potentiostats and switches in the station file: read as SI, and each contradiction named with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labctl.config.station import default_station_text, parse_station
from labctl.errors import UserFileError
from labctl.model.ids import ChannelId
from labctl.model.protocol import Impedance
from labctl.protocol.parse import parse_protocol

HEAD = """\
labctl: station/1
instruments:
  - {name: neware, driver: neware-bts, resource: "tcp://127.0.0.1:1"}
chambers:
  - {name: oven, driver: modbus-chamber, resource: "tcp://127.0.0.1:2"}
"""
PSTAT = """\
potentiostats:
  - name: pstat
    driver: methodscript
    resource: serial:///dev/ttyUSB1
    channels: ["neware:1-1", "neware:1-2"]
    ocv_tolerance: 50 mV
    ocv_tolerance_fraction: 5 %
    options: {poll_s: 2, step_max_s: 1200, step_max_by: Ann}
"""
MUX = """\
switches:
  - name: mux
    driver: multiplexer
    resource: serial:///dev/ttyUSB2
    potentiostat: pstat
    places: {"neware:1-1": 1, "neware:1-2": 12}
"""


def test_potentiostats_and_switches_are_read_as_si() -> None:
    station = parse_station(HEAD + PSTAT + MUX)
    (pstat,), (mux,) = station.potentiostats, station.switches
    assert (pstat.name, pstat.driver, pstat.poll_s) == ("pstat", "methodscript", 2.0)
    assert pstat.channels == ("neware:1-1", "neware:1-2")
    assert pstat.ocv_tolerance_V == pytest.approx(0.05)
    assert pstat.ocv_tolerance_fraction == pytest.approx(0.05)
    assert pstat.driver_options == {"step_max_s": 1200, "step_max_by": "Ann"}
    assert (mux.potentiostat, mux.places) == (
        "pstat", {ChannelId("neware:1-1"): 1, ChannelId("neware:1-2"): 12}
    )  # fmt: skip


def test_a_potentiostat_needs_neither_channels_nor_tolerances() -> None:
    (pstat,) = parse_station(
        HEAD + "potentiostats: [{name: p, driver: methodscript, resource: 'tcp://h:1'}]\n"
    ).potentiostats
    assert (pstat.channels, pstat.ocv_tolerance_V, pstat.ocv_tolerance_fraction) == ((), 0.02, 0.02)


def test_the_commented_lines_of_a_new_station_file_are_right_once_they_are_uncommented() -> None:
    lines = default_station_text().splitlines()
    begin = next(at for at, line in enumerate(lines) if line.startswith("# potentiostats:"))
    end = next(at for at, line in enumerate(lines) if line.startswith("# Channel limits"))
    for at in range(begin, end):
        if lines[at].startswith(("# ", "#  ")) and not lines[at].startswith("# Multiplexers"):
            lines[at] = lines[at][2:]
    station = parse_station("\n".join(lines))
    assert [entry.name for entry in station.potentiostats] == ["pstat"]
    assert station.switches[0].places[ChannelId("neware:1-2")] == 2


def test_a_bench_of_one_kind_of_device_has_no_potentiostat_that_another_process_holds() -> None:
    station = parse_station(HEAD + PSTAT + MUX)
    for part in (station.only_chambers(), station.only_instruments()):
        assert part.potentiostats == () and part.switches == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PSTAT.replace("name: pstat", "name: oven"), "'oven' is there twice"),
        (PSTAT.replace("neware:1-2", "neware:1-1"), "neware:1-1 stands twice"),
        (PSTAT.replace("neware:1-2", "newara:1-2"), "Did you mean 'neware:1-2'"),
        (PSTAT.replace("50 mV", "50 mA"), "must be a voltage"),
        (PSTAT.replace("50 mV", "0 mV"), "above 0 V"),
        (PSTAT.replace("5 %", "90 %"), "0 to 50 %"),
        (PSTAT.replace("ocv_tolerance:", "ocv_tolerence:"), "ocv_tolerance"),
        (PSTAT + MUX.replace("potentiostat: pstat", "potentiostat: pstet"), "Did you mean 'pstat'"),
        (PSTAT + MUX.replace(": 12}", ": 1}"), "place 1 has another channel"),
        (PSTAT + MUX.replace(": 12}", ": 100}"), "from 1 to 99"),
        (PSTAT + MUX.replace("neware:1-2", "neware:1-3"), "neware:1-3 is not one of 'pstat'"),
        (PSTAT + MUX.replace('{"neware:1-1": 1, "neware:1-2": 12}', "[]"), "'places' must be written"),
        (PSTAT + MUX + MUX.partition("\n")[2].replace("mux", "mux2"), "has the switch 'mux' already"),
        (MUX, "Potentiostats of this file: none"),
    ],
)
def test_a_contradiction_is_named_with_its_line_and_fix(text: str, told: str) -> None:
    with pytest.raises(UserFileError) as caught:
        parse_station(HEAD + text)
    assert told in str(caught.value) and caught.value.line is not None and caught.value.fix


def test_station_part_and_steps_of_the_page_about_spectra_are_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "eis.md").read_text(encoding="utf-8")
    section = page[page.index("\n## In the middle of a run") : page.index("\n## In the window")]
    steps, part = re.findall(r"```yaml\n(.*?)```", section, flags=re.DOTALL)
    assert parse_station(HEAD + part).switches[0].potentiostat == "pstat"
    protocol = parse_protocol(
        f"labctl: protocol/1\nname: page\nsafety: {{voltage: [-5 V, 5 V]}}\n{steps}", "page"
    )
    assert any(isinstance(node, Impedance) for node in protocol.steps)
