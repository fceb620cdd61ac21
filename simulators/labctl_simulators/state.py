"""Keep a bench's accepted commands and grants in a folder, so that it comes back after a SIGKILL.

The folder holds ``bench.json`` (what the bench was made of), ``journal.jsonl`` (one line per accepted command
or grant with its plant time) and ``ports.json`` (to come back at the same addresses). A command is on disk
before it is answered. Replaying the journal gives the same records, test ids, cell ages and plant time,
because the bench is deterministic; then the restart itself is noted: to its clients the bench looks like an
instrument that lost power (virtual-time 4.6).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, cast

from labctl.errors import StoreError, UserInputError

BENCH_FILE = "bench.json"
JOURNAL_FILE = "journal.jsonl"
PORTS_FILE = "ports.json"
LOCK_FILE = "lock"


class StateFolder:
    """The folder of one bench, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = (path / LOCK_FILE).open("ab")
        except OSError as error:
            raise UserInputError(
                f"The state folder {path} cannot be used: {error.strerror or error}."
            ) from error
        try:
            _lock(self._lock.fileno())
        except OSError as error:
            self._lock.close()
            raise UserInputError(
                f"The state folder {path} cannot be used: {error.strerror or error}. "
                "Another virtual bench may be running on it; stop that one or take another folder."
            ) from error
        self._journal: FileIO | None = None

    def bench(self) -> dict[str, Any] | None:
        """Return what the bench was made of, or None in a fresh folder."""
        file = self.path / BENCH_FILE
        if not file.is_file():
            return None
        try:
            return cast(dict[str, Any], json.loads(file.read_text("utf-8")))
        except ValueError as error:
            raise StoreError(f"{file} is damaged: {error}. Take a fresh state folder.") from error

    def create(self, bench: Mapping[str, Any]) -> None:
        """Write down what the bench is made of, durably."""
        write_durably(self.path / BENCH_FILE, json.dumps(dict(bench)))

    def entries(self) -> Iterator[dict[str, Any]]:
        """Return the journal's entries, oldest first; a torn last line is left out and cut off.

        Raises: StoreError for a line that is damaged in the middle.
        """
        file = self.path / JOURNAL_FILE
        if not file.is_file():
            return
        data = file.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            os.truncate(file, whole)
        for number, line in enumerate(data[:whole].splitlines(), start=1):
            try:
                yield cast(dict[str, Any], json.loads(line))
            except ValueError as error:
                raise StoreError(f"{file}, line {number} is damaged: {error}.") from error

    def write(self, entry: Mapping[str, Any], *, durable: bool) -> None:
        """Append one entry; ``durable``: it has reached the disk when this returns."""
        if self._journal is None:
            self._journal = (self.path / JOURNAL_FILE).open("ab", buffering=0)
        self._journal.write(json.dumps(dict(entry), separators=(",", ":")).encode() + b"\n")
        if durable:
            os.fsync(self._journal.fileno())

    def ports(self) -> dict[str, int]:
        """Return the ports of the last time, by name."""
        file = self.path / PORTS_FILE
        try:
            return cast(dict[str, int], json.loads(file.read_text("utf-8")))
        except (OSError, ValueError):
            return {}

    def keep_ports(self, ports: Mapping[str, int]) -> None:
        """Write the ports down for the next time."""
        write_durably(self.path / PORTS_FILE, json.dumps(dict(ports)))

    def close(self) -> None:
        """Let the folder go."""
        if self._journal is not None:
            self._journal.close()
        self._lock.close()


def write_durably(path: Path, text: str) -> None:
    """Write a small file so that a crash leaves the old or the new one (S3)."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    if sys.platform != "win32":  # Windows cannot sync a folder, and need not
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
