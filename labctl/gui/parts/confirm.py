"""Confirm what can harm or lose, and nothing else (R2): object and effect named, the safe button is the default.

What is asked comes from ``viewmodels.confirming``; there is no "don't ask again".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.why import set_why

if TYPE_CHECKING:
    from labctl.gui.viewmodels.confirming import Confirmation

Answer = Callable[[str, str], None]
"""Called with the reason and the typed word when a person means it; never when they back out."""


class Confirm(Dialog):
    """The dialog of a question. Enter is the safe button, as long as the focus is nowhere else."""

    def __init__(self, question: Confirmation, answer: Answer, parent: QWidget | None = None) -> None:
        super().__init__(question.title, parent)
        self._question, self._answer = question, answer
        fix_size(self, width=520)
        if len(question.objects) > 1:
            self.body.addWidget(Label(", ".join(question.objects), wrap=True))
        self.body.addWidget(Label(question.effect, tone="muted", wrap=True))
        self.typed, self.reason = QLineEdit(), QLineEdit()
        if question.typed:
            self._ask(self.typed, question.typed_prompt)
        if question.reason_needed:
            self._ask(self.reason, tr("confirm", "Reason, for the journal"))
        self.act = self.add_button(Button(question.act_label))
        self.safe = self.add_button(Button(question.safe_label))
        self.act.clicked.connect(self._do)
        self.safe.clicked.connect(self.reject)
        for field in (self.typed, self.reason):
            field.textChanged.connect(self._check)
        self._check()
        first = self.typed if question.typed else self.reason if question.reason_needed else self.safe
        self.safe.setDefault(True)
        first.setFocus()

    def _ask(self, field: QLineEdit, name: str) -> None:
        field.setAccessibleName(name)
        label = Label(name, tone="muted")
        label.setBuddy(field)
        self.body.put(label, field)

    def _check(self) -> None:
        set_why(self.act, self._question.ready(self.typed.text(), self.reason.text()))

    def _do(self) -> None:
        self.accept()
        # The word as the station takes it: RELEASE is as good an answer here, and was refused there.
        self._answer(self.reason.text().strip(), self._question.typed or self.typed.text().strip())


def confirm(question: Confirmation, answer: Answer, parent: QWidget) -> Confirm:
    """Ask without blocking: the window goes on, and Stop all outputs works from the dialog too."""
    dialog = Confirm(question, answer, parent.window())
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def confirm_or_do(question: Confirmation | None, answer: Answer, parent: QWidget) -> Confirm | None:
    """Ask where there is a question; where there is none, do it at once."""
    if question is None:
        answer("", "")
        return None
    return confirm(question, answer, parent)
