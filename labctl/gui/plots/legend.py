"""Legends: signs and words in one line, never over data; the same row in a card head and on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.layer import Layer, LegendEntry
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.markers import draw_markers

SIGN_PX, GAP_PX, BETWEEN_PX, DOT_PX = 18.0, 6.0, 16.0, 8.0


def entries_of(layers: Iterable[Layer], look: PlotLook) -> list[LegendEntry]:
    """Return the entries of visible layers, each word once."""
    found: dict[str, LegendEntry] = {}
    for layer in layers:
        entry = layer.legend(look) if layer.visible else None
        if entry is not None:
            found.setdefault(entry.text, entry)
    return sorted(found.values(), key=lambda entry: entry.line_px >= 3.0)  # predicted last


def _wide(entry: LegendEntry, look: PlotLook) -> float:
    sign = SIGN_PX if entry.line_px else DOT_PX
    return look.px(sign + GAP_PX) + look.metrics().horizontalAdvance(entry.text)


def legend_width(entries: Sequence[LegendEntry], look: PlotLook) -> float:
    """Return how wide the row is."""
    return sum(_wide(entry, look) for entry in entries) + look.px(BETWEEN_PX) * max(0, len(entries) - 1)


def legend_rows(entries: Sequence[LegendEntry], look: PlotLook, room: float) -> list[list[LegendEntry]]:
    """Return the entries in as many rows as they need."""
    rows: list[list[LegendEntry]] = []
    for entry in entries:
        if rows and legend_width([*rows[-1], entry], look) <= room:
            rows[-1].append(entry)
        else:
            rows.append([entry])
    return rows


def draw_legend(painter: QPainter, area: QRectF, entries: Sequence[LegendEntry], look: PlotLook) -> None:
    """Draw entries from the left; what does not fit is counted, never cut."""
    metrics = look.metrics()
    x, middle = area.left(), area.center().y()
    canvas = Canvas(area.adjusted(-99, -99, 99, 99), (0.0, 1.0), (0.0, 1.0), look, vector=look.paper)
    painter.save()
    for index, entry in enumerate(entries):
        wide = _wide(entry, look)
        if x + wide > area.right() + look.px(1):
            painter.setPen(QColor(look.muted))
            painter.setFont(look.font())
            base = middle + (metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(x, base), f"+{len(entries) - index}")
            break
        sign = look.px(SIGN_PX if entry.line_px else DOT_PX)
        if entry.line_px:
            painter.setPen(look.pen(entry.colour, max(1.5, entry.line_px), entry.dash))
            painter.drawLine(QLineF(x, middle, x + sign, middle))
        if entry.marker:
            place = (np.array([x + sign / 2]), np.array([middle]))
            draw_markers(
                painter, canvas, place, entry.marker, 2.8, entry.colour, filled=entry.filled, fill=look.panel
            )
        painter.setPen(QColor(look.text))
        painter.setFont(look.font())
        base = middle + (metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(x + sign + look.px(GAP_PX), base), entry.text)
        x += wide + look.px(BETWEEN_PX)
    painter.restore()


class LegendRow(QWidget):
    """A legend as a widget, for the head of a card. Set ``entries`` with ``show_entries``."""

    def __init__(self, look: PlotLook, parent: QWidget | None = None) -> None:
        """Empty."""
        super().__init__(parent)
        self._look = look
        self._entries: tuple[LegendEntry, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, True)

    def set_look(self, look: PlotLook) -> None:
        """Follow the theme."""
        self._look = look
        self.updateGeometry()
        self.update()

    def show_entries(self, entries: Sequence[LegendEntry]) -> None:
        """Show these."""
        self._entries = tuple(entries)
        words = ", ".join(entry.text for entry in entries)
        self.setAccessibleName(words)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the width of all entries."""
        return QSize(round(legend_width(self._entries, self._look)) + 2, round(self._look.px(20)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the row."""
        painter = QPainter(self)
        draw_legend(painter, QRectF(self.rect()), self._entries, self._look)
        painter.end()
