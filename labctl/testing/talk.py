"""Short stories on an open pipe, for transport and driver tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.transport import open_transport
from labctl.transport.base import Transport

T = TypeVar("T")


def talk(resource: str, story: Callable[[Transport, Clock], Awaitable[T]]) -> T:
    """Open the pipe in real time, run the story on it, close it, and return what the story returned."""

    async def main(clock: Clock) -> T:
        pipe = open_transport(resource, clock)
        await pipe.open(5.0)
        try:
            return await story(pipe, clock)
        finally:
            await pipe.close()

    return run_with_clock(ClockSpec(), main)


async def read_exactly(pipe: Transport, count: int, timeout_s: float = 5.0) -> bytes:
    """Return ``count`` bytes or more if the last piece held more. Raises as ``pipe.read`` does."""
    data = b""
    while len(data) < count:
        data += await pipe.read(timeout_s)
    return data


async def ask(pipe: Transport, request: bytes, count: int, timeout_s: float = 5.0) -> bytes:
    """Write a request and return ``count`` bytes of what comes back."""
    await pipe.write(request)
    return await read_exactly(pipe, count, timeout_s)
