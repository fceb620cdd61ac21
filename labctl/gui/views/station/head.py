"""What stands above the grid: segments with counts, order, groups, filters, search, size of tiles, tiles or table."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.fields import ChoiceBox, SearchField
from labctl.gui.parts.flow import Flow
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.filters import (
    GROUP_WORDS,
    SHOW_WORDS,
    SORT_WORDS,
    Group,
    SavedFilter,
    Show,
    Sort,
)
from labctl.gui.viewmodels.grid import Counts
from labctl.gui.viewmodels.gridplaces import TileSize

NEW_FILTER, EDIT_FILTER = "\x00new", "\x00edit"


class Look(StrEnum):
    """Tiles or table."""

    TILES = "tiles"
    TABLE = "table"


class Head(QWidget):
    """The controls; each tells what a person chose, none of them decides. Breaks into lines where room is short."""

    filter_wanted = Signal(str)
    """A saved filter's name, empty for none, or ``NEW_FILTER`` or ``EDIT_FILTER``."""

    def __init__(self) -> None:
        super().__init__()
        self.show_part, self.zoom, self.look = Segment(""), Segment(""), Segment("")
        self.sort, self.group, self.saved = ChoiceBox(), ChoiceBox(), ChoiceBox()
        self.search = SearchField(keys="/")
        fix_size(self.search, width=128)
        fix_size(self.saved, width=144)
        self.saved.chosen.connect(self.filter_wanted)
        self._filter = ""
        flow = Flow(self, gap=8)
        flow.put(self.show_part, self.sort, self.group, self.saved, self.search)
        flow.put_right(self.zoom, self.look)
        self._flow = flow
        theme().changed.connect(self.updateGeometry)

    def retranslate(self, counts: Counts, filters: Sequence[SavedFilter]) -> None:
        """Take the words of the language."""
        self.show_part.setAccessibleName(tr("station", "Show"))
        self.sort.set_name(tr("station", "Sort"))
        self.group.set_name(tr("station", "Group"))
        self.saved.set_name(tr("station", "Filter"))
        self.search.set_hint(tr("station", "Find"))
        self.search.setToolTip(tr("station", "Show only channels with these words (/)"))
        self.search.setAccessibleName(tr("station", "Cell, batch, state"))
        self.zoom.setAccessibleName(tr("station", "Size of tiles"))
        self.look.setAccessibleName(tr("station", "Look"))
        self.sort.show_choices([(one.value, tr("filters", word)) for one, word in SORT_WORDS.items()])
        self.group.show_choices([(one.value, tr("filters", word)) for one, word in GROUP_WORDS.items()])
        names = {
            TileSize.S: tr("station", "Small tiles"),
            TileSize.M: tr("station", "Medium tiles"),
            TileSize.L: tr("station", "Large tiles"),
        }
        self.zoom.show_choices([Choice(one.value, one.value, name=name) for one, name in names.items()])
        self.show_counts(counts)
        self.show_filters(filters)
        self._show_looks()

    def _show_looks(self) -> None:
        """Offer tiles and table by icon and word; by the icon alone where one line would not hold the words."""
        words = {Look.TILES: tr("station", "Tiles"), Look.TABLE: tr("station", "Table")}
        icons = {Look.TILES: "view-grid-outline", Look.TABLE: "table"}
        for text in (True, False):
            self.look.show_choices([
                Choice(one.value, word if text else "", icon=icons[one], name="" if text else word)
                for one, word in words.items()
            ])  # fmt: skip
            row = self.look.layout()
            if row is not None:
                row.activate()  # its parts have another width now, in this turn
            self.look.updateGeometry()
            if self._flow.sizeHint().width() <= self.width():
                break

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the width."""
        super().resizeEvent(event)
        self._show_looks()

    def show_counts(self, counts: Counts) -> None:
        """Show how many channels each segment has."""
        self.show_part.show_choices([
            Choice(one.value, tr("filters", word), str(counts.of(one))) for one, word in SHOW_WORDS.items()
        ])  # fmt: skip

    def show_filters(self, filters: Sequence[SavedFilter]) -> None:
        """List the saved filters, a new one, and the editor of the chosen one."""
        choices = [("", tr("station", "none")), *((one.name, one.name) for one in filters)]
        choices.append((NEW_FILTER, tr("station", "New...")))
        if self._filter:
            choices.append((EDIT_FILTER, tr("station", "Edit...")))
        self.saved.show_choices(choices)
        self.saved.choose(self._filter)

    def show_state(self, show: Show, sort: Sort, group: Group, saved: str) -> None:
        """Show what is chosen."""
        self.show_part.choose(show.value)
        self.sort.choose(sort.value)
        self.group.choose(group.value)
        self._filter = saved

    def heightForWidth(self, width: int) -> int:
        """Return the height at a width."""
        return self._flow.heightForWidth(width)

    def hasHeightForWidth(self) -> bool:
        """Say that the height follows the width."""
        return True
