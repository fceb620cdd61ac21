"""A table model over rows that a view-model has made ready to paint; only what differs is told to the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    Qt,
)
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from labctl.gui.parts.paint import box
from labctl.gui.parts.table import QUESTION_ROLE, RAW_ROLE, STRONG_ROLE, TONE_ROLE, Cells, Table
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
FIT_MAX_PX = 260
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class Head:
    """A column: its title in the window's language, its width at 100 %, numbers to the right."""

    key: str
    title: str
    width_px: int = 100
    right: bool = False
    fit: bool = False
    """The column grows with its longest text (ids and places, which must never be cut)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One cell. ``why`` is its tooltip; ``checked`` None = no tick; ``off`` = a tick that cannot be set."""

    text: str = ""
    tone: str = ""
    strong: bool = False
    why: str = ""
    question: bool = False
    raw: str = ""
    checked: bool | None = None
    off: bool = False


class RowModel(QAbstractTableModel):
    """Shows rows of ``Field``. ``edit`` and ``tick`` forward what a person does; ``typed`` is what an editor opens on.

    ``key_of_row`` names rows, so that a selection stays on what it was when rows come and go.
    """

    def __init__(self, heads: Sequence[Head] = ()) -> None:
        super().__init__()
        self.heads = tuple(heads)
        self.rows: tuple[tuple[Field, ...], ...] = ()
        self.keys: tuple[str, ...] = ()
        self.edit: Callable[[int, str, str], bool] | None = None
        self.editable: Callable[[int, str], bool] = lambda row, key: False
        self.typed: Callable[[int, str], str] | None = None
        self.tick: Callable[[int, bool], None] | None = None

    def show(self, rows: Sequence[Sequence[Field]], keys: Sequence[str] = ()) -> None:
        """Show these rows; keys default to their numbers."""
        made = tuple(tuple(row) for row in rows)
        names = tuple(keys) or tuple(str(number) for number in range(len(made)))
        if names == self.keys and len(made) == len(self.rows):
            changed = [at for at, row in enumerate(made) if row != self.rows[at]]
            self.rows = made
            if changed:
                last = max(0, self.columnCount() - 1)
                self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], last))
            return
        kept = len(set(names)) == len(names) and len(set(self.keys)) == len(self.keys)
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        places = {name: at for at, name in enumerate(names)}
        was = [(index, self.keys[index.row()] if index.row() < len(self.keys) else "") for index in old]
        self.rows, self.keys = made, names
        for index, name in was:
            at = places.get(name, -1) if kept else -1
            new = self.index(at, index.column()) if at >= 0 else QModelIndex()
            self.changePersistentIndex(index, new)
        self.layoutChanged.emit()

    def show_heads(self, heads: Sequence[Head]) -> None:
        """Name the columns anew (another language)."""
        if len(heads) != len(self.heads):
            self.beginResetModel()
            self.heads = tuple(heads)
            self.endResetModel()
            return
        self.heads = tuple(heads)
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, max(0, len(heads) - 1))

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return how many rows there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self.heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Return a column's title and how it is aligned."""
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.heads):
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self.heads[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if self.heads[section].right else LEFT
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """Return what is painted of a cell, copied and read aloud."""
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        if index.column() >= len(self.rows[index.row()]):
            return None
        field = self.rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return field.text
        if role == Qt.ItemDataRole.EditRole:
            key = self.heads[index.column()].key
            return field.text if self.typed is None else self.typed(index.row(), key)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if self.heads[index.column()].right else LEFT
        if role == Qt.ItemDataRole.CheckStateRole and field.checked is not None:
            return Qt.CheckState.Checked if field.checked else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.heads[index.column()].title} {field.text} {field.why}".strip()
        kept = {
            Qt.ItemDataRole.ToolTipRole: field.why or field.text, TONE_ROLE: field.tone,
            STRONG_ROLE: field.strong, QUESTION_ROLE: field.question, RAW_ROLE: field.raw or None,
        }  # fmt: skip
        return kept.get(role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a cell."""
        found = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if not index.isValid() or index.row() >= len(self.rows):
            return found
        if self.editable(index.row(), self.heads[index.column()].key):
            found |= Qt.ItemFlag.ItemIsEditable
        field = self.rows[index.row()][index.column()]
        if field.checked is not None and not field.off:
            found |= Qt.ItemFlag.ItemIsUserCheckable
        return found

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Forward what a person typed or ticked."""
        if role == Qt.ItemDataRole.CheckStateRole and self.tick is not None:
            self.tick(index.row(), Qt.CheckState(value) is Qt.CheckState.Checked)
            return True
        if role == Qt.ItemDataRole.EditRole and self.edit is not None:
            return self.edit(index.row(), self.heads[index.column()].key, str(value))
        return False

    def column(self, key: str) -> int:
        """Return where a column is. Raises: ValueError for one that is not there."""
        return [head.key for head in self.heads].index(key)


def give_widths(table: Table, model: RowModel) -> None:
    """Give the columns their widths at the present scale; the last takes what is left."""
    for at, head in enumerate(model.heads):
        table.setColumnWidth(at, theme().px(head.width_px))
    fit_widths(table, model)


class TickCells(Cells):
    """Paints ticks at the person's scale, their edge as plain in the dark as in the light; a press toggles."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Leave the style's own small tick out."""
        super().initStyleOption(option, index)
        option.features &= ~QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the cell, then its tick."""
        super().paint(painter, option, index)
        state = index.data(Qt.ItemDataRole.CheckStateRole)
        if state is None:
            return
        look, size = theme(), theme().px(16)
        on = bool(index.flags() & Qt.ItemFlag.ItemIsUserCheckable)
        area = option.rect
        where = QRect(area.center().x() - size // 2 + 1, area.center().y() - size // 2 + 1, size, size)
        box(painter, where, look.colour("field") if on else None, look.colour("border" if on else "hairline"))
        if Qt.CheckState(state) is Qt.CheckState.Checked:
            look.icon("check", "text" if on else "off").paint(painter, where)

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """Toggle at a press on the cell."""
        state = index.data(Qt.ItemDataRole.CheckStateRole)
        if state is None or not index.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            return False
        if event.type() != QEvent.Type.MouseButtonRelease:
            return event.type() == QEvent.Type.MouseButtonDblClick
        off = Qt.CheckState(state) is Qt.CheckState.Checked
        new = Qt.CheckState.Unchecked if off else Qt.CheckState.Checked
        return model.setData(index, new, Qt.ItemDataRole.CheckStateRole)


class _Widths(QObject):
    """Gives the columns their widths anew at each scale; lives as long as the table, and its connection with it."""

    def __init__(self, table: Table, model: RowModel) -> None:
        super().__init__(table)
        self._table, self._model = table, model
        theme().changed.connect(self.apply)

    def apply(self) -> None:
        """Give the widths."""
        give_widths(self._table, self._model)


def keep_widths(table: Table, model: RowModel) -> None:
    """Give a table its model, and its columns their widths at every scale."""
    table.setModel(model)
    _Widths(table, model)


def fit_widths(table: Table, model: RowModel) -> None:
    """Let columns that must never be cut grow to their longest text; none becomes narrower."""
    metrics = QFontMetrics(theme().font(Role.STRONG))
    for at, head in enumerate(model.heads):
        if head.fit and not table.isColumnHidden(at):
            longest = max((metrics.horizontalAdvance(row[at].text) for row in model.rows), default=0)
            needed = min(theme().px(FIT_MAX_PX), longest + theme().px(26))
            if table.columnWidth(at) < needed:
                table.setColumnWidth(at, needed)


def chosen_rows(table: Table) -> list[int]:
    """Return the selected rows, top first."""
    selection = table.selectionModel()
    return [] if selection is None else sorted({index.row() for index in selection.selectedIndexes()})
