"""The step band above V-t: one box for each step, with its glyph and word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from labctl.gui.plots.canvas import Canvas
from labctl.gui.theme.glyphs import paint_glyph

BAND_PX = 16
WORD_PX = 34
GLYPH_PX = 14


@dataclass(frozen=True, slots=True)
class StepBox:
    """One step on the axis: from ``begin`` to ``end``, with the name of its glyph, its word and its colour token."""

    begin: float
    end: float
    glyph: str
    word: str
    token: str = "rest"
    """charge, discharge or rest: a colour of the look."""


class StepBand:
    """The steps that are drawn over a plot; set anew whenever they change."""

    def __init__(self, boxes: Sequence[StepBox] = ()) -> None:
        """Take the steps in order."""
        self.boxes = tuple(boxes)

    def draw(self, painter: QPainter, canvas: Canvas, area: QRectF) -> None:
        """Draw the visible boxes into ``area``; boxes narrower than a glyph are only boxes, very narrow ones merge."""
        look = canvas.look
        painter.save()
        painter.setClipRect(area.adjusted(-1, -1, 1, 1))
        painter.setFont(look.font())
        drawn_to = -1e300
        for box in self.boxes:
            left = max(canvas.x_at(box.begin), area.left())
            right = min(canvas.x_at(box.end), area.right())
            if right <= left or right - drawn_to < look.px(1.5):
                continue
            drawn_to = right
            rect = QRectF(left, area.top(), right - left, area.height())
            inner = rect.adjusted(0, 0, -look.px(1), 0)
            painter.setPen(look.pen(look.hairline))
            painter.setBrush(QColor(look.head))
            painter.drawRect(inner)
            if inner.width() < look.px(GLYPH_PX):
                continue
            size = look.px(8)
            glyph = QRectF(inner.left() + look.px(4), inner.center().y() - size / 2, size, size)
            paint_glyph(painter, box.glyph, glyph, QColor(getattr(look, box.token, look.rest)))
            room = inner.width() - look.px(GLYPH_PX + 4)
            if room < look.px(WORD_PX):
                continue
            metrics = look.metrics()
            word = metrics.elidedText(box.word, Qt.TextElideMode.ElideRight, room)
            painter.setPen(QColor(look.muted))
            base = inner.center().y() + (metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(inner.left() + look.px(GLYPH_PX + 3), base), word)
        painter.restore()
