"""What a person does to the queue: edits that can be undone, and releases that cannot, because they start things (U19).

Taking an item out, repeating it, changing its order, priority, protocol, variables or moment harm nothing: they are
edits with their opposite. A release may energise a cell, so it is never done by undo; its opposite act is Hold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from labctl.gui.viewmodels.acts import Acts
from labctl.gui.viewmodels.allowed import channel_why_not, general, job_why_not, label_of
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.words import tr
from labctl.model.job import Job, JobState

EDITABLE = ("protocol", "variables", "priority", "not_before_utc", "notes", "label")


class Way(StrEnum):
    """What must be released so that a held job may start."""

    JOB = "job"
    CHANNEL = "channel"  # a failure has stopped its lane: the channel is reset, after a question (R2)
    PART = "part"  # a person holds its channel or instrument
    ALL = "all"  # a person holds the whole queue


@dataclass(frozen=True, slots=True)
class Release:
    """How a held job is let go: what is released and why it stands still."""

    way: Way
    target: str
    why: str = ""


class QueueActs:
    """Edits and acts on jobs. Each is sent with the version that was seen (R15) and is read back from the feed (R6)."""

    def __init__(self, lab: Lab, acts: Acts) -> None:
        self._lab = lab
        self._acts = acts

    def _jobs(self, job_ids: Collection[str], verb: str) -> list[Job]:
        found = [self._lab.jobs[job_id] for job_id in job_ids if job_id in self._lab.jobs]
        return [job for job in found if not job_why_not(self._lab, verb, job)]

    def _send(self, verb: str, job_id: str, label: str, **words: Any) -> None:
        """Send an act on a job as it stands now."""
        job = self._lab.jobs.get(job_id)
        version = words.pop("version", None) or (None if job is None else job.version)
        self._acts.send(verb, job_id, job_id, version=version, text=f"{label} {job_id}", **words)

    # -- edits ------------------------------------------------------------------------------------------------------

    def hold(self, job_ids: Collection[str]) -> Edit | None:
        """Return the edit that keeps waiting jobs from starting; undo lets them wait again, as they did."""
        ids = [str(job.job_id) for job in self._jobs(job_ids, "queue.hold")]
        if not ids:
            return None

        refused: set[str] = set()

        def redo() -> None:
            refused.clear()
            for job_id in ids:
                self._send("queue.hold", job_id, tr("queue", "Hold"), failed=_adder(refused, job_id))

        def undo() -> None:
            for job_id in ids:
                if job_id not in refused:  # somebody else's hold is not ours to release
                    self._send("queue.release", job_id, tr("queue", "Release"))

        return Edit(_named(tr("queue", "hold"), ids), redo, undo)

    def remove(self, job_ids: Collection[str]) -> Edit | None:
        """Return the edit that takes jobs out; undo queues the same wishes anew, held where they were held."""
        jobs = self._jobs(job_ids, "queue.remove")
        if not jobs or self.lost_by_removing(job_ids):
            return None
        order = self._order()
        now = {str(job.job_id): str(job.job_id) for job in jobs}  # as first known -> as it is called now
        refused: set[str] = set()

        def redo() -> None:
            refused.clear()
            for first, job_id in now.items():
                self._send("queue.remove", job_id, tr("queue", "Remove"), failed=_adder(refused, first))

        def undo() -> None:
            for job in jobs:
                if str(job.job_id) not in refused:  # it is still there: bringing it back would start it twice
                    self._bring_back(job, _next_of(order, str(job.job_id)), now)

        return Edit(_named(tr("queue", "remove"), list(now)), redo, undo)

    def lost_by_removing(self, job_ids: Collection[str]) -> tuple[str, ...]:
        """Return the jobs that undo could not bring back as they were: held ones whose protocol is in no library."""
        return tuple(
            str(job.job_id)
            for job in self._jobs(job_ids, "queue.remove")
            if job.state is JobState.HELD and not (job.spec.protocol or job.spec.protocol_text)
        )

    def remove_for_good(self, job_ids: Collection[str], reason: str = "") -> None:
        """Take jobs out without a way back; a person has been asked (R2)."""
        for job in self._jobs(job_ids, "queue.remove"):
            self._send("queue.remove", str(job.job_id), tr("queue", "Remove"), reason=reason)

    def _bring_back(self, job: Job, before: str, now: dict[str, str]) -> None:
        """Queue a removed wish again, at its place."""
        first = str(job.job_id)
        label = tr("queue", "Bring back")

        def placed(new_id: str) -> None:
            now[first] = new_id
            there = now.get(before, before)
            if there in self._lab.jobs and self._lab.jobs[there].state in (JobState.WAITING, JobState.HELD):
                self._acts.send("queue.move", new_id, new_id, before=there, text=f"{label} {new_id}")

        if job.spec.protocol or job.spec.protocol_text:
            spec = replace(job.spec, hold=job.state is JobState.HELD or job.spec.hold)
            self._acts.send("queue.submit", first, (spec,), text=f"{label} {first}",
                            then=lambda answer: placed(str(answer.jobs[0].job_id)))  # fmt: skip
        else:
            self._acts.send("queue.clone", first, now[first], text=f"{label} {first}",
                            then=lambda answer: placed(str(answer.job_id)))  # fmt: skip

    def repeat(self, job_ids: Collection[str]) -> Edit | None:
        """Return the edit that queues the same wishes once more; undo takes the new ones out."""
        ids = [
            job_id for job_id in job_ids if job_id in self._lab.jobs and not general(self._lab, "queue.clone")
        ]
        if not ids:
            return None
        made: list[str] = []

        def redo() -> None:
            made.clear()
            label = tr("queue", "Repeat")
            for job_id in ids:
                self._acts.send("queue.clone", job_id, job_id, text=f"{label} {job_id}",
                                then=lambda answer: made.append(str(answer.job_id)))  # fmt: skip

        def undo() -> None:
            for job_id in made:
                self._send("queue.remove", job_id, tr("queue", "Remove"))

        return Edit(_named(tr("queue", "repeat"), ids), redo, undo)

    def change(
        self, job_ids: Collection[str], changes: Mapping[str, Any], seen: Mapping[str, int] | None = None
    ) -> Edit | None:
        """Return the edit that changes waiting jobs; ``changes`` has fields of ``EDITABLE``. Undo puts back what was.

        ``seen``: the versions on which a person decided; where somebody else was faster, the station refuses (R15).
        A protocol whose text came from a file cannot be put back by its name, so that change is not undone silently:
        the undo leaves it and changes the rest back.
        """
        unknown = sorted(set(changes) - set(EDITABLE))
        if unknown:
            raise ValueError(f"a job has no field {unknown[0]} that can be changed")
        jobs = self._jobs(job_ids, "queue.edit")
        was = {str(job.job_id): _as_it_is(job, changes) for job in jobs}
        new = {job_id: {name: value for name, value in changes.items() if old.get(name) != value}
               for job_id, old in was.items()}  # fmt: skip
        ids = [job_id for job_id, fields in new.items() if fields]
        if not ids:
            return None

        refused: set[str] = set()
        versions = dict(seen or {})

        def redo() -> None:
            refused.clear()
            for job_id in ids:
                self._send("queue.edit", job_id, tr("queue", "Change"), version=versions.pop(job_id, None),
                           failed=_adder(refused, job_id), **_without_gone(new[job_id]))  # fmt: skip

        def undo() -> None:
            for job_id in ids:
                if job_id not in refused:
                    self._send("queue.edit", job_id, tr("queue", "Change"), **_without_gone(back[job_id]))

        back = {job_id: {name: was[job_id][name] for name in new[job_id]} for job_id in ids}
        return Edit(_named(tr("queue", "change"), ids), redo, undo)

    def _order(self) -> list[str]:
        waiting = [job for job in self._lab.jobs.values() if job.state in (JobState.WAITING, JobState.HELD)]
        return [str(job.job_id) for job in sorted(waiting, key=lambda job: job.position)]

    # -- releases, retries: never undone ----------------------------------------------------------------------------

    def way_out(self, job_id: str) -> Release | None:
        """Return what must be released so that a held job may start, None where it is not held."""
        job = self._lab.jobs.get(job_id)
        if job is None or job.state is not JobState.HELD:
            return None
        queue = self._lab.queue
        channel = str(job.channel or job.spec.channel or "") or next(
            (name for name, status in self._lab.channels.items() if status.cell_id == job.spec.cell_id), ""
        )
        if queue.stopped:
            return Release(Way.ALL, "", queue.stopped)
        for hold in queue.holds:
            if channel and hold.target in (channel, channel.partition(":")[0]):
                return Release(Way.PART, hold.target, str(hold))
        status = self._lab.channels.get(channel)
        lane = dict(queue.lanes).get(channel, "") or ("" if status is None else status.lane)  # type: ignore[call-overload]  # ids are words
        return Release(Way.CHANNEL, channel, lane) if lane else Release(Way.JOB, job_id, job.reason)

    def ways_out(self, job_ids: Sequence[str]) -> tuple[Release, ...]:
        """Return what must be released for several held jobs, each once."""
        found = [self.way_out(job_id) for job_id in job_ids]
        return tuple(dict.fromkeys(way for way in found if way is not None))

    def release_why_not(self, way: Release) -> str:
        """Return why a way is not open yet, empty where it is: what stopped a lane must have been seen first."""
        return channel_why_not(self._lab, "channels.reset", way.target) if way.way is Way.CHANNEL else ""

    def release(self, way: Release, *, reason: str = "", confirm: str = "") -> None:
        """Release what ``way_out`` told. A channel's reset has been confirmed before (R2)."""
        if way.way is Way.JOB:
            self._send("queue.release", way.target, tr("queue", "Release"), reason=reason)
        elif way.way is Way.CHANNEL:
            text = tr("queue", "Let the queue of {name} go on").format(name=label_of(self._lab, way.target))
            self._acts.send(
                "channels.reset", way.target, way.target, reason=reason, confirm=confirm, text=text
            )
        else:
            self.release_part(way.target, reason)

    def retry(self, job_ids: Collection[str]) -> None:
        """Let failed jobs wait again."""
        for job in self._jobs(job_ids, "queue.retry"):
            self._send("queue.retry", str(job.job_id), tr("queue", "Retry"))

    def hold_part(self, target: str = "", reason: str = "") -> None:
        """Hold the whole queue, an instrument's part or a channel's; what runs goes on."""
        name = label_of(self._lab, target) or tr("queue", "the queue")
        text = tr("queue", "Hold {name}").format(name=name)
        self._acts.send("queue.hold_queue", target or "queue", target, reason=reason, text=text)

    def release_part(self, target: str = "", reason: str = "") -> None:
        """Release what ``hold_part`` holds."""
        name = label_of(self._lab, target) or tr("queue", "the queue")
        text = tr("queue", "Release {name}").format(name=name)
        self._acts.send("queue.release_queue", target or "queue", target, reason=reason, text=text)

    def part_why_not(self, target: str, *, hold: bool) -> str:
        """Return why a part cannot be held or released; empty where it can."""
        refusal = general(self._lab, "queue.hold_queue")
        if refusal:
            return refusal
        queue = self._lab.queue
        held = (
            queue.stopped
            if not target
            else next((str(one) for one in queue.holds if one.target == target), "")
        )
        if hold:
            return tr("queue", "It is held: {why}").format(why=held) if held else ""
        return "" if held else tr("queue", "It is not held.")


def _as_it_is(job: Job, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a job that are to be changed, as they are now."""
    found: dict[str, Any] = {}
    for name in changes:
        value = getattr(job.spec, name)
        found[name] = dict(value) if name == "variables" else value
    if "protocol" in changes:
        found["variables"] = dict(job.spec.variables)
    return found


def _adder(refused: set[str], job_id: str) -> Callable[[object], None]:
    """Return what keeps a job out of the undo: the station did not do to it what would be undone."""
    return lambda trouble: refused.add(job_id)


def _without_gone(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out a protocol that has no name: its text is at the station only."""
    return {name: value for name, value in fields.items() if name != "protocol" or value}


def _next_of(order: Sequence[str], job_id: str) -> str:
    at = order.index(job_id) if job_id in order else len(order)
    return order[at + 1] if at + 1 < len(order) else ""


def _named(verb: str, ids: Sequence[str]) -> str:
    told: Callable[..., str] = tr("queue", "{act} {n} items").format
    return f"{verb} {ids[0]}" if len(ids) == 1 else told(act=verb, n=len(ids))
