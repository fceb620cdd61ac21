"""Stores of earlier schemas stay readable (F46); whole runs come as pandas frames; single rows are collected."""

from __future__ import annotations

import shutil
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from labctl.errors import StoreError
from labctl.model.ids import RunId
from labctl.model.record import RECORD_COLUMNS
from labctl.store import names, parquet
from labctl.store.root import DataRoot
from labctl.store.rowbuffer import ROWS_MAX, RowBuffer
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.rows import cycling_rows

GOLDEN = Path(__file__).with_name("golden-run-1")
DIGEST = "c0ec5b5f361eb8f5d03de6c1308bae53ec37dbf83906b63c1e87eb467766e636"
START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "test")


def test_a_run_folder_of_schema_1_is_read_whole(small_files: int) -> None:
    reader = RunReader(GOLDEN)
    assert reader.manifest["cell"]["name"] == "电池"
    assert parquet.same_rows(reader.records(), cycling_rows(100))
    assert reader.digest() == DIGEST
    assert reader.events()[0]["text"] == "seen"
    assert reader.ambient()[0]["temperature_degC"] == 25.0
    assert reader.journal()[0]["command"] == "start 1-1"
    assert reader.receipts()[0][2] == Receipt("2026-01-01T00:16:40Z", 12.5, "neware:1-1/test 1")
    assert reader.verify() == []


def test_a_run_folder_of_schema_1_can_be_carried_on(real_root: DataRoot, small_files: int) -> None:
    shutil.copytree(GOLDEN, real_root.path / "runs" / "2026" / "01" / "golden")
    writer = RunWriter.reopen(real_root, RunId("golden"))
    writer.append(cycling_rows(50, first=101), RECEIPT)
    writer.finish(None)
    assert parquet.same_rows(RunReader(writer.folder).records(), cycling_rows(150))


@pytest.mark.parametrize("end", [None, 250])
def test_a_frame_holds_the_rows_up_to_the_end_live_and_sealed(
    real_root: DataRoot, small_files: int, end: int | None
) -> None:
    source = cycling_rows(300)
    writer = RunWriter.create(real_root, RunId("run"), {"end_sequence": end}, START)
    writer.append(source, RECEIPT)
    writer.commit()
    live = RunReader(writer.folder).frame()
    chosen = RunReader(writer.folder).frame(["voltage_volt"])
    writer.finish(end)
    sealed = RunReader(writer.folder).frame()
    assert live.equals(sealed)
    assert list(chosen.columns) == ["voltage_volt"]
    assert list(sealed.columns) == list(RECORD_COLUMNS)
    assert sealed["voltage_volt"].tolist() == source["voltage_volt"][:end].tolist()


def test_a_frame_of_a_simulated_disk_is_read_through_it(root: DataRoot, disk: SimulatedDisk) -> None:
    writer = RunWriter.create(root, RunId("run"), {}, START)
    writer.append(cycling_rows(10), RECEIPT)
    writer.finish(None)
    assert len(RunReader(writer.folder, disk=disk).frame()) == 10


def test_rows_collected_one_by_one_make_the_same_block() -> None:
    source = cycling_rows(40)
    buffer = RowBuffer()
    for row in zip(*(source[name].tolist() for name in RECORD_COLUMNS), strict=True):
        buffer.add(*row)
    assert len(buffer) == 40
    block = buffer.take()
    assert parquet.same_rows(block, source)
    assert len(buffer) == 0
    assert len(buffer.take()) == 0


def test_a_row_buffer_refuses_what_does_not_fit_and_is_bounded() -> None:
    buffer = RowBuffer()
    row = [column[0].item() for column in (cycling_rows(1)[name] for name in RECORD_COLUMNS)]
    with pytest.raises(struct.error):
        buffer.add(*row[:-1], 1000)
    with pytest.raises(StoreError, match="once a second"):
        for _ in range(ROWS_MAX + 2):
            buffer.add(*row)


def test_files_are_cut_by_sequence() -> None:
    assert [names.file_number(n) for n in (1, 32_768, 32_769, 65_536)] == [1, 1, 2, 2]
    assert np.all(np.diff([names.last_sequence_of(n) for n in range(1, 5)]) == 32_768)
