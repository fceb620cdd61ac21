"""One owned thread for blocking calls: VISA, serial ports, the store."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ParamSpec, TypeVar

from labctl.clock import Clock
from labctl.errors import UsageError

P = ParamSpec("P")
T = TypeVar("T")

QUEUE_MAX = 64
"""Calls that may wait. More means that the callers outrun the thread, and waiting longer would not help."""

_FIRST, _USUAL, _LAST = range(3)
"""Which of the waiting calls is next; within a rank they keep their order."""

_Job = tuple[Callable[[], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]


class Worker:
    """Runs blocking calls one after the other in a thread of its own; the plant stands still while one is
    awaited."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._jobs: queue.PriorityQueue[tuple[int, int, _Job | None]] = queue.PriorityQueue()
        self._number = itertools.count()
        self._room = asyncio.Semaphore(QUEUE_MAX)
        self._thread: threading.Thread | None = None
        self._closed = False

    async def call(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``func(*args)`` in the thread and return what it returns or raise what it raises.

        Holds ``clock.busy()`` until then. A cancelled caller leaves at once; the call itself goes on in the
        thread, its outcome is dropped and later calls wait behind it. Raises UsageError after ``close``.
        """
        async with self._room:
            return await self._done(_USUAL, lambda: func(*args, **kwargs))

    async def call_first(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do as ``call``, but before all that waits: for what stands before a stop. Waits for no room."""
        return await self._done(_FIRST, lambda: func(*args, **kwargs))

    def hand_first(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Hand a call over as ``call_first`` does and return at once: it is done although nobody waits for its end."""
        future = self._handed(_FIRST, lambda: func(*args, **kwargs))
        busy = ExitStack()
        busy.enter_context(self._clock.busy(thread=True))
        future.add_done_callback(lambda _: busy.close())
        return future

    async def _done(self, rank: int, work: Callable[[], T]) -> T:
        with self._clock.busy(thread=True):
            return await self._handed(rank, work)

    def _handed(self, rank: int, work: Callable[[], T]) -> asyncio.Future[T]:
        if self._closed:
            raise UsageError("the worker is closed", instrument=self._name, operation="call")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((rank, next(self._number), (work, future, loop)))
        return future

    def close(self) -> None:
        """Let the calls in the queue finish, then end the thread. May be called twice; waits for the
        thread."""
        self.abandon()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None

    def abandon(self) -> None:
        """Take no more calls and do not wait for the thread: one of its calls hangs (F02). It dies with the
        process."""
        if not self._closed:
            self._closed = True
            self._jobs.put((_LAST, 0, None))

    def _work(self) -> None:
        while (job := self._jobs.get()[2]) is not None:
            work, future, loop = job
            if future.cancelled():
                continue
            result: Any = None
            failure: BaseException | None = None
            try:
                result = work()
            except BaseException as error:
                failure = error
            try:
                loop.call_soon_threadsafe(_deliver, future, result, failure)
            except RuntimeError:
                return  # the loop is closed: nobody is left to hear it


def _deliver(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    else:
        # a StopIteration cannot travel through a future
        future.set_exception(RuntimeError(repr(failure)) if isinstance(failure, StopIteration) else failure)
