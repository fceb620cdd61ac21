"""Read cells, electrodes or batches from a table that a person made: one a row, units in the header.

Every refused value is reported with file, row, column and the fix, and the other rows are still read, so
that a table with one slip is mended once and not found out line by line. Headers may be written as the lab
writes them: ``active_mass_mg``, ``Active mass / mg``, ``mass [g]``; values are converted to our units.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from labctl.config.tablefile import TABLE_MAX_BYTES, table_rows
from labctl.errors import UserFileError
from labctl.model.cell import Batch, Cell, CellKind, Electrode, EntryKind

CELL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")

TEXT_MAX = 4096
"""Characters of one text of an entry (I14)."""

_UNITS: dict[str, dict[str, float]] = {
    "mm": {"cm": 10.0, "um": 1e-3, "m": 1e3, "in": 25.4},
    "cm2": {"mm2": 0.01, "m2": 1e4, "dm2": 100.0},
    "um": {"mm": 1e3, "nm": 1e-3, "cm": 1e4},
    "nm": {"um": 1e3, "mm": 1e6, "A": 0.1},
    "mg": {"g": 1e3, "ug": 1e-3, "kg": 1e6},
    "mAh": {"Ah": 1e3, "uAh": 1e-3},
    "mA_per_g": {"A_per_g": 1e3, "uA_per_mg": 1.0, "mA_per_mg": 1e3},
    "V": {"mV": 1e-3},
    "A": {"mA": 1e-3, "uA": 1e-6},
}
"""Other units that people put into headers: our unit -> (theirs -> factor)."""
_UNIT_WORDS = {
    "µm": "um", "μm": "um", "µg": "ug", "μg": "ug", "µa": "uA", "cm²": "cm2", "mm²": "mm2", "cm^2": "cm2",
    "mm^2": "mm2", "°c": "degC", "ma/g": "mA_per_g", "a/g": "A_per_g", "mah": "mAh", "ah": "Ah", "µah": "uAh",
    "ua": "uA", "ma": "mA", "v": "V", "mv": "mV", "a": "A", "uah": "uAh", "degc": "degC",
}  # fmt: skip
_SYNONYMS: dict[str, str] = {
    "cell": "cell_id", "id": "cell_id", "cell_no": "cell_id", "electrode": "electrode", "type": "kind",
    "mass": "active_mass", "am_mass": "active_mass", "area": "area", "capacity": "nominal_capacity",
    "nominal_cap": "nominal_capacity", "one_c": "one_c", "1c": "one_c", "ocv": "ocv", "note": "notes",
    "comment": "notes", "remark": "notes", "film": "film", "film_thickness": "film", "group": "batch",
    "diameter": "diameter", "thickness": "thickness", "foil_mass": "collector_mass", "fraction": "active_fraction",
}  # fmt: skip
_SIGNED = frozenset({"ocv_V", "voltage_min_V", "voltage_max_V", "temperature_max_degC", "film_nm"})


@dataclass(frozen=True, slots=True)
class Shape:
    """What a table of one noun may hold."""

    kind: EntryKind
    id_column: str
    texts: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return all our column names, the id first."""
        middle = ("kind",) if self.kind is EntryKind.CELL else ()
        return (self.id_column, *middle, *self.texts[:1], *self.numbers, *self.texts[1:])


def _shape(kind: EntryKind, made: type, id_column: str, texts: tuple[str, ...]) -> Shape:
    numbers = (field.name for field in fields(made) if field.name not in (id_column, "kind", *texts))
    return Shape(kind, id_column, texts, tuple(numbers))


_SHAPES: dict[EntryKind, Shape] = {
    EntryKind.CELL: _shape(
        EntryKind.CELL, Cell, "cell_id",
        ("name", "electrolyte", "coating", "batch", "notes", "electrode", "counter_electrode"),
    ),
    EntryKind.ELECTRODE: _shape(
        EntryKind.ELECTRODE, Electrode, "electrode_id",
        ("material", "coating", "batch", "parent", "made_utc", "notes"),
    ),
    EntryKind.BATCH: _shape(
        EntryKind.BATCH, Batch, "batch_id",
        ("name", "electrolyte", "coating", "parent", "made_utc", "made_by", "notes"),
    ),
}  # fmt: skip
COLUMNS = _SHAPES[EntryKind.CELL].columns


@dataclass(frozen=True, slots=True)
class RowFinding:
    """One refused value of a table; ``row`` counts from 1 with the header as row 1."""

    row: int
    column: str
    problem: str

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column}: {self.problem}"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: the values that it gives, by our column names, in our units; empty fields give nothing."""

    number: int
    values: Mapping[str, str | float]

    @property
    def entry_id(self) -> str:
        """Return the id as written."""
        return next((str(value) for name, value in self.values.items() if name.endswith("_id")), "")


@dataclass(frozen=True, slots=True)
class EntryTable:
    """What a table gives: rows without refused values, and a finding for each value that was refused."""

    rows: tuple[TableRow, ...]
    findings: tuple[RowFinding, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CellTable:
    """What a table of cells held: usable cells, and a finding for each value that was refused."""

    cells: tuple[Cell, ...]
    findings: tuple[RowFinding, ...]


def read_entries(data: bytes, name: str, kind: EntryKind = EntryKind.CELL) -> EntryTable:
    """Read a table of one noun. Raises: UserFileError where the table as a whole cannot be used."""
    shape = _SHAPES[kind]
    rows = table_rows(data, name)
    if not rows:
        raise UserFileError(
            "is empty.", path=name, fix=f"Its first row must name columns: {', '.join(shape.columns[:4])} ..."
        )
    header = _header(rows[0], name, shape)
    found: list[TableRow] = []
    findings: list[RowFinding] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(value.strip() for value in row):
            continue
        made = _row(dict(zip(header, row, strict=False)), number, shape, findings)
        if made is None:
            continue
        if made.entry_id in seen:
            text = f"'{made.entry_id}' stands in row {seen[made.entry_id]} too."
            findings.append(RowFinding(number, shape.id_column, text))
            continue
        seen[made.entry_id] = number
        found.append(made)
    return EntryTable(tuple(found), tuple(findings), tuple(column for column, _ in header if column))


def read_cell_table(path: Path) -> CellTable:
    """Read a CSV or XLSX file of cells. Raises UserFileError where the file as a whole cannot be used."""
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise UserFileError(f"cannot be read ({error.strerror}).", path=path) from error
    if size_bytes > TABLE_MAX_BYTES:
        raise UserFileError(f"is larger than {TABLE_MAX_BYTES // 1_000_000} MB.", path=path, fix="Split it.")
    table = read_entries(path.read_bytes(), str(path))
    if "kind" not in table.columns:
        raise UserFileError("has no column 'kind'.", path=path, line=1, fix="Add it.")
    findings = list(table.findings)
    cells = []
    for row in table.rows:
        if "kind" in row.values:
            cells.append(cell_of(row.values))
        else:
            findings.append(RowFinding(row.number, "kind", _kind_problem("")))
    return CellTable(tuple(cells), tuple(sorted(findings, key=lambda finding: finding.row)))


def cell_of(values: Mapping[str, Any]) -> Cell:
    """Return the cell with these values; ``kind`` must be among them, the name defaults to the id."""
    made: dict[str, Any] = {"name": values["cell_id"], **values}
    return Cell(**{**made, "kind": CellKind(values["kind"])})


def cell_from_text(values: dict[str, str]) -> Cell:
    """Build one cell from texts by column name. Raises UserFileError naming the first refused field."""
    shape = _SHAPES[EntryKind.CELL]
    findings: list[RowFinding] = []
    header = {(_column(name, shape) or (name, 1.0)): text for name, text in values.items()}
    made = _row(header, 0, shape, findings)
    if made is not None and "kind" not in made.values:
        findings.append(RowFinding(0, "kind", _kind_problem("")))
    if made is None or findings:
        first = findings[0]
        raise UserFileError(f"{first.column}: {first.problem}", path="cell")
    return cell_of(made.values)


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


Column = tuple[str, float]
"""Our column name and the factor from the header's unit to ours."""


def _header(row: Sequence[str], name: str, shape: Shape) -> list[Column]:
    found: list[Column] = []
    for index, text in enumerate(row, 1):
        written = text.strip().lstrip("\ufeff")
        column = _column(written, shape) if written else ("", 1.0)
        if column is None:
            near = get_close_matches(written, shape.columns, n=1)
            fix = f"Did you mean '{near[0]}'?" if near else f"Known columns: {', '.join(shape.columns)}."
            raise UserFileError(f"unknown column '{written}'.", path=name, line=1, column=index, fix=fix)
        if column[0] and column[0] in [known for known, _ in found]:
            raise UserFileError(
                f"two columns give '{column[0]}'.", path=name, line=1, column=index, fix="Keep one."
            )
        found.append(column)
    if shape.id_column not in [column for column, _ in found]:
        raise UserFileError(f"has no column '{shape.id_column}'.", path=name, line=1, fix="Add it.")
    return found


def _column(written: str, shape: Shape) -> Column | None:
    """Return what a header means, None where that cannot be told for sure."""
    if written in shape.columns:
        return written, 1.0
    plain = re.sub(r"\b([mu\u00b5]?A)/g\b", r"\1_per_g", written)
    words = [word for word in re.split(r"[\s/\[\](),:]+", plain) if word]
    if not words:
        return None
    joined = "_".join(words)
    per = joined.removesuffix("_per_g")
    stem, _, last = per.rpartition("_")
    last += joined[len(per) :]
    unit = _UNIT_WORDS.get(last.lower(), last)
    for stem_text, unit_text in ((joined.lower(), ""), (stem.lower(), unit)):
        known = _SYNONYMS.get(stem_text, stem_text)
        known = shape.id_column if known == "cell_id" and shape.kind is not EntryKind.CELL else known
        if known in shape.columns and not unit_text:
            return known, 1.0
        for column in shape.numbers if unit_text else ():
            ours = column.removeprefix(f"{known}_")
            if ours != column and unit_text in {ours: 1.0, **_UNITS.get(ours, {})}:
                return column, {ours: 1.0, **_UNITS.get(ours, {})}[unit_text]
    return None


def _row(
    given: Mapping[Column, str], number: int, shape: Shape, findings: list[RowFinding]
) -> TableRow | None:
    """Return a row's values; every refused one is a finding and costs the row."""
    before = len(findings)
    values: dict[str, str | float] = {}
    texts = {column: (text.strip(), factor) for (column, factor), text in given.items() if column}
    entry_id = texts.pop(shape.id_column, ("", 1.0))[0]
    if not CELL_ID.match(entry_id):
        problem = f"'{entry_id}' is no id: letters, digits, - and _, at most 64 characters."
        findings.append(RowFinding(number, shape.id_column, problem))
    values[shape.id_column] = entry_id
    for column, (text, factor) in texts.items():
        if column in shape.numbers:
            value = _number(text, column, factor, number, findings)
            if value is not None:
                values[column] = value
        elif column == "kind":
            if text not in [kind.value for kind in CellKind]:
                findings.append(RowFinding(number, "kind", _kind_problem(text)))
            values[column] = text
        elif text:
            values[column] = text
    return TableRow(number, values) if len(findings) == before else None


def _kind_problem(text: str) -> str:
    kinds = [kind.value for kind in CellKind]
    near = get_close_matches(text, kinds, n=1)
    return f"'{text}' is unknown. " + (
        f"Did you mean '{near[0]}'?" if near else f"Use one of {', '.join(kinds)}."
    )


def _number(text: str, column: str, factor: float, row: int, findings: list[RowFinding]) -> float | None:
    if not text or text.lower() in ("n/a", "not reported", "-"):
        return None
    try:
        value = float(text) * factor if factor != 1.0 else float(text)
    except ValueError:
        findings.append(
            RowFinding(row, column, f"'{text}' is no number. Write it with a point and without a unit.")
        )
        return None
    if not math.isfinite(value) or (column not in _SIGNED and value <= 0):
        findings.append(RowFinding(row, column, f"{text} cannot be; a number above 0 is needed."))
        return None
    return value


def problems_of(entry: Cell | Electrode | Batch) -> list[str]:
    """Name what cannot be in an entry that did not come from a table (X04, F38): id, sizes, numbers."""
    problems = []
    for field in fields(entry):
        value = getattr(entry, field.name)
        if isinstance(value, str) and len(value) > TEXT_MAX:
            problems.append(f"{field.name} has more than {TEXT_MAX} characters.")
        elif field.name.endswith("_id") and not CELL_ID.match(str(value)):
            problems.append(f"'{value}' is no id: letters, digits, - and _, at most 64 characters.")
        elif isinstance(value, int | float) and not math.isfinite(value):
            problems.append(f"{field.name} must be a number.")
        elif isinstance(value, int | float) and field.name not in _SIGNED and value <= 0:
            problems.append(f"{field.name} {value:g} cannot be; a number above 0 is needed.")
    return problems
