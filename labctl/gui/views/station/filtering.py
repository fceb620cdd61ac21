"""Saved filters in the view: choosing, the editor, undo; the grid and the settings know what they mean."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtWidgets import QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.undo import Undo
from labctl.gui.parts.view import Command
from labctl.gui.viewmodels.filterdraft import FilterDraft
from labctl.gui.viewmodels.filters import SHOW_WORDS, Group, SavedFilter, Show, Sort
from labctl.gui.viewmodels.grid import Grid
from labctl.gui.viewmodels.settings import Settings
from labctl.gui.views.station.filterdialog import FilterDialog
from labctl.gui.views.station.head import EDIT_FILTER, NEW_FILTER, Head


class Filtering:
    """Between head, grid and settings."""

    def __init__(self, grid: Grid, settings: Settings, undo: Undo, head: Head, parent: QWidget) -> None:
        self._grid, self._settings, self._undo, self._head, self._parent = grid, settings, undo, head, parent
        self.dialog: FilterDialog | None = None
        head.filter_wanted.connect(self.choose)

    def choose(self, key: str) -> None:
        """Show only what a saved filter shows; or open the editor."""
        if key in (NEW_FILTER, EDIT_FILTER):
            self.edit(self._grid.saved if key == EDIT_FILTER else None)
        else:
            found = next((one for one in self._settings.filters if one.name == key), None)
            self._grid.set_saved(found)
        self._show()

    def edit(self, saved: SavedFilter | None) -> None:
        """Open the editor of a filter, or of a new one."""
        taken = {one.name for one in self._settings.filters if saved is None or one.name != saved.name}
        draft = FilterDraft.of(saved, taken)
        remove = None if saved is None else partial(self._remove, saved.name)
        dialog = FilterDialog(draft, self._preview, partial(self._keep, saved), remove, self._parent.window())
        dialog.finished.connect(self._closed)
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def _closed(self) -> None:
        self.dialog = None

    def _preview(self, draft: FilterDraft) -> str:
        return draft.preview(self._grid.cabinet.order, self._grid.facts)

    def _keep(self, before: SavedFilter | None, made: SavedFilter) -> None:
        if before is not None and before.name != made.name:
            self._undo.do(self._settings.remove_filter(before.name))
        self._undo.do(self._settings.save_filter(made))
        self._grid.set_saved(made)
        self._show()

    def _remove(self, name: str) -> None:
        self._undo.do(self._settings.remove_filter(name))
        self._grid.set_saved(None)
        self._show()

    def _show(self) -> None:
        grid = self._grid
        self._head.show_state(grid.show, grid.sort, grid.group, "" if grid.saved is None else grid.saved.name)
        self._head.show_filters(self._settings.filters)

    def _segment(self, show: Show) -> None:
        self._grid.set_show(show)
        self._show()

    def commands(self) -> list[Command]:
        """Return segments and filters for the palette."""
        group = tr("station", "Show")
        found = [
            Command(tr("filters", word), partial(self._segment, show), "", group)
            for show, word in SHOW_WORDS.items()
        ]
        found += [
            Command(one.name, partial(self.choose, one.name), "", group) for one in self._settings.filters
        ]
        found.append(Command(tr("station", "No filter"), partial(self.choose, ""), "", group))
        found.append(Command(tr("station", "New filter..."), partial(self.choose, NEW_FILTER), "", group))
        return found

    def restore(self, state: dict[str, Any]) -> None:
        """Take segment, order, groups and filter as they were kept; unknown words are left out."""
        grid = self._grid
        if state.get("show") in set(Show):
            grid.set_show(Show(state["show"]))
        if state.get("sort") in set(Sort):
            grid.set_sort(Sort(state["sort"]))
        if state.get("group") in set(Group):
            grid.set_group(Group(state["group"]))
        name = str(state.get("filter", ""))
        grid.set_saved(next((one for one in self._settings.filters if one.name == name), None))
