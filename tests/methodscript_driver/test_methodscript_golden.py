"""The golden transcript: bytes between the driver and the simulated Pico on D1, taken once and played again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from labctl_drivers.methodscript import create

from labctl.clock import Clock
from labctl.interfaces.potentiostat import Potentiostat
from labctl.testing.benchrun import open_virtual_bench, small_bench
from labctl.testing.potentiostatgolden import record, replay
from labctl.transport.base import Transport
from labctl.transport.memory import MemoryTransport
from labctl.transport.replay import ReplayMismatch

GOLDEN = Path(__file__).parent / "golden"


def make(connect: Callable[[str], Transport], clock: Clock) -> Potentiostat:
    return create("pico", "mem://pico", {}, clock, connect)


def taken() -> tuple[list[str], dict[str, object]]:
    """Take the transcript anew from the simulator; what is stored beside this file came from here."""
    entry = {"name": "pico", "kind": "methodscript", "model": "espico", "dummy": "D1", "profile": "ideal"}
    bench = open_virtual_bench({**small_bench(), "potentiostats": [entry]})
    return record(make, lambda clock: MemoryTransport(lambda: bench.connect("pico"), clock, "pico"), bench)


def test_the_driver_says_today_what_it_said_then_and_understands_the_same() -> None:
    told = json.loads((GOLDEN / "espico-d1.json").read_text(encoding="utf-8"))
    assert replay(make, GOLDEN / "espico-d1.capture") == told
    assert len(told["Peis"]["z_re_ohm"]) == 21


def test_a_transcript_taken_now_plays_again_and_tells_the_same() -> None:
    lines, told = taken()
    assert replay(make, lines) == told


def test_a_driver_that_says_something_else_is_caught() -> None:
    lines = (GOLDEN / "espico-d1.capture").read_text(encoding="utf-8").splitlines(keepends=True)
    amplitude, doubled = b" 10m ".hex(), b" 20m ".hex()
    spoilt = [line.replace(amplitude, doubled) for line in lines]
    assert spoilt != lines
    with pytest.raises(ReplayMismatch, match="wants to write"):
        replay(make, spoilt)
