"""Who may speak when on a Modbus line: one question, then its answer. Pure.

A reply counts when it has the transaction number of the question (TCP) and repeats what was asked: function,
number of registers, address. Anything else belongs to an earlier question and is passed over (F06). RTU has
no transaction numbers; there the driver never asks the same question twice in a row, so that a doubled reply
is recognised too.
"""

from __future__ import annotations

from labctl.errors import RefusedError, UsageError
from labctl_drivers.chamber.codec import Decoder, encode
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

TRANSACTION_MAX = 0xFFFF


class Session:
    """One line to one unit."""

    def __init__(self, framing: Framing, unit: int) -> None:
        self._framing = framing
        self._unit = unit
        self._decoder = Decoder(framing, unit)
        self._transaction = 0
        self._pending: Request | None = None

    def request(self, request: Request) -> bytes:
        """Return the bytes of a question; what came before and was not asked for is forgotten.

        Raises: UsageError when the last question has no answer yet, or for one that Modbus cannot say.
        """
        if self._pending is not None:
            raise UsageError("the last question has no answer yet", operation="request")
        transaction = self._transaction % TRANSACTION_MAX + 1
        frame = encode(request, self._framing, self._unit, transaction)
        self._transaction = transaction
        self._decoder.reset()
        self._pending = request
        return frame

    def feed(self, data: bytes) -> Reply | None:
        """Return the answer once it is complete, else None.

        Raises: RefusedError with the exception of the device; WireError (give the question up then).
        """
        for framed in self._decoder.feed(data):
            request = self._pending
            if request is None or not self._answers(request, framed):
                continue
            self._pending = None
            if isinstance(framed.reply, Refusal):
                text = framed.reply.text
                raise RefusedError(f"it refused {request}: {text}", vendor_text=text)
            return framed.reply
        return None

    def give_up(self) -> None:
        """Forget the question and everything that has come."""
        self._pending = None
        self._decoder.reset()

    def _answers(self, request: Request, framed: Framed) -> bool:
        if self._framing is Framing.TCP and framed.transaction != self._transaction:
            return False
        match request, framed.reply:
            case ReadRegisters(function, _, count), Registers(answered, values):
                return function == answered and len(values) == count
            case WriteOne(address, value), OneWritten(at, written):
                return address == at and value == written
            case WriteMany(address, values), ManyWritten(at, count):
                return address == at and len(values) == count
            case _, Refusal(function, _):
                return function == _function(request)
        return False


def _function(request: Request) -> Function:
    match request:
        case ReadRegisters(function, _, _):
            return function
        case WriteOne():
            return Function.WRITE_ONE
        case WriteMany():
            return Function.WRITE_MANY
