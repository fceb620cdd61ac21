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
from labctl.model.program import DeviceNode, Segment, Step
from labctl.model.record import RecordBlock

PLAYED_MAX = 2_000_000
"""Executed steps that are looked through at most: ten years of steps that last three minutes."""


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


def _first(line: _Line) -> int:
    while line.count:
        line = line.body[0]
    return line.number


class OrderWatch:
    """Finds a device that left the order of its program: somebody else let it jump (F27).

    It goes on within its own limits, and every row says which step it belongs to; so a person is told, and nothing is
    stopped over it.
    """

    __slots__ = ("_allowed", "_last", "_skips")

    def __init__(self, segment: Segment, device_step: int) -> None:
        self._allowed = successors(segment)
        self._last = device_step
        self._skips: set[tuple[int, int]] = set()

    def skip(self, of: int, to: int) -> None:
        """Know a jump that a person asks for here."""
        self._skips.add((of, to))

    def forget(self) -> None:
        """Know nothing of the step before: the device has lost records."""
        self._last = 0

    def feed(self, block: RecordBlock) -> Finding | None:
        """Take the next rows; return the first jump that the program does not have."""
        steps = block["device_step"]
        last, self._last = self._last, int(steps[-1])
        if int(steps[0]) == last and bool((steps[1:] == steps[:-1]).all()):
            return None
        change = np.flatnonzero(steps[1:] != steps[:-1]) + 1
        rows = change.tolist() if int(steps[0]) == last else [0, *change.tolist()]
        for row in rows:
            before, now = (last if row == 0 else int(steps[row - 1])), int(steps[row])
            known = before == 0 or now in self._allowed.get(before, ()) or (before, now) in self._skips
            if not known:
                text = f"the device went from its step {before} to {now}, which the program does not do"
                what = (
                    "Find out who used the BTS Client on this channel; stop the run if its result is spoilt."
                )
                return Finding("order.differs", Priority.HIGH, text, int(block["sequence"][row]), what)
        return None
