"""Write one run: acknowledged means durable (P4, I01).

``append`` writes one frame per block to the live log, ``commit`` makes everything since the last one
durable with a single fdatasync and seals a full log to Parquet. Events, ambient readings and receipts ride
in the log and reach their own files later, so they cost no sync of their own. The journal is synced line by
line: it is written before a command leaves.

All calls are synchronous and belong to one thread.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from labctl.errors import InvariantError, StoreError
from labctl.model.ids import RunId
from labctl.model.record import RecordBlock
from labctl.store import folder as run_folder
from labctl.store import names, parquet, schemas
from labctl.store.disk import replace_file
from labctl.store.frames import FrameKind, pack_line, pack_records
from labctl.store.linewriter import LineWriter
from labctl.store.manifest import read_manifest, restore_manifest, write_manifest
from labctl.store.receipt import Receipt
from labctl.store.root import DataRoot
from labctl.store.seal import cut_tail, seal
from labctl.store.segment import Segment

__all__ = ["Receipt", "RunWriter"]

SCHEMA = f"{schemas.FAMILY}/{schemas.VERSION}"
RECEIPTS_WAITING_MAX = 64
"""Receipts are in the log already; their own file is written in strides of this many."""
LINES_UNSYNCED_BYTES = 16 * 1024
"""Lines are kept until their file is synced: at a seal, or when they are once to twice as much as this (I14). How much
exactly depends on the run's name, so that a thousand runs do not sync in the same second."""


class RunWriter:
    """The one writer of one run folder. Made by ``create`` or ``reopen``.

    ``manifest`` is the present ``run.json``. ``last_sequence`` is the last row appended,
    ``durable_sequence`` the last acknowledged. ``troubles`` are sentences about disk errors and damage met
    so far; each is an event too (P8).
    """

    def __init__(self, root: DataRoot, folder: Path, manifest: dict[str, Any]) -> None:
        """Use ``create`` or ``reopen`` instead: this opens the line files and no log."""
        self.folder = folder
        self.manifest = manifest
        self.last_sequence = 0
        self.durable_sequence = 0
        self.troubles: list[str] = []
        self._untold: list[str] = []
        self._frozen: list[str] = []
        self._disk = root.disk
        self._unsynced_max = LINES_UNSYNCED_BYTES + zlib.crc32(folder.name.encode()) % LINES_UNSYNCED_BYTES
        self._last: RecordBlock | None = None
        self._last_test_time_s = -np.inf
        self._segments: list[Segment] = []
        self._lines = {
            name: LineWriter(self._disk, folder / name, on_trouble=self._on_frozen)
            for name in (names.EVENTS, names.RECEIPTS, names.AMBIENT)
        }
        self._journal = LineWriter(
            self._disk, folder / names.JOURNAL, chained=True, on_trouble=self._on_frozen
        )

    # -- opening --

    @classmethod
    def create(cls, root: DataRoot, run_id: RunId, manifest: Mapping[str, Any], utc: datetime) -> Self:
        """Create the run's folder and ``run.json``, durably; ``utc`` (plant time) chooses the month.

        Raises: StoreError if the id is taken or unfit, or the disk refuses.
        """
        folder = root.make_run_folder(run_id, utc)
        content = {"schema": SCHEMA, "run_id": run_id, **manifest}
        content.setdefault("end_sequence", None)
        try:
            write_manifest(root.disk, folder, content)
            return cls(root, folder, content)
        except OSError as error:
            raise StoreError(f"Cannot write the manifest of {run_id}: {error}") from error

    @classmethod
    def reopen(cls, root: DataRoot, run_id: RunId) -> Self:
        """Open an existing run to go on writing: cut torn tails, restore lines that only the log has,
        finish seals.

        Every row counted by ``last_sequence`` is durable afterwards. Raises: StoreError.
        """
        folder = root.run_folder(run_id)
        try:
            manifest = schemas.taken_up(root.disk, folder, read_manifest(root.disk, folder))
            writer = cls(root, folder, manifest)
            writer._recover()
        except OSError as error:
            raise StoreError(f"Cannot reopen {run_id}: {error}") from error
        return writer

    def _recover(self) -> None:
        restore_manifest(self._disk, self.folder, self.manifest)
        present = self._disk.names(self.folder)
        for name in present:
            if name.endswith(names.TEMPORARY_SUFFIX):
                self._disk.unlink(self.folder / name)
        logs = run_folder.live_logs(self._disk, self.folder)
        for number, parts in sorted(names.log_parts(present).items(), reverse=True):
            if number not in logs:  # from the last on, each durably: none may come back alone
                for part in parts:
                    self._disk.unlink(self.folder / names.log_name(number, part))
                self._disk.sync_folder(self.folder)
        sealed = names.sealed_numbers(present)
        block: RecordBlock | None = None
        for number in sorted({*logs, *sealed[-1:]}):
            content = run_folder.load(self._disk, self.folder, number, logs.get(number, []))
            for text in content.damages:
                self._on_trouble(text)
            for name, line in content.lines:
                if name in self._lines:
                    self._lines[name].restore(line)
            for receipt in content.receipts:
                self._lines[names.RECEIPTS].restore(receipt)
            if number in logs:
                self._segments.append(
                    self._resumed(number, logs[number], content.scans[logs[number][-1]].end)
                )
            if len(content.block):
                block = content.block
        for lines in self._lines.values():
            lines.mend()
        tail = run_folder.load_tail(self._disk, self.folder)
        if tail is not None and (block is None or tail["sequence"][-1] > block["sequence"][-1]):
            block = tail
        if block is not None:
            self._last = block.rows(len(block) - 1)
            self.last_sequence = self.durable_sequence = int(block["sequence"][-1])
            self._last_test_time_s = float(block["test_time_second"][-1])
        self._seal_full()
        self._tell_troubles()

    def _resumed(self, number: int, parts: Sequence[int], end: int) -> Segment:
        """Return the log of a records file, all parts of it durable, to be written on in its last part."""
        for part in parts[:-1]:
            file = self._disk.open(self.folder / names.log_name(number, part))
            try:
                file.sync()
            finally:
                file.close()
        on_trouble = self._on_frozen
        return Segment(self._disk, self.folder, number, part=parts[-1], resume_at=end, on_trouble=on_trouble)

    # -- rows --

    @property
    def last_row(self) -> dict[str, Any] | None:
        """Return the last appended row by column name, ``None`` before the first."""
        if self._last is None:
            return None
        return {name: column[-1].item() for name, column in self._last.columns.items()}

    def append(self, block: RecordBlock, receipt: Receipt) -> None:
        """Write a block to the log; it is acknowledged by the next ``commit``.

        Raises: InvariantError (I02, I03) and changes nothing when sequences or test times do not continue
        the run.
        """
        rows = len(block)
        if rows == 0:
            return
        self._check_order(block, rows)
        start = 0
        while start < rows:
            first = self.last_sequence + 1
            number = names.file_number(first)
            room = names.last_sequence_of(number) - self.last_sequence
            stop = min(rows, start + room)
            piece = block if start == 0 and stop == rows else block.rows(start, stop)
            fields = {"last": first + stop - start - 1, **receipt.to_json()}
            line = self._lines[names.RECEIPTS].add(fields, number=first)
            payload = pack_records(piece, line.raw)
            self._segment(number).write(FrameKind.RECORDS, payload, rows=stop - start, first_sequence=first)
            self.last_sequence += stop - start
            start = stop
        self._last = block
        self._last_test_time_s = float(block["test_time_second"][-1])

    def _check_order(self, block: RecordBlock, rows: int) -> None:
        sequence = block["sequence"]
        first = int(sequence[0])
        if first != self.last_sequence + 1:
            raise InvariantError(
                "I02", f"row {first} cannot follow row {self.last_sequence} of {self.folder.name}"
            )
        time_s = block["test_time_second"]
        if rows > 1:
            if not ((sequence[1:] - sequence[:-1]) == 1).all():
                raise InvariantError(
                    "I03", f"the sequences of a block for {self.folder.name} do not rise by one"
                )
            if not (time_s[1:] >= time_s[:-1]).all():
                raise InvariantError("I03", f"the test time falls inside a block for {self.folder.name}")
        if time_s[0] < self._last_test_time_s:
            raise InvariantError(
                "I03", f"test time {time_s[0]} s follows {self._last_test_time_s} s in {self.folder.name}"
            )

    def _segment(self, number: int) -> Segment:
        for segment in reversed(self._segments):
            if segment.number == number:
                return segment
        parts = names.log_parts(self._disk.names(self.folder)).get(number, [0])
        segment = Segment(self._disk, self.folder, number, part=parts[-1], on_trouble=self._on_frozen)
        self._segments.append(segment)
        return segment

    def commit(self) -> int:
        """Make everything written so far durable and return the last durable sequence; full logs are
        sealed.

        Raises: StoreError when no disk takes the data: nothing is acknowledged, all of it waits for the
        next commit.
        """
        for segment in self._segments:
            segment.commit()
        self.durable_sequence = self.last_sequence
        if any(map(self._is_full, self._segments)):
            self._seal_full()
        events = self._lines[names.EVENTS]
        if events.waiting or self._lines[names.RECEIPTS].waiting >= RECEIPTS_WAITING_MAX:
            self._flush_lines()
        self._tell_troubles()
        return self.durable_sequence

    @staticmethod
    def sync_together(writers: Sequence[RunWriter]) -> None:
        """Sync the logs of several runs at once; ``commit`` of each then has little left to do. Raises nothing.

        One after the other, the syncs of a thousand runs cost seconds on a disk that is busy.
        """
        waiting = [
            (segment, file)
            for writer in {id(writer): writer for writer in writers}.values()
            for segment in writer._segments
            if (file := segment.unsynced()) is not None
        ]
        if len(waiting) > 1:
            errors = writers[0]._disk.sync_all([file for _, file in waiting])
            for (segment, _), error in zip(waiting, errors, strict=True):
                segment.synced(error)

    def _is_full(self, segment: Segment) -> bool:
        return self.durable_sequence >= names.last_sequence_of(segment.number)

    # -- beside the rows --

    def event(self, kind: str, **fields: Any) -> None:
        """Note what happened; durable with the next ``commit``. Values must be JSON."""
        self._add_line(names.EVENTS, {"kind": kind, **fields})

    def ambient(self, test_time_s: float, temperature_degC: float | None, quality: int = 0) -> None:
        """Note a chamber or room temperature, None for a BAD one; durable with the next ``commit``."""
        self._add_line(
            names.AMBIENT,
            {"test_time_s": test_time_s, "temperature_degC": temperature_degC, "quality": quality},
        )

    def _add_line(self, name: str, fields: Mapping[str, Any]) -> None:
        line = self._lines[name].add(fields)
        self._segment(names.file_number(self.last_sequence + 1)).write(
            FrameKind.LINE, pack_line(name, line.raw)
        )

    def journal(self, kind: str, **fields: Any) -> None:
        """Note a decision, durable at once: call it before a command leaves. Raises: StoreError."""
        self._journal.add({"kind": kind, **fields})
        if (trouble := self._journal_trouble()) is not None:
            raise trouble

    @staticmethod
    def journal_together(
        entries: Sequence[tuple[RunWriter, str, Mapping[str, Any]]],
    ) -> list[StoreError | None]:
        """Note a decision in the journals of several runs with one sync for all; returns what each would raise."""
        for writer, kind, fields in entries:
            writer._journal.add({"kind": kind, **fields})
        waiting = [
            (writer._journal, file)
            for writer, _, _ in entries
            if len(entries) > 1 and (file := writer._journal.unsynced()) is not None
        ]
        if waiting:
            errors = entries[0][0]._disk.sync_all([file for _, file in waiting])
            for (journal, _), error in zip(waiting, errors, strict=True):
                journal.synced(error)
        return [writer._journal_trouble() for writer, _, _ in entries]

    def _journal_trouble(self) -> StoreError | None:
        try:
            self._journal.sync()
        except OSError as error:
            return StoreError(f"Cannot write the journal of {self.folder.name}: {error}")
        return None

    def update_manifest(self, **fields: Any) -> None:
        """Change keys of ``run.json``, durable at once. Raises: StoreError, then nothing is changed."""
        changed = {**self.manifest, **fields}
        try:
            write_manifest(self._disk, self.folder, changed)
        except OSError as error:
            raise StoreError(f"Cannot write the manifest of {self.folder.name}: {error}") from error
        self.manifest = changed

    def write_cycles(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Replace ``summary.parquet``: one row per cycle, columns as given. Raises: StoreError."""
        try:
            replace_file(self._disk, self.folder / names.SUMMARY, parquet.encode_table(columns))
        except OSError as error:
            raise StoreError(f"Cannot write the summary of {self.folder.name}: {error}") from error

    # -- sealing and closing --

    def _seal_full(self) -> None:
        full = [segment for segment in self._segments if self._is_full(segment)]
        for segment in full:
            try:
                self._seal(segment)
            except (OSError, StoreError) as error:  # the log keeps everything: try again at the next full log
                self._on_trouble(f"records file {segment.number} cannot be sealed yet: {error}")

    def _seal(self, segment: Segment) -> None:
        for lines in self._lines.values():
            lines.sync()
        segment.close()
        parts = names.log_parts(self._disk.names(self.folder)).get(segment.number, [])
        for text in seal(self._disk, self.folder, segment.number, parts):
            self._on_trouble(text)
        self._segments.remove(segment)

    def _flush_lines(self) -> None:
        for lines in self._lines.values():
            try:
                lines.flush()
                if lines.unsynced_bytes >= self._unsynced_max:
                    lines.sync()
            except OSError as error:
                self._on_trouble(f"a line file cannot be written: {error}")

    def _on_trouble(self, text: str) -> None:
        self.troubles.append(text)
        self._untold.append(text)

    def _on_frozen(self, text: str) -> None:
        self._frozen.append(text)
        self._on_trouble(text)

    def take_frozen(self) -> list[str]:
        """Return a sentence for each file frozen since the last call: CRITICAL, although its rows may be safe (S2)."""
        found, self._frozen = self._frozen, []
        return found

    def _tell_troubles(self) -> None:
        untold, self._untold = self._untold, []
        for text in untold:
            self.event("store.trouble", text=text)

    def finish(self, end_sequence: int | None) -> None:
        """Commit, note ``end_sequence`` in the manifest, seal everything and close.

        Rows behind ``end_sequence`` (or the one noted before, when ``None``) go to ``tail.parquet``;
        ``None`` keeps them all. Raises: StoreError; the run can then be reopened and finished again.
        """
        self.commit()
        if end_sequence is None:
            end_sequence = self.manifest.get("end_sequence")
        if self.manifest.get("end_sequence") != end_sequence:
            self.update_manifest(end_sequence=end_sequence)
        try:
            self.commit()
            for segment in list(self._segments):
                self._seal(segment)
            for lines in self._lines.values():
                lines.sync()
            if end_sequence is not None and end_sequence < self.last_sequence:
                cut_tail(self._disk, self.folder, end_sequence)
        except OSError as error:
            raise StoreError(f"Cannot seal {self.folder.name}: {error}") from error
        finally:
            self.close()

    def close(self) -> None:
        """Close the files without syncing; what was not committed is not acknowledged."""
        with contextlib.suppress(OSError):
            for lines in self._lines.values():
                lines.flush()
        for segment in self._segments:
            segment.close()
        for lines in (*self._lines.values(), self._journal):
            lines.close()
        self._segments.clear()
