"""A disk in memory that forgets what was not synced: power cuts and disk errors at any chosen operation
(F18 to F22).

``crash`` gives the disk as a restart finds it. Of each file that was written since its last sync, every 4
KB page that changed is kept or lost by a seeded choice, each for itself, so writes also come through out of
order; a page may be torn in two. Of the names changed since the last ``sync_folder`` (creations, renames,
removals) each is kept or lost likewise. ``ops`` counts writes, truncations, syncs, renames, removals and
folder syncs; ``fail_at`` makes one of them fail, ``crash_at`` raises ``PowerCut`` in the middle of one.
"""

from __future__ import annotations

import errno
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from labctl.store.disk import DiskFile

PAGE_BYTES = 4096


class PowerCut(BaseException):
    """The machine is off. Not an Exception: nothing may catch and outlive it."""


class _Inode:
    """One file's bytes now, and as they surely are on the medium."""

    __slots__ = ("now", "room", "safe")

    def __init__(self, data: bytes = b"") -> None:
        self.now = bytearray(data)
        self.safe = bytes(data)
        self.room = 0  # bytes taken from the volume without content


_Change = tuple[Path | None, Path | None, _Inode | None]
"""A change of names: from, to, file. A rename is one change: it comes through whole or not at all."""


def _places(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield each folder that lists a path, with the name that it shows there."""
    for folder in path.parents:
        yield folder, path.name
        path = folder


def _apply(change: _Change, table: dict[Path, _Inode]) -> None:
    source, target, inode = change
    if source is not None:
        table.pop(source, None)
    if target is not None and inode is not None:
        table[target] = inode


class SimulatedDisk:
    """Implements ``Disk`` in memory. Folders are names only and need no creation.

    ``fail_at`` / ``crash_at`` are 1-based operation numbers; ``fail_from`` makes every operation from there
    on fail; ``quota_bytes`` limits the sum of file sizes.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.ops = 0
        self.log: list[str] = []
        self.fail_at: int | None = None
        self.fail_from: int | None = None
        self.fail_syncs_of: Callable[[Path], bool] | None = None
        self.crash_at: int | None = None
        self.quota_bytes: int | None = None
        self._random = random.Random(seed)
        self._names: dict[Path, _Inode] = {}
        self._safe_names: dict[Path, _Inode] = {}
        self._unsynced: list[_Change] = []
        self._children: dict[Path, Counter[str]] = {}
        self._locked: dict[Path, int] = {}

    def _operation(self, what: str, path: Path) -> None:
        self.ops += 1
        self.log.append(f"{what} {path.name}")
        self._check_lock(path)
        if self.ops == self.crash_at:
            raise PowerCut(what)
        failing = self.ops == self.fail_at or (self.fail_from is not None and self.ops >= self.fail_from)
        if failing:
            raise OSError(errno.EIO, f"simulated error in {what}", str(path))

    def _check_lock(self, path: Path) -> None:
        until = self._locked.get(path)
        if until is not None and self.ops < until:
            raise PermissionError(errno.EACCES, "simulated lock of another program", str(path))

    # -- Disk --

    def create(self, path: Path) -> DiskFile:
        """Create an empty file, or put an empty one in the place of an existing one."""
        self._operation("create", path)
        self._enter(path, _Inode())
        self._unsynced.append((None, path, self._names[path]))
        return _SimulatedFile(self, path, self._names[path])

    def open(self, path: Path) -> DiskFile:
        """Open an existing file for writing without changing it."""
        self._check_lock(path)
        return _SimulatedFile(self, path, self._inode(path))

    def _inode(self, path: Path) -> _Inode:
        if path not in self._names:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return self._names[path]

    def read(self, path: Path) -> bytes:
        """Return all bytes of a file."""
        return bytes(self._inode(path).now)

    def read_part(self, path: Path, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes of a file from ``offset`` on."""
        return bytes(self._inode(path).now[offset : offset + size])

    def size(self, path: Path) -> int | None:
        """Return the size of a file in bytes, ``None`` if there is no such file."""
        inode = self._names.get(path)
        return None if inode is None else max(len(inode.now), inode.room)

    def names(self, folder: Path) -> list[str]:
        """Return the sorted names in a folder."""
        return sorted(self._children.get(folder, ()))

    def _enter(self, path: Path, inode: _Inode) -> None:
        """Give a file a name; every folder above it then has one more reason to be listed."""
        if path not in self._names:
            self._count(path)
        self._names[path] = inode

    def _leave(self, path: Path) -> None:
        del self._names[path]
        for folder, name in _places(path):
            self._children[folder][name] -= 1
            if not self._children[folder][name]:
                del self._children[folder][name]

    def _count(self, path: Path) -> None:
        for folder, name in _places(path):
            self._children.setdefault(folder, Counter())[name] += 1

    def make_folder(self, path: Path) -> None:
        """Create a folder; it survives a crash only with a file in it."""
        self._count(path)

    def rename(self, source: Path, target: Path) -> None:
        """Rename a file, replacing ``target`` in one step."""
        inode = self._inode(source)
        self._operation("rename", target)
        self._leave(source)
        self._enter(target, inode)
        self._unsynced.append((source, target, inode))

    def unlink(self, path: Path) -> None:
        """Remove a file if it is there."""
        if path in self._names:
            self._operation("unlink", path)
            self._leave(path)
            self._unsynced.append((path, None, None))

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable."""
        self._operation("sync folder", folder)
        waiting, self._unsynced = self._unsynced, []
        for change in waiting:
            if any(path is not None and path.parent == folder for path in change[:2]):
                _apply(change, self._safe_names)
            else:
                self._unsynced.append(change)

    def free_bytes(self, folder: Path) -> tuple[int, int]:
        """Return (free, total) bytes of the quota."""
        total = self.quota_bytes if self.quota_bytes is not None else 1 << 40
        return total - self.used_bytes, total

    def allocate(self, path: Path, size: int) -> None:
        """Take room from the quota; the file has no content."""
        file = self.create(path)
        if self.quota_bytes is not None and self.used_bytes + size > self.quota_bytes:
            raise OSError(errno.ENOSPC, "simulated disk full", str(path))
        self._names[path].room = size
        file.sync()

    def sync_all(self, files: Sequence[DiskFile]) -> list[OSError | None]:
        """Make many files durable, one after the other: a power cut may come between any two."""
        found: list[OSError | None] = []
        for file in files:
            try:
                file.sync()
                found.append(None)
            except OSError as error:
                found.append(error)
        return found

    @property
    def used_bytes(self) -> int:
        """Return the sum of all file sizes."""
        return sum(max(len(inode.now), inode.room) for inode in self._names.values())

    # -- faults --

    def crash(self) -> SimulatedDisk:
        """Return the disk as a restart finds it; this one is left alone."""
        after = SimulatedDisk(seed=self._random.getrandbits(32))
        kept: dict[Path, _Inode] = dict(self._safe_names)
        for change in self._unsynced:
            if self._random.random() < 0.5:
                _apply(change, kept)
        survivors: dict[int, _Inode] = {}
        for path in sorted(kept):
            inode = kept[path]
            if id(inode) not in survivors:
                survivors[id(inode)] = _Inode(self._survived(inode))
            after._enter(path, survivors[id(inode)])
            after._safe_names[path] = survivors[id(inode)]
        return after

    def _survived(self, inode: _Inode) -> bytes:
        """Mix safe and present pages; sizes change with any page behind the old end."""
        data = bytearray(inode.safe)
        if inode.now == inode.safe:
            return bytes(data)
        if len(inode.now) < len(data) and self._random.random() < 0.5:
            del data[len(inode.now) :]
        for start in range(0, len(inode.now), PAGE_BYTES):
            page = inode.now[start : start + PAGE_BYTES]
            if page == data[start : start + PAGE_BYTES]:
                continue
            choice = self._random.random()
            if choice < 0.4:
                continue
            if choice > 0.9:
                page = page[: self._random.randrange(len(page) + 1)]
            if len(data) < start:
                data += bytes(start - len(data))
            data[start : start + len(page)] = page
        return bytes(data)

    def flip(self, path: Path, offset: int, mask: int = 1) -> None:
        """Flip bits of one stored byte (bit rot)."""
        inode = self._inode(path)
        inode.now[offset] ^= mask
        inode.safe = bytes(inode.now)

    def lock(self, path: Path, *, operations: int = 1 << 62) -> None:
        """Let another program hold a file for so many operations: it cannot be opened, written or replaced (F20)."""
        self._locked[path] = self.ops + 1 + operations

    def put(self, path: Path, data: bytes) -> None:
        """Place a file as if it had always been there."""
        self._enter(path, _Inode(data))
        self._safe_names[path] = self._names[path]

    def copy(self, *, seed: int = 0) -> SimulatedDisk:
        """Return the disk as a process sees it after SIGKILL: nothing is lost."""
        after = SimulatedDisk(seed=seed)
        for path, inode in self._names.items():
            after.put(path, bytes(inode.now))
        return after


class _SimulatedFile:
    """An open file of a simulated disk."""

    def __init__(self, disk: SimulatedDisk, path: Path, inode: _Inode) -> None:
        self._disk = disk
        self._path = path
        self._inode = inode
        self._poisoned = False

    def write(self, parts: Sequence[bytes], offset: int) -> None:
        """Write all parts from ``offset`` on; a power cut or an error in it leaves some of the bytes."""
        data = b"".join(parts)
        try:
            self._disk._operation("write", self._path)
        except BaseException:
            self._put(data[: self._disk._random.randrange(len(data) + 1)], offset)
            raise
        quota = self._disk.quota_bytes
        growth = offset + len(data) - len(self._inode.now)
        if quota is not None and growth > 0 and self._disk.used_bytes + growth > quota:
            raise OSError(errno.ENOSPC, "simulated disk full", str(self._path))
        self._put(data, offset)

    def _put(self, data: bytes, offset: int) -> None:
        now = self._inode.now
        if len(now) < offset:
            now += bytes(offset - len(now))
        now[offset : offset + len(data)] = data

    def truncate(self, size: int) -> None:
        """Cut the file to ``size`` bytes."""
        self._disk._operation("truncate", self._path)
        del self._inode.now[size:]

    def sync(self) -> None:
        """Make data and size durable.

        A failed sync loses the unsynced pages, and a second try would not tell (S2).
        """
        try:
            self._disk._operation("sync", self._path)
            if self._disk.fail_syncs_of is not None and self._disk.fail_syncs_of(self._path):
                raise OSError(errno.EIO, "simulated error in sync", str(self._path))
        except OSError:
            self._poisoned = True
            raise
        if not self._poisoned:
            self._inode.safe = bytes(self._inode.now)

    def close(self) -> None:
        """Close without syncing."""
