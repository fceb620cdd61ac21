"""The channel grid: one painted view over the model, one tab stop, arrows and mouse; no widget per tile (R8)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QToolTip, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.focus import OWN_RING
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.channelacts import ChannelActs
from labctl.gui.viewmodels.grid import Grid, GridChange
from labctl.gui.viewmodels.gridplaces import FOOT_PX, Box, GridPlaces, TileSize, grid_places
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.views.station.tilepaint import Placed, TilePaint, legend

BLINK_MS = 500
SPARKS_LATER_MS = 30
LEGEND_PX = 24.0
PAGE_ROWS = 4
MANY = 48
"""From so many changed tiles on the whole is painted: a region of many boxes costs more than it saves."""
_ARROWS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left.value: (-1, 0),
    Qt.Key.Key_Right.value: (1, 0),
    Qt.Key.Key_Up.value: (0, -1),
    Qt.Key.Key_Down.value: (0, 1),
}


class GridView(QAbstractScrollArea):
    """Shows ``grid`` and moves ``selection``. ``opened``: Enter or a double click; ``menu_wanted``: where to open."""

    opened = Signal(str)
    menu_wanted = Signal(QPoint)
    search_wanted = Signal()

    def __init__(
        self,
        grid: Grid,
        selection: Selection,
        acts: ChannelActs,
        paint: TilePaint,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._grid, self._selection, self._acts, self._paint = grid, selection, acts, paint
        self._size = TileSize.M
        self._places = GridPlaces()
        self._pressed: QPoint | None = None
        self._before: tuple[str, ...] = ()
        self._lasso: QRect | None = None
        self._legend_width, self._legend_line = 0, False
        self._lit = True
        self.motion = True
        """Whether an unseen CRITICAL blinks (a person may turn it off)."""
        self.setProperty(OWN_RING, True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self._blink = QTimer(self)
        self._blink.timeout.connect(self._turn)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.viewport().update)
        self._unwatch = [grid.watch(self._changed), selection.watch(self._selected)]
        self._unwatch.append(acts.watch(lambda deed, channel: self._repaint({channel})))
        theme().changed.connect(self.restyle)

    def close_watch(self) -> None:
        """Watch no more: the view goes."""
        for unwatch in self._unwatch:
            unwatch()

    # -- what is where ----------------------------------------------------------------------------------------------

    @property
    def size_of_tiles(self) -> TileSize:
        """Return how large tiles are."""
        return self._size

    def show_size(self, size: TileSize) -> None:
        """Zoom."""
        self._size = size
        self._lay_out()

    @property
    def places(self) -> GridPlaces:
        """Return where every tile is on the page (not scrolled)."""
        return self._places

    def box_of(self, channel: str) -> QRect:
        """Return where a tile is in the viewport now. Raises: KeyError."""
        return QRect(*self._places.tiles[channel]).translated(-self._shift())

    def _shift(self) -> QPoint:
        return QPoint(self.horizontalScrollBar().value(), self.verticalScrollBar().value() - theme().px(4))

    def _lay_out(self) -> None:
        look = theme()
        width = self.viewport().width() - look.px(4)
        self._legend_width = self._measure_legend()
        high = self.viewport().height() - look.px(8) + look.px(FOOT_PX)
        places = grid_places(self._grid.sections, self._size, width, look.px, 0, high)
        room = places.blocks[0].head[2] if places.blocks else 0
        self._legend_line = self._legend_width + look.px(220) > room and bool(places.blocks)
        if self._legend_line:
            top = look.px(LEGEND_PX)
            places = grid_places(self._grid.sections, self._size, width, look.px, top, high)
        self._places = places
        view = self.viewport().size()
        for bar, whole, seen in (
            (self.verticalScrollBar(), places.height + look.px(8) - look.px(FOOT_PX), view.height()),
            (self.horizontalScrollBar(), places.width + look.px(4), view.width()),
        ):
            bar.setRange(0, max(0, whole - seen))
            bar.setPageStep(seen)
            bar.setSingleStep(look.px(46))
        self.viewport().update()

    def _measure_legend(self) -> int:
        return sum(theme().px(9 + 4 + 14) + self._wide(word) for _, _, word in legend())

    def _wide(self, word: str) -> int:
        return QFontMetrics(theme().font(Role.SMALL)).horizontalAdvance(word)

    def show_channel(self, channel: str) -> None:
        """Scroll to a tile."""
        if channel not in self._places.tiles:
            return
        box, view, air = self.box_of(channel), self.viewport().rect(), theme().px(32)
        bar = self.verticalScrollBar()
        if box.top() < view.top():
            bar.setValue(bar.value() + box.top() - air)
        elif box.bottom() > view.bottom():
            bar.setValue(bar.value() + box.bottom() - view.bottom() + air)
        side = self.horizontalScrollBar()
        if box.left() < view.left():
            side.setValue(side.value() + box.left() - air)
        elif box.right() > view.right():
            side.setValue(side.value() + box.right() - view.right() + air)

    # -- news -------------------------------------------------------------------------------------------------------

    def _changed(self, change: GridChange) -> None:
        if change.layout:
            self._lay_out()
            return
        self._repaint(change.tiles)
        if change.counts:
            self._watch_blinking()

    def _repaint(self, channels: Collection[str]) -> None:
        if not self.isVisible():
            return
        if len(channels) > MANY:
            self.viewport().update()
            return
        seen, reach = self.viewport().rect(), theme().px(6)
        for channel in channels:
            if channel in self._places.tiles:
                box = self.box_of(channel).adjusted(-reach, -reach, reach, reach)
                if box.intersects(seen):
                    self.viewport().update(box)

    def _selected(self) -> None:
        self.viewport().update()
        self._tell_reader()

    def _watch_blinking(self) -> None:
        """Blink at 1 Hz while an unseen CRITICAL is shown, and only then."""
        wanted = self.motion and self.isVisible() and bool(self._blinking())
        if wanted and not self._blink.isActive():
            self._blink.start(BLINK_MS)
        elif not wanted:
            self._blink.stop()
            self._lit = True

    def _turn(self) -> None:
        self._lit = not self._lit
        self._repaint(self._blinking())

    def _blinking(self) -> list[str]:
        """Return the channels with an unseen CRITICAL; only those with alarms are looked at."""
        grid = self._grid
        alarmed = [name for name in grid.order if grid.alarms(name)]
        return [name for name in alarmed if (strip := grid.tile(name).strip) is not None and strip.blink]

    def _tell_reader(self) -> None:
        """Say the current tile to a screen reader: the grid is one control."""
        channel = self._selection.current
        known = channel in self._places.tiles
        told = self._grid.told(channel) if known else ""
        if known and channel in self._selection:
            told = tr("station", "{tile}, selected").format(tile=told)
        self.setAccessibleDescription(told)
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def restyle(self) -> None:
        """Follow theme, scale and language."""
        self._paint.forget()
        self._lay_out()

    # -- painting ---------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the tiles that are asked for, heads, legend, the keyboard's place and the lasso."""
        painter = QPainter(self.viewport())
        shift = self._shift()
        painter.translate(-shift)
        asked = event.rect().translated(shift)
        box = (asked.left(), asked.top(), asked.width(), asked.height())
        self._paint_heads(painter, asked)
        placed = [self._placed(channel) for channel in self._places.within(box)]
        if placed:
            self._paint.paint(painter, placed, self._size, ratio=self.devicePixelRatioF(), lit=self._lit)
            if self._paint.stamps.missing and not self._later.isActive():
                self._later.start(SPARKS_LATER_MS)
        self._paint_focus(painter)
        if self._lasso is not None:
            look = theme()
            painter.setPen(QPen(look.colour("accent"), 1))
            painter.drawRect(self._lasso)
        painter.end()

    def _placed(self, channel: str) -> Placed:
        grid = self._grid
        return Placed(
            grid.tile(channel),
            self._places.tiles[channel],
            self._acts.on_tile(channel),
            channel in self._selection,
        )

    def _paint_heads(self, painter: QPainter, asked: QRect) -> None:
        look, texts = theme(), self._paint.texts
        start = self._paint_legend(painter)
        for block in self._places.blocks:
            left, top, width, height = block.head
            if asked.intersects(QRect(*block.head)):
                texts.begin(painter, Role.SECTION, look.colour("text"))
                x: float = left + (block.units[0][1][2] + look.px(4) if block.units else 0)
                y = top + (height - look.px(4) - texts.line) / 2
                base = y + texts.line
                x += texts.put(x, y, block.section.title, width / 2) + look.px(8)
                texts.begin(painter, Role.SMALL, look.colour("muted"))
                right = left + width
                if top == 0 and not self._legend_line and right > start:
                    right = start - look.px(16)
                if right - x > look.px(24):
                    texts.put(x, base - texts.line - look.px(1), block.section.note, right - x)
            texts.begin(painter, Role.SMALL, look.colour("muted"))
            for label, box, _ in block.units:
                if asked.intersects(QRect(*box)):
                    texts.put(box[0], box[1] + look.px(5), label)

    def _paint_legend(self, painter: QPainter) -> int:
        """Paint glyph and word of each state at the upper right; returns where it begins."""
        look, texts = theme(), self._paint.texts
        right = max(self.viewport().width() - look.px(12), self._legend_width)
        start = x = max(0, right - self._legend_width)
        if not self._places.blocks:
            return start
        size = look.px(9)
        texts.begin(painter, Role.SMALL, look.colour("muted"))
        self._paint.stamps.begin(self.devicePixelRatioF())
        y = (look.px(LEGEND_PX) - texts.line) / 2
        for glyph, token, word in legend():
            x += look.px(14)
            stamp = self._paint.stamps.glyph(glyph, token, size)
            painter.drawPixmap(QPointF(x, (look.px(LEGEND_PX) - size) / 2), stamp)
            x += size + look.px(4)
            texts.put(x, y, word)
            x += self._wide(word)
        return start

    def _paint_focus(self, painter: QPainter) -> None:
        channel = self._selection.current
        if not self.hasFocus() or channel not in self._places.tiles:
            return
        look = theme()
        two = look.px(2)
        away = look.px(2)
        box = QRectF(*self._places.tiles[channel]).adjusted(-away, -away, away, away)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(look.colour("focus"), two))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, look.px(6), look.px(6))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    # -- mouse ------------------------------------------------------------------------------------------------------

    def _at(self, where: QPoint) -> str:
        point = where + self._shift()
        return self._places.at(point.x(), point.y())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select: plain, with Ctrl, with Shift; the name of a rack or unit selects all of it; else begin a lasso."""
        where = event.position().toPoint()
        channel = self._at(where)
        mods = event.modifiers()
        adding = bool(mods & Qt.KeyboardModifier.ControlModifier)
        if event.button() == Qt.MouseButton.RightButton:
            if channel and channel not in self._selection:
                self._selection.choose(channel)
            return
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed = where + self._shift()
        self._before = self._selection.channels if adding else ()
        point = where + self._shift()
        group = self._places.group_at(point.x(), point.y())
        if channel and mods & Qt.KeyboardModifier.ShiftModifier:
            self._selection.extend(channel, self._grid.order)
        elif channel and adding:
            self._selection.toggle(channel)
            self._before = self._selection.channels
        elif channel:
            self._selection.choose(channel)
        elif group:
            self._selection.lasso(group, add=adding)
        elif not adding:
            self._selection.clear()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw a lasso while the button is held."""
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        here = event.position().toPoint() + self._shift()
        far = (here - self._pressed).manhattanLength() >= QApplication.startDragDistance()
        if self._lasso is None and not far:
            return
        self._lasso = QRect(self._pressed, here).normalized()
        box: Box = (self._lasso.left(), self._lasso.top(), self._lasso.width(), self._lasso.height())
        inside = self._places.within(box)
        self._selection.lasso((*self._before, *(name for name in inside if name not in self._before)))
        self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the lasso."""
        self._pressed, self._lasso = None, None
        self.viewport().update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the channel."""
        channel = self._at(event.position().toPoint())
        if channel and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(channel)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu at the pointer, or at the current tile for the menu key."""
        where = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self._selection.current:
            where = self.viewport().mapToGlobal(self._current_box().center())
        self.menu_wanted.emit(where)

    def _current_box(self) -> QRect:
        known = self._selection.current in self._places.tiles
        return self.box_of(self._selection.current) if known else self.viewport().rect()

    def viewportEvent(self, event: QEvent) -> bool:
        """Say on hover what each number is: unit, quality, age (U22)."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            channel = self._at(event.pos())
            if channel:
                tip = self._grid.hover(channel)
                QToolTip.showText(event.globalPos(), tip, self.viewport(), self.box_of(channel))
            else:
                QToolTip.hideText()
            return True
        return bool(super().viewportEvent(event))

    def enterEvent(self, event: Any) -> None:
        """Hold the order: lists never reorder under the pointer."""
        self._grid.frozen = True
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Bring the order up to date."""
        self._grid.frozen = False
        if self._grid.order_due:
            self._grid.settle()
        super().leaveEvent(event)

    # -- keys -------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move, select, open, search; everything else goes on to the view."""
        key, mods = event.key(), event.modifiers()
        arrow = _ARROWS.get(key)
        held = bool(mods & Qt.KeyboardModifier.ControlModifier)
        shift = bool(mods & Qt.KeyboardModifier.ShiftModifier)
        if arrow is not None and not mods & Qt.KeyboardModifier.AltModifier:
            self._go(self._next(*arrow), held, shift)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and self._grid.order:
            self._go(self._grid.order[0 if key == Qt.Key.Key_Home else -1], held, shift)
        elif key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            channel = self._selection.current
            for _ in range(PAGE_ROWS):
                channel = self._places.beside(channel, 0, 1 if key == Qt.Key.Key_PageDown else -1) or channel
            self._go(channel, held, shift)
        elif key == Qt.Key.Key_Space and self._selection.current:
            self._selection.toggle(self._selection.current)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._selection.current:
                self.opened.emit(self._selection.current)
        elif key == Qt.Key.Key_A and held:
            self._selection.lasso(self._grid.order)
        elif key == Qt.Key.Key_Escape and len(self._selection):
            self._selection.clear()
        elif key == Qt.Key.Key_Slash:
            self.search_wanted.emit()
        else:
            super().keyPressEvent(event)

    def _next(self, columns: int, rows: int) -> str:
        here = self._selection.current
        if here not in self._places.tiles:
            return self._grid.order[0] if self._grid.order else ""
        return self._places.beside(here, columns, rows) or self._grid.neighbour(here, rows, columns)

    def _go(self, channel: str, held: bool, shift: bool) -> None:
        if not channel:
            return
        if shift:
            self._selection.extend(channel, self._grid.order)
        elif held:
            self._selection.move_to(channel)
        else:
            self._selection.choose(channel)
        self.show_channel(channel)

    # -- Qt ---------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the tiles anew."""
        super().resizeEvent(event)
        self._lay_out()

    def showEvent(self, event: Any) -> None:
        """Begin to blink where something must."""
        super().showEvent(event)
        self._watch_blinking()

    def hideEvent(self, event: Any) -> None:
        """Paint nothing that nobody sees."""
        super().hideEvent(event)
        self._blink.stop()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Take a first tile as the keyboard's place."""
        super().focusInEvent(event)
        by_keys = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        if by_keys and self._selection.current not in self._places.tiles and self._grid.order:
            self._selection.move_to(self._grid.order[0])
        self.viewport().update()
        self._tell_reader()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the ring away."""
        super().focusOutEvent(event)
        self.viewport().update()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Paint anew at the new place: a picture of the page is not kept."""
        self.viewport().update()

    def minimumSizeHint(self) -> QSize:
        """Return a small size: the grid scrolls."""
        return QSize(theme().px(200), theme().px(120))
