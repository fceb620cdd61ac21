"""Where a run is in its program, as a person counts: which step of how many, what it does, for how long, what is left.

Pure. What the device has written down is all that is known: the newest row, and when it was fetched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from labctl.engine.machines.follow import US_PER_S
from labctl.engine.machines.life import Phase
from labctl.model.bench import StepNow
from labctl.model.program import STEP_KINDS, Segment, Step, StepMode, steps_of

if TYPE_CHECKING:
    from labctl.engine.run import Run

ON_DEVICE = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.STALE, Phase.UNKNOWN, Phase.STOPPING, Phase.HELD})
"""Phases in which a device executes a step, as far as anybody knows."""


def places_of(steps: Mapping[int, Step]) -> dict[int, int]:
    """Return the place of each step id in the text, from 1; ``steps`` are in that order."""
    return {step_id: place for place, step_id in enumerate(steps, 1)}


def step_now(run: Run, plant_s: float) -> StepNow:
    """Return where a run is at the plant moment ``plant_s``.

    The time in the step is that of the newest row and what has passed since it was fetched, while the device is known
    to run: rows may be far apart. It is short by one poll at the most, and never beyond the end of the step.
    """
    machines, position = run.machines, run.position
    count = len(machines.places)
    number = machines.places.get(machines.step_id, 0)
    if run.phase not in ON_DEVICE or run.test_id is None:
        return StepNow(number, count)
    if (
        not position.device_sequence
    ):  # started, and nothing has been told of it yet: its first step is executed
        first = _first(run.walker.segment)
        if first is None:
            return StepNow(number, count)
        return StepNow(machines.places.get(first.step_id, 0), count, STEP_KINDS[first.mode])
    step = machines.step
    if step is None:
        return StepNow(number, count)
    time_s = position.step_time_us / US_PER_S
    if run.phase is Phase.RUNNING and math.isfinite(run.row_plant_s):
        time_s += max(plant_s - run.row_plant_s, 0.0)
    if not ends_by_time(step):
        return StepNow(number, count, STEP_KINDS[step.mode], time_s)
    time_s = min(time_s, step.end_time_s)
    return StepNow(number, count, STEP_KINDS[step.mode], time_s, step.end_time_s - time_s)


def ends_by_time(step: Step) -> bool:
    """Tell whether nothing but time ends a step as the protocol asks for."""
    ends = (step.end_voltage_V, step.end_current_A, step.end_capacity_Ah)
    timed = step.mode is not StepMode.PAUSE and not step.time_is_backstop
    return timed and all(end is None for end in ends)


def _first(segment: Segment | None) -> Step | None:
    return None if segment is None else next(iter(steps_of(segment.body)), None)
