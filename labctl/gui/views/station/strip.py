"""The "Needs you" strip: what a person must look at, in words with the badge; a click goes there (U01)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.labels import Label, Line
from labctl.gui.parts.layouts import Row, fix_size
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_badge
from labctl.gui.viewmodels.grid import NEEDS_SHOWN, Need

HIGH_PX = 40


class NeedButton(QAbstractButton):
    """One need: badge, where, word, why, and since when. Elides the reason, never place and word."""

    def __init__(self) -> None:
        super().__init__()
        self.need: Need | None = None
        self._when = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.updateGeometry)

    def show_need(self, need: Need, when: str) -> None:
        """Show a need."""
        if need == self.need and when == self._when:
            return
        self.need, self._when = need, when
        said = f"{need.mark.told}: {need.label} {need.word}, {need.reason}, {need.cell} {when}"
        self.setAccessibleName(said)
        # Plain text: names of people may look like markup (R12).
        self.setToolTip(said)
        self.updateGeometry()
        self.update()

    def _parts(self) -> tuple[tuple[str, Role, str], ...]:
        assert self.need is not None
        return (
            (self.need.label, Role.STRONG, "text"),
            (self.need.word, Role.STRONG, "text"),
            (self.need.reason, Role.BODY, "text"),
            (self.need.cell, Role.BODY, "muted"),
            (self._when, Role.BODY, "muted"),
        )

    def sizeHint(self) -> QSize:
        """Return the room of the whole."""
        if self.need is None:
            return QSize(0, 0)
        look = theme()
        width = self._wide([part for part in self._parts() if part[0]])
        return QSize(round(width) + look.px(12 + 18 + 8 + 12), look.px(HIGH_PX - 2))

    def _wide(self, parts: Sequence[tuple[str, Role, str]]) -> float:
        gap = theme().px(8)
        return sum(QFontMetricsF(theme().font(role)).horizontalAdvance(text) + gap for text, role, _ in parts)

    def minimumSizeHint(self) -> QSize:
        """Return the room of badge, place and word."""
        if self.need is None:
            return QSize(0, 0)
        look = theme()
        metrics = QFontMetricsF(look.font(Role.STRONG))
        width = metrics.horizontalAdvance(f"{self.need.label} {self.need.word}")
        return QSize(round(width) + look.px(12 + 18 + 8 + 16), look.px(HIGH_PX - 2))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the need; what has no room is left out, least important first."""
        if self.need is None:
            return
        look, painter = theme(), QPainter(self)
        if self.underMouse():
            painter.fillRect(self.rect(), look.colour("hover"))
        size = look.px(18)
        left = look.px(12)
        badge = QRect(left, (self.height() - size) // 2, size, size)
        paint_badge(painter, self.need.mark.token, badge.toRectF())
        left += size + look.px(8)
        room = self.width() - left - look.px(12)
        parts = [part for part in self._parts() if part[0]]
        while len(parts) > 3 and self._wide(parts) > room + look.px(8):
            parts.pop()
        for text, role, token in parts:
            font = look.font(role)
            metrics = QFontMetricsF(font)
            wide = metrics.horizontalAdvance(text)
            if wide > room:
                text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, room))
                wide = metrics.horizontalAdvance(text)
            painter.setFont(font)
            painter.setPen(QPen(look.colour(token)))
            base = (self.height() + metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(left, base), text)
            left += round(wide) + look.px(8)
            room -= round(wide) + look.px(8)


class NeedsStrip(QFrame):
    """Always there, so that the grid does not jump when an alarm comes. ``gone_to`` carries the channel."""

    gone_to = Signal(str)
    more_wanted = Signal()
    alarms_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("needs")
        fix_size(self, height=HIGH_PX)
        self.title = Label("", Role.STRONG)
        self.calm = Label("", tone="muted")
        self._lines: list[Line] = []
        self.needs: list[NeedButton] = []
        row = Row(self, margins=(16, 1, 4, 1), gap=0)
        row.addWidget(self.title)
        row.addSpacing(12)
        for _ in range(NEEDS_SHOWN):
            line, button = Line(standing=True), NeedButton()
            button.clicked.connect(partial(self._go, button))
            self._lines.append(line)
            self.needs.append(button)
            row.addWidget(line)
            row.addWidget(button)
        row.addWidget(self.calm)
        row.addStretch(1)
        self.more = Button(rank=Rank.QUIET, height_px=28)
        self.more.clicked.connect(self.more_wanted)
        self.alarms = Button(icon="chevron-right", rank=Rank.QUIET, height_px=28)
        self.alarms.clicked.connect(self.alarms_wanted)
        row.addWidget(self.more)
        row.addWidget(self.alarms)
        theme().changed.connect(self.update)

    def retranslate(self) -> None:
        """Take the words of the language."""
        self.title.setText(tr("station", "Needs you"))
        self.calm.setText(tr("station", "Nothing needs you now."))
        self.alarms.setText(tr("station", "Open alarms"))
        self.setAccessibleName(tr("station", "Needs you"))

    def show_needs(self, needs: Sequence[Need], whens: Sequence[str]) -> None:
        """Show the first needs with the moment of each; say how many more there are."""
        for at, (line, button) in enumerate(zip(self._lines, self.needs, strict=True)):
            shown = at < len(needs)
            line.setVisible(shown)
            button.setVisible(shown)
            if shown:
                button.show_need(needs[at], whens[at])
        left = len(needs) - NEEDS_SHOWN
        self.more.setVisible(left > 0)
        if left > 0:
            self.more.setText(tr("station", "{n} more").format(n=left))
        self.calm.setVisible(not needs)

    def _go(self, button: NeedButton) -> None:
        if button.need is not None:
            self.gone_to.emit(button.need.channel)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the field with its edge."""
        look, painter = theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(look.colour("field"))
        strong = any(button.isVisibleTo(self) for button in self.needs)
        painter.setPen(QPen(look.colour("border" if strong else "hairline"), 1))
        area = self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(area, look.px(4), look.px(4))
