"""What differs between two texts of a protocol, as a person says it: rows added, removed, changed; head; variables."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labctl.gui.viewmodels.protocol import header
from labctl.gui.viewmodels.protocol.rows import Column, Kind, Row, RowReader, raw, variables_of
from labctl.gui.viewmodels.protocol.yamltree import Table, TextProblem, read_tree
from labctl.gui.viewmodels.words import tr


class Sign(StrEnum):
    """What became of a row."""

    ADDED = "+"
    CHANGED = "~"
    REMOVED = "−"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the diff. ``row`` is its number in the new table, in the old one where it was removed."""

    sign: Sign
    where: str
    what: str
    before: str = ""
    after: str = ""
    row: int = 0


_COLUMNS = (Column.LABEL, Column.STEP, Column.SET, Column.UNTIL, Column.RECORD, Column.LIMITS)


def changes(old: str, new: str) -> tuple[Change, ...]:
    """Return what is different in ``new``; empty where a text cannot be read or only comments differ."""
    try:
        before, after = read_tree(old), read_tree(new)
    except TextProblem:
        return ()
    rows_before = [row for row in RowReader(before).read() if row.kind is not Kind.END]
    rows_after = [row for row in RowReader(after).read() if row.kind is not Kind.END]
    return (*_head(before, after), *_variables(before, after), *_rows(rows_before, rows_after))


def _head(before: Table, after: Table) -> Iterator[Change]:
    for name in header.FIELDS:
        old, new = header.head_text(before, name), header.head_text(after, name)
        if old != new:
            sign = Sign.ADDED if not old else Sign.REMOVED if not new else Sign.CHANGED
            yield Change(
                sign, tr("protocolrevisions", "head"), tr("protocolheader", header.TITLES[name]), old, new
            )


def _variables(before: Table, after: Table) -> Iterator[Change]:
    old, new = variables_of(before), variables_of(after)
    where = tr("protocolrevisions", "variable")
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            yield Change(Sign.REMOVED, where, name, raw(old[name][0]))
        elif name not in old:
            yield Change(Sign.ADDED, where, name, "", raw(new[name][0]))
        elif old[name][0] != new[name][0]:
            yield Change(Sign.CHANGED, where, name, raw(old[name][0]), raw(new[name][0]))


def _signature(row: Row) -> tuple[str, ...]:
    return (row.kind.value, str(row.level), *(_text(row, column) for column in _COLUMNS))


def _text(row: Row, column: Column) -> str:
    cell = row.cell(column)
    return cell.typed if cell.own else ""


def _rows(before: Sequence[Row], after: Sequence[Row]) -> Iterator[Change]:
    matcher = difflib.SequenceMatcher(
        a=[_signature(row) for row in before], b=[_signature(row) for row in after], autojunk=False
    )
    for word, a0, a1, b0, b1 in matcher.get_opcodes():
        if word == "equal":
            continue
        old, new = list(before[a0:a1]), list(after[b0:b1])
        for one, other in _pairs(old, new):
            yield from _pair(one, other)


def _pairs(old: list[Row], new: list[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Yield rows that became each other: of one family in their order; what is left was added or removed."""
    matcher = difflib.SequenceMatcher(
        a=[_family(row) for row in old], b=[_family(row) for row in new], autojunk=False
    )
    for _, a0, a1, b0, b1 in matcher.get_opcodes():
        for at in range(max(a1 - a0, b1 - b0)):
            yield (old[a0 + at] if a0 + at < a1 else None, new[b0 + at] if b0 + at < b1 else None)


def _family(row: Row) -> str:
    return row.kind.value.removeprefix("CC").replace("CV-", "-")


def _pair(old: Row | None, new: Row | None) -> Iterator[Change]:
    row = new or old
    assert row is not None
    where = tr("protocolrevisions", "row {n}").format(n=row.number)
    if old is None or new is None:
        if row.kind not in (Kind.REPEAT_END, Kind.IF_END, Kind.PARALLEL_END):
            sign = Sign.ADDED if old is None else Sign.REMOVED
            yield Change(sign, where, _said(row), row=row.number)
        return
    if old.kind is not new.kind:
        yield Change(Sign.CHANGED, where, tr("protocolrevisions", "step"), _said(old), _said(new), new.number)
        return
    for column in _COLUMNS:
        one, other = _text(old, column), _text(new, column)
        if one != other:
            none = tr("protocolrevisions", "none")
            yield Change(Sign.CHANGED, where, column_word(column), one or none, other or none, new.number)


def column_word(column: Column) -> str:
    """Return a column's name in the window's language."""
    words = {
        Column.LABEL: tr("protocolrevisions", "label"), Column.STEP: tr("protocolrevisions", "step"),
        Column.SET: tr("protocolrevisions", "set"), Column.UNTIL: tr("protocolrevisions", "until"),
        Column.RECORD: tr("protocolrevisions", "record"), Column.LIMITS: tr("protocolrevisions", "limits"),
        Column.ABSOLUTE: tr("protocolrevisions", "= absolute"), Column.NEXT: tr("protocolrevisions", "next"),
        Column.NUMBER: "#",
    }  # fmt: skip
    return words[column]


def _said(row: Row) -> str:
    parts = (
        row.cell(Column.STEP).shown or row.kind.value,
        row.cell(Column.SET).shown,
        row.cell(Column.UNTIL).shown,
    )
    return " ".join(part for part in parts if part)
