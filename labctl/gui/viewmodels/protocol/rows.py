"""The table of a protocol: one row per step, and rows where loops, branches and the protocol end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from labctl.gui.viewmodels.protocol.celltexts import (
    limits_text,
    record_text,
    sweep_text,
    until_text,
    vary_text,
)
from labctl.gui.viewmodels.protocol.steplines import Path
from labctl.gui.viewmodels.protocol.typed import VARIABLE, pretty
from labctl.gui.viewmodels.protocol.yamltree import Alias, Branch, Items, Leaf, Table, plain, real
from labctl.gui.viewmodels.words import tr


class Kind(StrEnum):
    """What a row is; the value is the word in the step column."""

    REST = "REST"
    CC_CHG = "CC-CHG"
    CC_DIS = "CC-DIS"
    CCCV_CHG = "CCCV-CHG"
    CCCV_DIS = "CCCV-DIS"
    CV_CHG = "CV-CHG"
    CV_DIS = "CV-DIS"
    REPEAT = "REPEAT"
    REPEAT_END = "until"
    IF = "IF"
    ELSE = "ELSE"
    IF_END = "END IF"
    EIS = "EIS"
    ASK = "ASK"
    HANDOVER = "HANDOVER"
    PARALLEL = "PARALLEL"
    BRANCH = "BRANCH"
    PARALLEL_END = "END PARALLEL"
    ODD = "?"
    END = "END"


STEPS = (
    Kind.REST, Kind.CC_CHG, Kind.CC_DIS, Kind.CCCV_CHG, Kind.CCCV_DIS, Kind.CV_CHG, Kind.CV_DIS, Kind.REPEAT, Kind.IF,
    Kind.EIS, Kind.ASK, Kind.HANDOVER,
)  # fmt: skip
"""What a step can be made in the table."""
DRIVEN = (Kind.CC_CHG, Kind.CC_DIS, Kind.CCCV_CHG, Kind.CCCV_DIS)
DEVICE = (*DRIVEN, Kind.CV_CHG, Kind.CV_DIS, Kind.REST)
HEADS = (Kind.REPEAT, Kind.IF, Kind.PARALLEL)
MARKS = (Kind.REPEAT_END, Kind.ELSE, Kind.IF_END, Kind.BRANCH, Kind.PARALLEL_END, Kind.END)
"""Rows that are no step of their own."""


class Column(StrEnum):
    """The columns of the table."""

    NUMBER = "#"
    LABEL = "label"
    STEP = "step"
    SET = "set"
    ABSOLUTE = "absolute"
    UNTIL = "until"
    RECORD = "record"
    LIMITS = "limits"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows, what its editor begins with, and the variables that its value comes from."""

    shown: str = ""
    typed: str = ""
    variables: tuple[str, ...] = ()
    own: bool = True
    """False: inherited, shown muted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ``path`` leads to the step in the tree (for an end row, to the step that it ends)."""

    kind: Kind
    path: Path
    level: int
    number: int
    line: int
    column: int
    cells: Mapping[Column, Cell] = field(default_factory=dict)
    next: str = ""
    locked: str = ""
    step: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The step as plain texts."""

    @property
    def is_step(self) -> bool:
        """Tell whether the row is a step that can be moved or deleted."""
        return self.kind not in MARKS

    def cell(self, column: Column) -> Cell:
        """Return a cell; an empty one where the row has none."""
        return self.cells.get(column, Cell())

    @property
    def key(self) -> str:
        """Return the row's name while the text stays as it is."""
        return f"{self.kind.value}:{'/'.join(map(str, self.path))}"


def kind_of(step: Mapping[str, Any]) -> Kind:
    """Return what a step is."""
    if "rest" in step:
        return Kind.REST
    for word, plain_kind, held in (
        ("charge", Kind.CC_CHG, Kind.CCCV_CHG),
        ("discharge", Kind.CC_DIS, Kind.CCCV_DIS),
    ):
        if word in step:
            return held if "then_hold" in step else plain_kind
    if "hold" in step:
        return Kind.CV_DIS if step.get("direction") == "discharge" else Kind.CV_CHG
    words = {"repeat": Kind.REPEAT, "if": Kind.IF, "eis": Kind.EIS, "ask": Kind.ASK, "handover": Kind.HANDOVER,
             "parallel": Kind.PARALLEL}  # fmt: skip
    return next((kind for word, kind in words.items() if word in step), Kind.ODD)


def word_of(kind: Kind) -> str:
    """Return the step's key in the file; empty for rows that are none."""
    if kind in DRIVEN:
        return "charge" if kind in (Kind.CC_CHG, Kind.CCCV_CHG) else "discharge"
    if kind in (Kind.CV_CHG, Kind.CV_DIS):
        return "hold"
    return kind.value.lower() if kind in STEPS or kind is Kind.PARALLEL else ""


class RowReader:
    """Reads the rows of a tree. ``values`` are those of the variables, for what is shown."""

    def __init__(self, root: Table) -> None:
        self._root = root
        self.values: dict[str, str] = {}
        for name, value in variables_of(root).items():
            self.values[name] = value[0]
        self._rows: list[Row] = []

    def read(self) -> tuple[Row, ...]:
        """Return all rows in order, numbered from 1, the END row last."""
        self._list(real(self._root.get("steps")), ("steps",), 0, self.values, "")
        line = self._rows[-1].line if self._rows else 1
        self._rows.append(Row(Kind.END, ("steps",), 0, len(self._rows) + 1, line, 1))
        return tuple(_with_next(self._rows))

    def _add(self, kind: Kind, path: Path, level: int, node: Branch, locked: str, **more: Any) -> None:
        found = real(node)
        place = found if isinstance(found, Table | Items | Leaf) else node
        word = word_of(kind)
        if isinstance(found, Table) and word in found.index:
            place = found.index[word].key
        self._rows.append(
            Row(kind, path, level, len(self._rows) + 1, place.line, place.column, locked=locked, **more)
        )

    def _list(
        self, node: Branch | None, path: Path, level: int, values: Mapping[str, str], locked: str
    ) -> None:
        if not isinstance(node, Items):
            return
        for at, item in enumerate(node.items):
            why = locked
            if isinstance(item, Alias):
                told = tr("protocolrows", "This step stands for “&{name}”: edit that one, or the text.")
                why = why or told.format(name=item.name)
            self._step(item, (*path, at), level, values, why)

    def _step(self, node: Branch, path: Path, level: int, values: Mapping[str, str], locked: str) -> None:
        step = plain(node)
        if not isinstance(step, dict):
            self._add(Kind.ODD, path, level, node, locked or tr("protocolrows", "Edit this in the text."),
                      cells={Column.UNTIL: Cell(pretty(str(step)))})  # fmt: skip
            return
        kind, show = kind_of(step), _Shower(values)
        if kind in HEADS:
            self._head(kind, node, path, level, values, step, locked)
        else:
            self._add(kind, path, level, node, locked, cells=_cells(kind, step, show, self._root), step=step)

    def _head(
        self, kind: Kind, node: Branch, path: Path, level: int, values: Mapping[str, str], step: Mapping[str, Any],
        locked: str,
    ) -> None:  # fmt: skip
        table, show = real(node), _Shower(values)
        assert isinstance(table, Table)
        self._add(kind, path, level, node, locked, cells=_head_cells(kind, step, show), step=step)
        if kind is Kind.REPEAT:
            inner = {**values, **_first_values(step.get("vary"))}
            self._list(real(table.get("steps")), (*path, "steps"), level + 1, inner, locked)
            self._add(
                Kind.REPEAT_END,
                path,
                level,
                node,
                locked,
                cells={Column.UNTIL: _end_cell(step, show)},
                step=step,
            )
        elif kind is Kind.IF:
            self._list(real(table.get("then")), (*path, "then"), level + 1, values, locked)
            if table.get("else") is not None:
                self._add(Kind.ELSE, path, level, node, locked, step=step)
                self._list(real(table.get("else")), (*path, "else"), level + 1, values, locked)
            self._add(Kind.IF_END, path, level, node, locked, step=step)
        else:
            branches = real(table.get("parallel"))
            for at, branch in enumerate(branches.items if isinstance(branches, Items) else ()):
                self._add(Kind.BRANCH, (*path, "parallel", at), level, branch, locked,
                          cells={Column.LABEL: Cell(str(at + 1))})  # fmt: skip
                self._list(real(branch), (*path, "parallel", at), level + 1, values, locked)
            self._add(Kind.PARALLEL_END, path, level, node, locked, step=step)


class _Shower:
    """Shows values with variables replaced, and remembers which."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __call__(self, text: str) -> str:
        return pretty(VARIABLE.sub(lambda found: self._values.get(found[1], found[0]), text))


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        return tuple(dict.fromkeys(name for item in value.values() for name in _names(item)))
    if isinstance(value, list | tuple):
        return tuple(dict.fromkeys(name for item in value for name in _names(item)))
    return tuple(VARIABLE.findall(str(value)))


def raw(text: str) -> str:
    """Return a value as an editor shows it: pretty units, variables in place."""
    return text if "${" in text else pretty(text)


def _cells(kind: Kind, step: Mapping[str, Any], show: _Shower, root: Table) -> dict[Column, Cell]:
    cells = {Column.LABEL: Cell(*(str(step.get("name", "")),) * 2), Column.STEP: Cell(kind.value, kind.value)}
    if kind in (Kind.EIS, Kind.ASK, Kind.HANDOVER, Kind.ODD):
        return {**cells, **_other_cells(kind, step, show)}
    cells[Column.SET] = _set_cell(kind, step, show)
    ends = step.get("until")
    ends = dict(ends) if isinstance(ends, Mapping) else {}
    if kind is Kind.REST:
        ends = {"time": step.get("rest", "")}
    elif "to" in step:
        ends.setdefault("voltage", step["to"])
    cells[Column.UNTIL] = Cell(until_text(ends, show), until_text(ends, raw), _names(ends))
    cells[Column.RECORD] = _inherited(step.get("record"), plain(root.get("record")), record_text, show)
    cells[Column.LIMITS] = _inherited(step.get("safety"), None, limits_text, show)
    return cells


def _set_cell(kind: Kind, step: Mapping[str, Any], show: _Shower) -> Cell:
    if kind is Kind.REST:
        return Cell()
    if kind in (Kind.CV_CHG, Kind.CV_DIS):
        first, joint, second = step.get("hold", ""), " ≤ ", step.get("at_most", "")
    else:
        first, joint, second = step.get(word_of(kind), ""), " → ", step.get("then_hold", "")
    first, second = str(first), str(second)
    typed = f"{raw(first)}{joint}{raw(second)}" if second else raw(first)
    sign = "" if kind in (Kind.CV_CHG, Kind.CV_DIS) else _sign(kind, show(first))
    shown = f"{sign}{show(first)}{joint}{show(second)}" if second else f"{sign}{show(first)}"
    return Cell(shown, typed, _names([first, second]))


def _sign(kind: Kind, shown: str) -> str:
    """Return the sign of a current: figures carry one, ``C/20`` does not."""
    if not shown[:1].isdigit():
        return ""
    return "+" if kind in (Kind.CC_CHG, Kind.CCCV_CHG) else "−"


def _inherited(own: Any, outer: Any, text_of: Any, show: _Shower) -> Cell:
    if isinstance(own, Mapping):
        return Cell(text_of(own, show), text_of(own, raw), _names(own))
    inherited = text_of(outer, show) if isinstance(outer, Mapping) else tr("protocoltyped", "inherit")
    return Cell(inherited, "", own=False)


def _other_cells(kind: Kind, step: Mapping[str, Any], show: _Shower) -> dict[Column, Cell]:
    if kind is Kind.EIS:
        eis = step.get("eis")
        eis = eis if isinstance(eis, Mapping) else {}
        return {
            Column.LABEL: Cell(),
            Column.SET: Cell(
                show(str(eis.get("amplitude", ""))), raw(str(eis.get("amplitude", ""))), _names(eis)
            ),
            Column.UNTIL: Cell(sweep_text(eis, show), sweep_text(eis, raw), _names(eis)),
        }
    text = str(step.get("ask", step.get("handover", "")))
    shown = ", ".join(f"{key}: {value}" for key, value in step.items()) if kind is Kind.ODD else show(text)
    return {Column.LABEL: Cell(), Column.UNTIL: Cell(shown, text, _names(text))}


def _head_cells(kind: Kind, step: Mapping[str, Any], show: _Shower) -> dict[Column, Cell]:
    if kind is Kind.REPEAT:
        count, vary = str(step.get("repeat", "")), step.get("vary")
        vary = vary if isinstance(vary, Mapping) else {}
        return {
            Column.STEP: Cell(f"REPEAT × {show(count)}", count, _names(count)),
            Column.UNTIL: Cell(vary_text(vary, show), vary_text(vary, str), own=bool(vary)),
        }
    if kind is Kind.IF:
        condition = str(step.get("if", ""))
        return {Column.STEP: Cell(kind.value, kind.value),
                Column.UNTIL: Cell(show(condition), condition, _names(condition))}  # fmt: skip
    return {Column.STEP: Cell(kind.value, kind.value)}


def _end_cell(step: Mapping[str, Any], show: _Shower) -> Cell:
    count, condition = show(str(step.get("repeat", ""))), str(step.get("until", ""))
    done = tr("protocolrows", "{n} done").format(n=count)
    shown = tr("protocolrows", "{done} or {condition}").format(done=done, condition=show(condition))
    return Cell(shown if condition else done, condition, _names(condition))


def _first_values(vary: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in vary.items() if isinstance(vary, Mapping) else ():
        if isinstance(value, Mapping):
            found[name] = f"{value.get('start', '?')} …"
        elif isinstance(value, list) and value:
            found[name] = str(value[0]) if len(set(map(str, value))) == 1 else f"{value[0]} …"
    return found


def variables_of(root: Table) -> dict[str, tuple[str, str]]:
    """Return each variable's default and note."""
    found: dict[str, tuple[str, str]] = {}
    table = real(root.get("variables"))
    for entry in table.entries if isinstance(table, Table) else ():
        value = plain(entry.value)
        if isinstance(value, Mapping):
            found[entry.key.text] = (str(value.get("default", "")), str(value.get("note", "")))
        else:
            found[entry.key.text] = (str(value), "")
    return found


def _with_next(rows: list[Row]) -> list[Row]:
    """Return the rows with the numbers of what may come next."""
    heads = {row.path: row.number for row in rows if row.kind is Kind.REPEAT}
    found = []
    for row in rows:
        nexts = "" if row.kind is Kind.END else str(row.number + 1)
        if row.kind is Kind.REPEAT_END and row.path in heads:
            nexts = f"{heads[row.path] + 1}, {row.number + 1}"
        found.append(replace(row, next=nexts))
    return found
