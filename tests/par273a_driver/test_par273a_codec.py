"""Words, numbers and framing of the 273A, its analysers and the Prologix box, both ways, in any pieces."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labctl_drivers.par273a.codec import (
    anodic_A,
    lockin_number,
    prologix_data,
    read_floats,
    read_fra,
    read_integers,
    read_line,
    read_poll,
    seti_operands,
    solartron_number,
)
from labctl_drivers.par273a.explain import explain
from labctl_drivers.par273a.models import (
    SENSITIVITIES_V,
    TIME_CONSTANTS_S,
    code_for,
    range_A,
    sensitivity_for,
    time_constant_for,
)
from labctl_drivers.par273a.session import PrologixBus, PromptLine

from labctl.errors import UsageError, WireError


@pytest.mark.parametrize(
    ("delimiter", "data"),
    [
        (44, b"1115,-8\r\n"),
        (44, b"1115,-8\r"),
        (13, b"1115\r-8\r"),
        (13, b"\r\n1115\r-8\r\n"),
        (32, b"1115 -8\r\n"),
        (44, b"  1115 , -8 \r\n"),
        (44, b"\n+1115,-08\r\n"),
    ],
)
def test_the_two_numbers_of_the_log_are_read_with_any_delimiter_and_terminator(
    delimiter: int, data: bytes
) -> None:
    assert read_integers(data, delimiter, 2) == (1115, -8)
    last = data.rstrip(b"\r\n ")
    assert all(read_integers(last[:at], delimiter, 2) is None for at in range(len(last) + 1))


@pytest.mark.parametrize("data", [b"1,2,3\r\n", b"1.5,2\r\n", b"abc\r\n", b"1,-\r\n", b"12345678901,2\r\n"])
def test_what_is_no_pair_of_whole_numbers_is_a_wire_error(data: bytes) -> None:
    with pytest.raises(WireError):
        read_integers(data, 44, 2)


@given(st.binary(max_size=300))
def test_garbage_gives_numbers_nothing_or_a_wire_error(data: bytes) -> None:
    for read in (
        lambda: read_integers(data, 44, 2),
        lambda: read_line(data),
        lambda: PrologixBus().feed(data),
    ):
        try:
            read()
        except WireError:
            continue
    for sent in (True, False):
        explain(data, sent=sent, boxed=True)
        explain(data, sent=sent, boxed=False)


def test_control_characters_in_data_are_escaped_for_the_box() -> None:
    assert prologix_data(b"READI\r\n") == b"READI\x1b\r\x1b\n\n"
    assert prologix_data(b"SETI +5\x1b") == b"SETI \x1b+5\x1b\x1b\n"


def test_the_address_is_said_with_each_line_because_somebody_else_may_have_said_another() -> None:
    bus = PrologixBus()
    assert bus.poll(14) == b"++addr 14\n++spoll\n"
    assert bus.read(14) == b"++addr 14\n++read eoi\n"
    assert bus.write(12, b"ID\r\n") == b"++addr 12\nID\x1b\r\x1b\n\n"
    with pytest.raises(UsageError, match="0 to 30"):
        bus.poll(31)


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=3), st.data())
def test_a_reply_in_any_pieces_is_followed_by_its_prompt(numbers: list[int], data: st.DataObject) -> None:
    line = PromptLine()
    line.command(b"READI\r")
    stream = ",".join(str(number) for number in numbers).encode() + b"\r\n*"
    prompted = None
    while prompted is None:
        cut = data.draw(st.integers(1, len(stream)))
        prompted = line.feed(stream[:cut])
        stream = stream[cut:]
    assert prompted.accepted
    assert read_integers(prompted.text, 44, len(numbers)) == tuple(numbers)


def test_one_command_at_a_time_on_rs232() -> None:
    line = PromptLine()
    assert line.feed(b"*") is None
    line.command(b"FOO\r")
    with pytest.raises(UsageError):
        line.command(b"CELL 0\r")
    refused = line.feed(b"\r\n?")
    assert refused is not None
    assert not refused.accepted


@given(st.floats(1e-12, 1.0) | st.floats(-1.0, -1e-12))
def test_a_current_is_met_within_a_quarter_percent_by_operands_in_range_with_the_sign_turned(
    i_A: float,
) -> None:
    mantissa, exponent = seti_operands(i_A)
    assert abs(mantissa) <= 2000
    assert anodic_A(mantissa, exponent) == pytest.approx(i_A, rel=2.5e-3)


def test_known_currents_are_set_exactly() -> None:
    assert seti_operands(1e-3) == (-1000, -6)
    assert seti_operands(-0.002) == (2000, -6)
    assert seti_operands(0.0)[0] == 0
    assert anodic_A(-9090, -6) == 9.09e-3


def test_numbers_are_sent_with_the_digits_of_the_exponent_that_each_wants() -> None:
    assert lockin_number(1e5) == "1.000000E+05"
    assert solartron_number(1e5) == "1.0000000E+5"
    assert solartron_number(0.01) == "1.0000000E-2"
    assert solartron_number(0.0) == "0.0000000E+0"
    with pytest.raises(UsageError):
        solartron_number(1e-10)


def test_an_fra_s_answer_is_read_in_both_coordinates() -> None:
    line = "+1.0000000E+03,-1.0025E+01,+1.5911E+00,0,00"
    result = read_fra(line, polar=False)
    assert (result.frequency_Hz, result.ratio, result.error) == (1000.0, -10.025 + 1.5911j, 0)
    assert read_fra("1E3,2.0,90.0,7,-1", polar=True).ratio == pytest.approx(2j)
    for broken in ("1,2,3,4", "1,2,x,4,5", "1,nan,3,4,5", ""):
        with pytest.raises(WireError):
            read_fra(broken, polar=False)


def test_texts_are_read_without_nuls_and_control_characters() -> None:
    assert read_line(b"\n7265\0\r\n") == "7265"
    assert read_line(b"7265") is None
    with pytest.raises(WireError):
        read_line(b"\x80\r\n")
    with pytest.raises(WireError):
        read_line(b"x" * 5000)
    assert read_poll("164") == 0xA4
    for broken in ("", "-1", "256", "ready"):
        with pytest.raises(WireError):
            read_poll(broken)
    with pytest.raises(WireError):
        read_floats("1.0", 2)


def test_ranges_sensitivities_and_time_constants_are_those_of_the_tables() -> None:
    assert (range_A(0), range_A(-7), range_A(-3)) == (1.0, 1e-7, 1e-3)
    assert (code_for(1e-3), code_for(1.1e-3), code_for(5.0), code_for(0.0)) == (-3, -2, 0, -7)
    assert (SENSITIVITIES_V[0], SENSITIVITIES_V[26]) == (2e-9, pytest.approx(1.0))
    assert SENSITIVITIES_V[sensitivity_for(0.01) - 1] == pytest.approx(0.02)
    assert sensitivity_for(5.0) == 27
    assert TIME_CONSTANTS_S["7270"][30] == pytest.approx(1e5)
    assert TIME_CONSTANTS_S["7265"][:9] == pytest.approx(
        (10e-6, 20e-6, 40e-6, 80e-6, 160e-6, 320e-6, 640e-6, 5e-3, 10e-3)
    )
    assert TIME_CONSTANTS_S["7265"][-1] == pytest.approx(50e3)
    assert time_constant_for(1e5, "7265") == (10, pytest.approx(0.05))
    assert time_constant_for(1.0, "7270")[1] == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"++addr 14\n++spoll\n", "to address 14, status byte?"),
        (prologix_data(b"CELL 0\r\n"), "cell off"),
        (prologix_data(b"SETE 100\r\n"), "potential 100 mV"),
        (prologix_data(b"OF. 1.000000E+03\r\n"), "frequency 1.000000E+03 Hz"),
        (prologix_data(b"MR 2\r\n"), "MR 2"),
        (b"\n", "an empty line"),
    ],
)
def test_what_is_sent_is_explained(data: bytes, words: str) -> None:
    assert explain(data, sent=True, boxed=True).text == words


def test_what_comes_is_explained() -> None:
    assert explain(b"17\r\n", sent=False, boxed=True).text == "answer '17'"
    assert explain(b"\r\n", sent=False, boxed=False).text == "an empty line"
    assert explain(b"READI\r\n", sent=True, boxed=False).text == "current?"
    assert math.isfinite(anodic_A(1, -7))
