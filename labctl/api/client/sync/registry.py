# Made from labctl/api/client/aio/registry.py by `python -m labctl.api.client.generate`.
"""The registry: cells, their corrections and where they were."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from labctl.api.client import routes
from labctl.api.client.sync.link import Link
from labctl.api.messages import ChangedCell, ImportTable, NewCell
from labctl.model.cell import Cell, CellEvent, ImportReport, Revision


class Cells:
    """The registered cells."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def list(self) -> tuple[Cell, ...]:
        """Return every cell, at its newest revision."""
        return self._link.call(routes.CELLS)

    def get(self, cell_id: str) -> Cell:
        """Return one cell."""
        return self._link.call(routes.CELL, cell_id)

    def add(self, cell: Cell) -> Cell:
        """Register a cell."""
        return self._link.call(routes.CELL_ADD, body=NewCell(cell))

    def change(self, cell: Cell, *, reason: str) -> int:
        """Store a correction as a new revision and return its number; rows that were measured stay as they are."""
        body = ChangedCell(cell, reason)
        return (self._link.call(routes.CELL_CHANGE, cell.cell_id, body=body)).revision

    def revisions(self, cell_id: str) -> tuple[Revision, ...]:
        """Return every version of a cell, oldest first."""
        return self._link.call(routes.CELL_REVISIONS, cell_id)

    def history(self, cell_id: str) -> tuple[CellEvent, ...]:
        """Return where a cell sat and what ran on it, oldest first."""
        return self._link.call(routes.CELL_HISTORY, cell_id)

    def import_table(
        self, name: str, content: bytes, *, dry_run: bool = False, answers: Mapping[str, str] | None = None
    ) -> ImportReport:
        """Register cells from a CSV or XLSX file or pasted text; returns the report with its questions."""
        body = ImportTable(name, base64.b64encode(content).decode("ascii"), dry_run, dict(answers or {}))
        return self._link.call(routes.CELL_IMPORT, body=body)
