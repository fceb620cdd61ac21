"""The handover prompt: large, says which leads go from where to where, which voltage is expected, what differs."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QSizePolicy

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Phase, Rank
from labctl.gui.parts.labels import BadgeLabel, ElidedLabel, Label, Line
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.readout import Readout
from labctl.gui.parts.tight import TightRow
from labctl.gui.parts.why import set_why
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.eis.stages import Prompt

CONFIRM_KEY = "Ctrl+Return"
READOUT_PX = 176


class PromptCard(QFrame):
    """Hidden while nobody is asked. ``confirmed`` and ``accepted`` forward; ``next_wanted`` shows another prompt."""

    confirmed = Signal()
    accepted = Signal(str)
    next_wanted = Signal()
    reason_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("part", "toast")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # read aloud as a whole; no key does anything here
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.badge, self.title = BadgeLabel("medium", 20), ElidedLabel("", Role.TITLE)
        self.since, self.count = Label("", tone="muted"), Button("", icon="chevron-right", rank=Rank.QUIET)
        self.steps = [ElidedLabel() for _ in range(3)]
        self.trouble = ElidedLabel("", Role.STRONG)
        self.expected, self.measured, self.line = Readout(), Readout(), Line(standing=True)
        self.voltages = ElidedLabel(tone="muted")
        self.reason = QLineEdit()
        self.accept = Button(icon="alert-outline", act=True)
        self.confirm = Button(icon="check", rank=Rank.PRIMARY, keys=CONFIRM_KEY, act=True)
        self._run_id, self._told, self._low, self._known = "", "", False, False
        for readout in (self.expected, self.measured):
            fix_size(readout, width=READOUT_PX)
        self._lay_out()
        self.count.clicked.connect(self.next_wanted)
        self.confirm.clicked.connect(self.confirmed)
        self.accept.clicked.connect(lambda: self.accepted.emit(self.reason.text()))
        self.reason.textChanged.connect(self.reason_changed)
        self.hide()

    def _lay_out(self) -> None:
        head = Row(gap=12)
        head.addWidget(self.badge)
        head.addWidget(self.title, 1)
        head.put(self.since, self.count)
        told = Column(gap=2)
        told.put(*self.steps)
        told.addWidget(self.trouble)
        middle = Row(gap=8)
        middle.addLayout(told, 1)
        middle.put(self.line, self.expected, self.measured)
        foot = TightRow()
        row = Row(foot, gap=8)
        row.addWidget(self.reason, 3)
        row.addWidget(self.accept)
        row.addWidget(self.voltages, 2)
        row.addWidget(self.confirm)
        column = Column(self, margins=(16, 12, 16, 12), gap=8)
        column.addLayout(head)
        column.addLayout(middle)
        column.addWidget(foot)

    def show_prompt(self, prompt: Prompt | None, place: int, count: int, since: str) -> None:
        """Show what is asked, None hides it; a reason that was being written is kept while the prompt is the same."""
        self.setVisible(prompt is not None)
        if prompt is None:
            self._run_id = ""
            return
        if prompt.run_id != self._run_id:
            self._run_id = prompt.run_id
            self.reason.clear()
        self.setAccessibleName(prompt.title)
        self.setAccessibleDescription(" ".join((*prompt.steps, prompt.trouble)))
        self.title.setText(prompt.title)
        self.title.setToolTip("\n".join((prompt.title, *prompt.steps, prompt.told)))
        for label, text in zip(self.steps, prompt.steps, strict=True):
            label.setText(text)
        self.trouble.setText(prompt.trouble)
        self.since.setText(since)
        self.count.setText(tr("eis", "{n} of {all}").format(n=place, all=count))
        self.count.setVisible(count > 1)
        at = tr("eis", "at {place}")
        self.expected.show_value(*_split(prompt.expected), at.format(place=prompt.begin))
        self.measured.show_value(*_split(prompt.measured), at.format(place=prompt.end))
        told = tr("eis", "expected {voltage} at {place}")
        self._told = told.format(voltage=prompt.expected, place=prompt.begin)
        self._known = prompt.measured != "-"
        self._place()
        for part in (self.reason, self.accept):
            part.setVisible(prompt.differs)
        self._name_confirm(prompt.differs)

    def set_low(self, low: bool) -> None:
        """Say it in two lines where there is no height: the title says from where to where."""
        if low != self._low:
            self._low = low
            self._place()

    def _place(self) -> None:
        """Show what there is height for."""
        trouble = bool(self.trouble.text())
        for at, label in enumerate(self.steps):
            label.setVisible(not self._low and not (trouble and at == len(self.steps) - 1))
        self.trouble.setVisible(trouble)
        for part in (self.line, self.expected, self.measured):
            part.setVisible(not self._low)
        self.measured.setVisible(not self._low and self._known)
        self.voltages.setText(self._told if self._low and not trouble else "")

    def show_acts(self, confirm_why: str, accept_why: str, phase: Phase, told: str) -> None:
        """Show what can be pressed, why the rest is off, and how the confirmation stands."""
        if (self.confirm.phase, self.confirm.accessibleDescription()) != (phase, told):
            self.confirm.show_phase(phase, told)
        set_why(self.confirm, "" if phase is Phase.TROUBLE else confirm_why)
        set_why(self.accept, accept_why)
        if phase is Phase.TROUBLE:
            self.confirm.setToolTip(told)

    def _name_confirm(self, again: bool) -> None:
        self.confirm.setText(
            tr("eis", "Moved anew: compare again") if again else tr("eis", "Leads are moved")
        )

    def retranslate(self) -> None:
        """Take every word anew."""
        self.expected.set_name(tr("eis", "expected OCV"))
        self.measured.set_name(tr("eis", "measured OCV"))
        hint = tr("eis", "Why this voltage is right all the same, for the journal")
        self.reason.setPlaceholderText(hint)
        self.reason.setAccessibleName(hint)
        self.accept.setText(tr("eis", "Accept this voltage"))
        self.count.name_it(tr("eis", "Show the next prompt"))
        self._name_confirm(self.accept.isVisibleTo(self))


def _split(text: str) -> tuple[str, str]:
    """Return a figure and its unit apart."""
    figure, _, unit = text.partition("\u2009")
    return figure, unit
