# Made from labctl/api/client/aio/people.py by `python -m labctl.api.client.generate`.
"""Alarms, people, the audit journal and notification."""

from __future__ import annotations

from typing import Any

from labctl.api.client import routes
from labctl.api.client.sync.link import Link
from labctl.api.messages import AlarmAct, AuditPage, NewPerson, PersonToken, Reason
from labctl.engine.machines.alarmterms import Definition
from labctl.model.alarm import Alarm
from labctl.model.audit import AuditCheck
from labctl.model.person import Person, Role


class Alarms:
    """What asks a person to do something."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def list(self) -> tuple[Alarm, ...]:
        """Return every alarm that is not normal."""
        return self._link.call(routes.ALARMS)

    def definitions(self) -> tuple[Definition, ...]:
        """Return what may be raised: cause, consequence, what to do."""
        return self._link.call(routes.ALARM_DEFINITIONS)

    def figures(self) -> dict[str, Any]:
        """Return the week's figures: how many, how fast acknowledged, the worst ten."""
        return self._link.call(routes.ALARM_FIGURES)

    def acknowledge(self, key: str, *, comment: str = "", version: int | None = None) -> Alarm:
        """Say that a person knows of an alarm."""
        body = AlarmAct(comment, None, version)
        return self._link.call(routes.ALARM_ACK, key, body=body)

    def shelve(self, key: str, hours: float, *, comment: str, version: int | None = None) -> Alarm:
        """Put an alarm aside for up to 24 hours, with the reason."""
        body = AlarmAct(comment, hours, version)
        return self._link.call(routes.ALARM_SHELVE, key, body=body)

    def unshelve(self, key: str, *, comment: str = "", version: int | None = None) -> Alarm:
        """Bring a shelved alarm back."""
        body = AlarmAct(comment, None, version)
        return self._link.call(routes.ALARM_UNSHELVE, key, body=body)

    def disable(self, key: str, *, comment: str, version: int | None = None) -> Alarm:
        """Take an alarm out of service, with the reason."""
        body = AlarmAct(comment, None, version)
        return self._link.call(routes.ALARM_DISABLE, key, body=body)

    def enable(self, key: str, *, comment: str = "", version: int | None = None) -> Alarm:
        """Put an alarm into service again."""
        body = AlarmAct(comment, None, version)
        return self._link.call(routes.ALARM_ENABLE, key, body=body)


class People:
    """Who has a token."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def list(self) -> tuple[Person, ...]:
        """Return everyone with a token, without the tokens."""
        return self._link.call(routes.PEOPLE)

    def add(
        self, name: str, role: Role | str, *, expires_utc: str = "", service: bool = False
    ) -> PersonToken:
        """Give a person or service a token; it is in the answer and never shown again."""
        body = NewPerson(name, Role(role), expires_utc, service)
        return self._link.call(routes.PERSON_ADD, body=body)

    def revoke(self, name: str, *, reason: str = "") -> Person:
        """Take the token of a person away."""
        return self._link.call(routes.PERSON_REVOKE, name, body=Reason(reason))


class Audit:
    """The journal of acts."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def page(self, after: int = 0, limit: int = 200, *, newest: bool = False) -> AuditPage:
        """Return the entries behind number ``after``, or the ``newest``, oldest first, and the head of the chain."""
        query = {"after": after, "limit": limit, "newest": "true" if newest else None}
        return self._link.call(routes.AUDIT, query=query)

    def verify(self) -> AuditCheck:
        """Check the hash chain from the first entry to the last."""
        return self._link.call(routes.AUDIT_VERIFY)


class Notify:
    """How people are told of alarms."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def status(self) -> dict[str, Any]:
        """Return the paths there are and how the last messages went, without addresses or secrets."""
        return self._link.call(routes.NOTIFY)

    def test(self, *, reason: str = "") -> str:
        """Send a test message over every path; returns what became of it."""
        return (self._link.call(routes.NOTIFY_TEST, body=Reason(reason))).text
