"""How long a cell lived, told by its cycles: the study's two criteria for symmetric cells, to a cycle's length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labctl.analysis.life import (
    POLARISATION_ABOVE_V,
    SHORT_BELOW_OHM_CM2,
    LifeCriterion,
    life_by_polarisation,
    life_by_short,
)
from labctl.gui.viewmodels.text import THIN, figures
from labctl.gui.viewmodels.words import mark, tr

SHORT_CYCLES = 3
"""Cycles in a row; the study asks for five half-cycles, three cycles hold at least as many."""
COLUMNS = (
    "cycle",
    "start_time_second",
    "end_time_second",
    "area_resistance_ohm_cm2",
    "polarisation_volt",
    "complete",
)
CRITERION_WORDS: Mapping[LifeCriterion, str] = {
    LifeCriterion.SHORT: mark("lives", "short"),
    LifeCriterion.POLARISATION: mark("lives", "above 1 V"),
}


@dataclass(frozen=True, slots=True)
class CellLife:
    """A life in hours from the end of the opening rest; ``test_time_s`` is its end. Not reached: survived so far."""

    criterion: LifeCriterion
    life_h: float
    reached: bool
    test_time_s: float


def lives_of(columns: Mapping[str, Any]) -> dict[LifeCriterion, CellLife]:
    """Return the life by short and by polarisation of a cycle summary; empty where it does not say."""
    try:
        table = {name: np.asarray(columns[name]) for name in COLUMNS}
    except KeyError:
        return {}
    if not len(table["cycle"]):
        return {}
    table = {
        name: values.astype(bool if name == "complete" else np.float64) for name, values in table.items()
    }
    found = (life_by_short(table, in_a_row=_in_a_row(table)), life_by_polarisation(table))
    start_s = float(table["start_time_second"][0])
    return {
        one.criterion: CellLife(one.criterion, one.life_h, one.reached, start_s + one.life_h * 3600.0)
        for one in found
    }


def _in_a_row(table: Mapping[str, Any]) -> int:
    """Return how many shorted cycles count: fewer where the run was ended by them (2.5 cycles are five half-cycles)."""
    with np.errstate(invalid="ignore"):
        well = np.flatnonzero(~(table["area_resistance_ohm_cm2"] < SHORT_BELOW_OHM_CM2))
    trailing = len(table["cycle"]) - 1 - (int(well[-1]) if len(well) else -1)
    return min(SHORT_CYCLES, max(2, trailing)) if trailing else SHORT_CYCLES


def life_of(columns: Mapping[str, Any]) -> CellLife | None:
    """Return the life that ended first; where none has, the time survived; None where nothing is known."""
    found = lives_of(columns)
    ended = sorted((one for one in found.values() if one.reached), key=lambda one: one.life_h)
    return ended[0] if ended else next(iter(found.values()), None)


def life_text(life: CellLife | None) -> str:
    """Return ``160 h``, or ``> 500 h`` where it has not ended."""
    if life is None:
        return "-"
    return f"{'' if life.reached else '> '}{figures(life.life_h, 3)}{THIN}h"


def life_word(life: CellLife) -> str:
    """Return what ended it and when: ``short 160 h``."""
    return f"{tr('lives', CRITERION_WORDS[life.criterion])} {life_text(life)}"


def criteria() -> tuple[str, ...]:
    """Return the criteria in words."""
    return (
        tr("lives", "hard short: area resistance below {r} Ω cm² in {n} cycles").format(
            r=figures(SHORT_BELOW_OHM_CM2, 2), n=SHORT_CYCLES
        ),
        tr("lives", "polarisation above {v} V").format(v=figures(POLARISATION_ABOVE_V, 1)),
    )
