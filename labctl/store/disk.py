"""The only way the store touches a disk, so that a disk can be simulated (P6).

Four things count for durability and are separate calls: writing, ``sync`` of a file, ``rename`` and
``sync_folder``. ``RealDisk`` is the operating system; ``labctl.store.simdisk.SimulatedDisk`` keeps unsynced
pages apart and may drop them. All failures are ``OSError`` as the operating system words them; callers
translate.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

WINDOWS = sys.platform == "win32"
SYNC_THREADS_MAX = 8
"""Syncs of different files at once. 128 files took 470 ms one by one and 31 ms so, with no more CPU; 16 gain little."""
RENAME_WAITS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Windows refuses to replace a file that a virus scanner or a sync program has open; mostly for milliseconds (F20)."""


class DiskFile(Protocol):
    """A file open for writing at given offsets."""

    def write(self, parts: Sequence[bytes], offset: int) -> None:
        """Write all parts one after the other from ``offset`` on; durable only after ``sync``."""

    def truncate(self, size: int) -> None:
        """Cut the file to ``size`` bytes; durable only after ``sync``."""

    def sync(self) -> None:
        """Make data and size durable (fdatasync where the system has it)."""

    def close(self) -> None:
        """Close without syncing."""


class Disk(Protocol):
    """The operations on folders and files that the store uses."""

    def create(self, path: Path) -> DiskFile:
        """Create an empty file, or empty an existing one."""

    def open(self, path: Path) -> DiskFile:
        """Open an existing file for writing without changing it."""

    def read(self, path: Path) -> bytes:
        """Return all bytes of a file."""

    def read_part(self, path: Path, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes of a file from ``offset`` on; fewer where it ends."""

    def size(self, path: Path) -> int | None:
        """Return the size of a file in bytes, ``None`` if there is no such file."""

    def names(self, folder: Path) -> list[str]:
        """Return the sorted names in a folder, empty if there is no such folder."""

    def make_folder(self, path: Path) -> None:
        """Create a folder and its parents; existing ones are left alone."""

    def rename(self, source: Path, target: Path) -> None:
        """Rename a file, replacing ``target`` in one step; durable only after ``sync_folder``."""

    def unlink(self, path: Path) -> None:
        """Remove a file if it is there."""

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable."""

    def free_bytes(self, folder: Path) -> tuple[int, int]:
        """Return (free, total) bytes of the volume that holds ``folder``."""

    def allocate(self, path: Path, size: int) -> None:
        """Make a file of ``size`` bytes whose room is really taken from the volume; the content does not matter."""

    def sync_all(self, files: Sequence[DiskFile]) -> list[OSError | None]:
        """Make many files durable; returns for each what its sync raised, None where it is durable."""


_GATHER: Callable[[int, Sequence[bytes], int], int] | None = getattr(os, "pwritev", None)
"""Windows has none."""


class RealFile:
    """A file of the operating system, opened without any buffer of ours."""

    __slots__ = ("_descriptor",)

    def __init__(self, path: Path, flags: int) -> None:
        self._descriptor = os.open(
            path, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0), 0o644
        )

    def write(self, parts: Sequence[bytes], offset: int) -> None:
        """Write all parts one after the other from ``offset`` on."""
        size = sum(map(len, parts))
        # writing the parts as they are spares joining them; a short write is gone on with the old way
        written = 0 if _GATHER is None else _GATHER(self._descriptor, parts, offset)
        if written < size:
            data = b"".join(parts)
            while written < size:
                written += self._write_some(data[written:], offset + written)

    def _write_some(self, data: bytes, offset: int) -> int:
        if WINDOWS:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.write(self._descriptor, data)
        return os.pwrite(self._descriptor, data, offset)

    def truncate(self, size: int) -> None:
        """Cut the file to ``size`` bytes."""
        os.ftruncate(self._descriptor, size)

    def sync(self) -> None:
        """Make data and size durable."""
        if sys.platform == "linux":
            os.fdatasync(self._descriptor)
        elif sys.platform == "darwin":
            import fcntl

            fcntl.fcntl(self._descriptor, fcntl.F_FULLFSYNC)  # fsync alone stops at the drive's cache there
        else:
            os.fsync(self._descriptor)  # _commit on Windows

    def close(self) -> None:
        """Close without syncing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class RealDisk:
    """The operating system's disk."""

    def __init__(self) -> None:
        self._syncing: ThreadPoolExecutor | None = None
        """Made once: eight new threads for every store of every instrument cost more than what they do."""

    def create(self, path: Path) -> DiskFile:
        """Create an empty file, or empty an existing one."""
        return RealFile(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    def open(self, path: Path) -> DiskFile:
        """Open an existing file for writing without changing it."""
        return RealFile(path, os.O_RDWR)

    def read(self, path: Path) -> bytes:
        """Return all bytes of a file."""
        return path.read_bytes()

    def read_part(self, path: Path, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes of a file from ``offset`` on."""
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def size(self, path: Path) -> int | None:
        """Return the size of a file in bytes, ``None`` if there is no such file."""
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None

    def names(self, folder: Path) -> list[str]:
        """Return the sorted names in a folder."""
        try:
            return sorted(os.listdir(folder))  # noqa: PTH208 (names only, no Path objects)
        except FileNotFoundError:
            return []

    def make_folder(self, path: Path) -> None:
        """Create a folder and its parents."""
        path.mkdir(parents=True, exist_ok=True)

    def rename(self, source: Path, target: Path) -> None:
        """Rename a file, replacing ``target`` in one step (os.replace does so on Windows too)."""
        for wait_s in (*RENAME_WAITS_S, None) if WINDOWS else (None,):
            try:
                os.replace(source, target)  # noqa: PTH105
            except PermissionError:
                if wait_s is None:
                    raise
                threading.Event().wait(wait_s)
            else:
                return

    def unlink(self, path: Path) -> None:
        """Remove a file if it is there."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable.

        Windows cannot open folders: NTFS journals renames by itself.
        """
        if WINDOWS:
            return
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def free_bytes(self, folder: Path) -> tuple[int, int]:
        """Return (free, total) bytes of the volume that holds ``folder``."""
        usage = shutil.disk_usage(folder)
        return usage.free, usage.total

    def allocate(self, path: Path, size: int) -> None:
        """Make a file of ``size`` bytes whose room is really taken from the volume."""
        with path.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
                return
            file.truncate(size)  # NTFS takes the room of a file that is not sparse at once

    def sync_all(self, files: Sequence[DiskFile]) -> list[OSError | None]:
        """Make many files durable, several at a time: the drive then serves them with one flush."""
        threads = min(SYNC_THREADS_MAX, len(files) // 2)
        if threads < 2:
            return _sync_each(files)
        # one task for each file would cost more CPU than its sync
        parts = [files[first::threads] for first in range(threads)]
        if self._syncing is None:
            self._syncing = ThreadPoolExecutor(SYNC_THREADS_MAX, thread_name_prefix="labctl-sync")
        found: list[OSError | None] = [None] * len(files)
        for first, errors in enumerate(self._syncing.map(_sync_each, parts)):
            found[first::threads] = errors
        return found


def _sync_each(files: Sequence[DiskFile]) -> list[OSError | None]:
    return [_sync(file) for file in files]


def _sync(file: DiskFile) -> OSError | None:
    try:
        file.sync()
    except OSError as error:
        return error
    return None


def replace_file(disk: Disk, path: Path, data: bytes, *, keep: Path | None = None) -> None:
    """Put ``data`` at ``path`` in one step: temp, sync, rename, sync of the folder (S3).

    ``keep`` receives the file that stood there before. Raises OSError; the old file then still stands.
    """
    temporary = path.with_name(path.name + ".tmp")
    file = disk.create(temporary)
    try:
        file.write((data,), 0)
        file.sync()
    finally:
        file.close()
    if keep is not None and disk.size(path) is not None:
        disk.rename(path, keep)
    try:
        disk.rename(temporary, path)
    except OSError:
        if keep is not None and disk.size(path) is None:
            with contextlib.suppress(OSError):  # the caller hears of the first failure
                disk.rename(keep, path)
        raise
    disk.sync_folder(path.parent)
