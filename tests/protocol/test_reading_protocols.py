"""The language, read as a specification: what each word of a protocol file means."""

from __future__ import annotations

from labctl.model.cell import CellKind
from labctl.model.program import DetectionAction, DetectionKind
from labctl.model.protocol import (
    Ask,
    Branch,
    DetectIntent,
    Direction,
    Drive,
    Ends,
    Handover,
    Hold,
    Impedance,
    Note,
    NoteKind,
    Parallel,
    Protocol,
    ProtocolNode,
    RecordIntent,
    Repeat,
    Rest,
    SafetyIntent,
    StepOptions,
    TemperatureIntent,
    TextPlace,
    Variable,
)
from labctl.protocol.document import protocol_hash, to_yaml
from labctl.protocol.parse import parse_protocol, with_variables
from labctl.protocol.quantities import parse_quantity
from labctl.protocol.sentences import sentences


def q(text: str):  # type: ignore[no-untyped-def]  # a short hand for the tables below
    found = parse_quantity(text)
    assert found is not None, text
    return found


def steps_of_text(text: str) -> tuple[ProtocolNode, ...]:
    """Return the steps of a protocol that holds only these."""
    return protocol_of("steps:\n" + text).steps


def protocol_of(text: str) -> Protocol:
    return parse_protocol("labctl: protocol/1\nname: n\n" + text)


def test_rest_is_open_circuit_for_a_time() -> None:
    assert steps_of_text("  - rest: 6 h") == (Rest(q("6 h")),)


def test_charge_and_discharge_take_a_current_per_anything() -> None:
    for text in ("1 mA", "78.54 uA", "1 mA/cm^2", "85 mA/g", "C/3", "2 C"):
        (step,) = steps_of_text(f"  - discharge: {text}\n    until: {{voltage: 1 V, time: 1 h}}")
        assert step == Drive(Direction.DISCHARGE, q(text), Ends(voltage=q("1 V"), time=q("1 h")))


def test_to_is_short_for_an_end_voltage() -> None:
    assert steps_of_text("  - {charge: 1 C, to: 3.8 V}") == steps_of_text(
        "  - {charge: 1 C, until: {voltage: 3.8 V}}"
    )


def test_then_hold_makes_a_charge_cccv() -> None:
    (step,) = steps_of_text("  - {charge: 1 C, then_hold: 4.2 V, until: {current: C/20, time: 4 h}}")
    assert step == Drive(
        Direction.CHARGE, q("1 C"), Ends(current=q("C/20"), time=q("4 h")), then_hold=q("4.2 V")
    )


def test_hold_is_a_constant_voltage_with_a_direction_and_a_largest_current() -> None:
    (step,) = steps_of_text("  - {hold: 1 V, direction: discharge, at_most: 2 C, until: {current: C/50}}")
    assert step == Hold(Direction.DISCHARGE, q("1 V"), Ends(current=q("C/50")), at_most=q("2 C"))


def test_capacity_ends_are_absolute_areal_specific_or_of_the_nominal_one() -> None:
    for text in ("1 mAh", "1 mAh/cm^2", "150 mAh/g", "80 %"):
        (step,) = steps_of_text(f"  - {{charge: 1 C, until: {{capacity: {text}}}}}")
        assert isinstance(step, Drive) and step.until.capacity == q(text)


def test_host_decided_ends_are_part_of_the_language() -> None:
    (step,) = steps_of_text("  - {charge: 1 C, until: {temperature: {above: 50 degC}, when: voltage > 4 V}}")
    assert isinstance(step, Drive)
    assert step.until == Ends(temperature_above=q("50 degC"), when="voltage > 4 V")


def test_repeats_nest_and_may_end_early() -> None:
    (outer,) = steps_of_text(
        "  - repeat: 10\n    until: retention < 80 %\n    steps:\n      - repeat: 3\n        steps: [{rest: 1 h}]"
    )
    assert outer == Repeat(10, ((Repeat(3, ((Rest(q("1 h")),),)),),), until="retention < 80 %")


def test_a_varied_repeat_has_one_body_per_pass() -> None:
    (stairs,) = steps_of_text(
        "  - repeat: 3\n    vary: {j: {start: 0.1 mA, add: 0.1 mA}}\n    steps: [{charge: '${j}', until: {time: 1 h}}]"
    )
    assert isinstance(stairs, Repeat)
    currents = [body[0].current for body in stairs.bodies if isinstance(body[0], Drive)]
    assert currents == [q("0.1 mA"), q("0.2 mA"), q("0.3 mA")]
    (listed,) = steps_of_text(
        "  - repeat: 2\n    vary: {r: [C/10, 2 C]}\n    steps: [{charge: '${r}', until: {time: 1 h}}]"
    )
    assert isinstance(listed, Repeat) and len(listed.bodies) == 2


def test_if_takes_one_of_two_ways() -> None:
    (branch,) = steps_of_text("  - if: efficiency < 90 %\n    then: [{rest: 1 h}]\n    else: [{rest: 2 h}]")
    assert branch == Branch("efficiency < 90 %", (Rest(q("1 h")),), (Rest(q("2 h")),))


def test_words_of_later_releases_are_read_already() -> None:
    steps = steps_of_text(
        "  - eis: {from: 1 MHz, to: 100 mHz, points_per_decade: 7, amplitude: 10 mV rms}\n"
        "  - eis: {from: 1 MHz, to: 1 Hz, amplitude: 14 mV peak}\n"
        "  - ask: Is the cell connected?\n  - handover: potentiostat\n  - parallel: [[{rest: 1 h}], [{rest: 2 h}]]"
    )
    assert steps == (
        Impedance(q("1 MHz"), q("100 mHz"), 7, q("10 mV")),
        Impedance(q("1 MHz"), q("1 Hz"), 10, q("14 mV"), peak=True),
        Ask("Is the cell connected?"),
        Handover("potentiostat"),
        Parallel(((Rest(q("1 h")),), (Rest(q("2 h")),))),
    )


def test_every_step_may_carry_a_name_record_rule_limits_and_range() -> None:
    (step,) = steps_of_text(
        "  - charge: 1 mA\n    until: {time: 1 h}\n    name: Pulse\n    range: 10 mA\n    record: {every: 1 s}\n"
        "    safety: {voltage: [none, 4 V]}"
    )
    assert isinstance(step, Drive)
    assert step.options == StepOptions(
        "Pulse", RecordIntent(every=q("1 s")), SafetyIntent(voltage_max=q("4 V")), range=q("10 mA")
    )
    assert step.options.place == TextPlace(4, 5)
    (auto,) = steps_of_text("  - {charge: 1 mA, until: {time: 1 h}, range: auto}")
    assert isinstance(auto, Drive) and auto.options.range_auto


def test_the_head_of_a_protocol_says_what_holds_for_all_steps() -> None:
    protocol = protocol_of(
        "description: d\nfor: [lfp_li, other]\n"
        "temperature: {setpoint: 60 degC, tolerance: 0.5 K, soak: 1 h, give_up: 5 h, "
        "warn: 1 K, warn_after: 1 min, trip: 2 K}\n"
        "record: {every: 1 min, or_change: 5 mV, or_current_change: 1 uA}\n"
        "safety: {voltage: [0 V, 4 V], current: 2 C, capacity: 120 %, temperature: [10 degC, 70 degC], delay: 2 s}\n"
        "detect:\n  capacity: [{below: 80 %, cycles: 2, of_cycle: 3, then: flag}, {below: 50 %, then: stop}]\n"
        "  efficiency: {below: 90 %, then: flag}\n"
        "notes: [plain, {assumption: a, about: b}, {contradiction: c}]\nsteps: [{rest: 1 h}]"
    )
    assert protocol.for_kinds == (CellKind.LFP_LI, CellKind.OTHER)
    assert protocol.temperature == TemperatureIntent(
        q("60 degC"), q("0.5 K"), q("1 h"), q("5 h"), q("1 K"), q("1 min"), q("2 K")
    )
    assert protocol.record == RecordIntent(q("1 min"), q("5 mV"), q("1 uA"))
    assert protocol.safety == SafetyIntent(
        q("0 V"), q("4 V"), q("2 C"), q("120 %"), q("10 degC"), q("70 degC"), q("2 s")
    )
    assert protocol.detections == (
        DetectIntent(DetectionKind.CAPACITY, q("80 %"), 2, DetectionAction.FLAG, 3),
        DetectIntent(DetectionKind.CAPACITY, q("50 %"), 1, DetectionAction.STOP),
        DetectIntent(DetectionKind.EFFICIENCY, q("90 %"), 1, DetectionAction.FLAG),
    )
    assert protocol.notes == (
        Note(NoteKind.NOTE, "plain"),
        Note(NoteKind.ASSUMPTION, "a", "b"),
        Note(NoteKind.CONTRADICTION, "c"),
    )


VARIED = "variables:\n  j: {default: 1 mA, note: why}\nsteps: [{charge: '${j}', until: {time: 1 h}}]"


def test_variables_are_replaced_after_parsing_and_can_be_given_other_values() -> None:
    protocol = protocol_of(VARIED)
    assert protocol.variables == (Variable("j", "1 mA", "why"),)
    assert protocol.steps[0] == Drive(Direction.CHARGE, q("1 mA"), Ends(time=q("1 h")))
    other = with_variables(protocol, {"j": "2 C"})
    assert other.steps[0] == Drive(Direction.CHARGE, q("2 C"), Ends(time=q("1 h")))
    assert protocol_hash(other) == protocol_hash(protocol), (
        "the protocol is the same, the values go into the run"
    )


def test_a_written_protocol_keeps_its_variables() -> None:
    protocol = protocol_of(VARIED)
    again = parse_protocol(to_yaml(protocol))
    assert again == protocol
    assert with_variables(again, {"j": "2 C"}).steps == with_variables(protocol, {"j": "2 C"}).steps


def test_the_hash_ignores_layout_comments_and_spelling_but_not_meaning() -> None:
    one = protocol_of("steps:\n  - {charge: 1 mA/cm2, until: {time: 60 min}}")
    two = protocol_of("# a remark\nsteps: [{until: {time: '60min'}, charge: 1 mA / cm²}]")
    three = protocol_of("steps:\n  - {charge: 1 mA/cm2, until: {time: 61 min}}")
    assert protocol_hash(one) == protocol_hash(two)
    assert protocol_hash(one) != protocol_hash(three)


def test_every_step_reads_as_a_sentence() -> None:
    protocol = protocol_of(
        "temperature: 60 degC\nrecord: {every: 10 s, or_change: 5 mV}\nsafety: {voltage: [-5 V, 5 V]}\n"
        "detect: {polarisation: {above: 1 V, then: flag}}\nsteps:\n"
        "  - rest: 6 h\n"
        "  - repeat: 3\n    until: retention < 80 %\n    steps:\n"
        "      - {charge: 1 C, then_hold: 4.2 V, until: {current: C/20, time: 4 h}}\n"
        "      - {discharge: C/2, until: {voltage: 3 V, capacity: 90 %, time: 4 h}, record: {every: 1 s}}\n"
        "      - {hold: 3 V, direction: discharge, at_most: C/5, until: {current: C/50}}\n"
        "  - if: cycle > 2\n    then: [{ask: Go on?}]\n    else: [{rest: 1 min}]\n"
    )
    assert sentences(protocol) == [
        "Chamber at 60 degC; start when it has been within 1 K for 30 min, give up after 4 h.",
        "Record every 10 s or on 5 mV.",
        "Stop at once on voltage outside -5 V to 5 V.",
        "If |V| at the end of a half-cycle is above 1 V, it is flagged and the run goes on (polarisation).",
        "Rest for 6 h.",
        "Repeat until retention < 80 % (the host decides after each pass), at most 3 times:",
        "  Charge at 1 C, then hold 4.2 V until the current is C/20 or less, at the latest after 4 h.",
        "  Discharge at 0.5 C until 3 V is reached or 90 % has passed, at the latest after 4 h; record every 1 s.",
        "  Hold 3 V (discharge), at most C/5 until the current is C/50 or less.",
        "If cycle > 2 (the host decides):",
        "  Ask the operator: Go on?",
        "Else:",
        "  Rest for 1 min.",
    ]
