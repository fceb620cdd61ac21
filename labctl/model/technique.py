"""What a potentiostat is asked to measure: plain data in SI units, checked by the driver against its model.

Amplitudes are rms, anodic current is positive, potentials are of the working against the reference electrode. A range
of ``None`` leaves the current range to the instrument. Source: potentiostat.md 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from labctl.model.spectrum import FloatArray


@dataclass(frozen=True, slots=True)
class Ocv:
    """Open-circuit potential; ends early once it drifts by less than ``stop_below_V_per_s``."""

    duration_s: float
    interval_s: float = 1.0
    stop_below_V_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Chronoamperometry:
    """Potential steps of (potential V, duration s); ends when |current| passes ``i_limit_A``."""

    steps: tuple[tuple[float, float], ...]
    interval_s: float
    range_A: float | None = None
    i_limit_A: float | None = None


@dataclass(frozen=True, slots=True)
class Chronopotentiometry:
    """Current steps of (current A, duration s); ends when the potential leaves ``e_limits_V``."""

    steps: tuple[tuple[float, float], ...]
    interval_s: float
    e_limits_V: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class LinearSweep:
    """One potential ramp from begin to end."""

    e_begin_V: float
    e_end_V: float
    rate_V_per_s: float
    step_V: float
    range_A: float | None = None


@dataclass(frozen=True, slots=True)
class CyclicVoltammetry:
    """Potential ramps begin -> vertex 1 -> vertex 2 -> begin, ``cycles`` times, then to ``e_end_V``."""

    e_begin_V: float
    e_vertex1_V: float
    e_vertex2_V: float
    e_end_V: float
    rate_V_per_s: float
    step_V: float
    cycles: int = 1
    range_A: float | None = None


@dataclass(frozen=True, slots=True)
class FrequencySweep:
    """Log-spaced frequencies from start to end, both included; either direction.

    Raises: ValueError for frequencies that are not positive and finite, or fewer than one point per decade.
    """

    f_start_Hz: float
    f_end_Hz: float
    points_per_decade: int = 10

    def __post_init__(self) -> None:
        for value in (self.f_start_Hz, self.f_end_Hz):
            if not (math.isfinite(value) and value > 0.0):
                raise ValueError(f"a sweep cannot reach {value} Hz")
        if self.points_per_decade < 1:
            raise ValueError(f"a sweep needs at least one point per decade, not {self.points_per_decade}")

    @property
    def points(self) -> int:
        """Return how many points it has: 71 for 1 MHz to 0.1 Hz at 10 per decade, 64 for 200 kHz to 0.1 Hz.

        Two different ends are two points at least, however near they are.
        """
        steps = round(abs(math.log10(self.f_end_Hz / self.f_start_Hz)) * self.points_per_decade)
        return max(steps, int(self.f_end_Hz != self.f_start_Hz)) + 1

    def frequencies_Hz(self) -> FloatArray:
        """Return the frequencies in the order of measurement. Shape (points,)."""
        return np.geomspace(self.f_start_Hz, self.f_end_Hz, self.points)


@dataclass(frozen=True, slots=True)
class Peis:
    """Impedance under a small potential around ``e_dc_V``.

    ``e_dc_vs`` says whether ``e_dc_V`` is absolute or counts from the open-circuit potential, which the driver
    measures before and which the record then states. ``settle_s`` is held at the potential before the first point.
    """

    sweep: FrequencySweep
    amplitude_rms_V: float
    e_dc_V: float = 0.0
    e_dc_vs: Literal["ref", "ocv"] = "ocv"
    settle_s: float = 10.0
    range_A: float | None = None


@dataclass(frozen=True, slots=True)
class Geis:
    """Impedance under a small current around ``i_dc_A``."""

    sweep: FrequencySweep
    amplitude_rms_A: float
    i_dc_A: float = 0.0
    settle_s: float = 10.0
    range_A: float | None = None


Technique = Ocv | Chronoamperometry | Chronopotentiometry | LinearSweep | CyclicVoltammetry | Peis | Geis
