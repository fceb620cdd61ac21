"""ZPlot and ZView ``.z``: today's tab-separated table behind ``End Comments``, and the older quoted style with ", ".

Source: data-formats.md section 3, potentiostat.md 3.6. The amplitude column is rms: volt when the potential was
controlled, ampere when the current was.
"""

from __future__ import annotations

import math
import re

from labctl.analysis.eisfiles.texttable import (
    WINDOWS_LINE_END,
    Row,
    columns_of,
    is_number,
    lines_of,
    number,
    one_line,
    or_zero,
    spectrum_of,
    told,
)
from labctl.errors import UserFileError
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import FloatArray, Spectrum, SpectrumHead
from labctl.model.units import mV_from_V

COLUMNS = ("Freq(Hz)", "Ampl", "Bias", "Time(Sec)", "Z'(a)", "Z''(b)", "GD", "Err", "Range")
END = "End Comments"
_OWN = {"Freq(Hz)": "f", "Ampl": "ampl", "Bias": "bias", "Time(Sec)": "t", "Z'(a)": "re", "Z''(b)": "im"}
_FIRST_LINES = ("ZPLOT2 ASCII", "ZPlotW Data File")
_OPEN_CIRCUIT = re.compile(r"Open Circuit Potential \(V\):\s*([-+0-9.,Ee]+)")
_CONTROLLED = re.compile(r"Control (Voltage|Current)")


def recognises(data: bytes) -> bool:
    """Say whether a file begins as ZPlot's, or has its line of column names."""
    lines = lines_of(data[:20_000])
    if lines[0].strip().strip('"').startswith(_FIRST_LINES):
        return True
    return any(COLUMNS[0] in line and "Z'(a)" in line for line in lines)


def read(data: bytes, source: str) -> SpectrumContent:
    """Read the table by its column names. Raises: UserFileError."""
    lines = lines_of(data)
    header = next((place for place, line in enumerate(lines) if COLUMNS[0] in line), None)
    if header is None:
        raise UserFileError(
            f"no line names the columns ({COLUMNS[0]} ...).",
            path=source,
            fix="Save it from ZPlot or ZView again.",
        )
    names = lines[header].strip().strip('"').split()
    end = next((place for place, line in enumerate(lines) if line.strip() == END), header)
    rows = [
        Row(place, tuple(_cells(line.strip())))
        for place, line in enumerate(lines[max(header, end) + 1 :], start=max(header, end) + 2)
        if line.strip()
    ]
    places = {own: names.index(name) for name, own in _OWN.items() if name in names}
    if not {"f", "re", "im"} <= places.keys():
        raise UserFileError(
            "the line of column names has no Z'(a) and Z''(b).",
            path=source,
            line=header + 1,
            fix="Save it from ZPlot or ZView as measured data.",
        )
    columns = columns_of(rows, places, source)
    above = "\n".join(lines[: header + 1])
    more = {
        name: told(columns[own]) for own, name in (("bias", "e_dc_V"), ("t", "t_end_s")) if own in columns
    }
    controlled = _CONTROLLED.search(above)
    of_current = controlled is not None and controlled[1] == "Current"
    if controlled is not None and "ampl" in columns:
        more["i_ac_rms_A" if of_current else "e_ac_rms_V"] = told(columns["ampl"])
    return SpectrumContent((spectrum_of(columns, rows, source, _head(above, more), **more),))


def _cells(line: str) -> list[str]:
    """Return the cells of a row; a comma separates them in the older style alone, elsewhere it may be decimal."""
    return line.split("\t") if "\t" in line else re.split(", *", line)


def _head(above: str, more: dict[str, FloatArray]) -> SpectrumHead:
    circuit = _OPEN_CIRCUIT.search(above)

    def asked(name: str) -> float:
        column = more.get(name)
        alike = column is not None and column.size > 0 and bool((column == column[0]).all())
        return float(column[0]) if column is not None and alike else math.nan

    return SpectrumHead(
        ocv_before_V=number(circuit[1]) if circuit and is_number(circuit[1]) else math.nan,
        amplitude_rms_V=asked("e_ac_rms_V"),
        amplitude_rms_A=asked("i_ac_rms_A"),
    )


def write(spectrum: Spectrum) -> bytes:
    """Write the tab-separated style; 0 stands in Ampl, Bias and Time(Sec) for what is not known."""
    head = spectrum.head
    of_current = math.isfinite(head.amplitude_rms_A) and not math.isfinite(head.amplitude_rms_V)
    asked = head.amplitude_rms_A if of_current else head.amplitude_rms_V
    measured = spectrum.i_ac_rms_A if of_current else spectrum.e_ac_rms_V
    lines = [
        _FIRST_LINES[0],
        f"  Experiment Type:            Sweep Frequency, Control {'Current' if of_current else 'Voltage'}",
        *_comment("Instrument:                 ", f"{head.instrument} {head.model}"),
        *_comment("Cell:                       ", f"{head.cell_id} {head.name}"),
    ]
    if math.isfinite(head.ocv_before_V):
        lines.append(f"  Open Circuit Potential (V): {head.ocv_before_V:.9g}")
    if math.isfinite(head.amplitude_rms_V):
        lines.append(f"  Potential-AC:               {mV_from_V(head.amplitude_rms_V):.9g}")
    lines += [f"  Data Points:                {len(spectrum)}", "  " + "\t".join(COLUMNS), END]
    for f_Hz, z_ohm, ampl, e_V, t_s in zip(
        spectrum.frequency_Hz, spectrum.z_ohm, measured, spectrum.e_dc_V, spectrum.t_end_s, strict=True
    ):
        values = (f_Hz, or_zero(asked if math.isfinite(asked) else ampl), or_zero(e_V), or_zero(t_s))
        numbers = [f"{value:.9E}" for value in (*values, z_ohm.real, z_ohm.imag, 0.0)]
        lines.append("\t".join([*numbers, "0", "0"]))
    return (WINDOWS_LINE_END.join(lines) + WINDOWS_LINE_END).encode()


def _comment(name: str, text: str) -> list[str]:
    """Return a comment line, none where there is nothing to say or readers would trip over it."""
    text = one_line(text, "(hz)", END, "open circuit", "control ")
    return [f"  {name}{text}"] if text else []


FORMAT = SpectrumFormat("zplot", "ZPlot and ZView .z", (".z",), recognises, read, write)
