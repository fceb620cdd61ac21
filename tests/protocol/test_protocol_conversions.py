"""Conversions: what is written is what stands in the other format's own documents; what is lost is listed.

Goal: nobody exports a protocol and finds out months later what was missing. Method: golden files written by hand from
data-formats section 4; the property that reading back gives the protocol minus exactly the losses stands in
test_protocol_roundtrips.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labctl.errors import UserFileError, UserInputError
from labctl.interfaces.converter import Loss
from labctl.interfaces.cycler import CurrentRange, CyclerCapabilities
from labctl.model.cell import Cell, CellKind
from labctl.model.handover import PotentiostatFacts
from labctl.model.ids import CellId, ChannelId
from labctl.model.program import (
    HostIf,
    HostNode,
    HostRepeat,
    Loop,
    Program,
    Segment,
    Spectroscopy,
    Step,
    StepMode,
)
from labctl.model.protocol import (
    Direction,
    Drive,
    Ends,
    Hold,
    Impedance,
    Protocol,
    Quantity,
    RecordIntent,
    Repeat,
    Rest,
    StepOptions,
)
from labctl.protocol.bind import bind
from labctl.protocol.convert import pybamm, unicycler
from labctl.protocol.convert.formats import convert_protocol, formats, read_foreign, suffix_of
from labctl.protocol.convert.from_program import protocol_from_program
from labctl.protocol.library import find_protocol, list_protocols
from labctl.protocol.parse import load_protocol, parse_protocol
from labctl.protocol.quantities import parse_quantity

CELLS = {
    CellKind.SYMMETRIC: Cell(CellId("C1"), "LIQ-P", CellKind.SYMMETRIC, diameter_mm=10.0),
    CellKind.LTO_LI: Cell(
        CellId("C2"),
        "LTO-P",
        CellKind.LTO_LI,
        diameter_mm=10.0,
        active_mass_mg=1.178097,
        one_c_mA_per_g=175.0,
    ),
    CellKind.LFP_LI: Cell(
        CellId("C3"), "LFP-P", CellKind.LFP_LI, diameter_mm=10.0, active_mass_mg=0.924, one_c_mA_per_g=170.0
    ),
}
FOUR = CyclerCapabilities(
    "BTS-5V100mA", frozenset(StepMode), tuple(CurrentRange(v) for v in (1e-4, 1e-3, 1e-2, 1e-1)), -5.0, 5.0
)
LIBRARY = [entry.name for entry in list_protocols()]
WITH_SPECTRA = frozenset(name for name in LIBRARY if name.startswith("p6"))
ONE_POTENTIOSTAT = (PotentiostatFacts("pstat"),)
CCCV_TEXT = """\
labctl: protocol/1
name: Two cycles
record: {every: 30 s, or_change: 5 mV, or_current_change: 10 uA}
safety: {voltage: [2.5 V, 4.3 V], current: 5 mA, capacity: 3 mAh, delay: 2 s}
steps:
  - rest: 1 h
  - repeat: 2
    steps:
      - charge: C/2
        then_hold: 4.2 V
        until: {current: C/20, time: 4 h}
      - discharge: 1.5 mA
        until: {voltage: 3 V, time: 90 min}
"""
# Written by hand from data-formats 4.1 (keys, units, tags instead of step numbers, cycle_count = total passes).
UNICYCLER_GOLDEN: dict[str, Any] = {
    "unicycler": {"version": "0.4.6"},
    "sample": {"name": "$NAME"},
    "record": {"time_s": 30.0, "voltage_V": 0.005, "current_mA": 0.01},
    "safety": {
        "max_voltage_V": 4.3,
        "min_voltage_V": 2.5,
        "max_current_mA": 5.0,
        "min_current_mA": -5.0,
        "max_capacity_mAh": 3.0,
        "delay_s": 2.0,
    },
    "method": [
        {"step": "open_circuit_voltage", "until_time_s": 3600.0},
        {"step": "tag", "tag": "repeat 1"},
        {"step": "constant_current", "rate_C": 0.5, "until_voltage_V": 4.2, "until_time_s": 14400.0},
        {"step": "constant_voltage", "voltage_V": 4.2, "until_time_s": 14400.0, "until_rate_C": 0.05},
        {"step": "constant_current", "current_mA": -1.5, "until_voltage_V": 3.0, "until_time_s": 5400.0},
        {"step": "loop", "loop_to": "repeat 1", "cycle_count": 2},
    ],
}
# Written by hand from data-formats 4.3.
PYBAMM_GOLDEN = [
    "Rest for 1 hour (30 second period)",
    "Charge at 0.5 C for 4 hours or until 4.2 V (30 second period)",
    "Hold at 4.2 V for 4 hours or until C/20 (30 second period)",
    "Discharge at 1.5 mA for 90 minutes or until 3 V (30 second period)",
]


def q(text: str) -> Quantity:
    found = parse_quantity(text)
    assert found is not None
    return found


def test_unicycler_export_matches_the_golden_document() -> None:
    data, losses = unicycler.export(parse_protocol(CCCV_TEXT))
    assert json.loads(data) == UNICYCLER_GOLDEN
    assert [loss.place for loss in losses] == ["name", "steps[2].steps[1]"]


def test_pybamm_export_matches_the_golden_strings() -> None:
    data, losses = pybamm.export(parse_protocol(CCCV_TEXT))
    text = data.decode()
    for line in PYBAMM_GOLDEN:
        assert f'"{line}"' in text
    assert text.rstrip().endswith("* 2\n)") and text.startswith("experiment = (")
    assert [loss.place for loss in losses] == [
        "name", "record.or_change", "record.or_current_change", "safety", "steps[2].steps[1]",
    ]  # fmt: skip


def test_unicycler_import_understands_rates_numbers_and_integer_loops() -> None:
    document = {
        "record": {"time_s": 10},
        "method": [
            {"step": "tag", "tag": "never used"},
            {"step": "constant_current", "rate_C": "C/3", "until_voltage_V": 4.2},
            {"step": "constant_voltage", "voltage_V": 4.2, "until_current_mA": -0.1},
            {"step": "constant_current", "rate_C": "D/2", "current_mA": 7, "until_time_s": 60},
            {"step": "constant_current", "rate_C": "-1/5", "until_voltage_V": 3.0},
            {"step": "loop", "loop_to": 4, "cycle_count": 3},
            {"step": "loop", "loop_to": 2, "cycle_count": 5},
            {
                "step": "impedance_spectroscopy",
                "amplitude_V": 0.01,
                "start_frequency_Hz": 1e6,
                "end_frequency_Hz": 0.1,
                "drift_correction": True,
            },
        ],
    }
    protocol, losses = unicycler.read(json.dumps(document).encode())
    inner = Repeat(
        3,
        (
            (
                Drive(Direction.DISCHARGE, q("0.5 C"), Ends(time=q("60 s"))),
                Drive(Direction.DISCHARGE, q("0.2 C"), Ends(voltage=q("3 V"))),
            ),
        ),
    )
    assert protocol.steps == (
        Repeat(
            5,
            (
                (
                    Drive(Direction.CHARGE, q("C/3"), Ends(voltage=q("4.2 V"))),
                    Hold(Direction.CHARGE, q("4.2 V"), Ends(current=q("0.1 mA"))),
                    inner,
                ),
            ),
        ),
        Impedance(q("1000000 Hz"), q("0.1 Hz"), 10, q("0.01 V")),
    )
    assert [loss.place for loss in losses] == [
        "method[4].current_mA",
        "method[8].drift_correction",
        "tag never used",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(extra=1), "unknown key 'extra'"),
        (lambda d: d.update(method=[]), "at least one step"),
        (lambda d: d.update(method=[{"step": "tag", "tag": "a"}]), "holds no step"),
        (lambda d: d["method"].append({"step": "dance"}), "unknown step 'dance'"),
        (lambda d: d["method"].append({"step": "open_circuit_voltage"}), "needs 'until_time_s'"),
        (
            lambda d: d["method"].append({"step": "open_circuit_voltage", "until_time_s": -1}),
            "larger than zero",
        ),
        (
            lambda d: d["method"].append({"step": "open_circuit_voltage", "until_time_s": "1"}),
            "must be a number",
        ),
        (lambda d: d["method"].append({"step": "constant_current", "until_time_s": 1}), "gives a current"),
        (lambda d: d["method"].append({"step": "constant_current", "rate_C": "fast"}), "is not a C-rate"),
        (lambda d: d["method"].append({"step": "constant_current", "rate_C": "C/0"}), "is not a C-rate"),
        (lambda d: d["method"].append({"step": "constant_voltage"}), "'voltage_V' is missing"),
        (lambda d: d["method"].append({"step": "voltage_scan"}), "no voltage scan"),
        (
            lambda d: d["method"].append({"step": "loop", "loop_to": "x", "cycle_count": 2}),
            "neither a tag nor a step",
        ),
        (
            lambda d: d["method"].append({"step": "loop", "loop_to": 9, "cycle_count": 2}),
            "neither a tag nor a step",
        ),
        (lambda d: d["method"].append({"step": "loop", "loop_to": 4, "cycle_count": 2}), "may not cross"),
        (
            lambda d: d["method"].append({"step": "loop", "loop_to": 1, "cycle_count": 0}),
            "whole number of at least 1",
        ),
        (lambda d: d["method"].append(7), "must be a JSON object"),
    ],
)
def test_a_bad_unicycler_file_is_refused_in_words(
    change: Callable[[dict[str, Any]], None], words: str
) -> None:
    document = json.loads(json.dumps(UNICYCLER_GOLDEN))
    change(document)
    with pytest.raises(UserFileError) as caught:
        unicycler.read(json.dumps(document).encode(), "bad.json")
    assert words in str(caught.value) and str(caught.value).startswith("bad.json: ")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"[" * 100_000, b"\xff", b"1" * 1_000_001])
def test_what_is_no_unicycler_json_is_refused(data: bytes) -> None:
    with pytest.raises(UserFileError):
        unicycler.read(data)


def test_pybamm_import_understands_the_documented_strings() -> None:
    text = """
import pybamm
experiment = pybamm.Experiment(
    [("Rest for 90 s", "Charge at C/2 until 3.8 V")]
    + 2 * [("Discharge at 0.5C for 90 minutes or until 3.0 V", "Hold at 4.2 V until C/50"),
           "Charge at 78.5 mA for 1 hour"],
    period="1 minute",
)
"""
    protocol, losses = pybamm.read(text.encode())
    assert protocol.steps == (
        Rest(q("90 s")),
        Drive(Direction.CHARGE, q("0.5 C"), Ends(voltage=q("3.8 V"))),
        Repeat(
            2,
            (
                (
                    Drive(Direction.DISCHARGE, q("0.5 C"), Ends(voltage=q("3 V"), time=q("5400 s"))),
                    Hold(Direction.DISCHARGE, q("4.2 V"), Ends(current=q("C/50"))),
                    Drive(Direction.CHARGE, q("78.5 mA"), Ends(time=q("3600 s"))),
                ),
            ),
        ),
    )
    assert losses == (Loss("Experiment.period", "arguments beside the list of steps are not read."),)


def test_pybamm_lines_without_python_are_read_too() -> None:
    protocol, _ = pybamm.read(
        b"Rest for 1 hour (10 second period)\n# note\nCharge at 1 A until 4 V (1 second period)\n"
    )
    assert protocol.record == RecordIntent()
    assert protocol.steps == (
        Rest(q("3600 s"), StepOptions(record=RecordIntent(every=q("10 s")))),
        Drive(
            Direction.CHARGE,
            q("1000 mA"),
            Ends(voltage=q("4 V")),
            options=StepOptions(record=RecordIntent(every=q("1 s"))),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "experiment = []",
        "experiment = ['Dance for 1 hour']",
        "experiment = ['Charge at 1 W until 4 V']",
        "experiment = ['Discharge at 2 Ohm for 1 hour']",
        "experiment = ['Charge']",
        "experiment = ['Charge at 4 V']",
        "experiment = ['Charge at -1 A for 1 hour']",
        "experiment = ['Hold at 1 A for 1 hour']",
        "experiment = ['Rest until 4 V']",
        "experiment = ['Rest for ever']",
        "experiment = ['Charge at 1 C for 1 hour or for 2 hours']",
        "experiment = ['Charge at 1 C until 4 V or until 5 V']",
        "experiment = ['Rest for 1 hour'] * 0",
        "experiment = ['Rest for 1 hour'] * True",
        "experiment = ['Rest for 1 hour'] * n",
        "experiment = __import__('os').system('true')",
        "experiment = [open('x')]",
        "experiment = [f'Rest for {1} hour']",
        "a = ['Rest for 1 hour']\nb = 2",
        "experiment = (" * 50 + "'Rest for 1 hour'" + ",)" * 50,
        "(" * 5000,
        "import os; os.system('true')",
        "experiment = [" + "'Rest for 1 s'," * 10_001 + "]",
    ],
)
def test_a_bad_pybamm_file_is_refused_and_never_run(text: str) -> None:
    with pytest.raises(UserFileError):
        pybamm.read(text.encode())


@pytest.mark.parametrize("name", LIBRARY)
def test_every_library_protocol_converts_with_its_losses(name: str) -> None:
    protocol = load_protocol(find_protocol(name))
    cell = cell_for(protocol)
    for converter in (unicycler, pybamm):
        data, losses = converter.export(protocol, cell)
        again, _ = converter.read(data)
        assert again == converter.reduce(protocol, cell)[0]
        assert {"name", "description"} <= {loss.place for loss in losses}


def test_areal_currents_need_a_cell_to_be_written() -> None:
    with pytest.raises(UserInputError, match="name a cell"):
        unicycler.export(load_protocol(find_protocol("p1")))


def test_a_program_knows_enough_of_its_cell_to_write_absolute_currents() -> None:
    protocol = load_protocol(find_protocol("p1"))
    program = bind(protocol, CELLS[CellKind.SYMMETRIC], ChannelId("neware:1-1"), FOUR, has_chamber=True)
    data, _ = convert_protocol(protocol, "unicycler", program=program)
    assert json.loads(data)["method"][2]["current_mA"] == 0.785398163


@pytest.mark.parametrize(
    "name", [name for name in LIBRARY if name.startswith("p") and name not in WITH_SPECTRA]
)
def test_the_study_goes_through_a_neware_step_file_and_back(name: str, tmp_path: Path) -> None:
    """The driver's converter holds all steps of the study; what it loses stands beside the steps."""
    protocol = load_protocol(find_protocol(name))
    cell = cell_for(protocol)
    program = bind(protocol, cell, ChannelId("neware:1-1"), FOUR, has_chamber=True)
    data, losses = convert_protocol(protocol, "neware-xml", program=program)
    path = tmp_path / "steps.xml"
    path.write_bytes(data)
    again, _ = read_foreign(path)
    bound = bind(replace(again, for_kinds=()), cell, ChannelId("neware:1-1"), FOUR)
    assert _bare(bound) == _bare(program)
    assert losses, "a step file has no detections, no chamber and no areas"


def test_a_zero_volt_end_is_a_loss_in_unicycler_only() -> None:
    text = "labctl: protocol/1\nname: n\nsteps:\n  - {discharge: 1 mA, until: {voltage: 0 V, time: 1 h}}"
    protocol = parse_protocol(text)
    assert "steps[1].until.voltage" in [loss.place for loss in unicycler.export(protocol)[1]]
    assert "until 0 V" in pybamm.export(protocol)[0].decode()
    with pytest.raises(UserInputError, match="give it a 'time'"):
        unicycler.export(parse_protocol(text.replace("voltage: 0 V, time: 1 h", "voltage: 0 V")))


def cell_for(protocol: Protocol) -> Cell:
    return CELLS[protocol.for_kinds[0] if protocol.for_kinds else CellKind.SYMMETRIC]


def whole(protocol: Protocol, cell: Cell) -> Program:
    """Bind on a channel that has everything: ranges, a chamber, a potentiostat."""
    channel = ChannelId("neware:1-1")
    return bind(protocol, cell, channel, FOUR, has_chamber=True, potentiostats=ONE_POTENTIOSTAT)


@pytest.mark.parametrize("name", sorted(WITH_SPECTRA))
def test_a_step_file_leaves_spectra_out_and_says_so(name: str) -> None:
    protocol = load_protocol(find_protocol(name))
    _, losses = convert_protocol(protocol, "neware-xml", cell=cell_for(protocol), capabilities=FOUR)
    (told,) = [loss.what for loss in losses if loss.place == "flow"]
    assert "spectra" in told


def _bare(program: Program) -> tuple[HostNode, ...]:
    """Return the flow without sentences and back-stop marks, which say where numbers came from."""

    def device(node: Step | Loop) -> Step | Loop:
        if isinstance(node, Step):
            return replace(node, sentence="")
        return replace(node, body=tuple(device(item) for item in node.body))

    def host(node: HostNode) -> HostNode:
        if isinstance(node, Segment):
            return replace(node, body=tuple(device(item) for item in node.body))
        if isinstance(node, HostRepeat):
            return replace(node, body=tuple(host(item) for item in node.body))
        if isinstance(node, Spectroscopy):
            return replace(node, sentence="")
        assert isinstance(node, HostIf)
        then, otherwise = (tuple(host(item) for item in part) for part in (node.then, node.otherwise))
        return replace(node, then=then, otherwise=otherwise)

    return tuple(host(node) for node in program.flow)


@pytest.mark.parametrize("name", LIBRARY)
def test_a_protocol_made_from_a_program_binds_to_the_same_steps(name: str) -> None:
    protocol = load_protocol(find_protocol(name))
    cell = cell_for(protocol)
    program = whole(protocol, cell)
    again = whole(protocol_from_program(program), cell)
    assert _bare(again) == _bare(program)
    assert (again.limits, again.record, again.detections) == (
        program.limits,
        program.record,
        program.detections,
    )
    assert again.temperature == program.temperature and again.cell == program.cell


def test_formats_are_found_by_name_and_a_wrong_name_is_refused(tmp_path: Path) -> None:
    assert {"yaml", "unicycler", "pybamm"} <= set(formats())
    assert suffix_of("unicycler") == ".json"
    protocol = parse_protocol(CCCV_TEXT)
    for fmt in ("yaml", "unicycler", "pybamm"):
        data, _ = convert_protocol(protocol, fmt)
        path = tmp_path / f"x{suffix_of(fmt)}"
        path.write_bytes(data)
        again, _ = read_foreign(path, fmt)
        assert len(again.steps) == 2
        assert read_foreign(path)[0] == again, "the suffix tells the format"
    with pytest.raises(UserInputError, match=r"there is no format 'unicyler'\. Did you mean 'unicycler'"):
        convert_protocol(protocol, "unicyler")
    with pytest.raises(UserInputError, match="does not tell the format"):
        read_foreign(tmp_path / "x.dat")
    with pytest.raises(UserInputError, match="name a cell"):
        convert_protocol(protocol, "neware-xml")
    with pytest.raises(UserFileError, match="cannot be read"):
        read_foreign(tmp_path / "none.json", "unicycler")
