"""Walks a program's flow: which segment or spectrum comes next, when the host repeats, which way an ``if`` goes.

The flow is compiled once into a flat list of operations, so that the whole position is one number and one
pass counter per host repeat. That position is journalled with every start, and a resumed run goes on from
there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from labctl.errors import InvariantError
from labctl.model.program import HostIf, HostNode, HostRepeat, Program, Segment, Spectroscopy

Evaluate = Callable[[str, Mapping[str, float]], bool]
"""Tells whether an expression holds for the measured values."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Something that takes time: a device test, or a spectrum."""

    part: Segment | Spectroscopy


@dataclass(frozen=True, slots=True)
class _RepeatBegin:
    slot: int


@dataclass(frozen=True, slots=True)
class _RepeatEnd:
    slot: int
    until: str
    at_most: int
    again: int


@dataclass(frozen=True, slots=True)
class _If:
    condition: str
    otherwise: int
    slot: int


@dataclass(frozen=True, slots=True)
class _Jump:
    to: int


_Operation = _Run | _RepeatBegin | _RepeatEnd | _If | _Jump
_NO_SLOT = -1


@dataclass(frozen=True, slots=True)
class HostDecision:
    """One decision that the host took, for the record."""

    expression: str
    value: bool
    passes: int
    taken: str


@dataclass(frozen=True, slots=True)
class WalkPosition:
    """Where the walk stands: the operation that is running, passes of each repeat, jump-backs so far.

    ``at`` is -1 before the first part. ``jumps`` counts the host's own jump-backs; the run's cycle goes
    up by one with each.
    """

    at: int
    passes: tuple[int, ...]
    jumps: int = 0

    def to_json(self) -> dict[str, object]:
        """Return plain data for the journal."""
        return {"at": self.at, "passes": list(self.passes), "jumps": self.jumps}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> WalkPosition:
        """Read back what ``to_json`` gave. Raises InvariantError I11 for anything else."""
        at, passes, jumps = data.get("at"), data.get("passes"), data.get("jumps", 0)
        if not isinstance(at, int) or not isinstance(jumps, int) or not isinstance(passes, list):
            raise InvariantError("I11", f"not a position of a program: {dict(data)!r}")
        return cls(at, tuple(int(value) for value in passes), jumps)


class Walker:
    """Tells the next part of a program; told the measured values, never looking for them."""

    def __init__(self, program: Program, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._operations: list[_Operation] = []
        self._slots = 0
        self._compile(program.flow, _NO_SLOT)
        self.position = WalkPosition(-1, (0,) * self._slots)

    def _compile(self, nodes: Sequence[HostNode], slot: int) -> None:
        for node in nodes:
            if isinstance(node, Segment | Spectroscopy):
                self._operations.append(_Run(node))
            elif isinstance(node, HostRepeat):
                inner = self._slots
                self._slots += 1
                begin = len(self._operations)
                self._operations.append(_RepeatBegin(inner))
                self._compile(node.body, inner)
                self._operations.append(_RepeatEnd(inner, node.until, node.at_most, begin + 1))
            elif isinstance(node, HostIf):
                self._compile_if(node, slot)

    def _compile_if(self, node: HostIf, slot: int) -> None:
        place = len(self._operations)
        self._operations.append(_Jump(place))  # replaced below, once the branch lengths are known
        self._compile(node.then, slot)
        leave = len(self._operations)
        self._operations.append(_Jump(leave))
        self._operations[place] = _If(node.condition, len(self._operations), slot)
        self._compile(node.otherwise, slot)
        self._operations[leave] = _Jump(len(self._operations))

    @property
    def segment(self) -> Segment | None:
        """Return the segment at the present position; None before the first part, and at a spectrum."""
        part = self._part
        return part if isinstance(part, Segment) else None

    @property
    def spectroscopy(self) -> Spectroscopy | None:
        """Return the spectrum at the present position, None where that is none."""
        part = self._part
        return part if isinstance(part, Spectroscopy) else None

    @property
    def _part(self) -> Segment | Spectroscopy | None:
        at = self.position.at
        if not 0 <= at < len(self._operations):
            return None
        operation = self._operations[at]
        return operation.part if isinstance(operation, _Run) else None

    @property
    def passes(self) -> int:
        """Return the pass counter of the innermost repeat around the present position (1 outside of any)."""
        inner = self._enclosing(self.position.at)
        return 1 if inner is None else self.position.passes[inner]

    def _enclosing(self, at: int) -> int | None:
        stack: list[int] = []
        for operation in self._operations[: max(at, 0)]:
            if isinstance(operation, _RepeatBegin):
                stack.append(operation.slot)
            elif isinstance(operation, _RepeatEnd):
                stack.pop()
        return stack[-1] if stack else None

    def restore(self, position: WalkPosition) -> None:
        """Stand where an earlier process stood. Raises InvariantError I11 where the program has no such
        place.
        """
        fits = len(position.passes) == self._slots and -1 <= position.at < len(self._operations)
        if not fits or (position.at >= 0 and not isinstance(self._operations[position.at], _Run)):
            raise InvariantError("I11", f"the program has no segment or spectrum at {position}")
        self.position = position

    def padded(self, position: WalkPosition) -> WalkPosition:
        """Return a position of an earlier revision of the program with counters for the repeats added since."""
        lacking = self._slots - len(position.passes)
        return position if lacking <= 0 else replace(position, passes=(*position.passes, *[0] * lacking))

    def revised(self, program: Program) -> Walker:
        """Return a walker of a changed program that stands at the same place.

        Raises: InvariantError I11 where the two differ in what has been walked already.
        """
        walker = Walker(program, self._evaluate)
        walked = self.position.at + 1
        old, new = self._operations[:walked], walker._operations[:walked]
        if len(new) < walked or not all(map(_same, old, new)):
            raise InvariantError("I11", "the changed program differs in what has been done already")
        walker.restore(walker.padded(self.position))
        return walker

    def advance(
        self, values: Mapping[str, float]
    ) -> tuple[Segment | Spectroscopy | None, tuple[HostDecision, ...]]:
        """Go to the next segment or spectrum and return it with the decisions taken on the way; ``None`` = the
        program is done.

        ``values`` are the measured names in SI units; ``pass`` is added here. The position moves only when
        this returns; an expression that raises leaves it where it was.
        """
        passes = list(self.position.passes)
        jumps = self.position.jumps
        decisions: list[HostDecision] = []
        at = self.position.at + 1
        while at < len(self._operations):
            operation = self._operations[at]
            if isinstance(operation, _Run):
                self.position = WalkPosition(at, tuple(passes), jumps)
                return operation.part, tuple(decisions)
            if isinstance(operation, _RepeatBegin):
                passes[operation.slot] = 1
                at += 1
            elif isinstance(operation, _Jump):
                at = operation.to
            elif isinstance(operation, _If):
                done = passes[operation.slot] - 1 if operation.slot != _NO_SLOT else 0
                holds = self._evaluate(operation.condition, {**values, "pass": float(done)})
                decisions.append(HostDecision(operation.condition, holds, done, "then" if holds else "else"))
                at = at + 1 if holds else operation.otherwise
            else:
                done = passes[operation.slot]
                holds = self._evaluate(operation.until, {**values, "pass": float(done)})
                again = not holds and done < operation.at_most
                decisions.append(HostDecision(operation.until, holds, done, "again" if again else "go on"))
                if again:
                    passes[operation.slot] += 1
                    jumps += 1
                at = operation.again if again else at + 1
        return None, tuple(decisions)


def _same(old: _Operation, new: _Operation) -> bool:
    """Tell whether two operations are alike; where a branch leads to may move with what comes behind it."""
    if isinstance(old, _Jump) and isinstance(new, _Jump):
        return True
    if isinstance(old, _If) and isinstance(new, _If):
        return (old.condition, old.slot) == (new.condition, new.slot)
    return old == new
