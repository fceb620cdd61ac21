"""A Prologix box over a byte pipe: writes to, polls and reads the devices on its bus; a second connection for stops.

Each exchange holds the plant; waiting for a device that is not ready does not. A deadline is link time. Once something
has been shouted no device is written to until ``recover``: a stop must not be followed by what was under way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from labctl.clock import Clock
from labctl.errors import LinkError, LinkTimeout, UsageError
from labctl.transport.base import Transport
from labctl_drivers.par273a.codec import read_line, read_poll
from labctl_drivers.par273a.session import PrologixBus

log = logging.getLogger(__name__)
T = TypeVar("T")

READ_AGAIN_S = 3.2
"""A box gives a read up after 3 s (2.4.8); then it is asked again."""

DRAIN_S, DRAINS_MAX = 0.03, 8
"""A box in order has nothing to say unasked: silence for so long is enough."""


class Bus:
    """One box. One task at a time may call anything but ``shout``."""

    def __init__(
        self,
        pipe: Transport,
        stop_pipe: Transport | None,
        clock: Clock,
        reply_timeout_s: float,
    ) -> None:
        self._pipe = pipe
        self._stop_pipe = stop_pipe
        self.clock = clock
        self.reply_timeout_s = reply_timeout_s
        self._lines = PrologixBus()
        self._writing = asyncio.Lock()
        self._shouted = False
        self.stop_lane = stop_pipe is not None

    @property
    def is_open(self) -> bool:
        """Tell whether the pipe is open."""
        return self._pipe.is_open

    async def open(self) -> None:
        """Connect both lanes, set the box up. One that takes a single client has no stop lane. Raises LinkError."""
        await self._pipe.open()
        self._lines.taken()
        await self._write(self._lines.settings())
        if self._stop_pipe is None:
            return
        try:
            await self._stop_pipe.open()
        except LinkError as error:
            log.warning("no stop lane of its own: %s", error)
        self.stop_lane = self._stop_pipe.is_open

    async def close(self) -> None:
        """Close both lanes."""
        await self._pipe.close()
        if self._stop_pipe is not None:
            await self._stop_pipe.close()

    async def write(self, address: int, data: bytes) -> None:
        """Send data to a device. Raises LinkError; UsageError after a shout."""
        with self.clock.busy():
            async with self._writing:
                if self._shouted:
                    raise UsageError("it has been told to stop", operation="write")
                await self._pipe.write(self._lines.write(address, data), self.reply_timeout_s)

    async def recover(self) -> None:
        """Drop what still comes, and let devices be written to again after a shout. Raises LinkError."""
        self._shouted = False
        for _ in range(DRAINS_MAX):
            if not await self._pipe.listen(DRAIN_S):
                break
        self._lines.taken()

    async def poll(self, address: int) -> int:
        """Return a device's status byte. Raises LinkError, WireError."""
        line = await self._exchange(self._lines.poll(address), read_line, self.reply_timeout_s)
        return read_poll(line)

    async def read(self, address: int, whole: Callable[[bytes], T | None], timeout_s: float) -> T:
        """Return a device's reply as soon as ``whole`` can make something of it. Raises LinkError, WireError."""
        deadline_s = self.clock.link.now_s() + timeout_s
        while (left_s := deadline_s - self.clock.link.now_s()) > READ_AGAIN_S:
            try:
                return await self._exchange(self._lines.read(address), whole, READ_AGAIN_S)
            except LinkTimeout:
                log.debug("address %d has nothing to say yet", address)
        try:
            return await self._exchange(self._lines.read(address), whole, max(left_s, 0.0))
        except LinkTimeout as error:
            raise LinkTimeout(f"no answer of the device at address {address}", elapsed_s=timeout_s) from error

    async def shout(self, address: int, data: bytes) -> None:
        """Send data to a device at once, on both lanes, whatever is under way. Raises LinkError if neither takes it."""
        self._shouted = True
        line = self._lines.write(address, data)
        taken = False
        if self._stop_pipe is not None and self._stop_pipe.is_open:
            try:
                await self._stop_pipe.write(line, self.reply_timeout_s)
                taken = True
            except LinkError as error:
                log.warning("stop lane lost: %s", error)
        if taken and self._writing.locked():
            return  # the normal lane is stuck in a write, and the other one has taken it
        try:
            await self._write(line)
        except LinkError:
            if not taken:
                raise

    async def _exchange(self, line: bytes, whole: Callable[[bytes], T | None], timeout_s: float) -> T:
        with self.clock.busy():
            while self._pipe.has_unread:
                await self._pipe.listen(0.0)  # what nobody has asked for (F06)
            self._lines.taken()
            await self._write(line)
            deadline_s = self.clock.link.now_s() + timeout_s
            found: T | None = None
            while found is None:
                left_s = deadline_s - self.clock.link.now_s()
                if left_s <= 0:
                    raise LinkTimeout("no answer", elapsed_s=timeout_s)
                found = whole(self._lines.feed(await self._pipe.listen(left_s)))
            self._lines.taken()
        return found

    async def _write(self, line: bytes) -> None:
        async with self._writing:
            await self._pipe.write(line, self.reply_timeout_s)
