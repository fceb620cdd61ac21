"""The registry: cells, electrodes and batches with their revisions; import of tables."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from labctl.api.messages import (
    PREFIX,
    ChangedBatch,
    ChangedCell,
    ChangedElectrode,
    ImportTable,
    NewBatch,
    NewCell,
    NewElectrode,
    Revised,
)
from labctl.api.server.answers import Refusal, or_missing, reply
from labctl.api.server.bodies import file_bytes
from labctl.api.server.needs import Call, Operator, Viewer
from labctl.model.cell import Batch, Cell, CellEvent, Electrode, ImportReport, Revision
from labctl.model.latest import NewestRevision

router = APIRouter(prefix=PREFIX, tags=["registry"])


def _same(path_id: str, body_id: str) -> str:
    """Check that path and body name the same entry. Raises: Refusal."""
    if path_id != body_id:
        raise Refusal(422, f"The path names {path_id!r}, the body {body_id!r}.", fix="Ids never change.")
    return path_id


@router.get("/registry", response_model=tuple[NewestRevision, ...])
async def registry_newest(call: Viewer) -> Response:
    """Return the newest revision of every cell, electrode and batch: what a correction is decided on."""
    return reply(call.core.registry.newest())


# -- cells -----------------------------------------------------------------------------------------------------------


def _cell(call: Call, cell_id: str) -> Cell:
    with or_missing():
        return call.core.registry.cell(cell_id)


@router.get("/cells", response_model=tuple[Cell, ...])
async def cells_list(call: Viewer) -> Response:
    """Return every cell, completed from its electrode and batch."""
    return reply(call.core.registry.cells())


@router.post("/cells", response_model=Cell)
async def cells_add(call: Operator, body: NewCell) -> Response:
    """Register a cell."""
    await call.core.registry.add_cell(call.actor, body.cell, reason=body.reason)
    return reply(call.core.registry.cell(body.cell.cell_id))


@router.post("/cells/import", response_model=ImportReport)
async def cells_import(call: Operator, body: ImportTable) -> Response:
    """Import cells (or electrodes, batches) from a CSV or XLSX file or pasted text; what looks wrong is asked."""
    data = file_bytes(body.content_base64)
    report = await call.core.registry.import_table(
        call.actor,
        body.name,
        data,
        kind=body.kind,
        dry_run=body.dry_run,
        answers=body.answers,
        reason=body.reason,
    )
    return reply(report)


@router.get("/cells/{cell_id}", response_model=Cell)
async def cells_get(call: Viewer, cell_id: str) -> Response:
    """Return one cell, completed from its electrode and batch."""
    return reply(_cell(call, cell_id))


@router.post("/cells/{cell_id}", response_model=Revised)
async def cells_update(call: Operator, cell_id: str, body: ChangedCell) -> Response:
    """Correct a cell: a new revision; rows are never touched, derived values follow."""
    _cell(call, _same(cell_id, body.cell.cell_id))
    revision = await call.core.registry.update_cell(
        call.actor, body.cell, body.reason, revision=body.revision
    )
    return reply(Revised(revision))


@router.get("/cells/{cell_id}/revisions", response_model=tuple[Revision, ...])
async def cells_revisions(call: Viewer, cell_id: str) -> Response:
    """Return the versions of a cell, oldest first: who, when, why, what changed."""
    return reply(call.core.registry.revisions(_cell(call, cell_id).cell_id))


@router.get("/cells/{cell_id}/history", response_model=tuple[CellEvent, ...])
async def cells_history(call: Viewer, cell_id: str) -> Response:
    """Return what happened to a cell: corrections, channels, runs."""
    return reply(call.core.registry.history(_cell(call, cell_id).cell_id))


# -- electrodes ------------------------------------------------------------------------------------------------------


def _electrode(call: Call, electrode_id: str) -> Electrode:
    with or_missing():
        return call.core.registry.electrode(electrode_id)


@router.get("/electrodes", response_model=tuple[Electrode, ...])
async def electrodes_list(call: Viewer) -> Response:
    """Return every electrode and sheet."""
    return reply(call.core.registry.electrodes())


@router.post("/electrodes", response_model=Electrode)
async def electrodes_add(call: Operator, body: NewElectrode) -> Response:
    """Register an electrode or sheet."""
    await call.core.registry.add_electrode(call.actor, body.electrode, reason=body.reason)
    return reply(call.core.registry.electrode(body.electrode.electrode_id))


@router.get("/electrodes/{electrode_id}", response_model=Electrode)
async def electrodes_get(call: Viewer, electrode_id: str) -> Response:
    """Return one electrode."""
    return reply(_electrode(call, electrode_id))


@router.post("/electrodes/{electrode_id}", response_model=Revised)
async def electrodes_update(call: Operator, electrode_id: str, body: ChangedElectrode) -> Response:
    """Correct an electrode; cells made of it are corrected with it."""
    _electrode(call, _same(electrode_id, body.electrode.electrode_id))
    revision = await call.core.registry.update_electrode(
        call.actor, body.electrode, body.reason, revision=body.revision
    )
    return reply(Revised(revision))


@router.get("/electrodes/{electrode_id}/revisions", response_model=tuple[Revision, ...])
async def electrodes_revisions(call: Viewer, electrode_id: str) -> Response:
    """Return the versions of an electrode, oldest first."""
    return reply(call.core.registry.electrode_revisions(_electrode(call, electrode_id).electrode_id))


# -- batches ---------------------------------------------------------------------------------------------------------


def _batch(call: Call, batch_id: str) -> Batch:
    with or_missing():
        return call.core.registry.batch(batch_id)


@router.get("/batches", response_model=tuple[Batch, ...])
async def batches_list(call: Viewer) -> Response:
    """Return every batch."""
    return reply(call.core.registry.batches())


@router.post("/batches", response_model=Batch)
async def batches_add(call: Operator, body: NewBatch) -> Response:
    """Register a batch."""
    await call.core.registry.add_batch(call.actor, body.batch, reason=body.reason)
    return reply(call.core.registry.batch(body.batch.batch_id))


@router.get("/batches/{batch_id}", response_model=Batch)
async def batches_get(call: Viewer, batch_id: str) -> Response:
    """Return one batch."""
    return reply(_batch(call, batch_id))


@router.post("/batches/{batch_id}", response_model=Revised)
async def batches_update(call: Operator, batch_id: str, body: ChangedBatch) -> Response:
    """Correct a batch."""
    _batch(call, _same(batch_id, body.batch.batch_id))
    revision = await call.core.registry.update_batch(
        call.actor, body.batch, body.reason, revision=body.revision
    )
    return reply(Revised(revision))


@router.get("/batches/{batch_id}/revisions", response_model=tuple[Revision, ...])
async def batches_revisions(call: Viewer, batch_id: str) -> Response:
    """Return the versions of a batch, oldest first."""
    return reply(call.core.registry.batch_revisions(_batch(call, batch_id).batch_id))
