"""The card of events: segments, search, time, the line of the last day, the list; one click shows that moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QAbstractItemModel, QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QSizePolicy, QToolTip, QWidget

from labctl.gui.i18n.translating import mark, tr
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import ChoiceBox, SearchField
from labctl.gui.parts.grouprows import Col, GroupedModel
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.table import LIST_PX, Table
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.events import (
    KIND_WORDS,
    EventLog,
    EventRow,
    Kind,
    event_bars,
    event_rows,
    events_csv,
)
from labctl.gui.viewmodels.lab import Lab

BARS, HOURS = 72, 24.0
HOURS_CHOICES = (0.0, 1.0, 8.0, 24.0, 168.0)
TIME, KIND, WHERE, WHAT, BY = range(5)
WIDTHS_PX = {TIME: 132, KIND: 112, WHERE: 168, BY: 72}
NARROW_PX = {TIME: 128, KIND: 88, WHERE: 124, BY: 56}


def kind_word(row: EventRow) -> str:
    """Return what kind of event it is; the station's own words stay."""
    if row.kind.startswith("early."):
        return tr("events", "early sign")
    return tr("events", "command") if row.kind == "act" else row.kind


COLUMNS = (
    Col("events", mark("events", "time"), lambda row: row.time, raw=lambda row: row.utc),
    Col("events", mark("events", "kind"), kind_word, tone=lambda row: "muted"),
    Col("events", mark("events", "where"), lambda row: row.where, strong=lambda row: True),
    Col("events", mark("events", "what"), lambda row: row.what),
    Col("events", mark("events", "by"), lambda row: row.by, tone=lambda row: "muted"),
)


class TimeLine(QWidget):
    """How many events fell into each part of the last day. ``chosen`` carries hours ago."""

    chosen = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        fix_size(self, height=44)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._counts: tuple[int, ...] = ()

    def show_counts(self, counts: Sequence[int]) -> None:
        """Show these counts, oldest first."""
        if tuple(counts) != self._counts:
            self._counts = tuple(counts)
            text = tr("events", "{n} events in the last 24 h").format(n=sum(counts))
            self.setAccessibleName(text)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bars and the two ends of the time."""
        look, painter = theme(), QPainter(self)
        inset, foot = look.px(12), look.px(18)
        room, high = self.width() - 2 * inset, self.height() - foot - look.px(6)
        most = max(1, *self._counts) if self._counts else 1
        step = room / max(1, len(self._counts))
        for at, count in enumerate(self._counts):
            tall = max(2.0, high * count / most) if count else 2.0
            area = QRectF(inset + at * step, look.px(6) + high - tall, max(1.0, step - 2), tall)
            painter.fillRect(area, look.colour("neutral_bar" if count else "hairline"))
        painter.setFont(look.font(Role.SMALL))
        painter.setPen(look.colour("muted"))
        words = QRectF(inset, self.height() - foot, room, foot)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(words, middle | Qt.AlignmentFlag.AlignLeft, tr("events", "24 h ago"))
        painter.drawText(words, middle | Qt.AlignmentFlag.AlignRight, tr("events", "now"))

    def _bar_at(self, x: float) -> int:
        inset = theme().px(12)
        share = (x - inset) / max(1.0, self.width() - 2 * inset)
        return min(len(self._counts) - 1, max(0, int(share * len(self._counts))))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the events of a bar."""
        if self._counts:
            at = self._bar_at(event.position().x())
            self.chosen.emit(HOURS * (1 - (at + 1) / len(self._counts)))

    def event(self, event: QEvent) -> bool:
        """Say how many there were."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._counts:
            at = self._bar_at(event.pos().x())
            ago_h = HOURS * (1 - (at + 0.5) / len(self._counts))
            told = tr("events", "{n} events, {hours:.1f} h ago")
            QToolTip.showText(event.globalPos(), told.format(n=self._counts[at], hours=ago_h), self)
            return True
        return super().event(event)


class EventTable(Table):
    """Gives what happened the room that the other columns leave."""

    def setModel(self, model: QAbstractItemModel | None) -> None:
        """Take the rows, and share the room."""
        super().setModel(model)
        head = self.horizontalHeader()
        head.setStretchLastSection(False)
        head.setSectionResizeMode(WHAT, QHeaderView.ResizeMode.Stretch)
        self._share()

    def _share(self) -> None:
        look = theme()
        widths = NARROW_PX if self.width() < look.px(640) else WIDTHS_PX
        for column, size_px in widths.items():
            self.setColumnWidth(column, look.px(size_px))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room anew."""
        super().resizeEvent(event)
        if self.model() is not None:
            self._share()


class EventsCard(Card):
    """``looked`` carries an event that was clicked, ``opened`` one that was opened (Enter, double click)."""

    looked = Signal(object)
    opened = Signal(object)

    def __init__(self, lab: Lab, log: EventLog) -> None:
        super().__init__("-", inset=0)
        self._lab, self._log = lab, log
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.kinds = Segment("", [Choice(kind.value, "") for kind in Kind], height_px=28)
        self.kinds.chosen.connect(lambda key: self.refresh())
        self.hours = ChoiceBox()
        self.hours.chosen.connect(lambda key: self.refresh())
        self.field = SearchField()
        fix_size(self.field, width=130)
        self.field.textChanged.connect(lambda text: self.refresh())
        for widget in (self.kinds, self.hours, self.field):
            self.head.addWidget(widget)
        self.line = TimeLine()
        self.line.chosen.connect(self._go_back)
        self.model = GroupedModel(COLUMNS, lambda row: f"{row.number} {row.utc}", self)
        self.table = EventTable("", row_px=LIST_PX)
        self.table.setModel(self.model)
        self.none = Label("", tone="muted", wrap=True)
        self.quiet = QWidget()
        Column(self.quiet, margins=(16, 12, 16, 12)).put(self.none, None)
        self.body.setSpacing(0)
        self.body.addWidget(self.line)
        self.body.addWidget(self.quiet, 1)
        self.body.addWidget(self.table, 1)
        self.table.selectionModel().currentChanged.connect(lambda now, before: self._look(now.row()))
        self.table.clicked.connect(lambda index: self._look(index.row()))
        self.table.opened.connect(lambda index: self.opened.emit(self.model.row_at(index)))
        log.watch(self.refresh)

    def retranslate(self) -> None:
        """Take every word anew."""
        self.set_title(tr("events", "Events"))
        self.kinds.setAccessibleName(tr("events", "Which events"))
        self.kinds.show_choices([Choice(kind.value, tr("events", KIND_WORDS[kind])) for kind in Kind])
        self.field.set_hint(tr("events", "search"))
        self.hours.setAccessibleName(tr("events", "How far back"))
        words = {0.0: tr("events", "all time"), 1.0: tr("events", "1 h"), 8.0: tr("events", "8 h"),
                 24.0: tr("events", "24 h"), 168.0: tr("events", "7 d")}  # fmt: skip
        self.hours.show_choices([(str(hours), words[hours]) for hours in HOURS_CHOICES])
        self.table.setAccessibleName(tr("events", "Events, newest first"))
        self.model.retranslate()
        self.refresh()

    def rows(self) -> tuple[EventRow, ...]:
        """Return the events that are shown."""
        kind, hours = Kind(self.kinds.key), float(self.hours.key or 0.0)
        return event_rows(self._lab, kind, self.field.text(), hours=hours, past=self._log.past())

    def refresh(self) -> None:
        """Show what is known now."""
        rows = self.rows()
        self.model.show(rows)
        self.line.show_counts(event_bars(self._lab, BARS, HOURS, self._log.past()))
        filtered = bool(self.field.text()) or self.kinds.key != Kind.ALL.value
        text = tr("events", "Nothing matches.") if filtered else tr("events", "Nothing has happened yet.")
        trouble = self._log.trouble
        self.none.setText(str(trouble) if trouble is not None else text)
        self.quiet.setVisible(not rows)
        self.table.setVisible(bool(rows))

    def _look(self, at: int) -> None:
        row = self.model.row_at(at)
        if row is not None:
            self.looked.emit(row)

    def _go_back(self, hours: float) -> None:
        """Show the newest event that is so old."""
        newer = {(row.number, row.utc) for row in event_rows(self._lab, hours=hours, past=self._log.past())}
        older = (row for row in self.rows() if hours and (row.number, row.utc) not in newer)
        first = next(older, None)
        at = 0 if first is None else self.model.place_of(f"{first.number} {first.utc}")
        self.table.scrollTo(self.model.index(max(0, at), 0), Table.ScrollHint.PositionAtTop)

    def export_to(self, path: Path) -> int:
        """Write the shown events as CSV; returns how many. Raises: OSError."""
        rows = self.rows()
        path.write_text(events_csv(rows), encoding="utf-8")
        return len(rows)
