"""Expressions: a small grammar with units, read without eval, safe for any text.

Goal: a condition says what it means, and no text can do more than compare numbers.
"""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.protocol.expressions import (
    MEANING,
    MEASURED,
    NODES_MAX,
    ExpressionError,
    evaluate,
    parse_condition,
    parse_expression,
)

VALUES = {
    "cycle": 12.0,
    "test_time": 3600.0,
    "voltage": 3.5,
    "current": -0.001,
    "capacity": 0.0008,
    "efficiency": 0.995,
    "retention": 0.79,
    "polarisation": 0.25,
    "temperature": 60.0,
    "pass": 3.0,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("retention < 80 %", True),
        ("retention below 80 %", True),
        ("retention above 0.8", False),
        ("polarisation > 200 mV and cycle >= 10", True),
        ("polarisation > 1 V or cycle >= 10", True),
        ("not polarisation > 1 V", True),
        ("not not (cycle == 12)", True),
        ("test_time >= 1 h", True),
        ("test_time >= 61 min", False),
        ("capacity * 2 > 1.5 mAh", True),
        ("-current == 1 mA", True),
        ("current < 0", True),
        ("0 < voltage", True),
        ("cycle != 12", False),
        ("pass + 1 == 4", True),
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("8 / 4 / 2", 1.0),
        ("5 - 2 - 1", 2.0),
        ("voltage - 500 mV", 3.0),
        ("temperature > 59.5 degC", True),
        ("1e-3 * 1000", 1.0),
        ("retention<80%and cycle>3", True),
    ],
)
def test_an_expression_means_what_it_says(text: str, value: float) -> None:
    found = evaluate(parse_expression(text), VALUES)
    assert found == pytest.approx(value)
    assert isinstance(found, bool) == isinstance(value, bool)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "where a value is expected"),
        ("voltage >", 10, "where a value is expected"),
        ("(voltage > 1 V", 15, "a ')' is missing"),
        ("voltage > 1 V)", 14, "not expected here"),
        ("voltage > 1", 9, "'voltage' is in V but '1' is in no unit"),
        ("voltage > 1 A", 9, "'1 A' is in A"),
        ("voltage + cycle > 1 V", 9, "no unit"),
        ("current * test_time > 1 Ah", 21, "A s"),
        ("1 < 2 < 3", 7, "cannot be chained"),
        ("voltage and cycle > 1", 9, "needs a condition on both sides"),
        ("not voltage", 1, "'not' needs a condition"),
        ("(voltage > 1 V) + 1", 17, "cannot be used as a number"),
        ("-(voltage > 1 V) > 2", 1, "cannot be used as a number"),
        ("(voltage > 1 V) * 2", 17, "cannot be used as a number"),
        ("ageing > 1", 1, "Known: cycle"),
        ("polarization > 1 V", 1, "Did you mean 'polarisation'?"),
        ("voltage > 3 parsec", 11, "'parsec' is not a unit"),
        ("rate > C/3", 1, "not a measured quantity"),
        ("voltage > 1 C", 11, "not a unit that an expression can use"),
        ("__import__('os')", 12, "not part of the expression language"),
        ("voltage.real > 1", 8, "not part of the expression language"),
        ("voltage[0] > 1", 8, "not part of the expression language"),
        ("lambda: 1", 7, "not part of the expression language"),
        ("voltage ** 2 > 1", 10, "where a value is expected"),
        ("voltage = 1", 9, "not part of the expression language"),
        ("(" * 40 + "1" + ")" * 40, 33, "nested too deeply"),
        ("-" * 40 + "1", 32, "nested too deeply"),
        (" + ".join(["1"] * 40), 131, f"more than {NODES_MAX} parts"),
        ("not " * 70 + "cycle > 1", 261, f"more than {NODES_MAX} parts"),
        ("1" * 501, 1, "at most 500"),
    ],
)
def test_a_bad_expression_names_its_column_and_what_would_be_right(
    text: str, column: int, words: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert words in str(caught.value)
    assert caught.value.column == column
    assert caught.value.fix


def test_a_condition_must_be_true_or_false() -> None:
    with pytest.raises(ExpressionError, match="this is a number"):
        parse_condition("voltage")
    assert parse_condition("voltage > 1 V").names == {"voltage"}


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "==", "!="])
def test_a_value_that_is_not_known_yet_makes_every_comparison_false(sign: str) -> None:
    assert evaluate(parse_expression(f"retention {sign} 80 %"), {}) is False


def test_division_by_zero_is_no_accident() -> None:
    assert math.isnan(float(evaluate(parse_expression("0 / 0"), {})))
    assert evaluate(parse_expression("-1 / 0"), {}) == -math.inf
    assert evaluate(parse_expression("1 / 0 > 5"), {}) is True


def test_every_measured_name_has_a_meaning() -> None:
    assert set(MEANING) == set(MEASURED)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1
        return
    assert isinstance(evaluate(expression, VALUES), bool | float)


PIECES = [
    *MEASURED,
    "1",
    "2.5",
    "1 V",
    "80 %",
    "3 mA",
    "+",
    "-",
    "*",
    "/",
    "(",
    ")",
    "<",
    ">=",
    "==",
    "and",
    "or",
    "not",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_any_pieces_of_the_grammar_are_read_or_refused_and_then_evaluate(pieces: list[str]) -> None:
    text = " ".join(pieces)
    try:
        expression = parse_expression(text)
    except ExpressionError:
        return
    for values in (VALUES, {}):
        found = evaluate(expression, values)
        assert isinstance(found, bool) is expression.logical


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.sampled_from("+-*/"), st.sampled_from("+-*/")
)
def test_arithmetic_agrees_with_python(a: int, b: int, c: int, first: str, second: str) -> None:
    text = f"{a} {first} {b} {second} {c}"
    expected = eval(text, {"__builtins__": {}})  # the oracle of a test, never of the product
    assert evaluate(parse_expression(text), {}) == pytest.approx(expected)
