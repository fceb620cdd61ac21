"""Waits that something else may cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def until_or_event(wait: Coroutine[Any, Any, None], event: asyncio.Event) -> None:
    """Return when ``wait`` is over or ``event`` is set, whichever comes first; the other is cancelled.

    Raises: what ``wait`` raises.
    """
    if event.is_set():
        wait.close()
        return
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(wait)
            waking = group.create_task(_wait(event))
            await asyncio.wait({waiting, waking}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            waking.cancel()
    except BaseExceptionGroup as group_error:
        failure = group_error.exceptions[0]
    if failure is not None:
        raise failure


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
