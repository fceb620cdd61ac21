"""The theme that is on: colours, scale and fonts, with one signal when any of them changes."""

from __future__ import annotations

from weakref import WeakSet

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QColor, QFont, QIcon
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from labctl.gui.theme import fonts
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.palette import palette_of
from labctl.gui.theme.sheet import sheet_of
from labctl.gui.theme.tokens import TABLE, ThemeName, Tokens

SCALE_MIN, SCALE_MAX, SCALE_STEP = 0.8, 2.0, 0.1


class Theme(QObject):
    """One per process: ``theme()``. Widgets that paint themselves ask it when they paint."""

    changed = Signal()
    """Colours, fonts or scale are different now; emitted after the style sheets are on."""

    def __init__(self) -> None:
        super().__init__()
        self.name = ThemeName.LIGHT
        self.scale = 1.0
        self._fonts: dict[Role, QFont] = {}
        self._windows: WeakSet[QWidget] = WeakSet()

    @property
    def tokens(self) -> Tokens:
        """Return the colours."""
        return TABLE[self.name]

    def colour(self, token: str) -> QColor:
        """Return a colour by the name of its token; states may carry their prefix, ``state_charge``."""
        return QColor(str(getattr(self.tokens, token.removeprefix("state_"))))

    def px(self, size_px: float) -> int:
        """Return a size of the design, enlarged by the person's scale and rounded."""
        return round(size_px * self.scale)

    def font(self, role: Role) -> QFont:
        """Return the font of a role at the present scale."""
        made = self._fonts.get(role)
        if made is None:
            made = self._fonts[role] = fonts.font(role, self.scale)
        return QFont(made)

    def icon(self, name: str, token: str = "muted") -> QIcon:
        """Return a Material Design icon in the colour of a token."""
        from labctl.gui.theme.icons import icon

        return icon(name, self.colour(token).name(), self.tokens.off)

    def icon_size(self, size_px: float = 16) -> QSize:
        """Return the size of an icon at the present scale."""
        return QSize(self.px(size_px), self.px(size_px))

    def dress_window(self, window: QWidget | None) -> None:
        """Dress a window that has no parent, now and with each change; what belongs to it is dressed with it.

        The sheet is the windows', not the application's: there Qt 6.11 dresses every widget once for each of its
        parents, three times a change (1.0 s with all views open), and crashes now and then where it is taken off first.
        """
        if window is None:
            return
        self._windows.add(window)
        window.setStyleSheet(sheet_of(self.name, self.scale))

    def put_on(self, name: ThemeName, scale: float) -> None:
        """Change colours and scale of all windows at once."""
        self._take(name, scale)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            self._dress(application)
        self.changed.emit()

    def change(self, name: ThemeName, scale: float) -> None:
        """Change them unless they are on already."""
        if (name, min(SCALE_MAX, max(SCALE_MIN, round(scale, 2)))) != (self.name, self.scale):
            self.put_on(name, scale)

    def _take(self, name: ThemeName, scale: float) -> None:
        self.name, self.scale = name, min(SCALE_MAX, max(SCALE_MIN, round(scale, 2)))
        self._fonts.clear()

    def _dress(self, application: QApplication) -> None:
        application.setPalette(palette_of(self.tokens))
        application.setFont(self.font(Role.BODY))
        sheet = sheet_of(self.name, self.scale)
        for window in list(self._windows):
            if isValid(window):
                window.setStyleSheet(sheet)


_the: list[Theme] = []


def theme() -> Theme:
    """Return the theme of this process."""
    if not _the:
        _the.append(Theme())
    return _the[0]


def set_role(widget: QWidget, role: Role, tone: str = "text") -> None:
    """Set a label in a role and the colour of a token; it follows theme and scale by itself."""
    widget.setProperty("role", role.name.lower())
    widget.setProperty("tone", tone)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
