"""Gamry ``.DTA``: tagged lines, then tables whose rows begin with a tab; the spectrum is table ZCURVE. Read only.

Numbers come with a decimal comma where the computer was set so. The area in the file is a setting that mostly stands at
its default; it is not taken. Source: data-formats.md section 3.
"""

from __future__ import annotations

import math
from dataclasses import replace

from labctl.analysis.eisfiles.texttable import (
    Row,
    columns_of,
    is_number,
    lines_of,
    number,
    spectrum_of,
    told,
    told_number,
)
from labctl.errors import UserFileError
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.model.units import V_from_mV

TABLE = "ZCURVE"
_OWN = {"Freq": "f", "Zreal": "re", "Zimag": "im", "Time": "t_end_s", "Idc": "i_dc_A", "Vdc": "e_dc_V"}


def recognises(data: bytes) -> bool:
    """Say whether a file begins as Gamry's."""
    return lines_of(data[:200])[0].strip().upper() == "EXPLAIN"


def read(data: bytes, source: str) -> SpectrumContent:
    """Read table ZCURVE by its column names. Raises: UserFileError."""
    lines = lines_of(data)
    tags = {
        cells[0]: cells[1:] for line in lines if len(cells := line.split("\t")) > 1 and cells[0].isupper()
    }
    start = next((place for place, line in enumerate(lines) if line.startswith(TABLE)), None)
    if start is None or len(lines) < start + 3:
        kind = _text(tags, "TAG") or "not named"
        raise UserFileError(
            f"there is no table {TABLE}: the experiment ({kind}) is no impedance spectrum.",
            path=source,
            fix="Choose a file of an EIS experiment.",
        )
    names, units = lines[start + 1].split("\t"), lines[start + 2].split("\t")
    missing = [name for name in ("Freq", "Zreal", "Zimag") if name not in names]
    if missing:
        raise UserFileError(
            f"table {TABLE} has no column {', '.join(missing)}.",
            path=source,
            line=start + 2,
            fix="Export it again.",
        )
    unit = units[names.index("Zreal")].strip() if len(units) > names.index("Zreal") else ""
    if unit.lower() != "ohm":
        raise UserFileError(
            f"Zreal is in {unit!r}, not in ohm.", path=source, line=start + 3, fix="Export it in ohm."
        )
    rows = []
    for place, line in enumerate(lines[start + 3 :], start=start + 4):
        if not line.startswith("\t") or not line.strip():
            break  # EXPERIMENTABORTED, the next table, or the end
        rows.append(Row(place, tuple(line.split("\t"))))
    places = {own: names.index(name) for name, own in _OWN.items() if name in names}
    columns = columns_of(rows, places, source)
    more = {name: told(column) for name, column in columns.items() if name not in ("f", "re", "im")}
    spectrum = spectrum_of(columns, rows, source, _head(tags, aborted=_aborted(lines)), **more)
    return SpectrumContent((_with_drift_note(spectrum, names),))


def _with_drift_note(spectrum: Spectrum, names: list[str]) -> Spectrum:
    if "Zrealdrcor" not in names:
        return spectrum
    note = "Gamry's drift-corrected columns were left aside; these are the values as measured"
    return replace(spectrum, head=replace(spectrum.head, notes=(*spectrum.head.notes, note)))


def _aborted(lines: list[str]) -> bool:
    return any(line.startswith("EXPERIMENTABORTED") for line in lines)


def _text(tags: dict[str, list[str]], name: str) -> str:
    """Return the value of a tag: ``KEY TAB KIND TAB value TAB label``, or ``TAG TAB value``."""
    cells = tags.get(name, [])
    return cells[1].strip() if len(cells) > 1 else cells[0].strip() if cells else ""


def _head(tags: dict[str, list[str]], *, aborted: bool) -> SpectrumHead:
    notes = [f"taken {_text(tags, 'DATE')} {_text(tags, 'TIME')} by the clock of the measuring computer"]
    if aborted:
        notes.append("the experiment was aborted: the spectrum is not complete")
    circuit = _text(tags, "EOC")
    of_volt = _in_label(tags, "VAC", "(mV rms)")
    of_ampere = _in_label(tags, "IAC", "(A rms)")
    return SpectrumHead(
        instrument="Gamry",
        model=_text(tags, "PSTAT"),
        amplitude_rms_V=V_from_mV(told_number(_text(tags, "VAC"))) if of_volt else math.nan,
        amplitude_rms_A=told_number(_text(tags, "IAC")) if of_ampere else math.nan,
        ocv_before_V=number(circuit) if is_number(circuit) else math.nan,
        notes=tuple(notes) if "DATE" in tags or aborted else (),
    )


def _in_label(tags: dict[str, list[str]], name: str, unit: str) -> bool:
    """Say whether the label of a tag names this unit, amplitude kind and all; else its number is not taken."""
    label = " ".join(tags.get(name, [])).replace("&", "")
    return unit.lower() in label.lower()


FORMAT = SpectrumFormat("gamry", "Gamry .DTA", (".dta",), recognises, read)
