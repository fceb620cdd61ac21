"""What a person types into a cell as a quantity of a protocol: read with any spelling, asked about where unclear."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from labctl.gui.viewmodels.parsing import parse_quantity as read_quantity
from labctl.gui.viewmodels.parsing import plain
from labctl.gui.viewmodels.words import tr
from labctl.model.protocol import QuantityKind
from labctl.protocol.quantities import format_quantity, parse_quantity, readable_time
from labctl.protocol.reading import CAPACITIES, CURRENTS

T = TypeVar("T")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SQUARED = re.compile(r"(?<=[a-zA-Z])\^2|(?<=[cm]m)2\b")
_BARE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Family(Enum):
    """Quantities that may stand in a place: kinds, the units of the window's parser, and what a bare number may be."""

    CURRENT = (CURRENTS, ("A", "A/cm2", "A/g", "C"), ("mA", "mA/cm^2", "mA/g", "C"))
    PURE_CURRENT = ((QuantityKind.CURRENT,), ("A",), ("mA", "uA", "A"))
    VOLTAGE = ((QuantityKind.VOLTAGE,), ("V",), ("V",))
    TIME = ((QuantityKind.TIME,), ("s",), ("s", "min", "h"))
    CAPACITY = (CAPACITIES, ("Ah", "Ah/cm2", "Ah/g", ""), ("mAh", "mAh/cm^2", "mAh/g", "%"))
    TEMPERATURE = ((QuantityKind.TEMPERATURE,), ("°C",), ("degC",))
    DIFFERENCE = ((QuantityKind.TEMPERATURE_DIFFERENCE,), ("K",), ("K",))
    FREQUENCY = ((QuantityKind.FREQUENCY,), ("Hz",), ("Hz", "kHz", "MHz"))
    FRACTION = ((QuantityKind.FRACTION,), ("",), ("%",))
    AREA_RESISTANCE = ((QuantityKind.AREA_RESISTANCE,), ("Ω cm2",), ("ohm cm^2",))

    @property
    def kinds(self) -> tuple[QuantityKind, ...]:
        """Return the kinds that fit."""
        kinds: tuple[QuantityKind, ...] = self.value[0]
        return kinds


@dataclass(frozen=True, slots=True)
class Option:
    """One possible meaning: what is shown, and the cell's text that means it."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """What a cell's text means: a value, or a question with its options, or what is wrong. All empty: nothing typed."""

    value: T | None = None
    problem: str = ""
    question: str = ""
    options: tuple[Option, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether the text can be taken (an empty one too)."""
        return not self.problem and not self.question


def pretty(text: str) -> str:
    """Return a quantity as people read it: cm², °C, Ω, µ and a real minus."""
    text = _SQUARED.sub("²", text).replace("degC", "°C").replace("ohm", "Ω")
    text = re.sub(r"(?<![A-Za-z])u(?=[AVsgm])", "µ", text)
    return re.sub(r"(?<![A-Za-z0-9)])-(?=[\d.])", "−", text)


def narrowed(text: str) -> str:
    """Return typed text with full-width signs and odd minuses made plain; braces of variables stay."""
    return plain(text).replace("$ {", "${")


def read_typed(
    text: str, family: Family, variables: Collection[str] = (), *, signed: bool = False
) -> Told[str]:
    """Read a quantity; the value is its canonical spelling for the file, or ``${name}`` of a known variable."""
    written = narrowed(text)
    if not written:
        return Told()
    if found := VARIABLE.fullmatch(written):
        return _of_variable(found[1], written, variables)
    if written in variables:
        return Told(value=f"${{{written}}}")
    bare = _BARE.fullmatch(written) is not None
    units = family.value[2]
    if bare and len(units) > 1:
        asked = tr("protocoltyped", "“{text}” has no unit. Which is meant?").format(text=written)
        return Told(question=asked, options=tuple(Option(pretty(f"{written} {unit}"), f"{written} {unit}")
                                                  for unit in units))  # fmt: skip
    if bare:
        written = f"{written} {units[0]}"
    window = family.value[1]
    parsed = read_quantity(written, window[0], also=window[1:])
    if parsed.question is not None:
        options = tuple(Option(pretty(choice.label), choice.label) for choice in parsed.question.choices)
        return Told(question=parsed.question.text, options=options)
    return _spelled(written, family, parsed.problem, parsed.value, parsed.unit, signed)


def _of_variable(name: str, written: str, variables: Collection[str]) -> Told[str]:
    if name in variables:
        return Told(value=written)
    known = ", ".join(variables) or tr("protocoltyped", "none")
    told = tr("protocoltyped", "There is no variable “{name}” (known: {known}).")
    return Told(problem=told.format(name=name, known=known))


def _spelled(
    written: str, family: Family, problem: str, value: float | None, unit: str, signed: bool
) -> Told[str]:
    found = parse_quantity(written)
    if found is None or found.kind not in family.kinds:
        if problem or value is None:
            return Told(
                problem=problem or tr("protocoltyped", "“{text}” does not fit here.").format(text=written)
            )
        spelled = readable_time(value) if unit == "s" else f"{value:.12g} {unit}".replace("Ω", "ohm")
        found = parse_quantity(spelled)  # 1 h 30 min, 1:30:00 and the like
    if found is None or found.kind not in family.kinds:
        names = ", ".join(pretty(name) for name in family.value[2])
        told = tr("protocoltyped", "“{text}” does not fit here; use {units}.")
        return Told(problem=told.format(text=written, units=names))
    if found.value < 0 and not signed:
        told = tr("protocoltyped", "“{text}” is negative; the direction is the word of the step.")
        return Told(problem=told.format(text=written))
    if found.value == 0 and not signed:
        return Told(problem=tr("protocoltyped", "Zero is not possible here."))
    return Told(value=format_quantity(found))


def joined(
    parts: Sequence[str], read: Callable[[str], Told[T]], separator: str
) -> tuple[list[T], Told[T] | None]:
    """Read several parts of a cell; a question or problem of one is given for the whole cell."""
    values: list[T] = []
    for at, part in enumerate(parts):
        told = read(part)
        if told.question:

            def whole(text: str, place: int = at) -> str:
                return separator.join([*parts[:place], text, *parts[place + 1 :]])

            options = tuple(Option(item.label, whole(item.text)) for item in told.options)
            return values, Told(question=told.question, options=options)
        if told.problem:
            return values, told
        if told.value is not None:
            values.append(told.value)
    return values, None
