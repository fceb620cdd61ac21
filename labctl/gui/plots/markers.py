"""Signs at points: filled and hollow markers, crosses, plates with a letter or a word."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPolygonF

from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.data import Floats
from labctl.gui.plots.look import PlotLook


def marker_path(kind: str, radius: float) -> QPainterPath:
    """Return a marker round the origin: o circle, s square, ^ triangle, v triangle down, d diamond, x cross."""
    path = QPainterPath()
    r = radius
    if kind == "o":
        path.addEllipse(QPointF(0, 0), r, r)
    elif kind == "s":
        path.addRect(QRectF(-r, -r, 2 * r, 2 * r))
    elif kind == "x":
        path.moveTo(-r, -r), path.lineTo(r, r)
        path.moveTo(-r, r), path.lineTo(r, -r)
    else:
        shapes = {
            "^": [(0, -r), (r, r), (-r, r)],
            "v": [(0, r), (r, -r), (-r, -r)],
            "d": [(0, -1.2 * r), (1.2 * r, 0), (0, 1.2 * r), (-1.2 * r, 0)],
        }
        path.addPolygon(QPolygonF([QPointF(*corner) for corner in shapes[kind]]))
        path.closeSubpath()
    return path


def draw_markers(
    painter: QPainter, canvas: Canvas, places: tuple[Floats, Floats], kind: str, radius_px: float, colour: str,
    *, filled: bool = True, fill: str | None = None,
) -> None:  # fmt: skip
    """Draw one marker at each place (painting units); hollow ones are filled with the plot's own colour."""
    look = canvas.look
    path = marker_path(kind, look.px(radius_px))
    margin = look.px(0.5 if canvas.vector else radius_px + 2)
    area = canvas.rect.adjusted(-margin, -margin, margin, margin)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if kind == "x":
        painter.setPen(look.pen(colour, 1.25))
        painter.setBrush(Qt.BrushStyle.NoBrush)
    elif filled:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
    else:
        painter.setPen(look.pen(colour, 1.0))
        painter.setBrush(QColor(fill or look.plot))
    whole = QPainterPath()
    for x, y in zip(places[0].tolist(), places[1].tolist(), strict=True):
        if not area.contains(x, y):
            continue
        if filled or kind == "x":
            whole.addPath(path.translated(x, y))
        else:
            painter.drawPath(path.translated(x, y))
    if not whole.isEmpty():
        whole.setFillRule(Qt.FillRule.WindingFill)
        painter.drawPath(whole)
    painter.restore()


def draw_plate(painter: QPainter, look: PlotLook, rect: QRectF, text: str, fill: str, ink: str) -> None:
    """Draw a small filled plate with a letter in it."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(fill))
    painter.drawRoundedRect(rect, look.px(2), look.px(2))
    painter.setPen(QColor(ink))
    painter.setFont(look.font(bold=True))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def draw_label(
    painter: QPainter, canvas: Canvas, corner: QPointF, text: str, colour: str,
    *, bold: bool = False, plate: bool = False, right: bool = False, avoid: list[QRectF] | None = None,
) -> bool:  # fmt: skip
    """Write a word beside a mark, kept inside the plot; ``corner`` is its lower left (lower right when ``right``).

    With ``avoid`` it is left out where it would cover a word that is there already. Returns whether it was written.
    """
    look = canvas.look
    metrics = look.metrics(bold=bold)
    wide, tall = metrics.horizontalAdvance(text), metrics.height()
    left = corner.x() - wide if right else corner.x()
    left = min(max(left, canvas.rect.left() + look.px(2)), canvas.rect.right() - wide - look.px(4))
    top = min(max(corner.y() - tall, canvas.rect.top() + look.px(1)), canvas.rect.bottom() - tall)
    rect = QRectF(left, top, wide, tall)
    if avoid is not None:
        if any(rect.intersects(other) for other in avoid):
            return False
        avoid.append(rect)
    painter.save()
    if plate:
        painter.fillRect(rect.adjusted(-look.px(3), 0, look.px(3), 0), QColor(look.plot))
    painter.setPen(QColor(colour))
    painter.setFont(look.font(bold=bold))
    painter.drawText(QPointF(left, top + metrics.ascent()), text)
    painter.restore()
    return True


def spaced(places: Iterable[float], least: float) -> list[int]:
    """Return the indices of places that are at least so far apart, the first always."""
    kept: list[int] = []
    before = -float("inf")
    for index, place in enumerate(places):
        if place - before >= least:
            kept.append(index)
            before = place
    return kept
