"""The protocol's head as a form, and its variables as a table: name, value, note, where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QGridLayout, QHeaderView, QLineEdit, QScrollArea, QWidget

from labctl.gui.i18n.translating import mark, tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.fields import mark_problem
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.table import LIST_PX, STRONG_ROLE, TONE_ROLE, Table
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.protocol.document import Document, Outcome
from labctl.gui.viewmodels.protocol.header import FIELDS, HINTS, TITLES, VariableRow, head_text

Index = QModelIndex | QPersistentModelIndex
NONE = QModelIndex()
TITLES_OF_VARIABLES = (
    mark("protocol", "variable"), mark("protocol", "value"), mark("protocol", "note"), mark("protocol", "used"),
)  # fmt: skip


class VariableModel(QAbstractTableModel):
    """The variables. ``typed`` is called with name, column and text."""

    def __init__(self, typed: Callable[[str, int, str], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[VariableRow, ...] = ()
        self._typed = typed

    def show(self, rows: tuple[VariableRow, ...]) -> None:
        """Show these variables."""
        if [row.name for row in rows] == [row.name for row in self.rows]:
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, 3))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = NONE) -> int:
        """Return how many variables there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = NONE) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(TITLES_OF_VARIABLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Return the head of a column."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return tr("protocol", TITLES_OF_VARIABLES[section])
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a cell: all but the count can be edited."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() < 3 else flags

    def data(self, index: Index, role: int = 0) -> Any:
        """Return what a cell shows."""
        row = self.rows[index.row()]
        texts = (row.name, row.default, row.note, tr("protocol", "{n} times").format(n=row.uses))
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return texts[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.note
        if role == STRONG_ROLE:
            return index.column() == 0
        if role == TONE_ROLE:
            return "muted" if index.column() > 1 else ""
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Hand a typed text on."""
        self._typed(self.rows[index.row()].name, index.column(), str(value))
        return True


class HeadPage(QScrollArea):
    """Form and variables. ``wished`` carries an ``Outcome`` for the view to do, with what it is about."""

    wished = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its fields take the keyboard
        self._document = Document("")
        self.fields: dict[str, QLineEdit] = {}
        self.labels: dict[str, Label] = {}
        self.problems: dict[str, Label] = {}
        inner = QWidget()
        column = Column(inner, margins=(16, 12, 16, 12), gap=12)
        column.addLayout(self._form())
        self.heading = Label("", Role.STRONG)
        self.note = Label("", Role.SMALL, "muted", wrap=True)
        column.put(self.heading, self.note)
        self.model = VariableModel(self._variable_typed, self)
        self.table = Table(tr("protocol", "Variables"), row_px=LIST_PX)
        self.table.setModel(self.model)
        triggers = QAbstractItemView.EditTrigger
        self.table.setEditTriggers(triggers.DoubleClicked | triggers.AnyKeyPressed | triggers.EditKeyPressed)
        self.table.opened.connect(self.table.edit)
        column.addWidget(self.table, 1)
        buttons = Row(gap=8)
        self.add, self.remove = Button("", icon="plus"), Button("", icon="delete-outline")
        self.add.clicked.connect(self._add)
        self.remove.clicked.connect(self._remove)
        buttons.put(self.add, self.remove, None)
        column.addLayout(buttons)
        self.setWidget(inner)
        inner.setAutoFillBackground(False)
        self.viewport().setAutoFillBackground(False)
        self.retranslate()

    def _form(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(theme().px(12))
        grid.setVerticalSpacing(theme().px(4))
        for at, name in enumerate(FIELDS):
            label, field, problem = (
                Label("", tone="muted"),
                QLineEdit(),
                Label("", Role.SMALL, "hard", wrap=True),
            )
            fix_size(field, height=32)
            field.editingFinished.connect(lambda name=name: self._field_typed(name))
            label.setBuddy(field)
            grid.addWidget(label, 2 * at, 0)
            grid.addWidget(field, 2 * at, 1)
            grid.addWidget(problem, 2 * at + 1, 1)
            problem.hide()
            self.labels[name], self.fields[name], self.problems[name] = label, field, problem
        return grid

    def retranslate(self) -> None:
        """Take the words anew."""
        for name, label in self.labels.items():
            label.setText(tr("protocolheader", TITLES[name]))
            self.fields[name].setAccessibleName(label.text())
            self.fields[name].setPlaceholderText(tr("protocolheader", HINTS[name]) if HINTS[name] else "")
        self.heading.setText(tr("protocol", "Variables"))
        self.note.setText(
            tr("protocol", "A value that is chosen anew at each start; write its name into a cell to use it.")
        )
        self.add.setText(tr("protocol", "Add variable"))
        self.remove.setText(tr("protocol", "Remove, keep its value"))
        self.model.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, 3)

    def show_document(self, document: Document) -> None:
        """Show a document's head; a field that is being typed in is left alone."""
        self._document = document
        for name, field in self.fields.items():
            text = head_text(document.root, name)
            if not field.hasFocus() or not field.isModified():
                if field.text() != text:
                    field.setText(text)
                    field.setCursorPosition(0)  # a long text is read from its beginning
                self._say(name, "")
            field.setReadOnly(document.trouble is not None)
        self.model.show(document.variables)
        head = self.table.horizontalHeader()
        for at, wide in ((0, 150), (1, 130), (3, 72)):
            self.table.setColumnWidth(at, theme().px(wide))
        head.setStretchLastSection(False)
        head.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        lines = max(2, min(14, self.model.rowCount()))
        self.table.setMinimumHeight(theme().px(32) + lines * theme().px(LIST_PX) + 2)

    def _say(self, name: str, problem: str) -> None:
        self.problems[name].setText(problem)
        self.problems[name].setVisible(bool(problem))
        mark_problem(self.fields[name], problem)

    def _field_typed(self, name: str) -> None:
        field = self.fields[name]
        if not field.isModified():
            return
        field.setModified(False)
        self._hand(name, self._document.set_field(name, field.text()))

    def _hand(self, name: str, outcome: Outcome) -> None:
        said = outcome.why or outcome.question
        if outcome.options:
            said += " " + " / ".join(option.label for option in outcome.options)
        if said and name in self.fields:
            self._say(name, said)
            return
        self.wished.emit(outcome, name)

    def go_to(self, name: str) -> None:
        """Put the keyboard into a field, or the variables."""
        if name in self.fields:
            self.fields[name].setFocus()
        elif name == "variables":
            self.table.setFocus()

    def _variable_typed(self, name: str, column: int, text: str) -> None:
        row = next((item for item in self.model.rows if item.name == name), None)
        if row is None:
            return
        if column == 0:
            self.wished.emit(self._document.rename_variable(name, text.strip()), "variables")
        else:
            default, note = (text, row.note) if column == 1 else (row.default, text)
            if (default, note) != (row.default, row.note):
                self.wished.emit(self._document.set_variable(name, default, note), "variables")

    def _add(self) -> None:
        taken = {row.name for row in self.model.rows}
        name = next(f"value_{number}" for number in range(1, 1000) if f"value_{number}" not in taken)
        self.wished.emit(self._document.set_variable(name, "1 mA", ""), "variables")
        at = next((at for at, row in enumerate(self.model.rows) if row.name == name), -1)
        if at >= 0:
            self.table.setCurrentIndex(self.model.index(at, 0))
            self.table.edit(self.model.index(at, 0))

    def _remove(self) -> None:
        at = self.table.currentIndex().row()
        if 0 <= at < len(self.model.rows):
            self.wished.emit(self._document.remove_variable(self.model.rows[at].name), "variables")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete removes a variable, Insert adds one, where the table has the keyboard."""
        if self.table.hasFocus() and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Insert):
            (self._remove if event.key() == Qt.Key.Key_Delete else self._add)()
            return
        super().keyPressEvent(event)
