"""The channel calendar as a widget: one painted picture over the queue's model; zoom, pan, choose by mouse and keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QSizePolicy, QToolTip, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.focus import OWN_RING
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.queuecalendar import DAY_S, Bar, Lane
from labctl.gui.views.queue.calendarpaint import LABEL_PX, LANE_PX, Painter, Sheet

ZOOM = 1.25
LEAST_S, MOST_S = 600.0, 3 * 365 * DAY_S
PAN_SHARE = 0.1
DRAG_PX = 4
LABEL_MOST_PX = 132
NOBODY: frozenset[str] = frozenset()


class CalendarView(QAbstractScrollArea):
    """Lanes over time. Wheel zooms at the pointer, drag pans, right drag zooms to a box, double click shows all.

    Keys: arrows choose, + and - zoom, 0 shows all, Home goes to now, Shift with Left and Right pans, Enter opens.
    """

    chosen = Signal(str, str)
    """A job (empty: none) and a channel."""
    opened = Signal(str, str)
    menu_asked = Signal(QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty(OWN_RING, True)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.lanes: tuple[Lane, ...] = ()
        self.now_s = 0.0
        self.span = (0.0, DAY_S)
        self._view = (0.0, DAY_S)
        self._by_hand = False
        self._label_px = float(LABEL_PX)
        self._chosen_jobs: frozenset[str] = NOBODY
        self._chosen_channels: frozenset[str] = NOBODY
        self.focus_at: tuple[int, int] | None = None
        self._to_show = False
        self._chosen_lane = -1
        self._press: QPointF | None = None
        self._press_view = (0.0, DAY_S)
        self._press_scroll = 0
        self._panned = False
        self._box: QRectF | None = None
        theme().changed.connect(self._restyle)
        self.verticalScrollBar().valueChanged.connect(lambda value: self.viewport().update())
        self.setMinimumHeight(120)

    # -- what it shows ----------------------------------------------------------------------------------------------

    def show_lanes(self, lanes: Sequence[Lane], now_s: float, span: tuple[float, float]) -> None:
        """Show these lanes; the range stays where a person has put it."""
        self.lanes, self.now_s, self.span = tuple(lanes), now_s, span
        if not self._by_hand:
            self._view = span
        self._measure()
        if self.focus_at is not None and self._focused() is None:
            self.focus_at = None
        if self._to_show or self._chosen_lane != self._lane_of_chosen():
            self._show_chosen()
        self.viewport().update()

    def show_now(self, now_s: float) -> None:
        """Move the line of now."""
        if abs(now_s - self.now_s) * self.sheet().px_per_s >= 0.5:
            if not self._by_hand:
                self._view = (self._view[0] + now_s - self.now_s, self._view[1] + now_s - self.now_s)
            self.now_s = now_s
            self.viewport().update()

    def choose(self, jobs: Collection[str], channels: Collection[str]) -> None:
        """Show what is selected elsewhere; bring the first of it into view."""
        if self._chosen_jobs == frozenset(jobs) and self._chosen_channels == frozenset(channels):
            return
        self._chosen_jobs, self._chosen_channels = frozenset(jobs), frozenset(channels)
        self._show_chosen()
        self.viewport().update()

    def _lane_of_chosen(self) -> int:
        """Return the lane of the first chosen bar, -1 where none is there."""
        for at, lane in enumerate(self.lanes):
            if any(bar.job_id in self._chosen_jobs for bar in lane.bars if bar.job_id):
                return at
        return -1

    def _show_chosen(self) -> None:
        """Bring the first chosen bar into view; one that has not come yet is waited for."""
        self._chosen_lane = self._lane_of_chosen()
        self._to_show = bool(self._chosen_jobs) and self._chosen_lane < 0
        if self._chosen_lane >= 0:
            self._show_lane(self._chosen_lane)

    @property
    def view_span(self) -> tuple[float, float]:
        """Return the visible range, seconds since 1970."""
        return self._view

    def sheet(self) -> Sheet:
        """Return the geometry of what is visible."""
        area = self.viewport().size()
        scroll = self.verticalScrollBar().value()
        return Sheet(area.width(), area.height(), *self._view, scroll, theme().scale, self._label_px)

    def _measure(self) -> None:
        metrics = QFontMetricsF(theme().font(Role.STRONG))
        widest = max((metrics.horizontalAdvance(lane.label) for lane in self.lanes), default=0.0)
        self._label_px = min(LABEL_MOST_PX, max(LABEL_PX, widest / theme().scale + 12 + 10))
        sheet = self.sheet()
        most = max(0, round(len(self.lanes) * sheet.lane + sheet.top - self.viewport().height()) + 1)
        self.verticalScrollBar().setRange(0, most)
        self.verticalScrollBar().setPageStep(max(1, self.viewport().height()))
        self.verticalScrollBar().setSingleStep(round(sheet.lane))

    def _restyle(self) -> None:
        self._measure()
        self.viewport().update()

    def resizeEvent(self, event: QEvent) -> None:
        """Measure anew."""
        super().resizeEvent(event)  # type: ignore[arg-type]  # Qt calls it with a QResizeEvent
        self._measure()

    def sizeHint(self) -> QSize:
        """Return a size for ten lanes."""
        return QSize(theme().px(800), theme().px(48 + 10 * LANE_PX))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint all of it: some hundred strokes."""
        painter = QPainter(self.viewport())
        draw = Painter(painter, self.sheet(), self.now_s)
        marks = draw.grid(self.lanes, self._chosen_channels)
        draw.labels(self.lanes)
        draw.bars(self.lanes, self._chosen_jobs, self.focus_at if self.hasFocus() else None)
        draw.head(marks)
        draw.now()
        if self._box is not None:
            painter.setPen(theme().colour("focus"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self._box)

    # -- range ------------------------------------------------------------------------------------------------------

    def set_span(self, begin_s: float, end_s: float) -> None:
        """Show a range of time; it stays until a person asks for all."""
        length_s = min(MOST_S, max(LEAST_S, end_s - begin_s))
        middle = (begin_s + end_s) / 2
        self._view = (middle - length_s / 2, middle + length_s / 2)
        self._by_hand = True
        self.viewport().update()

    def fit(self) -> None:
        """Show everything."""
        self._by_hand = False
        self._view = self.span
        self.viewport().update()

    def zoom(self, factor: float, at_s: float | None = None) -> None:
        """Make a day wider (factor over 1) or narrower, around a moment or now."""
        begin, end = self._view
        at_s = at_s if at_s is not None else self.now_s if begin <= self.now_s <= end else (begin + end) / 2
        length_s = min(MOST_S, max(LEAST_S, (end - begin) / factor))
        share = (at_s - begin) / (end - begin)
        self._view = (at_s - share * length_s, at_s + (1 - share) * length_s)
        self._by_hand = True
        self.viewport().update()

    def pan(self, share: float) -> None:
        """Move the visible range by a share of itself."""
        begin, end = self._view
        step = (end - begin) * share
        self.set_span(begin + step, end + step)

    def go_to_now(self) -> None:
        """Bring now into view."""
        begin, end = self._view
        self.set_span(self.now_s - 0.1 * (end - begin), self.now_s + 0.9 * (end - begin))

    # -- choosing ---------------------------------------------------------------------------------------------------

    def bar_at(self, at: QPointF) -> tuple[int, int] | None:
        """Return lane and bar under a point; the bar is -1 beside all bars."""
        sheet = self.sheet()
        if at.y() < sheet.top:
            return None
        lane = int((at.y() - sheet.top + sheet.scroll_px) // sheet.lane)
        if not 0 <= lane < len(self.lanes):
            return None
        reach = QPointF(3, sheet.lane / 2)
        for number in reversed(range(len(self.lanes[lane].bars))):
            area = sheet.bar_rect(lane, self.lanes[lane].bars[number])
            if at.x() >= sheet.left and area.adjusted(-reach.x(), -5, reach.x(), 5).contains(at):
                return lane, number
        return lane, -1

    def _focused(self) -> Bar | None:
        if self.focus_at is None:
            return None
        lane, number = self.focus_at
        if lane >= len(self.lanes) or not 0 <= number < len(self.lanes[lane].bars):
            return None
        return self.lanes[lane].bars[number]

    def _choose(self, lane: int, number: int) -> None:
        bars = self.lanes[lane].bars
        self.focus_at = (lane, number) if 0 <= number < len(bars) else None
        bar = self._focused()
        channel = self.lanes[lane].channel
        self._chosen_jobs = frozenset({bar.job_id} if bar is not None and bar.job_id else ())
        self._chosen_channels = frozenset({channel} if channel else ())
        self._chosen_lane = self._lane_of_chosen()
        self.setAccessibleDescription(self.lanes[lane].label if bar is None else bar.hover)
        self._show_lane(lane)
        self.viewport().update()
        self.chosen.emit("" if bar is None else bar.job_id, channel)

    def _show_lane(self, at: int) -> None:
        sheet, scroll = self.sheet(), self.verticalScrollBar()
        top = at * sheet.lane
        room = self.viewport().height() - sheet.top
        if top < scroll.value():
            scroll.setValue(round(top))
        elif top + sheet.lane > scroll.value() + room:
            scroll.setValue(round(top + sheet.lane - room))

    def _step(self, lanes: int, bars: int) -> None:
        """Move the keyboard's place: to another lane, at about the same time, or along it."""
        if not self.lanes:
            return
        lane, number = self.focus_at or (0, -1)
        if self.focus_at is None:
            lane, lanes, bars = min(len(self.lanes) - 1, lane), 0, 0
            number = 0
        lane = max(0, min(len(self.lanes) - 1, lane + lanes))
        count = len(self.lanes[lane].bars)
        number = max(0, min(count - 1, number + bars))
        self._choose(lane, number)
        self._show_bar()

    def _show_bar(self) -> None:
        bar = self._focused()
        begin, end = self._view
        if bar is not None and (bar.end_s < begin or bar.begin_s > end):
            length_s = end - begin
            self.set_span(bar.begin_s - 0.1 * length_s, bar.begin_s + 0.9 * length_s)

    # -- keys and mouse ---------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose, zoom, pan, open."""
        key, shift = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            super().keyPressEvent(event)
        elif shift and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.pan(PAN_SHARE if key == Qt.Key.Key_Right else -PAN_SHARE)
        elif key in steps:
            self._step(*steps[Qt.Key(key)])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(ZOOM)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1 / ZOOM)
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key == Qt.Key.Key_Home:
            self.go_to_now()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.focus_at is not None:
            bar = self._focused()
            self.opened.emit("" if bar is None else bar.job_id, self.lanes[self.focus_at[0]].channel)
        elif key == Qt.Key.Key_Menu:
            self.menu_asked.emit(self.mapToGlobal(self.rect().center()))
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer; over the names or with Shift the lanes are scrolled."""
        turns = (event.angleDelta().y() or event.angleDelta().x()) / 120.0
        at, sheet = event.position(), self.sheet()
        if at.x() < sheet.left or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            scroll = self.verticalScrollBar()
            scroll.setValue(scroll.value() - round(turns * 2 * sheet.lane))
        else:
            self.zoom(ZOOM**turns, sheet.seconds(at.x()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan, to draw a box, or to choose."""
        self._press, self._panned = event.position(), False
        self._press_view, self._press_scroll = self._view, self.verticalScrollBar().value()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan with the left button, draw a box with the right one."""
        if self._press is None:
            found = self.bar_at(event.position())
            hand = found is not None and found[1] >= 0
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor
            )
            return
        moved = event.position() - self._press
        if not self._panned and moved.manhattanLength() < theme().px(DRAG_PX):
            return
        self._panned = True
        if event.buttons() & Qt.MouseButton.RightButton:
            self._box = QRectF(self._press, event.position()).normalized()
        else:
            begin, end = self._press_view
            step = -moved.x() / self.sheet().px_per_s
            self.set_span(begin + step, end + step)
            self.verticalScrollBar().setValue(self._press_scroll - round(moved.y()))
        self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose what was clicked, or zoom to the box."""
        press, box = self._press, self._box
        self._press, self._box = None, None
        if box is not None and box.width() > theme().px(DRAG_PX):
            sheet = self.sheet()
            self.set_span(sheet.seconds(box.left()), sheet.seconds(box.right()))
        elif press is not None and not self._panned:
            found = self.bar_at(event.position())
            if found is not None:
                self._choose(*found)
            if event.button() == Qt.MouseButton.RightButton:
                self.menu_asked.emit(event.globalPosition().toPoint())
        self.viewport().update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open a bar; beside all bars show everything."""
        self._press = None
        found = self.bar_at(event.position())
        if found is not None and found[1] >= 0:
            lane, number = found
            self.opened.emit(self.lanes[lane].bars[number].job_id, self.lanes[lane].channel)
        else:
            self.fit()

    def viewportEvent(self, event: QEvent) -> bool:
        """Say what is under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            words = self.words_at(QPointF(event.pos()))
            if words:
                QToolTip.showText(event.globalPos(), words, self.viewport())
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)

    def words_at(self, at: QPointF) -> str:
        """Return what is said of the bar, or of the channel, under a point."""
        found = self.bar_at(at)
        if found is None:
            return ""
        lane, number = found
        if number >= 0:
            return self.lanes[lane].bars[number].hover
        shown = self.lanes[lane]
        return " ".join(part for part in (shown.label, shown.cell, shown.note) if part)

    def focusInEvent(self, event: QEvent) -> None:
        """Show where the keyboard is."""
        super().focusInEvent(event)  # type: ignore[arg-type]  # Qt calls it with a QFocusEvent
        self.viewport().update()

    def focusOutEvent(self, event: QEvent) -> None:
        """Show that the keyboard has gone."""
        super().focusOutEvent(event)  # type: ignore[arg-type]  # Qt calls it with a QFocusEvent
        self.viewport().update()


class CalendarLegend(QWidget):
    """Three samples with their words, in the head of the card."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    @staticmethod
    def _parts() -> tuple[tuple[str, str], ...]:
        return (
            ("running", tr("queue", "running, done part")),
            ("planned", tr("queue", "planned")),
            ("held", tr("queue", "held")),
        )

    def sizeHint(self) -> QSize:
        """Return the room of the words."""
        look = theme()
        metrics = QFontMetricsF(look.font(Role.SMALL))
        wide = sum(metrics.horizontalAdvance(word) + look.px(24 + 6 + 16) for _, word in self._parts())
        return QSize(round(wide), look.px(24))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the samples."""
        look, painter = theme(), QPainter(self)
        sheet = Sheet(self.width(), self.height(), 0.0, float(max(1, self.width())), 0, look.scale)
        draw = Painter(painter, sheet, 0.0)
        metrics = draw.font(Role.SMALL)
        left = 0.0
        for kind, word in self._parts():
            area = draw.sample(QPointF(left, self.height() / 2), kind)
            left = area.right() + look.px(6)
            wide = metrics.horizontalAdvance(word)
            painter.setPen(look.colour("text"))
            line = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            painter.drawText(QRect(round(left), 0, round(wide) + 2, self.height()), line, word)
            left += wide + look.px(16)
