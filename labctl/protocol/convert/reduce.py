"""Reduce a protocol to what another format can hold, and report everything that is lost on the way.

Each converter writes the *kept* protocol without loss: ``read(export(p))`` equals ``kept``, and ``p`` differs from
``kept`` in exactly the places that the report lists. Places count from 1: ``steps[2].steps[1].until.capacity``.
Quantities change their unit (not their value) without being listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from labctl.errors import UserInputError
from labctl.interfaces.converter import Loss
from labctl.model.cell import Cell
from labctl.model.protocol import (
    Ask,
    Branch,
    DeviceStep,
    Direction,
    Drive,
    Ends,
    Handover,
    Hold,
    Impedance,
    Parallel,
    Protocol,
    ProtocolNode,
    Quantity,
    QuantityKind,
    RecordIntent,
    Repeat,
    Rest,
    SafetyIntent,
    StepOptions,
)
from labctl.protocol.quantities import base_value, format_quantity, lookup_unit, quantity, readable_time
from labctl.protocol.resolve import Resolver


@dataclass(frozen=True, slots=True)
class Holds:
    """What a target format can hold."""

    target: str
    record_change: bool = False
    safety: bool = False
    impedance: bool = False
    zero_volt_end: bool = True
    record_required: bool = False


def in_unit(source: Quantity, unit: str) -> Quantity:
    """Return the same quantity in another unit of its kind, by decimal arithmetic."""
    target, own = lookup_unit(unit), lookup_unit(source.unit)
    if target is None or own is None or target[1] is not own[1]:
        raise ValueError(f"'{format_quantity(source)}' cannot be written in '{unit}'")
    return Quantity(float(Decimal(repr(source.value)) * own[2] / target[2]), target[0], source.kind)


def plain_time(time: Quantity) -> Quantity:
    """Return a time in the largest of h, min, s that keeps it short (90 min stay 90 min in one spelling only)."""
    time_s = base_value(time)
    for seconds, unit in ((3600.0, "h"), (60.0, "min")):
        if time_s >= seconds and time_s % seconds == 0:
            return quantity(time_s / seconds, unit)
    return quantity(time_s, "s")


class Reducer:
    """Reduces protocols for one target; ``losses`` grows as things are given up."""

    def __init__(self, holds: Holds, cell: Cell | None) -> None:
        self._holds = holds
        self._cell = cell
        self._last = Direction.CHARGE
        self.losses: list[Loss] = []

    def _lose(self, place: str, what: str) -> None:
        loss = Loss(place, what)
        if loss not in self.losses:  # the passes of a varied repeat lose the same things
            self.losses.append(loss)

    def protocol(self, protocol: Protocol, name: str) -> Protocol:
        """Return what the target keeps of a protocol; ``name`` is what its reader will call it."""
        target = self._holds.target
        if protocol.name != name:
            self._lose("name", f"{target} has no name for a protocol; '{protocol.name}' is not written.")
        if protocol.variables:
            self._lose("variables", "the present values are written in place of the variables.")
        for place, value in (
            ("description", protocol.description),
            ("for", protocol.for_kinds),
            ("temperature", protocol.temperature),
            ("detect", protocol.detections),
            ("notes", protocol.notes),
        ):
            if value:
                self._lose(place, f"{target} has no place for '{place}'.")
        record = self._record(protocol.record, "record", whole=True)
        safety = self._safety(protocol.safety)
        steps = self._steps(protocol.steps, "steps")
        if not steps:
            raise UserInputError(f"nothing of '{protocol.name}' can be written as {target}.")
        return Protocol(name, steps, record=record, safety=safety)

    def _record(self, record: RecordIntent, place: str, *, whole: bool) -> RecordIntent:
        every = record.every
        if every is None and whole and self._holds.record_required:
            every = quantity(10, "s")
            self._lose(f"{place}.every", f"{self._holds.target} needs an interval; 10 s is written.")
        change, current = record.voltage_change, record.current_change
        if not self._holds.record_change:
            for key, value in (("or_change", change), ("or_current_change", current)):
                if value is not None:
                    self._lose(f"{place}.{key}", f"{self._holds.target} records by time only.")
            change = current = None
        return RecordIntent(
            None if every is None else in_unit(every, "s"),
            None if change is None else in_unit(change, "V"),
            None
            if current is None
            else self._absolute_current(current, f"{place}.or_current_change", rate=False),
        )

    def _safety(self, safety: SafetyIntent) -> SafetyIntent:
        if safety == SafetyIntent():
            return safety
        if not self._holds.safety:
            self._lose("safety", f"{self._holds.target} has no safety limits.")
            return SafetyIntent()
        if safety.temperature_min is not None or safety.temperature_max is not None:
            self._lose("safety.temperature", f"{self._holds.target} knows no temperature.")
        if safety.warn is not None:
            self._lose("safety.warn", f"{self._holds.target} has no limits that only tell.")
        current, capacity = safety.current_max, safety.capacity_max

        def volts(value: Quantity | None) -> Quantity | None:
            return None if value is None else in_unit(value, "V")

        return SafetyIntent(
            voltage_min=volts(safety.voltage_min),
            voltage_max=volts(safety.voltage_max),
            current_max=None
            if current is None
            else self._absolute_current(current, "safety.current", rate=False),
            capacity_max=None if capacity is None else self._absolute_capacity(capacity, "safety.capacity"),
            delay=None if safety.delay is None else in_unit(safety.delay, "s"),
        )

    def _resolver(self, said: Quantity, findings: list[str]) -> Resolver:
        if self._cell is None:
            raise UserInputError(
                f"'{format_quantity(said)}' is absolute only for a cell, and {self._holds.target} knows no "
                f"{said.kind.value}: name a cell (--cell)."
            )
        return Resolver(self._cell, findings)

    def _absolute_current(self, said: Quantity, place: str, *, rate: bool = True) -> Quantity:
        """Return a current that the target can write: mA, or C where ``rate``."""
        if said.kind is QuantityKind.CURRENT:
            return in_unit(said, "mA")
        if said.kind is QuantityKind.C_RATE and rate:
            return said
        findings: list[str] = []
        current_A = self._resolver(said, findings).current_A(said, "")
        if current_A is None:
            raise UserInputError(findings[0])
        absolute = quantity(float(f"{current_A * 1e3:.9g}"), "mA")
        self._lose(place, f"{format_quantity(said)} is written as {format_quantity(absolute)}.")
        return absolute

    def _absolute_capacity(self, said: Quantity, place: str) -> Quantity:
        if said.kind is QuantityKind.CAPACITY:
            return in_unit(said, "mAh")
        findings: list[str] = []
        capacity_Ah = self._resolver(said, findings).capacity_Ah(said, "")
        if capacity_Ah is None:
            raise UserInputError(findings[0])
        absolute = quantity(float(f"{capacity_Ah * 1e3:.9g}"), "mAh")
        self._lose(place, f"{format_quantity(said)} is written as {format_quantity(absolute)}.")
        return absolute

    def _steps(self, steps: Sequence[ProtocolNode], place: str) -> tuple[ProtocolNode, ...]:
        kept: list[ProtocolNode] = []
        for index, node in enumerate(steps, 1):
            kept.extend(self._node(node, f"{place}[{index}]"))
        return tuple(kept)

    def _node(self, node: ProtocolNode, place: str) -> list[ProtocolNode]:
        match node:
            case Rest():
                return [Rest(in_unit(node.time, "s"), self._options(node, place))]
            case Drive():
                return self._drive(node, place)
            case Hold():
                return [self._hold(node, place)]
            case Repeat():
                return self._repeat(node, place)
            case Impedance() if self._holds.impedance:
                if node.peak:
                    self._lose(f"{place}.amplitude", f"{self._holds.target} does not say peak or rms.")
                start, end = in_unit(node.start, "Hz"), in_unit(node.end, "Hz")
                unit = "mA" if node.amplitude.kind is QuantityKind.CURRENT else "V"
                return [Impedance(start, end, node.points_per_decade, in_unit(node.amplitude, unit))]
            case Impedance() | Ask() | Handover() | Parallel() | Branch():
                word = {
                    Impedance: "eis",
                    Ask: "ask",
                    Handover: "handover",
                    Parallel: "parallel",
                    Branch: "if",
                }[type(node)]
                self._lose(place, f"{self._holds.target} has no '{word}' step; it is left out.")
                return []

    def _repeat(self, node: Repeat, place: str) -> list[ProtocolNode]:
        if node.until:
            self._lose(f"{place}.until", f"'{node.until}' is left out: all {node.count} passes are made.")
        if len(node.bodies) > 1:
            self._lose(
                place,
                f"{self._holds.target} cannot vary a value: the {node.count} passes are written one by one.",
            )
            return [item for body in node.bodies for item in self._steps(body, f"{place}.steps")]
        body = self._steps(node.bodies[0], f"{place}.steps")
        if not body:
            self._lose(place, "nothing is left of this repeat.")
            return []
        return [Repeat(node.count, (body,))]

    def _options(self, step: DeviceStep, place: str) -> StepOptions:
        options = step.options
        for key, value in (
            ("name", options.label),
            ("record", options.record),
            ("safety", options.safety),
            ("range", options.range or options.range_auto),
        ):
            if value:
                self._lose(f"{place}.{key}", f"{self._holds.target} has no '{key}' for a single step.")
        return StepOptions()

    def _ends(self, ends: Ends, place: str) -> Ends:
        """Return the ends that every target has: voltage, current, time."""
        for key, value in (
            ("temperature", ends.temperature_above or ends.temperature_below),
            ("when", ends.when),
        ):
            if value:
                self._lose(f"{place}.until.{key}", f"{self._holds.target} cannot end a step by '{key}'.")
        voltage, current = ends.voltage, ends.current
        if voltage is not None and base_value(voltage) == 0 and not self._holds.zero_volt_end:
            self._lose(f"{place}.until.voltage", f"{self._holds.target} takes an end at 0 V for no end.")
            voltage = None
        return Ends(
            voltage=None if voltage is None else in_unit(voltage, "V"),
            current=None if current is None else self._absolute_current(current, f"{place}.until.current"),
            time=None if ends.time is None else in_unit(ends.time, "s"),
        )

    def _drive(self, step: Drive, place: str) -> list[ProtocolNode]:
        ends = self._ends(step.until, place)
        if step.until.capacity is not None:
            ends = self._time_for_capacity(step, step.until.capacity, ends, place)
        options = self._options(step, place)
        current = self._absolute_current(step.current, f"{place}.{step.direction.value}")
        self._last = step.direction
        if step.then_hold is None:
            self._must_end(step, ends, place)
            return [Drive(step.direction, current, ends, None, options)]
        self._lose(
            place,
            f"{self._holds.target} has no CCCV step: a CC and a CV step are written, each with the whole time.",
        )
        hold = in_unit(step.then_hold, "V")
        first = Drive(step.direction, current, Ends(voltage=hold, time=ends.time), None, options)
        second = Hold(step.direction, hold, Ends(current=ends.current, time=ends.time))
        self._must_end(step, second.until, place)
        return [first, second]

    def _must_end(self, step: DeviceStep, ends: Ends, place: str) -> None:
        if ends == Ends():
            raise UserInputError(
                f"{place}: nothing that {self._holds.target} can hold ends this step; give it a 'time' under 'until'."
            )

    def _time_for_capacity(self, step: Drive, capacity: Quantity, ends: Ends, place: str) -> Ends:
        if step.then_hold is not None:
            self._lose(f"{place}.until.capacity", f"{self._holds.target} cannot end a step by capacity.")
            return ends
        findings: list[str] = []
        resolver = Resolver(self._cell, findings) if self._cell is not None else None
        pair = (capacity.kind, step.current.kind)
        known = {
            (QuantityKind.CAPACITY, QuantityKind.CURRENT),
            (QuantityKind.AREAL_CAPACITY, QuantityKind.AREAL_CURRENT),
            (QuantityKind.SPECIFIC_CAPACITY, QuantityKind.SPECIFIC_CURRENT),
            (QuantityKind.FRACTION, QuantityKind.C_RATE),
        }
        if pair in known:
            time_s: float | None = base_value(capacity) / base_value(step.current) * 3600.0
        else:
            time_s = (resolver or self._resolver(capacity, findings)).time_for_s(capacity, step.current, "")
        if time_s is None:
            raise UserInputError(findings[0])
        time = quantity(max(round(time_s, 3), 1e-3), "s")
        shorter = time if ends.time is None or base_value(ends.time) > base_value(time) else ends.time
        self._lose(
            f"{place}.until.capacity",
            f"{self._holds.target} cannot end a step by capacity: {format_quantity(capacity)} is written as "
            f"{readable_time(base_value(time))}.",
        )
        if ends.time is not None and shorter is not ends.time:
            self._lose(
                f"{place}.until.time", f"the shorter {readable_time(base_value(time))} takes its place."
            )
        return replace(ends, time=shorter)

    def _hold(self, step: Hold, place: str) -> Hold:
        ends = self._ends(step.until, place)
        if step.until.capacity is not None:
            self._lose(f"{place}.until.capacity", f"{self._holds.target} cannot end a step by capacity.")
        if step.at_most is not None:
            self._lose(f"{place}.at_most", f"{self._holds.target} has no largest current for a held voltage.")
        if step.direction is not self._last:
            self._lose(
                f"{place}.direction",
                f"{self._holds.target} does not say it; read back as {self._last.value}.",
            )
        self._must_end(step, ends, place)
        return Hold(self._last, in_unit(step.voltage, "V"), ends, None, self._options(step, place))
