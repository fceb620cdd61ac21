"""Buttons of four ranks (design README 8), with icon, key cap, and the three looks of an act on hardware (R3)."""

from __future__ import annotations

from enum import Enum, StrEnum

from PySide6.QtCore import QEvent, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts import paint
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_badge

DOTS_MS = 500
"""Three dots step at 2 Hz while an act is sent."""
CONFIRMED_MS = 3000
SLACK_PX = 2
"""Room for the fractions of a pixel that a line of text may be wider than its rounded measure."""


class Rank(Enum):
    """How loud a button is."""

    PRIMARY = "primary"  # at most one in a view, never for a stop
    NORMAL = "normal"
    QUIET = "quiet"  # inside card heads


class Tight(Enum):
    """How much of itself a button shows: where room is short less, see ``tight.TightRow``."""

    FULL = "full"
    NO_KEYS = "no keys"
    ICON = "icon"  # the word stands in the tooltip; a button without an icon keeps its word


class Phase(StrEnum):
    """What an act's button shows."""

    IDLE = "idle"
    SENDING = "sending"
    CONFIRMED = "confirmed"
    TROUBLE = "trouble"  # not confirmed, refused or failed: stays until dismissed


class Button(QPushButton):
    """A flat button. ``keys`` is shown as a cap and in the tooltip; the shortcut itself belongs to the view.

    ``act`` keeps room for "sending...", so that nothing moves under the pointer when a person presses it.
    """

    def __init__(
        self,
        text: str = "",
        *,
        icon: str = "",
        rank: Rank = Rank.NORMAL,
        keys: str = "",
        height_px: int = 32,
        strong: bool = False,
        chevron: bool = False,
        act: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name, self._rank, self._keys, self._height_px = icon, rank, keys, height_px
        self._strong, self._chevron, self._act = strong, chevron, act
        self._phase, self._told, self._dots, self._own_tip = Phase.IDLE, "", 0, ""
        self.tight = Tight.FULL
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self._restyle)
        self.setText(text)

    # -- words ------------------------------------------------------------------------------------------------------

    def setText(self, text: str) -> None:
        """Name the button, for eyes and for screen readers."""
        super().setText(text)
        self.setAccessibleName(text)
        self._say_keys()
        self.updateGeometry()

    def set_icon(self, name: str) -> None:
        """Change the icon."""
        self._icon_name = name
        self.updateGeometry()
        self.update()

    def name_it(self, text: str) -> None:
        """Name a button that shows an icon only."""
        self.setAccessibleName(text)
        self.setToolTip(f"{text} ({self._keys})" if self._keys else text)

    def set_rank(self, rank: Rank) -> None:
        """Make it louder or quieter."""
        self._rank = rank
        self.updateGeometry()
        self.update()

    def _say_keys(self) -> None:
        if self._keys and self.text() and self.toolTip() in ("", self._own_tip):
            shown = QKeySequence(self._keys).toString(QKeySequence.SequenceFormat.NativeText)
            self._own_tip = f"{self.text()} ({shown})"
            self.setToolTip(self._own_tip)

    # -- acts -------------------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """Return which look it has now."""
        return self._phase

    def show_phase(self, phase: Phase, told: str = "") -> None:
        """Show how the act stands; ``told`` is "confirmed 0.6 s" or what went wrong. The width stays as it is."""
        self._phase, self._told, self._dots = phase, told, 0
        self._timer.stop()
        if phase is Phase.SENDING:
            self._timer.start(DOTS_MS)
        elif phase is Phase.CONFIRMED:
            self._timer.start(CONFIRMED_MS)
        if told:
            self.setAccessibleDescription(told)
        self.updateGeometry()
        self.update()

    def _tick(self) -> None:
        if self._phase is Phase.CONFIRMED:
            self.show_phase(Phase.IDLE)
            return
        self._dots = (self._dots + 1) % 4
        self.update()

    # -- size -------------------------------------------------------------------------------------------------------

    def _restyle(self) -> None:
        self.updateGeometry()
        self.update()

    def _font(self) -> QFont:
        return theme().font(Role.STRONG if self._strong or self._rank is Rank.PRIMARY else Role.BODY)

    def set_tight(self, form: Tight) -> None:
        """Show less or more of the button; without its word the tooltip says it."""
        if form is self.tight:
            return
        self.tight = form
        if not self.toolTip():
            self.setToolTip(self.accessibleName())
        self.updateGeometry()
        self.update()

    def _wordless(self, form: Tight) -> bool:
        return form is Tight.ICON and bool(self._icon_name) and self._phase is Phase.IDLE

    def sizeHint(self) -> QSize:
        """Return the size for the text, 12 px inset."""
        return QSize(self.width_as(self.tight), theme().px(self._height_px))

    def width_as(self, form: Tight) -> int:
        """Return the width of a form, device pixels."""
        text = "" if self._wordless(form) else self.text()
        width = self._idle_width(form)
        if (self._act and text) or self._phase is not Phase.IDLE:
            width = max(width, self._told_width(theme().px(12 if text else 8)))
        return width

    def _idle_width(self, form: Tight) -> int:
        """Return the width of icon, word and key cap: what an act may say is not among them."""
        look = theme()
        text = "" if self._wordless(form) else self.text()
        inset = look.px(12 if text else 8)
        width = QFontMetrics(self._font()).horizontalAdvance(text) + SLACK_PX + 2 * inset
        if self._icon_name:
            width += look.px(16) + (look.px(8) if text else 0)
        if self._keys and form is Tight.FULL:
            width += paint.key_width(self._keys) + look.px(8)
        if self._chevron:
            width += look.px(16 + 6)
        return width

    def _told_width(self, inset: int) -> int:
        """Return the room of what an act says: "sending..." always, its end where it is there."""
        metrics = QFontMetrics(self._font())
        sending = metrics.horizontalAdvance(tr("parts", "sending") + "...")
        told = metrics.horizontalAdvance(self._told) if self._told else 0
        return max(sending, told) + SLACK_PX + 2 * inset + theme().px(16 + 8)

    def minimumSizeHint(self) -> QSize:
        """Return the size below which text would be cut: the same."""
        return self.sizeHint()

    # -- painting ---------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint everything: the looks are few and flat."""
        painter = QPainter(self)
        ink = self._paint_body(painter)
        text = self._words()
        inset = theme().px(12 if text else 8)
        area = self.rect().adjusted(inset, 0, -inset, 0)
        if self._phase is Phase.IDLE:  # the room for "sending" stands on both sides of the word
            spare = max(0, self.width() - self._idle_width(self.tight)) // 2
            area = area.adjusted(spare, 0, -spare, 0)
        painter.setFont(self._font())
        if self._phase is Phase.TROUBLE:
            area = self._paint_trouble(painter, area)
        elif self._icon_name:
            area = self._paint_icon(painter, area)
        if self._keys and self._phase is Phase.IDLE and self.tight is Tight.FULL:
            paint.key_cap(painter, area.right() + 1, area.center().y() + 1, self._keys, self._key_ink(ink))
        if self._chevron:
            size = theme().px(16)
            where = QRect(area.right() + 1 - size, area.center().y() - size // 2 + 1, size, size)
            theme().icon("chevron-down", self._icon_token()).paint(painter, where)
            area.setRight(where.left() - theme().px(4))
        painter.setFont(self._font())
        painter.setPen(ink)
        elided = QFontMetrics(self._font()).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, elided)

    def _words(self) -> str:
        if self._phase is Phase.IDLE or not self.text():
            return "" if self._wordless(self.tight) else self.text()
        if self._phase is Phase.SENDING:
            return tr("parts", "sending") + "." * self._dots
        return self._told or tr("parts", "confirmed")

    def _paint_body(self, painter: QPainter) -> QColor:
        """Paint fill and edge; return the colour of the text."""
        look = theme()
        if not self.isEnabled():
            if self._rank is not Rank.QUIET:
                paint.box(painter, self.rect(), None, look.colour("hairline"))
            return look.colour("off")
        pressed, hover = self.isDown() or self.isChecked(), self.underMouse()
        if self._rank is Rank.PRIMARY:
            fill = look.colour("accent")
            paint.box(painter, self.rect(), fill.darker(112) if pressed or hover else fill, None)
            return look.colour("on_accent")
        fill = look.colour("selection" if pressed else "hover" if hover else "panel")
        quiet = self._rank is Rank.QUIET
        paint.box(
            painter,
            self.rect(),
            None if quiet and not (pressed or hover) else fill,
            None if quiet else look.colour("border"),
        )
        return look.colour("text")

    def _key_ink(self, ink: QColor) -> QColor:
        return ink if self._rank is Rank.PRIMARY or not self.isEnabled() else theme().colour("muted")

    def _icon_token(self) -> str:
        if not self.isEnabled():
            return "off"
        return "on_accent" if self._rank is Rank.PRIMARY else "text"

    def _paint_icon(self, painter: QPainter, area: QRect) -> QRect:
        look = theme()
        size = look.px(16)
        name = "check" if self._phase is Phase.CONFIRMED else self._icon_name
        where = QRect(area.left(), area.center().y() - size // 2 + 1, size, size)
        look.icon(name, self._icon_token()).paint(painter, where)
        return area.adjusted(size + look.px(8), 0, 0, 0)

    def _paint_trouble(self, painter: QPainter, area: QRect) -> QRect:
        size = theme().px(16)
        where = QRect(area.left(), area.center().y() - size // 2 + 1, size, size)
        paint_badge(painter, "high", where.toRectF())
        return area.adjusted(size + theme().px(8), 0, 0, 0)

    def changeEvent(self, event: QEvent) -> None:
        """Paint anew when switched on or off."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange:
            self.update()
