"""Raw frames: what passed the links, with the driver's reading."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from labctl.api.messages import PREFIX
from labctl.api.server.answers import or_missing, reply
from labctl.api.server.needs import Call, Viewer
from labctl.model.rawframe import FramePage

FRAMES_MAX = 500
"""Frames of one answer (I14)."""
router = APIRouter(prefix=PREFIX, tags=["frames"])
Limit = Annotated[int, Query(ge=1, le=FRAMES_MAX)]


async def _page(call: Call, name: str, until: str, before: str, limit: int, channel: str = "") -> Response:
    page = await call.core.frames.page(name, channel=channel, until=until, before=before, limit=limit)
    return reply(page)


@router.get("/instruments/{name}/frames", response_model=FramePage)
async def instruments_frames(
    call: Viewer, name: str, until: str = "", before: str = "", limit: Limit = 50
) -> Response:
    """Return raw frames of an instrument's links, newest first: until a moment, or ``before`` a page's ``earlier``."""
    with or_missing():
        call.core.frames.known(name)
    return await _page(call, name, until, before, limit)


@router.get("/chambers/{name}/frames", response_model=FramePage)
async def chambers_frames(
    call: Viewer, name: str, until: str = "", before: str = "", limit: Limit = 50
) -> Response:
    """Return raw frames of a chamber's links, as for an instrument."""
    with or_missing():
        call.core.frames.known(name)
    return await _page(call, name, until, before, limit)


@router.get("/channels/{channel}/frames", response_model=FramePage)
async def channels_frames(
    call: Viewer, channel: str, until: str = "", before: str = "", limit: Limit = 50
) -> Response:
    """Return raw frames that name a channel, newest first; a page may hold few and have an ``earlier`` all the same."""
    with or_missing():
        known = call.core.channel(channel).channel
    return await _page(call, known.partition(":")[0], until, before, limit, known)
