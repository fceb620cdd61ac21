"""Binding: intent, cell and channel become absolute SI numbers, or every reason against it is listed.

The numbers of the reference study come from paper-protocols, section 1.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from labctl.errors import ProgramError, UserFileError
from labctl.interfaces.cycler import CurrentRange, CyclerCapabilities
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, ChannelId
from labctl.model.program import (
    HostIf,
    HostRepeat,
    Limits,
    Loop,
    Program,
    Segment,
    Step,
    StepMode,
    TemperatureDemand,
    program_from_json,
    program_to_json,
    steps_of,
)
from labctl.protocol.bind import bind
from labctl.protocol.library import find_protocol
from labctl.protocol.parse import load_protocol, parse_protocol
from labctl.protocol.sentences import sentences

CHANNEL = ChannelId("neware:1-1")
DUAL = CyclerCapabilities(
    "BTS-5V10mA", frozenset(StepMode), (CurrentRange(1e-3), CurrentRange(1e-2)), -5.0, 5.0
)
FOUR = replace(
    DUAL, model="BTS-5V100mA", ranges=tuple(CurrentRange(value) for value in (1e-4, 1e-3, 1e-2, 1e-1))
)
SYMMETRIC = Cell(CellId("C1"), "LIQ-P", CellKind.SYMMETRIC, diameter_mm=10.0)
LTO = Cell(
    CellId("C2"), "LTO-P", CellKind.LTO_LI, diameter_mm=10.0, active_mass_mg=1.178097, one_c_mA_per_g=175.0
)
LFP = Cell(
    CellId("C3"), "LFP-P", CellKind.LFP_LI, diameter_mm=10.0, active_mass_mg=0.924, one_c_mA_per_g=170.0
)
BARE = Cell(CellId("C9"), "unknown", CellKind.OTHER)


def library(name: str, cell: Cell, capabilities: CyclerCapabilities = DUAL, **variables: str) -> Program:
    return bind(
        load_protocol(find_protocol(name)), cell, CHANNEL, capabilities, variables=variables, has_chamber=True
    )


def program_of(
    steps: str,
    cell: Cell = LFP,
    capabilities: CyclerCapabilities = FOUR,
    head: str = "",
    limits: Limits | None = None,
) -> Program:
    protocol = parse_protocol(f"labctl: protocol/1\nname: n\n{head}\nsteps:\n{steps}")
    return bind(protocol, cell, CHANNEL, capabilities, channel_limits=limits)


def all_steps(program: Program) -> list[Step]:
    found: list[Step] = []

    def walk(nodes: tuple[Segment | HostRepeat | HostIf, ...]) -> None:
        for node in nodes:
            if isinstance(node, Segment):
                found.extend(steps_of(node.body))
            elif isinstance(node, HostRepeat):
                walk(node.body)
            else:
                walk(node.then)
                walk(node.otherwise)

    walk(program.flow)
    return found


@pytest.mark.parametrize(
    ("name", "cell", "capabilities", "current_A", "range_A", "capacity_Ah", "half_cycle_s"),
    [
        ("p1", SYMMETRIC, DUAL, 0.785398e-3, 1e-3, 0.785398e-3, 3600.0),
        ("p2", SYMMETRIC, DUAL, 2.356194e-3, 1e-2, 0.785398e-3, 1200.0),
        ("p3", SYMMETRIC, DUAL, 78.540e-6, 1e-3, 78.540e-6, 3600.0),
        ("p4", LTO, DUAL, 412.334e-6, 1e-3, None, None),
        ("p5", LFP, FOUR, 78.540e-6, 1e-4, None, None),
    ],
)
def test_the_study_binds_to_the_currents_that_it_derives(
    name: str, cell: Cell, capabilities: CyclerCapabilities, current_A: float, range_A: float,
    capacity_Ah: float | None, half_cycle_s: float | None,
) -> None:  # fmt: skip
    program = library(name, cell, capabilities)
    rest, first, second = all_steps(program)
    assert (rest.mode, rest.end_time_s, rest.range_A) == (StepMode.REST, 21600.0, None)
    assert {first.current_A, second.current_A} == {current_A, -current_A}
    assert first.range_A == second.range_A == range_A
    assert first.end_capacity_Ah == second.end_capacity_Ah == capacity_Ah
    if half_cycle_s is not None and capacity_Ah is not None:
        assert capacity_Ah / current_A * 3600.0 == pytest.approx(half_cycle_s, abs=1e-9)
    assert program.warnings == ()
    assert [step.step_id for step in (rest, first, second)] == [1, 2, 3]


def test_the_study_is_one_device_test_with_one_loop() -> None:
    program = library("p1", SYMMETRIC)
    (segment,) = program.flow
    assert isinstance(segment, Segment) and segment.index == 1
    _, loop = segment.body
    assert isinstance(loop, Loop) and loop.count == 250 and len(loop.body) == 2
    assert program.estimate.cycles == 250
    assert program.estimate.duration_expected_s == pytest.approx(21600.0 + 500 * 3600.0)
    assert program.estimate.duration_s == 21600.0 + 500 * 3660.0
    assert program.estimate.rows > 180_000
    assert program.estimate.host_decisions == 0


def test_lto_is_discharged_first_and_lfp_charged_first() -> None:
    assert library("p4", LTO).cell.first_sign == "discharge"
    assert library("p5", LFP, FOUR).cell.first_sign == "charge"
    lithiate, delithiate = all_steps(library("p4", LTO))[1:]
    assert (lithiate.end_voltage_V, delithiate.end_voltage_V) == (1.0, 3.0)
    assert lithiate.mode is StepMode.CC_DISCHARGE and not lithiate.time_is_backstop


def test_peo_cells_carry_a_chamber_set_point_with_soak() -> None:
    assert library("p3", SYMMETRIC).temperature == TemperatureDemand(60.0, 1.0, 1800.0, 14400.0)


def test_another_disc_and_current_move_the_numbers() -> None:
    wide = replace(SYMMETRIC, diameter_mm=12.0)
    step = all_steps(library("p1", wide, current="2 mA/cm^2", latest="31 min"))[1]
    assert step.current_A == 2.261947e-3
    assert step.end_capacity_Ah == pytest.approx(2.261947e-3 / 2, rel=1e-12)
    assert library("p1", wide, current="2 mA/cm^2").variables["current"] == "2 mA/cm^2"


def test_a_program_survives_json() -> None:
    for name, cell in (("p1", SYMMETRIC), ("formation", LFP), ("ccd", SYMMETRIC)):
        program = library(name, cell, FOUR)
        assert program_from_json(program_to_json(program)) == program


def test_a_capacity_end_follows_the_rounded_current_in_any_unit() -> None:
    text = "  - {charge: 1 C, until: {capacity: 50 %, time: 1 h}}"
    (step,) = all_steps(program_of(text))
    assert step.current_A == 157.080e-6
    assert step.end_capacity_Ah == pytest.approx(step.current_A / 2, rel=1e-9)
    (mixed,) = all_steps(program_of("  - {charge: 0.1 mA/cm^2, until: {capacity: 10 uAh}}"))
    assert mixed.end_capacity_Ah == pytest.approx(10e-6, rel=1e-5)


@pytest.mark.parametrize(
    ("step", "fields"),
    [
        ("{charge: 1 mA/cm^2, until: {time: 1 h}}", ["electrode area", "'area_cm2' or 'diameter_mm'", "C9"]),
        ("{charge: 85 mA/g, until: {time: 1 h}}", ["active mass", "'active_mass_mg'"]),
        (
            "{charge: 1 C, until: {time: 1 h}}",
            ["nominal capacity", "'nominal_capacity_mAh'", "'one_c_mA_per_g'"],
        ),
        ("{charge: 1 mA, until: {capacity: 80 %}}", ["nominal capacity"]),
        ("{charge: 1 mA, until: {capacity: 1 mAh/cm^2}}", ["electrode area"]),
        ("{charge: 1 mA, then_hold: 4 V, until: {current: C/20}}", ["nominal capacity"]),
    ],
)
def test_a_missing_value_of_the_cell_is_named_with_its_field(step: str, fields: list[str]) -> None:
    with pytest.raises(ProgramError) as caught:
        program_of(f"  - {step}", cell=BARE)
    for words in fields:
        assert words in str(caught.value)
    assert "line 5, charge" in str(caught.value)


def test_all_findings_come_at_once() -> None:
    with pytest.raises(ProgramError) as caught:
        program_of(
            "  - {charge: 200 mA, until: {time: 1 h}}\n  - {charge: 1 mA, until: {time: 500 d}}\n  - ask: Well?",
            cell=BARE,
        )
    assert len(caught.value.findings) == 3
    over, long, ask = caught.value.findings
    assert "more than the largest range, 0.1 A" in over or "100 mA" in over
    assert "longer than the device's 365 d" in long
    assert "comes with the station release" in ask or "come with the station release" in ask


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{charge: 0.1 nA, until: {time: 1 h}}", "rounds to nothing"),
        ("{charge: 1 mA, until: {time: 0.01 s}}", "rounds to nothing"),
        ("{charge: 1 mA, until: {voltage: 6 V}}", "outside the limits in force here, -5.0 to 5.0 V"),
        (
            "{charge: 1 mA, until: {time: 1 h}, range: 2 mA}",
            "has no range 2 mA; it has 0.1 mA, 1 mA, 10 mA, 0.1 A",
        ),
        ("{charge: 5 mA, until: {time: 1 h}, range: 1 mA}", "does not fit into the range 1 mA"),
        ("{charge: 1 mA, then_hold: 4 V, until: {current: 2 mA}}", "is not below the set current"),
        ("{charge: 1 mA, until: {time: 1 h}, record: {every: 10 ms}}", "faster than the device's 0.1 s"),
        (
            "{charge: 1 mA, until: {temperature: {above: 40 degC}, time: 1 h}}",
            "cannot end a step by temperature",
        ),
        (
            "{charge: 1 mA, until: {when: voltage > 3 V, time: 1 h}}",
            "cannot end a step by temperature or by an expression",
        ),
        ("{rest: 1 h, safety: {voltage: [-6 V, 6 V]}}", "looser than"),
        (
            "{eis: {from: 1 MHz, to: 1 Hz, amplitude: 10 mV}}",
            "needs a potentiostat, and this station has none",
        ),
        ("{handover: potentiostat}", "comes with the station release"),
        ("{parallel: [[{rest: 1 h}], [{rest: 1 h}]]}", "come with the station release"),
    ],
)
def test_what_the_instrument_cannot_do_is_refused_with_the_reason(step: str, words: str) -> None:
    with pytest.raises(ProgramError) as caught:
        program_of(f"  - {step}")
    assert words in str(caught.value)
    assert str(caught.value).startswith("line 5")


def test_a_mode_that_the_model_lacks_is_refused() -> None:
    simple = replace(FOUR, modes=FOUR.modes - {StepMode.CV_DISCHARGE})
    with pytest.raises(ProgramError, match="has no mode 'cv_discharge'"):
        program_of(
            "  - {hold: 1 V, direction: discharge, at_most: 1 mA, until: {time: 1 h}}", capabilities=simple
        )


def test_a_protocol_for_another_kind_of_cell_is_refused() -> None:
    with pytest.raises(ProgramError, match="is for symmetric cells, but cell C3 is registered as 'lfp_li'"):
        library("p1", LFP)
    assert "make sure that it fits" in library("p1", replace(SYMMETRIC, kind=CellKind.OTHER)).warnings[0]


def test_the_smallest_range_that_holds_the_current_is_fixed() -> None:
    text = "\n".join(
        f"  - {{charge: {value}, until: {{time: 1 h}}}}"
        for value in ("100 uA", "100.001 uA", "9 mA", "99 mA")
    )
    assert [step.range_A for step in all_steps(program_of(text))] == [1e-4, 1e-3, 1e-2, 1e-1]
    (auto,) = all_steps(program_of("  - {charge: 1 mA, until: {time: 1 h}, range: auto}"))
    assert auto.range_A is None


def test_a_small_current_on_a_large_range_is_warned_of_with_its_error() -> None:
    program = program_of("  - {charge: 78.54 uA, until: {time: 1 h}, range: 10 mA}")
    assert "78.54 uA is 0.79 % of the 10 mA range, whose error is up to 6.4 % of it" in program.warnings[0]
    assert library("p3", SYMMETRIC).warnings == (), "7.9 % of 1 mA is enough"


def test_the_tightest_of_all_limit_layers_is_in_force() -> None:
    cell = replace(LFP, voltage_max_V=4.0, current_max_A=5e-3, temperature_max_degC=70.0)
    program = program_of(
        "  - {rest: 1 h, safety: {voltage: [2 V, 3.5 V], delay: 3 s}}",
        cell=cell, head="safety: {voltage: [1 V, 3.9 V], capacity: 2 mAh}",
        limits=Limits(voltage_min_V=0.5, current_max_A=8e-3),
    )  # fmt: skip
    assert program.limits == Limits(1.0, 3.9, 5e-3, 2e-3, None, 70.0, 1.0)
    (step,) = all_steps(program)
    assert step.limits == Limits(2.0, 3.5, 5e-3, 2e-3, None, 70.0, 3.0)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("safety: {voltage: [-6 V, 4 V]}", "lowest voltage -6 V is looser than -5 V"),
        ("safety: {voltage: [0 V, 4.5 V]}", "highest voltage 4.5 V is looser than 4.2 V"),
        ("safety: {current: 20 mA}", "highest current 20 mA is looser than 8 mA"),
        ("safety: {temperature: [0 degC, 90 degC]}", "highest temperature 90 degC is looser than 70 degC"),
    ],
)
def test_a_protocol_looser_than_what_stands_above_it_is_refused(head: str, words: str) -> None:
    cell = replace(LFP, voltage_max_V=4.2, temperature_max_degC=70.0)
    with pytest.raises(ProgramError) as caught:
        program_of("  - rest: 1 h", cell=cell, head=head, limits=Limits(current_max_A=8e-3))
    assert words in str(caught.value)


def test_a_current_above_a_limit_layer_is_refused() -> None:
    with pytest.raises(ProgramError, match="above the current limit 8 mA in force here"):
        program_of("  - {charge: 9 mA, until: {time: 1 h}}", limits=Limits(current_max_A=8e-3))


@pytest.mark.parametrize(
    ("step", "seconds"),
    [
        ("{charge: 1 C, until: {voltage: 3.8 V}}", 3 * 3600 + 60),
        ("{charge: 1 C, until: {capacity: 50 %}}", 1800 * 1.05 + 60),
        ("{hold: 3.8 V, at_most: 1 C, until: {current: C/20}}", 48 * 3600),
        ("{charge: 1 C, then_hold: 3.8 V, until: {current: C/20}}", 3 * 3600 + 60 + 48 * 3600),
    ],
)
def test_every_step_gets_a_back_stop_when_no_time_is_given(step: str, seconds: float) -> None:
    program = program_of(f"  - {step}")
    (bound,) = all_steps(program)
    assert bound.time_is_backstop and bound.end_time_s == pytest.approx(seconds, abs=1)
    assert any("back-stop" in warning for warning in program.warnings)
    assert "back-stop" in bound.sentence


def test_a_back_stop_without_any_capacity_is_a_week() -> None:
    (step,) = all_steps(program_of("  - {charge: 1 mA, until: {voltage: 4 V}}", cell=BARE))
    assert step.end_time_s == 7 * 86400.0


def test_a_hold_takes_the_current_of_the_step_before() -> None:
    text = "  - {charge: 1 C, to: 3.8 V}\n  - {hold: 3.8 V, until: {current: C/20, time: 1 h}}"
    charge, hold = all_steps(program_of(text))
    assert hold.current_A == charge.current_A and hold.range_A == charge.range_A
    assert hold.end_current_A == 7.854e-6


def test_discharging_holds_carry_a_negative_current() -> None:
    (step,) = all_steps(program_of("  - {hold: 3 V, direction: discharge, at_most: 1 C, until: {time: 1 h}}"))
    assert step.mode is StepMode.CV_DISCHARGE and step.current_A == -157.080e-6


def test_record_rules_are_resolved_and_have_a_default() -> None:
    program = program_of(
        "  - {rest: 1 h, record: {every: 1 min, or_current_change: 1 %}}".replace("1 %", "0.01 C")
    )
    assert (program.record.every_s, program.record.voltage_change_V) == (10.0, 0.005)
    (step,) = all_steps(program)
    assert step.record is not None and step.record.current_change_A == pytest.approx(1.5708e-6)


def test_a_channel_without_chamber_may_run_at_room_temperature_only() -> None:
    warm = program_of("  - rest: 1 h", head="temperature: 25 degC")
    assert warm.temperature is None and "no chamber is assigned" in warm.warnings[0]
    with pytest.raises(ProgramError, match="no chamber is assigned to this channel: name the channel"):
        program_of("  - rest: 1 h", head="temperature: 60 degC")


def test_a_set_point_above_what_the_cell_bears_is_refused() -> None:
    with pytest.raises(ProgramError, match="60 degC is above the limit 50 degC"):
        bind(
            load_protocol(find_protocol("p3")),
            replace(SYMMETRIC, temperature_max_degC=50.0),
            CHANNEL,
            DUAL,
            has_chamber=True,
        )


def test_a_short_detection_needs_the_area() -> None:
    head = "detect: {short: {below: 10 ohm cm^2, then: stop}}"
    with pytest.raises(ProgramError, match="detect short: an area resistance needs the electrode area"):
        program_of("  - {charge: 1 mA, until: {time: 1 h}}", cell=BARE, head=head)


def test_a_variable_of_a_wrong_kind_is_refused_where_it_is_used() -> None:
    with pytest.raises(UserFileError, match="must be a time"):
        library("p1", SYMMETRIC, latest="1 V")


class TestSegments:
    """Where the device goes on by itself, and where the host decides."""

    CYCLE = "{charge: 1 C, until: {time: 1 h}}, {discharge: 1 C, until: {time: 1 h}}"

    def test_nested_plain_repeats_stay_in_the_device(self) -> None:
        program = program_of(
            f"  - repeat: 3\n    steps:\n      - rest: 1 h\n      - repeat: 5\n        steps: [{self.CYCLE}]"
        )
        (segment,) = program.flow
        assert isinstance(segment, Segment)
        (outer,) = segment.body
        assert isinstance(outer, Loop) and isinstance(outer.body[1], Loop)
        assert program.estimate.cycles == 15 and program.estimate.host_decisions == 0

    def test_repeat_1_is_no_loop(self) -> None:
        program = program_of("  - repeat: 1\n    steps: [{rest: 1 h}]")
        assert isinstance(program.flow[0], Segment) and isinstance(program.flow[0].body[0], Step)

    def test_repeat_until_is_decided_by_the_host_between_device_tests(self) -> None:
        program = program_of(
            f"  - rest: 1 h\n  - repeat: 9\n    until: retention < 80 %\n    steps: [{self.CYCLE}]\n  - rest: 2 h"
        )
        first, repeat, last = program.flow
        assert isinstance(first, Segment) and isinstance(repeat, HostRepeat) and isinstance(last, Segment)
        assert (repeat.until, repeat.at_most) == ("retention < 80 %", 9)
        (body,) = repeat.body
        assert isinstance(body, Segment)
        assert [first.index, body.index, last.index] == [1, 2, 3]
        assert program.estimate.host_decisions == 9 and program.estimate.cycles == 9

    def test_an_if_cuts_and_joins(self) -> None:
        program = program_of(
            "  - rest: 1 h\n  - if: voltage > 3 V\n    then: [{rest: 2 h}]\n    else: [{rest: 3 h}]\n  - rest: 4 h"
        )
        kinds = [node.kind for node in program.flow]
        assert kinds == ["segment", "host_if", "segment"]
        assert [step.step_id for step in all_steps(program)] == [1, 2, 3, 4]
        assert program.estimate.duration_s == (1 + 3 + 4) * 3600.0

    def test_a_loop_with_a_decision_inside_is_repeated_by_the_host(self) -> None:
        """Only as far as the decision demands: the inner loop of five stays in the device."""
        program = program_of(
            f"  - repeat: 4\n    steps:\n      - repeat: 5\n        steps: [{self.CYCLE}]\n"
            "      - if: retention < 80 %\n        then: [{rest: 9 h}]"
        )
        (repeat,) = program.flow
        assert isinstance(repeat, HostRepeat)
        assert (repeat.until, repeat.at_most) == ("pass >= 4", 4)
        segment, branch = repeat.body
        assert (
            isinstance(segment, Segment) and isinstance(segment.body[0], Loop) and isinstance(branch, HostIf)
        )
        assert program.estimate.cycles == 20

    def test_a_staircase_has_one_branch_per_pass_and_counts_its_cycles(self) -> None:
        program = library("ccd", SYMMETRIC)
        _, repeat = program.flow
        assert isinstance(repeat, HostRepeat)
        assert (repeat.until, repeat.at_most) == ("polarisation above 0.5 V", 30)
        conditions = [node.condition for node in repeat.body if isinstance(node, HostIf)]
        assert conditions == [f"pass == {index}" for index in range(30)]
        assert program.estimate.cycles == 30
        assert program.estimate.duration_s == 6 * 3600.0 + 30 * 3600.0
        currents = [step.current_A for step in all_steps(program)][1::2]
        assert currents[0] == 78.540e-6 and currents[-1] == 2.356194e-3

    def test_deeper_nesting_than_the_device_has_is_begun_by_the_host(self) -> None:
        inner = "{repeat: 2, steps: [{repeat: 2, steps: [{repeat: 2, steps: [{rest: 1 h}]}]}]}"
        program = program_of(f"  - repeat: 6\n    steps: [{inner}]")
        (repeat,) = program.flow
        assert isinstance(repeat, HostRepeat) and repeat.until == "pass >= 6"
        assert "nested 4 deep and a BTS-5V100mA holds 3" in program.warnings[0]
        assert program.estimate.cycles == 48

    def test_more_steps_than_the_device_holds_are_cut_into_tests(self) -> None:
        program = program_of("\n".join("  - rest: 1 h" for _ in range(300)))
        first, second = program.flow
        assert isinstance(first, Segment) and isinstance(second, Segment)
        assert (len(first.body), len(second.body)) == (253, 47), "254 lines, one of them the end"
        assert "cut into several device tests" in program.warnings[0]

    def test_a_loop_larger_than_the_device_is_begun_by_the_host(self) -> None:
        small = replace(FOUR, steps_max=4)
        steps = ", ".join("{rest: 1 h}" for _ in range(5))
        program = program_of(f"  - repeat: 3\n    steps: [{steps}]", capabilities=small)
        (repeat,) = program.flow
        assert isinstance(repeat, HostRepeat)
        assert [len(node.body) for node in repeat.body if isinstance(node, Segment)] == [3, 2]

    def test_more_passes_than_the_device_counts_become_nested_loops(self) -> None:
        program = program_of("  - repeat: 100000\n    steps: [{rest: 1 s}]")
        (segment,) = program.flow
        assert isinstance(segment, Segment)
        (outer,) = segment.body
        assert isinstance(outer, Loop) and isinstance(outer.body[0], Loop)
        assert outer.count * outer.body[0].count == 100000
        assert program.estimate.cycles == 100000

    def test_a_prime_number_of_passes_too_large_for_the_device_is_refused(self) -> None:
        with pytest.raises(ProgramError, match="write it as nested repeats"):
            program_of("  - repeat: 65537\n    steps: [{rest: 1 s}]")

    def test_decisions_more_often_than_every_ten_minutes_are_warned_of(self) -> None:
        program = program_of("  - repeat: 9\n    until: voltage > 3 V\n    steps: [{rest: 1 min}]")
        assert "the host decides about every 1 min" in program.warnings[-1]
        calm = program_of("  - repeat: 9\n    until: voltage > 3 V\n    steps: [{rest: 11 min}]")
        assert calm.warnings == ()

    def test_the_sentences_show_where_the_host_decides(self) -> None:
        program = program_of(
            "  - rest: 1 h\n  - repeat: 9\n    until: voltage > 3 V\n    steps: [{rest: 11 min}]"
        )
        assert sentences(program) == [
            "Device test 1 (the host starts it; the cell rests at open circuit until then):",
            "  1. Rest for 1 h.",
            "Repeat until voltage > 3 V (the host decides after each pass), at most 9 passes:",
            "  Device test 2 (the host starts it; the cell rests at open circuit until then):",
            "    2. Rest for 11 min.",
        ]


def test_bound_sentences_show_intent_and_absolute_values() -> None:
    lines = sentences(library("p1", SYMMETRIC))
    assert lines == [
        "Chamber at 25 degC; start when it has been within 1 K for 30 min, give up after 4 h.",
        "1. Rest for 6 h.",
        "Repeat 250 times (in the device):",
        "  2. Charge at 1 mA/cm^2 (0.785398 mA) on the 1 mA range "
        "until 1 mAh/cm^2 (0.785398 mAh) has passed after 1 h, at the latest after 61 min.",
        "  3. Discharge at 1 mA/cm^2 (0.785398 mA) on the 1 mA range "
        "until 1 mAh/cm^2 (0.785398 mAh) has passed after 1 h, at the latest after 61 min.",
    ]
