"""The raw-frame log read backwards: pages that join, over files that are renamed meanwhile, bounded."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labctl.store import wirelog, wireread
from labctl.store.disk import RealDisk
from labctl.store.simdisk import SimulatedDisk
from labctl.store.wirelog import WireLog
from labctl.store.wireread import WireLine, WireReader

BEGAN = datetime(2026, 4, 21, 9, 0, tzinfo=UTC)


def a_log(root: Path, disk: Any, began: datetime = BEGAN) -> WireLog:
    """Begin a log."""
    header = {"driver": "x", "resource": "mem://x", "utc": began.isoformat()}
    return WireLog(disk, root, "neware", header, lambda: 0.0)


def line(number: int, size: int = 4) -> str:
    """Return a frame at ``number`` seconds."""
    data = f"{number:04x}" + "00" * (size - 2)
    return json.dumps({"time_s": float(number), "link": "neware/1", "event": "out", "data": data}) + "\n"


def numbers(lines: tuple[WireLine, ...]) -> list[int]:
    """Return the numbers of frames."""
    return [int(item.fields["data"][:4], 16) for item in lines if item.fields.get("event") == "out"]


def is_frame(fields: dict[str, Any]) -> bool:
    """Tell whether a line is of bytes."""
    return fields["event"] == "out"


@pytest.mark.parametrize("disk", [RealDisk(), SimulatedDisk()], ids=["real", "simulated"])
def test_pages_join_without_a_hole_or_a_double_to_the_beginning(
    tmp_path: Path, disk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wirelog, "FILE_BYTES_MAX", 2000)
    monkeypatch.setattr(wireread, "CHUNK_BYTES", 128)
    log = a_log(tmp_path, disk)
    for number in range(40):
        log.add(line(number))
        log.flush()
    reader, found, before = WireReader(disk, tmp_path, "neware"), [], ""
    while True:
        page = reader.page(7, before=before)
        found += numbers(page.lines)
        before = page.earlier
        if not before:
            break
    assert found == list(range(39, -1, -1))


def test_a_page_goes_on_where_it_ended_though_the_files_were_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wirelog, "FILE_BYTES_MAX", 1500)
    disk = RealDisk()
    log = a_log(tmp_path, disk)
    for number in range(20):
        log.add(line(number))
        log.flush()
    reader = WireReader(disk, tmp_path, "neware")
    first = reader.page(5, wanted=is_frame)
    for number in range(20, 32):
        log.add(line(number))
        log.flush()
    assert numbers(first.lines) == [19, 18, 17, 16, 15]
    assert numbers(reader.page(3, before=first.earlier, wanted=is_frame).lines) == [14, 13, 12]


def test_moments_are_those_of_the_process_that_wrote(tmp_path: Path) -> None:
    disk = RealDisk()
    for days in (0, 1):
        log = a_log(tmp_path, disk, BEGAN + timedelta(days=days))
        log.add(line(60))
        log.close()
    reader = WireReader(disk, tmp_path, "neware")
    lines = [item for item in reader.page(10).lines if item.fields["event"] == "out"]
    day, minute = timedelta(days=1), timedelta(seconds=60)
    assert [item.utc for item in lines] == [BEGAN + day + minute, BEGAN + minute]
    early = reader.page(10, until=BEGAN + timedelta(hours=1))
    assert [item.utc for item in early.lines] == [BEGAN + minute, BEGAN]


def test_only_what_is_wanted_counts_and_one_question_reads_so_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = RealDisk()
    log = a_log(tmp_path, disk)
    for number in range(50):
        log.add(line(number))
    log.flush()
    reader = WireReader(disk, tmp_path, "neware")
    even = reader.page(
        3, wanted=lambda fields: fields["event"] == "out" and int(fields["data"][:4], 16) % 2 == 0
    )
    assert numbers(even.lines) == [48, 46, 44]
    monkeypatch.setattr(wireread, "SCAN_BYTES_MAX", 500)
    some = reader.page(50)
    assert 0 < len(some.lines) < 50 and some.earlier
    assert numbers(reader.page(50, before=some.earlier).lines)[0] == numbers(some.lines)[-1] - 1


def test_half_a_line_is_told_and_a_cursor_that_is_none_is_refused(tmp_path: Path) -> None:
    disk = RealDisk()
    log = a_log(tmp_path, disk)
    log.add(line(1))
    log.add('{"time_s": 2.0, "link": "neware/1", "ev')
    log.close()
    reader = WireReader(disk, tmp_path, "neware")
    assert [item.fields["event"] for item in reader.page(10).lines] == ["unreadable", "out", "begin"]
    with pytest.raises(ValueError, match="no place"):
        reader.page(10, before="../etc")
    assert WireReader(disk, tmp_path, "nobody").page(10).lines == ()
