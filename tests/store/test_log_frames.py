"""The live log: a torn tail is known at every byte, rot in the middle is named, the rest is readable (S1, F21, F22)."""

from __future__ import annotations

import random

import numpy as np
import pytest

from labctl.model.record import RecordBlock
from labctl.store import parquet
from labctl.store.folder import with_clock
from labctl.store.frames import (
    HEAD_BYTES,
    ROW_BYTES,
    FrameKind,
    encode_frame,
    pack_line,
    pack_records,
    scan,
    unpack_line,
    unpack_records,
)
from labctl.testing.rows import cycling_rows

SOURCE = cycling_rows(40)
SIZES = (5, 1, 12, 2, 20)


def written(*, acknowledging: bool = True) -> tuple[bytes, list[int]]:
    """Return a log of five frames, each written after the one before was durable, and where each ends."""
    log = b""
    ends: list[int] = []
    start = 0
    for size in SIZES:
        payload = pack_records(SOURCE.rows(start, start + size), b'{"first": 1}')
        mark = len(log) if acknowledging else 0
        log += encode_frame(
            FrameKind.RECORDS, payload, rows=size, first_sequence=start + 1, acknowledged=mark
        )
        ends.append(len(log))
        start += size
    return log, ends


def rows_of(log: bytes) -> int:
    return sum(frame.rows for frame in scan(log).frames)


def test_rows_come_back_bit_by_bit_with_clock_and_receipt() -> None:
    frame = scan(written()[0]).frames[2]
    block, receipt = unpack_records(frame)
    assert parquet.same_rows(block, SOURCE.rows(6, 18))
    assert (block["device_clock"] == SOURCE["device_clock"][6:18]).all()
    assert receipt == b'{"first": 1}'
    assert ROW_BYTES == 109


def test_a_log_cut_at_every_byte_keeps_exactly_the_whole_frames() -> None:
    log, ends = written()
    for cut in range(len(log) + 1):
        whole = sum(1 for end in ends if end <= cut)
        found = scan(log[:cut])
        assert len(found.frames) == whole
        assert found.end == ([0, *ends][whole])
        assert all(damage.torn for damage in found.damages)


def test_a_log_cut_at_every_byte_before_preallocated_zeros_keeps_exactly_the_whole_frames() -> None:
    log, ends = written()
    for cut in range(ends[2], len(log) + 1):
        whole = sum(1 for end in ends if end <= cut)
        found = scan(log[:cut] + bytes(300))
        # a frame whose missing bytes are zeros anyway is whole
        assert len(found.frames) >= whole
        assert found.end in (0, *ends)
        assert rows_of(log[:cut] + bytes(300)) <= 40


def test_every_flipped_byte_of_an_acknowledged_frame_is_named_and_costs_that_frame_alone() -> None:
    log, ends = written()
    for at in range(ends[0], ends[1]):
        rotten = bytearray(log)
        rotten[at] ^= 0x10
        found = scan(bytes(rotten))
        assert [(damage.start, damage.stop, damage.torn) for damage in found.damages] == [
            (ends[0], ends[1], False)
        ]
        assert [frame.rows for frame in found.frames] == [5, 12, 2, 20]


def test_whole_frames_behind_a_torn_one_were_never_acknowledged_and_do_not_count() -> None:
    log, ends = written(acknowledging=False)
    torn = log[: ends[1]] + bytes(ends[2] - ends[1]) + log[ends[2] :]
    found = scan(torn)
    assert [frame.rows for frame in found.frames] == [5, 1]
    assert found.end == ends[1]
    assert found.damages[0].torn


def test_garbage_and_false_magic_never_make_a_frame() -> None:
    log, ends = written()
    random_bytes = random.Random(3).randbytes(2000)
    for garbage in (random_bytes, b"LCB1" * 400, b"\xff" * 64, log[: HEAD_BYTES + 3]):
        found = scan(log + garbage)
        assert len(found.frames) == 5
        assert found.end == ends[-1]


def test_a_line_frame_carries_its_file_and_line() -> None:
    frame = scan(encode_frame(FrameKind.LINE, pack_line("events.jsonl", b'{"n": 1}\n'))).frames[0]
    assert unpack_line(frame) == ("events.jsonl", b'{"n": 1}\n')


def test_columns_of_another_width_are_widened_and_missing_ones_refused() -> None:
    narrow = {**SOURCE.columns, "step_id": SOURCE["step_id"].astype(np.int16)}
    assert pack_records(RecordBlock(narrow), b"") == pack_records(SOURCE, b"")
    without_clock = {name: column for name, column in SOURCE.columns.items() if name != "device_clock"}
    assert len(pack_records(RecordBlock(without_clock), b"")) == 40 * ROW_BYTES
    assert with_clock(RecordBlock(without_clock))["device_clock"].dtype == "S19"
    with pytest.raises(KeyError):
        pack_records(RecordBlock({"sequence": SOURCE["sequence"]}), b"")
