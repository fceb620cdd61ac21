"""The protocol editor: connects library, table, text, check and station; decisions are the view-models' (U13)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.banner import Banner
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.parts.why import set_why
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.protocol import figures
from labctl.gui.viewmodels.protocol.changes import why_not_editable
from labctl.gui.viewmodels.protocol.document import Outcome
from labctl.gui.viewmodels.protocol.drafts import Drafts
from labctl.gui.viewmodels.protocol.editor import CHECK_AFTER_S, DRAFT_AFTER_S, Editor
from labctl.gui.viewmodels.protocol.library import Entry, Library
from labctl.gui.viewmodels.protocol.offers import Offer
from labctl.gui.viewmodels.protocol.rows import Column, Row
from labctl.gui.viewmodels.protocol.starting import why_not_start
from labctl.gui.viewmodels.protocol.typed import pretty
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.views.protocol import files
from labctl.gui.views.protocol.commanding import commands_of
from labctl.gui.views.protocol.dialogs import NameDialog
from labctl.gui.views.protocol.editpage import HEAD, TABLE, EditPage
from labctl.gui.views.protocol.librarypage import LibraryPage


class ProtocolView(View):
    """The library, or one open protocol."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        drafts = Drafts(context.session, self._whose, lambda: context.lab.utc.isoformat(timespec="seconds"))
        self.library = Library(context.lab, context.asks, drafts)
        self.editor = Editor(context.lab, context.asks, drafts, self._work)
        self.selection: Selection = context.share("selection", Selection)
        self.pages = QStackedWidget()
        self.shelf, self.desk = LibraryPage(self.library), EditPage(self.editor)
        self.clash = Banner()
        self._version, self._asked = -1, ("", Column.STEP)
        self._dialog: NameDialog | None = None
        self._build_head()
        self._build_bar()
        self.page.addWidget(self.clash)
        self.page.addWidget(self.pages, 1)
        self.pages.addWidget(self.shelf)
        self.pages.addWidget(self.desk)
        self._check_soon, self._draft_soon = QTimer(self), QTimer(self)
        for timer, after_s, act in ((self._check_soon, CHECK_AFTER_S, self.editor.check),
                                    (self._draft_soon, DRAFT_AFTER_S, self.editor.keep_draft)):  # fmt: skip
            timer.setSingleShot(True)
            timer.setInterval(round(after_s * 1000))
            timer.timeout.connect(act)
        self._wire()
        self._keys()
        self._unwatch = [
            self.editor.watch(self._changed),
            context.lab.watch({"cell", "link", "run"}, lambda places: self._lab_changed()),
        ]

    def _whose(self) -> str:
        station = self.context.lab.station.name if self.context.lab.station is not None else "station"
        return f"{station}/{self.context.lab.me.name or 'me'}".replace(" ", "_")

    def _work(self, function: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self.context.bridge.work(function, then, lambda trouble: self.editor.check_failed())

    # -- building -----------------------------------------------------------------------------------------------

    def _build_head(self) -> None:
        self.back = Button(icon="chevron-left", rank=Rank.QUIET)
        self.chip = Chip()
        self.head_left.addWidget(self.back)
        self.head_left.addWidget(self.chip)
        self.undo_button, self.redo_button = Button(icon="undo"), Button(icon="redo")
        self.check = Button(icon="check-circle-outline", keys="F7")
        self.simulate = Button(icon="play", keys="F8")
        self.save = Button(rank=Rank.PRIMARY, act=True)
        self.new = Button(icon="plus")
        self.load = Button(icon="file-import-outline")
        for button in (
            self.load,
            self.new,
            self.undo_button,
            self.redo_button,
            self.check,
            self.simulate,
            self.save,
        ):
            self.head_right.addWidget(button)

    def _build_bar(self) -> None:
        self.start, self.export = Button(icon="play-outline"), Button(icon="file-export-outline")
        self.copy, self.discard = Button(icon="content-copy"), Button(icon="delete-outline")
        for button in (self.copy, self.export, self.discard, self.start):
            self.bar.add(button, right=True)

    def _wire(self) -> None:
        desk, shelf = self.desk, self.shelf
        desk.wished.connect(self.wish)
        desk.typed.connect(self._typed)
        desk.text_typed.connect(
            lambda text: self._do(Outcome(self.editor.document.edit(tr("protocol", "edit text"), text)))
        )
        desk.head_done.connect(lambda outcome, name: self._do(outcome))
        desk.mend.connect(lambda offer: self._do(offer.make()) if isinstance(offer, Offer) else None)
        desk.not_editable.connect(self._say_why)
        desk.dropped.connect(lambda row: self._do(self.editor.document.move_behind(desk.table.chosen(), row)))
        desk.strip.cell_chosen.connect(self._cell_chosen)
        desk.table.question.answered.connect(self._answered)
        desk.table.question.again.connect(lambda: desk.table.edit_again(self._asked[0]))
        desk.table.selectionModel().currentChanged.connect(lambda *_: self._say_row())
        shelf.open_wished.connect(self.open_entry)
        shelf.copy_wished.connect(lambda entry: self.open_entry(entry, copy=True))
        self.clash.pressed.connect(self._clash_pressed)
        for button, act in (
            (self.back, self.close_protocol), (self.undo_button, self._undo), (self.redo_button, self.undo.redo),
            (self.check, self.check_now), (self.simulate, self.simulate_now), (self.save, self.save_now),
            (self.new, self.new_protocol), (self.load, self.import_file), (self.start, self.start_with),
            (self.export, self.export_file), (self.copy, self.copy_open), (self.discard, self.discard_draft),
        ):  # fmt: skip
            button.clicked.connect(lambda checked=False, act=act: act())
        self.undo.indexChanged.connect(self._say_undo)
        for action, act in zip(self._undo_actions, (self._undo, self.undo.redo), strict=True):
            action.triggered.disconnect()
            action.triggered.connect(act)

    def _keys(self) -> None:
        self.shortcuts = {}
        for keys, act in (("F7", self.check_now), ("F8", self.simulate_now), ("Ctrl+S", self.save_now),
                          ("Ctrl+N", self.new_protocol), ("Ctrl+O", self.close_protocol), ("F5", self.start_with),
                          ("Ctrl+E", self.export_file)):  # fmt: skip
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
            self.shortcuts[keys] = shortcut

    # -- looks --------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        for button, text in (
            (self.check, tr("protocol", "Check")), (self.simulate, tr("protocol", "Simulate")),
            (self.save, tr("protocol", "Save revision")), (self.new, tr("protocol", "New protocol")),
            (self.load, tr("protocol", "Import…")), (self.start, tr("protocol", "Start with this…")),
            (self.export, tr("protocol", "Export…")), (self.copy, tr("protocol", "Copy as new")),
            (self.discard, tr("protocol", "Discard draft")), (self.back, tr("protocol", "Protocols")),
        ):  # fmt: skip
            button.setText(text)
        self.undo_button.name_it(tr("protocol", "Undo (Ctrl+Z)"))
        self.redo_button.name_it(tr("protocol", "Redo (Ctrl+Y)"))
        self.editor.document.retranslate()
        self.shelf.retranslate()
        self.desk.retranslate()
        self._changed()

    def shown(self) -> None:
        """Ask for the list and the cells."""
        self.library.refresh()
        if not self.context.lab.cells:
            self.context.asks.ask("cells.list", then=self.context.lab.take_cells, failed=lambda trouble: None)
        self._lab_changed()
        (self.desk.table if self.editor.is_open else self.shelf.table).setFocus()

    def hidden(self) -> None:
        """Keep what is unsaved."""
        self.editor.keep_draft()

    def open_on(self, target: Any) -> None:
        """Open a protocol of the station by its name."""
        if isinstance(target, str) and target:
            self._open_name(target)

    # -- opening ------------------------------------------------------------------------------------------------

    def open_entry(self, entry: Entry, copy: bool = False) -> None:
        """Open a line of the list, or a copy of it."""
        if entry.info is None and entry.draft is not None:
            self._begin(lambda: self.editor.open_draft(entry.draft) if entry.draft is not None else None)
            return
        self._open_name(entry.name, copy=copy, draft=entry)

    def _open_name(self, name: str, *, copy: bool = False, draft: Entry | None = None) -> None:
        def take(found: Any) -> None:
            self._begin(lambda: self.editor.open_text(found))
            if copy:
                self._begin(self.editor.copy)

        def failed(trouble: Trouble) -> None:
            if draft is not None and draft.draft is not None:
                kept = draft.draft
                self._begin(lambda: self.editor.open_draft(kept))
            else:
                self.context.trouble(trouble)

        self.context.asks.ask("protocols.get", name, then=take, failed=failed)

    def _begin(self, open_it: Callable[[], None]) -> None:
        """Open something: its edits begin anew, those of what was open are kept in its draft."""
        self._flush()
        self._version = -1
        open_it()
        self.undo.clear()
        self.desk.table.end_question()
        self.desk.show_tab(TABLE)
        self._changed()
        self.desk.table.setFocus()

    def new_protocol(self) -> None:
        """Begin an empty protocol."""
        self._begin(lambda: self.editor.new(tr("protocol", "New protocol")))
        self.desk.show_tab(HEAD)
        self.desk.head.go_to("name")
        self.desk.head.fields["name"].selectAll()

    def copy_open(self) -> None:
        """Begin a copy of the open protocol."""
        if self.editor.is_open:
            self._begin(self.editor.copy)

    def close_protocol(self) -> None:
        """Go back to the list; an unsaved text stays as a draft."""
        self._flush()
        self.editor.close()
        self.undo.clear()
        self.library.refresh()
        self._changed()
        self.shelf.table.setFocus()

    # -- edits --------------------------------------------------------------------------------------------------

    def _do(self, outcome: Outcome) -> None:
        """Do an edit, or say why it cannot be done; the keyboard goes along with moved steps."""
        if outcome.why:
            self.bar.say(outcome.why)
            return
        if outcome.edit is None:
            return
        self.undo.do(outcome.edit)
        if outcome.path is not None:
            self.desk.go_to_path(outcome.path)

    def wish(self, name: str) -> None:
        """Do what a button or a key of the table asks for."""
        table, document = self.desk.table, self.editor.document
        rows, row = table.chosen(), table.current()
        if name == "fold":
            if row is not None:
                self.editor.fold(row)
                self.desk.table.go_to(row.path, Column.STEP)
            return
        acts: dict[str, Callable[[], Outcome]] = {
            "add": lambda: document.add(row), "duplicate": lambda: document.duplicate(rows),
            "delete": lambda: document.delete(rows), "up": lambda: document.move(rows, down=False),
            "down": lambda: document.move(rows, down=True), "wrap": lambda: document.wrap(rows),
            "unwrap": lambda: document.unwrap(rows),
        }  # fmt: skip
        self._do(acts[name]())

    def _typed(self, row: Row, column: Column, text: str) -> None:
        outcome = self.editor.document.set_cell(row, column, text)
        self.desk.rows.pending = None
        if not outcome.why and not outcome.question:
            self._do(outcome)
            return
        self._asked = (text, column)
        index = self.desk.cell_index(row, column)
        self.desk.rows.pending = (row.key, column)
        QTimer.singleShot(0, self, partial(self._ask_in_row, index.row(), index.column(), outcome))

    def _ask_in_row(self, at: int, column: int, outcome: Outcome) -> None:
        """Ask once the cell's editor is gone."""
        index = self.desk.rows.index(at, column)
        self.desk.table.ask(index, outcome.question or outcome.why, outcome.options, not outcome.question)
        self.desk.table.viewport().update()

    def _answered(self, text: str) -> None:
        index = self.desk.table.end_question()
        row, column = self.desk.rows.row_at(index), self.desk.rows.column_at(index)
        if row is not None and column is not None:
            self._typed(row, column, text)

    def _say_why(self, row: Row | None, column: Column | None) -> None:
        if row is not None and column is not None:
            self.bar.say(self.editor.document.locked or why_not_editable(row, column))

    def _flush(self) -> None:
        if self.desk.text.pending:
            self.desk.text.commit()
        self.editor.keep_draft()

    def _undo(self) -> None:
        if self.desk.text.pending:
            self.desk.text.commit()
        self.desk.table.end_question()
        self.undo.undo()

    # -- acts ---------------------------------------------------------------------------------------------------

    def check_now(self) -> None:
        """Check now, here and by the station."""
        if self.editor.is_open:
            self._flush()
            self.editor.check()
            self.editor.ask_station()

    def simulate_now(self) -> None:
        """Have the station simulate the protocol for the chosen cell."""
        self._flush()
        why = self.editor.simulate()
        if why:
            self.bar.say(why)

    def save_now(self) -> None:
        """Save the next revision; a new one and a template's copy get a name first."""
        self._flush()
        editor = self.editor
        why = editor.why_not_save()
        if why:
            self.bar.say(why)
            return
        if editor.origin.name and not editor.origin.read_only:
            self.bar.say(editor.save())
            return
        title, act = tr("protocol", "Save as a new protocol"), tr("protocol", "Save")
        self._dialog = NameDialog(title, act, editor.suggested_name, editor.save, parent=self)
        self._dialog.finished.connect(self._named)
        self._dialog.open()

    def _named(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None
        self._to_table()

    def _to_table(self) -> None:
        self.window().activateWindow()
        self.desk.table.setFocus()

    def _clash_pressed(self, key: str) -> None:
        if key == "diff":
            self.desk.changes.setFocus()
            self.desk.show_tab(TABLE)
            if self.editor.clash is not None and self.editor.clash.newest is not None:
                newest = self.editor.clash.newest
                self.editor.compared = (newest.revision, newest.text)
                self._changed()
        elif key == "top":
            self.bar.say(self.editor.save_on_top())
        elif key == "copy":
            self.copy_open()
        self._to_table()

    def discard_draft(self) -> None:
        """Forget the draft: as an edit, so that it can be undone, where the station has a text."""
        if self.editor.origin.text:
            self._do(
                Outcome(self.editor.document.edit(tr("protocol", "discard draft"), self.editor.origin.text))
            )
        else:
            self.editor.discard()
            self.close_protocol()

    def start_with(self) -> None:
        """Review a start of the chosen channels with this protocol."""
        why, target = why_not_start(self.context.lab, self.editor, self.selection.channels)
        if why:
            self.bar.say(why)
            return
        self.context.go("start", target)

    def export_file(self) -> None:
        """Write the text to a file, as it stands."""
        if self.editor.is_open:
            self._flush()
            name = self.editor.origin.name or self.editor.suggested_name
            files.export(self, self.context, name, self.editor.document.text)

    def import_file(self) -> None:
        """Begin a protocol with the text of a file."""
        found = files.read(self, self.context)
        if found is not None:
            self._begin(lambda: self.editor.new(found.stem, found.text, found.name))

    # -- refreshing ---------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        editor = self.editor
        if editor.is_open and editor.document.version != self._version:
            self._version = editor.document.version
            self.desk.rows.pending = None
            self._check_soon.start()
            self._draft_soon.start()
        self.pages.setCurrentWidget(self.desk if editor.is_open else self.shelf)
        self.desk.refresh(self.undo.index())
        self._show_cells()
        self._say_head()
        self._say_clash()
        self._say_undo()
        self._say_row()

    def _lab_changed(self) -> None:
        self._show_cells()
        self._say_head()

    def _show_cells(self) -> None:
        cells = sorted(self.context.lab.cells.values(), key=lambda cell: cell.cell_id)
        choices = [("", tr("protocol", "no cell"))] + [
            (str(cell.cell_id), str(cell.cell_id)) for cell in cells
        ]
        self.desk.strip.show_cells(choices, "" if self.editor.cell is None else str(self.editor.cell.cell_id))

    def _cell_chosen(self, key: str) -> None:
        self.editor.choose_cell(self.context.lab.cells.get(key))
        self.editor.ask_station()

    def _say_head(self) -> None:
        editor, is_open = self.editor, self.editor.is_open
        for widget in (
            self.back,
            self.chip,
            self.undo_button,
            self.redo_button,
            self.check,
            self.simulate,
            self.save,
        ):
            widget.setVisible(is_open)
        for widget in (self.copy, self.export, self.discard, self.start):
            widget.setVisible(is_open)
        for widget in (self.new, self.load):
            widget.setVisible(not is_open)
        self.title.setText(pretty(editor.document.name or editor.origin.title) if is_open else self.spec.name)
        self.chip.show_words(*editor.revision_words)
        used = self.library.in_use(editor.document.name) if is_open else 0
        self.subtitle.setText(figures.based_words(editor, used) if is_open else "")
        set_why(self.simulate, editor.why_not_simulate())
        set_why(self.save, editor.why_not_save())
        set_why(
            self.discard,
            "" if editor.changed or not editor.origin.text else tr("protocol", "There is no draft."),
        )
        self.bar.set_why(
            self.start, why_not_start(self.context.lab, editor, self.selection.channels)[0] if is_open else ""
        )

    def _say_clash(self) -> None:
        clash = self.editor.clash
        if clash is None:
            self.clash.hide()
            return
        buttons = {"diff": tr("protocol", "See the changes"), "copy": tr("protocol", "Save as another")}
        if clash.newest is not None:
            buttons["top"] = tr("protocol", "Save after theirs")
        self.clash.say(tr("protocol", "Saved meanwhile by somebody else."), clash.told, buttons=buttons)

    def _say_undo(self, at: int = 0) -> None:
        none = tr("protocol", "Nothing to undo."), tr("protocol", "Nothing to do again.")
        set_why(self.undo_button, "" if self.undo.canUndo() else none[0])
        set_why(self.redo_button, "" if self.undo.canRedo() else none[1])

    def _say_row(self) -> None:
        row = self.desk.table.current() if self.editor.is_open else None
        if row is None:
            self.bar.say_selection("")
            self.bar.say(
                tr("protocol", "Templates are read-only: what you change is saved under a name of your own.")
            )
            return
        told = self.editor.remote.told
        trouble = self.editor.trouble
        note = str(trouble) if trouble is not None and not self.editor.clash else told
        words = tr("protocol", "row {n}").format(n=row.number)
        self.bar.say_selection(words, self.editor.sentence_of(row))
        self.bar.say(note)

    def search(self) -> None:
        """Put the keyboard into the list's search; the list is shown for it."""
        if self.editor.is_open:
            self.close_protocol()
        self.shelf.search.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def commands(self) -> list[Command]:
        """Return what the palette offers."""
        return commands_of(self)
