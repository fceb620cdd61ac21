"""The right column: steps, limits with their room, events of the run, and the way to its raw frames."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, Signal
from PySide6.QtWidgets import QSizePolicy

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.labels import Label
from labctl.gui.parts.rows import RIGHT, Field, Head
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.sidelist import SideTable, Sign, Small
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.events import KIND_WORDS, Kind
from labctl.gui.views.channel.models import ChannelModels

STEP_PX, LIMIT_PX, EVENT_PX = 28, 26, 28
STEPS_SHOWN, STEPS_LEAST = 7, 3
LIMITS_SHOWN = 6
KINDS = (Kind.ALL, Kind.MINE, Kind.FAULTS)


class StepsCard(Card):
    """The program: what is done, now and next."""

    def __init__(self, models: ChannelModels) -> None:
        super().__init__(tr("channel", "Steps"), inset=0)
        self.note.setAlignment(RIGHT)
        self._models = models
        self.table = SideTable(tr("channel", "Steps"), row_px=STEP_PX, headed=False)
        self.nothing = Label("", tone="muted")
        self.nothing.setContentsMargins(16, 8, 16, 8)
        self.body.put(self.nothing, self.table)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._now = -1
        self.retranslate()
        models.channel.watch(self.refresh)

    def refresh(self) -> None:
        """Show the steps and where the run is; the list moves only when the step does."""
        model = self._models.channel
        steps = model.steps()
        self.set_title(tr("channel", "Steps"), model.head().revision)
        rows, now = [], -1
        for at, step in enumerate(steps):
            line, strong = step.line, step.state == tr("channel", "now")
            now = at if strong else now
            name, _, count = line.name.partition(" × ")
            rows.append((
                Small(str(line.number), tone="muted"),
                Sign(name, strong=strong, glyph=line.glyph, token=line.token, indent=line.depth,
                     why=line.sentence),
                Small(f"× {count}" if count else line.set_text, strong=strong, why=line.sentence),
                Small(line.until, tone="" if strong else "muted", why=line.sentence or line.until),
                Small(step.state, strong=strong, tone="" if strong else "muted"),
            ))  # fmt: skip
        self.table.rows.show(rows)
        self.table.setVisible(bool(rows))
        self.nothing.setVisible(not rows)
        self.nothing.setText(tr("channel", "Nothing runs in this channel.") if not model.run_id
                             else str(model.trouble or tr("channel", "loading …")))  # fmt: skip
        shown = min(max(len(rows), STEPS_LEAST), STEPS_SHOWN)
        self.table.setFixedHeight(self.table.height_for(shown))
        if now != self._now and now >= 0:
            self._now = now
            self.table.selectRow(now)
            self.table.scrollTo(self.table.rows.index(now, 0), self.table.ScrollHint.PositionAtCenter)

    def retranslate(self) -> None:
        """Take every word anew."""
        self.table.setAccessibleName(tr("channel", "Steps"))
        self.table.show_heads((Head("n", "#", 26), Head("name", tr("channel", "step"), 94),
                               Head("set", tr("channel", "set"), 82, right=True),
                               Head("until", tr("channel", "until"), 98),
                               Head("state", "", 40, right=True)))  # fmt: skip
        self.refresh()


class LimitsCard(Card):
    """The limits that bind now, tightest layer first told, with the room that is left."""

    def __init__(self, models: ChannelModels) -> None:
        super().__init__(tr("channel", "Limits"), inset=0)
        self.note.setAlignment(RIGHT)
        self._models = models
        self.table = SideTable(tr("channel", "Limits"), row_px=LIMIT_PX, headed=True)
        self.nothing = Label("", tone="muted", wrap=True)
        self.nothing.setContentsMargins(16, 8, 16, 8)
        self.body.put(self.nothing, self.table)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.retranslate()
        models.limits.watch(self.refresh)

    def refresh(self) -> None:
        """Show the limits."""
        limits = self._models.limits.rows()
        trouble = self._models.limits.trouble
        self.setVisible(bool(limits) or trouble is not None)
        self.nothing.setVisible(not limits)
        self.nothing.setText("" if trouble is None else str(trouble))
        rows = []
        for limit in limits:
            used = tr("channel", "{share:.0f} % of the way to the limit").format(share=100 * limit.used)
            why = " · ".join(part for part in (limit.told, used if limit.used == limit.used else "") if part)
            rows.append((
                Field(limit.name, strong=limit.tightest, why=why), Small(limit.now, why=why),
                Small(limit.limit, tone="muted", why=why), Small(limit.layer, tone="muted", why=why),
                Sign("", share=limit.used, tight=limit.tightest, why=why),
            ))  # fmt: skip
        self.table.setVisible(bool(rows))
        self.table.rows.show(rows)
        self.table.setFixedHeight(self.table.height_for(min(max(1, len(rows)), LIMITS_SHOWN)))

    def retranslate(self) -> None:
        """Take every word anew."""
        self.set_title(tr("channel", "Limits"), tr("channel", "tightest layer shown"))
        self.table.setAccessibleName(tr("channel", "Limits"))
        self.table.show_heads((
            Head("name", tr("channel", "quantity"), 92), Head("now", tr("channel", "now"), 80, right=True),
            Head("limit", tr("channel", "limit"), 80, right=True), Head("layer", tr("channel", "layer"), 46),
            Head("room", tr("channel", "room"), 60),
        ))  # fmt: skip
        self.refresh()


class EventsCard(Card):
    """What happened in the run; a click shows the plot at that moment."""

    moment_asked = Signal(float)
    frames_asked = Signal()

    def __init__(self, models: ChannelModels) -> None:
        super().__init__(tr("channel", "Events of this run"), inset=0)
        self._models = models
        self.kinds = Segment(tr("channel", "Which events"), height_px=28)
        self.head.addWidget(self.kinds)
        self.table = SideTable(tr("channel", "Events of this run"), row_px=EVENT_PX, headed=False)
        self.table.setMinimumHeight(self.table.height_for(3))
        self.raw = Button("", icon="chevron-right", rank=Rank.QUIET)
        self.body.setSpacing(0)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self.raw)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.kinds.chosen.connect(lambda key: models.events.choose(Kind(key)))
        self.table.clicked.connect(self._go)
        self.table.opened.connect(self._go)
        self.raw.clicked.connect(self.frames_asked)
        self.retranslate()
        models.events.watch(self.refresh)

    def refresh(self) -> None:
        """Show the events, newest first."""
        rows, keys = [], []
        for at, event in enumerate(self._models.events.rows()):
            by = f" · {event.by}" if event.by else ""
            rows.append((Small(event.time, tone="muted"), Sign("", icon=event.icon),
                         Field(event.what, why=f"{event.what}{by}")))  # fmt: skip
            keys.append(f"{event.utc} {event.what} {at if not event.utc else ''}")
        self.table.rows.show(rows, keys)

    def _go(self, index: QModelIndex) -> None:
        events = self._models.events.rows()
        if 0 <= index.row() < len(events):
            time_s = self._models.events.test_time_s(events[index.row()].utc)
            if time_s is not None:
                self.moment_asked.emit(time_s)

    def retranslate(self) -> None:
        """Take every word anew."""
        self.set_title(tr("channel", "Events of this run"))
        self.table.setAccessibleName(tr("channel", "Events of this run"))
        self.kinds.setAccessibleName(tr("channel", "Which events"))
        self.kinds.show_choices([Choice(kind.value, tr("events", KIND_WORDS[kind])) for kind in KINDS])
        self.raw.setText(tr("channel", "raw last frame"))
        self.table.show_heads((Head("time", "", 88), Head("icon", "", 28), Head("what", "", 200)))
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the style: the smallest height is in rows."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "table"):
            self.table.setMinimumHeight(self.table.height_for(3) if theme().scale < 1.6 else 0)
