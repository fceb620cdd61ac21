"""One owner per instrument on this computer (I07): a locked file for each resource, with a fencing number.

The operating system frees the lock when its holder dies, so none is ever stale. Each time an instrument changes hands
its number grows; before each energising command the holder looks whether the file still carries its own number, so a
station whose file was taken away by hand sends nothing more.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from labctl.errors import StoreError

ENVIRONMENT = "LABCTL_LEASES"
_LOCKED_BYTE = 1 << 30
"""Windows locks bytes, and locked bytes cannot be read by others: lock one far behind the text."""


def lease_folder() -> Path:
    """Return the folder that all users of this computer share, or the one that ``LABCTL_LEASES`` names."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named)
    if sys.platform == "win32":
        import platformdirs

        return Path(platformdirs.site_data_path("labctl", appauthor=False)) / "leases"
    return Path(tempfile.gettempdir()) / "labctl-leases"


class Lease:
    """Holds one instrument for this process until ``release``."""

    def __init__(self, resource: str, *, holder: str, folder: Path | None = None) -> None:
        """Take the lease of a resource (``tcp://192.168.1.10:502``); ``holder`` says who we are.

        Settings behind a ``?`` make no other instrument of it.
        Raises: StoreError naming who has it.
        """
        self.resource = resource
        self.number = 0
        where = lease_folder() if folder is None else folder
        place = resource.partition("?")[0]
        name = hashlib.sha256(place.strip().lower().encode()).hexdigest()[:20]
        self._path = where / f"{name}.lease"
        self._descriptor = -1
        try:
            where.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                where.chmod(0o1777)  # other users' stations must find the same files
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(self._path, flags, 0o666)
        except OSError as error:
            raise StoreError(f"The lease of {resource} cannot be taken in {where}: {error}") from error
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise StoreError(_refusal(resource, _read(self._path))) from error
        self._descriptor = descriptor
        self._begin(holder)

    def _begin(self, holder: str) -> None:
        known = _read(self._path).get("number")
        self.number = (known if isinstance(known, int) else 0) + 1
        try:
            user = getpass.getuser()
        except (OSError, KeyError, ImportError):  # an account without a name, as in containers
            user = "unknown"
        content = {
            "number": self.number,
            "resource": self.resource,
            "holder": holder,
            "pid": os.getpid(),
            "host": platform.node(),
            "user": user,
        }
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # another user's file: it has been opened up by that one
                os.fchmod(self._descriptor, 0o666)
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, json.dumps(content).encode() + b"\n")
        os.fsync(self._descriptor)

    def problem(self) -> str:
        """Return why the instrument is no longer ours, empty while it is."""
        if self._descriptor < 0:
            return f"The lease of {self.resource} has been given back."
        found = _read(self._path)
        if found.get("number") == self.number:
            return ""
        who = found.get("holder") or "nobody (the lease file is gone)"
        return f"{self.resource} now belongs to {who}: this station sends it nothing more."

    def release(self) -> None:
        """Give the instrument back. The file stays, with its number: the next holder's is larger."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _refusal(resource: str, holder: dict[str, Any]) -> str:
    who = "another labctl process"
    if holder:
        process = f"process {holder.get('pid')} of {holder.get('user')} on {holder.get('host')}"
        who = f"{holder.get('holder')} ({process})"
    return (
        f"The instrument at {resource} is in use by {who}. Wait until that ends, stop it, or take the instrument "
        "out of one of two station files."
    )
