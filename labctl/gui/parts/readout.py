"""Read-outs: a quantity as the hero: name, large figure, small unit, one muted line with quality and age (U22)."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QWidget

from labctl.gui.parts.labels import ElidedLabel, Label, Line
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.theme.fonts import Role


class Readout(QWidget):
    """One quantity. Stale values are muted, never frozen as if live."""

    def __init__(self, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ElidedLabel(name, Role.SMALL, "muted")
        self._value = Label("-", Role.READOUT)
        self._unit = Label("", Role.SMALL, "muted")
        self._sub = ElidedLabel("", Role.SMALL, "muted")
        figures = Row(gap=4)
        figures.put(self._value, self._unit, None)
        Column(self, margins=(16, 4, 8, 4), gap=0).put(self._name, figures, self._sub)

    def set_name(self, name: str) -> None:
        """Name the quantity in the window's language."""
        self._name.setText(name)
        self._say()

    def show_value(
        self, value: str, unit: str = "", sub: str = "", *, stale: bool = False, hover: str = ""
    ) -> None:
        """Show a value as text, its unit, and the line below; ``hover`` is unit, quality and age in words."""
        tone = "muted" if stale else "text"
        self._value.setText(value)
        self._value.set_tone(tone)
        self._unit.setText(unit)
        self._sub.setText(sub)
        self.setToolTip(hover or f"{value} {unit}".strip())
        self._say()

    def _say(self) -> None:
        parts = (self._name.text(), self._value.text(), self._unit.text(), self._sub.text())
        self.setAccessibleName(" ".join(part for part in parts if part))


class ReadoutStrip(QFrame):
    """Read-outs side by side in one card, parted by hairlines; 72 px high."""

    def __init__(self, readouts: tuple[Readout, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("part", "card")
        fix_size(self, height=72)
        row = Row(self, margins=(1, 1, 1, 1), gap=0)
        for at, readout in enumerate(readouts):
            if at:
                row.addWidget(Line(standing=True))
            row.addWidget(readout, 1)
