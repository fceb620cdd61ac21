"""The random-telegraph soft short that may announce a hard one (off by default).

Source: cell-models.md 3.1: for Q_t > 0.97 Q_short multiply V by 1 - U(0, 0.5) in random 1-20 s bursts, one
per 200 s on average. Here each 200 s of the cell's life hold one burst at a random place; its numbers come
from a counter-based generator, so that any tick can be asked for at any time.
"""

from __future__ import annotations

import numpy as np

from labctl_simulators.world.drive import TickArray
from labctl_simulators.world.elements import FloatArray

ONSET_FRACTION = 0.97
SLOT_TICKS = 2000
SHORTEST_TICKS = 10
LONGEST_TICKS = 200
DEEPEST = 0.5


class Precursor:
    """Bursts of one cell; ``key`` is its own 64-bit number."""

    def __init__(self, key: int) -> None:
        self._key = key

    def factor(self, age_ticks: TickArray) -> FloatArray:
        """Return the factor on the voltage at ticks of the cell's life."""
        factor = np.ones(len(age_ticks))
        slots = age_ticks // SLOT_TICKS
        for slot in np.unique(slots):
            start, length, depth = self.burst(int(slot))
            inside = (age_ticks >= start) & (age_ticks < start + length)
            factor[inside] = 1.0 - depth
        return factor

    def burst(self, slot: int) -> tuple[int, int, float]:
        """Return (first tick, length in ticks, depth) of the burst of a 200 s slot."""
        generator = np.random.Generator(np.random.Philox(key=self._key, counter=[slot, 0, 0, 0]))
        length = int(generator.integers(SHORTEST_TICKS, LONGEST_TICKS, endpoint=True))
        start = slot * SLOT_TICKS + int(generator.integers(0, SLOT_TICKS - length, endpoint=True))
        return start, length, float(generator.uniform(0.0, DEEPEST))
