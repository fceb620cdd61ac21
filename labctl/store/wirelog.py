"""Keep what passed the links of one instrument: raw bytes in order, bounded, never in the way (S6, I14, X13).

``<data root>/wire/<instrument>.log`` is written, ``.log.1`` is the file before, and so on. Each file begins with
a line that says which instrument, driver and version; the others are lines of ``labctl.transport.capture``.
Nothing here is synced and nothing here can fail a run: rows are the record, raw frames are evidence about a
driver.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labctl.store.disk import Disk, DiskFile

log = logging.getLogger(__name__)

SCHEMA = "labctl.wire/1"
FOLDER = "wire"

FILE_BYTES_MAX = 32 * 1024 * 1024
FILES_MAX = 4
"""4 x 32 MB per instrument. Eight channels polled every 10 s with a row every 10 s take 1.5 kB a second, so
18 hours are there at the least: what went wrong in the night can be looked up in the morning. Twenty
instruments stay below 3 GB."""

WAITING_BYTES_MAX = 1024 * 1024
WAITING_LINES_MAX = 512
"""Lines are written in strides; more than this never waits in memory. One gathering write takes 1,024 parts."""
FLUSH_EVERY_S = 1.0
"""Link seconds between two writes; the stride is written with the first exchange after them, or at the end."""


class WireLog:
    """The raw frames of one instrument, all its links in one order. Belongs to one thread.

    ``place`` is the path within the data root, for ``run.json``. ``trouble`` is empty until the disk refused; then
    it says why, and nothing is kept any more.
    """

    def __init__(
        self, disk: Disk, root: Path, name: str, header: Mapping[str, Any], now_s: Callable[[], float]
    ) -> None:
        """Begin a new part of the log of instrument ``name``; ``now_s`` is link time. Raises nothing."""
        self.name = name
        self.place = f"{FOLDER}/{name}.log"
        self.trouble = ""
        self._disk = disk
        self._path = root / FOLDER / f"{name}.log"
        self._header = header
        self._now_s = now_s
        self._flushed_s = now_s()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._file: DiskFile | None = None
        self._size = 0
        try:
            self._open()
        except OSError as error:
            self._give_up(error)

    def add(self, line: str) -> None:
        """Keep one line; written at once only if the last write is long ago or much is waiting."""
        if self._file is None:
            return
        data = line.encode()
        if self._waiting_bytes + len(data) > WAITING_BYTES_MAX or len(self._waiting) >= WAITING_LINES_MAX:
            self._flush()
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._now_s() - self._flushed_s >= FLUSH_EVERY_S:
            self._flush()

    def flush(self) -> None:
        """Write what waits: somebody wants to read it. Raises nothing; a refusal ends the log (``trouble``)."""
        self._flush()

    def close(self) -> None:
        """Write what waits and close. Raises nothing; a refusal here is only logged."""
        told = self.trouble
        self._flush()
        file, self._file = self._file, None
        if file is not None:
            file.close()
        if self.trouble != told:
            log.warning("instrument=%s %s", self.name, self.trouble)

    def _open(self) -> None:
        self._disk.make_folder(self._path.parent)
        size = self._disk.size(self._path)
        self._file = self._disk.create(self._path) if size is None else self._disk.open(self._path)
        self._size = size or 0
        header = self._header_line(goes_on=False)
        if self._size + len(header) >= FILE_BYTES_MAX:
            self._rotate()
        # a killed process may have left half a line: the header always begins a line of its own
        self._write([b"\n", header] if self._size else [header])

    def _header_line(self, *, goes_on: bool) -> bytes:
        """Return a file's first line; ``goes_on`` tells that connections were open when the file began."""
        fields = {"event": "begin", "schema": SCHEMA, "instrument": self.name, **self._header}
        return json.dumps({**fields, "goes_on": goes_on}).encode() + b"\n"

    def _flush(self) -> None:
        self._flushed_s = self._now_s()
        if self._file is None or not self._waiting:
            return
        parts, size = self._waiting, self._waiting_bytes
        self._waiting, self._waiting_bytes = [], 0
        try:
            if self._size + size > FILE_BYTES_MAX:
                self._rotate()
                self._write([self._header_line(goes_on=True)])
            self._write(parts)
        except OSError as error:
            self._give_up(error)

    def _write(self, parts: Sequence[bytes]) -> None:
        assert self._file is not None
        self._file.write(parts, self._size)
        self._size += sum(map(len, parts))

    def _rotate(self) -> None:
        """Begin a new file; the oldest one goes."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
        for number in range(FILES_MAX - 1, 0, -1):
            source = self._path if number == 1 else self._numbered(number - 1)
            if self._disk.size(source) is not None:
                self._disk.rename(source, self._numbered(number))
        self._file = self._disk.create(self._path)
        self._size = 0

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _give_up(self, error: OSError) -> None:
        self.trouble = f"raw frames of {self.name} are no longer kept in {self.place}: {error}"
        self._waiting.clear()
        self._waiting_bytes = 0
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as second:
                self.trouble += f"; {second}"
