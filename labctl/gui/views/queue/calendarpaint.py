"""How the calendar is drawn: head with days and weeks, a line for each channel, bars, now, what is selected."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPen

from labctl.gui.i18n.translating import tr
from labctl.gui.theme.current import Theme, theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_badge
from labctl.gui.viewmodels.queuecalendar import DAY_S, Bar, Lane, Tick, ticks

HEAD_PX, LANE_PX, BAR_PX = 48, 28, 18
LABEL_PX, CELL_PX, NOTE_PX = 64, 104, 52
FOOT_PX = 3
LINE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """Return a colour between two; ``share`` of the first."""
    pairs = ((one.red(), other.red()), (one.green(), other.green()), (one.blue(), other.blue()))
    return QColor(*(round(share * a + (1 - share) * b) for a, b in pairs))


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is visible: size in pixels, times, how far the lanes are scrolled. Pure geometry."""

    width: float
    height: float
    begin_s: float
    end_s: float
    scroll_px: int
    unit: float = 1.0
    label: float = LABEL_PX
    """Room for the names of the channels, pixels at 100 %."""

    @property
    def wide(self) -> bool:
        """Tell whether there is room for cells and notes beside the channels."""
        return self.width > 640 * self.unit

    @property
    def left(self) -> float:
        """Return where the time begins."""
        return round((self.label + (CELL_PX + NOTE_PX if self.wide else 0)) * self.unit)

    @property
    def top(self) -> float:
        """Return where the lanes begin."""
        return round(HEAD_PX * self.unit)

    @property
    def lane(self) -> float:
        """Return the height of a lane."""
        return round(LANE_PX * self.unit)

    @property
    def px_per_s(self) -> float:
        """Return pixels for a second."""
        return max(1.0, self.width - self.left) / max(1e-9, self.end_s - self.begin_s)

    def x(self, at_s: float) -> float:
        """Return where a moment is."""
        return self.left + (at_s - self.begin_s) * self.px_per_s

    def seconds(self, x: float) -> float:
        """Return which moment is at a place."""
        return self.begin_s + (x - self.left) / self.px_per_s

    def lane_top(self, at: int) -> float:
        """Return where a lane begins."""
        return self.top + at * self.lane - self.scroll_px

    def bar_rect(self, at: int, bar: Bar) -> QRectF:
        """Return where a bar is, its hidden parts too; never thinner than 3 px."""
        high = round(BAR_PX * self.unit)
        y = self.lane_top(at) + round((self.lane - high) / 2)
        left, right = self.x(bar.begin_s), self.x(bar.end_s)
        return QRectF(left, y, max(3.0, right - left), high)


class Painter:
    """Draws one picture of the calendar."""

    def __init__(self, painter: QPainter, sheet: Sheet, now_s: float) -> None:
        self.painter, self.sheet, self.now_s = painter, sheet, now_s
        self.look: Theme = theme()

    def font(self, role: Role) -> QFontMetricsF:
        """Set a font; returns its measure."""
        font = self.look.font(role)
        self.painter.setFont(font)
        return QFontMetricsF(font)

    # -- head and grid ----------------------------------------------------------------------------------------------

    def grid(self, lanes: Sequence[Lane], chosen: Collection[str]) -> list[Tick]:
        """Draw weekends, days, lanes and the chosen channels; returns the marks of the head."""
        sheet, painter, look = self.sheet, self.painter, self.look
        found = list(ticks(sheet.begin_s, sheet.end_s, zone=None, day_px=DAY_S * sheet.px_per_s))
        area = QRectF(sheet.left, sheet.top, sheet.width - sheet.left, sheet.height - sheet.top)
        painter.save()
        painter.setClipRect(area)
        for tick in found:
            if tick.weekend and tick.whole_day and DAY_S * sheet.px_per_s >= 6:
                shade = QRectF(sheet.x(tick.at_s), sheet.top, DAY_S * sheet.px_per_s, area.height())
                painter.fillRect(shade, look.colour("head"))
        painter.restore()
        for at, lane in enumerate(lanes):
            top = sheet.lane_top(at)
            if top + sheet.lane < sheet.top or top > sheet.height:
                continue
            if lane.channel in chosen:
                painter.fillRect(
                    QRectF(0, max(top, sheet.top), sheet.width, sheet.lane), look.colour("selection")
                )
        painter.save()
        painter.setClipRect(QRectF(0, sheet.top, sheet.width, area.height()))
        painter.setPen(look.colour("hairline"))
        for at in range(len(lanes) + 1):
            y = round(sheet.lane_top(at)) + 0.5
            painter.drawLine(QLineF(0, y, sheet.width, y))
        for tick in found:
            strong = bool(tick.week or tick.month)
            painter.setPen(look.colour("neutral_bar" if strong else "grid"))
            x = round(sheet.x(tick.at_s)) + 0.5
            if x >= sheet.left:
                painter.drawLine(QLineF(x, sheet.top, x, sheet.height))
        painter.restore()
        return found

    def head(self, found: Sequence[Tick]) -> None:
        """Draw months, weeks and days over the lanes."""
        sheet, painter, look = self.sheet, self.painter, self.look
        painter.fillRect(QRectF(0, 0, sheet.width, sheet.top), look.colour("panel"))
        half = sheet.top / 2
        painter.save()
        painter.setClipRect(QRectF(sheet.left - 8, 0, sheet.width - sheet.left + 8, sheet.top))
        self._upper_head(found, half)
        metrics = self.font(Role.SMALL)
        free = -1e9
        now, reach = sheet.x(self.now_s), metrics.horizontalAdvance(tr("queue", "now")) / 2 + look.px(6)
        for tick in found:
            x = sheet.x(tick.at_s)
            wide = metrics.horizontalAdvance(tick.day)
            day_px = DAY_S * sheet.px_per_s
            middle = x + day_px / 2 if tick.whole_day and not self._hours(found) else x + wide / 2 + 3
            left = middle - wide / 2
            beside = left > now + reach or left + wide < now - reach
            if left < max(free + 6, sheet.left) or left + wide > sheet.width or not beside:
                continue
            painter.setPen(look.colour("muted"))
            painter.drawText(QRectF(left, half, wide + 2, half), LINE, tick.day)
            free = left + wide
        painter.restore()
        painter.setPen(look.colour("hairline"))
        painter.drawLine(QLineF(0, sheet.top - 0.5, sheet.width, sheet.top - 0.5))

    @staticmethod
    def _hours(found: Sequence[Tick]) -> bool:
        return any(not tick.whole_day for tick in found)

    def _upper_head(self, found: Sequence[Tick], half: float) -> None:
        sheet, painter, look = self.sheet, self.painter, self.look
        free = -1e9
        for tick in found:
            x = max(sheet.x(tick.at_s), sheet.left if tick is found[0] else -1e9) + look.px(4)
            for text, role, tone in (
                (tick.month, Role.SMALL_STRONG, "text"),
                (tick.week, Role.SMALL, "muted"),
            ):
                if not text:
                    continue
                metrics = self.font(role)
                wide = metrics.horizontalAdvance(text)
                x = max(x, free + look.px(12)) if tick.month and tick.week else x
                if x < max(free + look.px(8), sheet.left - 1) or x + wide > sheet.width:
                    continue
                painter.setPen(look.colour(tone))
                painter.drawText(QRectF(x, 0, wide + 2, half), LINE, text)
                free = x + wide

    # -- lanes ------------------------------------------------------------------------------------------------------

    def labels(self, lanes: Sequence[Lane]) -> None:
        """Draw channel, cell and note of each lane."""
        sheet, painter, look = self.sheet, self.painter, self.look
        wide = sheet.wide
        painter.save()
        painter.setClipRect(QRectF(0, sheet.top, sheet.left - 4, sheet.height - sheet.top))
        inset = look.px(12)
        for at, lane in enumerate(lanes):
            top = sheet.lane_top(at)
            if top + sheet.lane < sheet.top or top > sheet.height:
                continue
            parts = [(inset, sheet.label - 12, lane.label, Role.STRONG, "text")]
            if wide:
                parts.append((look.px(sheet.label), CELL_PX, lane.cell, Role.BODY, "text"))
                parts.append((look.px(sheet.label + CELL_PX), NOTE_PX, lane.note, Role.SMALL, "muted"))
            for left, room, text, role, tone in parts:
                metrics = self.font(role)
                painter.setPen(look.colour(tone))
                shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, look.px(room) - look.px(6))
                painter.drawText(QRectF(left, top, look.px(room), sheet.lane), LINE, shown)
        painter.restore()

    def bars(self, lanes: Sequence[Lane], chosen: Collection[str], focus: tuple[int, int] | None) -> None:
        """Draw the bars of all visible lanes."""
        sheet, painter = self.sheet, self.painter
        painter.save()
        painter.setClipRect(QRectF(sheet.left, sheet.top, sheet.width - sheet.left, sheet.height - sheet.top))
        for at, lane in enumerate(lanes):
            top = sheet.lane_top(at)
            if top + sheet.lane < sheet.top or top > sheet.height:
                continue
            for number, bar in enumerate(lane.bars):
                follower = lane.bars[number + 1] if number + 1 < len(lane.bars) else None
                free = sheet.x(follower.begin_s) if follower is not None else sheet.width
                self._bar(sheet.bar_rect(at, bar), bar, free, bool(bar.job_id) and bar.job_id in chosen)
                if focus == (at, number):
                    self._ring(sheet.bar_rect(at, bar))
        painter.restore()

    def _ring(self, area: QRectF) -> None:
        self.painter.setPen(QPen(self.look.colour("focus"), self.look.px(2)))
        self.painter.setBrush(Qt.BrushStyle.NoBrush)
        self.painter.drawRect(area.adjusted(-3, -3, 3, 3))

    def _bar(self, area: QRectF, bar: Bar, free: float, chosen: bool) -> None:
        sheet, look = self.sheet, self.look
        if area.right() < sheet.left - look.px(240) or area.left() > sheet.width:
            return
        clipped = area.intersected(QRectF(sheet.left - 4, 0, sheet.width - sheet.left + 8, sheet.height))
        if not clipped.isEmpty():
            self._body(clipped, bar)
        if bar.look == "running" and bar.high_s > bar.low_s:
            self._interval(area, bar)
        if chosen:
            self.painter.setPen(QPen(look.colour("accent"), look.px(2)))
            self.painter.setBrush(Qt.BrushStyle.NoBrush)
            self.painter.drawRect(clipped.adjusted(0, 0, 0, 0))
        self._words(area, clipped, bar, free)

    def _body(self, area: QRectF, bar: Bar) -> None:
        painter, look = self.painter, self.look
        solid = bar.look in ("running", "done")
        edge = QPen(look.colour("border"), 1)
        if solid:
            share = 0.55 if bar.look == "running" else 0.25
            painter.fillRect(area, mixed(look.colour("neutral_bar"), look.colour("panel"), share))
        else:
            painter.fillRect(area, look.colour("field"))
            edge.setDashPattern([4, 3])
        if bar.look == "held":
            painter.fillRect(area, QBrush(look.colour("off"), Qt.BrushStyle.BDiagPattern))
        if bar.look == "running":
            foot = look.px(FOOT_PX)
            until = min(area.right(), self.sheet.x(bar.done_s))
            if until > area.left():
                painter.fillRect(
                    QRectF(area.left(), area.bottom() - foot, until - area.left(), foot), look.colour("muted")
                )
        painter.setPen(edge)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        box = area.adjusted(0.5, 0.5, -0.5, -0.5)
        if bar.open_end:
            painter.drawPolyline([box.topRight(), box.topLeft(), box.bottomLeft(), box.bottomRight()])
        else:
            painter.drawRect(box)

    def _interval(self, area: QRectF, bar: Bar) -> None:
        """Draw the 90 % interval of the end: a line with caps at the bar's middle."""
        painter, look, sheet = self.painter, self.look, self.sheet
        low, high = sheet.x(bar.low_s), sheet.x(bar.high_s)
        if high - low < 4:
            return
        painter.setPen(QPen(look.colour("muted"), 1.25))
        y, cap = area.center().y(), look.px(3)
        for x in (low, high):
            painter.drawLine(QLineF(x, y - cap, x, y + cap))
        painter.drawLine(QLineF(low, y, high, y))

    def _words(self, area: QRectF, clipped: QRectF, bar: Bar, free: float) -> None:
        painter, look, sheet = self.painter, self.look, self.sheet
        metrics = self.font(Role.SMALL)
        inset = look.px(6)
        left = max(clipped.left(), sheet.left) + inset
        end = " ".join(part for part in (bar.end_text, bar.interval if bar.look == "running" else "") if part)
        if bar.failed and clipped.width() > look.px(22):
            size = look.px(14)
            paint_badge(painter, "high", QRectF(left, area.center().y() - size / 2, size, size))
            left += size + look.px(4)
        now = sheet.x(self.now_s)
        if left - inset < now < clipped.right() - look.px(96):
            left = max(left, now + inset)  # the line of now runs through no word
        whiskers = bar.look == "running" and sheet.x(bar.high_s) - sheet.x(bar.low_s) >= 4
        right = (min(clipped.right(), sheet.x(bar.low_s)) if whiskers else clipped.right()) - inset
        room = right - left if not clipped.isEmpty() else 0.0
        after = max(area.right(), sheet.x(bar.high_s) if whiskers else 0.0) + inset
        wide = metrics.horizontalAdvance(end)
        if after - inset < now < after + wide:
            after = now + inset
        if end and area.right() <= sheet.width and room >= wide + look.px(72):
            self._text(QRectF(right - wide, area.top(), wide + 2, area.height()), end, "text", bar)
            room -= wide + 2 * inset
        elif end and after + wide <= min(free, sheet.width):
            self._text(QRectF(after, area.top(), wide + 2, area.height()), end, "muted", None)
        if bar.look == "held":
            room -= min(look.px(36), 0.3 * max(0.0, room))  # some of the hatching is always seen
        title = metrics.elidedText(bar.title, Qt.TextElideMode.ElideRight, room)
        if room > look.px(28):
            tone = "muted" if bar.look == "done" else "text"
            self._text(QRectF(left, area.top(), room, area.height()), title, tone, bar)

    def _text(self, area: QRectF, text: str, tone: str, bar: Bar | None) -> None:
        """Draw a text; over hatching on a plate of its own."""
        painter, look = self.painter, self.look
        if bar is not None and bar.look == "held":
            wide = QFontMetricsF(painter.font()).horizontalAdvance(text)
            plate = QRectF(area.left() - look.px(3), area.top() + 1, wide + look.px(6), area.height() - 2)
            painter.fillRect(plate, look.colour("field"))
        painter.setPen(look.colour(tone))
        painter.drawText(area, LINE, text)

    def now(self) -> None:
        """Draw the line of now, over everything."""
        x = round(self.sheet.x(self.now_s)) + 0.5
        if not self.sheet.left <= x <= self.sheet.width:
            return
        painter, look = self.painter, self.look
        painter.setPen(QPen(look.colour("text"), 1.5))
        painter.drawLine(QLineF(x, self.sheet.top - look.px(10), x, self.sheet.height))
        metrics = self.font(Role.SMALL_STRONG)
        word = tr("queue", "now")
        wide = metrics.horizontalAdvance(word)
        area = QRectF(x - wide / 2 - 3, self.sheet.top / 2 + 1, wide + 6, self.sheet.top / 2 - look.px(4))
        painter.fillRect(area, look.colour("panel"))
        painter.setPen(look.colour("text"))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, word)

    def sample(self, at: QPointF, look: str) -> QRectF:
        """Draw a small bar of a look for the legend; returns its place."""
        area = QRectF(at.x(), at.y() - self.look.px(6), self.look.px(24), self.look.px(12))
        end_s = self.sheet.seconds(area.center().x())
        self._body(area, Bar("", "", "", 0.0, 0.0, 0.0, 0.0, end_s, look, ""))
        return area
