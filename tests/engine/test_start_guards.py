"""What must stand before a start is sent: a free channel, and nobody else's test on it meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.clock import Clock
from labctl.engine.station import Chamber, Station
from labctl.errors import UserInputError
from labctl.model.ids import ChannelId
from labctl.model.program import Limits, RecordRule, Segment, TemperatureDemand
from labctl.testing.fakechamber import FakeAir, FakeChamber
from labctl.testing.fakeruns import Process, bench, cycling, job, program, rest


def occupy(process: Process, duration_s: float = 9e4) -> None:
    """Let somebody else use the first channel from now on."""
    segment = Segment(1, (rest(1, duration_s),))
    process.world.begin("1-1", segment, RecordRule(every_s=10.0), Limits(), "somebody else")


@pytest.mark.parametrize("absent", [False, True])
def test_channel_that_is_not_free_is_refused_before_folder_and_chamber(tmp_path: Path, absent: bool) -> None:
    process = Process(bench(("1-1", "1-2")), tmp_path)
    air = FakeAir()

    def oven(station: Station, clock: Clock) -> None:
        chamber = FakeChamber(air, clock)
        station.chambers["oven"] = Chamber("oven", "fake", chamber, 10.0, (ChannelId("neware:1-1"),))

    process.prepare = oven
    if absent:
        process.world.channels["1-1"].absent = True
    else:
        occupy(process)
    wishes = [
        job(program(cycling(1), "1-1", temperature=TemperatureDemand(60.0))),
        job(program(cycling(1), "1-2")),
    ]
    with pytest.raises(UserInputError, match="neware:1-1 is"):
        process.run(wishes)
    assert list(process.root().run_folders()) == []
    assert air.writes == []
    assert process.world.truth == []
