"""Says in one line what passed the Modbus line to a chamber. Pure, never raises."""

from __future__ import annotations

from labctl.interfaces.frames import FrameText
from labctl_drivers.chamber.messages import EXCEPTION_TEXTS, Framing, Function

TCP_HEADER_BYTES, RTU_CHECKSUM_BYTES = 6, 2
REFUSED = 0x80
_READS = {Function.READ_HOLDING: "holding registers", Function.READ_INPUT: "input registers"}


def explain(data: bytes, framing: Framing, *, sent: bool) -> FrameText:
    """Return what the bytes of one message say."""
    body = data[TCP_HEADER_BYTES:] if framing is Framing.TCP else data[:-RTU_CHECKSUM_BYTES]
    if len(body) < 3:
        return FrameText("less than a message")
    code, rest = body[1], body[2:]
    if code & REFUSED:
        return FrameText(f"refused: {EXCEPTION_TEXTS.get(rest[0], f'code {rest[0]}')}")
    if code in _READS:
        return FrameText(_asked(_READS[Function(code)], rest) if sent else _answered(rest[1:]))
    if code in (Function.WRITE_ONE, Function.WRITE_MANY) and len(rest) >= 4:
        return FrameText(_written(code, rest, sent=sent))
    return FrameText(f"function {code}")


def _asked(table: str, rest: bytes) -> str:
    first, count = int.from_bytes(rest[:2], "big"), int.from_bytes(rest[2:4], "big")
    return f"read {count} {table} from {first}"


def _answered(data: bytes) -> str:
    return "registers " + _words(data)


def _words(data: bytes) -> str:
    return " ".join(data[at : at + 2].hex() for at in range(0, len(data) - 1, 2))


def _written(code: int, rest: bytes, *, sent: bool) -> str:
    first = int.from_bytes(rest[:2], "big")
    if code == Function.WRITE_ONE:
        return f"{'write' if sent else 'written:'} register {first} = {rest[2:4].hex()}"
    count = int.from_bytes(rest[2:4], "big")
    return (
        f"write {count} registers from {first}: {_words(rest[5:])}"
        if sent
        else f"written: {count} from {first}"
    )
