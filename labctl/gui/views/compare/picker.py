"""The dialog that adds runs: search, batch, selection or all, a table with marks, how they are grouped."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QHeaderView, QWidget

from labctl.gui.i18n.translating import mark, tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.fields import ChoiceBox, SearchField
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, Row
from labctl.gui.parts.table import STRONG_ROLE, TONE_ROLE, Table
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.comparing import GroupBy
from labctl.gui.viewmodels.runpicker import From, PickRow, RunPicker

HEADS = (
    "", mark("compare", "cell"), mark("compare", "group"), mark("compare", "batch"), mark("compare", "protocol"),
    mark("compare", "state"), mark("compare", "cycles"), mark("compare", "test time"),
)  # fmt: skip
WIDTHS_PX = (36, 150, 110, 90, 150, 90, 70, 110)
CYCLES_COLUMN = 6
FROM_WORDS = {
    From.ALL: mark("compare", "all runs"),
    From.SELECTION: mark("compare", "selected channels"),
    From.RUNNING: mark("compare", "running"),
    From.ENDED: mark("compare", "ended"),
}
GROUP_WORDS = {
    GroupBy.COATING: mark("compare", "coating"),
    GroupBy.BATCH: mark("compare", "batch"),
    GroupBy.PROTOCOL: mark("compare", "protocol"),
    GroupBy.CELL: mark("compare", "cell"),
}
Index = QModelIndex | QPersistentModelIndex


class PickModel(QAbstractTableModel):
    """The offered runs; the first column is the mark."""

    def __init__(self, picker: RunPicker, parent: QWidget) -> None:
        super().__init__(parent)
        self.picker, self.rows = picker, picker.rows()

    def take(self) -> None:
        """Show what is offered now."""
        fresh = self.picker.rows()
        if [row.run.run_id for row in fresh] == [row.run.run_id for row in self.rows]:
            self.rows = fresh
            if fresh:
                self.dataChanged.emit(self.index(0, 0), self.index(len(fresh) - 1, len(HEADS) - 1))
            return
        self.beginResetModel()
        self.rows = fresh
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        """Return how many are offered."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        """Return the columns."""
        return len(HEADS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the head of a column."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return tr("compare", HEADS[section]) if HEADS[section] else ""
        if role == Qt.ItemDataRole.TextAlignmentRole and section == CYCLES_COLUMN:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.CheckStateRole and index.column() == 0:
            on = self.picker.marked(row.run.run_id) or row.taken
            return Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == CYCLES_COLUMN:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == STRONG_ROLE:
            return index.column() == 1
        if role == TONE_ROLE and row.taken:
            return "muted"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tr("compare", "compared already") if row.taken else str(row.run.run_id)
        return None

    @staticmethod
    def _text(row: PickRow, column: int) -> str:
        texts = ("", row.cell, row.group, row.batch, row.protocol, row.state, str(row.cycles), row.length)
        return texts[column]

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return that rows can be chosen and marked."""
        taken = self.rows[index.row()].taken
        on = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        return on if taken or index.column() else on | Qt.ItemFlag.ItemIsUserCheckable

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take a mark."""
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        self.picker.mark([self.rows[index.row()].run.run_id], Qt.CheckState(value) == Qt.CheckState.Checked)
        return True


class _Runs(Table):
    """Space marks all selected rows, Shift+Space every test of the cell."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Mark with Space; Enter is the dialog's."""
        model = self.model()
        if event.key() == Qt.Key.Key_Space and isinstance(model, PickModel):
            rows = [model.rows[index.row()] for index in self.selectionModel().selectedRows()]
            free = [row.run.run_id for row in rows if not row.taken]
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                for run_id in free:
                    model.picker.mark_cell(run_id)
            else:
                model.picker.mark(free, not all(model.picker.marked(run_id) for run_id in free))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()
        else:
            super().keyPressEvent(event)


class PickDialog(QDialog):
    """Choose runs. ``accept`` leaves them marked in the picker; ``group_by`` says how they are grouped."""

    def __init__(self, picker: RunPicker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picker = picker
        self.setWindowTitle(tr("compare", "Add runs to compare"))
        self.resize(theme().px(920), theme().px(560))
        self.search = SearchField(tr("compare", "Search cell, group, batch, protocol"))
        self.source, self.batch = ChoiceBox(tr("compare", "from")), ChoiceBox(tr("compare", "batch"))
        self.group_by = ChoiceBox(tr("compare", "group by"))
        self.source.show_choices([(one.value, tr("compare", FROM_WORDS[one])) for one in From])
        self.source.choose(picker.source.value)
        self.group_by.show_choices([(one.value, tr("compare", GROUP_WORDS[one])) for one in GroupBy])
        self.model = PickModel(picker, self)
        self.table = _Runs(tr("compare", "Runs"))
        self.table.setModel(self.model)
        self.note = Label("", Role.BODY, "muted")
        self.mark_all = Button(tr("compare", "Mark all shown"))
        self.cancel = Button(tr("compare", "Cancel"))
        self.add = Button(tr("compare", "Add"), rank=Rank.PRIMARY)
        self.add.setDefault(True)
        self._lay_out()
        self._wire()
        self._take()
        self.search.setFocus()

    def _lay_out(self) -> None:
        outer = Column(self, margins=(16, 16, 16, 16), gap=8)
        top, foot = Row(gap=8), Row(gap=8)
        top.addWidget(self.search, 1)
        top.put(self.source, self.batch)
        foot.put(self.mark_all, self.group_by)
        foot.addWidget(self.note, 1)
        foot.put(self.cancel, self.add)
        outer.addLayout(top)
        outer.addWidget(self.table, 1)
        outer.addLayout(foot)
        head = self.table.horizontalHeader()
        for column, width_px in enumerate(WIDTHS_PX):
            self.table.setColumnWidth(column, theme().px(width_px))
        head.setSectionResizeMode(4, QHeaderView.ResizeMode.Stretch)
        head.setStretchLastSection(False)

    def _wire(self) -> None:
        self.search.textChanged.connect(lambda text: self.picker.narrow(text=text))
        self.source.chosen.connect(lambda key: self.picker.narrow(source=From(key)))
        self.batch.chosen.connect(lambda key: self.picker.narrow(batch="" if key == "*" else key))
        self.mark_all.clicked.connect(self.picker.mark_shown)
        self.table.opened.connect(lambda index: self.picker.mark([self.model.rows[index.row()].run.run_id]))
        self.cancel.clicked.connect(self.reject)
        self.add.clicked.connect(self.accept)
        unwatch = self.picker.watch(self._take)
        self.finished.connect(lambda result: unwatch())
        self.picker.ask()

    def _take(self) -> None:
        self.model.take()
        batches = [("*", tr("compare", "all")), *((name, name) for name in self.picker.batches)]
        if self.batch.count() != len(batches):
            self.batch.show_choices(batches)
        set_why(self.add, self.picker.why_not)
        count = self.picker.count
        self.add.setText(tr("compare", "Add {n}").format(n=count) if count else tr("compare", "Add"))
        trouble = self.picker.trouble
        shown = tr("compare", "{n} runs shown, {m} marked").format(n=len(self.model.rows), m=count)
        self.note.setText(f"{trouble.what} {trouble.why}" if trouble is not None else shown)
