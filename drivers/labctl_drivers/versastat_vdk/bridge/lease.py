"""Who holds the instrument and until when. Pure: it is told the time (link seconds)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

LEASE_MIN_S, LEASE_MAX_S = 1.0, 600.0


class Standing(Enum):
    """How a client stands to the lease."""

    HOLDS = "it holds the lease"
    NOBODY_HOLDS = "nobody holds the lease"
    ANOTHER_HOLDS = "another client holds the lease"


@dataclass(slots=True)
class Lease:
    """One lease; ``holder`` is the text by which a client calls itself."""

    holder: str | None = None
    ends_s: float = -math.inf

    def standing(self, client: str, now_s: float) -> Standing:
        """Return how ``client`` stands at this moment."""
        if self.holder is None or now_s >= self.ends_s:
            return Standing.NOBODY_HOLDS
        return Standing.HOLDS if self.holder == client else Standing.ANOTHER_HOLDS

    def take(self, client: str, seconds: float, now_s: float) -> None:
        """Take the lease, or renew it. The caller has made sure that nobody else holds it.

        Raises: ValueError for a length that cannot be.
        """
        if not LEASE_MIN_S <= seconds <= LEASE_MAX_S:
            raise ValueError(
                f"a lease lasts {LEASE_MIN_S:g} to {LEASE_MAX_S:g} s, or 0 to give it back, not {seconds!r}"
            )
        self.holder, self.ends_s = client, now_s + seconds

    def end(self) -> None:
        """Give it back, or note that it has run out."""
        self.holder, self.ends_s = None, -math.inf

    def has_run_out(self, now_s: float) -> bool:
        """Tell whether somebody held it and its time has passed."""
        return self.holder is not None and now_s >= self.ends_s
