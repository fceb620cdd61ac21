"""Reading a run while it is written: newest rows without reading the log from its beginning, never a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from labctl.errors import StoreError
from labctl.model.ids import RunId
from labctl.model.record import RecordBlock
from labctl.store import names, parquet, readers
from labctl.store.readers import Readers
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.rows import cycling_rows

RUN = RunId("20260101T000000-C1")
START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "neware:1-1/test 1")


@pytest.fixture(autouse=True)
def near_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep marks so near to each other that short logs have several."""
    monkeypatch.setattr(readers, "STRIDE_BYTES", 1000)


def test_every_look_at_a_growing_run_gives_what_a_fresh_reader_gives(
    small_files: int, root: DataRoot
) -> None:
    source = cycling_rows(400)
    writer = RunWriter.create(root, RUN, {}, START)
    looks = Readers(root)
    generator = np.random.default_rng(3)
    at = 0
    while at < 400:
        size = int(generator.integers(1, 9))
        writer.append(source.rows(at, at + size), RECEIPT)
        writer.commit()
        at = min(400, at + size)
        first = int(generator.integers(max(1, at - 30), at + 1))
        plain, marked = RunReader(writer.folder, disk=root.disk), looks.of(RUN)
        assert marked.last_sequence == plain.last_sequence == at
        assert parquet.same_rows(marked.records(None, first), plain.records(None, first))
        assert parquet.same_rows(marked.records(None, first), source.rows(first - 1, at))
    writer.finish(390)
    assert looks.of(RUN).last_sequence == 390
    assert parquet.same_rows(looks.of(RUN).records(), source.rows(0, 390))


def test_only_the_bytes_behind_the_nearest_mark_are_read(
    root: DataRoot, disk: SimulatedDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = cycling_rows(300)
    writer = RunWriter.create(root, RUN, {}, START)
    for row in range(300):
        writer.append(source.rows(row, row + 1), RECEIPT)
    writer.commit()
    looks = Readers(root)
    looks.of(RUN).records()
    offsets: list[int] = []
    part = SimulatedDisk.read_part
    monkeypatch.setattr(
        SimulatedDisk,
        "read_part",
        lambda self, path, offset, size: offsets.append(offset) or part(self, path, offset, size),
    )
    assert len(looks.of(RUN).records(None, 299)) == 2
    assert offsets[0] > 50_000


def test_a_log_that_was_cut_and_written_anew_is_read_from_its_beginning(
    root: DataRoot, disk: SimulatedDisk
) -> None:
    source = cycling_rows(200)
    writer = RunWriter.create(root, RUN, {}, START)
    for row in range(100):
        writer.append(source.rows(row, row + 1), RECEIPT)
    writer.commit()
    looks = Readers(root)
    assert looks.of(RUN).last_sequence == 100
    path = writer.folder / names.log_name(1)
    disk.put(path, disk.read(path)[:5000])
    again = RunWriter.reopen(root, RUN)
    kept = again.last_sequence
    assert kept < 100
    again.append(source.rows(kept, 150), RECEIPT)
    again.commit()
    assert looks.of(RUN).last_sequence == 150
    assert parquet.same_rows(looks.of(RUN).records(None, 90), source.rows(89, 150))


def test_a_damaged_block_is_left_out_and_the_rest_is_read(root: DataRoot, disk: SimulatedDisk) -> None:
    source = cycling_rows(200)
    writer = RunWriter.create(root, RUN, {}, START)
    for row in range(200):
        writer.append(source.rows(row, row + 1), RECEIPT)
        writer.commit()
    looks = Readers(root)
    looks.of(RUN).records()
    disk.flip(writer.folder / names.log_name(1), 40_000)
    marked, plain = looks.of(RUN).records(), RunReader(writer.folder, disk=disk).records()
    assert parquet.same_rows(marked, plain)
    assert 195 <= len(marked) < 200
    assert isinstance(marked, RecordBlock)


def test_a_run_that_is_not_there_is_named_also_when_it_was_there_before(
    root: DataRoot, disk: SimulatedDisk
) -> None:
    writer = RunWriter.create(root, RUN, {}, START)
    looks = Readers(root)
    looks.of(RUN)
    for name in disk.names(writer.folder):
        disk.unlink(writer.folder / name)
    with pytest.raises(StoreError):
        looks.of(RUN)
    with pytest.raises(StoreError, match="There is no run"):
        looks.of(RUN)
