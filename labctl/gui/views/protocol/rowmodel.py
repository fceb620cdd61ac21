"""The rows of the open protocol as a Qt model: what it shows comes from the editor's view-model, cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from labctl.gui.parts.table import QUESTION_ROLE, RAW_ROLE, STRONG_ROLE, TONE_ROLE
from labctl.gui.viewmodels.protocol.changes import why_not_editable
from labctl.gui.viewmodels.protocol.editor import Editor
from labctl.gui.viewmodels.protocol.revisions import column_word
from labctl.gui.viewmodels.protocol.rows import HEADS, MARKS, Column, Kind, Row

Index = QModelIndex | QPersistentModelIndex
NONE = QModelIndex()
COLUMNS: tuple[Column | None, ...] = (
    None, Column.NUMBER, Column.LABEL, Column.STEP, Column.SET, Column.ABSOLUTE, Column.UNTIL, Column.RECORD,
    Column.LIMITS, Column.NEXT,
)  # fmt: skip
"""None: the column of the brackets."""
RIGHT = (Column.NUMBER, Column.SET, Column.ABSOLUTE)
ROW_ROLE = Qt.ItemDataRole.UserRole + 120
FROM_VARIABLE_ROLE = Qt.ItemDataRole.UserRole + 121
"""True: the value comes from a variable; it is underlined."""
PROBLEM_ROLE = Qt.ItemDataRole.UserRole + 122
"""``error`` or ``warning`` where the check found something in the cell."""


class RowModel(QAbstractTableModel):
    """Rows that are seen. ``typed`` is called with row, column and text when a person has edited a cell."""

    def __init__(
        self, editor: Editor, typed: Callable[[Row, Column, str], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.editor, self._typed = editor, typed
        self.rows: tuple[Row, ...] = ()
        self.pending: tuple[str, Column] | None = None
        """The cell on which a question is open: key of the row, column."""

    def refresh(self) -> None:
        """Show the rows as they are now; rows that stay keep their place and selection."""
        rows = self.editor.rows() if self.editor.is_open else ()
        before, after = [row.key for row in self.rows], [row.key for row in rows]
        if before == after:
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def row_at(self, index: Index | int) -> Row | None:
        """Return the row of an index, None where there is none."""
        at = index if isinstance(index, int) else index.row() if index.isValid() else -1
        return self.rows[at] if 0 <= at < len(self.rows) else None

    def column_at(self, index: Index) -> Column | None:
        """Return the column of an index; None for the brackets."""
        return COLUMNS[index.column()] if index.isValid() else None

    def place_of(self, path: tuple[str | int, ...]) -> int:
        """Return where a step's row is, -1 where it is not seen."""
        return next(
            (at for at, row in enumerate(self.rows) if row.path == path and row.kind is not Kind.END), -1
        )

    # -- Qt -------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = NONE) -> int:
        """Return how many rows are seen."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = NONE) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Return the head of a column."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return "" if column is None else column_word(column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in RIGHT:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a cell."""
        row, column = self.row_at(index), self.column_at(index)
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if row is None:
            return flags
        if column is not None and not why_not_editable(row, column):
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = 0) -> Any:
        """Return what a cell shows."""
        row, column = self.row_at(index), self.column_at(index)
        if row is None:
            return None
        if role == ROW_ROLE:
            return row
        if column is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, RAW_ROLE):
            return self.text(row, column)
        if role == Qt.ItemDataRole.EditRole:
            return row.cell(column).typed
        if role == Qt.ItemDataRole.TextAlignmentRole and column in RIGHT:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{column_word(column)}: {self.text(row, column)}"
        return self._look(row, column, role)

    def _look(self, row: Row, column: Column, role: int) -> Any:
        if role == STRONG_ROLE:
            return column is Column.STEP and row.kind in HEADS
        if role == TONE_ROLE:
            return self._tone(row, column)
        if role == FROM_VARIABLE_ROLE:
            return bool(row.cell(column).variables)
        if role == QUESTION_ROLE:
            return self.pending == (row.key, column)
        if role == PROBLEM_ROLE:
            found = [item for item in self.editor.judgement.problems
                     if item.path == row.path and (item.column or Column.STEP) is column and row.is_step]  # fmt: skip
            return "error" if any(item.is_error for item in found) else "warning" if found else ""
        return None

    def text(self, row: Row, column: Column) -> str:
        """Return a cell's text."""
        if column is Column.NUMBER:
            return str(row.number)
        if column is Column.NEXT:
            return row.next
        if column is Column.ABSOLUTE:
            return self.editor.absolute_of(row)
        if column is Column.STEP and row.kind in MARKS:
            return row.kind.value
        return row.cell(column).shown

    def _tone(self, row: Row, column: Column) -> str:
        if column in (Column.NUMBER, Column.ABSOLUTE, Column.NEXT, Column.RECORD):
            return "muted"
        if not row.cell(column).own or (column is Column.STEP and row.kind in MARKS):
            return "muted"
        return "accent" if row.cell(column).variables else ""

    def _tip(self, row: Row, column: Column) -> str:
        parts = [self.editor.sentence_of(row)]
        names = row.cell(column).variables
        if names:
            known = {item.name: item for item in self.editor.document.variables}
            parts += [" ".join(part for part in (f"{name} = {known[name].default}", known[name].note) if part)
                      for name in names if name in known]  # fmt: skip
        problem, _ = self.editor.problems_of(row)
        return "\n".join(part for part in (*parts, problem) if part)

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Hand a typed text to the editor."""
        row, column = self.row_at(index), self.column_at(index)
        if row is None or column is None or role != Qt.ItemDataRole.EditRole:
            return False
        self._typed(row, column, str(value))
        return True
