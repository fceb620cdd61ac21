"""What the rows of a cells table mean at the station as it is: worked out once, asked for each row many times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from labctl.gui.viewmodels.cellcolumns import ONE_C_DEFAULTS, Col
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.places import cabinet
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId

if TYPE_CHECKING:
    from labctl.gui.viewmodels.cells import CellRow

CurrentOf = Callable[[str, Cell], float | None]
"""Returns the set current of a protocol for a cell, A; None where it cannot be told."""


class Meaning:
    """The meaning of one state of rows and station: thrown away when either changes, never changed itself."""

    def __init__(self, rows: Sequence[CellRow], lab: Lab, current_of: CurrentOf) -> None:
        self._rows, self._lab, self._current_of = rows, lab, current_of
        self._made: dict[int, Cell | None] = {}
        self._currents_A: dict[int, float | None] = {}

    @cached_property
    def _slots(self) -> dict[str, str]:
        """Return the channel of each slot, by its label and by the channel's own name."""
        labels = cabinet(self._lab.channels)
        return {labels.label(name): name for name in reversed(labels.order)} | {
            name: name for name in self._lab.channels
        }

    def channel_of(self, row: CellRow) -> str:
        """Return the channel of a row's slot, empty where there is none."""
        return self._slots.get(row.text(Col.SLOT), "")

    @cached_property
    def taken(self) -> Counter[str]:
        """Return how many rows want each channel."""
        return Counter(self.channel_of(row) for row in self._rows)

    def made(self, place: int) -> Cell | None:
        """Return the cell that a row registers, None while its id or type is missing or bad."""
        if place not in self._made:
            self._made[place] = _cell_of(self._rows[place], self._lab)
        return self._made[place]

    def current_A(self, place: int) -> float | None:
        """Return the absolute set current that the row's protocol means for its cell."""
        if place not in self._currents_A:
            protocol, cell = self._rows[place].text(Col.PROTOCOL), self.made(place)
            self._currents_A[place] = (
                self._current_of(protocol, cell) if cell is not None and protocol else None
            )
        return self._currents_A[place]

    def current_with(self, place: int, column: Col, value: float) -> float | None:
        """Return the set current that another value in a column would mean, A."""
        protocol, cell = self._rows[place].text(Col.PROTOCOL), self.made(place)
        if cell is None or not protocol:
            return None
        changed: dict[str, float] = {column.value: value}
        return self._current_of(protocol, replace(cell, **changed))  # type: ignore[arg-type]  # a column of numbers


def default_one_c(row: CellRow) -> float | None:
    """Return the 1C current that a row's kind of cell has where none is given, mA/g; None without kind or mass."""
    kind, mass = row.text(Col.KIND), row.number(Col.MASS)
    return ONE_C_DEFAULTS.get(CellKind(kind)) if kind and mass is not None else None


def _cell_of(row: CellRow, lab: Lab) -> Cell | None:
    name = row.text(Col.CELL)
    known = lab.cells.get(name)
    kind = row.text(Col.KIND) or ("" if known is None else known.kind.value)
    if not name or not kind:
        return None
    base = known or Cell(CellId(name), name, CellKind(kind))
    changes: dict[str, object] = {}
    for column in (Col.MASS, Col.AREA, Col.ONE_C, Col.OCV):
        if (value := row.number(column)) is not None:
            changes[column.value] = value
    for column in (Col.GROUP, Col.BATCH, Col.NOTE):
        if row.text(column):
            changes[column.value] = row.text(column)
    if base.one_c_mA_per_g is None and Col.ONE_C.value not in changes and (default := default_one_c(row)):
        changes[Col.ONE_C.value] = default
    return replace(base, kind=CellKind(kind), **changes)  # type: ignore[arg-type]  # by name, typed by the columns
