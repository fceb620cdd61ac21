"""The station itself: who answers, how it stands, stop all outputs, changes since a number."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from labctl import __version__
from labctl.api.messages import API_VERSION, PREFIX, Confirmed, Deltas, Hello, Reason, SetPace, State
from labctl.api.server.answers import reply
from labctl.api.server.needs import Operator, Viewer
from labctl.model.bench import StationInfo, StopAll

WAIT_MAX_S = 30.0
"""Link seconds that a question for deltas waits for one; proxies and phones drop longer calls."""
DELTAS_MAX = 2000
"""Deltas of one answer."""
router = APIRouter(prefix=PREFIX, tags=["station"])


@router.get("/hello", response_model=Hello)
async def station_hello(call: Viewer) -> Response:
    """Return who answers, and as whom the caller is known."""
    core = call.core
    return reply(
        Hello(
            core.name, __version__, API_VERSION, core.feed.epoch, core.ready, call.actor.name, call.actor.role
        )
    )


@router.get("/station", response_model=StationInfo)
async def station_info(call: Viewer) -> Response:
    """Return how the station stands: clock, runs, jobs, alarms, disk, the latch of Stop all."""
    return reply(call.core.info())


@router.post("/stop-all", response_model=StopAll)
async def station_stop_all(call: Operator, body: Reason) -> Response:
    """Stop all outputs of every instrument; latched until a person releases it. Not an emergency stop."""
    return reply(await call.core.stop_all(call.actor, body.reason))


@router.post("/stop-all/release", response_model=StopAll)
async def station_release(call: Operator, body: Confirmed) -> Response:
    """Release Stop all; nothing restarts by itself. ``confirm`` is the typed word ``release``."""
    return reply(await call.core.release_stop_all(call.actor, body.reason, body.confirm))


@router.post("/pace", response_model=StationInfo)
async def station_set_pace(call: Operator, body: SetPace) -> Response:
    """Let a virtual bench's time go at another speed; refused, with the reason, where it has only one."""
    return reply(await call.core.set_pace(call.actor, body.speed))


@router.get("/snapshot", response_model=State)
async def station_snapshot(call: Viewer) -> Response:
    """Return the present value of everything, with the number of the delta it is as of."""
    snapshot = call.core.feed.snapshot()
    return reply(State(snapshot.epoch, snapshot.number, snapshot.state))


@router.get("/deltas", response_model=Deltas)
async def station_deltas(
    call: Viewer,
    after: Annotated[int, Query(ge=0)],
    epoch: str = "",
    wait_s: Annotated[float, Query(ge=0.0, le=WAIT_MAX_S)] = 0.0,
) -> Response:
    """Return what changed after delta ``after`` of ``epoch``; waits up to ``wait_s`` for a change."""
    feed = call.core.feed
    if epoch not in ("", feed.epoch):
        return reply(Deltas(feed.epoch, feed.number, (), resnapshot=True))
    if wait_s > 0 and feed.number == after:
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            async with call.core.clock.link.timeout(wait_s):
                await feed.wait(after)
    found = feed.since(after)
    if found is None:
        return reply(Deltas(feed.epoch, feed.number, (), resnapshot=True))
    deltas = tuple(found[:DELTAS_MAX])
    return reply(Deltas(feed.epoch, deltas[-1].number if deltas else feed.number, deltas))
