"""The sweeps of a run: what is drawn of a cycle that runs is of its newest rows."""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np

from labctl.analysis.curves import Curve
from labctl.analysis.dqdv import dqdv
from labctl.gui.viewmodels.plotchoice import PlotChoice, Tab
from labctl.gui.viewmodels.runcycles import OPEN_S, RunCycles
from labctl.gui.viewmodels.sweeps import Sweep, Sweeps
from labctl.model.record import CHARGE_CODES
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab


class GrowingCycle:
    """A station whose only cycle has more rows, and another voltage, each time it is asked."""

    def __init__(self) -> None:
        self.rows = 400

    def cycles(self, run_id: str, **words: Any) -> dict[str, list[float]]:
        self.rows += 20
        return {"cycle": [1], "first_sequence": [1], "last_sequence": [self.rows]}

    def records(self, run_id: str, **words: Any) -> dict[str, np.ndarray[Any, Any]]:
        at = np.arange(self.rows, dtype=np.float64)
        return {
            "sequence": at + 1,
            "voltage_volt": 3.0 + 1e-3 * at + 1e-4 * self.rows,
            "step_type": np.full(self.rows, float(CHARGE_CODES[0])),
            "step_count": np.ones(self.rows),
            "step_capacity_ah": 1e-6 * at * (1.0 + at / 1e3),
            "quality": np.zeros(self.rows),
        }


def test_the_derivative_of_the_open_cycle_is_of_its_newest_rows_and_goes_with_them() -> None:
    station, clock = GrowingCycle(), TurnedClock()
    asks = FakeAsks({"runs.cycles": station.cycles, "runs.records": station.records})
    choice = PlotChoice()
    cycles = RunCycles(a_lab(clock), asks)
    sweeps = Sweeps(asks, cycles, choice)
    cycles.show("run-1")

    def drawn(tab: Tab) -> Sweep:
        edit = choice.show_tab(tab)
        assert edit is not None
        edit.redo()
        sweeps.drawn(None)  # asks for what is not there
        (found,) = sweeps.drawn(None)
        return found

    before: list[ref[Any]] = []
    for _ in range(3):
        clock.s += OPEN_S + 1
        cycles.refresh()
        charge = drawn(Tab.SWEEPS)
        found = drawn(Tab.DQDV)
        expected = dqdv(Curve(charge.x / 1e3, charge.y))
        np.testing.assert_allclose(found.x, expected.voltage_V)
        np.testing.assert_allclose(found.y, expected.dqdv_Ah_per_V * 1e3, rtol=1e-6)
        assert all(one() is None for one in before), (
            "kept by the address of a curve, it would be taken for another"
        )
        before.append(ref(found.x))
        del found
