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
    QPointF,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from labctl.gui.parts.table import RAW_ROLE, Table
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.grid import Grid, GridChange
from labctl.gui.viewmodels.gridtable import COLUMNS, GridTable, plain_cell
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.viewmodels.tiles import Tile
from labctl.gui.views.station.stamps import Stamps
from labctl.gui.views.station.texts import Texts

Index = QModelIndex | QPersistentModelIndex
STATE_AT = next(at for at, column in enumerate(COLUMNS) if column.id == "state")
_SELECTED, _HOVERED, _FOCUSED = (
    QStyle.StateFlag.State_Selected, QStyle.StateFlag.State_MouseOver, QStyle.StateFlag.State_HasFocus,
)  # fmt: skip
WIDTHS_PX = {
    "slot": 72, "state": 108, "voltage": 80, "current": 88, "temperature": 72, "cell": 136, "batch": 96,
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

    def tile(self, row: int) -> Tile:
        """Return the tile of a row."""
        return self._grid.tile(self._rows[row])

    def text(self, row: int, column: int) -> str:
        """Return the text of a cell."""
        return self._table.cell(self._rows[row], COLUMNS[column].id)

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
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._grid.hover(channel)
        if role == Qt.ItemDataRole.AccessibleTextRole and column.key:
            return self._grid.told(channel)
        return None


class PaintedCells(QStyledItemDelegate):
    """Paints cells straight from the model: a table in which every cell changes ten times a second asks Qt nothing.

    Looks as ``parts.table`` does; the state has its glyph, or the alarm's badge, before the word (U18).
    """

    def __init__(self, model: StationModel, table: QTableView) -> None:
        super().__init__(table)
        self._model = model
        self.texts, self.stamps = Texts(), Stamps(None)
        theme().changed.connect(self.forget)

    def forget(self) -> None:
        """Follow theme, scale and language."""
        self.texts.forget()
        self.stamps.forget()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one cell: ground, rule below, text, the keyboard's frame."""
        look, texts, rect, state = theme(), self.texts, option.rect, option.state
        at, row = index.column(), index.row()
        column, tile, text = COLUMNS[at], self._model.tile(row), self._model.text(row, at)
        ground = "selection" if state & _SELECTED else "hover" if state & _HOVERED else ""
        if ground:
            painter.fillRect(rect, look.colour(ground))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, look.colour("hairline"))
        inset = look.px(8)
        left, room = rect.left() + inset, rect.width() - 2 * inset
        if at == STATE_AT:
            left, room, text = self._sign(painter, rect, tile)
        loud = at == STATE_AT and tile.strip is not None
        tone = "muted" if (tile.muted and not loud) or column.id == "says" else "text"
        texts.begin(painter, Role.STRONG if column.key or loud else Role.BODY, look.colour(tone))
        top = rect.top() + (rect.height() - texts.line) / 2
        if room > 0 and text:
            put = texts.put_right if column.right else texts.put
            put(rect.right() + 1 - inset if column.right else left, top, text, room)
        if state & _FOCUSED:
            painter.setPen(QPen(look.colour("focus"), look.px(2)))
            painter.drawRect(rect.adjusted(1, 1, -2, -2))

    def _sign(self, painter: QPainter, rect: QRect, tile: Tile) -> tuple[int, int, str]:
        """Paint the sign of a state; returns where its word begins, the room for it, and the word."""
        look = theme()
        self.stamps.begin(self._ratio())
        strip = tile.strip
        size = look.px(16 if strip is not None else 10)
        middle = rect.left() + look.px(8 + 8)
        where = QPointF(middle - size / 2, rect.top() + (rect.height() - size) / 2)
        if strip is not None:
            stamp = self.stamps.badge(strip.priority, size, look.colour("text").name())
        else:
            stamp = self.stamps.glyph(tile.glyph, tile.token, size)
        painter.drawPixmap(where, stamp)
        left = rect.left() + look.px(8 + 16 + 6)
        return left, rect.right() - left, tile.word if strip is None else strip.word

    def _ratio(self) -> float:
        table = self.parent()
        return table.devicePixelRatioF() if isinstance(table, QTableView) else 1.0


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
        self.cells = PaintedCells(self.rows, self)
        self.setItemDelegate(self.cells)
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

    def restyle(self) -> None:
        """Follow the language."""
        self.cells.forget()
        self.rows.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)
        self.viewport().update()

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
