"""Lists that never reorder under the pointer: what is shown stays where it is while a person is at it (design 10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
AT_IT_S = 3.0
"""So long after the last move of the pointer, or the last key, a person is taken to be at the list (link time)."""


class Still(Generic[T]):
    """Keeps the order of rows. A pointer that was left lying on the list does not hold it for ever."""

    def __init__(self, key: Callable[[T], str]) -> None:
        self._key = key
        self._shown: list[T] = []
        self._touched_s = float("-inf")
        self.waiting = 0
        """Rows that have come and are not shown yet."""

    def touch(self, now_s: float) -> None:
        """Note that a person is at the list."""
        self._touched_s = now_s

    def let_go(self) -> None:
        """Note that the person has gone, or wants to see everything now."""
        self._touched_s = float("-inf")

    def held(self, now_s: float) -> bool:
        """Tell whether the order is kept now."""
        return now_s - self._touched_s < AT_IT_S

    def settle(self, rows: Sequence[T], now_s: float) -> list[T]:
        """Return the rows to show: as wanted, or while a person is at the list in the old order with new values."""
        if not self.held(now_s) or not self._shown:
            self._shown, self.waiting = list(rows), 0
            return list(self._shown)
        fresh = {self._key(row): row for row in rows}
        known = {self._key(row) for row in self._shown}
        self.waiting = len(fresh.keys() - known)
        self._shown = [fresh.get(self._key(row), row) for row in self._shown]
        return list(self._shown)

    def differs(self, rows: Sequence[T]) -> bool:
        """Tell whether what is shown has another order than wanted."""
        return [self._key(row) for row in rows] != [self._key(row) for row in self._shown]
