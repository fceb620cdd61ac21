"""What can be undone: edits of tables, queue, layouts and plots. Acts on hardware are never edits (U19)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LIMIT = 500
"""Edits kept; the contract asks for at least 200 (U13)."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Something done that can be undone. ``text`` names it in menus: "paste 16 cells"."""

    text: str
    redo: Callable[[], None]
    undo: Callable[[], None]


class EditStack:
    """Done and undone edits, oldest first. The window keeps them in Qt's stack; this one is for tests and scripts."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._done: list[Edit] = []
        self._undone: list[Edit] = []

    def do(self, edit: Edit | None) -> None:
        """Do an edit and keep it; None = nothing changed."""
        if edit is None:
            return
        edit.redo()
        self._done.append(edit)
        del self._done[: -self._limit]
        self._undone.clear()

    def undo(self) -> str:
        """Undo the newest edit; returns its name, empty where there is none."""
        if not self._done:
            return ""
        edit = self._done.pop()
        edit.undo()
        self._undone.append(edit)
        return edit.text

    def redo(self) -> str:
        """Do the newest undone edit again; returns its name, empty where there is none."""
        if not self._undone:
            return ""
        edit = self._undone.pop()
        edit.redo()
        self._done.append(edit)
        return edit.text

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the names of what can be undone, oldest first."""
        return tuple(edit.text for edit in self._done)
