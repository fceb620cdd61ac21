"""The front of a 273/273A: EXT INPUT in, E MONITOR and I MONITOR out; an anodic current is negative here.

An oscillator plugged into EXT INPUT is added to the set potential, 1 V for 1 V, or to the set current, full scale for
1 V. Both monitors are phasors in V rms relative to that oscillator. What the analogue side adds to the truth are the
effects of the plant. Source: potentiostat.md 2.4.1 and 2.4.6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from labctl_simulators.world.eistiming import TimingLaw
from labctl_simulators.world.potentiostat import EisPoint, PointPlan, Potentiostat, Sine, Sweep

DRIFT_OVER_s = 1000.0
"""An injected drift runs its course within this time from EXT 1 on: an external analyser announces no sweep."""


@dataclass(slots=True)
class Oscillator:
    """What a generator gives out: ``amplitude_V`` is rms, ``bias_V`` direct."""

    frequency_Hz: float = 1000.0
    amplitude_V: float = 0.0
    bias_V: float = 0.0


@dataclass(frozen=True, slots=True)
class Monitors:
    """Both monitors in V rms relative to the oscillator; the current's third harmonic relative to its first."""

    potential_V: complex = 0j
    current_V: complex = 0j
    distortion: float = 0.0


def _integrating(integrated_s: float) -> TimingLaw:
    """Return the law of an analyser that integrates so long: what is averaged, and over which mains pickup goes."""
    return TimingLaw("external", *(lambda frequency_Hz: integrated_s,) * 3)


class Front:
    """The analogue sockets of one instrument. Oscillators come in through an adder: a silent one adds nothing."""

    def __init__(self, plant: Potentiostat, now_s: Callable[[], float]) -> None:
        self.plant = plant
        self.oscillators: list[Oscillator] = []
        self.connected = False
        self.on_change: Callable[[], None] | None = None
        self.on_bias: Callable[[], None] | None = None
        self._now_s = now_s
        self._since_s = 0.0
        self._taken = 0

    def use(self, connected: bool) -> None:
        """Connect EXT INPUT to the summing point, or disconnect it."""
        self.disturbed()
        if connected and not self.connected:
            self._since_s = self._now_s()
        self.connected = connected

    @property
    def bias_V(self) -> float:
        """Return the direct voltage at the summing point."""
        return sum(each.bias_V for each in self.oscillators) if self.connected else 0.0

    def disturbed(self) -> None:
        """Tell whoever listens that the signals are about to change."""
        if self.on_change is not None:
            self.on_change()

    def biased(self) -> None:
        """Tell the instrument that the direct voltage at EXT INPUT has changed."""
        if self.connected and self.on_bias is not None:
            self.on_bias()

    def _point(self, oscillator: Oscillator, number: int, integrated_s: float) -> EisPoint | None:
        plant, now_s = self.plant, self._now_s()
        if not self.connected or not plant.driving or oscillator.amplitude_V <= 0.0:
            return None
        plant.timing = _integrating(max(integrated_s, 1.0 / oscillator.frequency_Hz))
        scale = plant.range.nominal_A if plant.galvanostatic else 1.0
        sine = Sine(oscillator.frequency_Hz, oscillator.amplitude_V * scale, plant.galvanostatic)
        sweep = Sweep(number, self._since_s, DRIFT_OVER_s)
        return plant.point(PointPlan(sine, sweep, 0, now_s, now_s, plant.range, changed=False))

    def monitors(self, oscillator: Oscillator, integrated_s: float) -> Monitors:
        """Return what an analyser that integrates so long finds on the monitors at its oscillator's frequency, now."""
        self._taken += 1
        point = self._point(oscillator, self._taken, integrated_s)
        if point is None:
            return Monitors()
        sign = -1.0 if self.plant.galvanostatic else 1.0  # 1 V at EXT INPUT is a full scale of reduction
        if self.plant.galvanostatic:
            anodic_A = complex(sign * point.i_ac_rms_A)
            potential_V = anodic_A * point.impedance_ohm
        else:
            potential_V = complex(point.e_ac_rms_V)
            anodic_A = potential_V / point.impedance_ohm
        return Monitors(potential_V, -anodic_A / point.range.nominal_A, point.distortion)

    def peak_A(self) -> float:
        """Return the sum of the peaks of the alternating currents that flow now."""
        points = [self._point(oscillator, 0, 0.0) for oscillator in self.oscillators]
        return sum(math.sqrt(2.0) * point.i_ac_rms_A for point in points if point is not None)
