"""The queue: why each job waits, when it will be over; order, hold, repeat, cancel; the calendar beside it (U14)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labctl.gui.viewmodels.acts import Acts, Asks, Trouble
from labctl.gui.viewmodels.allowed import job_why_not
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.filters import matches
from labctl.gui.viewmodels.lab import Lab, Place, utc_of
from labctl.gui.viewmodels.places import cabinet, natural
from labctl.gui.viewmodels.queueacts import QueueActs
from labctl.gui.viewmodels.queuecalendar import Bar, Lane, Tick, fitting_span, lanes_of, span_of, ticks
from labctl.gui.viewmodels.text import NONE, duration, moment
from labctl.gui.viewmodels.words import JOB_WORDS, mark, tr
from labctl.model.alarm import AlarmPriority
from labctl.model.job import ACTIVE_STATES, OPEN_STATES, CalendarEntry, Job, JobState

CALENDAR_AGAIN_S = 10.0
DONE_SHOWN = 50
"""Jobs that are over and are still shown below the open ones."""


class Listing(StrEnum):
    """Which jobs are listed and how."""

    ALL = "all"
    CHANNEL = "channel"
    INSTRUMENT = "instrument"
    HELD = "held"
    DONE = "done"


LISTING_WORDS: dict[Listing, str] = {
    Listing.ALL: mark("queue", "All"), Listing.CHANNEL: mark("queue", "By channel"),
    Listing.INSTRUMENT: mark("queue", "By instrument"), Listing.HELD: mark("queue", "Held"),
    Listing.DONE: mark("queue", "Done"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One job, ready to be painted. ``priority`` is that of its badge: it failed, or what stands before it did."""

    job_id: str
    position: int
    item: str
    target: str
    waits_for: str
    starts: str
    length: str
    ends: str
    state: str
    glyph: str
    token: str
    reason: str
    priority: AlarmPriority | None
    version: int
    group: str
    channel: str = ""
    movable: bool = False
    campaign: str = ""
    active: bool = False
    """Something is done about it now: it starts, runs or pauses."""
    strong: bool = False
    """A person should see the state: it is held, or it failed."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """How far a campaign is: counts of its jobs, and when the last one is expected to end."""

    name: str
    total: int
    done: int
    running: int
    failed: int
    held: int
    ends: str

    @property
    def short(self) -> str:
        """Return what a person looks for first: how much is done, and whether something stands still."""
        parts = [tr("queue", "{done} of {total}").format(done=self.done, total=self.total)]
        for count, text in ((self.held, tr("queue", "{n} held")), (self.failed, tr("queue", "{n} failed"))):
            if count:
                parts.append(text.format(n=count))
        return ", ".join(parts)

    @property
    def told(self) -> str:
        """Return it in one line."""
        parts = [tr("queue", "{done} of {total} done").format(done=self.done, total=self.total)]
        for count, text in (
            (self.running, tr("queue", "{n} running")),
            (self.held, tr("queue", "{n} held")),
            (self.failed, tr("queue", "{n} failed")),
        ):
            if count:
                parts.append(text.format(n=count))
        if self.ends != NONE:
            parts.append(tr("queue", "ends about {when}").format(when=self.ends))
        return ", ".join(parts)


class QueueModel:
    """The queue as a view shows it. Acts are sent and read back; order changes are edits with their opposite."""

    def __init__(self, lab: Lab, acts: Acts, asks: Asks) -> None:
        self._lab = lab
        self._acts = acts
        self._asks = asks
        self.acts = QueueActs(lab, acts)
        self._entries: tuple[CalendarEntry, ...] = ()
        self._asked_s = float("-inf")
        self._watchers: list[Callable[[], None]] = []
        self._lengths_s: dict[str, float] = {}
        self.listing = Listing.ALL
        self.search = ""
        self.campaign = ""
        self.trouble: Trouble | None = None
        for job_id in lab.jobs:
            self._keep_length(job_id)
        self._unwatch = lab.watch({"job", "channel", "station"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` when rows or calendar may look different; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _changed(self, places: frozenset[Place]) -> None:
        changed = [key for topic, key in places if topic == "job"]
        for key in changed:
            self._keep_length(key)
        if changed:
            self.want_calendar(soon=True)
        if changed or ("station", "queue") in places:
            self._tell()

    def _keep_length(self, job_id: str) -> None:
        """Keep how long a job was expected to take: while it is held the station foresees nothing of it."""
        job = self._lab.jobs.get(job_id)
        if job is None or job.state not in OPEN_STATES:
            self._lengths_s.pop(job_id, None)
            return
        begin = None if job.starts is None else utc_of(job.starts.end_utc)
        end = None if job.ends is None else utc_of(job.ends.end_utc)
        if begin is not None and end is not None and end > begin:
            self._lengths_s[job_id] = (end - begin).total_seconds()

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    # -- rows ---------------------------------------------------------------------------------------------------------

    def jobs(self) -> list[Job]:
        """Return the open jobs in the order of the queue."""
        return sorted((job for job in self._lab.jobs.values() if job.state in OPEN_STATES), key=_place)

    def counts(self) -> dict[Listing, int]:
        """Return how many jobs each segment shows."""
        jobs = self.jobs()
        held = sum(1 for job in jobs if job.state is JobState.HELD)
        done = len(self._lab.jobs) - len(jobs)
        return {Listing.ALL: len(jobs), Listing.CHANNEL: len(jobs), Listing.INSTRUMENT: len(jobs),
                Listing.HELD: held, Listing.DONE: done}  # fmt: skip

    def rows(self) -> tuple[QueueRow, ...]:
        """Return the rows of the chosen listing, in order; ``group`` heads those of the grouped ones."""
        if self.listing is Listing.DONE:
            over = [
                job for job in self._lab.jobs.values() if job.state not in OPEN_STATES and self._fits(job)
            ]
            return tuple(self._row(job, "") for job in sorted(over, key=_place, reverse=True)[:DONE_SHOWN])
        jobs = [job for job in self.jobs() if self._fits(job)]
        if self.listing is Listing.HELD:
            return tuple(self._row(job, "") for job in jobs if job.state is JobState.HELD)
        if self.listing is Listing.ALL:
            return tuple(self._row(job, "") for job in jobs)
        groups = [(self._group(job), job) for job in jobs]
        order = {name: index for index, name in enumerate(sorted({name for name, _ in groups}, key=natural))}
        return tuple(self._row(job, name) for name, job in sorted(groups, key=lambda pair: order[pair[0]]))

    def empty_words(self) -> tuple[str, str]:
        """Return what is said where the listing is empty, and why that is no reason to worry."""
        if self.search or self.campaign:
            return tr("queue", "Nothing matches"), tr("queue", "Clear the search to see all items.")
        if self.listing is Listing.HELD:
            return tr("queue", "Nothing is held"), tr(
                "queue", "What waits starts by itself when its turn comes."
            )
        if self.listing is Listing.DONE:
            text = tr("queue", "Ended, failed and removed items are listed here.")
            return tr("queue", "Nothing has ended yet"), text
        text = tr(
            "queue", "Insert a protocol for cells that sit in channels. It starts only when its checks pass."
        )
        return tr("queue", "The queue is empty"), text

    def row_of(self, job_id: str) -> QueueRow | None:
        """Return the row of a job, whatever is listed; None where there is no such job."""
        job = self._lab.jobs.get(job_id)
        return None if job is None else self._row(job, "")

    def _fits(self, job: Job) -> bool:
        """Tell whether a job is of the chosen campaign and has the words that are searched."""
        if self.campaign and job.spec.campaign != self.campaign:
            return False
        words = (str(job.job_id), job.spec.label, job.protocol_name, self._target(job), job.spec.campaign,
                 job.spec.notes, job.waits_for, job.reason, job.submitted_by)  # fmt: skip
        return matches(self.search, words)

    def campaigns(self) -> tuple[Campaign, ...]:
        """Return how far each campaign is that has open jobs, by name."""
        found: dict[str, list[Job]] = {}
        for job in self._lab.jobs.values():
            if job.spec.campaign and job.state is not JobState.REMOVED:
                found.setdefault(job.spec.campaign, []).append(job)
        return tuple(
            self._progress(name, jobs)
            for name, jobs in sorted(found.items(), key=lambda pair: natural(pair[0]))
            if any(job.state in OPEN_STATES for job in jobs)
        )

    def _progress(self, name: str, jobs: Sequence[Job]) -> Campaign:
        states = [job.state for job in jobs]
        ends = [utc_of(job.ends.end_utc) for job in jobs if job.ends is not None and job.state in OPEN_STATES]
        last = max((end for end in ends if end is not None), default=None)
        return Campaign(
            name, len(jobs), states.count(JobState.ENDED), sum(state in ACTIVE_STATES for state in states),
            states.count(JobState.FAILED), states.count(JobState.HELD), moment(last, self._lab.plant_utc),
        )  # fmt: skip

    def _group(self, job: Job) -> str:
        channel = job.channel or job.spec.channel
        if channel is None:
            return tr("queue", "any that fits")
        if self.listing is Listing.CHANNEL:
            return cabinet(self._lab.channels).label(channel)
        return channel.partition(":")[0]

    def _row(self, job: Job, group: str) -> QueueRow:
        word = JOB_WORDS[job.state]
        starts = None if job.starts is None else utc_of(job.starts.end_utc)
        ends = None if job.ends is None else utc_of(job.ends.end_utc)
        length = duration((ends - starts).total_seconds()) if starts and ends else NONE
        held = job.state is JobState.HELD
        hot = AlarmPriority.HIGH if job.state is JobState.FAILED or (held and job.runs) else None
        return QueueRow(
            str(job.job_id), job.position, job.spec.label or job.protocol_name, self._target(job),
            self._waits(job),
            moment(starts, self._lab.plant_utc), length, moment(ends, self._lab.plant_utc), word.short,
            word.glyph.value, word.token.value, job.reason if job.reason != job.waits_for else "", hot,
            job.version, group,
            str(job.channel or job.spec.channel or ""), job.state in (JobState.WAITING, JobState.HELD),
            job.spec.campaign, job.state in ACTIVE_STATES,
            job.state in (JobState.HELD, JobState.FAILED),
        )  # fmt: skip

    def _waits(self, job: Job) -> str:
        """Return what a job waits for; of one that runs, where it is."""
        if job.state in (JobState.WAITING, JobState.HELD):
            return job.waits_for.removeprefix("waits for ")  # the head of the column says that
        status = self._lab.channels.get(str(job.channel or ""))
        if job.state not in ACTIVE_STATES or status is None or status.job_id != job.job_id:
            return ""
        if status.cycles > 1:
            return tr("queue", "now in cycle {n} of {all}").format(n=status.cycle, all=status.cycles)
        return status.sentence

    def _target(self, job: Job) -> str:
        cell = self._lab.cells.get(job.spec.cell_id)
        name = job.spec.cell_id if cell is None else cell.name
        channel = job.channel or job.spec.channel
        if channel is not None:
            return f"{name} · {cabinet(self._lab.channels).label(channel)}"
        return name

    # -- acts ---------------------------------------------------------------------------------------------------------

    def why_not(self, verb: str, job_ids: Collection[str]) -> str:
        """Return why an act on the chosen jobs is off, empty where it may be done."""
        jobs = [self._lab.jobs[job_id] for job_id in job_ids if job_id in self._lab.jobs]
        if not jobs:
            return tr("queue", "Nothing is selected.")
        return next((why for why in (job_why_not(self._lab, verb, job) for job in jobs) if why), "")

    def release_why_not(self, job_ids: Sequence[str]) -> str:
        """Return why held jobs cannot be let go, empty where they can: what stopped a lane must have been seen."""
        ways = self.acts.ways_out(job_ids)
        found = [self.why_not("queue.release", job_ids), *map(self.acts.release_why_not, ways)]
        return next((why for why in found if why), "")

    def order(self) -> tuple[str, ...]:
        """Return the jobs whose order a person can change, as they stand."""
        return tuple(str(job.job_id) for job in self.jobs() if job.state in (JobState.WAITING, JobState.HELD))

    def move(self, job_id: str, steps: int) -> Edit | None:
        """Return the edit that moves a job up (negative) or down among those that wait; None where it cannot."""
        order = list(self.order())
        if job_id not in order or self.why_not("queue.move", [job_id]):
            return None
        at = order.index(job_id)
        to = max(0, min(len(order) - 1, at + steps))
        return None if to == at else self.place(job_id, _before(order, job_id, to))

    def place(self, job_id: str, before: str | None) -> Edit | None:
        """Return the edit that puts a job before another one (None: at the end), as a drag does."""
        order = list(self.order())
        if job_id not in order or job_id == before or self.why_not("queue.move", [job_id]):
            return None
        at = order.index(job_id)
        was = order[at + 1] if at + 1 < len(order) else None
        if was == before:
            return None
        text = tr("queue", "move {job}").format(job=job_id)
        return Edit(text, lambda: self._move(job_id, before), lambda: self._move(job_id, was))

    def _move(self, job_id: str, before: str | None) -> None:
        job = self._lab.jobs.get(job_id)
        if before is not None and before not in self._lab.jobs:
            before = None
        version = None if job is None else job.version
        self._acts.send("queue.move", job_id, job_id, before=before, version=version,
                        text=tr("queue", "move {job}").format(job=job_id))  # fmt: skip

    # -- calendar -----------------------------------------------------------------------------------------------------

    def want_calendar(self, *, soon: bool = False) -> None:
        """Ask for the calendar where what is held is old; ``soon``: something has changed."""
        least_s = 1.0 if soon else CALENDAR_AGAIN_S
        if self._lab.link.live and self._lab.now_s - self._asked_s >= least_s:
            self._asked_s = self._lab.now_s
            self._asks.ask("queue.calendar", then=self._take, failed=self._failed)

    def _take(self, entries: Sequence[CalendarEntry]) -> None:
        self._entries, self.trouble = tuple(entries), None
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self._tell()

    def lanes(self) -> tuple[Lane, ...]:
        """Return the calendar, one line a channel in the order of the cabinet; last what takes any channel."""
        return lanes_of(self._lab, self._entries, self._lengths_s)

    def span(self) -> tuple[float, float]:
        """Return the range of the calendar, seconds since 1970: a day back, to the last end, at least two weeks."""
        return span_of(self._lab, self._entries)

    def fitting_span(self) -> tuple[float, float]:
        """Return the range in which every bar is seen."""
        return fitting_span(self._lab, self._entries)


def _before(order: list[str], job_id: str, to: int) -> str | None:
    """Return the job that stands behind place ``to`` once ``job_id`` is there."""
    rest = [name for name in order if name != job_id]
    return rest[to] if to < len(rest) else None


def _place(job: Job) -> tuple[bool, int, tuple[tuple[int, str], ...]]:
    """Sort as the queue stands: what runs has no position and goes first."""
    return (job.position > 0, job.position, natural(str(job.job_id)))


__all__ = ["Bar", "Campaign", "Lane", "Listing", "QueueModel", "QueueRow", "Tick", "ticks"]
