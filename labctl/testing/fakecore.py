"""A station without instruments: the core's services for tests of the API and its clients.

Journal, people, registry, alarms, feed and the hub of live rows are the real ones on any disk; queue, runs, series
and channels are short stand-ins that keep their methods' promises (versions, refusals, feed, journal) and nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labctl import __version__
from labctl.adminlink import SPEED_MAX
from labctl.clock import Clock
from labctl.config.station import DeviceEntry, StationFile
from labctl.errors import ConflictError, UserInputError
from labctl.model.bench import (
    ChamberStatus,
    ChannelStatus,
    InstrumentStatus,
    LinkState,
    StationInfo,
    StopAll,
    StopReport,
)  # fmt: skip
from labctl.model.cell import Cell
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.latest import LatestCycle
from labctl.model.limitsnow import Layer, LayerLimit, LimitNow, LimitsNow
from labctl.model.person import Actor
from labctl.model.plain import to_plain
from labctl.model.prediction import Prediction, PredictionState
from labctl.model.program import StepMode
from labctl.model.rawframe import FrameKind, FramePage, RawFrame
from labctl.model.record import RecordBlock
from labctl.model.run import RunDetail, RunNote, RunRevision, RunSummary
from labctl.station.alarming import AlarmKeeper
from labctl.station.audit import AuditJournal
from labctl.station.feed import Feed
from labctl.station.ledger import Ledger
from labctl.station.newdevices import NewDevices
from labctl.station.people import People
from labctl.station.potentiostats import Potentiostats
from labctl.station.protocolshelf import ProtocolShelf
from labctl.station.registry import Registry
from labctl.station.rowshub import RowsHub
from labctl.store.disk import Disk
from labctl.store.root import DataRoot
from labctl.store.seriesquery import SeriesQuery
from labctl.testing.fakequeue import CHANNELS, SOON, UTC, FakeQueue
from labctl.testing.fakespectra import FakePotentiostatEngine, FakeSpectra
from labctl.testing.rowbuilder import RowBuilder
from labctl.worker import Worker

EPOCH = "fake-epoch"
Events = list[dict[str, Any]]


def some_rows(steps: int = 3) -> RecordBlock:
    """Return a block of plausible rows: so many CC steps of ten minutes."""
    builder = RowBuilder()
    for step in range(steps):
        charge = step % 2 == 0
        mode = StepMode.CC_CHARGE if charge else StepMode.CC_DISCHARGE
        builder.step(mode, 600.0, 1e-3 if charge else -1e-3, 0.1 if charge else -0.1)
    return builder.block()


class FakeRuns:
    """Two runs with the same rows: one goes on, one has ended."""

    def __init__(self, core: FakeCore) -> None:
        self._core = core
        self.hub = RowsHub()
        self.rows = some_rows()
        last = len(self.rows)
        live = RunSummary(
            RunId("20260101T000000-C1"), "C1", "one", CHANNELS[0], "rest", "running", phase="running", cycle=1,
            cycles=3, rows=last, voltage_V=0.1, current_A=1e-3, sentence="Charge.", ends=SOON, started_utc=UTC,
        )  # fmt: skip
        ended = replace(
            live, run_id=RunId("20260101T000000-C2"), cell_id="C2", channel=CHANNELS[1], state="ended",
            outcome="finished", phase="", end_sequence=last,
        )  # fmt: skip
        self.known = {run.run_id: run for run in (live, ended)}
        self._notes: dict[str, list[RunNote]] = {}

    def list(self, *, state: str = "", cell: str = "") -> tuple[RunSummary, ...]:
        """Return the runs."""
        return tuple(
            run for run in self.known.values() if state in ("", run.state) and cell in ("", run.cell_id)
        )

    def get(self, run_id: str) -> RunSummary:
        """Return one run. Raises: UserInputError."""
        if RunId(run_id) not in self.known:
            raise UserInputError(f"There is no run {run_id!r}.")
        return self.known[RunId(run_id)]

    async def detail(self, run_id: str) -> RunDetail:
        """Return everything about a run."""
        notes = tuple(self._notes.get(run_id, ()))
        return RunDetail(
            self.get(run_id), {"run_id": run_id}, ("Rest.",), await self.revisions(run_id), notes, "runs"
        )

    async def records(
        self, run_id: str, *, after: int = 0, limit: int = 100_000, columns: Sequence[str] | None = None
    ) -> RecordBlock:
        """Return rows."""
        rows = self.rows.rows(after, min(len(self.rows), after + limit))
        side = {"device_clock": np.zeros(len(rows), "S19")}
        every = {**rows.columns, **side}
        return RecordBlock({name: every[name] for name in columns or rows.columns})

    async def backfilled(self, run_id: str, first: int, last: int) -> NDArray[np.bool_]:
        """Return that rows 25 to 27 were fetched after an outage."""
        sequence = np.arange(first, last + 1)
        return (sequence >= 25) & (sequence <= 27)

    async def cycles(self, run_id: str) -> dict[str, NDArray[Any]]:
        """Return two cycles."""
        return {"cycle_count": np.array([1, 2]), "discharge_capacity_ah": np.array([1e-3, 0.9e-3])}

    async def events(self, run_id: str) -> Events:
        """Return an event."""
        return [{"n": 1, "kind": "started", "utc": UTC}]

    async def ambient(self, run_id: str) -> Events:
        """Return a reading of the chamber."""
        return [{"n": 1, "test_time_s": 1.0, "temperature_degC": 25.0, "quality": 0}]

    async def revisions(self, run_id: str) -> tuple[RunRevision, ...]:
        """Return the first revision."""
        return (RunRevision(1, 1, "rest", "0" * 64, "Anna", UTC, "start"),)

    async def _act(self, actor: Actor, what: str, run_id: str, reason: str) -> None:
        if self.get(run_id).state == "ended":
            raise ConflictError(f"Run {run_id} has ended.")
        await self._core.audit.write(actor, what, run_id, reason=reason)

    async def stop(self, actor: Actor, run_id: str, *, reason: str = "") -> bool:
        """Stop a run."""
        await self._act(actor, "run.stop", run_id, reason)
        return True

    async def pause(self, actor: Actor, run_id: str, *, reason: str = "") -> None:
        """Pause a run."""
        await self._act(actor, "run.pause", run_id, reason)

    async def pause_at_step_end(self, actor: Actor, run_id: str, *, reason: str = "") -> None:
        """Pause at the step's end."""
        await self._act(actor, "run.pause-at-step-end", run_id, reason)

    async def resume(self, actor: Actor, run_id: str, *, reason: str = "") -> None:
        """Resume a run."""
        await self._act(actor, "run.resume", run_id, reason)

    async def skip(self, actor: Actor, run_id: str, *, reason: str = "") -> None:
        """Skip a step."""
        await self._act(actor, "run.skip", run_id, reason)

    async def note(self, actor: Actor, run_id: str, *, text: str) -> None:
        """Keep a note."""
        if not text.strip():
            raise UserInputError("An empty note says nothing; write some text.")
        self._notes.setdefault(run_id, []).append(RunNote(UTC, actor.name, text))
        await self._core.audit.write(actor, "run.note", run_id, new=text)

    async def revise(
        self,
        actor: Actor,
        run_id: str,
        *,
        protocol_text: str,
        reason: str,
        variables: Mapping[str, str] | None = None,
    ) -> int:
        """Revise a run."""
        if not reason.strip():
            raise UserInputError("A change of a running program needs a reason.")
        await self._act(actor, "run.revise", run_id, reason)
        return 2

    async def add_cycles(self, actor: Actor, run_id: str, *, count: int, reason: str) -> int:
        """Add cycles."""
        if count < 1:
            raise UserInputError("Add at least one cycle.")
        return await self.revise(actor, run_id, protocol_text="", reason=reason or "more")

    async def take_up(self, actor: Actor, run_id: str, *, reason: str = "") -> tuple[str, ...]:
        """Take a run up."""
        await self._act(actor, "run.take-up", run_id, reason)
        return ()


class FakeForesight:
    """Predictions and newest cycles that are always the same."""

    def __init__(self, runs: FakeRuns) -> None:
        self._runs = runs

    async def sketch(self, text: str, cell: Cell, **how: Any) -> Prediction:
        """Return a curve of two points."""
        columns = {
            "test_time_s": (0.0, 60.0),
            "voltage_V": (0.0, 0.1),
            "cycle": (1.0, 1.0),
            "capacity_Ah": (0.0, 1e-5),
        }
        return Prediction(PredictionState.READY, twin="LIQ-P", outcome="finished", columns=columns)

    async def predicted(self, run_id: str) -> Prediction:
        """Say that it is being made."""
        return Prediction(PredictionState.PENDING, "it is being rehearsed")

    async def latest(self, *, state: str = "", runs: Sequence[str] = ()) -> tuple[LatestCycle, ...]:
        """Return the second cycle of every run. Raises: UserInputError."""
        chosen = [self._runs.get(run_id) for run_id in runs] or self._runs.list(state=state)
        return tuple(LatestCycle(run.run_id, run.channel, CellId(run.cell_id), 2) for run in chosen)


class FakeSeries:
    """A series is the first rows."""

    def __init__(self, rows: RecordBlock) -> None:
        self._rows = rows

    async def series(
        self,
        run_id: str,
        columns: Sequence[str],
        *,
        x: str = "test_time_second",
        begin: float | None = None,
        end: float | None = None,
        width_px: int = 1000,
    ) -> Any:
        """Return the first rows as bins of one row. Raises: UserInputError."""
        query = SeriesQuery.checked(columns, x, begin, end, width_px)
        rows = self._rows.rows(0, width_px)
        none = np.zeros(len(rows), np.int8)
        axis = rows[query.axis] if query.axis in rows.columns else rows["sequence"]
        found = {"x_first": axis, "x_last": axis, "sequence": rows["sequence"]}
        found |= {"rows": none + 1, "bad": none, "flags": none}
        for name in query.columns:
            found |= {f"{name}_{part}": rows[name] for part in ("min", "max", "first", "last")}
        return pa.table({name: pa.array(column) for name, column in found.items()})


class FakeNotifier:
    """Sends nothing."""

    def status(self) -> dict[str, Any]:
        """Return nobody."""
        return {"people": []}

    async def test(self, actor: Actor) -> str:
        """Say so."""
        return "no path is set"


class FakeCore:
    """The services of ``labctl.station.core.StationCore`` without an engine."""

    def __init__(self, root: DataRoot, clock: Clock) -> None:
        self.name = "fake bench"
        self.root = root
        self.clock = clock
        self.file = StationFile("fake bench", None, instruments=(DeviceEntry("neware", "fake", "memory"),))
        self.worker = Worker("labctl-station", clock)
        self.feed = Feed(EPOCH)
        self.audit = AuditJournal(root, self.worker, self.feed, clock)
        self.people = People(root, self.worker, self.audit, clock)
        self.registry = Registry(root, self.worker, self.feed, self.audit, clock)
        self.alarms = AlarmKeeper(Ledger(root, self.worker, "alarms"), self.feed, self.audit, clock)
        self.notifier = FakeNotifier()
        shelf = Ledger(root, self.worker, "protocols")
        self.protocols = ProtocolShelf(shelf, self.feed, self.audit, clock, self.worker)
        self.queue = FakeQueue(self)
        self.runs = FakeRuns(self)
        self.series = FakeSeries(self.runs.rows)
        self.pstat = FakePotentiostatEngine(self.feed, self.runs)
        self.potentiostats = Potentiostats(self.pstat, self.audit, lambda subject, text: None)
        self.spectra = FakeSpectra()
        self.latest = self.predictions = FakeForesight(self.runs)
        self.frames = self
        self.devices = NewDevices(self.file, root.disk, self.worker, self.audit, clock)
        self.ready = True
        self.speed: float | None = 60.0
        self.stopped = StopAll(active=False)
        self.setpoints_degC: dict[str, float] = {}

    async def open(self) -> None:
        """Open the real parts and say how everything stands."""
        await self.audit.open()
        await self.people.open()
        await self.registry.open()
        await self.alarms.open()
        await self.protocols.open()
        for status in self.channels():
            self.feed.publish("channel", status.channel, to_plain(status))
        self.feed.publish("station", "stop_all", to_plain(self.stopped))
        self.pstat.tell()

    def close(self) -> None:
        """Close the files and the thread."""
        self.protocols.close()
        self.registry.close()
        self.people.close()
        self.audit.close()
        self.worker.close()

    def known(self, name: str) -> str:
        """Return the name of the one instrument. Raises: UserInputError."""
        if name not in ("neware", "oven"):
            raise UserInputError(f"There is no instrument {name!r}.")
        return name

    async def page(
        self, name: str, *, channel: str = "", until: str = "", before: str = "", limit: int = 50
    ) -> FramePage:
        """Return two frames. Raises: UserInputError for a moment or place that is none."""
        if until > "9" or before > "9":
            raise UserInputError("That is no moment.")
        asked = RawFrame(UTC, f"{name}/1", FrameKind.OUT, 3, "0a0b0c", "stop 1-1", (CHANNELS[0],))
        return FramePage(name, (asked,) * min(limit, 2), before or "0badc0de-17", f"wire/{name}.log")

    def info(self) -> StationInfo:
        """Return how the station stands."""
        return StationInfo(
            name=self.name, version=__version__, epoch=EPOCH, pid=0, data=str(self.root.path), virtual=True,
            clock=self.clock.mode.value, plant_utc=self.clock.plant.utc().isoformat(timespec="seconds"),
            started_utc=UTC, ready=self.ready, stop_all=self.stopped, free_bytes=10**12, space="ok", runs_active=1,
            jobs_waiting=len(self.queue.jobs()), alarms_open=len(self.alarms.alarms()), speed=self.speed,
        )  # fmt: skip

    async def set_pace(self, actor: Actor, speed: float | None) -> StationInfo:
        """Go at another speed. Raises: UserInputError."""
        if speed is not None and not 0 < speed <= SPEED_MAX:
            raise UserInputError(f"A speed is a number above 0, not {speed!r}.")
        await self.audit.write(actor, "bench.pace", old=self.speed, new=speed)
        self.speed = speed
        return self.info()

    def channels(self) -> tuple[ChannelStatus, ...]:
        """Return four channels; the first runs."""
        return tuple(self.channel(channel) for channel in CHANNELS)

    def limits(self, channel: str) -> LimitsNow:
        """Return the limits of a channel: one, and a quantity that nobody reads. Raises: UserInputError."""
        known = (LayerLimit(Layer.DEVICE, "device", 5.0), LayerLimit(Layer.CHANNEL, "channel", 4.0, "li"))
        high = LimitNow("voltage_max_V", "V", 4.0, Layer.CHANNEL, known, now=0.01)
        return LimitsNow(self.channel(channel).channel, None, 0, (high,))

    def channel(self, channel: str) -> ChannelStatus:
        """Return one channel. Raises: UserInputError."""
        place = ChannelId(channel)
        if place not in CHANNELS:
            raise UserInputError(f"There is no channel {channel!r}.")
        cell = self.registry.loaded(place) or ""
        idle = ChannelStatus(place, "finish", cell_id=cell, ready=self.registry.ready(place), voltage_V=0.01)
        if channel != CHANNELS[0]:
            return idle
        return replace(
            idle, state="running", run_id="20260101T000000-C1", protocol="rest", cycle=1, cycles=3, ends=SOON,
            current_A=1e-3, sentence="Charge at 1 mA.", rows=len(self.runs.rows),
        )  # fmt: skip

    def instruments(self) -> tuple[InstrumentStatus, ...]:
        """Return the one instrument."""
        return (InstrumentStatus("neware", "fake", "memory", LinkState.LIVE, "fake 1", channels=CHANNELS),)

    def chambers(self) -> tuple[ChamberStatus, ...]:
        """Return the one chamber."""
        return (ChamberStatus("oven", "on", 25.0, self.setpoints_degC.get("oven", 25.0), CHANNELS[:2]),)

    async def stop_all(self, actor: Actor, reason: str) -> StopAll:
        """Latch."""
        reports = (StopReport(CHANNELS[0], True, "stopped"),)
        self.stopped = StopAll(True, actor.name, UTC, reason, reports)
        await self.audit.write(actor, "stop-all", reason=reason)
        self.feed.publish("station", "stop_all", to_plain(self.stopped))
        return self.stopped

    async def release_stop_all(self, actor: Actor, reason: str, confirm: str) -> StopAll:
        """Release. Raises: UserInputError."""
        if not self.stopped.active or confirm != "release":
            raise UserInputError("Releasing Stop all needs the typed word 'release' as its confirmation.")
        self.stopped = StopAll(active=False)
        await self.audit.write(actor, "stop-all.release", reason=reason)
        return self.stopped

    async def reset_channel(
        self, actor: Actor, channel: str, reason: str, confirm: str = ""
    ) -> ChannelStatus:
        """Reset. Raises: UserInputError."""
        if confirm != channel or not reason.strip():
            raise UserInputError(f"Resetting a trip needs a reason and the channel's name: {channel}.")
        await self.audit.write(actor, "channel.reset", channel, reason=reason)
        return self.channel(channel)

    async def ping(self, actor: Actor, instrument: str) -> str:
        """Return the identity."""
        return "fake 1"

    async def set_chamber(
        self, actor: Actor, name: str, setpoint_degC: float, ramp_K_per_min: float | None = None
    ) -> None:
        """Set the chamber. Raises: UserInputError."""
        if not -40.0 <= setpoint_degC <= 180.0:
            raise UserInputError(f"{setpoint_degC:g} degC is beyond -40 to 180 degC.")
        await self.audit.write(actor, "chamber.set", name, new=[setpoint_degC, ramp_K_per_min])
        self.setpoints_degC[name] = setpoint_degC

    async def chamber_off(self, actor: Actor, name: str) -> None:
        """Switch it off."""
        await self.audit.write(actor, "chamber.off", name)


@asynccontextmanager
async def open_fake_core(folder: Path, clock: Clock, *, disk: Disk | None = None) -> AsyncIterator[FakeCore]:
    """Open a fake station on a data folder."""
    core = FakeCore(DataRoot(folder, disk=disk), clock)
    await core.open()
    try:
        yield core
    finally:
        core.close()
