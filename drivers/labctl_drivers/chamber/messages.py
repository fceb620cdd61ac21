"""Everything that can be said on a Modbus line to a chamber."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Framing(StrEnum):
    """How a message is wrapped: Modbus/TCP with a transaction number, RTU with a checksum."""

    TCP = "tcp"
    RTU = "rtu"


class Function(IntEnum):
    """The function codes in use."""

    READ_HOLDING = 3
    READ_INPUT = 4
    WRITE_ONE = 6
    WRITE_MANY = 16


EXCEPTION_TEXTS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, still working",
    6: "device busy",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}


@dataclass(frozen=True, slots=True)
class ReadRegisters:
    """Ask for ``count`` registers from ``address`` on; ``function`` says of which table."""

    function: Function
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class WriteOne:
    """Write one holding register."""

    address: int
    value: int


@dataclass(frozen=True, slots=True)
class WriteMany:
    """Write holding registers from ``address`` on."""

    address: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Registers:
    """The registers asked for."""

    function: Function
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OneWritten:
    """A register was written; the reply repeats the request."""

    address: int
    value: int


@dataclass(frozen=True, slots=True)
class ManyWritten:
    """Registers were written; the reply repeats address and count."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The device answered with an exception to ``function``."""

    function: int
    code: int

    @property
    def text(self) -> str:
        """Return the code in words."""
        return f"exception {self.code}, {EXCEPTION_TEXTS.get(self.code, 'not in the standard')}"


Request = ReadRegisters | WriteOne | WriteMany
Reply = Registers | OneWritten | ManyWritten | Refusal


@dataclass(frozen=True, slots=True)
class Framed:
    """A reply with the transaction number of its frame (0 on RTU, which has none)."""

    reply: Reply
    transaction: int
