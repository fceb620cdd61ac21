"""The worker: one thread, calls in order, honest about errors and hanging calls."""

from __future__ import annotations

import asyncio
import threading

import pytest

from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.errors import UsageError
from labctl.worker import Worker


def test_calls_run_in_order_in_one_thread_that_is_not_the_loops() -> None:
    threads: list[int] = []

    def note(number: int) -> int:
        threads.append(threading.get_ident())
        return number

    async def main(clock: Clock) -> None:
        worker = Worker("port", clock)
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(worker.call(note, number)) for number in range(200)]
        assert [call.result() for call in calls] == list(range(200))
        worker.close()
        worker.close()

    run_with_clock(ClockSpec(), main)
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


@pytest.mark.parametrize(("raised", "seen"), [(OSError("gone"), OSError), (StopIteration(), RuntimeError)])
def test_an_exception_of_the_call_is_raised_at_the_caller(raised: Exception, seen: type[Exception]) -> None:
    def fail() -> None:
        raise raised

    async def main(clock: Clock) -> None:
        worker = Worker("port", clock)
        with pytest.raises(seen):
            await worker.call(fail)
        assert await worker.call(int) == 0
        worker.close()

    run_with_clock(ClockSpec(), main)


def test_a_caller_with_a_deadline_leaves_a_hanging_call_behind() -> None:
    """F02: the thread cannot be killed; the worker is abandoned and its owner makes a new one."""
    release = threading.Event()

    async def main(clock: Clock) -> None:
        worker = Worker("visa", clock)
        with pytest.raises(TimeoutError):
            async with clock.link.timeout(0.01):
                await worker.call(release.wait)
        worker.abandon()
        with pytest.raises(UsageError, match="closed"):
            await worker.call(int)
        fresh = Worker("visa", clock)
        assert await fresh.call(int) == 0
        fresh.close()
        release.set()
        worker.close()

    run_with_clock(ClockSpec(), main)


def test_a_call_whose_loop_has_ended_does_not_disturb_the_thread() -> None:
    release = threading.Event()
    workers: list[Worker] = []

    async def main(clock: Clock) -> None:
        worker = Worker("visa", clock)
        workers.append(worker)
        with pytest.raises(TimeoutError):
            async with clock.link.timeout(0.01):
                await worker.call(release.wait)

    run_with_clock(ClockSpec(), main)
    release.set()
    workers[0].close()


def test_what_stands_before_a_stop_goes_before_all_that_waits_in_its_own_order() -> None:
    async def main(clock: Clock) -> None:
        worker, busy, go_on, done = Worker("store", clock), threading.Event(), threading.Event(), []

        def first() -> None:
            busy.set()
            go_on.wait(10.0)

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(worker.call(first))
                while not busy.is_set():
                    await clock.link.sleep(0.001)
                for number in range(2):
                    group.create_task(worker.call(done.append, f"store {number}"))
                await clock.link.sleep(0)
                for number in range(2):
                    group.create_task(worker.call_first(done.append, f"stop {number}"))
                await clock.link.sleep(0)
                go_on.set()
        finally:
            worker.close()
        assert done == ["stop 0", "stop 1", "store 0", "store 1"]

    run_with_clock(ClockSpec(), main)
