"""The byte pipe every link offers: TCP, serial, VISA and memory look the same to a driver's session.

A transport moves bytes and keeps deadlines; it knows no frames. Deadlines are **link time**. While an
exchange is in flight the driver holds ``clock.busy()``, so that a lockstep clock never moves the plant under
it.

**Every LinkError leaves the pipe closed**, a reply that did not come in time too: whatever arrives later
belongs to a question that nobody asks any more, and the next ``open`` starts on clean ground (F06). One task
writes and one reads at a time.
"""

from __future__ import annotations

from typing import Protocol, Self

READ_CHUNK_BYTES = 262_144
"""Largest piece one ``read`` returns: a full download page in one go."""

OPEN_TIMEOUT_S = 10.0
EXCHANGE_TIMEOUT_S = 30.0


class Redacted(bytes):
    """Bytes that hold a secret, a login for example, with what a log may show in their place (X13).

    Only the driver knows where its wire carries a secret: it writes such a request as ``Redacted``.
    """

    shown: bytes

    def __new__(cls, data: bytes, shown: bytes) -> Self:
        """Return ``data`` as they are sent, marked."""
        made = super().__new__(cls, data)
        made.shown = shown
        return made


def shown(data: bytes) -> bytes:
    """Return the bytes as a log may show them."""
    return data.shown if isinstance(data, Redacted) else data


class Transport(Protocol):
    """An ordered, reliable pipe of bytes to one instrument."""

    @property
    def resource(self) -> str:
        """Where it leads, for messages, for example ``serial:///dev/ttyUSB0?baud=19200``."""

    @property
    def is_open(self) -> bool:
        """Tell whether bytes may be exchanged; false once the peer's closing has been noticed."""

    @property
    def has_unread(self) -> bool:
        """Tell, without waiting, whether bytes are known to have come that nobody has read.

        A driver looks before it asks: such bytes answer an earlier question, late or twice (F06). Pipes of
        which only a blocking call could tell say false.
        """

    async def open(self, timeout_s: float = OPEN_TIMEOUT_S) -> None:
        """Connect; nothing happens when open already. Raises LinkTimeout or LinkClosed."""

    async def close(self) -> None:
        """Close; never raises, may be called twice."""

    async def write(self, data: bytes, timeout_s: float = EXCHANGE_TIMEOUT_S) -> None:
        """Send all bytes. Raises LinkTimeout or LinkClosed (pipe closed afterwards)."""

    async def read(self, timeout_s: float = EXCHANGE_TIMEOUT_S) -> bytes:
        """Return what has come, at least one byte.

        Raises: LinkTimeout, LinkClosed when the peer has closed (pipe closed afterwards).
        """

    async def listen(self, timeout_s: float) -> bytes:
        """Return what has come, empty when nothing has within ``timeout_s``: then the pipe stays open.

        For instruments that speak without being asked, where silence is no error. Raises: LinkClosed.
        """
