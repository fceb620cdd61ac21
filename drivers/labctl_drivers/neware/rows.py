r"""Row lists, fast: a list of equal-shaped rows is split at its quotes once and read column by column.

A page of records looks like this, and every part between the values repeats from row to row::

    <list count="2">
      <data seqid="1001" stepid="4" ... eng="1.3E-05" />
      <data seqid="1002" stepid="4" ... eng="1.4E-05" />
    </list>

``columns_of`` checks that: names, order and spacing equal in all rows, no ``&``, no ``<`` but those of the tags. What
passes is exactly what an XML parser would have read; anything else gives None, and the caller takes the element path
(``xmltree``), which is slower and knows everything. Values are validated by the caller, column by column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from labctl.errors import WireError

_NAME = rb"[A-Za-z_][\w.-]*"
_BETWEEN = re.compile(rb"\s+(" + _NAME + rb")\s*=\s*", re.ASCII)
_ATTRIBUTE = re.compile(rb"\s+(" + _NAME + rb')\s*=\s*"([^"<&]*)"', re.ASCII)
_HEAD = re.compile(
    rb'(?:<\?xml\s[^<>]*\?>)?\s*<bts\s+version\s*=\s*"1\.0"\s*>\s*<cmd>(\w+)</cmd>\s*'
    rb"(?:<(" + _NAME + rb")((?:\s+" + _NAME + rb'\s*=\s*"[^"<&]*")*)\s*/>\s*)?'
    rb'<list\s+count\s*=\s*"(\d{1,9})"\s*(/>|>)',
    re.ASCII,
)
_TAIL = re.compile(rb"\s*</bts>\s*", re.ASCII)
_UTF8 = re.compile(rb"<\?xml\s[^<>]*encoding\s*=\s*[\"'](?!utf-?8[\"'])", re.IGNORECASE)
_STRING_MAX = 65_536


@dataclass(frozen=True, slots=True)
class Head:
    """What stands in front of the rows: reply name, echo element, stated row count, and the bytes of the rows."""

    reply_name: str
    echo_tag: str
    echo: dict[str, str]
    count: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Columns:
    """Values by attribute name, all of one length; ``texts`` holds the rows' text content where they have one."""

    count: int
    values: dict[str, list[bytes]]
    texts: list[bytes] | None


def split_head(frame: bytes) -> Head | None:
    """Take a reply of the common form ``cmd``, one optional echo, ``list`` apart; None = use the element path."""
    match = _HEAD.match(frame)
    if match is None or _UTF8.match(frame):
        return None
    if match.group(5) == b"/>":
        body, rest = b"", match.end()
    else:
        close = frame.rfind(b"</list>")
        if close < match.end():
            return None
        body, rest = frame[match.end() : close], close + len(b"</list>")
    if _TAIL.fullmatch(frame, rest) is None:
        return None
    pairs = _ATTRIBUTE.findall(match.group(3) or b"")
    try:
        echo = {name.decode(): value.decode() for name, value in pairs}
        echo_tag = (match.group(2) or b"").decode()
    except UnicodeDecodeError:
        return None
    if len(echo) != len(pairs):
        return None
    return Head(match.group(1).decode(), echo_tag, echo, int(match.group(4)), body)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the parts between the values say: attribute names, row count, row texts, and how many tags there are."""

    names: tuple[str, ...]
    count: int
    texts: tuple[bytes, ...] | None
    tags: int


SMALL_PARTS = 256
"""Lists with at most so many parts (a poll of a few dozen channels) have their shape remembered: the next poll differs
in its values alone."""


def columns_of(body: bytes, tag: bytes) -> Columns | None:
    """Read rows of one shape into columns; None = rows differ in shape or need a real parser."""
    if b"&" in body:
        return None
    parts = body.split(b'"')
    if len(parts) < 3:
        return Columns(0, {}, None) if not body.strip() else None
    between = tuple(parts[::2])
    shape = _known_shape(between, tag) if len(parts) <= SMALL_PARTS else _shape_of(between, tag)
    if shape is None or len(parts) % 2 == 0 or body.count(b"<") != shape.tags:
        return None
    width = 2 * len(shape.names)
    values = {name: parts[2 * k + 1 :: width] for k, name in enumerate(shape.names)}
    return Columns(shape.count, values, None if shape.texts is None else list(shape.texts))


def _shape_of(between: tuple[bytes, ...], tag: bytes) -> _Shape | None:
    """Check that all rows are written alike: ``between`` holds the parts before, between and behind the values."""
    opening, ending = _row_patterns(tag)
    first = opening.fullmatch(between[0])
    if first is None:
        return None
    names = [first.group(1)]
    while len(names) < len(between) - 1:
        separator = _BETWEEN.fullmatch(between[len(names)])
        if separator is None:
            break
        names.append(separator.group(1))
    width = len(names)
    if (len(between) - 1) % width or len(set(names)) != width:
        return None
    count = (len(between) - 1) // width
    for position in range(1, width):
        column = between[position::width]
        if column.count(column[0]) != count:
            return None
    texts = _texts_between(between[width::width], names[0], opening, ending)
    if texts is None:
        return None
    closed_apart = count - texts.count(None)
    return _Shape(
        names=tuple(name.decode() for name in names),
        count=count,
        texts=tuple(text or b"" for text in texts) if closed_apart else None,
        tags=count + closed_apart,
    )


_known_shape = lru_cache(maxsize=256)(_shape_of)


@lru_cache(maxsize=16)
def _row_patterns(tag: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return the patterns of a row's opening up to its first value, and of its end behind the last value."""
    opening = re.compile(rb"\s*<" + tag + rb"\s+(" + _NAME + rb")\s*=\s*", re.ASCII)
    return opening, re.compile(rb"(?:\s*/>|\s*>([^<>&]*)</" + tag + rb"\s*>)", re.ASCII)


def _texts_between(
    gaps: tuple[bytes, ...], first_name: bytes, opening: re.Pattern[bytes], ending: re.Pattern[bytes]
) -> list[bytes | None] | None:
    """Read what follows each row's last value: ``/>`` (None) or ``>text</tag>``, then the next row's opening, which
    must begin with the same attribute as the first row."""
    known: dict[bytes, bytes | None] = {}
    for gap in set(gaps[:-1]):
        end = ending.match(gap)
        start = None if end is None else opening.fullmatch(gap, end.end())
        if end is None or start is None or start.group(1) != first_name:
            return None
        known[gap] = end.group(1)
    last = ending.match(gaps[-1])
    if last is None or gaps[-1][last.end() :].strip():
        return None
    return [*(known[gap] for gap in gaps[:-1]), last.group(1)]


_INTEGER_JUNK = b"0123456789,"
_NUMBER_JUNK = b"0123456789+-.eE,"


def are_integers(column: Sequence[bytes]) -> bool:
    """Tell whether every value is a plain unsigned decimal of at most 18 digits."""
    digits_only = not b",".join(column).translate(None, _INTEGER_JUNK)
    return digits_only and b"" not in column and len(max(column, key=len)) <= 18


def have_number_letters(column: Sequence[bytes]) -> bool:
    """Tell whether no value holds anything but digits, sign, point and exponent letter (so no nan, inf, ``_``)."""
    return not b",".join(column).translate(None, _NUMBER_JUNK)


_INTEGER = re.compile("-?[0-9]{1,18}")


def integer(text: str | None, what: str, default: int | None = None) -> int:
    """Read a decimal integer; empty, ``--`` and missing give ``default``. Raises: WireError."""
    if text is None or text in ("", "--"):
        if default is not None:
            return default
        raise WireError(f"{what} is missing", rule="integer attribute")
    if _INTEGER.fullmatch(text) is None:
        raise WireError(f"{what} is {text[:40]!r}, not an integer", rule="integer attribute")
    return int(text)


_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?")


def number(text: str | None, scale: float = 1.0) -> float:
    """Read a decimal number; whatever is none (``--``, empty, missing, nan) gives NaN, never a guess."""
    if text is None or _NUMBER.fullmatch(text) is None:
        return float("nan")
    value = float(text) / scale
    return value if abs(value) != float("inf") else float("nan")
