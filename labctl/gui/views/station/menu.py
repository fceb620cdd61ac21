"""The right-click menu of channels, as cycler users expect it; what is refused is grey and says why (U21, R5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from labctl.gui.parts.labels import in_menu
from labctl.gui.parts.why import set_why


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: text, what it does, its keys, and why it is off (empty = on). An empty text is a line."""

    text: str = ""
    run: Callable[[], None] = lambda: None
    keys: str = ""
    why: str = ""
    id: str = ""


LINE = Entry()


def menu_of(entries: Sequence[Entry], title: str, parent: QWidget) -> QMenu:
    """Return a menu. The reason of an entry that is off stands in its tooltip and in the status line."""
    menu = QMenu(parent)
    menu.setAccessibleName(title)
    menu.setToolTipsVisible(True)
    head = menu.addAction(in_menu(title))
    head.setEnabled(False)
    head.setObjectName("title")
    menu.addSeparator()
    for entry in entries:
        if not entry.text:
            menu.addSeparator()
            continue
        action = menu.addAction(entry.text, entry.run)
        action.setObjectName(entry.id or entry.text)
        if entry.keys:
            # Shown only: the view owns the shortcut, a second owner would make it ambiguous.
            keys = QKeySequence(entry.keys).toString(QKeySequence.SequenceFormat.NativeText)
            action.setText(f"{entry.text}\t{keys}")
        set_why(action, entry.why)
    return menu
