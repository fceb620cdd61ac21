"""Checks every row against the limits: layers, warn and trip (safety-and-faults section 4).

Layers are merged into one tightest set per step. *Trip* is latched: ``TRIP_ROWS`` consecutive rows beyond a
limit, or one row beyond ``HARD_FACTOR`` times it; no other filter. *Warn* has delay and hysteresis and
never stops anything. BAD rows prove nothing: they neither count nor break a count; what their persistence
means is ``stale.py``'s business. On a cycler the device's own protection acts first, this is the second
layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.model.program import HostIf, HostNode, HostRepeat, Limits, Program, Segment, Step, steps_of
from labctl.model.record import QUALITY_GOOD, RecordBlock

TRIP_ROWS = 2
"""Consecutive rows beyond a limit that trip: one odd sample of a 16-bit converter must not end a 500 h run.
"""
HARD_FACTOR = 1.05
"""One row this far beyond a limit trips at once."""
WARN_HYSTERESIS = 0.01
"""A warning clears when the value is back by this fraction of the limit."""


def tightest(layers: Iterable[Limits | None]) -> Limits:
    """Merge limit layers (device, channel, cell, protocol, step): the tightest value of each wins."""
    given = [layer for layer in layers if layer is not None]

    def lowest(name: str) -> float | None:
        values = [value for layer in given if (value := getattr(layer, name)) is not None]
        return min(values) if values else None

    def highest(name: str) -> float | None:
        values = [value for layer in given if (value := getattr(layer, name)) is not None]
        return max(values) if values else None

    return Limits(
        voltage_min_V=highest("voltage_min_V"),
        voltage_max_V=lowest("voltage_max_V"),
        current_max_A=lowest("current_max_A"),
        capacity_max_Ah=lowest("capacity_max_Ah"),
        temperature_min_degC=highest("temperature_min_degC"),
        temperature_max_degC=lowest("temperature_max_degC"),
        delay_s=min((layer.delay_s for layer in given), default=1.0),
    )


def program_steps(nodes: Iterable[HostNode]) -> list[Step]:
    """Return every step of a flow, in the order of the text."""
    found: list[Step] = []
    for node in nodes:
        if isinstance(node, Segment):
            found.extend(steps_of(node.body))
        elif isinstance(node, HostRepeat):
            found.extend(program_steps(node.body))
        elif isinstance(node, HostIf):
            found.extend(program_steps(node.then))
            found.extend(program_steps(node.otherwise))
    return found


@dataclass(frozen=True, slots=True)
class _Bound:
    """One limit as an upper bound of ``sign * value``, per step id; infinite = not limited."""

    name: str
    unit: str
    column: str
    sign: float
    soft: NDArray[np.float64]
    hard: NDArray[np.float64]
    absolute: bool = False

    def values(self, block: RecordBlock) -> NDArray[np.float64]:
        column: NDArray[np.float64] = block[self.column]
        return np.abs(column) if self.absolute else self.sign * column


def _bounds(program: Program, layers: Iterable[Limits | None]) -> list[_Bound]:
    steps = program_steps(program.flow)
    size = max((step.step_id for step in steps), default=0) + 1
    outer = tuple(layers)
    merged = [tightest((*outer, program.limits))] * size
    for step in steps:
        merged[step.step_id] = tightest((*outer, program.limits, step.limits))
    bounds: list[_Bound] = []
    for name, unit, column, sign, field, other, absolute in (
        ("voltage above", "V", "voltage_volt", 1.0, "voltage_max_V", "voltage_min_V", False),
        ("voltage below", "V", "voltage_volt", -1.0, "voltage_min_V", "voltage_max_V", False),
        ("current beyond", "A", "current_ampere", 1.0, "current_max_A", "current_max_A", True),
        ("step charge beyond", "Ah", "step_capacity_ah", 1.0, "capacity_max_Ah", "capacity_max_Ah", True),
    ):
        soft = np.full(size, math.inf)
        hard = np.full(size, math.inf)
        for step_id, limits in enumerate(merged):
            value = getattr(limits, field)
            if value is None:
                continue
            scale = abs(value) or abs(
                getattr(limits, other) or 0.0
            )  # a bound of 0 V takes the other bound's size
            soft[step_id] = sign * value
            hard[step_id] = sign * value + (HARD_FACTOR - 1.0) * scale
        if np.isfinite(soft).any():
            bounds.append(_Bound(name, unit, column, sign, soft, hard, absolute))
    return bounds


class LimitChecker:
    """Checks blocks in order. A trip is reported once and stays (``trip``)."""

    def __init__(
        self, program: Program, layers: Iterable[Limits | None] = (), warn: Limits | None = None
    ) -> None:
        outer = tuple(layers)
        self._bounds = _bounds(program, outer)
        self._streaks = [0] * len(self._bounds)
        self.trip: EndDecision | None = None
        self._warn = None if warn is None else WarnChecker(warn)

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Check the next rows; sets ``trip`` when a limit has tripped. Returns findings for the record."""
        if not len(block):
            return []
        findings = [] if self._warn is None else self._warn.feed(block)
        if self.trip is None:
            for index, bound in enumerate(self._bounds):
                self._check(index, bound, block)
            if self.trip is not None:
                findings.append(
                    Finding(
                        "limit.trip", Priority.CRITICAL, self.trip.reason, self.trip.sequence,
                        "The channel was stopped. Look at the cell; a new run needs your decision.",
                    )
                )  # fmt: skip
        return findings

    def _check(self, index: int, bound: _Bound, block: RecordBlock) -> None:
        steps = block["step_id"]
        values = bound.values(block)
        beyond = values > bound.soft[steps]
        if not beyond.any():
            if self._streaks[index] and bool((block["quality"] == QUALITY_GOOD).any()):
                self._streaks[index] = 0
            return
        good = np.flatnonzero(block["quality"] == QUALITY_GOOD)
        hard = values > bound.hard[steps]
        streak = self._streaks[index]
        for row in good.tolist():  # only in blocks that hold a violation
            streak = streak + 1 if beyond[row] else 0
            if hard[row] or streak >= TRIP_ROWS:
                self._set_trip(bound, block, row)
                break
        self._streaks[index] = streak

    def _set_trip(self, bound: _Bound, block: RecordBlock, row: int) -> None:
        sequence = int(block["sequence"][row])
        if self.trip is not None and self.trip.sequence is not None and self.trip.sequence <= sequence:
            return
        limit = float(bound.soft[int(block["step_id"][row])]) * bound.sign
        value = float(block[bound.column][row])
        self.trip = EndDecision(
            Outcome.TRIPPED,
            f"{bound.name} the limit of {limit:.6g} {bound.unit}: row {sequence} reads {value:.6g} {bound.unit}",
            sequence,
        )


class WarnChecker:
    """Warns when a value stays beyond a warn limit for its delay; clears with hysteresis."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since_s: dict[str, float] = {}
        self._active: set[str] = set()

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Check the next rows; one finding when a warning comes, one when it goes."""
        limits = self._limits
        voltage, current = block["voltage_volt"], np.abs(block["current_ampere"])
        findings: list[Finding] = []
        for name, values, bound, sign in (
            ("voltage above", voltage, limits.voltage_max_V, 1.0),
            ("voltage below", voltage, limits.voltage_min_V, -1.0),
            ("current beyond", current, limits.current_max_A, 1.0),
            ("step charge beyond", block["step_capacity_ah"], limits.capacity_max_Ah, 1.0),
        ):
            if bound is not None:
                findings.extend(self._one(name, sign * values, sign * bound, abs(bound), block))
        return findings

    def _one(
        self, name: str, values: NDArray[np.float64], bound: float, scale: float, block: RecordBlock
    ) -> list[Finding]:
        findings: list[Finding] = []
        beyond = values > bound
        if not beyond.any() and name not in self._since_s and name not in self._active:
            return findings
        inside = values < bound - WARN_HYSTERESIS * scale
        good = block["quality"] == QUALITY_GOOD
        for row in np.flatnonzero(good & (beyond | inside)).tolist():
            time_s, sequence = float(block["test_time_second"][row]), int(block["sequence"][row])
            if beyond[row]:
                since_s = self._since_s.setdefault(name, time_s)
                if name not in self._active and time_s - since_s >= self._limits.delay_s:
                    self._active.add(name)
                    findings.append(
                        Finding("limit.warn", Priority.MEDIUM, f"{name} the warn limit", sequence)
                    )
            else:
                self._since_s.pop(name, None)
                if name in self._active:
                    self._active.discard(name)
                    findings.append(
                        Finding("limit.warn.clear", Priority.EVENT, f"{name} the warn limit: over", sequence)
                    )
        return findings
