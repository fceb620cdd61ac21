"""Single cycles of runs: V over capacity, dQ/dV, overlays; which cycles, cut out of the rows, kept within bounds."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.curves import curve, thinned
from labctl.gui.viewmodels.acts import Asks, Trouble, TroubleKind
from labctl.gui.viewmodels.parsing import plain
from labctl.gui.viewmodels.sparks import columns_of
from labctl.gui.viewmodels.words import tr
from labctl.model.record import CHARGE_CODES, DISCHARGE_CODES, RecordBlock

Floats = NDArray[np.float64]
ROWS_MAX = 100_000
CURVES_MAX = 512
"""Half-cycles kept; at most 4 x ``COLUMNS`` points each."""
COLUMNS = 1000
OUTSTANDING_MAX = 3
LISTED_MAX = 64
ROW_COLUMNS = ("sequence", "voltage_volt", "step_type", "step_count", "step_capacity_ah", "quality")
_RANGE = re.compile(r"(\d+)(?::(\d+))?(?::(\d+))?")


@dataclass(frozen=True, slots=True)
class CycleList:
    """Cycles that a person named, in order, each once; ``problem`` says what could not be read."""

    cycles: tuple[int, ...] = ()
    problem: str = ""


def cycle_list(text: str, last: int | None = None) -> CycleList:
    """Read ``1,2,5,10:100:10`` (first:last:step, R9); ``last`` cuts off what is not there yet."""
    found: dict[int, None] = {}
    for part in re.split(r"[,; ]+", plain(text)):
        if not part:
            continue
        match = _RANGE.fullmatch(part)
        if match is None:
            return CycleList(
                problem=tr("cycles", "“{part}” is no cycle; write 1,2,5 or 10:100:10.").format(part=part)
            )
        first, end, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if first < 1 or end < first or step < 1:
            return CycleList(problem=tr("cycles", "“{part}” names no cycle.").format(part=part))
        top = end if last is None else min(end, last)
        for cycle in range(first, top + 1, step):
            found[cycle] = None
            if len(found) > LISTED_MAX:
                told = tr("cycles", "More than {n} cycles; choose fewer, for example every tenth.")
                return CycleList(problem=told.format(n=LISTED_MAX))
    return CycleList(tuple(found))


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class HalfCurve:
    """One half-cycle: charge passed since its begin (Ah) and voltage, thinned for a screen. Shape (n,) each."""

    cycle: int
    charging: bool
    capacity_Ah: Floats
    voltage_V: Floats


def half_curves(block: RecordBlock, cycle: int) -> tuple[HalfCurve, ...]:
    """Return the half-cycles in the rows of a cycle, in order of time."""
    step = block["step_type"]
    sign = np.isin(step, CHARGE_CODES).astype(int) - np.isin(step, DISCHARGE_CODES).astype(int)
    moving = np.flatnonzero(sign)
    if not len(moving):
        return ()
    turns = np.flatnonzero(np.diff(sign[moving])) + 1
    found = []
    for part in np.split(moving, turns):
        sequence = block["sequence"]
        made = curve(block, int(sequence[part[0]]), int(sequence[part[-1]]))
        if not len(made.capacity_Ah):
            continue
        capacity_Ah, voltage_V = thinned(made.capacity_Ah, made.voltage_V, COLUMNS)
        found.append(HalfCurve(cycle, bool(sign[part[0]] > 0), capacity_Ah, voltage_V))
    return tuple(found)


class CycleCurves:
    """Cycles of runs, asked for one by one. ``watch`` tells which run has more."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self._ranges: dict[str, dict[int, tuple[int, int]]] = {}
        self._held: OrderedDict[tuple[str, int], tuple[HalfCurve, ...]] = OrderedDict()
        self._wanted: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._under_way: set[tuple[str, int]] = set()
        self._watchers: list[Callable[[str], None]] = []
        self._refused: set[tuple[str, int]] = set()
        """Cycles that the station has refused: who draws asks at each repaint, and would ask for ever."""
        self.troubles: dict[str, Trouble] = {}

    def watch(self, observer: Callable[[str], None]) -> Callable[[], None]:
        """Call ``observer`` with the run that has more curves or cycles; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def take_cycles(self, run_id: str, summary: Mapping[str, Any]) -> None:
        """Take a run's cycle summary: it says which rows each cycle has."""
        columns = {name: np.asarray(summary[name]) for name in ("cycle", "first_sequence", "last_sequence")}
        rows = zip(*(columns[name].astype(np.int64).tolist() for name in columns), strict=True)
        known = {cycle: (first, last) for cycle, first, last in rows}
        before = self._ranges.get(run_id, {})
        self._refused = {key for key in self._refused if key[0] != run_id}
        for cycle, place in before.items():
            if known.get(cycle) != place:
                self._held.pop((run_id, cycle), None)
        self._ranges[run_id] = known
        self._tell(run_id)

    def cycles(self, run_id: str) -> tuple[int, ...]:
        """Return the cycles that a run has."""
        return tuple(self._ranges.get(run_id, ()))

    def of(self, run_id: str, cycles: Sequence[int]) -> tuple[HalfCurve, ...]:
        """Return the curves that are there; the missing ones are asked for."""
        found: list[HalfCurve] = []
        for cycle in cycles:
            key = (run_id, cycle)
            if key in self._held:
                self._held.move_to_end(key)
                found += self._held[key]
            elif cycle in self._ranges.get(run_id, {}) and key not in self._under_way | self._refused:
                self._wanted[key] = None
        self._pump()
        return tuple(found)

    def _pump(self) -> None:
        while self._wanted and len(self._under_way) < OUTSTANDING_MAX:
            (run_id, cycle), _ = self._wanted.popitem(last=False)
            first, last = self._ranges.get(run_id, {}).get(cycle, (0, -1))
            if last < first:
                continue
            self._under_way.add((run_id, cycle))
            self._asks.ask("runs.records", run_id, after=first - 1, limit=min(ROWS_MAX, last - first + 1),
                           columns=list(ROW_COLUMNS), then=partial(self._take, run_id, cycle),
                           failed=partial(self._failed, run_id, cycle))  # fmt: skip

    def _take(self, run_id: str, cycle: int, answer: Any) -> None:
        self._under_way.discard((run_id, cycle))
        columns = columns_of(answer, ROW_COLUMNS)
        if columns:
            kinds = {"sequence": np.int64, "step_type": np.int8, "step_count": np.int32, "quality": np.int8}
            block = RecordBlock(
                {name: values.astype(kinds.get(name, np.float64)) for name, values in columns.items()}
            )
            self._held[run_id, cycle] = half_curves(block, cycle)
            while len(self._held) > CURVES_MAX:
                self._held.popitem(last=False)
        self.troubles.pop(run_id, None)
        self._tell(run_id)
        self._pump()

    def _failed(self, run_id: str, cycle: int, trouble: Trouble) -> None:
        self._under_way.discard((run_id, cycle))
        if trouble.kind not in (TroubleKind.LINK, TroubleKind.DEADLINE):
            self._refused.add((run_id, cycle))
        self.troubles[run_id] = trouble
        self._tell(run_id)
        self._pump()

    def _tell(self, run_id: str) -> None:
        for observer in tuple(self._watchers):
            observer(run_id)
