"""Values per gram and per area with the cell as the registry has it now; rows and stored summaries stay as they are.

A correction of area or mass is a new revision of the cell (F30, I12). What is divided by it follows at once: the stored
summary is scaled where that is exact, and computed anew from the rows where it is not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.rundata import analyse, facts_of_run
from labctl.errors import StoreError
from labctl.model.cell import Cell
from labctl.model.program import CellFacts
from labctl.store.runreader import RunReader

_SIDES = ("charging", "discharging")


def corrected_cycles(reader: RunReader, cell: Cell | None) -> dict[str, NDArray[Any]]:
    """Return the cycle summary by column with area and mass of ``cell``; as stored where it is None or says the same.

    Raises: StoreError where the run cannot be read.
    """
    columns = reader.cycles()
    if cell is None or not columns:
        return columns
    try:
        then = facts_of_run(reader)
    except StoreError:
        return columns  # a run without a program: nothing tells what its values were divided by
    now = replace(then, area_cm2=cell.effective_area_cm2, active_mass_mg=cell.active_mass_mg)
    if now == then:
        return columns
    if then.area_cm2 is None and now.area_cm2 is not None:
        return dict(analyse(reader, facts=now).cycles)
    return scaled(columns, then, now)


def scaled(columns: dict[str, NDArray[Any]], then: CellFacts, now: CellFacts) -> dict[str, NDArray[Any]]:
    """Return a summary computed with the facts ``then`` as it is with ``now``; an area known now was known then."""
    found = dict(columns)
    for side in _SIDES:
        capacity_Ah = columns[f"{side}_capacity_ah"]
        found[f"{side}_capacity_mah_per_g"] = _over(capacity_Ah * 1e6, now.active_mass_mg)
        found[f"{side}_capacity_mah_per_cm2"] = _over(capacity_Ah * 1e3, now.area_cm2)
    if then.area_cm2 is not None and now.area_cm2 is not None:
        found["area_resistance_ohm_cm2"] = columns["area_resistance_ohm_cm2"] * (now.area_cm2 / then.area_cm2)
    else:
        found["area_resistance_ohm_cm2"] = np.full(len(columns["cycle"]), np.nan)
    return found


def _over(values: NDArray[Any], what: float | None) -> NDArray[Any]:
    return np.full(len(values), np.nan) if what is None else values / what
