"""The words of the multiplexer: one line, one command. Source: potentiostat.md 2.7 (plain SCPI switch words)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

LINE_MAX = 255


class Verb(StrEnum):
    """What a line asks for."""

    IDENTITY = "*IDN?"
    CLOSE = "ROUT:CLOS"
    OPEN = "ROUT:OPEN"
    OPEN_ALL = "ROUT:OPEN:ALL"
    ASK = "ROUT:CLOS?"


@dataclass(frozen=True, slots=True)
class Command:
    """A command; ``path`` is 0 where the verb takes none."""

    verb: Verb
    path: int = 0


_PATTERNS = (
    (Verb.IDENTITY, re.compile(r"\*IDN\?", re.IGNORECASE)),
    (Verb.OPEN_ALL, re.compile(r":?ROUT(?:E)?:OPEN:ALL", re.IGNORECASE)),
    (Verb.ASK, re.compile(r":?ROUT(?:E)?:CLOS(?:E)?\?\s*\(@(\d{3})\)", re.IGNORECASE)),
    (Verb.CLOSE, re.compile(r":?ROUT(?:E)?:CLOS(?:E)?\s+\(@(\d{3})\)", re.IGNORECASE)),
    (Verb.OPEN, re.compile(r":?ROUT(?:E)?:OPEN\s+\(@(\d{3})\)", re.IGNORECASE)),
)
"""Short and long forms, in any case: SCPI knows no other difference between them."""


def parsed(line: str) -> Command | None:
    """Return the command of a line, None for what the instrument does not know."""
    for verb, pattern in _PATTERNS:
        match = pattern.fullmatch(line.strip())
        if match is not None:
            return Command(verb, int(match[1]) if match.groups() else 0)
    return None
