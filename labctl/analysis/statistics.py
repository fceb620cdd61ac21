"""Summarise numbers over cycles and over repeated cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Spread:
    """Count, mean, sample standard deviation (n - 1), least and largest of the values that are known."""

    count: int
    mean: float
    std: float
    least: float
    largest: float


def spread(values: NDArray[Any]) -> Spread:
    """Return the spread of the values, NaN left out; NaN where there are too few."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    if len(known) == 0:
        return Spread(0, float("nan"), float("nan"), float("nan"), float("nan"))
    std = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
    return Spread(len(known), float(known.mean()), std, float(known.min()), float(known.max()))


def over_cycles(cycles: Mapping[str, NDArray[Any]], name: str, first: int, last: int) -> NDArray[np.float64]:
    """Return the column ``name`` of the complete cycles ``first`` to ``last``, both included."""
    rows = (cycles["cycle"] >= first) & (cycles["cycle"] <= last) & cycles["complete"]
    return np.asarray(cycles[name][rows], dtype=float)
