"""Dialogs: a name, content, buttons below; each obeys the chord of Stop all outputs."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QWidget

from labctl.gui.parts.buttons import Button
from labctl.gui.parts.focus import FocusRing
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, Row
from labctl.gui.parts.stopall import give_chord
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role

BAR_PX = 44
"""Height of the window's top bar."""


class Dialog(QDialog):
    """An empty dialog of the house; put content into ``body``, buttons into ``foot`` (safe one last = right)."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.body = Column(gap=8)
        self.foot = Row(gap=8)
        self.foot.addStretch(1)
        self.heading = Label(title, Role.TITLE, wrap=True)
        outer = Column(self, margins=(24, 16, 24, 16), gap=16)
        outer.addWidget(self.heading)
        outer.addLayout(self.body, 1)
        outer.addLayout(self.foot)
        self.stop_chord = give_chord(self)
        self.ring = FocusRing(self)

    def showEvent(self, event: QShowEvent) -> None:
        """Stand below the top bar of the window where there is room: Stop all outputs stays in sight."""
        super().showEvent(event)
        parent = self.parentWidget()
        if parent is None:
            return
        window = parent.window().geometry()
        top = window.top() + theme().px(BAR_PX)
        room = window.bottom() + 1 - top
        if self.height() > room:
            self.resize(self.width(), room)  # as low as its lists can be
        if self.geometry().top() < top and self.height() <= room:
            self.move(self.x(), self.y() + top - self.geometry().top())

    def add_button(self, button: Button) -> Button:
        """Add a button at the right of the foot. Only the button with the focus answers Enter."""
        button.setAutoDefault(False)
        self.foot.addWidget(button)
        return button
