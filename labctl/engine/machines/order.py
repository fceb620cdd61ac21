"""The order in which a device executes the steps of a segment: what follows what.

Device steps are the lines of the step list, numbered from 1: steps and loop lines in the order of the text, a loop
line behind the body of its loop, one end line behind all. Each pass of a loop after the first raises the device's
cycle by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from labctl.engine.machines.findings import Finding, Priority
from labctl.model.program import CHARGE_MODES, DeviceNode, Segment, Step, StepMode
from labctl.model.record import QUALITY_GOOD, RecordBlock

PLAYED_MAX = 2_000_000
"""Executed steps that are looked through at most: ten years of steps that last three minutes."""
TIME_SLACK_S = 1.0
VOLTAGE_SLACK_V = 0.005
CURRENT_SLACK = 0.02
CAPACITY_SLACK = 5e-3
"""A device writes a record when a step ends, so only resolution and rounding lie between that record and the end."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A device line: a step (``count`` 0), or a loop line with the lines that it repeats."""

    number: int
    count: int = 0
    body: tuple[_Line, ...] = ()


def _lines(body: Sequence[DeviceNode], first: int) -> tuple[tuple[_Line, ...], int]:
    """Number the lines of a body from ``first`` on; return them and the next free number."""
    found: list[_Line] = []
    for node in body:
        if isinstance(node, Step):
            found.append(_Line(first))
        else:
            inner, first = _lines(node.body, first)
            found.append(_Line(first, node.count, inner))
        first += 1
    return tuple(found), first


def _play(lines: Sequence[_Line], cycle: int) -> Iterator[tuple[int, int]]:
    """Yield (device step, device cycle) of every executed step, in order; the last cycle is that of the last step."""
    for line in lines:
        if not line.count:
            yield line.number, cycle
            continue
        for passed in range(line.count):
            cycle += passed > 0
            for step, inner_cycle in _play(line.body, cycle):
                cycle = inner_cycle
                yield step, cycle


def next_step(segment: Segment, device_step: int, device_cycle: int) -> int | None:
    """Return the device step that is executed after one of a given cycle, None behind the last."""
    steps = _play(_lines(segment.body, 1)[0], 1)
    for number, place in enumerate(steps):
        if place == (device_step, device_cycle):
            following = next(steps, None)
            return None if following is None else following[0]
        if number >= PLAYED_MAX:
            break
    return None


def plain_next(segment: Segment, device_step: int) -> int | None:
    """Return the step on the line behind a step's, None where that line is a loop's or the end."""
    steps = set(_step_lines(_lines(segment.body, 1)[0]))
    return device_step + 1 if device_step in steps and device_step + 1 in steps else None


def _step_lines(lines: Sequence[_Line]) -> Iterator[int]:
    for line in lines:
        if line.count:
            yield from _step_lines(line.body)
        else:
            yield line.number


def successors(segment: Segment) -> dict[int, frozenset[int]]:
    """Return, for each device step, the device steps that may be executed right after it."""
    found: dict[int, frozenset[int]] = {}

    def walk(lines: Sequence[_Line], behind: frozenset[int]) -> None:
        for number, line in enumerate(lines):
            after = frozenset({_first(lines[number + 1])}) if number + 1 < len(lines) else behind
            if line.count:
                walk(line.body, after | {_first(line)})
            else:
                found[line.number] = after

    walk(_lines(segment.body, 1)[0], frozenset())
    return found


def device_steps(segment: Segment) -> dict[int, Step]:
    """Return the steps of a segment by their numbers in the device's list."""

    def walk(body: Sequence[DeviceNode], lines: Sequence[_Line]) -> Iterator[tuple[int, Step]]:
        for node, line in zip(body, lines, strict=True):
            if isinstance(node, Step):
                yield line.number, node
            else:
                yield from walk(node.body, line.body)

    return dict(walk(segment.body, _lines(segment.body, 1)[0]))


@dataclass(frozen=True, slots=True)
class _Last:
    """The last record of a step; ``still``: its readings are those of the record before, to the last digit."""

    time_s: float
    readings: tuple[float, float, float]
    good: bool
    still: bool

    @classmethod
    def of(cls, block: RecordBlock, row: int, before: _Last | None) -> _Last:
        """Return a row; ``before`` is the record before the block."""
        readings = _readings(block, row)
        earlier = _readings(block, row - 1) if row else None if before is None else before.readings
        good = int(block["quality"][row]) == QUALITY_GOOD
        return cls(float(block["step_time_second"][row]), readings, good, readings == earlier)

    def ends(self, step: Step) -> bool:
        """Tell whether a step may end with this record; where that cannot be said, it may."""
        voltage_V, current_A, capacity_Ah = self.readings
        if not self.good or step.mode is StepMode.PAUSE or self.time_s >= step.end_time_s - TIME_SLACK_S:
            return True
        if step.mode is StepMode.REST:
            return step.end_voltage_V is not None  # from which side is not said
        if self.still:
            return True  # charge flows and the counter stands: these readings are not the channel's (F14)
        if step.mode in (StepMode.CC_CHARGE, StepMode.CC_DISCHARGE):
            # a counter that was reset or forgot shows less than has passed (F12)
            capacity_Ah = max(capacity_Ah, abs(current_A) * self.time_s / 3600.0)
        reached = [False]
        if step.end_capacity_Ah is not None:
            reached.append(capacity_Ah >= step.end_capacity_Ah * (1.0 - CAPACITY_SLACK))
        if step.end_current_A is not None:
            reached.append(abs(current_A) <= step.end_current_A * (1.0 + CURRENT_SLACK))
        if step.end_voltage_V is not None:
            sign = 1.0 if step.mode in CHARGE_MODES else -1.0
            reached.append(sign * (voltage_V - step.end_voltage_V) >= -VOLTAGE_SLACK_V)
        return any(reached)


def _readings(block: RecordBlock, row: int) -> tuple[float, float, float]:
    voltage_V, current_A, capacity_Ah = (
        float(block[name][row]) for name in ("voltage_volt", "current_ampere", "step_capacity_ah")
    )
    return voltage_V, current_A, capacity_Ah


def _first(line: _Line) -> int:
    while line.count:
        line = line.body[0]
    return line.number


class OrderWatch:
    """Finds a device that left the order of its program, or a step before its end: somebody else let it jump (F27).

    It goes on within its own limits, and every row says which step it belongs to; so a person is told, and nothing is
    stopped over it. The step in which a run is taken up again is not judged by its end: a jump that a person asked
    for before the restart looks the same.
    """

    __slots__ = ("_allowed", "_last", "_skips", "_steps", "_tail")

    def __init__(self, segment: Segment, device_step: int) -> None:
        self._allowed = successors(segment)
        self._steps = device_steps(segment)
        self._last = device_step
        self._tail: _Last | None = None
        """The newest record; None: the present step is not judged by its end."""
        self._skips: set[tuple[int, int]] = set()

    def skip(self, of: int, to: int) -> None:
        """Know a jump that a person asks for here."""
        self._skips.add((of, to))

    def forget(self) -> None:
        """Know nothing of the step before: the device has lost records."""
        self._last, self._tail = 0, None

    def feed(self, block: RecordBlock) -> Finding | None:
        """Take the next rows; return the first jump that the program does not have."""
        steps = block["device_step"]
        last, self._last = self._last, int(steps[-1])
        tail, judged = self._tail, last == 0 or self._tail is not None
        if int(steps[0]) == last and bool((steps[1:] == steps[:-1]).all()):
            self._tail = _Last.of(block, len(steps) - 1, tail) if judged else None
            return None
        self._tail = _Last.of(block, len(steps) - 1, tail)
        change = np.flatnonzero(steps[1:] != steps[:-1]) + 1
        rows = change.tolist() if int(steps[0]) == last else [0, *change.tolist()]
        for row in rows:
            before, now = (last if row == 0 else int(steps[row - 1])), int(steps[row])
            end = None if not judged else tail if row == 0 else _Last.of(block, row - 1, tail)
            judged = True
            if before == 0 or (before, now) in self._skips:
                continue
            what = "Find out who used the BTS Client on this channel; stop the run if its result is spoilt."
            if now not in self._allowed.get(before, ()):
                text = f"the device went from its step {before} to {now}, which the program does not do"
            elif end is not None and before in self._steps and not end.ends(self._steps[before]):
                voltage_V, current_A, _ = end.readings
                text = (
                    f"the device left its step {before} for {now} after {end.time_s:.0f} s, at "
                    f"{voltage_V:.4f} V and {current_A * 1e3:.4g} mA: none of the step's ends was reached"
                )
            else:
                continue
            return Finding("order.differs", Priority.HIGH, text, int(block["sequence"][row]), what)
        return None
