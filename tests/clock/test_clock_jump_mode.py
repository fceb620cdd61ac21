"""Jump mode: time leaps to the next deadline, deterministically, and never while a thread works."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.testing.clocks import JUMP, RecordingBench
from labctl.worker import Worker


def test_a_day_of_one_second_sleeps_takes_86400_leaps() -> None:
    bench = RecordingBench()

    async def main(clock: Clock) -> float:
        for _ in range(86_400):
            await clock.plant.sleep(1.0)
        return clock.plant.now_s()

    assert run_with_clock(JUMP, main, bench=bench) == 86_400.0
    assert bench.moments == [float(second) for second in range(1, 86_401)]


def test_link_time_and_plant_time_are_the_same_and_both_say_utc_from_the_epoch() -> None:
    async def main(clock: Clock) -> None:
        assert clock.mode is ClockMode.JUMP
        assert clock.plant.virtual
        await clock.link.sleep(90.0)
        assert clock.plant.now_s() == clock.link.now_s() == 90.0
        assert clock.plant.utc() == clock.link.utc() == datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)

    run_with_clock(JUMP, main)


def test_a_jump_clock_can_start_where_an_earlier_one_stopped() -> None:
    async def main(clock: Clock) -> float:
        await clock.plant.sleep(5.0)
        return clock.plant.now_s()

    assert run_with_clock(ClockSpec(mode=ClockMode.JUMP, start_s=1000.0), main) == 1005.0


def _story(clock: Clock, log: list[tuple[float, str]]) -> asyncio.Future[None]:
    async def sleeper(name: str, period_s: float) -> None:
        for _ in range(20):
            await clock.plant.sleep(period_s)
            log.append((clock.plant.now_s(), name))

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(sleeper(f"task {number}", 0.1 * (1 + number % 7)))

    return asyncio.ensure_future(together())


def test_the_same_story_is_told_twice_alike() -> None:
    def tell() -> list[tuple[float, str]]:
        log: list[tuple[float, str]] = []

        async def main(clock: Clock) -> None:
            await _story(clock, log)

        run_with_clock(JUMP, main)
        return log

    first = tell()
    assert first == tell()
    assert len(first) == 1000
    assert [moment for moment, _ in first] == sorted(moment for moment, _ in first)


def test_sleepers_of_one_moment_wake_in_the_order_in_which_they_lay_down() -> None:
    woke: list[int] = []

    async def main(clock: Clock) -> None:
        async def sleeper(number: int) -> None:
            await clock.plant.sleep_until(10.0)
            woke.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(1000):
                group.create_task(sleeper(number))

    run_with_clock(JUMP, main)
    assert woke == list(range(1000))


def test_a_sleep_into_the_past_yields_once_and_does_not_move_time() -> None:
    async def main(clock: Clock) -> None:
        await clock.plant.sleep(10.0)
        await clock.plant.sleep(-3.0)
        await clock.plant.sleep_until(4.0)
        assert clock.plant.now_s() == 10.0

    run_with_clock(JUMP, main)


def test_a_moment_that_is_no_number_is_refused() -> None:
    async def main(clock: Clock) -> None:
        with pytest.raises(ValueError, match="NaN"):
            await clock.plant.sleep(float("nan"))

    run_with_clock(JUMP, main)


def test_a_cancelled_sleeper_does_not_make_time_stop_at_its_moment() -> None:
    bench = RecordingBench()

    async def main(clock: Clock) -> None:
        async with asyncio.TaskGroup() as group:
            sleepers = [group.create_task(clock.plant.sleep(5.0)) for _ in range(2000)]
            await clock.plant.sleep(1.0)
            for sleeper in sleepers:
                sleeper.cancel()
        await clock.plant.sleep(9.0)
        assert clock.plant.now_s() == 10.0

    run_with_clock(JUMP, main, bench=bench)
    assert bench.moments == [1.0, 10.0]


def test_a_timeout_passes_in_virtual_time() -> None:
    async def main(clock: Clock) -> float:
        with pytest.raises(TimeoutError):
            async with clock.link.timeout(3600.0):
                await asyncio.get_running_loop().create_future()
        return clock.link.now_s()

    assert run_with_clock(JUMP, main) == 3600.0


def test_timers_stay_reachable_after_ten_years_of_odd_fractions() -> None:
    """A float near 3e8 s is coarser than the resolution that asyncio assumes; then timers would never be
    due."""

    async def main(clock: Clock) -> None:
        await clock.plant.sleep(3.15e8 + 0.1)
        for _ in range(1000):
            await clock.link.sleep(0.1)
            await clock.plant.sleep(1 / 3)
        assert clock.plant.now_s() >= 3.15e8 + 433.0

    run_with_clock(JUMP, main)


def test_nobody_moves_time_while_a_thread_works() -> None:
    release = threading.Event()

    async def main(clock: Clock) -> None:
        worker = Worker("bench", clock)
        seen: list[float] = []

        async def let_go() -> None:
            # many turns of the loop with sleepers of both kinds waiting; none of them may leap
            for _ in range(200):
                await asyncio.get_running_loop().run_in_executor(None, int)
            seen.append(clock.plant.now_s())
            release.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(clock.plant.sleep(1.0))
            group.create_task(clock.link.sleep(2.0))
            group.create_task(let_go())
            assert await worker.call(release.wait)
            seen.append(clock.plant.now_s())
        assert seen == [0.0, 0.0]
        worker.close()

    run_with_clock(JUMP, main)


def test_busy_holds_the_plant_until_it_is_released() -> None:
    async def main(clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        with clock.busy(), clock.busy():
            threading.Timer(0.05, loop.call_soon_threadsafe, (answer.set_result, None)).start()
            async with asyncio.TaskGroup() as group:
                sleeper = group.create_task(clock.plant.sleep(1.0))
                await answer
                assert clock.plant.now_s() == 0.0
                assert not sleeper.done()
                sleeper.cancel()

    run_with_clock(JUMP, main)


def test_a_reply_deadline_passes_while_an_exchange_hangs_in_memory_and_neighbours_go_on() -> None:
    """F02: link time is plant time here; a hung exchange must not freeze the other channels."""
    polls: list[float] = []

    async def main(clock: Clock) -> None:
        async def neighbour() -> None:
            for _ in range(4):
                await clock.plant.sleep(10.0)
                polls.append(clock.plant.now_s())

        async with asyncio.TaskGroup() as group:
            group.create_task(neighbour())
            with pytest.raises(TimeoutError), clock.busy():
                async with clock.link.timeout(30.0):
                    await asyncio.get_running_loop().create_future()
            assert clock.link.now_s() == 30.0

    run_with_clock(JUMP, main)
    assert polls == [10.0, 20.0, 30.0, 40.0]


def test_an_exception_in_main_comes_out_and_other_tasks_are_cancelled() -> None:
    left: list[str] = []

    async def main(clock: Clock) -> None:
        async def endless() -> None:
            try:
                await clock.plant.sleep(1e9)
            finally:
                left.append("cleaned up")

        async with asyncio.TaskGroup() as group:
            group.create_task(endless())
            await clock.plant.sleep(1.0)
            raise RuntimeError("cell is on fire")

    with pytest.raises(ExceptionGroup) as caught:
        run_with_clock(JUMP, main)
    assert caught.group_contains(RuntimeError, match="cell is on fire")
    assert left == ["cleaned up"]


def test_an_exception_of_the_bench_ends_the_run() -> None:
    class Broken:
        def advance_to(self, plant_s: float) -> None:
            raise ArithmeticError("no such moment")

    async def main(clock: Clock) -> None:
        await clock.plant.sleep(1.0)

    with pytest.raises(ArithmeticError, match="no such moment"):
        run_with_clock(JUMP, main, bench=Broken())


@pytest.mark.parametrize("held", [False, True])
def test_a_story_in_which_nobody_can_ever_wake_is_given_up(
    held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labctl.clock.DEADLOCK_AFTER_S", 0.05)

    async def main(clock: Clock) -> None:
        async def hold() -> None:
            with clock.busy():
                await asyncio.get_running_loop().create_future()

        async with asyncio.TaskGroup() as group:
            if held:
                group.create_task(hold())
                group.create_task(clock.plant.sleep(1.0))
            await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="never come"):
        run_with_clock(JUMP, main)
