"""A row of controls that breaks into more lines where room is short; controls at the right end stay there."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

from labctl.gui.theme.current import theme


class Flow(QLayout):
    """Lay controls out from the left; those added with ``right`` stand at the right end of the last line.

    ``gap`` in design pixels. The height follows the width: put the layout on a widget of its own.
    """

    def __init__(self, parent: QWidget | None = None, *, gap: float = 8) -> None:
        if parent is None:
            super().__init__()
        else:
            super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._right: set[QWidget] = set()
        self._gap = gap
        self.setContentsMargins(0, 0, 0, 0)
        theme().changed.connect(self.invalidate)

    def put(self, *widgets: QWidget) -> None:
        """Add controls at the left, in order."""
        for widget in widgets:
            self.addWidget(widget)

    def put_right(self, *widgets: QWidget) -> None:
        """Add controls at the right, in order."""
        for widget in widgets:
            self._right.add(widget)
            self.addWidget(widget)

    # -- Qt ---------------------------------------------------------------------------------------------------------

    def addItem(self, item: QLayoutItem) -> None:
        """Take an item."""
        self._items.append(item)

    def count(self) -> int:
        """Return how many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """Return an item, None behind the last."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Give an item away."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """Want no more height than is needed."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """Say that the height follows the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height at a width."""
        return self._place(QRect(0, 0, width, 0), apply=False)

    def sizeHint(self) -> QSize:
        """Return the size in one line."""
        shown = self._shown()
        gap = theme().px(self._gap)
        width = sum(item.sizeHint().width() + gap for item in shown) - gap
        return QSize(max(0, width), max((item.sizeHint().height() for item in shown), default=0))

    def minimumSize(self) -> QSize:
        """Return the size of the widest control."""
        size = QSize(0, 0)
        for item in self._shown():
            size = size.expandedTo(item.minimumSize())
        return size

    def setGeometry(self, rect: QRect) -> None:
        """Place the controls."""
        super().setGeometry(rect)
        self._place(rect, apply=True)

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _place(self, rect: QRect, *, apply: bool) -> int:
        gap = theme().px(self._gap)
        lines: list[list[QLayoutItem]] = [[]]
        used = 0
        for item in self._shown():
            width = item.sizeHint().width()
            if lines[-1] and used + gap + width > rect.width():
                lines.append([])
                used = 0
            used += width + (gap if lines[-1] else 0)
            lines[-1].append(item)
        y = rect.top()
        for line in lines:
            high = max((item.sizeHint().height() for item in line), default=0)
            if apply:
                self._place_line(line, rect, y, high, gap)
            y += high + gap
        return y - gap - rect.top()

    def _place_line(self, line: list[QLayoutItem], rect: QRect, y: int, high: int, gap: int) -> None:
        right = [item for item in line if item.widget() in self._right]
        x = rect.left()
        edge = rect.right() + 1 - sum(item.sizeHint().width() + gap for item in right) + gap
        for item in line:
            if right and item is right[0]:
                x = max(x, edge)
            size = item.sizeHint()
            item.setGeometry(QRect(QPoint(x, y + (high - size.height()) // 2), size))
            x += size.width() + gap
