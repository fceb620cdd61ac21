"""Runs as people see and steer them: lists, details, rows, and every act with its line in the journal.

Reading goes through a thread of its own, so that a client that asks for a month of rows delays no poll; the
folders are the truth, the catalogue is an index of them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from labctl.clock import Clock
from labctl.engine.api import Job, Progress
from labctl.engine.supervisor import Supervisor
from labctl.errors import StoreError, UserInputError
from labctl.model.cell import Cell
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import JobId
from labctl.model.person import Actor
from labctl.model.program import Program, program_from_json
from labctl.model.record import RecordBlock
from labctl.model.run import RunDetail, RunNote, RunRevision, RunSummary
from labctl.protocol.sentences import sentences
from labctl.station.advice import Advice
from labctl.station.audit import AuditJournal
from labctl.station.corrected import corrected_cycles
from labctl.station.forecasts import Forecasts, Learned, learned
from labctl.station.listening import Listener
from labctl.station.rowshub import RowsHub
from labctl.store.lines import read_lines
from labctl.store.linewriter import LineWriter
from labctl.store.readers import Readers
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.worker import Worker

log = logging.getLogger(__name__)
T = TypeVar("T")

ROWS_MAX = 100_000
"""Rows of one answer; a client asks again for more (I14)."""
NOTES = "notes.jsonl"
"""What people wrote to a run, in its folder; a file of its own, because the run's journal has one writer."""
Bind = Callable[[RunId, str, Mapping[str, str]], Program]
"""Binds a changed protocol text for a run's cell and channel. Raises ProgramError, UserFileError."""


class RunKeeper:
    """The runs of the data root."""

    def __init__(
        self,
        root: DataRoot,
        clock: Clock,
        reader: Worker,
        supervisor: Supervisor,
        listener: Listener,
        forecasts: Forecasts,
        audit: AuditJournal,
        hub: RowsHub,
        bind: Bind,
        advice: Advice,
    ) -> None:
        self.hub = hub
        self._root = root
        self._clock = clock
        self._reader = reader
        self._readers = Readers(root)
        self.cell_of: Callable[[str], Cell | None] = lambda cell_id: None
        self._supervisor = supervisor
        self._listener = listener
        self._forecasts = forecasts
        self._audit = audit
        self._bind = bind
        self._advice = advice
        self._known: dict[RunId, RunSummary] = {}
        self._revised_runs: list[RunId] = []  # whose forecasts do not know the new program yet

    # -- at start-up ------------------------------------------------------------------------------------------------

    async def open(self) -> tuple[list[RunId], list[str]]:
        """Read every run's manifest; return the runs that have not ended, and sentences about unreadable folders."""
        return await self._reader.call(self._open)

    def _open(self) -> tuple[list[RunId], list[str]]:
        going_on: list[RunId] = []
        problems: list[str] = []
        for folder in self._root.run_folders():
            try:
                reader = RunReader(folder, disk=self._root.disk)
                manifest, run_id = reader.manifest, RunId(folder.name)
                if manifest.get("state") != "ended":
                    going_on.append(run_id)
                self._known[run_id] = _summary(reader)
            except Exception as error:  # whatever stands in one folder, the others are opened (S9)
                problems.append(f"{folder.name}: {error!r}" if not str(error) else f"{folder.name}: {error}")
        return going_on, problems

    async def replay(self, run_ids: Sequence[RunId]) -> None:
        """Learn the stored rows of runs that go on: their finish time, and early warnings that nobody was told.

        Called before a run is taken up, and when its program has changed. Raises: StoreError.
        """
        for run_id in run_ids:
            await self._advice.recall(run_id)
            reader, taught = await self._reader.call(self._learn, run_id, None)
            while not self._forecasts.take(run_id, taught):
                _, taught = await self._reader.call(self._learn, run_id, taught)
            manifest = reader.manifest
            self._listener.begin(run_id, CellId(str(manifest["cell"]["cell_id"])))
            found, taught.findings = taught.findings, []
            self._listener.advise(run_id, ChannelId(str(manifest["channel"])), found)

    def _learn(self, run_id: RunId, so_far: Learned | None) -> tuple[RunReader, Learned]:
        reader = self._open_reader(run_id)
        try:
            return reader, learned(present_program(reader.manifest), reader, so_far)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{run_id} cannot be learned from: {type(error).__name__}: {error}") from error

    async def flush(self) -> None:
        """Write down which early warnings were told. Raises: StoreError; they are kept for the next try."""
        await self._advice.write()

    async def catch_up(self) -> None:
        """Learn programs that were changed, and write down which early warnings were told. Raises: StoreError."""
        while self._revised_runs:
            run_id = self._revised_runs[0]
            if self._forecasts.follows(run_id):
                await self.replay([run_id])
            self._revised_runs.remove(run_id)
        await self.flush()

    async def began(self, run_id: RunId, job: Job) -> None:
        """Know a run that the engine has just taken."""
        self._listener.begin(run_id, job.program.cell.cell_id)
        self._forecasts.begin(run_id, job.program)
        await self.refresh(run_id)

    def job_of(self, run_id: str) -> JobId | None:
        """Return the queue's job that a run belongs to."""
        known = self._known.get(RunId(run_id))
        return None if known is None else known.job_id

    async def refresh(self, run_id: RunId) -> RunSummary | None:
        """Read a run's manifest again; None where it cannot be read."""
        try:
            followed = self._listener.progress_of(run_id) is not None
            summary = await self._reader.call(lambda: _summary(self._open_reader(run_id), count=not followed))
        except Exception as error:  # a folder that cannot be read, whatever stands in it, costs no other run
            log.warning("run=%s its folder cannot be read: %r", run_id, error)
            return None
        self._known[run_id] = summary
        return self._known[run_id]

    # -- reading ----------------------------------------------------------------------------------------------------

    def _open_reader(self, run_id: RunId | str) -> RunReader:
        return self._readers.of(run_id)

    async def _read(self, run_id: str, ask: Callable[[RunReader], T]) -> T:
        self.get(run_id)
        return await self._reader.call(lambda: ask(self._open_reader(run_id)))

    def list(self, *, state: str = "", cell: str = "") -> tuple[RunSummary, ...]:
        """Return the runs, oldest start first, optionally of one state or cell."""
        return tuple(
            self._live(summary)
            for _, summary in sorted(self._known.items(), key=lambda item: (item[1].started_utc, item[0]))
            if state in ("", summary.state) and cell in ("", summary.cell_id)
        )

    def get(self, run_id: str) -> RunSummary:
        """Return one run. Raises: UserInputError naming runs that fit nearly."""
        found = self._known.get(RunId(run_id))
        if found is None:
            near = [name for name in self._known if run_id and run_id in name][:5]
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise UserInputError(f"There is no run {run_id!r}.{hint}")
        return self._live(found)

    def _live(self, summary: RunSummary) -> RunSummary:
        progress = self._listener.progress_of(summary.run_id)
        return summary if progress is None else _with_progress(summary, progress, self._forecasts)

    async def detail(self, run_id: str) -> RunDetail:
        """Return everything about a run but its rows."""
        reader, summary = await self._read(run_id, lambda reader: (reader, _summary(reader)))
        notes = await self._reader.call(self._notes, reader)
        manifest = reader.manifest
        self._known[RunId(run_id)] = summary
        words = tuple(sentences(present_program(manifest)))
        return RunDetail(self.get(run_id), manifest, words, _revisions(manifest), notes, str(reader.folder))

    async def records(
        self, run_id: str, *, after: int = 0, limit: int = ROWS_MAX, columns: Sequence[str] | None = None
    ) -> RecordBlock:
        """Return up to ``limit`` rows behind sequence ``after``, in order; live runs too."""
        last = after + min(max(limit, 1), ROWS_MAX)
        return await self._read(run_id, lambda reader: reader.records(columns, after + 1, last))

    async def backfilled(self, run_id: str, first: int, last: int) -> NDArray[np.bool_]:
        """Tell of each of the rows ``first`` to ``last`` whether it was fetched after an outage. Shape: (n,)."""
        return await self._read(run_id, lambda reader: reader.backfilled(first, last))

    async def cycles(self, run_id: str) -> dict[str, NDArray[Any]]:
        """Return the cycle summary by column, with the cell's area and mass as they are registered now."""
        cell = self.cell_of(self.get(run_id).cell_id)
        return await self._read(run_id, lambda reader: corrected_cycles(reader, cell))

    async def events(self, run_id: str) -> Sequence[dict[str, Any]]:
        """Return what happened in a run, in order."""
        return await self._read(run_id, lambda reader: reader.events())

    async def ambient(self, run_id: str) -> Sequence[dict[str, Any]]:
        """Return the chamber's readings during a run, in order: test time in s, temperature in degC, quality."""
        return await self._read(run_id, lambda reader: reader.ambient())

    async def revisions(self, run_id: str) -> tuple[RunRevision, ...]:
        """Return the versions of the run's program, oldest first."""
        return _revisions(await self._read(run_id, lambda reader: reader.manifest))

    # -- acting -----------------------------------------------------------------------------------------------------

    async def stop(self, actor: Actor, run_id: str, *, reason: str = "") -> bool:
        """Stop a run; True when the device has confirmed. The command leaves before the journal is written."""
        self.get(run_id)
        why = reason or f"stopped by {actor.name}"
        confirmed = await self._supervisor.stop(RunId(run_id), why)
        await self._note_done(actor, "run.stop", run_id, why, new={"confirmed": confirmed})
        return confirmed

    async def _note_done(
        self, actor: Actor, what: str, run_id: str, reason: str, new: Mapping[str, Any] | None = None
    ) -> None:
        """Journal what the device has done already: a disk that refuses is an alarm, not the answer to the act."""
        try:
            await self._audit.write(actor, what, subject=run_id, new=new, reason=reason)
        except StoreError as error:
            self._listener.store_failed("audit", str(error))

    async def pause(self, actor: Actor, run_id: str, *, reason: str = "") -> None:
        """Pause the device now, read back."""
        self.get(run_id)
        await self._supervisor.pause(RunId(run_id), actor.name)
        await self._note_done(actor, "run.pause", run_id, reason)

    async def pause_at_step_end(self, actor: Actor, run_id: str, *, reason: str = "") -> None:
        """Let the step end, then pause."""
        self.get(run_id)
        await self._supervisor.pause_at_step_end(RunId(run_id), actor.name)
        await self._audit.write(actor, "run.pause-at-step-end", subject=run_id, reason=reason)

    async def resume(self, actor: Actor, run_id: str, *, reason: str = "") -> None:
        """Go on after a pause: journalled before the command, because it energises."""
        self.get(run_id)
        await self._audit.write(actor, "run.resume", subject=run_id, reason=reason)
        await self._supervisor.resume(RunId(run_id))

    async def skip(self, actor: Actor, run_id: str, *, reason: str = "") -> None:
        """Jump to the next step; refused where the device does not confirm."""
        self.get(run_id)
        await self._audit.write(actor, "run.skip", subject=run_id, reason=reason)
        await self._supervisor.skip_step(RunId(run_id))

    async def note(self, actor: Actor, run_id: str, *, text: str) -> None:
        """Write a note into the run's folder, also when the run has ended."""
        self.get(run_id)
        if not text.strip():
            raise UserInputError("An empty note says nothing; write some text.")
        line = {"utc": self._clock.plant.utc().isoformat(), "by": actor.name, "text": text}
        await self._reader.call(self._add_note, run_id, line)
        await self._audit.write(actor, "run.note", subject=run_id, new=text)

    def _add_note(self, run_id: str, line: Mapping[str, Any]) -> None:
        try:
            notes = LineWriter(self._root.disk, self._root.run_folder(run_id) / NOTES, chained=True)
            notes.add(line)
            notes.sync()
            notes.close()
        except OSError as error:
            raise StoreError(f"The note to {run_id} could not be kept: {error}") from error

    def _notes(self, reader: RunReader) -> tuple[RunNote, ...]:
        path = reader.folder / NOTES
        if self._root.disk.size(path) is None:
            return ()
        lines = read_lines(self._root.disk.read(path), chained=True).lines
        return tuple(RunNote(line.fields["utc"], line.fields["by"], line.fields["text"]) for line in lines)

    async def revise(
        self,
        actor: Actor,
        run_id: str,
        *,
        protocol_text: str,
        reason: str,
        variables: Mapping[str, str] | None = None,
    ) -> int:
        """Take over a changed protocol at the next segment boundary; returns the revision's number.

        Raises: UserInputError (no reason, or what has begun would change), ProgramError, UserFileError.
        """
        self._with_reason(run_id, reason)
        program = await self._reader.call(self._bind, RunId(run_id), protocol_text, variables or {})
        revision = await self._supervisor.revise(
            RunId(run_id), program, protocol_text=protocol_text, by=actor.name, reason=reason
        )
        await self._revised(actor, "run.revise", run_id, revision, reason)
        return revision

    async def add_cycles(self, actor: Actor, run_id: str, *, count: int, reason: str) -> int:
        """Repeat the last loop so many more times behind its end; returns the revision's number."""
        self._with_reason(run_id, reason)
        revision = await self._supervisor.add_cycles(RunId(run_id), count, by=actor.name, reason=reason)
        await self._revised(actor, "run.add-cycles", run_id, revision, reason)
        return revision

    async def _revised(self, actor: Actor, what: str, run_id: str, revision: int, reason: str) -> None:
        await self._audit.write(actor, what, subject=run_id, new={"revision": revision}, reason=reason)
        await self.refresh(RunId(run_id))
        self._revised_runs.append(RunId(run_id))
        self._listener.on_dirty(run_id)

    def _with_reason(self, run_id: str, reason: str) -> None:
        self.get(run_id)
        if not reason.strip():
            raise UserInputError(
                "A change of a running program needs a reason; it goes into the run's record."
            )

    async def take_up(self, actor: Actor, run_id: str, *, reason: str = "") -> tuple[str, ...]:
        """Follow a run again that was held or left; returns what stands against it, in sentences."""
        summary = self.get(run_id)
        if summary.state == "ended":
            raise UserInputError(
                f"Run {run_id} has ended ({summary.outcome}); a new job begins from where the cell is."
            )
        if self._listener.progress_of(run_id) is not None:
            raise UserInputError(f"Run {run_id} is being followed already.")
        await self._audit.write(actor, "run.take-up", subject=run_id, reason=reason)
        await self.replay([RunId(run_id)])
        return await self._supervisor.take_up([run_id])


def present_program(manifest: Mapping[str, Any]) -> Program:
    """Return the newest revision of a run's program."""
    revisions = manifest.get("revisions") or []
    data = revisions[-1]["program"] if revisions and revisions[-1].get("program") else manifest["program"]
    return program_from_json(json.dumps(data))


def _summary(reader: RunReader, *, count: bool = True) -> RunSummary:
    """Return a run as its folder has it; ``count`` False leaves its rows to whoever follows it."""
    manifest = reader.manifest
    if manifest["run_id"] != reader.folder.name:
        raise StoreError(f"its run.json is of run {manifest['run_id']!r}")
    rows, test_time_s = _length(reader) if count else (0, 0.0)
    cell, job = manifest.get("cell") or {}, (manifest.get("marks") or {}).get("job_id")
    end = manifest.get("end_sequence")
    return RunSummary(
        run_id=RunId(str(manifest["run_id"])),
        cell_id=str(cell.get("cell_id", "")),
        cell_name=str(cell.get("name", "")),
        channel=ChannelId(str(manifest["channel"])),
        protocol=str((manifest.get("protocol") or {}).get("name", "")),
        state=str(manifest.get("state", "")),
        outcome=str(manifest.get("outcome") or ""),
        reason=str(manifest.get("reason") or ""),
        started_utc=str(manifest.get("started_utc", "")),
        rows=rows,
        test_time_s=test_time_s,
        end_sequence=None if end is None else int(end),
        job_id=None if job is None else JobId(str(job)),
    )


def _length(reader: RunReader) -> tuple[int, float]:
    """Return the number of rows and the test time of the last in seconds; an ended run's manifest says both.

    Of a run that goes on, and of one that an older labctl ended, the newest records file is read.
    """
    manifest = reader.manifest
    if manifest.get("state") == "ended" and "test_time_s" in manifest:
        return int(manifest["rows"]), float(manifest["test_time_s"])
    if manifest.get("state") == "prepared":
        return 0, 0.0
    try:
        rows = reader.last_sequence
        last = reader.records(["test_time_second"], rows, rows)["test_time_second"]
    except OSError as error:  # a list is no place to fail: whoever reads the rows hears of it
        log.warning("run=%s its rows cannot be counted: %s", reader.folder.name, error)
        return 0, 0.0
    return rows, float(last[-1]) if len(last) else 0.0


def _with_progress(summary: RunSummary, progress: Progress, forecasts: Forecasts) -> RunSummary:
    return replace(
        summary,
        phase=progress.phase.value,
        cycle=progress.cycle,
        cycles=progress.cycles,
        rows=progress.rows,
        test_time_s=progress.test_time_s,
        voltage_V=progress.voltage_V,
        current_A=progress.current_A,
        sentence=progress.note or progress.sentence,
        ends=forecasts.ends(progress.run_id, progress.test_time_s),
    )


def _revisions(manifest: Mapping[str, Any]) -> tuple[RunRevision, ...]:
    protocol = manifest.get("protocol") or {}
    first = RunRevision(
        1, 1, str(protocol.get("name", "")), str(protocol.get("hash", "")), str(manifest.get("operator", "")),
        str(manifest.get("started_utc", "")), "start", str(protocol.get("text", "")),
    )  # fmt: skip
    later = [
        RunRevision(
            int(entry["revision"]), int(entry.get("from_sequence") or 0),
            str((entry.get("protocol") or {}).get("name", "")), str((entry.get("protocol") or {}).get("hash", "")),
            str(entry.get("by", "")), str(entry.get("utc", "")), str(entry.get("reason", "")),
            str((entry.get("protocol") or {}).get("text", "")),
        )
        for entry in manifest.get("revisions") or []
        if int(entry["revision"]) > 1
    ]  # fmt: skip
    return (first, *later)
