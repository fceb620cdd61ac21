"""Plots of the window against pyqtgraph's own down-sampling and PyMeasure's plot widget, in one run (C1, C2, C3).

    python benchmarks/bench_gui_plots.py [--peer-python peers/bin/python] [--frames 90] [--seed 1]

Draws off-screen unless QT_QPA_PLATFORM says otherwise (under Xvfb: QT_QPA_PLATFORM=xcb). Times are CPU milliseconds of
the process, all its threads, so that other work on the machine hardly shows; frames per second are wall time. The data
are random walks with steps, the same for all. Exit 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from labctl.gui.plots import raster
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.fields import test_time, voltage
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.look import look_of
from labctl.gui.theme import fonts
from labctl.gui.theme.tokens import LIGHT
from labctl.gui.viewmodels.pyramid import Pyramid

CURVES = 64
POINTS = 10_000_000 // CURVES
SIZE = (1200, 700)
APPEND_EVERY = 3
"""Frames between two appends: 10 Hz at 30 frames/s, however busy the machine is."""
SPAN_SHARE = 0.5
MONTH_ROWS = 2_592_000
LIVE_ROWS = 1_000_000
PEER = """
import os, sys, tempfile, time
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
import numpy as np, pandas as pd, pyqtgraph as pg
from pyqtgraph.Qt import QtWidgets
from pymeasure.display.widgets import PlotFrame
from pymeasure.display.curves import ResultsCurve
from pymeasure.experiment import Procedure, Results
class Watch(Procedure):
    DATA_COLUMNS = ["t", "v"]
app = QtWidgets.QApplication([])
rows, times = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(int(sys.argv[3]))
path = os.path.join(tempfile.mkdtemp(), "run.csv")
results = Results(Watch(), path)
frame = pd.DataFrame({"t": np.arange(rows), "v": 3.3 + 0.3 * np.abs(np.arange(rows) % 7200 / 7200 - 0.5)
                      + 0.004 * rng.standard_normal(rows)})
with open(path, "a") as out:
    frame.to_csv(out, header=False, index=False)
widget = PlotFrame("t", "v", refresh_time=1e6)
widget.resize(1200, 700)
curve = ResultsCurve(results, x="t", y="v", pen=pg.mkPen("b"), antialias=False)
widget.plot.addItem(curve)
widget.show()
curve.update_data()
app.processEvents()
found = []
for turn in range(times):
    with open(path, "a") as out:
        out.write(f"{rows + turn},3.4\\n")
    used = time.process_time()
    curve.update_data()
    widget.plot_widget.viewport().repaint() if hasattr(widget.plot_widget, "viewport") else widget.repaint()
    app.processEvents()
    found.append(time.process_time() - used)
assert len(results.data) == rows + times, len(results.data)
print("ms", 1e3 * sorted(found)[len(found) // 2])
"""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    peer: float | None
    limit: float | None
    labctl: float
    goal: str
    met: bool
    unit: str = "ms"

    def line(self) -> str:
        """Return the line."""
        peer = "-" if self.peer is None else f"{self.peer:.1f}"
        limit = "-" if self.limit is None else f"{self.limit:.1f}"
        ratio = "-" if not self.peer else f"{self.labctl / self.peer:.3f}"
        met = "yes" if self.met else "NO"
        return f"{self.name:50} {peer:>9} {limit:>8} {self.labctl:9.2f} {self.unit:4} {ratio:>7}  {self.goal:26} {met}"


def walk(rng: np.random.Generator, rows: int, offset: float) -> Floats:
    """Return a voltage that charges and discharges with noise."""
    phase = np.arange(rows) % 7200 / 7200
    return offset + 0.3 * np.abs(phase - 0.5) + 0.004 * rng.standard_normal(rows)


def turns(app: QApplication, wait_ms: int = 0) -> None:
    """Let the window do what it has to do."""
    app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, wait_ms)


def settle(app: QApplication, seconds: float = 0.4) -> None:
    """Let what is under way come to its end."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        turns(app, 5)


def panned(
    app: QApplication, frames: int, pan: Callable[[float], None], append: Callable[[], None],
    paint: Callable[[], None],
) -> tuple[float, float]:  # fmt: skip
    """Pan to and fro while rows arrive; return CPU ms a frame and frames a second."""
    settle(app)
    began, used = time.perf_counter(), time.process_time()
    for frame in range(frames):
        if frame % APPEND_EVERY == 0:
            append()
        pan(0.004 if (frame // 40) % 2 == 0 else -0.004)
        turns(app)
        paint()
    wall = time.perf_counter() - began
    return 1e3 * (time.process_time() - used) / frames, frames / wall


def ours(app: QApplication, data: list[Floats], frames: int, *, image: bool) -> tuple[float, float]:
    """Pan labctl's plot over 64 live curves."""
    raster.CURVES_MIN, before = (16 if image else 10_000), raster.CURVES_MIN
    from labctl.gui.plots import sheet

    sheet.CURVES_MIN = raster.CURVES_MIN
    rows = len(data[0])
    with ThreadPoolExecutor(1) as executor:
        plot = PlotFrame(test_time(), voltage(), look_of(LIGHT), executor=executor)
        plot.resize(*SIZE)
        pyramids, curves = [], []
        for index, values in enumerate(data):
            pyramid = Pyramid()
            pyramid.append(np.arange(rows, dtype=np.float64), values)
            pyramids.append(pyramid)
            curves.append(EnvelopeCurve(pyramid, index=index, live=True))
        plot.add(*curves)
        plot.show()
        plot.fit()
        settle(app)
        plot.set_x_range(0.3 * rows, (0.3 + SPAN_SHARE) * rows)
        newest = [rows]

        def append() -> None:
            x = np.array([float(newest[0])])
            newest[0] += 1
            for pyramid, values in zip(pyramids, data, strict=True):
                pyramid.append(x, values[:1])
            for curve in curves:
                curve.data_changed()

        def pan(share: float) -> None:
            plot.box.pan(share, 0.0)

        while plot.feeder.busy:
            turns(app, 5)
        found = panned(app, frames, pan, append, lambda: plot.viewport().repaint())
        plot.feeder.close()
        plot.hide()
        plot.close()
    raster.CURVES_MIN = sheet.CURVES_MIN = before
    return found


def theirs(app: QApplication, data: list[Floats], frames: int) -> tuple[float, float]:
    """Pan pyqtgraph's plot with peak down-sampling and clip over the same data."""
    rows = len(data[0])
    room = [np.concatenate((values, np.zeros(4096))) for values in data]
    x = np.arange(rows + 4096, dtype=np.float64)
    plot = pg.PlotWidget(background="w")
    plot.resize(*SIZE)
    look = look_of(LIGHT)
    items = [
        plot.plot(x[:rows], y[:rows], pen=look.curve_colour(k), skipFiniteCheck=True)
        for k, y in enumerate(room)
    ]
    plot.setDownsampling(auto=True, mode="peak")
    plot.setClipToView(True)
    plot.disableAutoRange()
    plot.setXRange(0.3 * rows, (0.3 + SPAN_SHARE) * rows, padding=0)
    plot.setYRange(2.9, 4.1)
    plot.show()
    newest = [rows]

    def append() -> None:
        newest[0] += 1
        for item, y in zip(items, room, strict=True):
            item.setData(x[: newest[0]], y[: newest[0]], skipFiniteCheck=True)

    def pan(share: float) -> None:
        (low, high), _ = plot.getViewBox().viewRange()
        plot.getViewBox().translateBy(x=share * (high - low))

    found = panned(app, frames, pan, append, lambda: plot.viewport().repaint())
    plot.close()
    return found


def scan_ms(data: list[Floats]) -> float:
    """Return what one look at all values costs: minimum of each, single precision."""
    single = [values.astype(np.float32) for values in data]
    used = time.process_time()
    for values in single:
        values.min()
    return 1e3 * (time.process_time() - used)


def month(app: QApplication, rng: np.random.Generator) -> tuple[float, float]:
    """Return CPU ms from "show the month" to painted: asking and painting; and of painting alone."""
    pyramid = Pyramid()
    pyramid.append(np.arange(MONTH_ROWS, dtype=np.float64), walk(rng, MONTH_ROWS, 3.3))
    first, again = [], []
    for _ in range(7):
        plot = PlotFrame(test_time(), voltage(), look_of(LIGHT))
        plot.resize(*SIZE)
        plot.show()
        turns(app)
        used = time.process_time()
        plot.add(EnvelopeCurve(pyramid))
        plot.fit()
        turns(app)
        plot.viewport().repaint()
        first.append(time.process_time() - used)
        used = time.process_time()
        plot.viewport().repaint()
        again.append(time.process_time() - used)
        plot.close()
    return 1e3 * statistics.median(first), 1e3 * statistics.median(again)


def live(app: QApplication, rng: np.random.Generator, times: int) -> float:
    """Return CPU ms of one row more on a curve of a million: append, ask, paint."""
    pyramid = Pyramid()
    pyramid.append(np.arange(LIVE_ROWS, dtype=np.float64), walk(rng, LIVE_ROWS, 3.3))
    plot = PlotFrame(test_time(), voltage(), look_of(LIGHT))
    plot.resize(*SIZE)
    curve = EnvelopeCurve(pyramid, live=True)
    plot.add(curve)
    plot.show()
    plot.fit()
    plot.feeder._quiet.setInterval(0)  # each row by itself: what merging saves is not to be counted
    settle(app)
    found = []
    for row in range(times):
        turns(app)
        used = time.process_time()
        pyramid.append(np.array([float(LIVE_ROWS + row)]), np.array([3.4]))
        curve.data_changed()
        plot.feed()
        plot.viewport().repaint()
        found.append(time.process_time() - used)
        settle(app, 0.005)
    plot.close()
    return 1e3 * statistics.median(found)


def pymeasure_ms(python: str | None, times: int, seed: int) -> float | None:
    """Return CPU ms of one refresh of PyMeasure's plot widget at a million rows; None without its environment."""
    if python is None:
        return None
    done = subprocess.run(
        [python, "-c", PEER, str(LIVE_ROWS), str(times), str(seed)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        print(f"PyMeasure did not run: {done.stderr.strip().splitlines()[-1:]}")
        return None
    return float(done.stdout.split()[-1])


def main() -> int:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--peer-python", help="Python of an environment with PyMeasure and PySide6")
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    fonts.load()
    rng = np.random.default_rng(given.seed)
    data = [walk(rng, POINTS, 3.0 + 0.012 * index) for index in range(CURVES)]
    limit = scan_ms(data)
    peer, peer_fps = theirs(app, data, given.frames)
    image, image_fps = ours(app, data, given.frames, image=True)
    lines, lines_fps = ours(app, data, given.frames, image=False)
    few, _ = ours(app, [values[:10_000] for values in data], given.frames, image=True)
    data = [walk(rng, 1_000_000, 3.0 + 0.012 * index) for index in range(CURVES)]
    many, _ = ours(app, data, given.frames, image=True)
    data.clear()
    first, again = month(app, rng)
    refresh = live(app, rng, 30)
    pymeasure = pymeasure_ms(given.peer_python, 7, given.seed)
    rows = [
        Row("C1 64 curves, 10^7 points, lines", peer, limit, lines, "<= 0.3x pyqtgraph", lines <= 0.3 * peer),
        Row("C1 the same, image", peer, limit, image, "<= 0.12x pyqtgraph", image <= 0.12 * peer),
        Row("C1 frames for a second of CPU, image", 1e3 / peer, None, 1e3 / image, ">= 30", image <= 1e3 / 30, "fps"),
        Row("C1 frames in a second by the clock, image (told)", peer_fps, None, image_fps, "-", True, "fps"),
        Row("C1 frames in a second by the clock, lines (told)", peer_fps, None, lines_fps, "-", True, "fps"),
        Row("C2 frame 64 x 10^6 (peer: 64 x 10^4)", few, None, many, "<= 1.7x", many <= 1.7 * few),
        Row("C3 one live curve at 10^6 rows", pymeasure, None, refresh, "<= 0.02x PyMeasure",
            pymeasure is not None and refresh <= 0.02 * pymeasure),
        Row("a month at 1 Hz, asked and painted", None, None, first, "<= 50 ms", first <= 50),
        Row("the same, painted again", None, None, again, "<= 50 ms", again <= 50),
    ]  # fmt: skip
    print(f"platform {app.platformName()}, {SIZE[0]} x {SIZE[1]}, load {os.getloadavg()[0]:.1f}")
    print(f"{'row':50} {'peer':>9} {'limit':>8} {'labctl':>9} {'':4} {'ratio':>7}  {'goal':26} met")
    for row in rows:
        print(row.line())
    if pymeasure is None:
        print("C3 has no peer: give --peer-python an environment with PyMeasure and PySide6-Essentials.")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
