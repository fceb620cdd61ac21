"""Faults of the chamber's wire, injected by name; those of the chamber itself are in ``world.chamber``.

Source: temperature-chamber.md section 4, sputter-coater.md 4.7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from labctl.errors import UserInputError


class WireFault(StrEnum):
    """What can go wrong between an answer and the line."""

    SILENT = "silent"
    LATE = "late"
    CUT = "cut"
    WRONG_CRC = "wrong_crc"
    GARBAGE = "garbage"
    CLOSED = "closed"
    HALF_OPEN = "half_open"
    POWER_CUT = "power_cut"


GARBAGE_BYTES = bytes.fromhex("00 ff 13 37 a5")


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out: bytes, after how many seconds of link time, and whether the connection ends then.

    ``deaf``: the connection stays open and never answers again (half-open).
    """

    data: bytes = b""
    delay_s: float = 0.0
    close: bool = False
    deaf: bool = False


class WireFaults:
    """The faults that are on. Each counts answers; without a count it stays until cleared.

    ``half_open`` makes the connection that is answered next deaf for good. ``value``: milliseconds for ``late``
    (default 2000), bytes kept for ``cut`` (default half of the answer).
    """

    def __init__(self) -> None:
        self._active: dict[WireFault, tuple[float | None, int | None]] = {}

    def begin(self, kind: WireFault | str, value: float | None = None, count: int | None = None) -> None:
        """Begin a fault for ``count`` answers. Raises UserInputError on an unknown kind."""
        self._active[wire_fault(kind)] = (value, count)

    def clear(self, kind: WireFault | str | None = None) -> None:
        """End a fault, or all."""
        if kind is None:
            self._active.clear()
        else:
            self._active.pop(wire_fault(kind), None)

    def applied(self, answer: bytes, *, has_crc: bool) -> Reply:
        """Return what really goes out instead of an answer."""
        reply = Reply(answer)
        for kind in list(self._active):
            if kind is WireFault.WRONG_CRC and not has_crc:
                continue
            value = self._used(kind)
            if kind is WireFault.SILENT:
                reply = replace(reply, data=b"")
            elif kind is WireFault.HALF_OPEN:
                reply = replace(reply, data=b"", deaf=True)
            elif kind is WireFault.LATE:
                reply = replace(reply, delay_s=(2000.0 if value is None else value) * 1e-3)
            elif kind is WireFault.CUT:
                kept = len(reply.data) // 2 if value is None else int(value)
                reply = replace(reply, data=reply.data[:kept])
            elif kind is WireFault.WRONG_CRC:
                reply = replace(reply, data=reply.data[:-1] + bytes([reply.data[-1] ^ 0xFF]))
            elif kind is WireFault.GARBAGE:
                reply = replace(reply, data=GARBAGE_BYTES + reply.data)
            elif kind is WireFault.CLOSED:
                reply = replace(reply, data=b"", close=True)
        return reply

    def _used(self, kind: WireFault) -> float | None:
        value, count = self._active[kind]
        if count is not None:
            if count <= 1:
                del self._active[kind]
            else:
                self._active[kind] = (value, count - 1)
        return value


def wire_fault(kind: WireFault | str) -> WireFault:
    """Return the fault of a name. Raises UserInputError naming the known ones."""
    try:
        return WireFault(kind)
    except ValueError:
        known = ", ".join(member.value for member in WireFault)
        raise UserInputError(f"The chamber's wire has no fault {kind!r}; known are {known}.") from None
