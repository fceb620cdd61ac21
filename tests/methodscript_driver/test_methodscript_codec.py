"""Lines, numbers, packages and nesting of MethodSCRIPT (MS-2, MS-3, MS-4, MS-11)."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_drivers.methodscript.codec import LineDecoder, Nesting, read_fault, read_output, read_variable
from labctl_drivers.methodscript.explain import explain
from labctl_drivers.methodscript.faults import told
from labctl_drivers.methodscript.messages import (
    Answered,
    Began,
    Broken,
    Ended,
    Fault,
    Finished,
    Package,
    Refused,
    Status,
    Text,
    Variable,
)
from labctl_drivers.methodscript.script import literal
from labctl_drivers.methodscript.session import Session

from labctl.errors import UsageError, WireError

Coder = Callable[[float], str]


@pytest.mark.parametrize(
    ("coded", "value"),
    [("800000Am", 0.01), ("7FFFFF6m", -0.01), ("8000064m", 0.1), ("80F4240 ", 1e6), ("8000CE4m", 3.3)],
)
def test_ms_2_the_known_answers_decode_exactly(coded: str, value: float) -> None:
    assert read_variable("ab" + coded) == Variable("ab", value)


@pytest.mark.parametrize("value", [0.0, 0.01, -0.01, 1e6, 1e-12, -6.258478])
def test_ms_2_a_number_coded_by_others_comes_back_as_it_was(code: Coder, value: float) -> None:
    assert read_variable("cc" + code(value)).value == pytest.approx(value, rel=1e-12, abs=0.0)


def test_ms_2_not_a_number_is_five_spaces_and_nan() -> None:
    variable = read_variable("ba     nan,12")
    assert math.isnan(variable.value)
    assert variable.status is Status.OVERLOAD


@settings(deadline=None, max_examples=60)
@given(st.floats(1e-10, 1e20) | st.floats(-1e20, -1e-10))
def test_ms_2_the_coding_costs_less_than_4_in_a_million(code: Coder, value: float) -> None:
    assert read_variable("ba" + code(value)).value == pytest.approx(value, rel=4e-6)


@settings(deadline=None, max_examples=60)
@given(st.integers(-(1 << 27), (1 << 27) - 1), st.sampled_from("afpnum ikMGTPE"))
def test_each_coding_of_a_number_is_read_and_rounded_once(whole: int, prefix: str) -> None:
    exponent = dict(zip("afpnum kMGTPE", range(-18, 19, 3), strict=True)).get(prefix, 0)
    assert read_variable(f"dc{whole + (1 << 27):07X}{prefix}").value == float(f"{whole}e{exponent}")


@settings(deadline=None, max_examples=60)
@given(st.floats(1e-9, 1e9) | st.floats(-1e9, -1e-9) | st.just(0.0))
def test_a_number_of_a_script_is_an_integer_with_a_letter_and_keeps_7_digits(
    read_number: Callable[[str], float], value: float
) -> None:
    text = literal(value)
    assert set(text) <= set("-0123456789EPTGMkmunpfa")
    assert read_number(text) == pytest.approx(value, rel=5.1e-7)


@pytest.mark.parametrize(
    ("value", "text"),
    [(200e3, "200k"), (0.1, "100m"), (-0.5, "-500m"), (0.0, "0"), (10.0, "10"),
     (3.3, "3300m"), (1e6, "1M"), (6.309573, "6309573u")],
)  # fmt: skip
def test_numbers_of_scripts_are_written_as_the_manual_does(value: float, text: str) -> None:
    assert literal(value) == text


def test_ms_3_metadata_say_status_and_range_and_what_is_unknown_is_passed_over() -> None:
    package = read_output("Pdc80F4240 ;cc8000CE4m,10,212;cd8000064m,12,20B,40;ba     nan,14,280")
    assert isinstance(package, Package)
    frequency, re, im, current = package.variables
    assert (frequency.status, frequency.range_index) == (Status(0), None)
    assert (re.value, re.status, re.range_index) == (3.3, Status(0), 0x12)
    assert (im.status, im.range_index) == (Status.OVERLOAD, 11)
    assert math.isnan(current.value)
    assert (current.status, current.range_index) == (Status.UNDERLOAD, 128)
    assert package.find("cb", "cd") is im
    assert package.find("zz") is None


def test_ms_4_packages_know_their_loop_and_scan_in_any_nesting() -> None:
    nesting = Nesting()
    point = "Pda8000064m"
    lines = [
        "L",
        "M0005",
        "C0000",
        point,
        "-",
        "C0001",
        point,
        point,
        "-",
        "*",
        "M0007",
        point,
        "*",
        "+",
        point,
    ]
    placed = [nesting.place(read_output(line)) for line in lines]
    packages = [one for one in placed if isinstance(one, Package)]
    assert [(one.technique, one.scan, one.loops) for one in packages] == [
        (5, 1, 1), (5, 2, 1), (5, 2, 1), (7, 0, 1), (None, 0, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("lines", [["*"], ["M0005", "-"], ["L", "*"], ["C0000"], ["M0005", "C0000", "*"]])
def test_ms_4_blocks_that_cross_are_refused(lines: list[str]) -> None:
    nesting = Nesting()
    with pytest.raises(WireError, match=r"end of|outside"):
        for line in lines:
            nesting.place(read_output(line))


def test_what_an_error_or_the_end_of_a_script_leaves_open_is_forgotten() -> None:
    nesting = Nesting()
    for line in ("M0005", "C0000", ""):
        nesting.place(read_output(line))
    package = nesting.place(read_output("Pda8000064m"))
    assert isinstance(package, Package)
    assert package.technique is None


def test_the_other_lines_of_a_script() -> None:
    assert read_output("") == Ended()
    assert read_output("Thello world") == Text("hello world")
    assert read_output("M000D") == Began("M", 13)
    assert read_output("+") == Finished("L")
    assert read_output("!0032: Line 7") == Fault(0x32, 7, None, "!0032: Line 7")


@pytest.mark.parametrize(
    "line", ["Pda8000064", "P", "Pda80000", "M00", "q", "!00", "PDA8000064m", "Pda8000064x", "P da8000064m"]
)
def test_a_line_that_breaks_the_format_is_a_wire_error_with_its_rule(line: str) -> None:
    with pytest.raises(WireError) as caught:
        read_output(line)
    assert "2.1.3" in caught.value.rule


STREAM = b"e\r\n\x11M000D\nPdc80F4240 ;cc8000CE4m,10,288\x13\n\n"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_ms_11_however_the_stream_is_cut_the_lines_are_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    decoder = LineDecoder()
    lines = [line for a, b in pairwise(edges) for line in decoder.feed(STREAM[a:b])]
    assert lines == ["e", "M000D", "Pdc80F4240 ;cc8000CE4m,10,288", ""]


def test_a_line_without_an_end_does_not_fill_the_memory_and_what_follows_is_read() -> None:
    decoder = LineDecoder()
    (broken,) = decoder.feed(b"x" * 300)
    assert isinstance(broken, Broken)
    assert "255" in broken.error.rule
    assert list(decoder.feed(b"\nM000D\n")) == ["", "M000D"]
    (strange,) = decoder.feed("µ\n".encode())
    assert isinstance(strange, Broken)


def test_a_conversation_pairs_answers_and_passes_over_what_nobody_asked_for() -> None:
    session = Session()
    assert session.feed(b"*\nP\n\n") == []
    assert session.command("t") == b"t\n"
    assert session.feed(b"M0007\ntespico1603#Mar 24 2025\n") == []
    assert session.feed(b"R*\n") == [Answered("t", "tespico1603#Mar 24 2025\nR*")]
    session.command("i")
    assert session.feed(b"i!0003\n") == [Refused("i", Fault(3, None, None, "!0003"))]
    session.script(["cell_off"])
    assert session.feed(b"e!4001: Line 2, Col 5\n") == [
        Refused("e", Fault(0x4001, 2, 5, "!4001: Line 2, Col 5"))
    ]
    assert not session.running


def test_an_abort_may_be_said_while_a_script_runs_and_its_answer_stands_in_between() -> None:
    session = Session()
    assert session.script(["cell_off", "cell_off"]) == b"e\ncell_off\ncell_off\n\n"
    session.feed(b"e\n")
    with pytest.raises(UsageError):
        session.command("t")
    assert session.command("Z") == b"Z\n"
    events = session.feed(b"M000D\nPdc80F4240 \nZ\n*\n\n")
    assert [type(event).__name__ for event in events] == ["Began", "Package", "Answered", "Finished", "Ended"]
    assert not session.running


@pytest.mark.parametrize("line", ["", "a\nb", "x" * 256, "µ"])
def test_a_script_line_that_would_end_or_break_it_is_not_sent(line: str) -> None:
    with pytest.raises(UsageError):
        Session().script([line])


def test_a_fault_is_told_in_words_with_the_line_of_the_script() -> None:
    fault = read_fault("!0011: Line 2")
    assert fault is not None
    assert told(fault, ("cell_on", "meas_loop_eis x")) == (
        "frequency not valid (code 0011), line 2 of the script: 'meas_loop_eis x'"
    )
    assert "do not name (code 1234)" in told(Fault(0x1234))


def test_raw_bytes_are_said_in_one_line() -> None:
    assert explain(b"e\nvar x\ncell_off\n\n", sent=True).text == "execute a script of 2 lines"
    assert explain(b"Z\n", sent=True).text == "abort"
    assert (
        explain(b"Pdc80F4240 \nM0007\n*\nL\nThi\n!0032: Line 7\n\n", sent=False).text
        == "point dc=1e+06 and 6 more lines"
    )
    assert explain(b"Z!0006\n", sent=False).text == "wrong mode, or nothing to abort (code 0006)"
    assert explain(b"tespico", sent=False).text == "less than a line"
    assert explain(b"tespico16\n", sent=False).text == "answer 'tespico16'"
