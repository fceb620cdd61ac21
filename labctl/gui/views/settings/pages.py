"""The station's pages: facts and instruments, people, notifications, and the keyboard map."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Phase
from labctl.gui.parts.card import Card
from labctl.gui.parts.confirm import confirm_or_do
from labctl.gui.parts.fields import ChoiceBox, SearchField
from labctl.gui.parts.labels import ElidedLabel, Label
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.rows import Field, Head, RowModel, chosen_rows, give_widths, keep_widths
from labctl.gui.parts.table import Table
from labctl.gui.parts.why import set_why
from labctl.gui.viewmodels.allowed import general
from labctl.gui.viewmodels.confirming import confirmation
from labctl.gui.viewmodels.facts import Night, box_rows, key_rows, station_facts
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.settings import People
from labctl.gui.viewmodels.words import role_word
from labctl.model.person import Role


def table_of(name: str) -> tuple[Table, RowModel]:
    """Return a table with its model; the columns keep their widths at every scale."""
    table, model = Table(name), RowModel()
    keep_widths(table, model)
    return table, model


class StationPage(QWidget):
    """What the station is, and its instruments."""

    def __init__(self, lab: Lab, address: Callable[[], str], open_wizard: Callable[[], None]) -> None:
        super().__init__()
        self._lab, self._address = lab, address
        self.facts, self.boxes = Card(), Card(inset=0)
        self._grid = QGridLayout()
        self._grid.setColumnStretch(1, 1)
        self._pairs: list[tuple[Label, ElidedLabel]] = []
        self.facts.body.addLayout(self._grid)
        self.table, self.model = table_of("")
        self.boxes.body.addWidget(self.table)
        self.wizard = Button(icon="magnify", height_px=28)
        self.wizard.clicked.connect(open_wizard)
        self.boxes.head.addWidget(self.wizard)
        column = Column(self, gap=8)
        column.addWidget(self.facts)
        column.addWidget(self.boxes, 1)

    def retranslate(self) -> None:
        """Take every word anew."""
        self.facts.set_title(
            tr("settings", "Station"), tr("settings", "changed in its station file, not here")
        )
        self.boxes.set_title(tr("settings", "Instruments"))
        self.wizard.setText(tr("settings", "Find instruments..."))
        self.table.setAccessibleName(tr("settings", "Instruments"))
        self.model.show_heads((
            Head("name", tr("settings", "instrument"), 120), Head("link", tr("settings", "link"), 90),
            Head("driver", tr("settings", "driver"), 120), Head("resource", tr("settings", "resource"), 200),
            Head("channels", tr("settings", "channels"), 80, True), Head("poll", tr("settings", "polled every"), 100),
            Head("identity", tr("settings", "identity"), 200),
            Head("silence", tr("settings", "when the station is silent"), 200),
        ))  # fmt: skip
        give_widths(self.table, self.model)
        self.refresh()

    def refresh(self) -> None:
        """Show the station as it is."""
        pairs = station_facts(self._lab, self._address()) or (
            (tr("settings", "Station"), tr("settings", "no answer yet")),
        )
        while len(self._pairs) < len(pairs):
            name, value = Label("", tone="muted"), ElidedLabel("")
            fix_size(name, width=230)
            self._grid.addWidget(name, len(self._pairs), 0)
            self._grid.addWidget(value, len(self._pairs), 1)
            self._pairs.append((name, value))
        for at, (name, value) in enumerate(self._pairs):
            shown = at < len(pairs)
            name.setVisible(shown)
            value.setVisible(shown)
            if shown:
                name.setText(pairs[at][0])
                value.setText(pairs[at][1])
        self.model.show([
            (Field(row.name, strong=True), Field(row.link), Field(row.driver), Field(row.resource),
             Field(str(row.channels)), Field(row.poll), Field(row.identity, why=row.identity),
             Field(row.silence, "muted", why=row.silence))
            for row in box_rows(self._lab)
        ], [row.name for row in box_rows(self._lab)])  # fmt: skip


class PeoplePage(QWidget):
    """Who has access. A new token is shown once."""

    def __init__(self, lab: Lab, people: People) -> None:
        super().__init__()
        self._lab, self._people = lab, people
        self.card = Card(inset=0)
        self.table, self.model = table_of("")
        self.card.body.addWidget(self.table)
        self.name, self.role = QLineEdit(), ChoiceBox()
        fix_size(self.name, width=200)
        self.add, self.revoke = Button(icon="account-plus-outline"), Button(icon="account-remove-outline")
        self.reason = ElidedLabel("", tone="muted")
        self.token_card, self.token = Card(), QLineEdit()
        self.token.setReadOnly(True)
        self.copy, self.forget = Button(icon="content-copy"), Button()
        self.token_note = Label("", tone="muted", wrap=True)
        row = Row(gap=8)
        row.addWidget(self.token, 1)
        row.put(self.copy, self.forget)
        self.token_card.body.addWidget(self.token_note)
        self.token_card.body.addLayout(row)
        column = Column(self, gap=8)
        column.addWidget(self.card, 1)
        column.addWidget(self.token_card)
        acts = Row(gap=8).put(self.name, self.role, self.add, self.revoke)
        acts.addWidget(self.reason, 1)
        column.addLayout(acts)
        people.watch(self.refresh)
        self.name.textChanged.connect(lambda text: self._say_acts())
        self.table.selectionModel().selectionChanged.connect(lambda new, old: self._say_acts())
        self.add.clicked.connect(self._add)
        self.name.returnPressed.connect(self._add)
        self.revoke.clicked.connect(self._revoke)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.token.text()))
        self.forget.clicked.connect(people.forget_token)

    def retranslate(self) -> None:
        """Take every word anew."""
        self.card.set_title(
            tr("settings", "People"), tr("settings", "who may look, operate, configure, administer")
        )
        self.table.setAccessibleName(tr("settings", "People"))
        self.name.setPlaceholderText(tr("settings", "name"))
        self.name.setAccessibleName(tr("settings", "Name of the new person"))
        self.role.set_name(tr("settings", "role"))
        self.role.show_choices([(role.value, role_word(role)) for role in Role])
        self.add.setText(tr("settings", "Give access"))
        self.revoke.setText(tr("settings", "Take access away..."))
        self.token_card.set_title(tr("settings", "New token"))
        self.token_note.setText(
            tr("settings", "It is shown this once and kept nowhere: copy it now and hand it over.")
        )
        self.token.setAccessibleName(tr("settings", "New token"))
        self.copy.setText(tr("settings", "Copy"))
        self.forget.setText(tr("settings", "Done"))
        self.model.show_heads((
            Head("name", tr("settings", "name"), 220), Head("role", tr("settings", "role"), 140),
            Head("since", tr("settings", "since"), 140), Head("until", tr("settings", "until"), 140),
            Head("kind", tr("settings", "kind"), 120),
        ))  # fmt: skip
        give_widths(self.table, self.model)
        self.refresh()

    def refresh(self) -> None:
        """Show who has access."""
        found = self._people.rows()
        kind = {True: tr("settings", "service"), False: tr("settings", "person")}
        self.model.show([
            (Field(row.name, "off" if row.revoked else "", not row.revoked), Field(row.role), Field(row.since),
             Field(row.until), Field(tr("settings", "taken away") if row.revoked else kind[row.service], "muted"))
            for row in found
        ], [f"{row.name} {row.revoked}" for row in found])  # fmt: skip
        self.token_card.setVisible(bool(self._people.token))
        self.token.setText(self._people.token)
        self._say_acts()

    def _chosen(self) -> str:
        rows = chosen_rows(self.table)
        found = self._people.rows()
        return found[rows[0]].name if len(rows) == 1 and not found[rows[0]].revoked else ""

    def _say_acts(self) -> None:
        refusal = self._people.add_why_not(self.name.text())
        set_why(self.add, refusal)
        chosen = general(self._lab, "people.revoke")
        chosen = chosen or ("" if self._chosen() else tr("settings", "Select one person with access first."))
        set_why(self.revoke, chosen)
        self.reason.setText(refusal if self.name.text() or not chosen else chosen)

    def _add(self) -> None:
        if not self._people.add(self.name.text(), Role(self.role.key)):
            self.name.clear()

    def _revoke(self) -> None:
        name = self._chosen()
        if name:
            question = confirmation(self._lab, "people.revoke", [name])
            confirm_or_do(question, lambda reason, typed: self._say(self._people.revoke(name, reason)), self)

    def _say(self, refusal: str) -> None:
        self.reason.setText(refusal)


class NightPage(QWidget):
    """Who is called at night."""

    def __init__(self, night: Night) -> None:
        super().__init__()
        self._night = night
        self.card = Card(inset=0)
        self.told = Label("", wrap=True)
        self.table, self.model = table_of("")
        self.card.body.addWidget(self.table)
        self.test = Button(icon="send-outline", act=True)
        self.result = Label("", tone="muted", wrap=True)
        column = Column(self, gap=8)
        column.addWidget(self.told)
        column.addWidget(self.card, 1)
        row = Row(gap=8)
        row.addWidget(self.test)
        row.addWidget(self.result, 1)
        column.addLayout(row)
        self.test.clicked.connect(lambda: night.test())
        night.watch(self.refresh)

    def retranslate(self) -> None:
        """Take every word anew."""
        self.card.set_title(tr("settings", "Who is told of alarms"), tr("settings", "first row first"))
        self.table.setAccessibleName(tr("settings", "Who is told of alarms"))
        self.test.setText(tr("settings", "Send a test message"))
        self.model.show_heads((
            Head("name", tr("settings", "name"), 180), Head("paths", tr("settings", "by"), 260),
            Head("language", tr("settings", "language"), 100), Head("last", tr("settings", "last message"), 360),
        ))  # fmt: skip
        give_widths(self.table, self.model)
        self.refresh()

    def refresh(self) -> None:
        """Show who is told."""
        self.told.setText(self._night.told())
        self.model.show([
            (Field(row.name, strong=True), Field(row.paths), Field(row.language), Field(row.last, "muted"))
            for row in self._night.rows()
        ], [row.name for row in self._night.rows()])  # fmt: skip
        refusal = self._night.why_not()
        set_why(self.test, "" if self._night.testing else refusal)
        self.test.show_phase(Phase.SENDING if self._night.testing else Phase.IDLE)
        self.result.setText(self._night.result or refusal)


class KeysPage(QWidget):
    """The keyboard map, searchable."""

    def __init__(self) -> None:
        super().__init__()
        self.card, self.search = Card(inset=0), SearchField("", keys="/")
        fix_size(self.search, width=260)
        self.card.head.addWidget(self.search)
        self.table, self.model = table_of("")
        self.card.body.addWidget(self.table)
        Column(self).addWidget(self.card, 1)
        self.search.textChanged.connect(lambda text: self.refresh())

    def retranslate(self) -> None:
        """Take every word anew."""
        self.card.set_title(tr("settings", "Keyboard"), tr("settings", "the same in every window"))
        self.search.set_hint(tr("settings", "find a key or an act"))
        self.table.setAccessibleName(tr("settings", "Keyboard map"))
        self.model.show_heads((
            Head("keys", tr("settings", "keys"), 240), Head("act", tr("settings", "act"), 320),
            Head("where", tr("settings", "where"), 240),
        ))  # fmt: skip
        give_widths(self.table, self.model)
        self.refresh()

    def refresh(self) -> None:
        """Show the keys that fit the search."""
        found = key_rows(self.search.text())
        self.model.show(
            [(Field(row.keys, strong=True), Field(row.title), Field(row.where, "muted")) for row in found]
        )
        note = tr("settings", "{n} keys").format(n=len(found)) if found else tr("settings", "no key fits")
        self.card.note.setText(note)


__all__ = ["KeysPage", "NightPage", "PeoplePage", "StationPage"]
