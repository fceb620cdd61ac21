"""Lines and windows that are not data: step ends, trip limits, "now", the end of a life, a window of a trend, notes."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.layer import Height, Layer, Side
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.markers import draw_label


class LineKind(StrEnum):
    """What a line means decides how it is drawn."""

    STEP_END = "step end"
    """Dotted, axis colour: where a step ends."""
    TRIP = "trip"
    """Dashed 6-4, hard-line colour: where outputs go off."""
    MARK = "mark"
    """Dotted, text colour: a moment that is talked about."""
    NOW = "now"
    """Full, text colour."""
    ZERO = "zero"
    """Full, axis colour."""


def _drawn(painter: QPainter, look: PlotLook, kind: LineKind, line: QLineF) -> str:
    """Draw a line of a kind; returns the colour for its word."""
    colour, ink, dash = {
        LineKind.STEP_END: (look.axis, look.muted, (1.0, 2.0)),
        LineKind.TRIP: (look.hard, look.hard, (6.0, 4.0)),
        LineKind.MARK: (look.text, look.text, (1.0, 2.0)),
        LineKind.NOW: (look.text, look.text, ()),
        LineKind.ZERO: (look.axis, look.muted, ()),
    }[kind]
    painter.setPen(look.pen(colour, 1.0, dash))
    painter.drawLine(line)
    return colour if kind is LineKind.TRIP else ink


class LimitLine(Layer):
    """A level across the plot with its word above it at the right (or left)."""

    height = Height.LIMIT

    def __init__(
        self, y: float, kind: LineKind = LineKind.TRIP, text: str = "", *, side: Side = Side.LEFT,
        text_left: bool = False, fit: bool = True,
    ) -> None:  # fmt: skip
        """Take a level; ``fit`` False keeps it out of "fit"."""
        super().__init__(text, side)
        self.y, self.kind, self.text_left, self.fit = y, kind, text_left, fit

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw line and word."""
        look, rect = canvas.look, canvas.rect
        y = canvas.snap(canvas.y_at(self.y))
        if not rect.top() - 1 <= y <= rect.bottom() + 1:
            return
        ink = _drawn(painter, look, self.kind, QLineF(rect.left(), y, rect.right(), y))
        if self.name:
            x = rect.left() + look.px(14) if self.text_left else rect.right() - look.px(6)
            draw_label(painter, canvas, QPointF(x, y - look.px(2)), self.name, ink, right=not self.text_left)

    def y_bounds(self, begin: float, end: float) -> tuple[float, float] | None:
        """Return its level: it is to be seen."""
        return (self.y, self.y) if self.fit else None


class Mark(Layer):
    """A moment: a line from top to foot with a word beside it; ``at_top`` puts the word at the top."""

    height = Height.MARK

    def __init__(
        self, x: float, kind: LineKind = LineKind.MARK, text: str = "", *, at_top: bool = False
    ) -> None:
        """Take a place on x."""
        super().__init__(text)
        self.x, self.kind, self.at_top = x, kind, at_top

    def move(self, x: float, text: str | None = None) -> None:
        """Put it elsewhere."""
        self.x = x
        self.name = self.name if text is None else text
        self.touch()

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw line and word."""
        look, rect = canvas.look, canvas.rect
        x = canvas.snap(canvas.x_at(self.x))
        if not rect.left() - 1 <= x <= rect.right() + 1:
            return
        ink = _drawn(painter, look, self.kind, QLineF(x, rect.top(), x, rect.bottom()))
        if self.name:
            y = rect.top() + look.px(28) if self.at_top else rect.bottom() - look.px(8)
            wide = look.metrics().horizontalAdvance(self.name) + look.px(12)
            left = x + wide > rect.right()
            corner = QPointF(x - look.px(6) if left else x + look.px(6), y)
            draw_label(painter, canvas, corner, self.name, ink, plate=True, right=left)


class TrendWindow(Layer):
    """A pale grey band between two levels (or two moments) behind everything."""

    height = Height.WINDOW

    def __init__(self, low: float, high: float, *, vertical: bool = False, side: Side = Side.LEFT) -> None:
        """Take its edges; ``vertical`` = between two places of x."""
        super().__init__("", side)
        self.low, self.high, self.vertical = low, high, vertical

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Fill it."""
        rect = canvas.rect
        if self.vertical:
            a, b = canvas.x_at(self.low), canvas.x_at(self.high)
            box = QRectF(a, rect.top(), b - a, rect.height())
        else:
            a, b = canvas.y_at(self.high), canvas.y_at(self.low)
            box = QRectF(rect.left(), a, rect.width(), b - a)
        painter.fillRect(box.intersected(rect), QColor(canvas.look.grid))


class Note(Layer):
    """A word at a place of the data, or in a corner: ``corner`` "tl", "tr", "bl", "br"."""

    height = Height.MARK

    def __init__(
        self, text: str, x: float = 0.0, y: float = 0.0, *, corner: str = "", side: Side = Side.LEFT
    ) -> None:
        """Take the word."""
        super().__init__(text, side)
        self.x, self.y, self.corner = x, y, corner

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Write it."""
        look, rect = canvas.look, canvas.rect
        place = QPointF(canvas.x_at(self.x), canvas.y_at(self.y))
        right = self.corner.endswith("r")
        if self.corner:
            line = look.metrics().height()
            x = rect.right() - look.px(10) if right else rect.left() + look.px(10)
            y = rect.top() + look.px(6) + line if self.corner.startswith("t") else rect.bottom() - look.px(6)
            place = QPointF(x, y)
        elif not rect.contains(place):
            return
        draw_label(painter, canvas, place, self.name, look.muted, right=right)
