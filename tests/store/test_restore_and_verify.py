"""Bit rot: what is damaged is named, what a copy has is mended, and nothing whole is ever replaced (F22)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from labctl.errors import StoreError
from labctl.model.ids import RunId
from labctl.store import names
from labctl.store.lines import encode_line
from labctl.store.restore import restore_run
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.store.simdisk import SimulatedDisk
from labctl.store.verify import verify_station
from labctl.testing.rows import cycling_rows

ROOT = Path("/bench/data").absolute()
RUN = RunId("20260101T000000-C1")
START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "neware:1-1/test 1")


def stored(disk: SimulatedDisk, *, seed: int = 7, end: int | None = 190) -> Path:
    root = DataRoot(ROOT, disk=disk)
    source = cycling_rows(200, seed=seed)
    writer = RunWriter.create(root, RUN, {"state": "ended"}, START)
    for start in range(0, 200, 20):
        writer.append(source.rows(start, start + 20), RECEIPT)
        writer.event("block", first=start)
        writer.journal("decision", first=start)
        writer.commit()
    writer.write_cycles({"cycle": np.arange(3)})
    writer.ambient(1.0, 25.0)
    writer.finish(end)
    return writer.folder


def test_every_damaged_file_of_a_run_is_mended_from_a_copy(small_files: int) -> None:
    disk = SimulatedDisk()
    folder = stored(disk)
    digest = RunReader(folder, disk=disk).digest()
    for name in disk.names(folder):
        damaged = disk.copy()
        damaged.flip(folder / name, (damaged.size(folder / name) or 0) // 2, 0x10)
        if not RunReader(folder, disk=damaged).verify():
            continue
        root = DataRoot(ROOT, disk=damaged)
        told = restore_run(root, RUN, folder, copy_disk=disk)
        assert told, name
        assert RunReader(folder, disk=damaged).verify() == [], name
        assert RunReader(folder, disk=damaged).digest() == digest, name
        assert damaged.read(folder / "damaged" / name)
        assert restore_run(root, RUN, folder, copy_disk=disk) == []


def test_a_lost_records_file_comes_back_and_whole_files_are_left_alone(small_files: int) -> None:
    disk = SimulatedDisk()
    folder = stored(disk)
    damaged = disk.copy()
    damaged.unlink(folder / names.records_name(2))
    before = damaged.read(folder / names.records_name(1))
    told = restore_run(DataRoot(ROOT, disk=damaged), RUN, folder, copy_disk=disk)
    assert told == ["records-0002.parquet: 64 rows restored"]
    assert damaged.read(folder / names.records_name(1)) == before
    assert RunReader(folder, disk=damaged).verify() == []


def test_a_copy_of_other_rows_is_refused_and_nothing_is_touched(small_files: int) -> None:
    disk, other = SimulatedDisk(), SimulatedDisk()
    folder = stored(disk)
    stored(other, seed=8)
    disk.unlink(folder / names.records_name(2))
    operations = disk.ops
    with pytest.raises(StoreError, match="another run"):
        restore_run(DataRoot(ROOT, disk=disk), RUN, folder, copy_disk=other)
    assert disk.ops == operations


def test_a_run_that_goes_on_is_not_mended(small_files: int) -> None:
    disk = SimulatedDisk()
    writer = RunWriter.create(DataRoot(ROOT, disk=disk), RUN, {}, START)
    writer.append(cycling_rows(10), RECEIPT)
    writer.commit()
    with pytest.raises(StoreError, match="still being written"):
        restore_run(DataRoot(ROOT, disk=disk), RUN, writer.folder, copy_disk=disk)


def chain(lines: int) -> list[bytes]:
    made, check = [], ""
    for number in range(1, lines + 1):
        line = encode_line(number, {"what": f"act {number}"}, previous=check)
        made.append(line.raw)
        check = line.check
    return made


@pytest.mark.parametrize("tampered", ["changed", "lost", "swapped", "inserted"])
def test_a_changed_chain_of_the_station_is_named(tampered: str) -> None:
    disk = SimulatedDisk()
    lines = chain(5)
    disk.put(ROOT / "station" / "audit.jsonl", b"".join(lines))
    disk.put(ROOT / "cells.jsonl", b"".join(lines))
    assert verify_station(disk, ROOT) == []
    if tampered == "changed":
        lines[2] = lines[2].replace(b"act 3", b"act 9")
    elif tampered == "lost":
        del lines[2]
    elif tampered == "swapped":
        lines[1], lines[2] = lines[2], lines[1]
    else:
        lines.insert(2, lines[1])
    disk.put(ROOT / "station" / "audit.jsonl", b"".join(lines))
    findings = [str(finding) for finding in verify_station(disk, ROOT)]
    assert findings
    assert all(text.startswith("station/audit.jsonl: line") for text in findings)
