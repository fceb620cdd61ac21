"""The last word before any command that raises energy: *Stop all* (I20) and the lease of the instrument (I07).

Asked twice: before a start is prepared, and again by the driver right before the bytes leave (``fence``), because
seconds may lie between the two.
"""

from __future__ import annotations

from labctl.engine.lease import Lease
from labctl.errors import RefusedError


class Gate:
    """Says whether energising commands may leave. Used on the event loop only."""

    def __init__(self) -> None:
        self.stop_all = ""
        """Why everything is stopped; empty when it is not."""
        self.last = ""
        """The reason of the latest one, also when it has been released."""
        self.presses = 0
        self._leases: dict[str, Lease] = {}

    def latch(self, reason: str) -> None:
        """Let no energising command leave until ``release``."""
        self.stop_all = self.last = reason or "Stop all"
        self.presses += 1

    def release(self) -> None:
        """Let energising commands leave again; nothing restarts by itself."""
        self.stop_all = ""

    def own(self, instrument: str, lease: Lease) -> None:
        """Check the lease of an instrument from now on."""
        self._leases[instrument] = lease

    def owns(self, instrument: str) -> bool:
        """Tell whether the lease of an instrument is held."""
        return instrument in self._leases

    def refusal(self, instrument: str) -> str:
        """Return why nothing may be energised on an instrument now, empty where it may."""
        if self.stop_all:
            return f"Stop all is in force ({self.stop_all}); a person must release it."
        lease = self._leases.get(instrument)
        return "" if lease is None else lease.problem()

    def check(self, instrument: str) -> None:
        """Refuse what may not leave. Raises: RefusedError."""
        if problem := self.refusal(instrument):
            raise RefusedError(problem, instrument=instrument, operation="energise")
