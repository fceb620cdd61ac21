"""Waiting for a sequence: something is late when **both** plant time and a little link time have passed."""

from __future__ import annotations

from collections.abc import Callable

from labctl.clock import Clock
from labctl.errors import RefusedError
from labctl_drivers.versastat_vdk.kit import Kit

GRACE_LINK_S = 2.0
"""Link seconds that must have passed as well: plant time may leap."""

START_S = 10.0
"""How long ``Start`` may have returned before the sequence runs [S]."""

LOOK_S = 0.1
OPEN_CIRCUIT_S = 60.0
"""Longer than any instrument measures its open circuit by ``AddMeasureOpenCircuit``."""


class Patience:
    """Counts both times since ``begin``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Begin anew."""
        self._plant_s, self._link_s = self._clock.plant.now_s(), self._clock.link.now_s()

    def is_over(self, plant_s: float) -> bool:
        """Tell whether more than ``plant_s`` of plant time and the grace of link time have passed."""
        return (
            self._clock.plant.now_s() - self._plant_s > plant_s
            and self._clock.link.now_s() - self._link_s > min(GRACE_LINK_S, plant_s)
        )


async def until_running(kit: Kit, clock: Clock, given_up: Callable[[], bool] = lambda: False) -> None:
    """Wait until the sequence runs, has points already, or nobody wants it any more.

    Raises: RefusedError where it never runs.
    """
    patience = Patience(clock)
    while not given_up() and not await kit.truth("IsSequenceRunning"):
        if await kit.whole("GetNumPointsAvailable") > 0:
            return
        if patience.is_over(START_S):
            raise RefusedError(f"the sequence does not begin within {START_S:g} s of Start")
        await clock.plant.sleep(LOOK_S)


async def until_idle(kit: Kit, clock: Clock) -> None:
    """Wait until nothing runs any more. Raises: RefusedError where it does not end."""
    patience = Patience(clock)
    while await kit.truth("IsSequenceRunning"):
        if patience.is_over(OPEN_CIRCUIT_S):
            raise RefusedError(f"the open circuit is not measured within {OPEN_CIRCUIT_S:g} s")
        await kit.keep()
        await clock.plant.sleep(LOOK_S)
