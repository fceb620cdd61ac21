"""Rows as Arrow IPC streams, cheaply: the metadata of a batch depends on its number of rows alone.

A stream of record blocks is ``SCHEMA``, then per block its metadata and its columns one after the other, then
``END``. The metadata is a flatbuffer that pyarrow makes once for each number of rows and that is the same for every
later block of that size, so a block costs one join of its columns' bytes. Any Arrow reader reads the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labctl.model.record import RECORD_COLUMNS, RecordBlock

SIZES_KEPT = 512
"""Numbers of rows whose metadata is remembered; a row takes about 1.5 kB of it."""
END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""End of stream: continuation mark and length zero."""
_ALIGNED = 8
"""Bytes to which Arrow's buffers are padded."""
_NAMES = tuple(RECORD_COLUMNS)
_TYPES = tuple(np.dtype(code) for code in RECORD_COLUMNS.values())
_FIELDS = pa.schema(
    [pa.field(name, pa.from_numpy_dtype(np.dtype(code))) for name, code in RECORD_COLUMNS.items()]
)
SCHEMA: bytes = _FIELDS.serialize().to_pybytes()
"""The beginning of every stream of record blocks: columns as in ``RECORD_COLUMNS``."""


@lru_cache(maxsize=SIZES_KEPT)
def _layout(rows: int) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the encapsulated metadata of a batch of so many rows, and what follows each column to align the next."""
    arrays = [pa.array(np.zeros(rows, dtype=dtype)) for dtype in _TYPES]
    batch = pa.RecordBatch.from_arrays(arrays, schema=_FIELDS)
    message: bytes = batch.serialize().to_pybytes()
    pads = tuple(b"\x00" * (-rows * dtype.itemsize % _ALIGNED) for dtype in _TYPES)
    body = sum(rows * dtype.itemsize + len(pad) for dtype, pad in zip(_TYPES, pads, strict=True))
    return message[: len(message) - body], pads


def batch_parts(block: RecordBlock) -> list[bytes]:
    """Return one record batch of a stream as pieces to join. Columns: ``RECORD_COLUMNS``, any layout in memory."""
    metadata, pads = _layout(len(block))
    parts = [metadata]
    columns = block.columns
    for name, dtype, pad in zip(_NAMES, _TYPES, pads, strict=True):
        column = columns[name]
        # numpy has one object per plain type: looking at it first spares sixteen slow comparisons a block
        if column.dtype is not dtype and column.dtype != dtype:
            column = column.astype(dtype)
        parts.append(column.tobytes())
        if pad:
            parts.append(pad)
    return parts


def blocks_stream(blocks: Iterable[RecordBlock]) -> list[bytes]:
    """Return a whole IPC stream of record blocks, one batch each, as pieces to join."""
    parts = [SCHEMA]
    for block in blocks:
        parts += batch_parts(block)
    parts.append(END)
    return parts


def columns_stream(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Return any columns of equal length as an IPC stream; byte strings become text."""
    arrays = {name: _array(column) for name, column in columns.items()}
    return table_stream(pa.table(arrays))


def _array(column: NDArray[Any]) -> Any:
    if column.dtype.kind == "S":
        return pa.array([value.decode("ascii", "replace") for value in column.tolist()], pa.string())
    return pa.array(column)


def table_stream(table: Any) -> bytes:
    """Return a pyarrow table as an IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data
