"""Words and numbers of a PAR 273A, a DSP lock-in and a Solartron 1260; framing of a Prologix box. Pure.

::

    273A     READI<CR LF>            ->  -9090,-6<CR LF>     n1 x 10^n2 A, reduction positive
    lock-in  OF. 1.000000E+03<CR LF>     a full stop behind the word: floating-point units
    1260     FR1.0000000E+3<LF>          numbers that are sent have one digit of exponent
    box      ++addr 14<LF>               to the box; CR, LF, ESC and + in data are escaped with ESC

Replies are read leniently: CR, LF, NUL and blanks around them do not count. Source: potentiostat.md 2.4.
"""

from __future__ import annotations

import cmath
import math
import re

from labctl.errors import UsageError, WireError
from labctl_drivers.par273a.messages import FraResult

REPLY_MAX_BYTES = 4096
"""Some hundred numbers; more is no instrument that answers one question."""

MANTISSA_MAX = 2000
"""Largest first operand of ``SETI`` [S]."""

MV_PER_V = 1000.0
ESC = 0x1B
_ESCAPED = frozenset(b"\r\n\x1b+")
_SPACE = b"\r\n\0 "
_INTEGER = re.compile(rb"[+-]? ?\d{1,9}")
_EXPONENT_DIGITS_SENT = 9


def prologix_data(data: bytes) -> bytes:
    """Return the line that makes a Prologix box send these bytes, as they are, to the device addressed."""
    return b"".join(bytes((ESC, byte)) if byte in _ESCAPED else bytes((byte,)) for byte in data) + b"\n"


def read_integers(data: bytes, delimiter: int, count: int) -> tuple[int, ...] | None:
    """Return ``count`` whole numbers once all have come, else None; each ends with the delimiter, CR or LF.

    Raises: WireError for anything else than numbers, or for more of them.
    """
    separators = data.replace(bytes((delimiter,)), b"\n").replace(b"\r", b"\n").replace(b"\0", b"")
    *whole, rest = separators.split(b"\n")
    texts = [text.strip() for text in whole if text.strip()]
    if len(texts) > count or len(data) > REPLY_MAX_BYTES:
        raise WireError(f"more than {count} numbers", data=data, rule="2.4.3: replies")
    for text in texts:
        if not _INTEGER.fullmatch(text):
            raise WireError(f"no whole number: {text!r}", data=data, rule="2.4.2: numbers are integers")
    if len(texts) < count or rest.strip():
        return None
    return tuple(int(text.replace(b" ", b"")) for text in texts)


def read_line(data: bytes) -> str | None:
    """Return the first line of text once it has ended with CR or LF, else None. Raises WireError."""
    text = data.lstrip(_SPACE)
    ends = [at for at in (text.find(b"\r"), text.find(b"\n")) if at >= 0]
    if not ends:
        if len(data) > REPLY_MAX_BYTES:
            raise WireError("bytes without a line's end", data=data, rule="reply length")
        return None
    line = text[: min(ends)].replace(b"\0", b"").strip()
    if not all(0x20 <= byte < 0x7F for byte in line):
        raise WireError("no line of text", data=data, rule="printable ASCII")
    return line.decode("ascii")


def read_floats(line: str, count: int) -> tuple[float, ...]:
    """Return ``count`` numbers between commas. Raises WireError."""
    try:
        values = tuple(float(text.replace(" ", "")) for text in line.split(","))
    except ValueError as error:
        raise WireError(f"no numbers: {line!r}", data=line.encode(), rule="2.4.6: numbers") from error
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise WireError(f"not {count} numbers: {line!r}", data=line.encode(), rule="2.4.6: numbers")
    return values


def read_poll(line: str) -> int:
    """Return the status byte that a Prologix box tells. Raises WireError."""
    if not line.isdigit() or int(line) > 0xFF:
        raise WireError(f"no status byte: {line!r}", data=line.encode(), rule="2.4.8: answer to ++spoll")
    return int(line)


# -- the 273A ----------------------------------------------------------------------------------------------------------


def mV_of(e_V: float) -> int:
    """Return a potential as the instrument takes it: whole millivolts."""
    return round(e_V * MV_PER_V)


def seti_operands(i_A: float) -> tuple[int, int]:
    """Return mantissa and exponent of ``SETI`` for an anodic current, in the instrument's sign (reduction positive).

    The mantissa has as many digits as go: 200 to 2000 of it, so the current is met within 0.25 %.
    """
    if i_A == 0.0:
        return 0, -6
    exponent = math.ceil(math.log10(abs(i_A) / MANTISSA_MAX) - 1e-12)
    mantissa = round(-i_A / 10.0**exponent)
    return mantissa, exponent


def anodic_A(mantissa: int, exponent: int) -> float:
    """Return the current of ``READI`` as labctl counts it: anodic positive, so with the sign turned (2.4.5)."""
    return -float(f"{mantissa}e{exponent}")


# -- lock-in and FRA ---------------------------------------------------------------------------------------------------


def lockin_number(value: float) -> str:
    """Return a number as a lock-in takes it behind a word with a full stop."""
    return f"{value:.6E}"


def solartron_number(value: float) -> str:
    """Return a number as a 1260 takes it: one digit of exponent. Raises: UsageError where it needs two."""
    mantissa, _, exponent = f"{value:.7E}".partition("E")
    if abs(int(exponent)) > _EXPONENT_DIGITS_SENT:
        raise UsageError(f"{value:g} needs two digits of exponent", operation="encode")
    return f"{mantissa}E{int(exponent):+d}"


def read_fra(line: str, *, polar: bool) -> FraResult:
    """Return what a 1260 answers to ``SI``: frequency, two parameters, error digit, limit code. Raises WireError.

    ``polar``: the parameters are magnitude and degrees, not real and imaginary part.
    """
    fields = line.split(",")
    if len(fields) != 5:
        raise WireError(
            f"{len(fields)} fields, not 5: {line!r}", data=line.encode(), rule="2.4.7: reply to SI"
        )
    frequency_Hz, first, second, error, _ = read_floats(line, 5)
    ratio = cmath.rect(first, math.radians(second)) if polar else complex(first, second)
    return FraResult(frequency_Hz, ratio, int(error))
