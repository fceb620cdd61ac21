"""What only a person may undo: *Stop all outputs*, and the trip of a channel. Both survive a restart.

A latch is set in memory first, because nothing that stops may wait for a disk, and written down right after; it is
released on disk first and in memory after, because nothing that starts may run ahead of its journal. Where the journal
cannot take it, for a full disk above all, it is kept in room taken beforehand (``spare``).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from labctl.clock import Clock
from labctl.errors import ConflictError, StoreError, UserInputError
from labctl.model.bench import StopAll, StopReport
from labctl.model.ids import ChannelId
from labctl.station.ledger import Ledger
from labctl.station.spare import Spare

RELEASE_WORD = "release"
"""What a person types to confirm that outputs may be switched on again (X12)."""


class Latches:
    """The station's latches, kept in ``<data>/station/latches.jsonl``, at need in ``latches.spare``."""

    def __init__(self, ledger: Ledger, spare: Spare, clock: Clock) -> None:
        self._ledger = ledger
        self._spare = spare
        self._clock = clock
        self.stop_all = StopAll(active=False)
        self.pressed = 0
        """How often it was pressed in this process: a release is of the one that a person has seen."""
        self.tripped: dict[ChannelId, str] = {}
        self.chambers: dict[str, str] = {}
        """Why a chamber takes no run, by its name."""
        self._unwritten: list[dict[str, Any]] = []
        self._writing = asyncio.Lock()
        """One write at a time: lines that a refusal puts off may not be overtaken by later ones."""

    async def open(self) -> None:
        """Read what was latched when the station ended. Raises: StoreError."""
        content = await self._ledger.open()
        written = [_content(line.fields) for line in content.lines]
        for fields in written:
            self._apply(fields)
        for fields in await self._spare.open():
            if fields not in written:  # the process may have ended between writing it and clearing the spare
                self._apply(fields)
                self._unwritten.append(fields)

    def _apply(self, line: dict[str, Any]) -> None:
        kind, channel = line["kind"], ChannelId(str(line.get("channel", "")))
        if kind == "stop_all":
            self.stop_all = StopAll(True, line["by"], line["utc"], line["reason"])
        elif kind == "stop_all.release":
            self.stop_all = StopAll(active=False)
        elif kind == "trip":
            self.tripped[channel] = line["reason"]
        elif kind == "trip.reset":
            self.tripped.pop(channel, None)
        elif kind == "chamber" and line["reason"]:
            self.chambers[line["chamber"]] = line["reason"]
        elif kind == "chamber":
            self.chambers.pop(line["chamber"], None)

    def _line(self, kind: str, **fields: Any) -> dict[str, Any]:
        return {"kind": kind, "utc": self._clock.link.utc().isoformat(), **fields}

    def latch_stop_all(self, by: str, reason: str) -> None:
        """Latch *Stop all* at once; ``write`` makes it durable."""
        self.pressed += 1
        line = self._line("stop_all", by=by, reason=reason)
        self._apply(line)
        self._unwritten.append(line)

    def report(self, reports: tuple[StopReport, ...]) -> StopAll:
        """Keep what the stop found on each channel, for everyone who asks."""
        self.stop_all = replace(self.stop_all, reports=reports)
        return self.stop_all

    def latch_trip(self, channel: ChannelId, reason: str) -> None:
        """Latch a channel at once; ``write`` makes it durable."""
        line = self._line("trip", channel=channel, reason=reason)
        self._apply(line)
        self._unwritten.append(line)

    def note_chamber(self, name: str, reason: str) -> None:
        """Keep why a chamber takes no run, empty when it does again; ``write`` makes it durable."""
        if self.chambers.get(name, "") != reason:
            line = self._line("chamber", chamber=name, reason=reason)
            self._apply(line)
            self._unwritten.append(line)

    async def write(self) -> None:
        """Make the latches durable.

        Raises: StoreError; they are in force all the same and are written next time. A restart before that finds them
        in the spare, unless the text says that it would forget them.
        """
        async with self._writing:
            if not (lines := tuple(self._unwritten)):
                return
            try:
                await self._ledger.add(*lines)
            except StoreError as error:
                await self._put_aside(lines, error)
                raise
            del self._unwritten[: len(lines)]
            await self._spare.clear()

    async def _put_aside(self, lines: tuple[dict[str, Any], ...], refusal: StoreError) -> None:
        try:
            await self._spare.keep(lines)
        except StoreError as error:
            raise StoreError(f"{refusal}; {error}. A restart now would forget what is latched.") from error

    async def release_stop_all(self, by: str, reason: str, confirm: str, pressed: int | None = None) -> None:
        """Release *Stop all* as it was after so many presses, by default now; one pressed meanwhile stays.

        Raises: UserInputError without the typed confirmation, ConflictError, StoreError: still latched.
        """
        seen = self.pressed if pressed is None else pressed
        if confirm != RELEASE_WORD:
            raise UserInputError(
                f"Releasing Stop all needs the typed word '{RELEASE_WORD}' as its confirmation."
            )
        await self.write()
        self._check_pressed(seen)
        await self._ledger.add(line := self._line("stop_all.release", by=by, reason=reason))
        self._check_pressed(seen)  # its line is written behind the release, so a restart finds it too
        self._apply(line)

    def _check_pressed(self, seen: int) -> None:
        """Refuse the release of a *Stop all* that nobody has seen. Raises: ConflictError."""
        if self.pressed != seen:
            again = f"{self.stop_all.by} ({self.stop_all.reason})"
            raise ConflictError(f"Stop all was pressed again meanwhile by {again}; it stays in force.")

    async def reset_trip(self, channel: ChannelId, by: str, reason: str) -> None:
        """Reset a channel's trip. Raises: UserInputError without a reason or trip, StoreError: still latched."""
        if not reason.strip():
            raise UserInputError(
                f"Say why the trip of {channel} may be reset: the reason goes into the journal."
            )
        if channel not in self.tripped:
            raise UserInputError(f"Channel {channel} is not tripped.")
        seen = self.tripped[channel]
        await self.write()
        self._check_trip(channel, seen)
        await self._ledger.add(line := self._line("trip.reset", channel=channel, by=by, reason=reason))
        self._check_trip(channel, seen)
        self._apply(line)

    def _check_trip(self, channel: ChannelId, seen: str) -> None:
        if self.tripped.get(channel) != seen:
            raise ConflictError(f"The trip of {channel} has changed meanwhile; look again, then decide.")

    def close(self) -> None:
        """Close the file."""
        self._ledger.close()


def _content(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a line without its number in the file."""
    return {name: value for name, value in fields.items() if name != "n"}
