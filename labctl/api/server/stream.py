"""``WS /api/v1/stream``: changes as numbered deltas and live rows as Arrow, to clients that come and go.

The first message is ``{"token", "after", "epoch", "topics", "runs"}``. Then the station sends text frames
(``{"hello": ...}``, ``{"snapshot": ...}`` where ``after`` cannot be resumed, ``{"deltas": [...], "number": n}``,
``{"lost": blocks}``) and binary frames: header length (4 bytes, little endian), JSON header
``{"run_id", "first", "last", "batches", "backfilled"}``, one Arrow IPC stream. Blocks of a run that wait together leave
in one frame, those that were fetched after an outage (``backfilled``) apart from the others.

A client that does not keep up delays nobody (F23): rows wait in its own bounded hub queue and are then dropped, with
their number told; deltas are not queued at all, it is sent what came after its last one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from labctl.api.messages import PREFIX, Body
from labctl.api.server.answers import Refusal, json_bytes
from labctl.api.server.arrow import blocks_stream
from labctl.api.server.caps import checked_json
from labctl.model.bench import Delta
from labctl.model.person import Actor
from labctl.model.plain import to_plain
from labctl.model.record import RecordBlock

if TYPE_CHECKING:
    from labctl.station.core import StationCore
    from labctl.station.rowshub import LiveBlock

PATH = f"{PREFIX}/stream"
FIRST_MESSAGE_S = 5.0
"""Link seconds that a client has to say who it is."""
STREAMS_MAX = 64
"""Streams at once (I14): a lab has a few screens and phones."""
DELTAS_PER_FRAME = 500
BLOCKS_PER_FRAME = 64
"""Blocks of one run in one binary frame."""
FRAME_ROWS_MAX = 20_000
"""Rows of one binary frame, about 2 MB."""
RECHECK_S = 10.0
"""Link seconds between two looks whether the token is still good; a revoked one is seen at once."""
NAMED_MAX = 4096
"""Runs or topics that one stream can name: those of four full benches of 1,024 channels."""
BAD_MESSAGE, BAD_TOKEN, LATE, TOO_MANY, TOO_SLOW = 4400, 4401, 4408, 4429, 4413
_HEAD = struct.Struct("<I")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscription(Body):
    """The first message of a client. ``topics`` empty = all; ``runs`` empty = no rows, ``["*"]`` = of every run."""

    token: str
    after: int = -1
    epoch: str = ""
    topics: tuple[str, ...] = ()
    runs: tuple[str, ...] = field(default=())


_SUBSCRIPTION = TypeAdapter(Subscription)


class Left(Exception):
    """The stream ends with a close code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Streams:
    """All open streams of a station."""

    def __init__(self, core: StationCore) -> None:
        self._core = core
        self._open = 0

    async def serve(self, socket: WebSocket) -> None:
        """Serve one client until it leaves, its token ends or the station closes."""
        await socket.accept()
        try:
            if self._open >= STREAMS_MAX:
                raise Left(TOO_MANY, f"{STREAMS_MAX} streams are open")
            self._open += 1
            try:
                wish, actor = await self._first(socket)
                await _Stream(self._core, socket, wish, actor).run()
            finally:
                self._open -= 1
        except Left as left:
            log.info("stream closed code=%d why=%s", left.code, left.reason)
            await socket.close(left.code, left.reason)
        except (WebSocketDisconnect, OSError):
            log.debug("stream left")

    async def _first(self, socket: WebSocket) -> tuple[Subscription, Actor]:
        try:
            async with self._core.clock.link.timeout(FIRST_MESSAGE_S):
                text = await socket.receive_text()
        except TimeoutError as error:
            raise Left(LATE, "the first message did not come") from error
        except KeyError as error:
            raise Left(BAD_MESSAGE, "the first message must be text") from error
        try:
            wish = _SUBSCRIPTION.validate_python(checked_json(text.encode("utf-8", "surrogatepass")))
        except (Refusal, ValidationError) as error:
            raise Left(BAD_MESSAGE, "the first message does not have its form") from error
        if len(wish.runs) > NAMED_MAX or len(wish.topics) > NAMED_MAX:
            raise Left(BAD_MESSAGE, f"at most {NAMED_MAX} runs or topics can be named")
        client = socket.client
        actor = self._core.people.identify(wish.token, "local" if client is None else client.host)
        if actor is None:
            raise Left(BAD_TOKEN, "this needs a valid token")
        return wish, actor


class _Stream:
    """One admitted client."""

    def __init__(self, core: StationCore, socket: WebSocket, wish: Subscription, actor: Actor) -> None:
        self._core = core
        self._socket = socket
        self._wish = wish
        self._actor = actor
        self._topics = frozenset(wish.topics)
        self._number = 0

    async def run(self) -> None:
        """Send until the client leaves. Raises: Left, WebSocketDisconnect."""
        watcher = None
        if self._wish.runs:
            every = "*" in self._wish.runs
            watcher = self._core.runs.hub.watch(None if every else self._wish.runs)
        try:
            await self._begin()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._deltas())
                group.create_task(self._listen())
                group.create_task(self._recheck())
                if watcher is not None:
                    group.create_task(self._rows(watcher))
        except BaseExceptionGroup as errors:
            left, others = errors.split((Left, WebSocketDisconnect, OSError))
            if left is None or others is not None:
                raise
            raise _first_of(left) from None
        finally:
            if watcher is not None:
                self._core.runs.hub.leave(watcher)

    async def _begin(self) -> None:
        """Say hello; resume behind ``after`` where that is possible, else send a snapshot."""
        feed = self._core.feed
        await self._send({"hello": {"epoch": feed.epoch, "number": feed.number, "person": self._actor.name}})
        if (
            self._wish.epoch == feed.epoch
            and self._wish.after >= 0
            and feed.since(self._wish.after) is not None
        ):
            self._number = self._wish.after
        else:
            await self._snapshot()

    async def _snapshot(self) -> None:
        snapshot = self._core.feed.snapshot()
        self._number = snapshot.number
        state = to_plain([delta for delta in snapshot.state if self._wanted(delta)])
        await self._send({"snapshot": {"epoch": snapshot.epoch, "number": snapshot.number, "state": state}})

    def _wanted(self, delta: Delta) -> bool:
        return not self._topics or delta.topic in self._topics

    async def _deltas(self) -> None:
        feed = self._core.feed
        while True:
            await feed.wait(self._number)
            found = feed.since(self._number)
            if found is None:
                await self._snapshot()
                continue
            part = found[:DELTAS_PER_FRAME]
            self._number = part[-1].number
            wanted = [delta for delta in part if self._wanted(delta)]
            if wanted:
                await self._send({"deltas": to_plain(wanted), "number": self._number})

    async def _rows(self, watcher: Any) -> None:
        send = self._socket._send  # Starlette's own wrapper costs more than the frame
        while True:
            blocks, lost = await watcher.take()
            if lost:
                await self._send({"lost": lost})
            for frame in frames(blocks):
                await send({"type": "websocket.send", "bytes": frame})

    async def _listen(self) -> None:
        """Hear that the client leaves; whatever else it says is counted as noise and ends the stream."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        raise Left(BAD_MESSAGE, "a stream takes one message, the first")

    async def _recheck(self) -> None:
        """End the stream when its token is revoked or over."""
        people = self._core.people
        while True:
            await self._core.clock.link.sleep(RECHECK_S)
            if people.identify(self._wish.token) is None:
                raise Left(BAD_TOKEN, "the token is not valid any more")

    async def _send(self, value: Any) -> None:
        await self._socket.send_text(json_bytes(value).decode())


def _first_of(errors: BaseExceptionGroup[Any]) -> BaseException:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


def frames(blocks: Iterable[LiveBlock]) -> Iterator[bytes]:
    """Yield binary frames: the blocks of a run share one, in order; runs come in the order of their first block."""
    by_run: dict[str, list[tuple[RecordBlock, bool]]] = {}
    for run_id, block, late in blocks:
        if len(block):
            by_run.setdefault(run_id, []).append((block, late))
    for run_id, waiting in by_run.items():
        for part, late in _cut(waiting):
            yield _frame(run_id, part, late)


def _cut(blocks: list[tuple[RecordBlock, bool]]) -> Iterator[tuple[list[RecordBlock], bool]]:
    """Yield a run's blocks in parts that keep the caps of a frame; each part is back-filled or is not."""
    part: list[RecordBlock] = []
    rows, kept = 0, False
    for block, late in blocks:
        full = len(part) >= BLOCKS_PER_FRAME or rows + len(block) > FRAME_ROWS_MAX
        if part and (full or late is not kept):
            yield part, kept
            part, rows = [], 0
        part.append(block)
        rows, kept = rows + len(block), late
    if part:
        yield part, kept


def _frame(run_id: str, blocks: list[RecordBlock], late: bool) -> bytes:
    first, last = int(blocks[0]["sequence"][0]), int(blocks[-1]["sequence"][-1])
    told = {"run_id": run_id, "first": first, "last": last, "batches": len(blocks), "backfilled": late}
    header = json.dumps(told).encode()
    return b"".join([_HEAD.pack(len(header)), header, *blocks_stream(blocks)])
