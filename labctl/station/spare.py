"""Room that is taken before it is needed: lines that must outlive a restart although the disk is full.

A file that grows can be refused for want of room. This one has its full size from the first start on and is
overwritten in place, which needs none. It holds what a ledger has refused until the ledger takes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labctl.errors import StoreError
from labctl.station.ledger import FOLDER
from labctl.store.lines import encode_line, read_lines
from labctl.store.root import DataRoot
from labctl.worker import Worker

SPARE_BYTES = 256 * 1024
"""Takes *Stop all* and the trips of a thousand channels."""


class Spare:
    """One file ``<data>/station/<name>.spare`` of fixed size."""

    def __init__(self, root: DataRoot, worker: Worker, name: str) -> None:
        """Name the file; ``open`` reads it."""
        self.path: Path = root.path / FOLDER / f"{name}.spare"
        self._root = root
        self._worker = worker
        self._used = True
        """Whether lines may be in it, so that clearing what is empty writes nothing."""

    async def open(self) -> list[dict[str, Any]]:
        """Take the room where that is not done, return the lines that were left there.

        Without room the station starts all the same, and takes it when it first needs it. Raises: StoreError where
        the file is there and cannot be read.
        """
        return await self._worker.call(self._open)

    def _open(self) -> list[dict[str, Any]]:
        disk = self._root.disk
        try:
            data = disk.read(self.path) if disk.size(self.path) is not None else b""
        except OSError as error:
            raise StoreError(f"Cannot read {self.path}: {error}") from error
        lines = [line.fields for line in read_lines(data).lines]
        self._used = bool(lines)
        if len(data) != SPARE_BYTES:
            try:
                self._write(lines)
            except StoreError as error:
                self._root.troubles.append(f"{self.path.name}: no room was set aside: {error}")
        return [{name: value for name, value in fields.items() if name != "n"} for fields in lines]

    async def keep(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Hold these lines, durable, in place of all before. Raises: StoreError."""
        self._used = True
        await self._worker.call(self._write, lines)

    async def clear(self) -> None:
        """Hold nothing any more. Raises: StoreError; the lines are then still there."""
        if self._used:
            await self._worker.call(self._write, ())
            self._used = False

    def _write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        data = b"".join(encode_line(number, fields).raw for number, fields in enumerate(lines, 1))
        if len(data) >= SPARE_BYTES:
            raise StoreError(f"{self.path.name} has no room for {len(data)} bytes")
        disk = self._root.disk
        try:
            there = disk.size(self.path) is not None
            file = disk.open(self.path) if there else disk.create(self.path)
            try:
                # spaces with one newline behind them: a single line to pass over, however long it is
                file.write((data, b" " * (SPARE_BYTES - len(data) - 1), b"\n"), 0)
                file.sync()
            finally:
                file.close()
            if not there:
                disk.sync_folder(self.path.parent)
        except OSError as error:
            raise StoreError(f"Cannot write {self.path}: {error}") from error
