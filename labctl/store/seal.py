"""Seal live logs to Parquet: temp, read back, rename, sync; only then the log goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from labctl.errors import StoreError
from labctl.model.record import RecordBlock
from labctl.store import folder as run_folder
from labctl.store import names, parquet
from labctl.store.disk import Disk


def write_verified(disk: Disk, path: Path, data: bytes, block: RecordBlock) -> None:
    """Put a records file in its place after reading it back and comparing every bit.

    Raises: OSError when the disk fails, StoreError when what is read back differs; nothing has been
    replaced then.
    """
    temporary = path.with_name(path.name + names.TEMPORARY_SUFFIX)
    _write(disk, temporary, data)
    try:
        same = parquet.same_rows(parquet.decode_records(disk.read(temporary)), block)
    except pa.ArrowException as error:
        raise StoreError(f"{path.name} cannot be read back after writing: {error}") from error
    if not same:
        raise StoreError(f"{path.name} reads back different from what was written; the log is kept.")
    disk.rename(temporary, path)


def _write(disk: Disk, path: Path, data: bytes) -> None:
    file = disk.create(path)
    try:
        file.write((data,), 0)
        file.sync()
    finally:
        file.close()


def seal(disk: Disk, folder: Path, number: int, parts: Sequence[int]) -> list[str]:
    """Make one Parquet file of everything that is kept of records file ``number`` and remove its logs.

    The caller has made the logs durable, and the receipts and lines in them durable elsewhere. A log with
    damaged blocks is kept aside as ``*.damaged``. Returns sentences about damage. Raises OSError or
    StoreError; the logs then still stand.
    """
    content = run_folder.load(disk, folder, number, parts)
    block = content.block
    if len(block) > content.sealed_rows:
        if np.any(block["device_clock"] != b""):
            clock = folder / names.clock_name(number)
            temporary = clock.with_name(clock.name + names.TEMPORARY_SUFFIX)
            _write(disk, temporary, parquet.encode_clock(block["sequence"], block["device_clock"]))
            disk.rename(temporary, clock)
        write_verified(disk, folder / names.records_name(number), parquet.encode_records(block), block)
        disk.sync_folder(folder)
    for part in parts:
        log = folder / names.log_name(number, part)
        if content.damages:
            disk.rename(log, log.with_name(log.name + ".damaged"))
        else:
            disk.unlink(log)
    disk.sync_folder(folder)
    return content.damages


def cut_tail(disk: Disk, folder: Path, end_sequence: int) -> int:
    """Move the sealed rows behind ``end_sequence`` to ``tail.parquet``; return how many rows that holds.

    The tail is durable before any row leaves its records file, so each row is in one place or in both,
    never in none.
    """
    first = names.file_number(end_sequence + 1)
    numbers = [n for n in names.sealed_numbers(disk.names(folder)) if n >= first]
    kept: dict[int, RecordBlock] = {}
    late: list[RecordBlock] = []
    for number in numbers:
        block = run_folder.load_sealed(disk, folder, number)
        if block is not None:
            at = int(np.searchsorted(block["sequence"], end_sequence, side="right"))
            if at < len(block):
                kept[number] = block.rows(0, at)
                late.append(block.rows(at))
    path = folder / names.TAIL
    before = run_folder.load_tail(disk, folder)
    tail = run_folder.once_each([*([] if before is None else [before]), *late])
    if late:
        write_verified(disk, path, parquet.encode_records(tail), tail)
        disk.sync_folder(folder)
    for number, block in kept.items():
        records = folder / names.records_name(number)
        if len(block):
            write_verified(disk, records, parquet.encode_records(block), block)
        else:
            disk.unlink(records)
    disk.sync_folder(folder)
    return len(tail)
