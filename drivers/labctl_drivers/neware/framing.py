r"""Cutting the byte stream into frames: any chunking gives the same frames.

::

    <?xml version="1.0" encoding="UTF-8"?> ... </bts> LF LF # CR LF <?xml ...
    |<------------------- frame ------------------>|<- end mark ->|

A frame is complete when after the first ``</bts>`` only white space and then ``# CR LF`` follow. A bare ``#`` is
never looked for: barcodes may hold one. Bytes before a frame that are neither white space nor ``<?xml`` or ``<bts``,
anything else behind ``</bts>``, and a frame beyond the size cap are a WireError; the stream is then out of step and
the reader refuses to go on until ``clear`` (the driver reconnects).

Source: neware-bts.md section 1.5, "Driver framing recipe"; size cap X04.
"""

from __future__ import annotations

from labctl.errors import WireError

FRAME_MAX_BYTES = 16 * 1024 * 1024
"""X04: no instrument reply is larger; 1000 records are 250 kB."""

REQUEST_END = b"\n\n#\r\n"
"""What a driver sends behind ``</bts>`` (section 1.2)."""

_CLOSE = b"</bts>"
_END_MARK = b"#\r\n"
_WHITE = b" \t\r\n"
_OPENINGS = (b"<?xml", b"<bts")


class FrameReader:
    """Collects bytes and hands out whole frames, declaration to ``</bts>``."""

    def __init__(self, frame_max_bytes: int = FRAME_MAX_BYTES) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._frame_max_bytes = frame_max_bytes
        self._broken = False

    @property
    def pending(self) -> int:
        """Return how many bytes wait for the rest of their frame; white space between frames counts not."""
        return len(self._buffer.lstrip(_WHITE))

    def feed(self, data: bytes) -> None:
        """Append received bytes."""
        self._buffer += data

    def clear(self) -> None:
        """Forget everything: a new connection begins."""
        self._buffer.clear()
        self._scanned = 0
        self._broken = False

    def next_frame(self) -> bytes | None:
        """Cut off the next whole frame, or return None when more bytes are needed.

        Raises: WireError (the reader then refuses until ``clear``).
        """
        if self._broken:
            raise WireError("the stream is out of step; reconnect", rule="1.5 framing")
        if not self._buffer or not self._starts_well():
            return None
        close = self._buffer.find(_CLOSE, self._scanned)
        if close < 0:
            self._scanned = max(0, len(self._buffer) - len(_CLOSE) + 1)
            self._check_size(len(self._buffer))
            return None
        frame_end = close + len(_CLOSE)
        self._check_size(frame_end)
        end = self._end_mark(frame_end)
        if end is None:
            self._scanned = close
            return None
        frame = bytes(self._buffer[:frame_end])
        del self._buffer[:end]
        self._scanned = 0
        return frame

    def _starts_well(self) -> bool:
        """Drop white space in front of a frame; return False when too few bytes are there to tell."""
        if self._buffer[0] in _WHITE:
            self._buffer = self._buffer.lstrip(_WHITE)
            self._scanned = 0
        head = bytes(self._buffer[:5])
        if head.startswith(_OPENINGS):
            return True
        if any(opening.startswith(head) for opening in _OPENINGS):
            return False
        raise self._failure("bytes that belong to no frame", 0)

    def _end_mark(self, position: int) -> int | None:
        """Return the position after ``# CR LF``, or None when it has not come yet."""
        length = len(self._buffer)
        start = position
        while position < length and self._buffer[position] in _WHITE:
            position += 1
        self._check_size(position)
        mark = bytes(self._buffer[position : position + len(_END_MARK)])
        if mark == _END_MARK:
            return position + len(_END_MARK)
        if _END_MARK.startswith(mark):
            return None
        raise self._failure("no end mark after </bts>", start)

    def _check_size(self, size: int) -> None:
        if size > self._frame_max_bytes:
            raise self._failure(f"a reply of more than {self._frame_max_bytes} bytes", 0)

    def _failure(self, problem: str, offset: int) -> WireError:
        self._broken = True
        around = bytes(self._buffer[offset : offset + 200])
        return WireError(f"{problem}: {around[:60]!r}", data=around, offset=offset, rule="1.5 framing")
