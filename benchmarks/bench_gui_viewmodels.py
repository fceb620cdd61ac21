"""View-models of the GUI without a screen: news of a full bench into tiles, and months of rows into plot columns.

    python benchmarks/bench_gui_viewmodels.py [--channels 256] [--rows 2600000] [--turns 60]

Prints milliseconds (median and 95th percentile) of: taking a batch in which every channel has changed, making every
tile anew, letting ages move on; asking one curve of ``--rows`` rows for 1,200 pixel columns, whole and in part; asking
64 curves of 10 million rows in total; and appending live rows. Exit 1 when taking and making 256 tiles is above the
16 ms that the whole grid update may cost (shared spec operator-gui, section 8), painting not included.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from labctl.gui.viewmodels.batches import Batch
from labctl.gui.viewmodels.grid import Grid
from labctl.gui.viewmodels.pyramid import Pyramid
from labctl.gui.viewmodels.sparks import Sparklines
from labctl.model.bench import Delta
from labctl.model.plain import to_plain
from labctl.testing.guilab import a_lab, box, running, tell

WIDTH_PX = 1200
GRID_MS = 16.0


def timed(what: str, act: Callable[[int], object], turns: int) -> float:
    """Print how long an act takes; returns the 95th percentile in ms."""
    took = []
    for turn in range(turns):
        begin = time.perf_counter()
        act(turn)
        took.append((time.perf_counter() - begin) * 1e3)
    p95 = sorted(took)[max(0, int(0.95 * turns) - 1)]
    print(f"{what:<58} {statistics.median(took):8.2f} ms  p95 {p95:8.2f} ms")
    return p95


def grid(channels: int, turns: int) -> float:
    """Time the grid; returns the 95th percentile of taking and making everything."""
    lab = a_lab()
    names = [f"neware:{1 + index // 8}-{1 + index % 8}" for index in range(channels)]
    tell(lab, box("neware", channels), *(running(name) for name in names))
    shown, sparks = Grid(lab), Sparklines(lab)
    batches = [
        Batch(
            tuple(
                Delta(
                    1,
                    "channel",
                    name,
                    to_plain(running(name, voltage_V=3 + turn / 100, test_time_s=10.0 * turn)),
                )
                for name in names
            )
        )
        for turn in range(turns)
    ]

    def update(turn: int) -> None:
        lab.apply(batches[turn])
        for name in names:
            shown.tile(name)

    timed(f"take news of {channels} channels", lambda turn: lab.apply(batches[turn]), turns)
    worst = timed(f"take news and make {channels} tiles", update, turns)
    timed(f"sparklines of {channels} channels", lambda turn: [sparks.of(name) for name in names], turns)
    timed("ages move on", lambda turn: shown.tick(), turns)
    return worst


def curves(rows: int, turns: int) -> None:
    """Time curves."""
    x = np.arange(float(rows))
    y = np.sin(x / 1e4)
    pyramid = Pyramid()
    timed(f"take {rows:,} rows at once", lambda turn: pyramid.append(x, y), 1)
    for name, share in (("whole", 1.0), ("a tenth", 0.1), ("a thousandth", 0.001)):
        span = share * rows

        def ask(turn: int, span: float = span) -> object:
            begin = (rows - span) * turn / turns
            return pyramid.columns(begin, begin + span, WIDTH_PX)

        timed(f"{name} of {rows:,} rows in {WIDTH_PX} columns", ask, turns)
    many = [Pyramid() for _ in range(64)]
    part = 10_000_000 // 64
    for one in many:
        one.append(x[:part], y[:part])

    def ask_all(turn: int) -> object:
        return [one.columns(100.0 * turn, part - 1e4, WIDTH_PX) for one in many]

    timed("64 curves of 10,000,000 rows", ask_all, turns)
    timed(
        "append 10 live rows",
        lambda turn: pyramid.append(pyramid.end + 1 + np.arange(10.0), np.ones(10)),
        turns,
    )


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--rows", type=int, default=2_600_000)
    parser.add_argument("--turns", type=int, default=60)
    given = parser.parse_args()
    worst_ms = grid(given.channels, given.turns)
    curves(given.rows, given.turns)
    return 1 if given.channels == 256 and worst_ms > GRID_MS else 0


if __name__ == "__main__":
    sys.exit(main())
