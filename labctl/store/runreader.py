"""Read one run folder: live or ended, whole or damaged, without a lock and without changing anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labctl.model.record import RECORD_COLUMNS, RecordBlock
from labctl.store import folder as run_folder
from labctl.store import names, parquet, schemas
from labctl.store.digest import Digest
from labctl.store.disk import Disk, RealDisk
from labctl.store.lines import decode_line, read_lines
from labctl.store.receipt import Receipt
from labctl.store.verify import Finding, verify_folder

if TYPE_CHECKING:
    import pandas as pd

    from labctl.store.readers import LogMarks

_BACKFILLED = b'"backfilled": true'
"""As receipts say it."""


class RunReader:
    """A run folder as it is now. Rows behind ``end_sequence`` are not shown; ``tail`` has them."""

    def __init__(
        self, folder: Path | str, *, disk: Disk | None = None, marks: LogMarks | None = None
    ) -> None:
        """Read the manifest; ``marks`` spare reading live logs from their beginning (``labctl.store.readers``).

        Raises: StoreError if the folder has no manifest that can be read.
        """
        self.folder = Path(folder)
        self._marks = marks
        self._disk: Disk = disk or RealDisk()
        self.manifest: dict[str, Any] = schemas.read(self._disk, self.folder)

    @property
    def end_sequence(self) -> int | None:
        """Return the row whose content ended the run, ``None`` if the host did not end it."""
        value = self.manifest.get("end_sequence")
        return None if value is None else int(value)

    def revision_of(self, sequence: int) -> int:
        """Return the revision of the program under which a row was measured; 1 is the program of the start."""
        number = 1
        for entry in self.manifest.get("revisions") or []:
            first = entry.get("from_sequence")
            if first is not None and int(first) <= sequence:
                number = int(entry["revision"])
        return number

    def blocks(
        self, columns: Sequence[str] | None = None, first: int = 1, last: int | None = None
    ) -> Iterator[RecordBlock]:
        """Yield the rows ``first`` to ``last`` (inclusive) in order, a records file at a time: bounded
        memory.

        ``columns`` chooses among ``RECORD_COLUMNS`` and ``device_clock``; default all. Damaged rows are
        left out (``verify`` names them).
        """
        end = self.end_sequence
        last = end if last is None else last if end is None else min(last, end)
        present = self._disk.names(self.folder)
        logs = self._logs()
        for number in sorted({*logs, *names.sealed_numbers(present)}):
            if names.last_sequence_of(number) < first or (
                last is not None and names.last_sequence_of(number - 1) >= last
            ):
                continue
            block = self._file_block(number, logs.get(number, []), columns, first)
            sequence = block["sequence"]
            start = int(np.searchsorted(sequence, first))
            stop = len(sequence) if last is None else int(np.searchsorted(sequence, last, side="right"))
            if stop > start:
                chosen = block.columns if columns is None else {name: block[name] for name in columns}
                yield RecordBlock({name: column[start:stop] for name, column in chosen.items()})

    def _logs(self) -> dict[int, list[int]]:
        for _ in range(3):
            with contextlib.suppress(FileNotFoundError):  # a log was sealed while we looked: look again
                return run_folder.live_logs(self._disk, self.folder)
        return {}

    def _file_block(
        self, number: int, parts: Sequence[int], columns: Sequence[str] | None, first: int
    ) -> RecordBlock:
        """Return one records file; where it is sealed, only the wanted columns are read."""
        newest = self._newest(number, parts, first)
        if newest is not None:
            return newest
        if columns is not None and not parts and "device_clock" not in columns:
            wanted = list(dict.fromkeys(["sequence", *columns]))
            data = self._disk.read(self.folder / names.records_name(number))
            with contextlib.suppress(*parquet.DAMAGE):  # the slow way below saves what can be read
                return parquet.decode_records(data, wanted)
        try:
            return run_folder.load(self._disk, self.folder, number, parts).block
        except FileNotFoundError:  # sealed between listing and reading
            again = self._logs().get(number, [])
            return run_folder.load(self._disk, self.folder, number, again).block

    def _newest(self, number: int, parts: Sequence[int], first: int) -> RecordBlock | None:
        """Return the rows from ``first`` on of a file that has one log and nothing else, None for any other."""
        if (
            self._marks is None
            or len(parts) != 1
            or self._disk.size(self.folder / names.records_name(number))
        ):
            return None
        with contextlib.suppress(FileNotFoundError):  # sealed meanwhile
            return self._marks.rows(self._disk, self.folder / names.log_name(number, parts[0]), first)
        return None

    def records(
        self, columns: Sequence[str] | None = None, first: int = 1, last: int | None = None
    ) -> RecordBlock:
        """Return the rows ``first`` to ``last`` as one block; see ``blocks``."""
        found = list(self.blocks(columns, first, last))
        if found:
            return found[0] if len(found) == 1 else RecordBlock.joined(found)
        wanted = (
            run_folder.ALL_COLUMNS if columns is None else {n: run_folder.ALL_COLUMNS[n] for n in columns}
        )
        return RecordBlock.empty(wanted)

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the rows up to ``end_sequence`` as a pandas frame; ``columns`` chooses among ``RECORD_COLUMNS``."""
        chosen = list(RECORD_COLUMNS) if columns is None else list(columns)
        present = self._disk.names(self.folder)
        numbers = names.sealed_numbers(present)
        plain = isinstance(self._disk, RealDisk) and numbers and not self._logs()
        if plain and (self.end_sequence is None or names.TAIL in present or self._ends_sealed(numbers[-1])):
            with contextlib.suppress(*parquet.DAMAGE):  # block by block below leaves damaged rows out
                return parquet.read_frame([self.folder / names.records_name(n) for n in numbers], chosen)
        blocks = list(self.blocks(chosen))
        block = RecordBlock.joined(blocks) if blocks else self.records(chosen)
        import pandas as pd

        return pd.DataFrame(dict(block.columns))

    def _ends_sealed(self, number: int) -> bool:
        """Say whether the sealed files end where the run ended."""
        data = self._disk.read(self.folder / names.records_name(number))
        sequence = parquet.decode_records(data, ["sequence"])["sequence"]
        return len(sequence) > 0 and int(sequence[-1]) == self.end_sequence

    @property
    def last_sequence(self) -> int:
        """Return the last row's sequence (0 if there is none), not beyond ``end_sequence``."""
        present = self._disk.names(self.folder)
        logs = self._logs()
        numbers = sorted({*logs, *names.sealed_numbers(present)}, reverse=True)
        for number in numbers:
            last = names.last_sequence_of(number)
            newest = self._newest(number, logs.get(number, []), last)
            if newest is not None and len(newest):
                end = self.end_sequence
                return min(int(newest["sequence"][-1]), last if end is None else end)
            block = self.records(["sequence"], names.last_sequence_of(number - 1) + 1, last)
            if len(block):
                return int(block["sequence"][-1])
        return 0

    def tail(self) -> RecordBlock:
        """Return the rows that arrived behind ``end_sequence``, without clock texts."""
        end = self.end_sequence
        kept = run_folder.load_tail(self._disk, self.folder)
        found = [] if kept is None else [kept]
        if end is not None:
            present = self._disk.names(self.folder)
            logs = self._logs()
            for number in sorted({*logs, *names.sealed_numbers(present)}):
                if names.last_sequence_of(number) > end:
                    block = run_folder.load(self._disk, self.folder, number, logs.get(number, [])).block
                    found.append(block.rows(int(np.searchsorted(block["sequence"], end, side="right"))))
        return run_folder.once_each(found)

    def cycles(self) -> dict[str, NDArray[Any]]:
        """Return the cycle summary by column; empty before the first was written."""
        try:
            return parquet.decode_table(self._disk.read(self.folder / names.SUMMARY))
        except FileNotFoundError:
            return {}

    def events(self) -> list[dict[str, Any]]:
        """Return the events in order, including those that only the live log has."""
        return self._lines(names.EVENTS)

    def ambient(self) -> list[dict[str, Any]]:
        """Return the ambient readings in order (``test_time_s``, ``temperature_degC``, ``quality``)."""
        return self._lines(names.AMBIENT)

    def journal(self) -> list[dict[str, Any]]:
        """Return the journal in order; damaged lines are left out."""
        return [line.fields for line in read_lines(self._read(names.JOURNAL), chained=True).lines]

    def receipts(self) -> list[tuple[int, int, Receipt]]:
        """Return (first sequence, last sequence, receipt) of each block, in order."""
        kept = [raw for content in self._live() for raw in content.receipts]
        found = self._merged(names.RECEIPTS, kept)
        return [
            (first, int(fields["last"]), Receipt.from_json(fields)) for first, fields in sorted(found.items())
        ]

    def backfilled(self, first: int, last: int) -> NDArray[np.bool_]:
        """Tell of each of the rows ``first`` to ``last`` whether it was fetched after an outage. Shape: (n,)."""
        found = np.zeros(max(0, last - first + 1), dtype=bool)
        raws = []
        for number, parts in self._logs().items():
            if names.last_sequence_of(number) >= first and names.last_sequence_of(number - 1) < last:
                with contextlib.suppress(
                    FileNotFoundError
                ):  # sealed meanwhile: its receipts are in their file
                    raws += run_folder.load_logs(self._disk, self.folder, number, parts).receipts
        data = self._read(names.RECEIPTS)
        at = data.find(_BACKFILLED)
        while at >= 0:  # months have a hundred thousand receipts; few are of outages, and only those are read
            start, stop = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at) + 1
            raws.append(data[start:stop])
            at = data.find(_BACKFILLED, stop) if stop else -1
        for raw in raws:
            decoded = decode_line(raw) if _BACKFILLED in raw else None
            if decoded is not None:
                found[max(0, int(decoded[0]["n"]) - first) : max(0, int(decoded[0]["last"]) - first + 1)] = (
                    True
                )
        return found

    def _lines(self, name: str) -> list[dict[str, Any]]:
        kept = [raw for content in self._live() for file, raw in content.lines if file == name]
        return [fields for _, fields in sorted(self._merged(name, kept).items())]

    def _merged(self, name: str, kept: Sequence[bytes]) -> dict[int, dict[str, Any]]:
        """Return the lines of a file and those that a log kept, by number.

        The caller has read the logs first: a log that is sealed meanwhile has its lines in the file by then.
        """
        found = {int(decoded[0]["n"]): decoded[0] for raw in kept if (decoded := decode_line(raw))}
        return found | {line.number: line.fields for line in read_lines(self._read(name)).lines}

    def _live(self) -> Iterator[run_folder.Content]:
        for number, parts in self._logs().items():
            try:
                yield run_folder.load_logs(self._disk, self.folder, number, parts)
            except FileNotFoundError:
                continue  # sealed meanwhile: its lines are in their files

    def _read(self, name: str) -> bytes:
        try:
            return self._disk.read(self.folder / name)
        except FileNotFoundError:
            return b""

    def digest(self) -> str:
        """Return the hash of the rows up to ``end_sequence``; see ``labctl.store.digest``."""
        digest = Digest()
        for block in self.blocks(list(RECORD_COLUMNS)):  # without clock texts, which cost most
            digest.update(block)
        return digest.hexdigest()

    def verify(self) -> list[Finding]:
        """Check every file of the run; an empty list means whole."""
        return verify_folder(self._disk, self.folder)
