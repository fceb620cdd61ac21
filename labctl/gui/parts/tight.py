"""A row that gives way where room is short: buttons lose their key caps, then, from the right, words beside an icon."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLayout, QWidget

from labctl.gui.parts.buttons import Button, Tight


class TightRow(QWidget):
    """Holds a layout with buttons in it, however deep. A button keeps its name, tooltip and key in every form."""

    def minimumSizeHint(self) -> QSize:
        """Return the size with every button in its smallest form: below that the page scrolls."""
        layout = self.layout()
        if layout is None:
            return super().minimumSizeHint()
        size = layout.totalMinimumSize()
        spared = sum(
            button.width_as(button.tight) - button.width_as(Tight.ICON) for button in self._buttons()
        )
        return QSize(max(0, size.width() - spared), size.height())

    def _buttons(self) -> list[Button]:
        """Return the buttons that are shown, from the left."""
        layout = self.layout()
        return [] if layout is None else _found(layout)

    def fit(self) -> None:
        """Choose each button's form for the width there is."""
        layout = self.layout()
        if layout is None:
            return
        buttons = self._buttons()
        forms = dict.fromkeys(buttons, Tight.FULL)
        over = layout.totalMinimumSize().width() - self.width()
        over += sum(button.width_as(Tight.FULL) - button.width_as(button.tight) for button in buttons)
        if over > 0:  # all of them: some with caps and some without look like a difference
            over -= sum(button.width_as(Tight.FULL) - button.width_as(Tight.NO_KEYS) for button in buttons)
            forms = dict.fromkeys(buttons, Tight.NO_KEYS)
        for button in reversed(buttons):
            if over <= 0:
                break
            over -= button.width_as(Tight.NO_KEYS) - button.width_as(Tight.ICON)
            forms[button] = Tight.ICON
        changed = [button for button in buttons if button.tight is not forms[button]]
        for button in changed:
            button.set_tight(forms[button])
        if changed:
            layout.activate()  # in this turn: no picture shows an old form in a new place

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the width."""
        super().resizeEvent(event)
        self.fit()

    def event(self, event: QEvent) -> bool:
        """Follow what stands in the row: another word, another button."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.fit()
        return done


def _found(layout: QLayout) -> list[Button]:
    found: list[Button] = []
    for at in range(layout.count()):
        item = layout.itemAt(at)
        inner, widget = (None, None) if item is None else (item.layout(), item.widget())
        if isinstance(widget, Button) and not widget.isHidden():
            found.append(widget)
        elif inner is not None:
            found += _found(inner)
    return found
