"""The table of figures per cell and group; copied as tab-separated text with its head (R10)."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.table import RAW_ROLE, STRONG_ROLE, TONE_ROLE
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.compare import Compare
from labctl.gui.viewmodels.comparetable import Column, FigureRow, columns_of, rows_of

Index = QModelIndex | QPersistentModelIndex
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class FigureModel(QAbstractTableModel):
    """Groups with their cells below them."""

    def __init__(self, compare: Compare, parent: QWidget) -> None:
        super().__init__(parent)
        self._compare = compare
        self.columns: tuple[Column, ...] = columns_of(compare)
        self.rows: tuple[FigureRow, ...] = ()

    def take(self) -> None:
        """Show the figures as they are now."""
        rows, columns = rows_of(self._compare), columns_of(self._compare)
        same = [row.title for row in rows] == [row.title for row in self.rows]
        if same and rows:
            self.rows, self.columns = rows, columns
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(columns)))
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(columns))
            return
        self.beginResetModel()
        self.rows, self.columns = rows, columns
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        """Return groups and cells."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        """Return the name and the figures."""
        return 0 if parent.isValid() else 1 + len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the name of a figure with its unit."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section - 1].head if section else tr("figures", "group, cell")
        return RIGHT if role == Qt.ItemDataRole.TextAlignmentRole and section else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows, and what is copied of it."""
        row, at = self.rows[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, RAW_ROLE):
            if not at:
                return row.title
            return row.texts[at - 1] if role == Qt.ItemDataRole.DisplayRole else row.plain[at - 1]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if at else int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        if role == STRONG_ROLE:
            return not row.run_id
        if role == TONE_ROLE and at and row.texts[at - 1] == "-":
            return "muted"
        if role == Qt.ItemDataRole.BackgroundRole and not row.run_id:
            return theme().colour("head")
        if role == Qt.ItemDataRole.DecorationRole and not at and not row.run_id:
            curves = theme().tokens.curves
            return QColor(curves[row.colour % len(curves)])
        return None
