"""Read what a run folder holds of one records file: sealed Parquet and live logs together, each row once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from labctl.model.record import RECORD_COLUMNS, SIDE_COLUMNS, RecordBlock
from labctl.store import names, parquet
from labctl.store.disk import Disk
from labctl.store.frames import FrameKind, Scan, scan, unpack_all, unpack_line

ALL_COLUMNS = {**RECORD_COLUMNS, **SIDE_COLUMNS}


@dataclass(slots=True)
class Content:
    """Rows of one records file in order of sequence, each once, and what else its logs keep.

    ``damages`` are sentences naming file and bytes; ``torn`` tails are not damages.
    """

    block: RecordBlock
    sealed_rows: int = 0
    receipts: list[bytes] = field(default_factory=list)
    lines: list[tuple[str, bytes]] = field(default_factory=list)
    scans: dict[int, Scan] = field(default_factory=dict)
    damages: list[str] = field(default_factory=list)


def with_clock(block: RecordBlock) -> RecordBlock:
    """Return the block with an empty ``device_clock`` where it has none."""
    if "device_clock" in block.columns:
        return block
    return RecordBlock({**block.columns, "device_clock": np.zeros(len(block), dtype="S19")})


def once_each(blocks: Sequence[RecordBlock]) -> RecordBlock:
    """Return the rows of all blocks by rising sequence; of rows with one sequence the first is kept (I02)."""
    blocks = [block for block in blocks if len(block)]
    if not blocks:
        return RecordBlock.empty(ALL_COLUMNS)
    joined = blocks[0] if len(blocks) == 1 else RecordBlock.joined(blocks)
    sequence = joined["sequence"]
    if len(sequence) < 2 or bool((sequence[1:] > sequence[:-1]).all()):
        return joined
    _, first = np.unique(sequence, return_index=True)
    return RecordBlock({name: column[first] for name, column in joined.columns.items()})


def missing_ranges(sequence: np.ndarray[tuple[int], np.dtype[np.int64]], after: int) -> list[tuple[int, int]]:
    """Return the ranges (first, last) that lack between ``after`` and the last of a rising ``sequence``."""
    ends = np.concatenate(([after], sequence))
    jumps = np.flatnonzero(np.diff(ends) > 1)
    return [(int(ends[at]) + 1, int(ends[at + 1]) - 1) for at in jumps]


def load_sealed(disk: Disk, folder: Path, number: int) -> RecordBlock | None:
    """Return the sealed rows of a records file with their clock texts, ``None`` if it is not sealed.

    Raises: OSError or pyarrow errors when the records file is damaged. A damaged clock file only costs its
    texts.
    """
    try:
        block = parquet.decode_records(disk.read(folder / names.records_name(number)))
    except FileNotFoundError:
        return None
    clock = np.zeros(len(block), dtype="S19")
    try:
        sequence, texts = parquet.decode_clock(disk.read(folder / names.clock_name(number)))
    except parquet.DAMAGE:
        return RecordBlock({**block.columns, "device_clock": clock})
    place = np.searchsorted(sequence, block["sequence"])
    found = place < len(sequence)
    found[found] = sequence[place[found]] == block["sequence"][found]
    clock[found] = texts[place[found]]
    return RecordBlock({**block.columns, "device_clock": clock})


def load_tail(disk: Disk, folder: Path) -> RecordBlock | None:
    """Return the rows of ``tail.parquet`` with empty clock texts, ``None`` if there are none."""
    if disk.size(folder / names.TAIL) is None:
        return None
    block = parquet.decode_records(disk.read(folder / names.TAIL))
    return with_clock(block) if len(block) else None


def load(disk: Disk, folder: Path, number: int, parts: Sequence[int]) -> Content:
    """Return everything that is kept of records file ``number``; ``parts`` are its live logs."""
    content = Content(RecordBlock.empty(ALL_COLUMNS))
    blocks: list[RecordBlock] = []
    try:
        sealed = load_sealed(disk, folder, number)
    except parquet.DAMAGE as error:
        content.damages.append(f"{names.records_name(number)} cannot be read: {one_line(error)}")
        sealed = None
        blocks += salvage(disk, folder, number, content)
    if sealed is not None:
        content.sealed_rows = len(sealed)
        blocks.append(sealed)
    for part in parts:
        _load_log(disk, folder / names.log_name(number, part), part, blocks, content)
    content.block = once_each(blocks)
    return content


def load_logs(disk: Disk, folder: Path, number: int, parts: Sequence[int]) -> Content:
    """Return what the live logs alone keep of records file ``number``."""
    content = Content(RecordBlock.empty(ALL_COLUMNS))
    blocks: list[RecordBlock] = []
    for part in parts:
        _load_log(disk, folder / names.log_name(number, part), part, blocks, content)
    content.block = once_each(blocks)
    return content


def live_logs(disk: Disk, folder: Path) -> dict[int, list[int]]:
    """Return the parts of the live logs by file number, without those that a crash left behind a hole.

    A block may lie across two files. If the first part of it was lost with the power, so was its
    acknowledgement, and the second part, which may have survived, does not count. A log with any
    acknowledged frame always counts.
    """
    present = disk.names(folder)
    logs = names.log_parts(present)
    sealed = {0, *names.sealed_numbers(present)}
    for number in sorted(logs):
        alone = number - 1 in sealed and number - 1 not in logs
        if not alone and _behind_hole(disk, folder, number, logs):
            return {kept: parts for kept, parts in logs.items() if kept < number}
    return logs


def _behind_hole(disk: Disk, folder: Path, number: int, logs: dict[int, list[int]]) -> bool:
    content = load_logs(disk, folder, number, logs[number])
    if any(frame.acknowledged for found in content.scans.values() for frame in found.frames):
        return False
    before = load(disk, folder, number - 1, logs.get(number - 1, []))
    full = len(before.block) > 0 and int(before.block["sequence"][-1]) == names.last_sequence_of(number - 1)
    return not full and not before.damages


def _load_log(disk: Disk, path: Path, part: int, blocks: list[RecordBlock], content: Content) -> None:
    found = scan(disk.read(path))
    content.scans[part] = found
    for damage in found.damages:
        if not damage.torn:
            content.damages.append(f"{path.name} is damaged at bytes {damage.start} to {damage.stop - 1}")
    rows, receipts = unpack_all([frame for frame in found.frames if frame.kind is FrameKind.RECORDS])
    blocks += rows
    content.receipts += receipts
    content.lines += [unpack_line(frame) for frame in found.frames if frame.kind is FrameKind.LINE]


def salvage(disk: Disk, folder: Path, number: int, content: Content) -> list[RecordBlock]:
    """Return the rows of a damaged Parquet file's readable row groups and name the columns that are not."""
    path = folder / names.records_name(number)
    try:
        file = pq.ParquetFile(pa.BufferReader(disk.read(path)), page_checksum_verification=True)
    except parquet.DAMAGE:
        return []
    found = []
    for group in range(file.num_row_groups):
        try:
            found.append(with_clock(parquet.block_of(file.read_row_group(group))))
        except parquet.DAMAGE as error:
            statistics = file.metadata.row_group(group).column(0).statistics
            where = f"sequences {statistics.min} to {statistics.max}" if statistics else f"row group {group}"
            content.damages.append(f"{path.name}: {where} cannot be read: {one_line(error)}")
    return found


def one_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    return (str(error).splitlines() or [type(error).__name__])[0]
