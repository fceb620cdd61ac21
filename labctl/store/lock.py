"""One writer per data root.

The operating system frees the lock when its holder dies, so none is ever stale.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from labctl.errors import StoreError

LOCK_NAME = "labctl.lock"
_LOCKED_BYTE = 1 << 30
"""Windows locks bytes, and locked bytes cannot be read by others: lock one far behind the text."""


class RootLock:
    """Holds the data root for this process until ``release``."""

    def __init__(self, root: Path, *, purpose: str) -> None:
        """Take the lock.

        Raises: StoreError naming the holder and how to go on, when another process has it.
        """
        self._path = root / LOCK_NAME
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            _lock(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            self._descriptor = -1
            raise StoreError(_refusal(root, _holder(self._path))) from error
        self._write(purpose)

    def _write(self, purpose: str) -> None:
        try:
            user = getpass.getuser()
        except (OSError, KeyError, ImportError):  # an account without a name, as in containers
            user = "unknown"
        holder = {"pid": os.getpid(), "host": platform.node(), "user": user, "purpose": purpose}
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, json.dumps(holder).encode() + b"\n")

    def release(self) -> None:
        """Give the data root back. The file stays: removing it would let two processes hold two locks."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
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


def _holder(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _refusal(root: Path, holder: dict[str, Any]) -> str:
    who = "another labctl process"
    if holder:
        process = f"process {holder.get('pid')} of {holder.get('user')} on {holder.get('host')}"
        who = f"{process} ({holder.get('purpose')})"
    return (
        f"The data root {root} is in use by {who}; only one process may write to it. "
        "Wait until it ends, stop it, or choose another data root with --data. Reading works meanwhile."
    )
