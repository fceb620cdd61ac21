"""State glyphs and alarm shapes as painter paths on a box of 10 x 10 (glyphs) and 20 x 20 (shapes), never font signs.

Names are those that ``labctl.gui.viewmodels.words`` gives to states. Filled glyphs are closed paths; drawn ones are
strokes of ``STROKE`` on the same box.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF

from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.tokens import BADGES

BOX = 10.0
SHAPE_BOX = 20.0
STROKE = 1.6


def _polygon(*points: tuple[float, float]) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(x, y) for x, y in points]))
    path.closeSubpath()
    return path


def _bars(*boxes: tuple[float, float, float, float]) -> QPainterPath:
    path = QPainterPath()
    for x, y, width, height in boxes:
        path.addRect(QRectF(x, y, width, height))
    return path


def _stroke(*lines: list[tuple[float, float]]) -> QPainterPath:
    path = QPainterPath()
    for line in lines:
        path.moveTo(*line[0])
        for point in line[1:]:
            path.lineTo(*point)
    return path


def _arc(x: float, y: float, width: float, height: float, start: float, sweep: float) -> QPainterPath:
    path = QPainterPath()
    path.arcMoveTo(QRectF(x, y, width, height), start)
    path.arcTo(QRectF(x, y, width, height), start, sweep)
    return path


def _wave() -> QPainterPath:
    path = QPainterPath(QPointF(0.8, 6.2))
    path.cubicTo(2.6, 1.4, 4.0, 2.6, 5.0, 5.0)
    path.cubicTo(6.0, 7.4, 7.4, 8.6, 9.2, 3.8)
    return path


def _circle(radius: float = 3.6) -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QPointF(5, 5), radius, radius)
    return path


def _question() -> QPainterPath:
    path = _arc(2.6, 0.8, 4.8, 4.4, 180, -230)
    path.lineTo(5.0, 7.0)
    path.addEllipse(QPointF(5.0, 9.0), 0.3, 0.3)
    return path


_FILLED: dict[str, Callable[[], QPainterPath]] = {
    "charge": lambda: _polygon((5, 1), (9.4, 9), (0.6, 9)),
    "discharge": lambda: _polygon((0.6, 1), (9.4, 1), (5, 9)),
    "rest": lambda: _bars((1, 2.6, 8, 1.7), (1, 5.8, 8, 1.7)),
    "paused": lambda: _bars((1.8, 1, 2.3, 8), (5.9, 1, 2.3, 8)),
    "done": lambda: _bars((1.2, 1.2, 7.6, 7.6)),
    "now": lambda: _polygon((2, 0.8), (8.8, 5), (2, 9.2)),
    "live": _circle,
    "free": QPainterPath,
}
_DRAWN: dict[str, Callable[[], QPainterPath]] = {
    "eis": lambda: _arc(1.2, 2.6, 7.6, 8.4, 0, 180),
    "stale": _wave,
    "unknown": _question,
    "trip": lambda: _polygon((3.4, 1), (6.6, 1), (9, 3.4), (9, 6.6), (6.6, 9), (3.4, 9), (1, 6.6), (1, 3.4)),
    "held": lambda: _circle(4) + _stroke([(2.8, 5), (7.2, 5)]),
    "short": lambda: _polygon((5, 0.8), (9.2, 5), (5, 9.2), (0.8, 5)),
    "starting": lambda: _polygon((2.2, 1.2), (8.4, 5), (2.2, 8.8)),
    "stopping": lambda: _bars((1.6, 1.6, 6.8, 6.8)),
    "stopped": lambda: (
        _bars((1.4, 1.4, 7.2, 7.2)) + _stroke([(1.4, 1.4), (8.6, 8.6)], [(8.6, 1.4), (1.4, 8.6)])
    ),
    "waiting": lambda: _circle(4.1) + _stroke([(5, 2.6), (5, 5.2), (6.8, 6.4)]),
    "loop": lambda: _stroke([(2, 4.4), (2, 2.4), (8.4, 2.4)], [(8, 5.6), (8, 7.6), (1.6, 7.6)]),
    "ring": lambda: _circle(3.2),
    "check": lambda: _stroke([(1.2, 5.4), (4, 8.2), (9, 2.2)]),
    "cross": lambda: _stroke([(1.8, 1.8), (8.2, 8.2)], [(8.2, 1.8), (1.8, 8.2)]),
}
GLYPHS = frozenset(_FILLED) | frozenset(_DRAWN)
_SHAPES: dict[str, Callable[[], QPainterPath]] = {
    "octagon": lambda: _polygon(*[
        (10 + 9.6 * math.cos(math.radians(22.5 + 45 * corner)), 10 + 9.6 * math.sin(math.radians(22.5 + 45 * corner)))
        for corner in range(8)
    ]),
    "triangle": lambda: _polygon((10, 0.8), (19.6, 18.6), (0.4, 18.6)),
    "diamond": lambda: _polygon((10, 0.2), (19.8, 10), (10, 19.8), (0.2, 10)),
    "square": lambda: _bars((1.4, 1.4, 17.2, 17.2)),
}  # fmt: skip


@lru_cache(maxsize=64)
def glyph_path(name: str) -> QPainterPath:
    """Return a glyph on its 10 x 10 box; one that is not known is the question mark, never nothing."""
    return (_FILLED.get(name) or _DRAWN.get(name) or _question)()


@lru_cache(maxsize=8)
def shape_path(shape: str) -> QPainterPath:
    """Return the shape of a badge on its 20 x 20 box. Raises: KeyError."""
    return _SHAPES[shape]()


def paint_glyph(painter: QPainter, name: str, box: QRectF, colour: QColor) -> None:
    """Paint a state glyph into a square."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(box.topLeft())
    painter.scale(box.width() / BOX, box.height() / BOX)
    if name in _FILLED:
        painter.fillPath(glyph_path(name), colour)
    else:
        pen = QPen(colour, STROKE)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.strokePath(glyph_path(name), pen)
    painter.restore()


def paint_badge(
    painter: QPainter, priority: str, box: QRectF, edge: QColor | None = None, *, shelved: bool = False
) -> None:
    """Paint an alarm badge into a square: shape, number, 1 px edge in text colour; ``shelved`` is outline only."""
    badge = BADGES[priority]
    size_px = box.width()
    edge = theme().colour("text") if edge is None else edge
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(box.topLeft())
    painter.save()
    painter.scale(size_px / SHAPE_BOX, size_px / SHAPE_BOX)
    pen = QPen(edge, SHAPE_BOX / size_px)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush if shelved else QBrush(QColor(badge.fill)))
    painter.drawPath(shape_path(badge.shape))
    painter.restore()
    number = QFont(theme().font(Role.STRONG))
    number.setPixelSize(max(6, round(size_px * 0.6)))
    painter.setFont(number)
    painter.setPen(edge if shelved else QColor(badge.text))
    low_px = size_px * 0.12 if badge.shape == "triangle" else 0.0
    painter.drawText(QRectF(0, low_px, size_px, size_px), Qt.AlignmentFlag.AlignCenter, badge.number)
    painter.restore()
