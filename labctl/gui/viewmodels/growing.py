"""Columns that grow at their end, in place: new rows do not move the rows before them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_ROOM = 1024


class Growing:
    """Equal-length columns that grow by appending; ``view`` returns them without copying.

    Arrays that are made anew for each row, a little longer each, fit into no place that one of them has left: the heap
    of a window that is watched for days would grow by far more than the rows.
    """

    def __init__(self, *kinds: str) -> None:
        """Take the kinds of the columns, as numpy names them (``<f8``)."""
        self._room = [np.empty(FIRST_ROOM, dtype=kind) for kind in kinds]
        self.size = 0

    def append(self, *columns: NDArray[Any]) -> None:
        """Add rows: as many of each column, shape (n,)."""
        count = len(columns[0])
        if self.size + count > len(self._room[0]):
            # Room for half as much again: the row that follows a whole history must not move that history.
            room = max(2 * len(self._room[0]), (self.size + count) * 3 // 2)
            self._room = [_moved(column[: self.size], room) for column in self._room]
        for room_column, column in zip(self._room, columns, strict=True):
            room_column[self.size : self.size + count] = column
        self.size += count

    def view(self, place: int) -> NDArray[Any]:
        """Return a column, oldest row first; later rows do not show in it, dropped ones still do."""
        return self._room[place][: self.size]

    def drop(self, count: int) -> None:
        """Forget the oldest rows; costs a copy of the others, so drop many at once."""
        kept = [column[count : self.size] for column in self._room]
        self.size -= count
        self._room = [_moved(column, max(FIRST_ROOM, self.size * 3 // 2)) for column in kept]


def _moved(column: NDArray[Any], room: int) -> NDArray[Any]:
    made = np.empty(room, dtype=column.dtype)
    made[: len(column)] = column
    return made
