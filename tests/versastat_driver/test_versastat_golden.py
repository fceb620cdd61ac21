"""The golden transcript: both lanes between the driver and the simulated PARSTAT on D1, taken once and played again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from labctl_drivers.versastat_vdk import create

from labctl.clock import Clock
from labctl.interfaces.potentiostat import Potentiostat
from labctl.testing.benchrun import open_virtual_bench, small_bench
from labctl.testing.potentiostatgolden import record, replay
from labctl.transport.base import Transport
from labctl.transport.memory import MemoryTransport
from labctl.transport.replay import ReplayMismatch

GOLDEN = Path(__file__).parent / "golden"
TOKEN = "golden-golden-golden"


def maker(token_file: Path) -> Callable[[Callable[[str], Transport], Clock], Potentiostat]:
    """Return what makes the driver, with a client of a fixed name."""
    token_file.write_text(TOKEN)
    options = {"client": "golden", "token_file": str(token_file)}
    return lambda connect, clock: create("vdk", "mem://vdk", options, clock, connect)


def taken(token_file: Path) -> tuple[list[str], dict[str, object]]:
    """Take the transcript anew from the simulator; what is stored beside this file came from here."""
    entry = {
        "name": "vdk", "kind": "versastat", "model": "parstat4000a", "dummy": "D1", "profile": "ideal",
        "token": TOKEN,
    }  # fmt: skip
    bench = open_virtual_bench({**small_bench(), "potentiostats": [entry]})
    return record(
        maker(token_file), lambda clock: MemoryTransport(lambda: bench.connect("vdk"), clock, "vdk"), bench
    )


def test_the_driver_says_today_what_it_said_then_and_understands_the_same(tmp_path: Path) -> None:
    told = json.loads((GOLDEN / "parstat4000a-d1.json").read_text(encoding="utf-8"))
    assert replay(maker(tmp_path / "token"), GOLDEN / "parstat4000a-d1.capture") == told
    assert len(told["Peis"]["z_re_ohm"]) == 21


def test_a_transcript_taken_now_plays_again_tells_the_same_and_holds_no_token(tmp_path: Path) -> None:
    lines, told = taken(tmp_path / "token")
    assert replay(maker(tmp_path / "token"), lines) == told
    assert TOKEN.encode().hex() not in "".join(lines)


def test_a_driver_that_says_something_else_is_caught(tmp_path: Path) -> None:
    lines = (GOLDEN / "parstat4000a-d1.capture").read_text(encoding="utf-8").splitlines(keepends=True)
    amplitude, doubled = b",0.01,LOG".hex(), b",0.02,LOG".hex()
    spoilt = [line.replace(amplitude, doubled) for line in lines]
    assert spoilt != lines
    with pytest.raises(ReplayMismatch, match="wants to write"):
        replay(maker(tmp_path / "token"), spoilt)
