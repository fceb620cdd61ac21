"""The channel calendar: what runs, will run and is held, a line for each channel, in the bench's time (U14).

The station foresees what waits; what is held has no expected start, so it is drawn behind its lane with an open end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.places import cabinet, natural
from labctl.gui.viewmodels.text import duration, moment
from labctl.gui.viewmodels.words import tr
from labctl.model.job import ACTIVE_STATES, CalendarEntry, Job, JobState

DAY_S = 86_400.0
BACK_S = DAY_S
"""How far before now the calendar begins."""
LEAST_SPAN_S = 0.25 * DAY_S
OPEN_SHARE = 0.12
"""Length of a bar whose length nobody knows, as a share of what is shown."""
ANYWHERE = ""
"""The lane of jobs that take any channel that fits."""
HOUR_STEPS = (1, 2, 3, 6, 12)
HOURS_BELOW_S = 4 * DAY_S
DAYS_MOST, WEEKS_MOST = 62, 400


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the calendar between two moments, seconds since 1970 UTC. ``done_s`` is where its done part ends.

    ``look`` is ``running``, ``planned``, ``held`` or ``done``; ``low_s``/``high_s`` bound the end (90 %). ``open_end``:
    nobody knows how long it takes. ``interval`` is the end's doubt: ``±6 h``.
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
    interval: str = ""
    tell: Callable[[], str] = field(default=str, compare=False)
    open_end: bool = False
    failed: bool = False

    @property
    def hover(self) -> str:
        """Return all of it in words: what a bar says under the pointer, made when it is asked for."""
        return self.tell()


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
    whole_day: bool = True


_LOOKS = {"waiting": "planned", "held": "held", "ended": "done", "failed": "done", "removed": "done",
          "finished": "done", "stopped": "done"}  # fmt: skip


def span_of(lab: Lab, entries: Sequence[CalendarEntry]) -> tuple[float, float]:
    """Return the range of the calendar, seconds since 1970: a day back, to the last end, at least two weeks."""
    now_s = lab.plant_utc.timestamp()
    ends = [seconds_of(entry.end_utc, now_s) for entry in entries]
    return now_s - BACK_S, max([now_s + 14 * DAY_S, *ends])


def fitting_span(lab: Lab, entries: Sequence[CalendarEntry]) -> tuple[float, float]:
    """Return the range in which everything can be seen, however short: what a calendar shows at first."""
    now_s = lab.plant_utc.timestamp()
    open_ends = [seconds_of(entry.high_utc or entry.end_utc, now_s) for entry in entries]
    ahead_s = max([end - now_s for end in open_ends] + [LEAST_SPAN_S])
    return now_s - min(BACK_S, 0.12 * ahead_s), now_s + 1.08 * ahead_s


def lanes_of(lab: Lab, entries: Sequence[CalendarEntry], lengths_s: Mapping[str, float]) -> tuple[Lane, ...]:
    """Return a lane for each channel with bars, in the order of the cabinet; last what takes any channel.

    ``lengths_s`` are lengths of jobs that were foreseen once, by job: a held one keeps its length.
    """
    by_channel: dict[str, list[Bar]] = {}
    for entry in sorted(entries, key=lambda entry: entry.begin_utc):
        by_channel.setdefault(entry.channel, []).append(_bar(lab, entry))
    shown = {str(entry.job_id) for entry in entries if entry.job_id}
    for job in sorted(lab.jobs.values(), key=_turn):
        waits = job.state in (JobState.WAITING, JobState.HELD)
        if waits and str(job.job_id) not in shown:
            bars = by_channel.setdefault(_channel_of(lab, job), [])
            bars.append(_unforeseen(lab, job, bars, entries, lengths_s))
    places = cabinet(dict.fromkeys([*lab.channels, *(name for name in by_channel if name)]))
    found = [
        _lane(lab, channel, places.label(channel), by_channel[channel])
        for channel in places.order
        if channel in by_channel
    ]
    if ANYWHERE in by_channel:
        title = tr("queue", "any")
        note = tr("queue", "next free")
        found.append(Lane(ANYWHERE, title, note, "", tuple(by_channel[ANYWHERE])))
    return tuple(found)


def _turn(job: Job) -> tuple[int, tuple[tuple[int, str], ...]]:
    return (job.position, natural(str(job.job_id)))


def _channel_of(lab: Lab, job: Job) -> str:
    """Return where a job will be: its own channel, or where its cell sits."""
    if job.channel or job.spec.channel:
        return str(job.channel or job.spec.channel)
    return next(
        (name for name, status in lab.channels.items() if status.cell_id == job.spec.cell_id), ANYWHERE
    )


def _lane(lab: Lab, channel: str, label: str, bars: Sequence[Bar]) -> Lane:
    status = lab.channels.get(channel)
    cell = "" if status is None else status.cell_name or status.cell_id
    share = "" if status is None or not status.cycles else f"{100 * status.cycle // status.cycles} %"
    return Lane(channel, label, cell, share, tuple(bars))


def _bar(lab: Lab, entry: CalendarEntry) -> Bar:
    now_s = lab.plant_utc.timestamp()
    begin_s = seconds_of(entry.begin_utc, now_s)
    end_s = max(begin_s, seconds_of(entry.end_utc, begin_s))
    look = _LOOKS.get(entry.state, "running")
    known = bool(entry.end_utc)
    if look == "running" and not known:
        end_s = max(begin_s, now_s)
    done_s = min(max(now_s, begin_s), end_s) if look == "running" else end_s if look == "done" else begin_s
    low_s, high_s = seconds_of(entry.low_utc, end_s), seconds_of(entry.high_utc, end_s)
    when = moment(utc_of(entry.end_utc), lab.plant_utc)
    shown = when if look != "planned" else f"~ {when}"
    there = lab.channels.get(str(entry.channel))
    name = _cell(lab, str(entry.cell_id))
    title = (
        entry.title
        if there is not None and there.cell_id == entry.cell_id
        else f"{entry.title} {name}".strip()
    )
    if not known:
        shown = tr("queue", "end not known") if look in ("running", "planned") else ""
    interval = interval_of(low_s, end_s, high_s)
    hover = partial(_hover, lab, entry, f"{entry.title} {name}".strip(), look)
    open_end = look in ("running", "planned") and not known
    return Bar(str(entry.job_id or ""), str(entry.run_id or ""), title, begin_s, end_s, low_s, high_s, done_s, look,
               shown, interval, hover, open_end, entry.state == "failed")  # fmt: skip


def _unforeseen(
    lab: Lab,
    job: Job,
    before: Sequence[Bar],
    entries: Sequence[CalendarEntry],
    lengths_s: Mapping[str, float],
) -> Bar:
    """Return the bar of a job without an expected start: behind what stands in its lane."""
    now_s = lab.plant_utc.timestamp()
    begin_s = max([now_s, *(bar.end_s for bar in before)])
    first_s, last_s = fitting_span(lab, entries)
    known_s = lengths_s.get(str(job.job_id))
    end_s = begin_s + (OPEN_SHARE * (last_s - first_s) if known_s is None else known_s)
    held = job.state is JobState.HELD
    word = tr("queue", "held") if held else tr("queue", "waiting")
    name = _cell(lab, str(job.spec.cell_id))
    title = f"{job.spec.label or job.protocol_name} {name}, {word}"
    why = job.reason or job.waits_for
    hover = partial("\n".join, [part for part in (f"{title} ({job.job_id})", why) if part])
    look = "held" if held else "planned"
    return Bar(str(job.job_id), "", title, begin_s, end_s, end_s, end_s, begin_s, look, "", "", hover, known_s is None,
               held and bool(job.runs))  # fmt: skip


def _cell(lab: Lab, cell_id: str) -> str:
    found = lab.cells.get(cell_id)
    return cell_id if found is None else found.name


def interval_of(low_s: float, end_s: float, high_s: float) -> str:
    """Return a 90 % interval in words: ``±6 h``, or both sides where they differ much; empty where there is none."""
    early_s, late_s = end_s - low_s, high_s - end_s
    if early_s <= 0 and late_s <= 0:
        return ""
    if max(early_s, late_s) <= 1.5 * min(early_s, late_s):
        return f"±{_rough(max(early_s, late_s))}"
    return f"\u2212{_rough(early_s)} +{_rough(late_s)}"


def _rough(time_s: float) -> str:
    """Return a length in one unit: nobody reads minutes of a week."""
    for one_s, least_s, unit in ((DAY_S, 3 * DAY_S, "d"), (3600.0, 5400.0, "h"), (60.0, 60.0, "min")):
        if time_s >= least_s:
            return f"{time_s / one_s:.0f}\u2009{unit}"
    return f"{max(0.0, time_s):.0f}\u2009s"


def _hover(lab: Lab, entry: CalendarEntry, title: str, look: str) -> str:
    def when(text: str) -> str:
        return moment(utc_of(text), lab.plant_utc)

    lines = [f"{title} ({entry.job_id})" if entry.job_id else title]
    span = {
        "running": tr("queue", "since {begin}, ends about {end}"),
        "planned": tr("queue", "starts about {begin}, ends about {end}"),
        "held": tr("queue", "held; would start {begin} and end {end}"),
        "done": tr("queue", "{begin} to {end}"),
    }[look]
    lines.append(span.format(begin=when(entry.begin_utc), end=when(entry.end_utc)))
    if entry.low_utc and entry.high_utc and entry.low_utc != entry.high_utc:
        told = tr("queue", "ends between {low} and {high} (90 %)")
        lines.append(told.format(low=when(entry.low_utc), high=when(entry.high_utc)))
    begin, end = utc_of(entry.begin_utc), utc_of(entry.end_utc)
    if begin is not None and end is not None:
        lines.append(tr("queue", "length {time}").format(time=duration((end - begin).total_seconds())))
    job = lab.jobs.get(str(entry.job_id or ""))
    if job is not None and job.state not in ACTIVE_STATES and (job.waits_for or job.reason):
        lines.append(job.waits_for or job.reason)
    return "\n".join(lines)


def seconds_of(text: str, otherwise: float) -> float:
    """Return an ISO moment in seconds since 1970; ``otherwise`` where there is none."""
    found = utc_of(text)
    return otherwise if found is None else found.timestamp()


def ticks(
    begin_s: float, end_s: float, *, zone: tzinfo | None = UTC, day_px: float = 40.0
) -> tuple[Tick, ...]:
    """Return a mark for each day of the calendar, thinned to weeks and months where days do not fit.

    ``zone`` None is that of this computer; ``day_px`` is how wide a day is drawn: below four days hours are marked too.
    """
    local = (
        datetime.fromtimestamp(begin_s, zone or UTC) if zone else datetime.fromtimestamp(begin_s).astimezone()
    )
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (end_s - begin_s) / DAY_S
    step_h = (
        next((step for step in HOUR_STEPS if day_px * step / 24 >= 44.0), 0)
        if days * DAY_S < HOURS_BELOW_S
        else 0
    )
    fits, weeks_fit = days <= DAYS_MOST and day_px >= 18.0, days <= WEEKS_MOST and 7 * day_px >= 24.0
    found: list[Tick] = []
    while day.timestamp() <= end_s:
        monday, first = day.weekday() == 0, day.day == 1 or not found
        if fits or (monday and weeks_fit) or day.day == 1:
            week = tr("queue", "week {n}").format(n=day.isocalendar().week) if monday else ""
            text = f"{day:%d}"
            found.append(
                Tick(day.timestamp(), text, week, f"{day:%Y-%m}" if first else "", day.weekday() >= 5)
            )
        for hour in range(step_h, 24, step_h) if step_h else ():
            at = day + timedelta(hours=hour)
            found.append(Tick(at.timestamp(), f"{at:%H:%M}", "", "", day.weekday() >= 5, whole_day=False))
        # From month to month where only those are marked: a plan of 22 years has 8,000 days, at each painting.
        day = (day + timedelta(days=1 if fits or weeks_fit else 32)).replace(hour=0)
        day = day if fits or weeks_fit else day.replace(day=1)
    return tuple(tick for tick in found if tick.at_s <= end_s)
