"""The theme that is on: colours, scale and fonts, with one signal when any of them changes."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakSet

from PySide6.QtCore import QObject, QSize, QTimer, Signal
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
        self._roots: WeakSet[QWidget] = WeakSet()
        self._work: Iterator[None] | None = None
        """The steps of a change that is on its way."""
        self._still: list[QWidget] = []
        """Windows that are not painted meanwhile."""

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

    def dress(self, root: QWidget | None) -> None:
        """Dress a widget and what belongs to it, now and with each change.

        The sheet is that of a window's parts (bars, each view, dialogs), not the application's and not the window's:
        Qt dresses all that is below in one turn, 0.5 s with all views made. On the application it takes 1.0 s, and Qt
        6.11 crashes now and then where it is taken off first.
        """
        if root is None:
            return
        self._roots.add(root)
        root.setStyleSheet(sheet_of(self.name, self.scale))

    def put_on(self, name: ThemeName, scale: float) -> None:
        """Change colours and scale of all windows at once: before there is much to dress."""
        self._take(name, scale)
        self._work = None
        for _ in self._steps():
            continue

    def change(self, name: ThemeName, scale: float) -> None:
        """Change them unless they are on already, a part of a window in each turn; seen when all is on."""
        if (name, min(SCALE_MAX, max(SCALE_MIN, round(scale, 2)))) == (self.name, self.scale):
            return
        self._take(name, scale)
        for window in {root.window() for root in self._roots if isValid(root) and root.isVisible()}:
            if window not in self._still:
                self._still.append(window)
                window.setUpdatesEnabled(False)
        if self._work is None:
            QTimer.singleShot(0, self, self._go_on)
        self._work = self._steps()

    @property
    def changing(self) -> bool:
        """Tell whether a change is on its way: nothing is painted until what is seen has it."""
        return bool(self._still)

    def _go_on(self) -> None:
        """Take the next step, and leave the others to the turns that come."""
        if self._work is None:
            return
        if next(self._work, self) is self:
            self._work = None
        else:
            QTimer.singleShot(0, self, self._go_on)

    def _steps(self) -> Iterator[None]:
        """Dress what is seen, tell of the change, paint, dress what nobody sees."""
        sheet = sheet_of(self.name, self.scale)
        roots = [root for root in self._roots if isValid(root)]
        for root in tuple(roots):
            if isValid(root) and root.isVisible():
                root.setStyleSheet(sheet)
                roots.remove(root)
                yield
        self.changed.emit()
        yield
        while self._still:
            window = self._still.pop()
            if isValid(window):
                window.setUpdatesEnabled(True)
                # Painted now, not asked for: what was dirty before is dirty still, its request was spent while updates
                # were off, and Qt sends no second one; the window would never be painted again.
                window.repaint()
            yield
        for root in roots:
            if isValid(root):
                root.setStyleSheet(sheet)
                yield

    def _take(self, name: ThemeName, scale: float) -> None:
        self.name, self.scale = name, min(SCALE_MAX, max(SCALE_MIN, round(scale, 2)))
        self._fonts.clear()
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.setPalette(palette_of(self.tokens))
            application.setFont(self.font(Role.BODY))


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
