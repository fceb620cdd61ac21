"""Strokes that several painted parts share."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QPainter, QPen

from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role

CORNER = 4


def box(
    painter: QPainter, area: QRect, fill: QColor | None, edge: QColor | None, edge_px: float = 1.0
) -> None:
    """Paint a plain box with 4 px corners, its edge inside the area."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    inner = QRectF(area).adjusted(edge_px / 2, edge_px / 2, -edge_px / 2, -edge_px / 2)
    painter.setBrush(QBrush(fill) if fill is not None else Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(edge, edge_px) if edge is not None else Qt.PenStyle.NoPen)
    painter.drawRoundedRect(inner, theme().px(CORNER), theme().px(CORNER))
    painter.restore()


def key_width(keys: str) -> int:
    """Return how wide the key cap of a key is; 0 where there is none."""
    if not keys:
        return 0
    return QFontMetrics(theme().font(Role.HINT)).horizontalAdvance(key_words(keys)) + theme().px(10)


def key_words(keys: str) -> str:
    """Return how a key cap writes a chord: ``Ctrl F8``."""
    return keys.replace("+", " ") if len(keys) > 1 else keys


def key_cap(painter: QPainter, right: int, middle: int, keys: str, colour: QColor) -> None:
    """Paint a key cap that ends at ``right`` around the height ``middle``."""
    width, height = key_width(keys), theme().px(16)
    area = QRect(right - width, middle - height // 2, width, height)
    box(painter, area, None, theme().colour("hairline"))
    painter.setFont(theme().font(Role.HINT))
    painter.setPen(colour)
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, key_words(keys))
