"""The raw-frame log of an instrument: bounded, written in strides, harmless when the disk refuses."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from labctl.store import wirelog
from labctl.store.simdisk import SimulatedDisk
from labctl.store.wirelog import WireLog

ROOT = Path("/data")
NEWEST = ROOT / "wire" / "neware.log"
OLDER = ROOT / "wire" / "neware.log.1"


class Hand:
    """Link time that a test sets."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def now_s(self) -> float:
        return self.time_s


def made(disk: SimulatedDisk, hand: Hand | None = None) -> WireLog:
    return WireLog(disk, ROOT, "neware", {"driver": "neware-bts"}, (hand or Hand()).now_s)


def lines(disk: SimulatedDisk, path: Path = NEWEST) -> list[dict[str, Any]]:
    return [json.loads(line) for line in disk.read(path).decode().splitlines() if line]


def test_a_log_begins_with_who_wrote_it_and_keeps_lines_in_order() -> None:
    disk = SimulatedDisk()
    log = made(disk)
    for number in range(5):
        log.add(f'{{"n": {number}}}\n')
    log.close()
    header, *kept = lines(disk)
    assert header == {
        "event": "begin", "schema": "labctl.wire/1", "instrument": "neware", "driver": "neware-bts", "goes_on": False,
    }  # fmt: skip
    assert kept == [{"n": number} for number in range(5)]
    assert log.place == "wire/neware.log"
    assert not [entry for entry in disk.log if entry.startswith("sync")]


def test_lines_are_written_once_a_second_and_never_wait_beyond_the_cap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk, hand = SimulatedDisk(), Hand()
    log = made(disk, hand)
    header_bytes = len(disk.read(NEWEST))
    log.add("a\n")
    hand.time_s = 0.9
    log.add("b\n")
    assert len(disk.read(NEWEST)) == header_bytes
    hand.time_s = 1.0
    log.add("c\n")
    assert disk.read(NEWEST)[header_bytes:] == b"a\nb\nc\n"
    monkeypatch.setattr(wirelog, "WAITING_BYTES_MAX", 100)
    for _ in range(10):
        log.add("x" * 59 + "\n")
    assert len(disk.read(NEWEST)) - header_bytes - 6 >= 9 * 60


def test_the_files_stay_within_their_bound_and_keep_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wirelog, "FILE_BYTES_MAX", 2000)
    monkeypatch.setattr(wirelog, "FILES_MAX", 2)
    disk, hand = SimulatedDisk(), Hand()
    for process in range(3):
        log = made(disk, hand)
        for number in range(100):
            hand.time_s += 1.0
            log.add(json.dumps({"n": number, "process": process, "data": "00" * 20}) + "\n")
            assert all((disk.size(path) or 0) <= 2000 for path in (NEWEST, OLDER))
        log.close()
    assert disk.names(NEWEST.parent) == ["neware.log", "neware.log.1"]
    kept = lines(disk, OLDER) + lines(disk)
    numbers = [entry["n"] for entry in kept if "n" in entry]
    assert numbers == list(range(100 - len(numbers), 100))
    assert [lines(disk, path)[0]["event"] for path in (OLDER, NEWEST)] == ["begin", "begin"]
    assert lines(disk)[0]["goes_on"] is True


def test_a_new_process_appends_behind_half_a_line() -> None:
    disk = SimulatedDisk()
    disk.put(NEWEST, b'{"event": "ou')
    made(disk).close()
    assert disk.read(NEWEST).startswith(b'{"event": "ou\n{"event": "begin"')


@pytest.mark.parametrize("fail_from", [1, 2, 3])
def test_a_disk_error_ends_the_keeping_and_nothing_else(fail_from: int) -> None:
    disk, hand = SimulatedDisk(), Hand()
    disk.fail_from = fail_from
    log = made(disk, hand)
    for _ in range(3):
        hand.time_s += 2.0
        log.add("line\n")
    assert "no longer kept in wire/neware.log" in log.trouble and "simulated error" in log.trouble
    operations, told = disk.ops, log.trouble
    log.add("line\n")
    log.close()
    assert (disk.ops, log.trouble) == (operations, told)


def test_a_disk_error_at_the_close_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    disk = SimulatedDisk()
    log = made(disk)
    log.add("line\n")
    disk.fail_from = disk.ops + 1
    with caplog.at_level(logging.WARNING):
        log.close()
    assert "no longer kept" in caplog.text


def test_a_rotation_that_the_disk_refuses_ends_the_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wirelog, "FILE_BYTES_MAX", 300)
    disk, hand = SimulatedDisk(), Hand()
    log = made(disk, hand)
    disk.fail_from = disk.ops + 1
    hand.time_s = 2.0
    log.add("x" * 200 + "\n")
    assert log.trouble
    log.close()
