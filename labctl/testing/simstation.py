"""The station under test: one process after the other on a world that outlives them, in jump mode.

Each life is the real core - supervisor, drivers, store, queue, registry, alarms, audit - on in-memory links and a
simulated disk, with a person at the bench who looks round once a minute: queues work for idle channels, acknowledges
alarms, looks at channels that were tripped or held, and uses them again.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.station import ChannelLimits, DeviceEntry, StationClock, StationFile
from labctl.engine import hooks
from labctl.engine.jobs import Progress, RunResult
from labctl.errors import ConflictError, LabctlError, UsageError
from labctl.model.alarm import AlarmState
from labctl.model.ids import ChannelId
from labctl.model.job import OPEN_STATES, JobSpec
from labctl.model.person import Actor, Role
from labctl.model.program import Limits
from labctl.model.record import RecordBlock
from labctl.station.core import StationCore
from labctl.station.feed import Feed
from labctl.station.latches import RELEASE_WORD
from labctl.station.listening import Listener
from labctl.station.opening import Pace, open_core
from labctl.store.root import DataRoot
from labctl.testing.faultclock import SkewedClock
from labctl.testing.faultstory import Story, StoryJob, channel_limits_V
from labctl.testing.faultworld import World
from labctl.testing.invariants_station import OneOwner, StopDominates
from labctl.worker import Worker

ROOT = Path("/virtual/data")
DOWNTIME_S = (5.0, 1800.0)
LOOK_EVERY_S = 60.0
LOOK_AFTER_S = 600.0
"""How often the person looks round, and how long a channel that was tripped or held waits for a decision."""
LIVES_MAX = 60
"""A story whose processes die more often than this has a bug that kills them."""
ANNA = Actor("anna", Role.ADMIN, "fault bench")
BEN = Actor("ben", Role.OPERATE, "fault bench")
Act = Callable[[StationCore], Awaitable[object]]


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


class StationLives:
    """The station's processes on a world, and the person at the bench."""

    def __init__(self, world: World, story: Story, folder: Path) -> None:
        steps = folder / "steps"
        steps.mkdir(parents=True, exist_ok=True)
        self.world = world
        self.story = story
        self.steps = steps
        self.file = station_file(story, steps)
        self.locks = folder / "leases"
        self.core: StationCore | None = None
        self.on_reset: Callable[[str], None] = lambda channel: None
        self.owner: OneOwner | None = None
        self.button: StopDominates | None = None
        self.on_acknowledge: Callable[[str], None] = lambda key: None
        self.registered: set[str] = set()
        self._look_s: dict[ChannelId, float] = {}
        self._wishes: asyncio.Queue[Act] | None = None
        self._area_cm2: dict[ChannelId, float] = {}

    # -- what the acts ask for --------------------------------------------------------------------------------------

    def wish(self, act: Act) -> bool:
        """Let somebody do something at the station as soon as the loop turns; False where no station lives."""
        if self._wishes is None or self.core is None or self.world.dead:
            return False
        self._wishes.put_nowait(act)
        return True

    def slow_client(self) -> bool:
        """Let a client watch everything and never read."""

        async def act(core: StationCore) -> None:
            core.runs.hub.watch(None)
            core.feed.snapshot()

        return self.wish(act)

    def correct_area(self, channel: ChannelId) -> bool:
        """Correct the area of the cell in a channel while its run goes on (F30)."""

        async def act(core: StationCore) -> None:
            cell_id = next(job.cell.cell_id for job in self.story.jobs if job.channel == channel)
            cell = core.registry.registered(cell_id)
            area_cm2 = (cell.area_cm2 or 1.0) * 1.1
            await core.registry.update_cell(
                ANNA, replace(cell, area_cm2=area_cm2, diameter_mm=None), "measured again"
            )

        return self.wish(act)

    def edit_protocol(self, channel: ChannelId) -> bool:
        """Change the protocol of a running job: a revision at a segment boundary, or a refusal (F32)."""
        text = next(job.protocol for job in self.story.jobs if job.channel == channel)

        async def act(core: StationCore) -> None:
            progress = next((item for item in core.supervisor.active() if item.channel == channel), None)
            if progress is not None:
                changed = text.replace("repeat:", "repeat: 1", 1)
                await core.runs.revise(
                    ANNA, progress.run_id, protocol_text=changed, reason="an edit during the run"
                )

        return self.wish(act)

    def tamper(self) -> None:
        """Let somebody edit the step file of the next start, after it was checked and before it is sent (F32)."""
        life = self.world.life

        def on_point(point: str) -> None:
            if point == "start.intent" and self.world.life == life:
                hooks.on_point = None
                newest = max(self.steps.glob("*.xml"), key=lambda path: path.stat().st_mtime_ns)
                newest.chmod(0o644)
                newest.write_bytes(newest.read_bytes() + b"\n")

        hooks.on_point = on_point

    def two_operators(self, channel: ChannelId) -> bool:
        """Let two persons do the same thing at once: hold one job on one version, queue one job under one key (F43)."""

        async def act(core: StationCore) -> None:
            job = next(item for item in self.story.jobs if item.channel == channel)
            spec = JobSpec(job.cell.cell_id, protocol_text=job.protocol, channel=channel, hold=True)
            before = len(core.queue.jobs())
            for _ in range(2):
                await core.queue.submit(BEN, [spec], key="double click")
            added = list(core.queue.jobs())[before:]
            if len(added) > 1:
                self.world.violations.append(("I02", f"one wish with one key made {len(added)} jobs"))
            if added:
                await core.queue.release(ANNA, added[0].job_id, version=added[0].version)
                try:
                    await core.queue.remove(BEN, added[0].job_id, version=added[0].version)
                except ConflictError:
                    return
                self.world.violations.append(("I17", "an act on an old version of a job was taken"))

        return self.wish(act)

    def stop_all(self, lasts_s: float) -> bool:
        """Let a person stop all outputs, and release that later."""

        async def release(core: StationCore) -> None:
            if core.latches.stop_all.active:
                if self.button is not None:
                    self.button.end()
                await core.release_stop_all(ANNA, "the smell is gone", RELEASE_WORD)

        async def act(core: StationCore) -> None:
            if not core.latches.stop_all.active:
                if self.button is not None:
                    self.button.begin()
                await core.stop_all(BEN, "it smells")
                if self.button is not None:
                    self.button.returned()

        def later() -> None:
            if not self.wish(release):
                self.world.at(self.world.now_s + 600.0, later)

        async def hurry(core: StationCore) -> None:
            """Somebody cannot wait: lets the queue go and asks for a run, which must not start."""
            if core.latches.stop_all.active:
                await core.queue.release_queue(ANNA, "in a hurry")
                for job in self.story.jobs[:2]:
                    spec = JobSpec(job.cell.cell_id, protocol_text=job.protocol, channel=job.channel)
                    await core.queue.release_lane(ANNA, job.channel, "in a hurry")
                    await core.queue.submit(ANNA, [spec])

        for after_s in (90.0, 390.0, 690.0):
            self.world.at(self.world.now_s + after_s, lambda: self.wish(hurry) and None)
        self.world.at(self.world.now_s + lasts_s, later)
        return self.wish(act)

    def steer(self, channel: ChannelId, what: str) -> bool:
        """Let a person pause, skip a step of, or stop a run."""

        async def act(core: StationCore) -> None:
            progress = next((item for item in core.supervisor.active() if item.channel == channel), None)
            if progress is None:
                return
            if what == "pause":
                await core.runs.pause(BEN, progress.run_id, reason="a look at the leads")

                def go_on() -> None:
                    self.wish(lambda later: later.runs.resume(BEN, progress.run_id, reason="leads are fine"))

                self.world.at(self.world.now_s + 400.0, go_on)
            elif what == "skip":
                await core.runs.skip(BEN, progress.run_id, reason="long enough")
            else:
                await core.runs.stop(BEN, progress.run_id, reason="the channel is needed")

        return self.wish(act)

    def second_station(self, instrument: str, *, by_force: bool) -> None:
        """Let a second station want an instrument, or take its lease by hand (F27)."""
        if self.owner is not None:
            if by_force:
                self.owner.steal(instrument)
            else:
                self.owner.try_second_owner(instrument)

    # -- lives ------------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """Live one life, until it is killed or leaves."""
        world = self.world
        world.begin_life()

        async def main(clock: Clock) -> None:
            await self._work(SkewedClock(clock, lambda: world.wall_s, lambda: world.boot_s))

        try:
            with workers_in_the_loop(), overheard(self):
                run_with_clock(ClockSpec(ClockMode.JUMP, start_s=world.now_s), main, bench=world)
        except Exception as error:
            if not world.dead:
                text = f"life {world.life}, {world.now_s:.1f} s: the station ended: {_cause(error)}"
                world.violations.append(("I15", text))
        except BaseException:
            if not world.dead:
                raise
        finally:
            hooks.on_point = None
            self.core = self._wishes = None
            world.end_life()

    async def _work(self, clock: Clock) -> None:
        self.world.set_timers(lambda moment_s: clock.link.call_at(moment_s, _nothing))
        root = DataRoot(ROOT, disk=self.world.disk)
        connect = self.world.connector(clock)
        async with (
            open_core(  # idle channels and the house are looked at less often: a story lives through hours
                self.file,
                root,
                clock,
                connect=connect,
                lock_folder=self.locks,
                keep_frames=False,
                pace=Pace(idle_every_s=120.0, house_every_s=60.0),
            ) as core
        ):
            self.core, self._wishes = core, asyncio.Queue()
            await self._register(core)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._person(core, clock)), group.create_task(self._helper(core))]
                tasks += [
                    group.create_task(self._client(core, clock, number))
                    for number in range(self.story.clients)
                ]
                while self.world.now_s < self.story.duration_s:
                    await clock.plant.sleep(self.story.duration_s - self.world.now_s)
                for task in tasks:
                    task.cancel()

    async def _register(self, core: StationCore) -> None:
        """Put the cells into registry and channels, as far as that is not done."""
        known = {str(cell.cell_id) for cell in core.registry.cells()}
        for job in self.story.jobs:
            with contextlib.suppress(LabctlError, OSError):
                if str(job.cell.cell_id) not in known:
                    await core.registry.add_cell(ANNA, job.cell)
                if core.registry.loaded(job.channel) is None:
                    await core.registry.load(ANNA, job.channel, job.cell.cell_id)
                if not core.registry.ready(job.channel):
                    await core.registry.set_ready(ANNA, job.channel, True)

    # -- persons ----------------------------------------------------------------------------------------------------

    async def _helper(self, core: StationCore) -> None:
        """Do what the story wants done, one thing after the other; a refusal is an answer."""
        assert self._wishes is not None
        wishes = self._wishes
        while True:
            act = await wishes.get()
            await self._try(lambda: act(core))  # noqa: B023  # called before the loop turns

    async def _try(self, act: Callable[[], Awaitable[object]]) -> None:
        """Do what a person wants; a refusal is an answer, a bug is not."""
        try:
            await act()
        except LabctlError:
            return
        except Exception as error:
            trace = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {error} ({Path(trace.filename).name}:{trace.lineno}) for a person's act"
            self.world.violations.append(("I15", f"life {self.world.life}, {self.world.now_s:.1f} s: {text}"))

    async def _client(self, core: StationCore, clock: Clock, number: int) -> None:
        """Look at everything every minute or so, as a screen does; every fourth one never reads its rows."""
        watcher, seen = core.runs.hub.watch(None), core.feed.snapshot().number
        while True:
            await clock.plant.sleep(37.0 + 11.0 * number)
            deltas = core.feed.since(seen)
            seen = core.feed.number if deltas is None or not deltas else deltas[-1].number
            core.info()
            if number % 4:
                await watcher.take()
            for progress in core.supervisor.active()[:1]:
                with contextlib.suppress(LabctlError):
                    await core.runs.detail(progress.run_id)

    async def _person(self, core: StationCore, clock: Clock) -> None:
        while True:
            for job in self.story.jobs:
                await self._try(lambda: self._look_after(core, job))  # noqa: B023  # called before the loop turns
            await self._try(lambda: self._acknowledge(core))
            await clock.plant.sleep(LOOK_EVERY_S)

    async def _look_after(self, core: StationCore, job: StoryJob) -> None:
        channel, now_s = job.channel, self.world.now_s
        if core.latches.stop_all.active or any(item.channel == channel for item in core.supervisor.active()):
            self._look_s.pop(channel, None)
            return
        tripped, lane = core.supervisor.tripped(channel), core.queue.lane(channel)
        if tripped or lane:
            if now_s < self._look_s.setdefault(channel, now_s + LOOK_AFTER_S):
                return
            self._look_s.pop(channel)
            for summary in core.runs.list():
                if summary.channel == channel and summary.state != "ended":
                    await core.runs.stop(ANNA, summary.run_id, reason="looked at, given up")
                    return
            held = self.world.truth(channel)["cell"]
            if held is not None and held["cell_id"] != str(job.cell.cell_id):
                self.world.admin("cell.swap", slot=str(channel), cell=str(job.cell.cell_id))
            self.on_reset(str(channel))
            await core.reset_channel(ANNA, channel, "looked at, fine again", confirm=channel)
            return
        if not any(item.channel in (channel, None) and item.spec.channel == channel and item.state in OPEN_STATES
                   for item in core.queue.jobs()):  # fmt: skip
            spec = JobSpec(job.cell.cell_id, protocol_text=job.protocol, channel=channel)
            await core.queue.submit(ANNA, [spec])

    async def _acknowledge(self, core: StationCore) -> None:
        for alarm in core.alarms.alarms():
            if alarm.state in (AlarmState.UNACK, AlarmState.RTN_UNACK):
                self.on_acknowledge(alarm.key)
                await core.alarms.acknowledge(ANNA, alarm.key, "seen")

    # -- what is heard ----------------------------------------------------------------------------------------------

    def tell(self, name: str, *values: Any) -> None:
        """Hand something on to the watchers while the process lives."""
        if not self.world.dead:
            for watcher in self.world.watchers:
                getattr(watcher, name)(*values)


def _nothing() -> None:
    """Do nothing: the clock has stopped here, that is all."""


def _cause(error: BaseException) -> str:
    """Return the innermost cause of a group of errors, with its place."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    trace = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(trace[-1].filename).name}:{trace[-1].lineno})" if trace else ""
    return f"{type(error).__name__}: {error}{where}"


@contextlib.contextmanager
def overheard(lives: StationLives) -> Iterator[None]:
    """Listen to what the engine tells the station, and to what the station tells everyone."""
    kept = (Listener.progress, Listener.rows, Listener.ended, Feed.publish)
    heard_progress, heard_rows, heard_ended, heard_publish = kept

    def progress(self: Listener, progress: Progress) -> None:
        lives.tell("progress", progress)
        heard_progress(self, progress)

    def rows(self: Listener, run_id: str, block: RecordBlock, *, backfilled: bool = False) -> None:
        lives.tell("rows", run_id, block)
        heard_rows(self, run_id, block, backfilled=backfilled)

    def ended(self: Listener, result: RunResult) -> None:
        lives.tell("ended", result)
        heard_ended(self, result)

    def publish(self: Feed, topic: str, key: str, data: Mapping[str, Any] | None) -> None:
        heard_publish(self, topic, key, data)
        lives.tell("published", self, topic, key, data)

    listener: Any = Listener
    feed: Any = Feed
    listener.progress, listener.rows, listener.ended, feed.publish = progress, rows, ended, publish
    try:
        yield
    finally:
        listener.progress, listener.rows, listener.ended, feed.publish = kept


@contextlib.contextmanager
def workers_in_the_loop() -> Iterator[None]:
    """Do the work of worker threads on the event loop, so that a story depends on no scheduler but the loop's.

    A real thread may come back before or after what else is ready at the same moment; here it always takes one turn.
    """
    kept = Worker.call

    async def call(self: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._closed:
            raise UsageError("the worker is closed", instrument=self._name, operation="call")
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        with self._clock.busy(thread=True):
            await turn
            return func(*args, **kwargs)

    worker: Any = Worker
    worker.call = call
    try:
        yield
    finally:
        worker.call = kept


def play(world: World, story: Story, lives: StationLives) -> None:
    """Live one life after the other until the story is over."""
    for _ in range(LIVES_MAX):
        lives.live()
        if world.now_s >= story.duration_s or world.broken:
            return
        world.pass_down(min(world.now_s + world.dice.uniform(*DOWNTIME_S), story.duration_s))
    raise LabctlError(f"seed {story.seed}: the process has died {LIVES_MAX} times")
