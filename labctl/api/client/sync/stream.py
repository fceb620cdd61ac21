# Made from labctl/api/client/aio/stream.py by `python -m labctl.api.client.generate`.
"""Live changes and rows of a station, over one WebSocket that is opened again when it breaks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.sync.client import connect as open_socket

from labctl.api.client import routes
from labctl.api.client.address import ssl_context
from labctl.api.client.answers import lost, pause_s
from labctl.api.client.frames import (
    MISSED_COLUMNS,
    OPEN_TIMEOUT_S,
    Rows,
    first_message,
    hang_up,
    marked_rows,
    read_rows,
    read_text,
    refusal,
    stream_url,
)
from labctl.api.client.sync.link import Link
from labctl.clock import link_now_s, link_pause
from labctl.errors import LinkClosed
from labctl.model.bench import Delta

PAGE_ROWS = 50_000


@dataclass(slots=True)
class _Place:
    """How far a stream has come."""

    epoch: str = ""
    number: int = -1
    known: set[tuple[str, str]] = field(default_factory=set)
    last: dict[str, int] = field(default_factory=dict)


class Stream:
    """Changes and live rows, without a gap: iterate over it.

    After a break the station is asked for what came meanwhile; what it cannot tell any more it tells as it is now, and
    rows that were missed are fetched from its store. Give up = leave the loop.
    """

    def __init__(
        self, link: Link, topics: Collection[str], runs: Collection[str], *, patience_s: float
    ) -> None:
        self._link = link
        self._topics = tuple(topics)
        self._runs = tuple(runs)
        self._patience_s = patience_s
        self._at = _Place()

    def items(self) -> Iterator[Delta | Rows]:
        """Yield deltas and rows as they come. Raises: LinkClosed when the station stays away, UserInputError."""
        attempt, until_s = 0, link_now_s() + self._patience_s
        while True:
            try:
                self._link.open()
                address = self._link.address
                assert address is not None
                with open_socket(
                    stream_url(address.url), ssl=ssl_context(address), compression=None, max_size=None,
                    open_timeout=OPEN_TIMEOUT_S, proxy=None,
                ) as socket:  # fmt: skip
                    at = self._at
                    try:
                        socket.send(
                            first_message(address.token, at.number, at.epoch, self._topics, self._runs)
                        )
                        for message in socket:
                            attempt, until_s = 0, link_now_s() + self._patience_s
                            if isinstance(message, str):
                                yield from self._told(message)
                                continue
                            yield from self._whole(read_rows(message))
                    finally:
                        hang_up(socket)
                problem: object = "it closed the stream"
            except ConnectionClosed as error:
                refused = None if error.rcvd is None else refusal(error.rcvd.code, error.rcvd.reason)
                if refused is not None:
                    raise refused from error
                problem = error
            except (LinkClosed, OSError, InvalidHandshake, InvalidMessage, EOFError) as error:
                problem = error
            if link_now_s() > until_s:
                raise lost(problem, "stream", "the station")
            attempt += 1
            link_pause(pause_s(attempt))

    def _told(self, message: str) -> list[Delta]:
        """Take a text frame; a snapshot also tells what is gone."""
        text = read_text(message)
        at = self._at
        deltas = list(text.deltas)
        if text.snapshot:
            present = {(delta.topic, delta.key) for delta in deltas}
            gone = [Delta(text.number or 0, *place, None) for place in sorted(at.known - present)]
            at.known = present
            deltas = [*gone, *deltas]
        else:
            for delta in deltas:
                place = (delta.topic, delta.key)
                at.known.discard(place) if delta.data is None else at.known.add(place)
        at.epoch = at.epoch if text.epoch is None else text.epoch
        at.number = at.number if text.number is None else text.number
        return deltas

    def _whole(self, rows: Rows) -> Iterator[Rows]:
        """Yield rows with what is missing before them, each row once."""
        last = self._at.last.get(rows.run_id)
        if last is not None and rows.last <= last:
            return
        while last is not None and rows.first > last + 1:
            limit = min(PAGE_ROWS, rows.first - last - 1)
            query = {"after": last, "limit": limit, "columns": MISSED_COLUMNS}
            table = self._link.table(routes.RUN_RECORDS, rows.run_id, query=query)
            if table.num_rows == 0:
                break
            for part in marked_rows(rows.run_id, table):
                last = self._at.last[rows.run_id] = part.last
                yield part
        if last is not None and rows.first <= last:
            kept = rows.table.slice(last + 1 - rows.first)
            rows = Rows(rows.run_id, last + 1, rows.last, kept, rows.backfilled)
        self._at.last[rows.run_id] = rows.last
        yield rows
