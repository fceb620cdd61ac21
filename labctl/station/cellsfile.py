"""The registry's truth about cells: ``cells.jsonl``, one chained line per revision, and the search index beside it.

Other programs may add a line while the station runs (``labctl cells add`` on an older version): a file that has
grown is read again before the next line, so that nobody's line is overwritten. Runs in the station's worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labctl.errors import LabctlError, StoreError
from labctl.model.cell import EntryKind, Revision
from labctl.station.electrodes import line_of, revision_of
from labctl.store.catalogue import CELLS_FILE, Catalogue, cell_from_json
from labctl.store.disk import RealDisk
from labctl.store.lines import read_lines
from labctl.store.linewriter import LineWriter
from labctl.store.root import DataRoot


@dataclass(frozen=True, slots=True)
class CellLines:
    """What a look at the file gave: revisions not seen before, and sentences about damaged lines."""

    revisions: tuple[Revision, ...]
    problems: tuple[str, ...]


class CellsFile:
    """The file of cells. All methods block: call them in the worker."""

    def __init__(self, root: DataRoot) -> None:
        self._path = root.path / CELLS_FILE
        self._root = root
        self._disk = root.disk
        self._writer: LineWriter | None = None
        self._size = 0
        self._seen = 0

    def look(self) -> CellLines:
        """Return the revisions that came since the last look. Raises: StoreError."""
        try:
            if self._writer is not None and (self._disk.size(self._path) or 0) == self._size:
                return CellLines((), ())
            self.close()
            self._writer = LineWriter(self._disk, self._path, chained=True)
            data = self._disk.read(self._path) if self._disk.size(self._path) is not None else b""
        except OSError as error:
            raise StoreError(f"Cannot open {self._path}: {error}") from error
        self._size = len(data)
        content = read_lines(data, chained=True)
        problems = [f"{CELLS_FILE}: line {number} does not fit its check" for number in content.bad]
        found = []
        for line in content.lines[self._seen :]:
            try:
                found.append(revision_of(line.fields, EntryKind.CELL))
            except (KeyError, TypeError, ValueError) as error:
                problems.append(f"{CELLS_FILE}: line {line.number} is no cell ({error})")
        self._seen = len(content.lines)
        return CellLines(tuple(found), tuple(problems))

    def add(self, revisions: Sequence[Revision]) -> None:
        """Append revisions, durable with one sync. Raises: StoreError: nothing is believed."""
        if self._writer is None:
            raise StoreError(f"{self._path} is not open")
        try:
            for revision in revisions:
                self._writer.add(line_of(revision, EntryKind.CELL))
            self._writer.sync()
            self._size = self._disk.size(self._path) or 0
        except OSError as error:
            raise StoreError(f"Cannot write {self._path}: {error}") from error
        self._seen += len(revisions)

    def index(self, revisions: Sequence[Revision]) -> str:
        """Bring the catalogue up to date; returns why that failed, empty when it did not. A simulated disk has none."""
        if not isinstance(self._disk, RealDisk):
            return ""
        try:
            with Catalogue(self._root) as catalogue:
                catalogue.cells.index(
                    [(cell_from_json(_fields(revision)), revision.revision) for revision in revisions]
                )
        except LabctlError as error:
            return f"the catalogue does not know the newest cells: {error}"
        return ""

    def close(self) -> None:
        """Close the file; what was added is durable already."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _fields(revision: Revision) -> dict[str, Any]:
    return dict(revision.values)
