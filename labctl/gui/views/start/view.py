"""One table to review before a batch starts: what goes where at which current, what stands against it (U04)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QLineEdit

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.empty import Empty
from labctl.gui.parts.fields import ChoiceBox, mark_problem
from labctl.gui.parts.labels import ElidedLabel, Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.rows import (
    Field,
    Head,
    RowModel,
    TickCells,
    chosen_rows,
    fit_widths,
    give_widths,
    keep_widths,
)
from labctl.gui.parts.side import SidePage
from labctl.gui.parts.soon import Soon
from labctl.gui.parts.table import Table
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.parts.why import set_why, why
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.library import Library
from labctl.gui.viewmodels.parsing import parse_quantity
from labctl.gui.viewmodels.starts import BatchStart, StartRow, Verdict
from labctl.gui.viewmodels.startwishes import wishes_of

TONES = {
    Verdict.REFUSED: "hard", Verdict.FAILED: "hard", Verdict.WARN: "paused", Verdict.CHECKING: "muted",
    Verdict.SENDING: "muted", Verdict.QUEUED: "done", Verdict.PASS: "done",
}  # fmt: skip
SIGNS = {
    Verdict.REFUSED: "\u2715", Verdict.FAILED: "\u2715", Verdict.WARN: "!", Verdict.CHECKING: "\u2026",
    Verdict.SENDING: "\u2026", Verdict.QUEUED: "\u2713", Verdict.PASS: "\u2713",
}  # fmt: skip

NARROW_PX = 1420
"""Width of the view below which the verdict stands beside the cell."""


class ReviewTable(Table):
    """Space ticks the selected rows, wherever the keyboard is in them."""

    def __init__(self, toggle: Callable[[], None]) -> None:
        super().__init__("")
        self._toggle = toggle
        self.setItemDelegate(TickCells(self))

    def keyPressEvent(self, event: Any) -> None:
        """Tick with Space; everything else goes the usual way."""
        if event.key() == Qt.Key.Key_Space:
            self._toggle()
            return
        super().keyPressEvent(event)


class StartView(View):
    """Shows ``BatchStart``; nothing is sent before a person presses Start."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.starts = BatchStart(context.lab, context.acts)
        self.library = context.share("library", lambda: Library(context.asks))
        self._rows: tuple[StartRow, ...] = ()
        self._shown_for = ""
        self.protocol = ChoiceBox()
        self.stagger = QLineEdit("0 s")
        fix_size(self.stagger, width=96)
        self.stagger_name = Label("", tone="muted")
        self.head_left.put(self.protocol, self.stagger_name, self.stagger)
        self.counted = ElidedLabel("", tone="muted", fill=False)
        self.head_right.addWidget(self.counted)
        self._build_page()
        self.again = self.bar.add(Button(icon="refresh", keys="F7"))
        self.all = self.bar.add(Button(icon="checkbox-multiple-marked-outline"))
        self.start = self.bar.add(Button(icon="play", rank=Rank.PRIMARY, keys="F5", act=True), right=True)
        self._wire()

    def _build_page(self) -> None:
        self.empty = Empty()
        self.to_cells = self.empty.add_button(Button(icon="battery-outline"))
        self.to_station = self.empty.add_button(Button(icon="view-grid-outline"))
        self.card = Card(inset=0)
        self.model = RowModel()
        self.model.tick = self._tick
        self.table = ReviewTable(self.toggle)
        keep_widths(self.table, self.model)
        self.card.body.addWidget(self.table)
        self.details = Card()
        self.lines = Label("", wrap=True)
        self.lines.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.details.body.put(self.lines, None)
        self.parts = SidePage(width_px=320)
        self.parts.main.addWidget(self.card, 1)
        self.parts.side.put(self.details, None)
        self.page.addWidget(self.parts, 1)
        self.page.addWidget(self.empty, 1)

    def _wire(self) -> None:
        self._soon = Soon(self, self.refresh)
        self.starts.watch(self._soon.poke)
        self.library.watch(self._offer)
        self.protocol.chosen.connect(self._choose_protocol)
        self.stagger.editingFinished.connect(self._take_stagger)
        self.start.clicked.connect(self.press)
        self.again.clicked.connect(self.starts.check)
        self.all.clicked.connect(self.tick_all)
        self.table.selectionModel().currentChanged.connect(lambda now, before: self._show_lines())
        self.table.opened.connect(self._open)
        self.to_cells.clicked.connect(lambda: self.context.go("cells", None))
        self.to_station.clicked.connect(lambda: self.context.go("station", None))
        for keys, call in (("F5", self.press), ("F7", self.starts.check), ("Ctrl+A", self.table.selectAll)):
            action = QAction(self)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.triggered.connect(lambda checked=False, act=call: act())
            (self.table if keys == "Ctrl+A" else self).addAction(action)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.protocol.set_name(tr("starts", "protocol for the selected"))
        self.stagger_name.setText(tr("starts", "between two starts"))
        self.stagger.setAccessibleName(tr("starts", "Pause between two starts, 0 to 3600 s"))
        self.stagger.setToolTip(self.stagger.accessibleName())
        self.again.setText(tr("starts", "Check again"))
        self.all.setText(tr("starts", "Tick all that pass"))
        self.empty.say(
            tr("starts", "Nothing to start"),
            tr("starts", "Select channels in the station view and press F5, or bring cells in the cells view. "
                         "Nothing is driven before you have seen this table and pressed Start."),
        )  # fmt: skip
        self.to_cells.setText(tr("starts", "Bring cells"))
        self.to_station.setText(tr("starts", "Select channels"))
        self.parts.name_parts(tr("starts", "Review"), tr("starts", "Row in words"))
        self.table.setAccessibleName(tr("starts", "Review of the start"))
        self.model.show_heads((
            Head("tick", "", 40), Head("channel", tr("starts", "channel"), 72, fit=True),
            Head("cell", tr("starts", "cell"), 84, fit=True),
            Head("measured", tr("starts", "OCV meas V"), 84, True),
            Head("registered", tr("starts", "OCV reg V"), 76, True),
            Head("protocol", tr("starts", "protocol"), 110, fit=True),
            Head("current", tr("starts", "set current"), 140),
            Head("limits", tr("starts", "limits"), 92), Head("starts", tr("starts", "starts"), 112),
            Head("ends", tr("starts", "ends about"), 112), Head("told", tr("starts", "pre-flight"), 300),
        ))  # fmt: skip
        give_widths(self.table, self.model)
        self._offer()
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the verdict in sight: beside the cell where the table is narrower than its columns."""
        super().resizeEvent(event)
        head = self.table.horizontalHeader()
        if not self.model.heads:
            return
        narrow = self.width() < theme().px(NARROW_PX)
        told, wanted = self.model.column("told"), 3 if narrow else len(self.model.heads) - 1
        if head.visualIndex(told) != wanted:
            head.moveSection(head.visualIndex(told), wanted)
            self.table.setColumnWidth(told, theme().px(200))

    def _offer(self) -> None:
        none = ("", tr("starts", "choose..."))
        self.protocol.show_choices([none, *((name, name) for name in self.library.names)])

    def refresh(self) -> None:
        """Show the review as it is."""
        self._rows = self.starts.rows()
        self.model.show([self._fields(row) for row in self._rows])
        fit_widths(self.table, self.model)
        some = bool(self._rows)
        self.parts.setVisible(some)
        self.empty.setVisible(not some)
        passing = sum(not row.why_not for row in self._rows)
        told = tr("starts", "{ticked} of {all} ticked, {n} pass")
        ticked = len(self.starts.ticked())
        self.counted.setText(told.format(ticked=ticked, all=len(self._rows), n=passing) if some else "")
        self.start.setText(self.starts.label())
        self.bar.set_why(
            self.start, self.starts.start_why_not() if some else tr("starts", "Nothing to start.")
        )
        set_why(self.again, "" if some else tr("starts", "Nothing to start."))
        set_why(self.all, "" if passing else tr("starts", "No row passes."))
        left = len(self._rows) - passing
        self.bar.say(tr("starts", "{n} rows stay behind, each says why.").format(n=left) if left else "")
        self._show_lines()
        self._say_end()

    def _fields(self, row: StartRow) -> tuple[Field, ...]:
        tone, why_not = TONES[row.verdict], row.why_not
        return (
            Field("", checked=row.ticked, off=bool(why_not), why=why_not),
            Field(row.slot, strong=True), Field(row.cell),
            Field(row.ocv_measured, "hard" if row.ocv_off else "", row.ocv_off, question=row.ocv_off),
            Field(row.ocv_registered, "muted"), Field(row.protocol), Field(row.current, why=row.current),
            Field(row.limits, why=row.limits), Field(row.starts), Field(row.ends, "muted"),
            Field(f"{SIGNS[row.verdict]} {row.told}", tone, why=row.told, raw=row.told),
        )  # fmt: skip

    @property
    def chosen(self) -> list[int]:
        """Return the selected rows; all where none is."""
        return chosen_rows(self.table) or list(range(len(self._rows)))

    def _show_lines(self) -> None:
        at = self.table.currentIndex().row()
        row = self._rows[at] if 0 <= at < len(self._rows) else (self._rows[0] if self._rows else None)
        if row is None:
            return
        self.details.set_title(f"{row.slot}  {row.cell}", row.protocol)
        lines = list(row.lines) or [tr("starts", "The station has not said anything about this row yet.")]
        if row.why_not:
            lines.insert(0, row.why_not)
        elif row.verdict is not Verdict.PASS:
            lines.insert(0, row.told)
        self.lines.setText("\n\n".join(lines))

    def _say_end(self) -> None:
        queued = sum(row.verdict is Verdict.QUEUED for row in self._rows)
        failed = sum(row.verdict is Verdict.FAILED for row in self._rows)
        sending = any(row.verdict is Verdict.SENDING for row in self._rows)
        told = "" if sending or not queued + failed else f"{queued} {failed}"
        if told and told != self._shown_for:
            text = tr("starts", "{n} starts are queued.").format(n=queued)
            if failed:
                text += " " + tr("starts", "{n} were refused; each row says why.").format(n=failed)
            self.context.say(text)
        self._shown_for = told

    # -- acts ---------------------------------------------------------------------------------------------------------

    def open_on(self, target: Any) -> None:
        """Begin a review of what another view points at."""
        wishes = wishes_of(self.context.lab, target)
        if wishes:
            self._shown_for = ""
            self.starts.begin(wishes)
            self.refresh()
            self.table.clearSelection()
            nothing = QItemSelectionModel.SelectionFlag.NoUpdate
            self.table.selectionModel().setCurrentIndex(self.model.index(0, 0), nothing)
            self.table.setFocus()

    def shown(self) -> None:
        """Ask which protocols there are."""
        self.library.refresh()
        self.refresh()

    def _tick(self, row: int, on: bool) -> None:
        refusal = self.starts.tick(row, on)
        if refusal:
            self.bar.say(refusal)

    def toggle(self) -> None:
        """Tick the selected rows, or take their ticks off where all have one; a row that cannot says why."""
        rows = [row for row in self.chosen if not self._rows[row].why_not]
        if not rows and self._rows:
            self.bar.say(self._rows[self.chosen[0]].why_not)
        on = not all(self._rows[row].ticked for row in rows)
        for row in rows:
            self.starts.tick(row, on)

    def tick_all(self) -> None:
        """Tick every row that passes."""
        for row in range(len(self._rows)):
            self.starts.tick(row, True)

    def _choose_protocol(self, name: str) -> None:
        if name and self._rows:
            self.starts.set_protocol(self.chosen, name)

    def _take_stagger(self) -> None:
        parsed = parse_quantity(self.stagger.text(), "s")
        if parsed.value is None:
            problem = parsed.problem or (parsed.question.text if parsed.question else "")
            mark_problem(
                self.stagger, problem or tr("starts", "The pause between two starts is 0 to 3600 s.")
            )
            return
        if parsed.value == self.starts.stagger_s:
            mark_problem(self.stagger, "")
            return
        problem = self.starts.set_stagger(parsed.value)
        mark_problem(self.stagger, problem)
        if problem:
            self.bar.say(problem)

    def press(self) -> None:
        """Start what is ticked."""
        self._take_stagger()
        refusal = why(self.start) or self.starts.start()
        if refusal:
            self.bar.say(refusal)

    def _open(self, index: QModelIndex) -> None:
        channel = self._rows[index.row()].channel
        if channel:
            self.context.go("channel", channel)

    def commands(self) -> list[Command]:
        """Return what the palette offers here."""
        group = tr("views", "Review and start")
        acts = (
            (self.start, self.press, "F5"),
            (self.again, self.starts.check, "F7"),
            (self.all, self.tick_all, ""),
        )
        return [Command(button.text(), call, keys, group, why(button)) for button, call, keys in acts]
