"""Parts that stand beside each other where there is room, and one at a time behind tabs where there is not."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QSplitter, QWidget

from labctl.gui.parts.layouts import Column, Row
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.theme.current import theme


class Fold(QWidget):
    """``content`` is laid out by the view, of splitters; ``pages`` are the parts in it that become tabs.

    It folds below ``width_px`` or ``height_px`` (design pixels: at 200 % half of the screen's). Name the pages in the
    view's ``retranslate``.
    """

    def __init__(
        self, content: QWidget, pages: Mapping[str, QWidget], *, width_px: float = 0, height_px: float = 0
    ) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._content, self._pages = content, dict(pages)
        self._width_px, self._height_px = width_px, height_px
        self.folded = False
        self.tabs = Segment("", [Choice(key, key) for key in self._pages], height_px=28)
        self.tabs.chosen.connect(lambda key: self._place())
        self._head = QWidget()
        Row(self._head).put(self.tabs, None)
        outer = Column(self, gap=8)
        outer.addWidget(self._head)
        outer.addWidget(content, 1)
        theme().changed.connect(self._measure)
        self._place()

    def name_pages(self, names: Mapping[str, str]) -> None:
        """Name the parts, for the tabs."""
        self.tabs.show_choices([Choice(key, names[key]) for key in self._pages])
        self.tabs.setAccessibleName(", ".join(names[key] for key in self._pages))

    def show_page(self, key: str) -> None:
        """Bring a part to the front where only one is shown."""
        if self.tabs.key != key:
            self.tabs.choose(key)
            self._place()

    def _measure(self) -> None:
        look = theme()
        folded = self.width() < look.px(self._width_px) or self.height() < look.px(self._height_px)
        if folded != self.folded:
            self.folded = folded
            self._place()

    def _place(self) -> None:
        self._head.setVisible(self.folded)
        for key, page in self._pages.items():
            page.setVisible(not self.folded or key == self.tabs.key)
        inner = self._content.findChildren(QSplitter)
        for splitter in inner:  # one without anything to show would keep its share
            parts = [part for at in range(splitter.count()) if (part := splitter.widget(at)) is not None]
            splitter.setVisible(any(not part.isHidden() for part in parts))

    def minimumSizeHint(self) -> QSize:
        """Return the room that the greatest part needs alone."""
        size = QSize(0, 0)
        for page in self._pages.values():
            size = size.expandedTo(page.minimumSizeHint()).expandedTo(page.minimumSize())
        return QSize(size.width(), size.height() + self.tabs.sizeHint().height() + theme().px(8))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the room."""
        super().resizeEvent(event)
        self._measure()
