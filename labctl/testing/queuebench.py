"""A queue on a bench made of arithmetic: no bytes, no physics, jump mode, a simulated disk that can be cut.

Runs take as long as their programs estimate. Every ``live`` is one life of the station's queue; runs, disk and the
truth of what was energised outlive it, so a test can say "started exactly once" whatever ended the lives in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.station import DeviceEntry, StationFile
from labctl.engine.jobs import Job as EngineJob
from labctl.engine.jobs import Progress, RunResult
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.life import Phase
from labctl.errors import ConflictError, StoreError, UserInputError
from labctl.interfaces.cycler import CurrentRange, CyclerCapabilities
from labctl.model.bench import ChannelStatus, InstrumentStatus, LinkState
from labctl.model.cell import Cell, CellEvent, CellKind
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import OPEN_STATES, Forecast, Job, JobSpec
from labctl.model.person import Actor, Role
from labctl.model.program import StepMode
from labctl.station.feed import Feed
from labctl.station.ledger import Ledger
from labctl.station.queueing import QueueKeeper
from labctl.store.manifest import read_manifest, write_manifest
from labctl.store.root import DataRoot
from labctl.store.simdisk import SimulatedDisk
from labctl.worker import Worker

T = TypeVar("T")

CHEN = Actor("chen", Role.OPERATE, "test")
SHORT = """\
labctl: protocol/1
name: Short
for: symmetric
variables:
  chamber: {default: 25 degC, note: "where a chamber is"}
  cycles: {default: "2", note: "passes"}
temperature: ${chamber}
steps:
  - rest: 10 min
  - repeat: ${cycles}
    steps:
      - charge: 1 mA/cm^2
        until: {time: 30 min}
      - discharge: 1 mA/cm^2
        until: {time: 30 min}
"""
"""Rests 10 min, then cycles of one hour."""
SHORT_S = 600.0 + 2 * 3600.0


def symmetric(number: int, **fields: Any) -> Cell:
    """Return a Li|Li cell ``C0001`` of 10 mm."""
    cell_id = CellId(f"C{number:04d}")
    return Cell(cell_id, str(cell_id), CellKind.SYMMETRIC, **{"diameter_mm": 10.0, "ocv_V": 0.0, **fields})


def wish(number: int, **fields: Any) -> JobSpec:
    """Return a wish for the short protocol for a cell."""
    return JobSpec(CellId(f"C{number:04d}"), protocol_text=SHORT, **fields)


class CellShelf:
    """A registry in memory: cells, and where they sit."""

    def __init__(self) -> None:
        self.known: dict[CellId, Cell] = {}
        self.places: dict[ChannelId, CellId] = {}
        self.unready: set[ChannelId] = set()

    def cell(self, cell_id: CellId) -> Cell:
        """Return a cell. Raises: UserInputError."""
        if cell_id not in self.known:
            raise UserInputError(f"There is no cell {cell_id!r}.")
        return self.known[cell_id]

    def cells(self) -> tuple[Cell, ...]:
        """Return every cell."""
        return tuple(self.known.values())

    def loaded(self, channel: ChannelId) -> CellId | None:
        """Return the cell in a channel."""
        return self.places.get(channel)

    def where(self, cell_id: CellId) -> ChannelId | None:
        """Return the channel of a cell."""
        return next((channel for channel, held in self.places.items() if held == cell_id), None)

    def ready(self, channel: ChannelId) -> bool:
        """Tell whether a channel's cell may be started."""
        return channel in self.places and channel not in self.unready

    def history(self, cell_id: CellId) -> tuple[CellEvent, ...]:
        """Return nothing: these cells tell no stories."""
        return ()

    async def load(self, actor: Actor, channel: ChannelId, cell_id: CellId, reason: str = "") -> None:
        """Put a cell into a channel. Raises: ConflictError where one sits there."""
        if channel in self.places:
            raise ConflictError(f"{channel} holds {self.places[channel]}.")
        self.places[channel] = cell_id


class Told:
    """Alarms in memory, by definition and subject."""

    def __init__(self) -> None:
        self.active: dict[tuple[str, str], str] = {}

    def raise_alarm(
        self,
        definition: str,
        subject: str,
        *,
        text: str = "",
        channel: str = "",
        cell: str = "",
        run_id: str = "",
    ) -> None:
        """Keep an alarm."""
        self.active[definition, subject] = text

    def clear(self, definition: str, subject: str) -> None:
        """Forget an alarm."""
        self.active.pop((definition, subject), None)


class Acts:
    """A journal in memory."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []

    async def write(
        self,
        actor: Actor,
        what: str,
        *,
        subject: str = "",
        old: Any = None,
        new: Any = None,
        reason: str = "",
    ) -> None:
        """Keep an act."""
        self.rows.append((actor.name, what, subject, reason))


@dataclass(slots=True)
class FakeRun:
    """A run of the bench, with the truth about it. ``energised_s`` None: nothing was sent yet."""

    run_id: RunId
    job_id: str
    channel: ChannelId
    cell_id: CellId
    manifest: dict[str, Any]
    folder: Path
    length_s: float
    setpoint_degC: float | None
    energised_s: float | None = None
    outcome: Outcome | None = None


@dataclass(slots=True)
class World:
    """What outlives a life of the station."""

    runs: dict[RunId, FakeRun] = field(default_factory=dict)
    energised: list[str] = field(default_factory=list)
    """Job ids in the order in which a start command reached the device."""
    links: dict[str, LinkState] = field(default_factory=lambda: {"neware": LinkState.LIVE})
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """How runs of a cell end, finished where nothing is said."""
    refuse: dict[str, list[Exception]] = field(default_factory=dict)
    """What the next starts for a cell raise before anything is written."""
    trips: dict[ChannelId, str] = field(default_factory=dict)
    unread: set[ChannelId] = field(default_factory=set)
    """Channels that nobody has read yet."""


class FakeEngine:
    """A supervisor on a ``World``. ``keeper`` hears what becomes of the runs."""

    def __init__(self, world: World, root: DataRoot, clock: Clock, channels: Sequence[ChannelId]) -> None:
        self.world = world
        self.keeper: QueueKeeper | None = None
        self.tasks: asyncio.TaskGroup | None = None
        self._root = root
        self._clock = clock
        self._channels = channels
        self._alive = True

    def close(self) -> None:
        """End this life; the device goes on."""
        self._alive = False

    async def start(self, job: EngineJob) -> RunId:
        """Make a run's folder, then energise. Raises: what the world was told to raise."""
        cell_id, channel = job.program.cell.cell_id, job.program.channel
        await self._clock.link.sleep(0.01)
        waiting = self.world.refuse.get(cell_id)
        if waiting:
            raise waiting.pop(0)
        if any(run.channel == channel and run.outcome is None for run in self.world.runs.values()):
            raise UserInputError(f"Channel {channel} is in use by another run.")
        utc = self._clock.plant.utc()
        run_id = self._root.new_run_id(cell_id, utc)
        manifest = {"run_id": run_id, "channel": channel, "state": "prepared", "marks": dict(job.marks)}
        folder = self._root.path / "runs" / f"{utc:%Y}" / f"{utc:%m}" / run_id
        demand = job.program.temperature
        run = FakeRun(
            run_id, str(job.marks["job_id"]), channel, cell_id, manifest, folder, job.program.estimate.duration_s,
            None if demand is None else demand.setpoint_degC,
        )  # fmt: skip
        self._write(run)
        self.world.runs[run_id] = run
        self._energise(run)
        await self._clock.link.sleep(0.01)
        return run_id

    def _write(self, run: FakeRun) -> None:
        try:
            write_manifest(self._root.disk, run.folder, run.manifest)
        except OSError as error:
            raise StoreError(f"Cannot write {run.folder}: {error}") from error

    def _energise(self, run: FakeRun) -> None:
        self.world.energised.append(run.job_id)
        run.energised_s = self._clock.plant.now_s()
        self.follow(run)

    def follow(self, run: FakeRun) -> None:
        """See a run to its end, if this life lasts so long."""
        self.say(run, Phase.RUNNING)
        assert self.tasks is not None, "alive"
        self.tasks.create_task(self._until_end(run))

    async def _until_end(self, run: FakeRun) -> None:
        assert run.energised_s is not None, "followed"
        await self._clock.plant.sleep_until(run.energised_s + run.length_s)
        self.end(run)

    def take_up(self) -> None:
        """Go on with what an earlier life has left, as the supervisor does: prepared runs are started now."""
        folders = {folder.name: folder for folder in self._root.run_folders()}
        for run in self.world.runs.values():
            if run.outcome is not None or run.run_id not in folders:
                continue
            stored = read_manifest(self._root.disk, folders[run.run_id])
            if stored["state"] == "ended":
                run.outcome = Outcome(stored["outcome"])
            elif run.energised_s is None:
                self._energise(run)
            else:
                self.follow(run)

    def end(self, run: FakeRun, outcome: Outcome | None = None, reason: str = "") -> None:
        """End a run."""
        if not self._alive or run.outcome is not None:
            return
        became = outcome or self.world.outcomes.get(run.cell_id, Outcome.FINISHED)
        run.manifest.update(state="ended", outcome=became.value, reason=reason)
        self._write(run)
        run.outcome = became
        if self.keeper is not None:
            self.keeper.run_ended(self._result(run, became, reason))

    def leave(self, run: FakeRun, reason: str) -> None:
        """Follow a run no more."""
        assert self.keeper is not None
        self.keeper.run_ended(self._result(run, None, reason))

    def _result(self, run: FakeRun, outcome: Outcome | None, reason: str) -> RunResult:
        state = "running" if outcome is None else "ended"
        return RunResult(run.run_id, 0, run.channel, run.cell_id, state, outcome, reason, None, 0, 0.0)

    def say(self, run: FakeRun, phase: Phase) -> None:
        """Tell how a run stands."""
        if self.keeper is not None:
            self.keeper.run_progress(self._progress(run, phase))

    def _progress(self, run: FakeRun, phase: Phase = Phase.RUNNING) -> Progress:
        began_s = run.energised_s if run.energised_s is not None else self._clock.plant.now_s()
        now_s = self._clock.plant.now_s()
        return Progress(
            run.run_id, 0, run.channel, run.cell_id, "Short", phase, 1, 2, 0.1, 1e-3, "Charge.", 10, now_s - began_s,
            began_s + run.length_s - now_s, now_s,
        )  # fmt: skip

    def active(self) -> tuple[Progress, ...]:
        """Return how the runs stand that go on."""
        return tuple(self._progress(run) for run in self.world.runs.values() if run.outcome is None)

    def channels(self) -> tuple[ChannelStatus, ...]:
        """Return every channel with the device's own word."""
        used = {run.channel for run in self.world.runs.values() if run.outcome is None}
        return tuple(ChannelStatus(item, self._state(item, used)) for item in self._channels)

    def _state(self, channel: ChannelId, used: set[ChannelId]) -> str:
        if channel in self.world.unread:
            return "unknown"
        return "running" if channel in used else "finished"

    def instruments(self) -> tuple[InstrumentStatus, ...]:
        """Return the instruments with their links."""
        return tuple(
            InstrumentStatus(name, "fake", "mem://", state, channels=tuple(self._channels))
            for name, state in self.world.links.items()
        )

    def tripped(self, channel: ChannelId) -> str:
        """Return why a channel is latched."""
        return self.world.trips.get(channel, "")

    def chamber_trip(self, channel: ChannelId) -> str:
        """Return why a channel's chamber takes no run: it never tripped."""
        return ""

    def chamber_alarm(self, channel: ChannelId) -> str:
        """Return the alarm of a channel's chamber: it has none."""
        return ""

    def capabilities(self, channel: ChannelId) -> CyclerCapabilities:
        """Return what the channels can do. Raises: UserInputError."""
        if channel not in self._channels:
            raise UserInputError(f"There is no channel {channel!r}.")
        return CyclerCapabilities(
            "fake", frozenset(StepMode), (CurrentRange(1e-3), CurrentRange(10e-3)), -5.0, 5.0
        )


class PlainForecasts:
    """Knows when every run ends, and bounds it by a minute."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    def ends(self, run_id: str, test_time_s: float) -> Forecast | None:
        """Return when a run ends."""
        run = self._world.runs.get(RunId(run_id))
        if run is None or run.energised_s is None:
            return None
        left_s = run.energised_s + run.length_s - self._clock.plant.now_s()
        end, low, high = (
            (self._clock.plant.utc() + timedelta(seconds=left_s + more_s)).isoformat(timespec="seconds")
            for more_s in (0.0, -60.0, 60.0)
        )
        return Forecast(end, low, high, "measured")


class _Told(Exception):
    """The story is told: everything that serves it ends."""


class QueueBench:
    """Channels ``neware:1-1`` ..., cells ``C0001`` ... loaded in their order, and a queue on them."""

    def __init__(self, channels: int = 2, cells: int = 2, *, chambers: Sequence[DeviceEntry] = ()) -> None:
        self.channels = tuple(ChannelId(f"neware:1-{number}") for number in range(1, channels + 1))
        self.shelf = CellShelf()
        for number in range(1, cells + 1):
            cell = symmetric(number)
            self.shelf.known[cell.cell_id] = cell
            if number <= channels:
                self.shelf.places[self.channels[number - 1]] = cell.cell_id
        self.world = World()
        self.acts = Acts()
        self.alarms = Told()
        self.disk = SimulatedDisk()
        self.now_s = 0.0
        self.file = StationFile(
            "fake bench",
            None,
            instruments=(DeviceEntry("neware", "fake", "mem://"),),
            chambers=tuple(chambers),
        )
        self.feed = Feed("test")

    def advance_to(self, plant_s: float) -> None:
        """Remember the bench's time for the next life."""
        self.now_s = plant_s

    def live(self, story: Callable[[QueueKeeper, FakeEngine], Coroutine[Any, Any, T]]) -> T:
        """Open the queue, tell a story on it while it serves, close it again."""

        async def main(clock: Clock) -> T:
            root = DataRoot(Path("/virtual/data"), disk=self.disk)
            worker = Worker("queue-test", clock)
            engine = FakeEngine(self.world, root, clock, self.channels)
            self.feed = Feed("test")
            keeper = QueueKeeper(
                Ledger(root, worker, "queue"), self.shelf, engine, self.file, self.feed, self.acts, clock,
                PlainForecasts(self.world, clock), root, worker, self.alarms,
            )  # fmt: skip
            engine.keeper = keeper
            self.clock = clock
            try:
                return await self._life(keeper, engine, story)
            finally:
                engine.close()
                worker.close()

        return run_with_clock(ClockSpec(mode=ClockMode.JUMP, start_s=self.now_s), main, bench=self)

    async def _life(
        self,
        keeper: QueueKeeper,
        engine: FakeEngine,
        story: Callable[[QueueKeeper, FakeEngine], Coroutine[Any, Any, T]],
    ) -> T:
        """Tell the story while runs and queue go on; whatever fails in one of them ends this life."""
        told: list[T] = []
        try:
            async with asyncio.TaskGroup() as group:
                engine.tasks = group
                engine.take_up()
                await keeper.open()
                group.create_task(keeper.serve())
                told.append(await story(keeper, engine))
                raise _Told
        except* _Told:
            pass
        return told[0]

    async def over(self, keeper: QueueKeeper, within_s: float = 1e6) -> dict[str, Job]:
        """Wait until no job is open; return all of them by id. Raises: TimeoutError telling what is open."""
        end_s = self.clock.plant.now_s() + within_s
        while any(job.state in OPEN_STATES for job in keeper.jobs()):
            if self.clock.plant.now_s() > end_s:
                raise TimeoutError(
                    "; ".join(f"{job.job_id} {job.state}: {job.waits_for}" for job in keeper.jobs())
                )
            await self.clock.plant.sleep(60.0)
        return {job.job_id: job for job in keeper.jobs()}
