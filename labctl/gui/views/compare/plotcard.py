"""A card with one plot: what it draws, its gestures, cursors, copies and exports. The same for cards and overlays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QPoint, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import ChoiceBox
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.plots import figure
from labctl.gui.plots.cursors import Reading
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.figure import FigureStyle
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.layer import Bounds, Layer, united
from labctl.gui.plots.legend import LegendRow
from labctl.gui.plots.look import look_of
from labctl.gui.plots.panelling import axis_signs, field_of, layers_of, swatches
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.panels import KIND_WORDS, Axis, Kind, Panel
from labctl.gui.viewmodels.protocol.typed import pretty

EMPTY = Axis("", "")
FIT_MS = 100


class Swatch(QWidget):
    """The colour of a group before its name."""

    def __init__(self) -> None:
        super().__init__()
        self.place = 0
        fix_size(self, width=10, height=10)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Fill it."""
        curves = theme().tokens.curves
        QPainter(self).fillRect(self.rect(), QColor(curves[self.place % len(curves)]))


class PlotCard(Card):
    """A plot in a card. ``kind_chosen`` tells what a person wants it to draw; ``moved`` that they moved its range."""

    kind_chosen = Signal(str)
    moved = Signal()
    overlay_asked = Signal()
    save_asked = Signal()

    def __init__(self, letter: str = "", *, flat: bool = False, parent: QWidget | None = None) -> None:
        """Empty; ``flat`` = part of another card: no edge, no choice of what is drawn, its colour before its name."""
        super().__init__(parent=parent, inset=0, line=not flat)
        self.flat = flat
        self.swatch = Swatch()
        if flat:
            self.setProperty("part", "")
            self.head.insertWidget(0, self.swatch)
        self.panel: Panel | None = None
        self._letter, self._by_hand, self._curves = letter, False, dict[object, EnvelopeCurve]()
        self._unwatch: list[Callable[[], None]] = []
        self.kinds = ChoiceBox()
        self.kinds.chosen.connect(self.kind_chosen)
        self.more = Button(icon="dots-vertical", rank=Rank.QUIET, height_px=32)
        self.more.clicked.connect(
            lambda: self.open_menu(self.more.mapToGlobal(QPoint(0, self.more.height())))
        )
        self.legend = LegendRow(look_of(theme().tokens, unit=theme().scale))
        self.frame = PlotFrame(
            field_of(EMPTY), field_of(EMPTY), look_of(theme().tokens, unit=theme().scale), name=letter
        )
        self.empty = Label("", Role.BODY, "muted", wrap=True)
        self.head.insertWidget(3 if flat else 2, self.legend)
        self.head.addWidget(self.kinds)
        if flat:
            self.kinds.hide()
        self.head.addWidget(self.more)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.addWidget(self.empty)
        self.body.addWidget(self.frame, 1)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(FIT_MS)
        self._soon.timeout.connect(self._fit_soon)
        self.frame.box.moved_by_hand.connect(self._moved)
        self.frame.box.fit_asked.connect(lambda axis: self._fitted())
        self.frame.cursors_changed.connect(self._say_cursors)
        self.frame.overlay_asked.connect(self.overlay_asked)
        self.frame.menu_asked.connect(self.open_menu)
        theme().changed.connect(self._restyle)

    def _restyle(self) -> None:
        look = look_of(theme().tokens, unit=theme().scale)
        self.frame.set_look(look)
        self.legend.set_look(look)
        panel, self.panel = self.panel, None
        self._curves.clear()
        if panel is not None:
            self.show_panel(panel)

    def retranslate(self) -> None:
        """Take the words anew."""
        self.kinds.show_choices([(kind.value, tr("panels", KIND_WORDS[kind])) for kind in Kind])
        self.kinds.set_name("")
        self.kinds.setAccessibleName(tr("compare", "What plot {letter} draws").format(letter=self._letter))
        self.more.name_it(tr("compare", "Copy, save, axes"))

    # -- content ----------------------------------------------------------------------------------------------------

    def show_panel(self, panel: Panel) -> None:
        """Draw a panel; the range that a person chose stays while the axes mean the same."""
        before, self.panel = self.panel, panel
        self._say(panel)
        self.kinds.choose(panel.card.kind.value)
        look = self.frame.look
        same = before is not None and (before.x, before.y, before.card.key) == (
            panel.x,
            panel.y,
            panel.card.key,
        )
        right = field_of(panel.right) if panel.right is not None else None
        if right != self.frame.sheet.right_field or not same:
            self.frame.sheet.right_field = right
            self.frame.set_fields(field_of(panel.x), field_of(panel.y))
            self.frame.set_words(note="")
        layers = [self._kept(layer) for layer in layers_of(panel, look)]
        self.frame.clear()
        self.frame.add(*layers)
        self._watch(layers)
        if not same:
            self._by_hand = False
        if not self._by_hand:
            self.frame.fit()
        self.legend.show_entries(axis_signs(panel, look) or ([] if self.flat else swatches([panel], look)))
        self.legend.setMinimumWidth(self.legend.sizeHint().width() if self.legend.accessibleName() else 0)
        self.empty.setText(panel.why)
        self.empty.setContentsMargins(16, 16, 16, 16)
        self.empty.setVisible(bool(panel.why))
        self.frame.setVisible(not panel.why)

    def _say(self, panel: Panel) -> None:
        title = f"{self._letter}  {panel.card.title}" if self._letter else panel.card.title
        self.set_title(title, pretty(panel.card.note))
        self.frame.setAccessibleName(f"{title}: {tr('panels', KIND_WORDS[panel.card.kind])}")

    def _kept(self, layer: Layer) -> Layer:
        """Return the curve that is drawn already where a trace is the same: it keeps what it holds."""
        if not isinstance(layer, EnvelopeCurve):
            return layer
        scaled = layer.trace
        key = (
            id(getattr(scaled, "_trace", scaled)),
            getattr(scaled, "_factor", 1.0),
            getattr(scaled, "_shift", 0.0),
        )
        known = self._curves.setdefault(key, layer)
        known.name, known.index, known.dash, known.live = layer.name, layer.index, layer.dash, layer.live
        return known

    def _watch(self, layers: Sequence[Layer]) -> None:
        for unwatch in self._unwatch:
            unwatch()
        self._unwatch = [
            watch(partial(self._more, layer))
            for layer in layers
            if isinstance(layer, EnvelopeCurve) and (watch := getattr(layer.trace, "watch", None)) is not None
        ]

    def _more(self, layer: EnvelopeCurve) -> None:
        """Draw what a trace has got; fit soon where nobody has chosen a range."""
        layer.data_changed()
        if not self._by_hand and not self._soon.isActive():
            self._soon.start()

    def _fit_soon(self) -> None:
        if not self._by_hand:
            self.frame.fit()

    def forget(self) -> None:
        """Watch no trace any more."""
        self._watch([])
        self.frame.clear()

    # -- ranges -----------------------------------------------------------------------------------------------------

    @property
    def x_meaning(self) -> tuple[str, str]:
        """Return what is on x: plots with the same may be moved together."""
        return (self.panel.x.quantity, self.panel.x.unit) if self.panel is not None else ("", "")

    def _moved(self, x_moved: bool, y_moved: bool) -> None:
        self._by_hand = True
        self.moved.emit()

    def _fitted(self) -> None:
        self._by_hand = False

    def take_x(self, begin: float, end: float) -> None:
        """Show the range of x that a linked plot shows."""
        self._by_hand = True
        self.frame.set_x_range(begin, end)

    def bounds(self) -> Bounds | None:
        """Return what its layers cover."""
        return united(self.frame.layers)

    def fit(self) -> None:
        """Show everything."""
        self._by_hand = False
        self.frame.fit()

    def _say_cursors(self, reading: Reading | None) -> None:
        self.frame.set_words(note="" if reading is None else self.frame.reading_text(reading))

    # -- copies -----------------------------------------------------------------------------------------------------

    def figure_style(self) -> FigureStyle:
        """Return the size and type of what is copied or saved."""
        return FigureStyle(title=self.title.text())

    def open_menu(self, at: QPoint) -> None:
        """Offer copies, saving and axes."""
        menu = self.make_menu()
        menu.popup(at)

    def make_menu(self) -> QMenu:
        """Return the menu of the plot."""
        menu, sheets = QMenu(self), [self.frame.sheet]
        menu.addAction(tr("compare", "Copy as image"), lambda: figure.copy_image(sheets, self.figure_style()))
        menu.addAction(
            tr("compare", "Copy as vector"), lambda: figure.copy_vector(sheets, self.figure_style())
        )
        menu.addAction(tr("compare", "Copy data"), lambda: figure.copy_data(sheets, self.figure_style()))
        menu.addAction(tr("compare", "Save figure..."), self.save_asked.emit)
        menu.addSeparator()
        for text, on, act in (
            (tr("compare", "Log x (X)"), self.frame.sheet.log_x, lambda on: self.frame.set_log(x=on)),
            (tr("compare", "Log y (L)"), self.frame.sheet.log_y, lambda on: self.frame.set_log(y=on)),
            (tr("compare", "Cursors A and B (C)"), self.frame.cursors.visible, self.frame.show_cursors),
        ):
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(on)
            action.toggled.connect(act)
        menu.addAction(tr("compare", "Fit (F)"), self.fit)
        return menu
