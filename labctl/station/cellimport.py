"""Decide what a table of cells, electrodes or batches does to the registry, and what must be asked first (F30, F31).

A value is asked about when it lies more than three times off the median of its batch, or, in batches of eight and
more, more than three sigma (and more than a tenth) off it. A slip of the point or of the unit, a power of ten that
would fit, is suggested. Nothing here stores anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from statistics import median
from typing import Any

from labctl.config.celltable import EntryTable, TableRow, cell_of
from labctl.errors import ConflictError, UserInputError
from labctl.model.cell import (
    Batch,
    Cell,
    Electrode,
    EntryKind,
    ImportAction,
    ImportQuestion,
    ImportRow,
    Revision,
)  # fmt: skip
from labctl.station.electrodes import Act, E, Shelf

RATIO_MAX = 3.0
SIGMA_MAX = 3.0
SIGMA_MEMBERS_MIN = 8
"""Fewer values do not say what is usual."""
SIGMA_RATIO_MIN = 1.1
"""Nothing within a tenth of the median is asked about, however alike the others are."""
MEMBERS_MIN = 3
SLIPS = (1e3, 1e6, 10.0, 100.0)
"""mg for g, µg for g, cm for mm and the slipped point, mm2 for cm2."""
KEEP = "keep"
_ASKED: dict[EntryKind, tuple[str, ...]] = {
    EntryKind.CELL: (
        "area_cm2", "diameter_mm", "active_mass_mg", "one_c_mA_per_g", "nominal_capacity_mAh", "film_nm",
    ),
    EntryKind.ELECTRODE: (
        "area_cm2", "diameter_mm", "thickness_um", "mass_mg", "collector_mass_mg", "active_mass_mg", "one_c_mA_per_g",
        "film_nm",
    ),
    EntryKind.BATCH: ("film_nm",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would store, and the report of every row."""

    revisions: tuple[Revision, ...]
    ids: tuple[str, ...]
    rows: tuple[ImportRow, ...]


@dataclass(frozen=True, slots=True)
class _Wish:
    """A row with the entry that it makes, or why it makes none."""

    row: TableRow
    entry: Any = None
    problem: str = ""


def planned(
    shelf: Shelf[E],
    table: EntryTable,
    answers: Mapping[str, str],
    act: Act,
    check: Callable[[E], None],
) -> Plan:
    """Return what the table does. ``check`` raises UserInputError for an entry that refers to something unknown."""
    wishes = [_wish(shelf, _answered(row, answers)) for row in table.rows]
    made: list[Any] = [wish.entry for wish in wishes if wish.entry is not None]
    usual = _Usual(shelf.kind, [*_unchanged(shelf, made), *made])
    revisions: list[Revision] = []
    ids: list[str] = []
    rows = [
        ImportRow(finding.row, "", ImportAction.REFUSED, (f"{finding.column}: {finding.problem}",))
        for finding in table.findings
    ]
    for wish in wishes:
        if wish.entry is None:
            rows.append(ImportRow(wish.row.number, wish.row.entry_id, ImportAction.REFUSED, (wish.problem,)))
            continue
        before = shelf.find(shelf.id_of(wish.entry))
        questions = tuple(
            question
            for question in usual.questions(wish.entry, wish.row)
            if answers.get(question.key) != KEEP and not _same(before, wish.entry, question.column)
        )
        row, revision = _outcome(shelf, wish, questions, act, check)
        rows.append(row)
        if revision is not None:
            revisions.append(revision)
            ids.append(wish.row.entry_id)
    return Plan(tuple(revisions), tuple(ids), tuple(sorted(rows, key=lambda row: row.row)))


def _outcome(
    shelf: Shelf[E], wish: _Wish, questions: tuple[ImportQuestion, ...], act: Act, check: Callable[[E], None]
) -> tuple[ImportRow, Revision | None]:
    number, entry_id = wish.row.number, wish.row.entry_id
    try:
        check(wish.entry)
        if shelf.find(entry_id) is None:
            revision: Revision | None = shelf.addition(wish.entry, act)
            action = ImportAction.NEW
        else:
            revision = shelf.correction(wish.entry, act, None)
            action = ImportAction.SAME if revision is None else ImportAction.CHANGED
    except (UserInputError, ConflictError) as error:
        return ImportRow(number, entry_id, ImportAction.REFUSED, (str(error),)), None
    changed = () if revision is None else revision.changed
    if questions and revision is not None:
        return ImportRow(number, entry_id, ImportAction.QUESTION, (), changed, questions), None
    return ImportRow(number, entry_id, action, (), changed), revision


def _answered(row: TableRow, answers: Mapping[str, str]) -> TableRow:
    """Return the row with the numbers that a person gave in answer to questions."""
    values = dict(row.values)
    for column in values:
        answer = answers.get(_key(row.entry_id, column), KEEP)
        if answer != KEEP and isinstance(values[column], float):
            try:
                values[column] = float(answer)
            except ValueError:
                raise UserInputError(
                    f"The answer to {_key(row.entry_id, column)} must be '{KEEP}' or a number, not {answer!r}."
                ) from None
    return replace(row, values=values)


def _wish(shelf: Shelf[E], row: TableRow) -> _Wish:
    """Return the entry that a row makes: a new one, or the known one with what the row gives."""
    known = shelf.find(row.entry_id)
    values: dict[str, Any] = dict(row.values)
    if known is not None:
        if "kind" in values:
            values["kind"] = type(known.kind)(values["kind"]) if isinstance(known, Cell) else values["kind"]
        return _Wish(row, replace(known, **values))
    if shelf.kind is EntryKind.ELECTRODE:
        return _Wish(row, Electrode(**values))
    if shelf.kind is EntryKind.BATCH:
        return _Wish(row, Batch(**values))
    if "kind" not in values:
        return _Wish(row, problem="a new cell needs its kind; add the column 'kind'.")
    return _Wish(row, cell_of(values))


def _unchanged(shelf: Shelf[E], made: Sequence[Any]) -> list[Any]:
    ids = {shelf.id_of(entry) for entry in made}
    return [entry for entry in shelf.all() if shelf.id_of(entry) not in ids]


def _same(before: Any, after: Any, column: str) -> bool:
    """Tell whether a value was accepted in an earlier revision: it is not asked about again."""
    return before is not None and getattr(before, column) == getattr(after, column)


def _key(entry_id: str, column: str) -> str:
    return f"{entry_id}.{column}"


class _Usual:
    """What is usual in each batch."""

    def __init__(self, kind: EntryKind, entries: Sequence[Any]) -> None:
        self._kind = kind
        self._values: dict[tuple[Any, ...], list[float]] = {}
        for entry in entries:
            for column in _ASKED[kind]:
                value = getattr(entry, column)
                if value is not None:
                    self._values.setdefault((*self._group(entry), column), []).append(float(value))

    def _group(self, entry: Any) -> tuple[Any, ...]:
        names = {field.name for field in fields(entry)}
        return tuple(getattr(entry, name) for name in ("batch", "kind", "material") if name in names)

    def questions(self, entry: Any, row: TableRow) -> list[ImportQuestion]:
        """Return a question for each value that the row gives and that lies far off."""
        found = []
        for column in _ASKED[self._kind]:
            value = row.values.get(column)
            members = self._values.get((*self._group(entry), column), [])
            if not isinstance(value, float) or len(members) < MEMBERS_MIN:
                continue
            middle = median(members)
            if middle > 0 and value > 0 and _far(value, middle, members):
                found.append(_question(row.entry_id, column, value, middle, len(members)))
        return found


def _far(value: float, middle: float, members: Sequence[float]) -> bool:
    ratio = max(value / middle, middle / value)
    if ratio > RATIO_MAX:
        return True
    if len(members) < SIGMA_MEMBERS_MIN or ratio < SIGMA_RATIO_MIN:
        return False
    sigma = 1.4826 * median(abs(member - middle) for member in members)
    return abs(value - middle) > SIGMA_MAX * sigma


def _question(entry_id: str, column: str, value: float, middle: float, members: int) -> ImportQuestion:
    ratio = max(value / middle, middle / value)
    text = f"{column} {value:g} is {ratio:.3g}x off the median {middle:g} of its batch ({members} values)."
    suggestion = ""
    for slip in SLIPS:
        fitting = value / slip if value > middle else value * slip
        if ratio > RATIO_MAX and abs(math.log(fitting / middle)) < math.log(1.5):
            suggestion = f"{fitting:.9g}"
            text += f" {suggestion} would fit: is it the unit or the point?"
            break
    return ImportQuestion(_key(entry_id, column), column, value, text, suggestion)
