"""What passed the links, for people: a page of an instrument's raw-frame log, each frame with the driver's reading.

Reading goes through the readers' thread; what waits to be written is written first, so that the newest page is whole.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from labctl.engine.rawframes import Explain, Frames
from labctl.errors import StoreError, UserInputError
from labctl.interfaces.frames import FrameText
from labctl.model.ids import ChannelId
from labctl.model.rawframe import FrameKind, FramePage, RawFrame
from labctl.store.root import DataRoot
from labctl.store.wireread import WireLine, WirePage, WireReader
from labctl.worker import Worker

FRAMES_MAX = 500
"""Frames of one page (I14)."""
SHOWN_BYTES = 2048
"""First bytes of a frame that a page holds; a page of records has half a million."""
EXPLAINED_BYTES = 64 * 1024
"""What a driver reads of a frame to say what it is."""
_KINDS = frozenset(kind.value for kind in FrameKind)
NOT_KEPT = "raw frames are not kept by this station"


class RawFrames:
    """The raw-frame logs of a station."""

    def __init__(self, root: DataRoot, reader: Worker, frames: Frames) -> None:
        self._root = root
        self._reader = reader
        self._frames = frames
        self._readers: dict[str, WireReader] = {}

    def known(self, name: str) -> str:
        """Return the name of an instrument or chamber. Raises: UserInputError naming what there is."""
        self._frames.explainer(name)
        return name

    async def page(
        self, name: str, *, channel: str = "", until: str = "", before: str = "", limit: int = 50
    ) -> FramePage:
        """Return frames of an instrument or chamber, newest first; with ``channel`` only those that name it.

        ``until`` is the latest moment (ISO 8601), ``before`` the ``earlier`` of another page. Raises: UserInputError,
        StoreError.
        """
        kept = await self._frames.write_out(name)
        if kept is None:
            return FramePage(name, (), trouble=NOT_KEPT)
        explain, moment = self._frames.explainer(name), _moment(until)
        reader = self._readers.setdefault(name, WireReader(self._root.disk, self._root.path, name))
        place = channel.partition(":")[2]

        def wanted(fields: dict[str, Any]) -> bool:
            return not place or place in _explained(explain, fields).places

        def read() -> tuple[WirePage, tuple[RawFrame, ...]]:
            most = max(1, min(limit, FRAMES_MAX))
            page = reader.page(most, before=before, until=moment, wanted=wanted)
            return page, tuple(_frame(name, line, explain) for line in page.lines)

        try:
            page, frames = await self._reader.call(read)
        except ValueError as error:
            raise UserInputError(f"{error}; ask with what 'earlier' of a page says.") from error
        except OSError as error:
            raise StoreError(f"The raw frames of {name} cannot be read: {error}") from error
        return FramePage(name, frames, page.earlier, kept.place, kept.trouble)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserInputError(
            f"{text!r} is no moment; write for example 2026-04-21T09:38:00+00:00."
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _bytes_of(fields: dict[str, Any]) -> bytes:
    try:
        return bytes.fromhex(str(fields.get("data") or "")[: 2 * EXPLAINED_BYTES])
    except ValueError:
        return b""


def _explained(explain: Explain, fields: dict[str, Any]) -> FrameText:
    kind = fields.get("event")
    if kind in (FrameKind.OUT, FrameKind.IN):
        return explain(_bytes_of(fields), kind == FrameKind.OUT)
    if kind == FrameKind.IDENTITY:
        return FrameText(str(fields.get("text") or ""))
    if kind == FrameKind.DROPPED:
        return FrameText(f"{fields.get('lines')} lines that there was no room for")
    told = {name: value for name, value in fields.items() if name in ("driver", "driver_version", "resource")}
    return FrameText(json.dumps(told) if told else "")


def _frame(name: str, line: WireLine, explain: Explain) -> RawFrame:
    fields = line.fields
    word = str(fields.get("event"))
    kind = FrameKind(word) if word in _KINDS else FrameKind.UNREADABLE
    told, data = _explained(explain, fields), str(fields.get("data") or "")
    utc = "" if line.utc is None else line.utc.isoformat(timespec="milliseconds")
    channels = tuple(ChannelId(f"{name}:{place}") for place in told.places)
    return RawFrame(
        utc, str(fields.get("link") or ""), kind, len(data) // 2, data[: 2 * SHOWN_BYTES], told.text, channels
    )
