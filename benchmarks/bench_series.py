"""Series for plots: a month at 1 Hz answered for a plot 1,000 pixels wide, against a scan of all its rows, in one run.

    python benchmarks/bench_series.py [--days 30] [--live 1024]

Prints wall and CPU milliseconds of a question: the whole run, a day, an hour, a minute, and the newest hour of a live
run; what feeding the pyramid costs for each row that comes alone; and the size on disk. Exit 1 when the median of a
month is above 20 ms or twelve times the rows cost more than three times as much (a level has one to eight bins a
pixel, so the cost moves between the two with the length of a run).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.model.ids import RunId
from labctl.model.record import RecordBlock
from labctl.station.series import SeriesStore
from labctl.store.pyramid import Pyramid
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.testing.rows import cycling_rows
from labctl.worker import Worker

START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "bench:1-1/test 1")
DAY_S = 86_400
PIECE = 32_768


def rows_at_1_hz(first: int, rows: int) -> RecordBlock:
    """Return rows of a cell with a record each second."""
    block = cycling_rows(rows, first=first)
    return RecordBlock({**block.columns, "test_time_second": block["sequence"] - 1.0})


def written(root: DataRoot, name: str, rows: int, *, ended: bool) -> RunId:
    """Store a run and return its id."""
    run_id = RunId(name)
    writer = RunWriter.create(root, run_id, {"started_utc": "2026-01-01T00:00:00+00:00"}, START)
    for first in range(1, rows + 1, PIECE):
        writer.append(rows_at_1_hz(first, min(PIECE, rows + 1 - first)), RECEIPT)
        writer.commit()
    if ended:
        writer.finish(None)
    return run_id


async def timed(ask: Callable[[], Awaitable[Any]], times: int = 15) -> tuple[float, float]:
    """Return the median wall and CPU milliseconds of a question."""
    wall, cpu = [], []
    for _ in range(times):
        began, used = time.perf_counter(), time.process_time()
        await ask()
        wall.append(1e3 * (time.perf_counter() - began))
        cpu.append(1e3 * (time.process_time() - used))
    return statistics.median(wall), statistics.median(cpu)


async def questions(root: DataRoot, clock: Clock, run_id: RunId, rows: int) -> dict[str, tuple[float, float]]:
    """Return what each question costs."""
    worker = Worker("bench-series", clock)
    store = SeriesStore(root, worker)
    spans = {"whole run": None, "a day": DAY_S, "an hour": 3600, "a minute": 60}
    found: dict[str, tuple[float, float]] = {}
    began = time.perf_counter()
    await store.series(run_id, ["voltage_volt", "current_ampere"])
    found["first question (pyramid made)"] = (1e3 * (time.perf_counter() - began), float("nan"))
    for name, span_s in spans.items():
        if span_s is None or span_s < rows:
            begin = None if span_s is None else rows / 2
            end = None if span_s is None else rows / 2 + span_s
            asked = {"begin": begin, "end": end, "width_px": 1000}
            found[name] = await timed(
                lambda asked=asked: store.series(run_id, ["voltage_volt", "current_ampere"], **asked)
            )
    live = rows_at_1_hz(rows + 1, 600)
    for row in range(600):
        store.append(run_id, live.rows(row, row + 1))
    worker.close()
    return found


def feeding(channels: int) -> tuple[float, float]:
    """Return CPU microseconds for each row that comes alone, and kilobytes kept for each of many live runs."""
    block = rows_at_1_hz(1, 4096)
    pieces = [block.rows(row, row + 1) for row in range(4096)]
    pyramids = [Pyramid() for _ in range(8)]
    used = time.process_time()
    for piece in pieces:
        for pyramid in pyramids:
            pyramid.append(piece)
    cost_us = 1e6 * (time.process_time() - used) / (len(pieces) * len(pyramids))
    held = pyramids[0]
    kilobytes = sum(level.bins.nbytes for level in held._levels.values()) + held._raw.nbytes
    return cost_us, kilobytes / 1e3


async def main(clock: Clock, days: float, channels: int) -> bool:
    """Run everything and print it."""
    rows = int(days * DAY_S)
    with tempfile.TemporaryDirectory() as place, DataRoot(Path(place) / "data") as root:
        short_id, month_id = (
            written(root, "short", rows // 12, ended=True),
            written(root, "month", rows, ended=True),
        )
        short = await questions(root, clock, short_id, rows // 12)
        month = await questions(root, clock, month_id, rows)
        began = time.perf_counter()
        scanned = RunReader(root.run_folder(month_id)).records(
            ["test_time_second", "voltage_volt", "current_ampere"]
        )
        np.minimum.reduceat(scanned["voltage_volt"], np.arange(0, len(scanned), max(1, len(scanned) // 1000)))
        scan_ms = 1e3 * (time.perf_counter() - began)
        folder = root.run_folder(month_id)
        size = sum(file.stat().st_size for file in (folder / "series").iterdir())
        stored = sum(file.stat().st_size for file in folder.glob("*.parquet"))
    print(f"{rows:,} rows, two columns, 1,000 pixels: wall ms (CPU ms)")
    print(f"  all rows read and reduced      {scan_ms:10.1f}")
    for name, (wall_ms, cpu_ms) in month.items():
        beside = short.get(name, (float("nan"), float("nan")))[0]
        print(f"  {name:<30} {wall_ms:10.2f} ({cpu_ms:.2f})   with a twelfth of the rows {beside:.2f}")
    cost_us, kilobytes = feeding(channels)
    print(f"feeding: {cost_us:.2f} CPU us a row that comes alone = {cost_us * channels / 1e4:.2f} % of a core for "
          f"{channels} rows/s; {kilobytes:.0f} kB a live run")  # fmt: skip
    print(f"on disk: {size / rows:.2f} bytes a row beside {stored / rows:.2f} of the rows")
    ratio = month["whole run"][0] / short["whole run"][0]
    print(f"whole run: {month['whole run'][0]:.2f} ms, {ratio:.2f}x that of a twelfth of the rows")
    return month["whole run"][0] <= 20.0 and ratio <= 3.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--live", type=int, default=1024)
    given = parser.parse_args()
    met = run_with_clock(ClockSpec(mode=ClockMode.REAL), lambda clock: main(clock, given.days, given.live))
    sys.exit(0 if met else 1)
