"""Play a capture back to a driver: it must say what was said then, and hears what was heard then.

Of a raw-frame log (``wire/<instrument>.log``) the newest part is played: what the last process wrote. Where a
file began in the middle of a connection, the part begins with the first connection that it holds from its start.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from labctl.errors import LabctlError, LinkClosed, LinkTimeout, UserFileError
from labctl.transport.base import EXCHANGE_TIMEOUT_S, OPEN_TIMEOUT_S, shown
from labctl.transport.capture import Event

SHOWN_BYTES = 24
_HEADER = '{"event": "begin"'


class ReplayMismatch(LabctlError):
    """The driver does something else than the capture holds; names the event and both byte strings."""


def read_capture(path: Path, link: str | None = None) -> list[tuple[Event, bytes]]:
    """Return the events of a capture file, of its newest part, of one ``link`` where it holds several.

    Raises: UserFileError naming the line, or why the file cannot be played.
    """
    return _parse(path.read_text(encoding="utf-8").split("\n"), path, link)


def _parse(lines: Iterable[str], path: Path | None, link: str | None) -> list[tuple[Event, bytes]]:
    rows = list(lines)
    headers = [place for place, line in enumerate(rows) if line.startswith(_HEADER)]
    begins = [place for place in headers if not json.loads(rows[place]).get("goes_on")]
    events: list[tuple[Event, bytes]] = []
    links: set[str] = set()
    for place in range(begins[-1] if begins else 0, len(rows)):
        line = rows[place]
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            event = Event(entry["event"])
            if event in (Event.BEGIN, Event.IDENTITY):
                continue
            data = bytes.fromhex(entry["data"])
        except (ValueError, KeyError, TypeError) as error:
            if headers and place == len(rows) - 1:
                break  # a log whose process was killed may end in half a line
            raise UserFileError(
                f"this is not a line of a capture ({error})",
                path=path,
                line=place + 1,
                fix='Each line looks like {"time_s": 0.1, "event": "out", "data": "0a"}.',
            ) from error
        links.add(str(entry.get("link", "")))
        if link is None or entry.get("link") == link:
            events.append((event, data))
    if link is None and len(links) > 1:
        raise UserFileError(
            f"this file holds several links ({', '.join(sorted(links))}), and one pipe plays one of them",
            path=path,
            fix=f"Name it: link={min(links)!r}.",
        )
    return _from_first_open(events, path) if headers and not begins else events


def _from_first_open(events: list[tuple[Event, bytes]], path: Path | None) -> list[tuple[Event, bytes]]:
    """Leave out the rest of a connection whose beginning lies in the file before."""
    for place, (event, _) in enumerate(events):
        if event is Event.OPEN:
            return events[place:]
    raise UserFileError(
        "this file holds no connection from its beginning: it was begun while one was open",
        path=path,
        fix="Put the file before it (.log.1) in front of it in one file, and play that.",
    )


class ReplayTransport:
    """A pipe whose other end is a capture. How the driver cuts its writes is free; their bytes are not."""

    def __init__(self, capture: Path | Iterable[str], *, link: str | None = None) -> None:
        """Load a capture; ``link`` names the pipe where it holds several. Raises: UserFileError."""
        self._path = capture if isinstance(capture, Path) else None
        self._events = deque(
            read_capture(capture, link) if isinstance(capture, Path) else _parse(capture, None, link)
        )
        self._number = 1
        self._rest_out = b""
        self._is_open = False

    @property
    def resource(self) -> str:
        """Where it leads."""
        return f"replay://{self._path or 'lines'}"

    @property
    def is_open(self) -> bool:
        """Tell whether bytes may be exchanged."""
        return self._is_open

    @property
    def has_unread(self) -> bool:
        """Tell what the capture implies: a driver that closed where it would have asked had found some."""
        return self._is_open and bool(self._events) and self._events[0][0] is Event.CLOSE

    async def open(self, timeout_s: float = OPEN_TIMEOUT_S) -> None:
        """Open as the capture did, or fail as it did then. Raises LinkTimeout, LinkClosed, ReplayMismatch."""
        if self._is_open:
            return
        event, _ = self._next("open the pipe")
        if event is not Event.OPEN:
            self._raise_failure(event, "open")
        self._is_open = True

    async def close(self) -> None:
        """Close; a capture that closed here goes on behind it."""
        if self._is_open and self._events and self._events[0][0] is Event.CLOSE:
            self._next("close the pipe")
        self._is_open = False

    async def write(self, data: bytes, timeout_s: float = EXCHANGE_TIMEOUT_S) -> None:
        """Compare with what was sent then. Raises LinkTimeout, LinkClosed as then; ReplayMismatch."""
        self._need_open("write")
        given = shown(data)
        while given:
            if not self._rest_out:
                event, self._rest_out = self._next(f"write {_shown(given)}")
                if event is not Event.OUT:
                    self._mismatch(f"write {_shown(given)}", event, self._rest_out)
            count = min(len(given), len(self._rest_out))
            if given[:count] != self._rest_out[:count]:
                self._mismatch(f"write {_shown(given)}", Event.OUT, self._rest_out)
            given, self._rest_out = given[count:], self._rest_out[count:]

    async def read(self, timeout_s: float = EXCHANGE_TIMEOUT_S) -> bytes:
        """Return what came then. Raises LinkTimeout, LinkClosed as then; ReplayMismatch."""
        self._need_open("read")
        if self._rest_out:
            self._mismatch("read", Event.OUT, self._rest_out)
        event, data = self._next("read")
        if event is not Event.IN:
            self._raise_failure(event, "read", data)
        return data

    async def listen(self, timeout_s: float) -> bytes:
        """Return what came then, empty where the driver spoke or closed next. Raises as ``read``."""
        self._need_open("listen")
        if self._events and self._events[0][0] in (Event.OUT, Event.CLOSE) and not self._rest_out:
            return b""
        return await self.read(timeout_s)

    def finish(self) -> None:
        """Raise ReplayMismatch when the capture holds more than was played."""
        if self._rest_out:
            self._mismatch("stop", Event.OUT, self._rest_out)
        left = [event for event in self._events if event[0] is not Event.CLOSE]
        if left:
            self._mismatch("stop", *left[0])

    def _need_open(self, operation: str) -> None:
        if not self._is_open:
            raise LinkClosed("the pipe is closed", instrument=self.resource, operation=operation)

    def _next(self, wanted: str) -> tuple[Event, bytes]:
        if not self._events:
            raise ReplayMismatch(f"{self.resource}: the driver wants to {wanted}, but the capture has ended")
        self._number += 1
        return self._events.popleft()

    def _raise_failure(self, event: Event, operation: str, data: bytes = b"") -> None:
        self._is_open = False
        if event is Event.TIMEOUT:
            raise LinkTimeout("no bytes came", instrument=self.resource, operation=operation)
        if event in (Event.LOST, Event.CLOSE):
            raise LinkClosed("the peer closed the connection", instrument=self.resource, operation=operation)
        self._mismatch(operation, event, data)

    def _mismatch(self, did: str, event: Event, data: bytes) -> None:
        held = f"{event.value} {_shown(data)}".strip()
        raise ReplayMismatch(
            f"{self.resource}, event {self._number - 1}: the driver wants to {did}, the capture holds {held}"
        )


def _shown(data: bytes) -> str:
    return data[:SHOWN_BYTES].hex(" ") + (" ..." if len(data) > SHOWN_BYTES else "")
