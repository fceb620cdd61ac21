"""Read single values of a protocol file: text with variables, quantities, counts, words, expressions.

Every refusal names the place, what was found, and what would be right. ``${name}`` is replaced here, in one scalar
value at a time: a variable's value can never become YAML, nor change the structure of an expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from labctl.errors import UserFileError
from labctl.model.protocol import Quantity, QuantityKind, TextPlace
from labctl.protocol.expressions import ExpressionError, parse_condition
from labctl.protocol.quantities import UNITS, base_value, lookup_unit, parse_quantity
from labctl.protocol.yamlfile import Node, Scalar, Sequence, nearest, refusal

COUNT_MAX = 10_000_000
"""More passes than any cell survives; larger numbers are slips of the keyboard."""
TEXT_LENGTH_MAX = 2_000
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

EXAMPLE = {
    QuantityKind.CURRENT: "1 mA",
    QuantityKind.AREAL_CURRENT: "1 mA/cm^2",
    QuantityKind.SPECIFIC_CURRENT: "85 mA/g",
    QuantityKind.C_RATE: "C/3",
    QuantityKind.VOLTAGE: "3.8 V",
    QuantityKind.TIME: "6 h",
    QuantityKind.CAPACITY: "1 mAh",
    QuantityKind.AREAL_CAPACITY: "1 mAh/cm^2",
    QuantityKind.SPECIFIC_CAPACITY: "150 mAh/g",
    QuantityKind.FRACTION: "80 %",
    QuantityKind.TEMPERATURE: "25 degC",
    QuantityKind.TEMPERATURE_DIFFERENCE: "1 K",
    QuantityKind.AREA_RESISTANCE: "10 ohm cm^2",
    QuantityKind.FREQUENCY: "1 MHz",
}
CURRENTS = (
    QuantityKind.CURRENT,
    QuantityKind.AREAL_CURRENT,
    QuantityKind.SPECIFIC_CURRENT,
    QuantityKind.C_RATE,
)
CAPACITIES = (
    QuantityKind.CAPACITY, QuantityKind.AREAL_CAPACITY, QuantityKind.SPECIFIC_CAPACITY, QuantityKind.FRACTION,
)  # fmt: skip

Word = TypeVar("Word", bound=StrEnum)


class Values:
    """Reads scalars of one file with one set of variable values."""

    def __init__(self, source: str, variables: Mapping[str, str], used: set[str] | None = None) -> None:
        self.source = source
        self.variables = dict(variables)
        self.used: set[str] = set() if used is None else used

    def with_more(self, variables: Mapping[str, str]) -> Values:
        """Return a reader that knows further variables (those of a varied repeat)."""
        return Values(self.source, {**self.variables, **variables}, self.used)

    def refuse(self, node: Node | None, problem: str, fix: str = "") -> UserFileError:
        """Build the error for a node of this file."""
        return refusal(self.source, node, problem, fix)

    def scalar(self, node: Node, what: str) -> str:
        """Return the text of a scalar with its variables replaced."""
        if not isinstance(node, Scalar):
            kind = "a list" if isinstance(node, Sequence) else "a block of keys"
            raise self.refuse(
                node,
                f"{what} must be a single value, but {kind} is given.",
                "Write the value behind the ':'.",
            )
        if len(node.text) > TEXT_LENGTH_MAX:
            raise self.refuse(
                node,
                f"{what} has {len(node.text)} characters.",
                f"At most {TEXT_LENGTH_MAX} are read; shorten it.",
            )
        if "${" not in node.text:
            return node.text.strip()
        return self._replaced(node).strip()

    def _replaced(self, node: Scalar) -> str:
        whole = VARIABLE.fullmatch(node.text.strip()) is not None

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name not in self.variables:
                near = nearest(name, self.variables)
                hint = f"Did you mean '${{{near}}}'? " if near else ""
                known = ", ".join(self.variables) or "none"
                raise self.refuse(
                    node,
                    f"variable '${{{name}}}' is not defined.",
                    f"{hint}Add it under 'variables:' (known: {known}).",
                )
            self.used.add(name)
            text = self.variables[name]
            if whole or WORD.fullmatch(text) or parse_quantity(text) is not None:
                return text
            raise self.refuse(
                node,
                f"variable '{name}' is '{text}', which cannot stand inside a longer value.",
                "Inside a value a variable must be a number, a quantity or one word.",
            )

        text = VARIABLE.sub(value, node.text)
        if "${" in text:
            raise self.refuse(
                node,
                "'${' does not begin a variable name here.",
                "Write ${name}, letters, digits and '_' only.",
            )
        return text

    def text(self, node: Node, what: str) -> str:
        """Return non-empty text."""
        text = self.scalar(node, what)
        if not text:
            raise self.refuse(node, f"{what} is empty.", "Write some text.")
        return text

    def quantity(
        self,
        node: Node,
        what: str,
        kinds: tuple[QuantityKind, ...],
        *,
        signed: bool = False,
        zero: bool = False,
    ) -> Quantity:
        """Return a quantity of one of ``kinds``; positive unless ``signed``, zero only if allowed."""
        text = self.scalar(node, what)
        found = parse_quantity(text)
        expected = " or ".join(kind.value for kind in kinds)
        example = EXAMPLE[kinds[0]]
        if found is None:
            raise self._not_a_quantity(node, text, what, expected, example)
        if found.kind not in kinds or (
            found.unit == "" and kinds == CAPACITIES
        ):  # 1 mAh, or 100 %? Say which.
            given = "a plain number without a unit" if found.unit == "" else f"a {found.kind.value}"
            raise self.refuse(
                node,
                f"{what} must be a {expected}, but '{text}' is {given}.",
                f"Write for example '{example}'.",
            )
        if not signed and found.value < 0:
            raise self.refuse(
                node,
                f"{what} must not be negative ('{text}').",
                "Give the size; the direction is the word charge or discharge.",
            )
        if not (signed or zero) and base_value(found) <= 0:
            raise self.refuse(node, f"{what} must be larger than zero.", f"Write for example '{example}'.")
        return found

    def _not_a_quantity(self, node: Node, text: str, what: str, expected: str, example: str) -> UserFileError:
        number = re.match(r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*(\S.*)$", text)
        if number:
            unit = number[1]
            near = nearest(unit, UNITS)
            hint = f"Did you mean '{near}'? " if near and lookup_unit(unit) is None else ""
            comma = "Use a point as decimal mark. " if unit.startswith(",") else ""
            return self.refuse(
                node,
                f"'{unit}' is not a unit that labctl knows ({what}: '{text}').",
                f"{comma}{hint}Write for example '{example}'.",
            )
        return self.refuse(
            node,
            f"{what} must be a {expected}, but '{text}' is not a number with a unit.",
            f"Write for example '{example}'.",
        )

    def count(self, node: Node, what: str, *, least: int = 1, most: int = COUNT_MAX) -> int:
        """Return a whole number from ``least`` to ``most``."""
        text = self.scalar(node, what)
        if not re.fullmatch(r"[+-]?\d{1,12}", text):
            raise self.refuse(
                node, f"{what} must be a whole number, but '{text}' is not one.", "Write for example '10'."
            )
        number = int(text)
        if not least <= number <= most:
            raise self.refuse(
                node,
                f"{what} is {number}; it must be {least} to {most}.",
                f"Write a whole number from {least} to {most}.",
            )
        return number

    def choice(self, node: Node, what: str, words: type[Word]) -> Word:
        """Return a member of a closed set of words."""
        text = self.scalar(node, what)
        try:
            return words(text)
        except ValueError:
            known = [word.value for word in words]
            raise self.unknown_word(node, text, what, known) from None

    def unknown_word(self, node: Node, text: str, what: str, known: Iterable[str]) -> UserFileError:
        """Build the error for a word outside a closed set."""
        words = list(known)
        near = nearest(text, words)
        hint = f"Did you mean '{near}'? " if near else ""
        return self.refuse(node, f"{what} cannot be '{text}'.", f"{hint}Known: {', '.join(words)}.")

    def condition(self, node: Node, what: str) -> str:
        """Return the text of a condition that has been read and checked."""
        text = self.scalar(node, what)
        try:
            parse_condition(text)
        except ExpressionError as error:
            refused = self.refuse(node, f"{what}: {error.problem}", error.fix)
            if isinstance(node, Scalar) and node.plain and text == node.text and refused.column is not None:
                refused = UserFileError(
                    refused.problem,
                    path=refused.path,
                    line=refused.line,
                    column=refused.column + error.column - 1,
                    fix=error.fix,
                )
            raise refused from error
        return text

    @staticmethod
    def place(node: Node) -> TextPlace:
        """Return where a node stands."""
        return TextPlace(node.line, node.column)
