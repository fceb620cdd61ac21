"""The status bar, 28 px: last event or the reason of a control, UTC and local clock, language, theme, scale."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QMenu, QSizePolicy, QWidget

from labctl.gui.i18n.translating import NAMES, Language, tr
from labctl.gui.parts.labels import ElidedLabel, Label, Line
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.tokens import ThemeName

SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)


class StatusButton(QAbstractButton):
    """A word of 9 pt with an icon; opens a menu."""

    def __init__(self, icon: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.menu = QMenu(self)
        self.clicked.connect(self._open)
        theme().changed.connect(self.updateGeometry)

    def setText(self, text: str) -> None:
        """Show a word."""
        super().setText(text)
        self.updateGeometry()
        self.update()

    def _open(self) -> None:
        above = self.menu.sizeHint().height()
        self.menu.popup(self.mapToGlobal(self.rect().topLeft()) - QPoint(0, above))

    def sizeHint(self) -> QSize:
        """Return the size for icon and word."""
        look = theme()
        sign = look.px(16 + 4) if self._icon else 0
        return QSize(
            QFontMetrics(look.font(Role.SMALL)).horizontalAdvance(self.text()) + sign + look.px(12),
            look.px(26),
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint icon and word."""
        look, painter = theme(), QPainter(self)
        if self.underMouse():
            painter.fillRect(self.rect(), look.colour("hover"))
        left = look.px(6)
        if self._icon:
            size = look.px(14)
            look.icon(self._icon).paint(painter, QRect(left, (self.height() - size) // 2, size, size))
            left += look.px(20)
        painter.setFont(look.font(Role.SMALL))
        painter.setPen(look.colour("muted"))
        painter.drawText(
            QRect(left, 0, self.width() - left, self.height()),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
            self.text(),
        )


class StatusBar(QFrame):
    """Signals carry what a person chose."""

    language_wanted = Signal(object)
    theme_wanted = Signal(object)
    scale_wanted = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("part", "bar")
        fix_size(self, height=28)
        self.event_line = ElidedLabel("", Role.SMALL, "muted")
        self.utc, self.local = Label("", Role.SMALL, "muted"), Label("", Role.SMALL)
        self.language, self.theme, self.scale = (
            StatusButton("translate"), StatusButton("theme-light-dark"), StatusButton(),
        )  # fmt: skip
        line = Line(standing=True)
        fix_size(line, height=14)
        inner = QWidget()
        row = Row(inner, margins=(16, 0, 10, 0), gap=8)
        row.addWidget(self.event_line, 1)
        row.put(self.utc, self.local, line, self.language, self.theme, self.scale)
        outer = Column(self, gap=0)
        outer.addWidget(Line())
        outer.addWidget(inner, 1)
        self._event, self._tip = "", ""

    def say_event(self, text: str) -> None:
        """Show the last event."""
        self._event = text
        self._show()

    def say_tip(self, text: str) -> None:
        """Show why the control under the pointer is off, until the pointer leaves it (R5)."""
        self._tip = text
        self._show()

    def _show(self) -> None:
        text = self._tip or self._event
        if self.event_line.text() != text:
            self.event_line.setText(text)

    def say_time(self, now: datetime, bench: datetime | None = None) -> None:
        """Show the wall's time in UTC and here; of a virtual bench its own time, and the wall's by its name."""
        here = now.astimezone()
        zone = here.strftime("%z")
        local = f"{here:%H:%M:%S} {zone[:3]}:{zone[3:5]}"
        if bench is None:
            self.utc.setText(f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
            self.local.setText(local)
            return
        self.utc.setText(tr("statusbar", "wall {time}").format(time=local))
        self.local.setText(
            tr("statusbar", "bench {time}").format(time=f"{bench.astimezone():%Y-%m-%d %H:%M:%S}")
        )

    def retranslate(self, language: Language, name: ThemeName, scale: float) -> None:
        """Take the words of the language; mark what is on."""
        self.language.setText(NAMES[language])
        self.language.setAccessibleName(tr("statusbar", "Language: {name}").format(name=NAMES[language]))
        self.theme.setText(theme_word(name))
        self.theme.setAccessibleName(tr("statusbar", "Theme: {name}").format(name=theme_word(name)))
        self.scale.setText(f"{scale * 100:.0f} %")
        self.scale.setAccessibleName(
            tr("statusbar", "Scale: {percent} %").format(percent=f"{scale * 100:.0f}")
        )
        _fill(
            self.language.menu,
            [(NAMES[one], one, one is language) for one in Language],
            self.language_wanted.emit,
        )
        _fill(
            self.theme.menu,
            [(theme_word(one), one, one is name) for one in ThemeName],
            self.theme_wanted.emit,
        )
        _fill(
            self.scale.menu,
            [(f"{one * 100:.0f} %", one, abs(one - scale) < 0.01) for one in SCALES],
            self.scale_wanted.emit,
        )
        for button in (self.language, self.theme, self.scale):
            button.setToolTip(button.accessibleName())


def theme_word(name: ThemeName) -> str:
    """Return a theme's name in the window's language."""
    return {
        ThemeName.LIGHT: tr("statusbar", "Light"),
        ThemeName.DARK: tr("statusbar", "Dark"),
        ThemeName.CONTRAST: tr("statusbar", "High contrast"),
    }[name]


def _fill(menu: QMenu, choices: list[tuple[str, object, bool]], chosen: Callable[[Any], None]) -> None:
    menu.clear()
    group = QActionGroup(menu)
    for text, value, on in choices:
        action = QAction(text, menu, checkable=True, checked=on)
        group.addAction(action)
        menu.addAction(action)
        # Not through the action's data: Qt hands an enum back as a plain text.
        action.triggered.connect(lambda checked=False, value=value: chosen(value))
