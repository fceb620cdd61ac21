"""What an empty view says: what is missing, why that is safe, the ways on. No ornaments, no spinner (design 10)."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role


class GhostTiles(QWidget):
    """Two rows of empty tiles: where channels will be."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        fix_size(self, height=2 * 48)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint outlines in the neutral bar's colour."""
        look, painter = theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(look.colour("neutral_bar"))
        side, pitch = look.px(44), look.px(48)
        for row in range(2):
            for column in range(max(1, (self.width() + pitch - side) // pitch)):
                area = QRectF(column * pitch + 0.5, row * pitch + 0.5, side - 1, side - 1)
                painter.drawRoundedRect(area, look.px(4), look.px(4))


class Empty(QWidget):
    """The empty state of a view: page display, sentence, buttons; centred, 960 px wide at most."""

    def __init__(self, *, ghosts: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = Label("", Role.DISPLAY, wrap=True)
        self._text = Label("", Role.LEAD, "muted", wrap=True)
        self._buttons = Row(gap=8)
        self._buttons.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        inner = QWidget()
        inner.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.column = Column(inner, gap=16)
        if ghosts:
            self.column.addWidget(GhostTiles())
        self.column.put(self._title, self._text)
        self.column.addLayout(self._buttons)
        fix_size(inner, width=960 if ghosts else 640)
        outer = Row(self, margins=(16, 32, 16, 16))
        outer.addStretch(1)
        outer.addWidget(inner)
        outer.addStretch(1)

    def say(self, title: str, text: str) -> None:
        """Say what is missing and why that is safe."""
        self._title.setText(title)
        self._text.setText(text)
        self.setAccessibleName(f"{title}. {text}")

    def add_button(self, button: Button) -> Button:
        """Offer a way on; the first is the primary one."""
        if self._buttons.count() == 1:  # the room at the right is the one item
            button.set_rank(Rank.PRIMARY)
        self._buttons.insertWidget(self._buttons.count() - 1, button)
        return button
