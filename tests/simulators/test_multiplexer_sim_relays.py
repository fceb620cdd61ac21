"""The multiplexer of the bench: its words, its relays that move cells, what it calls a violation, its faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from labctl_simulators.bench import Bench, open_bench
from labctl_simulators.benchfile import BenchFile
from labctl_simulators.multiplexer.words import Command, Verb, parsed
from labctl_simulators.neware.channel import Status

from labctl.errors import UserFileError

CELL = {"cell_id": "A", "variant": "LTO-P", "x": 0.5}
OTHER = {"cell_id": "B", "variant": "LIQ-P"}
PLACES = (
    {"place": 1, "slot": "neware:1-1", "cell": "A"},
    {"place": 2, "slot": "neware:1-2", "cell": "B"},
    {"place": 3, "dummy": "D1"},
)


def spec_of(**keys: Any) -> dict[str, Any]:
    """Return a bench of one cycler, one potentiostat and a multiplexer between them."""
    cycler = {"name": "neware", "profile": "ideal", "units": [{"unit": 1, "model": "5V10mA", "channels": 3}]}
    return {
        "labctl": "bench/1",
        "instruments": [cycler],
        "cells": [CELL, OTHER],
        "potentiostats": [{"name": "ps", "model": "es4_hr", "profile": "ideal"}],
        "multiplexers": [{"name": "mux", "potentiostat": "ps", "places": list(PLACES), **keys}],
    }


class Box:
    """A bench and a connection to its multiplexer."""

    def __init__(self, spec: Mapping[str, Any] | None = None) -> None:
        self.bench: Bench = open_bench(spec or spec_of())
        self.link: Any = self.bench.connect("mux")

    def ask(self, *lines: str) -> list[str]:
        """Send lines and return what is answered, also what comes 50 ms later."""
        said = self.link.receive("".join(line + "\n" for line in lines).encode())
        self.bench.advance_to(self.bench.now_s + 0.1)
        return (said + self.link.receive(b"")).decode().split("\n")[:-1]

    def closed(self, path: int) -> str:
        (answer,) = self.ask(f"ROUT:CLOS? (@{path})")
        return answer

    def admin(self, do: str, **fields: Any) -> dict[str, Any]:
        return self.bench.admin({"do": do, **fields})

    def truth(self, slot: str = "mux") -> dict[str, Any]:
        return self.admin("truth", slot=slot)

    def fault(self, kind: str, **fields: Any) -> None:
        reply = self.admin("fault", instrument="mux", kind=kind, **fields)
        assert reply["ok"], reply

    @property
    def violations(self) -> list[str]:
        return [entry["kind"] for entry in self.bench.violations]


# -- words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("*IDN?", Command(Verb.IDENTITY)),
        ("ROUT:CLOS (@101)", Command(Verb.CLOSE, 101)),
        (":route:close (@203)", Command(Verb.CLOSE, 203)),
        ("ROUT:OPEN (@101)", Command(Verb.OPEN, 101)),
        ("ROUT:OPEN:ALL", Command(Verb.OPEN_ALL)),
        ("rout:clos? (@101)", Command(Verb.ASK, 101)),
        ("ROUT:CLOS? (@101)\r", Command(Verb.ASK, 101)),
        ("ROUT:CLOS 101", None),
        ("ROUT:CLOS (@101,102)", None),
        ("ROUT:OPEN", None),
        ("", None),
    ],
)
def test_every_word_is_read_in_its_short_and_long_form_and_nothing_else(
    line: str, command: Command | None
) -> None:
    assert parsed(line) == command


def test_it_tells_who_it_is_and_answers_nothing_to_what_it_does_not_know() -> None:
    box = Box(spec_of(serial="MX42"))
    assert box.ask("*IDN?") == ["labctl,virtual multiplexer,MX42,1.0"]
    assert box.ask("FOO", "ROUT:CLOS? (@109)", "ROUT:CLOS (@301)", "x" * 300, "*IDN?") == box.ask("*IDN?")


# -- cells move --------------------------------------------------------------------------------------------


def test_all_paths_are_open_at_power_up_and_the_cell_is_at_no_instrument() -> None:
    box = Box()
    assert [box.closed(path) for path in (101, 102, 201, 202, 203)] == ["0"] * 5
    assert box.truth("neware:1-1")["cell"] is None and box.truth("ps")["load"] is None
    assert box.truth("mux:1")["holds"] == "A" and box.truth("mux:1")["reaches"] is None


def test_the_same_cell_goes_to_cycler_and_potentiostat_and_takes_its_age_along() -> None:
    box = Box()
    cell = box.bench.parts.cells["A"].cell
    assert box.ask("ROUT:CLOS (@101)", "ROUT:CLOS? (@101)") == ["1"]
    assert box.bench.parts.slots["neware:1-1"].cell is cell
    assert box.truth("neware:1-1")["cell"]["cell_id"] == "A"
    box.bench.advance_to(3600.0)
    assert box.ask("ROUT:OPEN (@101)", "ROUT:CLOS (@201)", "ROUT:CLOS? (@101)", "ROUT:CLOS? (@201)") == [
        "0",
        "1",
    ]
    assert box.bench.parts.slots["neware:1-1"].cell is None
    assert box.bench.parts.potentiostats["ps"].plant.load.cell is cell
    assert box.truth("ps")["cell"]["cell_id"] == "A" and cell.state.age_ticks >= 36000
    assert box.violations == []


def test_a_cell_that_is_nowhere_drifts_at_open_circuit_from_where_it_was_driven() -> None:
    box = Box()
    box.ask("ROUT:CLOS (@201)")
    script = "e\nset_pgstat_mode 3\nset_e 1700m\ncell_on\nwait 60\ncell_off\n\n"
    box.bench.connect("ps").receive(script.encode())
    box.bench.advance_to(box.bench.now_s + 61.0)
    box.ask("ROUT:OPEN:ALL")
    cell = box.bench.parts.cells["A"].cell
    before_V = cell.rest_voltage_V
    box.bench.advance_to(box.bench.now_s + 7200.0)
    told = box.truth("mux:1")["cell"]
    assert told["cell_id"] == "A"
    box.ask("ROUT:CLOS (@101)")
    assert abs(cell.rest_voltage_V - before_V) > 1e-4
    assert cell.rest_voltage_V == pytest.approx(cell.ocv_V, abs=1e-3)
    assert box.violations == []


def test_the_spectrum_through_the_relay_is_that_of_the_dummy_in_its_place() -> None:
    box = Box()
    box.ask("ROUT:CLOS (@203)")
    load = box.bench.parts.potentiostats["ps"].plant.load
    assert load is not None and load.name == "D1"
    answer = load.answer(1000.0, box.bench.now_s, 0.0, (1.0, 1.0))
    assert answer.impedance_ohm == pytest.approx(10.025324 - 1.591146j, rel=1e-6)
    box.ask("ROUT:OPEN (@203)")
    assert box.truth("ps")["load"] is None and box.truth("mux:3")["holds"] == "D1"


def test_a_chamber_reaches_the_cell_that_rests_in_its_place() -> None:
    spec = spec_of(places=[{"place": 1, "cell": "A"}])
    spec["chambers"] = [{"name": "box", "air_degC": 25, "setpoint_degC": 25, "on": True, "profile": "ideal"}]
    spec["cells"] = [{**CELL, "chamber": "box"}, OTHER]
    box = Box(spec)
    box.admin("chamber.set", name="box", setpoint_degC=60)
    box.bench.advance_to(4 * 3600.0)
    assert box.truth("mux:1")["cell"]["temperature_degC"] == pytest.approx(60.0, abs=0.5)


def test_a_hundred_handovers_keep_fifty_milliseconds_open_between_and_never_close_both() -> None:
    box = Box()
    box.ask("ROUT:CLOS (@101)")
    for _ in range(100):
        for opening, closing in ((101, 201), (201, 101)):
            lines = (f"ROUT:OPEN (@{opening})", f"ROUT:CLOS? (@{opening})", f"ROUT:CLOS (@{closing})")
            assert box.ask(*lines, f"ROUT:CLOS? (@{closing})") == ["0", "1"]
    assert box.violations == []
    switched = box.truth()["switched"]
    assert len(switched) == 401
    gaps_s = [b["plant_s"] - a["plant_s"] for a, b in zip(switched[1::2], switched[2::2], strict=True)]
    assert min(gaps_s) == pytest.approx(0.05)
    assert box.admin("truth", slot="mux", after_sequence=400)["switched"] == switched[400:]


def test_an_answer_waits_until_the_contacts_have_settled() -> None:
    box = Box()
    box.ask("ROUT:CLOS (@101)")
    assert box.link.receive(b"ROUT:OPEN (@101)\nROUT:CLOS (@201)\nROUT:CLOS? (@201)\n") == b""
    heard: list[bytes] = []
    box.link.attach(heard.append)
    box.bench.advance_to(box.bench.now_s + 0.1)
    assert heard == [b"1\n"]


# -- what should never be done -----------------------------------------------------------------------------


def test_both_paths_of_a_place_together_weld_and_are_told() -> None:
    box = Box()
    box.ask("ROUT:CLOS (@101)", "ROUT:CLOS (@201)")
    assert box.violations == ["two_holders"]
    assert "101 and 201" in box.bench.violations[0]["detail"]
    box.ask("ROUT:OPEN:ALL")
    assert [box.closed(101), box.closed(201)] == ["1", "1"]
    assert box.truth("mux:1")["reaches"] == "neware:1-1"
    box.fault("stuck", path=101, on=False)
    assert [box.closed(101), box.closed(201)] == ["0", "1"] and box.truth("mux:1")["reaches"] == "ps"
    box.fault("stuck", path=201, on=False)
    assert box.truth("mux:1")["reaches"] is None and box.violations == ["two_holders"]


def test_two_cells_on_one_potentiostat_are_told_and_the_second_is_not_reached() -> None:
    box = Box()
    box.ask("ROUT:CLOS (@201)", "ROUT:CLOS (@202)")
    assert box.violations == ["two_cells"] and box.truth("mux:2")["reaches"] is None


def test_switching_under_current_and_in_a_paused_test_are_violations() -> None:
    box = Box()
    box.ask("ROUT:CLOS (@201)")
    link = box.bench.connect("ps")
    link.receive(b"e\nset_pgstat_mode 3\nset_e 1700m\ncell_on\n\n")
    box.ask("ROUT:OPEN (@201)")
    assert box.violations == ["switched_under_current"]
    assert "201 opened while ps drives" in box.bench.violations[0]["detail"]
    link.receive(b"e\ncell_off\n\n")
    box.bench.parts.slots["neware:1-1"].status = Status.PAUSE
    box.ask("ROUT:CLOS (@201)", "ROUT:OPEN (@201)", "ROUT:CLOS (@101)")
    assert box.violations == ["switched_under_current", *["switched_in_test"] * 3]


def test_an_empty_place_may_be_switched_as_anybody_likes_but_never_to_both_sides() -> None:
    box = Box(spec_of(places=[{"place": 1, "slot": "neware:1-1"}]))
    box.ask("ROUT:CLOS (@101)", "ROUT:OPEN (@101)", "ROUT:CLOS (@201)")
    assert box.violations == []
    box.ask("ROUT:CLOS (@101)")
    assert box.violations == ["two_holders"]


# -- faults ------------------------------------------------------------------------------------------------


def test_a_stuck_relay_stays_where_it_is_until_it_is_mended() -> None:
    box = Box()
    box.fault("stuck", path=101)
    box.ask("ROUT:CLOS (@101)")
    assert box.closed(101) == "0" and box.truth("neware:1-1")["cell"] is None
    box.fault("stuck", path=101, on=False)
    assert box.closed(101) == "1" and box.truth("neware:1-1")["cell"]["cell_id"] == "A"
    assert box.violations == []


def test_a_wrong_read_back_tells_the_contrary_and_moves_nothing() -> None:
    box = Box()
    box.fault("readback", path=101)
    assert [box.closed(101), box.closed(201)] == ["1", "0"] and box.truth()["closed"] == []
    box.fault("readback")
    assert box.closed(201) == "1"
    box.fault("readback", on=False)
    assert [box.closed(101), box.closed(201)] == ["0", "0"]


def test_a_power_cut_opens_every_path_and_ends_the_link_without_anybodys_fault() -> None:
    box = Box()
    box.ask("ROUT:CLOS (@101)")
    box.bench.parts.slots["neware:1-1"].status = Status.PAUSE
    box.fault("power_cut")
    assert box.truth()["closed"] == [] and not box.truth()["connected"] and box.violations == []
    with pytest.raises(ConnectionError):
        box.link.receive(b"*IDN?\n")
    box.link = box.bench.connect("mux")
    assert box.closed(101) == "0"


def test_a_late_answer_comes_late_and_nothing_is_lost() -> None:
    box = Box()
    box.fault("late", delay_s=2.0)
    assert box.ask("ROUT:CLOS? (@101)", "*IDN?") == []
    box.bench.advance_to(box.bench.now_s + 2.0)
    assert box.link.receive(b"").startswith(b"0\nlabctl,")


def test_an_unknown_fault_and_an_unknown_path_are_refused_with_the_known_ones() -> None:
    box = Box()
    assert "readback" in box.admin("fault", instrument="mux", kind="moths")["error"]
    assert "101, 102, 103, 201" in box.admin("fault", instrument="mux", kind="stuck", path=105)["error"]


# -- by hand, file and journal -----------------------------------------------------------------------------


def test_a_person_carries_cells_and_dummies_into_and_out_of_places() -> None:
    box = Box()
    assert "mux:1 holds cell A" in box.admin("cell.place", cell="B", to="mux:1")["error"]
    box.ask("ROUT:CLOS (@101)")
    assert box.admin("cell.place", cell="A", to=None) == {
        "ok": True, "cell": "A", "place": None, "was": "neware:1-1",
    }  # fmt: skip
    assert box.bench.parts.slots["neware:1-1"].cell is None and box.truth("mux:1")["holds"] is None
    assert box.admin("cell.place", cell="B", to="mux:1")["place"] == "neware:1-1"
    box.bench.parts.slots["neware:1-1"].status = Status.PAUSE
    assert "is pause" in box.admin("cell.place", cell="B", to=None)["error"]
    assert box.admin("cell.place", cell="A", to="mux:3")["place"] == "mux:3"
    assert box.admin("cell.place", cell="A", to=None)["ok"]
    assert box.admin("cell.place", dummy="D2", to="mux:3") == {"ok": True, "dummy": "D2", "place": "mux:3"}
    assert box.truth("mux:3")["holds"] == "D2"


def test_a_dummy_goes_back_on_the_leads_after_the_cell_has_gone() -> None:
    spec = spec_of()
    del spec["multiplexers"]
    spec["potentiostats"][0]["dummy"] = "D1"
    bench = open_bench(spec)
    assert bench.admin({"do": "cell.place", "cell": "A", "to": "ps"})["ok"]
    assert "ps holds cell A" in bench.admin({"do": "cell.place", "dummy": "D1", "to": "ps"})["error"]
    assert bench.admin({"do": "cell.place", "cell": "A", "to": "1-1"})["ok"]
    assert bench.admin({"do": "truth", "slot": "ps"})["load"] is None
    assert bench.admin({"do": "cell.place", "dummy": "D1", "to": "ps"})["ok"]
    assert bench.admin({"do": "truth", "slot": "ps"})["load"] == "D1"
    assert "known are D1" in bench.admin({"do": "cell.place", "dummy": "D9", "to": "ps"})["error"]
    assert "not to the channel" in bench.admin({"do": "cell.place", "dummy": "D1", "to": "1-1"})["error"]


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ({"potentiostat": "pico"}, "Potentiostats are ps"),
        ({"name": "ps"}, "Rename one"),
        ({"places": []}, "a place at least"),
        ({"places": [{"place": 100}]}, "1 to 99"),
        ({"places": [{"place": 1}, {"place": 1}]}, "Renumber one"),
        ({"places": [{"place": 1, "slot": "neware:9-9"}]}, "no slot"),
        ({"places": [{"place": 1, "cell": "C"}]}, "Cells are A, B"),
        ({"places": [{"place": 1, "cell": "A", "dummy": "D1"}]}, "Leave out"),
        ({"places": [{"place": 1, "cell": "A"}, {"place": 2, "cell": "A"}]}, "one holder"),
        ({"places": [{"place": 1, "dummy": "D9"}]}, "D1, D2"),
    ],
)
def test_a_mistake_in_a_multiplexers_entry_is_named_with_its_fix(change: dict[str, Any], fix: str) -> None:
    with pytest.raises(UserFileError, match=fix):
        Bench(BenchFile(json.dumps(spec_of(**change)), "bench.yaml"))


def test_leads_that_are_on_the_multiplexer_hold_nothing_else() -> None:
    spec = spec_of(places=[{"place": 1, "slot": "neware:1-1"}])
    spec["cells"] = [{**CELL, "slot": "neware:1-1"}]
    with pytest.raises(UserFileError, match="name the cell here"):
        open_bench(spec)
    spec = spec_of()
    spec["potentiostats"][0]["dummy"] = "D1"
    with pytest.raises(UserFileError, match="into a place of the multiplexer"):
        open_bench(spec)


def test_the_journal_brings_relays_and_cells_back_and_a_restart_opens_them() -> None:
    first, entries = Box(), list[dict[str, Any]]()
    first.bench.sink = type("Sink", (), {"write": lambda self, entry, durable: entries.append(dict(entry))})()
    first.ask("ROUT:CLOS (@101)", "ROUT:CLOS (@202)", "*IDN?")
    first.bench.advance_to(500.0)
    first.ask("ROUT:OPEN (@101)")
    assert [entry["do"] for entry in entries] == ["switch"] * 3
    again = Box()
    for entry in json.loads(json.dumps(entries)):
        again.bench.replay(entry)
    again.bench.advance_to(first.bench.now_s)
    assert again.truth()["closed"] == first.truth()["closed"] == [202]
    assert again.truth("mux:1") == first.truth("mux:1")
    again.bench.lose_power()
    assert again.truth()["closed"] == []


def test_it_does_not_matter_how_often_somebody_looks_at_a_resting_cell() -> None:
    found = []
    for steps_s in ([5000.0], [7.3] * 100 + [500.0] * 20):
        box = Box()
        for step_s in steps_s:
            box.bench.advance_to(min(5000.0, box.bench.now_s + step_s))
            box.truth("mux:1")
        box.bench.advance_to(5000.0)
        found.append(box.truth("mux:1")["cell"])
    assert found[0] == found[1] and np.isfinite(found[0]["ocv_V"])
