"""F27: what a program of somebody else does to a channel of ours ends in HELD or in an alarm, never in silence."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labctl.engine.jobs import RunResult
from labctl.testing.faultacts import STRANGERS, Injector
from labctl.testing.faultstory import PlannedFault, make_story
from labctl.testing.faultworld import Watcher, World
from labctl.testing.simstation import StationLives, play

AT_S = 2600.0
"""In the middle of a step of seed 3, of which more steps are to come."""


def dice_for(what: str) -> int:
    """Return dice that let the injector choose an act; a jump goes back to the first step."""
    for number in range(1000):
        dice = random.Random(number)
        if dice.choice(STRANGERS) == what and dice.randint(1, 3) == 1:
            return number
    raise AssertionError(what)


class Told(Watcher):
    """Keeps the alarms and ends behind a moment."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.alarms: set[str] = set()
        self.held: list[str] = []

    def published(self, feed: Any, topic: str, key: str, data: Mapping[str, Any] | None) -> None:
        """Note what a person is told."""
        if topic == "alarm" and data is not None and self.world.now_s >= AT_S:
            self.alarms.add(str(data["definition"]))

    def ended(self, result: RunResult) -> None:
        """Note which runs are held."""
        if result.outcome == "held" or result.reason.startswith("held"):
            self.held.append(result.channel)


@pytest.mark.parametrize(
    ("what", "alarm", "held"),
    [
        ("stop", "stopped.outside", True),
        ("setpause", "state.differs", False),
        ("goto", "order.differs", False),
        ("start", "start.failed", True),
    ],
)
def test_what_a_stranger_does_is_held_or_alarmed(what: str, alarm: str, held: bool, tmp_path: Path) -> None:
    story = make_story(3, quiet=True)
    channel = story.jobs[0].channel
    planned = PlannedFault("F27", AT_S, channel, dice_for(what))
    story = replace(story, jobs=story.jobs[:1], clients=0, duration_s=7200.0, faults=(planned,))
    world = World(story.bench, seed=story.seed)
    told = Told(world)
    world.watchers = [told]
    lives = StationLives(world, story, tmp_path)
    world.at(AT_S, lambda: Injector(world, lives).do(planned))
    play(world, story, lives)
    assert [fault.fid for fault in world.faults] == ["F27"] and what in world.faults[0].what
    assert alarm in told.alarms
    assert bool(told.held) == held
