"""Series for plots: exact minima and maxima at any zoom, gaps that stay gaps, and pyramids that mend themselves.

Method: every answer is compared with what the rows themselves say in the same stretches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import UserInputError
from labctl.model.ids import RunId
from labctl.model.record import RecordBlock
from labctl.station.series import SeriesStore
from labctl.store import names
from labctl.store.pyramid import BACKFILLED, BAD, CHUNK_BYTES, GAP, SEGMENT
from labctl.store.root import DataRoot
from labctl.store.runwriter import Receipt, RunWriter
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.rows import cycling_rows
from labctl.worker import Worker

ROOT = Path("/bench/data").absolute()
RUN = RunId("20260101T000000-C1")
START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "neware:1-1/test 1")
LATE = Receipt("2026-01-01T00:00:00Z", 1.0, "neware:1-1/test 1", backfilled=True)


@dataclass
class Bench:
    """A run on a simulated disk, written and followed as a station does it."""

    disk: SimulatedDisk = field(default_factory=SimulatedDisk)
    manifest: dict[str, Any] = field(default_factory=lambda: {"started_utc": "2026-01-01T00:00:00+00:00"})

    @property
    def root(self) -> DataRoot:
        return DataRoot(ROOT, disk=self.disk)

    def written(self, block: RecordBlock, *, piece: int = 1000, late: range = range(0)) -> RunWriter:
        writer = RunWriter.create(self.root, RUN, self.manifest, START)
        for start in range(0, len(block), piece):
            writer.append(block.rows(start, start + piece), LATE if start in late else RECEIPT)
        writer.commit()
        return writer

    def ask(self, act: Callable[[SeriesStore], Awaitable[Any]]) -> Any:
        async def main(clock: Clock) -> Any:
            worker = Worker("test-series", clock)
            try:
                return await act(SeriesStore(self.root, worker))
            finally:
                worker.close()

        return run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)

    def series(self, *columns: str, **asked: Any) -> pa.Table:
        return self.ask(lambda store: store.series(RUN, columns, **asked))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def changed(block: RecordBlock, **columns: Any) -> RecordBlock:
    return RecordBlock({**block.columns, **{name: np.asarray(value) for name, value in columns.items()}})


def assert_true_to(table: pa.Table, block: RecordBlock, column: str = "voltage_volt") -> None:
    """Check every bin of an answer against its rows."""
    good = np.where(block["quality"] == 0, block[column], np.nan)
    for row in table.to_pylist():
        piece = slice(row["sequence"] - 1, row["sequence"] - 1 + row["rows"])
        values = good[piece][~np.isnan(good[piece])]
        if not len(values):
            assert row[f"{column}_min"] is None
            continue
        assert row[f"{column}_min"] == values.min()
        assert row[f"{column}_max"] == values.max()
        assert row[f"{column}_first"] == values[0]
        assert row[f"{column}_last"] == values[-1]
        assert row["bad"] == (block["quality"][piece] != 0).sum()


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 5000, 70_001])
@pytest.mark.parametrize("width_px", [1, 40, 1000])
def test_a_whole_run_is_covered_once_by_bins_that_say_what_its_rows_say(
    bench: Bench, rows: int, width_px: int
) -> None:
    block = cycling_rows(rows)
    bench.written(block)
    table = bench.series("voltage_volt", width_px=width_px)
    assert table["rows"].to_numpy().sum() == rows
    assert table["sequence"].to_pylist()[0] == 1
    assert len(table) <= width_px
    assert_true_to(table, block)


@pytest.mark.parametrize(
    ("begin", "end"), [(0.0, 100.0), (3600.0, 90_000.0), (123_456.0, 500_000.0), (690_000.0, 1e9)]
)
@pytest.mark.parametrize("width_px", [30, 800])
def test_a_stretch_is_covered_up_to_both_its_edges(
    bench: Bench, begin: float, end: float, width_px: int
) -> None:
    block = cycling_rows(70_001)
    bench.written(block)
    table = bench.series("voltage_volt", "current_ampere", begin=begin, end=end, width_px=width_px)
    time_s = block["test_time_second"]
    inside = np.flatnonzero((time_s >= begin) & (time_s <= end)) + 1
    if len(inside):
        first = table["sequence"].to_numpy()
        last = first + table["rows"].to_numpy() - 1
        assert first[0] <= inside[0] <= last[0]
        assert first[-1] <= inside[-1] <= last[-1]
        assert (first[1:] == last[:-1] + 1).all()
    assert_true_to(table, block)
    assert_true_to(table, block, "current_ampere")


def test_rows_that_come_one_at_a_time_give_the_same_answer_as_the_stored_run(bench: Bench) -> None:
    block = cycling_rows(9000)
    bench.written(block)

    async def live(store: SeriesStore) -> pa.Table:
        for start in [*range(0, 300), *range(300, 9000, 87)]:
            stop = start + 1 if start < 300 else start + 87
            store.append(RUN, block.rows(start, stop))
        return await store.series(RUN, ["voltage_volt"], width_px=100)

    assert bench.ask(live) == bench.series("voltage_volt", width_px=100)


def test_a_station_that_restarts_catches_up_from_files_and_rows(bench: Bench) -> None:
    block = cycling_rows(40_000)
    bench.written(block.rows(0, 30_000))

    async def before(store: SeriesStore) -> None:
        for start in range(0, 30_000, 100):
            store.append(RUN, block.rows(start, start + 100))
        await store.flush()

    bench.ask(before)
    assert bench.disk.size(bench.root.run_folder(RUN) / "series" / "level-2.bin") == 7 * CHUNK_BYTES
    writer = RunWriter.reopen(bench.root, RUN)
    writer.append(block.rows(30_000, 40_000), RECEIPT)
    writer.commit()

    async def after(store: SeriesStore) -> pa.Table:
        store.append(RUN, block.rows(39_000, 39_900))
        store.append(RUN, block.rows(39_900, 40_000))
        await store.flush()
        return await store.series(RUN, ["voltage_volt"], width_px=300)

    table = bench.ask(after)
    assert table["rows"].to_numpy().sum() == 40_000
    assert_true_to(table, block)


def test_a_run_that_has_ended_is_answered_from_its_files_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = cycling_rows(100_000)
    bench.written(block).finish(None)
    bench.series("voltage_volt", width_px=10)
    folder = bench.root.run_folder(RUN)
    read: list[str] = []
    whole = SimulatedDisk.read
    monkeypatch.setattr(SimulatedDisk, "read", lambda self, path: read.append(path.name) or whole(self, path))
    table = bench.series("voltage_volt", width_px=10)
    assert_true_to(table, block)
    assert names.records_name(1) not in read, "only the last records file, for the rows that fill no bin"
    assert bench.disk.names(folder / "series")


def test_missing_records_break_the_line_and_no_bin_spans_the_gap(bench: Bench) -> None:
    block = cycling_rows(50_000)
    time_s = block["test_time_second"].copy()
    device = block["device_sequence"].copy()
    time_s[20_123:] += 40_000.0
    device[20_123:] += 4000
    block = changed(block, test_time_second=time_s, device_sequence=device)
    bench.written(block)
    table = bench.series("voltage_volt", width_px=400)
    assert_true_to(table, block)
    first, last = table["x_first"].to_numpy(), table["x_last"].to_numpy()
    gap = (time_s[20_122], time_s[20_123])
    assert not ((first < gap[0]) & (last > gap[1])).any()
    behind = table["flags"].to_numpy()[np.searchsorted(first, gap[1])]
    assert behind & GAP
    assert (table["flags"].to_numpy() & GAP != 0).sum() == 1


def test_the_time_between_two_device_tests_is_open_on_the_clock_axis_only(bench: Bench) -> None:
    block = cycling_rows(20_000)
    segment = np.where(np.arange(20_000) < 10_000, 1, 2).astype(np.int32)
    device = np.concatenate((np.arange(1, 10_001), np.arange(1, 10_001)))
    block = changed(block, segment=segment, device_sequence=device)
    offset_s = float(block["test_time_second"][10_000])
    bench.manifest["segments"] = [
        {"started_utc": "2026-01-01T00:00:00+00:00", "time_offset_s": 0.0},
        {"started_utc": "2026-01-11T00:00:00+00:00", "time_offset_s": offset_s},
    ]
    bench.written(block)
    clock = bench.series("voltage_volt", x="unix_time_second", width_px=200)
    assert_true_to(clock, block)
    first, last = clock["x_first"].to_numpy(), clock["x_last"].to_numpy()
    second_start = datetime(2026, 1, 11, tzinfo=UTC).timestamp()
    assert second_start in first
    assert not ((first < second_start) & (last >= second_start)).any()
    assert clock["flags"].to_numpy()[np.flatnonzero(first == second_start)[0]] & SEGMENT
    later = bench.series("voltage_volt", x="unix_time_second", begin=second_start + 3600, width_px=200)
    assert later["x_last"].to_numpy()[0] >= second_start + 3600
    assert later["sequence"].to_pylist()[0] > 10_000


def test_bad_readings_are_counted_and_never_drawn(bench: Bench) -> None:
    block = cycling_rows(3000)
    quality = np.zeros(3000, dtype=np.int8)
    quality[[0, 700, 701, 2999]] = 1
    quality[1024:1152] = 1
    voltage = block["voltage_volt"].copy()
    voltage[quality == 1] = 99.0
    block = changed(block, quality=quality, voltage_volt=voltage)
    bench.written(block)
    for width_px in (5, 50, 4000):
        table = bench.series("voltage_volt", width_px=width_px)
        assert_true_to(table, block)
        assert np.nanmax(table["voltage_volt_max"].to_numpy(zero_copy_only=False)) < 9
        assert table["bad"].to_numpy().sum() == 132
        assert (table["flags"].to_numpy() & BAD != 0).any()


def test_rows_fetched_after_an_outage_are_marked(bench: Bench) -> None:
    block = cycling_rows(40_000)
    bench.written(block, piece=500, late=range(10_000, 10_500)).finish(None)
    table = bench.series("voltage_volt", width_px=500)
    marked = table.filter((pa.compute.bit_wise_and(table["flags"], BACKFILLED)).cast(pa.bool_()))
    first = marked["sequence"].to_numpy()
    assert first.min() <= 10_001 <= first.min() + marked["rows"].to_numpy()[0]
    assert first.max() <= 10_500


@pytest.mark.parametrize("damage", ["torn", "cut", "gone", "emptied"])
def test_a_damaged_pyramid_is_made_anew_from_the_rows(bench: Bench, damage: str) -> None:
    block = cycling_rows(60_000)
    bench.written(block).finish(None)
    whole = bench.series("voltage_volt", width_px=50)
    folder = bench.root.run_folder(RUN) / "series"
    for level in (2, 3):
        path = folder / f"level-{level}.bin"
        data = bench.disk.read(path)
        if damage == "torn":
            bench.disk.flip(path, 5000)
        elif damage == "cut":
            bench.disk.put(path, data[: len(data) // 2])
        elif damage == "emptied":
            bench.disk.put(path, b"")
        else:
            bench.disk.unlink(path)
    assert bench.series("voltage_volt", width_px=50) == whole
    assert (
        bench.series("voltage_volt", width_px=50, begin=0.0, end=300_000.0)["rows"].to_numpy().sum() > 10_000
    )


def test_a_disk_that_refuses_costs_the_files_but_not_the_answer(bench: Bench) -> None:
    block = cycling_rows(40_000)
    bench.written(block)
    bench.disk.fail_from = bench.disk.ops + 1

    async def act(store: SeriesStore) -> pa.Table:
        table = await store.series(RUN, ["voltage_volt"], width_px=60)
        assert "not kept on disk" in store.troubles[0]
        return table

    assert_true_to(bench.ask(act), block)


def test_rows_behind_the_one_that_ended_the_run_are_not_shown(bench: Bench) -> None:
    block = cycling_rows(5000)
    writer = bench.written(block)

    async def act(store: SeriesStore) -> pa.Table:
        store.append(RUN, block)
        writer.finish(4321)
        store.ended(RUN)
        await store.flush()
        return await store.series(RUN, ["voltage_volt"], width_px=20)

    table = bench.ask(act)
    assert table["rows"].to_numpy().sum() == 4321
    assert_true_to(table, block)
    assert bench.series("voltage_volt", width_px=20)["rows"].to_numpy().sum() == 4321


def test_rows_that_cannot_be_read_are_bad_and_the_rest_is_drawn(bench: Bench, small_files: int) -> None:
    block = cycling_rows(640)
    bench.written(block).finish(None)
    bench.disk.unlink(bench.root.run_folder(RUN) / names.records_name(3))
    table = bench.series("voltage_volt", width_px=2000)
    assert table["bad"].to_numpy().sum() == 64
    assert table["rows"].to_numpy().sum() == 640


@pytest.mark.parametrize(
    ("asked", "phrase"),
    [
        ({"x": "voltage_volt"}, "no axis"),
        ({"width_px": 0}, "pixels wide"),
        ({"begin": 2.0, "end": 1.0}, "before it begins"),
        ({"begin": float("nan")}, "must be a number"),
    ],
)
def test_a_question_that_has_no_answer_says_what_may_be_asked(
    bench: Bench, asked: dict[str, Any], phrase: str
) -> None:
    bench.written(cycling_rows(10))
    with pytest.raises(UserInputError, match=phrase):
        bench.series("voltage_volt", **asked)
    with pytest.raises(UserInputError, match="there are voltage_volt"):
        bench.series("smell")


def test_any_sequence_or_cycle_may_stand_on_the_axis(bench: Bench) -> None:
    block = cycling_rows(20_000)
    bench.written(block)
    rows = bench.series("voltage_volt", x="sequence", begin=5000, end=6000, width_px=100)
    assert rows["sequence"].to_pylist()[0] <= 5000
    assert rows["x_last"].to_numpy()[-1] >= 6000
    cycles = bench.series("voltage_volt", x="cycle_count", begin=3, end=4, width_px=100)
    assert cycles["x_first"].to_numpy()[0] <= 3.0
    assert cycles["x_last"].to_numpy()[-1] >= 4.0
    assert_true_to(cycles, block)
