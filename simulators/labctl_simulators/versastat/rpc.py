"""XML-RPC of the bridge: calls out of bodies, results and faults as bodies.

XML-RPC has neither nothing nor not-a-number: a void call answers an empty string, a number that is none is sent as the
string ``nan``, ``inf`` or ``-inf``, also inside arrays (potentiostat.md 2.2.3). A document type in a call is refused
unread (safety-and-faults.md X05).
"""

from __future__ import annotations

import math
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from xml.parsers.expat import ExpatError


class Code(IntEnum):
    """Codes of faults: the usual ones of XML-RPC, then the bridge's own."""

    NOT_XML_RPC = -32700
    NO_SUCH_METHOD = -32601
    WRONG_PARAMETERS = -32602
    LIBRARY = -32500
    NO_LEASE = 1001
    HELD_BY_ANOTHER = 1002
    BUSY = 1003


class CallFault(Exception):
    """A call that is answered by a fault."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class Call:
    """A method and its parameters."""

    method: str
    parameters: Sequence[Any]


def read_call(body: bytes) -> Call:
    """Return the call of a body. Raises: CallFault for what is none."""
    if b"<!" in body:
        raise CallFault(Code.NOT_XML_RPC, "a call has no document type")
    try:
        parameters, method = xmlrpc.client.loads(body)
    except (ExpatError, ValueError, TypeError, LookupError, AttributeError, xmlrpc.client.Error) as error:
        raise CallFault(Code.NOT_XML_RPC, f"this is not XML-RPC: {error}") from error
    if not method:
        raise CallFault(Code.NOT_XML_RPC, "this is no call")
    return Call(method, parameters)


def write_result(value: object) -> bytes:
    """Return the body that answers a call."""
    return xmlrpc.client.dumps((_sendable(value),), methodresponse=True).encode()


def write_fault(fault: CallFault) -> bytes:
    """Return the body that refuses a call."""
    return xmlrpc.client.dumps(xmlrpc.client.Fault(int(fault.code), fault.text), methodresponse=True).encode()


def _sendable(value: object) -> Any:
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return [_sendable(item) for item in value] if isinstance(value, list) else value
