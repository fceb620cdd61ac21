"""Read and write ``run.json``: whole or the copy before it, with a checksum that names bit rot (S3)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labctl.errors import StoreError
from labctl.store import names
from labctl.store.disk import Disk, replace_file

_KEY = "checksum"


def _checksum(fields: Mapping[str, Any]) -> str:
    text = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"crc32:{zlib.crc32(text.encode()):08x}"


def encode_manifest(fields: Mapping[str, Any]) -> bytes:
    """Return the bytes of a manifest; the checksum comes last and is the end marker."""
    content = {key: value for key, value in fields.items() if key != _KEY}
    content[_KEY] = _checksum(content)
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def decode_manifest(data: bytes) -> tuple[dict[str, Any], bool]:
    """Return the manifest without its checksum, and whether the checksum holds.

    Raises ValueError if it is no JSON object.
    """
    content = json.loads(data)
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    stated = content.pop(_KEY, None)
    return content, stated == _checksum(content)


def write_manifest(disk: Disk, folder: Path, fields: Mapping[str, Any]) -> None:
    """Replace ``run.json`` in one step and keep the copy before. Raises OSError."""
    replace_file(disk, folder / names.MANIFEST, encode_manifest(fields), keep=folder / names.MANIFEST_BEFORE)


def restore_manifest(disk: Disk, folder: Path, fields: Mapping[str, Any]) -> None:
    """Write ``run.json`` again where a crash left only the copy before it. Raises OSError."""
    try:
        decode_manifest(disk.read(folder / names.MANIFEST))
    except (FileNotFoundError, ValueError):
        replace_file(disk, folder / names.MANIFEST, encode_manifest(fields))


def read_manifest(disk: Disk, folder: Path) -> dict[str, Any]:
    """Return the run's manifest, or the copy before it where the newest cannot be read.

    Raises: StoreError when neither is there or readable; the text names the files.
    """
    problems = []
    for name in (names.MANIFEST, names.MANIFEST_BEFORE):
        path = folder / name
        try:
            return decode_manifest(disk.read(path))[0]
        except FileNotFoundError:
            problems.append(f"{name} is missing")
        except (ValueError, OSError) as error:
            problems.append(f"{name} is damaged ({error})")
    raise StoreError(
        f"{folder} is no run folder that can be read: {', '.join(problems)}. The record files in it can "
        "still be opened with any Parquet reader; restore run.json from a copy to use it with labctl."
    )
