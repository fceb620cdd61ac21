"""Counts what lies ahead of a position in a program: how often each step will still be executed.

Times are nobody's business here. A position is a segment with the pass of each host repeat around it, and inside the
segment a step with the number of jumps back that the device has done: loop counters follow from these two, so that no
row of the past is needed and lost rows do no harm.

What only the measured values can decide (``until: retention < 80 %``) is counted in three ways: the fewest passes,
the most, and those to be expected, which are the most unless a caller knows better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from labctl.model.program import (
    DeviceNode,
    HostIf,
    HostNode,
    HostRepeat,
    Program,
    Segment,
    Spectroscopy,
    Step,
)
from labctl.protocol.expressions import evaluate, parse_condition

STARTS = 0
"""The key of a count that tells the segments to be begun; steps are numbered from 1."""
PASSES_TRIED = 20_000
"""A condition on the pass alone is tried for so many passes; no cell lives longer."""

Visits = dict[int, float]
"""Executions by ``Step.step_id``, and by ``STARTS``."""


class Bound(Enum):
    """Which of the possible futures is counted."""

    FEWEST = "fewest"
    EXPECTED = "expected"
    MOST = "most"


@lru_cache(maxsize=4096)
def holds(expression: str, done: int) -> bool | None:
    """Tell whether a condition holds after ``done`` passes; ``None`` where only measured values can tell."""
    condition = parse_condition(expression)
    if not condition.names <= {"pass"}:
        return None
    return bool(evaluate(condition, {"pass": float(done)}))


@lru_cache(maxsize=1024)
def _sure(expression: str, at_most: int) -> int:
    """Return after how many passes a condition holds whatever is measured (``pass >= 50 or retention < 80 %``)."""
    condition = parse_condition(expression)
    if "pass" not in condition.names or "not" in expression or "!=" in expression:
        return at_most
    tried = range(1, min(at_most, PASSES_TRIED))  # an unknown value makes each comparison false
    return next((count for count in tried if evaluate(condition, {"pass": float(count)})), at_most)


@dataclass(frozen=True, slots=True)
class _Device:
    index: int
    visits: Mapping[int, int]
    body: tuple[DeviceNode, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    slot: int
    until: str
    at_most: int
    body: tuple[_Node, ...]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Choice:
    condition: str
    then: tuple[_Node, ...]
    otherwise: tuple[_Node, ...]
    then_last: int
    first: int
    last: int


_Node = _Device | _Repeat | _Choice


class Ahead:
    """Counts the rest of one program. ``longest_s`` gives a step's time bound, to tell which branch is the longer."""

    def __init__(self, program: Program) -> None:
        self.slots = 0
        self._longest_s: dict[int, float] = {}
        self._flow = self._nodes(program.flow)
        self.foreseen: dict[int, tuple[int, int, int]] = {}
        """Total passes (fewest, expected, most) by slot, where a caller foresees what measured values will decide."""

    def whole(self, bound: Bound) -> Visits:
        """Return the executions of the whole program."""
        return self._count(self._flow, (0,), bound)

    def after(self, segment: int, passes: Sequence[int], bound: Bound) -> Visits:
        """Return the executions that follow the end of a segment; ``passes`` as in ``WalkPosition``."""
        return self._after(self._flow, segment, passes, 0, bound)

    def open_repeats(self) -> dict[int, tuple[str, int]]:
        """Return condition and largest number of passes of each repeat that measured values may end, by slot."""
        found: dict[int, tuple[str, int]] = {}
        waiting = list(self._flow)
        while waiting:
            node = waiting.pop()
            if isinstance(node, _Repeat):
                if holds(node.until, 1) is None:
                    found[node.slot] = (node.until, node.at_most)
                waiting.extend(node.body)
            elif isinstance(node, _Choice):
                waiting.extend(node.then + node.otherwise)
        return found

    # -- the compiled flow ------------------------------------------------------------------------------------------

    def _nodes(self, nodes: Sequence[HostNode]) -> tuple[_Node, ...]:
        """Return the nodes that take test time; a spectrum takes none, the cell is away from its cycler then."""
        return tuple(self._node(node) for node in nodes if not isinstance(node, Spectroscopy))

    def _node(self, node: Segment | HostRepeat | HostIf) -> _Node:
        """Return a node with its slot; slots are numbered as ``Walker`` numbers them."""
        if isinstance(node, Segment):
            for step in _steps(node.body):
                self._longest_s[step.step_id] = step.end_time_s
            return _Device(node.index, device_visits(node.body), node.body)
        if isinstance(node, HostRepeat):
            slot, self.slots = self.slots, self.slots + 1
            body = self._nodes(node.body)
            return _Repeat(slot, node.until, node.at_most, body, _first(body), _last(body))
        then, otherwise = self._nodes(node.then), self._nodes(node.otherwise)
        both = then + otherwise
        return _Choice(node.condition, then, otherwise, _last(then), _first(both), _last(both))

    # -- counting ---------------------------------------------------------------------------------------------------

    def _count(self, nodes: tuple[_Node, ...], done: Sequence[int], bound: Bound) -> Visits:
        """Return the executions of nodes, once for each number of done passes in ``done``."""
        total: Visits = {}
        if not done:
            return total
        for node in nodes:
            if isinstance(node, _Device):
                add(total, {**node.visits, STARTS: 1.0}, len(done))
            elif isinstance(node, _Repeat):
                passes = self._passes(node, 1, bound)
                add(total, self._count(node.body, range(passes), bound), len(done))
            else:
                add(total, self._chosen(node, done, bound))
        return total

    def _chosen(self, node: _Choice, done: Sequence[int], bound: Bound) -> Visits:
        yes = self._one_pass(node, done)
        if yes is None:
            known = [(value, holds(node.condition, value)) for value in done]
            if any(truth is None for _, truth in known):
                branches = [self._count(nodes, done, bound) for nodes in (node.then, node.otherwise)]
                shortest = bound is Bound.FEWEST
                return sorted(branches, key=self._time_s)[0 if shortest else -1]
            yes = [value for value, truth in known if truth]
        total = self._count(node.then, yes, bound)
        if node.otherwise:
            taken = set(yes)
            add(total, self._count(node.otherwise, [value for value in done if value not in taken], bound))
        return total

    @staticmethod
    def _one_pass(node: _Choice, done: Sequence[int]) -> list[int] | None:
        """Return the passes of a branch that belongs to one (``pass == k``, as ``vary`` makes them)."""
        word, _, value = node.condition.partition(" == ")
        if word != "pass" or not value.isdigit():
            return None
        return [int(value)] if int(value) in done else []

    def _passes(self, node: _Repeat, at_least: int, bound: Bound) -> int:
        """Return the total passes of a repeat of which ``at_least`` have begun."""
        if holds(node.until, at_least) is None:
            fewest, expected, most = self.foreseen.get(node.slot, (at_least, node.at_most, node.at_most))
            passes = {Bound.FEWEST: fewest, Bound.EXPECTED: expected, Bound.MOST: most}[bound]
            sure = _sure(node.until, node.at_most)
            return max(at_least, min(passes, sure))
        word, _, value = node.until.partition(" >= ")
        if word == "pass" and value.isdigit():
            return max(at_least, min(node.at_most, int(value)))
        last = min(node.at_most, at_least + PASSES_TRIED)
        return next((count for count in range(at_least, last) if holds(node.until, count)), node.at_most)

    def _after(
        self, nodes: tuple[_Node, ...], segment: int, passes: Sequence[int], done: int, bound: Bound
    ) -> Visits:
        for place, node in enumerate(nodes):
            first, last = _range(node)
            if not first <= segment <= last:
                continue
            total = self._inside(node, segment, passes, done, bound)
            add(total, self._count(nodes[place + 1 :], (done,), bound))
            return total
        return {}

    def _inside(self, node: _Node, segment: int, passes: Sequence[int], done: int, bound: Bound) -> Visits:
        if isinstance(node, _Device):
            return {}
        if isinstance(node, _Choice):
            branch = node.then if segment <= node.then_last else node.otherwise
            return self._after(branch, segment, passes, done, bound)
        begun = max(passes[node.slot], 1)
        total = self._after(node.body, segment, passes, begun - 1, bound)
        all_passes = self._passes(node, begun, bound)
        add(total, self._count(node.body, range(begun, all_passes), bound))
        return total

    def _time_s(self, visits: Visits) -> float:
        return sum(self._longest_s.get(step_id, 0.0) * count for step_id, count in visits.items())


def add(total: Visits, more: Mapping[int, float], times: int = 1) -> None:
    """Add executions to a total, in place."""
    for step_id, count in more.items():
        total[step_id] = total.get(step_id, 0.0) + count * times


def device_visits(body: Sequence[DeviceNode], times: int = 1) -> dict[int, int]:
    """Return how often a device body executes each of its steps."""
    total: dict[int, int] = {}
    if times == 0:
        return total
    for node in body:
        inner = {node.step_id: 1} if isinstance(node, Step) else device_visits(node.body, node.count)
        for step_id, count in inner.items():
            total[step_id] = total.get(step_id, 0) + count * times
    return total


def device_after(body: Sequence[DeviceNode], step_id: int, jumps: int) -> dict[int, int]:
    """Return the executions of a device body behind a step, after so many jumps back (device cycle - 1).

    Each pass but a loop's first begins with one jump; the loop counters are the digits of the number of jumps.
    """
    for place, node in enumerate(body):
        if isinstance(node, Step):
            if node.step_id != step_id:
                continue
            return device_visits(body[place + 1 :])
        if all(step.step_id != step_id for step in _steps(node.body)):
            jumps -= _jumps(node)
            continue
        per_pass = sum(_jumps(item) for item in node.body) + 1
        done = min(max(jumps, 0) // per_pass, node.count - 1)
        total: dict[int, int] = dict(device_after(node.body, step_id, max(jumps, 0) - done * per_pass))
        for more in (device_visits(node.body, node.count - 1 - done), device_visits(body[place + 1 :])):
            for other, count in more.items():
                total[other] = total.get(other, 0) + count
        return total
    return {}


def _jumps(node: DeviceNode) -> int:
    if isinstance(node, Step):
        return 0
    return node.count * sum(_jumps(item) for item in node.body) + node.count - 1


def _steps(body: Sequence[DeviceNode]) -> list[Step]:
    found: list[Step] = []
    for node in body:
        found.extend([node] if isinstance(node, Step) else _steps(node.body))
    return found


def _range(node: _Node) -> tuple[int, int]:
    return (node.index, node.index) if isinstance(node, _Device) else (node.first, node.last)


def _first(nodes: Sequence[_Node]) -> int:
    return min((_range(node)[0] for node in nodes), default=0)


def _last(nodes: Sequence[_Node]) -> int:
    return max((_range(node)[1] for node in nodes), default=-1)
