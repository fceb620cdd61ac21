"""Putting step files where the BTS PC reads them: temp + rename, read back, hashed, read-only, kept.

Blocking; the driver calls it in its worker thread. Source: neware-bts.md section 2.9 "Ours"; S3, X07.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from labctl.errors import UnknownStateError, UsageError

STEP_FILE_MAX_BYTES = 2 * 1024 * 1024
"""Servers refuse larger ones (section 2.9)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RESERVED = re.compile(r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_COPIES_MAX = 99


def file_name(label: str) -> str:
    """Return the file name of a label. Raises: UsageError unless it is plain ASCII that every system can hold."""
    if _NAME.fullmatch(label) is None or _RESERVED.fullmatch(label) or label.endswith("."):
        raise UsageError(f"step file label {label!r}: use letters, digits, '.', '_' and '-' (at most 100)")
    return f"{label}.xml"


def place_step_file(folder: Path, label: str, data: bytes) -> tuple[str, str]:
    """Write ``data`` under ``label``, read it back and return (file name, sha256 of the bytes read back).

    A file of that name with the same bytes is used as it is; one with other bytes is never touched, the new file gets
    ``-2``, ``-3`` ... instead. Raises: UsageError (folder not there or not writable), UnknownStateError (read-back
    differs).
    """
    if len(data) > STEP_FILE_MAX_BYTES:
        raise UsageError(f"a step file of {len(data)} bytes; the server reads at most {STEP_FILE_MAX_BYTES}")
    try:
        for copy in range(1, _COPIES_MAX + 1):
            name = file_name(label if copy == 1 else f"{label}-{copy}")
            path = folder / name
            if not path.exists():
                _write(path, data)
                return name, _checked_hash(path, data)
            if path.read_bytes() == data:
                _lock(path)
                return name, _checked_hash(path, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"step folder {folder}: {reason}; check that it is there and writable") from error
    raise UsageError(f"step folder {folder}: {_COPIES_MAX} files named {label!r} are there already")


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with part.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    if os.name == "posix":  # Windows cannot open folders; NTFS journals the rename itself
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    _lock(path)


def _lock(path: Path) -> None:
    path.chmod(stat.S_IREAD | (stat.S_IRGRP | stat.S_IROTH))


def _checked_hash(path: Path, data: bytes) -> str:
    found = path.read_bytes()
    if found != data:
        raise UnknownStateError(f"step file {path.name} reads back differently from what was written")
    return hashlib.sha256(found).hexdigest()


def hash_of(folder: Path, name: str) -> str:
    """Return the sha256 of a placed file. Raises: UsageError when it is not there."""
    if _NAME.fullmatch(name) is None:
        raise UsageError(f"{name!r} is not the name of a step file of ours")
    try:
        return hashlib.sha256((folder / name).read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"step file {name}: {error.strerror or error}") from error


def path_on_bts(folder_on_bts: str, name: str) -> str:
    """Return the file's path as the BTS PC sees it, with that PC's separators."""
    separator = "\\" if "\\" in folder_on_bts or re.match(r"[A-Za-z]:", folder_on_bts) else "/"
    return folder_on_bts.rstrip("/\\") + separator + name


def name_from(reference: str) -> str:
    """Return the file name at the end of a path of either kind."""
    return re.split(r"[/\\]", reference)[-1]
