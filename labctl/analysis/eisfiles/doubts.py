"""What a person should look at twice about a file of a spectrum, before the numbers themselves are judged."""

from __future__ import annotations

import numpy as np

from labctl.model.spectrum import Spectrum

POINTS_MIN = 5


def doubts(spectrum: Spectrum) -> tuple[str, ...]:
    """Return one sentence per doubt about number and order of the points; empty for one whole sweep."""
    found: list[str] = []
    if len(spectrum) < POINTS_MIN:
        found.append(f"{len(spectrum)} points are hardly a spectrum: the file may hold more than was read.")
    steps = np.diff(spectrum.frequency_Hz)
    if steps.size and not (np.all(steps < 0.0) or np.all(steps > 0.0)):
        found.append("The frequencies do not run in one direction: it may be several sweeps in one file.")
    return tuple(found)
