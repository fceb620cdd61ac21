"""MethodSCRIPT bytes: values with SI prefixes, data packages, script lines; the simulator's own codec.

One variable of a package::

    cc 80F4240 m ,10 ,212
    |  |       |  |   +--- metadata 2hh: range index
    |  |       |  +------- metadata 1h: status nibble (1 timing, 2 overload, 4 underload, 8 overload warning)
    |  |       +---------- SI prefix; a space is a real character
    |  +------------------ seven hexadecimal digits: integer + 2^27
    +--------------------- two-letter type

Source: potentiostat.md 2.1.2, 2.1.3, 2.1.4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

LINE_MAX = 255
OFFSET = 1 << 27
EXPONENTS = {
    "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, " ": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip
NOT_A_NUMBER = "     nan"
FLOW_BYTES = b"\x11\x13"
_LITERAL = re.compile(r"([+-]?\d+)([afpnumkMGTPEi]?)")
_TOKEN = re.compile(r'"[^"]*"|[^\s"(]+\([^)]*\)|[^\s"]+')


class VarType(StrEnum):
    """Types of a package's variables that labctl uses."""

    MEASURED_POTENTIAL = "ab"
    MEASURED_CURRENT = "ba"
    PHASE = "ca"
    IMPEDANCE = "cb"
    IMPEDANCE_REAL = "cc"
    IMPEDANCE_IMAGINARY = "cd"
    SET_POTENTIAL = "da"
    SET_CURRENT = "db"
    FREQUENCY = "dc"
    AMPLITUDE = "dd"
    CHANNEL = "ea"
    TIME = "eb"
    TEMPERATURE = "ed"
    NUMBER = "ja"


def encode_value(value: float) -> str:
    """Return the eight characters of a value: the smallest prefix for which the integer stays below 2^27.

    Zero takes the space. What is not finite, or too large for any prefix, is not a number.
    """
    if not math.isfinite(value):
        return NOT_A_NUMBER
    if value == 0.0:
        return f"{OFFSET:07X} "
    for prefix, exponent in EXPONENTS.items():
        number = round(value * 10**-exponent) if exponent < 0 else round(value / 10**exponent)
        if abs(number) < OFFSET:
            return f"{number + OFFSET:07X}{prefix}"
    return NOT_A_NUMBER


def decode_value(text: str) -> float:
    """Return the value of eight characters. Raises: ValueError for what is no value."""
    if text == NOT_A_NUMBER:
        return math.nan
    if len(text) != 8 or not re.fullmatch("[0-9A-Fa-f]{7}", text[:7]):
        raise ValueError(f"{text!r} is no value")
    number = int(text[:7], 16) - OFFSET
    if text[7] == "i":
        return float(number)
    if text[7] not in EXPONENTS:
        raise ValueError(f"{text[7]!r} is no prefix")
    exponent = EXPONENTS[text[7]]
    return number / 10**-exponent if exponent < 0 else float(number * 10**exponent)


def rounded(value: float) -> float:
    """Return a value as the wire can carry it."""
    return decode_value(encode_value(value))


def encode_variable(kind: str, value: float, status: int | None = None, index: int | None = None) -> str:
    """Return one variable of a package with its metadata."""
    text = kind + encode_value(value)
    if status is not None:
        text += f",1{status:X}"
    if index is not None:
        text += f",2{index:02X}"
    return text


def literal(text: str) -> float:
    """Return the value of a script literal: an integer with an SI letter. Raises: ValueError."""
    match = _LITERAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no literal")
    digits, prefix = int(match[1]), match[2]
    if prefix in ("", "i"):
        return float(digits)
    exponent = EXPONENTS[prefix]
    return digits / 10**-exponent if exponent < 0 else float(digits * 10**exponent)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a script line and the column (from 1) where it begins."""

    text: str
    column: int


def tokens(line: str) -> Iterator[Token]:
    """Split a script line into words; quoted text and ``name(...)`` stay whole, ``#`` begins a comment."""
    for match in _TOKEN.finditer(line):
        if match[0].startswith("#"):
            return
        yield Token(match[0], match.start() + 1)


class LineReader:
    """Cuts lines out of received bytes; CR and the flow-control bytes are not there for it.

    A line that grows beyond 255 characters is given out once, cut there, and the rest of it dropped.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._overlong = False

    def feed(self, data: bytes) -> Iterator[str]:
        """Take bytes and return the lines that they complete, without their LF."""
        for byte in data:
            if byte == 0x0A:
                line, overlong = self._buffer.decode("latin-1"), self._overlong
                self.clear()
                if not overlong:
                    yield line
            elif byte not in FLOW_BYTES and byte != 0x0D and not self._overlong:
                self._buffer.append(byte)
                if len(self._buffer) > LINE_MAX:
                    self._overlong = True
                    yield self._buffer.decode("latin-1")

    def clear(self) -> None:
        """Forget an unfinished line."""
        self._buffer.clear()
        self._overlong = False
