"""How tiles are painted (design, section 6): all of one kind of stroke after the other, so that pens change rarely."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from labctl.gui.theme.current import Theme, theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.tokens import BADGES
from labctl.gui.viewmodels.gridplaces import Box, TileSize
from labctl.gui.viewmodels.sparks import Sparklines
from labctl.gui.viewmodels.text import shorter_forms
from labctl.gui.viewmodels.tiles import Strip, Tile, TileKind
from labctl.gui.viewmodels.words import tr
from labctl.gui.views.station.stamps import Stamps
from labctl.gui.views.station.texts import Texts

INSET_PX, GLYPH_PX, BADGE_PX, FOOT_PX, STRIP_PX = 5.0, 9.0, 15.0, 3.0, 24.0
LINE_PX = 16.0
FIRST_PX, VALUE_PX, THIRD_PX, FOURTH_PX = 5.0, 21.0, 45.0, 63.0
"""Tops of a tile's lines in size M and L."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A tile with its box on the page, and what an act on its channel says."""

    tile: Tile
    box: Box
    act: str
    selected: bool


class TilePaint:
    """Paints tiles of a size. Keeps laid-out texts and stamps; ``forget`` drops them."""

    def __init__(self, sparks: Sparklines, now_s: Callable[[], float]) -> None:
        self.texts = Texts()
        self.stamps = Stamps(sparks)
        self._now_s = now_s

    def forget(self) -> None:
        """Follow theme, scale and language."""
        self.texts.forget()
        self.stamps.forget()

    def paint(
        self, painter: QPainter, placed: Sequence[Placed], size: TileSize, *, ratio: float, lit: bool = True
    ) -> None:
        """Paint tiles. ``lit`` False: the half second in which an unseen CRITICAL shows no outline."""
        self.stamps.begin(ratio)
        self.texts.expect(len(placed))
        self._bodies(painter, placed, size, lit)
        calm = [one for one in placed if one.tile.strip is None]
        loud = [one for one in placed if one.tile.strip is not None]
        if size is TileSize.S:
            self._small(painter, calm)
            self._small_loud(painter, loud)
            return
        self._first_line(painter, calm)
        self._values(painter, calm, VALUE_PX)
        self._third_line(painter, calm, wide=size is TileSize.L)
        self._fourth_line(painter, calm, wide=size is TileSize.L)
        self._strips(painter, loud)
        self._values(painter, loud, STRIP_PX + 1)
        self._reasons(painter, loud)

    # -- bodies -----------------------------------------------------------------------------------------------------

    def _bodies(self, painter: QPainter, placed: Sequence[Placed], size: TileSize, lit: bool) -> None:
        look = theme()
        for one in placed:
            left, top, width, height = one.box
            tile = one.tile
            free = tile.kind is TileKind.FREE
            fill = "selection" if one.selected else "field" if tile.strip else "" if free else "panel"
            painter.drawPixmap(left, top, self.stamps.body(width, height, fill, hatched=tile.hatched))
        bar = look.colour("neutral_bar")
        foot = look.px(FOOT_PX)
        for one in placed:
            if not math.isnan(one.tile.progress) and size is not TileSize.S and one.tile.strip is None:
                left, top, width, height = one.box
                done = round((width - 4) * one.tile.progress)
                painter.fillRect(left + 2, top + height - foot - 1, done, foot, bar)
        self._edges(painter, placed, look, lit)

    def _edges(self, painter: QPainter, placed: Sequence[Placed], look: Theme, lit: bool) -> None:
        """Paint what stands out: the alarm's edge, and the ring of the selection."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        corner, two = look.px(4), look.px(2)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        ring = QPen(look.colour("accent"), two)
        for one in placed:
            left, top, width, height = one.box
            inner = QRectF(left + two / 2, top + two / 2, width - two, height - two)
            if one.tile.strip is not None and (lit or not one.tile.strip.blink):
                painter.setPen(QPen(edge_colour(one.tile.strip), two))
                painter.drawRoundedRect(inner, corner, corner)
            if one.selected:
                painter.setPen(ring)
                out = 0 if one.tile.strip is None else two
                painter.drawRoundedRect(inner.adjusted(-out, -out, out, out), corner, corner)

    # -- lines of M and L -------------------------------------------------------------------------------------------

    def _down(self, line_px: float, height_px: float = LINE_PX) -> float:
        """Return how far below the tile's top a text of the role in use begins in a line."""
        return theme().px(line_px) + (theme().px(height_px) - self.texts.line) / 2

    def _first_line(self, painter: QPainter, calm: Sequence[Placed]) -> None:
        look, texts = theme(), self.texts
        inset, glyph, gap, close = look.px(INSET_PX), look.px(GLYPH_PX), look.px(2), look.px(3)
        texts.begin(painter, Role.SMALL, look.colour("muted"), tight=True)
        first = self._down(FIRST_PX)
        sign = look.px(FIRST_PX) + (look.px(LINE_PX) - glyph) / 2
        for one in calm:
            left, top, width, high = one.box
            y = top + first
            if one.tile.kind is TileKind.FREE:
                texts.put(left + inset, y, one.tile.label, width - 2 * inset)
                texts.put_middle(left + width / 2, top + (high - texts.line) / 2, one.tile.word)
                continue
            right = left + width - close - glyph
            painter.drawPixmap(
                QPointF(right, top + sign),
                self.stamps.glyph(one.tile.glyph, one.tile.token, glyph),
            )
            word = texts.put_right(right - gap, y, one.tile.word)
            texts.put(
                left + inset, y, one.tile.label, max(1.0, width - inset - close - glyph - gap - 1 - word)
            )

    def _values(self, painter: QPainter, placed: Sequence[Placed], line_px: float) -> None:
        look, texts = theme(), self.texts
        inset, thin = look.px(INSET_PX), look.px(3)
        widths: list[tuple[Placed, float]] = []
        for muted in (False, True):
            texts.begin(painter, Role.VALUE, look.colour("muted" if muted else "text"))
            down = self._down(line_px, 24.0)
            for one in placed:
                if one.tile.value and one.tile.muted is muted:
                    widths.append((one, texts.put(one.box[0] + inset, one.box[1] + down, one.tile.value)))
        base = theme().px(line_px) + (theme().px(24.0) + texts.line) / 2
        texts.begin(painter, Role.SMALL, look.colour("muted"))
        drop = texts.line + look.px(1.5)
        for one, width in widths:
            texts.put(one.box[0] + inset + width + thin, one.box[1] + base - drop, one.tile.unit)

    def _third_line(self, painter: QPainter, calm: Sequence[Placed], *, wide: bool) -> None:
        look, texts = theme(), self.texts
        inset = look.px(INSET_PX)
        taken: list[float] = []
        shown = [one for one in calm if one.tile.kind is not TileKind.FREE]
        texts.begin(painter, Role.SMALL, look.colour("muted"))
        second, third, four = self._down(25.0), self._down(THIRD_PX), look.px(4)
        for one in shown:
            left, top, width, _ = one.box
            right = left + width - inset
            lines = one.tile.lines
            cycle = one.tile.cycle if not wide or len(lines) < 2 else lines[1]
            used = texts.put_right(right, top + third, cycle) if cycle else 0.0
            taken.append(used)
            if wide and lines:
                texts.put_right(right, top + second, lines[0], width / 2 - inset)
        texts.begin(painter, Role.SMALL, look.colour("text"))
        for one, used in zip(shown, taken, strict=True):
            room = max(1.0, one.box[2] - 2 * inset - used - (four if used else 0))
            texts.put(one.box[0] + inset, one.box[1] + third, one.tile.cell, room)

    def _fourth_line(self, painter: QPainter, calm: Sequence[Placed], *, wide: bool) -> None:
        look, texts = theme(), self.texts
        inset, now_s = look.px(INSET_PX), self._now_s()
        texts.begin(painter, Role.SMALL, look.colour("muted"))
        fourth, spark_top = self._down(FOURTH_PX - 0.5), look.px(FOURTH_PX)
        for one in calm:
            if one.tile.kind is TileKind.FREE and not one.act:
                continue
            left, top, width, high = one.box
            room = width - 2 * inset
            y = top + fourth
            if wide and len(one.tile.lines) > 2:
                room -= round(texts.put_right(left + width - inset, y, one.tile.lines[2])) + look.px(8)
            fact = one.act or one.tile.fact
            if fact:
                texts.put(left + inset, y, fact, max(1, room))
                continue
            height = high - spark_top - look.px(10)
            spark = self.stamps.spark(one.tile.channel, room, height, now_s)
            if spark is not None:
                painter.drawPixmap(QPointF(left + inset, top + spark_top), spark)

    # -- abnormal ---------------------------------------------------------------------------------------------------

    def _strips(self, painter: QPainter, loud: Sequence[Placed]) -> None:
        look, texts = theme(), self.texts
        inset, size, high = look.px(3), look.px(BADGE_PX), look.px(STRIP_PX)
        for one in loud:
            strip = one.tile.strip
            assert strip is not None
            left, top, width, _ = one.box
            badge = BADGES[strip.mark.token]
            painter.fillRect(left + 1, top + 1, width - 2, high - 1, QColor(badge.fill))
            middle = top + (high - size) / 2
            painter.drawPixmap(
                QPointF(left + inset, middle), self.stamps.badge(strip.priority, size, badge.text)
            )
            texts.begin(painter, Role.SMALL_STRONG, QColor(badge.text), tight=True)
            room = width - inset - size - look.px(2 + 2)
            texts.put(left + inset + size + look.px(2), top + (high - texts.line) / 2, strip.word, room)

    def _reasons(self, painter: QPainter, loud: Sequence[Placed]) -> None:
        look, texts = theme(), self.texts
        inset = look.px(INSET_PX)
        for one in loud:
            assert one.tile.strip is not None
            left, room = one.box[0] + inset, one.box[2] - inset - look.px(3)
            texts.begin(painter, Role.SMALL_STRONG, look.colour("text"), tight=True)
            y = one.box[1] + self._down(49.0)
            used = texts.put(left, y, one.tile.label, room) + look.px(4)
            texts.begin(painter, Role.SMALL, look.colour("text"), tight=True)
            if room - used > look.px(12):
                texts.put(left + used, y, one.tile.cell, room - used)
            said = one.act or (one.tile.fact if one.tile.hatched else one.tile.strip.reason)
            self._told(painter, one.box, left, room, said)

    def _told(self, painter: QPainter, box: Box, left: int, room: int, said: str) -> None:
        """Paint why a channel is abnormal, in as many lines as the tile has."""
        texts, top = self.texts, box[1] + self._down(66.0)
        below = box[1] + box[3] - theme().px(3) - top
        if below < 2 * texts.line:
            texts.put(left, top, said, room)
            return
        for line in texts.wrapped(said, room, int(below // texts.line)):
            texts.put(left, top, line, room)
            top += texts.line

    # -- size S -----------------------------------------------------------------------------------------------------

    def _small(self, painter: QPainter, calm: Sequence[Placed]) -> None:
        """Paint glyph, value and unit; a free one says so by its word."""
        look, texts = theme(), self.texts
        inset, glyph, thin = look.px(3), look.px(GLYPH_PX), look.px(2)
        texts.begin(painter, Role.SMALL, look.colour("muted"), tight=True)
        shown: list[tuple[Placed, str, float]] = []
        for one in calm:
            left, top, width, height = one.box
            y = top + (height - texts.line) / 2
            if one.tile.kind is TileKind.FREE:
                texts.put_middle(left + width / 2, y, one.tile.word, width - 2 * inset)
                continue
            stamp = self.stamps.glyph(one.tile.glyph, one.tile.token, glyph)
            painter.drawPixmap(QPointF(left + inset, top + (height - glyph) / 2), stamp)
            value, unit = self._fitting(one.tile, width - 3 * inset - glyph - thin)
            shown.append((one, value, texts.put_right(left + width - inset, y, unit)))
        for muted in (False, True):
            texts.begin(painter, Role.SMALL, look.colour("muted" if muted else "text"), tight=True)
            for one, value, unit_width in shown:
                if one.tile.muted is muted:
                    left, top, width, height = one.box
                    right = left + width - inset - unit_width - thin
                    texts.put_right(right, top + (height - texts.line) / 2, value)

    def _fitting(self, tile: Tile, room: float) -> tuple[str, str]:
        """Return the longest form of a tile's value and unit that there is room for, else the shortest."""
        found = (tile.value, tile.unit)
        for found in shorter_forms(tile.value, tile.unit):
            if self.texts.width(found[0]) + self.texts.width(found[1]) <= room:
                break
        return found

    def _small_loud(self, painter: QPainter, loud: Sequence[Placed]) -> None:
        look, texts = theme(), self.texts
        size, inset = look.px(BADGE_PX), look.px(3)
        for one in loud:
            strip = one.tile.strip
            assert strip is not None
            left, top, width, height = one.box
            badge = BADGES[strip.mark.token]
            painter.fillRect(left + 1, top + 1, width - 2, height - 2, QColor(badge.fill))
            painter.drawPixmap(
                QPointF(left + inset, top + (height - size) / 2),
                self.stamps.badge(strip.priority, size, badge.text),
            )
            texts.begin(painter, Role.SMALL_STRONG, QColor(badge.text), tight=True)
            room = width - 2 * inset - size - look.px(2)
            word = strip.word if texts.width(strip.word) <= room else one.tile.label
            texts.put(left + inset + size + look.px(2), top + (height - texts.line) / 2, word, room)


def edge_colour(strip: Strip) -> QColor:
    """Return the colour of an abnormal tile's edge: yellow itself has no contrast on grey."""
    if strip.mark.token == "medium":
        return theme().colour("medium_edge")
    return QColor(BADGES[strip.mark.token].fill)


def legend() -> tuple[tuple[str, str, str], ...]:
    """Return glyph, token and word of each state that a grid shows, as the legend lists them."""
    return (
        ("charge", "charge", tr("station", "charge")),
        ("discharge", "discharge", tr("station", "discharge")),
        ("rest", "rest", tr("station", "rest")),
        ("paused", "paused", tr("station", "paused")),
        ("done", "done", tr("station", "done")),
        ("stale", "stale", tr("station", "stale")),
        ("unknown", "stale", tr("station", "unknown")),
    )
