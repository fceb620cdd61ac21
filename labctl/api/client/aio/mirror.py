"""A copy of the station's state that is kept current by numbered deltas, and repaired by a snapshot (F36)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from labctl.api.client import routes
from labctl.api.client.aio.link import AsyncLink
from labctl.clock import link_pause_async
from labctl.model.bench import Delta

WAIT_S = 25.0
"""Link seconds that the station keeps a question for changes open."""
BREATH_S = 0.2
"""Link seconds between two questions: a busy station has changes all the time, and calls are capped (X04)."""


class AsyncMirror:
    """The present value of everything, or of chosen ``topics``: ``state[topic, key]`` is a JSON object."""

    def __init__(self, link: AsyncLink, topics: Collection[str] = ()) -> None:
        """Begin empty; the first ``update`` fetches everything."""
        self._link = link
        self._topics = frozenset(topics)
        self.state: dict[tuple[str, str], dict[str, Any]] = {}
        self.epoch = ""
        self.number = 0

    async def update(self, wait_s: float = WAIT_S) -> tuple[Delta, ...]:
        """Wait for changes, at most ``wait_s``; return them, oldest first.

        After a gap, or where the station was restarted, the differences to its snapshot are returned.
        """
        if not self.epoch:
            return await self._snapshot()
        query = {"after": self.number, "epoch": self.epoch, "wait_s": wait_s}
        found = await self._link.call(routes.DELTAS, query=query)
        if found.resnapshot or found.epoch != self.epoch:
            return await self._snapshot()
        self.number = found.number
        deltas = tuple(delta for delta in found.deltas if self._wanted(delta))
        for delta in deltas:
            self._take(delta)
        if found.deltas:
            await link_pause_async(BREATH_S)
        return deltas

    async def _snapshot(self) -> tuple[Delta, ...]:
        told = await self._link.call(routes.SNAPSHOT)
        fresh = {(delta.topic, delta.key): delta for delta in told.state if self._wanted(delta)}
        changed = [delta for place, delta in fresh.items() if self.state.get(place) != delta.data]
        gone = [Delta(told.number, *place, None) for place in self.state if place not in fresh]
        self.state = {place: dict(delta.data or {}) for place, delta in fresh.items()}
        self.epoch, self.number = told.epoch, told.number
        return (*gone, *changed)

    def _wanted(self, delta: Delta) -> bool:
        return not self._topics or delta.topic in self._topics

    def _take(self, delta: Delta) -> None:
        if delta.data is None:
            self.state.pop((delta.topic, delta.key), None)
        else:
            self.state[delta.topic, delta.key] = delta.data
