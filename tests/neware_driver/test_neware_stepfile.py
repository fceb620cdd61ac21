"""Step files: written exactly as section 5 says, read back to the same program.

neware-bts.md 7.1 item 17, sections 5.1 to 5.7; data-formats.md 4.2.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, canonicalize, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_drivers.neware.converter import CONVERTER
from labctl_drivers.neware.profiles import PROFILES
from labctl_drivers.neware.stepfile import StepFileHead, check_fits, write_step_file

from labctl.errors import UsageError
from labctl.interfaces.converter import Loss
from labctl.interfaces.cycler import CyclerCapabilities
from labctl.model.ids import CellId, ChannelId
from labctl.model.program import (
    CellFacts,
    Detection,
    DetectionAction,
    DetectionKind,
    DeviceNode,
    Estimate,
    HostIf,
    HostNode,
    HostRepeat,
    Limits,
    Loop,
    Program,
    RecordRule,
    Segment,
    Step,
    StepMode,
    TemperatureDemand,
    steps_of,
)

SPEC = Path(__file__).parents[1] / "spec" / "neware_bts"
CC, DC = StepMode.CC_CHARGE, StepMode.CC_DISCHARGE
CAPABILITIES = PROFILES["5V10mA"].capabilities()


def written(*body: DeviceNode, record: RecordRule | None = None, limits: Limits | None = None) -> Element:
    data = write_step_file(body, record or RecordRule(), limits or Limits(), StepFileHead()).data
    return fromstring(data)


def main_of(step: Step) -> dict[str, str]:
    """Return the Limit/Main values of a one-step file."""
    main = written(step).find("config/Step_Info/Step1/Limit/Main")
    assert main is not None
    return {child.tag: child.get("Value", "") for child in main}


def test_the_example_of_section_5_6_is_reproduced() -> None:
    half = {"end_time_s": 3600.0}
    body = (
        Step(1, StepMode.REST, **half),
        Loop(20, (Step(2, CC, current_A=0.0005, **half), Step(3, DC, current_A=-0.0005, **half))),
    )
    head = StepFileHead(remark="sym-12", date="20260301083000", guid="0f4c2f0a-6a0e-4c9f-8f6d-2a51b3c0d7e1")

    file = write_step_file(
        body, RecordRule(every_s=10.0, voltage_change_V=0.005), Limits(-2.0, 2.0, current_max_A=0.002), head
    )

    wanted = (SPEC / "symmetric_cell.xml").read_text(encoding="utf-8")
    assert canonicalize(file.data.decode(), strip_text=True) == canonicalize(wanted, strip_text=True)
    assert file.step_ids == (1, 2, 3, 0, 0)
    assert file.data.startswith(b'<?xml version="1.0" encoding="utf-8"?>')


def test_units_are_those_of_5_3_and_currents_are_magnitudes() -> None:
    discharge = Step(
        1, DC, 5400.5, current_A=-0.000785398, end_voltage_V=-1.25, end_capacity_Ah=0.000785398, range_A=0.001
    )

    assert main_of(discharge) == {
        "Curr": "0.785398",  # mA
        "Time": "5400500",  # ms
        "Stop_Volt": "-12500",  # 0.1 mV
        "Cap": "2827.4328",  # mA s
    }
    other = written(discharge).find("config/Step_Info/Step1/Limit/Other/Step_Range")
    assert other is not None and other.get("Value") == "1"


def test_cv_and_cccv_always_carry_a_current_5_5() -> None:
    for mode, sign in ((StepMode.CV_CHARGE, 1), (StepMode.CV_DISCHARGE, -1), (StepMode.CCCV_CHARGE, 1)):
        step = Step(1, mode, 60.0, current_A=sign * 0.001, voltage_V=4.2, end_current_A=5e-05)
        assert main_of(step) == {"Curr": "1", "Volt": "42000", "Time": "60000", "Stop_Curr": "0.05"}
        with pytest.raises(UsageError, match="without a current"):
            written(replace(step, current_A=None))


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        (StepMode.REST, "4"), (StepMode.CC_CHARGE, "1"), (StepMode.CC_DISCHARGE, "2"), (StepMode.CV_CHARGE, "3"),
        (StepMode.CV_DISCHARGE, "19"), (StepMode.CCCV_CHARGE, "7"), (StepMode.CCCV_DISCHARGE, "20"),
        (StepMode.PAUSE, "13"),
    ],
)  # fmt: skip
def test_step_types_are_those_of_5_5_and_the_last_is_the_end_step(mode: StepMode, code: str) -> None:
    current_A = None if mode in (StepMode.REST, StepMode.PAUSE) else (-1e-3 if "discharge" in mode else 1e-3)
    info = written(Step(1, mode, 60.0, current_A=current_A, voltage_V=3.0)).find("config/Step_Info")

    assert info is not None and info.get("Num") == "2"
    assert [(line.tag, line.get("Step_ID"), line.get("Step_Type")) for line in info] == [
        ("Step1", "1", code),
        ("Step2", "2", "6"),
    ]
    assert len(info[1]) == 0


def test_loops_count_total_passes_and_nest_5_5() -> None:
    rest = Step(1, StepMode.REST, 60.0)
    info = written(rest, Loop(3, (rest, Loop(15, (rest, rest)), rest)), Loop(1, (rest,))).find(
        "config/Step_Info"
    )

    assert info is not None
    loops = {
        line.tag: (
            line.findall("Limit/Other/*")[0].get("Value"),
            line.findall("Limit/Other/*")[1].get("Value"),
        )
        for line in info
        if line.get("Step_Type") == "5"
    }
    assert loops == {"Step5": ("3", "15"), "Step7": ("2", "3"), "Step9": ("8", "1")}
    assert info.get("Num") == str(len(info)) == "10"


def test_scale_is_1_and_mass_and_capacity_are_in_file_units_5_2() -> None:
    head = StepFileHead(remark='A&B <1> "x" 电', nominal_capacity_Ah=0.001, active_mass_mg=12.34)
    root = fromstring(write_step_file((Step(1, StepMode.REST, 1.0),), RecordRule(), Limits(), head).data)

    info = root.find("config/Head_Info")
    assert info is not None
    values = {child.tag: child.get("Value") for child in info}
    assert values == {
        "Operate": "66", "Scale": "1", "Start_Step": "1", "Creator": "labctl", "Remark": 'A&B <1> "x" 电',
        "RateType": "103", "SCQ": "12340", "SCQ_F": "0.0001234", "MultCap": "3600",
    }  # fmt: skip
    config = root.find("config")
    assert config is not None and (config.get("type"), config.get("version")) == ("Step File", "17")
    assert str(config.get("client_version")).startswith("BTS Client")


@pytest.mark.parametrize(
    ("step", "finding"),
    [
        (Step(1, CC, 60.0, current_A=0.0101), "10 mA"),
        (Step(1, CC, 60.0, current_A=0.001, end_voltage_V=5.01), "5.01 V"),
        (Step(1, StepMode.CV_CHARGE, 60.0, current_A=0.001, voltage_V=-5.5), "-5.5 V"),
        (Step(1, CC, 0.0, current_A=0.001), "end time"),
        (Step(1, CC, 366 * 86400.0, current_A=0.001), "end time"),
        (Step(1, CC, 60.0, current_A=0.001, end_current_A=1e-4), "end current"),
        (Step(1, StepMode.REST, 60.0, end_voltage_V=1.0), "end voltage"),
        (Step(1, StepMode.REST, 60.0, end_capacity_Ah=1.0), "passes no charge"),
        (Step(1, CC, 60.0, current_A=0.001, range_A=0.1), "10 mA"),
        (Step(1, CC, 60.0, current_A=0.001, record=RecordRule(every_s=0.01)), "a record each"),
    ],
)
def test_what_the_channel_cannot_do_is_refused_before_anything_is_written_7_1_17(
    step: Step, finding: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(finding)):
        check_fits((step,), Limits(), CAPABILITIES)


def test_vendor_limits_of_steps_loops_and_nesting_are_kept() -> None:
    rest = Step(1, StepMode.REST, 1.0)
    deep: DeviceNode = rest
    for _ in range(4):
        deep = Loop(2, (deep,))
    for body, finding in (
        ((rest,) * 254, "255 device steps"),
        ((deep,), "nested 4 deep"),
        ((Loop(65536, (rest,)),), "65536 passes"),
        ((Loop(0, (rest,)),), "0 passes"),
    ):
        with pytest.raises(UsageError, match=finding):
            check_fits(body, Limits(), CAPABILITIES)
    check_fits((rest,) * 253, Limits(), CAPABILITIES)
    single = CyclerCapabilities("one range", frozenset({StepMode.REST}), CAPABILITIES.ranges, 0.0, 5.0)
    with pytest.raises(UsageError, match="has no cv_discharge"):
        check_fits((Step(1, StepMode.CV_DISCHARGE, 1.0, current_A=-1e-3, voltage_V=1.0),), Limits(), single)


@pytest.mark.parametrize("current_A", [None, 0.0, -0.001, float("nan"), float("inf")])
def test_a_charge_step_needs_a_positive_finite_current(current_A: float | None) -> None:
    with pytest.raises(UsageError):
        written(Step(1, CC, 60.0, current_A=current_A))


# ------------------------------------------------------------------------------------------------ round trips

magnitudes_A = st.floats(1e-9, 12.0)
voltages_V = st.floats(-5.0, 5.0).map(lambda value_V: round(value_V, 9))
times_s = st.integers(1, 10**9).map(lambda ticks: ticks / 10)
charges_Ah = st.floats(1e-9, 100.0)
rules = st.builds(
    RecordRule,
    every_s=st.none() | times_s,
    voltage_change_V=st.none() | st.floats(1e-4, 1.0),
    current_change_A=st.none() | magnitudes_A,
)
limits_of_all_kinds = st.builds(
    Limits,
    voltage_min_V=st.none() | voltages_V,
    voltage_max_V=st.none() | voltages_V,
    current_max_A=st.none() | magnitudes_A,
    capacity_max_Ah=st.none() | charges_Ah,
    temperature_min_degC=st.none() | st.floats(-20.0, 20.0),
    temperature_max_degC=st.none() | st.floats(30.0, 90.0),
    delay_s=times_s,
)
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufffe\uffff"), max_size=12
)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Draw a step that may hold more than its kind can say."""
    mode = draw(st.sampled_from(list(StepMode)))
    passive = mode in (StepMode.REST, StepMode.PAUSE)
    sign = -1.0 if "discharge" in mode else 1.0
    needs_voltage = mode not in (CC, DC) and not passive
    return Step(
        step_id=0,
        mode=mode,
        end_time_s=draw(times_s),
        current_A=None if passive else sign * draw(magnitudes_A),
        voltage_V=draw(voltages_V) if needs_voltage else None,
        range_A=draw(st.none() | magnitudes_A) if mode is not StepMode.PAUSE else None,
        time_is_backstop=draw(st.booleans()),
        end_voltage_V=draw(st.none() | voltages_V),
        end_current_A=draw(st.none() | magnitudes_A),
        end_capacity_Ah=draw(st.none() | charges_Ah),
        record=draw(st.none() | rules),
        limits=draw(st.none() | limits_of_all_kinds),
        sentence=draw(texts),
    )


bodies = st.recursive(
    st.lists(steps(), min_size=1, max_size=3),
    lambda inner: st.lists(
        steps() | st.builds(Loop, st.integers(1, 65535), inner.map(tuple)), min_size=1, max_size=3
    ),
    max_leaves=5,
).map(tuple)


def numbered(nodes: tuple[DeviceNode, ...], first: int = 1) -> tuple[DeviceNode, ...]:
    found: list[DeviceNode] = []
    for node in nodes:
        if isinstance(node, Step):
            found.append(replace(node, step_id=first))
            first += 1
        else:
            found.append(replace(node, body=numbered(node.body, first)))
            first += len(steps_of(node.body))
    return tuple(found)


def program_of(flow: tuple[HostNode, ...], record: RecordRule, limits: Limits, name: str) -> Program:
    return Program(
        protocol_name=name,
        protocol_hash="abc",
        cell=CellFacts(CellId("C1"), "LiZn", "symmetric", 0.785, 12.34, 0.001),
        channel=ChannelId("neware:1-1"),
        flow=flow,
        record=record,
        limits=limits,
        estimate=Estimate(1.0, 1.0, 1, 1, 1, 0),
        detections=(Detection(DetectionKind.SHORT, 10.0, 5, DetectionAction.STOP),),
        temperature=TemperatureDemand(25.0),
    )


@settings(max_examples=60, deadline=None)
@given(bodies, rules, limits_of_all_kinds, texts)
def test_a_program_read_back_differs_in_exactly_the_places_the_report_lists(
    body: tuple[DeviceNode, ...], record: RecordRule, limits: Limits, name: str
) -> None:
    program = program_of((Segment(1, numbered(body)),), record, limits, name)

    data, losses = CONVERTER.export(program)
    back, foreign = CONVERTER.read(data, "x.xml")

    assert foreign == ()
    assert repaired(back, program, losses) == program


@settings(max_examples=40, deadline=None)
@given(bodies, rules, limits_of_all_kinds)
def test_nothing_that_the_format_can_hold_is_lost(
    body: tuple[DeviceNode, ...], record: RecordRule, limits: Limits
) -> None:
    program = program_of((Segment(1, numbered(body)),), record, limits, "p")

    data, losses = CONVERTER.export(program)
    back, _ = CONVERTER.read(data, "x.xml")

    assert {loss.place for loss in losses} & {"flow", "steps", "record", "protocol_name"} == set()
    for before, after in zip(_steps(program), _steps(back), strict=True):
        assert (before.mode, before.current_A, before.voltage_V) == (
            after.mode,
            after.current_A,
            after.voltage_V,
        )
        assert before.range_A == after.range_A
        assert before.mode is StepMode.PAUSE or before.end_time_s == after.end_time_s
        if before.mode in (CC, DC):
            assert before.end_voltage_V == after.end_voltage_V
        if "cv" in before.mode:
            assert before.end_current_A == after.end_current_A
        if before.current_A is not None:
            assert before.end_capacity_Ah == after.end_capacity_Ah
    assert replace(program.limits, temperature_min_degC=None) == back.limits
    assert back.record == program.record
    assert back.cell.nominal_capacity_Ah == 0.001 and back.cell.active_mass_mg == 12.34


def _steps(program: Program) -> list[Step]:
    (segment,) = program.flow
    assert isinstance(segment, Segment)
    return steps_of(segment.body)


def repaired(back: Program, wanted: Program, losses: tuple[Loss, ...]) -> Program:
    """Put back what the losses name, and nothing else."""
    ours = {step.step_id: step for step in _steps(wanted)}
    changes: dict[int, set[str]] = {}
    for loss in losses:
        match = re.fullmatch(r"steps\[(\d+|\*)\]\.(\w+)", loss.place)
        if match is not None:
            ids = ours if match.group(1) == "*" else [int(match.group(1))]
            for step_id in ids:
                changes.setdefault(step_id, set()).add(match.group(2))
            continue
        name, _, part = loss.place.partition(".")
        value = getattr(wanted, name)
        back = replace(
            back, **{name: replace(getattr(back, name), **{part: getattr(value, part)}) if part else value}
        )

    def put_back(nodes: tuple[DeviceNode, ...]) -> tuple[DeviceNode, ...]:
        return tuple(
            replace(node, body=put_back(node.body))
            if isinstance(node, Loop)
            else replace(
                node, **{name: getattr(ours[node.step_id], name) for name in changes.get(node.step_id, ())}
            )
            for node in nodes
        )

    (segment,) = back.flow
    assert isinstance(segment, Segment)
    return replace(back, flow=(replace(segment, body=put_back(segment.body)),))


def test_host_decisions_are_reported_not_hidden() -> None:
    step = Step(1, CC, 60.0, current_A=0.001)
    flow: tuple[HostNode, ...] = (
        Segment(1, (step,)),
        HostRepeat("retention < 0.8", 100, (Segment(2, (replace(step, step_id=2),)),)),
        HostIf(
            "cycle > 3",
            (Segment(3, (replace(step, step_id=3),)),),
            (Segment(4, (replace(step, step_id=4),)),),
        ),
    )

    data, losses = CONVERTER.export(program_of(flow, RecordRule(), Limits(), "p"))
    back, _ = CONVERTER.read(data, "x")

    assert {"flow", "steps", "detections", "temperature"} <= {loss.place for loss in losses}
    assert back.flow == (
        Segment(1, (step, Loop(100, (replace(step, step_id=2),)), replace(step, step_id=3))),
    )
    assert all(loss.what and loss.place for loss in losses)
