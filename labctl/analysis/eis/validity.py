"""Say what is wrong with a spectrum before anybody believes its numbers.

Each rule is one small function and its limits are named constants. A *grave* finding means that the numbers are not
the cell's: no circuit is fitted then. Sources: data-formats.md section 3 (signs, rms), potentiostat.md 3.3 to 3.5
(overload, contour, drift, amplitude), cell-models.md section 4 (bulk resistances); where a limit is our own choice, its
line says why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.eis.kk import RMS_LIMIT, LinKK
from labctl.analysis.eis.short import short_of
from labctl.model.spectrum import FloatArray, PointFlag, Spectrum

Mask = NDArray[np.bool_]

CAPACITIVE_BELOW_HZ = 1e4
"""From here down a cable is invisible and a cell is capacitive."""
REACTIVE = 0.02
"""A point whose |Z''| is a smaller part of |Z| says nothing about the sign."""
SIGN_POINTS_MIN = 5
SIGN_FRACTION = 0.9
OCV_SHIFT_V = 0.005
"""Half of the usual amplitude: a larger shift during the sweep is as much of a change as the measurement itself."""
BULK_MIN_OHM_CM2, BULK_MAX_OHM_CM2 = 0.05, 3000.0
"""The reference cells have 5 (liquid) to 25 (polymer, 60 degC; 1,600 at 25 degC): none is a thousand times off."""
NEAR = 0.08
"""An amplitude may be 5 % off (potentiostat.md 3.3); rms and peak differ by 41 %."""
ALIKE = 0.03
"""Two spectra whose ratio varies by less than this over all frequencies differ by a factor, not by age."""
HOPELESS_RMS = 0.05
"""Of Lin-KK: three times what the largest planted drift leaves; numbers fitted to it would be the disturbance's."""
BEYOND_RANGE = 100.0
"""A current so many times its range's full scale was not read in that range."""


class FindingKind(StrEnum):
    """What can be wrong."""

    KK_FAILED = "kk failed"
    DRIFT = "drift"
    OVERLOAD = "overload"
    UNDERLOAD = "underload"
    TIMING = "timing"
    OUTSIDE_CONTOUR = "outside contour"
    INDUCTIVE = "inductive"
    NOT_FINITE = "not finite"
    SIGN = "sign"
    POLARITY = "polarity"
    AMPLITUDE_KIND = "rms or peak"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; ``text`` is a sentence for a person, ``points`` the places it concerns (maybe none)."""

    kind: FindingKind
    text: str
    grave: bool = False
    points: tuple[int, ...] = ()


_TOLD = {
    FindingKind.OVERLOAD: (
        PointFlag.OVERLOAD_I | PointFlag.OVERLOAD_E,
        "overloaded the instrument and are left out",
    ),
    FindingKind.OUTSIDE_CONTOUR: (
        PointFlag.OUTSIDE_CONTOUR,
        "lie outside the instrument's accuracy contour and are left out",
    ),
    FindingKind.UNDERLOAD: (PointFlag.UNDERLOAD, "used too little of the current range: they are noisy"),
    FindingKind.TIMING: (PointFlag.TIMING, "were not measured in the time that was asked for"),
}
"""Per kind of finding the instrument's own flags and what they mean."""


def usable(spectrum: Spectrum) -> Mask:
    """Return which points may be analysed: measured, not overloaded, inside the contour. Shape: (n,)."""
    spoilt = PointFlag.OVERLOAD_I | PointFlag.OVERLOAD_E | PointFlag.OUTSIDE_CONTOUR
    kept: Mask = _measured(spectrum) & ((spectrum.flags & int(spoilt)) == 0)
    return kept


def _measured(spectrum: Spectrum) -> Mask:
    """Return which points are a finite impedance that is not 0, at a finite frequency above 0. Shape: (n,)."""
    size_ohm, frequency_Hz = np.abs(spectrum.z_ohm), spectrum.frequency_Hz
    mask: Mask = np.isfinite(size_ohm) & (size_ohm > 0.0) & np.isfinite(frequency_Hz) & (frequency_Hz > 0.0)
    return mask


def inductive(spectrum: Spectrum) -> Mask:
    """Return which points show the cable alone: Z'' >= 0 from the highest frequency down. Shape: (n,).

    Points without an impedance neither count nor end it.
    """
    measured = _measured(spectrum)
    order = np.argsort(spectrum.frequency_Hz)[::-1]
    leading = np.logical_and.accumulate((~measured | (spectrum.z_im_ohm >= 0.0))[order])
    mask = np.zeros(len(spectrum), dtype=np.bool_)
    mask[order] = leading
    return mask & measured


def findings(
    spectrum: Spectrum, kk: LinKK | None = None, before: Spectrum | None = None
) -> tuple[Finding, ...]:
    """Return everything that is wrong; ``before`` is an earlier spectrum of the same cell, where there is one."""
    found = [*_of_points(spectrum)]
    clean = spectrum.kept(usable(spectrum))
    if len(clean):
        if short_of(clean.frequency_Hz, clean.z_ohm, clean.head.area_cm2) is None:
            # all that is reactive in a short is its cable, a coil and rightly so, and any size is right for it
            found += [*_of_signs(clean), *_of_size(clean)]
        found += _of_amplitudes(clean)
        if before is not None:
            found += _of_scale(clean, before.kept(usable(before)))
    turned = any(one.kind is FindingKind.SIGN for one in found)  # breaks the relations by itself
    found += _of_stationarity(spectrum, None if turned else kk)
    return tuple(found)


def _of_points(spectrum: Spectrum) -> Iterator[Finding]:
    """Find points that the instrument itself doubts, that are no numbers, or that show the cable."""
    measured = _measured(spectrum)
    if not measured.all():
        yield _counted(FindingKind.NOT_FINITE, ~measured, "are no impedance or no frequency and are left out")
    for kind, (bits, text) in _TOLD.items():
        flagged = (spectrum.flags & int(bits)) != 0
        if flagged.any():
            yield _counted(kind, flagged, text)
    cable = inductive(spectrum)
    if cable.any():
        yield _counted(FindingKind.INDUCTIVE, cable, "are inductive: they show the cable, not the cell")


def _counted(kind: FindingKind, mask: Mask, text: str) -> Finding:
    places = tuple(int(place) for place in np.flatnonzero(mask))
    return Finding(kind, f"{len(places)} of {len(mask)} points {text}.", points=places)


def _of_signs(spectrum: Spectrum) -> Iterator[Finding]:
    """Find a turned imaginary part or a turned current."""
    telling = spectrum.frequency_Hz <= CAPACITIVE_BELOW_HZ
    telling &= np.abs(spectrum.z_im_ohm) > REACTIVE * np.abs(spectrum.z_ohm)
    turned = int(np.sum(spectrum.z_im_ohm[telling] > 0.0))
    if np.sum(telling) >= SIGN_POINTS_MIN and turned >= SIGN_FRACTION * np.sum(telling):
        text = (
            f"Z'' is positive at {turned} of {np.sum(telling)} points below 10 kHz, so this is a coil and no cell: the "
            "file or driver gives -Z''; Z'' is signed here, negative where capacitive."
        )
        yield Finding(FindingKind.SIGN, text, grave=True)
    if float(np.median(spectrum.z_re_ohm)) < 0.0:
        text = "Z' is negative: the current is counted the other way round, or the leads are swapped on one side."
        yield Finding(FindingKind.POLARITY, text, grave=True)


def _of_amplitudes(spectrum: Spectrum) -> Iterator[Finding]:
    """Find voltages and currents that do not belong to the impedance, or to the amplitude that was asked for."""
    ratio = _median(_over(np.abs(spectrum.z_ohm) * spectrum.i_ac_rms_A, spectrum.e_ac_rms_V))
    slip = slip_of(ratio)
    if math.isfinite(ratio) and (slip is not None or abs(ratio - 1.0) > 5.0 * NEAR):
        text = f"|Z| is {ratio:.4g} times e_ac/i_ac: {_told(slip, 'voltage and current')}."
        yield Finding(slip or FindingKind.UNIT, text, grave=True)
    asked = (
        ("voltage", spectrum.e_ac_rms_V, spectrum.head.amplitude_rms_V),
        ("current", spectrum.i_ac_rms_A, spectrum.head.amplitude_rms_A),
    )
    for name, measured, wanted in asked:
        factor = _median(measured) / wanted if wanted else math.nan
        slip = slip_of(factor)
        if slip is not None:
            text = f"The measured {name} is {factor:.4g} times the amplitude that was asked for: {_told(slip, name)}."
            yield Finding(slip, text)
    times = _median(_over(spectrum.i_ac_rms_A, spectrum.range_A))
    if times > BEYOND_RANGE:
        text = f"The current is {times:.3g} times its range's full scale: mA were taken for A."
        yield Finding(FindingKind.UNIT, text, grave=True)


def _of_size(spectrum: Spectrum) -> Iterator[Finding]:
    """Find an impedance that no cell of this area has."""
    bulk_ohm_cm2 = float(spectrum.z_re_ohm.min()) * spectrum.head.area_cm2
    if bulk_ohm_cm2 > BULK_MAX_OHM_CM2 or 0.0 < bulk_ohm_cm2 < BULK_MIN_OHM_CM2:
        text = (
            f"The smallest Z' is {bulk_ohm_cm2:.3g} ohm cm2, and cells have {BULK_MIN_OHM_CM2:g} to "
            f"{BULK_MAX_OHM_CM2:,.0f}: mA were taken for A (or the other way round), or the area is wrong."
        )
        yield Finding(FindingKind.UNIT, text, grave=True)


def _of_scale(spectrum: Spectrum, before: Spectrum) -> Iterator[Finding]:
    """Find a spectrum that is an earlier one times the factor of a slip, cable and electrolyte included."""
    same = len(spectrum) == len(before) and np.allclose(spectrum.frequency_Hz, before.frequency_Hz, rtol=1e-3)
    if not same or not len(spectrum):
        return
    ratios = np.abs(spectrum.z_ohm) / np.abs(before.z_ohm)
    ratio = _median(ratios)
    slip = slip_of(ratio)
    if slip is not None and float(np.max(np.abs(ratios / ratio - 1.0))) < ALIKE:
        text = f"|Z| is {ratio:.4g} times that of the spectrum before, at every frequency: {_told(slip, 'current')}."
        yield Finding(slip, text, grave=True)


def _of_stationarity(spectrum: Spectrum, kk: LinKK | None) -> Iterator[Finding]:
    """Find what breaks the Kramers-Kronig relations, and a cell that changed during its sweep."""
    if kk is not None and not kk.passed:
        hopeless = kk.rms > HOPELESS_RMS
        text = f"Lin-KK leaves {100 * kk.rms:.2g} % rms, more than {100 * RMS_LIMIT:g} %"
        why = (
            "its residuals follow each other, as a drift does"
            if kk.drifting
            else "they scatter as noise does"
        )
        so = "; no cell answers like this" if hopeless else ""
        yield Finding(FindingKind.KK_FAILED, f"{text}: {why}{so}.", hopeless)
    shift_V = abs(spectrum.head.ocv_after_V - spectrum.head.ocv_before_V)
    reasons = []
    if kk is not None and kk.drifting:
        reasons.append("Lin-KK leaves residuals that follow each other")
    if shift_V > OCV_SHIFT_V:
        reasons.append(f"the open-circuit voltage moved by {1e3 * shift_V:.3g} mV")
    if reasons:
        yield Finding(FindingKind.DRIFT, f"The cell changed during the sweep: {' and '.join(reasons)}.")


def slip_of(ratio: float) -> FindingKind | None:
    """Return which slip a factor is: the square root of 2 for rms and peak, 1,000 for milli; either way round."""
    if not (math.isfinite(ratio) and ratio > 0.0):
        return None
    size = max(ratio, 1.0 / ratio)
    if abs(size / math.sqrt(2.0) - 1.0) < NEAR:
        return FindingKind.AMPLITUDE_KIND
    milli = any(
        abs(size / (1000.0 * factor) - 1.0) < NEAR for factor in (1.0, math.sqrt(2.0), math.sqrt(0.5))
    )
    return FindingKind.UNIT if milli else None


def _told(slip: FindingKind | None, what: str) -> str:
    if slip is FindingKind.AMPLITUDE_KIND:
        return f"rms and peak were mixed up in {what}"
    if slip is FindingKind.UNIT:
        return f"milli was lost or added in {what} (mA for A, mV for V)"
    return f"{what} do not belong to this impedance"


def _over(values: FloatArray, others: FloatArray) -> FloatArray:
    """Return the quotients, NaN where one of the two is no number or divides by 0. Shapes: (n,)."""
    known = np.isfinite(values) & np.isfinite(others) & (others != 0.0)
    quotients: FloatArray = np.divide(values, others, out=np.full(values.shape, np.nan), where=known)
    return quotients


def _median(values: FloatArray) -> float:
    """Return the median of the finite values; NaN without any."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else math.nan
