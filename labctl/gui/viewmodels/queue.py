"""The queue and the channel calendar: why each job waits, when it will be over; hold, order, repeat (U14)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from labctl.gui.viewmodels.acts import Acts, Asks, Trouble
from labctl.gui.viewmodels.allowed import job_why_not
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.lab import Lab, Place, utc_of
from labctl.gui.viewmodels.places import cabinet, natural
from labctl.gui.viewmodels.text import NONE, duration, moment
from labctl.gui.viewmodels.words import JOB_WORDS, mark, tr
from labctl.model.alarm import AlarmPriority
from labctl.model.job import OPEN_STATES, CalendarEntry, Job, JobState

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
    """One job, ready to be painted. ``hot``: it failed, or what stands before it did; ``strong`` = HELD."""

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


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the calendar between two moments, seconds since 1970 UTC. ``done_s`` is where its done part ends.

    ``look`` is ``running``, ``planned``, ``held`` or ``done``; ``low_s``/``high_s`` bound the end (90 %).
    """

    job_id: str
    run_id: str
    title: str
    begin_s: float
    end_s: float
    low_s: float
    high_s: float
    done_s: float
    look: str
    end_text: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of the calendar: a channel with its bars."""

    channel: str
    label: str
    cell: str
    note: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the calendar's head: a day, stronger where a week or month begins; ``weekend`` is shaded."""

    at_s: float
    day: str
    week: str
    month: str
    weekend: bool


class QueueModel:
    """The queue as a view shows it. Acts are sent and read back; order changes are edits with their opposite."""

    def __init__(self, lab: Lab, acts: Acts, asks: Asks) -> None:
        self._lab = lab
        self._acts = acts
        self._asks = asks
        self._entries: tuple[CalendarEntry, ...] = ()
        self._asked_s = float("-inf")
        self._watchers: list[Callable[[], None]] = []
        self.listing = Listing.ALL
        self.trouble: Trouble | None = None
        self._unwatch = lab.watch({"job", "channel"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` when rows or calendar may look different; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _changed(self, places: frozenset[Place]) -> None:
        if any(topic == "job" for topic, _ in places):
            self.want_calendar(soon=True)
            self._tell()

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
            over = [job for job in self._lab.jobs.values() if job.state not in OPEN_STATES]
            return tuple(self._row(job, "") for job in sorted(over, key=_place, reverse=True)[:DONE_SHOWN])
        jobs = self.jobs()
        if self.listing is Listing.HELD:
            return tuple(self._row(job, "") for job in jobs if job.state is JobState.HELD)
        if self.listing is Listing.ALL:
            return tuple(self._row(job, "") for job in jobs)
        groups = [(self._group(job), job) for job in jobs]
        order = {name: index for index, name in enumerate(sorted({name for name, _ in groups}, key=natural))}
        return tuple(self._row(job, name) for name, job in sorted(groups, key=lambda pair: order[pair[0]]))

    def _group(self, job: Job) -> str:
        channel = job.channel or job.spec.channel
        if channel is None:
            return tr("queue", "any that fits")
        return channel if self.listing is Listing.CHANNEL else channel.partition(":")[0]

    def _row(self, job: Job, group: str) -> QueueRow:
        word = JOB_WORDS[job.state]
        starts = None if job.starts is None else utc_of(job.starts.end_utc)
        ends = None if job.ends is None else utc_of(job.ends.end_utc)
        length = duration((ends - starts).total_seconds()) if starts and ends else NONE
        held = job.state is JobState.HELD
        hot = AlarmPriority.HIGH if job.state is JobState.FAILED or (held and job.runs) else None
        return QueueRow(
            str(job.job_id), job.position, job.spec.label or job.protocol_name, self._target(job),
            job.waits_for if job.state in (JobState.WAITING, JobState.HELD) else "",
            moment(starts, self._lab.plant_utc), length, moment(ends, self._lab.plant_utc), word.short,
            word.glyph.value, word.token.value, job.reason, hot, job.version, group,
        )  # fmt: skip

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

    def hold(self, job_ids: Collection[str], reason: str = "") -> None:
        """Keep jobs from starting. The opposite act is ``release``."""
        self._each("queue.hold", job_ids, tr("queue", "Hold"), reason)

    def release(self, job_ids: Collection[str], reason: str = "") -> None:
        """Let held jobs start when their turn comes."""
        self._each("queue.release", job_ids, tr("queue", "Release"), reason)

    def remove(self, job_ids: Collection[str], reason: str = "") -> None:
        """Take jobs out that have not started (confirmed before, R2)."""
        self._each("queue.remove", job_ids, tr("queue", "Remove"), reason)

    def retry(self, job_ids: Collection[str], reason: str = "") -> None:
        """Queue failed jobs again."""
        self._each("queue.retry", job_ids, tr("queue", "Retry"), reason)

    def repeat(self, job_ids: Collection[str]) -> None:
        """Queue the same wishes once more."""
        self._each("queue.clone", job_ids, tr("queue", "Repeat"), "", any_version=True)

    def hold_all(self) -> None:
        """Hold every job that waits; what runs goes on."""
        self.hold([str(job.job_id) for job in self.jobs() if job.state is JobState.WAITING])

    def release_all(self) -> None:
        """Release every held job."""
        self.release([str(job.job_id) for job in self.jobs() if job.state is JobState.HELD])

    def _each(
        self, verb: str, job_ids: Collection[str], label: str, reason: str, *, any_version: bool = False
    ) -> None:
        for job_id in job_ids:
            job = self._lab.jobs.get(job_id)
            if job is None or job_why_not(self._lab, verb, job):
                continue
            version = None if any_version else job.version
            self._acts.send(verb, job_id, job_id, reason=reason, version=version, text=f"{label} {job_id}")

    def move(self, job_id: str, steps: int) -> Edit | None:
        """Return the edit that moves a job up (negative) or down among those that wait; None where it cannot."""
        order = [str(job.job_id) for job in self.jobs() if job.state in (JobState.WAITING, JobState.HELD)]
        if job_id not in order or self.why_not("queue.move", [job_id]):
            return None
        at = order.index(job_id)
        to = max(0, min(len(order) - 1, at + steps))
        return None if to == at else self.place(job_id, _before(order, job_id, to))

    def place(self, job_id: str, before: str | None) -> Edit | None:
        """Return the edit that puts a job before another one (None: at the end), as a drag does."""
        order = [str(job.job_id) for job in self.jobs() if job.state in (JobState.WAITING, JobState.HELD)]
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
        """Return the calendar, one line a channel in the order of the cabinet."""
        by_channel: dict[str, list[CalendarEntry]] = {}
        for entry in self._entries:
            by_channel.setdefault(entry.channel, []).append(entry)
        labels = cabinet(dict.fromkeys([*self._lab.channels, *by_channel]))
        found = []
        for channel in labels.order:
            if channel in by_channel:
                status = self._lab.channels.get(channel)
                cell = "" if status is None else status.cell_name or status.cell_id
                share = (
                    "" if status is None or not status.cycles else f"{100 * status.cycle // status.cycles} %"
                )
                bars = tuple(
                    self._bar(entry) for entry in sorted(by_channel[channel], key=lambda e: e.begin_utc)
                )
                found.append(Lane(channel, labels.label(channel), cell, share, bars))
        return tuple(found)

    def _bar(self, entry: CalendarEntry) -> Bar:
        now_s = self._lab.plant_utc.timestamp()
        begin_s = _seconds(entry.begin_utc, now_s)
        end_s = max(begin_s, _seconds(entry.end_utc, begin_s))
        look = _LOOKS.get(entry.state, "running")
        done_s = (
            min(max(now_s, begin_s), end_s) if look == "running" else end_s if look == "done" else begin_s
        )
        when = moment(utc_of(entry.end_utc), self._lab.plant_utc)
        return Bar(str(entry.job_id or ""), str(entry.run_id or ""), f"{entry.title} {entry.cell_id}".strip(),
                   begin_s, end_s, _seconds(entry.low_utc, end_s), _seconds(entry.high_utc, end_s), done_s, look,
                   when if look != "planned" else f"~ {when}")  # fmt: skip

    def span(self) -> tuple[float, float]:
        """Return the range of the calendar, seconds since 1970: a day back, to the last end, at least two weeks."""
        now_s = self._lab.plant_utc.timestamp()
        ends = [_seconds(entry.end_utc, now_s) for entry in self._entries]
        return now_s - 86_400.0, max([now_s + 14 * 86_400.0, *ends])


_LOOKS = {"waiting": "planned", "held": "held", "ended": "done", "failed": "done", "removed": "done",
          "finished": "done", "stopped": "done"}  # fmt: skip


def _before(order: list[str], job_id: str, to: int) -> str | None:
    """Return the job that stands behind place ``to`` once ``job_id`` is there."""
    rest = [name for name in order if name != job_id]
    return rest[to] if to < len(rest) else None


def _place(job: Job) -> tuple[bool, int, tuple[tuple[int, str], ...]]:
    """Sort as the queue stands: what runs has no position and goes first."""
    return (job.position > 0, job.position, natural(str(job.job_id)))


def _seconds(text: str, otherwise: float) -> float:
    found = utc_of(text)
    return otherwise if found is None else found.timestamp()


def ticks(begin_s: float, end_s: float) -> tuple[Tick, ...]:
    """Return a mark for each day of the calendar (UTC), thinned to weeks and months where days do not fit."""
    day = datetime.fromtimestamp(begin_s, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = (end_s - begin_s) / 86_400.0
    found: list[Tick] = []
    while day.timestamp() <= end_s:
        monday, first = day.weekday() == 0, day.day == 1 or not found
        if days <= 62 or (monday and days <= 400) or day.day == 1:
            week = tr("queue", "week {n}").format(n=day.isocalendar().week) if monday else ""
            found.append(
                Tick(day.timestamp(), f"{day:%d}", week, f"{day:%Y-%m}" if first else "", day.weekday() >= 5)
            )
        day += timedelta(days=1)
    return tuple(found)
