"""The table of a batch that is being entered: typed, pasted, filled down; questions with their answers in the row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QCompleter,
    QLineEdit,
    QStyleOptionViewItem,
)
from PySide6.QtWidgets import QWidget as Widget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.labels import ElidedLabel
from labctl.gui.parts.layouts import Row
from labctl.gui.parts.rows import Field, Head, Index, RowModel, chosen_rows, fit_widths, give_widths
from labctl.gui.parts.table import Cells, Table
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.cellcolumns import KIND_WORDS, NUMBERS, READ_ONLY, TITLES, Col
from labctl.gui.viewmodels.cells import CellsTable, CellText, Look
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.questions import OpenQuestion

WIDTHS = {
    Col.SLOT: 60, Col.CELL: 72, Col.KIND: 56, Col.GROUP: 72, Col.MASS: 78, Col.AREA: 70, Col.ONE_C: 80,
    Col.OCV_MEAS: 88, Col.OCV: 80, Col.BATCH: 96, Col.PROTOCOL: 116, Col.CURRENT: 96, Col.NOTE: 140,
    Col.PROBLEM: 250,
}  # fmt: skip
FITTED = frozenset({Col.SLOT, Col.CELL, Col.PROTOCOL})
RARE = (Col.ONE_C, Col.BATCH, Col.NOTE)
"""Columns that are shown only where some row says something in them."""
TONES = {Look.BAD: "hard", Look.DERIVED: "muted", Look.WARN: "paused"}
QUESTIONS_MAX = 30
"""Rows that get answers in place; the card beside the table has them all, one after the other."""


class EntryDelegate(Cells):
    """Opens editors with completion: protocols, types, groups and batches that are known."""

    def __init__(self, parent: Table) -> None:
        super().__init__(parent)
        self.words: dict[int, Sequence[str]] = {}

    def createEditor(self, parent: Widget, option: QStyleOptionViewItem, index: Index) -> Widget:
        """Return a plain text field: input methods work in it, nothing filters their keys."""
        editor = QLineEdit(parent)
        editor.setFrame(False)
        editor.setAccessibleName(str(index.model().headerData(index.column(), Qt.Orientation.Horizontal)))
        words = self.words.get(index.column(), ())
        if words:
            completer = QCompleter(list(words), editor)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            editor.setCompleter(completer)
            theme().dress(completer.popup())  # Qt gives it no parent
        return editor


class EntryTable(Table):
    """Shows a ``CellsTable``; edits go to ``do``. The last line is empty, to type on."""

    moved = Signal()
    """Another row or column has the keyboard."""

    def __init__(self, table: CellsTable, do: Callable[[Edit | None], None]) -> None:
        super().__init__("")
        self.cells, self.do = table, do
        self.rows_model = RowModel()
        self.rows_model.editable = lambda row, key: key != "#" and Col(key) not in READ_ONLY
        self.rows_model.edit = self._edited
        self.rows_model.typed = self._typed
        self.delegate = EntryDelegate(self)
        self.setItemDelegate(self.delegate)
        self.setModel(self.rows_model)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.EditKeyPressed | triggers.AnyKeyPressed | triggers.DoubleClicked)
        self.selectionModel().currentChanged.connect(lambda now, before: self.moved.emit())
        self.opened.connect(self.edit_there)
        self._answers: list[Button] = []
        self._answered: set[int] = set()
        self._asked: tuple[OpenQuestion, ...] = ()

    # -- what is shown ------------------------------------------------------------------------------------------------

    def show_cells(self, questions: tuple[OpenQuestion, ...]) -> None:
        """Take everything anew from the view-model."""
        table = self.cells
        self._answered = {question.row for question in questions[:QUESTIONS_MAX]}
        rows = [[Field(str(row + 1), "muted"), *(self._field(row, column) for column in Col)]
                for row in range(len(table.rows))]  # fmt: skip
        hint = Field(tr("cells", "a new row: type or paste"), "muted")
        rows.append([Field("", "muted"), *(hint if column is Col.PROBLEM else Field() for column in Col)])
        self.rows_model.show(rows)
        self._show_rare()
        fit_widths(self, self.rows_model)
        self._show_answers(questions)

    def _field(self, row: int, column: Col) -> Field:
        cell: CellText = self.cells.cell(row, column)
        asked = cell.look in (Look.QUESTION, Look.ASKED) and column is not Col.CURRENT
        strong = column is Col.SLOT or (column is Col.CURRENT and cell.look is Look.QUESTION) or asked
        tone = TONES.get(cell.look, "muted" if column in (Col.OCV, Col.PROBLEM) else "")
        raw = cell.text.replace("\u2009", " ").replace("\u2212", "-")
        if column is Col.PROBLEM and row in self._answered:
            return Field("", raw=raw, why=cell.text)  # the row's buttons stand there
        return Field(cell.text, tone, strong, cell.why, asked or cell.look is Look.BAD, raw)

    def _show_rare(self) -> None:
        used = {column: {row.get(column).text for row in self.cells.rows} - {""} for column in RARE}
        hidden = {
            Col.ONE_C: not used[Col.ONE_C], Col.NOTE: not used[Col.NOTE],
            Col.BATCH: used[Col.BATCH] <= {self.cells.batch},
        }  # fmt: skip
        for column, off in hidden.items():
            self.setColumnHidden(self.rows_model.column(column.value), off)

    def retitle(self) -> None:
        """Name everything in the window's language."""
        heads = [Head("#", "#", 44, True)]
        numbers = {*NUMBERS, Col.OCV_MEAS, Col.CURRENT}
        heads += [
            Head(
                column.value, tr("cells", TITLES[column]), WIDTHS[column], column in numbers, column in FITTED
            )
            for column in Col
        ]
        self.rows_model.show_heads(heads)
        give_widths(self, self.rows_model)
        self.setAccessibleName(tr("cells", "Cells of the batch"))

    def offer(self, words: dict[Col, Sequence[str]]) -> None:
        """Give columns words to complete."""
        kinds = list(KIND_WORDS.values())
        self.delegate.words = {
            self.rows_model.column(column.value): found
            for column, found in {Col.KIND: kinds, **words}.items()
        }

    # -- answers in the row -------------------------------------------------------------------------------------------

    def _show_answers(self, questions: tuple[OpenQuestion, ...]) -> None:
        if questions == self._asked and self._answers:
            return
        at = self.rows_model.column(Col.PROBLEM.value)
        for row in {question.row for question in self._asked}:
            self.setIndexWidget(self.rows_model.index(row, at), None)  # type: ignore[arg-type]  # None takes it away
        self._asked, self._answers = questions, []
        done: set[int] = set()
        for question in questions[:QUESTIONS_MAX]:
            if question.row not in done:
                done.add(question.row)
                self.setIndexWidget(self.rows_model.index(question.row, at), self._answer_row(question))

    def _answer_row(self, question: OpenQuestion) -> Widget:
        box = Widget()
        box.setAutoFillBackground(False)
        row = Row(box, margins=(8, 0, 4, 0), gap=6)
        row.addWidget(ElidedLabel(question.short, tone="muted"), 1)
        for answer in question.answers:
            button = Button(answer.brief, height_px=24)
            button.setToolTip(answer.hint or question.text)
            button.setAccessibleName(answer.hint or answer.text)
            button.setAccessibleDescription(question.text)
            button.clicked.connect(lambda checked=False, one=answer: self.do(one.edit()))
            row.addWidget(button)
            self._answers.append(button)
        return box

    @property
    def answers(self) -> tuple[Button, ...]:
        """Return the buttons that stand in rows, top first."""
        return tuple(self._answers)

    # -- editing ------------------------------------------------------------------------------------------------------

    @property
    def place(self) -> tuple[int, Col | None]:
        """Return the row and column that has the keyboard; row -1 where none has."""
        index = self.currentIndex()
        if not index.isValid():
            return -1, None
        key = self.rows_model.heads[index.column()].key
        return index.row(), None if key == "#" else Col(key)

    @property
    def chosen(self) -> list[int]:
        """Return the selected rows that hold something."""
        return [row for row in chosen_rows(self) if row < len(self.cells.rows)]

    def go_to(self, row: int, column: Col) -> None:
        """Put the keyboard on a cell."""
        self.setCurrentIndex(self.rows_model.index(row, self.rows_model.column(column.value)))
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def edit_there(self, index: QModelIndex) -> None:
        """Open the editor on a cell, where it has one."""
        if self.rows_model.flags(index) & Qt.ItemFlag.ItemIsEditable:
            self.edit(index)

    def _edited(self, row: int, key: str, text: str) -> bool:
        column = Col(key)
        if text == self._typed(row, key):
            return False
        self.do(self.cells.set(row, column, text))
        return True

    def _typed(self, row: int, key: str) -> str:
        if key == "#" or row >= len(self.cells.rows):
            return ""
        return self.cells.rows[row].get(Col(key)).text

    def closeEditor(self, editor: Widget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        """Go one row down after Enter, as a spreadsheet does."""
        super().closeEditor(editor, hint)
        if hint is QAbstractItemDelegate.EndEditHint.SubmitModelCache:
            now = self.currentIndex()
            below = self.rows_model.index(now.row() + 1, now.column())
            if below.isValid():
                self.setCurrentIndex(below)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave keys with Ctrl or Alt to the view's acts, so that they open no editor."""
        if event.key() == Qt.Key.Key_Slash and not event.modifiers():
            event.ignore()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the scale with the widths too."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and getattr(self, "rows_model", None) is not None:
            give_widths(self, self.rows_model)

    def point_of(self, row: int, column: Col) -> QPoint:
        """Return the middle of a cell in the viewport."""
        return self.visualRect(self.rows_model.index(row, self.rows_model.column(column.value))).center()
