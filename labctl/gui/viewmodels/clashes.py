"""Somebody else corrects a cell that is edited here: the row says who it was, nothing is overwritten (R15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labctl.gui.viewmodels.acts import Asks
from labctl.gui.viewmodels.cellcolumns import Col
from labctl.gui.viewmodels.cellediting import row_of
from labctl.gui.viewmodels.cells import CellsTable
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.lab import Lab, Place
from labctl.gui.viewmodels.questions import Answer, OpenQuestion
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import Cell, Revision


class Clashes:
    """Remembers each cell as it was when it came into the table, and asks when the registry has another one since."""

    def __init__(self, lab: Lab, asks: Asks, table: CellsTable) -> None:
        self._lab, self._asks, self._table = lab, asks, table
        self._base: dict[str, Cell | None] = {}
        self._asked: set[str] = set()
        table.watch(self._note)
        self._unwatch = lab.watch({"cell"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def _rows(self) -> dict[str, int]:
        return {row.text(Col.CELL): place for place, row in enumerate(self._table.rows) if row.text(Col.CELL)}

    def _note(self) -> None:
        here = self._rows()
        for name in [*self._base]:
            if name not in here:
                del self._base[name]
                self._table.clashing.pop(name, None)
        for name in here:
            self._base.setdefault(name, self._lab.cells.get(name))

    def _changed(self, places: frozenset[Place]) -> None:
        here = self._rows()
        for _, name in places:
            now = self._lab.cells.get(name)
            if name not in here or now is None or now == self._base.get(name) or name in self._asked:
                continue
            if now == self._table.made(here[name]):
                self._base[name] = now
                continue
            self._asked.add(name)
            self._asks.ask("cells.revisions", name, then=self._told(name, now), failed=self._forget(name))

    def _forget(self, name: str) -> Callable[[object], None]:
        return lambda trouble: self._asked.discard(name)

    def _told(self, name: str, now: Cell) -> Callable[[Sequence[Revision]], None]:
        def take(found: Sequence[Revision]) -> None:
            self._asked.discard(name)
            if not found or found[-1].by == self._lab.me.name:
                self._base[name] = now
                return
            columns = ", ".join(found[-1].changed) or tr("cells", "the cell")
            told = tr("cells", "{name} has changed {what} meanwhile.").format(name=found[-1].by, what=columns)
            self._table.clash(name, told)

        return take

    def questions(self) -> tuple[OpenQuestion, ...]:
        """Return a question for each row that somebody else has changed."""
        here = self._rows()
        return tuple(
            OpenQuestion(here[name], Col.CELL, name, told, told, (), self._answers(name))
            for name, told in self._table.clashing.items() if name in here
        )  # fmt: skip

    def _answers(self, name: str) -> tuple[Answer, ...]:
        mine, theirs = tr("cells", "Keep mine"), tr("cells", "Take theirs")
        return (
            Answer("mine", mine, lambda: self._settle(name), "", mine),
            Answer("theirs", theirs, lambda: self._take_theirs(name), "", theirs),
        )

    def _settle(self, name: str) -> None:
        """Go on from what the other has saved: the next saving is a correction of it."""
        self._base[name] = self._lab.cells.get(name)
        self._table.clash(name, "")

    def _take_theirs(self, name: str) -> Edit | None:
        place, cell = self._rows().get(name), self._lab.cells.get(name)
        self._settle(name)
        if place is None or cell is None:
            return None
        rows = list(self._table.rows)
        made = row_of(cell, rows[place].text(Col.SLOT))
        kept = rows[place].get(Col.PROTOCOL)
        rows[place] = made.with_value(Col.PROTOCOL, kept) if kept.text else made
        return self._table.change(tr("cells", "take {cell} as it is registered").format(cell=name), rows)
