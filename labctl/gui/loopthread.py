"""A thread with an event loop of its own that ends cleanly: every task in one group, no thread left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from labctl.clock import Clock, ClockSpec, run_with_clock

START_WITHIN_S = 10.0
LAST_TURNS_S = 0.05
"""A few turns of the loop after the last task: sockets that were dropped are closed in them."""


class _End(Exception):
    """Ends the group of tasks."""


class LoopThread:
    """Runs ``main(self)`` and whatever is posted, until ``end``."""

    def __init__(self, name: str, main: Callable[[LoopThread], Coroutine[Any, Any, None]]) -> None:
        self._main = main
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._group: asyncio.TaskGroup | None = None
        self._clock: Clock | None = None
        self._over: asyncio.Event | None = None
        self.failure: BaseException | None = None

    # -- from any thread --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start; returns when the loop takes tasks."""
        self._thread.start()
        self._ready.wait(START_WITHIN_S)

    def post(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Run a coroutine in the loop; it must keep its errors to itself. After the end nothing happens."""
        self.call(lambda: self._spawn(make))

    def call(self, function: Callable[[], object]) -> None:
        """Call a function in the loop, soon. After the end nothing happens."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(function)
        except RuntimeError:  # the loop has ended: so has the window
            return

    def end(self) -> None:
        """Ask the thread to end."""
        self.call(lambda: self._over.set() if self._over is not None else None)

    def joined(self, patience_s: float) -> bool:
        """Wait for the end; False where the thread still runs."""
        if self._thread.ident is not None:
            self._thread.join(patience_s)
        return not self._thread.is_alive()

    # -- in the loop ------------------------------------------------------------------------------------------------

    def timeout(self, duration_s: float) -> AbstractAsyncContextManager[object]:
        """Limit a block to link seconds. Raises out of it: TimeoutError."""
        assert self._clock is not None
        return self._clock.link.timeout(duration_s)

    async def sleep(self, duration_s: float) -> None:
        """Let link time pass."""
        assert self._clock is not None
        await self._clock.link.sleep(duration_s)

    async def over(self) -> None:
        """Wait for the end."""
        assert self._over is not None
        await self._over.wait()

    def spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        """Start a task that lives until it or the thread ends."""
        assert self._group is not None

        async def go() -> None:
            await work

        return self._group.create_task(go())

    def _spawn(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        if self._group is not None and self._over is not None and not self._over.is_set():
            self._group.create_task(make())

    def _run(self) -> None:
        try:
            run_with_clock(ClockSpec(), self._life)
        except BaseException as error:
            self.failure = error
            raise
        finally:
            self._loop = None
            self._ready.set()

    async def _life(self, clock: Clock) -> None:
        self._clock, self._loop, self._over = clock, asyncio.get_running_loop(), asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._ready.set()
                group.create_task(self._main(self))
                await self._over.wait()
                raise _End
        except* _End:
            self._group = None
        await clock.link.sleep(LAST_TURNS_S)
