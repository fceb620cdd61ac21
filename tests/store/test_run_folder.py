"""A run folder: constant bytes, one digest however cut, damage named, the rest readable (I01-I04, F22, F46, F48)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from labctl.errors import InvariantError, StoreError
from labctl.model.ids import RunId
from labctl.model.record import RECORD_COLUMNS, RecordBlock
from labctl.store import names, parquet
from labctl.store.digest import Digest
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.rows import cycling_rows

RUN = RunId("20260101T000000-C1")
START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "neware:1-1/test 1", backfilled=True)
SOURCE = cycling_rows(300)
ROOT = Path("/bench/data").absolute()


def written(root: DataRoot, sizes: list[int], *, run: RunId = RUN) -> RunWriter:
    writer = RunWriter.create(root, run, {"state": "running"}, START)
    start = 0
    for size in sizes:
        writer.append(SOURCE.rows(start, start + size), RECEIPT)
        writer.commit()
        start += size
    return writer


def parquet_bytes(writer: RunWriter, disk: SimulatedDisk) -> dict[str, bytes]:
    return {n: disk.read(writer.folder / n) for n in disk.names(writer.folder) if n.endswith(".parquet")}


def test_equal_rows_give_equal_parquet_bytes_however_they_came(
    root: DataRoot, disk: SimulatedDisk, small_files: int
) -> None:
    one = written(root, [1] * 300, run=RunId("a"))
    other = written(root, [7, 200, 93], run=RunId("b"))
    one.finish(None)
    other.finish(None)
    first, second = parquet_bytes(one, disk), parquet_bytes(other, disk)
    assert sorted(first) == [names.clock_name(n) for n in range(1, 6)] + [
        names.records_name(n) for n in range(1, 6)
    ]
    assert first == second
    assert RunReader(one.folder, disk=disk).digest() == RunReader(other.folder, disk=disk).digest()


def test_the_parquet_file_says_nothing_of_when_where_and_by_whom(root: DataRoot, disk: SimulatedDisk) -> None:
    writer = written(root, [300])
    writer.finish(None)
    data = disk.read(writer.folder / "records-0001.parquet")
    for word in (b"2026", b"labctl", b"/bench", b"20260101T000000", b"pandas"):
        assert word not in data


def test_a_run_folder_is_readable_without_labctl(real_root: DataRoot) -> None:
    writer = written(real_root, [300])
    writer.event("note", text="seen")
    writer.finish(None)
    table = pq.read_table(writer.folder / "records-0001.parquet")
    assert table.column_names == list(RECORD_COLUMNS)
    assert table.column("voltage_volt").to_numpy().tolist() == SOURCE["voltage_volt"].tolist()
    assert json.loads((writer.folder / "run.json").read_text(encoding="utf-8"))["run_id"] == RUN
    assert json.loads((writer.folder / "events.jsonl").read_text(encoding="utf-8"))["text"] == "seen"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 299), max_size=12, unique=True))
def test_the_digest_does_not_depend_on_how_the_rows_are_cut(cuts: list[int]) -> None:
    whole, pieces = Digest(), Digest()
    whole.update(SOURCE)
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 300], strict=True):
        pieces.update(SOURCE.rows(start, stop))
    assert pieces.hexdigest() == whole.hexdigest()


@pytest.mark.parametrize("name", list(RECORD_COLUMNS))
def test_the_digest_sees_a_change_of_one_bit_in_any_column(name: str) -> None:
    before, after = Digest(), Digest()
    before.update(SOURCE)
    column = SOURCE[name].copy()
    column.view(np.uint8)[7] ^= 1
    after.update(RecordBlock({**SOURCE.columns, name: column}))
    assert before.hexdigest() != after.hexdigest()


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 90)),
        st.tuples(st.sampled_from(["commit", "reopen", "crash", "event"]), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(actions=[("append", 1), ("append", 38), ("append", 90), ("crash", 0), ("crash", 0)], seed=0)
@given(actions=ACTIONS, seed=st.integers(0, 2**31))
def test_rows_survive_any_order_of_appends_commits_reopens_and_power_cuts(
    small_files: int, actions: list[tuple[str, int]], seed: int
) -> None:
    disk = SimulatedDisk(seed=seed)
    root = DataRoot(ROOT, disk=disk)
    writer = RunWriter.create(root, RUN, {}, START)
    acknowledged = 0
    for action, size in actions:
        if action == "append":
            start = writer.last_sequence
            writer.append(SOURCE.rows(start, start + size), RECEIPT)
        elif action == "commit":
            acknowledged = writer.commit()
        elif action == "event":
            writer.event("note", at=writer.last_sequence)
        else:
            if action == "crash":
                disk = disk.crash()
            else:
                writer.close()
            root = DataRoot(ROOT, disk=disk)
            writer = RunWriter.reopen(root, RUN)
            assert writer.last_sequence >= acknowledged
        last = writer.last_sequence
        assert parquet.same_rows(RunReader(writer.folder, disk=disk).records(), SOURCE.rows(0, last))
    last = writer.last_sequence
    writer.finish(None)
    reader = RunReader(writer.folder, disk=disk)
    assert parquet.same_rows(reader.records(), SOURCE.rows(0, last))
    assert reader.verify() == []
    assert not names.log_parts(disk.names(writer.folder))


def test_a_block_that_repeats_skips_or_goes_back_in_time_is_refused_and_changes_nothing(
    root: DataRoot, disk: SimulatedDisk
) -> None:
    writer = written(root, [50])
    backwards = RecordBlock({**SOURCE.rows(50, 60).columns, "test_time_second": np.zeros(10)})
    inner = RecordBlock(
        {**SOURCE.rows(50, 60).columns, "test_time_second": SOURCE["test_time_second"][50:60][::-1]}
    )
    gap = RecordBlock({**SOURCE.rows(50, 60).columns, "sequence": np.arange(51, 71, 2)})
    for bad, invariant in (
        (SOURCE.rows(40, 60), "I02"), (SOURCE.rows(51, 60), "I02"), (gap, "I03"), (backwards, "I03"), (inner, "I03"),
    ):  # fmt: skip
        with pytest.raises(InvariantError) as caught:
            writer.append(bad, RECEIPT)
        assert caught.value.invariant == invariant
    writer.append(SOURCE.rows(50, 60), RECEIPT)
    assert writer.commit() == 60
    assert parquet.same_rows(RunReader(writer.folder, disk=disk).records(), SOURCE.rows(0, 60))


def test_rows_behind_the_end_go_to_the_tail_and_count_nowhere(
    root: DataRoot, disk: SimulatedDisk, small_files: int
) -> None:
    short = written(root, [141], run=RunId("short"))
    short.finish(None)
    ended = written(root, [100, 100, 100], run=RunId("ended"))
    ended.finish(141)
    reader = RunReader(ended.folder, disk=disk)
    assert reader.last_sequence == 141
    assert reader.digest() == RunReader(short.folder, disk=disk).digest()
    assert parquet.same_rows(reader.tail(), SOURCE.rows(141, 300))
    assert reader.verify() == []
    one, other = parquet_bytes(short, disk), parquet_bytes(ended, disk)
    assert all(one[name] == other[name] for name in one if name.startswith("records-"))


def test_the_end_is_respected_while_the_run_is_still_open(root: DataRoot, disk: SimulatedDisk) -> None:
    writer = written(root, [100])
    writer.update_manifest(end_sequence=90)
    writer.append(SOURCE.rows(100, 120), RECEIPT)
    writer.commit()
    reader = RunReader(writer.folder, disk=disk)
    assert len(reader.records()) == 90
    assert parquet.same_rows(reader.tail(), SOURCE.rows(90, 120))


def test_receipts_and_side_files_come_back_live_and_sealed(
    root: DataRoot, disk: SimulatedDisk, small_files: int
) -> None:
    writer = written(root, [60, 60])
    writer.ambient(12.0, 24.5)
    writer.journal("start", command="start 1-1")
    writer.commit()
    for finished in (False, True):
        if finished:
            writer.finish(None)
        reader = RunReader(writer.folder, disk=disk)
        assert [(first, last) for first, last, _ in reader.receipts()] == [(1, 60), (61, 64), (65, 120)]
        assert reader.receipts()[0][2] == RECEIPT
        assert reader.ambient()[0]["temperature_degC"] == 24.5
        assert reader.journal()[0]["command"] == "start 1-1"
        assert (reader.records(["device_clock"])["device_clock"] == SOURCE["device_clock"][:120]).all()


def test_the_cycle_summary_is_replaced_in_one_step(root: DataRoot, disk: SimulatedDisk) -> None:
    writer = written(root, [10])
    for cycles in (1, 2, 3):
        writer.write_cycles({"cycle_count": np.arange(cycles), "charge_capacity_mAh": np.full(cycles, 0.5)})
    assert RunReader(writer.folder, disk=disk).cycles()["cycle_count"].tolist() == [0, 1, 2]


def test_a_flipped_byte_in_a_live_log_is_named_and_the_rest_is_readable(
    root: DataRoot, disk: SimulatedDisk
) -> None:
    writer = written(root, [100, 100, 100])
    log = writer.folder / "records-0001.log"
    disk.flip(log, 15_000)
    reader = RunReader(writer.folder, disk=disk)
    findings = [str(finding) for finding in reader.verify()]
    assert any("records-0001.log: is damaged at bytes" in text for text in findings)
    assert any("rows 101 to 200 are missing" in text for text in findings)
    assert reader.records()["sequence"].tolist() == [*range(1, 101), *range(201, 301)]
    again = RunWriter.reopen(root, RUN)
    assert again.last_sequence == 300
    assert "damaged" in again.troubles[0]
    again.finish(None)
    assert "records-0001.log.damaged" in disk.names(writer.folder)
    assert len(RunReader(writer.folder, disk=disk).records()) == 200


def test_every_flipped_byte_of_a_sealed_file_is_named_or_harmless(real_root: DataRoot) -> None:
    writer = written(real_root, [300])
    writer.finish(None)
    path = writer.folder / "records-0001.parquet"
    data = path.read_bytes()
    for at in range(4, len(data) - 8, max(1, len(data) // 150)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :])
        reader = RunReader(writer.folder)
        if reader.verify():
            assert all(finding.file == "records-0001.parquet" for finding in reader.verify())
        else:
            assert parquet.same_rows(reader.records(), SOURCE)
    path.write_bytes(data)
    assert RunReader(writer.folder).verify() == []


def test_a_damaged_manifest_is_named_and_the_copy_before_it_serves(real_root: DataRoot) -> None:
    writer = written(real_root, [10])
    writer.update_manifest(state="ended")
    writer.finish(None)
    path = writer.folder / "run.json"
    data = path.read_bytes()
    for cut in range(0, len(data), 7):
        path.write_bytes(data[:cut])
        reader = RunReader(writer.folder)
        assert reader.manifest["state"] == "running"
        assert [finding.file for finding in reader.verify()] == ["run.json"]
    path.write_bytes(data.replace(b"ended", b"Ended"))
    assert "by hand" in str(RunReader(writer.folder).verify()[0])
    path.unlink()
    (writer.folder / "run.previous.json").unlink()
    with pytest.raises(StoreError, match=r"run\.json is missing"):
        RunReader(writer.folder)


def test_columns_and_ranges_of_rows_are_read_alone(
    root: DataRoot, disk: SimulatedDisk, small_files: int
) -> None:
    writer = written(root, [200])
    writer.finish(None)
    reader = RunReader(writer.folder, disk=disk)
    block = reader.records(["voltage_volt", "test_time_second"], first=60, last=70)
    assert list(block.columns) == ["voltage_volt", "test_time_second"]
    assert block["voltage_volt"].tolist() == SOURCE["voltage_volt"][59:70].tolist()
    assert len(reader.records(first=500)) == 0
    assert [len(piece) for piece in reader.blocks()] == [64, 64, 64, 8]
