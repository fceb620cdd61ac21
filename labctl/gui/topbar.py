"""The top bar, 44 px: station, link and age, counts, disk, alarms by priority, search, user, Stop all outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QMenu, QSizePolicy, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts import paint
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.fields import ChoiceBox
from labctl.gui.parts.labels import BadgeLabel, GlyphLabel, IconLabel, Label, Line, is_stub
from labctl.gui.parts.layouts import Row, fix_size
from labctl.gui.parts.stopall import StopAllButton
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.tokens import BADGES

if TYPE_CHECKING:
    from labctl.gui.summary import Summary
    from labctl.gui.viewmodels.typing_in import AlarmCounts

SPEEDS = ("1", "10", "60", "600", "3600", "max")


class Figure(QWidget):
    """A word and a figure: ``running`` muted, ``107`` semibold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.word, self.figure = Label("", tone="muted"), Label("", Role.STRONG)
        Row(self, gap=6).put(self.word, self.figure)

    def say(self, word: str, figure: str) -> None:
        """Show them; without a figure the word stands alone."""
        self.word.setText(word)
        self.figure.setText(figure)
        self.figure.setVisible(bool(figure))
        self.setAccessibleName(f"{word} {figure}".strip())


class SearchOpener(QAbstractButton):
    """Looks like a field, opens the command palette."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("search")
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme().changed.connect(self.updateGeometry)

    def setText(self, text: str) -> None:
        """Say what is searched."""
        super().setText(text)
        self.setAccessibleName(text)
        self.setToolTip(f"{text} (Ctrl+K)")

    def sizeHint(self) -> QSize:
        """Return the size of the picture."""
        return QSize(theme().px(264), theme().px(28))

    def minimumSizeHint(self) -> QSize:
        """Return the size of glass and key cap."""
        return QSize(theme().px(96), theme().px(28))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint field, glass, words, key cap."""
        look, painter = theme(), QPainter(self)
        lit = "hover" if self.underMouse() else "field"
        paint.box(painter, self.rect(), look.colour(lit), look.colour("border"))
        size = look.px(16)
        look.icon("magnify").paint(painter, QRect(look.px(10), (self.height() - size) // 2, size, size))
        paint.key_cap(painter, self.width() - look.px(6), self.height() // 2, "Ctrl+K", look.colour("muted"))
        painter.setFont(look.font(Role.SMALL))
        painter.setPen(look.colour("muted"))
        room = QRect(
            look.px(34), 0, self.width() - look.px(34 + 12) - paint.key_width("Ctrl+K"), self.height()
        )
        words = QFontMetrics(painter.font()).elidedText(
            self.text(), Qt.TextElideMode.ElideRight, room.width()
        )
        words = "" if is_stub(words, self.text()) else words
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)


class AlarmCounter(QAbstractButton):
    """The four badges with their counts; none stands = a bell and "no alarms". A press opens the alarms."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("alarm-counter")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._row = Row(self, margins=(4, 0, 4, 0), gap=6)
        self._bell, self._none = IconLabel("bell-outline"), Label("", tone="muted")
        self._row.put(self._bell, self._none)
        self._places: dict[str, tuple[BadgeLabel, Label]] = {}
        for priority in BADGES:
            badge, count = BadgeLabel(priority, 18), Label("", Role.BODY)
            self._row.put(badge, count)
            self._places[priority] = (badge, count)
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def sizeHint(self) -> QSize:
        """Return the size for the badges."""
        return self._row.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint nothing: the badges do."""

    def say(self, counts: AlarmCounts | None) -> None:
        """Show how many stand, by priority."""
        told = []
        for priority, (badge, label) in self._places.items():
            count = 0 if counts is None else int(getattr(counts, priority))
            badge.setVisible(count > 0)
            label.setVisible(count > 0)
            label.setText(str(count))
            if count:
                told.append(f"{count} {_PRIORITY_NAMES[priority]()}")
        self._bell.setVisible(not told)
        self._none.setVisible(not told)
        self._none.setText(tr("topbar", "no alarms"))
        self.setAccessibleName(tr("topbar", "Alarms: {counts}").format(counts=", ".join(told) or "0"))
        self.setToolTip(self.accessibleName())
        self.updateGeometry()


_PRIORITY_NAMES = {
    "critical": lambda: tr("topbar", "critical"),
    "high": lambda: tr("topbar", "high"),
    "medium": lambda: tr("topbar", "medium"),
    "low": lambda: tr("topbar", "low"),
}


class TopBar(QFrame):
    """Fixed, in every state of the window; the stop stands flush at its right edge."""

    search_wanted = Signal()
    alarms_wanted = Signal()
    speed_wanted = Signal(str)

    def __init__(self, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("part", "bar")
        fix_size(self, height=44)
        self.name = Label("labctl", Role.STRONG)
        self.station = Button("", rank=Rank.QUIET, strong=True, chevron=True)
        self.station.setMenu(menu)
        self.station.setObjectName("station")
        self.link_glyph, self.link = GlyphLabel("ring", "muted", 10), Figure()
        self.running, self.free, self.held, self.disk = Figure(), Figure(), Figure(), Figure()
        self.alarms, self.search = AlarmCounter(), SearchOpener()
        self.user_icon, self.user = IconLabel("account-outline"), Label("")
        self.stop = StopAllButton()
        self.speed = ChoiceBox()
        self.speed.setObjectName("speed")
        self.speed.hide()
        self._has_channels = False
        self._lines = [Line(standing=True) for _ in range(4)]
        for line in self._lines:
            fix_size(line, height=24)
        self._row = row = Row(self, margins=(16, 0, 0, 0), gap=12)
        row.put(self.name, self.station, self._lines[0], self.link_glyph, self.link, self._lines[1])
        row.put(self.running, self.free, self.held, self._lines[2], self.disk, self._lines[3], self.alarms)
        row.addStretch(1)
        row.put(self.speed)
        row.addWidget(self.search, 2)
        row.put(self.user_icon, self.user, self.stop)
        self.search.setMaximumWidth(theme().px(264))
        theme().changed.connect(self._rescale)
        self.search.clicked.connect(self.search_wanted)
        self.alarms.clicked.connect(self.alarms_wanted)
        self.speed.chosen.connect(self.speed_wanted)
        self.retranslate()
        self.say(None, None)

    def _rescale(self) -> None:
        self.search.setMaximumWidth(theme().px(264))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give up what matters least where the bar is narrow; the stop and the alarms never go."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        for widget in (self.name, self.disk, *self._lines, self.user, self.user_icon, self.search):
            widget.setVisible(True)
        self.disk.setVisible(bool(self.disk.figure.text()))
        self._lines[3].setVisible(bool(self.disk.figure.text()))
        self.user_icon.setVisible(bool(self.user.text()))
        self.speed.set_name(tr("topbar", "speed"))
        for figure in (self.free, self.held):
            figure.setVisible(self._has_channels)
        groups: tuple[tuple[QWidget, ...], ...] = (
            (self.name,),
            (self.disk, self._lines[3]),
            (self.user, self.user_icon),
            (self.search,),
            (self._lines[0], self._lines[1], self._lines[2]),
            (self.held, self.free),
        )
        for group in groups:
            if self._row.minimumSize().width() <= self.width():
                break
            self.speed.set_name("")
            for given_up in group:
                given_up.hide()

    def retranslate(self) -> None:
        """Take the words of the language."""
        self.search.setText(tr("topbar", "Search or command"))
        self.stop.retranslate()
        self.speed.set_name(tr("topbar", "speed"))
        present = str(self.speed.currentData() or "")
        self.speed.show_choices(
            [(speed, f"{speed} ×" if speed != "max" else tr("topbar", "max")) for speed in SPEEDS]
        )
        if present:  # also one that is none of the choices
            self._choose_speed(present)

    def say(self, told: Summary | None, counts: AlarmCounts | None) -> None:
        """Show how things stand; None = no station has answered yet."""
        name = told.station if told is not None and told.station else tr("topbar", "no station")
        if self.station.text() != name:
            self.station.setText(name)
            self.station.setAccessibleName(tr("topbar", "Station: {name}").format(name=name))
        if told is None:
            self.link.say(tr("topbar", "connecting"), "")
        else:
            self.link.say(told.link_word, told.link_age)
            self.link.figure.set_tone("muted" if told.live else "text")
        none = told is None or told.channels == 0
        self.running.say(
            tr("topbar", "no instruments") if none else tr("topbar", "running"),
            "" if told is None or none else str(told.running),
        )
        self._has_channels = not none
        if told is not None and not none:
            self.free.say(tr("topbar", "free"), str(told.free))
            self.held.say(tr("topbar", "held"), str(told.held))
        disk = "" if told is None else told.disk
        self.disk.say(tr("topbar", "disk"), disk)
        self.alarms.say(counts)
        person = "" if told is None else told.person
        self.user.setText(person)
        self.user.setAccessibleName(tr("topbar", "You are {name}").format(name=person))
        self._fit()

    def show_speed(self, speed: str) -> None:
        """Show the pace of a virtual bench; an empty one hides the control: a real bench has none."""
        self.speed.setVisible(bool(speed))
        if speed:
            self._choose_speed(speed)
        self._fit()

    def _choose_speed(self, speed: str) -> None:
        if self.speed.findData(speed) < 0:
            self.speed.addItem(f"{speed} ×", speed)
        self.speed.choose(speed)
