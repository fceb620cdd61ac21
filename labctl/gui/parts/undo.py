"""Qt's undo stack over the edits of view-models (U19): one per view, so that Ctrl+Z undoes what a person looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence, QUndoCommand, QUndoStack

from labctl.gui.i18n.translating import tr

LIMIT = 500
"""Steps kept; the contract asks for 200 (U13)."""


class Undoable(Protocol):
    """What view-models call an edit: ``labctl.gui.viewmodels.edits.Edit`` is one."""

    @property
    def text(self) -> str:
        """Name it in menus: "paste 16 cells"."""

    @property
    def redo(self) -> Callable[[], None]:
        """Do it."""

    @property
    def undo(self) -> Callable[[], None]:
        """Undo it."""


class _Command(QUndoCommand):
    def __init__(self, edit: Undoable) -> None:
        super().__init__(edit.text)
        self._edit = edit

    def redo(self) -> None:
        """Do it, also for the first time: Qt calls this when the command is pushed."""
        self._edit.redo()

    def undo(self) -> None:
        """Undo it."""
        self._edit.undo()


class Undo(QUndoStack):
    """The edits of a view."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setUndoLimit(LIMIT)

    def do(self, edit: Undoable | None) -> None:
        """Do an edit and keep it; None = nothing changed."""
        if edit is not None:
            self.push(_Command(edit))

    def actions(self) -> tuple[QAction, QAction]:
        """Return undo and redo with their keys and the name of the next edit in their texts."""
        undo = self.createUndoAction(self, tr("undo", "Undo"))
        redo = self.createRedoAction(self, tr("undo", "Redo"))
        undo.setShortcut(QKeySequence("Ctrl+Z"))
        redo.setShortcuts([QKeySequence("Ctrl+Y"), QKeySequence("Ctrl+Shift+Z")])
        return undo, redo
