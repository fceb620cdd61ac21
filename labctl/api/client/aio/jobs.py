"""The queue: jobs, campaigns, tables, and when things will be over."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping

from labctl.api.client import routes
from labctl.api.client.aio.link import AsyncLink
from labctl.api.client.aio.mirror import WAIT_S, AsyncMirror
from labctl.api.client.wishes import Wish, wishes
from labctl.api.messages import (
    EditJob,
    HoldQueue,
    JobAct,
    MoveJob,
    SetPriority,
    SubmitCampaign,
    SubmitJobs,
    SubmitTable,
    Submitted,
)
from labctl.clock import link_now_s
from labctl.errors import UserInputError
from labctl.model.job import OPEN_STATES, CalendarEntry, Job, JobEdit, QueueStanding
from labctl.model.library import ProtocolText


class AsyncQueue:
    """The queued wishes of everybody."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self) -> tuple[Job, ...]:
        """Return every job in queue order, ended ones too."""
        return await self._link.call(routes.JOBS)

    async def get(self, job_id: str) -> Job:
        """Return one job."""
        return await self._link.call(routes.JOB, job_id)

    async def submit(self, jobs: Wish | Iterable[Wish], *, dry_run: bool = False, key: str = "") -> Submitted:
        """Queue a job or several, all or none; ``dry_run`` only shows what would be started where and when.

        A job is a ``JobSpec``, or a mapping with its fields. A ``key`` of your own lets a script that was cut off
        submit again: the same key is done once. Raises: UserInputError, ProgramError with every problem.
        """
        body = SubmitJobs(wishes(jobs), dry_run)
        return await self._link.call(routes.JOBS_SUBMIT, body=body, key=key)

    async def submit_campaign(
        self,
        text: str,
        *,
        name: str = "campaign.yaml",
        files: Mapping[str, str] | None = None,
        dry_run: bool = False,
        key: str = "",
    ) -> Submitted:
        """Queue a campaign file; ``files`` holds the texts of the protocol files that it names."""
        body = SubmitCampaign(text, name, dry_run, dict(files or {}))
        return await self._link.call(routes.JOBS_CAMPAIGN, body=body, key=key)

    async def submit_table(
        self,
        name: str,
        content: bytes,
        *,
        defaults: Mapping[str, str] | None = None,
        dry_run: bool = False,
        key: str = "",
    ) -> Submitted:
        """Queue a table (CSV, XLSX or pasted text), one job a row; ``defaults`` fills columns it has not."""
        coded = base64.b64encode(content).decode("ascii")
        body = SubmitTable(name, coded, dict(defaults or {}), dry_run)
        return await self._link.call(routes.JOBS_TABLE, body=body, key=key)

    async def hold(self, job_id: str, *, reason: str = "", version: int | None = None) -> Job:
        """Keep a job from starting until it is released."""
        return await self._link.call(routes.JOB_HOLD, job_id, body=JobAct(reason, version))

    async def release(self, job_id: str, *, reason: str = "", version: int | None = None) -> Job:
        """Let a held job start when its turn comes."""
        return await self._link.call(routes.JOB_RELEASE, job_id, body=JobAct(reason, version))

    async def move(
        self, job_id: str, *, before: str | None = None, reason: str = "", version: int | None = None
    ) -> Job:
        """Put a job before another one; None = at the end."""
        return await self._link.call(routes.JOB_MOVE, job_id, body=MoveJob(before, reason, version))

    async def prioritise(
        self, job_id: str, priority: int, *, reason: str = "", version: int | None = None
    ) -> Job:
        """Give a job another priority; larger goes first."""
        body = SetPriority(priority, reason, version)
        return await self._link.call(routes.JOB_PRIORITY, job_id, body=body)

    async def remove(self, job_id: str, *, reason: str = "", version: int | None = None) -> Job:
        """Take a job that has not started out of the queue."""
        return await self._link.call(routes.JOB_REMOVE, job_id, body=JobAct(reason, version))

    async def retry(self, job_id: str, *, reason: str = "", version: int | None = None) -> Job:
        """Queue a failed job again."""
        return await self._link.call(routes.JOB_RETRY, job_id, body=JobAct(reason, version))

    async def clone(self, job_id: str, *, reason: str = "", version: int | None = None) -> Job:
        """Queue the same wish once more; returns the new job."""
        return await self._link.call(routes.JOB_CLONE, job_id, body=JobAct(reason, version))

    async def edit(
        self,
        job_id: str,
        *,
        protocol: str | None = None,
        protocol_text: str | None = None,
        protocol_source: str | None = None,
        variables: Mapping[str, str] | None = None,
        priority: int | None = None,
        not_before_utc: str | None = None,
        notes: str | None = None,
        label: str | None = None,
        reason: str = "",
        version: int | None = None,
    ) -> Job:
        """Change a job that has not started; what is not given stays. It is checked as a new job is.

        A new protocol without ``variables`` has its own defaults. ``not_before_utc`` as an empty text: at any time.
        """
        changes = JobEdit(
            protocol, protocol_text, protocol_source, variables, priority, not_before_utc, notes, label
        )
        return await self._link.call(routes.JOB_EDIT, job_id, body=EditJob(changes, reason, version))

    async def protocol(self, job_id: str) -> ProtocolText:
        """Return the protocol of a job as it was frozen when it was queued or changed."""
        return await self._link.call(routes.JOB_PROTOCOL, job_id)

    async def standing(self) -> QueueStanding:
        """Return what keeps the queue from starting things: holds of people, failed lanes, Stop all."""
        return await self._link.call(routes.QUEUE)

    async def hold_queue(self, target: str = "", *, reason: str = "") -> QueueStanding:
        """Hold the whole queue, or an instrument's or channel's part of it; runs go on, nothing new is started."""
        return await self._link.call(routes.QUEUE_HOLD, body=HoldQueue(target, reason))

    async def release_queue(self, target: str = "", *, reason: str = "") -> QueueStanding:
        """Release what ``hold_queue`` holds; other holds, held jobs and failed lanes stay as they are."""
        return await self._link.call(routes.QUEUE_RELEASE, body=HoldQueue(target, reason))

    async def calendar(self) -> tuple[CalendarEntry, ...]:
        """Return what runs and will run where and when."""
        return await self._link.call(routes.CALENDAR)

    async def wait(
        self, job_ids: Collection[str] | None = None, *, timeout_s: float | None = None
    ) -> tuple[Job, ...]:
        """Wait until the given jobs (default: all there are now) are over; return them as they ended.

        ``timeout_s`` is link time; after it the jobs are returned as they stand then.
        Raises: UserInputError for an id that the queue does not know.
        """
        mirror = AsyncMirror(self._link, ("job",))
        until_s = None if timeout_s is None else link_now_s() + timeout_s
        wanted = [str(job_id) for job_id in job_ids] if job_ids is not None else None
        await mirror.update()
        while True:
            jobs = {str(job.job_id): job for job in await self.list()}
            if wanted is None:
                wanted = list(jobs)
            unknown = [job_id for job_id in wanted if job_id not in jobs]
            if unknown:
                raise UserInputError(f"there is no job {', '.join(unknown)}; 'labctl queue list' shows them.")
            chosen = tuple(jobs[job_id] for job_id in wanted)
            left_s = WAIT_S if until_s is None else min(WAIT_S, until_s - link_now_s())
            if left_s <= 0 or not any(job.state in OPEN_STATES for job in chosen):
                return chosen
            await mirror.update(left_s)
