"""Check a protocol for plain sense, before any cell or instrument is known.

Errors make the file unusable; warnings are shown and travel into the program. What needs a cell or an instrument
(areas, ranges, limit layers) is checked by ``labctl.protocol.bind``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise

from labctl.model.cell import CellKind
from labctl.model.program import DetectionKind, TemperatureDemand
from labctl.model.protocol import (
    Branch,
    DeviceStep,
    Direction,
    Drive,
    Hold,
    Parallel,
    Protocol,
    ProtocolNode,
    Quantity,
    QuantityKind,
    Repeat,
    Rest,
    SafetyIntent,
    TemperatureIntent,
    TextPlace,
)
from labctl.protocol.expressions import parse_expression
from labctl.protocol.quantities import base_value, format_quantity

_RATE_OF_CAPACITY = {
    QuantityKind.CAPACITY: QuantityKind.CURRENT,
    QuantityKind.AREAL_CAPACITY: QuantityKind.AREAL_CURRENT,
    QuantityKind.SPECIFIC_CAPACITY: QuantityKind.SPECIFIC_CURRENT,
    QuantityKind.FRACTION: QuantityKind.C_RATE,
}
"""A capacity and a current of these kinds give a time without knowing the cell."""

FRACTION_MAX = 1.5
"""An efficiency or retention limit above it is a percentage without its sign."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (``is_error``) or odd, where, and what to do about it."""

    is_error: bool
    problem: str
    fix: str
    place: TextPlace

    def __str__(self) -> str:
        where = f"line {self.place.line}: " if self.place.line else ""
        return f"{where}{self.problem} {self.fix}".strip()


def children(node: ProtocolNode) -> tuple[tuple[ProtocolNode, ...], ...]:
    """Return the step lists inside a node."""
    if isinstance(node, Repeat):
        return node.bodies
    if isinstance(node, Branch):
        return (node.then, node.otherwise) if node.otherwise else (node.then,)
    if isinstance(node, Parallel):
        return node.branches
    return ()


def all_nodes(steps: tuple[ProtocolNode, ...]) -> Iterator[ProtocolNode]:
    """Yield every node, parents first, in the order of the text."""
    for node in steps:
        yield node
        for body in children(node):
            yield from all_nodes(body)


def place_of(node: ProtocolNode) -> TextPlace:
    """Return where a node stands in the file."""
    return node.options.place if isinstance(node, Rest | Drive | Hold) else node.place


def check_protocol(protocol: Protocol) -> tuple[Finding, ...]:
    """Return what is wrong or odd, errors first, each in the order of the text."""
    found: list[Finding] = []
    for node in all_nodes(protocol.steps):
        if isinstance(node, Drive | Hold):
            found.extend(_check_ends(node))
        if isinstance(node, Rest | Drive | Hold):
            found.extend(_check_step_limits(node, protocol.safety))
    found.extend(_check_order(protocol.steps, protocol, wraps=False))
    found.extend(_check_holds(protocol.steps, [None]))
    found.extend(_check_pass(protocol.steps, inside=False))
    found.extend(_check_whole(protocol))
    unique = list(dict.fromkeys(found))
    return tuple(
        sorted(unique, key=lambda finding: (not finding.is_error, finding.place.line, finding.place.column))
    )


def _error(node: ProtocolNode, problem: str, fix: str) -> Finding:
    return Finding(True, problem, fix, place_of(node))


def _warning(node: ProtocolNode, problem: str, fix: str) -> Finding:
    return Finding(False, problem, fix, place_of(node))


def _check_ends(step: Drive | Hold) -> Iterator[Finding]:
    ends = step.until
    holds = isinstance(step, Hold) or step.then_hold is not None
    word = "hold" if isinstance(step, Hold) else step.direction.value
    any_end = ends.time or ends.capacity or ends.when or ends.temperature_above or ends.temperature_below
    if not (any_end or (ends.current if holds else ends.voltage)):
        example = "until: {current: C/20, time: 4 h}" if holds else "until: {voltage: 3.8 V, time: 4 h}"
        yield _error(step, f"this '{word}' step can never end.", f"Add for example '{example}'.")
    elif holds and not ends.current:
        yield _warning(
            step,
            f"this '{word}' step holds a voltage without a current end.",
            "Add 'current: C/20' under 'until'.",
        )
    elif not holds and not (ends.time or ends.capacity) and ends.voltage:
        yield _warning(
            step,
            f"this '{word}' step ends by voltage alone; a leaky cell may never get there.",
            "Add a 'time' under 'until'; until then the back-stop time of the program ends it.",
        )
    if isinstance(step, Drive):
        yield from _check_time(step)


def _check_time(step: Drive) -> Iterator[Finding]:
    """Find a time end that comes before the capacity end."""
    time, capacity = step.until.time, step.until.capacity
    if time is None or capacity is None or _RATE_OF_CAPACITY[capacity.kind] is not step.current.kind:
        return
    needed_s = base_value(capacity) / base_value(step.current) * 3600.0
    if base_value(time) < needed_s * (1 - 1e-9):
        yield _warning(
            step,
            f"{format_quantity(time)} is over before {format_quantity(capacity)} has passed "
            f"({needed_s / 60:.4g} min at {format_quantity(step.current)}).",
            "Give more time, or leave the capacity out.",
        )


def _looser(inner: Quantity | None, outer: Quantity | None, upper: bool) -> bool:
    if inner is None or outer is None or inner.kind is not outer.kind:
        return False
    difference = base_value(inner) - base_value(outer)
    return difference > 0 if upper else difference < 0


def _check_step_limits(step: DeviceStep, safety: SafetyIntent) -> Iterator[Finding]:
    own = step.options.safety
    if own is not None:
        for field in fields(SafetyIntent):
            inner, outer = getattr(own, field.name), getattr(safety, field.name)
            if field.name not in ("delay", "warn") and _looser(inner, outer, not field.name.endswith("_min")):
                what = field.name.replace("_", " ")
                yield _error(
                    step,
                    f"the step's {what} {format_quantity(inner)} is looser than the protocol's "
                    f"{format_quantity(outer)}.",
                    "A step may only tighten a limit; change the protocol's 'safety' if it is meant.",
                )
    volts = [step.voltage] if isinstance(step, Hold) else []
    if isinstance(step, Drive):
        volts = [value for value in (step.until.voltage, step.then_hold) if value is not None]
    for limits in (safety, own):
        if limits is None:
            continue
        for value in volts:
            low, high = limits.voltage_min, limits.voltage_max
            if _looser(value, high, True) or _looser(value, low, False):
                bound = high if _looser(value, high, True) else low
                assert bound is not None
                yield _error(
                    step,
                    f"{format_quantity(value)} lies outside the safety limit {format_quantity(bound)}: the "
                    "run would be stopped first.",
                    "Correct the voltage, or the 'safety' limit if it is meant.",
                )


def _driven(steps: tuple[ProtocolNode, ...]) -> list[Drive]:
    """Return the constant-current steps of a list with plain repeats opened once."""
    found: list[Drive] = []
    for node in steps:
        if isinstance(node, Drive):
            found.append(node)
        elif isinstance(node, Repeat) and not node.until:
            found.extend(_driven(node.bodies[0]))
    return found


def _check_order(steps: tuple[ProtocolNode, ...], protocol: Protocol, *, wraps: bool) -> Iterator[Finding]:
    """Find end voltages on the wrong side: a discharge that begins below its end, a charge that begins above it."""
    drives = _driven(steps)
    pairs = list(pairwise(drives))
    if wraps and len(drives) > 1:
        pairs.append((drives[-1], drives[0]))
    for before, after in pairs:
        start = before.then_hold or before.until.voltage
        end = after.then_hold or after.until.voltage
        if before.direction is after.direction or start is None or end is None:
            continue
        gap_V = base_value(end) - base_value(start)
        if (after.direction is Direction.CHARGE and gap_V <= 0) or (
            after.direction is Direction.DISCHARGE and gap_V >= 0
        ):
            side = "below" if after.direction is Direction.CHARGE else "above"
            yield _error(
                after,
                f"this {after.direction.value} ends at {format_quantity(end)}, on the wrong side: the "
                f"{before.direction.value} "
                f"before it ends at {format_quantity(start)}, so that it would be over at once ({side} its start).",
                "Swap the two voltages, or the words charge and discharge.",
            )
    if protocol.for_kinds == (CellKind.SYMMETRIC,):
        for step in drives:
            end = step.until.voltage
            wrong = (
                end is not None and base_value(end) * (1 if step.direction is Direction.CHARGE else -1) <= 0
            )
            if wrong and end is not None:
                yield _error(
                    step,
                    f"a symmetric cell rests at 0 V: a {step.direction.value} to {format_quantity(end)} "
                    "would be over at once.",
                    "Charge goes to a positive, discharge to a negative voltage.",
                )
    for node in steps:
        for body in children(node):
            repeats = isinstance(node, Repeat) and node.count > 1 and len(node.bodies) == 1
            yield from _check_order(body, protocol, wraps=repeats)


def _check_holds(steps: tuple[ProtocolNode, ...], last: list[Quantity | None]) -> Iterator[Finding]:
    """Find held voltages whose largest current is neither given nor known from a step before."""
    for node in steps:
        if isinstance(node, Drive):
            last[0] = node.current
        elif isinstance(node, Hold):
            if node.at_most is None and last[0] is None:
                yield _error(
                    node,
                    "this 'hold' has no largest current and no step before it to take it from.",
                    "Add for example 'at_most: 1 C'.",
                )
            last[0] = node.at_most or last[0]
        for body in children(node):
            yield from _check_holds(body, last)


def _check_pass(steps: tuple[ProtocolNode, ...], *, inside: bool) -> Iterator[Finding]:
    """Find the name ``pass`` where no repeat encloses it."""
    for node in steps:
        within = inside or isinstance(node, Repeat)
        condition = (
            node.until if isinstance(node, Repeat) else node.condition if isinstance(node, Branch) else ""
        )
        if condition and not within and "pass" in parse_expression(condition).names:
            yield _error(
                node,
                "'pass' counts the passes of a repeat, but no repeat encloses this step.",
                "Use 'cycle', or move it inside.",
            )
        for body in children(node):
            yield from _check_pass(body, inside=within)


def _check_whole(protocol: Protocol) -> Iterator[Finding]:
    if protocol.temperature is not None:
        yield from _check_temperature(protocol.temperature)
    for rule in protocol.detections:
        if rule.kind is DetectionKind.EFFICIENCY and protocol.for_kinds == (CellKind.SYMMETRIC,):
            yield Finding(
                False,
                "a coulombic efficiency of a symmetric cell says nothing about it.",
                "Use 'short' and 'polarisation'.",
                rule.place,
            )
        if rule.limit.kind is QuantityKind.FRACTION and base_value(rule.limit) > FRACTION_MAX:
            yield Finding(
                True,
                f"detect {rule.kind.value}: {format_quantity(rule.limit)} is more than {FRACTION_MAX * 100:g} %.",
                f"Write '{format_quantity(rule.limit)} %' if percent is meant.",
                rule.place,
            )


def _check_temperature(demand: TemperatureIntent) -> Iterator[Finding]:
    """Find bands that are not inside each other."""
    usual = TemperatureDemand(base_value(demand.setpoint))
    order = (
        ("tolerance", demand.tolerance, usual.tolerance_K),
        ("warn", demand.warn, usual.warn_K),
        ("trip", demand.trip, usual.trip_K),
    )
    sizes = [(name, default if value is None else base_value(value)) for name, value, default in order]
    for (inner, inner_K), (outer, outer_K) in pairwise(sizes):
        if inner_K > outer_K:
            yield Finding(
                True,
                f"temperature: '{inner}' ({inner_K:g} K) is wider than '{outer}' ({outer_K:g} K).",
                "Order them tolerance <= warn <= trip.",
                demand.place,
            )
