"""The view of the queue: connects the list, the calendar and the dialogs with the view-models, and forwards."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu, QSplitter

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.card import Card
from labctl.gui.parts.confirm import confirm_or_do
from labctl.gui.parts.empty import Empty
from labctl.gui.parts.fields import SearchField
from labctl.gui.parts.fold import Fold
from labctl.gui.parts.grouprows import GroupedModel, Heading
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.parts.why import set_why
from labctl.gui.viewmodels.acts import Act, ActState, Trouble
from labctl.gui.viewmodels.allowed import general, label_of
from labctl.gui.viewmodels.confirming import confirmation
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.queue import LISTING_WORDS, Listing, QueueModel, QueueRow
from labctl.gui.viewmodels.queueacts import Release, Way
from labctl.gui.viewmodels.queueinsert import EditJobs, InsertJobs, ProtocolShelf
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.views.queue.calendar import CalendarLegend, CalendarView
from labctl.gui.views.queue.dialogs import EditDialog, InsertDialog
from labctl.gui.views.queue.entries import entries
from labctl.gui.views.queue.strip import Strip
from labctl.gui.views.queue.table import COLUMNS, QueueTable
from labctl.model.job import OPEN_STATES, JobState

TICK_MS = 1000
LOW_PX = 440
"""Height of the page below which items and calendar are shown one at a time."""


class QueueView(View):
    """Jobs above, calendar below, one selection for both (R8)."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.queue = QueueModel(context.lab, context.acts, context.asks)
        self.library = ProtocolShelf(context.asks)
        self.selection: Selection = context.share("selection", Selection)
        self._seen = False
        self._choosing = False
        self._build_head()
        self._build_page()
        self._build_bar()
        self._keys()
        self.queue.watch(self._changed)
        self.selection.watch(self._channels_chosen)
        context.acts.watch(self._acted)
        context.lab.watch({"link"}, lambda places: self._changed())
        self.undo.indexChanged.connect(self._undone)
        self._timer_id = self.startTimer(TICK_MS)

    # -- building ---------------------------------------------------------------------------------------------------

    def _build_head(self) -> None:
        self.listing = Segment(tr("queue", "Which items"), [Choice(one.value, "") for one in Listing])
        self.listing.chosen.connect(self._list)
        self.head_left.addWidget(self.listing)
        self.field = SearchField("", keys="Ctrl+F")
        fix_size(self.field, width=180)
        self.field.textChanged.connect(self._search_for)
        self.insert_button = Button("", icon="plus", keys="Ins")
        self.release_all, self.hold_all = Button("", icon="play-outline"), Button("", icon="pause")
        self.insert_button.clicked.connect(self.insert)
        self.release_all.clicked.connect(lambda: self.queue.acts.release_part())
        self.hold_all.clicked.connect(lambda: self.queue.acts.hold_part())
        for widget in (self.field, self.insert_button, self.release_all, self.hold_all):
            self.head_right.addWidget(widget)

    def _build_page(self) -> None:
        self.strip = Strip()
        self.strip.label = partial(label_of, self.context.lab)
        self.strip.campaign.connect(self._choose_campaign)
        self.strip.release.connect(self._release_part)
        self.model = GroupedModel(COLUMNS, lambda row: row.job_id, self)
        self.table = QueueTable(self.model)
        self.list_card = Card(inset=0)
        self.list_card.body.addWidget(self.table)
        self.empty = Empty()
        self.empty_insert = self.empty.add_button(Button("", icon="plus"))
        self.empty_insert.clicked.connect(self.insert)
        self.list_card.body.addWidget(self.empty)
        self.calendar = CalendarView()
        self.calendar_card = Card("-", inset=0)
        self.legend = CalendarLegend()
        self.calendar_card.head.addWidget(self.legend)
        self.calendar_card.body.addWidget(self.calendar, 1)
        self.parts = QSplitter(Qt.Orientation.Vertical)
        self.parts.setChildrenCollapsible(False)
        self.parts.addWidget(self.list_card)
        self.parts.addWidget(self.calendar_card)
        self.parts.setSizes([400, 480])
        self.page.addWidget(self.strip)
        self.fold = Fold(
            self.parts, {"list": self.list_card, "calendar": self.calendar_card}, height_px=LOW_PX
        )
        self.page.addWidget(self.fold, 1)
        self.table.dragged.connect(self._dragged)
        self.table.stepped.connect(self._step)
        self.table.opened.connect(lambda index: self._open(self.model.key_at(index), ""))
        self.table.selectionModel().selectionChanged.connect(lambda on, off: self._rows_chosen())
        self.table.customContextMenuRequested.connect(
            lambda at: self._menu(self.table.viewport().mapToGlobal(at))
        )
        self.calendar.chosen.connect(self._bar_chosen)
        self.calendar.opened.connect(self._open)
        self.calendar.menu_asked.connect(self._menu)

    def _build_bar(self) -> None:
        bar = self.bar
        self.up = bar.add(Button("", icon="arrow-up", keys="Alt+↑"), right=True)
        self.down = bar.add(Button("", icon="arrow-down", keys="Alt+↓"), right=True)
        self.edit_button = bar.add(Button("", icon="pencil-outline", keys="F2"), right=True)
        self.repeat_button = bar.add(Button("", icon="repeat", keys="Ctrl+D"), right=True)
        self.hold_button = bar.add(Button("", icon="pause", keys="Ctrl+H"), right=True)
        self.retry_button = bar.add(Button("", icon="restart"), right=True)
        self.remove_button = bar.add(Button("", icon="close", keys="Del"), right=True)
        self.undo_button = bar.add(Button("", icon="undo-variant", keys="Ctrl+Z"), right=True)
        for button, call in (
            (self.up, partial(self._step, -1)), (self.down, partial(self._step, 1)), (self.edit_button, self.edit),
            (self.repeat_button, self.repeat), (self.hold_button, self.hold_or_release),
            (self.retry_button, self.retry), (self.remove_button, self.remove), (self.undo_button, self.undo.undo),
        ):  # fmt: skip
            button.clicked.connect(lambda checked=False, call=call: call())

    def _keys(self) -> None:
        for keys, call in (
            ("Ins", self.insert), ("F2", self.edit), ("Ctrl+D", self.repeat), ("Ctrl+H", self.hold_or_release),
            ("Del", self.remove), ("Alt+Up", partial(self._step, -1)), ("Alt+Down", partial(self._step, 1)),
        ):  # fmt: skip
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(call)

    # -- what is shown ----------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.field.set_hint(tr("queue", "search"))
        self.insert_button.setText(tr("queue", "Insert..."))
        self.release_all.setText(tr("queue", "Release all"))
        self.hold_all.setText(tr("queue", "Hold all"))
        self.list_card.setAccessibleName(tr("queue", "Items"))
        self.table.setAccessibleName(tr("queue", "Items of the queue"))
        self.calendar_card.set_title(tr("queue", "Channel calendar"))
        self.fold.name_pages({"list": tr("queue", "Items"), "calendar": tr("queue", "Channel calendar")})
        self.calendar.setAccessibleName(
            tr("queue", "Channel calendar. Arrows choose, + and - zoom, 0 shows all, Home goes to now.")
        )
        self.up.setText(tr("queue", "Up"))
        self.down.setText(tr("queue", "Down"))
        self.up.name_it(tr("queue", "Move up"))
        self.down.name_it(tr("queue", "Move down"))
        self.edit_button.setText(tr("queue", "Change..."))
        self.repeat_button.setText(tr("queue", "Repeat"))
        self.retry_button.setText(tr("queue", "Retry"))
        self.remove_button.setText(tr("queue", "Remove"))
        self.undo_button.setText(tr("queue", "Undo"))
        self.empty_insert.setText(tr("queue", "Insert..."))
        self.model.retranslate()
        self._changed()

    def shown(self) -> None:
        """Ask for the calendar."""
        self._seen = True
        self.queue.want_calendar(soon=True)
        self._changed()

    def hidden(self) -> None:
        """Stop painting."""
        self._seen = False

    def timerEvent(self, event: object) -> None:
        """Move the line of now; ask for the calendar where it is old."""
        if self._seen:
            self.queue.want_calendar()
            self.calendar.show_now(self.context.lab.plant_utc.timestamp())

    def _changed(self) -> None:
        if not self._seen:
            return  # it is filled when it is shown
        counts = self.queue.counts()
        self.listing.show_choices([
            Choice(one.value, tr("queue", LISTING_WORDS[one]),
                   str(counts[one]) if one in (Listing.ALL, Listing.HELD, Listing.DONE) else "")
            for one in Listing
        ])  # fmt: skip
        rows = self.queue.rows()
        self.model.show(self._grouped(rows))
        lanes = self.queue.lanes()
        self.calendar.show_lanes(lanes, self.context.lab.plant_utc.timestamp(), self.queue.fitting_span())
        self.strip.show_parts(self.queue.campaigns(), self.queue.campaign, self.context.lab.queue)
        self._say_empty(bool(rows))
        note = "" if self.queue.trouble is None else str(self.queue.trouble)
        self.calendar_card.set_title(tr("queue", "Channel calendar"), note)
        self._buttons()

    def _grouped(self, rows: tuple[QueueRow, ...]) -> list[Any]:
        shown: list[Any] = []
        group = None
        for row in rows:
            if row.group != group and row.group:
                count = sum(1 for other in rows if other.group == row.group)
                shown.append(Heading(row.group, row.group, str(count)))
            group = row.group
            shown.append(row)
        return shown

    def _say_empty(self, any_rows: bool) -> None:
        self.table.setVisible(any_rows)
        self.empty.setVisible(not any_rows)
        if not any_rows:
            self.empty_insert.setVisible(self.queue.listing is not Listing.DONE)
            self.empty.say(*self.queue.empty_words())

    # -- choosing ---------------------------------------------------------------------------------------------------

    def chosen(self) -> list[str]:
        """Return the selected items, top first."""
        selection = self.table.selectionModel()
        rows = sorted(index.row() for index in selection.selectedRows())
        return [key for key in (self.model.key_at(row) for row in rows) if key]

    def choose(self, job_ids: list[str]) -> None:
        """Select items."""
        selection = self.table.selectionModel()
        how = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        self._choosing = True
        try:
            selection.clearSelection()
            for job_id in job_ids:
                at = self.model.place_of(job_id)
                if at >= 0:
                    selection.select(self.model.index(at, 0), how)
                    selection.setCurrentIndex(
                        self.model.index(at, 2), QItemSelectionModel.SelectionFlag.NoUpdate
                    )
                    self.table.scrollTo(self.model.index(at, 0))
        finally:
            self._choosing = False
        self._say_chosen()

    def _rows_chosen(self) -> None:
        if self._choosing:
            return
        rows = [self.model.row_at(self.model.place_of(job_id)) for job_id in self.chosen()]
        channels = [row.channel for row in rows if row is not None and row.channel]
        self._choosing = True
        try:
            if channels:
                self.selection.choose(*dict.fromkeys(channels))
        finally:
            self._choosing = False
        self._say_chosen()

    def _bar_chosen(self, job_id: str, channel: str) -> None:
        self._choosing = True
        try:
            if channel:
                self.selection.choose(channel)
        finally:
            self._choosing = False
        self.choose([job_id] if job_id else [])

    def _channels_chosen(self) -> None:
        if not self._choosing:
            self.calendar.choose(self.chosen(), self.selection.channels)

    def _say_chosen(self) -> None:
        self.calendar.choose(self.chosen(), self.selection.channels)
        self._buttons()

    def _buttons(self) -> None:
        ids, queue = self.chosen(), self.queue
        one = queue.row_of(ids[0]) if len(ids) == 1 else None
        if one is not None:
            ends = tr("queue", "ends about {when}").format(when=one.ends) if one.ends != "-" else ""
            self.bar.say_selection(one.job_id, ", ".join(part for part in (one.target, ends) if part))
        else:
            self.bar.say_selection(tr("queue", "{n} selected").format(n=len(ids)) if ids else "")
        states = {self.context.lab.jobs[job_id].state for job_id in ids if job_id in self.context.lab.jobs}
        release = states == {JobState.HELD}
        self.hold_button.setText(tr("queue", "Release") if release else tr("queue", "Hold"))
        self.hold_button.set_icon("play-outline" if release else "pause")
        self.retry_button.setVisible(JobState.FAILED in states)
        standing = queue.release_why_not(ids) if release else queue.why_not("queue.hold", ids)
        nothing = tr("queue", "Nothing is selected.")
        for button, why in (
            (self.up, queue.why_not("queue.move", ids)), (self.down, queue.why_not("queue.move", ids)),
            (self.edit_button, queue.why_not("queue.edit", ids)),
            (self.repeat_button, general(self.context.lab, "queue.clone") if ids else nothing),
            (self.hold_button, standing), (self.retry_button, queue.why_not("queue.retry", ids)),
            (self.remove_button, queue.why_not("queue.remove", ids)),
            (self.undo_button, "" if self.undo.canUndo() else tr("queue", "There is nothing to undo.")),
        ):  # fmt: skip
            set_why(button, why)
        self.bar.say(standing if ids else tr("queue", "Choose an item to move, hold or change it."))
        set_why(self.hold_all, queue.acts.part_why_not("", hold=True))
        set_why(self.release_all, queue.acts.part_why_not("", hold=False))
        set_why(self.insert_button, general(self.context.lab, "queue.submit"))
        set_why(self.empty_insert, general(self.context.lab, "queue.submit"))

    def _undone(self, at: int) -> None:
        self._buttons()

    # -- acts -------------------------------------------------------------------------------------------------------

    def _list(self, key: str) -> None:
        self.queue.listing = Listing(key)
        self.listing.choose(key)
        self._changed()

    def _search_for(self, text: str) -> None:
        self.queue.search = text
        self._changed()

    def _choose_campaign(self, name: str) -> None:
        self.queue.campaign = name
        self._changed()

    def _do(self, edit: Edit | None) -> None:
        self.undo.do(edit)

    def _step(self, steps: int) -> None:
        ids = self.chosen()
        for job_id in ids if steps < 0 else reversed(ids):
            self._do(self.queue.move(job_id, steps))

    def _dragged(self, job_id: str, before: str) -> None:
        self._do(self.queue.place(job_id, before or None))

    def repeat(self) -> None:
        """Queue the same wishes once more."""
        self._do(self.queue.acts.repeat(self.chosen()))

    def retry(self) -> None:
        """Let failed items wait again."""
        self.queue.acts.retry(self.chosen())

    def remove(self) -> None:
        """Take items out; what undo could not bring back is asked for first."""
        ids = self.chosen()
        lost = self.queue.acts.lost_by_removing(ids)
        if not lost:
            edit = self.queue.acts.remove(ids)
            self._do(edit)
            if edit is not None:
                self.context.say(
                    tr("queue", "Removed: {what}. Ctrl+Z brings it back.").format(what=", ".join(ids[:6]))
                )
            return
        question = confirmation(self.context.lab, "queue.remove", ids)
        confirm_or_do(question, lambda reason, typed: self.queue.acts.remove_for_good(ids, reason), self)

    def hold_or_release(self) -> None:
        """Hold what waits; release what is held. A lane that a failure has stopped is asked about first."""
        ids = self.chosen()
        edit = self.queue.acts.hold(ids)
        if edit is not None:
            self._do(edit)
            return
        if self.queue.release_why_not(ids):
            return
        for way in self.queue.acts.ways_out(ids):
            self._release(way)

    def _release(self, way: Release) -> None:
        question = None
        if way.way is Way.CHANNEL:
            question = confirmation(self.context.lab, "channels.reset", [way.target])
        confirm_or_do(
            question, lambda reason, typed: self.queue.acts.release(way, reason=reason, confirm=typed), self
        )

    def _release_part(self, kind: str, name: str) -> None:
        way = Way.CHANNEL if kind == "channel" else Way.PART if name else Way.ALL
        self._release(Release(way, name))

    def insert(self) -> None:
        """Open the dialog for new items: for the cells of the selection."""
        if general(self.context.lab, "queue.submit"):
            return
        lab = self.context.lab
        channels = [lab.channels[name] for name in self.selection.channels if name in lab.channels]
        cells = [status.cell_id for status in channels if status.cell_id]
        model = InsertJobs(lab, self.context.acts, self.context.asks, self.library, cells)
        rows = [row for row in map(self.queue.row_of, self.queue.order()) if row is not None]
        before = tr("queue", "before {item}")
        places = {row.job_id: before.format(item=f"{row.position} {row.item}") for row in rows}
        dialog = InsertDialog(model, self.context.say, places, self.window())
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def edit(self) -> None:
        """Open the dialog that changes the chosen items."""
        ids = self.chosen()
        if self.queue.why_not("queue.edit", ids):
            return

        seen = {job_id: self.context.lab.jobs[job_id].version for job_id in ids}

        def take(changes: Mapping[str, Any]) -> None:
            self._do(self.queue.acts.change(ids, changes, seen))

        dialog = EditDialog(EditJobs(self.context.lab, self.library, ids), take, self.window())
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _open(self, job_id: str, channel: str) -> None:
        row = self.queue.row_of(job_id)
        target = channel or ("" if row is None else row.channel)
        if target:
            self.context.go("channel", target)

    def _acted(self, act: Act) -> None:
        """Say what the station did not do; what it did is read back from the feed."""
        if act.verb.startswith("queue.") and act.over and act.state is not ActState.CONFIRMED:
            what = tr("queue", "The queue was not changed.")
            if act.state is ActState.NOT_CONFIRMED:
                what = tr("queue", "Nobody knows yet whether the queue was changed.")
            self.context.trouble(Trouble(what, act.text))

    # -- menu, palette ----------------------------------------------------------------------------------------------

    def commands(self) -> list[Command]:
        """Return what the palette offers."""
        return entries(self)

    def _menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        for command in entries(self):
            action = menu.addAction(f"{command.text}\t{command.keys}" if command.keys else command.text)
            action.triggered.connect(lambda checked=False, call=command.run: call())
            set_why(action, command.why)
        menu.setToolTipsVisible(True)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at)

    def search(self) -> None:
        """Put the keyboard into the filter."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def open_on(self, target: Any) -> None:
        """Show an item (``j-17``) or a channel."""
        name = str(target)
        if name in self.context.lab.jobs:
            if self.model.place_of(name) < 0:
                self.field.clear()
                self.queue.campaign = ""
                over = self.context.lab.jobs[name].state not in OPEN_STATES
                self._list((Listing.DONE if over else Listing.ALL).value)
            self.choose([name])
        elif name in self.context.lab.channels:
            self.selection.choose(name)

    def save_state(self) -> dict[str, Any]:
        """Return the listing and how the room is shared."""
        return {"listing": self.queue.listing.value, "sizes": self.parts.sizes()}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take what was kept."""
        if state.get("listing") in list(Listing):
            self._list(str(state["listing"]))
        sizes = state.get("sizes")
        if (
            isinstance(sizes, list)
            and len(sizes) == 2
            and all(isinstance(one, int) and one > 0 for one in sizes)
        ):
            self.parts.setSizes(sizes)
