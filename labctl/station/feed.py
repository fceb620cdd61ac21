"""Numbers every change of the station's state, so that a client that was away gets exactly what it missed.

A *topic* with a *key* has one present value (``channel``/``neware:1-1``, ``job``/``j-7``); a change of it is a
``Delta`` with the next number. Whoever knows the number of the last delta it has seen asks for what came after;
where that is too long ago it takes a snapshot: the present value of everything (F36). Topics in ``PASSING`` are
things that happen and have no present value; they are in the deltas only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labctl.model.bench import Delta

KEPT = 10_000
"""Deltas kept for clients that come back (I14)."""
PASSING = frozenset({"event"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The present value of everything, as of delta ``number`` of the station's life ``epoch``."""

    epoch: str
    number: int
    state: tuple[Delta, ...]


class Feed:
    """The station's numbered deltas. Used on the event loop only; publishing costs a dictionary entry."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.number = 0
        self._state: dict[tuple[str, str], Delta] = {}
        self._recent: deque[Delta] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()

    def publish(self, topic: str, key: str, data: Mapping[str, Any] | None) -> None:
        """Say that ``topic``/``key`` is now ``data`` (None: gone). An equal value is no change."""
        known = self._state.get((topic, key))
        if known is not None and known.data == data:
            return
        self.number += 1
        delta = Delta(self.number, topic, key, None if data is None else dict(data))
        if topic not in PASSING:
            if data is None:
                self._state.pop((topic, key), None)
            else:
                self._state[topic, key] = delta
        self._recent.append(delta)
        self._changed.set()
        self._changed = asyncio.Event()

    def value(self, topic: str, key: str) -> dict[str, Any] | None:
        """Return the present value of something, None where there is none."""
        found = self._state.get((topic, key))
        return None if found is None else found.data

    def snapshot(self) -> Snapshot:
        """Return the present value of everything."""
        return Snapshot(self.epoch, self.number, tuple(self._state.values()))

    def since(self, number: int) -> list[Delta] | None:
        """Return the deltas after ``number``, None where some of them are no longer kept: take a snapshot."""
        missed = self.number - number
        if missed < 0 or missed > len(self._recent):
            return None
        return [self._recent[index] for index in range(len(self._recent) - missed, len(self._recent))]

    async def wait(self, number: int) -> None:
        """Return as soon as there is a delta after ``number``."""
        while self.number <= number:
            await self._changed.wait()
