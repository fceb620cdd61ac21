"""Modbus bytes <-> messages, for Modbus/TCP and RTU. Pure: no input or output.

::

    TCP   transaction 2 | 0 0 | length 2 | unit 1 | function 1 | data          length counts from unit on
    RTU   unit 1 | function 1 | data | CRC-16, low byte first

pymodbus builds and reads the messages. Where a frame begins and ends is decided here, and pymodbus gets
exactly one frame at a time: its own framers throw away the rest of the buffer when two replies come together
(RTU), and wait for ever behind a wrong protocol number (TCP).
"""

from __future__ import annotations

from pymodbus.exceptions import ModbusException
from pymodbus.framer.base import FramerBase
from pymodbus.framer.rtu import FramerRTU
from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from labctl.errors import UsageError, WireError
from labctl_drivers.chamber.messages import (
    Framed,
    Framing,
    Function,
    ManyWritten,
    OneWritten,
    ReadRegisters,
    Refusal,
    Registers,
    Reply,
    Request,
    WriteMany,
    WriteOne,
)

TCP_HEADER_BYTES = 6
TCP_LENGTH_MIN = 3
TCP_LENGTH_MAX = 254
"""Unit, function and one byte of data at least; 253 bytes of function and data at most (Modbus standard)."""

RTU_FRAME_MIN_BYTES = 5
BUFFER_MAX_BYTES = 4096
"""Some frames of 260 bytes; more is not a chamber that answers questions."""

READ_REPLY_OVERHEAD_BYTES = 5
WRITE_REPLY_BYTES = 8
EXCEPTION_REPLY_BYTES = 5
READS = (Function.READ_HOLDING, Function.READ_INPUT)
WRITES = (Function.WRITE_ONE, Function.WRITE_MANY)


def _framer(framing: Framing) -> FramerBase:
    decoder = DecodePDU(is_server=False)
    return FramerSocket(decoder) if framing is Framing.TCP else FramerRTU(decoder)


def encode(request: Request, framing: Framing, unit: int, transaction: int = 0) -> bytes:
    """Return the frame of a request. Raises UsageError for what Modbus cannot say (126 registers, 65536)."""
    message: ModbusPDU
    match request:
        case ReadRegisters(Function.READ_INPUT, address, count):
            message = ReadInputRegistersRequest(unit, transaction, address, count)
        case ReadRegisters(_, address, count):
            message = ReadHoldingRegistersRequest(unit, transaction, address, count)
        case WriteOne(address, value):
            message = WriteSingleRegisterRequest(unit, transaction, address, registers=[value])
        case WriteMany(address, values):
            message = WriteMultipleRegistersRequest(unit, transaction, address, registers=list(values))
    try:
        return bytes(_framer(framing).buildFrame(message))
    except Exception as error:  # pymodbus raises ValueError, struct.error and others of its own
        raise UsageError(f"{request} is no Modbus request: {error}", operation="encode") from error


class Decoder:
    """Cuts what comes into frames and reads them; keeps the rest for later."""

    def __init__(self, framing: Framing, unit: int) -> None:
        self._framing = framing
        self._unit = unit
        self._framer = _framer(framing)
        self._buffer = b""

    def reset(self) -> None:
        """Forget what has come."""
        self._buffer = b""

    def feed(self, data: bytes) -> list[Framed]:
        """Return the replies that are complete now; frames of other units are passed over.

        Raises: WireError for bytes that cannot be a frame; nothing is kept then.
        """
        self._buffer += data
        replies = []
        try:
            while (frame := self._cut()) is not None:
                framed = self._read(frame)
                if framed is not None:
                    replies.append(framed)
        except WireError:
            self.reset()
            raise
        if len(self._buffer) > BUFFER_MAX_BYTES:
            junk, self._buffer = self._buffer, b""
            raise WireError("bytes without a frame", data=junk, rule="frame size")
        return replies

    def _cut(self) -> bytes | None:
        return self._cut_tcp() if self._framing is Framing.TCP else self._cut_rtu()

    def _cut_tcp(self) -> bytes | None:
        head = self._buffer[:TCP_HEADER_BYTES]
        if len(head) < TCP_HEADER_BYTES:
            return None
        length = int.from_bytes(head[4:6], "big")
        if head[2:4] != b"\0\0" or not TCP_LENGTH_MIN <= length <= TCP_LENGTH_MAX:
            raise WireError("this is no Modbus/TCP frame", data=self._buffer, offset=2, rule="header")
        size = TCP_HEADER_BYTES + length
        if len(self._buffer) < size:
            return None
        frame, self._buffer = self._buffer[:size], self._buffer[size:]
        return frame

    def _cut_rtu(self) -> bytes | None:
        """Return the first frame with a right checksum; bytes before it are noise.

        Raises WireError once nothing in the buffer can become a frame any more.
        """
        unfinished = False
        for start in range(len(self._buffer)):
            size = self._rtu_size(self._buffer[start:])
            if size is None or start + size > len(self._buffer):
                unfinished = True  # may become a frame, but a whole one may stand behind it
                continue
            end = start + size
            if size and self._checksum_holds(self._buffer[start:end]):
                frame, self._buffer = self._buffer[start:end], self._buffer[end:]
                return frame
        if self._buffer and not unfinished:
            raise WireError("no frame with a right checksum", data=self._buffer, rule="CRC-16")
        return None

    def _rtu_size(self, data: bytes) -> int | None:
        """Return the size of the frame that begins here; 0: none does; None: too few bytes to tell."""
        if data[0] != self._unit:
            return 0
        if len(data) < 2:
            return None
        function = data[1]
        if function & 0x80:
            return EXCEPTION_REPLY_BYTES
        if function in WRITES:
            return WRITE_REPLY_BYTES
        if function in READS:
            return READ_REPLY_OVERHEAD_BYTES + data[2] if len(data) > 2 else None
        return 0

    @staticmethod
    def _checksum_holds(frame: bytes) -> bool:
        # pymodbus counts the checksum as a number whose first byte goes first
        return FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))

    def _read(self, frame: bytes) -> Framed | None:
        transaction = int.from_bytes(frame[:2], "big") if self._framing is Framing.TCP else 0
        data = frame[7:] if self._framing is Framing.TCP else frame[1:-2]
        if self._framing is Framing.TCP and frame[6] != self._unit:
            return None
        try:
            _, message = self._framer.handleFrame(frame, 0, 0)
        except ModbusException as error:
            raise WireError(f"a reply that cannot be read ({error})", data=frame, rule="message") from error
        if message is None:
            raise WireError("a reply that cannot be read", data=frame, rule="message")
        return Framed(_reply(message, data, frame), transaction)


def _reply(message: ModbusPDU, data: bytes, frame: bytes) -> Reply:
    """Translate, and check the lengths that pymodbus lets pass. ``data`` is function and content."""
    function = data[0]
    if isinstance(message, ExceptionResponse) and len(data) == 2:
        return Refusal(function & 0x7F, message.exception_code)
    if function in READS and len(data) == 2 + data[1] and data[1] % 2 == 0:
        return Registers(Function(function), tuple(message.registers))
    if function == Function.WRITE_ONE and len(data) == 5:
        return OneWritten(message.address, message.registers[0])
    if function == Function.WRITE_MANY and len(data) == 5:
        return ManyWritten(message.address, message.count)
    raise WireError(
        f"a reply of {len(data)} bytes to function {function}", data=frame, offset=len(frame), rule="length"
    )
