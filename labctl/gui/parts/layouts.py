"""Rows and columns on the grid of 8 px that follow the person's scale."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from labctl.gui.theme.current import theme


class _Scaled:
    """Keeps the design sizes of a layout and applies them anew when the scale changes."""

    def __init__(
        self, layout: QBoxLayout, margins_px: tuple[float, float, float, float], gap_px: float
    ) -> None:
        self._layout, self._margins_px, self._gap_px = layout, margins_px, gap_px

    def apply(self) -> None:
        """Set margins and gap in device pixels."""
        look = theme()
        left, top, right, bottom = (look.px(size) for size in self._margins_px)
        self._layout.setContentsMargins(left, top, right, bottom)
        self._layout.setSpacing(look.px(self._gap_px))


class Row(QHBoxLayout):
    """Widgets side by side. ``margins``: left, top, right, bottom in design pixels."""

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        margins: tuple[float, float, float, float] = (0, 0, 0, 0),
        gap: float = 8,
    ) -> None:
        if parent is None:
            super().__init__()
        else:
            super().__init__(parent)
        self._scaled = _Scaled(self, margins, gap)
        self._scaled.apply()
        theme().changed.connect(self.rescale)

    def rescale(self) -> None:
        """Follow the scale."""
        self._scaled.apply()

    def put(self, *items: QWidget | QBoxLayout | None) -> Row:
        """Add widgets and layouts in order; None is the room that is left. Returns itself."""
        _put(self, items)
        return self


class Column(QVBoxLayout):
    """Widgets below each other. ``margins``: left, top, right, bottom in design pixels."""

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        margins: tuple[float, float, float, float] = (0, 0, 0, 0),
        gap: float = 8,
    ) -> None:
        if parent is None:
            super().__init__()
        else:
            super().__init__(parent)
        self._scaled = _Scaled(self, margins, gap)
        self._scaled.apply()
        theme().changed.connect(self.rescale)

    def rescale(self) -> None:
        """Follow the scale."""
        self._scaled.apply()

    def put(self, *items: QWidget | QBoxLayout | None) -> Column:
        """Add widgets and layouts in order; None is the room that is left. Returns itself."""
        _put(self, items)
        return self


def _put(layout: QBoxLayout, items: tuple[QWidget | QBoxLayout | None, ...]) -> None:
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, QBoxLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)


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
