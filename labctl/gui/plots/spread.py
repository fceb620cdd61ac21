"""The spread of a group round its mean: a pale band of full colour, so that paper needs no transparency."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from labctl.gui.plots import geometry
from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.data import Floats
from labctl.gui.plots.layer import Bounds, Height, Layer, Side

PALE = 0.22
"""How much of the curve's colour is in the band; the rest is the plot's own."""


def mixed(colour: str, ground: str, share: float) -> QColor:
    """Return a colour between the ground (0) and itself (1)."""
    one, other = QColor(colour), QColor(ground)
    parts = ((getattr(one, name)(), getattr(other, name)()) for name in ("redF", "greenF", "blueF"))
    return QColor.fromRgbF(*(share * a + (1.0 - share) * b for a, b in parts))


class SpreadBand(Layer):
    """What lies between two curves over the same x. NaN leaves a point out. ``index`` is the curve's colour."""

    height = Height.PREDICTED

    def __init__(
        self, x: Floats, low: Floats, high: Floats, *, index: int = 0, side: Side = Side.LEFT
    ) -> None:
        """Take arrays of one length."""
        super().__init__("", side)
        good = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
        self.x, self.low, self.high, self.index = x[good], low[good], high[good], index

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Fill it, cut at the plot."""
        if len(self.x) < 2:
            return
        x = np.concatenate((canvas.x_px(self.x), canvas.x_px(self.x)[::-1]))
        y = np.concatenate((canvas.y_px(self.high), canvas.y_px(self.low)[::-1]))
        points = geometry.inside_box(x, y, canvas.box)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(mixed(canvas.look.curve_colour(self.index), canvas.look.plot, PALE))
        painter.drawPolygon(QPolygonF([QPointF(*point) for point in points]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def bounds(self) -> Bounds | None:
        """Return what the band covers."""
        if not len(self.x):
            return None
        return Bounds(float(self.x[0]), float(self.x[-1]), float(self.low.min()), float(self.high.max()))

    def table(self, canvas: Canvas) -> dict[str, Floats]:
        """Return the band in view."""
        begin, end = canvas.data_range()
        inside = (self.x >= begin) & (self.x <= end)
        return (
            {"x": self.x[inside], "low": self.low[inside], "high": self.high[inside]} if inside.any() else {}
        )
