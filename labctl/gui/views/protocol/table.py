"""The protocol's table: brackets of the loops, editors in the cells, keys, drag of steps, questions in the row."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QIcon,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QFrame,
    QLineEdit,
    QStyle,
    QStyleOptionViewItem,
    QWidget,
)

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.labels import IconLabel, Label
from labctl.gui.parts.layouts import Row as Line
from labctl.gui.parts.table import Cells, Table
from labctl.gui.theme.current import theme
from labctl.gui.theme.glyphs import paint_glyph
from labctl.gui.viewmodels.protocol.rows import HEADS, STEPS, Column, Kind, Row
from labctl.gui.viewmodels.protocol.typed import Option
from labctl.gui.views.protocol.rowmodel import COLUMNS, FROM_VARIABLE_ROLE, PROBLEM_ROLE, RowModel

Index = QModelIndex | QPersistentModelIndex
BRACKETS_PX, LEVEL_PX, STROKE_PX = 44, 14, 1.5
GLYPH_PX, SIGN_PX = 10, 14
UNTIL_MIN_PX = 190
WIDTHS_PX = {
    Column.NUMBER: 44, Column.LABEL: 84, Column.STEP: 120, Column.SET: 132, Column.ABSOLUTE: 92, Column.UNTIL: 260,
    Column.RECORD: 112, Column.LIMITS: 108, Column.NEXT: 64,
}  # fmt: skip
GLYPHS = {
    Kind.REST: ("rest", "rest"), Kind.CC_CHG: ("charge", "charge"), Kind.CCCV_CHG: ("charge", "charge"),
    Kind.CV_CHG: ("charge", "charge"), Kind.CC_DIS: ("discharge", "discharge"),
    Kind.CCCV_DIS: ("discharge", "discharge"), Kind.CV_DIS: ("discharge", "discharge"), Kind.EIS: ("eis", "muted"),
    Kind.END: ("done", "done"), Kind.ODD: ("unknown", "stale"), Kind.ASK: ("held", "muted"),
    Kind.HANDOVER: ("starting", "muted"),
}  # fmt: skip


class StepCells(Cells):
    """Paints a cell of the table; its editors are plain lines, so that input methods work."""

    def __init__(self, table: ProtocolTable) -> None:
        super().__init__(table)
        self._table = table
        self.begin_with: str | None = None
        """What the next editor begins with, where a typed text was not taken."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Underline what comes from a variable; leave room for the glyph of the step."""
        super().initStyleOption(option, index)
        if index.data(FROM_VARIABLE_ROLE):
            font = option.font
            font.setUnderline(True)
            option.font = font
        row = self._table.rows.row_at(index)
        if COLUMNS[index.column()] is Column.STEP and row is not None and row.kind in GLYPHS:
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration
            option.decorationSize = theme().icon_size(GLYPH_PX + 2)
            option.icon = self._clear()

    @staticmethod
    def _clear() -> QIcon:
        """Return an icon that shows nothing: it keeps the room of the painted glyph."""
        pixmap = QPixmap(theme().icon_size(GLYPH_PX + 2))
        pixmap.fill(Qt.GlobalColor.transparent)
        return QIcon(pixmap)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint brackets, step glyphs, and the sign of a problem."""
        super().paint(painter, option, index)
        column, row, look = COLUMNS[index.column()], self._table.rows.row_at(index), theme()
        if row is None:
            return
        if column is Column.STEP and row.kind in GLYPHS:
            glyph, token = GLYPHS[row.kind]
            size = look.px(GLYPH_PX)
            top = option.rect.center().y() - size // 2 + 1
            paint_glyph(
                painter, glyph, QRectF(option.rect.left() + look.px(8), top, size, size), look.colour(token)
            )
        problem = index.data(PROBLEM_ROLE)
        if problem:
            size, edge = look.px(SIGN_PX), look.px(4)
            where = QRect(
                option.rect.right() - size - edge, option.rect.center().y() - size // 2 + 1, size, size
            )
            chosen = bool(option.state & QStyle.StateFlag.State_Selected)
            painter.fillRect(where.adjusted(-edge, 0, 0, 0), look.colour("selection" if chosen else "panel"))
            name = "alert-circle-outline" if problem == "error" else "alert-outline"
            look.icon(name, "hard" if problem == "error" else "paused").paint(painter, where)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """Return a line; for the step with the words that are known."""
        field = QLineEdit(parent)
        field.setFrame(False)
        column, row = COLUMNS[index.column()], self._table.rows.row_at(index)
        field.setAccessibleName(str(index.model().headerData(index.column(), Qt.Orientation.Horizontal)))
        if column is Column.STEP and row is not None and row.kind not in HEADS:
            words = QCompleter([kind.value for kind in STEPS if kind not in HEADS], field)
            words.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            words.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
            field.setCompleter(words)
            theme().dress(words.popup())  # Qt gives it no parent
        if column in (Column.SET,):
            field.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return field

    def fill(self, editor: QWidget, index: Index) -> None:
        """Begin with the cell's text, or with what was typed before."""
        if not isinstance(editor, QLineEdit):
            return
        text = index.data(Qt.ItemDataRole.EditRole) if self.begin_with is None else self.begin_with
        self.begin_with = None
        editor.setText(str(text or ""))
        editor.selectAll()

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """Let the editor cover its cell, at least as wide as what is typed there may need."""
        area = QRect(option.rect)
        least = theme().px(160)
        if area.width() < least and COLUMNS[index.column()] is not Column.LABEL:
            area.setWidth(least)
        editor.setGeometry(area.adjusted(1, 1, -1, -1))


class RowQuestion(QFrame):
    """What is asked about a typed text, in the row itself: answers as buttons; Escape goes back to the cell."""

    answered = Signal(str)
    again = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("part", "card")
        self.setAutoFillBackground(True)
        self._icon = IconLabel("help-circle-outline", "paused")
        self.text = Label("")
        self.buttons: list[Button] = []
        self._row = Line(self, margins=(8, 2, 8, 2), gap=8)
        self._row.put(self._icon, self.text)
        self._row.addStretch(1)
        self.hide()

    def ask(self, text: str, options: tuple[Option, ...], problem: bool) -> None:
        """Show a question with its answers, or a problem with the way back."""
        for button in self.buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self._icon.show_icon(
            "alert-circle-outline" if problem else "help-circle-outline", "hard" if problem else "paused"
        )
        self.text.setText(text)
        self.setAccessibleName(text)
        self.buttons = [self._button(option.label, option.text) for option in options]
        back = Button(tr("protocol", "Edit again"), height_px=24)
        back.clicked.connect(self.again)
        self.buttons.append(back)
        for button in self.buttons:
            self._row.addWidget(button)
            button.show()  # else the layout counts it only later, and the strip is placed too narrow
        self.show()
        self._row.activate()
        self.raise_()
        self.buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _button(self, label: str, text: str) -> Button:
        button = Button(label, height_px=24)
        button.clicked.connect(lambda: self.answered.emit(text))
        return button

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move between the answers; Escape goes back."""
        at = next((at for at, button in enumerate(self.buttons) if button.hasFocus()), 0)
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Escape:
            self.again.emit()
        elif step is not None:
            self.buttons[(at + step) % len(self.buttons)].setFocus()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.buttons[at].click()
        else:
            super().keyPressEvent(event)


class ProtocolTable(Table):
    """The table. Signals carry wishes; the view asks the view-model and shows what came of them."""

    wished = Signal(str)
    """``add``, ``duplicate``, ``delete``, ``up``, ``down``, ``wrap``, ``unwrap``, ``fold``."""
    dropped = Signal(object)
    """The row behind which the chosen steps were dropped."""
    not_editable = Signal(object, object)
    """Row and column of a cell that a person tried to edit and cannot."""

    def __init__(self, rows: RowModel) -> None:
        super().__init__(tr("protocol", "Steps of the protocol"))
        self.rows = rows
        self.setModel(rows)
        self.cells = StepCells(self)
        self.setItemDelegate(self.cells)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.DoubleClicked | triggers.AnyKeyPressed | triggers.EditKeyPressed)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDropIndicatorShown(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        head = self.horizontalHeader()
        head.setStretchLastSection(False)
        head.setMinimumSectionSize(theme().px(24))
        self.question = RowQuestion(self.viewport())
        self._asked_at: QPersistentModelIndex | None = None
        theme().changed.connect(self.set_widths)
        self.set_widths()

    def set_widths(self) -> None:
        """Give the columns their widths at the present scale; "until" takes what is left, "next" goes first."""
        look, fixed = theme(), 0
        for at, column in enumerate(COLUMNS):
            wanted = look.px(self._brackets_px() if column is None else WIDTHS_PX[column])
            if column is not Column.UNTIL:
                self.setColumnWidth(at, wanted)
                fixed += wanted
        left, last = self.viewport().width() - fixed, COLUMNS.index(Column.NEXT)
        short = left < look.px(UNTIL_MIN_PX)
        self.setColumnHidden(last, short)
        left += look.px(WIDTHS_PX[Column.NEXT]) if short else 0
        self.setColumnWidth(COLUMNS.index(Column.UNTIL), max(look.px(UNTIL_MIN_PX), left))

    def _brackets_px(self) -> int:
        deepest = max((row.level for row in self.rows.rows), default=0)
        return max(BRACKETS_PX, 16 + LEVEL_PX * (deepest + 1))

    def fit_brackets(self) -> None:
        """Give the brackets the room of the deepest loop."""
        if self.columnWidth(0) != theme().px(self._brackets_px()):
            self.set_widths()

    # -- selection ----------------------------------------------------------------------------------------------

    def chosen(self) -> list[Row]:
        """Return the chosen rows in order; the current one where none is chosen."""
        places = sorted({index.row() for index in self.selectionModel().selectedIndexes()})
        if not places and self.currentIndex().isValid():
            places = [self.currentIndex().row()]
        return [row for at in places if (row := self.rows.row_at(at)) is not None]

    def current(self) -> Row | None:
        """Return the row with the keyboard."""
        return self.rows.row_at(self.currentIndex())

    def go_to(self, path: tuple[str | int, ...], column: Column = Column.STEP) -> bool:
        """Put the keyboard into a cell; False where its row is not seen."""
        at = self.rows.place_of(path)
        if at < 0:
            return False
        index = self.rows.index(at, COLUMNS.index(column))
        self.setCurrentIndex(index)
        self.scrollTo(index)
        return True

    # -- questions ------------------------------------------------------------------------------------------------

    def ask(self, index: QModelIndex, text: str, options: tuple[Option, ...], problem: bool) -> None:
        """Ask about a cell in its own row."""
        self._asked_at = QPersistentModelIndex(index)
        self.question.ask(text, options, problem)
        self._place_question()

    def _asked_index(self) -> QModelIndex:
        if self._asked_at is None or not self._asked_at.isValid():
            return QModelIndex()
        return self.rows.index(self._asked_at.row(), self._asked_at.column())

    def _place_question(self) -> None:
        if self._asked_at is None or not self._asked_at.isValid() or self.question.isHidden():
            return
        index = self._asked_index()
        cell = self.visualRect(index)
        wide = self.question.sizeHint().width()
        left = min(cell.right() + 2, max(0, self.viewport().width() - wide))
        if left < cell.right():  # no room at the right: below the row, so that the typed text stays in sight
            top = cell.bottom() + 1
            if top + cell.height() > self.viewport().height():
                top = cell.top() - cell.height()
        else:
            top = cell.top()
        self.question.setGeometry(left, top, min(wide, self.viewport().width()), cell.height() + 1)

    def end_question(self) -> QModelIndex:
        """Take the question away; returns the cell that it was about."""
        index = self._asked_index()
        self._asked_at = None
        if self.question.isVisible():
            self.question.hide()
            self.setFocus()
        return index

    def edit_again(self, text: str) -> None:
        """Open the editor of the asked cell with what was typed."""
        index = self.end_question()
        if index.isValid():
            self.setCurrentIndex(index)
            self.cells.begin_with = text
            self.edit(index)

    # -- keys and mouse ---------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what the keys of the table say; letters begin an editor."""
        if self.state() == self.State.EditingState:  # a line hands on what it has no use for, Enter too
            return
        control, alt = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
        held = event.modifiers() & (control | alt | Qt.KeyboardModifier.ShiftModifier)
        shift = control | Qt.KeyboardModifier.ShiftModifier
        plain = Qt.KeyboardModifier.NoModifier
        wish = {
            (Qt.Key.Key_Insert, plain): "add", (Qt.Key.Key_D, control): "duplicate",
            (Qt.Key.Key_Delete, plain): "delete", (Qt.Key.Key_Up, alt): "up", (Qt.Key.Key_Down, alt): "down",
            (Qt.Key.Key_G, control): "wrap", (Qt.Key.Key_G, shift): "unwrap", (Qt.Key.Key_Space, plain): "fold",
        }.get((Qt.Key(event.key()), held))  # fmt: skip
        if wish:
            self.wished.emit(wish)
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2) and held == plain:
            self._edit_or_tell(self.currentIndex())
            return
        super().keyPressEvent(event)

    def _edit_or_tell(self, index: QModelIndex) -> None:
        if self.rows.flags(index) & Qt.ItemFlag.ItemIsEditable:
            self.edit(index)
        elif index.isValid():
            self.not_editable.emit(self.rows.row_at(index), self.rows.column_at(index))

    def mouseDoubleClickEvent(self, event: object) -> None:
        """Edit a cell, fold a loop by its bracket, or say why a cell cannot be edited."""
        index = self.indexAt(event.position().toPoint())  # type: ignore[attr-defined]  # Qt calls it with a QMouseEvent
        if index.isValid() and COLUMNS[index.column()] is None:
            self.wished.emit("fold")
            return
        if index.isValid() and not self.rows.flags(index) & Qt.ItemFlag.ItemIsEditable:
            self.not_editable.emit(self.rows.row_at(index), self.rows.column_at(index))
        super().mouseDoubleClickEvent(event)  # type: ignore[arg-type]  # Qt calls it with a QMouseEvent

    # -- drag -------------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take steps of this table only."""
        if event.source() is self:
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Show where the steps would go."""
        super().dragMoveEvent(event)
        if event.source() is self:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Wish the chosen steps behind the row they were dropped on, or above the first one."""
        if event.source() is not self:
            return
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        self.dropped.emit(self.row_before(event.position().toPoint()))

    def row_before(self, at: QPoint) -> Row | None:
        """Return the row behind which something dropped at a place goes; None above the first."""
        index = self.indexAt(at)
        if not index.isValid():
            return self.rows.row_at(len(self.rows.rows) - 1)
        upper = at.y() < self.visualRect(index).center().y()
        place = index.row() - (1 if upper else 0)
        return self.rows.row_at(place) if place >= 0 else None

    # -- painting ---------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the cells, then the brackets of the loops over their column."""
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        painter.setClipRect(
            QRect(0, 0, self.columnWidth(0) - self.horizontalOffset(), self.viewport().height())
        )
        painter.setPen(QPen(self._ink(), STROKE_PX * theme().scale))
        for first, last, level in brackets(self.rows.rows):
            self._bracket(painter, first, last, level)
        painter.end()

    @staticmethod
    def _ink() -> QColor:
        return theme().colour("border")

    def _bracket(self, painter: QPainter, first: int, last: int, level: int) -> None:
        look = theme()
        top, bottom = self.visualRect(self.rows.index(first, 0)), self.visualRect(self.rows.index(last, 0))
        x = look.px(12 + LEVEL_PX * level) - self.horizontalOffset()
        foot = x + look.px(8)
        y0, y1 = top.center().y(), bottom.center().y()
        painter.drawLine(x, y0, foot, y0)
        if first == last:  # folded: a plus sign says that there is more
            row = self.rows.row_at(first)
            if row is not None and row.path in self.rows.editor.folded:
                painter.drawLine(x, y0 - look.px(4), x, y0 + look.px(4))
            return
        painter.drawLine(x, y0, x, y1)
        painter.drawLine(x, y1, foot, y1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a question beside its cell."""
        super().resizeEvent(event)
        self.set_widths()
        self._place_question()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Keep a question beside its cell."""
        super().scrollContentsBy(dx, dy)
        self._place_question()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.setAccessibleName(tr("protocol", "Steps of the protocol"))


ENDS = {Kind.REPEAT: Kind.REPEAT_END, Kind.IF: Kind.IF_END, Kind.PARALLEL: Kind.PARALLEL_END}


def brackets(rows: tuple[Row, ...]) -> list[tuple[int, int, int]]:
    """Return the loops among rows: first row, last row, level."""
    found = []
    for at, row in enumerate(rows):
        if row.kind in ENDS:
            last = next((place for place in range(at, len(rows))
                         if rows[place].path == row.path and rows[place].kind is ENDS[row.kind]), at)  # fmt: skip
            found.append((at, last, row.level))
    return found
