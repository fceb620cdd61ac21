"""The wizard: look, test, have the station ask who it is and write it into its file. It energises nothing."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Phase, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import mark_problem
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, Row
from labctl.gui.parts.rows import Field, Head, RowModel, chosen_rows, give_widths, keep_widths
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.table import Table
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.finding import Finder, Kind
from labctl.gui.viewmodels.firstrun import FirstRun
from labctl.gui.viewmodels.joining import ADD, ASK, Joining

TALL_PX = 440
"""Height of the page from which the words under the lines have room."""


class Wizard(QWidget):
    """``left`` = back to the first page."""

    left = Signal()
    copied = Signal(str)

    def __init__(self, finder: Finder, first: FirstRun, joining: Joining) -> None:
        super().__init__()
        self._finder, self._first, self._joining = finder, first, joining
        self._shown = self._proposed = ""
        self.back = Button(icon="arrow-left")
        self.kind = Segment(
            "", (Choice(Kind.NEWARE.value, "Neware BTS"), Choice(Kind.CHAMBER.value, "chamber"))
        )
        self.address = QLineEdit()
        self.address.setMinimumWidth(theme().px(160))
        self.try_it = Button(icon="lan-connect", rank=Rank.PRIMARY)
        self.look = Button(icon="magnify", height_px=28)
        self.problem = Label("", tone="muted", wrap=True)
        self.found_card, self.known_card, self.file_card = Card(inset=0), Card(inset=0), Card()
        self.found, self.found_model = Table(""), RowModel()
        keep_widths(self.found, self.found_model)
        self.known, self.known_model = Table(""), RowModel()
        keep_widths(self.known, self.known_model)
        self.found_card.body.addWidget(self.found)
        self.known_card.body.addWidget(self.known)
        self.found_card.head.addWidget(self.look)
        self.test = Button(icon="account-question-outline", height_px=28)
        self.known_card.head.addWidget(self.test)
        self.lines = QPlainTextEdit()
        self.lines.setTabChangesFocus(True)
        self.lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)  # YAML: a broken line reads as two
        self.copy = Button(icon="content-copy", height_px=28)
        self.file_card.head.addWidget(self.copy)
        self.after, self.answer = Label("", tone="muted", wrap=True), Label("", wrap=True)
        self.ask = Button(icon="account-question-outline", act=True)
        self.add = Button(icon="plus", act=True)
        self.file_card.body.put(self.lines, self.after, Row(gap=8).put(self.ask, self.add, None), self.answer)
        for low in (self.found, self.known, self.lines):
            low.setMinimumHeight(theme().px(64))
        self._lay_out()
        self._wire()

    def _lay_out(self) -> None:
        top = Row(gap=8)
        top.put(self.back, self.kind)
        top.addWidget(self.address, 1)
        top.put(self.try_it)
        top.addStretch(1)
        middle = Row(gap=8)
        middle.addWidget(self.found_card, 3)
        middle.addWidget(self.file_card, 2)
        column = Column(self, gap=8)
        column.addLayout(top)
        column.addWidget(self.problem)
        column.addLayout(middle, 3)
        column.addWidget(self.known_card, 2)

    def _wire(self) -> None:
        self.back.clicked.connect(self.left)
        self.kind.chosen.connect(lambda key: self._finder.choose_kind(Kind(key)))
        self.address.returnPressed.connect(self.try_address)
        self.address.textChanged.connect(lambda text: mark_problem(self.address, ""))
        self.try_it.clicked.connect(self.try_address)
        self.look.clicked.connect(self._finder.look)
        self.found.selectionModel().selectionChanged.connect(lambda new, old: self._show_lines())
        self.known.selectionModel().selectionChanged.connect(lambda new, old: self._say_acts())
        self.known.opened.connect(self._test_row)
        self.test.clicked.connect(self.test_known)
        self.copy.clicked.connect(self.copy_lines)
        self.lines.textChanged.connect(self._say_acts)
        self.ask.clicked.connect(lambda: self._joining.ask(self.lines.toPlainText()))
        self.add.clicked.connect(lambda: self._joining.add(self.lines.toPlainText()))
        self._joining.watch(self._say_acts)
        theme().changed.connect(self._set_font)
        self._finder.watch(self.refresh)
        self._first.watch(self.refresh)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the room to the lines where there is little; what to do with them stands in their tooltip too."""
        super().resizeEvent(event)
        self.after.setVisible(self.height() >= theme().px(TALL_PX))

    def retranslate(self) -> None:
        """Take every word anew."""
        self.back.setText(tr("firstrun", "Back"))
        self.kind.show_choices((
            Choice(Kind.NEWARE.value, "Neware BTS"), Choice(Kind.CHAMBER.value, tr("firstrun", "climate chamber")),
        ))  # fmt: skip
        self.kind.setAccessibleName(tr("firstrun", "What is to be connected"))
        self.address.setPlaceholderText(tr("firstrun", "address, such as 192.168.1.20:502"))
        self.address.setAccessibleName(tr("firstrun", "Address of the instrument"))
        self.try_it.setText(tr("firstrun", "Test address"))
        self.look.setText(tr("firstrun", "Look at this computer's ports"))
        self.test.setText(tr("firstrun", "Ask who it is"))
        self.copy.setText(tr("firstrun", "Copy"))
        self.ask.setText(tr("firstrun", "Ask who it is"))
        self.add.setText(tr("firstrun", "Add to the station file"))
        self.after.setText(tr(
            "firstrun", "Correct number, models and time zone here, ask who it is, then add it to the station file. "
            "Asking reads and drives nothing; what is added is taken up when the station is started anew."
        ))  # fmt: skip
        self.lines.setToolTip(self.after.text())
        self.found_card.set_title(
            tr("firstrun", "Found"), tr("firstrun", "ports are opened at most, nothing is sent")
        )
        self.known_card.set_title(tr("firstrun", "Instruments of the station"))
        self.file_card.set_title(tr("firstrun", "For the station file"))
        self.found.setAccessibleName(tr("firstrun", "Found"))
        self.known.setAccessibleName(tr("firstrun", "Instruments of the station"))
        self.lines.setAccessibleName(tr("firstrun", "For the station file"))
        self.found_model.show_heads((
            Head("resource", tr("firstrun", "where"), 190), Head("text", tr("firstrun", "what it is"), 130),
            Head("told", tr("firstrun", "test"), 160), Head("station", tr("firstrun", "station"), 80),
        ))  # fmt: skip
        self.known_model.show_heads((
            Head("name", tr("firstrun", "instrument"), 140), Head("resource", tr("firstrun", "where"), 230),
            Head("channels", tr("firstrun", "channels"), 80, True), Head("told", tr("firstrun", "who it is"), 500),
        ))  # fmt: skip
        self._give_widths()
        self.refresh()

    def _give_widths(self) -> None:
        give_widths(self.found, self.found_model)
        give_widths(self.known, self.known_model)
        self._set_font()

    def _set_font(self) -> None:
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(Role.SMALL.value.size_pt * theme().scale)
        self.lines.setFont(font)

    def refresh(self) -> None:
        """Show what was found and what the station knows."""
        if not self.found_model.heads:
            return
        rows = self._finder.rows()
        tone = {None: "muted", True: "", False: "hard"}
        self.found_model.show([
            (Field(row.resource, strong=True), Field(row.text), Field(row.told, tone[row.good], why=row.told),
             Field(row.station, "muted"))
            for row in rows
        ], [row.resource for row in rows])  # fmt: skip
        boxes = self._first.instruments()
        self.known_model.show([
            (Field(box.name, strong=True), Field(box.resource), Field(str(box.channels)),
             Field(box.told, "muted" if box.asked else "" if box.good else "hard", why=box.told))
            for box in boxes
        ], [box.name for box in boxes])  # fmt: skip
        self.known_card.setVisible(bool(boxes))
        tested = next((at for at, row in enumerate(rows) if row.resource == self._finder.tested), -1)
        if tested >= 0 and self._finder.tested != self._shown:
            self._shown = self._finder.tested
            self.found.selectRow(tested)
        self._say_note(len(rows))
        self._show_lines()
        self._say_acts()

    def _say_note(self, count: int) -> None:
        finder = self._finder
        told = ""
        if finder.looking:
            told = tr("firstrun", "looking...")
        elif finder.trouble is not None:
            told = str(finder.trouble)
        elif finder.looked and not count:
            told = tr(
                "firstrun",
                "No serial port and no VISA address here. Testers in the network: type the address.",
            )
        self.problem.setText(told)
        self.problem.setVisible(bool(told))

    def _show_lines(self) -> None:
        rows, chosen = self._finder.rows(), chosen_rows(self.found)
        resource = rows[chosen[0]].resource if chosen and chosen[0] < len(rows) else "tcp://192.168.1.20:502"
        text = self._finder.file_lines(resource)
        if text != self._proposed:  # what a person has corrected stays until they choose another place
            self._proposed = text
            self.lines.setPlainText(text)

    def _say_acts(self) -> None:
        set_why(self.test, "" if chosen_rows(self.known) else tr("firstrun", "Select an instrument first."))
        set_why(self.look, tr("firstrun", "looking...") if self._finder.looking else "")
        joining, lines = self._joining, self.lines.toPlainText()
        for button, verb in ((self.ask, ASK), (self.add, ADD)):
            button.show_phase(Phase.SENDING if joining.waiting == verb else Phase.IDLE)
            set_why(button, "" if joining.waiting == verb else joining.why_not(verb, lines))
        self.answer.setText(joining.told)
        self.answer.set_tone("text" if joining.good else "hard")
        self.answer.setVisible(bool(joining.told))

    def try_address(self) -> None:
        """Test what was typed."""
        refusal = self._finder.test(self.address.text())
        mark_problem(self.address, refusal)
        self.problem.setText(refusal)
        self.problem.setVisible(bool(refusal))

    def _test_row(self, index: QModelIndex) -> None:
        if not chosen_rows(self.known):
            self.known.selectRow(index.row())
        self.test_known()

    def test_known(self) -> None:
        """Ask the selected instruments of the station who they are."""
        boxes = self._first.instruments()
        for row in chosen_rows(self.known):
            self._first.test(boxes[row].name)

    def copy_lines(self) -> None:
        """Put the lines for the station file into the clipboard."""
        QGuiApplication.clipboard().setText(self.lines.toPlainText())
        self.copied.emit(tr("firstrun", "The lines for the station file are in the clipboard."))
