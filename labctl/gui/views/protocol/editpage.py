"""The open protocol on its page: table, head, text; problems and words below; preview, estimate and changes beside."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSplitter, QStackedWidget, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import ChoiceBox
from labctl.gui.parts.flow import Flow
from labctl.gui.parts.labels import IconLabel, Label
from labctl.gui.parts.layouts import Column as Lines
from labctl.gui.parts.layouts import Row as Line
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.tight import TightRow
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels import text as words_of
from labctl.gui.viewmodels.protocol import figures
from labctl.gui.viewmodels.protocol.editor import Editor
from labctl.gui.viewmodels.protocol.judging import Problem
from labctl.gui.viewmodels.protocol.offers import offer_for
from labctl.gui.viewmodels.protocol.rows import HEADS, Column, Kind, Row
from labctl.gui.views.protocol.headpage import HeadPage
from labctl.gui.views.protocol.lists import ProblemsCard, WordsCard
from labctl.gui.views.protocol.preview import ChangesCard, EstimateCard, PreviewCard
from labctl.gui.views.protocol.rowmodel import RowModel
from labctl.gui.views.protocol.table import ProtocolTable
from labctl.gui.views.protocol.textpage import TextPage

SIDE_PX, NARROW_PX, LISTS_PX, LOW_PX, LISTS_LOW_PX, TINY_PX = 440, 1320, 220, 720, 150, 540
TABLE, HEAD, TEXT, PREVIEW, LISTS = "table", "head", "text", "preview", "lists"
GAP_PX, SPARED_FACTS = 16, ("disk", "rows", "charge")
WISHES = ("add", "duplicate", "delete", "wrap", "unwrap", "fold")


class Strip(Card):
    """One line: what the check says, how long, how much, and for which cell the absolute figures are."""

    cell_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(inset=8)
        self._inner = QWidget()
        self._flow = Flow(self._inner, gap=GAP_PX)
        self.sign = IconLabel("check-circle-outline", "done")
        self.errors, self.warnings = Label("", Role.STRONG), Label("", Role.STRONG)
        self.facts = {
            name: (Label("", tone="muted"), Label("", Role.STRONG))
            for name in ("time", "rows", "disk", "charge")
        }
        self.cells = ChoiceBox()
        self.cells.chosen.connect(self.cell_chosen)
        self._checked = self._pair(self.sign, self.errors, self.warnings)
        self._flow.put(self._checked)
        self._pairs = {key: self._pair(words, value) for key, (words, value) in self.facts.items()}
        self._flow.put(*self._pairs.values())
        self._flow.put_right(self.cells)
        self.body.addWidget(self._inner)

    @staticmethod
    def _pair(*widgets: QWidget) -> QWidget:
        made = QWidget()
        fix_size(made, height=32)
        Line(made, gap=8).put(*widgets)
        return made

    def show_check(self, editor: Editor) -> None:
        """Show the last check; while the text is newer it is said."""
        found = editor.judgement
        bad = found.errors > 0 or editor.document.trouble is not None
        name = (
            "alert-circle-outline" if bad else "alert-outline" if found.warnings else "check-circle-outline"
        )
        self.sign.show_icon(name, "hard" if bad else "paused" if found.warnings else "done")
        errors = found.errors + (editor.document.trouble is not None)
        self.errors.setText(
            words_of.plural(errors, tr("protocol", "{n} error"), tr("protocol", "{n} errors"))
        )
        warnings = tr("protocol", "{n} warning"), tr("protocol", "{n} warnings")
        self.warnings.setText(words_of.plural(found.warnings, *warnings))
        words = {"time": tr("protocol", "duration"), "rows": tr("protocol", "rows"),
                 "disk": tr("protocol", "disk per cell"), "charge": tr("protocol", "throughput")}  # fmt: skip
        said = figures.facts(editor)
        for key, (label, value) in self.facts.items():
            label.setText(words[key])
            value.setText(said.get(key, ""))
        self._give_way()

    def _give_way(self) -> None:
        """Leave out what matters least where one line does not hold all: the steps need the height."""
        shown = [key for key in self._pairs if self.facts[key][1].text()]
        for key in SPARED_FACTS:
            parts = [self._checked, *(self._pairs[one] for one in shown), self.cells]
            if sum(part.sizeHint().width() + theme().px(GAP_PX) for part in parts) <= self._inner.width():
                break
            shown = [one for one in shown if one != key]
        for key, pair in self._pairs.items():
            if pair.isHidden() == (key in shown):
                pair.setVisible(key in shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the width."""
        super().resizeEvent(event)
        self._give_way()

    def show_cells(self, choices: list[tuple[str, str]], chosen: str) -> None:
        """Show the cells to choose from."""
        self.cells.set_name(tr("protocol", "numbers for"))
        if [key for key, _ in choices] != [
            str(self.cells.itemData(at) or "") for at in range(self.cells.count())
        ]:
            self.cells.show_choices(choices)
        self.cells.choose(chosen)


class EditPage(QWidget):
    """Everything about one open protocol. Wishes go out as signals; ``refresh`` shows the editor as it is."""

    wished = Signal(str)
    typed = Signal(object, object, str)
    text_typed = Signal(str)
    head_done = Signal(object, str)
    mend = Signal(object)
    not_editable = Signal(object, object)
    dropped = Signal(object)

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self.editor = editor
        self.strip = Strip()
        self.rows = RowModel(editor, lambda row, column, text: self.typed.emit(row, column, text), self)
        self.table = ProtocolTable(self.rows)
        self.head, self.text = HeadPage(), TextPage()
        self.problems, self.words = ProblemsCard(), WordsCard()
        self.preview, self.estimate, self.changes = PreviewCard(), EstimateCard(), ChangesCard()
        self._narrow: bool | None = None
        self._low: bool | None = None
        self._tiny = False
        column = Lines(self, gap=8)
        column.addWidget(self.strip)
        columns = Line(gap=8)
        columns.addWidget(self._left(), 1)
        columns.addWidget(self._right())
        column.addLayout(columns, 1)
        self._wire()
        self.retranslate()

    def _left(self) -> QSplitter:
        self.card = Card(inset=0)
        self.tabs = Segment(tr("protocol", "Shown as"), height_px=28)
        self.card.head.insertWidget(1, self.tabs)
        self.stack = QStackedWidget()
        steps = QWidget()
        inner = Lines(steps, gap=0)
        inner.addWidget(self.table, 1)
        foot = TightRow()
        self.buttons = {
            "add": Button(icon="plus", keys="Ins"), "duplicate": Button(icon="content-copy", keys="Ctrl+D"),
            "delete": Button(icon="delete-outline", keys="Del"), "wrap": Button(icon="repeat", keys="Ctrl+G"),
            "unwrap": Button(icon="repeat-off"), "fold": Button(icon="arrow-collapse-vertical"),
        }  # fmt: skip
        Line(foot, gap=8).put(*self.buttons.values(), None)
        below = Line(margins=(12, 8, 12, 8))
        below.addWidget(foot)
        inner.addLayout(below)
        self.side_tab = QScrollArea()
        self.side_tab.setWidgetResizable(True)
        self.side_tab.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.side_tab.setFrameShape(QScrollArea.Shape.NoFrame)
        self.lists_tab = QWidget()
        self._lists_tab = Lines(self.lists_tab, gap=0)
        for page in (steps, self.head, self.text, self.side_tab, self.lists_tab):
            self.stack.addWidget(page)
        self.card.body.setContentsMargins(0, 0, 0, 0)
        self.card.body.addWidget(self.stack)
        self._lists = QSplitter(Qt.Orientation.Horizontal)
        self._lists.setChildrenCollapsible(False)
        self._lists.addWidget(self.problems)
        self._lists.addWidget(self.words)
        self._lists.setSizes([1_000, 1_000])
        left = QSplitter(Qt.Orientation.Vertical)
        left.setChildrenCollapsible(False)
        left.addWidget(self.card)
        left.addWidget(self._lists)
        left.setStretchFactor(0, 1)
        self._lists.setMinimumHeight(theme().px(112))
        self._share = left
        return left

    def _right(self) -> QScrollArea:
        self._side = QWidget()
        column = Lines(self._side, gap=8)
        column.addWidget(self.preview)
        column.addWidget(self.estimate)
        column.addWidget(self.changes, 1)
        self.changes.setMinimumHeight(theme().px(150))
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self._side)
        self._clear(self._area)
        fix_size(self._area, width=SIDE_PX)
        return self._area

    def _clear(self, area: QScrollArea) -> None:
        """Let the page be seen through a scrolled column."""
        self._side.setAutoFillBackground(False)
        area.viewport().setAutoFillBackground(False)

    def _wire(self) -> None:
        for name, button in self.buttons.items():
            button.clicked.connect(lambda checked=False, name=name: self.wished.emit(name))
        self.table.wished.connect(self.wished)
        self.table.dropped.connect(self.dropped)
        self.table.not_editable.connect(self.not_editable)
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._row_changed())
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._row_changed())
        self.tabs.chosen.connect(self.show_tab)
        self.text.typed.connect(self.text_typed)
        self.head.wished.connect(self.head_done)
        self.problems.asked.connect(self.go_to_problem)
        self.problems.mend.connect(self.mend)
        self.words.row_asked.connect(self.go_to_number)
        self.changes.row_asked.connect(self.go_to_number)
        self.changes.revision_chosen.connect(self.editor.compare_with)

    # -- looks --------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        words = {
            "add": tr("protocol", "Add step"), "duplicate": tr("protocol", "Duplicate"),
            "delete": tr("protocol", "Delete"), "wrap": tr("protocol", "Wrap in repeat"),
            "unwrap": tr("protocol", "Take repeat away"), "fold": tr("protocol", "Fold"),
        }  # fmt: skip
        for name, text in words.items():
            self.buttons[name].setText(text)
        self.head.retranslate()
        self.text.retranslate()
        self.preview.retranslate()
        self._show_tabs()
        self.refresh()

    def _show_tabs(self) -> None:
        choices = [
            Choice(TABLE, tr("protocol", "Steps")), Choice(HEAD, tr("protocol", "Head and variables")),
            Choice(TEXT, tr("protocol", "YAML text")),
        ]  # fmt: skip
        if self._narrow:
            choices.append(Choice(PREVIEW, tr("protocol", "Preview")))
        if self._tiny:
            choices.append(Choice(LISTS, tr("protocol", "Problems")))
        self.tabs.show_choices(choices)
        self.show_tab(self.tabs.key)

    def show_tab(self, key: str) -> None:
        """Show the table, the head, the text, or (in a narrow window) the right column."""
        if self.text.pending:
            self.text.commit()
        self.tabs.choose(key)
        self.stack.setCurrentIndex((TABLE, HEAD, TEXT, PREVIEW, LISTS).index(key))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make the right column a tab where room is short."""
        super().resizeEvent(event)
        self._fit_lists()
        low = self.height() < theme().px(LOW_PX)
        if low != self._low:
            self._low = low
            self._share.setSizes([10_000, theme().px(LISTS_LOW_PX if low else LISTS_PX)])
        narrow = self.width() < theme().px(NARROW_PX)
        if narrow != self._narrow:
            self._narrow = narrow
            (self._area if narrow else self.side_tab).takeWidget()
            (self.side_tab if narrow else self._area).setWidget(self._side)
            self._clear(self.side_tab if narrow else self._area)
            self._area.setVisible(not narrow)
            self._show_tabs()

    def _fit_lists(self) -> None:
        """Make problems and words a tab where the window is low: the table needs the room."""
        tiny = self.height() < theme().px(TINY_PX)
        if tiny == self._tiny:
            return
        self._tiny = tiny
        if tiny:
            self._lists_tab.addWidget(self._lists)
        else:
            self._share.addWidget(self._lists)
            self._low = None
        self._show_tabs()

    # -- content ------------------------------------------------------------------------------------------------

    def refresh(self, undo_steps: int = 0) -> None:
        """Show the editor as it is now."""
        editor = self.editor
        if not editor.is_open:
            return
        at, column = self.table.currentIndex().row(), max(1, self.table.currentIndex().column())
        self.rows.refresh()
        self.table.fit_brackets()
        if not self.table.currentIndex().isValid() and self.rows.rows:
            place = min(max(0, at), len(self.rows.rows) - 1)
            self.table.setCurrentIndex(self.rows.index(place, column if at >= 0 else 3))
        trouble = editor.document.trouble
        self.card.set_title(tr("protocol", "Protocol"), editor.document.locked if trouble else "")
        self.head.show_document(editor.document)
        self.text.show_text(editor.document.text, editor.document.locked, trouble.line if trouble else 0)
        self.strip.show_check(editor)
        none = (
            tr("protocol", "Nothing is wrong.")
            if editor.is_checked
            else tr("protocol", "It is being checked.")
        )
        shown = figures.problems(editor)
        self.problems.show_problems(shown, self._where, lambda item: offer_for(item, editor.document), none)
        self.preview.show_sketch(editor.sketch())
        self.estimate.show_needs(editor.needs, figures.end_words(editor))
        self.changes.show_changes(editor, undo_steps)
        self._row_changed()

    def _where(self, problem: Problem) -> str:
        row = self.editor.document.row_at(problem.path) if problem.path else None
        if row is not None:
            return tr("protocol", "row {n}").format(n=row.number)
        return (
            tr("protocol", "head")
            if problem.field
            else tr("protocol", "line {n}").format(n=problem.line or 1)
        )

    def _row_changed(self) -> None:
        editor, row = self.editor, self.table.current()
        lines = [(item.number, item.level, editor.sentence_of(item)) for item in editor.rows()]
        self.words.show_words(editor.judgement.head, lines, 0 if row is None else row.number)
        self._say_buttons(row)

    def _say_buttons(self, row: Row | None) -> None:
        locked = self.editor.document.locked
        none = "" if row is not None else tr("protocol", "Choose a row first.")
        step = "" if row is None or row.kind is not Kind.END else tr("protocol", "The end is no step.")
        loop = "" if row is not None and row.kind in (*HEADS, Kind.REPEAT_END, Kind.IF_END) else tr(
            "protocol", "Choose a repeat first.")  # fmt: skip
        whys = {"add": locked, "duplicate": locked or none or step, "delete": locked or none or step,
                "wrap": locked or none or step, "unwrap": locked or loop, "fold": loop}  # fmt: skip
        for name, why in whys.items():
            set_why(self.buttons[name], why)
        folded = row is not None and row.path in self.editor.folded
        self.buttons["fold"].setText(tr("protocol", "Unfold") if folded else tr("protocol", "Fold"))

    # -- going places ---------------------------------------------------------------------------------------------

    def go_to_problem(self, problem: Problem) -> None:
        """Show the cell, the field of the head, or the line of a problem."""
        if problem.path:
            self.go_to_path(problem.path, problem.column or Column.STEP)
        elif problem.field and self.editor.document.trouble is None:
            self.show_tab(HEAD)
            self.head.go_to(problem.field)
        else:
            self.show_tab(TEXT)
            self.text.go_to(problem.line or 1)

    def go_to_path(self, path: tuple[str | int, ...], column: Column = Column.STEP) -> None:
        """Put the keyboard into a cell of the table, its loops unfolded."""
        for size in range(1, len(path)):
            if path[:size] in self.editor.folded:
                row = self.editor.document.row_at(path[:size])
                if row is not None:
                    self.editor.fold(row, False)
        self.show_tab(TABLE)
        if self.table.go_to(path, column):
            self.table.setFocus()

    def go_to_number(self, number: int) -> None:
        """Put the keyboard into a row by its number."""
        row = next((row for row in self.editor.document.rows if row.number == number), None)
        if row is not None and row.kind is not Kind.END:
            self.go_to_path(row.path, Column.STEP)

    def cell_index(self, row: Row, column: Column) -> QModelIndex:
        """Return the index of a cell as it stands now."""
        from labctl.gui.views.protocol.rowmodel import COLUMNS

        at = next((at for at, item in enumerate(self.rows.rows) if item.key == row.key), -1)
        return self.rows.index(at, COLUMNS.index(column)) if at >= 0 else QModelIndex()
