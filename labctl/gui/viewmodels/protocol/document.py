"""The document: one text, the table that stands for it, and every edit of both as one undoable step.

Text and table are two looks at the same characters. A text that cannot be read keeps the table's last good state and
says the line; the table then cannot be edited, so that nothing is written over what a person is typing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.protocol import header, structure
from labctl.gui.viewmodels.protocol.changes import NEW_STEP, Updates, read_cell
from labctl.gui.viewmodels.protocol.rows import Column, Kind, Row, RowReader, raw, variables_of, word_of
from labctl.gui.viewmodels.protocol.splices import Value, spliced, update_keys
from labctl.gui.viewmodels.protocol.steplines import Path, at_path
from labctl.gui.viewmodels.protocol.structure import Impossible
from labctl.gui.viewmodels.protocol.typed import Option, Told
from labctl.gui.viewmodels.protocol.yamltree import Table, TextProblem, read_tree
from labctl.gui.viewmodels.words import tr
from labctl.protocol.parse_steps import STEP_KEYS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a wish: an edit (None: nothing changes), or why not, or a question; and the row to go to."""

    edit: Edit | None = None
    why: str = ""
    question: str = ""
    options: tuple[Option, ...] = ()
    path: Path | None = None


class Document:
    """A protocol being edited. ``changed`` is called after every change of the text."""

    def __init__(self, text: str, changed: Callable[[], None] = lambda: None) -> None:
        self.changed = changed
        self.text = ""
        self.version = 0
        self.trouble: TextProblem | None = None
        self.root: Table = read_tree("labctl: protocol/1\n")
        self.rows: tuple[Row, ...] = RowReader(self.root).read()
        self._take(text)

    def _take(self, text: str) -> None:
        self.text = text
        self.version += 1
        try:
            root = read_tree(text)
        except TextProblem as problem:
            self.trouble = problem
            return
        self.trouble, self.root, self.rows = None, root, RowReader(root).read()

    def retranslate(self) -> None:
        """Take the words of the rows anew, in the window's language."""
        self.rows = RowReader(self.root).read()

    def _put(self, text: str) -> None:
        self._take(text)
        self.changed()

    # -- edits --------------------------------------------------------------------------------------------------

    def edit(self, name: str, text: str) -> Edit | None:
        """Return the edit that makes the text another one; None where it is the same."""
        before = self.text
        if text == before:
            return None
        return Edit(name, lambda: self._put(text), lambda: self._put(before))

    def _made(self, name: str, make: Callable[[], str | tuple[str, Path]]) -> Outcome:
        """Return an edit of the table; one that would leave an unreadable text is refused."""
        if self.trouble is not None:
            return Outcome(why=self.locked)
        try:
            found = make()
            text, path = found if isinstance(found, tuple) else (found, None)
            read_tree(text)
        except Impossible as refused:
            return Outcome(why=str(refused))
        except (TextProblem, KeyError, ValueError):
            return Outcome(
                why=tr(
                    "protocoldoc", "This place of the text is written in a way that only the text can edit."
                )
            )
        return Outcome(self.edit(name, text), path=path)

    @property
    def locked(self) -> str:
        """Return why the table cannot be edited now; empty where it can."""
        if self.trouble is None:
            return ""
        told = tr("protocoldoc", "The text cannot be read at line {line}: {problem}. Mend it, or undo.")
        return told.format(line=self.trouble.line, problem=self.trouble.problem)

    def set_cell(self, row: Row, column: Column, typed: str) -> Outcome:
        """Return what a typed text does to a cell."""
        if self.trouble is not None:
            return Outcome(why=self.locked)
        if typed == row.cell(column).typed:
            return Outcome()
        told = read_cell(row, column, typed, self.names_in(row))
        if told.value is None:
            return Outcome(why=told.problem, question=told.question, options=told.options)
        name = tr("protocoldoc", "row {n}, {column}").format(n=row.number, column=column.value)
        return self.update_step(row, name, told.value)

    def update_step(self, row: Row, name: str, updates: Updates) -> Outcome:
        """Return the edit that gives a step's keys other values or names."""
        return self._made(name, lambda: self._updated(row, updates))

    def replaced(self, name: str, old: str, new: str) -> Outcome:
        """Return the edit that writes one piece of text in place of another, wherever it stands."""
        return self._made(name, lambda: self.text.replace(old, new))

    def names_in(self, row: Row) -> tuple[str, ...]:
        """Return the variables that may stand in a row: the protocol's, and those varied by the repeats around it."""
        names = list(variables_of(self.root))
        for size in range(1, len(row.path) + 1):
            node = at_path(self.root, row.path[:size])
            vary = node.get("vary") if isinstance(node, Table) else None
            names += list(vary.index) if isinstance(vary, Table) else []
        return tuple(names)

    def _updated(self, row: Row, updates: Updates) -> str:
        table = at_path(self.root, row.path)
        if not isinstance(table, Table):
            raise KeyError(row.path)
        new = {updates.renamed.get(key, key) for key in table.index}
        word = next((key for key in STEP_KEYS if key in new), word_of(row.kind))
        order = ("name", *STEP_KEYS.get(word, (word,)))
        return spliced(self.text, update_keys(self.text, table, updates.wanted, order, updates.renamed))

    def add(self, row: Row | None, step: Mapping[str, Value] = NEW_STEP) -> Outcome:
        """Add a step behind a row, inside a repeat whose head is chosen."""
        return self._made(tr("protocoldoc", "add step"), lambda: structure.added(self.text, row, step))

    def duplicate(self, rows: Sequence[Row]) -> Outcome:
        """Put the chosen steps once more behind them."""
        return self._made(tr("protocoldoc", "duplicate"), lambda: structure.duplicated(self.text, rows))

    def delete(self, rows: Sequence[Row]) -> Outcome:
        """Delete the chosen steps."""
        steps = len(structure.steps_of(rows))
        name = tr("protocoldoc", "delete {n} steps").format(n=steps)
        return self._made(name, lambda: structure.deleted(self.text, rows))

    def move(self, rows: Sequence[Row], *, down: bool) -> Outcome:
        """Move the chosen steps one place."""
        name = tr("protocoldoc", "move down") if down else tr("protocoldoc", "move up")
        return self._made(name, lambda: structure.moved(self.text, rows, self.rows, down))

    def move_behind(self, rows: Sequence[Row], row: Row | None) -> Outcome:
        """Move the chosen steps behind another row (drag)."""

        def make() -> tuple[str, Path]:
            target, at = structure.place_behind(row)
            node = at_path(self.root, target)
            size = len(node.items) if hasattr(node, "items") and not isinstance(node, Table) else 0  # type: ignore[union-attr]  # a list has items
            return structure.moved_to(self.text, rows, target, min(at, size))

        return self._made(tr("protocoldoc", "move"), make)

    def wrap(self, rows: Sequence[Row]) -> Outcome:
        """Put the chosen steps into a repeat."""
        return self._made(
            tr("protocoldoc", "wrap in repeat"), lambda: structure.wrapped_in_repeat(self.text, rows)
        )

    def unwrap(self, rows: Sequence[Row]) -> Outcome:
        """Take a repeat away and keep its steps."""
        return self._made(
            tr("protocoldoc", "take repeat away"), lambda: structure.without_repeat(self.text, rows)
        )

    # -- head and variables ---------------------------------------------------------------------------------------

    def set_field(self, field: str, typed: str) -> Outcome:
        """Return what a typed text does to a field of the head."""
        if self.trouble is not None:
            return Outcome(why=self.locked)
        if typed.strip() == header.head_text(self.root, field):
            return Outcome()
        told: Told[dict[str, Value | None]] = header.read_field(self.root, field, typed)
        if told.value is None:
            return Outcome(why=told.problem, question=told.question, options=told.options)
        wanted = told.value
        return self._made(tr("protocoldoc", "head: {field}").format(field=field),
                          lambda: header.with_keys(self.text, self.root, wanted))  # fmt: skip

    @property
    def variables(self) -> tuple[header.VariableRow, ...]:
        """Return the variables."""
        return header.variable_rows(self.text, self.root)

    def set_variable(self, name: str, default: str, note: str) -> Outcome:
        """Set a variable's value and note; a new name adds one."""
        default = default.strip()
        if not default:
            return Outcome(why=tr("protocoldoc", "A variable needs a value."))
        if name not in variables_of(self.root) and (why := header.checked_name(name, self.root)):
            return Outcome(why=why)
        old = variables_of(self.root).get(name)
        spelled = old[0] if old is not None and default == raw(old[0]) else _spelled(default)
        return self._made(tr("protocoldoc", "variable {name}").format(name=name),
                          lambda: header.with_variable(self.text, self.root, name, spelled, note.strip()))  # fmt: skip

    def rename_variable(self, old: str, new: str) -> Outcome:
        """Rename a variable wherever it is used."""
        if old == new:
            return Outcome()
        if why := header.checked_name(new, self.root):
            return Outcome(why=why)
        return self._made(tr("protocoldoc", "rename variable {name}").format(name=old),
                          lambda: header.renamed_variable(self.text, self.root, old, new))  # fmt: skip

    def remove_variable(self, name: str) -> Outcome:
        """Remove a variable; its value takes its place in the steps."""
        if name not in variables_of(self.root):
            return Outcome(why=tr("protocoldoc", "There is no variable “{name}”.").format(name=name))
        return self._made(tr("protocoldoc", "remove variable {name}").format(name=name),
                          lambda: header.without_variable(self.text, self.root, name))  # fmt: skip

    # -- look-ups -------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Return the protocol's name."""
        return self.root.text("name")

    def row_at(self, path: Path) -> Row | None:
        """Return the row of a step, None where there is none."""
        return next((row for row in self.rows if row.path == path and row.kind is not Kind.END), None)

    def row_of_line(self, line: int, column: int = 0) -> Row | None:
        """Return the row that stands at a line of the text: the last step that begins at or before it."""
        found = None
        for row in self.rows:
            if row.is_step and row.line <= line:
                found = row
        return found


def _spelled(text: str) -> str:
    """Return a typed default in the spelling of the file, where it is a quantity."""
    from labctl.gui.viewmodels.protocol.typed import narrowed
    from labctl.protocol.quantities import format_quantity, parse_quantity

    found = parse_quantity(narrowed(text))
    return format_quantity(found) if found is not None and found.unit else text.strip()
