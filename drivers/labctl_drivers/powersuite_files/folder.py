"""The watched folder: sheets written whole, exports found, raw bytes kept. Blocking; called in the driver's thread."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHEET_SUFFIX = ".plan.txt"
TAKEN = "labctl-taken"
BYTES_MAX = 64_000_000
UNFINISHED = (".part", ".tmp", ".crdownload", "~")
"""Names of files that some program is still writing."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another without reading it."""

    size: int
    mtime_ns: int


Listing = Mapping[str, Stamp]


class Folder:
    """One folder. Every method raises OSError where the folder or a file cannot be had."""

    def __init__(self, path: Path, raw: Path | None) -> None:
        self.path = path
        self.raw = raw or path / TAKEN

    def check(self) -> None:
        """Make sure that the folder is there and can be written to."""
        probe = self.path / f"labctl-{os.getpid()}.tmp"
        probe.write_bytes(b"")
        probe.unlink()

    def listing(self) -> Listing:
        """Return the files that could be exports, as they stand now."""
        found: dict[str, Stamp] = {}
        with os.scandir(self.path) as entries:
            for entry in entries:
                name = entry.name.lower()
                if name.startswith(".") or name.endswith((SHEET_SUFFIX, *UNFINISHED)) or not entry.is_file():
                    continue
                try:
                    told = entry.stat()
                except FileNotFoundError:
                    continue  # renamed or deleted while we look: gone is gone
                found[entry.name] = Stamp(told.st_size, told.st_mtime_ns)
        return found

    def free_stem(self, name: str) -> str:
        """Return ``labctl-<name>-0001``, or with the next number for which nothing lies in the folder."""
        taken = {entry.name for entry in self.path.iterdir()}
        number = 1
        while any(one.startswith(f"labctl-{name}-{number:04d}.") for one in taken):
            number += 1
        return f"labctl-{name}-{number:04d}"

    def write_sheet(self, stem: str, text: str) -> Path:
        """Write a sheet; it appears whole or not at all."""
        path = self.path / f"{stem}{SHEET_SUFFIX}"
        part = path.with_name(f"{path.name}.part")
        part.write_text(text, encoding="utf-8", newline="\r\n")
        os.replace(part, path)  # noqa: PTH105
        return path

    def withdraw_sheet(self, stem: str) -> None:
        """Give a sheet another name, so that nobody follows it any more."""
        sheet = self.path / f"{stem}{SHEET_SUFFIX}"
        sheet.rename(sheet.with_name(f"{stem}.withdrawn{SHEET_SUFFIX}"))

    def read(self, name: str) -> bytes:
        """Return the bytes of an export. Raises: OSError also for one that is far too large."""
        path = self.path / name
        if path.stat().st_size > BYTES_MAX:
            raise OSError(f"{name} is larger than {BYTES_MAX / 1e6:.0f} MB")
        return path.read_bytes()

    def keep_raw(self, stem: str, name: str, data: bytes) -> Path:
        """File the raw bytes of an export unchanged under a name that is free, and return where."""
        self.raw.mkdir(parents=True, exist_ok=True)
        first = self.raw / (name if name.startswith(stem) else f"{stem}-{name}")
        kept, number = first, 2
        while kept.exists():
            kept, number = first.with_stem(f"{first.stem}-{number}"), number + 1
        part = kept.with_name(f"{kept.name}.part")
        part.write_bytes(data)
        os.replace(part, kept)  # noqa: PTH105
        return kept
