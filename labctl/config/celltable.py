"""Read cells from a table (CSV or XLSX) that a person made: one cell a row, units in the header.

Every refused value is reported with file, row, column and the fix, and the other rows are still read, so
that a table with one slip is mended once and not found out line by line. Formulas are never evaluated
(X09).
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

from labctl.errors import UserFileError
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId

TABLE_MAX_BYTES = 20_000_000
"""Caps what an import reads (X09); a registry of a hundred thousand cells is smaller."""
UNZIP_RATIO_MAX = 100
"""An XLSX that unpacks to more than this times its size is refused as a zip bomb (X09)."""
ROWS_MAX = 100_000
CELL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")

_TEXT = ("name", "electrolyte", "coating", "batch", "notes")
_NUMBERS = tuple(field.name for field in fields(Cell) if field.name not in ("cell_id", "kind", *_TEXT))
# Other units that people put into headers: column -> (our column, factor).
_OTHER_UNITS: dict[str, tuple[str, float]] = {
    "diameter_cm": ("diameter_mm", 10.0),
    "area_mm2": ("area_cm2", 0.01),
    "active_mass_g": ("active_mass_mg", 1000.0),
    "active_mass_ug": ("active_mass_mg", 0.001),
    "nominal_capacity_Ah": ("nominal_capacity_mAh", 1000.0),
    "nominal_capacity_uAh": ("nominal_capacity_mAh", 0.001),
    "film_um": ("film_nm", 1000.0),
    "ocv_mV": ("ocv_V", 0.001),
    "current_max_mA": ("current_max_A", 0.001),
}
COLUMNS = ("cell_id", "name", "kind", *_NUMBERS, *_TEXT[1:])
_POSITIVE = frozenset(_NUMBERS) - {
    "ocv_V",
    "voltage_min_V",
    "voltage_max_V",
    "temperature_max_degC",
    "film_nm",
}


@dataclass(frozen=True, slots=True)
class RowFinding:
    """One refused value of a table; ``row`` counts from 1 with the header as row 1."""

    row: int
    column: str
    problem: str

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column}: {self.problem}"


@dataclass(frozen=True, slots=True)
class CellTable:
    """What a table held: usable cells, and a finding for each value that was refused."""

    cells: tuple[Cell, ...]
    findings: tuple[RowFinding, ...]


def read_cell_table(path: Path) -> CellTable:
    """Read a CSV or XLSX file of cells. Raises UserFileError where the file as a whole cannot be used."""
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise UserFileError(f"cannot be read ({error.strerror}).", path=path) from error
    if size_bytes > TABLE_MAX_BYTES:
        raise UserFileError(f"is larger than {TABLE_MAX_BYTES // 1_000_000} MB.", path=path, fix="Split it.")
    data = path.read_bytes()
    rows = list(_xlsx_rows(data, path) if data.startswith(b"PK") else _csv_rows(data, path))
    if not rows:
        raise UserFileError(
            "is empty.", path=path, fix=f"Its first row must name columns: {', '.join(COLUMNS[:4])} ..."
        )
    header = _header(rows[0], path)
    cells: list[Cell] = []
    findings: list[RowFinding] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(value.strip() for value in row):
            continue
        made = _cell(dict(zip(header, row, strict=False)), number, findings)
        if made is None:
            continue
        if made.cell_id in seen:
            findings.append(
                RowFinding(number, "cell_id", f"'{made.cell_id}' stands in row {seen[made.cell_id]} too.")
            )
            continue
        seen[made.cell_id] = number
        cells.append(made)
    return CellTable(tuple(cells), tuple(findings))


def cell_from_text(values: dict[str, str]) -> Cell:
    """Build one cell from texts by column name. Raises UserFileError naming the first refused field."""
    findings: list[RowFinding] = []
    converted = {
        _known_column(name)[0]: _scaled(text, _known_column(name)[1]) for name, text in values.items()
    }
    made = _cell(converted, 0, findings)
    if made is None or findings:
        first = findings[0]
        raise UserFileError(f"{first.column}: {first.problem}", path="cell")
    return made


def outliers(cells: Sequence[Cell]) -> list[str]:
    """Name cells whose area, mass or capacity is more than three times off the batch median (F30, F31)."""
    notes: list[str] = []
    for what in ("effective_area_cm2", "active_mass_mg", "effective_capacity_mAh"):
        by_batch: dict[tuple[str, CellKind], list[tuple[str, float]]] = {}
        for cell in cells:
            value = getattr(cell, what)
            if value is not None:
                by_batch.setdefault((cell.batch, cell.kind), []).append((cell.cell_id, value))
        for members in by_batch.values():
            ordered = sorted(value for _, value in members)
            median = ordered[len(ordered) // 2]
            notes += [
                f"{cell_id}: {what} {value:g} is over 3x off the median {median:g} of its batch; is the unit right?"
                for cell_id, value in members
                if len(members) >= 3 and not median / 3 <= value <= median * 3
            ]
    return notes


def _header(row: Sequence[str], path: Path) -> list[str]:
    names: list[str] = []
    for index, text in enumerate(row, 1):
        name = text.strip().lstrip("\ufeff")
        if name and name not in COLUMNS and name not in _OTHER_UNITS:
            near = get_close_matches(name, [*COLUMNS, *_OTHER_UNITS], n=1)
            fix = f"Did you mean '{near[0]}'?" if near else f"Known columns: {', '.join(COLUMNS)}."
            raise UserFileError(f"unknown column '{name}'.", path=path, line=1, column=index, fix=fix)
        names.append(name)
    for needed in ("cell_id", "kind"):
        if needed not in names:
            raise UserFileError(f"has no column '{needed}'.", path=path, line=1, fix="Add it.")
    return names


def _known_column(name: str) -> tuple[str, float]:
    return _OTHER_UNITS.get(name, (name, 1.0))


def _scaled(text: str, factor: float) -> str:
    if factor == 1.0 or not text.strip():
        return text
    try:
        return repr(float(text) * factor)
    except ValueError:
        return text


def _cell(row: dict[str, str], number: int, findings: list[RowFinding]) -> Cell | None:
    values: dict[str, str] = {}
    for name, text in row.items():
        column, factor = _known_column(name)
        values[column] = _scaled(text.strip(), factor)
    before = len(findings)
    cell_id = values.get("cell_id", "")
    if not CELL_ID.match(cell_id):
        findings.append(
            RowFinding(
                number, "cell_id", f"'{cell_id}' is no id: letters, digits, - and _, at most 64 characters."
            )
        )
    kinds = [kind.value for kind in CellKind]
    kind = values.get("kind", "")
    if kind not in kinds:
        near = get_close_matches(kind, kinds, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"Use one of {', '.join(kinds)}."
        findings.append(RowFinding(number, "kind", f"'{kind}' is unknown. {hint}"))
    numbers: dict[str, float | None] = {}
    for column in _NUMBERS:
        numbers[column] = _number(values.get(column, ""), column, number, findings)
    if len(findings) > before:
        return None
    texts = {name: values.get(name, "") for name in _TEXT}
    texts["name"] = texts["name"] or cell_id
    return Cell(cell_id=CellId(cell_id), kind=CellKind(kind), **texts, **numbers)  # type: ignore[arg-type]  # by name


def _number(text: str, column: str, row: int, findings: list[RowFinding]) -> float | None:
    if not text or text.lower() in ("n/a", "not reported", "-"):
        return None
    try:
        value = float(text)
    except ValueError:
        findings.append(
            RowFinding(row, column, f"'{text}' is no number. Write it with a point and without a unit.")
        )
        return None
    if not math.isfinite(value) or (column in _POSITIVE and value <= 0):
        findings.append(RowFinding(row, column, f"{text} cannot be; a number above 0 is needed."))
        return None
    return value


def _csv_rows(data: bytes, path: Path) -> Iterator[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserFileError("is not UTF-8 text.", path=path, fix="Save it as 'CSV UTF-8'.") from error
    if "\0" in text:
        raise UserFileError(
            "holds binary data, not a table.", path=path, fix="Save it as 'CSV UTF-8' or XLSX."
        )
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter)):
        if number > ROWS_MAX:
            raise UserFileError(f"has more than {ROWS_MAX} rows.", path=path, fix="Split it.")
        yield row


def _xlsx_rows(data: bytes, path: Path) -> Iterator[list[str]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked_bytes = sum(item.file_size for item in archive.infolist())
        if unpacked_bytes > UNZIP_RATIO_MAX * len(data):
            raise UserFileError("unpacks to more than 100 times its size.", path=path, fix="Save it anew.")
        # Formula texts are read as they stand (they start with '='), never computed.
        workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=False)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UserFileError(
            "is not a readable XLSX file.", path=path, fix="Save it as XLSX or CSV UTF-8."
        ) from error
    sheet = workbook.worksheets[0]
    for number, row in enumerate(sheet.iter_rows(values_only=True)):
        if number > ROWS_MAX:
            raise UserFileError(f"has more than {ROWS_MAX} rows.", path=path, fix="Split it.")
        yield ["" if value is None else str(value) for value in row]
    workbook.close()
