"""Sealed files: Parquet with constant schema and writer options, so that equal rows give equal bytes.

Nothing of when, where or by whom is in the file: no wall time, path, host, run id or version of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from labctl.model.record import RECORD_COLUMNS, RecordBlock
from labctl.store.names import ROWS_PER_FILE

if TYPE_CHECKING:
    import pandas as pd

_ARROW: dict[str, Any] = {"<i8": pa.int64(), "<i4": pa.int32(), "<i1": pa.int8(), "<f8": pa.float64()}
RECORD_SCHEMA = pa.schema({name: _ARROW[dtype] for name, dtype in RECORD_COLUMNS.items()})
_CLOCK: dict[str, Any] = {"sequence": pa.int64(), "device_clock": pa.string()}
CLOCK_SCHEMA = pa.schema(_CLOCK)

COLUMN_ENCODINGS: dict[str, str] = {
    "sequence": "DELTA_BINARY_PACKED",
    "test_time_second": "BYTE_STREAM_SPLIT",
    "voltage_volt": "PLAIN",
    "cycle_count": "DELTA_BINARY_PACKED",
    "step_count": "DELTA_BINARY_PACKED",
    "step_time_second": "BYTE_STREAM_SPLIT",
    "step_capacity_ah": "BYTE_STREAM_SPLIT",
    "step_energy_wh": "BYTE_STREAM_SPLIT",
    "segment": "DELTA_BINARY_PACKED",
    "device_sequence": "DELTA_BINARY_PACKED",
    "device_cycle": "DELTA_BINARY_PACKED",
}
"""Measured on cycling data (benchmarks, row B4): counters as deltas, smooth values split by byte, noisy
voltage plain so that zstd finds repeated readings; all other columns have few distinct values and take a
dictionary."""
COMPRESSION_LEVEL = 3

DAMAGE = (OSError, pa.ArrowException, ValueError, KeyError)
"""What reading a damaged Parquet file may raise."""


def _bytes_of(table: pa.Table, encodings: Mapping[str, str]) -> bytes:
    sink = pa.BufferOutputStream()
    options: dict[str, Any] = {
        "use_dictionary": [name for name in table.column_names if name not in encodings],
        "column_encoding": dict(encodings),
    }
    pq.write_table(
        table,
        sink,
        version="2.6",
        data_page_version="1.0",
        row_group_size=ROWS_PER_FILE,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        write_statistics=True,
        store_schema=False,
        write_page_checksum=True,
        **options,
    )
    return bytes(sink.getvalue())


def encode_records(block: RecordBlock) -> bytes:
    """Return the bytes of a records file. Side columns are left out."""
    arrays = [pa.array(np.ascontiguousarray(block[field.name]), type=field.type) for field in RECORD_SCHEMA]
    return _bytes_of(pa.Table.from_arrays(arrays, schema=RECORD_SCHEMA), COLUMN_ENCODINGS)


def _table_of(data: bytes, columns: list[str] | None = None) -> pa.Table:
    """Read one whole file without Arrow's datasets and thread pools.

    A process that ends soon after those were started aborts now and then (about 1 in 100 measured: exit -6, "terminate
    called without an active exception"), and the verbs that look at runs are such processes. A file of 32,768 rows
    gains little by threads; ``read_frame``, for libraries that read months at once, does use them.
    """
    with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True, pre_buffer=False) as file:
        return file.read(columns=columns, use_threads=False)


def decode_records(data: bytes, columns: list[str] | None = None) -> RecordBlock:
    """Return the rows of a records file; raises ``pyarrow.ArrowInvalid`` or OSError when it is damaged."""
    return block_of(_table_of(data, columns))


def block_of(table: pa.Table) -> RecordBlock:
    """Return an Arrow table of records as a block with the dtypes of ``RECORD_COLUMNS``."""
    return RecordBlock(
        {
            name: np.asarray(table.column(name).to_numpy(), dtype=np.dtype(RECORD_COLUMNS[name]))
            for name in table.column_names
        }
    )


def read_frame(paths: Sequence[Path], columns: list[str]) -> pd.DataFrame:
    """Return records files joined as one pandas frame; raises what ``DAMAGE`` names."""
    table = pq.read_table([str(path) for path in paths], columns=columns, schema=RECORD_SCHEMA)
    return table.to_pandas(split_blocks=True, self_destruct=True)


def clock_texts(device_clock: NDArray[np.bytes_]) -> Any:
    """Return clock texts as Arrow strings. Bytes beyond ASCII become ``?``."""
    data = np.ascontiguousarray(device_clock).view(np.uint8)
    if len(data) and data.min() > 0 and data.max() < 128:  # all of full width: the bytes are the strings
        width = device_clock.dtype.itemsize
        ends = np.arange(0, len(data) + width, width, dtype=np.int32)
        return pa.StringArray.from_buffers(
            len(device_clock), pa.py_buffer(ends.tobytes()), pa.py_buffer(data.tobytes())
        )
    return pa.array(
        [text.decode("ascii", "replace").replace("\ufffd", "?") for text in device_clock.tolist()],
        type=pa.string(),
    )


def encode_clock(sequence: NDArray[np.int64], device_clock: NDArray[np.bytes_]) -> bytes:
    """Return the bytes of a clock file: the instrument's own time text per row."""
    table = pa.Table.from_arrays(
        [pa.array(np.ascontiguousarray(sequence)), clock_texts(device_clock)], schema=CLOCK_SCHEMA
    )
    return _bytes_of(table, {"sequence": "DELTA_BINARY_PACKED"})


def decode_clock(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.bytes_]]:
    """Return sequences and clock texts of a clock file."""
    table = _table_of(data)
    texts = table.column("device_clock").to_pylist()
    return table.column("sequence").to_numpy(), np.array(
        [(text or "").encode("ascii", "replace") for text in texts], dtype="S19"
    )


def encode_table(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the bytes of a small table (cycle summary) with the columns as given."""
    table = pa.table({name: pa.array(np.ascontiguousarray(column)) for name, column in columns.items()})
    return _bytes_of(table, {})


def decode_table(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the columns of a small table."""
    table = _table_of(data)
    return {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}


def same_rows(one: RecordBlock, other: RecordBlock) -> bool:
    """Say whether two blocks hold the same rows, bit by bit (NaN equals NaN, -0.0 differs from 0.0)."""
    return all(_same_bits(one[name], other[name]) for name in RECORD_COLUMNS)


def _same_bits(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.dtype != other.dtype or len(one) != len(other):
        return False
    kind = f"i{one.dtype.itemsize}"
    return bool(np.array_equal(np.ascontiguousarray(one).view(kind), np.ascontiguousarray(other).view(kind)))
