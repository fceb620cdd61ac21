"""Protocols: the station's library, and checking one before it is queued."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from labctl.api.messages import PREFIX, CheckProtocol, CheckReport, ProtocolInfo, ProtocolText
from labctl.api.server.answers import Refusal, reply
from labctl.api.server.needs import Call, Viewer
from labctl.engine.station import capabilities_of, channel_limits, has_chamber, override_of
from labctl.errors import ConflictError, LabctlError, ProgramError, UserFileError, UserInputError
from labctl.model.cell import Cell
from labctl.model.ids import ChannelId
from labctl.model.program import Program
from labctl.model.protocol import Protocol
from labctl.protocol.bind import bind
from labctl.protocol.document import protocol_hash
from labctl.protocol.library import LibraryEntry, list_protocols
from labctl.protocol.parse import load_protocol, parse_protocol
from labctl.protocol.sentences import sentences

router = APIRouter(prefix=PREFIX, tags=["protocols"])


@router.get("/protocols", response_model=tuple[ProtocolInfo, ...])
async def protocols_list(call: Viewer) -> Response:
    """Return the protocols of all installed packs."""
    entries = await call.reader.call(list_protocols)
    return reply(
        tuple(ProtocolInfo(at.name, at.title, at.description, at.pack, at.problem) for at in entries)
    )


@router.get("/protocols/{name}", response_model=ProtocolText)
async def protocols_get(call: Viewer, name: str) -> Response:
    """Return a protocol of the library: its text, and what it does in sentences."""
    return reply(await call.reader.call(_text, name))


def _text(name: str) -> ProtocolText:
    """Read a library protocol by its exact name, never a path (X07). Raises: Refusal, UserFileError."""
    found: list[LibraryEntry] = [entry for entry in list_protocols() if entry.name == name]
    if not found:
        raise Refusal(
            404, f"There is no protocol {name!r}.", fix="'labctl protocols list' shows what there is."
        )
    protocol = load_protocol(found[0].path)
    variables = {variable.name: str(variable.default) for variable in protocol.variables}
    return ProtocolText(
        name=name,
        title=found[0].title,
        text=found[0].path.read_text(encoding="utf-8"),
        protocol_hash=protocol_hash(protocol),
        sentences=tuple(sentences(protocol)),
        variables=variables,
    )


@router.post("/protocols/check", response_model=CheckReport)
async def protocols_check(call: Viewer, body: CheckProtocol) -> Response:
    """Check a protocol text; with cell and channel, bind it to them. Changes nothing, so a viewer may."""
    cell = None
    if body.cell_id is not None:
        cell = call.core.registry.cell(body.cell_id)
    return reply(await call.reader.call(_check, call, body, cell))


def _check(call: Call, body: CheckProtocol, cell: Cell | None) -> CheckReport:
    protocol: Protocol | None = None
    program: Program | None = None
    try:
        protocol = parse_protocol(body.text, source="<request>", variables=dict(body.variables))
        if cell is not None and body.channel is not None:
            program = _bound(call, protocol, cell, body.channel)
    except ProgramError as error:
        return _report(protocol, None, error.findings)
    except (UserFileError, UserInputError, ConflictError) as error:
        return _report(protocol, None, (str(error),))
    return _report(protocol, program, ())


def _report(protocol: Protocol | None, program: Program | None, errors: tuple[str, ...]) -> CheckReport:
    words = program or protocol
    return CheckReport(
        ok=not errors,
        name="" if protocol is None else protocol.name,
        protocol_hash="" if protocol is None else protocol_hash(protocol),
        errors=errors,
        warnings=() if program is None else tuple(program.warnings),
        sentences=() if words is None else tuple(sentences(words)),
        duration_s=None if program is None else program.estimate.duration_expected_s,
        rows=None if program is None else program.estimate.rows,
    )


def _bound(call: Call, protocol: Protocol, cell: Cell, channel: str) -> Program:
    place = ChannelId(channel)
    try:
        capabilities = capabilities_of(call.core.file, place, call.core.clock)
    except LabctlError as error:
        raise UserInputError(f"Channel {channel} is not known: {error}") from error
    return bind(
        protocol,
        cell,
        place,
        capabilities,
        channel_limits=channel_limits(call.core.file, place),
        has_chamber=has_chamber(call.core.file, place),
        classes=call.core.file.classes,
        override=override_of(call.core.file, place, call.core.clock),
    )
