"""Small tables of side cards, and what their cells have beyond text: a state glyph, an icon, a bar, a colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QResizeEvent
from PySide6.QtWidgets import QStyleOptionViewItem

from labctl.gui.parts.rows import Field, Head, RowModel
from labctl.gui.parts.table import STRONG_ROLE, Cells, Table
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_glyph

Index = QModelIndex | QPersistentModelIndex
BAR_PX = 8
PADDING_PX = 3
CURVE_PX = 20


@dataclass(frozen=True, slots=True)
class Sign(Field):
    """A field with a sign before its text: ``glyph`` with its ``token``, ``icon``, or the line of a ``curve`` in its
    colour; ``share`` is a bar, 0 to 1.
    """

    glyph: str = ""
    token: str = "muted"
    icon: str = ""
    curve: str = ""
    indent: int = 0
    share: float = math.nan
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Small(Field):
    """A field in the type of axis figures: numbers and words beside the key column."""

    small: bool = True


class SignCells(Cells):
    """Paints signs and bars."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Keep room for the sign: the text begins behind it."""
        super().initStyleOption(option, index)
        if _field(index).small:
            font = theme().font(Role.SMALL)
            font.setBold(bool(index.data(STRONG_ROLE)))
            option.font = font
        if _sign(index) is not None:
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration
            sign = _sign(index)
            wide = 0
            if sign is not None and (sign.glyph or sign.icon or sign.curve):
                wide = theme().px(12 if sign.glyph else CURVE_PX if sign.curve else 16)
            indent = 0 if sign is None else theme().px(10 * sign.indent)
            option.decorationSize = QSize(wide + indent, theme().px(16))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell with its sign."""
        super().paint(painter, option, index)
        sign = _sign(index)
        if sign is None:
            return
        look, area = theme(), option.rect
        if math.isfinite(sign.share):
            self._bar(painter, area, sign)
            return
        margin = look.px(4) + look.px(10 * sign.indent)
        size = look.px(9 if sign.glyph else 16)
        place = QRect(area.left() + margin, area.center().y() - size // 2 + 1, size, size)
        if sign.glyph:
            paint_glyph(painter, sign.glyph, QRectF(place), look.colour(sign.token))
        elif sign.icon:
            look.icon(sign.icon, sign.token).paint(painter, place)
        elif sign.curve:
            line = QRectF(area.left() + margin, area.center().y() - look.px(1), look.px(CURVE_PX), look.px(3))
            painter.fillRect(line, QColor(sign.curve))

    @staticmethod
    def _bar(painter: QPainter, area: QRect, sign: Sign) -> None:
        look = theme()
        tall = look.px(BAR_PX)
        outer = QRectF(
            area.left() + look.px(8), area.center().y() - tall / 2 + 1, area.width() - look.px(20), tall
        )
        painter.setPen(look.colour("border"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(outer)
        inner = outer.adjusted(1, 1, 0, 0)
        inner.setWidth(max(0.0, (outer.width() - 1) * min(1.0, sign.share)))
        painter.fillRect(inner, look.colour("muted" if sign.tight else "neutral_bar"))


def _field(index: Index) -> Small:
    model = index.model()
    if isinstance(model, RowModel) and index.row() < len(model.rows):
        found = model.rows[index.row()][index.column()]
        return found if isinstance(found, Small) else Small(small=False)
    return Small(small=False)


def _sign(index: Index) -> Sign | None:
    model = index.model()
    if not isinstance(model, RowModel) or index.row() >= len(model.rows):
        return None
    found = model.rows[index.row()][index.column()]
    return (
        found
        if isinstance(found, Sign)
        and (found.glyph or found.icon or found.curve or math.isfinite(found.share))
        else None
    )


class SideTable(Table):
    """A small table of a side card: one row chosen at most, no frame of its own."""

    def __init__(self, name: str, *, row_px: int, headed: bool) -> None:
        super().__init__(name, row_px=row_px)
        self.rows = RowModel()
        self.setModel(self.rows)
        self.setItemDelegate(SignCells(self))
        self.setSelectionMode(self.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(self.Shape.NoFrame)
        self.horizontalHeader().setVisible(headed)
        self.horizontalHeader().setStretchLastSection(False)
        self.headed, self._side_row_px = headed, row_px
        theme().changed.connect(self._tighten)
        self._tighten()

    def show_heads(self, heads: tuple[Head, ...]) -> None:
        """Name the columns and give them their widths."""
        self.rows.show_heads(heads)
        self.widen()

    def widen(self) -> None:
        """Give the columns their widths at the present scale."""
        heads = self.rows.heads
        taken = 0
        for at, head in enumerate(heads[:-1]):
            self.setColumnWidth(at, theme().px(head.width_px))
            taken += theme().px(head.width_px)
        if heads:  # the last takes what is left, a scroll bar or not; stretched by Qt it would not shrink
            self.setColumnWidth(len(heads) - 1, max(theme().px(24), self.viewport().width() - taken))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the width."""
        super().resizeEvent(event)
        self.widen()

    def _tighten(self) -> None:
        """Set cells closer than in a large table: the column is narrow."""
        self.setStyleSheet(f"QTableView::item {{ padding: 0 {theme().px(PADDING_PX)}px; }}")
        self.widen()

    def height_for(self, rows: int) -> int:
        """Return the height that shows so many rows."""
        head = self.horizontalHeader().height() if self.headed else 0
        return head + rows * theme().px(self._side_row_px) + 2
