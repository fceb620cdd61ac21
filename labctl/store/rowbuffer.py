"""Collect rows that come one at a time (point-by-point instruments) into blocks: one struct packing per row."""

from __future__ import annotations

import struct

import numpy as np

from labctl.errors import StoreError
from labctl.model.record import RECORD_COLUMNS, RecordBlock

ROWS_MAX = 65_536
"""Rows that may wait; whoever fills it must take them at least once a second anyway (S1)."""

_CODES = {"<i8": "q", "<i4": "i", "<i1": "b", "<f8": "d"}
_ROW = struct.Struct("<" + "".join(_CODES[dtype] for dtype in RECORD_COLUMNS.values()))
_DTYPE = np.dtype(list(RECORD_COLUMNS.items()))


class RowBuffer:
    """Rows waiting for the next ``append``, in the order of ``RECORD_COLUMNS``."""

    __slots__ = ("_append", "_rows")

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._append = self._rows.append

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, *row: float) -> None:
        """Add one row: a value for each of ``RECORD_COLUMNS``, in that order.

        Raises: struct.error for a value that does not fit its column, StoreError when nobody takes the rows (I14).
        """
        self._append(_ROW.pack(*row))
        if len(self._rows) > ROWS_MAX:
            raise StoreError(f"More than {ROWS_MAX} rows wait to be stored: commit at least once a second.")

    def take(self) -> RecordBlock:
        """Return the rows as a block and start anew."""
        table = np.frombuffer(b"".join(self._rows), dtype=_DTYPE)
        self._rows.clear()
        return RecordBlock({name: np.ascontiguousarray(table[name]) for name in RECORD_COLUMNS})
