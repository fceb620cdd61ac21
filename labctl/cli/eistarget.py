"""Where spectra go: to a registered cell in the data root, or into a file with its raw frames beside it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.cli.atstation import is_served, station_client
from labctl.cli.context import root_of
from labctl.errors import StoreError, UserInputError

if TYPE_CHECKING:
    from labctl.model.spectrum import Spectrum
    from labctl.store.spectra import SpectraStore


def cell_target(args: argparse.Namespace) -> tuple[float | None, SpectraStore]:
    """Return the area of the cell and the store. Raises: UserInputError for a cell that is not registered."""
    from labctl.store.spectra import SpectraStore

    root = root_of(args)
    if is_served(args):
        with station_client(args) as station:
            return station.cells.get(args.cell).effective_area_cm2, SpectraStore(root)
    from labctl.store.catalogue import Catalogue

    with Catalogue(root) as catalogue:
        return catalogue.cells.get(args.cell).effective_area_cm2, SpectraStore(root)


class SpectrumKeeper:
    """Stores the spectrum and its raw frames where the command line wants them; checks that before anything is sent."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Raise UserInputError for a cell that is not registered, or a file that cannot be or is there already."""
        self.spectrum: Spectrum | None = None
        self._cell, self._cycle = args.cell, args.cycle
        self._out = Path(args.out) if args.out else None
        self._area_cm2: float | None = None
        if self._cell is not None:
            self._area_cm2, self._store = cell_target(args)
        elif self._cycle is not None:
            raise UserInputError("--cycle goes with --cell: it says what is stored.")
        if self._out is not None:
            self._format = _format_for(self._out)
            if not self._out.parent.is_dir():
                raise UserInputError(f"there is no folder {self._out.parent} for {self._out.name}.")
            there = next((path for path in (self._out, self._wire) if path.exists()), None)
            if there is not None:
                raise UserInputError(
                    f"{there} is there already and is not overwritten: name another with --out."
                )
        if self._cell is None and self._out is None and not args.dry_run:
            raise UserInputError(
                "say where the spectrum goes: a registered cell with --cell, or a file with --out."
            )

    @property
    def _wire(self) -> Path:
        assert self._out is not None
        return self._out.with_name(f"{self._out.stem}.wire.jsonl")

    def keep(self, spectrum: Spectrum, capture: list[str]) -> dict[str, str]:
        """Store the points; returns the names of what was written. What could not be written is told, not raised."""
        from dataclasses import replace

        head = spectrum.head
        if self._cell is not None:
            head = replace(head, cell_id=self._cell, cycle=self._cycle)
        if self._area_cm2 is not None:
            head = replace(head, area_cm2=self._area_cm2)
        self.spectrum = replace(spectrum, head=head)
        wire = "".join(capture).encode()
        kept: dict[str, str] = {}
        problems = []
        for store in (self._keep_file, self._keep_with_cell):
            try:
                kept |= store(self.spectrum, wire)
            except (OSError, StoreError) as error:
                problems.append(str(error))
        if problems:
            kept |= {"problem": " ".join(problems), **_rescued(self.spectrum, wire)}
        return kept

    def _keep_file(self, spectrum: Spectrum, wire: bytes) -> dict[str, str]:
        from labctl.analysis.eisfiles.formats import write_file

        if self._out is None:
            return {}
        self._wire.write_bytes(wire)
        return {"out": str(write_file(spectrum, self._out, self._format).path), "out_wire": str(self._wire)}

    def _keep_with_cell(self, spectrum: Spectrum, wire: bytes) -> dict[str, str]:
        if self._cell is None:
            return {}
        ((entry, _),) = self._store.add([spectrum], wire, "wire.jsonl")
        source = entry.path.with_name(f"{entry.path.stem}.source.jsonl")
        return {"id": entry.spectrum_id, "stored": str(entry.path), "wire": str(source)}


def _rescued(spectrum: Spectrum, wire: bytes) -> dict[str, str]:
    """Write what could not be stored into the folder for passing files of this computer."""
    import tempfile

    from labctl.analysis.eisfiles.formats import write_file

    folder = Path(tempfile.mkdtemp(prefix="labctl-eis-"))
    (folder / "spectrum.wire.jsonl").write_bytes(wire)
    return {"rescued": str(write_file(spectrum, folder / "spectrum.parquet", "parquet").path)}


def _format_for(path: Path) -> str:
    from labctl.analysis.eisfiles.formats import formats

    written = [one for one in formats() if one.write is not None]
    found = next((one.name for one in written if path.suffix.lower() in one.suffixes), None)
    if found is None:
        known = ", ".join(sorted({suffix for one in written for suffix in one.suffixes}))
        raise UserInputError(f"{path.name} does not say its format by its end. Written are: {known}.")
    return found
