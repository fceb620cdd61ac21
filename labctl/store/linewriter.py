"""Append to a JSON-lines file: torn tail repaired at the start, rebuilt after a disk error (S2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labctl.store.disk import Disk, DiskFile, replace_file
from labctl.store.lines import Line, decode_line, encode_line, read_lines


class LineWriter:
    """One line file. ``add`` keeps lines in memory, ``flush`` writes them, ``sync`` makes them durable."""

    def __init__(
        self,
        disk: Disk,
        path: Path,
        *,
        chained: bool = False,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        """Open or prepare a file. ``on_trouble`` hears a sentence when a disk error freezes it (S2, P8)."""
        self._disk = disk
        self._path = path
        self._chained = chained
        self._on_trouble = on_trouble
        self._file: DiskFile | None = None
        self._waiting: list[bytes] = []
        self._unsynced: list[bytes] = []
        self._written = 0
        self._synced = 0
        self._broken = False
        self.last_number = 0
        self._check = ""
        self._numbers: set[int] = set()
        self._lost: list[bytes] = []
        self._recover()

    def _recover(self) -> None:
        if self._disk.size(self._path) is None:
            return
        data = self._disk.read(self._path)
        content = read_lines(data, chained=self._chained)
        self._numbers = {line.number for line in content.lines}
        if content.lines:
            self.last_number = content.lines[-1].number
            self._check = content.lines[-1].check
        self._written = self._synced = content.end
        if content.end < len(data):
            file = self._open()
            file.truncate(content.end)
            file.sync()

    def _open(self) -> DiskFile:
        if self._file is None:
            if self._disk.size(self._path) is None:
                self._file = self._disk.create(self._path)
                self._disk.sync_folder(self._path.parent)
            else:
                self._file = self._disk.open(self._path)
        return self._file

    def add(self, fields: Mapping[str, Any], *, number: int | None = None) -> Line:
        """Add one line with the next number (or a given, larger one) and return it."""
        self.last_number = self.last_number + 1 if number is None else number
        line = encode_line(self.last_number, fields, previous=self._check if self._chained else None)
        self._check = line.check
        self._waiting.append(line.raw)
        return line

    def restore(self, raw: bytes) -> None:
        """Add a line that the log kept, if its number is not here yet; call ``mend`` after the last."""
        decoded = decode_line(raw)
        if decoded is None:
            return
        number = int(decoded[0]["n"])
        if number > self.last_number:
            self.last_number = number
            self._waiting.append(raw)
        elif number not in self._numbers:
            self._lost.append(raw)
        self._numbers.add(number)

    def mend(self) -> None:
        """Put restored lines that belong between others in their places (holes of a crash). Raises OSError."""
        if not self._lost:
            return
        lines = [(line.number, line.raw) for line in read_lines(self._disk.read(self._path)).lines]
        lines += [(int(decoded[0]["n"]), raw) for raw in self._lost if (decoded := decode_line(raw))]
        data = b"".join(raw for _, raw in sorted(lines))
        self.close()
        replace_file(self._disk, self._path, data)
        self._written = self._synced = len(data)
        self._lost.clear()

    @property
    def waiting(self) -> int:
        """Return how many lines are not written yet."""
        return len(self._waiting)

    @property
    def unsynced_bytes(self) -> int:
        """Return how much is kept in memory because it is written and not durable."""
        return self._written - self._synced

    def flush(self) -> None:
        """Write the lines that wait.

        Raises OSError; the lines are kept and the file is rebuilt at the next ``sync``.
        """
        if not self._waiting:
            return
        data = b"".join(self._waiting)
        self._unsynced.append(data)
        self._waiting.clear()
        if self._broken:
            return
        try:
            self._open().write((data,), self._written)
        except OSError as error:
            self._freeze(error)
            raise
        self._written += len(data)

    def sync(self) -> None:
        """Write and make durable.

        Raises OSError when also a new file cannot take the lines; they are kept.
        """
        if not self._broken:
            try:
                self.flush()
                if self._unsynced:
                    self._open().sync()
            except OSError as error:
                self._freeze(error)
        if self._broken:
            self._rebuild()
        self._synced = self._written
        self._unsynced.clear()

    def unsynced(self) -> DiskFile | None:
        """Write the lines that wait; return the file that is to be synced, None where ``sync`` does more or less."""
        try:
            self.flush()
        except OSError:
            return None  # frozen: ``sync`` makes the file new
        return self._file if self._unsynced and not self._broken else None

    def synced(self, error: OSError | None) -> None:
        """Take what a sync of ``unsynced`` gave: all is durable, or the file is frozen for ``sync`` to make new."""
        if error is None:
            self._synced = self._written
            self._unsynced.clear()
        else:
            self._freeze(error)

    def _freeze(self, error: OSError) -> None:
        if not self._broken and self._on_trouble is not None:
            self._on_trouble(f"{self._path.name} is frozen after a disk error: {error}")
        self._broken = True
        self.close()

    def _rebuild(self) -> None:
        """Put a new file with the durable lines and all since in the place of the failed one."""
        self.flush()
        durable = self._disk.read(self._path)[: self._synced] if self._synced else b""
        data = durable + b"".join(self._unsynced)
        replace_file(self._disk, self._path, data)
        self._written = len(data)
        self._broken = False

    def close(self) -> None:
        """Close the file without syncing."""
        if self._file is not None:
            self._file.close()
            self._file = None
