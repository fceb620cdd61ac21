"""Labels: plain text always (R12), in a role of type and the colour of a token; glyphs and badges as small widgets."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from labctl.gui.theme.current import set_role, theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_badge, paint_glyph


def in_menu(name: str) -> str:
    """Return a name of people for a menu, where Qt reads ``&`` as a key: ``R&D`` would be shown as RD (R12)."""
    return name.replace("&", "&&")


class Label(QLabel):
    """A text. Names and notes of people are shown as they were typed, never as markup."""

    def __init__(
        self,
        text: str = "",
        role: Role = Role.BODY,
        tone: str = "text",
        *,
        wrap: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        set_role(self, role, tone)
        self.setText(text)

    def set_tone(self, tone: str) -> None:
        """Take the colour of another token."""
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            self.style().unpolish(self)
            self.style().polish(self)


STUB_SIGNS = 3
"""Signs of a cut text, its dots among them, that say nothing any more."""


def is_stub(shown: str, text: str) -> bool:
    """Tell whether so little is left of a cut text that it is better left out."""
    return shown != text and len(shown) <= STUB_SIGNS


class ElidedLabel(QLabel):
    """One line that is cut with three dots where room is short; the whole text is in the tooltip.

    It wants the room of its text and gives all of it up; ``fill`` takes all the room there is.
    """

    def __init__(
        self,
        text: str = "",
        role: Role = Role.BODY,
        tone: str = "text",
        *,
        fill: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent=parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        wide = QSizePolicy.Policy.Ignored if fill else QSizePolicy.Policy.Maximum
        self.setSizePolicy(wide, QSizePolicy.Policy.Preferred)
        set_role(self, role, tone)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show a text; its whole is in the tooltip and for screen readers."""
        super().setText(text)
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Return the room of the whole text."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 4, metrics.height())

    def minimumSizeHint(self) -> QSize:
        """Return no width: it may be cut."""
        return QSize(0, self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what there is room for."""
        room = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        text = "" if is_stub(text, self.text()) else text
        flags = int(self.alignment() | Qt.TextFlag.TextSingleLine)
        painter = QPainter(self)
        self.style().drawItemText(
            painter, room, flags, self.palette(), self.isEnabled(), text, self.foregroundRole()
        )


class Line(QFrame):
    """A 1 px hairline, lying or standing."""

    def __init__(self, *, standing: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("part", "line")
        if standing:
            self.setFixedWidth(1)
        else:
            self.setFixedHeight(1)


class GlyphLabel(QWidget):
    """A state glyph; the word stands beside it, and is its accessible name."""

    def __init__(
        self, glyph: str = "unknown", token: str = "muted", size_px: float = 12, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._glyph, self._token, self._size_px = glyph, token, size_px
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    def show_state(self, glyph: str, token: str, word: str = "") -> None:
        """Show another state."""
        self._glyph, self._token = glyph, token
        self.setAccessibleName(word)
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size at the present scale."""
        return theme().icon_size(self._size_px)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the glyph."""
        paint_glyph(QPainter(self), self._glyph, self.rect().toRectF(), theme().colour(self._token))


class BadgeLabel(QWidget):
    """An alarm badge: colour, shape and number; the priority's word is its accessible name."""

    def __init__(self, priority: str, size_px: float = 18, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._priority, self._size_px = priority, size_px
        self._shelved = False
        self.setAccessibleName(priority)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    def show_priority(self, priority: str, *, shelved: bool = False) -> None:
        """Show another priority; a shelved one is an outline."""
        self._priority, self._shelved = priority, shelved
        self.setAccessibleName(priority)
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size at the present scale."""
        return theme().icon_size(self._size_px)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the badge."""
        area = self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5)
        paint_badge(QPainter(self), self._priority, area, shelved=self._shelved)


class IconLabel(QWidget):
    """An icon beside a text that says the same."""

    def __init__(
        self, name: str, token: str = "muted", size_px: float = 16, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._name, self._token, self._size_px = name, token, size_px
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    def show_icon(self, name: str, token: str = "muted") -> None:
        """Show another icon."""
        self._name, self._token = name, token
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size at the present scale."""
        return theme().icon_size(self._size_px)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the icon."""
        theme().icon(self._name, self._token).paint(QPainter(self), self.rect())
