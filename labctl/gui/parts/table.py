"""Tables (design README 7): set-up of a QTableView, heights, and copy as tab-separated text with its head (R10)."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role

HEAD_PX, ROW_PX, ALARM_PX, LIST_PX = 32, 32, 40, 28
RAW_ROLE = Qt.ItemDataRole.UserRole + 100
"""What is copied of a cell, where it differs from what is shown (plain figures without thin spaces)."""
STRONG_ROLE = Qt.ItemDataRole.UserRole + 101
"""True: the cell is set in semibold (key column)."""
TONE_ROLE = Qt.ItemDataRole.UserRole + 102
"""The token of the cell's text colour."""
QUESTION_ROLE = Qt.ItemDataRole.UserRole + 103
"""True: a question is open on the cell: 2 px inner frame in the paused colour."""
FILLED = "labctl_filled"
"""Property of an editor that has its cell's text."""

Index = QModelIndex | QPersistentModelIndex


class Typed(QStyledItemDelegate):
    """Fills an editor when it opens, and never again: Qt would at each news of the cell, over what is being typed."""

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Begin with the cell's text; what comes for the cell later waits until the editor is closed."""
        if not editor.property(FILLED):
            editor.setProperty(FILLED, True)
            self.fill(editor, index)

    def fill(self, editor: QWidget, index: Index) -> None:
        """Put the cell's text into an editor that has just been opened."""
        super().setEditorData(editor, index)


class Cells(Typed):
    """Paints cells: strong, toned, with the frame of a question; the keyboard's place has a frame of its own."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Set font and colour from the model's roles."""
        super().initStyleOption(option, index)
        look = theme()
        option.font = look.font(Role.STRONG if index.data(STRONG_ROLE) else Role.BODY)
        tone = index.data(TONE_ROLE)
        if tone:
            palette = option.palette
            for role in (palette.ColorRole.Text, palette.ColorRole.HighlightedText):
                palette.setColor(role, look.colour(str(tone)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell and the frames around it."""
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        super().paint(painter, option, index)
        token = "paused" if index.data(QUESTION_ROLE) else "focus" if focused else ""
        if token:
            painter.save()
            pen = painter.pen()
            pen.setColor(theme().colour(token))
            pen.setWidth(theme().px(2))
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.drawRect(option.rect.adjusted(1, 1, -2, -2))
            painter.restore()


class Table(QTableView):
    """A table: rules only lying, no zebra, rows of 32 px, one tab stop. ``opened`` is Enter or a double click."""

    opened = Signal(QModelIndex)

    def __init__(self, name: str, *, row_px: int = ROW_PX, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._row_px = row_px
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(Cells(self))
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setStretchLastSection(True)
        head.setMinimumSectionSize(24)
        self.doubleClicked.connect(self.opened)
        theme().changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        look = theme()
        self.verticalHeader().setDefaultSectionSize(look.px(self._row_px))
        self.horizontalHeader().setFixedHeight(look.px(HEAD_PX))
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy, and open with Enter; everything else goes the usual way."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.state() != self.State.EditingState:
            if self.currentIndex().isValid():
                self.opened.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def copy(self) -> None:
        """Put the selected rows, or all, into the clipboard."""
        QGuiApplication.clipboard().setText(self.as_text())

    def as_text(self) -> str:
        """Return the selected rows (all where none is) as tab-separated text with its head, columns as shown."""
        model, head = self.model(), self.horizontalHeader()
        if model is None:
            return ""
        order = [head.logicalIndex(at) for at in range(head.count())]
        columns = [column for column in order if not self.isColumnHidden(column)]
        selection = self.selectionModel()
        rows = sorted({index.row() for index in selection.selectedIndexes()}) or list(range(model.rowCount()))
        names = [model.headerData(column, Qt.Orientation.Horizontal) for column in columns]
        lines = ["\t".join(_flat(name) for name in names)]
        for row in rows:
            lines.append("\t".join(_flat(_copied(model.index(row, column))) for column in columns))
        return "\n".join(lines) + "\n"

    def changeEvent(self, event: QEvent) -> None:
        """Follow the style."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._restyle()


def _copied(index: QModelIndex) -> object:
    raw = index.data(RAW_ROLE)
    return index.data() if raw is None else raw


def _flat(value: object) -> str:
    """Return a value as one cell of a spreadsheet: a formula stays text there, and line ends do not split rows."""
    text = "" if value is None else str(value)
    text = " ".join(text.replace("\t", " ").splitlines()) if text else ""
    return f"'{text}" if text[:1] in "=@" and text else text
