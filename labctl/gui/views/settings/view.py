"""The settings: five pages behind one row of choices."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QStackedWidget, QWidget

from labctl.gui.hearing import sounds_of
from labctl.gui.i18n.translating import Language, tr
from labctl.gui.keeping import settings_of
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.theme.current import theme
from labctl.gui.theme.tokens import ThemeName
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.facts import Night
from labctl.gui.viewmodels.settings import People
from labctl.gui.views.settings.lookpage import LookPage
from labctl.gui.views.settings.pages import KeysPage, NightPage, PeoplePage, StationPage

PAGES = ("look", "station", "people", "notify", "keys")


class SettingsView(View):
    """``open_on`` takes the name of a page."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.settings = settings_of(context)
        self.people, self.night = People(context.lab, context.acts), Night(context.lab, context.acts)
        self.pages = Segment("", tuple(Choice(page, page) for page in PAGES))
        self.head_left.addWidget(self.pages)
        self.look = LookPage(self.settings, sounds_of(context), self.do, self._reset_layout)
        self.station = StationPage(
            context.lab, lambda: context.bridge.address, lambda: context.go("firstrun", None)
        )
        self.people_page, self.night_page = PeoplePage(context.lab, self.people), NightPage(self.night)
        self.keys = KeysPage()
        self.stack = QStackedWidget()
        for page in (self.look, self.station, self.people_page, self.night_page, self.keys):
            self.stack.addWidget(_scrolled(page))
        self.page.addWidget(self.stack, 1)
        self.pages.chosen.connect(self._turn)
        self.settings.watch(self._changed)
        self._seen = self._taking = False
        theme().changed.connect(self._take_over)
        context.lab.watch({"instrument", "station", "link"}, lambda places: self._lab_changed())

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self._take_over()
        names = {
            "look": tr("settings", "Look"), "station": tr("settings", "Station"), "people": tr("settings", "People"),
            "notify": tr("settings", "Notifications"), "keys": tr("settings", "Keyboard"),
        }  # fmt: skip
        self.pages.show_choices([Choice(page, names[page]) for page in PAGES])
        self.pages.setAccessibleName(tr("settings", "Part of the settings"))
        for page in (self.look, self.station, self.people_page, self.night_page, self.keys):
            page.retranslate()
        self._say_bar()

    def _say_bar(self) -> None:
        self.bar.say({
            "look": tr("settings", "Every change holds at once; Ctrl+Z takes it back."),
            "station": tr("settings", "Instruments, limits and notifications are written in the station file."),
        }.get(self.pages.key, ""))  # fmt: skip

    def do(self, edit: Edit | None) -> None:
        """Do a change that can be undone."""
        self.undo.do(edit)

    def _take_over(self) -> None:
        """Show the look that was chosen elsewhere; it is on already."""
        self._taking = True
        try:
            self.settings.reload()
        finally:
            self._taking = False
        self.look.refresh()

    def _changed(self, names: frozenset[str]) -> None:
        if self._taking:
            return
        look, now = self.context.look, self.settings.now
        if look is not None:
            if "theme" in names:
                look.set_theme(ThemeName(now.theme.value))
            if "scale" in names:
                look.set_scale(now.scale)
            if "language" in names and look.language() != now.language.value:
                look.set_language(Language(now.language.value))
        self.look.refresh()

    def _reset_layout(self) -> None:
        if self.context.look is not None:
            self.context.look.reset_layout()
            self.context.say(tr("settings", "The layout is one view in one window again."))

    def _turn(self, page: str) -> None:
        self.stack.setCurrentIndex(PAGES.index(page))
        if page == "people":
            self.people.refresh()
        elif page == "notify":
            self.night.refresh()
        elif page == "station":
            self.station.refresh()
        self._say_bar()

    def _lab_changed(self) -> None:
        if self._seen and self.pages.key == "station":
            self.station.refresh()

    # -- the window ---------------------------------------------------------------------------------------------------

    def shown(self) -> None:
        """Take what was chosen elsewhere meanwhile."""
        self._seen = True
        self._take_over()
        self._turn(self.pages.key)

    def hidden(self) -> None:
        """Show nothing that nobody sees."""
        self._seen = False

    def open_on(self, target: Any) -> None:
        """Turn to a page: ``look``, ``station``, ``people``, ``notify`` or ``keys``."""
        if target in PAGES:
            self.pages.choose(str(target))
            self._turn(str(target))

    def search(self) -> None:
        """Search the keyboard map."""
        self.open_on("keys")
        self.keys.search.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def commands(self) -> list[Command]:
        """Return what the palette offers here."""
        group = tr("views", "Settings")
        names = (tr("settings", "Look"), tr("settings", "Station"), tr("settings", "People"),
                 tr("settings", "Notifications"), tr("settings", "Keyboard"))  # fmt: skip
        return [Command(name, lambda one=page: self.open_on(one), "", group)  # type: ignore[misc]  # bound now
                for page, name in zip(PAGES, names, strict=True)]  # fmt: skip

    def save_state(self) -> dict[str, Any]:
        """Keep the page."""
        return {"page": self.pages.key}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take the page."""
        self.open_on(state.get("page"))


def _scrolled(page: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(page)
    return area
