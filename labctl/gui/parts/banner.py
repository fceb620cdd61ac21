"""Banners under the top bar: what holds for the whole window until it is over (lost link, latch of Stop all)."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from labctl.gui.parts.buttons import Button
from labctl.gui.parts.labels import BadgeLabel, ElidedLabel, IconLabel, Label
from labctl.gui.parts.layouts import Row, fix_size
from labctl.gui.theme.fonts import Role


class Banner(QFrame):
    """32 px: a sign, a strong word, a sentence, and at most two buttons. Hidden while there is nothing to say."""

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("part", "banner")
        fix_size(self, height=40)
        self._badge, self._icon = BadgeLabel("high", 18), IconLabel("information-outline")
        self._word, self._text = Label("", Role.STRONG), ElidedLabel()
        self._row = Row(self, margins=(16, 0, 16, 0), gap=8)
        self._row.put(self._badge, self._icon, self._word)
        self._row.addWidget(self._text, 1)
        self._buttons: dict[str, Button] = {}
        self.hide()

    def say(self, word: str, text: str, *, priority: str = "", buttons: dict[str, str] | None = None) -> None:
        """Show it. ``priority`` puts an alarm badge before it; ``buttons``: key -> text, told by ``pressed``."""
        self._badge.setVisible(bool(priority))
        self._icon.setVisible(not priority)
        if priority:
            self._badge.show_priority(priority)
        self._word.setText(word)
        self._text.setText(text)
        self.setAccessibleName(f"{word} {text}".strip())
        self._show_buttons(buttons or {})
        self.show()

    def _show_buttons(self, wanted: dict[str, str]) -> None:
        if list(wanted) != list(self._buttons):
            for button in self._buttons.values():
                self._row.removeWidget(button)
                button.deleteLater()
            self._buttons = {}
            for key in wanted:
                button = Button(height_px=28)
                button.clicked.connect(_emitter(self, key))
                self._buttons[key] = button
                self._row.addWidget(button)
        for key, text in wanted.items():
            self._buttons[key].setText(text)

    def button(self, key: str) -> Button:
        """Return a button that is shown. Raises: KeyError."""
        return self._buttons[key]


def _emitter(banner: Banner, key: str) -> Callable[[], None]:
    def emit() -> None:
        banner.pressed.emit(key)

    return emit
