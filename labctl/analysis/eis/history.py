"""Follow a cell's resistances over the cycles of a run: R_b, R_SEI and R_ct with their intervals.

Each fit begins at the values of the same cell's spectrum before, which saves half of the steps and keeps the two arcs
from changing places; where that ends worse, the spectrum's own guess is tried too (``cell.analyse``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.eis.cell import CellImpedance, Outcome, analyse
from labctl.analysis.eis.circuit import Circuit
from labctl.analysis.eis.fit import Estimate, Weighting
from labctl.model.spectrum import FloatArray, Spectrum


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One resistance over a history: value and 95 % interval, NaN where a spectrum does not give it. Shapes: (n,)."""

    value_ohm: FloatArray
    low_ohm: FloatArray
    high_ohm: FloatArray

    @classmethod
    def of(cls, estimates: Iterable[Estimate | None]) -> Track:
        """Make a track of estimates."""
        rows = [(math.nan,) * 3 if one is None else (one.value, one.low, one.high) for one in estimates]
        value_ohm, low_ohm, high_ohm = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        return cls(value_ohm, low_ohm, high_ohm)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """A cell's resistances by cycle, in the order of the spectra. Shapes: (n,).

    ``cycle`` is NaN where a spectrum does not know its own. ``separate`` tells where R_SEI and R_ct may be believed one
    by one (``cell``); elsewhere only ``interfaces`` may.
    """

    cell_id: str
    cycle: FloatArray
    outcome: tuple[Outcome, ...]
    bulk: Track
    sei: Track
    ct: Track
    interfaces: Track
    separate: tuple[bool, ...]


def analyse_all(
    spectra: Sequence[Spectrum], circuit: Circuit | None = None, *, weighting: Weighting | None = None
) -> tuple[CellImpedance, ...]:
    """Return what each spectrum says, in the given order; each begins at its cell's last one that was fitted.

    Spectra that name no cell may be of as many cells: each stands for itself.
    """
    last: dict[str, CellImpedance] = {}
    results = []
    for spectrum in spectra:
        cell_id = spectrum.head.cell_id
        result = analyse(spectrum, circuit, before=last.get(cell_id), weighting=weighting)
        if cell_id and result.outcome is Outcome.FITTED:
            last[cell_id] = result
        results.append(result)
    return tuple(results)


def histories(results: Sequence[CellImpedance]) -> tuple[History, ...]:
    """Return the history of each cell, in the order in which the cells first appear."""
    by_cell: dict[str, list[CellImpedance]] = {}
    for result in results:
        by_cell.setdefault(result.head.cell_id, []).append(result)
    return tuple(_history(cell_id, some) for cell_id, some in by_cell.items())


def _history(cell_id: str, results: list[CellImpedance]) -> History:
    cycles = [math.nan if one.head.cycle is None else float(one.head.cycle) for one in results]
    return History(
        cell_id=cell_id,
        cycle=np.array(cycles),
        outcome=tuple(one.outcome for one in results),
        bulk=Track.of(one.bulk for one in results),
        sei=Track.of(one.sei for one in results),
        ct=Track.of(one.ct for one in results),
        interfaces=Track.of(one.interfaces for one in results),
        separate=tuple(one.separate for one in results),
    )
