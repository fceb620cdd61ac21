"""The words of the 273/273A: settings with their bounds, and how a line is taken apart.

A bare word asks, a word with operands sets; several commands share a line, parted by ``;``. Numbers are integers.
Source: potentiostat.md 2.4.2 to 2.4.4 [273UM, LESZ, NP273]; bounds that it leaves out are our choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag


class Slip(IntEnum):
    """Error codes of ``ERR`` (2.4.4)."""

    NONE = 0
    INVALID_COMMAND = 2
    INVALID_PARAMETER = 3
    OVERRUN = 4
    NOTHING_TO_SAY = 5
    NUMBER_FORMAT = 6
    MODE = 11
    ACQUISITION = 12


class Status(IntFlag):
    """Bits of the serial poll and of ``ST`` (2.4.2)."""

    DONE = 1
    ERROR = 2
    CURVE_DONE = 4
    OVERLOAD = 16
    SWEEP_DONE = 32
    SERVICE = 64
    OUTPUT_READY = 128


class SlipError(Exception):
    """A command in error, with its code."""

    def __init__(self, code: Slip) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of one integer; ``allowed`` names the values where bounds alone do not."""

    default: int
    low: int
    high: int
    allowed: tuple[int, ...] = ()

    def checked(self, value: int) -> int:
        """Return a value. Raises SlipError for one that cannot be set."""
        if not self.low <= value <= self.high or (self.allowed and value not in self.allowed):
            raise SlipError(Slip.INVALID_PARAMETER)
        return value


GALVANOSTAT, POTENTIOSTAT = 1, 2
CURVES = 6
CURVE_POINTS = 1024
_GAINS = (1, 5, 10, 50)

SETTINGS: Mapping[str, Setting] = {
    "DD": Setting(44, 0, 127),
    "MSK": Setting(0, 0, 255),
    "MODE": Setting(POTENTIOSTAT, GALVANOSTAT, POTENTIOSTAT),
    "CELL": Setting(0, 0, 1),
    "I/E": Setting(-3, -7, 0),
    "AR": Setting(0, 0, 7),
    "SETE": Setting(0, -8000, 8000),
    "BIAS": Setting(0, -8000, 8000),
    "EGAIN": Setting(1, 1, 50, _GAINS),
    "IGAIN": Setting(1, 1, 50, _GAINS),
    "ESUP": Setting(0, -5000, 5000),
    "BW": Setting(1, 0, 1),
    "FLT": Setting(0, 0, 7),
    "OUT": Setting(0, 0, 4),
    "EXT": Setting(0, 0, 1),
    "IRMODE": Setting(0, 0, 4),
    "IRUPT": Setting(250, 1, 32767),
    "IRPC": Setting(100, 0, 200),
    "TMB": Setting(4000, 50, 50000),
    "S/P": Setting(1, 1, 32767),
    "SIE": Setting(3, 0, 15),
    "PCV": Setting(0, 0, CURVES - 1),
    "SCV": Setting(0, 0, CURVES - 1),
    "DCV": Setting(1, 0, CURVES - 1),
    "FP": Setting(0, 0, CURVE_POINTS - 1),
    "LP": Setting(CURVE_POINTS - 1, 0, CURVE_POINTS - 1),
    "MR": Setting(2, 0, 2),
    "MM": Setting(0, 0, 3),
    "INTRP": Setting(0, 0, 1),
}
KEPT_BY_DCL = ("MSK", "DD")
MIE_OF_92 = Setting(1, 1, 2)
"""``MIE`` of the /92 option."""
IRX_TIMES_MAX_us = 1999

_WORD = re.compile(r"\s*([A-Za-z/]+\d?)\s*(.*?)\s*", re.DOTALL)
_INTEGER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One command: its word in capitals, its operands as text, and all that stands behind the word."""

    word: str
    operands: tuple[str, ...]
    rest: str

    def integers(self, count: int) -> list[int]:
        """Return the operands. Raises SlipError for a wrong count, and for what is no integer."""
        if len(self.operands) != count:
            raise SlipError(Slip.INVALID_PARAMETER)
        if not all(_INTEGER.fullmatch(text) for text in self.operands):
            raise SlipError(Slip.NUMBER_FORMAT)
        return [int(text) for text in self.operands]


def phrases(line: str) -> Iterator[Phrase]:
    """Yield the commands of a line; a macro's text and a text for the display keep their semicolons."""
    while line.strip():
        head, _, tail = line.partition(";")
        match = _WORD.fullmatch(head)
        if match is None:
            yield Phrase(head.strip(), (), "")
            line = tail
            continue
        word, rest = match[1].upper(), match[2]
        if word == "TYPE" or (re.fullmatch(r"USR[123]", word) and rest):
            yield Phrase(word, (), line[match.start(2) :].strip())
            return
        if word[-1].isdigit() and not re.fullmatch(r"USR[123]", word):
            word, rest = word[:-1], f"{word[-1]}{rest}"  # a number may stand close to its word: MODE2
        yield Phrase(word, tuple(re.split(r"[\s,]+", rest)) if rest else (), rest)
        line = tail
