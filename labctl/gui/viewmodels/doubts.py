"""A value that looks wrong is asked about once, in its row: more than three times off the others, or three sigma (U03).

The rule is that of the station's own import, so that both ask about the same values.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from labctl.gui.viewmodels.cellcolumns import KIND_WORDS, NUMBERS, TITLES, Col
from labctl.gui.viewmodels.text import figures
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import Cell, CellKind

if TYPE_CHECKING:
    from labctl.gui.viewmodels.cells import CellRow

RATIO_MAX = 3.0
SIGMA_MAX = 3.0
SIGMA_MEMBERS_MIN = 8
SIGMA_RATIO_MIN = 1.1
MEMBERS_MIN = 3
"""Cells of one kind and batch that it takes to say what is usual."""
SLIPS = (10.0, 100.0, 1e3, 1e6)
ASKED = (Col.MASS, Col.AREA, Col.ONE_C)


@dataclass(frozen=True, slots=True)
class Doubt:
    """One question: the value, what is usual, and a number that would fit (a slip of the point or the unit)."""

    value: float
    usual: float
    ratio: float
    others: int
    suggestion: float | None
    text: str
    short: str


def doubts(rows: Sequence[CellRow], registered: Collection[Cell]) -> dict[tuple[int, Col], Doubt]:
    """Return the doubts of a table, by row and column; those that a person has answered are left out."""
    found: dict[tuple[int, Col], Doubt] = {}
    here = {row.text(Col.CELL) for row in rows}
    for column in ASKED:
        groups: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for place, row in enumerate(rows):
            value = row.number(column)
            if value is not None:
                groups.setdefault((row.text(Col.BATCH), row.text(Col.KIND)), []).append((place, value))
        for (batch, kind), members in groups.items():
            known = [getattr(cell, column.value) for cell in registered
                     if batch and cell.batch == batch and cell.kind == kind and cell.cell_id not in here]  # fmt: skip
            outside = [float(value) for value in known if value is not None]
            for place, value in members:
                others = outside + [other for where, other in members if where != place]
                if column in rows[place].kept or len(others) + 1 < MEMBERS_MIN:
                    continue
                doubt = _doubt(column, kind, value, others)
                if doubt is not None:
                    found[place, column] = doubt
    return found


def _doubt(column: Col, kind: str, value: float, others: list[float]) -> Doubt | None:
    usual = median([value, *others])
    if usual <= 0 or value <= 0:
        return None
    ratio = max(value / usual, usual / value)
    if ratio <= RATIO_MAX and not _beyond_sigma(value, usual, ratio, [value, *others]):
        return None
    suggestion = None
    for slip in SLIPS:
        fitting = value / slip if value > usual else value * slip
        if ratio > RATIO_MAX and abs(math.log(fitting / usual)) < math.log(1.5):
            suggestion = float(f"{fitting:.9g}")
            break
    rest = median(others)
    times = figures(value / rest, 3)
    words = KIND_WORDS[CellKind(kind)] if kind else tr("cells", "other")
    told = tr(
        "cells",
        "{title} {value}: {times} × the median of the other {kind} cells in this batch ({usual}, n = {n}).",
    )
    digits = NUMBERS[column][1] + 1
    text = told.format(title=tr("cells", TITLES[column]), value=figures(value, digits), times=times, kind=words,
                       usual=figures(rest, digits), n=len(others))  # fmt: skip
    return Doubt(
        value,
        usual,
        ratio,
        len(others),
        suggestion,
        text,
        tr("cells", "{times} × median?").format(times=times),
    )


def _beyond_sigma(value: float, usual: float, ratio: float, members: list[float]) -> bool:
    if len(members) < SIGMA_MEMBERS_MIN or ratio < SIGMA_RATIO_MIN:
        return False
    sigma = 1.4826 * median(abs(member - usual) for member in members)
    return abs(value - usual) > SIGMA_MAX * sigma
