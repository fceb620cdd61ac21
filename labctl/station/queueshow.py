"""The queue as people see it: jobs with what they wait for and when they end, the calendar, and both on the feed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from labctl.clock import Clock
from labctl.engine.machines.dispatch import decide
from labctl.engine.machines.queue import Kind, QueueState
from labctl.model.job import (
    ACTIVE_STATES,
    OPEN_STATES,
    CalendarEntry,
    Job,
    JobId,
    JobState,
    PlannedJob,
    QueueStanding,
)  # fmt: skip
from labctl.model.plain import to_plain
from labctl.station.calendar import LookAhead, Outlook, calendar_entries
from labctl.station.feed import Feed
from labctl.station.planning import Plan, text_key
from labctl.station.queuebook import QueueBook
from labctl.station.queueview import BenchView

CALENDAR_S = 600.0
"""Plant seconds after which expected times are made anew though nothing has changed."""
LEAST_PER_JOB_S = 0.02
"""Plant seconds per open job between two makings of the expected times: looking ahead costs a few per cent of them."""
CLOSED_DAYS = 7
"""Bars of runs that ended within so many days stay in the calendar."""
SHOWN_CLOSED = 1_000
"""Jobs that are over and stay in the feed's snapshot (I14)."""


class QueueShow:
    """Keeps what clients see of the queue up to date."""

    def __init__(self, book: QueueBook, bench: BenchView, feed: Feed, clock: Clock) -> None:
        self.waits: dict[JobId, str] = {}
        self.due_s = -math.inf
        """The plant moment at which expected times are to be made anew."""
        self._book = book
        self._bench = bench
        self._feed = feed
        self._clock = clock
        self._made_s = -math.inf
        self._outlook = Outlook()
        self._shown: dict[JobId, Job] = {}
        self.trouble: Callable[[], str] = lambda: ""
        """Says why nothing is started whatever people say."""

    async def consider(self, why_not: str) -> None:
        """Find out what every job waits for after a person's act; starts are left to the queue's own task."""
        decision = decide(self._book.state, await self._bench.world(self._book.state, why_not))
        self.waits = {
            **decision.waits,
            **{start.job_id: "nothing: it starts now" for start in decision.starts},
        }

    # -- expected times ---------------------------------------------------------------------------------------------

    def hurry(self) -> None:
        """Have the expected times made anew: something has changed. A long queue is not looked through all the time."""
        least_s = len(self._book.state.order) * LEAST_PER_JOB_S
        self.due_s = min(self.due_s, max(self._made_s + least_s, self._clock.plant.now_s()))

    async def foresee(self, *, now: bool = False) -> None:
        """Make the expected times anew when they are due, or now."""
        if now or self._clock.plant.now_s() >= self.due_s:
            self._made_s = self._clock.plant.now_s()
            self.due_s = self._made_s + CALENDAR_S
            self._outlook = await self._ahead(self._book.state)

    async def _ahead(self, state: QueueState) -> Outlook:
        world = await self._bench.world(state, "")
        ahead = LookAhead(state, world, self._bench.durations_s(), self._bench.occupied(state))
        for _ in ahead.steps():
            await self._clock.link.sleep(0.0)
        return ahead.outlook

    async def try_out(
        self, plans: Sequence[Plan], jobs: Sequence[Job]
    ) -> tuple[tuple[PlannedJob, ...], tuple[CalendarEntry, ...]]:
        """Return pre-flight and calendar as they would be with these jobs in the queue; nothing is kept.

        Jobs that would be held are shown as if they were released at once.
        """
        trial = self._book.state.copy()
        able = [(plan, job) for plan, job in zip(plans, jobs, strict=True) if not plan.errors]
        listed = [
            {"job": to_plain(replace(job, state=JobState.WAITING)), "text": text_key(plan.text)}
            for plan, job in able
        ]
        texts = {text_key(plan.text): plan.text for plan in plans}
        trial.apply({"kind": Kind.SUBMIT, "texts": texts, "jobs": listed}, self._clock.plant.now_s())
        made = [job.job_id for _, job in able]
        try:
            for plan, job in able:
                self._bench.take(job.job_id, plan)
            outlook = await self._ahead(trial)
            return planned(plans, jobs, outlook), self._entries(trial, outlook)
        finally:
            self._bench.drop(made)

    def planned(self, plans: Sequence[Plan], jobs: Sequence[Job]) -> tuple[PlannedJob, ...]:
        """Return the pre-flight of jobs that were queued."""
        return planned(plans, jobs, self._outlook)

    def calendar(self) -> tuple[CalendarEntry, ...]:
        """Return the bars of every channel: what has ended lately, goes on, and is expected."""
        return self._entries(self._book.state, self._outlook)

    def _entries(self, state: QueueState, outlook: Outlook) -> tuple[CalendarEntry, ...]:
        since = (self._clock.plant.utc() - timedelta(days=CLOSED_DAYS)).isoformat()
        return calendar_entries(state, outlook, self._bench.occupied(state), closed_since=since)

    # -- jobs -------------------------------------------------------------------------------------------------------

    def jobs(self) -> tuple[Job, ...]:
        """Return every job: open ones in the order of their starts, then those that are over, newest first."""
        state = self._book.state
        active = [entry.job.job_id for entry in state.active()]
        opened = [*active, *state.ranked()]
        closed = [job_id for job_id, entry in state.entries.items() if entry.job.state not in OPEN_STATES]
        return tuple(
            [self._seen(job_id, position) for position, job_id in enumerate(opened, 1)]
            + [self._seen(job_id, 0) for job_id in reversed(closed)]
        )

    def _seen(self, job_id: JobId, position: int) -> Job:
        """Return a job with what depends on everything else: what it waits for, its place, its times."""
        state = self._book.state
        job = state.entries[job_id].job
        if job.state not in OPEN_STATES:
            return job
        starts, ends = self._outlook.starts(job_id), self._outlook.ends(job_id)
        if job.state in ACTIVE_STATES:
            return replace(
                job, position=position, starts=starts, ends=self._bench.ends(state.entries[job_id]) or ends
            )
        waits = self.waits.get(job_id, "") or ("" if job.state is JobState.WAITING else job.reason)
        if self.stopped_lane(job):
            job = replace(job, state=JobState.HELD)  # a failure in its lane has stopped it
        return replace(job, position=position, waits_for=waits, starts=starts, ends=ends)

    def stopped_lane(self, job: Job) -> str:
        """Return why a waiting job's lane stands still, empty where it goes on."""
        state = self._book.state
        if job.state is not JobState.WAITING:
            return ""
        if state.stopped:
            return state.stopped
        lane = job.spec.channel or self._bench.where(job.spec.cell_id)
        if lane is None:
            return ""
        held = state.hold_of(lane)
        return str(held) if held is not None else state.lanes.get(lane, "")

    def standing(self) -> QueueStanding:
        """Return what keeps the queue from starting things."""
        state = self._book.state
        holds = tuple(sorted(state.holds.values(), key=lambda hold: hold.target))
        return QueueStanding(state.stopped, holds, dict(state.lanes), self.trouble())

    def publish(self) -> None:
        """Tell the feed of every job that looks different now, and of what holds the queue."""
        self._feed.publish("station", "queue", to_plain(self.standing()))
        present: dict[JobId, Job] = {}
        closed = 0
        for job in self.jobs():
            closed += job.state not in OPEN_STATES
            if closed > SHOWN_CLOSED:
                break
            present[job.job_id] = job
            if self._shown.get(job.job_id) != job:
                self._feed.publish("job", job.job_id, to_plain(job))
        for job_id in self._shown.keys() - present.keys():
            self._feed.publish("job", job_id, None)
        self._shown = present


def planned(plans: Sequence[Plan], jobs: Sequence[Job], outlook: Outlook) -> tuple[PlannedJob, ...]:
    """Return the pre-flight rows with expected times. ``jobs`` are those that the plans became, or would become."""
    return tuple(
        PlannedJob(
            label=plan.spec.label or f"row {row}",
            cell_id=plan.spec.cell_id,
            channel=plan.channel,
            protocol_name=plan.protocol_name,
            errors=plan.errors,
            warnings=plan.warnings,
            review=plan.review,
            starts=outlook.starts(job.job_id),
            ends=outlook.ends(job.job_id),
            job_id=job.job_id,
        )
        for row, (plan, job) in enumerate(zip(plans, jobs, strict=True), 1)
    )
