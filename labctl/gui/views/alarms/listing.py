"""The alarm list: groups, badge, since, where, what, what to do, who has seen it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QHeaderView, QStyleOptionViewItem, QWidget

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.grouprows import HEADING_ROLE, ROW_ROLE, Col, GroupedModel
from labctl.gui.parts.table import ALARM_PX, Cells, Table
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_badge
from labctl.gui.viewmodels.alarms import AlarmRow

Index = QModelIndex | QPersistentModelIndex
BADGE, SINCE, WHERE, CELL, WHAT, REMEDY, STATE, BY = range(8)
WIDTHS_PX = {BADGE: 44, SINCE: 132, WHERE: 76, CELL: 96, STATE: 108, BY: 104}
WHERE_MOST_PX = 136
NARROW_PX = 760

COLUMNS = (
    Col("alarms", "", lambda row: row.mark.told),
    Col("alarms", mark("alarms", "since"), lambda row: f"{row.told} {row.age}", right=True, raw=lambda row: row.told),
    Col("alarms", mark("alarms", "where"), lambda row: row.where, strong=lambda row: True),
    Col("alarms", mark("alarms", "cell"), lambda row: row.cell),
    Col("alarms", mark("alarms", "what"), lambda row: row.what, strong=lambda row: row.unseen,
        tip=lambda row: row.what if row.what == row.detail else f"{row.what}\n{row.detail}"),
    Col("alarms", mark("alarms", "what to do"), lambda row: row.what_to_do),
    Col("alarms", mark("alarms", "state"), lambda row: row.state, strong=lambda row: row.unseen,
        tone=lambda row: "text" if row.unseen else "muted"),
    Col("alarms", mark("alarms", "by"), lambda row: row.by, tone=lambda row: "muted"),
)  # fmt: skip


class AlarmCells(Cells):
    """Paints badges, ages in muted, and heads of groups."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Leave badge and time to their own strokes."""
        super().initStyleOption(option, index)
        if index.column() in (BADGE, SINCE) and not index.data(HEADING_ROLE):
            option.text = ""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell."""
        if index.data(HEADING_ROLE):
            self._heading(painter, option, index)
            return
        super().paint(painter, option, index)
        row: AlarmRow | None = index.data(ROW_ROLE)
        if row is None:
            return
        if index.column() == BADGE:
            size = theme().px(20)
            where = QRect(
                option.rect.left() + theme().px(8), option.rect.center().y() - size // 2 + 1, size, size
            )
            paint_badge(painter, row.priority.value, where.toRectF(), shelved=row.shelved)
        elif index.column() == SINCE:
            self._since(painter, option, row)

    @staticmethod
    def _since(painter: QPainter, option: QStyleOptionViewItem, row: AlarmRow) -> None:
        look = theme()
        painter.save()
        right = option.rect.right() - look.px(8)
        line = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        for text, tone in ((row.age, "muted"), (row.told, "text")):
            painter.setFont(look.font(Role.BODY))
            painter.setPen(look.colour(tone))
            area = QRect(
                option.rect.left(), option.rect.top(), right - option.rect.left(), option.rect.height()
            )
            painter.drawText(area, line, text)
            wide = QFontMetrics(painter.font()).horizontalAdvance(text)
            right -= max(wide, look.px(44)) + look.px(8) if tone == "muted" else wide
        painter.restore()

    @staticmethod
    def _heading(painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look = theme()
        heading = index.data(ROW_ROLE)
        painter.save()
        painter.fillRect(option.rect, look.colour("head"))
        painter.setPen(look.colour("hairline"))
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())
        left = option.rect.left() + look.px(8)
        line = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
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


class AlarmTable(Table):
    """``touched`` tells that a person is at the list, ``left`` that the pointer has gone."""

    touched = Signal()
    left = Signal()

    def __init__(self, model: GroupedModel, parent: QWidget | None = None) -> None:
        super().__init__("", row_px=ALARM_PX, parent=parent)
        self.rows = model
        self.setModel(model)
        self.setItemDelegate(AlarmCells(self))
        head = self.horizontalHeader()
        head.setStretchLastSection(False)
        for column in (WHAT, REMEDY):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        model.layoutChanged.connect(self._lay_out)
        theme().changed.connect(self._lay_out)
        self._lay_out()

    def _lay_out(self) -> None:
        look = theme()
        widths = {column: look.px(size) for column, size in WIDTHS_PX.items()}
        # Channels are named as long as the bench needs: "1-3", or "2:1-3" where two instruments have one.
        widths[WHERE] = max(
            widths[WHERE], min(look.px(WHERE_MOST_PX), self.sizeHintForColumn(WHERE) + look.px(12))
        )
        narrow = self.viewport().width() < look.px(NARROW_PX)
        for column, size_px in widths.items():
            self.setColumnWidth(column, size_px)
        for column in (
            CELL,
            BY,
        ):  # what and what to do keep their room; cell and name stand in the detail too
            self.setColumnHidden(column, narrow)
        self._spans()

    def minimumSizeHint(self) -> QSize:
        """Return room for the head, a group and two alarms: less is no list."""
        return QSize(theme().px(320), theme().px(32 + 24 + 2 * ALARM_PX + 2))

    def resizeEvent(self, event: Any) -> None:
        """Share the room anew."""
        super().resizeEvent(event)
        self._lay_out()

    def _spans(self) -> None:
        self.clearSpans()
        headings = set(self.rows.headings())
        look = theme()
        for at in range(self.rows.rowCount()):
            self.setRowHeight(at, look.px(24 if at in headings else ALARM_PX))
        for at in headings:
            self.setSpan(at, 0, 1, self.rows.columnCount())

    def mouseMoveEvent(self, event: Any) -> None:
        """Note that a person is at the list."""
        self.touched.emit()
        super().mouseMoveEvent(event)

    def mousePressEvent(self, event: Any) -> None:
        """Note that a person is at the list."""
        self.touched.emit()
        super().mousePressEvent(event)

    def keyPressEvent(self, event: Any) -> None:
        """Note that a person is at the list."""
        self.touched.emit()
        super().keyPressEvent(event)

    def wheelEvent(self, event: Any) -> None:
        """Note that a person is at the list."""
        self.touched.emit()
        super().wheelEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Note that the pointer has gone."""
        super().leaveEvent(event)
        self.left.emit()
