"""The queue: jobs, batches from campaign files and tables, the calendar."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from labctl.api.messages import (
    PREFIX,
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
from labctl.api.server.answers import Refusal, reply
from labctl.api.server.bodies import file_bytes
from labctl.api.server.needs import Call, Operator, Viewer
from labctl.model.job import CalendarEntry, Job, JobId, QueueStanding
from labctl.model.library import ProtocolText
from labctl.station.protocolshelf import frozen_text

router = APIRouter(prefix=PREFIX, tags=["queue"])


def _job(call: Call, job_id: str) -> Job:
    for job in call.core.queue.jobs():
        if job.job_id == job_id:
            return job
    raise Refusal(404, f"There is no job {job_id!r}.", fix="'labctl queue list' shows the jobs there are.")


@router.get("/jobs", response_model=tuple[Job, ...])
async def jobs_list(call: Viewer) -> Response:
    """Return the queue in its order, each job with what it waits for and when it is expected to end."""
    return reply(call.core.queue.jobs())


@router.post("/jobs", response_model=Submitted)
async def jobs_submit(call: Operator, body: SubmitJobs) -> Response:
    """Queue jobs, all or none; with ``dry_run`` only check and plan them."""
    jobs, calendar = await call.core.queue.submit(call.actor, body.jobs, dry_run=body.dry_run, key=call.key)
    return reply(Submitted(jobs, calendar, body.dry_run))


@router.post("/jobs/campaign", response_model=Submitted)
async def jobs_campaign(call: Operator, body: SubmitCampaign) -> Response:
    """Queue a campaign file: cells x protocols x conditions."""
    jobs, calendar = await call.core.queue.submit_campaign(
        call.actor, body.text, name=body.name, files=body.files, dry_run=body.dry_run, key=call.key
    )
    return reply(Submitted(jobs, calendar, body.dry_run))


@router.post("/jobs/table", response_model=Submitted)
async def jobs_table(call: Operator, body: SubmitTable) -> Response:
    """Queue a batch from a CSV or XLSX table, or pasted text: one job a row."""
    data = file_bytes(body.content_base64)
    jobs, calendar = await call.core.queue.submit_table(
        call.actor, body.name, data, defaults=body.defaults, dry_run=body.dry_run, key=call.key
    )
    return reply(Submitted(jobs, calendar, body.dry_run))


@router.get("/jobs/{job_id}", response_model=Job)
async def jobs_get(call: Viewer, job_id: str) -> Response:
    """Return one job."""
    return reply(_job(call, job_id))


@router.get("/jobs/{job_id}/protocol", response_model=ProtocolText)
async def jobs_protocol(call: Viewer, job_id: str) -> Response:
    """Return the protocol of a job as it was frozen when it was queued or changed."""
    job = _job(call, job_id)
    text = call.core.queue.protocol_text(job.job_id)
    name = job.spec.protocol_source or job.spec.protocol or job.protocol_name
    return reply(await call.reader.call(frozen_text, name, text))


@router.post("/jobs/{job_id}/hold", response_model=Job)
async def jobs_hold(call: Operator, job_id: str, body: JobAct) -> Response:
    """Hold a waiting job."""
    known = _job(call, job_id).job_id
    await call.core.queue.hold(call.actor, known, version=body.version, reason=body.reason)
    return reply(_job(call, known))


@router.post("/jobs/{job_id}/release", response_model=Job)
async def jobs_release(call: Operator, job_id: str, body: JobAct) -> Response:
    """Let a held job start."""
    known = _job(call, job_id).job_id
    await call.core.queue.release(call.actor, known, version=body.version, reason=body.reason)
    return reply(_job(call, known))


@router.post("/jobs/{job_id}/remove", response_model=Job)
async def jobs_remove(call: Operator, job_id: str, body: JobAct) -> Response:
    """Take a job that has not started out of the queue."""
    job = _job(call, job_id)
    await call.core.queue.remove(call.actor, job.job_id, version=body.version, reason=body.reason)
    left = [other for other in call.core.queue.jobs() if other.job_id == job.job_id]
    return reply(left[0] if left else job)


@router.post("/jobs/{job_id}/retry", response_model=Job)
async def jobs_retry(call: Operator, job_id: str, body: JobAct) -> Response:
    """Try a failed job again."""
    known = _job(call, job_id).job_id
    again = await call.core.queue.retry(call.actor, known, version=body.version, reason=body.reason)
    return reply(_job(call, again.job_id))


@router.post("/jobs/{job_id}/clone", response_model=Job)
async def jobs_clone(call: Operator, job_id: str, body: JobAct) -> Response:
    """Queue the same once more; returns the new job."""
    known = _job(call, job_id).job_id
    new = await call.core.queue.clone(call.actor, known, version=body.version, reason=body.reason)
    return reply(_job(call, new.job_id))


@router.post("/jobs/{job_id}/move", response_model=Job)
async def jobs_move(call: Operator, job_id: str, body: MoveJob) -> Response:
    """Move a job before another one, or to the end."""
    known = _job(call, job_id).job_id
    before = None if body.before is None else JobId(_job(call, body.before).job_id)
    await call.core.queue.move(call.actor, known, before=before, version=body.version)
    return reply(_job(call, known))


@router.post("/jobs/{job_id}/priority", response_model=Job)
async def jobs_priority(call: Operator, job_id: str, body: SetPriority) -> Response:
    """Give a job another priority; larger goes first."""
    known = _job(call, job_id).job_id
    await call.core.queue.prioritise(
        call.actor, known, body.priority, version=body.version, reason=body.reason
    )
    return reply(_job(call, known))


@router.post("/jobs/{job_id}/edit", response_model=Job)
async def jobs_edit(call: Operator, job_id: str, body: EditJob) -> Response:
    """Change a job that has not started: protocol, variables, priority, moment, note, label."""
    known = _job(call, job_id).job_id
    await call.core.queue.edit(call.actor, known, body.changes, version=body.version, reason=body.reason)
    return reply(_job(call, known))


@router.get("/queue", response_model=QueueStanding)
async def queue_get(call: Viewer) -> Response:
    """Return what keeps the queue from starting things: holds of people, failed lanes, Stop all."""
    return reply(call.core.queue.standing())


@router.post("/queue/hold", response_model=QueueStanding)
async def queue_hold(call: Operator, body: HoldQueue) -> Response:
    """Hold the whole queue, an instrument or a channel: runs go on, nothing new is started."""
    return reply(await call.core.queue.hold_queue(call.actor, body.reason, target=body.target))


@router.post("/queue/release", response_model=QueueStanding)
async def queue_release(call: Operator, body: HoldQueue) -> Response:
    """Release what was held as a whole; other holds, held jobs and failed lanes stay as they are."""
    return reply(await call.core.queue.release_queue(call.actor, body.reason, target=body.target))


@router.get("/calendar", response_model=tuple[CalendarEntry, ...])
async def calendar_get(call: Viewer) -> Response:
    """Return the bars of the channel calendar: runs, and jobs with their expected times."""
    return reply(call.core.queue.calendar())
