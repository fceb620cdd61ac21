"""Hands for the window: what a person can point at, click, type, paste, drag, and the answers to what pops up.

Everything is chosen by one ``random.Random``, among what is seen and can be reached at that moment.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QInputMethodEvent, QKeySequence, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QGraphicsView,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QTabBar,
    QTableView,
    QTreeView,
    QWidget,
)

from labctl.gui.i18n.translating import tr

TARGETS = (
    QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QGraphicsView, QLineEdit,
    QPlainTextEdit, QTabBar,
)  # fmt: skip
NO_MODIFIER = Qt.KeyboardModifier.NoModifier
MODIFIERS = (
    NO_MODIFIER, NO_MODIFIER, NO_MODIFIER, NO_MODIFIER, Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier,
)  # fmt: skip
LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
KEY = Qt.Key
PLAIN_KEYS = (
    KEY.Key_Tab, KEY.Key_Backtab, KEY.Key_Up, KEY.Key_Down, KEY.Key_Left, KEY.Key_Right, KEY.Key_Return, KEY.Key_Space,
    KEY.Key_Escape, KEY.Key_Delete, KEY.Key_Backspace, KEY.Key_Insert, KEY.Key_Home, KEY.Key_End, KEY.Key_PageUp,
    KEY.Key_PageDown, KEY.Key_F2, KEY.Key_F4, KEY.Key_F10, KEY.Key_Menu, KEY.Key_A, KEY.Key_C, KEY.Key_X, KEY.Key_7,
)  # fmt: skip
TEXTS = (
    "0", "1 mA", "C/20", "3.3 V", "-1e-3", "1e400", "nan", "12:30", "2 h", "１２３．５ ｍＡ", "锂电池 化成 60 °C", "a",
    "%s %n {0} {name}", "<b>bold</b><img src=x>", "\x00\x01\x1b[31m", "\u202egnirts\u2066", "e\u0301\u0301\u0301",
    "\U0001f50b\U0001f9ea", "LFP", "--", "../..", "C0101", "neware:1-1", "1-1..1-8", "'; drop table cells; --", " \t ",
    "9" * 400, "x" * 10_000, "\ud83d",
)  # fmt: skip
HEADS = (
    "cell",
    "name",
    "active_mass_mg",
    "diameter_mm",
    "chemistry",
    "batch",
    "slot",
    "protocol",
    "note",
    "列",
)
ENDS = "Close the window (the station goes on)"
"""Not chosen: then there would be nothing left to do anything with."""
NOT_TYPED = ("Wizard",)
"""Whoever types here has the network searched."""


def tsv(chance: Random) -> str:
    """Return a random table as a spreadsheet copies it."""
    rows, columns = chance.choice((1, 2, 5, 20, 200)), chance.randint(1, 8)
    lines = ["\t".join(chance.choices(HEADS, k=columns))] if chance.random() < 0.5 else []
    lines += ["\t".join(chance.choices(TEXTS[:-2], k=columns)) for _ in range(rows)]
    return chance.choice(("\n", "\r\n")).join(lines)


class Hands:
    """A person in front of the screen. ``folder`` is the only place to which files may go."""

    def __init__(self, chance: Random, folder: Path) -> None:
        self.chance, self.folder = chance, folder
        self.did = ""
        """What was done last, for the trail."""

    # -- where -------------------------------------------------------------------------------------------------------

    def windows(self) -> list[QWidget]:
        """Return the windows that take input now: a popup alone, else a modal dialog alone, else all."""
        for one in (QApplication.activePopupWidget(), QApplication.activeModalWidget()):
            if one is not None and one.isVisible():
                return [one]
        found = [top for top in QApplication.topLevelWidgets() if top.isVisible() and top.isEnabled()]
        return [top for top in found if top.windowType() != Qt.WindowType.ToolTip]

    def window(self) -> QWidget | None:
        """Return one of them."""
        found = self.windows()
        return self.chance.choice(found) if found else None

    def place(self, *kinds: type[QWidget]) -> tuple[QWidget, QPoint] | None:
        """Return a widget that is seen and a point of it, anywhere or among these kinds."""
        top = self.window()
        if top is None:
            return None
        if isinstance(top, QFileDialog):
            self.answer_files(top)
            return None
        if not kinds and self.chance.random() < 0.4:
            point = QPoint(
                self.chance.randrange(max(1, top.width())), self.chance.randrange(max(1, top.height()))
            )
            under = top.childAt(point) or top
            return under, under.mapFrom(top, point)
        wanted = kinds or TARGETS
        found = [one for one in top.findChildren(QWidget) if isinstance(one, wanted) and one.isVisible()]
        self.chance.shuffle(found)
        for one in found[:20]:
            seen = one.visibleRegion().boundingRect()
            if one.isEnabled() and not seen.isEmpty():
                x, y = self.chance.randrange(seen.width()), self.chance.randrange(seen.height())
                return one, seen.topLeft() + QPoint(x, y)
        return None

    def focus(self) -> QWidget | None:
        """Return where keys go."""
        window = self.window()
        found = QApplication.focusWidget()
        if window is None or (found is not None and window.isAncestorOf(found)):
            return found
        return window.focusWidget() or window

    def _note(self, what: str, widget: QWidget | None) -> None:
        named = "" if widget is None else widget.objectName() or widget.accessibleName()[:40]
        self.did = f"{what} {type(widget).__name__} {named!r}"

    # -- mouse -------------------------------------------------------------------------------------------------------

    def click(self) -> None:
        """Click, double-click or right-click something."""
        found = self.place()
        if found is None:
            return
        widget, point = found
        if isinstance(widget, QAbstractItemView):
            self._cell(widget)
            return
        self._press(widget, point)

    def _press(self, widget: QWidget, point: QPoint) -> None:
        how, modifier = self.chance.random(), self.chance.choice(MODIFIERS)
        if how < 0.65:
            self._note("click", widget)
            QTest.mouseClick(widget, LEFT, modifier, point)
        elif how < 0.8:
            self._note("double-click", widget)
            QTest.mouseDClick(widget, LEFT, modifier, point)
        elif how < 0.85:
            QTest.mouseMove(widget, point)
        else:
            self._note("right-click", widget)
            event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point, widget.mapToGlobal(point))
            QApplication.sendEvent(widget, event)

    def cell(self) -> None:
        """Click a cell of a table or list."""
        found = self.place(QAbstractItemView)
        if found is not None and isinstance(found[0], QAbstractItemView):
            self._cell(found[0])

    def _cell(self, view: QAbstractItemView) -> None:
        model: QAbstractItemModel | None = view.model()
        root = QModelIndex()
        if model is None or not model.rowCount(root):
            return
        columns = model.columnCount(root) if isinstance(view, QTableView | QTreeView) else 1
        if not columns:
            return
        index = model.index(self.chance.randrange(model.rowCount(root)), self.chance.randrange(columns))
        view.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)
        area = view.visualRect(index).intersected(view.viewport().rect())
        if area.isEmpty():
            return
        self._note(f"cell {index.row()},{index.column()}:", view)
        self._press(view.viewport(), area.center())

    def drag(self) -> None:
        """Drag from one place over others."""
        found = self.place()
        if found is None:
            return
        widget, point = found
        self._note("drag", widget)
        button = self.chance.choice((LEFT, LEFT, LEFT, MIDDLE, RIGHT))
        QTest.mousePress(widget, button, self.chance.choice(MODIFIERS), point)
        for _ in range(self.chance.randint(1, 6)):
            point += QPoint(self.chance.randint(-80, 80), self.chance.randint(-80, 80))
            QTest.mouseMove(widget, point)
        QTest.mouseRelease(widget, button, NO_MODIFIER, point)

    def wheel(self) -> None:
        """Turn the wheel."""
        found = self.place()
        if found is None:
            return
        widget, point = found
        self._note("wheel", widget)
        turned = QPoint(0, self.chance.choice((-1200, -120, 120, 1200)))
        event = QWheelEvent(
            QPointF(point), QPointF(widget.mapToGlobal(point)), QPoint(), turned, Qt.MouseButton.NoButton,
            self.chance.choice(MODIFIERS), Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)

    def resize(self) -> None:
        """Give a window another size."""
        window = self.window()
        if window is not None and not isinstance(window, QMenu):
            self._note("resize", window)
            window.resize(self.chance.randint(300, 2200), self.chance.randint(200, 1400))

    # -- keys --------------------------------------------------------------------------------------------------------

    def key(self) -> None:
        """Press a key of the keyboard."""
        where, key = self.focus(), self.chance.choice(PLAIN_KEYS)
        if where is None or isinstance(where.window(), QFileDialog):
            return
        self._note(f"key {key.name}", where)
        QTest.keyClick(where, key, self.chance.choice(MODIFIERS))

    def press(self, keys: str) -> None:
        """Press keys as Qt writes them: ``Ctrl+K``."""
        where = self.focus()
        if where is None or isinstance(where.window(), QFileDialog):
            return
        self._note(f"keys {keys}", where)
        QTest.keySequence(where, QKeySequence(keys))

    def type(self, text: str = "") -> None:
        """Type a text where the keyboard is, or in a field that is seen."""
        if self.chance.random() < 0.5:
            found = self.place(QLineEdit, QPlainTextEdit, QAbstractSpinBox)
            if found is not None:
                found[0].setFocus()
        where, text = self.focus(), text or self.chance.choice(TEXTS)
        if where is None or isinstance(where.window(), QFileDialog) or self._kept(where):
            return
        self._note(f"type {text[:20]!r}", where)
        if text.isascii() and text.isprintable() and len(text) < 20:
            QTest.keyClicks(where, text)
        else:
            event = QInputMethodEvent()
            event.setCommitString(text)
            QApplication.sendEvent(where, event)
        if self.chance.random() < 0.5:
            QTest.keyClick(where, self.chance.choice((KEY.Key_Return, KEY.Key_Tab)))

    def paste(self) -> None:
        """Paste a random table where the keyboard is."""
        where = self.focus()
        if where is None or isinstance(where.window(), QFileDialog) or self._kept(where):
            return
        self._note("paste", where)
        QApplication.clipboard().setText(tsv(self.chance))
        QTest.keyClick(where, KEY.Key_V, Qt.KeyboardModifier.ControlModifier)

    @staticmethod
    def _kept(where: QWidget) -> bool:
        one: QWidget | None = where
        while one is not None:
            if type(one).__name__ in NOT_TYPED:
                return True
            one = one.parentWidget()
        return False

    # -- what pops up ------------------------------------------------------------------------------------------------

    def menu(self) -> None:
        """Choose an entry of the menu that is open; open one where there is none."""
        popup = QApplication.activePopupWidget()
        if isinstance(popup, QMenu):
            self._choose(popup)
            return
        found = self.place()
        if found is not None:
            widget, point = found
            self._note("menu of", widget)
            event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, point, widget.mapToGlobal(point))
            QApplication.sendEvent(widget, event)

    def _choose(self, menu: QMenu) -> None:
        actions = [
            one for one in menu.actions() if one.isEnabled() and one.isVisible() and not one.isSeparator()
        ]
        actions = [one for one in actions if one.text() != tr("window", ENDS)]
        if not actions or self.chance.random() < 0.2:
            self._note("leave", menu)
            QTest.keyClick(menu, KEY.Key_Escape)
            return
        action = self.chance.choice(actions)
        self.did = f"menu entry {action.text()!r}"
        menu.setActiveAction(action)
        QTest.keyClick(menu, KEY.Key_Return)

    def answer(self, *, leave: bool) -> None:
        """Answer what waits for a person in a loop of its own; ``leave``: back out now."""
        popup, modal = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if popup is not None:
            if leave or not isinstance(popup, QMenu):
                popup.close()
            else:
                self._choose(popup)
        elif isinstance(modal, QFileDialog):
            self.answer_files(modal)
        elif isinstance(modal, QDialog):
            if leave:
                modal.reject()
            else:
                self.chance.choice((self.type, self.key, self.click))()
        else:  # something is dragged: let it fall
            for window in QApplication.topLevelWindows():
                if window.isVisible():
                    QTest.mouseRelease(window, LEFT, NO_MODIFIER, QPoint(5, 5))
                    QTest.keyClick(window, KEY.Key_Escape)

    def answer_files(self, dialog: QFileDialog) -> None:
        """Choose a file or folder below ``folder``, or none."""
        self.did = f"file dialog {dialog.windowTitle()!r}"
        if self.chance.random() < 0.3:
            dialog.reject()
            return
        names = (
            "plot.svg",
            "rows.csv",
            "protocol.yaml",
            "cells.csv",
            "nothing",
            "图.pdf",
            "sub/dir/none.csv",
        )
        dialog.setDirectory(str(self.folder))
        dialog.selectFile(str(self.folder / self.chance.choice(names)))
        dialog.accept()
        if dialog.isVisible():
            dialog.reject()
