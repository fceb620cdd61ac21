"""The order in which a device executes the steps of a segment: what follows what.

Device steps are the lines of the step list, numbered from 1: steps and loop lines in the order of the text, a loop
line behind the body of its loop, one end line behind all. Each pass of a loop after the first raises the device's
cycle by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labctl.model.program import DeviceNode, Segment, Step

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
