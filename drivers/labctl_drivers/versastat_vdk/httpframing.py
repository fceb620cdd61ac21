"""The little of HTTP/1.1 that the bridge speaks: POST with a length, kept alive. Pure; both ends use it.

Lengths come as ``Content-Length``; an answer may come in chunks instead, as .NET servers like to send. Source:
potentiostat.md 2.2.3, RFC 9112 sections 2, 6 and 7.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labctl.errors import WireError

HEAD_MAX_BYTES = 16_384
BODY_MAX_BYTES = 8_388_608
"""A slice of points is far below this; more is a defect or an attack."""

REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 413: "Content Too Large",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """A request (``GET /x HTTP/1.1``) or an answer (``HTTP/1.1 200 OK``) with its headers by lower-case name."""

    start: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def status(self) -> int:
        """Return the status of an answer. Raises: WireError."""
        version, _, rest = self.start.partition(" ")
        code = rest[:3]
        if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit()):
            raise WireError(f"no HTTP answer: {self.start!r}", rule="RFC 9112, 4")
        return int(code)


class Framing:
    """Cuts a stream into messages; ``feed`` raises WireError once and for all when it is no HTTP."""

    def __init__(self, body_max_bytes: int = BODY_MAX_BYTES) -> None:
        self._buffer = bytearray()
        self._body_max_bytes = body_max_bytes

    def reset(self) -> None:
        """Forget half a message."""
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that are complete now. Raises: WireError."""
        self._buffer += data
        messages: list[Message] = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> Message | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > HEAD_MAX_BYTES:
            if len(self._buffer) > HEAD_MAX_BYTES:
                raise self._broken("a head without end")
            return None
        start, headers = _head(bytes(self._buffer[:end]))
        if "chunked" in headers.get("transfer-encoding", "").lower():
            found = self._chunks(end + 4)
        else:
            found = self._counted(end + 4, headers)
        if found is None:
            return None
        body, used = found
        del self._buffer[:used]
        return Message(start, headers, body)

    def _counted(self, begin: int, headers: Mapping[str, str]) -> tuple[bytes, int] | None:
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > self._body_max_bytes:
            raise self._broken(f"a body of {length[:20]!r} bytes")
        end = begin + int(length)
        return (bytes(self._buffer[begin:end]), end) if len(self._buffer) >= end else None

    def _chunks(self, place: int) -> tuple[bytes, int] | None:
        body = bytearray()
        while True:
            end = self._buffer.find(b"\r\n", place)
            if end < 0:
                if len(self._buffer) - place > HEAD_MAX_BYTES:
                    raise self._broken("a chunk without length")
                return None
            digits = bytes(self._buffer[place:end]).split(b";")[0].strip()
            try:
                length = int(digits, 16)
            except ValueError as error:
                raise self._broken(f"a chunk of length {digits[:20]!r}") from error
            if length < 0 or len(body) + length > self._body_max_bytes:
                raise self._broken(f"a chunk of {length} bytes")
            place = end + 2
            if len(self._buffer) < place + length + 2:
                return None
            body += self._buffer[place : place + length]
            place += length + 2
            if length == 0:
                return bytes(body), place

    def _broken(self, what: str) -> WireError:
        return WireError(
            f"this is not the bridge's HTTP: {what}", data=bytes(self._buffer), rule="RFC 9112, 6"
        )


def _head(head: bytes) -> tuple[str, dict[str, str]]:
    start, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise WireError(f"no header: {line[:60]!r}", data=head, rule="RFC 9112, 5")
        headers[name.lower()] = value.strip()
    return start, headers


def request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the bytes of a POST. Raises: WireError for a header that would break the head."""
    return _joined(f"POST {path} HTTP/1.1", {**headers, "Content-Type": "text/xml"}, body)


def answer(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the bytes of an answer."""
    kind = "text/xml" if status == 200 else "text/plain"
    return _joined(f"HTTP/1.1 {status} {REASONS[status]}", {**(headers or {}), "Content-Type": kind}, body)


def _joined(start: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        start,
        *(f"{name}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(body)}",
    ]
    if not all(line.isascii() and line.isprintable() for line in lines):
        raise WireError("a header holds what HTTP cannot carry", rule="RFC 9112, 5")
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body
