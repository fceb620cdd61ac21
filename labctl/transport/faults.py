"""Byte faults as data, and what each does to the bytes that pass. Pure: no time, no pipe.

``FaultyTransport`` and the proxies of ``labctl.testing`` both stand on ``FaultLine``, so that a plan means
the same in one process and over a wire. An **exchange** is a request and what comes back until the next
request; bytes are counted from 0 in each exchange and direction. Source: safety-and-faults, F01 to F07.

=========  ==========================================================================
drop       bytes before ``byte`` pass, then the connection is cut
hang       bytes before ``byte`` pass, then nothing more until the pipe is opened anew
split      bytes before ``byte`` come alone, the rest in pieces of ``size``
merge      held back and joined with the next bytes of the same direction
garble     at ``byte``: one bit flipped, the byte lost, or noise put before it
late       all bytes come ``delay_s`` of link time later, on a reopened pipe if need be
duplicate  all bytes come twice
=========  ==========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong with bytes."""

    DROP = "drop"
    HANG = "hang"
    SPLIT = "split"
    MERGE = "merge"
    GARBLE = "garble"
    LATE = "late"
    DUPLICATE = "duplicate"


class Side(StrEnum):
    """Which bytes: those that the host sends or those that come back."""

    REQUEST = "request"
    REPLY = "reply"


class Garbling(StrEnum):
    """How a byte is spoilt."""

    FLIP = "flip"
    LOSE = "lose"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault at the N-th exchange (from 1), or with ``from_then_on`` at that one and all later ones.

    ``opens_refused``: after a drop so many tries to connect fail, as with a cable that stays out for a while.
    """

    kind: FaultKind
    exchange: int = 1
    side: Side = Side.REPLY
    byte: int = 0
    from_then_on: bool = False
    garbling: Garbling = Garbling.FLIP
    bit: int = 0
    noise: bytes = b"\xff"
    size: int = 1
    delay_s: float = 60.0
    opens_refused: int = 0

    def __str__(self) -> str:
        when = f"exchange {self.exchange}" + (" and later" if self.from_then_on else "")
        return f"{self.kind.value} {self.side.value} at byte {self.byte} of {when}"


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The faults of one story. When several meet in one direction of one exchange, the first counts."""

    faults: tuple[Fault, ...] = ()

    def at(self, exchange: int, side: Side) -> Fault | None:
        """Return the fault of this exchange and direction, if any."""
        for fault in self.faults:
            hit = exchange >= fault.exchange if fault.from_then_on else exchange == fault.exchange
            if hit and fault.side is side:
                return fault
        return None


class Verdict(StrEnum):
    """What becomes of a piece of bytes."""

    PASS = "pass"
    HOLD = "hold"  # kept until the next bytes of this direction, or until the line is quiet
    CUT = "cut"  # the connection ends here
    SILENCE = "silence"  # nothing more passes on this connection


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do, in order."""

    verdict: Verdict
    data: bytes = b""
    delay_s: float = 0.0
    opens_refused: int = 0


@dataclass(slots=True)
class FaultLine:
    """Applies a plan to one connection after the other; keeps count of exchanges and of what fired (P8)."""

    plan: FaultPlan
    exchange: int = 0
    fired: list[tuple[int, Fault]] = field(default_factory=list)
    _passed: dict[Side, int] = field(default_factory=lambda: {Side.REQUEST: 0, Side.REPLY: 0})
    _done: set[Side] = field(default_factory=set)
    _silent: bool = False

    def reopened(self) -> None:
        """Say that a new connection begins: silence ends, counts go on."""
        self._silent = False

    def begin_exchange(self) -> None:
        """Say that the next request begins."""
        self.exchange += 1
        self._passed = {Side.REQUEST: 0, Side.REPLY: 0}
        self._done = set()

    def pass_on(self, side: Side, data: bytes) -> list[Act]:
        """Return what to do with bytes that came from ``side``."""
        if self._silent:
            return []
        start = self._passed[side]
        self._passed[side] = start + len(data)
        fault = self.plan.at(self.exchange, side)
        if fault is None or side in self._done or start + len(data) <= fault.byte:
            return [Act(Verdict.PASS, data)]
        self._done.add(side)
        self.fired.append((self.exchange, fault))
        acts = _applied(fault, data, max(0, fault.byte - start))
        self._silent = any(act.verdict is Verdict.SILENCE for act in acts)
        return [act for act in acts if act.data or act.verdict in (Verdict.CUT, Verdict.SILENCE)]


def _applied(fault: Fault, data: bytes, at: int) -> list[Act]:
    before, rest = data[:at], data[at:]
    match fault.kind:
        case FaultKind.DROP:
            return [Act(Verdict.PASS, before), Act(Verdict.CUT, opens_refused=fault.opens_refused)]
        case FaultKind.HANG:
            return [Act(Verdict.PASS, before), Act(Verdict.SILENCE)]
        case FaultKind.SPLIT:
            size = max(1, fault.size)
            pieces = [rest[start : start + size] for start in range(0, len(rest), size)]
            return [Act(Verdict.PASS, before), *(Act(Verdict.PASS, piece) for piece in pieces)]
        case FaultKind.MERGE:
            return [Act(Verdict.HOLD, data)]
        case FaultKind.GARBLE:
            return [Act(Verdict.PASS, before + _garbled(fault, rest))]
        case FaultKind.LATE:
            return [Act(Verdict.PASS, data, delay_s=fault.delay_s)]
        case FaultKind.DUPLICATE:
            return [Act(Verdict.PASS, data), Act(Verdict.PASS, data)]


def _garbled(fault: Fault, rest: bytes) -> bytes:
    match fault.garbling:
        case Garbling.FLIP:
            return bytes([rest[0] ^ (1 << (fault.bit % 8))]) + rest[1:]
        case Garbling.LOSE:
            return rest[1:]
        case Garbling.NOISE:
            return fault.noise + rest
