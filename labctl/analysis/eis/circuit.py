"""The language of equivalent circuits: ``L-R-(RQ)-(RQ)-W``.

``-`` puts parts in series, parentheses put branches in parallel, and a branch may be a series or hold parentheses
itself: ``R-(Q,R-W)`` is Randles' circuit. A comma between branches is needed only to read them well, and the ``p`` that
impedance.py puts before a parenthesis may stand there. An element is one of ``R C L Q CPE W Ws Wo``; digits behind it
name it (``R0``), and an element without digits gets the next free number of its kind, from 1. Spaces do not count.

::

    series   = part { "-" part }
    part     = element | "(" branch { [","] branch } ")"      two branches or more
    branch   = series
    element  = ("R" | "C" | "L" | "Q" | "CPE" | "W" | "Ws" | "Wo") [digits]
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from labctl.analysis.eis.elements import ANSWERS, PARAMETERS, Answer, Kind
from labctl.errors import UserInputError
from labctl.model.spectrum import ComplexArray, FloatArray

ELEMENTS_MAX = 40
"""More elements than any spectrum can tell apart: a longer circuit is a slip of the keyboard."""

CHARACTERS_MAX = 300

_TOKEN = re.compile(
    r"(?P<element>CPE|Ws|Wo|[RCLQW])(?P<digits>[0-9]{0,3})|p?(?P<mark>\()|(?P<other>[-),])|(?P<blank>\s+)"
)


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its kind, its name in this circuit, and where its parameters begin."""

    kind: Kind
    name: str
    first: int

    @property
    def places(self) -> range:
        """Return the places of its parameters among those of the circuit."""
        return range(self.first, self.first + len(PARAMETERS[self.kind]))

    def answer(self, s: ComplexArray, values: FloatArray) -> Answer:
        """Return its Z and slopes, by s = j omega and the values of the whole circuit."""
        return ANSWERS[self.kind](s, *(float(values[place]) for place in self.places))

    def elements(self) -> Iterator[Element]:
        """Yield itself."""
        yield self

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Series:
    """Parts in series: impedances add."""

    parts: tuple[Part, ...]

    def answer(self, s: ComplexArray, values: FloatArray) -> Answer:
        """Return the sum of Z and all slopes."""
        answers = [part.answer(s, values) for part in self.parts]
        z_ohm = np.sum([z for z, _ in answers], axis=0)
        return z_ohm, np.concatenate([slopes for _, slopes in answers])

    def elements(self) -> Iterator[Element]:
        """Yield the elements from left to right."""
        for part in self.parts:
            yield from part.elements()

    def __str__(self) -> str:
        return "-".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches in parallel: admittances add, so dZ = sum of (Z/Z_k)^2 dZ_k."""

    branches: tuple[Part, ...]

    def answer(self, s: ComplexArray, values: FloatArray) -> Answer:
        """Return Z and all slopes."""
        answers = [branch.answer(s, values) for branch in self.branches]
        z_ohm = 1.0 / np.sum([1.0 / z for z, _ in answers], axis=0)
        return z_ohm, np.concatenate([slopes * (z_ohm / z) ** 2 for z, slopes in answers])

    def elements(self) -> Iterator[Element]:
        """Yield the elements from left to right."""
        for branch in self.branches:
            yield from branch.elements()

    def __str__(self) -> str:
        return f"({','.join(map(str, self.branches))})"


Part = Element | Series | Parallel


@dataclass(frozen=True, slots=True)
class Arc:
    """A parallel of one resistor with one capacitor or constant phase in series with the rest: a semicircle."""

    resistor: Element
    capacitor: Element

    def tau_s(self, values: FloatArray) -> float:
        """Return its time constant: (R Q)^(1/n), or R C."""
        product = float(values[self.resistor.first]) * float(values[self.capacitor.first])
        if self.capacitor.kind is Kind.CAPACITOR:
            return product
        return math.pow(product, 1.0 / float(values[self.capacitor.first + 1]))


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit that has been read. ``str`` of it is read as the same circuit again."""

    root: Series
    elements: tuple[Element, ...]

    @classmethod
    def read(cls, text: str) -> Circuit:
        """Read a circuit. Raises: UserInputError naming the place of the slip."""
        return _Reader(text).circuit()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the parameters' names in order: an element's own, with ``.n`` or ``.tau`` for its second."""
        return tuple(
            element.name + (f".{parameter.suffix}" if parameter.suffix else "")
            for element in self.elements
            for parameter in PARAMETERS[element.kind]
        )

    @property
    def units(self) -> tuple[str, ...]:
        """Return the unit of each parameter; "" for a pure number."""
        return tuple(parameter.unit for element in self.elements for parameter in PARAMETERS[element.kind])

    @property
    def arcs(self) -> tuple[Arc, ...]:
        """Return the semicircles in series with the rest, from left to right."""
        found = []
        for part in self.root.parts:
            if isinstance(part, Parallel) and len(part.branches) == 2:
                by_kind = {branch.kind: branch for branch in part.branches if isinstance(branch, Element)}
                capacitor = by_kind.get(Kind.CAPACITOR) or by_kind.get(Kind.CONSTANT_PHASE)
                if capacitor is not None and Kind.RESISTOR in by_kind:
                    found.append(Arc(by_kind[Kind.RESISTOR], capacitor))
        return tuple(found)

    def has(self, kind: Kind) -> bool:
        """Tell whether it holds an element of a kind."""
        return any(element.kind is kind for element in self.elements)

    def values(self, named: Mapping[str, float]) -> FloatArray:
        """Return the parameters by name as an array. Shape: (parameters,). Raises: UserInputError on other names."""
        names = self.parameters
        if set(named) != set(names):
            raise UserInputError(
                f"{self} has the parameters {', '.join(names)}; given are {', '.join(named)}."
            )
        return np.array([named[name] for name in names])

    def impedance_ohm(self, frequency_Hz: FloatArray, values: FloatArray) -> ComplexArray:
        """Return Z at frequencies. Shape: as ``frequency_Hz``."""
        return self.answer(frequency_Hz, values)[0]

    def answer(self, frequency_Hz: FloatArray, values: FloatArray) -> Answer:
        """Return Z, shape (n,), and its slopes by the logarithms of the parameters, shape (parameters, n)."""
        s: ComplexArray = np.multiply(2j * math.pi, frequency_Hz)
        return self.root.answer(s, values)

    def __str__(self) -> str:
        return str(self.root)


class _Reader:
    """Reads one circuit; ``_at`` is the next token, and each token knows its column."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._at = 0
        self._elements: list[Element] = []
        self._taken = {
            kind + str(int(digits)) for kind, digits, _ in self._tokens if kind in tuple(Kind) and digits
        }

    def circuit(self) -> Circuit:
        """Return the whole circuit."""
        root = self._series()
        if self._peek() == ")":
            raise self._slip("this parenthesis was never opened")
        if self._peek():
            raise self._slip(f"'-' is missing before {self._peek()!r}")
        return Circuit(root, tuple(self._elements))

    def _split(self) -> list[tuple[str, str, int]]:
        """Return (symbol, digits, column from 1) of each token; the last one is the end with an empty symbol."""
        if len(self._text) > CHARACTERS_MAX:
            raise UserInputError(
                f"A circuit of {len(self._text)} characters is longer than {CHARACTERS_MAX}."
            )
        tokens = []
        place = 0
        while place < len(self._text):
            found = _TOKEN.match(self._text, place)
            if found is None:
                raise self._slip(f"{self._text[place]!r} is no element", place + 1)
            if found["element"]:
                symbol = "Q" if found["element"] == "CPE" else found["element"]
                tokens.append((symbol, found["digits"], place + 1))
            elif not found["blank"]:
                tokens.append((found["mark"] or found["other"], "", place + 1))
            place = found.end()
        return [*tokens, ("", "", len(self._text) + 1)]

    def _peek(self) -> str:
        return self._tokens[self._at][0]

    def _series(self) -> Series:
        parts = [self._part()]
        while self._peek() == "-":
            self._at += 1
            parts.append(self._part())
        if self._peek() == "," and not self._inside:
            raise self._slip("',' stands between branches, inside parentheses only")
        return Series(tuple(parts))

    @property
    def _inside(self) -> bool:
        """Tell whether a parenthesis is open before the next token."""
        symbols = [symbol for symbol, _, _ in self._tokens[: self._at]]
        return symbols.count("(") > symbols.count(")")

    def _part(self) -> Part:
        symbol = self._peek()
        if symbol == "(":
            return self._parallel()
        if symbol in tuple(Kind):
            return self._element(Kind(symbol))
        wanted = "an element or '(' is missing"
        raise self._slip(wanted if not symbol else f"{wanted} before {symbol!r}")

    def _parallel(self) -> Parallel:
        opened = self._tokens[self._at][2]
        self._at += 1
        branches: list[Part] = []
        while self._peek() != ")":
            if not self._peek():
                raise self._slip("this parenthesis is not closed", opened)
            series = self._series()
            branches.append(series.parts[0] if len(series.parts) == 1 else series)
            if self._peek() == ",":
                self._at += 1
                if self._peek() == ")":
                    raise self._slip("a branch is missing before ')'")
        if len(branches) < 2:
            raise self._slip("parentheses need two branches or more", opened)
        self._at += 1
        return Parallel(tuple(branches))

    def _element(self, kind: Kind) -> Element:
        _, digits, column = self._tokens[self._at]
        self._at += 1
        if len(self._elements) == ELEMENTS_MAX:
            raise self._slip(f"more than {ELEMENTS_MAX} elements", column)
        name = f"{kind}{int(digits)}" if digits else self._free_name(kind)
        if any(element.name == name for element in self._elements):
            raise self._slip(f"there are two elements {name}", column)
        first = self._elements[-1].places.stop if self._elements else 0
        self._elements.append(Element(kind, name, first))
        return self._elements[-1]

    def _free_name(self, kind: Kind) -> str:
        used = self._taken | {element.name for element in self._elements}
        return next(
            f"{kind}{number}" for number in range(1, ELEMENTS_MAX + 2) if f"{kind}{number}" not in used
        )

    def _slip(self, problem: str, column: int | None = None) -> UserInputError:
        place = self._tokens[self._at][2] if column is None else column
        return UserInputError(
            f"The circuit {self._text!r} cannot be read at character {place}: {problem}. A circuit reads like "
            "L-R-(RQ)-(RQ)-W, with the elements R, C, L, Q (or CPE), W, Ws and Wo."
        )
