"""Waits that something else may cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Wake(asyncio.Event):
    """An event that cuts short the waits that its owners are in (``until_or_event``)."""

    def __init__(self) -> None:
        super().__init__()
        self.on_set: set[Callable[[], None]] = set()

    def set(self) -> None:
        """Set the event and cut the waits short."""
        super().set()
        for cut_short in tuple(self.on_set):
            cut_short()


async def until_or_event(wait: Coroutine[Any, Any, None], wake: Wake) -> None:
    """Return when ``wait`` is over or ``wake`` is set, whichever comes first; ``wait`` is then cancelled.

    The task cancels its own wait, as ``asyncio.timeout`` does: every poll ends in such a wait, and two tasks
    with a group around them cost six turns of the loop. Raises: what ``wait`` raises.
    """
    if wake.is_set():
        wait.close()
        return
    task = asyncio.current_task()
    assert task is not None
    before, cut = task.cancelling(), False

    def cut_short() -> None:
        nonlocal cut
        if not cut:
            cut = True
            task.cancel()

    wake.on_set.add(cut_short)
    try:
        await wait
    except asyncio.CancelledError:
        # somebody else has cancelled us too: theirs goes on
        if not cut or task.cancelling() > before + 1:
            raise
    finally:
        wake.on_set.discard(cut_short)
        if cut:
            task.uncancel()
