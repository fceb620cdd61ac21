"""A pipe with eyes and hands for tests: counts what is sent, carries nothing while it hangs, is lost when told to."""

from __future__ import annotations

from labctl.clock import Clock
from labctl.errors import LinkClosed, LinkTimeout
from labctl.transport.base import EXCHANGE_TIMEOUT_S, OPEN_TIMEOUT_S, Transport

WAIT_SLICE_S = 0.2


class TappedPipe:
    """Wraps any transport. ``sent`` counts bytes; ``hung`` and ``cut`` may be used at any moment."""

    def __init__(self, inner: Transport, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self._is_cut = False
        self.hung = False
        self.sent = 0

    @property
    def resource(self) -> str:
        """Where it leads."""
        return self._inner.resource

    @property
    def is_open(self) -> bool:
        """Tell whether bytes may be exchanged."""
        return self._inner.is_open and not self._is_cut

    @property
    def has_unread(self) -> bool:
        """Tell whether bytes have come that nobody has read."""
        return self._inner.has_unread and not self.hung

    def cut(self) -> None:
        """Lose the link; the next ``open`` connects anew."""
        self._is_cut = True

    async def open(self, timeout_s: float = OPEN_TIMEOUT_S) -> None:
        """Open the inner pipe; one that was cut is closed first."""
        if self._is_cut:
            await self._inner.close()
            self._is_cut = False
        await self._inner.open(timeout_s)

    async def close(self) -> None:
        """Close the inner pipe."""
        self._is_cut = False
        await self._inner.close()

    async def write(self, data: bytes, timeout_s: float = EXCHANGE_TIMEOUT_S) -> None:
        """Send, unless the link hangs. Raises LinkTimeout, LinkClosed."""
        await self._insist_uncut("write")
        self.sent += len(data)
        if not self.hung:
            await self._inner.write(data, timeout_s)

    async def read(self, timeout_s: float = EXCHANGE_TIMEOUT_S) -> bytes:
        """Return what has come. Raises LinkTimeout, LinkClosed."""
        data = await self.listen(timeout_s)
        if not data:
            await self.close()
            raise LinkTimeout(
                "no bytes came", instrument=self.resource, operation="read", elapsed_s=timeout_s
            )
        return data

    async def listen(self, timeout_s: float) -> bytes:
        """Return what has come, empty when nothing has; what comes while the link hangs is lost."""
        deadline_s = self._clock.link.now_s() + timeout_s
        while True:
            await self._insist_uncut("read")
            left_s = max(0.0, deadline_s - self._clock.link.now_s())
            data = await self._inner.listen(min(left_s, WAIT_SLICE_S))
            await self._insist_uncut("read")
            if data and not self.hung:
                return data
            if self._clock.link.now_s() >= deadline_s:
                return b""

    async def _insist_uncut(self, operation: str) -> None:
        if self._is_cut:
            await self._inner.close()
            raise LinkClosed("connection cut (by the test)", instrument=self.resource, operation=operation)
