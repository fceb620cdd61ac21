"""One hash for the rows of a run, whatever blocks, files or days they came in."""

from __future__ import annotations

import hashlib

import numpy as np

from labctl.model.record import RECORD_COLUMNS, RecordBlock


class Digest:
    """Hash rows as they come; only the rows and their order matter, not how they are cut.

    SHA-256 per column over its little-endian bytes, then SHA-256 over names, types, hashes and the number
    of rows. ``device_clock`` takes no part.
    """

    def __init__(self) -> None:
        self._columns = {name: hashlib.sha256() for name in RECORD_COLUMNS}
        self.rows = 0

    def update(self, block: RecordBlock) -> None:
        """Add the next rows."""
        for name, dtype in RECORD_COLUMNS.items():
            self._columns[name].update(np.ascontiguousarray(block[name], dtype=np.dtype(dtype)).data)
        self.rows += len(block)

    def hexdigest(self) -> str:
        """Return the hash, 64 hex digits."""
        total = hashlib.sha256(f"labctl.records/1 {self.rows}".encode())
        for name, dtype in RECORD_COLUMNS.items():
            total.update(f"\n{name} {dtype} {self._columns[name].hexdigest()}".encode())
        return total.hexdigest()
