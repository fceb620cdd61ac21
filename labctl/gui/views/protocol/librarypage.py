"""The list of protocols: ready-made ones, those of this station, drafts; what the chosen one does, in words."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QPlainTextEdit, QSplitter, QWidget

from labctl.gui.i18n.translating import mark, tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import SearchField
from labctl.gui.parts.grouprows import Col, GroupedModel
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.table import Table
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.protocol.library import Entry, Library
from labctl.gui.viewmodels.protocol.typed import pretty

COLUMNS = (
    Col("protocol", mark("protocol", "name"), lambda row: row.name, strong=lambda row: True,
        tone=lambda row: "hard" if row.problem else "", tip=lambda row: row.problem),
    Col("protocol", mark("protocol", "title"), lambda row: row.title, tip=lambda row: row.description),
    Col("protocol", mark("protocol", "from"), lambda row: row.origin, tone=lambda row: "muted"),
    Col("protocol", mark("protocol", "revision"), lambda row: row.revision),
    Col("protocol", mark("protocol", "saved"), lambda row: row.saved, tone=lambda row: "muted"),
    Col("protocol", mark("protocol", "in use"), lambda row: row.in_use, tone=lambda row: "muted"),
)  # fmt: skip
WIDTHS_PX = (190, 260, 110, 110, 150, 80)
TITLE, TITLE_MIN_PX, SPARED = 1, 200, (4, 3, 2)
"""The column that takes the room that is left, and those that go first where it would be too little."""


class LibraryPage(QWidget):
    """The list with a preview. Signals carry what a person wants; the view does it."""

    open_wished = Signal(object)
    new_wished = Signal()
    copy_wished = Signal(object)
    import_wished = Signal()
    delete_wished = Signal(object)

    def __init__(self, library: Library) -> None:
        super().__init__()
        self.library = library
        column = Column(self, gap=8)
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.addWidget(self._list())
        self._split.addWidget(self._side())
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 2)
        self._split.setChildrenCollapsible(False)
        column.addWidget(self._split, 1)
        library.watch(self.refresh)
        self.retranslate()

    def _list(self) -> Card:
        self.card = Card(inset=0)
        self.search = SearchField(keys="/")
        fix_size(self.search, width=240, height=32)
        self.search.textChanged.connect(self.library.find)
        self.card.head.addWidget(self.search)
        self.model = GroupedModel(COLUMNS, lambda row: row.key, self)
        self.table = Table(tr("protocol", "Protocols"))
        self.table.setModel(self.model)
        self.table.opened.connect(lambda index: self._with_entry(self.open_wished.emit))
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._looked_at())
        self.note = Label("", tone="muted", wrap=True)
        self.note.setMargin(theme().px(12))
        self.card.body.setContentsMargins(0, 0, 0, 0)
        self.card.body.addWidget(self.note)
        self.card.body.addWidget(self.table, 1)
        return self.card

    def _side(self) -> Card:
        self.side = Card(inset=0)
        self.words = QPlainTextEdit()
        self.words.setReadOnly(True)
        self.words.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        column = Column(margins=(12, 4, 0, 0))
        column.addWidget(self.words)
        self.side.body.addLayout(column, 1)
        self.open, self.copy = (
            Button("", icon="pencil-outline", rank=Rank.PRIMARY),
            Button("", icon="content-copy"),
        )
        self.open.clicked.connect(lambda: self._with_entry(self.open_wished.emit))
        self.copy.clicked.connect(lambda: self._with_entry(self.copy_wished.emit))
        foot = QWidget()
        Row(foot, margins=(8, 8, 8, 8), gap=8).put(self.open, self.copy, None)
        self.side.body.addWidget(foot)
        return self.side

    def retranslate(self) -> None:
        """Take the words anew."""
        self.search.set_hint(tr("protocol", "Search protocols"))
        self.table.setAccessibleName(tr("protocol", "Protocols"))
        self.words.setAccessibleName(tr("protocol", "The protocol in words"))
        self.open.setText(tr("protocol", "Open"))
        self.copy.setText(tr("protocol", "Copy as new"))
        self.model.retranslate()
        self.refresh()

    def entry(self) -> Entry | None:
        """Return the chosen line."""
        found = self.model.row_at(self.table.currentIndex())
        return found if isinstance(found, Entry) else None

    def _with_entry(self, call: object) -> None:
        found = self.entry()
        if found is not None and callable(call):
            call(found)

    def _looked_at(self) -> None:
        found = self.entry()
        if found is not None and found.info is not None:
            self.library.look_at(found.name)
        self.refresh()

    def refresh(self) -> None:
        """Show the list, and what is known of the chosen line."""
        entries = self.library.entries()
        self.model.show(entries)
        self._fit_columns()
        shown = tr("protocol", "{n} shown").format(n=len(entries))
        self.card.set_title(tr("protocol", "Protocols of this station"), shown)
        self.note.setText(self._told(bool(entries)))
        self.note.setVisible(bool(self.note.text()))
        if entries and not self.table.currentIndex().isValid():
            self.table.setCurrentIndex(self.model.index(0, 0))
        self._show_side(self.entry())

    def _fit_columns(self) -> None:
        """Give the columns their widths; in a narrow window when it was saved and where it is from give way."""
        head, look = self.table.horizontalHeader(), theme()
        left = self.table.viewport().width() - sum(map(look.px, WIDTHS_PX)) + look.px(WIDTHS_PX[TITLE])
        for at in SPARED:
            short = left < look.px(TITLE_MIN_PX)
            self.table.setColumnHidden(at, short)
            left += look.px(WIDTHS_PX[at]) if short else 0
        for at, wide in enumerate(WIDTHS_PX):
            if at != TITLE:
                self.table.setColumnWidth(at, look.px(wide))
        head.setStretchLastSection(False)
        head.setSectionResizeMode(TITLE, QHeaderView.ResizeMode.Stretch)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the width."""
        super().resizeEvent(event)
        self._fit_columns()

    def _told(self, some: bool) -> str:
        if self.library.trouble is not None:
            return str(self.library.trouble)
        if some:
            return ""
        if self.library.loading:
            return tr("protocol", "The station is asked for its protocols.")
        if self.library.search:
            return tr("protocol", "No protocol has these words.")
        return tr("protocol", "There is no protocol yet. Begin a new one, or import a file.")

    def _show_side(self, found: Entry | None) -> None:
        why = "" if found is not None else tr("protocol", "Choose a protocol first.")
        for button in (self.open, self.copy):
            set_why(button, why)
        if found is None:
            self.side.set_title(tr("protocol", "In words"))
            self.words.setPlainText("")
            return
        known = self.library.texts.get(found.name)
        self.side.set_title(found.name, found.origin)
        lines = [found.title, "", found.description, ""] if found.description else [found.title, ""]
        if found.draft is not None and known is None:
            lines.append(tr("protocol", "A draft on this computer; open it to go on."))
        lines += [pretty(line) for line in known.sentences] if known is not None else []
        text = "\n".join(lines)
        if text != self.words.toPlainText():
            self.words.setPlainText(text)
