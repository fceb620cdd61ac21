"""Foresees when a run will end, from its records and its program alone.

Each step of the program has a series of measured durations. A step that ends by time, or by a capacity at constant
current, takes what the program says; one that ends by a voltage or a current takes what its trend says
(``labctl.analysis.forecasting``); one that has not run yet takes the newest measured capacity of the cell, else the
nominal one. How often each step is still to be executed is counted exactly (``ahead``): loops from the device's cycle
number, host repeats from the device tests that began. A repeat that ends on a measured value is expected to go to its
largest number of passes, and may end after the pass under way, until some passes tell where the value goes
(``untils``). Detections, trips, people and cells that change their nature are not foreseen.

Feed it from the run's first row; one that begins in the middle does not know the passes of host repeats.

Measured (``python benchmarks/bench_forecast.py --finish``), errors in parts of the whole run's time. Steps that end by
time or capacity: exact. The study's cells that end by voltage, nested loops and a rate test: at most 5.9, 2.4, 1.4 and
0.9 % after 2, 5, 10 and 20 cycles, shown half-widths 13-17, 4-13, 1-7 and 0.3-2.4 %; 813 of 824 answers (98.7 %) inside
their 90 % interval. The constants were set on these cells with seeds 3, 11, 29, 41 and on cells of thinner films at
other rates. Those are harder: up to 30 % after 2 cycles (inside the interval), 3.8 % around cycle 20; 91-100 % inside.
Tests add seeds 5, 19 and 23, which were not used for that. A nested run whose cell began to leak ended 18 % later than
was said, outside.

Test time is what a run counts: open-circuit time between two device tests is not in it, but it is in the remaining time
(learned from the instrument's own clock in the rows). A pause stands still in both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from labctl.analysis.cycles import CycleTable
from labctl.analysis.forecasting import DurationSeries, Sum
from labctl.engine.machines.ahead import STARTS, Ahead, Bound, Visits, device_after, holds
from labctl.engine.machines.untils import Untils
from labctl.engine.machines.walk import Walker, WalkPosition
from labctl.errors import InvariantError
from labctl.model.program import (
    HostIf,
    HostNode,
    HostRepeat,
    Program,
    Segment,
    Spectroscopy,
    Step,
    StepMode,
    steps_of,
)
from labctl.model.record import RecordBlock

Z_90 = 1.645
"""Half-width of a 90 % interval in standard deviations."""
GAP_FIRST_S = 30.0
"""Open-circuit time before a device test, before one was seen: some polls and the start's checks."""
GAP_MAX_S = 6.0 * 3600.0
"""A longer time between two tests is a soak, a shift of the clock or a person, none of which recurs."""
GUESS_LIMIT = 64
"""Ways through the conditions between two segments that are tried for the one that was taken."""
GAPS_KEPT = 9
OVERDUE = 0.03
"""A step that is past its expected end takes that much of its age longer, as far as one can tell."""
PRIOR_MEASURED = 0.2
"""Relative spread of a step that has not run yet but whose cell has: other rates give other capacities."""
PRIOR_NOMINAL = 0.25
PRIOR_NOTHING = 0.6
CONSTANT_CURRENT = (StepMode.CC_CHARGE, StepMode.CC_DISCHARGE)
EQUAL = 0.01
"""A step that ran as long as the program says within this fraction did end by that."""

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What the program says about a step: its longest time, and whether only measurement can tell more."""

    most_s: float
    variable: bool
    current_A: float
    prior_s: float
    prior_known: bool


@dataclass(frozen=True, slots=True)
class _Moment:
    """The newest row: where the run stands."""

    segment: int = 0
    step_count: int = 0
    step_id: int = 0
    start_s: float = 0.0
    last_s: float = 0.0
    cycle: int = 1
    device_cycle: int = 1
    device_sequence: int = 0
    clock: bytes = b""


class FinishForecaster:
    """Feeds on a run's rows in order, in blocks of any length; told the test time, returns the time to the end.

    Memory is bounded; a block costs one numpy comparison and a little for each step that began in it.
    """

    def __init__(self, program: Program) -> None:
        self._steps = {
            step.step_id: step for segment in _segments(program.flow) for step in steps_of(segment.body)
        }
        self._segment_of = {
            step.step_id: segment for segment in _segments(program.flow) for step in steps_of(segment.body)
        }
        self._rules = {step_id: _rule(step, program) for step_id, step in self._steps.items()}
        self._series: dict[tuple[object, ...], DurationSeries] = {}
        self._ahead = Ahead(program)
        self._place = _Place(program)
        self._newest: RecordBlock | None = None
        self._untils = Untils(self._ahead)
        self._table = CycleTable(program.cell) if self._untils.needed else None
        self._now = _Moment()
        self._cycle_base = 0
        self._capacity_Ah = math.nan  # of the newest complete step that ended by voltage or current
        self._running_Ah = math.nan
        self._gaps_s: list[float] = []
        self._rest: tuple[Visits, Visits, Visits] | None = None
        self._measured = 0

    @property
    def basis(self) -> str:
        """Tell in one sentence what the forecast rests on."""
        unseen = sum(1 for rule in self._rules.values() if rule.variable) if not self._measured else 0
        if not self._now.step_count:
            return "the program alone" + (", no step measured yet" if unseen else "")
        if not any(rule.variable for rule in self._rules.values()):
            return "the program's own times and capacities"
        if not self._measured:
            return "the program and the cell's nominal capacity, no half-cycle measured yet"
        return f"the trend of {self._measured} measured steps that end by voltage or current"

    def feed(self, block: RecordBlock) -> None:
        """Take the next rows of the run."""
        if not len(block):
            return
        counts = block["step_count"]
        if counts[0] == counts[-1] == self._now.step_count and self._table is None:
            self._newest = block  # the same step goes on: only its last row will matter
            return
        if self._newest is not None:
            self._take(self._newest, 0, len(self._newest) - 1)
            self._newest = None
        edges = [0, *(np.flatnonzero(counts[1:] != counts[:-1]) + 1).tolist(), len(block)]
        for start, stop in pairwise(edges):
            self._take(block, start, stop - 1)
            if self._table is not None:
                self._table.update(block.rows(start, stop))

    def _take(self, block: RecordBlock, first: int, last: int) -> None:
        """Take the rows of one executed step, or a part of them."""
        now = self._now
        start_s = now.start_s
        if int(block["step_count"][first]) != now.step_count:
            start_s = self._turn(block, first)
        clock = block.columns.get("device_clock")
        self._now = _Moment(
            segment=int(block["segment"][last]),
            step_count=int(block["step_count"][last]),
            step_id=int(block["step_id"][last]),
            start_s=start_s,
            last_s=float(block["test_time_second"][last]),
            cycle=int(block["cycle_count"][last]),
            device_cycle=int(block["device_cycle"][last]),
            device_sequence=int(block["device_sequence"][last]),
            clock=b"" if clock is None else bytes(clock[last]),
        )
        rule = self._rules.get(self._now.step_id)
        capacity_Ah = float(block["step_capacity_ah"][last])
        if rule is not None and rule.variable and rule.current_A and capacity_Ah > 0.0:
            self._running_Ah = capacity_Ah

    def _turn(self, block: RecordBlock, row: int) -> float:
        """Close the step under way and begin the one of ``row``; return the test time at which it began."""
        now = self._now
        segment, sequence = int(block["segment"][row]), int(block["device_sequence"][row])
        whole = now.step_count > 0 and sequence == (now.device_sequence + 1 if segment == now.segment else 1)
        if whole:
            self._close(now)
        step_s = float(block["step_time_second"][row])
        begin_s = float(block["test_time_second"][row]) - (step_s if 0.0 <= step_s < math.inf else 0.0)
        if segment != now.segment:
            base = int(block["cycle_count"][row]) - int(block["device_cycle"][row])
            begun = self._segment_of.get(int(block["step_id"][row]))
            if begun is not None:
                before = self._place.passes
                known = now.segment and segment == now.segment + 1
                self._place.begin(begun.index, base + 1 - now.cycle if known else None)
                if self._table is not None:
                    values = {**self._table.measured(), "cycle": float(now.cycle), "test_time": now.last_s}
                    self._untils.segment_began(before, self._place.passes, values)
            self._cycle_base = base
            if whole and "device_clock" in block.columns:
                self._gap(now.clock, bytes(block["device_clock"][row]))
        self._rest = None
        return now.last_s if whole else begin_s

    def _close(self, now: _Moment) -> None:
        rule, step = self._rules.get(now.step_id), self._steps.get(now.step_id)
        if rule is None or step is None:
            return
        self._series.setdefault(_signature(step), DurationSeries()).append(now.last_s - now.start_s)
        if rule.variable:
            self._measured += 1
            if rule.current_A:
                self._capacity_Ah = self._running_Ah

    def _gap(self, before: bytes, after: bytes) -> None:
        """Learn how long the cell waits at open circuit for a device test."""
        try:
            gap_s = (
                datetime.fromisoformat(after.decode()) - datetime.fromisoformat(before.decode())
            ).total_seconds()
        except ValueError:
            return
        if 0.0 <= gap_s <= GAP_MAX_S:
            self._gaps_s.append(gap_s)
            del self._gaps_s[:-GAPS_KEPT]

    # -- the answer -------------------------------------------------------------------------------------------------

    def remaining_s(self, test_time_s: float) -> Triple:
        """Return the time from ``test_time_s`` of the run to its end: expected, low and high (90 %)."""
        fewest, expected, most = self._visits()
        middle = self._sum(expected, test_time_s)
        if fewest is expected and most is expected:
            return middle
        low, high = self._sum(fewest, test_time_s)[1], self._sum(most, test_time_s)[2]
        return middle[0], min(low, middle[1]), max(high, middle[2])

    def _visits(self) -> tuple[Visits, Visits, Visits]:
        """Return what is executed after the step under way: at the fewest, as expected, at the most."""
        if self._rest is None:
            self._rest = self._count()
        return self._rest

    def _count(self) -> tuple[Visits, Visits, Visits]:
        now = self._now
        segment = self._segment_of.get(now.step_id)
        if segment is None:
            counted = [self._ahead.whole(bound) for bound in (Bound.FEWEST, Bound.EXPECTED, Bound.MOST)]
        else:
            jumps = now.cycle - self._cycle_base - 1
            inside = device_after(segment.body, now.step_id, jumps)
            counted = []
            for bound in (Bound.FEWEST, Bound.EXPECTED, Bound.MOST):
                visits = self._ahead.after(segment.index, self._place.passes, bound)
                for step_id, count in inside.items():
                    visits[step_id] = visits.get(step_id, 0.0) + count
                counted.append(visits)
        fewest, expected, most = counted
        return (
            (expected if fewest == expected else fewest),
            expected,
            (expected if most == expected else most),
        )

    def _sum(self, visits: Visits, test_time_s: float) -> Triple:
        expected_s, drift_s, scatter2, most_s = 0.0, 0.0, 0.0, 0.0
        now = self._now
        counts: dict[int, float] = {step_id: count for step_id, count in visits.items() if step_id != STARTS}
        if now.step_id in self._rules:
            current = self._foresee(now.step_id, 1.0)
            elapsed_s = max(test_time_s - now.start_s, 0.0)
            left_s = max(self._rules[now.step_id].most_s - elapsed_s, 0.0)
            due_s = max(current.expected_s - elapsed_s, 0.0)
            overdue_s = OVERDUE * elapsed_s if self._rules[now.step_id].variable and due_s == 0.0 else 0.0
            expected_s += min(due_s + overdue_s, left_s)
            part = min(1.0, due_s / current.expected_s) if current.expected_s else 0.0
            drift_s += current.drift_s * part
            scatter2 += (current.scatter_s + overdue_s) ** 2
            most_s += left_s
        for step_id, count in counts.items():
            item = self._foresee(step_id, count)
            expected_s += item.expected_s
            drift_s += item.drift_s
            scatter2 += item.scatter_s**2
            most_s += self._rules[step_id].most_s * count
        starts = visits.get(STARTS, 0.0)
        gap_s = float(np.median(self._gaps_s)) if self._gaps_s else GAP_FIRST_S
        half_s = Z_90 * math.hypot(drift_s, math.sqrt(scatter2)) + 0.5 * gap_s * starts
        low_s, high_s = max(expected_s - half_s, 0.0), min(expected_s + half_s, most_s)
        gaps_s = gap_s * starts
        return expected_s + gaps_s, low_s + gaps_s, max(high_s, expected_s) + gaps_s

    def _foresee(self, step_id: int, executions: float) -> Sum:
        """Foresee so many executions of a step."""
        rule = self._rules[step_id]
        series = self._series.get(_signature(self._steps[step_id]))
        if series is not None and series.count:
            if rule.variable or abs(series.last_s - rule.most_s) > EQUAL * rule.most_s:
                return series.ahead(executions, rule.most_s)
            return Sum(series.last_s * executions, 0.0, 0.0)
        if not rule.variable:
            return Sum(rule.most_s * executions, 0.0, 0.0)
        if self._capacity_Ah > 0.0 and rule.current_A:
            each_s = min(self._capacity_Ah / rule.current_A * 3600.0, rule.most_s)
            return Sum(each_s * executions, PRIOR_MEASURED * each_s * executions, 0.0)
        relative = PRIOR_NOMINAL if rule.prior_known else PRIOR_NOTHING
        return Sum(rule.prior_s * executions, relative * rule.prior_s * executions, 0.0)


def estimate_remaining(program: Program) -> Triple:
    """Return the time that a program takes, before there is any record: expected, low and high (90 %), s."""
    return FinishForecaster(program).remaining_s(0.0)


def _segments(nodes: tuple[HostNode, ...]) -> Iterator[Segment]:
    for node in nodes:
        if isinstance(node, Segment):
            yield node
        elif isinstance(node, HostRepeat):
            yield from _segments(node.body)
        elif isinstance(node, HostIf):
            yield from _segments(node.then)
            yield from _segments(node.otherwise)


def _signature(step: Step) -> tuple[object, ...]:
    """Return what makes two steps the same procedure; they share what was measured."""
    return (
        step.mode, step.current_A, step.voltage_V, step.end_time_s, step.end_voltage_V, step.end_current_A,
        step.end_capacity_Ah,
    )  # fmt: skip


def _rule(step: Step, program: Program) -> _Rule:
    """Return a step's longest time and what is to be expected before anything is measured."""
    current_A = abs(step.current_A or 0.0)
    most_s = step.end_time_s
    driven = step.mode not in (StepMode.REST, StepMode.PAUSE)
    if step.end_capacity_Ah is not None and current_A and step.mode in CONSTANT_CURRENT:
        most_s = min(most_s, step.end_capacity_Ah / current_A * 3600.0)
    variable = driven and (
        step.end_voltage_V is not None
        or step.end_current_A is not None
        or (step.end_capacity_Ah is not None and step.mode not in CONSTANT_CURRENT)
    )
    nominal_Ah = program.cell.nominal_capacity_Ah
    if nominal_Ah and current_A and variable:
        return _Rule(most_s, variable, current_A, min(most_s, nominal_Ah / current_A * 3600.0), True)
    return _Rule(most_s, variable, current_A, 0.5 * most_s if variable else most_s, not variable)


class _Place:
    """Follows which pass of each host repeat is under way, from the segments that began."""

    def __init__(self, program: Program) -> None:
        self._walker = Walker(program, self._answer)
        self._script: list[bool] = []
        self._asked = 0
        self._at = _places(self._walker, _operations(program.flow))

    @property
    def passes(self) -> tuple[int, ...]:
        """Return the pass of each repeat, as in ``WalkPosition``."""
        return self._walker.position.passes

    def begin(self, segment: int, jumps: int | None) -> None:
        """Take note that a segment began, after so many jumps back by the host (``None`` = unknown)."""
        before = self._walker.position
        script: list[bool] = []
        for _ in range(GUESS_LIMIT):
            self._walker.position = before
            self._script, self._asked = script, 0
            found, _ = self._walker.advance({})
            while isinstance(found, Spectroscopy):
                found, _ = self._walker.advance({})
            same = found is not None and found.index == segment
            if same and (jumps is None or self._walker.position.jumps - before.jumps == jumps):
                return
            script = script[: self._asked] + [False] * (self._asked - len(script))
            while script and script[-1]:
                script.pop()
            if not script:
                break
            script[-1] = True
        passes = tuple(max(value, 1) for value in before.passes)
        self._walker.position = WalkPosition(self._at.get(segment, before.at), passes, before.jumps)

    def _answer(self, expression: str, values: Mapping[str, float]) -> bool:
        known = holds(expression, int(values["pass"]))
        if known is not None:
            return known
        self._asked += 1
        return self._script[self._asked - 1] if self._asked <= len(self._script) else False


def _operations(nodes: tuple[HostNode, ...]) -> int:
    """Return a bound of the operations that a walker compiles a flow into."""
    total = 0
    for node in nodes:
        if isinstance(node, HostRepeat):
            total += 2 + _operations(node.body)
        elif isinstance(node, HostIf):
            total += 2 + _operations(node.then) + _operations(node.otherwise)
        else:
            total += 1
    return total


def _places(walker: Walker, operations: int) -> dict[int, int]:
    """Return the walker's operation of each segment."""
    found: dict[int, int] = {}
    start = walker.position
    for at in range(operations):
        try:
            walker.restore(WalkPosition(at, start.passes))
        except InvariantError:
            continue
        if walker.segment is not None:
            found[walker.segment.index] = at
    walker.position = start
    return found
