"""An append-only file of the station's own acts: queue, alarms, audit, registry. Durable before it returns.

Each line carries a number, a check and the check of the line before it (``store.lines``): a changed, lost or
inserted line is found. Blocking work runs in the station's store thread, so the event loop never waits for a disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labctl.errors import StoreError
from labctl.store.disk import Disk, replace_file
from labctl.store.lines import Line, LineFile, encode_line, read_lines
from labctl.store.linewriter import LineWriter
from labctl.store.root import DataRoot
from labctl.worker import Worker

FOLDER = "station"
"""Where the station keeps its own files in the data root."""


class Ledger:
    """One chained line file ``<data>/station/<name>.jsonl``."""

    def __init__(self, root: DataRoot, worker: Worker, name: str) -> None:
        """Name the file; ``open`` reads it."""
        self.path: Path = root.path / FOLDER / f"{name}.jsonl"
        self._root = root
        self._worker = worker
        self._writer: LineWriter | None = None

    async def open(self) -> LineFile:
        """Repair a torn tail, return everything that is there. Raises: StoreError."""
        return await self._worker.call(self._open)

    def _open(self) -> LineFile:
        disk = self._root.disk
        try:
            disk.make_folder(self.path.parent)
            self._put_back(disk)
            self._writer = LineWriter(disk, self.path, chained=True, on_trouble=self._root.troubles.append)
            data = disk.read(self.path) if disk.size(self.path) is not None else b""
        except OSError as error:
            raise StoreError(f"Cannot open {self.path}: {error}") from error
        return read_lines(data, chained=True)

    def _put_back(self, disk: Disk) -> None:
        """Undo a compaction that a crash has cut between its two renames: the newest file kept aside goes on."""
        if disk.size(self.path) is not None:
            return
        start, end = f"{self.path.stem}-", ".jsonl"
        numbers = [
            int(digits)
            for name in disk.names(self.path.parent)
            if name.startswith(start) and name.endswith(end)
            and (digits := name[len(start) : -len(end)]).isdecimal()
        ]  # fmt: skip
        if numbers:
            disk.rename(self.path.with_name(f"{start}{max(numbers)}{end}"), self.path)
            disk.sync_folder(self.path.parent)

    async def add(self, *lines: Mapping[str, Any]) -> Line:
        """Append lines, make them durable with one sync, return the last. Raises: StoreError; nothing is believed."""
        return await self._worker.call(self._add, lines)

    def _add(self, lines: tuple[Mapping[str, Any], ...]) -> Line:
        if self._writer is None:
            raise StoreError(f"{self.path} is not open")
        try:
            added = [self._writer.add(fields) for fields in lines]
            self._writer.sync()
        except OSError as error:
            raise StoreError(f"Cannot write {self.path}: {error}") from error
        return added[-1]

    @property
    def size_bytes(self) -> int:
        """Return the size of the file."""
        return self._root.disk.size(self.path) or 0

    async def compact(self, *lines: Mapping[str, Any]) -> None:
        """Keep the file aside as ``<name>-<last number>.jsonl`` and go on in a new one that begins with ``lines``.

        Raises: StoreError; the old file then goes on, or is found again by ``open``.
        """
        await self._worker.call(self._compact, lines)

    def _compact(self, lines: tuple[Mapping[str, Any], ...]) -> None:
        if self._writer is None:
            raise StoreError(f"{self.path} is not open")
        data, number, check = b"", self._writer.last_number, ""
        aside = self.path.with_name(f"{self.path.stem}-{number}.jsonl")
        for fields in lines:
            number += 1
            line = encode_line(number, fields, previous=check)
            data, check = data + line.raw, line.check
        disk = self._root.disk
        try:
            self._writer.close()
            replace_file(disk, self.path, data, keep=aside)
            self._writer = LineWriter(disk, self.path, chained=True, on_trouble=self._root.troubles.append)
        except OSError as error:
            raise StoreError(f"Cannot write {self.path}: {error}") from error

    @property
    def last_number(self) -> int:
        """Return the number of the last line."""
        return 0 if self._writer is None else self._writer.last_number

    def close(self) -> None:
        """Close the file; what was added is durable already."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
