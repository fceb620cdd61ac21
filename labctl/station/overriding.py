"""Watches the overrides of limits: each is in the journal, and in the list of alarms for as long as it holds.

An override is written in the station file with who, why and until when (``labctl.config.classes``). While it is in
force the channel carries a LOW alarm, so it is on its tile; when its time is over a MEDIUM one asks for a look.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from labctl.clock import Clock
from labctl.config.station import StationFile
from labctl.model.person import Actor, Role
from labctl.model.plain import to_plain
from labctl.station.alarming import AlarmKeeper, Journal

ACT = "limit.override"
LOOK_EVERY_S = 3600.0
"""At the latest (link time): the wall clock, which the end of an override is told by, may be set."""
ACTIVE, EXPIRED = "override.active", "override.expired"


class Row(Protocol):
    """What is needed of a row of the journal."""

    @property
    def act(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def new(self) -> Any: ...


class OverrideWatch:
    """Compares the overrides of the station file with the time."""

    def __init__(self, file: StationFile, alarms: AlarmKeeper, audit: Journal, clock: Clock) -> None:
        self._overrides = {
            channel: limits.override for channel, limits in file.limits.items() if limits.override is not None
        }
        self._alarms = alarms
        self._audit = audit
        self._clock = clock
        self._active: set[str] = set()

    async def open(self, known: tuple[Row, ...] = ()) -> None:
        """Journal every override that the newest rows of the journal do not know. Raises: StoreError."""
        written = [(row.subject, row.new) for row in known if row.act == ACT]
        for channel, override in self._overrides.items():
            plain = to_plain(override)
            if (channel, plain) not in written:
                who = Actor(override.by, Role.CONFIGURE, "station file")
                await self._audit.write(who, ACT, channel, new=plain, reason=override.reason)
        self.look()

    async def serve(self) -> None:
        """Look again whenever an override ends; returns at once where there is none."""
        while self._active:
            utc = self._clock.link.utc()
            ends = [
                datetime.fromisoformat(item.until_utc)
                for item in self._overrides.values()
                if item.in_force(utc)
            ]
            left_s = min(((end - utc).total_seconds() for end in ends), default=0.0)
            await self._clock.link.sleep(min(left_s, LOOK_EVERY_S))
            self.look()

    def look(self) -> None:
        """Raise and clear what the time has made of the overrides."""
        utc = self._clock.link.utc()
        for channel, override in self._overrides.items():
            text = f"limits loosened by {override.by} until {override.until_utc}: {override.reason}"
            if override.in_force(utc):
                if channel not in self._active:
                    self._active.add(channel)
                    self._alarms.raise_alarm(ACTIVE, channel, text=text, channel=channel)
                continue
            if self._alarms.stands(ACTIVE, channel):  # also one that ended while the station was away
                self._alarms.raise_alarm(EXPIRED, channel, text=f"over: {text}", channel=channel)
            self._alarms.clear(ACTIVE, channel)
            self._active.discard(channel)
