"""Read a table that a person made (CSV, XLSX or pasted text) as rows of texts; formulas are never evaluated (X09)."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator

from labctl.errors import UserFileError

TABLE_MAX_BYTES = 20_000_000
"""Caps what an import reads (X09); a registry of a hundred thousand cells is smaller."""
UNZIP_RATIO_MAX = 100
"""An XLSX that unpacks to more than this times its size is refused as a zip bomb (X09)."""
ROWS_MAX = 100_000
COLUMNS_MAX = 200


def table_rows(data: bytes, name: str) -> list[list[str]]:
    """Return the rows of a table, header first, each value as text; ``name`` is for messages.

    The type is told by the content: XLSX, or text with commas, semicolons or tabs. Raises: UserFileError where
    the whole cannot be used.
    """
    if len(data) > TABLE_MAX_BYTES:
        raise UserFileError(f"is larger than {TABLE_MAX_BYTES // 1_000_000} MB.", path=name, fix="Split it.")
    rows: list[list[str]] = []
    for row in _xlsx_rows(data, name) if data.startswith(b"PK") else _text_rows(data, name):
        if len(rows) > ROWS_MAX:
            raise UserFileError(f"has more than {ROWS_MAX} rows.", path=name, fix="Split it.")
        if len(row) > COLUMNS_MAX:
            raise UserFileError(
                f"has more than {COLUMNS_MAX} columns.",
                path=name,
                line=len(rows) + 1,
                fix="Take the unused out.",
            )
        rows.append(row)
    return rows


def _text_rows(data: bytes, name: str) -> Iterator[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserFileError("is not UTF-8 text.", path=name, fix="Save it as 'CSV UTF-8'.") from error
    if "\0" in text:
        raise UserFileError(
            "holds binary data, not a table.", path=name, fix="Save it as 'CSV UTF-8' or XLSX."
        )
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text), delimiter=delimiter)
    except csv.Error as error:
        raise UserFileError(
            f"is not a readable CSV table ({error}).", path=name, fix="Save it anew as 'CSV UTF-8'."
        ) from error


def _xlsx_rows(data: bytes, name: str) -> Iterator[list[str]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked_bytes = sum(item.file_size for item in archive.infolist())
        if unpacked_bytes > UNZIP_RATIO_MAX * len(data):
            raise UserFileError("unpacks to more than 100 times its size.", path=name, fix="Save it anew.")
        # Formula texts are read as they stand (they start with '='), never computed.
        workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=False)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UserFileError(
            "is not a readable XLSX file.", path=name, fix="Save it as XLSX or CSV UTF-8."
        ) from error
    try:
        for row in workbook.worksheets[0].iter_rows(values_only=True):
            yield ["" if value is None else str(value) for value in row]
    finally:
        workbook.close()
