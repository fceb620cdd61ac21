"""Alarms: list, definitions, figures, and the acts of a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from labctl.api.messages import PREFIX, AlarmAct
from labctl.api.server.answers import or_missing, reply
from labctl.api.server.needs import Call, Configurer, Operator, Viewer
from labctl.engine.machines.alarmterms import Definition
from labctl.model.alarm import Alarm, AlarmState

HOURS_DEFAULT = 8.0
router = APIRouter(prefix=PREFIX, tags=["alarms"])


def _alarm(call: Call, key: str) -> Alarm:
    with or_missing():
        return call.core.alarms.alarm(key)


def _after(before: Alarm, now: Alarm | None) -> Response:
    """Answer with the alarm as it is now; one that is over and done is normal."""
    return reply(now or replace(before, state=AlarmState.NORMAL))


@router.get("/alarms", response_model=tuple[Alarm, ...])
async def alarms_list(call: Viewer) -> Response:
    """Return the alarms that are not normal."""
    return reply(call.core.alarms.alarms())


@router.get("/alarms/definitions", response_model=tuple[Definition, ...])
async def alarms_definitions(call: Viewer) -> Response:
    """Return every alarm that there can be: priority, cause, consequence, what to do."""
    return reply(call.core.alarms.definitions())


@router.get("/alarms/figures", response_model=dict[str, Any])
async def alarms_figures(call: Viewer) -> Response:
    """Return the alarm figures of the week: per day, peak, stale, ten worst, time to acknowledge."""
    return reply(call.core.alarms.figures())


@router.post("/alarms/{key:path}/ack", response_model=Alarm)
async def alarms_ack(call: Operator, key: str, body: AlarmAct) -> Response:
    """Acknowledge an alarm: a named person has seen it."""
    call.core.alarms.check_not_over(key)
    alarm = _alarm(call, key)
    now = await call.core.alarms.acknowledge(call.actor, alarm.key, body.comment, version=body.version)
    return _after(alarm, now)


@router.post("/alarms/{key:path}/shelve", response_model=Alarm)
async def alarms_shelve(call: Operator, key: str, body: AlarmAct) -> Response:
    """Put an alarm aside for some hours, at most 24; never a critical one."""
    alarm = _alarm(call, key)
    hours = HOURS_DEFAULT if body.hours is None else body.hours
    now = await call.core.alarms.shelve(call.actor, alarm.key, body.comment, hours, version=body.version)
    return _after(alarm, now)


@router.post("/alarms/{key:path}/unshelve", response_model=Alarm)
async def alarms_unshelve(call: Operator, key: str, body: AlarmAct) -> Response:
    """Take an alarm back from the shelf."""
    alarm = _alarm(call, key)
    now = await call.core.alarms.unshelve(call.actor, alarm.key, body.comment, version=body.version)
    return _after(alarm, now)


@router.post("/alarms/{key:path}/disable", response_model=Alarm)
async def alarms_disable(call: Configurer, key: str, body: AlarmAct) -> Response:
    """Take an alarm out of service; the owner is whoever does it."""
    alarm = _alarm(call, key)
    now = await call.core.alarms.disable(call.actor, alarm.key, body.comment, version=body.version)
    return _after(alarm, now)


@router.post("/alarms/{key:path}/enable", response_model=Alarm)
async def alarms_enable(call: Configurer, key: str, body: AlarmAct) -> Response:
    """Put an alarm back into service."""
    alarm = _alarm(call, key)
    now = await call.core.alarms.enable(call.actor, alarm.key, body.comment, version=body.version)
    return _after(alarm, now)
