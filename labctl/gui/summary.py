"""The top bar in figures: link and its age, channels that run, are free, are held, room on the disk. Plain Python."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labctl.gui.viewmodels.allowed import is_free, runs_now
from labctl.gui.viewmodels.text import THIN, age
from labctl.gui.viewmodels.words import tr

if TYPE_CHECKING:
    from labctl.gui.viewmodels.lab import Lab
    from labctl.model.bench import StationInfo

SEEN_AT_LEAST_S = 1800.0
"""Wall seconds of watching before the disk's days are told: earlier it is a guess from noise."""
LOOK_EVERY_S = 60.0
DAYS_SHOWN = 3650.0
GIGA = 1e9
HELD_STATES = frozenset({"paused", "held"})


@dataclass(frozen=True, slots=True)
class Summary:
    """What the top bar shows."""

    station: str
    link_word: str
    link_age: str
    live: bool
    running: int
    free: int
    held: int
    channels: int
    disk: str
    person: str
    speed: str
    """The speed of a virtual bench that takes another one (``600``, ``max``), else empty."""


class DiskDays:
    """How many days the disk lasts at the pace seen since the window opened."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=2 * 24 * 60)

    def see(self, now_s: float, free_bytes: int) -> None:
        """Take a look at the free room; ``now_s`` is link time."""
        if not self._seen or now_s - self._seen[-1][0] >= LOOK_EVERY_S:
            self._seen.append((now_s, free_bytes))

    @property
    def days(self) -> float | None:
        """Return the days left; None where nothing can be said yet or nothing is used up."""
        if not self._seen:
            return None
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        if last_s - first_s < SEEN_AT_LEAST_S or last >= first:
            return None
        return last / ((first - last) / (last_s - first_s)) / 86_400.0


def summary(lab: Lab, disk: DiskDays) -> Summary:
    """Return what the top bar shows now."""
    station, link = lab.station, lab.link
    running = held = free = 0
    for status in lab.channels.values():
        # As the station view counts them: a run that is paused runs too, and waits for a person besides.
        running += runs_now(status)
        free += is_free(status)
        held += status.state in HELD_STATES or bool(status.lane and not runs_now(status))
    if station is not None and station.free_bytes > 0:
        disk.see(lab.now_s, station.free_bytes)
    return Summary(
        "" if station is None else station.name,
        tr("summary", "station"),
        age(link.age_s) if link.live else tr("summary", "no link"),
        link.live,
        running,
        free,
        held,
        len(lab.channels),
        _disk(station.free_bytes if station is not None else 0, _days(station, disk)),
        lab.me.name,
        speed_text(station),
    )


def speed_text(station: StationInfo | None) -> str:
    """Return the speed for the control; empty where there is nothing to control."""
    if station is None or not station.virtual or station.speed_fixed:
        return ""
    return "max" if station.speed is None else f"{station.speed:g}"


def _days(station: StationInfo | None, disk: DiskDays) -> float | None:
    """Return the days that the station tells, else those seen from here."""
    if station is not None and math.isfinite(station.days_left):
        return station.days_left
    return disk.days


def _disk(free_bytes: int, days: float | None) -> str:
    if days is not None and days < DAYS_SHOWN:
        return f"{days:.0f}{THIN}d"
    if free_bytes <= 0:
        return ""
    return f"{free_bytes / GIGA:.0f}{THIN}GB"
