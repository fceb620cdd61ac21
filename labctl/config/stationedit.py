"""Adds an instrument or chamber to the text of a station file; every other byte stays as a person wrote it.

The new lines go to the end of their list. What comes of it is read again, strictly: it must be the file as it was and
exactly one entry more.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, replace
from typing import Literal

from labctl.config.station import DeviceEntry, parse_station
from labctl.errors import UserInputError

Kind = Literal["instruments", "chambers"]
_HEAD = re.compile(r"(instruments|chambers):\s*(#.*)?\Z")
_EMPTY = re.compile(r"(?P<key>\w+:)(\s*(\[\s*\]|~|null))?(?P<rest>\s*(#.*)?)\Z")
EXAMPLE = "Begin with 'instruments:' or 'chambers:', and write one entry below it, as in a station file."


@dataclass(frozen=True, slots=True)
class Added:
    """A station file's text with one entry more, and that entry."""

    text: str
    kind: Kind
    entry: DeviceEntry


def with_device(text: str, lines: str, source: str) -> Added:
    """Return the text of a station file with an entry more; ``lines`` are as they would stand in the file.

    ``source`` names the file in errors. Raises: UserFileError, UserInputError for lines that are no such entry, whose
    name is taken, or for a file whose list is written in one line.
    """
    kind, block = _parted(lines)
    new_text = _inserted(text, kind, block)
    before, after = parse_station(text, source), parse_station(new_text, source)
    more = after.instruments if kind == "instruments" else after.chambers
    same = replace(after, instruments=before.instruments, chambers=before.chambers) == before
    count = len(before.instruments) + len(before.chambers)
    if not same or not more or len(after.instruments) + len(after.chambers) != count + 1:
        raise UserInputError(f"These lines are not one instrument or chamber. {EXAMPLE}")
    return Added(new_text, kind, more[-1])


def _parted(lines: str) -> tuple[Kind, str]:
    """Return which list the lines belong to, and the entry without its indentation."""
    kept = [line.rstrip() for line in lines.splitlines() if line.strip()]
    head = _HEAD.match(kept[0]) if kept else None
    block = textwrap.dedent("\n".join(kept[1:]))
    if head is None or not block.startswith("- "):
        raise UserInputError(f"These lines are not one instrument or chamber. {EXAMPLE}")
    return ("instruments" if head[1] == "instruments" else "chambers"), block


def _inserted(text: str, kind: Kind, block: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines()
    at = next((at for at, line in enumerate(lines) if line.startswith(f"{kind}:")), -1)
    if at < 0:
        lines += ["", f"{kind}:"]
        at = len(lines) - 1
    empty = _EMPTY.match(lines[at])
    if empty is None:
        raise UserInputError(
            f"'{kind}' is written in one line of the station file: add the entry there by hand."
        )
    lines[at] = f"{empty['key']}{empty['rest']}".rstrip()
    last, indent = at, "  "
    for place in range(at + 1, len(lines)):
        line = lines[place]
        if line and not line.startswith((" ", "\t", "-", "#")):
            break
        if line.strip() and not line.lstrip().startswith("#"):
            if last == at:
                indent = line[: len(line) - len(line.lstrip())]
            last = place
    lines[last + 1 : last + 1] = textwrap.indent(block, indent).splitlines()
    return newline.join(lines) + newline
