"""Says in one line what passed a link to the bridge. Pure, never raises."""

from __future__ import annotations

from labctl.errors import WireError
from labctl.interfaces.frames import FrameText
from labctl_drivers.versastat_vdk.codec import Fault, decode_answer, decode_call
from labctl_drivers.versastat_vdk.faults import told
from labctl_drivers.versastat_vdk.httpframing import Framing, Message

VALUES_SHOWN = 4


def explain(data: bytes, *, sent: bool) -> FrameText:
    """Return what the bytes of one write or read say."""
    try:
        messages = Framing().feed(data)
        if not messages:
            return FrameText("part of a message")
        more = f" and {len(messages) - 1} more" if len(messages) > 1 else ""
        return FrameText((_call(messages[0]) if sent else _answer(messages[0])) + more)
    except WireError as error:
        return FrameText(f"not the bridge's HTTP: {error.problem}")


def _call(message: Message) -> str:
    call = decode_call(message.body)
    return f"{call.method}({', '.join(map(repr, call.parameters))})"


def _answer(message: Message) -> str:
    if message.status != 200:
        return f"HTTP {message.status}: {message.body.decode('utf-8', 'replace')[:80]}"
    value = decode_answer(message.body)
    if isinstance(value, Fault):
        return told(value)
    if isinstance(value, list) and len(value) > VALUES_SHOWN:
        return f"{len(value)} values: {', '.join(map(repr, value[:VALUES_SHOWN]))} ..."
    return f"answer {value!r}"
