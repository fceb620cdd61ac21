"""Which cell sits in which channel, and every cell's history: the fold of the registry's lines. In memory, pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from labctl.errors import ConflictError, UserInputError
from labctl.model.cell import CellEvent, HistoryKind
from labctl.model.ids import CellId, ChannelId, RunId


@dataclass(frozen=True, slots=True)
class Loaded:
    """Which cell sits in a channel, since when, and whether a person has said that it may be started."""

    cell_id: CellId
    by: str
    utc: str
    ready: bool = False


class Places:
    """Where cells are and what happened to them. ``check_*`` raise, ``apply`` believes a durable line.

    ``busy`` says why a channel's cell may not be changed now, ``channels`` names the channels there are (None: any).
    """

    def __init__(self) -> None:
        self.busy: Callable[[ChannelId], str] = lambda channel: ""
        self.channels: Callable[[], Collection[ChannelId]] | None = None
        self.loaded: dict[ChannelId, Loaded] = {}
        self.runs: set[str] = set()
        self._events: dict[str, list[CellEvent]] = {}

    def apply(self, line: Mapping[str, Any]) -> None:
        """Take one act on a channel, or a run. Raises: KeyError, ValueError for a line that is none."""
        kind, channel = str(line["kind"]), ChannelId(str(line["channel"]))
        by, utc, reason = str(line.get("by", "")), str(line.get("utc", "")), str(line.get("reason", ""))
        if kind == "ready":
            known = self.loaded[channel]
            self.loaded[channel] = Loaded(known.cell_id, known.by, known.utc, bool(line["ready"]))
            return
        cell_id = CellId(str(line["cell_id"]))
        events = self._events.setdefault(cell_id, [])
        if kind == "load":
            self.loaded[channel] = Loaded(cell_id, by, utc)
            events.append(CellEvent(HistoryKind.LOADED, utc, by, channel, text=reason))
        elif kind == "eject":
            self.loaded.pop(channel, None)
            events.append(CellEvent(HistoryKind.EJECTED, utc, by, channel, text=reason))
        elif kind == "run":
            run_id = RunId(str(line["run_id"]))
            self.runs.add(run_id)
            events.append(CellEvent(HistoryKind.RUN, utc, channel=channel, run_id=run_id))
        else:
            raise ValueError(f"unknown kind {kind!r}")

    def events(self, cell_id: str) -> list[CellEvent]:
        """Return what happened to a cell in channels, in the order in which it was told."""
        return list(self._events.get(cell_id, ()))

    def where(self, cell_id: str) -> ChannelId | None:
        """Return the channel that a cell sits in, None if it sits in none."""
        return next((channel for channel, place in self.loaded.items() if place.cell_id == cell_id), None)

    def check_load(self, channel: ChannelId, cell_id: CellId) -> None:
        """Raise UserInputError or ConflictError where a cell cannot be put into a channel."""
        self._check_channel(channel)
        present = self.loaded.get(channel)
        if present is not None and present.cell_id == cell_id:
            raise ConflictError(
                f"{cell_id} is in {channel} already: loaded by {present.by} at {present.utc}."
            )
        if present is not None:
            who = f"{present.cell_id} (loaded by {present.by} at {present.utc})"
            raise ConflictError(f"{channel} holds {who}; eject it first.")
        elsewhere = self.where(cell_id)
        if elsewhere is not None:
            raise ConflictError(f"{cell_id} sits in {elsewhere}; eject it there first.")

    def check_eject(self, channel: ChannelId) -> CellId:
        """Return the cell that would be taken out. Raises: UserInputError (busy), ConflictError (empty)."""
        self._check_channel(channel)
        present = self.loaded.get(channel)
        if present is None:
            raise ConflictError(f"{channel} holds no cell{self._last_ejection(channel)}.")
        return present.cell_id

    def _check_channel(self, channel: ChannelId) -> None:
        known = None if self.channels is None else list(self.channels())
        if known is not None and channel not in known:
            near = get_close_matches(channel, known, n=3)
            hint = (
                f"Did you mean {', '.join(near)}?" if near else f"There are {', '.join(sorted(known)[:8])}."
            )
            raise UserInputError(f"There is no channel {channel!r}. {hint}")
        busy = self.busy(channel)
        if busy:
            raise UserInputError(f"The cell in {channel} cannot be changed now: {busy}")

    def _last_ejection(self, channel: ChannelId) -> str:
        found = [
            event
            for events in self._events.values()
            for event in events
            if event.kind is HistoryKind.EJECTED and event.channel == channel
        ]
        last = max(found, key=lambda event: event.utc, default=None)
        return "" if last is None else f"; the last was ejected by {last.by} at {last.utc}"
