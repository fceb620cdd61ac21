"""Alarms, people, the audit journal and notification."""

from __future__ import annotations

from typing import Any

from labctl.api.client import routes
from labctl.api.client.aio.link import AsyncLink
from labctl.api.messages import AlarmAct, AuditPage, NewPerson, PersonToken, Reason
from labctl.engine.machines.alarmterms import Definition
from labctl.model.alarm import Alarm
from labctl.model.audit import AuditCheck
from labctl.model.person import Person, Role


class AsyncAlarms:
    """What asks a person to do something."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self) -> tuple[Alarm, ...]:
        """Return every alarm that is not normal."""
        return await self._link.call(routes.ALARMS)

    async def definitions(self) -> tuple[Definition, ...]:
        """Return what may be raised: cause, consequence, what to do."""
        return await self._link.call(routes.ALARM_DEFINITIONS)

    async def figures(self) -> dict[str, Any]:
        """Return the week's figures: how many, how fast acknowledged, the worst ten."""
        return await self._link.call(routes.ALARM_FIGURES)

    async def acknowledge(self, key: str, *, comment: str = "", version: int | None = None) -> Alarm:
        """Say that a person knows of an alarm."""
        body = AlarmAct(comment, None, version)
        return await self._link.call(routes.ALARM_ACK, key, body=body)

    async def shelve(self, key: str, hours: float, *, comment: str, version: int | None = None) -> Alarm:
        """Put an alarm aside for up to 24 hours, with the reason."""
        body = AlarmAct(comment, hours, version)
        return await self._link.call(routes.ALARM_SHELVE, key, body=body)

    async def unshelve(self, key: str, *, comment: str = "", version: int | None = None) -> Alarm:
        """Bring a shelved alarm back."""
        body = AlarmAct(comment, None, version)
        return await self._link.call(routes.ALARM_UNSHELVE, key, body=body)

    async def disable(self, key: str, *, comment: str, version: int | None = None) -> Alarm:
        """Take an alarm out of service, with the reason."""
        body = AlarmAct(comment, None, version)
        return await self._link.call(routes.ALARM_DISABLE, key, body=body)

    async def enable(self, key: str, *, comment: str = "", version: int | None = None) -> Alarm:
        """Put an alarm into service again."""
        body = AlarmAct(comment, None, version)
        return await self._link.call(routes.ALARM_ENABLE, key, body=body)


class AsyncPeople:
    """Who has a token."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self) -> tuple[Person, ...]:
        """Return everyone with a token, without the tokens."""
        return await self._link.call(routes.PEOPLE)

    async def add(
        self, name: str, role: Role | str, *, expires_utc: str = "", service: bool = False
    ) -> PersonToken:
        """Give a person or service a token; it is in the answer and never shown again."""
        body = NewPerson(name, Role(role), expires_utc, service)
        return await self._link.call(routes.PERSON_ADD, body=body)

    async def revoke(self, name: str, *, reason: str = "") -> Person:
        """Take the token of a person away."""
        return await self._link.call(routes.PERSON_REVOKE, name, body=Reason(reason))


class AsyncAudit:
    """The journal of acts."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def page(self, after: int = 0, limit: int = 200, *, newest: bool = False) -> AuditPage:
        """Return the entries behind number ``after``, or the ``newest``, oldest first, and the head of the chain."""
        query = {"after": after, "limit": limit, "newest": "true" if newest else None}
        return await self._link.call(routes.AUDIT, query=query)

    async def verify(self) -> AuditCheck:
        """Check the hash chain from the first entry to the last."""
        return await self._link.call(routes.AUDIT_VERIFY)


class AsyncNotify:
    """How people are told of alarms."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def status(self) -> dict[str, Any]:
        """Return the paths there are and how the last messages went, without addresses or secrets."""
        return await self._link.call(routes.NOTIFY)

    async def test(self, *, reason: str = "") -> str:
        """Send a test message over every path; returns what became of it."""
        return (await self._link.call(routes.NOTIFY_TEST, body=Reason(reason))).text
