"""The tree of places: station, racks, units, channels with alarms; a chosen branch filters the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QTreeView, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.card import Card
from labctl.gui.parts.segment import Choice
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.glyphs import paint_badge
from labctl.gui.viewmodels.alarms import Branch
from labctl.gui.viewmodels.words import PRIORITY_MARKS
from labctl.model.alarm import AlarmPriority

BRANCH_ROLE = Qt.ItemDataRole.UserRole + 1
ROW_PX, BADGE_PX, WIDE_PX = 32, 16, 230
ANY = "any"
"""Key of the choice of every priority."""
Index = QModelIndex | QPersistentModelIndex


class _Cells(QStyledItemDelegate):
    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Leave the text to its own strokes."""
        super().initStyleOption(option, index)
        option.text = ""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height of a line."""
        return QSize(theme().px(80), theme().px(ROW_PX))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a branch: title, badges of what nobody has seen, count at the right."""
        super().paint(painter, option, index)
        branch: Branch | None = index.data(BRANCH_ROLE)
        if branch is None:
            return
        look = theme()
        painter.save()
        strong = branch.depth == 0
        painter.setFont(look.font(Role.STRONG if strong else Role.BODY))
        right = option.rect.right() - look.px(10)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(look.colour("muted"))
        count = str(branch.count)
        room = max(look.px(16), QFontMetrics(painter.font()).horizontalAdvance(count))
        painter.drawText(QRect(right - room, option.rect.top(), room, option.rect.height()),
                         middle | Qt.AlignmentFlag.AlignRight, count)  # fmt: skip
        right -= room + look.px(8)
        for priority in reversed(branch.priorities if branch.depth else ()):
            size = look.px(BADGE_PX)
            where = QRect(right - size, option.rect.center().y() - size // 2 + 1, size, size)
            paint_badge(painter, priority.value, where.toRectF())
            right -= size + look.px(4)
        painter.setPen(look.colour("text"))
        left = option.rect.left() + look.px(2)
        text = QFontMetrics(painter.font()).elidedText(
            branch.title, Qt.TextElideMode.ElideRight, right - left
        )
        painter.drawText(QRect(left, option.rect.top(), right - left, option.rect.height()),
                         middle | Qt.AlignmentFlag.AlignLeft, text)  # fmt: skip
        painter.restore()


class PlaceTree(QTreeView):
    """``chosen`` carries the key of the branch."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = QStandardItemModel(self)
        self.setModel(self._model)
        self.setItemDelegate(_Cells(self))
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
        self._shown: tuple[Branch, ...] = ()
        self._items: dict[str, QStandardItem] = {}
        self._quiet = False
        self.selectionModel().currentChanged.connect(lambda now, before: self._tell(now))
        theme().changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        self.setIndentation(theme().px(16))
        self.viewport().update()

    def show_branches(self, branches: Sequence[Branch]) -> None:
        """Show these branches; what was folded and what was chosen stays so."""
        wanted = tuple(branches)
        if wanted == self._shown:
            return
        if [branch.key for branch in wanted] == [branch.key for branch in self._shown]:
            for branch in wanted:
                self._put(self._items[branch.key], branch)
            self._shown = wanted
            return
        folded = {
            key
            for key, item in self._items.items()
            if item.hasChildren() and not self.isExpanded(item.index())
        }
        present = self.key
        self._quiet = True
        self._model.clear()
        self._items = {}
        above: list[QStandardItem] = []
        for branch in wanted:
            item = QStandardItem()
            self._put(item, branch)
            del above[branch.depth :]
            (above[-1] if above else self._model.invisibleRootItem()).appendRow(item)
            above.append(item)
            self._items[branch.key] = item
        self._shown = wanted
        for branch in wanted:
            item = self._items[branch.key]
            # Units are folded at first: a hundred channels would hide the racks below them.
            self.setExpanded(item.index(), branch.key not in folded and branch.depth < 2)
        if present in self._items:
            self.setCurrentIndex(self._items[present].index())
        self._quiet = False

    @staticmethod
    def _put(item: QStandardItem, branch: Branch) -> None:
        item.setData(branch, BRANCH_ROLE)
        item.setText(branch.title)
        item.setData(f"{branch.title} {branch.count}", Qt.ItemDataRole.AccessibleTextRole)
        item.setToolTip(branch.title)

    @property
    def key(self) -> str:
        """Return the key of the chosen branch; empty where none is."""
        branch = self.currentIndex().data(BRANCH_ROLE)
        return "" if branch is None else str(branch.key)

    def choose(self, key: str) -> None:
        """Choose a branch, without a signal; one that is not there leaves things as they are."""
        item = self._items.get(key)
        if item is not None:
            self._quiet = True
            self.setCurrentIndex(item.index())
            self._quiet = False

    def _tell(self, index: QModelIndex) -> None:
        branch = index.data(BRANCH_ROLE)
        if branch is not None and not self._quiet:
            self.chosen.emit(branch.key)


class PlaceCard(Card):
    """The card of the tree: as wide as a branch with its badges needs, all there is where it stands alone."""

    def minimumSizeHint(self) -> QSize:
        """Return the room of a branch."""
        return QSize(theme().px(WIDE_PX), super().minimumSizeHint().height())


def priority_choices(counts: Mapping[AlarmPriority, int], *, words: bool) -> list[Choice]:
    """Return the choices of a priority with their counts; without words the badge, which has shape and number, stands
    for them.
    """
    choices = [Choice(ANY, tr("alarms", "Any"), str(sum(counts.values())))]
    for priority, count in counts.items():
        word = PRIORITY_MARKS[priority].told
        choices.append(
            Choice(priority.value, word if words else "", str(count), badge=priority.value, name=word)
        )
    return choices
