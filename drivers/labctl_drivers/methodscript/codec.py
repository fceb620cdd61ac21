"""Bytes of a MethodSCRIPT device to lines, and lines to messages. Pure.

A package, byte by byte: ``P`` then variables joined by ``;``, each ::

    d c 8 0 0 0 0 0 A m , 1 0 , 2 0 B
    ─┬─ ──────┬────── ┬ ──┬─ ───┬───
    kind   7 hex    SI  status  range index, two hex digits
           digits   prefix

The value is (hex - 2^27) x prefix; not-a-number is five spaces and ``nan`` in place of digits and prefix. A space is a
real prefix (factor 1): lines are never stripped. Source: potentiostat.md 2.1.1 and 2.1.3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from labctl.errors import WireError
from labctl_drivers.methodscript.messages import (
    Began,
    Broken,
    Ended,
    Fault,
    Finished,
    Output,
    Package,
    Status,
    Text,
    Variable,
)

LINE_MAX = 255
"""Characters before the LF."""

FLOW_CONTROL_AND_CR = b"\r\x11\x13"

OFFSET = 1 << 27
EXPONENTS = {
    "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, " ": 0, "i": 0,
    "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip

STATUS_TOKEN, RANGE_TOKEN = "1", "2"

_VARIABLE = re.compile(r"([a-z]{2})(?:([0-9A-Fa-f]{7})([afpnum ikMGTPE])| {5}nan)((?:,[0-9A-Fa-f]+)*)")
_FAULT = re.compile(r"!([0-9A-Fa-f]{4})(?:: Line (\d+))?(?:, Col (\d+))?")
_BEGAN = re.compile(r"([MC])([0-9A-Fa-f]{4})")
_CLOSED_BY = {"*": "M", "-": "C", "+": "L"}


class LineDecoder:
    """Cuts what comes into lines, however it was cut on its way; CR and flow-control bytes are dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[str | Broken]:
        """Yield each complete line without its end; a line that cannot be is ``Broken`` and passed over."""
        pieces = (self._rest + data.translate(None, FLOW_CONTROL_AND_CR)).split(b"\n")
        self._rest = pieces.pop()
        for piece in pieces:
            yield _line(piece)
        if len(self._rest) > LINE_MAX:
            overlong, self._rest = self._rest, b""
            yield _line(overlong)

    def reset(self) -> None:
        """Forget a line that has begun."""
        self._rest = b""


def _line(piece: bytes) -> str | Broken:
    if len(piece) > LINE_MAX:
        return Broken(WireError(f"a line of {len(piece)} bytes", data=piece, rule="2.1.1: at most 255 bytes"))
    if not piece.isascii():
        return Broken(WireError("a line that is not ASCII", data=piece, rule="2.1.1: ASCII lines"))
    return piece.decode("ascii")


def scaled(number: int, prefix: str) -> float:
    """Return ``number`` x ``prefix``, rounded once: 3300 and ``m`` give 3.3."""
    exponent = EXPONENTS[prefix]
    return float(number * 10**exponent) if exponent >= 0 else number / 10**-exponent


def read_variable(text: str) -> Variable:
    """Read one variable of a package. Raises: WireError."""
    found = _VARIABLE.fullmatch(text)
    if found is None:
        raise WireError(
            f"no variable: {text!r}", data=text.encode(), rule="2.1.3: kind, digits, prefix, metadata"
        )
    kind, digits, prefix, metadata = found.groups()
    value = math.nan if digits is None else scaled(int(digits, 16) - OFFSET, prefix)
    status, range_index = Status(0), None
    for token in metadata.split(",")[1:]:
        if token[0] == STATUS_TOKEN and len(token) == 2:
            status = Status(int(token[1], 16))
        elif token[0] == RANGE_TOKEN and len(token) == 3:
            range_index = int(token[1:], 16)
    return Variable(kind, value, status, range_index)


def read_fault(text: str) -> Fault | None:
    """Read ``!hhhh`` with or without the place; None for anything else."""
    found = _FAULT.fullmatch(text)
    if found is None:
        return None
    code, line, column = found.groups()
    return Fault(int(code, 16), int(line) if line else None, int(column) if column else None, text)


def read_output(line: str) -> Output:
    """Read one line of a running script. Raises: WireError."""
    if not line:
        return Ended()
    if line[0] == "P":
        return Package(tuple(read_variable(part) for part in line[1:].split(";")))
    if line[0] == "T":
        return Text(line[1:])
    if line in _CLOSED_BY:
        return Finished(_CLOSED_BY[line])
    if line == "L":
        return Began("L")
    if begun := _BEGAN.fullmatch(line):
        return Began(begun[1], int(begun[2], 16))
    if fault := read_fault(line):
        return fault
    raise WireError(f"no line of a running script: {line!r}", data=line.encode(), rule="2.1.3: output lines")


class Nesting:
    """Keeps account of what is open, so that each package knows its technique and scan."""

    def __init__(self) -> None:
        self._open: list[Began] = []
        self._scan = 0

    def place(self, output: Output) -> Output:
        """Return the output, a package with its place filled in. Raises: WireError for blocks that cross."""
        match output:
            case Package(variables):
                return Package(variables, self._technique(), self._scan_now(), self._loops())
            case Began("M"):
                self._scan = 0
                self._open.append(output)
            case Began("C"):
                if not any(one.mark == "M" for one in self._open):
                    raise WireError("a scan outside of a measurement loop", data=b"C", rule="2.1.3: nesting")
                self._scan += 1
                self._open.append(output)
            case Began():
                self._open.append(output)
            case Finished(mark):
                if not self._open or self._open[-1].mark != mark:
                    now = self._open[-1].mark if self._open else "nothing"
                    raise WireError(f"the end of {mark} while {now} is open", rule="2.1.3: nesting")
                self._open.pop()
            case Fault() | Ended():
                self._open.clear()
                self._scan = 0
        return output

    def _technique(self) -> int | None:
        return next((one.number for one in reversed(self._open) if one.mark == "M"), None)

    def _scan_now(self) -> int:
        return self._scan if any(one.mark == "C" for one in self._open) else 0

    def _loops(self) -> int:
        return sum(one.mark == "L" for one in self._open)
