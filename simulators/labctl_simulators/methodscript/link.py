"""One connection to the instrument: bytes in, queued bytes out, also unasked while a script runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from labctl_simulators.neware.faults import Outgoing

OUTGOING_MAX = 100_000
"""Lines kept for a host that does not read; a longer silence loses the oldest, as a full buffer does."""


class Hears(Protocol):
    """What takes the bytes of a link: the instrument."""

    def hear(self, link: ScriptLink, data: bytes) -> None: ...
    def lost(self, link: ScriptLink) -> None: ...


class ScriptLink:
    """A connection. ``on_ready`` is called when there is something to fetch with :meth:`pop`.

    ``keeps_delays`` says that a shell of sockets delays late lines by link time; without one plant time does, which is
    link time in a bench of one process.
    """

    def __init__(self, device: Hears, *, permanent: bool = False) -> None:
        self._device = device
        self._out: deque[Outgoing] = deque(maxlen=OUTGOING_MAX)
        self.permanent = permanent
        self.closed = False
        self.keeps_delays = False
        self.on_ready: Callable[[], None] | None = None

    def attach(self, send: Callable[[bytes], None]) -> None:
        """Let a connection in memory hear: ``send`` is called whenever the instrument speaks by itself."""
        self.on_ready = lambda: send(self._taken())

    def push(self, data: bytes) -> None:
        """Take received bytes."""
        ready, self.on_ready = self.on_ready, None  # what is said meanwhile is fetched by who pushed
        try:
            self._device.hear(self, data)
        finally:
            self.on_ready = ready

    def pop(self) -> Outgoing | None:
        """Return the oldest piece that is to be sent, or None."""
        return self._out.popleft() if self._out else None

    def receive(self, data: bytes) -> bytes:
        """Take bytes and return what is to be sent at once. Raises: ConnectionError when the link has ended."""
        if self.closed:
            raise ConnectionError("the instrument's link has ended")
        self.push(data)
        return self._taken()

    def _taken(self) -> bytes:
        return b"".join(piece for out in iter(self.pop, None) for piece in out.pieces)

    def say(self, out: Outgoing) -> None:
        """Queue what the instrument says."""
        if self.closed:
            return
        self._out.append(out)
        if out.close:
            self.closed = True
            self._device.lost(self)
        if self.on_ready is not None:
            self.on_ready()

    def end(self) -> None:
        """Say that the other side has gone."""
        if not self.closed:
            self.closed = True
            self._device.lost(self)
