"""The cells table: paste 16 cells in one go, bad cells marked in place, doubts asked in their row, all undoable.

Rows are frozen and the table holds a tuple of them; every change is an ``Edit`` between two tuples (U02, U03, U19).
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from labctl.gui.viewmodels import cellcolumns as columns
from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.allowed import is_free, runs_now
from labctl.gui.viewmodels.cellcolumns import NUMBERS, READ_ONLY, Col, Value
from labctl.gui.viewmodels.cellmeaning import CurrentOf, Meaning, default_one_c
from labctl.gui.viewmodels.doubts import Doubt, doubts
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.text import NONE, number, quantity
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import Cell, ImportAction, ImportReport

EMPTY = Value()
NEXT_FREE = "next free"
OCV_NEAR_V = 0.050
"""How far the measured OCV may be off the registered one, as in the review of the start."""


@dataclass(frozen=True, slots=True)
class CellRow:
    """One row. ``kept``: columns whose doubt a person has answered with "keep"; ``told``: what the station said."""

    values: Mapping[Col, Value] = field(default_factory=dict)
    kept: frozenset[Col] = frozenset()
    told: str = ""

    def get(self, column: Col) -> Value:
        """Return a cell of the row."""
        return self.values.get(column, EMPTY)

    def text(self, column: Col) -> str:
        """Return a text value, empty where there is none."""
        found = self.get(column).value
        return found if isinstance(found, str) else ""

    def number(self, column: Col) -> float | None:
        """Return a number, None where there is none."""
        found = self.get(column).value
        return found if isinstance(found, float) else None

    def with_value(self, column: Col, value: Value) -> CellRow:
        """Return the row with another value; the old doubt and the station's word are gone with the old one."""
        return CellRow({**self.values, column: value}, self.kept - {column})


class Look(StrEnum):
    """How a cell of the table is drawn."""

    PLAIN = "plain"
    BAD = "bad"
    QUESTION = "question"
    DERIVED = "derived"  # muted: worked out from others
    ASKED = "asked"  # two readings of what was typed
    WARN = "warn"  # something to know; nothing is asked


@dataclass(frozen=True, slots=True)
class CellText:
    """One cell of the table, ready to be painted; ``why`` is its tooltip."""

    text: str
    look: Look = Look.PLAIN
    why: str = ""


class CellsTable:
    """The table of one batch that is being entered. Edits are returned; the view's undo stack does them."""

    def __init__(self, lab: Lab, asks: Asks, current_of: CurrentOf | None = None) -> None:
        self._lab = lab
        self._asks = asks
        self._current_of = current_of or (lambda protocol, cell: None)
        self._doubts: dict[tuple[int, Col], Doubt] | None = None
        self._doubted: dict[int, Doubt] = {}
        """The first doubt of each row that has one; of the same time as ``_doubts``."""
        self._meaning: Meaning | None = None
        self._watchers: list[Callable[[], None]] = []
        self.rows: tuple[CellRow, ...] = ()
        self._named: Counter[str] = Counter()
        """How often each cell stands in the rows: counted once a change, asked for each row several times."""
        self.batch = ""
        self.trouble: Trouble | None = None
        self.clashing: dict[str, str] = {}
        """What somebody else has done to a cell of the table meanwhile, by cell (R15)."""
        self.saving = False
        self.result = ""
        """What became of the last saving, in one line (R14)."""
        lab.watch({"channel", "cell"}, lambda places: self.look_anew())

    def look_anew(self) -> None:
        """Forget what the rows mean: the station, or its protocols, are not what they were."""
        self._meaning = None

    @property
    def meaning(self) -> Meaning:
        """Return what the rows mean now."""
        if self._meaning is None:
            self._meaning = Meaning(self.rows, self._lab, self._current_of)
        return self._meaning

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def retranslate(self) -> None:
        """Ask every doubt anew in the window's language."""
        self._set(self.rows)

    def _set(self, rows: tuple[CellRow, ...]) -> None:
        self.rows, self._doubts, self._meaning = rows, None, None
        self._named = Counter(row.text(Col.CELL) for row in rows)
        for observer in tuple(self._watchers):
            observer()

    def _edit(self, text: str, rows: Sequence[CellRow]) -> Edit | None:
        before, after = self.rows, tuple(rows)
        if before == after:
            return None
        return Edit(text, lambda: self._set(after), lambda: self._set(before))

    # -- edits --------------------------------------------------------------------------------------------------------

    def clash(self, cell: str, told: str) -> None:
        """Say that somebody else has changed a cell; empty = a person has decided."""
        self.clashing.pop(cell, None)
        if told:
            self.clashing[cell] = told
        self._set(self.rows)

    def change(self, text: str, rows: Sequence[CellRow]) -> Edit | None:
        """Return the edit that puts other rows in the table; None where nothing differs."""
        return self._edit(text, rows)

    def paste(self, text: str, row: int | None = None, column: Col | None = None) -> Edit | None:
        """Return the edit that puts a block in: by its header, else at a place of the table, else by its content.

        Rows of known cells are changed, others added. Bad cells keep their text and are marked; good ones count.
        """
        block = columns.block_of(text)
        if not block:
            return None
        header = columns.header_of(block[0])
        if header is not None:
            block = block[1:]
        elif row is not None and column is not None and row < len(self.rows):
            return self._paste_at(block, row, column)
        headers = header or columns.guessed(block)
        rows = list(self.rows)
        at = {found.text(Col.CELL): place for place, found in enumerate(rows) if found.text(Col.CELL)}
        for fields in block:
            values = {
                head.column: columns.read(head.column, field, head.unit)
                for head, field in zip(headers, fields, strict=False)
                if head.column is not None and head.column not in READ_ONLY and field
            }
            if not values:
                continue
            name = values.get(Col.CELL, EMPTY).value
            if isinstance(name, str) and name in at:
                known = rows[at[name]]
                rows[at[name]] = CellRow({**known.values, **values}, known.kept - values.keys())
            else:
                if self.batch and Col.BATCH not in values:
                    values[Col.BATCH] = Value(self.batch, self.batch)
                rows.append(CellRow(values))
        return self._edit(tr("cells", "paste {n} rows").format(n=len(block)), rows)

    def _paste_at(self, block: list[list[str]], row: int, column: Col) -> Edit | None:
        targets = [col for col in list(Col)[list(Col).index(column) :] if col not in READ_ONLY]
        rows = list(self.rows)
        for offset, fields in enumerate(block):
            while row + offset >= len(rows):
                rows.append(CellRow())
            for col, field_text in zip(targets, fields, strict=False):
                rows[row + offset] = rows[row + offset].with_value(col, columns.read(col, field_text))
        return self._edit(tr("cells", "paste {n} rows").format(n=len(block)), rows)

    def set(self, row: int, column: Col, text: str) -> Edit | None:
        """Return the edit that gives a cell another text."""
        if column in READ_ONLY:
            return None
        rows = list(self.rows)
        while len(rows) <= row:
            rows.append(CellRow())
        rows[row] = rows[row].with_value(column, columns.read(column, text))
        return self._edit(
            tr("cells", "edit {column}").format(column=tr("cells", columns.TITLES[column])), rows
        )

    def choose(self, row: int, column: Col, value: float) -> Edit | None:
        """Return the edit that answers which reading of a typed number is meant."""
        rows = list(self.rows)
        rows[row] = rows[row].with_value(column, Value(f"{value:.10g}", value))
        return self._edit(tr("cells", "choose {value}").format(value=f"{value:.10g}"), rows)

    def fill_down(self, rows: Collection[int], column: Col) -> Edit | None:
        """Return the edit that copies the first chosen row's cell to the others; ids and slots count on."""
        chosen = sorted(place for place in rows if place < len(self.rows))
        if len(chosen) < 2 or column in READ_ONLY:
            return None
        made = list(self.rows)
        source = made[chosen[0]].get(column)
        for step, place in enumerate(chosen[1:], 1):
            value = source
            if column in (Col.CELL, Col.SLOT) and isinstance(source.value, str):
                text = counted(source.value, step)
                value = columns.read(column, text)
            made[place] = made[place].with_value(column, value)
        return self._edit(tr("cells", "fill down"), made)

    def assign_slots(self, rows: Collection[int] | None = None) -> Edit | None:
        """Return the edit that gives the free channels to rows without a slot, in the order of the cabinet."""
        taken = {self.channel_of(row) for row in self.rows}
        free = iter([name for name in cabinet(self._lab.channels).order
                     if name not in taken and is_free(self._lab.channels[name])])  # fmt: skip
        made = list(self.rows)
        for place in sorted(range(len(made)) if rows is None else rows):
            if made[place].text(Col.SLOT) in ("", NEXT_FREE):
                channel = next(free, None)
                text = NEXT_FREE if channel is None else cabinet(self._lab.channels).label(channel)
                made[place] = made[place].with_value(Col.SLOT, Value(text, text))
        return self._edit(tr("cells", "assign slots"), made)

    def remove(self, rows: Collection[int]) -> Edit | None:
        """Return the edit that takes rows out of the table (not out of the registry)."""
        made = [row for place, row in enumerate(self.rows) if place not in set(rows)]
        return self._edit(tr("cells", "remove {n} rows").format(n=len(self.rows) - len(made)), made)

    def keep(self, row: int, column: Col) -> Edit | None:
        """Return the edit that answers a doubt with "it is right"."""
        rows = list(self.rows)
        rows[row] = replace(rows[row], kept=rows[row].kept | {column})
        return self._edit(tr("cells", "keep {value}").format(value=self.cell(row, column).text), rows)

    def use(self, row: int, column: Col) -> Edit | None:
        """Return the edit that takes the suggestion of a doubt; None where there is none."""
        doubt = self.doubt(row, column)
        return (
            None if doubt is None or doubt.suggestion is None else self.choose(row, column, doubt.suggestion)
        )

    # -- what is shown ------------------------------------------------------------------------------------------------

    def doubts(self) -> dict[tuple[int, Col], Doubt]:
        """Return what must be asked, by row and column (U03): asked once, gone when answered."""
        if self._doubts is None:
            self._doubts = doubts(self.rows, self._lab.cells.values())
            self._doubted = {}
            for (row, _), doubt in self._doubts.items():
                self._doubted.setdefault(row, doubt)
        return self._doubts

    def doubted(self, row: int) -> Doubt | None:
        """Return the first doubt of a row."""
        self.doubts()
        return self._doubted.get(row)

    def doubt(self, row: int, column: Col) -> Doubt | None:
        """Return the doubt of a cell."""
        return self.doubts().get((row, column))

    def cell(self, row: int, column: Col) -> CellText:
        """Return a cell of the table, ready to be painted."""
        found = self.rows[row]
        if column is Col.PROBLEM:
            return CellText(self.problem(row))
        if column is Col.OCV_MEAS:
            status = self._lab.channels.get(self.channel_of(found))
            text = NONE if status is None else number(status.voltage_V, 3)
            why = self.ocv_problem(found)
            return CellText(text, Look.WARN if why else Look.DERIVED, why)
        if column is Col.CURRENT:
            current_A = self.current_A(row)
            text = NONE if current_A is None else quantity(current_A, "A")
            doubted = current_A is not None and self.doubted(row) is not None
            return CellText(text, Look.QUESTION if doubted else Look.DERIVED)
        value = columns.read_again(column, found.get(column))
        if value.problem:
            return CellText(value.text, Look.BAD, value.problem)
        if value.question is not None:
            return CellText(f"{value.text} ?", Look.ASKED, value.question.text)
        if (doubt := self.doubt(row, column)) is not None:
            return CellText(f"{columns.shown(column, value)} ?", Look.QUESTION, doubt.text)
        if column is Col.ONE_C and value.value is None and (default := default_one_c(found)) is not None:
            return CellText(number(default, 1), Look.DERIVED, tr("cells", "taken where none is given"))
        text = columns.shown(column, value)
        return CellText(NONE if not text and column in NUMBERS else text)

    def channel_of(self, row: CellRow) -> str:
        """Return the channel of a row's slot, empty where there is none."""
        return self.meaning.channel_of(row)

    def current_A(self, row: int) -> float | None:
        """Return the absolute set current that the row's protocol means for its cell."""
        return self.meaning.current_A(row)

    def made(self, row: int) -> Cell | None:
        """Return the cell that a row registers, None while its id or type is missing or bad."""
        return self.meaning.made(row)

    def problem(self, row: int) -> str:
        """Return what stands against a row in one line, empty where nothing does."""
        found = self.rows[row]
        for column in Col:
            value = columns.read_again(column, found.get(column))
            if value.problem:
                return value.problem
            if value.question is not None:
                return value.question.text
        if (doubt := self.doubted(row)) is not None:
            return doubt.short
        if found.text(Col.CELL) in self.clashing:
            return self.clashing[found.text(Col.CELL)]
        if not found.text(Col.CELL):
            return tr("cells", "The cell id is missing.")
        if self._named[found.text(Col.CELL)] > 1:
            same = [at for at, other in enumerate(self.rows) if other.text(Col.CELL) == found.text(Col.CELL)]
            return tr("cells", "{cell} stands in rows {rows}.").format(
                cell=found.text(Col.CELL), rows=", ".join(str(place + 1) for place in same))  # fmt: skip
        if self.made(row) is None:
            return tr("cells", "The type is missing.")
        return found.told or self._slot_problem(found) or self.ocv_problem(found)

    def ocv_problem(self, row: CellRow) -> str:
        """Return that the slot shows another OCV than the row's, empty where it fits or cannot be told (U05)."""
        status, registered_V = self._lab.channels.get(self.channel_of(row)), row.number(Col.OCV)
        if status is None or registered_V is None or runs_now(status) or not math.isfinite(status.voltage_V):
            return ""
        if abs(status.voltage_V - registered_V) <= OCV_NEAR_V + 1e-12:
            return ""
        told = tr("cells", "OCV is {measured} V, not {registered} V: is the cell in this slot?")
        return told.format(measured=number(status.voltage_V, 3), registered=number(registered_V, 3))

    def _slot_problem(self, row: CellRow) -> str:
        slot = row.text(Col.SLOT)
        if slot in ("", NEXT_FREE):
            return tr("cells", "no free slot: it goes to the queue") if slot else ""
        channel = self.channel_of(row)
        if not channel:
            return tr("cells", "There is no slot {slot}.").format(slot=slot)
        if self.meaning.taken[channel] > 1:
            return tr("cells", "Slot {slot} is given twice.").format(slot=slot)
        status = self._lab.channels[channel]
        if status.cell_id and status.cell_id != row.text(Col.CELL):
            return tr("cells", "{cell} is still in the slot, unload first").format(
                cell=status.cell_name or status.cell_id
            )
        return ""

    def blocking(self, row: int) -> bool:
        """Tell whether a row cannot be saved yet: bad, missing or doubted values (not its slot)."""
        found = self.rows[row]
        open_values = any(value.problem or value.question for value in found.values.values())
        doubted = self.doubted(row) is not None
        twice = self._named[found.text(Col.CELL)] > 1
        if found.text(Col.CELL) in self.clashing:
            return True
        return open_values or doubted or twice or self.made(row) is None

    def ready(self) -> tuple[int, ...]:
        """Return the rows that can be reviewed and started: saved values, and a slot that is theirs."""
        return tuple(place for place, row in enumerate(self.rows)
                     if not self.blocking(place) and self.channel_of(row) and not self._slot_problem(row))  # fmt: skip

    def summary(self) -> str:
        """Return the head's note: ``16 rows 1 question``."""
        asked = len(self.doubts()) + sum(
            value.question is not None for row in self.rows for value in row.values.values()
        )
        bad = sum(bool(value.problem) for row in self.rows for value in row.values.values())
        parts = [tr("cells", "{n} rows").format(n=len(self.rows))]
        if asked:
            parts.append(
                tr("cells", "1 question") if asked == 1 else tr("cells", "{n} questions").format(n=asked)
            )
        if bad:
            parts.append(tr("cells", "{n} bad").format(n=bad))
        return "  ".join(parts)

    # -- saving -------------------------------------------------------------------------------------------------------

    def save(self) -> str:
        """Register the rows that can be; returns why nothing was sent, empty when it was. The rest stays here."""
        chosen = [place for place in range(len(self.rows)) if not self.blocking(place)]
        if not chosen:
            return tr("cells", "No row can be saved yet.")
        answers = {f"{self.rows[place].text(Col.CELL)}.{column.value}": "keep"
                   for place in chosen for column in self.rows[place].kept}  # fmt: skip
        self.saving, self.result = True, ""
        content = import_text([cell for place in chosen if (cell := self.made(place)) is not None])
        self._asks.ask("cells.import_table", "pasted.csv", content.encode(), answers=answers, then=self._saved,
                       failed=self._failed, deadline_s=30.0)  # fmt: skip
        return ""

    def _saved(self, report: ImportReport) -> None:
        told = {
            row.entry_id: _word(row.action, (*row.problems, *(q.text for q in row.questions)))
            for row in report.rows
        }
        self.trouble, self.saving = None, False
        self.result = _result(report)
        self._set(tuple(replace(row, told=told.get(row.text(Col.CELL), row.told)) for row in self.rows))

    def _failed(self, trouble: Trouble) -> None:
        self.trouble, self.saving, self.result = trouble, False, str(trouble)
        self._set(self.rows)


def _result(report: ImportReport) -> str:
    counts = {action: report.count(action) for action in ImportAction}
    told = tr("cells", "{new} new, {changed} changed, {same} as they were")
    text = told.format(new=counts[ImportAction.NEW], changed=counts[ImportAction.CHANGED],
                       same=counts[ImportAction.SAME])  # fmt: skip
    left = counts[ImportAction.REFUSED] + counts[ImportAction.QUESTION]
    return f"{text}, " + tr("cells", "{n} not saved").format(n=left) if left else text


def _word(action: ImportAction, problems: tuple[str, ...]) -> str:
    return " ".join(problems) if action in (ImportAction.REFUSED, ImportAction.QUESTION) else ""


def counted(text: str, step: int) -> str:
    """Return a text whose last number is ``step`` higher, its zeros kept: C0041 -> C0042."""
    head = text.rstrip("0123456789")
    tail = text[len(head) :]
    return text if not tail else f"{head}{int(tail) + step:0{len(tail)}d}"


def import_text(cells: Sequence[Cell]) -> str:
    """Return cells as the table that the station imports, only columns that some cell gives."""
    names = [
        "cell_id",
        "name",
        "kind",
        "coating",
        "active_mass_mg",
        "area_cm2",
        "one_c_mA_per_g",
        "ocv_V",
        "batch",
        "notes",
    ]
    used = [name for name in names if any(getattr(cell, name) not in (None, "") for cell in cells)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(used)
    for cell in cells:
        values = [getattr(cell, name) for name in used]
        writer.writerow(
            [
                "" if value is None else repr(value) if isinstance(value, float) else str(value)
                for value in values
            ]
        )
    return out.getvalue()
