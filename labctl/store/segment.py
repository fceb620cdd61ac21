"""The live log of one records file: one write per block, one fdatasync per commit (S1, S2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labctl.errors import StoreError
from labctl.store import names
from labctl.store.disk import Disk, DiskFile
from labctl.store.frames import ROW_BYTES, FrameKind, encode_head

PENDING_BYTES_MAX = 256 * 1024 * 1024
"""How much unacknowledged data is kept in memory while no volume accepts it (I14): over two million rows."""

ALLOCATE_FIRST_BYTES = 64 * 1024
ALLOCATE_MOST_BYTES = 1024 * 1024
ALLOCATE_FILE_BYTES = names.ROWS_PER_FILE * (ROW_BYTES + 8)
"""Zeros are written ahead in doubling strides: a commit then changes no file size: one write less. Frames
larger than the first stride gain nothing by it."""


@dataclass(frozen=True, slots=True)
class _Pending:
    kind: FrameKind
    payload: bytes
    rows: int
    first_sequence: int


class Segment:
    """The log parts of one records file. A part that failed once is never written again."""

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        number: int,
        *,
        part: int = 0,
        resume_at: int | None = None,
        on_trouble: Callable[[str], None],
    ) -> None:
        """Prepare the log of file ``number``.

        ``resume_at`` reopens part ``part`` and cuts it at that byte; without it a new part follows that
        one.
        """
        self.number = number
        self._disk = disk
        self._folder = folder
        self._on_trouble = on_trouble
        self._part = part
        self._file: DiskFile | None = None
        self._position = 0
        self._durable = 0
        self._allocated = 0
        self._pending: list[_Pending] = []
        self._pending_bytes = 0
        if resume_at is not None:
            self._reopen(resume_at)

    def _reopen(self, at: int) -> None:
        path = self._folder / names.log_name(self.number, self._part)
        file = self._disk.open(path)
        try:
            file.truncate(at)
            file.sync()
        except OSError:
            file.close()
            raise
        self._file = file
        self._position = self._durable = self._allocated = at

    def write(self, kind: FrameKind, payload: bytes, *, rows: int = 0, first_sequence: int = 0) -> None:
        """Append one frame.

        Not durable before ``commit``; after a disk error it waits in memory for a new part.
        """
        if self._pending_bytes > PENDING_BYTES_MAX:
            raise StoreError(
                f"No disk accepts data of {self._folder.name}: {self._pending_bytes} bytes wait in memory, "
                "the cap. Free some space or name another volume; nothing acknowledged is lost."
            )
        item = _Pending(kind, payload, rows, first_sequence)
        self._pending.append(item)
        self._pending_bytes += len(payload)
        try:
            if self._file is None:
                self._next_part()
            else:
                self._put(self._file, item)
        except OSError as error:
            self._freeze(error)

    def commit(self) -> None:
        """Make all written frames durable.

        Raises: StoreError when neither the current nor a new part takes them; they stay in memory and the
        next commit tries another new part.
        """
        if not self._pending:
            return
        try:
            if self._file is None:
                self._next_part()
            self._sync()
        except OSError as error:
            self._freeze(error)
            try:
                self._next_part()
                self._sync()
            except OSError as again:
                self._freeze(again)
                raise StoreError(
                    f"Cannot make data durable in {self._folder}: {again}. "
                    f"{len(self._pending)} blocks wait in memory; the next commit tries a new file."
                ) from again
        self._acknowledge()

    def _acknowledge(self) -> None:
        self._pending.clear()
        self._pending_bytes = 0
        self._durable = self._position

    def unsynced(self) -> DiskFile | None:
        """Return the file that a commit would sync, None where it would not or must do more than that."""
        return self._file if self._pending else None

    def synced(self, error: OSError | None) -> None:
        """Take what a sync of ``unsynced`` gave: all is durable, or the file is frozen for ``commit`` to replace."""
        if error is None:
            self._acknowledge()
        else:
            self._freeze(error)

    def close(self) -> None:
        """Close the file without syncing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _put(self, file: DiskFile, item: _Pending) -> None:
        head = encode_head(
            item.kind,
            item.payload,
            rows=item.rows,
            first_sequence=item.first_sequence,
            acknowledged=self._durable,
        )
        size = len(head) + len(item.payload)
        end = self._position + size
        if end > self._allocated < ALLOCATE_FILE_BYTES and size < ALLOCATE_FIRST_BYTES:
            stride = min(max(ALLOCATE_FIRST_BYTES, self._allocated), ALLOCATE_MOST_BYTES)
            room = max(0, max(self._allocated, self._position) + stride - end)
            file.write((head, item.payload, bytes(room)), self._position)
            self._allocated = end + room
        else:
            file.write((head, item.payload), self._position)
        self._position = end

    def _sync(self) -> None:
        if self._file is None:
            raise OSError("the log is not open")
        self._file.sync()

    def _next_part(self) -> None:
        """Open a new part and write everything that is not durable yet into it."""
        self._part += 1
        file = self._disk.create(self._folder / names.log_name(self.number, self._part))
        self._file = file
        self._position = self._durable = self._allocated = 0
        for item in self._pending:
            self._put(file, item)
        self._disk.sync_folder(self._folder)

    def _freeze(self, error: OSError) -> None:
        self.close()
        part = names.log_name(self.number, max(self._part, 1))
        self._on_trouble(f"{part} is frozen after a disk error: {error}")
