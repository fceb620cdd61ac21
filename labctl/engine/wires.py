"""Keeps raw frames without holding up the event loop: collected there, written in the store's thread (S6).

Whoever serves an instrument calls ``flush`` behind each poll. What waits is bounded: beyond that frames are dropped and
counted, and the log says so. Rows are the record; frames are evidence about a driver.
"""

from __future__ import annotations

import json

from labctl.store.wirelog import WireLog
from labctl.worker import Worker

WAITING_BYTES_MAX = 16 * 1024 * 1024
"""Sixteen pages of a long back-fill, with room for what the pages were cut out of (I14)."""


class FrameKeeper:
    """The raw frames of one instrument, on their way to its log. ``add`` is called on the event loop."""

    def __init__(self, log: WireLog) -> None:
        self.name = log.name
        self.place = log.place
        self._log = log
        self._lines: list[str] = []
        self._bytes = 0
        self._dropped = 0

    @property
    def trouble(self) -> str:
        """Return why frames are no longer kept, empty while they are."""
        return self._log.trouble

    def add(self, line: str) -> None:
        """Collect one line."""
        if self._bytes + len(line) > WAITING_BYTES_MAX:
            self._dropped += 1
            return
        self._lines.append(line)
        self._bytes += len(line)

    def _take(self) -> list[str]:
        lines, self._lines, self._bytes = self._lines, [], 0
        if self._dropped:
            lines.append(json.dumps({"event": "dropped", "lines": self._dropped}) + "\n")
            self._dropped = 0
        return lines

    def _write(self, lines: list[str]) -> None:
        for line in lines:
            self._log.add(line)

    async def flush(self, worker: Worker) -> None:
        """Write what has been collected, in the worker's thread."""
        if self._lines:
            await worker.call(self._write, self._take())

    async def write_out(self, worker: Worker) -> None:
        """Write everything that there is, so that a reader of the file sees it."""
        lines = self._take()

        def write() -> None:
            self._write(lines)
            self._log.flush()

        await worker.call(write)

    def close(self) -> None:
        """Write the rest and close the log; called when nobody serves the instrument any more."""
        self._write(self._take())
        self._log.close()
