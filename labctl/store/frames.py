"""Framing of the live log: append-only, each frame checked by itself, a torn tail known at every byte (S1).

One frame::

    offset  0    4     5        6        8     12      16              24             32    36
            +----+-----+--------+--------+-----+-------+---------------+--------------+-----+---------
            |LCB1| kind| version| zero   | rows| length| first sequence| acknowledged | crc | payload
            +----+-----+--------+--------+-----+-------+---------------+--------------+-----+---------

``length`` is that of the payload; ``crc`` is CRC-32 over the first 32 bytes and the payload.
``acknowledged`` is the number of bytes of this file that were durable when the frame was written: damage
before that mark, seen from a later frame, is bit rot; damage behind it is the tail of a crash and may be
cut. Payload of a records frame: the columns of ``LOG_COLUMNS`` one after the other, packed little-endian,
then the line for ``receipts.jsonl``. Payload of a line frame: name of the line file, NUL, the finished line. All
numbers little-endian.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labctl.model.record import RECORD_COLUMNS, SIDE_COLUMNS, RecordBlock

MAGIC = b"LCB1"
VERSION = 1
_HEAD = struct.Struct("<4sBBHIIqq")
_CRC = struct.Struct("<I")
HEAD_BYTES = _HEAD.size + _CRC.size
PAYLOAD_BYTES_MAX = 64 * 1024 * 1024
"""A length beyond this is damage, not a frame: 32,768 rows are 3.6 MB."""

LOG_COLUMNS: dict[str, np.dtype[Any]] = {
    name: np.dtype(dtype) for name, dtype in (*RECORD_COLUMNS.items(), *SIDE_COLUMNS.items())
}
ROW_BYTES = sum(dtype.itemsize for dtype in LOG_COLUMNS.values())
_COLUMN_ITEMS = tuple(LOG_COLUMNS.items())


class FrameKind(IntEnum):
    """What a frame holds."""

    RECORDS = 1
    LINE = 2


class Frame(NamedTuple):
    """One whole frame and where it lay (byte offsets in its file)."""

    kind: FrameKind
    rows: int
    first_sequence: int
    acknowledged: int
    payload: memoryview
    start: int
    stop: int


_KINDS = {kind.value: kind for kind in FrameKind}
"""Looked up for every frame of a log: calling the enum costs six times as much."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes ``start:stop`` that are no whole frame. ``torn``: the tail of a crash, never acknowledged."""

    start: int
    stop: int
    torn: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """What a log holds: whole frames in order, damages, and ``end``, where the next frame belongs."""

    frames: tuple[Frame, ...]
    damages: tuple[Damage, ...]
    end: int


def encode_frame(
    kind: FrameKind, payload: bytes, *, rows: int = 0, first_sequence: int = 0, acknowledged: int = 0
) -> bytes:
    """Return the bytes of one frame."""
    return (
        encode_head(kind, payload, rows=rows, first_sequence=first_sequence, acknowledged=acknowledged)
        + payload
    )


def encode_head(
    kind: FrameKind, payload: bytes, *, rows: int = 0, first_sequence: int = 0, acknowledged: int = 0
) -> bytes:
    """Return what goes before the payload; keeping them apart spares a copy of large payloads."""
    head = _HEAD.pack(MAGIC, kind, VERSION, 0, rows, len(payload), first_sequence, acknowledged)
    return head + _CRC.pack(zlib.crc32(payload, zlib.crc32(head)))


def pack_records(block: RecordBlock, receipt: bytes) -> bytes:
    """Return the payload of a records frame. A block without ``device_clock`` gets empty texts."""
    columns = block.columns
    rows = len(block)
    parts: list[Any] = []
    for name, dtype in _COLUMN_ITEMS:
        column = columns.get(name)
        if column is None:
            if name not in SIDE_COLUMNS:
                raise KeyError(name)
            parts.append(bytes(rows * dtype.itemsize))
        elif column.dtype == dtype:
            parts.append(column if column.flags.c_contiguous else column.tobytes())
        else:
            parts.append(column.astype(dtype, casting="same_kind"))
    parts.append(receipt)
    return b"".join(parts)


def unpack_records(frame: Frame) -> tuple[RecordBlock, bytes]:
    """Return the rows (views into the frame) and the receipt's JSON."""
    columns: dict[str, NDArray[Any]] = {}
    offset = 0
    for name, dtype in _COLUMN_ITEMS:
        columns[name] = np.frombuffer(frame.payload, dtype=dtype, count=frame.rows, offset=offset)
        offset += dtype.itemsize * frame.rows
    return RecordBlock(columns), bytes(frame.payload[offset:])


def unpack_all(frames: Sequence[Frame]) -> tuple[list[RecordBlock], list[bytes]]:
    """Return the rows of many records frames in few blocks, and their receipts.

    Frames of one size that follow each other are taken as a table: a log of single rows would otherwise cost seventeen
    small arrays a row.
    """
    blocks: list[RecordBlock] = []
    for rows, group in itertools.groupby(frames, key=lambda frame: frame.rows):
        alike = list(group)
        if len(alike) == 1:
            blocks.append(unpack_records(alike[0])[0])
            continue
        width = rows * ROW_BYTES
        data = b"".join([frame.payload[:width] for frame in alike])
        table = np.frombuffer(data, dtype=np.uint8).reshape(len(alike), width)
        columns: dict[str, NDArray[Any]] = {}
        offset = 0
        for name, dtype in _COLUMN_ITEMS:
            size = rows * dtype.itemsize
            columns[name] = np.ascontiguousarray(table[:, offset : offset + size]).reshape(-1).view(dtype)
            offset += size
        blocks.append(RecordBlock(columns))
    receipts = [bytes(frame.payload[frame.rows * ROW_BYTES :]) for frame in frames]
    return blocks, [receipt for receipt in receipts if receipt]


def pack_line(file: str, line: bytes) -> bytes:
    """Return the payload of a line frame."""
    return file.encode("ascii") + b"\0" + line


def unpack_line(frame: Frame) -> tuple[str, bytes]:
    """Return the name of the line file and the line."""
    name, _, line = bytes(frame.payload).partition(b"\0")
    return name.decode("ascii"), line


def _frame_at(data: memoryview, start: int) -> Frame | None:
    body = start + HEAD_BYTES
    if body > len(data):
        return None
    magic, kind, version, _zero, rows, length, first, acknowledged = _HEAD.unpack_from(data, start)
    if magic != MAGIC or version != VERSION or length > PAYLOAD_BYTES_MAX or body + length > len(data):
        return None
    payload = data[body : body + length]
    (crc,) = _CRC.unpack_from(data, start + _HEAD.size)
    if crc != zlib.crc32(payload, zlib.crc32(data[start : start + _HEAD.size])):
        return None
    if kind not in _KINDS or (kind == FrameKind.RECORDS and length < rows * ROW_BYTES):
        return None
    return Frame(_KINDS[kind], rows, first, acknowledged, payload, start, body + length)


def _next_frame(data: bytes, view: memoryview, start: int) -> Frame | None:
    at = data.find(MAGIC, start)
    while at >= 0:
        frame = _frame_at(view, at)
        if frame is not None:
            return frame
        at = data.find(MAGIC, at + 1)
    return None


def scan(data: bytes) -> Scan:
    """Read a whole log. Zeros at the end are preallocated room, not damage.

    The tail of a crash is cut at its first damaged byte: whole frames behind it were never acknowledged and
    are left out, so that what is kept is always a beginning of what was written.
    """
    view = memoryview(data)
    frames: list[Frame] = []
    holes: list[tuple[int, int]] = []
    at = 0
    while at < len(data):
        frame = _frame_at(view, at)
        if frame is None:
            if data.count(0, at) == len(data) - at:
                break
            frame = _next_frame(data, view, at + 1)
            if frame is None:
                holes.append((at, len(data)))
                break
            holes.append((at, frame.start))
        frames.append(frame)
        at = frame.stop
    return _classified(frames, holes)


def _classified(frames: list[Frame], holes: list[tuple[int, int]]) -> Scan:
    durable = max((frame.acknowledged for frame in frames), default=0)
    damages = []
    for start, stop in holes:
        torn = start >= durable
        damages.append(Damage(start, stop, torn))
        if torn:
            frames = [frame for frame in frames if frame.start < start]
            break
    end = frames[-1].stop if frames else 0
    end = max([end, *(damage.stop for damage in damages if not damage.torn)])
    return Scan(tuple(frames), tuple(damages), end)
