"""JSON lines: torn tails cut, damaged lines named, the journal chained (S3, I17)."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.store.lines import encode_line, read_lines
from labctl.store.linewriter import LineWriter
from labctl.store.simdisk import SimulatedDisk

PATH = Path("/bench/x.jsonl").absolute()


def three(*, chained: bool) -> tuple[bytes, list[int]]:
    data, check, ends = b"", "", []
    for number in (1, 2, 3):
        line = encode_line(number, {"text": f"Zürich, 电池 {number}"}, previous=check if chained else None)
        data, check = data + line.raw, line.check
        ends.append(len(data))
    return data, ends


@pytest.mark.parametrize("chained", [False, True])
def test_a_file_cut_at_every_byte_keeps_exactly_the_whole_lines(chained: bool) -> None:
    data, ends = three(chained=chained)
    for cut in range(len(data) + 1):
        found = read_lines(data[:cut], chained=chained)
        whole = sum(1 for end in ends if end <= cut)
        assert [line.number for line in found.lines] == [1, 2, 3][:whole]
        assert found.end == [0, *ends][whole]
        assert found.bad == ()


@pytest.mark.parametrize("chained", [False, True])
def test_every_flipped_byte_of_a_middle_line_is_named(chained: bool) -> None:
    data, ends = three(chained=chained)
    for at in range(ends[0], ends[1]):
        rotten = bytearray(data)
        rotten[at] ^= 0x04
        found = read_lines(bytes(rotten), chained=chained)
        assert found.bad == (2,)
        assert [line.number for line in found.lines] == [1, 3]


def test_a_line_taken_out_of_a_chained_file_breaks_the_chain() -> None:
    data, ends = three(chained=True)
    found = read_lines(data[: ends[0]] + data[ends[1] :], chained=True)
    assert [line.number for line in found.lines] == [1]
    assert found.bad == (2,)


def test_a_writer_goes_on_behind_the_last_whole_line_after_a_crash() -> None:
    data, _ = three(chained=False)
    disk = SimulatedDisk()
    disk.put(PATH, data[:-5])
    writer = LineWriter(disk, PATH)
    assert writer.last_number == 2
    writer.add({"text": "next"})
    writer.sync()
    assert [line.fields["text"] for line in read_lines(disk.read(PATH)).lines][-1] == "next"
    assert [line.number for line in read_lines(disk.read(PATH)).lines] == [1, 2, 3]


def test_a_hole_that_a_crash_left_is_filled_from_what_the_log_kept() -> None:
    data, ends = three(chained=False)
    disk = SimulatedDisk()
    disk.put(PATH, data[: ends[0]] + bytes(ends[1] - ends[0]) + data[ends[1] :])
    writer = LineWriter(disk, PATH)
    for start, stop in zip([0, *ends], ends, strict=False):
        writer.restore(data[start:stop])
    writer.mend()
    assert disk.read(PATH) == data
    writer.add({"text": "next"})
    writer.sync()
    assert [line.number for line in read_lines(disk.read(PATH)).lines] == [1, 2, 3, 4]


def test_a_failed_sync_leads_to_a_new_file_with_all_lines() -> None:
    disk = SimulatedDisk()
    writer = LineWriter(disk, PATH)
    writer.add({"a": 1})
    writer.sync()
    disk.fail_syncs_of = lambda path: path == PATH
    writer.add({"a": 2})
    writer.sync()
    assert [line.fields["a"] for line in read_lines(disk.crash().read(PATH)).lines] == [1, 2]
    disk.fail_from = disk.ops + 1
    writer.add({"a": 3})
    with pytest.raises(OSError, match="simulated"):
        writer.sync()
    disk.fail_from = None
    writer.add({"a": 4})
    writer.sync()
    assert [line.fields["a"] for line in read_lines(disk.read(PATH)).lines] == [1, 2, 3, 4]
