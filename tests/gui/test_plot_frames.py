"""Plots in a window: gestures, keys, following, hidden plots, many curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from labctl.gui.plots import fields
from labctl.gui.plots.band import StepBand, StepBox
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.data import BAD, GAP, ArrayTrace, Columns
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.legend import LegendRow
from labctl.gui.plots.look import look_of
from labctl.gui.plots.marks import LimitLine, LineKind, Mark, Note, TrendWindow
from labctl.gui.plots.strip import RunStrip
from labctl.gui.plots.xy import XYCurve
from labctl.gui.theme.tokens import DARK, LIGHT

LOOK = look_of(LIGHT)
ROWS = 5000


@pytest.fixture(autouse=True)
def every_mouse_move_counts() -> Iterator[None]:
    """Take each move of a test's mouse: pyqtgraph drops those that come faster than a hand moves."""
    before = pg.getConfigOption("mouseRateLimit")
    pg.setConfigOption("mouseRateLimit", -1)
    yield
    pg.setConfigOption("mouseRateLimit", before)


class CountingTrace(ArrayTrace):
    """A trace that counts how often it is asked, and that grows."""

    def __init__(self, rows: int = ROWS) -> None:
        super().__init__(np.arange(float(rows)), 3.5 + 0.3 * np.sin(np.arange(rows) / 200))
        self.asked = 0

    def grow(self) -> None:
        self.__init__(len(self._x) + 100)  # type: ignore[misc]  # a longer one in its place

    def columns(self, begin: float, end: float, width_px: int) -> Columns:
        self.asked += np.isfinite(begin)
        return super().columns(begin, end, width_px)


class LaterExecutor(Executor):
    """Does what it is given when told."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, work: Callable[..., Any], /, *args: Any, **words: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append(lambda: future.set_result(work(*args, **words)))
        return future

    def run(self) -> int:
        waiting, self.waiting = self.waiting, []
        for work in waiting:
            work()
        return len(waiting)


def shown(qtbot: QtBot, *layers: Any, **words: Any) -> PlotFrame:
    plot = PlotFrame(fields.test_time(), fields.voltage(), LOOK, **words)
    qtbot.addWidget(plot)
    plot.resize(600, 320)
    plot.add(*layers)
    plot.show()
    plot.fit()
    qtbot.waitExposed(plot)
    QApplication.processEvents()
    return plot


def picture(plot: PlotFrame) -> QImage:
    return plot.grab().toImage()


def pixels_of(image: QImage, colour: str) -> int:
    wanted = QColor(colour).rgb()
    return sum(image.pixel(x, y) == wanted for x in range(image.width()) for y in range(image.height()))


def wheel(plot: PlotFrame, at: QPointF, turns: int) -> None:
    place = QPointF(plot.mapToGlobal(at.toPoint()))
    event = QWheelEvent(
        at, place, QPoint(), QPoint(0, 120 * turns), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(plot.viewport(), event)


def drag(qtbot: QtBot, plot: PlotFrame, begin: QPoint, end: QPoint, button: Qt.MouseButton) -> None:
    port = plot.viewport()
    qtbot.mousePress(port, button, pos=begin)
    for step in (0.3, 0.6, 1.0):
        at = begin + (end - begin) * step
        qtbot.mouseMove(port, at)
        QApplication.processEvents()
    qtbot.mouseRelease(port, button, pos=end)
    QApplication.processEvents()


def test_fit_shows_the_whole_curve_and_draws_it(qtbot: QtBot) -> None:
    plot = shown(qtbot, EnvelopeCurve(CountingTrace(), name="measured"))
    low, high = plot.x_range()
    assert low <= 0 and high >= ROWS - 1 and high - low < 1.1 * ROWS
    image = picture(plot)
    assert image.pixelColor(2, 2) != image.pixelColor(300, 150)
    assert plot.legend()[0].text == "measured"


def test_the_wheel_zooms_about_the_cursor(qtbot: QtBot) -> None:
    plot = shown(qtbot, EnvelopeCurve(CountingTrace()))
    rect = plot.places.plot
    at = QPointF(rect.left() + 0.25 * rect.width(), rect.center().y())
    before = plot.x_range()
    kept = before[0] + 0.25 * (before[1] - before[0])
    wheel(plot, at, 2)
    low, high = plot.x_range()
    assert high - low < before[1] - before[0]
    assert low + 0.25 * (high - low) == pytest.approx(kept, rel=0.01)


def test_keys_do_in_a_plot_what_the_key_map_says(qtbot: QtBot) -> None:
    plot = shown(qtbot, EnvelopeCurve(CountingTrace(), live=True))
    asked: list[int] = []
    plot.overlay_asked.connect(lambda: asked.append(1))
    whole = plot.x_range()
    qtbot.keyClick(plot, Qt.Key.Key_Plus)
    assert plot.x_range()[1] - plot.x_range()[0] == pytest.approx(0.8 * (whole[1] - whole[0]), rel=0.01)
    qtbot.keyClick(plot, Qt.Key.Key_0)
    assert plot.x_range() == pytest.approx(whole)
    qtbot.keyClick(plot, Qt.Key.Key_L)
    assert plot.sheet.log_y and not plot.sheet.log_x
    qtbot.keyClick(plot, Qt.Key.Key_X)
    assert plot.sheet.log_x
    qtbot.keyClick(plot, Qt.Key.Key_V)
    assert asked
    qtbot.keyClick(plot, Qt.Key.Key_C)
    assert plot.cursors.visible
    place = plot.cursors.places[0]
    qtbot.keyClick(plot, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert plot.cursors.places[0] > place
    qtbot.keyClick(plot, Qt.Key.Key_R)
    assert plot.follow


def test_following_stops_when_a_person_pans_and_live_brings_it_back(qtbot: QtBot) -> None:
    plot = shown(qtbot, EnvelopeCurve(CountingTrace(), live=True))
    heard: list[bool] = []
    plot.follow_changed.connect(heard.append)
    plot.set_follow(True)
    qtbot.keyClick(plot, Qt.Key.Key_Left)
    assert not plot.follow and plot.live_button.isVisible()
    plot.live_button.click()
    assert plot.follow and not plot.live_button.isVisible() and heard == [True, False, True]


def test_following_keeps_the_newest_point_in_view(qtbot: QtBot) -> None:
    trace = CountingTrace()
    curve = EnvelopeCurve(trace, live=True)
    plot = shown(qtbot, curve)
    plot.live_span = 1000.0
    plot.set_follow(True)
    for _ in range(3):
        trace.grow()
        curve.data_changed()
        qtbot.waitUntil(lambda: not curve.stale, timeout=30_000)
    low, high = plot.x_range()
    assert low < len(trace._x) - 1 < high and high - low == pytest.approx(1000.0)


def test_dragging_pans_and_a_right_drag_zooms_into_its_box(qtbot: QtBot) -> None:
    plot = shown(qtbot, EnvelopeCurve(CountingTrace()))
    middle = plot.places.plot.center().toPoint()
    before = plot.x_range()
    drag(qtbot, plot, middle, middle + QPoint(60, 0), Qt.MouseButton.LeftButton)
    assert plot.x_range()[0] < before[0]
    before = plot.x_range()
    drag(qtbot, plot, middle - QPoint(50, 50), middle + QPoint(50, 50), Qt.MouseButton.RightButton)
    assert plot.x_range()[1] - plot.x_range()[0] == pytest.approx(
        (before[1] - before[0]) * 100 / plot.places.plot.width(), rel=0.05
    )


def test_cursors_read_values_and_tell_their_difference(qtbot: QtBot) -> None:
    trace = ArrayTrace(np.arange(7201.0), 3.0 + np.arange(7201.0) / 7200)
    plot = shown(qtbot, EnvelopeCurve(trace))
    readings: list[Any] = []
    plot.cursors_changed.connect(readings.append)
    plot.show_cursors(True)
    plot.cursors.place(1800.0, 3600.0)
    words = plot.reading_text(readings[-1])
    assert "A 3.25" in words and "B 3.50" in words and "Δ 0.25" in words and "30\u2009min" in words
    plot.show_cursors(False)
    assert readings[-1] is None


def test_a_cursor_in_a_gap_has_no_value(qtbot: QtBot) -> None:
    y = np.full(1000, 3.0)
    y[400:600] = np.nan
    curve = EnvelopeCurve(ArrayTrace(np.arange(1000.0), y))
    plot = shown(qtbot, curve)
    assert curve.value_at(500.0) is None and curve.value_at(100.0) == 3.0
    plot.show_cursors(True)
    plot.cursors.place(100.0, 500.0)
    assert "Δ –" in plot.reading_text(plot.cursors.reading())


def test_a_gap_is_a_band_without_a_line_and_bad_points_are_crosses(qtbot: QtBot) -> None:
    x = np.concatenate((np.arange(0.0, 400), np.arange(600.0, 1000)))
    flags = np.zeros(len(x), dtype=np.uint8)
    flags[400] = GAP
    flags[100] |= BAD
    curve = EnvelopeCurve(ArrayTrace(x, np.full(len(x), 3.5), flags))
    plot = shown(qtbot, curve)
    image, rect = picture(plot), plot.places.plot
    ink = QColor(LOOK.curves[0])

    def inked(value: float) -> bool:
        column = round(plot.canvas().x_at(value))
        return any(
            abs(image.pixelColor(column, row).red() - ink.red()) < 60
            and abs(image.pixelColor(column, row).blue() - ink.blue()) < 60
            for row in range(round(rect.top()) + 2, round(rect.bottom()) - 2)
        )

    assert inked(200.0) and not inked(500.0) and inked(800.0)
    assert pixels_of(image, LOOK.grid) > 0.15 * rect.width() * rect.height()


def test_columns_are_asked_in_a_worker_and_one_batch_at_a_time(qtbot: QtBot) -> None:
    later = LaterExecutor()
    traces = [CountingTrace() for _ in range(3)]
    plot = shown(qtbot, *(EnvelopeCurve(trace) for trace in traces), executor=later)
    assert all(trace.asked == 0 for trace in traces) and len(later.waiting) == 1
    for _ in range(5):
        plot.box.pan(0.5, 0.0)
        QApplication.processEvents()
    assert len(later.waiting) == 1, "the newest wish waits for the batch under way"
    with qtbot.waitSignal(plot.feeder.fed):
        later.run()
    assert all(trace.asked == 1 for trace in traces)


def test_new_rows_are_merged_to_ten_pictures_a_second_at_most(qtbot: QtBot) -> None:
    trace = CountingTrace()
    curve = EnvelopeCurve(trace)
    plot = shown(qtbot, curve)
    qtbot.waitUntil(lambda: not plot.feeder._quiet.isActive(), timeout=30_000)
    assert plot.feeder._quiet.interval() == 100
    plot.feeder._quiet.setInterval(60_000)
    before = plot.feeder.asked
    for _ in range(50):
        curve.data_changed()
        QApplication.processEvents()
    assert plot.feeder.asked - before == 1 and curve.stale
    plot.feeder._quiet.timeout.emit()
    assert plot.feeder.asked - before == 2 and not curve.stale


def test_a_hidden_plot_asks_nothing_and_catches_up_when_shown(qtbot: QtBot) -> None:
    trace = CountingTrace()
    curve = EnvelopeCurve(trace)
    plot = shown(qtbot, curve)
    plot.hide()
    trace.grow()
    asked = trace.asked
    curve.data_changed()
    QApplication.processEvents()
    assert trace.asked == asked and curve.stale
    plot.show()
    qtbot.waitUntil(lambda: not curve.stale, timeout=30_000)
    assert trace.asked > asked


def test_panning_within_the_margin_asks_nothing_anew(qtbot: QtBot) -> None:
    trace = CountingTrace()
    plot = shown(qtbot, EnvelopeCurve(trace))
    plot.set_x_range(2000, 3000)
    QApplication.processEvents()
    asked = trace.asked
    plot.box.pan(0.2, 0.0)
    QApplication.processEvents()
    assert trace.asked == asked


def test_sixteen_curves_are_drawn_as_one_image_and_stay_when_panned(qtbot: QtBot) -> None:
    plot = shown(qtbot, *(EnvelopeCurve(CountingTrace(), index=index) for index in range(16)))
    plot.set_x_range(1000, 3000)
    plot.box.pan(0.01, 0.0)
    QApplication.processEvents()
    picture(plot)
    plot.box.pan(0.01, 0.0)
    picture(plot)
    drawn = plot.sheet.raster.columns_drawn
    plot.box.pan(0.05, 0.0)
    image = picture(plot)
    assert plot.sheet.raster.columns_drawn == drawn, "the kept image was moved, not drawn anew"
    assert pixels_of(image, LOOK.curves[15 % 6]) > 100


def test_rows_beyond_the_window_cost_no_drawing(qtbot: QtBot) -> None:
    traces = [CountingTrace() for _ in range(16)]
    curves = [EnvelopeCurve(trace, index=index) for index, trace in enumerate(traces)]
    plot = shown(qtbot, *curves)
    plot.set_x_range(1000, 2000)
    for _ in range(3):
        QApplication.processEvents()
        picture(plot)
    drawn = plot.sheet.raster.columns_drawn
    for trace, curve in zip(traces, curves, strict=True):
        trace.grow()
        curve.data_changed()
    qtbot.waitUntil(lambda: not any(curve.stale for curve in curves), timeout=30_000)
    picture(plot)
    assert plot.sheet.raster.columns_drawn == drawn


def test_every_layer_is_drawn_in_both_themes_on_linear_and_log_axes(qtbot: QtBot) -> None:
    x = np.linspace(1, 100, 300)
    plot = shown(
        qtbot,
        XYCurve(x, 2 + np.sin(x / 9), name="line", marker="s", filled=False, every=5),
        XYCurve(x, 99 + 0 * x, name="CE", side="right", line=False, marker="o", muted=True),  # type: ignore[arg-type]
        EnvelopeCurve(ArrayTrace(x, 2 + np.cos(x / 9)), name="predicted", predicted=True),
        LimitLine(3.2, LineKind.TRIP, "trip 3.2 V"), LimitLine(1.2, LineKind.STEP_END),
        Mark(50.0, LineKind.NOW, "now"), TrendWindow(1.5, 2.0), Note("equal scale", corner="tl"),
        right=fields.Field("CE", "%"), title="title", header=True,
    )  # fmt: skip
    plot.set_band(StepBand([StepBox(1, 50, "charge", "CC-CHG", "charge"), StepBox(50, 100, "rest", "REST")]))
    light = picture(plot)
    plot.set_look(look_of(DARK, unit=1.5))
    dark = picture(plot)
    assert light.pixelColor(300, 200).lightness() > 150 > dark.pixelColor(400, 200).lightness()
    plot.set_log(x=True, y=True)
    assert picture(plot) != dark
    row = LegendRow(LOOK)
    qtbot.addWidget(row)
    row.show_entries(plot.legend())
    assert row.accessibleName() == "line, CE, predicted" and row.sizeHint().width() > 100


def test_the_window_of_a_whole_run_is_dragged_and_moves_by_keys(qtbot: QtBot) -> None:
    strip = RunStrip(EnvelopeCurve(CountingTrace()), LOOK, title="whole run")
    qtbot.addWidget(strip)
    strip.resize(600, 100)
    strip.show()
    strip.fit()
    strip.set_window(4000.0, 4500.0)
    moved: list[tuple[float, float]] = []
    strip.window_changed.connect(lambda begin, end: moved.append((begin, end)))
    qtbot.keyClick(strip, Qt.Key.Key_Left)
    assert moved == [(3750.0, 4250.0)]
    centre = strip.window_mark.rect(strip.canvas()).center().toPoint()
    drag(qtbot, strip, centre, centre - QPoint(100, 0), Qt.MouseButton.LeftButton)
    assert moved[-1][0] < 3600.0 and moved[-1][1] - moved[-1][0] == pytest.approx(500.0)


def test_a_plot_is_named_for_screen_readers_and_leaves_other_keys_to_the_window(qtbot: QtBot) -> None:
    plot = shown(qtbot, EnvelopeCurve(CountingTrace()), name="voltage of C0063")
    assert plot.accessibleName() == "voltage of C0063" and plot.accessibleDescription()
    before = plot.x_range()
    qtbot.keyClick(plot, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert not plot.sheet.log_y and plot.x_range() == before
