"""The channel calendar: when every job is expected to start and to end, by letting the queue run ahead in thought.

The same rules that start jobs (``machines.dispatch``) are asked again and again at the moments at which something is
expected to end, so stagger, dependencies, chambers and lanes are all in it. People are expected to load cells in time;
jobs that are held, and what waits for them, have no expected start.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from labctl.engine.machines.dispatch import ChannelView, Decision, World, decide
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.queue import Entry, Kind, QueueState
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import CalendarEntry, Forecast, Job, JobId, JobState
from labctl.station.planning import variables_text

EVENTS_MAX = 20_000
"""Ends and starts looked ahead; beyond that a calendar tells nobody anything (I14)."""
AHEAD_MAX_S = 10 * 365 * 86_400.0
EVENTS_AT_ONCE = 20
"""Looks at the queue between two chances for others to use the event loop."""

Triple = tuple[float, float, float]
"""Expected, low and high, in plant seconds or as moments since 1970."""


@dataclass(frozen=True, slots=True)
class Occupied:
    """A run that a channel works on. ``end_utc_s`` is None where nobody can say; ``job_id`` None: not of the queue."""

    channel: ChannelId
    cell_id: CellId
    title: str
    state: str
    run_id: RunId | None
    begin_utc: str
    end_utc_s: Triple | None
    job_id: JobId | None = None
    basis: str = "estimate"


@dataclass(frozen=True, slots=True)
class Predicted:
    """When a job is expected to start and end, in seconds since 1970."""

    channel: ChannelId
    start: Triple
    end: Triple
    basis: str = "estimate"


@dataclass(slots=True)
class Outlook:
    """What is expected of every open job."""

    jobs: dict[JobId, Predicted] = field(default_factory=dict)

    def starts(self, job_id: JobId) -> Forecast | None:
        """Return when a job is expected to start."""
        found = self.jobs.get(job_id)
        return None if found is None else _forecast(found.start, found.basis)

    def ends(self, job_id: JobId) -> Forecast | None:
        """Return when a job is expected to end."""
        found = self.jobs.get(job_id)
        return None if found is None else _forecast(found.end, found.basis)


def utc_text(utc_s: float) -> str:
    """Return a moment as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(round(utc_s), UTC).isoformat()


def _forecast(moments: Triple, basis: str) -> Forecast:
    expected, low, high = (utc_text(moment) for moment in moments)
    return Forecast(expected, low, high, basis)


class LookAhead:
    """Lets a copy of the queue run ahead. ``steps`` yields now and then, so that others can use the event loop."""

    def __init__(
        self,
        state: QueueState,
        world: World,
        durations_s: Mapping[JobId, Triple],
        occupied: Sequence[Occupied],
    ) -> None:
        self.outlook = Outlook()
        self._state = state.copy()
        self._state.stopped = ""
        self._world = replace(world, assume_loaded=True, until={}, why_not="")
        self._views = {
            channel: replace(view, why="") if view.passing else view
            for channel, view in world.channels.items()
        }
        self._durations_s = durations_s
        self._ends: list[tuple[float, int, JobId | None, ChannelId]] = []
        self._count = 0
        self._last: dict[object, Triple] = {}
        for item in occupied:
            self._occupied(item)

    def _occupied(self, item: Occupied) -> None:
        now = self._world.utc_s
        if item.end_utc_s is None:
            return
        end = (max(item.end_utc_s[0], now), max(item.end_utc_s[1], now), max(item.end_utc_s[2], now))
        self._push(end[0], item.job_id, item.channel)
        self._last[item.channel] = self._last[item.cell_id] = end
        if item.job_id is not None:
            self._last[item.job_id] = end
            begin = datetime.fromisoformat(item.begin_utc).timestamp() if item.begin_utc else now
            self.outlook.jobs[item.job_id] = Predicted(item.channel, (begin, begin, begin), end, item.basis)

    def _push(self, end_utc_s: float, job_id: JobId | None, channel: ChannelId) -> None:
        self._count += 1
        heapq.heappush(self._ends, (end_utc_s, self._count, job_id, channel))

    def steps(self) -> Iterator[None]:
        """Run ahead to the end of the queue."""
        world, first = self._world, self._world.utc_s
        utc_s = first
        for event in range(EVENTS_MAX):
            now_s = world.now_s + utc_s - first
            decision = decide(self._state, replace(world, now_s=now_s, utc_s=utc_s, channels=self._views))
            self._start(decision, now_s, utc_s)
            timer_s = first + decision.next_s - world.now_s
            upcoming = min(timer_s, self._ends[0][0] if self._ends else math.inf)
            if not math.isfinite(upcoming) or upcoming > first + AHEAD_MAX_S:
                return
            utc_s = max(upcoming, utc_s)
            while self._ends and self._ends[0][0] <= utc_s:
                _, _, job_id, channel = heapq.heappop(self._ends)
                self._end(job_id, channel, world.now_s + utc_s - first)
            if event % EVENTS_AT_ONCE == EVENTS_AT_ONCE - 1:
                yield

    def _start(self, decision: Decision, now_s: float, utc_s: float) -> None:
        for start in decision.starts:
            entry = self._state.entries[start.job_id]
            spec = entry.job.spec
            causes = [
                self._last.get(key)
                for key in (start.channel, spec.cell_id, *(JobId(a.job) for a in spec.after))
            ]
            known = [cause for cause in causes if cause is not None]
            high = max((cause[2] for cause in known), default=utc_s)
            low = max((cause[1] for cause in known), default=utc_s)
            begin = (utc_s, min(low, utc_s) if known else utc_s, max(high, utc_s))
            length_s = self._durations_s.get(start.job_id)
            self._state.apply(
                {"kind": Kind.START, "job": start.job_id, "channel": start.channel, "utc": ""}, now_s
            )
            view = self._views[start.channel]
            self._views[start.channel] = replace(view, cell=spec.cell_id, ready=True)
            if length_s is None or not all(map(math.isfinite, length_s)):
                continue  # nobody can say when it ends, so nothing behind it can be foreseen
            end = (begin[0] + length_s[0], begin[1] + length_s[1], begin[2] + length_s[2])
            self._push(end[0], start.job_id, start.channel)
            self._last[start.channel] = self._last[spec.cell_id] = self._last[start.job_id] = end
            self.outlook.jobs[start.job_id] = Predicted(start.channel, begin, end)

    def _end(self, job_id: JobId | None, channel: ChannelId, now_s: float) -> None:
        """End a job in thought; its cell makes room when no other job wants it."""
        view = self._views.get(channel, ChannelView(channel))
        if job_id is None:
            self._views[channel] = replace(view, why="")
            return
        line = {"kind": Kind.ENDED, "job": job_id, "outcome": Outcome.FINISHED, "utc": ""}
        self._state.apply(line, now_s)
        cell_id = self._state.entries[job_id].job.spec.cell_id
        if view.cell == cell_id and not any(
            entry.job.spec.cell_id == cell_id for entry in self._state.open_jobs()
        ):
            self._views[channel] = replace(view, cell=None)


def job_title(job: Job) -> str:
    """Return what stands on a job's bar of the calendar."""
    label = job.spec.label or job.job_id
    chosen = variables_text(job.spec.variables)
    return f"{label}: {job.protocol_name}" + (f" ({chosen})" if chosen else "")


def calendar_entries(
    state: QueueState, outlook: Outlook, occupied: Sequence[Occupied], *, closed_since: str
) -> tuple[CalendarEntry, ...]:
    """Return the bars of the calendar: what ended since a moment (ISO 8601), what goes on, what is expected."""
    bars: list[CalendarEntry] = []
    for item in occupied:
        expected, low, high = ("", "", "") if item.end_utc_s is None else map(utc_text, item.end_utc_s)
        bars.append(
            CalendarEntry(
                item.channel, item.cell_id, item.title, item.state, item.begin_utc, expected, low, high, item.job_id,
                item.run_id,
            )
        )  # fmt: skip
    for entry in state.entries.values():
        bar = _closed(entry, closed_since) or _expected(entry, outlook)
        if bar is not None:
            bars.append(bar)
    return tuple(sorted(bars, key=lambda bar: (bar.channel, bar.begin_utc, bar.job_id or "")))


def _closed(entry: Entry, since: str) -> CalendarEntry | None:
    job = entry.job
    if job.state not in (JobState.ENDED, JobState.FAILED) or job.channel is None or not entry.begin_utc:
        return None
    if entry.end_utc < since:
        return None
    return CalendarEntry(
        job.channel, job.spec.cell_id, job_title(job), job.state.value, entry.begin_utc, entry.end_utc,
        job_id=job.job_id, run_id=job.run_id,
    )  # fmt: skip


def _expected(entry: Entry, outlook: Outlook) -> CalendarEntry | None:
    job, found = entry.job, outlook.jobs.get(entry.job.job_id)
    if found is None or job.state is not JobState.WAITING:
        return None
    begin, low, high = utc_text(found.start[0]), utc_text(found.end[1]), utc_text(found.end[2])
    return CalendarEntry(
        found.channel, job.spec.cell_id, job_title(job), job.state.value, begin, utc_text(found.end[0]), low, high,
        job.job_id,
    )  # fmt: skip
