"""Reads unified diffs and applies them by content: a hunk is looked for, nearest to where it says it belongs.

Small and strict: a hunk whose lines are not there, or are there twice equally near, is an error. No fuzz: a patch
that no longer says what stands in the file is stale and must be written anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from labctl.errors import UserFileError

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")


@dataclass(slots=True)
class Hunk:
    """Lines that stand there now, and lines that take their place; ``line`` is where the first is expected."""

    line: int
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Patch:
    """A patch file: its header fields (``Invariant: I05``), and the hunks of each file by relative path."""

    name: str
    header: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[Hunk]] = field(default_factory=dict)


def read_patch(path: Path) -> Patch:
    """Read a patch file. Raises: UserFileError naming the line that is no part of a unified diff."""
    patch = Patch(path.name)
    hunks: list[Hunk] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("+++ "):
            hunks = patch.files.setdefault(line[4:].split("\t")[0].removeprefix("b/"), [])
        elif line.startswith("--- "):
            hunks = None
        elif match := _HUNK.match(line):
            if hunks is None:
                raise UserFileError("a hunk without a file above it.", path=path, line=number)
            hunks.append(Hunk(int(match.group(1))))
        elif hunks:
            _take(hunks[-1], line, path, number)
        elif ": " in line:
            key, _, value = line.partition(": ")
            patch.header[key] = value
    if not patch.files:
        raise UserFileError("no file is changed.", path=path, fix="Write a unified diff.")
    return patch


def _take(hunk: Hunk, line: str, path: Path, number: int) -> None:
    sign, text = line[:1], line[1:]
    if sign in (" ", "", "-"):
        hunk.before.append(text)
    if sign in (" ", "", "+"):
        hunk.after.append(text)
    if sign not in (" ", "", "-", "+", "\\"):
        raise UserFileError(f"{line[:40]!r} is no line of a hunk.", path=path, line=number)


def apply_patch(patch: Patch, tree: Path) -> None:
    """Change the files of a tree. Raises: UserFileError where a hunk does not fit; nothing has been written then."""
    changed: dict[Path, str] = {}
    for name, hunks in patch.files.items():
        path = tree / name
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except OSError as error:
            raise UserFileError(
                f"{patch.name} changes {name}, which cannot be read: {error}", path=name
            ) from error
        shift = 0
        for hunk in hunks:
            at = _place(lines, hunk, hunk.line - 1 + shift, f"{patch.name}: {name}")
            lines[at : at + len(hunk.before)] = hunk.after
            shift = at - (hunk.line - 1) + len(hunk.after) - len(hunk.before)
        changed[path] = "\n".join(lines)
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")


def _place(lines: list[str], hunk: Hunk, expected: int, where: str) -> int:
    size = len(hunk.before)
    found = [at for at in range(len(lines) - size + 1) if lines[at : at + size] == hunk.before]
    if not found:
        raise UserFileError(
            f"the patch is stale: these lines are gone: {hunk.before[0].strip()!r} ...", path=where, line=hunk.line,
            fix="Write the planted bug anew for the code as it is.",
        )  # fmt: skip
    nearest = sorted(found, key=lambda at: abs(at - expected))
    if len(nearest) > 1 and abs(nearest[0] - expected) == abs(nearest[1] - expected):
        raise UserFileError(
            "the patch fits twice, equally near; give it more context.", path=where, line=hunk.line
        )
    return nearest[0]
