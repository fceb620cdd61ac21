"""The plots of the page: up to many cards in two columns, and the overlay of chosen cycles; moved together."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import ChoiceBox
from labctl.gui.parts.layouts import Column, Row
from labctl.gui.plots.layer import Bounds, LegendEntry
from labctl.gui.plots.legend import LegendRow
from labctl.gui.plots.look import look_of
from labctl.gui.plots.panelling import swatches
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.compare import Compare
from labctl.gui.viewmodels.panels import KIND_WORDS, Kind, cards, overlays, panel_of
from labctl.gui.views.compare.plotcard import PlotCard

COLUMN_PX, CARD_PX, TWO_COLUMNS_PX = 352, 240, 680
OVERLAY_KINDS = (Kind.CURVES, Kind.DQDV)


class Board(QObject):
    """``middle`` holds the cards, ``column`` the overlays; decides nothing but which plots move together."""

    kind_chosen = Signal(str, str)
    """Key of a card, the kind that a person wants."""
    overlay_asked = Signal()
    save_asked = Signal(object)

    def __init__(self, parent: QObject) -> None:
        """Empty; ``parent`` is the view, so that both end together."""
        super().__init__(parent)
        self.linked = True
        self.cards: list[PlotCard] = []
        self.overlays: list[PlotCard] = []
        self._moving = False
        self._last: PlotCard | None = None
        inner = QWidget()
        self._grid = QGridLayout(inner)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self.middle = QScrollArea()
        self.middle.setWidgetResizable(True)
        self.middle.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.middle.setFrameShape(QScrollArea.Shape.NoFrame)
        self.middle.setWidget(inner)
        self.column = Card(inset=0)
        self.overlay_kind = ChoiceBox()
        self.column.head.addWidget(self.overlay_kind)
        self.ramp = LegendRow(look_of(theme().tokens, unit=theme().scale))
        self._overlay_rows = Column(gap=0)
        legend = Row(margins=(16, 8, 16, 0))
        legend.put(self.ramp, None)
        self.column.body.addLayout(legend)
        self.column.body.addLayout(self._overlay_rows, 1)
        self.overlay_kind.chosen.connect(lambda key: self._overlay_chosen())
        self._compare: Compare | None = None
        theme().changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        self._grid.setSpacing(theme().px(8))
        self.widen(self.column.maximumWidth() > theme().px(2 * COLUMN_PX))
        for card in self.cards:
            card.setMinimumHeight(theme().px(CARD_PX))

    def widen(self, whole: bool) -> None:
        """Let the overlays take all the room (a tab of their own), or a column."""
        self.column.setMinimumWidth(theme().px(COLUMN_PX))
        self.column.setMaximumWidth(16_777_215 if whole else theme().px(COLUMN_PX))

    def retranslate(self) -> None:
        """Take the words anew."""
        words = [(kind.value, tr("panels", KIND_WORDS[kind])) for kind in OVERLAY_KINDS]
        self.overlay_kind.show_choices(words)
        self.overlay_kind.setAccessibleName(tr("compare", "What the overlay draws"))
        self.column.set_title(tr("compare", "Cycle overlay"))
        for card in (*self.cards, *self.overlays):
            card.retranslate()

    # -- showing ----------------------------------------------------------------------------------------------------

    def show_compare(self, compare: Compare) -> None:
        """Show all plots of a comparison."""
        self._compare = compare
        wanted = cards(compare)
        self._make(self.cards, len(wanted), overlay=False)
        columns = 2 if self.middle.viewport().width() >= theme().px(TWO_COLUMNS_PX) else 1
        for place, card in enumerate(wanted):
            row, column = divmod(place, columns)
            wide = columns if place == len(wanted) - 1 and not column else 1
            self._grid.addWidget(self.cards[place], row, column, 1, wide)
            self.cards[place].show_panel(panel_of(compare, card))
        self._show_overlays()

    def _show_overlays(self) -> None:
        if self._compare is None or self.column.isHidden():
            return
        found = overlays(self._compare, Kind(self.overlay_kind.key or Kind.CURVES.value))
        self._make(self.overlays, len(found), overlay=True)
        for card, one in zip(self.overlays, found, strict=True):
            card.swatch.place = one.colour
            card.swatch.update()
            card.show_panel(one.panel)
        look = look_of(theme().tokens, unit=theme().scale)
        self.ramp.set_look(look)
        entries = swatches([one.panel for one in found], look, 4)
        self.ramp.show_entries([*entries, LegendEntry(tr("compare", "cycle"), look.muted)] if entries else [])
        self._equal_scales()

    def _overlay_chosen(self) -> None:
        for card in self.overlays:
            card.panel = None
        self._show_overlays()

    def _make(self, known: list[PlotCard], count: int, *, overlay: bool) -> None:
        while len(known) > count:
            card = known.pop()
            card.forget()
            card.deleteLater()
            self._last = None if self._last is card else self._last
        while len(known) < count:
            card = PlotCard("" if overlay else chr(ord("a") + len(known)), flat=overlay)
            card.retranslate()
            card.kind_chosen.connect(lambda kind, one=card: self._tell_kind(one, kind))
            card.moved.connect(lambda one=card: self._moved(one))
            card.overlay_asked.connect(self.overlay_asked)
            card.save_asked.connect(lambda one=card: self.save_asked.emit(one))
            known.append(card)
            if overlay:
                self._overlay_rows.addWidget(card, 1)
            else:
                card.setMinimumHeight(theme().px(CARD_PX))

    def _tell_kind(self, card: PlotCard, kind: str) -> None:
        if card.panel is not None:
            self.kind_chosen.emit(card.panel.card.key, kind)

    def clear(self) -> None:
        """Show no plot."""
        self._make(self.cards, 0, overlay=False)
        self._make(self.overlays, 0, overlay=True)

    @property
    def front(self) -> PlotCard | None:
        """Return the plot that has the focus, else the one that was moved last, else the first."""
        every = (*self.cards, *self.overlays)
        focused = next((card for card in every if card.frame.hasFocus()), None)
        return focused or self._last or next(iter(every), None)

    def fit(self) -> None:
        """Show everything in every plot."""
        for card in self.cards:
            card.fit()
        self._equal_scales()

    # -- together ---------------------------------------------------------------------------------------------------

    def set_linked(self, linked: bool) -> None:
        """Move plots over the same quantity together, or each alone."""
        self.linked = linked

    def _moved(self, card: PlotCard) -> None:
        self._last = card
        if self._moving:
            return
        self._moving = True
        try:
            begin, end = card.frame.x_range()
            if card in self.overlays:
                (_, _), (low, high) = card.frame.box.viewRange()
                self._show_equal(begin, end, low, high, card)
            elif self.linked:
                for other in self.cards:
                    if other is not card and other.x_meaning == card.x_meaning:
                        other.take_x(begin, end)
        finally:
            self._moving = False

    def _equal_scales(self) -> None:
        """Give all overlays the range that holds every one of them."""
        known = [found for card in self.overlays if (found := card.bounds()) is not None]
        if not known:
            return
        whole: Bounds = known[0]
        for one in known[1:]:
            whole = whole.united(one)
        tall, wide = 0.05 * (whole.y_max - whole.y_min), 0.02 * (whole.x_max - whole.x_min)
        self._show_equal(whole.x_min - wide, whole.x_max + wide, whole.y_min - tall, whole.y_max + tall)

    def _show_equal(
        self, begin: float, end: float, low: float, high: float, but: PlotCard | None = None
    ) -> None:
        for card in self.overlays:
            if card is not but and high > low:
                card.frame.set_x_range(begin, end)
                card.frame.set_y_range(low, high)
