"""Dialogs of the alarm list: acknowledge with a comment, shelve for a while, hand over the shift."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.alarms import SHELVE_CHOICES_H


class CommentDialog(Dialog):
    """Acknowledge, saying something: it goes into the journal with the person's name."""

    def __init__(self, what: str, take: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(tr("alarms", "Acknowledge with a comment"), parent)
        fix_size(self, width=520)
        self._take = take
        self.body.addWidget(Label(what, tone="muted", wrap=True))
        self.comment = QLineEdit()
        name = tr("alarms", "Comment, for the journal")
        self.comment.setAccessibleName(name)
        self.body.put(Label(name, tone="muted"), self.comment)
        self.act = self.add_button(Button(tr("alarms", "Acknowledge"), rank=Rank.PRIMARY))
        self.cancel = self.add_button(Button(tr("alarms", "Cancel")))
        self.act.clicked.connect(self._do)
        self.cancel.clicked.connect(self.reject)
        self.comment.returnPressed.connect(self._do)
        self.comment.textChanged.connect(lambda text: self._check())
        self._check()
        self.comment.setFocus()

    def _check(self) -> None:
        empty = not self.comment.text().strip()
        set_why(self.act, tr("alarms", "Write a comment, or acknowledge without one (A).") if empty else "")

    def _do(self) -> None:
        if self.act.isEnabled():
            self._take(self.comment.text().strip())
            self.accept()


class ShelveDialog(Dialog):
    """Put alarms aside for some hours, with the reason. ``take`` returns why not, empty when it was sent."""

    def __init__(self, what: str, take: Callable[[float, str], str], parent: QWidget | None = None) -> None:
        super().__init__(tr("alarms", "Shelve"), parent)
        fix_size(self, width=520)
        self._take = take
        self.body.addWidget(Label(what, tone="muted", wrap=True))
        text = tr("alarms", "It leaves the list and nobody is called; it comes back by itself.")
        self.body.addWidget(Label(text, tone="muted", wrap=True))
        self.hours = Segment(
            tr("alarms", "For how long"),
            [
                Choice(str(hours), tr("alarms", "{n} h").format(n=f"{hours:.0f}"))
                for hours in SHELVE_CHOICES_H
            ],
        )
        self.body.addWidget(self.hours)
        self.reason = QLineEdit()
        name = tr("alarms", "Reason, for the journal")
        self.reason.setAccessibleName(name)
        self.body.put(Label(name, tone="muted"), self.reason)
        self.note = Label("", tone="paused", wrap=True)
        self.body.addWidget(self.note)
        self.act = self.add_button(Button(tr("alarms", "Shelve"), rank=Rank.PRIMARY))
        self.cancel = self.add_button(Button(tr("alarms", "Cancel")))
        self.act.clicked.connect(self._do)
        self.cancel.clicked.connect(self.reject)
        self.reason.returnPressed.connect(self._do)
        self.reason.textChanged.connect(lambda text: self._check())
        self._check()
        self.reason.setFocus()

    def _check(self) -> None:
        empty = not self.reason.text().strip()
        set_why(self.act, tr("alarms", "Say why; it goes into the journal.") if empty else "")

    def _do(self) -> None:
        if not self.act.isEnabled():
            return
        why = self._take(float(self.hours.key), self.reason.text().strip())
        self.note.setText(why)
        if not why:
            self.accept()


class HandOverDialog(Dialog):
    """The shift's hand-over as plain text, to be copied into a mail or a book."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(tr("alarms", "Shift hand-over"), parent)
        fix_size(self, width=760)
        self.text = QPlainTextEdit(text)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("alarms", "Shift hand-over"))
        self.text.setMinimumHeight(theme().px(360))
        self.body.addWidget(self.text)
        self.copy = self.add_button(Button(tr("alarms", "Copy"), icon="content-copy", rank=Rank.PRIMARY))
        self.shut = self.add_button(Button(tr("alarms", "Close")))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        self.shut.clicked.connect(self.accept)
        self.copy.setFocus()
