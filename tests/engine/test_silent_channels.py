"""A channel that gives no rows is asked what it does, again and again, and its answer is told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.clock import Clock
from labctl.engine.station import Station
from labctl.interfaces.cycler import ChannelState, Place
from labctl.model.program import Segment
from labctl.testing.fakecycler import FakeCycler
from labctl.testing.fakeruns import Process, bench, job, program, rest


@pytest.mark.parametrize(
    ("state", "from_s", "until_s"),
    [(ChannelState.PAUSED, 3000.0, 7000.0), (ChannelState.UNKNOWN, 35_999.0, 40_000.0)],
)
def test_state_that_differs_late_in_a_silence_is_told_once(
    tmp_path: Path, state: ChannelState, from_s: float, until_s: float
) -> None:
    process = Process(bench(), tmp_path, poll_s=300.0)

    def odd_later(station: Station, clock: Clock) -> None:
        cycler = station.instruments["neware"].cycler
        assert isinstance(cycler, FakeCycler)
        known = cycler._state

        def later(place: Place) -> ChannelState:
            return known(place) if process.world.now_s < from_s else state

        cycler._state = later  # type: ignore[method-assign]  # a person at the tester

    process.prepare = odd_later
    process.on_progress = lambda seen: process.stop.detach() if seen.plant_s > until_s else None
    (result,) = process.run([job(program((Segment(1, (rest(1, 36_000.0),)),), every_s=7200.0))])
    told = [finding.text for finding in result.findings if finding.kind == "state.differs"]
    assert len(told) == 1
    assert state.value in told[0]
