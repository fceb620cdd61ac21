"""Seeded fault stories on the whole station: no invariant may break, whatever meets it, and a seed tells it again.

The quick tests play a few stories. ``-m slow`` plays the gate of every change: 2,000 channel-hours, 500 faults.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from labctl.testing import faultbench
from labctl.testing.faultbench import Report, play_many, play_seed, seeds_of
from labctl.testing.faultstory import ENDING, SURVIVED, make_story

GATE_CHANNEL_HOURS = 2000.0
GATE_FAULTS = 500
GATE_SEEDS = range(1, 200)
IMPLEMENTED = {
    *(f"F{number:02}" for number in range(1, 17)), "F18", "F19", "F21", "F22", "F23", "F24", "F27", "F28", "F29", "F30",
    "F32", "F41", "F42", "F43", "F44",
}  # fmt: skip


def explained(report: Report) -> str:
    """Return every violation with the seed that replays it."""
    return "\n".join(f"seed {seed}: {invariant}: {text}" for seed, invariant, text in report.violations)


def test_every_fault_of_the_issue_can_be_put_into_a_story() -> None:
    assert {fid.split(".")[0] for fid in (*SURVIVED, *ENDING)} >= IMPLEMENTED


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


@pytest.mark.slow
def test_gate_of_a_change_two_thousand_channel_hours_five_hundred_faults_no_violation(
    record_property: Callable[[str, object], None],
) -> None:
    report = play_many(GATE_SEEDS, channel_hours=GATE_CHANNEL_HOURS, workers=os.cpu_count() or 1)
    for fid, count in sorted(report.faults.items()):
        record_property(fid, count)
    assert not report.violations, explained(report)
    assert report.channel_hours >= GATE_CHANNEL_HOURS
    assert sum(report.faults.values()) >= GATE_FAULTS
    assert set(report.faults) >= IMPLEMENTED
    assert all(count > 0 for count in report.checks.values()), report.checks
