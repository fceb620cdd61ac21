"""Protocols: the station's library with its revisions, and checking a text before it is saved or queued."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from labctl.api.messages import PREFIX, CheckProtocol, SaveProtocol, SketchProtocol
from labctl.api.server.answers import or_missing, reply
from labctl.api.server.needs import Call, Operator, Viewer
from labctl.engine.station import (
    capabilities_of,
    channel_limits,
    has_chamber,
    override_of,
    potentiostats_for,
)
from labctl.errors import LabctlError, ProgramError, UserInputError
from labctl.interfaces.cycler import CyclerCapabilities
from labctl.model.cell import Cell
from labctl.model.ids import ChannelId
from labctl.model.library import (
    CheckReport,
    ProtocolInfo,
    ProtocolProblem,
    ProtocolRevision,
    ProtocolText,
    ProtocolUse,
)  # fmt: skip
from labctl.model.prediction import Prediction
from labctl.model.program import Program
from labctl.model.protocol import Protocol
from labctl.protocol.bind import bind
from labctl.protocol.document import protocol_hash
from labctl.protocol.report import TextReport, report_text
from labctl.protocol.sentences import sentences
from labctl.station.planning import review_lines

router = APIRouter(prefix=PREFIX, tags=["protocols"])
Revision = Annotated[int, Path(ge=1, lt=2**31)]


@router.get("/protocols", response_model=tuple[ProtocolInfo, ...])
async def protocols_list(call: Viewer) -> Response:
    """Return the protocols of all installed packs, and those that people saved here."""
    return reply(await call.core.protocols.infos())


@router.post("/protocols/check", response_model=CheckReport)
async def protocols_check(call: Viewer, body: CheckProtocol) -> Response:
    """Check a protocol text; with a cell, bind it to it and a channel. Changes nothing, so a viewer may."""
    cell = None if body.cell_id is None else call.core.registry.cell(body.cell_id)
    channel = _channel(call, body, cell)
    return reply(await call.reader.call(_check, call, body, cell, channel))


@router.post("/protocols/sketch", response_model=Prediction)
async def protocols_sketch(call: Operator, body: SketchProtocol) -> Response:
    """Rehearse a text on a twin of a cell and return the predicted curve; takes seconds, changes nothing."""
    cell = call.core.registry.cell(body.cell_id)
    found = await call.core.predictions.sketch(
        body.text, cell, name=body.name, variables=body.variables, twin=body.twin
    )
    return reply(found)


@router.get("/protocols/{name}", response_model=ProtocolText)
async def protocols_get(call: Viewer, name: str) -> Response:
    """Return a protocol of the library: its newest text, and what it does in sentences."""
    with or_missing():
        return reply(await call.core.protocols.text(name))


@router.get("/protocols/{name}/revisions", response_model=tuple[ProtocolRevision, ...])
async def protocols_revisions(call: Viewer, name: str) -> Response:
    """Return the versions of a saved protocol, oldest first, without their texts; a ready-made one has none."""
    with or_missing():
        return reply(await call.core.protocols.revisions(name))


@router.get("/protocols/{name}/uses", response_model=tuple[ProtocolUse, ...])
async def protocols_uses(call: Viewer, name: str) -> Response:
    """Return which jobs wait or run with which revision of a protocol; they stay on it."""
    with or_missing():
        return reply(await call.core.protocols.uses(name, call.core.queue.frozen()))


@router.get("/protocols/{name}/revisions/{revision}", response_model=ProtocolText)
async def protocols_revision(call: Viewer, name: str, revision: Revision) -> Response:
    """Return one version of a saved protocol with its text."""
    with or_missing():
        return reply(await call.core.protocols.text(name, revision))


@router.post("/protocols/{name}/revisions", response_model=ProtocolRevision)
async def protocols_save(call: Operator, name: str, body: SaveProtocol) -> Response:
    """Save a text as the next revision, or as a new protocol; runs and queued jobs stay on theirs."""
    saved = await call.core.protocols.save(
        call.actor, name, body.text, based_on=body.based_on, note=body.note, source=body.source
    )
    return reply(saved)


# -- checking ----------------------------------------------------------------------------------------------------------


def _channel(call: Call, body: CheckProtocol, cell: Cell | None) -> ChannelId | None:
    """Return the channel to bind to: the one named, where the cell sits, or any of the bench."""
    if cell is None:
        return None
    if body.channel is not None:
        return ChannelId(body.channel)
    sits = call.core.registry.where(cell.cell_id)
    return sits or next((status.channel for status in call.core.channels()), None)


def _check(call: Call, body: CheckProtocol, cell: Cell | None, channel: ChannelId | None) -> CheckReport:
    """Check a text and bind it where there is a cell and a channel. Runs in the reader."""
    said = report_text(body.text, body.name or "<request>", variables=dict(body.variables), cell=cell)
    if said.protocol is None or cell is None or channel is None:
        return _report(body, said)
    try:
        capabilities = _capabilities(call, channel)
        program = _bound(call, said.protocol, cell, channel, capabilities)
    except ProgramError as error:
        return _report(body, said, findings=error.findings, channel=channel)
    except LabctlError as error:
        return _report(body, said, findings=(str(error),))
    return _report(body, said, program=program, channel=channel, review=review_lines(program, capabilities))


def _report(
    body: CheckProtocol,
    said: TextReport,
    *,
    findings: tuple[str, ...] = (),
    program: Program | None = None,
    channel: str = "",
    review: tuple[str, ...] = (),
) -> CheckReport:
    known = tuple(problem.problem for problem in said.problems)
    problems = (*said.problems, *(ProtocolProblem(text) for text in findings if not text.endswith(known)))
    told = [_text(body.name or "<request>", problem) for problem in problems if problem.is_error]
    odd = [str(text) for text in program.warnings] if program is not None else []
    odd += [] if program else [_text(body.name or "<request>", at) for at in problems if not at.is_error]
    protocol, need = said.protocol, None if program is None else program.estimate
    words = program or protocol
    return CheckReport(
        ok=not told, name="" if protocol is None else protocol.name,
        protocol_hash="" if protocol is None else protocol_hash(protocol),
        errors=tuple(told), warnings=tuple(odd), sentences=() if words is None else tuple(sentences(words)),
        duration_s=None if need is None else need.duration_expected_s, rows=None if need is None else need.rows,
        problems=problems, steps=said.steps, review=review, channel=channel,
        longest_s=None if need is None else need.duration_s,
        bytes_on_disk=None if need is None else need.bytes_on_disk, cycles=None if need is None else need.cycles,
        host_decisions=None if need is None else need.host_decisions,
    )  # fmt: skip


def _text(name: str, problem: ProtocolProblem) -> str:
    """Return a problem as one sentence that names its place."""
    place = "" if problem.line is None else f"{name}:{problem.line}:{problem.column or 1}: "
    return f"{place}{problem.problem} {problem.fix}".strip()


def _capabilities(call: Call, channel: ChannelId) -> CyclerCapabilities:
    try:
        return capabilities_of(call.core.file, channel, call.core.clock)
    except LabctlError as error:
        raise UserInputError(f"Channel {channel} is not known: {error}") from error


def _bound(
    call: Call, protocol: Protocol, cell: Cell, channel: ChannelId, capabilities: CyclerCapabilities
) -> Program:
    return bind(
        protocol,
        cell,
        channel,
        capabilities,
        channel_limits=channel_limits(call.core.file, channel),
        has_chamber=has_chamber(call.core.file, channel),
        classes=call.core.file.classes,
        override=override_of(call.core.file, channel, call.core.clock),
        potentiostats=potentiostats_for(call.core.file, channel),
    )
