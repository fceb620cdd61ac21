"""Decides which waiting jobs may start now, and says of every other one what it waits for.

Told the queue, the present moment and how channels and chambers stand; returns starts, reasons and the next moment at
which a look is worth while. Rules: one job a channel and one a cell; the jobs of a cell keep their order; the cells in
one chamber agree on a temperature, and a job that waits for another temperature has the chamber next; starts of one
submission keep their distance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from labctl.engine.machines.chamber import SETPOINT_TOLERANCE_K
from labctl.engine.machines.queue import Entry, QueueState, is_met, title
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobId, JobState

SLACK_S = 1e-6


@dataclass(frozen=True, slots=True)
class ChannelView:
    """How a channel stands. ``why`` says why nothing can be started there, apart from jobs of the queue.

    ``passing``: that is over by itself before long, for example a device that has not told its new state yet.
    """

    channel: ChannelId
    why: str = ""
    cell: CellId | None = None
    ready: bool = False
    chamber: str = ""
    passing: bool = False
    chamber_alarm: str = ""
    """Why its chamber takes no job that wants a temperature; a job that takes any may start."""


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What the bound program asks: a chamber temperature, and why a channel does not fit (missing = it fits)."""

    setpoint_degC: float | None = None
    unfit: Mapping[ChannelId, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """The bench at one moment. ``now_s`` is plant time, ``utc_s`` the same moment since 1970.

    ``until`` says when an active job is expected to free its place ("about 14:20 UTC"). ``assume_loaded`` looks ahead:
    people load the cells in time.
    """

    now_s: float
    utc_s: float
    channels: Mapping[ChannelId, ChannelView]
    facts: Mapping[JobId, JobFacts] = field(default_factory=dict)
    until: Mapping[JobId, str] = field(default_factory=dict)
    assume_loaded: bool = False
    why_not: str = ""
    """Why nothing at all is started, for example a full disk."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start to be made: ``load`` says that nobody has loaded the cell yet and the job names the channel."""

    job_id: JobId
    channel: ChannelId
    load: bool


@dataclass(slots=True)
class Decision:
    """What is to be done at one moment. ``next_s`` is the next plant moment worth a look, infinite if there is none."""

    starts: list[Start] = field(default_factory=list)
    waits: dict[JobId, str] = field(default_factory=dict)
    next_s: float = math.inf


_NO_FACTS = JobFacts()


@lru_cache(maxsize=4096)
def _unix_s(utc: str) -> float:
    return datetime.fromisoformat(utc).timestamp()


class _Round:
    """One look at the whole queue."""

    def __init__(self, state: QueueState, world: World) -> None:
        self.state = state
        self.world = world
        self.decision = Decision()
        self.where: dict[CellId, ChannelId] = {
            view.cell: view.channel for view in world.channels.values() if view.cell is not None
        }
        self.by_channel: dict[ChannelId, Entry] = {}
        self.by_cell: dict[CellId, Entry] = {}
        self.ahead: dict[CellId, Entry] = {}
        self.in_use: dict[str, list[tuple[Entry, float]]] = {}
        self.reserved: dict[str, tuple[Entry, float]] = {}
        self.last_start_s = dict(state.last_start_s)
        for entry in state.active():
            if entry.job.channel is not None:
                self._occupy(entry, entry.job.channel)

    def _occupy(self, entry: Entry, channel: ChannelId) -> None:
        self.by_channel[channel] = entry
        self.by_cell[entry.job.spec.cell_id] = entry
        setpoint_degC = self._setpoint_degC(entry)
        chamber = self._chamber(channel)
        if setpoint_degC is not None and chamber:
            self.in_use.setdefault(chamber, []).append((entry, setpoint_degC))

    def _setpoint_degC(self, entry: Entry) -> float | None:
        if "temperature" in entry.job.spec.overrides:
            return None
        return self.world.facts.get(entry.job.job_id, _NO_FACTS).setpoint_degC

    def _chamber(self, channel: ChannelId) -> str:
        view = self.world.channels.get(channel)
        return "" if view is None else view.chamber

    def run(self) -> Decision:
        """Look at every job in its turn."""
        for job_id in self.state.ranked():
            entry = self.state.entries[job_id]
            why = self._look(entry)
            if why:
                self.decision.waits[job_id] = why
            self.ahead.setdefault(entry.job.spec.cell_id, entry)
        return self.decision

    def _look(self, entry: Entry) -> str:
        """Start a job, or return what it waits for."""
        job = entry.job
        if job.state is JobState.HELD:
            return job.reason or "held: release it"
        if self.state.stopped:
            return f"all queues are held: {self.state.stopped}"
        if self.world.why_not:
            return self.world.why_not
        why = self._dependencies(entry) or self._cell(entry) or self._time(entry)
        if why:
            return why
        channel, load, why = self._place(entry)
        if channel is None:
            return why
        why = self._temperature(entry, channel) or self._stagger(entry)
        if why:
            return why
        self.decision.starts.append(Start(job.job_id, channel, load))
        self.last_start_s[entry.submission] = self.world.now_s
        self._occupy(entry, channel)
        return ""

    # -- one reason each ----------------------------------------------------------------------------------------------

    def _dependencies(self, entry: Entry) -> str:
        for after in entry.job.spec.after:
            other = self.state.entries.get(JobId(after.job))
            if is_met(other, after.when):
                continue
            if other is None:
                return f"{after.job} ended long ago, nobody knows how: clone this job without that dependency"
            if other.job.state in (JobState.FAILED, JobState.REMOVED, JobState.ENDED):
                became = {JobState.FAILED: "failed", JobState.REMOVED: "was removed"}.get(
                    other.job.state, "ended otherwise"
                )
                why = f" ({other.job.reason})" if other.job.reason else ""
                remedy = "retry it or " if other.job.state is JobState.FAILED else ""
                return f"must follow a good end of {title(other.job)}, which {became}{why}: {remedy}remove this one"
            end = "to end well" if after.when.value == "ok" else "to end"
            return f"waits for {title(other.job)} {end}{self._until(other)}"
        return ""

    def _cell(self, entry: Entry) -> str:
        cell_id = entry.job.spec.cell_id
        running = self.by_cell.get(cell_id)
        if running is not None:
            return f"cell {cell_id} is in use by {title(running.job)}{self._until(running)}"
        ahead = self.ahead.get(cell_id)
        if ahead is not None:
            held = ", which is held" if ahead.job.state is JobState.HELD else ""
            return f"behind {title(ahead.job)} of the same cell{held}"
        return ""

    def _time(self, entry: Entry) -> str:
        job, world = entry.job, self.world
        if job.spec.not_before_utc:
            ahead_s = _unix_s(job.spec.not_before_utc) - world.utc_s
            if ahead_s > SLACK_S:
                self._again(world.now_s + ahead_s)
                return f"not before {job.spec.not_before_utc}"
        if entry.again_s > world.now_s + SLACK_S:
            self._again(entry.again_s)
            return f"{job.reason}; tried again at {self._at(entry.again_s)}"
        return ""

    def _again(self, at_s: float) -> None:
        self.decision.next_s = min(self.decision.next_s, at_s)

    def _place(self, entry: Entry) -> tuple[ChannelId | None, bool, str]:
        """Return the channel for a job, whether its cell must be entered there first, or what is in the way.

        A job that names its channel says that the cell sits there, which the checks before the start then look at. A
        job that leaves the choice to the queue starts where its cell is registered and marked ready.
        """
        spec = entry.job.spec
        sits = self.where.get(spec.cell_id)
        if spec.channel is not None:
            if sits is not None and sits != spec.channel:
                return (
                    None,
                    False,
                    f"cell {spec.cell_id} sits in {sits}, the job names {spec.channel}: load it there",
                )
            why = self._blocked(entry, spec.channel)
            return (None, False, why) if why else (spec.channel, sits is None, "")
        if sits is not None:
            if spec.channels and sits not in spec.channels:
                return None, False, f"cell {spec.cell_id} sits in {sits}, which is none of the job's channels"
            why = self._blocked(entry, sits)
            return (None, False, why) if why else (sits, False, "")
        return self._any(entry)

    def _any(self, entry: Entry) -> tuple[ChannelId | None, bool, str]:
        """Say where a cell that sits nowhere could go; looking ahead, people put it into the first such channel."""
        spec = entry.job.spec
        reasons: dict[ChannelId, str] = {}
        could: list[ChannelId] = []
        for channel in spec.channels or tuple(self.world.channels):
            view = self.world.channels.get(channel)
            if view is not None and view.cell is not None:
                reasons[channel] = f"{channel} holds cell {view.cell}"
            elif why := self._unusable(entry, channel):
                reasons[channel] = why
            elif self.world.assume_loaded:
                return channel, True, ""
            else:
                could.append(channel)
        if could:
            free = ", ".join(could[:3]) + (" and others" if len(could) > 3 else "")
            return None, False, f"cell {spec.cell_id} sits in no channel: load it (free and fitting: {free})"
        first = next(iter(reasons.values()), "the bench has no channels")
        more = f" (and {len(reasons) - 1} others)" if len(reasons) > 1 else ""
        return None, False, f"no channel is free for cell {spec.cell_id}: {first}{more}"

    def _blocked(self, entry: Entry, channel: ChannelId) -> str:
        """Say why a job cannot start in its channel now."""
        why = self._unusable(entry, channel)
        view = self.world.channels.get(channel)
        if why or view is None or self.world.assume_loaded:
            return why
        if view.cell is not None and view.cell != entry.job.spec.cell_id:
            return f"{channel} holds cell {view.cell}: load {entry.job.spec.cell_id} there"
        if entry.job.spec.channel is None and not view.ready:
            return f"cell {view.cell} in {channel} is not marked ready"
        return ""

    def _unusable(self, entry: Entry, channel: ChannelId) -> str:
        """Say why a channel cannot take a job, whatever cell sits there."""
        view = self.world.channels.get(channel)
        if view is None:
            return f"there is no channel {channel} on this bench now"
        unfit = self.world.facts.get(entry.job.job_id, _NO_FACTS).unfit.get(channel)
        if unfit:
            return f"{channel} does not fit: {unfit}"
        held = self.state.hold_of(channel)
        if held is not None:
            return f"{held}; release {held.target} in the queue"
        stopped = self.state.lanes.get(channel)
        if stopped:
            return f"lane {channel} stands still: {stopped}; release the lane"
        running = self.by_channel.get(channel)
        if running is not None:
            return f"{channel} is in use by {title(running.job)}{self._until(running)}"
        return view.why

    def _temperature(self, entry: Entry, channel: ChannelId) -> str:
        """Keep rule 3 of the chambers, and let nobody wait for ever for a chamber that others keep in use."""
        setpoint_degC, chamber = self._setpoint_degC(entry), self._chamber(channel)
        if setpoint_degC is None or not chamber:
            return ""
        if alarm := self.world.channels[channel].chamber_alarm:
            return alarm
        for other, other_degC in self.in_use.get(chamber, ()):
            if abs(other_degC - setpoint_degC) > SETPOINT_TOLERANCE_K:
                self.reserved.setdefault(chamber, (entry, setpoint_degC))
                cell = other.job.spec.cell_id
                until = self._until(other)
                return f"{chamber} is at {other_degC:g} degC for {cell}{until}, not at {setpoint_degC:g} degC"
        if chamber in self.reserved:
            other, other_degC = self.reserved[chamber]
            if abs(other_degC - setpoint_degC) > SETPOINT_TOLERANCE_K:
                return f"{chamber} goes to {other_degC:g} degC next, for {title(other.job)}"
        return ""

    def _stagger(self, entry: Entry) -> str:
        stagger_s, last_s = entry.job.spec.stagger_s, self.last_start_s.get(entry.submission)
        if stagger_s <= 0 or last_s is None or last_s + stagger_s <= self.world.now_s + SLACK_S:
            return ""
        self._again(last_s + stagger_s)
        return f"staggered: starts at {self._at(last_s + stagger_s)} at the earliest"

    def _at(self, at_s: float) -> str:
        return _clock_text(self.world.utc_s + at_s - self.world.now_s)

    def _until(self, entry: Entry) -> str:
        text = self.world.until.get(entry.job.job_id, "")
        return f" until {text}" if text else ""


def _clock_text(utc_s: float) -> str:
    """Return a moment for people, in UTC, with its day: it may lie far ahead."""
    return f"{datetime.fromtimestamp(utc_s, UTC):%d %b %H:%M:%S} UTC"


def decide(state: QueueState, world: World) -> Decision:
    """Return the starts to be made now, what everyone else waits for, and when to look again."""
    return _Round(state, world).run()
