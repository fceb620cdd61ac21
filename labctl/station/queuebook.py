"""The queue's memory: its ledger, replayed at the start and compared with the run folders.

A start is written down before the engine is asked, and the run's folder carries the job's id from its first
durable byte on. So a job that was starting when the station ended has either left a folder, which is then its run, or
nothing was ever sent (I09).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labctl.clock import Clock
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.queue import Entry, Kind, QueueState
from labctl.errors import InvariantError, StoreError
from labctl.model.ids import CellId, RunId
from labctl.model.job import ACTIVE_STATES, JobId, JobState
from labctl.station.ledger import Ledger
from labctl.store.manifest import read_manifest
from labctl.store.root import DataRoot
from labctl.worker import Worker

MARK = "job_id"
"""The mark of a run's manifest that names its job."""
COMPACT_BYTES = 5_000_000
"""A ledger longer than this is begun anew with a snapshot when the station starts."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A line that is true already and not durable yet, with the plant moment at which it happened."""

    line: Mapping[str, Any]
    at_s: float


class QueueBook:
    """The queue's state with the ledger behind it. The caller holds one lock around everything that writes."""

    def __init__(self, ledger: Ledger, root: DataRoot, worker: Worker, clock: Clock) -> None:
        self.state = QueueState()
        self.problems: list[str] = []
        """What was wrong with the ledger when it was opened, in sentences."""
        self._ledger = ledger
        self._root = root
        self._worker = worker
        self._clock = clock
        self._heard: list[_Heard] = []

    # -- opening ----------------------------------------------------------------------------------------------------

    async def open(self, replayed: Callable[[], None] = lambda: None) -> None:
        """Replay the ledger, call ``replayed``, then agree with the run folders. Raises: StoreError."""
        content = await self._ledger.open()
        self.problems = [f"line {number} of the queue's ledger is damaged" for number in content.bad]
        now_s, now_utc = self._clock.plant.now_s(), self._clock.plant.utc()
        for line in content.lines:
            try:
                for fields in _apart(line.fields):
                    ago_s = (now_utc - datetime.fromisoformat(fields["utc"])).total_seconds()
                    self.state.apply(fields, now_s - max(ago_s, 0.0))
            except (KeyError, ValueError, TypeError, InvariantError) as error:
                self.problems.append(f"line {line.number} of the queue's ledger does not fit: {error}")
        if self.problems and not self.state.stopped:
            await self.write(self.line(Kind.HOLD_ALL, reason="; ".join(self.problems[:3])))
        elif self._ledger.size_bytes > COMPACT_BYTES:
            await self._ledger.compact({**self.state.snapshot(now_s), "utc": self._utc()})
        replayed()
        await self._reconcile()

    async def _reconcile(self) -> None:
        """Compare every job that a channel works on with the folder of its run."""
        found = [
            line for entry in self.state.active() for line in await self._worker.call(self._compare, entry)
        ]
        if found:
            await self.write(*found)

    def _compare(self, entry: Entry) -> list[dict[str, Any]]:
        """Return what the folders say of a job that the ledger does not know yet. Runs in the store's thread."""
        job, lines = entry.job, []
        run_id = job.run_id
        if run_id is None:
            run_id = self._marked(job.job_id, job.spec.cell_id, frozenset(job.runs))
            if run_id is None:
                text = "the station ended before its run began"
                return [self.line(Kind.NOT_STARTED, job=job.job_id, reason=text)]
            lines.append(self.line(Kind.STARTED, job=job.job_id, run=run_id))
        try:
            manifest = read_manifest(self._root.disk, self._root.run_folder(run_id))
        except StoreError as error:
            text = f"its run cannot be read: {error}"
            return [
                *lines,
                self.line(Kind.ENDED, job=job.job_id, run=run_id, outcome=Outcome.HELD, reason=text),
            ]
        if manifest.get("state") == "ended" and manifest.get("outcome"):
            outcome, reason = Outcome(manifest["outcome"]), str(manifest.get("reason", ""))
            lines.append(self.line(Kind.ENDED, job=job.job_id, run=run_id, outcome=outcome, reason=reason))
        return lines

    async def left_behind(self, entry: Entry) -> list[dict[str, Any]]:
        """Return what the folders say of a job whose start has failed, in lines; empty where nothing was made."""
        lines = await self._worker.call(self._compare, entry)
        return [line for line in lines if line["kind"] != Kind.NOT_STARTED]

    def _marked(self, job_id: JobId, cell_id: CellId, known: frozenset[RunId]) -> RunId | None:
        """Look through the folders of a cell's runs for a job's mark, leaving out its runs that are known."""
        for folder in self._root.run_folders():
            if cell_id not in folder.name or folder.name in known:
                continue  # a run is named after its cell, so few manifests are read
            try:
                manifest = read_manifest(self._root.disk, folder)
            except StoreError:
                continue  # not this job's: the mark is there from the folder's first durable byte on
            if (manifest.get("marks") or {}).get(MARK) == job_id:
                return RunId(folder.name)
        return None

    # -- writing ----------------------------------------------------------------------------------------------------

    def _utc(self) -> str:
        return self._clock.plant.utc().isoformat()

    def line(self, kind: Kind, **fields: Any) -> dict[str, Any]:
        """Return a line of the ledger with the present moment of the plant."""
        return {"kind": kind.value, "utc": self._utc(), **fields}

    def hear(self, line: Mapping[str, Any]) -> None:
        """Take note of what has happened; it counts, and becomes durable, with the next write."""
        self._heard.append(_Heard(line, self._clock.plant.now_s()))

    @property
    def behind(self) -> bool:
        """Tell whether something was heard that is not written yet."""
        return bool(self._heard)

    async def settle(self) -> None:
        """Make durable and believe what was heard, in its order. Raises: StoreError; it is kept for the next time."""
        while self._heard:
            batch = list(self._heard)
            fitting = self._fitting(batch)
            if fitting:
                await self._add([item.line for item in fitting])
                for item in fitting:
                    self.state.apply(item.line, item.at_s)
            del self._heard[: len(batch)]

    def _fitting(self, batch: list[_Heard]) -> list[_Heard]:
        """Leave out what the queue cannot take: news of a job that is over, told twice."""
        trial, fitting = self.state.copy(), []
        for item in batch:
            try:
                trial.apply(item.line, item.at_s)
            except (InvariantError, KeyError):
                continue
            fitting.append(item)
        return fitting

    async def write(self, *lines: Mapping[str, Any]) -> None:
        """Make an act durable, then believe it; what was heard before comes first. Raises: StoreError."""
        await self.settle()
        at_s = self._clock.plant.now_s()
        await self._add(lines)
        for line in lines:
            self.state.apply(line, at_s)

    async def _add(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Make lines durable as one: a power cut may keep the end of a write and lose its beginning."""
        whole = lines[0] if len(lines) == 1 else self.line(Kind.SEVERAL, lines=list(lines))
        await self._ledger.add(whole)

    def entry(self, job_id: str) -> Entry | None:
        """Return a job with what the queue knows of it."""
        return self.state.entries.get(JobId(job_id))

    def is_starting(self, job_id: JobId) -> bool:
        """Tell whether a job's start is under way and its run not known yet."""
        entry = self.entry(job_id)
        return entry is not None and entry.job.state is JobState.STARTING and entry.job.run_id is None

    def active_run(self, run_id: RunId) -> Entry | None:
        """Return the job whose present run this is."""
        job_id = self.state.job_of(run_id)
        entry = None if job_id is None else self.state.entries.get(job_id)
        return entry if entry is not None and entry.job.state in ACTIVE_STATES else None

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()


def _apart(line: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the lines that were written as one."""
    if line["kind"] != Kind.SEVERAL:
        return (line,)
    inner: Sequence[Mapping[str, Any]] = line["lines"]
    return inner
