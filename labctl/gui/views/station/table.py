"""The station as a table: the same channels in the same order and selection as the grid, one row each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from labctl.gui.parts.table import RAW_ROLE, STRONG_ROLE, TONE_ROLE, Cells, Table
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_badge, paint_glyph
from labctl.gui.viewmodels.grid import Grid, GridChange
from labctl.gui.viewmodels.gridtable import COLUMNS, GridTable, plain_cell
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.views.station.texts import plain_tip

Index = QModelIndex | QPersistentModelIndex
TILE_ROLE = Qt.ItemDataRole.UserRole + 110
STATE_AT = next(at for at, column in enumerate(COLUMNS) if column.id == "state")
WIDTHS_PX = {
    "slot": 72, "state": 108, "voltage": 80, "current": 88, "temperature": 72, "cell": 104, "batch": 104,
    "protocol": 148, "cycle": 64, "capacity": 84, "retention": 76, "efficiency": 76, "rows": 72, "ends": 100,
    "age": 72, "says": 160,
}  # fmt: skip


class StationModel(QAbstractTableModel):
    """Rows of the grid's order, or sorted by a column: sorted when a person asks, not under the pointer."""

    def __init__(self, grid: Grid, table: GridTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._grid, self._table = grid, table
        self._rows: tuple[str, ...] = table.rows
        self._places: dict[str, int] = {name: at for at, name in enumerate(self._rows)}
        self._sorted: tuple[int, Qt.SortOrder] | None = None

    @property
    def rows(self) -> tuple[str, ...]:
        """Return the channels as they stand."""
        return self._rows

    def row_of(self, channel: str) -> int:
        """Return a channel's row, -1 where it is not shown."""
        return self._places.get(channel, -1)

    def take(self, change: GridChange) -> None:
        """Take news: one block of changed rows, or another order."""
        if change.layout:
            self.arrange()
            return
        at = [self._places[name] for name in change.tiles if name in self._places]
        if at:
            last = len(COLUMNS) - 1
            self.dataChanged.emit(self.index(min(at), 0), self.index(max(at), last))

    def arrange(self) -> None:
        """Take the grid's order anew."""
        self.beginResetModel()
        rows = list(self._table.rows)
        if self._sorted is not None:
            column, order = self._sorted
            key = COLUMNS[column].id
            known = {name: self._table.key(name, key) for name in rows}
            empty = [name for name in rows if known[name][0] == 2]
            full = [name for name in rows if known[name][0] != 2]
            full.sort(key=known.__getitem__, reverse=order == Qt.SortOrder.DescendingOrder)
            rows = full + empty
        self._rows = tuple(rows)
        self._places = {name: at for at, name in enumerate(self._rows)}
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; -1 = the grid's own order."""
        self._sorted = (column, order) if 0 <= column < len(COLUMNS) else None
        self.arrange()

    def rowCount(self, parent: Index | None = None) -> int:
        """Return how many channels are shown."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        """Return how many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Return the head of a column."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.told
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """Return what a cell shows."""
        channel, column = self._rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._table.cell(channel, column.id)
        if role == RAW_ROLE:
            return plain_cell(self._table.cell(channel, column.id))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == STRONG_ROLE:
            return column.key
        if role == TONE_ROLE:
            return "muted" if self._grid.tile(channel).muted or column.id == "says" else None
        if role == TILE_ROLE and index.column() == STATE_AT:
            return self._grid.tile(channel)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._grid.hover(channel))
        if role == Qt.ItemDataRole.AccessibleTextRole and column.key:
            return self._grid.told(channel)
        return None


class StateCells(Cells):
    """Paints the glyph, or the alarm's badge, before the word of the state (U18)."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Leave the word out: it is painted behind the sign."""
        super().initStyleOption(option, index)
        tile = index.data(TILE_ROLE)
        if tile is not None:
            option.text = ""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the cell, its sign, and the word: the alarm's where there is one."""
        super().paint(painter, option, index)
        tile = index.data(TILE_ROLE)
        if tile is None:
            return
        look, rect = theme(), option.rect
        size = look.px(16 if tile.strip is not None else 10)
        middle = rect.left() + look.px(11 + 8)
        box = QRect(middle - size // 2, rect.top() + (rect.height() - size) // 2, size, size)
        if tile.strip is not None:
            paint_badge(painter, tile.strip.mark.token, box.toRectF())
        else:
            paint_glyph(painter, tile.glyph, box.toRectF(), look.colour(tile.token))
        painter.save()
        painter.setFont(look.font(Role.STRONG if tile.strip is not None else Role.BODY))
        painter.setPen(look.colour("muted" if tile.muted and tile.strip is None else "text"))
        line = rect.adjusted(look.px(11 + 16 + 6), 0, 0, 0)
        painter.drawText(
            line, Qt.AlignmentFlag.AlignVCenter, tile.word if tile.strip is None else tile.strip.word
        )
        painter.restore()


class StationTable(Table):
    """The table with the shared selection. ``channel_opened``: Enter or a double click."""

    channel_opened = Signal(str)
    menu_wanted = Signal(QPoint)
    search_wanted = Signal()

    def __init__(
        self, grid: Grid, table: GridTable, selection: Selection, parent: QWidget | None = None
    ) -> None:
        super().__init__("", parent=parent)
        self._grid, self._selection = grid, selection
        self._taking = False
        self.rows = StationModel(grid, table, self)
        self.setModel(self.rows)
        self.setItemDelegateForColumn(STATE_AT, StateCells(self))
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.horizontalHeader().setSortIndicatorClearable(True)
        self.fit_columns()
        self.opened.connect(lambda index: self.channel_opened.emit(self.rows.rows[index.row()]))
        self.rows.modelReset.connect(self.show_selection)
        self.selectionModel().selectionChanged.connect(self._chosen)
        self._unwatch = (grid.watch(self._changed), selection.watch(self.show_selection))
        theme().changed.connect(self.fit_columns)

    def close_watch(self) -> None:
        """Watch no more: the view goes."""
        for unwatch in self._unwatch:
            unwatch()

    def fit_columns(self) -> None:
        """Give columns the widths of the design at the present scale."""
        for at, column in enumerate(COLUMNS):
            self.setColumnWidth(at, theme().px(WIDTHS_PX[column.id]))

    def _changed(self, change: GridChange) -> None:
        if self.isVisible() or change.layout:
            self.rows.take(change)

    def _chosen(self, *_: object) -> None:
        """Tell the shared selection what was selected here."""
        if self._taking:
            return
        at = sorted({index.row() for index in self.selectionModel().selectedRows()})
        names = [self.rows.rows[row] for row in at]
        current = self.currentIndex()
        if current.isValid() and self.rows.rows[current.row()] in names:
            name = self.rows.rows[current.row()]
            names = [*(one for one in names if one != name), name]
        self._taking = True
        try:
            self._selection.lasso(names)
        finally:
            self._taking = False

    def show_selection(self) -> None:
        """Show what is selected elsewhere."""
        if self._taking:
            return
        self._taking = True
        try:
            chosen = QItemSelection()
            for row in self._chosen_rows(self._selection.channels):
                chosen.select(self.rows.index(row, 0), self.rows.index(row, len(COLUMNS) - 1))
            model = self.selectionModel()
            model.select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            at = self.rows.row_of(self._selection.current)
            if at >= 0:
                keep = QItemSelectionModel.SelectionFlag.NoUpdate
                model.setCurrentIndex(self.rows.index(at, max(0, self.currentIndex().column())), keep)
        finally:
            self._taking = False

    def _chosen_rows(self, channels: Collection[str]) -> list[int]:
        return [at for name in channels if (at := self.rows.row_of(name)) >= 0]

    def show_channel(self, channel: str) -> None:
        """Scroll to a channel."""
        at = self.rows.row_of(channel)
        if at >= 0:
            self.scrollTo(self.rows.index(at, 0))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu at the pointer, or at the current row for the menu key."""
        where = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.currentIndex().isValid():
            where = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
        self.menu_wanted.emit(where)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the filter at a slash."""
        if event.key() == Qt.Key.Key_Slash:
            self.search_wanted.emit()
            return
        super().keyPressEvent(event)

    def enterEvent(self, event: Any) -> None:
        """Hold the order: lists never reorder under the pointer."""
        self._grid.frozen = True
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Bring the order up to date."""
        self._grid.frozen = False
        if self._grid.order_due:
            self._grid.settle()
        super().leaveEvent(event)
