"""After a power cut: what was, what the device says, what is proposed; one, a group or all are accepted (U11)."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAction, QKeySequence

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.empty import Empty
from labctl.gui.parts.fields import SearchField
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.rows import Field, Head, RowModel, chosen_rows, fit_widths, give_widths, keep_widths
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.soon import Soon
from labctl.gui.parts.table import Table
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.parts.why import set_why, why
from labctl.gui.viewmodels.recovery import GROUPS, Proposal, Recovery, RecoveryRow, in_group

TONES = {
    Proposal.NOTHING: "muted", Proposal.WAIT: "muted", Proposal.FOLLOW: "", Proposal.FETCH: "",
    Proposal.LOOK: "paused", Proposal.RESET: "paused",
}  # fmt: skip


class RecoveryView(View):
    """Shows ``Recovery``. Accepting reads and fetches; it starts nothing."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.recovery = context.share("recovery", lambda: Recovery(context.lab, context.acts))
        self._rows: tuple[RecoveryRow, ...] = ()
        self._chosen_group = False
        self.filter = SearchField("", keys="/")
        fix_size(self.filter, width=200)
        self.groups = Segment("", tuple(Choice(group, group) for group in GROUPS))
        self.head_left.addWidget(self.groups)
        self.head_right.addWidget(self.filter)
        self.told = Label("", wrap=True)
        self.card, self.model, self.table = Card(inset=0), RowModel(), Table("")
        keep_widths(self.table, self.model)
        self.card.body.addWidget(self.table)
        self.empty = Empty()
        self.page.addWidget(self.told)
        self.page.addWidget(self.card, 1)
        self.page.addWidget(self.empty, 1)
        self.accept = self.bar.add(Button(icon="check"))
        self.open = self.bar.add(Button(icon="chart-line"))
        self.again = self.bar.add(Button(icon="refresh"))
        self.all = self.bar.add(Button(icon="check-all", rank=Rank.PRIMARY, keys="Ctrl+Return"), right=True)
        self._wire()

    def _wire(self) -> None:
        self._soon = Soon(self, self.refresh)
        self.recovery.watch(self._soon.poke)
        self.groups.chosen.connect(self._choose_group)
        self.filter.textChanged.connect(lambda text: self.refresh())
        self.table.selectionModel().selectionChanged.connect(lambda new, old: self._say_acts())
        self.table.opened.connect(self._accept_row)
        self.accept.clicked.connect(self.accept_chosen)
        self.all.clicked.connect(self.accept_all)
        self.open.clicked.connect(self.open_channel)
        self.again.clicked.connect(self.recovery.refresh)
        action = QAction(self)
        action.setShortcuts([QKeySequence("Ctrl+Return"), QKeySequence("Ctrl+Enter")])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(self.accept_all)
        self.addAction(action)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.filter.set_hint(tr("recovery", "filter"))
        self.accept.setText(tr("recovery", "Accept selected"))
        self.open.setText(tr("recovery", "Look at the channel"))
        self.again.setText(tr("recovery", "Ask again"))
        self.table.setAccessibleName(tr("recovery", "Runs that had not ended"))
        self.empty.say(
            tr("recovery", "Nothing to recover"),
            tr("recovery", "Every run that had not ended is followed. After a restart or a power cut this page lists "
                           "what was, what each device says, and what is proposed; nothing is energised by it."),
        )  # fmt: skip
        self.model.show_heads((
            Head("channel", tr("recovery", "channel"), 72, fit=True),
            Head("cell", tr("recovery", "cell"), 100, fit=True),
            Head("was", tr("recovery", "what was"), 240), Head("device", tr("recovery", "what the device says"), 200),
            Head("proposed", tr("recovery", "what is proposed"), 260), Head("result", tr("recovery", "result"), 160),
        ))  # fmt: skip
        give_widths(self.table, self.model)
        self.refresh()

    def refresh(self) -> None:
        """Show the runs as they stand."""
        if not self.model.heads:
            return
        rows = self.recovery.rows()
        counts = {group: sum(in_group(row, group) for row in rows) for group in GROUPS}
        names = {
            "person": tr("recovery", "to decide"), "look": tr("recovery", "to look at"),
            "wait": tr("recovery", "waiting"), "all": tr("recovery", "all"),
        }  # fmt: skip
        self.groups.show_choices([Choice(group, names[group], str(counts[group])) for group in GROUPS])
        self.groups.setAccessibleName(tr("recovery", "Which runs"))
        if not self._chosen_group:
            self.groups.choose("person" if counts["person"] else "all")
        words = self.filter.text().casefold().split()
        self._rows = tuple(
            row for row in rows
            if in_group(row, self.groups.key)
            and all(word in " ".join((row.label, row.cell, row.was, row.device, row.proposed)).casefold()
                    for word in words)
        )  # fmt: skip
        self.model.show([self._fields(row) for row in self._rows], [row.run_id for row in self._rows])
        fit_widths(self.table, self.model)
        self.told.setText(self.recovery.summary())
        self.told.setVisible(bool(rows))
        self.card.setVisible(bool(rows))
        self.empty.setVisible(not rows)
        if self.recovery.trouble is not None:
            self.bar.say(str(self.recovery.trouble))
        self._say_acts()

    def _choose_group(self, group: str) -> None:
        self._chosen_group = True
        self.refresh()

    def _fields(self, row: RecoveryRow) -> tuple[Field, ...]:
        result = tr("recovery", "asking") if row.asked else row.result
        return (
            Field(row.label, strong=True), Field(row.cell), Field(row.was), Field(row.device),
            Field(row.proposed, TONES[row.proposal], row.proposal in (Proposal.LOOK, Proposal.RESET), row.why_not),
            Field(result, "muted", why=result),
        )  # fmt: skip

    def _say_acts(self) -> None:
        ready = self.recovery.acceptable()
        self.all.setText(tr("recovery", "Accept all {n} that agree").format(n=len(ready)))
        self.bar.set_why(self.all, "" if ready else tr("recovery", "No run waits to be accepted."))
        chosen = self._chosen()
        reason = next((row.why_not for row in chosen if row.why_not), "")
        nothing = "" if chosen else tr("recovery", "Select runs first.")
        set_why(self.accept, nothing or reason)
        set_why(self.open, nothing)
        self.bar.say_selection(tr("recovery", "{n} selected").format(n=len(chosen)) if chosen else "")

    def _chosen(self) -> list[RecoveryRow]:
        return [self._rows[row] for row in chosen_rows(self.table) if row < len(self._rows)]

    # -- acts ---------------------------------------------------------------------------------------------------------

    def accept_chosen(self) -> None:
        """Accept what is selected."""
        self.recovery.accept([row.run_id for row in self._chosen()])

    def _accept_row(self, index: QModelIndex) -> None:
        if not chosen_rows(self.table):
            self.table.selectRow(index.row())
        self.accept_chosen()

    def accept_all(self) -> None:
        """Accept every run where device and run agree."""
        self.recovery.accept(self.recovery.acceptable())

    def open_channel(self) -> None:
        """Look at the first selected run."""
        chosen = self._chosen()
        if chosen:
            self.context.go("channel", chosen[0].channel)

    def shown(self) -> None:
        """Ask for the runs that have not ended."""
        self.recovery.refresh()

    def open_on(self, target: Any) -> None:
        """Show a channel's run."""
        wanted = next((at for at, row in enumerate(self._rows) if target in (row.channel, row.run_id)), -1)
        if wanted >= 0:
            index: QModelIndex = self.model.index(wanted, 0)
            self.table.setCurrentIndex(index)

    def search(self) -> None:
        """Put the keyboard into the filter."""
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def commands(self) -> list[Command]:
        """Return what the palette offers here."""
        group = tr("views", "Recovery")
        acts = (
            (self.all, self.accept_all, "Ctrl+Return"), (self.accept, self.accept_chosen, "Return"),
            (self.again, self.recovery.refresh, ""), (self.open, self.open_channel, ""),
        )  # fmt: skip
        return [Command(button.text(), call, keys, group, why(button)) for button, call, keys in acts]
