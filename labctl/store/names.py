"""File names of a run folder and the constants that cut it. Nothing here depends on user text (X07)."""

from __future__ import annotations

import re

ROWS_PER_FILE = 32_768
"""A records file holds the sequences (k - 1) * 32,768 + 1 ...

k * 32,768: cut by sequence, never by time or block.
"""

MANIFEST = "run.json"
MANIFEST_BEFORE = "run.previous.json"
EVENTS = "events.jsonl"
RECEIPTS = "receipts.jsonl"
AMBIENT = "ambient.jsonl"
JOURNAL = "journal.jsonl"
SUMMARY = "summary.parquet"
TAIL = "tail.parquet"
CELLS = "cells.jsonl"
"""In the data root: every revision of every cell."""
TEMPORARY_SUFFIX = ".tmp"

_LOG = re.compile(r"records-(\d{4,})(?:-p(\d+))?\.log")
_RECORDS = re.compile(r"records-(\d{4,})\.parquet")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")


def file_number(sequence: int) -> int:
    """Return the number of the records file that holds a sequence; both count from 1."""
    return (sequence - 1) // ROWS_PER_FILE + 1


def last_sequence_of(number: int) -> int:
    """Return the last sequence that belongs to a records file."""
    return number * ROWS_PER_FILE


def log_name(number: int, part: int = 1) -> str:
    """Return the name of a live log; parts above 1 replace one that a disk error froze (S2)."""
    return f"records-{number:04d}.log" if part == 1 else f"records-{number:04d}-p{part}.log"


def records_name(number: int) -> str:
    """Return the name of a sealed records file."""
    return f"records-{number:04d}.parquet"


def clock_name(number: int) -> str:
    """Return the name of the file with the instrument's own clock texts of a records file."""
    return f"clock-{number:04d}.parquet"


def log_parts(names: list[str]) -> dict[int, list[int]]:
    """Return the parts of each live log among ``names``, by file number, in order."""
    found: dict[int, list[int]] = {}
    for name in names:
        match = _LOG.fullmatch(name)
        if match:
            found.setdefault(int(match[1]), []).append(int(match[2] or 1))
    return {number: sorted(parts) for number, parts in sorted(found.items())}


def sealed_numbers(names: list[str]) -> list[int]:
    """Return the numbers of the sealed records files among ``names``, in order."""
    return sorted(int(match[1]) for name in names if (match := _RECORDS.fullmatch(name)))


def is_safe_id(text: str) -> bool:
    """Say whether an id may be a file name on every system: ASCII, no separators, not reserved on Windows."""
    return _ID.fullmatch(text) is not None and _RESERVED.fullmatch(text) is None
