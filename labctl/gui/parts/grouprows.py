"""A table model over a view-model's own rows, with heads of groups: what stays keeps its place and its selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.table import RAW_ROLE, STRONG_ROLE, TONE_ROLE

ROW_ROLE = Qt.ItemDataRole.UserRole + 110
"""The row itself, for delegates."""
HEADING_ROLE = Qt.ItemDataRole.UserRole + 111
"""True: the row is the head of a group."""
Index = QModelIndex | QPersistentModelIndex
NONE = QModelIndex()


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a group of rows: painted over all columns, never selected."""

    key: str
    title: str
    count: str = ""


@dataclass(frozen=True, slots=True)
class Col:
    """A column. ``context`` and ``title`` are marked texts; ``show`` gives a row's text, ``tone`` its colour token."""

    context: str
    title: str
    show: Callable[[Any], str]
    right: bool = False
    strong: Callable[[Any], bool] | None = None
    tone: Callable[[Any], str] | None = None
    raw: Callable[[Any], object] | None = None
    tip: Callable[[Any], str] | None = None


class GroupedModel(QAbstractTableModel):
    """Rows with keys. ``show`` compares: the same keys in order repaint only, else rows move with their keys."""

    def __init__(
        self, columns: Sequence[Col], key: Callable[[Any], str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._columns = tuple(columns)
        self._key = key
        self._rows: list[Any] = []
        self._keys: list[str] = []
        self._places: dict[str, int] = {}

    def show(self, rows: Sequence[Any]) -> None:
        """Show these rows, ``Heading`` among them."""
        keys = [self._key_of(row) for row in rows]
        if keys == self._keys:
            changed = [at for at, row in enumerate(rows) if row != self._rows[at]]
            self._rows = list(rows)
            if changed:
                last = self.index(changed[-1], len(self._columns) - 1)
                self.dataChanged.emit(self.index(changed[0], 0), last)
            return
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        before = [self._keys[index.row()] if index.row() < len(self._keys) else "" for index in old]
        self._rows, self._keys = list(rows), keys
        self._places = {name: at for at, name in enumerate(keys)}
        new = [
            self.createIndex(self._places[name], index.column()) if name in self._places else QModelIndex()
            for name, index in zip(before, old, strict=True)
        ]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def _key_of(self, row: Any) -> str:
        return f"heading:{row.key}" if isinstance(row, Heading) else self._key(row)

    def row_at(self, index: Index | int) -> Any:
        """Return a row, None for a heading or a place without one."""
        at = index if isinstance(index, int) else index.row() if index.isValid() else -1
        row = self._rows[at] if 0 <= at < len(self._rows) else None
        return None if isinstance(row, Heading) else row

    def key_at(self, index: Index | int) -> str:
        """Return a row's key; empty for a heading or a place without one."""
        row = self.row_at(index)
        return "" if row is None else self._key(row)

    def place_of(self, key: str) -> int:
        """Return where a row is, -1 where it is not."""
        return self._places.get(key, -1)

    def headings(self) -> list[int]:
        """Return where the heads of groups are."""
        return [at for at, row in enumerate(self._rows) if isinstance(row, Heading)]

    def keys(self) -> list[str]:
        """Return the keys of the rows in order, without headings."""
        return [self._key(row) for row in self._rows if not isinstance(row, Heading)]

    def retranslate(self) -> None:
        """Take the heads of the columns anew."""
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self._columns) - 1)

    # -- Qt ---------------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = NONE) -> int:
        """Return how many rows are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NONE) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self._columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a cell: headings are not selected."""
        if not index.isValid() or isinstance(self._rows[index.row()], Heading):
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Return the head of a column in the window's language."""
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self._columns):
            return None
        column = self._columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return tr(column.context, column.title) if column.title else ""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column.right)
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """Return what a cell shows."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], self._columns[index.column()]
        if isinstance(row, Heading):
            return self._heading_data(row, index.column(), role)
        return self._cell_data(row, column, role)

    @staticmethod
    def _heading_data(row: Heading, column: int, role: int) -> Any:
        if role == HEADING_ROLE:
            return True
        if role == ROW_ROLE:
            return row
        shown = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
        return f"{row.title} {row.count}".strip() if shown and column == 0 else None

    @staticmethod
    def _cell_data(row: Any, column: Col, role: int) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return column.show(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return (column.tip or column.show)(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column.right)
        if role == ROW_ROLE:
            return row
        if role == RAW_ROLE:
            return None if column.raw is None else column.raw(row)
        if role == STRONG_ROLE:
            return bool(column.strong and column.strong(row))
        if role == TONE_ROLE:
            return column.tone(row) if column.tone else None
        return None


def _alignment(right: bool) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
