"""Cards: panel fill, hairline, 4 px corners, a head of 40 px with title left and a note or small control right."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QWidget

from labctl.gui.parts.labels import ElidedLabel, Label, Line
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.tight import TightRow
from labctl.gui.theme.fonts import Role


class Card(QFrame):
    """A card. Put content into ``body``, small controls into ``head``."""

    def __init__(
        self,
        title: str = "",
        note: str = "",
        *,
        inset: float = 16,
        line: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("part", "card")
        self.body = Column(margins=(inset, inset, inset, inset), gap=8)
        self.title = Label(title, Role.STRONG)
        self.note = ElidedLabel(note, Role.SMALL, "muted")
        self.head = Row(margins=(16, 0, 12, 0), gap=8)
        self._head = TightRow()
        fix_size(self._head, height=40)
        self._head.setLayout(self.head)
        self.head.addWidget(self.title)
        self.head.addWidget(self.note, 1)
        self._line = Line()
        outer = Column(self, margins=(1, 1, 1, 1), gap=0)
        outer.put(self._head, self._line)
        outer.addLayout(self.body, 1)
        self._lined = line
        self.set_title(title, note)

    def set_title(self, title: str, note: str = "") -> None:
        """Name the card; without a title it has no head."""
        self.title.setText(title)
        self.note.setText(note)
        self.setAccessibleName(title)
        self._head.setVisible(bool(title))
        self._line.setVisible(bool(title) and self._lined)
