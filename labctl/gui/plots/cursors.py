"""Cursors A and B: dotted lines with lettered plates at the foot, and the difference between them in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter

from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.layer import Height, Layer
from labctl.gui.plots.markers import draw_plate
from labctl.gui.plots.ticks import THIN, signed

GRAB_PX = 6.0
PLATE_PX = 16.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the cursors show: places, and values of the curve that is read (None in a gap)."""

    x_a: float
    x_b: float
    y_a: float | None
    y_b: float | None

    @property
    def difference(self) -> float | None:
        """Return value B minus value A."""
        return None if self.y_a is None or self.y_b is None else self.y_b - self.y_a


class Cursors(Layer):
    """Two cursors over a plot; ``read`` gives the value of the curve that is measured."""

    height = Height.CURSOR

    def __init__(self, read: Callable[[float], float | None]) -> None:
        """Hidden until ``place``."""
        super().__init__()
        self._visible = False
        self._read = read
        self.places = [0.0, 0.0]

    def place(self, x_a: float, x_b: float) -> None:
        """Put both."""
        self.places = [x_a, x_b]
        self.touch()

    def move(self, index: int, x: float) -> None:
        """Put one."""
        self.places[index] = x
        self.touch()

    def near(self, canvas: Canvas, x_px: float) -> int | None:
        """Return which cursor is under the pointer."""
        if not self.visible:
            return None
        distances = [abs(canvas.x_at(place) - x_px) for place in self.places]
        index = distances.index(min(distances))
        return index if distances[index] <= canvas.look.px(GRAB_PX) else None

    def reading(self) -> Reading:
        """Return what they show."""
        first, second = self.places
        return Reading(first, second, self._read(first), self._read(second))

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw both lines and plates."""
        look, rect = canvas.look, canvas.rect
        for place, letter in zip(self.places, "AB", strict=True):
            x = canvas.snap(canvas.x_at(place))
            if not rect.left() <= x <= rect.right():
                continue
            painter.setPen(look.pen(look.text, 1.0, (1.0, 2.0)))
            painter.drawLine(QLineF(x, rect.top(), x, rect.bottom()))
            size = look.px(PLATE_PX)
            plate = QRectF(x - size / 2, rect.bottom() - size - look.px(2), size, size)
            draw_plate(painter, look, plate, letter, look.text, look.plot)


def reading_text(
    reading: Reading, unit: str, factor: float, span: Callable[[float], str], digits: int = 4
) -> str:
    """Return the words at the top right: A 3.4472 V  B 3.3400 V  Δ −0.1072 V, 1.87 h."""

    def shown(value: float | None) -> str:
        return "–" if value is None else f"{signed(f'{value * factor:.{digits}f}')}{THIN}{unit}".rstrip(THIN)

    words = f"A {shown(reading.y_a)}    B {shown(reading.y_b)}    Δ {shown(reading.difference)}"
    return f"{words}, {span(reading.x_b - reading.x_a)}"
