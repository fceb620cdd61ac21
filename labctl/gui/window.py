"""The main window: top bar, rail, page area, status bar; banners for what holds for all of it.

It is painted before client, numpy and pyqtgraph are imported; ``attach`` brings the desk, ``show_views`` the views.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QChildEvent, QEvent, QTimer
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut, QStatusTipEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from labctl.gui.i18n.translating import NAMES, Language, Languages, tr
from labctl.gui.parts.banner import Banner
from labctl.gui.parts.focus import FocusRing
from labctl.gui.parts.labels import Line
from labctl.gui.parts.layouts import Column, Row
from labctl.gui.parts.stopall import give_chord, stop_all, watch_dialogs
from labctl.gui.parts.toasts import Toasts
from labctl.gui.parts.trouble import TroubleBar
from labctl.gui.parts.view import Command, Context, LookActs, View, ViewSpec
from labctl.gui.rail import Rail
from labctl.gui.session import Session
from labctl.gui.statusbar import StatusBar, theme_word
from labctl.gui.theme.current import SCALE_STEP, theme
from labctl.gui.theme.tokens import ThemeName
from labctl.gui.topbar import TopBar

if TYPE_CHECKING:
    from labctl.gui.desk import Desk
    from labctl.gui.parts.docks import Docks
    from labctl.gui.parts.palette import CommandPalette
    from labctl.gui.stopbanner import StopBanner

TICK_MS = 500
"""Ages are counted at 2 Hz from one timer."""
LOST_AFTER_S = 3.0
FIRST_SIZE = (1600, 1000)
SMALLEST = (1024, 640)
HISTORY = 50


class MainWindow(QWidget):
    """The window of a station. ``tick`` is called at 2 Hz; views hang their own ages on ``on_tick``."""

    def __init__(self, session: Session, languages: Languages, specs: Sequence[ViewSpec] = ()) -> None:
        super().__init__()
        self.setObjectName("main-window")
        self.session, self.languages = session, languages
        self.desk: Desk | None = None
        self.context: Context | None = None
        self.docks: Docks | None = None
        self._specs: dict[str, ViewSpec] = {}
        self._history: list[str] = []
        self._place = -1
        self.on_tick: list[Callable[[], None]] = []
        self.on_close: list[Callable[[], None]] = []
        self.opener: object = None
        self.closed = False
        self._speed = ""
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.top, self.rail, self.status = TopBar(self.menu), Rail(()), StatusBar()
        self.link_banner, self.trouble = Banner(), TroubleBar()
        self.stop_banner: StopBanner | None = None
        self.link_banner.setObjectName("link-banner")
        self._lay_out()
        self.toasts, self.ring = Toasts(self), FocusRing(self)
        self._wire()
        self.setMinimumSize(*SMALLEST)
        self._restore_geometry()
        self.retranslate()
        self.rail.show_views(specs)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.tick)
        self._timer.start(TICK_MS)  # no tick yet: the clock's imports wait until the window is painted (F2)

    # -- building ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._banners = Column(gap=0)
        self._banners.put(self.link_banner, self.trouble)
        self._page = Column(gap=0)
        right = Column(gap=0)
        right.addLayout(self._banners)
        right.addLayout(self._page, 1)
        middle = Row(gap=0)
        middle.addWidget(self.rail)
        middle.addWidget(Line(standing=True))
        middle.addLayout(right, 1)
        outer = Column(self, gap=0)
        outer.addWidget(self.top)
        outer.addWidget(Line())
        outer.addLayout(middle, 1)
        outer.addWidget(self.status)

    def _wire(self) -> None:
        self.top.search_wanted.connect(lambda: self.palette_popup.open())
        self.top.alarms_wanted.connect(lambda: self.go("alarms"))
        self.top.speed_wanted.connect(self._set_pace)
        self.rail.wanted.connect(self.go)
        self.rail.beside_wanted.connect(
            lambda view_id: self._docked(lambda docks: docks.open_beside(view_id))
        )
        self.rail.window_wanted.connect(
            lambda view_id: self._docked(lambda docks: docks.open_window(view_id))
        )
        self.status.language_wanted.connect(self.set_language)
        self.status.theme_wanted.connect(self.set_theme)
        self.status.scale_wanted.connect(self.set_scale)
        self.stop_chord = give_chord(self)
        watch_dialogs()

    def _wire_keys(self) -> None:
        """Give the window's own keys what the map says; a view's keys belong to the view."""
        from labctl.gui.viewmodels.palette import KEY_OF

        acts: dict[str, Callable[[], object]] = {
            "palette": lambda: self.palette_popup.open(), "search": self.search, "help": self.help, "back": self.back,
            "forward": self.forward, "larger": lambda: self.set_scale(theme().scale + SCALE_STEP),
            "smaller": lambda: self.set_scale(theme().scale - SCALE_STEP),
            "normal_size": lambda: self.set_scale(1.0), "settings": lambda: self.go("settings"),
            **{f"view_{number}": partial(self._go_number, number) for number in range(1, 10)},
        }  # fmt: skip
        for name, act in acts.items():
            for keys in KEY_OF[name].keys:
                QShortcut(QKeySequence(keys), self).activated.connect(act)

    def attach(self, desk: Desk) -> None:
        """Bring the desk: from now on the bars live."""
        from labctl.gui.stopbanner import StopBanner

        self._wire_keys()
        self.desk = desk
        self.stop_banner = StopBanner(desk)
        self._banners.insertWidget(0, self.stop_banner)
        self.context = Context(
            desk.lab, desk.bridge, desk.acts, desk.bridge, self.session, self.go, self.say, self.trouble.say
        )
        self.context.look = LookActs(
            self.set_theme,
            self.set_language,
            self.set_scale,
            lambda: self.languages.language.value,
            self.reset_layout,
        )
        from labctl.gui.hearing import sounds_of
        from labctl.gui.keeping import settings_of

        settings_of(self.context).watch(self._preferred)
        self.on_tick += [sounds_of(self.context).tick, partial(self.rail.look_at, desk.lab)]
        desk.changed.connect(self._changed)
        desk.troubled.connect(self.trouble.say)
        from labctl.gui.summary import DiskDays

        self._disk = DiskDays()
        self.tick()

    def show_views(self, specs: Sequence[ViewSpec]) -> None:
        """Add the views' entries and docks, and open what was open last."""
        from labctl.gui.parts.docks import Docks

        if self.docks is None:
            self.docks = Docks()
            self._page.addWidget(self.docks)
            self.docks.opened.connect(self._opened)
            self.docks.seen.connect(self._seen)
        for spec in specs:
            if spec.id not in self._specs:
                self._specs[spec.id] = spec
                self.docks.add(spec.id, spec.name, partial(self._make, spec))
        self.rail.show_views(specs)
        self._restore_layout()

    def _make(self, spec: ViewSpec) -> QWidget:
        assert self.context is not None
        view = spec.make(self.context)
        view.retranslate()
        view.restore_state(dict(self.session.get(f"view/{spec.id}", {})))
        return view

    # -- views ------------------------------------------------------------------------------------------------------

    def go(self, view_id: str, target: Any = None) -> None:
        """Bring a view to the front, on an object where one is given. One that does not exist is no error."""
        if self.docks is None or view_id not in self._specs:
            return
        self.docks.open(view_id)
        view = self.docks.view(view_id)
        if target is not None and isinstance(view, View):
            view.open_on(target)

    def _go_number(self, number: int) -> None:
        for spec in self._specs.values():
            if spec.key == number and self.rail.offers(spec):
                self.go(spec.id)

    @property
    def front(self) -> View | None:
        """Return the view in front."""
        found = self.docks.view(self.docks.front) if self.docks is not None else None
        return found if isinstance(found, View) else None

    def _docked(self, act: Callable[[Docks], None]) -> None:
        if self.docks is not None:
            act(self.docks)

    def _opened(self, view_id: str) -> None:
        self.rail.show_front(view_id)
        if self._place < 0 or self._history[self._place] != view_id:
            del self._history[self._place + 1 :]
            self._history.append(view_id)
            del self._history[:-HISTORY]
            self._place = len(self._history) - 1

    def _seen(self, view_id: str, seen: bool) -> None:
        view = self.docks.view(view_id) if self.docks is not None else None
        if isinstance(view, View):
            view.shown() if seen else view.hidden()

    def back(self) -> None:
        """Go to the view that was in front before."""
        if self._place > 0:
            self._place -= 1
            self.go(self._history[self._place])

    def forward(self) -> None:
        """Go again to the view from which a person came back."""
        if self._place + 1 < len(self._history):
            self._place += 1
            self.go(self._history[self._place])

    @cached_property
    def palette_popup(self) -> CommandPalette:
        """Return the command palette; made when it is first wanted, behind the first paint (F2)."""
        from labctl.gui.parts.palette import CommandPalette

        return CommandPalette(self, self.commands)

    def search(self) -> None:
        """Put the keyboard into the view's filter; without one open the palette."""
        view = self.front
        if view is None or type(view).search is View.search:
            self.palette_popup.open()
        else:
            view.search()

    def help(self) -> None:
        """Open the docs page of the view in front."""
        from labctl.gui.helping import close_help, open_help

        if close_help not in self.on_close:
            self.on_close.append(close_help)
        open_help(self.front.spec.help if self.front is not None else "")

    # -- look -------------------------------------------------------------------------------------------------------

    def set_theme(self, name: ThemeName) -> None:
        """Put another theme on, and keep it."""
        self.session.theme = name
        theme().change(name, theme().scale)
        self._say_look()

    def set_scale(self, scale: float) -> None:
        """Enlarge everything, and keep it."""
        self.session.scale = scale  # first: who hears of the change may ask what is kept
        theme().change(theme().name, scale)
        self._say_look()

    def set_language(self, language: Language) -> None:
        """Switch the language of all windows, and keep it."""
        self.session.language = language
        self.languages.put_on(language)

    def _preferred(self, names: frozenset[str]) -> None:
        """Let every view say its numbers anew when the person has chosen other units."""
        if "units" in names and self.docks is not None:
            for view in self.docks.views.values():
                if isinstance(view, View):
                    view.retranslate()

    def _say_look(self) -> None:
        self.status.retranslate(self.languages.language, theme().name, theme().scale)

    def retranslate(self) -> None:
        """Take every word anew."""
        self.setWindowTitle("labctl")
        self.top.retranslate()
        self.rail.retranslate()
        self.trouble.retranslate()
        self._say_look()
        if self.docks is not None:
            for spec in self._specs.values():
                self.docks.rename(spec.id, spec.name)

    # -- what is said -----------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Tell of work that is done: a toast, and the status line."""
        self.toasts.say(text)
        self.status.say_event(text)

    def tick(self) -> None:
        """Count ages and clocks on; show how things stand."""
        from labctl.clock import utc_now

        lab = None if self.desk is None else self.desk.lab
        virtual = lab is not None and lab.station is not None and lab.station.virtual
        self.status.say_time(utc_now(), lab.plant_utc if lab is not None and virtual else None)
        if self.desk is None:
            return
        from labctl.gui.summary import summary

        told = summary(self.desk.lab, self._disk)
        self.top.say(told, self.desk.lab.counts)
        if told.speed != self._speed:
            self._speed = told.speed
            self.top.show_speed(told.speed)
        title = f"{told.station} - labctl" if told.station else "labctl"
        if self.windowTitle() != title:
            self.setWindowTitle(title)
        self._say_link()
        for call in tuple(self.on_tick):
            call()

    def _changed(self, batch: object) -> None:
        assert self.desk is not None
        from labctl.gui.viewmodels.allowed import label_of
        from labctl.gui.viewmodels.events import is_news

        last = next((event for event in reversed(self.desk.lab.events) if is_news(event)), None)
        if last is not None:
            where = f"{label_of(self.desk.lab, last.channel) if last.channel else ''} {last.cell}".strip()
            self.status.say_event(
                " ".join(part for part in (last.utc[11:19], where, last.text or last.kind) if part)
            )

    def _say_link(self) -> None:
        from labctl.gui.viewmodels.batches import LinkPhase
        from labctl.gui.viewmodels.text import age

        assert self.desk is not None
        link = self.desk.lab.link
        late = link.live and link.age_s > LOST_AFTER_S
        waited_s = self.desk.lab.now_s - link.since_s
        self.top.link_glyph.show_state("live" if link.live and not late else "ring", "muted")
        if link.state is LinkPhase.REFUSED:
            self.link_banner.say(
                tr("window", "The station does not let this window in"), link.text, priority="high"
            )
        elif link.state is LinkPhase.LOST or late:
            told = tr(
                "window",
                "Last news {age} ago. Values are grey, acts are off. Runs go on without this window.",
            )
            self.link_banner.say(
                tr("window", "No link to the station"), told.format(age=age(link.age_s)), priority="high"
            )
        elif link.state is LinkPhase.CONNECTING and waited_s > LOST_AFTER_S:
            told = tr("window", "Since {age}.").format(age=age(waited_s))
            self.link_banner.say(tr("window", "Connecting to the station"), f"{told} {link.text}".strip())
        else:
            self.link_banner.hide()

    def _set_pace(self, speed: str) -> None:
        if self.desk is not None:
            self.desk.bridge.set_pace(speed, failed=self.trouble.say)

    # -- palette and menu -------------------------------------------------------------------------------------------

    def commands(self) -> list[Command]:
        """Return what the palette offers: the front view's commands first, then views, look, stop."""
        view = self.front
        found = list(view.commands()) if view is not None else []
        group = tr("window", "Go to")
        for spec in sorted(filter(self.rail.offers, self._specs.values()), key=lambda spec: spec.order):
            keys = f"Ctrl+{spec.key}" if spec.key is not None else ""
            found.append(Command(spec.name, partial(self.go, spec.id), keys, group))
        if self.desk is not None and "channel" in self._specs:
            for channel, status in self.desk.lab.channels.items():
                name = f"{channel} {status.cell_name or status.cell_id}".strip()
                found.append(Command(name, partial(self.go, "channel", channel), "", group))
        look = tr("window", "Look")
        found += [Command(theme_word(name), partial(self.set_theme, name), "", look) for name in ThemeName]
        found += [Command(NAMES[one], partial(self.set_language, one), "", look) for one in Language]
        found.append(Command(tr("window", "Reset layout"), self.reset_layout, "", look))
        found.append(Command(tr("stop", "Stop all outputs"), stop_all().press, "Ctrl+Shift+F12"))
        return found

    def _fill_menu(self) -> None:
        menu = self.menu
        menu.clear()
        address = self.desk.bridge.address if self.desk is not None else ""
        place = menu.addAction(address or tr("window", "Not connected"))
        place.setEnabled(False)
        menu.addSeparator()
        menu.addAction(tr("window", "Save this layout"), self._save_named)
        for name in self.session.layouts():
            menu.addAction(tr("window", "Layout {name}").format(name=name), partial(self._take_layout, name))
        menu.addAction(tr("window", "Reset layout"), self.reset_layout)
        menu.addSeparator()
        menu.addAction(tr("window", "Close the window (the station goes on)"), self.close)

    # -- layouts ----------------------------------------------------------------------------------------------------

    def reset_layout(self) -> None:
        """Go back to one view in one window."""
        self.session.forget_layout()
        first = self._first()
        if self.docks is not None and first:
            self.docks.reset(first)

    def _first(self) -> str:
        return min(self._specs.values(), key=lambda spec: spec.order).id if self._specs else ""

    def _restore_layout(self) -> None:
        first = self._first()
        if self.docks is None or not first:
            return
        saved = self.session.layout()
        if saved is None or not self.docks.restore(*saved):
            self.docks.reset(first)

    def _save_named(self) -> None:
        if self.docks is not None:
            name = str(len(self.session.layouts()) + 1)
            self.session.save_layout(*self.docks.save(), name)
            self.say(tr("window", "Layout {name} saved").format(name=name))

    def _take_layout(self, name: str) -> None:
        saved = self.session.layout(name)
        if self.docks is None or saved is None or not self.docks.restore(*saved):
            self.reset_layout()

    def _restore_geometry(self) -> None:
        saved = self.session.geometry()
        if saved is None or not self.restoreGeometry(saved):
            room = self.screen().availableGeometry()
            self.resize(min(FIRST_SIZE[0], room.width()), min(FIRST_SIZE[1], room.height()))

    # -- Qt ---------------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Show in the status line why the control under the pointer is off (R5)."""
        if isinstance(event, QStatusTipEvent):
            self.status.say_tip(event.tip())
            return True
        return super().event(event)

    def childEvent(self, event: QChildEvent) -> None:
        """Dress each part of the window, and each dialog of it, by itself; views are dressed by their docks."""
        super().childEvent(event)
        if event.type() == QEvent.Type.ChildPolished:
            part = event.child()
            if isinstance(part, QWidget) and part is not self.docks and not part.styleSheet():
                theme().dress(part)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange and hasattr(self, "_timer"):
            self.retranslate()
            self.tick()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the layout, hang up, end the threads; the station and its runs go on."""
        self.closed = True
        self._timer.stop()
        bugs = self._keep_layout()
        if self.desk is not None:
            self.desk.close()
        for call in self.on_close:
            call()
        super().closeEvent(event)
        QApplication.quit()
        for bug in bugs:  # told only now, and not raised through Qt: whatever a view does, the window goes
            sys.excepthook(type(bug), bug, bug.__traceback__)

    def _keep_layout(self) -> list[Exception]:
        """Keep where everything stands, and close the windows of their own; returns what broke in views."""
        bugs: list[Exception] = []
        self.session.save_geometry(self.saveGeometry())
        docks, self.docks = self.docks, None  # they go with their manager: nobody may ask for a title
        if docks is not None:
            if docks.shown_ids:
                self.session.save_layout(*docks.save())
            for view_id, view in docks.views.items():
                if isinstance(view, View):
                    try:
                        self.session.put(f"view/{view_id}", view.save_state() or None)
                        view.hidden()
                    except Exception as bug:
                        bugs.append(bug)
            docks.close_windows()
        self.session.sync()
        return bugs
