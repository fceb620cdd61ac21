"""What serial and VISA links share: blocking calls in one owned thread, each with a deadline of its own.

A call that does not come back by its deadline plus a grace is left behind with its thread (F02); the next
``open`` begins with a new one. Reads are cut into slices, so that a cancelled reader gives the port back
soon. A read holds the plant, because a worker call does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from labctl.clock import Clock
from labctl.errors import LinkClosed, LinkError, LinkTimeout
from labctl.transport.base import EXCHANGE_TIMEOUT_S, OPEN_TIMEOUT_S
from labctl.worker import Worker

P = ParamSpec("P")
T = TypeVar("T")

READ_SLICE_S = 0.1
"""Longest wait inside one blocking read; also how late a read time-out may be."""

HANG_GRACE_S = 5.0
"""How much longer than its own deadline a call may take before its thread counts as hanging."""


class BlockingTransport:
    """A byte pipe over blocking calls. Subclasses say how; their methods run in the worker thread.

    They raise TimeoutError or OSError; anything else is a bug.
    """

    def __init__(self, resource: str, clock: Clock) -> None:
        self._resource = resource
        self._clock = clock
        self._worker: Worker | None = None
        self._is_open = False

    def _open_port(self, timeout_s: float) -> None:
        raise AssertionError("each kind of link opens its own port")

    def _close_port(self) -> None:
        raise AssertionError("each kind of link closes its own port")

    def _write_port(self, data: bytes, timeout_s: float) -> None:
        raise AssertionError("each kind of link writes its own way")

    def _read_port(self, slice_s: float) -> bytes:
        """Return what has come within the slice; empty when nothing has."""
        raise AssertionError("each kind of link reads its own way")

    @property
    def resource(self) -> str:
        """Where it leads."""
        return self._resource

    @property
    def is_open(self) -> bool:
        """Tell whether bytes may be exchanged."""
        return self._is_open

    @property
    def has_unread(self) -> bool:
        """Say false: only a call to the port could tell, and its worker may be busy."""
        return False

    async def open(self, timeout_s: float = OPEN_TIMEOUT_S) -> None:
        """Open the port. Raises LinkTimeout or LinkClosed."""
        if self._is_open:
            return
        await self.close()
        await self._call("open", timeout_s, self._open_port, timeout_s)
        self._is_open = True

    async def close(self) -> None:
        """Close the port and end the thread; one that hangs is left behind."""
        self._is_open = False
        worker, self._worker = self._worker, None
        if worker is None:
            return
        try:
            async with self._clock.link.timeout(HANG_GRACE_S):
                await worker.call(self._close_port)
        except (TimeoutError, OSError):
            worker.abandon()
        else:
            worker.close()

    async def write(self, data: bytes, timeout_s: float = EXCHANGE_TIMEOUT_S) -> None:
        """Send all bytes. Raises LinkTimeout or LinkClosed (pipe closed afterwards)."""
        if not self._is_open:
            raise LinkClosed("the pipe is closed", instrument=self._resource, operation="write")
        await self._call("write", timeout_s, self._write_port, data, timeout_s)

    async def read(self, timeout_s: float = EXCHANGE_TIMEOUT_S) -> bytes:
        """Return what has come. Raises LinkTimeout or LinkClosed (pipe closed afterwards)."""
        data = await self.listen(timeout_s)
        if not data:
            await self.close()
            raise LinkTimeout(
                "no bytes came", instrument=self._resource, operation="read", elapsed_s=timeout_s
            )
        return data

    async def listen(self, timeout_s: float) -> bytes:
        """Return what has come, empty when nothing has. Raises LinkClosed (pipe closed afterwards)."""
        deadline_s = self._clock.link.now_s() + timeout_s
        while self._is_open:
            left_s = deadline_s - self._clock.link.now_s()
            data = await self._call(
                "read", READ_SLICE_S, self._read_port, max(0.0, min(READ_SLICE_S, left_s))
            )
            if data or left_s <= 0:
                return data
        raise LinkClosed("the pipe is closed", instrument=self._resource, operation="read")

    async def _call(
        self, operation: str, timeout_s: float, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._worker is None:
            self._worker = Worker(self._resource, self._clock)
        started_s = self._clock.link.now_s()
        failed: LinkError
        try:
            async with self._clock.link.timeout(timeout_s + HANG_GRACE_S) as limit:
                return await self._worker.call(func, *args, **kwargs)
        except TimeoutError as error:
            hangs = bool(getattr(limit, "expired", lambda: False)())
            failed = LinkTimeout(
                "the driver call hangs; its thread is left behind" if hangs else str(error) or "no answer",
                instrument=self._resource,
                operation=operation,
                elapsed_s=self._clock.link.now_s() - started_s,
            )
            failed.__cause__ = error
        except OSError as error:
            failed = LinkClosed(error.strerror or str(error), instrument=self._resource, operation=operation)
            failed.__cause__ = error
            hangs = False
        if hangs and self._worker is not None:
            self._worker.abandon()
            self._worker = None
        await self.close()
        raise failed
