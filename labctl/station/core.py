"""The station's core: every keeper of one bench PC in one process, on one event loop.

Start-up follows the storage rules (S9): journals are read and verified, leases taken, devices read, runs
reconciled and back-filled, and only then does the queue start anything. Knows neither HTTP nor people's screens;
the API, the tests in jump mode and the fault bench use the same methods.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass, field

from labctl import __version__
from labctl.clock import Clock
from labctl.config.station import StationFile
from labctl.engine.supervisor import Supervisor
from labctl.engine.waiting import Wake, until_or_event
from labctl.errors import InstrumentError, StoreError, UserInputError
from labctl.model.alarm import AlarmState
from labctl.model.bench import ChamberStatus, ChannelStatus, InstrumentStatus, StationInfo, StopAll
from labctl.model.ids import ChannelId, RunId
from labctl.model.limitsnow import LimitsNow
from labctl.model.person import Actor
from labctl.model.plain import to_plain
from labctl.station import handles
from labctl.station.alarming import AlarmKeeper
from labctl.station.audit import AuditJournal
from labctl.station.feed import Feed
from labctl.station.growth import Growth
from labctl.station.latches import Latches
from labctl.station.latestcycles import LatestCycles
from labctl.station.listening import Listener
from labctl.station.newdevices import NewDevices
from labctl.station.notifying import Notifier
from labctl.station.people import People
from labctl.station.potentiostats import Potentiostats
from labctl.station.predictions import Predictions
from labctl.station.protocolshelf import ProtocolShelf
from labctl.station.queueing import QueueKeeper
from labctl.station.rawframes import RawFrames
from labctl.station.registry import Registry
from labctl.station.runs import RunKeeper
from labctl.station.series import SeriesStore
from labctl.station.spectra import Spectra
from labctl.store.reserve import Reserve, ReserveState
from labctl.store.root import DataRoot
from labctl.worker import Worker

log = logging.getLogger(__name__)

RESERVE_EVERY_BEATS = 60
"""Turns of the housekeeping task between two looks at the reserve: five minutes at its usual pace."""
VITALS_EVERY_S = 30.0
"""Link seconds between two words on what changes by itself; sooner only when a person changes the speed."""
VITALS = ("plant_utc", "free_bytes", "days_left", "speed")
STANDING = frozenset({AlarmState.UNACK, AlarmState.ACKED, AlarmState.RTN_UNACK})


@dataclass(slots=True)
class StationCore:
    """One running station. Made by ``open_core``."""

    name: str
    file: StationFile
    root: DataRoot
    clock: Clock
    worker: Worker
    feed: Feed
    audit: AuditJournal
    people: People
    registry: Registry
    series: SeriesStore
    alarms: AlarmKeeper
    notifier: Notifier
    supervisor: Supervisor
    listener: Listener
    frames: RawFrames
    runs: RunKeeper
    queue: QueueKeeper
    latches: Latches
    protocols: ProtocolShelf
    predictions: Predictions
    latest: LatestCycles
    devices: NewDevices
    potentiostats: Potentiostats
    spectra: Spectra
    started_utc: str
    pid: int = 0
    house_every_s: float = 5.0
    ready: bool = False
    beats: int = 0
    """Counts the turns of the housekeeping task: a watchdog that sees it stand still knows that the loop does."""
    growth: Growth = field(default_factory=Growth)
    _vitals_s: float = -math.inf
    _channels_seen: int = 0
    _unjournalled: list[tuple[Actor, object, str]] = field(default_factory=list)
    """Stops of all outputs that the journal has not taken yet: nothing that stops waits for it."""
    _dirty: set[str] = field(default_factory=set)
    _some_dirty: asyncio.Event = field(default_factory=asyncio.Event)
    _hurry: Wake = field(default_factory=Wake)
    """Cuts the pause of the housekeeping task short: a latch is made durable at once, not with its next turn."""

    # -- reading ----------------------------------------------------------------------------------------------------

    def info(self) -> StationInfo:
        """Return how the station stands."""
        space = self.root.space()
        return StationInfo(
            name=self.name,
            version=__version__,
            epoch=self.feed.epoch,
            pid=self.pid,
            data=str(self.root.path),
            virtual=self.clock.plant.virtual,
            clock=self.clock.mode.value,
            plant_utc=self.clock.plant.utc().isoformat(timespec="seconds"),
            started_utc=self.started_utc,
            ready=self.ready,
            stop_all=self.latches.stop_all,
            free_bytes=space.free_bytes,
            space=space.level.value,
            runs_active=len(self.listener.active()),
            jobs_waiting=self.queue.waiting(),
            alarms_open=sum(alarm.state in STANDING for alarm in self.alarms.alarms()),
            days_left=self.growth.days_left(space.free_bytes, self._rows_per_s()),
            speed=self.clock.pace.speed,
            speed_fixed=self.clock.pace.fixed,
        )

    def facts(self) -> str:
        """Return one line about runs and jobs, for the daily message."""
        info = self.info()
        return (
            f"{info.runs_active} runs, {info.jobs_waiting} jobs waiting, {info.free_bytes / 1e9:.0f} GB free"
        )

    def channels(self) -> tuple[ChannelStatus, ...]:
        """Return every channel of the bench."""
        known = [status.channel for status in self.supervisor.channels()]
        return tuple(self.listener.status(channel) for channel in known)

    def channel(self, channel: str) -> ChannelStatus:
        """Return one channel. Raises: UserInputError naming what there is."""
        known = [status.channel for status in self.supervisor.channels()]
        if channel not in known:
            instruments = ", ".join(status.name for status in self.supervisor.instruments()) or "none"
            raise UserInputError(
                f"There is no channel {channel!r}. Instruments of {self.name}: {instruments}."
            )
        return self.listener.status(ChannelId(channel))

    def limits(self, channel: str) -> LimitsNow:
        """Return the limits that bind a channel now, each with its layers. Raises: UserInputError."""
        place = self.channel(channel).channel
        cell_id = self.registry.loaded(place)
        return self.supervisor.limits_now(place, None if cell_id is None else self.registry.cell(cell_id))

    def instruments(self) -> tuple[InstrumentStatus, ...]:
        """Return every instrument with its link."""
        return self.supervisor.instruments()

    def chambers(self) -> tuple[ChamberStatus, ...]:
        """Return every chamber as last read."""
        return self.supervisor.chambers()

    # -- acting -----------------------------------------------------------------------------------------------------

    async def stop_all(self, actor: Actor, reason: str) -> StopAll:
        """Stop all outputs: commands first, disk after; latched until a person releases it (section 5)."""
        why = reason or f"Stop all outputs by {actor.name}"
        self.latches.latch_stop_all(actor.name, why)
        self.queue.hold_all(why)
        reports = await self.supervisor.stop_all(why)
        state = self.latches.report(reports)
        for report in reports:
            # An instrument that never answered stands by its name: its silence has an alarm of its own.
            if not report.confirmed and ":" in report.channel:
                self.alarms.raise_alarm(
                    "stop.unconfirmed", report.channel, text=report.text, channel=report.channel
                )
        self.tell_stop_all()
        self._unjournalled.append((actor, to_plain(state), why))
        await self.write_late()
        self.queue.look()  # a long look at a thousand jobs: behind the report
        return state

    async def release_stop_all(self, actor: Actor, reason: str, confirm: str) -> StopAll:
        """Let outputs be switched on again; nothing restarts by itself. One that is pressed meanwhile stays in force.

        Raises: UserInputError, ConflictError, StoreError.
        """
        if not self.latches.stop_all.active:
            raise UserInputError("Stop all is not active.")
        pressed = self.latches.pressed
        await self.audit.write(actor, "stop-all.release", reason=reason)
        await self.latches.release_stop_all(actor.name, reason, confirm, pressed)
        self.supervisor.release_stop_all()
        self.queue.release_all()
        self.tell_stop_all()
        return self.latches.stop_all

    def tell_stop_all(self) -> None:
        """Show whether *Stop all* is in force: to clients, and as an alarm while it is."""
        state = self.latches.stop_all
        self.feed.publish("station", "stop_all", to_plain(state))
        if state.active:
            text = f"all outputs were stopped by {state.by}: {state.reason}"
            self.alarms.raise_alarm("stop.all", "station", text=text)
        else:
            self.alarms.clear("stop.all", "station")

    async def reset_channel(
        self, actor: Actor, channel: str, reason: str, confirm: str = ""
    ) -> ChannelStatus:
        """Reset what a failure left on a channel: its trip (typed confirmation) and its lane.

        Raises: UserInputError where a trip is reset without confirmation or reason, StoreError.
        """
        status = self.channel(channel)
        if status.tripped and confirm != channel:
            raise UserInputError(
                f"Resetting a trip needs the channel's name typed as confirmation: {channel}."
            )
        if not reason.strip():
            raise UserInputError("Say why the channel may be used again; the reason goes into the journal.")
        await self.audit.write(actor, "channel.reset", subject=channel, old=status.tripped, reason=reason)
        if status.tripped:
            await self.latches.reset_trip(status.channel, actor.name, reason)
            self.supervisor.reset_trip(status.channel)
        self.alarms.channel_reset(status.channel)
        await self.queue.release_lane(actor, status.channel, reason)
        self.listener.refresh(status.channel)
        return self.listener.status(status.channel)

    async def set_pace(self, actor: Actor, speed: float | None) -> StationInfo:
        """Let a virtual bench's time go at another speed, plant seconds per wall second; None = as fast as it can.

        Raises: UserInputError where it cannot be changed, InstrumentError.
        """
        old = self.clock.pace.speed
        await self.clock.pace.set(speed)
        self.tell_vitals()
        await self.audit.write(actor, "bench.pace", old=old, new=speed)
        return self.info()

    async def ping(self, actor: Actor, instrument: str) -> str:
        """Ask an instrument who it is; returns its own words. Raises: InstrumentError, UserInputError."""
        return await self.supervisor.ping(instrument)

    async def set_chamber(
        self, actor: Actor, name: str, setpoint_degC: float, ramp_K_per_min: float | None = None
    ) -> None:
        """Set a chamber; no ramp = the chamber's own. Raises: InstrumentError, UserInputError."""
        new = {"setpoint_degC": setpoint_degC, "ramp_K_per_min": ramp_K_per_min}
        await self.audit.write(actor, "chamber.set", subject=name, new=new)
        await self.supervisor.set_chamber(name, setpoint_degC, ramp_K_per_min)

    async def chamber_off(self, actor: Actor, name: str) -> None:
        """Switch a chamber off. Raises: InstrumentError, UserInputError."""
        await self.audit.write(actor, "chamber.off", subject=name)
        await self.supervisor.chamber_off(name)

    # -- its own tasks ----------------------------------------------------------------------------------------------

    async def keep_house(self) -> None:
        """Write late latches and look at the disk; for ever."""
        while True:
            self._hurry.clear()
            self.beats += 1
            await self.write_late()
            troubles, self.root.troubles[:] = list(self.root.troubles), []
            for text in troubles:
                self.hear_problem("store.frozen", text)
            self._look_at_space()
            self._look_at_handles()
            if self.beats % RESERVE_EVERY_BEATS == 1:
                await self._look_at_reserve()
            self.feed.publish("station", "info", _slow(self.info()))
            await self._look_at_growth()
            await until_or_event(self.clock.link.sleep(self.house_every_s), self._hurry)

    async def write_late(self) -> None:
        """Make durable what was in force before it was written: latches, and who has stopped all outputs."""
        try:
            await self.latches.write()
            while self._unjournalled:
                actor, state, why = entry = self._unjournalled.pop(0)
                try:
                    await self.audit.write(actor, "stop-all", new=state, reason=why)
                except StoreError:
                    self._unjournalled.insert(0, entry)
                    raise
        except StoreError as error:  # tried again with the next turn of the housekeeping task
            self.alarms.raise_alarm("store.failed", "station", text=str(error))
        else:
            self.alarms.clear("store.failed", "station")

    async def keep_runs(self) -> None:
        """Read the manifest of each run again whose state has changed, learn changed programs; for ever."""
        while True:
            await self._some_dirty.wait()
            self._some_dirty.clear()
            dirty, self._dirty = self._dirty, set()
            for run_id in sorted(dirty):
                await self.runs.refresh(RunId(run_id))
            try:
                await self.runs.catch_up()
            except StoreError as error:  # tried again with the next news of a run
                self.alarms.raise_alarm("store.failed", "runs", text=str(error))
            else:
                self.alarms.clear("store.failed", "runs")

    async def _look_at_growth(self) -> None:
        """Watch the free room, and tell everyone every half minute what changes by itself."""
        now_s = self.clock.link.now_s()
        self.growth.see(now_s, self.clock.plant.now_s(), self.root.space().free_bytes)
        if now_s - self._vitals_s >= VITALS_EVERY_S:
            self._vitals_s = now_s
            try:
                await self.clock.pace.look()
            except InstrumentError as error:  # the clock says by itself when its bench is gone
                log.info("the bench does not say its speed: %s", error)
            self.tell_vitals()

    def tell_vitals(self) -> None:
        """Tell the bench's time and speed, and the room on the disk."""
        plain: dict[str, object] = to_plain(self.info())
        self.feed.publish("station", "vitals", {name: plain[name] for name in VITALS})

    def _rows_per_s(self) -> float:
        """Return how many rows the live runs make in a plant second."""
        return sum(run.rows / max(run.test_time_s, 60.0) for run in self.listener.active())

    def _look_at_space(self) -> None:
        space = self.root.space()
        text = f"{space.free_bytes / 1e9:.1f} GB free on the volume of {self.root.path}"
        for level, definition in (("warn", "disk.low"), ("high", "disk.full")):
            if space.level.value == level:
                self.alarms.raise_alarm(definition, "data", text=text)
            else:
                self.alarms.clear(definition, "data")

    def _look_at_handles(self) -> None:
        """Tell, once for each number of channels, that they may need more open files than this computer allows."""
        channels = len(self.supervisor.channels())
        if channels == self._channels_seen:
            return
        self._channels_seen = channels
        if text := handles.shortage(channels, handles.limit()):
            log.warning("%s", text)
            self.listener.tell("handles.few", text)

    async def _look_at_reserve(self) -> None:
        """Keep a day's room for the runs that go on, and give it to them when the volume is full (S5)."""
        runs = self.listener.active()
        try:
            report = await self.worker.call(Reserve(self.root).look, len(runs), self._rows_per_s())
        except StoreError as error:
            self.alarms.raise_alarm("store.failed", "reserve", text=str(error))
            return
        self.alarms.clear("store.failed", "reserve")
        if report.state is ReserveState.RELEASED:
            self.alarms.raise_alarm("disk.full", "reserve", text=report.text)
        elif report.state is ReserveState.KEPT:
            self.alarms.clear("disk.full", "reserve")

    def hear_problem(self, definition: str, text: str) -> None:
        """Alarm what was found damaged or could not be taken up at the start; ``text`` begins with its subject."""
        self.alarms.raise_alarm(definition, text.partition(":")[0], text=text)

    def hear_trouble(self, person: str, text: str) -> None:
        """Alarm that a person cannot be reached; empty text: can again."""
        if text:
            self.alarms.raise_alarm("notify.failed", person, text=text)
        else:
            self.alarms.clear("notify.failed", person)

    def note_trip(self, channel: ChannelId, reason: str) -> None:
        """Latch a channel in the engine too, and have that made durable now: a kill must not forget it."""
        self.supervisor.latch_trip(channel, reason)
        self._hurry.set()

    def note_dirty(self, run_id: str) -> None:
        """Have a run's manifest read again soon."""
        self._dirty.add(run_id)
        self._some_dirty.set()


def _slow(info: StationInfo) -> dict[str, object]:
    """Return what is worth a delta: without the values that change by themselves all the time."""
    plain: dict[str, object] = to_plain(info)
    for name in (*VITALS, "stop_all"):
        plain.pop(name)
    return plain
