"""Our own file: Parquet with the terms of the Battery Data Format, every column and the head; nothing is lost.

Test Time, Voltage and Current are there because the format requires them. Columns that it has no word for carry names
of ours. The head is JSON in the file's metadata under ``labctl.spectrum``. Source: data-formats.md 1.1 and section 3.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.errors import UserFileError
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import AmplitudeKind, Spectrum, SpectrumHead

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"PAR1"
HEAD_KEY = b"labctl.spectrum"
SCHEMA = "labctl.spectrum/1"
REAL, IMAGINARY = "Real Impedance / ohm", "Imaginary Impedance / ohm"
LABELS = {
    "t_end_s": "Test Time / s",
    "e_dc_V": "Voltage / V",
    "i_dc_A": "Current / A",
    "frequency_Hz": "Frequency / Hz",
    "e_ac_rms_V": "AC Voltage RMS / V",
    "i_ac_rms_A": "AC Current RMS / A",
    "t_start_s": "Point Start Time / s",
    "range_A": "Current Range / A",
    "flags": "Point Flags / 1",
}
"""Spectrum column to preferred label; Z is split into ``REAL`` and ``IMAGINARY``."""
_NUMBERS = ("area_cm2", "amplitude_rms_V", "amplitude_rms_A", "ocv_before_V", "ocv_after_V")


def recognises(data: bytes) -> bool:
    """Say whether a file begins as Parquet."""
    return data[:4] == MAGIC


def head_to_plain(head: SpectrumHead) -> dict[str, Any]:
    """Return a head as plain JSON values; null stands for NaN and for what nobody has said."""
    plain = asdict(head)
    for name in _NUMBERS:
        plain[name] = None if math.isnan(plain[name]) else plain[name]
    return {**plain, "told_amplitude": head.told_amplitude.value, "notes": list(head.notes)}


def head_from_plain(plain: dict[str, Any]) -> SpectrumHead:
    """Return a head from plain JSON values. Raises: KeyError, TypeError or ValueError where they are not a head."""
    numbers = {name: math.nan if plain[name] is None else float(plain[name]) for name in _NUMBERS}
    kind = AmplitudeKind(plain["told_amplitude"])
    return SpectrumHead(**{**plain, **numbers, "told_amplitude": kind, "notes": tuple(plain["notes"])})


def write(spectrum: Spectrum) -> bytes:
    """Write all columns bit by bit, NaN too, and the head."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {label: getattr(spectrum, name) for name, label in LABELS.items()}
    place = list(columns).index(LABELS["frequency_Hz"]) + 1
    named = list(columns.items())
    named[place:place] = [(REAL, spectrum.z_re_ohm), (IMAGINARY, spectrum.z_im_ohm)]
    table = pa.table({label: pa.array(np.ascontiguousarray(column)) for label, column in named})
    document = {"schema": SCHEMA, "head": head_to_plain(spectrum.head)}
    table = table.replace_schema_metadata({HEAD_KEY: json.dumps(document).encode()})
    sink = pa.BufferOutputStream()
    pq.write_table(
        table, sink, version="2.6", compression="zstd", write_page_checksum=True, use_dictionary=False
    )
    return bytes(sink.getvalue())


def read(data: bytes, source: str) -> SpectrumContent:
    """Read our own file, or any Parquet with the format's three impedance columns. Raises: UserFileError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True, pre_buffer=False) as file:
            table = file.read(use_threads=False)
        names = table.column_names
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserFileError(
            f"the Parquet file is damaged: {error}.",
            path=source,
            fix="Take it from a copy, or export it again.",
        ) from error
    needed = (LABELS["frequency_Hz"], REAL, IMAGINARY)
    missing = [label for label in needed if label not in names]
    if missing:
        raise UserFileError(
            f"the table has no column {', '.join(missing)}.",
            path=source,
            fix="Only tables with the impedance columns of the Battery Data Format are spectra.",
        )
    return SpectrumContent((_spectrum(table, source),))


def _spectrum(table: pa.Table, source: str) -> Spectrum:
    def column(label: str, dtype: type[np.generic]) -> Any:
        return np.array(table.column(label).to_numpy(zero_copy_only=False), dtype=dtype)

    try:
        found = {
            name: column(label, np.uint8 if name == "flags" else np.float64)
            for name, label in LABELS.items()
            if label in table.column_names
        }
        z_ohm = np.empty(table.num_rows, np.complex128)
        z_ohm.real, z_ohm.imag = column(REAL, np.float64), column(IMAGINARY, np.float64)
        stored = (table.schema.metadata or {}).get(HEAD_KEY)
        document = json.loads(stored) if stored is not None else None
        if document is not None and document["schema"] != SCHEMA:
            raise UserFileError(
                f"the spectrum has the schema {document['schema']}; this labctl knows {SCHEMA}.",
                path=source,
                fix="Use the newer labctl.",
            )
        head = head_from_plain(document["head"]) if document is not None else SpectrumHead()
    except (KeyError, TypeError, ValueError) as error:
        raise UserFileError(
            f"the columns or the head are not those of a spectrum: {error!r}.",
            path=source,
            fix="Export it again.",
        ) from error
    return Spectrum.of(found.pop("frequency_Hz"), z_ohm, head, **found)


FORMAT = SpectrumFormat(
    "parquet",
    "labctl Parquet (Battery Data Format terms)",
    (".parquet",),
    recognises,
    read,
    write,
    holds_gaps=True,
)
