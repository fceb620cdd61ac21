"""Aims kills of a storm at points of the engine, and measures how near each kill came to one.

The station notes every point that it passes (``labctl.engine.hooks``, ``LABCTL_POINTS_TO``) with its link time, past
all buffers, so the last notes of a killed process are there as well.
"""

from __future__ import annotations

import bisect
from pathlib import Path

NEAR_S = 0.1
"""Link seconds between an event and a kill that counts as one at the event."""
EVENTS = {
    "start.intent": "start", "start.sent": "start", "start.confirmed": "start",
    "segment.over": "segment change",
    "stop.intent": "stop", "stop.sent": "stop", "stop.confirmed": "stop",
    "finish.begin": "seal", "finish.sealed": "seal", "finish.done": "seal",
}  # fmt: skip
"""Points of the engine, and the event that each belongs to."""


class Aim:
    """Tells a station at which point to end itself, at any time of its life, and reads what it passed."""

    def __init__(self, folder: Path) -> None:
        self._wish = folder / "kill-at"
        self._notes = folder / "points"
        self._read = 0
        self._times_s: list[float] = []
        self._events: list[str] = []
        self.killed: list[tuple[float, str, float]] = []
        """Kills of stations by themselves: link time, point, seconds since the station passed it."""
        self.forget()

    @property
    def environment(self) -> dict[str, str]:
        """Return what a station must find in its environment."""
        return {"LABCTL_KILL_AT": f"@{self._wish}", "LABCTL_POINTS_TO": str(self._notes)}

    def at(self, point: str, passage: int, delay_ms: float) -> None:
        """Let the station end itself so long after it passes a point the given time from now on."""
        self._write(f"{point}:{passage}:{delay_ms:.1f}")

    def forget(self) -> None:
        """Let the station live."""
        self._write("")

    def _write(self, text: str) -> None:
        fresh = self._wish.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self._wish)

    def look(self) -> None:
        """Read what was noted since the last look."""
        if not self._notes.exists():
            return
        with self._notes.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]
        self._read += len(data)
        for line in data.decode().splitlines():
            words = line.split()
            if words[1] == "killed":
                self.killed.append((float(words[0]), words[2], float(words[3])))
            elif words[1] in EVENTS:
                self._times_s.append(float(words[0]))
                self._events.append(EVENTS[words[1]])

    def event_near(self, at_s: float, *, after: bool) -> str:
        """Return the event next to a moment of link time, none where it is further than ``NEAR_S`` away.

        ``after``: events behind the moment count too, as they do where the station lives on.
        """
        self.look()
        place = bisect.bisect_right(self._times_s, at_s)
        near = []
        if place:
            near.append((at_s - self._times_s[place - 1], self._events[place - 1]))
        if after and place < len(self._times_s):
            near.append((self._times_s[place] - at_s, self._events[place]))
        distance_s, event = min(near, default=(NEAR_S, ""))
        return event if distance_s < NEAR_S else ""
