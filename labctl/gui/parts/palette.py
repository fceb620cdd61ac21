"""The command palette (Ctrl+K): type part of a word, Enter does it; what cannot be done now says why and stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from labctl.gui.i18n.translating import tr
from labctl.gui.parts import paint
from labctl.gui.parts.fields import SearchField
from labctl.gui.parts.layouts import Column, fix_size
from labctl.gui.parts.table import Index
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.commands import Command, Palette

ROWS = 12
COMMAND_ROLE = Qt.ItemDataRole.UserRole


class _Lines(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return a row of 32 px."""
        return QSize(100, theme().px(32))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint group, words, the reason why not, and the key cap."""
        look, command, area = theme(), index.data(COMMAND_ROLE), option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, look.colour("selection"))
            painter.fillRect(QRect(area.left(), area.top(), look.px(4), area.height()), look.colour("accent"))
        line = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        left, right = area.left() + look.px(16), area.right() - look.px(12)
        if command.keys:
            paint.key_cap(painter, right, area.center().y(), command.keys, look.colour("muted"))
            right -= paint.key_width(command.keys) + look.px(8)
        painter.setFont(look.font(Role.BODY))
        metrics = QFontMetrics(painter.font())
        for text, token in (
            (command.group, "muted"),
            (command.text, "off" if command.why else "text"),
            (command.why, "muted"),
        ):
            if text and left < right:
                painter.setPen(look.colour(token))
                shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, right - left)
                painter.drawText(QRect(left, area.top(), right - left, area.height()), line, shown)
                left += metrics.horizontalAdvance(shown) + look.px(10)


class CommandPalette(QFrame):
    """Opens over the window's upper middle; ``provider`` is asked at each opening."""

    def __init__(self, window: QWidget, provider: Callable[[], Sequence[Command]]) -> None:
        super().__init__(window)
        self.setProperty("part", "popup")
        self.setObjectName("palette")
        self._window, self._provider = window, provider
        self._commands: list[Command] = []
        self._finder = Palette()
        self.field = SearchField()
        self.list = QListWidget()
        self.list.setItemDelegate(_Lines(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        Column(self, margins=(8, 8, 8, 8), gap=8).put(self.field, self.list)
        fix_size(self, width=640)
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(self._run_item)
        self.hide()

    def open(self, query: str = "") -> None:
        """Show it with everything that can be done now."""
        self._commands = list(self._provider())
        self.field.set_hint(tr("palette", "Search or command"))
        self.list.setAccessibleName(tr("palette", "Commands"))
        self.field.setText(query)
        self._filter(query)
        self.move((self._window.width() - self.width()) // 2, theme().px(52))
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def shut(self) -> None:
        """Close it and give the keyboard back."""
        self.hide()
        self._window.setFocus()

    @property
    def texts(self) -> list[str]:
        """Return what is listed, best first."""
        return [self.list.item(at).text() for at in range(self.list.count())]

    def _filter(self, query: str) -> None:
        self.list.clear()
        for found in self._finder.find(query, self._commands):
            command = found.command
            item = QListWidgetItem(command.text)
            item.setData(COMMAND_ROLE, command)
            item.setData(
                Qt.ItemDataRole.AccessibleTextRole, f"{command.group} {command.text} {command.why}".strip()
            )
            item.setToolTip(command.why)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        look = theme()
        rows = look.px(32) * max(1, min(ROWS, self.list.count())) + look.px(2)
        self.list.setFixedHeight(min(self._window.height() - look.px(160), rows))
        self.adjustSize()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let arrows, Enter and Escape work while a person types; close when the keyboard goes elsewhere."""
        if event.type() == QEvent.Type.FocusOut and self.isVisible():
            self.hide()
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}.get(
            Qt.Key(event.key()), 0
        )
        if step:
            last = self.list.count() - 1
            self.list.setCurrentRow(max(0, min(last, self.list.currentRow() + step)))
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run_item(self.list.currentItem())
            return True
        if event.key() == Qt.Key.Key_Escape:
            self.shut()
            return True
        return False

    def _run_item(self, item: QListWidgetItem | None) -> None:
        command = item.data(COMMAND_ROLE) if item is not None else None
        if isinstance(command, Command) and not command.why:
            self.shut()
            self._finder.run(command)
