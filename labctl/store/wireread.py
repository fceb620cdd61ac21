"""Reads the raw-frame log of one instrument backwards, a page at a time, while it is being written.

Files as in ``wirelog``; newest first. A line says its link time since its process began; the moment of that is in the
``begin`` line before it, so the places of those lines are looked up once and remembered.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from labctl.store.disk import Disk
from labctl.store.wirelog import FILES_MAX, FOLDER

CHUNK_BYTES = 1024 * 1024
HEAD_BYTES, SECOND_BYTES = 4096, 64
"""Where the first line and the beginning of the second are: they tell one file from the next that it is renamed to."""
SCAN_BYTES_MAX = 64 * 1024 * 1024
"""What one question reads at the most (I14); the page then says how to go on."""
LINE_BYTES_MAX = 8 * 1024 * 1024
_BEGIN = b'{"event": "begin"'
_TIME = re.compile(rb'^\{"time_s": (-?[0-9.e+-]+),')
_CURSOR = re.compile(r"([0-9a-f]{8})-([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class WireLine:
    """One line of the log with its moment and its place."""

    utc: datetime | None
    fields: dict[str, Any]
    cursor: str


@dataclass(slots=True)
class _Known:
    """The ``begin`` lines of a file as far as it has been read: offset and moment."""

    mark: str
    scanned: int = 0
    begins: list[tuple[int, datetime]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WirePage:
    """Lines that were wanted, newest first; ``earlier`` goes on before them, empty at the beginning of what is kept."""

    lines: tuple[WireLine, ...]
    earlier: str


class WireReader:
    """The log of one instrument. Blocking: use it in a worker."""

    def __init__(self, disk: Disk, root: Path, name: str) -> None:
        self._disk = disk
        self._path = root / FOLDER / f"{name}.log"
        self._known: dict[str, _Known] = {}

    def page(
        self, limit: int, *, before: str = "", until: datetime | None = None,
        wanted: Callable[[dict[str, Any]], bool] = lambda fields: True,
    ) -> WirePage:  # fmt: skip
        """Return up to ``limit`` wanted lines before a cursor, or not later than a moment.

        Raises: ValueError for a cursor that is none, OSError.
        """
        mark, at = _place_of(before)
        found: list[WireLine] = []
        left, oldest = SCAN_BYTES_MAX, before
        for path, size in self._files():
            known = self._scan(path, size)
            if mark and known.mark != mark:
                continue
            end, mark = (min(at, size) if mark else size), ""
            for offset, raw in self._backwards(path, end):
                left -= len(raw)
                oldest = f"{known.mark}-{offset}"
                line = self._line(known, offset, raw, until)
                if line is not None and wanted(line.fields):
                    found.append(line)
                if len(found) >= limit or left <= 0:
                    return WirePage(tuple(found), oldest)
        return WirePage(tuple(found), "")

    def _files(self) -> list[tuple[Path, int]]:
        names = [self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, FILES_MAX))]
        sizes = [(path, self._disk.size(path)) for path in names]
        return [(path, size) for path, size in sizes if size]

    def _scan(self, path: Path, size: int) -> _Known:
        """Find the ``begin`` lines of what has been added to a file since the last look."""
        mark = _mark(self._disk.read_part(path, 0, HEAD_BYTES))
        known = self._known.setdefault(mark, _Known(mark))
        while len(self._known) > FILES_MAX + 1:
            del self._known[next(iter(self._known))]
        while known.scanned < size:
            chunk = self._disk.read_part(path, known.scanned, CHUNK_BYTES)
            if not chunk:
                break
            at = chunk.find(_BEGIN)
            while at >= 0:
                line = self._disk.read_part(path, known.scanned + at, CHUNK_BYTES // 64).partition(b"\n")[0]
                if (utc := _begin_utc(line)) is not None:
                    known.begins.append((known.scanned + at, utc))
                at = chunk.find(_BEGIN, at + 1)
            whole = known.scanned + len(chunk) >= size
            # a chunk may end within such a line: the next one begins a little before
            known.scanned += len(chunk) if whole or len(chunk) <= len(_BEGIN) else len(chunk) - len(_BEGIN)
        return known

    def _backwards(self, path: Path, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that end before a place, newest first, each with where it begins."""
        tail, at = b"", end
        while at > 0:
            begin = max(0, at - CHUNK_BYTES)
            data = self._disk.read_part(path, begin, at - begin) + tail
            lines = data.split(b"\n")
            tail, at = lines.pop(0), begin
            if len(tail) > LINE_BYTES_MAX:
                return
            offset = begin + len(data)
            for raw in reversed(lines):
                offset -= len(raw)
                if raw:
                    yield offset, raw
                offset -= 1
        if tail:
            yield 0, tail

    @staticmethod
    def _line(known: _Known, offset: int, raw: bytes, until: datetime | None) -> WireLine | None:
        began = next((utc for place, utc in reversed(known.begins) if place <= offset), None)
        match = _TIME.match(raw)
        utc = began
        if match is not None and began is not None:
            utc = began + timedelta(seconds=float(match[1]))
        if until is not None and (utc is None or utc > until):
            return None
        try:
            fields = json.loads(raw)
        except ValueError:
            fields = {"event": "unreadable"}
        return WireLine(utc, fields if isinstance(fields, dict) else {}, f"{known.mark}-{offset}")


def _mark(head: bytes) -> str:
    """Name a file by its first line, which says when and by whom it was begun, and the first frame behind it."""
    first, *others = head.split(b"\n", 2)
    return f"{zlib.crc32(b''.join([first, *(other[:SECOND_BYTES] for other in others[:1])])):08x}"


def _place_of(cursor: str) -> tuple[str, int]:
    if not cursor:
        return "", 0
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise ValueError(f"{cursor!r} is no place in the raw frames")
    return match[1], int(match[2])


def _begin_utc(line: bytes) -> datetime | None:
    try:
        return datetime.fromisoformat(str(json.loads(line)["utc"]))
    except (ValueError, KeyError, TypeError):
        return None
