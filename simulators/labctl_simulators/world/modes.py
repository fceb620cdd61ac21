"""Decay tables of a set of time constants on the 0.1 s tick grid.

Every decay is looked up as exp(-60 s a / tau) x exp(-0.1 s b / tau) with k = 600 a + b ticks, and sums over
modes run in a fixed order over whole vector registers. So the bits of a value depend on its tick alone: not
on the other ticks asked for at the same time, and not on any BLAS.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from labctl_simulators.world.elements import FloatArray

TICK_s = 0.1
TICKS_PER_s = 10.0
TICKS_LONGEST = 360_000
"""No chunk is longer than ten hours; it bounds the tables (0.3 MB per kind of cell)."""
_FINE_TICKS = 600
NEGLIGIBLE = 1e-100
"""Smaller decays count as zero; it keeps denormal numbers, which are slow, out of the sums."""


class DecayTable:
    """exp(-t/tau_j) for t = 0.1 s k, k = 0 ... TICKS_LONGEST."""

    def __init__(self, taus_s: tuple[float, ...]) -> None:
        self.taus_s = np.array(taus_s)
        column = -1.0 / self.taus_s[:, None]
        self._coarse = _decays(column * (60.0 * np.arange(TICKS_LONGEST // _FINE_TICKS + 1)))
        self._fine = _decays(column * (TICK_s * np.arange(_FINE_TICKS)))

    def at(self, ticks: NDArray[np.int64]) -> FloatArray:
        """Return the decays. Shape: (modes, len(ticks)), C-contiguous."""
        coarse, fine = np.divmod(ticks, _FINE_TICKS)
        decays = self._coarse.take(coarse, axis=1)
        decays *= self._fine.take(fine, axis=1)
        return decays

    def at_one(self, tick: int) -> FloatArray:
        """Return the decays at one tick, with the bits of ``at``. Shape: (modes,)."""
        coarse, fine = divmod(tick, _FINE_TICKS)
        result: FloatArray = self._coarse[:, coarse] * self._fine[:, fine]
        return result


def _decays(exponents: FloatArray) -> FloatArray:
    decays = np.exp(exponents)
    decays[decays < NEGLIGIBLE] = 0.0
    return decays


@lru_cache(maxsize=128)
def decay_table(taus_s: tuple[float, ...]) -> DecayTable:
    """Return the shared table of a set of time constants."""
    return DecayTable(taus_s)


def weighted(weights: FloatArray, decays: FloatArray) -> FloatArray:
    """Return sum_j weights_j decays_jk, adding mode after mode.

    Shape: (len(decays[0]),), which must be a multiple of the vector register (``elements.padded``): then
    numpy reduces along the outer axis, one elementwise addition per mode.
    """
    if not len(weights):
        return np.zeros(decays.shape[1])
    total: FloatArray = np.add.reduce(decays * weights[:, None], axis=0)
    return total
