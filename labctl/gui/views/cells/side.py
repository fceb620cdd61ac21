"""The right column: the question at hand with its consequence, masses by type, the map of slots."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.card import Card
from labctl.gui.parts.labels import ElidedLabel, Label, Line
from labctl.gui.parts.layouts import Row
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.questions import Answer, OpenQuestion
from labctl.gui.viewmodels.slotmap import LegendRow, SlotMap
from labctl.gui.views.cells.painted import SlotFigure, SlotSign


class QuestionCard(Card):
    """Shows one open question at a time. ``answered`` carries the answer, ``edit_wanted`` its row and column."""

    answered = Signal(object)
    edit_wanted = Signal(int, str)

    def __init__(self) -> None:
        super().__init__()
        self._questions: tuple[OpenQuestion, ...] = ()
        self._at = 0
        self._name = Label("", Role.STRONG, wrap=True)
        self._text = Label("", wrap=True)
        self.body.put(self._name, self._text)
        self._lines: list[tuple[QWidget, Label, Label]] = []
        for _ in range(2):
            box = QWidget()
            left, right = Label("", tone="muted"), Label("", Role.STRONG)
            Row(box).put(left, None, right)
            self.body.put(Line(), box)
            self._lines.append((box, left, right))
        self._buttons = Row(gap=8)
        self._buttons.addStretch(1)
        self.body.addLayout(self._buttons)
        self._shown: list[Button] = []

    @property
    def buttons(self) -> tuple[Button, ...]:
        """Return the answers that are offered now."""
        return tuple(self._shown)

    def show_questions(self, questions: tuple[OpenQuestion, ...], row: int) -> None:
        """Show the question of a row, else the first; hidden where there is none."""
        at = next((at for at, one in enumerate(questions) if one.row == row), 0)
        same = questions == self._questions and at == self._at
        self._questions, self._at = questions, at
        self.setVisible(bool(questions))
        if not questions or same:
            return
        question = questions[at]
        told = tr("cells", "Question {n} of {all}").format(n=at + 1, all=len(questions))
        self.set_title(told)
        self._name.setText(question.title)
        self._text.setText(question.text)
        for number, (box, left, right) in enumerate(self._lines):
            shown = number < len(question.lines)
            box.setVisible(shown)
            if shown:
                left.setText(question.lines[number][0])
                right.setText(question.lines[number][1])
        self._show_answers(question)

    def _show_answers(self, question: OpenQuestion) -> None:
        for button in self._shown:
            self._buttons.removeWidget(button)
            button.deleteLater()
        self._shown = []
        for answer in question.answers:
            self._offer(Button(answer.text), answer, question)
        edit = Button(tr("cells", "Edit"), keys="F2")
        edit.clicked.connect(lambda: self.edit_wanted.emit(question.row, question.column.value))
        self._buttons.insertWidget(len(self._shown), edit)
        self._shown.append(edit)

    def _offer(self, button: Button, answer: Answer, question: OpenQuestion) -> None:
        button.setToolTip(answer.hint)
        button.setAccessibleDescription(f"{question.text} {answer.hint}".strip())
        button.clicked.connect(lambda: self.answered.emit(answer))
        self._buttons.insertWidget(len(self._shown), button)
        self._shown.append(button)


class SlotCard(Card):
    """The map of slots with its legend."""

    def __init__(self) -> None:
        super().__init__()
        self.figure = SlotFigure()
        self.body.addWidget(self.figure)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(theme().px(12))
        self._grid.setColumnStretch(3, 1)
        self.body.addLayout(self._grid)
        self._rows: list[tuple[Label, Label, ElidedLabel]] = []

    def show_map(self, slots: SlotMap) -> None:
        """Show the bench as it is now."""
        self.figure.show_map(slots)
        while len(self._rows) < len(slots.legend):
            self._add_row(slots.legend[len(self._rows)])
        for (name, count, told), row in zip(self._rows, slots.legend, strict=True):
            name.setText(row.name)
            count.setText(str(row.count))
            told.setText(row.told)

    def _add_row(self, row: LegendRow) -> None:
        at = len(self._rows)
        name, count, told = Label(""), Label("", Role.STRONG), ElidedLabel("", tone="muted")
        count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(SlotSign(row.state), at, 0)
        self._grid.addWidget(name, at, 1)
        self._grid.addWidget(count, at, 2)
        self._grid.addWidget(told, at, 3)
        self._rows.append((name, count, told))
