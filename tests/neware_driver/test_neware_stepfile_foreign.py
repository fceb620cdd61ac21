"""Step files of other origin: read in all their variety with their losses, explained when they are damaged.

neware-bts.md 7.1 item 17, sections 5.1 to 5.7; data-formats.md 4.2.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_drivers.neware.converter import CONVERTER
from labctl_drivers.neware.stepreader import read_step_file

from labctl.errors import UserFileError
from labctl.model.program import (
    Limits,
    Loop,
    RecordRule,
    Segment,
    Step,
    StepMode,
    steps_of,
)

SPEC = Path(__file__).parents[1] / "spec" / "neware_bts"
CC, DC = StepMode.CC_CHARGE, StepMode.CC_DISCHARGE


def test_a_vendor_file_in_all_its_variety_becomes_steps_and_losses() -> None:
    file = read_step_file((SPEC / "every_step.xml").read_bytes(), "every_step.xml")

    assert file.remark == "化成 A&B"
    assert (file.nominal_capacity_Ah, file.active_mass_mg) == (0.001, 12.34)
    assert file.record == RecordRule(every_s=60.0, current_change_A=1e-4)
    assert file.limits == Limits(
        voltage_max_V=4.3, current_max_A=0.004, capacity_max_Ah=0.002, temperature_max_degC=60.0
    )
    year_s = 365 * 86400.0
    cccv = Step(2, StepMode.CCCV_CHARGE, year_s, 0.0005, 4.2, end_current_A=5e-05, time_is_backstop=True)
    cccd = Step(3, StepMode.CCCV_DISCHARGE, 36000.0, -0.0002, 2.75, end_current_A=5e-05)
    charge = Step(
        4, CC, 7200.0, 6.644e-05, range_A=0.001, end_voltage_V=-1.0, end_capacity_Ah=6.644e-05,
        record=RecordRule(every_s=7.0), limits=Limits(voltage_max_V=4.15),
    )  # fmt: skip
    hold = Step(5, StepMode.CV_DISCHARGE, 600.0, -0.001, 1.0)
    pause = Step(6, StepMode.PAUSE, year_s, time_is_backstop=True)
    cv = Step(7, StepMode.CV_CHARGE, year_s, 0.002, 3.6, end_current_A=1e-4, time_is_backstop=True)
    discharge = Step(8, DC, year_s, -0.001, end_voltage_V=2.5, time_is_backstop=True)
    assert file.body == (
        Step(1, StepMode.REST, 60.0),
        Loop(1, (cccv, cccd)),
        Loop(15, (charge, hold, pause, cv, discharge)),
    )
    assert {loss.place for loss in file.losses} == {"Step5", "Step6", "Whole_Prt"}
    assert any("constant power discharge" in loss.what for loss in file.losses)
    assert any("IF line" in loss.what for loss in file.losses)
    assert any("tighter" in loss.what for loss in file.losses)


def test_gb18030_is_read_when_the_bytes_are_not_utf_8_5_1() -> None:
    text = (SPEC / "every_step.xml").read_text(encoding="utf-8")

    assert read_step_file(text.encode("gb18030"), "x").remark == "化成 A&B"


GOOD = (SPEC / "symmetric_cell.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not readable XML"),
        ("hello", "not readable XML"),
        (GOOD[:-20], "not readable XML"),
        ("<root><config type='Other' /></root>", "Step File"),
        ('<!DOCTYPE r [<!ENTITY a "aaaa">]>' + GOOD.partition("?>")[2].strip(), "not readable XML"),
        ("<a>" * 40 + "</a>" * 40, "nested deeper"),
        (GOOD.replace('Scale Value="1"', 'Scale Value="100"'), "Scale is 100"),
        (GOOD.replace('Curr Value="0.5"', 'Curr Value="half"'), "not a number"),
        (GOOD.replace('Curr Value="0.5"', 'Curr Value="nan"'), "not a usable number"),
        (GOOD.replace('Curr Value="0.5"', 'Curr Value="1e999"'), "not a usable number"),
        (GOOD.replace('<Curr Value="0.5" />', ""), "without Curr"),
        (re.sub(r"<Step[1-5] .*?</Step_Info>", "</Step_Info>", GOOD, flags=re.S), "no steps"),
        (re.sub(r'Step_Type="[1245]"', 'Step_Type="24"', GOOD), "no step of this file"),
        (GOOD.replace('Step_Type="4"', 'Step_Type="x"'), "not a number"),
    ],
)
def test_what_is_no_usable_step_file_is_explained_with_its_name(text: str, problem: str) -> None:
    with pytest.raises(UserFileError, match=problem) as caught:
        CONVERTER.read(text.encode(), "mine.xml")
    assert str(caught.value).startswith("mine.xml")


@pytest.mark.parametrize(("start", "count"), [("4", "2"), ("5", "2"), ("0", "2"), ("2", "0")])
def test_loops_that_cannot_be_nested_are_losses(start: str, count: str) -> None:
    text = GOOD.replace('Start_Step Value="2"', f'Start_Step Value="{start}"')
    text = text.replace('Cycle_Count Value="20"', f'Cycle_Count Value="{count}"')

    program, losses = CONVERTER.read(text.encode(), "x")

    assert [loss.place for loss in losses] == ["Step4"]
    (segment,) = program.flow
    assert isinstance(segment, Segment)
    assert all(isinstance(node, Step) for node in segment.body)


def test_a_file_of_endlessly_nested_loops_is_read_without_harm() -> None:
    loop = '<Step Step_Type="5"><Limit><Other><Start_Step Value="1" /><Cycle_Count Value="2" /></Other></Limit></Step>'
    rest = '<Step1 Step_Type="4"><Limit><Main><Time Value="1000" /></Main></Limit></Step1>'
    head = '<root><config type="Step File"><Step_Info>'

    file = read_step_file(f"{head}{rest}{loop * 500}</Step_Info></config></root>".encode(), "x")

    assert len(file.losses) == 500 - 32 + 1  # the end step is missing too
    with pytest.raises(UserFileError, match="no tester holds"):
        read_step_file(f"{head}{rest * 10_001}</Step_Info></config></root>".encode(), "x")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["symmetric_cell.xml", "every_step.xml"]), st.data())
def test_a_damaged_step_file_is_read_or_explained_and_nothing_else(name: str, data: st.DataObject) -> None:
    damaged = bytearray((SPEC / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        match data.draw(st.sampled_from(["flip", "drop", "insert", "digit"])):
            case "flip":
                damaged[place] ^= 1 << data.draw(st.integers(0, 7))
            case "drop":
                del damaged[place : place + data.draw(st.integers(1, 30))]
            case "digit":
                digits = [k for k, byte in enumerate(damaged) if 48 <= byte <= 57]
                damaged[data.draw(st.sampled_from(digits))] = data.draw(st.sampled_from(b"0159-.eE"))
            case _:
                damaged[place:place] = data.draw(st.binary(min_size=1, max_size=5))
    try:
        program, _ = CONVERTER.read(bytes(damaged), name)
    except UserFileError:
        return
    (segment,) = program.flow
    assert isinstance(segment, Segment) and steps_of(segment.body)
