"""Runs: list, detail and every act on one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from labctl.api.messages import PREFIX, AddCycles, Done, NoteText, Reason, Revised, ReviseRun, Stopped
from labctl.api.server.answers import or_missing, reply
from labctl.api.server.needs import Call, Operator, Viewer
from labctl.model.latest import LatestCycle
from labctl.model.prediction import Prediction
from labctl.model.run import RunDetail, RunRevision, RunSummary

RUNS_TEXT_MAX = 30_000
"""Characters of a list of runs in a question; a bench of 256 channels names 13,000."""
router = APIRouter(prefix=PREFIX, tags=["runs"])


def known_run(call: Call, run_id: str) -> str:
    """Return the id of a run that exists; 404 for others."""
    with or_missing():
        return call.core.runs.get(run_id).run_id


@router.get("/runs", response_model=tuple[RunSummary, ...])
async def runs_list(call: Viewer, state: str = "", cell: str = "") -> Response:
    """Return the runs, oldest start first, optionally of one state or cell."""
    return reply(call.core.runs.list(state=state, cell=cell))


@router.get("/latest-cycles", response_model=tuple[LatestCycle, ...])
async def runs_latest_cycles(
    call: Viewer, state: str = "", runs: Annotated[str, Query(max_length=RUNS_TEXT_MAX)] = ""
) -> Response:
    """Return the newest complete cycle of every run, of those of a state, or of those named with commas between."""
    named = [name.strip() for name in runs.split(",") if name.strip()]
    with or_missing():
        return reply(await call.core.latest.latest(state=state, runs=named))


@router.get("/runs/{run_id}/predicted", response_model=Prediction)
async def runs_predicted(call: Viewer, run_id: str) -> Response:
    """Return what a run was expected to do, by rehearsal of its own program; pending on the first question."""
    return reply(await call.core.predictions.predicted(known_run(call, run_id)))


@router.get("/runs/{run_id}", response_model=RunDetail)
async def runs_get(call: Viewer, run_id: str) -> Response:
    """Return everything about one run but its rows."""
    return reply(await call.core.runs.detail(known_run(call, run_id)))


@router.get("/runs/{run_id}/events", response_model=list[dict[str, Any]])
async def runs_events(call: Viewer, run_id: str) -> Response:
    """Return what happened in a run, in order."""
    return reply(await call.core.runs.events(known_run(call, run_id)))


@router.get("/runs/{run_id}/ambient", response_model=list[dict[str, Any]])
async def runs_ambient(call: Viewer, run_id: str) -> Response:
    """Return the chamber's readings during a run, in order: ``test_time_s``, ``temperature_degC``, ``quality``."""
    return reply(await call.core.runs.ambient(known_run(call, run_id)))


@router.get("/runs/{run_id}/revisions", response_model=tuple[RunRevision, ...])
async def runs_revisions(call: Viewer, run_id: str) -> Response:
    """Return the versions of a run's program: from which row, by whom, when, why."""
    return reply(await call.core.runs.revisions(known_run(call, run_id)))


@router.post("/runs/{run_id}/stop", response_model=Stopped)
async def runs_stop(call: Operator, run_id: str, body: Reason) -> Response:
    """Stop a run for good; says whether the device has confirmed."""
    known = known_run(call, run_id)
    confirmed = await call.core.runs.stop(call.actor, known, reason=body.reason)
    text = "stopped, confirmed by the device" if confirmed else "stop sent, NOT confirmed"
    return reply(Stopped(known, confirmed, text))


@router.post("/runs/{run_id}/pause", response_model=Done)
async def runs_pause(call: Operator, run_id: str, body: Reason) -> Response:
    """Pause the device now; read back."""
    await call.core.runs.pause(call.actor, known_run(call, run_id), reason=body.reason)
    return reply(Done("paused"))


@router.post("/runs/{run_id}/pause-at-step-end", response_model=Done)
async def runs_pause_at_step_end(call: Operator, run_id: str, body: Reason) -> Response:
    """Pause at the end of the step."""
    await call.core.runs.pause_at_step_end(call.actor, known_run(call, run_id), reason=body.reason)
    return reply(Done("will pause at the end of the step"))


@router.post("/runs/{run_id}/resume", response_model=Done)
async def runs_resume(call: Operator, run_id: str, body: Reason) -> Response:
    """Go on after a pause."""
    await call.core.runs.resume(call.actor, known_run(call, run_id), reason=body.reason)
    return reply(Done("resumed"))


@router.post("/runs/{run_id}/skip", response_model=Done)
async def runs_skip(call: Operator, run_id: str, body: Reason) -> Response:
    """Jump to the next step; refused where the device does not confirm it."""
    await call.core.runs.skip(call.actor, known_run(call, run_id), reason=body.reason)
    return reply(Done("skipped to the next step"))


@router.post("/runs/{run_id}/note", response_model=Done)
async def runs_note(call: Operator, run_id: str, body: NoteText) -> Response:
    """Write a note to a run."""
    await call.core.runs.note(call.actor, known_run(call, run_id), text=body.text)
    return reply(Done("noted"))


@router.post("/runs/{run_id}/revise", response_model=Revised)
async def runs_revise(call: Operator, run_id: str, body: ReviseRun) -> Response:
    """Take over a changed protocol at the next segment boundary; returns the revision's number."""
    number = await call.core.runs.revise(
        call.actor,
        known_run(call, run_id),
        protocol_text=body.protocol_text,
        reason=body.reason,
        variables=body.variables,
    )
    return reply(Revised(number))


@router.post("/runs/{run_id}/add-cycles", response_model=Revised)
async def runs_add_cycles(call: Operator, run_id: str, body: AddCycles) -> Response:
    """Append so many cycles; returns the revision's number."""
    known = known_run(call, run_id)
    number = await call.core.runs.add_cycles(call.actor, known, count=body.cycles, reason=body.reason)
    return reply(Revised(number))


@router.post("/runs/{run_id}/take-up", response_model=list[str])
async def runs_take_up(call: Operator, run_id: str, body: Reason) -> Response:
    """Follow a run again that was held or left; returns what stands against it, in sentences."""
    return reply(await call.core.runs.take_up(call.actor, known_run(call, run_id), reason=body.reason))
