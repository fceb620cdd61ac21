"""Many runs made durable together: each as safe as if it were alone (I01, S2, F19, F21)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labctl.errors import StoreError
from labctl.model.ids import RunId
from labctl.store import parquet
from labctl.store.disk import SYNC_THREADS_MAX, DiskFile, RealDisk
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.store.simdisk import PowerCut, SimulatedDisk
from labctl.testing.rows import cycling_rows

ROOT = Path("/bench/data").absolute()
RUNS = [RunId(f"20260101T000000-C{number}") for number in range(4)]
START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "neware:1-1/test 1")
SOURCE = cycling_rows(100)


@dataclass
class Refusing:
    """A file that takes bytes and refuses to sync them."""

    file: DiskFile

    def write(self, parts: Sequence[bytes], offset: int) -> None:
        self.file.write(parts, offset)

    def truncate(self, size: int) -> None:
        self.file.truncate(size)

    def sync(self) -> None:
        raise OSError(5, "no")

    def close(self) -> None:
        self.file.close()


def rounds(disk: SimulatedDisk, acknowledged: dict[RunId, int]) -> list[RunWriter]:
    """Store ten blocks of four runs, remembering what each run was told to be durable."""
    writers = [RunWriter.create(DataRoot(ROOT, disk=disk), run_id, {}, START) for run_id in RUNS]
    for start in range(0, 100, 10):
        for writer in writers:
            writer.append(SOURCE.rows(start, start + 10), RECEIPT)
        RunWriter.sync_together(writers)
        for run_id, writer in zip(RUNS, writers, strict=True):
            acknowledged[run_id] = writer.commit()
    return writers


def test_a_power_cut_at_any_operation_takes_no_acknowledged_row_of_any_run(small_files: int) -> None:
    whole = SimulatedDisk()
    rounds(whole, {})
    for operation in range(1, whole.ops + 1):
        disk = SimulatedDisk(seed=operation)
        disk.crash_at = operation
        acknowledged: dict[RunId, int] = {}
        with pytest.raises(PowerCut):
            rounds(disk, acknowledged)
        after = disk.crash()
        for run_id, rows in acknowledged.items():
            writer = RunWriter.reopen(DataRoot(ROOT, disk=after), run_id)
            assert writer.last_sequence >= rows, f"operation {operation} {disk.log[-1]}"
            found = RunReader(writer.folder, disk=after)
            assert parquet.same_rows(found.records(), SOURCE.rows(0, writer.last_sequence))
            assert found.verify() == []


def test_a_sync_that_fails_freezes_its_file_alone(small_files: int) -> None:
    disk = SimulatedDisk()
    disk.fail_syncs_of = lambda path: path.parent.name == RUNS[1] and path.name == "records-0001.log"
    writers = rounds(disk, {})
    assert [writer.durable_sequence for writer in writers] == [100] * 4
    assert [len(writer.take_frozen()) for writer in writers] == [0, 1, 0, 0]
    folder = writers[1].folder
    syncs = [line for line in disk.log if line == "sync records-0001.log"]
    assert len(syncs) == 3 * 6 + 3 * 1 + 1, "the failed file is not synced again"
    assert parquet.same_rows(RunReader(folder, disk=disk.crash()).records(), SOURCE)


def test_a_full_volume_acknowledges_nothing_and_later_everything() -> None:
    disk = SimulatedDisk()
    writers = [RunWriter.create(DataRoot(ROOT, disk=disk), run_id, {}, START) for run_id in RUNS]
    disk.quota_bytes = disk.used_bytes
    for writer in writers:
        writer.append(SOURCE, RECEIPT)
    RunWriter.sync_together(writers)
    for writer in writers:
        with pytest.raises(StoreError):
            writer.commit()
    disk.quota_bytes = None
    RunWriter.sync_together(writers)
    assert [writer.commit() for writer in writers] == [100] * 4


def test_a_real_disk_syncs_several_files_at_once_and_reports_each(tmp_path: Path) -> None:
    disk, before = RealDisk(), set(threading.enumerate())
    files: list[DiskFile] = [disk.create(tmp_path / f"file-{number}") for number in range(20)]
    for file in files:
        file.write((b"rows",), 0)
    files[7] = Refusing(disk.create(tmp_path / "refusing"))
    for _ in range(3):
        found = disk.sync_all(files)
        assert [number for number, error in enumerate(found) if error is not None] == [7]
    mine = [thread for thread in threading.enumerate() if thread not in before]
    assert len(mine) <= SYNC_THREADS_MAX
    for file in files:
        file.close()
