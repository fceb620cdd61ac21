"""Read and evaluate the expressions of ``until:``, ``if:`` and ``when:``, by a grammar of their own.

::

    either     = both {"or" both}
    both       = negation {"and" negation}
    negation   = "not" negation | comparison
    comparison = sum [("<" | "<=" | ">" | ">=" | "==" | "!=" | "above" | "below") sum]
    sum        = product {("+" | "-") product}
    product    = factor {("*" | "/") factor}
    factor     = number [unit] | name | "-" factor | "(" either ")"

No eval, no names but ``MEASURED``, at most 64 nodes, and units must fit: ``polarisation > 1`` is refused, because 1 is
not a voltage. A measured value that is not known yet is NaN, and a comparison with NaN is false.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from labctl.errors import LabctlError
from labctl.model.protocol import QuantityKind
from labctl.protocol.quantities import BASE_UNIT, NUMBER, base_value, parse_quantity
from labctl.protocol.yamlfile import nearest

NODES_MAX = 64
"""A condition that a person can check by eye has far fewer."""
LENGTH_MAX = 500
DEPTH_MAX = 32
"""Nested parentheses and signs; keeps the recursive reader far from Python's own limit."""

MEASURED: dict[str, str] = {
    "cycle": "",
    "test_time": "s",
    "voltage": "V",
    "current": "A",
    "capacity": "Ah",
    "charge_capacity": "Ah",
    "discharge_capacity": "Ah",
    "efficiency": "",
    "retention": "",
    "polarisation": "V",
    "temperature": "degC",
    "pass": "",
}
"""Names and the unit of the value that the engine supplies ("" = a plain number; fractions are 0 to 1)."""

MEANING: dict[str, str] = {
    "cycle": "number of the current cycle, from 1",
    "test_time": "time since the run began",
    "voltage": "voltage of the last record",
    "current": "current of the last record, charge positive",
    "capacity": "capacity of the last half-cycle",
    "charge_capacity": "charge capacity of the last complete cycle",
    "discharge_capacity": "discharge capacity of the last complete cycle",
    "efficiency": "coulombic efficiency of the last complete cycle, 0 to 1",
    "retention": "capacity of the last complete cycle over that of cycle 1, 0 to 1",
    "polarisation": "|V| at the end of the last half-cycle",
    "temperature": "temperature at the cell, else of the chamber",
    "pass": "passes of the enclosing repeat that are done",
}

Operator = Literal["or", "and", "not", "<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "negate"]
_WORDS = {"above": ">", "below": "<"}
_COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
_UNSIGNED = NUMBER.removeprefix("[+-]?")
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>{_UNSIGNED})(?P<unit>\s*(?!(?:and|or|not|above|below)\b)(?:%|[A-Za-zµμ°Ω]+))?"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign><=|>=|==|!=|[<>+\-*/()]))"
)


class ExpressionError(LabctlError):
    """An expression that cannot be read; ``column`` counts from 1 within its text."""

    def __init__(self, problem: str, column: int, fix: str = "") -> None:
        self.problem = problem
        self.column = column
        self.fix = fix
        super().__init__(f"{problem} {fix}".strip())


@dataclass(frozen=True, slots=True)
class Number:
    """A literal in the base unit of its kind."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A measured quantity."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its one or two operands."""

    operator: Operator
    operands: tuple[ExpressionNode, ...]


ExpressionNode: TypeAlias = Number | Name | Operation


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression; ``logical`` says whether it is true or false rather than a number."""

    text: str
    root: ExpressionNode
    logical: bool

    @property
    def names(self) -> frozenset[str]:
        """Return the measured names that it needs."""
        return frozenset(_names(self.root))


def _names(node: ExpressionNode) -> set[str]:
    if isinstance(node, Name):
        return {node.name}
    if isinstance(node, Operation):
        return set().union(*(_names(operand) for operand in node.operands))
    return set()


_Unit: TypeAlias = "Counter[str] | None"  # None = true/false


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    column: int
    number: float | None = None
    unit: str = ""
    is_zero: bool = False


def parse_expression(text: str) -> Expression:
    """Read an expression and check its units. Raises: ExpressionError naming the column and the fix."""
    if len(text) > LENGTH_MAX:
        raise ExpressionError(
            f"the expression has {len(text)} characters; at most {LENGTH_MAX} are read.", 1, "Shorten it."
        )
    reader = _Reader(_tokens(text))
    root, unit = reader.either()
    if reader.token.text:
        raise ExpressionError(
            f"'{reader.token.text}' is not expected here.",
            reader.token.column,
            "Join conditions with 'and' or 'or'.",
        )
    return Expression(text.strip(), root, logical=unit is None)


def parse_condition(text: str) -> Expression:
    """Read an expression that must be true or false."""
    expression = parse_expression(text)
    if not expression.logical:
        raise ExpressionError(
            "this is a number, not a condition.",
            1,
            "Compare it with something, for example 'retention < 80 %'.",
        )
    return expression


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(text.rstrip()):
        found = _TOKEN.match(text, position)
        if not found:
            column = position + len(text[position:]) - len(text[position:].lstrip()) + 1
            raise ExpressionError(
                f"'{text[column - 1]}' is not part of the expression language.",
                column,
                "It knows numbers with units, measured names, + - * / ( ), comparisons, and, or, not.",
            )
        start = found.start(found.lastgroup or 0)
        if found["number"] is not None:
            column = found.start("number") + 1
            quantity = parse_quantity(found["number"] + " " + (found["unit"] or ""))
            if quantity is None or quantity.kind is QuantityKind.C_RATE:
                raise ExpressionError(
                    f"'{(found['unit'] or '').strip()}' is not a unit that an expression can use.",
                    column,
                    "Use V, A, Ah, s, min, h, degC, % or one of their multiples (mV, mA, uA, mAh).",
                )
            value = base_value(quantity)
            tokens.append(
                _Token(found[0].strip(), column, value, BASE_UNIT[quantity.kind], is_zero=value == 0)
            )
        else:
            word = found["word"] or found["sign"]
            tokens.append(_Token(_WORDS.get(word, word), start + 1))
        position = found.end()
    tokens.append(_Token("", len(text) + 1))
    return tokens


class _Reader:
    """Reads tokens from left to right, one rule of the grammar per method; each returns a node and its unit."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._index = 0
        self._nodes = 0
        self._depth = 0

    @property
    def token(self) -> _Token:
        return self._tokens[self._index]

    def _take(self) -> _Token:
        token = self.token
        self._index += 1
        return token

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise ExpressionError(
                f"the expression has more than {NODES_MAX} parts.",
                self.token.column,
                "Split it over nested 'if' steps.",
            )

    def either(self) -> tuple[ExpressionNode, _Unit]:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExpressionError(
                "the expression is nested too deeply.", self.token.column, "Remove parentheses."
            )
        result = self._logical("or", self._both)
        self._depth -= 1
        return result

    def _both(self) -> tuple[ExpressionNode, _Unit]:
        return self._logical("and", self._negation)

    def _logical(self, word: Literal["or", "and"], below: object) -> tuple[ExpressionNode, _Unit]:
        assert callable(below)
        node, unit = below()
        while self.token.text == word:
            place = self._take()
            right, right_unit = below()
            if unit is not None or right_unit is not None:
                raise ExpressionError(
                    f"'{word}' needs a condition on both sides.",
                    place.column,
                    "Compare each side with a value.",
                )
            self._count()
            node = Operation(word, (node, right))
        return node, unit

    def _negation(self) -> tuple[ExpressionNode, _Unit]:
        negations = 0
        place = self.token
        while self.token.text == "not":
            self._take()
            self._count()
            negations += 1
        node, unit = self._comparison()
        if negations and unit is not None:
            raise ExpressionError(
                "'not' needs a condition.", place.column, "Compare the value with something."
            )
        for _ in range(negations):
            node = Operation("not", (node,))
        return node, unit

    def _comparison(self) -> tuple[ExpressionNode, _Unit]:
        left_token = self.token
        left, left_unit = self._sum()
        if self.token.text not in _COMPARISONS:
            return left, left_unit
        sign = self._take()
        right_token = self.token
        right, right_unit = self._sum()
        self._same_unit(left_unit, right_unit, left, right, sign.column, left_token, right_token)
        if self.token.text in _COMPARISONS:
            raise ExpressionError(
                "comparisons cannot be chained.", self.token.column, "Write 'a < b and b < c'."
            )
        self._count()
        operator: Operator = sign.text  # type: ignore[assignment]  # one of _COMPARISONS
        return Operation(operator, (left, right)), None

    def _same_unit(
        self, left_unit: _Unit, right_unit: _Unit, left: ExpressionNode, right: ExpressionNode, column: int,
        left_token: _Token, right_token: _Token,
    ) -> None:  # fmt: skip
        zero = Number(0.0)
        if left_unit is None or right_unit is None:
            raise ExpressionError(
                "a condition cannot be used as a number.", column, "Join conditions with 'and' or 'or'."
            )
        if left_unit == right_unit or zero in (left, right):
            return
        raise ExpressionError(
            f"'{left_token.text}' is in {_unit_text(left_unit)} but '{right_token.text}' is in "
            f"{_unit_text(right_unit)}.",
            column,
            f"Give both sides one unit, for example '{left_token.text} > 1 {_unit_text(left_unit, example=True)}'.",
        )

    def _sum(self) -> tuple[ExpressionNode, _Unit]:
        token = self.token
        node, unit = self._product()
        while self.token.text in ("+", "-"):
            sign = self._take()
            right_token = self.token
            right, right_unit = self._product()
            self._same_unit(unit, right_unit, node, right, sign.column, token, right_token)
            unit = right_unit if node == Number(0.0) else unit
            self._count()
            node = Operation("+" if sign.text == "+" else "-", (node, right))
        return node, unit

    def _product(self) -> tuple[ExpressionNode, _Unit]:
        node, unit = self._factor()
        while self.token.text in ("*", "/"):
            sign = self._take()
            right, right_unit = self._factor()
            if unit is None or right_unit is None:
                raise ExpressionError(
                    "a condition cannot be used as a number.",
                    sign.column,
                    "Join conditions with 'and' or 'or'.",
                )
            unit = _combined(unit, right_unit, 1 if sign.text == "*" else -1)
            self._count()
            node = Operation("*" if sign.text == "*" else "/", (node, right))
        return node, unit

    def _factor(self) -> tuple[ExpressionNode, _Unit]:
        token = self._take()
        self._count()
        if token.number is not None:
            return Number(token.number), Counter([token.unit] if token.unit else [])
        if token.text == "-":
            self._depth += 1
            if self._depth > DEPTH_MAX:
                raise ExpressionError("the expression is nested too deeply.", token.column, "Remove signs.")
            node, unit = self._factor()
            self._depth -= 1
            if unit is None:
                raise ExpressionError("a condition cannot be used as a number.", token.column, "Use 'not'.")
            return Operation("negate", (node,)), unit
        if token.text == "(":
            node, unit = self.either()
            if self._take().text != ")":
                raise ExpressionError(
                    "a ')' is missing.", self._tokens[self._index - 1].column, "Close the parenthesis."
                )
            return node, unit
        if token.text in MEASURED:
            unit_text = MEASURED[token.text]
            return Name(token.text), Counter([unit_text] if unit_text else [])
        if re.fullmatch(r"[A-Za-z_]\w*", token.text) and token.text not in ("and", "or", "not"):
            near = nearest(token.text, MEASURED)
            hint = f"Did you mean '{near}'? " if near else ""
            raise ExpressionError(
                f"'{token.text}' is not a measured quantity.",
                token.column,
                f"{hint}Known: {', '.join(MEASURED)}.",
            )
        what = f"'{token.text}'" if token.text else "the end"
        raise ExpressionError(
            f"{what} stands where a value is expected.", token.column, "Write a number or a measured name."
        )


def _combined(left: Counter[str], right: Counter[str], sign: int) -> Counter[str]:
    result = Counter(left)
    for unit, power in right.items():
        result[unit] += sign * power
    return Counter({unit: power for unit, power in result.items() if power})


def _unit_text(unit: Counter[str], example: bool = False) -> str:
    if not unit:
        return "" if example else "no unit"
    return " ".join(name if power == 1 else f"{name}^{power}" for name, power in sorted(unit.items()))


def evaluate(expression: Expression, values: Mapping[str, float]) -> bool | float:
    """Evaluate with the engine's values (base units of ``MEASURED``); a missing value counts as NaN.

    Division by zero gives NaN (or an infinity with the sign of the dividend), as for floats elsewhere in science.
    """
    return _value(expression.root, values)


def _value(node: ExpressionNode, values: Mapping[str, float]) -> bool | float:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        return float(values.get(node.name, math.nan))
    operator = node.operator
    if operator in ("and", "or", "not"):
        truths = [bool(_value(operand, values)) for operand in node.operands]
        return not truths[0] if operator == "not" else (all(truths) if operator == "and" else any(truths))
    numbers = [float(_value(operand, values)) for operand in node.operands]
    return _number(operator, numbers)


def _number(operator: Operator, numbers: list[float]) -> bool | float:
    left = numbers[0]
    if operator == "negate":
        return -left
    right = numbers[1]
    match operator:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "==":
            return left == right
        case "!=":
            return left < right or left > right  # false for NaN, like every comparison
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return _quotient(left, right)


def _quotient(left: float, right: float) -> float:
    if right != 0:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)
