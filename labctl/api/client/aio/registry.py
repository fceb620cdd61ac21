"""The registry: cells, electrodes and batches, their corrections and where they were."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from labctl.api.client import routes
from labctl.api.client.aio.link import AsyncLink
from labctl.api.messages import (
    ChangedBatch,
    ChangedCell,
    ChangedElectrode,
    ImportTable,
    NewBatch,
    NewCell,
    NewElectrode,
)
from labctl.model.cell import Batch, Cell, CellEvent, Electrode, EntryKind, ImportReport, Revision
from labctl.model.latest import NewestRevision


class AsyncCells:
    """The registered cells."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self) -> tuple[Cell, ...]:
        """Return every cell, at its newest revision."""
        return await self._link.call(routes.CELLS)

    async def newest(self) -> tuple[NewestRevision, ...]:
        """Return the newest revision of every cell, electrode and batch: what a correction is decided on."""
        return await self._link.call(routes.REGISTRY)

    async def get(self, cell_id: str) -> Cell:
        """Return one cell."""
        return await self._link.call(routes.CELL, cell_id)

    async def add(self, cell: Cell, *, reason: str = "") -> Cell:
        """Register a cell."""
        return await self._link.call(routes.CELL_ADD, body=NewCell(cell, reason))

    async def change(self, cell: Cell, *, reason: str, revision: int | None = None) -> int:
        """Store a correction as a new revision and return its number; rows that were measured stay as they are.

        ``revision`` is the one that the correction was decided on: another one by now is a conflict.
        """
        body = ChangedCell(cell, reason, revision)
        return (await self._link.call(routes.CELL_CHANGE, cell.cell_id, body=body)).revision

    async def revisions(self, cell_id: str) -> tuple[Revision, ...]:
        """Return every version of a cell, oldest first."""
        return await self._link.call(routes.CELL_REVISIONS, cell_id)

    async def history(self, cell_id: str) -> tuple[CellEvent, ...]:
        """Return where a cell sat and what ran on it, oldest first."""
        return await self._link.call(routes.CELL_HISTORY, cell_id)

    async def import_table(
        self,
        name: str,
        content: bytes,
        *,
        kind: EntryKind | str = EntryKind.CELL,
        dry_run: bool = False,
        answers: Mapping[str, str] | None = None,
        reason: str = "",
    ) -> ImportReport:
        """Register cells from a CSV or XLSX file or pasted text; returns the report with its questions.

        Rows with a question wait: send the table again with ``answers``, by question key ``keep`` or a number.
        ``kind`` is ``electrode`` or ``batch`` for a table of those. Raises: UserInputError where the table cannot be
        used as a whole.
        """
        coded = base64.b64encode(content).decode("ascii")
        body = ImportTable(name, coded, dry_run, dict(answers or {}), EntryKind(kind), reason)
        return await self._link.call(routes.CELL_IMPORT, body=body)


class AsyncElectrodes:
    """The registered electrodes, and the sheets that they are cut from."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self) -> tuple[Electrode, ...]:
        """Return every electrode, at its newest revision."""
        return await self._link.call(routes.ELECTRODES)

    async def get(self, electrode_id: str) -> Electrode:
        """Return one electrode."""
        return await self._link.call(routes.ELECTRODE, electrode_id)

    async def add(self, electrode: Electrode, *, reason: str = "") -> Electrode:
        """Register an electrode."""
        return await self._link.call(routes.ELECTRODE_ADD, body=NewElectrode(electrode, reason))

    async def change(self, electrode: Electrode, *, reason: str, revision: int | None = None) -> int:
        """Store a correction as a new revision and return its number."""
        body = ChangedElectrode(electrode, reason, revision)
        return (await self._link.call(routes.ELECTRODE_CHANGE, electrode.electrode_id, body=body)).revision

    async def revisions(self, electrode_id: str) -> tuple[Revision, ...]:
        """Return every version of an electrode, oldest first."""
        return await self._link.call(routes.ELECTRODE_REVISIONS, electrode_id)


class AsyncBatches:
    """The registered batches of cells and electrodes."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self) -> tuple[Batch, ...]:
        """Return every batch, at its newest revision."""
        return await self._link.call(routes.BATCHES)

    async def get(self, batch_id: str) -> Batch:
        """Return one batch."""
        return await self._link.call(routes.BATCH, batch_id)

    async def add(self, batch: Batch, *, reason: str = "") -> Batch:
        """Register a batch."""
        return await self._link.call(routes.BATCH_ADD, body=NewBatch(batch, reason))

    async def change(self, batch: Batch, *, reason: str, revision: int | None = None) -> int:
        """Store a correction as a new revision and return its number."""
        body = ChangedBatch(batch, reason, revision)
        return (await self._link.call(routes.BATCH_CHANGE, batch.batch_id, body=body)).revision

    async def revisions(self, batch_id: str) -> tuple[Revision, ...]:
        """Return every version of a batch, oldest first."""
        return await self._link.call(routes.BATCH_REVISIONS, batch_id)
