"""Least squares with values of at least 0 and a ridge: Lawson and Hanson, Solving Least Squares Problems, ch. 23."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import nnls

from labctl.errors import UserInputError
from labctl.model.spectrum import FloatArray

WIDENINGS = 4
"""Columns that are nearly alike can make the method go in circles; a hundred times the ridge then tells them apart."""


def nonnegative(rows: FloatArray, wanted: FloatArray, ridge: float, free: int = 0) -> FloatArray:
    """Return x >= 0 with the least |rows x - wanted|^2 + ridge |x|^2, the first ``free`` values without ridge.

    Shapes: (n, k), (n,) to (k,). Raises: UserInputError where the method finds no end.
    """
    count = rows.shape[1]
    penalty = np.eye(count)[free:]
    target = np.concatenate((wanted, np.zeros(len(penalty))))
    for widening in range(WIDENINGS):
        stacked = np.vstack((rows, math.sqrt(ridge * 100.0**widening) * penalty))
        try:
            found: FloatArray = nnls(stacked, target)[0]
        except RuntimeError:  # its iterations are used up
            continue
        return found
    raise UserInputError("These points have no non-negative least squares that can be found.")
