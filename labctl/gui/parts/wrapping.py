"""Controls in a row that go on in the next one where room is short; the height follows by itself.

A layout with height for width would do the same, but inside a view it makes the whole page as high as its narrowest
form: here the height is that of the present width alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from labctl.gui.theme.current import theme


class Wrapping(QWidget):
    """Holds controls in order. Margins and gaps are in design pixels.

    ``spared`` are left out, the first one first, where one line would not hold all: keys and menus have them too.
    """

    def __init__(
        self, controls: Sequence[QWidget], *, margin_px: tuple[float, float] = (8, 8),
        gap_px: tuple[float, float] = (8, 4), spared: Sequence[QWidget] = (), parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._controls, self._margin_px, self._gap_px = tuple(controls), margin_px, gap_px
        self._spared = tuple(spared)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for control in self._controls:
            control.setParent(self)
        theme().changed.connect(self.place)
        self.place()

    def place(self) -> None:
        """Place the controls for the present width, and take the height that they need."""
        px = theme().px
        left, top = px(self._margin_px[0]), px(self._margin_px[1])
        gap, line = px(self._gap_px[0]), px(self._gap_px[1])
        self._spare(self.width() - 2 * left, gap)
        rows: list[list[tuple[QWidget, QSize]]] = [[]]
        x = left
        for control in self._controls:
            if control.isHidden():
                continue
            size = control.sizeHint()
            if rows[-1] and x + size.width() > self.width() - left:
                rows.append([])
                x = left
            rows[-1].append((control, size))
            x += size.width() + gap
        y = top
        for row in rows:
            tall, x = max((size.height() for _, size in row), default=0), left
            for control, size in row:
                control.setGeometry(QRect(x, y + (tall - size.height()) // 2, size.width(), size.height()))
                x += size.width() + gap
            y += tall + line
        height = y - line + top
        if height != self.height() or self.minimumHeight() != height:
            self.setFixedHeight(height)

    def _spare(self, room: int, gap: int) -> None:
        """Show or leave out the spared controls; one that stays as it is is not touched, which would ask again."""
        wanted = [one for one in self._controls if one in self._spared or not one.isHidden()]
        for one in self._spared:
            needed = sum(control.sizeHint().width() + gap for control in wanted) - gap
            if needed > room:
                wanted.remove(one)
            if one.isHidden() == (one in wanted):
                one.setVisible(one in wanted)

    def sizeHint(self) -> QSize:
        """Return the height of the present width."""
        return QSize(self.minimumSizeHint().width(), self.height())

    def minimumSizeHint(self) -> QSize:
        """Return the room of the widest control."""
        wide = max((one.sizeHint().width() for one in self._controls if not one.isHidden()), default=0)
        return QSize(wide + 2 * theme().px(self._margin_px[0]), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the width."""
        super().resizeEvent(event)
        self.place()

    def event(self, event: QEvent) -> bool:
        """Follow controls that are shown, hidden or say more."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.place()
        return super().event(event)
