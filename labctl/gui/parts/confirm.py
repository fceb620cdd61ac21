"""Confirm what can harm or lose, and nothing else (R2): object and effect named, the safe button is the default.

There is no "don't ask again". A stop of many asks for their number; release and reset ask for a word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QLineEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.fields import mark_problem
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.why import set_why

MANY = 4
"""A stop of more cells than this asks for their number."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``title`` names the object, ``effects`` what happens, ``act`` the button that does it.

    ``word``: what must be typed before the act is possible. ``reason``: ask for a reason, which goes into the journal.
    """

    title: str
    effects: Sequence[str]
    act: str
    icon: str = ""
    safe: str = ""
    word: str = ""
    reason: bool = False


class Confirm(Dialog):
    """The dialog of a question; ``answer`` is called with the typed reason when a person means it."""

    def __init__(
        self, question: Question, answer: Callable[[str], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(question.title, parent)
        self._question, self._answer = question, answer
        fix_size(self, width=520)
        for effect in question.effects:
            self.body.addWidget(Label(effect, wrap=True))
        self.typed, self.reason = QLineEdit(), QLineEdit()
        if question.word:
            self._ask(self.typed, tr("confirm", "Type {word} to go on").format(word=question.word))
        if question.reason:
            self._ask(self.reason, tr("confirm", "Reason, for the journal"))
        self.act = self.add_button(Button(question.act, icon=question.icon))
        self.safe = self.add_button(Button(question.safe or tr("confirm", "Keep as it is")))
        self.act.clicked.connect(self._do)
        self.safe.clicked.connect(self.reject)
        for field in (self.typed, self.reason):
            field.textChanged.connect(self._check)
        self._check()
        first = self.typed if question.word else self.reason if question.reason else self.safe
        self.safe.setDefault(True)
        first.setFocus()

    def _ask(self, field: QLineEdit, name: str) -> None:
        field.setAccessibleName(name)
        label = Label(name, tone="muted")
        label.setBuddy(field)
        self.body.put(label, field)

    def _check(self) -> None:
        question = self._question
        reason = ""
        if question.word and self.typed.text().strip() != question.word:
            reason = tr("confirm", "Type {word} to go on").format(word=question.word)
        elif question.reason and not self.reason.text().strip():
            reason = tr("confirm", "Give a reason: it goes into the journal")
        set_why(self.act, reason)
        mark_problem(self.typed, reason if self.typed.text() and question.word else "")

    def _do(self) -> None:
        self.accept()
        self._answer(self.reason.text().strip())


def confirm(question: Question, answer: Callable[[str], None], parent: QWidget) -> Confirm:
    """Ask a question without blocking; ``answer`` gets the reason, and is not called when a person backs out."""
    dialog = Confirm(question, answer, parent.window())
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def stop_question(names: Sequence[str], effects: Sequence[str] = ()) -> Question:
    """Return the question before running cells are stopped; more than four ask for their number."""
    count = len(names)
    told = list(effects) or [
        tr("confirm", "The test ends and the output is switched off. It cannot be resumed.")
    ]
    if count == 1:
        title = tr("confirm", "Stop {name}?").format(name=names[0])
    else:
        title = tr("confirm", "Stop {count} running cells?").format(count=count)
        told.insert(0, ", ".join(names))
    return Question(
        title,
        told,
        tr("confirm", "Stop"),
        icon="stop",
        safe=tr("confirm", "Let it run") if count == 1 else tr("confirm", "Let them run"),
        word=str(count) if count > MANY else "",
    )
