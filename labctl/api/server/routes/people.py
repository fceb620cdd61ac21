"""People and their tokens, the audit journal, notification."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from labctl.api.messages import PREFIX, AuditPage, Done, NewPerson, PersonToken, Reason
from labctl.api.server.answers import Refusal, reply
from labctl.api.server.needs import Admin, Configurer, Viewer
from labctl.model.audit import AuditCheck
from labctl.model.person import Person

PAGE_MAX = 1000
"""Journal rows of one answer."""
router = APIRouter(prefix=PREFIX, tags=["people"])


@router.get("/people", response_model=tuple[Person, ...])
async def people_list(call: Viewer) -> Response:
    """Return everyone with a token, also revoked ones."""
    return reply(call.core.people.list())


@router.post("/people", response_model=PersonToken)
async def people_add(call: Admin, body: NewPerson) -> Response:
    """Give a person or service a token, which is shown this once."""
    person, token = await call.core.people.add(
        call.actor, body.name, body.role, expires_utc=body.expires_utc, service=body.service
    )
    return reply(PersonToken(person, token))


@router.post("/people/{name}/revoke", response_model=Person)
async def people_revoke(call: Admin, name: str, body: Reason) -> Response:
    """Make a token worthless at once; streams that it opened end."""
    if call.core.people.person(name) is None:
        raise Refusal(404, f"There is nobody called {name!r}.")
    return reply(await call.core.people.revoke(call.actor, name, reason=body.reason))


@router.get("/audit", response_model=AuditPage)
async def audit_list(
    call: Viewer,
    after: Annotated[int, Query(ge=0, lt=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX,
    newest: bool = False,
) -> Response:
    """Return journal rows with numbers above ``after``, or the ``newest`` ones; oldest first."""
    journal = call.core.audit
    entries = await journal.newest(limit) if newest else await journal.entries(after, limit)
    return reply(AuditPage(entries, journal.head))


@router.get("/audit/verify", response_model=AuditCheck)
async def audit_verify(call: Viewer) -> Response:
    """Read the journal anew and check its hash chain."""
    return reply(await call.core.audit.verify())


@router.get("/notify", response_model=dict[str, Any])
async def notify_status(call: Viewer) -> Response:
    """Return how notification stands; addresses are hidden."""
    return reply(call.core.notifier.status())


@router.post("/notify/test", response_model=Done)
async def notify_test(call: Configurer, body: Reason) -> Response:
    """Send a test message on every path."""
    return reply(Done(await call.core.notifier.test(call.actor)))
