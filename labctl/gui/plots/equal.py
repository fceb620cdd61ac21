"""Plots of one scale on both axes, locked: Nyquist plots, with points of whole decades named beside the curve."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QPainter

from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.data import Floats
from labctl.gui.plots.fields import Field
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.layer import Height, Layer, Side, united
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.markers import draw_label, draw_markers
from labctl.gui.plots.sheet import fitted

ROOM = 0.06
"""Share of room around the data."""
OFF_PX, LIVE_PX, DECADE_PX, CAP_PX = 6.0, 4.0, 3.0, 3.0


class EqualFrame(PlotFrame):
    """A plot whose axes have one scale whatever a person does to it; the origin is always among what "fit" shows."""

    def __init__(self, x_field: Field, y_field: Field, look: PlotLook, *, name: str = "") -> None:
        """Make an empty plot; ``name`` is what a screen reader says."""
        self.held = True
        super().__init__(x_field, y_field, look, name=name)
        self.sheet.equal = True
        self.auto_y = False
        self.held = False
        """Whether a person has chosen the range: then new data do not move it."""
        self.box.setAspectLocked(True, ratio=1.0)
        self.box.moved_by_hand.connect(self._hold)

    def _hold(self, x_moved: bool, y_moved: bool) -> None:
        self.held = self.held or x_moved or y_moved

    def set_log(self, *, x: bool | None = None, y: bool | None = None) -> None:
        """Leave both axes linear: a logarithm has no one scale."""

    def fit(self) -> None:
        """Show everything, and go on showing it."""
        self.held = False
        super().fit()

    def _lay_out(self) -> None:
        super()._lay_out()
        if not self.held:
            self._fit_due = True  # another shape shows another part of the plane

    def fit_unless_held(self) -> None:
        """Show everything, unless a person has chosen what is shown."""
        if not self.held:
            self.fit()

    def _fit_now(self) -> None:
        whole = united(self._layers)
        if whole is None:
            return
        self._fit_due = False
        x = fitted(min(0.0, whole.x_min), max(0.0, whole.x_max), ROOM)
        y = fitted(min(0.0, whole.y_min), max(0.0, whole.y_max), ROOM)
        plot = self.places.plot
        unit = max((x[1] - x[0]) / plot.width(), (y[1] - y[0]) / plot.height())
        # What one axis shows more than its data need lies at its upper end: curves stand at the lower left.
        x, y = (x[0], x[0] + unit * plot.width()), (y[0], y[0] + unit * plot.height())
        self.box.setRange(xRange=x, yRange=y, padding=0)

    def _fit_y(self, begin: float, end: float, *, whole: bool = False) -> None:
        """Leave y as it is: it follows from x."""

    def _fit_axis(self, axis: int | None) -> None:
        self.fit()


class NamedPoints(Layer):
    """Points with names beside them, on the outer side of their curve; a name that would cover another is left out.

    ``x`` and ``y`` (n,) are the whole curve, ``names`` tells which of its points are named.
    """

    height = Height.MARK

    def __init__(self, x: Floats, y: Floats, names: Mapping[int, str], colour: str) -> None:
        """Take the curve and the names, the most wanted first."""
        super().__init__()
        self.x, self.y, self.names, self.colour = x, y, dict(names), colour

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw filled points with their names."""
        if not self.names:
            return
        x, y = canvas.x_px(self.x), canvas.y_px(self.y)
        at = np.array(sorted(self.names))
        draw_markers(painter, canvas, (x[at], y[at]), "o", DECADE_PX, self.colour)
        taken: list[QRectF] = []
        for place, name in self.names.items():
            if canvas.rect.contains(x[place], y[place]):
                self._name(painter, canvas, (x, y), place, name, taken)

    @staticmethod
    def _name(
        painter: QPainter, canvas: Canvas, curve: tuple[Floats, Floats], place: int, name: str, taken: list[QRectF]
    ) -> None:  # fmt: skip
        look = canvas.look
        x, y = curve
        wide, tall = look.metrics().horizontalAdvance(name), look.metrics().height()
        for normal in _normals(x, y, place):
            reach = look.px(OFF_PX) + 0.5 * (abs(normal[0]) * wide + abs(normal[1]) * tall)
            middle = (x[place] + reach * normal[0], y[place] + reach * normal[1])
            rect = QRectF(middle[0] - wide / 2, middle[1] - tall / 2, wide, tall)
            inside = (x > rect.left()) & (x < rect.right()) & (y > rect.top()) & (y < rect.bottom())
            if canvas.rect.contains(rect) and not inside.any():
                corner = QPointF(rect.left(), rect.bottom())
                if draw_label(painter, canvas, corner, name, look.text, avoid=taken):
                    return


def _normals(x: Floats, y: Floats, place: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the directions away from a curve at a point, in painting units, the one away from its middle first."""
    before, after = max(0, place - 1), min(len(x) - 1, place + 1)
    dx, dy = float(x[after] - x[before]), float(y[after] - y[before])
    size = math.hypot(dx, dy) or 1.0
    normal = (-dy / size, dx / size)
    away = (float(x[place] - np.mean((x.min(), x.max()))), float(y[place] - y.max()))
    if normal[0] * away[0] + normal[1] * away[1] < 0.0:
        normal = (-normal[0], -normal[1])
    return normal, (-normal[0], -normal[1])


class LivePoint(Layer):
    """The newest point of a sweep that runs: a filled dot with its frequency on a plate."""

    height = Height.CURSOR

    def __init__(self, x: float, y: float, text: str, colour: str) -> None:
        """Take its place and what stands beside it; without text the dot alone is drawn."""
        super().__init__()
        self.x, self.y, self.text, self.colour = x, y, text, colour

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw dot and plate."""
        look = canvas.look
        place = QPointF(canvas.x_at(self.x), canvas.y_at(self.y))
        if not canvas.rect.contains(place):
            return
        draw_markers(
            painter, canvas, (np.array([place.x()]), np.array([place.y()])), "o", LIVE_PX, self.colour
        )
        if self.text:
            off, tall = look.px(2 * LIVE_PX), look.metrics(bold=True).height()
            above = place.y() - off - tall > canvas.rect.top()
            corner = place + (QPointF(-off, -off) if above else QPointF(off, off + tall))
            draw_label(painter, canvas, corner, self.text, look.text, bold=True, plate=True, right=above)


class Intervals(Layer):
    """Standing bars from low to high with small caps: intervals of points. An open one goes to the plot's edge."""

    height = Height.PREDICTED

    def __init__(self, x: Floats, low: Floats, high: Floats, index: int, *, side: Side = Side.LEFT) -> None:
        """Take columns of shape (n,); ``index`` is the curve's colour."""
        super().__init__("", side)
        self.x, self.low, self.high, self.index = x, low, high, index

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw the bars."""
        look, cap = canvas.look, canvas.look.px(CAP_PX)
        painter.setPen(look.pen(look.curve_colour(self.index), 1.0))
        top = canvas.rect.top() - cap
        for x, low, high in zip(
            canvas.x_px(self.x), canvas.y_px(self.low), canvas.y_px(self.high), strict=True
        ):
            if not (math.isfinite(x) and math.isfinite(low)):
                continue
            end = high if math.isfinite(high) else top
            painter.drawLine(QLineF(x, low, x, end))
            for y in (low, end):
                painter.drawLine(QLineF(x - cap, y, x + cap, y))
