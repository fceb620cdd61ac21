"""What the queue sees of the bench: channels with their cells, runs that go on, and what each waiting job asks.

Read anew for each decision; programs of waiting jobs are bound once and again when their cell changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from labctl.clock import Clock
from labctl.config.station import StationFile
from labctl.engine.jobs import Job as EngineJob
from labctl.engine.jobs import Progress
from labctl.engine.machines.dispatch import ChannelView, JobFacts, World
from labctl.engine.machines.queue import Entry, QueueState
from labctl.errors import LabctlError
from labctl.interfaces.cycler import STARTABLE, ChannelState, CyclerCapabilities
from labctl.model.bench import ChannelStatus, InstrumentStatus, LinkState
from labctl.model.cell import Cell
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import ACTIVE_STATES, Forecast, JobId, JobSpec
from labctl.station.calendar import Occupied, Triple, job_title
from labctl.station.planning import Cells, Plan, Planner, before_start_s, chamber_of

JOBS_AT_ONCE = 4
"""Jobs bound before others may use the event loop."""
FREE = frozenset(state.value for state in STARTABLE)


class Engine(Protocol):
    """What the queue asks of the supervisor."""

    async def start(self, job: EngineJob) -> RunId:
        """Make the run's folder and begin. Raises: UserInputError, ProgramError, InstrumentError, StoreError."""

    def active(self) -> Sequence[Progress]: ...
    def channels(self) -> Sequence[ChannelStatus]: ...
    def instruments(self) -> Sequence[InstrumentStatus]: ...
    def tripped(self, channel: ChannelId) -> str: ...
    def chamber_trip(self, channel: ChannelId) -> str: ...
    def chamber_alarm(self, channel: ChannelId) -> str: ...
    def capabilities(self, channel: ChannelId) -> CyclerCapabilities: ...


class Registry(Cells, Protocol):
    """What the queue asks of the registry to see the bench."""

    def ready(self, channel: ChannelId) -> bool: ...


class Forecasts(Protocol):
    """Finish times of the runs that go on."""

    def ends(self, run_id: str, test_time_s: float) -> Forecast | None: ...


Sign = tuple[Cell | None, ChannelId | None, int]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a job asks. ``sign`` is what it was bound for: the cell as registered, its place, the bench's channels."""

    sign: Sign
    facts: JobFacts
    duration_s: Triple | None


class BenchView:
    """The bench as the queue sees it."""

    def __init__(
        self,
        file: StationFile,
        engine: Engine,
        registry: Registry,
        forecasts: Forecasts,
        planner: Planner,
        clock: Clock,
    ) -> None:
        self._file = file
        self._engine = engine
        self._registry = registry
        self._forecasts = forecasts
        self._planner = planner
        self._clock = clock
        self._asked: dict[JobId, _Asked] = {}
        self._progress: dict[RunId, Progress] = {}

    def note(self, progress: Progress) -> None:
        """Keep how a run stands; cheap."""
        self._progress[progress.run_id] = progress

    def forget(self, run_id: RunId) -> None:
        """Keep a run's progress no more."""
        self._progress.pop(run_id, None)

    def where(self, cell_id: CellId) -> ChannelId | None:
        """Return the channel that a cell sits in."""
        return self._registry.where(cell_id)

    def instruments(self) -> Sequence[InstrumentStatus]:
        """Return every instrument with its link."""
        return self._engine.instruments()

    def channels(self) -> tuple[ChannelId, ...]:
        """Return every channel of the bench that is known."""
        return tuple(self._statuses())

    def _statuses(self) -> dict[ChannelId, ChannelStatus | None]:
        """Return the channels in the order of the bench, None for those that nobody has read yet."""
        known: dict[ChannelId, ChannelStatus | None] = {
            channel: None for status in self._engine.instruments() for channel in status.channels
        }
        known.update({status.channel: status for status in self._engine.channels()})
        return known

    # -- the present moment -----------------------------------------------------------------------------------------

    async def world(self, state: QueueState, why_not: str) -> World:
        """Return the bench as it stands."""
        await self.bind(state)
        now = self._clock.plant.utc()
        return World(
            now_s=self._clock.plant.now_s(),
            utc_s=now.timestamp(),
            channels=self._views(state),
            facts={job_id: asked.facts for job_id, asked in self._asked.items()},
            until={
                item.job_id: _until(item, now) for item in self.occupied(state) if item.job_id is not None
            },
            why_not=why_not,
        )

    def why_not(self, state: QueueState, channel: ChannelId) -> str:
        """Say why a start in a channel was refused that may be tried again; empty where it is the job's own fault."""
        view = self._views(state).get(channel)
        if view is None or view.why:
            return "" if view is None else view.why
        status = self._statuses().get(channel)
        return "" if status is None or status.state in FREE else f"{channel} is {status.state}"

    def _views(self, state: QueueState) -> dict[ChannelId, ChannelView]:
        links = {status.name: status for status in self._engine.instruments()}
        own = {entry.job.run_id for entry in state.active()}
        foreign = {item.channel: item for item in self._engine.active() if item.run_id not in own}
        statuses = self._statuses()
        for entry in state.open_jobs():  # a job may name a channel of an instrument that has not answered yet
            channel = entry.job.spec.channel
            if channel is not None and channel.partition(":")[0] in links:
                statuses.setdefault(channel, None)
        views: dict[ChannelId, ChannelView] = {}
        for channel, status in statuses.items():
            link = links.get(channel.partition(":")[0])
            why = self._why_not(channel, link, foreign.get(channel))
            device = "" if why else _not_free(channel, status)
            chamber, alarm = chamber_of(self._file, channel), self._engine.chamber_alarm(channel)
            views[channel] = ChannelView(
                channel, why or device, self._registry.loaded(channel), self._registry.ready(channel),
                chamber, passing=bool(device), chamber_alarm=f"{chamber} takes no run: {alarm}" if alarm else "",
            )  # fmt: skip
        return views

    def _why_not(self, channel: ChannelId, link: InstrumentStatus | None, foreign: Progress | None) -> str:
        """Say why nothing can be started in a channel until somebody or something else has changed."""
        tripped = self._engine.tripped(channel)
        if tripped:
            return f"{channel} is latched by a trip ({tripped}): a person must reset it"
        if trip := self._engine.chamber_trip(channel):
            return f"chamber {chamber_of(self._file, channel)} tripped ({trip}): a person must set it again"
        if foreign is not None:
            return f"{channel} is in use by run {foreign.run_id}, which is not of the queue"
        if link is not None and link.link is not LinkState.LIVE:
            said = f": {link.text}" if link.text else ""
            return f"instrument {link.name} is {link.link.value}{said}"
        return ""

    def occupied(self, state: QueueState) -> list[Occupied]:
        """Return every run that a channel works on, of the queue or not."""
        items: list[Occupied] = []
        own: set[RunId] = set()
        for entry in state.active():
            job = entry.job
            if job.run_id is not None:
                own.add(job.run_id)
            if job.channel is None:
                continue
            end, basis = self._end_utc_s(entry)
            items.append(
                Occupied(
                    job.channel, job.spec.cell_id, job_title(job), job.state.value, job.run_id, entry.begin_utc, end,
                    job.job_id, basis,
                )
            )  # fmt: skip
        now = self._clock.plant.utc()
        for progress in self._engine.active():
            if progress.run_id in own:
                continue
            found = self._forecasts.ends(progress.run_id, progress.test_time_s)
            begin = (now - timedelta(seconds=progress.test_time_s)).isoformat(timespec="seconds")
            items.append(
                Occupied(
                    progress.channel, CellId(progress.cell), progress.protocol, progress.phase.value,
                    progress.run_id, begin, None if found is None else _moments(found),
                )
            )  # fmt: skip
        return items

    def ends(self, entry: Entry) -> Forecast | None:
        """Return when an active job is expected to end, as its run's forecast says now; None before that knows."""
        progress = None if entry.job.run_id is None else self._progress.get(entry.job.run_id)
        return None if progress is None else self._forecasts.ends(progress.run_id, progress.test_time_s)

    def _end_utc_s(self, entry: Entry) -> tuple[Triple | None, str]:
        """Return when an active job is expected to end, in seconds since 1970, and what that rests on."""
        job = entry.job
        found = self.ends(entry)
        if found is not None:
            return _moments(found), found.basis
        asked = self._asked.get(job.job_id)
        if asked is None or asked.duration_s is None or not entry.begin_utc:
            return None, ""
        begin_s = datetime.fromisoformat(entry.begin_utc).timestamp()
        expected_s, low_s, high_s = asked.duration_s
        return (begin_s + expected_s, begin_s + low_s, begin_s + high_s), "estimate"

    # -- what jobs ask ----------------------------------------------------------------------------------------------

    def take(self, job_id: JobId, plan: Plan) -> None:
        """Keep what pre-flight has found out about a job."""
        duration_s = None if plan.program is None else before_start_s(plan.program)
        self._asked[job_id] = _Asked(self._sign(plan.spec, self.channels()), plan.facts, duration_s)

    def drop(self, job_ids: Sequence[JobId]) -> None:
        """Forget what was kept for jobs that were only tried out."""
        for job_id in job_ids:
            self._asked.pop(job_id, None)

    def durations_s(self) -> dict[JobId, Triple]:
        """Return how long each job takes that could be bound, in plant seconds."""
        return {
            job_id: asked.duration_s for job_id, asked in self._asked.items() if asked.duration_s is not None
        }

    async def bind(self, state: QueueState) -> None:
        """Bind the jobs that are not bound for the cell as it is registered now; forget those that are over."""
        entries = state.open_jobs()
        known = {entry.job.job_id for entry in entries}
        for job_id in [job_id for job_id in self._asked if job_id not in known]:
            del self._asked[job_id]
        channels = self.channels()
        done = 0
        for entry in entries:
            job = entry.job
            asked = self._asked.get(job.job_id)
            if asked is not None and (
                job.state in ACTIVE_STATES or asked.sign == self._sign(job.spec, channels)
            ):
                continue
            self._asked[job.job_id] = self._bound(entry, state, channels)
            done += 1
            if done % JOBS_AT_ONCE == 0:
                await self._clock.link.sleep(0.0)

    def _sign(self, spec: JobSpec, channels: Sequence[ChannelId]) -> Sign:
        """Return what a job's fit depends on: the cell as it is registered, where it sits, which channels there are."""
        try:
            cell: Cell | None = self._registry.cell(spec.cell_id)
        except LabctlError:
            cell = None
        bench = hash(tuple(channels)) if spec.channel is None else int(spec.channel in channels)
        return cell, self._registry.where(spec.cell_id), bench

    def _bound(self, entry: Entry, state: QueueState, channels: Sequence[ChannelId]) -> _Asked:
        spec, text = entry.job.spec, state.texts.get(entry.text, "")
        if entry.job.channel is not None and entry.job.state in ACTIVE_STATES:
            spec = replace(spec, channel=entry.job.channel)
        facts, program = self._planner.facts(spec, text, channels)
        duration_s = None if program is None else before_start_s(program)
        return _Asked(self._sign(entry.job.spec, channels), facts, duration_s)


def _moments(forecast: Forecast) -> Triple:
    low, high = forecast.low_utc or forecast.end_utc, forecast.high_utc or forecast.end_utc
    expected, least, most = (datetime.fromisoformat(utc).timestamp() for utc in (forecast.end_utc, low, high))
    return expected, least, most


def _not_free(channel: ChannelId, status: ChannelStatus | None) -> str:
    """Say what the device says against a start; it has told nothing yet where it says nothing.

    A channel that nobody has read since the station began is left to the engine, which reads it right before a start.
    """
    if status is None:
        return f"{channel} has not been read yet"
    free = status.state in FREE or status.state == ChannelState.UNKNOWN
    return "" if free else f"the instrument says that {channel} is {status.state}"


def _until(item: Occupied, now: datetime) -> str:
    """Say when a channel is expected to be free, as people say it; empty where nobody can."""
    if item.end_utc_s is None:
        return ""
    end = datetime.fromtimestamp(item.end_utc_s[0], now.tzinfo)
    if end <= now:
        return ""  # it takes longer than anybody thought
    return f"about {end:%H:%M} UTC" if end.date() == now.date() else f"about {end:%d %b %H:%M} UTC"
