"""The data root: where runs and the catalogue live, who may write there, and whether there is room."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from labctl.errors import StoreError
from labctl.model.ids import RunId
from labctl.store import names
from labctl.store.disk import Disk, RealDisk, replace_file
from labctl.store.lock import RootLock

SCHEMA = "labctl.root/1"
MARKER = "labctl-root.json"
CATALOGUE = "labctl.sqlite"
RUNS = "runs"

_SYNCED_FOLDERS = (
    "onedrive",
    "dropbox",
    "google drive",
    "googledrive",
    "icloud",
    "nextcloud",
    "nutstore",
    "creative cloud",
)
_NETWORK_FILESYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "sshfs", "davfs", "glusterfs", "ceph")
_GB = 10**9


class SpaceLevel(StrEnum):
    """How full the volume is (S5)."""

    OK = "ok"
    WARN = "warn"  # below 10 %
    HIGH = "high"  # below 5 % or 2 GB: no new starts


@dataclass(frozen=True, slots=True)
class Space:
    """Room on the volume of the data root, in bytes."""

    free_bytes: int
    total_bytes: int

    @property
    def level(self) -> SpaceLevel:
        """Return the watermark that the free room has passed."""
        fraction = self.free_bytes / self.total_bytes if self.total_bytes else 0.0
        if fraction < 0.05 or self.free_bytes < 2 * _GB:
            return SpaceLevel.HIGH
        return SpaceLevel.WARN if fraction < 0.10 else SpaceLevel.OK


class DataRoot:
    """A folder that holds runs. Opening it changes nothing; ``lock`` makes this process its one writer."""

    def __init__(self, path: Path | str, *, create: bool = True, disk: Disk | None = None) -> None:
        """Open a data root, creating it unless told not to.

        Raises: StoreError if it does not exist (``create=False``), is of a newer schema, or lies where a
        primary store must not lie (network drive, cloud-synced folder; S4).
        """
        self.disk: Disk = disk or RealDisk()
        self.path = Path(path).expanduser().absolute()
        self._lock: RootLock | None = None
        self.troubles: list[str] = []
        """Sentences about disk errors that the station's own files have met; whoever tells people empties it."""
        marker = self.path / MARKER
        if self.disk.size(marker) is not None:
            self._check_schema(marker)
            return
        if not create and self.disk.names(self.path / RUNS) == []:
            raise StoreError(f"{self.path} is not a data root: it has no {MARKER}. Name one with --data DIR.")
        if disk is None:
            problem = unfit_place(self.path)
            if problem:
                raise StoreError(
                    f"{self.path} cannot be a data root: {problem} Choose a local folder with --data."
                )
        if create:
            self._create(marker)

    def _create(self, marker: Path) -> None:
        try:
            self.disk.make_folder(self.path / RUNS)
            replace_file(self.disk, marker, json.dumps({"schema": SCHEMA}).encode() + b"\n")
        except OSError as error:
            raise StoreError(f"Cannot create the data root {self.path}: {error}") from error

    def _check_schema(self, marker: Path) -> None:
        try:
            schema = str(json.loads(self.disk.read(marker)).get("schema"))
        except (OSError, ValueError, AttributeError):
            return  # the marker only states the schema; runs are self-contained
        if schema != SCHEMA:
            raise StoreError(
                f"{self.path} has the schema {schema}; this labctl knows {SCHEMA}. Use the newer labctl."
            )

    def lock(self, purpose: str = "labctl") -> Self:
        """Become the one writer. Raises: StoreError naming the holder when another process is it."""
        if self._lock is None:
            self._lock = RootLock(self.path, purpose=purpose)
        return self

    def close(self) -> None:
        """Give up writing."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def catalogue_path(self) -> Path:
        """Return the path of the catalogue's SQLite file."""
        return self.path / CATALOGUE

    def new_run_id(self, cell_id: str, utc: datetime) -> RunId:
        """Return a free id made of the plant time and the cell's id."""
        stem = f"{utc:%Y%m%dT%H%M%S}-{cell_id}"
        if not names.is_safe_id(stem):
            raise StoreError(
                f"The cell id {cell_id!r} cannot name a folder: use ASCII letters, digits, - and _."
            )
        folder = self._month(utc)
        taken = set(self.disk.names(folder))
        if stem not in taken:
            return RunId(stem)
        return RunId(
            next(f"{stem}-{count}" for count in range(2, len(taken) + 3) if f"{stem}-{count}" not in taken)
        )

    def _month(self, utc: datetime) -> Path:
        return self.path / RUNS / f"{utc:%Y}" / f"{utc:%m}"

    def make_run_folder(self, run_id: RunId, utc: datetime) -> Path:
        """Create the folder of a new run, durably.

        Raises: StoreError if the id is taken or cannot name a folder.
        """
        if not names.is_safe_id(run_id):
            raise StoreError(
                f"The run id {run_id!r} cannot name a folder: use ASCII letters, digits, - and _."
            )
        folder = self._month(utc) / run_id
        if self.disk.names(folder):
            raise StoreError(f"The run {run_id} exists already in {folder.parent}.")
        try:
            self.disk.make_folder(folder)
            for parent in (folder.parent, folder.parent.parent, self.path / RUNS):
                self.disk.sync_folder(parent)
        except OSError as error:
            raise StoreError(f"Cannot create the run folder {folder}: {error}") from error
        return folder

    def run_folders(self) -> Iterator[Path]:
        """Yield the folders of all runs that have a manifest, oldest month first."""
        runs = self.path / RUNS
        for year in self.disk.names(runs):
            for month in self.disk.names(_folder(runs / year)):
                for name in self.disk.names(_folder(runs / year / month)):
                    folder = runs / year / month / name
                    if {names.MANIFEST, names.MANIFEST_BEFORE} & set(self.disk.names(_folder(folder))):
                        yield folder

    def run_folder(self, run_id: RunId | str) -> Path:
        """Return the folder of a run. Raises: StoreError naming similar ids when there is none."""
        if names.is_safe_id(run_id):
            runs = self.path / RUNS
            for year in self.disk.names(runs):
                for month in self.disk.names(_folder(runs / year)):
                    folder = runs / year / month / run_id
                    if self.disk.names(_folder(folder)):
                        return folder
        near = [folder.name for folder in self.run_folders() if run_id and run_id in folder.name]
        hint = (
            f" Did you mean {', '.join(near[:5])}?"
            if near
            else " `labctl runs list` shows the runs there are."
        )
        raise StoreError(f"There is no run {run_id!r} in {self.path}.{hint}")

    def space(self) -> Space:
        """Return the room on the data root's volume."""
        return Space(*self.disk.free_bytes(self.path))


def _folder(path: Path) -> Path:
    """Return ``path`` unless it is a plain file: then a name that does not exist."""
    return path / "-" if path.is_file() else path


def unfit_place(path: Path) -> str | None:
    """Say why a folder must not hold the primary store (S4), ``None`` if it may."""
    for part in path.parts:
        if any(word in part.lower() for word in _SYNCED_FOLDERS):
            return f"{part!r} looks like a folder that a sync program copies while we write."
    if sys.platform == "win32":
        return _unfit_drive(path)
    kind = _filesystem(path)
    if kind.removeprefix("fuse.") in _NETWORK_FILESYSTEMS:
        return f"it lies on a network file system ({kind}), whose locks and syncs cannot be trusted."
    return None


def _unfit_drive(path: Path) -> str | None:
    if sys.platform == "win32":
        import ctypes

        kind = ctypes.windll.kernel32.GetDriveTypeW(path.anchor)
        if kind == 4 or path.drive.startswith("\\\\"):
            return "it lies on a network drive."
        if kind == 2:
            return "it lies on a removable drive."
    return None


def _filesystem(path: Path) -> str:
    """Return the file system type that holds ``path`` (Linux), else an empty text."""
    try:
        table = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    best, kind = "", ""
    place = os.path.realpath(path)
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) > 2:
            mount = fields[1].replace("\\040", " ")
            inside = place == mount or place.startswith(mount.rstrip("/") + "/")
            if inside and len(mount) >= len(best):
                best, kind = mount, fields[2]
    return kind
