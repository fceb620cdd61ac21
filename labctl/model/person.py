"""Who acts: persons and services, their roles, and the actor that every act carries into the journal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a token may do; each role may also do what stands before it."""

    VIEW = "view"
    OPERATE = "operate"  # queue, start, stop, acknowledge, cells
    CONFIGURE = "configure"  # limits, alarm definitions, notification, trip reset
    ADMIN = "admin"  # people and tokens

    def may(self, needed: Role) -> bool:
        """Tell whether this role includes another one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Person:
    """A person or service with a token; the token itself is kept as a hash only."""

    name: str
    role: Role
    created_utc: str
    expires_utc: str = ""
    revoked: bool = False
    service: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, as what, from where; ``name`` goes into the journal of every act."""

    name: str
    role: Role
    source: str = ""
    """Address and program of the client, ``station`` for what the station does by itself."""


STATION = Actor("station", Role.ADMIN, "station")
"""What the station decides by itself."""
