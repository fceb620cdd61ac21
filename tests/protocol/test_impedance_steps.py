"""``- eis:`` in a protocol: read, said, written again, bound to a potentiostat of the station, estimated."""

from __future__ import annotations

import math

import pytest

from labctl.errors import LabctlError, ProgramError
from labctl.interfaces.cycler import CurrentRange, CyclerCapabilities
from labctl.model.cell import Cell, CellKind
from labctl.model.handover import PotentiostatFacts
from labctl.model.ids import CellId, ChannelId
from labctl.model.program import (
    HostRepeat,
    Program,
    Segment,
    Spectroscopy,
    StepMode,
    program_from_json,
    program_to_json,
    spectra_of,
    without_spectra,
)
from labctl.model.technique import Geis, Peis
from labctl.protocol.bind import bind
from labctl.protocol.convert.from_program import protocol_from_program
from labctl.protocol.document import protocol_hash, to_yaml
from labctl.protocol.parse import parse_protocol
from labctl.protocol.sentences import sentences
from labctl.protocol.spectroscopy import spectrum_s

CAPABILITIES = CyclerCapabilities(
    "BTS-5V10mA", frozenset(StepMode), (CurrentRange(1e-3), CurrentRange(1e-2)), -5.0, 5.0
)
CHANNEL = ChannelId("neware:1-1")
CELL = Cell(CellId("c1"), "cell", CellKind.OTHER, nominal_capacity_mAh=1.0)
PSTAT = PotentiostatFacts("pstat")
BOX = PotentiostatFacts("box", (CHANNEL,), (CHANNEL,), 0.1, 200e3)
STUDY = "{from: 1 MHz, to: 100 mHz, points_per_decade: 10, amplitude: 10 mV rms"


def bound(steps: str, *stats: PotentiostatFacts) -> Program:
    """Return the program of some steps on a station with these potentiostats."""
    text = f"labctl: protocol/1\nname: n\nsteps:\n{steps}"
    return bind(parse_protocol(text), CELL, CHANNEL, CAPABILITIES, potentiostats=stats)


def first_spectrum(steps: str, *stats: PotentiostatFacts) -> Spectroscopy:
    """Return the spectrum that a program begins with."""
    (node,) = bound(steps, *stats).flow
    assert isinstance(node, Spectroscopy)
    return node


def test_the_study_spectrum_is_bound_to_the_only_potentiostat_in_si_units() -> None:
    node = first_spectrum(f"  - eis: {STUDY}}}", PSTAT)
    assert isinstance(node.technique, Peis)
    assert (node.index, node.on, node.via, node.technique.amplitude_rms_V) == (1, "pstat", "operator", 0.01)
    assert (node.technique.sweep.points, node.technique.settle_s, node.technique.e_dc_vs) == (71, 10.0, "ocv")


def test_peak_amplitudes_are_bound_as_rms_and_currents_as_galvanostatic_sweeps() -> None:
    node = first_spectrum("  - eis: {from: 1 kHz, to: 1 Hz, amplitude: 2 uA peak, settle: 1 min}", PSTAT)
    assert isinstance(node.technique, Geis) and node.technique.settle_s == 60.0
    assert node.technique.amplitude_rms_A == pytest.approx(2e-6 / math.sqrt(2.0), rel=1e-12)


def test_the_protocol_may_name_potentiostat_and_way_and_the_station_fills_in_what_it_leaves_open() -> None:
    assert (
        first_spectrum("  - eis: {from: 1 kHz, to: 1 Hz, amplitude: 5 mV}", BOX, PSTAT).via == "multiplexer"
    )
    by_hand = first_spectrum("  - eis: {from: 1 kHz, to: 1 Hz, amplitude: 5 mV, via: operator}", BOX)
    assert (by_hand.on, by_hand.via) == ("box", "operator")
    assert (
        first_spectrum("  - eis: {from: 1 kHz, to: 1 Hz, amplitude: 5 mV, on: pstat}", BOX, PSTAT).on
        == "pstat"
    )


@pytest.mark.parametrize(
    ("eis", "stats", "words"),
    [
        (f"{STUDY}}}", (), "this station has none for neware:1-1"),
        (f"{STUDY}}}", (PotentiostatFacts("far", (ChannelId("neware:9-9"),)),), "this station has none for"),
        (f"{STUDY}, on: gamry}}", (PSTAT, BOX), "choose one of pstat, box"),
        (f"{STUDY}, via: multiplexer}}", (PSTAT,), "no multiplexer moves neware:1-1 to pstat"),
        (f"{STUDY}}}", (BOX,), "measures from 0.1 Hz to 200000 Hz: 1 MHz cannot be reached"),
    ],
)
def test_what_the_station_cannot_measure_is_refused_with_line_and_reason(
    eis: str, stats: tuple[PotentiostatFacts, ...], words: str
) -> None:
    with pytest.raises(ProgramError) as caught:
        bound(f"  - eis: {eis}", *stats)
    assert words in str(caught.value) and str(caught.value).startswith("line 4")


def test_a_way_that_nobody_knows_is_refused_while_the_file_is_read() -> None:
    with pytest.raises(LabctlError, match="Known: operator, multiplexer"):
        bound(f"  - eis: {STUDY}, via: robot}}", PSTAT)


def test_a_repeat_with_a_spectrum_inside_is_walked_by_the_host_and_spectra_count_on_their_own() -> None:
    steps = (
        f"  - eis: {STUDY}}}\n  - repeat: 10\n    steps:\n      - {{charge: 1 mA, until: {{time: 1 h}}}}\n"
        f"      - rest: 10 min\n      - eis: {STUDY}}}\n      - {{discharge: 1 mA, until: {{time: 1 h}}}}"
    )
    program = bound(steps, PSTAT)
    fresh, repeat = program.flow
    assert isinstance(fresh, Spectroscopy) and isinstance(repeat, HostRepeat)
    shape = [(node.kind, node.index) for node in repeat.body if isinstance(node, Segment | Spectroscopy)]
    assert fresh.index == 1 and shape == [("segment", 1), ("eis", 2), ("segment", 2)]
    assert repeat.at_most == 10 and repeat.until == "pass >= 10"


def test_a_program_with_spectra_is_read_back_as_it_was_written() -> None:
    program = bound(f"  - eis: {STUDY}}}\n  - eis: {{from: 1 kHz, to: 1 Hz, amplitude: 1 uA}}", PSTAT)
    assert program_from_json(program_to_json(program)) == program


def test_a_spectrum_takes_as_long_as_the_law_of_its_points_and_counts_as_a_decision() -> None:
    plain = bound("  - rest: 1 h", PSTAT).estimate
    more = bound(f"  - rest: 1 h\n  - eis: {STUDY}}}", PSTAT).estimate
    node = first_spectrum(f"  - eis: {STUDY}}}", PSTAT)
    assert spectrum_s(node.technique) == pytest.approx(390.0, rel=0.1)  # about 380 s and the settling
    assert more.duration_s - plain.duration_s == pytest.approx(spectrum_s(node.technique))
    assert more.host_decisions == plain.host_decisions + 1 and more.rows == plain.rows


def test_where_how_and_after_what_rest_is_said_and_written_again() -> None:
    text = f"labctl: protocol/1\nname: n\nsteps:\n  - eis: {STUDY}, on: pstat, via: operator, settle: 5 s}}\n"
    protocol = parse_protocol(text)
    assert sentences(protocol)[-1].endswith("10 mV rms, on pstat, via operator, settled for 5 s.")
    again = parse_protocol(to_yaml(protocol))
    assert again.steps == protocol.steps and protocol_hash(again) == protocol_hash(protocol)


def test_sentences_of_a_program_tell_the_potentiostat_and_its_way() -> None:
    lines = sentences(bound(f"  - rest: 1 h\n  - eis: {STUDY}}}", PSTAT))
    assert lines[-1].startswith("Spectrum 1 on pstat (via operator): Impedance from 1 MHz to 100 mHz")


def test_a_bound_spectrum_becomes_a_protocol_step_again() -> None:
    program = bound(f"  - eis: {STUDY}}}", PSTAT)
    (node,) = program.flow
    (again,) = bind(protocol_from_program(program), CELL, CHANNEL, CAPABILITIES, potentiostats=(PSTAT,)).flow
    assert isinstance(node, Spectroscopy) and isinstance(again, Spectroscopy)
    assert again.technique == node.technique


def test_a_twin_with_a_cycler_alone_walks_the_same_steps_without_the_spectra() -> None:
    steps = (
        f"  - repeat: 3\n    steps:\n      - {{charge: 1 mA, until: {{time: 1 h}}}}\n      - eis: {STUDY}}}"
    )
    protocol = parse_protocol(f"labctl: protocol/1\nname: n\nsteps:\n{steps}\n  - eis: {STUDY}}}")
    twin = bind(protocol, CELL, CHANNEL, CAPABILITIES, spectra=False)
    assert [node.kind for node in twin.flow] == ["segment"]
    whole = bind(protocol, CELL, CHANNEL, CAPABILITIES, potentiostats=(PSTAT,))
    assert len(spectra_of(whole.flow)) == 2 and spectra_of(without_spectra(whole.flow)) == []
    (repeat,) = without_spectra(whole.flow)
    assert isinstance(repeat, HostRepeat) and [node.kind for node in repeat.body] == ["segment"]
