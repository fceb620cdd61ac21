"""A joined row of choices: views, filters, units (design README 8). Arrow keys move, one is always chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QWidget

from labctl.gui.parts import paint
from labctl.gui.parts.layouts import Row
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_badge


@dataclass(frozen=True, slots=True)
class Choice:
    """One part. ``count`` is semibold behind the text; ``badge`` is an alarm priority; ``why`` switches it off."""

    key: str
    text: str
    count: str = ""
    icon: str = ""
    badge: str = ""
    why: str = ""
    name: str = ""
    """What a screen reader says where ``text`` is a single letter, or empty beside an icon."""


class _Part(QAbstractButton):
    def __init__(self, choice: Choice, height_px: int, first: bool, last: bool) -> None:
        super().__init__()
        self.choice, self._height_px, self._first, self._last = choice, height_px, first, last
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme().changed.connect(self.updateGeometry)
        self.show_choice(choice)

    def show_choice(self, choice: Choice) -> None:
        """Show other words for the same key."""
        self.choice = choice
        self.setAccessibleName(" ".join(part for part in (choice.name or choice.text, choice.count) if part))
        self.setToolTip(choice.name)
        self.setProperty("labctl_tooltip", choice.name)
        set_why(self, choice.why)
        self.updateGeometry()
        self.update()

    def _widths(self) -> tuple[int, int, int]:
        look = theme()
        strong = QFontMetrics(look.font(Role.STRONG))
        body = QFontMetrics(look.font(Role.BODY))
        # Room for the semibold of the chosen part is kept always, so that nothing moves when another is chosen.
        text = max(strong.horizontalAdvance(self.choice.text), body.horizontalAdvance(self.choice.text))
        count = strong.horizontalAdvance(self.choice.count) + look.px(6) if self.choice.count else 0
        sign = look.px(16 + (6 if self.choice.text else 0)) if self.choice.icon or self.choice.badge else 0
        return sign, text, count

    def sizeHint(self) -> QSize:
        """Return the size for the words, 12 px inset."""
        return QSize(sum(self._widths()) + 2 * theme().px(12), theme().px(self._height_px))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint one part of the row."""
        look, painter = theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = (
            "selection"
            if self.isChecked()
            else "hover"
            if self.underMouse() and self.isEnabled()
            else "panel"
        )
        # Inner sides reach past the part, so that only the row's outer edge is drawn, and its corners alone are round.
        past = 2 * look.px(paint.CORNER)
        left, right = (0.5 if self._first else -past), (0.5 if self._last else -past)
        outline = QRectF(self.rect()).adjusted(left, 0.5, -right, -0.5)
        painter.setBrush(look.colour(fill))
        painter.setPen(QPen(look.colour("border"), 1))
        painter.drawRoundedRect(outline, look.px(paint.CORNER), look.px(paint.CORNER))
        if not self._last:
            painter.fillRect(QRectF(self.width() - 1, 1, 1, self.height() - 2), look.colour("hairline"))
        sign, text, count = self._widths()
        left = (self.width() - sign - text - count) // 2
        size = look.px(16)
        where = QRect(left, (self.height() - size) // 2, size, size)
        if self.choice.badge:
            paint_badge(painter, self.choice.badge, where.toRectF())
        elif self.choice.icon:
            look.icon(self.choice.icon, "text" if self.isEnabled() else "off").paint(painter, where)
        painter.setPen(look.colour("text" if self.isEnabled() else "off"))
        painter.setFont(look.font(Role.STRONG if self.isChecked() else Role.BODY))
        line = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRect(left + sign, 0, text + 1, self.height()), line, self.choice.text)
        if self.choice.count:
            painter.setFont(look.font(Role.STRONG))
            painter.drawText(
                QRect(left + sign + text, 0, count, self.height()),
                line | Qt.AlignmentFlag.AlignRight,
                self.choice.count,
            )
        if self.isChecked():
            mark = QRectF(1, self.height() - look.px(2) - 1, self.width() - 2, look.px(2))
            painter.fillRect(mark, look.colour("accent"))


class Segment(QWidget):
    """Choose one of a few. ``chosen`` carries the key; only a person's choice emits it."""

    chosen = Signal(str)

    def __init__(
        self, name: str, choices: Sequence[Choice] = (), *, height_px: int = 32, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._height_px = height_px
        self._group = QButtonGroup(self)
        self._group.buttonClicked.connect(self._clicked)
        self._row = Row(self, gap=0)
        self._parts: dict[str, _Part] = {}
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.show_choices(choices)

    def show_choices(self, choices: Sequence[Choice]) -> None:
        """Show these choices; the chosen one stays chosen where it is still there, else the first is."""
        if list(self._parts) == [choice.key for choice in choices]:
            for choice in choices:
                self._parts[choice.key].show_choice(choice)
            return
        before = self.key
        for part in self._parts.values():
            self._group.removeButton(part)
            self._row.removeWidget(part)
            part.deleteLater()
        self._parts = {}
        for at, choice in enumerate(choices):
            part = _Part(choice, self._height_px, at == 0, at == len(choices) - 1)
            self._parts[choice.key] = part
            self._group.addButton(part)
            self._row.addWidget(part)
        if self._parts:
            self.choose(before if before in self._parts else next(iter(self._parts)))

    @property
    def key(self) -> str:
        """Return the key of the chosen part; empty where there are none."""
        return next((key for key, part in self._parts.items() if part.isChecked()), "")

    def choose(self, key: str) -> None:
        """Show a part as chosen, without a signal. Raises: KeyError."""
        self._parts[key].setChecked(True)

    def part(self, key: str) -> QAbstractButton:
        """Return the button of a part, for tests and tab order. Raises: KeyError."""
        return self._parts[key]

    def _clicked(self, button: QAbstractButton) -> None:
        if isinstance(button, _Part):
            self.chosen.emit(button.choice.key)
