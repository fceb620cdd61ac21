"""Keep a secret in a file that its owner alone can read: mode 0600, on Windows an access list with one name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from labctl.store.disk import Disk, RealDisk, replace_file

SECRET_MAX = 4096
"""Bytes of a token or key file that are looked at."""


def read_secret(disk: Disk, path: Path) -> str:
    """Return what a secret file holds, empty where there is none or others can read it. Raises: OSError."""
    if disk.size(path) is None:
        return ""
    if isinstance(disk, RealDisk) and os.name == "posix" and path.stat().st_mode & 0o077:
        return ""  # someone may have read it: it is no secret any more
    return disk.read(path)[:SECRET_MAX].decode("utf-8", "replace").strip()


def write_secret(disk: Disk, path: Path, text: str) -> None:
    """Replace a secret file in one step; it is never readable by others, not even for a moment. Raises: OSError."""
    if not isinstance(disk, RealDisk):
        replace_file(disk, path, text.encode() + b"\n")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if sys.platform == "win32":
            _own_alone(fresh)  # before there is anything to read
        os.write(descriptor, text.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(path)


def _own_alone(path: Path) -> None:
    """Take every right from everyone but the present user (Windows has no mode bits). Raises: OSError."""
    user = os.environ.get("USERNAME", "")
    domain = os.environ.get("USERDOMAIN", "")
    who = f"{domain}\\{user}" if domain else user
    done = subprocess.run(
        ["icacls", str(path), "/inheritance:r", "/grant:r", f"{who}:F"], capture_output=True, check=False
    )
    if done.returncode != 0:
        raise OSError(f"icacls could not protect {path}: {done.stdout.decode(errors='replace').strip()}")
