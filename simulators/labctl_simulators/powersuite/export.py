"""The texts that PowerSuite exports, and what may be wrong with them.

The short layout runs from low to high frequency, as the public sample does; the PARSTAT layout in the order of
measurement, rows of direct current first, with 0 in their last five columns. Our choice: numbers as ``%.6E``, lines
ended by CR LF. Source: potentiostat.md 2.3, data-formats.md section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from labctl_simulators.versastat.points import Point

SHORT_HEADER = "Frequency\t Zre\t Zimg"
PARSTAT_COLUMNS = (
    "Potential (V)", "Current (A)", "Elapsed Time (s)", "Frequency (Hz)", "Zre (ohms)", "Zim (ohms)", "|Vac| (V)",
    "|Iac| (A)",
)  # fmt: skip
VOLTAMMOGRAM_COLUMNS = PARSTAT_COLUMNS[:3]


class Layout(StrEnum):
    """What the person chooses when exporting."""

    POWERSUITE = "powersuite"
    PARSTAT = "parstat"


def export_text(points: Sequence[Point], layout: Layout) -> str:
    """Return the text of an export."""
    spectral = [point for point in points if point.frequency_Hz > 0.0]
    if layout is Layout.POWERSUITE:
        rows = [
            _joined(point.frequency_Hz, point.impedance_ohm.real, point.impedance_ohm.imag)
            for point in sorted(spectral, key=lambda point: point.frequency_Hz)
        ]
        return _lines(SHORT_HEADER, rows)
    direct = [point for point in points if point.frequency_Hz == 0.0]
    rows = [
        _joined(
            point.potential_V, point.current_A, point.elapsed_s, point.frequency_Hz, point.impedance_ohm.real,
            point.impedance_ohm.imag, abs(point.vac_V), abs(point.iac_A),
        ) + "\t"
        for point in (*direct, *spectral)
    ]  # fmt: skip
    return _lines("\t".join(PARSTAT_COLUMNS) + "\t", rows)


def voltammogram_text(points: Sequence[Point]) -> str:
    """Return an export of another experiment: it has no columns of a spectrum."""
    rows = [_joined(point.potential_V, point.current_A, point.elapsed_s) + "\t" for point in points]
    return _lines("\t".join(VOLTAMMOGRAM_COLUMNS) + "\t", rows)


def with_comma(text: str) -> str:
    """Return a text as a computer with a decimal comma writes it."""
    return text.replace(".", ",")


def half_of(text: str) -> str:
    """Return the first half of a text, cut inside a number."""
    return text[: text.rindex("E", 0, max(len(text) // 2, 1)) - 2]


def _joined(*values: float) -> str:
    return "\t".join(f"{value:.6E}" for value in values)


def _lines(header: str, rows: Sequence[str]) -> str:
    return "\r\n".join([header, *rows, ""])
