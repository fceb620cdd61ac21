"""Decides from readings whether a chamber has held its set point long enough. Pure: it is told the time."""

from __future__ import annotations

from collections import deque

from labctl.interfaces.chamber import ChamberReading, ChamberState, Quality

READINGS_MAX = 4096
"""Eleven hours at one reading each 10 s: longer than any soak."""

GAP_MAX_S = 120.0
"""Readings further apart say nothing about the time between them."""


class SettledWatch:
    """Remembers readings with their plant times."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, float, float]] = deque(maxlen=READINGS_MAX)  # (s, degC, set degC)

    def note(self, now_s: float, reading: ChamberReading) -> None:
        """Take a reading; one that is not good, or of a chamber that is not on, begins anew."""
        if reading.quality is not Quality.GOOD or reading.state is not ChamberState.ON:
            self._readings.clear()
        else:
            self._readings.append((now_s, reading.temperature_degC, reading.setpoint_degC))

    def forget(self) -> None:
        """Begin anew: the set point has changed or the chamber was away."""
        self._readings.clear()

    def held(self, tolerance_K: float, hold_s: float) -> bool:
        """Tell whether the last ``hold_s`` were without a break within the tolerance of one set point."""
        if not self._readings:
            return False
        newest_s, _, setpoint_degC = self._readings[-1]
        later_s = newest_s
        for at_s, temperature_degC, set_degC in reversed(self._readings):
            off = abs(temperature_degC - setpoint_degC) > tolerance_K or set_degC != setpoint_degC
            if off or later_s - at_s > GAP_MAX_S:
                return False
            if newest_s - at_s >= hold_s:
                return True
            later_s = at_s
        return False
