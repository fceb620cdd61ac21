"""The station view: put together from head, strip, grid, table and action bar; connects, shows, forwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QStackedWidget, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.keeping import settings_of
from labctl.gui.parts.buttons import Button, Phase
from labctl.gui.parts.confirm import Confirm, confirm_or_do
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.parts.why import TOOLTIP
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.acts import ActState
from labctl.gui.viewmodels.backup import Backup
from labctl.gui.viewmodels.channelacts import KEYS, ChannelActs, Deed
from labctl.gui.viewmodels.figures import CellFigures
from labctl.gui.viewmodels.filters import Group, Show, Sort
from labctl.gui.viewmodels.grid import NEEDS_SHOWN, Grid, GridChange
from labctl.gui.viewmodels.gridplaces import TileSize
from labctl.gui.viewmodels.gridtable import GridTable
from labctl.gui.viewmodels.lab import Place, utc_of
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.viewmodels.sparks import Sparklines
from labctl.gui.viewmodels.text import moment
from labctl.gui.views.station.exporting import Write, choose_folder
from labctl.gui.views.station.filtering import Filtering
from labctl.gui.views.station.folding import fold
from labctl.gui.views.station.gridview import GridView
from labctl.gui.views.station.head import Head, Look
from labctl.gui.views.station.menu import LINE, Entry, menu_of
from labctl.gui.views.station.strip import NeedsStrip
from labctl.gui.views.station.table import StationTable
from labctl.gui.views.station.tilepaint import TilePaint

TICK_MS = 500
PHASES = {
    ActState.SENDING: Phase.SENDING,
    ActState.CONFIRMED: Phase.CONFIRMED,
    ActState.NOT_CONFIRMED: Phase.TROUBLE,
    ActState.REFUSED: Phase.TROUBLE,
    ActState.FAILED: Phase.TROUBLE,
}
_BAR = (
    (Deed.START, "play"), (Deed.PAUSE_AT_STEP_END, "pause"), (Deed.STOP, "stop"),
)  # fmt: skip
_GOES = ("assign", "protocol", "compare", "export")
_GO_ICONS = {
    "assign": "battery-outline",
    "protocol": "repeat",
    "compare": "chart-line-stacked",
    "export": "export-variant",
}


class StationView(View):
    """Everything on one page: who needs me, where is it, what can I do about it."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        lab = context.lab
        self.selection: Selection = context.share("selection", Selection)
        self.figures: CellFigures = context.share("figures", lambda: CellFigures(lab, context.asks))
        self.grid: Grid = context.share("grid", lambda: Grid(lab, self.figures))
        self.sparks: Sparklines = context.share("sparks", lambda: Sparklines(lab, context.asks))
        self.acts: ChannelActs = context.share("channelacts", lambda: ChannelActs(lab, context.acts))
        self.settings = settings_of(context)
        self.backup = Backup(lab, context.asks, context.bridge.work)
        self.first, self.strip = Head(), NeedsStrip()
        self.tiles = GridView(self.grid, self.selection, self.acts, TilePaint(self.sparks, lambda: lab.now_s))
        self.table = StationTable(self.grid, GridTable(lab, self.grid, self.figures.of), self.selection)
        self.filtering = Filtering(self.grid, self.settings, self.undo, self.first, self)
        self.asked: Confirm | None = None
        self._buttons: dict[Deed, Button] = {}
        self._goes: dict[str, Button] = {}
        self._shown = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._lay_out()
        self._wire()

    # -- building ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.head.hide()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.tiles)
        self.stack.addWidget(self.table)
        air = QWidget()
        fix_size(air, height=4)
        self.page.addWidget(air)
        self.page.put(self.first, self.strip)
        self.page.addWidget(self.stack, 1)
        for deed, icon in _BAR:
            button = self.bar.add(Button(icon=icon, act=True))
            button.clicked.connect(partial(self.do, deed))
            self._buttons[deed] = button
        for name in _GOES:
            button = self.bar.add(Button(icon=_GO_ICONS[name]))
            button.clicked.connect(partial(self._go, name))
            self._goes[name] = button
        self.more = self.bar.add(Button(icon="dots-horizontal"))
        self.more.clicked.connect(self._open_more)
        self.more.hide()
        self.cancel = self.bar.add(Button(icon="close"), right=True)
        self.cancel.clicked.connect(self.backup.cancel)
        self.cancel.hide()
        self.setTabOrder(self.first, self.strip)
        self.setTabOrder(self.strip, self.tiles)

    def _wire(self) -> None:
        first, grid = self.first, self.grid
        first.show_part.chosen.connect(lambda key: grid.set_show(Show(key)))
        first.sort.chosen.connect(lambda key: grid.set_sort(Sort(key)))
        first.group.chosen.connect(lambda key: grid.set_group(Group(key)))
        first.search.textChanged.connect(grid.set_search)
        first.search.returnPressed.connect(self._leave_search)
        first.zoom.chosen.connect(lambda key: self.undo.do(self.settings.set(tile_size=key)))
        first.look.chosen.connect(self.show_look)
        self.strip.gone_to.connect(self.go_to)
        self.strip.more_wanted.connect(lambda: self._show_segment(Show.ABNORMAL))
        self.strip.alarms_wanted.connect(lambda: self.context.go("alarms", None))
        for part in (self.tiles, self.table):
            part.menu_wanted.connect(self.open_menu)
            part.search_wanted.connect(self.search)
        self.tiles.opened.connect(self._open)
        self.table.channel_opened.connect(self._open)
        keys: dict[str, Callable[[], object]] = {
            **{keys: partial(self.do, deed) for deed, keys in KEYS.items()},
            "Ctrl+E": partial(self._go, "export"),
        }
        for chord, call in keys.items():
            shortcut = QShortcut(QKeySequence(chord), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(call)
        self._unwatch = [
            grid.watch(self._changed),
            self.selection.watch(self._selected),
            self.acts.watch(self._acted),
            self.settings.watch(self._preferred),
            self.backup.watch(self._backed_up),
            self.context.lab.watch({"link", "station"}, self._linked),
        ]
        self.destroyed.connect(_all(self._unwatch))
        self.destroyed.connect(_all([self.tiles.close_watch, self.table.close_watch]))

    # -- words ------------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.first.retranslate(self.grid.counts, self.settings.filters)
        self._show_chosen()
        self.strip.retranslate()
        self.tiles.setAccessibleName(tr("station", "Channels"))
        self.table.setAccessibleName(tr("station", "Channels"))
        for deed, button in self._buttons.items():
            self._name(button, self.acts.label(deed), KEYS.get(deed, ""))
        for name, button in self._goes.items():
            self._name(button, self._go_label(name), "Ctrl+E" if name == "export" else "")
        self._name(self.more, tr("station", "More"), "")
        self._name(self.cancel, tr("station", "Cancel export"), "")
        self.grid.settle()
        self.tiles.restyle()
        self.table.restyle()
        self._show_counts()
        self._selected()
        self._fold()

    def _name(self, button: Button, text: str, keys: str) -> None:
        button.setText(text)
        told = f"{text} ({keys})" if keys else text
        button.setProperty(TOOLTIP, told)
        button.setToolTip(told)

    def _go_label(self, name: str) -> str:
        return {
            "assign": tr("station", "Assign cells"),
            "protocol": tr("station", "Protocol"),
            "compare": tr("station", "Compare"),
            "export": tr("station", "Export..."),
        }[name]

    # -- what is shown ----------------------------------------------------------------------------------------------

    def shown(self) -> None:
        """Begin to follow: ages, strip, figures."""
        self._shown = True
        self._timer.start(TICK_MS)
        self._tick()
        self._leave_when_empty()

    def hidden(self) -> None:
        """Paint nothing that nobody sees."""
        self._shown = False
        self._timer.stop()

    def _tick(self) -> None:
        self.grid.tick()
        self._show_needs()

    def _leave_when_empty(self) -> None:
        """An empty station is left to the first run, which says the ways on."""
        lab = self.context.lab
        if self._shown and lab.link.live and lab.complete and lab.station is not None and not lab.channels:
            self.context.go("firstrun", None)

    def _linked(self, places: frozenset[Place]) -> None:
        self._leave_when_empty()
        self._show_reasons()

    def _changed(self, change: GridChange) -> None:
        if change.counts or change.layout:
            self._show_counts()
            self._show_needs()
            self.selection.keep(self.context.lab.channels)
        if change.layout or any(name in change.tiles for name in self.selection.channels):
            self._show_reasons()

    def _show_counts(self) -> None:
        self.first.show_counts(self.grid.counts)

    def _show_needs(self) -> None:
        lab = self.context.lab
        needs = self.grid.needs()
        whens = [moment(utc_of(need.since_utc), lab.plant_utc) for need in needs[:NEEDS_SHOWN]]
        self.strip.show_needs(needs, ["" if when == "-" else when for when in whens])

    def _show_chosen(self) -> None:
        grid = self.grid
        name = "" if grid.saved is None else grid.saved.name
        self.first.show_state(grid.show, grid.sort, grid.group, name)
        self.first.show_filters(self.settings.filters)
        self.first.zoom.choose(self.settings.now.tile_size)
        self.tiles.show_size(TileSize(self.settings.now.tile_size))
        self.tiles.motion = self.settings.now.motion

    def _preferred(self, names: frozenset[str]) -> None:
        if names & {"tile_size", "filters", "motion"}:
            self._show_chosen()

    def _show_segment(self, show: Show) -> None:
        self.grid.set_show(show)
        self.first.show_part.choose(show.value)

    def show_look(self, key: str) -> None:
        """Show tiles or the table."""
        self.stack.setCurrentWidget(self.table if key == Look.TABLE.value else self.tiles)
        self.first.look.choose(key)
        self.first.zoom.setEnabled(key == Look.TILES.value)
        if key == Look.TABLE.value:
            self.figures.want()
            self.table.rows.arrange()

    @property
    def part(self) -> GridView | StationTable:
        """Return what is in front: tiles or table."""
        return self.table if self.stack.currentWidget() is self.table else self.tiles

    # -- selection and acts -----------------------------------------------------------------------------------------

    @property
    def chosen(self) -> tuple[str, ...]:
        """Return the selected channels, in the order of the cabinet."""
        picked = set(self.selection.channels)
        return tuple(name for name in self.grid.cabinet.order if name in picked)

    def _selected(self) -> None:
        self.bar.say("")
        for button in self._buttons.values():  # it told of the cells that were selected before
            if button.phase is Phase.TROUBLE:
                button.show_phase(Phase.IDLE)
        if not len(self.selection):
            self.bar.say_selection(tr("station", "Nothing selected"))
        else:
            strong, _, muted = self.selection.told(
                self.grid.cabinet.label, self.grid.cabinet.order
            ).partition("  ")
            self.bar.say_selection(strong, muted)
        self._show_reasons()
        self._fold()

    def _show_reasons(self) -> None:
        chosen = self.chosen
        for deed, button in self._buttons.items():
            self.bar.set_why(button, self.acts.why_not(deed, chosen) if chosen else self._none())
        for name, button in self._goes.items():
            self.bar.set_why(button, self._go_why(name, chosen))

    def _none(self) -> str:
        return tr("station", "Select channels first: click, Ctrl, Shift, or drag a frame.")

    def _go_why(self, name: str, chosen: Sequence[str]) -> str:
        if not chosen:
            return self._none()
        return self.backup.why_not(chosen) if name == "export" else ""

    def do(self, deed: Deed) -> None:
        """Do an act on the selection: ask first where it harms, send at once, show how it stands."""
        chosen = self.chosen
        why = self.acts.why_not(deed, chosen) if chosen else self._none()
        if self._say(why):
            return
        if deed is Deed.START:
            self.context.go("start", list(chosen))
            return

        def send(reason: str, typed: str) -> None:
            self._say(self.acts.do(deed, chosen, reason, typed))

        self.asked = confirm_or_do(self.acts.question(deed, chosen), send, self)

    def _say(self, refusal: str) -> bool:
        """Say why a wish is refused, before anything else; True where it is."""
        if refusal:
            self.bar.say(refusal, first=True)
        return bool(refusal)

    def _acted(self, deed: Deed | None, channel: str) -> None:
        standing = None if deed is None else self.acts.standing(deed)
        if deed is None or standing is None:
            return
        button = self._buttons.get(deed)
        if button is not None:
            self.bar.set_why(button, "") if standing.state is ActState.SENDING else self._show_reasons()
            button.show_phase(PHASES[standing.state], standing.text)
        else:
            self.bar.say(f"{self.acts.label(deed)}: {standing.text}", first=True)
        trouble = self.acts.trouble(deed)
        if trouble is not None:
            self.context.trouble(trouble)

    # -- other views ------------------------------------------------------------------------------------------------

    def go_to(self, channel: str) -> None:
        """Show a channel in the grid: selected, in sight, whatever was filtered out."""
        if channel not in self.grid.order:
            self.first.search.clear()
            self.grid.set_saved(None)
            self._show_segment(Show.ALL)
            self._show_chosen()
        self.selection.choose(channel)
        self.tiles.show_channel(channel)
        self.table.show_channel(channel)
        self.part.setFocus(Qt.FocusReason.OtherFocusReason)

    def open_on(self, target: Any) -> None:
        """Show a channel (its id), or several."""
        names = [target] if isinstance(target, str) else [str(name) for name in target]
        known = [name for name in names if name in self.context.lab.channels]
        if known:
            self.go_to(known[0])
            self.selection.choose(*known)

    def _open(self, channel: str) -> None:
        self.context.go("channel", channel)

    def _go(self, name: str) -> None:
        chosen = self.chosen
        if self._say(self._go_why(name, chosen)):
            return
        if name == "assign":
            self.context.go("cells", {"slots": list(chosen)})
        elif name == "protocol":
            self.context.go("protocol", self.context.lab.channels[chosen[0]].protocol or None)
        elif name == "compare":
            self.context.go("compare", list(chosen))
        else:
            choose_folder(self, lambda write: self._begin(chosen, write))

    def _begin(self, chosen: Sequence[str], write: Write) -> None:
        self._say(self.backup.begin(chosen, write))

    def _backed_up(self) -> None:
        self.bar.say(self.backup.told, first=True)
        self.cancel.setVisible(self.backup.busy)
        self._show_reasons()
        if not self.backup.busy and self.backup.told:
            trouble = self.backup.trouble
            self.context.trouble(trouble) if trouble is not None else self.context.say(self.backup.told)

    # -- menu -------------------------------------------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """Return what the menu offers for the selection (U21)."""
        chosen = self.chosen

        def act(deed: Deed) -> Entry:
            why = self.acts.why_not(deed, chosen)
            return Entry(self.acts.label(deed), partial(self.do, deed), KEYS.get(deed, ""), why, deed.value)

        def go(name: str, text: str = "", keys: str = "") -> Entry:
            return Entry(
                text or self._go_label(name), partial(self._go, name), keys, self._go_why(name, chosen), name
            )

        data = Entry(tr("station", "View data"), lambda: self._open(chosen[0]), "Return",
                     "" if chosen else self._none(), "view")  # fmt: skip
        copy = Entry(
            tr("station", "Copy as table"), self.table.copy, "Ctrl+C", "" if chosen else self._none(), "copy"
        )
        unseen = self.acts.unseen(chosen)
        seen = [Entry(tr("station", "Mark as seen"), partial(self.acts.see, unseen), id="seen"), LINE]
        return [
            *(seen if unseen else ()),
            act(Deed.START), act(Deed.PAUSE_AT_STEP_END), act(Deed.PAUSE), act(Deed.CONTINUE), act(Deed.JUMP),
            act(Deed.STOP), LINE, data, go("compare"), go("export", tr("station", "Back up data..."), "Ctrl+E"), copy,
            LINE, go("assign"), act(Deed.EJECT), act(Deed.RESET),
        ]  # fmt: skip

    def open_menu(self, where: QPoint) -> None:
        """Open the menu of the selection."""
        if not self.chosen:
            return
        title = "  ".join(self.selection.told(self.grid.cabinet.label, self.grid.cabinet.order).split("  "))
        self.menu = menu_of(self.entries(), title, self)
        self.menu.aboutToHide.connect(self.menu.deleteLater)
        self.menu.popup(where)

    def _open_more(self) -> None:
        hidden = [name for name, button in self._goes.items() if button.isHidden()]
        entries = [
            Entry(self._go_label(name), partial(self._go, name), "", self._go_why(name, self.chosen), name)
            for name in hidden
        ]
        self.menu = menu_of(entries, tr("station", "More"), self)
        self.menu.aboutToHide.connect(self.menu.deleteLater)
        self.menu.popup(self.more.mapToGlobal(QPoint(0, 0)))

    def commands(self) -> list[Command]:
        """Return the acts on the selection, and the filters, for the palette."""
        group = tr("station", "Selected channels")
        found = [
            Command(entry.text, entry.run, entry.keys, group, entry.why)
            for entry in self.entries()
            if entry.text
        ]
        return found + self.filtering.commands()

    # -- search and state -------------------------------------------------------------------------------------------

    def search(self) -> None:
        """Put the keyboard into the filter."""
        self.first.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.first.search.selectAll()

    def _leave_search(self) -> None:
        """Go from the filter to what it has left: the first of it is the keyboard's place."""
        if self.grid.order:
            self.selection.move_to(self.grid.order[0])
            self.part.setFocus(Qt.FocusReason.TabFocusReason)

    def save_state(self) -> dict[str, Any]:
        """Return segment, order, groups, filter and look."""
        grid = self.grid
        return {
            "show": grid.show.value, "sort": grid.sort.value, "group": grid.group.value,
            "filter": "" if grid.saved is None else grid.saved.name, "look": self.first.look.key,
        }  # fmt: skip

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take what ``save_state`` gave; what is not known any more is left out."""
        self.filtering.restore(state)
        if state.get("look") == Look.TABLE.value:
            self.show_look(Look.TABLE.value)
        self._show_chosen()

    # -- Qt ---------------------------------------------------------------------------------------------------------

    def _fold(self) -> None:
        """Put acts that have no room into *More*, the last first; acts on hardware stay in sight."""
        fold(self.bar, list(self._buttons.values()), list(self._goes.values()), self.more, self.width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold what has no room."""
        super().resizeEvent(event)
        self._fold()

    def minimumSizeHint(self) -> QSize:
        """Return a small size: head, bar and grid fold and scroll by themselves."""
        return QSize(theme().px(560), theme().px(320))


def _all(calls: Sequence[Callable[[], object]]) -> Callable[..., None]:
    def call(*_: object) -> None:
        for one in calls:
            one()

    return call
