"""What the bridge says when it says no. The codes are labctl's own, but for those of the XML-RPC fault code interop."""

from __future__ import annotations

from enum import IntEnum

from labctl_drivers.versastat_vdk.codec import Fault


class FaultCode(IntEnum):
    """Why a call was refused."""

    NOT_XML_RPC = -32700
    NO_SUCH_METHOD = -32601
    WRONG_PARAMETERS = -32602
    LIBRARY = -32500
    NO_LEASE = 1001
    HELD_BY_ANOTHER = 1002
    BUSY = 1003


WORDS = {
    FaultCode.NOT_XML_RPC: "the bridge did not understand the call",
    FaultCode.NO_SUCH_METHOD: "the bridge has no such call",
    FaultCode.WRONG_PARAMETERS: "the bridge expects other parameters",
    FaultCode.LIBRARY: "the vendor's library failed",
    FaultCode.NO_LEASE: (
        "the lease has run out, and the bridge has stopped the experiment and switched the cell off: nobody read the "
        "measurement in time, or the link was slow"
    ),
    FaultCode.HELD_BY_ANOTHER: "another program holds the instrument",
    FaultCode.BUSY: "the vendor's library is still busy with an earlier call; if that lasts, start the bridge anew",
}


def told(fault: Fault) -> str:
    """Return one sentence on a fault, with the other end's own words."""
    known = next(
        (words for code, words in WORDS.items() if code == fault.code), "the server refused the call"
    )
    return f"{known} (fault {fault.code}: {fault.text.strip() or 'no text'})"
