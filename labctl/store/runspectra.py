"""The spectra of a run: files in its folder, beside the rows they belong to.

::

    <run folder>/spectra/<part>-<number>.parquet    ours: all columns and the head (analysis.eisfiles.ownparquet)

``part`` counts the spectra of the program in the order of the text, ``number`` those that the run has taken; the id is
``<run id>-e<number>``. A file is put in place whole. Its notes say to which run and test time it belongs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from labctl.analysis.eisfiles import ownparquet
from labctl.errors import StoreError, UserFileError
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.store.disk import Disk, replace_file
from labctl.store.folder import one_line

FOLDER = "spectra"
SUFFIX = ".parquet"
WHOLE, BROKEN_OFF, FAILED = "whole", "broken off", "failed"
_RUN, _PART, _NUMBER, _TIME, _OUTCOME = "run: ", "part: ", "number: ", "test time: ", "outcome: "


@dataclass(frozen=True, slots=True)
class RunFacts:
    """To which moment of which run a spectrum belongs. ``outcome`` is ``whole``, ``broken off`` or ``failed``."""

    run_id: str
    part: int
    number: int
    test_time_s: float = math.nan
    outcome: str = WHOLE
    text: str = ""
    """What went wrong; empty for a whole one."""

    @property
    def spectrum_id(self) -> str:
        """Return the id of the spectrum within its data root."""
        return f"{self.run_id}-e{self.number}"

    @property
    def file_name(self) -> str:
        """Return the name of its file."""
        return f"{self.part}-{self.number}{SUFFIX}"


def with_facts(head: SpectrumHead, facts: RunFacts) -> SpectrumHead:
    """Return a head whose notes say where the spectrum belongs."""
    outcome = f"{_OUTCOME}{facts.outcome}" + (f" ({facts.text})" if facts.text else "")
    said = (
        f"{_RUN}{facts.run_id}", f"{_PART}{facts.part}", f"{_NUMBER}{facts.number}",
        f"{_TIME}{facts.test_time_s:.3f} s", outcome,
    )  # fmt: skip
    return replace(head, notes=(*head.notes, *said))


def facts_of(head: SpectrumHead) -> RunFacts | None:
    """Return where a spectrum belongs, None for one that belongs to no run."""
    found = {
        key: note.removeprefix(key)
        for note in head.notes
        for key in (_RUN, _PART, _NUMBER, _TIME, _OUTCOME)
        if note.startswith(key)
    }
    try:
        outcome, _, text = found.get(_OUTCOME, WHOLE).partition(" (")
        time_s = float(found[_TIME].removesuffix(" s"))
        text = text.removesuffix(")")
        return RunFacts(found[_RUN], int(found[_PART]), int(found[_NUMBER]), time_s, outcome, text)
    except (KeyError, ValueError):
        return None


def store_spectrum(disk: Disk, run_folder: Path, facts: RunFacts, spectrum: Spectrum) -> None:
    """Put a spectrum into its run's folder; one that is taken anew replaces the one before. Raises: StoreError."""
    folder = run_folder / FOLDER
    try:
        disk.make_folder(folder)
        stored = replace(spectrum, head=with_facts(spectrum.head, facts))
        replace_file(disk, folder / facts.file_name, ownparquet.write(stored))
        disk.sync_folder(run_folder)
    except OSError as error:
        raise StoreError(f"Cannot store the spectrum {facts.spectrum_id}: {error}") from error


def spectra_of(disk: Disk, run_folder: Path, run_id: str) -> Iterator[tuple[str, Path]]:
    """Yield id and path of each spectrum of a run, in the order in which they were taken."""
    found: list[tuple[int, Path]] = []
    for name in disk.names(run_folder / FOLDER):
        part, _, number = name.removesuffix(SUFFIX).partition("-")
        if name.endswith(SUFFIX) and part.isdigit() and number.isdigit():
            found.append((int(number), run_folder / FOLDER / name))
    for number_of, path in sorted(found):
        yield f"{run_id}-e{number_of}", path


def damages(disk: Disk, run_folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name inside the run folder and what is wrong, for each spectrum that cannot be read whole."""
    for name in disk.names(run_folder / FOLDER):
        if not name.endswith(SUFFIX):
            continue
        path = run_folder / FOLDER / name
        try:
            head = ownparquet.read(disk.read(path), str(path)).spectra[0].head
        except (OSError, UserFileError, IndexError) as error:
            yield f"{FOLDER}/{name}", f"cannot be read ({one_line(error)})"
            continue
        facts = facts_of(head)
        if facts is None or facts.file_name != name:
            yield f"{FOLDER}/{name}", "does not say that it belongs here"
