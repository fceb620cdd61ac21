"""The rail, 72 px: one entry per view, icon and word; the present one carries a 4 px mark. One tab stop, arrow keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QMenu, QScrollArea, QSizePolicy, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.layouts import Column, fix_size
from labctl.gui.parts.view import ViewSpec
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role

if TYPE_CHECKING:
    from labctl.gui.viewmodels.lab import Lab


class Entry(QAbstractButton):
    """A view's place in the rail."""

    menu_wanted = Signal(str, QPoint)

    def __init__(self, spec: ViewSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.setObjectName(f"rail-{spec.id}")
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        fix_size(self, width=72)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.retranslate()

    def retranslate(self) -> None:
        """Take the title in the window's language."""
        self.setText(self.spec.name)
        self.setAccessibleName(self.spec.name)
        keys = f" (Ctrl+{self.spec.key})" if self.spec.key is not None else ""
        self.setToolTip(f"{self.spec.name}{keys}")
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of an entry."""
        return QSize(theme().px(72), theme().px(64))

    def minimumSizeHint(self) -> QSize:
        """Return the size of an entry in a low window: icon and word stand close."""
        return QSize(theme().px(72), theme().px(46))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to open the view beside the others or in a window of its own."""
        self.menu_wanted.emit(self.spec.id, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open with Enter too, and the menu with its key."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint mark, icon and word."""
        look, painter = theme(), QPainter(self)
        on = self.isChecked()
        if on:
            painter.fillRect(self.rect(), look.colour("window"))
            painter.fillRect(QRect(0, 0, look.px(4), self.height()), look.colour("accent"))
        elif self.underMouse():
            painter.fillRect(self.rect(), look.colour("hover"))
        size = look.px(22)
        air = max(look.px(2), (self.height() - look.px(42)) // 2)
        where = QRect((self.width() - size) // 2, air, size, size)
        look.icon(self.spec.icon, "text" if on else "muted").paint(painter, where)
        painter.setFont(look.font(Role.SMALL_STRONG if on else Role.SMALL))
        painter.setPen(look.colour("text" if on else "muted"))
        room = QRect(look.px(4), air + look.px(25), self.width() - look.px(8), look.px(18))
        words = QFontMetrics(painter.font()).elidedText(
            self.text(), Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, words)


class Rail(QScrollArea):
    """The entries of the views there are, and of no others."""

    wanted = Signal(str)
    beside_wanted = Signal(str)
    window_wanted = Signal(str)

    def __init__(self, specs: Sequence[ViewSpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("rail", "Views"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )  # it would cut the words: wheel
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        fix_size(self, width=72)
        inner = QFrame()
        inner.setProperty("part", "bar")
        self._column = Column(inner, margins=(0, 8, 0, 8), gap=0)
        self._column.addStretch(1)
        self.setWidget(inner)
        self._entries: dict[str, Entry] = {}
        self._away: set[str] = set()
        self._group = QButtonGroup(self)
        self.show_views(specs)

    def show_views(self, specs: Sequence[ViewSpec]) -> None:
        """Add the entries of these views."""
        for spec in specs:
            if not spec.rail or spec.id in self._entries:
                continue
            entry = Entry(spec)
            self._group.addButton(entry)
            entry.clicked.connect(self._pressed)
            entry.menu_wanted.connect(self._menu)
            self._entries[spec.id] = entry
            if spec.there is not None:
                self._away.add(spec.id)
                entry.hide()
            self._column.insertWidget(self._column.count() - 1, entry)

    def look_at(self, lab: Lab) -> None:
        """Show the entries of what the station has, and hide those of what it has not."""
        for view_id, entry in self._entries.items():
            if entry.spec.there is not None and entry.spec.there(lab) == (view_id in self._away):
                self._away ^= {view_id}
                entry.setVisible(view_id not in self._away)

    def offers(self, spec: ViewSpec) -> bool:
        """Tell whether a view may be offered: the station has what it is about."""
        return spec.id not in self._away

    def _pressed(self) -> None:
        entry = self.sender()
        if isinstance(entry, Entry):
            self.wanted.emit(entry.spec.id)

    def _menu(self, view_id: str, where: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(tr("rail", "Open here"), lambda: self.wanted.emit(view_id))
        menu.addAction(tr("rail", "Open beside"), lambda: self.beside_wanted.emit(view_id))
        menu.addAction(tr("rail", "Open in its own window"), lambda: self.window_wanted.emit(view_id))
        menu.popup(where)

    def show_front(self, view_id: str) -> None:
        """Mark the view in front; one without an entry takes the mark away: nothing says that another is in front."""
        entry, marked = self._entries.get(view_id), self._group.checkedButton()
        if entry is not None:
            entry.setChecked(True)
            self.ensureWidgetVisible(entry, 0, 0)
        elif marked is not None:
            self._group.setExclusive(False)
            marked.setChecked(False)
            self._group.setExclusive(True)

    def entry(self, view_id: str) -> Entry:
        """Return a view's entry. Raises: KeyError."""
        return self._entries[view_id]

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the views that have an entry now, in order."""
        return tuple(name for name in self._entries if name not in self._away)

    def retranslate(self) -> None:
        """Take the titles in the window's language."""
        self.setAccessibleName(tr("rail", "Views"))
        for entry in self._entries.values():
            entry.retranslate()
