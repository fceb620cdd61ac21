"""What went wrong, in the window, until a person has read it: what, why, what next; details foldable, copy (R14)."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.labels import BadgeLabel, ElidedLabel, Label
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.theme.fonts import Role

KEPT = 100
"""Troubles that nobody has dismissed; older ones are in the events."""


class Told(Protocol):
    """The words of a trouble: ``labctl.gui.viewmodels.acts.Trouble`` is one."""

    @property
    def what(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def next(self) -> str: ...
    @property
    def details(self) -> str: ...


class TroubleBar(QFrame):
    """The newest trouble; a count says how many stand behind it. Nothing goes by itself."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("part", "banner")
        self.setObjectName("trouble")
        self._told: list[Told] = []
        self.what, self.why = Label("", Role.STRONG), ElidedLabel()
        self.more = Label("", Role.SMALL, "muted")
        self.fold = Button(rank=Rank.QUIET, height_px=28)
        self.copy = Button(icon="content-copy", rank=Rank.QUIET, height_px=28)
        self.away = Button(height_px=28)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        fix_size(self.details, height=120)
        row = Row(margins=(16, 6, 16, 6), gap=8)
        row.put(BadgeLabel("high", 18), self.what)
        row.addWidget(self.why, 1)
        row.put(self.more, self.fold, self.copy, self.away)
        outer = Column(self, gap=0)
        outer.addLayout(row)
        outer.addWidget(self.details)
        self.fold.clicked.connect(lambda: self.details.setVisible(self.details.isHidden()))
        self.copy.clicked.connect(self._copy)
        self.away.clicked.connect(self._dismiss)
        self.retranslate()
        self.hide()

    def retranslate(self) -> None:
        """Take the words of the language."""
        self.fold.setText(tr("trouble", "Details"))
        self.copy.name_it(tr("trouble", "Copy the text"))
        self.away.setText(tr("trouble", "Dismiss"))
        self.details.setAccessibleName(tr("trouble", "Details"))

    def say(self, told: Told) -> None:
        """Show a trouble in front of those that were not dismissed."""
        if told in self._told:  # the same once more: it comes to the front
            self._told.remove(told)
        self._told.append(told)
        del self._told[:-KEPT]
        self._show()

    @property
    def text(self) -> str:
        """Return the whole text of what is shown, as it is copied."""
        if not self._told:
            return ""
        told = self._told[-1]
        return "\n".join(part for part in (told.what, told.why, told.next, told.details) if part)

    def _show(self) -> None:
        self.setVisible(bool(self._told))
        if not self._told:
            return
        told = self._told[-1]
        self.what.setText(told.what)
        self.why.setText(" ".join(part for part in (told.why, told.next) if part))
        self.fold.setVisible(bool(told.details))
        self.details.setPlainText(told.details)
        self.details.hide()
        behind = len(self._told) - 1
        self.more.setText(tr("trouble", "and {n} more").format(n=behind) if behind else "")
        self.setAccessibleName(self.text)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)

    def _dismiss(self) -> None:
        if self._told:
            self._told.pop()
        self._show()
