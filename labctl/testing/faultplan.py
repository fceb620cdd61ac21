"""Seeded and exhaustive fault plans. A failure report is a seed and a commit."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from labctl.transport.faults import Fault, FaultKind, FaultPlan, Garbling, Side

ALL_KINDS = tuple(FaultKind)


def seeded_plan(
    seed: int,
    *,
    faults: int = 5,
    exchanges: int = 100,
    reply_bytes: int = 64,
    kinds: Sequence[FaultKind] = ALL_KINDS,
) -> FaultPlan:
    """Return the plan of ``seed``: so many faults in the first ``exchanges``, at bytes below ``reply_bytes``.

    No two faults meet in one exchange, and every fault is of one exchange only, so that recovery can be
    judged after the last.
    """
    dice = random.Random(seed)
    chosen = sorted(dice.sample(range(1, exchanges + 1), min(faults, exchanges)))
    return FaultPlan(tuple(_random_fault(dice, exchange, reply_bytes, kinds) for exchange in chosen))


def _random_fault(dice: random.Random, exchange: int, reply_bytes: int, kinds: Sequence[FaultKind]) -> Fault:
    kind = dice.choice(list(kinds))
    # a late or doubled reply is about whole replies; the others may begin anywhere
    whole = kind in (FaultKind.LATE, FaultKind.DUPLICATE, FaultKind.MERGE)
    return Fault(
        kind,
        exchange=exchange,
        side=Side.REQUEST if kind in (FaultKind.DROP, FaultKind.HANG) and dice.random() < 0.3 else Side.REPLY,
        byte=0 if whole else dice.randrange(reply_bytes),
        garbling=dice.choice(list(Garbling)),
        bit=dice.randrange(8),
        noise=dice.randbytes(dice.randint(1, 4)),
        size=dice.randint(1, 7),
        delay_s=dice.choice([0.5, 5.0, 45.0]),
        opens_refused=dice.choice([0, 0, 1, 3]) if kind is FaultKind.DROP else 0,
    )


def fail_nth_exchange(
    kind: FaultKind, *, from_then_on: bool = False, side: Side = Side.REPLY, byte: int = 0, first: int = 1
) -> Iterator[FaultPlan]:
    """Yield plans that fail exchange 1, 2, 3 ... for ever; stop when a run ends without a fault having
    fired."""
    exchange = first
    while True:
        yield FaultPlan((Fault(kind, exchange=exchange, side=side, byte=byte, from_then_on=from_then_on),))
        exchange += 1


def fail_each_byte(
    kind: FaultKind, exchange: int, length: int, side: Side = Side.REPLY
) -> Iterator[FaultPlan]:
    """Yield one plan per byte offset 0 ... length - 1 of one exchange."""
    for byte in range(length):
        yield FaultPlan((Fault(kind, exchange=exchange, side=side, byte=byte),))


def flip_each_bit(exchange: int, length: int) -> Iterator[FaultPlan]:
    """Yield one plan per bit of the first ``length`` bytes of one reply."""
    for byte in range(length):
        for bit in range(8):
            yield FaultPlan((Fault(FaultKind.GARBLE, exchange=exchange, byte=byte, bit=bit),))
