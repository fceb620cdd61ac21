"""The coder of MethodSCRIPT values and script literals (potentiostat.md 2.1.3, MS-2)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labctl_simulators.methodscript.wire import (
    LineReader,
    decode_value,
    encode_value,
    encode_variable,
    literal,
    rounded,
    tokens,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("800000Am", 0.01), ("7FFFFF6m", -0.01), ("8000064m", 0.1), ("80F4240 ", 1e6), ("8000CE4m", 3.3)],
)
def test_the_known_answers_decode_exactly(text: str, value: float) -> None:
    assert decode_value(text) == value


@pytest.mark.parametrize("value", [0.0, 0.01, -0.01, 1e6, 1e-12, -6.258478])
def test_these_numbers_come_back_without_any_error(value: float) -> None:
    assert rounded(value) == value


def test_what_is_no_number_is_five_spaces_and_nan() -> None:
    for value in (math.nan, math.inf, -math.inf, 1e30):
        assert encode_value(value) == "     nan"
    assert math.isnan(decode_value("     nan"))


@given(st.floats(1e-12, 1e24) | st.floats(-1e24, -1e-12))
def test_any_value_comes_back_within_four_parts_in_a_million(value: float) -> None:
    text = encode_value(value)
    assert len(text) == 8
    assert abs(decode_value(text) - value) < 4e-6 * abs(value)


@given(st.floats(1e-12, 1e24))
def test_the_smallest_prefix_that_fits_is_taken(value: float) -> None:
    text = encode_value(value)
    assert text[7] == "a" or abs(int(text[:7], 16) - 2**27) >= 2**27 // 1000 - 1


def test_metadata_are_a_status_nibble_and_a_range_index() -> None:
    assert encode_variable("cc", 100.0, 0, 0x12) == "cc" + encode_value(100.0) + ",10,212"
    assert encode_variable("cc", 100.0, 2, 11).endswith(",12,20B")
    assert encode_variable("eb", 1.0) == "eb" + encode_value(1.0)


@pytest.mark.parametrize(
    ("text", "value"),
    [("200k", 2e5), ("-500m", -0.5), ("10i", 10.0), ("3300m", 3.3), ("1", 1.0), ("+7u", 7e-6)],
)
def test_literals_are_integers_with_a_letter(text: str, value: float) -> None:
    assert literal(text) == value


@pytest.mark.parametrize("text", ["1.5", "1e3", "k", "", "10 m", "5x", "--3"])
def test_decimal_points_and_exponents_are_no_literals(text: str) -> None:
    with pytest.raises(ValueError, match="literal"):
        literal(text)


def test_words_know_their_columns_and_comments_are_not_there() -> None:
    words = list(tokens('  meas_loop_cv p c 0 nscans(3)  send "a b" # hello'))
    assert [word.text for word in words] == [
        "meas_loop_cv", "p", "c", "0", "nscans(3)", "send", '"a b"',
    ]  # fmt: skip
    assert [word.column for word in words[:3]] == [3, 16, 18]


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["t", "e", "var x", "", "Z" * 255]), max_size=6), st.data())
def test_any_chunking_gives_the_same_lines(lines: list[str], data: st.DataObject) -> None:
    stream = "".join(line + data.draw(st.sampled_from(["\n", "\r\n", "\x11\n"])) for line in lines).encode()
    reader, found, rest = LineReader(), [], stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += list(reader.feed(rest[:size]))
        rest = rest[size:]
    assert found == lines


def test_a_line_that_is_too_long_is_told_once_and_its_rest_dropped() -> None:
    found = list(LineReader().feed(b"x" * 1000 + b"\nt\n"))
    assert [len(line) for line in found] == [256, 1]
