"""A volume that fills up and files that other programs hold: nothing acknowledged is lost (S2, S5, F18, F20)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from labctl.errors import StoreError
from labctl.model.ids import RunId
from labctl.store import disk as disks
from labctl.store import parquet
from labctl.store.disk import RealDisk
from labctl.store.reserve import LEAST_BYTES, Reserve, ReserveState
from labctl.store.root import DataRoot, SpaceLevel
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.rows import cycling_rows

RUN = RunId("20260101T000000-C1")
START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "neware:1-1/test 1")
GB = 10**9


def test_the_reserve_is_kept_until_the_volume_is_full_and_then_lets_the_runs_go_on(
    root: DataRoot, disk: SimulatedDisk
) -> None:
    disk.quota_bytes = 100 * GB
    reserve = Reserve(root)
    made = reserve.look(16, 1.6)
    assert (made.state, made.size_bytes) == (ReserveState.KEPT, made.needed_bytes)
    assert reserve.look(16, 1.6).state is ReserveState.KEPT
    disk.allocate(root.path / "other.bin", 93 * GB)
    assert root.space().level is SpaceLevel.WARN
    assert reserve.look(16, 1.6).state is ReserveState.KEPT, "not before the high mark"
    disk.allocate(root.path / "more.bin", 100 * GB - disk.used_bytes - LEAST_BYTES // 2)
    assert root.space().level is SpaceLevel.HIGH
    given = reserve.look(16, 1.6)
    assert given.state is ReserveState.RELEASED
    assert "make room" in given.text
    assert disk.free_bytes(root.path)[0] > made.size_bytes
    assert reserve.look(16, 1.6).state is ReserveState.NONE
    disk.unlink(root.path / "other.bin")
    assert reserve.look(16, 1.6).state is ReserveState.KEPT, "made again as soon as there is room"


def test_a_volume_with_little_room_gets_no_reserve_and_says_so(root: DataRoot, disk: SimulatedDisk) -> None:
    disk.quota_bytes = 30 * GB
    disk.allocate(root.path / "other.bin", 27 * GB - 1000)
    assert root.space().level is not SpaceLevel.HIGH
    told = Reserve(root).look(1024, 1024.0)
    assert told.state is ReserveState.NONE
    assert "no reserve" in told.text


def test_the_reserve_takes_real_room_on_a_real_disk(real_root: DataRoot) -> None:
    path = real_root.path / "reserve.bin"
    RealDisk().allocate(path, 1_000_000)
    assert path.stat().st_size == 1_000_000
    assert getattr(path.stat(), "st_blocks", 2000) * 512 >= 1_000_000


def test_a_log_that_another_program_holds_is_frozen_and_the_rows_go_into_a_new_one(
    root: DataRoot, disk: SimulatedDisk
) -> None:
    source = cycling_rows(60)
    writer = RunWriter.create(root, RUN, {}, START)
    writer.append(source.rows(0, 20), RECEIPT)
    writer.commit()
    disk.lock(writer.folder / "records-0001.log")
    writer.append(source.rows(20, 60), RECEIPT)
    assert writer.commit() == 60
    assert writer.take_frozen() == [
        "records-0001.log is frozen after a disk error: "
        f"[Errno 13] simulated lock of another program: '{writer.folder / 'records-0001.log'}'"
    ]
    assert writer.take_frozen() == []
    assert parquet.same_rows(RunReader(writer.folder, disk=disk).records(), source)


def test_a_run_folder_that_is_held_when_it_is_opened_says_which_file_and_opens_later(
    root: DataRoot, disk: SimulatedDisk
) -> None:
    writer = RunWriter.create(root, RUN, {}, START)
    writer.append(cycling_rows(20), RECEIPT)
    writer.commit()
    disk.lock(writer.folder / "records-0001.log", operations=5)
    with pytest.raises(StoreError, match=r"records-0001\.log"):
        RunWriter.reopen(root, RUN)
    disk.ops += 10
    assert RunWriter.reopen(root, RUN).last_sequence == 20


def test_a_file_that_a_scanner_holds_for_a_moment_is_replaced_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = iter([True, True, False])
    replace = disks.os.replace

    def held(source: Path, target: Path) -> None:
        if next(refusals):
            raise PermissionError(13, "in use", str(target))
        replace(source, target)

    monkeypatch.setattr(disks, "WINDOWS", True)
    monkeypatch.setattr(disks.os, "replace", held)
    (tmp_path / "a").write_text("new")
    (tmp_path / "b").write_text("old")
    RealDisk().rename(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "new"
