"""The whole run in one strip with a window that is dragged: context above, focus below."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.data import Floats
from labctl.gui.plots.fields import test_time, voltage
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.layer import Height, Layer
from labctl.gui.plots.look import PlotLook

EDGE_PX = 6.0
LEAST_PX = 6.0
STEP_SHARE = 0.5
CYCLE_PX = 3.0
"""A cycle narrower than this is drawn by its end voltages (design README 12.7)."""
BAND_SHARE = 0.28
"""How much of the curve's colour the band between them has."""


class WindowMark(Layer):
    """The 2 px window of what is shown below."""

    height = Height.CURSOR

    def __init__(self) -> None:
        """Nowhere yet."""
        super().__init__()
        self.begin, self.end = 0.0, 0.0

    def rect(self, canvas: Canvas) -> QRectF:
        """Return where it is; never narrower than can be seen and grabbed."""
        left, right = canvas.x_at(self.begin), canvas.x_at(self.end)
        least = canvas.look.px(LEAST_PX)
        if right - left < least:
            middle = (left + right) / 2
            left, right = middle - least / 2, middle + least / 2
        return QRectF(left, canvas.rect.top() + 1, right - left, canvas.rect.height() - 2)

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw the frame alone: what is in it stays readable."""
        if self.end > self.begin:
            painter.setPen(canvas.look.pen(canvas.look.focus, 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect(canvas))


class CycleEnds(Layer):
    """The end voltages of cycles that are too narrow to be seen: a pale band between two lines, broken in gaps."""

    height = Height.CURVE

    def __init__(self) -> None:
        """Nothing yet."""
        super().__init__()
        self.begin = self.end = self.low = self.high = np.zeros(0)

    def set_cycles(self, begin: Floats, end: Floats, low: Floats, high: Floats) -> None:
        """Take where cycles begin and end, and the voltages between which they lie. Shape: (n,) each."""
        good = np.isfinite(low) & np.isfinite(high) & np.isfinite(begin) & np.isfinite(end)
        self.begin, self.end, self.low, self.high = begin[good], end[good], low[good], high[good]
        self.touch()

    def pitch_px(self, canvas: Canvas) -> float:
        """Return how wide a cycle is drawn, on average; infinite where there are too few to tell."""
        if len(self.begin) < 2:
            return float("inf")
        span = canvas.x_at(float(self.end[-1])) - canvas.x_at(float(self.begin[0]))
        return span / len(self.begin)

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw a stroke for each pixel column that has a cycle, and its two ends darker."""
        look = canvas.look
        left, right = canvas.x_px(self.begin), canvas.x_px(self.end)
        low, high = canvas.y_px(self.low), canvas.y_px(self.high)
        ink, paper = QColor(look.curve_colour(0)), QColor(look.plot)
        share = BAND_SHARE
        pale = QColor.fromRgbF(
            share * ink.redF() + (1 - share) * paper.redF(),
            share * ink.greenF() + (1 - share) * paper.greenF(),
            share * ink.blueF() + (1 - share) * paper.blueF(),
        )
        for at in range(len(left)):
            wide = max(right[at] - left[at], 1.0 / canvas.ratio)
            painter.fillRect(QRectF(left[at], high[at], wide, max(1.0, low[at] - high[at])), pale)
        painter.setPen(look.pen(look.curve_colour(0), 1.25))
        for values in (low, high):
            for at in range(len(left)):
                joined = at + 1 < len(left) and left[at + 1] - right[at] < look.px(1)
                to_x, to_y = (left[at + 1], values[at + 1]) if joined else (right[at], values[at])
                painter.drawLine(QLineF(left[at], values[at], to_x, to_y))


class RunStrip(PlotFrame):
    """A small plot of a whole run. It is not zoomed: dragging moves the window, its edges widen it, a click centres."""

    window_changed = Signal(float, float)
    """A person moved the window: the range of x that the plot below shall show."""

    def __init__(
        self, curve: EnvelopeCurve, look: PlotLook, *, title: str = "", note: str = "",
        executor: Executor | None = None, name: str = "", parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        """Take the curve; its gaps are shown as breaks without words."""
        super().__init__(
            test_time(), voltage(), look, title=title, header=True, x_title=False, executor=executor, name=name,
            parent=parent,
        )  # fmt: skip
        self.setMinimumHeight(72)
        curve.gap_words = None
        self.sheet.note = note
        self.sheet.y_title = False
        self.window_mark = WindowMark()
        self.window_end: float | None = None
        self.box.setMouseEnabled(x=False, y=False)
        self._curve, self._ends = curve, CycleEnds()
        self._ends.visible = False
        self.add(curve, self._ends, self.window_mark)
        self.box.grabber = self._grab_window
        self.range_changed.connect(self._hold)

    def _hold(self) -> None:
        self._choose()
        self.paper.update()

    def set_cycles(self, begin: Floats, end: Floats, low: Floats, high: Floats) -> None:
        """Take the end voltages of the cycles; they are drawn once a cycle is narrower than 3 px."""
        self._ends.set_cycles(begin, end, low, high)
        self._choose()

    @property
    def shows_ends(self) -> bool:
        """Return whether end voltages are drawn in place of the curve."""
        return self._ends.visible

    def _choose(self) -> None:
        wanted = self._ends.pitch_px(self.canvas()) < self.look.px(CYCLE_PX)
        if wanted != self._ends.visible:
            self._ends.visible = wanted
            self._curve.lined = not wanted

    def set_window(self, begin: float, end: float) -> None:
        """Show what the plot below shows; emits nothing."""
        self.window_mark.begin, self.window_mark.end = begin, end
        self.paper.update()

    def _move(self, begin: float, end: float) -> None:
        self.set_window(begin, end)
        self.window_changed.emit(begin, end)

    def _grab_window(self, at: QPointF, press: bool) -> Callable[[QPointF], None] | None:
        """Return what a drag does: the nearer edge, the whole window, or a new centre."""
        mark = self.window_mark
        place = at.x() + self.places.plot.left()
        rect = mark.rect(self.canvas())
        begin, end = mark.begin, mark.end
        edge = self.look.px(EDGE_PX)
        inner = rect.width() > 3 * edge
        if inner and abs(place - rect.left()) <= edge:
            return lambda to: self._move(min(self._data_x(to.x()), end - (end - begin) * 0.01), end)
        if inner and abs(place - rect.right()) <= edge:
            return lambda to: self._move(begin, max(self._data_x(to.x()), begin + (end - begin) * 0.01))
        if rect.adjusted(-edge, 0, edge, 0).contains(QPointF(place, rect.center().y())):
            origin = self._data_x(at.x())
            return lambda to: self._move(
                begin + self._data_x(to.x()) - origin, end + self._data_x(to.x()) - origin
            )
        half = (end - begin) / 2
        return lambda to: self._move(self._data_x(to.x()) - half, self._data_x(to.x()) + half)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the window by half of itself with the arrows, widen and narrow it with + and -."""
        mark = self.window_mark
        span = mark.end - mark.begin
        moves = {
            Qt.Key.Key_Left: (-STEP_SHARE, -STEP_SHARE),
            Qt.Key.Key_Right: (STEP_SHARE, STEP_SHARE),
            Qt.Key.Key_Plus: (0.1, -0.1),
            Qt.Key.Key_Minus: (-0.125, 0.125),
        }
        move = moves.get(Qt.Key(event.key())) if event.key() in {int(key) for key in moves} else None
        if move is None or span <= 0:
            event.ignore()
            return
        self._move(mark.begin + move[0] * span, mark.end + move[1] * span)
        event.accept()
