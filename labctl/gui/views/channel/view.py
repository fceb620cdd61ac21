"""The channel view: head, read-outs, plots, side column, action bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence, QResizeEvent, QShortcut

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.empty import Empty
from labctl.gui.parts.layouts import Row
from labctl.gui.parts.side import SidePage
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.plots.figure import FigureStyle, save_figure
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.places import cabinet, natural
from labctl.gui.viewmodels.plotchoice import TAB_WORDS, Tab
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.views.channel.actions import ChannelActions
from labctl.gui.views.channel.dialogs import Export
from labctl.gui.views.channel.head import HeadChips, Readouts
from labctl.gui.views.channel.models import ChannelModels
from labctl.gui.views.channel.panel import PlotsPanel
from labctl.gui.views.channel.side import EventsCard, LimitsCard, StepsCard

TICK_MS = 500
"""Ages are counted at 2 Hz while the view is seen."""


class ChannelView(View):
    """One channel. Opened on its name; without one it shows what is selected, else the first that runs."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.models = ChannelModels(context)
        self._selection: Selection = context.share("selection", Selection)
        self._seen, self._wanted_s = False, None
        arrows = Row(gap=0)
        row = self.head.layout()
        if isinstance(row, Row):
            row.insertLayout(0, arrows)
        self.chips = HeadChips(arrows, self.head_left, self.head_right)
        self.readouts = Readouts()
        self.plots = PlotsPanel(self.models, self.undo.do, getattr(context.bridge, "executor", None))
        self.steps, self.limits = StepsCard(self.models), LimitsCard(self.models)
        self.events = EventsCard(self.models)
        self.side = SidePage()
        self.side.main.addWidget(self.plots, 1)
        self.side.side.put(self.steps, self.limits)
        self.side.side.addWidget(self.events, 1)
        self.empty = Empty(ghosts=True)
        self.page.addWidget(self.empty)
        self.page.addWidget(self.readouts)
        self.page.addWidget(self.side, 1)
        self.actions_ = ChannelActions(self, self.bar, context, self.models, self.take_snapshot)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._age)
        self._wire()

    def _wire(self) -> None:
        models = self.models
        models.channel.watch(self.refresh)
        models.watch_run(lambda run_id: self._follow())
        self._unwatch = self.context.lab.watch({"channel", "link"}, lambda places: self._choose_one())
        self.plots.export_asked.connect(self.ask_export)
        self.events.moment_asked.connect(self.go_to_moment)
        self.events.frames_asked.connect(lambda: self.context.go("frames", models.channel.channel))
        self.chips.before.clicked.connect(lambda: self.step(-1))
        self.chips.after.clicked.connect(lambda: self.step(1))
        self.chips.protocol.clicked.connect(self._open_protocol)
        for keys, act in (("Ctrl+E", self.ask_export), ("Alt+Up", lambda: self.step(-1)),
                          ("Alt+Down", lambda: self.step(1))):  # fmt: skip
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
        self.destroyed.connect(models.close)

    # -- which channel ----------------------------------------------------------------------------------------------

    def open_on(self, target: Any) -> None:
        """Show a channel by its name, or a moment: (channel, ISO time)."""
        channel, moment = target if isinstance(target, tuple) else (target, "")
        if isinstance(channel, str) and channel:
            self.models.show(channel)
            self.refresh()
            if moment:
                time_s = self.models.events.test_time_s(str(moment))
                QTimer.singleShot(0, self, lambda: None if time_s is None else self.go_to_moment(time_s))

    def _choose_one(self) -> None:
        """Show a channel where none is shown yet: selected, else the first that runs, else the first."""
        known = self.context.lab.channels
        if self.models.channel.channel or not known or not self._seen:
            return
        chosen = [name for name in self._selection.channels if name in known]
        order = sorted(known, key=natural)
        running = [name for name in order if known[name].run_id]
        self.open_on((chosen or running or order)[0])

    def step(self, by: int) -> None:
        """Show the channel before or after this one."""
        order = sorted(self.context.lab.channels, key=natural)
        if not order:
            return
        now = self.models.channel.channel
        at = (order.index(now) + by) % len(order) if now in order else 0
        self.open_on(order[at])

    def _open_protocol(self) -> None:
        status = self.models.channel.status
        if status is not None and status.protocol:
            self.context.go("protocol", status.protocol)

    # -- life -------------------------------------------------------------------------------------------------------

    def shown(self) -> None:
        """Follow the run's rows, count ages."""
        self._seen = True
        self._choose_one()
        self._tick.start()
        self._follow()
        self.refresh()

    def hidden(self) -> None:
        """Follow nothing: what was missed is fetched when it is shown again."""
        self._seen = False
        self._tick.stop()
        self._follow()

    def _follow(self) -> None:
        run_id = self.models.run_id if self._seen else ""
        self.context.bridge.follow(self, [run_id] if run_id else [])

    def _age(self) -> None:
        for model in (self.models.cycles, self.models.limits, self.models.prediction):
            model.refresh()
        self.readouts.refresh(self.models.channel)
        self.actions_.refresh()

    # -- what is shown ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show head, read-outs and acts anew; plots and lists watch their own models."""
        known = self.models.channel.status is not None
        self.empty.setVisible(not known)
        for part in (self.readouts, self.side):
            part.setVisible(known)
        title, facts = self.chips.refresh(self.models.channel)
        self.title.setText(title if known else self.spec.name)
        self.subtitle.setText(facts if known else "")
        if not known:
            self._say_empty()
        self.readouts.refresh(self.models.channel)
        self.actions_.refresh()
        self.title_changed.emit(self.title.text())

    def _say_empty(self) -> None:
        if not self.context.lab.link.live:
            self.empty.say(
                tr("channel", "No station answers"), tr("channel", "The channel is shown when it does.")
            )
        elif self.context.lab.channels:
            self.empty.say(tr("channel", "No channel is chosen"), tr("channel", "Open one from the station."))
        else:
            told = tr("channel", "Connect an instrument, or try the virtual bench.")
            self.empty.say(tr("channel", "This station has no channels"), told)

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.chips.retranslate()
        self.side.name_parts(tr("channel", "Plots"), tr("channel", "Steps, limits, events"))
        for card in (self.steps, self.limits, self.events):
            card.retranslate()
        self.actions_.retranslate()
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the width: chips that have no room are left out."""
        super().resizeEvent(event)
        self.chips.fit(self.width() / theme().scale)

    # -- acts of the view -------------------------------------------------------------------------------------------

    def go_to_moment(self, time_s: float) -> None:
        """Show the plot at a moment of the run."""
        if self.models.choice.now.tab not in (Tab.VOLTAGE, Tab.CURRENT):
            self.undo.do(self.models.choice.show_tab(Tab.VOLTAGE))
        self.plots.time.go_to(time_s)

    def ask_export(self) -> None:
        """Ask where the figure goes."""
        if self.models.channel.status is None:
            self.context.say(tr("channel", "No channel is shown."))
            return
        head, tab = self.models.channel.head(), self.models.choice.now.tab
        plain = "".join(letter if letter.isalnum() else "-" for letter in tab.value.lower()).strip("-")
        Export(f"{head.label}-{head.cell}-{plain}", self.export, self.window()).open()

    def export(self, path: Path, style: FigureStyle) -> None:
        """Write the plots that are shown."""
        try:
            made = save_figure(path, [frame.sheet for frame in self.plots.shown_frames()], style)
        except OSError as error:
            what = tr("channel", "The figure was not written.")
            self.context.trouble(Trouble(what, str(error), tr("channel", "Choose another folder.")))
            return
        self.context.say(tr("channel", "Written: {files}").format(files=", ".join(one.name for one in made)))

    def take_snapshot(self) -> None:
        """Put a picture of the view on the clipboard, and what it says into the run as a note."""
        QGuiApplication.clipboard().setPixmap(self.grab())
        told = "; ".join(
            f"{one.title} {one.value} {one.unit}".strip() for one in self.models.channel.readouts()[:3]
        )
        if self.models.run_id and not self.models.channel.buttons().get("runs.note"):
            self.actions_.write_note(tr("channel", "Snapshot: {values}").format(values=told))
        self.context.say(tr("channel", "A picture of the view is on the clipboard."))

    def commands(self) -> list[Command]:
        """Return what the palette offers: plots, acts, channels."""
        group, choice = tr("channel", "Channel"), self.models.choice
        found = [
            Command(tr("channel", "Plot {name}").format(name=tr("plotchoice", TAB_WORDS[tab])),
                    lambda tab=tab: self.undo.do(choice.show_tab(tab)), "", group)  # type: ignore[misc]
            for tab in Tab
        ]  # fmt: skip
        found.append(Command(tr("channel", "Export the plot"), self.ask_export, "Ctrl+E", group))
        labels = cabinet(self.context.lab.channels)
        for name, status in self.context.lab.channels.items():
            text = tr("channel", "Show {label} {cell}").format(
                label=labels.label(name), cell=status.cell_name
            )
            found.append(Command(text.strip(), lambda name=name: self.open_on(name), "", group))  # type: ignore[misc]
        return [*self.actions_.commands(), *found]

    def search(self) -> None:
        """Put the keyboard into the list of cycles."""
        self.plots.ask_overlay()

    def save_state(self) -> dict[str, Any]:
        """Keep the plot and the channel."""
        return {"plots": self.models.choice.save(), "channel": self.models.channel.channel}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take what was kept."""
        plots = state.get("plots")
        if isinstance(plots, dict):
            self.models.choice.restore(plots)
        channel = state.get("channel")
        if isinstance(channel, str) and channel and not self.models.channel.channel:
            self.open_on(channel)
