"""Checks every row against the limits: layers, warn and trip (safety-and-faults section 4).

L1 device, L3 cell, L4 protocol and L5 step are in the program and its steps; L2 channel and L3 class come from the
station file as it is now, so a limit that was tightened since the start binds after the next restart.

Layers are merged into one tightest set per step. *Trip* is latched: ``TRIP_ROWS`` consecutive rows beyond a
limit, or one row beyond ``HARD_FACTOR`` times it; no other filter. *Warn* has delay and hysteresis and
never stops anything. BAD rows prove nothing: they neither count nor break a count; what their persistence
means is ``stale.py``'s business. On a cycler the device's own protection acts first, this is the second
layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.engine.machines.quantities import HALF_CYCLE, NET_CHARGE, POWER, VOLTAGE_RATE, Derived
from labctl.model.layers import HostLimits, LimitLayer, tightest_host
from labctl.model.program import HostIf, HostNode, HostRepeat, Limits, Program, Segment, Step, steps_of
from labctl.model.record import QUALITY_GOOD, RECORD_COLUMNS, RecordBlock

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
class _Quantity:
    """Something that can be limited: ``sign * value`` has an upper bound, given by ``field`` of the limits."""

    name: str
    unit: str
    source: str
    """A record column, or one of the derived quantities."""
    field: str
    sign: float = 1.0
    absolute: bool = False
    other: str = ""
    """The field whose size a bound of 0 takes: a window from 0 V to 5 V is as wide at its lower end."""

    def values(self, block: RecordBlock, derived: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        column = derived.get(self.source)
        if column is None:
            column = block[self.source]
        return np.abs(column) if self.absolute else self.sign * column


DEVICE_QUANTITIES = (
    _Quantity("voltage above", "V", "voltage_volt", "voltage_max_V", other="voltage_min_V"),
    _Quantity("voltage below", "V", "voltage_volt", "voltage_min_V", sign=-1.0, other="voltage_max_V"),
    _Quantity("current beyond", "A", "current_ampere", "current_max_A", absolute=True),
    _Quantity("step charge beyond", "Ah", "step_capacity_ah", "capacity_max_Ah", absolute=True),
)
"""Fields of ``Limits``. Temperatures are not in the rows: the chamber's watch guards them."""
HOST_QUANTITIES = (
    _Quantity("power beyond", "W", POWER, "power_max_W", absolute=True),
    _Quantity("voltage changes beyond", "V/s", VOLTAGE_RATE, "voltage_rate_max_V_per_s", absolute=True),
    _Quantity("half-cycle charge beyond", "Ah", HALF_CYCLE, "half_cycle_capacity_max_Ah"),
    _Quantity("net charge beyond", "Ah", NET_CHARGE, "net_capacity_max_Ah", absolute=True),
    _Quantity("step time beyond", "s", "step_time_second", "step_time_max_s"),
)
"""Fields of ``HostLimits``."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """One limit as an upper bound of ``sign * value``, per step id; infinite = not limited."""

    quantity: _Quantity
    soft: NDArray[np.float64]
    hard: NDArray[np.float64]


def _bound(quantity: _Quantity, limits: Sequence[Limits | HostLimits]) -> _Bound | None:
    """Return the bound of a quantity, from the limits of each step id; None where no step is limited."""
    soft = np.full(len(limits), math.inf)
    hard = np.full(len(limits), math.inf)
    for step_id, merged in enumerate(limits):
        value = getattr(merged, quantity.field)
        if value is None:
            continue
        other = getattr(merged, quantity.other) if quantity.other else None
        scale = abs(value) or abs(other or 0.0)  # a bound of 0 V takes the other bound's size
        soft[step_id] = quantity.sign * value
        hard[step_id] = quantity.sign * value + (HARD_FACTOR - 1.0) * scale
    return _Bound(quantity, soft, hard) if np.isfinite(soft).any() else None


def _bounds(program: Program, layers: Iterable[Limits | None], host: HostLimits) -> list[_Bound]:
    steps = program_steps(program.flow)
    size = max((step.step_id for step in steps), default=0) + 1
    outer = tuple(layers)
    merged = [tightest((*outer, program.limits))] * size
    for step in steps:
        merged[step.step_id] = tightest((*outer, program.limits, step.limits))
    return _all_bounds(merged, host)


def _all_bounds(device: Sequence[Limits], host: HostLimits) -> list[_Bound]:
    found = [_bound(quantity, device) for quantity in DEVICE_QUANTITIES]
    found += [_bound(quantity, [host] * len(device)) for quantity in HOST_QUANTITIES]
    return [bound for bound in found if bound is not None]


def _warnings(program: Program, outer: Limits | None) -> list[Limits] | None:
    """Return the warn limits of each step id, None where nobody has set any."""
    steps = program_steps(program.flow)
    if outer is None and program.warn is None and all(step.warn is None for step in steps):
        return None
    merged = [tightest((outer, program.warn))] * (max((step.step_id for step in steps), default=0) + 1)
    for step in steps:
        merged[step.step_id] = tightest((outer, program.warn, step.warn))
    return merged


class LimitChecker:
    """Checks blocks in order. A trip is reported once and stays (``trip``)."""

    def __init__(
        self,
        program: Program,
        layers: Iterable[Limits | None] = (),
        warn: Limits | None = None,
        host: HostLimits | None = None,
        host_warn: HostLimits | None = None,
    ) -> None:
        self._bounds = _bounds(program, layers, host or HostLimits())
        self._streaks = [0] * len(self._bounds)
        self._now: dict[str, float] = {}
        self.trip: EndDecision | None = None
        self._warn = None
        warnings = _warnings(program, warn)
        if warnings is None and host_warn is not None:
            warnings = _warnings(program, Limits())
        if warnings is not None:
            self._warn = WarnChecker(warnings, host_warn)
        warned = () if self._warn is None else self._warn.sources
        self._derived = Derived(frozenset({*(bound.quantity.source for bound in self._bounds), *warned}))

    @classmethod
    def of_layers(cls, program: Program, layers: Iterable[LimitLayer | None]) -> LimitChecker:
        """Return the checker of a program under outer layers: the channel's and that of the class of its cell."""
        given = [layer for layer in layers if layer is not None]
        warns = [layer.warn for layer in given if layer.warn is not None]
        host_warns = [layer.host_warn for layer in given if layer.host_warn is not None]
        return cls(
            program,
            [layer.trip for layer in given],
            tightest(warns) if warns else None,
            tightest_host(tuple(layer.host for layer in given)),
            tightest_host(tuple(host_warns)) if host_warns else None,
        )

    def binding(self, step_id: int) -> dict[str, float]:
        """Return what trips in a step, by field of ``Limits`` and ``HostLimits``; step 0 = before the first."""
        return _values_of(self._bounds, step_id)

    def warning(self, step_id: int) -> dict[str, float]:
        """Return what is warned of in a step, by field."""
        return {} if self._warn is None else _values_of(self._warn.bounds, step_id)

    def values(self, step_id: int) -> dict[str, float]:
        """Return the newest good values of what is limited in a step, by field."""
        return {name: self._now[name] for name in self.binding(step_id) if name in self._now}

    def _note_now(self, block: RecordBlock, derived: Mapping[str, NDArray[np.float64]]) -> None:
        """Keep the newest good row's values for people."""
        good = np.flatnonzero(block["quality"] == QUALITY_GOOD)
        if not good.size:
            return
        last = slice(int(good[-1]), int(good[-1]) + 1)
        one, row = {name: values[last] for name, values in derived.items()}, block.rows(last.start, last.stop)
        for bound in self._bounds:
            quantity = bound.quantity
            self._now[quantity.field] = quantity.sign * float(quantity.values(row, one)[0])

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Check the next rows; sets ``trip`` when a limit has tripped. Returns findings for the record."""
        if not len(block):
            return []
        derived = self._derived.feed(block)
        self._note_now(block, derived)
        findings = [] if self._warn is None else self._warn.feed(block, derived)
        if self.trip is None:
            for index, bound in enumerate(self._bounds):
                self._check(index, bound, block, derived)
            if self.trip is not None:
                findings.append(
                    Finding(
                        "limit.trip", Priority.CRITICAL, self.trip.reason, self.trip.sequence,
                        "The channel was stopped. Look at the cell; a new run needs your decision.",
                    )
                )  # fmt: skip
        return findings

    def _check(
        self, index: int, bound: _Bound, block: RecordBlock, derived: Mapping[str, NDArray[np.float64]]
    ) -> None:
        steps = block["step_id"]
        values = bound.quantity.values(block, derived)
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
                self._set_trip(bound, block, row, float(values[row]))
                break
        self._streaks[index] = streak

    def _set_trip(self, bound: _Bound, block: RecordBlock, row: int, value: float) -> None:
        sequence = int(block["sequence"][row])
        if self.trip is not None and self.trip.sequence is not None and self.trip.sequence <= sequence:
            return
        quantity = bound.quantity
        limit = float(bound.soft[int(block["step_id"][row])]) * quantity.sign
        if quantity.source in RECORD_COLUMNS:
            value = float(block[quantity.source][row])
        self.trip = EndDecision(
            Outcome.TRIPPED,
            f"{quantity.name} the limit of {limit:.6g} {quantity.unit}: "
            f"row {sequence} reads {value:.6g} {quantity.unit}",
            sequence,
        )


class WarnChecker:
    """Warns when a value stays beyond a warn limit for its delay; clears with hysteresis."""

    def __init__(self, limits: Sequence[Limits], host: HostLimits | None = None) -> None:
        """Take the warn limits of each step id."""
        self._delay_s = np.array([each.delay_s for each in limits])
        self._since_s: dict[str, float] = {}
        self._active: set[str] = set()
        self.bounds = _all_bounds(limits, host or HostLimits())
        self._clear = [  # an unlimited step clears whatever was warned of before
            np.where(
                np.isfinite(bound.soft), bound.soft - WARN_HYSTERESIS * np.abs(_finite(bound.soft)), np.inf
            )
            for bound in self.bounds
        ]
        self.sources = frozenset(bound.quantity.source for bound in self.bounds)

    def feed(self, block: RecordBlock, derived: Mapping[str, NDArray[np.float64]]) -> list[Finding]:
        """Check the next rows; one finding when a warning comes, one when it goes."""
        findings: list[Finding] = []
        for bound, clear in zip(self.bounds, self._clear, strict=True):
            findings.extend(self._one(bound, clear, bound.quantity.values(block, derived), block))
        return findings

    def _one(
        self, bound: _Bound, clear: NDArray[np.float64], values: NDArray[np.float64], block: RecordBlock
    ) -> list[Finding]:
        findings: list[Finding] = []
        quantity, steps = bound.quantity, block["step_id"]
        name = quantity.name
        beyond = values > bound.soft[steps]
        if not beyond.any() and name not in self._since_s and name not in self._active:
            return findings
        inside = values < clear[steps]
        good = block["quality"] == QUALITY_GOOD
        for row in np.flatnonzero(good & (beyond | inside)).tolist():
            time_s, sequence = float(block["test_time_second"][row]), int(block["sequence"][row])
            if beyond[row]:
                since_s = self._since_s.setdefault(name, time_s)
                if name not in self._active and time_s - since_s >= self._delay_s[steps[row]]:
                    self._active.add(name)
                    limit = float(bound.soft[steps[row]]) * quantity.sign
                    text = f"{name} the warn limit of {limit:.6g} {quantity.unit}"
                    findings.append(Finding("limit.warn", Priority.MEDIUM, text, sequence, about=name))
            else:
                self._since_s.pop(name, None)
                if name in self._active:
                    self._active.discard(name)
                    text = f"{name} the warn limit: over"
                    findings.append(Finding("limit.warn.clear", Priority.EVENT, text, sequence, about=name))
        return findings


def _values_of(bounds: Iterable[_Bound], step_id: int) -> dict[str, float]:
    """Return the limits of a step as a person knows them, by field."""
    found = {bound.quantity.field: float(bound.soft[step_id]) * bound.quantity.sign for bound in bounds}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), values, 0.0)
