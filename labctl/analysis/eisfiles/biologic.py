"""BioLogic EC-Lab ``.mpt``: a counted header, then a tab-separated table that holds **-Z''** and **peak** amplitudes.

Both are turned here. Read only. Source: data-formats.md section 3, potentiostat.md 3.4.
"""

from __future__ import annotations

import re

import numpy as np

from labctl.analysis.eisfiles.texttable import (
    Row,
    apart,
    columns_of,
    dc_of,
    lines_of,
    parts_of,
    spectrum_of,
    told,
    told_number,
)
from labctl.errors import UserFileError
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import AmplitudeKind, SpectrumHead, rms_from_peak
from labctl.model.units import A_from_mA, V_from_mV

FIRST_LINE = "EC-Lab ASCII FILE"
_COUNT = re.compile(r"Nb header lines\s*:\s*(\d+)")
_NEEDED = {"freq/Hz": "f", "Re(Z)/Ohm": "re", "-Im(Z)/Ohm": "minus_im"}
_OWN = _NEEDED | {
    "time/s": "t", "<Ewe>/V": "e", "<I>/mA": "i_mA", "|Ewe|/V": "e_peak", "|I|/A": "i_peak", "cycle number": "cycle",
}  # fmt: skip


def recognises(data: bytes) -> bool:
    """Say whether a file begins as EC-Lab's, or with its line of column names (a text export without header)."""
    first = lines_of(data[:2000])[0]
    return first.strip() == FIRST_LINE or first.startswith("freq/Hz\t")


def read(data: bytes, source: str) -> SpectrumContent:
    """Read one spectrum per cycle number, and the rows without a frequency apart. Raises: UserFileError."""
    lines = lines_of(data)
    header = _header_line(lines, source)
    names = [name.strip() for name in lines[header].split("\t")]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise UserFileError(
            f"the line of column names has no {', '.join(missing)}.",
            path=source,
            line=header + 1,
            fix="Export it from EC-Lab with freq/Hz, Re(Z)/Ohm and -Im(Z)/Ohm.",
        )
    rows = [
        Row(place, tuple(line.split("\t")))
        for place, line in enumerate(lines[header + 1 :], start=header + 2)
        if line.strip()
    ]
    places = {own: names.index(name) for name, own in _OWN.items() if name in names}
    every = columns_of(rows, places, source)
    points, is_point = apart(rows, every["f"])
    columns = {name: column[is_point] for name, column in every.items()}
    columns["im"] = -columns["minus_im"]
    head = _head(lines[:header])
    cycles = columns.get("cycle", np.zeros(len(points)))
    spectra = []
    for mine in parts_of(cycles) or [np.zeros(0, np.bool_)]:
        of_cycle = {name: column[mine] for name, column in columns.items()}
        more = {"t": "t_end_s", "e": "e_dc_V"}
        measured = {name: told(of_cycle[own]) for own, name in more.items() if own in of_cycle}
        if "i_mA" in of_cycle:
            measured["i_dc_A"] = told(of_cycle["i_mA"] * A_from_mA(1.0))
        for own, name in (("e_peak", "e_ac_rms_V"), ("i_peak", "i_ac_rms_A")):
            if own in of_cycle:
                measured[name] = told(of_cycle[own] * rms_from_peak(1.0))
        kept = [row for row, keep in zip(points, mine, strict=True) if keep]
        spectra.append(spectrum_of(of_cycle, kept, source, head, **measured))
    still = {name: column[~is_point] for name, column in every.items()}
    known = {"t", "e", "i_mA"} <= still.keys()
    dc = dc_of(still["t"], still["e"], still["i_mA"] * A_from_mA(1.0)) if known else None
    return SpectrumContent(tuple(spectra), dc)


def _header_line(lines: list[str], source: str) -> int:
    """Return the index of the line that names the columns."""
    if lines[0].startswith("freq/Hz"):
        return 0
    count = next((match for line in lines[:5] if (match := _COUNT.search(line))), None)
    if count is None:
        raise UserFileError(
            "there is no line 'Nb header lines : n'.",
            path=source,
            line=2,
            fix="Export it from EC-Lab as text again.",
        )
    place = int(count[1]) - 1
    if not 0 < place < len(lines) or "\t" not in lines[place]:
        raise UserFileError(
            f"line {place + 1} should name the columns, as the header's own count says.",
            path=source,
            line=min(place, len(lines) - 1) + 1,
            fix="Take back what was changed in the header, or export the file again.",
        )
    return place


def _head(lines: list[str]) -> SpectrumHead:
    def setting(name: str) -> float:
        text = next((line[len(name) :].strip() for line in lines if line.startswith(name)), "")
        return told_number(text.partition(" ")[0])

    def after(name: str) -> str:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")

    started = after("Acquisition started on")
    return SpectrumHead(
        instrument="BioLogic" if lines else "",
        model=after("Device"),
        amplitude_rms_V=rms_from_peak(V_from_mV(setting("Va (mV)"))),
        told_amplitude=AmplitudeKind.PEAK,
        notes=(f"taken {started} by the clock of the measuring computer",) if started else (),
    )


FORMAT = SpectrumFormat("biologic", "BioLogic EC-Lab .mpt", (".mpt", ".txt"), recognises, read)
