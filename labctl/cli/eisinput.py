"""Which spectra a verb is about, how they are called, and the figures of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labctl.analysis.eisfigures import Drawn, bode, kk_residuals, nyquist
from labctl.analysis.eisfiles.formats import read_file
from labctl.cli.context import root_of
from labctl.errors import StoreError, UserInputError
from labctl.model.spectrum import Spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from labctl.store.spectra import StoredSpectrum

FIT_POINTS_PER_DECADE = 40


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A spectrum that was asked for: ``label`` is for people, ``file_stem`` for a file made of it."""

    label: str
    file_stem: str
    spectrum: Spectrum


def chosen(args: argparse.Namespace) -> list[Named]:
    """Return the spectra that a command line names: files, stored ids, or all of ``--cell``.

    Raises: UserInputError where none is named or a word is neither; UserFileError, StoreError.
    """
    found: list[tuple[str, Spectrum]] = []
    for word in args.spectra:
        path = Path(word)
        if path.is_file():
            found += [(one.head.name or path.stem, one) for one in read_file(path)[0].spectra]
        else:
            entry = _stored(args, word)
            found.append((entry.spectrum_id, entry.spectrum))
    if args.cell is not None:
        from labctl.station.spectra import SpectraIndex

        index = SpectraIndex(root_of(args))
        ids = [entry.spectrum_id for entry in index.list(args.cell)]
        if not ids:
            raise UserInputError(
                f"there is no spectrum of cell {args.cell}: 'labctl eis import' stores some."
            )
        found += [(each, index.get(each)[0].spectrum) for each in ids]
    if not found:
        raise UserInputError("name impedance files or stored spectra, or a cell with --cell.")
    labels = labels_of([spectrum for _, spectrum in found])
    return [Named(label, stem, spectrum) for label, (stem, spectrum) in zip(labels, found, strict=True)]


def _stored(args: argparse.Namespace, word: str) -> StoredSpectrum:
    from labctl.station.spectra import SpectraIndex

    try:
        index = SpectraIndex(root_of(args))
        if index.place(word) is not None:
            return index.get(word)[0]
    except (UserInputError, StoreError) as error:
        raise UserInputError(
            f"there is no file {word}, and no stored spectrum can be looked up: {error}"
        ) from error
    raise UserInputError(
        f"there is no file {word} and no stored spectrum of that id; 'labctl eis list' shows them."
    )


def labels_of(spectra: Sequence[Spectrum]) -> list[str]:
    """Return what tells the spectra apart: cycles of one cell, else cell and cycle, else names."""
    heads = [spectrum.head for spectrum in spectra]
    cycles = ["fresh" if head.cycle == 0 else f"cycle {head.cycle}" for head in heads]
    if all(head.cycle is not None for head in heads):
        if len({head.cell_id for head in heads}) == 1 and len(set(cycles)) == len(heads) > 1:
            return cycles
        both = [f"{head.cell_id} {cycle}".strip() for head, cycle in zip(heads, cycles, strict=True)]
        if len(set(both)) == len(heads):
            return both
    cells = [head.cell_id for head in heads]
    if all(cells) and len(set(cells)) == len(heads):
        return cells
    names = [head.name for head in heads]
    if len(set(names)) == len(heads):
        return names
    return [f"{name} ({place})" for place, name in enumerate(names, start=1)]


def figure_of(named: Sequence[Named], args: argparse.Namespace) -> Figure:
    """Return the figure that a command line asks for. Raises: UserInputError for one that these cannot give."""
    if args.kind == "kk":
        return _kk_figure(named, args)
    series = [Drawn(one.label, one.spectrum) for one in named]
    if args.fit or args.circuit:
        series = _fitted(named, args.circuit)
    draw = nyquist if args.kind == "nyquist" else bode
    return draw(series, width_mm=float(args.width), per_area=args.per_area, title=args.title)


def _fitted(named: Sequence[Named], circuit: str | None) -> list[Drawn]:
    """Return the spectra with their fits; one that cannot be fitted is drawn without a line."""
    from labctl.analysis.eis.circuit import Circuit
    from labctl.analysis.eis.history import analyse_all

    results = analyse_all([one.spectrum for one in named], Circuit.read(circuit) if circuit else None)
    series = []
    for one, result in zip(named, results, strict=True):
        if result.fit is None:
            series.append(Drawn(one.label, one.spectrum))
            continue
        f_Hz = result.fit.frequency_Hz
        decades = float(np.log10(f_Hz.max() / f_Hz.min()))
        line_Hz = np.geomspace(f_Hz.max(), f_Hz.min(), max(2, round(FIT_POINTS_PER_DECADE * decades)))
        line_ohm = result.fit.circuit.impedance_ohm(line_Hz, result.fit.values)
        series.append(Drawn(one.label, one.spectrum, line_Hz, line_ohm))
    return series


def _kk_figure(named: Sequence[Named], args: argparse.Namespace) -> Figure:
    from labctl.analysis.eis.kk import lin_kk
    from labctl.analysis.eis.validity import usable

    if len(named) != 1:
        raise UserInputError(f"residuals are drawn of one spectrum; these are {len(named)}.")
    clean = named[0].spectrum.kept(usable(named[0].spectrum))
    found = lin_kk(clean.frequency_Hz, clean.z_ohm)
    note = f"rms {100.0 * found.rms:.2f} %, {found.elements} RC, µ {found.mu:.2f}"
    return kk_residuals(
        clean.frequency_Hz, found.residuals, note=note, width_mm=float(args.width), title=args.title
    )
