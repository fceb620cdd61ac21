"""Under the table: problems with what mends them, and the protocol in words with the chosen row marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QTextCharFormat, QTextCursor, QTextFormat
from PySide6.QtWidgets import QPlainTextEdit, QScrollArea, QTextEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.card import Card
from labctl.gui.parts.labels import ElidedLabel, IconLabel, Label
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.protocol.judging import Problem
from labctl.gui.viewmodels.protocol.offers import Offer

SHOWN_MAX = 20
LINE_PX = 40


class ProblemLine(QWidget):
    """One problem: sign, where, what; a press goes to its cell, the button mends it."""

    pressed = Signal()

    def __init__(
        self, problem: Problem, where: str, offer: Offer | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        words = f"{problem.text} {problem.fix}".strip()
        self.setAccessibleName(f"{where} {words}")
        self.setToolTip(words)
        fix_size(self, height=LINE_PX)
        name = "alert-circle-outline" if problem.is_error else "alert-outline"
        row = Row(self, margins=(12, 0, 12, 0), gap=8)
        place = Label(where, Role.BODY, "muted")
        fix_size(place, width=64)
        row.put(IconLabel(name, "hard" if problem.is_error else "paused"), place)
        row.addWidget(ElidedLabel(words), 1)
        self.button: Button | None = None
        if offer is not None:
            self.button = Button(offer.text, height_px=28)
            row.addWidget(self.button)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the cell."""
        self.pressed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the cell with Enter or Space."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.pressed.emit()
        else:
            super().keyPressEvent(event)


class ProblemsCard(Card):
    """The problems of the last check, errors first."""

    asked = Signal(object)
    """A ``Problem`` whose cell a person wants to see."""
    mend = Signal(object)
    """An ``Offer`` that a person took."""

    def __init__(self) -> None:
        super().__init__(inset=0)
        self.lines: list[ProblemLine] = []
        self._shown: tuple[object, ...] | None = None
        self._inner = QWidget()
        self._list = Column(self._inner, gap=0)
        self._list.addStretch(1)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self._inner)
        self._inner.setAutoFillBackground(False)
        self._area.viewport().setAutoFillBackground(False)
        self.none = Label("", Role.BODY, "muted", wrap=True)
        self.none.setMargin(theme().px(12))
        self.none.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.put(self.none)
        self.body.addWidget(self._area, 1)

    def show_problems(
        self, problems: Sequence[Problem], where: Callable[[Problem], str], offer: Callable[[Problem], Offer | None],
        none: str,
    ) -> None:  # fmt: skip
        """Show problems; ``none`` is said where there are none."""
        self.set_title(
            tr("protocol", "Problems"), tr("protocol", "click goes to the cell") if problems else ""
        )
        self.none.setText(none)
        self.none.setVisible(not problems)
        self._area.setVisible(bool(problems))
        offers = [offer(item) for item in problems[:SHOWN_MAX]]
        shown = tuple(
            (item, where(item), found.text if found else "")
            for item, found in zip(problems, offers, strict=False)
        )
        if shown == self._shown:
            return
        self._shown = shown
        for line in self.lines:
            self._list.removeWidget(line)
            line.deleteLater()
        self.lines = []
        for (item, place, _), found in zip(shown, offers, strict=True):
            line = ProblemLine(item, place, found)
            line.pressed.connect(lambda item=item: self.asked.emit(item))
            if line.button is not None:
                line.button.clicked.connect(lambda checked=False, item=item: self._take(item, offer))
            self._list.insertWidget(self._list.count() - 1, line)
            self.lines.append(line)

    def _take(self, item: Problem, offer: Callable[[Problem], Offer | None]) -> None:
        found = offer(item)  # anew: the document may have moved on
        if found is not None:
            self.mend.emit(found)


class WordsCard(Card):
    """The protocol as sentences; that of the chosen row is marked. A press goes to the row."""

    row_asked = Signal(int)

    def __init__(self) -> None:
        super().__init__(inset=0)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        self.text.cursorPositionChanged.connect(self._moved)
        column = Column(margins=(12, 4, 0, 0))
        column.addWidget(self.text)
        self.body.addLayout(column, 1)
        self._head_lines, self._numbers, self._marked = 0, list[int](), 0
        self._filling = False

    def show_words(self, head: Sequence[str], rows: Sequence[tuple[int, int, str]], marked: int) -> None:
        """Show the head's sentences and those of rows (number, level, sentence); ``marked`` is the chosen row."""
        lines = [*head, *(f"{number:>2}  {'    ' * level}{said}" for number, level, said in rows)]
        text = "\n".join(lines)
        self._filling = True
        if text != self.text.toPlainText():
            place = self.text.verticalScrollBar().value()
            self.text.setPlainText(text)
            self.text.verticalScrollBar().setValue(place)
        self._head_lines, self._numbers, self._marked = len(head), [number for number, _, _ in rows], marked
        self.set_title(
            tr("protocol", "In words"), tr("protocol", "row {n} marked").format(n=marked) if marked else ""
        )
        self.text.setAccessibleName(tr("protocol", "The protocol in words"))
        self._mark()
        self._filling = False

    def _mark(self) -> None:
        selections = []
        if self._marked in self._numbers:
            line = self._head_lines + self._numbers.index(self._marked)
            cursor = QTextCursor(self.text.document().findBlockByNumber(line))
            extra = QTextEdit.ExtraSelection()
            extra.cursor = cursor
            look = QTextCharFormat()
            look.setBackground(QColor(theme().colour("selection")))
            look.setProperty(QTextFormat.Property.FullWidthSelection, True)
            extra.format = look
            selections.append(extra)
            self.text.setTextCursor(cursor)
            self.text.ensureCursorVisible()
        self.text.setExtraSelections(selections)

    def _moved(self) -> None:
        if self._filling:
            return
        at = self.text.textCursor().blockNumber() - self._head_lines
        if 0 <= at < len(self._numbers) and self._numbers[at] != self._marked:
            self.row_asked.emit(self._numbers[at])
