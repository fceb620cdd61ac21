"""Two painted figures beside the cells table: masses by type on a logarithmic axis, and the map of slots."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.massdots import DotRow, MassDots
from labctl.gui.viewmodels.slotmap import Slot, SlotMap, SlotRack, SlotState

ROW_PX, HEAD_PX, FOOT_PX, LEFT_PX = 34, 22, 40, 44
SIDE_PX, PITCH_PX, RACK_GAP_PX, TITLE_PX = 15, 18, 24, 20


class MassFigure(QWidget):
    """A row of circles for each type, a bar at its median; what is asked about carries its name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dots = MassDots()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    def show_dots(self, dots: MassDots) -> None:
        """Show other cells."""
        self._dots = dots
        told = "; ".join(f"{row.kind}: {len(row.dots)}, {row.median_mg:.4g} mg" for row in dots.rows)
        self.setAccessibleName(tr("cells", "Mass by type"))
        self.setAccessibleDescription(told)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size for the types there are."""
        rows = max(1, len(self._dots.rows))
        return QSize(theme().px(300), theme().px(HEAD_PX + rows * ROW_PX + FOOT_PX))

    def _x(self, area: QRectF, mass_mg: float) -> float:
        low, high = math.log10(self._dots.low_mg), math.log10(self._dots.high_mg)
        return area.left() + (math.log10(mass_mg) - low) / (high - low) * area.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the figure."""
        look, painter = theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(look.font(Role.SMALL))
        metrics = QFontMetrics(painter.font())
        area = QRectF(self.rect()).adjusted(look.px(LEFT_PX), 0.5, -look.px(8), -look.px(FOOT_PX))
        painter.fillRect(area, look.colour("plot"))
        for tick in self._dots.ticks_mg:
            x = self._x(area, tick)
            painter.setPen(QPen(look.colour("grid"), 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(QPen(look.colour("axis"), 1))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + look.px(4)))
            painter.setPen(look.colour("muted"))
            text = f"{tick:g}"
            wide = metrics.horizontalAdvance(text)
            painter.drawText(QPointF(x - wide / 2, area.bottom() + look.px(6) + metrics.ascent()), text)
        painter.setPen(QPen(look.colour("axis"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(area)
        painter.setPen(look.colour("text"))
        title = tr("cells", "active mass / mg (log)")
        line = QRectF(area.left(), self.height() - look.px(18), area.width(), look.px(18))
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, title)
        for at, row in enumerate(self._dots.rows):
            self._paint_row(painter, area, row, area.top() + look.px(HEAD_PX + ROW_PX * at + ROW_PX / 2))

    def _paint_row(self, painter: QPainter, area: QRectF, row: DotRow, y: float) -> None:
        look = theme()
        painter.setPen(look.colour("muted"))
        painter.drawText(QRectF(0, y - look.px(8), look.px(LEFT_PX - 8), look.px(16)),
                         Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, row.kind)  # fmt: skip
        x = self._x(area, row.median_mg)
        painter.setPen(QPen(look.colour("neutral_bar"), look.px(2)))
        painter.drawLine(QPointF(x, y - look.px(13)), QPointF(x, y + look.px(13)))
        count = max(1, len(row.dots))
        for at, dot in enumerate(row.dots):
            spread = 0.0 if count == 1 else (at / (count - 1) - 0.5) * look.px(20)
            where = QPointF(self._x(area, dot.mass_mg), y + spread)
            painter.setPen(QPen(look.colour("paused" if dot.asked else "text"), 1.5 if dot.asked else 1.0))
            painter.setBrush(look.colour("plot"))
            radius = look.px(4 if dot.asked else 2.5)
            painter.drawEllipse(where, radius, radius)
            if dot.asked:
                self._name(painter, area, where, f"{dot.cell} ?")

    def _name(self, painter: QPainter, area: QRectF, where: QPointF, text: str) -> None:
        look = theme()
        painter.setPen(look.colour("text"))
        wide = QFontMetrics(painter.font()).horizontalAdvance(text)
        left = min(max(area.left() + 2, where.x() - wide / 2), area.right() - wide - 2)
        painter.drawText(QPointF(left, where.y() - look.px(8)), text)


class SlotFigure(QWidget):
    """The cabinet in small squares. ``wanted`` is the slot that a person pressed."""

    wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._map = SlotMap((), ())
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    def show_map(self, slots: SlotMap) -> None:
        """Show the bench as it is now."""
        if slots == self._map:
            return
        self._map = slots
        self.setAccessibleName(tr("cells", "Slots"))
        told = "; ".join(f"{row.name} {row.count}" for row in slots.legend)
        self.setAccessibleDescription(told)
        self.updateGeometry()
        self.update()

    def _columns(self) -> int:
        width = theme().px(8 * PITCH_PX + RACK_GAP_PX)
        return max(1, (max(self.width(), theme().px(300)) + theme().px(RACK_GAP_PX)) // width)

    def _origin(self, number: int) -> tuple[int, int]:
        """Return the upper left corner of a rack."""
        look, across = theme(), self._columns()
        heights = [rack.units * PITCH_PX + TITLE_PX + 8 for rack in self._map.racks]
        above = 0
        for first in range(0, number - number % across, across):
            above += max(heights[first : first + across])
        return look.px((number % across) * (8 * PITCH_PX + RACK_GAP_PX)), look.px(above)

    def sizeHint(self) -> QSize:
        """Return the size for all racks."""
        across, racks = self._columns(), self._map.racks
        heights = [rack.units * PITCH_PX + TITLE_PX + 8 for rack in racks] or [PITCH_PX]
        rows = [max(heights[first : first + across]) for first in range(0, len(heights), across)]
        return QSize(theme().px(300), theme().px(sum(rows)))

    def minimumSizeHint(self) -> QSize:
        """Return the height that shows every rack."""
        return QSize(0, self.sizeHint().height())

    def _areas(self, number: int, rack: SlotRack) -> list[tuple[Slot, QRect]]:
        look = theme()
        left, top = self._origin(number)
        side = look.px(SIDE_PX)
        return [
            (slot, QRect(left + look.px((slot.slot - 1) * PITCH_PX),
                         top + look.px(TITLE_PX + (slot.unit - 1) * PITCH_PX), side, side))
            for slot in rack.slots
        ]  # fmt: skip

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint racks with their slots."""
        look, painter = theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(look.font(Role.SMALL))
        for number, rack in enumerate(self._map.racks):
            left, top = self._origin(number)
            painter.setPen(look.colour("muted"))
            painter.drawText(QPointF(left, top + look.px(13)), rack.title)
            for slot, area in self._areas(number, rack):
                paint_slot(painter, area, slot.state)

    def slot_at(self, x: float, y: float) -> Slot | None:
        """Return the slot under a point."""
        for number, rack in enumerate(self._map.racks):
            for slot, area in self._areas(number, rack):
                if area.contains(int(x), int(y)):
                    return slot
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Tell which slot was pressed."""
        slot = self.slot_at(event.position().x(), event.position().y())
        if slot is not None:
            self.wanted.emit(slot.label)

    def event(self, event: QEvent) -> bool:
        """Say what a slot holds."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            slot = self.slot_at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), f"{slot.label}  {slot.told}" if slot else "", self)
            return True
        return super().event(event)


def paint_slot(painter: QPainter, area: QRect, state: SlotState) -> None:
    """Paint one slot: filled = a cell of the table, framed = something is in the way, grey = taken, outline = free."""
    look = theme()
    inner = QRectF(area).adjusted(0.75, 0.75, -0.75, -0.75)
    fill, edge = {
        SlotState.FREE: (None, "border"), SlotState.TAKEN: ("neutral_bar", "neutral_bar"),
        SlotState.MINE: ("accent", "accent"), SlotState.UNLOAD: ("field", "paused"),
    }[state]  # fmt: skip
    painter.setBrush(Qt.BrushStyle.NoBrush if fill is None else look.colour(fill))
    painter.setPen(QPen(look.colour(edge), 2 if state is SlotState.UNLOAD else 1))
    painter.drawRoundedRect(inner, look.px(3), look.px(3))


class SlotSign(QWidget):
    """One slot of the legend."""

    def __init__(self, state: SlotState | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """Return the size of a slot."""
        return theme().icon_size(SIDE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the slot."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._state is not None:
            paint_slot(painter, self.rect(), self._state)
