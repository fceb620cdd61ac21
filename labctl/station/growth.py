"""How long the data volume lasts at the present growth: measured where it has been watched long enough, else reckoned.

Measured is what is left of the volume: what other programs write there counts too. Reckoned is what the rows of the
runs that go on will take once they are sealed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from labctl.protocol.estimate import BYTES_PER_ROW

WATCHED_AT_LEAST_S = 1800.0
"""Link seconds before the measured growth is believed: files that are sealed make it jump."""
LOOK_EVERY_S = 60.0
LOOKS_KEPT = 24 * 60
"""A day of looks."""
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class _Look:
    link_s: float
    plant_s: float
    free_bytes: int


class Growth:
    """Watches the free room; ``see`` at each turn of the housekeeping."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque(maxlen=LOOKS_KEPT)

    def see(self, link_s: float, plant_s: float, free_bytes: int) -> None:
        """Take a look; one a minute is kept."""
        if not self._looks or link_s - self._looks[-1].link_s >= LOOK_EVERY_S:
            self._looks.append(_Look(link_s, plant_s, free_bytes))

    def days_left(self, free_bytes: int, rows_per_plant_s: float) -> float:
        """Return the days of the wall until the volume is full; NaN where nothing grows."""
        rate = self._measured() or rows_per_plant_s * BYTES_PER_ROW * self._pace()
        return free_bytes / rate / DAY_S if rate > 0 else float("nan")

    def _span(self) -> tuple[_Look, _Look, float] | None:
        if len(self._looks) < 2:
            return None
        first, last = self._looks[0], self._looks[-1]
        return first, last, last.link_s - first.link_s

    def _measured(self) -> float:
        """Return the growth in bytes per link second; 0 where it is not known or nothing grows."""
        span = self._span()
        if span is None or span[2] < WATCHED_AT_LEAST_S:
            return 0.0
        first, last, lasted_s = span
        return max(0.0, (first.free_bytes - last.free_bytes) / lasted_s)

    def _pace(self) -> float:
        """Return plant seconds per link second as seen; 1 before there are two looks."""
        span = self._span()
        return 1.0 if span is None else (span[1].plant_s - span[0].plant_s) / span[2]
