"""CSV with a header that names frequency, real and imaginary part; a minus in the header means a negated column.

Headers that are understood (potentiostat.md 3.6): ``f``, ``freq``, ``frequency``; ``real``, ``re``, ``zre``, ``z'``,
``Re(Z)``; ``imaginary``, ``im``, ``zim``, ``z''``, ``Im(Z)``; each with a leading ``-`` and with a unit behind it,
whose prefix is heeded. Separators are comma, semicolon, tab or blanks.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from labctl.analysis.eisfiles.texttable import Row, columns_of, lines_of, spectrum_of
from labctl.errors import UserFileError
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import Spectrum

SEPARATORS = (";", "\t", ",", None)
"""Comma stands behind those that leave it to decimals; None: blanks."""
HEADER_WITHIN_LINES = 60
_NAMES = {
    "f": {"f", "freq", "frequency"},
    "re": {"re", "real", "zre", "z_re", "zreal", "z_real", "z'", "re(z)", "real impedance", "real(z)"},
    "im": {
        *(
            "im",
            "imag",
            "imaginary",
            "zim",
            "z_im",
            "zimg",
            "zimag",
            "z_imag",
            "z''",
            'z"',
            "im(z)",
            "imag(z)",
        ),
        "imaginary impedance",
    },
}
_UNITS = {"f": "hz", "re": "ohm", "im": "ohm"}
_PREFIXES = {"": 1.0, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "g": 1e9}
"""m and M differ; the others are looked up in lower case."""
_MINUS = tuple("-−–")
_WITH_UNIT = re.compile(r"^(?P<name>.+?)\s*(?:/\s*(?P<slash>.+)|[\[(]\s*(?P<bracket>[^\])]*?)\s*[\])])$")
_UNIT = re.compile(r"^(?P<prefix>[uµμmkMG]?)(?P<unit>hz|ohms?|Ω|Ω)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Column:
    """What one header says: which quantity, by what to multiply."""

    quantity: str
    factor: float


@dataclass(frozen=True, slots=True)
class _Header:
    line: int
    separator: str | None
    places: dict[str, int]
    factors: dict[str, float]


def column_of(label: str) -> _Column | None:
    """Return what a header names, None for a column that is none of the three.

    Raises: ValueError for a unit that is not one of the quantity.
    """
    label = label.strip()
    minus = label[:1] in _MINUS
    name = label[1:].strip() if minus else label
    whole = _quantity(name)
    if whole is not None:
        return _Column(whole, -1.0 if minus else 1.0)
    parts = _WITH_UNIT.match(name)
    quantity = _quantity(parts["name"]) if parts else None
    if parts is None or quantity is None:
        return None
    factor = _factor(quantity, parts["slash"] or parts["bracket"] or "")
    return _Column(quantity, -factor if minus else factor)


def _quantity(name: str) -> str | None:
    return next((quantity for quantity, known in _NAMES.items() if name.lower() in known), None)


def _factor(quantity: str, unit: str) -> float:
    if not unit:
        return 1.0
    parts = _UNIT.match(unit)
    word = "hz" if parts and parts["unit"].lower() == "hz" else "ohm"
    if parts is None or word != _UNITS[quantity]:
        raise ValueError(f"{unit!r} is no unit of {'a frequency' if quantity == 'f' else 'an impedance'}")
    prefix = parts["prefix"]
    return _PREFIXES[prefix if prefix in _PREFIXES else prefix.lower()]


def cells_of(line: str, separator: str | None) -> list[str]:
    """Return the cells of a line; quotes around cells are understood."""
    if separator is None:
        return line.split()
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a cell longer than it takes, so no number
        return line.split(separator)


def _header_of(lines: list[str], source: str) -> _Header | None:
    for place, line in enumerate(lines[:HEADER_WITHIN_LINES], start=1):
        text = line.lstrip("# \t")
        for separator in SEPARATORS:
            header = _try_header(text, separator, place, source)
            if header is not None:
                return header
    return None


def _try_header(text: str, separator: str | None, line: int, source: str) -> _Header | None:
    places: dict[str, int] = {}
    factors: dict[str, float] = {}
    wrong: list[str] = []
    for place, label in enumerate(cells_of(text, separator)):
        try:
            column = column_of(label)
        except ValueError as error:
            wrong.append(f"column {label.strip()!r}: {error}.")
            continue
        if column is not None and column.quantity not in places:
            places[column.quantity], factors[column.quantity] = place, column.factor
    if places.keys() == _NAMES.keys():
        return _Header(line, separator, places, factors)
    if wrong and len(places) + len(wrong) >= len(_NAMES):
        raise UserFileError(wrong[0], path=source, line=line, fix="Use Hz and ohm, with a prefix if need be.")
    return None


def recognises(data: bytes) -> bool:
    """Say whether one of the first lines names the three columns."""
    try:
        return _header_of(lines_of(data[:20_000]), "") is not None
    except UserFileError:
        return True  # it is this format, with a slip that ``read`` tells


def read(data: bytes, source: str) -> SpectrumContent:
    """Read the table under the header; lines before it and lines beginning with # are passed over.

    Raises: UserFileError.
    """
    lines = lines_of(data)
    header = _header_of(lines, source)
    if header is None:
        raise UserFileError(
            "no line names the columns.",
            path=source,
            fix="Put 'frequency,real,imaginary' into the first line.",
        )
    rows = [
        Row(place, tuple(cells_of(line, header.separator)))
        for place, line in enumerate(lines, start=1)
        if place > header.line and line.strip() and not line.lstrip().startswith("#")
    ]
    columns = columns_of(rows, header.places, source)
    scaled = {name: column * header.factors[name] for name, column in columns.items()}
    return SpectrumContent((spectrum_of(scaled, rows, source),))


def write(spectrum: Spectrum) -> bytes:
    """Write ``frequency,real,imaginary`` (Hz, ohm, Z'' signed) with all digits: reading gives the same doubles."""
    lines = ["frequency,real,imaginary"]
    lines += [
        f"{f_Hz!r},{z_ohm.real!r},{z_ohm.imag!r}"
        for f_Hz, z_ohm in zip(spectrum.frequency_Hz.tolist(), spectrum.z_ohm.tolist(), strict=True)
    ]
    return ("\n".join(lines) + "\n").encode("ascii")


FORMAT = SpectrumFormat("csv", "CSV with a header", (".csv",), recognises, read, write)
