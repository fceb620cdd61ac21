"""Fields: search, choice with its name inside, text with a problem. Nothing filters keys before an input method."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QWidget

from labctl.gui.parts import paint
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role


class SearchField(QLineEdit):
    """Text that narrows what is shown; Escape empties it. ``keys`` is shown as a cap while it is empty."""

    def __init__(self, hint: str = "", *, keys: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys = keys
        self.set_hint(hint)
        theme().changed.connect(self._restyle)
        self._restyle()

    def set_hint(self, text: str) -> None:
        """Say what is searched."""
        self.setPlaceholderText(text)
        self.setAccessibleName(text)

    def _restyle(self) -> None:
        look = theme()
        self.setTextMargins(look.px(22), 0, paint.key_width(self._keys), 0)
        self.update()

    def keyPressEvent(self, event: object) -> None:
        """Empty the field on Escape; everything else goes the usual way, input methods included."""
        if getattr(event, "key", lambda: None)() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]  # Qt calls it with a QKeyEvent

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the field, the glass and the key cap."""
        super().paintEvent(event)
        look, painter = theme(), QPainter(self)
        size = look.px(16)
        look.icon("magnify").paint(painter, QRect(look.px(8), (self.height() - size) // 2, size, size))
        if self._keys and not self.text():
            right = self.width() - look.px(6)
            paint.key_cap(painter, right, self.height() // 2, self._keys, look.colour("muted"))


class ChoiceBox(QComboBox):
    """A choice whose name stands inside, muted: ``Sort slot``. ``chosen`` carries the key of a person's choice."""

    chosen = Signal(str)

    def __init__(self, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.activated.connect(self._activated)
        theme().changed.connect(self.updateGeometry)

    def set_name(self, name: str) -> None:
        """Name the choice in the window's language."""
        self._name = name
        self.setAccessibleName(name)
        self.updateGeometry()

    def show_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        """Show keys with their texts; the chosen key stays chosen where it is still there."""
        before = self.key
        self.blockSignals(True)
        self.clear()
        for key, text in choices:
            self.addItem(text, key)
        self.choose(before)
        self.blockSignals(False)
        self.updateGeometry()

    @property
    def key(self) -> str:
        """Return the chosen key; empty where there is nothing to choose."""
        return str(self.currentData() or "")

    def choose(self, key: str) -> None:
        """Show a key as chosen, without a signal; one that is not there leaves things as they are."""
        at = self.findData(key)
        if at >= 0:
            self.setCurrentIndex(at)

    def _activated(self, at: int) -> None:
        self.chosen.emit(str(self.itemData(at) or ""))

    def sizeHint(self) -> QSize:
        """Return the size for the longest choice and the name."""
        look = theme()
        body = QFontMetrics(look.font(Role.BODY))
        texts = [self.itemText(at) for at in range(self.count())] or [""]
        width = max(body.horizontalAdvance(text) for text in texts)
        if self._name:
            width += body.horizontalAdvance(self._name) + look.px(6)
        return QSize(width + look.px(12 + 10 + 16 + 8), look.px(32))

    def minimumSizeHint(self) -> QSize:
        """Return the size below which text would be cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint name, choice and chevron, flat."""
        look, painter = theme(), QPainter(self)
        on = self.isEnabled()
        edge = "border" if on else "hairline"
        paint.box(painter, self.rect(), look.colour("field" if on else "panel"), look.colour(edge))
        line = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        left = look.px(12)
        painter.setFont(look.font(Role.BODY))
        if self._name:
            painter.setPen(look.colour("muted" if on else "off"))
            wide = QFontMetrics(painter.font()).horizontalAdvance(self._name)
            painter.drawText(QRect(left, 0, wide + 1, self.height()), line, self._name)
            left += wide + look.px(6)
        size = look.px(16)
        painter.setPen(look.colour("text" if on else "off"))
        right = self.width() - size - look.px(8)
        text = QFontMetrics(painter.font()).elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, right - left
        )
        painter.drawText(QRect(left, 0, right - left, self.height()), line, text)
        where = QRect(right, (self.height() - size) // 2, size, size)
        look.icon("chevron-down", "text" if on else "off").paint(painter, where)


def mark_problem(field: QWidget, problem: str) -> None:
    """Put the frame of a question around a field and say it; empty takes it away."""
    field.setProperty("problem", "true" if problem else "false")
    field.setToolTip(problem)
    field.setAccessibleDescription(problem)
    field.style().unpolish(field)
    field.style().polish(field)
