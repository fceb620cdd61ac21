"""A VersaSTAT among the instruments of a bench: file, cells with their age, links that fail, determinism, journal."""

from __future__ import annotations

import json
import math
import xmlrpc.client
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from labctl_simulators.bench import Bench, open_bench
from labctl_simulators.benchfile import BenchFile

from labctl.errors import UserFileError, UserInputError

Make = Callable[..., Any]
CELL = {"cell_id": "A", "variant": "LIQ-P"}
BOX = {"name": "box", "air_degC": 25, "setpoint_degC": 25, "on": True, "profile": "ideal"}
GOOD = """\
labctl: bench/1
instruments: []
potentiostats:
  - name: ps
    kind: versastat
    model: parstat4000a
"""
LIQ_P_ohm = {
    1e6: 6.366 + 2.491j, 1e5: 6.372 + 0.027j, 1e4: 6.737 - 1.973j, 1e3: 11.481 - 12.735j, 100: 54.946 - 40.897j,
    10: 110.103 - 27.629j, 1: 138.485 - 10.087j, 0.1: 145.086 - 6.480j,
}  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "fix"),
    [
        ("model: parstat4000a", "model: es4_hr", 6, "parstat3000a, parstat4000a"),
        ("kind: versastat", "kind: versastatt", 5, "Did you mean 'versastat'"),
        ("kind: versastat\n", "kind: versastat\n    serial: A12\n", 4, ""),
        ("kind: versastat\n", "kind: versastat\n    bridge: open\n", 6, "labctl, public"),
    ],
)
def test_a_mistake_in_its_entry_is_named_with_place_and_fix(old: str, new: str, line: int, fix: str) -> None:
    with pytest.raises(UserFileError) as caught:
        Bench(BenchFile(GOOD.replace(old, new, 1), "bench.yaml"))
    assert caught.value.line == line and fix in str(caught.value)


def test_it_tells_the_serial_number_of_its_entry_or_one_of_its_name(versastat: Make) -> None:
    assert versastat(serial="4711").call("GetSerialNumber") == 4711
    first = versastat().call("FindNext", 0)
    assert first == versastat().call("FindNext", 0) > 0
    bench = versastat()
    assert bench.call("FindNext", first) == 0 and bench.call("Connect", first + 1) is False


def test_a_cell_of_the_bench_shows_the_printed_impedance_at_every_decade(versastat: Make, peis: Make) -> None:
    bench = versastat(cell="A", cells=[{**CELL, "chamber": "box"}], chambers=[BOX])
    bench.run(peis(points=1))
    f_Hz, z_ohm = bench.spectrum
    wanted_ohm = np.array([LIQ_P_ohm[round(f, 1)] for f in f_Hz])
    assert np.abs((z_ohm - wanted_ohm).real).max() < 6e-4 and np.abs((z_ohm - wanted_ohm).imag).max() < 6e-4


def test_a_cell_shows_its_age_on_the_leads_and_goes_back_to_its_channel(versastat: Make, peis: Make) -> None:
    bench = versastat(cells=[{**CELL, "chamber": "box"}], chambers=[BOX])
    cell = bench.bench.parts.cells["A"].cell
    cell.state = replace(cell.state, throughput_mAh_cm2=100.0)
    assert bench.admin("cell.place", cell="A", to="ps")["ok"]
    bench.run(peis(first="1", points=2))
    assert bench.spectrum[1][-1].real == pytest.approx(290.0, abs=0.6)  # the aged value that the model prints
    assert bench.admin("cell.place", cell="A", to="1-1")["ok"] and bench.truth()["load"] is None


def test_going_from_a_current_to_a_potential_imposes_nothing_in_between(versastat: Make) -> None:
    limits, tail = "NONE,<,0,NONE,<,0", "AUTO,AUTO,AUTO,{},EXTERNAL"
    bench = versastat(cell="A", cells=[{"cell_id": "A", "variant": "LTO-P", "x": 0.5}])
    bench.run(
        ("Chronopotentiometry", f"1e-5,1,10,{limits},{tail.format('YES')},AUTO,AUTO"),
        ("Chronoamperometry", f"1.7,VS REF,1,10,{limits},AUTO,{tail.format('NO')},DISABLED,0,NO,AUTO,AUTO"),
    )
    assert bench.truth()["cell"]["half_cycles"] == 1  # one charge, not a discharge towards 0 V between two


def test_nobody_takes_a_cell_from_it_while_it_measures(versastat: Make, peis: Make) -> None:
    bench = versastat(cell="A", cells=[CELL])
    bench.call("AddEISPotentiostatic", peis()[1])
    bench.call("Start")
    assert "is measuring" in bench.admin("cell.place", cell="A", to="1-1")["error"]
    bench.wait(2.0)
    assert "cell switch of ps is on" in bench.admin("cell.place", cell="A", to="1-1")["error"]


def test_a_welded_relay_is_told_when_the_cell_is_switched_off(versastat: Make, peis: Make) -> None:
    bench = versastat(dummy="D1")
    bench.fault("welded")
    bench.run(peis(last="100000"))
    assert bench.truth()["cell_on"] and bench.violations == ["cell_switch_welded"]


def test_an_open_lead_shows_thirty_picofarad(versastat: Make, peis: Make) -> None:
    bench = versastat(cell="A", cells=[CELL])
    bench.fault("open_lead")
    bench.run(peis(last="1000", points=2))
    f_Hz, z_ohm = bench.spectrum
    assert abs(z_ohm) == pytest.approx(1 / (2 * math.pi * f_Hz * 30e-12), rel=1e-3)


# -- the link ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["split", "late", "merge"])
def test_an_answer_in_pieces_late_or_glued_is_the_same_answer(versastat: Make, kind: str) -> None:
    bench = versastat()
    plain = bench.call.send("GetModel")
    bench.fault(kind, command="GetModel", bytes=7, delay_s=2.0)
    heard: list[bytes] = []
    bench.call.link.attach(heard.append)
    said = bench.call.send("GetModel")
    if kind == "split":
        assert said == plain
        return
    assert said == b""
    if kind == "late":
        bench.wait(1.9)
        assert heard == []
        bench.wait(0.2)
        assert heard == [plain]
    else:
        assert bench.call.send("GetModel") == plain + plain


def test_what_stands_behind_a_late_answer_waits_with_it(versastat: Make) -> None:
    bench, heard = versastat(), list[bytes]()
    names = ("GetModel", "GetOptions", "GetSerialNumber", "GetActionList")
    plain = [bench.call.send(name) for name in names]
    bench.fault("late", command="GetModel", delay_s=2.0)
    bench.fault("late", command="GetSerialNumber", delay_s=1.0)
    bench.call.link.attach(heard.append)
    assert [bench.call.send(name) for name in names] == [b""] * 4
    bench.wait(1.9)
    assert heard == []
    bench.wait(0.2)
    assert heard == plain[:2]
    bench.wait(1.0)
    assert heard == plain


def test_a_cut_answer_ends_its_connection_and_no_other(versastat: Make) -> None:
    bench = versastat()
    other = bench.client()
    bench.fault("drop", command="GetModel", bytes=9)
    assert bench.call.send("GetModel") == b"HTTP/1.1 "
    with pytest.raises(ConnectionError):
        bench.call.send("GetModel")
    assert other("GetModel") == "PARSTAT 4000A"


def test_a_fault_of_one_call_hits_that_call_alone(versastat: Make) -> None:
    bench = versastat()
    bench.fault("hang", command="GetOptions")
    bench.fault("garble", command="GetE", bytes=60)
    assert bench.call("GetModel") == "PARSTAT 4000A"
    assert bench.call.send("GetOptions") == b""
    assert b"GetE" not in bench.call.send("GetE")
    reply = bench.admin("fault", instrument="ps", kind="late", command="GetMoths")
    assert not reply["ok"] and "GetModel" in reply["error"]
    reply = bench.admin("fault", instrument="ps", kind="moths")
    assert not reply["ok"] and "lease_lapse" in reply["error"] and "split" in reply["error"]


# -- determinism -------------------------------------------------------------------------------------------


def test_it_does_not_matter_at_which_moments_somebody_looks(versastat: Make, peis: Make) -> None:
    found = []
    for steps_s in ([120.0], [0.05] * 37 + [0.31] * 20 + [1.7] * 70):
        bench = versastat(
            cell="A", cells=[{"cell_id": "A", "variant": "LTO-P", "x": 0.5}], profile="calibrated"
        )
        bench.call("AddEISPotentiostatic", peis(bias="1.6", last="1", points=6)[1])
        bench.call("Start")
        for step_s in steps_s:
            bench.wait(step_s)
            bench.call("GetNumPointsAvailable")
            bench.truth()
        found.append((bench.call("GetDataImpedanceReal", 0, 99), bench.truth()["cell"]["x"]))
    assert found[0] == found[1] and len(found[0][0]) == 37


def test_the_same_seed_shows_the_same_numbers_and_another_one_does_not(peis: Make) -> None:
    def shown(seed: int) -> list[float]:
        entry = {"name": "ps", "kind": "versastat", "model": "versastat4", "dummy": "D1", "bridge": "labctl"}
        bench = open_bench({"labctl": "bench/1", "seed": seed, "instruments": [], "potentiostats": [entry]})
        device = bench.parts.potentiostats["ps"]
        for method, *parameters in (("AddEISPotentiostatic", peis(last="100")[1]), ("Start",)):
            device.perform(method, (json.dumps(parameters),))
        bench.advance_to(60.0)
        found: list[float] = device.vdk.data("ImpedanceReal", 0, 99)  # type: ignore[attr-defined]  # a VersaSTAT
        return found

    assert shown(7) == shown(7) != shown(8) and len(shown(7)) == 41


def test_the_journal_brings_it_back_as_after_a_power_loss(versastat: Make, peis: Make) -> None:
    keys = {"cell": "A", "cells": [{"cell_id": "A", "variant": "LTO-P", "x": 0.5}]}
    first, entries = versastat(ready=False, **keys), []
    first.bench.sink = type("Sink", (), {"write": lambda self, entry, durable: entries.append(dict(entry))})()
    first.call("BridgeLease", 20)
    first.call("Connect", first.call("FindNext", 0))
    first.call("AddEISPotentiostatic", peis(bias="1.7", first="10", points=4)[1])
    first.call("Start")
    first.wait(30.0)  # the lease runs out in mid-sweep
    first.call("BridgeLease", 60)
    first.call("SetDCPotential", 1.65)
    first.call("SetCellOn")
    first.wait(20.0)
    entries = [json.loads(json.dumps(entry)) for entry in entries]
    again = versastat(ready=False, **keys)
    for entry in entries:
        again.bench.replay(entry)
    again.bench.advance_to(first.bench.now_s)
    assert again.truth()["cell"] == first.truth()["cell"] and again.truth()["cell_on"]
    assert again.truth()["switched"] == first.truth()["switched"]
    again.bench.lose_power()
    assert not again.truth()["cell_on"] and again.truth()["lease"] is None
    with pytest.raises(xmlrpc.client.Fault):
        again.client()("GetE")


def test_an_instrument_that_is_not_there_is_named_with_the_known_ones(versastat: Make) -> None:
    with pytest.raises(UserInputError, match="neware, ps"):
        versastat().bench.connect("other")
