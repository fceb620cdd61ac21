"""An append-only file of the station's own acts: queue, alarms, audit, registry. Durable before it returns.

Each line carries a number, a check and the check of the line before it (``store.lines``): a changed, lost or
inserted line is found. Blocking work runs in the station's store thread, so the event loop never waits for a disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
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
TOGETHER = "together"
"""The only key of a line that holds several: they were written as one, so a power cut keeps all of them or none."""


class Ledger:
    """One chained line file ``<data>/station/<name>.jsonl``."""

    def __init__(self, root: DataRoot, worker: Worker, name: str) -> None:
        """Name the file; ``open`` reads it."""
        self.path: Path = root.path / FOLDER / f"{name}.jsonl"
        self._root = root
        self._worker = worker
        self._writer: LineWriter | None = None
        self._whole = False  # opened, so that a writer can be made anew
        self._durable = 0  # bytes of the file that are believed

    async def open(self) -> LineFile:
        """Repair a torn tail, return everything that is there. Raises: StoreError."""
        return await self._worker.call(self._open)

    def _open(self) -> LineFile:
        disk = self._root.disk
        try:
            disk.make_folder(self.path.parent)
            self._put_back(disk)
            self._writer = self._new_writer()
            data = disk.read(self.path) if disk.size(self.path) is not None else b""
        except OSError as error:
            raise StoreError(f"Cannot open {self.path}: {error}") from error
        content = read_lines(data, chained=True)
        self._durable, self._whole = content.end, True
        return replace(content, lines=tuple(_apart(content.lines)))

    def _new_writer(self) -> LineWriter:
        return LineWriter(self._root.disk, self.path, chained=True, on_trouble=self._root.troubles.append)

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
        """Append lines, all or none, make them durable with one sync, return what holds the last.

        Raises: StoreError; then nothing is believed, and nothing of it comes back with a later ``add``.
        """
        return await self._worker.call(self._add, lines)

    def _add(self, lines: tuple[Mapping[str, Any], ...]) -> Line:
        whole = lines[0] if len(lines) == 1 else {TOGETHER: [dict(fields) for fields in lines]}
        writer = self._mended()
        try:
            added = writer.add(whole)
            writer.sync()
        except OSError as error:
            self._take_back(writer)
            raise StoreError(f"Cannot write {self.path}: {error}") from error
        self._durable += len(added.raw)
        return added

    def _take_back(self, writer: LineWriter) -> None:
        """Let go of lines that nobody believes: the writer keeps them, and the file may hold some of their bytes."""
        self._writer = None
        disk = self._root.disk
        try:
            writer.close()
            if (disk.size(self.path) or 0) > self._durable:
                file = disk.open(self.path)
                try:
                    file.truncate(self._durable)
                    file.sync()
                finally:
                    file.close()
        except OSError as error:  # the disk is gone; the next ``add`` begins a new file without them
            self._root.troubles.append(
                f"{self.path.name}: lines that were refused cannot be removed: {error}"
            )

    def _mended(self) -> LineWriter:
        """Return the writer; after a failure it writes to a new file that holds the durable lines alone (S2).

        Raises: StoreError.
        """
        if self._writer is None:
            if not self._whole:
                raise StoreError(f"{self.path} is not open")
            disk = self._root.disk
            try:
                data = disk.read(self.path)[: self._durable] if disk.size(self.path) is not None else b""
                replace_file(disk, self.path, data)
                self._writer = self._new_writer()
            except OSError as error:
                raise StoreError(f"Cannot write {self.path}: {error}") from error
        return self._writer

    @property
    def size_bytes(self) -> int:
        """Return the size of the file."""
        return self._root.disk.size(self.path) or 0

    async def compact(self, *lines: Mapping[str, Any]) -> None:
        """Keep the file aside as ``<name>-<last number>.jsonl`` and go on in a new one that begins with ``lines``.

        Raises: StoreError; the old file is then found again by ``open``.
        """
        await self._worker.call(self._compact, lines)

    def _compact(self, lines: tuple[Mapping[str, Any], ...]) -> None:
        writer = self._mended()
        data, number, check = b"", writer.last_number, ""
        aside = self.path.with_name(f"{self.path.stem}-{number}.jsonl")
        for fields in lines:
            number += 1
            line = encode_line(number, fields, previous=check)
            data, check = data + line.raw, line.check
        disk = self._root.disk
        try:
            writer.close()
            replace_file(disk, self.path, data, keep=aside)
            self._writer, self._durable = self._new_writer(), len(data)
        except OSError as error:
            self._writer, self._whole = None, False
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
        self._whole = False


def _apart(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield lines; those that were written as one come one by one, with the number and the bytes of their batch."""
    for line in lines:
        batch = line.fields.get(TOGETHER)
        if batch is None:
            yield line
        else:
            for fields in batch:
                yield replace(line, fields={"n": line.number, **fields})
