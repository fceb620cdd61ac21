"""The card of plots: which plot, what on x, logarithms, prediction, following; the plots below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QSizePolicy, QStackedWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.card import Card
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.fields import ChoiceBox
from labctl.gui.parts.labels import Line
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.why import TOOLTIP, set_why
from labctl.gui.parts.wrapping import Wrapping
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.look import PlotLook, look_of
from labctl.gui.plots.menu import CurveEntry, PlotMenu
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.plotchoice import (
    AXES,
    AXIS_WORDS,
    SWEEP_TABS,
    TAB_WORDS,
    TIME_TABS,
    Axis,
    Chosen,
    Tab,
)
from labctl.gui.viewmodels.predicted import Standing
from labctl.gui.views.channel.cycleplot import CyclePlot
from labctl.gui.views.channel.models import ChannelModels
from labctl.gui.views.channel.sweepplots import SweepPlots
from labctl.gui.views.channel.timeplots import TimePlots


def look_now() -> PlotLook:
    """Return the look of plots in the present theme and scale."""
    return look_of(theme().tokens, unit=theme().scale)


class PlotsPanel(Card):
    """All plots of the channel. ``do`` takes edits; ``export_asked`` is Ctrl+E or the menu."""

    export_asked = Signal()

    def __init__(
        self, models: ChannelModels, do: Callable[[Edit | None], None], executor: Executor | None
    ) -> None:
        super().__init__(inset=0)
        self._models, self._do = models, do
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        look = look_now()
        self.tabs = Segment("")
        self.axis = ChoiceBox("x")
        self.log_x, self.log_y = Chip("log x", checkable=True), Chip("log y", checkable=True)
        self.predict, self.follow = Chip(checkable=True), Chip(checkable=True)
        self.time = TimePlots(models.timeline, look, executor)
        self.small, self.large = CyclePlot(look, executor), CyclePlot(look, executor)
        self.time.put_below(self.small)
        self.sweeps = SweepPlots(models.sweeps, models.choice, models.channel.cell, do, look, executor)
        self.pages = QStackedWidget()
        for page in (self.time, self.large, self.sweeps):
            self.pages.addWidget(page)
        self._lay_out()
        self._wire()
        self._menus = [
            PlotMenu(frame, export=self.export_asked.emit, curves=self._entries, change=self._change)
            for frame in self.frames()
        ]
        self.retranslate()

    def _lay_out(self) -> None:
        bar = Wrapping((self.tabs, self.axis, self.log_x, self.log_y, self.predict, self.follow),
                       spared=(self.log_x, self.log_y))  # fmt: skip
        self.body.addWidget(bar)
        self.body.addWidget(Line())
        self.body.addWidget(self.pages, 1)
        self.body.setSpacing(0)

    def _wire(self) -> None:
        choice = self._models.choice
        self.tabs.chosen.connect(lambda key: self._do(choice.show_tab(Tab(key))))
        self.axis.chosen.connect(lambda key: self._do(choice.show_axis(Axis(key))))
        for chip in (self.log_x, self.log_y):
            chip.clicked.connect(
                lambda: self._do(choice.show_logs(self.log_x.isChecked(), self.log_y.isChecked()))
            )
        self.predict.clicked.connect(lambda: self._do(choice.show_predicted(self.predict.isChecked())))
        self.follow.clicked.connect(lambda: self.time.main.set_follow(self.follow.isChecked()))
        self.time.follow_changed.connect(self.follow.setChecked)
        for frame in self.frames():
            frame.logs_changed.connect(self._logs_by_key)
            frame.overlay_asked.connect(self.ask_overlay)
        choice.watch(self._chosen)
        self._models.prediction.watch(self._show_prediction)
        self._models.watch_figure(self._show_cycles)
        theme().changed.connect(self.restyle)

    # -- what is shown ----------------------------------------------------------------------------------------------

    def frames(self) -> tuple[PlotFrame, ...]:
        """Return every plot that has axes, strip left out."""
        return (self.time.main, self.small, self.large, self.sweeps.frame)

    def shown_frames(self) -> tuple[PlotFrame, ...]:
        """Return the plots that are exported now."""
        tab = self._models.choice.now.tab
        if tab in SWEEP_TABS:
            return (self.sweeps.frame,)
        return (self.time.main,) if tab in TIME_TABS else (self.large,)

    def _chosen(self, before: Chosen) -> None:
        now = self._models.choice.now
        self.show_choice()
        if (now.log_x, now.log_y) != (before.log_x, before.log_y) or now.tab is not before.tab:
            self._put_logs()

    def _put_logs(self) -> None:
        now = self._models.choice.now
        for frame in self.shown_frames():
            if (frame.sheet.log_x, frame.sheet.log_y) != (now.log_x, now.log_y):
                frame.set_log(x=now.log_x, y=now.log_y)

    def _logs_by_key(self, log_x: bool, log_y: bool) -> None:
        now = self._models.choice.now
        if (log_x, log_y) != (now.log_x, now.log_y) and self.sender() in self.shown_frames():
            self._do(self._models.choice.show_logs(log_x, log_y))

    def show_choice(self) -> None:
        """Show which plot and axes are chosen."""
        now = self._models.choice.now
        self.tabs.choose(now.tab.value)
        words = [(axis.value, tr("plotchoice", AXIS_WORDS[axis])) for axis in AXES[now.tab]]
        self.axis.show_choices(words)
        self.axis.choose(now.axis.value)
        self.log_x.setChecked(now.log_x)
        self.log_y.setChecked(now.log_y)
        timed = now.tab in TIME_TABS
        page = self.time if timed else self.large if now.tab is Tab.CYCLES else self.sweeps
        self.pages.setCurrentWidget(page)
        for chip in (self.predict, self.follow):
            chip.setVisible(timed)
        self._show_prediction()

    def _show_prediction(self) -> None:
        prediction = self._models.prediction
        waits = prediction.state is Standing.PENDING
        word = tr("channel", "predicted …") if waits else tr("channel", "predicted")
        self.predict.show_words(word)
        self.predict.setChecked(self._models.choice.now.predicted and prediction.state is Standing.THERE)
        reason = tr("channel", "The prediction is being made.") if waits else prediction.why
        if not reason and prediction.state is Standing.NONE:
            reason = tr("channel", "Nothing runs here: there is nothing to predict.")
        self.predict.setProperty(TOOLTIP, prediction.told)
        set_why(self.predict, reason)

    def _show_cycles(self) -> None:
        figure = self._models.figure()
        for plot in (self.small, self.large):
            plot.show_figure(figure)
        if not len(figure.x):
            self.small.set_words(note=tr("channel", "The first cycle is not closed yet."))
            self.large.set_words(note=tr("channel", "The first cycle is not closed yet."))
        else:
            self.small.set_words(note="")
            self.large.set_words(note="")

    # -- curves -----------------------------------------------------------------------------------------------------

    def _entries(self) -> Sequence[CurveEntry]:
        choice = self._models.choice
        if choice.now.tab not in SWEEP_TABS:
            return ()
        found = []
        for cycle in choice.listed(self._models.sweeps.last).cycles:
            curve = choice.curve(str(cycle))
            name = curve.name or tr("channel", "cycle {n}").format(n=cycle)
            found.append(CurveEntry(str(cycle), name, curve.hidden, curve.pinned))
        return found

    def _change(self, key: str, word: str, value: object) -> None:
        self._do(self._models.choice.change_curve(key, **{word: value}))

    def ask_overlay(self) -> None:
        """Show the overlay with the keyboard in its list (key V)."""
        if self._models.choice.now.tab not in SWEEP_TABS:
            self._do(self._models.choice.show_tab(Tab.OVERLAY))
        self.sweeps.ask_list()

    # -- words and looks --------------------------------------------------------------------------------------------

    def restyle(self) -> None:
        """Follow theme and scale."""
        look = look_now()
        self.time.set_look(look)
        for plot in (self.small, self.large):
            plot.set_look(look)
        self.sweeps.set_look(look)
        self._show_cycles()

    def retranslate(self) -> None:
        """Take every word anew."""
        self.setAccessibleName(tr("channel", "Plots"))
        self.tabs.setAccessibleName(tr("channel", "Plot"))
        self.tabs.show_choices([Choice(tab.value, tr("plotchoice", TAB_WORDS[tab])) for tab in Tab])
        self.axis.setAccessibleName(tr("channel", "What stands on x"))
        self.log_x.setToolTip(tr("channel", "Logarithmic x (X in the plot)"))
        self.log_y.setToolTip(tr("channel", "Logarithmic y (L in the plot)"))
        self.follow.show_words(tr("channel", "follow live"))
        self.follow.setToolTip(tr("channel", "Keep the newest point in view (R in the plot)"))
        self.show_choice()
        self._show_cycles()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange and hasattr(self, "_menus"):
            self.retranslate()
