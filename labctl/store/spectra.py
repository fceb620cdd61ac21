"""Spectra that were imported for a cell: a folder per cell in the data root, one Parquet file per spectrum.

::

    <data root>/spectra/<cell id>/<spectrum id>.parquet    ours: all columns and the head (analysis.eisfiles.ownparquet)
                                  <first part>.source.par   the file as it came, once whatever it is called later

An id begins with the hash of the file it came from, so the same file is stored once per cell, whoever imports it and
when. The folders are the truth; there is no index to go stale. Files are put in place whole and are not changed, but
for a head that a person corrects, so a station that serves the data root need not be asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from labctl.analysis.eisfiles import ownparquet
from labctl.errors import StoreError, UserFileError, UserInputError
from labctl.model.spectrum import Spectrum
from labctl.store.disk import Disk, replace_file
from labctl.store.names import is_safe_id
from labctl.store.root import DataRoot

FOLDER = "spectra"
SUFFIX = ".parquet"
INCOMPLETE = "incomplete: "
"""How the note of a head begins that says that points are missing."""
HASH_LETTERS = 12
"""48 bits: one chance in 10^8 that two of a million files share an id."""


class Stored(StrEnum):
    """What became of a spectrum that was to be stored."""

    NEW = "stored"
    SAME = "stored already"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True, eq=False)
class StoredSpectrum:
    """One stored spectrum: ``spectrum_id`` names it within the data root."""

    spectrum_id: str
    path: Path
    spectrum: Spectrum

    @property
    def sort_key(self) -> tuple[str, int, str, str]:
        """Return the order of a cell's life: cycle, then time, then name."""
        head = self.spectrum.head
        return head.cell_id, -1 if head.cycle is None else head.cycle, head.taken_utc, head.name


def _stem_of(source: bytes) -> str:
    """Return what the ids of a file's spectra begin with."""
    return hashlib.sha256(source).hexdigest()[:HASH_LETTERS]


def _is_source_of(name: str, stem: str) -> bool:
    """Say whether a name is that of a whole source; a ``.tmp`` was left by a store that was cut off."""
    return name.startswith(f"{stem}.source") and not name.endswith(".tmp")


class SpectraStore:
    """The imported spectra of a data root."""

    def __init__(self, root: DataRoot) -> None:
        self._disk = root.disk
        self._folder = root.path / FOLDER

    def add(
        self, spectra: Sequence[Spectrum], source: bytes, source_name: str, *, correct: bool = False
    ) -> list[tuple[StoredSpectrum, Stored]]:
        """Store the spectra of one file and the file itself. All carry the id of one cell in their head.

        Raises: UserInputError where the cell id cannot name a folder, or where the file is stored with another head
        and ``correct`` is not set: then nothing is changed; StoreError when the disk refuses.
        """
        cell_id = spectra[0].head.cell_id
        if not is_safe_id(cell_id):
            raise UserInputError(
                f"the cell id {cell_id!r} cannot name a folder: use ASCII letters, digits, - and _."
            )
        stem = _stem_of(source)
        folder = self._folder / cell_id
        planned = []
        for place, spectrum in enumerate(spectra, start=1):
            name = f"{stem}-{place}" if len(spectra) > 1 else stem
            planned.append(
                self._plan(folder / f"{name}{SUFFIX}", f"{cell_id}-{name}", spectrum, correct=correct)
            )
        raw = folder / f"{stem}.source{Path(source_name).suffix.lower()}"
        try:
            self._disk.make_folder(folder)
            if not any(_is_source_of(name, stem) for name in self._disk.names(folder)):
                replace_file(self._disk, raw, source)
            for entry, what in planned:
                if what is not Stored.SAME:
                    replace_file(self._disk, entry.path, ownparquet.write(entry.spectrum))
            self._disk.sync_folder(self._folder)
        except OSError as error:
            raise StoreError(f"Cannot store the spectrum in {folder}: {error}") from error
        return planned

    def _plan(
        self, path: Path, spectrum_id: str, spectrum: Spectrum, *, correct: bool
    ) -> tuple[StoredSpectrum, Stored]:
        entry = StoredSpectrum(spectrum_id, path, spectrum)
        if self._disk.size(path) is None:
            return entry, Stored.NEW
        if self._disk.read(path) == ownparquet.write(spectrum):
            return entry, Stored.SAME
        if not correct:
            cycle = self.read(path, spectrum_id).spectrum.head.cycle
            raise UserInputError(
                f"this file is stored already as {spectrum_id} with another head (cycle {cycle}). Nothing was changed; "
                "give --correct to replace the head."
            )
        return entry, Stored.CORRECTED

    def list(self, cell_id: str | None = None) -> list[StoredSpectrum]:
        """Return all stored spectra, or those of a cell, in the order of the cells' lives.

        Raises: StoreError naming a file that is damaged.
        """
        found = [self.read(path, spectrum_id) for spectrum_id, path in self.places(cell_id)]
        return sorted(found, key=lambda entry: entry.sort_key)

    def places(self, cell_id: str | None = None) -> Iterator[tuple[str, Path]]:
        """Yield id and path of all stored spectra, or of those of a cell, by name; nothing is read."""
        cells = self._disk.names(self._folder) if cell_id is None else [cell_id]
        for cell in filter(is_safe_id, cells):
            for name in self._disk.names(self._folder / cell):
                if name.endswith(SUFFIX) and ".source" not in name:
                    yield f"{cell}-{name.removesuffix(SUFFIX)}", self._folder / cell / name

    def get(self, spectrum_id: str) -> StoredSpectrum | None:
        """Return a stored spectrum by its id, None if there is none. Raises: StoreError where it is damaged."""
        path = self.place(spectrum_id)
        return None if path is None else self.read(path, spectrum_id)

    def place(self, spectrum_id: str) -> Path | None:
        """Return where a spectrum lies, None if there is none of that id."""
        cell_id, dash, _ = spectrum_id.partition("-")
        while dash:  # a cell id may hold dashes itself
            path = self._folder / cell_id / f"{spectrum_id[len(cell_id) + 1 :]}{SUFFIX}"
            if is_safe_id(cell_id) and is_safe_id(path.stem) and self._disk.size(path) is not None:
                return path
            more, dash, _ = spectrum_id[len(cell_id) + 1 :].partition("-")
            cell_id = f"{cell_id}-{more}"
        return None

    def verify(self) -> Sequence[str]:
        """Return a sentence per spectrum that cannot be read and per source whose bytes are not those of its name."""
        found = []
        for cell_id in self._disk.names(self._folder):
            folder = self._folder / cell_id
            for name in self._disk.names(folder):
                stem, is_source, _ = name.partition(".source")
                try:
                    if is_source and _stem_of(self._disk.read(folder / name)) != stem:
                        found.append(f"{folder / name}: its bytes are not those that were imported.")
                    elif not is_source and name.endswith(SUFFIX):
                        self.read(folder / name, f"{cell_id}-{name.removesuffix(SUFFIX)}")
                except (OSError, StoreError) as error:
                    found.append(f"{folder / name}: {error}")
        return found

    def read(self, path: Path, spectrum_id: str) -> StoredSpectrum:
        """Read one of ``places``. Raises: StoreError where it is damaged."""
        return read_stored(self._disk, path, spectrum_id)


def read_stored(disk: Disk, path: Path, spectrum_id: str) -> StoredSpectrum:
    """Read a spectrum that labctl has stored. Raises: StoreError naming it where it cannot be read."""
    try:
        return stored_of(disk.read(path), path, spectrum_id)
    except OSError as error:
        raise StoreError(f"The stored spectrum {spectrum_id} cannot be read: {error}") from error


def stored_of(data: bytes, path: Path, spectrum_id: str) -> StoredSpectrum:
    """Return the spectrum in the bytes of a stored file. Raises: StoreError naming it where they are none."""
    try:
        content = ownparquet.read(data, str(path))
    except UserFileError as error:
        raise StoreError(f"The stored spectrum {spectrum_id} cannot be read: {error}") from error
    return StoredSpectrum(spectrum_id, path, content.spectra[0])
