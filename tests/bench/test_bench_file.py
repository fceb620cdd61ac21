"""Bench files: every value can be set, every mistake is named with line, column and fix."""

from __future__ import annotations

import pytest
from labctl_simulators.bench import Bench, open_bench
from labctl_simulators.benchfile import BenchFile, read_bench_file

from labctl.errors import UserFileError, UserInputError

GOOD = """\
labctl: bench/1
name: mine
seed: 3
instruments:
  - name: neware
    profile: ideal
    units:
      - {unit: 1, model: 5V10mA, channels: 4}
chambers:
  - {name: room, air_degC: 25, setpoint_degC: 25, on: true}
cells:
  - cell_id: A1
    slot: neware:1-1
    variant: LIQ-P
    chamber: room
"""


def mistaken(old: str, new: str) -> UserFileError:
    with pytest.raises(UserFileError) as caught:
        Bench(BenchFile(GOOD.replace(old, new, 1), "bench.yaml"))
    return caught.value


MISTAKES = [
    ("bench/1", "bench/2", 1, 9, "bench/1"),
    ("name: mine", "nmae: mine", 2, 1, "Did you mean 'name'"),
    ("seed: 3", "seed: three", 3, 7, "without a unit"),
    ("seed: 3", "seed: 3\nseed: 4", 4, 1, "twice"),
    ("profile: ideal", "profile: idael", 6, 14, "Did you mean 'ideal'"),
    ("model: 5V10mA", "model: 5V11mA", 8, 26, "ranges_mA"),
    ("channels: 4", "chanels: 4", 8, 34, "Did you mean 'channels'"),
    ("on: true", "on: yes", 10, 55, "true or false"),
    ("air_degC: 25", "air_degC: 25 degC", 10, 28, "without a unit"),
    ("slot: neware:1-1", "slot: neware:1-9", 13, 11, "neware:1-1 to neware:1-4"),
    ("variant: LIQ-P", "variant: LIQ-Q", 14, 14, "LIQ-P"),
    ("chamber: room", "chamber: attic", 15, 14, "room"),
    ("    variant: LIQ-P\n", "", 12, 5, "Add 'variant:'"),
    ("cells:\n", "cells: none\ncellar:\n", 11, 8, "'- '"),
    ("  - cell_id: A1", "  - cell_id: A1\n   oops", 13, None, "indentation"),
    ("    chamber: room", "    chamber: room\n    chain: {current: {5: {offset: 1}}}", 16, 22, "1, 10 mA"),
    ("    chamber: room", "    chamber: room\n    chain: {voltage: {offst: 1}}", 16, 23, "'offset'"),
    ("    chamber: room", "    diameter_mm: -1", 14, 14, "disc"),
    (
        "    chamber: room",
        "    chamber: room\n  - {cell_id: A1, variant: LIQ-P}",
        16, 15, "Rename",
    ),
    (
        "    chamber: room",
        "    chamber: room\n  - {cell_id: A2, variant: LIQ-P, slot: 1-1}",
        16, 41, "another slot",
    ),
    ("    chamber: room", "    chamber: room\nhistory: [{slot: 1-1, start_s: 5, steps: x}]", 16, 32, "negative"),
    ("    chamber: room", "    chamber: room\nhistory: [{slot: 1-1, start_s: -5, steps: x}]", 16, 43, "beside"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "column", "fix"), MISTAKES, ids=[m[1][:30] for m in MISTAKES])
def test_a_mistake_is_named_with_its_place_and_the_fix(old, new, line, column, fix):
    error = mistaken(old, new)
    assert error.path == "bench.yaml" and error.line == line
    assert column is None or error.column == column
    assert fix in str(error)


def test_text_that_is_no_mapping_is_refused():
    for text in ("", "- 1", "just words", "{", "a: &x [*x]"):
        with pytest.raises(UserFileError):
            BenchFile(text, "bench.yaml")


def test_every_value_of_the_cell_and_chain_tables_can_be_set():
    text = GOOD + (
        "    diameter_mm: 12\n    film_nm: 75\n    seed: 5\n    x: 0.4\n    precursor: true\n"
        "    overrides: {sei: {resistance_ohm_cm2: 200}, short_mAh_cm2: 12.5}\n"
        "    chain: {profile: worst, voltage: {offset: 0.002}, current: {1: {gain_error: 0.001, noise: 0}}}\n"
    )
    bench = Bench(BenchFile(text, "bench.yaml"))
    channel = bench.parts.slots["neware:1-1"]
    assert channel.cell is not None
    assert channel.cell.spec.diameter_mm == 12 and channel.cell.spec.film_nm == 75
    assert channel.cell.variant.sei.resistance_ohm_cm2 == 200
    assert channel.cell.state.x == 0.4
    assert channel.chain.voltage.offset == 0.002
    assert channel.chain.current[1e-3].gain_error == 0.001 and channel.chain.current[1e-3].noise == 0.0


def test_the_shipped_benches_are_what_the_demo_expects():
    demo = open_bench({"bench": "demo"})
    held = {slot: channel.cell.spec.variant for slot, channel in demo.parts.slots.items() if channel.cell}
    assert list(held.items()) == [
        ("neware:1-1", "LIQ-P"), ("neware:1-2", "LIQ-Z"), ("neware:1-3", "LIQ-P"), ("neware:1-4", "LIQ-Z"),
        ("neware:1-5", "PEO-P"), ("neware:1-6", "PEO-Z"), ("neware:1-7", "LTO-P"), ("neware:1-8", "LTO-Z"),
        ("neware:2-1", "LFP-P"), ("neware:2-2", "LFP-Z"),
    ]  # fmt: skip
    assert demo.parts.slots["neware:2-1"].chain.ranges_A == (1e-4, 1e-3, 1e-2, 1e-1)
    oven = demo.parts.chambers["oven-60"].chamber
    assert not oven.on and oven.temperature_degC() == 23.0
    assert demo.parts.chamber_of["neware:1-5"] == demo.parts.chamber_of["neware:2-2"] == "oven-60"
    assert demo.seed == 7 and open_bench({"bench": "demo", "seed": 12}).seed == 12


def test_an_unknown_bench_and_unknown_options_are_refused():
    with pytest.raises(UserFileError, match="cannot be read"):
        read_bench_file("nosuch")
    with pytest.raises(UserInputError, match="sped"):
        open_bench({"bench": "demo", "sped": 1})


# -- acts of the admin link ----------------------------------------------------------------------------------


@pytest.fixture
def bench() -> Bench:
    return open_bench({"bench": "demo"})


def test_cells_are_inserted_removed_and_swapped(bench):
    slot = {"slot": "neware:1-1"}
    assert bench.admin({"do": "cell.insert", **slot, "cell": "C0002"})["ok"] is False
    assert bench.admin({"do": "cell.remove", **slot})["cell"] == "C0001"
    assert bench.admin({"do": "cell.remove", **slot})["ok"] is False
    assert bench.admin({"do": "truth", **slot})["cell"] is None
    assert bench.admin({"do": "cell.insert", **slot, "cell": "C0002"})["ok"] is False
    assert bench.admin({"do": "cell.insert", **slot, "cell": "C0001"})["ok"]
    assert bench.admin({"do": "cell.swap", **slot, "cell": "C0002"})["was"] == "C0001"
    assert bench.admin({"do": "truth", "slot": "1-2"})["cell"]["cell_id"] == "C0001"
    new = {"cell_id": "N1", "variant": "PEO-Z", "diameter_mm": 12}
    assert bench.admin({"do": "cell.insert", "slot": "2-8", "cell": new})["ok"]
    assert bench.admin({"do": "cell.insert", "slot": "2-7", "cell": new})["ok"] is False
    bench.advance_to(86400.0)


def test_a_coated_electrode_gives_its_cell_the_film_it_really_got(bench):
    coat = {"do": "electrode.coat", "electrode": "E1", "deposition": {"thickness_nm": 750}}
    assert bench.admin(coat)["film_nm"] == 750
    cell = {"cell_id": "N1", "variant": "LIQ-P", "electrode": "E1"}
    bench.admin({"do": "cell.insert", "slot": "2-8", "cell": cell})
    assert bench.parts.slots["neware:2-8"].cell.spec.film_nm == 750
    assert bench.admin({"do": "electrode.coat", "electrode": "E1"})["ok"] is False


def test_a_chamber_act_reaches_the_cells_with_their_lag(bench):
    # temperature-chamber 4: 23 to 60 degC at 2 K/min is within 1 K after 1432 s; a cell then lags
    bench.admin({"do": "chamber.set", "name": "oven-60", "setpoint_degC": 60, "on": True})
    bench.advance_to(3232.0)
    truth = bench.admin({"do": "truth", "slot": "1-5"})["cell"]
    assert 55.0 < truth["temperature_degC"] < 59.0
    bench.advance_to(20000.0)
    assert bench.admin({"do": "truth", "slot": "1-5"})["cell"]["temperature_degC"] == pytest.approx(
        60, abs=0.1
    )
    assert bench.admin({"do": "chamber.door", "name": "oven-60", "open": True})["ok"]
    bench.advance_to(20300.0)
    assert bench.parts.chambers["oven-60"].chamber.temperature_degC() < 54.0
    assert bench.admin({"do": "chamber.door", "name": "attic"})["ok"] is False


def test_unknown_acts_slots_and_numbers_are_refused(bench):
    for request in (
        {"do": "fly"}, {"do": "truth", "slot": "9-9"}, {"do": "grant", "until_s": "soon"},
        {"do": "grant", "until_s": True}, {"do": "cell.swap", "slot": "1-1", "cell": "none"},
        {"do": "fault", "instrument": "attic", "kind": "drop"},
        {"do": "fault", "instrument": "neware", "kind": "clamp", "slot": "1-1"},
    ):  # fmt: skip
        assert bench.admin(request)["ok"] is False, request


@pytest.mark.parametrize("words", [None, "x", [], {}, -1, float("nan")])
def test_nonsense_in_any_field_is_an_answer_and_not_an_exception(bench, words):
    fields = [
        "slot",
        "cell",
        "electrode",
        "deposition",
        "name",
        "setpoint_degC",
        "until_s",
        "kind",
        "instrument",
        "after_sequence",
        "testid",
        "value",
        "count",
        "bytes",
        "current_A",
        "field",
        "records",
        "shift_s",
    ]
    acts = [
        "grant",
        "truth",
        "cell.insert",
        "cell.remove",
        "cell.swap",
        "electrode.coat",
        "chamber.set",
        "chamber.door",
        "fault",
    ]
    good = {
        "slot": "1-1",
        "cell": "C0002",
        "electrode": "E",
        "deposition": {"thickness_nm": 1},
        "name": "oven-60",
    }
    for act in acts:
        for field in fields:
            reply = bench.admin({"do": act, **good, field: words})
            assert isinstance(reply["ok"], bool)
    for kind in ("drop", "late", "clamp", "bad_value", "overrun", "clock_jump", "upload_lag", "cap_wrap"):
        for field in fields:
            reply = bench.admin(
                {"do": "fault", "instrument": "neware", "slot": "1-1", "kind": kind, field: words}
            )
            assert isinstance(reply["ok"], bool)


def test_a_channel_can_be_given_its_own_ranges_and_rail():
    text = GOOD + "    chain: {ranges_mA: [10], voltage_V: 3}\n"
    bench = Bench(BenchFile(text, "bench.yaml"))
    assert bench.parts.slots["neware:1-1"].chain.ranges_A == (0.01,)
    assert bench.parts.slots["neware:1-1"].machine.rail_V == 3
    assert bench.parts.slots["neware:1-2"].chain.ranges_A == (0.001, 0.01)
