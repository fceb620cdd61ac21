"""A table file as pasted text: CSV as it is, a workbook's first sheet with tabs."""

from __future__ import annotations

from pathlib import Path

from labctl.errors import UserFileError

ROWS_MAX = 5_000
ENCODINGS = ("utf-8-sig", "utf-16", "gb18030")
"""Tried in this order; spreadsheets on Chinese Windows write the last one."""


def table_text(path: Path) -> str:
    """Return the text of a table. Raises: UserFileError for a file that is none."""
    try:
        return _workbook(path) if path.suffix.lower() == ".xlsx" else _decoded(path.read_bytes())
    except OSError as error:
        raise UserFileError(f"{path.name} cannot be read: {error}", path=str(path)) from error


def _decoded(content: bytes) -> str:
    for encoding in ENCODINGS:
        if encoding == "utf-16" and content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            continue
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _workbook(path: Path) -> str:
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UserFileError(f"{path.name} is no workbook: {error}", path=str(path)) from error
    try:
        rows = [
            "\t".join("" if value is None else str(value).replace("\t", " ") for value in row)
            for row, _ in zip(book.worksheets[0].iter_rows(values_only=True), range(ROWS_MAX), strict=False)
        ]
    finally:
        book.close()
    return "\n".join(rows)
