"""How fast a virtual bench's time goes is known, and can be changed where the bench goes by grants."""

from __future__ import annotations

import asyncio

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import UserInputError
from labctl.testing.adminpeer import scripted_bench


@pytest.mark.parametrize(
    ("spec", "speed", "fixed"),
    [
        (ClockSpec(mode=ClockMode.REAL), 1.0, "wall"),
        (ClockSpec(mode=ClockMode.FREE, speed=50.0), 50.0, "free"),
        (ClockSpec(mode=ClockMode.JUMP), None, "Jump"),
    ],
)
def test_a_clock_says_its_speed_and_why_it_stays(spec: ClockSpec, speed: float | None, fixed: str) -> None:
    async def main(clock: Clock) -> None:
        assert clock.pace.speed == speed and fixed in clock.pace.fixed
        with pytest.raises(UserInputError, match=fixed):
            await clock.pace.set(10.0)

    run_with_clock(spec, main)


@pytest.mark.parametrize(
    ("ours", "bench", "told"), [(None, "max", None), (None, 60.0, 60.0), (10.0, 60.0, 10.0)]
)
def test_in_lockstep_the_slower_of_station_and_bench_is_the_speed(
    ours: float | None, bench: object, told: float | None
) -> None:
    with scripted_bench() as served:
        served.speed = bench

        async def main(clock: Clock) -> None:
            assert clock.pace.speed == told and clock.pace.fixed == ""

        run_with_clock(served.spec(speed=ours), main)


def test_another_speed_is_told_to_the_bench_and_holds_at_once() -> None:
    """Given a pace of hours for the next grant, the wait ends with the new pace."""
    with scripted_bench() as leader, scripted_bench() as door:

        async def main(clock: Clock) -> None:
            clock.pace._address = door.address  # the scripted peer serves one connection at a time
            await clock.plant.sleep(1.0)
            async with asyncio.TaskGroup() as group:
                group.create_task(clock.plant.sleep(1.0))
                await clock.link.sleep(0.02)
                assert len(leader.grants()) == 1
                await clock.pace.set(None)
            assert clock.plant.now_s() == 102.0 and clock.pace.speed is None
            door.speed = 60.0  # somebody else's doing
            await clock.pace.look()
            assert clock.pace.speed == 60.0
            await clock.pace.set(600.0)
            with pytest.raises(UserInputError, match="above 0"):
                await clock.pace.set(0.0)

        run_with_clock(leader.spec(speed=1e-4), main)
    told = [request["speed"] for request in door.requests if request["do"] == "pace"]
    assert told == ["max", 600.0]
