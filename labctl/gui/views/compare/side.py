"""The left column: compared cells, the table of their lives, the criteria."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QIcon, QPixmap, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.labels import ElidedLabel, Label
from labctl.gui.parts.layouts import Column, fix_size
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.compare import Compare
from labctl.gui.viewmodels.comparetable import life_rows
from labctl.gui.viewmodels.comparing import group_word
from labctl.gui.viewmodels.lives import criteria
from labctl.gui.viewmodels.panels import experiments
from labctl.gui.views.compare.tree import CellsTree

LIFE_FROM_PX = 440
GROUPS_MAX = 3
"""Columns of the small table of lives; the page of figures has all."""


class Side(QWidget):
    """264 px wide; the tree takes what lives and criteria leave."""

    def __init__(self) -> None:
        super().__init__()
        fix_size(self, width=280)
        self.cells = Card(inset=0)
        self.add = Button(icon="plus", rank=Rank.QUIET)
        self.cells.head.addWidget(self.add)
        self.tree = CellsTree()
        self.cells.body.addWidget(self.tree, 1)
        self.life = Card(inset=16)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(theme().px(8))
        self._grid.setVerticalSpacing(theme().px(8))
        self._grid.setColumnStretch(0, 1)
        self._criteria = Label("", Role.SMALL, "muted", wrap=True)
        self.life.body.addLayout(self._grid)
        self.life.body.addWidget(self._criteria)
        self.life.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        outer = Column(self, gap=8)
        outer.addWidget(self.cells, 1)
        outer.addWidget(self.life)
        self._shown: object = None

    def retranslate(self) -> None:
        """Take the words anew."""
        self.cells.set_title(tr("compare", "Cells"))
        self.add.setText(tr("compare", "Add"))
        self.tree.setAccessibleName(tr("compare", "Compared cells"))
        self.life.set_title(tr("compare", "Life"))
        self._shown = None

    def show_compare(self, compare: Compare) -> None:
        """Show cells and lives."""
        self.tree.show_lines(compare.lines(), dict(compare.colours))
        rows, groups = life_rows(compare), compare.groups[:GROUPS_MAX]
        symmetric = any(one.symmetric for one in experiments(compare))
        self._criteria.setText("\n".join(f"✓ {text}" for text in criteria()) if symmetric else "")
        self._criteria.setVisible(symmetric)
        if (rows, groups) == self._shown:
            return
        self._shown = (rows, groups)
        while self._grid.count():
            item = self._grid.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.deleteLater()
        for column, group in enumerate(groups, start=1):
            self._grid.addWidget(_figure(group_word(group), Role.SMALL, "muted"), 0, column)
        for row, (title, texts) in enumerate(rows, start=1):
            self._grid.addWidget(ElidedLabel(title, Role.SMALL), row, 0)
            for column, text in enumerate(texts[:GROUPS_MAX], start=1):
                self._grid.addWidget(_figure(text, Role.BODY, "text"), row, column)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the room to the tree where there is little; the page of figures has the lives too."""
        super().resizeEvent(event)
        self.life.setVisible(self.height() >= theme().px(LIFE_FROM_PX))

    @staticmethod
    def swatch(place: int) -> QIcon:
        """Return a square in one of the curve colours."""
        side = theme().px(12)
        pixmap = QPixmap(QRect(0, 0, side, side).size())
        pixmap.fill(QColor(theme().tokens.curves[place]))
        return QIcon(pixmap)


def _figure(text: str, role: Role, tone: str) -> Label:
    label = Label(text, role, tone)
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label
