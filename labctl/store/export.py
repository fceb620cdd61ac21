"""Export a run to open formats: streamed in bounded memory, put in place in one step, with a metadata side
file.

Exports never touch the run folder. A target that another program holds open (a spreadsheet, a virus
scanner) is tried ten times, then the export is saved beside it as ``name (2)`` (S4, F20).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from labctl.errors import StoreError, UserInputError
from labctl.model.record import RecordBlock
from labctl.store import bdf, flatcsv, parquet
from labctl.store.bdf import BdfProfile
from labctl.store.derive import AmbientOfRows, Derivation, UtcOfRows
from labctl.store.disk import Disk, RealDisk
from labctl.store.runreader import RunReader

BUSY_TRIES = 10
BUSY_FIRST_WAIT_S = 0.05
BUSY_LONGEST_WAIT_S = 1.0
BLOCK_ROWS_MAX = 65_536
"""Rows converted at once: about 30 MB with all derived columns, whatever the length of the run."""

_Choice = TypeVar("_Choice", bound=StrEnum)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\0")


class ExportFormat(StrEnum):
    """What ``export_run`` can write."""

    BDF_CSV = "bdf-csv"
    BDF_PARQUET = "bdf-parquet"
    NEWARE_CSV = "neware-csv"
    CSV = "csv"


_SUFFIXES = {
    ExportFormat.BDF_CSV: ".bdf.csv",
    ExportFormat.BDF_PARQUET: ".bdf.parquet",
    ExportFormat.NEWARE_CSV: ".neware.csv",
    ExportFormat.CSV: ".csv",
}


def export_run(
    reader: RunReader,
    fmt: str,
    target: Path | str,
    bdf_profile: str = "1.3",
    *,
    progress: Callable[[int, int], None] | None = None,
    wait: Callable[[float], object] | None = None,
    disk: Disk | None = None,
) -> Path:
    """Write the rows of a run up to ``end_sequence`` and a metadata side file; return where the rows were
    saved.

    ``target`` is a file, or an existing folder, which then gets a file with the name that the format
    recommends. ``progress(done, total)`` is called with rows after each block. ``wait(seconds)`` passes the
    time between tries on a busy target. ``disk`` does renames (tests lock files with it).

    Raises: UserInputError for an unknown format or profile, StoreError when nothing can be written.
    """
    chosen = _chosen(ExportFormat, fmt, "format")
    profile = _chosen(BdfProfile, bdf_profile, "BDF profile")
    path = Path(target)
    if path.is_dir():
        path = path / suggested_name(reader, chosen)
    disk = disk or RealDisk()
    temporary = path.with_name(path.name + ".part")
    counted = _Counted(reader, chosen, profile, progress)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            hashing = _HashingFile(file)
            if chosen is ExportFormat.BDF_PARQUET:
                _write_parquet(hashing, counted)
            else:
                _write_csv(hashing, counted)
        saved = _into_place(disk, temporary, path, wait or threading.Event().wait)
        metadata = metadata_of(reader, chosen, profile, saved.name, hashing.hexdigest(), counted)
        side = saved.with_name(metadata_name(saved.name))
        side_part = side.with_name(side.name + ".part")
        side_part.write_text(json.dumps(metadata, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        _into_place(disk, side_part, side, wait or threading.Event().wait)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error}. Choose another place with --out.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return saved


def _chosen(kind: type[_Choice], text: str, what: str) -> _Choice:
    try:
        return kind(text)
    except ValueError as error:
        known = ", ".join(kind)
        raise UserInputError(f"There is no export {what} {text!r}; there are {known}.") from error


def suggested_name(reader: RunReader, fmt: ExportFormat, institution: str = "labctl") -> str:
    """Return a file name as BDF recommends: institution, cell, day and the run's own time of day."""
    cell = str((reader.manifest.get("cell") or {}).get("cell_id") or "cell")
    started = str(reader.manifest.get("started_utc") or "")
    day, clock = started[:10].replace("-", ""), started[11:19].replace(":", "")
    return f"{institution}__{cell}__{day or 'undated'}_{clock or '000000'}{_SUFFIXES[fmt]}"


def metadata_name(name: str) -> str:
    """Return the name of the side file: ``x.bdf.parquet`` has ``x.bdf.metadata.json``."""
    return name.rsplit(".", 1)[0] + ".metadata.json"


def escape_cell(text: str) -> str:
    """Return a text cell that a spreadsheet will not run as a formula (X08)."""
    return "'" + text if text.startswith(_DANGEROUS) else text


class _Counted:
    """Yields the columns of the export block by block and counts the rows."""

    def __init__(
        self,
        reader: RunReader,
        fmt: ExportFormat,
        profile: BdfProfile,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.reader = reader
        self.rows = 0
        self.names: list[str] = []
        self._format = fmt
        self._profile = profile
        self._progress = progress

    def __iter__(self) -> Iterator[dict[str, NDArray[Any]]]:
        derivation = Derivation()
        utc = UtcOfRows(self.reader.manifest)
        ambient = AmbientOfRows(self.reader.ambient())
        total = self.reader.last_sequence
        for block in _pieces(self.reader):
            columns = self._columns(block, derivation, utc, ambient)
            self.names = list(columns)
            self.rows += len(block)
            yield columns
            if self._progress is not None:
                self._progress(self.rows, total)
        if self.rows == 0:
            raise StoreError(f"The run {self.reader.folder.name} has no rows to export yet.")

    def _columns(
        self, block: RecordBlock, derivation: Derivation, utc: UtcOfRows, ambient: AmbientOfRows
    ) -> dict[str, NDArray[Any]]:
        capacity, energy, points = derivation.totals(block)
        unix_time_s = utc.unix_time_s(block)
        temperature_degC = ambient.temperature_degC(block) if ambient else None
        if self._format is ExportFormat.NEWARE_CSV:
            return flatcsv.neware_columns(block, (capacity, energy), unix_time_s)
        known_time_s = unix_time_s if utc.known else None
        if self._format is ExportFormat.CSV:
            return flatcsv.plain_columns(block, known_time_s, temperature_degC)
        return bdf.columns(
            block,
            self._profile,
            (capacity, energy),
            points,
            unix_time_s=known_time_s,
            ambient_degC=temperature_degC,
            digits=bdf.SIGNIFICANT_DIGITS if self._format is ExportFormat.BDF_CSV else None,
        )


def _pieces(reader: RunReader) -> Iterator[RecordBlock]:
    for block in reader.blocks():
        for start in range(0, len(block), BLOCK_ROWS_MAX):
            yield block.rows(start, min(start + BLOCK_ROWS_MAX, len(block)))


class _HashingFile:
    """A writable file that hashes what passes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.closed = False

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def tell(self) -> int:
        return self._file.tell()

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        self.closed = True


def _arrow(columns: dict[str, NDArray[Any]], *, escaped: bool) -> pa.Table:
    arrays = {}
    for name, column in columns.items():
        if column.dtype == object:
            texts = column.tolist()
            unique = {text: escape_cell(text) for text in set(texts)} if escaped else {}
            arrays[name] = pa.array([unique.get(text, text) for text in texts], type=pa.string())
        else:
            arrays[name] = pa.array(np.ascontiguousarray(column), from_pandas=column.dtype == np.float64)
    return pa.table(arrays)


def _write_csv(file: _HashingFile, blocks: _Counted) -> None:
    options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
    for number, columns in enumerate(blocks):
        if number == 0:
            file.write((",".join(columns) + "\n").encode())
        sink = pa.BufferOutputStream()
        pacsv.write_csv(_arrow(columns, escaped=True), sink, options)
        file.write(sink.getvalue().to_pybytes())


def _write_parquet(file: _HashingFile, blocks: _Counted) -> None:
    writer: pq.ParquetWriter | None = None
    sink: Any = pa.PythonFile(cast("io.IOBase", file), mode="w")  # it needs write, flush, close and tell only
    try:
        for columns in blocks:
            table = _arrow(columns, escaped=False)
            if writer is None:
                writer = pq.ParquetWriter(
                    sink,
                    table.schema,
                    compression="zstd",
                    compression_level=parquet.COMPRESSION_LEVEL,
                    version="2.6",
                )
            writer.write_table(table, row_group_size=BLOCK_ROWS_MAX)
    finally:
        if writer is not None:
            writer.close()


def _into_place(disk: Disk, temporary: Path, path: Path, wait: Callable[[float], object]) -> Path:
    """Rename over the target; while it is busy wait and try again, then take the next free ``name (n)``."""
    pause_s = BUSY_FIRST_WAIT_S
    for attempt in range(BUSY_TRIES):
        try:
            disk.rename(temporary, path)
        except PermissionError:
            if attempt + 1 < BUSY_TRIES:
                wait(pause_s)
                pause_s = min(pause_s * 2, BUSY_LONGEST_WAIT_S)
        else:
            return path
    stem, dot, suffixes = path.name.partition(".")
    free = next(
        candidate
        for number in range(2, 1000)
        if not (candidate := path.with_name(f"{stem} ({number}){dot}{suffixes}")).exists()
    )
    disk.rename(temporary, free)
    return free


def metadata_of(
    reader: RunReader, fmt: ExportFormat, profile: BdfProfile, name: str, sha256: str, counted: _Counted
) -> dict[str, Any]:
    """Return what belongs to an exported file: cell, protocol, instrument, software, and the hash of the data file."""
    manifest = reader.manifest
    protocol = manifest.get("protocol") or {}
    return {
        "schema": "labctl.export/1",
        "file": {
            "name": name,
            "sha256": sha256,
            "format": fmt.value,
            "rows": counted.rows,
            "columns": counted.names,
        },
        "bdf_profile": profile.value if fmt in (ExportFormat.BDF_CSV, ExportFormat.BDF_PARQUET) else None,
        "current_sign": "positive while charging",
        "run": {
            key: manifest.get(key)
            for key in ("run_id", "channel", "started_utc", "state", "outcome", "reason")
        },
        "records_digest": reader.digest(),
        "end_sequence": reader.end_sequence,
        "cell": manifest.get("cell"),
        "protocol": {
            "name": protocol.get("name"),
            "hash": protocol.get("hash"),
            "text": protocol.get("text"),
        },
        "instrument": manifest.get("instrument"),
        "calibration": manifest.get("calibration"),
        "clock": manifest.get("clock"),
        "software": {"name": "labctl", "version": importlib.metadata.version("labctl")},
        "recorded_with": manifest.get("versions"),
    }
