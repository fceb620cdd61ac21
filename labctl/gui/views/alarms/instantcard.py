"""The card below the list: the curve around the moment, the message to a phone, the history."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QPlainTextEdit, QScrollArea, QSizePolicy, QStackedWidget, QWidget

from labctl.gui.i18n.translating import mark, tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import ChoiceBox
from labctl.gui.parts.grouprows import Col, GroupedModel
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.table import LIST_PX, Table
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.fields import Field, voltage
from labctl.gui.plots.fields import moment as moment_field
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.look import look_of
from labctl.gui.plots.marks import LineKind, Mark
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.alarmstory import AlarmStory
from labctl.gui.viewmodels.instant import SPAN_WORDS, SPANS_S, InstantModel

MILLIVOLTS_BELOW_V = 0.5
MESSAGE_PX = 128
CURVE, MESSAGE, HISTORY = "curve", "message", "history"
HISTORY_COLUMNS = (
    Col("alarms", mark("alarms", "time"), lambda line: line.when),
    Col("alarms", mark("alarms", "what"), lambda line: line.what, strong=lambda line: True),
    Col("alarms", mark("alarms", "by"), lambda line: line.who),
    Col("alarms", mark("alarms", "comment"), lambda line: line.comment, tone=lambda line: "muted"),
)


class InstantCard(Card):
    """Three pages over one alarm. ``open_asked``: the person wants the whole curve."""

    open_asked = Signal()

    def __init__(
        self, model: InstantModel, story: AlarmStory, executor: Executor | None, chinese: Callable[[], bool]
    ) -> None:
        super().__init__("-", inset=0)
        self.model, self.story, self._chinese = model, story, chinese
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.pages_of = Segment(
            "", [Choice(CURVE, ""), Choice(MESSAGE, ""), Choice(HISTORY, "")], height_px=28
        )
        self.pages_of.chosen.connect(self._turn)
        self.span = ChoiceBox()
        self.span.chosen.connect(lambda key: self.model.set_span(float(key)))
        self.open_button = Button("", icon="chart-line-variant", rank=Rank.QUIET, height_px=28)
        self.open_button.clicked.connect(self.open_asked)
        for widget in (self.pages_of, self.span, self.open_button):
            self.head.addWidget(widget)
        self._build_curve(executor)
        self._build_words()
        self.pages = QStackedWidget()
        for page in (self._curve_page, self._message_page, self._history_page):
            self.pages.addWidget(page)
        self.body.addWidget(self.pages, 1)
        model.watch(self.refresh)
        story.watch(self.refresh)
        theme().changed.connect(self._restyle)

    def _build_curve(self, executor: Executor | None) -> None:
        look = look_of(theme().tokens, unit=theme().scale)
        self.frame_plot = PlotFrame(moment_field(), voltage(), look, executor=executor)
        self.words = Label("", tone="muted", wrap=True)
        self._curve_page = QStackedWidget()
        quiet = QWidget()
        Column(quiet, margins=(16, 16, 16, 16)).put(self.words, None)
        self._curve_page.addWidget(self.frame_plot)
        self._curve_page.addWidget(quiet)
        self._drawn: object = None

    def _build_words(self) -> None:
        self.message = QPlainTextEdit()
        self.message.setReadOnly(True)
        self.sent = Label("", tone="muted", wrap=True)
        self._message_page = QWidget()
        fix_size(self.message, height=MESSAGE_PX)
        Column(self._message_page, margins=(16, 16, 16, 16)).put(self.message, self.sent, None)
        self.lines = GroupedModel(HISTORY_COLUMNS, lambda line: f"{line.utc} {line.what} {line.who}", self)
        self.table = Table("", row_px=LIST_PX)
        self.table.setModel(self.lines)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        facts = QWidget()
        self.facts = QGridLayout(facts)
        self._facts_shown: tuple[tuple[str, str], ...] | None = None
        room = QScrollArea()
        room.setWidgetResizable(True)
        room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        room.setWidget(facts)
        facts.setAutoFillBackground(False)
        self._history_page = QWidget()
        column = Column(self._history_page, margins=(0, 0, 0, 0), gap=0)
        column.addWidget(self.table, 3)
        column.addWidget(room, 2)

    def _turn(self, key: str) -> None:
        self.pages.setCurrentIndex((CURVE, MESSAGE, HISTORY).index(key))
        self.refresh()

    def turn_to(self, key: str) -> None:
        """Show one of the pages."""
        self.pages_of.choose(key)
        self._turn(key)

    def retranslate(self) -> None:
        """Take every word anew."""
        self.pages_of.setAccessibleName(tr("alarms", "What is shown of the alarm"))
        self.pages_of.show_choices([
            Choice(CURVE, tr("alarms", "Curve")), Choice(MESSAGE, tr("alarms", "Phone text")),
            Choice(HISTORY, tr("alarms", "History")),
        ])  # fmt: skip
        self.span.setAccessibleName(tr("alarms", "How much is drawn around the moment"))
        self.span.show_choices([(str(span), tr("alarms", SPAN_WORDS[span])) for span in SPANS_S])
        self.open_button.setText(tr("alarms", "Open in plot"))
        self.message.setAccessibleName(tr("alarms", "Message as it is sent to a phone"))
        self.table.setAccessibleName(tr("alarms", "History of the alarm"))
        self.frame_plot.setAccessibleName(tr("alarms", "Voltage around the moment"))
        self.frame_plot.set_fields(moment_field(tr("alarms", "local time")))
        self.lines.retranslate()
        self._drawn = None
        self.refresh()

    def _restyle(self) -> None:
        self.frame_plot.set_look(look_of(theme().tokens, unit=theme().scale))
        self._facts_shown = None
        self.refresh()

    # -- what is shown ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what is known now."""
        instant = self.model.instant
        place = "" if instant is None else f"{self.model.label(instant.channel)} {instant.cell}".strip()
        self.set_title(tr("alarms", "At that moment"), place)
        self.span.choose(str(self.model.half_s))
        self.span.setVisible(self.pages_of.key == CURVE)
        self.open_button.setVisible(instant is not None and bool(instant.channel))
        words = self.model.words()
        self.words.setText(words)
        self._curve_page.setCurrentIndex(1 if words else 0)
        if not words:
            self._draw()
        text, sent = self.story.message(chinese=self._chinese())
        if self.message.toPlainText() != text:
            self.message.setPlainText(text)
        self.sent.setText(sent)
        self.lines.show(self.story.history())
        for column in range(len(HISTORY_COLUMNS) - 1):
            self.table.resizeColumnToContents(column)
        self._show_facts()

    def _draw(self) -> None:
        model = self.model
        present = (id(model.picture), model.when_s, model.half_s, theme().name)
        if present == self._drawn:
            return
        self._drawn = present
        self.frame_plot.clear()
        small = float(np.nanmax(np.abs(model.picture.envelope.high))) < MILLIVOLTS_BELOW_V
        word = tr("alarms", "voltage")
        self.frame_plot.set_fields(y_field=Field(word, "mV", 1e3) if small else voltage(word))
        curve = EnvelopeCurve(model.picture)
        text = model.value_text()
        self.frame_plot.add(curve, Mark(model.when_s, LineKind.MARK, text, at_top=True))
        self.frame_plot.fit()
        self.frame_plot.set_x_range(model.when_s - model.half_s, model.when_s + model.half_s)

    def _show_facts(self) -> None:
        found = self.story.facts()
        if found == self._facts_shown:
            return
        self._facts_shown = found
        while self.facts.count():
            item = self.facts.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        look = theme()
        self.facts.setContentsMargins(look.px(16), look.px(8), look.px(16), look.px(8))
        self.facts.setHorizontalSpacing(look.px(16))
        self.facts.setVerticalSpacing(look.px(4))
        for at, (name, value) in enumerate(found):
            self.facts.addWidget(Label(name, Role.BODY, "muted"), at, 0)
            self.facts.addWidget(Label(value, wrap=True), at, 1)
        self.facts.setColumnStretch(1, 1)
        self.facts.setRowStretch(len(found), 1)
