"""A1-A4, B1-B5: how fast, how safe and how small the store is, against peers and the physical limit, in one run.

    python benchmarks/bench_store.py [--peer-python PATH] [--row A1 --row B4 ...] [--kills 200]

The peers need an environment of their own (benchmarks/peers.txt). Every party stores the same values. "per CPU-s" is
the process's own CPU time. Exit 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from labctl.errors import InvariantError
from labctl.model.ids import RunId
from labctl.model.record import RECORD_COLUMNS, SIDE_COLUMNS, RecordBlock
from labctl.store import names, parquet
from labctl.store.frames import ROW_BYTES
from labctl.store.root import DataRoot
from labctl.store.rowbuffer import RowBuffer
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.testing.rows import cycling_rows

HERE = Path(__file__).parent
START = datetime(2026, 1, 1, tzinfo=UTC)
fdatasync = getattr(os, "fdatasync", os.fsync)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "bench:1-1/test 1")


@dataclass(frozen=True)
class Goal:
    """labctl must be at least (``least``) or at most so many times the named figure."""

    of: str
    factor: float
    least: bool = True


@dataclass
class Row:
    """One budget row as measured."""

    name: str
    unit: str
    labctl: float
    limit: float | None
    peers: dict[str, float] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    note: str = ""

    def print(self) -> bool:
        """Print the row; return whether every goal that could be judged is met."""
        print(f"\n{self.name}  [{self.unit}]  {self.note}")
        if self.limit is not None:
            print(f"  limit   {self.limit:>14,.2f}")
        for peer, figure in self.peers.items():
            print(f"  peer    {figure:>14,.2f}   {peer}   labctl/peer {self.labctl / figure:.3g}")
        share = "" if not self.limit else f"   labctl/limit {self.labctl / self.limit:.3g}"
        print(f"  labctl  {self.labctl:>14,.2f}{share}")
        return sum(not self._judge(goal) for goal in self.goals) == 0

    def _judge(self, goal: Goal) -> bool:
        figure = self.limit if goal.of == "limit" else 1.0 if goal.of == "" else self.peers.get(goal.of)
        word = ">=" if goal.least else "<="
        text = f"{word} {goal.factor:g}" + (f" x {goal.of}" if goal.of else "")
        if figure is None:
            print(f"  goal    {text}: not judged, the peer was not measured")
            return True
        ratio = self.labctl / figure if figure else self.labctl
        met = ratio >= goal.factor if goal.least else ratio <= goal.factor
        print(f"  goal    {text}: {'met' if met else 'MISSED'} ({ratio:.3g})")
        return met


class Bench:
    """Measures the rows in a scratch folder; ``peer_python`` is the peers' interpreter or ``None``."""

    def __init__(self, folder: Path, peer_python: str | None, kills: int) -> None:
        self.folder = folder
        self.kills = kills
        self._peer_python = peer_python
        self._root = DataRoot(folder / "data")
        self._runs = 0
        self.source = cycling_rows(100_000)
        np.savez(folder / "rows.npz", **{name: self.source[name] for name in RECORD_COLUMNS})

    def peers(self, row: str) -> dict[str, float]:
        """Measure the peers of one row in their own process."""
        if self._peer_python is None:
            return {}
        script = [self._peer_python, str(HERE / "store_peers.py"), row]
        arguments = [str(self.folder / f"peers-{row}"), str(self.folder / "rows.npz")]
        done = subprocess.run([*script, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"  the peers of {row} could not be measured: {done.stderr.strip().splitlines()[-1:]}")
            return {}
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def writer(self) -> RunWriter:
        """Return a new run."""
        self._runs += 1
        return RunWriter.create(self._root, RunId(f"run-{self._runs}"), {"state": "running"}, START)

    def blocks(self, rows: int, each: int) -> list[RecordBlock]:
        """Return ``rows`` rows in blocks, made before any clock starts."""
        big = tiled(self.source, rows)
        return [big.rows(start, start + each) for start in range(0, rows, each)]

    # -- rows per CPU second --

    def a1(self) -> Row:
        rows = 200_000
        big = tiled(self.source, rows)
        tuples = list(zip(*(big[name].tolist() for name in RECORD_COLUMNS), strict=True))
        packed = struct.Struct("<qdddiiibdddiqiib")
        path = self.folder / "limit"

        def limit() -> None:
            with path.open("wb", buffering=0) as file:
                for start in range(0, rows, 50_000):
                    file.write(b"".join([packed.pack(*row) for row in tuples[start : start + 50_000]]))
                    fdatasync(file.fileno())

        writer = self.writer()

        def labctl() -> None:
            buffer = RowBuffer()
            for number, row in enumerate(tuples, start=1):
                buffer.add(*row)
                if number % 16_384 == 0:
                    writer.append(buffer.take(), RECEIPT)
                    writer.commit()
            writer.append(buffer.take(), RECEIPT)
            writer.commit()

        figure, bound = cpu_rate(rows, labctl), cpu_rate(rows, limit)
        goals = [Goal("PyMeasure", 1), Goal("QCoDeS", 20), Goal("Bluesky", 150)]
        note = "one Python row per reading; labctl and the limit store 16 values, peers 6; sealing included"
        return Row("A1", "rows/CPU-s", figure, bound, self.peers("A1"), goals, note)

    def a2(self) -> Row:
        each = 256
        per_run = names.ROWS_PER_FILE // each - 1
        blocks = self.blocks(per_run * each, each)
        rows = per_run * each * 16

        def labctl() -> None:
            for _ in range(16):
                store(self.writer(), blocks, commit_every=16)

        def limit() -> None:
            with (self.folder / "limit").open("wb", buffering=0) as file:
                for number, block in enumerate(blocks * 16, start=1):
                    file.write(b"".join([column.tobytes() for column in block.columns.values()]))
                    if number % 16 == 0:
                        fdatasync(file.fileno())

        figure, bound = cpu_rate(rows, labctl), cpu_rate(rows, limit)
        big = self.blocks(per_run * each * 10, each)
        sealed = cpu_rate(len(big) * each, lambda: store(self.writer(), big, commit_every=16))
        goals = [Goal("PyMeasure batch", 10), Goal("QCoDeS array", 1.4)]
        note = (
            f"replies of 256 rows as columns, stored and durable; with seals to Parquet {sealed:,.0f}; "
            f"60 rows of each of 64 channels per reply, a run and a commit each: {self._split():,.0f}"
        )
        return Row("A2", "rows/CPU-s", figure, bound, self.peers("A2"), goals, note)

    def _split(self) -> float:
        """Return the rate when a reply holds 60 rows of each of 64 channels, a run each, committed per reply."""
        writers = [self.writer() for _ in range(64)]
        blocks = self.blocks(60 * 20, 60)

        def work() -> None:
            for block in blocks:
                for writer in writers:
                    writer.append(block, RECEIPT)
                    writer.commit()

        return cpu_rate(60 * 20 * 64, work)

    def a3(self) -> Row:
        """Store blocks in turn in a run of 1e3 and in one of 1e6 rows, so that other work on the machine meets both."""
        each, before = 60, (1_000, 1_000_000)
        count = names.ROWS_PER_FILE * 3 // each  # three records files each, so that seals count on both sides
        writers = [self.writer() for _ in before]
        feeds = []
        for writer, rows in zip(writers, before, strict=True):
            big = tiled(self.source, rows + count * each)
            store(writer, [big.rows(start, min(start + 20_000, rows)) for start in range(0, rows, 20_000)])
            feeds.append([big.rows(start, start + each) for start in range(rows, rows + count * each, each)])
        costs: tuple[list[float], list[float]] = ([], [])
        for pair in zip(*feeds, strict=True):
            for writer, block, spent in zip(writers, pair, costs, strict=True):
                start = time.process_time()
                writer.append(block, RECEIPT)
                writer.commit()
                spent.append(time.process_time() - start)
        few, many = (statistics.fmean(spent) for spent in costs)
        median_us = statistics.median(costs[1]) * 1e6
        note = (
            "CPU of append + commit + seal of 60 rows behind 1e6 rows / behind 1e3; "
            f"mean {many * 1e6:.0f} us, median {median_us:.0f} us"
        )
        return Row("A3", "ratio", many / few, 1.0, self.peers("A3"), [Goal("", 1.1, least=False)], note)

    def a4(self) -> Row:
        """A 200 Hz source whose device buffer overruns now and then: every lost sample must be counted."""
        writer = self.writer()
        chance = random.Random(5)
        lost = counted = 0
        sent = 0
        for _ in range(300):
            gap = chance.choice([0, 0, 0, 7])
            lost += gap
            sent += gap
            fresh = self.source.rows(sent, sent + 40)
            sent += 40
            try:
                writer.append(fresh, RECEIPT)
            except InvariantError:
                missing = int(fresh["sequence"][0]) - writer.last_sequence - 1 - counted
                counted += missing
                writer.event("gap", first=writer.last_sequence + 1, rows=missing)
                renumbered = fresh["sequence"] - counted
                writer.append(RecordBlock({**fresh.columns, "sequence": renumbered}), RECEIPT)
            except_from = fresh["sequence"] - counted
            assert int(except_from[-1]) == writer.last_sequence
        writer.commit()
        events = sum(event["rows"] for event in RunReader(writer.folder).events())
        return Row(
            "A4", "samples missed without a count", lost - events, None, {}, [Goal("", 0, least=False)]
        )

    # -- commits --

    def commits(self, name: str, each: int, goals: list[Goal]) -> Row:
        """Measure limit and labctl in turn, a new run each time; the goals are about the commit path, without seals."""
        count = names.ROWS_PER_FILE // each - 1
        blocks = self.blocks(each * count, each)
        figures, limits = [], []
        for _ in range(15):
            limits.append(self._raw_commits(blocks, each))
            writer = self.writer()
            figures.append(each * count / seconds(partial(store, writer, blocks)))
            writer.close()
        many = self.blocks(each * count * 6, each)
        writer = self.writer()
        sealed = each * len(many) / seconds(lambda: store(writer, many))
        note = f"append and fdatasync each {each} rows, 17 columns; with seals to Parquet {sealed:,.0f}"
        return Row(
            name,
            "rows/s",
            statistics.median(figures),
            statistics.median(limits),
            self.peers(name),
            goals,
            note,
        )

    def _raw_commits(self, blocks: list[RecordBlock], each: int) -> float:
        """Write as many bytes to a growing file with the same syncs and nothing else."""
        data = os.urandom(each * ROW_BYTES)
        with (self.folder / "limit").open("wb", buffering=0) as file:
            start = time.perf_counter()
            for _ in blocks:
                file.write(data)
                fdatasync(file.fileno())
            return each * len(blocks) / (time.perf_counter() - start)

    def b1(self) -> Row:
        return self.commits("B1", 256, [Goal("SQLite FULL", 2), Goal("limit", 0.6)])

    def b2(self) -> Row:
        return self.commits("B2", 2560, [Goal("SQLite FULL", 6), Goal("limit", 0.6)])

    def b3(self) -> Row:
        killer = _module(HERE.parent / "tests" / "store" / "test_sigkill.py")
        moments = random.Random(7)
        source = cycling_rows(20_000)
        unreadable = lost = number = acknowledged = 0
        names.ROWS_PER_FILE = killer.ROWS_PER_FILE
        for kill in range(self.kills):
            if kill == 0 or acknowledged >= 20_000:
                number, acknowledged = number + 1, 0
            run = f"kill-{number}"
            said = killer.killed_after(self.folder / "kills", run, moments.randint(1, 60))
            acknowledged = max(acknowledged, said)
            reader = RunReader(DataRoot(self.folder / "kills").run_folder(run))
            rows = reader.records()
            unreadable += len(reader.verify())
            if not parquet.same_rows(rows, source.rows(0, len(rows))):
                unreadable += 1
            lost += max(0, acknowledged - len(rows))
        names.ROWS_PER_FILE = 32_768
        note = f"{self.kills} kills; a cut at every byte of the last frames: tests/store/test_log_frames.py"
        return Row(
            "B3",
            "unreadable files + lost rows",
            unreadable + lost,
            None,
            {},
            [Goal("", 0, least=False)],
            note,
        )

    # -- sealed files --

    def b4(self) -> Row:
        writer = self.writer()
        writer.append(self.source, RECEIPT)
        writer.finish(None)
        sizes = {p.name: p.stat().st_size for p in writer.folder.glob("*.parquet")}
        rows = len(self.source)
        figure = sum(size for name, size in sizes.items() if name.startswith("records-")) / rows
        clock = sum(size for name, size in sizes.items() if name.startswith("clock-")) / rows
        unpacked = float(ROW_BYTES - sum(np.dtype(t).itemsize for t in SIDE_COLUMNS.values()))
        note = f"16 columns, one channel; labctl's side file of device clock texts adds {clock:.2f}"
        return Row(
            "B4", "bytes/row", figure, unpacked, self.peers("B4"), [Goal("Parquet", 0.6, least=False)], note
        )

    def b5(self) -> Row:
        rows = 306 * names.ROWS_PER_FILE
        columns = [
            "test_time_second",
            "voltage_volt",
            "current_ampere",
            "cycle_count",
            "step_count",
            "step_type",
        ]
        columns += ["step_capacity_ah", "step_energy_wh"]
        writer = self.writer()
        base = tiled(self.source, names.ROWS_PER_FILE * 3)
        default = self.folder / "default.parquet"
        target: pq.ParquetWriter | None = None
        for start in range(0, rows, len(base)):
            block = shifted(base, start)
            writer.append(block, RECEIPT)
            writer.commit()
            table = pa.table({name: block[name] for name in RECORD_COLUMNS})
            target = target or pq.ParquetWriter(default, table.schema)
            target.write_table(table)
        assert target is not None
        target.close()
        writer.finish(None)
        reader = RunReader(writer.folder)
        raw = self.folder / "map.npy"
        np.save(raw, np.zeros((len(columns), rows)))
        times: dict[str, list[float]] = {"Parquet": [], "labctl": [], "limit": []}
        for _ in range(3):
            times["Parquet"].append(seconds(lambda: pd.read_parquet(default, columns=columns)))
            times["labctl"].append(seconds(lambda: reader.frame(columns)))
            times["limit"].append(seconds(lambda: float(np.load(raw, mmap_mode="r").sum())))
        best = {name: min(values) for name, values in times.items()}
        note = f"{rows:,} rows, 8 columns into pandas; labctl from 306 sealed files"
        goals = [Goal("Parquet", 1, least=False)]
        peer = {"Parquet": best["Parquet"]}
        return Row("B5", "s", best["labctl"], best["limit"], peer, goals, note)


def store(writer: RunWriter, blocks: list[RecordBlock], *, commit_every: int = 1) -> None:
    """Append the blocks and commit each so many, and at the end."""
    for number, block in enumerate(blocks, start=1):
        writer.append(block, RECEIPT)
        if number % commit_every == 0:
            writer.commit()
    writer.commit()


def shifted(block: RecordBlock, by: int) -> RecordBlock:
    """Return the rows as if ``by`` rows had gone before."""
    columns = dict(block.columns)
    for name in ("sequence", "device_sequence"):
        columns[name] = columns[name] + by
    columns["test_time_second"] = columns["test_time_second"] + by * 10.0
    return RecordBlock(columns)


def tiled(block: RecordBlock, rows: int) -> RecordBlock:
    """Return ``rows`` rows by repeating a block with sequences and times going on."""
    pieces = [shifted(block, start) for start in range(0, rows, len(block))]
    return RecordBlock.joined(pieces).rows(0, rows)


def cpu_rate(rows: int, work: Callable[[], object]) -> float:
    """Return rows per second of this process's CPU time."""
    start = time.process_time()
    work()
    return rows / (time.process_time() - start)


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    """Measure the rows asked for; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = ("A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4", "B5")
    parser.add_argument("--row", action="append", choices=every, help="measure this row only (repeatable)")
    parser.add_argument("--peer-python", help="interpreter of the environment with benchmarks/peers.txt")
    parser.add_argument("--kills", type=int, default=20, help="SIGKILLs of row B3 (the goal asks for 200)")
    arguments = parser.parse_args()
    missed = []
    for name in arguments.row or every:
        with tempfile.TemporaryDirectory(prefix="bench-store-") as folder:
            bench = Bench(Path(folder), arguments.peer_python, arguments.kills)
            row: Row = getattr(bench, name.lower())()
            if not row.print():
                missed.append(name)
    print(f"\nmissed: {', '.join(missed)}" if missed else "\nevery goal that was judged is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
