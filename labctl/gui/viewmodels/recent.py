"""What was used of late, and no more: a cache that never stops to tidy up."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Two generations of at most ``room`` entries each: when the young one is full, the old one goes.

    What is asked for stays, however much else passes; what is not goes at the latest after ``2 * room`` others. Never
    is everything gone at once, as with a dictionary that is emptied when it is full: a page that is painted from it
    would then be laid out anew in one painting.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        """Entries of a generation; may be raised at any time."""
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def get(self, key: K) -> V | None:
        """Return what is kept, None where nothing is."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Keep a value, which is not None."""
        if len(self._young) >= self.room:
            self._young, self._old = {}, self._young
        self._young[key] = value

    def clear(self) -> None:
        """Keep nothing of it."""
        self._young, self._old = {}, {}
