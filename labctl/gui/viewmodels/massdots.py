"""Masses of a table by type, on one logarithmic axis: a slip of the point is seen before it is read (U03)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from labctl.gui.viewmodels.cellcolumns import KIND_WORDS, Col
from labctl.gui.viewmodels.cells import CellsTable
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import CellKind

STEPS = (1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Dot:
    """One cell: its mass, and whether it is asked about."""

    cell: str
    mass_mg: float
    asked: bool


@dataclass(frozen=True, slots=True)
class DotRow:
    """The cells of one type with the median of those that nobody doubts."""

    kind: str
    dots: tuple[Dot, ...]
    median_mg: float


@dataclass(frozen=True, slots=True)
class MassDots:
    """The whole figure: rows, and the axis from ``low_mg`` to ``high_mg`` with its ticks."""

    rows: tuple[DotRow, ...] = ()
    low_mg: float = 0.5
    high_mg: float = 20.0
    ticks_mg: tuple[float, ...] = ()


def mass_dots(table: CellsTable) -> MassDots:
    """Return the figure of a table."""
    found: dict[str, list[Dot]] = {}
    for place, row in enumerate(table.rows):
        mass_mg = row.number(Col.MASS)
        if mass_mg is not None and mass_mg > 0:
            kind = row.text(Col.KIND)
            dot = Dot(row.text(Col.CELL), mass_mg, table.doubt(place, Col.MASS) is not None)
            found.setdefault(kind, []).append(dot)
    if not found:
        return MassDots()
    masses = [dot.mass_mg for dots in found.values() for dot in dots]
    low_mg, high_mg = _nice(min(masses) / 1.5, up=False), _nice(max(masses) * 1.5, up=True)
    rows = tuple(DotRow(_word(kind), tuple(dots), _median(dots)) for kind, dots in found.items())
    return MassDots(rows, low_mg, high_mg, ticks(low_mg, high_mg))


def _word(kind: str) -> str:
    if not kind:
        return "?"
    word = KIND_WORDS[CellKind(kind)]
    return tr("cells", word) if word == "other" else word


def _median(dots: list[Dot]) -> float:
    return median([dot.mass_mg for dot in dots if not dot.asked] or [dot.mass_mg for dot in dots])


def _nice(value: float, *, up: bool) -> float:
    """Return the next 1, 2 or 5 above or below a value."""
    power = 10.0 ** math.floor(math.log10(value))
    steps = [power * step for step in (*STEPS, 10.0)]
    return (
        next(step for step in steps if step >= value) if up else [step for step in steps if step <= value][-1]
    )


def ticks(low_mg: float, high_mg: float) -> tuple[float, ...]:
    """Return ticks at 1, 2, 5; decades alone where that would be more than eight."""
    powers = range(math.floor(math.log10(low_mg)), math.ceil(math.log10(high_mg)) + 1)
    inside = [10.0**power * step for power in powers for step in STEPS
              if low_mg * 0.999 <= 10.0**power * step <= high_mg * 1.001]  # fmt: skip
    if len(inside) <= 8:
        return tuple(inside)
    return tuple(value for value in inside if round(math.log10(value), 6).is_integer())
