"""Signs and sparklines as small pictures, painted once for each look: a grid of 256 tiles paints thousands of them."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap

from labctl.gui.theme.current import theme
from labctl.gui.theme.glyphs import paint_badge, paint_glyph
from labctl.gui.viewmodels.sparks import COLUMNS, Sparklines
from labctl.gui.viewmodels.words import PRIORITY_MARKS
from labctl.model.alarm import AlarmPriority

SPARKS_KEPT = 1_024
SPARK_LEAST = 6
"""Columns below which nothing is drawn: two minutes at their own scale say nothing of two hours."""
SPARK_AGE_S = 2.0
"""A sparkline of two hours does not change within this time; on a bench that runs faster it is good enough."""
SPARKS_AT_ONCE = 12
"""Sparklines drawn anew in one painting; the others follow in the next ones."""


class Stamps:
    """Pictures of glyphs, badges and sparklines at one device pixel ratio."""

    def __init__(self, sparks: Sparklines | None) -> None:
        self._sparks = sparks
        self._signs: dict[tuple[str, str, int], QPixmap] = {}
        self._lines: OrderedDict[str, tuple[float, tuple[int, int], QPixmap | None]] = OrderedDict()
        self._left = SPARKS_AT_ONCE
        self.ratio = 1.0
        self.missing: list[str] = []
        """Channels whose sparkline is due and was not drawn, because enough others were."""

    def forget(self) -> None:
        """Paint everything anew: theme or scale are different now."""
        self._signs.clear()
        self._lines.clear()

    def begin(self, ratio: float) -> None:
        """Start a painting at a device pixel ratio."""
        if ratio != self.ratio:
            self.ratio = ratio
            self.forget()
        self._left = SPARKS_AT_ONCE
        self.missing = []

    def _blank(self, width: int, height: int) -> QPixmap:
        made = QPixmap(max(1, round(width * self.ratio)), max(1, round(height * self.ratio)))
        made.setDevicePixelRatio(self.ratio)
        made.fill(Qt.GlobalColor.transparent)
        return made

    def glyph(self, name: str, token: str, size: int) -> QPixmap:
        """Return a state glyph in the colour of a token."""
        found = self._signs.get((name, token, size))
        if found is None:
            found = self._signs[name, token, size] = self._blank(size, size)
            painter = QPainter(found)
            paint_glyph(painter, name, QRectF(0, 0, size, size), theme().colour(token))
            painter.end()
        return found

    def badge(self, priority: AlarmPriority, size: int, edge: str) -> QPixmap:
        """Return an alarm badge with its edge in a colour (``#RRGGBB``)."""
        key = (f"badge {priority.value}", edge, size)
        found = self._signs.get(key)
        if found is None:
            found = self._signs[key] = self._blank(size, size)
            painter = QPainter(found)
            inner = QRectF(0.5, 0.5, size - 1, size - 1)
            paint_badge(painter, PRIORITY_MARKS[priority].token, inner, QColor(edge))
            painter.end()
        return found

    def body(self, width: int, height: int, fill: str, *, hatched: bool = False) -> QPixmap:
        """Return a tile's body: fill (a token, empty for none), hairline, hatching where nobody knows."""
        key = (f"body {fill} {hatched}", str(width), height)
        found = self._signs.get(key)
        if found is None:
            look = theme()
            found = self._signs[key] = self._blank(width, height)
            area, corner = QRectF(0.5, 0.5, width - 1, height - 1), look.px(4)
            painter = QPainter(found)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(look.colour("hairline"), 1))
            painter.setBrush(QBrush(look.colour(fill)) if fill else QBrush(Qt.BrushStyle.NoBrush))
            painter.drawRoundedRect(area, corner, corner)
            if hatched:
                painter.setBrush(QBrush(look.colour("hairline"), Qt.BrushStyle.BDiagPattern))
                painter.drawRoundedRect(area, corner, corner)
            painter.end()
        return found

    def spark(self, channel: str, width: int, height: int, now_s: float) -> QPixmap | None:
        """Return a channel's sparkline, perhaps ``SPARK_AGE_S`` old; None where it has none or is not drawn yet."""
        known = self._lines.get(channel)
        fresh = known is not None and known[1] == (width, height)
        if known is not None and fresh and now_s - known[0] < SPARK_AGE_S:
            return known[2]
        if self._left <= 0:
            self.missing.append(channel)
            return known[2] if known is not None and fresh else None
        picture = self._drawn(channel, width, height)
        if picture is not None:
            self._left -= 1
        self._lines[channel] = (now_s, (width, height), picture)
        self._lines.move_to_end(channel)
        while len(self._lines) > SPARKS_KEPT:
            self._lines.popitem(last=False)
        return picture

    def _drawn(self, channel: str, width: int, height: int) -> QPixmap | None:
        """Draw least and greatest of each column as one line: no averaging, own scale, no axis."""
        spark = None if self._sparks is None else self._sparks.of(channel)
        if spark is None or len(spark.x) < SPARK_LEAST:
            return None
        low, high = float(spark.low_V.min()), float(spark.high_V.max())
        span = max(high - low, 1e-3)  # below a millivolt it is noise: a flat line
        middle = (low + high) / 2
        y_of = (height - 2) / span
        x_of = (width - 2) / COLUMNS
        points: list[QPointF] = []
        last = float("nan")
        for x, least, most in zip(spark.x.tolist(), spark.low_V.tolist(), spark.high_V.tolist(), strict=True):
            here = 1 + x * x_of
            ends = (least, most) if abs(least - last) <= abs(most - last) else (most, least)
            for value in ends if most > least else ends[:1]:
                points.append(QPointF(here, height / 2 - (value - middle) * y_of))
            last = ends[1]
        picture = self._blank(width, height)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().colour("sparkline"), theme().px(1)))
        painter.drawPolyline(points)
        painter.end()
        return picture
