"""Rows and columns on the grid of 8 px that follow the person's scale."""

from __future__ import annotations

from typing import Self

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QBoxLayout, QWidget

from labctl.gui.theme.current import theme


class _Line(QBoxLayout):
    """Widgets in a line with the margins and the gap of the design, at every scale."""

    def __init__(
        self,
        direction: QBoxLayout.Direction,
        parent: QWidget | None,
        margins_px: tuple[float, float, float, float],
        gap_px: float,
    ) -> None:
        super().__init__(direction, parent)
        self._margins_px, self._gap_px = margins_px, gap_px
        theme().changed.connect(self.rescale)
        self.rescale()

    def rescale(self) -> None:
        """Set margins and gap in device pixels."""
        look = theme()
        left, top, right, bottom = (look.px(size) for size in self._margins_px)
        self.setContentsMargins(left, top, right, bottom)
        self.setSpacing(look.px(self._gap_px))

    def put(self, *items: QWidget | QBoxLayout | None) -> Self:
        """Add widgets and layouts in order; None is the room that is left. Returns itself."""
        for item in items:
            if item is None:
                self.addStretch(1)
            elif isinstance(item, QBoxLayout):
                self.addLayout(item)
            else:
                self.addWidget(item)
        return self


class Row(_Line):
    """Widgets side by side. ``margins``: left, top, right, bottom in design pixels."""

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        margins: tuple[float, float, float, float] = (0, 0, 0, 0),
        gap: float = 8,
    ) -> None:
        super().__init__(QBoxLayout.Direction.LeftToRight, parent, margins, gap)


class Column(_Line):
    """Widgets below each other. ``margins``: left, top, right, bottom in design pixels."""

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        margins: tuple[float, float, float, float] = (0, 0, 0, 0),
        gap: float = 8,
    ) -> None:
        super().__init__(QBoxLayout.Direction.TopToBottom, parent, margins, gap)


class _Fixed(QObject):
    """Holds a widget to a size of the design; lives as long as the widget, and its connection with it."""

    def __init__(self, widget: QWidget, width_px: float | None, height_px: float | None) -> None:
        super().__init__(widget)
        self._widget, self._width_px, self._height_px = widget, width_px, height_px
        theme().changed.connect(self.apply)
        self.apply()

    def apply(self) -> None:
        """Set the size in device pixels."""
        if self._width_px is not None:
            self._widget.setFixedWidth(theme().px(self._width_px))
        if self._height_px is not None:
            self._widget.setFixedHeight(theme().px(self._height_px))


def fix_size(widget: QWidget, *, width: float | None = None, height: float | None = None) -> None:
    """Keep a widget at a width or height of the design (pixels at 100 %), at every scale."""
    _Fixed(widget, width, height)
