"""The station under test: one process after the other on a world that outlives them, in jump mode."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.station import ChannelLimits, DeviceEntry, StationClock, StationFile
from labctl.engine import hooks
from labctl.engine.jobs import Job, Progress, RunResult
from labctl.engine.listening import Silent
from labctl.engine.supervisor import Supervisor
from labctl.errors import LabctlError, UserInputError
from labctl.model.ids import ChannelId
from labctl.model.program import Limits
from labctl.model.record import RecordBlock
from labctl.protocol.bind import bind
from labctl.protocol.parse import parse_protocol
from labctl.store.root import DataRoot
from labctl.testing.faultclock import SkewedClock
from labctl.testing.faultstory import Story, StoryJob, channel_limits_V
from labctl.testing.faultworld import World

ROOT = Path("/virtual/data")
DOWNTIME_S = (5.0, 1800.0)
LOOK_EVERY_S = 60.0
LOOK_AFTER_S = 600.0
"""How often the person looks round, and how long a channel that was tripped or held waits for a decision."""
LIVES_MAX = 60
"""A story whose processes die more often than this has a bug that kills them."""


def station_file(story: Story, steps: Path) -> StationFile:
    """Return the station file of a story's bench; its links are in memory."""
    entries = tuple(
        DeviceEntry(
            entry["name"], "neware-bts", f"mem://{entry['name']}", story.poll_s,
            driver_options={"devid": entry["devid"], "devtype": entry["devtype"], "step_folder": str(steps),
                            "units": {"1": "5V10mA"}},
        )
        for entry in story.bench["instruments"]
    )  # fmt: skip
    limits = {}
    for job in story.jobs:
        low_V, high_V = channel_limits_V(job.cell.kind)
        limits[job.channel] = ChannelLimits(Limits(voltage_min_V=low_V, voltage_max_V=high_V))
    return StationFile(
        str(story.bench["name"]), None, clock=StationClock(ClockMode.JUMP), instruments=entries, limits=limits
    )


class SupervisorLives(Silent):
    """The engine's processes on a world, and a person at the bench.

    The person starts a job on each channel, and after a trip or a hold looks at the channel for some minutes, stops
    what still runs there, resets it and starts the job anew, so that every channel works for the whole story.
    """

    def __init__(self, world: World, story: Story, folder: Path) -> None:
        steps = folder / "steps"
        steps.mkdir(parents=True, exist_ok=True)
        self.world = world
        self.story = story
        self.file = station_file(story, steps)
        self.locks = folder / "leases"
        self.supervisor: Supervisor | None = None
        self.on_reset: Callable[[str], None] = lambda channel: None
        self._look_s: dict[ChannelId, float] = {}
        self._left: dict[ChannelId, str] = {}
        self._jobs = {job.channel: job for job in story.jobs}

    # -- what the acts ask for --------------------------------------------------------------------------------------

    def follows(self, channel: ChannelId) -> bool:
        """Tell whether a run of a channel is followed."""
        return True

    def slow_client(self) -> None:
        """The engine alone has no clients."""

    def correct_area(self, channel: ChannelId) -> bool:
        """The engine alone has no registry."""
        return False

    def edit_protocol(self, channel: ChannelId) -> bool:
        """The engine alone reads no protocols."""
        return False

    def two_operators(self, channel: ChannelId) -> bool:
        """The engine alone has no operators."""
        return False

    # -- lives ------------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """Live one life, until it is killed or leaves."""
        world = self.world
        world.begin_life()

        async def main(clock: Clock) -> None:
            await self._work(SkewedClock(clock, lambda: world.wall_s, lambda: world.boot_s))

        try:
            run_with_clock(ClockSpec(ClockMode.JUMP, start_s=world.now_s), main, bench=world)
        except BaseException:
            if not world.dead:
                raise
        finally:
            hooks.on_point = None
            self.supervisor = None
            world.end_life()

    async def _work(self, clock: Clock) -> None:
        root = DataRoot(ROOT, disk=self.world.disk)
        supervisor = Supervisor(
            self.file, root, clock, self, connect=self.world.connector(clock), lock_folder=self.locks, idle_every_s=60.0
        )
        self.supervisor = supervisor
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.serve())
            await supervisor.take_up(sorted(folder.name for folder in root.run_folders()), held=False)
            person = group.create_task(self._person(supervisor, clock))
            await clock.plant.sleep_until(self.story.duration_s - self.world.slept_s)
            person.cancel()
            supervisor.close()

    # -- the person -------------------------------------------------------------------------------------------------

    async def _person(self, supervisor: Supervisor, clock: Clock) -> None:
        while True:
            for job in self.story.jobs:
                with contextlib.suppress(LabctlError):
                    await self._look_after(supervisor, job)
            await clock.plant.sleep(LOOK_EVERY_S)

    async def _look_after(self, supervisor: Supervisor, job: StoryJob) -> None:
        channel, now_s = job.channel, self.world.now_s
        if any(progress.channel == channel for progress in supervisor.active()):
            return
        waiting = self._left.get(channel)
        if waiting or supervisor.tripped(channel):
            if now_s < self._look_s.setdefault(channel, now_s + LOOK_AFTER_S):
                return
            self._look_s.pop(channel)
            if waiting:
                await supervisor.take_up([waiting])
                with contextlib.suppress(UserInputError, OSError):
                    await supervisor.stop(waiting, "looked at by a person")
                self._left.pop(channel, None)
            supervisor.reset_trip(channel)
            self.on_reset(str(channel))
            return
        low_V, high_V = channel_limits_V(job.cell.kind)
        program = bind(
            parse_protocol(job.protocol), job.cell, channel, supervisor.capabilities(channel),
            channel_limits=Limits(voltage_min_V=low_V, voltage_max_V=high_V),
        )  # fmt: skip
        await supervisor.start(Job(program, job.cell, job.protocol))

    # -- what the engine says ---------------------------------------------------------------------------------------

    def progress(self, progress: Progress) -> None:
        """Hand it to the watchers."""
        if not self.world.dead:
            for watcher in self.world.watchers:
                watcher.progress(progress)

    def rows(self, run_id: str, block: RecordBlock) -> None:
        """Hand acknowledged rows to the watchers."""
        if not self.world.dead:
            for watcher in self.world.watchers:
                watcher.rows(run_id, block)

    def ended(self, result: RunResult) -> None:
        """Hand it to the watchers; remember what a person must look at."""
        if self.world.dead:
            return
        if result.outcome is None and result.reason != "detached":
            self._left[result.channel] = result.run_id
        for watcher in self.world.watchers:
            watcher.ended(result)


def play(world: World, story: Story, lives: SupervisorLives) -> None:
    """Live one life after the other until the story is over."""
    for _ in range(LIVES_MAX):
        lives.live()
        if world.now_s >= story.duration_s:
            return
        world.pass_down(min(world.now_s + world.dice.uniform(*DOWNTIME_S), story.duration_s))
    raise LabctlError(f"seed {story.seed}: the process has died {LIVES_MAX} times")
