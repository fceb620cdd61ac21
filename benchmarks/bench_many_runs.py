"""Storing many runs at once: CPU and wall time of a block's append and commit, one by one and together, in one run.

    python benchmarks/bench_many_runs.py [--rows 1] [--rounds 6] [--data FOLDER]

Prints 8, 64, 256 and 1,024 runs, and what share of a core and of the store's thread a block each second costs. Exit 1
when 1,024 runs together cost more than a tenth of a core of CPU or more than half of each second.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from labctl.model.ids import RunId
from labctl.store.root import DataRoot
from labctl.store.runwriter import Receipt, RunWriter
from labctl.testing.rows import cycling_rows

START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00.000+00:00", 1.0, "bench:1-1/test 1")


def measured(place: Path, runs: int, rows: int, rounds: int, *, together: bool) -> tuple[float, float]:
    """Return CPU and wall microseconds of a block's append and commit."""
    root = DataRoot(place / f"data-{runs}-{together}")
    writers = [RunWriter.create(root, RunId(f"r{number}"), {"cell": {}}, START) for number in range(runs)]
    block = cycling_rows(rows * rounds)
    for writer in writers:  # the first block of a run creates its files
        writer.append(block.rows(0, rows), RECEIPT)
        writer.commit()
    used, began = time.process_time(), time.perf_counter()
    for number in range(1, rounds):
        for writer in writers:
            writer.append(block.rows(number * rows, (number + 1) * rows), RECEIPT)
            if not together:
                writer.commit()
        if together:
            RunWriter.sync_together(writers)
            for writer in writers:
                writer.commit()
    blocks = runs * (rounds - 1)
    cost = 1e6 * (time.process_time() - used) / blocks, 1e6 * (time.perf_counter() - began) / blocks
    for writer in writers:
        writer.close()
    return cost


def main() -> int:
    """Run and print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1, help="rows in a block")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--data", type=Path, default=None, help="a folder on the disk to measure")
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    cpu_us = wall_us = 0.0
    with tempfile.TemporaryDirectory(dir=given.data) as place:
        for runs in (8, 64, 256, 1024):
            alone = measured(Path(place), runs, given.rows, given.rounds, together=False)
            cpu_us, wall_us = measured(Path(place), runs, given.rows, given.rounds, together=True)
            print(
                f"{runs:>5} runs, {given.rows} rows a block: together {cpu_us:6.1f} us CPU {wall_us:7.1f} us wall; "
                f"one by one {alone[0]:6.1f} and {alone[1]:7.1f}"
            )
    print(
        f"1,024 blocks a second: {cpu_us * 0.1024:.1f} % of a core, {wall_us * 0.1024:.1f} % of the store's thread"
    )
    return 0 if cpu_us * 1024 <= 1e5 and wall_us * 1024 <= 5e5 else 1


if __name__ == "__main__":
    sys.exit(main())
