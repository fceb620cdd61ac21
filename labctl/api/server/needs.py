"""What every route asks for: the core, who calls, and the role that the act needs. No route exists without it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from labctl.api.messages import KEY_HEADER
from labctl.api.server.answers import Refusal
from labctl.model.person import Actor, Role
from labctl.worker import Worker

if TYPE_CHECKING:
    from labctl.station.core import StationCore

ACTOR = "labctl_actor"
"""Where the gate leaves who calls, in the request's state."""


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request."""

    core: StationCore
    actor: Actor
    reader: Worker
    """A thread for blocking reads, so that a client that asks for much delays no write of the store."""
    key: str = ""
    """The idempotency key, empty without one."""


def _call_as(role: Role) -> Callable[[Request], Awaitable[Call]]:
    async def admitted(request: Request) -> Call:
        actor: Actor | None = getattr(request.state, ACTOR, None)
        if actor is None:
            raise Refusal(401, "This needs a token.")
        if not actor.role.may(role):
            raise Refusal(
                403,
                f"{actor.name} has the role {actor.role.value}; this needs {role.value}.",
                fix="An administrator gives roles: labctl users add NAME --role " + role.value,
            )
        return Call(
            request.app.state.core, actor, request.app.state.reader, request.headers.get(KEY_HEADER, "")
        )

    admitted.role = role  # type: ignore[attr-defined]  # read by role_of, for the OpenAPI and its tests
    return admitted


def role_of(call: object) -> Role | None:
    """Return the role that a dependency asks for, None where it is not one of ours."""
    return getattr(call, "role", None)


Viewer = Annotated[Call, Depends(_call_as(Role.VIEW))]
Operator = Annotated[Call, Depends(_call_as(Role.OPERATE))]
Configurer = Annotated[Call, Depends(_call_as(Role.CONFIGURE))]
Admin = Annotated[Call, Depends(_call_as(Role.ADMIN))]
