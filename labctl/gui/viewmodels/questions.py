"""Open questions of the cells table with their answers, and what each answer would do to the set current (U03)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

from labctl.gui.viewmodels import cellcolumns as columns
from labctl.gui.viewmodels.cellcolumns import NUMBERS, TITLES, Col
from labctl.gui.viewmodels.cells import CellsTable
from labctl.gui.viewmodels.doubts import Doubt
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.text import figures, number, quantity
from labctl.gui.viewmodels.words import tr

Usual = Mapping[tuple[str, str], list[float]]
"""Set currents by protocol and type, A."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A button: what it says, and the edit that it is. Buttons that say the same stay, with the keyboard on them."""

    key: str
    text: str
    edit: Callable[[], Edit | None] = field(compare=False)
    hint: str = ""
    brief: str = ""
    """What the button in the row says: the value in short, and the current that it would set."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """One question, to be shown in its row and in the card. ``lines``: what would be set, name and value."""

    row: int
    column: Col
    title: str
    text: str
    short: str
    lines: tuple[tuple[str, str], ...]
    answers: tuple[Answer, ...]


def open_questions(table: CellsTable) -> tuple[OpenQuestion, ...]:
    """Return what is to be answered, top row first."""
    usual = _usual_currents(table)
    found = [_doubted(table, row, column, doubt, usual) for (row, column), doubt in table.doubts().items()]
    for place, row in enumerate(table.rows):
        for column, value in row.values.items():
            if value.question is not None:
                found.append(_ambiguous(table, place, column))
    return tuple(sorted(found, key=lambda one: (one.row, list(Col).index(one.column))))


def _title(table: CellsTable, row: int, column: Col) -> str:
    found = table.rows[row]
    name, _, unit = tr("cells", TITLES[column]).rpartition(" ")
    value = columns.shown(column, found.get(column))
    return " ".join(part for part in (found.text(Col.SLOT), found.text(Col.CELL), name, value, unit) if part)


def _doubted(table: CellsTable, row: int, column: Col, doubt: Doubt, usual: Usual) -> OpenQuestion:
    now_A = table.meaning.current_with(row, column, doubt.value)
    text = tr("cells", "Keep {value}").format(value=_value(column, doubt.value))
    answers = [_answer("keep", text, now_A, lambda: table.keep(row, column))]
    if doubt.suggestion is not None:
        then_A = table.meaning.current_with(row, column, doubt.suggestion)
        text = tr("cells", "Use {value}").format(value=_value(column, doubt.suggestion))
        answers.append(_answer("use", text, then_A, lambda: table.use(row, column)))
    return OpenQuestion(
        row,
        column,
        _title(table, row, column),
        doubt.text,
        doubt.short,
        _lines(table, row, now_A, usual),
        tuple(answers),
    )


def _answer(key: str, text: str, current_A: float | None, edit: Callable[[], Edit | None]) -> Answer:
    if current_A is None:
        return Answer(key, text, edit, "", text)
    hint = tr("cells", "sets {current}").format(current=quantity(current_A, "A"))
    told = quantity(current_A, "A", digits=3)
    word = tr("cells", "Keep") if key == "keep" else tr("cells", "Use")
    return Answer(key, text, edit, f"{text}, {hint}", f"{word}: {told}")


def _value(column: Col, value: float) -> str:
    """Return a value as its column shows it, with more figures where that would lose it."""
    decimals = NUMBERS[column][1]
    return number(value, decimals) if value >= 10.0 ** (1 - decimals) else figures(value, 3)


def _usual_currents(table: CellsTable) -> Usual:
    """Return the set currents of the rows without a doubt, A, by protocol and type."""
    found: dict[tuple[str, str], list[float]] = {}
    for place, row in enumerate(table.rows):
        if table.doubted(place) is None and (current_A := table.current_A(place)) is not None:
            found.setdefault((row.text(Col.PROTOCOL), row.text(Col.KIND)), []).append(current_A)
    return found


def _lines(table: CellsTable, row: int, now_A: float | None, usual: Usual) -> tuple[tuple[str, str], ...]:
    """Return what the protocol would set, beside what it sets for the other cells of the table."""
    if now_A is None:
        return ()
    protocol, kind = table.rows[row].text(Col.PROTOCOL), table.rows[row].text(Col.KIND)
    lines = [(tr("cells", "{protocol} would set").format(protocol=protocol), quantity(now_A, "A"))]
    if others := usual.get((protocol, kind)):
        told = tr("cells", "the other {n} get about").format(n=len(others))
        lines.append((told, quantity(median(others), "A")))
    return tuple(lines)


def _ambiguous(table: CellsTable, row: int, column: Col) -> OpenQuestion:
    question = table.rows[row].get(column).question
    assert question is not None

    def choose(value: float) -> Callable[[], Edit | None]:
        return lambda: table.choose(row, column, value)

    answers = tuple(
        Answer(str(at), one.label, choose(one.value), "", one.label)
        for at, one in enumerate(question.choices)
    )
    text = question.text
    return OpenQuestion(row, column, _title(table, row, column), text, text, (), answers)
