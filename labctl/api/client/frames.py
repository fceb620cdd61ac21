"""What comes over a station's stream: changes as numbered deltas, live rows as Arrow tables."""

from __future__ import annotations

import json
import struct
from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labctl.api.client.answers import table_of
from labctl.api.messages import PREFIX
from labctl.errors import LabctlError, UserInputError
from labctl.model.bench import Delta
from labctl.model.record import RECORD_COLUMNS
from labctl.model.typed import from_plain

if TYPE_CHECKING:
    import pyarrow as pa

PATH = f"{PREFIX}/stream"
BAD_WISH, BAD_TOKEN = 4400, 4401
OPEN_TIMEOUT_S = 10.0
BACKFILLED = "backfilled"
MISSED_COLUMNS = ",".join((*RECORD_COLUMNS, BACKFILLED))
"""What is asked for in place of rows that did not come by the stream."""
_HEAD = struct.Struct("<I")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows ``first`` to ``last`` of a run, durable at the station; all were fetched after an outage or none was."""

    run_id: str
    first: int
    last: int
    table: pa.Table
    backfilled: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A text frame: the deltas in it, and the number and life that a resume names."""

    deltas: tuple[Delta, ...]
    number: int | None = None
    epoch: str | None = None
    snapshot: bool = False


def stream_url(url: str) -> str:
    """Return the address of the stream of a station."""
    parts = urlsplit(url)
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{PATH}"


def first_message(token: str, after: int, epoch: str, topics: Collection[str], runs: Collection[str]) -> str:
    """Return the message that opens a stream: the token is in it and nowhere else (X17)."""
    wish = {"token": token, "after": after, "epoch": epoch, "topics": list(topics), "runs": list(runs)}
    return json.dumps(wish)


def read_text(text: str) -> Text:
    """Return what a text frame says. Raises: LabctlError for a frame that is not ours."""
    try:
        told: dict[str, Any] = json.loads(text)
        if "snapshot" in told:
            inner = told["snapshot"]
            deltas = from_plain(tuple[Delta, ...], inner["state"])
            return Text(deltas, int(inner["number"]), str(inner["epoch"]), snapshot=True)
        if "deltas" in told:
            return Text(from_plain(tuple[Delta, ...], told["deltas"]), int(told["number"]))
        if "hello" in told:
            return Text((), None, str(told["hello"]["epoch"]))
    except (ValueError, KeyError, TypeError) as error:
        raise LabctlError(f"the station's stream is not understood: {error}") from error
    return Text(())  # rows were dropped: they are seen by their numbers and fetched


def read_rows(data: bytes) -> Rows:
    """Return the rows of a binary frame. Raises: LabctlError for a frame that is not ours."""
    try:
        (size,) = _HEAD.unpack_from(data)
        head = json.loads(data[_HEAD.size : _HEAD.size + size])
        first, last, late = int(head["first"]), int(head["last"]), bool(head.get("backfilled", False))
        return Rows(str(head["run_id"]), first, last, table_of(data[_HEAD.size + size :]), late)
    except (ValueError, KeyError, struct.error) as error:
        raise LabctlError(f"the station's stream is not understood: {error}") from error


def marked_rows(run_id: str, table: pa.Table) -> list[Rows]:
    """Return rows fetched with the column ``backfilled`` as stretches that are back-filled, or are not."""
    found: list[Rows] = []
    begin, plain = 0, table.drop_columns([BACKFILLED])
    for late, marks in groupby(table.column(BACKFILLED).to_pylist()):
        count = sum(1 for _ in marks)
        part, begin = plain.slice(begin, count), begin + count
        first = int(part.column("sequence")[0].as_py())
        found.append(Rows(run_id, first, first + count - 1, part, bool(late)))
    return found


def refusal(code: int | None, reason: str) -> UserInputError | None:
    """Return the error of a close code that another try would only meet again; None where it is worth one."""
    if code == BAD_TOKEN:
        return UserInputError("the station does not take this token; 'labctl users add' makes one.")
    if code == BAD_WISH:
        return UserInputError(f"the station does not stream what was asked for: {reason}")
    return None


def hang_up(socket: Any) -> None:
    """Drop a stream at once, without a goodbye that a busy or dead station would make everybody wait for."""
    transport = getattr(socket, "transport", None)
    if transport is not None:
        transport.abort()
    else:
        socket.close_socket()
