"""V-t and I-t: the whole run in a strip, the window of it that is looked at, and the cycles below."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QSize, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.layouts import Column
from labctl.gui.plots import fields
from labctl.gui.plots.band import StepBand, StepBox
from labctl.gui.plots.cursors import Reading
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.data import ArrayTrace, Trace
from labctl.gui.plots.fields import Field
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.layer import Layer, LegendEntry
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.marks import LimitLine, LineKind, Mark
from labctl.gui.plots.sheet import align
from labctl.gui.plots.strip import RunStrip
from labctl.gui.plots.words import span_text
from labctl.gui.viewmodels.text import quantity
from labctl.gui.viewmodels.timeline import Line, Timeline

STRIP_PX = 96
LOW_PX, LOWEST_PX = 380, 240
REST_MS = 150
"""The rows behind a window are asked for once it has stood still so long."""


@dataclass(slots=True)
class _Parts:
    """The curves of the run that is shown."""

    strip: EnvelopeCurve
    main: EnvelopeCurve
    predicted: EnvelopeCurve | None = None


class _Nothing:
    """A trace before there is a run."""

    def columns(self, begin: float, end: float, width_px: int) -> object:
        """Return no columns."""
        from labctl.gui.plots.data import no_columns

        return no_columns()


class _Sign(Layer):
    """An entry of the legend for marks that a curve draws itself."""

    def __init__(self, marker: str, *, filled: bool = True, muted: bool = False) -> None:
        super().__init__()
        self._marker, self._filled, self._muted = marker, filled, muted

    def legend(self, look: PlotLook) -> LegendEntry | None:
        """Return the mark with its word."""
        colour = look.muted if self._muted else look.curve_colour(0)
        return LegendEntry(self.name, colour, marker=self._marker, filled=self._filled) if self.name else None


class TimePlots(QWidget):
    """Strip and main plot of one run over time. ``put_below`` adds the plot of the cycles."""

    follow_changed = Signal(bool)

    def __init__(self, model: Timeline, look: PlotLook, executor: Executor | None) -> None:
        super().__init__()
        self._model = model
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        none: Trace = _Nothing()  # type: ignore[assignment]  # its columns are an envelope of nothing
        self._curves = _Parts(EnvelopeCurve(none), EnvelopeCurve(none, live=True, live_text=self._now_text))
        self.strip = RunStrip(self._curves.strip, look, executor=executor, name=tr("channel", "Whole run"))
        self.strip.setFixedHeight(round(look.px(STRIP_PX)))
        self.main = PlotFrame(fields.test_time(), fields.voltage(), look, header=True, executor=executor)
        self.main.setMinimumHeight(100)
        self.main.add(self._curves.main)
        self._lines: list[Layer] = []
        self._now = Mark(0.0, LineKind.NOW)
        self._now.visible = False
        self.main.add(self._now)
        self._column = Column(self, gap=0)
        self._column.addWidget(self.strip)
        self._column.addWidget(self.main, 3)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._window_rests)
        self._wire()
        self._shown: tuple[object, ...] = ()
        self._unit: tuple[str, float] = ("", 1.0)
        self._below: PlotFrame | None = None
        self._aligning = QTimer(self)
        self._aligning.setSingleShot(True)
        self._aligning.setInterval(0)
        self._aligning.timeout.connect(self.align)
        self._signs = (_Sign("o", filled=False), _Sign("x", muted=True))
        self.main.add(*self._signs)
        self.main.sheet.legend = self.main.sheet.legend_beside = True

    def _wire(self) -> None:
        self.strip.window_changed.connect(self._strip_moved)
        self.main.range_changed.connect(self._main_moved)
        self.main.follow_changed.connect(self.follow_changed)
        self.main.cursors_changed.connect(self._show_reading)
        self.main.feeder.fed.connect(self._show_live)
        self._model.watch(self.show_model)
        self._model.watch_rows(self._more)

    def put_below(self, plot: PlotFrame) -> None:
        """Put a plot below that keeps its share of the height."""
        self._column.addWidget(plot, 2)
        self._below = plot

    def set_look(self, look: PlotLook) -> None:
        """Follow theme and scale."""
        self.strip.setFixedHeight(round(look.px(STRIP_PX)))
        for plot in (self.strip, self.main):
            plot.set_look(look)

    def minimumSizeHint(self) -> QSize:
        """Return the room of the main plot: strip and what is below are left out where there is no more."""
        least: QSize = self.main.minimumSizeHint().expandedTo(self.main.minimumSize())
        return least

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what is below, then the strip, where there is no height for all: the plot itself stays readable."""
        super().resizeEvent(event)
        unit = self.main.look.unit
        if self._below is not None:
            self._below.setVisible(self.height() >= LOW_PX * unit)
        self.strip.setVisible(self.height() >= LOWEST_PX * unit)

    # -- what is shown ----------------------------------------------------------------------------------------------

    def show_model(self) -> None:
        """Show another run, another quantity, another axis; nothing is thrown away that stays the same."""
        model = self._model
        shown = (model.run_id, model.quantity, model.axis, model.version)
        if shown != self._shown:
            whole_new = self._shown[:3] != shown[:3]
            self._shown = shown
            self._curves.strip.set_trace(model.strip_trace())
            self._curves.main.set_trace(model.trace())
            self._curves.main.name = tr("channel", "measured")
            if whole_new:
                self.retranslate()
                self._start()
        if model.unit != self._unit:  # the program, which tells the greatest current, comes after the run
            self.retranslate()
        self._show_cycles()
        self._show_lines()
        self._show_predicted()
        self._show_band()

    def _start(self) -> None:
        self.main.live_span = self._model.live_span()
        self._show_whole()
        self.main.auto_y = True
        if self._model.live:
            self.main._fit_due = False
            low, high = self._model.live_window()
            self.main.set_x_range(low, high)
            self.main.set_follow(True)
        else:
            self.main.set_follow(False)
            self.main.fit()

    def _more(self) -> None:
        for curve in (self._curves.strip, self._curves.main):
            curve.data_changed()
        self._show_whole()
        self._show_live()

    def _show_whole(self) -> None:
        """Let the strip go from the first row to the newest, with some room behind it."""
        begin, end = self._model.whole()
        room = 0.02 * (end - begin)
        low, high = self.strip.x_range()
        if not low <= begin <= end <= high or (high - low) > 1.1 * (end - begin):
            self.strip.set_x_range(begin - 0.25 * room, end + 2 * room)
        self.strip.set_words(title=self._model.strip_title(), note=self._model.strip_note())

    def _show_live(self) -> None:
        end = self._curves.main.live_end()
        live = self._model.live and end is not None
        self._curves.main.live = live
        self._now.visible = live
        if live and end is not None:
            self._now.move(end[0])
        wanted = self._model.live_span()
        if self.main.follow and wanted and abs(wanted - (self.main.live_span or 0.0)) > 0.2 * wanted:
            self.main.live_span = wanted

    def _show_cycles(self) -> None:
        begin, end, low, high = self._model.cycle_ends()
        self.strip.set_cycles(begin, end, low, high)

    def _show_lines(self) -> None:
        wanted = [self._made(line) for line in self._model.lines()]
        self.main.remove(*self._lines)
        self._lines = wanted
        self.main.add(*wanted)

    @staticmethod
    def _made(line: Line) -> Layer:
        kind = LineKind.TRIP if line.trip else LineKind.STEP_END
        return LimitLine(line.value, kind, line.text, fit=line.fit)

    def _show_predicted(self) -> None:
        found = self._model.predicted()
        if found is None:
            if self._curves.predicted is not None:
                self.main.remove(self._curves.predicted)
                self._curves.predicted = None
            return
        trace = ArrayTrace(*found)
        if self._curves.predicted is None:
            self._curves.predicted = EnvelopeCurve(trace, name=tr("channel", "predicted"), predicted=True)
            self.main.add(self._curves.predicted)
        else:
            self._curves.predicted.set_trace(trace)

    def _show_band(self) -> None:
        spans = self._model.band()
        self.main.set_band(StepBand([StepBox(*span) for span in spans]) if self._model.banded else None)
        self._curves.main.set_bad(*self._model.bad())

    def align(self) -> None:
        """Give strip, plot and what lies below one left margin."""
        frames = [self.strip, self.main, *([self._below] if self._below is not None else [])]
        sheets = [(frame.places.whole, frame.sheet) for frame in frames]
        if align(sheets, self.main.look):
            for frame in frames:
                frame.lay_out()

    # -- moving -----------------------------------------------------------------------------------------------------

    def _strip_moved(self, begin: float, end: float) -> None:
        self.main.set_follow(False)
        self.main.auto_y = True
        self.main.set_x_range(begin, end)

    def _main_moved(self, begin: float, end: float) -> None:
        self.strip.set_window(begin, end)
        self.main.set_words(title=self._window_words(begin, end))
        self._rest.start()
        self._aligning.start()

    def _window_rests(self) -> None:
        self._model.look_at(*self.main.x_range())

    def go_to(self, time_s: float) -> None:
        """Show a moment, in the middle, as wide as the window is now."""
        place = self._model.place(time_s)
        begin, end = self.main.x_range()
        half = (end - begin) / 2
        self.main.set_follow(False)
        self.main.auto_y = True
        self.main.set_x_range(place - half, place + half)

    def _window_words(self, begin: float, end: float) -> str:
        if self.main.follow and self._model.cycles_followed:
            return tr("channel", "last {n} cycles").format(n=self._model.cycles_followed)
        if not self._model.timed:
            return tr("channel", "cycles {a:.1f} to {b:.1f}").format(a=begin, b=end)
        return tr("channel", "{span} of the run").format(span=span_text(end - begin))

    def _show_reading(self, reading: Reading | None) -> None:
        self.main.set_words(note="" if reading is None else self.main.reading_text(reading))

    def _now_text(self, value: float) -> str:
        return tr("channel", "now {value}").format(value=quantity(value, self._model.base_unit))

    # -- words ------------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        model = self._model
        self._unit = unit, factor = model.unit
        word = tr("channel", "current") if model.base_unit == "A" else tr("channel", "voltage")
        y_field = Field(word, unit, factor)
        x_field = fields.test_time(tr("channel", "test time"))
        if not model.timed:
            x_field = Field(tr("channel", "cycle number"))
        self.main.set_fields(x_field, y_field)
        self.strip.set_fields(x_field, y_field)
        self.strip.set_words(title=model.strip_title(), note=model.strip_note())
        self.main.set_words(title=self._window_words(*self.main.x_range()))
        self.main.setAccessibleName(f"{word}, {x_field.quantity}")
        self._curves.main.name = tr("channel", "measured")
        if self._curves.predicted is not None:
            self._curves.predicted.name = tr("channel", "predicted")
        for sign, text in zip(self._signs, (tr("channel", "back-filled"), "BAD"), strict=True):
            sign.name = text
        self.main.paper.update()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange and hasattr(self, "_shown"):
            self.retranslate()

    def frames(self) -> Sequence[PlotFrame]:
        """Return what is exported: the main plot."""
        return (self.main,)

    def measured(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return the places of x of the columns that are drawn, for tests and screen readers."""
        held = self._curves.main.held
        return np.zeros(0) if held is None else np.asarray(held.envelope.x)
