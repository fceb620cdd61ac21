"""More ways into the cells table: a barcode, an emptied cell, registered cells, a slot chosen on the map."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from labctl.gui.viewmodels import cellcolumns as columns
from labctl.gui.viewmodels.cellcolumns import NUMBERS, READ_ONLY, Col, Value
from labctl.gui.viewmodels.cells import CellRow, CellsTable
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import Cell

_FROM_CELL = (Col.GROUP, Col.MASS, Col.AREA, Col.ONE_C, Col.OCV, Col.BATCH, Col.NOTE)


def row_of(cell: Cell, slot: str = "") -> CellRow:
    """Return the table's row of a registered cell."""
    values = {Col.CELL: Value(cell.cell_id, cell.cell_id), Col.KIND: Value(cell.kind.value, cell.kind.value)}
    for column in _FROM_CELL:
        found = getattr(cell, column.value)
        if found not in (None, ""):
            number = column in NUMBERS
            values[column] = Value(f"{found:.10g}", float(found)) if number else Value(str(found), str(found))
    if slot:
        values[Col.SLOT] = Value(slot, slot)
    return CellRow(values)


def scan(table: CellsTable, text: str, known: Cell | None, row: int | None = None) -> Edit | None:
    """Return the edit that a scanned barcode means: the id of the row at hand, where that has none, else a new row.

    A cell that is registered comes with what is known of it; one that is in the table already changes nothing.
    """
    value = columns.read(Col.CELL, text)
    name = value.value if isinstance(value.value, str) else ""
    if not text.strip() or (name and any(found.text(Col.CELL) == name for found in table.rows)):
        return None
    rows = list(table.rows)
    filled = row_of(known).values if known is not None else {Col.CELL: value}
    if row is not None and row < len(rows) and not rows[row].text(Col.CELL):
        rows[row] = CellRow({**filled, **rows[row].values, Col.CELL: value}, rows[row].kept)
    else:
        made = dict(filled)
        if table.batch and Col.BATCH not in made:
            made[Col.BATCH] = Value(table.batch, table.batch)
        rows.append(CellRow(made))
    return table.change(tr("cells", "scan {cell}").format(cell=text.strip()), rows)


def clear(table: CellsTable, rows: Collection[int], column: Col) -> Edit | None:
    """Return the edit that empties a column in some rows."""
    if column in READ_ONLY:
        return None
    made = [
        row.with_value(column, Value()) if place in set(rows) else row for place, row in enumerate(table.rows)
    ]
    return table.change(
        tr("cells", "empty {column}").format(column=tr("cells", columns.TITLES[column])), made
    )


def set_all(table: CellsTable, rows: Collection[int], column: Col, text: str) -> Edit | None:
    """Return the edit that gives a column the same text in some rows."""
    value, chosen = columns.read(column, text), set(rows)
    made = [row.with_value(column, value) if place in chosen else row for place, row in enumerate(table.rows)]
    return table.change(tr("cells", "edit {column}").format(column=tr("cells", columns.TITLES[column])), made)


def take(table: CellsTable, cells: Sequence[Cell], slots: dict[str, str]) -> Edit | None:
    """Return the edit that brings registered cells into the table, to be corrected or started. ``slots``: by cell."""
    here = {row.text(Col.CELL) for row in table.rows}
    new = [row_of(cell, slots.get(cell.cell_id, "")) for cell in cells if cell.cell_id not in here]
    return table.change(tr("cells", "take {n} cells").format(n=len(new)), (*table.rows, *new))


def rows_for(table: CellsTable, slots: Sequence[str]) -> Edit | None:
    """Return the edit that makes a row for each slot that has none yet."""
    here = {row.text(Col.SLOT) for row in table.rows}
    new = [CellRow({Col.SLOT: Value(slot, slot)}) for slot in slots if slot not in here]
    return table.change(tr("cells", "{n} slots").format(n=len(new)), (*table.rows, *new))


def put_in(table: CellsTable, row: int, slot: str) -> Edit | None:
    """Return the edit that puts a row's cell into a slot."""
    rows = list(table.rows)
    if row >= len(rows):
        return None
    rows[row] = rows[row].with_value(Col.SLOT, Value(slot, slot))
    return table.change(tr("cells", "slot {slot}").format(slot=slot), rows)


def told_of(row: CellRow, text: str) -> CellRow:
    """Return a row with what the station, or another person, said of it."""
    return replace(row, told=text)
