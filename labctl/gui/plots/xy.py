"""Lines and points of plain arrays: capacity by cycle, voltage over charge, dQ/dV, Nyquist; any order of x."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from labctl.gui.plots import geometry
from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.data import Floats
from labctl.gui.plots.layer import Bounds, Height, Layer, LegendEntry, Side
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.markers import draw_markers

POINTS_MAX = 4
"""Points kept for each pixel column of a line."""
MARKER_PX = 2.2
CLIP_PX = 1e6
"""Places further out are drawn from here: the painter counts in 24 bits."""


class XYCurve(Layer):
    """A line, or markers, or both. NaN breaks the line. ``every`` marks only each n-th point."""

    def __init__(
        self, x: Floats, y: Floats, *, name: str = "", colour: str | None = None, index: int = 0,
        side: Side = Side.LEFT, line: bool = True, width_px: float | None = None, dash: tuple[float, ...] = (),
        marker: str = "", filled: bool = True, marker_px: float = MARKER_PX, every: int = 1, predicted: bool = False,
        muted: bool = False,
    ) -> None:  # fmt: skip
        """Take arrays. ``colour`` None = the look's n-th curve colour; ``muted`` = muted text colour (CE)."""
        super().__init__(name, side)
        self.colour, self.index, self.muted = colour, index, muted
        self.line, self.width_px, self.dash = line, width_px, dash
        self.marker, self.filled, self.marker_px, self.every = marker, filled, marker_px, max(1, every)
        self.predicted = predicted
        self.height = Height.PREDICTED if predicted else Height.CURVE
        self.set_data(x, y)

    def set_data(self, x: Floats, y: Floats) -> None:
        """Show other arrays. Raises: ValueError when their lengths differ."""
        self.x, self.y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if self.x.shape != self.y.shape or self.x.ndim != 1:
            raise ValueError("x and y must be of one length")
        self.touch()

    def ink(self, look: PlotLook) -> str:
        """Return its colour in a theme."""
        if self.predicted:
            return look.predicted
        return self.colour or (look.muted if self.muted else look.curve_colour(self.index))

    def _width(self, look: PlotLook) -> float:
        return 3.0 if self.predicted else self.width_px or look.line_px

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw line and markers."""
        if not len(self.x):
            return
        look = canvas.look
        x, y = canvas.x_px(self.x), canvas.y_px(self.y)
        if self.line:
            kept = thinned(x, y, POINTS_MAX * canvas.columns, 0.3 * look.unit)
            lx, ly = x[kept], y[kept]
            good = np.isfinite(lx) & np.isfinite(ly)
            joined = good.copy()
            joined[:-1] &= good[1:]
            joined[-1] = False
            lx, ly, joined = lx[good], ly[good], joined[good]
            if len(lx) > 1:
                ly = np.clip(ly, -CLIP_PX, CLIP_PX)
                if canvas.vector:
                    lx, ly, joined = geometry.clipped(lx, ly, joined, canvas.box)
                path = pg.functions.arrayToQPath(lx, ly, connect=joined.astype(np.int32), finiteCheck=False)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(lx) <= 20_000)
                painter.setPen(look.pen(self.ink(look), self._width(look), self.dash))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawPath(path)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self.marker:
            some = slice(None, None, self.every)
            good = np.isfinite(x[some]) & np.isfinite(y[some])
            places = (x[some][good], y[some][good])
            draw_markers(
                painter, canvas, places, self.marker, self.marker_px, self.ink(look), filled=self.filled
            )

    def bounds(self) -> Bounds | None:
        """Return what the points cover."""
        good = np.isfinite(self.x) & np.isfinite(self.y)
        if not good.any():
            return None
        x, y = self.x[good], self.y[good]
        return Bounds(float(x.min()), float(x.max()), float(y.min()), float(y.max()))

    def y_bounds(self, begin: float, end: float) -> tuple[float, float] | None:
        """Return the least and greatest value between two places of x."""
        inside = (self.x >= begin) & (self.x <= end) & np.isfinite(self.y)
        return (float(self.y[inside].min()), float(self.y[inside].max())) if inside.any() else None

    def value_at(self, x: float) -> float | None:
        """Return the value at a place between points; None where x turns back or outside."""
        if len(self.x) < 2 or bool(np.any(np.diff(self.x) < 0)) or not self.x[0] <= x <= self.x[-1]:
            return None
        value = float(np.interp(x, self.x, self.y))
        return value if np.isfinite(value) else None

    def legend(self, look: PlotLook) -> LegendEntry | None:
        """Return line, marker and name."""
        if not self.name:
            return None
        width = self._width(look) if self.line else 0.0
        return LegendEntry(self.name, self.ink(look), width, self.dash, self.marker, self.filled)

    def table(self, canvas: Canvas) -> dict[str, Floats]:
        """Return the points in view."""
        begin, end = canvas.data_range()
        inside = (self.x >= begin) & (self.x <= end)
        return {"x": self.x[inside], "value": self.y[inside]} if inside.any() else {}


def thinned(x: Floats, y: Floats, most: int, least: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return which points of a line to keep: those that lie ``least`` away from the last kept, at most about ``most``.

    Works for any order of x: the way along the line is measured, never the order.
    """
    if len(x) <= most:
        return np.arange(len(x))
    way = np.cumsum(np.concatenate(([0.0], np.nan_to_num(np.hypot(np.diff(x), np.diff(y))))))
    cell = np.floor(way / max(least, way[-1] / most if way[-1] > 0 else least)).astype(np.int64)
    kept = np.concatenate(([True], np.diff(cell) != 0))
    broken = ~np.isfinite(x) | ~np.isfinite(y)
    kept |= broken
    kept[:-1] |= broken[1:]
    kept[-1] = True
    return np.flatnonzero(kept)
