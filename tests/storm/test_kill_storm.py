"""A small storm of real SIGKILLs on real processes; ``python -m labctl.testing.killstorm`` raises greater ones."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from labctl.testing.killstorm import storm

KILLS = 12
SEED = 4


@pytest.mark.slow
def test_storm_leaves_exactly_what_the_bench_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tally, verdict = storm(tmp_path, KILLS, SEED, sys.stderr, finish_waiting=False)
    with capsys.disabled():
        sys.stdout.write(f"\nkill storm: {json.dumps({**tally.report(), **verdict.report()})}\n")
    assert verdict.problems == []
    assert tally.total >= KILLS
    assert sum(tally.events.values()) > 0, "no kill was within 100 ms of an event"
    assert verdict.rows > 0
    assert verdict.starts >= verdict.runs > 0
