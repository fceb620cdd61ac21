"""The registry: cells, their corrections and where they were."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from labctl.api.client import routes
from labctl.api.client.aio.link import AsyncLink
from labctl.api.messages import ChangedCell, ImportTable, NewCell
from labctl.model.cell import Cell, CellEvent, ImportReport, Revision


class AsyncCells:
    """The registered cells."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self) -> tuple[Cell, ...]:
        """Return every cell, at its newest revision."""
        return await self._link.call(routes.CELLS)

    async def get(self, cell_id: str) -> Cell:
        """Return one cell."""
        return await self._link.call(routes.CELL, cell_id)

    async def add(self, cell: Cell) -> Cell:
        """Register a cell."""
        return await self._link.call(routes.CELL_ADD, body=NewCell(cell))

    async def change(self, cell: Cell, *, reason: str) -> int:
        """Store a correction as a new revision and return its number; rows that were measured stay as they are."""
        body = ChangedCell(cell, reason)
        return (await self._link.call(routes.CELL_CHANGE, cell.cell_id, body=body)).revision

    async def revisions(self, cell_id: str) -> tuple[Revision, ...]:
        """Return every version of a cell, oldest first."""
        return await self._link.call(routes.CELL_REVISIONS, cell_id)

    async def history(self, cell_id: str) -> tuple[CellEvent, ...]:
        """Return where a cell sat and what ran on it, oldest first."""
        return await self._link.call(routes.CELL_HISTORY, cell_id)

    async def import_table(
        self, name: str, content: bytes, *, dry_run: bool = False, answers: Mapping[str, str] | None = None
    ) -> ImportReport:
        """Register cells from a CSV or XLSX file or pasted text; returns the report with its questions."""
        body = ImportTable(name, base64.b64encode(content).decode("ascii"), dry_run, dict(answers or {}))
        return await self._link.call(routes.CELL_IMPORT, body=body)
