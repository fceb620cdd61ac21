"""Spectra and their fits as clients get them: plain columns, and what the analysis says of them.

Z'' is signed everywhere (negative where capacitive), amplitudes are rms. What nobody knows is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from labctl.model.handover import SpectrumEntry
from labctl.model.spectrum import COLUMNS, FloatArray, Spectrum, SpectrumHead

Column = tuple[float, ...]
NAN = float("nan")
SPLIT = ("z_re_ohm", "z_im_ohm")
"""The columns that stand for ``z_ohm``: JSON has no complex numbers."""


@dataclass(frozen=True, slots=True)
class SpectrumTable:
    """One spectrum with everything that is known of it.

    ``columns`` are those of ``labctl.model.spectrum.Spectrum`` in the order of measurement, with ``z_re_ohm`` and
    ``z_im_ohm`` for ``z_ohm``; all have the same length, 0 where nothing has been measured yet.
    """

    entry: SpectrumEntry
    head: SpectrumHead = field(default_factory=SpectrumHead)
    columns: Mapping[str, Column] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: SpectrumEntry, spectrum: Spectrum | None) -> Self:
        """Make one of a spectrum; None: no point has come yet."""
        if spectrum is None:
            return cls(entry)
        names = (name for each in COLUMNS for name in (SPLIT if each == "z_ohm" else (each,)))
        columns = {name: tuple(getattr(spectrum, name).tolist()) for name in names}
        return cls(entry, spectrum.head, columns)

    def spectrum(self) -> Spectrum:
        """Return the spectrum as arrays; without points it has length 0."""
        if not self.columns:
            return Spectrum.of((), (), self.head)
        re_ohm, im_ohm = (np.asarray(self.columns[name], dtype=np.float64) for name in SPLIT)
        others: dict[str, FloatArray | NDArray[np.uint8]] = {
            name: np.asarray(self.columns[name], dtype=np.float64)
            for name in COLUMNS
            if name in self.columns and name not in ("frequency_Hz", "flags")
        }
        flags = np.asarray(self.columns["flags"], dtype=np.uint8)
        return Spectrum.of(
            self.columns["frequency_Hz"], re_ohm + 1j * im_ohm, self.head, flags=flags, **others
        )


@dataclass(frozen=True, slots=True)
class FittedValue:
    """A fitted value with its 95 % interval; ``high`` is NaN where the spectrum sets no upper bound.

    ``resolved`` is false where the spectrum does not determine it.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    resolved: bool = True


@dataclass(frozen=True, slots=True)
class SpectrumFlag:
    """One thing that is wrong with a spectrum. ``grave``: its numbers are not the cell's, nothing is fitted.

    ``points`` are the places in the columns that it concerns, from 0; maybe none.
    """

    kind: str
    text: str
    grave: bool = False
    points: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class KramersKronig:
    """The Lin-KK test; residuals are (Z_fit - Z)/|Z| at the usable points. ``rms`` is a fraction, not per cent."""

    passed: bool
    drifting: bool
    rms: float
    mu: float
    elements: int
    frequency_Hz: Column
    residual_re: Column
    residual_im: Column


@dataclass(frozen=True, slots=True)
class SpectrumFit:
    """What the analysis says of one spectrum.

    ``outcome`` is ``fitted``, ``shorted`` or ``not fitted``, with ``reason`` for the last two. ``resistances`` names
    ``R_b``, ``R_SEI``, ``R_ct`` and ``R_SEI + R_ct`` where the circuit has them, in ohm; where not ``separate``, only
    the sum is to be believed. ``rms`` is the misfit as a fraction. ``curve_*`` is the fitted circuit at frequencies
    close enough to draw it as a line.
    """

    spectrum_id: str
    outcome: str
    reason: str = ""
    circuit: str = ""
    converged: bool = False
    rms: float = NAN
    separate: bool = False
    parameters: tuple[FittedValue, ...] = ()
    resistances: tuple[FittedValue, ...] = ()
    kk: KramersKronig | None = None
    flags: tuple[SpectrumFlag, ...] = ()
    curve_Hz: Column = ()
    curve_re_ohm: Column = ()
    curve_im_ohm: Column = ()
