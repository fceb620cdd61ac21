"""The registry below the entry table: batches, cells, and one cell's history; search narrows what is listed."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtWidgets import QStackedWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import SearchField
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.rows import Field, Head, RowModel, chosen_rows, fit_widths, give_widths, keep_widths
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.table import Table
from labctl.gui.parts.why import set_why
from labctl.gui.viewmodels.cellregistry import Registry
from labctl.gui.viewmodels.text import plural

PAGES = ("batches", "cells", "history")


class RegistryCard(Card):
    """``correct_wanted`` and ``start_wanted`` carry cell ids, ``channel_wanted`` a channel."""

    correct_wanted = Signal(list)
    start_wanted = Signal(list)
    channel_wanted = Signal(str)

    def __init__(self, registry: Registry) -> None:
        super().__init__(inset=0)
        self._registry = registry
        self.batch: str | None = None
        self.cell = ""
        self.pages = Segment("", tuple(Choice(key, key) for key in PAGES), height_px=28)
        self.search = SearchField("", keys="/")
        fix_size(self.search, width=160)
        self.correct, self.start = Button(height_px=28), Button(height_px=28)
        self.head.put(self.pages, self.correct, self.start, self.search)
        self.stack = QStackedWidget()
        self.body.addWidget(self.stack, 1)
        self.models = {key: RowModel() for key in PAGES}
        self.tables = {key: Table("") for key in PAGES}
        for key in PAGES:
            keep_widths(self.tables[key], self.models[key])
            self.stack.addWidget(self.tables[key])
            self.tables[key].opened.connect(self._open)
            self.tables[key].selectionModel().selectionChanged.connect(lambda new, old: self._say_acts())
        self.pages.chosen.connect(self._turn)
        self.search.textChanged.connect(lambda text: self.refresh())
        self.correct.clicked.connect(lambda: self.correct_wanted.emit(self.chosen_cells()))
        self.start.clicked.connect(lambda: self.start_wanted.emit(self.chosen_cells()))

    # -- words --------------------------------------------------------------------------------------------------------

    def retitle(self) -> None:
        """Name everything in the window's language."""
        self.search.set_hint(tr("registry", "filter cells"))
        self.correct.setText(tr("registry", "Correct..."))
        self.start.setText(tr("registry", "Start..."))
        heads = {
            "batches": (
                Head("batch", tr("registry", "batch"), 110, fit=True), Head("cells", tr("registry", "cells"), 56, True),
                Head("from", tr("registry", "electrode from"), 190),
                Head("electrolyte", tr("registry", "electrolyte"), 120),
                Head("made", tr("registry", "assembled"), 92), Head("by", tr("registry", "by"), 72),
                Head("running", tr("registry", "running"), 72, True), Head("done", tr("registry", "done"), 56, True),
                Head("dead", tr("registry", "dead"), 56, True), Head("note", tr("registry", "note"), 200),
            ),
            "cells": (
                Head("cell", tr("registry", "cell id"), 80, fit=True),
                Head("name", tr("registry", "name"), 110, fit=True),
                Head("type", tr("registry", "type"), 56), Head("group", tr("registry", "group"), 90),
                Head("batch", tr("registry", "batch"), 96), Head("lineage", tr("registry", "made from"), 130),
                Head("mass", tr("registry", "mass mg"), 76, True), Head("area", tr("registry", "area cm²"), 76, True),
                Head("where", tr("registry", "slot"), 64, fit=True), Head("runs", tr("registry", "runs"), 52, True),
                Head("run", tr("registry", "newest run"), 180),
            ),
            "history": (
                Head("when", tr("registry", "when"), 110), Head("what", tr("registry", "what"), 100),
                Head("where", tr("registry", "slot"), 64, fit=True), Head("by", tr("registry", "by"), 90),
                Head("text", tr("registry", "what was said"), 400),
            ),
        }  # fmt: skip
        for key, found in heads.items():
            self.models[key].show_heads(found)
        self._give_widths()
        for key, name in (("batches", tr("registry", "Batches")), ("cells", tr("registry", "Registered cells")),
                          ("history", tr("registry", "History of the cell"))):  # fmt: skip
            self.tables[key].setAccessibleName(name)
        self.refresh()

    def _give_widths(self) -> None:
        for key in PAGES:
            give_widths(self.tables[key], self.models[key])

    # -- content ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what the registry says now."""
        text, page = self.search.text(), self.pages.key or PAGES[0]
        none_open = "" if self.cell else tr("registry", "Open a cell with Enter first.")
        self.pages.show_choices((
            Choice("batches", tr("registry", "Batches")),
            Choice("cells", tr("registry", "Cells") if self.batch is None else
                   tr("registry", "Cells of {batch}").format(batch=self.batch or tr("registry", "no batch"))),
            Choice("history", tr("registry", "History {cell}").format(cell=self.cell).strip(), why=none_open),
        ))  # fmt: skip
        self.pages.setAccessibleName(tr("registry", "Registry"))
        if page == "batches":
            self._show_batches(text)
        elif page == "cells":
            self._show_cells(text)
        else:
            self._show_history()
        fit_widths(self.tables[page], self.models[page])
        self.set_title(tr("registry", "Registry"), self._note(page))
        self._say_acts()

    def _note(self, page: str) -> str:
        if self._registry.trouble is not None:
            return str(self._registry.trouble)
        count = len(self.models[page].rows)
        if page == "history":
            return ""
        if not count:
            return tr("registry", "nothing here fits")
        if page == "batches":
            return plural(count, tr("registry", "1 batch"), tr("registry", "{n} batches"))
        return plural(count, tr("registry", "1 cell"), tr("registry", "{n} cells"))

    def _show_batches(self, text: str) -> None:
        found = self._registry.batches(text)
        self.models["batches"].show(
            [
                (Field(row.batch or tr("registry", "no batch"), strong=True), Field(str(row.cells)),
                 Field(row.made_from, why=row.made_from), Field(row.electrolyte), Field(row.made), Field(row.by),
                 Field(str(row.running)), Field(str(row.done)), Field(str(row.dead)),
                 Field(row.note, "muted"))
                for row in found
            ],
            [f"b{row.batch}" for row in found],
        )  # fmt: skip

    def _show_cells(self, text: str) -> None:
        found = self._registry.cells(text, self.batch)
        self.models["cells"].show(
            [
                (Field(row.cell_id, strong=True), Field(row.name), Field(row.kind), Field(row.group),
                 Field(row.batch), Field(row.lineage), Field(row.mass), Field(row.area), Field(row.where),
                 Field(str(row.runs)), Field(row.run, "muted"))
                for row in found
            ],
            [row.cell_id for row in found],
        )  # fmt: skip

    def _show_history(self) -> None:
        found = self._registry.history(self.cell)
        self.models["history"].show(
            [
                (
                    Field(row.when),
                    Field(row.what, strong=True),
                    Field(row.where),
                    Field(row.by),
                    Field(row.text),
                )
                for row in found
            ],
            [f"{at} {row.channel}" for at, row in enumerate(found)],
        )

    # -- acts ---------------------------------------------------------------------------------------------------------

    def chosen_cells(self) -> list[str]:
        """Return the selected cells: those of a batch, on the page of batches."""
        page = self.pages.key
        rows = chosen_rows(self.tables[page])
        keys = [self.models[page].keys[row] for row in rows if row < len(self.models[page].keys)]
        if page == "cells":
            return keys
        if page == "batches":
            return [row.cell_id for key in keys for row in self._registry.cells("", key[1:])]
        return [self.cell] if self.cell else []

    def _say_acts(self) -> None:
        why = "" if self.chosen_cells() else tr("registry", "Select cells or a batch first.")
        for button in (self.correct, self.start):
            set_why(button, why)

    def _turn(self, page: str) -> None:
        if page == "batches":
            self.batch = None
        self.stack.setCurrentWidget(self.tables[page])
        self.refresh()

    def show_page(self, page: str) -> None:
        """Turn to a page: ``batches``, ``cells`` or ``history``."""
        self.pages.choose(page)
        self.stack.setCurrentWidget(self.tables[page])
        self.refresh()

    def open_cell(self, cell_id: str) -> None:
        """Show the history of a cell."""
        self.cell = cell_id
        self._registry.ask_history(cell_id)
        self.show_page("history")

    def open_batch(self, batch: str) -> None:
        """Show the cells of a batch."""
        self.batch = batch
        self.show_page("cells")

    def _open(self, index: QModelIndex) -> None:
        page = self.pages.key
        key = self.models[page].keys[index.row()]
        if page == "batches":
            self.open_batch(key[1:])
        elif page == "cells":
            self.open_cell(key)
        elif key.partition(" ")[2]:
            self.channel_wanted.emit(key.partition(" ")[2])
            return
        self.tables[self.pages.key].setFocus()
