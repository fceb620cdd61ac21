"""Columns of the cells table: what a pasted block's columns mean, and what is in each cell of it (U02)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from labctl.gui.viewmodels.parsing import Question, canonical_unit, parse_quantity, plain
from labctl.gui.viewmodels.words import mark, tr
from labctl.model.cell import CellKind

CELL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
TEXT_MAX = 4096
ROWS_MAX = 2_000
"""Rows of one paste; a larger table is imported as a file."""


class Col(StrEnum):
    """The columns, in the order of the table."""

    SLOT = "slot"
    CELL = "cell_id"
    KIND = "kind"
    GROUP = "coating"
    MASS = "active_mass_mg"
    AREA = "area_cm2"
    ONE_C = "one_c_mA_per_g"
    OCV_MEAS = "ocv_measured"
    OCV = "ocv_V"
    BATCH = "batch"
    PROTOCOL = "protocol"
    CURRENT = "set_current"
    NOTE = "notes"
    PROBLEM = "problem"


READ_ONLY = frozenset({Col.OCV_MEAS, Col.CURRENT, Col.PROBLEM})
NUMBERS: Mapping[Col, tuple[str, int]] = {
    Col.MASS: ("mg", 3), Col.AREA: ("cm2", 3), Col.ONE_C: ("mA/g", 1), Col.OCV: ("V", 3),
}  # fmt: skip
"""Unit and shown decimals of each column of numbers."""
TITLES: Mapping[Col, str] = {
    Col.SLOT: mark("cells", "slot"), Col.CELL: mark("cells", "cell id"), Col.KIND: mark("cells", "type"),
    Col.GROUP: mark("cells", "group"), Col.MASS: mark("cells", "mass mg"), Col.AREA: mark("cells", "area cm²"),
    Col.ONE_C: mark("cells", "1 C mA/g"), Col.OCV_MEAS: mark("cells", "OCV meas V"),
    Col.OCV: mark("cells", "OCV reg V"),
    Col.BATCH: mark("cells", "batch"), Col.PROTOCOL: mark("cells", "protocol"),
    Col.CURRENT: mark("cells", "= set current"),
    Col.NOTE: mark("cells", "note"), Col.PROBLEM: mark("cells", "problem"),
}  # fmt: skip
ONE_C_DEFAULTS: Mapping[CellKind, float] = {CellKind.LFP_LI: 170.0, CellKind.LTO_LI: 175.0}
"""Specific current of 1 C where none is given. Source: the reference study (paper-protocols.md)."""

_KINDS: Mapping[str, CellKind] = {
    "symmetric": CellKind.SYMMETRIC, "sym": CellKind.SYMMETRIC, "li|li": CellKind.SYMMETRIC,
    "li||li": CellKind.SYMMETRIC,
    "lili": CellKind.SYMMETRIC, "对称": CellKind.SYMMETRIC, "对称电池": CellKind.SYMMETRIC,
    "lfp": CellKind.LFP_LI, "lfp_li": CellKind.LFP_LI, "lfp|li": CellKind.LFP_LI, "lfp||li": CellKind.LFP_LI,
    "lto": CellKind.LTO_LI, "lto_li": CellKind.LTO_LI, "lto|li": CellKind.LTO_LI, "lto||li": CellKind.LTO_LI,
    "other": CellKind.OTHER, "full": CellKind.OTHER, "其他": CellKind.OTHER,
}  # fmt: skip
KIND_WORDS: Mapping[CellKind, str] = {
    CellKind.SYMMETRIC: "sym", CellKind.LFP_LI: "LFP", CellKind.LTO_LI: "LTO", CellKind.OTHER: mark("cells", "other"),
}  # fmt: skip
_HEADERS: Mapping[str, Col] = {
    "slot": Col.SLOT, "channel": Col.SLOT, "ch": Col.SLOT, "position": Col.SLOT, "place": Col.SLOT, "通道": Col.SLOT,
    "槽位": Col.SLOT,
    "cell": Col.CELL, "cell id": Col.CELL, "cell_id": Col.CELL, "id": Col.CELL, "cell no": Col.CELL, "电池": Col.CELL,
    "电池编号": Col.CELL, "编号": Col.CELL,
    "type": Col.KIND, "kind": Col.KIND, "类型": Col.KIND,
    "group": Col.GROUP, "coating": Col.GROUP, "组": Col.GROUP, "分组": Col.GROUP, "涂层": Col.GROUP,
    "mass": Col.MASS, "active mass": Col.MASS, "am mass": Col.MASS, "weight": Col.MASS, "active_mass": Col.MASS,
    "质量": Col.MASS, "活性物质质量": Col.MASS,
    "area": Col.AREA, "面积": Col.AREA,
    "1c": Col.ONE_C, "1 c": Col.ONE_C, "one c": Col.ONE_C, "one_c": Col.ONE_C,
    "ocv": Col.OCV, "ocv reg": Col.OCV, "开路电压": Col.OCV,
    "batch": Col.BATCH, "批次": Col.BATCH, "protocol": Col.PROTOCOL, "方案": Col.PROTOCOL,
    "note": Col.NOTE, "notes": Col.NOTE, "comment": Col.NOTE, "remark": Col.NOTE, "备注": Col.NOTE,
}  # fmt: skip
_USUAL = (Col.CELL, Col.SLOT, Col.MASS, Col.AREA, Col.BATCH, Col.NOTE)
"""Order without a header, where the content does not say: as in user story U02."""
_SLOT = re.compile(r"(?:[A-Za-z][\w.]*:)?\d+(?:-\d+){1,2}\Z")
_NUMBER = re.compile(r"[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?\s*[a-zA-Zµ%]*\Z")


@dataclass(frozen=True, slots=True)
class Header:
    """What a column of a block means: None = left out; ``unit`` is what its numbers are in."""

    column: Col | None
    unit: str
    written: str


@dataclass(frozen=True, slots=True)
class Value:
    """One cell as typed and as understood. ``value`` is a text or a number in the column's unit; None = empty.

    ``unit`` is that of the header under which a number was pasted that is not understood.
    """

    text: str = ""
    value: str | float | None = None
    problem: str = ""
    question: Question | None = None
    unit: str = ""


def block_of(text: str) -> list[list[str]]:
    """Return the rows of pasted text: tabs as spreadsheets give them, else semicolons or commas."""
    cleaned = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").lstrip("\ufeff")
    if not cleaned.strip():
        return []
    delimiter = "\t" if "\t" in cleaned else ";" if ";" in cleaned else ","
    if delimiter not in cleaned:
        return [[line.strip()] for line in cleaned.split("\n")][:ROWS_MAX]
    try:
        rows = [
            [field.strip() for field in row] for row in csv.reader(io.StringIO(cleaned), delimiter=delimiter)
        ]
    except csv.Error:
        rows = [[field.strip() for field in line.split(delimiter)] for line in cleaned.split("\n")]
    return [row for row in rows if any(row)][:ROWS_MAX]


def header_of(row: Sequence[str]) -> list[Header] | None:
    """Return what the columns mean where the row is a header, None where it is data.

    A header has at least two known names, or one and no number.
    """
    found = [_header(text) for text in row]
    known = sum(1 for header in found if header.column is not None)
    numbers = any(_NUMBER.match(plain(text)) for text in row if text)
    return found if known >= 2 or (known == 1 and not numbers) else None


def _header(text: str) -> Header:
    written = plain(text)
    match = re.fullmatch(
        r"(.*?)(?:\s*[/(\[]\s*([^\])]+?)\s*[\])]?|_(mg|g|ug|cm2|mm2|V|mV)|\s(mg|g|µg|cm2|mm2|V|mV))?", written
    )
    name, unit = written, ""
    if match is not None and written.lower().replace("_", " ") not in _HEADERS:
        name, unit = match[1], match[2] or match[3] or match[4] or ""
    key = name.strip().lower().replace("_", " ")
    column = _HEADERS.get(key) or _HEADERS.get(name.strip().lower())
    if column is None and len(key) >= 4:
        near = get_close_matches(key, list(_HEADERS), n=1, cutoff=0.85)
        column = _HEADERS[near[0]] if near else None
    ours = NUMBERS.get(column, ("", 0))[0] if column else ""
    return Header(column, unit or ours, written)


def guessed(rows: Sequence[Sequence[str]]) -> list[Header]:
    """Return what the columns of a block without a header mean, by their content, then in the usual order."""
    width = max((len(row) for row in rows), default=0)
    found: list[Col | None] = [None] * width
    columns = [
        [plain(row[place]) for row in rows if place < len(row) and row[place]] for place in range(width)
    ]
    for place, texts in enumerate(columns):
        if texts and all(_SLOT.match(text) for text in texts) and Col.SLOT not in found:
            found[place] = Col.SLOT
        elif texts and all(text.lower() in _KINDS for text in texts) and Col.KIND not in found:
            found[place] = Col.KIND
    numbers = [
        place
        for place, texts in enumerate(columns)
        if not found[place] and texts and all(map(_NUMBER.match, texts))
    ]
    for place, column in zip(numbers, (Col.MASS, Col.AREA, Col.OCV), strict=False):
        found[place] = column
    left = [
        column
        for column in _USUAL
        if column not in found and column not in NUMBERS and column is not Col.SLOT
    ]
    for place in range(width):
        if found[place] is None and left and columns[place]:
            found[place] = left.pop(0)
    return [Header(column, NUMBERS.get(column, ("", 0))[0] if column else "", "") for column in found]


def read(column: Col, text: str, unit: str = "") -> Value:
    """Return what a text means in a column; a bad one keeps its text and says what is wrong."""
    written = plain(text)
    if column in NUMBERS:
        return _number(column, text, unit)
    if written in ("", "-"):
        return Value()
    if column is Col.KIND:
        kind = _KINDS.get(written.lower().replace(" ", ""))
        if kind is None:
            return Value(
                text,
                problem=tr("cells", "“{text}” is no type; use sym, LFP, LTO or other.").format(text=text),
            )
        return Value(text, kind.value)
    if column is Col.CELL and not CELL_ID.match(written):
        return Value(
            text, problem=tr("cells", "“{text}” is no id: letters, digits, - and _.").format(text=text)
        )
    if len(written) > TEXT_MAX:
        return Value(text[:80], problem=tr("cells", "The text is too long."))
    return Value(text, written if column in (Col.CELL, Col.SLOT) else text.strip())


def read_again(column: Col, value: Value) -> Value:
    """Return a value whose doubt is told in the window's present language: it was told in that of its time."""
    if not value.problem and value.question is None:
        return value
    found = read(column, value.text, value.unit)
    return found if found.problem or found.question is not None else value


def _number(column: Col, text: str, unit: str) -> Value:
    ours = NUMBERS[column][0]
    typed = (
        f"{text} {unit}"
        if unit and canonical_unit(unit) != ours and not re.search(r"[A-Za-zµ]", plain(text))
        else text
    )
    parsed = parse_quantity(typed, ours)
    if parsed.problem or parsed.question:
        return Value(text, problem=parsed.problem, question=parsed.question, unit=unit)
    if parsed.value is None:
        return Value()
    if column is not Col.OCV and parsed.value <= 0:
        return Value(
            text,
            problem=tr("cells", "{text} cannot be; a number above 0 is needed.").format(text=plain(text)),
        )
    return Value(text, parsed.value)


def shown(column: Col, value: Value) -> str:
    """Return a cell's text as the table shows it: numbers with fixed decimals, what was typed where it is bad."""
    if isinstance(value.value, float):
        from labctl.gui.viewmodels.text import number

        return number(value.value, NUMBERS[column][1])
    if value.value is None:
        return value.text
    if column is Col.KIND:
        word = KIND_WORDS[CellKind(value.value)]
        return word if word[:1].isupper() or word == "sym" else tr("cells", word)
    return value.value
