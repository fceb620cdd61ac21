"""From the cells table to the review of the start: save what is not in the registry yet, then go (U04)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.allowed import general
from labctl.gui.viewmodels.cellcolumns import Col
from labctl.gui.viewmodels.cells import CellsTable
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.starts import Wish
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import Cell


class Review:
    """``begin`` saves and hands over; ``busy`` while that goes on."""

    def __init__(self, lab: Lab, asks: Asks, table: CellsTable) -> None:
        self._lab, self._asks, self._table = lab, asks, table
        self._go: Callable[[tuple[Wish, ...]], None] | None = None
        self._listing = False
        self.trouble: Trouble | None = None
        table.watch(self._look)

    @property
    def busy(self) -> bool:
        """Tell whether the table is being saved for a review."""
        return self._go is not None

    def why_not(self) -> str:
        """Return why the review is off, in words; empty where it can be opened."""
        refusal = general(self._lab, "queue.submit")
        if refusal:
            return refusal
        table = self._table
        if self.busy:
            return tr("cells", "The cells are being saved.")
        if not table.rows:
            return tr("cells", "Paste, scan or type cells first.")
        if table.ready():
            return ""
        asked = sorted({row + 1 for row, _ in table.doubts()})
        if asked:
            told = tr("cells", "Row {rows} needs an answer before it can be started.")
            return told.format(rows=", ".join(map(str, asked)))
        return tr("cells", "No row has an id, a type and a free slot yet.")

    def note(self) -> str:
        """Return what stands beside the button while it is on: what is left behind, and why."""
        table = self._table
        asked = sorted({row + 1 for row, _ in table.doubts()})
        ready = len(table.ready())
        if asked:
            told = tr("cells", "Row {rows} needs an answer before it can be started; the other {n} can.")
            return told.format(rows=", ".join(map(str, asked)), n=ready)
        left = len(table.rows) - ready
        return (
            tr("cells", "{n} of {all} can be started now.").format(n=ready, all=len(table.rows))
            if left
            else ""
        )

    def begin(self, go: Callable[[tuple[Wish, ...]], None]) -> str:
        """Save what differs from the registry, then call ``go`` with the wishes; returns why not."""
        why = self.why_not()
        if why:
            return why
        if self._saved():
            go(self.wishes())
            return ""
        self._go, self._listing, self.trouble = go, False, None
        why = self._table.save()
        if why:
            self._go = None
        return why

    def _saved(self) -> bool:
        return all(self._lab.cells.get(self._table.rows[row].text(Col.CELL)) == self._table.made(row)
                   for row in self._table.ready())  # fmt: skip

    def _look(self) -> None:
        table = self._table
        if self._go is None or self._listing or table.saving or not table.result:
            return
        if table.trouble is not None:
            self.trouble, self._go = table.trouble, None
            return
        self._listing = True
        self._asks.ask("cells.list", then=self._listed, failed=self._failed, deadline_s=30.0)

    def _listed(self, cells: Sequence[Cell]) -> None:
        self._lab.take_cells(cells)
        go, self._go = self._go, None
        if go is not None:
            go(self.wishes())

    def _failed(self, trouble: Trouble) -> None:
        self.trouble, self._go = trouble, None

    def wishes(self) -> tuple[Wish, ...]:
        """Return what the ready rows ask for."""
        table = self._table
        return tuple(
            Wish(
                table.channel_of(table.rows[row]),
                table.rows[row].text(Col.CELL),
                table.rows[row].text(Col.PROTOCOL),
            )
            for row in table.ready()
        )
