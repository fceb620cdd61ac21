"""A main part with a right column; in a narrow window the column becomes a tab (design README 2)."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.theme.current import theme

SIDE_PX = 360
NARROW_PX = 1240
"""Width of the page below which the right column is a tab."""


class SidePage(QWidget):
    """``main`` and ``side`` are columns to put cards into. Call ``name_parts`` in the view's ``retranslate``."""

    def __init__(
        self, *, width_px: int = SIDE_PX, narrow_px: int = NARROW_PX, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._narrow_px = narrow_px
        self.narrow = False
        self.parts = Segment("", (Choice("main", "main"), Choice("side", "side")), height_px=28)
        self.parts.chosen.connect(lambda key: self._place())
        self._tabs = QWidget()
        Row(self._tabs).put(self.parts, None)
        self._left, inner = QWidget(), QWidget()
        self.main = Column(self._left, gap=8)
        self.side = Column(inner, gap=8)
        self._right = QScrollArea()
        self._right.setWidgetResizable(True)
        self._right.setHorizontalScrollBarPolicy(self._right.horizontalScrollBarPolicy().ScrollBarAlwaysOff)
        self._right.setWidget(inner)
        self._right.setFocusPolicy(self.focusPolicy().NoFocus)
        fix_size(self._right, width=width_px)
        row = Row(gap=8)
        row.addWidget(self._left, 1)
        row.addWidget(self._right)
        outer = Column(self, gap=8)
        outer.addWidget(self._tabs)
        outer.addLayout(row, 1)
        theme().changed.connect(self._measure)
        self._place()

    def name_parts(self, main: str, side: str) -> None:
        """Name both parts, for the tabs of a narrow window."""
        self.parts.show_choices((Choice("main", main), Choice("side", side)))
        self.parts.setAccessibleName(f"{main}, {side}")

    def _measure(self) -> None:
        narrow = self.width() < theme().px(self._narrow_px)
        if narrow != self.narrow:
            self.narrow = narrow
            self._place()

    def _place(self) -> None:
        self._tabs.setVisible(self.narrow)
        self._left.setVisible(not self.narrow or self.parts.key == "main")
        self._right.setVisible(not self.narrow or self.parts.key == "side")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the window's width."""
        super().resizeEvent(event)
        self._measure()
