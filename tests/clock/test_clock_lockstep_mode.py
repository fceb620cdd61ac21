"""Lockstep mode against a scripted admin server: plant time stands still between grants."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import LinkClosed, RefusedError, UserInputError, WireError
from labctl.testing.adminpeer import ScriptedBench, scripted_bench
from labctl.worker import Worker


@pytest.fixture
def bench() -> Iterator[ScriptedBench]:
    with scripted_bench() as served:
        yield served


def test_the_leader_says_hello_leads_and_grants_up_to_the_earliest_sleeper(bench: ScriptedBench) -> None:
    async def main(clock: Clock) -> None:
        assert clock.plant.now_s() == 100.0
        async with asyncio.TaskGroup() as group:
            group.create_task(clock.plant.sleep(10.0))
            group.create_task(clock.plant.sleep(2.5))
            group.create_task(clock.plant.sleep_until(110.0))
        assert clock.plant.now_s() == 110.0
        assert clock.plant.utc().isoformat() == "2026-01-01T00:01:50+00:00"

    run_with_clock(bench.spec(on_loss="run"), main)
    assert bench.requests == [
        {"do": "hello"},
        {"do": "lead", "on_loss": "run"},
        {"do": "grant", "until_s": 102.5},
        {"do": "grant", "until_s": 110.0},
    ]


def test_without_a_sleeper_nothing_is_granted_while_link_time_passes(bench: ScriptedBench) -> None:
    async def main(clock: Clock) -> None:
        await clock.link.sleep(0.02)

    run_with_clock(bench.spec(), main)
    assert bench.grants() == []


def test_nothing_is_granted_while_an_exchange_is_in_flight(bench: ScriptedBench) -> None:
    async def main(clock: Clock) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(clock.plant.sleep(1.0))
            with clock.busy():
                await clock.link.sleep(0.02)
                assert bench.grants() == []
                assert clock.plant.now_s() == 100.0
        assert clock.plant.now_s() == 101.0

    run_with_clock(bench.spec(), main)


def test_nothing_is_granted_while_a_thread_works(bench: ScriptedBench) -> None:
    async def main(clock: Clock) -> None:
        worker = Worker("store", clock)
        release = threading.Event()

        async def let_go() -> None:
            await clock.link.sleep(0.02)
            assert bench.grants() == []
            release.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(clock.plant.sleep(1.0))
            group.create_task(let_go())
            await worker.call(release.wait)
        worker.close()

    run_with_clock(bench.spec(), main)
    assert bench.grants() == [101.0]


def _tell(bench: ScriptedBench, **fields: Any) -> list[tuple[float, int]]:
    log: list[tuple[float, int]] = []

    async def main(clock: Clock) -> None:
        async def sleeper(number: int) -> None:
            for _ in range(10):
                await clock.plant.sleep(0.1 * (1 + number % 3))
                log.append((clock.plant.now_s(), number))

        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(sleeper(number))

    run_with_clock(bench.spec(**fields), main)
    return log


def test_the_same_story_is_told_twice_alike_at_any_speed() -> None:
    logs, grants = [], []
    for speed in (None, None, 1000.0):
        with scripted_bench() as bench:
            logs.append(_tell(bench, speed=speed))
            grants.append(bench.grants())
    assert logs[0] == logs[1] == logs[2]
    assert grants[0] == grants[1] == grants[2]


def test_a_lead_that_is_refused_says_why(bench: ScriptedBench) -> None:
    bench.refuse_lead = True

    async def main(clock: Clock) -> None:
        raise AssertionError("main must not run")

    with pytest.raises(RefusedError, match="another station leads"):
        run_with_clock(bench.spec(), main)


def test_a_bench_that_goes_away_wakes_every_sleeper_with_link_closed(bench: ScriptedBench) -> None:
    bench.close_at_grant = 2
    errors: list[str] = []

    async def main(clock: Clock) -> None:
        async def sleeper(number: int) -> None:
            with pytest.raises(LinkClosed, match="closed the admin link"):
                await clock.plant.sleep(5.0)
            errors.append(f"{number}")

        await clock.plant.sleep(1.0)
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(sleeper(number))
        with pytest.raises(LinkClosed):
            await clock.plant.sleep(1.0)
        assert clock.plant.now_s() == 101.0

    run_with_clock(bench.spec(), main)
    assert errors == ["0", "1", "2"]


def test_a_grant_that_falls_short_breaks_the_wire_rule(bench: ScriptedBench) -> None:
    bench.short_grant = True

    async def main(clock: Clock) -> None:
        with pytest.raises(WireError, match="plant_s"):
            await clock.plant.sleep(5.0)

    run_with_clock(bench.spec(), main)


def test_nobody_reachable_at_the_admin_port_names_the_command_to_start_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"

    async def main(clock: Clock) -> None:
        raise AssertionError("main must not run")

    with pytest.raises(LinkClosed, match="labctl sim"):
        run_with_clock(ClockSpec(mode=ClockMode.LOCKSTEP, admin=address), main)


@pytest.mark.parametrize("spec", [
    ClockSpec(mode=ClockMode.LOCKSTEP),
    ClockSpec(mode=ClockMode.LOCKSTEP, admin="somewhere"),
    ClockSpec(mode=ClockMode.FREE, speed=0.0),
    ClockSpec(mode=ClockMode.FREE, speed=float("nan")),
])  # fmt: skip
def test_a_clock_that_cannot_be_is_refused_before_anything_runs(spec: ClockSpec) -> None:
    async def main(clock: Clock) -> None:
        raise AssertionError("main must not run")

    with pytest.raises(UserInputError):
        run_with_clock(spec, main)


def test_a_grant_that_was_under_way_when_main_ended_is_forgotten(bench: ScriptedBench) -> None:
    bench.hold.clear()

    async def main(clock: Clock) -> None:
        async with asyncio.TaskGroup() as group:
            sleeper = group.create_task(clock.plant.sleep(1.0))
            while not bench.granting.is_set():
                await clock.link.sleep(0.001)
            sleeper.cancel()

    run_with_clock(bench.spec(), main)
    bench.hold.set()
    assert bench.lost.wait(10.0)
