"""Dialogs of the editor: the name under which a new protocol is saved, and what a revision is for."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.fields import mark_problem
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.theme.fonts import Role


class NameDialog(Dialog):
    """Asks for a name and a note. ``done`` gets both and returns why they cannot be taken, empty where they can."""

    def __init__(
        self, title: str, act: str, name: str, done: Callable[[str, str], str], *, note: bool = True,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(title, parent)
        fix_size(self, width=480)
        self._done = done
        self.name, self.note = QLineEdit(name), QLineEdit()
        self.name.setAccessibleName(tr("protocol", "Name"))
        self.note.setAccessibleName(tr("protocol", "What is it for?"))
        self.note.setPlaceholderText(tr("protocol", "what has changed, and why (may stay empty)"))
        self.problem = Label("", Role.SMALL, "hard", wrap=True)
        told = tr("protocol", "Letters, digits, “-” and “_”; the title inside may be anything.")
        hint = Label(told, Role.SMALL, "muted", wrap=True)
        self.body.put(Label(tr("protocol", "Name")), self.name, hint)
        if note:
            self.body.put(Label(tr("protocol", "What is it for?")), self.note)
        self.body.addWidget(self.problem)
        self.problem.hide()
        self.take = self.add_button(Button(act, rank=Rank.PRIMARY))
        self.cancel = self.add_button(Button(tr("protocol", "Cancel")))
        self.take.clicked.connect(self._take)
        self.cancel.clicked.connect(self.reject)
        self.name.returnPressed.connect(self._take)
        self.note.returnPressed.connect(self._take)
        self.name.setFocus()
        self.name.selectAll()

    def _take(self) -> None:
        why = self._done(self.name.text().strip(), self.note.text().strip())
        if why:
            self.problem.setText(why)
            self.problem.show()
            mark_problem(self.name, why)
            return
        self.accept()
