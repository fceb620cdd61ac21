"""Ctrl-C: the first one reaches main as a cancel, so that the command line can detach."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.testing.adminpeer import ScriptedBench, scripted_bench


@pytest.fixture
def bench() -> Iterator[ScriptedBench]:
    with scripted_bench() as served:
        yield served


def test_the_first_ctrl_c_reaches_main_as_a_cancel_even_while_a_grant_is_under_way(
    bench: ScriptedBench,
) -> None:
    bench.hold.clear()

    async def main(clock: Clock) -> str:
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            bench.granting.wait()
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        try:
            await clock.plant.sleep(3600.0)
        except asyncio.CancelledError:
            await loop.run_in_executor(None, thread.join)
            return "detached"
        return "slept through"

    assert run_with_clock(bench.spec(), main) == "detached"


def test_a_ctrl_c_that_main_lets_through_is_a_keyboard_interrupt() -> None:
    async def main(clock: Clock) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await clock.link.sleep(3600.0)

    with pytest.raises(KeyboardInterrupt):
        run_with_clock(ClockSpec(), main)
