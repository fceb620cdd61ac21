"""Estimate what a program needs: time, rows, bytes, cycles, host decisions - without simulating the cell.

A rehearsal on a twin of the cell says more; this is what stands beside the start button before one has run.
"""

from __future__ import annotations

from dataclasses import dataclass

from labctl.model.program import (
    Estimate,
    HostIf,
    HostNode,
    HostRepeat,
    Loop,
    RecordRule,
    Segment,
    Spectroscopy,
    Step,
    StepMode,
)
from labctl.protocol.spectroscopy import spectrum_s

BYTES_PER_ROW = 40.0
"""Sealed Parquet with noisy voltages: 16 columns, most of them constant or counting, about 40 bytes a row."""
ASSUMED_SWING_V = 0.5
"""Voltage path of one driven step, for rows written on a change; symmetric cells move less, full cells more."""
DECISION_INTERVAL_S = 600.0
"""More host decisions than one per 10 min leave the cell at open circuit too often (design, section 4)."""


@dataclass(frozen=True, slots=True)
class _Tally:
    longest_s: float = 0.0
    expected_s: float = 0.0
    rows: float = 0.0
    jumps: int = 0
    decisions: int = 0

    def plus(self, other: _Tally) -> _Tally:
        return _Tally(
            self.longest_s + other.longest_s,
            self.expected_s + other.expected_s,
            self.rows + other.rows,
            self.jumps + other.jumps,
            self.decisions + other.decisions,
        )

    def times(self, count: int) -> _Tally:
        return _Tally(
            self.longest_s * count,
            self.expected_s * count,
            self.rows * count,
            self.jumps * count,
            self.decisions * count,
        )


def expected_step_s(step: Step, nominal_Ah: float | None) -> float:
    """Return the likely duration of a step from its capacity end, or one nominal capacity where it ends by voltage."""
    current_A = abs(step.current_A or 0.0)
    if step.mode is StepMode.REST or current_A == 0:
        return step.end_time_s
    times = [step.end_time_s]
    if step.end_capacity_Ah is not None:
        times.append(step.end_capacity_Ah / current_A * 3600.0)
    if nominal_Ah and (step.end_voltage_V is not None or step.voltage_V is not None):
        times.append(nominal_Ah / current_A * 3600.0)
    return min(times)


def estimate(flow: tuple[HostNode, ...], record: RecordRule, nominal_Ah: float | None = None) -> Estimate:
    """Return the estimate of a program's flow."""
    total = _Tally()
    for node in flow:
        total = total.plus(_host(node, record, nominal_Ah))
    return Estimate(
        duration_s=total.longest_s,
        duration_expected_s=total.expected_s,
        rows=round(total.rows),
        bytes_on_disk=round(total.rows * BYTES_PER_ROW),
        cycles=1 + total.jumps,
        host_decisions=total.decisions,
    )


def hurried_repeats(
    flow: tuple[HostNode, ...], record: RecordRule, nominal_Ah: float | None = None
) -> list[float]:
    """Return the likely seconds per decision of each host repeat that decides more often than every 10 min."""
    found: list[float] = []
    for node in flow:
        if isinstance(node, HostRepeat):
            total = _host(node, record, nominal_Ah)
            per_decision_s = total.expected_s / max(total.decisions, 1)
            if node.at_most > 1 and per_decision_s < DECISION_INTERVAL_S:
                found.append(per_decision_s)
            found.extend(hurried_repeats(node.body, record, nominal_Ah))
        elif isinstance(node, HostIf):
            found.extend(hurried_repeats(node.then, record, nominal_Ah))
            found.extend(hurried_repeats(node.otherwise, record, nominal_Ah))
    return found


def _step(step: Step, record: RecordRule, nominal_Ah: float | None) -> _Tally:
    rule = step.record or record
    expected_s = expected_step_s(step, nominal_Ah)
    rows = 2.0 + (expected_s / rule.every_s if rule.every_s else 0.0)
    if rule.voltage_change_V and step.mode is not StepMode.REST:
        rows += ASSUMED_SWING_V / rule.voltage_change_V
    return _Tally(step.end_time_s, expected_s, rows)


def _device(node: Step | Loop, record: RecordRule, nominal_Ah: float | None) -> _Tally:
    if isinstance(node, Step):
        return _step(node, record, nominal_Ah)
    body = _Tally()
    for item in node.body:
        body = body.plus(_device(item, record, nominal_Ah))
    return body.times(node.count).plus(_Tally(jumps=node.count - 1))


def is_one_pass(node: HostNode) -> bool:
    """Return whether a branch belongs to exactly one pass of a varied repeat (``pass == k``)."""
    return isinstance(node, HostIf) and node.condition.startswith("pass == ") and not node.otherwise


def _host(node: HostNode, record: RecordRule, nominal_Ah: float | None) -> _Tally:
    if isinstance(node, Segment):
        total = _Tally()
        for step in node.body:
            total = total.plus(_device(step, record, nominal_Ah))
        return total
    if isinstance(node, Spectroscopy):
        duration_s = spectrum_s(node.technique)
        return _Tally(duration_s, duration_s, decisions=1)
    if isinstance(node, HostRepeat):
        every, once = _Tally(), _Tally()
        for inner in node.body:
            if is_one_pass(inner):
                once = once.plus(_host(inner, record, nominal_Ah))
            else:
                every = every.plus(_host(inner, record, nominal_Ah))
        return (
            every.times(node.at_most).plus(once).plus(_Tally(jumps=node.at_most - 1, decisions=node.at_most))
        )
    branches = []
    for nodes in (node.then, node.otherwise):
        total = _Tally(decisions=0 if is_one_pass(node) else 1)
        for item in nodes:
            total = total.plus(_host(item, record, nominal_Ah))
        branches.append(total)
    return max(branches, key=lambda tally: tally.longest_s)
