"""How a block came to us: kept beside the rows, so that a restarted run stores the same rows (S7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Receipt:
    """When and from where a block was fetched.

    ``received_utc`` is ISO 8601 text of the link clock, ``monotonic_s`` its monotonic offset, ``source``
    names driver and test ("neware:1-3/test 12"). ``stale``: the link was silent when it came;
    ``backfilled``: fetched after an outage.
    """

    received_utc: str
    monotonic_s: float
    source: str
    stale: bool = False
    backfilled: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as a JSON object."""
        # spelled out: dataclasses.asdict takes 20 us, a third of storing a whole block
        return {
            "received_utc": self.received_utc,
            "monotonic_s": self.monotonic_s,
            "source": self.source,
            "stale": self.stale,
            "backfilled": self.backfilled,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Receipt:
        """Read back what ``to_json`` gave; other keys are ignored."""
        return cls(
            received_utc=str(fields["received_utc"]),
            monotonic_s=float(fields["monotonic_s"]),
            source=str(fields["source"]),
            stale=bool(fields.get("stale", False)),
            backfilled=bool(fields.get("backfilled", False)),
        )
