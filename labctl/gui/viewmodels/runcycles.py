"""The cycles of one run as arrays: capacity by cycle, end voltages for the strip, places on the time axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.lab import Lab, Place

Floats = NDArray[np.float64]
AGAIN_S = 5.0
"""Link seconds between two questions: a fast virtual bench closes many cycles in one."""
OPEN_S = 30.0
"""The open cycle grows: its figures are asked for again after so many link seconds."""
LAST_CYCLES = 3
"""So many cycles are shown while the newest point is followed."""
OPENING_S = 6 * 3600.0
"""What is shown of a run that has no cycle yet, s of test time."""
_NAMES: Mapping[str, str] = {
    "number": "cycle", "start_s": "start_time_second", "end_s": "end_time_second", "first": "first_sequence",
    "last": "last_sequence", "discharged_Ah": "discharging_capacity_ah", "charged_Ah": "charging_capacity_ah",
    "efficiency": "coulombic_efficiency", "overpotential_V": "polarisation_volt",
    "charge_end_V": "charging_end_voltage_volt", "discharge_end_V": "discharging_end_voltage_volt",
    "retention": "retention", "complete": "complete",
}  # fmt: skip


def _none() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class CycleTable:
    """One row per cycle, oldest first. Shape (n,) each; Ah, fractions, volts, test time in s; NaN unknown."""

    number: Floats = field(default_factory=_none)
    start_s: Floats = field(default_factory=_none)
    end_s: Floats = field(default_factory=_none)
    first: Floats = field(default_factory=_none)
    last: Floats = field(default_factory=_none)
    discharged_Ah: Floats = field(default_factory=_none)
    charged_Ah: Floats = field(default_factory=_none)
    efficiency: Floats = field(default_factory=_none)
    overpotential_V: Floats = field(default_factory=_none)
    charge_end_V: Floats = field(default_factory=_none)
    discharge_end_V: Floats = field(default_factory=_none)
    retention: Floats = field(default_factory=_none)
    complete: Floats = field(default_factory=_none)

    def __len__(self) -> int:
        return len(self.number)

    def newest_end_s(self) -> float:
        """Return where the newest row known here lies, 0 without cycles."""
        return float(self.end_s[-1]) if len(self) else 0.0

    def span_s(self, cycles: int = LAST_CYCLES) -> float:
        """Return how long the last ``cycles`` cycles took together; the opening of a run without cycles."""
        if not len(self):
            return OPENING_S
        first = max(0, len(self) - cycles)
        found = float(self.end_s[-1] - self.start_s[first])
        return found if found > 0 else OPENING_S

    def rows_between(self, begin_s: float, end_s: float, newest: int, newest_s: float) -> tuple[int, int]:
        """Return the first and last row (sequence) of the cycles that a window of test time touches.

        ``newest`` is the newest row of the run and ``newest_s`` its test time: the open cycle ends there.
        """
        first = int(np.searchsorted(self.start_s, begin_s, side="right")) - 1
        low = 1 if first < 0 else int(self.first[first])
        after = int(np.searchsorted(self.start_s, end_s))
        high = newest if after >= len(self) or end_s >= newest_s else int(self.first[after]) - 1
        return low, max(low, high)

    def along(self, time_s: Floats) -> Floats:
        """Return moments of test time as places on an axis of cycles: 3.5 is the middle of cycle 3."""
        knots, places = self._knots()
        return np.asarray(np.interp(time_s, knots, places), dtype=np.float64)

    def time_at(self, place: float) -> float:
        """Return the moment of test time at a place on the axis of cycles."""
        knots, places = self._knots()
        return float(np.interp(place, places, knots))

    def _knots(self) -> tuple[Floats, Floats]:
        if not len(self):
            return np.array([0.0, OPENING_S]), np.array([0.0, 1.0])
        knots = np.concatenate((self.start_s, self.end_s[-1:]))
        places = np.concatenate((self.number, self.number[-1:] + 1.0))
        knots = np.maximum.accumulate(knots)
        rising = np.concatenate(([True], np.diff(knots) > 0))
        return knots[rising], places[rising]


def table_of(answer: Mapping[str, Any]) -> CycleTable:
    """Return the summary of a run (columns, or a frame) as arrays; columns that it does not have are NaN."""
    try:
        count = len(answer["cycle"])
    except KeyError:
        return CycleTable()
    found = {}
    for name, column in _NAMES.items():
        try:
            values = answer[column]
        except KeyError:
            values = np.full(count, np.nan)
        found[name] = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return CycleTable(**found)


class RunCycles:
    """The cycles of the run that is shown, kept current. ``watch`` tells of changes."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab, self._asks = lab, asks
        self._watchers: list[Callable[[], None]] = []
        self._asked_s = -np.inf
        self._outstanding = False
        self._cycle = -1
        self.run_id = ""
        self.table = CycleTable()
        self.answer: Mapping[str, Any] = {}
        self.trouble: Trouble | None = None
        self._unwatch = lab.watch({"channel", "link"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def show(self, run_id: str) -> None:
        """Show a run; empty = none."""
        if run_id == self.run_id:
            return
        self.run_id, self.table, self.answer, self.trouble = run_id, CycleTable(), {}, None
        self._asked_s, self._outstanding, self._cycle = -np.inf, False, -1
        self._ask()
        self._tell()

    def refresh(self) -> None:
        """Ask again where a cycle has closed since; cheap to call at every tick."""
        old = self._lab.now_s - self._asked_s > OPEN_S
        if self.run_id and (old or self._now_cycle() != self._cycle):
            self._ask()

    def _now_cycle(self) -> int:
        statuses = (one for one in self._lab.channels.values() if one.run_id == self.run_id)
        return max((status.cycle for status in statuses), default=0)

    def _ask(self) -> None:
        waits = self._outstanding or self._lab.now_s - self._asked_s < AGAIN_S
        if not self.run_id or waits or not self._lab.link.live:
            return
        self._outstanding, self._asked_s, self._cycle = True, self._lab.now_s, self._now_cycle()
        self._asks.ask("runs.cycles", self.run_id, then=partial(self._take, self.run_id),
                       failed=partial(self._failed, self.run_id), deadline_s=30.0)  # fmt: skip

    def _take(self, run_id: str, answer: Mapping[str, Any]) -> None:
        if run_id == self.run_id:
            self._outstanding, self.trouble = False, None
            self.table, self.answer = table_of(answer), answer
            self._tell()

    def _failed(self, run_id: str, trouble: Trouble) -> None:
        if run_id == self.run_id:
            self._outstanding, self.trouble, self._cycle = False, trouble, -1
            self._tell()

    def _changed(self, places: frozenset[Place]) -> None:
        self.refresh()

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()


class AlongCycles:
    """A trace over test time drawn along an axis of cycles; answers in any thread."""

    def __init__(self, trace: Any, table: CycleTable) -> None:
        """Take a trace (``columns``) and the table that places it; a new table needs a new one of these."""
        self._trace, self._table = trace, table

    def columns(self, begin: float, end: float, width_px: int) -> Any:
        """Return the columns between two places on the axis of cycles."""
        low = self._table.time_at(begin) if np.isfinite(begin) else begin
        high = self._table.time_at(end) if np.isfinite(end) else end
        found = self._trace.columns(low, high, width_px)
        gaps = self._table.along(found.gaps.ravel()).reshape(-1, 2)
        return type(found)(self._table.along(found.x), found.low, found.high, found.first, found.last, found.flags,
                           gaps)  # fmt: skip

    def pump(self) -> None:
        """Have the trace ask for what was looked at."""
        self._trace.pump()
