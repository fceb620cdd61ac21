"""A sketch of V(t): the order and length of the steps as they are written, with the loops as brackets below.

It is drawn from the text alone, at once with every edit. Times and end voltages are the protocol's; what lies between
them is a shape, no prediction: the station's simulation (F8) puts a curve of a cell model in its place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from labctl.gui.viewmodels.protocol.needs import EIS_POINT_S, Needing
from labctl.model.cell import CellKind
from labctl.model.protocol import (
    Branch,
    Direction,
    Drive,
    Hold,
    Impedance,
    Parallel,
    Protocol,
    ProtocolNode,
    Repeat,
    Rest,
)
from labctl.protocol.check import all_nodes
from labctl.protocol.quantities import base_value

SEGMENTS_MAX = 64
"""Steps drawn; what follows is told in words ("goes on to 512 h")."""
POINTS = 24
SYMMETRIC_V = 0.08
"""Height of a symmetric cell's plateau in the sketch: what 1 mA/cm2 of a young cell shows."""
UNKNOWN_S = 3600.0
MET_S = 14 * 86400.0
"""A voltage end counts as met where its step is not longer than any that people wait for."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """A loop below the sketch: from, to, its words, how deep it stands (0 = innermost); ``open``: it goes on."""

    begin_s: float
    end_s: float
    text: str
    level: int
    open: bool = False


@dataclass(slots=True)
class Sketch:
    """Points of V(t), moments of impedance, loops, and the time of the whole protocol."""

    time_s: list[float] = field(default_factory=list)
    voltage_V: list[float] = field(default_factory=list)
    sweeps_s: list[float] = field(default_factory=list)
    brackets: list[Bracket] = field(default_factory=list)
    goes_on: bool = False
    total_s: float = 0.0
    simulated: bool = False


def sketch_of(protocol: Protocol, needing: Needing, total_s: float) -> Sketch:
    """Return the sketch of a protocol's first steps."""
    drawer = _Drawer(protocol, needing)
    drawer.walk(protocol.steps)
    made = drawer.made
    made.goes_on, made.total_s = drawer.full, total_s
    deepest = max((bracket.level for bracket in made.brackets), default=0)
    made.brackets = [Bracket(item.begin_s, item.end_s, item.text, deepest - item.level, item.open)
                     for item in made.brackets]  # fmt: skip
    return made


class _Drawer:
    def __init__(self, protocol: Protocol, needing: Needing) -> None:
        self.made = Sketch()
        self.full = False
        self._needing = needing
        self._t_s = 0.0
        self._count = 0
        ends = [base_value(value) for value in _voltages(protocol)]
        self._symmetric = protocol.for_kinds == (CellKind.SYMMETRIC,) or not ends
        self._low, self._high = (min(ends), max(ends)) if ends else (-SYMMETRIC_V, SYMMETRIC_V)
        if self._high - self._low < 1e-6:
            self._low, self._high = self._low - 0.5, self._high + 0.5
        self._v = 0.0 if self._symmetric else self._rest_level(0.5)

    def _rest_level(self, share: float) -> float:
        return self._low + share * (self._high - self._low)

    def walk(self, nodes: Sequence[ProtocolNode], level: int = 0) -> None:
        """Draw nodes until the sketch is full."""
        for node in nodes:
            if self.full:
                return
            if isinstance(node, Rest | Drive | Hold):
                self._step(node)
            elif isinstance(node, Repeat):
                self._repeat(node, level)
            elif isinstance(node, Branch):
                self.walk(node.then, level)
            elif isinstance(node, Parallel):
                self.walk(node.branches[0], level)
            elif isinstance(node, Impedance):
                self.made.sweeps_s.append(self._t_s)
                self._line([(0.0, self._v), (1.0, self._v)], 60 * EIS_POINT_S)

    def _repeat(self, node: Repeat, level: int) -> None:
        begin_s, at = self._t_s, len(self.made.brackets)
        for number in range(node.count):
            self.walk(node.bodies[number if len(node.bodies) > 1 else 0], level + 1)
            if self.full:
                break
        text = f"× {node.count}"
        self.made.brackets.insert(at, Bracket(begin_s, self._t_s, text, level, self.full))

    def _line(self, points: Sequence[tuple[float, float]], time_s: float) -> None:
        for share, value in points:
            self.made.time_s.append(self._t_s + share * time_s)
            self.made.voltage_V.append(value)
        self._t_s += time_s
        self._v = points[-1][1]
        self._count += 1
        self.full = self._count >= SEGMENTS_MAX

    def _step(self, step: Rest | Drive | Hold) -> None:
        time_s = self._needing.step_s(step) or UNKNOWN_S
        if isinstance(step, Rest):
            target = 0.0 if self._symmetric else self._v + 0.06 * (self._rest_level(0.5) - self._v)
            self._line(
                [(x, self._v + (target - self._v) * (1 - math.exp(-8 * x))) for x in _shares()], time_s
            )
        elif isinstance(step, Hold):
            held = base_value(step.voltage)
            self._line([(0.0, held), (1.0, held)], time_s)
        else:
            self._drive(step, time_s)

    def _drive(self, step: Drive, time_s: float) -> None:
        up = step.direction is Direction.CHARGE
        end = step.then_hold or step.until.voltage
        reached = end is not None and (step.then_hold is not None or _is_first(step, self._needing, time_s))
        if self._symmetric and not reached:
            plateau = SYMMETRIC_V if up else -SYMMETRIC_V
            self._line([(x, plateau * (1 + 0.18 * math.exp(-6 * x))) for x in _shares()], time_s)
            return
        window = self._high - self._low
        target = (
            base_value(end) if end is not None and reached else self._v + (0.12 if up else -0.12) * window
        )
        target = min(self._high, max(self._low, target)) if end is None or not reached else target
        part = 0.75 if step.then_hold is not None else 1.0
        points = [(x * part, self._v + (target - self._v) * _shape(x)) for x in _shares()]
        if part < 1.0:
            points.append((1.0, target))
        self._line(points, time_s)


def _shares() -> list[float]:
    return [at / (POINTS - 1) for at in range(POINTS)]


def _shape(x: float) -> float:
    """Return a charge curve's shape from 0 to 1: steep, flat, steep."""
    ends = 0.01
    span = math.log((1 + ends) / ends)
    return 0.5 + 0.5 * math.log((x + ends) / (1 - x + ends)) / span


def _is_first(step: Drive, needing: Needing, time_s: float) -> bool:
    """Tell whether a voltage end may be met: no time or capacity stands before it."""
    ends = step.until
    return ends.capacity is None and (ends.time is None or time_s < MET_S)


def _voltages(protocol: Protocol) -> list:  # type: ignore[type-arg]  # of Quantity
    found = []
    for node in all_nodes(protocol.steps):
        if isinstance(node, Hold):
            found.append(node.voltage)
        elif isinstance(node, Drive):
            found += [value for value in (node.then_hold, node.until.voltage) if value is not None]
    return found
