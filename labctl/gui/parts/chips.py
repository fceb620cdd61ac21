"""Chips: a state or an object in a small box: glyph or icon, a strong word, a muted one. A chip may be pressed."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from labctl.gui.parts import paint
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_badge, paint_glyph


class Chip(QAbstractButton):
    """Shows ``strong`` and ``muted``; ``checkable`` chips are switches with a check mark."""

    def __init__(
        self,
        strong: str = "",
        muted: str = "",
        *,
        icon: str = "",
        glyph: str = "",
        token: str = "muted",
        badge: str = "",
        checkable: bool = False,
        pressable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._strong, self._muted, self._icon, self._glyph, self._token, self._badge = (
            strong, muted, icon, glyph, token, badge,
        )  # fmt: skip
        self.setCheckable(checkable)
        self._pressable = pressable or checkable
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if self._pressable else Qt.FocusPolicy.NoFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover, self._pressable)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)
        self.toggled.connect(self.updateGeometry)
        self.show_words(strong, muted)

    def show_words(
        self,
        strong: str,
        muted: str = "",
        *,
        icon: str = "",
        glyph: str = "",
        token: str = "",
        badge: str = "",
    ) -> None:
        """Show other words and, where given, another sign."""
        self._strong, self._muted = strong, muted
        self._icon, self._glyph = icon or self._icon, glyph or self._glyph
        self._token, self._badge = token or self._token, badge or self._badge
        self.setAccessibleName(f"{strong} {muted}".strip())
        self.updateGeometry()
        self.update()

    def _sign(self) -> int:
        shown = self._icon or self._glyph or self._badge or (self.isCheckable() and self.isChecked())
        return theme().px(16 + 6) if shown else 0

    def _strong_role(self) -> Role:
        return Role.BODY if self.isCheckable() else Role.STRONG

    def sizeHint(self) -> QSize:
        """Return the size for the words."""
        look = theme()
        width = QFontMetrics(look.font(self._strong_role())).horizontalAdvance(self._strong)
        if self._muted:
            width += QFontMetrics(look.font(Role.BODY)).horizontalAdvance(self._muted)
            width += look.px(8) if self._strong else 0
        keep = look.px(22) if self.isCheckable() and not self._sign() else 0
        return QSize(
            width + self._sign() + keep + 2 * look.px(8) + 2, look.px(24 if not self._pressable else 28)
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the chip."""
        look, painter = theme(), QPainter(self)
        lit = self._pressable and self.underMouse() and self.isEnabled()
        paint.box(painter, self.rect(), look.colour("hover" if lit else "panel"), look.colour("hairline"))
        left, size = look.px(8), look.px(16)
        where = QRect(left, (self.height() - size) // 2, size, size)
        if self.isCheckable() and self.isChecked():
            look.icon("check", "text" if self.isEnabled() else "off").paint(painter, where)
        elif self._badge:
            paint_badge(painter, self._badge, where.toRectF())
        elif self._glyph:
            inner = where.toRectF().adjusted(size * 0.15, size * 0.15, -size * 0.15, -size * 0.15)
            paint_glyph(painter, self._glyph, inner, look.colour(self._token))
        elif self._icon:
            look.icon(self._icon, self._token).paint(painter, where)
        left += self._sign()
        line = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.setFont(look.font(self._strong_role()))
        painter.setPen(look.colour("text" if self.isEnabled() else "off"))
        wide = QFontMetrics(painter.font()).horizontalAdvance(self._strong)
        painter.drawText(QRect(left, 0, wide + 1, self.height()), line, self._strong)
        if self._muted:
            left += wide + (look.px(8) if self._strong else 0)
            painter.setFont(look.font(Role.BODY))
            painter.setPen(look.colour("muted" if self.isEnabled() else "off"))
            painter.drawText(QRect(left, 0, self.width() - left, self.height()), line, self._muted)
