"""The person at PowerSuite reads sheets as people do, and guesses at nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_simulators.powersuite.sheet import Plan, file_name, points_of, read_sheet

from labctl.errors import UserInputError

SHEET = """\
Start frequency: 1 MHz
End frequency: 100 mHz
Points per decade: 10
Amplitude: 10 mV rms
"""
PAPER = Plan(1e6, 0.1, 10, 0.01)


def test_four_lines_are_a_plan_and_the_rest_has_defaults() -> None:
    assert read_sheet(SHEET) == PAPER and points_of(PAPER) == 71


@pytest.mark.parametrize(
    "text",
    [
        "# Plan\n\nfirst frequency = 1000 kHz\nlast frequency = 0,1 Hz\npoints per decade = 10\namplitude = 0.01 V",
        "| Start frequency | 1 MHz |\n| End frequency | 0.1 Hz|\n| Points per decade | 10 |\n| Amplitude | 10 mV rms |",
        "Highest frequency (Hz)   1e6\nLowest frequency (Hz)   0.1\nPoints per decade   10\nAmplitude (mV rms)   10",
        "  - Start Frequency:\t1 MHz\n  - END FREQUENCY:\t100 mHz\n  - Points per decade:\t10\n - AC amplitude:\t10 mV",
        SHEET
        + "Number of points: 71\nOperator: Start the pump first\nNote: amplitude matters\nDuration: about 7 min",
    ],
)
def test_people_write_the_same_plan_in_many_ways(text: str) -> None:
    assert read_sheet(text) == PAPER


def test_a_whole_sheet_is_read_whole() -> None:
    text = SHEET + (
        "Cell: C0003\nDC bias: −20 mV vs OCV\nEquilibration: 2 min\nCurrent range: 1 mA\nSave as: `C0003 run 7.txt`\n"
        "Export folder: D:\\exports\n"
    )
    plan = read_sheet(text.replace("10 mV rms", "14.142 mV peak"))
    assert plan.amplitude == pytest.approx(0.01, rel=1e-4) and plan.level == pytest.approx(-0.02)
    assert (plan.against_open_circuit, plan.settle_s, plan.range_A) == (True, 120.0, 1e-3)
    assert (plan.cell, plan.name) == ("C0003", "C0003 run 7.txt")
    assert not read_sheet(SHEET + "DC potential: 0.1 V vs REF\n").against_open_circuit
    assert read_sheet(SHEET + "DC potential vs reference: 100 mV\n").level == pytest.approx(0.1)


PLAN_OF_A_PROGRAM = """\
# labctl plan for PowerSuite
Plan: labctl-pstat-0001
Instrument: PARSTAT 2273
Technique: {technique}
Start frequency (Hz): 100000
End frequency (Hz): 1
Points per decade: 5
Points: 26
{middle}
Settling time (s): 1
Current range: {range}
Export file: labctl-pstat-0001.txt
"""


def test_a_program_writes_units_into_its_labels_and_the_reference_on_a_line_of_its_own() -> None:
    middle = "Amplitude (mV RMS): 10\nDC potential (V): 0.05\nVersus: {versus}"
    potentiostatic = PLAN_OF_A_PROGRAM.format(technique="Potentiostatic EIS", range="0.0002 A", middle=middle)
    plan = read_sheet(potentiostatic.format(versus="open circuit"))
    assert plan == Plan(1e5, 1.0, 5, 0.01, 0.05, False, True, 1.0, 2e-4, "", "labctl-pstat-0001.txt")
    assert not read_sheet(potentiostatic.format(versus="reference")).against_open_circuit


def test_what_stands_beside_the_settings_disturbs_nobody() -> None:
    text = (
        "# labctl plan for PowerSuite\nPlan: labctl-ps-0001\nInstrument: PARSTAT 2263\nTechnique: Potentiostatic EIS\n"
        "Start frequency: 1 MHz\nEnd frequency: 0.1 Hz\nPoints per decade: 10\nNumber of points: 71\n"
        "Amplitude: 10 mV rms\nDC potential: 0 V vs OC\nSettle time: 1 s\nCurrent range: AUTO\n"
        "Save as: labctl-ps-0001.txt\nExport folder: /srv/exports/potential/end\n"
    )
    assert read_sheet(text) == replace(PAPER, settle_s=1.0, name="labctl-ps-0001.txt")


def test_a_galvanostatic_plan_speaks_of_currents() -> None:
    middle = "Amplitude (A RMS): 0.0001\nDC current (A): -0.002"
    plan = read_sheet(PLAN_OF_A_PROGRAM.format(technique="Galvanostatic EIS", range="AUTO", middle=middle))
    assert (plan.galvanostatic, plan.amplitude, plan.level, plan.range_A) == (True, 1e-4, -2e-3, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Start frequency: 1 MHz\n", "", "does not tell start frequency"),
        ("1 MHz", "1000000", "no unit of Hz"),
        ("1 MHz", "1 V", "no unit of Hz"),
        ("1 MHz", "fast", "no number"),
        ("1 MHz", "0 Hz", "above 0"),
        ("1 MHz", "1e999 Hz", "no number"),
        ("per decade: 10", "per decade: ten", "no count"),
        ("10 mV rms", "10 mA rms", "no unit of V"),
        ("10 mV rms", "10 mV rms\nAmplitude: 20 mV rms", "two things"),
        ("10 mV rms", "10 mV rms\nDC potential: 0.1 V", "against what"),
        ("10 mV rms", "10 mV rms\nPoints: 64", "64 points, its frequencies make 71"),
        ("10 mV rms", "10 mV rms\nSave as: ../x", ""),
        ("10 mV rms", "10 mV rms\nSave as: .hidden", "no name"),
    ],
)
def test_what_cannot_be_read_is_told_and_not_guessed(old: str, new: str, told: str) -> None:
    text = SHEET.replace(old, new, 1)
    if not told:
        assert read_sheet(text).name == "x"
        return
    with pytest.raises(UserInputError, match=told):
        read_sheet(text)


def test_a_files_name_has_no_folder() -> None:
    assert file_name("D:\\data\\a b.txt") == file_name("/data/a b.txt") == "a b.txt"
    for text in ("", "..", "a/", "-rf", "x" * 200):
        with pytest.raises(UserInputError):
            file_name(text)


WORDS = [
    "Start", "End", "frequency", "Points", "per decade", "Amplitude", "DC", "potential", "current", "range", ":", "=",
    "\t", "  ", "\n", "|", "10", "1e999", "-3", "0,1", "kHz", "Hz", "mV", "rms", "vs OC", "REF", "V", "A", "(", ")",
    "save as", "a.txt", "technique", "galvanostatic", "AUTO", "settle", "s",
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join) | st.text(max_size=200))
def test_no_text_at_all_does_more_than_not_being_a_plan(text: str) -> None:
    for sheet in (text, SHEET + text):
        try:
            plan = read_sheet(sheet)
        except UserInputError:
            continue
        assert points_of(plan) >= 1 and plan.amplitude > 0.0


def test_peak_and_rms_differ_by_the_square_root_of_two() -> None:
    peak = read_sheet(SHEET.replace("10 mV rms", "10 mV peak")).amplitude
    assert peak * math.sqrt(2.0) == pytest.approx(0.01)
