"""Potentiostats, the cells that are handed over to them, and spectra with their fits."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from labctl.api.messages import PREFIX, Done, Reason, TakeSpectrum
from labctl.api.server.answers import or_missing, reply
from labctl.api.server.needs import Call, Operator, Viewer
from labctl.api.server.routes.runs import known_run
from labctl.errors import UserInputError
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry
from labctl.model.impedance import SpectrumFit, SpectrumTable
from labctl.model.technique import FrequencySweep, Geis, Peis

CIRCUIT_MAX = 200
"""Characters of a circuit; the largest that makes sense has forty."""
POINTS_MAX = 1000
router = APIRouter(prefix=PREFIX, tags=["impedance"])


def _potentiostat(call: Call, name: str) -> str:
    with or_missing():
        return call.core.potentiostats.get(name).name


def _handover(call: Call, run_id: str) -> str:
    with or_missing():
        return call.core.potentiostats.handover(run_id).run_id


@router.get("/potentiostats", response_model=tuple[PotentiostatStatus, ...])
async def potentiostats_list(call: Viewer) -> Response:
    """Return every potentiostat: link, cell on or off, what it does."""
    return reply(call.core.potentiostats.list())


@router.get("/potentiostats/{name}/spectrum", response_model=SpectrumTable)
async def potentiostats_spectrum(call: Viewer, name: str) -> Response:
    """Return the points so far of the spectrum that is being taken; no columns where nothing is."""
    return reply(call.core.potentiostats.live(_potentiostat(call, name)))


@router.post("/potentiostats/{name}/cell-off", response_model=Done)
async def potentiostats_cell_off(call: Operator, name: str, body: Reason) -> Response:
    """Switch its cell off at once, read back; a spectrum under way ends."""
    known = _potentiostat(call, name)
    await call.core.potentiostats.cell_off(call.actor, known, body.reason)
    return reply(Done(f"the cell of {known} is off, read back"))


@router.get("/handovers", response_model=tuple[HandoverStatus, ...])
async def handovers_list(call: Viewer) -> Response:
    """Return the cells that wait for, are at, or come back from a potentiostat."""
    return reply(call.core.potentiostats.handovers())


@router.post("/handovers/{run_id}/confirm", response_model=Done)
async def handovers_confirm(call: Operator, run_id: str, body: Reason) -> Response:
    """Say that the leads were moved as asked; a reason accepts an open circuit that does not fit."""
    known = _handover(call, run_id)
    await call.core.potentiostats.confirm(call.actor, known, body.reason)
    return reply(Done("confirmed; the open circuit is compared now"))


@router.post("/handovers/{run_id}/skip", response_model=Done)
async def handovers_skip(call: Operator, run_id: str, body: Reason) -> Response:
    """Give this spectrum up: the cell goes back and the run goes on behind it; needs a reason."""
    known = _handover(call, run_id)
    await call.core.potentiostats.skip(call.actor, known, body.reason)
    return reply(Done("the spectrum is given up; the cell goes back"))


@router.post("/runs/{run_id}/eis", response_model=Done)
async def runs_eis(call: Operator, run_id: str, body: TakeSpectrum) -> Response:
    """Take a spectrum when the run's present device test is over, by operator handover; then go on."""
    known = known_run(call, run_id)
    await call.core.potentiostats.request(call.actor, known, _technique(body), body.on, body.reason)
    return reply(Done("a spectrum is taken when the present device test is over"))


def _technique(body: TakeSpectrum) -> Peis | Geis:
    """Return what is asked for. Raises: UserInputError for what cannot be a spectrum."""
    try:
        sweep = FrequencySweep(body.f_start_Hz, body.f_end_Hz, body.points_per_decade)
    except ValueError as error:
        raise UserInputError(f"{error}.") from error
    amplitude = body.amplitude_rms_V if body.amplitude_rms_A is None else body.amplitude_rms_A
    if not amplitude > 0.0 or not body.settle_s >= 0.0:
        raise UserInputError("A spectrum needs an amplitude above 0, and a time to settle of 0 s or more.")
    if sweep.points > POINTS_MAX:
        raise UserInputError(f"{sweep.points} points are more than a spectrum may have ({POINTS_MAX}).")
    if body.amplitude_rms_A is not None:
        return Geis(sweep, body.amplitude_rms_A, settle_s=body.settle_s)
    return Peis(sweep, body.amplitude_rms_V, settle_s=body.settle_s)


@router.get("/spectra", response_model=tuple[SpectrumEntry, ...])
async def spectra_list(call: Viewer, cell_id: str = "", run_id: str = "") -> Response:
    """Return the stored spectra in the order of the cells' lives, optionally of one cell or one run."""
    return reply(await call.core.spectra.list(cell_id=cell_id, run_id=run_id))


@router.get("/spectra/{spectrum_id}", response_model=SpectrumTable)
async def spectra_get(call: Viewer, spectrum_id: str) -> Response:
    """Return a spectrum: head and columns, Z'' signed."""
    with or_missing():
        return reply(await call.core.spectra.get(spectrum_id))


@router.get("/spectra/{spectrum_id}/fit", response_model=SpectrumFit)
async def spectra_fit(
    call: Viewer, spectrum_id: str, circuit: Annotated[str, Query(max_length=CIRCUIT_MAX)] = ""
) -> Response:
    """Return validity and fit of a spectrum with 95 % intervals; no circuit = the cell's own."""
    with or_missing():
        table = await call.core.spectra.get(spectrum_id)
    return reply(await call.core.spectra.fit(table.entry.spectrum_id, circuit))
