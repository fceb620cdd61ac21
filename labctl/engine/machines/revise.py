"""Changes to a program that runs: what may change, and a program with more cycles.

A revision is taken over between two segments (I11). What has begun stays as it was: the flow up to the present place,
and every segment of which the cell has already seen a part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from labctl.model.program import (
    DeviceNode,
    HostIf,
    HostNode,
    HostRepeat,
    Loop,
    Program,
    Segment,
    Step,
    steps_of,
)
from labctl.protocol.estimate import estimate


def segments_of(flow: Iterable[HostNode]) -> dict[int, Segment]:
    """Return the segments of a flow by their index."""
    found: dict[int, Segment] = {}
    for node in flow:
        if isinstance(node, Segment):
            found[node.index] = node
        elif isinstance(node, HostRepeat):
            found |= segments_of(node.body)
        elif isinstance(node, HostIf):
            found |= segments_of(node.then) | segments_of(node.otherwise)
    return found


def problem_of(old: Program, new: Program, begun: Iterable[int]) -> str:
    """Return why a program cannot take the place of one that runs, empty where it can.

    ``begun`` are the indices of the segments of which a device test has been started.
    """
    if new.cell.cell_id != old.cell.cell_id or new.channel != old.channel:
        return (
            f"the change is for cell {new.cell.cell_id} on {new.channel}, the run has {old.cell.cell_id} on "
            f"{old.channel}"
        )
    if new.temperature != old.temperature:
        return "the temperature of a run cannot be changed while it goes on"
    if new.limits != old.limits:
        return "the safety limits of a run cannot be changed while it goes on: the device holds the old ones"
    if not new.flow:
        return "the changed program has no steps"
    before, after = segments_of(old.flow), segments_of(new.flow)
    for index in sorted(set(begun)):
        if after.get(index) != before.get(index):
            return f"segment {index} has begun already and would change; edit later steps only"
    return ""


def with_more_cycles(program: Program, count: int) -> Program | None:
    """Return the program with its last device loop repeated ``count`` more times behind its end, None without a loop.

    The added loop is a segment of its own inside a host repeat whose first pass is empty: that pass is the jump back
    which raises the run's cycle by one, as one more pass of the loop would have.
    """
    loop = _last_loop(program.flow)
    if loop is None:
        return None
    segments = segments_of(program.flow)
    last_step = max(step.step_id for segment in segments.values() for step in steps_of(segment.body))
    body = _renumbered(loop.body, {}, last_step)
    added: tuple[DeviceNode, ...] = body if count == 1 else (Loop(count, body),)
    segment = Segment(max(segments) + 1, added)
    again = HostRepeat("pass >= 2", 2, (HostIf("pass == 1", (segment,)),))
    flow = (*program.flow, again)
    return replace(
        program, flow=flow, estimate=estimate(flow, program.record, program.cell.nominal_capacity_Ah)
    )


def _last_loop(flow: Iterable[HostNode]) -> Loop | None:
    found: Loop | None = None
    for node in flow:
        inner: Loop | None
        if isinstance(node, Segment):
            inner = next((item for item in reversed(node.body) if isinstance(item, Loop)), None)
        elif isinstance(node, HostRepeat):
            inner = _last_loop(node.body)
        elif isinstance(node, HostIf):
            inner = _last_loop((*node.otherwise, *node.then))
        else:
            continue
        found = inner or found
    return found


def _renumbered(body: Iterable[DeviceNode], known: dict[int, int], last: int) -> tuple[DeviceNode, ...]:
    """Give the steps ids of their own, so that records tell added passes from the first ones."""
    found: list[DeviceNode] = []
    for node in body:
        if isinstance(node, Step):
            number = known.setdefault(node.step_id, last + 1 + len(known))
            found.append(replace(node, step_id=number))
        else:
            found.append(replace(node, body=_renumbered(node.body, known, last)))
    return tuple(found)


def sequence_of(entry: Mapping[str, object]) -> int | None:
    """Return the first row of a revision as ``run.json`` has it, None while it waits for a segment boundary."""
    value = entry.get("from_sequence")
    return value if isinstance(value, int) else None
