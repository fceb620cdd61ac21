"""VersaStudio ``.par`` (VersaSTAT 3/4, PARSTAT 3000/4000): tagged text, one comma-separated table per segment.

``<Name>`` ... ``</Name>`` enclose ``Key=Value`` lines; it is not XML. A segment's line ``Definition=`` names the
columns of the rows behind it. Source: potentiostat.md 2.2.4. What the codes of current range and status mean is not
public: they are neither read nor written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from labctl.analysis.eisfiles.texttable import (
    WINDOWS_LINE_END,
    Row,
    apart,
    columns_of,
    dc_of,
    is_number,
    lines_of,
    number,
    one_line,
    or_zero,
    parts_of,
    spectrum_of,
    told,
    told_number,
)
from labctl.errors import UserFileError
from labctl.interfaces.potentiostat import DcBlock
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import FloatArray, Spectrum, SpectrumHead
from labctl.model.units import V_from_mV, mV_from_V

DEFINITION = (
    "Segment #, Point #, E(V), I(A), Elapsed Time(s), ADC Sync Input(V), Current Range, Status, E Applied(V), "
    "Frequency(Hz), E Real, E Imag, I Real, I Imag, Z Real, Z Imag, E2 Status, E2(V), E2 Real, E2 Imag, Z2 Real, "
    "Z2 Imag, ActionId, AC Amplitude, 0"
)
_NEEDED = {"Segment #": "segment", "Frequency(Hz)": "f", "Z Real": "re", "Z Imag": "im"}
_WANTED = _NEEDED | {
    "E(V)": "e", "I(A)": "i", "Elapsed Time(s)": "t", "E Real": "e_re", "E Imag": "e_im", "I Real": "i_re",
    "I Imag": "i_im",
}  # fmt: skip
AMPLITUDE = "Amplitude (mV RMS)"
POTENTIOSTATIC_EIS = 21
"""The action id that files of VersaStudio 2.52 give to "Potentiostatic EIS"."""


@dataclass(slots=True)
class _Section:
    """One tagged part: its settings, and the rows of its table if it has one."""

    name: str
    settings: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def recognises(data: bytes) -> bool:
    """Say whether a file begins with VersaStudio's section and has the line that names columns."""
    lines = lines_of(data[:2000])
    return any(line.strip() == "<Application>" for line in lines) and b"Definition=" in data


def _sections(lines: list[str]) -> Iterator[_Section]:
    section: _Section | None = None
    for place, line in enumerate(lines, start=1):
        text = line.strip()
        if section is None:
            if text.startswith("<") and text.endswith(">") and not text.startswith("</"):
                section = _Section(text[1:-1])
        elif text == f"</{section.name}>":
            yield section
            section = None
        elif text.startswith("Definition="):
            section.names = [name.strip() for name in text.removeprefix("Definition=").split(",")]
        elif section.names and text:
            section.rows.append(Row(place, tuple(text.split(","))))
        else:
            key, equals, value = text.partition("=")
            if equals:
                section.settings[key] = value
    if section is not None:
        yield section  # a file that was cut off in its last section


def read(data: bytes, source: str) -> SpectrumContent:
    """Read the spectra of all segments, and their DC rows (frequency 0) apart. Raises: UserFileError."""
    sections = list(_sections(lines_of(data)))
    tables = [part for part in sections if part.names and part.rows]
    tables = [part for part in tables if _NEEDED.keys() <= set(part.names)]
    if not tables:
        raise UserFileError(
            "no segment has the columns Frequency(Hz), Z Real and Z Imag with rows.",
            path=source,
            fix="Save the experiment again after an EIS action has ended.",
        )
    head = _head(sections)
    spectra: list[Spectrum] = []
    dc: list[tuple[FloatArray, ...]] = []
    for part in tables:
        found, still = _table(part, source, head)
        spectra += found
        dc.append(still)
    if not spectra:
        raise UserFileError(
            "the segments hold DC rows alone, no frequency.", path=source, fix="Choose another file."
        )
    return SpectrumContent(tuple(spectra), _joined(dc))


def _joined(dc: list[tuple[FloatArray, ...]]) -> DcBlock | None:
    elapsed_s, e_V, i_A = (np.concatenate(columns) for columns in zip(*dc, strict=True))
    return dc_of(elapsed_s, e_V, i_A)


def _table(part: _Section, source: str, head: SpectrumHead) -> tuple[list[Spectrum], tuple[FloatArray, ...]]:
    """Return the spectra of one table, one per segment number, and (elapsed s, E V, I A) of its DC rows."""
    places = {own: part.names.index(name) for name, own in _WANTED.items() if name in part.names}
    every = columns_of(part.rows, places, source)
    unknown = np.full(len(part.rows), np.nan)
    for own in _WANTED.values():
        every.setdefault(own, unknown)
    points, is_point = apart(part.rows, every["f"])
    columns = {name: column[is_point] for name, column in every.items()}
    spectra = []
    for mine in parts_of(columns["segment"]):
        of_segment = {name: column[mine] for name, column in columns.items()}
        rows = [row for row, keep in zip(points, mine, strict=True) if keep]
        more = {
            "e_dc_V": told(of_segment["e"]),
            "i_dc_A": told(of_segment["i"]),
            "t_end_s": told(of_segment["t"]),
            "e_ac_rms_V": told(np.hypot(of_segment["e_re"], of_segment["e_im"])),
            "i_ac_rms_A": told(np.hypot(of_segment["i_re"], of_segment["i_im"])),
        }
        spectra.append(spectrum_of(of_segment, rows, source, head, **more))
    return spectra, tuple(every[name][~is_point] for name in ("t", "e", "i"))


def _head(sections: list[_Section]) -> SpectrumHead:
    """Return what is true for all spectra of the file: no amplitude where its actions have several."""
    known: dict[str, str] = {}
    for part in sections:
        if part.name in ("Action0", "Instrument", "Experiment") or AMPLITUDE in part.settings:
            known |= part.settings
    amplitudes = [part.settings[AMPLITUDE].strip() for part in sections if AMPLITUDE in part.settings]
    alike = len(set(amplitudes)) == 1
    day, clock = known.get("DateAcquired", ""), known.get("TimeAcquired", "")
    notes = []
    if day or clock:
        notes.append(f"taken {day} {clock} by the clock of the measuring computer".replace("  ", " "))
    if amplitudes and not alike:
        notes.append(
            f"the actions have amplitudes of {', '.join(amplitudes)} mV rms; which is whose is not told"
        )
    return SpectrumHead(
        instrument=f"{known.get('Type', '')}{known.get('Model', '')}",
        amplitude_rms_V=V_from_mV(told_number(amplitudes[0])) if alike else math.nan,
        ocv_before_V=_volts(known.get("Measured Open Circuit", "")),
        notes=tuple(notes),
    )


def _volts(text: str) -> float:
    """Return a potential written as ``6.404 mV`` or ``3.3 V``; NaN for anything else."""
    value, _, unit = text.replace("μ", "µ").partition(" ")
    factors = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6}
    return number(value) * factors[unit] if is_number(value) and unit in factors else math.nan


def write(spectrum: Spectrum) -> bytes:
    """Write one EIS action and its segment, in the layout that outside readers take.

    An action with ``Segments=0`` stands before the one with ``Segments=1``, and exactly Type, Version and Definition
    stand before the rows. E is put on the real axis and I = E / Z, so that Z is E / I to the digits printed.
    """
    head = spectrum.head
    f_Hz = spectrum.frequency_Hz
    decades = math.log10(float(f_Hz.max()) / float(f_Hz.min()))
    per_decade = round((len(spectrum) - 1) / decades) if decades > 0.0 else 1
    comment = one_line(f"{head.cell_id} {head.name}", "segment", "definition=")
    circuit = (
        [f"Measured Open Circuit={mV_from_V(head.ocv_before_V):.9g} mV"]
        if math.isfinite(head.ocv_before_V)
        else []
    )
    sections = {
        "Application": ["Name=VersaStudio", "Version=2.52.3.0"],
        "Action0": [*circuit, "Segments=0", "Name=Common", f"Comment={comment}"],
        "Instrument": [f"Type={one_line(f'{head.instrument} {head.model}', 'segment', 'definition=')}"],
        "Action1": [
            f"Points Per Decade={per_decade}",
            "Point Spacing=Logarithmic",
            f"{AMPLITUDE}={mV_from_V(or_zero(head.amplitude_rms_V)):.9g}",
            f"End Frequency (Hz)={f_Hz[-1]:.10g}",
            f"Start Frequency (Hz)={f_Hz[0]:.10g}",
            "Segments=1",
            "ParentNode=Common",
            "Name=Potentiostatic EIS",
        ],
        "Segment1": ["Type=2", "Version=3", f"Definition={DEFINITION}", *_rows(spectrum)],
    }
    lines: list[str] = []
    for name, body in sections.items():
        lines += [f"<{name}>", *body, f"</{name}>", ""]
    return WINDOWS_LINE_END.join(lines).encode()


def _rows(spectrum: Spectrum) -> Iterator[str]:
    e_ac_V = np.where(
        np.isfinite(spectrum.e_ac_rms_V), spectrum.e_ac_rms_V, spectrum.i_ac_rms_A * np.abs(spectrum.z_ohm)
    )
    asked_V = or_zero(spectrum.head.amplitude_rms_V)
    for place, z_ohm in enumerate(spectrum.z_ohm):
        e_V = or_zero(e_ac_V[place])
        i_A = e_V / z_ohm if z_ohm else 0j
        values = (
            spectrum.e_dc_V[place], spectrum.i_dc_A[place], spectrum.t_end_s[place], 0, 0, 0, spectrum.e_dc_V[place],
            spectrum.frequency_Hz[place], e_V, 0, i_A.real, i_A.imag, z_ohm.real, z_ohm.imag,
            0, 0, 0, 0, 0, 0, POTENTIOSTATIC_EIS, asked_V,
        )  # fmt: skip
        yield ",".join(["0", str(place), *(f"{or_zero(value):.10G}" for value in values)])


FORMAT = SpectrumFormat("versastudio", "VersaStudio .par", (".par",), recognises, read, write)
