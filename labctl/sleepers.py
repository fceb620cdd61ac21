"""Who sleeps: tasks that wait for a plant moment, in order, and the computer itself when suspended; and who is busy."""

from __future__ import annotations

import asyncio
import heapq
import sys
import time

SLEEPERS_PRUNE_MIN = 256
"""Cancelled sleepers stay in the heap until this many are there and they are the majority."""


class Sleepers:
    """Plant sleepers in the order (deadline, arrival); wakes them in that order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = 0
        self._cancelled = 0

    async def wait(self, deadline_s: float) -> None:
        """Wait until ``wake`` reaches the moment. Raises: what ``fail`` was given."""
        future: asyncio.Future[None] = self._loop.create_future()
        heapq.heappush(self._heap, (deadline_s, self._arrivals, future))
        self._arrivals += 1
        try:
            await future
        except asyncio.CancelledError:
            self._cancelled += 1
            if self._cancelled > SLEEPERS_PRUNE_MIN and 2 * self._cancelled > len(self._heap):
                self._heap = [entry for entry in self._heap if not entry[2].done()]
                heapq.heapify(self._heap)
                self._cancelled = 0
            raise

    def next_s(self) -> float | None:
        """Return the earliest deadline, or None."""
        while self._heap and self._heap[0][2].done():
            heapq.heappop(self._heap)
            self._cancelled = max(0, self._cancelled - 1)
        return self._heap[0][0] if self._heap else None

    def wake(self, now_s: float) -> bool:
        """Wake all that are due; tell whether there was one."""
        woke = False
        while (deadline_s := self.next_s()) is not None and deadline_s <= now_s:
            heapq.heappop(self._heap)[2].set_result(None)
            woke = True
        return woke

    def fail(self, error: BaseException) -> None:
        """Raise ``error`` in every sleeper, in order."""
        while self.next_s() is not None:
            heapq.heappop(self._heap)[2].set_exception(error)


class Busy:
    """Counts who holds the plant. One object serves all holders, because every exchange holds it."""

    def __init__(self) -> None:
        self.holders = 0
        self.threads = 0
        self.threaded = _ThreadBusy(self)

    def __enter__(self) -> None:
        self.holders += 1

    def __exit__(self, *_: object) -> None:
        self.holders -= 1


class _ThreadBusy:
    """The same hold, for work in a thread."""

    def __init__(self, busy: Busy) -> None:
        self._busy = busy

    def __enter__(self) -> None:
        self._busy.holders += 1
        self._busy.threads += 1

    def __exit__(self, *_: object) -> None:
        self._busy.holders -= 1
        self._busy.threads -= 1


def computer_asleep_s() -> float:
    """Return how long this computer has been suspended since it booted: boot-time clock minus running-time clock."""
    if sys.platform == "win32":
        import ctypes

        awake = ctypes.c_ulonglong()
        ctypes.windll.kernel32.QueryUnbiasedInterruptTime(
            ctypes.byref(awake)
        )  # 100 ns, stands still in sleep
        ctypes.windll.kernel32.GetTickCount64.restype = ctypes.c_ulonglong
        return float(ctypes.windll.kernel32.GetTickCount64()) / 1e3 - awake.value / 1e7
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC) - time.clock_gettime(time.CLOCK_UPTIME_RAW)
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
