"""Two acts of people on the queue that need more than a line: holding a part of it, and changing a job that waits."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Protocol

from labctl.engine.machines.queue import Entry, Kind
from labctl.errors import ConflictError, ProgramError, UserInputError
from labctl.model.job import Job, JobEdit, JobSpec
from labctl.model.person import Actor
from labctl.model.plain import to_plain
from labctl.station.planning import Plan, Planner, resolved, text_key
from labctl.station.queuebook import QueueBook
from labctl.station.queueview import BenchView

NAMED = 8
"""Names that a refusal lists."""


class Audit(Protocol):
    """The journal of acts."""

    async def write(
        self,
        actor: Actor,
        what: str,
        *,
        subject: str = "",
        old: Any = None,
        new: Any = None,
        reason: str = "",
    ) -> object:
        """Write down, durably, who does what. Raises: StoreError."""


class QueueEdits:
    """Carries out these acts; the caller holds the queue's lock and publishes afterwards."""

    def __init__(self, book: QueueBook, bench: BenchView, planner: Planner, audit: Audit) -> None:
        self._book = book
        self._bench = bench
        self._planner = planner
        self._audit = audit

    # -- holds ------------------------------------------------------------------------------------------------------

    async def hold(self, actor: Actor, target: str, reason: str) -> None:
        """Hold everything (empty target), an instrument or a channel. Raises: ConflictError, UserInputError."""
        state = self._book.state
        if not target:
            if state.stopped:
                raise ConflictError(f"All queues are held already: {state.stopped}.")
            text = f"held by {actor.name}" + (f": {reason}" if reason else "")
            await self._audit.write(actor, "queue.hold", reason=reason)
            await self._book.write(self._book.line(Kind.HOLD_ALL, by=actor.name, reason=text))
            return
        self._check_target(target)
        known = state.holds.get(target)
        if known is not None:
            raise ConflictError(f"{known}, since {known.since_utc}.")
        await self._audit.write(actor, "queue.hold", subject=target, reason=reason)
        line = self._book.line(Kind.HOLD_PART, target=target, by=actor.name, reason=reason)
        await self._book.write(line)

    async def release(self, actor: Actor, target: str, reason: str) -> None:
        """Release what ``hold`` holds, nothing else: other holds stay. Raises: ConflictError."""
        state = self._book.state
        old = state.holds.get(target) if target else state.stopped
        if not old and target:
            raise ConflictError(f"{target} is not held as a whole; {self._others() or 'nothing is'}.")
        if not old:
            return  # the same thing asked twice
        await self._audit.write(actor, "queue.release", subject=target, old=str(old), reason=reason)
        kind = Kind.RELEASE_PART if target else Kind.RELEASE_ALL
        told = {"target": target} if target else {}
        await self._book.write(self._book.line(kind, by=actor.name, reason=reason, **told))

    def _others(self) -> str:
        state = self._book.state
        held = [*state.holds][:NAMED]
        return "all queues are held" if state.stopped else f"held are {', '.join(held)}" if held else ""

    def _check_target(self, target: str) -> None:
        """Refuse what is neither a channel nor an instrument of this bench. Raises: UserInputError."""
        instruments = self._bench.instruments()
        if target in {status.name for status in instruments} or target in self._bench.channels():
            return
        names = ", ".join(status.name for status in instruments) or "none"
        raise UserInputError(f"There is no channel or instrument {target!r}. Instruments: {names}.")

    # -- changing a job ---------------------------------------------------------------------------------------------

    async def edit(self, actor: Actor, entry: Entry, changes: JobEdit, reason: str) -> None:
        """Change the wish of a job that has not started, checked as a new one is.

        Raises: ProgramError with every problem, UserInputError, UserFileError, StoreError; nothing is changed then.
        """
        spec = changed_spec(entry.job.spec, changes, self._book.state.texts[entry.text])
        (plan,) = await self._planner.plans((spec,), self._book.state, self._bench.channels())
        if plan.errors:
            raise ProgramError([f"{entry.job.job_id} ({spec.cell_id}): {text}" for text in plan.errors])
        (settled,) = resolved((replace(spec, protocol_text=""),), (entry.job.job_id,))
        if text_key(plan.text) == entry.text and settled == entry.job.spec:
            raise UserInputError(f"Nothing of {entry.job.job_id} is different.")
        old, new = differences(entry.job, settled, plan)
        job_id = entry.job.job_id
        await self._audit.write(actor, "job.edit", subject=job_id, old=old, new=new, reason=reason)
        key = text_key(plan.text)
        texts = {} if key in self._book.state.texts else {key: plan.text}
        line = self._book.line(
            Kind.EDIT, job=job_id, by=actor.name, reason=reason, spec=to_plain(settled), text=key, texts=texts,
            protocol_name=plan.protocol_name, protocol_hash=plan.protocol_hash,
        )  # fmt: skip
        await self._book.write(line)
        self._bench.take(job_id, plan)


def changed_spec(spec: JobSpec, changes: JobEdit, text: str) -> JobSpec:
    """Return a wish as it is after the changes; ``text`` is its frozen protocol, which stays unless another is named.

    Raises: UserInputError where nothing is to be changed, or two protocols are named.
    """
    if changes == JobEdit():
        raise UserInputError(
            "Say what is to be changed: protocol, variables, priority, moment, note or label."
        )
    if changes.protocol is not None and changes.protocol_text is not None:
        raise UserInputError("Name a protocol of the library, or give a protocol's text; not both.")
    if changes.protocol is None and changes.protocol_text is None:
        source = spec.protocol_source or spec.protocol
        spec = replace(spec, protocol="", protocol_text=text, protocol_source=source)
    else:
        given = changes.protocol_text or ""
        spec = replace(
            spec, protocol=changes.protocol or "", protocol_text=given,
            protocol_source=changes.protocol_source or "", variables={},
        )  # fmt: skip
    plain = ("variables", "priority", "not_before_utc", "notes", "label")
    told = {name: getattr(changes, name) for name in plain if getattr(changes, name) is not None}
    return replace(spec, **told)


def differences(job: Job, spec: JobSpec, plan: Plan) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs between a job and its changed wish, for the journal: as it was, as it is."""
    names = [
        field.name for field in fields(JobSpec) if getattr(job.spec, field.name) != getattr(spec, field.name)
    ]
    old: dict[str, Any] = {name: getattr(job.spec, name) for name in names}
    new: dict[str, Any] = {name: getattr(spec, name) for name in names}
    if plan.protocol_hash != job.protocol_hash:
        old["protocol_hash"], new["protocol_hash"] = job.protocol_hash, plan.protocol_hash
    return old, new
