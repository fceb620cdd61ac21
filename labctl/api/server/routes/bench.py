"""Instruments, channels and chambers."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from labctl.api.messages import PREFIX, Confirmed, Done, LoadCell, NewDevice, Reason, SetChamber, SetReady
from labctl.api.server.answers import Refusal, or_missing, reply
from labctl.api.server.needs import Call, Configurer, Operator, Viewer
from labctl.model.bench import ChamberStatus, ChannelStatus, InstrumentStatus, TriedDevice
from labctl.model.ids import CellId, ChannelId
from labctl.model.limitsnow import LimitsNow

router = APIRouter(prefix=PREFIX, tags=["bench"])


def _channel(call: Call, channel: str) -> ChannelId:
    with or_missing():
        return call.core.channel(channel).channel


def _named(kind: str, name: str, known: list[str]) -> str:
    if name not in known:
        raise Refusal(404, f"There is no {kind} {name!r}.", fix=f"There are: {', '.join(known) or 'none'}.")
    return name


@router.get("/instruments", response_model=tuple[InstrumentStatus, ...])
async def instruments_list(call: Viewer) -> Response:
    """Return every instrument with its link."""
    return reply(call.core.instruments())


@router.post("/new-instrument/ask", response_model=TriedDevice)
async def new_instrument_ask(call: Configurer, body: NewDevice) -> Response:
    """Ask an instrument that the station does not have yet who it is; drives nothing."""
    return reply(await call.core.devices.ask(call.actor, body.lines))


@router.post("/new-instrument/add", response_model=Done)
async def new_instrument_add(call: Configurer, body: NewDevice) -> Response:
    """Write an instrument into the station file; it is taken up when the station is started anew."""
    return reply(Done(await call.core.devices.add(call.actor, body.lines, body.reason)))


@router.post("/instruments/{name}/ping", response_model=Done)
async def instruments_ping(call: Operator, name: str, body: Reason) -> Response:
    """Ask an instrument who it is."""
    known = _named("instrument", name, [status.name for status in call.core.instruments()])
    return reply(Done(await call.core.ping(call.actor, known)))


@router.get("/channels", response_model=tuple[ChannelStatus, ...])
async def channels_list(call: Viewer) -> Response:
    """Return every channel: state, cell, run, last values, expected end."""
    return reply(call.core.channels())


@router.get("/channels/{channel}", response_model=ChannelStatus)
async def channels_get(call: Viewer, channel: str) -> Response:
    """Return one channel."""
    return reply(call.core.channel(_channel(call, channel)))


@router.get("/channels/{channel}/limits", response_model=LimitsNow)
async def channels_limits(call: Viewer, channel: str) -> Response:
    """Return the limits that bind a channel now: the tightest of each quantity, its layer, all layers, the value."""
    return reply(call.core.limits(_channel(call, channel)))


@router.post("/channels/{channel}/load", response_model=ChannelStatus)
async def channels_load(call: Operator, channel: str, body: LoadCell) -> Response:
    """Say that a cell sits in the channel now."""
    place = _channel(call, channel)
    await call.core.registry.load(call.actor, place, CellId(body.cell_id), body.reason)
    return reply(call.core.channel(place))


@router.post("/channels/{channel}/eject", response_model=ChannelStatus)
async def channels_eject(call: Operator, channel: str, body: Reason) -> Response:
    """Say that the channel is empty now."""
    place = _channel(call, channel)
    await call.core.registry.eject(call.actor, place)
    return reply(call.core.channel(place))


@router.post("/channels/{channel}/ready", response_model=ChannelStatus)
async def channels_ready(call: Operator, channel: str, body: SetReady) -> Response:
    """Say whether the queue may start in the channel."""
    place = _channel(call, channel)
    await call.core.registry.set_ready(call.actor, place, body.ready)
    return reply(call.core.channel(place))


@router.post("/channels/{channel}/reset", response_model=ChannelStatus)
async def channels_reset(call: Configurer, channel: str, body: Confirmed) -> Response:
    """Reset a trip and the lane; ``confirm`` is the channel's name, typed."""
    place = _channel(call, channel)
    return reply(await call.core.reset_channel(call.actor, place, body.reason, body.confirm))


@router.get("/chambers", response_model=tuple[ChamberStatus, ...])
async def chambers_list(call: Viewer) -> Response:
    """Return every chamber as last read."""
    return reply(call.core.chambers())


@router.post("/chambers/{name}/set", response_model=Done)
async def chambers_set(call: Operator, name: str, body: SetChamber) -> Response:
    """Set a chamber, optionally with the ramp to go there."""
    known = _named("chamber", name, [status.name for status in call.core.chambers()])
    ramp_K_per_min = body.ramp_K_per_min
    await call.core.set_chamber(call.actor, known, body.setpoint_degC, ramp_K_per_min)
    ramp = "" if ramp_K_per_min is None else f", at {ramp_K_per_min:g} K/min"
    return reply(Done(f"{known} is set to {body.setpoint_degC:g} degC{ramp}"))


@router.post("/chambers/{name}/off", response_model=Done)
async def chambers_off(call: Operator, name: str, body: Reason) -> Response:
    """Switch a chamber off."""
    known = _named("chamber", name, [status.name for status in call.core.chambers()])
    await call.core.chamber_off(call.actor, known)
    return reply(Done(f"{known} is switched off"))
