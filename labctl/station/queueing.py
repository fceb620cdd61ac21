"""The queue's keeper: everything that other parts of the station, and people, do with the queue.

Every act of a person is journalled, written down, then believed and published (``queuebook``). Decisions are made by
``machines.dispatch``, carried out by ``queuerun`` and shown by ``queueshow``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from labctl.clock import Clock
from labctl.config.station import StationFile
from labctl.engine.jobs import Progress, RunResult
from labctl.engine.machines.queue import Entry, Kind, act_refusal
from labctl.errors import ConflictError, ProgramError, UserInputError
from labctl.model.ids import ChannelId, RunId
from labctl.model.job import (
    OPEN_STATES,
    CalendarEntry,
    Job,
    JobEdit,
    JobId,
    JobSpec,
    JobState,
    PlannedJob,
    QueueStanding,
)  # fmt: skip
from labctl.model.person import Actor
from labctl.model.plain import to_plain
from labctl.station.batchtable import read_batch
from labctl.station.campaign import expand_campaign
from labctl.station.feed import Feed
from labctl.station.ledger import Ledger
from labctl.station.planning import Plan, Planner, resolved, text_key
from labctl.station.queuealarms import Alarms, QueueAlarms
from labctl.station.queuebook import QueueBook
from labctl.station.queueedit import Audit, QueueEdits
from labctl.station.queuerun import Loads, QueueRunner
from labctl.station.queueshow import QueueShow
from labctl.station.queueview import BenchView, Engine, Forecasts, Registry
from labctl.store.root import DataRoot
from labctl.worker import Worker


class LoadingRegistry(Registry, Loads, Protocol):
    """What the queue asks of the registry."""


class QueueKeeper:
    """The station's queue. ``open`` it after the runs have been taken up, then ``serve`` it for ever.

    The core calls ``run_progress`` and ``run_ended`` for every run, ``hold_all`` and ``release_all`` for *Stop all
    outputs* (also when the station starts with that latch), and ``bench_changed`` where it knows better than the feed.
    """

    def __init__(
        self,
        ledger: Ledger,
        registry: LoadingRegistry,
        supervisor: Engine,
        file: StationFile,
        feed: Feed,
        audit: Audit,
        clock: Clock,
        forecasts: Forecasts,
        root: DataRoot,
        worker: Worker,
        alarms: Alarms | None = None,
    ) -> None:
        self._registry = registry
        self._audit = audit
        self._clock = clock
        self._planner = Planner(file, supervisor, registry, clock)
        self._book = QueueBook(ledger, root, worker, clock)
        self._bench = BenchView(file, supervisor, registry, forecasts, self._planner, clock)
        self._show = QueueShow(self._book, self._bench, feed, clock)
        self._edits = QueueEdits(self._book, self._bench, self._planner, audit)
        self._alarms = QueueAlarms(alarms)
        self._runner = QueueRunner(
            self._book,
            self._bench,
            self._show,
            self._planner,
            supervisor,
            registry,
            feed,
            clock,
            self._alarms,
        )

        self._show.trouble = lambda: self._runner.stopped or self._runner.trouble

    # -- life -------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Replay the ledger and agree with the run folders; starts nothing. Raises: StoreError."""
        async with self._runner.lock:
            await self._book.open(self._replayed)
        self._show.publish()

    def _replayed(self) -> None:
        """Look at the failures that were known before, so that only those are alarmed that the folders now tell of."""
        self._alarms.damaged(self._book.problems)
        self._alarms.look(self._book.state, self._clock.plant.utc().timestamp(), "")

    async def serve(self) -> None:
        """Start what may start, for ever; cancelled at the end. Runs that were started go on without us."""
        await self._runner.serve()

    def know_protocols(self, saved: Callable[[str], str | None]) -> None:
        """Take where to find the protocols that people saved at this station, before those of the packages."""
        self._planner.saved = saved

    def close(self) -> None:
        """Close the ledger; what was written is durable."""
        self._book.close()

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the queue's own files, in sentences; nothing is started until a person looked."""
        return (*self._book.problems, *([self._runner.trouble] if self._runner.trouble else []))

    # -- what the station says --------------------------------------------------------------------------------------

    def run_progress(self, progress: Progress) -> None:
        """Take how a run stands; cheap, called at every poll."""
        self._runner.run_progress(progress)

    def run_ended(self, result: RunResult) -> None:
        """Take the end of a run, or that nobody follows it any more."""
        self._runner.run_ended(result)

    def bench_changed(self) -> None:
        """Have the queue look again: a channel is free, a cell was loaded, a trip was reset."""
        self._runner.wake.set()

    def hold_all(self, reason: str) -> None:
        """Start nothing more, at once: *Stop all outputs*. The station keeps that latch over a restart.

        The queue is not looked at for that: a look at a thousand jobs would stand before the stops.
        """
        self._runner.stopped = reason or "stop all"

    def look(self) -> None:
        """Look at what may start and what each job waits for, soon."""
        self._runner.wake.set()

    def release_all(self) -> None:
        """Go on after *Stop all outputs* was released; lanes whose runs were stopped wait for their own release."""
        self._runner.stopped = ""
        self._runner.wake.set()

    # -- reading ----------------------------------------------------------------------------------------------------

    def waiting(self) -> int:
        """Return how many jobs have not been started."""
        waits = (JobState.WAITING, JobState.HELD)
        return sum(entry.job.state in waits for entry in self._book.state.open_jobs())

    def jobs(self) -> tuple[Job, ...]:
        """Return every job: open ones in the order of their starts, then those that are over, newest first."""
        return self._show.jobs()

    def job(self, job_id: str) -> Job:
        """Return one job. Raises: UserInputError where there is none of that id."""
        self._entry(job_id)
        return next(job for job in self._show.jobs() if job.job_id == job_id)

    def protocol_text(self, job_id: str) -> str:
        """Return the protocol of a job as it was frozen when it was queued. Raises: UserInputError."""
        return self._book.state.texts[self._entry(job_id).text]

    def frozen(self) -> tuple[tuple[str, Job], ...]:
        """Return the jobs that are not over, each with the digest of the protocol's text that it keeps."""
        return tuple((entry.text, entry.job) for entry in self._book.state.open_jobs())

    def lane(self, channel: ChannelId) -> str:
        """Return why a lane stands still, empty where it goes on."""
        return self._book.state.lanes.get(channel, "")

    def job_of(self, run_id: str) -> JobId | None:
        """Return the job whose present run this is."""
        return self._book.state.job_of(RunId(run_id))

    def calendar(self) -> tuple[CalendarEntry, ...]:
        """Return the bars of every channel: what has ended lately, goes on, and is expected."""
        return self._show.calendar()

    def held(self) -> str:
        """Return why no lane starts anything, empty where they do."""
        return self._runner.stopped or self._book.state.stopped or self._runner.trouble

    def _entry(self, job_id: str) -> Entry:
        entry = self._book.entry(job_id)
        if entry is None:
            raise UserInputError(f"There is no job {job_id!r}. 'labctl queue list' shows the jobs there are.")
        return entry

    # -- what people do ---------------------------------------------------------------------------------------------

    async def submit(
        self, actor: Actor, specs: Sequence[JobSpec], *, dry_run: bool = False, key: str = ""
    ) -> tuple[tuple[PlannedJob, ...], tuple[CalendarEntry, ...]]:
        """Queue jobs, all or none; return the pre-flight of each and the calendar with them in it.

        ``key`` makes the call safe to repeat: the second one returns what the first has queued. Raises: ProgramError
        with a sentence per refused row, UserInputError, StoreError; nothing is queued then.
        """
        async with self._runner.lock:
            await self._book.settle()
            done = self._book.state.keys.get(_scoped(actor, key)) if key and not dry_run else None
            if done is not None:
                return tuple(
                    _queued_before(job) for job in self.jobs() if job.job_id in done
                ), self.calendar()
            plans = await self._planner.plans(specs, self._book.state, self._bench.channels())
            wrong = refusals(plans)
            jobs = self._made(actor, plans)
            if dry_run:
                return await self._show.try_out(plans, jobs)
            if wrong:
                raise ProgramError(wrong)
            await self._queue(actor, plans, jobs, key)
        await self._show.foresee(now=True)
        await self._changed()
        return self._show.planned(plans, jobs), self.calendar()

    def _made(self, actor: Actor, plans: Sequence[Plan]) -> list[Job]:
        """Return the jobs that plans would become."""
        first = self._book.state.last_number + 1
        ids = [JobId(f"j-{first + index}") for index in range(len(plans))]
        specs = resolved([plan.spec for plan in plans], ids)
        utc = self._clock.plant.utc().isoformat(timespec="seconds")
        return [
            Job(
                job_id=job_id,
                # The text is kept beside the jobs and named by its hash: a hundred jobs share one.
                spec=replace(spec, protocol_text=""),
                state=JobState.HELD if spec.hold else JobState.WAITING,
                version=1,
                protocol_name=plan.protocol_name,
                protocol_hash=plan.protocol_hash,
                submitted_by=actor.name,
                submitted_utc=utc,
                channel=spec.channel,
                reason="held when it was queued" if spec.hold else "",
            )
            for job_id, spec, plan in zip(ids, specs, plans, strict=True)
        ]

    async def _queue(self, actor: Actor, plans: Sequence[Plan], jobs: Sequence[Job], key: str) -> None:
        """Journal, write down and believe a submission."""
        campaign = jobs[0].spec.campaign
        subject = jobs[0].job_id if len(jobs) == 1 else f"{jobs[0].job_id} to {jobs[-1].job_id}"
        told = [f"{job.job_id}: {job.protocol_name} for {job.spec.cell_id}" for job in jobs]
        await self._audit.write(actor, "job.submit", subject=subject, new=told, reason=campaign)
        keys = [text_key(plan.text) for plan in plans]
        known = self._book.state.texts
        texts = {name: plan.text for name, plan in zip(keys, plans, strict=True) if name not in known}
        listed = [{"job": to_plain(job), "text": name} for job, name in zip(jobs, keys, strict=True)]
        line = self._book.line(Kind.SUBMIT, by=actor.name, texts=texts, jobs=listed)
        await self._book.write({**line, "key": _scoped(actor, key)} if key else line)
        for job, plan in zip(jobs, plans, strict=True):
            self._bench.take(job.job_id, plan)

    async def submit_campaign(
        self,
        actor: Actor,
        text: str,
        name: str = "campaign",
        *,
        files: Mapping[str, str] | None = None,
        dry_run: bool = False,
        key: str = "",
    ) -> tuple[tuple[PlannedJob, ...], tuple[CalendarEntry, ...]]:
        """Queue a campaign file. ``files`` holds the texts of the protocol files that it names.

        Raises: UserFileError with line and column, and what ``submit`` raises.
        """
        specs = expand_campaign(text, name, files or {}, tuple(self._registry.cells()))
        return await self.submit(actor, specs, dry_run=dry_run, key=key)

    async def submit_table(
        self,
        actor: Actor,
        name: str,
        data: bytes,
        *,
        defaults: Mapping[str, str] | None = None,
        dry_run: bool = False,
        key: str = "",
    ) -> tuple[tuple[PlannedJob, ...], tuple[CalendarEntry, ...]]:
        """Queue a batch table (CSV, XLSX or pasted cells), one job a row. ``defaults`` fill empty columns.

        Raises: UserFileError for a file that is no such table, ProgramError for refused rows, and as ``submit``.
        """
        table = read_batch(name, data, defaults or {})
        if table.findings:
            raise ProgramError([str(finding) for finding in table.findings])
        return await self.submit(actor, table.specs, dry_run=dry_run, key=key)

    async def hold(self, actor: Actor, job_id: str, *, version: int | None = None, reason: str = "") -> Job:
        """Keep a waiting job from starting until it is released."""
        return await self._act(actor, Kind.HOLD, job_id, version, reason)

    async def release(
        self, actor: Actor, job_id: str, *, version: int | None = None, reason: str = ""
    ) -> Job:
        """Let a held job start again."""
        return await self._act(actor, Kind.RELEASE, job_id, version, reason)

    async def remove(self, actor: Actor, job_id: str, *, version: int | None = None, reason: str = "") -> Job:
        """Take out a job that has not started, or that failed."""
        return await self._act(actor, Kind.REMOVE, job_id, version, reason)

    async def retry(self, actor: Actor, job_id: str, *, version: int | None = None, reason: str = "") -> Job:
        """Let a failed job wait again; its lane must be released too."""
        return await self._act(actor, Kind.RETRY, job_id, version, reason)

    async def prioritise(
        self, actor: Actor, job_id: str, priority: int, *, version: int | None = None, reason: str = ""
    ) -> Job:
        """Give a job that has not started another priority; larger goes first."""
        return await self._act(actor, Kind.PRIORITY, job_id, version, reason, priority=int(priority))

    async def move(
        self,
        actor: Actor,
        job_id: str,
        *,
        before: str | None = None,
        version: int | None = None,
        reason: str = "",
    ) -> Job:
        """Put a job before another one of the queue, or at its end."""
        if before is not None:
            other = self._entry(before)
            if other.job.state not in OPEN_STATES or before == job_id:
                raise UserInputError(f"Job {before} is {other.job.state.value}: name another job that waits.")
        return await self._act(actor, Kind.MOVE, job_id, version, reason, before=before)

    async def clone(self, actor: Actor, job_id: str, *, version: int | None = None, reason: str = "") -> Job:
        """Queue the same wish once more, as a new job; start checks passed over are not taken along."""
        entry = self._entry(job_id)
        _check_version(entry.job, version)
        after = tuple(item for item in entry.job.spec.after if self._book.entry(item.job) is not None)
        text = self._book.state.texts[entry.text]
        spec = replace(
            entry.job.spec, after=after, overrides={}, label="", protocol="", protocol_text=text, hold=False,
            protocol_source=entry.job.spec.protocol_source or entry.job.spec.protocol,
        )  # fmt: skip
        planned, _ = await self.submit(actor, (spec,))
        made = planned[0].job_id
        assert made is not None, "submitted"
        return self.job(made)

    async def release_lane(self, actor: Actor, channel: ChannelId, reason: str = "") -> None:
        """Let a lane go on that a failure has stopped; a lane that goes on already is left as it is."""
        async with self._runner.lock:
            await self._book.settle()
            old = self.lane(channel)
            if not old:
                return
            await self._audit.write(actor, "lane.release", subject=channel, old=old, reason=reason)
            line = self._book.line(Kind.LANE_RELEASE, channel=channel, by=actor.name, reason=reason)
            await self._book.write(line)
        await self._changed()

    async def hold_queue(self, actor: Actor, reason: str = "", *, target: str = "") -> QueueStanding:
        """Hold every lane, those of an instrument, or one: runs go on, nothing new is started until ``release_queue``.

        Raises: ConflictError naming who holds it already, UserInputError, StoreError.
        """
        async with self._runner.lock:
            await self._edits.hold(actor, target, reason)
        await self._changed()
        return self.standing()

    async def release_queue(self, actor: Actor, reason: str = "", *, target: str = "") -> QueueStanding:
        """Let go on what ``hold_queue`` holds, or all after a damaged ledger was looked at; other holds stay.

        Raises: ConflictError where the part is not held, StoreError.
        """
        async with self._runner.lock:
            await self._edits.release(actor, target, reason)
        await self._changed()
        return self.standing()

    def standing(self) -> QueueStanding:
        """Return what keeps the queue from starting things: holds of people, failures, *Stop all*."""
        return self._show.standing()

    async def edit(
        self, actor: Actor, job_id: str, changes: JobEdit, *, version: int | None = None, reason: str = ""
    ) -> Job:
        """Change a job that has not started: protocol, variables, priority, moment, note, label.

        Raises: ConflictError (started or changed meanwhile), ProgramError, UserInputError, StoreError.
        """
        async with self._runner.lock:
            await self._book.settle()
            entry = self._entry(job_id)
            _check_version(entry.job, version)
            if refusal := act_refusal(Kind.EDIT, entry.job):
                raise ConflictError(refusal)
            await self._edits.edit(actor, entry, changes, reason)
        await self._changed()
        return self.job(job_id)

    async def _act(
        self, actor: Actor, kind: Kind, job_id: str, version: int | None, reason: str, **fields: Any
    ) -> Job:
        async with self._runner.lock:
            await self._book.settle()
            entry = self._entry(job_id)
            _check_version(entry.job, version)
            refusal = act_refusal(kind, entry.job)
            lane = self._show.stopped_lane(entry.job)
            if refusal and kind is Kind.RELEASE and lane:
                refusal = f"Job {job_id} waits because its lane stands still ({lane}): release the lane."
            if refusal:
                raise ConflictError(refusal)
            line = self._book.line(kind, job=entry.job.job_id, by=actor.name, reason=reason, **fields)
            new = {name: value for name, value in fields.items() if value is not None}
            old = {"state": entry.job.state.value, "priority": entry.job.spec.priority}
            act = f"job.{kind.value}"
            await self._audit.write(
                actor, act, subject=entry.job.job_id, old=old, new=new or None, reason=reason
            )
            await self._book.write(line)
        await self._changed()
        return self.job(job_id)

    async def _changed(self) -> None:
        await self._show.consider(self._runner.stopped)
        self._show.hurry()
        self._show.publish()
        self._runner.wake.set()


def refusals(plans: Sequence[Plan]) -> list[str]:
    """Return what stands against queueing, one sentence each, named by row and cell."""
    return [
        f"{plan.spec.label or f'row {row}'} ({plan.spec.cell_id}): {text}"
        for row, plan in enumerate(plans, 1)
        for text in plan.errors
    ]


def _scoped(actor: Actor, key: str) -> str:
    """Return an idempotency key as one person's own."""
    return f"{actor.name}:{key}"


def _queued_before(job: Job) -> PlannedJob:
    """Return a job as the answer to a call that was made twice (F43)."""
    return PlannedJob(
        label=job.spec.label,
        cell_id=job.spec.cell_id,
        channel=job.channel,
        protocol_name=job.protocol_name,
        warnings=("queued already by the same call",),
        starts=job.starts,
        ends=job.ends,
        job_id=job.job_id,
    )


def _check_version(job: Job, version: int | None) -> None:
    """Refuse an act that was decided on an older state of the job (F43)."""
    if version is not None and version != job.version:
        why = f": {job.reason}" if job.reason else ""
        raise ConflictError(
            f"Job {job.job_id} has changed meanwhile (version {job.version}, you saw {version}); it is "
            f"{job.state.value}{why}. Look again, then decide."
        )
