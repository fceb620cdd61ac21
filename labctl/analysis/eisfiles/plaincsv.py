"""CSV without a header: exactly three columns f, Z', Z'' (signed), as impedance.py's readCSV takes it. Read only."""

from __future__ import annotations

from labctl.analysis.eisfiles.headedcsv import SEPARATORS, cells_of
from labctl.analysis.eisfiles.texttable import Row, columns_of, is_number, lines_of, spectrum_of
from labctl.errors import UserFileError
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat

PLACES = {"f": 0, "re": 1, "im": 2}


def _rows(data: bytes) -> list[tuple[int, str]]:
    return [
        (place, line)
        for place, line in enumerate(lines_of(data), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _separator(line: str) -> tuple[str | None, int] | None:
    """Return the separator that makes numbers of a line and how many they are; None where none does."""
    for separator in SEPARATORS:
        cells = cells_of(line, separator)
        if len(cells) >= 3 and all(map(is_number, cells)):
            return separator, len(cells)
    return None


def recognises(data: bytes) -> bool:
    """Say whether the first line holds three numbers and nothing else."""
    rows = _rows(data[:20_000])
    found = _separator(rows[0][1]) if rows else None
    return found is not None and found[1] == len(PLACES)


def read(data: bytes, source: str) -> SpectrumContent:
    """Read f, Z' and signed Z''. Raises: UserFileError, also for more or fewer than three columns."""
    lines = _rows(data)
    found = _separator(lines[0][1]) if lines else None
    if found is None or found[1] != len(PLACES):
        raise UserFileError(
            "without a header a file has three columns of numbers: f in Hz, Z' and signed Z'' in ohm.",
            path=source,
            line=lines[0][0] if lines else None,
            fix="Name the columns in a first line 'frequency,real,imaginary'.",
        )
    rows = [Row(place, tuple(cells_of(line, found[0]))) for place, line in lines]
    return SpectrumContent((spectrum_of(columns_of(rows, PLACES, source), rows, source),))


FORMAT = SpectrumFormat("plain-csv", "CSV without a header (f, Z', Z'')", (".csv", ".txt"), recognises, read)
