"""Compute dQ/dV of one half-cycle, with the smoothing stated in the result.

Method: the voltage is made monotone (running maximum of a charge, running minimum of a discharge: a reading
may not count backwards for noise), the charge is read at the edges of a uniform voltage grid and
differenced, so that the area under the curve is exactly the charge passed between the edges; a Gaussian of
stated width, normalised at the ends, then smooths it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labctl.analysis.curves import Curve, FloatArray
from labctl.errors import UserInputError

DEFAULT_STEP_V = 0.005
DEFAULT_SMOOTHING_V = 0.010
GRID_MAX = 200_000  # 5 mV over 1 kV: a finer grid is a slip of units


@dataclass(frozen=True, slots=True, eq=False)
class DqDv:
    """dQ/dV of a half-cycle, negative for a discharge (the voltage falls while charge passes).

    ``step_V`` is the width of the voltage grid, ``smoothing_V`` the standard deviation of the Gaussian (0 =
    none). Shape: both arrays (n,), voltage rising.
    """

    voltage_V: FloatArray
    dqdv_Ah_per_V: FloatArray
    step_V: float
    smoothing_V: float


def dqdv(curve: Curve, *, step_V: float = DEFAULT_STEP_V, smoothing_V: float = DEFAULT_SMOOTHING_V) -> DqDv:
    """Return dQ/dV of one half-cycle on a voltage grid of ``step_V``, smoothed with a Gaussian.

    Raises: UserInputError where the grid is not usable for this curve.
    """
    if step_V <= 0.0 or smoothing_V < 0.0:
        raise UserInputError("dQ/dV needs a voltage step above 0 V and a smoothing of 0 V or more.")
    if len(curve.voltage_V) < 2:
        return DqDv(np.empty(0), np.empty(0), step_V, smoothing_V)
    rising = curve.voltage_V[-1] >= curve.voltage_V[0]
    voltage_V = (np.maximum if rising else np.minimum).accumulate(curve.voltage_V)
    # of equal voltages the last one holds: the charge of a plateau belongs to the step that leaves it
    last = np.append(voltage_V[1:] != voltage_V[:-1], True)
    voltage_V, charge_Ah = voltage_V[last], curve.capacity_Ah[last]
    if not rising:
        voltage_V, charge_Ah = voltage_V[::-1], charge_Ah[::-1]
    cells = int(np.floor((voltage_V[-1] - voltage_V[0]) / step_V))
    if cells > GRID_MAX:
        raise UserInputError(f"dQ/dV on a grid of {step_V:g} V would have {cells} points; widen the step.")
    if cells < 1:
        return DqDv(np.empty(0), np.empty(0), step_V, smoothing_V)
    edges_V = voltage_V[0] + step_V * np.arange(cells + 1)
    slope = np.diff(np.interp(edges_V, voltage_V, charge_Ah)) / step_V
    return DqDv(edges_V[:-1] + step_V / 2.0, gaussian(slope, smoothing_V / step_V), step_V, smoothing_V)


def gaussian(values: FloatArray, sigma: float) -> FloatArray:
    """Smooth evenly spaced values: Gaussian of ``sigma`` points, cut at 4 sigma, normalised at the ends."""
    if sigma <= 0.0 or len(values) < 2:
        return values
    reach = min(int(np.ceil(4.0 * sigma)), len(values) - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    middle = slice(reach, reach + len(values))
    weight = np.convolve(np.ones(len(values)), kernel)[middle]
    smooth: FloatArray = np.convolve(values, kernel)[middle] / weight
    return smooth
