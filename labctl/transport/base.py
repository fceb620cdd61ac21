"""The byte pipe every link offers: TCP, serial, VISA and memory look the same to a driver's session.

A transport moves bytes and keeps deadlines; it knows no frames. Deadlines are **link time**. While an exchange is in
flight the driver holds ``clock.busy()``, so that a lockstep clock never moves the plant under it.
"""

from __future__ import annotations

from typing import Protocol

READ_CHUNK_BYTES = 262_144
"""Largest piece one ``read`` returns: a full download page in one go."""


class Transport(Protocol):
    """An ordered, reliable pipe of bytes to one instrument."""

    @property
    def resource(self) -> str:
        """Where it leads, for messages: ``tcp://127.0.0.1:502``, ``serial:///dev/ttyUSB0?baud=19200``, ``visa://...``."""

    @property
    def is_open(self) -> bool: ...

    async def open(self, timeout_s: float = 10.0) -> None:
        """Connect. Raises LinkTimeout or LinkClosed."""

    async def close(self) -> None:
        """Close; never raises, may be called twice."""

    async def write(self, data: bytes, timeout_s: float = 30.0) -> None:
        """Send all bytes. On LinkTimeout or LinkClosed the pipe is closed afterwards."""

    async def read(self, timeout_s: float = 30.0) -> bytes:
        """Return what has come, at least one byte. Raises LinkTimeout; LinkClosed when the peer has closed."""
