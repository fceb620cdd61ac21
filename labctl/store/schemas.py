"""Versions of what run folders hold, and how an older one is taken up (F46).

A reader understands the present version and the two before it; a newer one is refused by name. Reading changes
nothing. Before a run of an older version is written on, its manifest is kept as ``run.schema-N.json`` beside it; its
rows stay as they are in every version.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labctl.errors import StoreError
from labctl.store import names
from labctl.store.disk import Disk, replace_file
from labctl.store.manifest import decode_manifest, encode_manifest, read_manifest

FAMILY = "labctl.run"
VERSION = 1
READABLE_BEFORE = 2
"""How many versions before the present one are understood."""

Step = Callable[[dict[str, Any]], dict[str, Any]]
STEPS: dict[int, Step] = {}
"""From a version to the next: manifest in, manifest out. A step stays for two versions after it was written."""


def version_of(manifest: Mapping[str, Any]) -> int:
    """Return the version of a manifest, the first where it does not say. Raises: StoreError for another family."""
    schema = str(manifest.get("schema") or f"{FAMILY}/1")
    family, _, number = schema.partition("/")
    if family != FAMILY or not number.isdigit():
        raise StoreError(f"{schema!r} is no schema of a run; this folder was not written by labctl.")
    return int(number)


def understood(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest as the present version has it; changes nothing on disk.

    Raises: StoreError when it is newer than this labctl, or older than it can read.
    """
    version = version_of(manifest)
    who = f"The run {manifest.get('run_id', '')} has the schema {FAMILY}/{version}"
    if version > VERSION:
        raise StoreError(
            f"{who}; this labctl knows {FAMILY}/{VERSION}. "
            "Use the newer labctl; its record files can be opened with any Parquet reader meanwhile."
        )
    if version < VERSION - READABLE_BEFORE:
        raise StoreError(
            f"{who}, too old for this labctl: open it once with one that knows {FAMILY}/{version + READABLE_BEFORE}."
        )
    taken = dict(manifest)
    for number in range(version, VERSION):
        taken = {**STEPS[number](taken), "schema": f"{FAMILY}/{number + 1}"}
    return taken


def read(disk: Disk, folder: Path) -> dict[str, Any]:
    """Return a run's manifest as the present version has it; changes nothing on disk.

    A manifest that does not fit its checksum is taken as it is: bit rot must not hide rows that are whole. Raises:
    StoreError as ``understood``, or when there is no manifest that can be read.
    """
    manifest = read_manifest(disk, folder)
    try:
        return understood(manifest)
    except StoreError:
        with contextlib.suppress(OSError, ValueError):
            if not decode_manifest(disk.read(folder / names.MANIFEST))[1]:
                return manifest
        raise


def taken_up(disk: Disk, folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest as the present version has it, for a run that is written on; the old one is kept first.

    Raises: StoreError, OSError: then nothing is changed.
    """
    present = understood(manifest)
    version = version_of(manifest)
    if version < VERSION:
        kept = folder / f"run.schema-{version}.json"
        if disk.size(kept) is None:
            replace_file(disk, kept, encode_manifest(manifest))
        replace_file(
            disk, folder / names.MANIFEST, encode_manifest(present), keep=folder / names.MANIFEST_BEFORE
        )
    return present
