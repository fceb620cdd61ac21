"""Stop all outputs: one button and one chord in every window, also in dialogs and floating ones; never a question."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeySequence, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import QApplication, QDialog, QSizePolicy, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Phase
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role

CHORD = "Ctrl+Shift+F12"
HAS_CHORD = "labctl_chord"


class StopAll(QObject):
    """The act itself: one for the whole application; buttons show how it stands."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.phase = Phase.IDLE
        self.told = ""
        self._send: Callable[[], None] | None = None

    def connect_to(self, send: Callable[[], None]) -> None:
        """Say what stops the outputs; before that a press says that there is no station yet."""
        self._send = send

    def disconnect_from(self, send: Callable[[], None]) -> None:
        """Forget a way that is gone, unless another one has taken its place."""
        if self._send == send:
            self._send = None
            self.show(Phase.IDLE)

    def press(self) -> None:
        """Stop all outputs, at once. A second press sends again: nobody waits in front of a hot cell."""
        if self._send is None:
            self.show(Phase.TROUBLE, tr("stop", "no station is connected: switch off at the instruments"))
            return
        self.show(Phase.SENDING)
        self._send()

    def show(self, phase: Phase, told: str = "") -> None:
        """Say how it stands."""
        self.phase, self.told = phase, told
        self.changed.emit()


_the: list[StopAll] = []


def stop_all() -> StopAll:
    """Return the act of this process."""
    if not _the:
        _the.append(StopAll())
    return _the[0]


def give_chord(window: QWidget) -> QShortcut:
    """Let a window or dialog of its own obey Ctrl+Shift+F12; modal dialogs would swallow the main window's.

    For the whole application, because an open menu or list takes the keys of a window's own shortcuts. Where several
    windows have the chord, Qt tells one of them at a press.
    """
    window.setProperty(HAS_CHORD, True)
    shortcut = QShortcut(QKeySequence(CHORD), window)
    shortcut.setContext(Qt.ShortcutContext.ApplicationShortcut)
    shortcut.activated.connect(stop_all().press)
    shortcut.activatedAmbiguously.connect(stop_all().press)
    return shortcut


def watch_dialogs() -> None:
    """Give the chord to dialogs that are not the house's own (files, one line of text) when they take the keyboard."""
    application = QApplication.instance()
    if isinstance(application, QApplication) and not application.property(HAS_CHORD):
        application.setProperty(HAS_CHORD, True)
        application.focusChanged.connect(_give_to_dialog)


def _give_to_dialog(before: QWidget | None, now: QWidget | None) -> None:
    window = None if now is None else now.window()
    if isinstance(window, QDialog) and not window.property(HAS_CHORD):
        give_chord(window)


class StopAllButton(Button):
    """Full height of its bar, flush with the window's edge, always on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(icon="stop-circle-outline", parent=parent)
        self.setObjectName("stop-all")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.retranslate()
        self.clicked.connect(stop_all().press)
        stop_all().changed.connect(self._follow)
        self._follow()

    def retranslate(self) -> None:
        """Take the words of the language."""
        self.setText(tr("stop", "Stop all outputs"))
        self.setToolTip(
            tr("stop", "Stop all outputs of the bench, at once and without a question ({keys})").format(
                keys=CHORD
            )
        )

    def _follow(self) -> None:
        self.show_phase(stop_all().phase, stop_all().told)
        self.updateGeometry()

    def _font(self) -> QFont:
        return theme().font(Role.STRONG)

    def sizeHint(self) -> QSize:
        """Return the size of the button: at least 44 px high."""
        look = theme()
        width = QFontMetrics(self._font()).horizontalAdvance(tr("stop", "Stop all outputs"))
        return QSize(width + look.px(16 + 10 + 2 * 28), look.px(44))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint: field fill, 2 px rule at the left, hard-line text."""
        look = theme()
        painter = QPainter(self)
        lit = self.underMouse() or self.isDown()
        painter.fillRect(
            self.rect(), look.colour("selection" if self.isDown() else "hover" if lit else "field")
        )
        painter.fillRect(QRect(0, 0, look.px(2), self.height()), look.colour("hard"))
        area = self.rect().adjusted(look.px(28), 0, -look.px(8), 0)
        size = look.px(18)
        icon = "check" if self.phase is Phase.CONFIRMED else "stop-circle-outline"
        if self.phase is Phase.TROUBLE:
            area = self._paint_trouble(painter, area)
        else:
            where = QRect(area.left(), area.center().y() - size // 2 + 1, size, size)
            look.icon(icon, "hard").paint(painter, where)
            area = area.adjusted(size + look.px(8), 0, 0, 0)
        painter.setFont(self._font())
        painter.setPen(look.colour("hard"))
        words = QFontMetrics(self._font()).elidedText(
            self._words(), Qt.TextElideMode.ElideRight, area.width()
        )
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
