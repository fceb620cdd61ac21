"""The table of impedance file formats, and the doors through which spectra come in and go out.

A file is known by its content first, by its suffix only where the content says nothing. A lab adds a format of its own
through entry point group ``labctl.spectrumfiles``: a ``SpectrumFormat``; it is asked before ours. Those of ours that
vendors' programs export stand in that group too, because drivers of watched folders find their readers there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np

from labctl.analysis.eisfiles import (
    biologic,
    gamry,
    headedcsv,
    ownparquet,
    parstat,
    plaincsv,
    powersuite,
    versastudio,
    zplot,
)
from labctl.errors import UserFileError, UserInputError
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import Spectrum

GROUP = "labctl.spectrumfiles"
OURS = (
    ownparquet.FORMAT, versastudio.FORMAT, gamry.FORMAT, biologic.FORMAT, zplot.FORMAT, parstat.FORMAT,
    powersuite.FORMAT, headedcsv.FORMAT, plaincsv.FORMAT,
)  # fmt: skip
"""In the order in which they are asked: headed CSV would take a PARSTAT export too, without its DC rows apart."""
BYTES_MAX = 64_000_000
"""A spectrum of a million points; what is larger is no spectrum."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a spectrum was written, and how many of its points the format could hold."""

    path: Path
    points: int
    left_out: int


@cache
def formats() -> tuple[SpectrumFormat, ...]:
    """Return all formats, each once: those of other packages, then ours."""
    listed = (entry.load() for entry in entry_points(group=GROUP))
    return (*(one for one in listed if one not in OURS), *OURS)


def written_formats() -> tuple[str, ...]:
    """Return the names of the formats that can be written."""
    return tuple(one.name for one in formats() if one.write is not None)


def format_named(name: str) -> SpectrumFormat:
    """Return a format by its name. Raises: UserInputError naming all."""
    for one in formats():
        if one.name == name:
            return one
    raise UserInputError(f"there is no format '{name}' of impedance files. Known: {_names()}.")


def _names() -> str:
    return ", ".join(one.name for one in formats())


def format_of(data: bytes, name: str) -> SpectrumFormat:
    """Return the format of a file by its content, else by the suffix of its name. Raises: UserFileError."""
    suffix = Path(name).suffix.lower()
    known = formats()
    found = next((one for one in known if one.recognises(data)), None)
    found = found or next((one for one in known if suffix in one.suffixes), None)
    if found is None:
        titles = "; ".join(one.title for one in known)
        raise UserFileError(
            "this is no impedance file that labctl knows.", path=name, line=1, fix=f"Known are: {titles}."
        )
    return found


def read_bytes(data: bytes, name: str, fmt: str | None = None) -> tuple[SpectrumContent, SpectrumFormat]:
    """Read the bytes of an impedance file; ``name`` stands in errors and names spectra that say no name.

    Raises: UserFileError with file, line and fix; UserInputError for an unknown ``fmt``.
    """
    if not data.strip():
        raise UserFileError("the file is empty.", path=name, line=1, fix="Export it again.")
    chosen = format_named(fmt) if fmt is not None else format_of(data, name)
    content = chosen.read(data, name)
    if not all(map(len, content.spectra)):
        raise UserFileError("the file holds a spectrum without a point.", path=name, fix="Export it again.")
    several = len(content.spectra) > 1
    named = tuple(
        spectrum
        if spectrum.head.name
        else replace(
            spectrum,
            head=replace(spectrum.head, name=f"{Path(name).stem}-{place}" if several else Path(name).stem),
        )
        for place, spectrum in enumerate(content.spectra, start=1)
    )
    return SpectrumContent(named, content.dc), chosen


def bytes_of(path: Path) -> bytes:
    """Return the bytes of a file. Raises: UserFileError where it is not there, not readable or too large."""
    try:
        size = path.stat().st_size
        if size > BYTES_MAX:
            raise UserFileError(
                f"{size / 1e6:.0f} MB are no impedance file; at most {BYTES_MAX / 1e6:.0f} MB are read.",
                path=path,
                fix="Name the file of the spectrum.",
            )
        return path.read_bytes()
    except OSError as error:
        problem = f"the file cannot be read: {error.strerror or error}."
        raise UserFileError(problem, path=path, fix="Check the path and its permissions.") from error


def read_file(path: Path, fmt: str | None = None) -> tuple[SpectrumContent, SpectrumFormat]:
    """Read an impedance file. Raises: as ``bytes_of`` and ``read_bytes``."""
    return read_bytes(bytes_of(path), str(path), fmt)


def encode(spectrum: Spectrum, fmt: str) -> tuple[bytes, int]:
    """Return a spectrum as the bytes of a format and how many points had to be left out: those without a value.

    Raises: UserInputError for a format that is only read, and where no point is left.
    """
    chosen = format_named(fmt)
    if chosen.write is None:
        known = ", ".join(written_formats())
        raise UserInputError(f"{chosen.title} is read, not written. Written are: {known}.")
    left_out = 0
    if not chosen.holds_gaps:
        whole = (
            np.isfinite(spectrum.frequency_Hz)
            & np.isfinite(spectrum.z_re_ohm)
            & np.isfinite(spectrum.z_im_ohm)
        )
        whole &= spectrum.frequency_Hz > 0.0
        left_out = int(len(spectrum) - np.count_nonzero(whole))
        spectrum = spectrum.kept(whole)
    if not len(spectrum):
        raise UserInputError("the spectrum has no point with an impedance: there is nothing to write.")
    return chosen.write(spectrum), left_out


def write_file(spectrum: Spectrum, path: Path, fmt: str) -> Written:
    """Write a spectrum in a format; the file appears whole or not at all. Raises: UserInputError, OSError."""
    data, left_out = encode(spectrum, fmt)
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        part.write_bytes(data)
        os.replace(part, path)  # noqa: PTH105
    finally:
        part.unlink(missing_ok=True)
    return Written(path, len(spectrum) - left_out, left_out)
