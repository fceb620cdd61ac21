"""The list of the queue: each item says why it waits; order by dragging its handle, or by Alt and arrows."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHeaderView, QStyleOptionViewItem, QWidget

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.grouprows import HEADING_ROLE, ROW_ROLE, Col, GroupedModel
from labctl.gui.parts.table import Cells, Table
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_badge, paint_glyph
from labctl.gui.viewmodels.queue import QueueRow

Index = QModelIndex | QPersistentModelIndex
HANDLE, POS, ITEM, TARGET, WAITS, STARTS, LENGTH, STATE = range(8)
WIDTHS_PX = {HANDLE: 32, POS: 44, ITEM: 250, TARGET: 190, WAITS: 230, STARTS: 120, LENGTH: 100}
NARROW_PX = 1000
TIGHT_PX = {HANDLE: 24, POS: 40, STARTS: 100, LENGTH: 80}
SHARES = {ITEM: 0.19, TARGET: 0.21, WAITS: 0.2}
"""Which part of the room is taken by columns whose texts are long; the last column takes what is left."""
DRAG_PX = 4

COLUMNS = (
    Col("queue", "", lambda row: ""),
    Col("queue", mark("queue", "pos"), lambda row: str(row.position or ""), right=True, tone=lambda row: "muted"),
    Col("queue", mark("queue", "item"), lambda row: row.item, strong=lambda row: True,
        tip=lambda row: f"{row.item} ({row.job_id})"),
    Col("queue", mark("queue", "target"), lambda row: row.target),
    Col("queue", mark("queue", "waits for"), lambda row: row.waits_for),
    Col("queue", mark("queue", "starts ~"), lambda row: row.starts, right=True),
    Col("queue", mark("queue", "length ~"), lambda row: row.length, right=True),
    Col("queue", mark("queue", "state"), lambda row: " ".join(part for part in (row.state, row.reason) if part)),
)  # fmt: skip


class QueueCells(Cells):
    """Paints the handle and the state: badge, glyph, word, and the reason in words."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell; a heading is painted over the whole line by its first cell."""
        if index.data(HEADING_ROLE):
            paint_heading(painter, option, index)
            return
        row: QueueRow | None = index.data(ROW_ROLE)
        super().paint(painter, option, index)
        if row is None:
            return
        if index.column() == HANDLE and row.movable:
            self._handle(painter, option.rect)
        elif index.column() == STATE:
            self._state(painter, option, row)

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Leave the state's text to its own strokes."""
        super().initStyleOption(option, index)
        if index.column() == STATE and not index.data(HEADING_ROLE):
            option.text = ""

    @staticmethod
    def _handle(painter: QPainter, area: QRect) -> None:
        look = theme()
        size = look.px(16)
        where = QRect(area.center().x() - size // 2, area.center().y() - size // 2 + 1, size, size)
        look.icon("drag").paint(painter, where)

    @staticmethod
    def _state(painter: QPainter, option: QStyleOptionViewItem, row: QueueRow) -> None:
        look = theme()
        painter.save()
        size, left = look.px(16), option.rect.left() + look.px(8)
        where = QRect(left, option.rect.center().y() - size // 2 + 1, size, size)
        if row.priority is not None:
            paint_badge(painter, row.priority.value, where.toRectF())
        else:
            inner = look.px(3)
            paint_glyph(
                painter,
                row.glyph,
                where.toRectF().adjusted(inner, inner, -inner, -inner),
                look.colour(row.token),
            )
        left += size + look.px(8)
        strong = row.strong
        painter.setFont(look.font(Role.STRONG if strong else Role.BODY))
        painter.setPen(look.colour("text" if strong or row.active else "muted"))
        wide = QFontMetrics(painter.font()).horizontalAdvance(row.state)
        line = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRect(left, option.rect.top(), wide + 2, option.rect.height()), line, row.state)
        left += max(wide, look.px(44)) + look.px(12)
        room = option.rect.right() - look.px(8) - left
        if row.reason and room > look.px(24):
            painter.setFont(look.font(Role.BODY))
            painter.setPen(look.colour("muted"))
            text = QFontMetrics(painter.font()).elidedText(row.reason, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QRect(left, option.rect.top(), room, option.rect.height()), line, text)
        painter.restore()


def paint_heading(painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
    """Paint the head of a group: its cell spans the line."""
    look = theme()
    heading = index.data(ROW_ROLE)
    painter.save()
    painter.fillRect(option.rect, look.colour("head"))
    painter.setPen(look.colour("hairline"))
    painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())
    line = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
    left = option.rect.left() + look.px(8)
    for text, role, tone in (
        (heading.title, Role.SMALL, "muted"),
        (heading.count, Role.SMALL_STRONG, "text"),
    ):
        painter.setFont(look.font(role))
        painter.setPen(look.colour(tone))
        painter.drawText(
            QRect(left, option.rect.top(), option.rect.width(), option.rect.height()), line, text
        )
        left += QFontMetrics(painter.font()).horizontalAdvance(text) + look.px(8)
    painter.restore()


class QueueTable(Table):
    """``dragged`` carries the item and the one before which it was dropped (empty = at the end)."""

    dragged = Signal(str, str)
    stepped = Signal(int)
    """Alt with Up (-1) or Down (1)."""

    def __init__(self, model: GroupedModel, parent: QWidget | None = None) -> None:
        super().__init__("", parent=parent)
        self.rows = model
        self.setModel(model)
        self.setItemDelegate(QueueCells(self))
        self.horizontalHeader().setSectionResizeMode(HANDLE, QHeaderView.ResizeMode.Fixed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        model.layoutChanged.connect(self._spans)
        theme().changed.connect(self._widths)
        self._dragging = ""
        self._pressed: QPoint | None = None
        self._drop = -1
        self._widths()

    def _widths(self) -> None:
        look = theme()
        room = self.viewport().width()
        tight = room < look.px(NARROW_PX)
        for column, size_px in WIDTHS_PX.items():
            share = SHARES.get(column)
            least = look.px(TIGHT_PX.get(column, size_px) if tight else size_px)
            self.setColumnWidth(
                column, least if share is None else max(look.px(96), min(round(room * share), 2 * least))
            )

    def resizeEvent(self, event: Any) -> None:
        """Share the room anew."""
        super().resizeEvent(event)
        self._widths()

    def _spans(self) -> None:
        self.clearSpans()
        for at in self.rows.headings():
            self.setSpan(at, 0, 1, self.rows.columnCount())
        look = theme()
        headings = set(self.rows.headings())
        for at in range(self.rows.rowCount()):
            self.setRowHeight(at, look.px(24 if at in headings else 32))

    def sizeHint(self) -> QSize:
        """Return a size for eight rows."""
        return QSize(theme().px(640), theme().px(32 * 9))

    # -- order ------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: Any) -> None:
        """Move with Alt and the arrows; all else goes the usual way."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(event.key(), 0)
        if steps and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.stepped.emit(steps)
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take an item at its handle."""
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        row = self.rows.row_at(index)
        at_handle = index.isValid() and index.column() in (HANDLE, POS)
        if event.button() == Qt.MouseButton.LeftButton and at_handle and row is not None and row.movable:
            self._dragging, self._pressed = row.job_id, event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show where the item would be dropped."""
        at = event.position().toPoint()
        if not self._dragging:
            super().mouseMoveEvent(event)
            index = self.indexAt(at)
            row = self.rows.row_at(index)
            hand = row is not None and row.movable and index.column() == HANDLE
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor if hand else Qt.CursorShape.ArrowCursor)
            return
        if self._pressed is not None and (at - self._pressed).manhattanLength() < theme().px(DRAG_PX):
            return
        self._pressed = None
        self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        self._drop = self._gap_at(at.y())
        self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Drop the item."""
        super().mouseReleaseEvent(event)
        job_id, drop, moved = self._dragging, self._drop, self._pressed is None
        self._dragging, self._drop, self._pressed = "", -1, None
        self.viewport().unsetCursor()
        self.viewport().update()
        if job_id and moved and drop >= 0:
            self.dragged.emit(job_id, self._movable_from(drop))

    def _gap_at(self, y: int) -> int:
        """Return the row before which a drop at a height falls."""
        for at in range(self.rows.rowCount()):
            if y < self.rowViewportPosition(at) + self.rowHeight(at) // 2:
                return at
        return self.rows.rowCount()

    def _movable_from(self, at: int) -> str:
        for place in range(at, self.rows.rowCount()):
            row = self.rows.row_at(place)
            if row is not None and row.movable:
                return str(row.job_id)
        return ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows, and the line where a dragged item would go."""
        super().paintEvent(event)
        if self._drop < 0:
            return
        count = self.rows.rowCount()
        y = (
            self.rowViewportPosition(self._drop)
            if self._drop < count
            else self.rowViewportPosition(count - 1) + self.rowHeight(count - 1)
        )
        painter = QPainter(self.viewport())
        painter.setPen(QPen(theme().colour("accent"), theme().px(2)))
        painter.drawLine(0, y, self.viewport().width(), y)
