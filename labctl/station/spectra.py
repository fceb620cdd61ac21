"""The stored spectra of a data root, those of runs and imported ones: lists, columns, fits.

Files are put in place whole, and a cell may have hundreds: what was read or fitted once is kept by the file's check sum
(a head may be corrected). All reading and fitting is done in the reading thread.
"""

from __future__ import annotations

import math
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from labctl.errors import StoreError, UserInputError
from labctl.model.handover import SpectrumEntry
from labctl.model.impedance import SpectrumFit, SpectrumTable
from labctl.store.spectra import INCOMPLETE, SpectraStore, StoredSpectrum, stored_of
from labctl.worker import Worker

if TYPE_CHECKING:
    from labctl.store.root import DataRoot

T = TypeVar("T")
ENTRIES_KEPT = 20_000
"""Some hundred bytes each (I14)."""
FITS_KEPT = 1000
"""Some 10 kB each."""


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


class Spectra:
    """Reads stored spectra for clients. Its methods may be called at any time; the files are the truth."""

    def __init__(self, root: DataRoot, reader: Worker) -> None:
        self._root = root
        self._reader = reader
        self._entries: Kept[SpectrumEntry] = Kept(ENTRIES_KEPT)
        self._fits: Kept[SpectrumFit] = Kept(FITS_KEPT)

    async def list(self, *, cell_id: str = "", run_id: str = "") -> tuple[SpectrumEntry, ...]:
        """Return the stored spectra in the order of the cells' lives, optionally of one cell or one run.

        Raises: StoreError naming a file that cannot be read.
        """
        return await self._reader.call(self._listed, cell_id, run_id)

    async def get(self, spectrum_id: str) -> SpectrumTable:
        """Return a spectrum. Raises: UserInputError where there is none, StoreError where it cannot be read."""
        stored, _ = await self._reader.call(self._stored, spectrum_id)
        return SpectrumTable.of(entry_of(stored), stored.spectrum)

    async def fit(self, spectrum_id: str, circuit: str = "") -> SpectrumFit:
        """Return validity and fit of a spectrum; no ``circuit`` = the cell's own.

        Raises: UserInputError where there is none, or for a circuit that cannot be read; StoreError.
        """
        return await self._reader.call(self._fitted, spectrum_id, circuit)

    # -- in the reading thread --------------------------------------------------------------------------------------

    def _listed(self, cell_id: str, run_id: str) -> tuple[SpectrumEntry, ...]:
        entries = [self._entry(*place) for place in self._places(cell_id, run_id)]
        chosen = [one for one in entries if cell_id in ("", one.cell_id) and run_id in ("", one.run_id)]
        return tuple(sorted(chosen, key=_sort_key))

    def _places(self, cell_id: str, run_id: str) -> Iterator[tuple[str, Path]]:
        """Yield id and path of the spectra that may be meant."""
        if not run_id:
            yield from SpectraStore(self._root).places(cell_id or None)

    def _entry(self, spectrum_id: str, path: Path) -> SpectrumEntry:
        data = self._bytes(spectrum_id, path)
        made = partial(_entry_in, data, path, spectrum_id)
        return self._entries.get(spectrum_id, zlib.crc32(data), made)

    def _stored(self, spectrum_id: str) -> tuple[StoredSpectrum, int]:
        """Return a spectrum and its check sum. Raises: UserInputError, StoreError."""
        path = SpectraStore(self._root).place(spectrum_id)
        if path is None:
            raise UserInputError(f"There is no spectrum {spectrum_id!r}.")
        data = self._bytes(spectrum_id, path)
        return stored_of(data, path, spectrum_id), zlib.crc32(data)

    def _fitted(self, spectrum_id: str, circuit: str) -> SpectrumFit:
        from labctl.analysis.eis.report import judge

        stored, check = self._stored(spectrum_id)
        made = partial(judge, spectrum_id, stored.spectrum, circuit)
        return self._fits.get((spectrum_id, circuit), check, made)

    def _bytes(self, spectrum_id: str, path: Path) -> bytes:
        try:
            return self._root.disk.read(path)
        except OSError as error:
            raise StoreError(f"The stored spectrum {spectrum_id} cannot be read: {error}") from error


def _entry_in(data: bytes, path: Path, spectrum_id: str) -> SpectrumEntry:
    return entry_of(stored_of(data, path, spectrum_id))


def entry_of(stored: StoredSpectrum) -> SpectrumEntry:
    """Return what a list says of a stored spectrum."""
    spectrum, head = stored.spectrum, stored.spectrum.head
    missing = next((note for note in head.notes if note.startswith(INCOMPLETE)), "")
    return SpectrumEntry(
        stored.spectrum_id,
        head.cell_id,
        cycle=head.cycle,
        taken_utc=head.taken_utc,
        instrument=head.instrument or head.model,
        points=len(spectrum),
        f_max_Hz=float(max(spectrum.frequency_Hz, default=math.nan)),
        f_min_Hz=float(min(spectrum.frequency_Hz, default=math.nan)),
        outcome="broken off" if missing else "whole",
        text=missing,
    )


def _sort_key(entry: SpectrumEntry) -> tuple[str, int, str, str]:
    """Return the order of a cell's life: cycle, then time, then name."""
    return (
        entry.cell_id,
        -1 if entry.cycle is None else entry.cycle,
        entry.taken_utc,
        entry.spectrum_id,
    )
