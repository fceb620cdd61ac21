"""PARSTAT text (PowerSuite's long export): tab-separated with a trailing tab, DC rows first, their frequency 0.

Source: potentiostat.md 2.3, data-formats.md section 3.
"""

from __future__ import annotations

from labctl.analysis.eisfiles.texttable import (
    WINDOWS_LINE_END,
    Row,
    apart,
    columns_of,
    dc_of,
    lines_of,
    or_zero,
    spectrum_of,
    told,
)
from labctl.errors import UserFileError
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import Spectrum, SpectrumHead

COLUMNS = {
    "Potential (V)": "e",
    "Current (A)": "i",
    "Elapsed Time (s)": "t",
    "Frequency (Hz)": "f",
    "Zre (ohms)": "re",
    "Zim (ohms)": "im",
    "|Vac| (V)": "e_ac",
    "|Iac| (A)": "i_ac",
}
"""The columns in the order of the file, and what we call them."""
NEEDED = ("Frequency (Hz)", "Zre (ohms)", "Zim (ohms)")


def _header(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("\t")]


def recognises(data: bytes) -> bool:
    """Say whether the first line names PARSTAT's columns."""
    return set(NEEDED) <= set(_header(lines_of(data[:1000])[0]))


def read(data: bytes, source: str) -> SpectrumContent:
    """Read the spectrum and, apart from it, the DC rows (frequency 0). Raises: UserFileError."""
    lines = lines_of(data)
    names = _header(lines[0])
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise UserFileError(
            f"the first line names no column {', '.join(missing)}.",
            path=source,
            line=1,
            fix="Export it from PowerSuite as text with all columns.",
        )
    places = {own: names.index(name) for name, own in COLUMNS.items() if name in names}
    rows = [
        Row(place, tuple(line.split("\t"))) for place, line in enumerate(lines[1:], start=2) if line.strip()
    ]
    every = columns_of(rows, places, source)
    points, is_point = apart(rows, every["f"])
    columns = {name: column[is_point] for name, column in every.items()}
    named = {"e": "e_dc_V", "i": "i_dc_A", "t": "t_end_s", "e_ac": "e_ac_rms_V", "i_ac": "i_ac_rms_A"}
    more = {name: told(columns[own]) for own, name in named.items() if own in columns}
    spectrum = spectrum_of(columns, points, source, SpectrumHead(), **more)
    if not {"e", "i", "t"} <= every.keys():
        return SpectrumContent((spectrum,))
    return SpectrumContent((spectrum,), dc_of(*(every[name][~is_point] for name in ("t", "e", "i"))))


def write(spectrum: Spectrum) -> bytes:
    """Write the points of the spectrum, no DC rows; 0 where a value is not known."""
    lines = ["\t".join(COLUMNS) + "\t"]
    for row in zip(
        spectrum.e_dc_V, spectrum.i_dc_A, spectrum.t_end_s, spectrum.frequency_Hz, spectrum.z_re_ohm,
        spectrum.z_im_ohm, spectrum.e_ac_rms_V, spectrum.i_ac_rms_A, strict=True,
    ):  # fmt: skip
        lines.append("".join(f"{or_zero(value):.10g}\t" for value in row))
    return (WINDOWS_LINE_END.join(lines) + WINDOWS_LINE_END).encode("ascii")


FORMAT = SpectrumFormat("parstat", "PARSTAT text (PowerSuite)", (".txt",), recognises, read, write)
