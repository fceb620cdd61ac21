"""JSON lines that know whether they are whole: events, receipts, ambient readings, the journal, the cell
registry.

A line is ``{"n": 7, ..., "check": "5d41402a"}``: ``n`` rises, ``check`` is CRC-32 of everything before it,
or, in a chained file (I17), the first 32 hex digits of SHA-256 over the previous check and everything
before it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False).encode
_MARK = b', "check": "'
_START = b'{"n": '


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line, without its check, and the bytes it was read from (newline included)."""

    fields: dict[str, Any]
    raw: bytes
    check: str

    @property
    def number(self) -> int:
        """Return the line's number ``n``."""
        return int(self.fields["n"])


@dataclass(frozen=True, slots=True)
class LineFile:
    """What a line file holds. ``end`` is where the next line belongs; ``bad`` are 1-based numbers of
    damaged lines.

    A damaged line with no whole line behind it is the tail of a crash: not in ``bad``, and ``end`` is
    before it.
    """

    lines: tuple[Line, ...]
    end: int
    bad: tuple[int, ...]


def _check(text: bytes, previous: str | None) -> str:
    if previous is None:
        return f"{zlib.crc32(text):08x}"
    return hashlib.sha256(previous.encode("ascii") + text).hexdigest()[:32]


def encode_line(number: int, fields: Mapping[str, Any], *, previous: str | None = None) -> Line:
    """Return one line.

    ``previous`` is the check of the line before in a chained file ("" for the first).
    """
    content = {"n": number, **fields}
    text = _encode(content).encode()[:-1]
    check = _check(text, previous)
    return Line(content, text + _MARK + check.encode("ascii") + b'"}\n', check)


def decode_line(raw: bytes) -> tuple[dict[str, Any], bytes, str] | None:
    """Return fields, checked text and check of one line, ``None`` if its shape is wrong."""
    text, mark, rest = raw.rpartition(_MARK)
    if not mark or not rest.endswith(b'"}\n'):
        return None
    try:
        fields = json.loads(text + b"}")
    except ValueError:
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("n"), int):
        return None
    return fields, text, rest[:-3].decode("ascii", "replace")


def _fits(decoded: tuple[dict[str, Any], bytes, str], previous: str | None, chained: bool) -> bool:
    """Check one line; in a chained file the link to an unreadable line is taken as whole."""
    if not chained:
        return decoded[2] == _check(decoded[1], None)
    return previous is None or decoded[2] == _check(decoded[1], previous)


def read_lines(data: bytes, *, chained: bool = False) -> LineFile:
    """Read a line file; damaged lines are left out, a damaged tail is cut."""
    lines: list[Line] = []
    suspects: list[int] = []
    bad: list[int] = []
    at = end = 0
    number = 0
    previous: str | None = ""
    while at < len(data):
        stop = data.find(b"\n", at) + 1
        number += 1
        if stop == 0:
            break
        decoded = decode_line(data[at:stop])
        if decoded is None:
            # a damaged newline must not take the next line with it
            inner = data.find(_START, at + 1, stop)
            stop = inner if inner > 0 else stop
        raw = data[at:stop]
        fits = decoded is not None and _fits(decoded, previous, chained)
        if decoded is None:
            suspects.append(number)
        else:
            if fits:
                lines.append(Line(decoded[0], raw, decoded[2]))
            bad += suspects if fits else [*suspects, number]
            suspects = []
            end = stop
        previous = decoded[2] if decoded is not None and fits else None
        at = stop
    return LineFile(tuple(lines), end, tuple(bad))
