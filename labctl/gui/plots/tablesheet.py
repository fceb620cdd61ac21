"""A table on paper: head, rules, figures right; drawn with the same type as the plots, copied as the same data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from labctl.gui.plots.look import PlotLook

ROW_EM, INSET_EM = 1.75, 0.6
HEAD_ROWS = 1.45
"""Height of the head in rows: a quantity may stand above its unit."""


@dataclass(frozen=True, slots=True)
class TableSheet:
    """``rows`` hold texts; ``strong`` tells which rows are set in semibold; ``data`` is what a data file holds."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()
    data: tuple[tuple[str, ...], ...] = ()

    def height(self, look: PlotLook) -> float:
        """Return how tall it is, in painting units."""
        return (len(self.rows) + HEAD_ROWS + 1.2) * ROW_EM * look.metrics().height()

    def draw(self, painter: QPainter, area: QRectF, look: PlotLook) -> None:
        """Draw head, rules and rows; long texts are elided."""
        widths = self._widths(area.width(), look)
        row_px = ROW_EM * look.metrics().height()
        top = area.top() + 0.35 * row_px
        below = top + HEAD_ROWS * row_px
        head_top = (top + below - row_px) / 2  # the head's own line, in the middle between the rules
        self._row(painter, area.left(), head_top, widths, self.heads, look, bold=True)
        rules = [top, below, below + row_px * len(self.rows)]
        for index, row in enumerate(self.rows):
            strong = index in self.strong
            self._row(painter, area.left(), below + index * row_px, widths, row, look, bold=strong)
        for rule, width in zip(rules, (1.5, 0.75, 1.5), strict=True):
            painter.setPen(look.pen(look.text, width))
            painter.drawLine(QLineF(area.left(), rule, area.right(), rule))

    def width(self, look: PlotLook) -> float:
        """Return how wide it must be so that nothing is cut, in painting units."""
        return sum(self._needs(look))

    def _needs(self, look: PlotLook) -> list[float]:
        metrics, bold = look.metrics(), look.metrics(bold=True)
        inset = 2 * INSET_EM * metrics.height()
        needs = []
        for column, head in enumerate(self.heads):
            longest = max(
                (
                    (bold if index in self.strong else metrics).horizontalAdvance(row[column])
                    for index, row in enumerate(self.rows)
                ),
                default=0.0,
            )
            lines = [bold.horizontalAdvance(part) for part in _in_lines(head)]
            needs.append(max(longest, *lines) + inset)
        return needs

    def _widths(self, room: float, look: PlotLook) -> list[float]:
        """Share the room: each column what its longest text needs; where that is too much the first gives way."""
        needs = self._needs(look)
        spare = room - sum(needs)
        if spare >= 0:
            return [need + spare / len(needs) for need in needs]
        first = max(needs[0] + spare, 0.18 * room)
        rest = (room - first) / max(sum(needs[1:]), 1.0)
        return [first, *(need * min(1.0, rest) for need in needs[1:])]

    @staticmethod
    def _row(
        painter: QPainter, left: float, top: float, widths: Sequence[float], texts: Sequence[str], look: PlotLook,
        *, bold: bool,
    ) -> None:  # fmt: skip
        metrics = look.metrics(bold=bold)
        inset, row_px = INSET_EM * look.metrics().height(), ROW_EM * look.metrics().height()
        painter.setFont(look.font(bold=bold))
        painter.setPen(QColor(look.text))
        for column, text in enumerate(texts):
            room = widths[column] - 2 * inset
            lines = _in_lines(text) if bold and metrics.horizontalAdvance(text) > room else [text]
            for number, line in enumerate(lines):
                shown = metrics.elidedText(line, Qt.TextElideMode.ElideRight, room + 1.0)
                x = (
                    left + inset
                    if not column
                    else left + widths[column] - inset - metrics.horizontalAdvance(shown)
                )
                shift = (number - (len(lines) - 1) / 2) * 0.92 * metrics.height()
                base = top + row_px / 2 + (metrics.ascent() - metrics.descent()) / 2 + shift
                painter.drawText(QPointF(x, base), shown)
            left += widths[column]


def _in_lines(head: str) -> list[str]:
    """Return quantity and unit below each other: ``overpotential /``, ``mV``."""
    quantity, slash, unit = head.partition(" / ")
    return [f"{quantity} /", unit] if slash else [head]
