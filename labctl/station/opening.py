"""Opens a station in the order of the storage rules (S9) and closes it again.

Journals are read and verified, latches put back, leases taken and devices read by the engine, runs reconciled and
back-filled; then the station is ready, and only then does the queue start anything. Whatever is unclear at that
point is held and alarmed, and keeps nothing else from working.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from labctl.clock import Clock
from labctl.config.station import StationFile
from labctl.engine.jobs import Job, Progress
from labctl.engine.supervisor import IDLE_EVERY_S, Supervisor
from labctl.errors import StoreError
from labctl.interfaces.cycler import CyclerCapabilities
from labctl.model.bench import ChannelStatus, InstrumentStatus
from labctl.model.ids import ChannelId, RunId
from labctl.model.program import Program
from labctl.protocol.bind import bind
from labctl.protocol.parse import parse_protocol
from labctl.station.advice import Advice
from labctl.station.alarming import AlarmKeeper
from labctl.station.audit import AuditJournal
from labctl.station.core import StationCore
from labctl.station.feed import Feed
from labctl.station.forecasts import Forecasts
from labctl.station.latches import Latches
from labctl.station.latestcycles import LatestCycles
from labctl.station.ledger import Ledger
from labctl.station.listening import Listener
from labctl.station.newdevices import NewDevices
from labctl.station.notifying import Notifier, Send, send_with_apprise
from labctl.station.overriding import OverrideWatch
from labctl.station.people import People
from labctl.station.potentiostats import Potentiostats
from labctl.station.predictions import Predictions
from labctl.station.protocolshelf import ProtocolShelf
from labctl.station.queueing import QueueKeeper
from labctl.station.rawframes import RawFrames
from labctl.station.registry import Registry
from labctl.station.rowshub import RowsHub
from labctl.station.runs import Bind, RunKeeper
from labctl.station.series import SeriesStore
from labctl.station.spare import Spare
from labctl.station.spectra import Spectra
from labctl.store.manifest import read_manifest
from labctl.store.root import DataRoot
from labctl.transport.base import Transport
from labctl.worker import Worker


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, in link seconds, channels without a run are read and the house is kept.

    In jump mode link time is plant time: tests that live through months look less often.
    """

    idle_every_s: float = IDLE_EVERY_S
    house_every_s: float = 5.0


REAL_PACE = Pace()


@asynccontextmanager
async def open_core(
    file: StationFile,
    root: DataRoot,
    clock: Clock,
    *,
    connect: Callable[[str], Transport] | None = None,
    lock_folder: Path | None = None,
    keep_frames: bool = True,
    send: Send = send_with_apprise,
    pace: Pace = REAL_PACE,
) -> AsyncIterator[StationCore]:
    """Open a station on a data root that the caller has locked; close it at the end, device-driven runs go on.

    ``connect`` replaces the transports (in-memory benches), ``lock_folder`` is where instruments' leases lie, ``send``
    carries messages, ``pace`` says how often idle things are looked at. Raises: StoreError where the station's own
    files cannot be used, UserInputError, UserFileError.
    """
    async with AsyncExitStack() as stack:
        worker, reader = Worker("labctl-station", clock), Worker("labctl-read", clock)
        stack.callback(reader.close)
        stack.callback(worker.close)
        core = _assembled(file, root, clock, worker, reader, connect, lock_folder, keep_frames, send, pace)
        await _read_journals(core, stack)
        overrides = OverrideWatch(core.file, core.alarms, core.audit, clock)
        await overrides.open(await core.audit.newest())
        async with asyncio.TaskGroup() as tasks:
            serving = [tasks.create_task(core.supervisor.serve())]
            for keeper in (core.alarms.serve, core.notifier.serve, core.series.serve, overrides.serve):
                serving.append(tasks.create_task(keeper()))
            try:
                await _take_up(core)
                await core.queue.open()
                for keeper in (
                    core.queue.serve,
                    core.keep_house,
                    core.keep_runs,
                    core.latest.serve,
                    core.predictions.serve,
                ):
                    serving.append(tasks.create_task(keeper()))
                core.ready = True
                yield core
            finally:
                core.ready = False
                core.supervisor.close()
                core.predictions.close()
                for task in serving[1:]:
                    task.cancel()
        await _write_last(core)


def _assembled(
    file: StationFile,
    root: DataRoot,
    clock: Clock,
    worker: Worker,
    reader: Worker,
    connect: Callable[[str], Transport] | None,
    lock_folder: Path | None,
    keep_frames: bool,
    send: Send,
    pace: Pace,
) -> StationCore:
    """Make every keeper and tell each whom to talk to; nothing is read or sent."""
    started_utc = clock.link.utc().isoformat(timespec="milliseconds")
    feed, hub = Feed(started_utc), RowsHub()
    audit = AuditJournal(root, worker, feed, clock)
    registry = Registry(root, worker, feed, audit, clock)
    series, forecasts = SeriesStore(root, reader), Forecasts(clock)
    chambers = {str(channel): entry.name for entry in file.chambers for channel in entry.channels}
    alarms = AlarmKeeper(Ledger(root, worker, "alarms"), feed, audit, clock, chambers=chambers)
    latches = Latches(Ledger(root, worker, "latches"), Spare(root, worker, "latches"), clock)
    advice = Advice(root, reader, clock)
    listener = Listener(clock, feed, hub, series, alarms, forecasts, registry, latches, advice)
    supervisor = Supervisor(
        file, root, clock, listener, connect=connect, lock_folder=lock_folder, keep_frames=keep_frames,
        idle_every_s=pace.idle_every_s,
    )  # fmt: skip
    runs = RunKeeper(
        root,
        clock,
        reader,
        supervisor,
        listener,
        forecasts,
        audit,
        hub,
        _binder(file, root, supervisor, clock),
        advice,
    )
    queue = QueueKeeper(
        Ledger(root, worker, "queue"), registry, _QueueEngine(supervisor, runs, registry), file, feed, audit, clock,
        forecasts, root, worker, alarms,
    )  # fmt: skip
    core = StationCore(
        name=file.name, file=file, root=root, clock=clock, worker=worker, feed=feed, audit=audit,
        people=People(root, worker, audit, clock), registry=registry, series=series, alarms=alarms,
        notifier=Notifier(
            file.notify, clock, file.name, head=lambda: audit.head, facts=lambda: core.facts(), send=send
        ),
        supervisor=supervisor, listener=listener,
        frames=RawFrames(root, reader, supervisor.frames), runs=runs, queue=queue, latches=latches,
        started_utc=started_utc,
        protocols=ProtocolShelf(Ledger(root, worker, "protocols"), feed, audit, clock, reader),
        predictions=Predictions(root, clock, file, feed, runs, reader),
        latest=LatestCycles(root, clock, feed, runs, reader),
        devices=NewDevices(file, root.disk, worker, audit, clock, connect),
        potentiostats=Potentiostats(supervisor, audit, listener.store_failed),
        spectra=Spectra(root, reader, runs),
        pid=os.getpid(), house_every_s=pace.house_every_s,
    )  # fmt: skip
    alarms.set_notifier(core.notifier)
    core.notifier.report_to(alarms.told, core.hear_trouble)
    _introduce(core)
    return core


def _introduce(core: StationCore) -> None:
    """Tell the listener who wants to hear what."""
    listener, supervisor, registry = core.listener, core.supervisor, core.registry
    listener.lane = core.queue.lane
    listener.job_of = core.runs.job_of
    listener.on_dirty = core.note_dirty
    listener.on_progress.append(core.queue.run_progress)
    listener.on_ended.append(core.queue.run_ended)
    listener.on_trip.append(core.note_trip)
    registry.places.channels = lambda: [status.channel for status in supervisor.channels()]
    registry.places.busy = listener.busy
    registry.on_channel.append(listener.refresh)
    supervisor.tell_loaded(registry.loaded)
    core.runs.cell_of = registry.find
    core.queue.know_protocols(core.protocols.saved_text)
    core.latest.cell_of = registry.find
    listener.on_progress.append(core.latest.run_progress)
    listener.on_ended.append(core.latest.run_ended)


async def _read_journals(core: StationCore, stack: AsyncExitStack) -> None:
    """Load and verify what the station wrote before; put its latches back. Raises: StoreError."""
    await core.audit.open()
    stack.callback(core.audit.close)
    await core.people.open()
    stack.callback(core.people.close)
    await core.latches.open()
    stack.callback(core.latches.close)
    if core.latches.stop_all.active:
        core.supervisor.latch_stop_all(core.latches.stop_all.reason)
        core.queue.hold_all(core.latches.stop_all.reason)
    for channel, reason in core.latches.tripped.items():
        core.supervisor.latch_trip(channel, reason)
    for name, reason in core.latches.chambers.items():
        core.supervisor.latch_chamber(name, reason)
    await core.registry.open()
    await core.protocols.open()
    stack.callback(core.protocols.close)
    await core.alarms.open()
    core.tell_stop_all()
    if core.audit.damaged:
        lines = ", ".join(map(str, core.audit.damaged[:10]))
        core.hear_problem("audit.damaged", f"audit.jsonl: line {lines} does not fit the chain")
    for problem in (*core.registry.problems, *core.protocols.problems):
        core.hear_problem("store.damaged", problem)


async def _take_up(core: StationCore) -> None:
    """Reconcile with the devices what earlier processes left, and fill the gaps."""
    going_on, problems = await core.runs.open()
    for run_id in going_on:
        try:
            await core.runs.replay([run_id])
        except (
            Exception
        ) as error:  # whatever stands in one folder, the station opens and the others go on (S9)
            problems.append(f"{run_id}: {type(error).__name__}: {error}")
    for problem in problems:
        core.hear_problem("run.damaged", problem)
    for problem in await core.supervisor.take_up(going_on, held=False):
        core.hear_problem("run.untaken", problem)
    core.alarms.only_runs(going_on)


async def _write_last(core: StationCore) -> None:
    """Make durable what waits; a disk that refuses now loses nothing that was believed."""
    for write in (core.write_late, core.alarms.flush, core.series.flush, core.runs.flush):
        try:
            await write()
        except StoreError:
            continue
    core.queue.close()
    core.notifier.close()


def _binder(file: StationFile, root: DataRoot, supervisor: Supervisor, clock: Clock) -> Bind:
    """Return what binds a changed protocol for a run's cell and channel."""
    from labctl.engine.resume import cell_from_fields
    from labctl.engine.station import channel_limits, has_chamber, override_of, potentiostats_for

    def bound(run_id: RunId, text: str, variables: Mapping[str, str]) -> Program:
        manifest = read_manifest(root.disk, root.run_folder(run_id))
        channel = ChannelId(str(manifest["channel"]))
        protocol = parse_protocol(text, f"revision of {run_id}")
        return bind(
            protocol,
            cell_from_fields(manifest["cell"]),
            channel,
            supervisor.capabilities(channel),
            variables=variables or manifest["program"].get("variables") or {},
            channel_limits=channel_limits(file, channel),
            has_chamber=has_chamber(file, channel),
            classes=file.classes,
            override=override_of(file, channel, clock),
            potentiostats=potentiostats_for(file, channel),
        )

    return bound


class _QueueEngine:
    """The supervisor as the queue sees it: a start is also told to who keeps runs and cells."""

    def __init__(self, supervisor: Supervisor, runs: RunKeeper, registry: Registry) -> None:
        self._supervisor = supervisor
        self._runs = runs
        self._registry = registry
        self.active: Callable[[], Sequence[Progress]] = supervisor.active
        self.channels: Callable[[], Sequence[ChannelStatus]] = supervisor.channels
        self.instruments: Callable[[], Sequence[InstrumentStatus]] = supervisor.instruments
        self.tripped: Callable[[ChannelId], str] = supervisor.tripped
        self.chamber_trip: Callable[[ChannelId], str] = supervisor.chamber_trip
        self.chamber_alarm: Callable[[ChannelId], str] = supervisor.chamber_alarm
        self.capabilities: Callable[[ChannelId], CyclerCapabilities] = supervisor.capabilities

    async def start(self, job: Job) -> RunId:
        run_id = await self._supervisor.start(job)
        await self._runs.began(run_id, job)
        self._registry.note_run(run_id, job.program.cell.cell_id, job.program.channel)
        return run_id
