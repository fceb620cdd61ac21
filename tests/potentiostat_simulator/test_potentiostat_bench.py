"""Potentiostats on the bench: file, carrying cells, safety violations, determinism, faults of the link."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from labctl_simulators.bench import Bench, open_bench
from labctl_simulators.benchfile import BenchFile, json_schema

from labctl.errors import UserFileError, UserInputError
from labctl.testing.benchrun import BenchRun, _Cable, small_bench
from labctl.transport.memory import SpeakingEndpoint

Make = Callable[..., Any]
HOLDING = "set_e 100m\ncell_on\nwait 100\non_finished:\ncell_off"
CELL = {"cell_id": "A", "variant": "LIQ-P"}
GOOD = """\
labctl: bench/1
instruments:
  - {name: neware, units: [{unit: 1, model: 5V10mA, channels: 2}]}
cells:
  - {cell_id: A1, variant: LIQ-P}
  - {cell_id: A2, variant: LIQ-P, slot: 1-1}
potentiostats:
  - name: ps
    kind: methodscript
    model: es4_hr
    cell: A1
"""


# -- the bench file ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "fix"),
    [
        ("model: es4_hr", "model: es5", 10, 12, "espico, es4_lr, es4_hr, nexus1"),
        ("model: es4_hr", "modle: es4_hr", 10, 5, "Did you mean 'model'"),
        ("    model: es4_hr\n", "", 8, 5, "Add 'model:'"),
        ("name: ps", "name: neware", 8, 11, "Rename"),
        ("cell: A1", "cell: A9", 11, 11, "A1, A2"),
        ("cell: A1", "cell: A2", 11, 11, "one holder"),
        ("cell: A1", "cell: A1\n    dummy: D1", 12, 12, "Leave out"),
        ("cell: A1", "dummy: D9", 11, 12, "D1, D2"),
        ("cell: A1", "dummy: resistor", 11, 12, "resistance_ohm: 110"),
        ("cell: A1", "dummy: D1\n    resistance_ohm: 5", 12, 21, "dummy: resistor"),
        ("cell: A1", "dummy: resistor\n    resistance_ohm: -5", 12, 21, "above 0"),
        ("cell: A1", "eis_max_Hz: 0", 11, 17, "above 0"),
        ("cell: A1", "link: usb", 11, 11, "tcp, pty"),
        ("cell: A1", "effects: {nois: 1}", 11, 15, "Did you mean 'noise'"),
        ("cell: A1", "effects: {roll_off: 2}", 11, 25, "true or false"),
    ],
)
def test_a_mistake_in_a_potentiostats_entry_is_named_with_place_and_fix(
    old: str, new: str, line: int, column: int, fix: str
) -> None:
    with pytest.raises(UserFileError) as caught:
        Bench(BenchFile(GOOD.replace(old, new, 1), "bench.yaml"))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert fix in str(caught.value)


def test_a_good_entry_opens_and_the_schema_knows_every_key() -> None:
    bench = Bench(BenchFile(GOOD + "    effects: {noise: 0.003, roll_off: true}\n", "bench.yaml"))
    assert bench.parts.potentiostats["ps"].plant.effects.noise == 0.003
    assert bench.parts.cells["A1"].slot == "ps"
    properties = json_schema()["$defs"]["potentiostat"]["properties"]
    assert properties["model"]["enum"][:4] == ["espico", "es4_lr", "es4_hr", "nexus1"]
    assert json_schema()["$defs"]["effects"]["properties"]["roll_off"] == {"type": "boolean"}


def test_an_unknown_instrument_is_named_with_the_known_ones() -> None:
    with pytest.raises(UserInputError, match=r"neware, ps"):
        Bench(BenchFile(GOOD, "bench.yaml")).connect("pico")


# -- carrying cells ----------------------------------------------------------------------------------------


def test_a_cell_goes_from_channel_to_potentiostat_and_back_with_its_age(wire: Make, spectrum: Make) -> None:
    cell = {**CELL, "slot": "1-1", "overrides": {"short_mAh_cm2": 500.0}}
    link = wire(cells=[cell])
    held = link.bench.parts.cells["A"].cell
    assert link.admin("cell.place", cell="A", to="ps") == {
        "ok": True, "cell": "A", "place": "ps", "was": "neware:1-1",
    }  # fmt: skip
    assert link.bench.parts.potentiostats["ps"].plant.load.cell is held
    link.run(spectrum(first="1k", points=5))
    assert link.admin("truth", slot="1-1")["cell"] is None
    link.wait(3600.0)
    assert link.admin("cell.place", cell="A", to="1-1")["ok"]
    assert link.bench.parts.slots["neware:1-1"].cell is held and link.truth()["load"] is None
    link.wait(3600.0)
    assert held.state.age_ticks > 0 and link.admin("cell.place", cell="A", to=None)["place"] is None


def test_the_spectrum_is_that_of_the_cells_age_and_temperature(wire: Make, spectrum: Make) -> None:
    chamber = {"name": "box", "air_degC": 40, "setpoint_degC": 40, "on": True, "profile": "ideal"}
    found = {}
    for name, extra in (("cool", {}), ("warm", {"chamber": "box"})):
        link = wire(cell="A", cells=[{**CELL, **extra}], chambers=[chamber])
        found[name] = link.run(spectrum(first="1k", points=5)).spectrum[1][-1].real
        told = link.truth()["cell"]["elements_ohm"]
        assert sum(told.values()) == pytest.approx(found[name], rel=0.15)
    assert found["warm"] < 0.6 * found["cool"]


def test_a_chamber_that_warms_up_reaches_the_cell_on_the_leads(wire: Make) -> None:
    chamber = {"name": "box", "air_degC": 25, "setpoint_degC": 25, "on": True, "profile": "ideal"}
    link = wire(cell="A", cells=[{**CELL, "chamber": "box"}], chambers=[chamber])
    link.admin("chamber.set", name="box", setpoint_degC=60)
    link.wait(4 * 3600.0)
    assert link.truth()["cell"]["temperature_degC"] == pytest.approx(60.0, abs=0.5)


def test_nobody_takes_a_cell_whose_switch_is_on_or_whose_channel_runs(wire: Make) -> None:
    link = wire(cell="A", cells=[CELL])
    link.begin(HOLDING)
    assert "cell switch of ps is on" in link.admin("cell.place", cell="A", to="1-1")["error"]
    link.ask("Z\n")
    assert link.admin("cell.place", cell="A", to="1-1")["ok"]
    from labctl_simulators.neware.channel import Status

    link.bench.parts.slots["neware:1-1"].status = Status.PAUSE
    assert "is pause" in link.admin("cell.place", cell="A", to="ps")["error"]


def test_a_place_that_holds_a_cell_takes_no_second_one(wire: Make) -> None:
    link = wire(cell="A", cells=[CELL, {**CELL, "cell_id": "B", "slot": "1-1"}])
    assert "ps holds cell A" in link.admin("cell.place", cell="B", to="ps")["error"]
    assert "cell.place" in link.admin("cell.swap", slot="1-1", cell="A")["error"]
    assert "no slot 'nowhere'" in link.admin("cell.place", cell="B", to="nowhere")["error"]


def test_two_instruments_on_one_cell_are_a_violation_and_refused(wire: Make) -> None:
    link = wire(cells=[{**CELL, "slot": "1-1"}])
    assert "Safety violation" in link.admin("cell.connect", cell="A", to="ps")["error"]
    (told,) = link.admin("violations")["violations"]
    assert told["kind"] == "two_holders" and told["instrument"] == "ps" and "neware:1-1" in told["detail"]
    link.admin("cell.place", cell="A", to=None)
    assert link.admin("cell.connect", cell="A", to="ps")["ok"]


# -- safety ------------------------------------------------------------------------------------------------


def test_a_welded_relay_is_told_when_the_cell_is_switched_off(wire: Make) -> None:
    link = wire(dummy="D1")
    link.fault("welded")
    link.run("set_e 100m\ncell_on\nwait 1\ncell_off")
    truth = link.truth()
    assert truth["cell_on"] and not truth["switch"] and link.violations == ["cell_switch_welded"]
    link.fault("welded", on=False)
    assert not link.truth()["cell_on"]


def test_a_cell_that_stays_on_without_anybody_is_told_once(wire: Make) -> None:
    link = wire(dummy="D1")
    link.run("set_e 100m\ncell_on")
    link.wait(1000.0)
    assert link.violations == []  # somebody is connected and answers for it
    link.link.end()
    link.wait_s = link.bench.advance_to(link.bench.now_s + 59.0)
    assert link.violations == []
    link.bench.advance_to(link.bench.now_s + 100.0)
    assert link.violations == ["energised_unowned"]
    link.link = link.bench.connect("ps")
    link.run("cell_off")
    link.link.end()
    link.bench.advance_to(link.bench.now_s + 1000.0)
    assert link.violations == ["energised_unowned"]


def test_every_act_at_the_cell_switch_is_in_the_truth(wire: Make) -> None:
    link = wire(dummy="D1")
    link.run("set_e 100m\ncell_on\nwait 2\nset_e 200m\nwait 1\ncell_off")
    switched = link.truth()["switched"]
    assert [(e["what"], e["value"]) for e in switched] == [
        ("cell_on", 0.1), ("set_potential", 0.2), ("cell_off", None),
    ]  # fmt: skip
    assert [e["plant_s"] for e in switched] == pytest.approx([0.0, 2.0, 3.0])


def test_the_truth_tells_what_a_cell_was_made_of_when_it_was_switched_on(wire: Make) -> None:
    link = wire(cell="A", cells=[{"cell_id": "A", "variant": "LIQ-P", "temperature_degC": 25}])
    link.run("set_e 0\ncell_on\nwait 1\ncell_off")
    on, off = link.truth()["switched"]
    assert (on["cell"], on["shorted"]) == ("A", False)
    assert on["elements_ohm"]["sei"] == pytest.approx(95.493, rel=1e-4)  # cell-models.md section 6
    assert "cell" not in off


# -- determinism -------------------------------------------------------------------------------------------


def test_it_does_not_matter_at_which_moments_somebody_looks(wire: Make, spectrum: Make) -> None:
    cell = {"cell_id": "A", "variant": "LTO-P", "x": 0.5}
    keys = {"cell": "A", "cells": [cell], "profile": "calibrated"}
    script, said = spectrum(bias="1600m", last="1", points=30), []
    for steps_s in ([200.0], [0.05] * 37 + [0.31] * 20 + [1.7] * 120):
        link = wire(**keys)
        lines = link.begin(script)
        for step_s in steps_s:
            lines += link.wait(step_s)
            link.truth()
        said.append((lines, link.truth()["cell"]["x"]))
    assert said[0] == said[1] and said[0][0][-1] == ""


def test_the_same_seed_shows_the_same_bytes_and_another_one_does_not(wire: Make, spectrum: Make) -> None:
    def shown(seed: int) -> list[str]:
        spec = {"labctl": "bench/1", "seed": seed, "instruments": [],
                "potentiostats": [{"name": "ps", "model": "es4_hr", "dummy": "D1"}]}  # fmt: skip
        bench = open_bench(spec)
        link = bench.connect("ps")
        said = link.receive(f"e\n{spectrum(last='10', points=20)}\n".encode())
        bench.advance_to(60.0)
        return (said + link.receive(b"")).decode().split("\n")

    assert shown(7) == shown(7) != shown(8)


def test_the_journal_brings_a_potentiostat_back_as_after_a_power_loss(wire: Make) -> None:
    cell = {"cell_id": "A", "variant": "LTO-P", "x": 0.5}
    first, entries = wire(cell="A", cells=[cell]), []
    first.bench.sink = type("Sink", (), {"write": lambda self, entry, durable: entries.append(dict(entry))})()
    first.begin("set_e 1700m\ncell_on\nwait 500\non_finished:\ncell_off")
    first.wait(300.0)
    first.ask("Z\n")
    first.begin(HOLDING)
    first.wait(20.0)
    entries = [json.loads(json.dumps(entry)) for entry in entries]
    again = wire(cell="A", cells=[cell])
    for entry in entries:
        again.bench.replay(entry)
    again.bench.advance_to(first.bench.now_s)
    assert again.truth()["cell"] == first.truth()["cell"] and again.truth()["cell_on"]
    again.bench.lose_power()
    assert not again.truth()["cell_on"] and not again.truth()["running"]


def test_a_bench_without_potentiostats_has_nobody_new_among_its_actors() -> None:
    bench = open_bench({"bench": "default"})
    assert bench.parts.potentiostats == {} and len(bench._actors) == len(bench.parts.slots)


# -- the link ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("split", {"bytes": 3}), ("flow", {}), ("duplicate", {}), ("merge", {}), ("late", {})],
)
def test_a_line_that_is_cut_glued_or_noisy_is_the_same_line_once_put_together(
    wire: Make, spectrum: Make, kind: str, fields: dict[str, Any]
) -> None:
    plain, link = wire(dummy="D1"), wire(dummy="D1")
    script = spectrum(last="1k", points=10)
    link.fault(kind, after=3, **fields)
    pieces: list[bytes] = []
    link.link.attach(pieces.append)
    said = b"".join([link.link.receive(f"e\n{script}\n".encode()), *_wait(link, 10.0, pieces)])
    clean = said.translate(None, b"\x11\x13\r")
    whole = "\n".join([*plain.run(script).lines, ""]).encode()
    lines = whole.split(b"\n")
    expected = b"\n".join([*lines[:4], lines[3], *lines[4:]]) if kind == "duplicate" else whole
    assert clean == expected and (kind != "flow" or said != clean)


def _wait(link: Any, seconds: float, pieces: list[bytes]) -> list[bytes]:
    link.bench.advance_to(link.bench.now_s + seconds)
    return pieces


def test_a_late_line_holds_back_what_stands_behind_it(wire: Make) -> None:
    link = wire()
    link.fault("late", delay_s=2.0)
    assert link.ask("i\nv\n") == [] and link.wait(1.9) == []
    assert [line[0] for line in link.wait(0.2)] == ["i", "v"]
    assert link.ask("v\n")[0].startswith("v")


def test_a_cable_of_a_bench_run_carries_what_is_said_unasked_unless_it_is_out(tmp_path: Path) -> None:
    entry = {"name": "ps", "model": "es4_hr", "dummy": "D1", "profile": "ideal"}
    lab = BenchRun({**small_bench(), "potentiostats": [entry]}, tmp_path)
    lab.cable_out("ps", 15.0, 25.0)
    cable, heard = _Cable(lab, "ps"), list[bytes]()
    assert isinstance(cable, SpeakingEndpoint)
    cable.attach(heard.append)
    cable.receive(b'e\nwait 10\nsend_string "a"\nwait 10\nsend_string "b"\nwait 10\nsend_string "c"\n\n')
    for moment_s in (15.0, 24.0, 26.0, 40.0):
        lab.advance_to(moment_s)
    assert b"".join(heard) == b"Ta\nTc\n\n"


def test_a_lost_link_in_mid_run_leaves_the_script_running_and_a_new_link_aborts_it(
    wire: Make, spectrum: Make
) -> None:
    link = wire(dummy="D1")
    link.fault("drop", after=10, bytes=7)
    heard: list[bytes] = []
    link.link.attach(heard.append)
    link.begin(spectrum())
    link.bench.advance_to(30.0)
    assert len(heard[-1]) == 7 and not link.truth()["connected"]
    with pytest.raises(ConnectionError):
        link.link.receive(b"t\n")
    assert link.truth()["running"] and link.truth()["cell_on"]
    link.link = link.bench.connect("ps")
    assert link.ask("\n") == []
    assert link.ask("Z\n") == ["Z", "*", ""] and not link.truth()["cell_on"]


def test_a_power_cut_ends_link_script_and_cell(wire: Make) -> None:
    link = wire(dummy="D1")
    link.begin(HOLDING)
    link.fault("power_cut")
    truth = link.truth()
    assert (truth["cell_on"], truth["running"], truth["connected"]) == (False, False, False)


def test_timing_flags_come_on_as_many_points_as_asked(wire: Make, spectrum: Make) -> None:
    link = wire(dummy="D1")
    link.fault("timing", count=3)
    assert link.run(spectrum(last="1k", points=6)).status(1) == [1, 1, 1, 0, 0, 0]


def test_an_open_lead_shows_thirty_picofarad_in_the_spectrum(wire: Make, spectrum: Make) -> None:
    link = wire(cell="A", cells=[CELL])
    link.fault("open_lead")
    frequency_Hz, impedance_ohm = link.run(spectrum(last="1k", points=3)).spectrum
    assert abs(impedance_ohm) == pytest.approx(1 / (2 * 3.141592653589793 * frequency_Hz * 30e-12), rel=1e-3)
    assert link.truth()["cell"]["throughput_mAh_cm2"] == 0.0


def test_unknown_faults_are_refused_with_the_known_ones(wire: Make) -> None:
    reply = wire().admin("fault", instrument="ps", kind="moths")
    assert not reply["ok"] and "oscillating" in reply["error"] and "split" in reply["error"]
