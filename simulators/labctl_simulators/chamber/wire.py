"""Modbus frames and requests, bytes only: the chamber simulator's own codec.

Modbus/TCP, one frame::

    transaction u16 | protocol u16 = 0 | length u16 | unit u8 | function u8 | data ...
                                         (length counts unit, function and data)

Modbus RTU, one frame::

    unit u8 | function u8 | data ... | CRC-16 low byte first

RTU marks the end of a frame by silence. This codec knows no time, so it takes the length from the function
code: 8 bytes for functions 1 to 6, 9 + byte count for 15 and 16; a frame of any other function ends where
its CRC first fits. Bytes that lead to no frame with a right CRC are dropped as soon as a later frame is
whole, so a broken frame costs its own answer and nothing else.

Source: temperature-chamber.md section 2, sputter-coater.md 2.6 (exceptions); Modbus application protocol
V1.1b3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from labctl.errors import WireError

TCP_HEADER = 7
TCP_LENGTH_MIN, TCP_LENGTH_MAX = 2, 254
RTU_SHORTEST, RTU_LONGEST = 4, 256
READ_COUNT_MAX = 125
WRITE_COUNT_MAX = 123
"""As many registers as fit the 253 bytes of a PDU."""


class Function(IntEnum):
    """The function codes that the chamber answers."""

    READ_HOLDING = 3
    READ_INPUT = 4
    WRITE_ONE = 6
    WRITE_MANY = 16


class ExceptionCode(IntEnum):
    """Modbus exceptions."""

    FUNCTION = 1
    ADDRESS = 2
    VALUE = 3


class ModbusError(Exception):
    """A request that is answered with an exception."""

    def __init__(self, code: ExceptionCode) -> None:
        self.code = code
        super().__init__(code.name)


@dataclass(frozen=True, slots=True)
class Frame:
    """One request: which unit, and the PDU (function and data). ``transaction`` is 0 on RTU."""

    unit: int
    pdu: bytes
    transaction: int = 0


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Read ``count`` registers from ``address`` of the input (FC4) or holding (FC3) table."""

    function: Function
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Write registers (u16 each) from ``address`` on."""

    function: Function
    address: int
    words: tuple[int, ...]


def crc16(data: bytes | bytearray) -> int:
    """Return the Modbus CRC: start 0xFFFF, polynomial 0xA001, bits from the low end."""
    crc = 0xFFFF
    for byte in data:
        crc = _crc_step(crc, byte)
    return crc


def _crc_step(crc: int, byte: int) -> int:
    crc ^= byte
    for _ in range(8):
        crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def with_crc(body: bytes) -> bytes:
    """Append the CRC, low byte first."""
    return body + struct.pack("<H", crc16(body))


def split_tcp(buffer: bytearray) -> Frame | None:
    """Take the first whole frame off the buffer, or None while it is incomplete.

    Raises WireError on a header that cannot be Modbus/TCP; the stream is then lost and the buffer empty.
    """
    if len(buffer) < TCP_HEADER:
        return None
    transaction, protocol, length, unit = struct.unpack_from(">HHHB", buffer)
    if protocol != 0 or not TCP_LENGTH_MIN <= length <= TCP_LENGTH_MAX:
        data = bytes(buffer)
        buffer.clear()
        raise WireError("not a Modbus/TCP header", data=data, rule="protocol 0, length 2 to 254")
    if len(buffer) < TCP_HEADER - 1 + length:
        return None
    pdu = bytes(buffer[TCP_HEADER : TCP_HEADER - 1 + length])
    del buffer[: TCP_HEADER - 1 + length]
    return Frame(unit, pdu, transaction)


def join_tcp(request: Frame, pdu: bytes) -> bytes:
    """Frame the answer to a request."""
    return struct.pack(">HHHB", request.transaction, 0, len(pdu) + 1, request.unit) + pdu


def split_rtu(buffer: bytearray) -> Frame | None:
    """Take the first whole frame with a right CRC off the buffer, with all bytes before it, or return None."""
    for offset in range(len(buffer) - RTU_SHORTEST + 1):
        size = _rtu_size(buffer, offset)
        if size:
            body = bytes(buffer[offset : offset + size - 2])
            del buffer[: offset + size]
            return Frame(body[0], body[1:])
    # Nothing older than the longest frame can become one.
    if len(buffer) > RTU_LONGEST:
        del buffer[:-RTU_LONGEST]
    return None


def _rtu_size(buffer: bytearray, offset: int) -> int:
    """Return the size of the valid frame at an offset, 0 when there is none (yet)."""
    function = buffer[offset + 1]
    left = len(buffer) - offset
    if 1 <= function <= 6:
        shortest = longest = 8
    elif function in (15, 16):
        if left <= 6:
            return 0
        shortest = longest = 9 + buffer[offset + 6]
    elif offset == 0:
        shortest, longest = RTU_SHORTEST, RTU_LONGEST
    else:
        # A frame of unknown length is looked for only where a frame must begin: a chance CRC is too likely else.
        return 0
    crc = 0xFFFF
    for size in range(3, min(longest, left) + 1):
        crc = crc16(buffer[offset : offset + 1]) if size == 3 else _crc_step(crc, buffer[offset + size - 3])
        if size >= shortest and crc == buffer[offset + size - 2] | buffer[offset + size - 1] << 8:
            return size
    return 0


def join_rtu(request: Frame, pdu: bytes) -> bytes:
    """Frame the answer to a request."""
    return with_crc(bytes([request.unit]) + pdu)


def parse_request(pdu: bytes) -> ReadRequest | WriteRequest:
    """Parse a PDU. Raises ModbusError with the exception that a slave answers."""
    try:
        function = Function(pdu[0])
    except ValueError:
        raise ModbusError(ExceptionCode.FUNCTION) from None
    if len(pdu) < 5:
        raise ModbusError(ExceptionCode.VALUE)
    address, number = struct.unpack_from(">HH", pdu, 1)
    if function in (Function.READ_HOLDING, Function.READ_INPUT):
        if len(pdu) != 5 or not 1 <= number <= READ_COUNT_MAX:
            raise ModbusError(ExceptionCode.VALUE)
        return ReadRequest(function, address, number)
    if function is Function.WRITE_ONE:
        if len(pdu) != 5:
            raise ModbusError(ExceptionCode.VALUE)
        return WriteRequest(function, address, (number,))
    if not 1 <= number <= WRITE_COUNT_MAX or len(pdu) != 6 + 2 * number or pdu[5] != 2 * number:
        raise ModbusError(ExceptionCode.VALUE)
    return WriteRequest(function, address, struct.unpack_from(f">{number}H", pdu, 6))


def read_answer(request: ReadRequest, words: tuple[int, ...]) -> bytes:
    """Return the PDU that answers a read."""
    return struct.pack(f">BB{len(words)}H", request.function, 2 * len(words), *words)


def write_answer(request: WriteRequest) -> bytes:
    """Return the PDU that answers a write: an echo for FC6, address and count for FC16."""
    number = request.words[0] if request.function is Function.WRITE_ONE else len(request.words)
    return struct.pack(">BHH", request.function, request.address, number)


def exception_answer(function: int, code: ExceptionCode) -> bytes:
    """Return the PDU of an exception."""
    return bytes([function | 0x80, code])


def words_from_float(value: float) -> tuple[int, int]:
    """Split a float32 into two registers, high word first."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return high, low


def float_from_words(high: int, low: int) -> float:
    """Join two registers, high word first, to a float32."""
    (value,) = struct.unpack(">f", struct.pack(">HH", high, low))
    return float(value)
