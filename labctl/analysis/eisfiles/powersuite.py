"""PowerSuite's short export (PARSTAT 2263/2273): three tab-separated columns. Source: potentiostat.md 2.3."""

from __future__ import annotations

from labctl.analysis.eisfiles.texttable import WINDOWS_LINE_END, Row, columns_of, lines_of, spectrum_of
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import Spectrum

HEADER = ("Frequency", "Zre", "Zimg")


def recognises(data: bytes) -> bool:
    """Say whether the first line is PowerSuite's."""
    cells = lines_of(data[:200])[0].split("\t")
    return tuple(cell.strip() for cell in cells) == HEADER


def read(data: bytes, source: str) -> SpectrumContent:
    """Read the three columns; Z'' is signed in the file. Raises: UserFileError."""
    lines = lines_of(data)
    rows = [
        Row(place, tuple(line.split("\t"))) for place, line in enumerate(lines[1:], start=2) if line.strip()
    ]
    columns = columns_of(rows, {"f": 0, "re": 1, "im": 2}, source)
    return SpectrumContent((spectrum_of(columns, rows, source),))


def write(spectrum: Spectrum) -> bytes:
    """Write frequency, Z' and Z'' with ten significant digits."""
    lines = ["\t ".join(HEADER)]
    lines += [
        f"{f_Hz:.10g}\t {z_ohm.real:.10g}\t {z_ohm.imag:.10g}"
        for f_Hz, z_ohm in zip(spectrum.frequency_Hz, spectrum.z_ohm, strict=True)
    ]
    return (WINDOWS_LINE_END.join(lines) + WINDOWS_LINE_END).encode("ascii")


FORMAT = SpectrumFormat("powersuite", "PowerSuite text (short)", (".txt",), recognises, read, write)
