"""The cycles of one run as sweeps: voltage over charge, dQ/dV; which are drawn, in which unit, in which colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.curves import Curve
from labctl.analysis.dqdv import dqdv
from labctl.errors import UserInputError
from labctl.gui.viewmodels.acts import Asks
from labctl.gui.viewmodels.cyclecurves import CycleCurves, HalfCurve
from labctl.gui.viewmodels.plotchoice import Axis, PlotChoice, Tab
from labctl.gui.viewmodels.runcycles import RunCycles
from labctl.gui.viewmodels.units import units
from labctl.gui.viewmodels.words import tr
from labctl.model.cell import Cell

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """A half-cycle to draw. ``share`` is its place on the ramp, 0 first to 1 last; ``open`` = the cycle that runs."""

    cycle: int
    charging: bool
    x: Floats
    y: Floats
    share: float
    open: bool
    name: str


@dataclass(frozen=True, slots=True)
class Unit:
    """What an Ah is multiplied by, the unit that gives, and why it cannot be (mass or area missing)."""

    factor: float
    name: str
    why: str = ""


def charge_unit(axis: Axis, cell: Cell | None) -> Unit:
    """Return the unit of charge for an axis: as the person has chosen it."""
    if axis is Axis.PER_GRAM:
        mass_mg = None if cell is None else cell.active_mass_mg
        why = "" if mass_mg else tr("sweeps", "No active mass is registered: there is no capacity per gram.")
        scale = units.scale("Ah/g")
        return Unit(scale.factor * 1e3 / mass_mg if mass_mg else np.nan, scale.axis, why)
    if axis is Axis.PER_AREA:
        area_cm2 = None if cell is None else cell.effective_area_cm2
        why = "" if area_cm2 else tr("sweeps", "No area is registered: there is no capacity per area.")
        scale = units.scale("Ah/cm²")
        return Unit(scale.factor / area_cm2 if area_cm2 else np.nan, scale.axis, why)
    scale = units.scale("Ah")
    return Unit(scale.factor, scale.axis)


def preferred_axis(cell: Cell | None) -> Axis:
    """Return what a cell's charge is best divided by: mass, else area, else nothing."""
    axes = (Axis.PER_GRAM, Axis.PER_AREA)
    return next((axis for axis in axes if not charge_unit(axis, cell).why), Axis.CAPACITY)


class Sweeps:
    """The sweeps of the run that is shown. ``watch`` tells when others are to be drawn."""

    def __init__(self, asks: Asks, cycles: RunCycles, choice: PlotChoice) -> None:
        self._curves = CycleCurves(asks)
        self._cycles, self._choice = cycles, choice
        self._watchers: list[Callable[[], None]] = []
        self._dqdv: WeakKeyDictionary[HalfCurve, tuple[Floats, Floats]] = (
            WeakKeyDictionary()
        )  # gone with its curve
        self._taken: Any = None
        self._curves.watch(lambda run_id: self._tell())
        cycles.watch(self._take)

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def _take(self) -> None:
        if self._cycles.answer is not self._taken and len(self._cycles.table):
            self._taken = self._cycles.answer
            self._curves.take_cycles(self._cycles.run_id, self._cycles.answer)
        else:
            self._tell()

    @property
    def last(self) -> int:
        """Return the newest cycle that there are rows of."""
        return int(self._cycles.table.number[-1]) if len(self._cycles.table) else 0

    @property
    def problem(self) -> str:
        """Return why nothing can be drawn, in words; empty where it can or is awaited."""
        trouble = self._curves.troubles.get(self._cycles.run_id) or self._cycles.trouble
        return str(trouble) if trouble is not None else self._choice.listed(self.last).problem

    def drawn(self, cell: Cell | None) -> tuple[Sweep, ...]:
        """Return what is to be drawn of the chosen cycles; those that are not there yet are asked for."""
        chosen = self._choice.now
        listed = [
            cycle
            for cycle in self._choice.listed(self.last).cycles
            if not self._choice.curve(str(cycle)).hidden
        ]
        share = {cycle: place / max(1, len(listed) - 1) for place, cycle in enumerate(listed)}
        axis = chosen.axis if chosen.tab is not Tab.DQDV else self._dq_axis()
        factor = charge_unit(axis, cell).factor
        if not np.isfinite(factor):
            return ()
        found = []
        for half in self._curves.of(self._cycles.run_id, listed):
            x, y = self._xy(half, factor, chosen.tab)
            if len(x):
                name = self._choice.curve(str(half.cycle)).name or str(half.cycle)
                found.append(
                    Sweep(half.cycle, half.charging, x, y, share[half.cycle], half.cycle == self.last, name)
                )
        return tuple(found)

    def _dq_axis(self) -> Axis:
        return self._choice.now.axes.get(Tab.SWEEPS, self._choice.now.preferred)

    def dq_unit(self, cell: Cell | None) -> Unit:
        """Return the unit of the charge in dQ/dV: as chosen for V-Q, else mAh."""
        found = charge_unit(self._dq_axis(), cell)
        return charge_unit(Axis.CAPACITY, cell) if found.why else found

    def _xy(self, half: HalfCurve, factor: float, tab: Tab) -> tuple[Floats, Floats]:
        if tab is not Tab.DQDV:
            return half.capacity_Ah * factor, half.voltage_V
        known = self._dqdv.get(half)
        if known is None:
            try:
                made = dqdv(Curve(half.capacity_Ah, half.voltage_V))
                known = (made.voltage_V, made.dqdv_Ah_per_V)
            except UserInputError:
                known = (np.zeros(0), np.zeros(0))
            self._dqdv[half] = known
        return known[0], known[1] * factor
