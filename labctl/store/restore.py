"""Mend a damaged run from a copy of its folder, block by block (F22). Nothing whole is replaced.

A row or line that both have must be the same in both, else the copy is of another run and nothing is touched. What
was damaged is kept in ``damaged/`` inside the run folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from labctl.errors import StoreError
from labctl.model.record import RecordBlock
from labctl.store import folder as run_folder
from labctl.store import names, parquet
from labctl.store.disk import Disk, RealDisk, replace_file
from labctl.store.lines import LineFile, read_lines
from labctl.store.manifest import decode_manifest, encode_manifest, read_manifest
from labctl.store.root import DataRoot
from labctl.store.seal import write_verified
from labctl.store.verify import verify_folder

KEPT_IN = "damaged"


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two folders."""

    disk: Disk
    folder: Path

    def read(self, name: str) -> bytes | None:
        """Return a file, None where there is none or it cannot be read."""
        try:
            return self.disk.read(self.folder / name)
        except OSError:
            return None


def restore_run(root: DataRoot, run_id: str, copy: Path, *, copy_disk: Disk | None = None) -> list[str]:
    """Mend a run of a locked root from a copy of its folder; returns what was restored, in sentences.

    Raises: StoreError when the run goes on, the copy is of another run, or a disk refuses; nothing is half replaced.
    """
    ours = _Side(root.disk, root.run_folder(run_id))
    theirs = _Side(copy_disk or RealDisk(), copy)
    if run_folder.live_logs(ours.disk, ours.folder):
        raise StoreError(f"{run_id} is still being written; a run is mended after it has ended.")
    manifest = read_manifest(theirs.disk, theirs.folder)
    if manifest.get("run_id", run_id) != run_id:
        raise StoreError(f"{copy} is a copy of {manifest['run_id']}, not of {run_id}.")
    damaged = {finding.file for finding in verify_folder(ours.disk, ours.folder)}
    if not damaged:
        return []
    try:
        plan = [*_records(ours, theirs), *_tables(ours, theirs, damaged), *_lines(ours, theirs, damaged)]
        plan += _manifests(ours, theirs, damaged)
        for _, act in plan:
            act()
        ours.disk.sync_folder(ours.folder)
    except OSError as error:
        raise StoreError(f"{run_id} cannot be mended: {error}") from error
    return [text for text, _ in plan]


_Step = tuple[str, Callable[[], None]]
"""What will have been restored, and the act that does it: all is compared before anything is replaced."""


def _records(ours: _Side, theirs: _Side) -> Iterator[_Step]:
    theirs_logs = run_folder.live_logs(theirs.disk, theirs.folder)
    sealed = names.sealed_numbers(theirs.disk.names(theirs.folder))
    end = read_manifest(theirs.disk, theirs.folder).get("end_sequence")
    for number in sorted({*sealed, *theirs_logs}):
        have = run_folder.load(ours.disk, ours.folder, number, [])
        other = run_folder.load(theirs.disk, theirs.folder, number, theirs_logs.get(number, []))
        block = other.block
        if end is not None:
            block = block.rows(0, int(np.searchsorted(block["sequence"], end, side="right")))
        _, in_ours, in_theirs = np.intersect1d(have.block["sequence"], block["sequence"], return_indices=True)
        one = type(block)({name: column[in_ours] for name, column in have.block.columns.items()})
        two = type(block)({name: column[in_theirs] for name, column in block.columns.items()})
        if not parquet.same_rows(one, two):
            raise StoreError(
                f"{theirs.folder}: rows of {names.records_name(number)} differ from ours: another run"
            )
        joined = run_folder.once_each([have.block, block])
        if len(joined) > len(have.block) or have.damages:
            missing = len(joined) - len(have.block)
            yield (
                f"{names.records_name(number)}: {missing} rows restored",
                partial(_put_records, ours, number, joined),
            )


def _put_records(ours: _Side, number: int, block: RecordBlock) -> None:
    name = names.records_name(number)
    _keep_aside(ours, name)
    if np.any(block["device_clock"] != b""):
        clock = parquet.encode_clock(block["sequence"], block["device_clock"])
        replace_file(ours.disk, ours.folder / names.clock_name(number), clock)
    write_verified(ours.disk, ours.folder / name, parquet.encode_records(block), block)


def _keep_aside(ours: _Side, name: str) -> None:
    """Copy a damaged file to ``damaged/``, if it is there at all."""
    data = ours.read(name)
    if data is not None:
        ours.disk.make_folder(ours.folder / KEPT_IN)
        replace_file(ours.disk, ours.folder / KEPT_IN / name, data)


def _put(ours: _Side, name: str, data: bytes) -> None:
    _keep_aside(ours, name)
    replace_file(ours.disk, ours.folder / name, data)


def _tables(ours: _Side, theirs: _Side, damaged: set[str]) -> Iterator[_Step]:
    for name in sorted(damaged):
        if not name.endswith(".parquet") or name.startswith("records-"):
            continue
        data = theirs.read(name)
        if data is None:
            continue
        try:
            parquet.decode_table(data)
        except parquet.DAMAGE:
            continue
        yield f"{name} restored", partial(_put, ours, name, data)


def _lines(ours: _Side, theirs: _Side, damaged: set[str]) -> Iterator[_Step]:
    for name in (names.EVENTS, names.RECEIPTS, names.AMBIENT, names.JOURNAL):
        data = theirs.read(name)
        if name not in damaged or data is None:
            continue
        chained = name == names.JOURNAL
        have = read_lines(ours.read(name) or b"", chained=chained)
        other = read_lines(data, chained=chained)
        merged = _merged(have, other, theirs.folder / name)
        after = read_lines(merged, chained=chained)
        if not after.bad and len(after.lines) >= len(have.lines):
            gained = len(after.lines) - len(have.lines)
            yield (
                f"{name}: {gained} lines restored",
                partial(_put, ours, name, merged),
            )


def _merged(have: LineFile, other: LineFile, path: Path) -> bytes:
    found = {line.number: line.raw for line in other.lines}
    for line in have.lines:
        if found.setdefault(line.number, line.raw) != line.raw:
            raise StoreError(f"{path}: line {line.number} differs from ours: another run")
    return b"".join(raw for _, raw in sorted(found.items()))


def _manifests(ours: _Side, theirs: _Side, damaged: set[str]) -> Iterator[_Step]:
    data = theirs.read(names.MANIFEST)
    if names.MANIFEST not in damaged or data is None:
        return
    fields, whole = decode_manifest(data)
    if whole:
        yield f"{names.MANIFEST} restored", partial(_put, ours, names.MANIFEST, encode_manifest(fields))
