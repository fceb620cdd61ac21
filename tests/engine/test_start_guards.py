"""What must stand before a start is sent: a free channel, and nobody else's test on it meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.clock import Clock
from labctl.engine.machines.findings import Outcome
from labctl.engine.station import Chamber, Station
from labctl.errors import UserInputError
from labctl.model.ids import ChannelId
from labctl.model.program import Limits, RecordRule, Segment, TemperatureDemand
from labctl.testing.fakechamber import FakeAir, FakeChamber
from labctl.testing.fakeruns import Process, bench, charge, cycling, job, program, rest


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


@pytest.mark.parametrize("segments_before", [0, 1])
def test_channel_that_somebody_used_during_an_outage_is_not_started(
    tmp_path: Path, segments_before: int
) -> None:
    process = Process(bench(), tmp_path)
    flow = (Segment(1, (rest(1),)), Segment(2, (charge(2),)))
    lost: list[int] = []

    def cable_out_at_load(number: int, operation: str) -> str:
        loads = sum(asked == "load" for _, asked in process.cycler.asked) if process.cycler else 0
        if operation == "load" and loads == segments_before + 1 and not lost:
            lost.append(number)
            occupy(process, 5.0)  # theirs is over when the link is back
            return "lost"
        return ""

    process.fate = cable_out_at_load
    (result,) = process.run([job(program(flow))])
    assert lost
    assert len(process.world.truth) == segments_before
    assert "was used meanwhile" in result.reason
    assert result.outcome is Outcome.HELD
