"""A queued wish and how it stands: what the queue keeps, the API sends and every client shows.

A *job* asks for one run: protocol, cell, channel (or any that fits), when and after what. The queue gives each
channel a *lane*; a job that fails stops its lane only. Plain frozen data: the rules live in
``labctl.engine.machines.queue``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from labctl.model.ids import CellId, ChannelId, RunId

JobId = NewType("JobId", str)
"""``j-17``; numbered by the station, never used twice."""


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"  # will start by itself; ``Job.waits_for`` says what is missing
    HELD = "held"  # a person, or a failure in its lane, has stopped it: starts only after release
    STARTING = "starting"  # handed to the engine: checks, chamber, start command
    RUNNING = "running"
    PAUSED = "paused"  # the device pauses; resumable
    ENDED = "ended"  # its run ended as a protocol may end it
    FAILED = "failed"  # refused, tripped, held or never started; ``Job.reason`` says why
    REMOVED = "removed"  # taken out by a person before it started


OPEN_STATES = frozenset(
    {JobState.WAITING, JobState.HELD, JobState.STARTING, JobState.RUNNING, JobState.PAUSED}
)
ACTIVE_STATES = frozenset({JobState.STARTING, JobState.RUNNING, JobState.PAUSED})


class AfterWhen(StrEnum):
    """What must have become of the job that another one waits for."""

    OK = "ok"  # ended well
    ANY = "any"  # ended at all, also failed, stopped or removed


@dataclass(frozen=True, slots=True)
class After:
    """A dependency. ``job`` is a job id, or inside one submission the ``label`` of another job of it."""

    job: str
    when: AfterWhen = AfterWhen.OK


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a job whose start failed is tried again by itself, and the pause before (plant seconds).

    Only for runs that never energised the cell (outcome ``failed``): battery steps are not replayable (P9).
    """

    times: int = 0
    pause_s: float = 600.0


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a person asks for.

    Exactly one of ``protocol`` (name in the library of the station) and ``protocol_text`` (YAML) is given; the station
    freezes the text at submission. ``channel`` None means: the cell's own channel if it sits in one, else any
    of ``channels`` (empty = every channel) that fits and holds no other cell. Larger ``priority`` goes first.
    ``not_before_utc`` is ISO 8601 plant time. ``stagger_s`` is the least plant time between this start and the one
    before it in the same submission. ``overrides`` names start checks to pass over, with the reason.
    """

    cell_id: CellId
    protocol: str = ""
    protocol_text: str = ""
    channel: ChannelId | None = None
    channels: tuple[ChannelId, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    priority: int = 0
    not_before_utc: str = ""
    after: tuple[After, ...] = ()
    retry: RetryPolicy = RetryPolicy()
    stagger_s: float = 0.0
    hold: bool = False
    label: str = ""
    campaign: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    protocol_source: str = ""
    """What ``protocol_text`` is called in messages: the name of the file that it came from."""


@dataclass(frozen=True, slots=True)
class JobEdit:
    """What is to be changed of a job that has not started; None leaves a field as it is.

    ``protocol`` or ``protocol_text`` is frozen anew; a new protocol without ``variables`` has its own defaults.
    """

    protocol: str | None = None
    protocol_text: str | None = None
    protocol_source: str | None = None
    variables: Mapping[str, str] | None = None
    priority: int | None = None
    not_before_utc: str | None = None
    notes: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class LaneHold:
    """A person's hold of a part of the queue: ``target`` is a channel, or an instrument with all its channels."""

    target: str
    by: str
    since_utc: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.target} is held by {self.by}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True)
class QueueStanding:
    """What keeps the queue from starting things: as a whole (empty = nothing does), and in parts.

    ``lanes`` are those that a failure has stopped, with the reason; resetting the channel releases them.
    """

    stopped: str = ""
    holds: tuple[LaneHold, ...] = ()
    lanes: Mapping[ChannelId, str] = field(default_factory=dict)
    trouble: str = ""
    """Why nothing is started whatever people say: *Stop all outputs*, or a ledger that cannot be written."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """When something is expected to end, UTC of the plant; ``low`` and ``high`` bound the 90 % interval.

    ``basis`` says in words what it rests on ("estimate", "rehearsal", "12 measured cycles").
    """

    end_utc: str
    low_utc: str
    high_utc: str
    basis: str = "estimate"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. ``version`` grows with each change; a person's act names the version it was decided on."""

    job_id: JobId
    spec: JobSpec
    state: JobState
    version: int
    protocol_name: str
    protocol_hash: str
    submitted_by: str
    submitted_utc: str
    channel: ChannelId | None = None
    run_id: RunId | None = None
    runs: tuple[RunId, ...] = ()
    waits_for: str = ""
    reason: str = ""
    starts: Forecast | None = None
    ends: Forecast | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One row of a pre-flight: what would be started where, with every problem and warning in words."""

    label: str
    cell_id: CellId
    channel: ChannelId | None
    protocol_name: str
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    """Lines of the start review: absolute currents beside mA/cm2, mA/g or C-rate, what is not verified."""
    starts: Forecast | None = None
    ends: Forecast | None = None
    job_id: JobId | None = None


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A bar of the channel calendar: a run that goes on or ended, or a job that waits."""

    channel: ChannelId
    cell_id: CellId
    title: str
    state: str
    begin_utc: str
    end_utc: str
    low_utc: str = ""
    high_utc: str = ""
    job_id: JobId | None = None
    run_id: RunId | None = None
