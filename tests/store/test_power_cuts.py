"""Goal: acknowledged means durable (I01, I02, F18, F19, F21, S1, S2).

Method: one scripted run on a simulated disk, cut or failed at every single operation it makes; at each cut the
disk forgets unsynced pages and names by a seeded choice, then the run is reopened, checked and carried to its end.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from labctl.errors import StoreError
from labctl.model.ids import RunId
from labctl.model.record import RecordBlock
from labctl.store import parquet
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.store.simdisk import PowerCut, SimulatedDisk
from labctl.testing.rows import cycling_rows

ROOT = Path("/bench/data").absolute()
RUN = RunId("20260101T000000-C1")
UTC_START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 150
END_SEQUENCE = 141
SOURCE = cycling_rows(ROWS)
SIZES = (1, 7, 20, 3, 40, 11, 60, 2, 6)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "neware:1-1/test 1")


class Script:
    """A scripted run that remembers what was acknowledged to it."""

    def __init__(self, disk: SimulatedDisk) -> None:
        self.disk = disk
        self.created = False
        self.acknowledged = 0
        self.events: list[int] = []
        self.said: list[int] = []
        self.journal = 0
        self.manifest_step = -1
        self.finished = False

    def run(self) -> None:
        writer = RunWriter.create(
            DataRoot(ROOT, disk=self.disk), RUN, {"state": "running", "step": 0}, UTC_START
        )
        self.created = True
        self.manifest_step = 0
        self.go_on(writer)

    def go_on(self, writer: RunWriter) -> None:
        for step, size in enumerate(itertools.cycle(SIZES), start=1):
            first = writer.last_sequence + 1
            if first > ROWS:
                break
            block = SOURCE.rows(first - 1, min(first - 1 + size, ROWS))
            writer.append(block, RECEIPT)
            writer.event("block", first=first)
            self.said.append(first)
            if step % 3 == 0:
                continue
            self.acknowledged = writer.commit()
            self.events = list(self.said)
            if step % 4 == 0:
                writer.journal("decision", first=first)
                self.journal = first
                writer.update_manifest(step=first)
                self.manifest_step = first
                writer.write_cycles({"cycle": np.arange(step)})
                writer.ambient(float(step), 25.0)
        self.acknowledged = writer.commit()
        writer.finish(END_SEQUENCE)
        self.finished = True


def undisturbed() -> tuple[int, str]:
    disk = SimulatedDisk()
    Script(disk).run()
    reader = RunReader(DataRoot(ROOT, disk=disk).run_folder(RUN), disk=disk)
    assert reader.verify() == []
    return disk.ops, reader.digest()


def assert_holds(script: Script, after: SimulatedDisk) -> RunWriter | None:
    """Check a run after a restart against what was acknowledged and return it reopened."""
    root = DataRoot(ROOT, disk=after)
    try:
        folder = root.run_folder(RUN)
        reader = RunReader(folder, disk=after)
    except StoreError:
        assert not script.created
        return None
    assert_rows(reader, script)
    writer = RunWriter.reopen(root, RUN)
    assert writer.last_sequence >= script.acknowledged
    reader = RunReader(folder, disk=after)
    assert_rows(reader, script)
    assert reader.verify() == []
    firsts = [event["first"] for event in reader.events() if event["kind"] == "block"]
    assert len(firsts) == len(set(firsts))
    assert set(script.events) <= set(firsts)
    assert firsts == sorted(firsts)
    assert [line["first"] for line in reader.journal()][-1:] >= ([script.journal] if script.journal else [])
    assert int(reader.manifest["step"]) >= script.manifest_step
    return writer


def assert_rows(reader: RunReader, script: Script) -> None:
    both = [block for block in (reader.records(), reader.tail()) if len(block)]
    rows = RecordBlock.joined(both) if both else reader.records()
    assert len(rows) >= script.acknowledged
    assert parquet.same_rows(rows, SOURCE.rows(0, len(rows)))


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 6))])
def test_every_acknowledged_row_is_there_once_after_a_power_cut_at_any_operation(
    small_files: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labctl.store.simdisk.PAGE_BYTES", 512 if seed % 2 == 0 else 4096)
    operations, digest = undisturbed()
    assert operations > 100
    for operation in range(1, operations + 1):
        disk = SimulatedDisk(seed=seed * 1000 + operation)
        disk.crash_at = operation
        script = Script(disk)
        with pytest.raises(PowerCut):
            script.run()
        after = disk.crash()
        writer = assert_holds(script, after)
        if writer is None:
            continue
        script.disk = after
        script.go_on(writer)
        reader = RunReader(writer.folder, disk=after)
        assert reader.digest() == digest, f"operation {operation} {disk.log[-1]}"
        assert reader.verify() == []


def test_a_killed_process_loses_nothing_that_it_wrote_whatever_it_was_doing(small_files: int) -> None:
    operations, digest = undisturbed()
    for operation in range(1, operations + 1, 2):
        disk = SimulatedDisk(seed=operation)
        disk.crash_at = operation
        script = Script(disk)
        with pytest.raises(PowerCut):
            script.run()
        after = disk.copy()
        writer = assert_holds(script, after)
        if writer is not None:
            script.disk = after
            script.go_on(writer)
            assert RunReader(writer.folder, disk=after).digest() == digest


def test_one_failing_operation_freezes_its_file_and_the_run_goes_on_in_a_new_one(small_files: int) -> None:
    operations, digest = undisturbed()
    for operation in range(1, operations + 1):
        disk = SimulatedDisk(seed=operation)
        disk.fail_at = operation
        script = Script(disk)
        try:
            script.run()
        except StoreError:
            writer = assert_holds(script, disk.copy(seed=operation))
            if writer is None:
                continue
            script.go_on(writer)
            reader = RunReader(writer.folder, disk=writer._disk)
        else:
            reader = RunReader(DataRoot(ROOT, disk=disk).run_folder(RUN), disk=disk)
        assert reader.digest() == digest, f"operation {operation} {disk.log[operation - 1]}"
        assert reader.verify() == []


def test_a_power_cut_after_a_failed_sync_still_keeps_what_was_acknowledged(small_files: int) -> None:
    operations, _ = undisturbed()
    for operation in range(1, operations + 1, 3):
        disk = SimulatedDisk(seed=operation)
        disk.fail_at = operation
        disk.crash_at = operation + 9
        script = Script(disk)
        with pytest.raises((PowerCut, StoreError)):
            script.run()
            raise PowerCut  # the script ended before that operation: nothing was running when the power went
        assert_holds(script, disk.crash())


def test_a_failed_sync_is_never_repeated_on_the_same_file(root: DataRoot, disk: SimulatedDisk) -> None:
    writer = RunWriter.create(root, RUN, {}, UTC_START)
    writer.append(SOURCE.rows(0, 10), RECEIPT)
    writer.commit()
    disk.fail_syncs_of = lambda path: path.name == "records-0001.log"
    writer.append(SOURCE.rows(10, 20), RECEIPT)
    assert writer.commit() == 20
    assert [line for line in disk.log if line == "sync records-0001.log"] == ["sync records-0001.log"] * 2
    assert "records-0001-p2.log" in disk.names(writer.folder)
    assert "frozen" in writer.troubles[0]
    writer.commit()
    reader = RunReader(writer.folder, disk=disk)
    assert [event["kind"] for event in reader.events()] == ["store.trouble"]
    assert parquet.same_rows(reader.records(), SOURCE.rows(0, 20))
    assert parquet.same_rows(RunReader(writer.folder, disk=disk.crash()).records(), SOURCE.rows(0, 20))


def test_a_full_disk_acknowledges_nothing_keeps_the_rows_in_memory_and_recovers(
    root: DataRoot, disk: SimulatedDisk
) -> None:
    source = cycling_rows(3000)
    writer = RunWriter.create(root, RUN, {}, UTC_START)
    writer.append(source.rows(0, 100), RECEIPT)
    writer.commit()
    disk.quota_bytes = disk.used_bytes
    for start in range(100, 3000, 100):
        writer.append(source.rows(start, start + 100), RECEIPT)
    for _ in range(3):
        with pytest.raises(StoreError, match="wait in memory"):
            writer.commit()
    assert writer.durable_sequence == 100
    disk.quota_bytes = None
    assert writer.commit() == 3000
    writer.finish(None)
    assert parquet.same_rows(RunReader(writer.folder, disk=disk).records(), source)
