"""Waits that something else may cut short."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from labctl.clock import Clock
from labctl.errors import LinkTimeout

T = TypeVar("T")
Wish = tuple[Callable[[], Coroutine[Any, Any, Any]], asyncio.Future[Any]]
"""Something to do between two polls, and where its outcome goes; nothing is done for a cancelled one."""

GRANTED_WITHIN_S = 60.0
"""Link seconds in which a wish must begin: a page of a long back-fill may stand before it, an outage may not."""


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


async def granted(
    wishes: deque[Wish], act: Callable[[], Coroutine[Any, Any, T]], wake: Wake, clock: Clock, instrument: str
) -> T:
    """Put a wish behind the others and return what it gives. Raises: what it raises, LinkTimeout: it never began."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()
    begun: asyncio.Future[None] = loop.create_future()
    either: set[asyncio.Future[Any]] = {outcome, begun}

    async def begin() -> T:
        begun.set_result(None)
        return await act()

    wishes.append((begin, outcome))
    wake.set()
    try:
        async with clock.link.timeout(GRANTED_WITHIN_S):
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError as error:
        if not begun.done():
            outcome.cancel()
            text = f"it has not come to this wish within {GRANTED_WITHIN_S:g} s, so nothing was sent for it; ask again"
            raise LinkTimeout(text, instrument=instrument) from error
    except asyncio.CancelledError:
        outcome.cancel()
        raise
    return await outcome
