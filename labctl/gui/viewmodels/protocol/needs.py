"""What a protocol needs for a cell: likely time, rows and bytes by kind of step, worked out without the station.

The same rules as ``labctl.protocol.estimate``; the station's check for a cell in its channel says more.
"""

from __future__ import annotations

from dataclasses import dataclass

from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId
from labctl.model.protocol import (
    Branch,
    Drive,
    Hold,
    Impedance,
    Parallel,
    Protocol,
    ProtocolNode,
    QuantityKind,
    RecordIntent,
    Repeat,
    Rest,
)
from labctl.protocol.bind import DEFAULT_RECORD
from labctl.protocol.estimate import ASSUMED_SWING_V, BYTES_PER_ROW
from labctl.protocol.quantities import base_value
from labctl.protocol.resolve import Resolver

UNIT_CELL = Cell(
    CellId("-"), "-", CellKind.OTHER, area_cm2=1.0, active_mass_mg=1000.0, nominal_capacity_mAh=1000.0
)
"""Stands for a cell where none is chosen: ratios of the same kind (1 mAh/cm2 at 1 mA/cm2) are right for any cell."""
EIS_POINT_S = 3.0
"""One impedance point of a usual sweep, as a guide only."""


@dataclass(slots=True)
class Part:
    """What steps of one kind need in all. ``bounded`` False: a step has no end whose time can be told."""

    word: str
    times: int = 0
    time_s: float = 0.0
    rows: float = 0.0
    bounded: bool = True


@dataclass(frozen=True, slots=True)
class Needs:
    """What a protocol needs. ``charge_Ah`` is the charge passed both ways, None without a cell."""

    parts: tuple[Part, ...]
    time_s: float
    rows: int
    bytes: int
    bounded: bool
    charge_Ah: float | None
    cycles: int


class Needing:
    """Works out times of steps for a cell, or for none."""

    def __init__(self, protocol: Protocol, cell: Cell | None) -> None:
        self.protocol, self.cell = protocol, cell
        self.missing: list[str] = []
        self.resolver = Resolver(cell or UNIT_CELL, self.missing)
        nominal_mAh = None if cell is None else cell.effective_capacity_mAh
        self._nominal_Ah = None if nominal_mAh is None else nominal_mAh / 1000.0
        self._current: float | None = None

    def current_A(self, step: Drive | Hold) -> float | None:
        """Return the size of a step's current, A (of a unit cell where there is none)."""
        quantity = step.current if isinstance(step, Drive) else step.at_most
        found = None if quantity is None else self.resolver.current_A(quantity, "")
        if quantity is not None:
            self._current = found
        return self._current

    def step_s(self, step: Rest | Drive | Hold) -> float | None:
        """Return the likely time of a step, s; None where nothing tells it."""
        if isinstance(step, Rest):
            return base_value(step.time)
        current_A, times = self.current_A(step), []
        if step.until.time is not None:
            times.append(base_value(step.until.time))
        if isinstance(step, Drive) and step.until.capacity is not None and current_A:
            capacity = step.until.capacity
            same = _RATES.get(capacity.kind) is step.current.kind
            found = (
                self.resolver.time_for_s(capacity, step.current, "")
                if same or self.cell is not None
                else None
            )
            times += [] if found is None else [found]
        by_voltage = isinstance(step, Hold) or step.until.voltage is not None or step.then_hold is not None
        if by_voltage and current_A:
            is_rate = isinstance(step, Drive) and step.current.kind is QuantityKind.C_RATE
            nominal_Ah = self._nominal_Ah if self.cell is not None else 1.0 if is_rate else None
            times += [] if nominal_Ah is None else [nominal_Ah / current_A * 3600.0]
        return min(times) if times else None

    def rows(self, step: Rest | Drive | Hold, time_s: float) -> float:
        """Return the likely rows of a step."""
        rule = step.options.record
        if rule is None:
            rule = self.protocol.record if self.protocol.record != RecordIntent() else DEFAULT_RECORD
        rows = 2.0 + (time_s / base_value(rule.every) if rule.every else 0.0)
        if rule.voltage_change and not isinstance(step, Rest):
            rows += ASSUMED_SWING_V / base_value(rule.voltage_change)
        return rows

    def needs(self) -> Needs:
        """Return what the whole protocol needs."""
        parts: dict[str, Part] = {}
        charge_Ah = self._walk(self.protocol.steps, 1, parts)
        total_s, rows = sum(part.time_s for part in parts.values()), sum(part.rows for part in parts.values())
        return Needs(
            tuple(parts.values()), total_s, round(rows), round(rows * BYTES_PER_ROW),
            all(part.bounded for part in parts.values()), None if self.cell is None else charge_Ah,
            _cycles(self.protocol.steps),
        )  # fmt: skip

    def _walk(self, nodes: tuple[ProtocolNode, ...], times: int, parts: dict[str, Part]) -> float:
        """Add up what nodes need; returns the charge passed, Ah."""
        charge_Ah = 0.0
        for node in nodes:
            if isinstance(node, Rest | Drive | Hold):
                charge_Ah += self._step(node, times, parts)
            elif isinstance(node, Repeat):
                each = times * (node.count if len(node.bodies) == 1 else 1)
                charge_Ah += sum(self._walk(body, each, parts) for body in node.bodies)
            elif isinstance(node, Branch):
                charge_Ah += self._walk(node.then, times, parts)
            elif isinstance(node, Parallel):
                charge_Ah += sum(self._walk(branch, times, parts) for branch in node.branches)
            elif isinstance(node, Impedance):
                part = parts.setdefault("EIS", Part("EIS"))
                part.times += times
                part.time_s += times * EIS_POINT_S * _points(node)
                part.rows += times * _points(node)
        return charge_Ah

    def _step(self, step: Rest | Drive | Hold, times: int, parts: dict[str, Part]) -> float:
        word = "REST" if isinstance(step, Rest) else "CV" if isinstance(step, Hold) else _word(step)
        part = parts.setdefault(word, Part(word))
        time_s = self.step_s(step)
        part.times += times
        part.bounded = part.bounded and time_s is not None
        part.time_s += times * (time_s or 0.0)
        part.rows += times * self.rows(step, time_s or 0.0)
        if isinstance(step, Rest) or not time_s:
            return 0.0
        return times * (self.current_A(step) or 0.0) * time_s / 3600.0


_RATES = {
    QuantityKind.CAPACITY: QuantityKind.CURRENT, QuantityKind.AREAL_CAPACITY: QuantityKind.AREAL_CURRENT,
    QuantityKind.SPECIFIC_CAPACITY: QuantityKind.SPECIFIC_CURRENT, QuantityKind.FRACTION: QuantityKind.C_RATE,
}  # fmt: skip


def _word(step: Drive) -> str:
    return ("CCCV" if step.then_hold is not None else "CC") + (
        "-CHG" if step.direction.value == "charge" else "-DIS"
    )


def _points(node: Impedance) -> float:
    from math import log10

    decades = abs(log10(base_value(node.start)) - log10(base_value(node.end)))
    return decades * node.points_per_decade + 1


def _cycles(nodes: tuple[ProtocolNode, ...]) -> int:
    """Return how many passes repeats make in all."""
    total = 0
    for node in nodes:
        if isinstance(node, Repeat):
            inner = sum(_cycles(body) for body in node.bodies)
            total += (inner * (node.count if len(node.bodies) == 1 else 1)) or node.count
        elif isinstance(node, Branch):
            total += _cycles(node.then)
    return total
