"""Short texts painted many times: laid out once, then drawn like a stamp. One per painted view, GUI thread only."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QStaticText

from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.recent import Recent

ROOM = 1_024
"""Texts kept at least: more than a table shows at once. Texts of numbers change with every reading, a kilobyte each."""
TEXTS_A_TILE = 4
"""Different texts a tile brings with it; names of groups, states and units are shared."""
TRACKING_PX = -0.35
"""Letter spacing of a tile's first line, so that PAUSE fits (design, section 6)."""


def _stamp(text: str, font: QFont) -> tuple[QStaticText, float]:
    """Return a text laid out once, with its width."""
    made = QStaticText(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
    made.prepare(font=font)
    return made, made.size().width()


class Texts:
    """Texts in the theme's fonts. ``begin`` puts a role and a colour on; ``put`` draws at the left, right or middle."""

    def __init__(self) -> None:
        self._made: Recent[tuple[Role, bool, str, int], tuple[QStaticText, float]] = Recent(ROOM)
        self._fonts: dict[tuple[Role, bool], tuple[QFont, QFontMetricsF]] = {}
        self._lines: Recent[tuple[Role, bool, str, int, int], tuple[str, ...]] = Recent(ROOM)
        self._role, self._tight = Role.BODY, False
        self._painter: QPainter | None = None

    def forget(self) -> None:
        """Lay everything out anew: theme, scale or language are different now."""
        self._made.clear()
        self._lines.clear()
        self._fonts.clear()

    def expect(self, tiles: int) -> None:
        """Have room for the texts of so many tiles that are painted at once."""
        self._made.room = max(self._made.room, TEXTS_A_TILE * tiles)

    def _font(self, role: Role, tight: bool) -> tuple[QFont, QFontMetricsF]:
        found = self._fonts.get((role, tight))
        if found is None:
            font = theme().font(role)
            if tight:
                font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, TRACKING_PX * theme().scale)
            found = self._fonts[role, tight] = (font, QFontMetricsF(font))
        return found

    def begin(self, painter: QPainter, role: Role, colour: QColor, *, tight: bool = False) -> None:
        """Draw what follows in a role and a colour."""
        self._painter, self._role, self._tight = painter, role, tight
        painter.setFont(self._font(role, tight)[0])
        painter.setPen(colour)

    @property
    def line(self) -> float:
        """Return the height of a line of the role in use."""
        return self._font(self._role, self._tight)[1].height()

    def width(self, text: str, room: float = 0.0) -> float:
        """Return the width of a text in the role in use, cut to ``room`` where it is given."""
        return self._laid(text, room)[1]

    def wrapped(self, text: str, room: float, most: int) -> tuple[str, ...]:
        """Return a text in at most so many lines of the role in use; three dots say where it goes on."""
        key = (self._role, self._tight, text, int(room), most)
        found = self._lines.get(key)
        if found is None:
            found = self._wrap(text, room, most)
            self._lines.put(key, found)
        return found

    def _wrap(self, text: str, room: float, most: int) -> tuple[str, ...]:
        metrics = self._font(self._role, self._tight)[1]
        lines: list[str] = []
        words = text.split()
        while words and len(lines) < most - 1:
            line = words.pop(0)
            while words and metrics.horizontalAdvance(f"{line} {words[0]}") <= room:
                line += f" {words.pop(0)}"
            if metrics.horizontalAdvance(line) > room:  # one long word, or Chinese: it breaks anywhere
                fits = len(line)
                while fits > 1 and metrics.horizontalAdvance(line[:fits]) > room:
                    fits -= 1
                words.insert(0, line[fits:])
                line = line[:fits]
            lines.append(line)
        if words:
            lines.append(metrics.elidedText(" ".join(words), Qt.TextElideMode.ElideRight, room))
        return tuple(lines)

    def _laid(self, text: str, room: float) -> tuple[QStaticText, float]:
        key = (self._role, self._tight, text, int(room))
        found = self._made.get(key)
        if found is None:
            font, metrics = self._font(self._role, self._tight)
            found = _stamp(text, font)
            if 0 < room < found[1]:
                found = _stamp(metrics.elidedText(text, Qt.TextElideMode.ElideRight, room), font)
            self._made.put(key, found)
        return found

    def put(self, x: float, top: float, text: str, room: float = 0.0) -> float:
        """Draw a text at its left top; cut with three dots to ``room``. Returns its width."""
        assert self._painter is not None
        static, width = self._laid(text, room)
        self._painter.drawStaticText(QPointF(x, top), static)
        return width

    def put_right(self, right: float, top: float, text: str, room: float = 0.0) -> float:
        """Draw a text that ends at ``right``; returns its width."""
        assert self._painter is not None
        static, width = self._laid(text, room)
        self._painter.drawStaticText(QPointF(right - width, top), static)
        return width

    def put_middle(self, middle: float, top: float, text: str, room: float = 0.0) -> float:
        """Draw a text around ``middle``; returns its width."""
        assert self._painter is not None
        static, width = self._laid(text, room)
        self._painter.drawStaticText(QPointF(middle - width / 2, top), static)
        return width
