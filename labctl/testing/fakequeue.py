"""A queue that starts nothing, for tests of the API and its clients: versions, refusals, feed and journal are real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labctl.errors import ConflictError, UserInputError
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import (
    CalendarEntry,
    Forecast,
    Job,
    JobEdit,
    JobId,
    JobSpec,
    JobState,
    LaneHold,
    PlannedJob,
    QueueStanding,
)
from labctl.model.person import Actor
from labctl.model.plain import to_plain
from labctl.station.planning import text_key
from labctl.station.queueedit import changed_spec

if TYPE_CHECKING:
    from labctl.testing.fakecore import FakeCore

UTC = "2026-01-01T00:00:00+00:00"
RESTS = "labctl: protocol/1\nname: Rest\nsteps:\n  - rest: 1 h\n"
CHANNELS = tuple(ChannelId(f"neware:1-{place}") for place in range(1, 5))
SOON = Forecast("2026-01-02T00:00:00+00:00", "2026-01-01T23:00:00+00:00", "2026-01-02T01:00:00+00:00")


class FakeQueue:
    """Jobs that nobody starts."""

    def __init__(self, core: FakeCore) -> None:
        self._core = core
        self._jobs: dict[JobId, Job] = {}
        self._count = 0
        self._holds: dict[str, LaneHold] = {}

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs in their order."""
        return tuple(self._jobs.values())

    def calendar(self) -> tuple[CalendarEntry, ...]:
        """Return one bar per job with a channel."""
        return tuple(
            CalendarEntry(job.channel, job.spec.cell_id, job.protocol_name, job.state, UTC, SOON.end_utc)
            for job in self._jobs.values()
            if job.channel is not None
        )

    async def submit(
        self, actor: Actor, specs: Sequence[JobSpec], *, dry_run: bool = False, key: str = ""
    ) -> tuple[tuple[PlannedJob, ...], tuple[CalendarEntry, ...]]:
        """Queue jobs of registered cells."""
        for spec in specs:
            self._core.registry.cell(spec.cell_id)
            if bool(spec.protocol) == bool(spec.protocol_text):
                raise UserInputError("Give exactly one of protocol and protocol_text.")
        planned = []
        for spec in specs:
            job_id = None if dry_run else await self._keep(actor, spec)
            name = spec.protocol or "from text"
            planned.append(PlannedJob(spec.label, spec.cell_id, spec.channel, name, job_id=job_id))
        return tuple(planned), self.calendar()

    async def _keep(self, actor: Actor, spec: JobSpec) -> JobId:
        self._count += 1
        job_id = JobId(f"j-{self._count}")
        state = JobState.HELD if spec.hold else JobState.WAITING
        name = spec.protocol or "from text"
        job = Job(
            job_id, spec, state, 1, name, "0" * 64, actor.name, UTC, spec.channel, waits_for="the channel"
        )
        await self._core.audit.write(actor, "job.add", job_id, new=spec)
        self._put(job)
        return job_id

    def _put(self, job: Job) -> Job:
        self._jobs[job.job_id] = job
        self._core.feed.publish("job", job.job_id, to_plain(job))
        return job

    async def submit_campaign(
        self,
        actor: Actor,
        text: str,
        *,
        name: str = "",
        files: Mapping[str, str] | None = None,
        dry_run: bool = False,
        key: str = "",
    ) -> tuple[tuple[PlannedJob, ...], tuple[CalendarEntry, ...]]:
        """Read a campaign whose every line is a cell id."""
        specs = [JobSpec(CellId(line.strip()), "rest") for line in text.splitlines() if line.strip()]
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
        """Read a table whose every line is a cell id."""
        text = data.decode("utf-8", "replace")
        return await self.submit_campaign(actor, text, dry_run=dry_run, key=key)

    async def _change(self, actor: Actor, what: str, job_id: JobId, version: int | None, **new: Any) -> Job:
        job = self._jobs[job_id]
        if version is not None and version != job.version:
            raise ConflictError(f"{job_id} has changed meanwhile: already done by {job.submitted_by}.")
        await self._core.audit.write(actor, what, job_id, old=job.state)
        return self._put(replace(job, version=job.version + 1, **new))

    async def hold(self, actor: Actor, job_id: JobId, *, version: int | None = None, reason: str = "") -> Job:
        """Hold a job."""
        return await self._change(actor, "job.hold", job_id, version, state=JobState.HELD, reason=reason)

    async def release(
        self, actor: Actor, job_id: JobId, *, version: int | None = None, reason: str = ""
    ) -> Job:
        """Release a job."""
        return await self._change(
            actor, "job.release", job_id, version, state=JobState.WAITING, reason=reason
        )

    async def remove(
        self, actor: Actor, job_id: JobId, *, version: int | None = None, reason: str = ""
    ) -> Job:
        """Remove a job."""
        return await self._change(actor, "job.remove", job_id, version, state=JobState.REMOVED, reason=reason)

    async def retry(
        self, actor: Actor, job_id: JobId, *, version: int | None = None, reason: str = ""
    ) -> Job:
        """Refuse: nothing ever failed here."""
        raise ConflictError(f"{job_id} has not failed.")

    async def clone(
        self, actor: Actor, job_id: JobId, *, version: int | None = None, reason: str = ""
    ) -> Job:
        """Queue the same again."""
        return self._jobs[await self._keep(actor, self._jobs[job_id].spec)]

    async def move(
        self,
        actor: Actor,
        job_id: JobId,
        *,
        before: JobId | None,
        version: int | None = None,
        reason: str = "",
    ) -> Job:
        """Move a job."""
        job = await self._change(actor, "job.move", job_id, version)
        others = [other for other in self._jobs.values() if other.job_id != job_id]
        at = next((i for i, other in enumerate(others) if other.job_id == before), len(others))
        others.insert(at, job)
        self._jobs = {other.job_id: other for other in others}
        return job

    async def prioritise(
        self, actor: Actor, job_id: JobId, priority: int, *, version: int | None = None, reason: str = ""
    ) -> Job:
        """Change a priority."""
        spec = replace(self._jobs[job_id].spec, priority=priority)
        return await self._change(actor, "job.priority", job_id, version, spec=spec)

    async def edit(
        self, actor: Actor, job_id: JobId, changes: JobEdit, *, version: int | None = None, reason: str = ""
    ) -> Job:
        """Change a wish."""
        spec = changed_spec(self._jobs[job_id].spec, changes, RESTS)
        return await self._change(actor, "job.edit", job_id, version, spec=spec)

    def protocol_text(self, job_id: str) -> str:
        """Return the text that was sent, or one that rests."""
        text = self._jobs[JobId(job_id)].spec.protocol_text
        return text or RESTS

    def frozen(self) -> tuple[tuple[str, Job], ...]:
        """Return every job with the digest of its text."""
        return tuple((text_key(self.protocol_text(job_id)), job) for job_id, job in self._jobs.items())

    def standing(self) -> QueueStanding:
        """Return the holds."""
        holds = tuple(hold for target, hold in self._holds.items() if target)
        return QueueStanding(str(self._holds.get("", "")), holds)

    async def hold_queue(self, actor: Actor, reason: str = "", *, target: str = "") -> QueueStanding:
        """Hold a part. Raises: ConflictError, UserInputError."""
        if target and target not in ("neware", *CHANNELS):
            raise UserInputError(f"There is no channel or instrument {target!r}.")
        if target in self._holds:
            raise ConflictError(f"{self._holds[target]}.")
        await self._core.audit.write(actor, "queue.hold", target, reason=reason)
        self._holds[target] = LaneHold(target, actor.name, UTC, reason)
        self._core.feed.publish("station", "queue", to_plain(self.standing()))
        return self.standing()

    async def release_queue(self, actor: Actor, reason: str = "", *, target: str = "") -> QueueStanding:
        """Release a part. Raises: ConflictError."""
        if target and target not in self._holds:
            raise ConflictError(f"{target} is not held.")
        await self._core.audit.write(actor, "queue.release", target, reason=reason)
        self._holds.pop(target, None)
        self._core.feed.publish("station", "queue", to_plain(self.standing()))
        return self.standing()
