"""The chamber as a Modbus slave: bytes in, bytes out, told the time.

A device may be reached over several connections at once; each has its own input buffer and all share the
chamber::

    device = ChamberDevice(Chamber("oven-60"))
    device.advance_to(plant_s)
    answer = device.receive(request_bytes)              # one connection, any chunking
    link = device.connect(); reply = link.exchange(b)   # a further one; reply says delay and close too

Source: temperature-chamber.md sections 2 and 4.
"""

from __future__ import annotations

from collections.abc import Callable

from labctl.errors import WireError
from labctl_simulators.chamber.faults import Reply, WireFault, WireFaults, wire_fault
from labctl_simulators.chamber.registers import RegisterMap, Registers
from labctl_simulators.chamber.wire import (
    Frame,
    ModbusError,
    ReadRequest,
    exception_answer,
    join_rtu,
    join_tcp,
    parse_request,
    read_answer,
    split_rtu,
    split_tcp,
    write_answer,
)
from labctl_simulators.world.chamber import Chamber, ChamberFault

UNIT = 1


class ChamberLink:
    """One connection to a chamber."""

    def __init__(self, device: ChamberDevice) -> None:
        self._device = device
        self._buffer = bytearray()
        self._deaf = False

    def receive(self, data: bytes) -> bytes:
        """Take bytes as they come and return all answers that are due; nothing for an incomplete frame."""
        return self.exchange(data).data

    def exchange(self, data: bytes) -> Reply:
        """Like ``receive``, with the delay (link time) and the close that an injected fault asks of the
        host.
        """
        if self._deaf:
            return Reply()
        self._buffer += data
        answers, delay_s, close = b"", 0.0, False
        while not close:
            try:
                frame = self._device.split(self._buffer)
            except WireError:
                close = True
                break
            if frame is None:
                break
            reply = self._device.answer(frame)
            answers += reply.data
            delay_s = max(delay_s, reply.delay_s)
            close = reply.close
            if reply.deaf:
                self._deaf = True
                break
        if close:
            self._buffer.clear()
        return Reply(answers, delay_s, close)


class ChamberDevice:
    """A chamber behind Modbus/TCP; a header that cannot be Modbus closes that connection."""

    has_crc = False
    split: Callable[[bytearray], Frame | None] = staticmethod(split_tcp)
    join: Callable[[Frame, bytes], bytes] = staticmethod(join_tcp)

    def __init__(self, chamber: Chamber, table: RegisterMap | None = None, *, unit: int = UNIT) -> None:
        self.chamber = chamber
        self.registers = Registers(chamber, table)
        self.faults = WireFaults()
        self.unit = unit
        self._first_link = ChamberLink(self)

    def advance_to(self, now_s: float) -> None:
        """Move the chamber to a plant time."""
        self.chamber.advance_to(now_s)

    def connect(self) -> ChamberLink:
        """Open a further connection."""
        return ChamberLink(self)

    def receive(self, data: bytes) -> bytes:
        """Answer bytes of the first connection (``ChamberLink.receive``)."""
        return self._first_link.receive(data)

    def exchange(self, data: bytes) -> Reply:
        """Answer bytes of the first connection (``ChamberLink.exchange``)."""
        return self._first_link.exchange(data)

    def answer(self, frame: Frame) -> Reply:
        """Answer one request; a frame for another unit gets silence."""
        if frame.unit != self.unit:
            return Reply()
        return self.faults.applied(self.join(frame, self._answer_pdu(frame.pdu)), has_crc=self.has_crc)

    def _answer_pdu(self, pdu: bytes) -> bytes:
        try:
            request = parse_request(pdu)
            if isinstance(request, ReadRequest):
                return read_answer(request, self.registers.read(request))
            self.registers.write(request)
            return write_answer(request)
        except ModbusError as error:
            return exception_answer(pdu[0], error.code)

    def inject(self, kind: str, value: float | None = None, count: int | None = None) -> None:
        """Begin a fault of the chamber or of its wire, by name. Raises UserInputError on an unknown one."""
        if kind in ChamberFault.__members__.values():
            self.chamber.fault(kind, value)
        elif wire_fault(kind) is WireFault.POWER_CUT:
            self.chamber.restart()
        else:
            self.faults.begin(kind, value, count)

    def clear(self, kind: str) -> None:
        """End a fault, by name. Raises UserInputError on an unknown one."""
        if kind in ChamberFault.__members__.values():
            self.chamber.clear_fault(kind)
        else:
            self.faults.clear(kind)


class RtuChamberDevice(ChamberDevice):
    """A chamber on a serial line (19200 8N1): RTU frames; a wrong CRC gets silence."""

    has_crc = True
    split = staticmethod(split_rtu)
    join = staticmethod(join_rtu)
