"""A plot as a widget: axes, layers, gestures, following, cursors. What it shows is drawn by ``sheet``."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QGraphicsView, QPushButton, QStyleOptionGraphicsItem, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.plots.band import StepBand
from labctl.gui.plots.canvas import Canvas, log_range, power
from labctl.gui.plots.cursors import Cursors, Reading, reading_text
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.feeding import Feeder
from labctl.gui.plots.fields import Field, FieldKind
from labctl.gui.plots.gestures import AxisArea, PlotBox
from labctl.gui.plots.keys import act_of
from labctl.gui.plots.layer import Layer, LegendEntry, Side, united
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.sheet import Places, Sheet, canvas_of, draw_sheet, fitted, legend_entries, places_of
from labctl.gui.plots.words import span_text

LIVE_SHARE = 0.9
"""Where the newest point stands while following, as a share of the width."""
Y_USED_MIN = 0.7
"""A range of y is kept while the curve fills so much of it."""


class _Paper(pg.GraphicsWidget):  # type: ignore[misc]  # pyqtgraph tells no types
    """What everything is drawn on, below the box that the mouse moves."""

    def __init__(self, frame: PlotFrame) -> None:
        super().__init__()
        self._frame = frame

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the whole plot."""
        self._frame.draw(painter)


class PlotFrame(pg.GraphicsView):  # type: ignore[misc]  # pyqtgraph tells no types
    """One plot. Views add layers and read signals; the range is moved by gestures, keys, or ``set_x_range``."""

    range_changed = Signal(float, float)
    """The visible range of x, in units of the data."""
    follow_changed = Signal(bool)
    cursors_changed = Signal(object)
    """A ``Reading``, or None when the cursors are off."""
    legend_changed = Signal()
    overlay_asked: Signal = Signal()
    """Key V: the list of cycles to overlay."""
    menu_asked: Signal = Signal(QPoint)
    """Right click or menu key, in screen pixels."""
    logs_changed = Signal(bool, bool)
    painted = Signal()

    sheet: Sheet
    box: PlotBox
    cursors: Cursors
    follow: bool

    def __init__(
        self, x_field: Field, y_field: Field, look: PlotLook, *, right: Field | None = None, title: str = "",
        header: bool = False, x_title: bool = True, x_labels: bool = True, executor: Executor | None = None,
        name: str = "", parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        """Make an empty plot. ``executor`` decimates off this thread; ``name`` is what a screen reader says."""
        super().__init__(parent, useOpenGL=False, background=None)
        self.sheet = Sheet(
            x_field, y_field, (0.0, 1.0), (0.0, 1.0), right, title=title, header=header, x_title=x_title,
            x_labels=x_labels,
        )  # fmt: skip
        self.look = look
        self.setAccessibleName(name or title or y_field.title())
        self.setAccessibleDescription(
            tr("plots", "Plot. L and X log axes, F fit, R follow, C cursors, arrows move.")
        )
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)
        self.setMinimumSize(120, 48)
        self._layers: list[Layer] = []
        self.follow = False
        self.live_span: float | None = None
        self.auto_y = True
        self._fit_due = True
        self._ring = False
        self.legend_of: Callable[[], list[LegendEntry]] | None = None
        self.primary: EnvelopeCurve | None = None
        """The curve that the cursors read; the first one when None."""
        self.paper = _Paper(self)
        self.setCentralItem(self.paper)
        self.box = PlotBox()
        self.box.setParentItem(self.paper)
        self.box.grabber = self._grab
        self.right_range = (0.0, 1.0)
        self._areas = [AxisArea(self.box, 0), AxisArea(self.box, 1)]
        for area in self._areas:
            area.setParentItem(self.paper)
        self.cursors = Cursors(self._cursor_value)
        self.cursors.changed = self._cursors_moved
        self.feeder = Feeder(self, executor)
        self.feeder.fed.connect(self._fed)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.feed)
        self.live_button = QPushButton(tr("plots", "live >"), self)
        self.live_button.setAccessibleName(tr("plots", "Follow the newest point again"))
        self.live_button.setToolTip(tr("plots", "Follow the newest point again (R)"))
        self.live_button.hide()
        self.live_button.clicked.connect(lambda: self.set_follow(True))
        self.box.sigRangeChanged.connect(self._range_moved)
        self.box.fit_asked.connect(self._fit_axis)
        self.box.moved_by_hand.connect(self._by_hand)
        self.box.menu_asked.connect(lambda at: self.menu_asked.emit(QPoint(round(at.x()), round(at.y()))))
        self._lay_out()

    # -- layers -------------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Return what is in the plot."""
        return tuple(self._layers)

    def add(self, *layers: Layer) -> None:
        """Put layers in; curves are asked for at once."""
        for layer in layers:
            layer.changed = self.refresh
            self._layers.append(layer)
        self._layers_changed()

    def remove(self, *layers: Layer) -> None:
        """Take layers out."""
        for layer in layers:
            layer.changed = None
            self._layers.remove(layer)
        self._layers_changed()

    def clear(self) -> None:
        """Take all layers out."""
        self.remove(*self.layers)

    def _layers_changed(self) -> None:
        self.sheet.layers = (*self._layers, self.cursors)
        self.legend_changed.emit()
        self.refresh()

    def curves(self) -> list[EnvelopeCurve]:
        """Return the curves that are asked for: visible ones."""
        return [layer for layer in self._layers if isinstance(layer, EnvelopeCurve) and layer.visible]

    def legend(self) -> list[LegendEntry]:
        """Return the entries of a legend row."""
        return self.legend_of() if self.legend_of else legend_entries(self.sheet, self.look)

    def set_look(self, look: PlotLook) -> None:
        """Follow the theme or the scale."""
        self.look = look
        self._lay_out()
        self.legend_changed.emit()
        self.refresh()

    def set_band(self, band: StepBand | None) -> None:
        """Show the steps above the plot; None takes the band away."""
        changed = (band is None) != (self.sheet.band is None)
        self.sheet.band = band
        if changed:
            self._lay_out()
        self.paper.update()

    def set_words(self, *, title: str | None = None, note: str | None = None) -> None:
        """Set what stands above the plot: left and right."""
        self.sheet.title = self.sheet.title if title is None else title
        self.sheet.note = self.sheet.note if note is None else note
        self._lay_out()
        self.paper.update()

    def set_fields(self, x_field: Field | None = None, y_field: Field | None = None) -> None:
        """Change what stands on the axes, for instance the SI prefix or the language."""
        self.sheet.x_field = x_field or self.sheet.x_field
        self.sheet.y_field = y_field or self.sheet.y_field
        self.paper.update()

    # -- ranges -------------------------------------------------------------------------------------------------------

    def x_range(self) -> tuple[float, float]:
        """Return the visible range of x in units of the data."""
        return self.canvas().data_range()

    def set_x_range(self, begin: float, end: float) -> None:
        """Show a range of x (units of the data); following stays as it is."""
        self._fit_due = False
        if self.sheet.log_x:
            begin, end = log_range(begin, end)
        if end > begin:
            self.box.setXRange(begin, end, padding=0)

    def set_y_range(self, low: float, high: float) -> None:
        """Show a range of y (units of the data) and keep it."""
        self.auto_y = False
        self._set_y(low, high, 0.0)

    def _set_y(self, low: float, high: float, padding: float = 0.06) -> None:
        if self.sheet.log_y:
            low, high = log_range(low, high)
        self.box.setYRange(*fitted(low, high, padding), padding=0)

    def set_log(self, *, x: bool | None = None, y: bool | None = None) -> None:
        """Make axes logarithmic or linear, and fit."""
        self.sheet.log_x = self.sheet.log_x if x is None else x
        self.sheet.log_y = self.sheet.log_y if y is None else y
        self.logs_changed.emit(self.sheet.log_x, self.sheet.log_y)
        self.fit()

    def fit(self) -> None:
        """Show everything."""
        self._fit_due = True
        self.auto_y = True
        for curve in self.curves():
            curve.whole, curve.stale = None, True
        self.feed()
        if self.feeder_idle():
            self._fit_now()

    def feeder_idle(self) -> bool:
        """Return whether no curve waits for its first answer."""
        return all(curve.whole is not None for curve in self.curves())

    def _fit_now(self) -> None:
        left = united(layer for layer in self._layers if layer.side is Side.LEFT)
        whole = united(self._layers)
        if whole is None:
            return
        self._fit_due = False
        x_0, x_1 = whole.x_min, whole.x_max
        if self.sheet.log_x:
            x_0, x_1 = log_range(x_0, x_1)
        padding = self.sheet.x_room(x_0, x_1)
        self.box.setXRange(*fitted(x_0, x_1, padding), padding=0)
        if left is not None:
            self._fit_y(x_0, x_1, whole=True)
        self.feed()

    def _fit_axis(self, axis: int | None) -> None:
        if axis == 1:
            self.auto_y = True
            self._fit_y(*self.x_range())
        else:
            self.fit()
        self._by_hand(axis in (None, 0), False)

    def _fit_y(self, begin: float, end: float, *, whole: bool = False) -> None:
        """Fit y to what is visible; the right axis always fits itself."""
        for side in Side:
            lows, highs = [], []
            for layer in self._layers:
                if layer.side is side and layer.visible:
                    known = layer.bounds() if whole else None
                    found = (known.y_min, known.y_max) if known else layer.y_bounds(begin, end)
                    if found is not None:
                        lows.append(found[0])
                        highs.append(found[1])
            if not lows:
                continue
            if side is Side.RIGHT:
                self.sheet.right_range = fitted(min(lows), max(highs), 0.1)
            elif self.auto_y and (whole or not self._y_serves(min(lows), max(highs))):
                self._set_y(min(lows), max(highs))

    def _y_serves(self, low: float, high: float) -> bool:
        """Return whether the visible range of y shows these values well enough: a plot must not jump at each row."""
        bottom, top = self.box.viewRange()[1]
        if self.sheet.log_y:
            low, high = log_range(low, high)
        return bool(bottom <= low and high <= top and (high - low) >= Y_USED_MIN * (top - bottom))

    def set_follow(self, wanted: bool) -> None:
        """Follow the newest point, or stop."""
        if wanted:
            self.auto_y = True
        changed = wanted != self.follow
        self.follow = wanted
        if wanted:
            self._follow_now()
        self._show_live_button()
        if changed:
            self.follow_changed.emit(wanted)

    def _follow_now(self) -> None:
        ends = [end for curve in self.curves() if curve.live and (end := curve.live_end()) is not None]
        if not ends:
            return
        newest = max(end[0] for end in ends)
        begin, end = self.box.viewRange()[0]
        span = self.live_span or (end - begin)
        if self.sheet.log_x:
            return
        self.box.setXRange(newest - LIVE_SHARE * span, newest + (1 - LIVE_SHARE) * span, padding=0)
        self._fit_due = False

    def _show_live_button(self) -> None:
        wanted = not self.follow and any(curve.live for curve in self.curves())
        self.live_button.setVisible(wanted)
        if wanted:
            self.live_button.adjustSize()
            plot = self.places.plot
            gap = round(self.look.px(8))
            self.live_button.move(
                round(plot.right()) - self.live_button.width() - gap,
                round(plot.bottom()) - self.live_button.height() - gap,
            )

    def _by_hand(self, x_moved: bool, y_moved: bool) -> None:
        """A person moved the range: following stops, y stays where it was put."""
        self._fit_due = False
        if y_moved:
            self.auto_y = False
        if x_moved and self.follow:
            self.set_follow(False)

    # -- data and painting --------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Paint again, and ask for columns where they are wanted; both at the end of this turn of the loop."""
        if self.isVisible():
            if not self._soon.isActive():
                self._soon.start()
            self.paper.update()

    def feed(self) -> None:
        """Ask for columns now; nothing while hidden."""
        if not self.isVisible() and self.feeder.asked:
            return
        if self._fit_due and not self.curves():
            self._fit_now()
        self.feeder.feed(self.curves(), self.canvas())

    def _fed(self) -> None:
        if self._fit_due and self.feeder_idle():
            self._fit_now()
        if self.follow:
            self._follow_now()
        if (self.auto_y and self.curves()) or self.sheet.right_field is not None:
            self._fit_y(*self.x_range())
        if self.cursors.visible:
            self._cursors_moved()
        self._show_live_button()
        self.paper.update()

    def _range_moved(self) -> None:
        (x_0, x_1), (y_0, y_1) = self.box.viewRange()
        self.sheet.x_range, self.sheet.y_range = (x_0, x_1), (y_0, y_1)
        if places_of(self.places.whole, self.sheet, self.look).plot != self.places.plot:
            self._lay_out()  # labels have become wider or narrower than their margin
        self.range_changed.emit(*self.x_range())
        self.refresh()

    def canvas(self) -> Canvas:
        """Return the canvas of the left axis as it is now."""
        ratio = self.viewport().devicePixelRatioF() if self.viewport() is not None else 1.0
        return canvas_of(self.sheet, self.places.plot, self.look, ratio=ratio)

    def draw(self, painter: QPainter) -> None:
        """Draw the plot into the window."""
        ratio = self.viewport().devicePixelRatioF()
        draw_sheet(painter, QRectF(self.paper.rect()), self.sheet, self.look, ratio=ratio)
        if self._ring and self.hasFocus():
            painter.setPen(self.look.pen(self.look.focus, 2.0))
            painter.drawRect(self.places.plot.adjusted(-1, -1, 1, 1))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint, and tell that it was done."""
        super().paintEvent(event)
        self.painted.emit()

    def lay_out(self) -> None:
        """Place the parts anew: a margin has changed."""
        self._lay_out()
        self.refresh()

    def _lay_out(self) -> None:
        self.places: Places = places_of(QRectF(0, 0, self.width(), self.height()), self.sheet, self.look)
        plot, whole = self.places.plot, self.places.whole
        self.box.setGeometry(plot)
        self._areas[0].setGeometry(
            QRectF(plot.left(), plot.bottom(), plot.width(), whole.bottom() - plot.bottom())
        )
        self._areas[1].setGeometry(QRectF(0, plot.top(), plot.left(), plot.height()))
        self._show_live_button()

    # -- cursors ------------------------------------------------------------------------------------------------------

    def show_cursors(self, wanted: bool) -> None:
        """Put cursors A and B at a third and two thirds of the window, or take them away."""
        if wanted and not self.cursors.visible:
            begin, end = self.x_range()
            self.cursors.place(begin + (end - begin) / 3, begin + 2 * (end - begin) / 3)
        self.cursors.visible = wanted

    def _cursor_value(self, x: float) -> float | None:
        curve = self.primary or next((c for c in self.curves() if not c.predicted), None)
        if curve is not None:
            return curve.value_at(x)
        for layer in self._layers:
            value = getattr(layer, "value_at", None)
            if callable(value) and layer.visible:
                found = value(x)
                return float(found) if found is not None else None
        return None

    def _cursors_moved(self) -> None:
        self.paper.update()
        self.cursors_changed.emit(self.cursors.reading() if self.cursors.visible else None)

    def reading_text(self, reading: Reading) -> str:
        """Return the words of a reading in the units of the axes."""
        x_field, y_field = self.sheet.x_field, self.sheet.y_field
        timed = x_field.kind in (FieldKind.DURATION, FieldKind.MOMENT)
        span = span_text if timed else lambda value: f"{value * x_field.factor:.4g} {x_field.unit}".rstrip()
        return reading_text(reading, y_field.unit, y_field.factor, span)

    def _grab(self, at: QPointF, press: bool) -> Callable[[QPointF], None] | None:
        """Return what moves the cursor under the pointer."""
        scene_at = at + self.places.plot.topLeft()
        index = self.cursors.near(self.canvas(), scene_at.x())
        if index is None:
            return None

        def move(to: QPointF) -> None:
            low, high = self.x_range()
            value = self._data_x(to.x())
            self.cursors.move(index, min(max(value, low), high))

        return move

    def _data_x(self, box_px: float) -> float:
        (low, high), _ = self.box.viewRange()
        value = low + box_px / max(1.0, self.places.plot.width()) * (high - low)
        return power(value) if self.sheet.log_x else float(value)

    # -- events -------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what a key means in a plot (R9); others go on to the window."""
        act = act_of(event)
        if act is not None:
            act(self)
        event.setAccepted(act is not None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the parts out anew."""
        super().resizeEvent(event)
        if hasattr(self, "live_button"):
            self.paper.setGeometry(QRectF(0, 0, self.width(), self.height()))
            self._lay_out()
            self.refresh()

    def close(self) -> bool:
        """Close as any widget; pyqtgraph's own ``close`` takes scene and viewport apart under Qt and crashes."""
        return bool(QWidget.close(self))

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while hidden."""
        super().showEvent(event)
        self._lay_out()
        self.feed()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop asking."""
        super().hideEvent(event)
        self._soon.stop()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus ring when the focus came by keys."""
        super().focusInEvent(event)
        self._ring = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self.paper.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the focus ring away."""
        super().focusOutEvent(event)
        self.paper.update()

    def changeEvent(self, event: QEvent) -> None:
        """Say the few own words in another language."""
        if event.type() == QEvent.Type.LanguageChange and hasattr(self, "live_button"):
            self.live_button.setText(tr("plots", "live >"))
            self.paper.update()
        super().changeEvent(event)
