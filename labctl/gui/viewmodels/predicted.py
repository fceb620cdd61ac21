"""The curve that a rehearsal of the protocol predicts for a run: asked of the station, laid on the starts of cycles.

Prediction and run drift apart by the seconds that real steps take longer; laid on each cycle's own start, what differs
within the cycle can be seen. Behind the newest cycle the prediction goes on as it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.lab import Lab, Place
from labctl.gui.viewmodels.runcycles import CycleTable
from labctl.gui.viewmodels.words import tr
from labctl.model.prediction import Prediction as Answer
from labctl.model.prediction import PredictionState

Floats = NDArray[np.float64]
AGAIN_S = 3.0
"""Link seconds between two questions while it is being made; the station's event is faster."""
READY_EVENT = "run.predicted"


class Standing(StrEnum):
    """How the predicted curve stands."""

    NONE = "none"
    PENDING = "pending"
    THERE = "there"
    MISSING = "missing"


class Prediction:
    """The predicted curve of the run that is shown. ``watch`` tells of changes; ``why`` says why there is none."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab, self._asks = lab, asks
        self._watchers: list[Callable[[], None]] = []
        self._answer = Answer(PredictionState.PENDING)
        self._aligned: tuple[CycleTable, tuple[Floats, Floats]] | None = None
        self._outstanding, self._asked_s = False, -np.inf
        self.run_id = ""
        self.state = Standing.NONE
        self.why = ""
        self._unwatch = lab.watch({"event", "link"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def show(self, run_id: str) -> None:
        """Show a run's prediction."""
        if run_id == self.run_id:
            return
        self.run_id, self._aligned, self._outstanding = run_id, None, False
        self.state, self.why = (Standing.PENDING if run_id else Standing.NONE), ""
        self._asked_s = -np.inf
        self.refresh()
        self._tell()

    def refresh(self) -> None:
        """Ask again while it is being made; cheap to call at every tick."""
        waits = self._outstanding or self._lab.now_s - self._asked_s < AGAIN_S
        if self.state is Standing.PENDING and not waits and self._lab.link.live:
            self._outstanding, self._asked_s = True, self._lab.now_s
            self._asks.ask("runs.predicted", self.run_id, then=partial(self._take, self.run_id),
                           failed=partial(self._failed, self.run_id))  # fmt: skip

    def _changed(self, places: frozenset[Place]) -> None:
        if any(key == READY_EVENT for _, key in places):
            self._asked_s = -np.inf
        self.refresh()

    def _take(self, run_id: str, answer: Answer) -> None:
        if run_id != self.run_id:
            return
        self._outstanding, self._answer, self._aligned = False, answer, None
        if answer.state is PredictionState.READY and answer.columns.get("test_time_s"):
            self.state, self.why = Standing.THERE, ""
        elif answer.state is not PredictionState.PENDING:
            self.state = Standing.MISSING
            self.why = answer.reason or tr("predicted", "There is no prediction for this cell and protocol.")
        self._tell()

    def _failed(self, run_id: str, trouble: Trouble) -> None:
        if run_id == self.run_id:
            self._outstanding, self.state, self.why = False, Standing.MISSING, str(trouble)
            self._tell()

    @property
    def told(self) -> str:
        """Return what the prediction was made with, for a tooltip; empty without one."""
        if self.state is not Standing.THERE:
            return ""
        told = tr("predicted", "rehearsal on a twin of the cell: {twin}").format(twin=self._answer.twin)
        return told if self._answer.whole else told + tr("predicted", "; cut off by its time limit")

    def by_cycle(self, column: str) -> tuple[Floats, Floats]:
        """Return cycle numbers and a column of the predicted summary (names as of ``runs.cycles``); empty without."""
        cycles = self._answer.cycles if self.state is Standing.THERE else {}
        if "cycle" not in cycles or column not in cycles:
            return np.zeros(0), np.zeros(0)
        return _array(cycles["cycle"]), _array(cycles[column])

    def aligned(self, table: CycleTable) -> tuple[Floats, Floats] | None:
        """Return test time in s and volts, each cycle laid on its own start, NaN between cycles; None without one."""
        if self.state is not Standing.THERE:
            return None
        if self._aligned is None or self._aligned[0] is not table:
            self._aligned = (table, self._laid(table))
        return self._aligned[1]

    def _laid(self, table: CycleTable) -> tuple[Floats, Floats]:
        columns = self._answer.columns
        time_s, volts = _array(columns["test_time_s"]), _array(columns["voltage_V"])
        number, begin_s = self._cycle_starts(time_s)
        starts = dict(zip(table.number.tolist(), table.start_s.tolist(), strict=True))
        # What lies before the first cycle (an opening rest) goes with it.
        part = np.maximum(np.searchsorted(begin_s, time_s, side="right") - 1, 0)
        parts_s, parts_V = [], []
        shift_s = 0.0
        for place in np.unique(part).tolist():
            cycle = float(number[place])
            own_s = starts.get(cycle)
            shift_s = own_s - float(begin_s[place]) if own_s is not None else shift_s
            moved, values = time_s[part == place] + shift_s, volts[part == place]
            kept = moved < starts.get(cycle + 1.0, np.inf)
            moved, values = moved[kept], values[kept]
            parts_s += [moved, moved[-1:]]
            parts_V += [values, np.full(min(1, len(values)), np.nan)]
        found_s = np.maximum.accumulate(np.concatenate(parts_s)) if parts_s else np.zeros(0)
        return found_s, np.concatenate(parts_V) if parts_V else np.zeros(0)

    def _cycle_starts(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Return the predicted cycles and when each begins: as the predicted summary says, else as its rows do."""
        cycles = self._answer.cycles
        if len(cycles.get("cycle", ())) and "start_time_second" in cycles:  # a rest alone closes no cycle
            return _array(cycles["cycle"]), _array(cycles["start_time_second"])
        row_cycle = _array(self._answer.columns["cycle"])
        begins = np.flatnonzero(np.concatenate(([True], np.diff(row_cycle) != 0)))
        return row_cycle[begins], time_s[begins]


def _array(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
