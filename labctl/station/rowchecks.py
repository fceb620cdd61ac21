"""Checks of wished jobs that need no bench: numbers in range, labels that exist, cells and currents off their batch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median

from labctl.engine.machines.limits import program_steps
from labctl.engine.machines.queue import RETRIES_MAX, QueueState
from labctl.model.cell import Cell
from labctl.model.job import JobSpec
from labctl.model.program import Program
from labctl.protocol.yamlfile import nearest

OUTLIER_FACTOR = 3.0
"""A cell whose area, mass, capacity or absolute current is further off its batch's median is a slip (F30, F31)."""
BATCH_LEAST = 3
"""Fewer cells have no median worth the name."""
STAGGER_MAX_S = 86_400.0
PAUSE_MAX_S = 30 * 86_400.0
PRIORITY_MAX = 1_000_000
LABEL_MAX = 200
NOTES_MAX = 4_000
TEXT_MAX = 1_000_000
"""As for protocol files: no protocol of a person comes near it."""
VARIABLES_MAX = 100

_WHAT = {
    "effective_area_cm2": ("area", "cm2"),
    "active_mass_mg": ("active mass", "mg"),
    "effective_capacity_mAh": ("capacity", "mAh"),
}


def spec_problems(specs: Sequence[JobSpec], state: QueueState) -> list[list[str]]:
    """Return the problems of each spec, in the order of the specs, empty lists where there are none."""
    labels: dict[str, int] = {}
    problems: list[list[str]] = []
    for index, spec in enumerate(specs):
        found = _own_problems(spec)
        if spec.label and spec.label in labels:
            found.append(
                f"label '{spec.label}' stands at row {labels[spec.label] + 1} too: give each its own."
            )
        labels.setdefault(spec.label, index)
        problems.append(found)
    known = set(state.entries)
    for spec, found in zip(specs, problems, strict=True):
        for after in spec.after:
            if after.job in labels or after.job in known:
                continue
            near = nearest(after.job, [*labels, *known])
            hint = f"Did you mean '{near}'?" if near else "Name a label of this submission, or a job's id."
            found.append(f"waits for '{after.job}', which does not exist. {hint}")
    for index in _circular(specs, labels):
        problems[index].append("waits for itself over the jobs that it names: break the circle.")
    return problems


def _own_problems(spec: JobSpec) -> list[str]:
    found: list[str] = []
    if not 0 <= spec.stagger_s <= STAGGER_MAX_S:
        found.append(f"stagger {spec.stagger_s:g} s is outside 0 to {STAGGER_MAX_S:g} s.")
    if not 0 <= spec.retry.times <= RETRIES_MAX or not 0 <= spec.retry.pause_s <= PAUSE_MAX_S:
        found.append(f"retry: at most {RETRIES_MAX} times, with a pause of 0 s to 30 days.")
    if abs(spec.priority) > PRIORITY_MAX:
        found.append(f"priority {spec.priority} is beyond +-{PRIORITY_MAX}.")
    if len(spec.label) > LABEL_MAX or len(spec.notes) > NOTES_MAX or len(spec.campaign) > LABEL_MAX:
        found.append(f"label and campaign hold at most {LABEL_MAX} characters, notes {NOTES_MAX}.")
    if len(spec.protocol_source) > LABEL_MAX:
        found.append(f"the protocol's file name is longer than {LABEL_MAX} characters.")
    if len(spec.protocol_text) > TEXT_MAX or len(spec.variables) > VARIABLES_MAX:
        found.append(
            f"the protocol is larger than {TEXT_MAX} characters, or has over {VARIABLES_MAX} variables."
        )
    if spec.not_before_utc:
        try:
            moment = datetime.fromisoformat(spec.not_before_utc)
        except ValueError:
            found.append(f"'{spec.not_before_utc}' is no moment: write 2026-01-31T08:00:00Z.")
        else:
            if not 1970 < moment.year < 9000:
                found.append(f"'{spec.not_before_utc}' is too far away.")
    return found


def _circular(specs: Sequence[JobSpec], labels: dict[str, int]) -> list[int]:
    """Return the rows that wait for themselves, over any number of others."""
    waits = {
        index: {labels[after.job] for after in spec.after if after.job in labels}
        for index, spec in enumerate(specs)
    }
    while True:  # take away whoever waits for nobody, until nothing changes
        free = [index for index, others in waits.items() if not others]
        if not free:
            return sorted(waits)
        for index in free:
            del waits[index]
        for others in waits.values():
            others.difference_update(free)


def batch_outliers(cell: Cell, registered: Iterable[Cell]) -> list[str]:
    """Return in words what of a cell is more than three times off the median of its batch."""
    if not cell.batch:
        return []
    peers = [other for other in registered if other.batch == cell.batch and other.kind is cell.kind]
    found: list[str] = []
    for name, (what, unit) in _WHAT.items():
        value = getattr(cell, name)
        values = [number for other in peers if (number := getattr(other, name)) is not None]
        if value is None or len(values) < BATCH_LEAST:
            continue
        middle = median(values)
        if not middle / OUTLIER_FACTOR <= value <= middle * OUTLIER_FACTOR:
            found.append(
                f"cell {cell.cell_id}: {what} {value:g} {unit} is over 3x off the median {middle:g} {unit} of batch "
                f"{cell.batch}: correct the cell, or name the reason as override 'outlier'."
            )
    return found


def largest_A(program: Program) -> float:
    """Return the largest magnitude of current that a program drives, 0 where it drives none."""
    return max((abs(step.current_A) for step in program_steps(program.flow) if step.current_A), default=0.0)


def current_outliers(rows: Sequence[tuple[JobSpec, Program | None]]) -> dict[int, str]:
    """Return the rows whose absolute current is more than three times off the rows with the same protocol."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[int, float]]] = {}
    for index, (spec, program) in enumerate(rows):
        if program is not None and (current_A := largest_A(program)) > 0 and math.isfinite(current_A):
            key = (program.protocol_hash, tuple(sorted(spec.variables.items())))
            groups.setdefault(key, []).append((index, current_A))
    found: dict[int, str] = {}
    for members in groups.values():
        if len(members) < BATCH_LEAST:
            continue
        middle_A = median(current_A for _, current_A in members)
        for index, current_A in members:
            if not middle_A / OUTLIER_FACTOR <= current_A <= middle_A * OUTLIER_FACTOR:
                found[index] = (
                    f"drives {current_A * 1e3:.6g} mA where the others of this batch drive {middle_A * 1e3:.6g} mA: "
                    "check area and mass, or name the reason as override 'outlier'."
                )
    return found
