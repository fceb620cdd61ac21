"""An instrument on the bus as its neighbours see it: it listens, talks, is polled and cleared; no box, no socket."""

from __future__ import annotations

from abc import ABC, abstractmethod


class BusDevice(ABC):
    """One instrument on the GPIB."""

    @abstractmethod
    def listen(self, data: bytes, *, end: bool) -> None:
        """Take bytes of the bus; ``end``: EOI came with the last one."""

    @abstractmethod
    def talk(self) -> bytes | None:
        """Return what it says up to EOI, None when it is not ready to say anything."""

    @abstractmethod
    def asked_in_vain(self) -> None:
        """Note that it was addressed to talk and had nothing to say, nor anything coming."""

    @property
    @abstractmethod
    def coming(self) -> bool:
        """Tell whether it has something to say, now or soon."""

    @abstractmethod
    def poll(self) -> int:
        """Return the status byte of a serial poll."""

    @abstractmethod
    def clear(self) -> None:
        """Take a device clear: what waits to be said or read is forgotten."""


class LineCutter:
    """Cuts commands out of the bytes of a bus or a serial line: they end with CR, with LF or with EOI."""

    def __init__(self, longest: int = 1024) -> None:
        self._buffer = bytearray()
        self._longest = longest
        self.overrun = False
        self._over = False

    def feed(self, data: bytes, *, end: bool = False) -> list[str]:
        """Take bytes and return the commands that they complete; one too long is dropped, ``overrun`` tells."""
        lines = []
        for byte in data:
            if byte in b"\r\n\x00":
                lines.append(self._taken())
            elif len(self._buffer) < self._longest:
                self._buffer.append(byte)
            else:
                self._over = True
        if end:
            lines.append(self._taken())
        return [line for line in lines if line]

    def _taken(self) -> str:
        line = "" if self._over else self._buffer.decode("latin-1").strip()
        self.overrun, self._over = self.overrun or self._over, False
        self._buffer.clear()
        return line

    def clear(self) -> None:
        """Forget an unfinished command."""
        self._buffer.clear()
        self.overrun = self._over = False
