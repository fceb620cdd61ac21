"""The view of alarms and events: connects tree, list, moment and events with the view-models, and forwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QSizePolicy, QSplitter, QWidget

from labctl.gui.hearing import sounds_of
from labctl.gui.i18n.translating import Language, tr
from labctl.gui.parts.buttons import Button, Phase, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.confirm import confirm_or_do
from labctl.gui.parts.fold import Fold
from labctl.gui.parts.grouprows import GroupedModel, Heading
from labctl.gui.parts.labels import ElidedLabel, Label
from labctl.gui.parts.layouts import Column, Row
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.tight import TightRow
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.acts import Act, ActState, Trouble
from labctl.gui.viewmodels.alarms import LISTED_WORDS, AlarmList, AlarmRow, Listed
from labctl.gui.viewmodels.alarmstory import AlarmStory
from labctl.gui.viewmodels.confirming import confirmation
from labctl.gui.viewmodels.events import EventLog, EventRow, hand_over
from labctl.gui.viewmodels.instant import Instant, InstantModel
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.viewmodels.still import Still
from labctl.gui.views.alarms.dialogs import CommentDialog, HandOverDialog, ShelveDialog
from labctl.gui.views.alarms.eventscard import EventsCard
from labctl.gui.views.alarms.instantcard import HISTORY, MESSAGE, InstantCard
from labctl.gui.views.alarms.listing import COLUMNS, WHAT, AlarmTable
from labctl.gui.views.alarms.places import ANY, PlaceCard, PlaceTree, priority_choices
from labctl.model.alarm import AlarmPriority

TICK_MS = 500
NARROW_PX, LOW_PX, SHORT_PX = 1000, 420, 940
"""Room of the page below which list, moment and events are shown one at a time."""


class AlarmsView(View):
    """Places left, the list with its acts right of them; below the moment and the events."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.alarms = AlarmList(context.lab, context.acts, context.asks, chinese=self._chinese)
        self.instant = InstantModel(context.lab, context.asks)
        self.story = AlarmStory(context.lab, context.asks)
        self.log = EventLog(context.lab, context.asks)
        self.sounds = sounds_of(context)
        self.selection: Selection = context.share("selection", Selection)
        self.still: Still[Any] = Still(_key)
        self._seen = False
        self._keep: list[str] = []
        self._build_head()
        self._build_page()
        self._build_bar()
        self._keys()
        self.alarms.watch(self._changed)
        self.log.watch(self.events.refresh)
        self.sounds.watch(self._say_sound)
        context.lab.watch({"event"}, lambda places: self._events_changed())
        context.lab.watch({"link"}, lambda places: self._linked())
        context.acts.watch(self._acted)
        self.startTimer(TICK_MS)

    def _chinese(self) -> bool:
        return bool(self.context.session.language is Language.CHINESE)

    # -- building ---------------------------------------------------------------------------------------------------

    def _build_head(self) -> None:
        keys = [ANY, *(priority.value for priority in reversed(AlarmPriority))]
        self.priorities = Segment("", [Choice(key, "") for key in keys])
        self.priorities.chosen.connect(self._filter_priority)
        self.listed = Segment("", [Choice(one.value, "") for one in Listed])
        self.listed.chosen.connect(self._filter_listed)
        self.sound = Button("", icon="bell-outline", rank=Rank.QUIET)
        self.sound.clicked.connect(lambda: self.sounds.set_muted(not self.sounds.muted))
        self.phone = ElidedLabel("", tone="muted", fill=False)
        self.head_left.addWidget(self.priorities)
        self.head_left.addWidget(self.listed)
        self.head_right.addWidget(self.phone)
        self.head_right.addWidget(self.sound)

    def _build_page(self) -> None:
        self.tree = PlaceTree()
        self.tree.chosen.connect(self._filter_place)
        self.tree_card = PlaceCard("-", inset=0)
        self.tree_card.body.addWidget(self.tree)
        self.model = GroupedModel(COLUMNS, lambda row: row.key, self)
        self.table = AlarmTable(self.model)
        self.none = Label("", tone="muted", wrap=True)
        self.list_card = Card(inset=0)
        self.quiet = QWidget()
        Column(self.quiet, margins=(16, 12, 16, 12)).put(self.none, None)
        self.list_card.body.setSpacing(0)
        self.list_card.body.addWidget(self.quiet, 1)
        self.list_card.body.addWidget(self.table, 1)
        self.list_card.body.addWidget(self._acts())
        upper = QSplitter(Qt.Orientation.Horizontal)
        upper.setChildrenCollapsible(False)
        upper.addWidget(self.tree_card)
        upper.addWidget(self.list_card)
        upper.setStretchFactor(1, 1)
        executor = getattr(self.context.bridge, "executor", None)
        self.moment = InstantCard(self.instant, self.story, executor, self._chinese)
        self.events = EventsCard(self.context.lab, self.log)
        lower = QSplitter(Qt.Orientation.Horizontal)
        lower.setChildrenCollapsible(False)
        lower.addWidget(self.moment)
        lower.addWidget(self.events)
        lower.setSizes([740, 740])
        self.parts = QSplitter(Qt.Orientation.Vertical)
        self.parts.setChildrenCollapsible(False)
        self.parts.addWidget(upper)
        self.parts.addWidget(lower)
        self.parts.setSizes([440, 400])
        pages = {
            "alarms": self.list_card,
            "moment": self.moment,
            "events": self.events,
            "where": self.tree_card,
        }
        self.fold = Fold(self.parts, pages, width_px=NARROW_PX, height_px=LOW_PX)
        self.page.addWidget(self.fold, 1)
        self.table.touched.connect(lambda: self.still.touch(self.context.lab.now_s))
        self.table.left.connect(self._let_go)
        self.table.opened.connect(lambda index: self.go_to())
        self.table.selectionModel().selectionChanged.connect(lambda on, off: self._chosen())
        self.moment.open_asked.connect(self._open_moment)
        self.events.looked.connect(self._look_at_event)
        self.events.opened.connect(self._open_event)

    def _acts(self) -> TightRow:
        self.ack = Button("", icon="check", rank=Rank.PRIMARY, keys="A", act=True)
        self.ack_more = Button("", keys="Shift+A")
        self.shelve = Button("", icon="clock-outline", keys="S")
        self.go_button = Button("", icon="chevron-right", keys="Enter")
        self.reset = Button("", icon="restart")
        self.fresh = Button("", icon="refresh", rank=Rank.QUIET)
        self.hint = ElidedLabel("", tone="muted")
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        for button, call in (
            (self.ack, self.acknowledge), (self.ack_more, self.comment), (self.shelve, self.put_aside),
            (self.go_button, self.go_to), (self.reset, self.reset_trip), (self.fresh, self._let_go),
        ):  # fmt: skip
            button.clicked.connect(lambda checked=False, call=call: call())
        acts = TightRow()
        row = Row(acts, margins=(16, 8, 16, 8), gap=8)
        row.put(self.ack, self.ack_more, self.shelve, self.go_button, self.reset)
        row.addWidget(self.hint, 1)
        row.addWidget(self.fresh)
        return acts

    def _build_bar(self) -> None:
        self.hand = self.bar.add(Button("", icon="text-box-outline"), right=True)
        self.export = self.bar.add(Button("", icon="export-variant", keys="Ctrl+E"), right=True)
        self.hand.clicked.connect(lambda: self.hand_over())
        self.export.clicked.connect(lambda: self.export_events())

    def _keys(self) -> None:
        for keys, call in (("A", self.acknowledge), ("Shift+A", self.comment), ("S", self.put_aside)):
            shortcut = QShortcut(QKeySequence(keys), self.table)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)  # single letters act in the list only
            shortcut.activated.connect(call)
        export = QShortcut(QKeySequence("Ctrl+E"), self)
        export.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        export.activated.connect(self.export_events)

    # -- what is shown ----------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.priorities.setAccessibleName(tr("alarms", "Priority"))
        self.listed.setAccessibleName(tr("alarms", "Which alarms"))
        self.tree_card.set_title(tr("alarms", "Where"))
        self.fold.name_pages({
            "alarms": self.spec.name, "moment": tr("alarms", "At that moment"), "events": tr("events", "Events"),
            "where": tr("alarms", "Where"),
        })  # fmt: skip
        self.tree.setAccessibleName(tr("alarms", "Places with alarms"))
        self.table.setAccessibleName(tr("alarms", "Alarms, not acknowledged first"))
        self.ack.setText(tr("alarms", "Acknowledge"))
        self.ack_more.setText(tr("alarms", "with comment..."))
        self.go_button.setText(tr("alarms", "Go to channel"))
        self.reset.setText(tr("alarms", "Reset trip..."))
        self.hand.setText(tr("alarms", "Shift hand-over..."))
        self.export.setText(tr("alarms", "Export"))
        self.alarms.retranslate()
        self.model.retranslate()
        self.moment.retranslate()
        self.events.retranslate()
        self._say_sound()
        self._changed()

    def shown(self) -> None:
        """Ask for what the window has not heard."""
        self._seen = True
        self._linked()
        self._changed()
        self.events.refresh()

    def hidden(self) -> None:
        """Stop counting ages."""
        self._seen = False

    def _linked(self) -> None:
        if self._seen and self.context.lab.link.live:
            self.alarms.want_figures()
            self.log.want()
            self.story.refresh()
        self._buttons()

    def timerEvent(self, event: object) -> None:
        """Count ages, and bring the order up to date when nobody is at the list."""
        if self._seen:
            self.alarms.want_figures()
            self._changed()

    def _events_changed(self) -> None:
        if self._seen:
            self.events.refresh()

    def _let_go(self) -> None:
        self.still.let_go()
        self._changed()

    def _changed(self) -> None:
        if not self._seen:
            return  # it is filled when it is shown
        counts, listed = self.alarms.counts(), self.alarms.listed_counts()
        self.priorities.show_choices(priority_choices(counts, words=self.width() >= theme().px(SHORT_PX)))
        self.listed.show_choices(
            [Choice(one.value, tr("alarms", LISTED_WORDS[one]), str(listed[one])) for one in Listed]
        )
        rows: list[Any] = []
        for group in self.alarms.groups():
            rows.append(Heading(group.title, group.title, str(len(group.rows))))
            rows += group.rows
        self.model.show(self.still.settle(rows, self.context.lab.now_s))
        self.tree.show_branches(self.alarms.tree())
        if not self.tree.key:
            self.tree.choose(self.alarms.branch or "station")
        self._say_waiting()
        self.quiet.setVisible(not rows)
        self.table.setVisible(bool(rows))
        self.none.setText(self.alarms.empty_words())
        if self.instant.instant is None and rows:
            self._choose_first()
        self.phone.setText(self.story.called())
        self.bar.say_selection("", self.alarms.figures.line)
        station = self.context.lab.station
        virtual = station is not None and station.virtual
        told = tr("alarms", "Alarms and acts in the wall's time, other events and the curve in the bench's.")
        self.bar.say(told if virtual else "")
        self._buttons()

    def _choose_first(self) -> None:
        """Look at the most urgent alarm while a person has chosen none."""
        keys = self.model.keys()
        if keys and not self.chosen():
            self.choose(keys[0])

    def _say_waiting(self) -> None:
        count = self.still.waiting
        self.fresh.setVisible(bool(count))
        self.fresh.setText(tr("alarms", "{n} new: show").format(n=count))

    def _say_sound(self) -> None:
        self.sound.setText(self.sounds.word)
        self.sound.set_icon("bell-off-outline" if self.sounds.muted else "bell-outline")
        self.sound.setToolTip(
            tr("alarms", "Tones of new alarms: critical 3, high 2, medium 1. Press to switch them on or off.")
        )

    # -- choosing ---------------------------------------------------------------------------------------------------

    def chosen(self) -> list[str]:
        """Return the selected alarms, top first."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [key for key in (self.model.key_at(row) for row in rows) if key]

    def choose(self, key: str) -> None:
        """Select one alarm."""
        at = self.model.place_of(key)
        if at >= 0:
            how = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.table.selectionModel().setCurrentIndex(self.model.index(at, WHAT), how)
            self.table.scrollTo(self.model.index(at, 0))

    def _chosen(self) -> None:
        keys = self.chosen()
        if keys and keys != self._keep:
            self.story.show(keys[0])
            self.instant.show_alarm(keys[0])
            row: AlarmRow | None = self.model.row_at(self.model.place_of(keys[0]))
            if row is not None and row.channel:
                self.selection.choose(row.channel)
        self._keep = keys
        self.moment.refresh()
        self._buttons()

    def _buttons(self) -> None:
        keys = self.chosen()
        can = self.alarms.buttons(keys)
        shelved = bool(keys) and not can.unshelve
        self.shelve.setText(tr("alarms", "Unshelve") if shelved else tr("alarms", "Shelve"))
        for button, why in (
            (self.ack, can.acknowledge), (self.ack_more, can.acknowledge),
            (self.shelve, can.unshelve if shelved else can.shelve), (self.go_button, can.go_to),
            (self.reset, can.reset),
        ):  # fmt: skip
            set_why(button, why)
        self.hint.setText(can.hint if keys else can.acknowledge)

    def _filter_priority(self, key: str) -> None:
        every = frozenset(AlarmPriority)
        self.alarms.priorities = every if key == ANY else frozenset({AlarmPriority(key)})
        self._let_go()

    def _filter_listed(self, key: str) -> None:
        self.alarms.listed = Listed(key)
        self._let_go()

    def _filter_place(self, key: str) -> None:
        self.alarms.branch = "" if key == "station" else key
        self._let_go()

    # -- acts -------------------------------------------------------------------------------------------------------

    def acknowledge(self) -> None:
        """Say that the person before the window knows of the chosen alarms."""
        if self.ack.isEnabled():
            self.alarms.acknowledge(self.chosen())

    def _told(self, keys: list[str]) -> str:
        rows = [self.model.row_at(self.model.place_of(key)) for key in keys[:6]]
        told = "; ".join(f"{row.where} {row.what}" for row in rows if row is not None)
        return told + (" …" if len(keys) > 6 else "")

    def comment(self) -> None:
        """Acknowledge, saying something."""
        keys = self.chosen()
        if self.ack_more.isEnabled():
            dialog = CommentDialog(
                self._told(keys), lambda text: self.alarms.acknowledge(keys, text), self.window()
            )
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()

    def put_aside(self) -> None:
        """Shelve the chosen alarms, or bring them back."""
        keys = self.chosen()
        if not self.shelve.isEnabled():
            return
        if not self.alarms.buttons(keys).unshelve:
            self.alarms.unshelve(keys)
            return
        dialog = ShelveDialog(
            self._told(keys), lambda hours, why: self.alarms.shelve(keys, hours, why), self.window()
        )
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def reset_trip(self) -> None:
        """Reset the trip behind the chosen alarm, after a question (R2)."""
        keys = self.chosen()
        if not self.reset.isEnabled() or len(keys) != 1:
            return
        channel = self.context.lab.alarms[keys[0]].channel

        def answer(reason: str, typed: str) -> None:
            why = self.alarms.reset_trip(keys[0], reason=reason, confirm=typed)
            if why:
                self.context.trouble(Trouble(tr("alarms", "The trip was not reset."), why))

        confirm_or_do(confirmation(self.context.lab, "channels.reset", [channel]), answer, self)

    def go_to(self) -> None:
        """Show the channel of the chosen alarm."""
        keys = self.chosen()
        alarm = self.context.lab.alarms.get(keys[0]) if keys else None
        if alarm is not None and alarm.channel:
            self.context.go("channel", alarm.channel)

    def _open_moment(self) -> None:
        instant = self.instant.instant
        if instant is not None and instant.channel:
            self.context.go("channel", (instant.channel, self.instant.utc_text()))

    def _look_at_event(self, row: EventRow) -> None:
        """Show the moment of an event here."""
        run_id = row.run_id
        if not run_id and row.channel in self.context.lab.channels:
            run_id = self.context.lab.channels[row.channel].run_id
        self.instant.show(Instant("", row.channel, row.cell, run_id, row.utc, row.what))

    def _open_event(self, row: EventRow | None) -> None:
        if row is not None and row.channel:
            self.context.go("channel", (row.channel, row.utc))

    def hand_over(self) -> None:
        """Show the shift's hand-over."""
        dialog = HandOverDialog(hand_over(self.context.lab, self.alarms), self.window())
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export_events(self) -> None:
        """Ask where the shown events go, and write them."""
        title = tr("alarms", "Export events")
        dialog = QFileDialog(self.window(), title, "events.csv", "CSV (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda name: self.export_to(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export_to(self, path: Path) -> None:
        """Write the shown events as CSV; says how many, or why not."""
        try:
            count = self.events.export_to(path)
        except OSError as error:
            self.context.trouble(Trouble(tr("alarms", "The events were not written."), str(error)))
            return
        self.context.say(tr("alarms", "{n} events written to {name}").format(n=count, name=path.name))

    def _acted(self, act: Act) -> None:
        """Show how an act stands; say what the station did not do."""
        if not act.verb.startswith("alarms."):
            return
        if act.verb == "alarms.acknowledge":
            phases = {ActState.SENDING: Phase.SENDING, ActState.CONFIRMED: Phase.CONFIRMED}
            told = tr("alarms", "confirmed {s:.1f} s").format(s=act.took_s) if act.over else ""
            phase = phases.get(act.state, Phase.IDLE)
            self.ack.show_phase(phase, told if phase is Phase.CONFIRMED else "")
        if act.over:
            self.story.refresh()
        if act.over and act.state is not ActState.CONFIRMED:
            self.context.trouble(Trouble(tr("alarms", "The alarm was not changed."), act.text))

    # -- window -----------------------------------------------------------------------------------------------------

    def commands(self) -> list[Command]:
        """Return what the palette offers."""
        can, group = self.alarms.buttons(self.chosen()), self.spec.name
        return [
            Command(tr("alarms", "Acknowledge"), self.acknowledge, "A", group, can.acknowledge),
            Command(
                tr("alarms", "Acknowledge with a comment"), self.comment, "Shift+A", group, can.acknowledge
            ),
            Command(tr("alarms", "Shelve"), self.put_aside, "S", group, can.shelve),
            Command(tr("alarms", "Reset trip..."), self.reset_trip, "", group, can.reset),
            Command(tr("alarms", "Message to a phone"), lambda: self.moment.turn_to(MESSAGE), "", group),
            Command(tr("alarms", "History of the alarm"), lambda: self.moment.turn_to(HISTORY), "", group),
            Command(tr("alarms", "Shift hand-over..."), self.hand_over, "", group),
            Command(tr("alarms", "Export events"), self.export_events, "Ctrl+E", group),
        ]

    def search(self) -> None:
        """Put the keyboard into the search of the events."""
        self.events.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def open_on(self, target: Any) -> None:
        """Show an alarm by its key, or the alarms of a channel."""
        name = str(target)
        if name in self.context.lab.channels:
            self.alarms.branch = f"channel:{name}"
            self.tree.choose(self.alarms.branch)
            self._let_go()
        elif name in self.context.lab.alarms:
            self.alarms.branch, self.alarms.listed = "", Listed.ALL
            self.listed.choose(Listed.ALL.value)
            self.tree.choose("station")
            self._let_go()
            self.choose(name)

    def save_state(self) -> dict[str, Any]:
        """Return how the room is shared."""
        return {"sizes": self.parts.sizes()}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take what was kept."""
        sizes = state.get("sizes")
        if (
            isinstance(sizes, list)
            and len(sizes) == 2
            and all(isinstance(one, int) and one > 0 for one in sizes)
        ):
            self.parts.setSizes(sizes)


def _key(row: Any) -> str:
    return f"heading:{row.key}" if isinstance(row, Heading) else str(row.key)
