"""Reads single values of a station file: texts, names, numbers and quantities, each refused with line and column."""

from __future__ import annotations

import math
import re

from labctl.errors import UserFileError
from labctl.model.protocol import QuantityKind
from labctl.protocol.quantities import base_value, parse_quantity
from labctl.protocol.yamlfile import Node, Scalar, Sequence, refusal

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class ValueReader:
    """Reads nodes of one file. Raises: UserFileError naming the place and what would be right, from every method."""

    def __init__(self, source: str) -> None:
        self.source = source

    def refuse(self, node: Node | None, problem: str, fix: str) -> UserFileError:
        """Return the error of a node; whoever calls raises it."""
        return refusal(self.source, node, problem, fix)

    def text(self, node: Node, what: str) -> str:
        """Read a text that is not empty."""
        if not isinstance(node, Scalar):
            raise self.refuse(node, f"{what} must be a single value.", "Write it behind the ':'.")
        text = node.text.strip()
        if not text or "\x00" in text:
            raise self.refuse(node, f"{what} is empty.", "Write some text.")
        return text

    def name(self, node: Node, what: str) -> str:
        """Read a name of up to 40 letters, digits, - and _."""
        text = self.text(node, what)
        if not _NAME.fullmatch(text):
            raise self.refuse(
                node, f"{what} '{text}' cannot be used.", "Use up to 40 letters, digits, '-' and '_'."
            )
        return text

    def number(self, node: Node, what: str, least: float, most: float) -> float:
        """Read a number within limits; a time stands for its seconds."""
        text = self.text(node, what)
        found = parse_quantity(text)
        value = math.nan
        if found is not None and (found.unit == "" or found.kind is QuantityKind.TIME):
            value = base_value(found)
        if not least <= value <= most:
            raise self.refuse(
                node,
                f"{what} '{text}' is not a number from {least:g} to {most:g}.",
                f"Write for example {least:g}.",
            )
        return value

    def quantity(self, node: Node, what: str, kind: QuantityKind, example: str) -> float:
        """Read a number with a unit of this kind, in its base unit."""
        text = self.text(node, what)
        found = parse_quantity(text)
        if found is None or found.kind is not kind:
            raise self.refuse(
                node, f"{what} must be a {kind.value} with its unit, not '{text}'.", f"Write '{example}'."
            )
        return base_value(found)

    def items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        """Read a list; nothing at all is an empty one."""
        if node is None or (isinstance(node, Scalar) and node.plain and node.text in ("", "~", "null")):
            return ()
        if not isinstance(node, Sequence):
            raise self.refuse(node, f"{what} must be a list.", "Begin each entry with '- '.")
        return node.items
