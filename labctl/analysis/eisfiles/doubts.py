"""What a person should look at twice after a file was read: the slips that files of spectra bring most often."""

from __future__ import annotations

import numpy as np

from labctl.model.spectrum import Spectrum

POINTS_MIN = 5
MOST = 0.5
"""More than half of the points decide."""


def doubts(spectrum: Spectrum) -> tuple[str, ...]:
    """Return one sentence per doubt about sign, unit, order and number of the points; empty for a sound spectrum."""
    found: list[str] = []
    count = len(spectrum)
    finite = np.isfinite(spectrum.z_re_ohm) & np.isfinite(spectrum.z_im_ohm)
    if count < POINTS_MIN:
        found.append(f"it has {count} points alone.")
    if not finite.all():
        found.append(f"{count - int(finite.sum())} points have no impedance.")
    z_ohm = spectrum.z_ohm[finite]
    if z_ohm.size and np.mean(z_ohm.imag > 0.0) > MOST:
        found.append(
            "Z'' is positive at most points: either the cell is inductive, or the file holds -Z'' under a header "
            "that does not say so (a minus before the column's name turns it)."
        )
    if z_ohm.size and np.mean(z_ohm.real < 0.0) > MOST:
        found.append("Z' is negative at most points: are real and imaginary part, or the leads, exchanged?")
    steps = np.diff(spectrum.frequency_Hz)
    if steps.size and not (np.all(steps < 0.0) or np.all(steps > 0.0)):
        found.append("the frequencies do not run in one direction: it may be several sweeps in one file.")
    return tuple(found)
