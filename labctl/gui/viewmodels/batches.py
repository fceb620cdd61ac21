"""What the bridge hands to the window: changes, rows and news of the link, merged; and the link's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from numpy.typing import NDArray

from labctl.model.bench import Delta
from labctl.model.person import Role


class LinkPhase(StrEnum):
    """How the window stands to its station."""

    CONNECTING = "connecting"  # never answered yet
    LIVE = "live"
    LOST = "lost"  # answered before; tried again for ever
    REFUSED = "refused"  # the station answers and does not let us in: a person must act


@dataclass(frozen=True, slots=True)
class Me:
    """As whom the station knows the person before the window."""

    name: str = ""
    role: Role = Role.VIEW


@dataclass(frozen=True, slots=True)
class LinkNews:
    """What the bridge learnt of the link. ``heard_s`` is link time of the newest answer; None leaves it."""

    state: LinkPhase
    heard_s: float | None = None
    text: str = ""
    me: Me | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """The link as it stands: since when it is so, and the age of the newest word of the station (link seconds)."""

    state: LinkPhase = LinkPhase.CONNECTING
    since_s: float = 0.0
    age_s: float = 0.0
    text: str = ""

    @property
    def live(self) -> bool:
        """Tell whether acts may be sent (R13)."""
        return self.state is LinkPhase.LIVE


@dataclass(frozen=True, slots=True, eq=False)
class RowsOf:
    """Live rows of a run, in order; columns are named as in ``labctl.model.record``."""

    run_id: str
    columns: Mapping[str, NDArray[Any]]
    backfilled: bool = False

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One hand-over from the bridge. ``reset``: the deltas are a fresh snapshot, forget what was before."""

    deltas: tuple[Delta, ...] = ()
    rows: tuple[RowsOf, ...] = ()
    link: LinkNews | None = None
    reset: bool = False
