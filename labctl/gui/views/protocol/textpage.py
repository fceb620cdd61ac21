"""The protocol as YAML text: the same document as the table; a line with an error is marked and said."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QColor, QFontDatabase, QKeyEvent, QKeySequence, QTextCursor, QTextFormat
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.labels import ElidedLabel, IconLabel
from labctl.gui.parts.layouts import Column, Row
from labctl.gui.theme.current import theme

COMMIT_MS = 300
"""A pause in typing makes one undo step."""


class TextField(QPlainTextEdit):
    """A plain editor whose undo is the document's: Ctrl+Z goes to the view."""

    def __init__(self) -> None:
        super().__init__()
        self.setUndoRedoEnabled(False)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTabChangesFocus(True)

    def event(self, event: QEvent) -> bool:
        """Leave undo and redo to the view."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            keys = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)
            if any(event.matches(key) for key in keys):
                event.ignore()
                return False
        return super().event(event)


class TextPage(QWidget):
    """The text with the line of its error. ``typed`` carries the whole text after a pause."""

    typed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.field = TextField()
        self.icon, self.told = IconLabel("alert-circle-outline", "hard"), ElidedLabel("")
        self._foot = QWidget()
        Row(self._foot, margins=(12, 4, 12, 4), gap=8).put(self.icon, self.told)
        column = Column(self, gap=0)
        column.addWidget(self.field, 1)
        column.addWidget(self._foot)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(COMMIT_MS)
        self._timer.timeout.connect(self.commit)
        self._showing = False
        self._newline = "\n"
        self.field.textChanged.connect(self._changed)
        theme().changed.connect(self._restyle)
        self._restyle()
        self._foot.hide()
        self.retranslate()

    def retranslate(self) -> None:
        """Take the words anew."""
        self.field.setAccessibleName(tr("protocol", "The protocol as text"))

    def _restyle(self) -> None:
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(10 * theme().scale)
        self.field.setFont(font)

    def _changed(self) -> None:
        if not self._showing:
            self._timer.start()

    @property
    def pending(self) -> bool:
        """Tell whether something was typed that the document does not have yet."""
        return self._timer.isActive()

    def plain(self) -> str:
        """Return the field's text, each sign as it is (``toPlainText`` makes plain blanks of fixed ones)."""
        return self.field.document().toRawText().replace("\u2029", "\n")

    def commit(self) -> None:
        """Hand over what was typed, now."""
        self._timer.stop()
        self.typed.emit(self.plain().replace("\n", self._newline))

    def show_text(self, text: str, problem: str, line: int) -> None:
        """Show the document's text; what is being typed is left alone. ``line`` 0: no error."""
        self._newline = "\r\n" if "\r\n" in text else "\n"
        plain = text.replace("\r\n", "\n")
        if not self.pending and plain != self.plain():
            self._showing = True
            at = self.field.textCursor().position()
            place = self.field.verticalScrollBar().value()
            self.field.setPlainText(plain)
            cursor = self.field.textCursor()
            cursor.setPosition(min(at, len(plain)))
            self.field.setTextCursor(cursor)
            self.field.verticalScrollBar().setValue(place)
            self._showing = False
        self.told.setText(problem)
        self._foot.setVisible(bool(problem))
        self._mark(line)

    def _mark(self, line: int) -> None:
        marks = []
        if line:
            extra = QTextEdit.ExtraSelection()
            extra.cursor = QTextCursor(self.field.document().findBlockByNumber(line - 1))
            colour = QColor(theme().colour("paused"))
            colour.setAlpha(60)
            extra.format.setBackground(colour)
            extra.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
            marks.append(extra)
        self.field.setExtraSelections(marks)

    def go_to(self, line: int) -> None:
        """Put the keyboard into a line."""
        self.field.setTextCursor(QTextCursor(self.field.document().findBlockByNumber(max(0, line - 1))))
        self.field.setFocus()
