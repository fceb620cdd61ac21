"""Capacity and coulombic efficiency by cycle, or overpotential for a cell that rests at 0 V: what is drawn of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from labctl.gui.viewmodels.plotchoice import Axis, PlotChoice, Tab
from labctl.gui.viewmodels.predicted import Prediction
from labctl.gui.viewmodels.runcycles import CycleTable
from labctl.gui.viewmodels.sweeps import charge_unit
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import Cell, CellKind

Floats = NDArray[np.float64]
KEPT_SHARE = 0.8
"""The end of a life by the usual word: so much of the first cycle's capacity."""


@dataclass(frozen=True, slots=True, eq=False)
class CycleFigure:
    """What the plot by cycle shows. Arrays (n,); ``right`` empty = no second axis; ``level`` NaN = no line."""

    title: str
    x: Floats
    left: Floats
    left_name: str
    left_quantity: str
    left_unit: str
    right: Floats
    right_name: str = ""
    level: float = float("nan")
    level_text: str = ""
    now: int = 0
    last: int = 0
    """The cycle up to which the program goes, 0 where it does not say."""
    predicted_x: Floats = field(default_factory=lambda: np.zeros(0))
    predicted: Floats = field(default_factory=lambda: np.zeros(0))


def cycle_figure(
    table: CycleTable, cell: Cell | None, choice: PlotChoice, now: int, last: int,
    prediction: Prediction | None = None,
) -> CycleFigure:  # fmt: skip
    """Return the figure of a run's cycles; charges per gram where a mass is registered, else per area, else raw."""
    whole = np.where(table.complete == 0.0, np.nan, 1.0)  # a cycle that still runs has no figures yet
    symmetric = cell is not None and cell.kind is CellKind.SYMMETRIC
    column = "polarisation_volt" if symmetric else "discharging_capacity_ah"
    foreseen = (np.zeros(0), np.zeros(0)) if prediction is None else prediction.by_cycle(column)
    if symmetric:
        return CycleFigure(
            tr("channel", "overpotential by cycle"), table.number, table.overpotential_V * 1e3 * whole,
            tr("channel", "overpotential"), tr("channel", "overpotential"), "mV", np.zeros(0), now=now, last=last,
            predicted_x=foreseen[0], predicted=foreseen[1] * 1e3,
        )  # fmt: skip
    axis = choice.now.axes.get(Tab.SWEEPS, choice.now.preferred)
    unit = next(found for found in (charge_unit(axis, cell), charge_unit(Axis.PER_GRAM, cell),
                                    charge_unit(Axis.PER_AREA, cell), charge_unit(Axis.CAPACITY, cell))
                if not found.why)  # fmt: skip
    left = table.discharged_Ah * unit.factor * whole
    good = left[np.isfinite(left) & (left > 0)]
    level = float(good[0]) * KEPT_SHARE if len(good) else float("nan")
    return CycleFigure(
        tr("channel", "capacity and coulombic efficiency by cycle"), table.number, left, "Q dis", "Q", unit.name,
        table.efficiency * 100.0 * whole, "CE", level, tr("channel", "80 % of cycle 1"), now, last,
        foreseen[0], foreseen[1] * unit.factor,
    )  # fmt: skip


TREND_CYCLES = 30
"""So many of the newest cycles tell where the capacity is going."""
TREND_LEAST = 8
FAR_CYCLES = 5000


def life_words(figure: CycleFigure, table: CycleTable, plant_utc: datetime) -> str:
    """Return when the capacity will be at 80 % of the first cycle's by its trend, as a sentence; empty without one."""
    good = np.isfinite(figure.left)
    x, y = figure.x[good][-TREND_CYCLES:], figure.left[good][-TREND_CYCLES:]
    if not np.isfinite(figure.level) or len(x) < TREND_LEAST or y[-1] <= figure.level:
        return ""
    slope, offset = np.polyfit(x, y, 1)
    if slope >= 0:
        return ""
    cycle = float((figure.level - offset) / slope)
    if not x[-1] < cycle < FAR_CYCLES:
        return ""
    length_s = float(np.median((table.end_s - table.start_s)[good][-TREND_CYCLES:]))
    when = (plant_utc + timedelta(seconds=length_s * (cycle - x[-1]))).astimezone()
    told = tr("channel", "80 % of cycle 1: expected at cycle {n}, {date}")
    return told.format(n=round(cycle), date=f"{when:%Y-%m-%d}")
