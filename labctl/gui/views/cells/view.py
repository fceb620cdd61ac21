"""The cells view: paste, scan, type; answer; save; review and start. Below it the registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QStringListModel, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QCompleter, QFileDialog, QLineEdit

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.labels import ElidedLabel, Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.side import SidePage
from labctl.gui.parts.soon import Soon
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.parts.why import set_why, why
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels import cellediting
from labctl.gui.viewmodels.cellcolumns import Col
from labctl.gui.viewmodels.cellregistry import Registry
from labctl.gui.viewmodels.cells import CellsTable
from labctl.gui.viewmodels.clashes import Clashes
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.library import Library
from labctl.gui.viewmodels.massdots import mass_dots
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.questions import Answer, OpenQuestion, open_questions
from labctl.gui.viewmodels.reviewing import Review
from labctl.gui.viewmodels.slotmap import slot_map
from labctl.gui.views.cells.entry import EntryTable
from labctl.gui.views.cells.importing import table_text
from labctl.gui.views.cells.painted import MassFigure
from labctl.gui.views.cells.registrycard import RegistryCard
from labctl.gui.views.cells.side import QuestionCard, SlotCard

NARROW_PX = 1120
"""Width of the view below which the head's buttons are icons."""


class CellsView(View):
    """Connects, displays, forwards; decisions are in ``viewmodels``."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.library = context.share("library", lambda: Library(context.asks))
        self.cells = CellsTable(context.lab, context.asks, self.library.current_A)
        self.registry = Registry(context.lab, context.asks)
        self.clashes = Clashes(context.lab, context.asks, self.cells)
        self.review = Review(context.lab, context.asks, self.cells)
        self._seen, self._result, self._narrow = False, "", False
        self._soon = Soon(self, self.refresh, 500)
        self._build_head()
        self._build_page()
        self._build_bar()
        self._wire()

    # -- building -----------------------------------------------------------------------------------------------------

    def _build_head(self) -> None:
        self.batch, self._batch_names = QLineEdit(), QStringListModel(self)
        # One for good: a completer that is replaced while its list is open takes the list away under Qt's hands.
        self.batch.setCompleter(QCompleter(self._batch_names, self.batch))
        self._batch_list = self.batch.completer().popup()
        theme().dress(self._batch_list)  # Qt gives it no parent
        fix_size(self.batch, width=120)
        self.paste_button = Button(icon="content-paste", keys="Ctrl+V")
        self.scan_button = Button(icon="barcode-scan")
        self.fill_button = Button(icon="arrow-collapse-down", keys="Ctrl+D")
        self.undo_button = Button(icon="undo", keys="Ctrl+Z")
        self.import_button = Button(icon="file-import-outline")
        self.scan_field = QLineEdit()
        fix_size(self.scan_field, width=170)
        self.scan_field.hide()
        self.head_left.put(self.batch, self.paste_button, self.import_button, self.scan_button, self.scan_field,
                           self.fill_button, self.undo_button)  # fmt: skip
        self.counted = ElidedLabel("", tone="muted", fill=False)
        self.head_right.addWidget(self.counted)

    def _build_page(self) -> None:
        self.parts = SidePage()
        self.entry = EntryTable(self.cells, self.do)
        self.entry_card = Card(inset=0)
        self.hint = Label("", tone="muted", wrap=True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setContentsMargins(32, 8, 32, 24)
        self.entry_card.body.put(self.entry, self.hint)
        self.registry_card = RegistryCard(self.registry)
        self.parts.main.addWidget(self.entry_card, 7)
        self.parts.main.addWidget(self.registry_card, 3)
        self.question = QuestionCard()
        self.mass_card, self.mass = Card(inset=12), MassFigure()
        self.mass_card.body.addWidget(self.mass)
        self.slots = SlotCard()
        self.parts.side.put(self.question, self.mass_card, self.slots, None)
        self.page.addWidget(self.parts, 1)

    def _build_bar(self) -> None:
        self.assign = self.bar.add(Button(icon="sort-ascending"))
        self.remove_button = self.bar.add(Button(icon="table-row-remove"))
        self.save = self.bar.add(Button(icon="check"))
        self.start = self.bar.add(Button(icon="play", rank=Rank.PRIMARY, keys="F5"), right=True)

    def _wire(self) -> None:
        for button, call in (
            (self.paste_button, self.paste), (self.scan_button, self.scan), (self.fill_button, self.fill_down),
            (self.undo_button, self.undo.undo), (self.import_button, self.choose_file),
            (self.assign, self.assign_slots), (self.save, self.save_cells), (self.start, self.start_review),
            (self.remove_button, self.remove_rows),
        ):  # fmt: skip
            button.clicked.connect(call)
        for keys, act in (
            ("Ctrl+V", self.paste), ("Ctrl+D", self.fill_down), ("F5", self.start_review), ("Del", self.clear),
            ("Ctrl+S", self.save_cells), ("Ctrl+Del", self.remove_rows),
        ):  # fmt: skip
            self._act(keys, act)
        self.scan_field.returnPressed.connect(self.take_scan)
        self.batch.editingFinished.connect(self._take_batch)
        self.entry.moved.connect(self._show_question)
        self.entry.selectionModel().selectionChanged.connect(lambda new, old: self._say_acts())
        self.question.answered.connect(self._answer)
        self.question.edit_wanted.connect(self._edit_at)
        self.slots.figure.wanted.connect(self._put_in)
        self.registry_card.correct_wanted.connect(self.take_cells)
        self.registry_card.start_wanted.connect(lambda ids: self.context.go("start", {"cells": ids}))
        self.registry_card.channel_wanted.connect(lambda channel: self.context.go("channel", channel))
        self.undo.indexChanged.connect(self._undo_moved)
        self.cells.watch(self.refresh)
        self.library.watch(self.refresh)
        self.registry.watch(self._registry_changed)
        self.context.lab.watch({"channel", "cell", "link"}, lambda places: self._lab_changed())

    def _act(self, keys: str, call: Callable[[], object]) -> None:
        action = QAction(self)
        action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda: call())
        (self.entry if keys == "Del" else self).addAction(action)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.batch.setPlaceholderText(tr("cells", "batch"))
        self.batch.setAccessibleName(tr("cells", "Batch of new rows"))
        self._name_head()
        for button, text in (
            (self.assign, tr("cells", "Assign slots in order")), (self.remove_button, tr("cells", "Remove rows")),
        ):  # fmt: skip
            button.setText(text)
        self.scan_field.setPlaceholderText(tr("cells", "scan a barcode"))
        self.scan_field.setAccessibleName(tr("cells", "Barcode: each Enter adds a cell, Escape ends"))
        self.hint.setText(tr(
            "cells", "Copy rows in a spreadsheet and press Ctrl+V here. Columns are found by their names (id, slot, "
            "type, group, mass, area, OCV, batch, protocol, note) or by what is in them; units in the head count."
        ))  # fmt: skip
        self.mass_card.set_title(tr("cells", "Mass by type"), tr("cells", "bar = median"))
        self.slots.set_title(tr("cells", "Slots"), tr("cells", "press one to use it for the row"))
        self.parts.name_parts(tr("cells", "Table"), tr("cells", "Questions and slots"))
        self.entry.retitle()
        self.registry_card.retitle()
        self.cells.retranslate()
        self.refresh()

    def _name_head(self) -> None:
        """Name the buttons of the head; in a narrow window their icons stand alone, with the name in the tooltip."""
        undo = tr("cells", "Undo {what}").format(what=self.undo.undoText()).strip()
        self._narrow = self.width() < theme().px(NARROW_PX)
        for button, text in (
            (self.paste_button, tr("cells", "Paste")), (self.scan_button, tr("cells", "Scan")),
            (self.fill_button, tr("cells", "Fill down")), (self.import_button, tr("cells", "Import...")),
            (self.undo_button, undo),
        ):  # fmt: skip
            button.setText("" if self._narrow else text)
            button.name_it(text)
            button.setProperty("labctl_tooltip", text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the window's width."""
        super().resizeEvent(event)
        if (self.width() < theme().px(NARROW_PX)) != self._narrow:
            self._name_head()
            self._say_acts()

    def refresh(self) -> None:
        """Show the table as it is."""
        if not self.entry.rows_model.heads:
            return
        self.cells.look_anew()
        questions = self._questions()
        self.entry.show_cells(questions)
        self.entry.offer({
            Col.PROTOCOL: self.library.names, Col.BATCH: self.registry.names(),
            Col.GROUP: sorted({cell.coating for cell in self.context.lab.cells.values() if cell.coating}),
        })  # fmt: skip
        self.counted.setText(self.cells.summary())
        self.hint.setVisible(not self.cells.rows)
        for at, share in enumerate(
            (7, 3) if self.cells.rows else (3, 7)
        ):  # who has no rows yet looks at the registry
            self.parts.main.setStretch(at, share)
        self.mass.show_dots(mass_dots(self.cells))
        self.mass_card.setVisible(bool(self.cells.rows))
        self._show_question(questions)
        self._show_slots()
        self._say_acts()
        self._say_result()

    def _questions(self) -> tuple[OpenQuestion, ...]:
        return (*self.clashes.questions(), *open_questions(self.cells))

    def _show_question(self, questions: tuple[OpenQuestion, ...] | None = None) -> None:
        found = self._questions() if questions is None else questions
        self.question.show_questions(found, self.entry.place[0])

    def _show_slots(self) -> None:
        self.slots.show_map(slot_map(self.context.lab, self.cells))

    def _say_acts(self) -> None:
        rows, chosen = len(self.cells.rows), self.entry.chosen
        saved = sum(not self.cells.blocking(row) for row in range(rows))
        self.save.setText(tr("cells", "Save {n} cells").format(n=saved))
        self.bar.set_why(self.save, "" if saved or not rows else tr("cells", "No row can be saved yet."))
        set_why(self.save, why(self.save) or ("" if rows else tr("cells", "The table is empty.")))
        set_why(self.assign, "" if rows else tr("cells", "The table is empty."))
        set_why(self.remove_button, "" if chosen else tr("cells", "Select rows first."))
        set_why(
            self.fill_button, "" if len(chosen) > 1 else tr("cells", "Select two rows or more first (Shift).")
        )
        self._name_head()
        set_why(self.undo_button, "" if self.undo.canUndo() else tr("cells", "There is nothing to undo."))
        ready = len(self.cells.ready())
        self.start.setText(
            tr("cells", "Review and start {n}...").format(n=ready or "").replace(" ...", "...")
        )
        self.bar.set_why(self.start, self.review.why_not())
        self.bar.say(self.review.note())
        selected = tr("cells", "{n} selected").format(n=len(chosen)) if len(chosen) > 1 else ""
        self.bar.say_selection(selected)

    def _say_result(self) -> None:
        result = self.cells.result
        if result and result != self._result and not self.cells.saving:
            if self.cells.trouble is not None:
                self.context.trouble(self.cells.trouble)
            else:
                self.context.say(tr("cells", "Cells saved: {result}").format(result=result))
        self._result = "" if self.cells.saving else result

    def _undo_moved(self, at: int) -> None:
        self._say_acts()

    def _lab_changed(self) -> None:
        if self._seen:
            self._soon.poke()

    def _registry_changed(self) -> None:
        if self._seen:
            self.registry_card.refresh()
            names = list(self.registry.names())
            if names != self._batch_names.stringList():
                self._batch_names.setStringList(names)

    # -- acts ---------------------------------------------------------------------------------------------------------

    def do(self, edit: Edit | None) -> None:
        """Do an edit; the table tells of it by itself."""
        self.undo.do(edit)

    def paste(self) -> None:
        """Put the clipboard's block in: by its head, else where the keyboard is."""
        text = QGuiApplication.clipboard().text()
        row, column = self.entry.place
        before = len(self.cells.rows)
        self.do(self.cells.paste(text, row if row >= 0 else None, column))
        if len(self.cells.rows) > before and row < 0:
            self.entry.go_to(before, Col.CELL)

    def fill_down(self) -> None:
        """Copy the first selected row's cell to the others."""
        column = self.entry.place[1]
        if column is not None:
            self.do(self.cells.fill_down(self.entry.chosen, column))

    def clear(self) -> None:
        """Empty the column in the selected rows."""
        column = self.entry.place[1]
        if column is not None:
            self.do(cellediting.clear(self.cells, self.entry.chosen, column))

    def remove_rows(self) -> None:
        """Take the selected rows out of the table; the registry keeps what it has."""
        self.do(self.cells.remove(self.entry.chosen))

    def assign_slots(self) -> None:
        """Give free slots to the rows that have none: the selected ones, else all."""
        chosen = self.entry.chosen
        self.do(self.cells.assign_slots(chosen if len(chosen) > 1 else None))

    def scan(self) -> None:
        """Open the field in which a scanner types."""
        self.scan_field.show()
        self.scan_field.setFocus(Qt.FocusReason.OtherFocusReason)

    def take_scan(self) -> None:
        """Take what the scanner typed and wait for the next."""
        text = self.scan_field.text().strip()
        row = self.entry.place[0]
        self.scan_field.clear()
        self.do(
            cellediting.scan(self.cells, text, self.context.lab.cells.get(text), row if row >= 0 else None)
        )

    def choose_file(self) -> None:
        """Ask for a table and take it."""
        kinds = tr("cells", "Tables (*.csv *.tsv *.txt *.xlsx)")
        name, _ = QFileDialog.getOpenFileName(self, tr("cells", "Import cells"), "", kinds)
        if name:
            self.take_file(Path(name))

    def take_file(self, path: Path) -> None:
        """Put a CSV or XLSX file into the table, as if it had been pasted; read outside the window's thread."""
        self.context.bridge.work(lambda: table_text(path), self._take_table, self.context.trouble)

    def _take_table(self, text: str) -> None:
        self.do(self.cells.paste(text))

    def save_cells(self) -> None:
        """Register what can be."""
        refusal = why(self.save) or self.cells.save()
        if refusal:
            self.bar.say(refusal)

    def start_review(self) -> None:
        """Save what is new and open the review of the start."""
        refusal = self.review.begin(lambda wishes: self.context.go("start", list(wishes)))
        if refusal:
            self.bar.say(refusal)

    def take_cells(self, cell_ids: list[str]) -> None:
        """Bring registered cells into the table, to be corrected."""
        lab = self.context.lab
        bench = cabinet(lab.channels)
        slots = {str(s.cell_id): bench.label(name) for name, s in lab.channels.items() if s.cell_id}
        found = [lab.cells[cell_id] for cell_id in cell_ids if cell_id in lab.cells]
        self.do(cellediting.take(self.cells, found, slots))
        self.entry.setFocus()

    def _take_batch(self) -> None:
        self.cells.batch = self.batch.text().strip()
        self.refresh()

    def _answer(self, answer: Answer) -> None:
        self.do(answer.edit())
        self.entry.setFocus()

    def _edit_at(self, row: int, column: str) -> None:
        self.entry.go_to(row, Col(column))
        self.entry.edit_there(self.entry.currentIndex())

    def _put_in(self, slot: str) -> None:
        self.do(cellediting.put_in(self.cells, self.entry.place[0], slot))

    # -- the window ---------------------------------------------------------------------------------------------------

    def shown(self) -> None:
        """Ask what there is."""
        self._seen = True
        self.library.refresh()
        self.registry.refresh()
        self.refresh()
        self._registry_changed()

    def hidden(self) -> None:
        """Show nothing that nobody sees."""
        self._seen = False

    def open_on(self, target: Any) -> None:
        """Show a cell, a batch, or rows for slots: ``{"cell": id}``, ``{"batch": name}``, ``{"slots": [...]}``."""
        given = {"cell": target} if isinstance(target, str) else dict(target)
        bench = cabinet(self.context.lab.channels)
        if given.get("slots"):
            self.do(cellediting.rows_for(self.cells, [bench.label(one) for one in given["slots"]]))
            self.entry.go_to(max(0, len(self.cells.rows) - len(given["slots"])), Col.CELL)
        if given.get("batch"):
            self.registry_card.open_batch(str(given["batch"]))
        if given.get("cell"):
            self.registry_card.open_cell(str(given["cell"]))

    def search(self) -> None:
        """Put the keyboard into the registry's filter."""
        self.registry_card.search.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def commands(self) -> list[Command]:
        """Return what the palette offers here."""
        group = tr("views", "Cells")
        acts = (
            (self.paste_button, self.paste, "Ctrl+V"), (self.import_button, self.choose_file, ""),
            (self.scan_button, self.scan, ""), (self.fill_button, self.fill_down, "Ctrl+D"),
            (self.assign, self.assign_slots, ""), (self.save, self.save_cells, "Ctrl+S"),
            (self.remove_button, self.remove_rows, "Ctrl+Del"), (self.start, self.start_review, "F5"),
        )  # fmt: skip
        return [
            Command(button.accessibleName(), call, keys, group, why(button)) for button, call, keys in acts
        ]

    def save_state(self) -> dict[str, Any]:
        """Keep the page of the registry and the batch."""
        return {"page": self.registry_card.pages.key, "batch": self.batch.text()}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take the page of the registry and the batch."""
        if state.get("page") in ("batches", "cells"):
            self.registry_card.show_page(str(state["page"]))
        self.batch.setText(str(state.get("batch", "")))
        self._take_batch()
