"""An impedance spectrum: columns of points, never one object each.

One sign rule everywhere: ``z_ohm`` holds Z' + jZ'' with Z'' **signed**, so it is negative where a cell is capacitive;
only plots negate it. Amplitudes are **rms**; what a device or a file says as peak is turned at the rim, and
``told_amplitude`` keeps which of the two it was. Source: data-formats.md section 3, potentiostat.md 3.4 and 4.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from enum import IntFlag, StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


class PointFlag(IntFlag):
    """What a point's measurement suffered from, as the device said; 0: nothing."""

    OVERLOAD_I = 1
    OVERLOAD_E = 2
    UNDERLOAD = 4
    RANGE_CHANGED = 8
    TIMING = 16
    OVERLOAD_NEAR = 32
    OUTSIDE_CONTOUR = 64


class AmplitudeKind(StrEnum):
    """How a device or file counts an amplitude; peak = rms x sqrt(2) for a sine."""

    RMS = "rms"
    PEAK = "peak"
    UNKNOWN = "unknown"


def rms_from_peak(peak: float) -> float:
    """Return the rms value of a sine by its peak, in the same unit."""
    return peak / math.sqrt(2.0)


@dataclass(frozen=True, slots=True)
class SpectrumHead:
    """What is true for a whole spectrum; texts may be empty, numbers NaN where nobody has said them."""

    name: str = ""
    instrument: str = ""
    model: str = ""
    cell_id: str = ""
    cycle: int | None = None
    area_cm2: float = math.nan
    amplitude_rms_V: float = math.nan
    amplitude_rms_A: float = math.nan
    told_amplitude: AmplitudeKind = AmplitudeKind.RMS
    ocv_before_V: float = math.nan
    ocv_after_V: float = math.nan
    taken_utc: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Points in the order of measurement. Every column has shape (n,); NaN where the source does not tell.

    ``t_start_s`` and ``t_end_s`` count plant seconds from the start of the technique; ``range_A`` is the full scale of
    the current range in use. Raises: ValueError for columns of different lengths.
    """

    frequency_Hz: FloatArray
    z_ohm: ComplexArray
    e_dc_V: FloatArray
    i_dc_A: FloatArray
    e_ac_rms_V: FloatArray
    i_ac_rms_A: FloatArray
    t_start_s: FloatArray
    t_end_s: FloatArray
    range_A: FloatArray
    flags: NDArray[np.uint8]
    head: SpectrumHead = field(default_factory=SpectrumHead)

    def __post_init__(self) -> None:
        for name in COLUMNS:
            shape = getattr(self, name).shape
            if shape != self.frequency_Hz.shape:
                raise ValueError(f"column {name} has shape {shape}, not {self.frequency_Hz.shape}")

    def __len__(self) -> int:
        return int(self.frequency_Hz.size)

    @classmethod
    def of(
        cls,
        frequency_Hz: FloatArray | Sequence[float],
        z_ohm: ComplexArray | Sequence[complex],
        head: SpectrumHead | None = None,
        **columns: FloatArray | NDArray[np.uint8],
    ) -> Self:
        """Make a spectrum; columns not given are NaN, flags 0."""
        frequency_Hz = np.asarray(frequency_Hz, dtype=np.float64)
        filled: dict[str, FloatArray | NDArray[np.uint8]] = {
            name: np.full(frequency_Hz.shape, np.nan)
            for name in ("e_dc_V", "i_dc_A", "e_ac_rms_V", "i_ac_rms_A", "t_start_s", "t_end_s", "range_A")
        }
        filled["flags"] = np.zeros(frequency_Hz.shape, dtype=np.uint8)
        return cls(
            frequency_Hz=frequency_Hz,
            z_ohm=np.asarray(z_ohm, dtype=np.complex128),
            head=head or SpectrumHead(),
            **{**filled, **columns},  # type: ignore[arg-type]
        )

    @property
    def z_re_ohm(self) -> FloatArray:
        """Return Z' in ohm. Shape (n,)."""
        return self.z_ohm.real

    @property
    def z_im_ohm(self) -> FloatArray:
        """Return Z'' in ohm, signed: negative where capacitive. Shape (n,)."""
        return self.z_ohm.imag

    def kept(self, keep: NDArray[np.bool_]) -> Self:
        """Return the points where ``keep`` is true. Shape of ``keep``: (n,)."""
        columns: dict[str, Any] = {name: getattr(self, name)[keep] for name in COLUMNS}
        return replace(self, **columns)

    def then(self, more: Self) -> Self:
        """Return this spectrum with the points of ``more`` behind its own; the head is this one's."""
        columns: dict[str, Any] = {
            name: np.concatenate((getattr(self, name), getattr(more, name))) for name in COLUMNS
        }
        return replace(self, **columns)


COLUMNS = tuple(one.name for one in fields(Spectrum) if one.name != "head")
"""The names of a spectrum's columns, in order."""
