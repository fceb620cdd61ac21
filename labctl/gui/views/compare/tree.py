"""The tree of compared cells: groups with their colour, cells with their line, a word on their life, an eye to hide."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractItemModel, QEvent, QLineF, QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QStyle,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from labctl.gui.parts.table import Index, Typed
from labctl.gui.plots.look import look_of
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.tokens import Tokens
from labctl.gui.viewmodels.comparing import Line, group_word

LINE_ROLE = Qt.ItemDataRole.UserRole + 1
GROUP_ROLE = Qt.ItemDataRole.UserRole + 2
"""Name, colour and count of a group; the line role of a cell."""
ROW_PX, GROUP_PX, EYE_PX, SAMPLE_PX = 28, 28, 32, 24


class CellsTree(QTreeView):
    """One tab stop; arrows move, Space hides, F2 renames, Delete takes out. Decides nothing: it tells."""

    hide_asked = Signal(list, bool)
    rename_asked = Signal(str, str, str)
    remove_asked = Signal(list)
    menu_asked = Signal(QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = QStandardItemModel(self)
        self.inks: Callable[[], Tokens] = lambda: theme().tokens
        """The colours of the curves: the theme's, or those of the paper that they are drawn on."""
        self._shown: tuple[object, ...] = ()
        self.setModel(self._model)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setItemDelegate(_Rows(self))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(
            lambda at: self.menu_asked.emit(self.viewport().mapToGlobal(at))
        )
        theme().changed.connect(self.viewport().update)
        theme().changed.connect(self.scheduleDelayedItemsLayout)

    # -- content ----------------------------------------------------------------------------------------------------

    def show_lines(self, lines: Sequence[Line], colours: dict[str, int]) -> None:
        """Show these lines; what was selected stays so."""
        words = {line.group: group_word(line.group) for line in lines}
        wanted = (tuple(lines), tuple(colours.items()), words)
        if wanted == self._shown:
            return
        self._shown = wanted
        chosen, current = (
            set(self.run_ids),
            self.currentIndex().data(Qt.ItemDataRole.AccessibleDescriptionRole),
        )
        self._model.clear()
        for group, word in words.items():
            inside = [line for line in lines if line.group == group]
            root = QStandardItem(word)
            root.setData((group, colours[group], len(inside)), GROUP_ROLE)
            root.setData(f"{word} {len(inside)}", Qt.ItemDataRole.AccessibleTextRole)
            root.setData(f"group/{group}", Qt.ItemDataRole.AccessibleDescriptionRole)
            for line in inside:
                item = QStandardItem(line.title)
                item.setData(line, LINE_ROLE)
                item.setData(f"{line.title} {line.note}", Qt.ItemDataRole.AccessibleTextRole)
                item.setData(line.run_id, Qt.ItemDataRole.AccessibleDescriptionRole)
                item.setToolTip("\n".join(part for part in (line.title, line.note, line.why_not) if part))
                root.appendRow(item)
            self._model.appendRow(root)
        self.expandAll()
        self._choose_again(chosen, current)

    def _choose_again(self, chosen: set[str], current: object) -> None:
        selection = self.selectionModel()
        flag = selection.SelectionFlag.Select
        for index in self._indexes():
            if index.data(Qt.ItemDataRole.AccessibleDescriptionRole) == current:
                selection.setCurrentIndex(index, selection.SelectionFlag.NoUpdate)
            line = index.data(LINE_ROLE)
            if isinstance(line, Line) and line.run_id in chosen:
                selection.select(index, flag)

    def _indexes(self) -> list[QModelIndex]:
        found = []
        for row in range(self._model.rowCount()):
            group = self._model.index(row, 0)
            found += [
                group,
                *(self._model.index(one, 0, group) for one in range(self._model.rowCount(group))),
            ]
        return found

    @property
    def run_ids(self) -> list[str]:
        """Return the selected runs; a selected group stands for all of its runs."""
        found: dict[str, None] = {}
        for index in self.selectionModel().selectedIndexes():
            line = index.data(LINE_ROLE)
            if isinstance(line, Line):
                found[line.run_id] = None
            else:
                found |= dict.fromkeys(self._inside(index))
        return list(found)

    def _inside(self, group: Index) -> list[str]:
        lines = [
            self._model.index(row, 0, group).data(LINE_ROLE) for row in range(self._model.rowCount(group))
        ]
        return [line.run_id for line in lines]

    @property
    def group(self) -> str:
        """Return the group of the current row; empty where there is none."""
        index = self.currentIndex()
        line, known = index.data(LINE_ROLE), index.data(GROUP_ROLE)
        return line.group if isinstance(line, Line) else known[0] if known else ""

    def select_run(self, run_id: str) -> None:
        """Make a run current and selected."""
        for index in self._indexes():
            if index.data(Qt.ItemDataRole.AccessibleDescriptionRole) == run_id:
                self.setCurrentIndex(index)

    # -- keys and mouse ---------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hide with Space, take out with Delete; the rest is the tree's own."""
        if event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self._toggle(self.run_ids)
        elif event.key() == Qt.Key.Key_Delete:
            self.remove_asked.emit(self.run_ids)
        elif event.key() == Qt.Key.Key_Menu:
            self.menu_asked.emit(self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center()))
        else:
            super().keyPressEvent(event)

    def _toggle(self, run_ids: Sequence[str]) -> None:
        lines = [index.data(LINE_ROLE) for index in self._indexes()]
        hidden = [line.hidden for line in lines if isinstance(line, Line) and line.run_id in run_ids]
        if hidden:
            self.hide_asked.emit(list(run_ids), not all(hidden))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Hide or show by a click on the eye; fold a group by its chevron."""
        index = self.indexAt(event.position().toPoint())
        at_left = event.position().x() < theme().px(EYE_PX) and event.button() == Qt.MouseButton.LeftButton
        line = index.data(LINE_ROLE) if index.isValid() else None
        if at_left and isinstance(line, Line):
            self.hide_asked.emit([line.run_id], not line.hidden)
        elif at_left and index.isValid():
            self.setExpanded(index, not self.isExpanded(index))
        else:
            super().mousePressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the style."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.viewport().update()


class _Rows(Typed):
    """Paints groups and cells, and takes new names."""

    def __init__(self, tree: CellsTree) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height of a row."""
        return QSize(120, theme().px(ROW_PX if index.data(GROUP_ROLE) is None else GROUP_PX))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a row."""
        look, rect = theme(), option.rect
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        group, line = index.data(GROUP_ROLE), index.data(LINE_ROLE)
        painter.save()
        painter.fillRect(rect, look.colour("selection" if chosen else "head" if group else "panel"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), look.colour("hairline"))
        if group:
            self._paint_group(painter, rect, group, self._tree.isExpanded(index))
        elif isinstance(line, Line):
            self._paint_line(painter, rect, line)
        if option.state & QStyle.StateFlag.State_HasFocus and self._tree.hasFocus():
            painter.setPen(look.colour("focus"))
            painter.drawRect(rect.adjusted(0, 0, -1, -2))
        painter.restore()

    def _paint_group(self, painter: QPainter, rect: QRect, group: tuple[str, int, int], opened: bool) -> None:
        look, (name, colour, count) = theme(), group
        curves = self._tree.inks().curves
        self._icon(painter, rect, look.px(8), "chevron-down" if opened else "chevron-right")
        side = look.px(10)
        square = QRect(rect.left() + look.px(30), rect.center().y() - side // 2, side, side)
        painter.fillRect(square, curves[colour % len(curves)])
        note = str(count)
        wide = self._note(painter, rect, note)
        self._text(painter, rect, look.px(46), wide, group_word(name), Role.STRONG, "text")

    def _paint_line(self, painter: QPainter, rect: QRect, line: Line) -> None:
        look = theme()
        tone = "off" if line.hidden or line.why_not else "text"
        self._icon(painter, rect, look.px(8), "eye-off-outline" if line.hidden else "eye-outline")
        wide = self._note(painter, rect, line.note)
        left = look.px(EYE_PX)
        room = rect.width() - left - wide - look.px(SAMPLE_PX + 28)
        name = QFontMetrics(look.font(Role.BODY)).elidedText(
            line.title, Qt.TextElideMode.ElideMiddle, max(room, 24)
        )
        used = self._text(painter, rect, left, 0, name, Role.BODY, tone)
        plot = look_of(self._tree.inks(), unit=look.scale)
        x = rect.left() + left + used + look.px(8)
        if line.pinned:
            self._icon(painter, rect, x - rect.left() - look.px(4), "pin-outline")
            x += look.px(14)
        if not line.hidden and not line.why_not:
            painter.setPen(plot.pen(plot.curve_colour(line.colour), 1.75, plot.dash(line.dash)))
            y = rect.center().y() + 0.5
            painter.drawLine(QLineF(x, y, x + look.px(SAMPLE_PX), y))

    def _icon(self, painter: QPainter, rect: QRect, left: int, name: str) -> None:
        size = theme().px(16)
        where = QRect(rect.left() + left, rect.center().y() - size // 2, size, size)
        theme().icon(name, "muted").paint(painter, where)

    def _note(self, painter: QPainter, rect: QRect, note: str) -> int:
        """Write a note at the right; returns its width."""
        look = theme()
        painter.setFont(look.font(Role.SMALL))
        painter.setPen(look.colour("muted"))
        metrics = QFontMetrics(painter.font())
        shown = metrics.elidedText(note, Qt.TextElideMode.ElideRight, rect.width() // 2)
        area = rect.adjusted(0, 0, -look.px(12), 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown)
        return metrics.horizontalAdvance(shown) + look.px(16)

    def _text(
        self, painter: QPainter, rect: QRect, left: int, right: int, text: str, role: Role, tone: str
    ) -> int:
        look = theme()
        painter.setFont(look.font(role))
        painter.setPen(look.colour(tone))
        area = rect.adjusted(left, 0, -right, 0)
        shown = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        return QFontMetrics(painter.font()).horizontalAdvance(shown)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Tell the new name; the view-model decides."""
        line, known = index.data(LINE_ROLE), index.data(GROUP_ROLE)
        text = editor.text() if isinstance(editor, QLineEdit) else ""
        if isinstance(line, Line):
            self._tree.rename_asked.emit(line.run_id, line.group, text)
        elif known:
            self._tree.rename_asked.emit("", known[0], text)
