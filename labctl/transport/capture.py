"""Write down what passes a pipe, one JSON line per event: raw frames of a run (S6), bug reports, replay.

Line: ``{"time_s": 1.25, "event": "out", "data": "0001..."}``. ``time_s`` is link time since the capture
began, ``data`` is hexadecimal. Events: open, close, out, in, timeout (nothing came), lost (the peer closed).
Where several pipes share a file each line names its pipe (``link``), and two events stand for no bytes: begin
(a process began to write there) and identity (what the instrument said it is). Bytes that a driver marked as
``Redacted`` appear as it wants them shown (X13).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum

from labctl.clock import Clock
from labctl.errors import LinkError, LinkTimeout
from labctl.transport.base import EXCHANGE_TIMEOUT_S, OPEN_TIMEOUT_S, Transport, shown


class Event(StrEnum):
    """What a line of a capture tells."""

    OPEN = "open"
    CLOSE = "close"
    OUT = "out"
    IN = "in"
    TIMEOUT = "timeout"
    LOST = "lost"
    BEGIN = "begin"
    IDENTITY = "identity"


class CaptureTransport:
    """A pipe that hands every event to ``sink`` as a line of text ending in a newline.

    ``link`` names the pipe and ``started_s`` (link time) is where its times begin, for pipes that share a sink.
    """

    def __init__(
        self,
        inner: Transport,
        clock: Clock,
        sink: Callable[[str], object],
        *,
        link: str = "",
        started_s: float | None = None,
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._sink = sink
        self._started_s = started_s
        self._link = f'"link": {json.dumps(link)}, ' if link else ""

    @property
    def resource(self) -> str:
        """Where it leads."""
        return self._inner.resource

    @property
    def is_open(self) -> bool:
        """Tell whether bytes may be exchanged."""
        return self._inner.is_open

    @property
    def has_unread(self) -> bool:
        """Tell whether bytes have come that nobody has read."""
        return self._inner.has_unread

    async def open(self, timeout_s: float = OPEN_TIMEOUT_S) -> None:
        """Open the inner pipe."""
        if self._inner.is_open:
            return
        try:
            await self._inner.open(timeout_s)
        except LinkError as error:
            self._note_failure(error)
            raise
        self._note(Event.OPEN)

    async def close(self) -> None:
        """Close the inner pipe."""
        if self._inner.is_open:
            self._note(Event.CLOSE)
        await self._inner.close()

    async def write(self, data: bytes, timeout_s: float = EXCHANGE_TIMEOUT_S) -> None:
        """Send and note."""
        self._note(Event.OUT, data)
        try:
            await self._inner.write(data, timeout_s)
        except LinkError as error:
            self._note_failure(error)
            raise

    async def read(self, timeout_s: float = EXCHANGE_TIMEOUT_S) -> bytes:
        """Read and note."""
        try:
            data = await self._inner.read(timeout_s)
        except LinkError as error:
            self._note_failure(error)
            raise
        self._note(Event.IN, data)
        return data

    async def listen(self, timeout_s: float) -> bytes:
        """Listen, and note what has come; silence leaves no line."""
        try:
            data = await self._inner.listen(timeout_s)
        except LinkError as error:
            self._note_failure(error)
            raise
        if data:
            self._note(Event.IN, data)
        return data

    def _note_failure(self, error: LinkError) -> None:
        self._note(Event.TIMEOUT if isinstance(error, LinkTimeout) else Event.LOST)

    def _note(self, event: Event, data: bytes = b"") -> None:
        now_s = self._clock.link.now_s()
        if self._started_s is None:
            self._started_s = now_s
        time_s = round(now_s - self._started_s, 6)
        # put together by hand: a page of records is half a megabyte, and hexadecimal needs no escapes
        self._sink(
            f'{{"time_s": {time_s}, {self._link}"event": "{event.value}", "data": "{shown(data).hex()}"}}\n'
        )
