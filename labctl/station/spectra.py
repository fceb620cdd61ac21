"""The stored spectra of a data root, those of runs and imported ones: lists, columns, fits.

Files are put in place whole, and a cell may have hundreds: what was read or fitted once is kept by the file's check sum
(a head may be corrected). All reading and fitting is done in the reading thread.
"""

from __future__ import annotations

import math
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from labctl.errors import StoreError, UserInputError
from labctl.model.handover import SpectrumEntry
from labctl.model.impedance import SpectrumFit, SpectrumTable
from labctl.store.names import is_safe_id
from labctl.store.readers import Readers
from labctl.store.runspectra import BROKEN_OFF, WHOLE, facts_of, spectra_of
from labctl.store.spectra import INCOMPLETE, SpectraStore, StoredSpectrum, stored_of
from labctl.worker import Worker

if TYPE_CHECKING:
    from labctl.model.run import RunSummary
    from labctl.store.root import DataRoot

T = TypeVar("T")
ENTRIES_KEPT = 20_000
"""Some hundred bytes each (I14)."""
FITS_KEPT = 1000
"""Some 10 kB each."""


class Runs(Protocol):
    """What is asked of the runs."""

    def list(self, *, cell: str = "") -> Sequence[RunSummary]: ...


class Kept(Generic[T]):
    """The newest answers, each with the check sum of the bytes that it was made from."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[object, tuple[int, T]] = OrderedDict()

    def get(self, key: object, check: int, make: Callable[[], T]) -> T:
        """Return what is known of a key with this check sum, or make it."""
        known = self._known.get(key)
        if known is None or known[0] != check:
            known = self._known[key] = (check, make())
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return known[1]


class SpectraIndex:
    """Finds the spectra of a data root; belongs to one thread. Raises: StoreError naming a file that is damaged."""

    def __init__(self, root: DataRoot) -> None:
        self._root = root
        self._imported = SpectraStore(root)
        self._readers = Readers(root)
        self._entries: Kept[SpectrumEntry] = Kept(ENTRIES_KEPT)

    def list(
        self, cell_id: str = "", run_id: str = "", runs: Iterable[str] | None = None
    ) -> tuple[SpectrumEntry, ...]:
        """Return the spectra in the order of the cells' lives, optionally of one cell or one run.

        ``runs`` are the ids of the runs that may be meant, None: all.
        """
        entries = [self._entry(*place) for place in self._places(cell_id, run_id, runs)]
        chosen = [one for one in entries if cell_id in ("", one.cell_id) and run_id in ("", one.run_id)]
        return tuple(sorted(chosen, key=_sort_key))

    def _places(self, cell_id: str, run_id: str, runs: Iterable[str] | None) -> Iterator[tuple[str, Path]]:
        if run_id:
            runs = [run_id]
        else:
            yield from self._imported.places(cell_id or None)
        if runs is None:
            runs = (folder.name for folder in self._root.run_folders())
        for run in runs:
            yield from spectra_of(self._root.disk, self._readers.folder(run), run)

    def _entry(self, spectrum_id: str, path: Path) -> SpectrumEntry:
        data = self._bytes(spectrum_id, path)
        made = partial(_entry_in, data, path, spectrum_id)
        return self._entries.get(spectrum_id, zlib.crc32(data), made)

    def get(self, spectrum_id: str) -> tuple[StoredSpectrum, int]:
        """Return a spectrum and the check sum of its file. Raises: UserInputError where there is none."""
        path = self.place(spectrum_id)
        if path is None:
            raise UserInputError(f"There is no spectrum {spectrum_id!r}.")
        data = self._bytes(spectrum_id, path)
        return stored_of(data, path, spectrum_id), zlib.crc32(data)

    def place(self, spectrum_id: str) -> Path | None:
        """Return where a spectrum lies, None if there is none of that id."""
        return self._imported.place(spectrum_id) or self._of_run(spectrum_id)

    def _of_run(self, spectrum_id: str) -> Path | None:
        run_id, _, number = spectrum_id.rpartition("-e")
        if not (number.isdecimal() and is_safe_id(run_id)):
            return None
        try:
            folder = self._readers.folder(run_id)
        except StoreError:  # no run is called so
            return None
        return dict(spectra_of(self._root.disk, folder, run_id)).get(spectrum_id)

    def _bytes(self, spectrum_id: str, path: Path) -> bytes:
        try:
            return self._root.disk.read(path)
        except OSError as error:
            raise StoreError(f"The stored spectrum {spectrum_id} cannot be read: {error}") from error


class Spectra:
    """Reads stored spectra for clients, in the reading thread. Raises as ``SpectraIndex``."""

    def __init__(self, root: DataRoot, reader: Worker, runs: Runs) -> None:
        self._index = SpectraIndex(root)
        self._reader = reader
        self._runs = runs
        self._fits: Kept[SpectrumFit] = Kept(FITS_KEPT)

    async def list(self, *, cell_id: str = "", run_id: str = "") -> tuple[SpectrumEntry, ...]:
        """Return the stored spectra in the order of the cells' lives, optionally of one cell or one run."""
        runs = [run.run_id for run in self._runs.list(cell=cell_id) if run_id in ("", run.run_id)]
        if run_id and not runs:
            return ()
        return await self._reader.call(self._index.list, cell_id, run_id, runs)

    async def get(self, spectrum_id: str) -> SpectrumTable:
        """Return a spectrum. Raises: UserInputError where there is none, StoreError."""
        stored, _ = await self._reader.call(self._index.get, spectrum_id)
        return SpectrumTable.of(entry_of(stored), stored.spectrum)

    async def fit(self, spectrum_id: str, circuit: str = "") -> SpectrumFit:
        """Return validity and fit of a spectrum; no ``circuit`` = the cell's own.

        Raises: UserInputError where there is none, or for a circuit that cannot be read; StoreError.
        """
        return await self._reader.call(self._fitted, spectrum_id, circuit)

    def _fitted(self, spectrum_id: str, circuit: str) -> SpectrumFit:
        from labctl.analysis.eis.report import judge

        stored, check = self._index.get(spectrum_id)
        made = partial(judge, spectrum_id, stored.spectrum, circuit)
        return self._fits.get((spectrum_id, circuit), check, made)


def _entry_in(data: bytes, path: Path, spectrum_id: str) -> SpectrumEntry:
    return entry_of(stored_of(data, path, spectrum_id))


def entry_of(stored: StoredSpectrum) -> SpectrumEntry:
    """Return what a list says of a stored spectrum."""
    spectrum, head = stored.spectrum, stored.spectrum.head
    missing = next((note for note in head.notes if note.startswith(INCOMPLETE)), "")
    entry = SpectrumEntry(
        stored.spectrum_id,
        head.cell_id,
        cycle=head.cycle,
        taken_utc=head.taken_utc,
        instrument=head.instrument or head.model,
        points=len(spectrum),
        f_max_Hz=float(max(spectrum.frequency_Hz, default=math.nan)),
        f_min_Hz=float(min(spectrum.frequency_Hz, default=math.nan)),
        outcome=BROKEN_OFF if missing else WHOLE,
        text=missing,
    )
    facts = facts_of(head)
    if facts is None:
        return entry
    return replace(
        entry, run_id=facts.run_id, part=facts.part, test_time_s=facts.test_time_s, outcome=facts.outcome,
        text=facts.text,
    )  # fmt: skip


def _sort_key(entry: SpectrumEntry) -> tuple[str, int, str, str]:
    """Return the order of a cell's life: cycle, then time, then name."""
    return (
        entry.cell_id,
        -1 if entry.cycle is None else entry.cycle,
        entry.taken_utc,
        entry.spectrum_id,
    )
