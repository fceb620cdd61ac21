"""The queue as a fold of its lines: jobs, lanes, order. Each line says one thing that has happened; nothing else
changes the state, so a replayed ledger gives the same queue.

``QueueState.apply`` takes a line and the plant moment at which it happened. Which jobs may start is decided in
``labctl.engine.machines.dispatch``. Pure: no clock, no disk, no device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from labctl.engine.machines.findings import Outcome
from labctl.errors import InvariantError
from labctl.model.ids import ChannelId, RunId
from labctl.model.job import (
    ACTIVE_STATES,
    OPEN_STATES,
    AfterWhen,
    Job,
    JobId,
    JobSpec,
    JobState,
    LaneHold,
)  # fmt: skip
from labctl.model.plain import to_plain
from labctl.model.typed import from_plain

CLOSED_KEPT = 5_000
"""Jobs that are over and stay in memory (I14); older ones are in the ledger."""
KEYS_KEPT = 2_000
"""Submissions whose idempotency key is remembered (F43)."""
RETRIES_MAX = 100
"""A start that failed so often will not succeed by being tried again."""

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.WAITING: frozenset({JobState.HELD, JobState.STARTING, JobState.REMOVED}),
    JobState.HELD: frozenset({JobState.WAITING, JobState.REMOVED}),
    JobState.STARTING: frozenset(
        {JobState.WAITING, JobState.RUNNING, JobState.PAUSED, JobState.ENDED, JobState.FAILED}
    ),
    JobState.RUNNING: frozenset({JobState.STARTING, JobState.PAUSED, JobState.ENDED, JobState.FAILED}),
    JobState.PAUSED: frozenset({JobState.STARTING, JobState.RUNNING, JobState.ENDED, JobState.FAILED}),
    JobState.ENDED: frozenset(),
    JobState.FAILED: frozenset({JobState.WAITING, JobState.REMOVED}),
    JobState.REMOVED: frozenset(),
}
"""WAITING follows STARTING only where it is known that nothing was sent: the station ended before it made the run's
folder, or the start was refused and the job's retry policy lets it wait again. Battery steps are not replayable (P9),
so a job whose run energised the cell waits again only by a person's retry."""

WELL = frozenset({Outcome.FINISHED, Outcome.SHORT, Outcome.DEAD, Outcome.PROTECT})
"""Outcomes after which a job that waits for this one to end *well* may begin: the protocol foresees these ends."""


class Kind(StrEnum):
    """What a line of the queue's ledger says."""

    SUBMIT = "submit"
    HOLD = "hold"
    RELEASE = "release"
    REMOVE = "remove"
    RETRY = "retry"
    MOVE = "move"
    PRIORITY = "priority"
    EDIT = "edit"  # the wish itself was changed: protocol, variables, moment, note
    START = "start"  # intent: written before the engine is asked
    STARTED = "started"  # the run's folder exists
    NOT_STARTED = "not started"  # nothing was sent; the job waits again
    REFUSED = "refused"  # the engine said no before anything was sent
    PHASE = "phase"
    LEFT = "left"  # the run goes on, nobody follows it: held, or its data cannot be stored
    ENDED = "ended"
    LANE_RELEASE = "lane release"
    HOLD_ALL = "hold all"
    RELEASE_ALL = "release all"
    HOLD_PART = "hold part"  # a channel, or an instrument with its channels
    RELEASE_PART = "release part"
    SNAPSHOT = "snapshot"
    SEVERAL = "several"  # lines that became true together: after a power cut all of them are there, or none


@dataclass(frozen=True, slots=True)
class Entry:
    """One job with what only the queue needs. ``again_s`` is the plant moment before which it is not tried again."""

    job: Job
    text: str = ""  # key of the frozen protocol text
    submission: str = ""
    tries: int = 0
    again_s: float = -math.inf
    well: bool = False
    begin_utc: str = ""  # of its last start
    end_utc: str = ""


@dataclass(slots=True)
class QueueState:
    """Everything that the queue knows. Plant moments are of this process; a replay gives them as such."""

    entries: dict[JobId, Entry] = field(default_factory=dict)
    order: list[JobId] = field(default_factory=list)
    lanes: dict[ChannelId, str] = field(default_factory=dict)
    stopped: str = ""
    last_number: int = 0
    last_start_s: dict[str, float] = field(default_factory=dict)
    keys: dict[str, tuple[JobId, ...]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    runs: dict[RunId, JobId] = field(default_factory=dict)
    holds: dict[str, LaneHold] = field(default_factory=dict)
    _ranked: tuple[JobId, ...] | None = None

    # -- reading ----------------------------------------------------------------------------------------------------

    def copy(self) -> QueueState:
        """Return a queue that can be changed without changing this one."""
        return QueueState(
            dict(self.entries), list(self.order), dict(self.lanes), self.stopped, self.last_number,
            dict(self.last_start_s), dict(self.keys), dict(self.texts), dict(self.runs), dict(self.holds),
            self._ranked,
        )  # fmt: skip

    def open_jobs(self) -> list[Entry]:
        """Return the jobs that are not over, in queue order."""
        return [self.entries[job_id] for job_id in self.order]

    def active(self) -> list[Entry]:
        """Return the jobs that a channel works on."""
        return [entry for entry in self.open_jobs() if entry.job.state in ACTIVE_STATES]

    def hold_of(self, channel: ChannelId) -> LaneHold | None:
        """Return the person's hold that keeps a channel from starting jobs: its own, or its instrument's."""
        return self.holds.get(channel) or self.holds.get(channel.partition(":")[0])

    def job_of(self, run_id: RunId) -> JobId | None:
        """Return the open job whose present run this is."""
        return self.runs.get(run_id)

    def ranked(self) -> tuple[JobId, ...]:
        """Return the jobs that have not started: larger priority first, then queue order, dependencies before all.

        A job that another one waits for stands before it whatever their priorities, so nobody waits in a circle.
        """
        if self._ranked is None:
            waiting = [job_id for job_id in self.order if self.entries[job_id].job.state not in ACTIVE_STATES]
            waiting.sort(
                key=lambda job_id: -self.entries[job_id].job.spec.priority
            )  # stable: queue order stays
            known, placed = set(waiting), dict.fromkeys(waiting, False)
            ranked: list[JobId] = []
            for job_id in waiting:
                self._place(job_id, known, placed, ranked)
            self._ranked = tuple(ranked)
        return self._ranked

    def _place(
        self, job_id: JobId, known: set[JobId], placed: dict[JobId, bool], ranked: list[JobId]
    ) -> None:
        """Append a job behind everything that it waits for; iterative, because chains may be long."""
        stack = [job_id]
        while stack:
            top = stack[-1]
            if placed[top]:
                stack.pop()
                continue
            missing = [
                JobId(after.job)
                for after in self.entries[top].job.spec.after
                if after.job in known and not placed[JobId(after.job)] and JobId(after.job) not in stack
            ]
            if missing:
                stack.append(missing[0])
                continue
            placed[top] = True
            ranked.append(top)
            stack.pop()

    # -- changing ---------------------------------------------------------------------------------------------------

    def apply(self, line: Mapping[str, Any], at_s: float) -> None:
        """Take one line that happened at plant moment ``at_s``. Raises: InvariantError, ValueError: it cannot be."""
        kind = Kind(line["kind"])
        if kind not in _KEEP_RANKS:
            self._ranked = None
        if kind is Kind.SUBMIT:
            self._submit(line)
        elif kind is Kind.SNAPSHOT:
            self._restore(line, at_s)
        elif kind is Kind.SEVERAL:
            for inner in line["lines"]:
                self.apply(inner, at_s)
        elif kind is Kind.LANE_RELEASE:
            self.lanes.pop(ChannelId(line["channel"]), None)
        elif kind is Kind.HOLD_ALL:
            self.stopped = str(line["reason"])
        elif kind is Kind.RELEASE_ALL:
            self.stopped = ""
        elif kind is Kind.HOLD_PART:
            target, utc = str(line["target"]), str(line.get("utc", ""))
            self.holds[target] = LaneHold(target, str(line["by"]), utc, str(line.get("reason", "")))
        elif kind is Kind.RELEASE_PART:
            self.holds.pop(str(line["target"]), None)
        else:
            entry = self.entries[JobId(line["job"])]
            if kind in _BY_PERSON:
                self._act(kind, entry, line)
            else:
                self._happened(kind, entry, line, at_s)

    def _put(self, entry: Entry, **changes: Any) -> Entry:
        """Store an entry with its job changed and its version raised."""
        job = replace(entry.job, version=entry.job.version + 1, **changes)
        state = job.state
        if state is not entry.job.state and state not in TRANSITIONS[entry.job.state]:
            raise InvariantError("I09", f"job {job.job_id} cannot go from {entry.job.state} to {state}")
        entry = replace(entry, job=job)
        self.entries[job.job_id] = entry
        if state not in OPEN_STATES and job.job_id in self.order:
            self.order.remove(job.job_id)
            self._forget()
        elif state in OPEN_STATES and job.job_id not in self.order:
            self.order.append(job.job_id)
        return entry

    def _submit(self, line: Mapping[str, Any]) -> None:
        made: list[JobId] = []
        self.texts.update(line.get("texts") or {})
        for item in line["jobs"]:
            job = from_plain(Job, item["job"])
            if job.job_id in self.entries:
                raise InvariantError("I09", f"job {job.job_id} was submitted twice")
            submission = made[0] if made else job.job_id
            self.entries[job.job_id] = Entry(job, text=str(item["text"]), submission=submission)
            self.order.append(job.job_id)
            self.last_number = max(self.last_number, number_of(job.job_id))
            made.append(job.job_id)
        if line.get("key"):
            self.keys[str(line["key"])] = tuple(made)
            while len(self.keys) > KEYS_KEPT:
                del self.keys[next(iter(self.keys))]

    def _act(self, kind: Kind, entry: Entry, line: Mapping[str, Any]) -> None:
        """Carry out what a person did with a job."""
        reason, job = str(line.get("reason", "")), entry.job
        if kind is Kind.HOLD:
            text = f"held by {line.get('by', '')}" + (f": {reason}" if reason else "")
            self._put(entry, state=JobState.HELD, reason=text)
        elif kind is Kind.RELEASE:
            self._put(entry, state=JobState.WAITING, reason="")
        elif kind is Kind.REMOVE:
            text = f"removed by {line.get('by', '')}" + (f": {reason}" if reason else "")
            self._put(entry, state=JobState.REMOVED, reason=text)
        elif kind is Kind.RETRY:
            entry = replace(entry, tries=0, again_s=-math.inf)
            self._put(entry, state=JobState.WAITING, reason="", run_id=None, channel=job.spec.channel)
        elif kind is Kind.PRIORITY:
            self._put(entry, spec=replace(job.spec, priority=int(line["priority"])))
        elif kind is Kind.EDIT:
            self.texts.update(line.get("texts") or {})
            spec, changed = from_plain(JobSpec, line["spec"]), replace(entry, text=str(line["text"]))
            self._put(
                changed,
                spec=spec,
                protocol_name=str(line["protocol_name"]),
                protocol_hash=str(line["protocol_hash"]),
            )
        else:
            before = line.get("before")
            self.order.remove(job.job_id)
            self.order.insert(self.order.index(JobId(before)) if before else len(self.order), job.job_id)
            self._put(entry)

    def _happened(self, kind: Kind, entry: Entry, line: Mapping[str, Any], at_s: float) -> None:
        """Take what became of a job."""
        job, reason = entry.job, str(line.get("reason", ""))
        if kind is not Kind.STARTED and "run" in line and line["run"] != job.run_id:
            raise InvariantError("I09", f"run {line['run']} is not the present run of {job.job_id}")
        if kind is Kind.START:
            self.last_start_s[entry.submission] = at_s
            channel = ChannelId(line["channel"])
            entry = replace(entry, tries=entry.tries + 1, begin_utc=str(line.get("utc", "")))
            self._put(entry, state=JobState.STARTING, channel=channel, reason="")
            if self._ranked is not None:
                self._ranked = tuple(item for item in self._ranked if item != job.job_id)
        elif kind is Kind.STARTED:
            run_id = RunId(line["run"])
            if job.run_id is not None and job.run_id != run_id:
                raise InvariantError(
                    "I09", f"job {job.job_id} has the run {job.run_id} and cannot take {run_id}"
                )
            self.runs[run_id] = job.job_id
            self._put(entry, run_id=run_id, runs=(*job.runs, run_id))
        elif kind is Kind.NOT_STARTED:
            again_s = at_s + float(line.get("pause_s", 0.0))
            tries = max(entry.tries - 1, 0)
            entry = replace(entry, again_s=again_s, tries=tries)
            self._put(entry, state=JobState.WAITING, channel=job.spec.channel, reason=reason)
        elif kind is Kind.REFUSED:
            self._failed(entry, reason, at_s, may_retry=True)
        elif kind is Kind.PHASE:
            self._put(entry, state=JobState(line["state"]), reason="")
        elif kind is Kind.LEFT:
            self._put(entry, reason=reason)
            if job.channel is not None:
                self.lanes[job.channel] = f"{title(job)} is not followed: {reason}"
        else:
            self._ended(entry, line, at_s)

    def _ended(self, entry: Entry, line: Mapping[str, Any], at_s: float) -> None:
        outcome, reason = Outcome(line["outcome"]), str(line.get("reason", ""))
        job, entry = entry.job, replace(entry, end_utc=str(line.get("utc", "")))
        if job.run_id is not None:
            self.runs.pop(job.run_id, None)
        if outcome in WELL or outcome is Outcome.STOPPED:
            entry = replace(entry, well=outcome in WELL)
            self._put(
                entry,
                state=JobState.ENDED,
                reason="" if outcome is Outcome.FINISHED else f"{outcome}: {reason}",
            )
            if outcome is Outcome.STOPPED and self._somebody_waits(job):
                self._stop_lane(job, f"{title(job)} was stopped: {reason}")
            return
        self._failed(entry, f"{outcome}: {reason}", at_s, may_retry=outcome is Outcome.FAILED)

    def _failed(self, entry: Entry, reason: str, at_s: float, *, may_retry: bool) -> None:
        """End a job that failed. Its policy may let it wait again; otherwise its lane stops until a person acts."""
        job, policy = entry.job, entry.job.spec.retry
        unsent = may_retry and job.state is JobState.STARTING
        if unsent and entry.tries <= min(policy.times, RETRIES_MAX):
            text = f"try {entry.tries} of {policy.times + 1}: {reason}"
            entry = replace(entry, again_s=at_s + policy.pause_s)
            self._put(entry, state=JobState.WAITING, reason=text, run_id=None, channel=job.spec.channel)
            return
        self._put(entry, state=JobState.FAILED, reason=reason)
        self._stop_lane(job, f"{title(job)} failed: {reason}")

    def _stop_lane(self, job: Job, reason: str) -> None:
        if job.channel is not None:
            self.lanes[job.channel] = reason

    def _somebody_waits(self, job: Job) -> bool:
        """Tell whether a job waits for the channel or the cell of another one."""
        waiting = [entry.job for entry in self.open_jobs() if entry.job.state not in ACTIVE_STATES]
        return any(item.channel == job.channel or item.spec.cell_id == job.spec.cell_id for item in waiting)

    def _forget(self) -> None:
        """Keep the newest jobs that are over, and those that an open one names."""
        closed = [job_id for job_id, entry in self.entries.items() if entry.job.state not in OPEN_STATES]
        if len(closed) <= CLOSED_KEPT:
            return
        named = {after.job for entry in self.open_jobs() for after in entry.job.spec.after}
        for job_id in closed[: len(closed) - CLOSED_KEPT]:
            if job_id not in named:
                del self.entries[job_id]
        used = {entry.text for entry in self.entries.values()}
        submissions = {entry.submission for entry in self.entries.values()}
        self.texts = {key: text for key, text in self.texts.items() if key in used}
        self.last_start_s = {key: at_s for key, at_s in self.last_start_s.items() if key in submissions}

    # -- a snapshot, for a ledger that has grown long -----------------------------------------------------------------

    def snapshot(self, now_s: float) -> dict[str, Any]:
        """Return the whole queue as one line; moments are written as seconds before ``now_s``."""
        return {
            "kind": Kind.SNAPSHOT.value,
            "entries": [
                {
                    "job": to_plain(entry.job), "text": entry.text, "submission": entry.submission,
                    "tries": entry.tries, "well": entry.well, "begin_utc": entry.begin_utc, "end_utc": entry.end_utc,
                    "again_in_s": entry.again_s - now_s if math.isfinite(entry.again_s) else None,
                }
                for entry in self.entries.values()
            ],
            "order": list(self.order),
            "lanes": dict(self.lanes),
            "stopped": self.stopped,
            "holds": [to_plain(hold) for hold in self.holds.values()],
            "last_number": self.last_number,
            "started_ago_s": {key: now_s - at_s for key, at_s in self.last_start_s.items()},
            "keys": {key: list(made) for key, made in self.keys.items()},
            "texts": dict(self.texts),
        }  # fmt: skip

    def _restore(self, line: Mapping[str, Any], at_s: float) -> None:
        self.entries.clear()
        self.runs.clear()
        for item in line["entries"]:
            job, again_in_s = from_plain(Job, item["job"]), item["again_in_s"]
            again_s = -math.inf if again_in_s is None else at_s + float(again_in_s)
            self.entries[job.job_id] = Entry(
                job, str(item["text"]), str(item["submission"]), int(item["tries"]), again_s, bool(item["well"]),
                str(item["begin_utc"]), str(item["end_utc"]),
            )  # fmt: skip
            if job.run_id is not None and job.state in ACTIVE_STATES:
                self.runs[job.run_id] = job.job_id
        self.order = [JobId(job_id) for job_id in line["order"]]
        self.lanes = {ChannelId(channel): str(reason) for channel, reason in line["lanes"].items()}
        self.stopped = str(line["stopped"])
        held = [from_plain(LaneHold, item) for item in line.get("holds", ())]
        self.holds = {hold.target: hold for hold in held}
        self.last_number = int(line["last_number"])
        self.last_start_s = {key: at_s - float(ago_s) for key, ago_s in line["started_ago_s"].items()}
        self.keys = {key: tuple(JobId(job_id) for job_id in made) for key, made in line["keys"].items()}
        self.texts = dict(line["texts"])


_BY_PERSON = frozenset(
    {Kind.HOLD, Kind.RELEASE, Kind.REMOVE, Kind.RETRY, Kind.MOVE, Kind.PRIORITY, Kind.EDIT}
)

_KEEP_RANKS = frozenset(
    {
        Kind.START,
        Kind.STARTED,
        Kind.PHASE,
        Kind.LEFT,
        Kind.LANE_RELEASE,
        Kind.HOLD,
        Kind.RELEASE,
        Kind.HOLD_ALL,
        Kind.RELEASE_ALL,
        Kind.HOLD_PART,
        Kind.RELEASE_PART,
    }
)
"""After these the waiting jobs are the same and in the same order, but for the one that starts."""

_ALLOWED: dict[Kind, tuple[frozenset[JobState], str]] = {
    Kind.HOLD: (frozenset({JobState.WAITING}), "only a waiting job can be held; a running one is paused or stopped"),
    Kind.RELEASE: (frozenset({JobState.HELD}), "only a held job can be released"),
    Kind.REMOVE: (
        frozenset({JobState.WAITING, JobState.HELD, JobState.FAILED}),
        "only a job that has not started, or failed, can be removed; stop its run instead",
    ),
    Kind.RETRY: (frozenset({JobState.FAILED}), "only a failed job can be retried; clone it to run it once more"),
    Kind.MOVE: (frozenset({JobState.WAITING, JobState.HELD}), "only a job that has not started can be moved"),
    Kind.PRIORITY: (
        frozenset({JobState.WAITING, JobState.HELD}), "only a job that has not started has a priority",
    ),
    Kind.EDIT: (
        frozenset({JobState.WAITING, JobState.HELD}),
        "only a job that has not started can be changed; revise its run, or clone it",
    ),
}  # fmt: skip


def act_refusal(kind: Kind, job: Job) -> str:
    """Say why a person's act does not fit a job as it stands, or return an empty text."""
    states, rule = _ALLOWED[kind]
    if job.state in states:
        return ""
    why = f" ({job.reason})" if job.reason else ""
    return f"Job {job.job_id} is {job.state.value}{why}: {rule}."


def number_of(job_id: str) -> int:
    """Return the number in a job's id, 0 where there is none."""
    _, _, digits = job_id.rpartition("-")
    return int(digits) if digits.isdecimal() else 0


def title(job: Job) -> str:
    """Return what people call a job: ``j-7 (P1 of C0003)``."""
    return f"{job.job_id} ({job.protocol_name} of {job.spec.cell_id})"


def is_met(entry: Entry | None, when: AfterWhen) -> bool:
    """Tell whether a dependency on a job is fulfilled. A job that is forgotten was over long ago."""
    if entry is None:
        return when is AfterWhen.ANY
    if entry.job.state in OPEN_STATES:
        return False
    return when is AfterWhen.ANY or entry.well
