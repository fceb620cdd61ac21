"""The view-models of the channel view, put together: the view connects them, displays them, forwards to them."""

from __future__ import annotations

from collections.abc import Callable

from labctl.gui.parts.view import Context
from labctl.gui.viewmodels.channel import ChannelModel
from labctl.gui.viewmodels.channelacts import ChannelActs
from labctl.gui.viewmodels.cyclefigure import CycleFigure, cycle_figure, life_words
from labctl.gui.viewmodels.figures import CellFigures
from labctl.gui.viewmodels.limitlines import LimitLines
from labctl.gui.viewmodels.plotchoice import PlotChoice
from labctl.gui.viewmodels.predicted import Prediction
from labctl.gui.viewmodels.runcycles import RunCycles
from labctl.gui.viewmodels.runevents import RunEvents
from labctl.gui.viewmodels.sweeps import Sweeps, preferred_axis
from labctl.gui.viewmodels.timeline import Timeline


class ChannelModels:
    """All of one view. ``show`` chooses the channel; ``follow`` keeps to the run that is in it."""

    def __init__(self, context: Context) -> None:
        lab, asks = context.lab, context.asks
        figures: CellFigures = context.share("figures", lambda: CellFigures(lab, asks))
        self.lab = lab
        self.channel = ChannelModel(lab, context.acts, figures)
        self.acts = ChannelActs(lab, context.acts)
        self.choice = PlotChoice()
        self.cycles = RunCycles(lab, asks)
        self.prediction = Prediction(lab, asks)
        self.limits = LimitLines(lab, asks)
        self.timeline = Timeline(
            lab, asks, self.channel, self.cycles, self.choice, self.prediction, self.limits
        )
        self.sweeps = Sweeps(asks, self.cycles, self.choice)
        self.events = RunEvents(lab, asks)
        self._figure_watchers: list[Callable[[], None]] = []
        self._run_watchers: list[Callable[[str], None]] = []
        self._run_id = ""
        self._seen: tuple[object, ...] = ()
        self.cycles.watch(self._tell_figure)
        self.choice.watch(lambda before: self._tell_figure())
        self.prediction.watch(self._tell_figure)
        self.channel.watch(self._channel_changed)

    def close(self) -> None:
        """Watch no more."""
        for model in (
            self.channel,
            self.acts,
            self.cycles,
            self.timeline,
            self.events,
            self.limits,
            self.prediction,
        ):
            model.close()

    def watch_figure(self, observer: Callable[[], None]) -> None:
        """Call ``observer`` when the plot by cycle is another."""
        self._figure_watchers.append(observer)

    def watch_run(self, observer: Callable[[str], None]) -> None:
        """Call ``observer`` with the run that is in the channel now."""
        self._run_watchers.append(observer)

    @property
    def run_id(self) -> str:
        """Return the run that is shown; empty where there is none."""
        return self._run_id

    def show(self, channel: str) -> None:
        """Show a channel."""
        self.channel.show(channel)
        self.limits.show(channel)
        self._channel_changed()

    def figure(self) -> CycleFigure:
        """Return the plot by cycle as it is now."""
        status = self.channel.status
        now, last = (0, 0) if status is None or not self._run_id else (status.cycle, status.cycles)
        predicted = self.prediction if self.choice.now.predicted else None
        return cycle_figure(self.cycles.table, self.channel.cell(), self.choice, now, last, predicted)

    def forecast(self) -> str:
        """Return when the capacity will be at 80 %, in words; empty where nobody can say."""
        figure = self.figure()
        return life_words(figure, self.cycles.table, self.lab.plant_utc)

    def _channel_changed(self) -> None:
        run_id = self.channel.run_id
        if run_id != self._run_id:
            self._run_id = run_id
            self.cycles.show(run_id)
            self.events.show(run_id)
            self.timeline.show(run_id)
            self.prediction.show(run_id)
            for observer in tuple(self._run_watchers):
                observer(run_id)
        status, detail = self.channel.status, self.channel.detail
        seen = (self.channel.cell(), None if status is None else status.cycle, detail)
        if seen != self._seen:
            self._seen = seen
            self.choice.prefer(preferred_axis(self.channel.cell()))
            if detail is not None:
                self.events.take_notes(detail.notes)
            self._tell_figure()
            self.timeline.refresh()

    def _tell_figure(self) -> None:
        for observer in tuple(self._figure_watchers):
            observer()
