"""The HTTP of the bridge: requests out of received bytes, answers as bytes; bodies have a length, links stay open.

Source: potentiostat.md 2.2.3 (HTTP, one path); the caps are those of safety-and-faults.md X04.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

HEAD_MAX_BYTES = 16_384
BODY_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request; ``headers`` by lower-case name. ``problem`` says why it cannot be answered as one."""

    verb: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    problem: HTTPStatus | None = None

    @property
    def is_last(self) -> bool:
        """Tell whether the client closes the link after the answer."""
        return self.problem is not None or self.headers.get("connection", "").lower() == "close"


class RequestReader:
    """Cuts requests out of bytes as they come. After one with a problem nothing more is read: its end is unknown."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lost = False

    def feed(self, data: bytes) -> Iterator[Request]:
        """Take bytes and return the requests that they complete."""
        if not self._lost:
            self._buffer += data
        while not self._lost:
            request = self._next()
            if request is None:
                return
            self._lost = request.problem is not None
            yield request

    def _next(self) -> Request | None:
        head, gap, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not gap:
            too_long = len(self._buffer) > HEAD_MAX_BYTES
            return _problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) if too_long else None
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _problem(HTTPStatus.BAD_REQUEST)
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                return _problem(HTTPStatus.BAD_REQUEST)
            headers[name.strip().lower()] = value.strip()
        text = headers.get("content-length", "0" if words[0] == "GET" else "")
        if not (text.isascii() and text.isdigit()):
            return _problem(HTTPStatus.LENGTH_REQUIRED)
        length = int(text)
        if length > BODY_MAX_BYTES:
            return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if len(rest) < length:
            return None
        del self._buffer[: len(head) + 4 + length]
        return Request(words[0], words[1], headers, rest[:length])


def _problem(status: HTTPStatus) -> Request:
    return Request("", "", {}, problem=status)


def answer(status: HTTPStatus, body: bytes = b"", *, close: bool = False) -> bytes:
    """Return the bytes of an answer."""
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/xml",
        f"Content-Length: {len(body)}",
        *(["Connection: close"] if close else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
