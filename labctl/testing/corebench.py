"""A whole station in this process on a virtual bench: jump mode, in-memory links, simulated disk.

Every ``live`` is one life of the station; the bench and the disk outlive it, as a laboratory does.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.celltable import cell_from_text
from labctl.model.ids import ChannelId
from labctl.model.job import OPEN_STATES, Job, JobSpec
from labctl.model.person import Actor, Role
from labctl.station.core import StationCore
from labctl.station.opening import Pace, open_core
from labctl.testing.benchrun import BenchRun

T = TypeVar("T")

ANNA = Actor("anna", Role.ADMIN, "test")
"""The person at this bench."""
LOOK_EVERY_S = 60.0
SELDOM = Pace(idle_every_s=600.0, house_every_s=600.0)


def _delivered(address: str, title: str, body: str) -> bool:
    """Take every message: nobody reads them on this bench."""
    return True


class CoreBench(BenchRun):
    """A bench with a station on it."""

    def live(self, story: Callable[[StationCore], Coroutine[Any, Any, T]]) -> T:
        """Open the station, tell a story on it, close it again."""
        self.pipes = {}

        async def main(clock: Clock) -> T:
            async with open_core(
                self.station, self.root(), clock, connect=self._connector(clock), keep_frames=self.keep_frames,
                send=_delivered, pace=SELDOM,
            ) as core:  # fmt: skip
                return await story(core)

        spec = ClockSpec(mode=ClockMode.JUMP, start_s=self.bench.now_s)
        return run_with_clock(spec, main, bench=self)

    async def load_cells(self, core: StationCore) -> None:
        """Register the bench's cells and load each where it sits."""
        for row in self.bench.registry():
            cell = cell_from_text({name: text for name, text in row.items() if text})
            await core.registry.add_cell(ANNA, cell)
        for status in core.supervisor.channels():
            truth = self.admin("truth", slot=status.channel)["cell"]
            if truth is not None:
                await core.registry.load(ANNA, ChannelId(status.channel), truth["cell_id"])
                await core.registry.set_ready(ANNA, status.channel, True)


async def submitted(core: StationCore, *specs: JobSpec) -> list[Job]:
    """Submit jobs and return them as the queue knows them."""
    planned, _ = await core.queue.submit(ANNA, specs)
    known = {job.job_id: job for job in core.queue.jobs()}
    return [known[plan.job_id] for plan in planned if plan.job_id is not None]


async def until_over(core: StationCore, within_s: float = 1e7) -> tuple[Job, ...]:
    """Wait until no job is open; returns all jobs. Raises: TimeoutError with what is still open."""
    end_s = core.clock.plant.now_s() + within_s
    while any(job.state in OPEN_STATES for job in core.queue.jobs()):
        if core.clock.plant.now_s() > end_s:
            left = [f"{job.job_id} {job.state}: {job.waits_for or job.reason}" for job in core.queue.jobs()]
            raise TimeoutError("; ".join(left))
        await core.clock.plant.sleep(LOOK_EVERY_S)
    return core.queue.jobs()
