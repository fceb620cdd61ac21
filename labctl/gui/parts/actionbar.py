"""The bar at the bottom of every view, 48 px: what is selected, what can be done with it, why something cannot."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QWidget

from labctl.gui.parts.buttons import Button
from labctl.gui.parts.labels import ElidedLabel, IconLabel, Label, Line
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.tight import TightRow
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role


class ActionBar(QFrame):
    """Left: selection and acts. Right: the reason why an act is off, or a note; then acts that concern the view."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("part", "bar")
        fix_size(self, height=48)
        self._strong, self._muted = Label("", Role.STRONG), Label("", tone="muted")
        self._icon, self._note = IconLabel("information-outline"), ElidedLabel("", tone="muted", fill=False)
        self._left, self._right = Row(gap=8), Row(gap=8)
        inner = TightRow()
        row = Row(inner, margins=(16, 0, 16, 0), gap=8)
        row.put(self._strong, self._muted)
        row.addLayout(self._left)
        row.addStretch(1)
        row.addWidget(self._icon)
        row.addWidget(self._note)
        row.addLayout(self._right)
        outer = Column(self, gap=0)
        outer.addWidget(Line())
        outer.addWidget(inner, 1)
        self._reasons: dict[Button, str] = {}
        self._told, self._first = "", False
        self._show_note()
        self.say_selection("")

    def say_selection(self, strong: str, muted: str = "") -> None:
        """Say what is selected: ``4 selected``, ``2-01 ... 2-04``."""
        self._strong.setText(strong)
        self._strong.setVisible(bool(strong))
        self._muted.setText(muted)
        self._muted.setVisible(bool(muted))

    def add(self, button: Button, *, right: bool = False) -> Button:
        """Add a button to the left group, or to the right one."""
        (self._right if right else self._left).addWidget(button)
        return button

    def say(self, note: str, *, first: bool = False) -> None:
        """Show a note at the right while no act is off for a reason; ``first``: before any reason (an answer)."""
        self._told, self._first = note, first and bool(note)
        self._show_note()

    def set_why(self, button: Button, reason: str) -> None:
        """Switch a button off for a reason and show the reason in words; empty switches it on (R5)."""
        set_why(button, reason)
        if reason:
            self._reasons[button] = reason
        else:
            self._reasons.pop(button, None)
        self._show_note()

    def words_width(self) -> int:
        """Return how wide the words of the selection are, with the gaps behind them."""
        shown = [label for label in (self._strong, self._muted) if not label.isHidden()]
        return sum(label.sizeHint().width() + 8 for label in shown)

    def note_width(self) -> int:
        """Return the room that a note should keep: its own width, at most 240 px of the design."""
        if not self._note.text():
            return 0
        return min(self._note.sizeHint().width() + theme().px(24), theme().px(240))

    @property
    def note(self) -> str:
        """Return what stands at the right."""
        return self._note.text()

    def _show_note(self) -> None:
        reason = next(iter(self._reasons.values()), "")
        reason = "" if self._first else reason
        text = reason or self._told
        self._note.setText(text)
        self._note.setVisible(bool(text))
        self._icon.setVisible(bool(reason))
