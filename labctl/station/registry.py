"""The registry: cells, electrodes and batches with their revisions, which cell sits in which channel, and its history.

Truth is in two chained files, ``cells.jsonl`` and ``station/registry.jsonl``; the catalogue is an index of the first.
Corrections are new revisions with who, when and why; rows are never touched. Who loads a cell states what is in the
channel: from then on commands and rows of that channel belong to that cell (I08).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from labctl.clock import Clock
from labctl.config.celltable import EntryTable, read_entries
from labctl.errors import StoreError, UserInputError
from labctl.model.cell import (
    Batch,
    Cell,
    CellEvent,
    Electrode,
    EntryKind,
    HistoryKind,
    ImportReport,
    Revision,
    completed,
)  # fmt: skip
from labctl.model.ids import CellId, ChannelId
from labctl.model.latest import NewestRevision
from labctl.model.person import STATION, Actor
from labctl.model.typed import from_plain
from labctl.station import cellimport
from labctl.station.cellsfile import CellsFile
from labctl.station.electrodes import Act, E, Shelf, line_of, revision_of
from labctl.station.feed import Feed
from labctl.station.ledger import Ledger
from labctl.station.places import Loaded, Places
from labctl.station.registryfeed import show
from labctl.store.manifest import read_manifest
from labctl.store.root import DataRoot
from labctl.worker import Worker


class Journals(Protocol):
    """What the registry needs of the audit journal."""

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
        """Write who did what to which subject, durably."""


class Registry:
    """Cells and where they are. Used on the event loop; changes are made one after the other.

    ``places.busy`` and ``places.channels`` are for the station to set. ``on_channel`` hears of every channel whose cell
    or readiness changed. ``problems`` are sentences about damaged lines found so far.
    """

    def __init__(self, root: DataRoot, worker: Worker, feed: Feed, audit: Journals, clock: Clock) -> None:
        """Take its parts; ``open`` reads the files."""
        self.places = Places()
        self.on_channel: list[Callable[[ChannelId], None]] = []
        self.problems: list[str] = []
        self._root = root
        self._worker = worker
        self._feed = feed
        self._audit = audit
        self._clock = clock
        self._turn = asyncio.Lock()
        self._file = CellsFile(root)
        self._ledger = Ledger(root, worker, "registry")
        self._cells: Shelf[Cell] = Shelf(EntryKind.CELL, Cell, lambda cell: cell.cell_id)
        self._electrodes: Shelf[Electrode] = Shelf(
            EntryKind.ELECTRODE, Electrode, lambda electrode: electrode.electrode_id
        )
        self._batches: Shelf[Batch] = Shelf(EntryKind.BATCH, Batch, lambda batch: batch.batch_id)
        self._unwritten: list[dict[str, Any]] = []

    # -- opening ----------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read the files; runs and cells that only run folders know are taken from there. Raises: StoreError."""
        content = await self._ledger.open()
        self.problems += [
            f"station/registry.jsonl: line {line} does not fit its check" for line in content.bad
        ]
        for line in content.lines:
            try:
                self._replay(line.fields)
            except (KeyError, TypeError, ValueError) as error:
                self.problems.append(f"station/registry.jsonl: line {line.number} cannot be used ({error})")
        async with self._turn:
            await self._look()
            problem = await self._worker.call(self._file.index, self._cells.every_revision())
            if problem:
                self.problems.append(problem)
            manifests = await self._worker.call(self._unknown_runs, frozenset(self.places.runs))
            for manifest in manifests:
                try:
                    self._take_run(manifest)
                except (AttributeError, KeyError, TypeError, ValueError) as error:
                    self.problems.append(f"{manifest['run_id']}: its run.json cannot be used ({error})")
            await self._take_cells(manifests)
            await self._flush()

    def _replay(self, line: Mapping[str, Any]) -> None:
        kind = str(line["kind"])
        if kind == EntryKind.ELECTRODE:
            self._electrodes.put(revision_of(line, EntryKind.ELECTRODE))
        elif kind == EntryKind.BATCH:
            self._batches.put(revision_of(line, EntryKind.BATCH))
        else:
            self.places.apply(line)

    def _unknown_runs(self, known: frozenset[str]) -> list[dict[str, Any]]:
        """Read the manifests of the runs that the ledger does not name. Runs in the worker."""
        found = []
        for folder in self._root.run_folders():
            if folder.name not in known:
                try:
                    found.append({**read_manifest(self._root.disk, folder), "run_id": folder.name})
                except StoreError as error:
                    self.problems.append(str(error))
        return found

    def _take_run(self, manifest: Mapping[str, Any]) -> None:
        cell = manifest.get("cell") or {}
        line = {
            "kind": "run",
            "run_id": str(manifest["run_id"]),
            "cell_id": str(cell.get("cell_id", "")),
            "channel": str(manifest.get("channel", "")),
            "utc": str(manifest.get("started_utc") or ""),
        }
        self.places.apply(line)
        self._unwritten.append(line)

    async def _take_cells(self, manifests: list[dict[str, Any]]) -> None:
        """Register cells that only a copied run folder names, as it names them."""
        known = {cell.cell_id for cell in self._cells.all()}
        revisions = []
        for manifest in manifests:
            try:
                values = dict(manifest.get("cell") or {})
                cell_id = CellId(str(values.get("cell_id", "")))
                if cell_id and cell_id not in known:
                    from_plain(Cell, values)
            except (TypeError, ValueError) as error:
                self.problems.append(
                    f"{manifest['run_id']}: the cell in its run.json cannot be used ({error})"
                )
                continue
            if cell_id and cell_id not in known:
                known.add(cell_id)
                reason = f"taken from run {manifest['run_id']}"
                revisions.append(Revision(1, STATION.name, self._utc(), reason, values))
        await self._keep(self._cells, revisions)

    async def _look(self) -> None:
        """Take cells that another program has added to the file."""
        found = await self._worker.call(self._file.look)
        self.problems += found.problems
        for revision in found.revisions:
            try:
                self._cells.put(revision)
            except ValueError as error:
                self.problems.append(f"cells.jsonl: a revision cannot be used ({error})")
            else:
                show(self._feed, self._cells, (revision,), self._cells, self._completed)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        self._ledger.close()

    # -- cells ------------------------------------------------------------------------------------------------------

    def cells(self) -> tuple[Cell, ...]:
        """Return every cell, by id, completed from its electrode and batch."""
        return tuple(self._completed(cell) for cell in self._cells.all())

    def cell(self, cell_id: CellId | str) -> Cell:
        """Return a cell, completed from its electrode and batch. Raises: UserInputError naming near ids."""
        return self._completed(self._cells.get(cell_id))

    def find(self, cell_id: CellId | str) -> Cell | None:
        """Return a cell as ``cell`` does, None if it is not registered."""
        known = self._cells.find(cell_id)
        return None if known is None else self._completed(known)

    def registered(self, cell_id: CellId | str) -> Cell:
        """Return a cell with nothing but what its own entry says. Raises: UserInputError naming near ids."""
        return self._cells.get(cell_id)

    def _completed(self, cell: Cell) -> Cell:
        return completed(cell, self._electrodes.find(cell.electrode), self._batches.find(cell.batch))

    def revisions(self, cell_id: CellId | str) -> tuple[Revision, ...]:
        """Return the revisions of a cell, oldest first. Raises: UserInputError."""
        return self._cells.revisions(cell_id)

    def history(self, cell_id: CellId | str) -> tuple[CellEvent, ...]:
        """Return what happened to a cell, oldest first. Raises: UserInputError."""
        made = [
            CellEvent(
                HistoryKind.REGISTERED if revision.revision == 1 else HistoryKind.CORRECTED,
                revision.utc,
                revision.by,
                text="; ".join([*revision.changed, *([revision.reason] if revision.reason else [])]),
            )
            for revision in self._cells.revisions(cell_id)
        ]
        return tuple(sorted([*made, *self.places.events(cell_id)], key=lambda event: event.utc[:19]))

    async def add_cell(self, actor: Actor, cell: Cell, *, reason: str = "") -> None:
        """Register a new cell. Raises: UserInputError, ConflictError (id taken), StoreError."""
        await self._add(actor, self._cells, cell, reason)

    async def update_cell(self, actor: Actor, cell: Cell, reason: str, *, revision: int | None = None) -> int:
        """Store a correction and return the revision's number; an equal cell changes nothing.

        ``revision`` is the one that the correction was decided on. Raises: UserInputError, ConflictError, StoreError.
        """
        return await self._correct(actor, self._cells, cell, reason, revision)

    # -- electrodes and batches -------------------------------------------------------------------------------------

    def electrodes(self) -> tuple[Electrode, ...]:
        """Return every electrode, by id."""
        return self._electrodes.all()

    def electrode(self, electrode_id: str) -> Electrode:
        """Return an electrode. Raises: UserInputError naming near ids."""
        return self._electrodes.get(electrode_id)

    def electrode_revisions(self, electrode_id: str) -> tuple[Revision, ...]:
        """Return the revisions of an electrode, oldest first. Raises: UserInputError."""
        return self._electrodes.revisions(electrode_id)

    async def add_electrode(self, actor: Actor, electrode: Electrode, *, reason: str = "") -> None:
        """Register a new electrode or sheet. Raises: UserInputError, ConflictError, StoreError."""
        await self._add(actor, self._electrodes, electrode, reason)

    async def update_electrode(
        self, actor: Actor, electrode: Electrode, reason: str, *, revision: int | None = None
    ) -> int:
        """Store a correction, which corrects the cells made of it; returns the revision. Raises as ``update_cell``."""
        return await self._correct(actor, self._electrodes, electrode, reason, revision)

    def batches(self) -> tuple[Batch, ...]:
        """Return every batch, by id."""
        return self._batches.all()

    def batch(self, batch_id: str) -> Batch:
        """Return a batch. Raises: UserInputError naming near ids."""
        return self._batches.get(batch_id)

    def batch_revisions(self, batch_id: str) -> tuple[Revision, ...]:
        """Return the revisions of a batch, oldest first. Raises: UserInputError."""
        return self._batches.revisions(batch_id)

    async def add_batch(self, actor: Actor, batch: Batch, *, reason: str = "") -> None:
        """Register a new batch. Raises: UserInputError, ConflictError, StoreError."""
        await self._add(actor, self._batches, batch, reason)

    async def update_batch(
        self, actor: Actor, batch: Batch, reason: str, *, revision: int | None = None
    ) -> int:
        """Store a correction of a batch; returns the revision. Raises as ``update_cell``."""
        return await self._correct(actor, self._batches, batch, reason, revision)

    # -- what all three nouns share ---------------------------------------------------------------------------------

    async def _add(self, actor: Actor, shelf: Shelf[E], entry: E, reason: str) -> None:
        async with self._turn:
            await self._look()
            self._check(entry)
            revision = shelf.addition(entry, self._act(actor, reason))
            await self._keep(shelf, [revision])
            await self._tell(actor, f"{shelf.kind.value}.add", shelf.id_of(entry), None, revision)

    async def _correct(
        self, actor: Actor, shelf: Shelf[E], entry: E, reason: str, expected: int | None
    ) -> int:
        async with self._turn:
            await self._look()
            self._check(entry)
            entry_id = shelf.id_of(entry)
            made = shelf.correction(entry, self._act(actor, reason), expected)
            if made is not None:
                old = shelf.revisions(entry_id)[-1]
                await self._keep(shelf, [made])
                await self._tell(actor, f"{shelf.kind.value}.correct", entry_id, old, made)
            return shelf.latest_revision(entry_id)

    def _check(self, entry: Cell | Electrode | Batch) -> None:
        """Check that what an entry refers to is registered. Raises: UserInputError."""
        if isinstance(entry, Cell):
            for electrode in (entry.electrode, entry.counter_electrode):
                if electrode:
                    self._electrodes.get(electrode)
        elif isinstance(entry, Electrode):
            self._electrodes.check_lineage(entry.electrode_id, entry.parent, lambda known: known.parent)
        else:
            self._batches.check_lineage(entry.batch_id, entry.parent, lambda known: known.parent)

    async def _keep(self, shelf: Shelf[E], revisions: Sequence[Revision]) -> None:
        """Make revisions durable with one sync, then believe them."""
        if shelf.kind is not EntryKind.CELL:
            await self._flush(*(line_of(revision, shelf.kind) for revision in revisions))
        elif revisions:
            await self._worker.call(self._file.add, revisions)
            problem = await self._worker.call(self._file.index, revisions)
            if problem:
                self.problems.append(problem)
        for revision in revisions:
            shelf.put(revision)
        show(self._feed, shelf, revisions, self._cells, self._completed)

    def newest(self) -> tuple[NewestRevision, ...]:
        """Return the newest revision of every entry: what a correction is decided on."""
        return (*self._cells.newest(), *self._electrodes.newest(), *self._batches.newest())

    async def _flush(self, *lines: dict[str, Any]) -> None:
        """Append lines to the ledger, and before them those that nobody waited for."""
        waiting = [*self._unwritten, *lines]
        if waiting:
            await self._ledger.add(*waiting)
            del self._unwritten[: len(waiting) - len(lines)]

    def _act(self, actor: Actor, reason: str) -> Act:
        return Act(actor.name, self._utc(), reason)

    def _utc(self) -> str:
        return self._clock.plant.utc().isoformat(timespec="milliseconds")

    async def _tell(self, actor: Actor, what: str, subject: str, old: Revision | None, new: Revision) -> None:
        await self._audit.write(
            actor,
            what,
            subject=subject,
            old=None if old is None else dict(old.values),
            new=dict(new.values),
            reason=new.reason,
        )
        event = {
            "kind": what,
            "id": subject,
            "revision": new.revision,
            "by": new.by,
            "changed": list(new.changed),
        }
        self._feed.publish("event", what, {**event, "utc": new.utc})
        for channel, place in self.places.loaded.items():
            if place.cell_id == subject:
                self._changed(channel)

    # -- import -----------------------------------------------------------------------------------------------------

    async def import_table(
        self,
        actor: Actor,
        name: str,
        data: bytes,
        *,
        kind: EntryKind = EntryKind.CELL,
        dry_run: bool = False,
        answers: Mapping[str, str] | None = None,
        reason: str = "",
    ) -> ImportReport:
        """Register and correct entries from a table (CSV, XLSX, pasted text); rows with a question or a problem wait.

        ``name`` is what the table is called in messages; ``answers`` are by question key: ``keep`` or a number.
        Raises: UserFileError where the table as a whole cannot be used, StoreError.
        """
        table = await self._worker.call(read_entries, data, name, kind)
        async with self._turn:
            await self._look()
            if kind is EntryKind.CELL:
                return await self._import(actor, self._cells, name, table, dry_run, answers or {}, reason)
            if kind is EntryKind.ELECTRODE:
                return await self._import(
                    actor, self._electrodes, name, table, dry_run, answers or {}, reason
                )
            return await self._import(actor, self._batches, name, table, dry_run, answers or {}, reason)

    async def _import(
        self,
        actor: Actor,
        shelf: Shelf[E],
        name: str,
        table: EntryTable,
        dry_run: bool,
        answers: Mapping[str, str],
        reason: str,
    ) -> ImportReport:
        act = self._act(actor, reason or f"imported from {name}")
        plan = cellimport.planned(shelf, table, answers, act, self._check)
        if not dry_run and plan.revisions:
            await self._keep(shelf, plan.revisions)
            ids = list(plan.ids)
            await self._audit.write(
                actor, f"{shelf.kind.value}.import", subject=name, new={"stored": ids}, reason=act.reason
            )
            for entry_id in ids:
                self._feed.publish(
                    "event", f"{shelf.kind.value}.import", {"id": entry_id, "by": act.by, "utc": act.utc}
                )
        return ImportReport(name, dry_run, plan.rows)

    # -- where cells are --------------------------------------------------------------------------------------------

    def loaded(self, channel: ChannelId) -> CellId | None:
        """Return the cell that sits in a channel, None for an empty one."""
        found = self.places.loaded.get(channel)
        return None if found is None else found.cell_id

    def where(self, cell_id: CellId | str) -> ChannelId | None:
        """Return the channel that a cell sits in, None if it sits in none."""
        return self.places.where(cell_id)

    def ready(self, channel: ChannelId) -> bool:
        """Tell whether a person has said that the cell in the channel may be started."""
        found = self.places.loaded.get(channel)
        return found is not None and found.ready

    async def load(self, actor: Actor, channel: ChannelId, cell_id: CellId, reason: str = "") -> None:
        """State that a cell has been put into a channel.

        Raises: UserInputError (unknown cell or channel, channel busy), ConflictError (the channel holds a cell, the
        cell sits elsewhere), StoreError.
        """
        async with self._turn:
            await self._look()
            self._cells.get(cell_id)
            self.places.check_load(channel, cell_id)
            await self._do(actor, {"kind": "load", "channel": channel, "cell_id": cell_id}, reason)

    async def eject(self, actor: Actor, channel: ChannelId, reason: str = "") -> None:
        """State that a channel's cell has been taken out. Raises: UserInputError (busy), ConflictError (empty)."""
        async with self._turn:
            cell_id = self.places.check_eject(channel)
            await self._do(actor, {"kind": "eject", "channel": channel, "cell_id": cell_id}, reason)

    async def set_ready(self, actor: Actor, channel: ChannelId, ready: bool, reason: str = "") -> None:
        """State that the cell in a channel may be started, or no longer. Raises: UserInputError, StoreError."""
        async with self._turn:
            present = self.places.loaded.get(channel)
            if present is None:
                raise UserInputError(f"{channel} holds no cell that could be ready; load one first.")
            if present.ready != ready:
                await self._do(actor, {"kind": "ready", "channel": channel, "ready": ready}, reason)

    async def _do(self, actor: Actor, fields: dict[str, Any], reason: str) -> None:
        """Make an act on a channel durable, believe it, journal it, tell it."""
        line = {**fields, "by": actor.name, "utc": self._utc(), "reason": reason}
        channel = ChannelId(str(fields["channel"]))
        old = self.places.loaded.get(channel)
        await self._flush(line)
        self.places.apply(line)
        new = self.places.loaded.get(channel)
        what = f"channel.{fields['kind']}"
        await self._audit.write(actor, what, subject=channel, old=_place(old), new=_place(new), reason=reason)
        self._feed.publish("event", what, line)
        self._changed(channel)

    def _changed(self, channel: ChannelId) -> None:
        for call in self.on_channel:
            call(channel)

    def note_run(self, run_id: str, cell_id: CellId, channel: ChannelId) -> None:
        """Put a run into a cell's history; durable with the next act or ``flush``: the run's folder names both too."""
        if run_id not in self.places.runs:
            fields = {
                "kind": "run",
                "run_id": run_id,
                "cell_id": cell_id,
                "channel": channel,
                "utc": self._utc(),
            }
            self.places.apply(fields)
            self._unwritten.append(fields)

    async def flush(self) -> None:
        """Write what ``note_run`` noted."""
        async with self._turn:
            await self._flush()


def _place(loaded: Loaded | None) -> dict[str, Any] | None:
    return None if loaded is None else {"cell_id": loaded.cell_id, "ready": loaded.ready}
