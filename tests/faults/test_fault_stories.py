"""Seeded fault stories on the whole station: no invariant may break, whatever meets it, and a seed tells it again.

The gate of every change, 2,000 channel-hours, is a command: ``python -m labctl.testing.faultbench --gate``.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest

from labctl.testing import faultbench
from labctl.testing.faultbench import (
    GATE_KINDS,
    GATE_SEEDS,
    REGRESSIONS,
    Report,
    gate_gaps,
    play_seed,
    replay_of,
    seeds_of,
    tell,
)
from labctl.testing.faultstory import ENDING, SURVIVED, make_story


def explained(report: Report) -> str:
    """Return every violation with the command that replays it."""
    return "\n".join(
        f"{invariant}: {text}\n  {replay_of(seed)}" for seed, invariant, text in report.violations
    )


def test_every_fault_of_the_issue_can_be_put_into_a_story() -> None:
    assert {fid.split(".")[0] for fid in (*SURVIVED, *ENDING)} >= GATE_KINDS


def test_a_seed_always_makes_the_same_story_and_another_seed_another() -> None:
    assert make_story(11) == make_story(11)
    assert make_story(11) != make_story(12)


@pytest.mark.slow
def test_a_story_is_told_twice_alike_down_to_each_frame() -> None:
    story = make_story(3)
    tapes = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            tapes.append(faultbench.played(story, Path(folder)).tape)
    assert tapes[0] == tapes[1] and tapes[0]


@pytest.mark.parametrize("seed", [3])
def test_a_story_with_power_cuts_and_lost_links_breaks_no_invariant(seed: int) -> None:
    report = play_seed(seed)
    assert not report.violations, explained(report)
    assert report.channel_hours > 20 and report.lives > 1 and sum(report.faults.values()) >= 10


def test_seeds_are_read_as_ranges_and_single_numbers() -> None:
    assert seeds_of("1-3,7") == [1, 2, 3, 7]


def test_gate_has_every_kind_of_fault_and_the_seeds_that_have_shown_something() -> None:
    planned = {fault.fid.split(".")[0] for seed in GATE_SEEDS[:60] for fault in make_story(seed).faults}
    assert planned >= GATE_KINDS
    assert GATE_SEEDS[: len(REGRESSIONS)] == REGRESSIONS and len(set(GATE_SEEDS)) == len(GATE_SEEDS)


def test_gate_asks_for_hours_faults_checks_and_for_kinds_that_met_something() -> None:
    every = dict.fromkeys(GATE_KINDS, 20)
    passed = Report(
        channel_hours=2001.0, faults=Counter(every), met=Counter(every), checks=Counter({"I01": 1})
    )
    assert gate_gaps(passed) == []
    passed.met["F27"] = passed.checks["I01"] = 0
    passed.channel_hours = 10.0
    assert len(gate_gaps(passed)) == 3


def test_a_violation_is_printed_with_the_command_that_replays_it(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Report(seeds=[7], violations=[(7, "I05", "no stop"), (7, "I10", "differs")]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "replay: python -m labctl.testing.faultbench --seeds 7 --verbose"
    assert sum(line.startswith("replay:") for line in lines) == 1
