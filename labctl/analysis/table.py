"""Keep a table that grows by rows and is read by columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FIRST_ROWS = 64


class GrowingTable:
    """Rows of numbers in one float64 array that doubles when full; columns leave it with their own dtype.

    Integers must stay below 2**53 to survive float64.
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._dtypes = dict(columns)
        self._data = np.empty((_FIRST_ROWS, len(columns)))
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def append(self, values: Sequence[float]) -> None:
        """Append one row, values in the order of the columns."""
        self._reserve()
        self._data[self._rows] = values
        self._rows += 1

    def _reserve(self) -> None:
        """Make room for one more row."""
        if self._rows == len(self._data):
            self._data = np.concatenate([self._data, np.empty_like(self._data)])

    def columns(self, extra: Sequence[float] | None = None) -> dict[str, NDArray[Any]]:
        """Return copies of the columns, with ``extra`` as one more last row that is not kept."""
        stop = self._rows
        if extra is not None:
            self._reserve()
            self._data[stop] = extra
            stop += 1
        data = self._data[:stop]
        named = enumerate(self._dtypes.items())
        return {name: data[:, place].astype(dtype) for place, (name, dtype) in named}
